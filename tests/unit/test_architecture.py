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
    "axis.home": 7,
    "axis.services": 6,
    "axis.infra": 5,
    "adapters": 5,
    "axis.config": 4,
    "axis.core": 3,
    "schemas": 2,
    "axis.texts": 1,
    "axis.errors": 0,
    "axis.counting": 0,
    "axis.crashpoints": 0,
}
RULES = [p for p in SOURCES if p.parent == ROOT / "axis" / "core" / "hub"]
RECORD = ROOT / "axis" / "infra" / "record"


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _layer(module: str) -> int | None:
    """The layer of a module of ours; None for anybody else's, and for one that has none."""
    if module == "axis" or re.fullmatch(r"axis\.__\w+__", module):  # its name and version
        return 0
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
    assert len(RULES) > 10


@pytest.mark.parametrize("path", SOURCES, ids=_module)
def test_every_module_has_a_layer(path: Path) -> None:
    """Because one that is in no layer might import anything, and be imported by anything."""
    assert _layer(_module(path)) is not None
    for name in _imports(path):
        if name.split(".")[0] in {"axis", "adapters", "schemas", "cli"}:
            assert _layer(name) is not None, f"{_module(path)} imports {name}"


def test_a_module_that_nobody_gave_a_layer_is_noticed() -> None:
    assert [_layer(name) for name in ("axis.newcomer", "axis.newcomer.part", "axiscope", "axis")] == [
        None,
        None,
        None,
        0,
    ]


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


@pytest.mark.parametrize("path", RULES, ids=_module)
def test_the_rules_of_the_hub_are_values_in_and_values_out(path: Path) -> None:
    """Because a rule that is given a transaction asks and writes row by row, and sees no more what it has decided."""
    allowed = {"__future__", "axis", "collections", "contextlib", "dataclasses", "datetime", "enum", "functools"}
    allowed |= {"hashlib", "itertools", "operator", "typing"}
    imports = _imports(path)
    assert {name.split(".")[0] for name in imports} <= allowed
    ours = [name for name in imports if name.startswith("axis.")]
    assert [name for name in ours if not name.startswith(("axis.core.", "axis.errors."))] == []
    keys = [name for name in ours if re.search(r"\.(Signer|Broker|Delivered)$", name)]
    assert keys == (["axis.core.signature.Signer"] if path.stem == "seal" else []), "only what seals has a key"
    effects = {"HubTransaction", "HubReader", "HubStore", "Hub", "Row", "RowMapping", "Connection", "Database", "Path"}
    for function in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(function, ast.FunctionDef):
            given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            for one in given:
                named = set(re.findall(r"\w+", ast.unparse(one.annotation))) if one.annotation is not None else set()
                assert named or one.arg in {"self", "cls"}, f"{function.name}: {one.arg}"
                assert not named & effects, f"{function.name} takes {one.arg}: {named}"


def test_only_the_record_writes_its_tables() -> None:
    """Because a state that is changed in two ways is changed without its ledger entry in one of them. What migrates
    a table, and measurements, which make records that were never lived, stand apart."""
    names = re.findall(r'sa\.Table\(\s+"(\w+)"', (RECORD / "tables.py").read_text("utf-8"))
    assert {"delivery", "ledger", "outbox"} <= set(names)
    written = re.compile(rf"(?:INSERT INTO|UPDATE|DELETE FROM|COPY) (?:{'|'.join(names)})\b")
    for path in SOURCES:
        if RECORD in path.parents or {"migrations", "trials"} & set(path.parts):
            continue
        tables = {name.rpartition(".")[2] for name in _imports(path) if name.startswith("axis.infra.record.tables.")}
        used = (
            re.findall(r"\btables\.(\w+)", path.read_text("utf-8"))
            if "axis.infra.record.tables" in _imports(path)
            else []
        )
        assert {*tables, *used} <= {"TABLES", "BODY_REFERENCES", "PAYLOAD_REFERENCES"}, path
        assert not written.search(path.read_text("utf-8")), path


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
