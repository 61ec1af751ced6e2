"""What every kind of submission shares: it takes its key with A.1, or is answered as what took the key before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core.edxml import Kind
from axis.core.hub import deadlines, terms
from axis.core.hub.admission import Addressee
from axis.core.hub.consignment import fail
from axis.core.hub.dossier import Delivery, Submission
from axis.core.hub.draft import subject_of
from axis.core.hub.lifecycle import State
from axis.core.hub.terms import Leg
from axis.core.instant import to_text, whole
from axis.core.ledger import Entry
from axis.core.receipt import Event, Statement, Subject
from axis.core.registry import HUB
from axis.errors import Fault, Problem, rejected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.core.hub.admission import Candidate
    from axis.core.hub.change import Entered
    from axis.core.hub.dossier import Digest, Document, Role
    from axis.core.hub.draft import Draft
    from axis.core.hub.plans import Places
    from axis.core.hub.terms import Term

RECALLS_FIRST = timedelta(seconds=20)  # what is sent again after a restore waits so long for a recall sent with it


@dataclass(frozen=True, slots=True)
class Work:
    """One submission that is being decided about."""

    draft: Draft
    candidate: Candidate
    body: bytes  # the parcel
    parcel_digest: Digest

    @property
    def now(self) -> datetime:
        """The moment of the decision."""
        return self.draft.now

    @property
    def sender(self) -> str:
        """The member that has sent it."""
        return self.candidate.sender

    @property
    def document(self) -> Document:
        """The document that it is or is about."""
        return self.candidate.documents[0]

    @property
    def target(self) -> str:
        """The DocumentId of that."""
        return self.candidate.packet.target

    @property
    def content_digest(self) -> Digest:
        """The digest of what it says."""
        return self.candidate.parcel.content_digest

    @property
    def is_sent_again(self) -> bool:
        """Whether it was signed before the record was put back, and so may have been accepted then."""
        lost_until = self.draft.rules.lost_until
        return lost_until is not None and self.candidate.parcel.signing_time <= lost_until

    @property
    def may_be_out(self) -> bool:
        """Whether it, or the same content, may have been delivered before the record was put back: that nothing of it
        is known proves nothing then."""
        lost_until = self.draft.rules.lost_until
        return lost_until is not None and self.candidate.may_be_older_than(lost_until)

    @property
    def places(self) -> Places:
        """Where agencies are reached."""
        return self.draft.rules.places(self.now)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A submission that took its key: its axis id, the digests of parcel and A.1, its entry."""

    axis_id: str
    body: Digest
    proof: Digest
    entry: Entered


def is_answered(work: Work, key: str) -> bool:
    """Whether `key` is taken: then the stored answer goes out again for the same content; another content under a
    document's key is a conflict. Raises :class:`~axis.errors.Rejected` DUP_CONFLICT."""
    taken = work.draft.by_key(key)
    if taken is None:
        return False
    same = taken.content_digest == work.content_digest
    if not same and work.candidate.kind in {Kind.NEW, Kind.REPLACE}:
        raise rejected(Fault.DUP_CONFLICT, work.content_digest, taken.content_digest, "DocumentId")
    answer(work, taken)
    return True


def answer(work: Work, taken: Submission) -> None:
    """What `taken` had said is said again: its own A.1 for the same content, one that names this content for the same
    thing in other words."""
    draft, now, digest = work.draft, work.now, work.content_digest
    if taken.content_digest == digest:
        answer_again(draft, work.sender, taken.axis_id, taken.acceptance_digest)
        return
    detail = {"sender": work.sender, "content_digest": digest}
    entry = draft.enter(Entry(now, HUB, "submission.repeated", taken.axis_id, "", detail))
    said = Statement(draft.new_id(), Event.SubmissionAcceptance, whole(now), "", (), (), entry)
    a1 = draft.sign(_subject(work, taken.axis_id), (said,), version=draft.rules.registry.version)
    draft.repeat(work.sender, digest, taken.axis_id, a1, entry)


def answer_again(draft: Draft, agency: str, axis_id: str, a1: Digest) -> None:
    """The same came once more: the same answer."""
    entry = draft.enter(Entry(draft.now, HUB, "submission.repeated", axis_id, "", {"sender": agency}))
    draft.send(agency, a1, entry)


def accept(work: Work, key: str, routes: Sequence[Addressee], number: int = 0) -> Accepted:
    """Take `key`, with A.1; `routes` are those that the parcel goes to. A.1 also names who had the document whose mail
    one of them has now."""
    draft, candidate, packet, now = work.draft, work.candidate, work.candidate.packet, work.now
    axis_id, version = draft.new_id(), draft.rules.registry.version
    detail = {
        "document_id": work.target,
        "kind": candidate.kind.value,
        "content_digest": work.content_digest,
        "parcel_digest": work.parcel_digest,
        "registry": version,
        "sender": candidate.sender,
    }
    if number:
        detail["number"] = number
    if packet.status_code:
        detail["status"] = packet.status_code
    if candidate.typed is not None:
        detail["type"] = f"{candidate.typed.name} {candidate.typed.version}"
    entry = draft.enter(Entry(now, HUB, "submission.accepted", axis_id, "", detail))
    recipients = tuple(dict.fromkeys(code for a in routes if not a.closed for code in (a.code, a.holder) if code))
    said = Statement(draft.new_id(), Event.SubmissionAcceptance, whole(now), "", recipients, (), entry)
    a1 = draft.sign(_subject(work, axis_id), (said,), version=version)
    new = Submission(
        axis_id=axis_id,
        key=key,
        kind=candidate.kind.value,
        sender=candidate.sender,
        organ_id=packet.sender.organ_id,
        owner=candidate.owner,
        document_id=packet.target,
        code=packet.code[:200],  # it is indexed, and of a status only a warning bounds it
        subject=packet.subject,
        status_code=packet.status_code,
        priority=packet.priority,
        content_digest=work.content_digest,
        parcel_digest=work.parcel_digest,
        acceptance_digest=a1,
        registry_version=version,
        received_at=to_text(now),
        number=number,
        body_digest=work.parcel_digest,
        has_content=candidate.kind in {Kind.NEW, Kind.REPLACE} or packet.changes_content,
    )
    draft.keep(work.parcel_digest, work.body)
    draft.accept(new, entry, candidate.typed)
    draft.say(HUB, axis_id, a1, (said,), entry)
    draft.send(candidate.sender, a1, entry)
    return Accepted(axis_id, work.parcel_digest, a1, entry)


def accepted_before(
    draft: Draft, about: Submission, recipients: tuple[str, ...], entry: Entered, as_of: datetime
) -> Digest:
    """An A.1, with its `entry`, for what was accepted before and goes to `recipients` now. It speaks as of the
    acceptance: a key that was revoked since was good then."""
    said = Statement(draft.new_id(), Event.SubmissionAcceptance, whole(as_of), "", recipients, (), entry)
    return draft.sign(subject_of(about), (said,), version=draft.rules.registry.version)


def deliver(
    work: Work, accepted: Accepted, addressee: Addressee, role: Role, *, send: bool = True, own_proof: bool = False
) -> Delivery:
    """A delivery to one member, and its outbox row if it is to be sent."""
    draft, packet, now = work.draft, work.candidate.packet, work.now
    new = Delivery(
        id=draft.new_id(),
        axis_id=accepted.axis_id,
        recipient=addressee.code,
        units=addressee.units,
        state=State.ACCEPTED,
        attempts=0,
        updated_at=to_text(now),
        role=role,
        owner=work.document[0],
        document_id=work.document[1],
        tried=work.may_be_out,
        proof_digest=accepted.proof if own_proof else "",
        closed=addressee.closed,
    )
    draft.deliver(new, accepted.entry)
    if addressee.closed:
        fail(draft, new, Problem(Fault.AGENCY_CLOSED, got=addressee.code, expected="-"), 0)
    elif send:
        begins = _begins(work, role)
        urgent = packet.priority > 0 or role == "recall"
        draft.send(
            addressee.code,
            accepted.body,
            accepted.entry,
            proof=accepted.proof,
            delivery=new,
            urgent=urgent,
            not_before=begins,
        )
        if role != "status":
            _begin_deadlines(work, new, begins, accepted.entry)
    return new


def deliver_once(work: Work, accepted: Accepted, addressee: Addressee, role: Role, sent: dict[str, Delivery]) -> None:
    """As :func:`deliver`, but once to a member that has the mail of several."""
    if addressee.code not in sent:
        sent[addressee.code] = deliver(work, accepted, addressee, role)


def _begins(work: Work, role: Role) -> datetime:
    """When it leaves: at the hour that its sender wishes; what it changes may be held until an hour, too."""
    packet, now = work.candidate.packet, work.now
    hour = packet.extension("DeliverAt") if role in {"document", "update"} else ""
    begins = max(now, terms.read_moment(hour)) if hour else now
    if work.candidate.kind is Kind.UPDATE and role != "recall":
        begins = max(begins, work.draft.held_until(work.document) or now)
    if role in {"document", "update"} and work.is_sent_again:
        begins = max(begins, now + RECALLS_FIRST)
    return begins


def _begin_deadlines(work: Work, new: Delivery, begins: datetime, entry: Entered) -> None:
    """The hand-over has a deadline, by the rules or by the sender; the processing, if the document has a due date. What
    its document type says comes before the rules, and after what the document itself says."""
    packet, kind, draft = work.candidate.packet, work.candidate.kind.value, work.draft
    own = {rule.leg: rule for rule in work.candidate.typed.deadlines} if work.candidate.typed is not None else {}
    if within := packet.extension("DeliverWithin"):
        term = draft.rules.deadlines.within(begins, begins + terms.read_duration(within))
        draft.set_limit(new, Leg.HANDOVER.value, term, entry)
    elif (rule := own.get(Leg.HANDOVER)) is not None:
        _set(draft, new, Leg.HANDOVER, draft.rules.deadlines.by(rule, begins), entry)
    else:
        deadlines.begin(draft, new, kind, packet.priority, Leg.HANDOVER, begins, entry)
    if packet.due_date and new.role == "document":
        deadlines.begin(draft, new, kind, packet.priority, Leg.PROCESSING, begins, entry, due=packet.due_date)
    elif new.role == "document" and (rule := own.get(Leg.PROCESSING)) is not None:
        _set(draft, new, Leg.PROCESSING, draft.rules.deadlines.by(rule, begins), entry)


def _set(draft: Draft, delivery: Delivery, leg: Leg, term: Term | None, entry: Entered) -> None:
    if term is not None:
        draft.set_limit(delivery, leg.value, term, entry)


def _subject(work: Work, axis_id: str) -> Subject:
    candidate = work.candidate
    written = candidate.packet.target_as_written
    return Subject(axis_id, candidate.kind.value, candidate.sender, written, candidate.parcel.content_digest)
