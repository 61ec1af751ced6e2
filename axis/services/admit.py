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
from axis.core.edxml import Kind
from axis.core.instant import to_text, whole
from axis.core.ledger import Entry
from axis.core.lifecycle import Step
from axis.core.message import Delivered, hub_routes
from axis.core.receipt import Event, Receipt, Statement, Subject
from axis.core.trust import HUB
from axis.errors import Corrupted, Fault, Misconfigured, Problem, Rejected, Unavailable, rejected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.core.admission import Candidate
    from axis.core.parcel import Parcel
    from axis.infra.database import Row
    from axis.infra.store import HubTransaction
    from axis.services.hub import Hub

log = logging.getLogger("axis.admit")
BATCH_MESSAGES, BATCH_BYTES = 50, 32 * 1024 * 1024
MAX_ATTEMPTS = 5  # a parcel that failed so often alone is quarantined
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

    @property
    def agency(self) -> str:
        return self.delivered.message.route.code

    @property
    def document(self) -> tuple[str, str]:
        """(sender, DocumentId) of the document that it makes or changes; empty where it does neither."""
        if self.said is not None:
            return self.said.subject.sender, self.said.subject.document_id
        if self.candidate is None:
            return "", ""
        packet = self.candidate.packet
        is_status = packet.kind is Kind.STATUS
        return self.candidate.addressees[0].code if is_status else self.candidate.sender, admission.named(packet)


class _QuarantineError(Exception):
    """This message cannot be answered; it goes to the dead letters with an entry."""

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
    taken = hub.broker.receive(routes, limit=BATCH_MESSAGES, max_bytes=BATCH_BYTES, timeout=timeout)
    if taken:
        crashpoints.reached("H01")
    for one in taken:
        hub.allowances.spend(one.message.route.code, len(one.message.body))
    fresh = [d for d in taken if not d.redelivered]
    alone = [d for d in taken if d.redelivered]
    if fresh:
        try:
            opened = [_open(hub, d, now) for d in fresh]
            crashpoints.reached("H02")
            with hub.store.transaction() as tx:
                dead = _record_all(hub, tx, opened, now)
        except (Unavailable, Misconfigured, Corrupted):
            raise
        except Exception:  # one of them breaks us: find out which, one by one
            log.exception("a batch of %d failed; judging each alone", len(fresh))
            alone = fresh + alone
        else:
            _settle(hub, opened, dead)
    for delivered in alone:
        _judge_alone(hub, delivered, now)
    return len(taken)


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
                    tx.forget_attempts(queue, message_id)
                log.error("quarantined message %s of %s after %d attempts", message_id, queue, attempts - 1)
                hub.broker.reject([delivered])
                return
            opened = _open(hub, delivered, now)
            with hub.store.transaction() as tx:
                dead = _record_all(hub, tx, [opened], now)
                tx.forget_attempts(queue, message_id)
        except (Unavailable, Misconfigured, Corrupted):
            raise
        except Exception:
            log.exception("message %s of %s failed, attempt %d", message_id, queue, attempts)
            if attempts > MAX_ATTEMPTS:
                raise
        else:
            _settle(hub, [opened], dead)
            return


def _settle(hub: Hub, recorded: Sequence[_Opened], dead: Sequence[bool]) -> None:
    """After the commit, and only then: acknowledge, or move to the dead letters."""
    for one in recorded:
        crashpoints.reached("T02" if one.said else "H03" if one.candidate else "H04")
    if done := [one.delivered for one, is_dead in zip(recorded, dead, strict=True) if not is_dead]:
        hub.broker.ack(done)
    if bad := [one.delivered for one, is_dead in zip(recorded, dead, strict=True) if is_dead]:
        hub.broker.reject(bad)
    crashpoints.reached("H05")


def _open(hub: Hub, delivered: Delivered, now: datetime) -> _Opened:
    """Everything that can be said about a message without the record. Changes nothing anywhere."""
    message = delivered.message
    digest = hashlib.sha256(message.body).hexdigest()
    is_receipt, opened = False, None
    try:
        is_receipt = parcel.peek(message.body)[0] == parcel.RECEIPT
        opened = parcel.verify(message.body, hub.registry(), now)
        if is_receipt:
            return _Opened(delivered, digest, opened, True, said=_read_receipt(hub, delivered, opened))
        if message.user_id is None and hub.user_id_required:
            raise Rejected(Problem(Fault.AUTHZ_MISMATCH, "user_id", message.route.code, "?", retry=True))
        candidate = admission.judge(opened, message.route.code, message.user_id, hub.registry(), now, CLOCK_SKEW)
    except Rejected as error:
        return _Opened(delivered, digest, opened, is_receipt, problems=error.problems)
    return _Opened(delivered, digest, opened, candidate=candidate)


def _read_receipt(hub: Hub, delivered: Delivered, opened: Parcel) -> Receipt:
    if opened.signer != delivered.message.route.code:
        raise rejected(Fault.AUTHZ_MISMATCH, opened.signer, delivered.message.route.code)
    said = receipt.read(opened.content, opened.signer)
    if said.installation != hub.installation:
        raise rejected(Fault.RECEIPT_INVALID, f"installation {said.installation[:40]}")
    return said


def _record_all(hub: Hub, tx: HubTransaction, opened: Sequence[_Opened], now: datetime) -> list[bool]:
    """Record each; which of them must go to the dead letters."""
    tx.lock_documents(one.document for one in opened if all(one.document))
    return [_record(hub, tx, one, now) for one in opened]


def _record(hub: Hub, tx: HubTransaction, opened: _Opened, now: datetime) -> bool:
    """Record one message and its answer. True if it must go to the dead letters."""
    agency = opened.agency
    repeated = tx.accepted_by_parcel(agency, opened.digest)
    if repeated is not None:
        _answer_again(tx, agency, repeated, now)
        return False
    try:
        if opened.is_receipt and opened.problems:
            raise _QuarantineError(opened.problems[0])
        # A document is refused before anything is changed for it; of several statements the second may be bad.
        several = opened.said is not None and len(opened.said.statements) > 1
        with tx.savepoint() if several else nullcontext():
            if opened.said is not None:
                _record_receipt(tx, opened, opened.said, now)
            elif opened.candidate is not None:
                _record_document(hub, tx, opened, opened.candidate, now)
            else:
                raise Rejected(*opened.problems)
    except Rejected as error:
        _refuse(hub, tx, opened, error.problems, now)
    except _QuarantineError as error:
        # A bad receipt is never answered (that would loop); it is kept, entered and said aloud.
        log.error("receipt from %s quarantined: %s", agency, error.problem.text())  # noqa: TRY400  expected
        detail = {"code": error.problem.fault.code, "got": error.problem.got, "bytes": opened.digest}
        tx.enter(Entry(now, HUB, "receipt.quarantined", "", agency, detail))
        return True
    return False


# -- Documents and statuses -----------------------------------------------------------------------------------


def _record_document(hub: Hub, tx: HubTransaction, opened: _Opened, candidate: Candidate, now: datetime) -> None:
    taken = tx.accepted_by_key(candidate.key)
    if taken is not None:
        _answer_taken(tx, candidate, taken, now)
        return
    original, climbed = None, ""
    if candidate.packet.kind is Kind.STATUS:
        original, climbed = _original(tx, candidate)
    axis_id = hub.new_id(now)
    if not _accept(hub, tx, opened, candidate, axis_id, now, silent=original is not None and not climbed):
        taken = tx.accepted_by_key(candidate.key)  # another worker took the key in between
        if taken is None:
            raise Unavailable(Problem(Fault.STORE_DOWN, got="key taken and gone"))
        _answer_taken(tx, candidate, taken, now)
        return
    if original is not None and climbed:
        detail = {
            "unit": candidate.packet.sender.organ_id,
            "status": candidate.packet.status_code,
            "by": axis_id,
        }
        event = Entry(now, candidate.sender, "delivery.status", original["axis_id"], candidate.sender, detail)
        tx.report(original["id"], candidate.packet.sender.organ_id, climbed, candidate.packet.timestamp, event)


def _original(tx: HubTransaction, candidate: Candidate) -> tuple[Row, str]:
    """(the delivery a status speaks of, the unit's status after it); "" when E.1 had said it already."""
    packet = candidate.packet
    row = tx.delivery_of_document(candidate.addressees[0].code, packet.response_for[0].document_id, candidate.sender)
    business = tx.business(row["id"]) if row is not None else {}
    known = admission.Original(row["axis_id"], row["recipient"], (), business) if row is not None else None
    climbed = admission.judge_report(candidate, known)
    assert row is not None  # noqa: S101  judge_report refuses None
    said = packet.status_code == lifecycle.ARRIVED and bool(business.get(packet.sender.organ_id))
    return row, "" if said else climbed


def _accept(
    hub: Hub, tx: HubTransaction, opened: _Opened, candidate: Candidate, axis_id: str, now: datetime, *, silent: bool
) -> bool:
    """A.1 for an accepted candidate, and its deliveries (none if `silent`). False if its key is taken."""
    packet, version = candidate.packet, hub.registry().version
    subject = _subject(candidate, axis_id)
    detail = {
        "document_id": subject.document_id,
        "kind": subject.kind,
        "content_digest": subject.content_digest,
        "parcel_digest": opened.digest,
        "registry": version,
        "sender": candidate.sender,
    }
    if packet.status_code:
        detail["status"] = packet.status_code
    entry = Entry(now, HUB, "submission.accepted", axis_id, "", detail)
    addressees = () if silent else candidate.addressees
    recipients = tuple(a.code for a in addressees if not a.closed)
    said = Statement(hub.new_id(now), Event.SubmissionAcceptance, whole(now), "", recipients, (), entry.digest)
    a1 = receipt.signed(Receipt(hub.installation, HUB, subject, (said,), version), hub.signer, now)
    kept = tx.accept(candidate, entry, version, opened.delivered.message.body, a1, said, now)
    if kept is None:
        return False
    body, proof = kept
    for addressee in addressees:
        delivery_id = hub.new_id(now)
        tx.add_delivery(axis_id, delivery_id, addressee, now)
        crashpoints.reached("R01")
        if addressee.closed:
            problem = Problem(Fault.AGENCY_CLOSED, got=addressee.code, expected="-")
            hub.fail_delivery(tx, delivery_id, problem, 0, now)
        else:
            tx.send(addressee.code, body, now, proof=proof, delivery_id=delivery_id, urgent=packet.priority > 0)
    return True


def _answer_taken(tx: HubTransaction, candidate: Candidate, taken: Row, now: datetime) -> None:
    """The key is taken: the stored answer for the same content, a conflict for another."""
    same = taken["content_digest"] == candidate.parcel.content_digest
    if same or candidate.packet.kind is Kind.STATUS:
        _answer_again(tx, candidate.sender, taken, now)
        return
    raise rejected(Fault.DUP_CONFLICT, candidate.parcel.content_digest, taken["content_digest"], "DocumentId")


def _answer_again(tx: HubTransaction, agency: str, taken: Row, now: datetime) -> None:
    tx.send(agency, taken["acceptance_digest"], now)
    tx.enter(Entry(now, HUB, "submission.repeated", taken["axis_id"], "", {"sender": agency}))


def _refuse(hub: Hub, tx: HubTransaction, opened: _Opened, problems: Sequence[Problem], now: datetime) -> None:
    """A.2 with every reason; the stored one again where the refusal depended on the bytes alone."""
    agency, body = opened.agency, opened.delivered.message.body
    errors = [p for p in problems if p.severity == "error"]
    retry = all(p.retry for p in errors)
    verified = opened.parcel
    key = verified.content_digest if verified else opened.digest
    stored = tx.refusal(agency, key)
    if stored is not None and not stored["retry"]:
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


def _subject(candidate: Candidate, axis_id: str) -> Subject:
    packet, digest = candidate.packet, candidate.parcel.content_digest
    return Subject(axis_id, packet.kind.value, candidate.sender, admission.named(packet), digest)


# -- Receipts from the recipients' adapters -------------------------------------------------------------------


def _record_receipt(tx: HubTransaction, opened: _Opened, said: Receipt, now: datetime) -> None:
    """E.1 or E.2: move the delivery, keep the receipt, pass it to the sender."""
    subject, about = said.subject, tx.submission(said.subject.axis_id)
    if about is None or subject != Subject(
        about["axis_id"], about["kind"], about["sender"], about["document_id"], about["content_digest"]
    ):
        raise _QuarantineError(Problem(Fault.RECEIPT_INVALID, got=f"no such submission {subject.axis_id[:40]}"))
    news = [one for one in said.statements if _apply(tx, about, one, now)]
    if news:
        body = opened.delivered.message.body
        tx.issue(subject.axis_id, body, news, subject.sender, now, issuer=opened.agency)


def _apply(tx: HubTransaction, about: Row, said: Statement, now: datetime) -> bool:
    """Apply one E statement to its delivery; False if it was known already."""
    if tx.statement(said.recipient, said.event.code, about["axis_id"], said.recipient) is not None:
        return False
    row = tx.delivery(about["axis_id"], said.recipient)
    if row is None:
        raise _QuarantineError(Problem(Fault.RECEIPT_INVALID, got=f"{said.recipient} is no recipient"))
    handed = said.event is Event.ContentHandover
    event = "delivery.handed_over" if handed else "delivery.refused"
    detail = {
        "receipt": said.event.code,
        "said_at": to_text(said.time),
        "reasons": [r.code for r in said.reasons],
    }
    try:
        locked = tx.delivery_for_update(row["id"])
        step = Step.HANDED_OVER if handed else Step.REFUSED
        tx.move(locked, step, Entry(now, said.recipient, event, about["axis_id"], said.recipient, detail))
    except lifecycle.IllegalStepError as error:
        raise _QuarantineError(Problem(Fault.RECEIPT_INVALID, got=str(error))) from None
    if about["kind"] != Kind.STATUS:
        business = tx.business(row["id"])
        code = lifecycle.ARRIVED if handed else lifecycle.REJECTED
        for unit in locked["units"]:
            if not business.get(unit):
                known = {"unit": unit, "status": code, "by": said.event.code}
                entry = Entry(now, said.recipient, "delivery.status", about["axis_id"], said.recipient, known)
                tx.report(row["id"], unit, code, to_text(said.time), entry)
    return True
