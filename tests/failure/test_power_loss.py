"""The power fails: what was not flushed is gone, a name may be there without its bytes, and the last page that was being
written is torn. From what lies on the disk then the line comes to rest, with nothing lost, nothing doubled, no false
receipt, and no file that is visible and not whole.

What is flushed is known from the calls that flush, whoever makes them: ``fsync`` of a file keeps its bytes, ``fsync`` of a
folder its names, ``syncfs`` both of everything; SQLite's file is as its last commit has left it. Of what was appended to a
segment and not flushed (``fdatasync``) nothing is there, or the first part of it, with the last page torn.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from axis.adapters import disk
from axis.adapters.tree import LocalTree
from axis.core import edxml, parcel
from axis.infra import payloads, segments
from axis.infra.database import Database
from axis.infra.record.high_water import HighWater, LedgerEnd
from tests import sample
from tests.failure.test_crash_sweep import DIGEST, no_false_receipt
from tests.line import Line, document, rest, small_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DATABASE = ("axis.db", "axis.db-wal")
SEGMENTS = "axis.db-segments"
MARK = "hub.mark"
TORN = 2048  # bytes of the last page


class Power:
    """What of a home would be on its disk if the power failed now."""

    def __init__(self, root: Path, images: Path) -> None:
        self.root = root
        self.images = images
        self.names: dict[str, dict[str, int]] = {}  # of each folder, with inodes
        self.contents: dict[int, bytes] = {}
        self.database: dict[str, bytes] = {}
        self.found: dict[str, Path] = {}
        self._states: set[str] = set()
        self.everything()
        self.committed()

    def everything(self) -> None:
        """All that is in the agencies' folders, and in the segments, is flushed; and the mark."""
        self.folder(self.root)
        if (self.root / MARK).exists():
            self.file(self.root / MARK)
        for place in ("agencies", SEGMENTS):
            for folder, _, files in os.walk(self.root / place):
                self.folder(Path(folder))
                for name in files:
                    self.file(Path(folder) / name)

    def watches(self, path: Path) -> bool:
        """Whether it matters of this file or folder when it is flushed."""
        inside = any(path.is_relative_to(self.root / place) for place in ("agencies", SEGMENTS))
        return inside or path == self.root or (path.parent == self.root and MARK in path.name)

    def folder(self, path: Path) -> None:
        """The names in a folder are flushed."""
        listed = {one.name: one.stat().st_ino for one in path.iterdir() if not one.is_dir()}
        if path == self.root:
            listed = {name: inode for name, inode in listed.items() if name == MARK}
        self.names[str(path.relative_to(self.root))] = listed

    def file(self, path: Path) -> None:
        """The bytes of a file are flushed."""
        self.contents[path.stat().st_ino] = path.read_bytes()

    def _appended(self) -> dict[int, bytes]:
        """What is in the segments, with the first part of what is not flushed."""
        found = {}
        for path in (self.root / SEGMENTS).glob("[0-9]*"):
            inode, content = path.stat().st_ino, path.read_bytes()
            flushed = len(self.contents.get(inode, b""))
            half = flushed + (len(content) - flushed) // 2
            found[inode] = content[:half] + bytes(len(content[half : half + TORN]))
        return found

    def committed(self) -> None:
        """SQLite has flushed its files."""
        self.database = self._files()

    def _files(self) -> dict[str, bytes]:
        return {name: (self.root / name).read_bytes() for name in DATABASE if (self.root / name).exists()}

    def fails(self, label: str, *, torn: bool = False, half: bool = False) -> None:
        """Keep what would be there if it failed now; `torn`: while SQLite was writing what it has just written; `half`:
        while a segment was."""
        database = self.database
        contents = self.contents | (self._appended() if half else {})
        if torn:
            database = self._files()
            last = "axis.db-wal" if database.get("axis.db-wal") else "axis.db"
            database[last] = database[last][:-TORN]
        state = hashlib.sha256(repr(sorted(database.items())).encode())
        for folder, names in sorted(self.names.items()):
            for name, inode in sorted(names.items()):
                state.update(f"{folder}/{name}".encode() + contents.get(inode, b""))
        if state.hexdigest() in self._states:
            return
        self._states.add(state.hexdigest())
        image = self.images / str(len(self.found))
        self.found[f"{len(self.found)} {label}"] = image
        skipped = shutil.ignore_patterns("axis.db*", "*.edxml", "*.asice", "*.json", ".*.axis-tmp", f"*{MARK}*")
        shutil.copytree(self.root, image, ignore=skipped)
        for name, content in database.items():
            (image / name).write_bytes(content)
        for folder, names in self.names.items():
            (image / folder).mkdir(exist_ok=True)
            for name, inode in names.items():
                (image / folder / name).write_bytes(contents.get(inode, b""))


@contextmanager
def failing(power: Power, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within: the power fails before and after whatever changes something on the disk."""
    syncfs, begin = disk._syncfs, Database.begin

    def flushing(flush: Callable[[int], None]) -> Callable[[int], None]:
        def flushed(descriptor: int) -> None:
            path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
            power.fails(f"before a flush of {path.name}")
            power.fails(f"in a flush of {path.name}", half=True)
            flush(descriptor)
            if power.watches(path):
                power.folder(path) if stat.S_ISDIR(os.fstat(descriptor).st_mode) else power.file(path)

        return flushed

    def all_synced(descriptor: int) -> None:
        power.fails("before syncfs")
        syncfs(descriptor)
        power.everything()

    @contextmanager
    def transaction(self: Database) -> Iterator[Any]:
        power.fails("before a transaction")
        with begin(self) as connection:
            yield connection
        power.fails("in a commit", torn=True)
        power.committed()
        power.fails("after a commit")

    with monkeypatch.context() as patch:
        for name in ("fsync", "fdatasync"):
            patch.setattr(os, name, flushing(getattr(os, name)))
        patch.setattr(disk, "_syncfs", all_synced)
        patch.setattr(Database, "begin", transaction)
        yield


def whole_or_not_at_all(line: Line, code: str) -> None:
    """Every file that the agency's system can see can be read."""
    for folder in ("inbox", "receipts", "status"):
        for name in line.files(code, folder):
            data = (line.folder(code, folder) / name).read_bytes()
            if name.endswith(".asice"):
                assert parcel.peek(data)[0], name
            else:
                assert edxml.convert(data).packet is not None, name


def no_row_without_its_bytes(line: Line) -> None:
    database = Database(f"sqlite:///{line.path / 'axis.db'}")
    try:
        with database.read() as connection:
            named = set(connection.execute(sa.select(payloads.payload.c.digest)).scalars())
            assert payloads.get_sound(connection, named).keys() == named
    finally:
        database.close()


def check(line: Line) -> None:
    assert line.attachments("H41") == [DIGEST]
    assert line.events("G22").count("A.1") == 1
    assert line.events("G22").count("E.1 H41") == 1
    assert len(line.files("G22", "status", "*.01.*")) == 1
    assert line.files("G22", "sent") == ["a.edxml"]
    assert line.files("G22", "outbox") == []
    assert line.files("G22", "failed") == ["bad.edxml", "bad.edxml.error.json"]
    assert line.error("G22", "bad.edxml")["findings"]
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    line.check_ledger()


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: what is flushed is known from the calls, not from the disk."""
    place = Path("/dev/shm")
    with TemporaryDirectory(prefix="axis-power-", dir=place if place.is_dir() else None) as folder:
        yield Path(folder)


def images(memory: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Power, Line]:
    line = small_home(memory / "home", codes=("G22", "H41"))
    line.drop("G22", document(1))
    line.drop("G22", b"<a", "bad.edxml")
    (memory / "images").mkdir()
    began = line.clock.now
    with line.parts() as parts:
        power = Power(line.path, memory / "images")
        with failing(power, monkeypatch):
            rest(*parts, line.clock)
    check(line)
    line.clock.now = began
    return power, line


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("turn", "flushes", "kept"),
    [
        pytest.param(0, "all at once", "in rows", id="all at once, in rows"),
        pytest.param(1, "each by itself", "in rows", id="each by itself, in rows"),
        pytest.param(2, "each by itself", "in segments", id="each by itself, in segments"),
        pytest.param(3, "each by itself", "in new segments", id="each by itself, in new segments"),
    ],
)
def test_what_was_not_flushed_is_gone_and_nothing_else_is(
    memory: Path, monkeypatch: pytest.MonkeyPatch, turn: int, flushes: str, kept: str
) -> None:
    if "segments" in kept:
        monkeypatch.setattr(payloads, "SMALL", 0)
    if "new" in kept:  # as when one is full, or the day is over
        monkeypatch.setattr(segments, "FULL", 1)
    if flushes == "each by itself":
        monkeypatch.setattr(disk, "is_local", lambda _: False)
    survive(memory, monkeypatch, share=5, turn=turn)


def survive(memory: Path, monkeypatch: pytest.MonkeyPatch, share: int = 1, turn: int = 0) -> None:
    """The power fails at each place in turn, or at every `share`-th, and from each the line comes to rest."""
    power, first = images(memory, monkeypatch)
    assert len(power.found) > 20
    for number, (label, path) in enumerate(power.found.items()):
        if not sample.is_tried(number, share, turn):
            continue
        line = Line(path)
        line.clock.now = first.clock.now
        try:
            no_row_without_its_bytes(line)
            for code in ("G22", "H41"):
                whole_or_not_at_all(line, code)
            no_false_receipt(line, {})
            line.run()
            check(line)
        except AssertionError as error:
            error.add_note(f"after a loss of power: {label}")
            raise
        shutil.rmtree(path)


def test_how_far_the_record_had_come_is_known_afterwards(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the folder's flush an earlier mark would stand there: a record that has lost its last entries holds it."""
    (memory / "home").mkdir()
    power = Power(memory / "home", memory / "images")
    mark, ends = HighWater(memory / "home" / MARK), [LedgerEnd(n, f"{n}", 1) for n in range(3)]
    said: list[LedgerEnd | None] = [None]
    with failing(power, monkeypatch):
        for end in ends:
            mark.advance(end)
            said.append(end)
            power.fails(f"after {end.position}")
            (image,) = list(power.found.values())[-1:]
            assert HighWater(image / MARK).read() == end
    assert all(HighWater(image / MARK).read() in said for image in power.found.values()), "whole, or the one before"


def _forgets(monkeypatch: pytest.MonkeyPatch, which: int) -> None:
    """Every flush of a sweep with this number (the files, the names) is forgotten."""
    flush, calls = disk.Disk.flush, iter(range(10**6))

    def forgetful(self: disk.Disk) -> dict[str, OSError]:
        if next(calls) % 2 != which:
            return flush(self)
        self._whole.clear()
        self._owners.clear()
        self._folders.clear()
        return {}

    monkeypatch.setattr(disk.Disk, "flush", forgetful)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("which", [0, 1], ids=["of the files", "of the names"])
def test_a_flush_that_is_forgotten_would_be_found(memory: Path, monkeypatch: pytest.MonkeyPatch, which: int) -> None:
    _forgets(monkeypatch, which)
    with pytest.raises(AssertionError):
        survive(memory, monkeypatch)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("what", ["a segment's bytes", "a segment's name"])
def test_a_flush_of_a_segment_that_is_forgotten_would_be_found(
    memory: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(payloads, "SMALL", 0)
    monkeypatch.setattr(disk, "is_local", lambda _: False)  # where one flush for all would cover it
    if what == "a segment's name":
        monkeypatch.setattr(segments, "FULL", 1)  # or the one that the home was made with goes on
        monkeypatch.setattr(segments, "flush_folder", lambda _: None)
    else:
        monkeypatch.setattr(segments.Segments, "flush", lambda _: None)
    with pytest.raises(AssertionError):
        survive(memory, monkeypatch)


def test_a_file_system_whose_flush_fails_makes_no_false_receipt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is said to be handed over while its flush fails; when it works again everything arrives, once."""
    line = small_home(tmp_path / "home", codes=("G22", "H41"))
    line.drop("G22", document(1))
    line.without("H41")

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(disk, "_syncfs", fail)
        patch.setattr(disk, "is_local", lambda _: True)
        patch.setattr(LocalTree, "changed", lambda *_: None)
        line.run(patience=timedelta(seconds=1))
        no_false_receipt(line, {})
        assert line.states("1/TN-G22") == {"H41": "QUEUED"}
    line.run()
    assert line.attachments("H41") == [DIGEST]
    assert line.events("G22").count("E.1 H41") == 1
