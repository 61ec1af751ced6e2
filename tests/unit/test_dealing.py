"""Long tests come first, in every worker's share."""

from __future__ import annotations

import pytest

from tests.dealing import dealt

FILES = {"a": (0, 5), "b": (0, 4), "c": (300, 2), "d": (0, 6), "e": (900, 1), "f": (0, 1), "g": (600, 2), "h": (0, 9)}
TESTS = [(name, number) for name, (_, many) in FILES.items() for number in range(many)]


def order(hands: int) -> list[tuple[str, int]]:
    return dealt(TESTS, lambda one: one[0], lambda one: FILES[one[0]][0], hands)


@pytest.mark.parametrize("hands", [1, 2, 3, 4])
def test_every_test_is_run_once_and_files_stay_together(hands: int) -> None:
    made = order(hands)
    assert sorted(made) == TESTS
    for name in ("c", "e", "g"):
        at = made.index((name, 0))
        assert made[at : at + FILES[name][1]] == [one for one in TESTS if one[0] == name]


def test_each_hand_of_three_begins_with_one_of_the_three_long_files() -> None:
    made = order(3)
    assert [made[at][0] for at in (0, len(TESTS) // 3, len(TESTS) * 2 // 3)] == ["e", "g", "c"]


def test_where_there_is_more_of_the_long_than_of_others_nothing_is_left_out() -> None:
    assert sorted(dealt(TESTS, lambda one: one[0], lambda one: one[0] in "abd", 3)) == TESTS


def test_files_that_share_a_server_are_one_hands_the_longest_first() -> None:
    server = {"a": "broker", "c": "broker", "h": "broker", "b": "another"}
    made = dealt(TESTS, lambda one: one[0], lambda one: FILES[one[0]][0], 3, lambda one: server.get(one[0]))
    assert sorted(made) == TESTS
    at = made.index(("c", 0))
    assert [name for name, _ in made[at : at + 16]] == [*"cc", *"aaaaa", *"hhhhhhhhh"]
