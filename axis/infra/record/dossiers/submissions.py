"""What was accepted: by its names, by what it says, and as a version of its document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core.hub import admission
from axis.core.hub import dossier as ask
from axis.core.hub.dossier import Facts
from axis.infra.record.dossiers.rows import (
    FROM_SUBMISSION,
    OF_DOCUMENT,
    SUBMISSION,
    X_OF_DOCUMENT,
    Readers,
    earlier,
    put_submissions,
)
from axis.infra.record.query import Query, newest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

    from axis.core.hub.dossier import Document

# What a document's history makes long is not looked through: `|| ''` keeps the index by document out of it.
_BY_CONTENT = "t.document_id || '' = {document_id} AND t.content_digest = {digest}"


_BY_KEY = Query(1, f"{FROM_SUBMISSION} t.key = k.c0")


def _by_key(connection: Connection, asked: list[ask.ByKey], facts: Facts) -> Iterable[str]:
    keys = [(one.key,) for one in asked]
    facts.by_key.update(dict.fromkeys(key for (key,) in keys))
    for one in put_submissions(facts, _BY_KEY.rows(connection, keys)):
        facts.by_key[one.key] = one.axis_id
    return ()


# Never by the index of senders: an agency has sent very much, and one parcel or document is one or a few rows.
_OF_SENDER = "t.sender || '' = k.c0"
_BY_PARCEL = Query(2, f"{FROM_SUBMISSION} t.parcel_digest = k.c1 AND {_OF_SENDER}")


def _by_parcel(connection: Connection, asked: list[ask.ByParcel], facts: Facts) -> Iterable[str]:
    keys = [(one.sender, one.parcel_digest) for one in asked]
    facts.by_parcel.update(dict.fromkeys(keys))
    for one in put_submissions(facts, _BY_PARCEL.rows(connection, keys)):
        earlier(facts.by_parcel, (one.sender, one.parcel_digest), one.axis_id)
    return ()


_REPETITION = Query(
    2,
    "SELECT t.sender, t.content_digest, t.axis_id, t.receipt_digest FROM {keys} CROSS JOIN repetition t "
    "WHERE t.sender = k.c0 AND t.content_digest = k.c1",
)


def _by_content(connection: Connection, asked: list[ask.ByContent], facts: Facts) -> Iterable[str]:
    keys = [(one.sender, one.content_digest) for one in asked]
    facts.by_content.update(dict.fromkeys(keys))
    for sender, content_digest, axis_id, receipt_digest in _REPETITION.rows(connection, keys):
        facts.by_content[sender, content_digest] = (axis_id, receipt_digest)
    return ()


_BY_NAME = Query(1, f"{FROM_SUBMISSION} t.axis_id = k.c0")


def _by_name(connection: Connection, asked: list[ask.ByName], facts: Facts) -> Iterable[str]:
    read_submissions(connection, [one.axis_id for one in asked], facts)
    return ()


def read_submissions(connection: Connection, names: Sequence[str], facts: Facts) -> None:
    """Put the submissions with these axis ids into `facts`."""
    facts.by_name.update(dict.fromkeys(names))
    put_submissions(facts, _BY_NAME.rows(connection, [(name,) for name in names]))


_SENT_AS = Query(
    4,
    f"{FROM_SUBMISSION} {_BY_CONTENT.format(document_id='k.c2', digest='k.c3')} AND {_OF_SENDER} AND t.kind = k.c1",
)


def _sent_as(connection: Connection, asked: list[ask.SentAs], facts: Facts) -> Iterable[str]:
    facts.sent_as.update(dict.fromkeys(asked))
    keys = [(one.sender, one.kind, one.document_id, one.content_digest) for one in asked]
    for one in put_submissions(facts, _SENT_AS.rows(connection, keys)):
        earlier(facts.sent_as, ask.SentAs(one.sender, one.kind, one.document_id, one.content_digest), one.axis_id)
    return ()


_OF_CHANGE = Query(
    4,
    f"{FROM_SUBMISSION} {_BY_CONTENT.format(document_id='k.c1', digest='k.c3')} AND t.owner = k.c0 AND t.kind = k.c2",
)


def _of_change(connection: Connection, asked: list[ask.OfChange], facts: Facts) -> Iterable[str]:
    facts.of_change.update(dict.fromkeys(asked))
    keys = [(*one.document, one.kind, one.content_digest) for one in asked]
    for one in put_submissions(facts, _OF_CHANGE.rows(connection, keys)):
        earlier(facts.of_change, ask.OfChange(one.document, one.kind, one.content_digest), one.axis_id)
    return ()


# Changes are numbered from 1: those that a rule asks for are found by their numbers, however many there are.
_LAST_NUMBER = f"SELECT max(x.number) FROM submission x WHERE {X_OF_DOCUMENT} AND x.kind = k.c2"
_LATELY = Query(
    3,
    f"SELECT n.c0, n.c1, n.c2, n.last, t.number, t.received_at FROM (SELECT k.*, ({_LAST_NUMBER}) AS last "
    "FROM {keys}) n LEFT JOIN submission t ON t.document_id = n.c1 AND t.owner = n.c0 AND t.kind = n.c2 "
    "AND t.number > n.last - {n} AND t.number <= n.last - {n} + {n} AND t.number > 0",
)


def _lately(connection: Connection, asked: list[ask.Lately], facts: Facts) -> Iterable[str]:
    keys, shown = [(*one.document, one.kind) for one in asked], max(one.shown for one in asked)
    day = admission.CHANGES_A_DAY
    found: dict[tuple[Document, str], tuple[int, dict[int, str]]] = {}
    for owner, document_id, kind, last, number, received_at in _LATELY.rows(connection, keys, day, day, shown):
        first = (last or 0) - day + 1
        empty = dict.fromkeys(range(max(1, first), first + shown), "")
        _, times = found.setdefault(((owner, document_id), kind), (last or 0, empty))
        if number is not None:
            times[number] = received_at
    facts.lately.update(found)
    return ()


_KINDS = "(SELECT 'new' AS kind UNION ALL SELECT 'update' UNION ALL SELECT 'replace') v"
_NEWEST = newest(
    2,
    SUBMISSION,
    "submission",
    "axis_id",
    f"{X_OF_DOCUMENT} AND x.kind = v.kind AND x.has_content",
    order="x.number DESC",
    limit="1",
    keys=f"{{keys}} CROSS JOIN {_KINDS}",
)


def _newest_version(connection: Connection, asked: list[ask.Newest], facts: Facts) -> Iterable[str]:
    keys = [one.document for one in asked]
    facts.newest.update(dict.fromkeys(keys))
    for one in put_submissions(facts, _NEWEST.rows(connection, keys)):
        facts.newest[one.document] = max(facts.newest[one.document] or "", one.axis_id)
    return ()


_OWN = Query(2, f"{FROM_SUBMISSION} {OF_DOCUMENT} AND t.kind IN ('new', 'replace')")


def _own(connection: Connection, asked: list[ask.Own], facts: Facts) -> Iterable[str]:
    keys = [one.document for one in asked]
    facts.own.update(dict.fromkeys(keys))
    for one in put_submissions(facts, _OWN.rows(connection, keys)):
        earlier(facts.own, one.document, one.axis_id)
    return ()


READERS: Readers = {
    ask.ByKey: _by_key,
    ask.ByParcel: _by_parcel,
    ask.ByContent: _by_content,
    ask.ByName: _by_name,
    ask.SentAs: _sent_as,
    ask.OfChange: _of_change,
    ask.Lately: _lately,
    ask.Newest: _newest_version,
    ask.Own: _own,
}
