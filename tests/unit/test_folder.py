"""The folder adapter: complete files only, nothing overwritten, everything shown whole and once."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from adapters.base import Guarded, LocalFile, Place
from adapters.folder import FOLDERS, FolderAdapter
from adapters.tree import LocalTree
from axis.core import xml
from axis.errors import Misconfigured, Rejected, Unavailable


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    return tmp_path


def folders(root: Path, settle: float, **options: object) -> FolderAdapter:
    return FolderAdapter(Place("H41", root, {"settle_seconds": settle, **options}))


def refs(adapter: FolderAdapter) -> list[str]:
    return [source.ref for source in adapter.collect()]


def test_a_file_is_taken_once_it_has_looked_the_same_for_a_moment(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    adapter = folders(root, 1.0)
    path = root / "outbox" / "a.edxml"
    path.write_bytes(b"first half, ")
    assert refs(adapter) == []
    assert adapter.unsettled()
    clock[0] += 0.9
    with path.open("ab") as handle:
        handle.write(b"second half")
    assert refs(adapter) == []
    clock[0] += 0.9
    assert refs(adapter) == []
    clock[0] += 0.2
    assert refs(adapter) == ["a.edxml"]
    assert not adapter.unsettled()
    (source,) = adapter.collect()
    assert source.read() == b"first half, second half"


def test_a_file_whose_clock_is_far_off_is_taken_all_the_same(root: Path) -> None:
    path = root / "outbox" / "a.edxml"
    path.write_bytes(b"x")
    os.utime(path, (4_000_000_000, 4_000_000_000))
    assert refs(folders(root, 0)) == ["a.edxml"]


@pytest.mark.parametrize("name", [".a.edxml", "a.edxml.tmp", "a.edxml.part", "a.edxml~", "a.txt", "a.EDXML.crdownload"])
def test_temporary_and_foreign_names_are_left_alone(root: Path, name: str) -> None:
    (root / "outbox" / name).write_bytes(b"x")
    adapter = folders(root, 0)
    assert refs(adapter) == []
    assert (root / "outbox" / name).exists()


def test_links_folders_and_pipes_are_not_read(root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (root / "outbox" / "link.edxml").symlink_to(secret)
    (root / "outbox" / "folder.edxml").mkdir()
    os.mkfifo(root / "outbox" / "pipe.edxml")
    assert refs(folders(root, 0)) == []


def test_a_file_over_the_limit_is_refused_without_reading_it_whole(root: Path) -> None:
    with (root / "outbox" / "big.edxml").open("wb") as handle:
        handle.truncate(xml.MAX_BYTES + 1)
    (source,) = folders(root, 0).collect()
    with pytest.raises(Rejected) as caught:
        source.read()
    assert caught.value.fault.code == "XML_TOO_BIG"


def test_a_sent_file_never_overwrites_another_of_the_same_name(root: Path) -> None:
    adapter = folders(root, 0)
    for content in (b"one", b"two", b"two"):
        (root / "outbox" / "a.edxml").write_bytes(content)
        list(adapter.collect())
        adapter.accepted("a.edxml")
        adapter.accepted("a.edxml")  # again, after a crash
    assert {p.name: p.read_bytes() for p in (root / "sent").iterdir()} == {"a.edxml": b"one", "a~2.edxml": b"two"}


def test_a_refused_file_stands_beside_its_report(root: Path) -> None:
    adapter = folders(root, 0)
    for content, report in ((b"one", b"1"), (b"two", b"2")):
        (root / "outbox" / "a.edxml").write_bytes(content)
        list(adapter.collect())
        adapter.refused("a.edxml", report)
    assert {p.name: p.read_bytes() for p in (root / "failed").iterdir()} == {
        "a.edxml": b"one",
        "a.edxml.error.json": b"1",
        "a~2.edxml": b"two",
        "a~2.edxml.error.json": b"2",
    }


def test_what_is_prepared_is_invisible_until_it_is_shown_and_shown_once(root: Path) -> None:
    adapter = folders(root, 1.0)
    files = [LocalFile("inbox", "1.asice", b"p"), LocalFile("inbox", "1.edxml", b"d")]
    names = [(file.folder, file.name) for file in files]
    adapter.prepare(files)
    adapter.prepare(files)
    assert [p.name for p in (root / "inbox").iterdir() if not p.name.startswith(".")] == []
    adapter.complete(names)
    assert sorted(p.name for p in (root / "inbox").iterdir()) == ["1.asice", "1.edxml"]
    (root / "inbox" / "1.edxml").unlink()  # the document system took it
    adapter.complete(names)  # again, after a crash
    assert sorted(p.name for p in (root / "inbox").iterdir()) == ["1.asice"]


def test_a_folder_that_is_missing_or_closed_is_said_at_the_start(root: Path) -> None:
    folders(root, 1.0).check()
    (root / "status").rmdir()
    with pytest.raises(Misconfigured):
        folders(root, 1.0).check()


def test_thousands_of_files_are_taken_in_order(root: Path) -> None:
    for number in range(3000):
        (root / "outbox" / f"{number:05}.edxml").write_bytes(b"%d" % number)
    assert refs(folders(root, 0)) == [f"{number:05}.edxml" for number in range(3000)]


def test_the_safe_wrapper_lets_only_our_errors_out() -> None:
    class Wild:
        def __getattr__(self, _name: str) -> Any:
            def call(*_arguments: Any) -> Any:
                raise ZeroDivisionError

            return call

    guarded = Guarded(Wild(), "G22")
    calls = [
        guarded.check,
        lambda: list(guarded.collect()),
        guarded.unsettled,
        lambda: guarded.accepted("x"),
        lambda: guarded.refused("x", b""),
        lambda: guarded.lifted(["x"]),
        lambda: guarded.prepare([]),
        lambda: guarded.complete([]),
    ]
    for call in calls:
        with pytest.raises(Unavailable) as caught:
            call()
        assert caught.value.fault.code == "ADAPTER_AWAY"


def test_a_file_put_in_the_place_of_one_that_was_answered_is_not_moved_away_with_it(root: Path) -> None:
    adapter = folders(root, 0)
    path = root / "outbox" / "a.edxml"
    path.write_bytes(b"old")
    list(adapter.collect())
    (root / "outbox" / ".new").write_bytes(b"new, never sent")
    (root / "outbox" / ".new").rename(path)
    adapter.accepted("a.edxml")
    adapter.refused("a.edxml", b"{}")
    assert path.read_bytes() == b"new, never sent"
    assert list((root / "sent").iterdir()) == list((root / "failed").iterdir()) == []


def test_what_was_accepted_after_all_goes_from_failed_to_sent_and_its_report_goes(root: Path) -> None:
    adapter = folders(root, 0)
    (root / "sent" / "a.edxml").write_bytes(b"another of that name")
    for name in ("a", "b", "gone", "other"):
        (root / "outbox" / f"{name}.edxml").write_bytes(name.encode())
        (source,) = adapter.collect()
        adapter.refused(source.ref, json.dumps({"source_digest": source.digest}).encode())
    (root / "failed" / "x.edxml.error.json").write_bytes(b"none of ours")
    (root / "failed" / "gone.edxml").unlink()
    digests = [hashlib.sha256(name).hexdigest() for name in (b"a", b"b", b"gone")]
    for _ in range(2):
        adapter.lifted(digests)
        left = sorted(path.name for path in (root / "failed").iterdir())
        assert left == ["other.edxml", "other.edxml.error.json", "x.edxml.error.json"]
        assert sorted(path.name for path in (root / "sent").iterdir()) == ["a.edxml", "a~2.edxml", "b.edxml"]


def test_a_file_taken_away_before_it_is_read_is_the_systems_affair_not_a_crash(root: Path) -> None:
    path = root / "outbox" / "a.edxml"
    path.write_bytes(b"x")
    (source,) = Guarded(folders(root, 0), "G22").collect()
    path.unlink()
    with pytest.raises(Unavailable):
        source.read()


# -- Options, and what goes wrong with folders -------------------------------------------------------------------


def test_with_ready_files_a_packet_is_taken_when_its_sign_is_there_and_the_sign_goes_with_it(root: Path) -> None:
    adapter = folders(root, 0, ready=True)
    for name in ("a", "b"):
        (root / "outbox" / f"{name}.edxml").write_bytes(name.encode())
    assert refs(adapter) == []
    (root / "outbox" / "a.edxml.ready").touch()
    assert refs(adapter) == ["a.edxml"]
    adapter.accepted("a.edxml")
    assert sorted(p.name for p in (root / "outbox").iterdir()) == ["b.edxml"]
    (root / "outbox" / "b.edxml.ready").touch()
    assert refs(adapter) == ["b.edxml"]
    adapter.refused("b.edxml", b"{}")
    assert list((root / "outbox").iterdir()) == []
    assert sorted(p.name for p in (root / "failed").iterdir()) == ["b.edxml", "b.edxml.error.json"]


def test_with_folders_by_day_each_day_has_its_own_and_nothing_is_shown_twice(root: Path) -> None:
    adapter = folders(root, 0, by_day=True)
    given = [LocalFile("inbox", "x.edxml", b"document"), LocalFile("failed", "y.error.json", b"{}")]
    named = [(file.folder, file.name) for file in given]
    adapter.prepare(given)
    adapter.complete(named)
    (shown,) = (root / "inbox").glob("*/x.edxml")
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", shown.parent.name)
    assert (root / "failed" / "y.error.json").exists(), "reports stay where they are looked for"
    shown.unlink()
    adapter.complete(named)
    assert list((root / "inbox").glob("**/*.edxml")) == []
    adapter.prepare(given)
    adapter.discard(named)
    adapter.complete(named)
    assert list((root / "inbox").glob("**/*.edxml")) == []


def test_a_link_in_the_outbox_leads_nowhere(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "secret"
    secret.write_bytes(b"secret")
    (root / "outbox" / "a.edxml").symlink_to(secret)
    adapter = folders(root, 0)
    assert refs(adapter) == []
    (root / "outbox" / "a.edxml").unlink()
    (root / "outbox" / "a.edxml").write_bytes(b"packet")
    (source,) = adapter.collect()
    (root / "outbox" / "a.edxml").unlink()
    (root / "outbox" / "a.edxml").symlink_to(secret)  # between the look and the reading
    with pytest.raises(OSError):
        source.read()


def test_a_folder_that_cannot_be_written_is_the_systems_trouble_and_nothing_is_lost(root: Path) -> None:
    adapter = Guarded(folders(root, 0), "H41")
    (root / "inbox").rmdir()
    with pytest.raises(Unavailable) as caught:
        adapter.prepare([LocalFile("inbox", "x.edxml", b"document")])
    assert caught.value.fault.code == "ADAPTER_AWAY"
    with pytest.raises(Misconfigured):
        adapter.check()
    (root / "inbox").mkdir()
    adapter.prepare([LocalFile("inbox", "x.edxml", b"document")])
    adapter.complete([("inbox", "x.edxml")])
    assert (root / "inbox" / "x.edxml").read_bytes() == b"document"


def test_of_thousands_each_is_read_once_and_looked_at_without_a_question_of_its_own(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5000):
        (root / "outbox" / f"{number:05}.edxml").write_bytes(b"%d" % number)
    adapter = folders(root, 0)
    read: list[str] = []
    reading = LocalTree.read

    def counted(self: LocalTree, path: str) -> bytes:
        read.append(path)
        return reading(self, path)

    monkeypatch.setattr(LocalTree, "read", counted)
    assert len(refs(adapter)) == 5000
    assert len(refs(adapter)) == 5000
    assert len(read) == 5000, "a second round reads nothing again"
    assert len(adapter._looks) == 5000
    for name in ("00000.edxml", "04999.edxml"):
        adapter.accepted(name)
    assert len(refs(adapter)) == 4998
