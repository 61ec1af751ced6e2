"""``axis resend``: publish deliveries once more, by reference, agency or time window.

Safe at any time: a recipient that has a document keeps what it has and gives the receipt that it gave before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core.hub import decide
from axis.infra.record import documents, outbox, search
from axis.services.hub import act
from axis.services.questions import trace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.core.hub.draft import Draft
    from axis.infra.database import Row
    from axis.infra.record.store import HubReader
    from axis.services.hub.worker import Hub

BATCH = 200


@dataclass(frozen=True)
class Selection:
    """What to send again: of one submission, to one agency, accepted within a time; `answered`: also what has its
    receipt."""

    reference: str = ""
    agency: str = ""
    since: datetime | None = None
    until: datetime | None = None
    answered: bool = False


def find(reader: HubReader, wanted: Selection) -> Sequence[Row]:
    """The deliveries that are meant, in order of acceptance. Raises :class:`Rejected`: NOT_FOUND, AMBIGUOUS."""
    axis_id = trace.the_one(reader, wanted.reference)["axis_id"] if wanted.reference else ""
    return search.sendable(reader, axis_id, wanted.agency, wanted.since, wanted.until, answered=wanted.answered)


def send(hub: Hub, rows: Sequence[Row], now: datetime) -> int:
    """Put these into the outbox again, but those that are there; how many."""
    names = [str(row["id"]) for row in rows]
    return sum(again(hub, names[first : first + BATCH], now) for first in range(0, len(names), BATCH))


def again(hub: Hub, delivery_ids: Sequence[str], now: datetime, unanswered_before: datetime | None = None) -> int:
    """Publish these once more, as :func:`~axis.core.hub.decide.sent_again` decides; how many."""
    if not delivery_ids:
        return 0
    with hub.store.transaction() as tx:
        waiting = outbox.waiting_of(tx, delivery_ids)

        def decided(draft: Draft) -> int:
            return decide.sent_again(draft, delivery_ids, waiting, unanswered_before=unanswered_before)

        about = documents.of_deliveries(tx, delivery_ids)
        return act.carry_out(hub, tx, about, decide.needs_of_deliveries(delivery_ids), decided, now)
