"""What proves in the log the entries about an agency, as it was told them: kept for its receipts and its evidence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.core.instant import to_text
from axis.infra.database import insert_or_ignore, upsert_all
from axis.infra.journal.changes import Changes
from axis.infra.journal.tables import event, incoming, log_proof, log_proof_head, outgoing

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from axis.infra.journal.reading import JournalReader


@dataclass(frozen=True, slots=True)
class Proof:
    """That the entry with this `digest` stands in the log: `data` is a tlog-proof without its checkpoint, which is that
    of `size` entries."""

    digest: str
    axis_id: str
    size: int
    data: bytes


class ProofChanges(Changes):
    """Changes to what is kept."""

    def keep_proofs(self, proofs: Sequence[Proof], size: int, note: bytes, now: datetime) -> None:
        """These are proved by the checkpoint of `size` entries."""
        if proofs:
            insert_or_ignore(self.connection, log_proof_head, {"agency": self.agency, "size": size, "note": note})
            at = to_text(now)
            rows = [
                {"agency": self.agency, "digest": p.digest, "axis_id": p.axis_id, "size": size, "data": p.data}
                for p in {one.digest: one for one in proofs}.values()
            ]
            upsert_all(self.connection, log_proof, [row | {"kept_at": at} for row in rows], ("agency", "digest"))


def about(reader: JournalReader, axis_ids: Collection[str]) -> dict[str, tuple[str, bytes]]:
    """(axis id, whole tlog-proof) of each entry about these submissions that was proved here, by its digest. What was
    refused is no submission: the digest of its content stands in the place of its axis id, here and below."""
    query = (
        sa.select(log_proof, log_proof_head.c.note)
        .join(
            log_proof_head,
            sa.and_(log_proof_head.c.agency == log_proof.c.agency, log_proof_head.c.size == log_proof.c.size),
        )
        .where(log_proof.c.agency == reader.agency, log_proof.c.axis_id.in_(sorted(axis_ids)))
        .order_by(log_proof.c.size, log_proof.c.digest)
    )
    return {row.digest: (row.axis_id, bytes(row.data) + bytes(row.note)) for row in reader.connection.execute(query)}


def since(reader: JournalReader, moment: datetime) -> set[str]:
    """The submissions about which something was proved since a moment."""
    query = sa.select(log_proof.c.axis_id).where(
        log_proof.c.agency == reader.agency, log_proof.c.kept_at >= to_text(moment)
    )
    return set(reader.connection.execute(query.distinct()).scalars())


def receipts(reader: JournalReader, axis_ids: Collection[str]) -> list[tuple[str, str, str, Any]]:
    """(axis id, digest, state, names of its files) of each receipt that has come about these submissions."""
    asked = sa.select(event.c.axis_id, event.c.canonical).where(
        event.c.agency == reader.agency, event.c.axis_id.in_(sorted(axis_ids))
    )
    found: dict[str, str] = {}
    for row in reader.connection.execute(asked.order_by(event.c.number)):
        said = json.loads(row.canonical)
        if said["event"] == "receipt.received":
            found[str(said["detail"]["receipt"])] = row.axis_id
    refused = sa.select(outgoing.c.content_digest, outgoing.c.answer_digest).where(
        outgoing.c.agency == reader.agency,
        outgoing.c.content_digest.in_(sorted(axis_ids)),
        outgoing.c.state == "refused",
    )
    found |= {row.answer_digest: row.content_digest for row in reader.connection.execute(refused)}
    rows = reader.connection.execute(
        sa.select(incoming.c.id, incoming.c.state, incoming.c.names).where(
            incoming.c.agency == reader.agency, incoming.c.id.in_(sorted(found))
        )
    )
    return [(found[row.id], row.id, row.state, row.names) for row in rows]


def end(connection: Connection, until: datetime) -> int:
    """What was kept before `until` ends, and the checkpoints that nothing names any more; how many proofs."""
    ended = connection.execute(sa.delete(log_proof).where(log_proof.c.kept_at < to_text(until))).rowcount
    if ended:
        named = sa.exists().where(
            log_proof.c.agency == log_proof_head.c.agency, log_proof.c.size == log_proof_head.c.size
        )
        connection.execute(sa.delete(log_proof_head).where(~named))
    return ended
