"""The hub: what its steps (admit, relay, sequence, deadlines) share."""

from __future__ import annotations

import logging
import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from axis.core import chain, officers
from axis.core import registry as trust
from axis.core.chain import read_registry
from axis.core.hub.rules import Rules
from axis.core.identity import uuid7_after
from axis.core.instant import to_text
from axis.core.types.typeset import read_types
from axis.errors import Fault, Misconfigured, Problem, Rejected, Unavailable
from axis.infra.record import agenda, ledger, registries
from axis.infra.record.ledger import Sequencer
from axis.infra.record.restored import restored_at
from axis.services.hub.asking import Asking
from axis.services.hub.flow import Breakers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from axis.adapters.bell import Bell
    from axis.core.homes import Hello
    from axis.core.hub.change import Keep
    from axis.core.hub.terms import Deadlines
    from axis.core.message import Broker, Delivered
    from axis.core.parcel import Known
    from axis.core.registry import Registry
    from axis.core.signature import Signer
    from axis.core.types.typeset import Types
    from axis.infra.record.agenda import Look
    from axis.infra.record.high_water import HighWater, LedgerEnd
    from axis.infra.record.store import HubStore
    from axis.services.hub.flow import QueueLimits, RateLimits
    from axis.services.hub.log import LogKey
    from axis.services.hub.stamps import Stamping

log = logging.getLogger("axis.hub")
HELD_BYTES = 32 * 1024 * 1024
CLOCK = timedelta(minutes=5)  # by which a worker's clock may differ from the database's
CLOCKS = 2 * CLOCK  # by which the clocks of several workers may differ


@dataclass
class Question:
    """An adapter has asked about its home; it is answered after so many `rounds` without anything of its agency.
    `does_not_know`: it is told first what it may not know. `told`: how far it has been told what its agency has given,
    None before that. `turn`: in which the others were asked last whether they hold something of its agency, `who`: that
    have answered before; `is_settled`: nobody does."""

    asked: Delivered
    hello: Hello
    rounds: int
    does_not_know: bool = False
    told: str | None = None
    turn: int = 0
    who: frozenset[str] = frozenset()
    is_settled: bool = False


class Hub:
    """One hub worker. Its steps live beside this: admit, relay, deadlines."""

    def __init__(
        self,
        store: HubStore,
        broker: Broker,
        signer: Signer,
        installation: str,
        *,
        give_up_attempts: int,
        user_id_required: bool,
        rate_limits: RateLimits,
        queue_limits: QueueLimits,
        high_water: HighWater,
        deadlines: Deadlines,
        closed_agency: str,
        unknown_types: str = "plain",
        consignment_after: timedelta = timedelta(seconds=5),
        log_key: LogKey | None = None,
        stamping: Stamping | None = None,
        anchor: trust.Certificate | None = None,
        signers: Callable[[], Sequence[Signer]] | None = None,
        homes_ask: bool = False,
    ) -> None:
        """`signers`: its keys that are here, the next one, too; `anchor`: from which the registry leads to them;
        `homes_ask`: its agencies' adapters have homes of their own, which ask before they work (axis/core/homes.py)."""
        self.store = store
        self.broker = broker
        self.signer = signer  # the one of its keys that signs now
        self._anchor = anchor or trust.Certificate(signer.der)
        self._load_signers = signers or (lambda: (signer,))
        self._signers: Sequence[Signer] = (signer,)
        self.installation = installation
        self.give_up_attempts = give_up_attempts
        self.user_id_required = user_id_required
        self.worker = uuid.uuid4().hex
        self.rate_limits = rate_limits
        self.queue_limits = queue_limits
        self.high_water = high_water
        self.deadlines = deadlines
        self.follow_successors = closed_agency == "successor"
        self.refuses_unknown_types = unknown_types == "refuse"
        self.consignment_after = consignment_after
        self.log_key = log_key
        self.stamping = stamping
        self.homes_ask = homes_ask
        self.linked = 0  # entries of the ledger that have their places, as far as is known here
        self.logged = 0  # of these, in the log
        self.log_again = datetime.min.replace(tzinfo=UTC)  # when more is put into it at the earliest
        self.asking = Asking()  # of the log's witnesses
        self.known: Known | None = None  # what was verified in this process, where its agencies work in it, too
        self.bell: Bell | None = None  # that its broker rings
        self.tells_at_once = False  # what is owed a D.1 is told without waiting: nothing else is due
        self.breakers = Breakers()
        self.turn = 0
        self.has_more = False  # its last round has left something that was due
        self.excused: set[tuple[str, str]] = set()  # messages that the world's trouble has interrupted, see admit
        self._registry: Registry | None = None
        self._types: Types | None = None
        self._registry_digest = ""
        self.lost_until: datetime | None = None  # the record was put back: of what was before this, some may be missing
        self.compares_clock = False  # with the database's, see `check_clock`
        self.looked_again: tuple[datetime, str] | None = None  # when at what waits for it, and up to which
        self.looked: Look | None = None  # what the round has begun with
        self.questions: dict[str, Question] = {}  # by agency, see services/hub/homes.py
        self.settled: dict[str, int] = {}  # of which agencies this worker has said that it holds nothing, by turn
        self.taken_back: dict[str, tuple[datetime, timedelta]] = {}  # by closed agency, see services/hub/take_back.py
        self._declared: set[str] = set()
        self._rules: Rules | None = None
        self.held: dict[str, bytes] = {}  # payloads by digest, see `hold`
        self._held_bytes = 0
        self._entropy = b""
        self._last_id = ""

    def check_record(self) -> None:
        """Whether the record still has what this hub once wrote; now, and with each new connection from now on.
        Raises :class:`Corrupted` RECORD_OLD."""
        self.store.guard(self.high_water)
        with self.store.reading() as reader:
            ledger.checked(reader, self.high_water.read())

    def check_clock(self, now: datetime) -> None:
        """Whether `now`, by which all that is done next is dated, is the time. A lease or a wait that a wrong clock has
        set would keep every other worker from it, and each good signature would be refused.

        Raises :class:`Unavailable` CLOCK_WRONG."""
        if self.compares_clock:
            with self.store.reading() as reader:
                there = agenda.clock(reader)
            self._compare_clock(there, now)

    def take_key(self, now: datetime) -> None:
        """The next key signs from when its time has come. What is accepted must be receipted, and believed by whoever's
        clock is a little ahead.

        Raises :class:`Misconfigured` CERTIFICATE_ENDED where no key of it can, :class:`Unavailable` where the clock is
        slow: it will be set right."""
        chosen = chain.choose(self._signers, self.registry(), now)
        if chosen is not None:
            self.signer = chosen
            return
        until = chain.signs_until(self.registry())
        is_slow = all(now < one.certificate.not_valid_before_utc for one in self._signers)
        problem = Problem(Fault.CERTIFICATE_ENDED, got=to_text(now), expected=to_text(until))
        raise Unavailable(problem) if is_slow else Misconfigured(problem)

    def _compare_clock(self, there: datetime | None, now: datetime) -> None:
        if there is not None and abs(there - now) > CLOCK:
            raise Unavailable(Problem(Fault.CLOCK_WRONG, got=to_text(now), expected=to_text(there)))

    def sequencer(self, now: datetime) -> Sequencer:
        """Who gives its place to what is entered now."""
        return Sequencer(self.worker, now, self.high_water.read())

    def link(self, now: datetime) -> int:
        """Give entries that have none their places in the ledger, and note how far the record goes; how many. Before
        anything goes out that rests on them: what was promised and is lost afterwards is noticed then.

        What this worker has entered itself has its places mostly, and nobody is asked about it again. Raises
        :class:`Corrupted` RECORD_OLD where the record has lost what was noted: no place is given out twice."""
        noted, linked = self.high_water.read(), 0
        looked = self.looked.standing if self.looked is not None else None
        if looked is None or looked.is_unlinked or self.store.has_unlinked:
            linked, end = self._give_places(now, noted)
        else:
            end = max(looked.end, self.store.end or looked.end, key=lambda one: one.position)
        if end != noted:
            self.high_water.advance(end)
        self.linked = end.position
        return linked

    def _give_places(self, now: datetime, noted: LedgerEnd | None) -> tuple[int, LedgerEnd]:
        with self.store.reading() as reader:
            found = ledger.checked(reader, noted)
        given = None
        if found.is_unlinked:
            with self.store.transaction() as tx:
                given = ledger.give_places(tx, self.worker, now, 1000, noted)
        self.store.has_unlinked = False
        return given if given is not None else (0, found.end)

    def note_others(self) -> None:
        """As :meth:`link` does, note how far the record goes: something goes out now that another worker may have
        entered since this round began."""
        noted = self.high_water.read()
        with self.store.reading() as reader:
            end = ledger.checked(reader, noted).end
        if end != noted:
            self.high_water.advance(end)

    def is_record_old(self) -> bool:
        """Whether it lacks something that this hub once wrote; it is not guarded by this."""
        with self.store.reading() as reader:
            return not ledger.standing(reader, self.high_water.read()).holds

    def registry(self) -> Registry:
        """The registry in force, as read by the last :meth:`refresh`."""
        if self._registry is None:
            self.refresh()
        assert self._registry is not None  # noqa: S101
        return self._registry

    @property
    def types(self) -> Types | None:
        """The document types that go with that registry; None where there are none."""
        self.registry()
        return self._types

    def refresh(self) -> None:
        """Read the newest registry from the store, if it is another than the one read last."""
        with self.store.reading() as reader:
            digest = registries.newest(reader)
        self._refresh(digest)

    def begin_round(self, now: datetime) -> Look:
        """:meth:`check_clock` and :meth:`refresh`, and what there is to do by the clock, in one statement: each round
        begins so. Raises :class:`Corrupted` RECORD_OLD where the record has lost what was noted, :class:`Misconfigured`
        CERTIFICATE_ENDED when nobody would believe what is signed now."""
        noted = self.high_water.read()
        with self.store.reading() as reader:
            self.looked = agenda.look(reader, noted)
        ledger.check_standing(self.looked.standing, noted)
        if self.compares_clock:
            self._compare_clock(self.looked.clock, now)
        self._refresh(self.looked.registry)
        self.take_key(now)
        return self.looked

    def _refresh(self, digest: str) -> None:
        if digest == self._registry_digest and digest:
            return
        with self.store.reading() as reader:
            digest = digest or registries.newest(reader)
            data = reader.payload(digest)
            found, types_digest = read_registry(data, self._anchor), registries.types(reader)
            earlier = registries.before(reader, digest) if self._registry is None else ""
            known = read_registry(reader.payload(earlier), self._anchor) if earlier else self._registry
            types = read_types(reader.payload(types_digest), chain.signing(found)) if types_digest else None
            restored = restored_at(reader) if found.resend_from is not None else None
        found = self._followed(known, found)
        self.lost_until = restored + CLOCKS if restored is not None else None
        self._registry, self._types = found, types
        self._signers = self._load_signers()
        self._rules = None
        self._registry_digest = digest
        codes = {member.code for member in self._registry.agencies}
        if self._declared and codes - self._declared:
            self.broker.declare(codes - self._declared)  # a new agency's queues
        self._declared = codes

    def _followed(self, known: Registry | None, found: Registry) -> Registry:
        """The newest registry; the one before, where officers have not signed what is new: whoever can write into the
        database does not change it."""
        if known is None or known.version >= found.version:
            return found
        try:
            officers.check_acts(known, found, found.issued_at, anew=True)
        except Rejected as error:
            log.error("registry %d is not followed: %s", found.version, error)  # noqa: TRY400  what it says is enough
            return known
        return found

    def tell_at_once(self) -> bool:
        """Nothing else is due: what is owed a D.1 is told now, not when its time has come. False if nothing is owed."""
        with self.store.reading() as reader:
            self.tells_at_once = bool(agenda.owed(reader, None, 1))
        return self.tells_at_once

    def suspended(self, now: datetime) -> list[str]:
        """Agencies whose mail waits."""
        return [m.code for m in self.registry().agencies if m.standing(now) == "suspended"]

    def new_id(self, now: datetime) -> str:
        """A new UUID v7, greater than those of the same moment before it."""
        if len(self._entropy) < 10:
            self._entropy = os.urandom(1000)
        taken, self._entropy = self._entropy[:10], self._entropy[10:]
        self._last_id = uuid7_after(self._last_id, now, taken)
        return self._last_id

    @property
    def rules(self) -> Rules:
        """What its decisions depend on beside the record."""
        if self._rules is None or self._rules.registry is not self.registry():
            self._rules = Rules(
                installation=self.installation,
                registry=self.registry(),
                deadlines=self.deadlines,
                follow_successors=self.follow_successors,
                lost_until=self.lost_until,
                consignment_after=self.consignment_after,
                give_up_attempts=self.give_up_attempts,
            )
        return self._rules

    def mailbox(self, code: str, now: datetime) -> str:
        """Who has the mail of agency `code` now: itself, or its successor."""
        return self.rules.mailbox(code, now)

    def hold(self, payloads: Iterable[Keep]) -> None:
        """Bytes that were written just now are published from memory, as far as there is room: reading them back would
        cost as much as writing them. They go out under their digest, which was computed from them."""
        for one in payloads:
            if self._held_bytes + len(one.content) > HELD_BYTES:
                self.held.clear()
                self._held_bytes = 0
            if one.digest not in self.held and len(one.content) <= HELD_BYTES // 4:
                self.held[one.digest] = one.content
                self._held_bytes += len(one.content)
