"""How much mail the hub's workers put into an agency's queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from axis.services.hub.flow import QueueLimits

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_the_depth_is_the_queues_and_not_each_workers() -> None:
    """Four workers with plenty for an agency that is away: all of them together fill its queue once."""
    workers = [QueueLimits(500) for _ in range(4)]
    waiting: list[None] = []
    for second in range(60):
        for worker in workers:
            now = NOW + timedelta(seconds=second)
            if "H41" not in worker.full(now):
                waiting += [None] * worker.take("H41", 100, waiting.__len__, now)
    assert 450 <= len(waiting) <= 500


def test_a_worker_believes_an_old_answer_no_longer() -> None:
    worker = QueueLimits(100)
    assert worker.take("H41", 5, lambda: 0, NOW) == 5
    assert worker.take("H41", 5, lambda: 100, NOW + timedelta(minutes=1)) == 0, "others have filled it meanwhile"


def test_the_last_places_are_filled_too() -> None:
    worker = QueueLimits(3)
    waiting: list[None] = []
    for step in range(10):
        waiting += [None] * worker.take("H41", 10, waiting.__len__, NOW + timedelta(seconds=3 * step))
    assert len(waiting) == 3
