"""Working time in Viet Nam: holidays, make-up days, nights, year ends."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axis.core.hub import calendar, terms
from axis.core.hub.terms import Deadlines, Leg
from axis.core.instant import VIETNAM

ROOT = Path(__file__).parent.parent.parent
HOURS = calendar.read_hours(("08:00-12:00", "13:00-17:00"))
DAYS = calendar.read((ROOT / "config" / "calendar.csv").read_text("utf-8"), HOURS)
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 6, 1)).map(lambda m: m.replace(tzinfo=VIETNAM))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-11-23", True),  # an ordinary Monday
        ("2026-11-22", False),  # a Sunday
        ("2026-11-24", False),  # Culture Day, from 2026
        ("2025-11-24", True),
        ("2026-02-17", False),  # Tết
        ("2026-02-14", False),  # the Saturday before it
        ("2026-08-22", True),  # a Saturday that makes up for 31 August
        ("2026-08-31", False),
        ("2026-09-02", False),
        ("2026-01-01", False),
        ("2026-04-27", False),  # Hùng Kings' day fell on a Sunday
    ],
)
def test_days_off_and_days_that_make_up_for_them(day: str, works: bool) -> None:
    assert DAYS.is_working(date.fromisoformat(day)) is works


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-23 09:00", 2, "2026-11-23 11:00"),
        ("2026-11-23 11:00", 2, "2026-11-23 14:00"),  # over lunch
        ("2026-11-23 16:00", 2, "2026-11-25 09:00"),  # over the night and Culture Day
        ("2026-11-20 16:30", 1, "2026-11-23 08:30"),  # over a weekend
        ("2026-11-21 10:00", 1, "2026-11-23 09:00"),  # from a Saturday
        ("2026-02-13 16:30", 1, "2026-02-23 08:30"),  # over nine days of Tết
        ("2026-08-21 16:30", 1, "2026-08-22 08:30"),  # into a make-up Saturday
        ("2026-12-31 16:30", 1, "2027-01-04 08:30"),  # over the year's end
        ("2026-11-23 03:00", 8, "2026-11-23 17:00"),
    ],
)
def test_working_hours_pass_only_while_agencies_work(start: str, hours: float, end: str) -> None:
    assert DAYS.after_hours(at(start), hours) == at(end)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-11-23 09:00", 0, "2026-11-23 17:00"),
        ("2026-11-23 17:00", 0, "2026-11-25 17:00"),  # work has ended, tomorrow is a holiday
        ("2026-11-23 09:00", 1, "2026-11-25 17:00"),
        ("2026-02-12 09:00", 1, "2026-02-13 17:00"),
        ("2026-02-13 09:00", 1, "2026-02-23 17:00"),
        ("2026-12-31 18:00", 1, "2027-01-05 17:00"),
        ("2026-08-21 09:00", 1, "2026-08-22 17:00"),
    ],
)
def test_working_days_end_with_the_days_work(start: str, days: int, end: str) -> None:
    assert DAYS.after_days(at(start), days) == at(end)


@given(MOMENTS, st.floats(0.01, 60), st.floats(0.01, 60))
def test_more_time_is_never_over_earlier_and_time_adds_up(start: datetime, first: float, second: float) -> None:
    half = DAYS.after_hours(start, first)
    whole = DAYS.after_hours(start, first + second)
    assert start < half < whole
    assert abs(DAYS.after_hours(half, second) - whole) < timedelta(seconds=1)


@pytest.mark.parametrize(
    "text", ["date,kind,name\n2026-13-01,off,x", "date,kind,name\n2026-01-01,holiday,x", "date\n2026-01-01"]
)
def test_a_calendar_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"calendar|month"):
        calendar.read(text, HOURS)


@pytest.mark.parametrize("hours", [(), ("08:00",), ("12:00-08:00",), ("08:00-12:00", "11:00-17:00")])
def test_hours_that_make_no_day_are_refused(hours: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"hours|isoformat|time"):
        calendar.read_hours(hours)


RULES = Deadlines(tuple(terms.read_rule(text) for text in terms.DEFAULT), DAYS, 0.75)


def test_the_first_rule_that_fits_counts() -> None:
    start = at("2026-11-23 09:00")
    ordinary, urgent = RULES.term(Leg.HANDOVER, "new", 0, start), RULES.term(Leg.HANDOVER, "new", 3, start)
    assert ordinary is not None
    assert urgent is not None
    assert (ordinary.due_at, urgent.due_at) == (start + timedelta(hours=24), start + timedelta(hours=1))
    assert ordinary.warn_at == start + timedelta(hours=18)
    own = Deadlines((terms.read_rule("answer recall 1h"), terms.read_rule("answer never")), DAYS, 0.5)
    assert own.term(Leg.ANSWER, "recall", 0, start) is not None
    assert own.term(Leg.ANSWER, "update", 0, start) is None
    assert own.term(Leg.HANDOVER, "new", 0, start) is None


def test_a_due_date_ends_with_that_days_work_or_the_next_working_days() -> None:
    start = at("2026-11-20 09:00")
    term = RULES.term(Leg.PROCESSING, "new", 0, start, date(2026, 11, 24))
    assert term is not None
    assert term.due_at == at("2026-11-25 17:00")
    assert RULES.term(Leg.PROCESSING, "new", 0, start) is None


@pytest.mark.parametrize(
    "text", ["", "handover", "handover 1", "hand 1h", "handover 1.5wd", "handover new old 1h", "handover -1h"]
)
def test_a_rule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"deadline|days|Leg"):
        terms.read_rule(text)


@pytest.mark.parametrize(("text", "hours"), [("PT4H", 4), ("P1DT30M", 24.5), ("PT90M", 1.5)])
def test_a_duration_is_read(text: str, hours: float) -> None:
    assert terms.read_duration(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "P", "PT", "4h", "PT0H", "P1Y"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        terms.read_duration(text)
