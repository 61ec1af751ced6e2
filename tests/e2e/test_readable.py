"""Readable copies on the line: after the hand-over, off its way, made again whatever happens to them."""

from __future__ import annotations

import errno
import hashlib
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from axis import config
from axis.adapters.readable import WHY, Copies
from axis.adapters.tree import LocalTree
from axis.services.agency import readable
from axis.services.questions import gather
from tests.line import Line, document, recall, small_home, update

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"%PDF-1.4 noi dung"


@pytest.fixture
def line(tmp_path: Path) -> Line:
    made = small_home(tmp_path / "home", codes=("G22", "H41"))
    both: dict[str, dict[str, Any]] = {"H41": {"readable": True}, "G22": {"readable": True}}
    made.configure(adapter=config.Adapter(settle_seconds=0.0, agencies=both))
    return made


def folders(line: Line, code: str = "H41") -> list[str]:
    return sorted(path.name for path in line.folder(code, "inbox").iterdir() if path.is_dir())


def test_a_clerk_finds_the_files_the_facts_and_the_receipts(line: Line) -> None:
    line.drop("G22", document(12, subject="Về việc &lt;họp&gt; giao ban"))
    line.run()
    (name,) = folders(line)
    assert name == "2026-11-23 G22 12-TN-G22 Về việc _họp_ giao ban"
    folder = line.folder("H41", "inbox") / name
    assert hashlib.sha256((folder / "12.pdf").read_bytes()).digest() == hashlib.sha256(CONTENT).digest()
    axis_id = line.trace("12/TN-G22")["document"]["axis_id"]
    assert sorted(os.listdir(folder)) == sorted(
        ["12.pdf", "thong-tin.html", f"{axis_id}.A.1.asice", f"{axis_id}.E.1.asice"]
    )
    page = (folder / "thong-tin.html").read_text("utf-8")
    assert all(one in page for one in ("Về việc &lt;họp&gt; giao ban", "Công văn", "Nguyễn Văn An", "23/11/2026"))
    assert sorted(line.files("H41", "inbox", "*.*ice") + line.files("H41", "inbox", "*.edxml")) == [
        f"{axis_id}.asice",
        f"{axis_id}.edxml",
    ]
    line.run()
    assert folders(line) == [name], "once"


def test_what_changes_a_document_has_a_folder_of_its_own(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    line.drop("G22", update(1), "b.edxml")
    line.run()
    line.drop("G22", recall(1), "c.edxml")
    line.run()
    assert [one.partition("TN-G22 ")[2].partition("]")[0] for one in folders(line)] == [
        "V_v thử nghiệm",
        "[cập nhật",
        "[thu hồi",
    ]


def test_what_clerks_take_away_stays_away(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    (name,) = folders(line)
    (line.folder("H41", "inbox") / name).rename(line.path / "ho so")
    line.drop("G22", document(2), "b.edxml")
    line.run()
    assert [one.split()[2] for one in folders(line)] == ["2-TN-G22"]


def test_a_full_disk_keeps_up_no_receipt_and_the_copy_is_made_when_there_is_room(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    line.drop("G22", document(1))
    with monkeypatch.context() as patch:
        patch.setattr(Copies, "prepare", full)
        line.run()
    assert line.events("G22") == ["A.1", "E.1 H41"]
    assert folders(line) == []
    line.run()
    assert len(folders(line)) == 1


class Death(BaseException):
    """The process died."""


STEPS = [(Copies, "prepare"), (Copies, "show"), (Copies, "marked"), (LocalTree, "rename")]


@pytest.mark.parametrize(("owner", "step"), STEPS, ids=lambda one: getattr(one, "__name__", one))
@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_a_death_at_a_copy_loses_nothing_of_the_document_and_the_copy_is_made_again(
    line: Line, monkeypatch: pytest.MonkeyPatch, owner: type, step: str, *, is_after: bool
) -> None:
    call = getattr(owner, step)

    def dies(self: Any, *words: Any) -> Any:
        if owner is LocalTree and "/" in words[1] and words[1].endswith((".edxml", ".asice")):
            return call(self, *words)
        result = call(self, *words) if is_after else None
        raise Death(result)

    for number in (1, 2):
        line.drop("G22", document(number), f"{number}.edxml")
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, dies)
        with pytest.raises(Death):
            line.run()
    line.run()
    assert len(folders(line)) == 2
    assert line.events("G22").count("E.1 H41") == 2
    assert len(line.files("H41", "inbox", "*.edxml")) == 2
    assert not [name for name in os.listdir(line.folder("H41", "inbox")) if name.startswith(".")]
    line.check_ledger()


def test_what_is_said_of_a_number_that_is_taken_does_not_contradict_itself(line: Line) -> None:
    line.drop("G22", document(1), "1.edxml")
    line.run()
    line.drop("G22", document(1, content=b"%PDF-1.4 khac"), "2.edxml")
    line.run()
    said = (line.folder("G22", "failed") / f"2.edxml{WHY}").read_text("utf-8-sig")
    assert "[DUP_CONFLICT]" in said
    assert "axis update VĂN-BẢN hoặc axis replace VĂN-BẢN" in said
    assert "giữ nguyên" not in said
    assert "chưa đến nơi nào" not in said, "the document of this number has"


def test_a_refused_file_has_its_reasons_beside_it_in_words(line: Line) -> None:
    line.drop("G22", document(1, subject=""), "thieu.edxml")
    (line.folder("G22", "outbox") / "Công văn.pdf").write_bytes(b"%PDF")
    line.run()
    said = (line.folder("G22", "failed") / f"thieu.edxml{WHY}").read_text("utf-8-sig")
    assert "(Subject)" in said
    assert "→" in said
    assert said.endswith("số và ký hiệu giữ nguyên.\n")
    assert "axis write" in (line.folder("G22", "outbox") / f"Công văn.pdf{WHY}").read_text("utf-8-sig")


def test_of_a_home_that_had_no_copies_what_its_journal_keeps_gets_them(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.configure(adapter=config.Adapter(settle_seconds=0.0))
    for number in (1, 2, 3):
        line.drop("G22", document(number), f"{number}.edxml")
    line.run()
    assert folders(line) == []
    assert not (line.folder("H41", "") / ".readable").exists()
    line.configure(adapter=config.Adapter(settle_seconds=0.0), folders=config.Folders(readable=True))
    monkeypatch.setattr(readable, "COPIES", 1)
    monkeypatch.setattr(readable, "SCANNED", 4)
    line.run()
    assert len(folders(line)) == 3


def test_a_mark_that_the_journal_never_gave_is_no_mark(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    (line.folder("H41", "") / ".readable").write_text("999999 abc\n")
    line.drop("G22", document(2), "b.edxml")
    line.run()
    assert len(folders(line)) == 2


def test_a_folder_a_link_and_a_pipe_are_said_not_to_be_files_and_nobody_looks_for_an_adapter(line: Line) -> None:
    outbox = line.folder("G22", "outbox")
    (outbox / "thumuc.edxml").mkdir()
    (outbox / "link.edxml").symlink_to("/etc/passwd")
    os.mkfifo(outbox / "pipe.edxml")
    line.run()
    for name in ("thumuc.edxml", "link.edxml", "pipe.edxml"):
        told = outbox / f"{name}{WHY}"
        assert "không phải tệp" in told.read_text("utf-8")
    (found,) = (one for one in gather.agencies(line.path, [("G22", line.path, None)], timedelta())["all"])
    assert (found["outbox"], found["outbox_since"]) == (0, "")
    (outbox / "thumuc.edxml").rmdir()
    line.run()
    assert list(outbox.glob("thumuc*")) == []
