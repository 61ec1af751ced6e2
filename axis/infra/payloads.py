"""Payload bytes, each stored once under its SHA-256. Record, queue and journal hold only the digest.

On PostgreSQL the parcels of documents lie apart (axis/infra/volumes.py): they end one day, receipts do not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.errors import Corrupted, Fault, Problem
from axis.infra import volumes
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


def put_all(
    connection: Connection, contents: Collection[tuple[str, bytes]], ending: Collection[str] = frozenset()
) -> None:
    """Store each of these (SHA-256, bytes) unless it is there; those that are `ending` are parcels of documents, whose
    time will be over one day."""
    if ending and connection.dialect.name != "sqlite":
        volumes.keep(connection, [one for one in contents if one[0] in ending])
        contents = [one for one in contents if one[0] not in ending]
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


def get_sound(connection: Connection, digests: Collection[str]) -> dict[str, bytes]:
    """The bytes with these digests, but those that are missing or altered."""
    rows = connection.execute(sa.select(payload).where(payload.c.digest.in_(sorted(set(digests)))))
    found = {row.digest: bytes(row.content) for row in rows}
    if connection.dialect.name != "sqlite" and (missing := set(digests) - found.keys() - {""}):
        found |= volumes.read(connection, missing)
    return {digest: content for digest, content in found.items() if digest_of(content) == digest}


def mend(connection: Connection, content: bytes) -> None:
    """These bytes have come again: what is stored under their digest is them, whatever a disk has made of it."""
    where = payload.c.digest == digest_of(content)
    connection.execute(sa.update(payload).where(where).values(content=content))


def get(connection: Connection, digest: str) -> bytes:
    """The bytes with this digest. Raises :class:`Corrupted` BODY_CORRUPT when they are missing or altered."""
    content = connection.execute(sa.select(payload.c.content).where(payload.c.digest == digest)).scalar()
    if content is None and connection.dialect.name != "sqlite":
        content = volumes.read(connection, [digest]).get(digest)
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
        size = sa.func.length(table.c.content)
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
