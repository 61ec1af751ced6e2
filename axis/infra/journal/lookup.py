"""Rows by the keys of many agencies at once: one statement, however many there are. (Journals stand in SQLite.)"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.infra.journal.tables import incoming, outgoing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection, RowMapping


def _by_pairs(table: sa.Table, first: str, second: str) -> sa.TextualSelect:
    """Rows by pairs of values of two columns."""
    columns = ", ".join(f"o.{column.name}" for column in table.columns)
    pairs = f"o.{first} = json_extract(k.value, '$[0]') AND o.{second} = json_extract(k.value, '$[1]')"
    text = f"SELECT {columns} FROM json_each(:pairs) AS k JOIN {table.name} AS o ON {pairs}"  # noqa: S608
    return sa.text(text).columns(*table.columns)


OUTGOING_OF = _by_pairs(outgoing, "agency", "source_digest")
OUTGOING_BY_CONTENT = _by_pairs(outgoing, "agency", "content_digest")
INCOMING_OF = _by_pairs(incoming, "agency", "id")
INCOMING_BY_CONTENT = _by_pairs(incoming, "agency", "content_digest")
WITHDRAWN = sa.text("""
    SELECT o.agency, o.sender, o.document_id, o.receipt_digest FROM json_each(:pairs) AS k JOIN withdrawal AS o
    ON o.agency = json_extract(k.value, '$[0]') AND o.sender = json_extract(k.value, '$[1]')
    AND o.document_id = json_extract(k.value, '$[2]')""")
STARTS = sa.text("""
    SELECT c.value AS agency, coalesce(r.version, 0) AS version, coalesce(r.digest, '') AS digest,
        coalesce(r.types_digest, '') AS types_digest,
        (SELECT canonical FROM event ORDER BY number DESC LIMIT 1) AS last,
        EXISTS (SELECT 1 FROM incoming AS i WHERE i.agency = c.value AND i.state = 'handing_over') AS is_showing,
        EXISTS (SELECT 1 FROM incoming AS i WHERE i.agency = c.value AND i.state = 'shown') AS has_shown
    FROM json_each(:codes) AS c LEFT JOIN installed_registry AS r ON r.agency = c.value""")
EVENTS_OF = sa.text("""
    SELECT o.agency, o.canonical FROM json_each(:pairs) AS k JOIN event AS o
    ON o.agency = json_extract(k.value, '$[0]') AND o.axis_id = json_extract(k.value, '$[1]') ORDER BY o.number""")


def as_list(values: Sequence[str]) -> str:
    """A list for a statement that reads it by json_each."""
    return json.dumps(list(values))


def find(connection: Connection, query: sa.Executable, keys: Sequence[tuple[str, ...]]) -> list[RowMapping]:
    """What one of these statements finds by these keys; nothing is asked where there are none."""
    if not keys:
        return []
    return list(connection.execute(query, {"pairs": json.dumps(list(dict.fromkeys(keys)))}).mappings())


def reported(connection: Connection, codes: Sequence[str], document_id: str) -> list[RowMapping]:
    """What the systems of these agencies have reported about documents of this id, and the hub has not refused."""
    o = outgoing.c
    mine = sa.and_(o.agency.in_(codes), o.document_id == document_id, o.kind == "status")
    query = sa.select(o.agency, o.facts, o.created_at).where(mine, o.state.in_(("pending", "accepted")))
    return list(connection.execute(query).mappings())
