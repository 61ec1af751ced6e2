"""Each of 95 agencies tries six things with each of 95 agencies' queues and names, on a live broker that
``axis broker setup`` has set up. Exactly what is an agency's own passes.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

import pika
import pytest
from pika.adapters.select_connection import SelectConnection

from axis import bootstrap
from axis.services import enrol
from tests.e2e.test_broker_setup import Site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import RabbitMq

OPERATIONS = ("consume", "publish", "declare", "purge", "bind", "forge")
OWN = {"consume", "publish", "purge", "forge"}  # what passes with one's own code; "forge" is then no forgery
AT_ONCE = 40  # channels

pytestmark = [pytest.mark.amqp, pytest.mark.timeout(600)]


class Intruder:
    """One agency's broker user, trying everything. A refused attempt costs its channel; the next one opens another."""

    def __init__(self, url: str, code: str, targets: list[str]) -> None:
        self.code = code
        self.passed: set[tuple[str, str]] = set()
        self.refused: Counter[tuple[str, int]] = Counter()
        self._left = deque((operation, target) for target in targets for operation in OPERATIONS)
        self._running = 0
        self.trouble: BaseException | None = None
        self._connection = SelectConnection(
            pika.URLParameters(url),
            on_open_callback=lambda _c: [self._next() for _ in range(AT_ONCE)],
            on_open_error_callback=self._failed,
            on_close_callback=lambda _c, reason: self._failed(_c, reason) if self._left else None,
        )

    def try_all(self) -> None:
        self._connection.ioloop.start()
        if self.trouble is not None:
            raise self.trouble

    def _failed(self, _connection: object, reason: BaseException) -> None:
        self.trouble = reason
        self._connection.ioloop.stop()

    def _next(self) -> None:
        if not self._left:
            if not self._running:
                self._connection.close()
                self._connection.ioloop.stop()
            return
        self._running += 1
        operation, target = self._left.popleft()
        self._connection.channel(on_open_callback=lambda channel: self._attempt(channel, operation, target))

    def _attempt(self, channel: Any, operation: str, target: str) -> None:
        def closed(_channel: object, reason: Any) -> None:
            if isinstance(reason, pika.exceptions.ChannelClosedByBroker):
                self.refused[operation, reason.reply_code] += 1
            self._running -= 1
            self._next()

        def passed(*_answer: object) -> None:
            self.passed.add((operation, target))
            channel.close()

        channel.add_on_close_callback(closed)
        if operation == "consume":
            channel.basic_consume(f"axis.to.{target}", lambda *_: None, callback=passed)
        elif operation == "declare":
            channel.queue_declare(f"axis.to.{target}", durable=True, callback=passed)
        elif operation == "purge":
            channel.queue_purge(f"axis.to.{target}", callback=passed)
        elif operation == "bind":
            channel.queue_bind(f"axis.to.{target}", "axis.in", self.code, callback=passed)
        else:
            key, user = (target, self.code) if operation == "publish" else (self.code, target)

            def publish(_answer: object) -> None:
                properties = pika.BasicProperties(user_id=user)
                channel.basic_publish("axis.in", key, b"", properties, mandatory=True)

            channel.confirm_delivery(passed, callback=publish)


def test_95_agencies_each_against_95_in_six_ways(managed_rabbitmq: RabbitMq, tmp_path: Path) -> None:
    site = Site(tmp_path, managed_rabbitmq, rows=enrol.catalogue())
    assert site.axis("broker", "setup", "--passwords", str(tmp_path / "urls"), "--keep-guest").exit_code in {0, 3}
    with bootstrap.reading_registry(bootstrap.open_home(site.home)) as registry:
        codes = [member.code for member in registry.agencies]
    assert len(codes) == 95
    checks = 0
    refused: Counter[tuple[str, int]] = Counter()
    for code in codes:
        url = (tmp_path / "urls" / code).read_text("utf-8").strip()
        intruder = Intruder(url, code, codes)
        intruder.try_all()
        assert intruder.passed == {(operation, code) for operation in OWN}, code
        checks += len(intruder.passed) + sum(intruder.refused.values())
        refused += intruder.refused
    assert checks == 95 * 95 * 6
    print(
        f"\n{checks} attempts, {checks - sum(refused.values())} passed; refused by operation and reply code: {dict(refused)}"
    )
    # 403 access refused; 406 where the user_id is another's.
    assert {reply for _, reply in refused} == {403, 406}
    assert {operation for operation, reply in refused if reply == 406} == {"forge"}
    assert not os.environ.get("AXIS_AMQP_URL")
