"""What a period came to: how much was sent and received, how much of it in time, and how long it took. Pure.

Counted is what was *accepted* within the period, and how it stands now: so nothing is counted in two periods, and what
was sent is what was handed over, in time or late, refused, recalled, given up, or is still open.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from axis.core.instant import VIETNAM

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


# -- Periods --------------------------------------------------------------------------------------------------------


class Span(StrEnum):
    """How long a period is."""

    DAY = "day"
    WEEK = "week"  # from Monday
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    FREE = "free"  # from one day to another


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days in Viet Nam, from `first` to before `end`; `until` is where it is cut, if it is not over yet."""

    span: Span
    first: date
    end: date
    until: datetime | None = None

    @property
    def since(self) -> datetime:
        """Its first moment."""
        return _midnight(self.first)

    @property
    def before(self) -> datetime:
        """The first moment that is not of it any more."""
        return self.until or _midnight(self.end)

    def cut(self, now: datetime) -> Period:
        """As far as it has come by `now`."""
        return Period(self.span, self.first, self.end, now) if self.since < now < _midnight(self.end) else self

    @property
    def previous(self) -> Period:
        """The one before it; of one that is not over as much as has passed of this one."""
        if self.span is Span.FREE:
            found = Period(self.span, self.first - (self.end - self.first), self.first)
        else:
            found = period(self.span, self.first - timedelta(days=1))
        if self.until is None:
            return found
        passed = found.since + (self.until - self.since)
        return Period(found.span, found.first, found.end, min(passed, found.before))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), VIETNAM)


def period(span: Span, day: date) -> Period:
    """The period of this length that `day` is in. Raises ValueError for a free one."""
    if span is Span.DAY:
        return Period(span, day, day + timedelta(days=1))
    if span is Span.WEEK:
        monday = day - timedelta(days=day.weekday())
        return Period(span, monday, monday + timedelta(days=7))
    months = {Span.MONTH: 1, Span.QUARTER: 3, Span.YEAR: 12}.get(span)
    if months is None:
        msg = "a free period has two days"
        raise ValueError(msg)
    first = day.replace(month=(day.month - 1) // months * months + 1, day=1)
    month = first.month + months
    return Period(span, first, first.replace(year=first.year + (month > 12), month=(month - 1) % 12 + 1))


_QUARTER = re.compile(r"(?P<year>\d{4})-?[Qq](?P<quarter>[1-4])")
_PARTS = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?")


def _turned(text: str) -> str:
    """What is written with the year last, with the year first."""
    return "-".join(part.zfill(2) for part in reversed(text.split("/"))) if "/" in text else text


def read_period(text: str) -> Period:
    """The period that a person writes: ``2026``, ``2026-Q3``, ``2026-08``, ``2026-08-31``, or the first and last day of
    a free one, ``2026-08-10..2026-08-20``; also the other way round, ``31/08/2026``, ``08/2026``, ``Q3/2026``. Raises
    ValueError."""
    first, dots, last = (_turned(one) for one in text.partition(".."))
    if dots:
        begin, end = date.fromisoformat(first), date.fromisoformat(last)
        if begin > end:
            msg = f"{begin} is after {end}"
            raise ValueError(msg)
        return Period(Span.FREE, begin, end + timedelta(days=1))
    if quarter := _QUARTER.fullmatch(first):
        return period(Span.QUARTER, date(int(quarter["year"]), int(quarter["quarter"]) * 3, 1))
    if (parts := _PARTS.fullmatch(first)) is None:
        msg = f"not a period: {text[:40]!r}"
        raise ValueError(msg)
    span = Span.DAY if parts["day"] else Span.MONTH if parts["month"] else Span.YEAR
    return period(span, date(int(parts["year"]), int(parts["month"] or 1), int(parts["day"] or 1)))


# -- Figures ----------------------------------------------------------------------------------------------------------


class Outcome(StrEnum):
    """How a delivery stands."""

    ON_TIME = "on_time"  # handed over within its term
    LATE = "late"  # handed over after it
    UNTIMED = "untimed"  # handed over; it had no term
    OPEN = "open"  # on its way, its term is not over
    OVERDUE = "overdue"  # on its way, its term is over
    REFUSED = "refused"  # by the recipient's system
    RECALLED = "recalled"  # taken back before the recipient's system saw it
    GIVEN_UP = "given_up"  # nobody tries again


# The numbers of a report's table: what has come to somebody is the sum of what has become of it.
REPORTED = ("documents", "deliveries", *(one.value for one in Outcome))


def shown(value: Mapping[str, Any], rare: Collection[str] = (Outcome.UNTIMED,)) -> list[str]:
    """Which numbers of a report are shown: of those that are `rare` only what there is in it."""
    return [name for name in REPORTED if name not in rare or value["total"][name]]


Histogram = Counter[int]  # how many took so many seconds


def coarse(seconds: int) -> int:
    """Seconds as they are counted: exact below ten minutes, then by the minute, after ten hours by ten minutes, after
    ten days by the hour. The record counts so in SQL (axis/infra/record/figures.py); the tests compare it with this."""
    for limit, step in ((600, 1), (36_000, 60), (864_000, 600)):
        if seconds < limit:
            return seconds // step * step
    return seconds // 3600 * 3600


def quantile(histogram: Mapping[int, int], share: float) -> int | None:
    """The shortest time within which at least `share` of them were done; None where there are none."""
    wanted = share * sum(histogram.values())
    seen = 0
    for seconds, count in sorted(histogram.items()):
        seen += count
        if seen >= wanted and count:
            return seconds
    return None


@dataclass(slots=True)
class Leg:
    """What became of one kind of deadline, and how long what was done took."""

    on_time: int = 0
    late: int = 0
    overdue: int = 0
    running: int = 0
    times: Histogram = field(default_factory=Counter)

    @property
    def ratio(self) -> float | None:
        """Of those whose term is over or that are done, how many were in time; None where there are none."""
        decided = self.on_time + self.late + self.overdue
        return self.on_time / decided if decided else None

    def add(self, other: Leg) -> None:
        """Count the other's with these."""
        for name in ("on_time", "late", "overdue", "running"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.times.update(other.times)


@dataclass(slots=True)
class Figures:
    """One row: of an agency, a unit, a kind, a priority, a day or a month; or of all of them."""

    sent: Counter[str] = field(default_factory=Counter)  # accepted submissions by kind
    refused: Counter[str] = field(default_factory=Counter)  # submissions that the hub refused, by each of their reasons
    rejected: int = 0  # submissions that the hub refused
    received: Counter[Outcome] = field(default_factory=Counter)  # deliveries of documents
    legs: dict[str, Leg] = field(default_factory=dict)

    @property
    def documents(self) -> int:
        """Documents sent: new ones, and those that replace others."""
        return self.sent["new"] + self.sent["replace"]

    @property
    def deliveries(self) -> int:
        """Documents received or to be received, one for each recipient."""
        return sum(self.received.values())

    @property
    def handed_over(self) -> int:
        """Those that the recipients' systems have."""
        return sum(self.received[one] for one in (Outcome.ON_TIME, Outcome.LATE, Outcome.UNTIMED))

    @property
    def ratio(self) -> float | None:
        """Of the hand-overs that were done or are overdue, how many were in time; None where there are none."""
        late = self.received[Outcome.LATE] + self.received[Outcome.OVERDUE]
        decided = self.received[Outcome.ON_TIME] + late
        return self.received[Outcome.ON_TIME] / decided if decided else None

    def leg(self, name: str) -> Leg:
        """Its deadlines of this kind."""
        return self.legs.setdefault(name, Leg())

    def add(self, other: Figures) -> None:
        """Count the other's with these."""
        self.sent.update(other.sent)
        self.refused.update(other.refused)
        self.rejected += other.rejected
        self.received.update(other.received)
        for name, leg in other.legs.items():
            self.leg(name).add(leg)


def total(rows: Iterable[Figures]) -> Figures:
    """All of them together."""
    found = Figures()
    for one in rows:
        found.add(one)
    return found


class Rated(Protocol):
    """What has a ratio of its own."""

    @property
    def ratio(self) -> float | None:
        """How much of it was in time; None where there is nothing."""


def mean_ratio(rows: Iterable[Rated]) -> float | None:
    """The mean of the rows' own on-time ratios (what is called an average, and often taken for the ratio of all): each
    counts the same however much it has received. The other one, of everything together, is the total's own ratio."""
    ratios = [one.ratio for one in rows if one.ratio is not None]
    return sum(ratios) / len(ratios) if ratios else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A number against that of the period before. 235 against 132 *is* 178 % of it, and *grew by* 78 %."""

    now: int
    before: int

    @property
    def share(self) -> float | None:
        """What it is of the one before: 1.78; None where there was nothing."""
        return self.now / self.before if self.before else None

    @property
    def growth(self) -> float | None:
        """By what part of the one before it has grown: 0.78, or shrunk: -0.2; None where there was nothing."""
        return (self.now - self.before) / self.before if self.before else None
