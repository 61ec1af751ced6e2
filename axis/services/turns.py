"""What hub and adapters take from their queues at once: urgent mail first, and not only urgent mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.core.message import Broker, Delivered, Route

BATCH_MESSAGES, BATCH_BYTES = 100, 32 * 1024 * 1024  # as much of a queue as the broker hands out unacknowledged
ORDINARY_FIRST = 4  # every so many turns


def take(broker: Broker, routes: Sequence[Route], turn: int, timeout: float) -> list[Delivered]:
    """A batch from these queues, urgent first; every fourth `turn` ordinary ones, if there are any, so that however
    much urgent mail comes the rest moves too. Waits up to `timeout` seconds for the first message."""
    if turn % ORDINARY_FIRST == ORDINARY_FIRST - 1:
        ordinary = [route for route in routes if not route.urgent] or routes
        taken = broker.receive(ordinary, limit=BATCH_MESSAGES, max_bytes=BATCH_BYTES, timeout=0)
        if taken:
            return taken
    return broker.receive(routes, limit=BATCH_MESSAGES, max_bytes=BATCH_BYTES, timeout=timeout)


def is_full(taken: Sequence[Delivered]) -> bool:
    """Whether a batch holds about as much as one may: there is more where it comes from."""
    size = sum(len(one.message.body) for one in taken)
    return len(taken) >= BATCH_MESSAGES or size >= BATCH_BYTES // 2
