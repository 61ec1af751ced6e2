"""The documents that fit a filter, the newest first, a page at a time. Bounded however much there is: each statement
looks at so many of the next rows of one index, whatever fits of them; who wants more asks again from there on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from axis.core.hub.lifecycle import State
from axis.core.identity import earliest
from axis.core.words import words as words_of
from axis.infra.record import words as indexes
from axis.infra.record.query import Query, array

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from axis.infra.database import Row
    from axis.infra.record.store import HubReader

Kind = Literal["document", "new", "replace", "update", "recall", "status", "all"]
# What tells a few of those that were handed over from all the others.
SIGNS = {
    "unreceived": "EXISTS (SELECT 1 FROM deadline l WHERE l.delivery_id = {id} AND l.leg = 'reception' "
    "AND l.progress = 'missed')",
    "unit_refused": "EXISTS (SELECT 1 FROM business_status b WHERE b.delivery_id = {id} AND b.code = '02')",
    "recall_asked": "EXISTS (SELECT 1 FROM demand m WHERE m.delivery_id = {id} AND m.demand = 'recall')",
}
_LAST = "g"  # no UUID comes after it
_ROLES = {"document": "document", "new": "document", "replace": "document"}
_KINDS = {"document": "s.kind IN ('new', 'replace')", "all": ""}
_RARE = {"replace", "update", "recall"}
_IS_RARE = "x.kind IN ('replace', 'update', 'recall')"  # the words of the index
_STATES = [state.value for state in State]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is listed: all of these together. `recipients` and `states`: a delivery to one of these, in one of these;
    `agencies`: everybody that there is; `priority`: this or more urgent; `signs`: of what was handed over only what has
    one of :data:`SIGNS`; `type`: the name of its document type."""

    sender: str = ""
    recipients: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    kind: Kind = "document"
    since: datetime | None = None
    before: datetime | None = None
    priority: int = 0
    words: str = ""
    signs: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()
    type: str = ""

    @property
    def role(self) -> str:
        """What a delivery of it brings; "" for whatever it is."""
        return "" if self.kind == "all" else _ROLES.get(self.kind, self.kind)

    def fits(self, delivery: Row) -> bool:
        """Whether it is one of the deliveries that are asked for."""
        return (not self.recipients or delivery["recipient"] in self.recipients) and (
            not self.states or delivery["state"] in self.states
        )


@dataclass(slots=True)
class Window:
    """What fits in the next rows: each as (its place, row), and the place from which the next one goes on; ""
    where there are none left."""

    rows: list[tuple[str, Row]] = field(default_factory=list)
    after: str = ""
    by_delivery: bool = False  # a document comes once for each delivery that fits, at that one's id


@dataclass(frozen=True, slots=True)
class _Source:
    """The index that is gone through: `text` gives (place, axis_id, owner, document_id), the last first; `join`: which
    submission is meant."""

    text: str
    values: list[Any]
    join: str = "s.axis_id = w.axis_id"
    has_role: bool = False  # its rows are deliveries


_COLUMNS = (
    "s.axis_id, s.kind, s.sender, s.organ_id, s.owner, s.document_id, s.code, s.subject, s.priority, s.received_at, "
    "s.status_code, y.name AS type, y.version AS type_version, y.shown"
)


def window(reader: HubReader, wanted: Wanted, after: str, limit: int, size: int) -> Window:
    """What fits of the next `size` rows after the place `after` ("" for the beginning), at most `limit`. Where there is
    no word in `wanted.words`, nothing fits."""
    is_sqlite = reader.connection.dialect.name == "sqlite"
    if wanted.words and not words_of(wanted.words):
        return Window()
    size = _size(wanted, limit, size)
    source = _source(wanted, after, size, is_sqlite=is_sqlite)
    conditions, values = _conditions(wanted, source)
    where = "".join(f" AND {one}" for one in conditions)
    text = (
        f"WITH w AS ({source.text}) SELECT w.place, {_COLUMNS} FROM w CROSS JOIN submission s "
        f"LEFT JOIN document_type y ON y.axis_id = s.axis_id WHERE {source.join}{where} "
        "ORDER BY w.place DESC LIMIT {n}"
    )
    rows = _ask(reader, text, [*source.values, *values, limit])
    found = [(str(row["place"]), row) for row in rows]
    if len(found) == limit:
        return Window(found, found[-1][0], source.has_role)
    looked = _ask(
        reader,
        f"SELECT count(*) AS n, min(place) AS last, max(axis_id) AS newest FROM ({source.text}) AS w",
        source.values,
    )[0]
    is_over = looked["n"] < size or (wanted.since and looked["newest"] < earliest(wanted.since))
    return Window(found, "" if is_over else str(looked["last"]), source.has_role)


def _ask(reader: HubReader, text: str, values: Sequence[Any]) -> Sequence[Row]:
    sign = "?" if reader.connection.dialect.name == "sqlite" else "%s"
    return reader.connection.exec_driver_sql(text.format(n=sign), tuple(values)).mappings().all()


def _by_delivery(wanted: Wanted) -> bool:
    return bool(wanted.recipients or wanted.states) and not (wanted.words or wanted.sender or wanted.type)


def _keys(wanted: Wanted) -> list[tuple[str, str]]:
    return [(code, state) for code in wanted.recipients or wanted.agencies for state in wanted.states or _STATES]


def _size(wanted: Wanted, limit: int, size: int) -> int:
    """How many rows a window has: of each of several parts of an index as many are read."""
    return max(limit, size // max(1, len(_keys(wanted)))) if _by_delivery(wanted) else max(limit, size)


def _source(wanted: Wanted, after: str, size: int, *, is_sqlite: bool) -> _Source:
    low = earliest(wanted.since) if wanted.since else ""
    high = earliest(wanted.before) if wanted.before else _LAST
    if wanted.words and is_sqlite:  # in the order in which they came
        place = " AND rowid < {n}" if after else ""
        text = (
            "SELECT rowid AS place, axis_id FROM submission_words WHERE submission_words MATCH {n}"
            f"{place} ORDER BY rowid DESC LIMIT {{n}}"
        )
        match = indexes.sqlite_match(words_of(wanted.words))
        return _Source(text, [match, *([int(after)] if after else []), size])
    if _by_delivery(wanted):
        return _of_deliveries(wanted, low, after or _LAST, size, is_sqlite=is_sqlite)
    top = min(high, after or _LAST)
    only, values, table = "", [], "submission"
    if wanted.type and not wanted.words:
        only, values, table = " AND x.name = {n}", [wanted.type], "document_type"
    elif wanted.sender:
        only, values = " AND x.sender = {n}", [wanted.sender]
    elif wanted.kind in _RARE:
        only, values = f" AND x.kind = {{n}} AND {_IS_RARE}", [wanted.kind]
    if wanted.words:
        only += f" AND {indexes.POSTGRESQL_WORDS} @@ to_tsquery('simple', {{n}})"
        values.append(indexes.postgresql_match(words_of(wanted.words)))
    text = (
        f"SELECT x.axis_id AS place, x.axis_id FROM {table} x WHERE x.axis_id >= {{n}} AND x.axis_id < {{n}}"
        f"{only} ORDER BY x.axis_id DESC LIMIT {{n}}"
    )
    return _Source(text, [low, top, *values, size])


def _of_deliveries(wanted: Wanted, low: str, after: str, size: int, *, is_sqlite: bool) -> _Source:
    keys = _keys(wanted)
    columns = "t.id AS place, t.axis_id, t.owner, t.document_id, t.role, t.state"
    picked = (
        "FROM delivery x WHERE x.recipient = k.c0 AND x.state = k.c1 AND x.id >= {n} AND x.id < {n} "
        "ORDER BY x.id DESC LIMIT {n}"
    )
    given: list[Any]
    if is_sqlite:
        given = [json.dumps(keys)]
        rows = "(SELECT json_extract(value, '$[0]') AS c0, json_extract(value, '$[1]') AS c1 FROM json_each({n})) AS k"
        text = f"SELECT {columns} FROM {rows} CROSS JOIN delivery t WHERE t.id IN (SELECT x.id {picked})"
    else:
        given = [array(column) for column in zip(*keys, strict=True)] if keys else ["{}", "{}"]
        rows = "unnest({n}::text[], {n}::text[]) AS k(c0, c1)"
        text = f"SELECT {columns} FROM {rows} CROSS JOIN LATERAL (SELECT x.* {picked}) t"
    # What a document is brought by may be the update that added the recipient.
    document = "s.document_id = w.document_id AND s.owner = w.owner AND s.kind IN ('new', 'replace')"
    join = document if wanted.role == "document" else "s.axis_id = w.axis_id"
    return _Source(f"{text} ORDER BY t.id DESC LIMIT {{n}}", [*given, low, after, size, size], join, has_role=True)


def _conditions(wanted: Wanted, source: _Source) -> tuple[list[str], list[Any]]:
    """What else has to be so of each row of the window."""
    conditions: list[str] = []
    values: list[Any] = []

    def add(condition: str, *given: Any) -> None:
        if condition:
            conditions.append(condition)
            values.extend(given)

    if wanted.kind in _KINDS:
        add(_KINDS[wanted.kind])
    else:
        add("s.kind = {n}", wanted.kind)
    if wanted.since is not None:
        add("s.axis_id >= {n}", earliest(wanted.since))
    if wanted.before is not None:
        add("s.axis_id < {n}", earliest(wanted.before))
    if wanted.priority:
        add("s.priority >= {n}", wanted.priority)
    if wanted.sender:
        add("s.sender = {n}", wanted.sender)
    if wanted.type:
        add("y.name = {n}", wanted.type)
    if source.has_role:
        if wanted.role:
            add("w.role = {n}", wanted.role)
        add(_signs(wanted, "w.place", "w.state"))
    elif wanted.recipients or wanted.states:
        about = "d.document_id = s.document_id AND d.owner = s.owner AND d.role = 'document'"
        if wanted.role != "document":
            about = "d.axis_id = s.axis_id"
        for column, any_of in (("d.recipient", wanted.recipients), ("d.state", wanted.states)):
            if any_of:
                about += f" AND {column} IN ({', '.join(['{n}'] * len(any_of))})"
        if signs := _signs(wanted, "d.id", "d.state"):
            about += f" AND {signs}"
        add(f"EXISTS (SELECT 1 FROM delivery d WHERE {about})", *wanted.recipients, *wanted.states)
    return conditions, values


def _signs(wanted: Wanted, identifier: str, state: str) -> str:
    if not wanted.signs or State.HANDED_OVER.value not in wanted.states:
        return ""
    any_of = " OR ".join(SIGNS[one].replace("{id}", identifier) for one in wanted.signs)
    return f"({state} <> '{State.HANDED_OVER.value}' OR {any_of})"


# -- What a page shows of its documents ----------------------------------------------------------------------------

_DELIVERY = "t.id, t.axis_id, t.owner, t.document_id, t.recipient, t.state, t.updated_at, t.closed, t.attempts"
_OF_DOCUMENTS = Query(
    2,
    f"SELECT {_DELIVERY} FROM {{keys}} CROSS JOIN delivery t "
    "WHERE t.document_id = k.c1 AND t.owner = k.c0 AND t.role = 'document'",
)
_OF_SUBMISSIONS = Query(1, f"SELECT {_DELIVERY} FROM {{keys}} CROSS JOIN delivery t WHERE t.axis_id = k.c0")


def of_documents(reader: HubReader, documents: Collection[tuple[str, str]]) -> list[Row]:
    """What brought these documents, (owner, DocumentId), to their recipients."""
    return [row._mapping for row in _OF_DOCUMENTS.rows(reader.connection, documents)] if documents else []


def of_submissions(reader: HubReader, axis_ids: Collection[str]) -> list[Row]:
    """The deliveries of these submissions."""
    keys = [(one,) for one in axis_ids]
    return [row._mapping for row in _OF_SUBMISSIONS.rows(reader.connection, keys)] if keys else []


def _each(text: str) -> Query:
    """What is asked about each of many deliveries, however many there are."""
    return Query(1, text)


_TERMS = _each(
    "SELECT t.delivery_id, t.leg, t.due_at, t.progress FROM {keys} CROSS JOIN deadline t WHERE t.delivery_id = k.c0"
)
_STATUSES = _each(
    "SELECT t.delivery_id, t.unit, t.code FROM {keys} CROSS JOIN business_status t WHERE t.delivery_id = k.c0"
)
_LEAVING = _each(
    "SELECT t.delivery_id, t.attempts, t.not_before FROM {keys} CROSS JOIN outbox t WHERE t.delivery_id = k.c0"
)


def terms(reader: HubReader, delivery_ids: Collection[str]) -> dict[str, dict[str, tuple[str, str]]]:
    """(due, progress) of the deadlines of these deliveries by leg."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for row in _rows(reader, _TERMS, delivery_ids):
        found.setdefault(row.delivery_id, {})[row.leg] = (row.due_at, row.progress)
    return found


def statuses(reader: HubReader, delivery_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """The business statuses of these deliveries by unit."""
    found: dict[str, dict[str, str]] = {}
    for row in _rows(reader, _STATUSES, delivery_ids):
        found.setdefault(row.delivery_id, {})[row.unit] = row.code
    return found


def leaving(reader: HubReader, delivery_ids: Collection[str]) -> dict[str, tuple[int, str]]:
    """(attempts, when the next one is) of those of these that wait to be published."""
    return {row.delivery_id: (row.attempts, row.not_before) for row in _rows(reader, _LEAVING, delivery_ids)}


def _rows(reader: HubReader, query: Query, keys: Collection[str]) -> Sequence[Any]:
    return query.rows(reader.connection, [(one,) for one in keys]) if keys else ()


_RECALLS = _each(
    "SELECT t.delivery_id, t.stage FROM {keys} CROSS JOIN demand t "
    "WHERE t.delivery_id = k.c0 AND t.demand = 'recall' ORDER BY t.number"
)


def recalls(reader: HubReader, delivery_ids: Collection[str]) -> dict[str, str]:
    """How far the last recall is of what these brought, by delivery."""
    return {row.delivery_id: row.stage for row in _rows(reader, _RECALLS, delivery_ids)}
