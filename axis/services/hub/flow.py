"""How much flows: from each agency at most so much a second, into each queue no more than it may hold; nothing for a
while to one that refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core.hub import lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

BREAKER_FIRST, BREAKER_LONGEST = 2.0, 300.0  # seconds
BURST = 10.0  # seconds' worth that an agency may send at once
PARKED = timedelta(seconds=2)
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
class RateLimits:
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
class QueueLimits:
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
