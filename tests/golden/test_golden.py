"""What the hub does of each kind of message is what it did when the golden cases were written, or what is known to be right
instead. After a change that is meant, ``python -m tests.golden --write`` writes them anew; what git shows then is reviewed."""

from __future__ import annotations

import pytest

from tests.golden.case import CASES
from tests.golden.record import DATA, accepted, difference, kept, known_differences, played, several_at_once

NAMES = [(group, name) for group, cases in CASES.items() for name in cases]


@pytest.mark.parametrize(("group", "name"), NAMES, ids=[f"{group}: {name}" for group, name in NAMES])
def test_a_golden_case(group: str, name: str) -> None:
    now, at_once = played(group, name)
    golden, *right = accepted(group, name)
    assert now in [golden, *right], "\n" + difference(golden, now)
    assert at_once == (f"{group}: {name}" in several_at_once())


def test_every_kept_case_is_played() -> None:
    assert {path.stem: set(kept(path.stem)) for path in DATA.iterdir()} == {g: set(cases) for g, cases in CASES.items()}


def test_a_known_difference_says_why_and_is_one() -> None:
    known = known_differences()
    for case, difference_ in known["right"].items():
        group, _, name = case.partition(": ")
        golden, right = accepted(group, name)
        assert difference_["reason"]
        assert golden != right
    for case in known["split"]:
        group, _, name = case.partition(": ")
        assert name in CASES[group]
