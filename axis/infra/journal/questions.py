"""What an agency's own home is asked: what it has sent and received, page by page, and what waits. A few statements for
all agencies of the home, each by an index; journals lie in SQLite."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.infra.journal.tables import incoming, outgoing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection, RowMapping

COUNTED = 100_000


def _newest(table: sa.Table, key: str, where: str, order: str) -> sa.TextualSelect:
    """The newest rows of each agency before a place, together in order."""
    columns = ", ".join(f"o.{column.name}" for column in table.columns)
    picked = f"SELECT i.{key} FROM {table.name} AS i WHERE i.agency = c.value AND {where} ORDER BY {order} LIMIT :size"  # noqa: S608
    text = (
        f"SELECT {columns} FROM json_each(:codes) AS c CROSS JOIN {table.name} AS o ON o.{key} IN ({picked}) "  # noqa: S608
        f"ORDER BY {order.replace('i.', 'o.')} LIMIT :size"
    )
    return sa.text(text).columns(*table.columns)


_SENT = _newest(
    outgoing,
    "rowid",
    "(i.created_at, i.source_digest) < (:moment, :digest) AND i.created_at >= :low",
    "i.created_at DESC, i.source_digest DESC",
)
# Receipts have digests for ids: most of them are greater than any axis id, the rest is told by its kind.
_RECEIVED = _newest(incoming, "number", "i.id < :place AND i.id >= :low AND i.kind <> 'receipt'", "i.id DESC")


def sent(
    connection: Connection, codes: Sequence[str], place: tuple[str, str], low: str, size: int
) -> Sequence[RowMapping]:
    """What these agencies have sent before the place (moment, digest of the source) and not before `low`, the newest
    first, at most `size`."""
    given = {"codes": json.dumps(list(codes)), "moment": place[0], "digest": place[1], "low": low, "size": size}
    return connection.execute(_SENT, given).mappings().all()


def received(connection: Connection, codes: Sequence[str], place: str, low: str, size: int) -> Sequence[RowMapping]:
    """What came to these agencies under ids before `place` and not before `low`, but for receipts, the newest first, at
    most `size`."""
    given = {"codes": json.dumps(list(codes)), "place": place, "low": low, "size": size}
    return connection.execute(_RECEIVED, given).mappings().all()


_WAITING = sa.text(
    """
    SELECT c.value AS agency, 'outgoing' AS direction, x.state, count(*) AS n, min(x.moment) AS since FROM
    json_each(:codes) AS c CROSS JOIN (SELECT i.agency, i.state, i.created_at AS moment FROM outgoing AS i
    WHERE i.state = 'pending' AND i.agency IN (SELECT value FROM json_each(:codes)) LIMIT :counted) AS x
    ON x.agency = c.value GROUP BY 1, 2, 3 UNION ALL
    SELECT c.value, 'incoming', x.state, count(*), min(x.moment) FROM
    json_each(:codes) AS c CROSS JOIN (SELECT i.agency, i.state, i.received_at AS moment FROM incoming AS i
    WHERE i.state IN ('held', 'undecided', 'received', 'handing_over', 'shown', 'withdrawing', 'doubted')
    AND i.agency IN (SELECT value FROM json_each(:codes)) LIMIT :counted) AS x
    ON x.agency = c.value GROUP BY 1, 2, 3
    """
)
_TODAY = sa.text(
    """
    SELECT 'outgoing' AS direction, state, count(*) AS n FROM outgoing
    WHERE agency IN (SELECT value FROM json_each(:codes)) AND created_at >= :moment GROUP BY 2 UNION ALL
    SELECT 'incoming', state, count(*) FROM incoming WHERE agency IN (SELECT value FROM json_each(:codes))
    AND id >= :id AND id < :last AND kind <> 'receipt' GROUP BY 2
    """
)


def waiting(connection: Connection, codes: Sequence[str]) -> Sequence[RowMapping]:
    """What waits at these agencies: agency, direction, state, how many (`n`), the oldest (`since`)."""
    given = {"codes": json.dumps(list(codes)), "counted": COUNTED}
    return connection.execute(_WAITING, given).mappings().all()


def today(connection: Connection, codes: Sequence[str], since: tuple[str, str], last: str) -> Sequence[RowMapping]:
    """What was sent and received since a moment (as text, as the first axis id): direction, state, how many (`n`)."""
    given = {"codes": json.dumps(list(codes)), "moment": since[0], "id": since[1], "last": last}
    return connection.execute(_TODAY, given).mappings().all()
