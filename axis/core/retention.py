"""How long bytes are kept, and what keeps them longer. docs/operations.md, "Retention".

Of the record only bytes ever end: the parcels of documents. Receipts, digests, statements and the ledger stay, so that
a document can be told, proved and recognised after its bytes are gone. What an adapter's journal knows ends much later.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from axis.core.instant import VIETNAM, to_text

if TYPE_CHECKING:
    from datetime import datetime

VOLUMES = 10  # into so many parts of its time is divided what a database keeps in volumes: so much longer it may stay


class Why(StrEnum):
    """Why the bytes of a document are kept though their time is over."""

    UNDELIVERED = "undelivered"  # somebody has not got it, has not answered for it, or nobody has decided about that
    WAITING = "waiting"  # something of it waits to be published, or to be told
    ASKED = "asked"  # a recall, an update or a replacement is not answered
    DISPUTED = "disputed"  # a receipt about it was put aside
    HELD = "held"  # an operator has said so
    RECENT = "recent"  # it was accepted long ago, and came to rest only lately


class Kept(NamedTuple):
    """What the record knows of one submission whose bytes it keeps."""

    axis_id: str
    owner: str
    document_id: str
    digest: str
    received_at: str
    moved_at: str  # when something last changed about one of its deliveries; "" where it has none
    is_undelivered: bool
    is_waiting: bool
    is_asked: bool
    is_disputed: bool
    is_held: bool


class Rules(NamedTuple):
    """Days that things are kept; 0: for ever. `hour`: of the day in Viet Nam from which on a day's run may begin."""

    parcels: int = 90
    journal: int = 30
    history: int = 731
    dead_letters: int = 0
    quarantine: int = 0
    sent: int = 90
    receipts: int = 0
    status: int = 90
    hour: int = 2

    @property
    def folders(self) -> dict[str, int]:
        """The days of an agency's folders, those that end."""
        days = {"sent": self.sent, "receipts": self.receipts, "status": self.status}
        return {name: number for name, number in days.items() if number}

    @property
    def volume(self) -> timedelta:
        """How long one volume takes in what comes."""
        return timedelta(days=max(1, (self.parcels or 365) // VOLUMES))

    def day(self, now: datetime) -> str:
        """The day whose run may be done at `now`: ``2026-11-25``."""
        return (now.astimezone(VIETNAM) - timedelta(hours=self.hour)).date().isoformat()


def before(days: int, now: datetime) -> datetime:
    """What is older than this has been kept for `days`."""
    return now - timedelta(days=days)


def why_kept(kept: Kept, until: datetime) -> Why | None:
    """What keeps these bytes, of which the time is over for what came to rest before `until`; None: nothing.

    1 an operator holds it
    2 somebody waits for it, or it for somebody
    3 something asked about it is open, or a receipt about it is in doubt
    4 it came to rest too late
    """
    reasons = {
        Why.HELD: kept.is_held,  # 1
        Why.UNDELIVERED: kept.is_undelivered,  # 2
        Why.WAITING: kept.is_waiting,
        Why.ASKED: kept.is_asked,  # 3
        Why.DISPUTED: kept.is_disputed,
    }
    found = next((why for why, is_so in reasons.items() if is_so), None)
    if found is None and max(kept.received_at, kept.moved_at) >= to_text(until):  # 4
        return Why.RECENT
    return found
