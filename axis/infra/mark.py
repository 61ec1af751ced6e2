"""How far the ledger had come when this home's hub last wrote it: a file beside the database, not in it.

A restored old backup, a standby that took over without the last commits, a disk that lied about them: the record then
ends before the mark, or goes on differently. The hub would give out the same places twice; it must not start.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from axis.errors import Corrupted, Fault, Problem

if TYPE_CHECKING:
    from pathlib import Path


class Mark:
    """(position, link) of the ledger's end in a file of one line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: tuple[int, str] | None = None

    def read(self) -> tuple[int, str] | None:
        """What was written last; None when nothing ever was. Raises :class:`Corrupted` LEDGER_CORRUPT."""
        try:
            position, link = self._path.read_text("ascii").split()
            self._last = int(position), link
        except FileNotFoundError:
            return None
        except ValueError:
            raise Corrupted(Problem(Fault.LEDGER_CORRUPT, got=str(self._path))) from None
        return self._last

    def write(self, position: int, link: str) -> None:
        """Replace it, durably; after the commit that it speaks of."""
        if self._last == (position, link):
            return
        temporary = self._path.with_name(self._path.name + ".tmp")
        with temporary.open("w", encoding="ascii") as handle:
            handle.write(f"{position} {link}\n")
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(self._path)
        self._last = position, link
