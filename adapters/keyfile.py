"""A file in keys/ that says who may come in: for its owner's eyes alone, changed by one process at a time, whole or not
at all."""

from __future__ import annotations

import fcntl
import json
import os
import tomllib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from axis.adapters.disk import flush_names
from axis.config import TEXT, require_private
from axis.errors import Fault, Misconfigured, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


def read(path: Path) -> dict[str, Any]:
    """What stands in it; nothing where there is none. Raises :class:`Misconfigured`: KEY_FILE_OPEN when others may read
    it, CONFIG_INVALID."""
    try:
        require_private(path)
        text = path.read_text(TEXT)
    except FileNotFoundError:
        return {}
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, str(path), "TOML", str(error))) from None


@contextmanager
def changing(path: Path) -> Iterator[dict[str, Any]]:
    """What stands in it, to be changed within the block: afterwards it is written. Nobody else's change is lost."""
    lock = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        content = read(path)
        yield content
        _write(path, content)
    finally:
        os.close(lock)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    lines = [f"{_quoted(name)} = {_quoted(one)}" for name, one in sorted(content.items()) if isinstance(one, str)]
    for name, table in sorted(content.items()):
        if not isinstance(table, str):
            lines += [f"[{_quoted(name)}]", *(f"{key} = {_quoted(one)}" for key, one in table.items())]
    temporary = path.with_name(f".{path.name}")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
        handle.write("".join(f"{line}\n" for line in lines))
        if os.geteuid() == 0:  # who runs the server must be able to read it
            owner = path.parent.stat()
            os.fchown(handle.fileno(), owner.st_uid, owner.st_gid)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)
    flush_names(path.parent)


def _quoted(text: str) -> str:
    """As TOML wants it: of what JSON would escape otherwise, or not at all, nothing is left."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
