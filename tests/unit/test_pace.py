"""How often a process goes round while little comes, and while much does."""

from __future__ import annotations

from axis.core.message import Delivered, Message, Route
from axis.services import run, turns
from axis.services.agency import submit


def waited(rounds: int, every: float) -> float:
    """Seconds that so many rounds have waited for, each begun so long after the one before had ended."""
    pace, now, total = run._Pace(), 1000.0, 0.0
    for _ in range(rounds):
        pause = pace.after(now)
        total += pause
        now += pause + every
    return total


def test_a_few_rounds_wait_for_nothing_and_many_small_ones_are_gathered() -> None:
    assert waited(run.AT_ONCE, 0.01) == 0
    seconds = waited(50, 0.01) + 50 * 0.01
    assert (50 - run.AT_ONCE - 1) * run.GATHER <= seconds <= 50 * run.GATHER
    assert waited(50, run.GATHER) == 0  # what comes seldom is never late


def test_a_batch_is_full_by_count_or_by_bytes() -> None:
    def batch(count: int, size: int) -> list[Delivered]:
        message = Message("m", Route("in", "G22"), bytes(size))
        return [Delivered(message, redelivered=False, handle=None)] * count

    assert not turns.is_full([])
    assert not turns.is_full(batch(turns.BATCH_MESSAGES - 1, 1))
    assert turns.is_full(batch(turns.BATCH_MESSAGES, 1))
    assert turns.is_full(batch(1, turns.BATCH_BYTES // 2))


def after(seconds_of_one: float, rounds: int, *, is_shared: bool = True) -> int:
    """How many of one agency's sources a round deals with after so many, where each source takes so long."""
    batch = run._Batch(is_shared=is_shared)
    for _ in range(rounds):
        batch.after(batch.size * seconds_of_one)
    return batch.size


def test_who_has_much_to_send_gets_less_of_a_round_where_that_takes_long_and_others_share_the_process() -> None:
    assert after(0.001, 20) == submit.BATCH_MESSAGES
    assert after(0.01, 20) == round(run.SOON / 0.01)
    assert after(1.0, 20) == run.LEAST
    assert after(1.0, 20, is_shared=False) == submit.BATCH_MESSAGES
    batch = run._Batch(is_shared=True)
    for seconds in [5.0] * 5 + [0.01] * 20:
        batch.after(seconds)
    assert batch.size == submit.BATCH_MESSAGES, "it was only for a while"
