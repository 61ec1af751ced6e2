"""The adapter contract: what connects an agency's own document system to its axis adapter. docs/adapters.md.

An implementation raises what it likes; :class:`Guarded`, which stands between every adapter and the axis,
lets only the axis' own errors out.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from axis.core.agency.files import About, Folder, LocalFile
from axis.errors import AxisError, Problem, away

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from axis.adapters.bell import Bell
    from axis.adapters.disk import Disk
    from axis.adapters.readable import Copies
    from axis.core.readable import Readable

__all__ = ["About", "Adapter", "Answer", "Folder", "Guarded", "LocalFile", "Place", "Source"]
log = logging.getLogger("axis.adapter")
LOOK_AGAIN = 0.5  # seconds between two looks for something new of an adapter that does not say when there is any


@dataclass(frozen=True)
class Place:
    """Where an adapter works; its factory is called with this. `folder` is the agency's own; `options` its table
    ``[adapter.agencies.CODE]`` in axis.toml, over what ``[adapter]`` says for all.

    `disk`, where there is one, flushes what the adapters of a process have written all at once: an adapter may leave
    to it what it has noted there. It is flushed before anything is built on it. Others flush by themselves.
    `bell`, where there is one, is rung when there is something to :meth:`Adapter.collect`: it is done at once then."""

    agency: str
    folder: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    disk: Disk | None = None
    bell: Bell | None = None


@dataclass(frozen=True)
class Source:
    """Something the agency's system wants sent. `ref` is the adapter's own name for it; `digest` the hex
    SHA-256 of its bytes; `read` gives the bytes (and raises Rejected when they are over the limit). `traceparent`: the
    trace context (W3C) that it came with, in the one allowed form, where it came with one."""

    ref: str
    digest: str
    read: Callable[[], bytes]
    traceparent: str = ""


@dataclass(frozen=True)
class Answer:
    """The agency's system has said what became of a delivery that it was shown: it has it durably, or, with `problem`,
    it refuses it for good."""

    ref: str
    problem: Problem | None = None


class Adapter(Protocol):
    """Two kinds of failure: Rejected (this document, for good) and Unavailable (the system is away).

    A factory may have ``OPTIONS``, a mapping of its options' names to their types (str, int, float, bool): a table
    with any other is refused when the adapter is made."""

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

    def lifted(self, digests: Sequence[str]) -> None:
        """The sources with these digests were accepted after all, long after they were :meth:`refused`. Idempotent; an
        adapter may leave this out."""

    def prepare(self, files: Sequence[LocalFile]) -> None:
        """Store these durably where the agency's system does not see them yet. Idempotent."""

    def discard(self, names: Sequence[tuple[Folder, str]]) -> None:
        """Clear away what was prepared and not shown: it was withdrawn. Idempotent; what is not there is no error."""

    def complete(self, names: Sequence[tuple[Folder, str]]) -> bool:
        """Show what was prepared, each whole and in this order. Idempotent: what is no longer there was
        shown before, even if the agency's system has taken it away since.

        True: with this the agency's system has it. False: it says so itself, see :meth:`answers`."""

    def answers(self) -> Iterator[Answer]:
        """What the agency's system has said since; the same again until it is :meth:`answered`. Nothing, where
        :meth:`complete` is True."""

    def answered(self, ref: str) -> None:
        """The answer is recorded, and its receipt (E.1 or E.2) will go out. Idempotent."""


class Guarded:
    """The safe wrapper around an :class:`Adapter`: foreign exceptions become Unavailable ADAPTER_AWAY."""

    def __init__(self, adapter: Adapter, agency: str) -> None:
        self._adapter = adapter
        self._agency = agency
        self._logged: tuple[Problem, ...] = ()
        self._look_again = 0.0
        self._changed: Callable[[], bool] | None = getattr(adapter, "changed", None)
        self._rings: Callable[[], bool] | None = getattr(adapter, "rings", None)
        self._look_at: Callable[[], float | None] | None = getattr(adapter, "look_at", None)
        self._copies: Copies | None = getattr(adapter, "copies", None)

    def check(self) -> None:
        """See :meth:`Adapter.check`."""
        with self._translated():
            self._adapter.check()

    def tidy(self, kept: Sequence[tuple[Folder, str]]) -> None:
        """Clear away what a process that died (a power loss) has left out of sight, but what is `kept`: it will be
        shown. At the start; for adapters that have such a method."""
        tidy = getattr(self._adapter, "tidy", None)
        if tidy is not None:
            with self._translated():
                tidy(kept)

    def collect(self) -> Iterator[Source]:
        """See :meth:`Adapter.collect`."""
        self._look_again = time.monotonic() + LOOK_AGAIN
        with self._translated():
            for source in self._adapter.collect():
                yield replace(source, read=partial(self._read, source))

    def _read(self, source: Source) -> bytes:
        with self._translated():
            return source.read()

    def changed(self) -> bool:
        """Whether :meth:`collect` and :meth:`answers` may have something that they had not the last time, asked many
        times a second. An adapter that has no such method is looked at twice a second."""
        if self._changed is None:
            return time.monotonic() >= self._look_again
        try:
            return bool(self._changed())
        except Exception:  # noqa: BLE001  it is told of by what comes next
            return True

    def rings(self) -> bool:
        """Whether the process' bell is rung as soon as there is something new to :meth:`collect`; an adapter that has
        no such method is looked at."""
        try:
            return self._rings is not None and bool(self._rings())
        except Exception:  # noqa: BLE001  it is told of by what comes next
            return False

    def look_at(self) -> float | None:
        """When there will be something to :meth:`collect` though nothing new comes, on the monotonic clock: a file has
        settled then. None: not by itself, or the adapter has no such method."""
        try:
            return self._look_at() if self._look_at is not None else None
        except Exception:  # noqa: BLE001  it is told of by what comes next
            return None

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

    def lifted(self, digests: Sequence[str]) -> None:
        """See :meth:`Adapter.lifted`."""
        with self._translated():
            if tell := getattr(self._adapter, "lifted", None):
                tell(digests)

    def prepare(self, files: Sequence[LocalFile]) -> None:
        """See :meth:`Adapter.prepare`."""
        with self._translated():
            self._adapter.prepare(files)

    def discard(self, names: Sequence[tuple[Folder, str]]) -> None:
        """See :meth:`Adapter.discard`."""
        with self._translated():
            self._adapter.discard(names)

    def complete(self, names: Sequence[tuple[Folder, str]]) -> bool:
        """See :meth:`Adapter.complete`."""
        with self._translated():
            return self._adapter.complete(names)

    def beside(self, folder: Folder, files: Mapping[str, Mapping[str, bytes]], flush: Callable[[], None]) -> int:
        """Put these files (by name) where the file of this folder was shown whose name they come under, if it still
        lies there, each whole; how many. `flush` makes what was written last for good, whatever the number of files.
        Idempotent. An adapter whose system takes no files leaves this out."""
        with self._translated():
            put = getattr(self._adapter, "beside", None)
            return int(put(folder, files, flush)) if put else 0

    def expire(self, folder: str, before: str, limit: int) -> tuple[int, int]:
        """Remove up to `limit` files that lie in this folder under a day before `before` (``2026-11-25``): (how many,
        their bytes). With a `limit` of 0 they are only counted. An adapter that keeps none by day leaves this out."""
        with self._translated():
            remove = getattr(self._adapter, "expire", None)
            return remove(folder, before, limit) if remove else (0, 0)

    @property
    def shows_copies(self) -> bool:
        """Whether the adapter shows readable copies of what was handed over; one that has no such thing does not."""
        return self._copies is not None

    def copies_mark(self) -> str:
        """Up to where copies were made, as it was marked; "" for none."""
        with self._translated():
            return self._copies.mark() if self._copies is not None else ""

    def prepare_copy(self, copy: Readable) -> None:
        """Write it out of sight, on disk when that is flushed. Idempotent."""
        with self._translated():
            if self._copies is not None:
                self._copies.prepare(copy)

    def show_copy(self, copy: Readable) -> None:
        """Show what was prepared. Idempotent."""
        with self._translated():
            if self._copies is not None:
                self._copies.show(copy)

    def mark_copies(self, mark: str) -> None:
        """All copies up to here are made."""
        with self._translated():
            if self._copies is not None:
                self._copies.marked(mark)

    def explain(self) -> None:
        """Say beside each file that is not taken why. Nothing, for an adapter that does not."""
        with self._translated():
            if explain := getattr(self._adapter, "explain", None):
                explain()

    def answers(self) -> Iterator[Answer]:
        """See :meth:`Adapter.answers`; asked for one by one, as many as are wanted."""
        with self._translated():
            yield from self._adapter.answers()

    def answered(self, refs: Sequence[str]) -> None:
        """See :meth:`Adapter.answered`, of each; an adapter that can be told of all together says so by a method
        ``all_answered``."""
        with self._translated():
            if together := getattr(self._adapter, "all_answered", None):
                together(refs)
                return
            for ref in refs:
                self._adapter.answered(ref)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except AxisError:
            raise
        except Exception as error:
            told = away(error)
            if not isinstance(error, OSError) and told.problems != self._logged:
                log.exception("adapter of %s failed", self._agency)
                self._logged = told.problems
            raise told from error
