"""``axis resend``: publish deliveries once more, by reference, agency or time window.

Safe at any time: a recipient that has a document keeps what it has and gives the receipt that it gave before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core.ledger import Entry
from axis.core.lifecycle import State
from axis.core.trust import HUB
from axis.services import follow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.infra.database import Row
    from axis.infra.store import HubReader
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
    axis_id = follow.the_one(reader, wanted.reference)["axis_id"] if wanted.reference else ""
    return reader.sendable_again(axis_id, wanted.agency, wanted.since, wanted.until, answered=wanted.answered)


def send(hub: Hub, rows: Sequence[Row], now: datetime) -> int:
    """Put these into the outbox again, but those that are there; how many."""
    count = 0
    for first in range(0, len(rows), BATCH):
        with hub.store.transaction() as tx:
            part = rows[first : first + BATCH]
            tx.lock_documents_of([row["id"] for row in part])
            for one in part:
                row = tx.sendable(one["id"])  # it may have been withdrawn, and its bytes dropped, since it was found
                kept = row["body_digest"] and row["state"] != State.RECALLED.value
                if kept and tx.waiting_for(row["id"]) is None:
                    entry = Entry(
                        now, HUB, "delivery.resent", row["axis_id"], row["recipient"], {"state": row["state"]}
                    )
                    tx.send_again(row, now, entry)
                    count += 1
    return count
