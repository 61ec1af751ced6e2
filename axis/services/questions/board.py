"""``axis board``: who has a document, who waits, who refused, who is overdue."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from axis.core.hub.lifecycle import Stage, State
from axis.core.hub.terms import Leg, Progress
from axis.core.instant import to_text
from axis.infra.record import search
from axis.services.questions import trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from axis.core.registry import Registry
    from axis.infra.database import Row
    from axis.infra.record.store import HubStore

_STANDING = {
    State.HANDED_OVER: "handed_over",
    State.REFUSED: "refused",
    State.RECALLED: "recalled",
    State.FAILED: "failed",
    State.ACCEPTED: "waiting",
    State.QUEUED: "waiting",
}


def board(store: HubStore, registry: Registry, reference: str, now: datetime) -> dict[str, Any]:
    """The document that `reference` names; for each recipient how it stands, since when, by what receipt, and what is
    overdue; the totals; and the certificate of distribution, if there is one.

    `standing`: ``handed_over``, ``late`` (handed over after the sender was told that it was not), ``refused``,
    ``recalled``, ``failed`` (not delivered so far), ``suspended`` (waits for that) or ``waiting``. `asked`: what it has
    not answered yet: ``recall``, ``update``, ``replace``.
    Raises :class:`Rejected`: NOT_FOUND, AMBIGUOUS.
    """
    with store.reading() as reader:
        about = trace.the_one(reader, reference)
        rows = trace.deliveries(reader, about)
        ids = [row["id"] for row in rows]
        deadlines, statuses = search.deadlines(reader, ids), search.statuses(reader, ids)
        receipts = search.receipts(reader, {about["axis_id"], *(row["axis_id"] for row in rows)})
        asked = _asked(trace.changes(reader, about))
    said = {(one["axis_id"], one["event"], one["recipient"]): one for one in receipts}
    suspended = {m.code for m in registry.agencies if m.standing(now) == "suspended"}
    names = {m.code: m.name_vi for m in registry.agencies}
    lines = [_line(row, deadlines[row["id"]], statuses[row["id"]], said, suspended, names, now) for row in rows]
    lines = [{**line, "asked": asked.get(line["recipient"], [])} for line in lines]
    totals = Counter(line["standing"] for line in lines)
    return {
        "document": {key: about[key] for key in ("axis_id", "document_id", "code", "subject", "sender", "received_at")},
        "recipients": lines,
        "totals": {
            "recipients": len(lines),
            **dict(sorted(totals.items())),
            "overdue": sum(bool(x["overdue"]) for x in lines),
        },
        "certificate": search.certificate([one for one in receipts if one["axis_id"] == about["axis_id"]]),
    }


def _asked(changes: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """By recipient what it was asked to do with the document, and has not answered."""
    found: dict[str, set[str]] = {}
    for unit in (unit for one in changes for unit in one["units"]):
        if unit["stage"] in {Stage.PENDING, Stage.OPEN}:
            found.setdefault(unit["recipient"], set()).add(unit["demand"])
    return {recipient: sorted(demands) for recipient, demands in found.items()}


def _line(
    row: Row,
    deadlines: Mapping[str, Row],
    business: Mapping[str, str],
    said: Mapping[tuple[str, str, str], Row],
    suspended: set[str],
    names: Mapping[str, str],
    now: datetime,
) -> dict[str, Any]:
    state = State(row["state"])
    standing = _STANDING[state]
    handover = deadlines.get(Leg.HANDOVER.value)
    if state is State.HANDED_OVER and handover is not None and handover["progress"] == Progress.LATE.value:
        standing = "late"
    elif state in {State.ACCEPTED, State.QUEUED} and row["recipient"] in suspended:
        standing = "suspended"
    keys = [(row["axis_id"], code, row["recipient"]) for code in ("E.1", "E.2", "D.2", "D.1")]
    receipt = next((said[key] for key in keys if key in said), None)
    running = [d for d in deadlines.values() if d["progress"] in {Progress.RUNNING.value, Progress.WARNED.value}]
    return {
        "recipient": row["recipient"],
        "name": names.get(row["recipient"], ""),
        "units": list(row["units"]),
        "standing": standing,
        "since": receipt["time"] if receipt is not None else row["updated_at"],
        "receipt": receipt["event"] if receipt is not None else "",
        "statuses": dict(business),
        "overdue": sorted(d["leg"] for d in deadlines.values() if d["progress"] == Progress.MISSED.value),
        "next_deadline": min((d["due_at"] for d in running if d["due_at"] > to_text(now)), default=""),
    }
