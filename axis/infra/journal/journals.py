"""One agency's journal, and the journals of all agencies in one database."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from axis import counting
from axis.core.instant import to_text
from axis.core.ledger import read as read_entry
from axis.infra import payloads
from axis.infra.journal import due, lookup
from axis.infra.journal.due import Due
from axis.infra.journal.reading import JournalReader
from axis.infra.journal.tables import BODY_REFERENCES
from axis.infra.journal.transaction import JournalTransaction
from axis.infra.journal.writes import Writes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    import sqlalchemy as sa
    from sqlalchemy.engine import RowMapping

    from axis.core.ledger import Entry
    from axis.infra.database import Database


class Journal:
    """One agency's journal in a database."""

    def __init__(self, database: Database, agency: str, references: payloads.References = BODY_REFERENCES) -> None:
        """`references`: every column in this database that may name a parcel."""
        self.database = database
        self.agency = agency
        self.all: Journals = database.beside.setdefault("journals", Journals(database, references))

    @contextmanager
    def transaction(self) -> Iterator[JournalTransaction]:
        """One transaction: everything in the block is kept, or nothing."""
        with self.all.transaction() as writes:
            yield JournalTransaction(writes, self.agency)

    @contextmanager
    def reading(self) -> Iterator[JournalReader]:
        """One consistent state of the journal, to read from."""
        with self.database.read() as connection:
            yield JournalReader(connection, self.agency)


class Start(NamedTuple):
    """What a process that begins finds in an agency's journal: the time of the home's `last` event, as text, "" where
    nothing happened; the `version` of the registry that is installed, 0 for none; that `registry` and the document
    `types` that came with it, b"" for none (no registry though there is a version: it is damaged); whether files were
    prepared (`is_showing`), and whether something was shown and is not answered (`has_shown`)."""

    last: str
    version: int
    registry: bytes
    types: bytes
    is_showing: bool
    has_shown: bool


class Journals:
    """The journals of all agencies in one database: what concerns many of them is asked and written once.

    Who has nothing to do is known without a question: every change goes through :meth:`transaction`, and wakes its
    agency. (What something else than this program changes is seen at the next thorough look.)"""

    def __init__(self, database: Database, references: payloads.References) -> None:
        self._database = database
        self.references = references
        self._asleep: dict[str, str] = {}  # until when nothing of an agency is due

    @contextmanager
    def transaction(self) -> Iterator[Writes]:
        """One transaction of several agencies: everything in the block is kept, or nothing."""
        with self._database.begin() as connection:
            writes = Writes(connection, self.references)
            yield writes
            writes.flush()
        for code in writes.agencies:
            self._asleep.pop(code, None)
        counting.journal_entries.update(writes.events)

    def starts(self, codes: Sequence[str]) -> dict[str, Start]:
        """What a process finds that begins with these agencies."""
        with self._database.read() as connection:
            rows = connection.execute(lookup.STARTS, {"codes": lookup.as_list(codes)}).mappings().all()
            digests = {row[name] for row in rows for name in ("digest", "types_digest")} - {""}
            sound = payloads.get_sound(connection, digests) | {"": b""}
        last = _time_of(rows[0]["last"]) if rows else ""
        found = {}
        for row in rows:
            registry, types = sound.get(row["digest"]), sound.get(row["types_digest"])
            if registry is None or types is None:  # damaged: who needs it reads it alone, and is told so
                registry = types = b""
            shown = bool(row["is_showing"]), bool(row["has_shown"])
            found[row["agency"]] = Start(last, row["version"], registry, types, *shown)
        return found

    def awake(self, codes: Iterable[str], now: datetime) -> list[str]:
        """Those of these agencies that may have something due."""
        moment = to_text(now)
        return [code for code in codes if self._asleep.get(code, "") <= moment]

    def due(self, codes: Sequence[str], now: datetime, limit: int) -> Due:
        """What is due of these agencies, of each kind at most `limit` of each; one question where nothing is."""
        if not codes:
            return Due()
        with self._database.read() as connection:
            found, asleep = due.of(connection, codes, now, limit)
        self._asleep |= asleep
        return found

    def next_due(self, codes: Sequence[str], now: datetime) -> datetime | None:
        """When something of these agencies is due next; None when nothing is."""
        if not codes:
            return None
        with self._database.read() as connection:
            return due.first(connection, codes, now)

    def outgoing_of(self, sources: Sequence[tuple[str, str]]) -> dict[tuple[str, str], RowMapping]:
        """What became of these (agency, source digest)."""
        return {(row["agency"], row["source_digest"]): row for row in self._find(lookup.OUTGOING_OF, sources)}

    def outgoing_by_content(self, contents: Sequence[tuple[str, str]]) -> dict[tuple[str, str], list[RowMapping]]:
        """What was sent by these (agency, content digest), in order."""
        found: dict[tuple[str, str], list[RowMapping]] = {pair: [] for pair in contents}
        for row in sorted(self._find(lookup.OUTGOING_BY_CONTENT, contents), key=lambda row: str(row["created_at"])):
            found[row["agency"], row["content_digest"]].append(row)
        return found

    def have(self, mail: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of these (agency, id) that are here."""
        return {(row["agency"], row["id"]) for row in self._find(lookup.INCOMING_OF, mail)}

    def have_content(self, contents: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of these (agency, content digest) that are here, whatever became of them."""
        return {(row["agency"], row["content_digest"]) for row in self._find(lookup.INCOMING_BY_CONTENT, contents)}

    def events_of(self, submissions: Sequence[tuple[str, str]]) -> list[Entry]:
        """What these (agency, axis id) have events about, in order."""
        return [read_entry(row["canonical"]) for row in self._find(lookup.EVENTS_OF, submissions)]

    def with_held(self, codes: Sequence[str], now: datetime) -> set[str]:
        """Those of these agencies whose mail waits for a newer registry."""
        if not codes:
            return set()
        with self._database.read() as connection:
            return due.with_held(connection, codes, now)

    def tried_before(self, now: datetime, codes: Sequence[str]) -> None:
        """What was written down as published for the first time, and perhaps was not, is due."""
        with self._database.begin() as connection:
            due.bring_forward_unsure(connection, codes, now)
        for code in codes:
            self._asleep.pop(code, None)

    def _find(self, query: sa.Executable, keys: Sequence[tuple[str, str]]) -> list[RowMapping]:
        if not keys:
            return []
        with self._database.read() as connection:
            return lookup.find(connection, query, keys)


def _time_of(canonical: str | None) -> str:
    """When this event was, as text; "" for one that cannot be read: an audit tells of it, it stops nobody's work."""
    try:
        return to_text(read_entry(canonical).time) if canonical else ""
    except (ValueError, KeyError, TypeError):
        return ""
