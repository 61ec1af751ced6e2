"""The proofs of an agency's receipts: what it is told about the log is kept, and lies beside the receipts as files.

``NAME.tlog-proof`` beside ``NAME.asice`` proves the entry that its statement quotes, ``NAME.2.tlog-proof`` that of the
second, where it has several. It may come before or after its receipt.
"""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from axis.core import parcel, receipt
from axis.core.evidence.judge import proved
from axis.core.log import checkpoint, merkle, note, own
from axis.core.log.proof import LogProof
from axis.core.registry import HUB
from axis.errors import AxisError, Rejected
from axis.infra.journal import proofs as journal
from axis.infra.journal.proofs import Proof

if TYPE_CHECKING:
    from datetime import datetime

    from axis.core.log.exchange import Told
    from axis.core.receipt import Receipt
    from axis.infra.journal.transaction import JournalTransaction
    from axis.services.agency.adapter import Agency

log = logging.getLogger("axis.proofs")
RECENT = timedelta(hours=1)  # after a start it is looked again at what was proved so lately
PAUSE = timedelta(seconds=10)
AT_ONCE = 100  # submissions


def keep(agency: Agency, tx: JournalTransaction, told: Told, now: datetime) -> None:
    """The entries that this tells of are proved: they were checked."""
    size = checkpoint.read(note.read(told.checkpoint).text).size
    found = []
    for one in told.entries:
        about = _about(json.loads(one.canonical))
        if about:
            hashes = tuple(told.nodes[span] for span in merkle.inclusion_spans(one.position - 1, size))
            data = proved(one.salt, one.canonical, LogProof(one.position - 1, hashes, b""))
            found.append(Proof(hashlib.sha256(one.canonical.encode()).hexdigest(), about, size, data))
    tx.keep_proofs(found, size, told.checkpoint, now)
    if agency.proving is None:
        agency.proving = journal.since(tx, now - RECENT)
    agency.proving |= {one.axis_id for one in found}
    agency.proved_at = None


def _about(entry: dict[str, Any]) -> str:
    """The submission that an entry is about; of what became none, its content."""
    if entry["event"] == own.REFUSED:
        return str(entry["detail"].get("content_digest", ""))
    return str(entry["axis_id"])


def came(agency: Agency, about: str) -> None:
    """A receipt about this has come: its proof may be here already, or come soon."""
    if agency.proving is not None and about:
        agency.proving.add(about)


def show(agency: Agency, now: datetime) -> int:
    """Put what proves a receipt beside it, where it lies in the agency's folder; how many files. At once after the
    agency was told something, otherwise now and then: receipts that come without end ask their journal seldom."""
    if agency.proved_at is not None and abs(now - agency.proved_at) < PAUSE:
        return 0
    those = set(sorted(agency.proving or ())[:AT_ONCE])
    if not those:
        return 0
    agency.proving, agency.proved_at = (agency.proving or set()) - those, now
    with agency.journal.reading() as reader:
        known = journal.about(reader, those)
        rows = journal.receipts(reader, {axis_id for axis_id, _ in known.values()}) if known else []
        bodies = reader.payloads({digest for _, digest, _, _ in rows})
    files: dict[str, dict[str, bytes]] = {}
    for axis_id, digest, state, names in rows:
        said = _of_hub(bodies.get(digest, b""))
        if said is None:
            continue
        if state != "handed_over":
            agency.proving.add(axis_id)  # it is shown first
            continue
        name = str(names[0][1]) if names else ""
        files[name] = beside(name, said, {one: data for one, (_, data) in known.items()})
    files = {name: own for name, own in files.items() if own}
    try:
        return agency.adapter.beside("receipts", files, agency.flush) if files else 0
    except AxisError as error:
        log.warning("%s: proofs are not beside their receipts yet: %s", agency.code, error)
        agency.proving |= those
        return 0


def beside(name: str, said: Receipt, known: dict[str, bytes]) -> dict[str, bytes]:
    """The files that prove what a receipt quotes, by name, as far as that is known."""
    stem, found = name.removesuffix(".asice"), dict[str, bytes]()
    for number, quoted in enumerate(dict.fromkeys(one.entry for one in said.statements), 1):
        if name and quoted in known:
            found[f"{stem}.tlog-proof" if number == 1 else f"{stem}.{number}.tlog-proof"] = known[quoted]
    return found


def _of_hub(body: bytes) -> Receipt | None:
    try:
        said = receipt.claimed(parcel.peek(body)[1]) if body else None
    except Rejected:
        return None
    return said if said is not None and said.issuer == HUB else None
