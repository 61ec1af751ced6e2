"""The adapter contract: what connects an agency's own document system to its axis adapter.

An implementation raises what it likes; :class:`Guarded`, which stands between every adapter and the axis,
lets only the axis' own errors out.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol

from axis.errors import AxisError, Fault, Problem, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

log = logging.getLogger("axis.adapter")
Folder = Literal["inbox", "receipts", "status", "failed"]


@dataclass(frozen=True)
class Source:
    """Something the agency's system wants sent. `ref` is the adapter's own name for it; `digest` the hex
    SHA-256 of its bytes; `read` gives the bytes (and raises Rejected when they are over the limit)."""

    ref: str
    digest: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class LocalFile:
    """A file for the agency's system: ``inbox`` documents, ``receipts``, ``status`` packets, ``failed`` reports."""

    folder: Folder
    name: str
    content: bytes


class Adapter(Protocol):
    """Two kinds of failure: Rejected (this document, for good) and Unavailable (the system is away)."""

    def check(self) -> None:
        """Raise Misconfigured or Unavailable when this adapter cannot work."""

    def collect(self) -> Iterator[Source]:
        """What the agency's system has put down completely. The same one again until it is answered."""

    def unsettled(self) -> bool:
        """True while something was seen by the last collect that is not complete yet."""

    def accepted(self, ref: str) -> None:
        """The hub holds it (A.1): out of the way with it. Idempotent."""

    def refused(self, ref: str, report: bytes) -> None:
        """It was refused (A.2, or a finding here); `report` is JSON with every reason. Idempotent."""

    def prepare(self, files: Sequence[LocalFile]) -> None:
        """Store these durably where the agency's system does not see them yet. Idempotent."""

    def discard(self, names: Sequence[tuple[Folder, str]]) -> None:
        """Clear away what was prepared and not shown: it was withdrawn. Idempotent; what is not there is no error."""

    def complete(self, names: Sequence[tuple[Folder, str]]) -> None:
        """Show what was prepared, each whole and in this order. Idempotent: what is no longer there was
        shown before, even if the agency's system has taken it away since."""


class Guarded:
    """The safe wrapper around an :class:`Adapter`: foreign exceptions become Unavailable ADAPTER_AWAY."""

    def __init__(self, adapter: Adapter, agency: str) -> None:
        self._adapter = adapter
        self._agency = agency

    def check(self) -> None:
        """See :meth:`Adapter.check`."""
        with self._translated():
            self._adapter.check()

    def collect(self) -> Iterator[Source]:
        """See :meth:`Adapter.collect`."""
        with self._translated():
            for source in self._adapter.collect():
                yield replace(source, read=partial(self._read, source))

    def _read(self, source: Source) -> bytes:
        with self._translated():
            return source.read()

    def unsettled(self) -> bool:
        """See :meth:`Adapter.unsettled`."""
        with self._translated():
            return self._adapter.unsettled()

    def accepted(self, ref: str) -> None:
        """See :meth:`Adapter.accepted`."""
        with self._translated():
            self._adapter.accepted(ref)

    def refused(self, ref: str, report: bytes) -> None:
        """See :meth:`Adapter.refused`."""
        with self._translated():
            self._adapter.refused(ref, report)

    def prepare(self, files: Sequence[LocalFile]) -> None:
        """See :meth:`Adapter.prepare`."""
        with self._translated():
            self._adapter.prepare(files)

    def discard(self, names: Sequence[tuple[Folder, str]]) -> None:
        """See :meth:`Adapter.discard`."""
        with self._translated():
            self._adapter.discard(names)

    def complete(self, names: Sequence[tuple[Folder, str]]) -> None:
        """See :meth:`Adapter.complete`."""
        with self._translated():
            self._adapter.complete(names)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except AxisError:
            raise
        except Exception as error:
            if not isinstance(error, OSError):
                log.exception("adapter of %s failed", self._agency)
            raise Unavailable(Problem(Fault.ADAPTER_AWAY, got=f"{type(error).__name__}: {error}"[:300])) from error
