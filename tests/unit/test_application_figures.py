"""What a period came to in applications, what was published in 2020, and a record from which that comes out."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axis import texts
from axis.core.applications import figures, published
from axis.core.applications.application import Application, read_application
from axis.core.applications.figures import Event, Happened, Outcome, Tally
from axis.core.applications.status import Status
from axis.core.figures import Period, read_period
from axis.services.operate.provision import catalogue
from axis.trials import applications as trial

START = datetime(2020, 1, 10, 2, tzinfo=UTC)
JANUARY = read_period("2020-01")


def one(received: int, closed: int | None, due: int, status: Status = Status.RETURNED) -> Application:
    """Moments in hours since 10 January, nine in the morning."""
    begun = START + timedelta(hours=received)
    ended = None if closed is None else START + timedelta(hours=closed)
    state = Status.PROCESSING if ended is None else status
    return Application("", "1", "H26", "H26", state, begun, START + timedelta(hours=due), begun, ended)


@pytest.mark.parametrize(
    ("application", "stands"),
    [
        (one(0, 5, 30), Outcome.EARLY),
        (one(0, 5, 6), Outcome.ON_TIME),
        (one(0, 5, 5), Outcome.ON_TIME),
        (one(0, 5, 4), Outcome.LATE),
        (one(0, 14, 16), Outcome.EARLY),  # closed at 23:00, due at 1:00 of the next day in Viet Nam
        (one(0, 5, 4, Status.WITHDRAWN), Outcome.WITHDRAWN),
        (one(0, 5, 4, Status.STOPPED), Outcome.STOPPED),
        (one(0, 5, 4, Status.NOT_ACCEPTED), Outcome.NOT_ACCEPTED),
        (one(0, None, 10_000), Outcome.OPEN),
        (one(0, None, 10), Outcome.OVERDUE),
        (one(0, 700, 10_000), Outcome.OPEN),  # it ended in February
        (one(-5000, -4000, 10), None),
        (one(700, None, 10_000), None),
    ],
)
def test_an_application_stands_in_a_period_as_it_stood_at_its_end(
    application: Application, stands: Outcome | None
) -> None:
    assert figures.outcome(application, JANUARY) is stands


MOMENTS = st.integers(-2000, 4000)


@st.composite
def applications(draw: st.DrawFn) -> Application:
    received = draw(MOMENTS)
    closed = draw(st.none() | st.integers(received, 5000))
    ends = st.sampled_from((Status.RETURNED, Status.WITHDRAWN, Status.STOPPED, Status.NOT_ACCEPTED, Status.PROCESSED))
    return one(received, closed, draw(MOMENTS), draw(ends))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(applications(), st.integers(1, 9)), max_size=30))
def test_of_any_record_each_row_and_each_month_adds_up_and_months_hand_on_what_is_open(
    known: list[tuple[Application, int]],
) -> None:
    half_year = read_period("2020-01-01..2020-06-30")
    months = [f"2020-0{n}" for n in range(1, 7)]
    cells = list(figures.cells(known, half_year, figures.channel))
    rows = figures.tally(cells)
    by_month = figures.by_month(cells, (), months)
    whole = figures.total(rows.values())
    assert [figures.broken(row) for row in (*rows.values(), *by_month.values(), whole)] == [[]] * (len(rows) + 7)
    for before, after in pairwise(by_month.values()):
        assert after.carried == before.still_open
    assert by_month["2020-01"].carried == whole.carried
    assert sum(row.received for row in by_month.values()) == whole.received
    assert by_month["2020-06"].still_open == whole.still_open
    for month in months:  # each month alone says what it says among the others
        alone = figures.total(figures.tally(figures.cells(known, read_period(month), figures.channel)).values())
        row = by_month[month]
        assert (alone.carried, alone.received, alone.resolved, alone.still_open) == (
            row.carried,
            row.received,
            row.resolved,
            row.still_open,
        )


def test_a_record_that_contradicts_itself_is_told_where() -> None:
    row = Tally(carried=1, received=2, outcomes=Counter({Outcome.EARLY: 2}), happened=Counter({Happened.PAID: 1}))
    assert [(left, right) for _, left, right in figures.broken(row)] == [(3, 2), (1, 0)]


def test_who_only_sends_or_only_receives_is_not_covered() -> None:
    found = figures.coverage(["A", "B", "C", "D"], ["A", "B"], ["B", "C", "X"])
    assert (found.exchanging, found.members, found.missing) == (1, 4, ("A", "C", "D"))


def test_a_service_is_offered_by_those_who_had_it_by_that_day() -> None:
    first = {("s", "A"): date(2020, 1, 1), ("s", "B"): date(2020, 6, 1), ("t", "A"): date(2020, 7, 1)}
    assert figures.offered(first, date(2020, 5, 31)) == {"s": 1}
    assert figures.offered(first, date(2020, 7, 1)) == {"s": 2, "t": 1}


# -- 2020 --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def claims() -> dict[str, published.Claim]:
    codes = tuple(row["code"] for row in catalogue())
    record = trial.record_of_2020(codes)
    covered = figures.coverage(codes, record.members, record.members)
    found = published.claims(record.applications, record.events, record.offers, record.services, covered)
    return {claim.name: claim for claim in found}


def test_the_published_counts_come_out_of_the_record(claims: dict[str, published.Claim]) -> None:
    contradicted = {"target", "hanoi.ratio", "february.growth", "february.resolved_growth", "savings"}
    assert {name for name, claim in claims.items() if not claim.agrees} == contradicted
    assert len(claims) == 29


def test_where_the_published_text_contradicts_itself_the_right_figure_is_printed_with_a_note(
    claims: dict[str, published.Claim],
) -> None:
    right = {name: (published.shown(one.found, one.unit), one.note) for name, one in claims.items() if not one.agrees}
    assert right == {
        "target": ("24.4", "target"),
        "hanoi.ratio": ("98.0", "hanoi"),
        "february.growth": ("+77.7", "growth"),
        "february.resolved_growth": ("+69.9", "growth"),
        "savings": ("3256.4", "savings"),
    }
    assert published.shown(claims["city.mean"].facts["pooled"], "percent") == "85.4"
    assert f"{claims['postal'].facts['share']:.6f}" == "0.150000"
    for claim in claims.values():
        assert f"published.{claim.name}" in texts.TEXTS
        assert not claim.note or f"published.note.{claim.note}" in texts.TEXTS


def test_the_record_adds_up_in_every_period_and_hands_on_from_month_to_month() -> None:
    record = trial.record_of_2020(("G22",))
    for period in (published.SPRING, published.JANUARY, published.FEBRUARY, read_period("2020")):
        rows = figures.tally(figures.cells(record.applications, period, lambda one: one.resolver))
        assert all(figures.broken(row) == [] for row in rows.values())
    hanoi = [pair for pair in record.applications if pair[0].resolver == "H26"]
    cells = figures.cells(hanoi, published.SPRING, figures.channel)
    months = figures.by_month(cells, (), [f"2020-0{n}" for n in range(1, 5)])
    assert [row.received for row in months.values()] == [132_412, 235_306, 250_140, 41_054]
    assert [row.resolved for row in months.values()] == [132_087, 224_418, 249_020, 41_425]


def test_february_one_by_one_is_the_same_each_time_and_each_can_be_sent() -> None:
    made = list(trial.february(3000))
    assert made == list(trial.february(3000))
    assert len({one.number for one in made}) == 3000
    february = published.FEBRUARY
    row = figures.total(figures.tally(figures.cells([(one, 1) for one in made], february, figures.channel)).values())
    assert figures.broken(row) == []
    assert (row.carried, row.received) == (0, 3000)
    assert abs(row.resolved / 3000 - 224_093 / 235_306) < 0.02
    assert abs((row.ratio or 0) - 223_783 / 224_093) < 0.01
    for one in made[:50]:
        begun = Status.REGISTERED if one.on_line else Status.ACCEPTED
        sent = read_application(trial.as_sent(one, begun), "H26")
        assert (sent.number, sent.service, sent.status) == (one.number, one.service, begun)
        assert sent.due_at == one.due_at.replace(microsecond=0)


def test_events_are_counted_in_their_own_month() -> None:
    events = [Event("a", "2020-01", Happened.PAID, "VCB", 2), Event("a", "2020-02", Happened.RETURNED)]
    months = figures.by_month((), events, ["2020-01", "2020-02"])
    assert months["2020-01"].banks == {"VCB": 2}
    assert months["2020-02"].happened == {Happened.RETURNED: 1}
    assert isinstance(JANUARY, Period)
