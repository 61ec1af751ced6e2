"""Parcels in files beside the database: appended, never changed, each file deleted whole when its parcels are over.

A row of the database names segment, offset and length (axis/infra/payloads.py). What a transaction appends is flushed
once, before its commit: so a crash leaves bytes that no row names, and never a row without its bytes. Bytes that no row
names, at the end of a segment or within, are legal: they are passed over, and never written upon.

Each writing process appends to a segment of its own, which it holds locked; a new one is begun when it is full or the
day is over.
"""

from __future__ import annotations

import fcntl
import os
import re
import threading
from collections import OrderedDict
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from axis.errors import Fault, Problem, Unavailable
from axis.infra.files import flush_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FULL = 256 * 1024 * 1024  # bytes of a segment after which the next one is begun
RECENT = 32 * 1024 * 1024  # bytes in memory of what was appended last, which is read next
RECENT_EACH = 4 * 1024 * 1024
OPEN = 16  # segments that are read from at the same time
_NAME = re.compile(r"\d{4}-\d\d-\d\d-(\d{6,})")
_KEEP = ".keep"


class Range(NamedTuple):
    """Where bytes lie."""

    segment: str
    start: int
    length: int


@dataclass
class _Writing:
    """The segment that is appended to."""

    name: str
    descriptor: int
    end: int


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


class Segments:
    """The segments in one folder, which is made when the first is. Raises :class:`Unavailable` STORE_DOWN where the
    disk does not do what it is asked for."""

    def __init__(self, folder: Path, *, appends: bool = True, today: Callable[[], str] = _today) -> None:
        """Without `appends` what is there is read, and nothing new is put there."""
        self.folder = folder
        self.appends = appends
        self._today = today
        self._lock = threading.RLock()
        self._writing: _Writing | None = None
        self._over: list[_Writing] = []  # of this batch, not flushed yet
        self._is_dirty = False
        self._shunned: set[str] = set()  # a flush of them has failed
        self._reading: OrderedDict[str, int] = OrderedDict()
        self._recent: OrderedDict[str, bytes] = OrderedDict()
        self._recent_size = 0

    # -- Writing ----------------------------------------------------------------------------------------------

    def append(self, digest: str, content: bytes) -> Range:
        """Write these bytes behind what is there. They are durable after :meth:`flush`."""
        with self._lock, self._on_disk():
            writing = self._place()
            start = writing.end
            _write(writing.descriptor, content, start)  # after a short or failed write the next begins here again
            writing.end += len(content)
            self._is_dirty = True
        self._remember(digest, content)
        return Range(writing.name, start, len(content))

    def flush(self) -> None:
        """Everything that was appended is on disk for good: one flush for each segment that was appended to."""
        if not self._is_dirty and not self._over:
            return
        with self._lock:
            if not self._is_dirty and not self._over:
                return
            try:
                with self._on_disk():
                    for one in self._unflushed():
                        os.fdatasync(one.descriptor)
            except Unavailable:
                # What the system still holds of it may never be written: nothing more is put behind it.
                self._leave()
                raise
            self._is_dirty = False
            for one in self._over:
                os.close(one.descriptor)
            self._over.clear()

    def _place(self) -> _Writing:
        now = self._writing
        if now is not None and now.end < FULL and now.name.startswith(self._today()):
            return now
        if now is not None:
            self._over.append(now)
            self._writing = None
        self._writing = self._begin()
        return self._writing

    def _begin(self) -> _Writing:
        """The newest segment, if it is of today, has room and is nobody else's; else a new one."""
        self.make_folder()
        newest, today = max(self.names(), key=_number, default=""), self._today()
        if newest.startswith(today) and newest not in self._shunned and (found := self._take(newest)) is not None:
            return found
        number = _number(newest) if newest else 0
        while True:
            number += 1
            with suppress(FileExistsError):
                if (made := self._make(f"{today}-{number:06}")) is not None:
                    return made

    def _take(self, name: str) -> _Writing | None:
        return self._held(name, os.open(self.folder / name, os.O_RDWR | os.O_CLOEXEC))

    def _make(self, name: str) -> _Writing | None:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return self._held(name, os.open(self.folder / name, flags, 0o600))

    def _held(self, name: str, descriptor: int) -> _Writing | None:
        """This segment, locked, from its end on; None where it is full or another worker's, who may have seen it as
        soon as it was made. Its name is on disk for good: who made it may have died before it was."""
        try:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                end = os.lseek(descriptor, 0, os.SEEK_END)
                if end < FULL:
                    flush_folder(self.folder)
                    return _Writing(name, descriptor, end)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    def make_folder(self) -> None:
        """The folder is there, for good."""
        with self._on_disk():
            if not self.folder.is_dir():
                with suppress(FileExistsError):
                    self.folder.mkdir(mode=0o700)
                flush_folder(self.folder.parent)

    def flush_names(self) -> None:
        """What the folder's files are called is on disk for good."""
        with self._on_disk():
            flush_folder(self.folder)

    def _leave(self) -> None:
        for one in self._unflushed():
            os.close(one.descriptor)
            self._shunned.add(one.name)
        self._over, self._writing, self._is_dirty = [], None, False

    def _unflushed(self) -> list[_Writing]:
        return [*self._over, *([self._writing] if self._writing is not None else [])]

    # -- Reading ----------------------------------------------------------------------------------------------

    def recent(self, digest: str) -> bytes | None:
        """These bytes, if they are still in memory since they were appended."""
        return self._recent.get(digest)

    def read(self, where: Range) -> bytes:
        """What lies there, less where something is missing. Whether it is what it should be, the caller knows."""
        with self._lock:
            try:
                return _read(self._opened(where.segment), where.start, where.length)
            except OSError:
                return b""

    def _opened(self, name: str) -> int:
        descriptor = self._reading.get(name)
        if descriptor is None:
            if not _NAME.fullmatch(name):
                raise FileNotFoundError(name)
            descriptor = self._reading[name] = os.open(self.folder / name, os.O_RDONLY | os.O_CLOEXEC)
            if len(self._reading) > OPEN:
                os.close(self._reading.popitem(last=False)[1])
        self._reading.move_to_end(name)
        return descriptor

    def _remember(self, digest: str, content: bytes) -> None:
        if len(content) > RECENT_EACH:
            return
        with self._lock:
            if digest in self._recent:
                return
            self._recent[digest] = content
            self._recent_size += len(content)
            while self._recent_size > RECENT:
                self._recent_size -= len(self._recent.popitem(last=False)[1])

    # -- Whole segments ---------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """The segments that are there, in the order in which they were begun."""
        with suppress(FileNotFoundError):
            return sorted((one.name for one in self.folder.iterdir() if _NAME.fullmatch(one.name)), key=_number)
        return []

    def ended(self, idle: float = 0.0) -> list[str]:
        """Those that nothing is appended to any more, by anybody, and nothing was for so many seconds."""
        found = []
        for name in self.names()[:-1]:  # the newest stays whatever it holds: no name is given twice
            if self._writing is not None and name == self._writing.name:
                continue
            with suppress(OSError), (self.folder / name).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if datetime.now(UTC).timestamp() - os.fstat(file.fileno()).st_mtime >= idle:
                    found.append(name)
        return found

    def delete(self, name: str) -> int:
        """A segment is deleted; how many bytes it had."""
        with self._lock, self._on_disk():
            if (descriptor := self._reading.pop(name, None)) is not None:
                os.close(descriptor)
            try:
                size = (self.folder / name).stat().st_size
                (self.folder / name).unlink()
            except FileNotFoundError:
                return 0
            return size

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Within, no segment is deleted by anybody."""
        gate = self._gate()
        try:
            if gate is not None:
                fcntl.flock(gate, fcntl.LOCK_SH)
            yield
        finally:
            _close(gate)

    @contextmanager
    def deleting(self) -> Iterator[bool]:
        """Within, segments may be deleted; not (False) where somebody wants them :meth:`kept`."""
        gate = self._gate()
        may = gate is not None
        try:
            if gate is not None:
                try:
                    fcntl.flock(gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    may = False
            yield may
        finally:
            _close(gate)

    def _gate(self) -> int | None:
        if not self.folder.is_dir():
            return None
        return os.open(self.folder / _KEEP, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            for one in self._unflushed():
                os.close(one.descriptor)
            for descriptor in self._reading.values():
                os.close(descriptor)
            self._over, self._writing, self._is_dirty = [], None, False
            self._reading.clear()
            self._recent.clear()
            self._recent_size = 0

    @contextmanager
    def _on_disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unavailable(Problem(Fault.STORE_DOWN, got=f"{self.folder}: {error.strerror}")) from error


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def _number(name: str) -> int:
    return int(name.rpartition("-")[2])


def _write(descriptor: int, content: bytes, start: int) -> None:
    left = memoryview(content)
    while left:
        written = os.pwrite(descriptor, left, start)
        start += written
        left = left[written:]


def _read(descriptor: int, start: int, length: int) -> bytes:
    found = os.pread(descriptor, length, start)
    while len(found) < length and (more := os.pread(descriptor, length - len(found), start + len(found))):
        found += more
    return found
