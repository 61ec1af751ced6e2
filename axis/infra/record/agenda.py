"""What the record says is due by the clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.core.instant import to_text
from axis.infra.record import ledger
from axis.infra.record.high_water import LedgerEnd
from axis.infra.record.tables import deadline, delivery

if TYPE_CHECKING:
    from datetime import datetime

    from axis.infra.record.ledger import Standing
    from axis.infra.record.store import HubReader


@dataclass(frozen=True, slots=True)
class Look:
    """What a round of the hub begins with. `clock`: what time it is for the database server, None where that is this
    process; `registry`: the newest one's digest, "" where there is none; as texts, "" for never: when something is
    `told` next (a deadline, D.1), and when something may be `sent`. `settling`: of which agencies every worker is to
    say that it holds nothing more, and in which turn."""

    clock: datetime | None
    registry: str
    told: str
    sent: str
    settling: dict[str, int]
    standing: Standing


_LOOK = (
    "SELECT {clock}, (SELECT digest FROM registry ORDER BY version DESC LIMIT 1), "
    "(SELECT min(next_at) FROM deadline WHERE next_at > ''), (SELECT min(owes_at) FROM delivery WHERE owes_at <> ''), "
    "(SELECT min(not_before) FROM outbox), "
    "(SELECT {join}(agency || '/' || turn, ' ') FROM home_settled WHERE worker = ''), "
    f"{ledger.STANDING} FROM (SELECT 1 AS one) k {ledger.STANDING_FROM}"
)
_LOOK_SQLITE = _LOOK.format(clock="NULL", join="group_concat", n="?")
_LOOK_POSTGRESQL = _LOOK.format(clock="clock_timestamp()", join="string_agg", n="%s")


def look(reader: HubReader, noted: LedgerEnd | None) -> Look:
    """In one statement: what a round of the hub begins with, and whether the ledger still has what was `noted` once."""
    wanted = noted or LedgerEnd(0, "", 0)
    text = _LOOK_SQLITE if reader.connection.dialect.name == "sqlite" else _LOOK_POSTGRESQL
    row = reader.connection.exec_driver_sql(text, (wanted.position, wanted.entry)).one()
    clock, registry, limit, owed, sent, asked = row[:6]
    told = min((moment for moment in (limit, owed) if moment), default="")
    turns = (one.rpartition("/") for one in (asked or "").split())
    settling = {agency: int(turn) for agency, _, turn in turns}
    return Look(clock, registry or "", told, sent or "", settling, ledger.read_standing(row[6:], noted))


def limits(reader: HubReader, now: datetime, limit: int) -> list[tuple[str, str]]:
    """(delivery id, leg) of deadlines whose warning or end has come, the oldest first."""
    query = sa.select(deadline.c.delivery_id, deadline.c.leg).where(
        deadline.c.next_at > "", deadline.c.next_at <= to_text(now)
    )
    rows = reader.connection.execute(query.order_by(deadline.c.next_at).limit(limit))
    return [(row.delivery_id, row.leg) for row in rows]


def owed(reader: HubReader, now: datetime | None, limit: int) -> list[str]:
    """The ids of deliveries that owe a D.1 now, the oldest first; of all that owe one, if no moment is given."""
    query = sa.select(delivery.c.id).where(delivery.c.owes_at != "")
    if now is not None:
        query = query.where(delivery.c.owes_at <= to_text(now))
    return list(reader.connection.execute(query.order_by(delivery.c.owes_at).limit(limit)).scalars())


def clock(reader: HubReader) -> datetime | None:
    """What time it is for the database server; None where that is this process."""
    if reader.connection.dialect.name == "sqlite":
        return None
    moment: datetime = reader.connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return moment
