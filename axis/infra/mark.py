"""How far the ledger had come when this home's hub last wrote it: a file beside the database, not in it.

A restored old backup, a standby that took over without the last commits, a disk that lied about them: the record then
ends before the mark, or goes on differently. The hub would give out the same places twice; it must not start.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.errors import Corrupted, Fault, Problem, Unavailable

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Written:
    """The end of the ledger: `position` and `link` of its last entry, and the newest registry's version."""

    position: int
    link: str
    registry: int


class Mark:
    """:class:`Written` in a file of one line. Several workers of one home may write it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: Written | None = None

    def read(self) -> Written | None:
        """What was written last; None when nothing ever was. Raises :class:`Corrupted` LEDGER_CORRUPT."""
        try:
            position, link, registry = self._path.read_text("ascii").split()
            self._last = Written(int(position), link, int(registry))
        except FileNotFoundError:
            return None
        except ValueError:
            raise Corrupted(Problem(Fault.LEDGER_CORRUPT, got=str(self._path))) from None
        return self._last

    def write(self, written: Written) -> None:
        """Replace it, durably; after the commit that it speaks of. Raises :class:`Unavailable` STORE_DOWN."""
        if self._last == written:
            return
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            with temporary.open("w", encoding="ascii") as handle:
                handle.write(f"{written.position} {written.link} {written.registry}\n")
                handle.flush()
                os.fsync(handle.fileno())
            temporary.replace(self._path)
        except OSError as error:
            raise Unavailable(Problem(Fault.STORE_DOWN, got=f"{self._path}: {error.strerror}")) from error
        self._last = written
