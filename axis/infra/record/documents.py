"""Whose document something is about, and that nobody else changes it: the first thing that a decision asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core.hub.dossier import Facts, SentAs
from axis.core.identity import same_id
from axis.infra.record.dossiers import readers
from axis.infra.record.query import Query

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.engine import Connection

    from axis.core.hub.dossier import Document, Submission
    from axis.core.receipt import Subject
    from axis.infra.record.store import HubReader

LOCKED_AT_ONCE = 500  # documents in one statement


_MAKE = Query(
    2,
    "INSERT INTO document (sender, document_id) SELECT k.c0, k.c1 FROM {keys} WHERE true "
    "ON CONFLICT DO NOTHING RETURNING sender, document_id",
)
_LOCK = Query(
    2,
    "SELECT t.sender, t.document_id, t.superseded_by FROM {keys} CROSS JOIN document t "
    "WHERE t.sender = k.c0 AND t.document_id = k.c1",
    "SELECT t.sender, t.document_id, t.superseded_by FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY "
    "AS k(c0, c1, place) JOIN document t ON t.sender = k.c0 AND t.document_id = k.c1 ORDER BY k.place {lock}",
)


def lock(connection: Connection, documents: Collection[Document], existing: Collection[Document] = ()) -> Facts:
    """Nobody else changes anything about these documents until the transaction ends; what that tells of them: nobody
    ever spoke of one whose row was made just now. Those that are `existing` have a row since something was accepted
    about them.

    Two workers with the same documents wait and do not deadlock: rows that are missing are made first, all of them,
    then those that were there are locked, each in one order everywhere. Who waits for a row that is being made holds
    only such rows, who waits for one that was there waits for nobody who makes any.
    """
    facts = Facts()
    ordered = sorted(set(documents))
    parts = [ordered[first : first + LOCKED_AT_ONCE] for first in range(0, len(ordered), LOCKED_AT_ONCE)]
    for part in parts:
        missing = [document for document in part if document not in existing]
        for sender, document_id in _MAKE.rows(connection, missing) if missing else ():
            facts.know_empty((sender, document_id))
    for part in parts:
        known = [document for document in part if document not in facts.superseded_by]
        for sender, document_id, superseded_by in _LOCK.rows(connection, known) if known else ():
            facts.superseded_by[sender, document_id] = superseded_by
    return facts


_INSTEAD_OF = Query(
    2,
    "SELECT DISTINCT s.owner, s.document_id FROM {keys} CROSS JOIN document t CROSS JOIN submission s "
    "WHERE t.sender = k.c0 AND t.document_id = k.c1 AND t.superseded_by <> '' AND s.axis_id = t.superseded_by",
)


def instead_of(reader: HubReader, documents: Collection[Document]) -> set[Document]:
    """The documents that have taken the place of these."""
    rows = _INSTEAD_OF.rows(reader.connection, documents) if documents else ()
    return {(owner, document_id) for owner, document_id in rows}


_OF_SUBMISSIONS = Query(
    1, "SELECT t.axis_id, t.owner, t.document_id FROM {keys} CROSS JOIN submission t WHERE t.axis_id = k.c0"
)


def of_submissions(reader: HubReader, axis_ids: Collection[str]) -> dict[str, Document]:
    """The documents that these submissions are or are about, by axis id."""
    rows = _OF_SUBMISSIONS.rows(reader.connection, [(one,) for one in axis_ids]) if axis_ids else ()
    return {axis_id: (owner, document_id) for axis_id, owner, document_id in rows}


def sent_as(reader: HubReader, subjects: Collection[Subject]) -> dict[Subject, Submission]:
    """What the record holds, under whatever axis ids, of the submissions that receipts speak of."""
    asked = {one: SentAs(one.sender, one.kind, same_id(one.document_id), one.content_digest) for one in subjects}
    facts = Facts()
    readers.read(reader.connection, asked.values(), facts)
    names = {one: facts.sent_as[question] for one, question in asked.items()}
    return {one: facts.submissions[name] for one, name in names.items() if name is not None}


_OF_DELIVERIES = Query(1, "SELECT DISTINCT t.owner, t.document_id FROM {keys} CROSS JOIN delivery t WHERE t.id = k.c0")


def of_deliveries(reader: HubReader, delivery_ids: Collection[str]) -> list[Document]:
    """The documents that these deliveries bring, or bring something about."""
    rows = _OF_DELIVERIES.rows(reader.connection, [(one,) for one in delivery_ids]) if delivery_ids else ()
    return [(owner, document_id) for owner, document_id in rows]
