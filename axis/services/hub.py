"""The hub: what its steps (admit, relay, sequence) share, and the loop over them."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core import lifecycle, receipt, trust
from axis.core.edxml import Kind
from axis.core.identity import uuid7
from axis.core.instant import to_text, whole
from axis.core.ledger import Entry
from axis.core.lifecycle import State, Step
from axis.core.receipt import Event, Receipt, Statement, Subject
from axis.core.trust import HUB, read_registry
from axis.errors import Fault, Problem, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from axis.core.deadline import Deadlines
    from axis.core.homes import Hello
    from axis.core.message import Broker, Delivered
    from axis.core.signature import Signer
    from axis.core.trust import Registry
    from axis.infra.database import Row
    from axis.infra.mark import Mark
    from axis.infra.store import HubStore, HubTransaction

BREAKER_FIRST, BREAKER_LONGEST = 2.0, 300.0  # seconds
BURST = 10.0  # seconds' worth that an agency may send at once
PARKED = timedelta(seconds=2)
CLOCK = timedelta(minutes=5)  # by which a worker's clock may differ from the database's
CLOCKS = 2 * CLOCK  # by which the clocks of several workers may differ
GAP_OPEN = timedelta(days=7)  # after a restore: so long may an agency be away before it sends again
SHARE = 4  # a worker takes a quarter of what is free, and asks again: others may have asked at the same moment
FRESH = timedelta(seconds=10)  # how long it believes the answer


@dataclass
class Breakers:
    """For each agency whose queue refused: leave it alone for a while, longer each time."""

    _failures: dict[str, int] = field(default_factory=dict)
    _until: dict[str, datetime] = field(default_factory=dict)

    def open(self, now: datetime) -> list[str]:
        """Agencies to leave alone at `now`."""
        return [code for code, until in self._until.items() if until > now]

    def failed(self, code: str, now: datetime, jitter: float) -> None:
        """A publication to `code` failed. Those that were on their way with it count as the same failure."""
        if self._until.get(code, now) > now:
            return
        self._failures[code] = self._failures.get(code, 0) + 1
        wait = lifecycle.retry_after(self._failures[code], jitter, first=BREAKER_FIRST, longest=BREAKER_LONGEST)
        self._until[code] = now + wait

    def succeeded(self, code: str) -> None:
        """A publication to `code` was confirmed."""
        self._failures.pop(code, None)
        self._until.pop(code, None)

    def next(self, now: datetime) -> datetime | None:
        """When the first open one closes."""
        return min((until for until in self._until.values() if until > now), default=None)


@dataclass
class Allowances:
    """How much may be taken from each agency now: what flows in at the configured rate, at most `BURST` seconds' worth.

    An agency that has used up its own waits; what it sends waits in its own queue.
    """

    documents_per_second: float
    bytes_per_second: float
    _documents: dict[str, float] = field(default_factory=dict)
    _bytes: dict[str, float] = field(default_factory=dict)
    _at: datetime | None = None

    def used_up(self, now: datetime) -> set[str]:
        """Agencies to take nothing from at `now`."""
        passed = (now - self._at).total_seconds() if self._at else 0.0
        self._at = now
        for left, rate in ((self._documents, self.documents_per_second), (self._bytes, self.bytes_per_second)):
            for code in list(left):
                left[code] += max(0.0, passed) * rate
                if left[code] >= rate * BURST:
                    del left[code]  # full: as if it had never sent anything
        return {code for left in (self._documents, self._bytes) for code, value in left.items() if value <= 0}

    def spend(self, code: str, size: int, documents: int = 1) -> None:
        """A message of `size` bytes was taken from `code`, as much work as so many `documents`; the last one may go
        beyond what is left."""
        self._documents[code] = self._documents.get(code, self.documents_per_second * BURST) - documents
        self._bytes[code] = self._bytes.get(code, self.bytes_per_second * BURST) - size


@dataclass
class Rooms:
    """How much more may be put into each agency's queues, so that no more than `depth` wait in them.

    Every worker has its own; the depth is the queue's. So each takes a part of what the broker says is free, and asks
    again when that is used up or no longer fresh; a full queue is left alone for `PARKED`.
    """

    depth: int
    _free: dict[str, int] = field(default_factory=dict)
    _left: dict[str, int] = field(default_factory=dict)
    _asked: dict[str, datetime] = field(default_factory=dict)
    _full_until: dict[str, datetime] = field(default_factory=dict)

    def full(self, now: datetime) -> list[str]:
        """Agencies whose mail stays parked in the record at `now`."""
        return [code for code, until in self._full_until.items() if until > now]

    def next(self, now: datetime) -> datetime | None:
        """When the first full one is looked at again."""
        return min((until for until in self._full_until.values() if until > now), default=None)

    def take(self, code: str, wanted: int, ask: Callable[[], int], now: datetime) -> int:
        """How many of `wanted` messages fit; `ask` tells how many wait there."""
        if self._left.get(code, 0) < wanted or self._asked[code] + FRESH <= now:
            self._asked[code] = now
            self._free[code] = free = max(0, self.depth - ask())
            self._left[code] = max(1, free // SHARE) if free else 0
        taken = min(wanted, self._left[code])
        self._left[code] -= taken
        if taken < wanted and self._free[code] < wanted:
            self._full_until[code] = now + PARKED
        else:
            self._full_until.pop(code, None)
        return taken


@dataclass
class Question:
    """An adapter has asked about its home; it is answered after so many `rounds` without anything of its agency.
    `told`: how far it has been told what its agency has given, None before that."""

    asked: Delivered
    hello: Hello
    rounds: int
    told: str | None = None


class Hub:
    """One hub worker. Its steps live in services/admit.py and services/relay.py."""

    def __init__(
        self,
        store: HubStore,
        broker: Broker,
        signer: Signer,
        installation: str,
        *,
        give_up_attempts: int,
        user_id_required: bool,
        allowances: Allowances,
        rooms: Rooms,
        mark: Mark,
        deadlines: Deadlines,
        closed_agency: str,
    ) -> None:
        self.store = store
        self.broker = broker
        self.signer = signer
        self.installation = installation
        self.give_up_attempts = give_up_attempts
        self.user_id_required = user_id_required
        self.worker = uuid.uuid4().hex
        self.allowances = allowances
        self.rooms = rooms
        self.mark = mark
        self.deadlines = deadlines
        self.follow_successors = closed_agency == "successor"
        self.breakers = Breakers()
        self.turn = 0
        self.excused: set[tuple[str, str]] = set()  # messages that the world's trouble has interrupted, see admit
        self._registry: Registry | None = None
        self._registry_digest = ""
        self.lost_until: datetime | None = None  # the record was put back: of what was before this, some may be missing
        self.compares_clock = False  # with the database's, see `check_clock`
        self.looked_again: tuple[datetime, str] | None = None  # when at what waits for it, and up to which
        self.questions: dict[str, Question] = {}  # by agency, see services/homes.py
        self._declared: set[str] = set()
        self._entropy = b""

    def check_record(self) -> None:
        """Whether the record still has what this hub once wrote; now, and with each new connection from now on.
        Raises :class:`Corrupted` RECORD_OLD."""
        self.store.guard(self.mark)
        with self.store.reading() as reader:
            reader.check(self.mark)

    def check_clock(self, now: datetime) -> None:
        """Whether `now`, by which all that is done next is dated, is the time. A lease or a wait that a wrong clock has
        set would keep every other worker from it, and each good signature would be refused.

        Raises :class:`Unavailable` CLOCK_WRONG."""
        if not self.compares_clock:
            return
        with self.store.reading() as reader:
            there = reader.clock()
        if there is not None and abs(there - now) > CLOCK:
            raise Unavailable(Problem(Fault.CLOCK_WRONG, got=to_text(now), expected=to_text(there)))

    def link(self, now: datetime) -> int:
        """Give new entries their places in the ledger, and note how far the record goes; how many. Before anything goes
        out that rests on them: what was promised and is lost afterwards is noticed then.

        Raises :class:`Corrupted` RECORD_OLD where the record has lost what was noted: no place is given out twice."""
        with self.store.transaction() as tx:
            tx.check(self.mark)
            linked = tx.sequence(self.worker, now, 1000)
            end = tx.written()
        self.mark.advance(end)
        return linked

    def is_record_old(self) -> bool:
        """Whether it lacks something that this hub once wrote; it is not guarded by this."""
        written = self.mark.read()
        with self.store.reading() as reader:
            return written is not None and not reader.holds(written)

    def registry(self) -> Registry:
        """The registry in force, as read by the last :meth:`refresh`."""
        if self._registry is None:
            self.refresh()
        assert self._registry is not None  # noqa: S101
        return self._registry

    def refresh(self) -> None:
        """Read the newest registry from the store, if it is another than the one read last."""
        with self.store.reading() as reader:
            digest = reader.registry_digest()
            if digest == self._registry_digest:
                return
            data = reader.payload(digest)
            registry = read_registry(data, trust.Certificate(self.signer.der))
            restored = reader.restored() if registry.resend_from is not None else None
        self.lost_until = restored + CLOCKS if restored is not None else None
        self._registry = registry
        self._registry_digest = digest
        codes = {member.code for member in self._registry.agencies}
        if self._declared and codes - self._declared:
            self.broker.declare(codes - self._declared)  # a new agency's queues
        self._declared = codes

    def is_gap_open(self, now: datetime) -> bool:
        """Whether what the record has lost is still expected to come again."""
        return self.lost_until is not None and now < self.lost_until + GAP_OPEN

    def suspended(self, now: datetime) -> list[str]:
        """Agencies whose mail waits."""
        return [m.code for m in self.registry().agencies if m.standing(now) == "suspended"]

    def new_id(self, now: datetime) -> str:
        """A new UUID v7."""
        if len(self._entropy) < 10:
            self._entropy = os.urandom(1000)
        taken, self._entropy = self._entropy[:10], self._entropy[10:]
        return uuid7(now, taken)

    def mailbox(self, code: str, now: datetime) -> str:
        """Who has the mail of agency `code` now: itself, or its successor."""
        return self.registry().open_successor(code, now) if self.follow_successors else code

    def issue(self, tx: HubTransaction, row: Row, statements: list[Statement], now: datetime) -> None:
        """Sign D statements about one submission and send them to its sender."""
        subject = Subject(row["axis_id"], row["kind"], row["sender"], row["document_id"], row["content_digest"])
        signed = receipt.signed(Receipt(self.installation, HUB, subject, tuple(statements)), self.signer, now)
        tx.issue(row["axis_id"], signed, statements, self.mailbox(row["sender"], now), now)

    def fail_delivery(
        self, tx: HubTransaction, delivery_id: str, problem: Problem, attempts: int, now: datetime
    ) -> None:
        """Not delivered so far: state FAILED with D.2 to the sender (statuses have no D). Not final."""
        row = tx.delivery_for_update(delivery_id)
        detail = {"code": problem.fault.code, "attempts": attempts}
        entry = Entry(now, HUB, "delivery.failed", row["axis_id"], row["recipient"], detail)
        state, digest = tx.move(row, Step.GAVE_UP, entry, attempts=attempts)
        if state is State.FAILED and row["kind"] != Kind.STATUS:
            statement = Statement(
                self.new_id(now),
                Event.ContentConsignmentFailure,
                whole(now),
                row["recipient"],
                (),
                receipt.reasons([problem]),
                digest,
            )
            self.issue(tx, row, [statement], now)
