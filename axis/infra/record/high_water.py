"""How far the record had come when this home's hub last looked: a file beside the database, not in it.

A restored old backup, a standby that took over without the last commits, a disk that lied about them: the record then
ends before its high water, or goes on differently. The hub would give out the same places twice; it must not go on.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from axis.errors import Corrupted, Fault, Problem, Unavailable
from axis.infra import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class LedgerEnd(NamedTuple):
    """The end of the ledger: `position` and `link` of the last entry that has a place, `entry` and `digest` of the last
    one of all (0 and "" where that was not noted); and the newest registry's version."""

    position: int
    link: str
    registry: int
    entry: int = 0
    digest: str = ""

    def or_later(self, other: LedgerEnd) -> LedgerEnd:
        """Whatever of both is farther. Raises :class:`Corrupted` RECORD_OLD where they cannot be of one record."""
        if self.position == other.position and self.link != other.link:
            raise Corrupted(Problem(Fault.RECORD_OLD, got=str(other.position), expected=str(self.position)))
        linked = max(self, other, key=lambda one: one.position)
        last = max(self, other, key=lambda one: one.entry)
        registry = max(self.registry, other.registry)
        return LedgerEnd(linked.position, linked.link, registry, last.entry, last.digest)


class HighWater:
    """:class:`LedgerEnd` in a file of one line. Several workers of one home may write it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._noted: LedgerEnd | None = None

    def read(self) -> LedgerEnd | None:
        """What was written last; None when nothing ever was. Raises :class:`Corrupted` LEDGER_CORRUPT."""
        try:
            position, link, registry, *last = self._path.read_text("ascii").split()
            if not last:  # of an earlier version
                return LedgerEnd(int(position), link, int(registry))
            entry, digest = last
            return LedgerEnd(int(position), link, int(registry), int(entry), digest if int(entry) else "")
        except FileNotFoundError:
            return None
        except ValueError:
            raise Corrupted(Problem(Fault.LEDGER_CORRUPT, got=str(self._path))) from None

    def advance(self, written: LedgerEnd) -> None:
        """The record has come so far, durably, for whoever looks next; after the commit that it speaks of, and after
        the record was found to hold what was read here. A high water that is farther already stays: another worker's.

        Raises :class:`Unavailable` STORE_DOWN, :class:`Corrupted` RECORD_OLD."""
        if written == self._noted:
            return
        with self._alone():
            known = self.read()
            later = written if known is None else known.or_later(written)
            if later != known:
                self._replace(later)
        self._noted = written

    def write(self, written: LedgerEnd) -> None:
        """Whatever was written before, the record goes on from here. Raises :class:`Unavailable` STORE_DOWN."""
        with self._alone():
            self._replace(written)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other worker writes within."""
        try:
            with files.alone(self._path.parent):
                yield
        except OSError as error:
            raise Unavailable(Problem(Fault.STORE_DOWN, got=f"{self._path}: {error.strerror}")) from error

    def _replace(self, written: LedgerEnd) -> None:
        line = f"{written.position} {written.link} {written.registry} {written.entry} {written.digest or '-'}\n"
        files.replace(self._path, line.encode("ascii"))
