"""Moving what waits in one queue to another, or looking at it, over a connection of its own that waits for answers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pika
from pika import exceptions

from axis.infra.amqp.envelope import Arrived, read
from axis.infra.amqp.topology import QUORUM
from axis.infra.amqp.trouble import translated
from axis.infra.amqp.wire import WireConnection
from axis.infra.embedded import SIFTED, SIFTED_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from axis.core.message import Delivered, Route


def move(parameters: Sequence[pika.connection.Parameters], source: str, target: str) -> None:
    """Move what waits in one queue to another, which is made where it is missing, in order and as it is.

    Each message is gone from `source` only when `target` has confirmed it; what `target` has no room for stays. Who
    published it is kept as a header, for it is published anew. For one who administers, at leisure; while nobody
    else reads `source`. Raises what :func:`~axis.infra.amqp.trouble.translated` makes of a loss or a refusal.
    """
    at_leisure(parameters, source, lambda connection: _move(connection, source, target))


def at_leisure(
    parameters: Sequence[pika.connection.Parameters], queue: str, work: Callable[[pika.BlockingConnection], None]
) -> None:
    """Do this about `queue` on a connection of its own. Raises as :func:`move`."""
    try:
        connection = pika.BlockingConnection(parameters, _impl_class=WireConnection)  # type: ignore[arg-type]
        try:
            work(connection)
        finally:
            with contextlib.suppress(exceptions.AMQPError):
                connection.close()
    except exceptions.AMQPError as error:
        raise translated(error, queue) from error


def sift(connection: Any, route: Route, limit: int, are_done: Callable[[Sequence[Delivered]], Sequence[bool]]) -> None:
    """See :meth:`axis.core.message.Broker.sift`. What stays is given back when the channel closes."""
    taking, left = connection.channel(), limit
    while left > 0 and (part := _some(taking, route, min(SIFTED, left))):
        for (tag, _), is_done in zip(part, are_done([one for _, one in part]), strict=True):
            if is_done:
                taking.basic_ack(tag)
        left -= len(part)
    taking.close()


def _some(taking: Any, route: Route, most: int) -> list[tuple[int, Delivered]]:
    """So many messages, or fewer of which the last one makes them large, with their delivery tags."""
    found: list[tuple[int, Delivered]] = []
    size = 0
    while len(found) < most and size < SIFTED_BYTES:
        method, properties, body = taking.basic_get(route.queue)
        if method is None:
            break
        arrived = Arrived(method.delivery_tag, method.redelivered, properties, body)
        found.append((method.delivery_tag, read(route, arrived, None)))
        size += len(body)
    return found


def _move(connection: Any, source: str, target: str) -> None:
    taking, giving = connection.channel(), connection.channel()
    try:
        connection.channel().queue_declare(target, passive=True)
    except exceptions.ChannelClosedByBroker:
        connection.channel().queue_declare(target, durable=True, arguments=QUORUM)
    giving.confirm_delivery()
    while True:
        method, properties, body = taking.basic_get(source)
        if method is None:
            return
        try:
            giving.basic_publish("", target, body, _anew(properties), mandatory=True)
        except exceptions.NackError:
            return  # full; closing the connection gives it back
        taking.basic_ack(method.delivery_tag)


def _anew(properties: pika.BasicProperties) -> pika.BasicProperties:
    """These properties for publishing once more: nothing that another user may not say, and nothing that the broker
    takes for a further target or an end."""
    headers = {name: value for name, value in (properties.headers or {}).items() if name not in {"CC", "BCC"}}
    if properties.user_id is not None:
        headers["published-by"] = properties.user_id
    return pika.BasicProperties(
        content_type=properties.content_type,
        delivery_mode=2,
        message_id=properties.message_id,
        app_id=properties.app_id,
        headers=headers,
    )
