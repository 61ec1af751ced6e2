"""Run ``axis`` and count what it does: ``python -P bench_counts.py FILE ARGUMENTS…``.

The program itself knows nothing of this, so it costs it nothing otherwise, and an earlier version can be counted the
same way: this file imports nothing but what every version has. The counts stand in a mapped file, which can be read at
any moment and stays when the process is killed.
"""

from __future__ import annotations

import importlib
import mmap
import struct
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("sql", "commits", "parses", "verifications", "signatures")
# Where each is done. Versions have it in different places: what a version does not have is passed over.
PLACES = {
    "parses": ("axis.core.xml:parse",),
    "verifications": ("axis.core.parcel:verify",),
    "signatures": ("axis.core.signature:_raw_sign",),
}
_FORM = struct.Struct(f"<{len(NAMES)}q")


class Counts:
    """Counters in a file, added to by one process."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(_FORM.size))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _FORM.size)
        self._values = [0] * len(NAMES)
        self._lock = threading.Lock()

    def add(self, name: str, count: int = 1) -> None:
        """`count` more of `name`."""
        with self._lock:
            self._values[NAMES.index(name)] += count
            _FORM.pack_into(self._memory, 0, *self._values)

    def install(self) -> set[str]:
        """Count from now on in this process; the names of what can be counted in this version."""
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        # psycopg's own cursor, since COPY and prepared statements may go past SQLAlchemy; SQLite's cannot be replaced.
        for method in ("execute", "executemany", "copy"):
            self._wrap(f"psycopg:Cursor.{method}", "sql")
        event.listen(Engine, "before_cursor_execute", self._note_sqlite)
        event.listen(Engine, "commit", lambda *_: self.add("commits"))
        found = {"sql", "commits"}
        for name, places in PLACES.items():
            if sum(self._wrap(place, name) for place in places):
                found.add(name)
        return found

    def _note_sqlite(self, connection: Any, *_: Any) -> None:
        if connection.dialect.name == "sqlite":
            self.add("sql")

    def _wrap(self, place: str, name: str) -> bool:
        module_name, _, path = place.partition(":")
        *owners, attribute = path.split(".")
        try:
            owner: Any = importlib.import_module(module_name)
            for one in owners:
                owner = getattr(owner, one)
            function: Callable[..., Any] = getattr(owner, attribute)
        except (ImportError, AttributeError):
            return False

        def counted(*arguments: Any, **more: Any) -> Any:
            self.add(name)
            return function(*arguments, **more)

        setattr(owner, attribute, counted)
        return True


def read(folder: Path, name: str = "*") -> dict[str, int]:
    """The sum of all counts in `folder`; or of the process with this name, zeros where it is not counted."""
    sums = [0] * len(NAMES)
    for path in folder.glob(f"{name}.counts"):
        sums = [old + new for old, new in zip(sums, _FORM.unpack(path.read_bytes()), strict=True)]
    return dict(zip(NAMES, sums, strict=True))


def main(arguments: list[str]) -> None:
    """Count, and be ``axis`` with the other arguments."""
    Counts(Path(arguments[0])).install()
    sys.argv = ["axis", *arguments[1:]]
    # By name: which version's it is, is the environment's affair. Earlier ones have it beside their package.
    importlib.import_module("axis.cli" if find_spec("axis.cli") else "cli").main()


if __name__ == "__main__":
    main(sys.argv[1:])
