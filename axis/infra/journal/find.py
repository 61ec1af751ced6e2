"""What an agency's own home has under a name: by exactly what was typed, by how its number begins, by words of its
subject. Bounded: a few statements, each over at most SCANNED of the newest rows and with at most LIMIT documents of
answer; journals lie in SQLite.

Whatever narrows a question stands in its statement: what came to many agencies of a home is many rows, and none of them
may push out what is asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.core.identity import same_id
from axis.core.instant import to_text
from axis.core.words import fold_code, words
from axis.infra.journal.tables import incoming, outgoing
from axis.infra.record.words import sqlite_code

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from axis.infra.record.find import Narrowed

LIMIT = 50
FAMILY = 5000  # rows of one document in all agencies of a home: itself, updates, recalls
SCANNED = 200_000
SEARCHED = 20_000  # subjects that are searched for words
UNSENT = ("pending", "invalid")  # of what was given here the hub's record knows nothing
DOCUMENTS = ("new", "replace")
_HEX = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,56}")
_AXIS_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LAST = "\U0010ffff"
_NEWEST_SENT = sa.text(f"outgoing.rowid > (SELECT max(rowid) FROM outgoing) - {SCANNED}")  # noqa: S608  a number of ours
_NEWEST_CAME = sa.text(f"incoming.number > (SELECT max(number) FROM incoming) - {SCANNED}")  # noqa: S608
_SENDER: sa.ColumnElement[str] = sa.literal_column("json_extract(incoming.facts,'$.sender')", sa.Text)
_folded: sa.ColumnElement[str] = sa.literal_column(sqlite_code("json_extract(facts,'$.code')"), sa.Text)


@dataclass(frozen=True, slots=True)
class Within:
    """Where it is looked: `direction`: ``outgoing``, ``incoming``, "" for both; `states`: of the journal, none for all;
    `narrowed`: who has sent it, and when."""

    direction: str = ""
    states: Collection[str] = ()
    narrowed: Narrowed | None = None

    def sent(self) -> list[sa.ColumnElement[bool]]:
        """What is asked of a row of ``outgoing``."""
        o = outgoing.c
        return [*self._asked(o.state, o.agency, o.created_at), *([sa.false()] if self.direction == "incoming" else [])]

    def came(self) -> list[sa.ColumnElement[bool]]:
        """What is asked of a row of ``incoming``."""
        i = incoming.c
        asked = self._asked(i.state, sa.func.coalesce(_SENDER, i.sender), i.received_at)
        return [i.kind != "receipt", *asked, *([sa.false()] if self.direction == "outgoing" else [])]

    def _asked(
        self, state: sa.ColumnElement[str], sender: sa.ColumnElement[str], moment: sa.ColumnElement[str]
    ) -> list[sa.ColumnElement[bool]]:
        asked: list[sa.ColumnElement[bool]] = [state.in_(self.states)] if self.states else []
        if (only := self.narrowed) is not None:
            asked += [sender == only.sender] if only.sender else []
            asked += [moment >= to_text(only.since)] if only.since else []
            asked += [moment < to_text(only.before)] if only.before else []
        return asked


EVERYTHING = Within()


@dataclass(slots=True)
class Found:
    """What was meant exactly, and what is like it: documents before what is about them, then the newest first."""

    exact: list[dict[str, Any]] = field(default_factory=list)
    similar: list[dict[str, Any]] = field(default_factory=list)


def find(connection: Connection, codes: Collection[str], reference: str, within: Within = EVERYTHING) -> Found:
    """What `reference` means to these agencies: axis id or digest (8 digits and more), DocumentId, number/notation;
    else the numbers that begin with it, else what was sent from here with all its words in the subject. What has come
    to several of them under one id is one."""
    typed, found = same_id(reference.strip()), Found()
    if typed and "\0" not in typed:
        looked = _Looked(connection, codes, within)
        found.exact = looked.exact(typed)
        if not found.exact:
            found.similar = looked.beginning(typed) or looked.by_words(typed)
    return found


def came_to(connection: Connection, codes: Collection[str], axis_id: str, states: Collection[str]) -> list[str]:
    """To which of these agencies this has come and is in one of these states, in order."""
    i = incoming.c
    query = sa.select(i.agency).where(i.agency.in_(codes), i.id == axis_id, i.state.in_(states), i.kind != "receipt")
    return list(connection.execute(query.order_by(i.agency)).scalars())


def under(connection: Connection, codes: Collection[str], axis_id: str) -> list[dict[str, Any]]:
    """What these agencies have sent or received under this axis id."""
    o, i = outgoing.c, incoming.c
    sent = sa.select(outgoing).where(o.agency.in_(codes), _NEWEST_SENT, o.axis_id == axis_id)
    came = sa.select(incoming).where(i.agency.in_(codes), i.id == axis_id)
    rows = [_sent(row) for row in connection.execute(sent.limit(LIMIT)).mappings()]
    return rows + [_received(row) for row in connection.execute(came.order_by(i.agency)).mappings()]


def family(connection: Connection, codes: Collection[str], owner: str, document_id: str) -> list[dict[str, Any]]:
    """What these agencies have sent and received of a document of `owner`, and of the recalls and updates of it."""
    o, i = outgoing.c, incoming.c
    sent = sa.select(outgoing).where(o.agency == owner, o.agency.in_(codes), o.document_id == document_id)
    came = sa.select(incoming).where(i.agency.in_(codes), i.sender == owner, i.document_id == document_id)
    came = came.where(i.kind.in_(("document", "update", "recall"))).order_by(i.agency, i.number)
    sent = sent.where(o.kind != "status").order_by(o.created_at)
    rows = [_sent(row) for row in connection.execute(sent.limit(FAMILY)).mappings()]
    return rows + [_received(row) for row in connection.execute(came.limit(FAMILY)).mappings()]


def answered(connection: Connection, codes: Collection[str], document_id: str) -> dict[str, str]:
    """When the last status about a document came here, by who has sent it."""
    i = incoming.c
    about = i.agency.in_(codes), i.document_id == document_id, i.kind == "status"
    query = sa.select(_SENDER, sa.func.max(i.received_at)).where(*about).group_by(_SENDER)
    return {str(sender): str(moment) for sender, moment in connection.execute(query) if sender}


def unsent(connection: Connection, codes: Collection[str], reference: str) -> list[dict[str, Any]]:
    """What was given here under this DocumentId or number/notation and never came to the hub: it waits for its answer,
    or was found invalid."""
    typed = same_id(reference.strip())
    if not typed or "\0" in typed:
        return []
    named = sa.or_(outgoing.c.document_id == typed, _folded == fold_code(typed))
    query = sa.select(outgoing).where(outgoing.c.agency.in_(codes), outgoing.c.state.in_(UNSENT), named)
    return [_sent(row) for row in _newest(connection, query.order_by(outgoing.c.created_at.desc()))]


@dataclass(frozen=True, slots=True)
class _Looked:
    """One look at what these agencies have."""

    connection: Connection
    codes: Collection[str]
    within: Within

    def exact(self, typed: str) -> list[dict[str, Any]]:
        """First what has an index; what has none is looked through where that has not found it."""
        if _AXIS_ID.fullmatch(low := typed.lower()):  # then nothing else of a row need be read
            named = sa.and_(_NEWEST_SENT, outgoing.c.axis_id == low)
            if rows := self._rows(named, incoming.c.id == low):
                return rows
        if rows := self._rows(outgoing.c.document_id == typed, incoming.c.document_id == typed):
            return rows
        sent, received = [_folded == fold_code(typed)], [_folded == fold_code(typed)]
        if _HEX.fullmatch(low):
            o, i = outgoing.c, incoming.c
            sent += [_starts(column, low) for column in (o.axis_id, o.content_digest, o.parcel_digest, o.source_digest)]
            received += [_starts(column, low) for column in (i.id, i.content_digest, i.body_digest)]
        return self._rows(sa.and_(_NEWEST_SENT, sa.or_(*sent)), sa.and_(_NEWEST_CAME, sa.or_(*received)))

    def beginning(self, typed: str) -> list[dict[str, Any]]:
        """What has a number that begins so."""
        folded = fold_code(typed)
        begins = sa.and_(_folded >= folded, _folded < folded + _LAST)
        return self._rows(sa.and_(_NEWEST_SENT, begins), sa.and_(_NEWEST_CAME, begins))

    def by_words(self, typed: str) -> list[dict[str, Any]]:
        """Of what was sent from here: the journal knows no subject of what has come."""
        wanted, keys, o = words(typed), list[tuple[str, str]](), outgoing.c
        if not wanted:
            return []
        subject = sa.func.json_extract(o.facts, "$.subject")
        documents = o.agency.in_(self.codes), o.kind.in_(DOCUMENTS), *self.within.sent()
        query = sa.select(o.agency, o.source_digest, subject).where(*documents).order_by(o.created_at.desc())
        for agency, digest, said in self.connection.execute(query.limit(SEARCHED)):
            there = words(str(said or ""), limit=None)
            if set(wanted[:-1]) <= set(there) and any(word.startswith(wanted[-1]) for word in there):
                keys.append((agency, digest))
                if len(keys) == LIMIT:
                    break
        named = sa.select(outgoing).where(sa.tuple_(o.agency, o.source_digest).in_(keys)).order_by(o.created_at.desc())
        return [_sent(row) for row in self.connection.execute(named).mappings()] if keys else []

    def _rows(self, sent: sa.ColumnElement[bool], received: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
        """At most LIMIT of each direction."""
        o, i, newest = outgoing.c, incoming.c, sa.func.max(incoming.c.number)
        mine = sa.select(outgoing).where(o.agency.in_(self.codes), *self.within.sent(), sent)
        mine = mine.order_by(o.kind.in_(DOCUMENTS).desc(), o.created_at.desc())
        came = sa.select(newest).where(i.agency.in_(self.codes), *self.within.came(), received).group_by(i.id)
        came = came.order_by((i.kind == "document").desc(), newest.desc()).limit(LIMIT)
        found = [_sent(row) for row in _newest(self.connection, mine)]
        found += [_received(row) for row in _newest(self.connection, sa.select(incoming).where(i.number.in_(came)))]
        found.sort(key=lambda row: str(row["moment"]), reverse=True)
        return sorted(found, key=lambda row: row["kind"] not in (*DOCUMENTS, "document"))


def _starts(column: sa.ColumnElement[str], typed: str) -> sa.ColumnElement[bool]:
    return sa.and_(column >= typed, column < typed + "g")  # no hex digit comes after


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
        "owner": row["agency"],
        "answer_digest": row["answer_digest"],
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
        "owner": row["sender"],
        "answer_digest": row["answer_digest"],
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
