"""Where a folder adapter's folders are: on this machine, or on a server. Names are below the agency's own root."""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from axis.adapters.disk import KNOWN, is_local
from axis.core import xml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from axis.adapters.disk import Disk

_TICK = 2.0  # seconds within which the clock of a file system may not tell two changes apart
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True)
class Entry:
    """A file as a folder shows it: the same look again after the settling time means that it is complete."""

    name: str
    size: int
    mtime: int  # nanoseconds, as far as the place knows them
    inode: int = 0
    changed: int = field(default=0, compare=False)  # nanoseconds: when it got its name here; 0 where no place tells
    is_file: bool = True


class Tree(Protocol):
    """Files by ``folder/name``. Raises OSError, and FileNotFoundError for what is not there."""

    def check(self, folder: str) -> bool:
        """Whether this folder is there and can be written."""

    def entries(self, folder: str) -> list[Entry]:
        """The regular files of a folder; links, folders and devices are none."""

    def everything(self, folder: str, known: Collection[str] = ()) -> list[Entry]:
        """What lies in a folder but these, links, folders and devices too. Where the order of coming is not told,
        nothing beside what is `known`."""

    def look(self, path: str) -> Entry:
        """One file."""

    def read(self, path: str) -> bytes:
        """A regular file's bytes; of anything else, and of what is larger than a packet may be, OSError at once."""

    def write(self, path: str, content: bytes, *, later: bool = False) -> None:
        """A new file, or another content, on disk for good; with `later` perhaps only when its folder is
        :meth:`sync`."""

    def rename(self, path: str, to: str) -> None:
        """At once: whoever looks sees the one or the other."""

    def remove(self, path: str) -> None:
        """Nothing where there is none."""

    def make(self, folder: str) -> None:
        """A folder, where there is none."""

    def folders(self, folder: str) -> list[str]:
        """The names of the folders in a folder; links are none."""

    def remove_folder(self, folder: str) -> None:
        """An empty folder; nothing where there is none, or where something lies in it."""

    def sync(self, folder: str) -> None:
        """The names in a folder, and what was written there, are on disk for good; where a
        :class:`axis.adapters.disk.Disk` flushes for many, when that does."""

    def changed(self, folder: str) -> tuple[object, bool] | None:
        """(what is another value when a name in the folder was added or taken away since, but within the same moment;
        whether that moment is now); None where nothing tells."""


class LocalTree:
    """Folders on this machine, or on a drive that it has mounted.

    Whoever can write into a folder can put anything there: pipes, devices and links are never waited for nor followed.
    A folder itself may be a link that this program's user or root has made, to a drive that is mounted elsewhere.
    """

    def __init__(self, root: Path, disk: Disk | None = None, owner: str = "") -> None:
        self._root = root
        self._disk = disk
        self._owner = owner
        self._paths: dict[str, str] = {}
        self._device, self._known_at, self._is_local = 0, 0.0, False

    def check(self, folder: str) -> bool:
        """See :class:`Tree`."""
        try:
            with self._folder(folder) as opened:
                return os.access(".", os.R_OK | os.W_OK | os.X_OK, dir_fd=opened)
        except OSError:
            return False

    def entries(self, folder: str) -> list[Entry]:
        """See :class:`Tree`."""
        return [one for one in self.everything(folder) if one.is_file]

    def everything(self, folder: str, known: Collection[str] = ()) -> list[Entry]:
        """See :class:`Tree`."""
        found = []
        with self._folder(folder) as opened, os.scandir(opened) as listed:
            for entry in listed:
                if entry.name in known:
                    continue
                try:
                    s = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                is_file = stat.S_ISREG(s.st_mode)
                found.append(Entry(entry.name, s.st_size, s.st_mtime_ns, s.st_ino, s.st_ctime_ns, is_file))
        return found

    def look(self, path: str) -> Entry:
        """See :class:`Tree`."""
        folder, _, name = path.rpartition("/")
        opened = self._open(folder)
        try:
            status = os.stat(name, dir_fd=opened, follow_symlinks=False)
        finally:
            os.close(opened)
        return Entry(name, status.st_size, status.st_mtime_ns, status.st_ino)

    def read(self, path: str) -> bytes:
        """See :class:`Tree`."""
        with self._within(path) as (opened, name):
            # Opening a pipe to read would wait for a writer.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with os.fdopen(os.open(name, flags, dir_fd=opened), "rb") as handle:
                status = os.fstat(handle.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise OSError(errno.EINVAL, "not a regular file", path)
                if status.st_size > xml.MAX_BYTES:
                    raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
                return handle.read(status.st_size + 1)  # no more, while somebody writes on

    def write(self, path: str, content: bytes, *, later: bool = False) -> None:
        """See :class:`Tree`. What lies there is removed, not written through: it may be a pipe, or another's file under
        a second name."""
        folder, _, name = path.rpartition("/")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        opened = self._open(folder)
        try:
            try:
                handle = os.open(name, flags, 0o640, dir_fd=opened)
            except FileExistsError:
                os.unlink(name, dir_fd=opened)
                handle = os.open(name, flags, 0o640, dir_fd=opened)
        finally:
            os.close(opened)
        try:
            left = memoryview(content)
            while left:
                left = left[os.write(handle, left) :]
            if not later or not self._flushed_together(folder):
                os.fsync(handle)
        finally:
            os.close(handle)

    def rename(self, path: str, to: str) -> None:
        """See :class:`Tree`."""
        folder, _, name = path.rpartition("/")
        folder_to, _, name_to = to.rpartition("/")
        old = self._open(folder)
        try:
            new = old if folder_to == folder else self._open(folder_to)
            try:
                os.rename(name, name_to, src_dir_fd=old, dst_dir_fd=new)
            finally:
                if new != old:
                    os.close(new)
        finally:
            os.close(old)

    def remove(self, path: str) -> None:
        """See :class:`Tree`."""
        with self._within(path) as (opened, name), suppress(FileNotFoundError):
            os.unlink(name, dir_fd=opened)

    def make(self, folder: str) -> None:
        """See :class:`Tree`."""
        with self._within(folder) as (opened, name), suppress(FileExistsError):
            os.mkdir(name, dir_fd=opened)

    def folders(self, folder: str) -> list[str]:
        """See :class:`Tree`."""
        with self._folder(folder) as opened, os.scandir(opened) as listed:
            return [entry.name for entry in listed if entry.is_dir(follow_symlinks=False)]

    def remove_folder(self, folder: str) -> None:
        """See :class:`Tree`."""
        with self._within(folder) as (opened, name), suppress(FileNotFoundError):
            try:
                os.rmdir(name, dir_fd=opened)
            except OSError as error:
                if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                    raise

    def sync(self, folder: str) -> None:
        """See :class:`Tree`."""
        if self._flushed_together(folder):
            return
        if self._disk is not None:
            self._disk.note_folder(self._owner, folder, lambda: self._sync(folder))
        else:
            self._sync(folder)

    def changed(self, folder: str) -> tuple[object, bool] | None:
        """See :class:`Tree`."""
        try:
            status = os.stat(self._path(folder))  # noqa: PTH116  asked of many folders, many times a second
        except OSError:
            return None
        now = time.time()
        if status.st_dev != self._device or not 0 <= now - self._known_at < KNOWN:
            self._device, self._known_at, self._is_local = status.st_dev, now, is_local(status.st_dev)
        if not self._is_local:
            return None
        return (status.st_mtime_ns, status.st_ino, status.st_dev), now - status.st_mtime < _TICK

    def _sync(self, folder: str) -> None:
        with self._folder(folder) as opened:
            os.fsync(opened)

    def _flushed_together(self, folder: str) -> bool:
        """Whether what was written there is flushed with the others'; it is noted."""
        if self._disk is None:
            return False
        device = self._disk.takes(self._path(folder))
        if device:
            self._disk.note(self._owner, device)
        return bool(device)

    def _path(self, folder: str) -> str:
        path = self._paths.get(folder)
        if path is None:
            path = self._paths[folder] = os.fspath(self._root / folder)
        return path

    @contextmanager
    def _within(self, path: str) -> Iterator[tuple[int, str]]:
        """The folder that `path` is in, opened, and its name there."""
        folder, _, name = path.rpartition("/")
        with self._folder(folder) as opened:
            yield opened, name

    @contextmanager
    def _folder(self, folder: str) -> Iterator[int]:
        opened = self._open(folder)
        try:
            yield opened
        finally:
            os.close(opened)

    def _open(self, folder: str) -> int:
        """A folder, opened one step after the other: what is put in its place meanwhile leads nowhere else."""
        opened = os.open(self._root, _FOLDER)
        try:
            for depth, name in enumerate(folder.split("/") if folder else ()):
                deeper = _opened(opened, name, may_be_our_link=not depth)
                os.close(opened)
                opened = deeper
        except BaseException:
            os.close(opened)
            raise
        return opened


def _opened(parent: int, name: str, *, may_be_our_link: bool) -> int:
    """The folder `name` in `parent`; a link only where this program's user or root has made it."""
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=parent)
    except OSError:
        if not may_be_our_link:
            raise
        link = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=parent)  # held: nobody can exchange it any more
        try:
            status = os.fstat(link)
            if not stat.S_ISLNK(status.st_mode) or status.st_uid not in {0, os.geteuid()}:
                raise
            target = os.readlink("", dir_fd=link)
        finally:
            os.close(link)
        return os.open(target, _FOLDER, dir_fd=parent)
