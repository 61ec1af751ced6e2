"""Writes what the documentation takes from the code: ``python -m tests.make_docs``; a test compares.

docs/settings.md: every key of axis.toml and every limit, each with what the code says beside it.
docs/architecture.md, between its two marks: which file writes which table.
docs/metrics.md, between its two marks: every name for Prometheus.
"""

from __future__ import annotations

import ast
import inspect
import io
import json
import re
import tokenize
from importlib import import_module
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from axis import config
from axis.core import metrics
from tests import house

if TYPE_CHECKING:
    from pathlib import Path

DOCS = house.ROOT / "docs"
BEGIN, END = "<!-- from the code: make docs -->", "<!-- end -->"
HEAD = """# Settings and limits

Taken from the code by `make docs`; a test compares.

## axis.toml

A key that is left out has its default; one that is not here is refused, and so is a wrong value.

"""
LIMITS = """## Limits

What is longer, deeper or more than this is refused, put aside or waits; each is the constant of this name. The bounds of the HTTP
servers stand in `[server]` above.

"""
# Beside every constant called MAX_…: limits with a name of their own.
MORE = (
    ("axis.infra.amqp.topology", "DELIVERY_LIMIT"),
    ("axis.infra.amqp.topology", "INTAKE_QUOTA"),
    ("axis.infra.amqp.publish", "WINDOW"),
    ("axis.infra.amqp.publish", "WINDOW_BYTES"),
    ("axis.infra.record.outbox", "CLAIM_BYTES"),
    ("axis.infra.amqp.topology", "DEAD_QUOTA"),
    ("axis.infra.amqp.topology", "MAIL_QUOTA"),
    ("axis.services.hub.admit", "CLOCK_SKEW"),
)


def _comments(source: str) -> dict[int, str]:
    """Comments by their line."""
    found = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in found if token.type is tokenize.COMMENT}


def _said(node: ast.stmt, comments: dict[int, str], lines: list[str]) -> str:
    """What is said about a statement: behind it, or in the lines of comment just before it."""
    if node.end_lineno in comments:
        return re.sub(r"\s*noqa.*|\s*type: ignore.*", "", comments[node.end_lineno])
    above: list[str] = []
    number = node.lineno - 1
    while number in comments and lines[number - 1].lstrip().startswith("#"):
        above.insert(0, comments[number])
        number -= 1
    return " ".join(above)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _type(hint: Any) -> str:
    if hint is float:
        return "number"
    if choices := [one for one in get_args(hint) if isinstance(one, str)]:
        return ", ".join(f"`{one}`" for one in choices)
    if str(hint).startswith("tuple"):
        return "list of texts"
    return {str: "text", int: "whole number"}.get(hint, "table")


def settings() -> str:
    """Every section and key of axis.toml."""
    source = (house.ROOT / "axis" / "config.py").read_text("utf-8")
    lines, comments = source.splitlines(), _comments(source)
    classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    parts = []
    for section, kind in get_type_hints(config.Config).items():
        hints = get_type_hints(kind)
        said = {
            node.target.id: _said(node, comments, lines)
            for node in classes[kind.__name__].body
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        }
        parts.append(f"### [{section}]\n\n{inspect.getdoc(kind)}\n\n| key | what | default | |\n|---|---|---|---|\n")
        for field in kind._fields:
            default = kind._field_defaults.get(field, "")
            shown = "" if default in ("", (), {}) else f"`{json.dumps(default, ensure_ascii=False)}`"
            row = (f"`{field}`", _type(hints[field]), shown, said[field])
            parts.append("| " + " | ".join(map(_cell, row)) + " |\n")
        parts.append("\n")
    return "".join(parts)


def _value(value: object) -> str:
    if isinstance(value, int):
        whole = f"{value:,}"
        return f"{whole} ({value // 1024**2} Mi)" if value >= 1024**2 and value % 1024**2 == 0 else whole
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(one)}" for name, one in value.items())
    return str(value)


def _named(path: Path) -> list[tuple[str, ast.stmt]]:
    """The constants of a file that are limits."""
    name, text = house.module(path), path.read_text("utf-8")
    wanted, found = {one for where, one in MORE if where == name}, []
    if not wanted and "MAX_" not in text:
        return []
    for node in ast.parse(text).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            for one in ast.walk(target):
                if isinstance(one, ast.Name) and (one.id.startswith("MAX_") or one.id in wanted):
                    found.append((one.id, node))
    return found


def limits() -> str:
    """Every limit, by file."""
    rows = ["| limit | value | | where |\n|---|---|---|---|\n"]
    for path in sorted(house.SOURCES):
        if "trials" in path.parts or not (found := _named(path)):
            continue
        source = path.read_text("utf-8")
        lines, comments, made = source.splitlines(), _comments(source), import_module(house.module(path))
        for name, node in found:
            row = (f"`{name}`", _value(getattr(made, name)), _said(node, comments, lines))
            rows.append("| " + " | ".join(map(_cell, row)) + f" | `{path.relative_to(house.ROOT)}` |\n")
    return "".join(rows)


def tables() -> str:
    """Which file writes which table."""
    by_files: dict[str, list[str]] = {}
    for name, files in house.writers().items():
        shown = ", ".join(f"`{one.removeprefix('axis/infra/')}`" for one in files)
        by_files.setdefault(shown, []).append(f"`{name}`")
    rows = "".join(f"| {', '.join(names)} | {files} |\n" for files, names in sorted(by_files.items()))
    return "| table | written by, of `axis/infra/` |\n|---|---|\n" + rows


def measured() -> str:
    """Every name that a process exports."""
    rows = ["| name | kind | labels | exported by | what |\n|---|---|---|---|---|\n"]
    where = {"all": "every process", "hub": "the hub", "adapters": "adapters"}
    for one in metrics.METRICS.values():
        labels = ", ".join(f"`{label}`" for label in one.labels)
        rows.append(f"| `{one.name}` | {one.kind} | {labels} | {where[one.where]} | {_cell(one.help)} |\n")
    return "".join(rows)


def _put_in(path: Path, table: str) -> str:
    before, _, rest = path.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{path} has no place for its table")
    return f"{before}{BEGIN}\n{table}{END}{after}"


def texts() -> dict[Path, str]:
    """What each file of the documentation should be."""
    return {
        DOCS / "settings.md": (HEAD + settings() + LIMITS + limits()).rstrip("\n") + "\n",
        DOCS / "architecture.md": _put_in(DOCS / "architecture.md", tables()),
        DOCS / "metrics.md": _put_in(DOCS / "metrics.md", measured()),
    }


if __name__ == "__main__":
    for path, text in texts().items():
        path.write_text(text, "utf-8")
