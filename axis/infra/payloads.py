"""Payload bytes, each stored once under its SHA-256. Record, queue and journal hold only the digest.

Small ones, receipts above all, lie in a row. A larger one lies in a segment beside the database where that has any
(axis/infra/segments.py), and its row says where; else in its row too. On PostgreSQL without segments the parcels of
documents lie apart (axis/infra/volumes.py): they end one day, receipts do not. Whoever asks does not notice. What lies
where is read as it lies, whatever the setting is by now.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import sqlalchemy as sa

from axis.errors import Corrupted, Fault, Problem
from axis.infra import pieces, volumes
from axis.infra.database import insert_all_or_ignore, insert_each_or_ignore, insert_or_ignore, metadata
from axis.infra.segments import Range

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from sqlalchemy.engine import Connection

    from axis.infra.database import Database
    from axis.infra.segments import Segments

log = logging.getLogger(__name__)
References = Sequence["sa.Column[str]"]  # the columns of a database that name payloads

payload = sa.Table(
    "payload",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),  # empty where it lies in a segment
    sa.Column("segment", sa.Text, nullable=False, server_default=""),
    sa.Column("start", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("length", sa.BigInteger, nullable=False, server_default="0"),  # in the segment
    sa.Index(
        "payload_segment",
        "segment",
        "length",
        sqlite_where=sa.text("segment <> ''"),
    ),
)


_THERE = sa.select(payload.c.digest).where(
    payload.c.digest.in_(sa.select(sa.func.json_each(sa.bindparam("digests")).table_valued("value").c.value))
)
LARGE = pieces.LARGE
SMALL = 16 * 1024  # bytes: up to here writing a row twice (SQLite's log, its file) costs less than a flush of a segment
MOVED = 32 * 1024 * 1024  # bytes that one transaction moves
_IN_SEGMENT = payload.c.segment != ""
_PUT_SQLITE = "INSERT INTO payload (digest, content) VALUES (?, ?) ON CONFLICT DO NOTHING"
_PUT_POSTGRESQL = "INSERT INTO payload (digest, content) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_PUT_SMALL = (
    "INSERT INTO payload (digest, content) SELECT unnest(%b::text[]), unnest(%b::bytea[]) ON CONFLICT DO NOTHING"
)


def digest_of(content: bytes) -> str:
    """The hex SHA-256 that `content` is kept under."""
    return hashlib.sha256(content).hexdigest()


def put(connection: Connection, content: bytes) -> str:
    """Store `content` unless it is there; its hex SHA-256."""
    digest = digest_of(content)
    _put(connection, digest, content)
    return digest


def _put(connection: Connection, digest: str, content: bytes) -> None:
    # Asking first spares sending megabytes that are already there; the UNIQUE key still decides.
    in_pieces = len(content) > LARGE and connection.dialect.name != "sqlite" and not _appending(connection, content)
    if in_pieces:
        pieces.alone(connection, digest)
    if connection.execute(sa.select(payload.c.digest).where(payload.c.digest == digest)).first() is not None:
        return
    if in_pieces:
        pieces.write(connection, "payload (digest, content)", [digest.encode()], content)
        return
    row = _row(_appending(connection, content), digest, content)
    insert_or_ignore(connection, payload, row)
    if len(row["content"]) > LARGE:  # SQLite's prepared statement holds what it was given last: 50 MB for good
        insert_or_ignore(connection, payload, row | {"content": b""})


def put_all(
    connection: Connection, contents: Collection[tuple[str, bytes]], ending: Collection[str] = frozenset()
) -> None:
    """Store each of these (SHA-256, bytes) unless it is there; those that are `ending` are parcels of documents, whose
    time will be over one day.

    In one order for everybody, by kind and then as they are given, so that of two who store the same one waits. The
    small ones go to PostgreSQL in one statement; of larger ones an array costs the server more than it spares."""
    if ending and connection.dialect.name != "sqlite":
        volumes.keep(connection, [one for one in contents if one[0] in ending and not _appending(connection, one[1])])
        contents = [one for one in contents if one[0] not in ending or _appending(connection, one[1])]
    apart = [one for one in contents if len(one[1]) > LARGE or _appending(connection, one[1]) is not None]
    names = {digest for digest, _ in apart}
    ordinary = [one for one in contents if one[0] not in names]
    if connection.dialect.name == "sqlite":
        if ordinary:
            connection.exec_driver_sql(_PUT_SQLITE, ordinary)
    else:
        small = [one for one in ordinary if len(one[1]) <= SMALL]
        if small:
            connection.exec_driver_sql(_PUT_SMALL, ([one[0] for one in small], [one[1] for one in small]))
        if larger := [one for one in ordinary if len(one[1]) > SMALL]:
            connection.exec_driver_sql(_PUT_POSTGRESQL, larger)
    if apart:
        there = set(connection.execute(sa.select(payload.c.digest).where(payload.c.digest.in_(names))).scalars())
        new = [one for one in apart if one[0] not in there]
        rows = [_row(segments, *one) for one in new if (segments := _appending(connection, one[1])) is not None]
        insert_all_or_ignore(connection, payload, rows)
        for digest, content in new:
            if _appending(connection, content) is None:
                _put(connection, digest, content)


def put_known(connection: Connection, contents: Mapping[str, bytes]) -> None:
    """On SQLite: store each of these that is not there under its SHA-256. What is there is asked with one statement,
    however many; what is not, is put by one that is run for each."""
    there = set(connection.execute(_THERE, {"digests": json.dumps(list(contents))}).scalars())
    rows = [
        _row(_appending(connection, content), digest, content)
        for digest, content in contents.items()
        if digest not in there
    ]
    if rows:
        insert_each_or_ignore(connection, payload, rows)
        if any(len(row["content"]) > LARGE for row in rows):  # as in put()
            insert_each_or_ignore(connection, payload, [rows[0] | {"content": b""}])


def _segments(connection: Connection) -> Segments | None:
    """The segments of the database behind `connection`."""
    return cast("Segments | None", connection.info.get("segments"))


def _appending(connection: Connection, content: bytes) -> Segments | None:
    """The segments that `content` is to lie in; None for a row."""
    segments = _segments(connection)
    return segments if segments is not None and segments.appends and len(content) > SMALL else None


def _row(segments: Segments | None, digest: str, content: bytes) -> dict[str, Any]:
    if segments is None:
        return {"digest": digest, "content": content, "segment": "", "start": 0, "length": 0}
    return {"digest": digest, "content": b"", **_place(segments.append(digest, content))}


def _place(where: Range) -> dict[str, Any]:
    return {"segment": where.segment, "start": where.start, "length": where.length}


def get_sound(connection: Connection, digests: Collection[str]) -> dict[str, bytes]:
    """The bytes with these digests, but those that are missing or altered; what is altered in a segment is said in the
    log."""
    wanted = set(digests) - {""}
    if not wanted:
        return {}
    found = {}
    for row in _rows(connection, wanted):
        content = _content(connection, row)
        if content is not None:
            found[row.digest] = content
        elif row.segment:
            log.error("%s %s: %s", Fault.BODY_CORRUPT.code, _where(connection, row), row.digest)
    if connection.dialect.name != "sqlite" and (missing := wanted - found.keys()):
        apart = volumes.read(connection, missing)
        found |= {digest: content for digest, content in apart.items() if digest_of(content) == digest}
    return found


class _Kept(NamedTuple):
    """A row of `payload`."""

    digest: str
    content: bytes
    segment: str
    start: int
    length: int


def _rows(connection: Connection, digests: Collection[str]) -> list[_Kept]:
    wanted = payload.c.digest.in_(sorted(digests))
    if connection.dialect.name == "sqlite":
        return [_Kept(*row) for row in connection.execute(sa.select(payload).where(wanted))]
    places = sa.select(payload.c.digest, payload.c.segment, payload.c.start, payload.c.length).where(wanted)
    rows = connection.execute(places).all() if _segments(connection) is not None else []
    held = pieces.read(connection, "payload", set(digests) - {row.digest for row in rows if row.segment})
    lying = [_Kept(row.digest, b"", row.segment, row.start, row.length) for row in rows if row.segment]
    return [*lying, *(_Kept(digest, content, "", 0, 0) for digest, content in held.items())]


def mend(connection: Connection, content: bytes) -> None:
    """These bytes have come again: what is stored under their digest is them, whatever a disk has made of it."""
    digest = digest_of(content)
    where = payload.c.digest == digest
    if connection.dialect.name != "sqlite":
        volumes.mend(connection, digest, content)
    segments = _appending(connection, content)
    if segments is not None:  # what is sound, or is not there, is not appended once more
        row = connection.execute(sa.select(payload).where(where)).first()
        if row is None or _read(connection, row) == content:
            return
    connection.execute(sa.update(payload).where(where).values(**_row(segments, digest, content)))


def get(connection: Connection, digest: str) -> bytes:
    """The bytes with this digest. Raises :class:`Corrupted` BODY_CORRUPT when they are missing or altered, with segment
    and offset where they lie in one."""
    row = next(iter(_rows(connection, {digest})), None)
    content = _content(connection, row) if row is not None else None
    if row is None and connection.dialect.name != "sqlite":
        content = volumes.read(connection, [digest]).get(digest)
        if content is not None and digest_of(content) != digest:
            content = None
    if content is None:
        where = _where(connection, row) if row is not None and row.segment else ""
        raise Corrupted(Problem(Fault.BODY_CORRUPT, where, expected=digest))
    return content


def _content(connection: Connection, row: _Kept | sa.Row[Any]) -> bytes | None:
    """The bytes of a row of `payload`; None where they are not what was stored."""
    segments = _segments(connection)
    if row.segment and segments is not None and (held := segments.recent(row.digest)) is not None:
        return held
    content = _read(connection, row)
    return content if digest_of(content) == row.digest else None


def _read(connection: Connection, row: _Kept | sa.Row[Any]) -> bytes:
    if not row.segment:
        return bytes(row.content)
    segments = _segments(connection)
    return segments.read(Range(row.segment, row.start, row.length)) if segments is not None else b""


def _where(connection: Connection, row: _Kept) -> str:
    segments = _segments(connection)
    return f"{segments.folder.name if segments is not None else '?'}/{row.segment}:{row.start}+{row.length}"


def release(connection: Connection, digest: str, references: Iterable[sa.Column[str]]) -> bool:
    """Drop this payload if no column of `references` names it any more; True if it was dropped."""
    for column in references:
        if connection.execute(sa.select(sa.literal(1)).where(column == digest).limit(1)).first() is not None:
            return False
    return connection.execute(sa.delete(payload).where(payload.c.digest == digest)).rowcount > 0


def release_all(connection: Connection, digests: Collection[str], references: Iterable[sa.Column[str]]) -> None:
    """:func:`release` for each of `digests`, all at once: a column without an index is looked through once."""
    named = _named(digests, references)
    connection.execute(sa.delete(payload).where(payload.c.digest.in_(digests), payload.c.digest.not_in(named)))
    if connection.dialect.name != "sqlite":
        parcel = volumes.parcel
        connection.execute(sa.delete(parcel).where(parcel.c.digest.in_(digests), parcel.c.digest.not_in(named)))


def end(connection: Connection, digests: Collection[str], references: Iterable[sa.Column[str]]) -> None:
    """As :func:`release_all`, for parcels whose time is over: what lies in a volume ends with it."""
    named = _named(digests, references)
    connection.execute(sa.delete(payload).where(payload.c.digest.in_(digests), payload.c.digest.not_in(named)))


def sizes(connection: Connection, digests: Collection[str]) -> dict[str, int]:
    """How many bytes are kept under each of these digests."""
    tables = [payload] if connection.dialect.name == "sqlite" else [payload, volumes.parcel]
    found: dict[str, int] = {}
    for table in tables:
        size = sa.func.length(table.c.content) + (table.c.length if table is payload else 0)
        rows = connection.execute(sa.select(table.c.digest, size).where(table.c.digest.in_(digests))).all()
        found |= {digest: int(number) for digest, number in rows}
    return found


def _named(digests: Collection[str], references: Iterable[sa.Column[str]]) -> sa.CompoundSelect[Any]:
    return sa.union_all(*(sa.select(column).where(column.in_(digests)) for column in references))


def sweep(connection: Connection, references: Iterable[sa.Column[str]]) -> int:
    """Drop every payload that no column of `references` names any more; how many.

    All that is named is gathered once: asking every column for each payload took minutes for a year's mail."""
    named = sa.union_all(*(sa.select(column) for column in references))
    return connection.execute(sa.delete(payload).where(payload.c.digest.not_in(named))).rowcount


# -- Segments as a whole ----------------------------------------------------------------------------------------


class Moved(NamedTuple):
    """How many payloads lie elsewhere now, or how many segments are gone, and their bytes."""

    number: int = 0
    size: int = 0


def clear(database: Database, *, idle: float = 3600.0, share: float = 0.125) -> Moved:
    """Delete the segments none of whose bytes are named by a row any more, whatever has dropped the rows
    (:func:`release`, :func:`sweep`); how many and how large they were. What little is left of an old segment, at most
    `share` of it, is put into the newest first, and the old one deleted the next time: a reader may have read its
    place just now.

    Only segments that nobody appends to, for `idle` seconds; none while a backup is being made. May be killed at any
    point, and called again."""
    segments = database.segments
    if segments is None or len(segments.names()) < 2:
        return Moved()
    with segments.deleting() as may:
        if not may:
            return Moved()
        with database.begin() as connection:  # on SQLite nobody has appended what is not committed
            named = _bytes_named(connection)
            ended = segments.ended(idle)
        over = [segments.delete(name) for name in ended if name not in named]
        for name in ended:
            size = named.get(name, 0)
            if 0 < size <= share * _size(segments, name):
                _move(database, sa.and_(_IN_SEGMENT, payload.c.segment == name))
    return Moved(len(over), sum(over))


def _bytes_named(connection: Connection) -> dict[str, int]:
    """How many bytes of each segment are named by a row."""
    size = sa.func.sum(payload.c.length)
    rows = connection.execute(sa.select(payload.c.segment, size).where(_IN_SEGMENT).group_by(payload.c.segment))
    return {name: int(found) for name, found in rows}


def _size(segments: Segments, name: str) -> int:
    return (segments.folder / name).stat().st_size


def in_rows(connection: Connection) -> int:
    """How many payloads lie in a row that are large enough for a segment."""
    return int(connection.execute(sa.select(sa.func.count()).where(_large_row())).scalar_one())


def move_to_segments(database: Database, progress: Callable[[int], None] = lambda _: None) -> Moved:
    """Put every large payload that lies in a row into a segment; nothing where the database has none to append to. May
    be killed at any point, and called again: each transaction leaves every payload whole. What is damaged stays."""
    if database.segments is None or not database.segments.appends:
        return Moved()
    return _move(database, _large_row(), progress)


def _large_row() -> sa.ColumnElement[bool]:
    return sa.and_(payload.c.segment == "", sa.func.length(payload.c.content) > SMALL)


def _move(database: Database, which: sa.ColumnElement[bool], progress: Callable[[int], None] = lambda _: None) -> Moved:
    """Put these payloads into the newest segment, so many bytes in a transaction."""
    segments, last = database.segments, ""
    assert segments is not None  # noqa: S101  of the callers
    size = sa.func.length(payload.c.content) + payload.c.length
    query = sa.select(payload.c.digest, size).where(which, payload.c.digest > sa.bindparam("last"))
    moved = Moved()
    while True:
        with database.begin() as connection:
            found = connection.execute(query.order_by(payload.c.digest).limit(500), {"last": last}).all()
            if not found:
                return moved
            taken = 0
            for digest, length in found:
                if taken and taken + length > MOVED:
                    break
                row = connection.execute(sa.select(payload).where(payload.c.digest == digest)).one()
                content = _content(connection, row)
                if content is not None:
                    where = payload.c.digest == digest
                    connection.execute(sa.update(payload).where(where).values(**_row(segments, digest, content)))
                    moved = Moved(moved.number + 1, moved.size + len(content))
                taken, last = taken + length, digest
        progress(moved.number)
