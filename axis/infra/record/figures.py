"""What a report counts, in the database: a few grouped statements, however many documents there are.

A period is a range of axis ids: they begin with the moment of acceptance.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from axis.core import ledger
from axis.core.figures import Figures, Outcome
from axis.core.hub.lifecycle import State
from axis.core.hub.terms import Leg, Progress
from axis.core.identity import earliest
from axis.core.instant import VIETNAM, to_text
from axis.infra.record.tables import ledger_entry, submission

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from axis.core.ledger import Entry
    from axis.infra.record.store import HubReader

By = Literal["agency", "unit", "kind", "priority", "day", "month", "type"]

# A document's type; "" where it has none.
_TYPE = "coalesce((SELECT y.name FROM document_type y WHERE y.axis_id = s.axis_id), '')"
# The words in which the two databases differ.
_SQLITE = {
    "n": "?",
    "day": "date(s.received_at, '+7 hours')",
    "month": "strftime('%Y-%m', s.received_at, '+7 hours')",
    "units": "d.units",
    "moment": "unixepoch({})",
    "type": _TYPE,
}
_DAY = (
    "CASE WHEN substr(s.received_at, 12, 2) < '17' THEN left(s.received_at, 10) "
    "ELSE to_char(left(s.received_at, 10)::date + 1, 'YYYY-MM-DD') END"
)
_POSTGRESQL = {
    "n": "%s",
    # A moment is UTC as text, Viet Nam is seven hours ahead: after 17:00 it is the next day there. Read as a moment by
    # the database's own functions, each of a year's documents would cost ten times as much.
    "day": f'({_DAY}) COLLATE "C"',
    "month": f'left({_DAY}, 7) COLLATE "C"',
    "units": 'd.units::text COLLATE "C"',
    "s.sender": 's.sender COLLATE "C"',
    "s.organ_id": 's.organ_id COLLATE "C"',
    "d.recipient": 'd.recipient COLLATE "C"',
    "moment": "extract(epoch FROM {}::timestamptz)::bigint",
    "type": _TYPE,
}
_SENT_KEY = {"agency": "s.sender", "unit": "s.organ_id", "kind": "s.kind", "priority": "s.priority"}
_RECEIVED_KEY = {"agency": "d.recipient", "unit": "units", "kind": "s.kind", "priority": "s.priority"}
# axis.core.figures.coarse, of an expression named here.
_COARSE = (
    "CASE WHEN {s} < 600 THEN {s} WHEN {s} < 36000 THEN {s} / 60 * 60 "
    "WHEN {s} < 864000 THEN {s} / 600 * 600 ELSE {s} / 3600 * 3600 END"
)
_OUTCOME = (
    f"CASE WHEN d.state = '{State.REFUSED}' THEN '{Outcome.REFUSED}' "
    f"WHEN d.state = '{State.RECALLED}' THEN '{Outcome.RECALLED}' "
    f"WHEN d.state = '{State.HANDED_OVER}' AND h.progress = '{Progress.LATE}' THEN '{Outcome.LATE}' "
    f"WHEN d.state = '{State.HANDED_OVER}' AND h.progress IS NULL THEN '{Outcome.UNTIMED}' "
    f"WHEN d.state = '{State.HANDED_OVER}' THEN '{Outcome.ON_TIME}' "
    f"WHEN d.closed THEN '{Outcome.GIVEN_UP}' "
    f"WHEN h.progress = '{Progress.MISSED}' THEN '{Outcome.OVERDUE}' ELSE '{Outcome.OPEN}' END"
)
_SENT = (
    "SELECT {key}, s.kind, count(*) FROM submission s WHERE s.axis_id >= {n} AND s.axis_id < {n}{only} GROUP BY 1, 2"
)
_HANDOVER = f"LEFT JOIN deadline h ON h.delivery_id = d.id AND h.leg = '{Leg.HANDOVER}' "
_FROM = "FROM delivery d JOIN submission s ON s.axis_id = d.axis_id " + _HANDOVER
_OF_DELIVERIES = "d.axis_id >= {n} AND d.axis_id < {n} AND d.role = 'document'{only}"
_WITHIN = "s.axis_id >= {n} AND s.axis_id < {n} AND " + _OF_DELIVERIES
_RECEIVED = (
    "SELECT key, outcome, {coarse}, count(*) FROM (SELECT {key} AS key, " + _OUTCOME + " AS outcome, "
    "CASE WHEN h.met_at <> '' THEN {met} - {received} END AS s "
    + _FROM
    + "WHERE "
    + _WITHIN
    + ") AS x GROUP BY 1, 2, 3"
)
_EXCHANGING = "SELECT DISTINCT s.sender, d.recipient " + _FROM + f"WHERE {_WITHIN} AND d.state = '{State.HANDED_OVER}'"
# The legs after the hand-over begin with it. Of the submission nothing is wanted but what may be the key.
_LEGS = (
    "SELECT key, leg, progress, {coarse}, count(*) FROM (SELECT {key} AS key, t.leg, t.progress, "
    "CASE WHEN t.met_at <> '' AND h.met_at <> '' THEN {done} - {met} END AS s "
    "{deliveries} JOIN deadline t ON t.delivery_id = d.id AND t.leg IN ('reception', 'processing') WHERE {within}"
    ") AS x GROUP BY 1, 2, 3, 4"
)
_OUTCOMES = f"SELECT {{key}}, {_OUTCOME}, count(*) FROM delivery d {_HANDOVER}WHERE {_OF_DELIVERIES} GROUP BY 1, 2"


def figures(
    reader: HubReader, since: datetime, before: datetime, by: By, agency: str = "", whole: Figures | None = None
) -> dict[str, Figures]:
    """What was accepted from `since` to before `before`, by the keys of `by`: codes, organ ids, kinds, priorities, days
    or months in Viet Nam, document types ("" where there is none).

    What agencies sent counts for them, what was delivered for its recipients. A delivery that addressed several units
    counts for each of them; in `whole`, where it is given, everything is counted once. `agency`: only what this one
    sent, and what was delivered to it."""
    found: dict[str, Figures] = {}
    words = _SQLITE if reader.connection.dialect.name == "sqlite" else _POSTGRESQL
    bounds = (earliest(since), earliest(before))
    sent, received = _key(_SENT_KEY, by, words), _key(_RECEIVED_KEY, by, words)
    by_sender, by_recipient = ("s.sender", agency), ("d.recipient", agency)

    def those(keys: list[str]) -> list[Figures]:
        rows = [found.setdefault(one, Figures()) for one in keys]
        return rows if whole is None else [*rows, whole]

    for key, kind, count in _rows(reader.connection, _SENT, sent, words, bounds, by_sender):
        for row in those([str(key)]):
            row.sent[kind] += count
    for key, outcome, seconds, count in _rows(reader.connection, _RECEIVED, received, words, bounds * 2, by_recipient):
        for row in those(_keys(key, by)):
            row.received[Outcome(outcome)] += count
            if seconds is not None:
                row.leg(Leg.HANDOVER).times[max(seconds, 0)] += count
    rows = _rows(reader.connection, _LEGS, received, words, bounds, by_recipient)
    for key, leg, progress, seconds, count in rows:
        for row in those(_keys(key, by)):
            counted = row.leg(leg)
            if (name := _PROGRESS.get(progress)) is not None:
                setattr(counted, name, getattr(counted, name) + count)
            if seconds is not None:
                counted.times[max(seconds, 0)] += count
    if by in {"agency", "day", "month"} or whole is not None:
        for entry in _refusals(reader, since, before):
            if agency not in {"", entry.recipient}:
                continue
            key = entry.recipient if by == "agency" else _day(entry.time)[: 10 if by == "day" else 7]
            for row in those([key] if by in {"agency", "day", "month"} else []):
                row.rejected += 1
                row.refused.update(dict.fromkeys(entry.detail.get("codes", ()), 1))
    for row in [*found.values(), *([] if whole is None else [whole])]:
        handover = row.leg(Leg.HANDOVER)
        handover.on_time, handover.late = row.received[Outcome.ON_TIME], row.received[Outcome.LATE]
        handover.overdue, handover.running = row.received[Outcome.OVERDUE], row.received[Outcome.OPEN]
    return found


def outcomes(reader: HubReader, since: datetime, before: datetime, agency: str = "") -> dict[str, Figures]:
    """Of :func:`figures` by recipients only what became of their deliveries: nothing of the documents is read."""
    found: dict[str, Figures] = {}
    words = _SQLITE if reader.connection.dialect.name == "sqlite" else _POSTGRESQL
    key, bounds = _key(_RECEIVED_KEY, "agency", words), (earliest(since), earliest(before))
    for code, outcome, count in _rows(reader.connection, _OUTCOMES, key, words, bounds, ("d.recipient", agency)):
        found.setdefault(code, Figures()).received[Outcome(outcome)] += count
    return found


def exchanging(reader: HubReader, since: datetime, before: datetime) -> tuple[set[str], set[str]]:
    """(who has sent a document that was handed over, who was handed one over), of what was accepted in the time."""
    n = (_SQLITE if reader.connection.dialect.name == "sqlite" else _POSTGRESQL)["n"]
    bounds = (earliest(since), earliest(before)) * 2
    rows = reader.connection.exec_driver_sql(_EXCHANGING.format(n=n, only=""), bounds).all()
    return {sender for sender, _ in rows}, {recipient for _, recipient in rows}


_PROGRESS = {
    Progress.MET.value: "on_time",
    Progress.LATE.value: "late",
    Progress.MISSED.value: "overdue",
    Progress.RUNNING.value: "running",
    Progress.WARNED.value: "running",
}


def _day(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).date().isoformat()


def _key(columns: dict[str, str], by: By, words: dict[str, str]) -> str:
    name = columns.get(by, by)
    return words.get(name, name)


def _keys(key: object, by: By) -> list[str]:
    return list(dict.fromkeys(json.loads(str(key)))) if by == "unit" else [str(key)]


def _rows(
    connection: Connection,
    text: str,
    key: str,
    words: dict[str, str],
    values: tuple[str, ...],
    only: tuple[str, str],
) -> Iterator[tuple[Any, ...]]:
    moment = words["moment"]
    column, agency = only
    filters = {"n": words["n"], "only": f" AND {column} = {words['n']}" if agency else ""}
    needs_submission = "s." in key
    if "{within}" in text and needs_submission:
        values = values * 2
    whole = text.format(
        key=key,
        **filters,
        deliveries=_FROM if needs_submission else f"FROM delivery d {_HANDOVER}",
        within=(_WITHIN if needs_submission else _OF_DELIVERIES).format(**filters),
        coarse=_COARSE.format(s="s"),
        received=moment.format("s.received_at"),
        met=moment.format("h.met_at"),
        done=moment.format("t.met_at"),
    )
    for row in connection.exec_driver_sql(whole, (*values, agency) if agency else values):
        yield tuple(row)


def _refusals(reader: HubReader, since: datetime, before: datetime) -> Iterator[Entry]:
    """The ledger's entries of submissions that were refused within the time. They name no submission; between which
    entries they stand is found by the submissions that were accepted before and after."""
    connection, e, s = reader.connection, ledger_entry.c, submission.c
    last = sa.select(sa.func.max(s.axis_id)).where(s.axis_id < earliest(since)).scalar_subquery()
    first = sa.select(sa.func.min(s.axis_id)).where(s.axis_id >= earliest(before)).scalar_subquery()
    low = connection.execute(sa.select(sa.func.min(e.id)).where(e.axis_id == last)).scalar() or 0
    high = connection.execute(sa.select(sa.func.min(e.id)).where(e.axis_id == first)).scalar()
    query = sa.select(e.canonical).where(
        e.axis_id == "", e.id >= low, e.canonical.contains('"event":"submission.refused"', autoescape=True)
    )
    if high is not None:
        query = query.where(e.id <= high)
    begins, ends = to_text(since), to_text(before)
    for canonical in connection.execute(query.execution_options(yield_per=1000)).scalars():
        entry = ledger.read(canonical)
        if entry.event == "submission.refused" and begins <= to_text(entry.time) < ends:
            yield entry
