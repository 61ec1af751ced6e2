"""What comes before the registry by which it can be verified: signed by a key that nobody has introduced here as the
hub's, say. It is put aside as it came, so much and no more; the registry that comes tells what it is.

Nothing follows from it until then. What does not fit goes to the dead letters, where an operator sees it and gives it
back; and the hub has a record of all that it has sent.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core import parcel, receipt
from axis.core.ledger import Entry
from axis.core.message import Delivered, Message, Route
from axis.core.registry import HUB
from axis.errors import Fault, Problem, Rejected, rejected
from axis.infra.journal import aside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from axis.infra.database import Row
    from axis.services.agency.adapter import Agency
    from axis.services.agency.mail import Change

log = logging.getLogger("axis.deliver")
MESSAGES, BYTES = 1000, 256 * 1024 * 1024  # that lie aside, of each agency
PROOF_BYTES = 256 * 1024  # of the hub's word beside one of them
PATIENCE = timedelta(days=7)  # after which nobody waits for a registry any more
BATCH, BATCH_BYTES = 50, 32 * 1024 * 1024  # that are looked into at once


def needed_version(proof: bytes) -> int:
    """The registry that the hub's word about something was given by, as it says itself."""
    return receipt.read(parcel.peek(proof)[1], HUB).registry_version


def is_strange(agency: Agency, proof: bytes) -> bool:
    """Whether the hub's word is signed by a key that is not known as the hub's here."""
    return not agency.hub_keys().holds(parcel.peek_signature(proof).certificate)


def put(agency: Agency, message: Message, now: datetime) -> Change:
    """What putting it aside will change. Raises :class:`Rejected` ASIDE_FULL where there is no room."""
    size, held = len(message.body) + len(message.proof), agency.aside
    if held is None:
        with agency.journal.reading() as reader:
            found = aside.kept(reader)
        held = agency.aside = found.count, found.size
    if held[0] >= MESSAGES or held[1] + size > BYTES or len(message.proof) > PROOF_BYTES:
        raise rejected(Fault.ASIDE_FULL, f"{held[0]}, {held[1] / 1_000_000:.1f} MB", agency.code)
    agency.aside = held[0] + 1, held[1] + size
    entry = Entry(now, agency.code, "mail.put_aside", "", "", {"message": message.id, "bytes": size})
    return lambda tx: tx.put_aside(message, entry)


def ready(agency: Agency, now: datetime) -> Iterator[tuple[Row, Delivered]]:
    """Of what lies aside, and was not looked at since a registry came, what can be judged now; some at a time. What has
    lain too long is given up."""
    agency.aside = None
    _give_up(agency, now)
    version = agency.registry().version
    seen, number = agency.aside_seen
    if seen == version and number is None:
        return
    with agency.journal.reading() as reader:
        rows = aside.after(reader, number or 0 if seen == version else 0, BATCH)
        proofs = aside.contents(reader, {row["proof_digest"] for row in rows})
    size = 0
    for row in rows:
        agency.aside_seen = version, row["number"]
        with agency.journal.reading() as reader:
            body = aside.contents(reader, {row["body_digest"]}).get(row["body_digest"], b"")
        route, proof = Route("out", agency.code, row["urgent"]), proofs.get(row["proof_digest"], b"")
        message = Message(row["message"], route, body, proof)
        if _may_be_judged(agency, message, version):
            yield row, Delivered(message, True, None)
        size += row["size"]
        if size > BATCH_BYTES:
            return
    if len(rows) < BATCH:
        agency.aside_seen = version, None


def _may_be_judged(agency: Agency, message: Message, version: int) -> bool:
    """Whether it would not be put aside again."""
    claim = parcel.claim(message.body)
    try:
        if needed_version(message.proof) <= version:
            return True
        return claim is not None and claim.main != parcel.RECEIPT and not is_strange(agency, message.proof)
    except Rejected:
        return False  # a disk has damaged it: it is given up in its time


def _give_up(agency: Agency, now: datetime) -> None:
    with agency.journal.reading() as reader:
        rows = aside.before(reader, now - PATIENCE, BATCH)
    if not rows:
        return
    with agency.journal.transaction() as tx:
        for row in rows:
            detail = {"code": Fault.SIG_SIGNER.code, "message": row["message"]}
            tx.take_from_aside(row)
            tx.enter(Entry(now, agency.code, "mail.rejected", "", "", detail))
    why = Problem(Fault.SIG_SIGNER, got="?").text()
    log.error("%s: %d messages given up for which no registry has come: %s", agency.code, len(rows), why)
