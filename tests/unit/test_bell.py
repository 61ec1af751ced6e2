"""What wakes a process: a name in a folder, a message; and that nothing depends on being woken."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from axis.adapters.base import Guarded, Place
from axis.adapters.bell import Bell
from axis.adapters.folder import FOLDERS, FolderAdapter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG = 60.0  # nobody waits so long: the test would fail for its time


@pytest.fixture
def bell() -> Iterator[Bell]:
    made = Bell()
    yield made
    made.close()


def never() -> bool:
    return False


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    return tmp_path / "outbox"


def test_it_rings_when_a_file_is_put_into_a_watched_folder_and_not_for_others(bell: Bell, outbox: Path) -> None:
    assert bell.watch(str(outbox))
    (outbox.parent / "inbox" / "a.edxml").touch()
    assert not bell.wait(0, never)
    (outbox.parent / "inbox" / "a.edxml").rename(outbox / "a.edxml")
    assert bell.wait(LONG, never)
    assert not bell.wait(0, never), "what it has rung for is over"
    with (outbox / "b.edxml").open("wb") as handle:
        assert bell.wait(LONG, never)
        handle.write(b"all of it")
        handle.flush()
        assert not bell.wait(0, never), "who writes for long does not ring all the time"
    assert bell.wait(LONG, never)


def test_a_folder_that_is_exchanged_is_no_longer_taken_to_be_watched(bell: Bell, outbox: Path) -> None:
    assert bell.watch(str(outbox))
    outbox.rename(outbox.parent / "old")
    outbox.mkdir()
    assert bell.wait(LONG, never)
    assert not bell.is_watched(str(outbox))
    assert bell.watch(str(outbox))
    (outbox / "a.edxml").touch()
    assert bell.wait(LONG, never)
    outbox.joinpath("a.edxml").unlink()
    outbox.rmdir()
    assert bell.wait(LONG, never)
    assert not bell.is_watched(str(outbox))
    assert not bell.watch(str(outbox)), "there is nothing"


def test_any_thread_may_ring_and_who_is_to_stop_waits_no_longer(bell: Bell) -> None:
    bell.ring()
    bell.ring()
    assert bell.wait(LONG, never)
    assert not bell.wait(0, never)
    threading.Timer(0.05, bell.ring).start()
    assert bell.wait(LONG, never)
    stop = threading.Event()
    threading.Timer(0.05, stop.set).start()
    assert not bell.wait(LONG, stop.is_set)


def test_ringing_after_it_was_closed_is_no_error() -> None:
    closed = Bell()
    closed.close()
    closed.ring()


def test_an_adapter_of_folders_here_says_that_it_is_rung_for_and_when_a_file_will_have_settled(
    bell: Bell, outbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("axis.adapters.folder.time.monotonic", lambda: clock[0])
    adapter = Guarded(FolderAdapter(Place("H41", outbox.parent, {"settle_seconds": 1.0}, bell=bell)), "H41")
    assert not adapter.rings(), "it has not looked yet"
    (outbox / "a.edxml").write_bytes(b"a")
    assert list(adapter.collect()) == []
    assert adapter.look_at() == 101.0
    (outbox / "b.edxml").write_bytes(b"b")
    clock[0] = 100.5
    assert list(adapter.collect()) == []
    assert adapter.look_at() == 101.0
    clock[0] = 101.0
    assert [source.ref for source in adapter.collect()] == ["a.edxml"]
    assert adapter.look_at() == 101.5
    clock[0] = 101.5
    assert [source.ref for source in adapter.collect()] == ["a.edxml", "b.edxml"]
    assert adapter.look_at() is None
    assert Guarded(FolderAdapter(Place("H41", outbox.parent)), "H41").rings() is False


def test_on_a_drive_that_tells_nothing_an_adapter_is_looked_at(
    bell: Bell, outbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = FolderAdapter(Place("H41", outbox.parent, {"settle_seconds": 0.0}, bell=bell))
    monkeypatch.setattr("axis.adapters.tree.is_local", lambda _device: False)
    assert list(adapter.collect()) == []
    assert not adapter.rings()
