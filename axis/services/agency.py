"""An agency's adapter: what its steps (submit, deliver) share, and one round of them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from axis.core import parcel, receipt, trust
from axis.core.homes import Standing
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
        self.instance = ""  # of its home; "" where hub and journal are one file, and are put back together
        self.start = uuid.uuid4().hex
        self.standing = Standing.CURRENT
        self.ask_at: datetime | None = None  # when the hub is asked about it again
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
        if self.standing is not Standing.CURRENT:
            return self.ask_at if self.standing is Standing.UNKNOWN else None
        with self.journal.reading() as reader:
            return reader.next_due()


def verify_mail(agency: Agency, body: bytes, proof: bytes) -> tuple[Parcel, Receipt]:
    """The parcel and the hub's A.1 for it, both verified as of the acceptance.

    Raises :class:`Rejected`: RECEIPT_INVALID when the proof is not the hub's word about this parcel and this
    agency; otherwise what is wrong with the parcel.
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
    opened = parcel.verify(body, registry, moment)
    if (opened.content_digest, opened.signer) != (subject.content_digest, subject.sender):
        raise rejected(Fault.RECEIPT_INVALID, f"A.1 is about {subject.content_digest}")
    return opened, accepted
