"""What a recall or an update makes of a document that has come: withdrawn for certain, or too late. Whatever of a
withdrawn document arrives later is not shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core.instant import to_text
from axis.core.ledger import Entry
from axis.infra import payloads
from axis.infra.database import upsert
from axis.infra.journal.incoming import IncomingChanges
from axis.infra.journal.tables import withdrawal

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import RowMapping


class WithdrawalChanges(IncomingChanges):
    """Changes that withdraw, each with its event, and with the receipt that is given for it."""

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

    def give_up(self, row: RowMapping, entry: Entry, receipt: bytes) -> None:
        """This was not shown, and never will be here: the agency is closed, and its successor is sent it. `receipt`
        (W.1) goes to the hub; the bytes are dropped, and files that were prepared are cleared away."""
        digest = self.writes.keep(receipt)
        self._incoming(row["id"], state="withdrawing", body_digest="", answer_digest=digest)
        payloads.release(self.connection, row["body_digest"], self._references)
        self.enter(entry)
        self._post(digest, to_text(entry.time))

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
