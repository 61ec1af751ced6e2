"""What the agency receives: kept once, prepared, handed over or refused, and answered for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.core.instant import to_text
from axis.core.ledger import Entry
from axis.infra import payloads
from axis.infra.database import insert_or_ignore
from axis.infra.journal.posted import PostedChanges
from axis.infra.journal.tables import incoming

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import RowMapping

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


class IncomingChanges(PostedChanges):
    """Changes to what was received, each with its event, and with the receipt that is given for it."""

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

    def _answer_again(self, identifier: str, entry: Entry) -> None:
        """It came once more: whoever sends it has no receipt. What was given goes out again, the same bytes; of a
        recall first what was decided about it."""
        row = self.incoming(identifier)
        given = (row["decision_digest"], row["answer_digest"]) if row is not None else ()
        for digest in dict.fromkeys(given):
            if digest:
                self._post(digest, to_text(entry.time))
                self.enter(Entry(entry.time, self.agency, "receipt.repeated", identifier, "", {"receipt": digest}))

    def release(self, identifier: str, waiting: str = "held", to: str = "received") -> None:
        """What `waiting` was the state of is over: the registry that it needed is installed, or it was decided about.
        Nothing where it is in another state by now."""
        where = (incoming.c.agency == self.agency, incoming.c.id == identifier, incoming.c.state == waiting)
        self.connection.execute(sa.update(incoming).where(*where).values(state=to))

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

    def not_now(self, identifier: str, attempts: int, again_at: datetime) -> None:
        """The local system is away: nothing is said to anyone, try again at `again_at`."""
        values = {"b_attempts": attempts, "b_not_before": to_text(again_at)}
        self.writes.change(_NOT_NOW, b_agency=self.agency, b_id=identifier, **values)

    def forget(self, identifier: str, entry: Entry) -> None:
        """What was received under this id is not what it was said to be: it may come again."""
        row = self.incoming(identifier)
        where = (incoming.c.agency == self.agency, incoming.c.id == identifier)
        self.connection.execute(sa.delete(incoming).where(*where))
        if row is not None and row["body_digest"]:
            payloads.release(self.connection, row["body_digest"], self._references)
        self.enter(entry)

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

    def _incoming(self, identifier: str, **values: Any) -> None:
        where = sa.and_(incoming.c.agency == self.agency, incoming.c.id == identifier)
        self.connection.execute(sa.update(incoming).where(where).values(**values))
