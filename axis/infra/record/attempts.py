"""How often a message was judged alone, and whether an attempt was begun and never ended: a hub died in it then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.infra import payloads
from axis.infra.database import insert_or_ignore
from axis.infra.record.tables import attempt, submission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.infra.record.store import HubReader, HubTransaction


def known(reader: HubReader, digests: Sequence[str]) -> dict[tuple[str, str], tuple[int, bool]]:
    """(how often it failed by its own fault, whether an attempt was begun and not ended) of those of these messages
    that were judged alone before, by queue and digest."""
    rows = reader.connection.execute(sa.select(attempt).where(attempt.c.message_id.in_(list(digests)))).mappings()
    return {(row["queue"], row["message_id"]): (row["count"], row["is_open"]) for row in rows}


def begin(tx: HubTransaction, queue: str, digest: str) -> None:
    """A message is about to be judged alone. Where nobody ends this attempt, a hub died in it."""
    row = {"queue": queue, "message_id": digest, "count": 0, "is_open": True}
    if not insert_or_ignore(tx.connection, attempt, row):
        where = (attempt.c.queue == queue, attempt.c.message_id == digest)
        tx.connection.execute(sa.update(attempt).where(*where).values(is_open=True))


def end(tx: HubTransaction, queue: str, digest: str, *, failed: bool) -> None:
    """It was judged, and dealt with neither way; with `failed` by its own fault, which is counted."""
    where = (attempt.c.queue == queue, attempt.c.message_id == digest)
    values = {"is_open": False, "count": attempt.c.count + int(failed)}
    tx.connection.execute(sa.update(attempt).where(*where).values(values))


def forget(tx: HubTransaction, queue: str, digest: str) -> None:
    """The message was dealt with."""
    tx.connection.execute(sa.delete(attempt).where(attempt.c.queue == queue, attempt.c.message_id == digest))


def last_accepted(reader: HubReader, but: str) -> tuple[str, bytes, bool] | None:
    """(sender, parcel, whether something was asked or reported about it since) of the document that was accepted last
    and whose parcel is kept whole, one about which nothing was before any other; not these bytes."""
    about = submission.alias("about")
    same = sa.and_(about.c.document_id == submission.c.document_id, about.c.owner == submission.c.owner)
    is_changed = sa.exists().where(same, about.c.axis_id != submission.c.axis_id)
    query = sa.select(submission).where(submission.c.body_digest.not_in(("", but)), submission.c.kind == "new")
    for among, changed in ((query.where(~is_changed), False), (query, True)):
        newest = among.order_by(submission.c.axis_id.desc()).limit(5)
        rows = reader.connection.execute(newest).mappings().all()
        found = payloads.get_sound(reader.connection, [row["body_digest"] for row in rows])
        for row in rows:
            if row["body_digest"] in found:
                return row["sender"], found[row["body_digest"]], changed
    return None
