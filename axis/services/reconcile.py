"""Repair: the record against the broker's queues and the receipts. What has no receipt is sent again.

A queue may have been purged by its owner, deleted by an operator, or lost with a broker; an adapter may have been
restored from a backup. The record knows of each delivery whether a receipt E.1 or E.2 came for it. Sending again is
safe: an adapter that has the document keeps what it has, and gives the receipt that it gave before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core.ledger import Entry
from axis.core.message import agency_routes
from axis.core.trust import HUB
from axis.errors import Fault, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from axis.services.hub import Hub

BATCH = 500


@dataclass(frozen=True)
class Account:
    """One agency's mail: `waiting` in the record's outbox, `queued` at the broker (not counting what its adapter holds
    unacknowledged; -1: no such queue), `unanswered` deliveries without E.1 or E.2, `resent` of them now."""

    code: str
    waiting: int
    queued: int
    unanswered: int
    resent: int


def reconcile(
    hub: Hub,
    now: datetime,
    older_than: timedelta,
    only: str = "",
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[Account]:
    """Put every delivery that was consigned or given up before `now` - `older_than`, and has no receipt, into the
    outbox again; one account for each agency that has unanswered mail, or whose queue is missing. Missing queues are
    made.

    Crash-safe and idempotent: what is in the outbox already is left there.
    """
    codes = [m.code for m in hub.registry().agencies if not only or m.code == only]
    before = {code: _queued(hub, code) for code in codes}
    hub.broker.declare(codes)
    accounts = []
    for number, code in enumerate(codes, 1):
        with hub.store.reading() as reader:
            waiting, unanswered = reader.open_of(code)
        resent = _resend(hub, code, now, now - older_than) if unanswered else 0
        if unanswered or waiting or before[code] < 0:
            accounts.append(Account(code, waiting, before[code], unanswered, resent))
        progress(number, len(codes))
    return accounts


def accept_restored(hub: Hub, now: datetime) -> tuple[int, int] | None:
    """Go on with a record that was restored from an old backup: (last position it has, last that was written); None
    when it lacks nothing. The gap is entered into the ledger, for whoever checks it later."""
    written = hub.mark.read()
    with hub.store.reading() as reader:
        end = reader.ledger_end()
        if written is None or reader.link_at(written[0]) == written[1]:
            return None
    with hub.store.transaction() as tx:
        gap = {"record_ends": end[0], "written": written[0], "link": written[1]}
        tx.enter(Entry(now, HUB, "record.restored", "", "", gap))
    with hub.store.transaction() as tx:
        tx.sequence(hub.worker, now, 1_000_000)
        end_now = tx.ledger_end()
    hub.mark.write(*end_now)
    return end[0], written[0]


def _queued(hub: Hub, code: str) -> int:
    try:
        return sum(hub.broker.depth(route) for route in agency_routes(code))
    except Unavailable as error:
        if error.fault is Fault.BROKER_NO_QUEUE:
            return -1
        raise


def _resend(hub: Hub, code: str, now: datetime, before: datetime) -> int:
    count, last = 0, ""
    while True:
        with hub.store.transaction() as tx:
            rows = tx.unanswered(code, before, last, BATCH)
            for row in rows:
                if not row["waits"]:
                    entry = Entry(now, HUB, "delivery.resent", row["axis_id"], code, {"state": row["state"]})
                    tx.send_again(row, now, entry)
                    count += 1
        if len(rows) < BATCH:
            return count
        last = rows[-1]["id"]
