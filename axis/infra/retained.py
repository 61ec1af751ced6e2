"""What an operator has held, and how far each day's run of retention has come; in the record's database, and in that of
an adapter's journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.infra.database import insert_or_ignore, metadata, upsert

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection, RowMapping

RECORD, JOURNALS = "record", "journals"  # the parts of a run: in an embedded home both are in one database
hold = sa.Table(
    "hold",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("since", sa.Text, nullable=False),
)
run = sa.Table(
    "retention_run",
    metadata,
    sa.Column("part", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("began_at", sa.Text, nullable=False),
    sa.Column("ended_at", sa.Text, nullable=False, server_default=""),
    sa.Column("counts", sa.JSON, nullable=False),
)
TABLES = (hold, run)


def is_done(connection: Connection, part: str, day: str) -> bool:
    """Whether the run of this day is over."""
    where = (run.c.part == part, run.c.day == day, run.c.ended_at != "")
    return connection.execute(sa.select(run.c.day).where(*where)).first() is not None


def count(connection: Connection, part: str, day: str, moment: str, found: Mapping[str, int]) -> None:
    """Add what a slice of this day's run has ended."""
    where = (run.c.part == part, run.c.day == day)
    before = connection.execute(sa.select(run.c.counts).where(*where)).scalar()
    if before is None:
        row = {"part": part, "day": day, "began_at": moment, "counts": dict(found)}
        insert_or_ignore(connection, run, row)
        return
    counts = {name: before.get(name, 0) + found.get(name, 0) for name in [*before, *found]}
    connection.execute(sa.update(run).where(*where).values(counts=counts))


def finish(connection: Connection, part: str, day: str, moment: str) -> dict[str, int]:
    """This day's run is over; what it has ended, by kind."""
    where = (run.c.part == part, run.c.day == day)
    row = {"part": part, "day": day, "began_at": moment, "counts": dict[str, int]()}
    insert_or_ignore(connection, run, row)
    connection.execute(sa.update(run).where(*where).values(ended_at=moment))
    counts = connection.execute(sa.select(run.c.counts).where(*where)).scalar_one()
    return {str(name): int(number) for name, number in counts.items()}


def last(connection: Connection, part: str) -> RowMapping | None:
    """The last run."""
    query = sa.select(run).where(run.c.part == part).order_by(run.c.day.desc()).limit(1)
    return connection.execute(query).mappings().first()


def holds(connection: Connection) -> list[RowMapping]:
    """What is held, the first held first."""
    return list(connection.execute(sa.select(hold).order_by(hold.c.since)).mappings())


def set_hold(connection: Connection, owner: str, document_id: str, reason: str, moment: str) -> None:
    """Keep the bytes of this document, and of what is about it, until it is let go."""
    row = {"owner": owner, "document_id": document_id, "reason": reason, "since": moment}
    upsert(connection, hold, row, ("owner", "document_id"))


def let_go(connection: Connection, owner: str, document_id: str) -> bool:
    """It is held no longer; False if it was not."""
    where = (hold.c.owner == owner, hold.c.document_id == document_id)
    return connection.execute(sa.delete(hold).where(*where)).rowcount > 0
