"""What a run of the suite leaves out, another run tries, and `make sweep` tries everything."""

from __future__ import annotations

import pytest

from tests.sample import is_tried


@pytest.mark.parametrize("share", [1, 2, 3, 8])
def test_in_as_many_runs_as_there_are_parts_each_number_is_tried_once(share: int) -> None:
    tried = [[n for n in range(50) if is_tried(n, share, full=False, seed=seed)] for seed in range(100, 100 + share)]
    assert sorted(n for one in tried for n in one) == list(range(50))
    assert all(one for one in tried)


def test_what_is_gone_through_in_as_many_ways_as_there_are_parts_is_tried_once_in_each_run() -> None:
    tried = [n for turn in range(3) for n in range(50) if is_tried(n, 3, turn, full=False, seed=7)]
    assert sorted(tried) == list(range(50))


def test_a_full_sweep_tries_everything() -> None:
    assert all(is_tried(n, 8, turn, full=True, seed=3) for n in range(50) for turn in range(3))
