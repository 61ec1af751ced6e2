"""Receipts that go to the hub, and those that it is asked about: posted until the broker has confirmed them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.core.instant import to_text
from axis.infra.journal.changes import Changes
from axis.infra.journal.tables import REFUSED, incoming, posted, withdrawal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import RowMapping

    from axis.core.ledger import Entry

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


class PostedChanges(Changes):
    """Changes to what is posted, each with its event."""

    def ask_about(self, receipt: bytes, entry: Entry) -> None:
        """Show the hub a receipt that came from it: as of when was it accepted?"""
        self._post(self.writes.keep(receipt), to_text(entry.time))
        self.enter(entry)

    def show(self, receipts: Sequence[str], entry: Entry) -> None:
        """The hub, which may have lost them, is shown these receipts (digests) that it had passed on to this agency."""
        for digest in receipts:
            self._post(digest, to_text(entry.time))
        if receipts:
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
        for change, column in (
            (sa.update(incoming), incoming.c.answer_digest),
            (sa.update(incoming), incoming.c.decision_digest),
            (sa.update(withdrawal), withdrawal.c.receipt_digest),
        ):
            of_it = change.where(change.table.c.agency == self.agency, column == before)
            self.connection.execute(of_it.values({column: digest}))
        self.enter(replace(entry, detail={**entry.detail, "receipt": digest}))

    def posted(self, number: int) -> None:
        """A receipt was confirmed by the broker."""
        self.writes.change(_POSTED, b_number=number)

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

    def _post(self, digest: str, moment: str) -> None:
        row = {"agency": self.agency, "body_digest": digest, "attempts": 0, "not_before": moment}
        self.writes.insert(posted, row)
