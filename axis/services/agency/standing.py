"""An adapter asks the hub about its home before it works: a home that was put back to an older copy decides nothing.

Until the hub has answered it takes in its urgent mail, for the answer is there, and does nothing else; a home that is
behind does nothing at all until its operator has said ``axis adapter restored``.
"""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core import homes, parcel
from axis.core.homes import ANYBODY, Hello, Origin, Standing
from axis.core.instant import from_text, to_text
from axis.core.ledger import Entry
from axis.core.line import Asked, sent_in, write_asked
from axis.core.message import Message, Outcome, Route
from axis.errors import Fault, Problem, rejected

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from axis.infra.journal.reading import JournalReader
    from axis.infra.journal.transaction import JournalTransaction
    from axis.services.agency.adapter import Agency

log = logging.getLogger("axis.standing")
ASK_AGAIN, SELDOM = timedelta(seconds=30), timedelta(minutes=10)  # the first time, and after many without an answer
TRY_AGAIN = timedelta(seconds=2)  # where the queue is not there yet
LATELY = timedelta(days=30)  # so long a home says that it took another's place: the record may lose what it was told


def begin(agency: Agency) -> None:
    """This adapter's home has an instance id, and works when the hub knows no newer one."""
    with agency.journal.reading() as reader:
        row = reader.home()
    if row is None:
        with agency.journal.transaction() as tx:
            row = tx.begin_home(uuid.uuid4().hex)
    agency.instance = row["instance"]
    agency.standing = Standing.BEHIND if row["known"] else Standing.UNKNOWN
    if row["known"]:
        with agency.journal.reading() as reader:
            log.error("%s", old(agency.code, reader).text())


def old(code: str, reader: JournalReader) -> Problem:
    """What is wrong with a home that is behind."""
    row = reader.home()
    return Problem(Fault.HOME_OLD, code, str(row["heard"] if row is not None else 0), str(reader.sequence()))


def origin(agency: Agency, reader: JournalReader) -> str:
    """What a message that is published now names as its home."""
    return str(Origin(agency.instance, agency.start, reader.sequence())) if agency.instance else ""


def ask_again(agency: Agency) -> None:
    """The hub does not know any more what it has heard: it is asked once more, and nothing is done until it answers."""
    if agency.instance and agency.standing is Standing.CURRENT:
        agency.standing, agency.ask_at = Standing.UNKNOWN, None


def ask(agency: Agency, now: datetime) -> int:
    """Ask the hub about this home, if it is time to; how many questions."""
    if agency.standing is Standing.BEHIND:
        agency.let_go()  # what it had taken and not kept is another's
        return 0
    if agency.ask_at is not None and now < agency.ask_at:
        return 0
    if agency.ask_at is None:
        agency.questions = 0
        # Each start has more in its journal than every one before it: a question that comes late unseats nobody.
        with agency.journal.transaction() as tx:
            tx.enter(Entry(now, agency.code, "home.started", "", "", {"start": agency.start}))
    with agency.journal.reading() as reader:
        row = reader.home()
        assert row is not None  # noqa: S101  made at the start
        is_late = row["restored_at"] and now - from_text(row["restored_at"]) > LATELY
        since = "" if is_late and not row["follows"] else row["since"]
        hello = Hello(agency.instance, agency.start, reader.sequence(), row["follows"], since)
    question = Message(uuid.uuid4().hex, Route("in", agency.code, urgent=True), homes.write_hello(hello))
    confirmed = agency.broker.publish([question]) == [Outcome.CONFIRMED]
    if confirmed:
        agency.sent.confirmed(question.id, urgent=True)
    # One that takes another's place is told bit by bit what that one has handed over, which takes its time; a second
    # worker that is asked meanwhile would tell it all again.
    patience = SELDOM if row["follows"] else min(ASK_AGAIN * 2**agency.questions, SELDOM)
    agency.ask_at = now + (patience if confirmed else TRY_AGAIN)
    agency.questions = min(agency.questions + int(confirmed), 10)
    return int(confirmed)


def heed(agency: Agency, body: bytes, now: datetime) -> Callable[[JournalTransaction], None]:
    """What the hub's answer changes. Raises :class:`Rejected` when it is not the hub's, or not for this agency."""
    said = homes.read_answer(parcel.verify(body, agency.hub_keys(), now).content)
    if (said.agency, said.installation) != (agency.code, agency.installation):
        raise rejected(Fault.RECEIPT_INVALID, f"about the home of {said.agency[:40]}")
    if (sent := sent_in(said.to)) is not None:
        if sent.wants_echo:
            agency.echoes.append(Asked(sent.line, to_text(now)))
        tested = Entry(now, agency.code, "line.tested", "", "", {"line": sent.line, "at": to_text(sent.at)})

        def note(tx: JournalTransaction) -> None:
            tx.enter(tested)

        return note

    def change(tx: JournalTransaction) -> None:
        if said.standing is Standing.COPIED:
            _copied(agency, tx, said, now)
        elif said.to == agency.start and said.standing is Standing.CURRENT:
            tx.home_follows(said.follows)
            agency.standing = Standing.CURRENT
        elif said.to == agency.start and said.standing is Standing.BEHIND:
            detail = {"instance": said.instance, "heard": said.sequence}
            tx.fall_behind(said.instance, said.sequence, Entry(now, agency.code, "home.behind", "", "", detail))
            log.error("%s", old(agency.code, tx).text())
            agency.standing = Standing.BEHIND

    return change


def echo(agency: Agency) -> None:
    """Answer the hub's tests of the connection that have come; one that is lost is said to be lost by who tests."""
    while agency.echoes:
        asked = agency.echoes.pop(0)
        answer = Message(uuid.uuid4().hex, Route("in", agency.code, urgent=True), write_asked(asked))
        if agency.broker.publish([answer]) == [Outcome.CONFIRMED]:
            agency.sent.confirmed(answer.id, urgent=True)


def _copied(agency: Agency, tx: JournalTransaction, said: homes.Answer, now: datetime) -> None:
    """Two copies of this home are at work: the one that asked last goes on. It may be said of a run that has ended, and
    does not concern the one that hears it."""
    log.error("%s", Problem(Fault.HOME_COPIED, agency.code, said.start[:8], said.to[:8]).text())
    tx.enter(Entry(now, agency.code, "home.copied", "", "", {"start": said.start, "other": said.to}))
    if agency.start == said.to:
        agency.standing = Standing.BEHIND


def take_over(tx: JournalTransaction, now: datetime) -> int:
    """The operator's word that this home is the one from now on: a new instance id, in the place of what the hub has
    heard. Of how much that was held here something else may have been decided meanwhile."""
    row = tx.begin_home(uuid.uuid4().hex)
    follows = row["known"] or ANYBODY
    entry = Entry(now, tx.agency, "home.restored", "", "", {"follows": follows, "instance": row["instance"]})
    return tx.take_over(uuid.uuid4().hex, follows, entry)
