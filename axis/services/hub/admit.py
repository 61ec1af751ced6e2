"""The hub takes parcels from the agencies: verify, judge, record, answer.

A batch is verified outside any transaction, recorded in one, and acknowledged only after its commit. A
message that came before is judged alone, its attempt noted and committed first, so that a parcel that
kills the hub goes to quarantine by itself and takes no healthy one with it. Only what fails while another
passes has failed by its own fault: a database, a file or a line that is away is waited for.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import compress
from typing import TYPE_CHECKING

from axis import crashpoints
from axis.core import parcel, receipt
from axis.core.edxml import Kind
from axis.core.homes import is_hello
from axis.core.hub import admission, decide, refusals
from axis.core.hub.objects import object_of
from axis.core.hub.opened import Opened
from axis.core.hub.receipts import Waiting
from axis.core.log.exchange import is_from_witness
from axis.core.message import Delivered, Message, Route, hub_routes
from axis.core.registry import HUB
from axis.errors import AxisError, Corrupted, Fault, Misconfigured, Problem, Rejected, Unavailable, rejected
from axis.infra.record import attempts, documents, quarantine
from axis.services import turns
from axis.services.hub import act, homes, witness

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.core.hub.draft import Draft
    from axis.core.parcel import Parcel
    from axis.core.receipt import Receipt
    from axis.infra.record.store import HubTransaction
    from axis.services.hub.worker import Hub

log = logging.getLogger("axis.admit")
MAX_ATTEMPTS = 5  # a parcel that failed so often alone is quarantined
CLOCK_SKEW = timedelta(minutes=5)
_CHANGES = (Kind.RECALL, Kind.UPDATE, Kind.REPLACE)


def step(hub: Hub, now: datetime, timeout: float = 0) -> int:
    """Take what is waiting and deal with it; how many messages. Waits up to `timeout` seconds for the first.

    Raises :class:`Unavailable` when broker or store are away: nothing was acknowledged then.
    """
    hub.has_more = False
    registry = hub.registry()
    waiting = hub.rate_limits.used_up(now)
    routes = hub_routes(member.code for member in registry.agencies if member.code not in waiting)
    if not routes:
        return 0
    hub.turn += 1
    taken = turns.take(hub.broker, routes, hub.turn, timeout)
    hub.has_more = turns.is_full(taken)
    if taken:
        crashpoints.reached("H01")
    for one in taken:
        hub.rate_limits.spend(_publisher(hub, one.message), len(one.message.body))
    hub.broker.reject([d for d in taken if d.trouble])
    good = [d for d in taken if not d.trouble]
    others = [d for d in good if _publisher(hub, d.message) != d.message.route.code]
    if others:
        _turn_away(hub, others, now)
    own = [d for d in good if _publisher(hub, d.message) == d.message.route.code]
    asked = [d for d in own if is_hello(d.message.body)]
    cosigned = [d for d in own if is_from_witness(d.message.body)]
    own = [d for d in own if not is_hello(d.message.body) and not is_from_witness(d.message.body)]
    fresh = [d for d in own if not d.redelivered]
    alone = [d for d in own if d.redelivered]
    later: list[Delivered] = []  # what moves an object must not overtake what came before it
    if fresh:
        try:
            opened = [_open(hub, d, now) for d in fresh]
            if alone:
                stays = [object_of(one.candidate) is None for one in opened]
                later = [one for one, stay in zip(fresh, stays, strict=True) if not stay]
                fresh, opened = list(compress(fresh, stays)), list(compress(opened, stays))
            crashpoints.reached("H02")
            for judged in opened:
                hub.rate_limits.spend(judged.agency, 0, _work_beyond_its_own(judged))
            with hub.store.transaction() as tx:
                verdicts = _record_all(hub, tx, opened, now)
        except (Unavailable, Misconfigured, Corrupted):
            raise
        except Exception:  # one of them breaks us: find out which, one by one
            log.exception("a batch of %d failed; judging each alone", len(fresh))
            alone = fresh + alone
        else:
            _say(opened, verdicts)
            _settle(hub, list(zip(fresh, opened, strict=True)))
    _judge_each_alone(hub, alone, now)
    _judge_each_alone(hub, later, now)
    witness.hear(hub, cosigned, now)
    homes.answer(hub, asked, {d.message.route.code for d in own}, now)
    homes.say_what_is_settled(hub)
    return len(taken)


def _work_beyond_its_own(opened: Opened) -> int:
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
    named = [(_publisher(hub, one.message), _unread(one.message)) for one in others]

    def decided(draft: Draft) -> list[bool]:
        return [refusals.turn_away(draft, publisher, opened) for publisher, opened in named]

    with hub.store.transaction() as tx:
        kept = act.carry_out(hub, tx, (), (), decided, now)
    for (publisher, opened), is_kept in zip(named, kept, strict=True):
        message = opened.message
        problem = Problem(Fault.PUBLISHER_OTHER, got=publisher or "?", expected=message.route.code)
        log.error("message %s: %s", message.id, problem.text())
        if not is_kept:
            _not_kept(publisher)
    hub.broker.ack(others)


def _not_kept(agency: str) -> None:
    most = refusals.MAX_QUARANTINED
    log.error("%s has %d messages in quarantine: another is not kept", agency or "?", most)


def _unread(message: Message, digest: str = "", problems: tuple[Problem, ...] = ()) -> Opened:
    """A message of which nothing is believed."""
    return Opened(
        message, digest or message.digest or hashlib.sha256(message.body).hexdigest(), None, problems=problems
    )


def _judge_each_alone(hub: Hub, taken: Sequence[Delivered], now: datetime) -> None:
    """Those first of which no hub has died and that never failed: they shall not wait for what may break this one, and
    that they pass is what can be held against it."""
    keys = [_key(one) for one in taken]
    with hub.store.reading() as reader:
        before = attempts.known(reader, [digest for _, digest in keys]) if keys else {}
    known = [(*before.get(key, (0, False)), key in hub.excused, place) for place, key in enumerate(keys)]
    for failures, is_open, _, place in sorted(known):
        _judge_alone(hub, taken[place], keys[place], failures, is_open, now)


def _key(delivered: Delivered) -> tuple[str, str]:
    message = delivered.message
    return message.route.queue, message.digest or hashlib.sha256(message.body).hexdigest()


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
                attempts.end(tx, *key, failed=True)
        if failures >= MAX_ATTEMPTS:
            _quarantine(hub, delivered, key, failures, now)
            return
        with hub.store.transaction() as tx:
            attempts.begin(tx, *key)
        try:
            opened = _open(hub, delivered, now)
            with hub.store.transaction() as tx:
                verdicts = _record_all(hub, tx, [opened], now)
                attempts.forget(tx, *key)
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
            _say([opened], verdicts)
            _settle(hub, [(delivered, opened)])
            return


def _excuse(hub: Hub, key: tuple[str, str]) -> None:
    """The world's trouble ended the attempt, not the message: as far as that can be written now, else remembered."""
    hub.excused.add(key)
    with suppress(Unavailable), hub.store.transaction() as tx:
        attempts.end(tx, *key, failed=False)


class _UndoneError(Exception):
    """Nothing of a trial is kept."""


def _try_another(hub: Hub, key: tuple[str, str], now: datetime) -> None:
    """A document that was accepted before is judged and accepted once more (only answered, if something was asked about
    it since: a recall would take the second one back), another is refused, and nothing of it is kept. Raises
    :class:`Unavailable` when that fails as well, or nothing was accepted yet: who can say then that the message is to
    blame?
    """
    try:
        with hub.store.reading() as reader:
            known = attempts.last_accepted(reader, key[1])
        if known is None:
            raise Unavailable(Problem(Fault.HUB_BROKEN, got="-"))
        sender, body, is_changed = known
        good, bad = (_open(hub, _again(sender, one, sender), now) for one in (body, b""))

        def decided(draft: Draft) -> None:
            if good.candidate is not None:
                another = (
                    good.candidate if is_changed else replace(good.candidate, key=f"{good.candidate.key} once more")
                )
                with suppress(Rejected):
                    decide.record(draft, another, body, good.digest)
            refusals.refuse(draft, bad, bad.problems)

        with suppress(_UndoneError), hub.store.transaction() as tx:
            act.carry_out(hub, tx, good.locked, (), decided, now)
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
    opened = _unread(delivered.message, key[1], (problem,))

    def put_aside(*, answered: bool) -> None:
        def decided(draft: Draft) -> bool:
            if _is_receipt(delivered.message.body):
                entry = refusals.bad_receipt(draft, opened, problem)
            elif answered:
                entry = refusals.refuse(draft, opened, opened.problems)
            else:
                entry = refusals.enter_aside(draft, opened, problem.fault)
            return bool(refusals.put_aside(draft, opened, Fault.QUARANTINED, failures, entry))

        with hub.store.transaction() as tx:
            kept = act.carry_out(hub, tx, (), (), decided, now)
            attempts.forget(tx, *key)
        if not kept:
            _not_kept(opened.agency)

    try:
        put_aside(answered=True)
    except AxisError:
        raise
    except Exception:  # it breaks even this
        log.exception("message %s of %s cannot be answered", delivered.message.id, key[0])
        put_aside(answered=False)
    log.error("quarantined message %s of %s after %d attempts", delivered.message.id, key[0], failures)
    _settle(hub, [(delivered, opened)])


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
        if not all(verdict.is_recorded for verdict in _record_all(hub, tx, [opened], now)):
            raise rejected(Fault.QUARANTINED, "1")


def refuse_unread(hub: Hub, tx: HubTransaction, agency: str, body_digest: str, problem: Problem, now: datetime) -> None:
    """A.2 to the sender of a message that was put aside."""
    message = _again(agency, tx.payload(body_digest), None).message
    opened = _unread(message, body_digest, (problem,))
    act.carry_out(hub, tx, (), (), lambda draft: refusals.refuse(draft, opened, opened.problems, anew=True), now)


def _settle(hub: Hub, recorded: Sequence[tuple[Delivered, Opened]]) -> None:
    """After the commit, and only then: acknowledge."""
    for _, one in recorded:
        crashpoints.reached("T02" if one.said else "H03" if one.candidate else "H04")
    hub.broker.ack([delivered for delivered, _ in recorded])
    crashpoints.reached("H05")


def _open(hub: Hub, delivered: Delivered, now: datetime) -> Opened:
    """Everything that can be said about a message without the record. Changes nothing anywhere."""
    message = delivered.message
    digest = message.digest or hashlib.sha256(message.body).hexdigest()
    is_receipt, opened = False, None
    try:
        claim = parcel.claim(message.body)
        is_receipt = claim is not None and claim.main == parcel.RECEIPT
        opened = parcel.verify(message.body, hub.registry(), now, known=hub.known, digest=digest)
        if is_receipt:
            said = _read_receipt(hub, delivered, opened, now)
            return Opened(message, digest, opened, is_receipt=True, said=said)
        candidate = admission.judge(
            opened,
            message.route.code,
            message.user_id,
            hub.registry(),
            now,
            CLOCK_SKEW,
            hub.follow_successors,
            hub.types,
            refuses_unknown=hub.refuses_unknown_types,
        )
    except Rejected as error:
        problems = tuple(replace(p, retry=True) if p.fault in parcel.CIRCUMSTANCES else p for p in error.problems)
        is_receipt = is_receipt and _is_receipt(message.body)  # one that is damaged is nobody's word, and is answered
        claimed = _claimed(hub, message.body) if is_receipt else None
        return Opened(message, digest, opened, is_receipt, problems=problems, claimed=claimed)
    return Opened(message, digest, opened, candidate=candidate, documents=candidate.documents)


def _claimed(hub: Hub, body: bytes) -> Receipt | None:
    """What an unverified receipt says, if it is one of this installation."""
    try:
        said = receipt.claimed(parcel.peek(body)[1])
    except Rejected:
        return None
    return said if said.installation == hub.installation else None


def _read_receipt(hub: Hub, delivered: Delivered, opened: Parcel, now: datetime) -> Receipt:
    agency = delivered.message.route.code
    if opened.signer != agency and not hub.rules.is_gap_open(now):
        raise rejected(Fault.AUTHZ_MISMATCH, opened.signer, agency)
    said = receipt.of(opened)
    # What a restored record has lost of the recipients' word, the senders have, and show.
    sender = said.subject.sender
    if opened.signer != agency and (opened.signer == HUB or agency not in {sender, hub.mailbox(sender, now)}):
        raise rejected(Fault.AUTHZ_MISMATCH, opened.signer, agency)
    if said.installation != hub.installation:
        raise rejected(Fault.RECEIPT_INVALID, f"installation {said.installation[:40]}")
    return said


def _record_all(hub: Hub, tx: HubTransaction, opened: Sequence[Opened], now: datetime) -> list[decide.Verdict]:
    """Record each with its answer. Whose document a receipt speaks of is known to the record alone and never changes:
    that is read before anything is locked."""
    opened = _with_documents(hub, tx, opened)
    waiting = _waiting(hub, tx, opened, now)
    locked = {document for one in opened for document in one.locked}
    replies = {one.documents[0] for one in opened if one.candidate is not None and one.candidate.is_reply}
    if replies:  # of a replacement the clerk may name the one replaced
        locked |= documents.instead_of(tx, replies)
    wanted = decide.needs(opened)
    existing = {document for one in opened if one.said is not None for document in one.documents}

    def decided(draft: Draft) -> list[decide.Verdict]:
        return decide.submitted(draft, opened, waiting)

    traces = {one.digest: one.message.traceparent for one in opened if one.message.traceparent}
    verdicts = act.carry_out(hub, tx, locked, wanted, decided, now, existing, traces)
    homes.note(hub, tx, [one.message for one in opened], now)
    return verdicts


def _with_documents(hub: Hub, tx: HubTransaction, opened: Sequence[Opened]) -> list[Opened]:
    """Each with the documents to lock. What a receipt speaks of may have been lost with the record, and accepted again
    under another id."""
    subjects = {one.said.subject.axis_id: one.said.subject for one in opened if one.said is not None}
    named = documents.of_submissions(tx, subjects)
    lost = [subject for axis_id, subject in subjects.items() if axis_id not in named]
    if lost and hub.lost_until is not None:
        again = documents.sent_as(tx, lost)
        named |= {subject.axis_id: again[subject].document for subject in lost if subject in again}
    return [
        replace(one, documents=(named[one.said.subject.axis_id],))
        if one.said is not None and one.said.subject.axis_id in named
        else one
        for one in opened
    ]


def _waiting(hub: Hub, tx: HubTransaction, opened: Sequence[Opened], now: datetime) -> list[Waiting]:
    """The receipts about these documents that wait for what the record has lost, opened anew."""
    if not hub.rules.is_gap_open(now):
        return []
    rows = quarantine.waiting_about(tx, {document_id for one in opened for _, document_id in one.documents})
    bodies = tx.payloads([row["body_digest"] for row in rows])
    found = []
    for row in rows:
        if row["body_digest"] in bodies:
            body, user_id = bodies[row["body_digest"]], row["user_id"] or None
            again = _open(hub, _again(row["agency"], body, user_id, row["message_id"]), now)
            if again.said is not None:
                found.append(Waiting(row["id"], again, again.said))
    return found


def _say(opened: Sequence[Opened], verdicts: Sequence[decide.Verdict]) -> None:
    """What was put aside is said aloud: a receipt that cannot be believed, a message for which there is no room."""
    for one, verdict in zip(opened, verdicts, strict=True):
        if traced := one.message.traceparent:
            said = "refused" if one.problems else "taken in"
            log.info("parcel %s of %s %s", one.digest[:12], one.agency, said, extra={"traceparent": traced})
        if verdict.problem is not None:
            level = logging.WARNING if verdict.problem.fault is Fault.RECORD_GAP else logging.ERROR
            log.log(level, "receipt from %s quarantined: %s", one.agency, verdict.problem.text())
            if not verdict.is_kept:
                _not_kept(one.agency)
        elif one.is_receipt and one.problems:
            codes = ", ".join(problem.fault.code for problem in one.problems)
            log.warning("receipt from %s answered, not recorded: %s", one.agency, codes)
