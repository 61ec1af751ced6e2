"""From the journal to the hub's intake: parcels and receipts, published until they are answered or confirmed."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from axis import crashpoints
from axis.core.hub import lifecycle
from axis.core.ledger import Entry
from axis.core.message import Message, Outcome, Route
from axis.errors import AxisError, Corrupted, Fault, Problem
from axis.infra.journal.tables import AGAIN, REFUSED
from axis.services.agency import renew, standing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.infra.database import Row
    from axis.infra.journal.transaction import JournalTransaction
    from axis.services.agency.adapter import Agency
    from axis.services.agency.mail import Change

log = logging.getLogger("axis.submit")
BATCH_MESSAGES, BATCH_BYTES = 50, 32 * 1024 * 1024
CONFIRM_WITHIN = 60.0  # seconds; a receipt that was not confirmed by then, nor refused, is published again
ANSWER_WITHIN = 600.0  # seconds; without A.1 or A.2 by then the parcel is published again
LONGEST_WAIT = 6 * 3600.0
REPAIR = timedelta(hours=1)  # between two looks at what a disk has damaged


@dataclass
class Fresh:
    """A parcel or receipt that is noted as published, and is published now."""

    agency: Agency
    digest: str
    body: bytes
    urgent: bool
    source: str = ""  # of a parcel: its source's digest
    confirm_by: datetime | None = None  # of a receipt: until when it is noted as published
    traceparent: str = ""


def publish(agency: Agency, now: datetime) -> int:
    """Publish the parcels and receipts that are due; how many. What a disk has damaged does not keep the others back.

    Raises :class:`axis.errors.Unavailable` when the broker is away; everything stays due.
    """
    due = agency.journal.all.due([agency.code], now, BATCH_MESSAGES)
    letters = Letters(agency, now)
    letters.read(due.publish.get(agency.code, []), due.post.get(agency.code, []))
    if letters.messages:
        crashpoints.reached("C05")
        outcomes = agency.broker.publish(letters.messages)
        letters.confirm(outcomes)
        with agency.journal.transaction() as tx:
            letters.note(tx)
    return letters.count


class Letters:
    """What one agency publishes in one sweep."""

    def __init__(self, agency: Agency, now: datetime) -> None:
        self.agency = agency
        self.now = now
        self.messages: list[Message] = []
        self._of: list[Row | Fresh] = []
        self._aside = 0
        self._size = 0
        self._outcomes: list[Outcome] = []

    @property
    def count(self) -> int:
        """How many things were dealt with."""
        return len(self.messages) + self._aside

    def read(self, due: Sequence[Row], to_post: Sequence[Row], fresh: Sequence[Fresh] = ()) -> None:
        """Read the bytes of what is due in the journal; what is `fresh` goes with it. Receipts before documents: what a
        system says about a document is about one that it has."""
        agency = self.agency
        posts = [row for row in to_post if row["attempts"] != REFUSED]
        waiting = _still_waiting(agency, due)
        parcels = [row for row in due if row["source_digest"] not in waiting]
        origin = ""
        if agency.instance and (posts or parcels or fresh):
            with agency.journal.reading() as reader:
                origin = standing.origin(agency, reader)
        damaged: list[tuple[Row, Corrupted]] = []
        self._read(posts, damaged, origin)
        for one in sorted(fresh, key=lambda letter: (letter.source != "", not letter.urgent)):
            self._add(one.digest, one.body, one, urgent=one.urgent, origin=origin, traced=one.traceparent)
        self._read(parcels, damaged, origin)
        _put_aside(agency, damaged, self.now)
        if refused := [row for row in to_post if row["attempts"] == REFUSED]:
            renew.receipts(agency, refused, self.now)
        if waiting:
            with agency.journal.transaction() as tx:
                for row in due:
                    if row["source_digest"] in waiting:
                        again_at = self.now + _back_off(1, ANSWER_WITHIN)
                        tx.published(row["source_digest"], row["attempts"], again_at)
        self._aside = len(damaged) + len(refused)

    def _read(self, rows: Sequence[Row], damaged: list[tuple[Row, Corrupted]], origin: str) -> None:
        """As many as go into one batch: asked for together, for a journal may hold thousands."""
        digests = [row["parcel_digest" if "parcel_digest" in row else "body_digest"] for row in rows]
        if not digests or (self.messages and self._size > BATCH_BYTES):
            return
        with self.agency.journal.reading() as reader:
            sizes = reader.sizes(digests) if len(digests) > 1 else {}
            size, fit = self._size, list[str]()
            for digest in digests:
                if (self.messages or fit) and size > BATCH_BYTES:
                    break
                fit.append(digest)
                size += sizes.get(digest, 0)
            bodies = reader.payloads(fit)
        for row, digest in zip(rows, fit, strict=False):
            if digest not in bodies:
                damaged.append((row, Corrupted(Problem(Fault.BODY_CORRUPT, expected=digest))))
                continue
            is_parcel = "parcel_digest" in row
            traced = str(row["facts"].get("traceparent", "")) if is_parcel else ""
            self._add(digest, bodies[digest], row, urgent=is_parcel and _urgent(row), origin=origin, traced=traced)

    def _add(self, digest: str, body: bytes, of: Row | Fresh, *, urgent: bool, origin: str, traced: str) -> None:
        route, code = Route("in", self.agency.code, urgent), self.agency.code
        sent = Message(digest, route, body, user_id=code, origin=origin, digest=digest, traceparent=traced)
        self.messages.append(sent)
        self._of.append(of)
        self._size += len(body)

    def confirm(self, outcomes: Sequence[Outcome]) -> None:
        """What became of them."""
        self._outcomes = list(outcomes)
        crashpoints.reached("C07")
        if any(self._is_receipt(one) for one in self._of):
            crashpoints.reached("T01")
        if any(outcome is not Outcome.CONFIRMED for outcome in outcomes):
            crashpoints.reached("C08")
        for message, outcome in zip(self.messages, outcomes, strict=True):
            if outcome is Outcome.CONFIRMED:
                self.agency.sent.confirmed(message.id, urgent=message.route.urgent)
            else:
                self.agency.sent.failed(message.id)
            if message.traceparent:
                said = (self.agency.code, message.digest[:12], outcome.value)
                log.info("%s: parcel %s sent: %s", *said, extra={"traceparent": message.traceparent})

    @staticmethod
    def _is_receipt(of: Row | Fresh) -> bool:
        return not of.source if isinstance(of, Fresh) else "parcel_digest" not in of

    @property
    def has_news(self) -> bool:
        """Whether :meth:`note` has something to do: what the journal has noted beforehand may not be so."""
        return any(
            not isinstance(of, Fresh) or outcome is not Outcome.CONFIRMED
            for of, outcome in zip(self._of, self._outcomes, strict=True)
        )

    def noted_later(self) -> Change | None:
        """What is as the journal has noted it beforehand: that it is confirmed is written with whatever is next. Were
        it forgotten, it would be published once more at the next start."""
        parcels: list[str] = []
        receipts: list[tuple[str, datetime]] = []
        for of, outcome in zip(self._of, self._outcomes, strict=True):
            if isinstance(of, Fresh) and outcome is Outcome.CONFIRMED:
                if of.confirm_by is not None:
                    receipts.append((of.digest, of.confirm_by))
                else:
                    parcels.append(of.source)
        return partial(_confirmed, parcels, receipts) if parcels or receipts else None

    def note(self, tx: JournalTransaction) -> None:
        """Note the others."""
        for of, outcome in zip(self._of, self._outcomes, strict=True):
            confirmed = outcome is Outcome.CONFIRMED
            if isinstance(of, Fresh):
                if not confirmed:
                    again_at = self.now + _back_off(1, 5.0)
                    tx.published(of.source, 1, again_at) if of.source else tx.postpone_bytes(of.digest, again_at)
                continue
            attempts = of["attempts"] + int(confirmed or of["attempts"] != AGAIN)
            wait = _back_off(attempts, ANSWER_WITHIN if confirmed else 5.0)
            if "parcel_digest" in of:
                tx.published(of["source_digest"], attempts, self.now + wait)
            elif confirmed:
                tx.posted(of["number"])
            else:
                tx.postpone(of["number"], attempts, self.now + wait)


def _confirmed(parcels: list[str], receipts: list[tuple[str, datetime]], tx: JournalTransaction) -> None:
    for source in parcels:
        tx.confirmed(source)
    for digest, until in receipts:
        tx.posted_bytes(digest, until)


def confirm_by(now: datetime) -> datetime:
    """When a receipt that is published now is published once more, unless it is confirmed."""
    return now + _back_off(1, CONFIRM_WITHIN)


def answer_by(now: datetime) -> datetime:
    """When a parcel that is published now is published once more, unless it is answered."""
    return now + _back_off(1, ANSWER_WITHIN)


def _still_waiting(agency: Agency, due: Sequence[Row]) -> set[str]:
    """Of what was published before and has no answer: what the hub has not even taken. To publish it once more would
    only make the queue longer."""
    again = [row for row in due if row["attempts"] > 0]
    depths = {urgent: _depth(agency, urgent=urgent) for urgent in {_urgent(row) for row in again}}
    return {
        row["source_digest"]
        for row in again
        if agency.sent.waits(row["parcel_digest"], depths[_urgent(row)], urgent=_urgent(row))
    }


def _urgent(row: Row) -> bool:
    return bool(row["facts"].get("urgent", False))


def _depth(agency: Agency, *, urgent: bool) -> int:
    try:
        return agency.broker.depth(Route("in", agency.code, urgent))
    except AxisError as error:
        if error.fault is Fault.BROKER_DOWN:
            raise
        return 0  # a broker that does not tell: published once more, as ever


def _put_aside(agency: Agency, damaged: list[tuple[Row, Corrupted]], now: datetime) -> None:
    """Bytes to publish that are not what they were: a parcel is made again from its source; a receipt waits for a
    repair (the hub asks for it again)."""
    if not damaged:
        return
    with agency.journal.transaction() as tx:
        for row, error in damaged:
            log.error("%s: cannot be published: %s", agency.code, error)
            detail = {"code": error.fault.code, "bytes": error.problems[0].expected}
            entry = Entry(now, agency.code, "message.damaged", "", "", detail)
            if "parcel_digest" in row:
                tx.parcel_lost(row["source_digest"], entry)
                agency.outbox.answered(row["content_digest"])
            else:
                tx.postpone(row["number"], row["attempts"] + 1, now + REPAIR)
                tx.enter(entry)


def _back_off(attempts: int, first: float) -> timedelta:
    return lifecycle.retry_after(attempts, random.random(), first=first, longest=LONGEST_WAIT)  # noqa: S311  jitter
