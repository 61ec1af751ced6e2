"""What was asked about documents that have come to the agencies of a home (recalls, updates), and what their clerks
have answered. A few statements for all of them, each by an index; journals lie in SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.infra.journal import lookup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection, RowMapping

SCANNED = 200_000  # of the newest rows, of which recalls are looked for
MOST = 1000  # of these

_GONE = """EXISTS (SELECT 1 FROM withdrawal w WHERE w.agency = o.agency AND w.sender = o.sender
    AND w.document_id = o.document_id) AS gone"""
_BY = "coalesce(json_extract(o.facts, '$.sender'), o.sender) AS asked_by"  # a successor changes what another had sent
_COLUMNS = f"o.agency, o.sender, o.document_id, o.id, o.kind, o.state, o.received_at, o.body_digest, {_BY}, {_GONE}"
_CHANGES = sa.text(
    f"""SELECT {_COLUMNS} FROM json_each(:pairs) AS k JOIN incoming AS o
    ON o.agency = json_extract(k.value, '$[0]') AND o.sender = json_extract(k.value, '$[1]')
    AND o.document_id = json_extract(k.value, '$[2]')
    WHERE o.kind IN ('recall', 'update') AND o.state <> 'refused' ORDER BY o.number"""  # noqa: S608  names of this module
)
_REPLIES = sa.text(
    """SELECT o.agency, o.document_id, json_extract(o.facts, '$.status_code') AS code, o.created_at
    FROM json_each(:pairs) AS k JOIN outgoing AS o
    ON o.agency = json_extract(k.value, '$[0]') AND o.document_id = json_extract(k.value, '$[1]')
    WHERE o.kind = 'status' AND o.state IN ('pending', 'accepted')
    AND json_extract(o.facts, '$.status_code') IN ('15', '16') ORDER BY o.created_at"""
)
# A recall goes by the queue of what is urgent: so it is found by an index.
_RECALLED = sa.text(
    """SELECT o.agency, o.sender, o.document_id FROM json_each(:codes) AS c CROSS JOIN incoming AS o
    ON o.agency = c.value AND o.state IN ('handing_over', 'shown', 'handed_over') AND o.urgent = 1
    WHERE o.number > (SELECT max(number) FROM incoming) - :scanned AND o.kind = 'recall'
    ORDER BY o.number DESC LIMIT :most"""
)
Key = tuple[str, str, str]  # (agency, whose document it is, its DocumentId)


def changes(connection: Connection, documents: Sequence[Key]) -> list[RowMapping]:
    """The recalls and updates that have come of these, in order; `gone`: the document was withdrawn for certain."""
    return lookup.find(connection, _CHANGES, documents)


def replies(connection: Connection, documents: Sequence[Key]) -> list[RowMapping]:
    """The 15 and 16 that these agencies have sent about these, in order."""
    return lookup.find(connection, _REPLIES, [(agency, document_id) for agency, _, document_id in documents])


def recalled(connection: Connection, codes: Sequence[str]) -> list[Key]:
    """Of what documents these agencies' systems were shown a recall, the newest first."""
    given = {"codes": lookup.as_list(codes), "scanned": SCANNED, "most": MOST}
    rows = connection.execute(_RECALLED, given)
    return list(dict.fromkeys((row.agency, row.sender, row.document_id) for row in rows))
