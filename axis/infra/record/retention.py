"""Which parcels of documents the record keeps, what keeps them, and their end. Receipts and rows stay for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.core.hub.lifecycle import FINAL, WAITING, State
from axis.core.instant import to_text
from axis.core.retention import Kept
from axis.infra import payloads, volumes
from axis.infra.record.query import Query
from axis.infra.record.tables import BODY_REFERENCES, outbox, quarantine, submission

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from axis.core.hub.dossier import Document
    from axis.infra.record.store import HubReader, HubTransaction

_FINAL = ", ".join(f"'{state.value}'" for state in sorted(FINAL))
_WAITING = ", ".join(f"'{stage.value}'" for stage in sorted(WAITING))
_OF_IT = "FROM delivery d WHERE d.axis_id = s.axis_id"
_ASKED_OF_IT = "FROM delivery d JOIN demand m ON m.delivery_id = d.id WHERE d.axis_id = s.axis_id"
_PUBLISHED_OF_IT = "FROM delivery d JOIN outbox o ON o.delivery_id = d.id WHERE d.axis_id = s.axis_id"


def _some(rows: str) -> str:
    """Whether there are such rows, looked up for each submission: of an EXISTS PostgreSQL may make a hash of the whole
    table, for each slice of a run."""
    return f"(SELECT count(*) {rows}) > 0"


_FACTS = f"""
    SELECT s.axis_id, s.owner, s.document_id, s.body_digest, s.received_at,
        coalesce((SELECT max(d.updated_at) {_OF_IT}), ''),
        {_some(f"{_OF_IT} AND d.state NOT IN ({_FINAL}) AND NOT (d.state = '{State.FAILED.value}' AND d.closed)")},
        {_some(f"{_OF_IT} AND d.owes_at <> ''")}
            OR {_some(_PUBLISHED_OF_IT)},
        {_some(f"FROM demand m WHERE m.asked_by = s.axis_id AND m.stage IN ({_WAITING})")}
            OR {_some(f"{_ASKED_OF_IT} AND m.stage IN ({_WAITING})")},
        {_some("FROM quarantine q WHERE q.document_id = s.document_id AND q.document_id <> ''")},
        {_some("FROM hold h WHERE h.owner = s.owner AND h.document_id = s.document_id")}
    """
# By a column that only the index of what is kept begins with: no other index serves, whatever is known of the values.
_OLDEST = _FACTS + (
    "FROM submission s WHERE s.body_digest <> '' AND s.received_at < {n} AND (s.received_at, s.axis_id) > ({n}, {n}) "
    "ORDER BY s.received_at, s.axis_id LIMIT {n}"
)
_OLDEST_SQLITE, _OLDEST_POSTGRESQL = _OLDEST.format(n="?"), _OLDEST.format(n="%s")
START = ("", "")
_AGAIN = Query(1, _FACTS + "FROM {keys} CROSS JOIN submission s WHERE s.axis_id = k.c0 AND s.body_digest <> ''")


def kept(reader: HubReader, until: datetime, after: tuple[str, str], limit: int) -> list[Kept]:
    """The submissions that were accepted before `until` and whose bytes are kept, in order from `after` on, a time and
    an axis id."""
    is_sqlite = reader.connection.dialect.name == "sqlite"
    text = _OLDEST_SQLITE if is_sqlite else _OLDEST_POSTGRESQL
    rows = reader.connection.exec_driver_sql(text, (to_text(until), *after, limit)).all()
    return [_kept(row) for row in rows]


def again(reader: HubReader, axis_ids: Collection[str]) -> list[Kept]:
    """The same of these submissions, as they are now."""
    return [_kept(row) for row in _AGAIN.rows(reader.connection, [(one,) for one in axis_ids])] if axis_ids else []


def _kept(row: Any) -> Kept:
    axis_id, owner, document_id, digest, received_at, moved_at, *is_so = row
    return Kept(axis_id, owner, document_id, digest, received_at, moved_at, *map(bool, is_so))


def documents(found: Sequence[Kept]) -> set[Document]:
    """What has to be locked before these may end."""
    return {(one.owner, one.document_id) for one in found}


def sizes(reader: HubReader, found: Sequence[Kept]) -> int:
    """The bytes that are kept of these."""
    return sum(payloads.sizes(reader.connection, {one.digest for one in found}).values()) if found else 0


def end(tx: HubTransaction, found: Sequence[Kept], now: datetime) -> None:
    """The bytes of these go, but where something else names them."""
    if not found:
        return
    of_them = submission.c.axis_id.in_([one.axis_id for one in found])
    tx.connection.execute(sa.update(submission).where(of_them).values(body_digest="", ended_at=to_text(now)))
    payloads.end(tx.connection, {one.digest for one in found}, tx.references)


# -- Volumes: PostgreSQL alone --------------------------------------------------------------------------------


def still_named(reader: HubReader, number: int, closed_at: datetime, limit: int) -> list[str]:
    """Up to `limit` digests in a volume that was closed at this moment that something names, and that lie in no newer
    one. Bytes come with the row that names them: no submission that was accepted a day later names any there."""
    kept_then = sa.select(submission.c.body_digest).where(
        sa.text("submission.body_digest <> ''"), submission.c.received_at < to_text(closed_at)
    )
    names = [kept_then, sa.select(outbox.c.body_digest), sa.select(quarantine.c.body_digest)]
    assert len(names) == len(BODY_REFERENCES)  # noqa: S101  each column that may name a parcel
    return volumes.named(reader.connection, number, names, limit)
