"""SQL of the time-stamps on the log's checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.core.instant import from_text, to_text
from axis.infra.database import upsert
from axis.infra.log import store
from axis.infra.log.tables import log_head, log_stamp

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from axis.infra.log.store import Cosigned


@dataclass(frozen=True, slots=True)
class Stamp:
    """A checkpoint of the `log`-th log as it was stamped (`note`), the whole `reply` of the service, whose certificates
    were then `authority` (PEM), and when it had come here."""

    log: int
    size: int
    note: bytes
    reply: bytes
    authority: bytes
    stamped_at: datetime


def keep(connection: Connection, one: Stamp) -> None:
    """For ever: what it proves is asked for years later."""
    row = {
        "log": one.log,
        "size": one.size,
        "note": one.note,
        "reply": one.reply,
        "authority": one.authority,
        "stamped_at": to_text(one.stamped_at),
    }
    upsert(connection, log_stamp, row, ("log", "size"))


def last(connection: Connection) -> Stamp | None:
    """The newest."""
    query = sa.select(log_stamp).order_by(log_stamp.c.log.desc(), log_stamp.c.size.desc()).limit(1)
    return _stamp(connection.execute(query).first())


def first_of(connection: Connection, size: int) -> Stamp | None:
    """The first of this record's newest log that has `size` entries or more: the earliest proof of when they were
    there."""
    newest = sa.select(sa.func.max(log_head.c.id)).scalar_subquery()
    query = sa.select(log_stamp).where(log_stamp.c.log == newest, log_stamp.c.size >= size)
    return _stamp(connection.execute(query.order_by(log_stamp.c.size).limit(1)).first())


def next_of(connection: Connection, before: Stamp | None) -> Cosigned | None:
    """What is to be stamped after `before`: the newest checkpoint that the witnesses have cosigned with both keys,
    unless that has its stamp; else the newest that they have cosigned at all; None where there is none."""
    both = store.of_both(connection)
    if both is not None and (before is None or before.log != both.log or before.size < both.size):
        return both
    return store.witnessed(connection)


def _stamp(row: Any) -> Stamp | None:
    if row is None:
        return None
    note, reply, authority = bytes(row.note), bytes(row.reply), bytes(row.authority)
    return Stamp(row.log, row.size, note, reply, authority, from_text(row.stamped_at))
