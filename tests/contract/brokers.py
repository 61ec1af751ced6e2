"""Where brokers meet in these tests, embedded or RabbitMQ, and how they are talked to."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import pytest

from axis.core.message import Broker, Delivered, Message, Outcome, Route, hub_routes
from axis.infra import embedded
from axis.infra.amqp.broker import AmqpBroker
from axis.infra.database import Database
from axis.infra.embedded import EmbeddedBroker
from tests.servers import RabbitMq

if TYPE_CHECKING:
    from collections.abc import Callable

FROM_G22, FROM_H29 = Route("in", "G22"), Route("in", "H29")
URGENT_G22, URGENT_H29 = Route("in", "G22", urgent=True), Route("in", "H29", urgent=True)
TO_H29 = Route("out", "H29")
HUB = hub_routes(["G22", "H29"])
CONFIRMED, RETURNED, FULL, FAILED = Outcome.CONFIRMED, Outcome.RETURNED, Outcome.FULL, Outcome.FAILED


class Place(Protocol):
    """Where brokers meet: one SQLite file, or one virtual host."""

    def open(self, user_id: str | None = None) -> Broker:
        """Another broker object: the hub's, or an agency's."""

    def restart(self) -> None:
        """End every program that has this place open, without a good-bye, and come back."""

    def dead(self) -> int:
        """How many dead letters there are."""


class EmbeddedPlace:
    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'axis.db'}"
        self.database = Database(self.url)
        self.database.create(embedded.TABLES)

    def open(self, user_id: str | None = None) -> EmbeddedBroker:
        return EmbeddedBroker(self.database, user_id)

    def restart(self) -> None:
        self.database.close()
        self.database = Database(self.url)
        EmbeddedBroker.free_leases(self.database)

    def dead(self) -> int:
        return self.open().dead_depth()

    def close(self) -> None:
        self.database.close()


class AmqpPlace:
    def __init__(self, url: str, node: RabbitMq | None) -> None:
        self.url = url
        self.node = node
        self.opened: list[AmqpBroker] = []

    def open(self, user_id: str | None = None, **options: Any) -> AmqpBroker:
        url = options.pop("url", self.url)
        if user_id is not None and url == self.url:
            if self.node is None:
                pytest.skip("agencies have no logins on a server given from outside")
            url = self.node.add_agency(urlsplit(url).path[1:], user_id)  # the rights an agency has, no more
        self.opened.append(AmqpBroker(url, user_id=user_id, **options))
        return self.opened[-1]

    def restart(self) -> None:
        """The connections are gone; the broker's data are not."""
        for broker in self.opened:
            for line in broker._lines.values():
                transport: Any = line.connection.__dict__["_transport"]
                transport._sock.shutdown(2)  # as if the cable was cut
        self.opened.clear()

    def dead(self) -> int:
        return self.open().dead_depth()

    def close(self) -> None:
        for broker in self.opened:
            broker.close()


def message(route: Route = FROM_G22, body: bytes | None = None, **more: Any) -> Message:
    return Message(more.pop("id", uuid.uuid4().hex), route, uuid.uuid4().bytes if body is None else body, **more)


def messages(count: int, route: Route = FROM_G22) -> list[Message]:
    return [message(route) for _ in range(count)]


def take(broker: Broker, routes: list[Route] | None = None, *, limit: int = 1000, wait: float = 5) -> list[Delivered]:
    """One receive(); HUB's routes if none are given."""
    return broker.receive(HUB if routes is None else routes, limit=limit, max_bytes=1 << 30, timeout=wait)


def take_all(broker: Broker, count: int, routes: list[Route] | None = None) -> list[Message]:
    """Receive and acknowledge until `count` messages have come, and look whether there are more. What is none of ours
    is rejected and does not count."""
    found: list[Message] = []
    while len(found) < count and (taken := take(broker, routes, wait=20)):
        broker.reject([delivered for delivered in taken if delivered.trouble])
        good = [delivered for delivered in taken if not delivered.trouble]
        broker.ack(good)
        found += [delivered.message for delivered in good]
    return found + [delivered.message for delivered in take(broker, routes, wait=0.1)]


def drain(broker: Broker, routes: list[Route]) -> list[Message]:
    """Receive and acknowledge until nothing comes for two seconds; for where the number is not known."""
    found: list[Message] = []
    while taken := take(broker, routes, wait=2):
        broker.ack(taken)
        found += [delivered.message for delivered in taken]
    return found


def ids(these: list[Message] | list[Delivered]) -> list[str]:
    return [one.message.id if isinstance(one, Delivered) else one.id for one in these]


def eventually(true: Callable[[], bool], within: float = 10) -> None:
    limit = time.monotonic() + within
    while not true():
        assert time.monotonic() < limit, "did not become true"
        time.sleep(0.05)


amqp_only = pytest.mark.amqp
