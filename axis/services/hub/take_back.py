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
from axis.core.message import agency_routes
from axis.core.registry import HUB
from axis.errors import Fault, Rejected, Unavailable, rejected
from axis.infra.record import backlog, documents
from axis.services.hub import act

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from axis.core.hub.dossier import Question
    from axis.core.message import Delivered
    from axis.services.hub.worker import Hub

log = logging.getLogger("axis.hub")
MOST = 2000  # messages of a queue that are looked at in one go
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

    def is_done(delivered: Delivered) -> bool:
        nonlocal taken
        is_gone = _is_taken_back(hub, code, delivered, now)
        taken += is_gone
        return is_gone

    for route in reversed(agency_routes(code)):  # a document before its recall
        try:
            hub.broker.sift(route, MOST, is_done)
        except Unavailable as error:
            if error.fault is not Fault.BROKER_NO_QUEUE:
                raise
    if taken:
        log.info("%d deliveries were taken back from the queue of %s", taken, code)
    return taken


def _is_taken_back(hub: Hub, code: str, delivered: Delivered, now: datetime) -> bool:
    message = delivered.message
    if (
        delivered.redelivered
        or delivered.trouble
        or not message.proof
        or parcel.peek(message.body)[0] == parcel.RECEIPT
    ):
        return False
    try:
        if parcel.peek(message.body)[0] == parcel.RECEIPT:
            return False  # a receipt, with the word beside it when it was accepted
        axis_id = receipt.read(parcel.peek(message.proof)[1], HUB).subject.axis_id
    except Rejected:
        return False  # a registry, with the document types beside it
    with hub.store.transaction() as tx:
        about = documents.of_submissions(tx, [axis_id])
        wanted: list[Question] = [ask.Part(axis_id, code), ask.Entries(axis_id)]
        rule = partial(succession.take_back, axis_id=axis_id, code=code)
        return act.carry_out(hub, tx, set(about.values()), wanted, rule, now, set(about.values()))


def move_on(hub: Hub, code: str, reason: str, now: datetime) -> Iterator[dict[str, Any]]:
    """An officer says that what may have arrived at a closed agency, and was not answered for, goes to its successor
    all the same: each delivery that does. Raises as :func:`check_gone`."""
    check_gone(hub, code, now)
    _take_back(hub, code, now)
    with hub.store.reading() as reader:
        rows = backlog.open_of(reader, code)
    for row in rows:
        with hub.store.transaction() as tx:
            document = {(row["owner"], row["document_id"])}
            wanted = [ask.ById(row["id"])]
            rule = partial(succession.move_on, delivery_id=row["id"], reason=reason)
            if act.carry_out(hub, tx, document, wanted, rule, now, document):
                yield {"delivery": row["id"], "axis_id": row["axis_id"], "from": code, "to": hub.mailbox(code, now)}


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
