"""Repair: the record against the broker's queues and the receipts. What has no receipt is sent again.

A queue may have been purged by its owner, deleted by an operator, or lost with a broker; an adapter may have been
restored from a backup. The record knows of each delivery whether a receipt E.1 or E.2 came for it. Sending again is
safe: an adapter that has the document keeps what it has, and gives the receipt that it gave before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core.instant import to_text, whole
from axis.core.ledger import Entry
from axis.core.message import agency_routes
from axis.core.trust import HUB
from axis.errors import Fault, Unavailable
from axis.infra.store import RESTORED
from axis.services import enrol
from axis.services.hub.worker import CLOCKS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from axis.infra.store import HubTransaction
    from axis.services.hub.worker import Hub

BATCH = 500
SENDERS_FIRST = timedelta(minutes=5)  # to send their recalls again; what waited to be published leaves after them


@dataclass(frozen=True)
class Gap:
    """What a restored record lacks: the ledger's positions after `record_ends` up to `written`; what was accepted after
    `since` comes again."""

    record_ends: int
    written: int
    since: datetime


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
        resent = resend_unanswered(hub, code, now, now - older_than) if unanswered else 0
        if unanswered or waiting or before[code] < 0:
            accounts.append(Account(code, waiting, before[code], unanswered, resent))
        progress(number, len(codes))
    return accounts


def accept_restored(hub: Hub, now: datetime) -> Gap | None:
    """Go on with a record that was restored from an old backup; None when it lacks nothing.

    The gap is entered into the ledger, and a new registry tells every agency to send again what was accepted since
    the backup: the same parcels, which recipients that have them do not show twice.
    """
    written = hub.mark.read()
    with hub.store.reading() as reader:
        end, last = reader.written(), reader.last_moment() or now
        if written is None or reader.holds(written):
            return None
    since = last - CLOCKS
    with hub.store.transaction() as tx:
        gap = {"record_ends": end.position, "written": written.position, "link": written.link, "since": to_text(since)}
        tx.restore(now + SENDERS_FIRST, Entry(now, HUB, RESTORED, "", "", gap))
        # Adapters take no registry that is not newer than theirs, and one may have gone out just before the last mark.
        _ask_again(hub, tx, max(end.registry, written.registry) + 10, since, now, "restored")
        tx.let_go()  # of workers that were alive when the backup was made
    with hub.store.transaction() as tx:
        while tx.sequence(hub.worker, now, 10_000):
            pass
        now_written = tx.written()
    hub.mark.write(now_written)
    return Gap(end.position, written.position, since)


def ask_senders(hub: Hub, now: datetime) -> None:
    """Have every agency send again at once what it has no answer for: it may have been lost with a queue."""
    hub.refresh()
    with hub.store.transaction() as tx:
        _ask_again(hub, tx, hub.registry().version + 1, now, now, "sent_again")


def _ask_again(hub: Hub, tx: HubTransaction, version: int, since: datetime, now: datetime, change: str) -> None:
    """A registry that says: send again what was accepted since then, and what was never answered."""
    registry = replace(hub.registry(), version=version, issued_at=whole(now), resend_from=whole(since))
    entry = Entry(now, HUB, "registry.issued", "", "", {"version": version, "change": change})
    signed = enrol.sign_registry(registry, hub.signer, now)
    tx.store_registry(version, signed, now, [member.code for member in registry.agencies], entry)


def _queued(hub: Hub, code: str) -> int:
    try:
        return sum(hub.broker.depth(route) for route in agency_routes(code))
    except Unavailable as error:
        if error.fault is Fault.BROKER_NO_QUEUE:
            return -1
        raise


def resend_unanswered(hub: Hub, code: str, now: datetime, before: datetime) -> int:
    """Put this agency's deliveries that were consigned or given up before `before`, and have no receipt, into the
    outbox again; how many. What is there already is left alone."""
    count, last = 0, ""
    while True:
        with hub.store.transaction() as tx:
            rows = tx.unanswered(code, before, last, BATCH)
            tx.lock_documents_of([row["id"] for row in rows])
            now_so = {row["id"]: row for row in tx.unanswered(code, before, last, BATCH)}
            for row in [now_so[one["id"]] for one in rows if one["id"] in now_so]:
                if not row["waits"]:
                    entry = Entry(now, HUB, "delivery.resent", row["axis_id"], code, {"state": row["state"]})
                    tx.send_again(row, now, entry)
                    count += 1
        if len(rows) < BATCH:
            return count
        last = rows[-1]["id"]
