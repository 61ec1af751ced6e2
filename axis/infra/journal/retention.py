"""Which parcels the journals of a home keep, and their end: what was sent and answered for, what was received and
handed over. Receipts and rows stay, so that what comes once more is known."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from axis.core.instant import to_text
from axis.infra import payloads

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

Place = tuple[str, str]  # how far it has been looked: (time, key)


@dataclass(frozen=True, slots=True)
class Ended:
    """A row whose bytes may go, or are kept (`why`)."""

    agency: str
    key: str
    digest: str
    at: str
    why: str  # "" for one that may go


HELD = "EXISTS (SELECT 1 FROM hold h WHERE h.document_id = t.document_id AND h.document_id <> '')"
# Sent: the hub's answer is held and the local system has been told. Received: the local system has it for good, or will
# never have it.
_SENT = f"""
    SELECT t.agency, t.source_digest, t.parcel_digest, t.created_at,
        CASE WHEN {HELD} THEN 'held'
             WHEN t.state = 'pending' THEN 'undelivered'
             WHEN NOT t.settled OR (t.lifted AND t.state = 'accepted') THEN 'waiting' ELSE '' END
    FROM outgoing t INDEXED BY outgoing_kept
    WHERE t.parcel_digest <> '' AND t.created_at < ? AND (t.created_at, t.source_digest) > (?, ?)
    ORDER BY t.created_at, t.source_digest LIMIT ?"""  # noqa: S608  names of this module
_RECEIVED = f"""
    SELECT t.agency, t.id, t.body_digest, t.received_at,
        CASE WHEN {HELD} THEN 'held'
             WHEN t.state NOT IN ('handed_over', 'refused', 'withdrawn', 'done') THEN 'undelivered' ELSE '' END
    FROM incoming t INDEXED BY incoming_kept WHERE t.body_digest <> '' AND t.kind <> 'receipt' AND t.received_at < ?
        AND (t.received_at, t.id) > (?, ?) ORDER BY t.received_at, t.id LIMIT ?"""  # noqa: S608  as above
_END_SENT = (
    "UPDATE outgoing SET parcel_digest = '' WHERE (agency, source_digest) IN "
    "(SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))"
)
_END_RECEIVED = (
    "UPDATE incoming SET body_digest = '' WHERE (agency, id) IN "
    "(SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))"
)
START: Place = ("", "")


def sent(connection: Connection, until: datetime, after: Place, limit: int) -> list[Ended]:
    """What was sent before `until` and is kept, in order from `after` on."""
    return _rows(connection, _SENT, until, after, limit)


def received(connection: Connection, until: datetime, after: Place, limit: int) -> list[Ended]:
    """What was received before `until` and is kept, but receipts, in order from `after` on."""
    return _rows(connection, _RECEIVED, until, after, limit)


def end_sent(connection: Connection, found: Sequence[Ended], references: payloads.References) -> None:
    """The bytes of these go, but where something else names them."""
    _end(connection, _END_SENT, found, references)


def end_received(connection: Connection, found: Sequence[Ended], references: payloads.References) -> None:
    """As :func:`end_sent`."""
    _end(connection, _END_RECEIVED, found, references)


def sizes(connection: Connection, found: Sequence[Ended]) -> int:
    """The bytes that are kept of these."""
    return sum(payloads.sizes(connection, {one.digest for one in found}).values()) if found else 0


def _rows(connection: Connection, text: str, until: datetime, after: Place, limit: int) -> list[Ended]:
    rows: Sequence[Any] = connection.exec_driver_sql(text, (to_text(until), *after, limit)).all()
    return [Ended(*row) for row in rows]


def _end(connection: Connection, text: str, found: Sequence[Ended], references: payloads.References) -> None:
    if found:
        connection.exec_driver_sql(text, (json.dumps([[one.agency, one.key] for one in found]),))
        payloads.end(connection, {one.digest for one in found}, references)
