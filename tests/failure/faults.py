"""What befalls an installation besides sudden death: a process that stands still, a clock that is wrong, a database that
does not let one write, an old backup of the record, an adapter's home put back to an older copy. For the campaign."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from tests.servers import NoServerError, PostgreSql, _LastWill

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Longer than two heartbeats of a connection to the broker (30 s each), than waiting for a confirm (30 s), and than a
# session of the database may hold rows in a transaction (below).
FROZEN = 70.0
# As config/postgresql.conf has it, scaled down so that a process that stands still comes to it: there it is 120 s.
IDLE_IN_TRANSACTION = "-c idle_in_transaction_session_timeout=40s"


class ShiftedProcess:
    """``axis`` with a clock of its own, which can be set while it runs (tests/failure/shifted.py). Has what the campaign
    uses of a multiprocessing.Process."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: str, seconds: int) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="axis-clock-"))
        self.set(seconds)
        command = [sys.executable, "-m", "tests.failure.shifted", str(self._folder / "clock"), *arguments]
        with Path(log).open("ab") as output:
            self._process = subprocess.Popen(command, env=dict(environment), stdout=output, stderr=output)
        self.pid = self._process.pid

    def set(self, seconds: int) -> None:
        """Its clock is wrong by so much from now on."""
        aside = self._folder / ".clock"
        aside.write_text(str(seconds))
        aside.rename(self._folder / "clock")

    @property
    def exitcode(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.terminate()

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
            shutil.rmtree(self._folder, ignore_errors=True)


class Disk:
    """A small file system in memory for some of a database's tables, which can be full; a context manager. `folder` is
    None where none can be mounted."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self._will: _LastWill | None = None

    def __enter__(self) -> Disk:
        folder = Path(tempfile.mkdtemp(prefix="axis-disk-"))
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4g", "tmpfs", folder], capture_output=True, check=False
        )
        if done.returncode:
            print(
                f"no file system can be mounted here, so no disk is full: {done.stderr.decode().strip()}",
                file=sys.stderr,
            )
            folder.rmdir()
        else:
            self.folder = folder
            self._will = _LastWill('umount -l "$1"; rmdir "$1"', folder)
        return self

    def __exit__(self, *_: object) -> None:
        if self.folder is not None and self._will is not None:
            self._will.revoke()
            subprocess.run(["umount", "-l", self.folder], check=True)
            self.folder.rmdir()

    def resize(self, *, full: bool) -> None:
        """No more room than is taken, or enough."""
        for attempt in range(20):
            status = os.statvfs(self.folder or "/")
            used = (status.f_blocks - status.f_bfree) * status.f_frsize
            size = str(used) if full else "4g"
            # More may be taken between the look and this; then it is refused.
            done = subprocess.run(["mount", "-o", f"remount,size={size}", str(self.folder)], check=attempt == 19)
            if not done.returncode:
                return


class Record:
    """The hub's database, from its administrator's side. The hub's workers are `USER`, who may read and write and no
    more."""

    USER = "app"

    def __init__(self, postgres: PostgreSql, name: str, disk: Disk | None) -> None:
        self.postgres, self.name = postgres, name
        self.disk = disk if disk is not None and disk.folder is not None else None
        self.troubles = ("read-only", "denied", "full") if self.disk else ("read-only", "denied")

    def prepare(self, big: Sequence[str]) -> None:
        """Rights for the workers; every table but the `big` ones goes onto the small disk."""
        with self._connected() as connection:
            connection.execute(f"CREATE ROLE {self.USER} LOGIN")
            for what in ("SCHEMA public", "ALL TABLES IN SCHEMA public", "ALL SEQUENCES IN SCHEMA public"):
                connection.execute(f"GRANT ALL ON {what} TO {self.USER}")
            if self.disk is not None and self.disk.folder is not None:
                shutil.chown(self.disk.folder, *self.postgres.owner)
                connection.execute(f"CREATE TABLESPACE small LOCATION '{self.disk.folder}'")
                for table in self.tables():
                    if table not in big:
                        connection.execute(f"ALTER TABLE {table} SET TABLESPACE small")

    def tables(self) -> list[str]:
        """By name."""
        with self._connected() as connection:
            query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'alembic%' ORDER BY 1"
            return [str(row[0]) for row in connection.execute(query)]

    @contextlib.contextmanager
    def trouble(self, kind: str, table: str) -> Iterator[None]:
        """While in it, the database is read-only for everyone, `table` is denied to the workers, or its disk is full."""
        begin, end = {
            "read-only": (
                ("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"),
                ("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()"),
            ),
            "denied": ((f"REVOKE INSERT ON {table} FROM {self.USER}",), (f"GRANT INSERT ON {table} TO {self.USER}",)),
            "full": ((), ()),
        }[kind]
        self._do(begin)
        if kind == "full":
            assert self.disk is not None
            self.disk.resize(full=True)
        try:
            yield
        finally:
            if kind == "full":
                assert self.disk is not None
                self.disk.resize(full=False)
            self._do(end)

    def position(self) -> int:
        """Of the ledger's last entry."""
        with self._connected() as connection:
            row = connection.execute("SELECT coalesce(max(position), 0) FROM ledger").fetchone()
            return int(row[0]) if row else 0

    def url(self) -> str:
        """For the workers."""
        return self.postgres.url(self.name).replace("axis@", f"{self.USER}@")

    def _do(self, statements: Sequence[str]) -> None:
        with self._connected() as connection:
            for statement in statements:
                connection.execute(statement)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[psycopg.Connection]:
        url = self.postgres.url(self.name).replace("+psycopg", "")
        writing = "-c default_transaction_read_only=off"
        with psycopg.connect(url, autocommit=True, options=writing) as connection:
            yield connection


def operator(arguments: Sequence[str], environment: Mapping[str, str], patience: float = 120) -> str:
    """``axis`` as an operator runs it, again while it says that a server is away (4); what it said."""
    end = time.monotonic() + patience
    while True:
        command = [sys.executable, "-P", "-m", "axis", *arguments]
        done = subprocess.run(
            command, env=dict(environment), capture_output=True, text=True, check=False, timeout=patience
        )
        if done.returncode == 0:
            return done.stdout
        if done.returncode != 4 or time.monotonic() > end:
            raise NoServerError(f"{' '.join(arguments)} ended with {done.returncode}: {done.stdout} {done.stderr}")
        time.sleep(1)


class Workplace:
    """A folder that is deleted at the end, unless it has to be kept. A context manager."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="axis-campaign-"))
        self._is_kept = False

    def __enter__(self) -> Workplace:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_kept:
            shutil.rmtree(self.folder, ignore_errors=True)

    def keep(self, dump: Path) -> None:
        """Something went wrong: journals, logs and this dump of the record stay."""
        self._is_kept = True
        shutil.copy(dump, self.folder / "record.dump")
        print(f"  journals, logs and record are kept in {self.folder}", flush=True)


def copy_home(home: Path, to: Path) -> None:
    """A copy of an adapter's home while the adapter works, as docs/operations.md says: without the folders of the
    agency's own system."""
    for path in home.iterdir():
        if path.name == "agencies" or path.name.endswith(("-wal", "-shm")):
            continue
        if path.suffix == ".db":
            with (
                contextlib.closing(sqlite3.connect(path)) as now,
                contextlib.closing(sqlite3.connect(to / path.name)) as kept,
            ):
                now.backup(kept)
        elif path.is_dir():
            shutil.copytree(path, to / path.name)
        else:
            shutil.copy2(path, to / path.name)


def put_back(home: Path, copy: Path) -> None:
    """The adapter's home is as it was; the folders of the agency's own system are as they are. What the journal knew lies
    beside the home, for who has to find out what went wrong."""
    before = home.parent / f"{home.name}-before-{copy.name}"
    before.mkdir()
    for path in home.iterdir():
        if path.name == "agencies":
            continue
        if path.name.startswith("axis.db") and path.is_file():
            path.rename(before / path.name)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    shutil.copytree(copy, home, dirs_exist_ok=True)


def receipts_known(home: Path) -> set[str]:
    """The receipts (SHA-256) that the journal of an adapter that is dead has, in whatever state."""
    with contextlib.closing(sqlite3.connect(home / "axis.db")) as journal:
        return {row[0] for row in journal.execute("SELECT id FROM incoming WHERE kind = 'receipt'")}


def unheard(home: Path, code: str) -> dict[tuple[str, bool], str]:
    """What an adapter that is dead has shown its system while nobody but its journal knows: (DocumentId, whether its
    recall) → the digest of the receipt that may not have gone out, "" where none was given yet. Where this journal is
    lost nobody can know that it was shown."""
    query = """SELECT document_id, kind, answer_digest FROM incoming WHERE agency = ? AND (
        state IN ('handing_over', 'shown') OR answer_digest IN (SELECT body_digest FROM posted WHERE agency = ?))"""
    with contextlib.closing(sqlite3.connect(home / "axis.db")) as journal:
        return {(row[0], row[1] == "recall"): row[2] for row in journal.execute(query, (code, code))}
