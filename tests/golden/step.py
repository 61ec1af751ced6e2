"""How a hub is opened and made to work: the one place that knows its code. What stands around it (the cases, the queues,
the normal form) knows parcels, queues and table names."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from axis import bootstrap
from axis.infra.database import Database
from axis.infra.record import lease
from axis.services import run as loops
from axis.services.hub import admit

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from axis.core.message import Broker


class HubUnderTest:
    """A hub worker on a home's record and the given queues."""

    def __init__(self, home: Path, broker: Broker) -> None:
        opened = bootstrap.open_home(home)
        self._database = Database(opened.config.database_url(home))
        self._hub = bootstrap.hub_part(opened, self._database, broker)
        self._hub.consignment_after = timedelta(0)  # what is owed a D.1 is told in the same round

    def take(self, now: datetime) -> int:
        """Take one batch of what agencies have sent, and record it; nothing goes out yet. How many messages."""
        self._hub.refresh()
        return admit.step(self._hub, now)

    def round(self, now: datetime) -> int:
        """One round as the loop does it: what agencies sent, what is to go out, what the clock says. How much was done."""
        return loops.hub_round(self._hub, now)

    def close(self) -> None:
        """Let go of the record, as a worker does that ends."""
        with self._hub.store.transaction() as tx:
            lease.let_go(tx, self._hub.worker)
        self._database.close()
