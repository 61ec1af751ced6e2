"""Nobody is left alone with an error: each of the catalogue ends with something that can be done."""

from __future__ import annotations

import re

import click
import pytest

from axis import cli
from axis.errors import Fault, Problem
from axis.remedies import _BY_FAULT, _TABLE, SAID, remedy

_COMMAND = re.compile(r"\baxis((?: [a-z-]+)+)((?: (?:\"?(?!\d)[^\W_a-z]+(?:-[^\W_a-z]+)*\"?|--[a-z-]+)(?![\w]))*)")

_PROSE = {"id", "home", "has"}  # "the axis has …"


def commands_in(text: str) -> list[tuple[click.Command, str]]:
    """The commands that a text names, each with what follows of its command line. Fails where there is none such."""
    found = []
    for words, rest in _COMMAND.findall(text):
        if words.split()[0] in _PROSE:
            continue
        command: click.Command = cli.main
        for word in words.split():
            if not isinstance(command, click.Group):
                break  # "axis upgrade if …": the rest is prose
            inner = command.get_command(click.Context(command), word)
            assert inner is not None, f"there is no command axis{words}: {text}"
            command = inner
        assert not isinstance(command, click.Group), f"axis{words} is a group: {text}"
        found.append((command, rest))
    return found


def shape(rest: str) -> list[str]:
    """What stands behind a command, whatever the reader's language calls what is to be put in."""
    return [word if word.startswith("--") else "…" for word in rest.split()]


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.code)
def test_every_fault_has_a_way_on_in_both_languages_by_commands_that_exist(fault: Fault) -> None:
    assert fault in _BY_FAULT, "what can be done about it? (axis/remedies.py)"
    vi, en = remedy(fault, "vi"), remedy(fault, "en")
    assert vi != en
    assert vi.endswith(".")
    assert en.endswith(".")
    assert "{" not in vi + en, "a remedy has no facts: it stands in documents"
    told = [[(command.name, shape(rest)) for command, rest in commands_in(text)] for text in (vi, en)]
    assert told[0] == told[1]
    for command, rest in commands_in(en):
        options = {name for parameter in command.params for name in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= options
    commands_in(fault.value[1])
    commands_in(fault.value[2])


def test_no_fault_stands_twice_and_what_says_it_itself_is_not_said_again() -> None:
    assert sum(map(len, _TABLE)) == len(_BY_FAULT) == len(Fault)
    for fault in SAID:
        assert re.search(r"axis |pip |chmod|[Hh]ãy|[Tt]ắt|[Gg]iải phóng|[Dd]ừng|rabbitmq", fault.value[1]), fault


def test_a_choice_that_is_not_clear_names_the_way_to_make_it_so() -> None:
    said = Problem(Fault.AMBIGUOUS, got="92", expected="A, B").as_json("vi")
    assert "axis trace" in said["todo"]
    assert "--from" in said["todo_vi"]
