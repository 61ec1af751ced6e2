"""A record that was put back to an older backup: what that means for what it holds, and when it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.core import ledger as entries
from axis.core.instant import to_text
from axis.infra.record import ledger
from axis.infra.record.tables import adapter_home, delivery, ledger_entry, outbox

if TYPE_CHECKING:
    from datetime import datetime

    from axis.core.ledger import Entry
    from axis.infra.record.store import HubReader, HubTransaction

RESTORED = "record.restored"  # the entry of such a record


def restore(tx: HubTransaction, not_before: datetime, entry: Entry) -> None:
    """This record lacks what happened last. What it holds as never published may have been, or have been withdrawn:
    only recipients can know, and it leaves `not_before` a moment, so that what has withdrawn it comes first."""
    untried = sa.select(delivery.c.id).where(delivery.c.tried.is_(False), outbox.c.delivery_id == delivery.c.id)
    doubtful = untried.where(delivery.c.role.in_(("document", "update")))
    later = sa.update(outbox).where(doubtful.exists(), outbox.c.not_before < to_text(not_before))
    tx.connection.execute(later.values(not_before=to_text(not_before)))
    tx.connection.execute(sa.update(delivery).where(delivery.c.tried.is_(False)).values(tried=True))
    tx.connection.execute(sa.delete(adapter_home))  # what was heard of them is old: they are asked again
    ledger.enter(tx, entry)


def restored_at(reader: HubReader) -> datetime | None:
    """When this record was last found to lack what it had held; None when it never was. Looks through the entries that
    are about no submission."""
    about_nothing = sa.select(ledger_entry.c.canonical).where(ledger_entry.c.axis_id == "")
    query = about_nothing.where(ledger_entry.c.canonical.contains(f'"event":"{RESTORED}"', autoescape=True))
    canonical = reader.connection.execute(query.order_by(ledger_entry.c.id.desc()).limit(1)).scalar()
    return entries.read(canonical).time if canonical else None
