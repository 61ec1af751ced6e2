"""Questions to one agency's journal, within one consistent state of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.core import ledger
from axis.core.identity import moment_of
from axis.core.instant import from_text, to_text
from axis.infra import payloads
from axis.infra.journal.tables import FURTHEST, event, home_instance, incoming, installed, outgoing, withdrawal

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, RowMapping

    from axis.core.ledger import Entry

RECENT = timedelta(hours=1)  # before the end of a journal: how late what came then was, the next thing may be


@dataclass(frozen=True, slots=True)
class Held:
    """What a journal has of a submission: the hub's A.1, the parcel, receipts; b"" for what it has not, or no more."""

    acceptance: bytes
    body: bytes
    receipts: tuple[bytes, ...]


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

    def first_sent(self, document_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """By axis id what was accepted under it first: (digest of the source, when it was given), of what was sent of
        and about these documents. What is given again is answered as it was, under the same axis id."""
        o = outgoing.c
        query = sa.select(o.axis_id, o.source_digest, o.created_at).where(
            o.agency == self.agency, o.document_id.in_(document_ids), o.axis_id != "", o.state == "accepted"
        )
        rows = self.connection.execute(query.order_by(o.created_at.desc(), sa.text("rowid DESC"))).all()
        return {row.axis_id: (row.source_digest, row.created_at) for row in rows}

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

    def unshown(self, after: int, limit: int) -> list[RowMapping]:
        """Documents and updates that wait to be shown, and were not, from row number `after` on."""
        kinds = incoming.c.kind.in_(("document", "update"))
        waiting = self._incoming_in("received").where(kinds, incoming.c.number > after)
        return list(self.connection.execute(waiting.order_by(incoming.c.number).limit(limit)).mappings())

    def documents(self, sender: str, document_id: str) -> list[RowMapping]:
        """What has arrived of this document: itself and its updates, in order of arrival."""
        query = sa.select(incoming).where(
            incoming.c.agency == self.agency,
            incoming.c.sender == sender,
            incoming.c.document_id == document_id,
            incoming.c.kind.in_(("document", "update")),
        )
        return list(self.connection.execute(query.order_by(incoming.c.number)).mappings())

    def came_under(self, notation: str, most: int | None = None) -> list[tuple[str, str]]:
        """The digests of parcel and A.1 of each document that has come with this CodeNotation, in order of arrival, or
        of the newest `most`; one whose bytes were dropped is left out. `%` in it stands for anything."""
        return self._named(self._incoming_under(notation).order_by(incoming.c.number.desc()).limit(most))

    def went_under(self, notation: str, most: int | None = None) -> list[tuple[str, str]]:
        """The same of each document that was sent, and accepted by the hub."""
        query = sa.select(outgoing.c.parcel_digest, outgoing.c.answer_digest).where(
            outgoing.c.agency == self.agency,
            outgoing.c.state == "accepted",
            outgoing.c.kind == "new",
            outgoing.c.document_id.like(f"%/{notation}"),
        )
        return self._named(query.order_by(outgoing.c.created_at.desc()).limit(most))

    def _named(self, newest_first: sa.Select[Any]) -> list[tuple[str, str]]:
        return [(str(body), str(proof)) for body, proof in reversed(self.connection.execute(newest_first).all())]

    def _incoming_under(self, notation: str) -> sa.Select[Any]:
        return sa.select(incoming.c.body_digest, incoming.c.proof_digest).where(
            incoming.c.agency == self.agency,
            incoming.c.kind == "document",
            incoming.c.body_digest != "",
            incoming.c.document_id.like(f"%/{notation}"),
        )

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

    def incoming_of(self, identifiers: Sequence[str]) -> dict[str, RowMapping]:
        """The received things with these ids, by id."""
        query = sa.select(incoming).where(incoming.c.agency == self.agency, incoming.c.id.in_(identifiers))
        return {row["id"]: row for row in self.connection.execute(query).mappings()}

    def same_before(self, rows: Sequence[RowMapping]) -> dict[str, RowMapping]:
        """By the id of each of these what came before it with the same content from the same sender under another axis
        id, and was not refused, if there is any: the hub accepted it twice, because its record had lost the first time;
        or what a home that was put back has heard since that it had handed over. What is in doubt then is not waited
        for: under its first id it may never come again."""
        digests = {row["content_digest"] for row in rows} - {""}
        if not digests:
            return {}
        c = incoming.c
        found: dict[str, list[RowMapping]] = {}
        same = c.agency == self.agency, c.content_digest.in_(digests), c.state.not_in(("refused", "doubted"))
        for one in self.connection.execute(sa.select(incoming).where(*same).order_by(c.number)).mappings():
            found.setdefault(one["content_digest"], []).append(one)

        def is_before(one: RowMapping, row: RowMapping) -> bool:
            if one["id"] == row["id"] or one["facts"]["sender"] != row["facts"]["sender"]:
                return False
            return bool(one["number"] < row["number"] or one["state"] == "handed_over")

        both = (
            (row, next((o for o in found.get(row["content_digest"], ()) if is_before(o, row)), None)) for row in rows
        )
        return {row["id"]: one for row, one in both if one is not None}

    def registry(self) -> tuple[int, bytes] | None:
        """(version, parcel) of the registry installed here."""
        row = self._first(sa.select(installed).where(installed.c.agency == self.agency))
        return (row["version"], self.payload(row["digest"])) if row is not None else None

    def types(self) -> bytes:
        """The parcel of the document types installed here; b"" for none."""
        row = self._first(sa.select(installed.c.types_digest).where(installed.c.agency == self.agency))
        return self.payload(row["types_digest"]) if row is not None and row["types_digest"] else b""

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

    def known_until(self) -> str:
        """From when on something that the hub has passed on may be missing here, as text; "" where nothing happened.
        The last event's time, less the longest that a document of the hour before it had been on its way: what came
        with it waited as long."""
        last = self.last_moment()
        if not last:
            return ""
        recent = sa.select(incoming.c.id, incoming.c.received_at).where(
            incoming.c.agency == self.agency,
            incoming.c.kind == "document",
            incoming.c.received_at >= to_text(from_text(last) - RECENT),
            sa.text("body_digest <> '' AND kind <> 'receipt'"),  # in the words of the index
        )
        rows = self.connection.execute(recent)
        late = timedelta()
        for row in rows:
            with suppress(ValueError):  # an id that says nothing of its time
                late = max(late, from_text(row.received_at) - moment_of(row.id))
        return to_text(from_text(last) - late)

    def payload(self, digest: str) -> bytes:
        """Stored bytes; b"" for an empty digest. Raises :class:`axis.errors.Corrupted`."""
        return payloads.get(self.connection, digest) if digest else b""

    def payloads(self, digests: Collection[str]) -> dict[str, bytes]:
        """The bytes with these digests, but those that are missing or altered."""
        return payloads.get_sound(self.connection, digests)

    def sizes(self, digests: Collection[str]) -> dict[str, int]:
        """How many bytes each of these has, but those that are missing."""
        return payloads.sizes(self.connection, digests)

    def payload_if_any(self, digest: str) -> bytes:
        """Stored bytes; b"" where there are none, or others."""
        return payloads.get_sound(self.connection, [digest]).get(digest, b"")

    def evidence(self, axis_id: str) -> Held:
        """What is here of a submission, sent or received, and of every receipt about it."""
        sent = self._first(self._outgoing().where(outgoing.c.axis_id == axis_id, outgoing.c.state == "accepted"))
        came = self.incoming(axis_id)
        given = [came["answer_digest"], came["decision_digest"]] if came is not None else []
        told = [str(one.detail["receipt"]) for one in self.events(axis_id) if one.event == "receipt.received"]
        digests = [sent["answer_digest"], sent["parcel_digest"]] if sent is not None else []
        digests += [came["proof_digest"], came["body_digest"]] if came is not None else []
        found = payloads.get_sound(self.connection, [one for one in (*digests, *given, *told) if one])
        acceptance, body = ((*digests, "", "")[:2]) if digests else ("", "")
        receipts = tuple(found[one] for one in dict.fromkeys((*given, *told)) if one in found and one != acceptance)
        return Held(found.get(acceptance, b""), found.get(body, b""), receipts)

    def events(self, axis_id: str) -> list[Entry]:
        """This agency's events about a submission, in order."""
        query = sa.select(event.c.canonical).where(event.c.agency == self.agency, event.c.axis_id == axis_id)
        return [ledger.read(row.canonical) for row in self.connection.execute(query.order_by(event.c.number))]

    def events_since(self, mark: str, limit: int) -> tuple[str, list[tuple[str, Entry]]]:
        """(where the next look begins, this agency's events with the mark of each) of the `limit` events of all
        agencies of the home that come after `mark`, in order. One that this journal has not given (it was put back from
        a copy) stands for its beginning."""
        number, _, digest = mark.partition(" ")
        at = int(number) if number.isascii() and number.isdigit() and len(number) < 18 else 0
        if at and self.connection.execute(sa.select(event.c.digest).where(event.c.number == at)).scalar() != digest:
            at, mark = 0, ""
        own = sa.case((event.c.agency == self.agency, event.c.canonical))
        query = sa.select(event.c.number, event.c.digest, own.label("own")).where(event.c.number > at)
        rows = self.connection.execute(query.order_by(event.c.number).limit(limit)).all()
        found = [(f"{row.number} {row.digest}", ledger.read(row.own)) for row in rows if row.own is not None]
        return f"{rows[-1].number} {rows[-1].digest}" if rows else mark, found

    def of_no_submission(self, after: int, limit: int) -> list[Entry]:
        """This agency's events about no submission after this number, in order; at most `limit`."""
        e = event.c
        query = sa.select(e.canonical).where(e.number > after, e.agency == self.agency, e.axis_id == "")
        rows = self.connection.execute(query.order_by(e.number).limit(limit))
        return [ledger.read(row.canonical) for row in rows]

    def _outgoing(self) -> sa.Select[Any]:
        return sa.select(outgoing).where(outgoing.c.agency == self.agency)

    def _first(self, query: sa.Select[Any]) -> RowMapping | None:
        return self.connection.execute(query).mappings().first()


def _has_come(moment: sa.Column[str], now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(moment <= to_text(now), moment > to_text(now + FURTHEST))
