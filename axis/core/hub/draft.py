"""A decision while it is being made: the changes so far, and what they leave of what was read.

Rules ask a draft (:class:`~axis.core.hub.view.View`) and change it; each change goes into the list and into what the
next question sees, so that a later message of a batch, and a later step of a rule, sees what an earlier one has
decided. A document that is not locked is not changed.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from axis.core import receipt
from axis.core.hub import change, lifecycle
from axis.core.hub import dossier as ask
from axis.core.hub.change import Changes, Entered
from axis.core.hub.dossier import Delivery, Demanded, Limit, Refused, Said, Submission
from axis.core.hub.lifecycle import Demand, Stage, Step
from axis.core.hub.terms import Progress
from axis.core.hub.view import View
from axis.core.instant import to_text
from axis.core.receipt import Statement, Subject
from axis.core.registry import HUB

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from axis.core.hub.change import Change, Keep, Sign
    from axis.core.hub.dossier import Digest, Document, Facts, Standing
    from axis.core.hub.rules import Rules
    from axis.core.hub.terms import Term
    from axis.core.ledger import Entry
    from axis.core.types.typeset import Typed

_DOCUMENTS = ("new", "replace")
K = TypeVar("K")
V = TypeVar("V")


class NotLockedError(Exception):
    """A rule was about to change what another worker may be changing: a fault of ours, never of a message."""


class NotEnteredError(Exception):
    """A change was to name an entry that this decision has not made: a fault of ours."""


class Ids:
    """New ids for a decision: the same ones however often it is made, so that a question that names one (of what the
    decision itself begins) is the same question again, and is answered."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._given: list[str] = []
        self._next = 0

    def again(self) -> Ids:
        """From the first one on."""
        self._next = 0
        return self

    def __call__(self) -> str:
        """The next id, the same at each decision about the same batch."""
        if self._next == len(self._given):
            self._given.append(self._new_id())
        self._next += 1
        return self._given[self._next - 1]


class Draft(View):
    """See the module. `locked`: the documents that may be changed; `new_id`: a new UUID v7, see :class:`Ids`."""

    def __init__(
        self, facts: Facts, locked: Collection[Document], rules: Rules, now: datetime, new_id: Callable[[], str]
    ) -> None:
        super().__init__(facts)
        self._locked = frozenset(locked)
        self._changes: list[Change] = []
        self._entries: list[Entry] = []
        self._receipts: list[Sign] = []
        self._payloads: list[Keep] = []
        self._undo: list[tuple[dict[Any, Any], Any, tuple[Any] | None]] = []  # what a trial has changed, see `trial`
        self.rules = rules
        self.now = now
        self.new_id = new_id

    def decided(self) -> Changes:
        """What was decided."""
        return Changes(
            tuple(self._changes), tuple(self._entries), tuple(self._receipts), tuple(self._payloads), self._locked
        )

    @contextmanager
    def trial(self) -> Iterator[None]:
        """What the block has changed is undone when it raises; the draft goes on."""
        kept = [(one, len(one)) for one in (self._changes, self._entries, self._receipts, self._payloads)]
        undo = self._undo
        self._undo = []
        try:
            yield
        except BaseException:
            for index, key, before in reversed(self._undo):
                if before is None:
                    index.pop(key, None)
                else:
                    index[key] = before[0]
            for one, count in kept:
                del one[count:]
            raise
        else:
            undo += self._undo
        finally:
            self._undo = undo

    def is_locked(self, document: Document) -> bool:
        """Whether this document may be changed here."""
        return document in self._locked

    def told(self, axis_id: str) -> tuple[Entry, ...]:
        """The ledger entries about a submission, in order; those of this decision too."""
        return (*super().told(axis_id), *(one for one in self._entries if one.axis_id == axis_id))

    # -- Changes ----------------------------------------------------------------------------------------------

    def enter(self, entry: Entry) -> Entered:
        """Append `entry` to the ledger; its digest, which the changes that it tells of name."""
        self._entries.append(entry)
        return Entered(entry.digest)

    def entered(self, digest: Digest) -> Entered:
        """The entry of this decision with this digest, as a statement quotes it."""
        if digest not in {entry.digest for entry in self._entries[-500:]}:
            raise NotEnteredError(digest)
        return Entered(digest)

    def keep(self, digest: Digest, content: bytes) -> None:
        """Keep these bytes under their SHA-256."""
        self._payloads.append(change.Keep(digest, content))

    def accept(self, new: Submission, entry: Entered, typed: Typed | None = None) -> None:
        """A submission takes its key."""
        self._may_change(new.document)
        self._changes.append(change.Accept(new, entry, typed))
        facts, axis_id, document = self._facts, new.axis_id, new.document
        self._put(facts.submissions, axis_id, new)
        self._put(facts.by_name, axis_id, axis_id)
        self._put(facts.by_key, new.key, axis_id)
        self._put(facts.by_parcel, (new.sender, new.parcel_digest), axis_id)
        self._put(facts.sent_as, ask.SentAs(new.sender, new.kind, new.document_id, new.content_digest), axis_id)
        change_of = ask.OfChange(document, new.kind, new.content_digest)
        if facts.of_change.get(change_of) is None:
            self._put(facts.of_change, change_of, axis_id)
        self._put(facts.begun, axis_id, None)
        self._put(facts.asked_by, axis_id, ())
        self._put(facts.receipts, axis_id, {})
        if new.kind in _DOCUMENTS:
            self._put(facts.own, document, axis_id)
        if new.has_content and new.kind in {*_DOCUMENTS, "update"}:
            self._put(facts.newest, document, axis_id)
        if (known := facts.lately.get((document, new.kind))) is not None:
            number, times = known
            self._put(facts.lately, (document, new.kind), (number + 1, {**times, number + 1: new.received_at}))

    def deliver(self, new: Delivery, entry: Entered) -> None:
        """A delivery begins."""
        self._may_change(new.document)
        self._changes.append(change.Deliver(new, entry))
        facts, document = self._facts, new.document
        self._put(facts.deliveries, new.id, new)
        self._put(facts.parts, (new.axis_id, new.recipient), new.id)
        facts.all_demands.add(new.id)
        self._put(facts.demands, new.id, {})
        self._put(facts.business, new.id, {})
        self._put(facts.limits, new.id, {})
        if new.role == "document":
            self._put(facts.brought, (document, new.recipient), new.id)
            if document in facts.recipients:
                self._put(facts.recipients, document, {**facts.recipients[document], new.recipient: new.id})
            if document in facts.open:
                found, number, is_all = facts.open[document]
                self._put(facts.open, document, ((*found, new.id), number + 1, is_all))
        elif new.role == "recall" and document in facts.taking_back:
            self._put(facts.taking_back, document, {**facts.taking_back[document], new.recipient: new.id})
        elif new.role == "update" and (key := (document, new.recipient)) in facts.updating:
            self._put(facts.updating, key, (*facts.updating[key], new.id))

    def move(
        self, delivery: Delivery, step: Step, entry: Entry, *, attempts: int | None = None, owes: bool = False
    ) -> Entered:
        """Move a delivery by the table, with its entry; the entry's digest. With `owes` its sender is told by D.1 when
        the hand-over does not come in time; whatever else happens to it, nothing is owed any more.

        Raises :class:`~axis.core.hub.lifecycle.IllegalStepError` and changes nothing where the table has a gap."""
        current = self.delivery(delivery.id)
        state = lifecycle.move(current.state, step)
        entered = self.enter(entry)
        debt = (to_text(entry.time), entered, to_text(entry.time + self.rules.consignment_after)) if owes else ("",) * 3
        after = replace(
            current,
            state=state,
            updated_at=to_text(entry.time),
            attempts=current.attempts if attempts is None else attempts,
            consigned_at=debt[0],
            consigned_entry=debt[1],
            owes_at=debt[2],
        )
        self.alter(after, entered)
        return entered

    def alter(self, after: Delivery, entry: Entered) -> None:
        """A delivery is as `after` from now on, but for its state, which only :meth:`move` changes."""
        self._may_change(after.document)
        self._changes.append(change.Move(after, entry))
        before = self._facts.deliveries[after.id]
        self._put(self._facts.deliveries, after.id, after)
        if before.recipient != after.recipient:  # it is another's from now on
            facts, document = self._facts, after.document
            self._put(facts.parts, (after.axis_id, before.recipient), None)
            self._put(facts.parts, (after.axis_id, after.recipient), after.id)
            for index in (facts.recipients, facts.taking_back):
                if after.id in (known := index.get(document, {})).values():
                    kept = {code: one for code, one in known.items() if one != after.id}
                    self._put(index, document, {**kept, after.recipient: after.id})
            if after.role == "document":
                self._put(facts.brought, (document, before.recipient), None)
                self._put(facts.brought, (document, after.recipient), after.id)

    def stand(self, after: Standing, entry: Entered) -> None:
        """A business object stands so from now on."""
        self._may_change(after.object)
        self._changes.append(change.Stand(after, entry))
        others = (one for one in self._facts.standing.get(after.object, ()) if one.owner != after.owner)
        self._put(self._facts.standing, after.object, (*others, after))

    def ask(
        self,
        original: Delivery,
        number: int,
        units: Sequence[str],
        demand: Demand,
        by: str,
        stage: Stage,
        entry: Entry,
    ) -> None:
        """Ask those that a delivery addressed to carry out a recall, update or replacement, with its entry."""
        self._may_change(original.document)
        at = to_text(entry.time)
        asked = change.Ask(original.id, number, tuple(units), demand, by, stage, at, self.enter(entry))
        self._changes.append(asked)
        facts, document = self._facts, original.document
        if (known := facts.demands.get(original.id)) is not None:
            before = known[number].stages if number in known else {}
            stages = {**before, **dict.fromkeys(units, stage)}
            self._put(facts.demands, original.id, {**known, number: Demanded(number, demand, by, stages)})
        single = facts.single.get((original.id, number))
        stages = {**(single.stages if single is not None else {}), **dict.fromkeys(units, stage)}
        self._put(facts.single, (original.id, number), Demanded(number, demand, by, stages))
        question = ask.AskedOf(by, document, original.recipient)
        if single is None and (question in facts.asked_of or by in facts.begun):
            self._put(facts.asked_of, question, (*facts.asked_of.get(question, ()), (original.id, number)))
        if document in facts.last_demand:
            self._put(facts.last_demand, document, max(facts.last_demand[document], number))
        if by in facts.asked_by and original.id not in facts.asked_by[by]:
            self._put(facts.asked_by, by, (*facts.asked_by[by], original.id))

    def answer(
        self, original: Delivery, number: int, stages: Mapping[str, Stage], entry: Entry, reason: str = ""
    ) -> Entered:
        """Set how far a demand is with each of these units, with its entry; the entry's digest."""
        self._may_change(original.document)
        entered, at = self.enter(entry), to_text(entry.time)
        for unit, stage in stages.items():
            answered = "" if stage in lifecycle.WAITING else at
            self._changes.append(change.Answer(original.id, number, unit, stage, answered, reason, entered))
        if (known := self._facts.demands.get(original.id)) is not None and number in known:
            after = replace(known[number], stages={**known[number].stages, **stages})
            self._put(self._facts.demands, original.id, {**known, number: after})
        if (single := self._facts.single.get((original.id, number))) is not None:
            after = replace(single, stages={**single.stages, **stages})
            self._put(self._facts.single, (original.id, number), after)
        return entered

    def report(self, delivery: Delivery, unit: str, code: str, reported_at: str, entry: Entry) -> None:
        """Set a unit's business status, with its entry."""
        is_first = not self.reported(delivery.id, (unit,))[unit]
        entered, at = self.enter(entry), to_text(entry.time)
        self._may_change(delivery.document)
        self._changes.append(change.Report(delivery.id, unit, code, reported_at, at, entered))
        self._put(self._facts.business, delivery.id, {**self._facts.business[delivery.id], unit: code})
        current = self.delivery(delivery.id)
        self.alter(replace(current, updated_at=at, reporters=current.reporters + is_first), entered)

    def set_limit(self, delivery: Delivery, leg: str, term: Term, entry: Entered) -> None:
        """This leg has a deadline from here on; one that it has already stays. Its entry is that of what began it."""
        known = self._facts.limits.get(delivery.id)
        if known is not None and leg in known:
            return
        limit = Limit(leg, to_text(term.due_at), to_text(term.warn_at), Progress.RUNNING.value)
        self._limit(delivery, limit, entry, is_new=True)

    def meet_limit(self, delivery: Delivery, leg: str, entry: Entered) -> bool:
        """What this deadline was for has happened. True if it was missed before. Its entry is that of what happened;
        so :meth:`is_late` is asked before that is entered."""
        known = self.limits(delivery.id).get(leg)
        if known is None or known.progress in {Progress.MET.value, Progress.LATE.value}:
            return False
        late = known.progress == Progress.MISSED.value
        progress = (Progress.LATE if late else Progress.MET).value
        after = replace(known, progress=progress, next_at="", met_at=to_text(self.now))
        self._limit(delivery, after, entry, is_new=False)
        return late

    def pass_limit(self, delivery: Delivery, leg: str, progress: Progress, next_at: str, entry: Entry) -> Entered:
        """A deadline was warned of, missed, or has no meaning any more, with its entry; the entry's digest."""
        entered = self.enter(entry)
        after = replace(self.limits(delivery.id)[leg], progress=progress.value, next_at=next_at)
        self._limit(delivery, after, entered, is_new=False)
        return entered

    def sign(self, about: Subject, statements: Sequence[Statement], *, version: int = 0) -> Digest:
        """A receipt of the hub; what stands for its digest until it is signed. `version`: of the registry, on an A.1 or
        A.2."""
        name = f"@{len(self._receipts)}"
        self._receipts.append(
            change.Sign(
                name,
                about.axis_id,
                about.kind,
                about.sender,
                about.document_id,
                about.content_digest,
                tuple(statements),
                version,
            )
        )
        return name

    def say(self, issuer: str, axis_id: str, digest: Digest, statements: Sequence[Statement], entry: Entered) -> None:
        """These statements of a receipt are on record."""
        for one in statements:
            said = change.Say(issuer, one.key, axis_id, one.recipient, digest, to_text(one.time), entry)
            self._changes.append(said)
            self._put(self._facts.stated, ask.Stated(issuer, one.key, axis_id, one.recipient), digest)
            if (known := self._facts.receipts.get(axis_id)) is not None:
                self._put(self._facts.receipts, axis_id, {**known, (one.key, one.recipient): Said(digest, said.time)})

    def issue(self, about: Submission, statements: Sequence[Statement], entry: Entered) -> Digest:
        """Sign statements about one submission, and send them to its sender; at most
        :data:`axis.core.receipt.MAX_STATEMENTS` in each receipt. What stands for the last one's digest."""
        name = ""
        for first in range(0, len(statements), receipt.MAX_STATEMENTS):
            part = statements[first : first + receipt.MAX_STATEMENTS]
            name = self.sign(subject_of(about), part)
            self.say(HUB, about.axis_id, name, part, entry)
            self.send(self.rules.mailbox(about.sender, self.now), name, entry)
        return name

    def send(
        self,
        code: str,
        body: Digest,
        entry: Entered,
        *,
        proof: Digest = "",
        delivery: Delivery | None = None,
        urgent: bool = False,
        not_before: datetime | None = None,
    ) -> None:
        """Publish the payload `body` to agency `code`, if asked not before a moment."""
        begins = to_text(max(not_before or self.now, self.now))
        identifier = delivery.id if delivery is not None else ""
        created = to_text(self.now)
        self._changes.append(change.Send(code, body, proof, identifier, urgent, begins, created, entry))
        if delivery is not None and delivery.role == "document":
            document = delivery.document
            if document in self._facts.held_until:
                self._put(self._facts.held_until, document, max(self._facts.held_until[document], begins))

    def refuse(
        self, sender: str, digest: str, document_id: str, a2: Digest, parcel: Digest, entry: Entered, *, retry: bool
    ) -> None:
        """Keep the A.2, which names `parcel`, under (sender, digest) and send it to the sender."""
        at = to_text(self.now)
        self._changes.append(change.Refuse(sender, digest, document_id, a2, retry, at, entry))
        self._put(self._facts.refused, (sender, digest), Refused(a2, retry, parcel))
        self.send(sender, a2, entry)

    def repeat(self, sender: str, content_digest: Digest, axis_id: str, a1: Digest, entry: Entered) -> None:
        """Keep the A.1 for content that says again what submission `axis_id` had said, and send it to the sender."""
        self._changes.append(change.Repeat(sender, content_digest, axis_id, a1, entry))
        self._put(self._facts.by_content, (sender, content_digest), (axis_id, a1))
        self.send(sender, a1, entry)

    def supersede(self, document: Document, axis_id: str, entry: Entered) -> None:
        """Another document takes this one's place. Its entry is the other's acceptance, which names it."""
        self._may_change(document)
        self._changes.append(change.Supersede(document, axis_id, entry))
        self._put(self._facts.superseded_by, document, axis_id)

    def leave_out(self, delivery: Delivery, entry: Entered) -> None:
        """It was withdrawn: out of the outbox with it."""
        self._may_change(delivery.document)
        self._changes.append(change.LeaveOut(delivery.id, entry))

    def forget(self, document: Document, entry: Entered) -> None:
        """The parcels of this document are not kept any more; digests, parties, times, reasons and receipts are (NĐ
        30/2020, Annex VI, III.8)."""
        self._may_change(document)
        self._changes.append(change.Forget(document, entry))

    def put_aside(
        self,
        agency: str,
        message_id: str,
        user_id: str,
        body: bytes,
        code: str,
        attempts: int,
        entry: Entered,
        *,
        document_id: str = "",
        issuer: str = "",
    ) -> str:
        """Keep a message that nobody can deal with for an operator; its id. `document_id`, `issuer`: of a receipt that
        waits for what the record has lost."""
        digest = hashlib.sha256(body).hexdigest()
        self.keep(digest, body)
        at = to_text(self.now)
        one = change.PutAside(agency, message_id, user_id, digest, code, attempts, at, entry, document_id, issuer)
        self._changes.append(one)
        key = (agency, bool(document_id))
        if key in self._facts.quarantined:
            self._put(self._facts.quarantined, key, self._facts.quarantined[key] + 1)
        return one.id

    def take_out(self, identifier: str, body_digest: Digest, entry: Entry) -> None:
        """A message that was put aside was dealt with, with its entry."""
        self._changes.append(change.TakeOut(identifier, body_digest, self.enter(entry)))

    def done(self, row: int, entry: Entered | None = None) -> None:
        """An outbox row was confirmed, or has no meaning any more."""
        self._changes.append(change.Done(row, entry))

    def postpone(self, row: int, attempts: int, until: datetime, entry: Entry | None) -> None:
        """An outbox row is tried again at `until`; of a delivery with its entry."""
        entered = self.enter(entry) if entry is not None else None
        self._changes.append(change.Postpone(row, attempts, to_text(until), entered))

    def redirect(self, row: int, code: str, entry: Entered, proof: Digest | None = None) -> None:
        """An outbox row goes to agency `code` from now on."""
        self._changes.append(change.Redirect(row, code, proof, entry))

    # -- What they share --------------------------------------------------------------------------------------

    def _put(self, index: dict[K, V], key: K, value: V) -> None:
        self._undo.append((index, key, (index[key],) if key in index else None))
        index[key] = value

    def _may_change(self, document: Document) -> None:
        if document not in self._locked:
            raise NotLockedError(document)

    def _limit(self, delivery: Delivery, limit: Limit, entry: Entered, *, is_new: bool) -> None:
        self._may_change(delivery.document)
        self._changes.append(change.SetLimit(delivery.id, limit, entry, is_new))
        if (known := self._facts.limits.get(delivery.id)) is not None:
            self._put(self._facts.limits, delivery.id, {**known, limit.leg: limit})


def subject_of(about: Submission) -> Subject:
    """What a receipt about this submission says that it is about."""
    return Subject(about.axis_id, about.kind, about.sender, about.document_id, about.content_digest)


def said_in(said: Statement, evidence: str) -> dict[str, object]:
    """What the ledger keeps of a recipient's statement, in the receipt with the digest `evidence`: nobody can show
    another one for it later, not even with the key that has signed it."""
    detail: dict[str, object] = {"receipt": said.event.code, "said_at": to_text(said.time), "evidence": evidence}
    return detail | {"reasons": [reason.code for reason in said.reasons]}


def is_about(subject: Subject, about: Submission, document_id: str) -> bool:
    """Whether a receipt with this subject is about this submission; it may spell the DocumentId as its packet does.
    `document_id`: the subject's, in the record's form."""
    return replace(subject, document_id=document_id) == subject_of(about)
