"""How showing something to the agency's system went: the journal notes it, and its receipt E.1 or E.2 is given."""

from __future__ import annotations

import logging
import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from axis import crashpoints
from axis.core import parcel, receipt
from axis.core.hub import lifecycle
from axis.core.ledger import Entry
from axis.core.receipt import Event, Receipt
from axis.core.registry import HUB
from axis.errors import Corrupted, Fault, Rejected, Unavailable
from axis.services.agency import answer
from axis.services.agency.mail import axis_id

if TYPE_CHECKING:
    from datetime import datetime

    from axis.errors import AxisError
    from axis.infra.database import Row
    from axis.infra.journal.transaction import JournalTransaction
    from axis.services.agency.adapter import Agency

log = logging.getLogger("axis.deliver")
FIRST_RETRY, LONGEST_RETRY = 2.0, 600.0  # seconds, while the agency's system is away
REPAIR = timedelta(hours=1)  # between two looks at what a disk has damaged


def finish(
    agency: Agency,
    tx: JournalTransaction,
    row: Row | dict[str, Any],
    failure: AxisError | None,
    now: datetime,
    accepted: Receipt | None = None,
    publish: tuple[datetime | None, list[bytes]] = (None, []),
    proof: bytes = b"",
) -> bool:
    """Record how it went: handed over (E.1), refused for good (E.2), or not now (nothing is said): then False.

    `accepted` is the hub's word about it, where it was verified just now; `proof` its bytes, where they were read from
    the journal with others. `publish`: until when the receipt, which is added to the list, is to be confirmed; None: it
    is published by the next round."""
    needs_proof = row["kind"] != "receipt" and accepted is None and (failure is None or isinstance(failure, Rejected))
    if needs_proof and not proof:
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
        tx.forget(row["id"], Entry(now, agency.code, "mail.rejected", axis_id(row), "", detail))
        return True
    codes = {"codes": [p.fault.code for p in problems]}
    entry = Entry(now, agency.code, f"{row['kind']}.{state}", axis_id(row), "", codes)
    if traced := row["facts"].get("traceparent"):
        log.info("%s: %s %s", agency.code, row["id"], state, extra={"traceparent": traced})
    given = b""
    if row["kind"] != "receipt":
        subject = (accepted or receipt.read(parcel.peek(proof)[1], HUB)).subject
        event = Event.ContentHandoverFailure if failure else Event.ContentHandover
        crashpoints.reached("D05")
        given = answer.signed(agency, subject, event, problems, entry, now)
        crashpoints.reached("D03")
    confirm_by, published = publish
    if given and confirm_by is not None:
        published.append(given)
    tx.handed_over(row["id"], state, entry, given, now, confirm_by)
    return True
