"""The hub's outbox to the agencies' queues: publish what is due, record what became of it, D.1 or D.2."""

from __future__ import annotations

import logging
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from axis import crashpoints
from axis.core import lifecycle, receipt
from axis.core.edxml import Kind
from axis.core.instant import whole
from axis.core.ledger import Entry
from axis.core.lifecycle import State, Step
from axis.core.message import Outcome, agency_routes
from axis.core.receipt import Event, Statement
from axis.core.trust import HUB
from axis.errors import Fault, Problem, Unavailable
from axis.services import succession, vouch

if TYPE_CHECKING:
    from datetime import datetime

    from axis.infra.database import Row
    from axis.infra.store import Claim, Due, HubTransaction
    from axis.services.hub import Hub

BATCH_MESSAGES = 100
FIRST_RETRY, LONGEST_RETRY = 5.0, 3600.0  # seconds
REPAIR = timedelta(hours=1)  # between two looks at what a disk has damaged
log = logging.getLogger("axis.relay")


def step(hub: Hub, now: datetime) -> int:
    """Publish what is due; how many outbox rows were tried.

    Raises :class:`Unavailable` when broker or store are away; the rows stay as they are.
    """
    excluded = [*hub.suspended(now), *hub.breakers.open(now), *hub.rooms.full(now)]
    with hub.store.claim(now, BATCH_MESSAGES, excluded) as claim:
        moved = succession.leave_out(hub, claim, now)
        _leave_what_does_not_fit(hub, claim, now)
        withdrawn = _begin(hub, claim)
        if not claim.due and not withdrawn and not claim.damaged and not moved:
            return 0
        _vouch(hub, claim, now)
        crashpoints.reached("R03")
        outcomes = hub.broker.publish(claim.messages)
        crashpoints.reached("T03")
        broken = [one for one, _ in claim.damaged]
        with claim.recording() as tx:
            tx.lock_documents_of([one.delivery_id for one in (*claim.due, *broken, *moved) if one.delivery_id])
            consigned: dict[str, list[Row]] = {}
            confirmed: list[int] = []
            for one, outcome in zip(claim.due, outcomes, strict=True):
                if outcome is Outcome.CONFIRMED:
                    hub.breakers.succeeded(one.route.code)
                    confirmed.append(one.row)
                    _confirmed(tx, one, consigned, now)
                    continue
                hub.breakers.failed(one.route.code, now, random.random())  # noqa: S311  jitter
                if outcome is not Outcome.FULL:  # a full queue is no failure of what it had no room for: that waits
                    _failed(hub, tx, one, outcome, now)
            for one, digest in claim.damaged:
                _damaged(hub, tx, one, digest, now)
            tx.sent([*confirmed, *withdrawn])
            for rows in consigned.values():
                _consign(hub, tx, rows, now)
            for one in moved:
                succession.follow(hub, tx, one, now)
    return len(claim.due) + len(moved)


def _vouch(hub: Hub, claim: Claim, now: datetime) -> None:
    """Beside a receipt whose certificate has stopped being good since it was accepted goes when that was."""
    registry = hub.registry()
    for place, one in enumerate(claim.due):
        if not one.delivery_id and not one.proof_digest and registry.lost_between(one.created_at, now):
            message = claim.messages[place]
            claim.messages[place] = replace(message, proof=vouch.beside(hub, message.body, now))


def _begin(hub: Hub, claim: Claim) -> list[int]:
    """Note, and commit, that publishing is tried: from here on a recall can only be decided by the recipient.

    The rows of what was withdrawn before; they are not published."""
    fresh = {one.delivery_id for one in claim.due if one.delivery_id and not one.attempts}
    if not fresh:
        return []
    with hub.store.transaction() as tx:
        tx.lock_documents_of(sorted(fresh))
        begun = tx.begin(sorted(fresh))
    left = [place for place, one in enumerate(claim.due) if one.delivery_id in fresh - begun]
    rows = [claim.due[place].row for place in left]
    claim.keep([place for place in range(len(claim.due)) if place not in set(left)])
    return rows


def _leave_what_does_not_fit(hub: Hub, claim: Claim, now: datetime) -> None:
    """Park in the record what would make an agency's queue longer than it may be."""
    wanted = Counter(one.route.code for one in claim.due)
    fits = {code: hub.rooms.take(code, count, partial(_depth, hub, code), now) for code, count in wanted.items()}
    kept = []
    for place, one in enumerate(claim.due):
        if fits[one.route.code] > 0:
            fits[one.route.code] -= 1
            kept.append(place)
    claim.keep(kept)


def _depth(hub: Hub, code: str) -> int:
    try:
        return sum(hub.broker.depth(route) for route in agency_routes(code))
    except Unavailable as error:
        if error.fault is not Fault.BROKER_NO_QUEUE:
            raise
        return 0  # publishing will tell, and is what a missing queue is recorded by


def _confirmed(tx: HubTransaction, due: Due, consigned: dict[str, list[Row]], now: datetime) -> None:
    if not due.delivery_id:
        return
    row = tx.delivery_for_update(due.delivery_id)
    if State(row["state"]) in {State.ACCEPTED, State.FAILED}:
        consigned.setdefault(row["axis_id"], []).append(row)
    else:  # E.1 overtook us, or a crash made us publish again
        tx.move(row, Step.CONSIGNED, Entry(now, HUB, "delivery.republished", row["axis_id"], row["recipient"]))


def _consign(hub: Hub, tx: HubTransaction, rows: list[Row], now: datetime) -> None:
    """The deliveries of one submission are in their queues: state, entries, and one D.1 receipt for them."""
    statements = []
    for row in rows:
        entry = Entry(now, HUB, "delivery.consigned", row["axis_id"], row["recipient"])
        _, digest = tx.move(row, Step.CONSIGNED, entry, attempts=row["attempts"] + 1)
        statements.append(
            Statement(hub.new_id(now), Event.ContentConsignment, whole(now), row["recipient"], (), (), digest)
        )
    if rows[0]["kind"] == Kind.STATUS:
        return
    for first in range(0, len(statements), receipt.MAX_STATEMENTS):
        hub.issue(tx, rows[0], statements[first : first + receipt.MAX_STATEMENTS], now)


def _damaged(hub: Hub, tx: HubTransaction, due: Due, digest: str, now: datetime) -> None:
    """Its stored bytes are missing or altered: nothing else is held up by it. A delivery fails, and its sender, who has
    the original, is told; a receipt or registry waits for a repair."""
    problem = Problem(Fault.BODY_CORRUPT, expected=digest)
    log.error("outbox row %d for %s cannot be published: %s", due.row, due.route.code, problem.text())
    if due.delivery_id:
        tx.sent([due.row])
        hub.fail_delivery(tx, due.delivery_id, problem, due.attempts, now)
        return
    detail = {"code": problem.fault.code, "bytes": digest}
    tx.postpone(due, now + REPAIR, Entry(now, HUB, "message.damaged", "", due.route.code, detail))


def _failed(hub: Hub, tx: HubTransaction, due: Due, outcome: Outcome, now: datetime) -> None:
    attempts = due.attempts + 1
    if due.delivery_id and attempts >= hub.give_up_attempts:
        tx.sent([due.row])
        problem = Problem(Fault.UNDELIVERED, got=str(attempts), expected=outcome.value)
        hub.fail_delivery(tx, due.delivery_id, problem, attempts, now)
        return
    until = now + lifecycle.retry_after(attempts, random.random(), first=FIRST_RETRY, longest=LONGEST_RETRY)  # noqa: S311
    entry = None
    if due.delivery_id:
        row = tx.delivery_for_update(due.delivery_id)
        detail = {"attempt": attempts, "outcome": outcome.value}
        entry = Entry(now, HUB, "delivery.postponed", row["axis_id"], row["recipient"], detail)
    tx.postpone(due, until, entry)
