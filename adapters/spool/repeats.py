"""What a request was answered with: the same request once more is the client's repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from axis.adapters.spool.file import SpoolFile, now_text
from axis.adapters.spool.tables import answer
from axis.core.instant import to_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.engine import Connection


class Repeats(SpoolFile):
    """Requests that come once more."""

    def once(self, request: str, since: datetime, work: Callable[[], str]) -> str:
        """What `work` answers; or, for a request that came before (since then), what it was answered with. The look,
        the work and the note of it are one transaction: of two at once one is done. What raises is not noted."""
        with self._begin() as connection:
            before = answered(connection, request, since)
            if not before:
                before = work()
                remember(connection, request, before, since)
            return before


def answered(connection: Connection, request: str, since: datetime) -> str:
    """What a request was answered with since then; "" for one that did not come."""
    query = sa.select(answer.c.content).where(answer.c.request == request, answer.c.at >= to_text(since))
    return str(connection.execute(query).scalar() or "")


def remember(connection: Connection, request: str, content: str, forget: datetime) -> None:
    """Keep what a request was answered with; what is older than `forget` goes."""
    connection.execute(sa.delete(answer).where(answer.c.at < to_text(forget)))
    row = {"request": request, "content": content, "at": now_text()}
    statement = insert(answer).values(row)
    changed = {"content": statement.excluded.content, "at": statement.excluded.at}
    connection.execute(statement.on_conflict_do_update(index_elements=["request"], set_=changed))
