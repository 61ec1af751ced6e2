"""From the hub to the agency's system: take, verify, keep, hand over once, answer with a signed receipt."""

from __future__ import annotations

import hashlib
import logging
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from axis import crashpoints
from axis.adapters.base import About, Folder, LocalFile
from axis.core import edxml, parcel, receipt
from axis.core.edxml import Kind, Organ, ResponseFor
from axis.core.hub import lifecycle
from axis.core.identity import earliest, uuid7
from axis.core.instant import from_text, to_text, whole
from axis.core.ledger import Entry
from axis.core.message import agency_routes
from axis.core.receipt import Event, Receipt, Statement, Subject
from axis.core.registry import HUB, HubOnly, read_registry
from axis.errors import AxisError, Corrupted, Fault, Problem, Rejected, Unavailable, rejected
from axis.infra.journal import JournalTransaction
from axis.services import renew, standing, turns
from axis.services.agency import Word, accepted_at, is_about, verify_mail, verify_receipt, word
from axis.services.submit import Fresh

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from axis.core.message import Delivered, Message, Route
    from axis.core.parcel import Parcel
    from axis.infra.database import Row
    from axis.infra.journal import JournalReader, Journals, Writes
    from axis.services.agency import Agency

log = logging.getLogger("axis.deliver")
Names = list[tuple[Folder, str]]
Change = Callable[[JournalTransaction], None]
BATCH_MESSAGES = 50  # to hand over at once
FIRST_RETRY, LONGEST_RETRY = 2.0, 600.0  # seconds, while the agency's system is away
REPAIR = timedelta(hours=1)  # between two looks at what a disk has damaged
LOOK_AGAIN = timedelta(minutes=1)  # between two looks at what waits for a registry, if none comes
TAKEN_BACK = "Đã thu hồi trước khi đến hệ thống nơi nhận"  # the Description of a 15 made from a W.1
STATUSES_LATER = timedelta(seconds=20)  # after a restore: the documents that they are about are accepted first
LATE_RECEIPTS = timedelta(hours=1)  # after a restore: what lay in the queue before it is taken by then
BATCH_RECEIPTS = 500


# -- Taking ---------------------------------------------------------------------------------------------------


@dataclass
class Mail:
    """Something that was received and is believed. Called with a transaction, it is kept."""

    agency: Agency
    identifier: str
    kind: str
    body: bytes
    proof: bytes
    state: str
    facts: dict[str, str]
    entry: Entry
    urgent: bool = False
    opened: Parcel | None = None  # of a document or status that was verified
    said: Receipt | None = None  # of a receipt; the hub's word about anything else
    also: Change | None = None  # what else it changes
    then: Change | None = None  # and, where it is new, when it is kept
    names: Names = field(default_factory=list)  # the files of what is prepared before it is kept
    is_new: bool = False  # it was kept, and is shown next if it is prepared
    digests: tuple[str, str] = ("", "")  # of body and proof, where they are known

    def __call__(self, tx: JournalTransaction) -> None:
        """Keep it; nothing where it is here already."""
        if self.also is not None:
            self.also(tx)
        state = "handing_over" if self.names else self.state
        self.is_new = tx.receive(
            self.identifier,
            self.kind,
            self.body,
            self.proof,
            state,
            self.facts,
            self.entry,
            urgent=self.urgent,
            names=self.names,
            digests=self.digests,
        )
        if self.then is not None and self.is_new:
            self.then(tx)
        if self.names and self.is_new:
            tx.enter(_handing_over(self.agency, self.row, self.names, self.entry.time))

    @property
    def row(self) -> dict[str, Any]:
        """What the journal knows of it then, as far as showing it needs."""
        return {
            "id": self.identifier,
            "kind": self.kind,
            "state": "handing_over",
            "names": self.names,
            "attempts": 0,
            "proof_digest": (self.digests[1] or hashlib.sha256(self.proof).hexdigest()) if self.proof else "",
        }


Judged = list[tuple["Delivered", "Mail | Change | Problem"]]


def take(agency: Agency, now: datetime, timeout: float = 0, *, urgent_only: bool = False) -> int:
    """Take what waits in the agency's queues into the journal; how many messages.

    Acknowledged after the commit. What cannot be believed is rejected to the dead letters, entered and
    said aloud, never answered.
    """
    agency.turn += 1
    taken = turns.take(agency.broker, routes(agency, urgent_only=urgent_only), agency.turn, timeout)
    if not taken:
        return 0
    crashpoints.reached("D01")
    judged, count = judge(agency, taken, now)
    keep_all(agency, judged, now)
    return count + len(judged)


def routes(agency: Agency, *, urgent_only: bool = False) -> list[Route]:
    """The queues that an agency takes its mail from."""
    return [route for route in agency_routes(agency.code) if route.urgent or not urgent_only]


def judge(agency: Agency, taken: list[Delivered], now: datetime) -> tuple[Judged, int]:
    """(what is to be kept of each, or why it cannot be believed; how many were dealt with already).

    Registries first, and committed: what comes with them may need them. What the hub says about this home, too: it may
    be that nothing is to be done here."""
    sorted_out = [(d, _main(d.message)) for d in taken]
    first = [one for one in sorted_out if one[1] in {parcel.REGISTRY, parcel.HOME}]
    others = [one for one in sorted_out if one[1] not in {parcel.REGISTRY, parcel.HOME}]
    for one, main in first:  # each alone: the next may contradict it
        keep_all(agency, [(one, _judged(agency, one, main, now))], now)
        agency.forget_registry()
    if others and not agency.is_enrolled():
        agency.broker.close()  # nothing can be believed yet: it comes again
        return [], len(first)
    return [(d, _judged(agency, d, main, now)) for d, main in others], len(first)


def _main(message: Message) -> str:
    """What kind of parcel it says to be; "" when it is none."""
    claim = parcel.claim(message.body)
    return claim.main if claim is not None else ""


def keep_all(agency: Agency, judged: Judged, now: datetime) -> None:
    """Keep what is good in one transaction, acknowledge it; reject the rest."""
    if not judged:
        return
    try:
        _keep(agency, judged, now)
    except AxisError:
        raise
    except Exception as error:  # our own bug with one of them: find out which, one by one
        if len(judged) > 1:
            for one in judged:
                keep_all(agency, [one], now)
            return
        delivered = judged[0][0]
        log.exception("%s: message %s broke the adapter", agency.code, delivered.message.id)
        judged = [(delivered, Problem(Fault.INTERNAL, got=type(error).__name__))]
        _keep(agency, judged, now)
    crashpoints.reached("D02")
    acknowledge(agency, judged)


def acknowledge(agency: Agency, judged: Judged) -> None:
    """After the commit: the broker need not keep these; what cannot be believed goes to its dead letters."""
    if done := acknowledged(judged):
        agency.broker.ack(done)
    reject(agency, judged)


def acknowledged(judged: Judged) -> list[Delivered]:
    """What the broker need not keep after the commit."""
    done = [d for d, change in judged if not isinstance(change, Problem)]
    if any(isinstance(change, Mail) and change.kind == "receipt" for _, change in judged):
        crashpoints.reached("T04")
    return done


def reject(agency: Agency, judged: Judged) -> None:
    """What cannot be believed goes to the dead letters."""
    if bad := [d for d, change in judged if isinstance(change, Problem)]:
        agency.broker.reject(bad)


def _judged(agency: Agency, delivered: Delivered, main: str, now: datetime) -> Mail | Change | Problem:
    """What keeping a message will change in the journal, or why it cannot be believed. It says that it is a `main`."""
    message = delivered.message
    if delivered.trouble:
        return Problem(Fault.MESSAGE_FOREIGN, got=delivered.trouble)
    try:
        if main == parcel.REGISTRY:
            return _keep_registry(agency, message.body, now)
        if main == parcel.RECEIPT:
            return _keep_receipt(agency, message, now)
        if main == parcel.HOME:
            return standing.heed(agency, message.body, now)
        return _keep_document(agency, message, now)
    except Rejected as error:
        return error.problems[0]
    except AxisError:
        raise
    except OSError as error:  # a disk's trouble is not the message's
        raise Unavailable(Problem(Fault.STORE_DOWN, got=f"{type(error).__name__}: {error}"[:300])) from error
    except Exception as error:
        log.exception("%s: message %s broke the adapter", agency.code, message.id)
        return Problem(Fault.INTERNAL, got=type(error).__name__)


def _keep(agency: Agency, judged: Judged, now: datetime) -> None:
    with agency.journal.transaction() as tx:
        for delivered, change in judged:
            keep(agency, tx, delivered, change, now)


def keep(
    agency: Agency, tx: JournalTransaction, delivered: Delivered, change: Mail | Change | Problem, now: datetime
) -> None:
    """Enter what became of a message."""
    if not isinstance(change, Problem):
        change(tx)
        return
    log.error("%s: message %s rejected: %s", agency.code, delivered.message.id, change.text())
    detail = {"code": change.fault.code, "got": change.got, "message": delivered.message.id}
    tx.enter(Entry(now, agency.code, "mail.rejected", "", "", detail))


def _keep_registry(agency: Agency, body: bytes, now: datetime) -> Change:
    registry = read_registry(body, agency.hub)
    if registry.installation != agency.installation:
        raise rejected(Fault.REGISTRY_INVALID, f"installation {registry.installation}")
    with agency.journal.reading() as reader:
        if reader.registry_version() == registry.version and reader.registry() != (registry.version, body):
            raise rejected(Fault.REGISTRY_INVALID, f"another version {registry.version} than the one installed")
    entry = Entry(now, agency.code, "registry.installed", "", "", {"version": registry.version})

    def change(tx: JournalTransaction) -> None:
        current = tx.registry_version()
        if registry.version < current:
            old = Problem(Fault.REGISTRY_OLD, got=str(registry.version), expected=str(current))
            log.warning("%s: %s", agency.code, old.text())
        elif tx.install(registry.version, body, entry) and current:
            since = registry.resend_from
            if since is not None and since != agency.registry().resend_from:
                again = Entry(now, agency.code, "source.sent_again", "", "", {"accepted_since": to_text(since)})
                tx.send_again(since, now, STATUSES_LATER, again)
                _show(agency, tx, since, now)
                standing.ask_again(agency)

    return change


def _show(agency: Agency, tx: JournalTransaction, since: datetime, now: datetime) -> None:
    """The hub's record was put back: what recipients have said since then it may have lost, and this agency holds it.
    Shown to the hub before the documents, they are not sent once more to those who have said that they have them."""
    after = 0
    while rows := tx.receipts_since(since, after, BATCH_RECEIPTS):
        after = rows[-1]["number"]
        digests = [row["body_digest"] for row in rows if _issuer(tx, row) not in {"", HUB}]
        tx.show(digests, _shown(agency, len(digests), now))


def _issuer(tx: JournalTransaction, row: Row) -> str:
    """Who has signed a receipt that lies in the journal; "" where its bytes do not tell."""
    known = str(row["facts"].get("issuer", ""))
    if known:
        return known
    try:  # kept by an older program
        return receipt.claimed(parcel.peek(tx.payload_if_any(row["body_digest"]))[1]).issuer
    except Rejected:
        return ""


def _shown(agency: Agency, count: int, now: datetime) -> Entry:
    return Entry(now, agency.code, "receipt.shown", "", "", {"receipts": count})


def _is_from_before(agency: Agency, said: Receipt, now: datetime) -> bool:
    """Whether a recipient's receipt that has just come may be about what the hub's record lost when it was put back: it
    lay in the queue, and the registry that says so has overtaken it."""
    registry = agency.registry()
    return (
        said.issuer != HUB
        and registry.resend_from is not None
        and now < registry.issued_at + LATE_RECEIPTS
        and said.subject.axis_id <= earliest(registry.issued_at)
    )


def _keep_receipt(agency: Agency, message: Message, now: datetime) -> Mail | Change:
    """Believe a receipt as of when the hub accepted it; of one whose certificate was good then, and is not now, the hub
    is asked when that was. Our own, that it could not accept, is signed again."""
    body, proof, held = message.body, message.proof, False
    digest = message.digest or hashlib.sha256(body).hexdigest()
    if proof:
        held = _needed_version(proof) > agency.registry().version
    try:
        if held:  # on the hub's own word only, and verified when it is handed over
            accepted_at(agency, body, proof, HubOnly(agency.hub))
            said = receipt.claimed(parcel.peek(body)[1])
        else:
            said = verify_receipt(agency, body, proof, now, digest)
    except Rejected as error:
        if proof or error.fault not in parcel.CIRCUMSTANCES or _is_the_hubs(agency, body):
            raise
        return _ask_about(agency, body, error.problems[0], now)
    subject = said.subject
    is_ours = subject.sender == agency.code or subject.sender in agency.registry().predecessors(agency.code, now)
    if said.installation == agency.installation and said.issuer == agency.code and not is_ours:
        return _had(agency, said, body, now)
    if said.installation != agency.installation or not is_ours:
        raise rejected(Fault.RECEIPT_INVALID, f"about {subject.sender} of {said.installation}")
    entry = Entry(
        now,
        agency.code,
        "receipt.received",
        subject.axis_id,
        "",
        {
            "event": said.statements[0].event.code,
            "issuer": said.issuer,
            "recipients": [s.recipient for s in said.statements if s.recipient],
            "receipt": digest,
        },
    )
    first = said.statements[0]
    if first.event is Event.SubmissionRejection and subject.kind == receipt.KIND:
        return _sign_again(agency, subject.content_digest, first, now)
    is_refusal = first.event is Event.SubmissionRejection
    renewed = renew.document(agency, first.parcel, subject.content_digest, first.reasons, now) if is_refusal else None

    def also(tx: JournalTransaction) -> None:
        if first.event is Event.SubmissionAcceptance:
            tx.answered(subject.content_digest, "accepted", subject.axis_id, digest, [])
            agency.outbox.answered(subject.content_digest)
        elif renewed is not None:
            detail = {"content_digest": subject.content_digest, "codes": [reason.code for reason in first.reasons]}
            tx.renewed(first.parcel, renewed, Entry(now, agency.code, "source.signed_again", "", "", detail))
        elif is_refusal:
            # Of what it published itself only: the same content in another's parcel is refused to that other.
            tx.answered(subject.content_digest, "refused", "", digest, _findings(first), first.parcel)
            agency.outbox.answered(subject.content_digest)

    def then(tx: JournalTransaction) -> None:
        if _is_from_before(agency, said, now):
            tx.show([digest], _shown(agency, 1, now))

    state, facts = "held" if held else "received", {"issuer": said.issuer}
    mail = Mail(agency, digest, "receipt", body, proof, state, facts, entry, said=said, also=also, then=then)
    mail.digests = digest, message.proof_digest
    return mail


def _had(agency: Agency, said: Receipt, body: bytes, now: datetime) -> Change:
    """The hub tells a home that was put back what it has said itself since the copy was made."""
    subject, event = said.subject, said.statements[0].event
    detail = {"event": event.code, "receipt": hashlib.sha256(body).hexdigest()}
    entry = Entry(now, agency.code, "receipt.remembered", subject.axis_id, "", detail)

    def change(tx: JournalTransaction) -> None:
        if event is Event.ContentHandover:
            tx.had(subject.axis_id, _kind(subject), _facts(subject), body, entry)
        elif event is Event.ContentWithdrawal:
            tx.had_withdrawn(subject.axis_id, _facts(subject), body, entry)

    return change


def _is_the_hubs(agency: Agency, body: bytes) -> bool:
    return parcel.peek_signature(body).certificate == agency.hub.der


def _ask_about(agency: Agency, body: bytes, why: Problem, now: datetime) -> Change:
    detail = {"receipt": hashlib.sha256(body).hexdigest(), "code": why.fault.code}
    entry = Entry(now, agency.code, "receipt.doubted", "", "", detail)
    log.warning("%s: a receipt is not good now (%s); the hub is asked when it accepted it", agency.code, why.fault.code)
    return lambda tx: tx.ask_about(body, entry)


def _sign_again(agency: Agency, digest: str, refused: Statement, now: datetime) -> Change:
    """The hub could not accept a receipt of ours, for a circumstance of its signature."""
    if not renew.is_own_receipt(agency, digest):
        raise rejected(Fault.RECEIPT_INVALID, f"about {digest}, which was not given here")
    detail = {"receipt": digest, "codes": [reason.code for reason in refused.reasons]}
    entry = Entry(now, agency.code, "receipt.refused", "", "", detail)
    return lambda tx: tx.receipt_refused(digest, entry)


def _findings(statement: Statement) -> list[dict[str, object]]:
    return [
        {
            "code": reason.code,
            "severity": "error",
            "text": reason.text_en,
            "text_vi": reason.text_vi,
            "retry": reason.retry,
        }
        for reason in statement.reasons
    ]


def _keep_document(agency: Agency, message: Message, now: datetime) -> Mail:
    """Believe the hub's A.1 first, then the parcel as of its acceptance."""
    given = word(agency, message.proof, message.proof_digest)
    accepted = given.said
    subject, statement = accepted.subject, accepted.statements[0]
    if accepted.registry_version > agency.registry().version:
        # Held on the hub's own word only: by the certificate of enrolment, which needs no registry.
        parcel.verify(message.proof, HubOnly(agency.hub), statement.time)
        if not is_about(accepted, message.body):
            raise rejected(Fault.RECEIPT_INVALID, f"A.1 is about {subject.content_digest}")
        entry = Entry(now, agency.code, "mail.held", subject.axis_id, "", {"registry": accepted.registry_version})
        return _received(agency, subject, message, given, "held", entry)
    opened: Parcel | None = None
    try:
        opened, accepted = verify_mail(agency, message.body, given, message.digest)
    except Rejected as error:
        if error.fault is Fault.RECEIPT_INVALID:
            raise  # the hub's word cannot be believed: nobody to answer. Otherwise E.2 will tell the sender.
    entry = Entry(now, agency.code, "mail.received", subject.axis_id, "", {"content_digest": subject.content_digest})
    mail = _received(agency, subject, message, given, _first_state(subject), entry)
    mail.opened, mail.said = opened, accepted
    return mail


def _received(agency: Agency, subject: Subject, message: Message, given: Word, state: str, entry: Entry) -> Mail:
    facts, urgent = _facts(subject), message.route.urgent
    mail = Mail(
        agency, subject.axis_id, _kind(subject), message.body, message.proof, state, facts, entry, urgent=urgent
    )
    mail.digests = message.digest, given.digest
    return mail


def _facts(subject: Subject) -> dict[str, str]:
    return {
        "kind": subject.kind,
        "sender": subject.sender,
        "document_id": edxml.same_id(subject.document_id),
        "code": subject.document_id.rpartition(",")[2],
        "subject": "",
        "content_digest": subject.content_digest,
    }


def _kind(subject: Subject) -> str:
    return subject.kind if subject.kind in {Kind.STATUS, Kind.RECALL, Kind.UPDATE} else "document"


def _first_state(subject: Subject) -> str:
    return "undecided" if subject.kind in {Kind.RECALL, Kind.UPDATE} else "received"


# -- Handing over ---------------------------------------------------------------------------------------------


def hand_over(agency: Agency, now: datetime) -> int:
    """Hand what is due over to the agency's system; how many things.

    Prepare (files written and flushed out of sight) → journal: handing over → show → journal: handed over,
    with E.1. After a crash in between, what is still out of sight is shown; what is not was shown before.
    A system that fetches its mail has it when it says so: until then it is shown.
    """
    waits = asks_for_held(agency, now) and bool(agency.journal.all.with_held([agency.code], now))
    done = hear(agency, now, holds=waits)
    showing = Showing(agency, now)
    showing.prepare(agency.journal.all.due([agency.code], now, BATCH_MESSAGES).show.get(agency.code, []))
    try:
        agency.flush()
    except Unavailable as error:
        showing.unprepared(error)
    if showing.is_marked_next:
        with agency.journal.transaction() as tx:
            showing.mark(tx)
    showing.show()
    try:
        agency.flush()
    except Unavailable as error:
        showing.not_flushed(error)
    if showing.has_outcome:
        with agency.journal.transaction() as tx:
            showing.finish(tx)
    return done + showing.count


class Showing:
    """What one agency is shown in one sweep. Its steps are those of :func:`hand_over`; between them all that was
    written is flushed, and what they change is committed, for all agencies of a process together."""

    def __init__(self, agency: Agency, now: datetime) -> None:
        self.agency = agency
        self.now = now
        self.mail: list[Mail] = []  # prepared before it is kept
        self.answers: list[bytes] = []  # receipts that were given, if they are published next
        self._confirm_by: datetime | None = None
        self._prepared: list[tuple[Row | dict[str, Any], Names, Receipt | None]] = []
        self._outcomes: list[tuple[Row | dict[str, Any], AxisError | None, Receipt | None]] = []
        self._shown: list[Row | dict[str, Any]] = []
        self._clearing: list[Row] = []
        self._cleared: list[tuple[Row, Unavailable | None]] = []
        self._withdrawn: set[str] = set()

    def prepare(self, due: Sequence[Row]) -> None:
        """Write the files of what is due out of sight."""
        agency = self.agency
        self._clearing = [row for row in due if row["state"] == "withdrawing"]
        rows = [row for row in due if row["state"] != "withdrawing"]
        if not rows:
            return
        with agency.journal.reading() as reader:
            for row in rows:
                names: Names = [(folder, name) for folder, name in row["names"]]
                same = reader.same_before(row) if row["state"] == "received" else None
                if same is not None:  # shown once, under the first axis id; the second is answered alike, and after it
                    first = Unavailable(Problem(Fault.ADAPTER_AWAY, got=f"{same['id']} first"))
                    self._outcomes.append((row, None if same["state"] == "handed_over" else first, None))
                    continue
                try:
                    prepared = _prepare(agency, reader, row) if row["state"] == "received" else names
                    self._prepared.append((row, prepared, None))
                except (Unavailable, Rejected, Corrupted) as error:
                    self._outcomes.append((row, error, None))
                except AxisError:
                    raise
                except Exception as error:  # our own bug with this one
                    log.exception("%s: %s broke the adapter", agency.code, row["id"])
                    failure = Unavailable(Problem(Fault.INTERNAL, got=type(error).__name__))
                    self._outcomes.append((row, failure, None))

    def prepare_mail(self, mail: Sequence[Mail], known: Known) -> None:
        """The same for mail that is kept next: in one step it is here and will be shown. What cannot be prepared now,
        or may have to wait for something, is kept first and prepared later."""
        for one in mail:
            key = self.agency.code, one.facts.get("content_digest", "")
            if one.state != "received" or (one.kind != "receipt" and one.opened is None):
                continue
            if (self.agency.code, one.identifier) in known.here or key in known.here:
                continue
            known.here.add((self.agency.code, one.identifier))
            if one.kind != "receipt":
                known.here.add(key)
            try:
                files = _files_of(self.agency, one, known)
                self.agency.adapter.prepare(files)
            except (Unavailable, Rejected, Corrupted) as error:
                log.debug("%s: %s not prepared at once: %s", self.agency.code, one.identifier, error)
                continue
            one.names = [(file.folder, file.name) for file in files]
            self.mail.append(one)

    @property
    def is_marked_next(self) -> bool:
        """Whether :meth:`mark` has something to do."""
        return any(row["state"] == "received" for row, _, _ in self._prepared)

    def mark(self, tx: JournalTransaction) -> None:
        """From here on the agency's system may see what was prepared."""
        self._withdrawn = set()
        for row, names, _ in self._prepared:
            if row["state"] == "received":
                entry = _handing_over(self.agency, row, names, self.now)
                if not tx.handing_over(row["id"], names, entry):
                    self._withdrawn.add(row["id"])

    def show(self) -> None:
        """Show it; clear away what was withdrawn."""
        self._prepared += [(one.row, one.names, one.said) for one in self.mail if one.is_new]
        for row, names, accepted in self._prepared:
            if row["id"] in self._withdrawn:
                continue  # the next hand-over clears it away
            try:
                has_it = self.agency.adapter.complete(names)
            except (Unavailable, Rejected) as error:
                self._outcomes.append((row, error, accepted))
            else:
                if has_it or row["kind"] == "receipt":
                    self._outcomes.append((row, None, accepted))
                else:
                    self._shown.append(row)
        for one in self._clearing:
            try:
                self.agency.adapter.discard(_names(one))
            except Unavailable as error:
                self._cleared.append((one, error))
            else:
                self._cleared.append((one, None))
        crashpoints.reached("D04")

    def unprepared(self, failure: AxisError) -> None:
        """What was written may not be on disk: it is written once more, and nothing of it shown before."""
        for one in self.mail:
            one.names = []
        self.mail = []
        fresh = [(row, failure, accepted) for row, _, accepted in self._prepared if row["state"] == "received"]
        self._prepared = [one for one in self._prepared if one[0]["state"] != "received"]
        self._outcomes += fresh

    def fresh(self) -> list[Fresh]:
        """The receipts that were given, and are published now."""
        digests = [hashlib.sha256(one).hexdigest() for one in self.answers]
        return [
            Fresh(self.agency, digest, one, urgent=False, confirm_by=self._confirm_by)
            for digest, one in zip(digests, self.answers, strict=True)
        ]

    def not_flushed(self, failure: AxisError) -> None:
        """What was shown may not be on disk: it is shown once more."""
        self._outcomes = [(row, before or failure, accepted) for row, before, accepted in self._outcomes]
        self._shown = []

    @property
    def has_outcome(self) -> bool:
        """Whether :meth:`finish` has something to do."""
        return bool(self._outcomes or self._shown or self._cleared)

    @property
    def count(self) -> int:
        """How many things were dealt with."""
        return len(self._outcomes) + len(self._shown) + len(self._cleared)

    def finish(self, tx: JournalTransaction, confirm_by: datetime | None = None) -> None:
        """Record how it went. With `confirm_by` the receipts are published next, and noted so."""
        self.answers, self._confirm_by = [], confirm_by
        for row, failure, accepted in self._outcomes:
            _finish(self.agency, tx, row, failure, self.now, accepted, (confirm_by, self.answers))
        for row in self._shown:
            tx.shown(row["id"], Entry(self.now, self.agency.code, f"{row['kind']}.shown", _axis_id(row)))
        for cleared, away in self._cleared:
            _finish(self.agency, tx, cleared, away, self.now) if away else tx.cleared(cleared["id"])


@dataclass
class Known:
    """What the journals know about the mail of a sweep."""

    here: set[tuple[str, str]]  # (agency, id) and (agency, content digest) of mail that is here
    sent: Mapping[tuple[str, str], list[Row]]  # what was sent, by (agency, content digest)


def know(journals: Journals, mail: Sequence[Mail]) -> Known:
    """What the journals know about this mail, of several agencies; asked once for all."""
    ids = [(one.agency.code, one.identifier) for one in mail]
    contents = [(one.agency.code, one.facts["content_digest"]) for one in mail if one.facts.get("content_digest")]
    said = [
        (one.agency.code, one.said.subject.content_digest)
        for one in mail
        if one.kind == "receipt" and one.said is not None and one.said.subject.content_digest
    ]
    return Known(journals.have(ids) | journals.have_content(contents), journals.outgoing_by_content(said))


def expect(writes: Writes, mail: Sequence[Mail]) -> None:
    """This mail is received in this transaction."""
    kept = [one for one in mail if one.kind != "receipt" and one.facts]
    documents = [(one.agency.code, one.facts["sender"], one.facts["document_id"]) for one in kept]
    writes.expect([(one.agency.code, one.identifier) for one in mail], documents)


def _handing_over(agency: Agency, row: Row | dict[str, Any], names: Names, now: datetime) -> Entry:
    detail = {"files": [f"{folder}/{name}" for folder, name in names]}
    return Entry(now, agency.code, f"{row['kind']}.handing_over", _axis_id(row), "", detail)


def asks_for_held(agency: Agency, now: datetime) -> bool:
    """Whether it is time to ask if mail of this agency waits for a newer registry."""
    return agency.held_at is None or not timedelta() <= now - agency.held_at < LOOK_AGAIN


def hear(agency: Agency, now: datetime, *, holds: bool) -> int:
    """What waits for a newer registry is released, where the journal `holds` something of that kind; what the agency's
    system has said, and what it was shown before the start, is dealt with; how many things."""
    if holds:
        _release_held(agency, now)
    if holds or asks_for_held(agency, now):
        agency.held_at = now
    return _hear(agency, now) + _show_again(agency, now)


def _hear(agency: Agency, now: datetime) -> int:
    """What the agency's system has said about what it was shown; how many."""
    answers = agency.adapter.answers()[:BATCH_MESSAGES]
    if not answers:
        return 0
    recorded = []
    with agency.journal.transaction() as tx:
        for one in answers:
            row = tx.incoming(one.ref)
            if row is None or row["state"] not in {"handing_over", "shown"}:
                recorded.append(one)
            elif row["state"] == "shown" and row["not_before"] > to_text(now):
                continue  # a disk has damaged what the receipt needs
            elif _finish(agency, tx, row, Rejected(one.problem) if one.problem else None, now):
                recorded.append(one)
    for one in recorded:
        agency.adapter.answered(one.ref)
    return len(recorded)


def _show_again(agency: Agency, now: datetime) -> int:
    """Once after each start: what the agency's system was shown and has not answered is prepared and shown once more.
    It stays as it is where it still is; a system that has lost its mail, or is connected otherwise now, gets it."""
    if agency.shown_again is None:
        return 0
    has_it: list[Row] = []
    with agency.journal.reading() as reader:
        rows = reader.shown_since(agency.shown_again, BATCH_MESSAGES)
        for row in rows:
            try:
                _prepare(agency, reader, row)
                if agency.adapter.complete([(folder, name) for folder, name in row["names"]]):
                    has_it.append(row)
            except (Unavailable, Rejected, Corrupted) as error:
                log.warning("%s: %s not shown again: %s", agency.code, row["id"], error)
    agency.shown_again = rows[-1]["number"] if rows else None
    if has_it:
        with agency.journal.transaction() as tx:
            for row in has_it:
                _finish(agency, tx, row, None, now)
    return len(rows)


def _release_held(agency: Agency, now: datetime) -> None:
    ready: list[Row] = []
    damaged: list[tuple[Row, Corrupted]] = []
    with agency.journal.reading() as reader:
        held = reader.held(now)
        version = reader.registry_version() if held else 0
        for row in held:
            try:
                if _needed_version(reader.payload(row["proof_digest"])) <= version:
                    ready.append(row)
            except Corrupted as error:
                damaged.append((row, error))
    if ready or damaged:
        with agency.journal.transaction() as tx:
            for row in ready:
                tx.undecide(row["id"]) if row["kind"] in {"recall", "update"} else tx.release(row["id"])
            for row, damage in damaged:
                _finish(agency, tx, row, damage, now)


def _needed_version(proof: bytes) -> int:
    return receipt.read(parcel.peek(proof)[1], HUB).registry_version


def _prepare(agency: Agency, reader: JournalReader, row: Row) -> Names:
    files = _files(agency, reader, row)
    agency.adapter.prepare(files)
    return [(file.folder, file.name) for file in files]


def _finish(
    agency: Agency,
    tx: JournalTransaction,
    row: Row | dict[str, Any],
    failure: AxisError | None,
    now: datetime,
    accepted: Receipt | None = None,
    publish: tuple[datetime | None, list[bytes]] = (None, []),
) -> bool:
    """Record how it went: handed over (E.1), refused for good (E.2), or not now (nothing is said): then False.

    `accepted` is the hub's word about it, where it was verified just now. `publish`: until when the receipt, which is
    added to the list, is to be confirmed; None: it is published by the next round."""
    proof = b""
    if row["kind"] != "receipt" and accepted is None and (failure is None or isinstance(failure, Rejected)):
        try:
            proof = tx.payload(row["proof_digest"])
        except Corrupted as error:
            failure = error
    if isinstance(failure, Corrupted):  # it waits alone; when the hub sends it again (axis reconcile), it is mended
        log.error("%s: %s cannot be handed over: %s", agency.code, row["id"], failure)
        tx.not_now(row["id"], row["attempts"] + 1, now + REPAIR)
        return False
    if isinstance(failure, Unavailable):
        attempts = row["attempts"] + 1
        log.warning("%s: %s not handed over now: %s", agency.code, row["id"], failure)
        wait = lifecycle.retry_after(attempts, random.random(), first=FIRST_RETRY, longest=LONGEST_RETRY)  # noqa: S311
        tx.not_now(row["id"], attempts, now + wait)
        return False
    problems = failure.problems if failure else ()
    state = "refused" if failure else "handed_over"
    if failure and failure.fault is Fault.RECEIPT_INVALID:  # it is not what the hub accepted: that may still come
        log.error("%s: %s rejected: %s", agency.code, row["id"], failure)
        detail = {"code": failure.fault.code, "got": problems[0].got}
        tx.forget(row["id"], Entry(now, agency.code, "mail.rejected", _axis_id(row), "", detail))
        return True
    codes = {"codes": [p.fault.code for p in problems]}
    entry = Entry(now, agency.code, f"{row['kind']}.{state}", _axis_id(row), "", codes)
    answer = b""
    if row["kind"] != "receipt":
        subject = (accepted or receipt.read(parcel.peek(proof)[1], HUB)).subject
        event = Event.ContentHandoverFailure if failure else Event.ContentHandover
        identifier = uuid7(now, os.urandom(10))
        statement = Statement(identifier, event, whole(now), agency.code, (), receipt.reasons(problems), entry.digest)
        said = Receipt(agency.installation, agency.code, subject, (statement,))
        crashpoints.reached("D05")
        answer = receipt.signed(said, agency.signer, now)
        crashpoints.reached("D03")
    confirm_by, published = publish
    if answer and confirm_by is not None:
        published.append(answer)
    tx.handed_over(row["id"], state, entry, answer, now, confirm_by)
    return True


def _axis_id(row: Row | dict[str, Any]) -> str:
    return "" if row["kind"] == "receipt" else str(row["id"])


def _files(agency: Agency, reader: JournalReader, row: Row) -> list[LocalFile]:
    """What the agency's system gets. In order: the last one is the sign that all are there."""
    body = reader.payload(row["body_digest"])
    if row["kind"] == "receipt":
        return _read_receipt_files(agency, reader, row, body)
    try:
        given = word(agency, reader.payload(row["proof_digest"]), row["proof_digest"])
        opened, accepted = verify_mail(agency, body, given, row["body_digest"])
    except Rejected as error:
        if error.fault is Fault.RECEIPT_INVALID:
            raise
        raise Rejected(Problem(Fault.DELIVERY_INVALID, got=str(error))) from None
    return _document_files(str(row["id"]), body, opened, accepted)


def _files_of(agency: Agency, mail: Mail, known: Known) -> list[LocalFile]:
    """The same of mail that was verified just now."""
    assert mail.said is not None  # noqa: S101  what is not held was read, or its A.1 was
    if mail.opened is not None:
        return _document_files(mail.identifier, mail.body, mail.opened, mail.said)
    originals = known.sent.get((agency.code, mail.said.subject.content_digest), [])
    return _receipt_files(agency, mail.said, mail.body, originals, partial(_organs_of, agency))


def _organs_of(agency: Agency, document_id: str) -> list[tuple[str, str]]:
    with agency.journal.reading() as reader:
        return reader.organs_of(document_id)


def _document_files(identifier: str, body: bytes, opened: Parcel, accepted: Receipt) -> list[LocalFile]:
    packet = edxml.read_accepted(opened, accepted.subject.content_digest)
    folder: Folder = "status" if packet.kind is Kind.STATUS else "inbox"
    packet_file = edxml.write_packet(opened.content, packet, opened.attachments)
    about = About(
        identifier,
        packet.kind.value,
        packet.sender.organ_id,
        tuple(one.organ_id for one in packet.organs),
        packet.target,
        packet.code,
        packet.subject,
    )
    return [
        LocalFile(folder, f"{identifier}.asice", body, about),
        LocalFile(folder, f"{identifier}.edxml", packet_file, about),
    ]


def _names(row: Row) -> Names:
    """What a document's files are called when it is prepared."""
    return [("inbox", f"{row['id']}.asice"), ("inbox", f"{row['id']}.edxml")]


def _read_receipt_files(agency: Agency, reader: JournalReader, row: Row, body: bytes) -> list[LocalFile]:
    proof = reader.payload(row["proof_digest"])
    if proof:  # it may have been held before it could be verified
        said = verify_receipt(agency, body, proof, from_text(row["received_at"]))
    else:
        said = receipt.read(parcel.peek(body)[1], _signer(agency, body))
    originals = reader.outgoing_by_content(said.subject.content_digest)
    return _receipt_files(agency, said, body, originals, reader.organs_of)


def _receipt_files(
    agency: Agency,
    said: Receipt,
    body: bytes,
    originals: Sequence[Row],
    organs_of: Callable[[str], list[tuple[str, str]]],
) -> list[LocalFile]:
    """The receipt, and for E.1 and E.2 about a document (it was sent as `originals`) the status 01 or 02 packets that
    it means in edXML: one of each OrganId that was addressed."""
    first = said.statements[0]
    name = said.subject.axis_id or said.subject.content_digest[:16]
    more = f"+{len(said.statements) - 1}" if len(said.statements) > 1 else ""
    label = f"{name}.{first.event.code}" + (f".{first.recipient}{more}" if first.recipient else "")
    # A name says what is in it: no receipt overwrites another that speaks of the same. But the acceptance of a
    # submission is one, and has the plain name; an A.1 that names nobody only repeats it, in answer to other words.
    if first.event is not Event.SubmissionAcceptance or not first.recipients:
        label += f".{hashlib.sha256(body).hexdigest()[:8]}"
    events = tuple((s.event.code, s.recipient) for s in said.statements)
    subject = said.subject
    about_it = About(
        label,
        "receipt",
        said.issuer,
        (),
        subject.document_id,
        subject.kind,
        "",
        events,
        subject.axis_id,
        tuple(row["source_digest"] for row in originals),
    )
    files = [LocalFile("receipts", f"{label}.asice", body, about_it)]
    if not originals or said.subject.kind == Kind.STATUS:
        return files
    facts = originals[0]["facts"]
    about = ResponseFor(facts["organ_id"], facts["code"], facts["document_id"], facts["promulgation_date"])
    for statement in said.statements:
        code = _status_meant(said.subject.kind, statement.event)
        if code is None:
            continue
        organs = _reached(agency, facts.get("organs", ()), statement) or _reached(
            agency,
            organs_of(originals[0]["document_id"]),
            statement,  # an update has added it
        )
        member = agency.registry().by_code.get(statement.recipient)
        for organ in organs or [Organ(statement.recipient, member.name_vi if member else "")]:
            withdrawn_text = TAKEN_BACK if statement.event is Event.ContentWithdrawal else ""
            text = "; ".join(reason.text_vi for reason in statement.reasons) or withdrawn_text
            packet = edxml.status_packet(organ, about, code, statement.time, text)
            made = f"{name}.{code}.{organ.organ_id}"
            told = About(made, "status", organ.organ_id, (about.organ_id,), about.document_id, about.code, "")
            files.append(LocalFile("status", f"{made}.edxml", packet, told))
    return files


def _reached(agency: Agency, organs: Iterable[tuple[str, str]], statement: Statement) -> list[Organ]:
    """Those of `organs` (OrganId, name) that a recipient's receipt speaks for, spelled as the sender did: its system
    matches by that."""
    registry, found = agency.registry(), {}
    for organ_id, name in organs:
        if registry.is_reached(organ_id, statement.recipient, statement.time):
            own = registry.member_for(organ_id)
            is_member = registry.canonical(organ_id) == own.code
            found[organ_id] = Organ(organ_id, own.name_vi if is_member else name)
    return list(found.values())


def _status_meant(kind: str, event: Event) -> str | None:
    """The status packet that a receipt means to the sender's document system, if any: of a recall, that it was carried
    out; that its request has arrived is nothing that a document system knows a code for. Nor that an update was not
    taken: 02 would say it of the document."""
    if event is Event.ContentWithdrawal:
        return lifecycle.AGREED
    if kind == Kind.RECALL or (kind == Kind.UPDATE and event is Event.ContentHandoverFailure):
        return None
    return {Event.ContentHandover: lifecycle.ARRIVED, Event.ContentHandoverFailure: lifecycle.REJECTED}.get(event)


def _signer(agency: Agency, body: bytes) -> str:
    """Who signed a receipt that was verified when it was taken."""
    return agency.registry().owner(parcel.peek_signature(body).certificate)
