"""The queues and exchanges at the broker: their names, their arguments, and what leads where.

Values alone, for whoever makes them (:mod:`.requests`) and whoever gives rights to them (`axis broker setup`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axis.core.message import DEAD_QUEUE, Route

if TYPE_CHECKING:
    from collections.abc import Iterable

# How often a message may come back before the broker itself calls it dead. Not a verdict on the message: a
# killed consumer returns a whole batch of innocents. The record counts attempts and judges; this is an alarm.
DELIVERY_LIMIT = 1000

# Without a limit of its own a quorum queue has none before RabbitMQ 4, and 20 from there on: after that, where no dead
# letters are kept, the message is gone. So every queue says its own.
QUORUM: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT}
# A full queue refuses what comes; it drops nothing that it holds.
_BOUNDED = QUORUM | {"x-overflow": "reject-publish"}
QUEUE_ARGUMENTS = _BOUNDED | {
    # A dead letter leaves its queue only when the other queue has confirmed it. That needs reject-publish.
    "x-dead-letter-strategy": "at-least-once",
    "x-dead-letter-exchange": "",  # the default exchange always exists and needs no binding
    "x-dead-letter-routing-key": DEAD_QUEUE,
}
# Of what an agency sends so much may wait for the hub; beyond it the broker refuses (the adapter keeps it and tries
# again). So a flood fills its own queue and then costs the broker's disk, which all share, nothing.
INTAKE_QUOTA: dict[str, Any] = {"x-max-length": 10_000, "x-max-length-bytes": 4_000_000_000}
# The same for an agency's mail, whatever the number of hub workers; the rest waits in the record. Their own limit,
# `hub.queue_depth`, counts messages only: AMQP tells nobody how many bytes wait.
MAIL_QUOTA = INTAKE_QUOTA
# A dead letter that finds no room waits where it is and counts there, so against the agency whose queue that is.
DEAD_QUOTA: dict[str, Any] = {"x-max-length": 10_000, "x-max-length-bytes": 1_000_000_000}

OLD_INTAKE = "axis.in"  # of adapters from before each agency had an intake exchange of its own


def queue_arguments(route: Route | None) -> dict[str, Any]:
    """The arguments that this route's queue is declared with; None: the dead letters' queue."""
    if route is None:
        return _BOUNDED | DEAD_QUOTA
    return QUEUE_ARGUMENTS | (INTAKE_QUOTA if route.direction == "in" else MAIL_QUOTA)


def exchanges(codes: Iterable[str]) -> dict[str, str]:
    """The exchanges that agencies' mail needs, with their kinds.

    One exchange for all intakes would not do: CC and BCC headers are routing keys too, and the broker asks only for the
    right to the first key."""
    return {OLD_INTAKE: "topic", "axis.out": "topic"} | {Route("in", code).exchange: "direct" for code in codes}


def bindings(route: Route) -> list[tuple[str, str]]:
    """(exchange, routing key) of everything that leads to this route's queue."""
    old = [(OLD_INTAKE, route.routing_key)] if route.direction == "in" else []
    return [(route.exchange, route.routing_key), *old]


def lock_queue(code: str) -> str:
    """The queue that one adapter of this agency holds for itself alone while it works."""
    return f"axis.lock.{code}"
