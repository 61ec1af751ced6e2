"""The hub takes parcels from the agencies: verify, judge, record, answer.

A batch is verified outside any transaction, recorded in one, and acknowledged only after its commit. A
message that came before is judged alone, its attempt counted and committed first, so that a parcel that
kills the hub goes to quarantine by itself and takes no healthy one with it.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from axis import crashpoints
from axis.core import admission, lifecycle, parcel, receipt
from axis.core.deadline import Leg
from axis.core.homes import is_hello
from axis.core.identity import earliest
from axis.core.instant import to_text, whole
from axis.core.ledger import Entry
from axis.core.lifecycle import Demand, Step, Turn
from axis.core.message import Delivered, Message, Route, hub_routes
from axis.core.receipt import Event, Receipt, Statement, Subject
from axis.core.trust import HUB
from axis.errors import Corrupted, Fault, Misconfigured, Problem, Rejected, Unavailable, rejected
from axis.services import accept, homes, intake, watch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.core.admission import Candidate
    from axis.core.parcel import Parcel
    from axis.infra.database import Row
    from axis.infra.store import HubTransaction
    from axis.services.hub import Hub

log = logging.getLogger("axis.admit")
MAX_ATTEMPTS = 5  # a parcel that failed so often alone is quarantined
MAX_QUARANTINED = 1000  # messages of one agency
CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class _Opened:
    """A message as judged by itself: a candidate, a receipt, or the problems that it has."""

    delivered: Delivered
    digest: str  # SHA-256 of the parcel's bytes
    parcel: Parcel | None
    is_receipt: bool = False
    candidate: Candidate | None = None
    said: Receipt | None = None
    problems: tuple[Problem, ...] = ()
    documents: tuple[tuple[str, str], ...] = ()  # (who sent it, DocumentId) of all that it makes or changes

    @property
    def agency(self) -> str:
        return self.delivered.message.route.code


class _QuarantineError(Exception):
    """This message cannot be answered; it is put aside with an entry, for an operator."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text())
        self.problem = problem


def step(hub: Hub, now: datetime, timeout: float = 0) -> int:
    """Take what is waiting and deal with it; how many messages. Waits up to `timeout` seconds for the first.

    Raises :class:`Unavailable` when broker or store are away: nothing was acknowledged then.
    """
    registry = hub.registry()
    waiting = hub.allowances.used_up(now)
    routes = hub_routes(member.code for member in registry.agencies if member.code not in waiting)
    if not routes:
        return 0
    hub.turn += 1
    taken = intake.take(hub.broker, routes, hub.turn, timeout)
    if taken:
        crashpoints.reached("H01")
    for one in taken:
        hub.allowances.spend(one.message.route.code, len(one.message.body))
    asked = [d for d in taken if is_hello(d.message.body)]
    homes.answer(hub, asked, now)
    taken = [d for d in taken if not is_hello(d.message.body)]
    fresh = [d for d in taken if not d.redelivered]
    alone = [d for d in taken if d.redelivered]
    if fresh:
        try:
            opened = [_open(hub, d, now) for d in fresh]
            crashpoints.reached("H02")
            with hub.store.transaction() as tx:
                _record_all(hub, tx, opened, now)
        except (Unavailable, Misconfigured, Corrupted):
            raise
        except Exception:  # one of them breaks us: find out which, one by one
            log.exception("a batch of %d failed; judging each alone", len(fresh))
            alone = fresh + alone
        else:
            _settle(hub, opened)
    for delivered in alone:
        _judge_alone(hub, delivered, now)
    return len(asked) + len(taken)


def _judge_alone(hub: Hub, delivered: Delivered, now: datetime) -> None:
    queue, message_id = delivered.message.route.queue, delivered.message.id
    while True:
        with hub.store.transaction() as tx:
            attempts = tx.note_attempt(queue, message_id)
        try:
            if attempts > MAX_ATTEMPTS:
                problem = Problem(Fault.QUARANTINED, got=str(attempts - 1))
                digest = hashlib.sha256(delivered.message.body).hexdigest()
                opened = _Opened(delivered, digest, None, problems=(problem,))
                with hub.store.transaction() as tx:
                    _refuse(hub, tx, opened, opened.problems, now)
                    _put_aside(tx, opened, Fault.QUARANTINED, attempts - 1, now)
                    tx.forget_attempts(queue, message_id)
                log.error("quarantined message %s of %s after %d attempts", message_id, queue, attempts - 1)
                _settle(hub, [opened])
                return
            opened = _open(hub, delivered, now)
            with hub.store.transaction() as tx:
                _record_all(hub, tx, [opened], now)
                tx.forget_attempts(queue, message_id)
        except (Unavailable, Misconfigured, Corrupted):
            raise
        except Exception:
            log.exception("message %s of %s failed, attempt %d", message_id, queue, attempts)
            if attempts > MAX_ATTEMPTS:
                raise
        else:
            _settle(hub, [opened])
            return


def judge_again(hub: Hub, agency: str, message_id: str, body: bytes, user_id: str | None, now: datetime) -> None:
    """A message that was put aside, judged as if it had just come. Raises :class:`Rejected` QUARANTINED if it has to be
    put aside again; nothing was changed then."""
    message = Message(message_id, Route("in", agency), body, user_id=user_id)
    opened = _open(hub, Delivered(message, redelivered=True, handle=None), now)
    with hub.store.transaction() as tx:
        if not _record_all(hub, tx, [opened], now):
            raise rejected(Fault.QUARANTINED, "1")


def refuse_unread(hub: Hub, tx: HubTransaction, agency: str, body_digest: str, problem: Problem, now: datetime) -> None:
    """A.2 to the sender of a message that was put aside."""
    message = Message("", Route("in", agency), tx.payload(body_digest))
    opened = _Opened(Delivered(message, redelivered=True, handle=None), body_digest, None, problems=(problem,))
    _refuse(hub, tx, opened, opened.problems, now, anew=True)


def _settle(hub: Hub, recorded: Sequence[_Opened]) -> None:
    """After the commit, and only then: acknowledge."""
    for one in recorded:
        crashpoints.reached("T02" if one.said else "H03" if one.candidate else "H04")
    hub.broker.ack([one.delivered for one in recorded])
    crashpoints.reached("H05")


def _put_aside(tx: HubTransaction, opened: _Opened, fault: Fault, attempts: int, now: datetime) -> None:
    """Keep it for an operator; over the agency's share its entry alone: what it publishes must not fill the record."""
    message = opened.delivered.message
    if tx.quarantined_of(opened.agency) >= MAX_QUARANTINED:
        log.error("%s has %d messages in quarantine: another is not kept", opened.agency, MAX_QUARANTINED)
        return
    tx.quarantine(opened.agency, message.id, message.user_id or "", message.body, fault.code, attempts, now)


def _open(hub: Hub, delivered: Delivered, now: datetime) -> _Opened:
    """Everything that can be said about a message without the record. Changes nothing anywhere."""
    message = delivered.message
    digest = hashlib.sha256(message.body).hexdigest()
    is_receipt, opened = False, None
    try:
        is_receipt = parcel.peek(message.body)[0] == parcel.RECEIPT
        opened = parcel.verify(message.body, hub.registry(), now)
        if is_receipt:
            said = _read_receipt(hub, delivered, opened)
            about = said.subject
            owner = hub.registry().author(about.document_id, about.sender, now)
            return _Opened(delivered, digest, opened, True, said=said, documents=((owner, about.document_id),))
        if message.user_id is None and hub.user_id_required:
            raise Rejected(Problem(Fault.AUTHZ_MISMATCH, "user_id", message.route.code, "?", retry=True))
        candidate = admission.judge(
            opened, message.route.code, message.user_id, hub.registry(), now, CLOCK_SKEW, hub.follow_successors
        )
    except Rejected as error:
        return _Opened(delivered, digest, opened, is_receipt, problems=error.problems)
    return _Opened(delivered, digest, opened, candidate=candidate, documents=candidate.documents)


def _read_receipt(hub: Hub, delivered: Delivered, opened: Parcel) -> Receipt:
    if opened.signer != delivered.message.route.code:
        raise rejected(Fault.AUTHZ_MISMATCH, opened.signer, delivered.message.route.code)
    said = receipt.read(opened.content, opened.signer)
    if said.installation != hub.installation:
        raise rejected(Fault.RECEIPT_INVALID, f"installation {said.installation[:40]}")
    return said


def _record_all(hub: Hub, tx: HubTransaction, opened: Sequence[_Opened], now: datetime) -> bool:
    """Record each; False if one of them had to be put aside, or to come again."""
    documents = {document for one in opened for document in one.documents}
    replies = {one.documents[0] for one in opened if one.candidate is not None and one.candidate.is_reply}
    tx.lock_documents(documents | tx.instead_of(replies))  # of a replacement the clerk may name the one replaced
    recorded = [_record(hub, tx, one, now) for one in opened]
    homes.note(hub, tx, [one.delivered.message for one in opened], now)
    return all(recorded)


def _record(hub: Hub, tx: HubTransaction, opened: _Opened, now: datetime) -> bool:
    """Record one message and its answer; False if it was put aside, or has to come again."""
    agency = opened.agency
    repeated = tx.accepted_by_parcel(agency, opened.digest)
    if repeated is not None:
        accept.answer_again(tx, agency, repeated, now)
        return True
    try:
        if opened.is_receipt and opened.problems:
            raise _QuarantineError(opened.problems[0])
        # A document is refused before anything is changed for it. What a receipt says may turn out to be impossible
        # when some of it is done: of several statements the second, of a withdrawal what the delivery says to it.
        with tx.savepoint() if opened.said is not None and _has_parts(opened.said) else nullcontext():
            if opened.said is not None:
                _record_receipt(hub, tx, opened, opened.said, now)
            elif opened.candidate is not None:
                message = opened.delivered.message
                accept.record(hub, tx, opened.candidate, message.body, opened.digest, now)
            else:
                raise Rejected(*opened.problems)
    except Rejected as error:
        if _waits(hub, opened, error.problems, now):
            # Nothing is answered, so its sender publishes it again, at last hours apart, until the record can tell.
            codes = [one.fault.code for one in error.problems]
            detail = {"codes": codes, "bytes": opened.digest}
            tx.enter(Entry(now, HUB, "submission.waits", "", agency, detail))
            return False
        _refuse(hub, tx, opened, error.problems, now)
    except _QuarantineError as error:
        # A bad receipt is never answered (that would loop); it is kept, entered and said aloud.
        level = logging.WARNING if error.problem.fault is Fault.RECORD_GAP else logging.ERROR
        log.log(level, "receipt from %s quarantined: %s", agency, error.problem.text())
        detail = {"code": error.problem.fault.code, "got": error.problem.got, "bytes": opened.digest}
        tx.enter(Entry(now, HUB, "receipt.quarantined", "", agency, detail))
        _put_aside(tx, opened, error.problem.fault, 1, now)
        return False
    return True


def _waits(hub: Hub, opened: _Opened, problems: Sequence[Problem], now: datetime) -> bool:
    """Whether it cannot be refused yet: it lacks what the record may have lost, and what its sender will send again."""
    one = opened.candidate
    if one is None or hub.lost_until is None or not hub.is_gap_open(now):
        return False
    return admission.is_by_absence(problems) and one.may_be_older_than(hub.lost_until)


def _refuse(
    hub: Hub, tx: HubTransaction, opened: _Opened, problems: Sequence[Problem], now: datetime, *, anew: bool = False
) -> None:
    """A.2 with every reason; the stored one again where the refusal depended on the bytes alone, unless an operator
    has another (`anew`)."""
    agency, body = opened.agency, opened.delivered.message.body
    errors = [p for p in problems if p.severity == "error"]
    retry = all(p.retry for p in errors)
    verified = opened.parcel
    key = verified.content_digest if verified else opened.digest
    stored = tx.refusal(agency, key)
    if stored is not None and not stored["retry"] and not anew:
        tx.send(agency, stored["receipt_digest"], now)
        return
    content_digest = verified.content_digest if verified else parcel.unverified_digest(body)
    kind, document_id = admission.describe(verified)
    subject = Subject("", kind, agency, document_id, content_digest)
    codes = [p.fault.code for p in errors]
    detail = {
        "codes": codes,
        "document_id": document_id,
        "content_digest": content_digest,
        "bytes": opened.digest,
    }
    entry = tx.enter(Entry(now, HUB, "submission.refused", "", agency, detail))
    refused = Statement(hub.new_id(now), Event.SubmissionRejection, whole(now), "", (), receipt.reasons(errors), entry)
    a2 = receipt.signed(Receipt(hub.installation, HUB, subject, (refused,), hub.registry().version), hub.signer, now)
    tx.refuse(agency, key, document_id, a2, retry=retry, codes=codes, now=now)


def _has_parts(said: Receipt) -> bool:
    return len(said.statements) > 1 or said.statements[0].event is Event.ContentWithdrawal


# -- Receipts from the recipients' adapters -------------------------------------------------------------------


def _record_receipt(hub: Hub, tx: HubTransaction, opened: _Opened, said: Receipt, now: datetime) -> None:
    """E or W: move the delivery, keep the receipt, pass it to the sender."""
    subject, about = said.subject, tx.submission(said.subject.axis_id)
    if about is None and _is_lost(hub, subject):
        if _is_answered_again(tx, said):
            digest = hashlib.sha256(opened.delivered.message.body).hexdigest()
            tx.enter(Entry(now, HUB, "receipt.superseded", subject.axis_id, opened.agency, {"receipt": digest}))
            return
        raise _QuarantineError(Problem(Fault.RECORD_GAP, got=subject.axis_id[:40]))
    if about is None or subject != accept.subject_of(about):
        raise _QuarantineError(Problem(Fault.RECEIPT_INVALID, got=f"no such submission {subject.axis_id[:40]}"))
    news = [one for one in said.statements if _apply(hub, tx, about, one, now)]
    if news:
        body = opened.delivered.message.body
        tx.issue(subject.axis_id, body, news, hub.mailbox(subject.sender, now), now, issuer=opened.agency)
        for axis_id in tx.documents_of(about):
            watch.certify(hub, tx, axis_id, now)


def _is_lost(hub: Hub, subject: Subject) -> bool:
    """Whether a submission that is not in the record may have been: its id tells when it was accepted."""
    return hub.lost_until is not None and subject.axis_id <= earliest(hub.lost_until)


def _is_answered_again(tx: HubTransaction, said: Receipt) -> bool:
    """Whether what this receipt speaks of was accepted once more, and its issuer has answered for it since."""
    about = tx.sent_as(said.subject)
    rows = [tx.delivery(about["axis_id"], one.recipient) for one in said.statements] if about is not None else [None]
    return all(row is not None and lifecycle.State(row["state"]) in lifecycle.FINAL for row in rows)


def _apply(hub: Hub, tx: HubTransaction, about: Row, said: Statement, now: datetime) -> bool:
    """Apply one statement to its delivery; False if it was known already."""
    if tx.statement(said.recipient, said.event.code, about["axis_id"], said.recipient) is not None:
        return False
    row = tx.delivery(about["axis_id"], said.recipient)
    if row is None:
        fault = Fault.RECORD_GAP if _is_lost(hub, accept.subject_of(about)) else Fault.RECEIPT_INVALID
        raise _QuarantineError(Problem(fault, got=f"{said.recipient} is no recipient"))
    try:
        if said.event in {Event.ContentWithdrawal, Event.ContentWithdrawalFailure}:
            _apply_recall(hub, tx, about, tx.delivery_for_update(row["id"]), said, now)
        else:
            _apply_handover(hub, tx, about, tx.delivery_for_update(row["id"]), said, now)
    except lifecycle.IllegalStepError as error:
        raise _QuarantineError(Problem(Fault.RECEIPT_INVALID, got=str(error))) from None
    return True


def _apply_handover(hub: Hub, tx: HubTransaction, about: Row, row: Row, said: Statement, now: datetime) -> None:
    handed = said.event is Event.ContentHandover
    event = "delivery.handed_over" if handed else "delivery.refused"
    step = Step.HANDED_OVER if handed else Step.REFUSED
    late = {"late": True} if tx.meet_deadline(row["id"], Leg.HANDOVER.value, now) else {}
    tx.move(row, step, Entry(now, said.recipient, event, about["axis_id"], said.recipient, _said(said) | late))
    if handed:
        watch.arrived(hub, tx, row, now)
    if row["role"] != "document":
        return
    if handed:
        watch.begin(hub, tx, watch.Subject(row["id"], row["kind"], row["priority"]), Leg.RECEPTION, now)
    business = tx.business(row["id"])
    code = lifecycle.ARRIVED if handed else lifecycle.REJECTED
    for unit in row["units"]:
        if not business.get(unit):
            known = {"unit": unit, "status": code, "by": said.event.code}
            entry = Entry(now, said.recipient, "delivery.status", about["axis_id"], said.recipient, known)
            tx.report(row["id"], unit, code, to_text(said.time), entry)


def _apply_recall(hub: Hub, tx: HubTransaction, about: Row, row: Row, said: Statement, now: datetime) -> None:
    """What the recipient's adapter has decided about a recall: withdrawn for certain, or too late."""
    original = tx.delivery_of_document(about["owner"], about["document_id"], said.recipient)
    if row["role"] != "recall" or original is None:
        raise _QuarantineError(Problem(Fault.RECEIPT_INVALID, got=f"nobody asked {said.recipient}"))
    certain = said.event is Event.ContentWithdrawal
    void = any(reason.code == Fault.RECALL_VOID.code for reason in said.reasons)
    turn = Turn.WITHDRAWN if certain else Turn.NOTHING if void else Turn.TOO_LATE
    for one in tx.demands([original["id"]]).get(original["id"], []):
        if one.demand is Demand.RECALL and row["axis_id"] == tx.asked_by(original["id"], one.number):
            stages = {unit: lifecycle.turn(stage, turn) for unit, stage in one.stages.items()}
            detail = {**_said(said), "number": one.number, "outcome": turn.value}
            entry = Entry(now, said.recipient, "recall.decided", about["axis_id"], said.recipient, detail)
            tx.answer(original["id"], one.number, stages, entry)
    if certain:
        locked = tx.delivery_for_update(original["id"])
        withdrawn = Entry(
            now, said.recipient, "delivery.withdrawn", original["axis_id"], said.recipient, {"by": about["axis_id"]}
        )
        tx.move(locked, Step.WITHDRAWN, withdrawn)
        accept.withdraw_versions(tx, about["owner"], about["document_id"], said.recipient, now)
        accept.overtake(tx, locked, now)
    others = any(d["recipient"] != said.recipient and d["stage"] == "PENDING" for d in tx.demands_by(about["axis_id"]))
    shown = others and hub.registry().predecessors(said.recipient, now)
    if (certain or void) and not shown:  # nothing of the recall is shown either
        late = {"late": True} if tx.meet_deadline(row["id"], Leg.HANDOVER.value, now) else {}
        done = Entry(now, said.recipient, "delivery.withdrawn", about["axis_id"], said.recipient, _said(said) | late)
        tx.move(row, Step.WITHDRAWN, done)
    if certain:
        accept.drop_what_nobody_has(tx, about["owner"], about["document_id"])


def _said(said: Statement) -> dict[str, object]:
    return {"receipt": said.event.code, "said_at": to_text(said.time), "reasons": [r.code for r in said.reasons]}
