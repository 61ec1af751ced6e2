"""The whole command line in Vietnamese: no word of click's is left in English; its errors are JSON where JSON is asked."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from axis import cli
from axis.commands import click_words

_BEFORE = ("--json", "adapter", "list")
ROOT = Path(__file__).parent.parent.parent
# Runs every command wrongly in every way, and its help; prints what was said, by command line.
_EVERY = """
import json, click
from click.testing import CliRunner
from axis import cli

def walk(group, path=()):
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        yield path + (name,), command
        if isinstance(command, click.Group):
            yield from walk(command, path + (name,))

said = {}
def run(*line):
    said[" ".join(line)] = CliRunner().invoke(cli.main, line, prog_name="axis").output

for line in ((), ("--help",), ("--no-such",), ("tracee",), ("--version",)):
    run(*line)
for path, command in walk(cli.main):
    run(*path, "--help")
    run(*path, "--no-such-option")
    run(*path, "--hom")
    if isinstance(command, click.Group):
        run(*path)
        run(*path, "no-such")
        continue
    needed = [p for p in command.params if p.required]
    if needed:
        run(*path)
    given = [w for p in needed for w in ([p.opts[-1], "x"] if isinstance(p, click.Option) else ["x"])]
    if not any(p.nargs == -1 for p in command.params):
        run(*path, *given, "x", "y", "z")
    for p in command.params:
        if isinstance(p, click.Option) and isinstance(p.type, (click.Choice, click.IntRange, click.DateTime)):
            run(*path, *given, p.opts[-1], "wrong/wrong")
            run(*path, p.opts[-1])
print(json.dumps(said))
"""


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "AXIS_LANG": "vi", "AXIS_HOME": "/nowhere/at-all", **environment}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=ROOT, check=False, timeout=500)


def clicks_own_texts() -> set[str]:
    """Every text that the installed click would look up, of the modules that a command can meet."""
    found = set()
    for module in click_words._MODULES:
        tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in {"_", "ngettext"}:
                found |= {
                    one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)
                }
    return found


# Said to whoever writes a program with click, and of colours and deprecations that no command here has.
_FOR_PROGRAMMERS = re.compile(
    r"DeprecationWarning|Could not determine name|No options defined|exactly one parameter|defined twice|cannot use the "
    r"same flag|Unknown color|Invalid start character|DEPRECATED"
)


def test_every_text_of_the_installed_click_is_translated() -> None:
    assert {one for one in clicks_own_texts() if not _FOR_PROGRAMMERS.search(one)} - click_words.WORDS.keys() == set()


def test_a_translation_has_the_facts_of_its_text() -> None:
    for english, vietnamese in click_words.WORDS.items():
        facts = [set(re.findall(r"\{(\w+)(?:!r)?\}|%\((\w+)\)s", one)) for one in (english, vietnamese)]
        if not re.search("is a file|is a directory|match the format", english):  # the sentence says it itself
            assert facts[0] == facts[1], english


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """What was said, by command line."""
    done = process("-c", _EVERY, COLUMNS="80")
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    assert len(found) > 200
    return found


def test_no_command_says_a_word_of_clicks_in_english(said: dict[str, str]) -> None:
    english = re.compile(
        r"\b(Usage|Options?|Commands?|Show this|Error|Try|for help|Missing|Invalid|Got unexpected|No such|Did you mean|"
        r"required|default|OPTIONS|ARGS|COMMAND|TEXT|INTEGER|DIRECTORY|FILE|PATH|RANGE|DATETIME|FLOAT|does not|is not|"
        r"Aborted|version|takes|values?|choose)\b(?! ?[=:]? ?[\"'])"
    )
    left = {}
    for line, text in said.items():
        ours = re.split(r"\n\s*Ví dụ:\n", text)[0]
        rows = [row for row in ours.splitlines() if english.search(row) and not _is_ours(row)]
        if rows:
            left[line] = rows
    assert left == {}
    assert "Cách dùng: axis trace [TÙY CHỌN] VĂN_BẢN" in said["trace --help"]
    assert "Không có lệnh 'tracee'. Có phải một trong: 'replace', 'trace'?" in said["tracee"]


def _is_ours(row: str) -> bool:
    """A name of an option or of a value, which is the same in every language."""
    return bool(
        re.search(r"--(choose|default|version|required|user-id)|^ +required\]$|axis-exchange|axis, phiên bản", row)
    )


def test_json_may_stand_anywhere_and_wrong_usage_is_json_too() -> None:
    wrong = [
        ("--json", "trace"),
        ("trace", "--json"),
        ("trace", "--json", "x", "y"),
        ("--json", "no-such"),
        ("queue", "--json", "no-such"),
        ("queue", "retry", "--json", "--reason", "x"),
        ("trace", "x", "--no-such", "--json"),
        ("--no-such", "--json"),
    ]
    for line in wrong:
        done = CliRunner().invoke(cli.main, line)
        assert done.exit_code == 2, line
        (value,) = json.loads(done.stdout)["error"]
        assert (value["code"], value["actor"], done.stderr) == ("USAGE", "operator", ""), line
        assert value["todo_vi"], line
    done = CliRunner().invoke(cli.main, ["trace"])
    assert (done.exit_code, done.stdout) == (2, "")
    known = [CliRunner().invoke(cli.main, one).stdout for one in (("adapter", "list", "--json"), _BEFORE)]
    assert known[0] == known[1]
    assert json.loads(known[0].splitlines()[0])["kind"]


def test_a_text_after_two_dashes_is_a_text() -> None:
    done = CliRunner().invoke(cli.main, ["trace", "--home", "/nowhere/at-all", "--", "--json"])
    assert done.exit_code == 5, "looked for, in a home that is not there"
    assert done.stdout == ""


def test_help_fits_into_eighty_columns(said: dict[str, str]) -> None:
    shown = [row for line, text in said.items() if line.endswith("--help") for row in text.splitlines()]
    assert [row for row in shown if len(row) > 80 and not row.strip().startswith(("axis ", "AXIS_"))] == []


def tables(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool, **environment: str) -> str:
    """A wide table as it is printed."""
    from axis.commands import console

    said: list[Any] = []
    monkeypatch.setattr(click, "echo", lambda text="", **_: said.append(text))
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    console.table(["a", "b"], [["x" * 150, "y" * 150]])
    return "\n".join(said)


def test_nothing_is_folded_off_a_terminal_and_no_colour_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        assert "x" * 150 + "  " + "y" * 150 in tables(patch, is_terminal=False)
    with monkeypatch.context() as patch:
        folded = tables(patch, is_terminal=True, COLUMNS="80", NO_COLOR="1")
        assert "\x1b" not in folded
        assert max(map(len, folded.splitlines())) <= 80
    with monkeypatch.context() as patch:
        patch.delenv("NO_COLOR", raising=False)
        assert "\x1b[1m" in tables(patch, is_terminal=True, COLUMNS="80")
