"""What the agency sends: frozen at first sight, published until it is answered, settled with its system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis import crashpoints
from axis.core.identity import earliest
from axis.core.instant import to_text
from axis.core.ledger import Entry
from axis.infra import payloads
from axis.infra.database import replacing
from axis.infra.journal.changes import Changes
from axis.infra.journal.tables import AGAIN, incoming, outgoing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from axis.core.agency.source import Outgoing

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


class OutgoingChanges(Changes):
    """Changes to what the agency sends, each with its event."""

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

    def published(self, source_digest: str, attempts: int, again_at: datetime) -> None:
        """The parcel was published, or could not be: publish again at `again_at` unless it is answered."""
        values = {"b_attempts": attempts, "b_not_before": to_text(again_at)}
        self.writes.change(_PUBLISHED, b_agency=self.agency, b_source=source_digest, **values)

    def confirmed(self, source_digest: str) -> None:
        """The parcel that was noted as published was confirmed by the broker."""
        self.writes.change(_CONFIRMED, b_agency=self.agency, b_source=source_digest)

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

    def settled(self, source_digest: str) -> None:
        """The local system was told."""
        self.writes.change(_SETTLED, b_agency=self.agency, b_source=source_digest)

    def told_lifted(self, source_digests: Sequence[str]) -> None:
        """The local system knows of these now that they were accepted after all."""
        where = (outgoing.c.agency == self.agency, outgoing.c.source_digest.in_(list(source_digests)))
        self.connection.execute(sa.update(outgoing).where(*where).values(lifted=False))

    def parcel_lost(self, source_digest: str, entry: Entry) -> None:
        """The parcel's bytes are damaged: it is frozen again from the source, which is kept until it is answered."""
        self._update(source_digest, parcel_digest="")
        self.enter(entry)

    def _update(self, source_digest: str, **values: Any) -> None:
        where = sa.and_(outgoing.c.agency == self.agency, outgoing.c.source_digest == source_digest)
        self.connection.execute(sa.update(outgoing).where(where).values(**values))
