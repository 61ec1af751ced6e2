"""What became of a publication: consigned, to be tried again, or given up.

That a queue took a delivery is entered in the ledger at once. Its sender is told by D.1 only if the hand-over has not
come within the time that the rules give it: E.1 says more, and may overtake D.1 anyway. What is owed is a row of the
record (``owes_at``), so that a hub that stops meanwhile does not forget it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core.edxml import Kind
from axis.core.hub import lifecycle
from axis.core.hub.certificate import certify
from axis.core.hub.lifecycle import UNANSWERED, State, Step
from axis.core.instant import from_text, to_text, whole
from axis.core.ledger import Entry
from axis.core.receipt import Event, Statement, reasons
from axis.core.registry import HUB
from axis.errors import Fault, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.core.hub.change import Entered
    from axis.core.hub.dossier import Delivery
    from axis.core.hub.draft import Draft
    from axis.core.message import Outcome

FIRST_RETRY, LONGEST_RETRY = 5.0, 3600.0  # seconds
REPAIR = timedelta(hours=1)  # between two looks at what a disk has damaged


def consigned(draft: Draft, delivery_id: str, *, again: bool = False) -> None:
    """The recipient's queue holds this delivery durably; twice, perhaps, where it was published `again`."""
    delivery = draft.delivery(delivery_id)
    about = draft.the_submission(delivery.axis_id)
    if delivery.state in {State.ACCEPTED, State.FAILED}:
        detail = {"again": True} if again else {}
        entry = Entry(draft.now, HUB, "delivery.consigned", delivery.axis_id, delivery.recipient, detail)
        draft.move(delivery, Step.CONSIGNED, entry, attempts=delivery.attempts + 1, owes=about.kind != Kind.STATUS)
    else:  # E.1 overtook us, or a crash made us publish again
        entry = Entry(draft.now, HUB, "delivery.republished", delivery.axis_id, delivery.recipient)
        entered = draft.enter(entry)
        state = lifecycle.move(delivery.state, Step.CONSIGNED)
        draft.alter(replace(delivery, state=state, updated_at=to_text(draft.now)), entered)


def owed(draft: Draft, delivery_ids: Sequence[str], *, at_once: bool = False) -> None:
    """D.1 for those of these that are still on their way, one receipt for those of one submission; with `at_once`
    before the time that the hand-over has."""
    due: dict[str, list[Delivery]] = {}
    for identifier in delivery_ids:
        delivery = draft.delivery(identifier)
        if delivery.owes_at and (at_once or delivery.owes_at <= to_text(draft.now)):
            due.setdefault(delivery.axis_id, []).append(delivery)
    for axis_id, deliveries in due.items():
        about, said = draft.the_submission(axis_id), []
        entry = Entry(
            draft.now, HUB, "consignment.told", axis_id, "", {"recipients": [d.recipient for d in deliveries]}
        )
        entered = draft.enter(entry)
        for one in deliveries:
            at = whole(from_text(one.consigned_at))
            event = Event.ContentConsignment
            said.append(Statement(draft.new_id(), event, at, one.recipient, (), (), one.consigned_entry))
            draft.alter(replace(one, consigned_at="", consigned_entry="", owes_at=""), entered)
        draft.issue(about, said, entered)


def fail(draft: Draft, delivery: Delivery, problem: Problem, attempts: int) -> Entered:
    """Not delivered so far: state FAILED with D.2 to the sender (statuses have no D). Not final."""
    about = draft.the_submission(delivery.axis_id)
    detail = {"code": problem.fault.code, "attempts": attempts}
    entry = Entry(draft.now, HUB, "delivery.failed", delivery.axis_id, delivery.recipient, detail)
    entered = draft.move(delivery, Step.GAVE_UP, entry, attempts=attempts)
    if draft.delivery(delivery.id).state is State.FAILED and about.kind != Kind.STATUS:
        event = Event.ContentConsignmentFailure
        said = Statement(draft.new_id(), event, whole(draft.now), delivery.recipient, (), reasons([problem]), entered)
        draft.issue(about, [said], entered)
    return entered


def send_again(draft: Draft, delivery: Delivery, entry: Entry) -> None:
    """Publish a delivery once more, in the place of what waits to be published, with its entry."""
    about, entered = draft.the_submission(delivery.axis_id), draft.enter(entry)
    draft.leave_out(delivery, entered)
    draft.send(
        delivery.recipient,
        about.body_digest,
        entered,
        proof=delivery.proof_digest or about.acceptance_digest,
        delivery=delivery,
        urgent=about.priority > 0 or delivery.role == "recall",
    )


def resend(draft: Draft, delivery_id: str, unanswered_before: datetime | None = None) -> bool:
    """Publish a delivery once more, whose recipient may have it: whether it was. Not what was withdrawn, nor what has
    no bytes any more; with `unanswered_before` neither what has its receipt, was closed, or has moved since then."""
    delivery = draft.delivery(delivery_id)
    if delivery.state is State.RECALLED or not draft.the_submission(delivery.axis_id).body_digest:
        return False
    if unanswered_before is not None and (
        delivery.state not in UNANSWERED or delivery.closed or delivery.updated_at > to_text(unanswered_before)
    ):
        return False
    detail = {"state": delivery.state.value}
    send_again(draft, delivery, Entry(draft.now, HUB, "delivery.resent", delivery.axis_id, delivery.recipient, detail))
    return True


def close(draft: Draft, delivery: Delivery, entry: Entry, reason: str) -> None:
    """Nobody tries this delivery again by itself; should it be handed over after all, that counts. With a `reason` its
    sender is told by D.2. The distribution may be over with it."""
    entered = draft.enter(entry)
    draft.leave_out(delivery, entered)
    draft.alter(replace(delivery, closed=True), entered)
    if reason:
        fail(draft, draft.delivery(delivery.id), Problem(Fault.RETURNED, got=reason), delivery.attempts)
    certify(draft, delivery.document)


def not_confirmed(draft: Draft, row: int, delivery_id: str, attempts: int, outcome: Outcome, jitter: float) -> None:
    """An outbox row was not confirmed; `attempts`: before this one. Too many of a delivery, and it is given up."""
    attempts += 1
    if delivery_id and attempts >= draft.rules.give_up_attempts:
        problem = Problem(Fault.UNDELIVERED, got=str(attempts), expected=outcome.value)
        draft.done(row, fail(draft, draft.delivery(delivery_id), problem, attempts))
        return
    wait = lifecycle.retry_after(attempts, jitter, first=FIRST_RETRY, longest=LONGEST_RETRY)
    entry = None
    if delivery_id:
        delivery, detail = draft.delivery(delivery_id), {"attempt": attempts, "outcome": outcome.value}
        entry = Entry(draft.now, HUB, "delivery.postponed", delivery.axis_id, delivery.recipient, detail)
    draft.postpone(row, attempts, draft.now + wait, entry)


def damaged(draft: Draft, row: int, delivery_id: str, code: str, attempts: int, digest: str) -> None:
    """Its stored bytes (`digest`) are missing or altered: nothing else is held up by it. A delivery fails, and its
    sender, who has the original, is told; a receipt or registry waits for a repair. `attempts`: before this one."""
    problem = Problem(Fault.BODY_CORRUPT, expected=digest)
    if delivery_id:
        draft.done(row, fail(draft, draft.delivery(delivery_id), problem, attempts))
        return
    detail = {"code": problem.fault.code, "bytes": digest}
    draft.postpone(row, attempts + 1, draft.now + REPAIR, Entry(draft.now, HUB, "message.damaged", "", code, detail))
