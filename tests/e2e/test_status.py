"""axis status over the whole line: one screen, trouble first, both languages, an exit code; watched and asked alone."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from axis import cli
from axis.commands import status as command
from tests import pages
from tests.e2e.test_list import line, own, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.line import Line

__all__ = ["line", "own", "run"]
USAGE = namedtuple("USAGE", "total used free")(2**37, 2**36, 2**36)


@pytest.fixture(autouse=True)
def at_that_time(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axis.commands.status.now", lambda: line.clock.now + timedelta(minutes=1))
    monkeypatch.setattr("axis.services.questions.gather.shutil.disk_usage", lambda _path: USAGE)
    monkeypatch.setattr("axis.infra.record.health.sqlite3.sqlite_version", "3.40.1")


def ask(path: Path, *arguments: str) -> Any:
    return CliRunner().invoke(cli.main, ["status", *arguments, "--home", str(path)], catch_exceptions=False)


def speak(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("console", "status"):
        monkeypatch.setattr(f"axis.commands.{module}.LANG", language)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_one_screen_says_trouble_first_in_both_languages(
    line: Line, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak(language, monkeypatch)
    done = ask(line.path)
    pages.check("status", language, done.stdout)
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24
    assert lines[1].startswith("! ")
    assert done.exit_code == 0  # somebody has to look, nothing has to be done at once


def test_that_nothing_waits_is_not_said_below_what_waits_in_trouble(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak("en", monkeypatch)
    suspended = {"verdict": "warn", "cause": "suspended", "count": 2, "oldest": ""}
    (alone,), (below,) = (command._waiting(causes, line.clock.now) for causes in ([], [suspended]))
    assert alone.endswith("  nothing")
    assert below.endswith("beside what stands above: nothing")


def test_what_is_broken_ends_with_five_and_stands_first(line: Line, tmp_path: Path, monkeypatch: Any) -> None:
    speak("en", monkeypatch)
    shutil.copytree(line.path, tmp_path / "home")
    (tmp_path / "home" / "axis.db").write_bytes(b"no database" * 1000)
    done = ask(tmp_path / "home")
    assert done.exit_code == 5
    assert done.stdout.splitlines()[1].startswith("? ")
    monkeypatch.setattr("axis.services.questions.gather.shutil.disk_usage", lambda _path: USAGE._replace(free=2**20))
    done = ask(line.path)
    assert done.exit_code == 5
    assert "Room on the disk" in done.stdout.splitlines()[1]


def test_json_has_everything_that_is_shown_and_more(line: Line) -> None:
    (value,) = [json.loads(one) for one in ask(line.path, "--json").stdout.splitlines()]
    assert value["verdict"] == "warn"
    causes = {(row["agency"], row["cause"]): row["count"] for row in value["causes"]}
    assert causes[("H41", "suspended")] == 1
    assert causes[("G18", "queued")] == 1
    (g22,) = [one for one in value["agencies"] if one["code"] == "G22"]
    assert g22["last_sent"] > g22["last_taken"] > ""
    assert {one["check"] for one in value["findings"]} >= {"disk", "database", "ledger_end", "agency_certificates"}
    assert value["today"]["documents"] == 3


def test_each_agency_has_a_line_when_it_is_asked_for(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    speak("en", monkeypatch)
    shown = ask(line.path, "--agencies").stdout
    rows = [row.split() for row in shown.splitlines()]
    assert {row[0] for row in rows if row} >= {"G22", "H41", "G06", "H29", "G18"}


def watched(monkeypatch: pytest.MonkeyPatch, looks: int) -> None:
    """The command is asked to stop after so many looks; nobody waits."""
    seen: list[int] = []
    look = command.look

    def counted(*arguments: Any) -> dict[str, Any]:
        seen.append(1)
        return look(*arguments)

    class Asked:
        def __enter__(self) -> Callable[[], bool]:
            return lambda: len(seen) >= looks

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(command, "look", counted)
    monkeypatch.setattr(command, "stoppable", Asked)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


def test_watched_in_a_pipe_it_is_quiet_until_something_changes(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    watched(monkeypatch, 3)
    shown = ask(line.path, "--watch", "--json").stdout
    assert len(shown.splitlines()) == 1
    assert "\x1b" not in shown


def test_watched_on_a_terminal_it_draws_the_screen_anew(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    watched(monkeypatch, 2)
    monkeypatch.setattr("axis.commands.console.room", lambda: 80)
    shown = ask(line.path, "--watch").stdout
    assert shown.count("+07:00 ·") == 2


@pytest.mark.parametrize("language", ["vi", "en"])
def test_an_agencys_own_home_shows_its_own(own: Line, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    speak(language, monkeypatch)
    done = ask(own.path)
    pages.check("status_own", language, done.stdout)
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_example_of_the_help_is_a_command(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    example = (command.status.epilog or "").splitlines()[-1].strip()
    assert example == "axis status --watch"
    watched(monkeypatch, 1)
    assert ask(line.path, *example.split()[2:]).exit_code == 0
