"""Where a delivery is, since when, who holds it, why, what happens next and who has to do what: as a code with facts,
of which commands and pages make sentences. Pure."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from axis.core.hub.lifecycle import AGREED, DECLINED, FINISHED, RECEIVED, REJECTED, State
from axis.core.hub.terms import Leg, Progress
from axis.core.instant import from_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Cause(StrEnum):
    """Why it is where it is."""

    REFUSED = "refused"  # by the recipient's system
    UNIT_REFUSED = "unit_refused"  # by a unit of the recipient: 02
    GIVEN_UP = "given_up"  # the sender was told; the operator may try again
    CLOSED = "closed"  # given up for good: returned, or the agency is closed
    SUSPENDED = "suspended"  # the recipient is suspended
    RETRYING = "retrying"  # the broker did not take it, several times
    STUCK = "stuck"  # it should have left long ago: no hub is at work
    OVERDUE = "overdue"  # in the recipient's queue beyond its term
    UNRECEIVED = "unreceived"  # handed over, and nobody has received it within the term
    QUEUED = "queued"  # in the recipient's queue
    LEAVING = "leaving"  # about to be put there
    HELD = "held"  # until the hour that its sender has set, or recalls have come first after a restore
    RECALL_ASKED = "recall_asked"  # handed over; its sender wants it back and the clerk has to answer
    ARRIVED = "arrived"  # handed over; a clerk has to receive it
    IN_WORK = "in_work"  # received (03 to 05)
    FINISHED = "finished"  # 06
    RECALLED = "recalled"  # taken back before anybody saw it
    GIVEN_BACK = "given_back"  # the recipient's clerk agreed to the recall

    @property
    def rank(self) -> int:
        """0: somebody has to look; 1: it waits; 2: all is well."""
        return 0 if self in _TROUBLE else 1 if self in _WAITS else 2

    @property
    def actor(self) -> str:
        """Who has to act: ``sender``, ``recipient``, ``operator``, ``hub`` or ``nobody``."""
        return _ACTORS.get(self, "nobody")

    @property
    def states(self) -> frozenset[State]:
        """In which states a delivery may be for this."""
        return _STATES.get(self, _GIVEN)


_TROUBLE = {
    *(Cause.REFUSED, Cause.UNIT_REFUSED, Cause.GIVEN_UP, Cause.CLOSED, Cause.SUSPENDED, Cause.RETRYING, Cause.STUCK),
    *(Cause.OVERDUE, Cause.UNRECEIVED),
}
_WAITS = {Cause.QUEUED, Cause.LEAVING, Cause.HELD, Cause.RECALL_ASKED}
_ACTORS = {
    **dict.fromkeys((Cause.REFUSED, Cause.UNIT_REFUSED, Cause.CLOSED), "sender"),
    **dict.fromkeys((Cause.GIVEN_UP, Cause.SUSPENDED, Cause.RETRYING, Cause.STUCK), "operator"),
    **dict.fromkeys((Cause.OVERDUE, Cause.UNRECEIVED, Cause.QUEUED, Cause.RECALL_ASKED), "recipient"),
    **dict.fromkeys((Cause.ARRIVED, Cause.IN_WORK), "recipient"),
    Cause.LEAVING: "hub",
}
_OPEN = frozenset({State.ACCEPTED, State.QUEUED, State.FAILED})
_GIVEN = frozenset({State.HANDED_OVER})
_STATES = {
    Cause.REFUSED: frozenset({State.REFUSED}),
    Cause.RECALLED: frozenset({State.RECALLED}),
    Cause.GIVEN_UP: frozenset({State.FAILED}),
    **dict.fromkeys((Cause.OVERDUE, Cause.QUEUED), frozenset({State.ACCEPTED, State.QUEUED})),
    **dict.fromkeys((Cause.CLOSED, Cause.SUSPENDED, Cause.RETRYING, Cause.STUCK), _OPEN),
    **dict.fromkeys((Cause.LEAVING, Cause.HELD), _OPEN),
}
STUCK_AFTER = 300.0  # seconds that what is due may stand in the outbox
MANY_ATTEMPTS = 3
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Known(NamedTuple):
    """What is known of one delivery. Moments as text; "" for none."""

    recipient: str
    state: State
    updated_at: str
    closed: bool = False
    attempts: int = 0
    next_attempt: str = ""  # when it is published next; "" when it does not wait for that
    business: Mapping[str, str] = _NOTHING  # by unit
    terms: Mapping[str, tuple[str, str]] = _NOTHING  # by leg: (due, progress)
    recall: str = ""  # the stage of a recall: "", or axis.core.hub.lifecycle.Stage
    reasons: tuple[str, ...] = ()  # codes of the last refusal or failure
    suspended_since: str = ""  # of the recipient; "" when it is not suspended
    last_heard: str = ""  # when the recipient last took something in


class Why(NamedTuple):
    """`since` when it is so; `until`: when something happens by itself, or must have happened; "" for neither."""

    cause: Cause
    since: str
    until: str
    facts: Mapping[str, str]


def why(one: Known, now: datetime) -> Why:
    """Why this delivery is where it is at the moment `now`."""
    facts = {"recipient": one.recipient, "attempts": str(one.attempts), "reasons": ", ".join(one.reasons)}
    if one.state is State.RECALLED:
        return Why(Cause.RECALLED, one.updated_at, "", facts)
    if one.state is State.REFUSED:
        return Why(Cause.REFUSED, one.updated_at, "", facts)
    if one.state is State.HANDED_OVER:
        return _handed_over(one, facts)
    if one.closed:
        return Why(Cause.CLOSED, one.updated_at, "", facts)
    if one.suspended_since:
        return Why(Cause.SUSPENDED, one.suspended_since, "", facts)
    if one.next_attempt:
        return _leaving(one, now, facts)
    if one.state is State.FAILED:
        return Why(Cause.GIVEN_UP, one.updated_at, "", facts)
    due, progress = one.terms.get(Leg.HANDOVER, ("", ""))
    heard = facts | {"heard": one.last_heard}
    return Why(Cause.OVERDUE if progress == Progress.MISSED else Cause.QUEUED, one.updated_at, due, heard)


def _handed_over(one: Known, facts: dict[str, str]) -> Why:
    codes = set(one.business.values())
    if (codes and codes <= {AGREED}) or one.recall == "AGREED":
        return Why(Cause.GIVEN_BACK, one.updated_at, "", facts)
    if one.recall == "OPEN":
        due, _ = next((term for leg, term in one.terms.items() if leg.startswith(Leg.ANSWER)), ("", ""))
        return Why(Cause.RECALL_ASKED, one.updated_at, due, facts)
    if REJECTED in codes:
        units = ", ".join(sorted(unit for unit, code in one.business.items() if code == REJECTED))
        return Why(Cause.UNIT_REFUSED, one.updated_at, "", facts | {"units": units})
    if codes and codes <= {FINISHED, DECLINED}:
        return Why(Cause.FINISHED, one.updated_at, "", facts)
    if codes and min(codes) >= RECEIVED:
        due, _ = one.terms.get(Leg.PROCESSING, ("", ""))
        return Why(Cause.IN_WORK, one.updated_at, due, facts | {"status": min(codes)})
    due, progress = one.terms.get(Leg.RECEPTION, ("", ""))
    return Why(Cause.UNRECEIVED if progress == Progress.MISSED else Cause.ARRIVED, one.updated_at, due, facts)


def _leaving(one: Known, now: datetime, facts: dict[str, str]) -> Why:
    waits = (now - from_text(one.next_attempt)).total_seconds()
    if waits > STUCK_AFTER:
        return Why(Cause.STUCK, one.next_attempt, "", facts)
    if one.attempts >= MANY_ATTEMPTS:
        return Why(Cause.RETRYING, one.updated_at, one.next_attempt, facts)
    if waits < 0 and not one.attempts:
        return Why(Cause.HELD, one.updated_at, one.next_attempt, facts)
    return Why(Cause.LEAVING, one.updated_at, one.next_attempt if waits < 0 else "", facts)
