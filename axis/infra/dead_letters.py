"""Dead letters as they lie: in a home's SQLite file, or in a queue of RabbitMQ. One after the other is looked at, for
together they may be a gigabyte."""

from __future__ import annotations

import hashlib
from datetime import UTC
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.core.instant import to_text
from axis.core.message import DEAD_QUEUE, DeadLetter
from axis.infra import payloads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from axis.infra.database import Database

RENEW_AFTER = 500  # looks at one message; a queue drops what came back a thousand times
_ROWS = sa.text("""
    SELECT id, came_from, message_id, user_id, body_digest, proof_digest, origin FROM queue_message
    WHERE queue = :queue AND id > :after ORDER BY id LIMIT 1""")
_DELETE = sa.text("DELETE FROM queue_message WHERE id = :id")


def sift_file(database: Database, limit: int, is_done: Callable[[DeadLetter], bool]) -> None:
    """See :meth:`axis.core.message.Broker.sift_dead_letters`. Where nothing is done nothing is written."""
    after = 0
    for _ in range(limit):
        with database.read() as connection:
            row = connection.execute(_ROWS, {"queue": DEAD_QUEUE, "after": after}).first()
            if row is None:
                return
            contents = payloads.get_sound(connection, {row.body_digest, row.proof_digest} - {""})
        after = row.id
        body, proof = contents.get(row.body_digest), contents.get(row.proof_digest, b"")
        letter = DeadLetter(
            row.came_from,
            row.message_id,
            body if body is not None else row.body_digest.encode(),
            proof,
            row.user_id,
            "damaged" if body is None else "",
            "",
            row.origin,
        )
        if is_done(letter):
            with database.begin() as connection:
                connection.execute(_DELETE, {"id": row.id})


def sift_queue(connection: Any, limit: int, is_done: Callable[[DeadLetter], bool]) -> None:
    """The same at RabbitMQ, on a blocking connection of the hub's user. What stays is given back when the channel
    closes; the broker counts how often, so what was looked at very often is published anew."""
    taking, giving = connection.channel(), connection.channel()
    giving.confirm_delivery()
    try:
        for _ in range(limit):
            method, properties, body = taking.basic_get(DEAD_QUEUE)
            if method is None:
                return
            letter = _read(properties, body)
            if is_done(letter):
                taking.basic_ack(method.delivery_tag)
            elif int((properties.headers or {}).get("x-delivery-count", 0)) >= RENEW_AFTER:
                _renew(giving, properties, body)
                taking.basic_ack(method.delivery_tag)
    finally:
        for channel in (taking, giving):
            if channel.is_open:
                channel.close()


def _renew(giving: Any, properties: Any, body: bytes) -> None:
    headers = dict(properties.headers or {})
    headers.pop("x-delivery-count", None)
    if properties.user_id is not None:  # nobody publishes in another's name
        headers["published-by"], properties.user_id = properties.user_id, None
    properties.headers, properties.delivery_mode = headers, 2
    giving.basic_publish("", DEAD_QUEUE, body, properties, mandatory=True)


def _read(properties: Any, body: bytes) -> DeadLetter:
    headers: Mapping[str, Any] = properties.headers or {}
    deaths = headers.get("x-death")
    death = deaths[-1] if isinstance(deaths, list) and deaths and isinstance(deaths[-1], dict) else {}
    reason = headers.get("x-first-death-reason") or death.get("reason")
    moment, size, proof = death.get("time"), headers.get("size"), headers.get("proof")
    said = properties.user_id  # by the broker's word alone: the header that _renew leaves anybody could write
    user_id = said if isinstance(said, str) and said.isprintable() else None
    message_id = properties.message_id if isinstance(properties.message_id, str) else ""
    trouble = "limit" if reason == "delivery_limit" else ""
    # As the axis' own messages are told from others (axis/infra/amqp/envelope.py).
    is_ours = (
        type(size) is int
        and type(proof) is int
        and size + proof == len(body)
        and hashlib.sha256(memoryview(body)[:size]).hexdigest() == headers.get("sha256")
        and bool(message_id)
        and message_id.isprintable()
    )
    if not is_ours:
        trouble, size = "foreign", len(body)
    origin = headers.get("origin")
    return DeadLetter(
        str(headers.get("x-first-death-queue") or death.get("queue") or ""),
        message_id,
        body[:size],
        body[size:],
        user_id,
        trouble,
        to_text(moment.replace(tzinfo=UTC)) if moment is not None else "",
        origin if isinstance(origin, str) else "",
    )
