"""The documents that fit a filter, the newest first, a page at a time. Bounded however much there is: each statement
looks at so many of the next rows of one index, whatever fits of them; who wants more asks again from there on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from axis.core.hub.lifecycle import AGREED, ARRIVED, DECLINED, FINISHED, REJECTED, STATUS_CODES, State
from axis.core.identity import earliest
from axis.core.instant import to_text
from axis.core.why import STUCK_AFTER
from axis.core.words import words as words_of
from axis.infra.record import words as indexes
from axis.infra.record.query import Query

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from axis.infra.database import Row
    from axis.infra.record.store import HubReader

Kind = Literal["document", "new", "replace", "update", "recall", "status", "all"]


def _told(*codes: str) -> list[tuple[str, str]]:
    return [("business_status", f"l.code = '{code}' AND l.code <> '{ARRIVED}'") for code in codes]


def _delivery(state: State, more: str = "") -> tuple[str, str]:
    return "delivery", f"x.state = '{state.value}'{more}"


_OPEN = " AND x.state IN ('ACCEPTED', 'QUEUED', 'FAILED') AND NOT x.closed"
_ENDED = " AND (x.state IN ('REFUSED', 'RECALLED') OR x.closed)"
_BY_STATE = [_delivery(one, _OPEN) for one in (State.ACCEPTED, State.QUEUED, State.FAILED)]
# By what those are known that are where they are for a cause (axis/core/why.py): rows of the table of deliveries (x) or
# of another that names them (l), each by an index of its own, in the words of that index. What fits is among them.
WAYS = {
    "refused": [_delivery(State.REFUSED, _ENDED)],
    "recalled": [_delivery(State.RECALLED, _ENDED)],
    "given_up": [_delivery(State.FAILED, _OPEN)],
    "closed": [_delivery(one, f" AND x.closed{_ENDED}") for one in (State.ACCEPTED, State.QUEUED, State.FAILED)],
    "suspended": _BY_STATE,
    "queued": _BY_STATE[:2],
    "overdue": [("deadline", "l.leg = 'handover' AND l.progress = 'missed'")],
    "stuck": [("outbox", "l.not_before < '{stuck}'")],
    "retrying": [("outbox", "l.attempts > 0")],
    "leaving": [("outbox", "l.not_before >= '{stuck}' AND (l.not_before <= '{now}' OR l.attempts > 0)")],
    "held": [("outbox", "l.not_before > '{now}'")],
    "unreceived": [("deadline", "l.leg = 'reception' AND l.progress = 'missed'")],
    "unit_refused": _told(REJECTED),
    "recall_asked": [("demand", "l.demand = 'recall' AND l.stage = 'OPEN'")],
    "arrived": [_delivery(State.HANDED_OVER)],
    "in_work": _told(*sorted(STATUS_CODES - {ARRIVED, REJECTED, FINISHED, DECLINED})),
    "finished": _told(FINISHED, DECLINED),
    "given_back": [("demand", "l.demand = 'recall' AND l.stage = 'AGREED'"), *_told(AGREED)],
}
# Of what was handed over most may have been received, or may lie there too long: what is surely so is left out before
# its document is looked for.
_LATE, _TOLD, _ARRIVED, _RECALLED = (
    f"EXISTS (SELECT 1 FROM {table} l WHERE l.delivery_id = w.place AND {so})"
    for table, so in (
        ("deadline", "l.leg = 'reception' AND l.progress = 'missed'"),
        ("business_status", f"l.code <> '{ARRIVED}'"),
        ("business_status", f"l.code = '{ARRIVED}'"),
        ("demand", "l.demand = 'recall'"),
    )
)
_LAST = "g"  # no UUID comes after it
_ROLES = {"document": "document", "new": "document", "replace": "document"}
_KINDS = {"document": "s.kind IN ('new', 'replace')", "all": ""}
_RARE = {"replace", "update", "recall"}
_IS_RARE = "x.kind IN ('replace', 'update', 'recall')"  # the words of the index
MOST_URGENT = 4
LOOKED_AT = 1000  # of the last rows it is seen whether they have the words; then the index of words is asked
MANY = 2000  # rows of a window of SQLite's words, at most
# PostgreSQL's words of what has come to somebody: the first part of time, and of what has the words, whoever got it, so
# many are looked at for one part: the next one is as long as that takes, where so few tell nothing yet.
FIRST, AIM, FEW = 100_000, 3000, 40


class Wanted(NamedTuple):
    """What is listed: all of these together. `recipients`: a delivery to one of these; `causes`: one that may be where
    it is for one of these (:data:`WAYS`) at the moment `now`, as far as `suspended` agencies matter; `states`: the
    states of these causes; `priority`: this or more urgent; `type`: the name of its document type."""

    sender: str = ""
    recipients: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    kind: Kind = "document"
    since: datetime | None = None
    before: datetime | None = None
    priority: int = 0
    words: str = ""
    causes: tuple[str, ...] = ()
    now: datetime | None = None
    suspended: tuple[str, ...] = ()
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
    where there are none left. `size`: how long the next one had better be, 0 where that is not known; `hits`: how many
    have the words, whether they fit or not."""

    rows: list[tuple[str, Row]] = field(default_factory=list)
    after: str = ""
    size: int = 0
    hits: int = 0
    by_delivery: bool = False  # a document comes once for each delivery that fits, at that one's id


class _Source(NamedTuple):
    """The index that is gone through: `text` gives (place, axis_id, owner, document_id), the last first; `join`: which
    submission is meant."""

    text: str
    values: list[Any]
    join: str = "s.axis_id = w.axis_id"
    has_role: bool = False  # its rows are deliveries
    looks_for_words: bool = False


_COLUMNS = (
    "s.axis_id, s.kind, s.sender, s.organ_id, s.owner, s.document_id, s.code, s.subject, s.priority, s.received_at, "
    "s.status_code, y.name AS type, y.version AS type_version, y.shown"
)
_PART = _COLUMNS.partition(", y.")[0].replace("s.", "x.")
_NEWEST = f"SELECT max(axis_id) AS newest FROM submission WHERE axis_id < '{_LAST}'"
_TYPED = "LEFT JOIN document_type y ON y.axis_id = s.axis_id"


def window(reader: HubReader, wanted: Wanted, after: str, limit: int, size: int) -> Window:
    """What fits of the next `size` rows after the place `after` ("" for the beginning), at most `limit`. Where there is
    no word in `wanted.words`, nothing fits."""
    is_sqlite = reader.connection.dialect.name == "sqlite"
    if wanted.words and not words_of(wanted.words):
        return Window()
    size = max(limit, size)
    if wanted.words and not is_sqlite and (size > LOOKED_AT or wanted.recipients):  # the last of all are seldom theirs
        return _part(reader, wanted, after, limit, max(size, FIRST) if wanted.recipients else size)
    source = _source(wanted, after, size, is_sqlite=is_sqlite)
    conditions, values = _conditions(wanted, source)
    where = "".join(f" AND {one}" for one in conditions)
    own, own_values = _own_conditions(wanted) if source.has_role else ([], [])
    kept = f", v AS MATERIALIZED (SELECT * FROM w WHERE {' AND '.join(own)})" if own else ""
    looked_at = "v AS w" if own else "w"
    fits = (
        f"SELECT w.place, {_COLUMNS} FROM {looked_at} CROSS JOIN submission s {_TYPED} WHERE {source.join}{where} "
        "ORDER BY w.place DESC LIMIT {n}"
    )
    looked = "SELECT count(*) AS looked, min(place) AS last, max(axis_id) AS newest FROM w"
    if wanted.words:  # most that is looked at fits: the rest of it is not looked at
        rows = _ask(reader, f"WITH w AS ({source.text}) {fits}", [*source.values, *values, limit])
    else:  # how far was looked comes with what was found, on a row of its own where that is nothing
        text = (
            f"WITH w AS MATERIALIZED ({source.text}){kept}, f AS ({fits}) SELECT k.looked, k.last, k.newest, f.* "
            f"FROM ({looked}) k LEFT JOIN f ON true ORDER BY f.place DESC"
        )
        rows = _ask(reader, text, [*source.values, *own_values, *values, limit])
    found = [(str(row["place"]), row) for row in rows if row["place"] is not None]
    if len(found) == limit:
        return Window(found, found[-1][0], by_delivery=source.has_role)
    end = _ask(reader, f"WITH w AS ({source.text}) {looked}", source.values)[0] if wanted.words else rows[0]
    is_over = end["looked"] < size or (wanted.since and end["newest"] < earliest(wanted.since))
    return Window(found, "" if is_over else str(end["last"]), by_delivery=source.has_role)


def _part(reader: HubReader, wanted: Wanted, after: str, limit: int, size: int) -> Window:
    """What fits and has the words, of a part of time; so that they are found where few have them, and only the newest
    are looked at where many have."""
    low, top = _bounds(wanted, after)
    ends = str(_ask(reader, _NEWEST, ())[0]["newest"] or _LAST) if top == _LAST else top
    has, given, start = indexes.postgresql_part("x", indexes.postgresql_match(words_of(wanted.words)), ends, size)
    conditions, values = _conditions(wanted, None)
    where = "".join(f" AND {one}" for one in conditions)
    text = (
        f"WITH s AS MATERIALIZED (SELECT {_PART} FROM submission x WHERE {has}), f AS (SELECT s.axis_id AS place, "
        f"{_COLUMNS} FROM s {_TYPED} WHERE s.axis_id >= {{n}} AND s.axis_id < {{n}}{where} ORDER BY s.axis_id DESC "
        "LIMIT {n}) SELECT k.hits, f.* FROM (SELECT count(*) AS hits FROM s) k LEFT JOIN f ON true "
        "ORDER BY f.place DESC"
    )
    rows = _ask(reader, text, [*given, low, top, *values, limit])
    found, hits = [(str(row["place"]), row) for row in rows if row["place"] is not None], int(rows[0]["hits"])
    after = found[-1][0] if len(found) == limit else start if start > low else ""
    return Window(found, after, size * AIM // max(hits, FEW), hits)


def _bounds(wanted: Wanted, after: str) -> tuple[str, str]:
    """Between which axis ids."""
    low = earliest(wanted.since) if wanted.since else ""
    return low, min(earliest(wanted.before) if wanted.before else _LAST, after or _LAST)


def _ask(reader: HubReader, text: str, values: Sequence[Any]) -> Sequence[Row]:
    sign = "?" if reader.connection.dialect.name == "sqlite" else "%s"
    return reader.connection.exec_driver_sql(text.format(n=sign), tuple(values)).mappings().all()


def _by_delivery(wanted: Wanted) -> bool:
    """Of a sender's, or of a day's, each is looked at; but for a sender to a recipient what came to that one."""
    if wanted.words or wanted.type or not (wanted.recipients or wanted.causes):
        return False
    if wanted.sender:
        return bool(wanted.recipients) and wanted.role == "document" and not wanted.causes and wanted.before is None
    return bool(wanted.causes) or wanted.before is None


def _ways(wanted: Wanted) -> list[tuple[str, str]]:
    """The ways of its causes."""
    if not wanted.causes or wanted.now is None:
        return []
    moments = {"now": to_text(wanted.now), "stuck": to_text(wanted.now - timedelta(seconds=STUCK_AFTER))}
    found: dict[tuple[str, str], None] = {}
    for cause in wanted.causes:
        for table, way in WAYS[cause]:
            text = way.format(**moments)
            if cause == "suspended":
                codes = ", ".join(f"'{code}'" for code in wanted.suspended)
                text += f" AND x.recipient IN ({codes or 'NULL'})"
            found[table, text] = None
    return list(found)


def _source(wanted: Wanted, after: str, size: int, *, is_sqlite: bool) -> _Source:
    if wanted.words and is_sqlite:  # in the order in which they came
        place = " AND rowid < {n}" if after else ""
        text = (
            "SELECT rowid AS place, axis_id FROM submission_words WHERE submission_words MATCH {n}"
            f"{place} ORDER BY rowid DESC LIMIT {{n}}"
        )
        match = indexes.sqlite_match(words_of(wanted.words))
        return _Source(text, [match, *([int(after)] if after else []), min(size, MANY)])
    low, top = _bounds(wanted, after)
    if _by_delivery(wanted):
        return _of_deliveries(wanted, low, after or _LAST, size, is_sqlite=is_sqlite)
    columns = "x.axis_id AS place, x.axis_id"
    parts: list[tuple[str, list[Any]]] = [("", [])]
    table = "submission"
    if wanted.type and not wanted.words:
        parts, table = [(" AND x.name = {n}", [wanted.type])], "document_type"
    elif wanted.sender:
        parts = [(" AND x.sender = {n}", [wanted.sender])]
    elif wanted.kind in _RARE:
        parts = [(f" AND x.kind = {{n}} AND {_IS_RARE}", [wanted.kind])]
    elif wanted.priority and not wanted.words:
        each = range(wanted.priority, max(wanted.priority, MOST_URGENT) + 1)
        parts = [(f" AND x.priority = {one} AND x.priority > 0", []) for one in each]
    within = [low, top]
    texts = [
        f"SELECT {columns} FROM {table} x WHERE x.axis_id >= {{n}} AND x.axis_id < {{n}}{only}{{last}}"
        for only, _ in parts
    ]
    text, given = _merged(texts, [[*within, *values] for _, values in parts], "x.axis_id", size)
    return _Source(text, given, looks_for_words=bool(wanted.words))


def _merged(texts: Sequence[str], values: Sequence[Sequence[Any]], key: str, size: int) -> tuple[str, list[Any]]:
    """The last `size` rows of all of these, each of which is gone through by an index of its own from its end on."""
    last = f" ORDER BY {key} DESC LIMIT {{n}}"
    each = [text.replace("{last}", last) for text in texts]
    given = [value for one in values for value in (*one, size)]
    if len(each) == 1:
        return each[0], given
    whole = " UNION ".join(f"SELECT * FROM ({one}) AS u{place}" for place, one in enumerate(each))
    return f"SELECT * FROM ({whole}) AS u ORDER BY place DESC LIMIT {{n}}", [*given, size]


def _in_its_place(wanted: Wanted, ways: Sequence[tuple[str, str]]) -> bool:
    """Whether it is seen of each that may be, if it is there for one of the causes: of some recipients', since of what
    is late most is not theirs, and they may be one of a hundred; before the hand-over, where little is open, while the
    terms of all that was ever given up stay missed."""
    is_told = any(table != "delivery" for table, _ in ways)
    return is_told and (bool(wanted.recipients) or wanted.causes == ("overdue",))


def _of_deliveries(wanted: Wanted, low: str, after: str, size: int, *, is_sqlite: bool) -> _Source:
    columns, within = (
        "x.id AS place, x.axis_id, x.owner, x.document_id, x.role, x.recipient, x.state, x.closed",
        "x.id >= {n} AND x.id < {n}",
    )
    texts: list[str] = []
    values: list[list[Any]] = []
    ways = _ways(wanted)
    if _in_its_place(wanted, ways):
        ways = [_delivery(State(state)) for state in wanted.states] if wanted.recipients else WAYS["queued"]
    if (
        not is_sqlite
    ):  # it knows by the state which index is meant, and would guess that what all these words say is rare
        ways = [(table, way.replace(_OPEN, " AND NOT x.closed").replace(_ENDED, "")) for table, way in ways]
    for table, way in ways or [_delivery(state) for state in State]:
        if table == "delivery":
            only = f" AND x.recipient IN ({', '.join(['{n}'] * len(wanted.recipients))})" if wanted.recipients else ""
            given = list(wanted.recipients)
            if wanted.sender:  # seen in the index, of those of one recipient
                only, given = f"{only} AND x.owner = {{n}}", [*given, wanted.sender]
            texts.append(f"SELECT {columns} FROM delivery x WHERE {way}{only} AND {within}{{last}}")
            values.append([*given, low, after])
            continue
        some = (
            f"SELECT DISTINCT l.delivery_id FROM {table} l WHERE {way} AND l.delivery_id >= {{n}} "
            "AND l.delivery_id < {n} ORDER BY l.delivery_id DESC LIMIT {n}"
        )
        texts.append(f"SELECT {columns} FROM ({some}) AS g CROSS JOIN delivery x WHERE x.id = g.delivery_id{{last}}")
        values.append([low, after, size])
    # What a document is brought by may be the update that added the recipient.
    document = "s.document_id = w.document_id AND s.owner = w.owner AND s.kind IN ('new', 'replace')"
    join = document if wanted.role == "document" else "s.axis_id = w.axis_id"
    return _Source(*_merged(texts, values, "x.id", size), join, has_role=True)


def _conditions(wanted: Wanted, source: _Source | None) -> tuple[list[str], list[Any]]:
    """What else has to be so of each row of the window; or of each that has the words and was found by them."""
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
    if wanted.sender:  # where its documents are known by deliveries, SQLite goes through all of the sender's for each
        add("s.sender || '' = {n}" if source is not None and source.has_role else "s.sender = {n}", wanted.sender)
    if wanted.type:
        add("y.name = {n}", wanted.type)
    if source is not None and source.looks_for_words:
        add(indexes.postgresql_has("s"), indexes.postgresql_match(words_of(wanted.words)))
    if (source is None or not source.has_role) and (wanted.recipients or wanted.states):
        about = "d.document_id = s.document_id AND d.owner = s.owner AND d.role = 'document'"
        if wanted.role != "document":
            about = "d.axis_id = s.axis_id"
        for column, any_of in (("d.recipient", wanted.recipients), ("d.state", wanted.states)):
            if any_of:
                about += f" AND {column} IN ({', '.join(['{n}'] * len(any_of))})"
        if ways := _ways(wanted):
            about += f" AND ({' OR '.join(_is_so(*way) for way in ways)})"
        add(f"EXISTS (SELECT 1 FROM delivery d WHERE {about})", *wanted.recipients, *wanted.states)
    return conditions, values


def _own_conditions(wanted: Wanted) -> tuple[list[str], list[Any]]:
    """What has to be so of each delivery of a window (w), before its document is looked for; the values of that."""
    conditions, values = [], list[Any]()
    if wanted.role:
        conditions, values = ["w.role = {n}"], [wanted.role]
    for column, any_of in (("w.recipient", wanted.recipients), ("w.state", wanted.states)):
        if any_of:
            conditions.append(f"{column} IN ({', '.join(['{n}'] * len(any_of))})")
            values += any_of
    if _in_its_place(wanted, ways := _ways(wanted)):
        so = " OR ".join(_is_so(*way) for way in ways)
        conditions.append(f"({so.replace('d.id', 'w.place').replace('d.', 'w.')})")
    if "arrived" in wanted.causes and "unreceived" not in wanted.causes:
        conditions.append(f"(w.state <> '{State.HANDED_OVER}' OR NOT {_LATE} OR {_TOLD} OR {_RECALLED})")
    if wanted.causes == ("arrived",):
        conditions.append(f"(NOT {_TOLD} OR {_ARRIVED})")
    return conditions, values


def _is_so(table: str, way: str) -> str:
    """A way as a condition of a delivery d."""
    if table == "delivery":
        return f"({way.replace('x.', 'd.')})"
    return f"EXISTS (SELECT 1 FROM {table} l WHERE l.delivery_id = d.id AND {way})"


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
