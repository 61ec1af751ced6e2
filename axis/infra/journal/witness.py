"""What an agency's witness has cosigned and been told, and whether its journal knows what is said in its name."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.infra import policies
from axis.infra.database import upsert
from axis.infra.journal.changes import Changes
from axis.infra.journal.tables import incoming, outgoing, witness

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from axis.core.ledger import Entry
    from axis.infra.journal.reading import JournalReader


@dataclass(frozen=True, slots=True)
class Kept:
    """See :data:`axis.infra.journal.tables.witness`."""

    agency: str
    origin: str = ""
    size: int = 0
    note: bytes = b""
    believed: bytes = b""
    believed_at: str = ""
    since: int = 0
    told: int = 0
    entries: int = 0
    unknown: int = 0
    trouble: str = ""
    trouble_at: str = ""
    other: bytes = b""


def kept(reader: JournalReader) -> Kept:
    """What this agency's witness has cosigned and been told."""
    row = reader.connection.execute(sa.select(witness).where(witness.c.agency == reader.agency)).first()
    return Kept(**row._mapping) if row is not None else Kept(reader.agency)


def all_kept(connection: Connection, codes: Collection[str]) -> dict[str, Kept]:
    """The same of many agencies; of a journal of an earlier version, nothing."""
    if not sa.inspect(connection).has_table(witness.name):
        return {}
    rows = connection.execute(sa.select(witness).where(witness.c.agency.in_(codes)))
    return {row.agency: Kept(**row._mapping) for row in rows}


def sent(reader: JournalReader, contents: Collection[str]) -> set[str]:
    """Those of these content digests that this agency has sent."""
    where = (outgoing.c.agency == reader.agency, outgoing.c.content_digest.in_(contents))
    return set(reader.connection.execute(sa.select(outgoing.c.content_digest).where(*where)).scalars())


def answered(reader: JournalReader, axis_ids: Collection[str]) -> set[str]:
    """Those of these submissions that this agency has answered for."""
    where = (incoming.c.agency == reader.agency, incoming.c.id.in_(axis_ids), incoming.c.answer_digest != "")
    return set(reader.connection.execute(sa.select(incoming.c.id).where(*where)).scalars())


class WitnessChanges(Changes):
    """Changes to what the witness has cosigned and been told."""

    def keep_witness(self, now: Kept, entry: Entry | None = None) -> None:
        """It is so from now on; an `entry` where somebody should know."""
        upsert(self.connection, witness, asdict(now), ("agency",))
        if entry is not None:
            self.enter(entry)

    def note_policy(self, text: str, before: str, now: datetime) -> bool:
        """This agency sees this witness policy now; whether it is another than the one before."""
        return policies.note(self.connection, self.agency, text, now, before)
