"""Bytes whose time is over end: once a day, a small piece at a time between the rounds of the line, or by
``axis retention``.

Nothing ends that is in flight, undelivered, awaited, asked about or held (axis/core/retention.py); receipts, digests
and the ledger never do. Each run is an entry in the record, and in the journals of the agencies.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from axis.core.evidence.judge import ENDED
from axis.core.instant import from_text, to_text
from axis.core.ledger import Entry
from axis.core.registry import HUB
from axis.core.retention import before, why_kept
from axis.errors import AxisError, Rejected, Unavailable
from axis.infra import payloads, retained, volumes
from axis.infra.journal import history as journal_history
from axis.infra.journal import proofs as journal_proofs
from axis.infra.journal import retention as journal_retention
from axis.infra.journal.transaction import JournalTransaction
from axis.infra.record import lease, ledger, retention
from axis.services.operate import acts
from axis.services.operate.dead_ends import choose
from axis.services.questions import dead_ends, trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from axis.adapters.base import Guarded
    from axis.core.retention import Kept, Rules
    from axis.infra.database import Database
    from axis.infra.journal.journals import Journal, Journals
    from axis.infra.record.store import HubReader, HubStore
    from axis.services.hub.worker import Hub

log = logging.getLogger("axis.retention")
DUTY = "retention"  # of one hub worker at a time
# Submissions, or rows of a journal, whose bytes end in one transaction; so many at first, fewer where a disk is slow.
SLICE, FEWEST, MOST = 50, 5, 200
QUICK, SLOW = 0.1, 0.3  # seconds that a piece takes
LOOKED_AT = 500  # of a preview, at once
CARRIED = 50  # parcels that are carried from one volume to another in one transaction
FILES = 500  # that are removed from an agency's folder at once
DECIDED = 20  # dead letters that are dropped at once
TRIES = 3  # at a volume that somebody reads, in a day's run
START, LOOK = 30.0, 300.0  # seconds until the first look whether a run is due, and between two
DAY = timedelta(days=1)
LEAST, SHARE = 0.1, 9  # a pause follows each piece: at least so many seconds, and so many times what the piece took
REASON = "axis.toml [retention]"


@dataclass
class Found:
    """What would end, or has ended, of one kind: how many, how many bytes, and how many are kept for each reason."""

    kind: str
    days: int
    ends: int = 0
    size: int = 0
    kept: Counter[str] = field(default_factory=Counter)


class Adapted(Protocol):
    """An agency with its adapter."""

    @property
    def code(self) -> str:
        """The agency's."""

    @property
    def journal(self) -> Journal:
        """Its own."""

    @property
    def adapter(self) -> Guarded:
        """What connects its own system."""


@dataclass(frozen=True)
class Resting:
    """See :class:`Adapted`: where nothing works, and somebody only asks."""

    code: str
    journal: Journal
    make: Callable[[], Guarded]

    @cached_property
    def adapter(self) -> Guarded:
        """Made when it is needed."""
        return self.make()


class Retention:
    """The retention of one process: of a hub, of the adapters of a home, or of both. Where only a `record` is given,
    and no hub, it can be asked what would end, and nothing ends."""

    def __init__(
        self,
        rules: Rules,
        hub: Hub | None,
        agencies: Sequence[Adapted],
        *,
        record: HubStore | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rules = rules
        self._hub = hub
        self._store = hub.store if hub is not None else record
        self._agencies = agencies
        self._timer = timer
        self._at = timer() + START
        self._work: Iterator[None] | None = None
        self._now: datetime | None = None
        self._slice = SLICE

    def turn(self, now: datetime) -> None:
        """One piece of the day's run, where one is due and the pause after the last is over. What goes wrong is logged,
        and tried again later: the line goes on without it."""
        began = self._timer()
        if began < self._at:
            return
        self._now = now
        if self._work is None:
            self._work = self.run(now, self.rules.day(now))
        try:
            next(self._work)
        except StopIteration:
            self._work, self._at = None, began + LOOK
            return
        except Exception as error:
            if isinstance(error, AxisError):
                log.warning("retention: %s; trying again", error)
            else:
                log.exception("retention failed")
            self._work, self._at = None, began + LOOK
            return
        took = self._timer() - began
        self._at = began + took + max(LEAST, SHARE * took)

    def run(self, now: datetime, day: str) -> Iterator[None]:
        """The run of a day, piece by piece; nothing where it is done."""
        self._now = now
        if self._hub is not None:
            yield from self._record(self._hub, day)
        homes: dict[Journals, list[Adapted]] = defaultdict(list)
        for one in self._agencies:
            homes[one.journal.all].append(one)
        for journals, agencies in homes.items():
            yield from self._journals(journals, agencies, day)

    @contextmanager
    def _pace(self) -> Iterator[None]:
        """A piece: what follows is smaller when it took long, and larger when it did not."""
        began = self._timer()
        yield
        took = self._timer() - began
        if took > SLOW:
            self._slice = max(FEWEST, self._slice // 2)
        elif took < QUICK:
            self._slice = min(MOST, self._slice * 2)

    @property
    def now(self) -> datetime:
        """The moment of this piece."""
        assert self._now is not None  # noqa: S101  a run has begun
        return self._now

    # -- The record -------------------------------------------------------------------------------------------

    def _record(self, hub: Hub, day: str) -> Iterator[None]:
        """1 parcels 2 volumes 3 what waits for an operator for too long 4 the entry"""
        with hub.store.reading() as reader:
            if retained.is_done(reader.connection, retained.RECORD, day):
                return
        if not self._is_mine(hub):
            return
        until, after = before(self.rules.parcels, self.now), retention.START
        while self.rules.parcels:  # 1
            with hub.store.reading() as reader:
                found = retention.kept(reader, until, after, self._slice)
            if not found:
                break
            after = (found[-1].received_at, found[-1].axis_id)
            may = [one for one in found if why_kept(one, until) is None]
            with self._pace():
                if may and not self._end(hub, may, until, day):
                    return  # another worker does it
            yield
        payloads.clear(hub.store.database)  # segments of which nothing is named any more
        yield
        if not hub.store.database.is_sqlite:  # 2
            yield from self._volumes(hub, day)
        if any(self._waits.values()):  # 3
            yield from self._decide(hub, day)
        with hub.store.transaction() as tx:  # 4
            if lease.hold(tx, DUTY, hub.worker, self.now) is None or retained.is_done(
                tx.connection, retained.RECORD, day
            ):
                return
            counts = retained.finish(tx.connection, retained.RECORD, day, to_text(self.now))
            if any(counts.values()):
                detail = {"day": day, **counts}
                ledger.enter(tx, Entry(self.now, HUB, "retention.ended", "", "", detail))

    def _is_mine(self, hub: Hub) -> bool:
        """Whether this worker does it, and no other."""
        with hub.store.transaction() as tx:
            return lease.hold(tx, DUTY, hub.worker, self.now) is not None

    def _end(self, hub: Hub, found: Sequence[Kept], until: datetime, day: str) -> bool:
        """The bytes of these end, but of those that something has happened to since they were read."""
        with hub.store.transaction() as tx:
            if lease.hold(tx, DUTY, hub.worker, self.now) is None:
                return False
            tx.lock(retention.documents(found))
            now_kept = retention.again(tx, [one.axis_id for one in found])
            may = [one for one in now_kept if why_kept(one, until) is None]
            counts = {"parcels": len(may), "bytes": retention.sizes(tx, may)}
            retention.end(tx, may, self.now)
            for one in may:  # what is proved of it goes on being proved, and that it has ended, too
                ledger.enter(tx, Entry(self.now, HUB, ENDED, one.axis_id, "", {"parcel": one.digest, "reason": REASON}))
            retained.count(tx.connection, retained.RECORD, day, to_text(self.now), counts)
        return True

    def _volumes(self, hub: Hub, day: str) -> Iterator[None]:
        with hub.store.transaction() as tx:
            if lease.hold(tx, DUTY, hub.worker, self.now) is None:
                return
            volumes.turn(tx.connection, self.now, self.rules.volume)
        yield
        if not self.rules.parcels:
            return
        with hub.store.reading() as reader:
            closed = volumes.closed(reader.connection, before(self.rules.parcels, self.now))
        for number, closed_at in closed:
            until = from_text(closed_at) + DAY
            while True:
                with hub.store.transaction() as tx:
                    if lease.hold(tx, DUTY, hub.worker, self.now) is None:
                        return
                    digests = retention.still_named(tx, number, until, CARRIED)
                    volumes.carry(tx.connection, number, digests)
                yield
                if len(digests) < CARRIED:
                    break
            yield from self._drop(hub, number, until, day)

    def _drop(self, hub: Hub, number: int, until: datetime, day: str) -> Iterator[None]:
        for _ in range(TRIES):
            try:
                with hub.store.transaction() as tx:
                    if lease.hold(tx, DUTY, hub.worker, self.now) is None or retention.still_named(
                        tx, number, until, 1
                    ):
                        return
                    volumes.drop(tx.connection, number)
                    retained.count(tx.connection, retained.RECORD, day, to_text(self.now), {"volumes": 1})
            except Unavailable:
                log.info("volume %d is being read: it is dropped later", number)
                yield
                continue
            yield
            return

    def _decide(self, hub: Hub, day: str) -> Iterator[None]:
        while self._is_mine(hub):
            with hub.store.reading() as reader:
                items = _overdue(reader, self._waits, self.now)[:DECIDED]
            for item in items:
                with suppress(Rejected):  # an operator has decided in between
                    choose(hub, "drop", item["id"], REASON, self.now)
            if items:
                with hub.store.transaction() as tx:
                    counts = Counter(_DECIDED[item["what"]] for item in items)
                    retained.count(tx.connection, retained.RECORD, day, to_text(self.now), counts)
            yield
            if len(items) < DECIDED:
                return

    @property
    def _waits(self) -> dict[str, int]:
        """The days of what waits for an operator."""
        return {"delivery": self.rules.dead_letters, "message": self.rules.quarantine}

    # -- The adapters of a home -------------------------------------------------------------------------------

    def _journals(self, journals: Journals, agencies: Sequence[Adapted], day: str) -> Iterator[None]:
        """1 what was sent, then what was received 2 what is known of both 3 the folders 4 an entry for each agency"""
        database = agencies[0].journal.database
        with database.read() as connection:
            if retained.is_done(connection, retained.JOURNALS, day):
                return
        until = before(self.rules.journal, self.now)
        for kind, look, end in _KINDS if self.rules.journal else ():  # 1
            after = journal_retention.START
            while True:
                limit = self._slice
                with database.read() as connection:
                    found = look(connection, until, after, limit)
                if not found:
                    break
                if any(not one.why for one in found):
                    with self._pace(), journals.transaction() as writes:
                        may = [one for one in look(writes.connection, until, after, limit) if not one.why]
                        counts = Counter(f"{one.agency} {kind}" for one in may)
                        counts["bytes"] = journal_retention.sizes(writes.connection, may)
                        end(writes.connection, may, writes.references)
                        retained.count(writes.connection, retained.JOURNALS, day, to_text(self.now), counts)
                after = (found[-1].at, found[-1].key)
                yield
        if self.rules.history:  # 2
            yield from self._history(journals, agencies, day)
        for agency in agencies:  # 3
            yield from self._folders(agency, journals, day)
        with journals.transaction() as writes:  # 4
            total = retained.finish(writes.connection, retained.JOURNALS, day, to_text(self.now))
            by_agency: dict[str, dict[str, int]] = defaultdict(dict)
            for name, number in total.items():
                code, _, kind = name.partition(" ")
                if kind and number:
                    by_agency[code][kind] = number
            for code, ended in by_agency.items():
                detail = {"day": day, **ended}
                JournalTransaction(writes, code).enter(Entry(self.now, code, "retention.ended", "", "", detail))
        yield
        payloads.clear(database)  # segments of which nothing is named any more

    def _history(self, journals: Journals, agencies: Sequence[Adapted], day: str) -> Iterator[None]:
        """1 rows about what was sent, then about what was received 2 events 3 proofs"""
        database, until = agencies[0].journal.database, before(self.rules.history, self.now)
        with journals.transaction() as writes:  # 3
            journal_proofs.end(writes.connection, until)
        yield
        kept: set[journal_history.About] = set()
        for table in journal_history.TABLES:  # 1
            after = 0
            while True:
                with database.read() as connection:
                    found = journal_history.rows(connection, table, until, after)
                if not found:
                    break
                if any(not one.why for one in found):
                    with journals.transaction() as writes:
                        found = journal_history.rows(writes.connection, table, until, after)
                        may = [one for one in found if not one.why]
                        journal_history.end_rows(writes.connection, may)
                        counts = Counter(f"{one.agency} rows" for one in may)
                        retained.count(writes.connection, retained.JOURNALS, day, to_text(self.now), counts)
                kept |= {(one.agency, one.axis_id) for one in found if one.why not in {"", "recall"} and one.axis_id}
                after = found[-1].number
                yield
        with database.read() as connection:
            last = journal_history.last_events(connection, [one.code for one in agencies])
        after = 0
        while True:  # 2
            with journals.transaction() as writes:
                after, ended = journal_history.end_events(writes.connection, until, after, last, kept)
                counts = Counter(f"{code} events" for code in ended)
                retained.count(writes.connection, retained.JOURNALS, day, to_text(self.now), counts)
            yield
            if not after:
                return

    def _folders(self, agency: Adapted, journals: Journals, day: str) -> Iterator[None]:
        for name, days in self.rules.folders.items():
            first = self.rules.day(before(days, self.now))
            while True:
                try:
                    files, size = agency.adapter.expire(name, first, FILES)
                except AxisError as error:
                    log.warning("%s: %s", agency.code, error)
                    return
                if not files:
                    break
                with journals.transaction() as writes:
                    counts = {f"{agency.code} {name}/": files, "bytes": size}
                    retained.count(writes.connection, retained.JOURNALS, day, to_text(self.now), counts)
                yield

    def _old_rows(self, database: Database, now: datetime) -> Found:
        found, until = Found("rows", self.rules.history), before(self.rules.history, now)
        for table in journal_history.TABLES:
            after = 0
            while True:
                with database.read() as connection:
                    rows = journal_history.rows(connection, table, until, after)
                if not rows:
                    break
                found.ends += sum(not one.why for one in rows)
                found.kept.update(one.why for one in rows if one.why not in {"", "recall"} and one.at < to_text(until))
                after = rows[-1].number
        return found

    # -- What would end ---------------------------------------------------------------------------------------

    def preview(self, now: datetime) -> Iterator[Found]:
        """What a run at `now` would end, of each kind that ends; nothing is changed."""
        if self._store is not None:
            yield from _preview_record(self._store, self.rules, now)
        homes = {one.journal.all: one.journal.database for one in self._agencies}
        for database in homes.values():
            for kind, look, _ in _KINDS:
                found, after = Found(kind, self.rules.journal), journal_retention.START
                while self.rules.journal:
                    with database.read() as connection:
                        rows = look(connection, before(self.rules.journal, now), after, LOOKED_AT)
                        may = [one for one in rows if not one.why]
                        found.size += journal_retention.sizes(connection, may)
                    found.ends += len(may)
                    found.kept.update(one.why for one in rows if one.why)
                    if len(rows) < LOOKED_AT:
                        break
                    after = (rows[-1].at, rows[-1].key)
                yield found
            if self.rules.history:
                yield self._old_rows(database, now)
        for name, days in self.rules.folders.items() if self._agencies else ():
            found = Found(f"{name}/", days)
            for agency in self._agencies:
                files, size = agency.adapter.expire(name, self.rules.day(before(days, now)), 0)
                found.ends, found.size = found.ends + files, found.size + size
            yield found


def _preview_record(store: HubStore, rules: Rules, now: datetime) -> Iterator[Found]:
    """What a run at `now` would end in the record."""
    found, after, until = Found("parcels", rules.parcels), retention.START, before(rules.parcels, now)
    while rules.parcels:
        with store.reading() as reader:
            rows = retention.kept(reader, until, after, LOOKED_AT)
            may = [one for one in rows if why_kept(one, until) is None]
            found.size += retention.sizes(reader, may)
        found.ends += len(may)
        found.kept.update(why.value for one in rows if (why := why_kept(one, until)) is not None)
        if len(rows) < LOOKED_AT:
            break
        after = (rows[-1].received_at, rows[-1].axis_id)
    yield found
    with store.reading() as reader:
        for what, days in (("delivery", rules.dead_letters), ("message", rules.quarantine)):
            yield Found(_DECIDED[what], days, len(_overdue(reader, {what: days}, now)))
        if not store.database.is_sqlite and rules.parcels:
            sizes = volumes.sizes(reader.connection)
            over = [number for number, _ in volumes.closed(reader.connection, until)]
            yield Found("volumes", rules.parcels, len(over), sum(sizes[number] for number in over))


def hold(hub: Hub, reference: str, reason: str, now: datetime) -> dict[str, Any]:
    """The bytes of this document, and of what is about it, do not end until it is released. Raises :class:`Rejected`:
    NOT_FOUND, AMBIGUOUS."""
    with hub.store.transaction() as tx:
        about = trace.the_one(tx, reference)
        owner, document_id = about["owner"], about["document_id"]
        retained.set_hold(tx.connection, owner, document_id, reason, to_text(now))
        detail = {"document_id": document_id, "reason": reason, **acts.by()}
        ledger.enter(tx, Entry(now, HUB, "retention.held", about["axis_id"], "", detail))
    return {"owner": owner, "document_id": document_id, "reason": reason, "kept": about["body_digest"] != ""}


def release(hub: Hub, reference: str, reason: str, now: datetime) -> dict[str, Any]:
    """It is held no longer. Raises :class:`Rejected`: NOT_FOUND, AMBIGUOUS."""
    with hub.store.transaction() as tx:
        about = trace.the_one(tx, reference)
        owner, document_id = about["owner"], about["document_id"]
        was_held = retained.let_go(tx.connection, owner, document_id)
        if was_held:
            detail = {"document_id": document_id, "reason": reason, **acts.by()}
            ledger.enter(tx, Entry(now, HUB, "retention.released", about["axis_id"], "", detail))
    return {"owner": owner, "document_id": document_id, "reason": reason, "held": was_held}


def _overdue(reader: HubReader, days: dict[str, int], now: datetime) -> list[dict[str, Any]]:
    """What has waited for an operator for longer than this."""
    if not any(days.values()):
        return []
    limits = {what: to_text(before(number, now)) for what, number in days.items() if number}
    return [item for item in dead_ends.listed(reader) if str(item["since"]) < limits.get(item["what"], "")]


_DECIDED = {"delivery": "dead_letters", "message": "quarantine"}
_KINDS = (
    ("outgoing", journal_retention.sent, journal_retention.end_sent),
    ("incoming", journal_retention.received, journal_retention.end_received),
)
