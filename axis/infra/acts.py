"""What people have done with a home: a file a month in its folder ``acts``, a JSON object a line, only appended to.

A line is written before something is done, another when it has ended: what was broken off in the middle stands there
as well. Apart from the databases, so that a try is kept also when they are away, or somebody else holds them. An act's
id is where its first line begins, so that a list goes on from any of them: ``2026-11.1234``.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from axis.errors import Fault, unusable
from axis.errors import rejected as _rejected

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = "acts"
BLOCK = 64 * 1024
MAX_LINE = 8192  # bytes of a line; what is longer was not written by this
MAX_LOOKED = 100_000  # lines that one question looks at
_ID = re.compile(r"(\d{4}-\d\d)\.(\d{1,15})")
_MONTH = re.compile(r"\d{4}-\d\d")
_NOBODY = 2**32 - 1


def who() -> dict[str, str]:
    """The operating system's user: ``user`` whose rights this process has, ``login`` who has logged in, where the
    system (or sudo) tells that it was another."""
    user = _name(os.geteuid())
    login = ""
    with suppress(OSError, ValueError):
        with open("/proc/self/loginuid", encoding="ascii") as file:  # noqa: PTH123
            number = int(file.read())
        login = _name(number) if number != _NOBODY else ""
    login = login or os.environ.get("SUDO_USER", "")[:64]
    return {"user": user, "login": login if login != user else ""}


def _name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def begin(home: Path, row: dict[str, Any]) -> str:
    """Note that something is about to be done; its id. Raises OSError, and :class:`Misconfigured` FILE_UNUSABLE where
    this user may not note it."""
    return _append(home, str(row["at"])[:7], row)


def end(home: Path, identifier: str, row: dict[str, Any]) -> None:
    """Note how it has ended. Raises as :func:`begin`."""
    _append(home, identifier.partition(".")[0], {"ended": identifier, **row})


def _append(home: Path, month: str, row: dict[str, Any]) -> str:
    folder = home / FOLDER
    path = folder / f"{month}.jsonl"
    line = json.dumps(row, sort_keys=True).encode() + b"\n"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    except PermissionError as error:
        raise unusable(path, error) from None
    with os.fdopen(descriptor, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        at = os.fstat(file.fileno()).st_size
        if at and os.pread(file.fileno(), 1, at - 1) != b"\n":  # a line that a death has cut short
            line = b"\n" + line
            at += 1
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    return f"{month}.{at}"


def newest_first(home: Path, before: str = "", until: str = "") -> Iterator[dict[str, Any]]:
    """The acts that began before the one with the id `before`, and in months up to that of `until`; each with its end
    (``ended_at`` and what else was noted), if it has one. Looks at MAX_LOOKED lines at most. Raises :class:`Rejected`
    NOT_FOUND for what is no id."""
    found = _ID.fullmatch(before)
    if before and found is None:
        raise _rejected(Fault.NOT_FOUND, before[:64])
    months = sorted((one.stem for one in (home / FOLDER).glob("*.jsonl") if _MONTH.fullmatch(one.stem)), reverse=True)
    left = MAX_LOOKED
    for month in months:
        if (found and month > found[1]) or (until and month > until[:7]):
            continue
        ends: dict[str, dict[str, Any]] = {}
        for offset, line in _backwards(home / FOLDER / f"{month}.jsonl"):
            left -= 1
            if left < 0:
                return
            row = _read(line)
            if row is None:
                continue
            if identifier := row.pop("ended", ""):
                ends[identifier] = row
                continue
            identifier = f"{month}.{offset}"
            ended = ends.pop(identifier, {})
            if not (found and month == found[1] and offset >= int(found[2])):
                yield {"id": identifier, **row, **ended}


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and ("at" in row or "ended" in row) else None


def _backwards(path: Path) -> Iterator[tuple[int, bytes]]:
    """Each line with where it begins, the last one first."""
    with path.open("rb") as file:
        at, rest = file.seek(0, os.SEEK_END), b""
        while at > 0:
            size = min(BLOCK, at)
            at -= size
            file.seek(at)
            rest = file.read(size) + rest
            first, *lines = rest.split(b"\n")
            position = at + len(rest)
            for line in reversed(lines):
                position -= len(line)
                if line:
                    yield position, line
                position -= 1
            rest = first if len(first) <= MAX_LINE * 2 else b""
        if rest:
            yield 0, rest
