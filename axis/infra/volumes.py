"""PostgreSQL: parcels of documents lie in volumes, one for each stretch of time, so that what ends goes with its file.

Deleting a row of 100 KB marks fifty pieces of it as dead, writes that into the log, and leaves the rest to VACUUM:
as much work again as keeping it was. A volume is a partition of the table `parcel`; it is dropped when no row names
anything in it. What little of it is still named then is carried over into the newest volume first. New parcels go
into the newest volume there is, whatever the clock says. Small things (receipts, registries) are rows of `payload`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.core.instant import to_text
from axis.infra import pieces
from axis.infra.database import metadata

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy.engine import Connection

# Only PostgreSQL has these tables; `digest` is unique within a volume.
parcel = sa.Table(
    "parcel",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("volume", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    info={"only": "postgresql", "partition_by": "LIST (volume)"},
)
volume = sa.Table(
    "volume",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("began_at", sa.Text, nullable=False),  # "" of the first: before anybody looked
    sa.Column("closed_at", sa.Text, nullable=False, server_default=""),
    info={"only": "postgresql"},
)
TABLES = (parcel, volume)
FIRST = ("CREATE TABLE parcel_1 PARTITION OF parcel FOR VALUES IN (1)",)
BEGIN = ("INSERT INTO volume (number, began_at) VALUES (1, '')",)


@sa.event.listens_for(parcel, "after_create")
@sa.event.listens_for(volume, "after_create")
def _first(table: sa.Table, connection: Connection, **_: Any) -> None:
    for statement in FIRST if table is parcel else BEGIN:
        connection.exec_driver_sql(statement)


PATIENCE = "300ms"  # that dropping a volume waits for who reads: as long everybody else waits behind it
_NEWEST = "(SELECT max(number) FROM volume)"
_KEEP = f"INSERT INTO parcel (digest, volume, content) VALUES (%s, {_NEWEST}, %s) ON CONFLICT DO NOTHING"  # noqa: S608
_CARRY = (
    f"INSERT INTO parcel (digest, volume, content) SELECT digest, {_NEWEST}, content FROM parcel "  # noqa: S608
    "WHERE volume = %s AND digest = ANY(%s) ON CONFLICT DO NOTHING"
)


def keep(connection: Connection, contents: Sequence[tuple[str, bytes]]) -> None:
    """Store each of these (SHA-256, bytes) in the newest volume, unless it is there."""
    ordinary = [one for one in contents if len(one[1]) <= pieces.LARGE]
    if ordinary:
        connection.exec_driver_sql(_KEEP, ordinary)
    for digest, content in contents:
        if len(content) > pieces.LARGE:
            _keep_large(connection, digest, content)


def _keep_large(connection: Connection, digest: str, content: bytes) -> None:
    pieces.alone(connection, digest)
    newest = connection.execute(sa.select(sa.func.max(volume.c.number))).scalar_one()
    there = sa.select(parcel.c.digest).where(parcel.c.digest == digest, parcel.c.volume == newest)
    if connection.execute(there).first() is None:
        fields = [digest.encode(), int(newest).to_bytes(4, "big")]
        pieces.write(connection, "parcel (digest, volume, content)", fields, content)


def read(connection: Connection, digests: Collection[str]) -> dict[str, bytes]:
    """What lies in any volume under these digests; unchecked."""
    return pieces.read(connection, "parcel", digests)


def mend(connection: Connection, digest: str, content: bytes) -> None:
    """What lies in any volume under this digest is these bytes."""
    connection.execute(sa.update(parcel).where(parcel.c.digest == digest).values(content=content))


def turn(connection: Connection, now: datetime, length: timedelta) -> bool:
    """Begin a new volume, where the newest has taken in what came for `length`; whether it was. Nobody waits for it."""
    newest = connection.execute(sa.select(volume).order_by(volume.c.number.desc()).limit(1)).one()
    of_it = volume.c.number == newest.number
    if not newest.began_at:
        connection.execute(sa.update(volume).where(of_it).values(began_at=to_text(now)))
    if not newest.began_at or newest.began_at > to_text(now - length):
        return False
    name = f"parcel_{newest.number + 1}"
    # ATTACH, unlike PARTITION OF, keeps nobody from reading and writing meanwhile.
    connection.exec_driver_sql(f"CREATE TABLE {name} (LIKE parcel INCLUDING ALL)")
    connection.exec_driver_sql(f"ALTER TABLE parcel ATTACH PARTITION {name} FOR VALUES IN ({newest.number + 1})")
    connection.execute(sa.update(volume).where(of_it).values(closed_at=to_text(now)))
    connection.execute(volume.insert().values(number=newest.number + 1, began_at=to_text(now)))
    return True


def closed(connection: Connection, before: datetime) -> list[tuple[int, str]]:
    """(number, when it was closed) of the volumes that were closed before a moment, the oldest first."""
    query = sa.select(volume.c.number, volume.c.closed_at)
    query = query.where(volume.c.closed_at != "", volume.c.closed_at < to_text(before)).order_by(volume.c.number)
    return [(row.number, row.closed_at) for row in connection.execute(query)]


def named(connection: Connection, number: int, names: Sequence[sa.Select[tuple[str]]], limit: int) -> list[str]:
    """Up to `limit` digests in this volume, and in no newer one, that `names` still name."""
    there, again = parcel.alias(), parcel.alias()
    carried = sa.exists().where(again.c.digest == there.c.digest, again.c.volume > number)
    query = sa.select(there.c.digest).where(
        there.c.volume == number, there.c.digest.in_(sa.union_all(*names)), ~carried
    )
    return list(connection.execute(query.limit(limit)).scalars())


def carry(connection: Connection, number: int, digests: Sequence[str]) -> None:
    """Copy these from a volume into the newest one."""
    connection.exec_driver_sql(_CARRY, (number, list(digests)))


def drop(connection: Connection, number: int) -> None:
    """Drop a volume with all that is in it. Raises the database's error, which leaves the transaction unusable, where
    somebody has been reading for longer than :data:`PATIENCE`: a dump, say."""
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}'")
    connection.exec_driver_sql(f"DROP TABLE parcel_{number}")
    connection.execute(sa.delete(volume).where(volume.c.number == number))


def sizes(connection: Connection) -> dict[int, int]:
    """The bytes on disk of each volume, by number."""
    numbers = connection.execute(sa.select(volume.c.number).order_by(volume.c.number)).scalars()
    size = "SELECT pg_total_relation_size(%s)"
    return {n: int(connection.exec_driver_sql(size, (f"parcel_{n}",)).scalar_one()) for n in numbers}
