"""The pulse of a process: that its loop turns, and what troubles its parts. Written by the loop, read by other threads:
single values, each replaced as a whole."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.errors import AxisError
    from axis.services.agency.adapter import Agency

STALLED = 120.0  # seconds; no round takes so long: each is bounded in messages, bytes and time


class Part(Protocol):
    """The hub or an agency, as its loop sees it."""

    name: str
    agency: Agency | None
    error: AxisError | None  # what keeps it from working now
    worked: bool


class Pulse:
    """See the module."""

    def __init__(self) -> None:
        self.parts: Sequence[Part] = ()
        self.rounds = 0
        self.last = 0.0  # when the last round ended, Unix time; 0 before the first
        self._at = time.monotonic()

    def begin(self, parts: Sequence[Part]) -> None:
        """The loop begins, over these parts."""
        self.parts = parts
        self._at = time.monotonic()

    def turn(self) -> None:
        """A round has ended."""
        self._at = time.monotonic()
        self.last = time.time()
        self.rounds += 1

    def silence(self) -> float:
        """Seconds since the last round ended, or since the start."""
        return time.monotonic() - self._at

    @property
    def turns(self) -> bool:
        """Whether the loop goes on."""
        return self.silence() < STALLED
