"""Rules of the house, each with its reason, checked on the source."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCES = [p for folder in ("axis", "adapters", "schemas") for p in (ROOT / folder).rglob("*.py")] + [ROOT / "cli.py"]
# cli → commands | trials → bootstrap → services → infra | adapters → config → core → errors
LAYERS = {
    "cli": 9,
    "axis.commands": 8,
    "axis.demonstration": 8,
    "axis.trials": 8,
    "axis.bootstrap": 7,
    "axis.services": 6,
    "axis.infra": 5,
    "adapters": 5,
    "axis.config": 4,
    "axis.core": 3,
    "schemas": 2,
    "axis.texts": 1,
    "axis.errors": 0,
    "axis": 0,
}


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _layer(module: str) -> int | None:
    for prefix in sorted(LAYERS, key=len, reverse=True):
        if module == prefix or module.startswith(prefix + "."):
            return LAYERS[prefix]
    return None


def _imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def test_there_are_sources() -> None:
    assert len(SOURCES) > 30


@pytest.mark.parametrize("path", SOURCES, ids=_module)
def test_imports_point_one_way(path: Path) -> None:
    """Because a core that knows its shell cannot be tested, reused or trusted without it."""
    own = _layer(_module(path))
    for name in _imports(path):
        other = _layer(name)
        if other is not None and own is not None:
            assert other <= own, f"{_module(path)} imports {name}"
        beside = {"adapters": "axis.infra", "axis.infra": "adapters"}
        for side, forbidden in beside.items():
            assert not (_module(path).startswith(side) and name.startswith(forbidden)), (
                f"{_module(path)} imports {name}"
            )


@pytest.mark.parametrize("path", [p for p in SOURCES if "core" in p.parts], ids=_module)
def test_the_core_has_no_clock_disk_or_network(path: Path) -> None:
    """Because what is decided must depend on what is given, and be the same tomorrow."""
    forbidden = {"os", "socket", "time", "pathlib", "subprocess", "random", "threading", "sqlalchemy", "pika"}
    assert not {name.split(".")[0] for name in _imports(path)} & forbidden
    assert not re.search(r"datetime\.now|\.today\(\)|(?<![.\w])open\(", path.read_text("utf-8"))


@pytest.mark.parametrize("path", SOURCES, ids=_module)
def test_there_is_one_xml_parser(path: Path) -> None:
    """Because every parser has options of its own to forget."""
    text = path.read_text("utf-8")
    if _module(path) not in {"axis.core.xml", "axis.trials.bench_floor"}:  # that one weighs bytes of its own
        assert not re.search(r"XMLParser|iterparse|etree\.parse\(|ElementTree|minidom|XMLPullParser", text)
    if _module(path) not in {"axis.core.xml", "schemas", "axis.core.edxml", "axis.core.edxml_check"}:
        assert "fromstring" not in text


def test_sql_stands_in_the_infra_layer_only() -> None:
    """Because a state changes with its ledger entry, and only the store's methods promise that. A spool is an agency's
    system's own file, not the axis' record. A measurement counts statements from outside, and makes a record that was
    never lived."""
    apart = {"axis.demonstration", "adapters.spool", "axis.trials.bench_counts", "axis.trials.bench_fill"}
    for path in SOURCES:
        if "infra" not in path.parts and _module(path) not in apart:
            assert "sqlalchemy" not in {name.split(".")[0] for name in _imports(path)}, path


def test_no_file_is_named_after_nothing() -> None:
    """Because a module named helpers says nothing of what it helps."""
    names = {path.stem for path in SOURCES}
    assert not names & {"utils", "helpers", "manager", "common", "misc", "base_service"}


def test_no_database_writes_what_is_stored_into_an_error() -> None:
    """Because an error goes into logs, and subjects and names of people are not for whoever reads those."""
    engines = [
        (path, node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "create_engine"
    ]
    assert len(engines) > 2
    for path, call in engines:
        assert "hide_parameters" in {keyword.arg for keyword in call.keywords}, path
