"""One database, SQLite or PostgreSQL, behind SQLAlchemy Core: transactions, the schema's version, payloads' home.

SQLite: WAL, synchronous=FULL, one writing connection for the whole program (below 3.51.3 several may meet
a rare corruption at a WAL reset), readers beside it. PostgreSQL: as the server is configured;
synchronous_commit must be on.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import threading
import time
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import RowMapping as Row

from axis.errors import Corrupted, Fault, Misconfigured, Problem, Unavailable
from axis.infra.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy.engine import Connection

__all__ = [
    "BIG_ID",
    "SCHEMA_VERSION",
    "Database",
    "Row",
    "insert_all_or_ignore",
    "insert_each_or_ignore",
    "insert_or_ignore",
    "metadata",
    "replacing",
    "upsert",
    "upsert_all",
]

SCHEMA_VERSION = "0033"  # the newest revision in axis/infra/migrations/versions
_OLDER = tuple(f"{number:04}" for number in range(1, int(SCHEMA_VERSION)))
metadata = sa.MetaData()
BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts up only an INTEGER key
_PORT = re.compile(r":\d*$")
_URL_FORM = (
    "postgresql://user@host:5432/name or postgresql://user@one:5432,two:5432/name?target_session_attrs=read-write"
)
REST = 1.0  # seconds after which it is asked whether a connection of the pool still works
_UPGRADING = 4159  # the advisory lock that one of several starting hubs holds
_VALUES = {"22", "23", "54"}  # SQLSTATE classes: data exception, integrity constraint, program limit exceeded
# SQLSTATE: the server is read-only (a standby); it does not know what was prepared (another one, behind a pooler).
_ELSEWHERE = {"25006", "26000", "42P05"}


LARGE = 256 * 1024  # bytes of a table, from which on it matters how it is read
_UNKNOWN = sa.text("""
    SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
    AND pg_relation_size(c.oid) >= :size AND pg_catalog.pg_get_userbyid(c.relowner) = current_user
    AND NOT EXISTS (SELECT 1 FROM pg_stats s WHERE s.schemaname = current_schema() AND s.tablename = c.relname)
    ORDER BY c.relname""")


class Database:
    """A database and its transactions. Raises :class:`Unavailable` STORE_DOWN when it cannot be used."""

    def __init__(self, url: str, segments: Segments | None = None) -> None:
        """`url`: see :func:`read_url`. `segments`: where large payloads lie; an SQLite file has its own beside it where
        none are given. Raises :class:`Misconfigured` CONFIG_INVALID."""
        self.url = read_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.segments = segments
        if self.is_sqlite:
            if segments is None and (folder := beside(self.url)) is not None:
                self.segments = Segments(folder)
            self.url = _at_home(self.url)
        self._writing = threading.RLock()
        if self.is_sqlite:
            self._writer = sa.create_engine(
                self.url,
                poolclass=sa.pool.StaticPool,
                connect_args={"check_same_thread": False, "timeout": 30},
                hide_parameters=True,
            )
            self._reader = sa.create_engine(self.url, connect_args={"timeout": 30}, hide_parameters=True)
            for engine in (self._writer, self._reader):
                sa.event.listen(engine, "connect", _prepare_sqlite)
            sa.event.listen(self._writer, "begin", _begin_immediate)
            sa.event.listen(self._reader, "begin", _begin_deferred)
        else:
            self._writer = self._reader = sa.create_engine(self.url, pool_size=5, hide_parameters=True)
            sa.event.listen(self._writer, "handle_error", _leave_that_server)
            sa.event.listen(self._writer, "checkin", _given_back)
            sa.event.listen(self._writer, "checkout", _asked_after_a_rest)
        if self.segments is not None:
            for engine in {self._writer, self._reader}:
                sa.event.listen(engine, "connect", self._tell_segments)
        self.judge: Callable[[Connection], None] | None = None
        self.beside: dict[str, Any] = {}  # what its users keep in memory about it

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One write transaction: committed when the block ends, rolled back when it raises."""
        if not self.is_sqlite:
            with _translated(), self._writer.begin() as connection:
                self._look_at(connection)
                yield connection
                self._flush_segments()
            return
        with self._writing, _translated(), self._writer.begin() as connection:
            self._look_at(connection)
            yield connection
            self._flush_segments()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading one consistent state; nothing it does is kept."""
        with _translated(), self._reader.connect() as connection:
            self._look_at(connection)
            yield connection

    def _flush_segments(self) -> None:
        """What the transaction has appended is durable before it is committed."""
        if self.segments is not None:
            self.segments.flush()

    def _tell_segments(self, _connection: Any, record: Any) -> None:
        record.info["segments"] = self.segments

    def _look_at(self, connection: Connection) -> None:
        """A connection that is new goes to :attr:`judge` before anything else is done with it: behind the same address
        there may be another server by now. One that is not writable is left, and waited for."""
        if self.judge is None or connection.info.get("judge") is self.judge:
            return
        try:
            if not self.is_sqlite and connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar():
                raise Unavailable(Problem(Fault.STORE_DOWN, got="a standby, read-only"))
            self.judge(connection)
        except BaseException:
            if not self.is_sqlite:
                connection.invalidate()
            raise
        connection.info["judge"] = self.judge

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
            if not self.is_sqlite:
                _as_postgresql_has_them(tables)
            name = connection.dialect.name
            ours = [table for table in tables if table.info.get("only", name) == name]
            there = set(sa.inspect(connection).get_table_names())  # or each would be asked for: at every start
            missing = [table for table in dict.fromkeys([_alembic_version, *ours]) if table.name not in there]
            if missing:
                metadata.create_all(connection, missing)
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

    def gather_statistics(self) -> list[str]:
        """ANALYZE those tables of PostgreSQL that are large and of which it knows nothing; their names. What pg_restore
        or pg_upgrade has brought is so, and after a crash it may be so for days: autovacuum counts changes, and a
        crash forgets them. Until then each look for a few keys reads whole tables."""
        if self.is_sqlite:
            return []
        with self.read() as connection:
            unknown = list(connection.execute(_UNKNOWN, {"size": LARGE}).scalars())
        for name in unknown:
            with self.begin() as connection:
                connection.exec_driver_sql(f"ANALYZE {connection.dialect.identifier_preparer.quote(name)}")
        return unknown

    def close(self) -> None:
        """Close every connection."""
        self._writer.dispose()
        self._reader.dispose()
        if self.segments is not None:
            self.segments.close()

    def shrink(self) -> bool:
        """Give back what an SQLite file has free, if that is much of it; whether it was. Outside of any transaction."""
        if not self.is_sqlite:
            return False
        with self._writing, _translated(), contextlib.closing(self._writer.raw_connection()) as connection:
            cursor = connection.cursor()
            free, every = (cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count"))
            if free < 64 or free * 4 < every:
                return False
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return True


def read_url(text: str) -> sa.URL:
    """``sqlite:///file``, or ``postgresql://…`` as SQLAlchemy or libpq write it: of several servers, the one that can
    be written is meant. Raises :class:`Misconfigured` CONFIG_INVALID, without what may be a password."""
    name, _, rest = text.strip().partition("://")
    if name in {"postgres", "postgresql"}:
        name = "postgresql+psycopg"
    try:
        url = sa.make_url(f"{name}://{_hosts_apart(rest)}")
        if url.get_backend_name() not in {"sqlite", "postgresql"}:
            raise ValueError
        _, arguments = url.get_dialect()().create_connect_args(url)
    except (ValueError, sa.exc.ArgumentError, ImportError):
        got = f"{name[:30]}://…" if rest else "?"
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, "store.url_env", _URL_FORM, got)) from None
    if "," in str(arguments.get("host", "")) and "target_session_attrs" not in url.query:
        url = url.update_query_dict({"target_session_attrs": "read-write"})
    return url


def beside(url: sa.URL) -> Path | None:
    """The folder of an SQLite file's segments; None for a database in memory."""
    path = Path(url.database or "")
    return Path(f"{path}-segments") if path.name and path.name != ":memory:" else None


def _hosts_apart(rest: str) -> str:
    """libpq's ``user@one:5432,two:5432/name`` in the form that SQLAlchemy reads."""
    place, slash, path = rest.partition("/")
    user, at, servers = place.rpartition("@")
    if "," not in servers:
        return rest
    pairs = [server.rpartition(":") if _PORT.search(server) else (server, "", "") for server in servers.split(",")]
    hosts, ports = [host.strip("[]") for host, _, _ in pairs], [port or "5432" for _, _, port in pairs]
    path, _, query = path.partition("?") if slash else ("", "", "")
    more = f"&{query}" if query else ""
    return f"{user}{at}/{path}?host={','.join(hosts)}&port={','.join(ports)}{more}"


_alembic_version = sa.Table("alembic_version", metadata, sa.Column("version_num", sa.String(32), primary_key=True))


def _version(connection: Connection) -> str:
    if _has_table(connection, _alembic_version.name):
        return str(connection.execute(sa.select(_alembic_version.c.version_num)).scalar() or "")
    if _has_table(connection, "meta"):  # before Alembic
        found = connection.execute(sa.text("SELECT value FROM meta WHERE name = 'schema_version'")).scalar()
        return _OLDER[0] if found == "1" else str(found or "")
    return ""


def _as_postgresql_has_them(tables: Sequence[sa.Table]) -> None:
    """Partial indexes and partitions. The conditions are written for SQLite (a word `postgresql_…` in a table would
    load all that SQLAlchemy knows of it, at every start of every command) and hold on PostgreSQL, too."""
    for table in tables:
        if "partition_by" in table.info:
            table.dialect_options["postgresql"]["partition_by"] = table.info["partition_by"]
        for index in table.indexes:
            index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]


def _has_table(connection: Connection, name: str) -> bool:
    """Whether there is a table of this name. Asked at every start: SQLAlchemy's inspection takes many times as long."""
    if connection.dialect.name == "sqlite":
        asked = sa.text("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name")
    else:
        asked = sa.text("SELECT 1 FROM pg_catalog.pg_class WHERE oid = to_regclass(:name) AND relkind IN ('r', 'p')")
    return connection.execute(asked, {"name": name}).first() is not None


def _migrate(connection: Connection) -> str:
    """Run the migrations within the connection's transaction; the version after."""
    from alembic import command  # takes a tenth of a second, and is needed once in the life of a version
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", "axis.infra:migrations")
    settings.attributes["connection"] = connection
    if not _has_table(connection, _alembic_version.name):
        command.stamp(settings, _OLDER[0])
    command.upgrade(settings, "head")
    return _version(connection)


def insert_or_ignore(connection: Connection, table: sa.Table, row: dict[str, Any]) -> bool:
    """Insert `row`; True if it was inserted, False if a UNIQUE key already stands. The key decides."""
    # RETURNING tells it on both; psycopg's row count does not always.
    statement = _inserting(connection.dialect.name, table).values(row).on_conflict_do_nothing().returning(sa.literal(1))
    return connection.execute(statement).first() is not None


def insert_all_or_ignore(connection: Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert `rows` in their order, but not those whose UNIQUE key already stands."""
    if rows:
        connection.execute(_inserting(connection.dialect.name, table).values(list(rows)).on_conflict_do_nothing())


def _inserting(dialect: str, table: sa.Table) -> Any:
    """The dialect's own INSERT into `table`, which knows conflicts."""
    if dialect == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # some thirty milliseconds, which nobody on SQLite needs

    return postgresql.insert(table)


@cache
def _insert_or_ignore(table: sa.Table) -> sa.Insert:
    return sqlite.insert(table).on_conflict_do_nothing()


def insert_each_or_ignore(connection: Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """As :func:`insert_all_or_ignore`, on SQLite: one short statement, run for each row, whatever their number."""
    if rows:
        connection.execute(_insert_or_ignore(table), list(rows))


def replacing(table: sa.Table, key: Sequence[str], kept: Sequence[str]) -> sa.Insert:
    """For SQLite: insert a row, or set its columns, but those that are `kept`, where one with the same `key` stands."""
    statement: sa.Insert = _upserting("sqlite", table, frozenset(table.columns.keys()) - {*key, *kept}, tuple(key))
    return statement


def upsert(connection: Connection, table: sa.Table, row: dict[str, Any], key: Sequence[str]) -> None:
    """Insert `row`, or set its other columns where a row with the same `key` columns stands."""
    upsert_all(connection, table, [row], key)


def upsert_all(connection: Connection, table: sa.Table, rows: Sequence[dict[str, Any]], key: Sequence[str]) -> None:
    """As :func:`upsert`, of rows with the same columns and different keys: one short statement, run for each."""
    if rows:
        names = frozenset(rows[0]) - frozenset(key)
        connection.execute(_upserting(connection.dialect.name, table, names, tuple(key)), list(rows))


@cache
def _upserting(dialect: str, table: sa.Table, names: frozenset[str], key: tuple[str, ...]) -> Any:
    """INSERT, or set the columns `names` where a row with the same `key` stands."""
    statement = _inserting(dialect, table)
    return statement.on_conflict_do_update(
        index_elements=list(key), set_={name: statement.excluded[name] for name in sorted(names)}
    )


@contextmanager
def copying(connection: Connection, statement: str) -> Iterator[Any]:
    """PostgreSQL's ``COPY … FROM STDIN`` as a stream to write to; what goes wrong is what another statement raises."""
    driver: Any = connection.connection.dbapi_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as stream:
            yield stream
    except connection.dialect.loaded_dbapi.Error as error:
        if driver.closed:
            connection.invalidate(error)
        raise sa.exc.DBAPIError.instance(
            statement,
            None,
            error,
            connection.dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=bool(driver.closed),
            dialect=connection.dialect,
        ) from error


@contextmanager
def _translated() -> Iterator[None]:
    """Whatever a database says is its own trouble, and waiting may help, but for a value that it cannot store: that
    error is left as it is, for whoever gave the value."""
    try:
        yield
    except sa.exc.TimeoutError as error:  # no connection of the pool became free
        raise Unavailable(Problem(Fault.STORE_DOWN, got=str(error)[:300])) from error
    except sa.exc.DBAPIError as error:
        if _is_the_values(error):
            raise
        got = f"{type(error.orig).__name__}: {error.orig}"[:300]
        if type(error) is sa.exc.DatabaseError and not _state(error):  # SQLite: not a database, or a damaged one
            raise Corrupted(Problem(Fault.STORE_DOWN, got=got)) from error
        raise Unavailable(Problem(Fault.STORE_DOWN, got=got)) from error


def _is_the_values(error: sa.exc.DBAPIError) -> bool:
    if state := _state(error):
        return state[:2] in _VALUES
    return isinstance(error, (sa.exc.DataError, sa.exc.IntegrityError))  # SQLite, and what the driver finds itself


def _state(error: sa.exc.DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


def _leave_that_server(context: sa.engine.ExceptionContext) -> None:
    """The next connection is a new one, perhaps to another server, where this one will not do again."""
    if getattr(context.original_exception, "sqlstate", None) in _ELSEWHERE:
        context.is_disconnect = True


def _given_back(_connection: object, record: sa.pool.ConnectionPoolEntry) -> None:
    record.info["used"] = time.monotonic()


def _asked_after_a_rest(connection: Any, record: sa.pool.ConnectionPoolEntry, _proxy: object) -> None:
    """A connection that nobody has used for a while may be lost, and is replaced in silence. One that has just worked
    is not asked: that would cost as much as a statement, and what breaks in the middle of the work shows itself there.
    """
    if time.monotonic() - record.info.get("used", math.inf) < REST:
        return
    try:
        connection.autocommit = True  # or a transaction would begin with it, and have to end
        connection.execute("")
        connection.autocommit = False
    except connection.Error as error:
        raise sa.exc.InvalidatePoolError from error


def _at_home(url: sa.URL) -> sa.URL:
    """`url` of a file that is private from its first byte on. In a folder that nobody may write into, as an auditor's
    copy, it is only read: without the lock files that SQLite would make beside it.

    Raises :class:`Misconfigured` FILE_UNUSABLE for such a copy whose last entries lie in a log beside it that only a
    folder which can be written lets us read."""
    path = Path(url.database or "")
    if not path.name or path.name == ":memory:" or not path.parent.is_dir():
        return url
    if os.access(path.parent, os.W_OK):
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        return url
    log = Path(f"{path}-wal")
    unfinished = log.exists() and log.stat().st_size > 0
    if unfinished and not Path(f"{path}-shm").exists():
        raise Misconfigured(Problem(Fault.FILE_UNUSABLE, str(log), got="read-only; copy the home to a writable folder"))
    query = {"mode": "ro", "uri": "true"} | ({} if unfinished else {"immutable": "1"})
    return url.set(database=f"file:{quote(str(path))}").update_query_dict(query)


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
