"""The hub remembers which home works for each agency, and how far its journal had come (axis/core/homes.py)."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core import homes, parcel
from axis.core.homes import Answer, Known, Standing
from axis.core.instant import from_text
from axis.core.ledger import Entry
from axis.core.line import Sent, read_asked
from axis.core.message import Message, Outcome, Route
from axis.core.registry import HUB
from axis.errors import Fault, Problem, Unavailable
from axis.infra import payloads
from axis.infra.record import homes as record
from axis.infra.record import ledger, outbox, registries, search
from axis.services.hub import vouch
from axis.services.hub.worker import CLOCKS, Question
from axis.services.operate import line, reconcile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from axis.core.homes import Hello, Origin
    from axis.core.line import Asked
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
        code, tested = one.message.route.code, read_asked(one.message.body)
        if tested is not None and _is_own(hub, one.message):
            _answer_test(hub, code, tested, now)
            hub.broker.ack([one])
            continue
        hello = homes.read_hello(one.message.body)
        if hello is None or not _is_own(hub, one.message):
            log.error("a question about the home of %s is not believed", code)
            hub.broker.reject([one])
            continue
        held = hub.questions.get(code)
        if held is not None and held.hello.instance == hello.instance and hello.sequence < held.hello.sequence:
            hub.broker.ack([one])  # of a run that has ended: the broker gave it again after the next one's
            continue
        if held is not None:
            hub.broker.ack([held.asked])
        if held is not None and held.hello.start == hello.start:
            held.asked = one  # asked again; what it has been told meanwhile it knows
            continue
        hello = _without_what_is_known(hub, code, hello)
        # Of another's place it is asked while that one's receipts may be in the hands of another worker.
        is_behind = bool(hello.follows) or _is_untold(hub, code, hello)
        hub.questions[code] = Question(one, hello, QUIET if is_behind else 0, does_not_know=is_behind)
    for code, question in list(hub.questions.items()):
        ready, readers = _waiting(hub, code)
        if code in busy or ready or _holds(hub, code):
            continue
        if question.rounds:
            question.rounds -= 1
            continue
        if question.does_not_know and not (
            _is_settled(hub, code, question, readers - 1, now) and _is_told(hub, code, question, now)
        ):
            continue
        del hub.questions[code]
        _answer(hub, code, question.hello, now)
        hub.broker.ack([question.asked])


def _without_what_is_known(hub: Hub, code: str, hello: Hello) -> Hello:
    """A home that took another's place lately says so in each question. It concerns a record that was put back to a
    copy from before that, or hardly after; any other knows that it has told it."""
    if hello.follows or not hello.since:
        return hello
    with hub.store.reading() as reader:
        if record.is_known(reader, code):
            return hello
        first, lost_from = record.first_heard(reader, hello.instance), hub.registry().resend_from
    if first is None or (lost_from is not None and first >= lost_from):
        return hello
    return replace(hello, since="")


def _is_untold(hub: Hub, code: str, hello: Hello) -> bool:
    with hub.store.transaction() as tx:
        return homes.greet(record.of_agencies(tx, [code]).get(code, []), hello)[2]


def _answer_test(hub: Hub, code: str, asked: Asked, now: datetime) -> None:
    """The test of a connection: an agency's own is answered, an echo of the hub's is entered."""
    if asked.took:
        with hub.store.transaction() as tx:
            ledger.enter(tx, Entry(now, HUB, "line.echoed", "", code, {"line": asked.line, "took": asked.took}))
        return
    said = line.letter(hub.signer, hub.installation, code, Sent(asked.line, now, wants_echo=False), now)
    if hub.broker.publish([said]) != [Outcome.CONFIRMED]:
        log.warning("%s tests its connection and cannot be answered", code)


def say_what_is_settled(hub: Hub) -> None:
    """To whoever has to answer a home that takes another's place: this worker holds nothing of that agency, all that it
    had is in the record. After everything that was taken has been dealt with."""
    asked = hub.looked.settling if hub.looked is not None else {}
    news = [(code, turn) for code, turn in asked.items() if hub.settled.get(code) != turn and not _holds(hub, code)]
    if news:
        with hub.store.transaction() as tx:
            record.say(tx, hub.worker, news)
        hub.settled.update(news)


def _is_settled(hub: Hub, code: str, question: Question, others: int, now: datetime) -> bool:
    """Whether none of so many other workers, the consumers of the agency's queues, holds something that was published
    before this question, and is in no queue then and in no record yet.

    Each says so twice, and the same ones: what one that dies between has held is given to another, which says so the
    second time only when it has dealt with it. Where another worker asks about the agency as well, both go by who has
    asked last, and begin again with it."""
    if question.is_settled:
        return True
    with hub.store.transaction() as tx:
        last = record.asked_last(tx, code)
        if others < 1:
            question.is_settled = True
        elif question.turn and last and last != question.turn:
            question.turn, question.who = last, frozenset()
        elif not question.turn or not last:
            question.turn, question.who = record.ask_others(tx, code, now), frozenset()
        elif len(who := record.settled(tx, code, last) - {hub.worker}) >= others:
            question.is_settled = who == question.who
            question.turn, question.who = last if question.is_settled else record.ask_others(tx, code, now), who
        if question.is_settled and last:
            record.forget_question(tx, code)
    return question.is_settled


def _in(code: str) -> tuple[Route, Route]:
    return Route("in", code, urgent=True), Route("in", code, urgent=False)


def _holds(hub: Hub, code: str) -> bool:
    return any(hub.broker.holds(route.queue) for route in _in(code))


def _waiting(hub: Hub, code: str) -> tuple[int, int]:
    """How much of what this agency has published waits for the hub, and how many workers may hold more of it."""
    found = [_state(hub, route) for route in _in(code)]
    return sum(ready for ready, _ in found), max(readers for _, readers in found)


def _depth(hub: Hub, route: Route) -> int:
    return _state(hub, route)[0]


def _state(hub: Hub, route: Route) -> tuple[int, int]:
    try:
        return hub.broker.waiting(route.queue)
    except Unavailable as error:
        if error.fault is not Fault.BROKER_NO_QUEUE:
            raise
        return 0, 0  # deleted since it asked: nothing waits there, and the others' mail goes on


def _is_told(hub: Hub, code: str, question: Question, now: datetime) -> bool:
    """Whether a home that takes another's place has in its queue what the other may have said since the copy was made:
    by its receipts it knows what it has handed over, before it hands over anything.

    Some in each round, and no more than it takes out: it takes its urgent mail while it waits for the answer."""
    if question.told is None:
        _, replaced = _greet(hub, code, question.hello, now)
        if not replaced:
            return True
        _send_what_it_may_not_know(hub, code, question.hello, now)
        question.told = ""
    route, since = Route("out", code, urgent=True), _lost_since(question.hello, now)
    if _depth(hub, route) >= BATCH:
        return False
    with hub.store.reading() as reader:
        digests = search.given_by(reader, code, since, question.told, BATCH)
        bodies = reader.payloads(digests)
    is_doubtful = hub.registry().lost_between(since, now)
    messages = [
        Message(digest, route, body, vouch.beside(hub, body, now) if is_doubtful else b"")
        for digest, body in bodies.items()
    ]
    if messages and set(hub.broker.publish(messages)) != {Outcome.CONFIRMED}:
        return False
    question.told = digests[-1] if digests else question.told
    return len(digests) < BATCH


def _lost_since(hello: Hello, now: datetime) -> datetime:
    """From when on a home that was put back may not know what it was sent, and has given. A clock of its own that was
    ahead says nothing."""
    longest = now - LONGEST_GAP
    since = from_text(hello.since) if hello.since else longest
    return max(since - CLOCKS, longest) if since <= now else longest


def _answer(hub: Hub, code: str, hello: Hello, now: datetime) -> None:
    said = _greet(hub, code, hello, now)[0]
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
            event = "home.replaced" if replaced and home.follows != home.instance else "home.started"
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
    with hub.store.transaction() as tx:
        registries.send_newest(tx, code, now)
    reconcile.resend_receipts(hub, code, _lost_since(hello, now), now)
