"""What is on its way to whom, and whether it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core.hub import dossier as ask
from axis.core.hub.dossier import Facts
from axis.infra.record.dossiers.demands import RECALLS, read_demands
from axis.infra.record.dossiers.rows import (
    DELIVERY,
    FROM_DELIVERY,
    OF_DOCUMENT,
    OVER,
    X_OF_DOCUMENT,
    Readers,
    put_deliveries,
)
from axis.infra.record.dossiers.submissions import read_submissions
from axis.infra.record.query import Query, newest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

    from axis.core.hub.dossier import Document

_RECIPIENTS = Query(2, f"{FROM_DELIVERY} {OF_DOCUMENT} AND t.role = 'document'")


def _recipients(connection: Connection, asked: list[ask.Recipients], facts: Facts) -> Iterable[str]:
    keys = [one.document for one in asked]
    facts.recipients.update({document: {} for document in keys})
    found = put_deliveries(facts, _RECIPIENTS.rows(connection, keys))
    for one in found:
        facts.recipients[one.document][one.recipient] = one.id
    unknown = [one.id for one in found if one.id not in facts.all_demands]
    if unknown:
        read_demands(connection, RECALLS, unknown, facts)
    return ()


_BROUGHT = Query(3, f"{FROM_DELIVERY} {OF_DOCUMENT} AND t.role = 'document' AND t.recipient = k.c2")


def _brought(connection: Connection, asked: list[ask.Brought], facts: Facts) -> Iterable[str]:
    facts.brought.update(dict.fromkeys((one.document, one.recipient) for one in asked))
    found = put_deliveries(facts, _BROUGHT.rows(connection, [(*one.document, one.recipient) for one in asked]))
    for one in found:
        facts.brought[one.document, one.recipient] = one.id
    unknown = [one.id for one in found if one.id not in facts.all_demands]
    if unknown:
        read_demands(connection, RECALLS, unknown, facts)
    return [one.id for one in found]


_TAKING_BACK = Query(2, f"{FROM_DELIVERY} {OF_DOCUMENT} AND t.role = 'recall'")


def _taking_back(connection: Connection, asked: list[ask.TakingBack], facts: Facts) -> Iterable[str]:
    keys = [one.document for one in asked]
    facts.taking_back.update({document: {} for document in keys})
    for one in put_deliveries(facts, _TAKING_BACK.rows(connection, keys)):
        facts.taking_back[one.document][one.recipient] = one.id
    return ()


# Of those that are over one is enough to say that a version was tried, however many there were.
_TO_MEMBER = f"{X_OF_DOCUMENT} AND x.role = 'update' AND x.recipient = k.c2"
_UPDATING = Query(3, f"{FROM_DELIVERY} {_TO_MEMBER.replace('x.', 't.')} AND t.state NOT IN ({OVER})")
_TRIED_UPDATE = newest(
    3,
    DELIVERY,
    "delivery",
    "id",
    f"{_TO_MEMBER} AND x.tried AND x.state IN ({OVER})",
    order="x.id DESC",
    limit="1",
    keys="{keys}",
)


def _updating(connection: Connection, asked: list[ask.Updating], facts: Facts) -> Iterable[str]:
    keys = [(*one.document, one.recipient) for one in asked]
    facts.updating.update(dict.fromkeys(((one.document, one.recipient) for one in asked), ()))
    rows = [*_UPDATING.rows(connection, keys), *_TRIED_UPDATE.rows(connection, keys)]
    for one in put_deliveries(facts, rows):
        facts.updating[one.document, one.recipient] += (one.id,)
    return ()


_PART = Query(2, f"{FROM_DELIVERY} t.axis_id = k.c0 AND t.recipient = k.c1")


def _part(connection: Connection, asked: list[ask.Part], facts: Facts) -> Iterable[str]:
    keys = [(one.axis_id, one.recipient) for one in asked]
    facts.parts.update(dict.fromkeys(keys))
    found = put_deliveries(facts, _PART.rows(connection, keys))
    for one in found:
        facts.parts[one.axis_id, one.recipient] = one.id
    return [one.id for one in found]


_BY_ID = Query(1, f"{FROM_DELIVERY} t.id = k.c0")


def _by_id(connection: Connection, asked: list[ask.ById], facts: Facts) -> Iterable[str]:
    facts.by_id.update(one.delivery_id for one in asked)
    return _bare(connection, asked, facts) or [one.delivery_id for one in asked]


def _bare(connection: Connection, asked: Sequence[ask.ById | ask.Bare], facts: Facts) -> Iterable[str]:
    found = put_deliveries(facts, _BY_ID.rows(connection, [(one.delivery_id,) for one in asked]))
    unknown = {one.axis_id for one in found} - facts.submissions.keys()
    if unknown:
        read_submissions(connection, sorted(unknown), facts)
    return ()


_HELD_UNTIL = Query(
    2,
    "SELECT t.owner, t.document_id, max(o.not_before) FROM {keys} CROSS JOIN delivery t CROSS JOIN outbox o "
    f"WHERE {OF_DOCUMENT} AND t.role = 'document' AND o.delivery_id = t.id AND o.attempts = 0 "
    "GROUP BY t.owner, t.document_id",
)


def _held_until(connection: Connection, asked: list[ask.HeldUntil], facts: Facts) -> Iterable[str]:
    keys = [one.document for one in asked]
    facts.held_until.update(dict.fromkeys(keys, ""))
    for owner, document_id, moment in _HELD_UNTIL.rows(connection, keys):
        facts.held_until[owner, document_id] = moment
    return ()


_IS_OVER = f"(x.state IN ({OVER}) OR (x.state = 'FAILED' AND x.closed))"
_OPEN = newest(
    2,
    f"t.owner, t.document_id, t.id, {_IS_OVER.replace('x.', 't.')}",
    "delivery",
    "id",
    f"{X_OF_DOCUMENT} AND x.role = 'document'",
    order=_IS_OVER,
    limit="{n}",
    keys="{keys}",
)


def _open(connection: Connection, asked: list[ask.Open], facts: Facts) -> Iterable[str]:
    shown = max(one.shown for one in asked)
    found: dict[Document, tuple[list[str], list[str]]] = {one.document: ([], []) for one in asked}
    for owner, document_id, identifier, is_over in _OPEN.rows(connection, [one.document for one in asked], shown):
        found[owner, document_id][bool(is_over)].append(identifier)
    for document, (still, over) in found.items():
        facts.open[document] = (tuple(still), len(still) + len(over), bool(over) or len(still) < shown)
    return ()


READERS: Readers = {
    ask.Recipients: _recipients,
    ask.Brought: _brought,
    ask.TakingBack: _taking_back,
    ask.Updating: _updating,
    ask.Part: _part,
    ask.ById: _by_id,
    ask.Bare: _bare,
    ask.HeldUntil: _held_until,
    ask.Open: _open,
}
