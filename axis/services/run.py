"""The loops: rounds of the hub's and the agencies' steps, until stopped or until nothing is due."""

from __future__ import annotations

import logging
import random
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from axis import crashpoints
from axis.core import lifecycle
from axis.core.homes import Standing
from axis.errors import AxisError, Fault, Misconfigured, Unavailable
from axis.services import admit, deadends, deliver, relay, standing, submit, watch, withdraw

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from axis.core.message import Broker
    from axis.services.agency import Agency
    from axis.services.hub import Hub

log = logging.getLogger("axis.run")
PAUSE, LONGEST_PAUSE = 0.1, 1.0  # seconds between rounds when nothing was to be done; grows while it stays so


def hub_round(hub: Hub, now: datetime, timeout: float = 0) -> int:
    """One round of the hub: admit, relay, deadlines, sequence; how much was done. Waits at most `timeout` seconds."""
    hub.refresh()
    done = admit.step(hub, now, timeout)
    done += relay.step(hub, now)
    done += watch.step(hub, now)
    done += deadends.look_again(hub, now)
    crashpoints.reached("A01")
    with hub.store.transaction() as tx:
        linked = tx.sequence(hub.worker, now, 1000)
        end = tx.written() if linked else None
    if end is not None:
        hub.mark.write(end)
    return done + linked


def agency_round(agency: Agency, now: datetime) -> int:
    """One round of an adapter: take mail, decide recalls, hand over, collect and publish; how much was done. Nothing of
    it before the hub has said that its home is the one that works."""
    if agency.standing is not Standing.CURRENT:
        asked = standing.ask(agency, now)
        if agency.standing is Standing.BEHIND:
            return asked
        return asked + deliver.take(agency, now, urgent_only=True)
    done = deliver.take(agency, now)
    if not agency.is_enrolled() or agency.standing is not Standing.CURRENT:
        return done
    done += withdraw.step(agency, now)
    done += deliver.hand_over(agency, now)
    done += submit.collect(agency, now)
    done += submit.publish(agency, now)
    return done


def _isolated(agency: Agency, now: datetime) -> int:
    """A round of one adapter; our own bug there is said and does not stop the others."""
    try:
        return agency_round(agency, now)
    except AxisError:
        raise
    except Exception:
        log.exception("the adapter of %s failed", agency.code)
        return 0


def next_due(hub: Hub | None, agencies: Sequence[Agency], now: datetime) -> datetime | None:
    """When something that waits is due; None when nothing waits but for suspended agencies and local systems."""
    moments = [m for one in agencies if (m := one.next_due()) is not None]
    if hub is not None:
        with hub.store.reading() as reader:
            count, first = reader.waiting(hub.suspended(now))
        if count and first is not None:
            moments.append(max(first, hub.breakers.next(now) or first, hub.rooms.next(now) or first))
    return min(moments, default=None)


class _Part:
    """What works through one broker object, and keeps trying by itself when broker or store are away.

    One part's trouble is not another's: an agency whose login is refused does not stop the one beside it.
    """

    def __init__(self, name: str, broker: Broker, work: list[Callable[[], int]]) -> None:
        self._name = name
        self._broker = broker
        self._work = work
        self._worked = False
        self._trouble = ""
        self._since = self._again_at = 0.0  # on the monotonic clock
        self.failures = 0
        self.error: AxisError

    def turn(self) -> int:
        """One round; how much was done. Raises what waiting does not help against."""
        if time.monotonic() < self._again_at:
            return 0
        try:
            done = sum(work() for work in self._work)
        except (Unavailable, Misconfigured) as error:
            # A broker that refuses whom it has served before is told so by somebody, and will be told otherwise.
            refused = isinstance(error, Misconfigured)
            if refused and not (self._worked and error.fault is Fault.BROKER_CONFIG):
                raise
            self._wait(error)
            return 0
        if self._trouble:
            log.warning("%s: works again after %.0f s", self._name, time.monotonic() - self._since)
        self._worked, self._trouble, self.failures = True, "", 0
        return done

    def _wait(self, error: AxisError) -> None:
        """Said once for each kind of trouble, not at each attempt."""
        self.failures += 1
        wait = lifecycle.retry_after(self.failures, random.random(), first=0.5, longest=30)  # noqa: S311  jitter
        if not self._trouble:
            self._since = time.monotonic()
        if self._trouble != error.fault.code:
            log.warning("%s: %s; trying again", self._name, error)
        self._trouble = error.fault.code
        self.error = error
        self._again_at = time.monotonic() + wait.total_seconds()
        self._broker.close()


def _parts(hub: Hub | None, agencies: Sequence[Agency], clock: Callable[[], datetime]) -> list[_Part]:
    """The hub, and the agencies, those together that share a broker object."""
    parts = [] if hub is None else [_Part("hub", hub.broker, [lambda: hub_round(hub, clock())])]
    shared: dict[int, list[Agency]] = {}
    for one in agencies:
        shared.setdefault(id(one.broker), []).append(one)
    for together in shared.values():
        name = together[0].code + (f" and {len(together) - 1} more" if len(together) > 1 else "")
        parts.append(_Part(name, together[0].broker, [lambda a=a: _isolated(a, clock()) for a in together]))  # type: ignore[misc]
    return parts


def rounds(
    hub: Hub | None,
    agencies: Sequence[Agency],
    *,
    stopped: Callable[[], bool],
    until_idle: bool = False,
    progress: Callable[[], None] = lambda: None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> datetime | None:
    """Round after round until `stopped()`; with `until_idle` also when nothing is due now.

    What is in hand is finished before stopping. Who finds broker or store away backs off and goes on by itself.
    Returns when the next thing is due (None: nothing waits).
    """
    parts = _parts(hub, agencies, clock)
    idle = 0
    while not stopped():
        done = 0
        for part in parts:
            if stopped():
                break
            done += part.turn()
        progress()
        idle = 0 if done else idle + 1
        if done:
            continue
        if until_idle and any(part.failures for part in parts):
            if worst := next((part for part in parts if part.failures > 5), None):
                raise worst.error
        elif until_idle and not any(one.adapter.unsettled() for one in agencies):
            due = next_due(hub, agencies, clock())
            if due is None or due > clock():
                return due
        _sleep(min(PAUSE * idle, LONGEST_PAUSE), stopped)
    return next_due(hub, agencies, clock())


def _sleep(seconds: float, stopped: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while not stopped() and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
