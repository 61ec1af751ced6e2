"""The clerk's table: a document written, refused, mended, recalled, changed, replaced and answered by hand, in plain words."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from axis import cli, config
from axis.core import edxml
from tests.hostile_names import NAMES
from tests.line import Line, small_home

if TYPE_CHECKING:
    from collections.abc import Sequence

MADE = "--number 12 --notation VPCP-HC --subject 'Về việc họp giao ban'"


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home", codes=("G22", "H41", "G06"))


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    path = tmp_path / "Công văn 12.pdf"
    path.write_bytes(b"%PDF-1.4 giao ban")
    return path


def axis(line: Line, words: str, *more: Path | str) -> Result:
    given = [*shlex.split(words), "--home", str(line.path), "--", *map(str, more)]
    return CliRunner().invoke(cli.main, given, catch_exceptions=False)


def done(line: Line, words: str, *more: Path | str) -> list[dict[str, Any]]:
    found = axis(line, f"{words} --json", *more)
    assert found.exit_code == 0, found.output + found.stderr
    return [json.loads(one) for one in found.stdout.splitlines()]


def causes(line: Line, reference: str = "12/VPCP-HC") -> list[str]:
    return [one["cause"] for said in done(line, f"why {reference}") for one in said["why"]]


def test_a_document_is_written_checked_sent_and_found_in_an_inbox(line: Line, pdf: Path, tmp_path: Path) -> None:
    (said,) = done(line, f"write --from G22 --to H41 {MADE}", pdf)
    assert (said["state"], said["document_id"]) == ("accepted", f"G22,{_today()},12/VPCP-HC")
    row, page = done(line, "inbox --as H41")
    assert (row["code"], row["subject"], row["sender"], row["files"]) == (
        "12/VPCP-HC",
        "Về việc họp giao ban",
        "G22",
        1,
    )
    assert page["page"] == {"shown": 1, "next": None}
    done(line, f"inbox 12/VPCP-HC --as H41 -o {tmp_path / 'ra'}")
    done(line, f"inbox 12/VPCP-HC --as H41 -o {tmp_path / 'ra'}")
    files = {one.name: one.read_bytes() for one in (tmp_path / "ra").iterdir()}
    assert files["Công văn 12.pdf"] == files["Công văn 12 (2).pdf"] == pdf.read_bytes(), "nothing is overwritten"
    assert {"thong-tin.html", "thong-tin (2).html"} < set(files)
    assert axis(line, "inbox --as G06").stdout == "Nothing has come to G06.\n"


def _today() -> str:
    from axis.core.instant import VIETNAM

    return f"{datetime.now(UTC).astimezone(VIETNAM):%Y/%m/%d}"


def test_all_that_is_wrong_is_said_at_once_and_nothing_goes_out(line: Line, pdf: Path) -> None:
    found = axis(line, "write --from G22 --to H41 --to H99 --number 12 --notation VPCP-HC --subject '(MẬT) họp'", pdf)
    assert found.exit_code == 3
    assert "PACKET_SECRET" in found.stdout
    assert "H99" in found.stdout
    assert "Not sent: 2 errors." in found.stdout
    assert os.listdir(line.folder("G22", "outbox")) == []
    (act,) = done(line, "audit list --refused")
    assert (act["kind"], act["outcome"], act["code"]) == ("write", "refused", "PACKET_SECRET, AGENCY_UNKNOWN")
    mended = axis(line, f"write --from G22 --to H41 {MADE}", pdf)
    assert mended.exit_code == 0
    assert "accepted" in mended.stdout


@pytest.mark.parametrize("who", ["--from G22 --to H42", "--from H42 --to G22"])
def test_a_code_with_a_slip_in_it_is_asked_about(line: Line, pdf: Path, who: str) -> None:
    found = axis(line, f"write {who} {MADE}", pdf)
    assert found.exit_code == 3
    assert "'H42': did you mean H41 (" in found.stderr


def test_what_this_home_cannot_know_is_asked_in_words(line: Line, pdf: Path) -> None:
    found = axis(line, f"write --to H41 {MADE}", pdf)
    assert (found.exit_code, "G06, G22, H41" in found.stderr) == (2, True)
    assert axis(line, f"write --from G22 {MADE}", pdf).exit_code == 2
    assert axis(line, "inbox").exit_code == 2
    assert axis(line, "update 12/VPCP-HC --reason x").exit_code == 2


def test_it_is_only_made_where_that_is_asked_and_no_file_is_overwritten(line: Line, pdf: Path, tmp_path: Path) -> None:
    target = tmp_path / "goi.edxml"
    words = f"write --from G22 --to H41 {MADE} --only-make -o {target}"
    assert axis(line, words, pdf).exit_code == 0
    made = edxml.convert(target.read_bytes())
    assert made.problems == ()
    assert made.attachments == (pdf.read_bytes(),)
    assert axis(line, words, pdf).exit_code == 5
    line.run()
    assert line.files("H41", "inbox") == []
    target.rename(line.folder("G22", "outbox") / "goi.edxml")
    line.run()
    assert line.states("12/VPCP-HC") == {"H41": "HANDED_OVER"}


def test_it_is_recalled_updated_replaced_and_answered_by_its_number(line: Line, pdf: Path) -> None:
    done(line, f"write --from G22 --to H41 --to G06 {MADE}", pdf)
    done(line, "update 12/VPCP-HC --reason 'Sửa lỗi'", pdf)
    done(line, "replace 12/VPCP-HC --number 15 --notation VPCP-HC --subject 'Về việc họp' --reason 'Đổi lịch'", pdf)
    done(line, "answer 12/VPCP-HC --from H41 --number 7 --notation UBND-VP --subject 'Trả lời'", pdf)
    done(line, "recall 15/VPCP-HC --reason 'Ban hành nhầm' --to G06")
    assert line.kinds("H41") == ["new", "update", "replace"]
    assert line.kinds("G06") == ["new", "update", "replace", "recall"]
    (name,) = line.files("G22", "inbox", "*.edxml")
    packet = edxml.convert((line.folder("G22", "inbox") / name).read_bytes()).packet
    assert packet is not None
    assert [(one.organ_id, one.code, one.document_id) for one in packet.response_for] == [
        ("G22", "12/VPCP-HC", f"G22,{_today()},12/VPCP-HC")
    ]
    assert [one["code"] for one in done(line, "inbox --as H41 --limit 2")[:2]] == ["15/VPCP-HC", "12/VPCP-HC"]
    after = done(line, "inbox --as H41 --limit 2")[-1]["page"]["next"]
    assert [one["kind"] for one in done(line, f"inbox --as H41 --limit 2 --after {after}")[:-1]] == ["new"]


def test_several_that_may_be_meant_are_shown_with_numbers(line: Line, pdf: Path) -> None:
    for sender in ("G22", "G06"):
        done(line, f"write --from {sender} --to H41 {MADE}", pdf)
    found = axis(line, "recall 12/VPCP-HC --reason x")
    assert found.exit_code == 3
    assert "AMBIGUOUS" in found.stderr
    assert "--date" not in found.stdout, "an option that this command does not have"
    assert "--date" in axis(line, "why 12/VPCP-HC").stdout
    assert [row.split()[:2] for row in found.stdout.splitlines()[2:]] == [["1", "G06"], ["2", "G22"]] or (
        [row.split()[:2] for row in found.stdout.splitlines()[2:]] == [["1", "G22"], ["2", "G06"]]
    )
    assert axis(line, "recall 12/VPCP-HC --from G06 --reason x").exit_code == 0


def test_what_came_to_many_here_does_not_hide_what_was_sent(
    line: Line, pdf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one document, however many of this home have it; the newest rows are theirs."""
    monkeypatch.setattr("axis.infra.journal.find.LIMIT", 1)
    (said,) = done(line, f"write --from G22 --to H41 --to G06 {MADE}", pdf)
    done(line, f"write --from G22 --to H41 --to G06 {MADE.replace('12', '13')}", pdf)
    done(line, f"update 12/VPCP-HC --reason 'Sửa' --only-make -o {line.path / 'a.edxml'}", pdf)
    done(line, f"recall {said['axis_id']} --reason 'Nhầm' --to G06")
    done(line, "recall 12/VPCP-HC --reason 'Nhầm' --to H41")
    found = axis(line, "answer 12/VPCP-HC --number 7 --notation UBND-VP --subject 'Trả lời'")
    assert (found.exit_code, found.stdout) == (3, "")
    assert "CAME_TO_SEVERAL" in found.stderr
    assert "G06, H41" in found.stderr


def test_who_has_got_a_document_is_told_that_it_is_not_theirs_to_recall(line: Line, pdf: Path) -> None:
    done(line, f"write --from G22 --to H41 {MADE}", pdf)
    for words in ("recall 12/VPCP-HC", "update 12/VPCP-HC --add G06"):
        found = axis(line, f"{words} --from H41 --reason Nhầm")
        assert (found.exit_code, "NOT_YOURS" in found.stderr, "sent by G22" in found.stderr) == (3, True, True)
    found = axis(line, "answer 12/VPCP-HC --from G22 --number 7 --notation VPCP-HC --subject 'Trả lời'")
    assert (found.exit_code, "SENT_FROM_HERE" in found.stderr) == (3, True)
    assert "NOT_FOUND" in axis(line, "recall 12/VPCP-HC --from G06 --reason Nhầm").stderr


def test_who_asks_a_document_back_once_more_is_told_that_it_was_asked_before(line: Line, pdf: Path) -> None:
    done(line, f"write --from G22 --to H41 --to G06 {MADE}", pdf)
    first = axis(line, "recall 12/VPCP-HC --reason 'Nhầm' --to H41")
    assert "before" not in first.stdout
    again = axis(line, "recall 12/VPCP-HC --reason 'Sai số' --to H41")
    assert (again.exit_code, "the reason given this time goes nowhere" in again.stdout) == (0, True)
    (said,) = done(line, "recall 12/VPCP-HC --reason 'Sai ngày' --to H41")
    assert said["repeats"]
    (said,) = done(line, "recall 12/VPCP-HC --reason 'Sai ngày' --to G06")
    assert said["repeats"] == "", "that one was not asked before"
    (change, other) = done(line, "trace 12/VPCP-HC")[0]["changes"]
    assert (change["reason"], other["reason"]) == ("Nhầm", "Sai ngày")


def test_a_reason_that_must_be_given_is_not_an_empty_one(line: Line, pdf: Path) -> None:
    done(line, f"write --from G22 --to H41 {MADE}", pdf)
    for empty in ('""', "'  '"):
        found = axis(line, f"recall 12/VPCP-HC --reason {empty}")
        assert found.exit_code == 2
        assert "--reason" in found.stderr
    assert [one["kind"] for one in done(line, "inbox --as H41")[:-1]] == ["new"], "nothing was sent"


def test_what_was_withdrawn_before_it_was_seen_is_in_no_inbox(line: Line, pdf: Path) -> None:
    words = f"write --from G22 --to H41 {MADE} --only-make -o {line.path / 'a.edxml'}"
    assert axis(line, words, pdf).exit_code == 0
    shutil.move(line.path / "a.edxml", line.folder("G22", "outbox"))
    line.clock.now = datetime.now(UTC)
    line.without("H41")
    outbox = line.folder("G22", "outbox")
    assert axis(line, f"recall 12/VPCP-HC --reason 'Nhầm' --only-make -o {outbox / 'b.edxml'}").exit_code == 0
    line.without("H41")
    line.run()
    assert line.states("12/VPCP-HC") == {"H41": "RECALLED"}
    assert done(line, "inbox --as H41")[:-1] == []
    assert axis(line, f"inbox 12/VPCP-HC --as H41 -o {line.path / 'ra'}").exit_code == 3


def test_an_agencys_own_home_asks_nothing_that_it_knows(line: Line, pdf: Path, tmp_path: Path) -> None:
    done(line, f"agency export G22 --to {tmp_path / 'own'}")
    made = Line(tmp_path / "own")
    made.configure(log=config.Log(level="error"))
    found = axis(made, f"write --to H41 {MADE} --only-make -o {tmp_path / 'a.edxml'}", pdf)
    assert found.exit_code == 0, found.stderr
    packet = edxml.convert((tmp_path / "a.edxml").read_bytes()).packet
    assert packet is not None
    assert (packet.sender.organ_id, packet.sender.name) == ("G22", "Văn phòng Chính phủ")
    assert axis(made, "inbox").exit_code == 0


def names_of_files(folder: Path, names: Sequence[str]) -> list[Path]:
    """Files of these names, as far as this system can keep them."""
    found = []
    for number, name in enumerate(names):
        if name in {"", ".", ".."} or "/" in name or len(name.encode()) > 255 or (folder / name).exists():
            continue
        (folder / name).write_bytes(f"{number} {name}".encode())
        found.append(folder / name)
    return found


def test_hostile_names_go_through_write_and_readable_and_nothing_is_lost(line: Line, tmp_path: Path) -> None:
    line.configure(folders=config.Folders(readable=True))
    (tmp_path / "files").mkdir()
    files = names_of_files(tmp_path / "files", NAMES)
    assert len(files) > 120
    before = sorted(os.listdir(tmp_path))
    half = len(files) // 2
    done(line, f"write --from G22 --to H41 {MADE}", *files[:half])
    done(line, f"write --from G22 --to H41 {MADE.replace('12', '13')}", *files[half:])
    folders = [path for path in line.folder("H41", "inbox").iterdir() if path.is_dir()]
    came = [hashlib.sha256(one.read_bytes()).hexdigest() for folder in folders for one in folder.iterdir()]
    assert {hashlib.sha256(one.read_bytes()).hexdigest() for one in files} <= set(came)
    assert len(came) == len(files) + 2 * 3
    assert sorted(os.listdir(tmp_path)) == before


def test_a_clerk_without_a_document_system_says_what_has_become_of_a_document(line: Line, pdf: Path) -> None:
    done(line, f"write --from G22 --to H41 {MADE}", pdf)
    asked = axis(line, "why 12/VPCP-HC").stdout
    assert "(03)" in asked
    command = f"axis mark 12/VPCP-HC 03 --as H41 --home {line.path}"
    assert asked.splitlines()[-1].endswith(f": {command}"), "at the end, as it is typed"
    typed = CliRunner().invoke(cli.main, shlex.split(command)[1:], catch_exceptions=False)
    assert (typed.exit_code, typed.stderr) == (0, f"Where it is: axis trace 12/VPCP-HC --home {line.path}\n")
    asked = axis(line, "why 12/VPCP-HC").stdout
    assert ("(03)" in asked, "(03;" in asked, "axis mark" in asked) == (True, False, False)
    assert "H41 has received it (03)." in asked
    done(line, "mark 12/VPCP-HC 04 --as H41 --staff 'Lê Thị Ba' --department 'Phòng Tổng hợp' --note 'Đã giao'")
    done(line, "recall 12/VPCP-HC --reason 'Ban hành nhầm'")
    asked = axis(line, "why 12/VPCP-HC").stdout
    assert "(15)" in asked
    assert "axis mark 12/VPCP-HC 15 --as H41" in asked
    done(line, "mark 12/VPCP-HC 15 --as H41")
    assert causes(line) == ["given_back"]
    assert line.statuses("G22") == ["01 H41", "03 H41", "04 H41", "15 H41"]
    packets = [
        edxml.convert((line.folder("G22", "status") / name).read_bytes()).packet
        for name in line.files("G22", "status", "*.edxml")
    ]
    (assigned,) = (one for one in packets if one is not None and one.status_code == "04")
    staff = assigned.header.get("StaffInfo")
    assert staff is not None
    assert (staff.value("Staff"), staff.value("Department")) == ("Lê Thị Ba", "Phòng Tổng hợp")
    assert assigned.description == "Đã giao"


def test_a_refusal_says_why_and_the_hub_has_the_last_word(line: Line, pdf: Path, tmp_path: Path) -> None:
    done(line, f"write --from G22 --to H41 {MADE}", pdf)
    unsaid = axis(line, "mark 12/VPCP-HC 02 --as H41")
    assert (unsaid.exit_code, "--reason" in unsaid.stderr) == (2, True)
    assert axis(line, f"mark 12/VPCP-HC 02 --as H41 --reason {'x' * 501}").exit_code == 2
    assert axis(line, "mark 12/VPCP-HC 07 --as H41").exit_code == 2
    assert axis(line, "mark 12/VPCP-HC 03 --as G06").exit_code == 3
    early = axis(line, "mark 12/VPCP-HC 15 --as H41")
    assert (early.exit_code, "STATUS_NOT_OPEN" in early.stderr) == (3, True)
    target = tmp_path / "trang-thai.edxml"
    assert axis(line, f"mark 12/VPCP-HC 03 --as H41 --only-make -o {target}").exit_code == 0
    made = edxml.convert(target.read_bytes())
    assert made.packet is not None
    assert (made.packet.status_code, made.problems, line.statuses("G22")) == ("03", (), ["01 H41"])
    done(line, "mark 12/VPCP-HC 02 --as H41 --reason 'Gửi nhầm nơi nhận'")
    assert causes(line) == ["unit_refused"]
    late = axis(line, "mark 12/VPCP-HC 03 --as H41")
    assert (late.exit_code, late.stderr.count("→")) == (3, 1)


def test_each_unit_that_was_addressed_reports(line: Line, pdf: Path) -> None:
    def statuses() -> dict[str, str]:
        found: dict[str, str] = line.trace("12/VPCP-HC")["deliveries"][0]["statuses"]
        return found

    done(line, f"write --from G22 --to H41.04.02 --to H41.04.03 {MADE}", pdf)
    assert len(done(line, "mark 12/VPCP-HC 03 --as H41")) == 2
    assert statuses() == {"H41.04.02": "03", "H41.04.03": "03"}
    done(line, "mark 12/VPCP-HC 06 --as H41.04.02")
    assert statuses() == {"H41.04.02": "06", "H41.04.03": "03"}
    several = axis(line, "mark 12/VPCP-HC 06 --as H41 --only-make")
    assert (several.exit_code, "H41.04.02, H41.04.03" in several.stderr) == (2, True)


def test_an_agencys_own_home_knows_what_its_clerk_has_said(line: Line, pdf: Path) -> None:
    done(line, f"write --from G22 --to H41 {MADE}", pdf)
    whole = config.load(line.path).installation

    def own() -> tuple[str, str]:
        line.configure(installation=whole._replace(role="agency", agencies=("H41",)))
        ((cause,),) = (said["why"] for said in done(line, "why 12/VPCP-HC"))
        last = axis(line, "why 12/VPCP-HC").stdout.splitlines()[-1]
        line.configure(installation=whole)
        return cause["cause"], last.partition("axis mark ")[2].partition(" --home")[0]

    assert own() == ("own.handed_over", "12/VPCP-HC 03 --as H41")
    done(line, "mark 12/VPCP-HC 05 --as H41")
    assert own() == ("own.reported", "")
    done(line, "recall 12/VPCP-HC --reason 'Ban hành nhầm'")
    assert own() == ("own.recall_asked", "12/VPCP-HC 15 --as H41")
    done(line, "mark 12/VPCP-HC 16 --as H41 --reason 'Đã xử lý'")
    assert own() == ("own.recall_declined", "")


def test_days_and_moments_are_taken_as_vietnamese_writes_them(line: Line, pdf: Path, tmp_path: Path) -> None:
    words = f"write --from G22 --to H41 {MADE} --only-make --date 27/11/2026"
    found = axis(line, f"{words} --due '05/12/2099 17:00' -o {tmp_path / 'a'}", pdf)
    assert (found.exit_code, "2099-12-05" in found.stderr) == (0, True), "a packet holds no hour, and that is said"
    assert b"2099/12/05" in (tmp_path / "a").read_bytes()
    early = axis(line, f"{words} --due 26/11/2026 -o {tmp_path / 'b'}", pdf)
    assert (early.exit_code, "2026-11-26" in early.stderr, (tmp_path / "b").exists()) == (2, True, False)
    past = axis(
        line, f"write --from G22 --to H41 {MADE} --date 01/01/2020 --due 02/01/2020 --only-make -o {tmp_path / 'c'}"
    )
    assert (past.exit_code, "2020-01-02" in past.stderr, "no attachment" in past.stderr) == (0, True, True)
    (tmp_path / "t.csv").write_text("change,code,successor\nclose,H41,G06\n")
    for at in ("01/12/2099", "'01/12/2099 08:30'", "'01/12/2099 08:30:00 +07:00'", "'2099-12-01 08:30:00 +07:00'"):
        assert axis(line, f"agency apply --rehearse --at {at}", tmp_path / "t.csv").exit_code == 0, at
