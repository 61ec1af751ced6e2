"""The submissions that a person may mean: by exactly what was typed, by how it begins, by words. Bounded: a few
statements by an index each, and at most LIMIT rows of each."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from axis.core.identity import earliest, same_id
from axis.core.instant import to_text
from axis.core.words import fold_code
from axis.infra.record import listing
from axis.infra.record import words as indexes
from axis.infra.record.tables import submission

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from axis.infra.database import Row
    from axis.infra.record.store import HubReader

LIMIT = 50
BEGIN_SO = 2000  # numbers that are looked at for their beginning
WINDOWS = 10  # parts that are looked through for words
_DIGEST = re.compile(r"[0-9a-f]{8,64}")
_AXIS_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{0,27}")
_LAST = "\U0010ffff"
_Condition = tuple[str, tuple[str, ...]]  # by an index of its own, and the values in it
_NAMES = ("axis_id", "document_id", "content_digest", "parcel_digest")
_ESCAPED = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


class Narrowed(NamedTuple):
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
    found.exact = exactly(reader, typed, within)
    if not found.exact:
        found.refused = _refused(reader, typed, within)
    if found.exact or found.refused:
        return found
    found.similar = _begin_so(reader, typed, within) or _by_words(reader, typed, within)
    found.is_more = len(found.similar) >= LIMIT
    return found


def exactly(reader: HubReader, typed: str, narrowed: Narrowed | None = None) -> list[Row]:
    """What this is the axis id, digest (8 digits and more), DocumentId or number/notation of, the newest first."""
    typed, within = same_id(typed.strip()), narrowed or Narrowed()
    if not typed or "\0" in typed:
        return []
    code = indexes.SQLITE_CODE if _is_sqlite(reader) else indexes.POSTGRESQL_CODE
    equal = [*(_is(name, typed) for name in _NAMES), _is(code, fold_code(typed))]
    found, low = _rows(reader, equal, within), typed.lower()
    if not found and _DIGEST.fullmatch(low):
        found = _rows(reader, [_begins(name, low) for name in ("content_digest", "parcel_digest")], within)
    if not found and _AXIS_ID.fullmatch(low):
        found = _rows(reader, [_begins("axis_id", low)], within)
    return found


def _is(column: str, value: str) -> _Condition:
    return f"{column} = {{n}}", (value,)


def _begins(column: str, value: str) -> _Condition:
    """That it begins so; of hex digits, which no character of theirs comes after."""
    return f"{column} >= {{n}} AND {column} < {{n}}", (value, value + "g")


def _is_sqlite(reader: HubReader) -> bool:
    return reader.connection.dialect.name == "sqlite"


def _folded(reader: HubReader) -> sa.ColumnElement[str]:
    text = indexes.SQLITE_CODE if _is_sqlite(reader) else indexes.POSTGRESQL_CODE
    return sa.literal_column(text, sa.Text)


def _beginning(reader: HubReader, typed: str) -> list[sa.ColumnElement[bool]]:
    folded, column = fold_code(typed), _folded(reader)
    if _is_sqlite(reader):
        return [sa.and_(column >= folded, column < folded + _LAST)]
    return [column.like(folded.translate(_ESCAPED) + "%", escape="\\")]


def _begin_so(reader: HubReader, typed: str, within: Narrowed) -> list[Row]:
    """The newest of what begins with `typed`; of more than BEGIN_SO the newest of so many."""
    (condition,) = _beginning(reader, typed)
    some = _within(sa.select(submission.c.axis_id).where(condition), within).limit(BEGIN_SO).subquery()
    newest = sa.select(some.c.axis_id).order_by(some.c.axis_id.desc()).limit(LIMIT).scalar_subquery()
    query = sa.select(submission).where(submission.c.axis_id.in_(newest)).order_by(submission.c.axis_id.desc())
    return list(reader.connection.execute(query).mappings())


def _rows(reader: HubReader, any_of: Sequence[_Condition], within: Narrowed) -> list[Row]:
    """Each condition by itself, in one statement: each has its index, and all of them together have none."""
    return _newest(reader, any_of, "submission", ("axis_id",), "axis_id", _narrow(within, "axis_id", earliest))


def _newest(
    reader: HubReader, any_of: Sequence[_Condition], table: str, key: Sequence[str], order: str, narrow: _Condition
) -> list[Row]:
    """The newest rows for which one of these conditions is so; by their keys, which each finds by its index."""
    parts, values, names = [], list[str](), ", ".join(key)
    for place, (condition, given) in enumerate(any_of):
        newest = f"SELECT {names} FROM {table} WHERE {condition}{narrow[0]} ORDER BY {order} DESC LIMIT {LIMIT}"
        parts.append(f"SELECT * FROM ({newest}) AS u{place}")
        values += [*given, *narrow[1]]
    same = " AND ".join(f"t.{name} = k.{name}" for name in key)
    text = f"SELECT t.* FROM ({' UNION '.join(parts)}) AS k CROSS JOIN {table} t WHERE {same} ORDER BY t.{order} DESC"
    sign = "?" if _is_sqlite(reader) else "%s"
    found = reader.connection.exec_driver_sql(text.format(n=sign), tuple(values)).mappings()
    return list(found.fetchmany(LIMIT))


def _narrow(within: Narrowed, time: str, moment: Callable[[datetime], str]) -> _Condition:
    """What :class:`Narrowed` says, of a row's sender and of this column."""
    given = [
        (" AND sender = {n}", within.sender),
        (f" AND {time} >= {{n}}", moment(within.since) if within.since else ""),
        (f" AND {time} < {{n}}", moment(within.before) if within.before else ""),
    ]
    return "".join(text for text, value in given if value), tuple(value for _, value in given if value)


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
    return by_words(reader, wanted)


def by_words(reader: HubReader, wanted: listing.Wanted) -> list[Row]:
    """The newest documents that are wanted and have the words, as far as WINDOWS parts of them go."""
    found: list[Row] = []
    after, size = "", 4 * LIMIT
    for _ in range(WINDOWS):
        window = listing.window(reader, wanted, after, LIMIT, size)
        found += [row for _, row in window.rows]
        after, size = window.after, window.size or 8 * size
        if len(found) >= LIMIT or not after:
            break
    return found[:LIMIT]


def _refused(reader: HubReader, typed: str, within: Narrowed) -> list[Row]:
    """Refusals of what has this DocumentId, these bytes or this number/notation, the newest first."""
    folded = _is(indexes.refused_code(is_sqlite=_is_sqlite(reader)), fold_code(typed))
    any_of = [_is("document_id", typed), _is("digest", typed), folded]
    return _newest(
        reader, any_of, "refusal", ("sender", "digest"), "refused_at", _narrow(within, "refused_at", to_text)
    )


def beginning(reader: HubReader, text: str, limit: int) -> Sequence[tuple[str, str]]:
    """(number/notation, subject) of documents whose number begins so, as it is written; by the index of numbers."""
    code = submission.c.code
    query = sa.select(code, submission.c.subject).where(code >= text, code < text + _LAST, code != "")
    rows = reader.connection.execute(query.order_by(code).limit(limit))
    return list({row.code: row.subject for row in rows}.items())
