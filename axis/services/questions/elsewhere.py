"""What is known under a name outside the hub's record of documents: what never left an adapter, what waits in outbox/,
what was put aside. Asked when no document is called so."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from axis.core.identity import same_id
from axis.core.instant import to_text
from axis.core.words import fold_code
from axis.infra import payloads
from axis.infra.journal import find
from axis.infra.record import quarantine

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from axis.core.edxml import Packet
    from axis.infra.journal.journals import Journal
    from axis.infra.record.store import HubReader

FILES = 200  # of an outbox that are looked at, the first by name
MESSAGES = 100  # in quarantine that are opened
LARGEST = 8 * 1024 * 1024  # bytes of a file or message that is looked at
ALL = 64 * 1024 * 1024  # bytes of all messages together: they are in memory at once


def in_journals(journals: Mapping[str, Journal], reference: str) -> list[dict[str, Any]]:
    """What the adapters of this home have got from their systems and the hub has not: found invalid (``invalid``), or
    on its way to the hub (``pending``)."""
    with next(iter(journals.values())).database.read() as connection:
        rows = find.unsent(connection, list(journals), reference)
    return [
        _item(row["state"], row["agency"], row["document_id"], row["moment"], reasons=_reasons(row["problems"]))
        for row in rows
    ]


def _reasons(problems: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    errors = [one for one in problems if one.get("severity") != "warning"]
    return [{"code": str(one["code"]), "text_vi": str(one["text_vi"]), "text": str(one["text"])} for one in errors]


def in_outboxes(folders: Mapping[str, Path], reference: str) -> list[dict[str, Any]]:
    """Packets of this DocumentId or number that lie in outboxes, by agency, and that no adapter has taken."""
    found = []
    for agency, folder in folders.items():
        for path in _packets(folder):
            try:
                if path.stat().st_size > LARGEST:
                    continue
                packet, since = _read(path.read_bytes()), _changed(path)
            except OSError:
                continue  # taken just now
            if packet is not None and _is_named((packet.target, packet.code), reference):
                found.append(_item("outbox", agency, packet.target, since, file=path.name))
    return found


def _packets(folder: Path) -> list[Path]:
    try:
        files = [one for one in folder.iterdir() if one.suffix == ".edxml" and not one.name.startswith(".")]
    except OSError:
        return []
    return list(islice(sorted(files), FILES))


def _read(data: bytes) -> Packet | None:
    from axis.core import edxml

    return edxml.convert(data).packet


def _changed(path: Path) -> str:
    from datetime import UTC, datetime

    return to_text(datetime.fromtimestamp(path.stat().st_mtime, UTC))


def in_quarantine(reader: HubReader, reference: str) -> list[dict[str, Any]]:
    """What the hub has put aside, if it is of this DocumentId or number: of the oldest MESSAGES as many are opened as
    ALL allows. What is damaged is passed over."""
    found, rows = [], quarantine.found(reader, limit=MESSAGES)
    bodies = reader.payloads(_as_many(reader, [row["body_digest"] for row in rows if not row["document_id"]]))
    for row in rows:
        document_id = row["document_id"] or _document_id(bodies.get(row["body_digest"], b""))
        if _is_named(_names(document_id), reference):
            since = row["since"]
            found.append(_item("quarantine", row["agency"], document_id, since, id=row["id"], fault=row["code"]))
    return found


def _as_many(reader: HubReader, digests: Sequence[str]) -> list[str]:
    """The first of these that are not too large, each and together."""
    sizes, found, left = payloads.sizes(reader.connection, digests), [], ALL
    for digest in digests:
        size = sizes.get(digest, 0)
        if size <= min(left, LARGEST):
            found.append(digest)
            left -= size
    return found


def _document_id(body: bytes) -> str:
    from axis.core import parcel
    from axis.errors import AxisError

    try:
        packet = _read(parcel.peek(body)[1])
    except AxisError:
        return ""
    return packet.target if packet is not None else ""


def in_letters(letters: Iterable[Mapping[str, Any]], reference: str) -> list[dict[str, Any]]:
    """Which of these dead letters (:func:`axis.services.questions.dead_ends.described`) is of this DocumentId or
    number."""
    return [
        _item("dead_letter", one["sender"], one["document_id"], one["since"], id=one["id"], fault=one["code"])
        for one in letters
        if _is_named(_names(str(one["document_id"])), reference)
    ]


def _names(document_id: str) -> tuple[str, str]:
    return document_id, document_id.rpartition(",")[2]


def _is_named(names: Collection[str], reference: str) -> bool:
    return fold_code(same_id(reference)) in {fold_code(same_id(name)) for name in names if name}


def _item(where: str, sender: str, document_id: str, since: str, **more: Any) -> dict[str, Any]:
    known = {"where": where, "sender": sender, "document_id": document_id, "since": since}
    return {**known, "id": "", "file": "", "fault": "", "reasons": [], **more}


def within(items: Iterable[dict[str, Any]], sender: str, since: datetime | None, before: datetime | None) -> list[Any]:
    """Those of this sender and time, where these are given."""
    first, last = (to_text(moment) if moment else "" for moment in (since, before))
    return [
        one
        for one in items
        if sender in {"", one["sender"]}
        and (not first or not one["since"] or one["since"] >= first)
        and (not last or not one["since"] or one["since"] < last)
    ]
