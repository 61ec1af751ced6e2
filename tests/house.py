"""The house as its source tells it: which module imports which, and which file writes which table.

    python -m tests.house          every module with its layer and what it imports; what is wrong with it
    python -m tests.house tables   every table of the databases, and the files that write it

Ends with 1 where an import goes up or round in a circle, or a module has no layer. `make layers` runs it.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Set
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
BESIDE_THE_PACKAGE = ("adapters", "schemas", "cli.py")  # what has its name within the package, by links
SOURCES = [p for folder in ("axis", "adapters", "schemas") for p in (ROOT / folder).rglob("*.py") if not p.is_symlink()]
SOURCES.append(ROOT / "cli.py")
# From the first to the last: a module imports its own layer and those after it. `infra` and `adapters` stand side by
# side and know nothing of each other.
ORDER = (
    ("axis.cli", "axis.__main__"),
    ("axis.commands",),
    ("axis.trials",),
    ("axis.gathering", "axis.monitoring", "axis.desks", "axis.fronts"),
    ("axis.bootstrap", "axis.home"),
    ("axis.web",),
    ("axis.services",),
    ("axis.infra", "axis.adapters"),
    ("axis.config",),
    ("axis.core",),
    ("axis.schemas",),
    ("axis.texts", "axis.extras"),
    ("axis.errors", "axis.faults", "axis.remedies", "axis.spoken", "axis.counting", "axis.crashpoints"),
)
LAYERS = {name: len(ORDER) - 1 - number for number, names in enumerate(ORDER) for name in names}
BESIDE = {"axis.adapters": "axis.infra", "axis.infra": "axis.adapters"}
OURS = {"axis"}


def module(path: Path) -> str:
    """The module in a file."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    return name if path.is_relative_to(ROOT / "axis") else f"axis.{name}"


def layer(name: str) -> int | None:
    """The layer of a module of ours; None for anybody else's, and for one that has none."""
    if name in {"axis", "axis.__version__"}:
        return 0
    for prefix in sorted(LAYERS, key=len, reverse=True):
        if name == prefix or name.startswith(prefix + "."):
            return LAYERS[prefix]
    return None


@cache
def _read(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that a file imports anywhere, and those that it imports first of all."""
    tree = ast.parse(path.read_text("utf-8"))
    return tuple(_names(ast.walk(tree))), tuple(_names(tree.body))


def imports(path: Path) -> tuple[str, ...]:
    """The names that a file imports anywhere, each with the module before it."""
    return _read(path)[0]


def _names(nodes: object) -> list[str]:
    found = []
    for node in nodes:  # type: ignore[attr-defined]
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def at_import(path: Path, known: Set[str]) -> set[str]:
    """The modules of ours, which are `known`, that are loaded when this one is: without what stands in functions or is
    for types alone."""
    found = {name if name in known else name.rpartition(".")[0] for name in _read(path)[1]}
    return found & known - {module(path)}


def upward(path: Path) -> list[str]:
    """What a file imports of a layer above it, of the room beside it, or of none."""
    own, found = layer(module(path)), []
    for name in imports(path):
        other = layer(name)
        foreign = name.split(".")[0] not in OURS
        beside = any(module(path).startswith(one) and name.startswith(two) for one, two in BESIDE.items())
        if not foreign and (own is None or other is None or other > own or beside):
            found.append(name)
    return found


def circles() -> list[list[str]]:
    """Modules that load each other."""
    known = {module(path) for path in SOURCES}
    graph = {module(path): sorted(at_import(path, known)) for path in SOURCES}
    # A package's own file shows what its parts have; each part loads it first, and asks nothing of it.
    found, done = [], set[str]()

    def walk(name: str, way: list[str]) -> None:
        if name in way:
            found.append([*way[way.index(name) :], name])
        elif name not in done:
            for other in graph[name]:
                if not name.startswith(other + "."):
                    walk(other, [*way, name])
            done.add(name)

    for name in graph:
        walk(name, [])
    return found


def unused() -> list[str]:
    """What a module defines and nobody names: no module, no test, no template, not pyproject.toml. What is decorated is
    named by its decorator, a revision by Alembic; of several names that are given at once one is enough."""
    defined: list[tuple[Path, str]] = []
    named = set[str]()
    for path in [ROOT / "pyproject.toml", *(ROOT / "axis").rglob("*.html"), *(ROOT / "tests").rglob("*.py")]:
        named.update(re.findall(r"\w+", path.read_text("utf-8")))
    for path in SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        named.update(_named(tree))
        if "migrations" not in path.parts:
            defined += [(path, name) for name in _defined(tree)]
    return [f"{module(path)}.{name}" for path, name in defined if name not in named and not name.startswith("__")]


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) or (isinstance(node, ast.FunctionDef) and not node.decorator_list):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def _named(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            yield node.value  # getattr, patches, what is for types alone


def room(name: str) -> str:
    """The room that a module stands in: its package, or the file itself where it stands in none."""
    known = {module(path) for path in SOURCES}
    packages = {module(path) for path in SOURCES if path.name == "__init__.py"}
    parts = name.split(".")
    ways = [".".join(parts[:number]) for number in range(len(parts), 1, -1)]
    return next((way for way in ways if way in packages), next((way for way in ways if way in known), parts[0]))


# -- The tables ------------------------------------------------------------------------------------------------

_TABLE = re.compile(r'^(\w+) = sa\.Table\(\s*"(\w+)"', re.MULTILINE)
_WRITERS = "insert_or_ignore|insert_all_or_ignore|insert_each_or_ignore|upsert_all|upsert|replacing"


def writers() -> dict[str, list[str]]:
    """The files that write each table of the record, the journal, the embedded broker and the payloads. What migrates a
    table, and measurements, which make records that were never lived, are left out."""
    found: dict[str, list[str]] = defaultdict(list)
    paths = [p for p in sorted((ROOT / "axis" / "infra").rglob("*.py")) if "migrations" not in p.parts]
    texts = {path: path.read_text("utf-8") for path in paths}
    tables = {name: variable for text in texts.values() for variable, name in _TABLE.findall(text)}
    for name, variable in tables.items():
        writes = re.compile(
            rf"\bsa\.(?:insert|update|delete)\({variable}\b|\b{variable}\.insert\(|\bwrites\.insert\({variable}\b"
            rf"|\b(?:{_WRITERS})\(\s*(?:[\w.]+,\s*)?{variable}\b"
            rf"|\b(?:INSERT INTO|UPDATE|DELETE FROM|COPY) {name}\b"
        )
        built = re.compile(rf'= _\w+\(\s*"{name}"')  # changes.py puts its statements together of a name and columns
        for path, text in texts.items():
            mine = f"{path.name}" in {"changes.py", "outbox.py"} and path.parent.name == "record"
            knows = re.search(
                rf"import\b[^\n]*\b{variable}\b|^ +{variable},$|^{variable} = sa\.Table", text, re.MULTILINE
            )
            if (knows or name in text) and (writes.search(text) or (mine and built.search(text))):
                found[name].append(str(path.relative_to(ROOT)))
        found.setdefault(name, [])
    return dict(sorted(found.items()))


def _print_layers() -> int:
    wrong = 0
    for path in sorted(SOURCES, key=lambda one: (-(layer(module(one)) or 0), module(one))):
        ours = sorted({room(name) for name in imports(path) if name.split(".")[0] in OURS} - {room(module(path))})
        number = layer(module(path))
        print(f"{'?' if number is None else number:>2}  {module(path):42} {', '.join(ours)}")
        for name in upward(path):
            wrong += 1
            print(f"    *** imports {name}")
    for circle in circles():
        wrong += 1
        print("*** in a circle: " + " → ".join(circle))
    print(f"{len(SOURCES)} modules, {len(ORDER)} layers, {wrong} wrong")
    return 1 if wrong else 0


def main(arguments: list[str]) -> int:
    """Print what is asked; 1 where something is wrong."""
    if arguments == ["tables"]:
        for name, files in writers().items():
            print(f"{name:20} {', '.join(files)}")
        return 0
    return _print_layers()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
