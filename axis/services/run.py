"""The loops: rounds of the hub's and the agencies' steps, until stopped or until nothing is due."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from axis import crashpoints
from axis.core import lifecycle
from axis.errors import AxisError, Unavailable
from axis.services import admit, deliver, relay, submit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from axis.services.agency import Agency
    from axis.services.hub import Hub

log = logging.getLogger("axis.run")
PAUSE, LONGEST_PAUSE = 0.1, 1.0  # seconds between rounds when nothing was to be done; grows while it stays so


def hub_round(hub: Hub, now: datetime, timeout: float = 0) -> int:
    """One round of the hub: admit, relay, sequence; how much was done. Waits at most `timeout` seconds."""
    hub.refresh()
    done = admit.step(hub, now, timeout)
    done += relay.step(hub, now)
    crashpoints.reached("A01")
    with hub.store.transaction() as tx:
        done += tx.sequence(hub.worker, now, 1000)
    return done


def agency_round(agency: Agency, now: datetime) -> int:
    """One round of an adapter: take mail, hand it over, collect and publish; how much was done."""
    done = deliver.take(agency, now)
    if not agency.is_enrolled():
        return done
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
            moments.append(max(first, hub.breakers.next(now) or first))
    return min(moments, default=None)


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

    What is in hand is finished before stopping. When broker or store are away it backs off and goes on.
    Returns when the next thing is due (None: nothing waits).
    """
    failures = idle = 0
    while not stopped():
        now = clock()
        try:
            done = hub_round(hub, now) if hub is not None else 0
            for one in agencies:
                done += _isolated(one, clock())
            failures = 0
        except Unavailable as error:
            failures += 1
            wait = lifecycle.retry_after(failures, 1.0, first=0.5, longest=30)
            log.warning("%s; again in %.1f s", error, wait.total_seconds())
            for broker in {id(b): b for b in [*(a.broker for a in agencies), *([hub.broker] if hub else [])]}.values():
                broker.close()
            if until_idle and failures > 5:
                raise
            _sleep(wait.total_seconds(), stopped)
            continue
        progress()
        idle = 0 if done else idle + 1
        if done:
            continue
        if until_idle and not any(one.adapter.unsettled() for one in agencies):
            due = next_due(hub, agencies, clock())
            if due is None or due > clock():
                return due
        _sleep(min(PAUSE * idle, LONGEST_PAUSE), stopped)
    return next_due(hub, agencies, clock())


def _sleep(seconds: float, stopped: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while not stopped() and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
