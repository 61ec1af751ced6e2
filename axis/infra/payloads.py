"""Payload bytes, each stored once under its SHA-256. Record, queue and journal hold only the digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.errors import Corrupted, Fault, Problem
from axis.infra.database import insert_each_or_ignore, insert_or_ignore, metadata

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
LARGE = 1024 * 1024  # bytes
SMALL = 16 * 1024  # bytes
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
    if connection.execute(sa.select(payload.c.digest).where(payload.c.digest == digest)).first() is None:
        insert_or_ignore(connection, payload, {"digest": digest, "content": content})
        if (
            len(content) > LARGE
        ):  # SQLite's prepared statement holds what it was given last: 50 MB for the process' life
            insert_or_ignore(connection, payload, {"digest": digest, "content": b""})


def put_all(connection: Connection, contents: Collection[tuple[str, bytes]]) -> None:
    """Store each of these (SHA-256, bytes) unless it is there.

    In one order for everybody, by kind and then as they are given, so that of two who store the same one waits. The
    small ones go to PostgreSQL in one statement; of larger ones an array costs the server more than it spares."""
    ordinary = [one for one in contents if len(one[1]) <= LARGE]
    if connection.dialect.name == "sqlite":
        if ordinary:
            connection.exec_driver_sql(_PUT_SQLITE, ordinary)
    else:
        small = [one for one in ordinary if len(one[1]) <= SMALL]
        if small:
            connection.exec_driver_sql(_PUT_SMALL, ([one[0] for one in small], [one[1] for one in small]))
        if larger := [one for one in ordinary if len(one[1]) > SMALL]:
            connection.exec_driver_sql(_PUT_POSTGRESQL, larger)
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
    rows = connection.execute(sa.select(payload).where(payload.c.digest.in_(sorted(set(digests)))))
    found = {row.digest: bytes(row.content) for row in rows}
    return {digest: content for digest, content in found.items() if digest_of(content) == digest}


def mend(connection: Connection, content: bytes) -> None:
    """These bytes have come again: what is stored under their digest is them, whatever a disk has made of it."""
    where = payload.c.digest == digest_of(content)
    connection.execute(sa.update(payload).where(where).values(content=content))


def get(connection: Connection, digest: str) -> bytes:
    """The bytes with this digest. Raises :class:`Corrupted` BODY_CORRUPT when they are missing or altered."""
    content = connection.execute(sa.select(payload.c.content).where(payload.c.digest == digest)).scalar()
    if content is None or hashlib.sha256(content).hexdigest() != digest:
        raise Corrupted(Problem(Fault.BODY_CORRUPT, expected=digest))
    return bytes(content)


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
