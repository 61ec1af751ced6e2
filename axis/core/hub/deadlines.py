"""Deadlines: a warning before, signed evidence after, to the sender.

A deadline is a row from the moment when its time begins to run. What happens before it ends it silently; what happens
after it is said to be late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core import receipt
from axis.core.edxml.values import day_of
from axis.core.hub import lifecycle
from axis.core.hub.consignment import fail
from axis.core.hub.dossier import Together
from axis.core.hub.lifecycle import Stage, State, Turn
from axis.core.hub.terms import Leg, Progress
from axis.core.instant import from_text, local, to_text, whole
from axis.core.ledger import Entry
from axis.core.receipt import Event, Statement
from axis.core.registry import HUB
from axis.errors import Fault, Problem

if TYPE_CHECKING:
    from datetime import datetime

    from axis.core.hub.change import Entered
    from axis.core.hub.dossier import Delivery
    from axis.core.hub.draft import Draft


def begin(
    draft: Draft,
    delivery: Delivery,
    kind: str,
    priority: int,
    leg: Leg,
    start: datetime,
    entry: Entered,
    *,
    due: str = "",
    number: int = 0,
) -> None:
    """From `start` this leg of a delivery has a deadline, if the rules give it one, by the kind of what has to happen
    and its priority. `due`: the document's DueDate; `number`: of the demand to be answered."""
    term = draft.rules.deadlines.term(leg, kind, priority, start, day_of(due) if due else None)
    if term is not None:
        draft.set_limit(delivery, name(leg, number), term, entry)


def name(leg: Leg, number: int = 0) -> str:
    """The leg as it is kept: an answer is one to a demand with a number."""
    return f"{leg.value} {number}" if number else leg.value


def reported(draft: Draft, delivery: Delivery, code: str, entry: Entered) -> None:
    """A unit has reported business status `code`: what was waited for may have happened with it."""
    for leg in (Leg.RECEPTION, Leg.PROCESSING):
        limit = draft.limits(delivery.id).get(leg.value)
        is_met = limit is None or limit.progress in {Progress.MET, Progress.LATE}
        if not is_met and _is_enough(leg, code) and _has_happened(draft, delivery, leg):
            draft.meet_limit(delivery, leg.value, entry)


def arrived(draft: Draft, delivery: Delivery, priority: int, entry: Entered) -> None:
    """A delivery was handed over: what it asks for is before a clerk from now on, and the time to answer runs."""
    together, asked = Together(), []
    for code in (delivery.recipient, *draft.rules.registry.predecessors(delivery.recipient, draft.now)):
        with together.step():
            asked += draft.asked_of(delivery.axis_id, delivery.document, code)
    together.ask()
    for original, one in asked:
        # A recall that its adapter could not decide about: the successor of who has the document.
        pending = [unit for unit, stage in one.stages.items() if stage is Stage.PENDING]
        if pending:
            stages = {unit: lifecycle.turn(Stage.PENDING, Turn.TOO_LATE) for unit in pending}
            detail = {"number": one.number, "outcome": Turn.TOO_LATE.value}
            told = Entry(draft.now, HUB, "recall.asked", delivery.axis_id, delivery.recipient, detail)
            draft.answer(original, one.number, stages, told)
        if pending or Stage.OPEN in one.stages.values():
            kind = one.demand.value
            begin(draft, original, kind, priority, Leg.ANSWER, draft.now, entry, number=one.number)


def is_due(draft: Draft, delivery: Delivery, leg: str) -> bool:
    """Whether this deadline has to be looked at now: another worker may have done it meanwhile."""
    limit = draft.limits(delivery.id).get(leg)
    return limit is not None and limit.next_at != "" and limit.next_at <= to_text(draft.now)


def look(draft: Draft, delivery: Delivery, leg_name: str) -> None:
    """A deadline's warning or end has come: say so to the sender, unless it has happened, or cannot any more."""
    leg, _, number = leg_name.partition(" ")
    limit, about = draft.limits(delivery.id)[leg_name], draft.the_submission(delivery.axis_id)
    progress = _progress(draft, delivery, Leg(leg), int(number or 0))
    if progress is not Progress.RUNNING:
        event = f"deadline.{progress.value}"
        entry = Entry(draft.now, HUB, event, delivery.axis_id, delivery.recipient, {"leg": leg_name})
        draft.pass_limit(delivery, leg_name, progress, "", entry)
        return
    missed = limit.due_at <= to_text(draft.now)
    detail = {"leg": leg_name, "due_at": limit.due_at}
    event = "deadline.missed" if missed else "deadline.near"
    entry = Entry(draft.now, HUB, event, delivery.axis_id, delivery.recipient, detail)
    progress = Progress.MISSED if missed else Progress.WARNED
    entered = draft.pass_limit(delivery, leg_name, progress, "" if missed else limit.due_at, entry)
    until = local(from_text(limit.due_at))
    if missed and leg == Leg.HANDOVER:
        fail(draft, delivery, Problem(Fault.OVERDUE, expected=until), delivery.attempts)
        return
    fault = Fault.DEADLINE_MISSED if missed else Fault.DEADLINE_NEAR
    said = Statement(
        draft.new_id(),
        Event.DeadlineExpiry if missed else Event.DeadlineWarning,
        whole(draft.now),
        delivery.recipient,
        (),
        receipt.reasons([Problem(fault, leg_name, until)]),
        entered,
        leg_name,
    )
    draft.issue(about, [said], entered)


def _has_happened(draft: Draft, delivery: Delivery, leg: Leg) -> bool:
    """Whether every unit addressed has accepted (or refused) the document, or has finished with it, by the furthest
    that anybody who speaks for it has reported."""
    business, registry = draft.business(delivery.id), draft.rules.registry
    furthest = [
        max((code for reporter, code in business.items() if registry.speaks_for(reporter, unit)), default="")
        for unit in delivery.units
    ]
    return all(_is_enough(leg, code) for code in furthest)


def _is_enough(leg: Leg, code: str) -> bool:
    if leg is Leg.RECEPTION:
        return code >= lifecycle.REJECTED
    return code in {lifecycle.FINISHED, lifecycle.REJECTED}


def _progress(draft: Draft, delivery: Delivery, leg: Leg, number: int) -> Progress:
    """RUNNING while it can happen and has not; MET; VOID when it cannot happen any more."""
    if leg is Leg.ANSWER:
        stages = {stage for d in draft.demands(delivery.id) if d.number == number for stage in d.stages.values()}
        if stages & lifecycle.WAITING:
            return Progress.RUNNING
        return Progress.MET if stages & {Stage.AGREED, Stage.DECLINED} else Progress.VOID
    if leg is Leg.HANDOVER:
        return Progress.RUNNING if delivery.state not in lifecycle.FINAL else Progress.MET
    if _has_happened(draft, delivery, leg):
        return Progress.MET
    taken_back = any(Stage.AGREED in d.stages.values() for d in draft.recalls(delivery.id))
    return Progress.VOID if taken_back or delivery.state in {State.REFUSED, State.RECALLED} else Progress.RUNNING
