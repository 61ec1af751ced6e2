"""Which part of a long sweep a run of the suite tries: another one each time, so that many runs try all of it.

``AXIS_SWEEP=full`` (``make sweep``) tries all of it. Where something has failed, the run ends by saying its seed:
``AXIS_SAMPLE=seed`` tries the same part again.
"""

from __future__ import annotations

import os
from random import SystemRandom

FULL = os.environ.get("AXIS_SWEEP") == "full"
# In the environment, so that the workers of a run, and what a test starts, try the same part.
SEED = int(os.environ.setdefault("AXIS_SAMPLE", str(SystemRandom().randrange(10**6))))


def is_tried(number: int, share: int, turn: int = 0, *, full: bool = FULL, seed: int = SEED) -> bool:
    """Whether this run tries the one with this number, of which every `share`-th is. What is gone through in several ways
    gives each its `turn`: what one of them leaves out another tries."""
    return full or (number + turn + seed) % share == 0


def examples(whole: int) -> int:
    """How many of so many examples that are chosen anew in each run this one tries."""
    return whole if FULL else whole // 3
