"""Who is to be told what happens here, and what it was not told yet, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.adapters.spool.file import SpoolFile, now_text
from axis.adapters.spool.tables import Row, notice, webhook
from axis.core.instant import to_text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection


class Notices(SpoolFile):
    """The webhook, and what it is told."""

    def set_webhook(self, url: str, secret: str) -> None:
        """Tell this URL from now on what happens here; "" for nobody, and what it was not told is forgotten."""
        with self._begin() as connection:
            connection.execute(sa.delete(webhook))
            if url:
                connection.execute(webhook.insert().values(id=1, url=url, secret=secret))
            else:
                connection.execute(sa.delete(notice))

    def webhook(self) -> tuple[str, str]:
        """(URL, secret) of who is told; empty for nobody."""
        with self._begin() as connection:
            row = connection.execute(sa.select(webhook)).mappings().first()
            return (row["url"], row["secret"]) if row is not None else ("", "")

    def notices(self, now: datetime, limit: int = 100) -> list[Row]:
        """What it is to be told now: of each document the first that it was not told, no later one before."""
        before = notice.alias("before")
        earlier = sa.exists().where(before.c.document_id == notice.c.document_id, before.c.number < notice.c.number)
        query = sa.select(notice).where(notice.c.not_before <= to_text(now), ~earlier).order_by(notice.c.number)
        with self._begin() as connection:
            return list(connection.execute(query.limit(limit)).mappings())

    def noticed(self, number: int, again_at: datetime | None) -> None:
        """It was told; or could not be, and is told again at `again_at`."""
        with self._begin() as connection:
            where = notice.c.number == number
            if again_at is None:
                connection.execute(sa.delete(notice).where(where))
            else:
                values = {"attempts": notice.c.attempts + 1, "not_before": to_text(again_at)}
                connection.execute(sa.update(notice).where(where).values(values))


def notify(connection: Connection, event: str, row: Row) -> None:
    """Tell of `event` about `row`, in the transaction in which it happens, if anybody wants to know."""
    if connection.execute(sa.select(webhook.c.id)).first() is None:
        return
    now = now_text()
    content = {key: row[key] for key in ("id", "kind", "sender", "document_id", "code", "subject", "traceparent")}
    values = {"event": event, "document_id": row["document_id"], "content": content, "attempts": 0}
    connection.execute(notice.insert().values(values | {"not_before": now, "created_at": now}))
