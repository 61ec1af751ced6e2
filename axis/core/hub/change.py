"""The changes that a decision consists of. Each names its ledger entry; one without cannot be built.

An :class:`Entered` is made by :meth:`axis.core.hub.draft.Draft.enter` alone: it is the digest of an entry of the same
decision. Several changes may share one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from axis.core.hub.dossier import Delivery, Digest, Document, Limit, Standing, Submission
    from axis.core.hub.lifecycle import Demand, Stage
    from axis.core.ledger import Entry
    from axis.core.receipt import Statement
    from axis.core.types.typeset import Typed

Entered = NewType("Entered", str)  # the hex digest of a ledger entry


@dataclass(frozen=True, slots=True)
class Accept:
    """A submission takes its key. `typed`: what its document type says of it, where it has one."""

    submission: Submission
    entry: Entered
    typed: Typed | None = None


@dataclass(frozen=True, slots=True)
class Deliver:
    """A delivery begins."""

    delivery: Delivery
    entry: Entered


@dataclass(frozen=True, slots=True)
class Move:
    """A delivery is otherwise now: its state, attempts, units, whose it is, what it owes. `delivery`: as it is then."""

    delivery: Delivery
    entry: Entered


@dataclass(frozen=True, slots=True)
class Stand:
    """A business object stands otherwise now, or is known now."""

    standing: Standing
    entry: Entered


@dataclass(frozen=True, slots=True)
class Ask:
    """These units were asked to carry out a recall, update or replacement."""

    delivery_id: str
    number: int
    units: tuple[str, ...]
    demand: Demand
    asked_by: str
    stage: Stage
    asked_at: str
    entry: Entered


@dataclass(frozen=True, slots=True)
class Answer:
    """How far a demand is with a unit now."""

    delivery_id: str
    number: int
    unit: str
    stage: Stage
    answered_at: str
    reason: str  # "": as it was
    entry: Entered


@dataclass(frozen=True, slots=True)
class Report:
    """A unit's business status."""

    delivery_id: str
    unit: str
    code: str
    reported_at: str
    arrived_at: str
    entry: Entered


@dataclass(frozen=True, slots=True)
class SetLimit:
    """A deadline begins to run, if this leg has none; `is_new` is False for one that was met, missed or warned of."""

    delivery_id: str
    limit: Limit
    entry: Entered
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Say:
    """A statement is on record."""

    issuer: str
    event: str  # the event's code with its leg
    axis_id: str
    recipient: str
    receipt_digest: Digest
    time: str
    entry: Entered


@dataclass(frozen=True, slots=True)
class Refuse:
    """A refusal is kept, in the place of an older one of the same content."""

    sender: str
    digest: Digest
    document_id: str
    receipt_digest: Digest
    retry: bool
    refused_at: str
    entry: Entered


@dataclass(frozen=True, slots=True)
class Repeat:
    """Content that says again what a submission had said is known as that."""

    sender: str
    content_digest: Digest
    axis_id: str
    receipt_digest: Digest
    entry: Entered


@dataclass(frozen=True, slots=True)
class Supersede:
    """Another document takes this one's place."""

    document: Document
    axis_id: str
    entry: Entered


@dataclass(frozen=True, slots=True)
class Send:
    """An outbox row: publish a payload to an agency."""

    code: str
    body_digest: Digest
    proof_digest: Digest
    delivery_id: str  # "" for receipts and registries
    urgent: bool
    not_before: str
    created_at: str
    entry: Entered


@dataclass(frozen=True, slots=True)
class LeaveOut:
    """What was withdrawn is not published any more, unless a worker is about to: that one will see."""

    delivery_id: str
    entry: Entered


@dataclass(frozen=True, slots=True)
class Forget:
    """The parcels of a document that was taken back from everybody are not kept any more."""

    document: Document
    entry: Entered


@dataclass(frozen=True, slots=True)
class PutAside:
    """A message that nobody can deal with is kept for an operator."""

    agency: str
    message_id: str
    user_id: str
    body_digest: Digest
    code: str
    attempts: int
    since: str
    entry: Entered
    document_id: str = ""  # of a receipt that waits for what the record has lost, about which document,
    issuer: str = ""  # and who has signed it

    @property
    def id(self) -> str:
        """What it is found by."""
        return hashlib.sha256(f"{self.agency}/{self.message_id}/{self.body_digest}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class TakeOut:
    """A message that was put aside was dealt with."""

    id: str
    body_digest: Digest
    entry: Entered


@dataclass(frozen=True, slots=True)
class Done:
    """An outbox row was confirmed, or has no meaning any more."""

    row: int
    entry: Entered | None = None  # what a receipt's row ends by is the entry of its receipt


@dataclass(frozen=True, slots=True)
class Postpone:
    """An outbox row is tried again later."""

    row: int
    attempts: int
    not_before: str
    entry: Entered | None = None  # a receipt that waits for its queue has entered nothing new


@dataclass(frozen=True, slots=True)
class Redirect:
    """An outbox row goes to another agency."""

    row: int
    code: str
    proof_digest: Digest | None  # None: as it was
    entry: Entered


@dataclass(frozen=True, slots=True)
class Keep:
    """These bytes are kept under their digest."""

    digest: Digest
    content: bytes


@dataclass(frozen=True, slots=True)
class Sign:
    """The hub signs these statements about a submission; `name` stands for the receipt's digest until then."""

    name: Digest
    axis_id: str
    kind: str
    sender: str
    document_id: str
    content_digest: Digest
    statements: tuple[Statement, ...]
    registry_version: int


Change = (
    Accept
    | Deliver
    | Move
    | Stand
    | Ask
    | Answer
    | Report
    | SetLimit
    | Say
    | Refuse
    | Repeat
    | Supersede
    | Send
    | LeaveOut
    | Forget
    | PutAside
    | TakeOut
    | Done
    | Postpone
    | Redirect
)


@dataclass(frozen=True, slots=True)
class Changes:
    """What was decided for a batch. Receipts are not signed: their names stand for their digests."""

    changes: tuple[Change, ...]
    entries: tuple[Entry, ...]
    receipts: tuple[Sign, ...]
    payloads: tuple[Keep, ...]
    locked: frozenset[Document]
