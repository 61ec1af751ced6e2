"""What a hub worker remembers of asking the log's witnesses."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from axis.infra.log.store import Head

ANSWERS = timedelta(seconds=2)  # until it is looked first whether the answers are there; twice as long each time


@dataclass(slots=True)
class Own:
    """The places of the entries about an agency in log number `log` that it has not been told: behind place `start`, as
    far as they are known, which is up to `upto`."""

    log: int
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
    about: Head | None = None  # what the last ones were asked about: all are asked about the same,
    to_ask: list[str] = field(default_factory=list)  # these in the next portions;
    is_first: bool = False  # whether it is the first checkpoint of a day
    own: dict[str, Own] = field(default_factory=dict)  # by agency, in the order of their turns to be told
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)  # perfect nodes of the tree of log
    nodes_of: int = 0  # this number

    def due_in(self, now: datetime) -> float:
        """Seconds until there is something to do."""
        return (self.look - now).total_seconds() if self.look is not None else math.inf
