"""An agency's adapter: what its steps (submit, deliver) share, and one round of them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from axis.core import parcel, receipt, trust
from axis.core.receipt import Event
from axis.core.trust import HUB, read_registry
from axis.errors import Corrupted, Fault, Problem, Rejected, rejected

if TYPE_CHECKING:
    from datetime import datetime

    from adapters.base import Guarded
    from axis.core.message import Broker
    from axis.core.parcel import Parcel
    from axis.core.receipt import Receipt
    from axis.core.signature import Signer
    from axis.core.trust import Registry
    from axis.infra.journal import Journal


class Agency:
    """One agency's adapter. Its steps live in services/submit.py and services/deliver.py.

    It has nothing of the hub but the broker and what came through it.
    """

    def __init__(
        self,
        code: str,
        journal: Journal,
        broker: Broker,
        adapter: Guarded,
        signer: Signer,
        hub: trust.Certificate,
        installation: str,
    ) -> None:
        self.code = code
        self.journal = journal
        self.broker = broker
        self.adapter = adapter
        self.signer = signer
        self.hub = hub
        self.installation = installation
        self.turn = 0
        self.shown_again: int | None = 0  # up to which row what was shown has been looked at since the start; None: all
        self._registry: Registry | None = None

    def registry(self) -> Registry:
        """The registry installed here. Raises :class:`Corrupted` when there is none."""
        if self._registry is None:
            with self.journal.reading() as reader:
                found = reader.registry()
            if found is None:
                raise Corrupted(Problem(Fault.REGISTRY_INVALID, got=f"no registry installed for {self.code}"))
            self._registry = read_registry(found[1], self.hub)
        return self._registry

    def is_enrolled(self) -> bool:
        """Whether a registry is installed; a new agency's first one comes with its mail."""
        if self._registry is not None:
            return True
        with self.journal.reading() as reader:
            return reader.registry_version() > 0

    def forget_registry(self) -> None:
        """A newer one was installed."""
        self._registry = None

    def next_due(self) -> datetime | None:
        """When something that waits here is due; None when nothing waits."""
        with self.journal.reading() as reader:
            return reader.next_due()


def verify_mail(agency: Agency, body: bytes, proof: bytes) -> tuple[Parcel, Receipt]:
    """The parcel and the hub's A.1 for it, both verified as of the acceptance.

    Raises :class:`Rejected`: RECEIPT_INVALID when the proof is not the hub's word about this parcel and this agency:
    what the hub accepted may still come. Otherwise what is wrong with the parcel.
    """
    registry = agency.registry()
    unverified = receipt.read(parcel.peek(proof)[1], HUB)
    moment = unverified.statements[0].time
    try:
        word = parcel.verify(proof, registry, moment)
        accepted = receipt.read(word.content, word.signer)
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
        opened = parcel.verify(body, registry, moment)
    except Rejected as error:
        if error.fault in parcel.ALTERED or not is_about(accepted, body):
            raise rejected(Fault.RECEIPT_INVALID, f"not what A.1 is about: {error}") from None
        raise
    if (opened.content_digest, opened.signer) != (subject.content_digest, subject.sender):
        raise rejected(Fault.RECEIPT_INVALID, f"A.1 is about {subject.content_digest}")
    return opened, accepted


def is_about(accepted: Receipt, body: bytes) -> bool:
    """Whether these bytes, whoever signed them, hold the content that the receipt speaks of."""
    return parcel.unverified_digest(body) == accepted.subject.content_digest


def verify_receipt(agency: Agency, body: bytes, proof: bytes, now: datetime) -> Receipt:
    """A receipt, verified as of the moment when the hub accepted it: as R.1 in `proof` says, now where there is none,
    and the hub's own as of when it gave it.

    Raises :class:`Rejected`: one of parcel.CIRCUMSTANCES alone where only that moment can tell.
    """
    moment = accepted_at(agency, body, proof, agency.registry()) if proof else now
    try:
        opened = parcel.verify(body, agency.registry(), moment)
    except Rejected as error:
        signature = parcel.peek_signature(body) if error.fault is Fault.KEY_EXPIRED and not proof else None
        if signature is None or signature.certificate != agency.hub.der:
            raise
        opened = parcel.verify(body, agency.registry(), signature.signing_time)
    return receipt.read(opened.content, opened.signer)


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
