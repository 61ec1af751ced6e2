"""Where is a document, and why: the time-line of a submission from the hub's record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axis.core.instant import to_text
from axis.errors import Fault, rejected
from axis.infra.record import ledger, outbox, search

DOCUMENTS = ("new", "replace")
CHANGES = ("recall", "update")

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from axis.infra.database import Row
    from axis.infra.journal import Journal
    from axis.infra.record.store import HubReader, HubStore


def trace(hub_store: HubStore, reference: str) -> dict[str, Any]:
    """The document that `reference` names (axis id, DocumentId, number/notation, digest, or a part that only
    one document has), its deliveries and its events in order, times in UTC.

    Raises :class:`Rejected`: NOT_FOUND, AMBIGUOUS.
    """
    with hub_store.reading() as reader:
        about = the_one(reader, reference)
        axis_id = about["axis_id"]
        family, brought = _family(reader, about), deliveries(reader, about)
        ids = [row["id"] for row in brought]
        statuses, waiting = search.statuses(reader, ids), outbox.waiting_of(reader, ids)
        return {
            "document": {
                "axis_id": axis_id,
                "kind": about["kind"],
                "sender": about["sender"],
                "from": about["organ_id"],
                "document_id": about["document_id"],
                "code": about["code"],
                "subject": about["subject"],
                "priority": about["priority"],
                "content_digest": about["content_digest"],
                "parcel_digest": about["parcel_digest"],
                "registry_version": about["registry_version"],
                "received_at": about["received_at"],
                "number": about["number"],
                "superseded_by": search.superseded_by(reader, about["owner"], about["document_id"]),
                "kept": about["body_digest"] != "",
            },
            "deliveries": [_delivery(row, statuses[row["id"]], waiting.get(row["id"])) for row in brought],
            "changes": _changes(reader, about),
            "events": _events(reader, [row["axis_id"] for row in family]),
        }


def the_one(reader: HubReader, reference: str) -> Row:
    """The submission that `reference` names, a document before what is about it. Raises :class:`Rejected`."""
    rows = search.find(reader, reference)
    if not rows:
        raise rejected(Fault.NOT_FOUND, reference)
    for row in rows:
        if reference in {row["axis_id"], row["content_digest"], row["parcel_digest"]}:
            return row
    documents = [row for row in rows if row["kind"] in DOCUMENTS] or rows
    if len(documents) > 1:
        shown = ", ".join(f"{row['axis_id']} ({row['sender']} {row['code']})" for row in documents[:5])
        raise rejected(Fault.AMBIGUOUS, reference, shown + (" …" if len(documents) > 5 else ""))
    return documents[0]


def _family(reader: HubReader, about: Row) -> list[Row]:
    """The submission; with a document what was asked about it, and the statuses reported about it."""
    if about["kind"] not in DOCUMENTS:
        return [about]
    return [about, *search.submissions(reader, about["owner"], about["document_id"], (*CHANGES, "status"))]


def deliveries(reader: HubReader, about: Row) -> list[Row]:
    """What brought the document to each of its recipients; of anything else its own deliveries."""
    if about["kind"] not in DOCUMENTS:
        return list(search.deliveries(reader, about["axis_id"]))
    return list(search.recipients(reader, about["owner"], about["document_id"]))


def _changes(reader: HubReader, about: Row) -> list[dict[str, Any]]:
    """The recalls, updates and replacements of a document (or the one that was asked for), with how far they are."""
    asked = search.submissions(reader, about["owner"], about["document_id"], CHANGES)
    if about["kind"] not in DOCUMENTS:
        asked = [about] if about["kind"] in CHANGES else []
    elif about["kind"] == "replace":
        asked = [about, *asked]
    demands = search.demands(reader, [one["axis_id"] for one in asked])
    return [
        {
            "axis_id": one["axis_id"],
            "kind": one["kind"],
            "number": one["number"],
            "accepted_at": one["received_at"],
            "units": [
                {
                    "recipient": row["recipient"],
                    "unit": row["unit"],
                    "demand": row["demand"],
                    "stage": row["stage"],
                    "answered_at": row["answered_at"],
                    "reason": row["reason"],
                }
                for row in demands[one["axis_id"]]
            ],
        }
        for one in asked
    ]


def _events(reader: HubReader, axis_ids: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "time": to_text(entry.time),
            "actor": entry.actor,
            "event": entry.event,
            "recipient": entry.recipient,
            "axis_id": entry.axis_id,
            "detail": entry.detail,
        }
        for _, entry in ledger.entries(reader, axis_ids)
    ]


def _delivery(row: Row, business: Mapping[str, str], waiting: tuple[int, str] | None) -> dict[str, Any]:
    attempts, next_attempt = waiting or (row["attempts"], None)
    return {
        "id": row["id"],
        "recipient": row["recipient"],
        "units": list(row["units"]),
        "state": row["state"],
        "business_status": max(business.values(), default=""),
        "statuses": dict(business),
        "attempts": attempts,
        "next_attempt": next_attempt,
        "updated_at": row["updated_at"],
    }


def summary(hub_store: HubStore) -> dict[str, int]:
    """How many documents, deliveries, handed over, receipts the record holds."""
    with hub_store.reading() as reader:
        return search.counts(reader)


def trace_journal(journals: dict[str, Journal], reference: str) -> dict[str, Any]:
    """What an agency's own journal knows of a document it sent or received; the same form as :func:`trace`.

    Raises :class:`Rejected`: NOT_FOUND, AMBIGUOUS.
    """
    found = []
    for code, one in journals.items():
        with one.reading() as reader:
            found += [(code, row, reader.events(row["axis_id"])) for row in reader.find(reference)]
    if not found:
        raise rejected(Fault.NOT_FOUND, reference)
    if len({row["axis_id"] for _, row, _ in found}) > 1:
        raise rejected(Fault.AMBIGUOUS, reference, ", ".join(row["axis_id"] for _, row, _ in found[:5]))
    about = found[0][1]
    events = [
        {
            "time": to_text(entry.time),
            "actor": entry.actor,
            "event": entry.event,
            "recipient": entry.recipient,
            "axis_id": entry.axis_id,
            "detail": entry.detail,
        }
        for _, _, entries in found
        for entry in entries
    ]
    deliveries = [
        {
            "id": "",
            "recipient": code,
            "units": [],
            "state": _STATES.get(row["state"], "QUEUED"),
            "business_status": "",
            "statuses": {},
            "attempts": row["attempts"],
            "next_attempt": None,
            "updated_at": row["moment"],
        }
        for code, row, _ in found
        if row["direction"] == "incoming"
    ]
    document = {key: about[key] for key in ("axis_id", "kind", "document_id", "code", "subject", "content_digest")}
    return {
        "document": {
            **document,
            "sender": about["sender"],
            "from": about["sender"],
            "received_at": about["moment"],
        },
        "deliveries": deliveries,
        "changes": [],
        "events": sorted(events, key=lambda event: event["time"]),
    }


_STATES = {"handed_over": "HANDED_OVER", "refused": "REFUSED", "withdrawing": "RECALLED", "withdrawn": "RECALLED"}
