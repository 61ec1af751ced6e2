"""The hub remembers which home works for each agency, and how far its journal had come (axis/core/homes.py)."""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core import homes, parcel
from axis.core.homes import Answer, Known, Standing
from axis.core.instant import from_text
from axis.core.ledger import Entry
from axis.core.message import Message, Outcome, Route
from axis.core.trust import HUB
from axis.errors import Fault, Problem, Unavailable
from axis.infra import payloads
from axis.infra.record import homes as record
from axis.infra.record import ledger, outbox, registries, search
from axis.services import reconcile
from axis.services.hub.worker import CLOCKS, Question

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from axis.core.homes import Hello, Origin
    from axis.core.message import Delivered
    from axis.infra.record.store import HubTransaction
    from axis.services.hub.worker import Hub

log = logging.getLogger("axis.homes")
BATCH = 500
QUIET = 2  # rounds in which nothing of an agency came
LONGEST_GAP = timedelta(days=30)  # receipts that are older are not sent again to a restored home


def answer(hub: Hub, asked: Sequence[Delivered], busy: Collection[str], now: datetime) -> None:
    """Answer the homes that ask; one that has taken another's place is sent again what it may not know.

    A question waits for what was published before it and is not recorded yet, by its home or by another copy of it: of
    the agencies in `busy` something came just now. It is acknowledged last: it comes again until it is answered, and
    asking twice changes nothing.
    """
    for one in asked:
        code, hello = one.message.route.code, homes.read_hello(one.message.body)
        if hello is None or not _is_own(hub, one.message):
            log.error("a question about the home of %s is not believed", code)
            hub.broker.reject([one])
            continue
        if code in hub.questions:
            hub.broker.ack([hub.questions[code].asked])
        # Of another's place it is asked while that one's receipts may be in the hands of another worker.
        hub.questions[code] = Question(one, hello, QUIET if hello.follows else 0)
    for code, question in list(hub.questions.items()):
        if code in busy or _waiting(hub, code):
            continue
        if question.rounds:
            question.rounds -= 1
            continue
        del hub.questions[code]
        _answer(hub, code, question.hello, now)
        hub.broker.ack([question.asked])


def _waiting(hub: Hub, code: str) -> int:
    """How much of what this agency has published waits for the hub."""
    try:
        return sum(hub.broker.depth(Route("in", code, urgent)) for urgent in (True, False))
    except Unavailable as error:
        if error.fault is not Fault.BROKER_NO_QUEUE:
            raise
        return 0  # deleted since it asked: nothing waits there, and the others' mail goes on


def _answer(hub: Hub, code: str, hello: Hello, now: datetime) -> None:
    said, replaced = _greet(hub, code, hello, now)
    if replaced:
        _send_what_it_may_not_know(hub, code, hello, now)
    body = parcel.build(parcel.HOME, homes.write_answer(said), (), hub.signer, now)
    message = Message(hashlib.sha256(body).hexdigest(), Route("out", code, urgent=True), body)
    if hub.broker.publish([message]) != [Outcome.CONFIRMED]:
        log.warning("%s cannot be told about its home: it will ask again", code)


def note(hub: Hub, tx: HubTransaction, messages: Iterable[Message], now: datetime) -> None:
    """Remember from which homes these were published; say so where two copies of one work."""
    origins: dict[str, list[Origin]] = {}
    for message in messages:
        origin = homes.read_origin(message.origin) if message.origin and _is_own(hub, message) else None
        if origin is not None:
            origins.setdefault(message.route.code, []).append(origin)
    if not origins:
        return
    known = record.of_agencies(tx, sorted(origins))
    found = {code: homes.heard(known[code], origins[code]) for code in known}
    record.hear(tx, {code: changed for code, (changed, _) in found.items() if changed is not None})
    for code, (changed, foreign) in found.items():
        if changed is not None and foreign is not None:
            _tell(hub, tx, code, changed, foreign, now)


def _is_own(hub: Hub, message: Message) -> bool:
    return message.user_id == message.route.code or (message.user_id is None and not hub.user_id_required)


def _greet(hub: Hub, code: str, hello: Hello, now: datetime) -> tuple[Answer, bool]:
    with hub.store.transaction() as tx:
        known = record.of_agencies(tx, [code]).get(code, [])
        standing, home, replaced = homes.greet(known, hello)
        detail = {"instance": hello.instance, "sequence": hello.sequence, "heard": home.sequence}
        if standing is Standing.BEHIND:
            log.error("%s", Problem(Fault.HOME_OLD, code, str(home.sequence), str(hello.sequence)).text())
            ledger.enter(tx, Entry(now, HUB, "home.behind", "", code, detail))
        elif home not in known:
            event = "home.replaced" if replaced else "home.started"
            record.keep(tx, code, home, Entry(now, HUB, event, "", code, detail))
    return _said(hub, code, standing, home, hello.start), replaced


def _said(hub: Hub, code: str, standing: Standing, home: Known, to: str) -> Answer:
    return Answer(code, hub.installation, standing, to, home.instance, home.start, home.sequence, home.follows)


def _tell(hub: Hub, tx: HubTransaction, code: str, home: Known, other: Origin, now: datetime) -> None:
    """The administrator and the agency are told that two copies of its home work; once for each run."""
    log.error("%s", Problem(Fault.HOME_COPIED, code, home.start[:8], other.start[:8]).text())
    detail = {"instance": home.instance, "start": home.start, "other": other.start, "other_instance": other.instance}
    ledger.enter(tx, Entry(now, HUB, "home.copied", "", code, detail))
    said = homes.write_answer(_said(hub, code, Standing.COPIED, home, other.start))
    digest = payloads.put(tx.connection, parcel.build(parcel.HOME, said, (), hub.signer, now))
    outbox.put(tx, [(code, digest)], now, urgent=True)


def _send_what_it_may_not_know(hub: Hub, code: str, hello: Hello, now: datetime) -> None:
    """The registry, every delivery that has no receipt, and the receipts that the agency was given since its journal
    ends."""
    reconcile.resend_unanswered(hub, code, now, now)
    since = max(from_text(hello.since) - CLOCKS if hello.since else now - LONGEST_GAP, now - LONGEST_GAP)
    last = ""
    while True:
        with hub.store.transaction() as tx:
            if not last:
                outbox.put(tx, [(code, registries.newest(tx))], now, urgent=True)
            digests = search.receipts_for(tx, code, since, last, BATCH)
            outbox.put(tx, [(code, digest) for digest in digests], now)
        if len(digests) < BATCH:
            return
        last = digests[-1]
