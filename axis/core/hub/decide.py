"""What the hub decides: about what agencies send, about what the broker confirmed, and when the clock says so.

Each takes a draft and leaves its decision in it (:meth:`~axis.core.hub.draft.Draft.decided`). Whatever of a batch asks
what was not read is noted, and all of it asked for at once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core import parcel
from axis.core.edxml import Kind
from axis.core.hub import (
    acceptance,
    certificate,
    consignment,
    deadlines,
    documents,
    objects,
    recalls,
    receipts,
    refusals,
    statuses,
    succession,
    updates,
)
from axis.core.hub import dossier as ask
from axis.core.hub.acceptance import Work
from axis.core.hub.dossier import Together
from axis.core.hub.opened import PutAsideError
from axis.core.hub.receipts import Waiting
from axis.core.identity import same_id
from axis.core.message import Outcome
from axis.core.receipt import Event
from axis.errors import Fault, Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from axis.core.hub.admission import Candidate
    from axis.core.hub.dossier import Digest, Document, Question
    from axis.core.hub.draft import Draft
    from axis.core.hub.opened import Opened
    from axis.core.hub.receipts import Waits


# -- What agencies send ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a message was dealt with: `problem` is why it was put aside; `is_kept`: with its bytes; `has_to_come_again`:
    nothing was answered, and its sender publishes it once more."""

    problem: Problem | None = None
    is_kept: bool = True
    has_to_come_again: bool = False

    @property
    def is_recorded(self) -> bool:
        """Whether it was answered."""
        return self.problem is None and not self.has_to_come_again


def needs(batch: Sequence[Opened]) -> list[Question]:
    """What deciding about these will ask, as far as they tell themselves."""
    wanted: list[Question] = []
    alike = Counter((one.documents[0], one.candidate.kind) for one in batch if one.candidate is not None)
    for one in batch:
        if one.said is not None:
            axis_id = one.said.subject.axis_id
            wanted.append(ask.ByName(axis_id))
            for each in one.said.statements:
                wanted.append(ask.Part(axis_id, each.recipient))
                wanted.append(ask.Stated(each.recipient, each.event.code, axis_id, each.recipient))
            wanted += [ask.Open(document, len(batch) + 1) for document in one.documents]
        elif one.candidate is not None:
            wanted += _needs_of(one, one.candidate, alike)
        else:
            wanted += [ask.ByParcel(one.agency, one.digest)]
    said = [statement for one in batch if one.said is not None for statement in one.said.statements]
    if any(one.event is Event.ContentWithdrawal for one in said):
        # All of them at once: the homes are locked, and two batches take them in one order.
        wanted += [ask.Homes(one.agency) for one in batch]
    return wanted


def submitted(draft: Draft, batch: Sequence[Opened], waiting: Sequence[Waiting] = ()) -> list[Verdict]:
    """Decide about these messages, in their order, each by what those before it have left. `waiting`: the receipts
    about these documents that were put aside, since the record had lost what they speak of."""
    verdicts: list[Verdict] = []
    waits: Waits = {}
    for known in waiting:
        waits.setdefault(same_id(known.said.subject.document_id), []).append(known)
    _foresee(draft, batch)
    together = Together()
    for one in batch:
        with together.step():
            verdicts.append(_submitted(draft, one, waits))
    together.ask()
    return verdicts


def _foresee(draft: Draft, batch: Sequence[Opened]) -> None:
    """Ask first for what is known to be asked when the last receipts about a document to several are decided."""
    ending: dict[Document, set[str]] = {}
    for one in batch:
        if one.said is not None:
            for document in one.documents:
                ending.setdefault(document, set()).update(each.recipient for each in one.said.statements)
    together = Together()
    for document, recipients in ending.items():
        with together.step():
            certificate.foresee(draft, document, recipients)
    together.ask()


def _submitted(draft: Draft, opened: Opened, waits: Waits) -> Verdict:
    """One message.

    1 the very parcel that was accepted before: the same answer
    2 a receipt that cannot be believed: refused so that it is signed again, vouched for, or put aside
    3 what a receipt says, wholly or not at all
    4 a submission by its kind
    5 refused with every reason, unless it waits for what the record has lost
    """
    repeated = None if opened.said is not None else draft.by_parcel(opened.agency, opened.digest)  # 1
    if repeated is not None:
        acceptance.answer_again(draft, opened.agency, repeated.axis_id, repeated.acceptance_digest)
        return Verdict()
    try:
        if opened.is_receipt and opened.problems:  # 2
            return _unbelieved(draft, opened)
        if opened.said is not None:  # 3
            with draft.trial():
                receipts.record(draft, opened, opened.said)
            receipts.record_what_waits(draft, waits, same_id(opened.said.subject.document_id))
        elif opened.candidate is not None:  # 4
            with draft.trial():
                record(draft, opened.candidate, opened.message.body, opened.digest)
            receipts.record_what_waits(draft, waits, opened.candidate.packet.target)
        else:
            raise Rejected(*opened.problems)
    except Rejected as error:  # 5
        if refusals.wait(draft, opened, error.problems):
            return Verdict(has_to_come_again=True)
        refusals.refuse(draft, opened, error.problems)
    except PutAsideError as error:
        entry = refusals.bad_receipt(draft, opened, error.problem)
        identifier = refusals.put_aside(draft, opened, error.problem.fault, 1, entry)
        if identifier and opened.said is not None and error.problem.fault is Fault.RECORD_GAP:
            waits.setdefault(same_id(opened.said.subject.document_id), []).append(
                Waiting(identifier, opened, opened.said)
            )
        return Verdict(error.problem, is_kept=bool(identifier))
    return Verdict()


def record(draft: Draft, candidate: Candidate, body: bytes, parcel_digest: Digest) -> None:
    """Accept `candidate`, or answer what was accepted before. Raises :class:`~axis.errors.Rejected`."""
    known = draft.by_content(candidate.sender, candidate.parcel.content_digest)
    if known is not None:
        acceptance.answer_again(draft, candidate.sender, *known)
        return
    _BY_KIND[candidate.kind](Work(draft, candidate, body, parcel_digest))


def _unbelieved(draft: Draft, opened: Opened) -> Verdict:
    """A receipt that could not be accepted: the agency's own whose signature alone has passed is refused, so that it is
    signed again; one that was given to this agency is confirmed to it. Anything else is put aside.

    The first is decided by what the message holds and the registry says, not by the record: nobody finds out by it
    what others have. Neither answer is answered by anything: there is no loop."""
    said = opened.claimed
    if said is not None and opened.message.user_id in {None, opened.agency}:
        if said.issuer != opened.agency:
            if refusals.vouch(draft, opened, said):
                return Verdict()
        elif all(problem.fault in parcel.CIRCUMSTANCES for problem in opened.problems):
            refusals.refuse_receipt(draft, opened, said)
            return Verdict()
    raise PutAsideError(opened.problems[0])


def _needs_of(one: Opened, candidate: Candidate, alike: Mapping[tuple[Document, Kind], int]) -> Iterator[Question]:
    document = candidate.documents[0]
    yield ask.ByParcel(one.agency, one.digest)
    yield ask.ByContent(candidate.sender, candidate.parcel.content_digest)
    if candidate.kind is Kind.STATUS:
        yield ask.Brought(document, candidate.sender, candidate.packet.sender.organ_id)
        if not candidate.is_reply:
            yield ask.ByKey(candidate.key)
            return
    if candidate.kind in {Kind.NEW, Kind.REPLACE}:
        yield ask.ByKey(candidate.key)
        yield ask.TakingBack(document)
    elif candidate.kind in {Kind.RECALL, Kind.UPDATE}:
        yield ask.Recipients(document)
        yield ask.LastDemand(document)
        yield ask.Lately(document, candidate.kind.value, alike[document, candidate.kind])
        yield ask.HeldUntil(document)
        if candidate.kind is Kind.UPDATE:
            yield ask.ByKey(candidate.key)
    for other in candidate.documents[1:]:
        yield ask.Recipients(other)
    if (place := objects.object_of(candidate)) is not None:
        yield ask.Stands(place)


_BY_KIND: dict[Kind, Callable[[Work], None]] = {
    Kind.NEW: documents.document,
    Kind.REPLACE: documents.replacement,
    Kind.RECALL: recalls.recall,
    Kind.UPDATE: updates.update,
    Kind.STATUS: statuses.status,
}


# -- What the broker confirmed --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Published:
    """What became of an outbox row. `outcome` None: it was not published, since its agency is closed now; `damaged`:
    the digest of its bytes that are missing or altered. `attempts`: before this one; `jitter`: 0 to 1.
    `again`: publishing it was tried before, and it may lie in the queue twice."""

    row: int
    code: str
    delivery_id: str
    body: Digest
    urgent: bool
    attempts: int
    outcome: Outcome | None
    damaged: Digest = ""
    jitter: float = 0.5
    again: bool = False


def needs_of_published(batch: Sequence[Published]) -> list[Question]:
    """What deciding about these will ask: of what was confirmed only where it stood."""
    named = [one for one in batch if one.delivery_id]
    confirmed = [ask.Bare(one.delivery_id) for one in named if one.outcome is Outcome.CONFIRMED]
    return [*confirmed, *needs_of_deliveries(o.delivery_id for o in named if o.outcome is not Outcome.CONFIRMED)]


def published(draft: Draft, batch: Sequence[Published], withdrawn: Sequence[int] = ()) -> None:
    """Decide about these publications, in their order. A full queue is no failure of what it had no room for: that
    waits. `withdrawn`: outbox rows that were not published, since what they were to deliver was withdrawn."""
    for row in withdrawn:
        draft.done(row)
    together = Together()
    for one in batch:
        with together.step():
            _published(draft, one)
    together.ask()


def _published(draft: Draft, one: Published) -> None:
    if one.damaged:
        consignment.damaged(draft, one.row, one.delivery_id, one.code, one.attempts, one.damaged)
    elif one.outcome is None and one.delivery_id:
        succession.follow(draft, one.row, one.delivery_id)
    elif one.outcome is None:
        succession.redirect(draft, one.row, one.code, one.body)
    elif one.outcome is Outcome.CONFIRMED:
        draft.done(one.row)
        if one.delivery_id:
            consignment.consigned(draft, one.delivery_id, again=one.again)
    elif one.outcome is not Outcome.FULL:
        consignment.not_confirmed(draft, one.row, one.delivery_id, one.attempts, one.outcome, one.jitter)


# -- What is sent again ---------------------------------------------------------------------------------------


def needs_of_deliveries(delivery_ids: Iterable[str]) -> list[Question]:
    """What deciding about these deliveries will ask."""
    return [ask.ById(delivery_id) for delivery_id in delivery_ids]


def sent_again(
    draft: Draft, delivery_ids: Sequence[str], waiting: Collection[str], *, unanswered_before: datetime | None = None
) -> int:
    """Publish these once more, but those that wait to be published (`waiting`), and those of which
    :func:`~axis.core.hub.consignment.resend` says no; how many."""
    together, count = Together(), 0
    for delivery_id in delivery_ids:
        if delivery_id not in waiting:
            with together.step():
                count += consignment.resend(draft, delivery_id, unanswered_before)
    together.ask()
    return count


# -- The clock ------------------------------------------------------------------------------------------------


def needs_of_due(limits: Sequence[tuple[str, str]], owed: Sequence[str]) -> list[Question]:
    """What deciding about these will ask."""
    return needs_of_deliveries({*owed, *(one for one, _ in limits)})


def due(draft: Draft, limits: Sequence[tuple[str, str]], owed: Sequence[str], *, at_once: bool = False) -> None:
    """Say what is due to be said: of deadlines, (delivery id, leg) each, and of deliveries that are owed a D.1, with
    `at_once` before their time."""
    together = Together()
    for delivery_id, leg in limits:
        with together.step():
            delivery = draft.delivery(delivery_id)
            if deadlines.is_due(draft, delivery, leg):  # another worker may have said it meanwhile
                deadlines.look(draft, delivery, leg)
    with together.step():
        consignment.owed(draft, owed, at_once=at_once)
    together.ask()
