"""What is asked of the broker over a channel of its own: queues to be made, how many wait, a lock, how much it takes.

Each raises what :meth:`axis.infra.amqp.connection.Line.ask` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axis.core.message import DEAD_QUEUE, Route
from axis.errors import Fault, Misconfigured, Problem
from axis.infra.amqp.connection import SLOWEST_LINK
from axis.infra.amqp.topology import bindings, exchanges, lock_queue, queue_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pika.channel import Channel

    from axis.infra.amqp.connection import Line
    from axis.infra.amqp.proved import Proved


def declare(line: Line, codes: Sequence[str], patience: float) -> None:
    """Make exchanges, the queues of these agencies and the dead letters, where they are missing.

    Requests are sent without waiting for each answer; the last one is answered when all are done.
    Raises :class:`Misconfigured` BROKER_OTHER_QUEUE where a queue exists with other arguments.
    """
    queues = [
        Route(direction, code, urgent) for code in codes for direction in ("in", "out") for urgent in (True, False)
    ]

    def work(channel: Channel, done: Callable[[None], None]) -> None:
        channel.queue_declare(DEAD_QUEUE, durable=True, arguments=queue_arguments(None))
        for exchange, kind in exchanges(codes).items():
            channel.exchange_declare(exchange, kind, durable=True)  # type: ignore[arg-type]
        for route in queues:
            channel.queue_declare(route.queue, durable=True, arguments=queue_arguments(route))
            for exchange, key in bindings(route):
                channel.queue_bind(route.queue, exchange, key)
        channel.queue_declare(DEAD_QUEUE, passive=True, callback=lambda _frame: done(None))

    line.ask(work, patience + 0.2 * len(queues))  # a quorum queue takes some 10 ms to make


def waiting(line: Line, queue: str, patience: float) -> tuple[int, int]:
    """How many messages wait in a queue unheld, and how many read it."""

    def work(channel: Channel, done: Callable[[tuple[int, int]], None]) -> None:
        def counted(declared: Any) -> None:
            done((declared.method.message_count, declared.method.consumer_count))

        channel.queue_declare(queue, passive=True, callback=counted)

    return line.ask(work, patience, queue)


def lock(line: Line, code: str, patience: float) -> None:
    """Have this agency's lock on `line`: a queue that exists as long as the connection that declared it.

    Raises :class:`Unavailable` ADAPTER_TWICE while another connection has it.
    """
    name = lock_queue(code)

    def work(channel: Channel, done: Callable[[None], None]) -> None:
        channel.queue_declare(name, exclusive=True, callback=lambda _frame: done(None))

    line.ask(work, patience, name)


def require_size(line: Line, size: int, proved: Proved | None, patience: float) -> None:
    """See to it that the broker takes messages of `size` bytes, which it tells nobody: by sending one that no queue
    wants, unless `proved` says that this very broker has taken such a one.

    Raises :class:`Misconfigured` BROKER_CONFIG when its limit (``max_message_size``) is lower.
    """

    def work(channel: Channel, done: Callable[[None], None]) -> None:
        channel.basic_publish("axis.out", "axis.no-such-agency.check", bytes(size))
        # Answered when the message was taken. To be told that nobody wanted it would bring all of it back.
        channel.exchange_declare("axis.out", passive=True, callback=lambda _frame: done(None))

    if proved is not None and proved.covers(line.describes_itself, size):
        return
    try:
        line.ask(work, patience + size / SLOWEST_LINK)
    except Misconfigured as error:
        problem = Problem(Fault.BROKER_CONFIG, expected=f"max_message_size >= {size}", got=error.problems[0].got)
        raise Misconfigured(problem) from None
    if proved is not None:
        proved.note(line.describes_itself, size)
