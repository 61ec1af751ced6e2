"""An adapter's journal: what its agency sends, what it has received, and what it must still tell the hub.

The journal is the adapter's record as the store is the hub's: each change of state is one transaction
together with its event. Several agencies may share a database (an embedded home); every row names its own.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis import crashpoints
from axis.core import ledger
from axis.core.identity import earliest, same_id
from axis.core.instant import from_text, to_text
from axis.core.ledger import Entry
from axis.infra import payloads, retained
from axis.infra.database import BIG_ID, Database, insert_or_ignore, metadata, replacing, upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, RowMapping

outgoing = sa.Table(
    "outgoing",
    metadata,
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("source_digest", sa.Text, primary_key=True),  # SHA-256 of what the local system gave
    sa.Column("state", sa.Text, nullable=False),  # pending, accepted, refused (by the hub), invalid (found here)
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("document_id", sa.Text, nullable=False),
    sa.Column("content_digest", sa.Text, nullable=False),
    sa.Column("parcel_digest", sa.Text, nullable=False),  # kept after A.1: the hub may have to ask for it again
    sa.Column("facts", sa.JSON, nullable=False),  # of the original, for status packets and error reports
    sa.Column("axis_id", sa.Text, nullable=False),
    sa.Column("answer_digest", sa.Text, nullable=False),  # the A.1 or A.2 receipt
    sa.Column("problems", sa.JSON, nullable=False),
    sa.Column("settled", sa.Boolean, nullable=False),  # the local system was told of the answer
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("not_before", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("urgent", sa.Boolean, nullable=False, server_default=sa.false()),
    # Accepted after it was refused, and the local system was told of the refusal alone.
    sa.Column("lifted", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("outgoing_content", "agency", "content_digest"),
    sa.Index("outgoing_document", "agency", "document_id"),
    sa.Index("outgoing_parcel", "parcel_digest"),
    sa.Index("outgoing_due", "agency", "state", "not_before"),
    sa.Index(
        "outgoing_lifted",
        "agency",
        sqlite_where=sa.text("lifted"),
        postgresql_where=sa.text("lifted"),
    ),
    sa.Index(
        "outgoing_kept",
        "created_at",
        "source_digest",
        sqlite_where=sa.text("parcel_digest <> ''"),
        postgresql_where=sa.text("parcel_digest <> ''"),
    ),
)
incoming = sa.Table(
    "incoming",
    metadata,
    sa.Column("number", BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("id", sa.Text, nullable=False),  # axis id; a receipt's digest
    sa.Column("kind", sa.Text, nullable=False),  # document, update, recall, status, receipt
    # held → (update, recall: undecided →) received → handing_over → (shown →) handed_over | refused
    # and aside: withdrawing → withdrawn; done, of a recall that is not shown; doubted, after a restore: something may
    # have been decided about it
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("body_digest", sa.Text, nullable=False),
    sa.Column("proof_digest", sa.Text, nullable=False),
    sa.Column("names", sa.JSON, nullable=False),  # [[folder, name], …] of the files handed over
    sa.Column("facts", sa.JSON, nullable=False),  # of a document: what a trace shows
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("not_before", sa.Text, nullable=False),
    sa.Column("received_at", sa.Text, nullable=False),
    sa.Column("answer_digest", sa.Text, nullable=False, server_default=""),  # the E.1 or E.2 receipt given for it
    # Of a recall: the W.1 or W.2 that was given for it before it was shown.
    sa.Column("decision_digest", sa.Text, nullable=False, server_default=""),
    sa.Column("content_digest", sa.Text, nullable=False, server_default=""),  # of a document or status
    # Of the document that it is or is about; empty for a receipt.
    sa.Column("sender", sa.Text, nullable=False, server_default=""),
    sa.Column("document_id", sa.Text, nullable=False, server_default=""),
    sa.Column("urgent", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.UniqueConstraint("agency", "id"),
    sa.Index("incoming_due", "agency", "state", "not_before"),
    sa.Index("incoming_content", "agency", "content_digest"),
    sa.Index("incoming_document", "agency", "sender", "document_id"),
    sa.Index("incoming_body", "body_digest"),
    sa.Index(
        "incoming_kept",
        "received_at",
        "id",
        sqlite_where=sa.text("body_digest <> '' AND kind <> 'receipt'"),
        postgresql_where=sa.text("body_digest <> '' AND kind <> 'receipt'"),
    ),
)
# Documents that were withdrawn here for certain: whatever of them arrives later is not shown.
withdrawal = sa.Table(
    "withdrawal",
    metadata,
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("sender", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, primary_key=True),
    sa.Column("receipt_digest", sa.Text, nullable=False),  # the W.1 given for it
    sa.Column("withdrawn_at", sa.Text, nullable=False),
)
posted = sa.Table(
    "posted",
    metadata,
    sa.Column("number", BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("body_digest", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("not_before", sa.Text, nullable=False),
    sa.Index("posted_due", "agency", "not_before"),
    sa.Index("posted_body", "body_digest"),
)
event = sa.Table(
    "event",
    metadata,
    sa.Column("number", BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("axis_id", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("canonical", sa.Text, nullable=False),
    sa.Index("event_submission", "agency", "axis_id"),
)
installed = sa.Table(
    "installed_registry",
    metadata,
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
)
# Which home this is (axis/core/homes.py). A home whose hub's record lies in the same file has no row.
home_instance = sa.Table(
    "home_instance",
    metadata,
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("instance", sa.Text, nullable=False),
    sa.Column("follows", sa.Text, nullable=False),  # whose place it has taken
    sa.Column("since", sa.Text, nullable=False),  # what it was sent from then on it may not know
    sa.Column("known", sa.Text, nullable=False),  # this home is behind: the instance that the hub has heard,
    sa.Column("heard", sa.BigInteger, nullable=False),  # and how much
    sa.Column("restored_at", sa.Text, nullable=False),  # when it took another's place
)
TABLES = (payloads.payload, outgoing, incoming, withdrawal, posted, event, installed, home_instance, *retained.TABLES)
AGAIN = -1  # attempts of what the hub, which may have lost it, is to be sent again: an A.1 on its way is from before
REFUSED = -1  # attempts of a posted receipt whose signature the hub has refused: it is signed again first
FURTHEST = timedelta(days=1)  # nothing is put off so long: a time beyond it is one that a wrong clock has set
BODY_REFERENCES = (outgoing.c.parcel_digest, incoming.c.body_digest, posted.c.body_digest)  # that may name a parcel
PAYLOAD_REFERENCES = (
    outgoing.c.parcel_digest,
    outgoing.c.answer_digest,
    incoming.c.body_digest,
    incoming.c.proof_digest,
    incoming.c.answer_digest,
    incoming.c.decision_digest,
    withdrawal.c.receipt_digest,
    posted.c.body_digest,
    installed.c.digest,
)


_UNSAID = ("follows", "since", "known", "restored_at")


@dataclass(frozen=True)
class Outgoing:
    """A new row of what the agency sends. `parcel` is empty when it was found invalid here."""

    source_digest: str
    state: str
    kind: str
    document_id: str
    content_digest: str
    parcel: bytes
    facts: dict[str, Any]
    problems: list[dict[str, Any]]

    @cached_property
    def parcel_digest(self) -> str:
        """The hex SHA-256 of its parcel; "" without one."""
        return payloads.digest_of(self.parcel) if self.parcel else ""


class Journal:
    """One agency's journal in a database."""

    def __init__(self, database: Database, agency: str, references: payloads.References = BODY_REFERENCES) -> None:
        """`references`: every column in this database that may name a parcel."""
        self.database = database
        self.agency = agency
        self.all: Journals = database.beside.setdefault("journals", Journals(database, references))

    @contextmanager
    def transaction(self) -> Iterator[JournalTransaction]:
        """One transaction: everything in the block is kept, or nothing."""
        with self.all.transaction() as writes:
            yield JournalTransaction(writes, self.agency)

    @contextmanager
    def reading(self) -> Iterator[JournalReader]:
        """One consistent state of the journal, to read from."""
        with self.database.read() as connection:
            yield JournalReader(connection, self.agency)


_PENDING = "i.agency = c.value AND i.state = 'pending' AND i.parcel_digest <> ''"
_COME = "(i.not_before <= :now OR i.not_before > :far)"
_FIRST = """i.kind <> 'update' OR NOT EXISTS (
    SELECT 1 FROM outgoing AS b WHERE b.agency = i.agency AND b.document_id = i.document_id AND b.state = 'pending'
    AND (b.kind IN ('new', 'replace') AND b.created_at <= i.created_at
         OR b.kind = 'update' AND b.created_at < i.created_at))"""
_SHOWN_LATER = "i.agency = c.value AND i.state IN ('received', 'handing_over', 'withdrawing')"
_UNDECIDED = "i.agency = c.value AND i.state = 'undecided'"


def _moment(table: str, where: str) -> str:
    """The first time at which something of an agency is due; a time that only a wrong clock has set is none."""
    moment = "CASE WHEN i.not_before > :far THEN '' ELSE i.not_before END"
    return f"(SELECT min({moment}) FROM {table} AS i WHERE {where})"  # noqa: S608  names of this module


def _due(table: sa.Table, where: str, lanes: Sequence[tuple[str, str]], key: str = "rowid") -> sa.TextualSelect:
    """The first so many rows of each agency in each lane."""
    columns = ", ".join(f"o.{column.name}" for column in table.columns)
    parts = " UNION ALL ".join(
        f"SELECT * FROM (SELECT i.{key} FROM {table.name} AS i WHERE {where} AND {_COME} {lane} LIMIT :{room})"  # noqa: S608
        for lane, room in lanes
    )
    text = f"SELECT {columns} FROM json_each(:codes) AS c JOIN {table.name} AS o ON o.{key} IN ({parts})"  # noqa: S608
    return sa.text(text).columns(*table.columns)


def _by_pairs(table: sa.Table, first: str, second: str) -> sa.TextualSelect:
    """Rows by pairs of values of two columns."""
    columns = ", ".join(f"o.{column.name}" for column in table.columns)
    pairs = f"o.{first} = json_extract(k.value, '$[0]') AND o.{second} = json_extract(k.value, '$[1]')"
    text = f"SELECT {columns} FROM json_each(:pairs) AS k JOIN {table.name} AS o ON {pairs}"  # noqa: S608
    return sa.text(text).columns(*table.columns)


_WHO = sa.text(
    f"""
    SELECT c.value, {_moment("outgoing", _PENDING)}, {_moment("posted", "i.agency = c.value")},
        {_moment("incoming", _SHOWN_LATER)}, {_moment("incoming", _UNDECIDED)},
        EXISTS (SELECT 1 FROM outgoing AS i WHERE i.lifted AND i.state = 'accepted' AND i.agency = c.value)
    FROM json_each(:codes) AS c"""  # noqa: S608
)
_LANES = (("AND i.urgent ORDER BY i.{order}", "most"), ("AND NOT i.urgent ORDER BY i.{order}", "count"))
_TO_PUBLISH = _due(
    outgoing, f"{_PENDING} AND ({_FIRST})", [(lane.format(order="created_at"), room) for lane, room in _LANES]
)
_TO_POST = _due(posted, "i.agency = c.value", [("ORDER BY i.number", "count")], "number")
_TO_SHOW = _due(incoming, _SHOWN_LATER, [(lane.format(order="number"), room) for lane, room in _LANES], "number")
_OUTGOING_OF = _by_pairs(outgoing, "agency", "source_digest")
_OUTGOING_BY_CONTENT = _by_pairs(outgoing, "agency", "content_digest")
_INCOMING_OF = _by_pairs(incoming, "agency", "id")
_INCOMING_BY_CONTENT = _by_pairs(incoming, "agency", "content_digest")
_GONE = sa.text("""
    SELECT o.agency, o.sender, o.document_id, o.receipt_digest FROM json_each(:pairs) AS k JOIN withdrawal AS o
    ON o.agency = json_extract(k.value, '$[0]') AND o.sender = json_extract(k.value, '$[1]')
    AND o.document_id = json_extract(k.value, '$[2]')""")
_BRING_FORWARD = (
    sa.update(outgoing).where(outgoing.c.agency == sa.bindparam("code"), outgoing.c.state == "pending"),
    sa.update(posted).where(posted.c.agency == sa.bindparam("code")),
)


@dataclass
class Due:
    """What is due in the journals of several agencies, by agency."""

    publish: dict[str, list[RowMapping]] = field(default_factory=dict)  # urgent first, but a quarter for the others
    post: dict[str, list[RowMapping]] = field(default_factory=dict)
    show: dict[str, list[RowMapping]] = field(default_factory=dict)
    decide: set[str] = field(default_factory=set)  # who has recalls or updates that nothing was decided about
    lifted: set[str] = field(default_factory=set)  # whose system is to hear that something was accepted after all


class Journals:
    """The journals of all agencies in one database: what concerns many of them is asked and written once.

    Who has nothing to do is known without a question: every change goes through :meth:`transaction`, and wakes its
    agency. (What something else than this program changes is seen at the next thorough look.)"""

    def __init__(self, database: Database, references: payloads.References) -> None:
        self._database = database
        self.references = references
        self._asleep: dict[str, str] = {}  # until when nothing of an agency is due

    @contextmanager
    def transaction(self) -> Iterator[Writes]:
        """One transaction of several agencies: everything in the block is kept, or nothing."""
        with self._database.begin() as connection:
            writes = Writes(connection, self.references)
            yield writes
            writes.flush()
        for code in writes.agencies:
            self._asleep.pop(code, None)

    def awake(self, codes: Iterable[str], now: datetime) -> list[str]:
        """Those of these agencies that may have something due."""
        moment = to_text(now)
        return [code for code in codes if self._asleep.get(code, "") <= moment]

    def due(self, codes: Sequence[str], now: datetime, limit: int) -> Due:
        """What is due of these agencies, of each kind at most `limit` of each; one question where nothing is."""
        found = Due()
        if not codes:
            return found
        asked = _moments(now)
        with self._database.read() as connection:
            who: dict[str, list[str]] = {"publish": [], "post": [], "show": []}
            for code, *moments, lifted in connection.execute(_WHO, {"codes": json.dumps(codes), **asked}):
                publish, post, show, decide = (one is not None and one <= asked["now"] for one in moments)
                for name, is_due in (("publish", publish), ("post", post), ("show", show)):
                    if is_due:
                        who[name].append(code)
                if decide:
                    found.decide.add(code)
                if lifted:
                    found.lifted.add(code)
                if not (publish or post or show or decide or lifted):
                    self._asleep[code] = min((one for one in moments if one), default="9999")
            rooms = {"count": limit, "most": limit - limit // 4}
            for name, query in (("publish", _TO_PUBLISH), ("post", _TO_POST), ("show", _TO_SHOW)):
                if not who[name]:
                    continue
                rows = getattr(found, name)
                for row in connection.execute(query, {"codes": json.dumps(who[name]), **rooms, **asked}).mappings():
                    rows.setdefault(row["agency"], []).append(row)
        found.publish = {code: _in_lanes(rows, "created_at", limit) for code, rows in found.publish.items()}
        found.post = {code: sorted(rows, key=lambda row: int(row["number"])) for code, rows in found.post.items()}
        found.show = {code: _in_lanes(rows, "number", limit) for code, rows in found.show.items()}
        return found

    def next_due(self, codes: Sequence[str], now: datetime) -> datetime | None:
        """When something of these agencies is due next; None when nothing is."""
        if not codes:
            return None
        with self._database.read() as connection:
            rows = connection.execute(_WHO, {"codes": json.dumps(codes), **_moments(now)}).all()
        found = [moment for _, *moments, _ in rows for moment in moments if moment is not None]
        return (from_text(min(found)) if min(found) else now) if found else None

    def outgoing_of(self, sources: Sequence[tuple[str, str]]) -> dict[tuple[str, str], RowMapping]:
        """What became of these (agency, source digest)."""
        return {(row["agency"], row["source_digest"]): row for row in self._pairs(_OUTGOING_OF, sources)}

    def outgoing_by_content(self, contents: Sequence[tuple[str, str]]) -> dict[tuple[str, str], list[RowMapping]]:
        """What was sent by these (agency, content digest), in order."""
        found: dict[tuple[str, str], list[RowMapping]] = {pair: [] for pair in contents}
        for row in sorted(self._pairs(_OUTGOING_BY_CONTENT, contents), key=lambda row: str(row["created_at"])):
            found[row["agency"], row["content_digest"]].append(row)
        return found

    def have(self, mail: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of these (agency, id) that are here."""
        return {(row["agency"], row["id"]) for row in self._pairs(_INCOMING_OF, mail)}

    def have_content(self, contents: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of these (agency, content digest) that are here, whatever became of them."""
        return {(row["agency"], row["content_digest"]) for row in self._pairs(_INCOMING_BY_CONTENT, contents)}

    def contents(self, digests: Iterable[str]) -> dict[str, bytes]:
        """The bytes with these digests, but those that are missing or altered."""
        wanted = [digest for digest in digests if digest]
        if not wanted:
            return {}
        with self._database.read() as connection:
            return payloads.get_sound(connection, wanted)

    def tried_before(self, now: datetime, codes: Sequence[str]) -> None:
        """What was written down as published for the first time, and perhaps was not, is due."""
        with self._database.begin() as connection:
            for statement in _BRING_FORWARD:
                table = statement.table
                late = (table.c.attempts == 0, table.c.not_before > to_text(now))
                connection.execute(
                    statement.where(*late).values(not_before=to_text(now)), [{"code": code} for code in codes]
                )
        for code in codes:
            self._asleep.pop(code, None)

    def _pairs(self, query: sa.TextualSelect, pairs: Sequence[tuple[str, str]]) -> list[RowMapping]:
        if not pairs:
            return []
        with self._database.read() as connection:
            return list(connection.execute(query, {"pairs": json.dumps(list(dict.fromkeys(pairs)))}).mappings())


def _moments(now: datetime) -> dict[str, str]:
    return {"now": to_text(now), "far": to_text(now + FURTHEST)}


def _in_lanes(rows: list[RowMapping], order: str, limit: int) -> list[RowMapping]:
    """Urgent first, but a quarter of the room for the others."""
    lanes = [
        sorted((row for row in rows if row["urgent"] is lane), key=lambda row: row[order]) for lane in (True, False)
    ]
    return (lanes[0][: limit - limit // 4] + lanes[1])[:limit]


class Writes:
    """What one transaction changes in the journals of its agencies, gathered: written with one statement for each kind
    of change, before anything is read and at the end."""

    def __init__(self, connection: Connection, references: payloads.References) -> None:
        self._connection = connection
        self.references = references
        self.agencies: set[str] = set()
        self.new: dict[tuple[str, str], bool] | None = None  # (agency, id) of mail that is not here
        self.gone: dict[tuple[str, str, str], RowMapping] = {}  # the withdrawals of the documents of this mail
        self._contents: dict[str, bytes] = {}
        self._inserts: dict[str, tuple[sa.Table, list[dict[str, Any]]]] = {}
        self._changes: dict[Any, list[dict[str, Any]]] = {}

    @property
    def connection(self) -> Connection:
        """To read from, or to change something by itself: what was gathered until now is written."""
        self.flush()
        return self._connection

    def of(self, agency: str) -> JournalTransaction:
        """One agency's part of this transaction."""
        return JournalTransaction(self, agency)

    def expect(self, mail: Sequence[tuple[str, str]], documents: Sequence[tuple[str, str, str]]) -> None:
        """This mail (agency, id) is about to be received; the documents (agency, sender, id) it is or is about."""
        there = {
            (row["agency"], row["id"])
            for row in self.connection.execute(_INCOMING_OF, {"pairs": json.dumps(list(mail))}).mappings()
        }
        self.new = {one: one not in there for one in mail}
        if documents:
            found = self.connection.execute(_GONE, {"pairs": json.dumps(list(documents))}).mappings()
            self.gone = {(row["agency"], row["sender"], row["document_id"]): row for row in found}

    def keep(self, content: bytes, digest: str = "") -> str:
        """These bytes are to be kept; their digest, which somebody here may have computed."""
        digest = digest or payloads.digest_of(content)
        self._contents[digest] = content
        return digest

    def kept(self, digest: str) -> bytes | None:
        """Bytes that are to be kept."""
        return self._contents.get(digest)

    def insert(self, table: sa.Table, row: dict[str, Any]) -> None:
        """A new row."""
        self._inserts.setdefault(table.name, (table, []))[1].append(row)

    def change(self, statement: sa.Update | sa.Delete | sa.Insert, **values: Any) -> None:
        """One of the statements of this module."""
        self._changes.setdefault(statement, []).append(values)

    def flush(self) -> None:
        """Write what was gathered: bytes, what replaces rows, new rows, changes of rows."""
        if self._contents:
            contents, self._contents = self._contents, {}
            payloads.put_known(self._connection, contents)
        if self._inserts:
            inserts, self._inserts = self._inserts, {}
            for table, rows in inserts.values():
                self._connection.execute(_insert(table), rows)
        if self._changes:
            changes, self._changes = self._changes, {}
            for statement, values in changes.items():
                self._connection.execute(statement, values)


@cache
def _insert(table: sa.Table) -> sa.Insert:
    return table.insert()


_FREEZE = replacing(outgoing, ("agency", "source_digest"), kept=("lifted",))
_OF_SOURCE = (outgoing.c.agency == sa.bindparam("b_agency"), outgoing.c.source_digest == sa.bindparam("b_source"))
_SOURCE = sa.update(outgoing).where(*_OF_SOURCE)
_PUBLISHED = _SOURCE.values(attempts=sa.bindparam("b_attempts"), not_before=sa.bindparam("b_not_before"))
_CONFIRMED = _SOURCE.where(outgoing.c.attempts == 0).values(attempts=1)
_SETTLED = _SOURCE.values(settled=True)
_TOLD_REFUSED = _SOURCE.values(lifted=True)
_OF_CONTENT = (outgoing.c.agency == sa.bindparam("b_agency"), outgoing.c.content_digest == sa.bindparam("b_content"))
_ANSWER = {
    "axis_id": sa.bindparam("b_axis_id"),
    "answer_digest": sa.bindparam("b_answer"),
    "problems": sa.bindparam("b_problems", type_=sa.JSON),
}
_NOT_ACCEPTED = sa.or_(outgoing.c.state == "pending", outgoing.c.state == "refused")
_ACCEPTED = (
    sa.update(outgoing)
    .where(*_OF_CONTENT, _NOT_ACCEPTED, outgoing.c.attempts != AGAIN)
    .values(
        state="accepted",
        lifted=sa.or_(outgoing.c.lifted, sa.and_(outgoing.c.state == "refused", outgoing.c.settled)),
        **_ANSWER,
    )
)
_REFUSED = (
    sa.update(outgoing)
    .where(*_OF_CONTENT, outgoing.c.state == "pending", outgoing.c.parcel_digest == sa.bindparam("b_parcel"))
    .values(state="refused", **_ANSWER)
)
_OF_MAIL = (incoming.c.agency == sa.bindparam("b_agency"), incoming.c.id == sa.bindparam("b_id"))
_MOVED = (
    sa.update(incoming).where(*_OF_MAIL).values(state=sa.bindparam("b_state"), answer_digest=sa.bindparam("b_answer"))
)
_SHOWN = sa.update(incoming).where(*_OF_MAIL).values(state="shown")
_NOT_NOW = (
    sa.update(incoming)
    .where(*_OF_MAIL)
    .values(attempts=sa.bindparam("b_attempts"), not_before=sa.bindparam("b_not_before"))
)
_POSTED = sa.delete(posted).where(posted.c.number == sa.bindparam("b_number"))
_POSTED_BYTES = sa.delete(posted).where(
    posted.c.agency == sa.bindparam("b_agency"),
    posted.c.body_digest == sa.bindparam("b_body"),
    posted.c.not_before == sa.bindparam("b_not_before"),
)
_POSTPONED_BYTES = (
    sa.update(posted)
    .where(posted.c.agency == sa.bindparam("b_agency"), posted.c.body_digest == sa.bindparam("b_body"))
    .values(attempts=sa.bindparam("b_attempts"), not_before=sa.bindparam("b_not_before"))
)
_POSTPONED = (
    sa.update(posted)
    .where(posted.c.number == sa.bindparam("b_number"))
    .values(attempts=sa.bindparam("b_attempts"), not_before=sa.bindparam("b_not_before"))
)


class JournalReader:
    """Questions to the journal."""

    def __init__(self, connection: Connection, agency: str) -> None:
        self.connection = connection
        self.agency = agency

    def outgoing(self, source_digest: str) -> RowMapping | None:
        """What became of this source."""
        return self._first(self._outgoing().where(outgoing.c.source_digest == source_digest))

    def outgoing_of(self, source_digests: Sequence[str]) -> dict[str, RowMapping]:
        """What became of these sources, by digest; a new one has nothing."""
        query = self._outgoing().where(outgoing.c.source_digest.in_(source_digests))
        return {row["source_digest"]: row for row in self.connection.execute(query).mappings()}

    def outgoing_by_content(self, content_digest: str) -> list[RowMapping]:
        """What was sent with this content: one source, or several whose bytes say the same."""
        if not content_digest:
            return []
        query = self._outgoing().where(outgoing.c.content_digest == content_digest)
        return list(self.connection.execute(query.order_by(outgoing.c.created_at)).mappings())

    def organs_of(self, document_id: str) -> list[tuple[str, str]]:
        """(OrganId, name) of whoever this agency has addressed with this document or a change of it, in order."""
        query = sa.select(outgoing.c.facts).where(
            outgoing.c.agency == self.agency, outgoing.c.document_id == document_id, outgoing.c.state == "accepted"
        )
        rows = self.connection.execute(query.order_by(outgoing.c.created_at)).scalars()
        return [(organ_id, name) for facts in rows for organ_id, name in facts.get("organs", ())]

    def lifted(self, limit: int) -> list[str]:
        """The digests of sources that were accepted after the local system was told of a refusal."""
        query = sa.select(outgoing.c.source_digest).where(
            outgoing.c.lifted, outgoing.c.state == "accepted", outgoing.c.agency == self.agency
        )
        return list(self.connection.execute(query.limit(limit)).scalars())

    def being_shown(self) -> list[tuple[Any, str]]:
        """The files that were prepared, and will be shown whatever happens."""
        query = self._incoming_in("handing_over").with_only_columns(incoming.c.names)
        return [(folder, name) for names in self.connection.execute(query).scalars() for folder, name in names]

    def shown_since(self, after: int, limit: int) -> list[RowMapping]:
        """What the local system was shown and has not answered, from row number `after` on."""
        query = self._incoming_in("shown").where(incoming.c.number > after).order_by(incoming.c.number)
        return list(self.connection.execute(query.limit(limit)).mappings())

    def undecided(self, now: datetime, limit: int) -> list[RowMapping]:
        """Recalls and updates that nothing was decided about yet, in order of arrival."""
        due = self._incoming_in("undecided").where(_has_come(incoming.c.not_before, now))
        return list(self.connection.execute(due.order_by(incoming.c.number).limit(limit)).mappings())

    def documents(self, sender: str, document_id: str) -> list[RowMapping]:
        """What has arrived of this document: itself and its updates, in order of arrival."""
        query = sa.select(incoming).where(
            incoming.c.agency == self.agency,
            incoming.c.sender == sender,
            incoming.c.document_id == document_id,
            incoming.c.kind.in_(("document", "update")),
        )
        return list(self.connection.execute(query.order_by(incoming.c.number)).mappings())

    def state_of(self, identifier: str) -> str:
        """The state of what was received under this id; "" for nothing."""
        row = self.incoming(identifier)
        return str(row["state"]) if row is not None else ""

    def withdrawal(self, sender: str, document_id: str) -> RowMapping | None:
        """The withdrawal of this document; None when it was not withdrawn."""
        where = (
            withdrawal.c.agency == self.agency,
            withdrawal.c.sender == sender,
            withdrawal.c.document_id == document_id,
        )
        return self._first(sa.select(withdrawal).where(*where))

    def reported(self, document_id: str) -> list[tuple[str, str]]:
        """(whose document, status code) of what this agency's system has reported about documents of this id: two
        senders may give the same. The OrganId is "" where an older program did not note it."""
        query = self._outgoing().where(
            outgoing.c.document_id == document_id,
            outgoing.c.kind == "status",
            outgoing.c.state.in_(("pending", "accepted")),
        )
        facts = [row["facts"] for row in self.connection.execute(query).mappings()]
        return [(one.get("about", ""), one.get("status_code", "")) for one in facts]

    def _incoming_in(self, *states: str) -> sa.Select[Any]:
        return sa.select(incoming).where(incoming.c.agency == self.agency, incoming.c.state.in_(states))

    def receipts_since(self, since: datetime, after: int, limit: int) -> list[RowMapping]:
        """Receipts that have come since a moment, from row number `after` on."""
        query = sa.select(incoming.c.number, incoming.c.id, incoming.c.body_digest, incoming.c.facts).where(
            incoming.c.agency == self.agency,
            incoming.c.kind == "receipt",
            incoming.c.received_at >= to_text(since),
            incoming.c.number > after,
        )
        return list(self.connection.execute(query.order_by(incoming.c.number).limit(limit)).mappings())

    def held(self, now: datetime) -> list[RowMapping]:
        """Mail that waits for a newer registry."""
        query = self._incoming_in("held").where(incoming.c.not_before <= to_text(now))
        return list(self.connection.execute(query.order_by(incoming.c.number)).mappings())

    def incoming(self, identifier: str) -> RowMapping | None:
        """The received thing with this id."""
        return self._first(sa.select(incoming).where(incoming.c.agency == self.agency, incoming.c.id == identifier))

    def same_before(self, row: RowMapping) -> RowMapping | None:
        """What came before `row` with the same content from the same sender under another axis id, and was not refused:
        the hub accepted it twice, because its record had lost the first time; or what a home that was put back has
        heard since that it had handed over. What is in doubt then is not waited for: under its first id it may never
        come again."""
        if not row["content_digest"]:
            return None
        same = (
            incoming.c.agency == self.agency,
            incoming.c.content_digest == row["content_digest"],
            incoming.c.id != row["id"],
            sa.or_(incoming.c.number < row["number"], incoming.c.state == "handed_over"),
            incoming.c.state.not_in(("refused", "doubted")),
        )
        found = self.connection.execute(sa.select(incoming).where(*same).order_by(incoming.c.number)).mappings()
        return next((one for one in found if one["facts"]["sender"] == row["facts"]["sender"]), None)

    def registry(self) -> tuple[int, bytes] | None:
        """(version, parcel) of the registry installed here."""
        row = self._first(sa.select(installed).where(installed.c.agency == self.agency))
        return (row["version"], self.payload(row["digest"])) if row is not None else None

    def registry_version(self) -> int:
        """The version of the registry installed here; 0 for none."""
        row = self._first(sa.select(installed.c.version).where(installed.c.agency == self.agency))
        return int(row["version"]) if row is not None else 0

    def home(self) -> RowMapping | None:
        """Which home this is; None where nobody has asked yet."""
        return self._first(sa.select(home_instance).where(home_instance.c.agency == self.agency))

    def sequence(self) -> int:
        """How many changes this journal has seen, those of all agencies of the home."""
        return int(self.connection.execute(sa.select(sa.func.max(event.c.number))).scalar() or 0)

    def last_moment(self) -> str:
        """The time of this agency's last event, as text; "" when there is none."""
        query = sa.select(event.c.canonical).where(event.c.agency == self.agency).order_by(event.c.number.desc())
        canonical = self.connection.execute(query.limit(1)).scalar()
        return to_text(ledger.read(canonical).time) if canonical else ""

    def payload(self, digest: str) -> bytes:
        """Stored bytes; b"" for an empty digest. Raises :class:`axis.errors.Corrupted`."""
        return payloads.get(self.connection, digest) if digest else b""

    def payload_if_any(self, digest: str) -> bytes:
        """Stored bytes; b"" where there are none, or others."""
        return payloads.get_sound(self.connection, [digest]).get(digest, b"")

    def events(self, axis_id: str) -> list[Entry]:
        """This agency's events about a submission, in order."""
        query = sa.select(event.c.canonical).where(event.c.agency == self.agency, event.c.axis_id == axis_id)
        return [ledger.read(row.canonical) for row in self.connection.execute(query.order_by(event.c.number))]

    def find(self, reference: str) -> list[dict[str, Any]]:
        """Documents sent or received here that `reference` names (axis id, DocumentId, number/notation, content
        digest, or a part of one): axis_id, kind, sender, document_id, code, subject, content_digest, direction,
        state, attempts, moment, kept."""
        found, reference = [], same_id(reference)
        for row in self.connection.execute(self._outgoing().where(outgoing.c.axis_id != "")).mappings():
            facts = row["facts"]
            found.append(
                {
                    "axis_id": row["axis_id"],
                    "kind": row["kind"],
                    "sender": self.agency,
                    "document_id": row["document_id"],
                    "code": facts.get("code", ""),
                    "subject": facts.get("subject", ""),
                    "content_digest": row["content_digest"],
                    "direction": "outgoing",
                    "state": row["state"],
                    "attempts": row["attempts"],
                    "moment": row["created_at"],
                    "kept": row["parcel_digest"] != "",
                }
            )
        query = sa.select(incoming).where(incoming.c.agency == self.agency, incoming.c.kind != "receipt")
        for row in self.connection.execute(query).mappings():
            found.append(
                {
                    **row["facts"],
                    "axis_id": row["id"],
                    "direction": "incoming",
                    "state": row["state"],
                    "attempts": row["attempts"],
                    "moment": row["received_at"],
                    "kept": row["body_digest"] != "",
                }
            )
        keys = ("axis_id", "document_id", "code", "content_digest")
        whole = [row for row in found if reference in {same_id(row[key]) for key in keys}]
        return whole or [row for row in found if any(reference in same_id(row[key]) for key in keys)]

    def _outgoing(self) -> sa.Select[Any]:
        return sa.select(outgoing).where(outgoing.c.agency == self.agency)

    def _first(self, query: sa.Select[Any]) -> RowMapping | None:
        return self.connection.execute(query).mappings().first()


class JournalTransaction(JournalReader):
    """Changes to the journal, each with its event. Made by :meth:`Journal.transaction` and :meth:`Writes.of`."""

    def __init__(self, writes: Writes, agency: str) -> None:
        self.writes = writes
        self.agency = agency
        self._references = writes.references
        writes.agencies.add(agency)

    @property
    def connection(self) -> Connection:  # type: ignore[override]
        """See :attr:`Writes.connection`."""
        return self.writes.connection

    def enter(self, entry: Entry) -> str:
        """Append an event; its digest."""
        digest = entry.digest
        row = {"agency": self.agency, "axis_id": entry.axis_id, "digest": digest, "canonical": entry.canonical}
        self.writes.insert(event, row)
        return digest

    def freeze(
        self,
        row: Outgoing,
        now: datetime,
        *,
        again: bool = False,
        answer_by: datetime | None = None,
        was_refused: bool = False,
    ) -> None:
        """Keep a converted source and its parcel, to be published now; or the findings that forbid it. `again`: after
        :meth:`parcel_lost`. With `answer_by` it is noted as published, which the caller does next: to be published
        once more if it is not answered by then. `was_refused`: the local system holds these bytes as refused."""
        if again and row.parcel:
            payloads.mend(self.connection, row.parcel)
        digest = self.writes.keep(row.parcel, row.parcel_digest) if row.parcel else ""
        crashpoints.reached("C03")
        self.writes.change(
            _FREEZE,
            agency=self.agency,
            source_digest=row.source_digest,
            state=row.state,
            kind=row.kind,
            document_id=row.document_id,
            content_digest=row.content_digest,
            parcel_digest=digest,
            facts=row.facts,
            axis_id="",
            answer_digest="",
            problems=row.problems,
            settled=False,
            attempts=0,
            not_before=to_text(answer_by or now),
            created_at=to_text(now),
            urgent=bool(row.facts.get("urgent")),
        )
        if was_refused:
            self.writes.change(_TOLD_REFUSED, b_agency=self.agency, b_source=row.source_digest)
        codes = [p["code"] for p in row.problems]
        detail = {"document_id": row.document_id, "content_digest": row.content_digest, "findings": codes}
        self.enter(Entry(now, self.agency, f"source.{row.state}", "", "", detail))
        crashpoints.reached("C04")

    def answered(
        self,
        content_digest: str,
        state: str,
        axis_id: str,
        receipt: str,
        problems: list[dict[str, Any]],
        parcel_digest: str = "",
    ) -> None:
        """A.1 is held for everything with this content, or A.2 for one parcel of it. An acceptance stands; a refusal
        may be lifted.

        The event is the one of the receipt, which is received in the same transaction."""
        values = {
            "b_agency": self.agency,
            "b_content": content_digest,
            "b_axis_id": axis_id,
            "b_answer": receipt,
            "b_problems": problems,
        }
        if state == "accepted":
            self.writes.change(_ACCEPTED, **values)
        else:
            self.writes.change(_REFUSED, b_parcel=parcel_digest, **values)

    def renewed(self, before: str, parcel: bytes, entry: Entry) -> None:
        """What is pending with the parcel `before` has a new signature: `parcel` is published in its place."""
        digest = self.writes.keep(parcel)
        self.connection.execute(
            sa.update(outgoing)
            .where(
                outgoing.c.agency == self.agency,
                outgoing.c.parcel_digest == before,
                outgoing.c.source_digest != before,
                outgoing.c.state == "pending",
            )
            .values(parcel_digest=digest, attempts=0, not_before=to_text(entry.time))
        )
        payloads.release(self.connection, before, self._references)
        self.enter(entry)

    def ask_again(self, source_digest: str, now: datetime) -> None:
        """A refused source was given again: the hub shall judge the same parcel once more. The local system holds it as
        refused, and hears of it if it is accepted now."""
        self._update(source_digest, state="pending", settled=False, attempts=0, not_before=to_text(now), lifted=True)

    def send_again(self, since: datetime, now: datetime, later: timedelta, entry: Entry) -> None:
        """What the hub accepted since `since`, and what it has not answered, shall be published again; statuses, which
        are about documents, later."""
        for kinds, moment in ((outgoing.c.kind != "status", now), (outgoing.c.kind == "status", now + later)):
            # What is due may have been published before as well, and its A.1 of before the restore be on its way.
            # Of what was accepted so long ago that its bytes have ended, the answer stands.
            kept = (outgoing.c.parcel_digest != "", outgoing.c.axis_id >= earliest(since))
            accepted = sa.and_(outgoing.c.state == "accepted", *kept)
            again = sa.or_(outgoing.c.state == "pending", accepted)
            values = {"state": "pending", "attempts": AGAIN, "not_before": to_text(moment)}
            self.connection.execute(
                sa.update(outgoing).where(outgoing.c.agency == self.agency, again, kinds).values(values)
            )
        self.enter(entry)

    def answer_again(self, source_digest: str, receipt_digest: str) -> None:
        """An accepted source was given again: hand its receipt over once more."""
        self._update(source_digest, settled=False)
        self.connection.execute(
            sa.update(incoming)
            .where(
                incoming.c.agency == self.agency,
                incoming.c.id == receipt_digest,
                incoming.c.state == "handed_over",
            )
            .values(state="received")
        )

    def told_lifted(self, source_digests: Sequence[str]) -> None:
        """The local system knows of these now that they were accepted after all."""
        where = (outgoing.c.agency == self.agency, outgoing.c.source_digest.in_(list(source_digests)))
        self.connection.execute(sa.update(outgoing).where(*where).values(lifted=False))

    def settled(self, source_digest: str) -> None:
        """The local system was told."""
        self.writes.change(_SETTLED, b_agency=self.agency, b_source=source_digest)

    def parcel_lost(self, source_digest: str, entry: Entry) -> None:
        """The parcel's bytes are damaged: it is frozen again from the source, which is kept until it is answered."""
        self._update(source_digest, parcel_digest="")
        self.enter(entry)

    def published(self, source_digest: str, attempts: int, again_at: datetime) -> None:
        """The parcel was published, or could not be: publish again at `again_at` unless it is answered."""
        values = {"b_attempts": attempts, "b_not_before": to_text(again_at)}
        self.writes.change(_PUBLISHED, b_agency=self.agency, b_source=source_digest, **values)

    def receive(
        self,
        identifier: str,
        kind: str,
        body: bytes,
        proof: bytes,
        state: str,
        facts: dict[str, str],
        entry: Entry,
        *,
        urgent: bool = False,
        names: Sequence[tuple[str, str]] = (),
        digests: tuple[str, str] = ("", ""),
    ) -> bool:
        """Keep something received; `names` are the files of what is prepared already, and is shown next; `digests` of
        body and proof, where somebody here has computed them. False if it is here already, or was withdrawn before it
        came: it is not shown."""
        sender, document_id = facts.get("sender", ""), facts.get("document_id", "")
        gone = self._is_withdrawn(sender, document_id) if kind in {"document", "update"} else None
        if gone is not None:
            state, body = "withdrawing" if names else "withdrawn", b""
            entry = replace(entry, event=f"{kind}.withdrawn")
        row = {
            "agency": self.agency,
            "id": identifier,
            "kind": kind,
            "state": state,
            "body_digest": self.writes.keep(body, digests[0]) if body else "",
            "proof_digest": self.writes.keep(proof, digests[1]) if proof else "",
            "names": [list(name) for name in names] if gone is None else [],
            "facts": facts,
            "attempts": 0,
            "not_before": to_text(entry.time),
            "received_at": to_text(entry.time),
            "content_digest": facts.get("content_digest", ""),
            "sender": sender,
            "document_id": document_id,
            "urgent": urgent,
            "answer_digest": gone["receipt_digest"] if gone is not None else "",
        }
        expected = self.writes.new or {}
        if expected.get((self.agency, identifier)):
            expected[self.agency, identifier] = False  # should it come once more in this batch
            self.writes.insert(incoming, row)
            self.enter(entry)
            return gone is None
        if insert_or_ignore(self.connection, incoming, row):
            self.enter(entry)
            return gone is None
        for content in (body, proof):
            payloads.mend(self.connection, content)
        if kind != "receipt":
            self._answer_again(identifier, entry)
            self.release(identifier, "doubted", state)  # the hub has no answer for it: nothing was decided
        return False

    def _is_withdrawn(self, sender: str, document_id: str) -> RowMapping | None:
        if self.writes.new is None:
            return self.withdrawal(sender, document_id)
        return self.writes.gone.get((self.agency, sender, document_id))

    def had(self, identifier: str, kind: str, facts: dict[str, str], receipt: bytes, entry: Entry) -> None:
        """By `receipt`, its own E.1 that the hub has kept, this agency has handed this over: in a time that its
        journal, which was put back, has lost. It is not handed over again."""
        row = {
            "state": "handed_over",
            "names": [],
            "body_digest": "",
            "proof_digest": "",
            "answer_digest": self.writes.keep(receipt),
            "attempts": 0,
            "not_before": to_text(entry.time),
            "received_at": to_text(entry.time),
            "content_digest": facts["content_digest"],
            "sender": facts["sender"],
            "document_id": facts["document_id"],
        }
        of_it = {"agency": self.agency, "id": identifier, "kind": kind, "facts": facts}
        changed = insert_or_ignore(self.connection, incoming, {**of_it, **row, "urgent": False})
        if not changed:
            unsure = incoming.c.state.in_(("doubted", "held", "undecided", "received"))
            where = (incoming.c.agency == self.agency, incoming.c.id == identifier, unsure)
            values = {"state": "handed_over", "answer_digest": row["answer_digest"]}
            changed = bool(self.connection.execute(sa.update(incoming).where(*where).values(values)).rowcount)
        if changed:
            self.enter(entry)

    def had_withdrawn(self, identifier: str, facts: dict[str, str], receipt: bytes, entry: Entry) -> None:
        """As :meth:`had`, of a W.1: the document was withdrawn here for certain. Nothing of it is shown."""
        sender, document_id = facts["sender"], facts["document_id"]
        if self.withdrawal(sender, document_id) is not None:
            return
        digest = self.writes.keep(receipt)
        values = {"receipt_digest": digest, "withdrawn_at": to_text(entry.time)}
        row = {"agency": self.agency, "sender": sender, "document_id": document_id, **values}
        upsert(self.connection, withdrawal, row, ("agency", "sender", "document_id"))
        for one in self.documents(sender, document_id):
            if one["state"] in {"doubted", "held", "undecided", "received"}:
                self._incoming(one["id"], state="withdrawn", body_digest="", answer_digest=digest)
                payloads.release(self.connection, one["body_digest"], self._references)
        self._incoming(identifier, state="done", answer_digest=digest)
        self.enter(entry)

    def show(self, receipts: Sequence[str], entry: Entry) -> None:
        """The hub, which may have lost them, is shown these receipts (digests) that it had passed on to this agency."""
        for digest in receipts:
            self._post(digest, to_text(entry.time))
        if receipts:
            self.enter(entry)

    def begin_home(self, instance: str) -> RowMapping:
        """From now on this home has this instance id, unless it has one; its row."""
        row = {"agency": self.agency, "instance": instance, "heard": 0}
        insert_or_ignore(self.connection, home_instance, row | dict.fromkeys(_UNSAID, ""))
        found = self.home()
        assert found is not None  # noqa: S101  it was just made
        return found

    def home_follows(self, instance: str) -> None:
        """Whose place this home has taken, by the hub's word."""
        self._home(follows=instance)

    def fall_behind(self, known: str, heard: int, entry: Entry) -> None:
        """The hub has heard more from this agency than this journal holds."""
        self._home(known=known, heard=heard)
        self.enter(entry)

    def take_over(self, instance: str, follows: str, entry: Entry) -> int:
        """This home works again under a new instance id, in the place of `follows`; of how much that it holds something
        else may have been decided meanwhile: that waits until it is sent again."""
        self._home(
            instance=instance,
            follows=follows,
            since=self.last_moment(),
            known="",
            heard=0,
            restored_at=to_text(entry.time),
        )
        doubtful = (
            incoming.c.agency == self.agency,
            incoming.c.kind != "receipt",
            incoming.c.state.in_(("held", "undecided", "received", "handing_over")),
        )
        doubted = self.connection.execute(sa.update(incoming).where(*doubtful).values(state="doubted"))
        self.enter(entry)
        return int(doubted.rowcount)

    def _home(self, **values: Any) -> None:
        where = home_instance.c.agency == self.agency
        self.connection.execute(sa.update(home_instance).where(where).values(**values))

    def _answer_again(self, identifier: str, entry: Entry) -> None:
        """It came once more: whoever sends it has no receipt. What was given goes out again, the same bytes; of a
        recall first what was decided about it."""
        row = self.incoming(identifier)
        given = (row["decision_digest"], row["answer_digest"]) if row is not None else ()
        for digest in dict.fromkeys(given):
            if digest:
                self._post(digest, to_text(entry.time))
                self.enter(Entry(entry.time, self.agency, "receipt.repeated", identifier, "", {"receipt": digest}))

    def ask_about(self, receipt: bytes, entry: Entry) -> None:
        """Show the hub a receipt that came from it: as of when was it accepted?"""
        self._post(self.writes.keep(receipt), to_text(entry.time))
        self.enter(entry)

    def receipt_refused(self, digest: str, entry: Entry) -> None:
        """The hub could not accept the signature of a receipt that was given here: it is signed again, and posted."""
        of_it = (posted.c.agency == self.agency, posted.c.body_digest == digest)
        values = {"attempts": REFUSED, "not_before": to_text(entry.time)}
        if not self.connection.execute(sa.update(posted).where(*of_it).values(values)).rowcount:
            self.writes.insert(posted, {"agency": self.agency, "body_digest": digest, **values})
        self.enter(entry)

    def receipt_renewed(self, row: RowMapping, receipt: bytes, entry: Entry) -> None:
        """`receipt` says what the one in `row`, which waits to be posted, has said, under a new signature: it takes its
        place, also where the same is asked for again."""
        digest, before = self.writes.keep(receipt), row["body_digest"]
        values = {"body_digest": digest, "attempts": 0, "not_before": to_text(entry.time)}
        self.connection.execute(sa.update(posted).where(posted.c.number == row["number"]).values(values))
        for table, column in (
            (incoming, incoming.c.answer_digest),
            (incoming, incoming.c.decision_digest),
            (withdrawal, withdrawal.c.receipt_digest),
        ):
            where = (table.c.agency == self.agency, column == before)
            self.connection.execute(sa.update(table).where(*where).values({column: digest}))
        self.enter(replace(entry, detail={**entry.detail, "receipt": digest}))

    def _post(self, digest: str, moment: str) -> None:
        row = {"agency": self.agency, "body_digest": digest, "attempts": 0, "not_before": moment}
        self.writes.insert(posted, row)

    def release(self, identifier: str, waiting: str = "held", to: str = "received") -> None:
        """What `waiting` was the state of is over: the registry that it needed is installed, or it was decided about.
        Nothing where it is in another state by now."""
        where = (incoming.c.agency == self.agency, incoming.c.id == identifier, incoming.c.state == waiting)
        self.connection.execute(sa.update(incoming).where(*where).values(state=to))

    def bring_forward(self, now: datetime) -> int:
        """Whatever waits for a later time is due at `now`; how much."""
        count = 0
        for one in (outgoing, incoming, posted):
            later = sa.update(one).where(one.c.agency == self.agency, one.c.not_before > to_text(now))
            count += self.connection.execute(later.values(not_before=to_text(now))).rowcount
        return count

    def undecide(self, identifier: str) -> None:
        """As :meth:`release`, for a recall or an update: it is decided about first."""
        self.release(identifier, to="undecided")

    def handing_over(self, identifier: str, names: Sequence[tuple[str, str]], entry: Entry) -> bool:
        """Everything is prepared; from here the local system may see it. False, and nothing is changed, if it was
        withdrawn meanwhile: one of the two comes first, in the order of these transactions."""
        where = (incoming.c.agency == self.agency, incoming.c.id == identifier, incoming.c.state == "received")
        values = {"state": "handing_over", "names": [list(name) for name in names]}
        moved = self.connection.execute(
            sa.update(incoming).where(*where).values(values).returning(incoming.c.number)
        ).first()
        if moved is not None:
            self.enter(entry)
        return moved is not None

    def withdraw(
        self, row: RowMapping, sender: str, document_id: str, entry: Entry, receipt: bytes, recall: str = "done"
    ) -> None:
        """This document was not shown, and never will be: `row`, the recall, is done, or goes on to be shown
        ("received"); `receipt` (W.1) goes to the hub.

        The bytes are dropped. Files that were prepared are cleared away by the next hand-over."""
        digest = self.writes.keep(receipt)
        values = {
            "agency": self.agency,
            "sender": sender,
            "document_id": document_id,
            "receipt_digest": digest,
            "withdrawn_at": to_text(entry.time),
        }
        upsert(self.connection, withdrawal, values, ("agency", "sender", "document_id"))
        for one in self.documents(sender, document_id):
            if one["id"] != row["id"]:
                state = "withdrawing" if one["state"] == "received" else "withdrawn"
                self._incoming(one["id"], state=state, body_digest="", answer_digest=digest)
                payloads.release(self.connection, one["body_digest"], self._references)
        self._incoming(row["id"], state=recall, answer_digest=digest, decision_digest=digest)
        self.enter(entry)
        self._post(digest, to_text(entry.time))

    def answer_recall(self, row: RowMapping, state: str, entry: Entry, receipt: bytes) -> None:
        """The recall in `row` came too late or means nothing: it is shown ("received") or not ("done"); `receipt` (W.2)
        goes to the hub."""
        digest = self.writes.keep(receipt)
        self._incoming(row["id"], state=state, answer_digest=digest, decision_digest=digest)
        self.enter(entry)
        self._post(digest, to_text(entry.time))

    def belongs_to(self, identifier: str, owner: str) -> RowMapping:
        """What was received here is about a document that `owner` had sent; the row as it is then."""
        self._incoming(identifier, sender=owner)
        row = self.incoming(identifier)
        assert row is not None  # noqa: S101  it was just changed
        return row

    def withdrawn_with(self, row: RowMapping, gone: RowMapping, now: datetime) -> None:
        """An update of what was withdrawn before: it is not shown either."""
        self._incoming(row["id"], state="withdrawn", body_digest="", answer_digest=gone["receipt_digest"])
        payloads.release(self.connection, row["body_digest"], self._references)
        detail = {"document_id": row["document_id"]}
        self.enter(Entry(now, self.agency, f"{row['kind']}.withdrawn", row["id"], "", detail))

    def cleared(self, identifier: str) -> None:
        """What was prepared of a withdrawn document is gone."""
        self._incoming(identifier, state="withdrawn")

    def shown(self, identifier: str, entry: Entry) -> None:
        """The local system sees it, and says itself when it has it."""
        self.writes.change(_SHOWN, b_agency=self.agency, b_id=identifier)
        self.enter(entry)

    def handed_over(
        self,
        identifier: str,
        state: str,
        entry: Entry,
        receipt: bytes,
        now: datetime,
        confirm_by: datetime | None = None,
    ) -> None:
        """The local system has it (or refused it for good); `receipt`, if any, goes to the hub. With `confirm_by` it is
        noted as published, which the caller does next: to be published once more if it is not confirmed by then."""
        digest = self.writes.keep(receipt) if receipt else ""
        self.writes.change(_MOVED, b_agency=self.agency, b_id=identifier, b_state=state, b_answer=digest)
        self.enter(entry)
        if digest:
            self._post(digest, to_text(confirm_by or now))

    def forget(self, identifier: str, entry: Entry) -> None:
        """What was received under this id is not what it was said to be: it may come again."""
        row = self.incoming(identifier)
        where = (incoming.c.agency == self.agency, incoming.c.id == identifier)
        self.connection.execute(sa.delete(incoming).where(*where))
        if row is not None and row["body_digest"]:
            payloads.release(self.connection, row["body_digest"], self._references)
        self.enter(entry)

    def not_now(self, identifier: str, attempts: int, again_at: datetime) -> None:
        """The local system is away: nothing is said to anyone, try again at `again_at`."""
        values = {"b_attempts": attempts, "b_not_before": to_text(again_at)}
        self.writes.change(_NOT_NOW, b_agency=self.agency, b_id=identifier, **values)

    def posted(self, number: int) -> None:
        """A receipt was confirmed by the broker."""
        self.writes.change(_POSTED, b_number=number)

    def confirmed(self, source_digest: str) -> None:
        """The parcel that was noted as published was confirmed by the broker."""
        self.writes.change(_CONFIRMED, b_agency=self.agency, b_source=source_digest)

    def posted_bytes(self, digest: str, confirm_by: datetime) -> None:
        """The receipt with these bytes, noted as published until `confirm_by`, was confirmed by the broker. (Where it
        was asked for again since, it has another time, and stays.)"""
        values = {"b_body": digest, "b_not_before": to_text(confirm_by)}
        self.writes.change(_POSTED_BYTES, b_agency=self.agency, **values)

    def postpone_bytes(self, digest: str, again_at: datetime) -> None:
        """The receipt with these bytes, published for the first time, was not confirmed."""
        values = {"b_attempts": 1, "b_not_before": to_text(again_at)}
        self.writes.change(_POSTPONED_BYTES, b_agency=self.agency, b_body=digest, **values)

    def postpone(self, number: int, attempts: int, again_at: datetime) -> None:
        """A receipt was not confirmed."""
        values = {"b_attempts": attempts, "b_not_before": to_text(again_at)}
        self.writes.change(_POSTPONED, b_number=number, **values)

    def install(self, version: int, parcel: bytes, entry: Entry) -> bool:
        """Install a registry unless one as new is here; True if it was installed."""
        if self.registry_version() >= version:
            return False
        row = {"agency": self.agency, "version": version, "digest": payloads.put(self.connection, parcel)}
        upsert(self.connection, installed, row, ("agency",))
        self.enter(entry)
        return True

    def _update(self, source_digest: str, **values: Any) -> None:
        where = sa.and_(outgoing.c.agency == self.agency, outgoing.c.source_digest == source_digest)
        self.connection.execute(sa.update(outgoing).where(where).values(**values))

    def _incoming(self, identifier: str, **values: Any) -> None:
        where = sa.and_(incoming.c.agency == self.agency, incoming.c.id == identifier)
        self.connection.execute(sa.update(incoming).where(where).values(**values))


def _has_come(moment: sa.Column[str], now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(moment <= to_text(now), moment > to_text(now + FURTHEST))
