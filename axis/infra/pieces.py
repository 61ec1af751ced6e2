"""Large values of a row on PostgreSQL, a piece at a time: at once such a value would be in memory four times, as text,
as the driver's library copies that, and as bytes."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

from axis.infra.database import copying

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.engine import Connection

LARGE = 1024 * 1024  # bytes; what is longer is written and read in pieces of so many
# A row of COPY's binary form: its head, each field behind its length, its end.
_HEAD, _END, _LENGTH = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff", struct.Struct(">i")


def alone(connection: Connection, digest: str) -> None:
    """Nobody else stores these bytes until the transaction ends: COPY knows no conflicts."""
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (int(digest[:15], 16),))


def write(connection: Connection, into: str, fields: Sequence[bytes], content: bytes) -> None:
    """A new row of `into` (``table (columns)``, the last of which is for `content`), `fields` in their binary form. An
    error where its key is taken."""
    view = memoryview(content)
    with copying(connection, f"COPY {into} FROM STDIN (FORMAT BINARY)") as stream:
        stream.write(_HEAD + (len(fields) + 1).to_bytes(2, "big"))
        for field in fields:
            stream.write(_LENGTH.pack(len(field)) + field)
        stream.write(_LENGTH.pack(len(content)))
        for start in range(0, len(content), LARGE):
            stream.write(view[start : start + LARGE])
        stream.write(_END)


def read(connection: Connection, table: str, digests: Collection[str]) -> dict[str, bytes]:
    """What lies in `table` (digest, content) under these digests; unchecked."""
    short = f"CASE WHEN octet_length(content) <= {LARGE} THEN content END"
    text = f"SELECT digest, {short}, octet_length(content) FROM {table} WHERE digest = ANY(%s)"  # noqa: S608  our names
    rows = connection.exec_driver_sql(text, (sorted(set(digests)),)).all()
    return {
        digest: bytes(content) if content is not None else _read(connection, table, digest, size)
        for digest, content, size in rows
    }


def _read(connection: Connection, table: str, digest: str, size: int) -> bytes:
    whole = io.BytesIO()
    text = f"SELECT substring(content, %s, %s) FROM {table} WHERE digest = %s LIMIT 1"  # noqa: S608  our names
    for first in range(1, size + 1, LARGE):
        whole.write(connection.exec_driver_sql(text, (first, LARGE, digest)).scalar() or b"")
    return whole.getvalue()
