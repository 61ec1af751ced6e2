"""The life of a delivery, of what is asked about it, and of its business status: every transition there is, as data.

Two rules. Everything that changes one of these states looks it up here. What happened wins over what was
concluded: a hand-over after a failure notice is a hand-over. docs/lifecycle.md draws the tables.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TypeVar


class State(StrEnum):
    """Where a delivery is."""

    ACCEPTED = "ACCEPTED"  # recorded by the hub, not yet in the recipient's queue
    QUEUED = "QUEUED"  # in the recipient's queue, confirmed by the broker
    HANDED_OVER = "HANDED_OVER"  # the recipient's system has it durably (E.1)
    REFUSED = "REFUSED"  # the recipient's system refused it for good (E.2)
    FAILED = "FAILED"  # not delivered so far (D.2); may still be handed over
    RECALLED = "RECALLED"  # withdrawn for certain (W.1): the recipient's system never saw it, and will not


class Step(StrEnum):
    """What can happen to a delivery."""

    CONSIGNED = "CONSIGNED"  # the broker confirmed it
    HANDED_OVER = "HANDED_OVER"
    REFUSED = "REFUSED"
    GAVE_UP = "GAVE_UP"
    WITHDRAWN = "WITHDRAWN"
    MOVED = "MOVED"  # not shown where it was, for certain or by an officer's word: a successor's from now on


_S, _T = State, Step
_ON_THE_WAY = {
    _T.CONSIGNED: _S.QUEUED,
    # From ACCEPTED straight to HANDED_OVER: the consumer may be faster than the relay's bookkeeping.
    _T.HANDED_OVER: _S.HANDED_OVER,
    _T.REFUSED: _S.REFUSED,
    _T.GAVE_UP: _S.FAILED,
    _T.WITHDRAWN: _S.RECALLED,
    _T.MOVED: _S.ACCEPTED,
}
DELIVERY: dict[State, dict[Step, State]] = {
    _S.ACCEPTED: _ON_THE_WAY,
    _S.QUEUED: _ON_THE_WAY,
    _S.FAILED: _ON_THE_WAY,
    # Final. Late bookkeeping changes nothing; E.1, E.2 and W.1 exclude one another.
    _S.HANDED_OVER: {
        _T.CONSIGNED: _S.HANDED_OVER,
        _T.HANDED_OVER: _S.HANDED_OVER,
        _T.GAVE_UP: _S.HANDED_OVER,
    },
    _S.REFUSED: {
        _T.CONSIGNED: _S.REFUSED,
        _T.REFUSED: _S.REFUSED,
        _T.GAVE_UP: _S.REFUSED,
    },
    _S.RECALLED: {
        _T.CONSIGNED: _S.RECALLED,
        _T.WITHDRAWN: _S.RECALLED,
        _T.GAVE_UP: _S.RECALLED,
    },
}
FINAL = frozenset({State.HANDED_OVER, State.REFUSED, State.RECALLED})
UNANSWERED = frozenset({State.QUEUED, State.FAILED})  # it was consigned or given up, and no receipt has come


class IllegalStepError(ValueError):
    """The table has no such transition; nothing was changed."""


S = TypeVar("S", bound=StrEnum)
T = TypeVar("T", bound=StrEnum)


def _look_up(table: dict[S, dict[T, S]], state: S, step: T) -> S:
    try:
        return table[state][step]
    except KeyError:
        raise IllegalStepError(f"{step} in {state}") from None


def move(state: State, step: Step) -> State:
    """The state after `step`. Raises :class:`IllegalStepError` where the table has a gap."""
    return _look_up(DELIVERY, state, step)


# -- What a sender asks of those it has sent a document to ----------------------------------------------------


class Demand(StrEnum):
    """What is asked: take the document back, take a new version, take another document in its place."""

    RECALL = "recall"
    UPDATE = "update"
    REPLACE = "replace"


class Stage(StrEnum):
    """How far a demand is with one addressed unit."""

    PENDING = "PENDING"  # a recall on its way to the one place that can know
    OPEN = "OPEN"  # the recipient's system has the document and the demand: its clerk answers
    WITHDRAWN = "WITHDRAWN"  # a recall executed before the hand-over, for certain (W.1)
    VOID = "VOID"  # a recall of what was refused before (W.2): there is nothing to withdraw
    AGREED = "AGREED"  # 15
    DECLINED = "DECLINED"  # 16
    OVERTAKEN = "OVERTAKEN"  # an update or replacement of what was recalled meanwhile


class Turn(StrEnum):
    """What can happen to a demand."""

    WITHDRAWN = "WITHDRAWN"
    TOO_LATE = "TOO_LATE"  # it was handed over before (W.2)
    NOTHING = "NOTHING"
    AGREED = "AGREED"
    DECLINED = "DECLINED"
    OVERTAKEN = "OVERTAKEN"


_G, _N = Stage, Turn
DEMAND: dict[Stage, dict[Turn, Stage]] = {
    _G.PENDING: {
        _N.WITHDRAWN: _G.WITHDRAWN,
        _N.TOO_LATE: _G.OPEN,
        _N.NOTHING: _G.VOID,
        # The clerk's answer may overtake the adapter's receipt: it says as much as that one.
        _N.AGREED: _G.AGREED,
        _N.DECLINED: _G.DECLINED,
    },
    _G.OPEN: {
        _N.TOO_LATE: _G.OPEN,
        _N.AGREED: _G.AGREED,
        _N.DECLINED: _G.DECLINED,
        _N.OVERTAKEN: _G.OVERTAKEN,
    },
    _G.AGREED: {_N.TOO_LATE: _G.AGREED, _N.AGREED: _G.AGREED},
    _G.DECLINED: {_N.TOO_LATE: _G.DECLINED, _N.DECLINED: _G.DECLINED},
    _G.WITHDRAWN: {_N.WITHDRAWN: _G.WITHDRAWN},
    _G.VOID: {_N.NOTHING: _G.VOID},
    _G.OVERTAKEN: {_N.OVERTAKEN: _G.OVERTAKEN},
}
WAITING = frozenset({Stage.PENDING, Stage.OPEN})  # 15 and 16 are answers to one of these
TAKEN_BACK = frozenset({Stage.WITHDRAWN, Stage.AGREED})  # of a recall


def turn(stage: Stage, what: Turn) -> Stage:
    """The stage after `what`. Raises :class:`IllegalStepError` where the table has a gap."""
    return _look_up(DEMAND, stage, what)


# -- Business status codes of edXML, receiver to sender (QĐ 28/2018, Art. 10.2h names the states) ---------------

ARRIVED, REJECTED, RECEIVED, FINISHED = "01", "02", "03", "06"
TAKEN_BACK_BY_SENDER, AGREED, DECLINED = "13", "15", "16"
STATUS_CODES = frozenset({"01", "02", "03", "04", "05", "06", "13", "15", "16"})
# Forward only, steps may be left out; a report that is late or repeated leaves the status as it is. What was accepted
# (03 and later) cannot be refused any more, and after a refusal nothing else can be said.
BUSINESS: dict[str, dict[str, str]] = {
    "": {"01": "01", "02": "02", "03": "03", "04": "04", "05": "05", "06": "06"},
    "01": {"01": "01", "02": "02", "03": "03", "04": "04", "05": "05", "06": "06"},
    "02": {"01": "02", "02": "02"},
    "03": {"01": "03", "03": "03", "04": "04", "05": "05", "06": "06"},
    "04": {"01": "04", "03": "04", "04": "04", "05": "05", "06": "06"},
    "05": {"01": "05", "03": "05", "04": "05", "05": "05", "06": "06"},
    "06": {"01": "06", "03": "06", "04": "06", "05": "06", "06": "06"},
}


def climb(current: str, code: str) -> str:
    """The business status after a report of `code` (01-06).

    Raises :class:`IllegalStepError` where the table has a gap.
    """
    try:
        return BUSINESS[current][code]
    except KeyError:
        raise IllegalStepError(f"{code} after {current}") from None


def retry_after(attempt: int, jitter: float, *, first: float, longest: float) -> timedelta:
    """How long to wait after failed attempt number `attempt` (from 1): doubles from `first` seconds up to
    `longest`, times 0.5 to 1 by `jitter` (0 to 1), so that many waiting ones do not come back together."""
    return timedelta(seconds=min(first * 2 ** min(attempt - 1, 30), longest) * (0.5 + jitter / 2))
