"""What is due to be published, and whose turn it is: a few statements for a round, however many agencies wait."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from axis.core.instant import from_text, to_text
from axis.core.message import Message, Route
from axis.infra import payloads
from axis.infra.record.query import Query, array
from axis.infra.record.tables import outbox

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from axis.core.hub.dossier import Document
    from axis.infra.record.store import HubReader, HubTransaction

CLAIM_BYTES = 32 * 1024 * 1024  # of bodies that a worker publishes at once


class Due(NamedTuple):
    """An outbox row to publish."""

    row: int
    route: Route
    message_id: str
    body_digest: str
    proof_digest: str
    delivery_id: str
    attempts: int
    created_at: datetime
    tried: bool  # of a delivery: publishing it was tried before, and nobody has withdrawn it since
    document: Document | None  # that a delivery brings, or brings something about
    traceparent: str = ""


def put(
    tx: HubTransaction, sent: Collection[tuple[str, str]], now: datetime, *, urgent: bool = False, proof: str = ""
) -> None:
    """Publish these, (agency, payload's digest) each, that are no deliveries; `proof`: what goes beside each."""
    common = {"urgent": urgent, "proof_digest": proof, "delivery_id": "", "attempts": 0}
    times = {"not_before": to_text(now), "created_at": to_text(now)}
    rows = [{"code": code, "message_id": body, "body_digest": body, **common, **times} for code, body in sent]
    if rows:
        tx.connection.execute(sa.insert(outbox), rows)


_BEGIN = Query(
    1,
    "UPDATE delivery SET tried = (tried OR state <> 'RECALLED') WHERE id IN (SELECT k.c0 FROM {keys}) "
    "RETURNING id, state <> 'RECALLED'",
    # What a recall has decided just before its document was locked here is seen: of a row that has changed since the
    # statement began the newest is updated.
    "WITH ids AS MATERIALIZED (SELECT k.c0 AS id FROM {keys}), "
    "about AS (SELECT DISTINCT x.owner, x.document_id FROM ids JOIN delivery x ON x.id = ids.id), "
    "held AS MATERIALIZED (SELECT t.sender, t.document_id FROM about a JOIN document t ON t.sender = a.owner "
    "AND t.document_id = a.document_id {lock} SKIP LOCKED) "
    "UPDATE delivery x SET tried = (x.tried OR x.state <> 'RECALLED') FROM held h "
    "WHERE x.id IN (SELECT id FROM ids) AND x.owner = h.sender AND x.document_id = h.document_id "
    "RETURNING x.id, x.state <> 'RECALLED'",
)


def begin(tx: HubTransaction, delivery_ids: Collection[str]) -> tuple[set[str], set[str]]:
    """Publishing these is tried from here on: only their recipients can know. (Which may be published, which were
    withdrawn); those about whose document another worker decides at this moment are neither: their turn comes again.
    It is a mark of the outbox, and no state: nobody has said or decided anything. Their documents are locked, so that
    nothing is withdrawn at the same moment; nobody is waited for."""
    rows = _BEGIN.rows(tx.connection, [(one,) for one in delivery_ids]) if delivery_ids else ()
    found: tuple[set[str], set[str]] = (set(), set())
    for identifier, may in rows:
        found[0 if may else 1].add(identifier)
    return found


def waiting(reader: HubReader, excluded: Sequence[str] = ()) -> tuple[int, datetime | None]:
    """(outbox rows left, the earliest time one of them is due), none of `excluded`."""
    query = sa.select(sa.func.count(), sa.func.min(outbox.c.not_before)).where(outbox.c.code.not_in(list(excluded)))
    count, first = reader.connection.execute(query).one()
    return count, from_text(first) if first else None


def deliveries_of(reader: HubReader, codes: Collection[str]) -> dict[str, int]:
    """How many deliveries wait to be published for each of these agencies, by code."""
    query = sa.select(outbox.c.code, sa.func.count()).where(outbox.c.delivery_id != "", outbox.c.code.in_(codes))
    rows = reader.connection.execute(query.group_by(outbox.c.code).order_by(outbox.c.code))
    return {row[0]: row[1] for row in rows}


def waiting_of(reader: HubReader, delivery_ids: Collection[str]) -> dict[str, tuple[int, str]]:
    """(attempts, when the next one is) of those of these deliveries that wait to be published."""
    query = sa.select(outbox.c.delivery_id, outbox.c.attempts, outbox.c.not_before)
    rows = reader.connection.execute(query.where(outbox.c.delivery_id.in_(delivery_ids))) if delivery_ids else ()
    return {row.delivery_id: (row.attempts, row.not_before) for row in rows}


# One step through the index for each agency, however long its row is.
_LANE = (
    "{name}(code) AS (SELECT min(code) FROM outbox WHERE urgent = {is_urgent} UNION ALL SELECT (SELECT min(x.code) "
    "FROM outbox x WHERE x.urgent = {is_urgent} AND x.code > {name}.code) FROM {name} WHERE {name}.code IS NOT NULL)"
)
_WAITING = (
    "WITH RECURSIVE {urgent}, {ordinary} SELECT 1, code FROM u WHERE code IS NOT NULL "
    "UNION ALL SELECT 0, code FROM o WHERE code IS NOT NULL"
)


def _waiting(true: str, false: str) -> str:
    urgent, ordinary = _LANE.format(name="u", is_urgent=true), _LANE.format(name="o", is_urgent=false)
    return _WAITING.format(urgent=urgent, ordinary=ordinary)


_COLUMNS = (
    "t.id, t.code, t.urgent, t.message_id, t.body_digest, t.proof_digest, t.delivery_id, t.attempts, t.created_at, "
    "d.tried AND d.state <> 'RECALLED', d.owner, d.document_id, t.traceparent"
)
_FIRST = "FROM outbox x WHERE x.urgent = {n} AND x.code = k.code AND x.not_before <= {n} ORDER BY x.id LIMIT {n}"
_WAITING_SQLITE, _WAITING_POSTGRESQL = _waiting("1", "0"), _waiting("true", "false")
_SQLITE = (
    f"SELECT {_COLUMNS}, length(p.content) + p.length FROM (SELECT value AS code FROM json_each(?)) k "
    "CROSS JOIN outbox t LEFT JOIN payload p ON p.digest = t.body_digest LEFT JOIN delivery d ON d.id = t.delivery_id "
    f"WHERE t.id IN (SELECT x.id {_FIRST.format(n='?')}) ORDER BY t.id"
)
_POSTGRESQL = (
    f"SELECT {_COLUMNS}, coalesce(octet_length(p.content) + p.length, "
    "(SELECT octet_length(b.content) FROM parcel b WHERE b.digest = t.body_digest LIMIT 1)) "
    "FROM unnest(%s::text[]) k(code) "
    f"CROSS JOIN LATERAL (SELECT x.* {_FIRST.format(n='%s')} {{lock}}) t "
    "LEFT JOIN payload p ON p.digest = t.body_digest LEFT JOIN delivery d ON d.id = t.delivery_id ORDER BY t.id"
)
_READ, _LOCKED = _POSTGRESQL.format(lock=""), _POSTGRESQL.format(lock="FOR UPDATE SKIP LOCKED")


def due(
    connection: Connection, now: datetime, limit: int, excluded: Sequence[str] = (), *, lock: bool = False
) -> list[Due]:
    """Outbox rows whose time has come, none of `excluded`, about `limit` in all and `CLAIM_BYTES` of bodies.

    Urgent ones first, then by age, but a quarter is for ordinary ones: urgent ones do not starve them. Every agency
    gets its share, so that a long row of one keeps nobody waiting. With `lock` rows that another worker holds are
    passed over.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    waiting = connection.exec_driver_sql(_WAITING_SQLITE if is_sqlite else _WAITING_POSTGRESQL).all()
    passed_over = set(excluded)
    found: list[Due] = []
    size = 0
    for urgent in (True, False):
        codes = [code for lane, code in waiting if bool(lane) is urgent and code not in passed_over]
        if not codes:
            continue
        random.shuffle(codes)  # whom the limit cuts off differs from round to round
        room = limit - limit // 4 if urgent else limit - len(found)
        for row in _shared(connection, codes, urgent, to_text(now), room, lock=lock):
            if found and size + (row[-1] or 0) > CLAIM_BYTES:
                return found
            found.append(_due(row))
            size += row[-1] or 0
    return found


PASSES = 3  # in which what some leave of their share is given to the others


def _shared(
    connection: Connection, codes: Sequence[str], urgent: bool, moment: str, room: int, *, lock: bool
) -> list[Any]:
    """Rows of these agencies that are due at `moment`, the same number of each as long as it has so many. Who has rows
    may have none that is due: what is left of the room by some is given to those that have more."""
    found: dict[int, Any] = {}
    asked, share = list(codes), max(1, room // len(codes))
    for _ in range(PASSES):
        rows = _first_of(connection, asked, urgent, moment, share, lock=lock)
        counts = Counter(row.code for row in rows)
        if len(rows) > room:  # by the order of `codes`, who are cut off
            places = {code: place for place, code in enumerate(codes)}
            rows = sorted(rows, key=lambda row: places[row.code])[:room]
        found |= {row.id: row for row in rows}
        left = room - len(found)
        more = [code for code in asked if counts[code] >= share][: max(left, 0)]
        if not more:
            break
        asked, share = more, share + left // len(more)  # from the first on: what was found is found again
    return [row for _, row in sorted(found.items())]


def _first_of(
    connection: Connection, codes: Sequence[str], urgent: bool, moment: str, share: int, *, lock: bool
) -> Sequence[Any]:
    if connection.dialect.name == "sqlite":
        return connection.exec_driver_sql(_SQLITE, (json.dumps(codes), urgent, moment, share)).all()
    return connection.exec_driver_sql(_LOCKED if lock else _READ, (array(codes), urgent, moment, share)).all()


def _due(row: Any) -> Due:
    identifier, code, urgent, message_id, body, proof, delivery_id, attempts, created_at, tried, *more, _ = row
    owner, about, traced = more
    route, document = Route("out", code, bool(urgent)), (owner, about) if owner is not None else None
    created = from_text(created_at)
    named = (identifier, route, message_id, body, proof, delivery_id, attempts, created)
    return Due(*named, tried=bool(tried), document=document, traceparent=traced)


def messages(
    connection: Connection, due: Sequence[Due], held: Mapping[str, bytes]
) -> tuple[list[Due], list[Message], list[tuple[Due, str]]]:
    """(the rows that can be published, their messages, the rows that cannot with what is damaged). `held`: bytes that
    are in memory, by digest: they are not read."""
    digests = {digest for one in due for digest in (one.body_digest, one.proof_digest) if digest}
    found = {digest: held[digest] for digest in digests if digest in held} | {"": b""}
    if left := digests - found.keys():
        found |= payloads.get_sound(connection, left)
    damaged = [(one, bad) for one in due for bad in (one.body_digest, one.proof_digest) if bad not in found]
    sound = [one for one in due if one.body_digest in found and one.proof_digest in found]
    ready = [
        Message(
            one.message_id,
            one.route,
            found[one.body_digest],
            found[one.proof_digest],
            digest=one.body_digest,
            traceparent=one.traceparent,
        )
        for one in sound
    ]
    return sound, ready, list({one.row: (one, bad) for one, bad in damaged}.values())
