"""The hub on a record in memory: what an agency's batch, the broker's word or the clock makes it decide, and what is kept of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from axis.core import receipt
from axis.core.hub import decide
from axis.core.hub.calendar import Calendar
from axis.core.hub.dossier import Facts, NotReadError
from axis.core.hub.draft import Draft, Ids
from axis.core.hub.lifecycle import State
from axis.core.hub.receipts import Waiting
from axis.core.hub.rules import Rules
from axis.core.hub.seal import Sealed, UnsealedError
from axis.core.hub.terms import DEFAULT, Deadlines, read_rule
from axis.core.identity import uuid7_after
from axis.core.instant import to_text
from axis.core.message import Outcome
from axis.core.receipt import Receipt, Subject
from axis.core.registry import HUB, Member, Registry
from tests.hub.record import Record, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from axis.core.hub.change import Changes
    from axis.core.hub.decide import Verdict
    from axis.core.hub.dossier import Digest, Document, Question
    from axis.core.hub.opened import Opened


NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # a Monday, ten in the morning in Viet Nam
INSTALLATION = "test"
ROUNDS = 16  # as often as a hub asks
CODES = ("G06", "G18", "G22", "H29", "H29.10", "H41")
T = TypeVar("T")


def unsigned(changes: Changes) -> tuple[Sealed, dict[Digest, Receipt]]:
    """As :func:`axis.core.hub.seal.seal`, without a key: receipts are known by the digest of what they say."""
    digests: dict[str, Digest] = {}
    receipts = {}
    for one in changes.receipts:
        if any(said.evidence.startswith("@") and said.evidence not in digests for said in one.statements):
            raise UnsealedError(one)
        said = tuple(replace(s, evidence=digests.get(s.evidence, s.evidence)) for s in one.statements)
        subject = Subject(one.axis_id, one.kind, one.sender, one.document_id, one.content_digest)
        value = Receipt(INSTALLATION, HUB, subject, said, one.registry_version)
        digests[one.name] = hashlib.sha256(repr(value).encode()).hexdigest()
        receipts[digests[one.name]] = value
    entered = {one.digest for one in changes.entries}
    assert all(one.entry in entered for one in changes.changes if one.entry is not None), "a change without its entry"
    return Sealed(changes.changes, changes.entries, changes.payloads, digests, changes.locked), receipts


def members(*more: Member) -> Registry:
    """A registry with the agencies of these tests, with `more` of them added or exchanged; nobody signs anything."""
    known = {code: Member(code, f"Cơ quan {code}") for code in CODES}
    known |= {one.code: one for one in more}
    found = [Member(HUB, "Trục"), *known.values()]
    return Registry(INSTALLATION, 1 + len(more), NOW, tuple(sorted(found, key=lambda one: one.code)))


def rules(registry: Registry | None = None, **more: Any) -> Rules:
    """The rules of an installation as it comes."""
    working = Deadlines(tuple(map(read_rule, DEFAULT)), Calendar(frozenset(), frozenset(), _HOURS), 0.8)
    given: dict[str, Any] = {
        "installation": INSTALLATION,
        "registry": registry or members(),
        "deadlines": working,
        "follow_successors": True,
    }
    return Rules(**{**given, **more})


_HOURS = tuple((datetime(2026, 1, 1, a).time(), datetime(2026, 1, 1, b).time()) for a, b in ((8, 12), (13, 17)))


class Hub:
    """What :mod:`axis.services.hub` does with a record, a broker and a clock, as values."""

    def __init__(self, record: Record | None = None, rule: Rules | None = None) -> None:
        self.record = record or Record()
        self.rules = rule or rules()
        self.now = NOW
        self.reads: Callable[[Record], Iterable[Question]] | None = None  # beforehand, in the place of what is needed
        self.decided: Changes | None = None  # what was decided last
        self.rounds = 0
        self.seen: dict[Digest, Opened] = {}  # receipts, of which some may wait
        self._ids = count(1)
        self._last_id = ""

    def copy(self) -> Hub:
        """One that goes its own way from here."""
        other = Hub(self.record.copy(), self.rules)
        other.seen = dict(self.seen)
        other.now, other._last_id, other._ids = self.now, self._last_id, count(next(self._ids) + 1_000_000)
        return other

    def new_id(self) -> str:
        """As a hub makes them: in any distance, and rising."""
        chance = hashlib.sha256(str(next(self._ids)).encode()).digest()
        self._last_id = uuid7_after(self._last_id, self.now, chance[:10])
        return self._last_id

    def draft(self, facts: Facts, documents: Collection[Document], ids: Ids | None = None) -> Draft:
        """A draft of what is decided now."""
        return Draft(facts, documents, self.rules, self.now, ids.again() if ids is not None else self.new_id)

    def carry_out(self, documents: Collection[Document], wanted: Iterable[Question], rule: Callable[[Draft], T]) -> T:
        """As :func:`axis.services.hub.act.carry_out`."""
        record = self.record
        facts = record.lock(documents)
        record.read(wanted if self.reads is None else self.reads(record), facts)
        self.asked: list[tuple[Question, ...]] = []
        ids = Ids(self.new_id)
        for _ in range(ROUNDS):
            self.rounds += 1
            draft = self.draft(facts, documents, ids)
            try:
                found = rule(draft)
            except NotReadError as error:
                self.asked.append(error.questions)
                record.read(error.questions, facts)
                continue
            self.decided = draft.decided()
            record.write(*unsigned(self.decided))
            return found
        raise AssertionError(f"it asks and asks: {self.asked[-3:]}")

    def submit(self, *batch: Opened) -> list[Verdict]:
        """Decide about these in one batch."""
        locked = {document for one in batch for document in one.locked}
        replies = {one.documents[0] for one in batch if one.candidate is not None and one.candidate.is_reply}
        locked |= self.record.instead_of(replies)
        spoken_of = [one.said.subject for one in batch if one.said is not None]
        locked |= self.record.documents_of({one.axis_id for one in spoken_of if one.kind == "status"})
        self.seen.update((one.digest, one) for one in batch if one.said is not None)
        about = {document_id for _, document_id in locked}
        waiting = [
            Waiting(one.id, self.seen[one.body_digest], said)
            for known in self.record.aside.values()
            for one in known
            if one.document_id in about and (said := self.seen[one.body_digest].said) is not None
        ]
        locked |= {document for one in waiting for document in one.opened.documents}
        locked |= self.record.documents_of({one.said.subject.axis_id for one in waiting})
        return self.carry_out(locked, decide.needs(batch), lambda draft: decide.submitted(draft, batch, waiting))

    # -- The broker -----------------------------------------------------------------------------------------------

    def due(self, *codes: str) -> list[int]:
        """The outbox rows that may be published now, those of `codes` alone where some are given."""
        now = to_text(self.now)
        return [
            name
            for name, row in sorted(self.record.outbox.items())
            if row.not_before <= now and (not codes or row.code in codes)
        ]

    def publish(self, rows: Sequence[int] | None = None, outcome: Outcome = Outcome.CONFIRMED) -> list[Row]:
        """Publish these rows (all that are due) with this outcome, in one batch; what the queues got."""
        rows = self.due() if rows is None else rows
        published, given = [], []
        for name in rows:
            row = self.record.outbox[name]
            member = self.rules.registry.by_code[row.code]
            is_past = member.standing(self.now) == "closed" and (
                row.delivery_id
                or (row.body in self.record.receipts and self.rules.mailbox(row.code, self.now) != row.code)
            )
            if row.delivery_id and not is_past and not self._begin(row.delivery_id):
                del self.record.outbox[name]
                continue
            became = None if is_past else outcome
            if became is Outcome.CONFIRMED:
                given.append(row)
            published.append(
                decide.Published(name, row.code, row.delivery_id, row.body, row.urgent, row.attempts, became)
            )
        self.record_published(published)
        return given

    def _begin(self, delivery_id: str) -> bool:
        """Publishing is tried from here on, and that is committed before it is done; not of what was withdrawn."""
        known = self.record.deliveries[delivery_id]
        if known.state is State.RECALLED:
            return False
        self.record.deliveries[delivery_id] = replace(known, tried=True)
        return True

    def record_published(self, published: Sequence[decide.Published]) -> None:
        """Decide about what became of these rows."""
        documents = {self.record.deliveries[one.delivery_id].document for one in published if one.delivery_id}
        wanted = decide.needs_of_published(published)
        self.carry_out(documents, wanted, lambda draft: decide.published(draft, published))

    def put_back(self, kept: Record) -> None:
        """An older record takes the place of this one: what it holds as never published may have been."""
        self.record = kept
        kept.deliveries = {name: replace(one, tried=True) for name, one in kept.deliveries.items()}
        kept.homes.clear()
        self.rules = replace(self.rules, lost_until=self.now)

    # -- The clock ------------------------------------------------------------------------------------------------

    def wait(self, time: timedelta, *, at_once: bool = False) -> int:
        """Time passes; what is due to be said then is said. How much."""
        self.now += time
        return self.tell(at_once=at_once)

    def tell(self, *, at_once: bool = False) -> int:
        """Say what is due to be said; how much."""
        now, record = to_text(self.now), self.record
        limits = [
            (name, leg)
            for name, known in record.limits.items()
            for leg, one in known.items()
            if one.next_at and one.next_at <= now
        ]
        owed = [d.id for d in record.deliveries.values() if d.owes_at and (at_once or d.owes_at <= now)]
        documents = {record.deliveries[name].document for name in {*owed, *(name for name, _ in limits)}}
        wanted = decide.needs_of_due(limits, owed)
        self.carry_out(documents, wanted, lambda draft: decide.due(draft, limits, owed, at_once=at_once))
        return len(limits) + len(owed)

    # -- What tests look at -----------------------------------------------------------------------------------------

    def states(self, document_id: str, role: str = "document") -> dict[str, State]:
        """Delivery states by recipient."""
        found = self.record.deliveries.values()
        return {d.recipient: d.state for d in found if d.document_id == document_id and d.role == role}

    def stages(self, document_id: str) -> dict[str, list[str]]:
        """What was asked of each recipient of a document, and how far it is."""
        found: dict[str, list[str]] = {}
        for one in sorted(self.record.deliveries.values(), key=lambda d: d.recipient):
            if one.document_id != document_id or one.role != "document":
                continue
            for number, asked in sorted(self.record.demands.get(one.id, {}).items()):
                stages = sorted({stage.value for stage in asked.stages.values()})
                found.setdefault(one.recipient, []).append(f"{number} {asked.demand.value} {'+'.join(stages)}")
        return found

    def events(self) -> list[str]:
        """The events of the ledger, in order."""
        return [entry.event for entry in self.record.entries]

    def told(self, code: str) -> list[str]:
        """What the hub's own receipts in the outbox tell agency `code`: ``W.1 H41``, in order."""
        return [
            f"{said.key} {said.recipient}".strip()
            for _, row in sorted(self.record.outbox.items())
            if row.code == code and row.body in self.record.receipts
            for said in self.record.receipts[row.body].statements
        ]

    def statements(self, key: str) -> list[receipt.Statement]:
        """Every statement of this event (with its leg) that the hub has signed, in order."""
        return [said for one in self.record.receipts.values() for said in one.statements if said.key == key]
