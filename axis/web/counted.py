"""Reports, and what waits, are counted beside the pages, one at a time, and kept for a while: a year of a million
documents takes many seconds, and no page waits for that."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as LateError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from axis.errors import Fault, Problem, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from concurrent.futures import Future

PATIENCE = 1.0  # seconds that a page waits for it
KEPT = 300.0  # seconds
MAX_KEPT = 64  # reports that are kept
MAX_WAITING = 8  # reports that wait to be counted; one more is refused


@dataclass
class _Count:
    """What is counted, and when that was done."""

    future: Future[dict[str, Any]]
    done: float | None = None

    def note(self, _: Future[dict[str, Any]]) -> None:
        """It is counted now."""
        self.done = time.monotonic()

    def is_older(self, seconds: float) -> bool:
        """Whether it was done longer ago than that."""
        return self.done is not None and time.monotonic() - self.done > seconds


class Counted:
    """What was counted, by what was asked for."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "axis-web-report")
        self._made: dict[Hashable, _Count] = {}
        self._lock = threading.Lock()

    def of(self, key: Hashable, make: Callable[[], dict[str, Any]], *, kept: float = KEPT) -> dict[str, Any] | None:
        """What `make` has counted for this key, done at most `kept` seconds ago; None where that goes on. Raises
        :class:`Unavailable` where too many wait."""
        with self._lock:
            found = self._made.get(key)
            if found is None or found.is_older(kept):
                self._made.pop(key, None)
                if sum(not one.future.done() for one in self._made.values()) >= MAX_WAITING:
                    raise Unavailable(Problem(Fault.WEB_BUSY))
                while len(self._made) >= MAX_KEPT:
                    del self._made[next(key for key, one in self._made.items() if one.future.done())]
                found = self._made[key] = _Count(self._pool.submit(make))
                found.future.add_done_callback(found.note)
        try:
            return found.future.result(PATIENCE)
        except LateError:
            return None
        except Exception:
            with self._lock:
                if self._made.get(key) is found:
                    del self._made[key]
            raise

    def close(self) -> None:
        """Nothing more is counted."""
        self._pool.shutdown(wait=False, cancel_futures=True)
