"""What the documentation says of the code is true."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from axis.infra.record import tables
from axis.services import run
from tests import house, make_docs

DOCS = house.ROOT / "docs"
PAGE = (DOCS / "architecture.md").read_text("utf-8")
DECISIONS = sorted(path for path in (DOCS / "decisions").rglob("*.md") if path.name != "README.md")
WALK = re.findall(r"^\| ([^|]+\?) \| `([^`]+)` \| `(\w+)` \|$", PAGE, re.MULTILINE)


def test_what_is_taken_from_the_code_is_what_the_code_says() -> None:
    made = make_docs.texts()
    assert [path.name for path in made] == ["settings.md", "architecture.md", "metrics.md"]
    assert [path.name for path, text in made.items() if path.read_text("utf-8") != text] == [], "make docs"


def test_every_key_and_limit_is_listed_with_its_value() -> None:
    text = (DOCS / "settings.md").read_text("utf-8")
    for line in (
        "| `consignment_after` | number | `5.0` |",
        '| `kind` | `embedded`, `amqp` | `"embedded"` |',
        "| `MAX_DEPTH` | 64 |",
        "| `CLOCK_SKEW` | 0:05:00 |",
    ):
        assert line in text, line
    assert text.count("\n### [") == 16


def test_every_table_of_the_record_has_a_file_that_writes_it() -> None:
    written = house.writers()
    assert {table.name for table in tables.TABLES} <= set(written)
    assert [name for name, files in written.items() if not files] == []
    assert written["statement"] == ["axis/infra/record/changes.py"]


def test_the_walk_for_a_newcomer_leads_somewhere() -> None:
    assert len(WALK) >= 10
    for question, file, function in WALK:
        tree = ast.parse((house.ROOT / file).read_text("utf-8"))
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert function in defined, question


def test_every_layer_is_named_on_the_page_and_counted_where_it_was_decided() -> None:
    layers = PAGE[PAGE.index("## Layers") : PAGE.index("## Which file")]
    modules = {name.rpartition(".")[2] for names in house.ORDER for name in names} - {"__main__"}
    assert [name for name in sorted(modules) if not re.search(rf"\b{name}\b", layers)] == []
    decided = (DOCS / "decisions" / "house" / "layers-and-rooms.md").read_text("utf-8")
    assert len(house.ORDER) == 13
    assert "one of thirteen layers" in decided


def test_each_library_is_one_that_is_needed_and_each_that_is_needed_has_its_reason() -> None:
    table = (DOCS / "decisions" / "house" / "libraries.md").read_text("utf-8")
    named = {
        one.partition(" ")[0] for row in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE) for one in row.split(", ")
    }
    project = tomllib.loads((house.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    checks = {_name(one) for extra in ("dev", "release") for one in extras.pop(extra)}
    needed = {_name(one) for one in [*project["dependencies"], *(one for extra in extras.values() for one in extra)]}
    assert needed - named == set()
    assert named - needed - checks == {"library"}


def _name(requirement: str) -> str:
    return re.split(r"[^\w-]", requirement)[0]


def test_how_much_is_gathered_is_what_the_decision_says() -> None:
    text = (DOCS / "decisions" / "transport" / "what-happens-wakes.md").read_text("utf-8")
    assert (run.AT_ONCE, f"{run.GATHER:g}") == (6, "0.4")
    assert "six rounds at once, then one in 0.4 s" in text


def test_architecture_is_one_page() -> None:
    assert len(PAGE.splitlines()) <= 120


@pytest.mark.parametrize("path", [DOCS / "architecture.md", *DECISIONS], ids=lambda path: str(path.relative_to(DOCS)))
def test_every_file_that_is_named_is_there(path: Path) -> None:
    for name in re.findall(r"`((?:\w+/)+\w+\.(?:py|md|csv))", path.read_text("utf-8")):
        assert any((place / name).exists() for place in (house.ROOT, house.ROOT / "axis", house.ROOT / "axis/infra")), (
            name
        )


def test_every_function_that_a_decision_names_with_its_file_is_there() -> None:
    defined: dict[str, set[str]] = {}
    for path in house.SOURCES:
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        names = {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        stem = path.parent.name if path.stem in {"__init__", "read"} else path.stem  # edxml shows what its reader has
        defined.setdefault(stem, set()).update(names)
    found = [name for path in DECISIONS for name in re.findall(r"`(\w+\.\w+)`", path.read_text("utf-8"))]
    named = [name.split(".") for name in found if name.split(".")[0] in defined and not name.endswith(".py")]
    assert len(named) >= 8
    missing = [f"{file}.{name}" for file, name in named if name not in defined[file]]
    every = "".join(path.read_text("utf-8") for path in house.SOURCES)
    assert [name for name in missing if f'"{name}"' not in every] == [], "neither a function nor an event of the ledger"


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: str(path.relative_to(DOCS)))
def test_a_decision_says_why_what_and_at_what_price(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.match(r"# .+\n\n20\d\d-\d\d-\d\d\n\n## Context\n\n\S", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "What it costs"]
    assert len(text.splitlines()) < 60
    assert f"({path.relative_to(DOCS / 'decisions')})" in (DOCS / "decisions" / "README.md").read_text("utf-8")
