"""The test of a connection, there and back: what is asked, what is answered, and what is wrong with which leg.

Nothing of it is a document. An agency's question and its echo have the form of its questions about its home
(axis/core/homes.py): whoever does not know them puts them aside. What the hub sends is an answer about that home to
nobody who has asked: an adapter that does not know the test takes it and does nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from axis.core.homes import ASKS, Answer, Standing, write_answer
from axis.core.instant import from_text, to_text

if TYPE_CHECKING:
    from datetime import datetime

    from axis.errors import Problem

_TOKEN = re.compile(r"[0-9a-f]{32}")
_LONGEST = 200  # bytes of a question
SLACK = 100  # ms by which what is dated at the beginning of a round may seem to come too early


@dataclass(frozen=True)
class Asked:
    """From an agency to the hub. `took` is "" for its own question; of an echo of the hub's it is when the adapter has
    taken that, by its own clock."""

    line: str
    took: str = ""


def write_asked(asked: Asked) -> bytes:
    """A message's body. It is believed on the broker's word about who published it."""
    return ASKS + json.dumps(asdict(asked), sort_keys=True).encode("ascii")


def read_asked(body: bytes) -> Asked | None:
    """What is asked or echoed in `body`; None for anything else."""
    if not body.startswith(ASKS) or len(body) > _LONGEST:
        return None
    try:
        asked = Asked(**json.loads(body[len(ASKS) :]))
        good = _TOKEN.fullmatch(asked.line) and (not asked.took or from_text(asked.took))
    except (TypeError, ValueError):
        return None
    return asked if good else None


@dataclass(frozen=True)
class Sent:
    """From the hub to an adapter, at the moment `at`; with `wants_echo` the adapter answers."""

    line: str
    at: datetime
    wants_echo: bool


def write_sent(agency: str, installation: str, sent: Sent) -> bytes:
    """A parcel's content, for the hub to sign."""
    to = f"line {'echo' if sent.wants_echo else 'answer'} {sent.line} {to_text(sent.at)}"
    return write_answer(Answer(agency, installation, Standing.CURRENT, to, "", "", 0))


def sent_in(to: str) -> Sent | None:
    """What was sent, of whom an answer about a home is for; None where that is the answer to a home's question."""
    word, _, rest = to.partition(" ")
    kind, _, rest = rest.partition(" ")
    token, _, moment = rest.partition(" ")
    if word != "line" or kind not in {"echo", "answer"} or not _TOKEN.fullmatch(token):
        return None
    try:
        return Sent(token, from_text(moment), kind == "echo")
    except ValueError:
        return None


# -- What is wrong with which leg ----------------------------------------------------------------------------------


class Verdict(StrEnum):
    """How a leg is."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"  # it cannot be tried, and nothing is known to be wrong


class Cause(StrEnum):
    """What is wrong with a leg, or why it was not tried."""

    BROKER = "broker"  # it cannot be reached, or refuses
    NO_QUEUE = "no_queue"
    FULL = "full"
    NOT_CONFIRMED = "not_confirmed"
    NO_READER = "no_reader"  # nobody takes what waits
    BEHIND = "behind"  # it waits behind other mail
    NOT_HEARD = "not_heard"  # taken, and no word of it: an older version, or it stands still
    NEVER_ASKED = "never_asked"  # a version of before the hub was asked about homes, or it has never run
    NO_PROCESS = "no_process"  # an embedded home in which nothing runs
    STANDS_STILL = "stands_still"  # a process has the home, and does not do its work
    SUSPENDED = "suspended"  # the agency has no rights at the broker


@dataclass(frozen=True)
class Leg:
    """One part of the way, between `start` and `end`; `ms`: how long it took, None where
    that is not known."""

    start: str
    end: str
    verdict: Verdict
    ms: int | None = None
    cause: Cause | None = None
    facts: dict[str, str] = field(default_factory=dict)
    problem: Problem | None = None  # the error itself, where there is one


@dataclass(frozen=True)
class Queue:
    """What waits in a queue, and how many read it; None for `waits` where that is not told."""

    waits: int | None
    readers: int = 0


def stopped_at(queue: Queue) -> Cause | None:
    """Why something is still in this queue; None where it is not."""
    if not queue.waits:
        return None
    return Cause.NO_READER if not queue.readers else Cause.BEHIND


def split(sent: datetime, took: datetime, heard: datetime) -> tuple[int | None, int | None, int | None]:
    """(ms there, ms back, ms by which the other's clock is wrong at least) of a way of which the middle was dated by
    another clock. What that clock says is told only where it can be so."""
    there, back = (round(part.total_seconds() * 1000) for part in (took - sent, heard - took))
    if there >= -SLACK and back >= -SLACK:
        return max(there, 0), max(back, 0), 0
    return None, None, -min(there, back)
