"""The submissions that a person may mean: by exactly what was typed, by how it begins, by words. Bounded: a few
statements by an index each, and at most LIMIT rows of each."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.core.identity import earliest, same_id
from axis.core.instant import to_text
from axis.core.words import fold_code, words
from axis.infra.record import words as indexes
from axis.infra.record.tables import refusal, submission

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.infra.database import Row
    from axis.infra.record.store import HubReader

LIMIT = 50
LEAST_DIGEST = 8  # hex digits
DOCUMENTS = ("new", "replace")
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
    found.similar = _rows(reader, _beginning(reader, typed), within) or _by_words(reader, typed, within)
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
    wanted = words(typed)
    if not wanted:
        return []
    documents = submission.c.kind.in_(DOCUMENTS)
    if _is_sqlite(reader):
        listed = sa.text("SELECT axis_id FROM submission_words WHERE submission_words MATCH :match").bindparams(
            match=indexes.sqlite_match(wanted)
        )
        condition = sa.and_(documents, submission.c.axis_id.in_(listed.columns(sa.column("axis_id")).scalar_subquery()))
    else:
        asked = sa.func.to_tsquery(sa.text("'simple'"), indexes.postgresql_match(wanted))
        condition = sa.and_(
            documents,
            sa.literal_column(indexes.POSTGRESQL_WORDS).op("@@")(asked),
        )
    return _rows(reader, [condition], within)


def _refused(reader: HubReader, typed: str, within: Narrowed) -> list[Row]:
    """Refusals of what has this DocumentId, or ends in this number/notation, the newest first."""
    text = (indexes.sqlite_code if _is_sqlite(reader) else indexes.postgresql_code)("document_id")
    folded = sa.literal_column(text, sa.Text)
    ends = folded.like("%," + fold_code(typed).translate(_ESCAPED), escape="\\")
    query = sa.select(refusal).where(sa.or_(refusal.c.document_id == typed, refusal.c.digest == typed, ends))
    if within.sender:
        query = query.where(refusal.c.sender == within.sender)
    if within.since is not None:
        query = query.where(refusal.c.refused_at >= to_text(within.since))
    if within.before is not None:
        query = query.where(refusal.c.refused_at < to_text(within.before))
    return list(reader.connection.execute(query.order_by(refusal.c.refused_at.desc()).limit(LIMIT)).mappings())


def beginning(reader: HubReader, text: str, limit: int) -> Sequence[tuple[str, str]]:
    """(number/notation, subject) of documents whose number begins so, as it is written; by the index of numbers."""
    code = submission.c.code
    query = sa.select(code, submission.c.subject).where(code >= text, code < text + _LAST, code != "")
    rows = reader.connection.execute(query.order_by(code).limit(limit))
    return list({row.code: row.subject for row in rows}.items())
