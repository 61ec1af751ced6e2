"""The schemas of what travels, by type and version: of the axis' own XML, and of the document types that it brings."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from pathlib import Path

MAX_REASONS = 100  # why a packet does not match its schema
SCHEMAS = {
    "edxml-document": "edxml/1/document.xsd",
    "edxml-status": "edxml/1/status.xsd",
    "receipt": "receipt/1/receipt.xsd",
    "registry": "registry/1/registry.xsd",
    "types": "types/1/types.xsd",
}


def documents() -> list[Path]:
    """The folders of the document types that come with this program, TYPE/VERSION each."""
    root: Path = files(__name__).joinpath("documents")  # type: ignore[assignment]
    return sorted(one for one in root.glob("*/*") if one.is_dir()) if root.is_dir() else []


def path(name: str) -> Path:
    """The file of a schema."""
    return files(__name__).joinpath(SCHEMAS[name])  # type: ignore[return-value]


@cache
def validator(name: str) -> etree.XMLSchema:
    """The compiled schema, once for each process."""
    return etree.XMLSchema(etree.fromstring(path(name).read_bytes()))


def explain(name: str, data: bytes) -> list[tuple[str, str]]:
    """(path, reason) for what the schema refuses in `data`, MAX_REASONS at most, in words (slow)."""
    import xmlschema

    schema = xmlschema.XMLSchema10(str(path(name)))
    found = islice(schema.iter_errors(data.decode()), MAX_REASONS)
    return [(error.path or "", (error.reason or "")[:200]) for error in found]
