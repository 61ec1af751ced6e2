"""``axis inbox``: what has come to an agency, and one of it as files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axis.core import readable, saying
from axis.core.identity import earliest
from axis.core.instant import from_text
from axis.errors import AxisError, Fault, rejected
from axis.infra import payloads
from axis.infra.journal import questions
from axis.services.questions import asked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from axis.core.readable import Readable
    from axis.infra.journal.asked import Key
    from axis.infra.journal.journals import Journal

KINDS, STATES = {"document", "update", "recall"}, {"handing_over", "shown", "handed_over"}
READ = 4  # times as many are read as are shown: statuses and receipts lie between


def page(journal: Journal, now: datetime, after: str = "", limit: int = 20) -> tuple[list[dict[str, Any]], str]:
    """What has come and was handed over, the newest first: (rows, what the next page begins after; "" for none)."""
    place, found = after or earliest(now.replace(year=now.year + 1)), list[dict[str, Any]]()
    keys: list[Key] = []
    with journal.database.read() as connection:
        for row in _rows(connection, journal.agency, place, READ * limit):
            if len(found) == limit:
                return _as_asked(connection, found, keys), place
            if row["kind"] in KINDS and row["state"] in STATES:
                found.append(_shown(connection, row))
                keys.append((row["agency"], row["sender"], row["document_id"]))
            place = row["id"]
        return _as_asked(connection, found, keys), ""


def _as_asked(connection: Any, found: list[dict[str, Any]], keys: list[Key]) -> list[dict[str, Any]]:
    """With what was asked since about each: two statements for all of them."""
    known = asked.of(connection, list(dict.fromkeys(keys)))
    for row, key in zip(found, keys, strict=True):
        is_change = row["kind"] in {"update", "recall"}
        told = asked.last(one for one in known.get(key, ()) if not is_change or one.axis_id == row["axis_id"])
        row["asked"] = told.cause[0] if told is not None and told.cause is not None else ""
    return found


def _rows(connection: Any, code: str, place: str, size: int) -> Iterator[Mapping[Any, Any]]:
    while True:
        rows = questions.received(connection, [code], place, "", size)
        yield from rows
        if len(rows) < size:
            return
        place = rows[-1]["id"]


def _shown(connection: Any, row: Mapping[Any, Any]) -> dict[str, Any]:
    """What its own packet says of it: the journal knows no subject. One is held at a time: each may be large."""
    facts = row["facts"]
    shown = {
        "axis_id": row["id"],
        "came": row["received_at"],
        "sender": facts.get("sender", row["sender"]),
        "kind": facts.get("kind", row["kind"]),
        "code": facts.get("code", ""),
        "subject": "",
        "files": None,
        "state": row["state"],
    }
    data = payloads.get_sound(connection, [row["body_digest"]]).get(row["body_digest"]) if row["body_digest"] else None
    if data:
        try:
            opened = readable.open_parcel(data)
        except AxisError:
            return shown
        shown |= {"code": opened.packet.code, "subject": opened.packet.subject, "files": len(opened.attachments)}
        shown["sender"] = opened.packet.sender.organ_id
    return shown


def copy(journal: Journal, axis_id: str, members: Mapping[str, str]) -> Readable:
    """What has come under this axis id, as files. Raises :class:`Rejected` NOT_FOUND where its bytes are no more."""
    with journal.reading() as reader:
        row = reader.incoming(axis_id)
        body = reader.payload_if_any(row["body_digest"]) if row is not None and row["body_digest"] else b""
        if row is None or not body:
            raise rejected(Fault.NOT_FOUND, axis_id)
        since = [saying.asked(asked.as_object(one), "vi") for one in asked.about(reader.connection, row)]
        proof, answer = (reader.payload_if_any(row[f"{name}_digest"]) for name in ("proof", "answer"))
    arrived = readable.Arrived(axis_id, body, proof, answer, from_text(row["received_at"]))
    return readable.of_document(arrived, members, since)
