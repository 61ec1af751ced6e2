"""From the agency's queues into its journal: taken, judged, kept in one transaction, acknowledged after the commit."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from axis import crashpoints
from axis.core import parcel
from axis.core.ledger import Entry
from axis.core.message import agency_routes
from axis.errors import AxisError, Fault, Problem
from axis.services import turns
from axis.services.agency import judge as judgement
from axis.services.agency import standing
from axis.services.agency.mail import Mail

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.core.message import Delivered, Message, Route
    from axis.infra.journal.transaction import JournalTransaction
    from axis.infra.journal.writes import Writes
    from axis.services.agency.adapter import Agency
    from axis.services.agency.mail import Change, Judged

log = logging.getLogger("axis.deliver")


def take(agency: Agency, now: datetime, timeout: float = 0, *, urgent_only: bool = False) -> int:
    """Take what waits in the agency's queues into the journal; how many messages.

    Acknowledged after the commit. What cannot be believed is rejected to the dead letters, entered and
    said aloud, never answered.
    """
    agency.turn += 1
    taken = turns.take(agency.broker, routes(agency, urgent_only=urgent_only), agency.turn, timeout)
    if not taken:
        return 0
    crashpoints.reached("D01")
    judged, count = judge(agency, taken, now)
    keep_all(agency, judged, now)
    return count + len(judged)


def routes(agency: Agency, *, urgent_only: bool = False) -> list[Route]:
    """The queues that an agency takes its mail from."""
    return [route for route in agency_routes(agency.code) if route.urgent or not urgent_only]


def judge(agency: Agency, taken: list[Delivered], now: datetime) -> tuple[Judged, int]:
    """(what is to be kept of each, or why it cannot be believed; how many were dealt with already).

    Registries first, and committed: what comes with them may need them. What the hub says about this home, too: it may
    be that nothing is to be done here."""
    sorted_out = [(d, _main(d.message)) for d in taken]
    first = [one for one in sorted_out if one[1] in {parcel.REGISTRY, parcel.HOME}]
    others = [one for one in sorted_out if one[1] not in {parcel.REGISTRY, parcel.HOME}]
    for one, main in first:  # each alone: the next may contradict it
        keep_all(agency, [(one, judgement.of(agency, one, main, now))], now)
        agency.forget_registry()
    standing.echo(agency)
    if others and not agency.is_enrolled():
        agency.broker.close()  # nothing can be believed yet: it comes again
        return [], len(first)
    return [(d, judgement.of(agency, d, main, now)) for d, main in others], len(first)


def _main(message: Message) -> str:
    """What kind of parcel it says to be; "" when it is none."""
    claim = parcel.claim(message.body)
    return claim.main if claim is not None else ""


def keep_all(agency: Agency, judged: Judged, now: datetime) -> None:
    """Keep what is good in one transaction, acknowledge it; reject the rest."""
    if not judged:
        return
    try:
        _keep(agency, judged, now)
    except AxisError:
        raise
    except Exception as error:  # our own bug with one of them: find out which, one by one
        if len(judged) > 1:
            for one in judged:
                keep_all(agency, [one], now)
            return
        delivered = judged[0][0]
        log.exception("%s: message %s broke the adapter", agency.code, delivered.message.id)
        judged = [(delivered, Problem(Fault.INTERNAL, got=type(error).__name__))]
        _keep(agency, judged, now)
    crashpoints.reached("D02")
    acknowledge(agency, judged)


def _keep(agency: Agency, judged: Judged, now: datetime) -> None:
    with agency.journal.transaction() as tx:
        for delivered, change in judged:
            keep(agency, tx, delivered, change, now)


def keep(
    agency: Agency, tx: JournalTransaction, delivered: Delivered, change: Mail | Change | Problem, now: datetime
) -> None:
    """Enter what became of a message."""
    if not isinstance(change, Problem):
        change(tx)
        return
    log.error("%s: message %s rejected: %s", agency.code, delivered.message.id, change.text())
    detail = {"code": change.fault.code, "got": change.got, "message": delivered.message.id}
    tx.enter(Entry(now, agency.code, "mail.rejected", "", "", detail))


def expect(writes: Writes, mail: Sequence[Mail]) -> None:
    """This mail is received in this transaction."""
    kept = [one for one in mail if one.kind != "receipt" and one.facts]
    documents = [(one.agency.code, one.facts["sender"], one.facts["document_id"]) for one in kept]
    writes.expect([(one.agency.code, one.identifier) for one in mail], documents)


def acknowledge(agency: Agency, judged: Judged) -> None:
    """After the commit: the broker need not keep these; what cannot be believed goes to its dead letters."""
    if done := acknowledged(judged):
        agency.broker.ack(done)
    reject(agency, judged)


def acknowledged(judged: Judged) -> list[Delivered]:
    """What the broker need not keep after the commit."""
    done = [d for d, change in judged if not isinstance(change, Problem)]
    if any(isinstance(change, Mail) and change.kind == "receipt" for _, change in judged):
        crashpoints.reached("T04")
    return done


def reject(agency: Agency, judged: Judged) -> None:
    """What cannot be believed goes to the dead letters."""
    if bad := [d for d, change in judged if isinstance(change, Problem)]:
        agency.broker.reject(bad)
