"""A document type from its folder: read, checked with its examples, put into the set that goes with the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core.types import kind as kinds
from axis.core.types.schema import MAX_DOCUMENT
from axis.core.types.typeset import TRAVELS, Types
from axis.errors import Fault, Problem, Rejected, unusable
from axis.services.operate import registry as members

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from axis.core.registry import Registry
    from axis.core.types.kind import DocumentType
    from axis.services.operate.registry import Registrar

MAX_EXAMPLES = 200  # of each kind


@dataclass(frozen=True)
class Folder:
    """What lies in the folder of a type, contents by file name."""

    path: Path
    files: dict[str, bytes]
    valid: dict[str, bytes]
    invalid: dict[str, bytes]


def read(path: Path) -> Folder:
    """The folder at `path`. Raises :class:`Misconfigured` FILE_UNUSABLE."""
    try:
        files = _contents(path / name for name in TRAVELS if (path / name).is_file())
        valid, invalid = (_contents(_examples(path / "examples" / name)) for name in ("valid", "invalid"))
    except OSError as error:
        raise unusable(path, error) from None
    return Folder(path, files, valid, invalid)


def _examples(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.is_file())[:MAX_EXAMPLES] if folder.is_dir() else []


def _contents(files: Iterable[Path]) -> dict[str, bytes]:
    found = {}
    for file in files:
        with file.open("rb") as opened:
            found[file.name] = opened.read(MAX_DOCUMENT + 1)  # what is larger is refused for that
    return found


def check(folder: Folder) -> DocumentType:
    """The type in `folder`. Raises :class:`Rejected` with everything that is wrong with it, with the folder's name and
    with its examples: TYPE_*."""
    kind = kinds.read(folder.files)
    problems = kinds.check_examples(kind, folder.valid, folder.invalid)
    place = folder.path.resolve()
    for path, expected, got in (
        ("application_type", kind.name.lower(), place.parent.name),
        ("version", str(kind.version), place.name),
    ):
        if expected != got:
            problems.append(Problem(Fault.TYPE_MANIFEST, path, f"…/{kind.name.lower()}/{kind.version}", got))
    if problems:
        raise Rejected(*problems)
    return kind


def add(registrar: Registrar, folder: Folder, reason: str, now: datetime) -> tuple[DocumentType, Registry, bool]:
    """The type in `folder` is good from the next registry on; (it, that registry, whether anything was changed). Raises
    :class:`Rejected` as :func:`check`, and TYPE_EXISTS, TYPE_LIMIT."""
    kind, registry = check(folder), registrar.registry()
    before = registrar.types()
    types = before or Types(registry.installation, registry.version, now, ())
    changed = types.with_type(folder.files, registry.version + 1, now)
    if changed is before:
        return kind, registry, False
    detail = {"change": "type_added", "type": f"{kind.name} {kind.version}", "reason": reason}
    return kind, members.publish_types(registrar, changed, detail, now), True


def retire(registrar: Registrar, name: str, version: int, reason: str, now: datetime) -> tuple[Registry, bool]:
    """This version of a type is good up to the next registry; (that, whether anything was changed). Raises
    :class:`Rejected` NOT_FOUND."""
    types, registry = registrar.types(), registrar.registry()
    if types is None:
        raise Rejected(Problem(Fault.NOT_FOUND, got=f"{name} {version}"))
    changed = types.without(name, version, registry.version + 1, now)
    if changed is types:
        return registry, False
    detail = {"change": "type_retired", "type": f"{name} {version}", "reason": reason}
    return members.publish_types(registrar, changed, detail, now), True
