"""The submissions that a person may mean: by exactly what was typed, by how it begins, by words. Bounded: a few
statements by an index each, and at most LIMIT rows of each."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.core.identity import earliest, same_id
from axis.core.instant import to_text
from axis.core.words import fold_code
from axis.infra.record import listing
from axis.infra.record import words as indexes
from axis.infra.record.tables import refusal, submission

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.infra.database import Row
    from axis.infra.record.store import HubReader

LIMIT = 50
BEGIN_SO = 2000  # numbers that are looked at for their beginning
LEAST_DIGEST = 8  # hex digits
_DIGEST = re.compile(r"[0-9a-f]{8,64}")
_AXIS_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{0,27}")
_LAST = "\U0010ffff"
_ESCAPED = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Only what this agency sent, and what was accepted within this time."""

    sender: str = ""
    since: datetime | None = None
    before: datetime | None = None


@dataclass(slots=True)
class Found:
    """What was meant exactly, and what is like it, the newest first; refusals of what was never accepted. `is_more`:
    there are more that are like it than are shown."""

    exact: list[Row] = field(default_factory=list)
    similar: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)
    is_more: bool = False


def find(reader: HubReader, reference: str, narrowed: Narrowed | None = None) -> Found:
    """What `reference` means: axis id or digest (8 digits and more), DocumentId, number/notation; else what begins
    with it, else what has all its words in its subject, or as the beginning of them."""
    within, found = narrowed or Narrowed(), Found()
    typed = same_id(reference.strip())
    if not typed or "\0" in typed:
        return found
    found.exact = _rows(reader, _exactly(reader, typed), within)
    if not found.exact and _DIGEST.fullmatch(typed.lower()):
        found.exact = _rows(reader, _by_digest(typed.lower()), within)
    if not found.exact and _AXIS_ID.fullmatch(typed.lower()):
        found.exact = _rows(reader, [_starts(submission.c.axis_id, typed.lower())], within)
    found.refused = _refused(reader, typed, within)
    if found.exact or found.refused:
        return found
    found.similar = _begin_so(reader, typed, within) or _by_words(reader, typed, within)
    found.is_more = len(found.similar) >= LIMIT
    return found


def _is_sqlite(reader: HubReader) -> bool:
    return reader.connection.dialect.name == "sqlite"


def _folded(reader: HubReader) -> sa.ColumnElement[str]:
    text = indexes.SQLITE_CODE if _is_sqlite(reader) else indexes.POSTGRESQL_CODE
    return sa.literal_column(text, sa.Text)


def _exactly(reader: HubReader, typed: str) -> list[sa.ColumnElement[bool]]:
    s = submission.c
    columns = (s.axis_id, s.document_id, s.content_digest, s.parcel_digest)
    return [*(column == typed for column in columns), _folded(reader) == fold_code(typed)]


def _by_digest(typed: str) -> list[sa.ColumnElement[bool]]:
    columns = (submission.c.content_digest, submission.c.parcel_digest)
    return [_starts(column, typed) for column in columns]


def _starts(column: sa.ColumnElement[str], typed: str) -> sa.ColumnElement[bool]:
    """That it begins so; of hex digits, which no character of theirs comes after."""
    return sa.and_(column >= typed, column < typed + "g")


def _beginning(reader: HubReader, typed: str) -> list[sa.ColumnElement[bool]]:
    folded, column = fold_code(typed), _folded(reader)
    if _is_sqlite(reader):
        return [sa.and_(column >= folded, column < folded + _LAST)]
    return [column.like(folded.translate(_ESCAPED) + "%", escape="\\")]


def _begin_so(reader: HubReader, typed: str, within: Narrowed) -> list[Row]:
    """The newest of what begins with `typed`; of more than BEGIN_SO the newest of so many."""
    (condition,) = _beginning(reader, typed)
    some = _within(sa.select(submission.c.axis_id).where(condition), within).limit(BEGIN_SO).subquery()
    newest = sa.select(some.c.axis_id).order_by(some.c.axis_id.desc()).limit(LIMIT)
    return _rows(reader, [submission.c.axis_id.in_(newest.scalar_subquery())], Narrowed())


def _rows(reader: HubReader, any_of: Sequence[sa.ColumnElement[bool]], within: Narrowed) -> list[Row]:
    """Each condition by itself: each has its index, and all of them together have none."""
    found: dict[str, Row] = {}
    for condition in any_of:
        query = _within(sa.select(submission).where(condition), within).order_by(submission.c.axis_id.desc())
        for row in reader.connection.execute(query.limit(LIMIT)).mappings():
            found.setdefault(row["axis_id"], row)
    return sorted(found.values(), key=lambda row: row["axis_id"], reverse=True)[:LIMIT]


def _within(query: sa.Select[tuple[object, ...]], within: Narrowed) -> sa.Select[tuple[object, ...]]:
    s = submission.c
    if within.sender:
        query = query.where(s.sender == within.sender)
    if within.since is not None:
        query = query.where(s.axis_id >= earliest(within.since))
    if within.before is not None:
        query = query.where(s.axis_id < earliest(within.before))
    return query


def _by_words(reader: HubReader, typed: str, within: Narrowed) -> list[Row]:
    """Documents, the newest first."""
    wanted = listing.Wanted(sender=within.sender, since=within.since, before=within.before, words=typed)
    found: list[Row] = []
    after, size = "", 4 * LIMIT
    while True:
        window = listing.window(reader, wanted, after, LIMIT, size)
        found += [row for _, row in window.rows]
        after, size = window.after, 8 * size
        if len(found) >= LIMIT or not after:
            return found[:LIMIT]


def _refused(reader: HubReader, typed: str, within: Narrowed) -> list[Row]:
    """Refusals of what has this DocumentId, these bytes or this number/notation, the newest first."""
    r = refusal.c
    found: dict[tuple[str, str], Row] = {}
    folded = sa.literal_column(indexes.refused_code(is_sqlite=_is_sqlite(reader)), sa.Text)
    for condition in (r.document_id == typed, r.digest == typed, folded == fold_code(typed)):  # each has its index
        query = sa.select(refusal).where(condition)
        if within.sender:
            query = query.where(r.sender == within.sender)
        if within.since is not None:
            query = query.where(r.refused_at >= to_text(within.since))
        if within.before is not None:
            query = query.where(r.refused_at < to_text(within.before))
        for row in reader.connection.execute(query.order_by(r.refused_at.desc()).limit(LIMIT)).mappings():
            found.setdefault((row["sender"], row["digest"]), row)
    return sorted(found.values(), key=lambda row: str(row["refused_at"]), reverse=True)[:LIMIT]


def beginning(reader: HubReader, text: str, limit: int) -> Sequence[tuple[str, str]]:
    """(number/notation, subject) of documents whose number begins so, as it is written; by the index of numbers."""
    code = submission.c.code
    query = sa.select(code, submission.c.subject).where(code >= text, code < text + _LAST, code != "")
    rows = reader.connection.execute(query.order_by(code).limit(limit))
    return list({row.code: row.subject for row in rows}.items())
