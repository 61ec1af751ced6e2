"""What recipients' adapters say of their deliveries: E.1, E.2, W.1, W.2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core.homes import read_origin
from axis.core.hub import deadlines, lifecycle, recalls, succession
from axis.core.hub.certificate import certify
from axis.core.hub.dossier import Delivery, Together
from axis.core.hub.draft import is_about, said_in, subject_of
from axis.core.hub.lifecycle import Demand, Stage, Step, Turn
from axis.core.hub.opened import PutAsideError
from axis.core.hub.refusals import vouch
from axis.core.hub.terms import Leg
from axis.core.identity import earliest, same_id
from axis.core.instant import to_text
from axis.core.ledger import Entry
from axis.core.receipt import Event
from axis.core.registry import HUB
from axis.errors import Fault, Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.core.hub.change import Entered
    from axis.core.hub.dossier import Submission
    from axis.core.hub.draft import Draft
    from axis.core.hub.opened import Opened
    from axis.core.receipt import Receipt, Statement, Subject

_WITHDRAWALS = {Event.ContentWithdrawal, Event.ContentWithdrawalFailure}
_GIVEN_UP = {"new", "replace", "update"}  # what a closed agency's adapter does not show any more


@dataclass(frozen=True, slots=True)
class Waiting:
    """A receipt that was put aside under this id, and waits for what the record has lost."""

    id: str
    opened: Opened
    said: Receipt


Waits = dict[str, list[Waiting]]  # by DocumentId


def record(draft: Draft, opened: Opened, said: Receipt) -> None:
    """Move the deliveries that it speaks of, keep the receipt, pass it to the sender. Raises :class:`PutAsideError`.

    1 what it is about. What it speaks of may have been lost with the record, and accepted again since: the recipient
      has said all the same that it has it, and is not sent it once more
    2 not a W.1 that was under way when an older copy took the place of the home that says it
    3 each statement that is news
    4 the receipt is kept and passed on; the distribution may be over with it
    """
    subject, document_id = said.subject, same_id(said.subject.document_id)
    about = draft.submission(subject.axis_id)  # 1
    if about is None and _is_lost(draft, subject):
        about = draft.sent_as(subject, document_id)
        rows = [draft.part(about.axis_id, one.recipient) for one in said.statements] if about is not None else []
        if about is not None and all(row is not None and row.state in lifecycle.FINAL for row in rows):
            _superseded(draft, opened, said.issuer, said)
            return
        if about is None or any(row is None or _is_undecided(draft, row, said) for row in rows):
            raise PutAsideError(Problem(Fault.RECORD_GAP, got=subject.axis_id[:40]))
    elif about is None or not is_about(subject, about, document_id):
        raise PutAsideError(Problem(Fault.RECEIPT_INVALID, got=f"no such submission {subject.axis_id[:40]}"))
    if _is_withdrawn_in_a_replaced_home(draft, opened, said):  # 2
        _superseded(draft, opened, opened.agency, said)
        return
    statements = [(one, _apply(draft, about, one, opened.digest)) for one in said.statements]  # 3
    applied = [(one, *done) for one, done in statements if done is not None]
    if applied:
        news, entry = [one for one, _, _ in applied], applied[0][1]
        draft.keep(opened.digest, opened.message.body)  # 4
        draft.say(said.issuer, about.axis_id, opened.digest, news, entry)
        if any(is_for_sender for _, _, is_for_sender in applied):
            draft.send(draft.rules.mailbox(subject.sender, draft.now), opened.digest, entry)
        if draft.rules.is_gap_open(draft.now):
            _leave_out(draft, about, news, entry)
        certify(draft, about.document)
    elif said.issuer != opened.agency:  # it knew: its sender may want to be told as of when it holds
        vouch(draft, opened, said)


def record_what_waits(draft: Draft, waits: Waits, document_id: str) -> None:
    """Receipts about a document that waited for what the record had lost of it: it may have come again just now. What
    was decided about a recall before that the recall was handed over."""
    if not draft.rules.is_gap_open(draft.now):
        return
    found = waits.pop(document_id, [])
    together = Together()
    for one in sorted(found, key=lambda one: one.said.statements[0].event.code, reverse=True):
        message, digest = one.opened.message, one.opened.digest
        detail = {"action": "retry", "reason": "come again", "bytes": digest, "message": message.id}
        try:
            with together.step(), draft.trial():
                record(draft, one.opened, one.said)
                retried = Entry(draft.now, HUB, "quarantine.retry", "", one.opened.agency, detail)
                draft.take_out(one.id, digest, retried)
        except (PutAsideError, Rejected):
            waits.setdefault(document_id, []).append(one)
    together.ask()


def _leave_out(draft: Draft, about: Submission, news: Sequence[Statement], entry: Entered) -> None:
    """What is in the outbox for those who have just said that they have it: it was to be sent again."""
    for one in news:
        row = draft.part(about.axis_id, one.recipient)
        if row is not None and row.state in lifecycle.FINAL:
            draft.leave_out(row, entry)


def _is_undecided(draft: Draft, row: Delivery, said: Receipt) -> bool:
    """Whether what is said about a recall comes too early: nothing was asked yet, for its document has not come again;
    or it was handed over (E.1), and what its recipient has decided about it (W) is missing."""
    if row.role != "recall":
        return False
    asked = draft.asked_of(row.axis_id, row.document, row.recipient)
    stages = {stage for _, one in asked for stage in one.stages.values()}
    return not stages or (said.statements[0].event is Event.ContentHandover and Stage.PENDING in stages)


def _superseded(draft: Draft, opened: Opened, issuer: str, said: Receipt) -> None:
    detail = {"receipt": opened.digest}
    draft.enter(Entry(draft.now, HUB, "receipt.superseded", said.subject.axis_id, issuer, detail))


def _is_withdrawn_in_a_replaced_home(draft: Draft, opened: Opened, said: Receipt) -> bool:
    """That older copy does not know that it has withdrawn anything, was sent document and recall again, and answers for
    them."""
    origin = read_origin(opened.message.origin)
    if origin is None or all(one.event is not Event.ContentWithdrawal for one in said.statements):
        return False
    if said.issuer != opened.agency:
        return False  # shown by whom it was passed on to: the hub had accepted it
    return any(one.instance == origin.instance and not one.current for one in draft.homes(opened.agency))


def _is_lost(draft: Draft, subject: Subject) -> bool:
    """Whether a submission that is not in the record may have been: its id tells when it was accepted."""
    lost_until = draft.rules.lost_until
    return lost_until is not None and subject.axis_id <= earliest(lost_until)


def _apply(draft: Draft, about: Submission, said: Statement, evidence: str) -> tuple[Entered, bool] | None:
    """Apply one statement of the receipt with the digest `evidence`; its entry, and whether the sender is told: not of
    what passes between a closed agency and its successor. None if it was known already."""
    if draft.stated(said.recipient, said.event.code, about.axis_id, said.recipient) is not None:
        return None
    row = draft.part(about.axis_id, said.recipient)
    if row is None and _is_lost(draft, subject_of(about)):
        raise PutAsideError(Problem(Fault.RECORD_GAP, got=f"{said.recipient} is no recipient"))
    try:
        if said.event is Event.ContentWithdrawal and about.kind in _GIVEN_UP and (row is None or row.role != "recall"):
            return succession.give_up(draft, about, said, evidence), False
        found = succession.answered(draft, about, said, evidence)
        if not isinstance(found, Delivery):
            return found, False
        if said.event in _WITHDRAWALS:
            return _apply_recall(draft, about, found, said, evidence), True
        return _apply_handover(draft, about, found, said, evidence), True
    except lifecycle.IllegalStepError as error:
        raise PutAsideError(Problem(Fault.RECEIPT_INVALID, got=str(error))) from None


def _apply_handover(draft: Draft, about: Submission, row: Delivery, said: Statement, evidence: str) -> Entered:
    """E.1 and E.2."""
    handed = said.event is Event.ContentHandover
    event = "delivery.handed_over" if handed else "delivery.refused"
    step = Step.HANDED_OVER if handed else Step.REFUSED
    detail = {**said_in(said, evidence), **_late(draft, row)}
    entered = draft.move(row, step, Entry(draft.now, said.recipient, event, about.axis_id, said.recipient, detail))
    draft.meet_limit(row, Leg.HANDOVER.value, entered)
    if handed and about.kind in {"recall", "update", "replace"}:
        deadlines.arrived(draft, row, about.priority, entered)
    if row.role != "document":
        return entered
    if handed:
        deadlines.begin(draft, row, about.kind, about.priority, Leg.RECEPTION, draft.now, entered)
    business, code = draft.reported(row.id, row.units), lifecycle.ARRIVED if handed else lifecycle.REJECTED
    for unit in row.units:
        if not business[unit]:
            known = {"unit": unit, "status": code, "by": said.event.code}
            entry = Entry(draft.now, said.recipient, "delivery.status", about.axis_id, said.recipient, known)
            draft.report(row, unit, code, to_text(said.time), entry)
    return entered


def _apply_recall(draft: Draft, about: Submission, row: Delivery, said: Statement, evidence: str) -> Entered:
    """W.1 and W.2: withdrawn for certain, or too late."""
    original = draft.brought(about.document, said.recipient)
    if row.role != "recall" or original is None:
        raise PutAsideError(Problem(Fault.RECEIPT_INVALID, got=f"nobody asked {said.recipient}"))
    certain = said.event is Event.ContentWithdrawal
    void = any(reason.code == Fault.RECALL_VOID.code for reason in said.reasons)
    turn = Turn.WITHDRAWN if certain else Turn.NOTHING if void else Turn.TOO_LATE
    last: Entered | None = None
    for one in draft.demands(original.id):
        if one.demand is Demand.RECALL and one.asked_by == row.axis_id:
            stages = {unit: lifecycle.turn(stage, turn) for unit, stage in one.stages.items()}
            detail = {**said_in(said, evidence), "number": one.number, "outcome": turn.value}
            entry = Entry(draft.now, said.recipient, "recall.decided", about.axis_id, said.recipient, detail)
            last = draft.answer(original, one.number, stages, entry)
    if certain:
        by = {"by": about.axis_id}
        withdrawn = Entry(draft.now, said.recipient, "delivery.withdrawn", original.axis_id, said.recipient, by)
        last = draft.move(original, Step.WITHDRAWN, withdrawn)
        recalls.withdraw(draft, draft.delivery(original.id), last)
    if (certain or void) and not _is_shown_elsewhere(draft, about, said):  # nothing of the recall is shown either
        detail = {**said_in(said, evidence), **_late(draft, row)}
        done = Entry(draft.now, said.recipient, "delivery.withdrawn", about.axis_id, said.recipient, detail)
        last = draft.move(row, Step.WITHDRAWN, done)
        draft.meet_limit(row, Leg.HANDOVER.value, last)
    if last is None:
        raise PutAsideError(Problem(Fault.RECEIPT_INVALID, got=f"nobody asked {said.recipient}"))
    return last


def _is_shown_elsewhere(draft: Draft, about: Submission, said: Statement) -> bool:
    """Whether the recall waits for the clerks of others whose mail this recipient has now."""
    if not draft.rules.registry.predecessors(said.recipient, draft.now):
        return False
    return any(
        one.recipient != said.recipient and demand.asked_by == about.axis_id and Stage.PENDING in demand.stages.values()
        for one in draft.asked_by(about.axis_id)
        for demand in draft.demands(one.id)
    )


def _late(draft: Draft, row: Delivery) -> dict[str, object]:
    return {"late": True} if draft.is_late(row, Leg.HANDOVER.value) else {}
