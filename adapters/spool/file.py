"""The spool's file and folders: one connection, one writer at a time."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.adapters.spool.tables import add_what_is_new, metadata
from axis.core import xml
from axis.core.instant import to_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from axis.adapters.spool.selection import Selection
    from axis.adapters.spool.tables import Row


class SpoolFile:
    """A spool's file; what it is asked and told stands by idea in the modules beside. Safe to use from several threads.
    Raises OSError while its disk is full, or cannot be used otherwise."""

    def __init__(self, folder: Path, limit: int = xml.MAX_BYTES) -> None:
        self._out, self._in = folder / "out", folder / "in"
        self._limit = limit
        for path in (folder, self._out, self._in):
            path.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self.changes = 0  # how many rows this program has changed
        self._connection: Connection | None = None  # of the transaction that the lock's holder is in
        with suppress(FileExistsError):
            os.close(os.open(folder / "spool.db", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        self._engine = sa.create_engine(
            f"sqlite:///{folder / 'spool.db'}",
            poolclass=sa.pool.StaticPool,
            connect_args={"check_same_thread": False, "timeout": 30},
            hide_parameters=True,
        )
        sa.event.listen(self._engine, "connect", _settings)
        with self._begin() as connection:
            metadata.create_all(connection)
            add_what_is_new(connection)
        for left in self._out.glob(".*"):
            left.unlink()  # an upload that a death has cut short

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    def _rows(self, query: sa.Select[Any], wanted: Selection, column: sa.Column[str], identifier: str) -> list[Row]:
        if identifier:
            query = query.where(column == identifier)
        with self._begin() as connection:
            return list(connection.execute(query.offset(wanted.skip).limit(wanted.limit)).mappings())

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        """A transaction; within one, the same: it is over when the outermost block is."""
        with self._lock:
            if self._connection is not None:
                yield self._connection
                return
            with _disk(), self._engine.begin() as connection:
                self._connection = connection
                try:
                    yield connection
                finally:
                    self._connection = None
                    driver: Any = connection.connection.driver_connection
                    self.changes = driver.total_changes


@contextmanager
def _disk() -> Iterator[None]:
    """What SQLite says of its file is the disk's trouble, as of any other file."""
    try:
        yield
    except sa.exc.DatabaseError as error:
        if type(error) not in {sa.exc.DatabaseError, sa.exc.OperationalError}:  # a broken rule of ours
            raise
        raise OSError(f"spool.db: {error.orig}") from error


def now_text() -> str:
    """The time, as it is written down."""
    return to_text(datetime.now(UTC))


def _settings(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
