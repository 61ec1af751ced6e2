"""The hub takes parcels from the agencies: verify, judge, record, answer.

A batch is verified outside any transaction, recorded in one, and acknowledged only after its commit. A
message that came before is judged alone, its attempt noted and committed first, so that a parcel that
kills the hub goes to quarantine by itself and takes no healthy one with it. Only what fails while another
passes has failed by its own fault: a database, a file or a line that is away is waited for.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from axis import crashpoints
from axis.core import admission, lifecycle, parcel, receipt
from axis.core.deadline import Leg
from axis.core.edxml import Kind, same_id
from axis.core.homes import is_hello, read_origin
from axis.core.identity import earliest
from axis.core.instant import to_text, whole
from axis.core.ledger import Entry
from axis.core.lifecycle import Demand, Stage, Step, Turn
from axis.core.message import Delivered, Message, Route, hub_routes
from axis.core.receipt import Event, Receipt, Statement, Subject
from axis.core.trust import HUB
from axis.errors import AxisError, Corrupted, Fault, Misconfigured, Problem, Rejected, Unavailable, rejected
from axis.services import accept, homes, intake, vouch, watch

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
MAX_QUARANTINED = 1000  # messages of one agency; nobody's have one share together
MAX_WAITING = 20_000  # receipts that one agency has given or shown, about what a restored record has lost
CLOCK_SKEW = timedelta(minutes=5)
_CHANGES = (Kind.RECALL, Kind.UPDATE, Kind.REPLACE)


@dataclass(frozen=True)
class _Opened:
    """A message as judged by itself: a candidate, a receipt, or the problems that it has."""

    delivered: Delivered
    digest: str  # SHA-256 of the parcel's bytes
    parcel: Parcel | None
    is_receipt: bool = False
    candidate: Candidate | None = None
    said: Receipt | None = None
    claimed: Receipt | None = None  # what a receipt says that was not verified
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
        hub.allowances.spend(_publisher(hub, one.message), len(one.message.body))
    hub.broker.reject([d for d in taken if d.trouble])
    good = [d for d in taken if not d.trouble]
    others = [d for d in good if _publisher(hub, d.message) != d.message.route.code]
    if others:
        _turn_away(hub, others, now)
    own = [d for d in good if _publisher(hub, d.message) == d.message.route.code]
    asked = [d for d in own if is_hello(d.message.body)]
    own = [d for d in own if not is_hello(d.message.body)]
    fresh = [d for d in own if not d.redelivered]
    alone = [d for d in own if d.redelivered]
    if fresh:
        try:
            opened = [_open(hub, d, now) for d in fresh]
            crashpoints.reached("H02")
            for judged in opened:
                hub.allowances.spend(judged.agency, 0, _work_beyond_its_own(judged))
            with hub.store.transaction() as tx:
                _record_all(hub, tx, opened, now)
        except (Unavailable, Misconfigured, Corrupted):
            raise
        except Exception:  # one of them breaks us: find out which, one by one
            log.exception("a batch of %d failed; judging each alone", len(fresh))
            alone = fresh + alone
        else:
            _settle(hub, opened)
    _judge_each_alone(hub, alone, now)
    homes.answer(hub, asked, {d.message.route.code for d in own}, now)
    return len(taken)


def _work_beyond_its_own(opened: _Opened) -> int:
    """How many documents' worth of work a message makes beside the one that it is: a change of what many have touches
    each of their deliveries."""
    candidate = opened.candidate
    return len(candidate.addressees) - 1 if candidate is not None and candidate.kind in _CHANGES else 0


def _publisher(hub: Hub, message: Message) -> str:
    """The agency that published this, by the broker's word; "" where the broker does not say and must."""
    if message.user_id is None and not hub.user_id_required:
        return message.route.code
    return message.user_id or ""


def _turn_away(hub: Hub, others: Sequence[Delivered], now: datetime) -> None:
    """What one agency has put into another's queue: kept for an operator as the publisher's, and answered to nobody."""
    with hub.store.transaction() as tx:
        kept = {code: tx.quarantined_of(code) for code in {_publisher(hub, one.message) for one in others}}
        for one in others:
            message, publisher = one.message, _publisher(hub, one.message)
            problem = Problem(Fault.PUBLISHER_OTHER, got=publisher or "?", expected=message.route.code)
            log.error("message %s: %s", message.id, problem.text())
            if kept[publisher] >= MAX_QUARANTINED:
                log.error("%s has %d messages in quarantine: another is not kept", publisher or "?", MAX_QUARANTINED)
            elif tx.quarantine(publisher, message.id, publisher, message.body, problem.fault.code, 1, now):
                kept[publisher] += 1
                detail = {
                    "code": problem.fault.code,
                    "queue": message.route.queue,
                    "bytes": hashlib.sha256(message.body).hexdigest(),
                }
                tx.enter(Entry(now, HUB, "message.put_aside", "", publisher, detail))
    hub.broker.ack(others)


def _judge_each_alone(hub: Hub, taken: Sequence[Delivered], now: datetime) -> None:
    """Those first of which no hub has died and that never failed: they shall not wait for what may break this one, and
    that they pass is what can be held against it."""
    keys = [_key(one) for one in taken]
    with hub.store.reading() as reader:
        before = reader.attempts([digest for _, digest in keys]) if keys else {}
    known = [(*before.get(key, (0, False)), key in hub.excused, place) for place, key in enumerate(keys)]
    for failures, is_open, _, place in sorted(known):
        _judge_alone(hub, taken[place], keys[place], failures, is_open, now)


def _key(delivered: Delivered) -> tuple[str, str]:
    return delivered.message.route.queue, hashlib.sha256(delivered.message.body).hexdigest()


def _judge_alone(
    hub: Hub, delivered: Delivered, key: tuple[str, str], failures: int, is_open: bool, now: datetime
) -> None:
    """Judge a message that came before. The attempt is noted first, so that one of which the hub dies is known.

    It failed by its own fault where another passes at that moment (:func:`_try_another`); what fails for the
    database, a file or a line is not counted, and is raised."""
    is_dead = is_open and key not in hub.excused
    while True:
        if is_dead:
            _try_another(hub, key, now)
            failures += 1
            with hub.store.transaction() as tx:
                tx.end_attempt(*key, failed=True)
        if failures >= MAX_ATTEMPTS:
            _quarantine(hub, delivered, key, failures, now)
            return
        with hub.store.transaction() as tx:
            tx.begin_attempt(*key)
        try:
            opened = _open(hub, delivered, now)
            with hub.store.transaction() as tx:
                _record_all(hub, tx, [opened], now)
                tx.forget_attempts(*key)
        except (Unavailable, Misconfigured, Corrupted, OSError) as error:
            _excuse(hub, key)
            if isinstance(error, OSError):
                raise Unavailable(Problem(Fault.STORE_DOWN, got=f"{type(error).__name__}: {error}"[:300])) from error
            raise
        except Exception:
            log.exception("message %s of %s failed, attempt %d", delivered.message.id, key[0], failures + 1)
            is_dead = True
        else:
            hub.excused.discard(key)
            _settle(hub, [opened])
            return


def _excuse(hub: Hub, key: tuple[str, str]) -> None:
    """The world's trouble ended the attempt, not the message: as far as that can be written now, else remembered."""
    hub.excused.add(key)
    with suppress(Unavailable), hub.store.transaction() as tx:
        tx.end_attempt(*key, failed=False)


class _UndoneError(Exception):
    """Nothing of a trial is kept."""


def _try_another(hub: Hub, key: tuple[str, str], now: datetime) -> None:
    """A document that was accepted before is judged and answered once more, another is refused, and nothing of it is
    kept. Raises :class:`Unavailable` when that fails as well, or nothing was accepted yet: who can say then that the
    message is to blame?
    """
    try:
        with hub.store.reading() as reader:
            known = reader.last_accepted(key[1])
        if known is None:
            raise Unavailable(Problem(Fault.HUB_BROKEN, got="-"))
        sender, body = known
        good, bad = (_open(hub, _again(sender, one, sender), now) for one in (body, b""))
        with suppress(_UndoneError), hub.store.transaction() as tx:
            tx.lock_documents(good.documents)
            if good.candidate is not None:
                another = replace(good.candidate, key=f"{good.candidate.key} once more")
                with suppress(Rejected):
                    accept.record(hub, tx, another, body, good.digest, now)
            _refuse(hub, tx, bad, bad.problems, now)
            tx.late.insert()
            raise _UndoneError
    except (Unavailable, Misconfigured, Corrupted):
        _excuse(hub, key)
        raise
    except Exception as error:
        _excuse(hub, key)
        log.exception("what was accepted before fails as well")
        raise Unavailable(Problem(Fault.HUB_BROKEN, got=f"{type(error).__name__}: {error}"[:300])) from error


def _quarantine(hub: Hub, delivered: Delivered, key: tuple[str, str], failures: int, now: datetime) -> None:
    """Put it aside, with an A.2 where it may be a document. What was said of a delivery is never answered: it is kept
    and entered, and `axis queue retry` records it when we are mended."""
    problem = Problem(Fault.QUARANTINED, got=str(failures), retry=True)
    opened = _Opened(delivered, key[1], None, problems=(problem,))

    def put_aside(*, answered: bool) -> None:
        with hub.store.transaction() as tx:
            if _is_receipt(delivered.message.body):
                _enter_bad_receipt(tx, opened, problem, now)
            elif answered:
                _refuse(hub, tx, opened, opened.problems, now)
            _put_aside(tx, opened, Fault.QUARANTINED, failures, now)
            tx.forget_attempts(*key)

    try:
        put_aside(answered=True)
    except AxisError:
        raise
    except Exception:  # it breaks even this
        log.exception("message %s of %s cannot be answered", delivered.message.id, key[0])
        put_aside(answered=False)
    log.error("quarantined message %s of %s after %d attempts", delivered.message.id, key[0], failures)
    _settle(hub, [opened])


def _is_receipt(body: bytes) -> bool:
    try:
        return parcel.peek(body)[0] == parcel.RECEIPT
    except Exception:  # noqa: BLE001  what breaks us is none that can be believed
        return False


def _again(agency: str, body: bytes, user_id: str | None, message_id: str = "") -> Delivered:
    return Delivered(Message(message_id, Route("in", agency), body, user_id=user_id), redelivered=True, handle=None)


def judge_again(hub: Hub, agency: str, message_id: str, body: bytes, user_id: str | None, now: datetime) -> None:
    """A message that was put aside, judged as if it had just come. Raises :class:`Rejected` QUARANTINED if it has to be
    put aside again; nothing was changed then."""
    again = _again(agency, body, user_id, message_id)
    if not agency or _publisher(hub, again.message) != agency:
        raise rejected(Fault.QUARANTINED, "1")
    opened = _open(hub, again, now)
    with hub.store.transaction() as tx:
        if not _record_all(hub, tx, [opened], now):
            raise rejected(Fault.QUARANTINED, "1")


def refuse_unread(hub: Hub, tx: HubTransaction, agency: str, body_digest: str, problem: Problem, now: datetime) -> None:
    """A.2 to the sender of a message that was put aside."""
    opened = _Opened(_again(agency, tx.payload(body_digest), None), body_digest, None, problems=(problem,))
    _refuse(hub, tx, opened, opened.problems, now, anew=True)


def _settle(hub: Hub, recorded: Sequence[_Opened]) -> None:
    """After the commit, and only then: acknowledge."""
    for one in recorded:
        crashpoints.reached("T02" if one.said else "H03" if one.candidate else "H04")
    hub.broker.ack([one.delivered for one in recorded])
    crashpoints.reached("H05")


def _put_aside(tx: HubTransaction, opened: _Opened, fault: Fault, attempts: int, now: datetime) -> None:
    """Keep it for an operator; over the agency's share its entry alone: what it publishes must not fill the record. A
    receipt about what the record has lost waits for it."""
    message = opened.delivered.message
    waiting = opened.said if fault is Fault.RECORD_GAP else None
    most = MAX_QUARANTINED if waiting is None else MAX_WAITING
    if tx.quarantined_of(opened.agency, waiting=waiting is not None) >= most:
        log.error("%s has %d messages in quarantine: another is not kept", opened.agency, most)
        return
    tx.quarantine(
        opened.agency,
        message.id.replace("\0", "?"),
        message.user_id or "",
        message.body,
        fault.code,
        attempts,
        now,
        document_id=same_id(waiting.subject.document_id) if waiting is not None else "",
        issuer=waiting.issuer if waiting is not None else "",
    )


def _open(hub: Hub, delivered: Delivered, now: datetime) -> _Opened:
    """Everything that can be said about a message without the record. Changes nothing anywhere."""
    message = delivered.message
    digest = hashlib.sha256(message.body).hexdigest()
    is_receipt, opened = False, None
    try:
        is_receipt = parcel.peek(message.body)[0] == parcel.RECEIPT
        opened = parcel.verify(message.body, hub.registry(), now)
        if is_receipt:
            said = _read_receipt(hub, delivered, opened, now)
            document_id = same_id(said.subject.document_id)
            owner = hub.registry().author(document_id, said.subject.sender, now)
            return _Opened(delivered, digest, opened, True, said=said, documents=((owner, document_id),))
        candidate = admission.judge(
            opened, message.route.code, message.user_id, hub.registry(), now, CLOCK_SKEW, hub.follow_successors
        )
    except Rejected as error:
        problems = tuple(replace(p, retry=True) if p.fault in parcel.CIRCUMSTANCES else p for p in error.problems)
        claimed = _claimed(hub, message.body) if is_receipt else None
        return _Opened(delivered, digest, opened, is_receipt, problems=problems, claimed=claimed)
    return _Opened(delivered, digest, opened, candidate=candidate, documents=candidate.documents)


def _claimed(hub: Hub, body: bytes) -> Receipt | None:
    """What an unverified receipt says, if it is one of this installation."""
    try:
        said = receipt.claimed(parcel.peek(body)[1])
    except Rejected:
        return None
    return said if said.installation == hub.installation else None


def _read_receipt(hub: Hub, delivered: Delivered, opened: Parcel, now: datetime) -> Receipt:
    agency = delivered.message.route.code
    if opened.signer != agency and not hub.is_gap_open(now):
        raise rejected(Fault.AUTHZ_MISMATCH, opened.signer, agency)
    said = receipt.read(opened.content, opened.signer)
    # What a restored record has lost of the recipients' word, the senders have, and show.
    sender = said.subject.sender
    if opened.signer != agency and (opened.signer == HUB or agency not in {sender, hub.mailbox(sender, now)}):
        raise rejected(Fault.AUTHZ_MISMATCH, opened.signer, agency)
    if said.installation != hub.installation:
        raise rejected(Fault.RECEIPT_INVALID, f"installation {said.installation[:40]}")
    return said


def _record_all(hub: Hub, tx: HubTransaction, opened: Sequence[_Opened], now: datetime) -> bool:
    """Record each; False if one of them had to be put aside, or to come again."""
    documents = {document for one in opened for document in one.documents}
    replies = {one.documents[0] for one in opened if one.candidate is not None and one.candidate.is_reply}
    tx.lock_documents(documents | tx.instead_of(replies))  # of a replacement the clerk may name the one replaced
    if any(one.said is not None and _has_parts(one.said) for one in opened):
        tx.homes_of(sorted({one.agency for one in opened}))  # all now: two batches take them in one order
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
            if _is_answered(hub, tx, opened, now):
                return True
            raise _QuarantineError(opened.problems[0])
        # A document is refused before anything is changed for it. What a receipt says may turn out to be impossible
        # when some of it is done: of several statements the second, of a withdrawal what the delivery says to it.
        with tx.savepoint() if opened.said is not None and _has_parts(opened.said) else nullcontext():
            if opened.said is not None:
                _record_receipt(hub, tx, opened, opened.said, now)
                _record_what_waits(hub, tx, same_id(opened.said.subject.document_id), now)
            elif opened.candidate is not None:
                message = opened.delivered.message
                accept.record(hub, tx, opened.candidate, message.body, opened.digest, now)
                _record_what_waits(hub, tx, opened.candidate.packet.target, now)
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
        # A receipt whose content is bad is never answered (that would loop); it is kept, entered and said aloud.
        level = logging.WARNING if error.problem.fault is Fault.RECORD_GAP else logging.ERROR
        log.log(level, "receipt from %s quarantined: %s", agency, error.problem.text())
        _enter_bad_receipt(tx, opened, error.problem, now)
        _put_aside(tx, opened, error.problem.fault, 1, now)
        return False
    return True


def _enter_bad_receipt(tx: HubTransaction, opened: _Opened, problem: Problem, now: datetime) -> None:
    detail = {"code": problem.fault.code, "got": problem.got, "bytes": opened.digest}
    tx.enter(Entry(now, HUB, "receipt.quarantined", "", opened.agency, detail))


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
    if stored is not None and not stored["retry"] and not anew and _names(tx, stored["receipt_digest"], opened.digest):
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
    name = receipt.refusal_id(hub.new_id(now), opened.digest)
    refused = Statement(name, Event.SubmissionRejection, whole(now), "", (), receipt.reasons(errors), entry)
    a2 = receipt.signed(Receipt(hub.installation, HUB, subject, (refused,), hub.registry().version), hub.signer, now)
    tx.refuse(agency, key, document_id, a2, retry=retry, codes=codes, now=now)


def _names(tx: HubTransaction, receipt_digest: str, parcel_digest: str) -> bool:
    """Whether this stored A.2 names that parcel; one from before they named parcels does not, nor a damaged one."""
    try:
        said = receipt.read(parcel.peek(tx.payload(receipt_digest))[1], HUB)
    except (Corrupted, Rejected):
        return False
    return said.statements[0].parcel == parcel_digest


def _has_parts(said: Receipt) -> bool:
    return len(said.statements) > 1 or said.statements[0].event is Event.ContentWithdrawal


# -- Receipts from the recipients' adapters -------------------------------------------------------------------


def _is_answered(hub: Hub, tx: HubTransaction, opened: _Opened, now: datetime) -> bool:
    """Whether a receipt that could not be accepted had its answer: the agency's own whose signature alone has passed is
    refused, so that it is signed again; one that was given to this agency is confirmed to it.

    The first is decided by what the message holds and the registry says, not by the record: nobody finds out by it
    what others have. Neither answer is answered by anything: there is no loop."""
    said = opened.claimed
    if said is None or opened.delivered.message.user_id not in {None, opened.agency}:
        return False
    if said.issuer != opened.agency:
        return vouch.answer(hub, tx, opened.agency, said, opened.digest, now)
    if not all(problem.fault in parcel.CIRCUMSTANCES for problem in opened.problems):
        return False
    _refuse_receipt(hub, tx, opened, said, now)
    return True


def _refuse_receipt(hub: Hub, tx: HubTransaction, opened: _Opened, said: Receipt, now: datetime) -> None:
    """A.2 about a receipt. Its subject is named by the digest of the receipt's bytes, and nothing else: an adapter that
    does not know this answer files it under that."""
    agency = opened.agency
    stored = tx.refusal(agency, opened.digest)
    if stored is not None:
        tx.send(agency, stored["receipt_digest"], now)
        return
    codes = [problem.fault.code for problem in opened.problems]
    log.warning("receipt from %s refused, to be signed again: %s", agency, ", ".join(codes))
    about = tx.submission(said.subject.axis_id)
    axis_id = about["axis_id"] if about is not None and said.subject == accept.subject_of(about) else ""
    detail = {"codes": codes, "bytes": opened.digest}
    entry = tx.enter(Entry(now, HUB, "receipt.refused", axis_id, agency, detail))
    why = receipt.reasons(opened.problems)
    refused = Statement(hub.new_id(now), Event.SubmissionRejection, whole(now), "", (), why, entry)
    subject = Subject("", receipt.KIND, agency, "", opened.digest)
    a2 = receipt.signed(Receipt(hub.installation, HUB, subject, (refused,), hub.registry().version), hub.signer, now)
    tx.refuse(agency, opened.digest, "", a2, retry=True, codes=codes, now=now)


def _record_receipt(hub: Hub, tx: HubTransaction, opened: _Opened, said: Receipt, now: datetime) -> None:
    """E or W: move the delivery, keep the receipt, pass it to the sender.

    What it speaks of may have been lost with the record, and accepted again since: the recipient has said all the same
    that it has it, and is not sent it once more."""
    subject, about = said.subject, tx.submission(said.subject.axis_id)
    if about is None and _is_lost(hub, subject):
        about = tx.sent_as(subject)
        rows = [tx.delivery(about["axis_id"], one.recipient) for one in said.statements] if about is not None else []
        if about is not None and all(row is not None and row["state"] in lifecycle.FINAL for row in rows):
            digest = hashlib.sha256(opened.delivered.message.body).hexdigest()
            tx.enter(Entry(now, HUB, "receipt.superseded", subject.axis_id, said.issuer, {"receipt": digest}))
            return
        if about is None or any(row is None or _is_undecided(tx, row, said) for row in rows):
            raise _QuarantineError(Problem(Fault.RECORD_GAP, got=subject.axis_id[:40]))
    elif about is None or not accept.is_about(subject, about):
        raise _QuarantineError(Problem(Fault.RECEIPT_INVALID, got=f"no such submission {subject.axis_id[:40]}"))
    if _is_withdrawn_in_a_replaced_home(tx, opened, said):
        digest = hashlib.sha256(opened.delivered.message.body).hexdigest()
        tx.enter(Entry(now, HUB, "receipt.superseded", subject.axis_id, opened.agency, {"receipt": digest}))
        return
    body = opened.delivered.message.body
    news = [one for one in said.statements if _apply(hub, tx, about, one, now)]
    if news:
        tx.issue(about["axis_id"], body, news, hub.mailbox(subject.sender, now), now, issuer=said.issuer)
        if hub.is_gap_open(now):
            _leave_out(tx, about["axis_id"], news)
        for axis_id in tx.documents_of(about):
            watch.certify(hub, tx, axis_id, now)
    elif said.issuer != opened.agency:  # it knew: its sender may want to be told as of when it holds
        vouch.answer(hub, tx, opened.agency, said, hashlib.sha256(body).hexdigest(), now)


def _leave_out(tx: HubTransaction, axis_id: str, news: Sequence[Statement]) -> None:
    """What is in the outbox for those who have just said that they have it: it was to be sent again."""
    tx.late.insert()
    for one in news:
        row = tx.delivery(axis_id, one.recipient)
        if row is not None and lifecycle.State(row["state"]) in lifecycle.FINAL:
            tx.leave_out(row["id"])


def _is_undecided(tx: HubTransaction, row: Row, said: Receipt) -> bool:
    """Whether what is said about a recall comes too early: nothing was asked yet, for its document has not come again;
    or it was handed over (E.1), and what its recipient has decided about it (W) is missing."""
    if row["role"] != "recall":
        return False
    stages = {one["stage"] for one in tx.demands_by(row["axis_id"]) if one["recipient"] == row["recipient"]}
    return not stages or (said.statements[0].event is Event.ContentHandover and Stage.PENDING in stages)


def _record_what_waits(hub: Hub, tx: HubTransaction, document_id: str, now: datetime) -> None:
    """Receipts about a document that waited for what the record had lost of it: it may have come again just now."""
    rows = tx.waiting_about(document_id) if document_id and hub.is_gap_open(now) else []
    if rows:
        tx.late.insert()  # what waits may have been put aside in this very transaction
    waiting = []
    for row in rows:
        with suppress(Corrupted):
            again = _again(row["agency"], tx.payload(row["body_digest"]), row["user_id"] or None, row["message_id"])
            opened = _open(hub, again, now)
            if opened.said is not None:
                waiting.append((row, opened, opened.said))
    # What was decided about a recall before that the recall was handed over.
    for row, opened, said in sorted(waiting, key=lambda one: one[2].statements[0].event.code, reverse=True):
        detail = {"action": "retry", "reason": "come again", "bytes": row["body_digest"], "message": row["message_id"]}
        tx.late.insert()  # not within the savepoint, with which it would go
        with suppress(_QuarantineError, Rejected), tx.savepoint():
            _record_receipt(hub, tx, opened, said, now)
            tx.leave_quarantine(row, Entry(now, HUB, "quarantine.retry", "", row["agency"], detail))


def _is_withdrawn_in_a_replaced_home(tx: HubTransaction, opened: _Opened, said: Receipt) -> bool:
    """Whether it says W.1 and was under way when an older copy took the place of the home that says it: that copy does
    not know that it has withdrawn anything, was sent document and recall again, and answers for them."""
    origin = read_origin(opened.delivered.message.origin)
    if origin is None or all(one.event is not Event.ContentWithdrawal for one in said.statements):
        return False
    if said.issuer != opened.agency:
        return False  # shown by whom it was passed on to: the hub had accepted it
    known = tx.homes_of([opened.agency]).get(opened.agency, [])
    return any(one.instance == origin.instance and not one.current for one in known)


def _is_lost(hub: Hub, subject: Subject) -> bool:
    """Whether a submission that is not in the record may have been: its id tells when it was accepted."""
    return hub.lost_until is not None and subject.axis_id <= earliest(hub.lost_until)


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
