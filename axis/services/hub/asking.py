"""What a hub worker remembers of asking the log's witnesses."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.infra.log.store import Head

ANSWERS = timedelta(seconds=2)  # until it is looked first whether the answers are there; twice as long each time


@dataclass(frozen=True, slots=True)
class Round:
    """One round of asking: all are asked about the same checkpoint, these in its next portions. `is_first`: it is the
    first checkpoint of a day."""

    about: Head
    is_first: bool
    to_ask: Sequence[str]


@dataclass(slots=True)
class Untold:
    """The places of the entries about an agency that it has not been told: behind place `start`, as far as they are
    known, which is up to `upto`."""

    start: int
    upto: int
    places: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Asking:
    """Up to which size this worker has asked, when it asks again at the earliest, and when it looks for answers, or
    whom else it has to ask or tell; None where nobody owes anything. Before the first round neither is known."""

    asked: int = 0
    next: datetime | None = None
    look: datetime | None = None
    wait: timedelta = ANSWERS
    policy: str | None = None  # that was noted as the one that counts
    log: int = 0  # the number of the log that the rest is about
    round: Round | None = None  # that is not finished
    untold: dict[str, Untold] = field(default_factory=dict)  # by agency, in the order of their turns to be told
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)  # perfect nodes of its tree: they never change

    def turn_to(self, log: int) -> None:
        """Of another log nothing is known that was true of the one before."""
        if log != self.log:
            self.log, self.round, self.untold, self.nodes = log, None, {}, {}

    def rest_until(self, next_: datetime) -> None:
        """This worker has nothing to ask or tell before. A round that it has not finished is begun anew."""
        if self.round is not None:
            self.asked = 0
        self.next, self.look, self.round = next_, None, None

    def due_in(self, now: datetime) -> float:
        """Seconds until there is something to do."""
        return (self.look - now).total_seconds() if self.look is not None else math.inf
