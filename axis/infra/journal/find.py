"""What an agency's own home has under a name: by exactly what was typed, by how its number begins, by words of its
subject. Bounded: a few statements, each over at most SCANNED of the newest rows and with at most LIMIT rows of answer;
journals lie in SQLite."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.core.identity import same_id
from axis.core.words import fold_code, words
from axis.infra.journal.tables import incoming, outgoing
from axis.infra.record.words import sqlite_code

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy.engine import Connection

LIMIT = 50
SCANNED = 200_000
SEARCHED = 20_000  # subjects that are searched for words
UNSENT = ("pending", "invalid")  # of what was given here the hub's record knows nothing
DOCUMENTS = ("new", "replace")
_HEX = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,56}")
_AXIS_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LAST = "\U0010ffff"
_NEWEST_SENT = sa.text(f"outgoing.rowid > (SELECT max(rowid) FROM outgoing) - {SCANNED}")  # noqa: S608  a number of ours
_NEWEST_CAME = sa.text(f"incoming.number > (SELECT max(number) FROM incoming) - {SCANNED}")  # noqa: S608
_folded: sa.ColumnElement[str] = sa.literal_column(sqlite_code("json_extract(facts,'$.code')"), sa.Text)


@dataclass(slots=True)
class Found:
    """What was meant exactly, and what is like it, the newest first."""

    exact: list[dict[str, Any]] = field(default_factory=list)
    similar: list[dict[str, Any]] = field(default_factory=list)


def find(connection: Connection, codes: Collection[str], reference: str) -> Found:
    """What `reference` means to these agencies: axis id or digest (8 digits and more), DocumentId, number/notation;
    else the numbers that begin with it, else what was sent from here with all its words in the subject."""
    typed, found = same_id(reference.strip()), Found()
    if typed and "\0" not in typed:
        found.exact = _exact(connection, codes, typed)
        if not found.exact:
            found.similar = _beginning(connection, codes, typed) or _by_words(connection, codes, typed)
    return found


def unsent(connection: Connection, codes: Collection[str], reference: str) -> list[dict[str, Any]]:
    """What was given here under this DocumentId or number/notation and never came to the hub: it waits for its answer,
    or was found invalid."""
    typed = same_id(reference.strip())
    if not typed or "\0" in typed:
        return []
    named = sa.or_(outgoing.c.document_id == typed, _folded == fold_code(typed))
    query = sa.select(outgoing).where(outgoing.c.agency.in_(codes), outgoing.c.state.in_(UNSENT), named)
    return [_sent(row) for row in _newest(connection, query.order_by(outgoing.c.created_at.desc()))]


def _exact(connection: Connection, codes: Collection[str], typed: str) -> list[dict[str, Any]]:
    """First what has an index; what has none is looked through where that has not found it."""
    if _AXIS_ID.fullmatch(low := typed.lower()):  # then nothing else of a row need be read
        named = sa.and_(_NEWEST_SENT, outgoing.c.axis_id == low)
        if rows := _rows(connection, codes, named, incoming.c.id == low):
            return rows
    if rows := _rows(connection, codes, outgoing.c.document_id == typed, incoming.c.document_id == typed):
        return rows
    sent, received = [_folded == fold_code(typed)], [_folded == fold_code(typed)]
    if _HEX.fullmatch(low):
        o, i = outgoing.c, incoming.c
        sent += [_starts(column, low) for column in (o.axis_id, o.content_digest, o.parcel_digest, o.source_digest)]
        received += [_starts(column, low) for column in (i.id, i.content_digest, i.body_digest)]
    return _rows(connection, codes, sa.and_(_NEWEST_SENT, sa.or_(*sent)), sa.and_(_NEWEST_CAME, sa.or_(*received)))


def _starts(column: sa.ColumnElement[str], typed: str) -> sa.ColumnElement[bool]:
    return sa.and_(column >= typed, column < typed + "g")  # no hex digit comes after


def _beginning(connection: Connection, codes: Collection[str], typed: str) -> list[dict[str, Any]]:
    folded = fold_code(typed)
    begins = sa.and_(_folded >= folded, _folded < folded + _LAST)
    return _rows(connection, codes, sa.and_(_NEWEST_SENT, begins), sa.and_(_NEWEST_CAME, begins))


def _by_words(connection: Connection, codes: Collection[str], typed: str) -> list[dict[str, Any]]:
    """Of what was sent from here: the journal knows no subject of what has come."""
    wanted, keys, o = words(typed), list[tuple[str, str]](), outgoing.c
    if not wanted:
        return []
    subject = sa.func.json_extract(o.facts, "$.subject")
    documents = sa.and_(o.agency.in_(codes), o.kind.in_(DOCUMENTS))
    query = sa.select(o.agency, o.source_digest, subject).where(documents).order_by(o.created_at.desc())
    for agency, digest, said in connection.execute(query.limit(SEARCHED)):
        there = words(str(said or ""), limit=None)
        if set(wanted[:-1]) <= set(there) and any(word.startswith(wanted[-1]) for word in there):
            keys.append((agency, digest))
            if len(keys) == LIMIT:
                break
    named = sa.select(outgoing).where(sa.tuple_(o.agency, o.source_digest).in_(keys)).order_by(o.created_at.desc())
    return [_sent(row) for row in connection.execute(named).mappings()] if keys else []


def _rows(
    connection: Connection, codes: Collection[str], sent: sa.ColumnElement[bool], received: sa.ColumnElement[bool]
) -> list[dict[str, Any]]:
    mine = sa.select(outgoing).where(outgoing.c.agency.in_(codes), sent)
    came = sa.select(incoming).where(incoming.c.agency.in_(codes), incoming.c.kind != "receipt", received)
    found = [_sent(row) for row in _newest(connection, mine.order_by(outgoing.c.created_at.desc()))]
    found += [_received(row) for row in _newest(connection, came.order_by(incoming.c.number.desc()))]
    return sorted(found, key=lambda row: str(row["moment"]), reverse=True)[:LIMIT]


def _newest(connection: Connection, query: sa.Select[Any]) -> Sequence[Mapping[Any, Any]]:
    return connection.execute(query.limit(LIMIT)).mappings().all()


def _sent(row: Mapping[Any, Any]) -> dict[str, Any]:
    facts: Mapping[str, Any] = row["facts"]
    return {
        "agency": row["agency"],
        "direction": "outgoing",
        "axis_id": row["axis_id"],
        "source_digest": row["source_digest"],
        "kind": row["kind"],
        "sender": row["agency"],
        "document_id": row["document_id"],
        "code": facts.get("code", ""),
        "subject": facts.get("subject", ""),
        "content_digest": row["content_digest"],
        "state": row["state"],
        "attempts": row["attempts"],
        "moment": row["created_at"],
        "kept": row["parcel_digest"] != "",
        "problems": list(row["problems"]),
        "recipients": [str(one[0]) for one in facts.get("organs", ())],
        "type": facts.get("type"),
    }


def _received(row: Mapping[Any, Any]) -> dict[str, Any]:
    facts: Mapping[str, Any] = row["facts"]
    return {
        "agency": row["agency"],
        "direction": "incoming",
        "axis_id": row["id"],
        "source_digest": "",
        "kind": facts.get("kind", row["kind"]),
        "sender": facts.get("sender", row["sender"]),
        "document_id": row["document_id"],
        "code": facts.get("code", ""),
        "subject": facts.get("subject", ""),
        "content_digest": row["content_digest"],
        "state": row["state"],
        "attempts": row["attempts"],
        "moment": row["received_at"],
        "kept": row["body_digest"] != "",
        "problems": [],
        "recipients": [row["agency"]],
        "type": facts.get("type"),
    }
