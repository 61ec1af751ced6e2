"""What waits in the queue of an agency that is closed goes to its successor: the hub takes it back at its time.

A message that the broker has given to nobody was never shown. Another one may have been: it stays, until the agency's
adapter gives it up (W.1), or an officer says that it moves on (:func:`move_on`).
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from axis.core import parcel, receipt
from axis.core.hub import dossier as ask
from axis.core.hub import succession
from axis.core.hub.dossier import Together
from axis.core.message import agency_routes
from axis.core.registry import HUB
from axis.errors import Fault, Rejected, Unavailable, rejected
from axis.infra.record import backlog, documents
from axis.services.hub import act

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from axis.core.hub.dossier import Question
    from axis.core.hub.draft import Draft
    from axis.core.message import Delivered
    from axis.infra.database import Row
    from axis.services.hub.worker import Hub

log = logging.getLogger("axis.hub")
MOST = 2000  # messages of a queue that are looked at in one go
BATCH = 100  # deliveries that move on in one transaction
SOON, LATE = timedelta(minutes=1), timedelta(days=1)  # until a queue is looked at again; twice as long each time


def step(hub: Hub, now: datetime) -> int:
    """Take back what waits for agencies that are closed now; how many deliveries. Asks nobody where none is, or none
    has mail on its way."""
    past = [code for code in hub.registry().succeeded if hub.mailbox(code, now) != code]
    due = [code for code in past if now >= hub.taken_back.get(code, (now, SOON))[0]]
    if not due:
        return 0
    with hub.store.reading() as reader:
        waiting = {one["recipient"] for one in backlog.in_flight(reader, due)}
    done = 0
    for code in due:
        wait = hub.taken_back.get(code, (now, SOON))[1]
        count = _take_back(hub, code, now) if code in waiting else 0
        hub.taken_back[code] = (now, SOON) if count else (now + wait, min(2 * wait, LATE))
        done += count
    return done


def _take_back(hub: Hub, code: str, now: datetime) -> int:
    taken = 0

    def are_done(part: Sequence[Delivered]) -> list[bool]:
        nonlocal taken
        gone = _are_taken_back(hub, code, [_about(one) for one in part], now)
        taken += sum(gone)
        return gone

    for route in reversed(agency_routes(code)):  # a document before its recall
        try:
            hub.broker.sift(route, MOST, are_done)
        except Unavailable as error:
            if error.fault is not Fault.BROKER_NO_QUEUE:
                raise
    if taken:
        log.info("%d deliveries were taken back from the queue of %s", taken, code)
    return taken


def _about(delivered: Delivered) -> str:
    """The submission that a message brings which was given to nobody; "" for any other: a receipt with the word beside
    it when it was accepted, a registry with the document types beside it, what nobody can read."""
    message = delivered.message
    if delivered.redelivered or delivered.trouble or not message.proof:
        return ""
    try:
        if parcel.peek(message.body)[0] == parcel.RECEIPT:
            return ""
        return receipt.read(parcel.peek(message.proof)[1], HUB).subject.axis_id
    except Rejected:
        return ""


def _are_taken_back(hub: Hub, code: str, named: Sequence[str], now: datetime) -> list[bool]:
    """Of each of these submissions whether its message means nothing any more; all in one transaction."""
    if not any(named):
        return [False] * len(named)
    with hub.store.transaction() as tx:
        about = documents.of_submissions(tx, sorted({one for one in named if one}))
        wanted: list[Question] = [ask.Entries(one) for one in about]
        wanted += [ask.Part(one, code) for one in about]

        def rule(draft: Draft) -> set[str]:
            together, gone = Together(), set[str]()
            for axis_id in about:
                with together.step():
                    gone |= {axis_id} if succession.take_back(draft, axis_id, code) else set()
            together.ask()
            return gone

        gone = act.carry_out(hub, tx, set(about.values()), wanted, rule, now, set(about.values())) if about else set()
    return [one in gone for one in named]


def move_on(hub: Hub, code: str, reason: str, now: datetime) -> Iterator[dict[str, Any]]:
    """An officer says that what may have arrived at a closed agency, and was not answered for, goes to its successor
    all the same: each delivery that does. Raises as :func:`check_gone`."""
    check_gone(hub, code, now)
    _take_back(hub, code, now)
    to, after = hub.mailbox(code, now), ""
    while rows := _open(hub, code, after):
        after = rows[-1]["id"]
        there = {(row["owner"], row["document_id"]) for row in rows}
        wanted = [ask.ById(row["id"]) for row in rows]
        with hub.store.transaction() as tx:
            moved = act.carry_out(hub, tx, there, wanted, partial(_move_on, rows=rows, reason=reason), now, there)
        for row in rows:
            if row["id"] in moved:
                yield {"delivery": row["id"], "axis_id": row["axis_id"], "from": code, "to": to}


def _open(hub: Hub, code: str, after: str) -> Sequence[Row]:
    with hub.store.reading() as reader:
        return backlog.open_of(reader, code, after, BATCH)


def _move_on(draft: Draft, rows: Sequence[Row], reason: str) -> set[str]:
    together, moved = Together(), set[str]()
    for row in rows:
        with together.step():
            moved |= {row["id"]} if succession.move_on(draft, row["id"], reason) else set()
    together.ask()
    return moved


def check_gone(hub: Hub, code: str, now: datetime) -> None:
    """Raise :class:`Rejected` AGENCY_OPEN unless the agency is closed and another has its mail, :class:`Unavailable`
    ADAPTER_TWICE while its adapter is at the broker, which can say itself what it has."""
    if hub.mailbox(code, now) == code:
        raise rejected(Fault.AGENCY_OPEN, code)
    try:
        hub.broker.waiting(f"axis.lock.{code}")
    except Unavailable as error:
        if error.fault is not Fault.BROKER_NO_QUEUE:
            raise
