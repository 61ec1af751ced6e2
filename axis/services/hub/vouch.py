"""The hub's word on when it accepted a recipient's receipt: R.1, beside a receipt whose certificate is no longer good.

A receipt is judged as of the moment at which the hub accepted it. Who verifies it later needs that word only where the
certificate was revoked or ran out in between: then it goes along, or an adapter asks for it by showing the receipt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core import parcel, receipt
from axis.core.hub import refusals
from axis.core.receipt import Receipt
from axis.core.registry import HUB
from axis.errors import Rejected
from axis.infra import payloads
from axis.infra.record import documents, ledger, search

if TYPE_CHECKING:
    from datetime import datetime

    from axis.infra.record.store import HubReader
    from axis.services.hub.worker import Hub


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


def _is_kept(reader: HubReader, said: Receipt, digest: str) -> bool:
    """Whether the record holds this very receipt."""
    first = said.statements[0]
    about = _axis_id(reader, said)
    return search.receipt_that_says(reader, said.issuer, first.event.code, about, first.recipient) == digest


def _axis_id(reader: HubReader, said: Receipt) -> str:
    """Of what it speaks of: a restored record may have lost that, and hold it under another id."""
    axis_id = said.subject.axis_id
    if documents.of_submissions(reader, [axis_id]):
        return axis_id
    again = documents.sent_as(reader, [said.subject]).get(said.subject)
    return again.axis_id if again is not None else axis_id


def _acceptance(hub: Hub, reader: HubReader, said: Receipt, digest: str, now: datetime) -> bytes:
    """R.1 for the receipt with this digest; b"" for one of which the record does not say when it was accepted."""
    if not _is_kept(reader, said, digest):
        return b""
    entries = [entry for _, entry in ledger.entries(reader, [_axis_id(reader, said)])]
    one = refusals.witnessed(entries, said, digest, hub.new_id(now))
    if one is None:
        return b""
    witness = Receipt(hub.installation, HUB, said.subject, (one,), hub.registry().version)
    return receipt.signed(witness, hub.signer, now)
