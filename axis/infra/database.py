"""One database, SQLite or PostgreSQL, behind SQLAlchemy Core: transactions, the schema's version, payloads' home.

SQLite: WAL, synchronous=FULL, one writing connection for the whole program (below 3.51.3 several may meet
a rare corruption at a WAL reset), readers beside it. PostgreSQL: as the server is configured;
synchronous_commit must be on.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import RowMapping as Row

from axis.errors import Corrupted, Fault, Misconfigured, Problem, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy.engine import Connection

__all__ = [
    "BIG_ID",
    "SCHEMA_VERSION",
    "Database",
    "Row",
    "insert_all_or_ignore",
    "insert_or_ignore",
    "metadata",
    "upsert",
]

SCHEMA_VERSION = "0010"  # the newest revision in axis/infra/migrations/versions
_OLDER = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009")
metadata = sa.MetaData()
BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts up only an INTEGER key
_UPGRADING = 4159  # the advisory lock that one of several starting hubs holds


class Database:
    """A database and its transactions. Raises :class:`Unavailable` STORE_DOWN when it cannot be used."""

    def __init__(self, url: str) -> None:
        """`url` is an SQLAlchemy URL: ``sqlite:///file`` or ``postgresql+psycopg://…``."""
        if url.startswith(("postgres://", "postgresql://")):
            url = "postgresql+psycopg://" + url.split("://", 1)[1]
        self.url = sa.make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._writing = threading.RLock()
        if self.is_sqlite:
            self._writer = sa.create_engine(
                self.url,
                poolclass=sa.pool.StaticPool,
                connect_args={"check_same_thread": False, "timeout": 30},
            )
            self._reader = sa.create_engine(self.url, connect_args={"timeout": 30})
            for engine in (self._writer, self._reader):
                sa.event.listen(engine, "connect", _prepare_sqlite)
            sa.event.listen(self._writer, "begin", _begin_immediate)
            sa.event.listen(self._reader, "begin", _begin_deferred)
        else:
            self._writer = self._reader = sa.create_engine(self.url, pool_pre_ping=True, pool_size=5)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One write transaction: committed when the block ends, rolled back when it raises."""
        if not self.is_sqlite:
            with _translated(), self._writer.begin() as connection:
                yield connection
            return
        with self._writing, _translated(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading one consistent state; nothing it does is kept."""
        with _translated(), self._reader.connect() as connection:
            yield connection

    def create(self, tables: Sequence[sa.Table]) -> None:
        """Make `tables` where they are missing. An SQLite file of an older version is upgraded first: this is its only
        process.

        Raises :class:`Misconfigured` SCHEMA_VERSION when the database is another version's.
        """
        with self._changing() as connection:
            found = _version(connection)
            if found in _OLDER and self.is_sqlite:
                found = _migrate(connection)
            if found and found != SCHEMA_VERSION:
                raise Misconfigured(Problem(Fault.SCHEMA_VERSION, got=found, expected=SCHEMA_VERSION))
            metadata.create_all(connection, list(dict.fromkeys([_alembic_version, *tables])))
            if not found:
                connection.execute(_alembic_version.insert().values(version_num=SCHEMA_VERSION))

    def upgrade(self) -> tuple[str, str]:
        """Bring the schema to this version, wholly or not at all; (version before, after).

        Raises :class:`Misconfigured` SCHEMA_VERSION for an empty database and for one of a newer version.
        """
        with self._changing() as connection:
            before = _version(connection)
            if before == SCHEMA_VERSION:
                return before, before
            if before not in _OLDER:
                raise Misconfigured(Problem(Fault.SCHEMA_VERSION, got=before or "-", expected=SCHEMA_VERSION))
            return before, _migrate(connection)

    def version(self) -> str:
        """The schema's version; "" for an empty database."""
        with self.read() as connection:
            return _version(connection)

    def check_version(self) -> None:
        """Raises :class:`Misconfigured` SCHEMA_VERSION when the database is empty or another version's."""
        found = self.version()
        if found != SCHEMA_VERSION:
            raise Misconfigured(Problem(Fault.SCHEMA_VERSION, got=found or "-", expected=SCHEMA_VERSION))

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """A transaction in which nobody else changes the schema."""
        with self.begin() as connection:
            if not self.is_sqlite:
                connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_UPGRADING})"))
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._writer.dispose()
        self._reader.dispose()


class LateRows:
    """Rows that nobody reads before the transaction ends: inserted together just before its commit, each table's
    in the order given. A database that is asked once instead of fifty times is the greater part of a batch's time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[tuple[sa.Table, dict[str, Any]]] = []

    def add(self, table: sa.Table, row: dict[str, Any]) -> None:
        """Insert `row` later; not where its UNIQUE key already stands."""
        self._rows.append((table, row))

    @contextmanager
    def undone_with(self, savepoint: AbstractContextManager[Any]) -> Iterator[None]:
        """Within: what is added goes when the savepoint does."""
        kept = len(self._rows)
        try:
            with savepoint:
                yield
        except BaseException:
            del self._rows[kept:]
            raise

    def insert(self) -> None:
        """Insert them now."""
        tables: dict[str, tuple[sa.Table, list[dict[str, Any]]]] = {}
        for table, row in self._rows:
            tables.setdefault(table.name, (table, []))[1].append(row)
        self._rows = []
        for table, rows in tables.values():
            for first in range(0, len(rows), 100):  # far below any limit on parameters
                insert_all_or_ignore(self._connection, table, rows[first : first + 100])


_alembic_version = sa.Table("alembic_version", metadata, sa.Column("version_num", sa.String(32), primary_key=True))


def _version(connection: Connection) -> str:
    there = set(sa.inspect(connection).get_table_names())
    if _alembic_version.name in there:
        return str(connection.execute(sa.select(_alembic_version.c.version_num)).scalar() or "")
    if "meta" in there:  # before Alembic
        found = connection.execute(sa.text("SELECT value FROM meta WHERE name = 'schema_version'")).scalar()
        return _OLDER[0] if found == "1" else str(found or "")
    return ""


def _migrate(connection: Connection) -> str:
    """Run the migrations within the connection's transaction; the version after."""
    from alembic import command  # takes a tenth of a second, and is needed once in the life of a version
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", "axis.infra:migrations")
    settings.attributes["connection"] = connection
    if _alembic_version.name not in sa.inspect(connection).get_table_names():
        command.stamp(settings, _OLDER[0])
    command.upgrade(settings, "head")
    return _version(connection)


def insert_or_ignore(connection: Connection, table: sa.Table, row: dict[str, Any]) -> bool:
    """Insert `row`; True if it was inserted, False if a UNIQUE key already stands. The key decides."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    # RETURNING tells it on both; psycopg's row count does not always.
    statement = dialect.insert(table).values(row).on_conflict_do_nothing().returning(sa.literal(1))
    return connection.execute(statement).first() is not None


def insert_all_or_ignore(connection: Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert `rows` in their order, but not those whose UNIQUE key already stands."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    if rows:
        connection.execute(dialect.insert(table).values(list(rows)).on_conflict_do_nothing())


def upsert(connection: Connection, table: sa.Table, row: dict[str, Any], key: Sequence[str]) -> None:
    """Insert `row`, or set its other columns where a row with the same `key` columns stands."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).values(row)
    changed = {name: statement.excluded[name] for name in row if name not in key}
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changed))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
        original = getattr(error, "orig", None) or error
        if (getattr(original, "sqlstate", None) or "").startswith("54"):
            raise  # a value over the server's limits: that is what was to be stored, not the server
        raise Unavailable(Problem(Fault.STORE_DOWN, got=f"{type(original).__name__}: {original}"[:300])) from error
    except sa.exc.DatabaseError as error:
        if type(error) is not sa.exc.DatabaseError:  # a broken rule of ours, not a broken file
            raise
        raise Corrupted(Problem(Fault.STORE_DOWN, got=str(error.orig)[:300])) from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" event starts transactions, not the driver
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_deferred(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
