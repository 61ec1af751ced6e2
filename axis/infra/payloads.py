"""Payload bytes, each stored once under its SHA-256. Record, queue and journal hold only the digest."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.errors import Corrupted, Fault, Problem
from axis.infra.database import insert_or_ignore, metadata

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

payload = sa.Table(
    "payload",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)


def put(connection: Connection, content: bytes) -> str:
    """Store `content` unless it is there; its hex SHA-256."""
    digest = hashlib.sha256(content).hexdigest()
    # Asking first spares sending megabytes that are already there; the UNIQUE key still decides.
    if connection.execute(sa.select(payload.c.digest).where(payload.c.digest == digest)).first() is None:
        insert_or_ignore(connection, payload, {"digest": digest, "content": content})
    return digest


def get(connection: Connection, digest: str) -> bytes:
    """The bytes with this digest. Raises :class:`Corrupted` BODY_CORRUPT when they are missing or altered."""
    content = connection.execute(sa.select(payload.c.content).where(payload.c.digest == digest)).scalar()
    if content is None or hashlib.sha256(content).hexdigest() != digest:
        raise Corrupted(Problem(Fault.BODY_CORRUPT, expected=digest))
    return bytes(content)


def sweep(connection: Connection, references: Iterable[sa.Column[str]]) -> int:
    """Drop every payload that no column of `references` names any more; how many."""
    unused = sa.and_(*(~sa.exists(sa.select(sa.literal(1)).where(column == payload.c.digest)) for column in references))
    return connection.execute(sa.delete(payload).where(unused)).rowcount
