"""What the hub refused for a circumstance of the signature is signed again, from the same content.

A document or receipt may wait while its key is revoked, or be signed by a clock that is wrong. Its content is as good
as before; what has passed is the signature. Signed again is only what can then be judged otherwise, by a key that is
good as far as this adapter knows: so nothing goes round in circles.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core import parcel, receipt
from axis.core.ledger import Entry
from axis.errors import Fault, Rejected
from axis.infra.journal.tables import REFUSED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.core.receipt import Reason
    from axis.infra.database import Row
    from axis.services.agency.adapter import Agency

OF_THE_SIGNATURE = frozenset(fault.code for fault in (*parcel.CIRCUMSTANCES, Fault.CLOCK_SKEW))
LOOK_AGAIN = timedelta(minutes=1)  # while the key, or the clock, is not good
ONCE_MORE = timedelta(hours=1)  # what could only be signed as it is: the hub's circumstances may change


def document(
    agency: Agency, parcel_digest: str, content_digest: str, reasons: Sequence[Reason], now: datetime
) -> bytes | None:
    """What takes the place of a pending parcel that the hub refused for these reasons: the same content signed anew.
    None: it is refused, or is another parcel than the pending one."""
    if not reasons or not {reason.code for reason in reasons} <= OF_THE_SIGNATURE:
        return None
    with agency.journal.reading() as reader:
        same = [row for row in reader.outgoing_by_content(content_digest) if row["parcel_digest"] == parcel_digest]
        # What the agency's own tool has signed is its own to sign again.
        if not any(row["state"] == "pending" and row["source_digest"] != parcel_digest for row in same):
            return None
        body = reader.payload(parcel_digest)
    return parcel.signed_again(body, agency.signer, now) if _is_good(agency, now) else None


def is_own_receipt(agency: Agency, digest: str) -> bool:
    """Whether the parcel with this digest is a receipt that this agency gave."""
    with agency.journal.reading() as reader:
        body = reader.payload_if_any(digest)
    try:
        main, content = parcel.peek(body)
        return main == parcel.RECEIPT and bool(receipt.read(content, agency.code))
    except Rejected:
        return False


def receipts(agency: Agency, refused: Sequence[Row], now: datetime) -> None:
    """Sign these anew, of those that wait to be posted, where that helps; otherwise they wait."""
    good = _is_good(agency, now)
    with agency.journal.transaction() as tx:
        bodies = tx.payloads({row["body_digest"] for row in refused}) if good else {}
        for row in refused:
            body = bodies.get(row["body_digest"])
            renewed = parcel.signed_again(body, agency.signer, now) if body else None
            if not good:
                tx.postpone(row["number"], REFUSED, now + LOOK_AGAIN)
            elif renewed is None:
                tx.postpone(row["number"], 0, now + ONCE_MORE)
            else:
                detail = {"before": row["body_digest"]}
                tx.receipt_renewed(row, renewed, Entry(now, agency.code, "receipt.signed_again", "", "", detail))


def _is_good(agency: Agency, now: datetime) -> bool:
    """Whether what this agency signs now passes, as far as it knows."""
    try:
        agency.registry().certificate(agency.signer.der, now)
    except Rejected:
        return False
    return True
