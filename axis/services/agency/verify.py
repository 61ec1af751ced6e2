"""What came through the broker is believed: the hub's word first, then the parcel as of what that says."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core import edxml, parcel, receipt
from axis.core.receipt import Event
from axis.core.registry import HUB
from axis.core.types.typeset import of_document
from axis.errors import Fault, Rejected, rejected

if TYPE_CHECKING:
    from datetime import datetime

    from axis.core.parcel import Parcel
    from axis.core.receipt import Receipt
    from axis.core.types.typeset import Typed
    from axis.services.agency.adapter import Agency


@dataclass(frozen=True, slots=True)
class Word:
    """The hub's word about mail, as it came with it: `said` is what it says, and nobody has verified that."""

    proof: bytes
    digest: str  # hex SHA-256 of it
    content: bytes
    said: Receipt


def word(agency: Agency, proof: bytes, digest: str = "") -> Word:
    """What the proof of a document says, **unverified**; `digest` is its hex SHA-256, where somebody here has computed
    it. Raises :class:`Rejected`."""
    digest = digest or hashlib.sha256(proof).hexdigest()
    held = agency.known.get(digest) if agency.known is not None else None
    if held is not None and held.signer == HUB:
        return Word(proof, digest, held.content, receipt.of(held))
    claim = parcel.claim(proof)
    content = bytes(claim.content) if claim is not None else parcel.peek(proof)[1]
    return Word(proof, digest, content, receipt.read(content, HUB))


def verify_mail(agency: Agency, body: bytes, given: Word, digest: str = "") -> tuple[Parcel, Receipt, Typed | None]:
    """The parcel and the hub's A.1 for it, both verified as of the acceptance, and what its document type says of it.
    `digest`: of `body`, as in :func:`word`.

    Raises :class:`Rejected`: RECEIPT_INVALID when the proof is not the hub's word about this parcel and this agency:
    what the hub accepted may still come. Otherwise what is wrong with the parcel, or with the document by its type.
    """
    registry = agency.registry()
    moment = given.said.statements[0].time
    try:
        signed = parcel.verify(given.proof, registry, moment, known=agency.known, digest=given.digest)
        # What was read as the hub's word is that, where these are the bytes and the hub has signed them.
        is_read = (signed.signer, signed.content) == (HUB, given.content) and signed.main == parcel.RECEIPT
        accepted = given.said if is_read else receipt.of(signed)
    except Rejected as error:
        raise rejected(Fault.RECEIPT_INVALID, f"A.1: {error}") from None
    subject, statement = accepted.subject, accepted.statements[0]
    if (
        accepted.issuer != HUB
        or statement.event is not Event.SubmissionAcceptance
        or accepted.installation != agency.installation
        or agency.code not in statement.recipients
    ):
        raise rejected(Fault.RECEIPT_INVALID, f"A.1 is not about mail for {agency.code}")
    try:
        opened = parcel.verify(body, registry, moment, known=agency.known, digest=digest)
    except Rejected as error:
        if error.fault in parcel.ALTERED or not is_about(accepted, body):
            raise rejected(Fault.RECEIPT_INVALID, f"not what A.1 is about: {error}") from None
        raise
    if (opened.content_digest, opened.signer) != (subject.content_digest, subject.sender):
        raise rejected(Fault.RECEIPT_INVALID, f"A.1 is about {subject.content_digest}")
    return opened, accepted, _typed(agency, opened, accepted)


def _typed(agency: Agency, opened: Parcel, accepted: Receipt) -> Typed | None:
    """What its document type says of mail, by the types as of the acceptance; None where it has none. Raises
    :class:`Rejected` with what that finds: TYPE_*."""
    types = agency.types()
    if types is None or opened.main != parcel.DOCUMENT or b"ApplicationType" not in opened.content:
        return None
    packet, registry = edxml.read_accepted(opened, accepted.subject.content_digest), agency.registry()
    found = of_document(types, packet, registry, opened.attachments, at=accepted.registry_version)
    if found is not None and found.findings:
        raise Rejected(*found.findings)
    return found


def is_about(accepted: Receipt, body: bytes) -> bool:
    """Whether these bytes, whoever signed them, hold the content that the receipt speaks of."""
    return parcel.unverified_digest(body) == accepted.subject.content_digest


def verify_receipt(agency: Agency, body: bytes, proof: bytes, now: datetime, digest: str = "") -> Receipt:
    """A receipt, verified as of the moment when the hub accepted it: as R.1 in `proof` says, now where there is none,
    and the hub's own as of when it gave it. `digest`: of `body`, as in :func:`word`.

    Raises :class:`Rejected`: one of parcel.CIRCUMSTANCES alone where only that moment can tell.
    """
    moment = accepted_at(agency, body, proof, agency.registry()) if proof else now
    try:
        opened = parcel.verify(body, agency.registry(), moment, known=agency.known, digest=digest)
    except Rejected as error:
        over = error.fault in {Fault.KEY_EXPIRED, Fault.KEY_REVOKED} and not proof
        signature = parcel.peek_signature(body) if over else None
        if signature is None or not agency.hub_keys().holds(signature.certificate):
            raise
        opened = parcel.verify(body, agency.registry(), signature.signing_time)
    return receipt.of(opened)


def accepted_at(agency: Agency, body: bytes, proof: bytes, source: parcel.Trust) -> datetime:
    """When the hub accepted the receipt `body`, by its word in `proof` (R.1). Raises :class:`Rejected`."""
    moment = receipt.read(parcel.peek(proof)[1], HUB).statements[0].time
    word = parcel.verify(proof, source, moment)
    accepted = receipt.read(word.content, word.signer)
    statement = accepted.statements[0]
    if (statement.event, statement.evidence, accepted.installation) != (
        Event.ReceiptAcceptance,
        hashlib.sha256(body).hexdigest(),
        agency.installation,
    ):
        raise rejected(Fault.RECEIPT_INVALID, "the proof is not about this receipt")
    return statement.time
