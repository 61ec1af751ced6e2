"""The connection between an agency and the centre, tested from either side: what each leg took, or which one is broken.

What is sent goes the way of all mail, through the processes at work; nothing of it is a document. What was found is in
the ledger, or in the journal, of who took the last word.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from axis.core import parcel
from axis.core.instant import from_text
from axis.core.line import Asked, Cause, Leg, Queue, Sent, Verdict, split, stopped_at, write_asked, write_sent
from axis.core.message import Message, Outcome, Route
from axis.errors import AxisError
from axis.infra.record import homes, ledger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from axis.core.ledger import Entry
    from axis.core.message import Broker
    from axis.core.signature import Signer
    from axis.infra.journal.journals import Journal
    from axis.infra.record.store import HubStore

FOLDER = "line-tests"  # in an embedded home: what is asked of the process that works in it
LOOK = 0.1  # seconds
LOOKED_AT = 1000  # entries at a time
_NOT_TAKEN = {
    Outcome.RETURNED: Cause.NO_QUEUE,
    Outcome.FULL: Cause.FULL,
    Outcome.FAILED: Cause.NOT_CONFIRMED,
}


@dataclass
class Test:
    """What a test of an agency's connection has found. `clock_ms`: by how much the other side's clock is wrong at
    least, None where that was not seen."""

    agency: str
    legs: list[Leg] = field(default_factory=list)
    clock_ms: int | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst of its legs."""
        found = {leg.verdict for leg in self.legs}
        return next((one for one in (Verdict.BAD, Verdict.UNKNOWN) if one in found), Verdict.GOOD)


def letter(signer: Signer, installation: str, code: str, sent: Sent, now: datetime) -> Message:
    """What the hub sends to an adapter."""
    body = parcel.build(parcel.HOME, write_sent(code, installation, sent), (), signer, now)
    return Message(hashlib.sha256(body).hexdigest(), Route("out", code, urgent=True), body)


# -- From the centre ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Centre:
    """What the centre tests with: its record, its key, a link of its own to the broker (None in an embedded home, whose
    running process is asked by a file in `folder`; `works`: whether there is one), the time and its patience."""

    store: HubStore
    signer: Signer
    installation: str
    link: Broker | None
    folder: Path
    works: bool
    clock: Callable[[], datetime]
    patience: float


def from_centre(centre: Centre, code: str) -> Test:
    """Send a word to the adapter of `code`, and wait for its echo."""
    test, token = Test(code), uuid.uuid4().hex
    with centre.store.reading() as reader:
        after = ledger.newest(reader)
        is_known = centre.link is None or homes.is_known(reader, code)
    sent = Sent(token, centre.clock(), wants_echo=True)
    if not is_known:
        _reach(test, centre.link, Route("out", code, urgent=True))
        if test.verdict is Verdict.GOOD:
            test.legs.append(Leg("broker", code, Verdict.UNKNOWN, cause=Cause.NEVER_ASKED))
        return test
    if centre.link is None:
        if not _ask_process(centre, test, sent):
            return test
        sent = replace(sent, at=centre.clock())
    elif not _publish(test, "hub", centre.link, letter(centre.signer, centre.installation, code, sent, sent.at)):
        return test

    def look() -> list[Entry]:
        with centre.store.reading() as reader:
            return ledger.of_no_submission(reader, after, LOOKED_AT)

    found = _wait_for(look, "line.echoed", token, centre.patience, code)
    if found is not None:
        took = from_text(found.detail["took"])
        there, back, test.clock_ms = split(sent.at, took, found.time)
        if there is None:
            whole = max(0, round((found.time - sent.at).total_seconds() * 1000))
            test.legs.append(Leg("broker", f"{code}, hub", Verdict.GOOD, whole))
        else:
            test.legs.append(Leg("broker", code, Verdict.GOOD, there))
            test.legs.append(Leg(code, "hub", Verdict.GOOD, back))
        return test
    if centre.link is None:
        test.legs.append(Leg("broker", code, Verdict.BAD, cause=Cause.STANDS_STILL))
        return test
    _say_where(test, centre.link, code, Route("out", code, urgent=True), Route("in", code, urgent=True))
    return test


def _ask_process(centre: Centre, test: Test, sent: Sent) -> bool:
    """In an embedded home, whose queues are its process's own: by a file. Whether it has taken it."""
    if not centre.works:
        test.legs.append(Leg("hub", "broker", Verdict.BAD, cause=Cause.NO_PROCESS))
        return False
    began, asked = time.monotonic(), centre.folder / f"{test.agency}.{sent.line}"
    centre.folder.mkdir(exist_ok=True)
    asked.touch()
    while asked.exists():
        if time.monotonic() - began > centre.patience:
            asked.unlink(missing_ok=True)
            test.legs.append(Leg("hub", "broker", Verdict.BAD, cause=Cause.STANDS_STILL))
            return False
        time.sleep(LOOK)
    test.legs.append(Leg("hub", "broker", Verdict.GOOD, _since(began)))
    return True


def take_asked(folder: Path, broker: Broker, signer: Signer, installation: str, now: datetime) -> int:
    """The process of an embedded home: what is asked in `folder` is sent; how many."""
    if not folder.is_dir():
        return 0
    asked = [one for one in sorted(folder.iterdir())[:LOOKED_AT] if one.name.count(".") == 1]
    named = [one.name.split(".") for one in asked]
    sent = [letter(signer, installation, code, Sent(token, now, wants_echo=True), now) for code, token in named]
    with suppress(AxisError):  # asked again in the next round
        if sent:
            broker.publish(sent)
        for one in asked:
            one.unlink(missing_ok=True)
    return len(sent)


# -- From an agency -----------------------------------------------------------------------------------------------


def from_agency(journal: Journal, link: Broker, code: str, patience: float) -> Test:
    """Ask the hub, through a link of the agency's own user, and wait until the adapter at work has its answer."""
    test, token = Test(code), uuid.uuid4().hex
    with journal.reading() as reader:
        after = reader.sequence()
    began = time.monotonic()
    question = Message(uuid.uuid4().hex, Route("in", code, urgent=True), write_asked(Asked(token)))
    if not _publish(test, code, link, question):
        return test

    def look() -> list[Entry]:
        with journal.reading() as reader:
            return reader.of_no_submission(after, LOOKED_AT)

    found = _wait_for(look, "line.tested", token, patience)
    if found is not None:
        test.legs.append(Leg("broker", f"hub, {code}", Verdict.GOOD, max(0, _since(began) - (test.legs[0].ms or 0))))
        return test
    _say_where(test, link, "hub", Route("in", code, urgent=True), Route("out", code, urgent=True))
    return test


# -- Both ---------------------------------------------------------------------------------------------------------


def _publish(test: Test, start: str, link: Broker, message: Message) -> bool:
    """Whether the broker has it."""
    began = time.monotonic()
    try:
        outcome = link.publish([message])[0]
    except AxisError as error:
        return _is_away(test, start, error)
    cause = _NOT_TAKEN.get(outcome)
    verdict = Verdict.BAD if cause else Verdict.GOOD
    facts = {"queue": message.route.queue} if cause else {}
    test.legs.append(Leg(start, "broker", verdict, None if cause else _since(began), cause, facts))
    return cause is None


def _is_away(test: Test, start: str, error: AxisError) -> bool:
    test.legs.append(Leg(start, "broker", Verdict.BAD, cause=Cause.BROKER, problem=error.problems[0]))
    return False


def _reach(test: Test, link: Broker | None, route: Route) -> None:
    assert link is not None  # noqa: S101  an embedded home's adapters are of this version
    began = time.monotonic()
    try:
        link.waiting(route.queue)
    except AxisError as error:
        _is_away(test, "hub", error)
    else:
        test.legs.append(Leg("hub", "broker", Verdict.GOOD, _since(began)))


def _say_where(test: Test, link: Broker, other: str, there: Route, back: Route) -> None:
    """No word has come: in which queue it waits, if it does, and who does not read that."""
    is_ours = other == "hub"
    for start, end, route in (("broker", other, there), (other, test.agency if is_ours else "hub", back)):
        queue = _queue(link, route)
        if (cause := stopped_at(queue)) is not None:
            facts = {"queue": route.queue, "count": str(queue.waits)}
            test.legs.append(Leg(start, end, Verdict.BAD, cause=cause, facts=facts))
            return
        if start == "broker" and queue.waits is not None:
            test.legs.append(Leg(start, end, Verdict.GOOD))
    test.legs.append(Leg(other, test.agency if is_ours else "hub", Verdict.UNKNOWN, cause=Cause.NOT_HEARD))


def _queue(link: Broker, route: Route) -> Queue:
    try:
        return Queue(*link.waiting(route.queue))
    except AxisError:
        return Queue(None)


def _wait_for(look: Callable[[], list[Entry]], event: str, token: str, patience: float, code: str = "") -> Entry | None:
    """The event about this test, where it comes in time; of this agency, where one is named."""
    until = time.monotonic() + patience
    while True:
        for entry in look():
            if entry.event == event and entry.detail.get("line") == token and code in {"", entry.recipient}:
                return entry
        if time.monotonic() >= until:
            return None
        time.sleep(LOOK)


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
