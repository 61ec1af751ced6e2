"""One durable flush for what several adapters have written: the files of a sweep are on disk for good when it is over.

Where the kernel tells every error of a whole file system (Linux 5.8) and the file system is one of this machine, one
``syncfs`` does it for all its files and names. Anywhere else each file is flushed when it is written, and each folder
once at the end.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LOCAL = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "f2fs", "tmpfs"}
)  # whose syncfs writes all, and tells what it could not
_TELLS_ERRORS = (5, 8)


KNOWN = 30.0  # seconds that what is mounted is taken to be as it was
_mounted: tuple[float, dict[str, str]] = (0.0, {})


def is_local(device: int) -> bool:
    """Whether this is a file system of this machine: of a network drive neither times nor flushes can be trusted."""
    global _mounted  # noqa: PLW0603  one machine
    if time.monotonic() >= _mounted[0]:
        _mounted = (time.monotonic() + KNOWN, _kinds())
    return _mounted[1].get(f"{os.major(device)}:{os.minor(device)}") in LOCAL


def _kinds() -> dict[str, str]:
    """The kind of each mounted file system by its device."""
    found = {}
    with suppress(OSError), Path("/proc/self/mountinfo").open(encoding="utf-8", errors="replace") as mounts:
        for line in mounts:
            fields, _, kind = line.partition(" - ")
            found[fields.split(" ")[2]] = kind.split(" ")[0]
    return found


def flush_names(folder: Path) -> None:
    """What the folder's files are called is on disk for good."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@cache
def _kernel() -> tuple[int, int]:
    try:
        major, minor = os.uname().release.split(".")[:2]
        return int(major), int("".join(one for one in minor if one.isdigit()))
    except ValueError:
        return 0, 0


def _syncfs(descriptor: int) -> None:
    if _LIBC.syncfs(descriptor):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


_LIBC = ctypes.CDLL(None, use_errno=True)


class Disk:
    """The file systems that the adapters of one process write to. Whoever has written through it calls :meth:`flush`
    before anything is built on what was written."""

    def __init__(self) -> None:
        self._descriptors: dict[int, int] = {}  # by device: a descriptor hears of errors from its opening on
        self._whole: set[int] = set()  # devices with something to flush
        self._folders: dict[tuple[str, str], Callable[[], None]] = {}  # by owner and name, where each is flushed itself
        self._owners: dict[int, set[str]] = {}
        self._lock = threading.Lock()
        self._trusted: dict[int, bool] = {}

    def takes(self, folder: str) -> int:
        """The device that files below `folder` are on, if all that is written there is flushed together; else 0."""
        if _kernel() < _TELLS_ERRORS or not hasattr(_LIBC, "syncfs"):
            return 0
        try:
            device = os.stat(folder).st_dev  # noqa: PTH116  asked for each file
            with self._lock:
                if device not in self._trusted:
                    self._trusted[device] = is_local(device)
                if self._trusted[device] and device not in self._descriptors:
                    self._descriptors[device] = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return 0
        return device if self._trusted[device] else 0

    def note(self, owner: str, device: int) -> None:
        """`owner` has written something on this device."""
        self._whole.add(device)
        self._owners.setdefault(device, set()).add(owner)

    def note_folder(self, owner: str, name: str, sync: Callable[[], None]) -> None:
        """`owner` has changed the names in a folder, which `sync` flushes."""
        self._folders[owner, name] = sync

    def flush(self) -> dict[str, OSError]:
        """All that was noted is on disk for good, but of these owners."""
        failed: dict[str, OSError] = {}
        whole, self._whole = self._whole, set()
        folders, self._folders = self._folders, {}
        owners, self._owners = self._owners, {}
        for device in whole:
            try:
                _syncfs(self._descriptors[device])
            except OSError as error:
                failed |= dict.fromkeys(owners[device], error)
        for (owner, _), sync in folders.items():
            try:
                sync()
            except OSError as error:
                failed[owner] = error
        return failed

    def close(self) -> None:
        """Let go of the file systems."""
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._descriptors.clear()
