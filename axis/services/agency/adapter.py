"""One agency's adapter: what its steps share, from one sweep to the next."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from axis.core import chain, parcel
from axis.core import registry as trust
from axis.core.homes import Standing
from axis.core.instant import from_text
from axis.core.types.typeset import read_types
from axis.errors import Corrupted, Fault, Problem, away

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from axis.adapters.base import Guarded, Source
    from axis.adapters.bell import Bell
    from axis.adapters.disk import Disk
    from axis.core.line import Asked
    from axis.core.log.checkpoint import NoteSigner
    from axis.core.message import Broker
    from axis.core.registry import Registry
    from axis.core.signature import Signer
    from axis.core.types.typeset import Types
    from axis.errors import AxisError
    from axis.infra.journal.journals import Journal, Start
    from axis.infra.journal.transaction import JournalTransaction

log = logging.getLogger("axis.agency")
CLOCK_BACK = timedelta(minutes=5)  # what a clock may be set back without a word
REST_FOR_EACH = 0.001  # seconds between two listings of an outbox, for each source that lies there
SAID_AT_ONCE = 20  # lines about different things of one agency


class Sent:
    """What this adapter has put into its two intake queues since it started, to tell what still waits there."""

    LATEST = 10_000  # more do not wait in a queue, see INTAKE_QUOTA

    def __init__(self) -> None:
        self._count = {True: 0, False: 0}
        self._place: dict[str, int | None] = {}  # by parcel; None: it may not have got there

    def confirmed(self, digest: str, *, urgent: bool) -> None:
        """This parcel is in its queue."""
        self._count[urgent] += 1
        self._note(digest, self._count[urgent])

    def failed(self, digest: str) -> None:
        """Whether this parcel is in its queue is not known."""
        self._note(digest, None)

    def waits(self, digest: str, depth: int, *, urgent: bool) -> bool:
        """Whether this parcel has not been taken yet, `depth` being how many wait in its queue, which is taken from the
        front. One that was put there before the start waits as long as anything of that time does."""
        place = self._place.get(digest, 0)
        return place is not None and depth > self._count[urgent] - place

    def _note(self, digest: str, place: int | None) -> None:
        self._place.pop(digest, None)
        self._place[digest] = place
        if len(self._place) > self.LATEST:
            del self._place[next(iter(self._place))]


@dataclass
class Outbox:
    """What is known of an agency's sources, so that none is looked at twice without need."""

    sources: Iterator[Source] | None = None  # the look at all of them that is not at its end
    began: float = 0.0  # on the monotonic clock
    again_at: float = 0.0  # not before this it is listed once more, if only something seems to have changed there
    seen: set[str] = field(default_factory=set)  # digests, in this look
    wrong: dict[str, str] = field(default_factory=dict)  # what is wrong with which, in this look
    waiting: dict[str, tuple[Source, str]] = field(default_factory=dict)  # for the hub's answer; with content digests
    by_content: dict[str, list[str]] = field(default_factory=dict)
    ready: dict[str, Source] = field(default_factory=dict)  # something is to be done about these

    def waits(self, source: Source, content: str) -> None:
        """It is frozen, and there is nothing to do until the hub answers."""
        self.waiting[source.digest] = source, content
        self.by_content.setdefault(content, []).append(source.digest)

    def answered(self, content: str) -> None:
        """The hub has answered what has this content."""
        for digest in self.by_content.pop(content, ()):
            if (found := self.waiting.pop(digest, None)) is not None:
                self.ready[digest] = found[0]

    def begin(self, sources: Iterator[Source], moment: float) -> None:
        """Look at all from the beginning."""
        self.sources, self.began = sources, moment
        self.seen, self.wrong = set(), {}

    @property
    def has_more(self) -> bool:
        """Whether some of what was listed was not looked at yet."""
        return self.sources is not None or bool(self.ready)

    @property
    def rest(self) -> float:
        """Seconds from the beginning of a listing of so many until the next: its cost stays a small part of all."""
        return len(self.seen) * REST_FOR_EACH

    def end(self) -> None:
        """All were looked at: what was not there is forgotten."""
        self.sources, self.again_at = None, self.began + self.rest
        for digest in self.waiting.keys() - self.seen:
            _, content = self.waiting.pop(digest)
            self.by_content.pop(content, None)
        self.ready = {digest: source for digest, source in self.ready.items() if digest in self.seen}


class Agency:
    """One agency's adapter. Its steps are the modules beside.

    It has nothing of the hub but the broker and what came through it. Its broker, adapter and key are made when they
    are first needed, so that what is wrong with one agency's is found within that agency's own rounds.
    """

    def __init__(
        self,
        code: str,
        journal: Journal,
        broker: Callable[[], Broker],
        adapter: Callable[[], Guarded],
        signer: Callable[[], Signer],
        hub: trust.Certificate,
        installation: str,
        witness_keys: Callable[[], Mapping[int, NoteSigner]] = dict,
    ) -> None:
        self.code = code
        self.journal = journal
        self.witness_keys = witness_keys  # by what they are for
        self._make_broker = broker
        self._make_adapter = adapter
        self._make_signer = signer
        self.hub = hub
        self.installation = installation
        self.turn = 0
        self.sent = Sent()
        self.instance = ""  # of its home; "" where hub and journal are one file, and are put back together
        self.start = uuid.uuid4().hex
        self.standing = Standing.CURRENT
        self.ask_at: datetime | None = None  # when the hub is asked about it again
        self.questions = 0  # it was asked so many times since it has answered last
        self.echoes: list[Asked] = []  # of tests of the connection that have come, and are answered next
        self.shown_again: int | None = 0  # up to which row what was shown has been looked at since the start; None: all
        self.trouble: AxisError | None = None  # what keeps it from working now
        self.away: AxisError | None = None  # why its own system could not be reached in the last round
        self.is_open = False
        self.is_unsure = True  # whether all was published that its journal has noted so
        self.later: list[Callable[[JournalTransaction], None]] = []  # what is noted with whatever is noted next
        self.disk: Disk | None = None  # that its adapter leaves flushing to
        self.bell: Bell | None = None  # that its adapter and its broker ring
        self.known: parcel.Known | None = None  # what was verified in this process, where the hub works in it, too
        self.outbox = Outbox()
        self.held_at: datetime | None = None  # when at what waits for a registry
        self.aside: tuple[int, int] | None = None  # how many messages, and bytes, lie aside; None: to be asked
        self.aside_seen: tuple[int, int | None] = (0, None)  # up to which it was looked at, by this registry; None: all
        self.copies_at = 0.0  # not before this, on the monotonic clock, readable copies are made
        self.copies_wrong = ""  # why they wait
        self.has_copies = False  # there may be more to make
        self.proving: set[str] | None = (
            None  # about what its receipts and their proofs have come; None: nothing was told
        )
        self.proved_at: datetime | None = None  # when it was looked at these last
        self.owes_word = False  # it was asked to cosign, or has something to say about the log
        self.owes_other = 0  # the size of the checkpoint that it was asked to cosign with its other key, too
        self._round_at: datetime | None = None  # the time of the last round
        self._said: dict[str, str] = {}
        self._start: Start | None = None  # what its journal has, of what it begins with
        self._registry: Registry | None = None
        self._types: Types | None = None

    @cached_property
    def broker(self) -> Broker:
        """The line to the hub."""
        return self._make_broker()

    @cached_property
    def adapter(self) -> Guarded:
        """What connects the agency's own system."""
        return self._make_adapter()

    @cached_property
    def signer(self) -> Signer:
        """The agency's key."""
        return self._make_signer()

    @property
    def needs_start(self) -> bool:
        """Whether it is to be told what its journal has, see :meth:`begin`: before its first round, after a new
        registry was installed, and as long as there is none."""
        if self._round_at is None:
            return True
        return self._registry is None and (self._start is None or not self._start.version)

    def begin(self, found: Start) -> None:
        """What its journal has is `found`, by a question for many agencies at once. What it was not told it asks
        itself."""
        if self._round_at is None:  # the first time
            self._round_at = from_text(found.last) if found.last else None
            if not found.has_shown and self.standing is Standing.CURRENT:
                self.shown_again = None
        self._start = found

    def open(self) -> None:
        """Make and check what it works with, once; what a process that died has left behind is cleared away.

        Raises what is wrong with it: until it is open nothing is taken, sent or shown."""
        if self.is_open:
            return
        _ = self.signer, self.broker
        self.adapter.check()
        kept: list[tuple[Any, str]] = []
        if self._start is None or self._start.is_showing:
            with self.journal.reading() as reader:
                kept = reader.being_shown()
        self.adapter.tidy(kept)
        self.is_open = True

    @property
    def is_rung_for(self) -> bool:
        """Whether the bell rings for all that may come to it from outside of this process."""
        return self.is_open and self.trouble is None and self.away is None and self.adapter.rings()

    def look_at(self) -> float | None:
        """When its adapter has something to collect though nothing new comes, on the monotonic clock."""
        moment = self.adapter.look_at() if self.is_open else None
        return max(moment, self.outbox.again_at) if moment is not None else None

    def flush(self) -> None:
        """What its adapter has written is on disk for good. Raises :class:`Unavailable` ADAPTER_AWAY."""
        failed = self.disk.flush() if self.disk is not None else {}
        if self.code in failed:
            raise away(failed[self.code])

    def keep_time(self, now: datetime) -> None:
        """Notice that the clock was set back, in the run or before it: what waits for a time that the wrong clock has
        set would wait for as long as it was wrong. So all that waits is due; to try once too early does no harm."""
        before, self._round_at = self._round_at or now, now
        if before - now < CLOCK_BACK:
            return
        with self.journal.transaction() as tx:
            count = tx.bring_forward(now)
        log.warning(
            "%s: the clock was set back by %s; %d things waited for its times",
            self.code,
            before - now,
            count,
        )

    def let_go(self) -> None:
        """Give back what it holds at the broker, if it has one."""
        if "broker" in self.__dict__:
            self.broker.close()

    def reached(self, away: AxisError | None) -> None:
        """How it went with the agency's own system in this round; said when that changes."""
        if away is not None and self.away is None:
            log.warning("%s: %s", self.code, away)
        elif away is None and self.away is not None:
            log.warning("%s: its system is there again", self.code)
        self.away = away

    def is_new(self, what: str, why: str) -> bool:
        """Whether this trouble with one of its things has not been said yet."""
        return self._said.get(what) != why

    def say(self, wrong: Mapping[str, str], *, whole: bool = True) -> None:
        """What is wrong with the agency's things now, by name: logged when it is new, not at each round. Not `whole`:
        some have not been looked at."""
        new = [(what, why) for what, why in wrong.items() if self.is_new(what, why)]
        for what, why in new[:SAID_AT_ONCE]:
            log.warning("%s: %r: %s", self.code, what, why)
        if len(new) > SAID_AT_ONCE:
            log.warning("%s: and %d more", self.code, len(new) - SAID_AT_ONCE)
        self._said = dict(wrong) if whole else {**self._said, **wrong}

    def registry(self) -> Registry:
        """The registry installed here. Raises :class:`Corrupted` when there is none."""
        if self._registry is None:
            data, types = self._installed()
            self._registry = chain.read_registry(data, self.hub)
            self._types = read_types(types, chain.signing(self._registry)) if types else None
            self._start = None  # the bytes are needed no more
        return self._registry

    def _installed(self) -> tuple[bytes, bytes]:
        if self._start is not None and self._start.registry:
            return self._start.registry, self._start.types
        with self.journal.reading() as reader:
            found, types = reader.registry(), reader.types()
        if found is None:
            raise Corrupted(Problem(Fault.REGISTRY_INVALID, got=f"no registry installed for {self.code}"))
        return found[1], types

    def types(self) -> Types | None:
        """The document types that came with the registry installed here; None where none did."""
        self.registry()
        return self._types

    def hub_keys(self) -> chain.HubKeys:
        """The hub's keys, as far as they are known here."""
        return chain.HubKeys(self.hub, self.registry() if self.is_enrolled() else None)

    def is_enrolled(self) -> bool:
        """Whether a registry is installed; a new agency's first one comes with its mail."""
        if self._registry is not None:
            return True
        if self._start is not None:
            enrolled = self._start.version > 0
        else:
            with self.journal.reading() as reader:
                enrolled = reader.registry_version() > 0
        if enrolled:
            self.registry()
        return enrolled

    def forget_registry(self) -> None:
        """A newer one was installed."""
        self._registry = self._start = None
        self.held_at = None

    def asks_at(self) -> datetime | None:
        """When it asks the hub about its home once more; None while it works, and when it does not ask."""
        return self.ask_at if self.standing is Standing.UNKNOWN else None
