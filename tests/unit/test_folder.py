"""The folder adapter: complete files only, nothing overwritten, everything shown whole and once."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from axis.adapters.base import Guarded, LocalFile, Place
from axis.adapters.folder import FOLDERS, FolderAdapter
from axis.adapters.tree import LocalTree
from axis.core import xml
from axis.core.instant import VIETNAM
from axis.errors import Misconfigured, Rejected, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from axis.adapters.base import Folder


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


def test_with_a_ready_file_a_packet_need_not_settle(root: Path) -> None:
    adapter = folders(root, 3600, ready=True)
    (root / "outbox" / "a.edxml").write_bytes(b"a")
    (root / "outbox" / "a.edxml.ready").touch()
    assert refs(adapter) == ["a.edxml"]
    assert not adapter.unsettled()
    (root / "outbox" / "other.docx").write_bytes(b"is told of when it has settled")
    assert refs(adapter) == ["a.edxml"]
    assert adapter.unsettled()
    assert list((root / "failed").iterdir()) == []


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


# -- What others may have put there -------------------------------------------------------------------------------


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["pipe", "link to a pipe", "folder"])
def test_what_lies_under_a_packets_name_is_never_waited_for_and_never_overwritten(root: Path, kind: str) -> None:
    (root / "pipe").mkdir()
    os.mkfifo(root / "pipe" / "p")
    for folder in ("failed", "sent"):
        path = root / folder / "a.edxml"
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        else:
            path.symlink_to(root / "pipe" / "p")
    adapter = folders(root, 0)
    for number in (1, 2):
        (root / "outbox" / "a.edxml").write_bytes(b"" if number == 1 else b"x")
        list(adapter.collect())
        adapter.refused("a.edxml", b"{}") if number == 1 else adapter.accepted("a.edxml")
    assert (root / "failed" / "a~2.edxml").read_bytes() == b""
    assert (root / "sent" / "a~2.edxml").read_bytes() == b"x"
    assert os.path.lexists(root / "failed" / "a.edxml")


@pytest.mark.timeout(20)
def test_a_pipe_in_the_place_of_a_file_that_was_seen_is_an_error_at_once(root: Path) -> None:
    (root / "outbox" / "a.edxml").write_bytes(b"packet")
    (source,) = folders(root, 0).collect()
    (root / "outbox" / "a.edxml").unlink()
    os.mkfifo(root / "outbox" / "a.edxml")
    with pytest.raises(OSError):
        source.read()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["pipe", "link", "second name"])
def test_what_lies_under_a_temporary_name_is_not_written_through(root: Path, kind: str) -> None:
    (root / "precious").write_bytes(b"precious")
    hidden = root / "inbox" / ".x.edxml.axis-tmp"
    if kind == "pipe":
        os.mkfifo(hidden)
    elif kind == "link":
        hidden.symlink_to(root / "precious")
    else:
        os.link(root / "precious", hidden)
    adapter = folders(root, 0)
    adapter.prepare([LocalFile("inbox", "x.edxml", b"document")])
    adapter.complete([("inbox", "x.edxml")])
    assert (root / "inbox" / "x.edxml").read_bytes() == b"document"
    assert (root / "precious").read_bytes() == b"precious"


def test_a_link_in_the_place_of_the_days_folder_leads_nowhere(root: Path) -> None:
    other = root / "other-agency" / "outbox"
    other.mkdir(parents=True)
    adapter = folders(root, 0, by_day=True)
    adapter.prepare([LocalFile("inbox", "x.edxml", b"document")])
    adapter.complete([("inbox", "x.edxml")])
    (day,) = (root / "inbox").iterdir()
    (day / "x.edxml").unlink()
    day.rmdir()
    day.symlink_to(other)
    adapter.prepare([LocalFile("inbox", "y.edxml", b"document")])
    with pytest.raises(OSError):
        adapter.complete([("inbox", "y.edxml")])
    assert list(other.iterdir()) == []
    day.unlink()
    assert adapter.complete([("inbox", "y.edxml")]), "and nothing is lost meanwhile"
    assert (day / "y.edxml").read_bytes() == b"document"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make what belongs to another user")
def test_a_folder_may_be_a_link_that_the_operator_has_made_and_nobody_else(root: Path) -> None:
    elsewhere = root / "drive"
    elsewhere.mkdir()
    (root / "outbox").rmdir()
    (root / "outbox").symlink_to(elsewhere)
    (elsewhere / "a.edxml").write_bytes(b"packet")
    adapter = folders(root, 0)
    adapter.check()
    assert refs(adapter) == ["a.edxml"]
    os.lchown(root / "outbox", 65534, 65534)
    with pytest.raises(OSError):
        refs(adapter)
    with pytest.raises(Misconfigured):
        adapter.check()


# -- One file's trouble -------------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_read_does_not_keep_the_others_back(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a", "b", "c"):
        (root / "outbox" / f"{name}.edxml").write_bytes(name.encode())
    sources = folders(root, 0).collect()
    assert next(sources).ref == "a.edxml"
    (root / "outbox" / "b.edxml").unlink()
    (root / "outbox" / "b.edxml").symlink_to(root / "outbox" / "a.edxml")
    with caplog.at_level(logging.WARNING):
        assert [source.ref for source in sources] == ["c.edxml"]
    assert ["b.edxml" in record.getMessage() for record in caplog.records] == [True]


@pytest.fixture
def not_root() -> Iterator[Path]:
    """Folders of an agency, for a process that may not read everything."""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        for folder in (root, *(root / name for name in FOLDERS)):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o777)
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        try:
            yield root
        finally:
            os.seteuid(before)


def test_a_file_without_rights_is_said_once_and_taken_when_it_has_them(
    not_root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    for name in ("a", "b"):
        (not_root / "outbox" / f"{name}.edxml").write_bytes(name.encode())
    (not_root / "outbox" / "a.edxml").chmod(0)
    adapter = folders(not_root, 0)
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            assert refs(adapter) == ["b.edxml"]
            clock[0] += 1
    assert len(caplog.records) == 1
    assert not adapter.unsettled()
    (not_root / "outbox" / "a.edxml").chmod(0o600)
    clock[0] += 10
    assert refs(adapter) == ["a.edxml", "b.edxml"]


@pytest.mark.parametrize("length", [230, 240, 249, 255])
@pytest.mark.parametrize("letter", ["n", "ế"])
def test_a_name_as_long_as_a_name_may_be_is_refused_with_its_report_and_accepted(
    root: Path, length: int, letter: str
) -> None:
    stem = letter * ((length - len(".edxml")) // len(letter.encode()))
    name = f"{stem}.edxml"
    for content in (b"first", b"second"):
        adapter = folders(root, 0)
        (root / "outbox" / name).write_bytes(content)
        (source,) = adapter.collect()
        adapter.refused(source.ref, content)
        (root / "outbox" / name).write_bytes(content)
        (source,) = adapter.collect()
        adapter.accepted(source.ref)
    assert list((root / "outbox").iterdir()) == []
    assert sorted(path.read_bytes() for path in (root / "sent").iterdir()) == [b"first", b"second"]
    reports = [path for path in (root / "failed").iterdir() if path.name.endswith(".error.json")]
    assert sorted(path.read_bytes() for path in reports) == [b"first", b"second"]
    for path in reports:
        assert path.with_name(path.name.removesuffix(".error.json")).read_bytes() == path.read_bytes()
        assert path.name.startswith(letter * 20)


def test_endings_are_read_without_case(root: Path) -> None:
    for name in ("a.EDXML", "b.edXML", "c.ASICE", "d.edxml"):
        (root / "outbox" / name).write_bytes(b"x")
    assert refs(folders(root, 0)) == ["a.EDXML", "b.edXML", "c.ASICE", "d.edxml"]


def test_what_will_never_be_taken_is_told_of_once_and_stays(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    strange = ("a.xml", "b.pdf", "no ending", "ả" * 80)
    passing = (".hidden", "c.edxml.part", "d.TMP", "~$e.docx", "f.edxml.ready", "g.edxml.filepart")
    for name in (*strange, *passing):
        (root / "outbox" / name).write_bytes(b"x")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):  # as before a restart, so after it
            adapter = folders(root, 0)
            for _ in range(3):
                assert refs(adapter) == []
            assert not adapter.unsettled()
    assert len(caplog.records) == len(strange)
    assert sorted(path.name for path in (root / "outbox").iterdir()) == sorted((*strange, *passing))
    told = {json.loads(path.read_text())["file"]: path for path in (root / "failed").iterdir()}
    assert set(told) == set(strange)
    assert told["b.pdf"].name == "b.pdf.error.json"
    (finding,) = json.loads(told["b.pdf"].read_text())["findings"]
    assert (finding["code"], finding["got"]) == ("FILE_ENDING", "b.pdf")
    (root / "outbox" / "b.pdf").write_bytes(b"another file of this name")
    with caplog.at_level(logging.WARNING):
        refs(adapter)
    assert len(caplog.records) == len(strange) + 1


def test_what_a_power_loss_left_out_of_sight_is_cleared_away_but_what_will_be_shown(root: Path) -> None:
    adapter = folders(root, 0)
    adapter.prepare([LocalFile("inbox", f"{name}.edxml", b"document") for name in ("kept", "left")])
    (root / "failed" / ".x.error.json.axis-tmp").write_bytes(b"{")
    (root / "inbox" / ".theirs").write_bytes(b"the agency's own")
    for name, age in (("old", 100_000), ("being written", 60)):
        path = root / "outbox" / f".{name}.axis-tmp"
        path.write_bytes(b"x")
        os.utime(path, (time.time() - age,) * 2)
    Guarded(adapter, "H41").tidy([("inbox", "kept.edxml")])
    assert sorted(path.name for path in (root / "inbox").iterdir()) == [".kept.edxml.axis-tmp", ".theirs"]
    assert list((root / "failed").iterdir()) == []
    assert [path.name for path in (root / "outbox").iterdir()] == [".being written.axis-tmp"]
    adapter.complete([("inbox", "kept.edxml")])
    assert (root / "inbox" / "kept.edxml").read_bytes() == b"document"


def test_what_is_named_lies_by_day_and_what_was_flat_stays_readable_where_it_is(root: Path) -> None:
    (root / "sent" / "old.edxml").write_bytes(b"old")
    adapter = folders(root, 0, day_folders=("sent", "receipts"))
    (root / "outbox" / "a.edxml").write_bytes(b"<a/>")
    for source in list(adapter.collect()):
        adapter.accepted(source.ref)
    adapter.prepare([LocalFile("receipts", "r.asice", b"r"), LocalFile("inbox", "i.edxml", b"i")])
    names: list[tuple[Folder, str]] = [("receipts", "r.asice"), ("inbox", "i.edxml")]
    adapter.complete(names)
    adapter.complete(names)
    today = f"{datetime.now(UTC).astimezone(VIETNAM):%Y-%m-%d}"
    assert (root / "sent" / today / "a.edxml").read_bytes() == b"<a/>"
    assert (root / "receipts" / today / "r.asice").read_bytes() == b"r"
    assert (root / "inbox" / "i.edxml").read_bytes() == b"i"
    assert (root / "sent" / "old.edxml").read_bytes() == b"old"


def test_of_the_folders_by_day_the_old_ones_go_a_piece_at_a_time_and_nothing_else(root: Path) -> None:
    adapter = folders(root, 0, day_folders=("sent",))
    for day, count in (("2026-08-01", 3), ("2026-08-02", 2), ("2026-11-25", 1), ("keep me", 1)):
        (root / "sent" / day).mkdir()
        for number in range(count):
            (root / "sent" / day / f"{number}.edxml").write_bytes(b"four")
    (root / "sent" / "flat.edxml").write_bytes(b"flat")
    (root / "outside").mkdir()
    (root / "outside" / "theirs").write_bytes(b"x")
    (root / "sent" / "2026-08-03").symlink_to(root / "outside")
    (root / "sent" / "2026-08-02" / "a folder of somebody's").mkdir()
    assert adapter.expire("sent", "2026-11-01", 0) == (5, 20), "only counted"
    assert adapter.expire("sent", "2026-11-01", 4) == (4, 16)
    assert adapter.expire("sent", "2026-11-01", 4) == (1, 4)
    assert adapter.expire("sent", "2026-11-01", 4) == (0, 0)
    left = sorted(one.relative_to(root / "sent").as_posix() for one in (root / "sent").rglob("*"))
    assert left == [
        "2026-08-02",
        "2026-08-02/a folder of somebody's",
        "2026-08-03",
        "2026-11-25",
        "2026-11-25/0.edxml",
        "flat.edxml",
        "keep me",
        "keep me/0.edxml",
    ]
    assert (root / "outside" / "theirs").exists()


def test_a_folder_that_cannot_be_by_day_is_named(root: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        folders(root, 0, day_folders=("outbox",))
    assert caught.value.problems[0].got == "outbox"
