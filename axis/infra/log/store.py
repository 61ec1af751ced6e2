"""SQL of the log: how far it goes, its tiles, and the leaves of the entries that have their places."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.core.instant import from_text, to_text
from axis.core.log import merkle, tiles
from axis.core.log.leaf import leaf
from axis.core.log.merkle import HASH_SIZE, Frontier
from axis.core.log.tiles import HEIGHT, Tile
from axis.errors import Corrupted, Fault, Problem
from axis.infra.database import upsert, upsert_all
from axis.infra.log.tables import log_checkpoint, log_head, log_tile, log_witness

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

MANY = 1000  # rows that are fetched at a time


@dataclass(frozen=True, slots=True)
class Head:
    """How far the `number`-th log of this record goes: `origin` is its name, `checkpoint` the signed note of this size,
    b"" where nothing stands in it yet."""

    number: int
    origin: str
    frontier: Frontier
    checkpoint: bytes = b""
    made_at: datetime | None = None


def head(connection: Connection) -> Head | None:
    """How far the log goes; None where there is none. Raises :class:`Corrupted` LEDGER_CORRUPT where it is no head."""
    row = connection.execute(_NEWEST).first()
    if row is None:
        return None
    data, checkpoint = _bytes(row.frontier), _bytes(row.checkpoint)
    roots = tuple(data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE))
    try:
        frontier = Frontier(row.size, roots)
    except ValueError as error:
        raise Corrupted(Problem(Fault.LEDGER_CORRUPT, got=f"log {row.id}: {error}"[:300])) from None
    return Head(row.id, row.origin, frontier, checkpoint, from_text(row.made_at))


_NEWEST = sa.select(log_head).order_by(log_head.c.id.desc()).limit(1)


def begin(connection: Connection, origin: str, now: datetime) -> Head:
    """A new log, with nothing in it. The tiles of the one before go: its leaves are read again for this one."""
    last = connection.execute(sa.select(sa.func.coalesce(sa.func.max(log_head.c.id), 0))).scalar_one()
    connection.execute(log_tile.delete())
    row = {"id": last + 1, "origin": origin, "size": 0, "frontier": b"", "checkpoint": b"", "made_at": to_text(now)}
    connection.execute(log_head.insert().values(row))
    return Head(last + 1, origin, Frontier(), b"", now)


def leaves(connection: Connection, after: int, limit: int) -> list[bytes]:
    """The leaf hashes of up to `limit` entries of the ledger that have the places behind `after`, in their order."""
    rows = connection.execute(_LEAVES, {"after": after, "limit": limit})
    found = []
    for place, row in enumerate(rows, after + 1):
        if row.position != place:
            raise Corrupted(Problem(Fault.LEDGER_CORRUPT, got=str(row.position), expected=str(place)))
        try:
            found.append(merkle.leaf_hash(leaf(bytes.fromhex(row.salt), row.canonical)))
        except ValueError:
            raise Corrupted(Problem(Fault.LEDGER_CORRUPT, got=str(place), expected="-")) from None
    return found


_LEAVES = sa.text("SELECT position, salt, canonical FROM ledger WHERE position > :after ORDER BY position LIMIT :limit")


def entries(connection: Connection, after: int, limit: int) -> Sequence[Any]:
    """(position, link, digest, canonical, axis_id, salt) of up to `limit` entries behind place `after`, in order."""
    return connection.execute(_ENTRIES, {"after": after, "limit": limit}).all()


_ENTRIES = sa.text(
    "SELECT position, link, digest, canonical, axis_id, salt FROM ledger WHERE position > :after ORDER BY position "
    "LIMIT :limit"
)


def entries_at(connection: Connection, places: Collection[int]) -> Sequence[Any]:
    """(position, canonical, salt) of the entries at these places, in order."""
    return connection.execute(_AT, {"places": sorted(places)}).all() if places else ()


_AT = sa.text("SELECT position, canonical, salt FROM ledger WHERE position IN :places ORDER BY position").bindparams(
    sa.bindparam("places", expanding=True)
)


def cells(connection: Connection, after: int, limit: int) -> Sequence[tuple[Any, ...]]:
    """As :func:`entries`, as the driver gives them: for who reads a million."""
    with closing(connection.connection.cursor()) as cursor:
        cursor.execute(_CELLS[connection.dialect.name], (after, limit))
        return cursor.fetchall()


_CELLS = {
    name: f"SELECT position, link, digest, canonical, axis_id, salt FROM ledger WHERE position > {mark} "  # noqa: S608
    f"ORDER BY position LIMIT {mark}"
    for name, mark in (("sqlite", "?"), ("postgresql", "%s"))
}


def entries_about(connection: Connection, axis_ids: Sequence[str]) -> Sequence[Any]:
    """(position, None where it has none; canonical, salt) of the entries about these submissions, in order."""
    return connection.execute(_ABOUT, {"those": axis_ids}).all()


_ABOUT = sa.text("SELECT position, canonical, salt FROM ledger WHERE axis_id IN :those ORDER BY id").bindparams(
    sa.bindparam("those", expanding=True)
)


def entry_of_stamp(connection: Connection, size: int, reply: str) -> Any:
    """(position, canonical, salt) of the entry that binds a time-stamp on the checkpoint of `size` entries: the one
    with the digest `reply` of what the service has said; None where it has no place yet. It comes soon after."""
    said = f'%"reply":"{reply}"%"event":"log.stamped"%'
    return connection.execute(_OF_STAMP, {"size": size, "last": size + _SOON, "said": said}).first()


_SOON = 200_000  # entries: some hours of a busy day
_OF_STAMP = sa.text(
    "SELECT position, canonical, salt FROM ledger WHERE position > :size AND position <= :last "
    "AND canonical LIKE :said ORDER BY position LIMIT 1"
)


def counts(connection: Connection) -> tuple[int, int]:
    """(the last place that was given, how many entries have none)."""
    last = connection.exec_driver_sql("SELECT coalesce(max(position), 0) FROM ledger").scalar_one()
    return int(last), int(connection.exec_driver_sql("SELECT count(*) FROM ledger WHERE position IS NULL").scalar_one())


def grow(connection: Connection, known: Head, added: Sequence[bytes]) -> Frontier:
    """Put these leaf hashes behind the log that `known` tells of; how it stands then. The head is not written."""
    made: dict[tuple[int, int], bytes] = {}
    frontier = known.frontier.after(added, made)
    old, size = known.frontier.size, frontier.size
    grown = list(tiles.tiles(old, size))
    begun = [tile for tile in grown if (old >> HEIGHT * tile.level) > tile.number * tiles.WIDTH]
    before = hashes(connection, begun)
    rows = []
    for tile in grown:
        first, start = tile.number * tiles.WIDTH, max(old >> HEIGHT * tile.level, tile.number * tiles.WIDTH)
        kept = before.get((tile.level, tile.number), b"")[: (start - first) * HASH_SIZE]
        if len(kept) != (start - first) * HASH_SIZE:
            raise Corrupted(Problem(Fault.LEDGER_CORRUPT, got=tile.path))
        more = (made[HEIGHT * tile.level, index] for index in range(start, first + tile.width))
        whole = b"".join((kept, *more))
        rows.append({"level": tile.level, "number": tile.number, "width": tile.width, "hashes": whole})
    upsert_all(connection, log_tile, rows, ("level", "number"))
    return frontier


def keep(connection: Connection, grown: Head) -> None:
    """Write how far the log goes now."""
    row = {
        "id": grown.number,
        "origin": grown.origin,
        "size": grown.frontier.size,
        "frontier": b"".join(grown.frontier.hashes),
        "checkpoint": grown.checkpoint,
        "made_at": to_text(grown.made_at) if grown.made_at is not None else "",
    }
    upsert(connection, log_head, row, ("id",))


def fetcher(connection: Connection) -> Callable[[Tile], bytes]:
    """What gives the hashes of a tile, also of one that has grown since. Raises :class:`Corrupted` LEDGER_CORRUPT."""

    def fetch(tile: Tile) -> bytes:
        data = hashes(connection, [tile]).get((tile.level, tile.number), b"")[: tile.width * HASH_SIZE]
        if len(data) != tile.width * HASH_SIZE:
            raise Corrupted(Problem(Fault.LEDGER_CORRUPT, got=tile.path))
        return data

    return fetch


def all_tiles(connection: Connection) -> Iterator[tuple[Tile, bytes]]:
    """Every tile with its hashes, level by level."""
    query = sa.select(log_tile).order_by(log_tile.c.level, log_tile.c.number).execution_options(yield_per=MANY)
    for row in connection.execute(query):
        yield Tile(row.level, row.number, row.width), _bytes(row.hashes)


def hashes(connection: Connection, wanted: Sequence[Tile]) -> dict[tuple[int, int], bytes]:
    """What is stored of these tiles, by level and number."""
    if not wanted:
        return {}
    there = sa.or_(*(sa.and_(log_tile.c.level == one.level, log_tile.c.number == one.number) for one in wanted))
    rows = connection.execute(sa.select(log_tile.c.level, log_tile.c.number, log_tile.c.hashes).where(there))
    return {(row.level, row.number): _bytes(row.hashes) for row in rows}


# -- Witnesses --------------------------------------------------------------------------------------------------------

KEPT = 1000  # checkpoints with cosignatures: of the older ones those stay that were the first of their day


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The note of a checkpoint that the witnesses were asked to cosign, with the lines that they have given: the one of
    `size` in the `log`-th log. `witnessed_at`: since when a quorum has cosigned it; None before. `others`: the lines of
    their ML-DSA-44 keys, of a quorum since `others_at`."""

    log: int
    size: int
    note: bytes
    asked_at: datetime
    witnessed_at: datetime | None
    others: str = ""
    others_at: datetime | None = None


def witnessed(connection: Connection, size: int = 0) -> Cosigned | None:
    """The newest checkpoint of this record's newest log that a quorum has cosigned, if it has `size` entries or more.
    (The policy may have changed since: :func:`axis.core.log.policy.witnessed` tells.)"""
    row = connection.execute(_WITNESSED, {"size": size}).first()
    return _cosigned(row) if row is not None else None


_WITNESSED = (
    sa.select(log_checkpoint)
    .where(
        log_checkpoint.c.log == sa.select(sa.func.max(log_head.c.id)).scalar_subquery(),
        log_checkpoint.c.witnessed_at != "",
        log_checkpoint.c.size >= sa.bindparam("size"),
    )
    .order_by(log_checkpoint.c.size.desc())
    .limit(1)
)


def of_both(connection: Connection, size: int = 0) -> Cosigned | None:
    """The newest checkpoint of this record's newest log that a quorum has cosigned with both keys, if it has `size`
    entries or more."""
    row = connection.execute(_OF_BOTH, {"size": size}).first()
    return _cosigned(row) if row is not None else None


_OF_BOTH = _WITNESSED.where(log_checkpoint.c.others_at != "")


def last_asked(connection: Connection, number: int) -> str:
    """When the witnesses of the `number`-th log were asked last; "" for never."""
    query = sa.select(sa.func.max(log_checkpoint.c.asked_at)).where(log_checkpoint.c.log == number)
    return str(connection.execute(query).scalar_one() or "")


def cosigned(connection: Connection, number: int, sizes: Sequence[int]) -> dict[int, Cosigned]:
    """What the witnesses of the `number`-th log were asked to cosign, of these sizes."""
    those = (log_checkpoint.c.log == number, log_checkpoint.c.size.in_(sizes))
    rows = connection.execute(sa.select(log_checkpoint).where(*those))
    return {row.size: _cosigned(row) for row in rows}


def keep_cosigned(connection: Connection, one: Cosigned) -> None:
    """Write what there is of it now."""
    row = {
        "log": one.log,
        "size": one.size,
        "note": one.note,
        "asked_at": to_text(one.asked_at),
        "witnessed_at": to_text(one.witnessed_at) if one.witnessed_at is not None else "",
        "others": one.others,
        "others_at": to_text(one.others_at) if one.others_at is not None else "",
    }
    upsert(connection, log_checkpoint, row, ("log", "size"))


def keep_asked(connection: Connection, asked: Head, now: datetime) -> None:
    """The witnesses were asked to cosign this head; lines that are there stay."""
    size, number = asked.frontier.size, asked.number
    if size not in cosigned(connection, number, [size]):
        keep_cosigned(connection, Cosigned(number, size, asked.checkpoint, now, None))


def senders(connection: Connection, axis_ids: Collection[str]) -> dict[str, str]:
    """Whose these submissions are."""
    rows = connection.execute(_SENDERS, {"those": sorted(axis_ids)}) if axis_ids else ()
    return {row.axis_id: row.sender for row in rows}


_SENDERS = sa.text("SELECT axis_id, sender FROM submission WHERE axis_id IN :those").bindparams(
    sa.bindparam("those", expanding=True)
)


def prune(connection: Connection, number: int) -> None:
    """Leave :data:`KEPT` of the checkpoints, and of the older ones the first of each day that has its quorum."""
    c = log_checkpoint.c
    newest = sa.select(c.size).where(c.log == number).order_by(c.size.desc()).offset(KEPT).limit(1).scalar_subquery()
    day = sa.func.substr(c.asked_at, 1, 10)
    first = sa.select(sa.func.min(c.size)).where(c.log == number, c.witnessed_at != "").group_by(day)
    connection.execute(log_checkpoint.delete().where(c.log == number, c.size <= newest, c.size.not_in(first)))


def _cosigned(row: Any) -> Cosigned:
    at, since, both = from_text(row.asked_at), *(from_text(t) if t else None for t in (row.witnessed_at, row.others_at))
    return Cosigned(row.log, row.size, _bytes(row.note), at, since, row.others, both)


@dataclass(frozen=True, slots=True)
class Witness:
    """What is known of an agency as a witness of the `log`-th log: see :data:`axis.infra.log.tables.log_witness`."""

    code: str
    log: int
    asked: int = 0
    asked_at: str = ""
    tries: int = 0
    cosigned: int = 0
    cosigned_at: str = ""
    since: int = 0
    told: int = 0
    entries: int = 0
    trouble: str = ""


def witnesses(connection: Connection) -> dict[str, Witness]:
    """All that were ever asked, by code."""
    return {row.code: Witness(**row._mapping) for row in connection.execute(_WITNESSES)}


_WITNESSES = sa.select(log_witness).order_by(log_witness.c.code)


def keep_witnesses(connection: Connection, those: Sequence[Witness]) -> None:
    """Write what is known of them now."""
    rows = [asdict(one) for one in those]
    upsert_all(connection, log_witness, rows, ("code",))


def _bytes(value: object) -> bytes:
    """What a column holds that may be anything where somebody else has written it."""
    if not isinstance(value, bytes | memoryview):
        raise Corrupted(Problem(Fault.LEDGER_CORRUPT, got=str(value)[:60], expected="-"))
    return bytes(value)
