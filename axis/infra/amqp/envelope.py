"""A message as AMQP carries it: body and proof in one piece, and what is said of them in the properties.

Nothing that comes is believed: :func:`read` says of each message what does not fit, and whoever takes it decides.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass

import pika

from axis.core import tracing
from axis.core.message import Delivered, Message, Route
from axis.infra.amqp.wire import LARGE, Parts
from axis.infra.embedded import MAX_ORIGIN

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/vnd.etsi.asic-e+zip"
APP_ID = "axis"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as it came over a channel; `tag` means nothing beyond that."""

    tag: int
    redelivered: bool
    properties: pika.BasicProperties
    body: bytes


def whole(message: Message) -> bytes:
    """Body and proof; of a large message not copied into one piece."""
    if len(message.body) < LARGE:
        return message.body + message.proof
    return Parts(message.body, message.proof)


def properties(message: Message, user_id: str | None) -> pika.BasicProperties:
    """What is said of this message, published by broker user `user_id`."""
    return pika.BasicProperties(
        content_type=CONTENT_TYPE,
        delivery_mode=2,
        message_id=message.id,
        user_id=user_id,
        app_id=APP_ID,
        headers={
            "size": len(message.body),
            "proof": len(message.proof),
            "sha256": message.digest or hashlib.sha256(message.body).hexdigest(),
            "part": 1,
            "parts": 1,
            **({"origin": message.origin} if message.origin else {}),
            **({"traceparent": message.traceparent} if message.traceparent else {}),
        },
    )


def read(route: Route, arrived: Arrived, handle: object) -> Delivered:
    """What arrived; with its trouble (and a line in the log) when it is not one of ours, complete and unaltered."""
    properties, body = arrived.properties, arrived.body
    headers = properties.headers or {}
    size, proof = headers.get("size"), headers.get("proof")
    trouble = digest = ""
    # Broker users have printable names, and what cannot be written into a record is no name and no id.
    user_id = properties.user_id if isinstance(properties.user_id, str) and properties.user_id.isprintable() else None
    if not isinstance(properties.message_id, str) or not properties.message_id:
        trouble = "no message id"
    elif not properties.message_id.isprintable():
        trouble = "a message id that cannot be printed"
    elif not (type(size) is int and type(proof) is int and size >= 0 and proof >= 0 and size + proof == len(body)):
        trouble = f"size {size!r} and proof {proof!r} do not make {len(body)}"
    elif (headers.get("part"), headers.get("parts")) != (1, 1):
        trouble = f"part {headers.get('part')!r} of {headers.get('parts')!r}"
    elif (digest := hashlib.sha256(memoryview(body)[:size]).hexdigest()) != headers.get("sha256"):
        trouble = "the digest is another's"
    elif properties.user_id is not None and user_id is None:
        trouble = "the user id is no text"
    if trouble:
        log.error("message %r in %s is none of ours: %s", properties.message_id, route.queue, trouble)
        return Delivered(Message("", route, body, user_id=user_id), arrived.redelivered, handle, trouble)
    origin = headers.get("origin")
    known = origin if isinstance(origin, str) and len(origin) <= MAX_ORIGIN else ""
    sent = (body[:size], body[size:])  # all of it: no copy
    traced = tracing.traceparent(headers.get("traceparent"))
    message = Message(str(properties.message_id), route, *sent, user_id, known, digest, traceparent=traced)
    return Delivered(message, arrived.redelivered, handle)
