"""The loops: rounds of the hub's and the agencies' steps, until stopped or until nothing is due."""

from __future__ import annotations

import logging
import math
import random
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from axis import crashpoints
from axis.core.homes import Standing
from axis.core.hub import lifecycle
from axis.core.instant import to_text
from axis.errors import AxisError, Fault, Misconfigured, Problem, Unavailable, away
from axis.infra.record import outbox
from axis.services.agency import submit
from axis.services.hub import admit, deadlines, relay, stamps, take_back, witness
from axis.services.hub import log as log_of_entries
from axis.services.operate import dead_ends
from axis.services.pulse import Pulse
from axis.services.sweep import Sweep, note_later

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from axis.infra.journal.journals import Journals
    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub
    from axis.services.retention import Retention

log = logging.getLogger("axis.run")
PAUSE, LONGEST_PAUSE = 0.1, 1.0  # seconds between rounds when nothing was to be done; grows while it stays so
PATIENT, PATIENT_PAUSE = 10.0, 0.25  # after so many seconds of pauses nobody notices a longer one
RUNG_PAUSE = 2.0  # the same where the bell tells of all that can come; but for times that are due
# Where little comes often, it is gathered: so many rounds at once, and then one in so many seconds. One that has left
# something for the next is not counted: there is a backlog.
AT_ONCE, GATHER = 6, 0.4
# Where agencies share a process, a round is to be over so soon, for the others' turn: of one who has much to send it
# takes less for that, down to so many.
SOON, LEAST = 0.2, 10
HUB_PAUSE = 2.0  # seconds between two rounds of a hub that shares its process with all agencies, which do nothing
PATIENCE, LONG_PATIENCE = 3, 5  # attempts of an agency, and of the hub, before work until nothing is due goes without


def hub_round(hub: Hub, now: datetime, timeout: float = 0) -> int:
    """One round of the hub: admit, link, relay, deadlines; how much was done. Waits at most `timeout` seconds. Where
    nothing has come, and nothing was due at its beginning, it ends with that."""
    looked, moment = hub.begin_round(now), to_text(now)
    done, trouble = 0, None
    try:
        done = admit.step(hub, now, timeout)
    except Unavailable as error:
        if error.fault not in {Fault.STORE_DOWN, Fault.HUB_BROKEN}:
            raise
        trouble = error  # perhaps with one message alone: what is accepted already does not wait for that
    crashpoints.reached("A01")
    done += take_back.step(hub, now)
    done += hub.link(now)
    if done or trouble is not None or "" < looked.sent <= moment:
        done += relay.step(hub, now)
    if hub.tells_at_once or "" < looked.told <= moment:
        done += deadlines.step(hub, now)
    done += dead_ends.look_again(hub, now)
    log_of_entries.step(hub, now)
    if trouble is not None:
        raise trouble
    return done


def agency_round(agency: Agency, now: datetime) -> int:
    """One round of an adapter: take mail, decide recalls, hand over, collect and publish; how much was done. Nothing of
    it before the hub has said that its home is the one that works.

    While the agency's own system is away the rest goes on."""
    swept = Sweep([agency], now)
    if agency.code in swept.failed:
        raise swept.failed[agency.code]
    note_later([agency])
    return swept.done[agency.code]


def next_due(hub: Hub | None, agencies: Sequence[Agency], now: datetime) -> datetime | None:
    """When something that waits is due; None when nothing waits but for suspended agencies and local systems."""
    current: dict[Journals, list[str]] = {}
    moments: list[datetime] = []
    for one in agencies:
        if one.standing is Standing.CURRENT:
            current.setdefault(one.journal.all, []).append(one.code)
        elif (moment := one.asks_at()) is not None:
            moments.append(moment)
    moments += [m for journals, codes in current.items() if (m := journals.next_due(codes, now)) is not None]
    if hub is not None:
        with hub.store.reading() as reader:
            count, first = outbox.waiting(reader, hub.suspended(now))
        if count and first is not None:
            moments.append(max(first, hub.breakers.next(now) or first, hub.queue_limits.next(now) or first))
    return min(moments, default=None)


class _Part:
    """The hub or one agency: the boundary at which whatever goes wrong in it is caught, named, counted and backed off.

    One part's trouble is not another's. What an operator must mend at the hub ends the work; an agency waits for it.
    """

    def __init__(self, name: str, let_go: Callable[[], None], agency: Agency | None) -> None:
        self.name = name
        self.agency = agency
        self._let_go = let_go
        self._since = self._again_at = 0.0  # on the monotonic clock
        self.worked = False
        self.failures = 0
        self.error: AxisError | None = None

    def may_work(self) -> bool:
        """Whether it need not wait longer after what went wrong."""
        return time.monotonic() >= self._again_at

    def went_wrong(self, error: Exception) -> None:
        """Its round has failed. Of the hub it raises what waiting does not help against."""
        if isinstance(error, AxisError):
            if self.agency is None and not self._may_pass(error):
                raise error
            self._wait(error)
        elif self.agency is None:
            raise error
        elif isinstance(error, OSError):
            self._wait(away(error))
        else:
            problem = Problem(Fault.INTERNAL, got=f"{type(error).__name__}: {error}"[:300])
            if self.error is None or self.error.problems != (problem,):
                log.error("the adapter of %s failed", self.name, exc_info=error)
            self._wait(Unavailable(problem))

    def went_well(self) -> None:
        """Its round is over."""
        if self.error is not None:
            log.warning("%s: works again after %.0f s", self.name, time.monotonic() - self._since)
        self._note(None)
        self.worked, self.failures = True, 0 if self.is_well else self.failures + 1

    def has_unsettled(self) -> bool:
        """Whether something was seen in the agency's outbox that is not complete yet."""
        try:
            return self.agency is not None and self.agency.adapter.unsettled()
        except AxisError:
            return False

    @property
    def is_well(self) -> bool:
        """Whether nothing was wrong in its last round, nor with the agency's own system."""
        return self.error is None and (self.agency is None or self.agency.away is None)

    @property
    def may_recover(self) -> bool:
        """Whether it is in a trouble that a few seconds may end."""
        return not self.is_well and isinstance(self.error, Unavailable | None) and self.failures < PATIENCE

    def _may_pass(self, error: AxisError) -> bool:
        """A broker that refuses whom it has served before is told so by somebody, and will be told otherwise."""
        if isinstance(error, Unavailable):
            return True
        return self.worked and isinstance(error, Misconfigured) and error.fault is Fault.BROKER_CONFIG

    def _wait(self, error: AxisError) -> None:
        """Said once for each kind of trouble, not at each attempt."""
        self.failures += 1
        wait = lifecycle.retry_after(self.failures, random.random(), first=0.5, longest=30)  # noqa: S311  jitter
        if self.error is None:
            self._since = time.monotonic()
        if self.error is None or self.error.fault is not error.fault:
            log.warning("%s: %s; trying again", self.name, error)
        self._note(error)
        self._again_at = time.monotonic() + wait.total_seconds()
        if error.fault is Fault.ADAPTER_TWICE:
            return  # the two connections show the administrator where both are
        try:
            self._let_go()
        except Exception:
            log.exception("%s: what it held at the broker is not given back", self.name)

    def _note(self, error: AxisError | None) -> None:
        self.error = error
        if self.agency is not None:
            self.agency.trouble = error


def _hub_turn(part: _Part, hub: Hub, now: datetime, *, asks: bool) -> int:
    """One round of the hub; with `asks` the log's witnesses are asked as well, if it is time."""
    try:
        done = hub_round(hub, now)
        if asks:
            done += witness.step(hub, now) + stamps.step(hub, now)
    except Exception as error:  # noqa: BLE001  it is raised again where waiting does not help
        part.went_wrong(error)
        return 0
    part.went_well()
    return done


def _sweep(
    parts: Sequence[_Part], now: datetime, stopped: Callable[[], bool], *, thorough: bool, batch: int
) -> tuple[int, Sweep]:
    """One sweep over the agencies that need not wait, and how much was done."""
    those = [(part, part.agency) for part in parts if part.agency is not None and part.may_work()]
    swept = Sweep([agency for _, agency in those], now, thorough=thorough, batch=batch, stopped=stopped)
    attended = swept.attended | swept.failed.keys()
    for part, agency in those:
        if agency.code not in attended:
            continue
        if agency.code in swept.failed:
            part.went_wrong(swept.failed[agency.code])
        else:
            part.went_well()
    return sum(count for code, count in swept.done.items() if code not in swept.failed), swept


def rounds(
    hub: Hub | None,
    agencies: Sequence[Agency],
    *,
    stopped: Callable[[], bool],
    until_idle: bool = False,
    progress: Callable[[], None] = lambda: None,
    retention: Retention | None = None,
    pulse: Pulse | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> datetime | None:
    """Round after round until `stopped()`; with `until_idle` also when nothing is due now, but at agencies that are in
    trouble: what it is, each says itself (:attr:`Agency.trouble`, :attr:`Agency.away`).

    What is in hand is finished before stopping. Who finds broker or store away backs off and goes on by itself.
    Returns when the next thing is due (None: nothing waits). Raises what keeps the hub from working, and
    :class:`Misconfigured` when an operator has to act before any of the agencies can.
    """
    hubs = [] if hub is None else [_Part("hub", hub.broker.close, None)]
    those = [_Part(one.code, one.let_go, one) for one in agencies]
    bell = next((one.bell for one in (*agencies, hub) if one is not None and one.bell is not None), None)
    pace, batch, pulse = _Pace(), _Batch(is_shared=len(those) > 1), pulse or Pulse()
    pulse.begin([*hubs, *those])
    idle, hub_at, thorough = 0, 0.0, True
    unseen: set[str] | None = None  # agencies whose sources nobody has looked at since something was done last
    while not stopped():
        done, passed_over, has_more, looks_on, begun = 0, set[str](), False, False, time.monotonic()
        # Where hub and agencies share a process, what an agency has published is what there is to do for the hub.
        is_due = idle == 0 or not those or thorough or time.monotonic() >= hub_at
        if hub is not None and is_due and hubs[0].may_work():
            done += _hub_turn(hubs[0], hub, clock(), asks=not until_idle)
            has_more = hub.has_more
            asks_in = HUB_PAUSE if until_idle else max(PAUSE, hub.asking.due_in(clock()))
            hub_at = time.monotonic() + min(HUB_PAUSE, asks_in)
        if those and not stopped():
            count, swept = _sweep(those, clock(), stopped, thorough=thorough, batch=batch.size)
            looks_on = swept.has_more
            if looks_on:
                batch.after(time.monotonic() - begun)
            done, passed_over, has_more = done + count, swept.passed_over, has_more or swept.has_more
        if those and all(isinstance(part.error, Misconfigured) and not part.worked for part in those):
            assert those[0].error is not None  # noqa: S101
            raise those[0].error
        progress()
        if retention is not None and not stopped():
            retention.turn(clock())
        pulse.turn()
        idle = 0 if done or looks_on else idle + 1
        if looks_on and not done:
            continue  # what was looked at needs nothing; what comes after it may
        if done:
            thorough, unseen = False, None
            if not until_idle and (hub is None or not those):  # parts of one process need not wait for each other
                _sleep(0.0 if has_more else pace.after(time.monotonic()), stopped)
            continue
        unseen = passed_over if unseen is None else unseen & passed_over
        if until_idle and not thorough:
            thorough, unseen = True, None  # nothing seems to be left: is it so?
            continue
        if until_idle and unseen:
            continue  # a sweep is bounded in time: on a slow machine it takes several to look at everybody
        if until_idle and _may_rest([*hubs, *those]):
            if hub is not None and hub.tell_at_once():
                continue
            due = next_due(hub, [part.agency for part in those if part.agency and part.is_well], clock())
            if due is None or due > clock():
                _end_log(hub, clock())
                return due
        thorough = until_idle
        if until_idle:
            _sleep(min(PAUSE * idle, LONGEST_PAUSE), stopped)
        elif bell is None:
            _sleep(PAUSE if those else min(PAUSE * idle, LONGEST_PAUSE), stopped)
        else:
            turn_at = hub_at if hubs and hubs[0].may_work() else math.inf
            bell.wait(_pause(those, idle, time.monotonic(), turn_at), stopped)
    with suppress(Unavailable):  # it would be published once more at the next start
        note_later(agencies)
    _end_log(hub, clock())
    return next_due(hub, agencies, clock())


def _end_log(hub: Hub | None, now: datetime) -> None:
    """What was entered last stands in the log, too, before the work ends or rests."""
    with suppress(Unavailable):  # the next start does it
        while hub is not None and log_of_entries.step(hub, now, at_rest=True):
            pass


class _Pace:
    """How much later the next round begins when something was done in this one."""

    def __init__(self) -> None:
        self._left, self._at = float(AT_ONCE), 0.0

    def after(self, now: float) -> float:
        """Seconds from the end of a round in which something was done, `now` on the monotonic clock."""
        self._left = min(float(AT_ONCE), self._left + (now - self._at) / GATHER)
        self._at = now
        self._left -= 1
        return 0.0 if self._left >= 0 else -self._left * GATHER


class _Batch:
    """How many of the sources of one agency a round deals with, by what the last one took where several share it."""

    def __init__(self, *, is_shared: bool) -> None:
        self.size = submit.BATCH_MESSAGES
        self._is_shared = is_shared

    def after(self, seconds: float) -> None:
        """A round that left something for the next took so long."""
        if not self._is_shared:
            return
        share = min(max(SOON / max(seconds, 0.001), 0.5), 1.25)
        self.size = min(max(round(self.size * share), LEAST), submit.BATCH_MESSAGES)


def _pause(parts: Sequence[_Part], idle: int, now: float, turn_at: float) -> float:
    """Seconds until the next round where nothing rings before: as long as may be where the bell tells of all that can
    come, but not longer than until a file has settled, or the hub that shares the process has its turn."""
    agencies = [part.agency for part in parts if part.agency is not None]
    if not agencies:
        return min(PAUSE * idle, LONGEST_PAUSE)
    rung = all(one.is_rung_for for one in agencies)
    pause = RUNG_PAUSE if rung else PAUSE if PAUSE * idle < PATIENT else max(PAUSE, PATIENT_PAUSE)
    moments = [at for one in agencies if (at := one.look_at()) is not None]
    return max(0.0, min(pause, min([*moments, turn_at]) - now))


def _may_rest(parts: Sequence[_Part]) -> bool:
    """Whether nothing is about to come by itself: who is in trouble stays in it, and no file is being written. Raises
    what has kept the hub from working for long."""
    for part in parts:
        if part.agency is None and part.error is not None:
            if part.failures > LONG_PATIENCE:
                raise part.error
            return False
    return not any(part.may_recover or (part.is_well and part.has_unsettled()) for part in parts)


def _sleep(seconds: float, stopped: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while not stopped() and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
