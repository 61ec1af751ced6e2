"""Periods as people name them, and figures that add up."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axis.core import figures
from axis.core.figures import Comparison, Figures, Leg, Outcome, Span, coarse, period, quantile, read_period
from axis.core.instant import VIETNAM


@pytest.mark.parametrize(
    ("text", "first", "end", "before"),
    [
        ("2026", "2026-01-01", "2027-01-01", "2025-01-01"),
        ("2026-Q1", "2026-01-01", "2026-04-01", "2025-10-01"),
        ("2026q4", "2026-10-01", "2027-01-01", "2026-07-01"),
        ("2026-12", "2026-12-01", "2027-01-01", "2026-11-01"),
        ("2024-02", "2024-02-01", "2024-03-01", "2024-01-01"),
        ("2026-01-01", "2026-01-01", "2026-01-02", "2025-12-31"),
        ("2026-01-05..2026-01-09", "2026-01-05", "2026-01-10", "2025-12-31"),
        ("Q1/2026", "2026-01-01", "2026-04-01", "2025-10-01"),
        ("12/2026", "2026-12-01", "2027-01-01", "2026-11-01"),
        ("01/01/2026", "2026-01-01", "2026-01-02", "2025-12-31"),
        ("5/1/2026..9/1/2026", "2026-01-05", "2026-01-10", "2025-12-31"),
    ],
)
def test_a_period_is_what_a_person_writes_and_follows_the_one_before(
    text: str, first: str, end: str, before: str
) -> None:
    found = read_period(text)
    assert (found.first.isoformat(), found.end.isoformat()) == (first, end)
    assert found.previous.first.isoformat() == before
    assert found.previous.end == found.first


@pytest.mark.parametrize(
    "text",
    [
        "",
        "26",
        "2026-13",
        "2026-Q5",
        "2026-02-30",
        "today",
        "2026-01-09..2026-01-05",
        "..",
        "31/02/2026",
        "13/2026",
        "2026/01/05",
        "/",
    ],
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_period(text)


def test_a_day_begins_at_midnight_in_viet_nam() -> None:
    assert read_period("2026-11-25").since == datetime(2026, 11, 24, 17, tzinfo=UTC)
    assert read_period("2026-11-25").before == datetime(2026, 11, 25, 17, tzinfo=UTC)


def test_a_week_begins_on_monday() -> None:
    assert period(Span.WEEK, date(2026, 11, 29)).first == date(2026, 11, 23)


def test_a_period_that_is_not_over_is_compared_with_as_much_of_the_one_before() -> None:
    now = datetime(2026, 11, 11, 9, 30, tzinfo=VIETNAM)
    month = read_period("2026-11").cut(now)
    assert month.before == now
    assert (month.previous.since, month.previous.before) == (
        datetime(2026, 10, 1, tzinfo=VIETNAM),
        datetime(2026, 10, 11, 9, 30, tzinfo=VIETNAM),
    )
    march = read_period("2026-03").cut(datetime(2026, 3, 31, 9, tzinfo=VIETNAM))
    assert march.previous.before == datetime(2026, 3, 1, tzinfo=VIETNAM)  # February has no 31st
    assert read_period("2026-10").cut(now).until is None


def test_two_hundred_thirty_five_against_one_hundred_thirty_two_is_a_growth_by_seventy_eight_percent() -> None:
    found = Comparison(2353, 1324)
    assert found.share == pytest.approx(1.777, abs=0.001)
    assert found.growth == pytest.approx(0.777, abs=0.001)
    assert (Comparison(5, 0).share, Comparison(5, 0).growth) == (None, None)
    assert Comparison(0, 4).growth == -1


@given(st.lists(st.integers(0, 3_000_000), min_size=1, max_size=50), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_quantile_is_the_one_of_the_sorted_list(seconds: list[int], share: float) -> None:
    rounded = sorted(map(coarse, seconds))
    found = quantile(Counter(rounded), share)
    assert found is not None
    assert found in rounded
    assert sum(one <= found for one in rounded) >= share * len(rounded)
    smaller = [one for one in rounded if one < found]
    assert len(smaller) < share * len(rounded)


@given(st.integers(0, 10**8))
def test_seconds_are_counted_as_exactly_as_people_read_them(seconds: int) -> None:
    assert 0 <= seconds - coarse(seconds) < max(1, seconds * 0.1)
    assert seconds >= 600 or coarse(seconds) == seconds


def test_nothing_has_no_quantile_and_no_ratio() -> None:
    assert quantile({}, 0.5) is None
    assert (Leg().ratio, Figures().ratio, figures.mean_ratio([]), figures.mean_ratio([Figures()])) == (None,) * 4


def test_both_ratios_are_named_for_they_differ() -> None:
    large = Figures(received=Counter({Outcome.ON_TIME: 90, Outcome.LATE: 5, Outcome.OVERDUE: 5, Outcome.OPEN: 50}))
    small = Figures(received=Counter({Outcome.ON_TIME: 1, Outcome.LATE: 1, Outcome.REFUSED: 7}))
    assert figures.total([large, small]).ratio == pytest.approx(91 / 102)
    assert figures.mean_ratio([large, small, Figures()]) == pytest.approx((0.9 + 0.5) / 2)
    assert figures.total([large, small]).deliveries == 159


def test_a_total_counts_everything_once_and_leaves_the_rows_as_they_were() -> None:
    row = Figures(sent=Counter(new=2, replace=1, recall=1), rejected=1, refused=Counter(XML_SYNTAX=1))
    row.leg("handover").times.update({3: 2})
    found = figures.total([row, row])
    assert (found.documents, found.sent["recall"], found.rejected, found.refused["XML_SYNTAX"]) == (6, 2, 2, 2)
    assert (found.leg("handover").times, row.leg("handover").times) == ({3: 4}, {3: 2})


def test_a_free_period_is_never_guessed_from_one_day() -> None:
    with pytest.raises(ValueError, match="two days"):
        period(Span.FREE, date(2026, 1, 1))
    assert read_period("2026-01-05..2026-01-05").end - date(2026, 1, 5) == timedelta(days=1)
