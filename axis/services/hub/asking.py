"""What a hub worker remembers of asking the log's witnesses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

ANSWERS = timedelta(seconds=2)  # until it is looked first whether the answers are there; twice as long each time


@dataclass(slots=True)
class Asking:
    """Up to which size this worker has asked, when it asks again at the earliest, and when it looks for answers, or
    whom else it has to ask or tell; None where nobody owes anything. Before the first round neither is known."""

    asked: int = 0
    next: datetime | None = None
    look: datetime | None = None
    wait: timedelta = ANSWERS
    policy: str | None = None  # that was noted as the one that counts
