"""A decision while it is being made: what was read, as the decision so far leaves it, and the changes so far.

Rules ask a draft and change it; each change goes into the list and into what the next question sees, so that a later
message of a batch, and a later step of a rule, sees what an earlier one has decided. What was not read is asked for by
:class:`~axis.core.hub.dossier.NotReadError`. A document that is not locked is not changed.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from axis.core import receipt
from axis.core.hub import admission, change, lifecycle
from axis.core.hub import dossier as ask
from axis.core.hub.change import Entered
from axis.core.hub.dossier import Delivery, Demanded, Limit, NotReadError, Refused, Said, Submission
from axis.core.hub.lifecycle import Demand, Stage, Step
from axis.core.hub.terms import Progress
from axis.core.instant import from_text, to_text
from axis.core.receipt import Statement, Subject
from axis.core.registry import HUB

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from axis.core.homes import Known
    from axis.core.hub.change import Change, Keep, Sign
    from axis.core.hub.dossier import Digest, Document, Facts, Question
    from axis.core.hub.rules import Rules
    from axis.core.hub.terms import Term
    from axis.core.ledger import Entry

_DOCUMENTS = ("new", "replace")
K = TypeVar("K")
V = TypeVar("V")


class NotLockedError(Exception):
    """A rule was about to change what another worker may be changing: a fault of ours, never of a message."""


class NotEnteredError(Exception):
    """A change was to name an entry that this decision has not made: a fault of ours."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What was decided for a batch. Receipts are not signed: their names stand for their digests."""

    changes: tuple[Change, ...]
    entries: tuple[Entry, ...]
    receipts: tuple[Sign, ...]
    payloads: tuple[Keep, ...]
    locked: frozenset[Document]


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


class Draft:
    """See the module. `locked`: the documents that may be changed; `new_id`: a new UUID v7, see :class:`Ids`."""

    def __init__(
        self, facts: Facts, locked: Collection[Document], rules: Rules, now: datetime, new_id: Callable[[], str]
    ) -> None:
        self._facts = facts.copy()
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

    # -- Questions --------------------------------------------------------------------------------------------

    def is_locked(self, document: Document) -> bool:
        """Whether this document may be changed here."""
        return document in self._locked

    def by_key(self, key: str) -> Submission | None:
        """The submission that took `key`."""
        return self._submission(self._facts.by_key, key, ask.ByKey(key))

    def by_parcel(self, sender: str, parcel_digest: Digest) -> Submission | None:
        """The submission that was accepted with exactly these bytes."""
        return self._submission(self._facts.by_parcel, (sender, parcel_digest), ask.ByParcel(sender, parcel_digest))

    def by_content(self, sender: str, content_digest: Digest) -> tuple[str, Digest] | None:
        """(axis id, digest of the A.1) of what this content was accepted as a repetition of."""
        key = (sender, content_digest)
        return _found(self._facts.by_content, key, ask.ByContent(*key))

    def submission(self, axis_id: str) -> Submission | None:
        """The submission with this axis id."""
        found = self._facts.submissions.get(axis_id)
        return found or self._submission(self._facts.by_name, axis_id, ask.ByName(axis_id))

    def the_submission(self, axis_id: str) -> Submission:
        """As :meth:`submission`, of one that a row of the record names."""
        found = self.submission(axis_id)
        assert found is not None  # noqa: S101  a foreign key says so
        return found

    def sent_as(self, about: Subject, document_id: str) -> Submission | None:
        """What the record holds of the submission `about`, whose DocumentId is `document_id` in its own form."""
        question = ask.SentAs(about.sender, about.kind, document_id, about.content_digest)
        return self._submission(self._facts.sent_as, question, question)

    def of_change(self, document: Document, kind: str, content_digest: Digest) -> Submission | None:
        """The submission of this kind about a document with this content."""
        question = ask.OfChange(document, kind, content_digest)
        return self._submission(self._facts.of_change, question, question)

    def refused(self, sender: str, digest: str) -> Refused | None:
        """The stored refusal of this content (or, where none was verified, of these bytes)."""
        return _found(self._facts.refused, (sender, digest), ask.RefusedAs(sender, digest))

    def recipients(self, document: Document) -> dict[str, Delivery]:
        """The deliveries that brought this document, by recipient: of the document itself, or of the update that added
        the recipient. Empty for a document that is not known."""
        found = _found(self._facts.recipients, document, ask.Recipients(document))
        return {code: self._facts.deliveries[one] for code, one in found.items()}

    def brought(self, document: Document, recipient: str) -> Delivery | None:
        """The delivery that brought this document to `recipient`."""
        known = self._facts.recipients.get(document)
        if known is not None:
            return self._facts.deliveries[known[recipient]] if recipient in known else None
        found = _found(self._facts.brought, (document, recipient), ask.Brought(document, recipient))
        return self._facts.deliveries[found] if found is not None else None

    def taking_back(self, document: Document) -> dict[str, Delivery]:
        """The deliveries that take this document back, by recipient: of recalls, and of updates that removed it."""
        found = _found(self._facts.taking_back, document, ask.TakingBack(document))
        return {code: self._facts.deliveries[one] for code, one in found.items()}

    def updating(self, document: Document, recipient: str) -> list[Delivery]:
        """The deliveries of updates of this document to one recipient that are not over, or were tried."""
        key = (document, recipient)
        return [self._facts.deliveries[one] for one in _found(self._facts.updating, key, ask.Updating(*key))]

    def part(self, axis_id: str, recipient: str) -> Delivery | None:
        """The delivery of this submission to this member."""
        found = _found(self._facts.parts, (axis_id, recipient), ask.Part(axis_id, recipient))
        return self._facts.deliveries[found] if found is not None else None

    def delivery(self, delivery_id: str) -> Delivery:
        """The delivery with this id, as it is now."""
        found = self._facts.deliveries.get(delivery_id)
        if found is None:
            raise NotReadError(ask.ById(delivery_id))
        return found

    def demands(self, delivery_id: str) -> list[Demanded]:
        """What was asked about this delivery, in order."""
        if delivery_id not in self._facts.all_demands:
            raise NotReadError(ask.Demands(delivery_id))
        return [one for _, one in sorted(self._facts.demands.get(delivery_id, {}).items())]

    def recalls(self, delivery_id: str) -> list[Demanded]:
        """As :meth:`demands`, the recalls alone; of a delivery of :meth:`recipients` they were read with it."""
        if delivery_id not in self._facts.demands:
            raise NotReadError(ask.Demands(delivery_id))
        found = sorted(self._facts.demands[delivery_id].items())
        return [one for _, one in found if one.demand is Demand.RECALL]

    def asked_by(self, axis_id: str) -> list[Delivery]:
        """The deliveries about which this submission has asked something."""
        return [self._facts.deliveries[one] for one in _found(self._facts.asked_by, axis_id, ask.AskedBy(axis_id))]

    def asked_of(self, axis_id: str, document: Document, recipient: str) -> list[tuple[Delivery, Demanded]]:
        """What this submission has asked about the deliveries that brought the document to `recipient` first."""
        question = ask.AskedOf(axis_id, document, recipient)
        known = self._facts.asked_of
        if question not in known and axis_id in self._facts.begun:
            return []  # accepted by this decision, which has asked nobody there
        found = _found(known, question, question)
        return [(self._facts.deliveries[one], self._facts.single[one, number]) for one, number in found]

    def next_demand(self, document: Document) -> int:
        """The number of the next recall, update or replacement of this document."""
        return _found(self._facts.last_demand, document, ask.LastDemand(document)) + 1

    def lately(self, document: Document, kind: str) -> tuple[int, datetime | None]:
        """(how many changes of this kind there were, when the last but CHANGES_A_DAY - 1 of them was accepted)."""
        number, times = _found(self._facts.lately, (document, kind), ask.Lately(document, kind))
        first = number - admission.CHANGES_A_DAY + 1
        if first > 0 and first not in times:
            raise NotReadError(ask.Lately(document, kind, admission.CHANGES_A_DAY))
        return number, from_text(times[first]) if times.get(first) else None

    def newest(self, document: Document) -> Submission | None:
        """The newest submission that has the document's content."""
        return self._submission(self._facts.newest, document, ask.Newest(document))

    def own(self, document: Document) -> Submission | None:
        """The submission that is the document itself."""
        return self._submission(self._facts.own, document, ask.Own(document))

    def held_until(self, document: Document) -> datetime | None:
        """The hour that this document waits for, by its sender's wish; None when it does not wait."""
        found = _found(self._facts.held_until, document, ask.HeldUntil(document))
        return from_text(found) if found else None

    def superseded_by(self, document: Document) -> str:
        """The axis id of the document that took this one's place; "" for none. Of a locked document."""
        return self._facts.superseded_by.get(document, "")

    def is_over(self, document: Document) -> bool:
        """Whether it was brought to several, and each of these deliveries is over."""
        known = self._facts.recipients.get(document)
        if known is not None:
            return len(known) > 1 and all(is_over(self._facts.deliveries[one]) for one in known.values())
        found, number, is_all = _found(self._facts.open, document, ask.Open(document))
        rows = (self._facts.deliveries.get(one) for one in found)
        if number < 2 or any(row is None or not is_over(row) for row in rows):
            return False
        if not is_all:
            raise NotReadError(ask.Recipients(document))
        return True

    def business(self, delivery_id: str) -> Mapping[str, str]:
        """Business status by unit: of every one that has one."""
        known = _found(self._facts.business, delivery_id, ask.ById(delivery_id))
        if not self._has_every_report(delivery_id, known):
            raise NotReadError(ask.Reports(delivery_id))
        return {unit: code for unit, code in known.items() if code}

    def reported(self, delivery_id: str, units: Sequence[str]) -> Mapping[str, str]:
        """Business status of each of these units; "" for none."""
        known = _found(self._facts.business, delivery_id, ask.ById(delivery_id))
        missing = [] if self._has_every_report(delivery_id, known) else [one for one in units if one not in known]
        if missing:
            raise NotReadError(*(ask.Reported(delivery_id, one) for one in missing))
        return {unit: known.get(unit, "") for unit in units}

    def limits(self, delivery_id: str) -> Mapping[str, Limit]:
        """Deadline by leg."""
        return _found(self._facts.limits, delivery_id, ask.ById(delivery_id))

    def receipts(self, axis_id: str) -> Mapping[tuple[str, str], Said]:
        """The statements about a submission by (event code with leg, recipient), of several the last."""
        return _found(self._facts.receipts, axis_id, ask.Receipts(axis_id))

    def stated(self, issuer: str, event: str, axis_id: str, recipient: str) -> Digest | None:
        """The digest of the receipt that says so, if one does."""
        question = ask.Stated(issuer, event, axis_id, recipient)
        return _found(self._facts.stated, question, question)

    def told(self, axis_id: str) -> tuple[Entry, ...]:
        """The ledger entries about a submission, in order."""
        known = _found(self._facts.entries, axis_id, ask.Entries(axis_id))
        return (*known, *(one for one in self._entries if one.axis_id == axis_id))

    def homes(self, agency: str) -> tuple[Known, ...]:
        """The homes that were heard for an agency."""
        return _found(self._facts.homes, agency, ask.Homes(agency))

    def quarantined(self, agency: str, *, waiting: bool = False) -> int:
        """How many messages of this agency are put aside; or how many receipts wait for what the record has lost."""
        return _found(self._facts.quarantined, (agency, waiting), ask.Quarantined(agency, waiting))

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

    def accept(self, new: Submission, entry: Entered) -> None:
        """A submission takes its key."""
        self._may_change(new.document)
        self._changes.append(change.Accept(new, entry))
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

    def is_late(self, delivery: Delivery, leg: str) -> bool:
        """Whether what this deadline is for happens after it was missed, if it happens now."""
        known = self.limits(delivery.id).get(leg)
        return known is not None and known.progress == Progress.MISSED.value

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

    def _has_every_report(self, delivery_id: str, known: Mapping[str, str]) -> bool:
        return sum(map(bool, known.values())) >= self._facts.deliveries[delivery_id].reporters

    def _submission(self, index: Mapping[K, str | None], key: K, question: Question) -> Submission | None:
        found = _found(index, key, question)
        return self._facts.submissions[found] if found is not None else None


def is_over(delivery: Delivery) -> bool:
    """Final, or nobody tries again: the agency is closed and has no successor, or an operator has said so."""
    failed = delivery.state is lifecycle.State.FAILED and delivery.closed
    return delivery.state in lifecycle.FINAL or failed


def subject_of(about: Submission) -> Subject:
    """What a receipt about this submission says that it is about."""
    return Subject(about.axis_id, about.kind, about.sender, about.document_id, about.content_digest)


def is_about(subject: Subject, about: Submission, document_id: str) -> bool:
    """Whether a receipt with this subject is about this submission; it may spell the DocumentId as its packet does.
    `document_id`: the subject's, in the record's form."""
    return replace(subject, document_id=document_id) == subject_of(about)


def _found(index: Mapping[K, V], key: K, question: Question) -> V:
    try:
        return index[key]
    except KeyError:
        raise NotReadError(question) from None
