"""The hub's record: submissions, deliveries, receipts, the outbox and the ledger.

:class:`HubTransaction` has no method that changes a state without writing its ledger entry: both are rows
of the same transaction, and so are the outbox rows that follow from them. UNIQUE keys decide what is a
repetition.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis import crashpoints
from axis.core import ledger, lifecycle
from axis.core.admission import Asked
from axis.core.deadline import Progress
from axis.core.edxml_packet import Kind
from axis.core.edxml_values import same_id
from axis.core.homes import Known
from axis.core.instant import from_text, to_text
from axis.core.ledger import Entry
from axis.core.lifecycle import Demand, Stage, State, Step
from axis.core.message import Message
from axis.core.receipt import Event
from axis.core.trust import HUB
from axis.errors import Corrupted, Fault, Problem
from axis.infra import payloads
from axis.infra.database import Database, LateRows, insert_all_or_ignore, insert_or_ignore, upsert
from axis.infra.mark import Written
from axis.infra.record import changes, dossiers
from axis.infra.record import outbox as outboxes
from axis.infra.record.tables import (
    BODY_REFERENCES,
    PAYLOAD_REFERENCES,
    TABLES,
    adapter_home,
    attempt,
    business,
    deadline,
    delivery,
    demand,
    document,
    lease,
    ledger_entry,
    outbox,
    quarantine,
    refusal,
    registry_version,
    repetition,
    statement,
    submission,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from sqlalchemy.engine import Connection, RowMapping

    from axis.core.admission import Addressee, Candidate
    from axis.core.deadline import Term
    from axis.core.hub.dossier import Document, Facts, Question, Role
    from axis.core.hub.seal import Sealed
    from axis.core.receipt import Statement, Subject
    from axis.infra.mark import Mark
    from axis.infra.record.outbox import Due

__all__ = ["BODY_REFERENCES", "PAYLOAD_REFERENCES", "TABLES"]
LEASE = timedelta(seconds=10)
RESTORED = "record.restored"  # the entry of a record that was put back to an older backup
_UNANSWERED = (State.QUEUED.value, State.FAILED.value)


@dataclass(frozen=True)
class Claim:
    """What one worker publishes: rows, their messages, and the transaction that records the outcome. `damaged`: rows
    that cannot be published, each with the digest of the bytes that are missing or altered."""

    due: list[Due]
    messages: list[Message]
    damaged: list[tuple[Due, str]]
    recording: Callable[[], AbstractContextManager[HubTransaction]]

    def keep(self, places: Sequence[int]) -> None:
        """Only what stands at these places is published now; the rest stays as it is."""
        self.due[:] = [self.due[place] for place in places]
        self.messages[:] = [self.messages[place] for place in places]


class HubStore:
    """The hub's record in one database."""

    def __init__(self, database: Database, references: payloads.References = BODY_REFERENCES) -> None:
        """`references`: every column in this database that may name a parcel."""
        self.database = database
        self._references = references

    @contextmanager
    def transaction(self) -> Iterator[HubTransaction]:
        """One transaction: everything in the block is kept, or nothing."""
        with self.database.begin() as connection:
            tx = HubTransaction(connection, self._references)
            yield tx
            tx.late.insert()

    @contextmanager
    def reading(self) -> Iterator[HubReader]:
        """One consistent state of the record, to read from."""
        with self.database.read() as connection:
            yield HubReader(connection)

    def guard(self, mark: Mark) -> None:
        """From now on nothing is read or written on a connection before the record behind it was found to hold what
        `mark` says; :class:`Corrupted` RECORD_OLD is raised where it does not."""
        self.database.judge = lambda connection: HubReader(connection).check(mark)

    @contextmanager
    def claim(
        self, now: datetime, limit: int, excluded: Sequence[str] = (), held: Mapping[str, bytes] | None = None
    ) -> Iterator[Claim]:
        """Outbox rows that are due and, within the block, no other worker's. `held`: bytes that are in memory.

        PostgreSQL: they are locked, others pass over them, and what :meth:`Claim.recording` writes is committed
        with the block's end; a dead worker's locks end with its connection. SQLite has one working process.
        """
        if self.database.is_sqlite:
            with self.reading() as reader:
                due = outboxes.due(reader.connection, now, limit, excluded)
                claimed = outboxes.messages(reader.connection, due, held or {})
            yield Claim(*claimed, self.transaction)
            return
        with self.transaction() as tx:
            due = outboxes.due(tx.connection, now, limit, excluded, lock=True)
            yield Claim(*outboxes.messages(tx.connection, due, held or {}), lambda: nullcontext(tx))


class HubReader:
    """Questions to the record."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def accepted_by_key(self, key: str) -> RowMapping | None:
        """The submission that took `key`."""
        return self._one(sa.select(submission).where(submission.c.key == key))

    def accepted_by_parcel(self, sender: str, parcel_digest: str) -> RowMapping | None:
        """The submission that was accepted with exactly these bytes."""
        return self._one(
            sa.select(submission).where(submission.c.parcel_digest == parcel_digest, submission.c.sender == sender)
        )

    def refusal(self, sender: str, digest: str) -> RowMapping | None:
        """The stored refusal of this content (or, where none was verified, of these bytes)."""
        return self._one(sa.select(refusal).where(refusal.c.sender == sender, refusal.c.digest == digest))

    def submission(self, axis_id: str) -> RowMapping | None:
        """The submission with this axis id."""
        return self._one(sa.select(submission).where(submission.c.axis_id == axis_id))

    def delivery(self, axis_id: str, recipient: str) -> RowMapping | None:
        """The delivery of this submission to this member."""
        return self._one(sa.select(delivery).where(delivery.c.axis_id == axis_id, delivery.c.recipient == recipient))

    def delivery_of_document(self, owner: str, document_id: str, recipient: str) -> RowMapping | None:
        """The delivery that brought `owner`'s document to `recipient`."""
        return self.recipients(owner, document_id, recipient).get(recipient)

    def recipients(self, owner: str, document_id: str, only: str = "") -> dict[str, RowMapping]:
        """The deliveries that brought this document, by recipient: of the document itself, or of the update that added
        the recipient. Empty for a document that is not known."""
        query = (
            sa.select(delivery)
            .join(submission)
            .where(
                submission.c.owner == owner,
                submission.c.document_id == document_id,
                submission.c.kind.in_(("new", "update", "replace")),
                delivery.c.role == "document",
            )
        )
        if only:
            query = query.where(delivery.c.recipient == only)
        return {row["recipient"]: row for row in self.connection.execute(query).mappings()}

    def brought(self, owner: str, document_id: str, recipient: str) -> Sequence[RowMapping]:
        """The deliveries of this document and of its updates to one recipient."""
        query = (
            sa.select(delivery)
            .join(submission)
            .where(
                submission.c.owner == owner,
                submission.c.document_id == document_id,
                delivery.c.recipient == recipient,
                delivery.c.role.in_(("document", "update")),
            )
        )
        return self.connection.execute(query).mappings().all()

    def asked_back(self, owner: str, document_id: str) -> dict[str, RowMapping]:
        """The deliveries that take this document back, by recipient: of recalls, and of updates that removed it."""
        query = (
            sa.select(delivery)
            .join(submission)
            .where(submission.c.owner == owner, submission.c.document_id == document_id, delivery.c.role == "recall")
        )
        return {row["recipient"]: row for row in self.connection.execute(query).mappings()}

    def recalled_by(self, owner: str, document_id: str) -> dict[str, str]:
        """The axis id of the first recall of this document (or of the update that removed it), by recipient."""
        query = (
            sa.select(delivery.c.recipient, demand.c.asked_by)
            .join(demand, demand.c.delivery_id == delivery.c.id)
            .join(submission, submission.c.axis_id == delivery.c.axis_id)
            .where(submission.c.owner == owner, submission.c.document_id == document_id)
            .where(demand.c.demand == Demand.RECALL.value)
            .order_by(demand.c.number.desc())
        )
        return {row.recipient: row.asked_by for row in self.connection.execute(query)}

    def demands(self, delivery_ids: Sequence[str]) -> dict[str, list[Asked]]:
        """What was asked about each of these deliveries, in order."""
        found: dict[str, dict[int, Asked]] = {}
        query = sa.select(demand).where(demand.c.delivery_id.in_(delivery_ids)).order_by(demand.c.number)
        for row in self.connection.execute(query).mappings():
            kind = Demand(row["demand"])
            one = found.setdefault(row["delivery_id"], {}).setdefault(row["number"], Asked(row["number"], kind, {}))
            one.stages[row["unit"]] = Stage(row["stage"])
        return {delivery_id: list(numbers.values()) for delivery_id, numbers in found.items()}

    def asked_by(self, delivery_id: str, number: int) -> str:
        """The axis id of the submission that made this demand."""
        query = sa.select(demand.c.asked_by).where(demand.c.delivery_id == delivery_id, demand.c.number == number)
        return str(self.connection.execute(query.limit(1)).scalar() or "")

    def demands_by(self, axis_id: str) -> Sequence[RowMapping]:
        """What this recall, update or replacement asked, with the recipient."""
        query = sa.select(demand, delivery.c.recipient).join(delivery, delivery.c.id == demand.c.delivery_id)
        query = query.where(demand.c.asked_by == axis_id).order_by(delivery.c.recipient, demand.c.unit)
        return self.connection.execute(query).mappings().all()

    def submissions_of(self, owner: str, document_id: str, kinds: Sequence[str]) -> Sequence[RowMapping]:
        """Submissions of these kinds about this document, in order of acceptance."""
        query = sa.select(submission).where(
            submission.c.owner == owner, submission.c.document_id == document_id, submission.c.kind.in_(kinds)
        )
        return self.connection.execute(query.order_by(submission.c.axis_id)).mappings().all()

    def deadlines(self, delivery_ids: Sequence[str]) -> dict[str, dict[str, RowMapping]]:
        """The deadlines of these deliveries by leg."""
        found: dict[str, dict[str, RowMapping]] = {}
        query = sa.select(deadline).where(deadline.c.delivery_id.in_(delivery_ids))
        for row in self.connection.execute(query).mappings():
            found.setdefault(row["delivery_id"], {})[row["leg"]] = row
        return found

    def deadlines_at(self, now: datetime, limit: int) -> Sequence[RowMapping]:
        """Deadlines whose warning or end has come, the oldest first."""
        query = sa.select(deadline).where(deadline.c.next_at != "", deadline.c.next_at <= to_text(now))
        return self.connection.execute(query.order_by(deadline.c.next_at).limit(limit)).mappings().all()

    def evidence(self, axis_id: str) -> dict[tuple[str, str], RowMapping]:
        """The receipts about a submission by (event code, recipient), of several the last."""
        return {(row["event"], row["recipient"]): row for row in self.receipts(axis_id)}

    def receipts(self, axis_id: str) -> Sequence[RowMapping]:
        """Every statement of a receipt about a submission, by time."""
        query = sa.select(statement).where(statement.c.axis_id == axis_id).order_by(statement.c.time)
        return self.connection.execute(query).mappings().all()

    def receipts_for(self, sender: str, since: datetime, after: str, limit: int) -> list[str]:
        """The digests of the receipts that were given to a member about what it had sent, from a moment on, and do not
        wait to be sent; those after `after`, in order."""
        moment = to_text(since)
        about = sa.select(statement.c.receipt_digest.label("digest")).join(
            submission, submission.c.axis_id == statement.c.axis_id
        )
        given = about.where(submission.c.sender == sender, statement.c.time >= moment)
        refused = sa.select(refusal.c.receipt_digest).where(refusal.c.sender == sender, refusal.c.refused_at >= moment)
        both = sa.union(given, refused).subquery()
        waits = sa.exists().where(outbox.c.body_digest == both.c.digest, outbox.c.code == sender)
        query = sa.select(both.c.digest).where(both.c.digest > after, ~waits).order_by(both.c.digest).limit(limit)
        return list(self.connection.execute(query).scalars())

    def given_by(self, agency: str, since: datetime, after: str, limit: int) -> list[str]:
        """The digests of the receipts that this agency has given as a recipient from a moment on, those that wait for
        what the record has lost among them; those after `after`, in order."""
        kept = sa.select(statement.c.receipt_digest.label("digest")).where(
            statement.c.issuer == agency, statement.c.time >= to_text(since)
        )
        given = sa.union(kept, sa.select(quarantine.c.body_digest).where(quarantine.c.issuer == agency)).subquery()
        query = sa.select(given.c.digest).where(given.c.digest > after).order_by(given.c.digest).limit(limit)
        return list(self.connection.execute(query).scalars())

    def sound_payloads(self, digests: Sequence[str]) -> dict[str, bytes]:
        """Stored bytes by digest; without those that are missing or altered."""
        return payloads.get_sound(self.connection, digests)

    def certificate(self, axis_id: str) -> tuple[str, set[str]]:
        """(digest, recipients) of a document's certificate of distribution; of several the last, which speaks of all
        that those before it spoke of; nobody where there is none."""
        spoken_of: dict[str, set[str]] = {}
        for row in self.receipts(axis_id):
            if row["event"] == Event.DistributionCertificate.code:
                spoken_of.setdefault(row["receipt_digest"], set()).add(row["recipient"])
        return max(spoken_of.items(), key=lambda one: len(one[1]), default=("", set()))

    def quarantined_of(self, agency: str, *, waiting: bool = False) -> int:
        """How many messages of this agency are put aside; or how many receipts wait for what the record has lost."""
        which = quarantine.c.document_id != "" if waiting else quarantine.c.document_id == ""
        query = sa.select(sa.func.count()).select_from(quarantine).where(quarantine.c.agency == agency, which)
        return int(self.connection.execute(query).scalar_one())

    def waiting_about(self, document_ids: Sequence[str]) -> Sequence[RowMapping]:
        """The receipts about these documents that wait for what the record has lost, the oldest first."""
        query = sa.select(quarantine).where(quarantine.c.document_id.in_(document_ids))
        return self.connection.execute(query.order_by(quarantine.c.since, quarantine.c.id)).mappings().all()

    def attempts(self, digests: Sequence[str]) -> dict[tuple[str, str], tuple[int, bool]]:
        """(how often it failed by its own fault, whether an attempt was begun and not ended) of those of these messages
        that were judged alone before, by queue and digest."""
        rows = self.connection.execute(sa.select(attempt).where(attempt.c.message_id.in_(list(digests)))).mappings()
        return {(row["queue"], row["message_id"]): (row["count"], row["is_open"]) for row in rows}

    def last_accepted(self, but: str) -> tuple[str, bytes] | None:
        """(sender, parcel) of the document that was accepted last and whose parcel is kept whole; not these bytes."""
        query = sa.select(submission).where(submission.c.body_digest.not_in(("", but)), submission.c.kind == "new")
        rows = self.connection.execute(query.order_by(submission.c.axis_id.desc()).limit(5)).mappings().all()
        for row in rows:
            if found := payloads.get_sound(self.connection, [row["body_digest"]]):
                return row["sender"], found[row["body_digest"]]
        return None

    def deliveries_to(self, recipient: str) -> Sequence[RowMapping]:
        """Everything that was ever on its way to a member, with what it belongs to, in order."""
        query = (
            sa.select(delivery, submission.c.sender, submission.c.document_id, submission.c.code, submission.c.kind)
            .join(submission)
            .where(delivery.c.recipient == recipient)
        )
        return self.connection.execute(query.order_by(delivery.c.id)).mappings().all()

    def refusals_of(self, sender: str) -> Sequence[RowMapping]:
        """What a member has submitted and was refused, in order."""
        query = sa.select(refusal).where(refusal.c.sender == sender).order_by(refusal.c.refused_at)
        return self.connection.execute(query).mappings().all()

    def failed(self) -> Sequence[RowMapping]:
        """Deliveries that were given up or are overdue, and that nobody has decided about, the oldest first."""
        query = (
            sa.select(delivery, submission.c.sender, submission.c.document_id)
            .join(submission)
            .where(delivery.c.state == State.FAILED.value, delivery.c.closed.is_(False))
        )
        return self.connection.execute(query.order_by(delivery.c.updated_at)).mappings().all()

    def quarantined_with(self, fault: str, after: str, limit: int) -> Sequence[RowMapping]:
        """Messages that were put aside for this reason, by id from `after` on."""
        query = sa.select(quarantine).where(quarantine.c.code == fault, quarantine.c.id > after)
        return self.connection.execute(query.order_by(quarantine.c.id).limit(limit)).mappings().all()

    def quarantined(self) -> Sequence[RowMapping]:
        """Messages that were put aside, the oldest first."""
        return self.connection.execute(sa.select(quarantine).order_by(quarantine.c.since)).mappings().all()

    def quarantine_row(self, identifier: str) -> RowMapping | None:
        """One of them."""
        return self._one(sa.select(quarantine).where(quarantine.c.id == identifier))

    def sendable(self, delivery_id: str) -> RowMapping:
        """A delivery with what :meth:`HubTransaction.send_again` needs."""
        columns = (submission.c.body_digest, submission.c.acceptance_digest, submission.c.priority)
        query = sa.select(delivery, *columns).join(submission).where(delivery.c.id == delivery_id)
        return self.connection.execute(query).mappings().one()

    def sendable_again(
        self, axis_id: str, recipient: str, since: datetime | None, until: datetime | None, *, answered: bool
    ) -> Sequence[RowMapping]:
        """Deliveries of what was accepted within a time (of one submission, to one member, where these are given) whose
        parcel is kept, with what :meth:`HubTransaction.send_again` needs. Withdrawn ones are never sent again."""
        columns = (
            submission.c.body_digest,
            submission.c.acceptance_digest,
            submission.c.priority,
            submission.c.document_id,
            submission.c.sender,
        )
        query = (
            sa.select(delivery, *columns)
            .join(submission)
            .where(submission.c.body_digest != "", delivery.c.state != State.RECALLED.value)
        )
        if not answered:
            query = query.where(delivery.c.state.in_(_UNANSWERED))
        if axis_id:
            query = query.where(delivery.c.axis_id == axis_id)
        if recipient:
            query = query.where(delivery.c.recipient == recipient)
        if since is not None:
            query = query.where(submission.c.received_at >= to_text(since))
        if until is not None:
            query = query.where(submission.c.received_at <= to_text(until))
        return self.connection.execute(query.order_by(submission.c.axis_id, delivery.c.recipient)).mappings().all()

    def documents_of(self, about: RowMapping) -> list[str]:
        """The axis ids of the document that a submission is, or is about."""
        kinds = ("new", "replace")
        if about["kind"] in kinds:
            return [str(about["axis_id"])]
        return [str(row["axis_id"]) for row in self.submissions_of(about["owner"], about["document_id"], kinds)]

    def superseded_by(self, sender: str, document_id: str) -> str:
        """The axis id of the document that took this one's place; "" for none."""
        query = sa.select(document.c.superseded_by)
        query = query.where(document.c.sender == sender, document.c.document_id == document_id)
        return str(self.connection.execute(query).scalar() or "")

    def instead_of(self, documents: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """(sender, DocumentId) of the documents that have taken the place of these."""
        named = [one for document in documents if (one := self.superseded_by(*document))]
        query = sa.select(submission.c.owner, submission.c.document_id).where(submission.c.axis_id.in_(named))
        return {(row.owner, row.document_id) for row in self.connection.execute(query)} if named else set()

    def documents_of_submissions(self, axis_ids: Collection[str]) -> set[tuple[str, str]]:
        """(sender, DocumentId) of the documents that these submissions are, or are about."""
        query = sa.select(submission.c.owner, submission.c.document_id).where(submission.c.axis_id.in_(axis_ids))
        return {(row.owner, row.document_id) for row in self.connection.execute(query)} if axis_ids else set()

    def repetition(self, sender: str, content_digest: str) -> RowMapping | None:
        """What this content was accepted as a repetition of."""
        where = (repetition.c.sender == sender, repetition.c.content_digest == content_digest)
        return self._one(sa.select(repetition).where(*where))

    def business(self, delivery_id: str) -> dict[str, str]:
        """Business status by unit."""
        rows = self.connection.execute(
            sa.select(business.c.unit, business.c.code).where(business.c.delivery_id == delivery_id)
        )
        return {row.unit: row.code for row in rows}

    def deliveries(self, axis_id: str) -> Sequence[RowMapping]:
        """All deliveries of a submission, by recipient."""
        query = sa.select(delivery).where(delivery.c.axis_id == axis_id).order_by(delivery.c.recipient)
        return self.connection.execute(query).mappings().all()

    def statement(self, issuer: str, event: str, axis_id: str, recipient: str) -> str | None:
        """The digest of the receipt that holds this statement."""
        return self.connection.execute(
            sa.select(statement.c.receipt_digest).where(
                statement.c.issuer == issuer,
                statement.c.event == event,
                statement.c.axis_id == axis_id,
                statement.c.recipient == recipient,
            )
        ).scalar()

    def owed_at(self, now: datetime | None, limit: int) -> list[str]:
        """The ids of deliveries that owe a D.1 now, the oldest first; of all that owe one, if no moment is given."""
        query = sa.select(delivery.c.id).where(delivery.c.owes_at != "")
        if now is not None:
            query = query.where(delivery.c.owes_at <= to_text(now))
        return list(self.connection.execute(query.order_by(delivery.c.owes_at).limit(limit)).scalars())

    def documents_named(self, axis_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """(sender, DocumentId) of the documents that these submissions are or are about, by axis id."""
        query = sa.select(submission.c.axis_id, submission.c.owner, submission.c.document_id)
        query = query.where(submission.c.axis_id.in_(axis_ids))
        return {r.axis_id: (r.owner, r.document_id) for r in self.connection.execute(query)} if axis_ids else {}

    def documents_of_deliveries(self, delivery_ids: Sequence[str]) -> list[tuple[str, str]]:
        """(sender, DocumentId) of the documents that these deliveries bring, or bring something about."""
        query = sa.select(delivery.c.owner, delivery.c.document_id).where(delivery.c.id.in_(delivery_ids)).distinct()
        return [(row.owner, row.document_id) for row in self.connection.execute(query)] if delivery_ids else []

    def waiting(self, excluded: Sequence[str] = ()) -> tuple[int, datetime | None]:
        """(outbox rows left, the earliest time one of them is due), none of `excluded`."""
        count, first = self.connection.execute(
            sa.select(sa.func.count(), sa.func.min(outbox.c.not_before)).where(outbox.c.code.not_in(list(excluded)))
        ).one()
        return count, from_text(first) if first else None

    def written(self) -> Written:
        """How far the record goes: the last linked entry (0 and the first link's predecessor when there is none), the
        last entry of all, and the newest registry."""
        last = self.connection.execute(
            sa.select(ledger_entry.c.position, ledger_entry.c.link)
            .where(ledger_entry.c.position.is_not(None))
            .order_by(ledger_entry.c.position.desc())
            .limit(1)
        ).first()
        version = self.connection.execute(sa.select(sa.func.max(registry_version.c.version))).scalar() or 0
        newest = sa.select(ledger_entry.c.id, ledger_entry.c.digest).order_by(ledger_entry.c.id.desc()).limit(1)
        entry = self.connection.execute(newest).first()
        position, link = (last.position, last.link) if last else (0, ledger.GENESIS)
        return Written(position, link, version, *((entry.id, entry.digest) if entry else (0, "")))

    def holds(self, written: Written) -> bool:
        """Whether the record still has what was written once."""
        if written.position and self.link_at(written.position) != written.link:
            return False
        query = sa.select(ledger_entry.c.digest).where(ledger_entry.c.id == written.entry)
        return not written.entry or self.connection.execute(query).scalar() == written.digest

    def check(self, mark: Mark) -> None:
        """Raises :class:`Corrupted` RECORD_OLD unless the record still has what `mark` says."""
        written = mark.read()
        if written is not None and not self.holds(written):
            end = self.written()
            linked = written.position > end.position  # else what had no place yet is missing, or it goes on differently
            ends = [str(one.position) if linked else f"{one.position}/{one.entry}" for one in (end, written)]
            raise Corrupted(Problem(Fault.RECORD_OLD, got=ends[0], expected=ends[1]))

    def restored(self) -> datetime | None:
        """When this record was last found to lack what it had held; None when it never was. Looks through the entries
        that are about no submission."""
        about_nothing = sa.select(ledger_entry.c.canonical).where(ledger_entry.c.axis_id == "")
        query = about_nothing.where(ledger_entry.c.canonical.contains(f'"event":"{RESTORED}"', autoescape=True))
        canonical = self.connection.execute(query.order_by(ledger_entry.c.id.desc()).limit(1)).scalar()
        return ledger.read(canonical).time if canonical else None

    def sent_as(self, about: Subject) -> RowMapping | None:
        """What this record holds, under whatever axis id, of the submission that a receipt speaks of."""
        same = (
            submission.c.document_id == same_id(about.document_id),
            submission.c.content_digest == about.content_digest,
            submission.c.sender == about.sender,
            submission.c.kind == about.kind,
        )
        return self._one(sa.select(submission).where(*same).limit(1))

    def last_moment(self) -> datetime | None:
        """The time of the last entry that was written; None when there is none."""
        query = sa.select(ledger_entry.c.canonical).order_by(ledger_entry.c.id.desc()).limit(1)
        canonical = self.connection.execute(query).scalar()
        return ledger.read(canonical).time if canonical else None

    def link_at(self, position: int) -> str:
        """The link of the entry at `position`; "" where there is none."""
        query = sa.select(ledger_entry.c.link).where(ledger_entry.c.position == position)
        return str(self.connection.execute(query).scalar() or "")

    def unlinked(self) -> bool:
        """Whether the ledger has entries without a position."""
        query = sa.select(ledger_entry.c.id).where(ledger_entry.c.position.is_(None)).limit(1)
        return self.connection.execute(query).first() is not None

    def waiting_for(self, delivery_id: str) -> RowMapping | None:
        """The outbox row of a delivery that is not published yet."""
        return self._one(sa.select(outbox).where(outbox.c.delivery_id == delivery_id))

    def open_of(self, code: str) -> tuple[int, int]:
        """(outbox rows for this agency, its deliveries that were consigned or given up and have no receipt)."""
        waiting = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.code == code)
        unanswered = sa.select(sa.func.count()).where(delivery.c.recipient == code, delivery.c.state.in_(_UNANSWERED))
        execute = self.connection.execute
        return int(execute(waiting).scalar_one()), int(execute(unanswered).scalar_one())

    def unanswered(self, code: str, before: datetime, after: str, limit: int) -> Sequence[RowMapping]:
        """This agency's deliveries that were consigned or given up before `before` and have no receipt, by id from
        `after` on, with what sending them takes; `waits`: it is in the outbox."""
        waits = sa.exists(sa.select(outbox.c.id).where(outbox.c.delivery_id == delivery.c.id)).label("waits")
        columns = (
            submission.c.body_digest,
            submission.c.acceptance_digest,
            submission.c.priority,
        )
        query = (
            sa.select(delivery, *columns, waits)
            .join(submission)
            .where(
                delivery.c.recipient == code,
                delivery.c.state.in_(_UNANSWERED),
                delivery.c.updated_at <= to_text(before),
                delivery.c.id > after,
                submission.c.body_digest != "",
                delivery.c.closed.is_(False),
            )
            .order_by(delivery.c.id)
            .limit(limit)
        )
        return self.connection.execute(query).mappings().all()

    def counts(self) -> dict[str, int]:
        """Documents (not statuses), their deliveries, those handed over, and receipt statements issued."""
        is_document = submission.c.kind != "status"
        of_documents = sa.select(sa.func.count()).select_from(delivery.join(submission)).where(is_document)
        queries = {
            "documents": sa.select(sa.func.count()).select_from(submission).where(is_document),
            "deliveries": of_documents,
            "handed_over": of_documents.where(delivery.c.state == State.HANDED_OVER.value),
            "receipts": sa.select(sa.func.count()).select_from(statement),
            "open": of_documents.where(delivery.c.state.in_((State.ACCEPTED.value, State.QUEUED.value))),
        }
        return {name: int(self.connection.execute(query).scalar_one()) for name, query in queries.items()}

    def payload(self, digest: str) -> bytes:
        """Stored bytes; b"" for an empty digest. Raises :class:`Corrupted` BODY_CORRUPT."""
        return payloads.get(self.connection, digest) if digest else b""

    def clock(self) -> datetime | None:
        """What time it is for the database server; None where that is this process."""
        if self.connection.dialect.name == "sqlite":
            return None
        moment: datetime = self.connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return moment

    def registry_digest(self) -> str:
        """The digest of the newest registry's parcel. Raises :class:`Corrupted` when there is none."""
        digest = self.connection.execute(
            sa.select(registry_version.c.digest).order_by(registry_version.c.version.desc()).limit(1)
        ).scalar()
        if digest is None:
            raise Corrupted(Problem(Fault.REGISTRY_INVALID, got="no registry in the store"))
        return str(digest)

    def entries(self, axis_id: str) -> list[tuple[int, Entry]]:
        """(insertion number, entry) of a submission's ledger entries in order."""
        rows = self.connection.execute(
            sa.select(ledger_entry.c.id, ledger_entry.c.canonical)
            .where(ledger_entry.c.axis_id == axis_id)
            .order_by(ledger_entry.c.id)
        )
        return [(row.id, ledger.read(row.canonical)) for row in rows]

    def _one(self, query: sa.Select[Any]) -> RowMapping | None:
        return self.connection.execute(query).mappings().first()


class HubTransaction(HubReader):
    """Changes to the record, each with its ledger entry. Made by :meth:`HubStore.transaction`."""

    def __init__(self, connection: Connection, references: payloads.References) -> None:
        super().__init__(connection)
        self._references = references
        self._locked: set[tuple[str, str]] = set()
        self.late = LateRows(connection)

    def lock(self, documents: Collection[Document]) -> Facts:
        """Nobody else changes anything about these documents until the transaction ends; what that tells of them.
        Once in a transaction: a second lock may wait for who waits for the first."""
        facts = dossiers.lock(self.connection, documents)
        self._locked.update(documents)
        return facts

    def read(self, questions: Iterable[Question], facts: Facts) -> None:
        """Put the answer to each of `questions` into `facts`."""
        self.late.insert()
        dossiers.read(self.connection, questions, facts)

    def write(self, sealed: Sealed) -> None:
        """Write what was decided. Raises :class:`axis.core.hub.draft.NotLockedError`, and has written nothing, where it
        changes a document that is not locked."""
        self.late.insert()
        changes.write(self.connection, sealed, self._references)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What the block changed is undone when it raises; the transaction goes on."""
        with self.late.undone_with(self.connection.begin_nested()):
            yield

    def enter(self, entry: Entry) -> str:
        """Append `entry`, not yet in sequence; its digest."""
        digest = entry.digest
        self.late.add(ledger_entry, {"digest": digest, "canonical": entry.canonical, "axis_id": entry.axis_id})
        return digest

    def accept(
        self,
        candidate: Candidate,
        key: str,
        number: int,
        entry: Entry,
        version: int,
        parcel: bytes,
        acceptance: bytes,
        statement: Statement,
        now: datetime,
    ) -> tuple[str, str] | None:
        """Take `key`, with parcel, ledger entry and the A.1 receipt, which is sent to the sender;
        (the parcel's digest, the receipt's), None if the key is taken.

        The caller completes it with :meth:`add_delivery` in this transaction.
        """
        packet = candidate.packet
        parcel_digest, receipt_digest = payloads.digest_of(parcel), payloads.digest_of(acceptance)
        row = {
            "axis_id": entry.axis_id,
            "key": key,
            "kind": candidate.kind.value,
            "sender": candidate.sender,
            "organ_id": packet.sender.organ_id,
            "owner": candidate.owner,
            "document_id": packet.target,
            "code": packet.code[:200],  # it is indexed, and of a status only a warning bounds it
            "subject": packet.subject,
            "status_code": packet.status_code,
            "priority": packet.priority,
            "content_digest": candidate.parcel.content_digest,
            "parcel_digest": parcel_digest,
            "acceptance_digest": receipt_digest,
            "registry_version": version,
            "received_at": to_text(now),
            "number": number,
            "body_digest": parcel_digest,
            "has_content": candidate.kind in {Kind.NEW, Kind.REPLACE} or packet.changes_content,
        }
        if not insert_or_ignore(self.connection, submission, row):
            return None
        payloads.put_late(self.connection, self.late, parcel)
        self.enter(entry)
        self.issue(entry.axis_id, acceptance, [statement], candidate.sender, now)
        return parcel_digest, receipt_digest

    def refuse(
        self,
        sender: str,
        digest: str,
        document_id: str,
        receipt: bytes,
        *,
        retry: bool,
        codes: Sequence[str],
        now: datetime,
    ) -> None:
        """Keep the A.2 receipt under (sender, digest) and send it to the sender."""
        receipt_digest = payloads.put_late(self.connection, self.late, receipt)
        upsert(
            self.connection,
            refusal,
            {
                "sender": sender,
                "digest": digest,
                "document_id": document_id,
                "receipt_digest": receipt_digest,
                "retry": retry,
                "refused_at": to_text(now),
            },
            ("sender", "digest"),
        )
        self.send(sender, receipt_digest, now)

    def add_delivery(
        self,
        axis_id: str,
        delivery_id: str,
        addressee: Addressee,
        role: Role,
        now: datetime,
        *,
        tried: bool,
        proof: str = "",
    ) -> None:
        """A delivery to one member; `tried`: it may have been published before. Its entry is the submission's, which
        names all recipients."""
        owner, document_id = (
            sa.select(column).where(submission.c.axis_id == axis_id).scalar_subquery()
            for column in (submission.c.owner, submission.c.document_id)
        )
        self.connection.execute(
            sa.insert(delivery).values(
                id=delivery_id,
                axis_id=axis_id,
                recipient=addressee.code,
                units=list(addressee.units),
                state=State.ACCEPTED.value,
                attempts=0,
                updated_at=to_text(now),
                role=role,
                tried=tried,
                proof_digest=proof,
                closed=addressee.closed,
                owner=owner,
                document_id=document_id,
            )
        )

    def quarantine(
        self,
        agency: str,
        message_id: str,
        user_id: str,
        body: bytes,
        code: str,
        attempts: int,
        now: datetime,
        *,
        document_id: str = "",
        issuer: str = "",
    ) -> bool:
        """Put a message aside with its bytes; False if it was there already. Its entry is the refusal's, the receipt's,
        or the caller's. `document_id`, `issuer`: of a receipt that waits for what the record has lost."""
        digest = payloads.put_late(self.connection, self.late, body)
        row = {
            "id": payloads.digest_of(f"{agency}/{message_id}/{digest}".encode())[:16],
            "agency": agency,
            "message_id": message_id,
            "user_id": user_id,
            "body_digest": digest,
            "code": code,
            "attempts": attempts,
            "since": to_text(now),
            "document_id": document_id,
            "issuer": issuer,
        }
        return insert_or_ignore(self.connection, quarantine, row)

    def leave_quarantine(self, row: RowMapping, entry: Entry) -> None:
        """An operator has decided about a message: off the list with it, and its bytes with it, unless they are named
        by something else."""
        self.connection.execute(sa.delete(quarantine).where(quarantine.c.id == row["id"]))
        payloads.release(self.connection, row["body_digest"], (*self._references, *PAYLOAD_REFERENCES))
        self.enter(entry)

    def close_delivery(self, delivery_id: str, entry: Entry) -> None:
        """Nobody tries this delivery again by itself; should it be handed over after all, that counts."""
        self.connection.execute(sa.update(delivery).where(delivery.c.id == delivery_id).values(closed=True))
        self.enter(entry)

    def keep_proof(self, receipt: bytes) -> str:
        """Keep an A.1 that a delivery is proved by, beside the submission's own; its digest."""
        return payloads.put_late(self.connection, self.late, receipt)

    def repeated(self, sender: str, content_digest: str, axis_id: str, receipt: bytes, now: datetime) -> None:
        """Keep the A.1 for content that says again what submission `axis_id` had said, and send it to the sender."""
        digest = payloads.put_late(self.connection, self.late, receipt)
        row = {"sender": sender, "content_digest": content_digest, "axis_id": axis_id, "receipt_digest": digest}
        self.late.add(repetition, row)
        self.send(sender, digest, now)

    def restore(self, not_before: datetime, entry: Entry) -> None:
        """This record lacks what happened last. What it holds as never published may have been, or have been withdrawn:
        only recipients can know, and it leaves `not_before` a moment, so that what has withdrawn it comes first."""
        untried = sa.select(delivery.c.id).where(delivery.c.tried.is_(False), outbox.c.delivery_id == delivery.c.id)
        doubtful = untried.where(delivery.c.role.in_(("document", "update")))
        later = sa.update(outbox).where(doubtful.exists(), outbox.c.not_before < to_text(not_before))
        self.connection.execute(later.values(not_before=to_text(not_before)))
        self.connection.execute(sa.update(delivery).where(delivery.c.tried.is_(False)).values(tried=True))
        self.connection.execute(sa.delete(adapter_home))  # what was heard of them is old: they are asked again
        self.enter(entry)

    def homes_of(self, agencies: Sequence[str]) -> dict[str, list[Known]]:
        """The homes that were heard for these agencies, by agency; nobody else changes them until the transaction
        ends."""
        query = sa.select(adapter_home).where(adapter_home.c.agency.in_(agencies))
        query = query.order_by(adapter_home.c.agency, adapter_home.c.instance).with_for_update()
        found: dict[str, list[Known]] = {}
        for row in self.connection.execute(query).mappings():
            facts = {name: row[name] for name in row if name != "agency"}
            found.setdefault(row["agency"], []).append(Known(**facts))
        return found

    def keep_home(self, agency: str, home: Known, entry: Entry) -> None:
        """This home works for the agency, and no other; the one whose place it has taken is remembered."""
        others = (adapter_home.c.agency == agency, adapter_home.c.instance != home.instance)
        self.connection.execute(sa.delete(adapter_home).where(*others, adapter_home.c.instance != home.follows))
        self.connection.execute(sa.update(adapter_home).where(*others).values(current=False))
        upsert(self.connection, adapter_home, {"agency": agency, **asdict(home)}, ("agency", "instance"))
        self.enter(entry)

    def hear(self, homes: Mapping[str, Known]) -> None:
        """More was heard from these homes, by agency. Its entries are those of what was published."""
        if homes:
            of, which = adapter_home.c.agency == sa.bindparam("of"), adapter_home.c.instance == sa.bindparam("which")
            values: dict[str, Any] = {"sequence": sa.bindparam("highest"), "told": sa.bindparam("copied")}
            self.connection.execute(
                sa.update(adapter_home).where(of, which).values(values),
                [
                    {"of": code, "which": one.instance, "highest": one.sequence, "copied": one.told}
                    for code, one in homes.items()
                ],
            )

    def begin(self, delivery_ids: Sequence[str]) -> set[str]:
        """Publishing these is tried from here on: only their recipients can know. Those that were withdrawn are left
        out; which may be published."""
        if not delivery_ids:
            return set()
        where = (delivery.c.id.in_(delivery_ids), delivery.c.state != State.RECALLED.value)
        begun = sa.update(delivery).where(*where).values(tried=True).returning(delivery.c.id)
        return set(self.connection.execute(begun).scalars())

    def ask(
        self, delivery_id: str, number: int, units: Sequence[str], what: Demand, by: str, stage: Stage, entry: Entry
    ) -> None:
        """Ask those that a delivery addressed to carry out a recall, update or replacement, with its entry."""
        for unit in units:
            row = {
                "delivery_id": delivery_id,
                "number": number,
                "unit": unit,
                "demand": what.value,
                "asked_by": by,
                "stage": stage.value,
                "asked_at": to_text(entry.time),
                "answered_at": "" if stage in lifecycle.WAITING else to_text(entry.time),
            }
            self.connection.execute(sa.insert(demand).values(row))
        self.enter(entry)

    def answer(
        self, delivery_id: str, number: int, stages: Mapping[str, Stage], entry: Entry, reason: str = ""
    ) -> None:
        """Set how far a demand is with each of these units, with its entry."""
        for unit, stage in stages.items():
            answered = "" if stage in lifecycle.WAITING else to_text(entry.time)
            where = (demand.c.delivery_id == delivery_id, demand.c.number == number, demand.c.unit == unit)
            values = {"stage": stage.value, "answered_at": answered, **({"reason": reason} if reason else {})}
            self.connection.execute(sa.update(demand).where(*where).values(values))
        self.enter(entry)

    def set_deadline(self, delivery_id: str, leg: str, term: Term) -> None:
        """This leg has a deadline from here on; one that it has already stays. Its entry is that of what began it."""
        row = {
            "delivery_id": delivery_id,
            "leg": leg,
            "due_at": to_text(term.due_at),
            "next_at": to_text(term.warn_at),
            "progress": Progress.RUNNING.value,
            "met_at": "",
        }
        self.late.add(deadline, row)

    def pass_deadline(self, row: RowMapping, progress: Progress, next_at: str, entry: Entry) -> str:
        """A deadline was warned of, missed, or has no meaning any more, with its entry; the entry's digest."""
        where = (deadline.c.delivery_id == row["delivery_id"], deadline.c.leg == row["leg"])
        values = {"progress": progress.value, "next_at": next_at}
        self.connection.execute(sa.update(deadline).where(*where).values(values))
        return self.enter(entry)

    def meet_deadline(self, delivery_id: str, leg: str, at: datetime) -> bool:
        """What this deadline was for has happened. True if it was missed before. Its entry is that of what happened."""
        where = (deadline.c.delivery_id == delivery_id, deadline.c.leg == leg)
        progress = self.connection.execute(sa.select(deadline.c.progress).where(*where)).scalar()
        if progress is None or progress in {Progress.MET.value, Progress.LATE.value}:
            return False
        late = bool(progress == Progress.MISSED.value)
        values = {"progress": (Progress.LATE if late else Progress.MET).value, "next_at": "", "met_at": to_text(at)}
        self.connection.execute(sa.update(deadline).where(*where).values(values))
        return late

    def next_demand(self, owner: str, document_id: str) -> int:
        """The number of the next recall, update or replacement of this document."""
        last = (
            sa.select(sa.func.max(demand.c.number))
            .join(delivery, delivery.c.id == demand.c.delivery_id)
            .join(submission, submission.c.axis_id == delivery.c.axis_id)
            .where(submission.c.owner == owner, submission.c.document_id == document_id)
        )
        return int(self.connection.execute(last).scalar() or 0) + 1

    def held_until(self, owner: str, document_id: str) -> datetime | None:
        """The hour that this document waits for, by its sender's wish; None when it does not wait."""
        self.late.insert()  # it may have been accepted in this transaction
        query = (
            sa.select(sa.func.max(outbox.c.not_before))
            .join(delivery, delivery.c.id == outbox.c.delivery_id)
            .join(submission, submission.c.axis_id == delivery.c.axis_id)
            .where(submission.c.owner == owner, submission.c.document_id == document_id)
            .where(delivery.c.role == "document", outbox.c.attempts == 0)
        )
        found = self.connection.execute(query).scalar()
        return from_text(found) if found else None

    def supersede(self, sender: str, document_id: str, axis_id: str) -> None:
        """Another document takes this one's place. Its entry is the other's acceptance, which names it."""
        where = (document.c.sender == sender, document.c.document_id == document_id)
        self.connection.execute(sa.update(document).where(*where).values(superseded_by=axis_id))

    def extend(self, delivery_id: str, units: Sequence[str]) -> None:
        """More units of the recipient have the document from now on. Its entry is the update's."""
        self.connection.execute(sa.update(delivery).where(delivery.c.id == delivery_id).values(units=list(units)))

    def leave_out(self, delivery_id: str) -> None:
        """It was withdrawn, or answered: out of the outbox with it, unless another worker is about to publish; that one
        will see."""
        rows = sa.select(outbox.c.id).where(outbox.c.delivery_id == delivery_id).with_for_update(skip_locked=True)
        self.connection.execute(sa.delete(outbox).where(outbox.c.id.in_(rows)))

    def drop_body(self, axis_id: str, parcel_digest: str) -> None:
        """The parcel's bytes are not kept any more; digests, parties, times and receipts are (NĐ 30/2020, Annex VI,
        III.8). The entry is the recall's."""
        self.connection.execute(sa.update(submission).where(submission.c.axis_id == axis_id).values(body_digest=""))
        payloads.release(self.connection, parcel_digest, self._references)

    def send(
        self,
        code: str,
        body: str,
        now: datetime,
        *,
        proof: str = "",
        delivery_id: str = "",
        urgent: bool = False,
        not_before: datetime | None = None,
    ) -> None:
        """An outbox row: publish the payload `body` (a digest) to agency `code`, if asked not before a moment."""
        self.late.add(
            outbox,
            {
                "code": code,
                "urgent": urgent,
                "message_id": delivery_id or body,
                "body_digest": body,
                "proof_digest": proof,
                "delivery_id": delivery_id,
                "not_before": to_text(max(not_before or now, now)),
                "attempts": 0,
                "created_at": to_text(now),
            },
        )

    def issue(
        self,
        axis_id: str,
        receipt: bytes,
        statements: Sequence[Statement],
        to: str,
        now: datetime,
        *,
        issuer: str = HUB,
    ) -> str:
        """Keep a receipt, its statements under their UNIQUE key, and send it to agency `to`; its digest."""
        digest = payloads.put_late(self.connection, self.late, receipt)
        for one in statements:
            row = {
                "issuer": issuer,
                "event": one.key,
                "axis_id": axis_id,
                "recipient": one.recipient,
                "receipt_digest": digest,
                "time": to_text(one.time),
            }
            if issuer == HUB:
                self.late.add(statement, row)
            else:  # the next message of the batch may be the same receipt once more
                insert_or_ignore(self.connection, statement, row)
        self.send(to, digest, now)
        return digest

    def move(self, row: RowMapping, step: Step, entry: Entry, *, attempts: int | None = None) -> tuple[State, str]:
        """Move a delivery by the table, with its entry; (new state, entry digest).

        Raises :class:`axis.core.lifecycle.IllegalStepError` and changes nothing where the table has a gap.
        """
        state = lifecycle.move(State(row["state"]), step)
        values: dict[str, Any] = {"state": state.value, "updated_at": to_text(entry.time)}
        if attempts is not None:
            values["attempts"] = attempts
        self.connection.execute(sa.update(delivery).where(delivery.c.id == row["id"]).values(values))
        return state, self.enter(entry)

    def delivery_for_update(self, delivery_id: str) -> RowMapping:
        """The delivery with its submission's columns, locked until the transaction ends (PostgreSQL)."""
        query = (
            sa.select(
                delivery,
                submission.c.kind,
                submission.c.sender,
                submission.c.owner,
                submission.c.document_id,
                submission.c.content_digest,
                submission.c.registry_version,
                submission.c.priority,
            )
            .join(submission)
            .where(delivery.c.id == delivery_id)
            .with_for_update(of=delivery)
        )
        return self.connection.execute(query).mappings().one()

    def report(self, delivery_id: str, unit: str, code: str, reported_at: str, entry: Entry) -> None:
        """Set a unit's business status, with its entry."""
        upsert(
            self.connection,
            business,
            {
                "delivery_id": delivery_id,
                "unit": unit,
                "code": code,
                "reported_at": reported_at,
                "arrived_at": to_text(entry.time),
            },
            ("delivery_id", "unit"),
        )
        self.connection.execute(
            sa.update(delivery).where(delivery.c.id == delivery_id).values(updated_at=to_text(entry.time))
        )
        self.enter(entry)

    def send_again(self, row: RowMapping, now: datetime, entry: Entry) -> None:
        """Publish a delivery (a row of :meth:`unanswered`) once more, with its entry."""
        proof = row["proof_digest"] or row["acceptance_digest"]
        urgent = row["priority"] > 0 or row["role"] == "recall"
        self.send(row["recipient"], row["body_digest"], now, proof=proof, delivery_id=row["id"], urgent=urgent)
        self.enter(entry)

    def redirect(self, row: int, code: str, entry: Entry) -> None:
        """An outbox row goes to agency `code` from now on, with its entry."""
        self.connection.execute(sa.update(outbox).where(outbox.c.id == row).values(code=code))
        self.enter(entry)

    def move_delivery(self, delivery_id: str, row: int, code: str, proof: str) -> None:
        """A delivery that was never published, and its outbox row, are agency `code`'s from now on, by the A.1 `proof`,
        whose entry tells it."""
        of_it = sa.update(delivery).where(delivery.c.id == delivery_id)
        self.connection.execute(of_it.values(recipient=code, proof_digest=proof))
        self.connection.execute(sa.update(outbox).where(outbox.c.id == row).values(code=code, proof_digest=proof))

    def sent(self, rows: Sequence[int]) -> None:
        """These outbox rows were confirmed: they are done."""
        self.connection.execute(sa.delete(outbox).where(outbox.c.id.in_(rows)))

    def postpone(self, due: Due, until: datetime, entry: Entry | None) -> None:
        """An outbox row was not confirmed: try again at `until`."""
        self.connection.execute(
            sa.update(outbox).where(outbox.c.id == due.row).values(attempts=due.attempts + 1, not_before=to_text(until))
        )
        if entry is not None:
            self.enter(entry)

    def begin_attempt(self, queue: str, digest: str) -> None:
        """A message is about to be judged alone. Where nobody ends this attempt, a hub died in it."""
        if not insert_or_ignore(
            self.connection, attempt, {"queue": queue, "message_id": digest, "count": 0, "is_open": True}
        ):
            where = sa.and_(attempt.c.queue == queue, attempt.c.message_id == digest)
            self.connection.execute(sa.update(attempt).where(where).values(is_open=True))

    def end_attempt(self, queue: str, digest: str, *, failed: bool) -> None:
        """It was judged, and dealt with neither way; with `failed` by its own fault, which is counted."""
        where = sa.and_(attempt.c.queue == queue, attempt.c.message_id == digest)
        values = {"is_open": False, "count": attempt.c.count + int(failed)}
        self.connection.execute(sa.update(attempt).where(where).values(values))

    def forget_attempts(self, queue: str, digest: str) -> None:
        """The message was dealt with."""
        self.connection.execute(sa.delete(attempt).where(attempt.c.queue == queue, attempt.c.message_id == digest))

    def store_registry(
        self, version: int, parcel: bytes, issued_at: datetime, codes: Sequence[str], entry: Entry
    ) -> bool:
        """Keep a registry version and send it to every agency of `codes`; False if that version is taken."""
        digest = payloads.put(self.connection, parcel)
        row = {"version": version, "digest": digest, "issued_at": to_text(issued_at)}
        if not insert_or_ignore(self.connection, registry_version, row):
            return False
        self.enter(entry)
        for code in codes:
            self.send(code, digest, entry.time, urgent=True)
        return True

    def lock_documents(self, keys: Iterable[tuple[str, str]]) -> None:
        """Nobody else changes anything about these documents, (sender, DocumentId) each, until the transaction ends.

        Locked in one order everywhere, so that two workers with the same documents wait and do not deadlock.
        """
        ordered = sorted(set(keys))
        self._locked.update(ordered)
        for first in range(0, len(ordered), 500):
            part = ordered[first : first + 500]
            rows = [{"sender": sender, "document_id": document_id} for sender, document_id in part]
            insert_all_or_ignore(self.connection, document, rows)
            columns = sa.tuple_(document.c.sender, document.c.document_id)
            locked = sa.select(document).where(columns.in_(part)).order_by(document.c.sender, document.c.document_id)
            self.connection.execute(locked.with_for_update()).all()

    def is_locked(self, axis_id: str) -> bool:
        """Whether the document of this submission was locked by this transaction."""
        about = self.submission(axis_id)
        return about is not None and (about["owner"], about["document_id"]) in self._locked

    def lock_documents_of(self, delivery_ids: Sequence[str]) -> None:
        """:meth:`lock_documents` for the documents that these deliveries deliver."""
        query = (
            sa.select(submission.c.owner, submission.c.document_id)
            .join(delivery, delivery.c.axis_id == submission.c.axis_id)
            .where(delivery.c.id.in_(delivery_ids))
        )
        if delivery_ids:
            self.lock_documents((row.owner, row.document_id) for row in self.connection.execute(query))

    def hold(self, duty: str, holder: str, now: datetime) -> int | None:
        """Take or renew the lease on a duty that only one worker may do; its fencing token, None if another's.

        The lease row stays locked until the transaction ends: what is written under a token in the same
        transaction can never be another holder's. `LEASE` after the last renewal anybody may take it.
        """
        insert_or_ignore(self.connection, lease, {"duty": duty, "holder": "", "token": 0, "until": ""})
        query = sa.select(lease).where(lease.c.duty == duty).with_for_update(skip_locked=True)
        row = self.connection.execute(query).mappings().first()
        if row is None or (row["holder"] != holder and row["until"] > to_text(now)):
            return None
        token = int(row["token"]) + int(row["holder"] != holder)
        values = {"holder": holder, "token": token, "until": to_text(now + LEASE)}
        self.connection.execute(sa.update(lease).where(lease.c.duty == duty).values(values))
        return token

    def let_go(self, holder: str = "") -> None:
        """Free the leases of `holder`, which stops; of everybody, for whoever knows that nobody else works here."""
        held = sa.update(lease).values(until="")
        self.connection.execute(held.where(lease.c.holder == holder) if holder else held)

    def sequence(self, holder: str, now: datetime, limit: int) -> int:
        """Give up to `limit` entries their position and link; how many. Under the lease "sequence": positions are
        given by one worker at a time."""
        if not self.unlinked() or self.hold("sequence", holder, now) is None:
            return 0
        crashpoints.reached("X04")
        rows = self.connection.execute(
            sa.select(ledger_entry.c.id, ledger_entry.c.digest)
            .where(ledger_entry.c.position.is_(None))
            .order_by(ledger_entry.c.id)
            .limit(limit)
        ).all()
        if not rows:
            return 0
        end = self.written()
        position, link = end.position, end.link
        changes = []
        for row in rows:
            position += 1
            link = ledger.link(link, position, row.digest)
            changes.append({"row": row.id, "new_position": position, "new_link": link})
        crashpoints.reached("A02")
        self.connection.execute(
            sa.update(ledger_entry)
            .where(ledger_entry.c.id == sa.bindparam("row"))
            .values(position=sa.bindparam("new_position"), link=sa.bindparam("new_link")),
            changes,
        )
        return len(rows)


def check_ledger(reader: HubReader) -> tuple[int, str]:
    """(number of linked entries, last link), after computing every digest and link again.

    Raises :class:`Corrupted` LEDGER_CORRUPT at the first that differs.
    """
    position, link = 0, ledger.GENESIS
    query = (
        sa.select(ledger_entry)
        .where(ledger_entry.c.position.is_not(None))
        .order_by(ledger_entry.c.position)
        .execution_options(yield_per=1000)
    )
    for row in reader.connection.execute(query).mappings():
        position += 1
        entry = ledger.read(row["canonical"])
        link = ledger.link(link, position, entry.digest)
        stored = (row["position"], row["digest"], row["link"], row["axis_id"])
        if stored != (position, entry.digest, link, entry.axis_id):
            raise Corrupted(Problem(Fault.LEDGER_CORRUPT, got=str(position), expected=link))
    return position, link


def find(reader: HubReader, reference: str) -> list[RowMapping]:
    """Submissions that `reference` names: axis id, DocumentId, number/notation, content or parcel digest,
    or a part of one of them. Whole matches win over parts."""
    s, reference = submission.c, same_id(reference)
    columns = (s.axis_id, s.document_id, s.code, s.content_digest, s.parcel_digest)
    whole = sa.select(submission).where(sa.or_(*(c == reference for c in columns))).order_by(s.received_at)
    rows = list(reader.connection.execute(whole.limit(1000)).mappings())
    if rows or len(reference) < 3:
        return rows
    part = sa.select(submission).where(sa.or_(*(c.contains(reference, autoescape=True) for c in columns)))
    return list(reader.connection.execute(part.order_by(s.received_at).limit(1000)).mappings())


def units(row: RowMapping) -> list[str]:
    """A delivery's addressed organ ids."""
    return list(row["units"])
