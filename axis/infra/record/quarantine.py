"""Messages that were put aside, until an operator decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.infra import payloads
from axis.infra.record import ledger
from axis.infra.record.tables import PAYLOAD_REFERENCES, quarantine

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from axis.core.ledger import Entry
    from axis.infra.database import Row
    from axis.infra.record.store import HubReader, HubTransaction


def found(
    reader: HubReader, agency: str = "", code: str = "", since: str = "", id_begins: str = "", limit: int | None = None
) -> Sequence[Row]:
    """All of them, the oldest first; of one agency, with one code, since a moment, with an id that begins so, where
    these are given."""
    query = sa.select(quarantine)
    if agency:
        query = query.where(quarantine.c.agency == agency)
    if code:
        query = query.where(quarantine.c.code == code)
    if since:
        query = query.where(quarantine.c.since >= since)
    if id_begins:
        query = query.where(quarantine.c.id.startswith(id_begins, autoescape=True))
    return reader.connection.execute(query.order_by(quarantine.c.since).limit(limit)).mappings().all()


def put_aside_for(reader: HubReader, fault: str, after: str, limit: int) -> Sequence[Row]:
    """Those that were put aside for this reason, by id from `after` on."""
    query = sa.select(quarantine).where(quarantine.c.code == fault, quarantine.c.id > after)
    return reader.connection.execute(query.order_by(quarantine.c.id).limit(limit)).mappings().all()


def one(reader: HubReader, identifier: str) -> Row | None:
    """One of them; None when somebody has decided about it."""
    return reader.connection.execute(sa.select(quarantine).where(quarantine.c.id == identifier)).mappings().first()


def waiting_about(reader: HubReader, document_ids: Collection[str]) -> Sequence[Row]:
    """The receipts about these documents that wait for what the record has lost, the oldest first."""
    query = sa.select(quarantine).where(quarantine.c.document_id.in_(sorted(document_ids)))
    return reader.connection.execute(query.order_by(quarantine.c.since, quarantine.c.id)).mappings().all()


def leave(tx: HubTransaction, row: Row, entry: Entry) -> None:
    """An operator has decided about a message: off the list with it, and its bytes with it, unless they are named by
    something else."""
    tx.connection.execute(sa.delete(quarantine).where(quarantine.c.id == row["id"]))
    payloads.release(tx.connection, row["body_digest"], (*tx.references, *PAYLOAD_REFERENCES))
    ledger.enter(tx, entry)
