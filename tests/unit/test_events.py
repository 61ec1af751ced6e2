"""Every event that the code enters in a ledger has words in both languages."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from axis.texts import TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
NAMED = {text.removeprefix("event.") for text in TEXTS if text.startswith("event.")}


def _said(tree: ast.AST) -> Iterator[ast.expr]:
    """What stands for an event: the third argument of an `Entry`, and what a name `event` is set to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and len(node.args) > 3 and ast.unparse(node.func).rpartition(".")[2] == "Entry":
            yield node.args[2]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "event":
            yield node.value


def _patterns(said: ast.expr) -> Iterator[str]:
    """Regular expressions of the events that it may be; of what comes from elsewhere none."""
    if isinstance(said, ast.IfExp):
        yield from _patterns(said.body)
        yield from _patterns(said.orelse)
    elif isinstance(said, ast.Constant) and isinstance(said.value, str):
        yield re.escape(said.value)
    elif isinstance(said, ast.JoinedStr):
        parts = (re.escape(str(one.value)) if isinstance(one, ast.Constant) else "[a-z_]+" for one in said.values)
        yield "".join(parts)


@pytest.fixture(scope="module")
def events() -> set[str]:
    """Patterns of all events of the program."""
    texts = [path.read_text("utf-8") for folder in ("axis", "adapters") for path in (ROOT / folder).rglob("*.py")]
    trees = [ast.parse(text) for text in texts if "Entry(" in text or "event = " in text]
    return {event for tree in trees for said in _said(tree) for event in _patterns(said) if "." in event}


def test_they_are_found(events: set[str]) -> None:
    assert len(events) > 40
    assert {r"delivery\.consigned", r"consignment\.told", r"refusal\.repeated", r"message\.put_aside"} <= events


def test_every_event_has_words_in_both_languages(events: set[str]) -> None:
    found = {event: [name for name in NAMED if re.fullmatch(event, name)] for event in events}
    assert {event for event, names in found.items() if not names} == set()
    said = {name: TEXTS[f"event.{name}"] for names in found.values() for name in names}
    assert {name: words for name, words in said.items() if not all(words) or words[0] == words[1]} == {}


def test_what_an_operator_does_to_what_lies_in_quarantine_has_words() -> None:
    assert {f"quarantine.{what}" for what in ("retry", "release", "return", "drop")} <= NAMED
