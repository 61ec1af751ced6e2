"""By when what must have happened: a delivery's legs, each with a warning before and evidence after. Pure.

The law gives hours to few of them (QĐ 28/2018, Art. 6.2: sent the same day; NĐ 30/2020, Art. 21.2c: receipt confirmed
the same day; Art. 24.2: processed by the due date); the rest are service levels, from configuration.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from axis.core.instant import VIETNAM

if TYPE_CHECKING:
    from datetime import date

    from axis.core.hub.calendar import Calendar


class Leg(StrEnum):
    """What has to happen."""

    HANDOVER = "handover"  # from acceptance (or the hour that the sender has set) to E.1 or E.2
    RECEPTION = "reception"  # from the hand-over to 03 or 02 of every unit
    PROCESSING = "processing"  # until 06 of every unit
    ANSWER = "answer"  # from a recall, update or replacement to 15 or 16


class Progress(StrEnum):
    """How far a deadline is."""

    RUNNING = "running"
    WARNED = "warned"
    MISSED = "missed"
    MET = "met"
    LATE = "late"  # it happened, after it was missed
    VOID = "void"  # it cannot happen any more


class Term(NamedTuple):
    """When to warn, and when it is over."""

    warn_at: datetime
    due_at: datetime


class Rule(NamedTuple):
    """``LEG [KIND] [urgent] TIME``: TIME is ``4h`` (hours), ``4wh`` (working hours), ``2wd`` (the end of the second
    working day after), ``due`` (the document's own DueDate) or ``never``."""

    leg: Leg
    kind: str
    urgent: bool
    amount: float
    unit: str

    def fits(self, leg: Leg, kind: str, priority: int) -> bool:
        """Whether it speaks of this leg of such a document."""
        return self.leg is leg and self.kind in {"", kind} and (not self.urgent or priority > 0)


_RULE = re.compile(
    r"(?P<leg>\w+)(?:\s+(?P<kind>new|update|replace|recall))?(?P<urgent>\s+urgent)?\s+"
    r"(?:(?P<amount>\d+(?:\.\d+)?)(?P<unit>h|wh|wd)|(?P<word>due|never))"
)
DEFAULT = (
    "handover urgent 1h",
    "handover 24h",
    "reception urgent 2wh",
    "reception 1wd",
    "processing due",
    "answer 2wd",
)


def read_rule(text: str) -> Rule:
    """The rule that `text` spells. Raises ValueError."""
    match = _RULE.fullmatch(text.strip())
    if match is None:
        msg = f"not a deadline: {text!r}"
        raise ValueError(msg)
    unit = match["unit"] or match["word"]
    amount = float(match["amount"] or 0)
    if unit == "wd" and amount != int(amount):
        msg = f"whole working days only: {text!r}"
        raise ValueError(msg)
    return Rule(Leg(match["leg"]), match["kind"] or "", bool(match["urgent"]), amount, unit)


class Deadlines(NamedTuple):
    """The rules of an installation; the first that fits counts. A warning comes after `warn_share` of the time."""

    rules: tuple[Rule, ...]
    calendar: Calendar
    warn_share: float

    def term(self, leg: Leg, kind: str, priority: int, start: datetime, due_date: date | None = None) -> Term | None:
        """By when, counted from `start`; None where there is no deadline."""
        rule = next((one for one in self.rules if one.fits(leg, kind, priority)), None)
        return self.by(rule, start, due_date) if rule is not None else None

    def by(self, rule: Rule, start: datetime, due_date: date | None = None) -> Term | None:
        """The term that this rule gives."""
        if rule.unit == "never" or (rule.unit == "due" and due_date is None):
            return None
        if rule.unit == "due":
            assert due_date is not None  # noqa: S101
            due = self.calendar.end_of(due_date)
        elif rule.unit == "wd":
            due = self.calendar.after_days(start, int(rule.amount))
        elif rule.unit == "wh":
            due = self.calendar.after_hours(start, rule.amount)
        else:
            due = start + timedelta(hours=rule.amount)
        return self.within(start, due)

    def within(self, start: datetime, due: datetime) -> Term:
        """A term that somebody else has set, for instance the sender."""
        return Term(start + max(due - start, timedelta(0)) * self.warn_share, due)


_DURATION = re.compile(r"P(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?)?")


def read_duration(text: str) -> timedelta:
    """An ISO 8601 duration of days, hours and minutes, ``PT4H``. Raises ValueError for none or anything else."""
    match = _DURATION.fullmatch(text)
    parts = [int(part or 0) for part in match.groups()] if match else []
    if not any(parts):
        msg = f"not a duration: {text[:40]!r}"
        raise ValueError(msg)
    return timedelta(days=parts[0], hours=parts[1], minutes=parts[2])


def read_moment(text: str) -> datetime:
    """``yyyy/MM/dd HH:mm:ss`` in Viet Nam time, of this century. Raises ValueError."""
    if not text.startswith("20"):
        msg = f"not a moment of this century: {text[:40]!r}"
        raise ValueError(msg)
    return datetime.strptime(text, "%Y/%m/%d %H:%M:%S").replace(tzinfo=VIETNAM)
