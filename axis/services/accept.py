"""What a good submission changes in the hub's record: documents, recalls, updates, replacements, statuses.

Each is accepted in one transaction, or refused before anything was changed for it. Its documents are locked by then
(services/admit.py), so nobody else's recall, update or receipt comes in between.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from axis import crashpoints
from axis.core import admission, changes, deadline, lifecycle, receipt
from axis.core.admission import Addressee, Asked, Original
from axis.core.changes import Recipient
from axis.core.deadline import Leg
from axis.core.edxml import Kind, same_id
from axis.core.instant import from_text, whole
from axis.core.ledger import Entry
from axis.core.lifecycle import Demand, Stage, State, Step, Turn
from axis.core.receipt import Event, Receipt, Statement, Subject
from axis.core.trust import HUB
from axis.errors import Fault, Problem, Rejected, Unavailable, rejected
from axis.services import watch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from axis.core.admission import Candidate
    from axis.core.hub.dossier import Role
    from axis.infra.database import Row
    from axis.infra.store import HubTransaction
    from axis.services.hub import Hub


RECALLS_FIRST = timedelta(seconds=20)  # what is sent again after a restore waits so long for a recall sent with it


@dataclass(frozen=True)
class _Work:
    """One submission being recorded."""

    hub: Hub
    tx: HubTransaction
    candidate: Candidate
    body: bytes  # the parcel
    parcel_digest: str
    now: datetime

    @property
    def sender(self) -> str:
        return self.candidate.sender

    @property
    def owner(self) -> str:
        return self.candidate.owner

    @property
    def target(self) -> str:
        return self.candidate.packet.target

    @property
    def is_sent_again(self) -> bool:
        """Whether it was signed before the record was put back, and so may have been accepted then."""
        lost_until = self.hub.lost_until
        return lost_until is not None and self.candidate.parcel.signing_time <= lost_until

    @property
    def may_be_out(self) -> bool:
        """Whether it, or the same content, may have been delivered before the record was put back: that nothing of it
        is known proves nothing then."""
        lost_until = self.hub.lost_until
        return lost_until is not None and self.candidate.may_be_older_than(lost_until)

    @property
    def places(self) -> changes.Places:
        return changes.Places(self.hub.registry(), self.now, self.hub.follow_successors)


@dataclass(frozen=True)
class _Accepted:
    """A submission that took its key: its axis id, and the digests of parcel and A.1."""

    axis_id: str
    body: str
    proof: str


def record(hub: Hub, tx: HubTransaction, candidate: Candidate, body: bytes, parcel_digest: str, now: datetime) -> None:
    """Accept `candidate`, or answer what was accepted before. Raises :class:`Rejected` and has changed nothing."""
    work = _Work(hub, tx, candidate, body, parcel_digest, now)
    known = tx.repetition(candidate.sender, candidate.parcel.content_digest)
    if known is not None:
        _send_answer(work, known["axis_id"], known["receipt_digest"])
        return
    _BY_KIND[candidate.kind](work)


# -- Documents ------------------------------------------------------------------------------------------------


def _document(work: _Work) -> None:
    if _is_answered(work, work.candidate.key):
        return
    addressees = work.candidate.addressees
    taken_back = _taken_back(work)
    accepted = _accept(work, work.candidate.key, _sent_to(work, addressees, taken_back))
    _first_deliveries(work, accepted, addressees, taken_back)


def _taken_back(work: _Work) -> dict[str, Row]:
    """The recalls that have overtaken the document, by whoever has the mail of those that they name now."""
    asked = work.tx.asked_back(work.owner, work.target)
    return {work.hub.mailbox(code, work.now): row for code, row in asked.items()}


def _sent_to(work: _Work, addressees: Sequence[Addressee], taken_back: dict[str, Row]) -> list[Addressee]:
    """Those that it goes to: not whom a recall has overtaken it to, unless they may have it since before a restore."""
    return [one for one in addressees if one.code not in taken_back or work.may_be_out]


def _replacement(work: _Work) -> None:
    if _is_answered(work, work.candidate.key):
        return
    owners = {document_id: owner for owner, document_id in work.candidate.documents[1:]}
    held = {document_id: work.tx.recipients(owner, document_id) for document_id, owner in owners.items()}
    known = {document_id: _recipients(work.tx, rows) for document_id, rows in held.items()}
    addressees, holders = changes.plan_replacement(work.candidate, known, work.places)
    taken_back = _taken_back(work)
    accepted = _accept(work, work.candidate.key, _sent_to(work, addressees, taken_back))
    _first_deliveries(work, accepted, addressees, taken_back, {code for codes in holders.values() for code in codes})
    for document_id in holders:
        work.tx.supersede(owners[document_id], document_id, accepted.axis_id)


def _first_deliveries(
    work: _Work,
    accepted: _Accepted,
    addressees: Sequence[Addressee],
    taken_back: dict[str, Row],
    holders: Collection[str] = (),
) -> None:
    """To each of `addressees`, but not to whom a recall has overtaken it (who may have it since before a restore is
    asked); `holders` have a document that this one replaces, and are asked to put it in its place."""
    withdrawn: dict[str, list[Statement]] = {}
    for addressee in addressees:
        recall = taken_back.get(addressee.code)
        delivery_id = _deliver(work, accepted, addressee, "document", send=recall is None or work.may_be_out)
        if recall is None and addressee.code not in holders:
            continue
        original = work.tx.delivery_for_update(delivery_id)
        if addressee.code in holders:
            _ask(work, original, original["units"], 1, Demand.REPLACE, Stage.OPEN, accepted.axis_id)
        if recall is not None and work.may_be_out:
            _pass_on(work, original, recall, 2, closed=addressee.closed)
        elif recall is not None:
            said = _take_back(work, original, recall["id"], 2)
            withdrawn.setdefault(recall["axis_id"], []).append(said)
    for axis_id, statements in withdrawn.items():
        _issue(work, axis_id, statements)


def _pass_on(work: _Work, original: Row, recall: Row, number: int, *, closed: bool) -> None:
    """A recall that has waited for its document goes to the recipient, who alone can know."""
    tx, now = work.tx, work.now
    _ask(work, original, original["units"], number, Demand.RECALL, Stage.PENDING, recall["axis_id"])
    if closed:
        problem = Problem(Fault.AGENCY_CLOSED, got=recall["recipient"], expected="-")
        work.hub.fail_delivery(tx, recall["id"], problem, 0, now)
        return
    entry = Entry(
        now, HUB, "recall.passed_on", recall["axis_id"], recall["recipient"], {"document": original["axis_id"]}
    )
    sendable = tx.sendable(recall["id"])
    tx.send_again(sendable, now, entry)
    about = watch.Subject(recall["id"], Kind.RECALL.value, sendable["priority"])
    watch.begin(work.hub, tx, about, Leg.HANDOVER, now)


# -- Recalls --------------------------------------------------------------------------------------------------


def _recall(work: _Work) -> None:
    tx = work.tx
    rows = tx.recipients(work.owner, work.target)
    # Judged by what it says itself, not by who has sent such a document: nobody learns whether there is one.
    named = work.hub.registry().named_by(work.target)
    if not rows and named not in {"", work.owner}:
        raise Rejected(Problem(Fault.AUTHZ_MISMATCH, "DocumentId", named, work.sender, retry=True))
    # Of a document that has not come nothing was asked yet: what waits for it is the recall itself.
    waiting = {code: row["axis_id"] for code, row in tx.asked_back(work.owner, work.target).items()}
    asked = tx.recalled_by(work.owner, work.target) if rows else waiting
    new = changes.plan_recall(work.candidate, _recipients(tx, rows), asked, work.places)
    earlier = tx.submissions_of(work.owner, work.target, (Kind.RECALL.value,))
    if not new:
        same = [one for one in earlier if one["content_digest"] == work.candidate.parcel.content_digest]
        _answer(work, same[0] if same else _submission(tx, min(asked.values())))
        return
    admission.judge_pace(work.candidate, _accepted_at(earlier), work.now)
    number = len(earlier) + 1
    accepted = _accept(work, f"{work.candidate.key}|{number}", new, number)
    _take_back_from(work, accepted, new, rows, {})


def _take_back_from(
    work: _Work, accepted: _Accepted, addressees: Sequence[Addressee], rows: dict[str, Row], sent: dict[str, str]
) -> None:
    """Take the document back from each: here where it has not left, at the recipient's adapter otherwise. Of a document
    that has not come yet nothing is known: the recall waits for it."""
    number = work.tx.next_demand(work.owner, work.target)
    said: list[Statement] = []
    for addressee in addressees:
        row = rows.get(addressee.holder)
        original = work.tx.delivery_for_update(row["id"]) if row is not None else None
        if original is not None and _must_ask_recipient(work, original):
            _deliver_once(work, accepted, addressee, "recall", sent)
            _ask(work, original, original["units"], number, Demand.RECALL, Stage.PENDING, accepted.axis_id)
            continue
        here = replace(addressee, code=addressee.holder or addressee.code, closed=False)
        recall_id = _deliver(work, accepted, here, "recall", send=False)
        if original is not None:
            said.append(_take_back(work, original, recall_id, number))
    _issue(work, accepted.axis_id, said)


def _must_ask_recipient(work: _Work, original: Row) -> bool:
    """Whether the document, or a version of it, may be out: only the recipient's adapter can know then."""
    brought = work.tx.brought(work.owner, work.target, original["recipient"])
    return State(original["state"]) is not State.REFUSED and any(row["tried"] for row in brought)


def _take_back(work: _Work, original: Row, recall_id: str, number: int) -> Statement:
    """Decide a recall here: W.1 for what has not left, W.2 for what was refused."""
    tx, now = work.tx, work.now
    recall = tx.delivery_for_update(recall_id)
    void = State(original["state"]) is State.REFUSED
    stage = Stage.VOID if void else Stage.WITHDRAWN
    _ask(work, original, original["units"], number, Demand.RECALL, stage, recall["axis_id"])
    entry = Entry(now, HUB, "delivery.withdrawn", original["axis_id"], original["recipient"], {"by": recall["axis_id"]})
    digest = ""
    if not void:
        _, digest = tx.move(original, Step.WITHDRAWN, entry)
        tx.leave_out(original["id"])
        withdraw_versions(tx, work.owner, work.target, original["recipient"], now)
        overtake(tx, original, now)
        drop_what_nobody_has(tx, work.owner, work.target)
        watch.certify(work.hub, tx, original["axis_id"], now)
    done = Entry(now, HUB, "recall.decided", recall["axis_id"], original["recipient"], {"outcome": stage.value})
    _, decided = tx.move(recall, Step.WITHDRAWN, done)
    event = Event.ContentWithdrawalFailure if void else Event.ContentWithdrawal
    why = receipt.reasons([Problem(Fault.RECALL_VOID)]) if void else ()
    return Statement(work.hub.new_id(now), event, whole(now), original["recipient"], (), why, digest or decided)


def withdraw_versions(tx: HubTransaction, owner: str, document_id: str, recipient: str, now: datetime) -> None:
    """A recall was carried out: the updates on their way to this recipient are withdrawn with the document."""
    for one in tx.brought(owner, document_id, recipient):
        if one["role"] == "update" and State(one["state"]) not in lifecycle.FINAL:
            detail = {"with": document_id}
            entry = Entry(now, HUB, "delivery.withdrawn", one["axis_id"], recipient, detail)
            tx.move(tx.delivery_for_update(one["id"]), Step.WITHDRAWN, entry)
            tx.leave_out(one["id"])


def overtake(tx: HubTransaction, original: Row, now: datetime) -> None:
    """A recall was carried out: what else was asked about this delivery has no answer any more."""
    for one in tx.demands([original["id"]]).get(original["id"], []):
        waiting = {u: s for u, s in one.stages.items() if s is Stage.OPEN and one.demand is not Demand.RECALL}
        if waiting:
            stages = {unit: lifecycle.turn(stage, Turn.OVERTAKEN) for unit, stage in waiting.items()}
            detail = {"number": one.number, "demand": one.demand.value}
            entry = Entry(now, HUB, "demand.overtaken", original["axis_id"], original["recipient"], detail)
            tx.answer(original["id"], one.number, stages, entry)


def drop_what_nobody_has(tx: HubTransaction, owner: str, document_id: str) -> None:
    """Drop the parcels of a document that was taken back from everybody (QĐ 28/2018, Art. 9.2); digests, parties,
    times, reasons and receipts stay (NĐ 30/2020, Annex VI, III.8)."""
    rows = tx.recipients(owner, document_id)
    demands = tx.demands([row["id"] for row in rows.values()])
    if all(_is_taken_back(row, demands.get(row["id"], [])) for row in rows.values()):
        for one in tx.submissions_of(owner, document_id, (Kind.NEW.value, Kind.UPDATE.value, Kind.REPLACE.value)):
            tx.drop_body(one["axis_id"], one["parcel_digest"])


def _is_taken_back(row: Row, demands: Sequence[Asked]) -> bool:
    state = State(row["state"])
    agreed = any(
        d.demand is Demand.RECALL and all(s in lifecycle.TAKEN_BACK for s in d.stages.values()) for d in demands
    )
    return state in {State.RECALLED, State.REFUSED} or agreed


# -- Updates --------------------------------------------------------------------------------------------------


def _update(work: _Work) -> None:
    if _is_answered(work, work.candidate.key):
        return
    tx, packet = work.tx, work.candidate.packet
    earlier = tx.submissions_of(work.owner, work.target, (Kind.UPDATE.value,))
    admission.judge_pace(work.candidate, _accepted_at(earlier), work.now)
    rows = tx.recipients(work.owner, work.target)
    plan = changes.plan_update(work.candidate, _recipients(tx, rows), work.places)
    number = len(earlier) + 1
    with_content = plan.added if packet.changes_content else ()
    accepted = _accept(work, work.candidate.key, [*plan.kept, *plan.removed, *with_content], number)
    sent: dict[str, str] = {}
    demand = tx.next_demand(work.owner, work.target)
    for addressee in plan.kept:
        _deliver_once(work, accepted, addressee, "update", sent)
        original = rows[addressee.holder]
        if list(addressee.units) != original["units"]:
            tx.extend(original["id"], addressee.units)
        _ask(work, original, addressee.units, demand, Demand.UPDATE, Stage.OPEN, accepted.axis_id)
    for addressee in with_content:
        _deliver_once(work, accepted, addressee, "document", sent)
    if plan.added and not packet.changes_content:
        _deliver_newest(work, plan.added)
    if plan.removed:
        _take_back_from(work, accepted, plan.removed, rows, sent)


def _deliver_newest(work: _Work, added: Sequence[Addressee]) -> None:
    """The newest version of the document goes to those that an update has added, with an A.1 that names them."""
    tx, now, hub = work.tx, work.now, work.hub
    kinds = (Kind.NEW.value, Kind.UPDATE.value, Kind.REPLACE.value)
    newest = [v for v in tx.submissions_of(work.owner, work.target, kinds) if v["has_content"]][-1]
    for addressee in added:
        detail = {"added_by": work.candidate.parcel.content_digest, "content_digest": newest["content_digest"]}
        entry = Entry(now, HUB, "delivery.added", newest["axis_id"], addressee.code, detail)
        proof = accepted_before(hub, tx, newest, (addressee.code,), entry, from_text(newest["received_at"]))
        place = _Accepted(newest["axis_id"], newest["body_digest"], proof)
        _deliver(work, place, addressee, "document", own_proof=True)


def accepted_before(
    hub: Hub, tx: HubTransaction, about: Row, recipients: tuple[str, ...], entry: Entry, as_of: datetime
) -> str:
    """An A.1, with its `entry`, for what was accepted before and goes to `recipients` now; its digest. It speaks as of
    the acceptance: a key that was revoked since was good then."""
    said = Statement(
        hub.new_id(entry.time), Event.SubmissionAcceptance, whole(as_of), "", recipients, (), tx.enter(entry)
    )
    a1 = Receipt(hub.installation, HUB, subject_of(about), (said,), hub.registry().version)
    return tx.keep_proof(receipt.signed(a1, hub.signer, entry.time))


# -- Statuses -------------------------------------------------------------------------------------------------


def _status(work: _Work) -> None:
    if work.candidate.is_reply:
        _reply(work)
        return
    if _is_answered(work, work.candidate.key):
        return
    packet, tx, now = work.candidate.packet, work.tx, work.now
    row = next(iter(_delivered_to(work)), None)
    unit = _reporting(work, row)
    business = tx.business(row["id"]) if row is not None else {}
    original = Original(State(row["state"]), business.get(unit, ""), len(business)) if row is not None else None
    climbed = admission.judge_report(work.candidate, original)
    assert row is not None  # noqa: S101  judge_report refuses None
    # E.1 had said it already, for the member; that a unit below it has the document is the unit's own word.
    is_member = work.hub.registry().canonical(packet.sender.organ_id) == work.sender
    said = packet.status_code == lifecycle.ARRIVED and bool(business.get(unit)) and is_member
    # What was taken back with the recipient's word has no more business: entered, and told to nobody.
    over = _is_taken_back(row, tx.demands([row["id"]]).get(row["id"], []))
    silent = said or over
    accepted = _accept(work, work.candidate.key, () if silent else work.candidate.addressees)
    if silent:
        return
    _deliver(work, accepted, work.candidate.addressees[0], "status")
    detail = {"unit": unit, "status": packet.status_code, "by": accepted.axis_id}
    entry = Entry(now, work.sender, "delivery.status", row["axis_id"], row["recipient"], detail)
    tx.report(row["id"], unit, climbed, packet.timestamp, entry)
    watch.reported(work.hub, tx, row, now)


def _reporting(work: _Work, row: Row | None) -> str:
    """Who reports, as it was addressed if it was: one unit has one status, whatever its spelling."""
    registry, reporter = work.hub.registry(), work.candidate.packet.sender.organ_id
    same = registry.canonical(reporter)
    addressed = row["units"] if row is not None else ()
    return next((unit for unit in addressed if registry.canonical(unit) == same), same)


def _reply_key(work: _Work, row: Row, number: int) -> str:
    """What a repeated answer is known by: who answers what about which delivery."""
    return f"{work.candidate.key}|{row['id']}|{number}"


def _delivered_to(work: _Work) -> list[Row]:
    """The deliveries that a status may speak of: to who reports, and to the closed agencies that it has succeeded."""
    rows = work.tx.recipients(work.owner, work.target)
    reporters = (work.sender, *work.hub.registry().predecessors(work.sender, work.now))
    return [rows[code] for code in reporters if code in rows]


def _is_waiting(asked: Asked) -> bool:
    return bool(lifecycle.WAITING & set(asked.stages.values()))


def _in_its_place(work: _Work, row: Row) -> Row | None:
    """The delivery of what replaced this one's document, if it was locked with it: replaced just now, it was not."""
    by = work.tx.superseded_by(work.owner, work.target)
    return work.tx.delivery(by, row["recipient"]) if by and work.tx.is_locked(by) else None


def _reply(work: _Work) -> None:
    """15 or 16: the recipient's clerk has carried out what was asked, or will not."""
    packet, tx, now = work.candidate.packet, work.tx, work.now
    rows = _delivered_to(work)
    if not rows:
        raise Rejected(Problem(Fault.STATUS_UNKNOWN_DOCUMENT, got=work.target, retry=True))
    everything = tx.demands([one["id"] for one in rows])
    waits = (one for one in rows if any(_is_waiting(asked) for asked in everything.get(one["id"], [])))
    row = next(waits, None)
    if row is None:  # of a replacement the clerk may name the document that was replaced
        row = _in_its_place(work, rows[0]) or rows[0]
    asked = tx.demands([row["id"]]).get(row["id"], [])
    try:
        answered, stages = admission.judge_answer(work.candidate, asked, work.hub.registry())
    except Rejected:
        if not any(_is_answered(work, _reply_key(work, row, one.number)) for one in reversed(asked)):
            raise
        return
    if Stage.PENDING in answered.stages.values() and State(row["state"]) is not State.HANDED_OVER:
        # Its system has not seen the document yet, by all that is known: its adapter decides, not its clerk.
        raise Rejected(Problem(Fault.STATUS_NOT_OPEN, got=packet.status_code, retry=True))
    accepted = _accept(work, _reply_key(work, row, answered.number), work.candidate.addressees, answered.number)
    _deliver(work, accepted, work.candidate.addressees[0], "status")
    detail = {
        "number": answered.number,
        "demand": answered.demand.value,
        "status": packet.status_code,
        "units": sorted(stages),
        "by": accepted.axis_id,
    }
    entry = Entry(now, work.sender, "demand.answered", row["axis_id"], row["recipient"], detail)
    tx.answer(row["id"], answered.number, stages, entry, packet.description)
    after = {**answered.stages, **stages}
    if not lifecycle.WAITING & set(after.values()):
        tx.meet_deadline(row["id"], watch.name(Leg.ANSWER, answered.number), now)
    if answered.demand is Demand.RECALL and set(after.values()) == {Stage.AGREED}:
        overtake(tx, row, now)
        drop_what_nobody_has(tx, work.owner, work.target)


_BY_KIND: dict[Kind, Callable[[_Work], None]] = {
    Kind.NEW: _document,
    Kind.REPLACE: _replacement,
    Kind.RECALL: _recall,
    Kind.UPDATE: _update,
    Kind.STATUS: _status,
}


# -- What they share ------------------------------------------------------------------------------------------


def _accept(work: _Work, key: str, routes: Sequence[Addressee], number: int = 0) -> _Accepted:
    """Take `key`, with A.1; `routes` are those that the parcel goes to. A.1 also names who had the document whose mail
    one of them has now."""
    hub, tx, candidate, now = work.hub, work.tx, work.candidate, work.now
    axis_id, version = hub.new_id(now), hub.registry().version
    detail = {
        "document_id": work.target,
        "kind": candidate.kind.value,
        "content_digest": candidate.parcel.content_digest,
        "parcel_digest": work.parcel_digest,
        "registry": version,
        "sender": candidate.sender,
    }
    if number:
        detail["number"] = number
    if candidate.packet.status_code:
        detail["status"] = candidate.packet.status_code
    entry = Entry(now, HUB, "submission.accepted", axis_id, "", detail)
    recipients = tuple(dict.fromkeys(code for a in routes if not a.closed for code in (a.code, a.holder) if code))
    said = Statement(hub.new_id(now), Event.SubmissionAcceptance, whole(now), "", recipients, (), entry.digest)
    a1 = Receipt(hub.installation, HUB, _subject(work, axis_id), (said,), version)
    signed = receipt.signed(a1, hub.signer, now)
    kept = tx.accept(candidate, key, number, entry, version, work.body, signed, said, now)
    if kept is None:  # its documents are locked, and it was looked for: somebody wrote it without the lock
        raise Unavailable(Problem(Fault.STORE_DOWN, got="key taken"))
    return _Accepted(axis_id, *kept)


def _deliver(
    work: _Work, accepted: _Accepted, addressee: Addressee, role: Role, *, send: bool = True, own_proof: bool = False
) -> str:
    """A delivery to one member, and its outbox row if it is to be sent; its id."""
    hub, tx, packet, now = work.hub, work.tx, work.candidate.packet, work.now
    delivery_id = hub.new_id(now)
    proof = accepted.proof if own_proof else ""
    tx.add_delivery(accepted.axis_id, delivery_id, addressee, role, now, tried=work.may_be_out, proof=proof)
    crashpoints.reached("R01")
    if addressee.closed:
        hub.fail_delivery(tx, delivery_id, Problem(Fault.AGENCY_CLOSED, got=addressee.code, expected="-"), 0, now)
    elif send:
        urgent = packet.priority > 0 or role == "recall"
        hour = packet.extension("DeliverAt") if role in {"document", "update"} else ""
        begins = max(now, deadline.read_moment(hour)) if hour else now
        if work.candidate.kind is Kind.UPDATE and role != "recall":  # what it changes may be held until an hour
            begins = max(begins, tx.held_until(work.owner, work.target) or now)
        if role in {"document", "update"} and work.is_sent_again:
            begins = max(begins, now + RECALLS_FIRST)
        proof = accepted.proof
        tx.send(
            addressee.code, accepted.body, now, proof=proof, delivery_id=delivery_id, urgent=urgent, not_before=begins
        )
        if role != "status":
            _begin_deadlines(work, delivery_id, role, begins)
    return delivery_id


def _deliver_once(work: _Work, accepted: _Accepted, addressee: Addressee, role: Role, sent: dict[str, str]) -> None:
    """As :func:`_deliver`, but once to a member that has the mail of several."""
    if addressee.code not in sent:
        sent[addressee.code] = _deliver(work, accepted, addressee, role)


def _begin_deadlines(work: _Work, delivery_id: str, role: Role, begins: datetime) -> None:
    """The hand-over has a deadline, by the rules or by the sender; the processing, if the document has a due date."""
    packet, kind = work.candidate.packet, work.candidate.kind
    about = watch.Subject(delivery_id, kind.value, packet.priority)
    if within := packet.extension("DeliverWithin"):
        term = work.hub.deadlines.within(begins, begins + deadline.read_duration(within))
        work.tx.set_deadline(delivery_id, Leg.HANDOVER.value, term)
    else:
        watch.begin(work.hub, work.tx, about, Leg.HANDOVER, begins)
    if packet.due_date and role == "document":
        watch.begin(work.hub, work.tx, about, Leg.PROCESSING, begins, due=packet.due_date)


def _ask(work: _Work, original: Row, units: Sequence[str], number: int, what: Demand, stage: Stage, by: str) -> None:
    detail = {"number": number, "demand": what.value, "stage": stage.value, "by": by}
    entry = Entry(work.now, work.sender, "demand.asked", original["axis_id"], original["recipient"], detail)
    work.tx.ask(original["id"], number, units, what, by, stage, entry)


def _recipients(tx: HubTransaction, rows: dict[str, Row]) -> dict[str, Recipient]:
    demands = tx.demands([row["id"] for row in rows.values()])
    found = {}
    for code, row in rows.items():
        recalls = [d for d in demands.get(row["id"], []) if d.demand is Demand.RECALL]
        # Of several units the one that still works with the document counts.
        stages = [stage for one in recalls for stage in one.stages.values()]
        stage = Stage.DECLINED if Stage.DECLINED in stages else stages[0] if stages else None
        found[code] = Recipient(code, tuple(row["units"]), stage)
    return found


def _is_answered(work: _Work, key: str) -> bool:
    """Whether `key` is taken: then the stored answer goes out again for the same content; another content under a
    document's key is a conflict."""
    taken = work.tx.accepted_by_key(key)
    if taken is None:
        return False
    same = taken["content_digest"] == work.candidate.parcel.content_digest
    if not same and work.candidate.kind in {Kind.NEW, Kind.REPLACE}:
        digest = work.candidate.parcel.content_digest
        raise rejected(Fault.DUP_CONFLICT, digest, taken["content_digest"], "DocumentId")
    _answer(work, taken)
    return True


def _answer(work: _Work, taken: Row) -> None:
    """What `taken` had said is said again: its own A.1 for the same content, one that names this content for the same
    thing in other words."""
    hub, tx, now = work.hub, work.tx, work.now
    digest = work.candidate.parcel.content_digest
    if taken["content_digest"] == digest:
        _send_answer(work, taken["axis_id"], taken["acceptance_digest"])
        return
    detail = {"sender": work.sender, "content_digest": digest}
    entry = tx.enter(Entry(now, HUB, "submission.repeated", taken["axis_id"], "", detail))
    said = Statement(hub.new_id(now), Event.SubmissionAcceptance, whole(now), "", (), (), entry)
    a1 = Receipt(hub.installation, HUB, _subject(work, taken["axis_id"]), (said,), hub.registry().version)
    tx.repeated(work.sender, digest, taken["axis_id"], receipt.signed(a1, hub.signer, now), now)


def _send_answer(work: _Work, axis_id: str, receipt_digest: str) -> None:
    work.tx.send(work.sender, receipt_digest, work.now)
    work.tx.enter(Entry(work.now, HUB, "submission.repeated", axis_id, "", {"sender": work.sender}))


def answer_again(tx: HubTransaction, agency: str, taken: Row, now: datetime) -> None:
    """The same parcel came once more: the same answer."""
    tx.send(agency, taken["acceptance_digest"], now)
    tx.enter(Entry(now, HUB, "submission.repeated", taken["axis_id"], "", {"sender": agency}))


def _issue(work: _Work, axis_id: str, statements: Sequence[Statement]) -> None:
    """Sign what was decided here about a recall (or an update that removes), and send it to its sender."""
    for first in range(0, len(statements), receipt.MAX_STATEMENTS):
        part = list(statements[first : first + receipt.MAX_STATEMENTS])
        work.hub.issue(work.tx, _submission(work.tx, axis_id), part, work.now)


def _accepted_at(rows: Sequence[Row]) -> list[datetime]:
    return [from_text(row["received_at"]) for row in rows]


def _submission(tx: HubTransaction, axis_id: str) -> Row:
    row = tx.submission(axis_id)
    assert row is not None  # noqa: S101  it was accepted in this transaction or before
    return row


def _subject(work: _Work, axis_id: str) -> Subject:
    candidate = work.candidate
    written = candidate.packet.target_as_written
    return Subject(axis_id, candidate.kind.value, candidate.sender, written, candidate.parcel.content_digest)


def is_about(subject: Subject, row: Row) -> bool:
    """Whether a receipt with this subject is about this submission; it may spell the DocumentId as its packet does."""
    return replace(subject, document_id=same_id(subject.document_id)) == subject_of(row)


def subject_of(row: Row) -> Subject:
    """What a receipt about this submission says that it is about."""
    return Subject(row["axis_id"], row["kind"], row["sender"], row["document_id"], row["content_digest"])
