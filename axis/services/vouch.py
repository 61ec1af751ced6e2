"""The hub's word on when it accepted a recipient's receipt: R.1, beside a receipt whose certificate is no longer good.

A receipt is judged as of the moment at which the hub accepted it. Who verifies it later needs that word only where the
certificate was revoked or ran out in between: then it goes along, or an adapter asks for it by showing the receipt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core import parcel, receipt
from axis.core.instant import whole
from axis.core.ledger import Entry
from axis.core.receipt import Event, Receipt, Statement
from axis.core.trust import HUB
from axis.errors import Rejected
from axis.infra import payloads

if TYPE_CHECKING:
    from datetime import datetime

    from axis.infra.store import HubReader, HubTransaction
    from axis.services.hub import Hub


def beside(hub: Hub, body: bytes, now: datetime) -> bytes:
    """What has to go along with a parcel of the outbox: R.1 for a recipient's receipt whose certificate is not good any
    more; otherwise nothing."""
    main, content = parcel.peek(body)
    if main != parcel.RECEIPT:
        return b""
    try:
        hub.registry().certificate(parcel.peek_signature(body).certificate, now)
    except Rejected:
        with hub.store.reading() as reader:
            return _acceptance(hub, reader, receipt.claimed(content), payloads.digest_of(body), now)
    return b""


def answer(hub: Hub, tx: HubTransaction, agency: str, said: Receipt, digest: str, now: datetime) -> bool:
    """Send a receipt again, with R.1, to `agency`, which has shown it; False unless it is one that was accepted here
    about what this agency has sent. `said`: what its bytes say, of which `digest` is the SHA-256."""
    sender = said.subject.sender
    if not _is_kept(tx, said, digest) or agency not in {sender, hub.mailbox(sender, now)}:
        return False
    proof = _acceptance(hub, tx, said, digest, now)
    if not proof:
        return False
    tx.enter(Entry(now, HUB, "receipt.vouched", _axis_id(tx, said), said.issuer, {"receipt": digest, "to": agency}))
    tx.send(agency, digest, now, proof=tx.keep_proof(proof))
    return True


def _is_kept(reader: HubReader, said: Receipt, digest: str) -> bool:
    """Whether the record holds this very receipt."""
    first = said.statements[0]
    return reader.statement(said.issuer, first.event.code, _axis_id(reader, said), first.recipient) == digest


def _axis_id(reader: HubReader, said: Receipt) -> str:
    """Of what it speaks of: a restored record may have lost that, and hold it under another id."""
    axis_id = said.subject.axis_id
    if reader.submission(axis_id) is None and (again := reader.sent_as(said.subject)) is not None:
        return str(again["axis_id"])
    return axis_id


def _acceptance(hub: Hub, reader: HubReader, said: Receipt, digest: str, now: datetime) -> bytes:
    """R.1 for the receipt with this digest; b"" for one of which the record does not say when it was accepted."""
    by = (said.issuer, said.statements[0].event.code)
    told = (e for _, e in reader.entries(_axis_id(reader, said)) if (e.actor, e.detail.get("receipt")) == by)
    accepted = next(told, None)
    if accepted is None or not _is_kept(reader, said, digest):
        return b""
    one = Statement(
        hub.new_id(now),
        Event.ReceiptAcceptance,
        whole(accepted.time),
        said.issuer,
        entry=accepted.digest,
        evidence=digest,
    )
    witness = Receipt(hub.installation, HUB, said.subject, (one,), hub.registry().version)
    return receipt.signed(witness, hub.signer, now)
