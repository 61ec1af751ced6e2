"""What the record knows of the documents of a batch, as values; and the questions by which it is asked.

A dossier is what is known of one document, (owner, DocumentId). Only what a rule asks is read: a rule that asks what
was not read raises :class:`NotReadError` with its questions, they are read for the whole batch at once, and the batch
is decided again from the beginning. Deciding changes nothing, so it may be done as often as it takes.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from axis.core.hub.lifecycle import FINAL, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from axis.core.homes import Known
    from axis.core.hub.lifecycle import Demand, Stage
    from axis.core.ledger import Entry

Document = tuple[str, str]  # (the agency that sent it, DocumentId)
Role = Literal["document", "update", "recall", "status"]
OPEN_SHOWN = 128  # more than most decisions can end
Digest = str  # hex SHA-256; of a receipt that is not signed yet its local name, see core/hub/seal.py


@dataclass(frozen=True, slots=True)
class Submission:
    """What was accepted, under its axis id. Times as text (core/instant.py)."""

    axis_id: str
    key: str  # what a repetition is known by
    kind: str
    sender: str
    organ_id: str
    owner: str  # who sent the document that it is or is about
    document_id: str
    code: str
    subject: str
    status_code: str
    priority: int
    content_digest: Digest
    parcel_digest: Digest
    acceptance_digest: Digest
    registry_version: int
    received_at: str
    number: int = 0  # of a recall, an update, or an answer to one: which of the document's it is, from 1
    body_digest: Digest = ""  # the parcel, "" once it was dropped
    has_content: bool = True  # a version of the document

    @property
    def document(self) -> Document:
        """The document that it is or is about."""
        return self.owner, self.document_id


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is on its way to one member, or has come."""

    id: str
    axis_id: str
    recipient: str
    units: tuple[str, ...]
    state: State
    attempts: int
    updated_at: str
    role: Role
    owner: str  # of the document that it brings, or brings something about
    document_id: str
    tried: bool = False  # publishing was tried: only the recipient's adapter can know from then on
    proof_digest: Digest = ""  # another than the submission's A.1
    closed: bool = False  # failed, and nobody tries again
    consigned_at: str = ""  # when its queue took it, while D.1 is owed
    consigned_entry: Digest = ""  # the entry that says so
    owes_at: str = ""  # when D.1 is due; "" when none is owed
    reporters: int = 0  # units that have a business status of it

    @property
    def document(self) -> Document:
        """The document that it brings, or brings something about."""
        return self.owner, self.document_id

    @property
    def is_over(self) -> bool:
        """Final, or nobody tries again: the agency is closed and has no successor, or an operator has said so."""
        return self.state in FINAL or (self.state is State.FAILED and self.closed)


@dataclass(frozen=True, slots=True)
class Demanded:
    """What was asked of the units that a delivery addressed: how far it is with each."""

    number: int  # from 1 for each document
    demand: Demand
    asked_by: str  # axis id
    stages: Mapping[str, Stage]  # by unit


@dataclass(frozen=True, slots=True)
class Limit:
    """By when what must have happened to a delivery."""

    leg: str
    due_at: str
    next_at: str  # when it is looked at next; "" when it is over
    progress: str
    met_at: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A stored refusal: its A.2, whether the same may be accepted later, the parcel that it names ("" for none)."""

    receipt_digest: Digest
    retry: bool
    parcel: Digest


@dataclass(frozen=True, slots=True)
class Said:
    """A statement that is on record."""

    receipt_digest: Digest
    time: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a business object stands (core/types): who has begun it, who has had a document of it, when what says so
    was signed and accepted. Of one key there may be several objects, each with another `owner`."""

    object: Document  # what it is known and locked by: its kind and the digest of its key
    owner: str
    state: str
    parties: tuple[str, ...]
    said_at: str
    changed_at: str


# -- Questions ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ByKey:
    """The submission that took this key."""

    key: str


@dataclass(frozen=True, slots=True)
class ByParcel:
    """The submission that was accepted from this sender with exactly these bytes."""

    sender: str
    parcel_digest: Digest


@dataclass(frozen=True, slots=True)
class ByContent:
    """What this sender's content was accepted as a repetition of: (axis id, digest of its A.1)."""

    sender: str
    content_digest: Digest


@dataclass(frozen=True, slots=True)
class ByName:
    """The submission with this axis id."""

    axis_id: str


@dataclass(frozen=True, slots=True)
class SentAs:
    """What the record holds, under whatever axis id, of a submission that a receipt speaks of."""

    sender: str
    kind: str
    document_id: str
    content_digest: Digest


@dataclass(frozen=True, slots=True)
class OfChange:
    """The submission of this kind about a document with this content."""

    document: Document
    kind: str
    content_digest: Digest


@dataclass(frozen=True, slots=True)
class RefusedAs:
    """The stored refusal of this content (or, where none was verified, of these bytes)."""

    sender: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Recipients:
    """Every delivery that brought the document to somebody first, with what recalls have asked about it."""

    document: Document


@dataclass(frozen=True, slots=True)
class Brought:
    """The delivery that brought the document to this member first, with its business statuses (of many that of
    `reporter` alone), its deadlines, and what recalls have asked about it."""

    document: Document
    recipient: str
    reporter: str = ""  # a unit


@dataclass(frozen=True, slots=True)
class TakingBack:
    """The deliveries that take the document back: of recalls, and of updates that removed it."""

    document: Document


@dataclass(frozen=True, slots=True)
class Updating:
    """The deliveries of updates of the document to this member that are not over or were tried."""

    document: Document
    recipient: str


@dataclass(frozen=True, slots=True)
class Part:
    """The delivery of this submission to this member, with its deadlines and, if they are few, business statuses."""

    axis_id: str
    recipient: str


@dataclass(frozen=True, slots=True)
class ById:
    """The delivery with this id and its submission, with its deadlines and, if they are few, business statuses."""

    delivery_id: str


@dataclass(frozen=True, slots=True)
class Reported:
    """The business status of this unit of a delivery; "" for none."""

    delivery_id: str
    unit: str


@dataclass(frozen=True, slots=True)
class Reports:
    """Every business status of a delivery."""

    delivery_id: str


@dataclass(frozen=True, slots=True)
class Bare:
    """The delivery with this id and its submission, and nothing else of them."""

    delivery_id: str


@dataclass(frozen=True, slots=True)
class Demands:
    """Everything that was asked about this delivery."""

    delivery_id: str


@dataclass(frozen=True, slots=True)
class AskedBy:
    """The deliveries about which this submission has asked something, each with everything asked about it."""

    axis_id: str


@dataclass(frozen=True, slots=True)
class AskedOf:
    """What this submission has asked about the deliveries that brought the document to this member first."""

    axis_id: str
    document: Document
    recipient: str


@dataclass(frozen=True, slots=True)
class LastDemand:
    """The highest number of a demand about the document; 0 for none."""

    document: Document


@dataclass(frozen=True, slots=True)
class Lately:
    """The number of the last change of this kind to the document; of the last CHANGES_A_DAY, when the first `shown`
    were accepted: by these as many new ones are judged."""

    document: Document
    kind: str
    shown: int = 1


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest submission that has the document's content."""

    document: Document


@dataclass(frozen=True, slots=True)
class Own:
    """The submission that is the document itself."""

    document: Document


@dataclass(frozen=True, slots=True)
class HeldUntil:
    """The hour that the document still waits for, as text; "" when it does not wait."""

    document: Document


@dataclass(frozen=True, slots=True)
class Open:
    """The first deliveries that brought the document to somebody, at most `shown`, those that are not over before the
    others: (the ids of those that are not over, how many there are of both, whether no other is open)."""

    document: Document
    shown: int = OPEN_SHOWN


@dataclass(frozen=True, slots=True)
class Receipts:
    """The statements about a submission: (event code with leg, recipient) → the last of them."""

    axis_id: str


@dataclass(frozen=True, slots=True)
class Stated:
    """Whether this was said: the digest of the receipt."""

    issuer: str
    event: str
    axis_id: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Entries:
    """The ledger entries about a submission, in order."""

    axis_id: str


@dataclass(frozen=True, slots=True)
class Homes:
    """The homes that were heard for an agency."""

    agency: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """How many messages of an agency are put aside; or how many receipts wait for what the record has lost."""

    agency: str
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Stands:
    """Where the business objects stand that are known by this."""

    object: Document


Question = (
    ByKey
    | ByParcel
    | ByContent
    | ByName
    | SentAs
    | OfChange
    | RefusedAs
    | Recipients
    | Brought
    | TakingBack
    | Updating
    | Part
    | ById
    | Bare
    | Reported
    | Reports
    | Demands
    | AskedBy
    | AskedOf
    | LastDemand
    | Lately
    | Newest
    | Own
    | HeldUntil
    | Open
    | Receipts
    | Stated
    | Entries
    | Homes
    | Quarantined
    | Stands
)


class NotReadError(Exception):
    """A rule has asked what was not read."""

    def __init__(self, *questions: Question) -> None:
        super().__init__(str(questions))
        self.questions = questions


class Together:
    """Several steps, each of which may ask what was not read: all of it is asked for at once.

    ``with together.step():`` around each; :meth:`ask` after them raises what they have missed. What they have changed
    until then is of no use: it is decided again.
    """

    __slots__ = ("_missing",)

    def __init__(self) -> None:
        self._missing: list[Question] = []

    @contextmanager
    def step(self) -> Iterator[None]:
        """One step; it ends where it asks."""
        try:
            yield
        except NotReadError as error:
            self._missing += error.questions

    def ask(self) -> None:
        """Raises :class:`NotReadError` if a step has missed something."""
        if self._missing:
            raise NotReadError(*self._missing)


@dataclass(slots=True)
class Facts:
    """What was read: rows by their ids, and for each question that was asked which of them are its answer.

    Rows are never altered, only replaced. A question that is missing was not asked.
    """

    submissions: dict[str, Submission] = field(default_factory=dict)  # by axis id
    deliveries: dict[str, Delivery] = field(default_factory=dict)  # by id
    demands: dict[str, dict[int, Demanded]] = field(default_factory=dict)  # by delivery: all, or those of recalls
    business: dict[str, dict[str, str]] = field(default_factory=dict)  # by delivery: status by unit, "" for none
    limits: dict[str, dict[str, Limit]] = field(default_factory=dict)  # by delivery: deadline by leg
    superseded_by: dict[Document, str] = field(default_factory=dict)  # of each locked document
    by_key: dict[str, str | None] = field(default_factory=dict)  # ByKey → axis id
    by_parcel: dict[tuple[str, str], str | None] = field(default_factory=dict)
    by_content: dict[tuple[str, str], tuple[str, Digest] | None] = field(default_factory=dict)
    by_name: dict[str, str | None] = field(default_factory=dict)
    sent_as: dict[SentAs, str | None] = field(default_factory=dict)
    of_change: dict[OfChange, str | None] = field(default_factory=dict)
    refused: dict[tuple[str, str], Refused | None] = field(default_factory=dict)
    recipients: dict[Document, dict[str, str]] = field(default_factory=dict)  # recipient → delivery id
    brought: dict[tuple[Document, str], str | None] = field(default_factory=dict)  # → delivery id
    taking_back: dict[Document, dict[str, str]] = field(default_factory=dict)  # recipient → delivery id, of several one
    updating: dict[tuple[Document, str], tuple[str, ...]] = field(default_factory=dict)  # → delivery ids
    parts: dict[tuple[str, str], str | None] = field(default_factory=dict)  # → delivery id
    by_id: set[str] = field(default_factory=set)  # delivery ids
    all_demands: set[str] = field(default_factory=set)  # delivery ids of which `demands` has everything
    asked_by: dict[str, tuple[str, ...]] = field(default_factory=dict)  # → delivery ids
    asked_of: dict[AskedOf, tuple[tuple[str, int], ...]] = field(default_factory=dict)  # → (delivery id, number)
    single: dict[tuple[str, int], Demanded] = field(default_factory=dict)  # by (delivery id, number): of `asked_of`
    begun: dict[str, None] = field(default_factory=dict)  # axis ids of what the decision itself has accepted
    last_demand: dict[Document, int] = field(default_factory=dict)
    lately: dict[tuple[Document, str], tuple[int, dict[int, str]]] = field(default_factory=dict)  # → number, times
    newest: dict[Document, str | None] = field(default_factory=dict)  # → axis id
    own: dict[Document, str | None] = field(default_factory=dict)  # → axis id
    held_until: dict[Document, str] = field(default_factory=dict)
    open: dict[Document, tuple[tuple[str, ...], int, bool]] = field(default_factory=dict)  # → delivery ids …
    receipts: dict[str, dict[tuple[str, str], Said]] = field(default_factory=dict)
    stated: dict[Stated, Digest | None] = field(default_factory=dict)
    entries: dict[str, tuple[Entry, ...]] = field(default_factory=dict)  # by axis id
    homes: dict[str, tuple[Known, ...]] = field(default_factory=dict)
    quarantined: dict[tuple[str, bool], int] = field(default_factory=dict)
    standing: dict[Document, tuple[Standing, ...]] = field(default_factory=dict)

    def know_empty(self, document: Document) -> None:
        """Nobody has ever spoken of this document: so much is known without asking."""
        self.recipients[document] = {}
        self.taking_back[document] = {}
        self.last_demand[document] = 0
        self.newest[document] = self.own[document] = None
        self.held_until[document] = ""
        self.open[document] = ((), 0, True)
        self.superseded_by[document] = ""

    def copy(self) -> Facts:
        """One that can be altered without altering this one."""
        return Facts(**{name: getattr(self, name).copy() for name in self.__slots__})
