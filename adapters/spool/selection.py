"""What a list of the spool shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from axis.core.identity import same_id


@dataclass(frozen=True)
class Selection:
    """What a list shows: of these folders or kinds, in this state, from one moment to another (UTC, as text)."""

    folders: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    after: int = 0  # number
    skip: int = 0
    limit: int = 1000


def in_time(query: sa.Select[Any], table: sa.Table, wanted: Selection) -> sa.Select[Any]:
    """Of these rows those of its time."""
    if wanted.since:
        query = query.where(table.c.created_at >= wanted.since)
    if wanted.until:
        query = query.where(table.c.created_at < wanted.until)
    return query


def is_named(table: sa.Table, reference: str) -> sa.ColumnElement[bool]:
    """Whether a row has this id, DocumentId or number/notation."""
    columns, forms = (table.c.id, table.c.document_id, table.c.code), {reference, same_id(reference)}
    return sa.or_(*(column.in_(forms) for column in columns))
