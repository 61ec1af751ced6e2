"""The folder adapter: an agency's system drops packets into ``outbox/`` and finds its mail in folders.

A file appears complete or not at all: written under a dot name, fsynced, renamed, the folder fsynced.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.base import Answer, LocalFile, Place, Source
from axis.core import xml
from axis.errors import Fault, Misconfigured, Problem, rejected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from adapters.base import Folder

FOLDERS = ("outbox", "sent", "failed", "inbox", "receipts", "status")
ENDINGS = (".edxml", ".asice")
_TEMPORARY = ".axis-tmp"


@dataclass(frozen=True)
class _Look:
    """How a file looked: the same look again after the settling time means that it is complete."""

    size: int
    mtime: int
    inode: int


class FolderAdapter:
    """Folders of one agency below the place's own. A file in ``outbox/`` is taken once it has looked the same for
    `settle_seconds` on this machine's own clock (a network drive's time stamps may be off)."""

    def __init__(self, place: Place) -> None:
        self._root = place.folder
        self._settle = float(place.options.get("settle_seconds", 1.0))
        self._looks: dict[str, tuple[_Look, float]] = {}
        self._digests: dict[str, tuple[_Look, str]] = {}
        self._unsettled = False

    def check(self) -> None:
        """Every folder is there and can be written. Raises Misconfigured CONFIG_INVALID."""
        for name in FOLDERS:
            folder = self._root / name
            if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                raise Misconfigured(Problem(Fault.CONFIG_INVALID, str(folder), "a folder that can be written", "?"))

    def collect(self) -> Iterator[Source]:
        """Complete packets (``.edxml``) and signed parcels (``.asice``), in order of name."""
        now, looks, unsettled = time.monotonic(), {}, False
        for entry in sorted(os.scandir(self._root / "outbox"), key=lambda e: e.name):
            if entry.name.startswith(".") or not entry.name.endswith(ENDINGS):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if not stat.S_ISREG(status.st_mode):
                continue
            look = _Look(status.st_size, status.st_mtime_ns, status.st_ino)
            seen, since = self._looks.get(entry.name, (None, now))
            looks[entry.name] = (look, since if seen == look else now)
            unsettled = unsettled or now - looks[entry.name][1] < self._settle
        self._looks, self._unsettled = looks, unsettled
        self._digests = {name: kept for name, kept in self._digests.items() if name in looks}
        for name, (look, since) in list(looks.items()):
            if now - since >= self._settle:
                yield self._source(name, look)

    def unsettled(self) -> bool:
        """See :meth:`adapters.base.Adapter.unsettled`."""
        return self._unsettled

    def accepted(self, ref: str) -> None:
        """Move the packet to ``sent/``."""
        self._move(ref, "sent")

    def refused(self, ref: str, report: bytes) -> None:
        """Move the packet to ``failed/``, with `report` beside it as ``<name>.error.json``."""
        if not self._is_as_collected(ref):
            return
        target = self._free(self._root / "outbox" / ref, self._root / "failed", ref)
        self.prepare([LocalFile("failed", target + ".error.json", report)])
        self.complete([("failed", target + ".error.json")])
        self._move(ref, "failed", target)

    def prepare(self, files: Sequence[LocalFile]) -> None:
        """Write each file under its temporary name and fsync it."""
        for file in files:
            path = self._temporary(file.folder, file.name)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(file.content)
                handle.flush()
                os.fsync(handle.fileno())
        # The names too: after a power loss a missing temporary name means that it was shown.
        for folder in {file.folder for file in files}:
            _sync(self._root / folder)

    def discard(self, names: Sequence[tuple[Folder, str]]) -> None:
        """Remove the temporary files of these names."""
        for folder, name in names:
            self._temporary(folder, name).unlink(missing_ok=True)

    def complete(self, names: Sequence[tuple[Folder, str]]) -> bool:
        """Rename each from its temporary name, in order; then fsync the folders."""
        for folder, name in names:
            try:
                self._temporary(folder, name).rename(self._root / folder / name)
            except FileNotFoundError:
                continue  # it was shown before a crash; the local system may have taken it away since
        for folder in {folder for folder, _ in names}:
            _sync(self._root / folder)
        return True

    def answers(self) -> Iterator[Answer]:
        """None: a file that is there is the agency's."""
        return iter(())

    def answered(self, ref: str) -> None:
        """See :meth:`answers`."""

    def _source(self, name: str, look: _Look) -> Source:
        path = self._root / "outbox" / name
        known, digest = self._digests.get(name, (None, ""))
        if known != look:
            with path.open("rb") as handle:
                digest = hashlib.file_digest(handle, "sha256").hexdigest()
            self._digests[name] = (look, digest)

        def read() -> bytes:
            if look.size > xml.MAX_BYTES:
                raise rejected(Fault.XML_TOO_BIG, look.size, xml.MAX_BYTES)
            return path.read_bytes()

        return Source(name, digest, read)

    def _move(self, name: str, folder: str, target: str = "") -> None:
        source = self._root / "outbox" / name
        if not self._is_as_collected(name):
            return  # another file under the same name has come since: it is a source of its own
        try:
            source.rename(self._root / folder / (target or self._free(source, self._root / folder, name)))
        except FileNotFoundError:
            return  # moved before a crash, or taken away by its owner
        _sync(self._root / folder)
        _sync(self._root / "outbox")
        self._looks.pop(name, None)

    def _is_as_collected(self, name: str) -> bool:
        try:
            status = (self._root / "outbox" / name).lstat()
        except FileNotFoundError:
            return False
        look, _ = self._digests.get(name, (None, ""))
        return look is None or look == _Look(status.st_size, status.st_mtime_ns, status.st_ino)

    def _free(self, source: Path, folder: Path, name: str) -> str:
        """`name`, or ``name~2``…, so that no other content is overwritten in `folder`."""
        stem, dot, ending = name.rpartition(".")
        candidate, number = name, 1
        while (folder / candidate).exists() and not _same(folder / candidate, source):
            number += 1
            candidate = f"{stem}~{number}{dot}{ending}"
        return candidate

    def _temporary(self, folder: str, name: str) -> Path:
        return self._root / folder / f".{name}{_TEMPORARY}"


def _same(one: Path, other: Path) -> bool:
    try:
        return one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()
    except FileNotFoundError:
        return False


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
