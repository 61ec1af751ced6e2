"""What is due in the journals of many agencies, and when something is; what waited becomes due at once.

One question says who has anything to do; the rows are asked of those alone, of each agency and kind a bounded number.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.core.instant import from_text, to_text
from axis.infra.journal.tables import FURTHEST, incoming, outgoing, posted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, RowMapping

NEVER = "9999"  # later than every time that is written down
_COME = ("i.not_before <= :now", "i.not_before > :far")  # a time that only a wrong clock has set has come, too
_LANES = (("i.urgent = 1", "most"), ("i.urgent = 0", "count"))
_PENDING = "i.agency = c.value AND i.state = 'pending' AND i.parcel_digest <> ''"
_FIRST = """i.kind <> 'update' OR NOT EXISTS (
    SELECT 1 FROM outgoing AS b INDEXED BY outgoing_document
    WHERE b.agency = i.agency AND b.document_id = i.document_id AND b.state = 'pending'
    AND (b.kind IN ('new', 'replace') AND b.created_at <= i.created_at
         OR b.kind = 'update' AND b.created_at < i.created_at))"""
_SHOWN_LATER = [f"i.agency = c.value AND i.state = '{one}'" for one in ("received", "handing_over", "withdrawing")]
_UNDECIDED = "i.agency = c.value AND i.state = 'undecided'"


def _in_each_lane(*cases: str) -> list[str]:
    return [f"{case} AND {lane}" for case in cases for lane, _ in _LANES]


def _moment(table: str, *cases: str) -> str:
    """The first time at which something of an agency is due; a time that only a wrong clock has set is none. Each of
    the cases is answered by the ends of an index, however much waits."""
    far = [f"(SELECT '' FROM {table} AS i WHERE {case} AND i.not_before > :far LIMIT 1)" for case in cases]  # noqa: S608
    first = [f"SELECT min(i.not_before) AS one FROM {table} AS i WHERE {case}" for case in cases]  # noqa: S608
    return f"coalesce({', '.join(far)}, (SELECT min(one) FROM ({' UNION ALL '.join(first)})))"  # noqa: S608


def _due(
    table: sa.Table, index: str, cases: Sequence[tuple[str, str]], key: str = "rowid", also: str = "TRUE"
) -> sa.TextualSelect:
    """Of each agency, in each of the cases, as many as its room allows of those that have been due the longest. They
    lie side by side in the index, which is named: what was done before and what is not due yet is not passed by,
    however much it is."""
    columns = ", ".join(f"o.{column.name}" for column in table.columns)
    parts = " UNION ALL ".join(
        f"SELECT * FROM (SELECT i.{key} FROM {table.name} AS i INDEXED BY {index} "  # noqa: S608  names of this module
        f"WHERE {case} AND {come} AND ({also}) ORDER BY i.not_before LIMIT :{room})"
        for case, room in cases
        for come in _COME
    )
    text = f"SELECT {columns} FROM json_each(:codes) AS c JOIN {table.name} AS o ON o.{key} IN ({parts})"  # noqa: S608
    return sa.text(text).columns(*table.columns)


_WHO = sa.text(
    f"""
    SELECT c.value, {_moment("outgoing", *_in_each_lane(_PENDING))}, {_moment("posted", "i.agency = c.value")},
        {_moment("incoming", *_in_each_lane(*_SHOWN_LATER))},
        {_moment("incoming", *_in_each_lane(_UNDECIDED))},
        EXISTS (SELECT 1 FROM outgoing AS i INDEXED BY outgoing_lifted
            WHERE i.lifted AND i.state = 'accepted' AND i.agency = c.value)
    FROM json_each(:codes) AS c"""  # noqa: S608
)
_HELD = sa.text("""
    SELECT c.value FROM json_each(:codes) AS c WHERE EXISTS (
        SELECT 1 FROM incoming AS i WHERE i.agency = c.value AND i.state = 'held' AND i.not_before <= :now)
        OR EXISTS (SELECT 1 FROM aside AS a WHERE a.agency = c.value)""")
_TO_PUBLISH = _due(outgoing, "outgoing_due", [(f"{_PENDING} AND {lane}", room) for lane, room in _LANES], also=_FIRST)
_TO_POST = _due(posted, "posted_due", [("i.agency = c.value", "count")], "number")
_TO_SHOW = _due(
    incoming,
    "incoming_due",
    [(f"{case} AND {lane}", room) for case in _SHOWN_LATER for lane, room in _LANES],
    "number",
)
_UNSURE = (
    sa.update(outgoing).where(outgoing.c.agency == sa.bindparam("code"), outgoing.c.state == "pending"),
    sa.update(posted).where(posted.c.agency == sa.bindparam("code")),
)


@dataclass
class Due:
    """What is due in the journals of several agencies, by agency."""

    publish: dict[str, list[RowMapping]] = field(default_factory=dict)  # urgent first, but a quarter for the others
    post: dict[str, list[RowMapping]] = field(default_factory=dict)
    show: dict[str, list[RowMapping]] = field(default_factory=dict)
    decide: set[str] = field(default_factory=set)  # who has recalls or updates that nothing was decided about
    lifted: set[str] = field(default_factory=set)  # whose system is to hear that something was accepted after all


def of(connection: Connection, codes: Sequence[str], now: datetime, limit: int) -> tuple[Due, dict[str, str]]:
    """What is due of these agencies, of each kind at most `limit` of each, one question where nothing is; and until
    when nothing is of those that have nothing."""
    found, asleep, asked = Due(), dict[str, str](), _moments(now)
    who: dict[str, list[str]] = {"publish": [], "post": [], "show": []}
    for code, *moments, lifted in connection.execute(_WHO, {"codes": json.dumps(codes), **asked}):
        publish, post, show, decide = (one is not None and one <= asked["now"] for one in moments)
        for name, is_due in (("publish", publish), ("post", post), ("show", show)):
            if is_due:
                who[name].append(code)
        if decide:
            found.decide.add(code)
        if lifted:
            found.lifted.add(code)
        if not (publish or post or show or decide or lifted):
            asleep[code] = min((one for one in moments if one), default=NEVER)
    rooms = {"count": limit, "most": limit - limit // 4}
    for name, query in (("publish", _TO_PUBLISH), ("post", _TO_POST), ("show", _TO_SHOW)):
        if not who[name]:
            continue
        rows = getattr(found, name)
        for row in connection.execute(query, {"codes": json.dumps(who[name]), **rooms, **asked}).mappings():
            rows.setdefault(row["agency"], []).append(row)
    found.publish = {code: _in_lanes(rows, "created_at", limit) for code, rows in found.publish.items()}
    found.post = {code: sorted(rows, key=lambda row: int(row["number"])) for code, rows in found.post.items()}
    found.show = {code: _in_lanes(rows, "number", limit) for code, rows in found.show.items()}
    return found, asleep


def first(connection: Connection, codes: Sequence[str], now: datetime) -> datetime | None:
    """When something of these agencies is due next; None when nothing is."""
    rows = connection.execute(_WHO, {"codes": json.dumps(codes), **_moments(now)}).all()
    found = [moment for _, *moments, _ in rows for moment in moments if moment is not None]
    return (from_text(min(found)) if min(found) else now) if found else None


def with_held(connection: Connection, codes: Sequence[str], now: datetime) -> set[str]:
    """Those of these agencies whose mail waits for a newer registry."""
    return set(connection.execute(_HELD, {"codes": json.dumps(codes), "now": to_text(now)}).scalars())


def bring_forward(connection: Connection, agency: str, now: datetime) -> int:
    """Whatever of an agency waits for a later time is due at `now`; how much."""
    count, moment = 0, to_text(now)
    for change in (sa.update(outgoing), sa.update(incoming), sa.update(posted)):
        columns = change.table.c
        later = change.where(columns.agency == agency, columns.not_before > moment)
        count += connection.execute(later.values(not_before=moment)).rowcount
    return count


def bring_forward_unsure(connection: Connection, codes: Sequence[str], now: datetime) -> None:
    """What was written down as published for the first time, and perhaps was not, is due at `now`."""
    for change in _UNSURE:
        columns = change.table.c
        late = change.where(columns.attempts == 0, columns.not_before > to_text(now))
        connection.execute(late.values(not_before=to_text(now)), [{"code": code} for code in codes])


def _moments(now: datetime) -> dict[str, str]:
    return {"now": to_text(now), "far": to_text(now + FURTHEST)}


def _in_lanes(rows: list[RowMapping], order: str, limit: int) -> list[RowMapping]:
    """Urgent first, but a quarter of the room for the others."""
    lanes = [
        sorted((row for row in rows if row["urgent"] is lane), key=lambda row: row[order]) for lane in (True, False)
    ]
    return (lanes[0][: limit - limit // 4] + lanes[1])[:limit]
