"""Each of 95 agencies tries seven things with agencies' queues and names, on a live broker that ``axis broker setup`` has
set up. Exactly what is an agency's own passes. `make sweep` tries each against all 95, a run of the suite each against
itself and every twentieth of the others (tests/sample.py), so that each is tried by five.
"""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

import pika
import pytest
from pika.adapters.select_connection import SelectConnection

from axis import bootstrap
from axis.services.operate import provision
from tests import sample
from tests.e2e.test_broker_setup import Site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import RabbitMq

OPERATIONS = ("consume", "publish", "declare", "purge", "bind", "forge", "lock")
OWN = {"consume", "publish", "purge", "forge", "lock"}  # what passes with one's own code; "forge" is then no forgery
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
            channel.queue_bind(f"axis.to.{target}", f"axis.in.{self.code}", target, callback=passed)
        elif operation == "lock":
            channel.queue_declare(f"axis.lock.{target}", exclusive=True, callback=passed)
        else:
            code, user = (target, self.code) if operation == "publish" else (self.code, target)

            def publish(_answer: object) -> None:
                properties = pika.BasicProperties(user_id=user)
                channel.basic_publish(f"axis.in.{code}", code, b"", properties, mandatory=True)

            channel.confirm_delivery(passed, callback=publish)


def test_95_agencies_each_against_others_in_seven_ways(managed_rabbitmq: RabbitMq, tmp_path: Path) -> None:
    site = Site(tmp_path, managed_rabbitmq, rows=provision.catalogue())
    options = ("--passwords", str(tmp_path / "urls"), "--keep-guest", "--close-old")
    assert site.axis("broker", "setup", *options).exit_code in {0, 3}
    with bootstrap.reading_registry(bootstrap.open_home(site.home)) as registry:
        codes = [member.code for member in registry.agencies]
    assert len(codes) == 95
    checks = wanted = 0
    refused: Counter[tuple[str, int]] = Counter()
    for place, code in enumerate(codes):
        url = (tmp_path / "urls" / code).read_text("utf-8").strip()
        targets = [one for number, one in enumerate(codes) if one == code or sample.is_tried(number, 20, place)]
        wanted += len(targets) * len(OPERATIONS)
        intruder = Intruder(url, code, targets)
        intruder.try_all()
        assert intruder.passed == {(operation, code) for operation in OWN}, code
        checks += len(intruder.passed) + sum(intruder.refused.values())
        refused += intruder.refused
    assert checks == wanted >= (95 * 95 * 7 if sample.FULL else 95 * 4 * 7)
    print(
        f"\n{checks} attempts, {checks - sum(refused.values())} passed; refused by operation and reply code: {dict(refused)}"
    )
    # 403 access refused; 406 where the user_id is another's.
    assert {reply for _, reply in refused} == {403, 406}
    assert {operation for operation, reply in refused if reply == 406} == {"forge"}
    assert not os.environ.get("AXIS_AMQP_URL")


def _name_everybody(url: str, code: str, others: list[str]) -> int:
    """One agency publishes into its own intake, and names others' queues and keys in whatever AMQP and RabbitMQ have for
    it; how many messages the broker took."""
    names = [f"{prefix}{other}{lane}" for other in others for prefix in TARGETS for lane in ("", ".urgent")]
    by_header: list[dict[str, Any]] = [
        {"headers": {"CC": names}},
        {"headers": {"BCC": names}},
        {"headers": {"CC": names, "BCC": names}, "expiration": "1"},  # and it becomes a dead letter with them
        {"headers": {"alternate-exchange": "axis.out", "x-dead-letter-exchange": "axis.out"}},
        {"headers": {"x-dead-letter-routing-key": names[0], "x-match": "any", "x-delay": 1}, "expiration": "1"},
        {"reply_to": f"axis.to.{others[0]}", "correlation_id": f"axis.to.{others[0]}"},
        {"headers": {"x-original-exchange": "axis.out", "exchange": "axis.out", "routing_key": others[0]}},
    ]
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.confirm_delivery()
    for properties in by_header:
        channel.basic_publish(f"axis.in.{code}", code, b"x", pika.BasicProperties(user_id=code, **properties))
    for exchange in ("axis.in", "axis.out", "", "amq.direct", "amq.topic", "amq.fanout", "amq.headers"):
        other = connection.channel()
        other.confirm_delivery()
        with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
            other.basic_publish(exchange, code, b"x", pika.BasicProperties(user_id=code))
        assert refused.value.reply_code == 403
    connection.close()
    return len(by_header)


TARGETS = ("", "axis.from.", "axis.to.")


def test_no_header_of_a_message_reaches_another_agencys_queue(managed_rabbitmq: RabbitMq, tmp_path: Path) -> None:
    site = Site(tmp_path, managed_rabbitmq)
    codes = ["G22", "H41", "G06"]
    options = ("--passwords", str(tmp_path / "urls"), "--keep-guest", "--close-old")
    assert site.axis("broker", "setup", *options).exit_code in {0, 3}
    count = 0
    for code in codes:
        url = (tmp_path / "urls" / code).read_text("utf-8").strip()
        count += _name_everybody(url, code, [other for other in codes if other != code])
    connection = pika.BlockingConnection(pika.URLParameters(managed_rabbitmq.url(site.vhost)))
    channel = connection.channel()
    found: list[tuple[str, str]] = []
    end = time.monotonic() + 20
    queues = ["axis.dead", *(f"{p}{code}{lane}" for code in codes for p in TARGETS[1:] for lane in ("", ".urgent"))]
    while len(found) < count and time.monotonic() < end:
        for queue in queues:
            while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
                found.append((queue, str(got[1].user_id)))
    connection.close()
    assert len(found) == count, "each is in one queue, once"
    assert {(queue, user) for queue, user in found if queue not in {f"axis.from.{user}", "axis.dead"}} == set()
