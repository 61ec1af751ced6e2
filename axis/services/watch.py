"""Deadlines: a warning before, signed evidence after, to the sender; and how a delivery to several has ended.

A deadline is a row from the moment when its time begins to run. What happens before it ends it silently; what happens
after it is said to be late.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core import lifecycle, receipt
from axis.core.deadline import Leg, Progress
from axis.core.edxml_values import day_of
from axis.core.instant import from_text, local, to_text, whole
from axis.core.ledger import Entry
from axis.core.lifecycle import Demand, Stage, State, Turn
from axis.core.receipt import Event, Statement
from axis.core.trust import HUB
from axis.errors import Fault, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.infra.database import Row
    from axis.infra.store import HubTransaction
    from axis.services.hub import Hub

BATCH = 100


def step(hub: Hub, now: datetime) -> int:
    """Say what is due to be said; how many deadlines."""
    with hub.store.reading() as reader:
        due = reader.deadlines_at(now, BATCH)
    if not due:
        return 0
    with hub.store.transaction() as tx:
        tx.lock_documents_of(sorted({row["delivery_id"] for row in due}))
        for row in tx.deadlines_at(now, BATCH):  # another worker may have said some of it meanwhile
            if any(row["delivery_id"] == one["delivery_id"] for one in due):
                _pass(hub, tx, row, now)
    return len(due)


@dataclass(frozen=True)
class Subject:
    """A delivery, and what its deadlines depend on: the kind of what has to happen to it, and its priority."""

    delivery_id: str
    kind: str
    priority: int


def begin(
    hub: Hub, tx: HubTransaction, about: Subject, leg: Leg, start: datetime, *, due: str = "", number: int = 0
) -> None:
    """From `start` this leg of a delivery has a deadline, if the rules give it one. `due`: the document's DueDate;
    `number`: of the demand to be answered."""
    term = hub.deadlines.term(leg, about.kind, about.priority, start, day_of(due) if due else None)
    if term is not None:
        tx.set_deadline(about.delivery_id, name(leg, number), term)


def name(leg: Leg, number: int = 0) -> str:
    """The leg as it is kept: an answer is one to a demand with a number."""
    return f"{leg.value} {number}" if number else leg.value


def reported(hub: Hub, tx: HubTransaction, row: Row, now: datetime) -> None:
    """A unit has reported a business status: what was waited for may have happened with it."""
    for leg in (Leg.RECEPTION, Leg.PROCESSING):
        if _has_happened(hub, tx, row, leg):
            tx.meet_deadline(row["id"], leg.value, now)


def _has_happened(hub: Hub, tx: HubTransaction, row: Row, leg: Leg) -> bool:
    """Whether every unit addressed has accepted (or refused) the document, or has finished with it, by the furthest
    that anybody who speaks for it has reported."""
    business, registry = tx.business(row["id"]), hub.registry()
    furthest = [
        max((code for reporter, code in business.items() if registry.speaks_for(reporter, unit)), default="")
        for unit in row["units"]
    ]
    if leg is Leg.RECEPTION:
        return all(code >= lifecycle.REJECTED for code in furthest)
    return all(code in {lifecycle.FINISHED, lifecycle.REJECTED} for code in furthest)


def arrived(hub: Hub, tx: HubTransaction, row: Row, now: datetime) -> None:
    """A delivery was handed over: what it asks for is before a clerk from now on, and the time to answer runs."""
    theirs = {row["recipient"], *hub.registry().predecessors(row["recipient"], now)}
    for original in {one["delivery_id"] for one in tx.demands_by(row["axis_id"]) if one["recipient"] in theirs}:
        for one in tx.demands([original])[original]:
            if tx.asked_by(original, one.number) != row["axis_id"]:
                continue
            # A recall that its adapter could not decide about: the successor of who has the document.
            pending = [unit for unit, stage in one.stages.items() if stage is Stage.PENDING]
            if pending:
                stages = {unit: lifecycle.turn(Stage.PENDING, Turn.TOO_LATE) for unit in pending}
                detail = {"number": one.number, "outcome": Turn.TOO_LATE.value}
                entry = Entry(now, HUB, "recall.asked", row["axis_id"], row["recipient"], detail)
                tx.answer(original, one.number, stages, entry)
            if pending or Stage.OPEN in one.stages.values():
                about = Subject(original, one.demand.value, row["priority"])
                begin(hub, tx, about, Leg.ANSWER, now, number=one.number)


def _pass(hub: Hub, tx: HubTransaction, row: Row, now: datetime) -> None:
    delivery = tx.delivery_for_update(row["delivery_id"])
    leg, _, number = row["leg"].partition(" ")
    progress = _progress(hub, tx, delivery, Leg(leg), int(number or 0))
    if progress is not Progress.RUNNING:
        event = f"deadline.{progress.value}"
        entry = Entry(now, HUB, event, delivery["axis_id"], delivery["recipient"], {"leg": row["leg"]})
        tx.pass_deadline(row, progress, "", entry)
        return
    missed = row["due_at"] <= to_text(now)
    detail = {"leg": row["leg"], "due_at": row["due_at"]}
    event = "deadline.missed" if missed else "deadline.near"
    entry = Entry(now, HUB, event, delivery["axis_id"], delivery["recipient"], detail)
    progress = Progress.MISSED if missed else Progress.WARNED
    digest = tx.pass_deadline(row, progress, "" if missed else row["due_at"], entry)
    until = local(from_text(row["due_at"]))
    if missed and leg == Leg.HANDOVER:
        hub.fail_delivery(tx, delivery["id"], Problem(Fault.OVERDUE, expected=until), delivery["attempts"], now)
        return
    fault = Fault.DEADLINE_MISSED if missed else Fault.DEADLINE_NEAR
    said = Statement(
        hub.new_id(now),
        Event.DeadlineExpiry if missed else Event.DeadlineWarning,
        whole(now),
        delivery["recipient"],
        (),
        receipt.reasons([Problem(fault, row["leg"], until)]),
        digest,
        row["leg"],
    )
    hub.issue(tx, delivery, [said], now)


def _progress(hub: Hub, tx: HubTransaction, delivery: Row, leg: Leg, number: int) -> Progress:
    """RUNNING while it can happen and has not; MET; VOID when it cannot happen any more."""
    state = State(delivery["state"])
    demands = tx.demands([delivery["id"]]).get(delivery["id"], [])
    if leg is Leg.ANSWER:
        stages = {stage for one in demands if one.number == number for stage in one.stages.values()}
        if stages & lifecycle.WAITING:
            return Progress.RUNNING
        return Progress.MET if stages & {Stage.AGREED, Stage.DECLINED} else Progress.VOID
    if leg is Leg.HANDOVER:
        return Progress.RUNNING if state not in lifecycle.FINAL else Progress.MET
    if _has_happened(hub, tx, delivery, leg):
        return Progress.MET
    taken_back = any(d.demand is Demand.RECALL and Stage.AGREED in d.stages.values() for d in demands)
    return Progress.VOID if taken_back or state in {State.REFUSED, State.RECALLED} else Progress.RUNNING


# -- How a delivery to several has ended --------------------------------------------------------------------------


def certify(hub: Hub, tx: HubTransaction, axis_id: str, now: datetime) -> None:
    """When every delivery of a document to several is over: the certificate of distribution, to the sender. Once, and
    once more for everybody when an update has added recipients since."""
    about = tx.submission(axis_id)
    if about is None or about["kind"] not in {"new", "replace"}:
        return
    rows = sorted(tx.recipients(about["owner"], about["document_id"]).values(), key=lambda row: str(row["recipient"]))
    if len(rows) < 2 or not all(_is_over(row) for row in rows):
        return
    if tx.certificate(axis_id)[1] >= {row["recipient"] for row in rows}:
        return
    deadlines = tx.deadlines([row["id"] for row in rows])
    found = [(row, *_evidence(tx, about, row)) for row in rows]
    outcomes = {row["recipient"]: row["state"] for row in rows}
    entry = tx.enter(Entry(now, HUB, "distribution.certified", axis_id, "", {"outcomes": outcomes}))
    statements = [
        Statement(
            hub.new_id(now),
            Event.DistributionCertificate,
            from_text(time) if time else whole(now),
            row["recipient"],
            entry=entry,
            leg="late" if _was_late(deadlines.get(row["id"], {})) else "",
            outcome=row["state"],
            evidence=digest,
        )
        for row, digest, time in found
    ]
    for first in range(0, len(statements), receipt.MAX_STATEMENTS):
        hub.issue(tx, about, statements[first : first + receipt.MAX_STATEMENTS], now)


def _is_over(row: Row) -> bool:
    """Final, or nobody tries again: the agency is closed and has no successor, or an operator has said so."""
    return State(row["state"]) in lifecycle.FINAL or (State(row["state"]) is State.FAILED and row["closed"])


def _evidence(tx: HubTransaction, about: Row, row: Row) -> tuple[str, str]:
    """(digest, time) of the receipt by which a delivery ended."""
    events = {State.HANDED_OVER: "E.1", State.REFUSED: "E.2", State.FAILED: "D.2"}
    event = events.get(State(row["state"]))
    if event is not None:
        said = tx.evidence(row["axis_id"]).get((event, row["recipient"]))
    else:
        recall = tx.recalled_by(about["owner"], about["document_id"]).get(row["recipient"])
        said = tx.evidence(recall).get(("W.1", row["recipient"])) if recall is not None else None
    return (said["receipt_digest"], said["time"]) if said is not None else ("", "")


def _was_late(deadlines: dict[str, Row]) -> bool:
    handover = deadlines.get(Leg.HANDOVER.value)
    return handover is not None and handover["progress"] == Progress.LATE.value


def late_legs(rows: Sequence[Row]) -> list[str]:
    """The legs that were missed, and are still, of a delivery's deadlines."""
    return sorted(row["leg"] for row in rows if row["progress"] == Progress.MISSED.value)
