"""What the clock has to say: deadlines that are near or over, and D.1 for what was consigned and not handed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis import crashpoints
from axis.core.hub import decide
from axis.infra.record import agenda, documents
from axis.services.hub import act

if TYPE_CHECKING:
    from datetime import datetime

    from axis.core.hub.draft import Draft
    from axis.services.hub.worker import Hub

BATCH = 100


def step(hub: Hub, now: datetime) -> int:
    """Say what is due to be said; how much."""
    with hub.store.reading() as reader:
        limits = agenda.limits(reader, now, BATCH)
        at_once, hub.tells_at_once = hub.tells_at_once, False
        owed = agenda.owed(reader, None if at_once else now, BATCH)
    if not limits and not owed:
        return 0

    def decided(draft: Draft) -> None:
        decide.due(draft, limits, owed, at_once=at_once)

    crashpoints.reached("R04")
    with hub.store.transaction() as tx:
        about = documents.of_deliveries(tx, {*owed, *(one for one, _ in limits)})
        act.carry_out(hub, tx, about, decide.needs_of_due(limits, owed), decided, now)
    crashpoints.reached("R05")
    return len(limits) + len(owed)
