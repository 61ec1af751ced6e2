"""Where is a document, and why: the time-line of a submission from the hub's record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from axis.core.instant import to_text
from axis.errors import AxisError, Fault, Problem, Rejected
from axis.infra.record import find, ledger, outbox, search
from axis.services.questions import types, why

DOCUMENTS = ("new", "replace")
CHANGES = ("recall", "update")

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from axis.core.registry import Registry
    from axis.infra.database import Row
    from axis.infra.record.find import Narrowed
    from axis.infra.record.store import HubReader, HubStore


def trace(
    hub_store: HubStore,
    reference: str,
    narrowed: Narrowed | None = None,
    *,
    registry: Callable[[], Registry] | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """The document that `reference` names exactly (axis id, DocumentId, number/notation, or digest), its deliveries and
    its events in order, times in UTC; with `registry` and `now` also why each delivery is where it is, trouble first.

    Raises :class:`NotTheOne`: NOT_FOUND, AMBIGUOUS.
    """
    with hub_store.reading() as reader:
        about = the_one(reader, reference, narrowed)
        axis_id = about["axis_id"]
        family, brought = _family(reader, about), deliveries(reader, about)
        ids = [row["id"] for row in brought]
        statuses, waiting = search.statuses(reader, ids), outbox.waiting_of(reader, ids)
        value: dict[str, Any] = {
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
                "ended_at": about["ended_at"],
                "gone": "" if about["body_digest"] else "retention" if about["ended_at"] else "recall",
            },
            "deliveries": [_delivery(row, statuses[row["id"]], waiting.get(row["id"])) for row in brought],
            "changes": changes(reader, about),
            "submissions": [
                {"axis_id": row["axis_id"], "kind": row["kind"], "sender": row["sender"], "at": row["received_at"]}
                for row in family
            ],
            "events": _events(reader, [row["axis_id"] for row in family]),
        }
        if (kind := search.document_type_of(reader, axis_id)) is not None:
            value["document"]["type"] = types.of_row(kind["name"], kind["version"], json.loads(kind["shown"]))
        if registry is not None and now is not None:
            value["why"] = why.explain(reader, registry, value, now)
        return value


def the_one(reader: HubReader, reference: str, narrowed: Narrowed | None = None) -> Row:
    """The submission that `reference` names exactly, a document before what is about it.

    Raises :class:`NotTheOne`: NOT_FOUND, with what is like it, or AMBIGUOUS, with all that it names."""
    found = find.find(reader, reference, narrowed)
    documents = [row for row in found.exact if row["kind"] in DOCUMENTS] or found.exact
    typed = reference.strip().lower()
    named = [row for row in found.exact if typed in {row["axis_id"], row["content_digest"], row["parcel_digest"]}]
    one = named or documents
    if len(one) == 1:
        return one[0]
    if one:
        shown = ", ".join(f"{row['axis_id']} ({row['sender']} {row['code']})" for row in one[:5])
        problem = Problem(Fault.AMBIGUOUS, got=reference, expected=shown + (" …" if len(one) > 5 else ""))
        raise NotTheOne(problem, candidates=one)
    raise NotTheOne(Problem(Fault.NOT_FOUND, got=reference), candidates=found.similar, refused=found.refused)


class NotTheOne(Rejected):
    """No document is named exactly, or several are: `candidates` are what may have been meant; `refused` what was
    submitted under that name and never accepted."""

    def __init__(
        self, problem: Problem, candidates: Sequence[Mapping[Any, Any]] = (), refused: Sequence[Row] = ()
    ) -> None:
        super().__init__(problem)
        self.candidates, self.refused = list(candidates), list(refused)


def reasons_of(reader: HubReader, refused: Sequence[Row]) -> list[dict[str, Any]]:
    """What the hub has said of submissions that it refused: when, to whom, and each reason with its code."""
    if not refused:
        return []  # and nothing is imported that opens a receipt
    from axis.core import parcel, receipt
    from axis.core.registry import HUB

    found, said_of = [], reader.payloads({row["receipt_digest"] for row in refused})
    for row in refused:
        reasons: list[dict[str, str]] = []
        try:
            said = receipt.read(parcel.peek(said_of.get(row["receipt_digest"], b""))[1], HUB)
            given = [one for each in said.statements for one in each.reasons]
            reasons = [{"code": one.code, "text_vi": one.text_vi, "text": one.text_en} for one in given]
        except AxisError:
            pass  # its bytes have ended, or are damaged: that it was refused stands
        about = {"document_id": row["document_id"], "sender": row["sender"], "refused_at": row["refused_at"]}
        found.append({**about, "may_be_sent_again": bool(row["retry"]), "reasons": reasons})
    return found


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


def changes(reader: HubReader, about: Row) -> list[dict[str, Any]]:
    """The recalls, updates and replacements of a document (or the one that was asked for), with how far they are."""
    asked = search.submissions(reader, about["owner"], about["document_id"], CHANGES)
    if about["kind"] not in DOCUMENTS:
        asked = [about] if about["kind"] in CHANGES else []
    elif about["kind"] == "replace":
        asked = [about, *asked]
    if not asked:
        return []
    from axis.services.questions import asked as changed  # of most documents nothing was asked

    demands = search.demands(reader, [one["axis_id"] for one in asked])
    said = changed.reasons(reader.connection, [(one["kind"], one["body_digest"]) for one in reversed(asked)])
    return [
        {
            "axis_id": one["axis_id"],
            "kind": one["kind"],
            "number": one["number"],
            "accepted_at": one["received_at"],
            "reason": said.get(one["body_digest"], ""),
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
        "closed": row["closed"],
        "attempts": attempts,
        "next_attempt": next_attempt,
        "updated_at": row["updated_at"],
    }


def kept_back(hub_store: HubStore, suspended: Collection[str]) -> dict[str, int]:
    """How many deliveries wait at the hub for each of these agencies that are suspended, by code; none for whom none
    does."""
    with hub_store.reading() as reader:
        return outbox.deliveries_of(reader, suspended) if suspended else {}


def summary(hub_store: HubStore) -> dict[str, int]:
    """How many documents, deliveries, handed over, receipts the record holds."""
    with hub_store.reading() as reader:
        return search.counts(reader)
