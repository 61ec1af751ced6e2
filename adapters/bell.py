"""What wakes a process before its pause is over: a name that appears in a watched folder, a message that has arrived;
and what it asks while it waits for others, whether it is to stop.

Ringing shortens a pause and nothing else: whoever is never rung for is looked at all the same, a little later. So what
the kernel loses, or a network drive does not tell, is only late.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_CREATED, _WRITTEN, _MOVED_IN, _GONE, _MOVED = 0x100, 0x8, 0x80, 0x400, 0x800
_IGNORED, _UNMOUNTED, _ONLY_FOLDER = 0x8000, 0x2000, 0x01000000
_EVENTS = _CREATED | _WRITTEN | _MOVED_IN | _GONE | _MOVED | _ONLY_FOLDER
_HEAD = struct.Struct("iIII")
LAST_MOMENT = 1.0  # seconds that an answer may still take once the process is to stop
_SLICE = 0.2  # seconds until it is asked again whether the process is to stop

_LIBC = ctypes.CDLL(None, use_errno=True)


class Bell:
    """One of a process; any thread may :meth:`ring`, one thread waits. `stopped`: whether the process is to stop."""

    def __init__(self, stopped: Callable[[], bool] = lambda: False) -> None:
        self._stopped = stopped
        self._stopped_at: float | None = None
        self._closing = threading.Lock()  # the number of a closed descriptor may be another's
        self._rung = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._rung, select.POLLIN)
        self._paths: dict[int, str] = {}  # by watch
        self._watched: set[str] = set()
        self._kernel = _inotify()
        if self._kernel >= 0:
            self._poll.register(self._kernel, select.POLLIN)

    def ring(self) -> None:
        """Something has come."""
        with self._closing, suppress(BlockingIOError):  # it rings already
            if self._rung >= 0:
                os.eventfd_write(self._rung, 1)

    def is_over(self) -> bool:
        """Whether the process is to stop, and what it waits for has had its last moment: asked by whoever waits for a
        broker or a server, several times a second."""
        if not self._stopped():
            return False
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
        return time.monotonic() - self._stopped_at >= LAST_MOMENT

    def watch(self, folder: str) -> bool:
        """Ring when a name appears in `folder`, or what stands there is whole. False where nothing will tell."""
        if folder in self._watched:
            return True
        if self._kernel < 0:
            return False
        watch = _LIBC.inotify_add_watch(self._kernel, os.fsencode(folder), _EVENTS)
        if watch < 0:
            return False
        if watch in self._paths:  # the same folder under another name
            self._watched.discard(self._paths[watch])
        self._paths[watch] = folder
        self._watched.add(folder)
        return True

    def is_watched(self, folder: str) -> bool:
        """Whether it rings for this folder."""
        return folder in self._watched

    def wait(self, seconds: float, stopped: Callable[[], bool]) -> bool:
        """Until it rings, for at most so many seconds, or until `stopped()`; whether it has rung."""
        end = time.monotonic() + seconds
        while not stopped():
            left = end - time.monotonic()
            if self._poll.poll(max(0.0, min(left, _SLICE)) * 1000):
                self._hear()
                return True
            if left <= 0:
                return False
        return False

    def close(self) -> None:
        """Let go of what it watches."""
        with self._closing:
            os.close(self._rung)
            self._rung = -1
        if self._kernel >= 0:
            os.close(self._kernel)
        self._kernel = -1
        self._watched.clear()

    def _hear(self) -> None:
        with suppress(BlockingIOError):
            os.eventfd_read(self._rung)
        if self._kernel < 0:
            return
        while True:
            try:
                data = os.read(self._kernel, 65536)
            except BlockingIOError:
                return
            at = 0
            while at < len(data):
                watch, event, _, length = _HEAD.unpack_from(data, at)
                at += _HEAD.size + length
                if event & (_GONE | _MOVED | _IGNORED | _UNMOUNTED):  # another folder may stand there by now
                    self._watched.discard(self._paths.pop(watch, ""))
                    if event & _MOVED:
                        _LIBC.inotify_rm_watch(self._kernel, watch)


def _inotify() -> int:
    """A descriptor of the kernel's; -1 where it has none for us."""
    return int(_LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)) if hasattr(_LIBC, "inotify_init1") else -1
