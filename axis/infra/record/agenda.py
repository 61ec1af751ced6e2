"""What the record says is due by the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.core.instant import to_text
from axis.infra.record.tables import deadline, delivery

if TYPE_CHECKING:
    from datetime import datetime

    from axis.infra.record.store import HubReader


def limits(reader: HubReader, now: datetime, limit: int) -> list[tuple[str, str]]:
    """(delivery id, leg) of deadlines whose warning or end has come, the oldest first."""
    query = sa.select(deadline.c.delivery_id, deadline.c.leg).where(
        deadline.c.next_at != "", deadline.c.next_at <= to_text(now)
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
