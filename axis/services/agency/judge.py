"""What keeping a message will change in the journal, or why it cannot be believed.

A registry, a receipt, the hub's word on this home, or mail with the hub's A.1 for it: each is believed as of the moment
that it names, and what may change afterwards is asked for again and not lost.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core import chain, lineage, officers, parcel, receipt, witnesses
from axis.core.agency.mail import facts_of, findings_of, first_state, is_from_before, kind_of
from axis.core.instant import to_text
from axis.core.ledger import Entry
from axis.core.log.exchange import is_from_log
from axis.core.receipt import Event
from axis.core.registry import HUB
from axis.core.types.typeset import read_types
from axis.errors import AxisError, Fault, Problem, Rejected, Unavailable, rejected
from axis.services.agency import aside, proofs, renew, standing, witness
from axis.services.agency.mail import Mail
from axis.services.agency.verify import accepted_at, is_about, verify_mail, verify_receipt, word

if TYPE_CHECKING:
    from datetime import datetime

    from axis.core.message import Delivered, Message
    from axis.core.parcel import Parcel
    from axis.core.receipt import Receipt, Statement, Subject
    from axis.core.registry import Registry
    from axis.core.types.typeset import Typed
    from axis.infra.database import Row
    from axis.infra.journal.transaction import JournalTransaction
    from axis.services.agency.adapter import Agency
    from axis.services.agency.mail import Change
    from axis.services.agency.verify import Word

log = logging.getLogger("axis.deliver")
STATUSES_LATER = timedelta(seconds=20)  # after a restore: the documents that they are about are accepted first
BATCH_RECEIPTS = 500


def of(agency: Agency, delivered: Delivered, main: str, now: datetime) -> Mail | Change | Problem:
    """What keeping a message will change in the journal, or why it cannot be believed. It says that it is a `main`."""
    message = delivered.message
    if delivered.trouble:
        return Problem(Fault.MESSAGE_FOREIGN, got=delivered.trouble)
    try:
        if is_from_log(message.body):
            return witness.heed(agency, message.body, now)
        if main == parcel.REGISTRY:
            return _keep_registry(agency, message, now)
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


def _keep_registry(agency: Agency, message: Message, now: datetime) -> Change:
    """A registry, and the document types beside it."""
    body = message.body
    registry = chain.read_registry(body, agency.hub)
    types = _types_beside(agency, message.proof, registry)
    if registry.installation != agency.installation:
        raise rejected(Fault.REGISTRY_INVALID, f"installation {registry.installation}")
    version = agency.registry().version if agency.is_enrolled() else 0
    is_other = False
    if version == registry.version:
        with agency.journal.reading() as reader:
            is_other = reader.registry() != (version, body)
    claimed: list[str] = []
    anew = version > 0 and _hub_is_replaced(agency, registry, body)
    if is_other and not anew:
        raise rejected(Fault.REGISTRY_INVALID, f"another version {registry.version} than the one installed")
    if anew or 0 < version < registry.version:
        installed = agency.registry()
        officers.check_follows(installed, registry, now, anew=anew)
        claimed = lineage.claimed(installed, registry, agency.code)
        witness.say_policy(agency, installed, registry)
    _say_revoked(agency, registry, now)
    for digest in claimed:
        log.error("%s", Problem(Fault.KEY_CLAIMED, agency.code, got=digest).text())
    entry = Entry(now, agency.code, "registry.installed", "", "", {"version": registry.version})

    def change(tx: JournalTransaction) -> None:
        current = tx.registry_version()
        if registry.version < current and not anew:
            old = Problem(Fault.REGISTRY_OLD, got=str(registry.version), expected=str(current))
            log.warning("%s: %s", agency.code, old.text())
        elif tx.install(registry.version, body, entry, types, instead=anew, here=current) and current:
            tx.note_policy(witnesses.text_in(registry), witnesses.text_in(agency.registry()), now)
            for digest in claimed:
                tx.enter(Entry(now, agency.code, "key.claimed", "", "", {"key": digest}))
            since = registry.resend_from
            if since is not None and since != agency.registry().resend_from:
                again = Entry(now, agency.code, "source.sent_again", "", "", {"accepted_since": to_text(since)})
                tx.send_again(since, now, STATUSES_LATER, again)
                _show(agency, tx, since, now)
                standing.ask_again(agency)

    return change


def _hub_is_replaced(agency: Agency, registry: Registry, body: bytes) -> bool:
    """Whether the recovery key names another key of the hub's in it: whatever number it has, it takes the place of what
    is installed, which may be of who had stolen the key before. Raises :class:`Rejected` KEY_HEIR for a newer one whose
    key nobody who may has introduced."""
    by, installed = chain.signed_by(body), agency.registry()
    if chain.succeeds(installed, registry, by):
        log.warning("%s: the recovery key has named another key of the hub: %s", agency.code, by.digest)
        return True
    if registry.version > installed.version:
        chain.check_follows(installed, registry, by)
    return False


def _types_beside(agency: Agency, proof: bytes, registry: Registry) -> bytes:
    """The parcel of document types beside a registry; b"" where nothing of that kind is there. Raises
    :class:`Rejected` where they are not the hub's, or not for this axis."""
    claim = parcel.claim(proof) if proof else None
    if claim is None or claim.main != parcel.TYPES:
        return b""
    types = read_types(proof, chain.signing(registry))
    if types.installation != agency.installation:
        raise rejected(Fault.TYPE_SET, f"installation {types.installation[:40]}")
    return proof


def _say_revoked(agency: Agency, registry: Registry, now: datetime) -> None:
    """This adapter signs with a certificate that the registry has revoked: somebody has to do something here."""
    try:
        registry.certificate(agency.signer.der, now)
    except Rejected as error:
        if error.fault is Fault.KEY_REVOKED:
            log.warning("%s: %s: %s", agency.code, error.fault.code, error.problems[0].text())
    except AxisError as error:  # its key cannot be read: that is said elsewhere
        log.debug("%s: %s", agency.code, error)


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


def _keep_receipt(agency: Agency, message: Message, now: datetime) -> Mail | Change:
    """Believe a receipt as of when the hub accepted it; of one whose certificate was good then, and is not now, the hub
    is asked when that was. Our own, that it could not accept, is signed again."""
    body, proof = message.body, message.proof
    digest = message.digest or hashlib.sha256(body).hexdigest()
    try:
        if proof and aside.needed_version(proof) > agency.registry().version:
            own = _own(agency, body, proof)
            if own is None:
                return aside.put(agency, message, now)
            said = own
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
            tx.answered(subject.content_digest, "refused", "", digest, findings_of(first), first.parcel)
            agency.outbox.answered(subject.content_digest)

    def then(tx: JournalTransaction) -> None:
        proofs.came(agency, subject.axis_id or subject.content_digest)
        if is_from_before(said, agency.registry(), now):
            tx.show([digest], _shown(agency, 1, now))

    facts = {"issuer": said.issuer}
    mail = Mail(agency, digest, "receipt", body, proof, "received", facts, entry, said=said, also=also, then=then)
    mail.digests = digest, message.proof_digest
    return mail


def _own(agency: Agency, body: bytes, proof: bytes) -> Receipt | None:
    """A receipt that this agency has given itself, as far as its own registry tells: what a home that was put back is
    told waits for no newer one. None for any other."""
    try:
        if receipt.claimed(parcel.peek(body)[1]).issuer != agency.code:
            return None
        return receipt.of(parcel.verify(body, agency.registry(), accepted_at(agency, body, proof, agency.hub_keys())))
    except Rejected:
        return None


def _had(agency: Agency, said: Receipt, body: bytes, now: datetime) -> Change:
    """The hub tells a home that was put back what it has said itself since the copy was made."""
    subject, event = said.subject, said.statements[0].event
    detail = {"event": event.code, "receipt": hashlib.sha256(body).hexdigest()}
    entry = Entry(now, agency.code, "receipt.remembered", subject.axis_id, "", detail)

    def change(tx: JournalTransaction) -> None:
        if event is Event.ContentHandover:
            tx.had(subject.axis_id, kind_of(subject), facts_of(subject), body, entry)
        elif event is Event.ContentWithdrawal:
            tx.had_withdrawn(subject.axis_id, facts_of(subject), body, entry)

    return change


def _is_the_hubs(agency: Agency, body: bytes) -> bool:
    return agency.hub_keys().holds(parcel.peek_signature(body).certificate)


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


def _keep_document(agency: Agency, message: Message, now: datetime) -> Mail | Change:
    """Believe the hub's A.1 first, then the parcel as of its acceptance."""
    given = word(agency, message.proof, message.proof_digest)
    accepted = given.said
    subject, statement = accepted.subject, accepted.statements[0]
    if accepted.registry_version > agency.registry().version:
        if aside.is_strange(agency, message.proof):
            return aside.put(agency, message, now)
        # Held on the hub's own word only, by its keys as they are known here.
        parcel.verify(message.proof, agency.hub_keys(), statement.time)
        if not is_about(accepted, message.body):
            raise rejected(Fault.RECEIPT_INVALID, f"A.1 is about {subject.content_digest}")
        entry = Entry(now, agency.code, "mail.held", subject.axis_id, "", {"registry": accepted.registry_version})
        return _received(agency, subject, message, given, "held", entry)
    opened: Parcel | None = None
    kind: Typed | None = None
    try:
        opened, accepted, kind = verify_mail(agency, message.body, given, message.digest)
    except Rejected as error:
        if error.fault is Fault.RECEIPT_INVALID:
            raise  # the hub's word cannot be believed: nobody to answer. Otherwise E.2 will tell the sender.
    entry = Entry(now, agency.code, "mail.received", subject.axis_id, "", {"content_digest": subject.content_digest})
    mail = _received(agency, subject, message, given, first_state(subject), entry)
    if kind is not None:
        mail.facts["type"] = kind.known
    mail.opened, mail.said = opened, accepted
    return mail


def _received(agency: Agency, subject: Subject, message: Message, given: Word, state: str, entry: Entry) -> Mail:
    facts, urgent = facts_of(subject), message.route.urgent
    if message.traceparent:
        facts["traceparent"] = message.traceparent
        said = (agency.code, kind_of(subject), subject.axis_id)
        log.info("%s: %s %s has come", *said, extra={"traceparent": message.traceparent})
    mail = Mail(
        agency, subject.axis_id, kind_of(subject), message.body, message.proof, state, facts, entry, urgent=urgent
    )
    mail.digests = message.digest, given.digest
    return mail
