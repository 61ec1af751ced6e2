"""Rules of the house, each with its reason, checked on the source."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests import house
from tests.house import BESIDE_THE_PACKAGE, ROOT, SOURCES, imports, layer, module

RULES = [p for p in SOURCES if p.parent in {ROOT / "axis" / "core" / "hub", ROOT / "axis" / "core" / "agency"}]
RECORD = ROOT / "axis" / "infra" / "record"


def test_there_are_sources() -> None:
    assert len(SOURCES) > 30
    assert len(RULES) > 10


def test_every_module_has_a_layer_and_imports_point_one_way() -> None:
    """Because a core that knows its shell cannot be tested, reused or trusted without it; and because a module that is in
    no layer might import anything, and be imported by anything."""
    assert [module(path) for path in SOURCES if layer(module(path)) is None] == []
    assert {module(path): found for path in SOURCES if (found := house.upward(path))} == {}


def test_no_modules_load_each_other() -> None:
    """Because of two that do, neither can be read, tried or moved alone."""
    assert house.circles() == []


def test_nothing_stands_there_that_nobody_names() -> None:
    """Because what nobody calls is read, kept and believed all the same."""
    assert house.unused() == []


def test_a_module_that_nobody_gave_a_layer_and_an_arrow_that_goes_up_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [layer(name) for name in ("axis.newcomer", "axis.newcomer.part", "axiscope", "axis")] == [
        None,
        None,
        None,
        0,
    ]
    monkeypatch.setattr(house, "ROOT", tmp_path)
    (tmp_path / "axis" / "core").mkdir(parents=True)
    (tmp_path / "adapters").mkdir()
    written = {
        "axis/newcomer.py": "from axis.errors import Fault\n",
        "axis/core/one.py": "def late() -> None:\n    from axis.infra import database\n",
        "axis/core/two.py": "from axis.newcomer import x\nfrom axis.core import three\n",
        "axis/core/three.py": "from axis.core.two import y\nimport os\n",
        "adapters/four.py": "import axis.infra.journal\n",
    }
    for name, text in written.items():
        (tmp_path / name).write_text(text)
    paths = {name: tmp_path / name for name in written}
    monkeypatch.setattr(house, "SOURCES", list(paths.values()))
    assert house.upward(paths["axis/newcomer.py"]) == ["axis.errors.Fault"]
    assert house.upward(paths["axis/core/one.py"]) == ["axis.infra.database"]
    assert house.upward(paths["axis/core/two.py"]) == ["axis.newcomer.x"]
    assert house.upward(paths["adapters/four.py"]) == ["axis.infra.journal"]
    assert house.circles() == [["axis.core.two", "axis.core.three", "axis.core.two"]]
    (tmp_path / "tests").mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    assert house.unused() == ["axis.core.one.late"]


def test_what_only_asks_writes_nothing() -> None:
    """Because a question must be safe to ask at any time, beside whoever works."""
    room = ROOT / "axis" / "services" / "questions"
    assert len(list(room.glob("*.py"))) > 3
    for path in room.glob("*.py"):
        assert not re.search(r"\.transaction\(|\.begin\(|\.write|unlink|mkdir", path.read_text("utf-8")), path
        assert not [n for n in imports(path) if n.startswith(("axis.services.hub", "axis.services.operate"))], path


LISTS = {"axis/faults.py", "axis/texts.py"}  # the catalogue and the texts: looked up, not read


def test_no_file_is_longer_than_can_be_read() -> None:
    """Because who opens a file of a thousand lines looks for one idea and finds ten."""
    files = [*SOURCES, *(ROOT / "tests").rglob("*.py")]
    long = {str(p.relative_to(ROOT)) for p in files if len(p.read_text("utf-8").splitlines()) > 600}
    assert long - LISTS == set()
    assert len((ROOT / "cli.py").read_text("utf-8").splitlines()) < 100


def test_the_core_has_no_clock_disk_or_network() -> None:
    """Because what is decided must depend on what is given, and be the same tomorrow."""
    forbidden = {"os", "socket", "time", "pathlib", "subprocess", "random", "threading", "sqlalchemy", "pika"}
    core = [path for path in SOURCES if "core" in path.parts]
    assert len(core) > len(RULES)
    for path in core:
        assert not {name.split(".")[0] for name in imports(path)} & forbidden, path
        assert not re.search(r"datetime\.now|\.today\(\)|(?<![.\w])open\(", path.read_text("utf-8")), path


@pytest.mark.parametrize("path", RULES, ids=module)
def test_the_rules_of_either_side_are_values_in_and_values_out(path: Path) -> None:
    """Because a rule that is given a transaction asks and writes row by row, and sees no more what it has decided."""
    allowed = {"__future__", "axis", "collections", "contextlib", "csv", "dataclasses", "datetime", "enum", "functools"}
    allowed |= {"hashlib", "itertools", "json", "operator", "re", "typing"}
    named = imports(path)
    assert {name.split(".")[0] for name in named} <= allowed
    ours = [name for name in named if name.startswith("axis.")]
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
        tables = {name.rpartition(".")[2] for name in imports(path) if name.startswith("axis.infra.record.tables.")}
        used = (
            re.findall(r"\btables\.(\w+)", path.read_text("utf-8"))
            if "axis.infra.record.tables" in imports(path)
            else []
        )
        assert {*tables, *used} <= {"TABLES", "BODY_REFERENCES", "PAYLOAD_REFERENCES"}, path
        assert not written.search(path.read_text("utf-8")), path


def test_there_is_one_xml_parser() -> None:
    """Because every parser has options of its own to forget."""
    for path in SOURCES:
        text = path.read_text("utf-8")
        if module(path) not in {"axis.core.xml", "axis.trials.bench_floor"}:  # that one weighs bytes of its own
            assert not re.search(r"XMLParser|iterparse|etree\.parse\(|ElementTree|minidom|XMLPullParser", text), path
        if module(path) not in {"axis.core.xml", "axis.schemas", "axis.core.edxml.read", "axis.core.edxml.check"}:
            assert "fromstring" not in text, path


def test_sql_stands_in_the_infra_layer_only() -> None:
    """Because a state changes with its ledger entry, and only the store's methods promise that. A spool is an agency's
    system's own file, not the axis' record. A measurement counts statements from outside, and makes a record that was
    never lived."""
    trials = (f"axis.trials.{name}" for name in ("demo", "bench_counts", "bench_fill", "bench_questions", "bench_year"))
    apart = {*trials, *(module(p) for p in SOURCES if p.parent == ROOT / "adapters" / "spool")}
    for path in SOURCES:
        if "infra" not in path.parts and module(path) not in apart:
            assert "sqlalchemy" not in {name.split(".")[0] for name in imports(path)}, path


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


def test_what_lies_beside_the_package_has_one_name_and_lies_in_it_by_a_link() -> None:
    """Because two names of one module are two modules, with two classes of each kind, and an installation has neither
    `adapters` nor `cli` at its top, where somebody else's may be."""
    beside = (*BESIDE_THE_PACKAGE, "config")
    for name in beside:
        link = ROOT / "axis" / name
        assert link.is_symlink(), name
        assert link.readlink() == Path("..") / name
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path.name != "old_home.py"]  # the old program's own
    for path in [*SOURCES, *tests]:
        names = {name.split(".")[0] for name in imports(path)}
        assert not names & {Path(name).stem for name in beside}, path


def test_an_archive_is_unpacked_in_one_way_which_the_oldest_python_knows() -> None:
    """Because a later 3.11 has learned what Debian 12's own refuses: no other check here would see that."""
    asks = re.compile(r"\.(extractall|unpack_archive)\(")
    files = [path for room in ("axis", "adapters", "tests") for path in (ROOT / room).rglob("*.py")]
    tars = [path for path in files if "tarfile" in (text := path.read_text("utf-8")) and asks.search(text)]
    assert [path.name for path in tars if path != Path(__file__)] == ["bench_revision.py"]
