"""When agencies work: days and hours in Viet Nam, with public holidays and make-up days. Pure.

Which days are off is decided year by year (Labour Code 2019, Art. 112, and the announcements of the exchange of working
days); the list is a file, ``config/calendar.csv``, that every installation keeps up to date.
"""

from __future__ import annotations

import csv
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from axis.core.instant import VIETNAM

Hours = tuple[tuple[time, time], ...]


class Calendar(NamedTuple):
    """Working days and hours: Monday to Friday but for `off`, and `work`, Saturdays that make up for a day off."""

    off: frozenset[date]
    work: frozenset[date]
    hours: Hours

    def is_working(self, day: date) -> bool:
        """Whether agencies work on this day."""
        return day in self.work or (day.weekday() < 5 and day not in self.off)

    def after_hours(self, start: datetime, hours: float) -> datetime:
        """The moment when `hours` of working time have passed since `start`."""
        left = timedelta(hours=hours)
        here = start.astimezone(VIETNAM)
        day = here.date()
        while True:
            for begin, end in self.hours if self.is_working(day) else ():
                first = max(here, _at(day, begin))
                room = _at(day, end) - first
                if room >= left:
                    return first + left
                left -= max(room, timedelta(0))
            day += timedelta(days=1)

    def after_days(self, start: datetime, days: int) -> datetime:
        """The end of work on the `days`-th working day from `start`, which counts as day 0 if work has not ended yet;
        outside working hours day 0 is the next working day."""
        here = start.astimezone(VIETNAM)
        day = here.date()
        if here >= _at(day, self.hours[-1][1]):
            day += timedelta(days=1)
        left = days
        while True:
            if self.is_working(day):
                if left == 0:
                    return _at(day, self.hours[-1][1])
                left -= 1
            day += timedelta(days=1)

    def end_of(self, day: date) -> datetime:
        """The end of work on this day, or on the next working day after it."""
        while not self.is_working(day):
            day += timedelta(days=1)
        return _at(day, self.hours[-1][1])


def read(text: str, hours: Hours) -> Calendar:
    """The calendar in `text`: CSV with the columns date, kind (``off``, ``work``) and name. Raises ValueError."""
    days: dict[str, set[date]] = {"off": set(), "work": set()}
    for row in csv.DictReader(text.splitlines()):
        try:
            days[row["kind"]].add(date.fromisoformat(row["date"]))
        except (KeyError, TypeError):
            msg = f"not a day of the calendar: {row}"
            raise ValueError(msg) from None
    return Calendar(frozenset(days["off"]), frozenset(days["work"]), hours)


def read_hours(texts: tuple[str, ...]) -> Hours:
    """``08:00-12:00`` … as pairs, in order. Raises ValueError."""
    found = []
    for text in texts:
        begin, _, end = text.partition("-")
        found.append((time.fromisoformat(begin.strip()), time.fromisoformat(end.strip())))
    flat = [moment for pair in found for moment in pair]
    if not found or flat != sorted(set(flat)):
        msg = "working hours must follow one another"
        raise ValueError(msg)
    return tuple(found)


def _at(day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, VIETNAM)
