"""The ledger: entries are appended, get their places from one worker at a time, and are never changed after that."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from axis import crashpoints
from axis.core import ledger
from axis.core.instant import to_text
from axis.core.log.leaf import SALT
from axis.errors import Corrupted, Fault, Problem
from axis.infra.record import lease
from axis.infra.record.high_water import LedgerEnd
from axis.infra.record.query import New, array
from axis.infra.record.tables import ledger_entry

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from axis.core.ledger import Entry
    from axis.infra.record.store import HubReader, HubTransaction

DUTY = "sequence"  # to give places: its lease
_NOTHING = LedgerEnd(0, ledger.GENESIS, 0)


def enter(tx: HubTransaction, entry: Entry) -> None:
    """Append `entry`, which has no place yet."""
    salt = os.urandom(SALT).hex()
    row = {"digest": entry.digest, "canonical": entry.canonical, "axis_id": entry.axis_id, "salt": salt}
    tx.connection.execute(ledger_entry.insert().values(row))
    tx.has_unlinked = True
    tx.entered.append(entry.event)


def entries(reader: HubReader, axis_ids: Collection[str]) -> list[tuple[int, Entry]]:
    """(insertion number, entry) of what the ledger says about these submissions, in order."""
    query = sa.select(ledger_entry.c.id, ledger_entry.c.canonical).where(ledger_entry.c.axis_id.in_(axis_ids))
    rows = reader.connection.execute(query.order_by(ledger_entry.c.id))
    return [(row.id, ledger.read(row.canonical)) for row in rows]


def newest(reader: HubReader) -> int:
    """The insertion number of the last entry; 0 when there is none."""
    return int(reader.connection.execute(sa.select(sa.func.max(ledger_entry.c.id))).scalar() or 0)


def of_no_submission(reader: HubReader, after: int, limit: int) -> list[Entry]:
    """What was entered about no submission after this insertion number, in order; at most `limit`."""
    e = ledger_entry.c
    query = sa.select(e.canonical).where(e.id > after, e.axis_id == "").order_by(e.id).limit(limit)
    return [ledger.read(canonical) for canonical in reader.connection.execute(query).scalars()]


def newest_first(reader: HubReader, before: int, limit: int) -> list[tuple[int, int | None, Entry]]:
    """(insertion number, position, entry) of the newest `limit` entries inserted before number `before` (0: of all)."""
    e = ledger_entry.c
    query = sa.select(e.id, e.position, e.canonical).order_by(e.id.desc()).limit(limit)
    rows = reader.connection.execute(query.where(e.id < before) if before else query)
    return [(row.id, row.position, ledger.read(row.canonical)) for row in rows]


def last_moment(reader: HubReader) -> datetime | None:
    """The time of the last entry that was written; None when there is none."""
    query = sa.select(ledger_entry.c.canonical).order_by(ledger_entry.c.id.desc()).limit(1)
    canonical = reader.connection.execute(query).scalar()
    return ledger.read(canonical).time if canonical else None


def first_since(reader: HubReader, moment: datetime) -> int:
    """The insertion number of the first entry of that moment or later, as far as the clocks of those who made them
    agree; one beyond the last where there is none. Found by halving: a few rows are read, however many there are."""
    e = ledger_entry.c
    low, high = 1, newest(reader) + 1
    while low < high:
        middle = (low + high) // 2
        one = sa.select(e.id, e.canonical).where(e.id >= middle).order_by(e.id).limit(1)
        row = reader.connection.execute(one).one()
        if ledger.read(row.canonical).time < moment:
            low = row.id + 1
        else:
            high = middle
    return low


# -- How far it goes ------------------------------------------------------------------------------------------


class Standing(NamedTuple):
    """How far the ledger goes; whether some of it `is_unlinked`: without a place; whether it `holds` what was noted."""

    end: LedgerEnd
    is_unlinked: bool
    holds: bool


# How the ledger stands, in columns after those of whoever asks something else with it.
STANDING = (
    "(SELECT max(version) FROM registry), (SELECT id FROM ledger WHERE position IS NULL LIMIT 1), "
    "(SELECT link FROM ledger WHERE position = {n}), (SELECT digest FROM ledger WHERE id = {n}), "
    "last.position, last.link, newest.id, newest.digest"
)
STANDING_FROM = (
    "LEFT JOIN (SELECT id, digest FROM ledger ORDER BY id DESC LIMIT 1) newest ON true LEFT JOIN "
    "(SELECT position, link FROM ledger WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1) last ON true"
)
_STANDING = f"SELECT {STANDING} FROM (SELECT 1 AS one) k {STANDING_FROM}"
_STANDING_SQLITE, _STANDING_POSTGRESQL = _STANDING.format(n="?"), _STANDING.format(n="%s")


def standing(reader: HubReader, noted: LedgerEnd | None = None) -> Standing:
    """How the ledger stands, and whether it still has what was `noted` once."""
    wanted = noted or _NOTHING
    text = _STANDING_SQLITE if reader.connection.dialect.name == "sqlite" else _STANDING_POSTGRESQL
    row = reader.connection.exec_driver_sql(text, (wanted.position, wanted.entry)).one()
    return read_standing(row, noted)


def read_standing(row: Sequence[Any], noted: LedgerEnd | None) -> Standing:
    """The columns of :data:`STANDING`, asked with what was `noted` (0 for its places where nothing was)."""
    version, unlinked, link, digest, position, last, entry, newest = row
    wanted = noted or _NOTHING
    if entry is None:  # there is none
        return Standing(_NOTHING, is_unlinked=False, holds=not wanted.position and not wanted.entry)
    holds = (not wanted.position or link == wanted.link) and (not wanted.entry or digest == wanted.digest)
    end = LedgerEnd(position or 0, last or ledger.GENESIS, version or 0, entry, newest)
    return Standing(end, unlinked is not None, holds)


def checked(reader: HubReader, noted: LedgerEnd | None) -> Standing:
    """:func:`standing`. Raises :class:`Corrupted` RECORD_OLD unless the record still has what was `noted`."""
    return check_standing(standing(reader, noted), noted)


def check_standing(found: Standing, noted: LedgerEnd | None) -> Standing:
    """`found`. Raises :class:`Corrupted` RECORD_OLD unless the record still has what was `noted`."""
    if noted is not None and not found.holds:
        linked = noted.position > found.end.position  # else what had no place is missing, or it goes on differently
        ends = [str(one.position) if linked else f"{one.position}/{one.entry}" for one in (found.end, noted)]
        raise Corrupted(Problem(Fault.RECORD_OLD, got=ends[0], expected=ends[1]))
    return found


# -- Places ---------------------------------------------------------------------------------------------------


class Sequencer(NamedTuple):
    """Who may give places now, if it holds the lease; `noted`: what the record held once."""

    holder: str
    now: datetime
    noted: LedgerEnd | None


_HELD = "UPDATE lease SET until = {n} WHERE duty = {n} AND holder = {n} RETURNING duty"
_HELD_POSTGRESQL = (
    "WITH held AS (UPDATE lease SET until = %s WHERE duty = (SELECT duty FROM lease WHERE duty = %s AND holder = %s "
    "FOR UPDATE SKIP LOCKED) RETURNING duty) SELECT (SELECT array_agg(nextval(pg_get_serial_sequence('ledger', 'id'))) "
    f"FROM generate_series(1, %s)), {STANDING.format(n='%s')} FROM held {STANDING_FROM}"
)
_COLUMNS = ("digest", "canonical", "axis_id", "salt")
_UNPLACED = New("ledger", _COLUMNS)
_PLACED = New("ledger", ("id", *_COLUMNS, "position", "link"))


def append(tx: HubTransaction, entries: Sequence[Entry], by: Sequencer | None) -> None:
    """Append `entries`, with their places where `by` holds the lease and nothing waits for one: who else gives places
    waits until this transaction has ended, so the last place that is read here stays the last. Otherwise without:
    :func:`give_places` comes later.

    Raises :class:`Corrupted` RECORD_OLD where the record has lost what was noted: no place is given out twice."""
    salts = os.urandom(SALT * len(entries)).hex()
    length = 2 * SALT
    rows = [
        (entry.digest, entry.canonical, entry.axis_id, salts[length * place : length * (place + 1)])
        for place, entry in enumerate(entries)
    ]
    if not rows:
        return
    tx.entered += [entry.event for entry in entries]
    held = _hold(tx, by, len(rows)) if by is not None else None
    if held is None or held[1].is_unlinked:
        _UNPLACED.run(tx.connection, rows)
        tx.has_unlinked = True
        return
    crashpoints.reached("X04")
    ids, found = held
    position, link = found.end.position, found.end.link
    placed = []
    for identifier, row in zip(ids, rows, strict=True):
        position += 1
        link = ledger.link(link, position, row[0])
        placed.append((identifier, *row, position, link))
    crashpoints.reached("A02")
    _PLACED.run(tx.connection, placed)
    tx.end = LedgerEnd(position, link, found.end.registry, ids[-1], rows[-1][0])


def _hold(tx: HubTransaction, by: Sequencer, count: int) -> tuple[Sequence[int], Standing] | None:
    """So many new ids, and how the ledger stands; None for who does not hold the lease. It is locked from here on."""
    wanted, until = by.noted or _NOTHING, to_text(by.now + lease.LEASE)
    places = (wanted.position, wanted.entry)
    if tx.connection.dialect.name == "sqlite":
        if tx.connection.exec_driver_sql(_HELD.format(n="?"), (until, DUTY, by.holder)).first() is None:
            return None
        found = checked(tx, by.noted)
        return range(found.end.entry + 1, found.end.entry + 1 + count), found
    row = tx.connection.exec_driver_sql(_HELD_POSTGRESQL, (until, DUTY, by.holder, count, *places)).first()
    if row is None:
        return None
    return sorted(row[0]), check_standing(read_standing(row[1:], by.noted), by.noted)


_UPDATE = "UPDATE ledger SET position = k.place, link = k.link FROM {rows} WHERE ledger.id = k.entry"
_PLACE_SQLITE = _UPDATE.format(
    rows="(SELECT json_extract(value, '$[0]') AS entry, json_extract(value, '$[1]') AS place, "
    "json_extract(value, '$[2]') AS link FROM json_each(?)) AS k"
)
_PLACE_POSTGRESQL = _UPDATE.format(rows="unnest(%s::bigint[], %s::bigint[], %s::text[]) AS k(entry, place, link)")


def give_places(
    tx: HubTransaction, holder: str, now: datetime, limit: int, noted: LedgerEnd | None = None
) -> tuple[int, LedgerEnd] | None:
    """Give up to `limit` entries their place and link: (how many, how far the ledger goes then). Under the lease:
    places are given by one worker at a time; None where that is another.

    Raises :class:`Corrupted` RECORD_OLD where the record has lost what was `noted`: no place is given out twice."""
    if lease.hold(tx, DUTY, holder, now) is None:
        return None
    crashpoints.reached("X04")
    end = checked(tx, noted).end
    query = sa.select(ledger_entry.c.id, ledger_entry.c.digest).where(ledger_entry.c.position.is_(None))
    rows = tx.connection.execute(query.order_by(ledger_entry.c.id).limit(limit)).all()
    position, link = end.position, end.link
    places: list[tuple[int, int, str]] = []
    for row in rows:
        position += 1
        link = ledger.link(link, position, row.digest)
        places.append((row.id, position, link))
    if places:
        crashpoints.reached("A02")
        _place(tx.connection, places)
    last = max(((row.id, row.digest) for row in rows), default=(0, ""))
    entry, digest = max(last, (end.entry, end.digest))
    return len(places), LedgerEnd(position, link, end.registry, entry, digest)


def _place(connection: Connection, places: Sequence[tuple[int, int, str]]) -> None:
    given: tuple[Any, ...]
    if connection.dialect.name == "sqlite":
        text, given = _PLACE_SQLITE, (json.dumps(places),)
    else:
        text, given = _PLACE_POSTGRESQL, tuple(map(array, zip(*places, strict=True)))
    connection.exec_driver_sql(text, given)


def check(reader: HubReader) -> tuple[int, str]:
    """(number of linked entries, last link), after computing every digest and link again.

    Raises :class:`Corrupted` LEDGER_CORRUPT at the first that differs.
    """
    position, link = 0, ledger.GENESIS
    query = (
        sa.select(ledger_entry)
        .where(ledger_entry.c.position.is_not(None))
        .order_by(ledger_entry.c.position)
        .execution_options(yield_per=1000)
    )
    for row in reader.connection.execute(query).mappings():
        position += 1
        entry = ledger.read(row["canonical"])
        link = ledger.link(link, position, entry.digest)
        stored = (row["position"], row["digest"], row["link"], row["axis_id"])
        if stored != (position, entry.digest, link, entry.axis_id):
            raise Corrupted(Problem(Fault.LEDGER_CORRUPT, got=str(position), expected=link))
    return position, link
