"""The life of a delivery and of its business status: every transition there is, as data.

Two rules. Everything that changes the state of a delivery looks it up here. What happened wins over what
was concluded: a hand-over after a failure notice is a hand-over.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class State(StrEnum):
    """Where a delivery is."""

    ACCEPTED = "ACCEPTED"  # recorded by the hub, not yet in the recipient's queue
    QUEUED = "QUEUED"  # in the recipient's queue, confirmed by the broker
    HANDED_OVER = "HANDED_OVER"  # the recipient's system has it durably (E.1)
    REFUSED = "REFUSED"  # the recipient's system refused it for good (E.2)
    FAILED = "FAILED"  # not delivered so far (D.2); may still be handed over


class Step(StrEnum):
    """What can happen to a delivery."""

    CONSIGNED = "CONSIGNED"  # the broker confirmed it
    HANDED_OVER = "HANDED_OVER"
    REFUSED = "REFUSED"
    GAVE_UP = "GAVE_UP"


_S, _T = State, Step
DELIVERY: dict[State, dict[Step, State]] = {
    # From ACCEPTED straight to HANDED_OVER: the consumer may be faster than the relay's bookkeeping.
    _S.ACCEPTED: {
        _T.CONSIGNED: _S.QUEUED,
        _T.HANDED_OVER: _S.HANDED_OVER,
        _T.REFUSED: _S.REFUSED,
        _T.GAVE_UP: _S.FAILED,
    },
    _S.QUEUED: {
        _T.CONSIGNED: _S.QUEUED,  # published again after a crash
        _T.HANDED_OVER: _S.HANDED_OVER,
        _T.REFUSED: _S.REFUSED,
        _T.GAVE_UP: _S.FAILED,
    },
    _S.FAILED: {
        _T.CONSIGNED: _S.QUEUED,
        _T.HANDED_OVER: _S.HANDED_OVER,
        _T.REFUSED: _S.REFUSED,
        _T.GAVE_UP: _S.FAILED,
    },
    # Final. Late bookkeeping changes nothing; E.1 and E.2 exclude one another.
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
}
FINAL = frozenset({State.HANDED_OVER, State.REFUSED})


class IllegalStepError(ValueError):
    """The table has no such transition; nothing was changed."""


def move(state: State, step: Step) -> State:
    """The state after `step`. Raises :class:`IllegalStepError` where the table has a gap."""
    try:
        return DELIVERY[state][step]
    except KeyError:
        raise IllegalStepError(f"{step} in {state}") from None


# Business status codes of edXML, receiver to sender (QĐ 28/2018, Art. 10.2h names the states).
ARRIVED, REJECTED, FINISHED = "01", "02", "06"
LADDER = ("", "01", "03", "04", "05", "06")
STATUS_CODES = frozenset({"01", "02", "03", "04", "05", "06", "13", "15", "16"})


def climb(current: str, code: str) -> str:
    """The business status after a report of `code` (01-06), which moves forward only.

    A report that is late or repeated leaves `current` as it is. Raises :class:`IllegalStepError` for a
    refusal (02) of what was accepted (03 and later), and for anything after a refusal but 01 and 02.
    """
    if code == REJECTED:
        if current in {"", ARRIVED, REJECTED}:
            return REJECTED
        raise IllegalStepError(f"02 after {current}")
    if current == REJECTED:
        if code == ARRIVED:
            return current
        raise IllegalStepError(f"{code} after 02")
    return code if LADDER.index(code) > LADDER.index(current) else current


def retry_after(attempt: int, jitter: float, *, first: float, longest: float) -> timedelta:
    """How long to wait after failed attempt number `attempt` (from 1): doubles from `first` seconds up to
    `longest`, times 0.5 to 1 by `jitter` (0 to 1), so that many waiting ones do not come back together."""
    return timedelta(seconds=min(first * 2 ** min(attempt - 1, 30), longest) * (0.5 + jitter / 2))
