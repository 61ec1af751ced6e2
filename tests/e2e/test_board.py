"""A circular to the 94: who has it, who waits, who refused, who is late, and the signed certificate when all is over."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from axis import bootstrap, cli
from axis.adapters.folder import FolderAdapter
from axis.core import parcel
from axis.errors import Fault, Problem, Rejected
from axis.infra.record import search
from axis.services.operate import provision
from axis.services.operate import registry as members
from axis.services.questions import board, trace
from tests.line import Line, document, recall, small_home, status, update

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from axis.adapters.base import LocalFile

ALL = tuple(row["code"] for row in provision.catalogue())
OTHERS = tuple(code for code in ALL if code != "G22")
REFUSING, SILENT, SUSPENDED, LATE = ("G01", "G02", "H01"), ("H02", "H03"), "H04", "H05"


def board_of(line: Line, reference: str) -> dict[str, Any]:
    home = bootstrap.open_home(line.path)
    with bootstrap.reading_registry(home) as registry, bootstrap.reading(home) as record:
        return board.board(record, registry, reference, line.clock.now)


def certificates(line: Line) -> list[Any]:
    return [s for r in line.receipts("G22").values() for s in r.statements if s.event.code == "S.1"]


@pytest.mark.timeout(300)
def test_a_circular_to_94_with_refusals_silence_a_suspension_and_a_late_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = small_home(tmp_path / "home", codes=ALL)
    prepare = FolderAdapter.prepare

    def some_refuse(self: FolderAdapter, files: Sequence[LocalFile]) -> None:
        if self.agency in REFUSING and files[0].folder == "inbox":
            raise Rejected(Problem(Fault.DELIVERY_INVALID, got="no"))
        prepare(self, files)

    monkeypatch.setattr(FolderAdapter, "prepare", some_refuse)
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.suspend(registrar, SUSPENDED, "thử", line.clock())
    line.drop("G22", document(1, to=OTHERS, content=b"circular"))
    line.without(*SILENT, LATE)
    shown = board_of(line, "1/TN-G22")
    assert shown["totals"] == {
        "recipients": 94,
        "handed_over": 87,
        "refused": 3,
        "suspended": 1,
        "waiting": 3,
        "overdue": 0,
    }
    assert shown["certificate"] == ""
    assert certificates(line) == []
    line.clock.now += timedelta(hours=25)
    line.without(*SILENT, LATE)
    by_code = {one["recipient"]: one for one in board_of(line, "1/TN-G22")["recipients"]}
    assert {by_code[code]["standing"] for code in (*SILENT, LATE)} == {"failed"}
    assert by_code[LATE]["overdue"] == ["handover"]
    line.without(*SILENT)
    by_code = {one["recipient"]: one for one in board_of(line, "1/TN-G22")["recipients"]}
    assert by_code[LATE]["standing"] == "late"
    assert certificates(line) == [], "not before everybody's is over"
    # One of the silent is recalled from, the other and the suspended get it in the end.
    line.drop("G22", recall(1, to=(SILENT[0],)), "b.edxml")
    line.without(*SILENT)
    line.run()
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.resume(registrar, SUSPENDED, "xong", line.clock())
    line.run()
    said = certificates(line)
    assert len(said) == 94
    outcomes = {s.recipient: s.outcome for s in said}
    assert sorted(outcomes) == sorted(OTHERS)
    assert {code for code, outcome in outcomes.items() if outcome == "REFUSED"} == set(REFUSING)
    recalled = {code for code, outcome in outcomes.items() if outcome == "RECALLED"}
    assert recalled <= {SILENT[0]}
    assert {s.recipient for s in said if s.leg == "late"} >= {LATE, SILENT[1]}
    # Each line of the certificate names a receipt that the sender holds.
    held = {
        hashlib.sha256((line.folder("G22", "receipts") / name).read_bytes()).hexdigest()
        for name in line.files("G22", "receipts")
    }
    assert all(s.evidence in held for s in said)
    found = board_of(line, "1/TN-G22")
    assert found["certificate"] in held
    assert found["totals"]["recipients"] == 94
    assert sum(len(line.attachments(code)) for code in OTHERS if code not in {*REFUSING, *recalled}) == 91 - len(
        recalled
    )
    (name,) = [n for n in line.files("G22", "receipts") if ".S.1." in n]
    data = (line.folder("G22", "receipts") / name).read_bytes()
    home = bootstrap.open_home(line.path)
    with bootstrap.reading_registry(home) as registry:
        assert parcel.verify(data, registry, line.clock.now).signer == "HUB"
    line.check_ledger()


def test_who_an_update_adds_is_certified_too_with_everybody_else(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1, to=("H29", "H41")))
    line.run()
    (first,) = [name for name in line.files("G22", "receipts") if ".S.1." in name]
    line.drop("G22", update(1, to=("H41",), changes_content=False, add=("G06",)), "b.edxml")
    line.run()
    line.drop("H41", status("03"))
    line.run()
    found = [r for name, r in line.receipts("G22").items() if ".S.1." in name and name != first]
    assert [[s.recipient for s in r.statements] for r in found] == [["G06", "H29", "H41"]]
    (name,) = [name for name in line.files("G22", "receipts") if ".S.1." in name and name != first]
    newest = hashlib.sha256((line.folder("G22", "receipts") / name).read_bytes()).hexdigest()
    assert board_of(line, "1/TN-G22")["certificate"] == newest


def answered_in_one_batch(line: Line) -> None:
    """A document and its update, to two that answer all at once."""
    line.drop("G22", document(1, to=("H41", "G06")))
    line.without("H41", "G06")
    line.drop("G22", update(1, to=("H41", "G06")), "b.edxml")
    line.without("H41", "G06")
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER", "G06": "HANDED_OVER"}


def certificates_in_record(line: Line) -> set[str]:
    with bootstrap.reading(bootstrap.open_home(line.path)) as record, record.reading() as reader:
        about = trace.the_one(reader, "1/TN-G22")
        return {row["receipt_digest"] for row in search.receipts(reader, [about["axis_id"]]) if row["event"] == "S.1"}


def test_a_document_has_one_certificate_however_its_receipts_come(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home", codes=("G22", "H41", "G06"))
    answered_in_one_batch(line)
    assert len(certificates_in_record(line)) == 1


def test_a_certificate_names_the_receipt_of_what_was_withdrawn_at_the_hub(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home", codes=("G22", "H41", "G06"))
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.suspend(registrar, "H41", "thử", line.clock())
    line.drop("G22", document(1, to=("H41", "G06")))
    line.run()
    line.drop("G22", recall(1), "b.edxml")
    line.run()
    assert line.states("1/TN-G22") == {"H41": "RECALLED", "G06": "HANDED_OVER"}
    assert all(said.evidence for said in certificates(line))


def test_no_receipt_overwrites_another_in_the_agencys_folder(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home", codes=("G22", "H41", "G06"))
    answered_in_one_batch(line)
    folder = line.folder("G22", "receipts")
    held = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in line.files("G22", "receipts")}
    assert certificates_in_record(line) == {digest for name, digest in held.items() if ".S.1." in name}
    for name, digest in held.items():
        axis_id, event, number, *_ = name.split(".")
        assert len(axis_id) == 36
        # What is given once has the plain name; a name of anything else says what is in it.
        assert name == f"{axis_id}.A.1.asice" or name.endswith(f".{digest[:8]}.asice"), name
        assert f"{event}.{number}" in {"A.1", "D.1", "E.1", "S.1"}


def test_a_document_to_one_has_no_certificate_and_its_board_one_line(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))
    line.run()
    assert certificates(line) == []
    assert board_of(line, "1/TN-G22")["totals"] == {"recipients": 1, "handed_over": 1, "overdue": 0}


def test_the_command_shows_names_and_totals_in_both_languages(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1, to=("H41", "G06")))
    line.run()
    runner = CliRunner()
    shown = runner.invoke(cli.main, ["board", "1/TN-G22", "--home", str(line.path)])
    assert shown.exit_code == 0, shown.output
    assert "Nghệ An" in shown.output
    assert "H41" in shown.output
    assert "+07:00" in shown.output
    told = runner.invoke(cli.main, ["board", "1/TN-G22", "--json", "--home", str(line.path)])
    assert '"handed_over": 2' in told.output
    missing = runner.invoke(cli.main, ["board", "9/X", "--home", str(line.path)])
    assert missing.exit_code == 3


def test_a_group_is_everybody_in_it_but_the_sender(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home", codes=ALL)
    packet = tmp_path / "a.edxml"
    packet.write_bytes(document(1))
    runner = CliRunner()
    for group, count in (("@provinces", 63), ("@ministries", 21), ("@all", 94)):
        command = ["send", str(packet), "--from", "G22", "--to", group, "--dry-run", "--json", "--home", str(line.path)]
        done = runner.invoke(cli.main, command)
        assert done.exit_code == 0, done.output
        assert len(json.loads(done.stdout)["to"]) == count, group
    bad = runner.invoke(cli.main, ["send", str(packet), "--from", "G22", "--to", "@nobody", "--home", str(line.path)])
    assert bad.exit_code == 3
    assert "@nobody" in bad.output


def test_what_a_clerk_was_asked_and_has_not_answered_stands_on_the_board(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1, to=("H41", "G06")))
    line.run()
    line.drop("G22", recall(1, to=("H41",)), "r.edxml")
    line.run()

    def asked() -> dict[str, list[str]]:
        return {one["recipient"]: one["asked"] for one in board_of(line, "1/TN-G22")["recipients"]}

    assert asked() == {"H41": ["recall"], "G06": []}
    shown = CliRunner().invoke(cli.main, ["board", "1/TN-G22", "--home", str(line.path)]).output
    assert "has it; recall unanswered" in shown or "đã nhận; chờ trả lời thu hồi" in shown
    line.drop("H41", status("15", 1), "s.edxml")
    line.run()
    assert asked() == {"H41": [], "G06": []}
