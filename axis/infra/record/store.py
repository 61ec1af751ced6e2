"""The hub's record in one database: what reads it and what changes it.

The record changes in one way: a decision's changes, each naming its ledger entry, are written by
:meth:`HubTransaction.write`. What is no decision about a document (leases, attempts, registries, homes, the quarantine)
is changed by the functions beside this, each in the file of its name; what is only asked is asked by `search`, `agenda`
and theirs. Nothing else writes these tables. What decides is imported where it is first used: who only asks starts
without it.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, NamedTuple

from axis import counting
from axis.infra import payloads
from axis.infra.record import ledger
from axis.infra.record import outbox as outboxes
from axis.infra.record.tables import BODY_REFERENCES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from axis.core.hub.dossier import Document, Facts, Question
    from axis.core.hub.seal import Sealed
    from axis.core.message import Message
    from axis.infra.database import Database
    from axis.infra.record.high_water import HighWater, LedgerEnd
    from axis.infra.record.ledger import Sequencer
    from axis.infra.record.outbox import Due


class Claim(NamedTuple):
    """What one worker publishes: rows, their messages, and the transaction that records the outcome. `damaged`: rows
    that cannot be published, each with the digest of the bytes that are missing or altered."""

    due: list[Due]
    messages: list[Message]
    damaged: list[tuple[Due, str]]
    recording: Callable[[], AbstractContextManager[HubTransaction]]

    def keep(self, places: Sequence[int]) -> None:
        """Only what stands at these places is published now; the rest stays as it is."""
        self.due[:] = [self.due[place] for place in places]
        self.messages[:] = [self.messages[place] for place in places]


class HubStore:
    """The hub's record in one database."""

    def __init__(self, database: Database, references: payloads.References = BODY_REFERENCES) -> None:
        """`references`: every column in this database that may name a parcel."""
        self.database = database
        self._references = references
        self.end: LedgerEnd | None = None  # as far as this has given places in the ledger
        self.has_unlinked = False  # this has written entries that have no place yet

    @contextmanager
    def transaction(self) -> Iterator[HubTransaction]:
        """One transaction: everything in the block is kept, or nothing."""
        with self.database.begin() as connection:
            tx = HubTransaction(connection, self._references)
            yield tx
        self.end = tx.end or self.end  # now that it is committed
        self.has_unlinked |= tx.has_unlinked
        counting.ledger_entries.update(tx.entered)

    @contextmanager
    def reading(self) -> Iterator[HubReader]:
        """One consistent state of the record, to read from."""
        with self.database.read() as connection:
            yield HubReader(connection)

    def guard(self, high_water: HighWater) -> None:
        """From now on nothing is read or written on a connection before the record behind it was found to hold what
        `high_water` says; :class:`Corrupted` RECORD_OLD is raised where it does not."""

        def judge(connection: Connection) -> None:
            ledger.checked(HubReader(connection), high_water.read())

        self.database.judge = judge

    @contextmanager
    def claim(
        self, now: datetime, limit: int, excluded: Sequence[str] = (), held: Mapping[str, bytes] | None = None
    ) -> Iterator[Claim]:
        """Outbox rows that are due and, within the block, no other worker's. `held`: bytes that are in memory.

        PostgreSQL: they are locked, others pass over them, and what :meth:`Claim.recording` writes is committed
        with the block's end; a dead worker's locks end with its connection. SQLite has one working process.
        """
        if self.database.is_sqlite:
            with self.reading() as reader:
                due = outboxes.due(reader.connection, now, limit, excluded)
                claimed = outboxes.messages(reader.connection, due, held or {})
            yield Claim(*claimed, self.transaction)
            return
        with self.transaction() as tx:
            due = outboxes.due(tx.connection, now, limit, excluded, lock=True)
            yield Claim(*outboxes.messages(tx.connection, due, held or {}), lambda: nullcontext(tx))


class HubReader:
    """One consistent state of the record."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def payload(self, digest: str) -> bytes:
        """Stored bytes; b"" for an empty digest. Raises :class:`Corrupted` BODY_CORRUPT."""
        return payloads.get(self.connection, digest) if digest else b""

    def payloads(self, digests: Collection[str]) -> dict[str, bytes]:
        """Stored bytes by digest; without those that are missing or altered."""
        return payloads.get_sound(self.connection, digests)


class HubTransaction(HubReader):
    """Changes to the record. Made by :meth:`HubStore.transaction`; `references`: see there."""

    def __init__(self, connection: Connection, references: payloads.References) -> None:
        super().__init__(connection)
        self.references = references
        self.end: LedgerEnd | None = None  # how far the ledger goes with the places that were given in this transaction
        self.has_unlinked = False  # it has appended entries that have no place yet
        self.entered: list[str] = []  # the events of the entries that it has appended

    def lock(self, wanted: Collection[Document], existing: Collection[Document] = ()) -> Facts:
        """Nobody else changes anything about these documents until the transaction ends; what that tells of them.
        `existing`: those about which something was accepted before. Once in a transaction: a second lock may wait for
        who waits for the first."""
        from axis.infra.record import documents

        return documents.lock(self.connection, wanted, existing)

    def read(self, questions: Iterable[Question], facts: Facts) -> None:
        """Put the answer to each of `questions` into `facts`."""
        from axis.infra.record.dossiers import readers

        readers.read(self.connection, questions, facts)

    def write(self, sealed: Sealed, by: Sequencer | None = None, traces: Mapping[str, str] | None = None) -> None:
        """Write what was decided; `by`: who gives its entries their places in the ledger, see
        :func:`axis.infra.record.ledger.append`; `traces`: see :func:`axis.infra.record.changes.write`. Raises
        :class:`axis.core.hub.draft.NotLockedError`, and has written nothing, where it changes a document that is not
        locked."""
        from axis.infra.record import changes, ledger

        changes.write(self.connection, sealed, self.references, traces or {})
        ledger.append(self, sealed.entries, by)
