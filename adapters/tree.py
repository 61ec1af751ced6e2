"""Where a folder adapter's folders are: on this machine, or on a server. Names are below the agency's own root."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """A regular file as a folder shows it: the same look again after the settling time means that it is complete."""

    name: str
    size: int
    mtime: int  # nanoseconds, as far as the place knows them
    inode: int = 0


class Tree(Protocol):
    """Files by ``folder/name``. Raises OSError, and FileNotFoundError for what is not there."""

    def check(self, folder: str) -> bool:
        """Whether this folder is there and can be written."""

    def entries(self, folder: str) -> list[Entry]:
        """The regular files of a folder; links, folders and devices are none."""

    def look(self, path: str) -> Entry:
        """One file."""

    def read(self, path: str) -> bytes:
        """A file's bytes."""

    def write(self, path: str, content: bytes) -> None:
        """A new file, or another content, on disk for good."""

    def rename(self, path: str, to: str) -> None:
        """At once: whoever looks sees the one or the other."""

    def remove(self, path: str) -> None:
        """Nothing where there is none."""

    def make(self, folder: str) -> None:
        """A folder, where there is none."""

    def sync(self, folder: str) -> None:
        """The names in a folder are on disk for good."""


class LocalTree:
    """Folders on this machine, or on a drive that it has mounted."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def check(self, folder: str) -> bool:
        """See :class:`Tree`."""
        path = self._root / folder
        return path.is_dir() and os.access(path, os.R_OK | os.W_OK | os.X_OK)

    def entries(self, folder: str) -> list[Entry]:
        """See :class:`Tree`."""
        found = []
        with os.scandir(self._root / folder) as listed:
            for entry in listed:
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(status.st_mode):
                    found.append(Entry(entry.name, status.st_size, status.st_mtime_ns, status.st_ino))
        return found

    def look(self, path: str) -> Entry:
        """See :class:`Tree`."""
        status = (self._root / path).lstat()
        return Entry(path.rpartition("/")[2], status.st_size, status.st_mtime_ns, status.st_ino)

    def read(self, path: str) -> bytes:
        """See :class:`Tree`. A link is never followed."""
        descriptor = os.open(self._root / path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as handle:
            return handle.read()

    def write(self, path: str, content: bytes) -> None:
        """See :class:`Tree`."""
        descriptor = os.open(self._root / path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o640)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())

    def rename(self, path: str, to: str) -> None:
        """See :class:`Tree`."""
        (self._root / path).rename(self._root / to)

    def remove(self, path: str) -> None:
        """See :class:`Tree`."""
        (self._root / path).unlink(missing_ok=True)

    def make(self, folder: str) -> None:
        """See :class:`Tree`."""
        (self._root / folder).mkdir(exist_ok=True)

    def sync(self, folder: str) -> None:
        """See :class:`Tree`."""
        descriptor = os.open(self._root / folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
