"""Where mail goes that waited while its agency was closed: asked when it goes, not when it was accepted.

What was never published, what the hub takes back unconsumed from the closed agency's queue, and what its adapter gives
up with a W.1 was not shown there: it is the successor's from then on, the same delivery. What was published and is not
answered for may have been shown: it moves on an officer's word alone, and the doubt is entered. So each delivery has
one owner at any time; whoever confirms it first keeps it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core.hub import acceptance, deadlines, lifecycle
from axis.core.hub.certificate import certify
from axis.core.hub.consignment import fail
from axis.core.hub.draft import said_in
from axis.core.hub.lifecycle import FINAL, State, Step
from axis.core.hub.opened import PutAsideError
from axis.core.instant import from_text, to_text
from axis.core.ledger import Entry
from axis.core.receipt import Event
from axis.core.registry import HUB
from axis.errors import Fault, Problem

if TYPE_CHECKING:
    from axis.core.hub.change import Entered
    from axis.core.hub.dossier import Delivery, Digest, Submission
    from axis.core.hub.draft import Draft
    from axis.core.receipt import Statement

EARLY = timedelta(minutes=5)  # by which the clock of a closing agency may be ahead of the hub's


def redirect(draft: Draft, row: int, code: str, body: Digest) -> None:
    """A receipt that waited for an agency that is closed now goes to whoever has its mail."""
    to = draft.rules.mailbox(code, draft.now)
    entry = draft.enter(Entry(draft.now, HUB, "message.redirected", "", code, {"to": to, "bytes": body}))
    draft.redirect(row, to, entry)


def follow(draft: Draft, row: int, delivery_id: str) -> None:
    """A delivery that waited in outbox row `row` for an agency that is closed now goes to its successor, or back where
    there is none.

    What was never published is the successor's from now on, as if it had been sent to it. What was may have arrived:
    it fails so far, until it is taken back, given up, or an officer says that it moves on."""
    delivery = draft.delivery(delivery_id)
    code = delivery.recipient
    to = draft.rules.mailbox(code, draft.now)
    if delivery.state in FINAL:
        draft.done(row)  # it arrived, or was withdrawn
        return
    there = draft.part(delivery.axis_id, to) if to != code else None
    if to != code and there is None and not delivery.tried:
        proof, entry = _proof(draft, delivery, to)
        draft.alter(replace(delivery, recipient=to, proof_digest=proof), entry)
        draft.redirect(row, to, entry, proof)
        return
    draft.done(row, _fail(draft, delivery, to))
    if to == code or there is not None:
        _close(draft, delivery, to, there)
    certify(draft, delivery.document)


def take_back(draft: Draft, axis_id: str, code: str) -> bool:
    """Of a submission to an agency that is closed now a message was found in its queue that nobody was given. True when
    the delivery is its successor's, and the message has no meaning any more; False where it was published more than
    once, so that another message of it may have been given."""
    delivery = draft.part(axis_id, code)
    if delivery is None:
        return _holder(draft, axis_id, code) is not None  # somebody died before the message was gone
    if delivery.is_over or _was_sent_again(draft, delivery) or not _may_move(draft, delivery):
        return False
    draft.enter(Entry(draft.now, HUB, "delivery.taken_back", axis_id, code))
    _hand_on(draft, delivery)
    return True


def give_up(draft: Draft, about: Submission, said: Statement, evidence: str) -> Entered:
    """The adapter of a closed agency says that its system has not seen this document, and never will (W.1). Raises
    :class:`PutAsideError`, or :class:`~axis.core.hub.lifecycle.IllegalStepError` where it had said otherwise."""
    row, member = draft.part(about.axis_id, said.recipient), draft.rules.registry.by_code[said.recipient]
    if member.valid_until is None or member.valid_until > draft.now + EARLY or not member.successor:
        raise PutAsideError(Problem(Fault.RECEIPT_INVALID, got=f"nobody asked {said.recipient}"))
    detail = said_in(said, evidence)
    entry = Entry(draft.now, said.recipient, "delivery.given_up", about.axis_id, said.recipient, detail)
    if row is None and _holder(draft, about.axis_id, said.recipient) is None:
        raise PutAsideError(Problem(Fault.RECEIPT_INVALID, got=f"{said.recipient} is no recipient"))
    if row is None:
        return draft.enter(entry)
    if not row.closed:
        lifecycle.move(row.state, Step.MOVED)
    entered = draft.enter(entry)
    if not row.is_over and _may_move(draft, row):
        _hand_on(draft, row)
    elif not row.is_over:  # nobody takes its mail, by the policy
        _fail(draft, row, row.recipient)
        _close(draft, row, row.recipient, None)
    return entered


def move_on(draft: Draft, delivery_id: str, reason: str) -> bool:
    """An officer says that this delivery goes to the successor of its closed agency, whether it has arrived there or
    not: whether it does."""
    delivery = draft.delivery(delivery_id)
    if delivery.is_over or not _may_move(draft, delivery):
        return False
    detail = {"to": draft.rules.mailbox(delivery.recipient, draft.now), "reason": reason}
    draft.enter(Entry(draft.now, HUB, "delivery.doubted", delivery.axis_id, delivery.recipient, detail))
    _hand_on(draft, delivery)
    return True


def answered(draft: Draft, about: Submission, said: Statement, evidence: str) -> Delivery | Entered:
    """The delivery that a member answers for. It may be another's since: who is the first to say that it has it keeps
    it; of who is the second it is entered. Raises :class:`PutAsideError` where it never was this member's."""
    code = said.recipient
    row = draft.part(about.axis_id, code)
    if row is not None and not row.closed:
        return row
    there = _holder(draft, about.axis_id, code)
    detail = said_in(said, evidence)
    has_it = said.event is Event.ContentHandover
    if there is None:
        if row is None:
            raise PutAsideError(Problem(Fault.RECEIPT_INVALID, got=f"{code} is no recipient"))
        return row
    if there.state is State.HANDED_OVER or (row is None and not has_it):
        owner = {**detail, "owner": there.recipient}
        return draft.enter(Entry(draft.now, code, "delivery.second", about.axis_id, code, owner))
    if row is None:
        back = Entry(draft.now, code, "delivery.moved", about.axis_id, there.recipient, {**detail, "to": code})
        entry = draft.enter(back)
        draft.leave_out(there, entry)
        draft.alter(replace(there, recipient=code, proof_digest=""), entry)
        return draft.delivery(there.id)
    if has_it:
        own = tuple(unit for unit in there.units if unit not in row.units)
        kept = draft.enter(Entry(draft.now, code, "delivery.kept", about.axis_id, there.recipient, detail))
        draft.alter(replace(there, units=own or there.units), kept)
    return row


def _holder(draft: Draft, axis_id: str, code: str) -> Delivery | None:
    """The delivery that was `code`'s once, whoever has it now; as the ledger tells it. None where there never was
    one."""
    told = [one for one in draft.told(axis_id) if one.event in {"delivery.moved", "delivery.closed"}]
    moves = {one.recipient: str(one.detail.get("to", "")) for one in told}  # of several the last
    seen: set[str] = set()
    while code in moves and code not in seen:
        seen.add(code)
        code = moves[code]
        if code not in seen and (there := draft.part(axis_id, code)) is not None:
            return there
    return None


def _was_sent_again(draft: Draft, delivery: Delivery) -> bool:
    """Another message of it may have been given to somebody: it was published more than once, or may have been when the
    hub died before it had noted that it was."""
    again = {"delivery.resent", "delivery.republished"}
    return any(
        one.recipient == delivery.recipient
        and (one.event in again or (one.event == "delivery.consigned" and "again" in one.detail))
        for one in draft.told(delivery.axis_id)
    )


def _may_move(draft: Draft, delivery: Delivery) -> bool:
    """Whether it has somewhere to go, and bytes to go with."""
    return bool(draft.the_submission(delivery.axis_id).body_digest) and _to(draft, delivery) != delivery.recipient


def _to(draft: Draft, delivery: Delivery) -> str:
    """Who has the mail of its recipient; also of one that closes in these minutes, and has said so itself."""
    closing = draft.rules.registry.by_code[delivery.recipient].valid_until
    at = max(draft.now, min(closing, draft.now + EARLY)) if closing is not None else draft.now
    return draft.rules.mailbox(delivery.recipient, at)


def _hand_on(draft: Draft, delivery: Delivery) -> None:
    """The delivery is the successor's from now on, and goes out again; what has come to both is had once."""
    to, about = _to(draft, delivery), draft.the_submission(delivery.axis_id)
    if (there := draft.part(delivery.axis_id, to)) is not None:
        _fail(draft, delivery, to)
        _close(draft, delivery, to, there)
        certify(draft, delivery.document)
        return
    proof, entry = _proof(draft, delivery, to)
    draft.leave_out(delivery, entry)
    moved = replace(
        delivery,
        recipient=to,
        proof_digest=proof,
        state=lifecycle.move(delivery.state, Step.MOVED),
        updated_at=to_text(draft.now),
        consigned_at="",
        consigned_entry="",
        owes_at="",
    )
    draft.alter(moved, entry)
    urgent = about.priority > 0 or delivery.role == "recall"
    draft.send(to, about.body_digest, entry, proof=proof, delivery=moved, urgent=urgent)


def _fail(draft: Draft, delivery: Delivery, to: str) -> Entered:
    problem = Problem(Fault.AGENCY_CLOSED, got=delivery.recipient, expected=to if to != delivery.recipient else "-")
    return fail(draft, delivery, problem, 0)


def _close(draft: Draft, delivery: Delivery, to: str, there: Delivery | None) -> None:
    """Nobody tries it again; `there`, if it is sent to its successor as well, stands for both."""
    code = delivery.recipient
    closed = draft.enter(Entry(draft.now, HUB, "delivery.closed", delivery.axis_id, code, {"to": to}))
    draft.alter(replace(draft.delivery(delivery.id), closed=True), closed)
    if there is not None:
        units = tuple(dict.fromkeys((*there.units, *delivery.units)))
        draft.alter(replace(there, units=units), closed)
        if there.state is State.HANDED_OVER:
            about = draft.the_submission(there.axis_id)
            deadlines.arrived(draft, draft.delivery(there.id), about.priority, closed)


def _proof(draft: Draft, delivery: Delivery, to: str) -> tuple[Digest, Entered]:
    """The A.1 by which the successor takes it. Of what takes a document back that the closed agency may have it names
    that one too, at a time when it was closed: so the successor's clerk is asked, and nothing is said to be unseen."""
    about = draft.the_submission(delivery.axis_id)
    closed = draft.rules.registry.by_code[delivery.recipient]
    as_of, names = from_text(about.received_at), [to]
    if delivery.role == "recall" and draft.brought(delivery.document, closed.code) is not None:
        as_of = max(as_of, closed.valid_until or as_of)
        names.append(closed.code)
    detail = {"to": to, "content_digest": about.content_digest}
    entry = draft.enter(Entry(draft.now, HUB, "delivery.moved", delivery.axis_id, closed.code, detail))
    return acceptance.accepted_before(draft, about, tuple(names), entry, as_of), entry
