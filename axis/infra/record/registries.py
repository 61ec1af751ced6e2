"""The registry's versions, each with its parcel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.core.instant import to_text
from axis.errors import Corrupted, Fault, Problem
from axis.infra import payloads
from axis.infra.database import insert_or_ignore
from axis.infra.record import ledger, outbox
from axis.infra.record.tables import registry_version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.core.ledger import Entry
    from axis.infra.record.store import HubReader, HubTransaction


def newest(reader: HubReader) -> str:
    """The digest of the newest registry's parcel. Raises :class:`Corrupted` when there is none."""
    query = sa.select(registry_version.c.digest).order_by(registry_version.c.version.desc()).limit(1)
    digest = reader.connection.execute(query).scalar()
    if digest is None:
        raise Corrupted(Problem(Fault.REGISTRY_INVALID, got="no registry in the store"))
    return str(digest)


def of_version(reader: HubReader, version: int) -> str:
    """The digest of this version's parcel; "" where there is none."""
    query = sa.select(registry_version.c.digest).where(registry_version.c.version == version)
    return str(reader.connection.execute(query).scalar() or "")


def types(reader: HubReader) -> str:
    """The digest of the set of document types that goes with the newest registry; "" where there is none."""
    query = sa.select(registry_version.c.types_digest).order_by(registry_version.c.version.desc()).limit(1)
    return str(reader.connection.execute(query).scalar() or "")


def keep(
    tx: HubTransaction,
    version: int,
    parcel: bytes,
    issued_at: datetime,
    codes: Sequence[str],
    entry: Entry,
    types_parcel: bytes = b"",
) -> bool:
    """Keep a registry version and send it to every agency of `codes`, with the document types: those in `types_parcel`,
    else those that went with the version before. False if that version is taken."""
    digest = payloads.put(tx.connection, parcel)
    with_it = payloads.put(tx.connection, types_parcel) if types_parcel else types(tx)
    row = {"version": version, "digest": digest, "issued_at": to_text(issued_at), "types_digest": with_it}
    if not insert_or_ignore(tx.connection, registry_version, row):
        return False
    ledger.enter(tx, entry)
    _send(tx, codes, digest, with_it, entry.time)
    return True


def send_newest(tx: HubTransaction, code: str, now: datetime) -> None:
    """The newest registry goes to this agency once more, with the document types."""
    _send(tx, [code], newest(tx), types(tx), now)


def _send(tx: HubTransaction, codes: Sequence[str], digest: str, types_digest: str, now: datetime) -> None:
    outbox.put(tx, [(code, digest) for code in codes], now, urgent=True, proof=types_digest)
