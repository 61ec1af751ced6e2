"""What was stated: receipts, ledger entries, and refusals with their A.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core import ledger, parcel, receipt
from axis.core.hub import dossier as ask
from axis.core.hub.dossier import Facts, Refused, Said
from axis.core.registry import HUB
from axis.errors import Rejected
from axis.infra import payloads
from axis.infra.payloads import digest_of
from axis.infra.record.dossiers.rows import Readers
from axis.infra.record.query import Query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

    from axis.core.hub.dossier import Digest
    from axis.core.ledger import Entry

_RECEIPTS = Query(
    1,
    "SELECT t.axis_id, t.event, t.recipient, t.receipt_digest, t.time FROM {keys} CROSS JOIN statement t "
    "WHERE t.axis_id = k.c0 ORDER BY t.time",
)


def _receipts(connection: Connection, asked: list[ask.Receipts], facts: Facts) -> Iterable[str]:
    facts.receipts.update({one.axis_id: {} for one in asked})
    for axis_id, event, recipient, digest, time in _RECEIPTS.rows(connection, [(one.axis_id,) for one in asked]):
        facts.receipts[axis_id][event, recipient] = Said(digest, time)
    return ()


_STATED = Query(
    4,
    "SELECT t.issuer, t.event, t.axis_id, t.recipient, t.receipt_digest FROM {keys} CROSS JOIN statement t "
    "WHERE t.issuer = k.c0 AND t.event = k.c1 AND t.axis_id = k.c2 AND t.recipient = k.c3",
)


def _stated(connection: Connection, asked: list[ask.Stated], facts: Facts) -> Iterable[str]:
    facts.stated.update(dict.fromkeys(asked))
    keys = [(one.issuer, one.event, one.axis_id, one.recipient) for one in asked]
    for *key, digest in _STATED.rows(connection, keys):
        facts.stated[ask.Stated(*key)] = digest
    return ()


_ENTRIES = Query(
    1, "SELECT t.axis_id, t.canonical FROM {keys} CROSS JOIN ledger t WHERE t.axis_id = k.c0 ORDER BY t.id"
)


def _entries(connection: Connection, asked: list[ask.Entries], facts: Facts) -> Iterable[str]:
    found: dict[str, list[Entry]] = {one.axis_id: [] for one in asked}
    for axis_id, canonical in _ENTRIES.rows(connection, [(one.axis_id,) for one in asked]):
        found[axis_id].append(ledger.read(canonical))
    facts.entries.update({axis_id: tuple(entries) for axis_id, entries in found.items()})
    return ()


_REFUSED = Query(
    2,
    "SELECT t.sender, t.digest, t.receipt_digest, t.retry, p.content, p.segment FROM {keys} CROSS JOIN refusal t "
    "LEFT JOIN payload p ON p.digest = t.receipt_digest WHERE t.sender = k.c0 AND t.digest = k.c1",
)


def _refused(connection: Connection, asked: list[ask.RefusedAs], facts: Facts) -> Iterable[str]:
    keys = [(one.sender, one.digest) for one in asked]
    facts.refused.update(dict.fromkeys(keys))
    rows = _REFUSED.rows(connection, keys)
    apart = payloads.get_sound(connection, [row.receipt_digest for row in rows if row.segment])  # with many findings
    for sender, digest, receipt_digest, retry, content, segment in rows:
        given = apart.get(receipt_digest) if segment else content
        facts.refused[sender, digest] = Refused(receipt_digest, bool(retry), _named(receipt_digest, given))
    return ()


def _named(receipt_digest: Digest, content: bytes | None) -> Digest:
    """The parcel that a stored A.2 names; "" for one from before they named parcels, and for a damaged one."""
    if content is None or digest_of(content) != receipt_digest:
        return ""
    try:
        return receipt.read(parcel.peek(bytes(content))[1], HUB).statements[0].parcel
    except Rejected:
        return ""


READERS: Readers = {
    ask.RefusedAs: _refused,
    ask.Receipts: _receipts,
    ask.Stated: _stated,
    ask.Entries: _entries,
}
