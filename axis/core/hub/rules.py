"""What a decision depends on beside the record: the installation, its registry, its settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core.hub.plans import Places

if TYPE_CHECKING:
    from datetime import datetime

    from axis.core.hub.terms import Deadlines
    from axis.core.registry import Registry

GAP_OPEN = timedelta(days=7)  # after a restore: so long may an agency be away before it sends again


@dataclass(frozen=True, slots=True)
class Rules:
    """One value for a batch; a new registry or setting is another value."""

    installation: str
    registry: Registry
    deadlines: Deadlines
    follow_successors: bool  # the mail of a closed agency goes to its successor
    lost_until: datetime | None = None  # the record was put back: of what was before this, some may be missing
    consignment_after: timedelta = timedelta(seconds=5)  # D.1 says something when the hand-over has not come by then
    give_up_attempts: int = 10

    def mailbox(self, code: str, now: datetime) -> str:
        """Who has the mail of agency `code` now: itself, or its successor."""
        return self.registry.open_successor(code, now) if self.follow_successors else code

    def places(self, now: datetime) -> Places:
        """Where agencies are reached."""
        return Places(self.registry, now, self.follow_successors)

    def is_gap_open(self, now: datetime) -> bool:
        """Whether what the record has lost is still expected to come again."""
        return self.lost_until is not None and now < self.lost_until + GAP_OPEN
