"""How the line is right now: what waits and where, what today has brought, who was heard last. Grouped in the database,
by indexes that hold only what is open; at most COUNTED rows of each are counted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.core.hub.lifecycle import State
from axis.core.hub.terms import Leg, Progress
from axis.core.identity import earliest
from axis.core.instant import to_text
from axis.core.why import MANY_ATTEMPTS, STUCK_AFTER
from axis.infra.record.query import newest
from axis.infra.record.tables import delivery

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from axis.infra.database import Row
    from axis.infra.record.store import HubReader

COUNTED = 100_000
OPEN = 1500  # of each state, of what is on its way or was given up, the newest,
UNRECEIVED = 2000  # and of what was handed over: it may lie unreceived for years
COUNTED_OPEN = 3000  # of what was given up, and of what is overdue
LOOKED_AT = 10  # of what waits for an agency
_LAST = "g"  # no UUID comes after it
# The words of the partial indexes.
_OPEN = "state IN ('ACCEPTED', 'QUEUED', 'FAILED') AND NOT closed"
_MISSED = f"progress = '{Progress.MISSED}'"
_NEWEST_OPEN = " UNION ALL ".join(
    f"SELECT * FROM (SELECT id, recipient, state, updated_at FROM delivery WHERE state = '{state}' AND {_OPEN} "
    f"ORDER BY id DESC LIMIT {OPEN}) AS {state.lower()}"
    for state in (State.ACCEPTED.value, State.QUEUED.value, State.FAILED.value)
)
_WAITING = (
    "SELECT recipient, state, waits, tries, progress, count(*) AS n, min(updated_at) AS since, "
    "min(not_before) AS next_attempt FROM (SELECT d.recipient, d.state, d.updated_at, o.not_before, "
    f"CASE WHEN o.attempts >= {MANY_ATTEMPTS} THEN {MANY_ATTEMPTS} WHEN o.attempts > 0 THEN 1 ELSE 0 END AS tries, "
    "CASE WHEN o.not_before IS NULL THEN 0 WHEN o.not_before < {n} THEN 1 WHEN o.not_before <= {n} THEN 2 ELSE 3 END "
    "AS waits, (SELECT h.progress FROM deadline h WHERE h.delivery_id = d.id AND h.leg = '"
    f"{Leg.HANDOVER}') AS progress FROM "
    f"({_NEWEST_OPEN}) AS d "
    "LEFT JOIN outbox o ON o.delivery_id = d.id) AS x GROUP BY recipient, state, waits, tries, progress"
)
_UNRECEIVED = (
    "SELECT recipient, recall, low, high, has_refused, count(*) AS n, min(updated_at) AS since FROM ("
    "SELECT d.recipient, d.updated_at, "
    "(SELECT m.stage FROM demand m WHERE m.delivery_id = d.id AND m.demand = 'recall' ORDER BY m.number DESC LIMIT 1) "
    "AS recall, (SELECT min(b.code) FROM business_status b WHERE b.delivery_id = d.id) AS low, "
    "(SELECT max(b.code) FROM business_status b WHERE b.delivery_id = d.id) AS high, "
    "EXISTS (SELECT 1 FROM business_status b WHERE b.delivery_id = d.id AND b.code = '02') AS has_refused "
    f"FROM (SELECT delivery_id FROM deadline WHERE leg = '{Leg.RECEPTION}' AND {_MISSED} "
    "ORDER BY delivery_id DESC LIMIT {n}) AS l "
    f"JOIN delivery d ON d.id = l.delivery_id WHERE d.state = '{State.HANDED_OVER}') AS x "
    "GROUP BY recipient, recall, low, high, has_refused"
)
_ACCEPTED = (
    "SELECT count(*) AS n, sum(CASE WHEN axis_id >= {n} THEN 1 ELSE 0 END) AS hour, "
    "sum(CASE WHEN axis_id >= {n} THEN 1 ELSE 0 END) AS minutes FROM (SELECT axis_id FROM submission "
    f"WHERE axis_id >= {{n}} AND axis_id < '{_LAST}' AND kind IN ('new', 'replace') "
    "ORDER BY axis_id DESC LIMIT {n}) AS x"
)
_DELIVERED = (
    "SELECT state, count(*) AS n FROM (SELECT state FROM delivery WHERE axis_id >= {n} "
    f"AND axis_id < '{_LAST}' AND role = 'document' ORDER BY axis_id DESC LIMIT {{n}}) AS x GROUP BY state"
)
_REFUSED = "SELECT count(*) AS n FROM (SELECT 1 AS one FROM refusal WHERE refused_at >= {n} LIMIT {n}) AS x"


# How PostgreSQL is asked the same. It guesses the words of the partial index to be rare where they stand beside a
# state, and sorts what it would find in order; and it reads all deliveries to join some thousands of them, unless each
# is asked for by itself.
_POSTGRESQL = {
    f" AND {_OPEN}": " AND NOT closed",
    "LEFT JOIN outbox o ON o.delivery_id = d.id": "LEFT JOIN LATERAL (SELECT attempts, not_before FROM outbox "
    "WHERE outbox.delivery_id = d.id LIMIT 1) AS o ON true",
    "JOIN delivery d ON d.id = l.delivery_id": "CROSS JOIN LATERAL (SELECT * FROM delivery "
    "WHERE delivery.id = l.delivery_id LIMIT 1) AS d",
}


def _ask(reader: HubReader, text: str, *values: object) -> Sequence[Row]:
    if reader.connection.dialect.name == "sqlite":
        return reader.connection.exec_driver_sql(text.format(n="?"), values).mappings().all()
    for words, others in _POSTGRESQL.items():
        text = text.replace(words, others)
    return reader.connection.exec_driver_sql(text.format(n="%s"), values).mappings().all()


def waiting(reader: HubReader, now: datetime) -> Sequence[Row]:
    """What is on its way or was given up and waits for somebody to decide: how many (`n`), since when the oldest, and
    the next attempt, in groups of which each has one cause: by recipient, state, whether and how long publishing is
    due, how often it was tried (0, 1 or MANY_ATTEMPTS for so often and more), and what became of its term; of each
    state the newest OPEN."""
    return _ask(reader, _WAITING, to_text(now - timedelta(seconds=STUCK_AFTER)), to_text(now))


def unreceived(reader: HubReader) -> Sequence[Row]:
    """What was handed over and whose term to be received is over, in groups of one cause each: by recipient, the stage
    of its last recall, the lowest and highest status, and whether a unit has refused it; of the newest UNRECEIVED."""
    return _ask(reader, _UNRECEIVED, UNRECEIVED)


def accepted(reader: HubReader, now: datetime, since: datetime) -> dict[str, int]:
    """Documents that were accepted from `since` on, within the last hour, within the last five minutes; and
    submissions that were refused from `since` on."""
    moments = [earliest(one) for one in (now - timedelta(hours=1), now - timedelta(minutes=5), since)]
    row = _ask(reader, _ACCEPTED, *moments, COUNTED)[0]
    refused = _ask(reader, _REFUSED, to_text(since), COUNTED)[0]
    found = {"documents": row["n"], "hour": row["hour"], "five_minutes": row["minutes"], "rejected": refused["n"]}
    return {name: int(count or 0) for name, count in found.items()}


def delivered(reader: HubReader, since: datetime) -> dict[str, int]:
    """In which states the deliveries are of what was accepted from `since` on."""
    return {row["state"]: row["n"] for row in _ask(reader, _DELIVERED, earliest(since), COUNTED)}


_FAILED = (
    f"SELECT recipient, count(*) AS n FROM (SELECT recipient FROM delivery WHERE state = '{State.FAILED}' AND {_OPEN} "
    "ORDER BY id DESC LIMIT {n}) AS x GROUP BY recipient"
)
_OVERDUE = (
    "SELECT d.recipient, count(*) AS n FROM (SELECT delivery_id FROM deadline "
    f"WHERE leg = '{Leg.HANDOVER}' AND {_MISSED} ORDER BY delivery_id DESC LIMIT {{n}}) AS l "
    "JOIN delivery d ON d.id = l.delivery_id WHERE d.state IN ('ACCEPTED', 'QUEUED', 'FAILED') AND NOT d.closed "
    "GROUP BY d.recipient"
)
_OLDEST = newest(
    1,
    "k.c0 AS recipient, t.updated_at",
    "delivery",
    "id",
    f"x.recipient = k.c0 AND x.state = '{State.QUEUED}'",
    order="x.id",
    limit=str(LOOKED_AT),
    keys="{keys}",
)


def failed(reader: HubReader) -> dict[str, int]:
    """Deliveries that were given up and that nobody has decided about, by recipient; of the newest COUNTED_OPEN."""
    return {row["recipient"]: row["n"] for row in _ask(reader, _FAILED, COUNTED_OPEN)}


def overdue(reader: HubReader) -> dict[str, int]:
    """Deliveries that have not been handed over within their term, by recipient; of the newest COUNTED_OPEN."""
    return {row["recipient"]: row["n"] for row in _ask(reader, _OVERDUE, COUNTED_OPEN)}


def waiting_since(reader: HubReader, codes: Collection[str]) -> dict[str, str]:
    """Since when the oldest delivery waits in an agency's queue, by recipient, of these; seen in the LOOKED_AT that
    were accepted first."""
    rows: Sequence[Any] = _OLDEST.rows(reader.connection, [(code,) for code in codes]) if codes else ()
    found: dict[str, str] = {}
    for row in rows:
        found[row.recipient] = min(found.get(row.recipient, row.updated_at), row.updated_at)
    return found


_SENT = newest(
    1,
    "k.c0 AS sender, t.received_at",
    "submission",
    "axis_id",
    "x.sender = k.c0",
    order="x.axis_id DESC",
    limit="1",
    keys="{keys}",
)


def last_sent(reader: HubReader, codes: Collection[str]) -> dict[str, str]:
    """When these members last sent anything that was accepted; nothing of one that never has."""
    rows: Sequence[Any] = _SENT.rows(reader.connection, [(code,) for code in codes]) if codes else ()
    return {row.sender: row.received_at for row in rows}


_ON_ITS_WAY = (
    delivery.c.state.in_((State.ACCEPTED.value, State.QUEUED.value, State.FAILED.value)),
    sa.not_(delivery.c.closed),
)


def open_of(reader: HubReader, code: str, after: str, limit: int) -> Sequence[Row]:
    """What is on its way to this agency, the oldest first, from this delivery on: the ids of delivery and submission,
    and whose document."""
    wanted = (delivery.c.id, delivery.c.axis_id, delivery.c.owner, delivery.c.document_id)
    query = sa.select(*wanted).where(delivery.c.recipient == code, *_ON_ITS_WAY, delivery.c.id > after)
    return reader.connection.execute(query.order_by(delivery.c.id).limit(limit)).mappings().all()


def in_flight(reader: HubReader, codes: Collection[str]) -> list[dict[str, Any]]:
    """What is on its way to these agencies, by agency: `fresh`, never published; `tried`: it may have arrived."""
    tried = sa.func.sum(sa.case((delivery.c.tried, 1), else_=0))
    query = sa.select(delivery.c.recipient, sa.func.count().label("n"), tried.label("tried")).where(
        delivery.c.recipient.in_(codes), *_ON_ITS_WAY
    )
    rows = reader.connection.execute(query.group_by(delivery.c.recipient).order_by(delivery.c.recipient)).all()
    return [{"recipient": row.recipient, "fresh": row.n - row.tried, "tried": row.tried} for row in rows]
