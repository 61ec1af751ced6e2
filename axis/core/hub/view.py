"""What a rule sees while a decision is made: what was read, as the decision so far leaves it.

Each question is answered from the facts alone. What was not read is asked for by
:class:`~axis.core.hub.dossier.NotReadError`, and the decision is made again when it has been.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from axis.core.hub import admission
from axis.core.hub import dossier as ask
from axis.core.hub.dossier import NotReadError
from axis.core.hub.lifecycle import Demand
from axis.core.hub.terms import Progress
from axis.core.instant import from_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from axis.core.homes import Known
    from axis.core.hub.dossier import (
        Delivery,
        Demanded,
        Digest,
        Document,
        Facts,
        Limit,
        Question,
        Refused,
        Said,
        Standing,
        Submission,
    )
    from axis.core.ledger import Entry
    from axis.core.receipt import Subject

K = TypeVar("K")
V = TypeVar("V")


class View:
    """See the module. Its facts are its own: :class:`~axis.core.hub.draft.Draft` changes them as it decides."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts.copy()

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

    def is_over(self, document: Document, ending: Collection[str] = ()) -> bool:
        """Whether it was brought to several, and each of these deliveries is over, or is to one of `ending`."""
        known = self._facts.recipients.get(document)
        if known is not None:
            rows = [self._facts.deliveries[one] for one in known.values()]
            return len(rows) > 1 and all(row.is_over or row.recipient in ending for row in rows)
        found, number, is_all = _found(self._facts.open, document, ask.Open(document))
        shown = (self._facts.deliveries.get(one) for one in found)
        if number < 2 or any(row is None or not (row.is_over or row.recipient in ending) for row in shown):
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

    def is_late(self, delivery: Delivery, leg: str) -> bool:
        """Whether what this deadline is for happens after it was missed, if it happens now."""
        known = self.limits(delivery.id).get(leg)
        return known is not None and known.progress == Progress.MISSED.value

    def receipts(self, axis_id: str) -> Mapping[tuple[str, str], Said]:
        """The statements about a submission by (event code with leg, recipient), of several the last."""
        return _found(self._facts.receipts, axis_id, ask.Receipts(axis_id))

    def stated(self, issuer: str, event: str, axis_id: str, recipient: str) -> Digest | None:
        """The digest of the receipt that says so, if one does."""
        question = ask.Stated(issuer, event, axis_id, recipient)
        return _found(self._facts.stated, question, question)

    def told(self, axis_id: str) -> tuple[Entry, ...]:
        """The ledger entries about a submission, in order."""
        return _found(self._facts.entries, axis_id, ask.Entries(axis_id))

    def homes(self, agency: str) -> tuple[Known, ...]:
        """The homes that were heard for an agency."""
        return _found(self._facts.homes, agency, ask.Homes(agency))

    def quarantined(self, agency: str, *, waiting: bool = False) -> int:
        """How many messages of this agency are put aside; or how many receipts wait for what the record has lost."""
        return _found(self._facts.quarantined, (agency, waiting), ask.Quarantined(agency, waiting))

    def standing(self, place: Document) -> tuple[Standing, ...]:
        """The business objects that are known by this, of different agencies."""
        return _found(self._facts.standing, place, ask.Stands(place))

    def _has_every_report(self, delivery_id: str, known: Mapping[str, str]) -> bool:
        return sum(map(bool, known.values())) >= self._facts.deliveries[delivery_id].reporters

    def _submission(self, index: Mapping[K, str | None], key: K, question: Question) -> Submission | None:
        found = _found(index, key, question)
        return self._facts.submissions[found] if found is not None else None


def _found(index: Mapping[K, V], key: K, question: Question) -> V:
    try:
        return index[key]
    except KeyError:
        raise NotReadError(question) from None
