"""How the record is: what waits, since when, for whom; bounded however much there is."""

from __future__ import annotations

import os
import sqlite3
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from cryptography import x509

from axis.core import ledger as entries
from axis.core.instant import to_text
from axis.infra.log import stamps
from axis.infra.record import ledger
from axis.infra.record.tables import lease, ledger_entry, outbox, quarantine

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from pathlib import Path

    from axis.infra.record.high_water import LedgerEnd
    from axis.infra.record.store import HubReader

CHECKED = 1000  # of the ledger's last entries
CHECKED_BYTES = 2**30  # a larger SQLite file is not read through
COUNTED = 100_000  # what is more is said to be so many


def server(reader: HubReader, file: Path, *, thorough: bool = True) -> dict[str, Any]:
    """The database server (or the SQLite `file`): its version, whether it takes changes, what its durability rests on,
    and, if it is to be `thorough`, what SQLite's own check says of a file that is not too large to be read through."""
    return _sqlite(reader, file, thorough) if reader.connection.dialect.name == "sqlite" else _postgresql(reader)


def _sqlite(reader: HubReader, file: Path, thorough: bool) -> dict[str, Any]:
    ask = reader.connection.exec_driver_sql
    small = thorough and file.stat().st_size <= CHECKED_BYTES
    return {
        "kind": "sqlite",
        "server": sqlite3.sqlite_version,
        "is_writable": os.access(file, os.W_OK) and os.access(file.parent, os.W_OK),
        "durability": {"synchronous": str(ask("PRAGMA synchronous").scalar())},
        "check": _quick_check(reader) if small else "",
    }


def _quick_check(reader: HubReader) -> str:
    try:
        return str(reader.connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
    except sa.exc.DatabaseError as error:
        return str(error.orig)


def _postgresql(reader: HubReader) -> dict[str, Any]:
    ask = reader.connection.exec_driver_sql
    names = ("fsync", "synchronous_commit", "full_page_writes")
    shown = ", ".join(f"current_setting('{name}')" for name in names)
    version, standby, read_only, *values = ask(
        "SELECT current_setting('server_version'), pg_is_in_recovery(), "
        f"current_setting('default_transaction_read_only'), {shown}"
    ).one()
    return {
        "kind": "postgresql",
        "server": version,
        "is_writable": not standby and read_only == "off",
        "durability": dict(zip(names, values, strict=True)),
        "check": "",
    }


def is_writable(reader: HubReader) -> bool:
    """Whether the database takes changes, asked as cheaply as that can be."""
    if reader.connection.dialect.name == "sqlite":
        reader.connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1").all()
        return True
    asked = "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'"
    return not reader.connection.exec_driver_sql(asked).scalar()


def outbox_of(reader: HubReader, now: datetime, held: Collection[str] = ()) -> dict[str, Any]:
    """What should have left by now: how many rows (at most COUNTED), and since when the oldest is due; not what waits
    for agencies whose mail is `held`."""
    query = sa.select(outbox.c.not_before).where(outbox.c.not_before <= to_text(now), outbox.c.code.not_in(held))
    due = query.limit(COUNTED).subquery()
    row = reader.connection.execute(sa.select(sa.func.count(), sa.func.min(due.c.not_before))).one()
    return {"due": int(row[0]), "oldest": row[1] or ""}


def leases(reader: HubReader) -> list[dict[str, str]]:
    """Who has which duty until when."""
    rows = reader.connection.execute(sa.select(lease.c.duty, lease.c.holder, lease.c.until)).mappings()
    return [dict(row) for row in rows]


def quarantined(reader: HubReader) -> dict[str, int]:
    """Messages that wait for an operator, by agency; not the receipts that wait for what a restored record has lost."""
    query = sa.select(quarantine.c.agency, sa.func.count()).where(quarantine.c.document_id == "")
    return {row[0]: row[1] for row in reader.connection.execute(query.group_by(quarantine.c.agency))}


def ledger_of(reader: HubReader, noted: LedgerEnd | None) -> dict[str, Any]:
    """How the ledger stands: its end, whether it has what was `noted`, what of its last entries is not as it must be,
    since when the first entry without a place waits, and when the last one was written."""
    standing, e = ledger.standing(reader, noted), ledger_entry.c
    waits = sa.select(e.canonical).where(e.position.is_(None)).order_by(e.id).limit(1)
    unlinked = reader.connection.execute(waits).scalar()
    last = ledger.last_moment(reader)
    count, damage = _check_end(reader, standing.end.position)
    return {
        "end": standing.end.position,
        "holds": standing.holds,
        "checked": count,
        "damage": damage,
        "unlinked_since": to_text(entries.read(unlinked).time) if unlinked else "",
        "last": to_text(last) if last is not None else "",
    }


def _check_end(reader: HubReader, end: int) -> tuple[int, str]:
    """(how many of the last entries were computed again, the first that differs)."""
    e = ledger_entry.c
    query = sa.select(e.position, e.link, e.digest, e.canonical).where(e.position > end - CHECKED - 1)
    rows = reader.connection.execute(query.order_by(e.position)).all()
    for before, row in pairwise(rows):
        try:
            digest = entries.read(row.canonical).digest
        except (ValueError, KeyError):
            digest = ""
        if (digest, row.link) != (row.digest, entries.link(before.link, row.position, row.digest)):
            return len(rows), str(row.position)
    return len(rows), ""


def stamped(reader: HubReader) -> tuple[str, str]:
    """When the last time-stamp on the log came, and until when the certificate of whoever has given it is valid, as
    texts; "" where there is none, or it cannot be read. Before that a stamp on a later checkpoint is to renew it."""
    last = stamps.last(reader.connection)
    if last is None:
        return "", ""
    try:
        until = to_text(x509.load_pem_x509_certificates(last.authority)[0].not_valid_after_utc)
    except (ValueError, IndexError):
        until = ""
    return to_text(last.stamped_at), until
