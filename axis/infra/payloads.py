"""Payload bytes, each stored once under its SHA-256. Record, queue and journal hold only the digest."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.errors import Corrupted, Fault, Problem
from axis.infra.database import copying, insert_each_or_ignore, insert_or_ignore, metadata

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy.engine import Connection

References = Sequence["sa.Column[str]"]  # the columns of a database that name payloads

payload = sa.Table(
    "payload",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)


_THERE = sa.select(payload.c.digest).where(
    payload.c.digest.in_(sa.select(sa.func.json_each(sa.bindparam("digests")).table_valued("value").c.value))
)
LARGE = 1024 * 1024  # bytes; what is longer goes to PostgreSQL and comes from it in pieces of so many
_SIZES = sa.select(
    payload.c.digest,
    sa.case((sa.func.octet_length(payload.c.content) <= LARGE, payload.c.content)).label("content"),
    sa.func.octet_length(payload.c.content).label("size"),
)
_PIECE = sa.select(sa.func.substring(payload.c.content, sa.bindparam("first"), sa.bindparam("count"))).where(
    payload.c.digest == sa.bindparam("of")
)
# A row of COPY's binary form: its head, (digest, content), its end.
_COPY_HEAD, _COPY_END, _LENGTH = b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\2", b"\xff\xff", struct.Struct(">i")


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
    in_pieces = len(content) > LARGE and connection.dialect.name != "sqlite"
    if in_pieces:  # COPY knows no conflicts: nobody else stores this meanwhile
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(int(digest[:15], 16))))
    if connection.execute(sa.select(payload.c.digest).where(payload.c.digest == digest)).first() is not None:
        return
    if in_pieces:
        _copy(connection, digest, content)
        return
    insert_or_ignore(connection, payload, {"digest": digest, "content": content})
    if len(content) > LARGE:  # SQLite's prepared statement holds what it was given last: 50 MB for the process' life
        insert_or_ignore(connection, payload, {"digest": digest, "content": b""})


def _copy(connection: Connection, digest: str, content: bytes) -> None:
    """As a parameter the driver's library would hold it once more, and keep that memory."""
    key, view = digest.encode(), memoryview(content)
    with copying(connection, "COPY payload (digest, content) FROM STDIN (FORMAT BINARY)") as stream:
        stream.write(_COPY_HEAD + _LENGTH.pack(len(key)) + key + _LENGTH.pack(len(content)))
        for start in range(0, len(content), LARGE):
            stream.write(view[start : start + LARGE])
        stream.write(_COPY_END)


def put_all(connection: Connection, contents: Collection[tuple[str, bytes]]) -> None:
    """Store each of these (SHA-256, bytes) unless it is there."""
    ordinary = [one for one in contents if len(one[1]) <= LARGE]
    if ordinary:
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        text = f"INSERT INTO payload (digest, content) VALUES ({mark}, {mark}) ON CONFLICT DO NOTHING"  # noqa: S608
        connection.exec_driver_sql(text, ordinary)
    for digest, content in contents:
        if len(content) > LARGE:
            _put(connection, digest, content)


def put_each(connection: Connection, contents: Sequence[bytes]) -> list[str]:
    """Store all of these that are not there; their hex SHA-256, in order. Two statements, however many."""
    digests = [digest_of(content) for content in contents]
    wanted = dict(zip(digests, contents, strict=True))
    there = set(connection.execute(_THERE, {"digests": json.dumps(list(wanted))}).scalars())
    rows = [{"digest": digest, "content": content} for digest, content in wanted.items() if digest not in there]
    if rows:
        insert_each_or_ignore(connection, payload, rows)
        if any(len(row["content"]) > LARGE for row in rows):  # as in put()
            insert_each_or_ignore(connection, payload, [{"digest": rows[0]["digest"], "content": b""}])
    return digests


def get_sound(connection: Connection, digests: Iterable[str]) -> dict[str, bytes]:
    """The bytes with these digests, but those that are missing or altered."""
    wanted = payload.c.digest.in_(sorted(set(digests)))
    if connection.dialect.name == "sqlite":
        rows = connection.execute(sa.select(payload).where(wanted))
        found = {row.digest: bytes(row.content) for row in rows}
    else:
        sized = connection.execute(_SIZES.where(wanted)).all()
        found = {
            row.digest: bytes(row.content) if row.size <= LARGE else _in_pieces(connection, row.digest, row.size)
            for row in sized
        }
    return {digest: content for digest, content in found.items() if digest_of(content) == digest}


def _in_pieces(connection: Connection, digest: str, size: int) -> bytes:
    """At once it would be in memory four times: as text, as the driver's library copies that, and as bytes."""
    whole = io.BytesIO()
    for first in range(1, size + 1, LARGE):
        piece = connection.execute(_PIECE, {"first": first, "count": LARGE, "of": digest}).scalar()
        whole.write(piece or b"")
    return whole.getvalue()


def mend(connection: Connection, content: bytes) -> None:
    """These bytes have come again: what is stored under their digest is them, whatever a disk has made of it."""
    where = payload.c.digest == digest_of(content)
    connection.execute(sa.update(payload).where(where).values(content=content))


def get(connection: Connection, digest: str) -> bytes:
    """The bytes with this digest. Raises :class:`Corrupted` BODY_CORRUPT when they are missing or altered."""
    content = get_sound(connection, [digest]).get(digest)
    if content is None:
        raise Corrupted(Problem(Fault.BODY_CORRUPT, expected=digest))
    return content


def release(connection: Connection, digest: str, references: Iterable[sa.Column[str]]) -> bool:
    """Drop this payload if no column of `references` names it any more; True if it was dropped."""
    for column in references:
        if connection.execute(sa.select(sa.literal(1)).where(column == digest).limit(1)).first() is not None:
            return False
    return connection.execute(sa.delete(payload).where(payload.c.digest == digest)).rowcount > 0


def release_all(connection: Connection, digests: Collection[str], references: Iterable[sa.Column[str]]) -> None:
    """:func:`release` for each of `digests`, all at once: a column without an index is looked through once."""
    named = sa.union_all(*(sa.select(column).where(column.in_(digests)) for column in references))
    connection.execute(sa.delete(payload).where(payload.c.digest.in_(digests), payload.c.digest.not_in(named)))


def sweep(connection: Connection, references: Iterable[sa.Column[str]]) -> int:
    """Drop every payload that no column of `references` names any more; how many.

    All that is named is gathered once: asking every column for each payload took minutes for a year's mail."""
    named = sa.union_all(*(sa.select(column) for column in references))
    return connection.execute(sa.delete(payload).where(payload.c.digest.not_in(named))).rowcount
