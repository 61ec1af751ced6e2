"""Which witness policy was seen last, and which one before it: at the centre by the hub, and by each agency in its
journal. Nothing prevents that the registry brings another; who has seen the one before can say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from axis.core.instant import to_text
from axis.infra.database import metadata, upsert

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.engine import Connection

log_policy = sa.Table(
    "log_policy",
    metadata,
    sa.Column("seen_by", sa.Text, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("before", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Text, nullable=False),  # "" where only one was seen
)


class Seen(NamedTuple):
    """See :data:`log_policy`."""

    seen_by: str
    text: str
    before: str = ""
    changed_at: str = ""


def seen(connection: Connection, by: Collection[str]) -> dict[str, Seen]:
    """What these have seen; of a database of an earlier version, nothing."""
    if not sa.inspect(connection).has_table(log_policy.name):
        return {}
    return _of(connection, by)


def _of(connection: Connection, by: Collection[str]) -> dict[str, Seen]:
    rows = connection.execute(sa.select(log_policy).where(log_policy.c.seen_by.in_(by)))
    return {row.seen_by: Seen(**row._mapping) for row in rows}


def note(connection: Connection, by: str, text: str, now: datetime, before: str = "") -> bool:
    """`by` sees this policy now; whether it is another than the one before (`before`, where it has noted none)."""
    last = _of(connection, [by]).get(by)
    known = last.text if last is not None else before
    if last is not None and known == text:
        return False
    is_changed = bool(known) and known != text
    new = Seen(by, text, known, to_text(now)) if is_changed else Seen(by, text)
    upsert(connection, log_policy, new._asdict(), ("seen_by",))
    return is_changed
