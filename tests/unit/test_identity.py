"""Ids sort by time, and those that one hub gives within one moment by the order in which it gave them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from axis.core.identity import earliest, moment_of, uuid7, uuid7_after

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
CHANCE = st.binary(min_size=10, max_size=10)


@given(CHANCE)
def test_an_id_is_a_version_7_and_not_less_than_the_earliest_of_its_moment(chance: bytes) -> None:
    found = uuid.UUID(uuid7(NOW, chance))
    assert (found.version, found.variant) == (7, uuid.RFC_4122)
    assert earliest(NOW) <= str(found) < earliest(NOW + timedelta(milliseconds=1))
    assert moment_of(str(found)) == NOW


@given(st.lists(CHANCE, min_size=2, max_size=40))
def test_ids_of_one_moment_rise_and_none_comes_twice(chances: list[bytes]) -> None:
    given: list[str] = [""]
    for chance in chances:
        given.append(uuid7_after(given[-1], NOW, chance))
    assert given == sorted(set(given))
    assert {(uuid.UUID(one).version, uuid.UUID(one).variant) for one in given[1:]} == {(7, uuid.RFC_4122)}
    assert {one[:13] for one in given[1:]} == {earliest(NOW)[:13]}


@given(CHANCE, CHANCE)
def test_an_id_of_another_moment_is_its_own(one: bytes, other: bytes) -> None:
    before = uuid7_after("", NOW, one)
    for moment in (NOW + timedelta(milliseconds=1), NOW - timedelta(hours=1)):  # a clock may be put back
        assert uuid7_after(before, moment, other)[:13] == earliest(moment)[:13]
