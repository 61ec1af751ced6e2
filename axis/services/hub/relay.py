"""The hub's outbox to the agencies' queues: publish what is due, record what became of it, D.1 or D.2."""

from __future__ import annotations

import logging
import random
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from axis import crashpoints
from axis.core import parcel
from axis.core.hub import decide
from axis.core.hub.decide import Published
from axis.core.message import Outcome, agency_routes
from axis.errors import Fault, Problem, Unavailable
from axis.infra.record import outbox
from axis.services import turns
from axis.services.hub import act, vouch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.infra.record.outbox import Due
    from axis.infra.record.store import Claim
    from axis.services.hub.worker import Hub

BATCH_MESSAGES = 2 * turns.BATCH_MESSAGES  # a document that is accepted goes out, and its A.1
log = logging.getLogger("axis.relay")


def step(hub: Hub, now: datetime) -> int:
    """Publish what is due; how many outbox rows were tried.

    Raises :class:`Unavailable` when broker or store are away; the rows stay as they are.
    """
    excluded = [*hub.suspended(now), *hub.breakers.open(now), *hub.queue_limits.full(now)]
    with hub.store.claim(now, BATCH_MESSAGES, excluded, hub.held) as claim:
        hub.has_more |= len(claim.due) >= BATCH_MESSAGES
        moved = _leave_out_what_is_past(hub, claim, now)
        _leave_what_does_not_fit(hub, claim, now)
        withdrawn = _begin(hub, claim)
        if not claim.due and not withdrawn and not claim.damaged and not moved:
            return 0
        if any(one.body_digest not in hub.held for one in claim.due):
            hub.note_others()
        _vouch(hub, claim, now)
        crashpoints.reached("R03")
        outcomes = hub.broker.publish(claim.messages)
        crashpoints.reached("T03")
        done = _outcomes(hub, claim, outcomes, moved, now)
        claimed = [*claim.due, *moved, *(one for one, _ in claim.damaged)]
        with claim.recording() as tx:
            about, wanted = {one.document for one in claimed if one.document}, decide.needs_of_published(done)
            act.carry_out(hub, tx, about, wanted, lambda draft: decide.published(draft, done, withdrawn), now, about)
    return len(claim.due) + len(moved)


def _outcomes(
    hub: Hub, claim: Claim, outcomes: Sequence[Outcome], moved: Sequence[Due], now: datetime
) -> list[Published]:
    """What became of what was claimed. The breakers hear of it, too."""
    done = []
    for one, outcome in zip(claim.due, outcomes, strict=True):
        if outcome is Outcome.CONFIRMED:
            hub.breakers.succeeded(one.route.code)
        else:
            hub.breakers.failed(one.route.code, now, random.random())  # noqa: S311  jitter
        if one.traceparent:
            said = (one.delivery_id, one.route.code, outcome.value)
            log.info("delivery %s to %s: %s", *said, extra={"traceparent": one.traceparent})
        done.append(_published(one, outcome))
    for one, digest in claim.damaged:
        problem = Problem(Fault.BODY_CORRUPT, expected=digest)
        log.error("outbox row %d for %s cannot be published: %s", one.row, one.route.code, problem.text())
        done.append(_published(one, None, digest))
    return [*done, *(_published(one, None) for one in moved)]


def _published(one: Due, outcome: Outcome | None, damaged: str = "") -> Published:
    jitter = random.random()  # noqa: S311
    code, urgent = one.route.code, one.route.urgent
    of_it = (one.row, code, one.delivery_id, one.body_digest, urgent, one.attempts)
    return Published(*of_it, outcome, damaged, jitter, again=one.tried)


def _leave_out_what_is_past(hub: Hub, claim: Claim, now: datetime) -> list[Due]:
    """Out of what is published now: what was to go to an agency that is closed. The rest of it stays its own: what is
    said to it since, in answer to what it sends itself, and registries."""
    places = [place for place, one in enumerate(claim.due) if _is_past(hub, one, claim.messages[place].body, now)]
    moved = [claim.due[place] for place in places]
    if moved:
        claim.keep([place for place in range(len(claim.due)) if place not in set(places)])
    return moved


def _is_past(hub: Hub, due: Due, body: bytes, now: datetime) -> bool:
    member = hub.registry().by_code[due.route.code]
    if member.standing(now) != "closed":
        return False
    if due.delivery_id:
        return True
    waited = member.valid_until is not None and due.created_at < member.valid_until
    return waited and hub.mailbox(member.code, now) != member.code and parcel.peek(body)[0] == parcel.RECEIPT


def _vouch(hub: Hub, claim: Claim, now: datetime) -> None:
    """Beside a receipt whose certificate has stopped being good since it was accepted goes when that was."""
    registry = hub.registry()
    for place, one in enumerate(claim.due):
        if not one.delivery_id and not one.proof_digest and registry.lost_between(one.created_at, now):
            message = claim.messages[place]
            claim.messages[place] = replace(message, proof=vouch.beside(hub, message.body, now))


def _begin(hub: Hub, claim: Claim) -> list[int]:
    """Note, and commit, that publishing is tried: from here on a recall can only be decided by the recipient.

    The rows of what was withdrawn before; they are not published. Nor is, this time, what another worker decides about.
    """
    fresh = {one.delivery_id for one in claim.due if one.delivery_id and not one.tried}
    if not fresh:
        return []
    with hub.store.transaction() as tx:
        begun, withdrawn = outbox.begin(tx, fresh)
    rows = [one.row for one in claim.due if one.delivery_id in withdrawn]
    left = fresh - begun
    claim.keep([place for place, one in enumerate(claim.due) if one.delivery_id not in left])
    return rows


def _leave_what_does_not_fit(hub: Hub, claim: Claim, now: datetime) -> None:
    """Park in the record what would make an agency's queue longer than it may be."""
    wanted = Counter(one.route.code for one in claim.due)
    fits = {code: hub.queue_limits.take(code, count, partial(_depth, hub, code), now) for code, count in wanted.items()}
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
