"""A third party stamps the log's checkpoints with its time (RFC 3161), once in so many hours.

Asked beside the hub's work, in a thread that knows nothing but bytes: nobody waits for it. The digest of the whole
reply is an entry of the ledger, so the log binds it. While the service is away documents go on, and doctor names the
debt.
"""

from __future__ import annotations

import hashlib
import logging
from concurrent.futures import Future
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING

from axis.core.instant import to_text
from axis.core.ledger import Entry
from axis.core.registry import HUB
from axis.errors import AxisError
from axis.infra import timestamps
from axis.infra.log import stamps, store
from axis.infra.record import lease, ledger

if TYPE_CHECKING:
    from datetime import datetime

    from axis.infra.timestamps import Service
    from axis.services.hub.worker import Hub

log = logging.getLogger("axis.stamps")
DUTY = "stamps"
AGAIN, LONGEST = timedelta(minutes=5), timedelta(hours=6)  # after a service that did not answer well


class Stamping:
    """What a hub worker knows of the service, and of what it has asked."""

    def __init__(self, service: Service, every: timedelta) -> None:
        self.service = service
        self.every = every
        self.next: datetime | None = None  # when it is looked again whether something is to be stamped
        self.tries = 0
        self.asked: tuple[stamps.Stamp, Future[bytes]] | None = None


def step(hub: Hub, now: datetime) -> int:
    """Ask, if it is time; keep what the service has said. How many replies were kept. Waits for nobody."""
    known = hub.stamping
    if known is None:
        return 0
    if known.asked is not None:
        return _heard(hub, known, now) if known.asked[1].done() else 0
    if known.next is not None and now < known.next:
        return 0
    known.next = now + AGAIN
    with hub.store.transaction() as tx:
        if lease.hold(tx, DUTY, hub.worker, now) is None:
            return 0
        last, head = stamps.last(tx.connection), store.head(tx.connection)
        cosigned = stamps.next_of(tx.connection, last)
    if last is not None and (due := last.stamped_at + known.every) > now:
        known.next = min(due, now + LONGEST)
        return 0
    if head is None or not head.checkpoint or (last and (last.log, last.size) == (head.number, head.frontier.size)):
        return 0  # nothing has happened
    new = stamps.Stamp(head.number, head.frontier.size, head.checkpoint, b"", known.service.authority, now)
    if cosigned is not None and (last is None or last.log != cosigned.log or last.size < cosigned.size):
        new = stamps.Stamp(cosigned.log, cosigned.size, cosigned.note, b"", known.service.authority, now)
    known.asked = new, _in_a_thread(known.service, new.note)
    return 0


def _in_a_thread(service: Service, data: bytes) -> Future[bytes]:
    promise: Future[bytes] = Future()

    def ask() -> None:
        try:
            promise.set_result(service.ask(data))
        except BaseException as error:  # noqa: BLE001  whoever looks at the result hears of it
            promise.set_exception(error)

    Thread(target=ask, name="time-stamp", daemon=True).start()
    return promise


def _heard(hub: Hub, known: Stamping, now: datetime) -> int:
    assert known.asked is not None  # noqa: S101  it was asked
    (asked, promise), known.asked = known.asked, None
    try:
        reply = promise.result()
        at, _ = timestamps.stamped(reply, asked.note, [asked.authority])
    except AxisError as error:
        known.tries += 1
        known.next = now + min(AGAIN * 2 ** min(known.tries - 1, 10), LONGEST)
        log.warning("%s", error.problems[0].text())
        return 0
    detail = {"log": asked.log, "size": asked.size, "reply": hashlib.sha256(reply).hexdigest(), "time": to_text(at)}
    with hub.store.transaction() as tx:
        stamps.keep(tx.connection, stamps.Stamp(asked.log, asked.size, asked.note, reply, asked.authority, now))
        ledger.enter(tx, Entry(now, HUB, "log.stamped", "", "", detail))
    known.tries, known.next = 0, now + min(known.every, LONGEST)
    return 1
