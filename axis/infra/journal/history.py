"""Which rows of a home's journals have been over for so long that nobody asks about them any more, and their end.

What a recall asks for has no time: that a document was received here, and what became of it, that it was withdrawn, and
what was reported about it, stays. What another row has said stays where it belongs: in the hub's ledger and receipts,
and in the agency's own folders. Bytes that only such a row has named go when the program starts next
(:func:`axis.infra.payloads.sweep`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core import ledger
from axis.core.instant import to_text
from axis.infra.journal.retention import HELD

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

SLICE = 200  # rows that are looked at, and end, in one transaction
About = tuple[str, str]  # (agency, axis id)


@dataclass(frozen=True, slots=True)
class Old:
    """A row, and why it stays: "" for one that may go; ``recall`` for one whose events may go."""

    table: str
    number: int
    agency: str
    axis_id: str
    at: str
    why: str


# Sent: answered, told, its parcel ended before. Received: handed over or settled otherwise, and the same. Nothing has
# been sent or has come about the same document since: a recall, an update or a status finds what it is about.
_SENT = f"""
    SELECT 'outgoing', t.rowid, t.agency, t.axis_id, t.created_at,
        CASE WHEN {HELD} THEN 'held'
             WHEN t.state = 'pending' THEN 'undelivered'
             WHEN NOT t.settled OR (t.lifted AND t.state = 'accepted') OR t.parcel_digest <> '' THEN 'waiting'
             WHEN t.created_at >= :until OR t.document_id <> '' AND (
                EXISTS (SELECT 1 FROM outgoing o WHERE o.agency = t.agency AND o.document_id = t.document_id
                    AND o.created_at >= :until)
                OR EXISTS (SELECT 1 FROM incoming i WHERE i.agency = t.agency AND i.sender = t.agency
                    AND i.document_id = t.document_id AND i.received_at >= :until)) THEN 'recent'
             WHEN t.kind = 'status' THEN 'recall' ELSE '' END
    FROM outgoing t WHERE t.rowid > :after ORDER BY t.rowid LIMIT :count"""  # noqa: S608  names of this module
_RECEIVED = f"""
    SELECT 'incoming', t.number, t.agency, t.id, t.received_at,
        CASE WHEN {HELD} THEN 'held'
             WHEN t.state NOT IN ('handed_over', 'refused', 'withdrawn', 'done') THEN 'undelivered'
             WHEN t.kind <> 'receipt' AND t.body_digest <> '' THEN 'waiting'
             WHEN t.received_at >= :until OR t.document_id <> '' AND (
                EXISTS (SELECT 1 FROM incoming i WHERE i.agency = t.agency AND i.sender = t.sender
                    AND i.document_id = t.document_id AND i.received_at >= :until)
                OR EXISTS (SELECT 1 FROM outgoing o WHERE o.agency = t.agency AND o.document_id = t.document_id
                    AND o.created_at >= :until)) THEN 'recent'
             WHEN t.kind IN ('document', 'update') THEN 'recall' ELSE '' END
    FROM incoming t WHERE t.number > :after ORDER BY t.number LIMIT :count"""  # noqa: S608  as above
TABLES = {"outgoing": _SENT, "incoming": _RECEIVED}
_EVENTS = "SELECT number, agency, axis_id, canonical FROM event WHERE number > :after ORDER BY number LIMIT :count"
_LAST = """
    SELECT (SELECT e.number FROM event e WHERE e.agency = c.value ORDER BY e.number DESC LIMIT 1)
    FROM json_each(:codes) c UNION ALL SELECT max(number) FROM event"""
_END = {
    "outgoing": "DELETE FROM outgoing WHERE rowid IN (SELECT value FROM json_each(:numbers))",
    "incoming": "DELETE FROM incoming WHERE number IN (SELECT value FROM json_each(:numbers))",
}
_END_EVENTS = "DELETE FROM event WHERE number IN (SELECT value FROM json_each(:numbers))"


def rows(connection: Connection, table: str, until: datetime, after: int) -> list[Old]:
    """The next rows of ``outgoing`` or ``incoming`` in the order in which they were made; empty when all that follow
    are younger than `until`."""
    moment = to_text(until)
    asked = {"until": moment, "after": after, "count": SLICE}
    found = [Old(*row) for row in connection.exec_driver_sql(TABLES[table], asked)]
    return found if any(one.at < moment for one in found) else []


def end_rows(connection: Connection, found: Sequence[Old]) -> None:
    """These are over."""
    for table in {one.table for one in found}:
        numbers = [one.number for one in found if one.table == table]
        connection.exec_driver_sql(_END[table], {"numbers": json.dumps(numbers)})


def last_events(connection: Connection, codes: Sequence[str]) -> set[int]:
    """The numbers of each agency's last event, and of the last of all: how far a journal has come is told by them."""
    found = connection.exec_driver_sql(_LAST, {"codes": json.dumps(codes)}).scalars()
    return {int(number) for number in found if number is not None}


def end_events(
    connection: Connection, until: datetime, after: int, last: Collection[int], kept: Collection[About]
) -> tuple[int, list[str]]:
    """The next events that are older than `until` end, but the `last` ones and those about what is `kept`: (up to which
    number it was looked, 0 when all that follow are younger; the agencies whose events have ended)."""
    found = connection.exec_driver_sql(_EVENTS, {"after": after, "count": SLICE}).all()
    old = [row for row in found if ledger.read(row.canonical).time < until]
    over = [row for row in old if row.number not in last and (row.agency, row.axis_id) not in kept]
    if over:
        connection.exec_driver_sql(_END_EVENTS, {"numbers": json.dumps([row.number for row in over])})
    return (int(found[-1].number) if old else 0), [row.agency for row in over]
