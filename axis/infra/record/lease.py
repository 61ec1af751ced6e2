"""Duties that only one worker may do at a time: a lease on each, and a token that grows with each change of holder."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.core.instant import to_text
from axis.infra.database import insert_or_ignore
from axis.infra.record.tables import lease

if TYPE_CHECKING:
    from datetime import datetime

    from axis.infra.record.store import HubTransaction

LEASE = timedelta(seconds=10)


def hold(tx: HubTransaction, duty: str, holder: str, now: datetime) -> int | None:
    """Take or renew the lease on a duty; its fencing token, None if it is another's.

    The lease row stays locked until the transaction ends: what is written under a token in the same transaction can
    never be another holder's. `LEASE` after the last renewal anybody may take it.
    """
    is_free = sa.or_(lease.c.holder == holder, lease.c.until <= to_text(now))
    free = sa.select(lease.c.duty).where(lease.c.duty == duty, is_free).with_for_update(skip_locked=True)
    changes = sa.case((lease.c.holder == holder, 0), else_=1)
    values = {"holder": holder, "token": lease.c.token + changes, "until": to_text(now + LEASE)}
    taken = sa.update(lease).where(lease.c.duty == free.scalar_subquery()).values(values).returning(lease.c.token)
    token = tx.connection.execute(taken).scalar()
    if token is None and insert_or_ignore(
        tx.connection, lease, {"duty": duty, "holder": "", "token": 0, "until": ""}
    ):  # nobody ever held it
        token = tx.connection.execute(taken).scalar()
    return token


def let_go(tx: HubTransaction, holder: str = "") -> None:
    """Free the leases of `holder`, which stops; of everybody, for whoever knows that nobody else works here."""
    held = sa.update(lease).values(until="")
    tx.connection.execute(held.where(lease.c.holder == holder) if holder else held)
