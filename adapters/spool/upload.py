"""A packet that is coming in from the agency's system."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, BinaryIO

from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from pathlib import Path


class Upload:
    """A packet that is coming in: written to disk as it comes, digested on the way."""

    def __init__(self, file: BinaryIO, path: Path, limit: int) -> None:
        self._file = file
        self.path = path
        self._limit = limit
        self._sha256 = hashlib.sha256()
        self._tail = b""
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """More of it. Raises :class:`Rejected` XML_TOO_BIG over the limit."""
        self.size += len(chunk)
        if self.size > self._limit:
            raise rejected(Fault.XML_TOO_BIG, self.size, self._limit)
        self._file.write(chunk)
        # The last two bytes are held back from the digest: a client may end the packet with a line break of its own.
        chunk = self._tail + chunk
        self._sha256.update(chunk[:-2])
        self._tail = chunk[-2:]

    def cut(self, ending: bytes) -> None:
        """Leave out `ending` (of at most two bytes), if the packet ends with it."""
        if ending and self._tail.endswith(ending):
            self._tail = self._tail[: -len(ending)]
            self.size -= len(ending)
            self._file.truncate(self.size)

    def digest(self) -> bytes:
        """SHA-256 of what has come, without what was cut."""
        whole = self._sha256.copy()
        whole.update(self._tail)
        return whole.digest()

    def sync(self) -> None:
        """On disk for good."""
        self._file.flush()
        os.fsync(self._file.fileno())
