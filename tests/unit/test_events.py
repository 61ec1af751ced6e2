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


def _details(tree: ast.AST) -> Iterator[str]:
    """The names in a detail: of a dictionary that stands as the sixth argument of an `Entry`, or that is called one."""
    for node in ast.walk(tree):
        found: ast.expr | None = None
        if isinstance(node, ast.Call) and len(node.args) > 5 and ast.unparse(node.func).rpartition(".")[2] == "Entry":
            found = node.args[5]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            found = node.value if isinstance(target, ast.Name) and target.id in {"detail", "owner", "facts"} else None
        for one in ast.walk(found) if found is not None else ():
            if isinstance(one, ast.Dict):
                yield from (str(key.value) for key in one.keys if isinstance(key, ast.Constant))


def test_what_is_said_with_an_event_of_a_document_has_a_name_in_both_languages() -> None:
    """A trace shows it to a clerk."""
    files = [path for folder in ("core/hub", "services/hub") for path in (ROOT / "axis" / folder).rglob("*.py")]
    found = {name for path in files for name in _details(ast.parse(path.read_text("utf-8")))}
    assert {"recipients", "said_at", "again"} <= found
    assert {name for name in found if f"field.{name}" not in TEXTS} == set()


def test_what_an_operator_does_to_what_lies_in_quarantine_has_words() -> None:
    assert {f"quarantine.{what}" for what in ("retry", "release", "return", "drop")} <= NAMED
