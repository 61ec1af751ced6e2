"""Agencies as people name them, and alarms before certificates end: values in, values out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from axis.core import alarms
from axis.core.agencies import near, search
from axis.core.registry import Member

MEMBERS = (
    Member("G01", "Bộ Công an", "Ministry of Public Security"),
    Member("G22", "Văn phòng Chính phủ", "Government Office"),
    Member("H29", "UBND thành phố Hồ Chí Minh", "Ho Chi Minh City", aliases=("000.00.00.H29",)),
    Member("H41", "UBND tỉnh Nghệ An", "Nghe An"),
)
NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)


def codes(found: list[Member]) -> list[str]:
    return [one.code for one in found]


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("", ["G01", "G22", "H29", "H41"]),
        ("nghe an", ["H41"]),
        ("NGHỆ AN", ["H41"]),
        ("chinh phu van phong", ["G22"]),
        ("Hồ Chí Minh", ["H29"]),
        ("đà nẵng", []),
        ("ministry", ["G01"]),
        ("000.00.00.H29", ["H29"]),
        ("ubnd", ["H29", "H41"]),
    ],
)
def test_agencies_are_found_by_words_of_their_names_whatever_the_accents(typed: str, wanted: list[str]) -> None:
    assert codes(search(MEMBERS, typed)) == wanted


@pytest.mark.parametrize(
    ("typed", "first"),
    [("H42", "H41"), ("h41", "H41"), ("G2", "G22"), ("G222", "G22"), ("nghe an", "H41"), ("00.00.H29", "H29")],
)
def test_of_a_code_with_a_slip_the_one_that_was_meant_comes_first(typed: str, first: str) -> None:
    assert codes(near(MEMBERS, typed))[0] == first
    assert len(near(MEMBERS, typed)) <= 3


def test_who_is_more_than_a_slip_away_is_not_suggested_beside_one_who_is_not() -> None:
    members = [Member(code, code, code) for code in ("H49", "H59", "H89", "H58", "H11")]
    assert set(codes(near(members, "H98"))) == {"H89", "H58"}
    assert codes(near(members[:2], "H98")), "further away, where nobody is nearer"


@pytest.mark.parametrize("typed", ["", "   ", "\x1b[2J", "x" * 100_000, "☃"])
def test_what_is_like_nothing_suggests_nobody(typed: str) -> None:
    assert near(MEMBERS, typed) == []


def test_each_threshold_is_told_once_however_often_somebody_looks() -> None:
    ends, told, before = {"H41": NOW + timedelta(days=100)}, [], None
    for hour in range(24 * 110):
        now = NOW + timedelta(hours=hour)
        told += [(one.days, hour // 24) for one in alarms.crossed(ends, before, now)]
        before = now
    assert told == [(60, 40), (30, 70), (7, 93), (1, 99), (0, 100)]


def test_who_looks_for_the_first_time_or_after_long_hears_the_nearest_threshold_alone() -> None:
    ends = {"a": NOW + timedelta(days=5), "b": NOW + timedelta(days=90), "c": NOW - timedelta(days=3)}
    assert [(one.name, one.days) for one in alarms.crossed(ends, None, NOW)] == [("c", 0), ("a", 7)]
    month = NOW - timedelta(days=40)
    assert [(one.name, one.days) for one in alarms.crossed(ends, month, NOW)] == [("c", 0), ("a", 7)]
    assert alarms.crossed(ends, NOW - timedelta(hours=1), NOW) == []
