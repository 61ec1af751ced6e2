"""Who did what, when and why: what administrators do is noted, and tries that were refused; every command says whether
it only reads."""

from __future__ import annotations

import errno
import json
import os
import pwd
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner, Result

from axis import cli
from axis.commands.options import Changing, Reading
from axis.home import lock, open_home, reading
from axis.infra import acts
from axis.infra.record import ledger
from axis.texts import text
from tests.e2e.test_cli import all_commands
from tests.line import Line, small_home

if TYPE_CHECKING:
    from pathlib import Path

CHANGING = {
    "adapter restored",
    "adapter run",
    "adapter system",
    "adapter systems withdraw",
    "adapter token",
    "adapter tokens withdraw",
    "agency add",
    "agency admit",
    "agency alias",
    "agency apply",
    "agency close",
    "agency enrol",
    "agency export",
    "agency follow",
    "agency request",
    "agency resume",
    "agency revoke",
    "agency rotate",
    "agency suspend",
    "answer",
    "backup",
    "ballot close",
    "ballot open",
    "ballot remind",
    "ballot result",
    "ballot unseal",
    "ballot vote",
    "broker reissue",
    "broker setup",
    "demo",
    "hub",
    "init",
    "key next",
    "key recovery",
    "key revoke",
    "key succeed",
    "mark",
    "member add",
    "member revoke",
    "member seal",
    "officer add",
    "officer carry-out",
    "officer key",
    "officer remove",
    "officer sign",
    "ping",
    "queue drop",
    "queue release",
    "queue retry",
    "queue return",
    "recall",
    "reconcile",
    "registrar key",
    "registrar set",
    "registrar vouch",
    "replace",
    "resend",
    "restore",
    "retention",
    "retention hold",
    "retention release",
    "run",
    "sandbox",
    "send",
    "type add",
    "type retire",
    "update",
    "upgrade",
    "write",
    "witness policy",
    "witness settle",
}
ME = pwd.getpwuid(os.geteuid()).pw_name


def found(path: tuple[str, ...]) -> click.Command:
    command: click.Command = cli.main
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    return command


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    monkeypatch.delenv("SUDO_USER", raising=False)
    return small_home(tmp_path / "home")


def run(line: Line, *words: str) -> Result:
    return CliRunner().invoke(cli.main, [*words, "--home", str(line.path)])


def acts_of(line: Line, *words: str) -> list[dict[str, Any]]:
    done = run(line, "audit", "list", "--json", *words)
    assert done.exit_code == 0, done.output
    return [json.loads(one) for one in done.stdout.splitlines()]


# -- The mark -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", all_commands(), ids=" ".join)
def test_every_command_says_whether_it_only_reads_and_what_changes_asks_why(path: tuple[str, ...]) -> None:
    command = found(path)
    changes = " ".join(path) in CHANGING
    if isinstance(command, click.Group) and not command.invoke_without_command:
        assert not changes
        return
    said, other = ("mark.changes", "mark.reads") if changes else ("mark.reads", "mark.changes")
    assert command.help is not None
    assert any(text(said, language) in command.help for language in ("vi", "en"))
    assert not any(text(other, language) in command.help for language in ("vi", "en"))
    options = {name for parameter in command.params for name in parameter.opts}
    assert ("--reason" in options) is changes
    if not isinstance(command, click.Group):
        assert isinstance(command, Changing if changes else Reading)


# -- What is noted ------------------------------------------------------------------------------------------------


def test_who_has_suspended_an_agency_when_and_why_is_known_and_stands_in_the_ledger(line: Line) -> None:
    before = datetime.now(UTC)
    assert run(line, "agency", "suspend", "H41", "--reason", "lộ khóa").exit_code == 0
    (act,) = acts_of(line)
    assert (act["user"], act["login"], act["kind"], act["agencies"]) == (ME, act["login"], "agency suspend", ["H41"])
    assert (act["reason"], act["outcome"], act["code"]) == ("lộ khóa", "done", "")
    assert before.isoformat()[:16] <= act["at"][:16] <= act["ended_at"][:16]
    assert act["ledger"] == {"registry.issued": 1}
    with reading(open_home(line.path)) as record, record.reading() as reader:
        _, _, entry = ledger.newest_first(reader, 0, 1)[0]
    assert entry.event == "registry.issued"
    assert (entry.detail["reason"], entry.detail["act"]) == ("lộ khóa", act["id"])
    assert entry.detail["by"] == act["login"] or ME


def test_a_command_that_never_asked_why_says_it_in_the_ledger_too(line: Line) -> None:
    done = run(line, "agency", "add", "G38", "--name", "Ủy ban sông Mê Công Việt Nam", "--reason", "QĐ 12")
    assert done.exit_code == 0, done.output
    (act,) = acts_of(line, "--ledger", "--agency", "G38")
    assert (act["kind"], act["reason"]) == ("registry.issued add", "QĐ 12")


def test_tries_that_were_refused_are_noted_with_why(line: Line) -> None:
    assert run(line, "agency", "suspend", "Y99", "--reason", "thử").exit_code == 3
    with lock(open_home(line.path)):
        assert run(line, "agency", "resume", "H41").exit_code == 4
    failed, refused = acts_of(line, "--refused")
    assert (refused["kind"], refused["outcome"], refused["code"]) == ("agency suspend", "refused", "AGENCY_UNKNOWN")
    assert (failed["kind"], failed["outcome"], failed["code"]) == ("agency resume", "failed", "HOME_LOCKED")
    assert failed["ledger"] == refused["ledger"] == {}


def test_what_was_broken_off_stands_as_not_ended(line: Line) -> None:
    acts.begin(line.path, {"at": "2026-11-26T03:00:00.000Z", "user": "an", "login": "", "kind": "run", "agencies": []})
    (act,) = acts_of(line, "--refused")
    assert "outcome" not in act
    assert (
        text("audit.open", "en")
        in CliRunner(env={"AXIS_LANG": "en"}).invoke(cli.main, ["audit", "list", "--home", str(line.path)]).output
        or text("audit.open", "vi") in run(line, "audit", "list").output
    )


def test_questions_leave_no_trace_and_neither_does_asking_what_would_be_done(line: Line) -> None:
    for words in (["agency", "list"], ["audit", "list"], ["retention", "--dry-run"], ["upgrade", "--check"]):
        assert run(line, *words).exit_code == 0, words
    assert not (line.path / acts.FOLDER).exists()
    assert run(line, "retention", "--reason", "dọn").exit_code == 0
    (act,) = acts_of(line)
    assert (act["kind"], act["reason"]) == ("retention", "dọn")


def test_secrets_are_not_in_it_and_nobody_else_may_read_it(line: Line) -> None:
    made = run(line, "adapter", "token", "H41", "--json")
    token = json.loads(made.stdout)["token"]
    file = next((line.path / acts.FOLDER).glob("*.jsonl"))
    assert token not in file.read_text("utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_who_may_not_note_it_may_not_do_it(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(line.path / acts.FOLDER))

    monkeypatch.setattr(acts.os, "open", denied)
    assert run(line, "agency", "suspend", "H41").exit_code == 5
    monkeypatch.undo()
    assert json.loads(run(line, "agency", "show", "H41", "--json").stdout)["standing"] == "active"


def test_on_a_full_disk_what_mends_it_is_possible(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(acts, "_append", full)
    assert run(line, "agency", "suspend", "H41").exit_code == 0


def test_a_home_that_is_made_knows_who_has_made_it(tmp_path: Path) -> None:
    home = tmp_path / "new"
    made = CliRunner().invoke(cli.main, ["init", "--home", str(home), "--reason", "trung tâm mới"])
    assert made.exit_code == 0, made.output
    (act,) = acts_of(Line(home))
    assert (act["kind"], act["reason"], act["outcome"]) == ("init", "trung tâm mới", "done")


def test_who_has_logged_in_is_told_where_another_user_does_the_work(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "an.nguyen")
    if acts.who()["login"] != "an.nguyen":
        pytest.skip("the kernel itself tells who has logged in here")
    run(line, "agency", "suspend", "H41")
    (act,) = acts_of(line, "--by", "an.nguyen")
    assert (act["user"], act["login"]) == (ME, "an.nguyen")
    assert acts_of(line, "--by", ME) == [act]
    assert acts_of(line, "--by", "binh") == []
    assert f"an.nguyen ({ME})" in run(line, "audit", "list").output


def test_the_ledger_tells_what_has_changed_the_record_and_links_it_to_the_act(line: Line) -> None:
    for code in ("H41", "G06"):
        assert run(line, "agency", "suspend", code, "--reason", f"vì {code}").exit_code == 0
    rows = acts_of(line, "--ledger")
    assert [(one["kind"], one["agencies"]) for one in rows] == [
        ("registry.issued suspend", ["G06"]),
        ("registry.issued suspend", ["H41"]),
        ("registry.issued", []),  # when the home was made, by nobody that was noted
    ]
    noted = {one["id"]: one for one in acts_of(line)}
    assert (
        [noted[one["act"]]["reason"] for one in rows[:2]] == [one["reason"] for one in rows[:2]] == ["vì G06", "vì H41"]
    )
    (first,) = acts_of(line, "--ledger", "--limit", "1")
    assert acts_of(line, "--ledger", "--before", first["id"]) == rows[1:]
    assert acts_of(line, "--ledger", "--agency", "H41", "--kind", "registry.issued suspend") == rows[1:2]
    assert run(line, "audit", "list", "--ledger", "--before", "2026-11.7").exit_code == 3


# -- Asking -------------------------------------------------------------------------------------------------------


def planted(line: Line, count: int) -> None:
    for number in range(count):
        month, day = 10 + number % 2, 1 + number % 28
        at = f"2026-{month:02}-{day:02}T03:00:00.000Z"
        kind = ("agency suspend", "agency resume", "queue drop")[number % 3]
        row = {"at": at, "user": f"u{number % 2}", "login": "", "kind": kind, "agencies": [f"H{number % 5:02}"]}
        acts.end(line.path, acts.begin(line.path, row | {"given": {}, "reason": str(number)}), {"outcome": "done"})


def test_acts_are_found_by_agency_command_user_and_time(line: Line) -> None:
    planted(line, 60)
    assert len(acts_of(line)) == 50
    everything = acts_of(line, "--limit", "1000")
    assert len(everything) == 60
    for words, wanted in (
        (["--agency", "H03"], lambda one: one["agencies"] == ["H03"]),
        (["--kind", "agency"], lambda one: one["kind"].startswith("agency")),
        (["--kind", "axis agency resume"], lambda one: one["kind"] == "agency resume"),
        (["--by", "u1"], lambda one: one["user"] == "u1"),
        (["--since", "2026-11-10"], lambda one: one["at"] >= "2026-11-09T17:00"),
        (["--until", "2026-11-01"], lambda one: one["at"] < "2026-10-31T17:00"),
        (["--since", "2026-10-05", "--until", "2026-10-07"], lambda one: "2026-10-04T17" < one["at"] < "2026-10-06T17"),
    ):
        here = acts_of(line, "--limit", "1000", *words)
        assert here == [one for one in everything if wanted(one)], words
        assert here, words


def test_pages_go_on_where_the_last_one_ended_and_have_each_act_once(line: Line) -> None:
    planted(line, 60)
    everything, before, pages = acts_of(line, "--limit", "1000"), "", []
    while True:
        page = acts_of(line, "--limit", "7", *(["--before", before] if before else []))
        if not page:
            break
        pages += page
        before = page[-1]["id"]
    assert pages == everything
    assert len({one["id"] for one in pages}) == 60
    for bad in ("x", "2026-11", "2026-11.x", "../../etc/passwd.1"):
        assert run(line, "audit", "list", "--before", bad).exit_code == 3


def test_a_line_that_a_death_has_cut_short_costs_nothing_but_itself(line: Line) -> None:
    planted(line, 2)
    file = line.path / acts.FOLDER / "2026-11.jsonl"
    with file.open("ab") as handle:
        handle.write(b'{"at": "2026-11-')
    planted(line, 2)
    assert len(acts_of(line)) == 4


def test_a_long_file_is_read_from_its_end_and_no_further_than_asked(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts, "BLOCK", 97)  # every line lies across a border
    planted(line, 40)
    assert len(acts_of(line, "--limit", "1000")) == 40
    looked = []
    monkeypatch.setattr(acts, "_read", lambda row, read=acts._read: (looked.append(1), read(row))[1])
    acts_of(line, "--limit", "3")
    assert len(looked) <= 8
    monkeypatch.setattr(acts, "MAX_LOOKED", 10)
    assert len(acts_of(line, "--agency", "H04", "--limit", "1000")) <= 5


def test_what_somebody_wrote_as_a_reason_is_shown_and_not_obeyed(line: Line) -> None:
    run(line, "agency", "suspend", "H41", "--reason", "x\x1b[2J\nH99 forged")
    said = run(line, "audit", "list").output
    assert "\x1b" not in said
    assert "\\x1b[2J\\nH99 forged" in said
