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
from axis.core.registry import HUB
from axis.errors import Fault, Unavailable
from axis.infra.log import store as log_store
from axis.infra.record import lease, ledger, outbox, registries, restored, search
from axis.services.hub.log import origin
from axis.services.hub.worker import CLOCKS
from axis.services.operate import acts, provision, resend

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from axis.infra.record.store import HubTransaction
    from axis.services.hub.worker import Hub

BATCH = 500
QUEUED = CLOCKS  # on its way from the record to its sender; a home whose mail was later has told an earlier `since`
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
    unacknowledged; -1: no such queue), `unanswered` deliveries without E.1 or E.2, `resent` of them now; `receipts`
    that it is given once more."""

    code: str
    waiting: int
    queued: int
    unanswered: int
    resent: int
    receipts: int = 0


def reconcile(
    hub: Hub,
    now: datetime,
    older_than: timedelta,
    only: str = "",
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    receipts_since: datetime | None = None,
) -> list[Account]:
    """Put every delivery that was consigned or given up before `now` - `older_than`, and has no receipt, into the
    outbox again; one account for each agency that has unanswered mail, or whose queue is missing. Missing queues are
    made. Nobody confirms receipts: what a sender's queue had of them when it was deleted is given once more only if a
    moment is named: see :func:`resend_receipts`.

    Crash-safe and idempotent: what is in the outbox already is left there.
    """
    codes = [m.code for m in hub.registry().agencies if not only or m.code == only]
    before = {code: _queued(hub, code) for code in codes}
    hub.broker.declare(codes)
    accounts = []
    with hub.store.reading() as reader:
        mail = search.mail(reader)
    for number, code in enumerate(codes, 1):
        waiting, unanswered = mail.get(code, (0, 0))
        resent = resend_unanswered(hub, code, now, now - older_than) if unanswered else 0
        receipts = resend_receipts(hub, code, receipts_since, now, asked=True) if receipts_since is not None else 0
        if unanswered or waiting or before[code] < 0 or receipts:
            accounts.append(Account(code, waiting, before[code], unanswered, resent, receipts))
        progress(number, len(codes))
    return accounts


def accept_restored(hub: Hub, now: datetime) -> Gap | None:
    """Go on with a record that was restored from an old backup; None when it lacks nothing.

    The gap is entered into the ledger, and a new registry tells every agency to send again what was accepted since
    the backup: the same parcels, which recipients that have them do not show twice.
    """
    written = hub.high_water.read()
    if written is None:
        return None
    with hub.store.reading() as reader:
        found, last = ledger.standing(reader, written), ledger.last_moment(reader) or now
    if found.holds:
        return None
    end, since = found.end, last - CLOCKS
    with hub.store.transaction() as tx:
        gap = {"record_ends": end.position, "written": written.position, "link": written.link, "since": to_text(since)}
        gap |= acts.by()
        restored.restore(tx, now + SENDERS_FIRST, Entry(now, HUB, restored.RESTORED, "", "", gap))
        # Adapters take no registry that is not newer than theirs, and one may have gone out just before it was noted.
        _ask_again(hub, tx, max(end.registry, written.registry) + 10, since, now, "restored")
        if log_store.head(tx.connection) is not None:  # of one size of one log there is one root, and it had gone on
            log_store.begin(tx.connection, origin(hub.installation, to_text(now)), now)
        lease.let_go(tx)  # of workers that were alive when the backup was made
    with hub.store.transaction() as tx:
        while (given := ledger.give_places(tx, hub.worker, now, 10_000)) and given[0]:
            pass
        now_written = ledger.standing(tx).end
    hub.high_water.write(now_written)
    return Gap(end.position, written.position, since)


def ask_senders(hub: Hub, now: datetime) -> None:
    """Have every agency send again at once what it has no answer for: it may have been lost with a queue."""
    hub.refresh()
    with hub.store.transaction() as tx:
        _ask_again(hub, tx, hub.registry().version + 1, now, now, "sent_again")


def _ask_again(hub: Hub, tx: HubTransaction, version: int, since: datetime, now: datetime, change: str) -> None:
    """A registry that says: send again what was accepted since then, and what was never answered."""
    changed = replace(hub.registry(), version=version, issued_at=whole(now), resend_from=whole(since))
    entry = Entry(now, HUB, "registry.issued", "", "", {"version": version, "change": change, **acts.by()})
    signed = provision.sign_registry(changed, hub.signer, now)
    registries.keep(tx, version, signed, now, [member.code for member in changed.agencies], entry)


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
        with hub.store.reading() as reader:
            found = search.unanswered(reader, code, before, last, BATCH)
        count += resend.again(hub, found, now, unanswered_before=before)
        if len(found) < BATCH:
            return count
        last = found[-1]


def resend_receipts(hub: Hub, code: str, since: datetime, now: datetime, *, asked: bool = False) -> int:
    """Give an agency once more the receipts of what it has sent that may have come `since` then and do not wait to be
    sent; how many. Who has one already keeps it. Where an operator has `asked` for it, that is entered with each
    batch."""
    count, last, since = 0, "", since - QUEUED
    with hub.store.reading() as reader:
        entry = ledger.first_since(reader, since)
    while True:
        with hub.store.transaction() as tx:
            digests = search.receipts_for(tx, code, since, entry, last, BATCH)
            outbox.put(tx, [(code, digest) for digest in digests], now)
            if asked and digests:
                detail = {"since": to_text(since), "count": len(digests), **acts.by()}
                ledger.enter(tx, Entry(now, HUB, "receipts.sent_again", "", code, detail))
        count += len(digests)
        if len(digests) < BATCH:
            return count
        last = digests[-1]
