"""What every change of a journal is made with: its transaction's gathered writes, and its event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.infra.journal.reading import JournalReader
from axis.infra.journal.tables import event

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from axis.core.ledger import Entry
    from axis.infra.journal.writes import Writes


class Changes(JournalReader):
    """One agency's part of a transaction. What is read in it is as the changes before have left it."""

    def __init__(self, writes: Writes, agency: str) -> None:
        self.writes = writes
        self.agency = agency
        self._references = writes.references
        writes.agencies.add(agency)

    @property
    def connection(self) -> Connection:  # type: ignore[override]
        """See :attr:`Writes.connection`."""
        return self.writes.connection

    def enter(self, entry: Entry) -> str:
        """Append an event; its digest."""
        digest = entry.digest
        row = {"agency": self.agency, "axis_id": entry.axis_id, "digest": digest, "canonical": entry.canonical}
        self.writes.insert(event, row)
        self.writes.events.append((self.agency, entry.event))
        return digest
