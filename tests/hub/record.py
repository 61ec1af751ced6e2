"""A record in memory that answers every question of the hub's rules by looking through all it has, and the hub on it.

Simple and obviously right, not fast: what it answers is what :mod:`axis.core.hub.dossier` promises, word by word, and no
more. What is written is checked row by row, so that a decision that breaks a rule of the record fails where it is made.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from axis.core.hub import admission, change, lifecycle
from axis.core.hub import dossier as ask
from axis.core.hub.dossier import Delivery, Demanded, Facts, Limit, Refused, Said, Standing, Submission
from axis.core.hub.draft import NotLockedError
from axis.core.hub.lifecycle import FINAL, Demand
from axis.core.hub.seal import Sealed
from axis.core.receipt import Receipt

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from axis.core.homes import Known
    from axis.core.hub.dossier import Digest, Document, Question
    from axis.core.ledger import Entry

FEW = 1  # business statuses of a delivery that are read with it
VERSIONS = ("new", "update", "replace")


class KeyTakenError(Exception):
    """Two rows under one key: a database would roll the batch back."""


@dataclass
class Row:
    """What waits to be published."""

    code: str
    body: Digest
    proof: Digest
    delivery_id: str
    urgent: bool
    not_before: str
    created_at: str
    attempts: int = 0


@dataclass
class Record:
    """See the module. Everything is a plain dict."""

    submissions: dict[str, Submission] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    demands: dict[str, dict[int, Demanded]] = field(default_factory=dict)
    reasons: dict[tuple[str, int, str], str] = field(default_factory=dict)
    business: dict[str, dict[str, str]] = field(default_factory=dict)
    limits: dict[str, dict[str, Limit]] = field(default_factory=dict)
    standing: dict[tuple[Document, str], Standing] = field(default_factory=dict)
    documents: dict[Document, str] = field(default_factory=dict)  # → what took its place
    said: dict[tuple[ask.Stated, Digest], Said] = field(default_factory=dict)
    refused: dict[tuple[str, str], Refused] = field(default_factory=dict)
    repeated: dict[tuple[str, str], tuple[str, Digest]] = field(default_factory=dict)
    outbox: dict[int, Row] = field(default_factory=dict)
    aside: dict[str, list[change.PutAside]] = field(default_factory=dict)
    homes: dict[str, tuple[Known, ...]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    receipts: dict[Digest, Receipt] = field(default_factory=dict)  # the hub's own, by their digest
    payloads: dict[Digest, bytes] = field(default_factory=dict)
    entered: dict[Digest, None] = field(default_factory=dict)  # the digests of the entries
    rows: int = 0

    def copy(self) -> Record:
        """One that goes its own way from here."""
        return Record(**{one.name: _copied(getattr(self, one.name)) for one in fields(self)})

    # -- Reading ------------------------------------------------------------------------------------------------

    def lock(self, documents: Collection[Document]) -> Facts:
        """These documents are nobody else's; what that alone tells of them."""
        facts = Facts()
        for one in documents:
            if one in self.documents:
                facts.superseded_by[one] = self.documents[one]
            else:
                self.documents[one] = ""
                facts.know_empty(one)
        return facts

    def instead_of(self, documents: Collection[Document]) -> set[Document]:
        """The documents that have taken the place of these."""
        named = {self.documents.get(one, "") for one in documents}
        return {self.submissions[one].document for one in named if one}

    def documents_of(self, axis_ids: Collection[str]) -> set[Document]:
        """The documents that these submissions are, or are about."""
        return {self.submissions[one].document for one in axis_ids if one in self.submissions}

    def read(self, questions: Iterable[Question], facts: Facts) -> None:
        """Put the answer to each of these into `facts`."""
        for one in questions:
            getattr(self, f"_{type(one).__name__}")(one, facts)

    def _found(self, facts: Facts, found: Iterable[Submission]) -> str | None:
        """The earliest of `found`."""
        names = sorted(one.axis_id for one in found)
        for name in names[:1]:
            facts.submissions[name] = self.submissions[name]
            return name
        return None

    def _about(self, document: Document, *kinds: str) -> list[Submission]:
        return [one for one in self.submissions.values() if one.document == document and one.kind in kinds]

    def _brings(self, document: Document, role: str) -> list[Delivery]:
        found = [one for one in self.deliveries.values() if one.document == document and one.role == role]
        return sorted(found, key=lambda one: one.id)

    def _rows(self, facts: Facts, found: Iterable[Delivery], *, whole: bool = False) -> list[str]:
        """Deliveries, `whole` with their statuses and deadlines."""
        names = []
        for one in found:
            facts.deliveries[one.id] = one
            names.append(one.id)
            if whole:
                known = self.business.get(one.id, {})
                facts.business[one.id] = dict(known) if len(known) <= FEW else {}
                facts.limits[one.id] = dict(self.limits.get(one.id, {}))
        return names

    def _ByKey(self, q: ask.ByKey, facts: Facts) -> None:
        facts.by_key[q.key] = self._found(facts, (s for s in self.submissions.values() if s.key == q.key))

    def _ByParcel(self, q: ask.ByParcel, facts: Facts) -> None:
        key = (q.sender, q.parcel_digest)
        found = (s for s in self.submissions.values() if (s.sender, s.parcel_digest) == key)
        facts.by_parcel[key] = self._found(facts, found)

    def _ByContent(self, q: ask.ByContent, facts: Facts) -> None:
        facts.by_content[q.sender, q.content_digest] = self.repeated.get((q.sender, q.content_digest))

    def _ByName(self, q: ask.ByName, facts: Facts) -> None:
        facts.by_name[q.axis_id] = self._found(facts, (s for s in self.submissions.values() if s.axis_id == q.axis_id))

    def _SentAs(self, q: ask.SentAs, facts: Facts) -> None:
        found = (
            s for s in self.submissions.values() if ask.SentAs(s.sender, s.kind, s.document_id, s.content_digest) == q
        )
        facts.sent_as[q] = self._found(facts, found)

    def _OfChange(self, q: ask.OfChange, facts: Facts) -> None:
        found = (s for s in self._about(q.document, q.kind) if s.content_digest == q.content_digest)
        facts.of_change[q] = self._found(facts, found)

    def _RefusedAs(self, q: ask.RefusedAs, facts: Facts) -> None:
        facts.refused[q.sender, q.digest] = self.refused.get((q.sender, q.digest))

    def _Recipients(self, q: ask.Recipients, facts: Facts) -> None:
        found = self._brings(q.document, "document")
        facts.recipients[q.document] = {one.recipient: one.id for one in found}
        for name in self._rows(facts, found):
            if name not in facts.all_demands:
                known = self.demands.get(name, {}).items()
                facts.demands[name] = {number: one for number, one in known if one.demand is Demand.RECALL}

    def _Brought(self, q: ask.Brought, facts: Facts) -> None:
        found = [one for one in self._brings(q.document, "document") if one.recipient == q.recipient]
        names = self._rows(facts, found, whole=True)
        facts.brought[q.document, q.recipient] = names[0] if names else None
        if names and q.reporter:
            self._Reported(ask.Reported(names[0], q.reporter), facts)

    def _Stands(self, q: ask.Stands, facts: Facts) -> None:
        facts.standing[q.object] = tuple(one for (place, _), one in self.standing.items() if place == q.object)

    def _TakingBack(self, q: ask.TakingBack, facts: Facts) -> None:
        found = self._brings(q.document, "recall")
        self._rows(facts, found)
        facts.taking_back[q.document] = {one.recipient: one.id for one in found}

    def _Updating(self, q: ask.Updating, facts: Facts) -> None:
        found = [one for one in self._brings(q.document, "update") if one.recipient == q.recipient]
        known = [one for one in found if one.state not in FINAL or one.tried]
        facts.updating[q.document, q.recipient] = tuple(self._rows(facts, known))

    def _Part(self, q: ask.Part, facts: Facts) -> None:
        key = (q.axis_id, q.recipient)
        found = [one for one in self.deliveries.values() if (one.axis_id, one.recipient) == key]
        names = self._rows(facts, found, whole=True)
        facts.parts[key] = names[0] if names else None

    def _ById(self, q: ask.ById, facts: Facts) -> None:
        facts.by_id.add(q.delivery_id)
        one = self.deliveries[q.delivery_id]
        self._rows(facts, [one], whole=True)
        self._ByName(ask.ByName(one.axis_id), facts)

    def _Bare(self, q: ask.Bare, facts: Facts) -> None:
        one = self.deliveries[q.delivery_id]
        self._rows(facts, [one])
        self._ByName(ask.ByName(one.axis_id), facts)

    def _Reported(self, q: ask.Reported, facts: Facts) -> None:
        known = self.business.get(q.delivery_id, {}).get(q.unit, "")
        facts.business[q.delivery_id] = {**facts.business.get(q.delivery_id, {}), q.unit: known}

    def _Reports(self, q: ask.Reports, facts: Facts) -> None:
        facts.business[q.delivery_id] = dict(self.business.get(q.delivery_id, {}))

    def _Demands(self, q: ask.Demands, facts: Facts) -> None:
        facts.demands[q.delivery_id] = dict(self.demands.get(q.delivery_id, {}))
        facts.all_demands.add(q.delivery_id)

    def _AskedBy(self, q: ask.AskedBy, facts: Facts) -> None:
        names = [
            name for name, known in self.demands.items() if any(one.asked_by == q.axis_id for one in known.values())
        ]
        facts.asked_by[q.axis_id] = tuple(self._rows(facts, (self.deliveries[name] for name in sorted(names))))
        for name in names:
            self._Demands(ask.Demands(name), facts)

    def _AskedOf(self, q: ask.AskedOf, facts: Facts) -> None:
        there = [one for one in self._brings(q.document, "document") if one.recipient == q.recipient]
        self._rows(facts, there)
        keys = []
        for one in there:
            for number, demanded in sorted(self.demands.get(one.id, {}).items()):
                if demanded.asked_by == q.axis_id:
                    keys.append((one.id, number))
                    facts.single[one.id, number] = demanded
        facts.asked_of[q] = tuple(keys)

    def _LastDemand(self, q: ask.LastDemand, facts: Facts) -> None:
        names = [one.id for one in self._brings(q.document, "document")]
        facts.last_demand[q.document] = max((n for name in names for n in self.demands.get(name, {})), default=0)

    def _Lately(self, q: ask.Lately, facts: Facts) -> None:
        times = {one.number: one.received_at for one in self._about(q.document, q.kind)}
        last = max(times, default=0)
        first = last - admission.CHANGES_A_DAY + 1
        shown = range(max(1, first), first + q.shown)
        facts.lately[q.document, q.kind] = (last, {number: times.get(number, "") for number in shown})

    def _Newest(self, q: ask.Newest, facts: Facts) -> None:
        found = [one for one in self._about(q.document, *VERSIONS) if one.has_content]
        newest = max(found, key=lambda one: (one.received_at, one.number), default=None)
        facts.newest[q.document] = self._found(facts, [newest]) if newest is not None else None

    def _Own(self, q: ask.Own, facts: Facts) -> None:
        facts.own[q.document] = self._found(facts, self._about(q.document, "new", "replace"))

    def _HeldUntil(self, q: ask.HeldUntil, facts: Facts) -> None:
        names = {one.id for one in self._brings(q.document, "document")}
        waits = [one.not_before for one in self.outbox.values() if one.delivery_id in names and not one.attempts]
        facts.held_until[q.document] = max(waits, default="")

    def _Open(self, q: ask.Open, facts: Facts) -> None:
        found = sorted(self._brings(q.document, "document"), key=lambda one: (one.is_over, one.recipient))[: q.shown]
        still = tuple(one.id for one in found if not one.is_over)
        facts.open[q.document] = (still, len(found), len(still) < len(found) or len(still) < q.shown)

    def _Receipts(self, q: ask.Receipts, facts: Facts) -> None:
        found = [(stated, one) for (stated, _), one in self.said.items() if stated.axis_id == q.axis_id]
        found.sort(key=lambda one: one[1].time)
        facts.receipts[q.axis_id] = {(stated.event, stated.recipient): one for stated, one in found}

    def _Stated(self, q: ask.Stated, facts: Facts) -> None:
        facts.stated[q] = next((digest for stated, digest in self.said if stated == q), None)

    def _Entries(self, q: ask.Entries, facts: Facts) -> None:
        facts.entries[q.axis_id] = tuple(one for one in self.entries if one.axis_id == q.axis_id)

    def _Homes(self, q: ask.Homes, facts: Facts) -> None:
        facts.homes[q.agency] = self.homes.get(q.agency, ())

    def _Quarantined(self, q: ask.Quarantined, facts: Facts) -> None:
        known = [one for one in self.aside.get(q.agency, []) if bool(one.document_id) == q.waiting]
        facts.quarantined[q.agency, q.waiting] = len(known)

    # -- Writing ------------------------------------------------------------------------------------------------

    def write(self, sealed: Sealed, receipts: dict[Digest, Receipt]) -> None:
        """Carry out a decision. Raises what a database would raise, or what the rules of the record forbid."""
        for one in sealed.payloads:
            self.payloads[one.digest] = one.content
        self.receipts.update(receipts)
        self.entries += sealed.entries
        self.entered.update(dict.fromkeys(one.digest for one in sealed.entries))
        for decided in sealed.changes:
            getattr(self, f"_write_{type(decided).__name__}")(decided, sealed)

    def _may_change(self, document: Document, sealed: Sealed) -> None:
        if document not in sealed.locked:
            raise NotLockedError(document)

    def _write_Accept(self, one: change.Accept, sealed: Sealed) -> None:
        new = replace(one.submission, acceptance_digest=sealed.resolved(one.submission.acceptance_digest))
        self._may_change(new.document, sealed)
        if new.axis_id in self.submissions or any(new.key == known.key for known in self.submissions.values()):
            raise KeyTakenError(new.key)
        self.submissions[new.axis_id] = new

    def _write_Deliver(self, one: change.Deliver, sealed: Sealed) -> None:
        new = replace(one.delivery, proof_digest=sealed.resolved(one.delivery.proof_digest))
        self._may_change(new.document, sealed)
        place = (new.axis_id, new.recipient)
        if new.id in self.deliveries or place in {(d.axis_id, d.recipient) for d in self.deliveries.values()}:
            raise KeyTakenError(place)
        self.deliveries[new.id] = new

    def _write_Move(self, one: change.Move, sealed: Sealed) -> None:
        before, after = self.deliveries[one.delivery.id], one.delivery
        self._may_change(after.document, sealed)
        assert after.state in lifecycle.DELIVERY[before.state].values() or after.state is before.state, (before, after)
        proof = sealed.resolved(after.proof_digest)
        self.deliveries[after.id] = replace(after, proof_digest=proof, tried=before.tried or after.tried)

    def _write_Stand(self, one: change.Stand, sealed: Sealed) -> None:
        self._may_change(one.standing.object, sealed)
        self.standing[one.standing.object, one.standing.owner] = one.standing

    def _write_Ask(self, one: change.Ask, sealed: Sealed) -> None:
        self._may_change(self.deliveries[one.delivery_id].document, sealed)
        known = self.demands.setdefault(one.delivery_id, {})
        before = known[one.number].stages if one.number in known else {}
        if set(before) & set(one.units):
            raise KeyTakenError(one)
        stages = {**before, **dict.fromkeys(one.units, one.stage)}
        known[one.number] = Demanded(one.number, one.demand, one.asked_by, stages)

    def _write_Answer(self, one: change.Answer, sealed: Sealed) -> None:
        self._may_change(self.deliveries[one.delivery_id].document, sealed)
        known = self.demands[one.delivery_id][one.number]
        assert one.stage in lifecycle.DEMAND[known.stages[one.unit]].values(), (known, one)
        self.demands[one.delivery_id][one.number] = replace(known, stages={**known.stages, one.unit: one.stage})
        if one.reason:
            self.reasons[one.delivery_id, one.number, one.unit] = one.reason

    def _write_Report(self, one: change.Report, sealed: Sealed) -> None:
        self._may_change(self.deliveries[one.delivery_id].document, sealed)
        known = self.business.setdefault(one.delivery_id, {})
        before = known.get(one.unit, "")
        assert one.code in lifecycle.BUSINESS[before].values(), (before, one)
        known[one.unit] = one.code

    def _write_SetLimit(self, one: change.SetLimit, sealed: Sealed) -> None:
        self._may_change(self.deliveries[one.delivery_id].document, sealed)
        known = self.limits.setdefault(one.delivery_id, {})
        if not one.is_new or one.limit.leg not in known:
            known[one.limit.leg] = one.limit

    def _write_Say(self, one: change.Say, sealed: Sealed) -> None:
        digest = sealed.resolved(one.receipt_digest)
        assert digest in self.receipts or digest in self.payloads, one
        key = ask.Stated(one.issuer, one.event, one.axis_id, one.recipient)
        self.said.setdefault((key, digest), Said(digest, one.time))

    def _write_Refuse(self, one: change.Refuse, sealed: Sealed) -> None:
        digest = sealed.resolved(one.receipt_digest)
        named = self.receipts[digest].statements[0].parcel
        self.refused[one.sender, one.digest] = Refused(digest, one.retry, named)

    def _write_Repeat(self, one: change.Repeat, sealed: Sealed) -> None:
        value = (one.axis_id, sealed.resolved(one.receipt_digest))
        self.repeated.setdefault((one.sender, one.content_digest), value)

    def _write_Supersede(self, one: change.Supersede, sealed: Sealed) -> None:
        self._may_change(one.document, sealed)
        self.documents[one.document] = one.axis_id

    def _write_Send(self, one: change.Send, sealed: Sealed) -> None:
        self.rows += 1
        body, proof = sealed.resolved(one.body_digest), sealed.resolved(one.proof_digest)
        assert body in self.receipts or body in self.payloads, one
        assert not proof or proof in self.receipts, one
        self.outbox[self.rows] = Row(one.code, body, proof, one.delivery_id, one.urgent, one.not_before, one.created_at)

    def _write_LeaveOut(self, one: change.LeaveOut, sealed: Sealed) -> None:
        self.outbox = {name: row for name, row in self.outbox.items() if row.delivery_id != one.delivery_id}

    def _write_Forget(self, one: change.Forget, sealed: Sealed) -> None:
        self._may_change(one.document, sealed)
        for known in self._about(one.document, *VERSIONS):
            self.submissions[known.axis_id] = replace(known, body_digest="")

    def _write_PutAside(self, one: change.PutAside, sealed: Sealed) -> None:
        known = self.aside.setdefault(one.agency, [])
        if one.id not in {other.id for other in known}:
            known.append(one)

    def _write_TakeOut(self, one: change.TakeOut, sealed: Sealed) -> None:
        self.aside = {code: [k for k in known if k.id != one.id] for code, known in self.aside.items()}

    def _write_Done(self, one: change.Done, sealed: Sealed) -> None:
        self.outbox.pop(one.row, None)

    def _write_Postpone(self, one: change.Postpone, sealed: Sealed) -> None:
        if one.row in self.outbox:
            self.outbox[one.row] = replace(self.outbox[one.row], attempts=one.attempts, not_before=one.not_before)

    def _write_Redirect(self, one: change.Redirect, sealed: Sealed) -> None:
        if one.row in self.outbox:
            proof = sealed.resolved(one.proof_digest) if one.proof_digest is not None else self.outbox[one.row].proof
            self.outbox[one.row] = replace(self.outbox[one.row], code=one.code, proof=proof)


def _copied(value: Any) -> Any:
    """Of rows that are never altered."""
    if isinstance(value, list):
        return value[:]
    return (
        {key: _copied(one) if isinstance(one, dict | list) else one for key, one in value.items()}
        if isinstance(value, dict)
        else value
    )
