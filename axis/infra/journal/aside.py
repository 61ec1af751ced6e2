"""What came to an agency before the registry by which it can be verified: kept as it came, apart from its mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.core.instant import to_text
from axis.infra import payloads
from axis.infra.database import insert_or_ignore
from axis.infra.journal.changes import Changes
from axis.infra.journal.tables import aside

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, RowMapping

    from axis.core.ledger import Entry
    from axis.core.message import Message
    from axis.infra.journal.reading import JournalReader


@dataclass(frozen=True, slots=True)
class Aside:
    """How much an agency has put aside, and since when the first of it lies there ("" for nothing)."""

    count: int = 0
    size: int = 0
    since: str = ""


def kept(reader: JournalReader) -> Aside:
    """What this agency has put aside."""
    return all_kept(reader.connection, [reader.agency]).get(reader.agency, Aside())


def all_kept(connection: Connection, codes: Collection[str]) -> dict[str, Aside]:
    """The same of each of these agencies that has; of a journal of an earlier version, nothing."""
    if not sa.inspect(connection).has_table(aside.name):
        return {}
    c = aside.c
    query = sa.select(c.agency, sa.func.count(), sa.func.sum(c.size), sa.func.min(c.came_at))
    rows = connection.execute(query.where(c.agency.in_(codes)).group_by(c.agency)).all()
    return {agency: Aside(count, int(size), since) for agency, count, size, since in rows}


def after(reader: JournalReader, number: int, limit: int) -> Sequence[RowMapping]:
    """What was put aside, in order after the one of this number."""
    query = sa.select(aside).where(aside.c.agency == reader.agency, aside.c.number > number)
    return reader.connection.execute(query.order_by(aside.c.number).limit(limit)).mappings().all()


def before(reader: JournalReader, moment: datetime, limit: int) -> Sequence[RowMapping]:
    """What has lain there since before a moment."""
    query = sa.select(aside).where(aside.c.agency == reader.agency, aside.c.came_at < to_text(moment))
    return reader.connection.execute(query.order_by(aside.c.number).limit(limit)).mappings().all()


def contents(reader: JournalReader, digests: Collection[str]) -> dict[str, bytes]:
    """The bytes with these digests, but those that a disk has damaged."""
    return payloads.get_sound(reader.connection, digests)


class AsideChanges(Changes):
    """Changes to what was put aside, each with its event."""

    def put_aside(self, message: Message, entry: Entry) -> None:
        """Keep a message as it came; nothing where it is here already."""
        row: dict[str, Any] = {
            "agency": self.agency,
            "message": message.id,
            "body_digest": self.writes.keep(message.body),
            "proof_digest": self.writes.keep(message.proof),
            "size": len(message.body) + len(message.proof),
            "urgent": message.route.urgent,
            "came_at": to_text(entry.time),
        }
        if insert_or_ignore(self.connection, aside, row):
            self.enter(entry)

    def take_from_aside(self, row: RowMapping) -> None:
        """It is looked into now, or given up: its bytes go, but where something else names them. What lies beside it is
        cleared away when the program ends."""
        self.connection.execute(sa.delete(aside).where(aside.c.number == row["number"]))
        payloads.release(self.connection, row["body_digest"], self._references)
