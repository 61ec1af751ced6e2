"""A consistent copy of a database that is being worked on, and what its payloads are named by."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.errors import Corrupted, Fault, Problem, Unavailable
from axis.infra.payloads import digest_of, payload
from axis.infra.segments import Range, Segments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from axis.infra.database import Database

_CHUNK = 1024 * 1024
_RANGES = "SELECT digest, segment, start, length FROM payload WHERE segment <> '' ORDER BY segment, start"
_CONTENTS = "SELECT digest, content FROM payload WHERE segment = ''"


@dataclass(frozen=True, slots=True)
class Named:
    """A payload in a segment."""

    digest: str
    where: Range


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Nobody commits to an SQLite file in WAL mode while the block runs; who reads goes on. Raises
    :class:`Unavailable` STORE_DOWN."""
    with _store_down(path), closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def pinned(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that sees an SQLite file as it is now, however long it is kept. Raises :class:`Unavailable`
    STORE_DOWN."""
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        with _store_down(path):
            connection.execute("BEGIN")
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # from here on
        yield connection


def copy_sqlite(source: sqlite3.Connection, target: Path) -> None:
    """A copy of what a connection sees, also while others write. Raises :class:`Unavailable` STORE_DOWN."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with _store_down(target), closing(sqlite3.connect(target)) as other:
        source.backup(other)
        other.execute("PRAGMA journal_mode = DELETE")  # one file, whole in itself


@contextmanager
def _store_down(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Unavailable(Problem(Fault.STORE_DOWN, got=f"{path}: {error}")) from None


def check_sqlite(path: Path) -> None:
    """Raises :class:`Corrupted` STORE_DOWN for a file that SQLite finds damaged."""
    try:
        with closing(_only_read(path)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    except sqlite3.Error as error:
        found = [str(error)]
    if found != ["ok"]:
        raise Corrupted(Problem(Fault.STORE_DOWN, got=f"{path}: {'; '.join(found)}"))


def named_in_sqlite(path: Path) -> list[Named]:
    """The payloads that rows of this file, which nobody writes to, name in segments; in the order in which they lie."""
    with closing(_only_read(path)) as connection:
        return [Named(digest, Range(*where)) for digest, *where in connection.execute(_RANGES)]


def damaged_in_sqlite(path: Path) -> list[str]:
    """The digests of the payloads in rows of this file whose bytes are not what they were."""
    with closing(_only_read(path)) as connection:
        return [digest for digest, content in connection.execute(_CONTENTS) if digest_of(content) != digest]


def _only_read(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)


@contextmanager
def pinned_record(database: Database) -> Iterator[Connection]:
    """A connection that sees a PostgreSQL database as it is now, however long it is kept."""
    with database.read() as connection:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.exec_driver_sql("SELECT 1").scalar_one()  # from here on
        yield connection


def dump(connection: Connection, target: Path) -> bool:
    """Put what a connection of :func:`pinned_record` sees into `target`; False where there is no program to do it with,
    and no file. Raises :class:`Unavailable` STORE_DOWN."""
    program = shutil.which("pg_dump")
    if program is None:
        return False
    moment = str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    command = [program, "--format=custom", "--no-password", f"--snapshot={moment}", f"--file={target}"]
    done = subprocess.run(command, env=_login(connection), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(Problem(Fault.STORE_DOWN, got=f"pg_dump: {done.stderr.strip()[-300:]}"))
    return True


def _login(connection: Connection) -> dict[str, str]:
    """What tells a program of PostgreSQL's where the server is that this connection has: never on a command line, which
    everybody can read."""
    info = connection.connection.dbapi_connection.info  # type: ignore[union-attr]
    named = {"PGHOST": info.host, "PGPORT": info.port, "PGUSER": info.user, "PGDATABASE": info.dbname}
    named["PGPASSWORD"] = info.password
    return os.environ | {name: str(value) for name, value in named.items() if value}


def named_in(connection: Connection) -> list[Named]:
    """As :func:`named_in_sqlite`, of the moment that a connection sees."""
    columns = (payload.c.digest, payload.c.segment, payload.c.start, payload.c.length)
    query = sa.select(*columns).where(payload.c.segment != "").order_by(payload.c.segment, payload.c.start)
    return [Named(digest, Range(*where)) for digest, *where in connection.execute(query)]


def copy_segments(source: Path, target: Path, named: list[Named], progress: Callable[[int], None]) -> list[str]:
    """Copy what is named of the segments in one folder into another; the digests of what is damaged. `progress` hears
    of bytes."""
    ends: dict[str, int] = {}
    for one in named:
        ends[one.where.segment] = max(ends.get(one.where.segment, 0), one.where.start + one.where.length)
    if ends:
        target.mkdir(mode=0o700, exist_ok=True)
    for name, end in ends.items():
        _copy(source / name, target / name, end, progress)
    return damaged_in_segments(target, named)


def _copy(source: Path, target: Path, end: int, progress: Callable[[int], None]) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as copy:
        try:
            with source.open("rb") as file:
                while end > 0 and (chunk := file.read(min(_CHUNK, end))):
                    copy.write(chunk)
                    end -= len(chunk)
                    progress(len(chunk))
        except FileNotFoundError:  # all that it had is damaged, and said to be
            return


def damaged_in_segments(folder: Path, named: list[Named]) -> list[str]:
    """The digests of those of these payloads whose bytes in the segments of `folder` are not what they were."""
    segments = Segments(folder, appends=False)
    try:
        return [one.digest for one in named if digest_of(segments.read(one.where)) != one.digest]
    finally:
        segments.close()
