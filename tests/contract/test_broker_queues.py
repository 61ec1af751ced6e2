"""RabbitMQ's queues: their arguments, their bounds, and what is put into them that is none of ours."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pika
import pika.exceptions
import pytest

from axis.core.message import Message, Outcome, Route, hub_routes
from axis.errors import Fault, Misconfigured, Unavailable
from axis.infra.amqp import topology
from axis.infra.amqp.broker import AmqpBroker
from axis.infra.amqp.proved import Proved
from axis.infra.embedded import MAX_MESSAGE
from tests.contract.brokers import (
    CONFIRMED,
    FAILED,
    FROM_G22,
    FROM_H29,
    FULL,
    TO_H29,
    AmqpPlace,
    amqp_only,
    drain,
    eventually,
    ids,
    message,
    messages,
    take,
    take_all,
)
from tests.servers import RabbitMq

ROOT = Path(__file__).parent.parent.parent


class _RawProperties(pika.BasicProperties):
    """Properties of which only the header table is set, to bytes that no honest client writes."""

    def __init__(self, table: bytes) -> None:
        super().__init__()
        self.table = table

    def encode(self) -> list[bytes]:
        return [b"\x20\x00", len(self.table).to_bytes(4, "big"), self.table]


def _headers(body: bytes, **changed: Any) -> dict[str, Any]:
    good = {"size": len(body), "proof": 0, "sha256": hashlib.sha256(body).hexdigest(), "part": 1, "parts": 1}
    return {name: value for name, value in (good | changed).items() if value is not None}


FOREIGN = {
    "no properties": pika.BasicProperties(),
    "no message id": pika.BasicProperties(headers=_headers(b"foreign")),
    "no headers": pika.BasicProperties(message_id="x"),
    "size missing": pika.BasicProperties(message_id="x", headers=_headers(b"foreign", size=None)),
    "size too small": pika.BasicProperties(message_id="x", headers=_headers(b"foreign", size=6)),
    "size negative": pika.BasicProperties(message_id="x", headers=_headers(b"foreign", size=-1, proof=8)),
    "size a text": pika.BasicProperties(message_id="x", headers=_headers(b"foreign", size="7")),
    "size true": pika.BasicProperties(message_id="x", headers=_headers(b"foreign", size=True, proof=6)),
    "size huge": pika.BasicProperties(message_id="x", headers=_headers(b"foreign", size=2**62)),
    "digest another's": pika.BasicProperties(message_id="x", headers=_headers(b"foreign", sha256="0" * 64)),
    "digest a number": pika.BasicProperties(message_id="x", headers=_headers(b"foreign", sha256=5)),
    "second part": pika.BasicProperties(message_id="x", headers=_headers(b"foreign", part=2, parts=2)),
    "a table as size": pika.BasicProperties(message_id="x", headers=_headers(b"foreign", size={"a": [1]})),
    # Timestamp 2**62: no such year, pika's decoder raises.
    "impossible time": _RawProperties(b"\x01tT" + (2**62).to_bytes(8, "big")),
    "name not UTF-8": _RawProperties(b"\x02\xff\xfeI\x00\x00\x00\x01"),
}


@amqp_only
@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_message_goes_to_the_dead_letters_and_hinders_nobody(
    amqp_place: AmqpPlace, served: AmqpBroker, kind: str
) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(amqp_place.url))
    channel = connection.channel()
    channel.confirm_delivery()
    before, after = messages(2)
    served.publish([before])
    channel.basic_publish("axis.in", "G22", b"foreign", FOREIGN[kind], mandatory=True)
    served.publish([after])
    consumer = amqp_place.open()
    assert ids(take_all(consumer, 2)) == ids([before, after])
    eventually(lambda: served.dead_depth() == 1)
    connection.close()


def _nested_table(depth: int) -> bytes:
    """A table in a table, many times; a decoder that calls itself overruns its stack."""
    inner = b""
    for _ in range(depth):
        inner = b"\x01aF" + len(inner).to_bytes(4, "big") + inner
    return inner


@amqp_only
def test_a_header_table_nested_a_thousand_deep_hinders_nobody(amqp_place: AmqpPlace, served: AmqpBroker) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(amqp_place.url))
    channel = connection.channel()
    channel.confirm_delivery()
    channel.basic_publish("axis.in", "G22", b"", _RawProperties(_nested_table(3000)), mandatory=True)
    sent = message()
    served.publish([sent])
    assert ids(take_all(amqp_place.open(), 1)) == [sent.id]
    eventually(lambda: served.dead_depth() == 1)
    connection.close()


@amqp_only
def test_a_full_queue_refuses_and_only_what_it_took_is_confirmed(
    amqp_place: AmqpPlace, served: AmqpBroker, node: RabbitMq
) -> None:
    vhost = urlsplit(amqp_place.url).path[1:]
    node.evaluate(
        f'rabbit_policy:set(<<"{vhost}">>, <<"quota">>, <<"^axis.from.G22$">>, [{{<<"max-length">>, 10}}], 0, '
        '<<"queues">>, <<"tests">>)'
    )

    def refused() -> bool:
        sent = messages(100)
        outcomes = served.publish(sent)
        assert set(outcomes) <= {CONFIRMED, FULL}
        confirmed.extend(one.id for one, outcome in zip(sent, outcomes, strict=True) if outcome is CONFIRMED)
        return FULL in outcomes

    confirmed: list[str] = []
    eventually(refused)
    assert served.publish([message(FROM_H29)]) == [CONFIRMED]  # its flood is its own affair
    assert set(confirmed) <= set(ids(drain(served, [FROM_G22])))


@amqp_only
def test_a_queue_deleted_under_the_consumer_is_noticed_and_read_again_when_it_is_back(
    amqp_place: AmqpPlace, served: AmqpBroker
) -> None:
    served.publish(messages(3))
    held = take(served, [FROM_G22], limit=1)
    connection = pika.BlockingConnection(pika.URLParameters(amqp_place.url))
    connection.channel().queue_delete(FROM_G22.queue)
    eventually(
        lambda: (
            FROM_G22.queue not in served._reader.sources or served._reader.sources[FROM_G22.queue].closed is not None
        )
    )
    with pytest.raises(Unavailable) as raised:
        take(served, [FROM_G22])
    assert raised.value.fault is Fault.BROKER_NO_QUEUE
    served.ack(held)
    served.declare(["G22"])
    sent = message()
    assert served.publish([sent]) == [CONFIRMED]
    assert ids(take(served, [FROM_G22])) == [sent.id]
    connection.close()


@amqp_only
def test_a_missing_queue_is_not_asked_for_in_a_busy_loop(amqp_place: AmqpPlace) -> None:
    broker = amqp_place.open()
    limit = time.monotonic() + 1
    sources = set()
    while time.monotonic() < limit:
        with pytest.raises(Unavailable):
            take(broker, [FROM_G22], wait=0)
        sources.add(id(broker._reader.sources.get(FROM_G22.queue)))
    assert len(sources) <= 4


@amqp_only
def test_a_queue_with_other_arguments_is_the_operators_to_mend(amqp_place: AmqpPlace) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(amqp_place.url))
    connection.channel().queue_declare(FROM_G22.queue, durable=True)
    with pytest.raises(Misconfigured) as raised:
        amqp_place.open().declare(["G22"])
    assert "axis.from.G22" in raised.value.problems[0].got
    connection.close()


@amqp_only
def test_the_brokers_limit_of_message_size_is_checked_at_start(
    amqp_place: AmqpPlace, served: AmqpBroker, node: RabbitMq
) -> None:
    served.check()
    assert served.publish([message()]) == [CONFIRMED]
    before = node.evaluate("application:get_env(rabbit, max_message_size)")
    node.evaluate("application:set_env(rabbit, max_message_size, 16777216)")
    try:
        small = amqp_place.open()
        with pytest.raises(Misconfigured) as raised:
            small.check()
        assert "max_message_size" in raised.value.problems[0].expected
        assert served.publish([message()]) == [CONFIRMED]
    finally:
        value = before.removeprefix("{ok,").rstrip("}") if before.startswith("{ok") else "134217728"
        node.evaluate(f"application:set_env(rabbit, max_message_size, {value})")


def sent_for_the_check(broker: AmqpBroker) -> int:
    """Bytes that checking the broker's limit has sent."""
    line: Any = broker._line("publish")
    before = line.connection.bytes_sent
    broker.check()
    return int(line.connection.bytes_sent - before)


@amqp_only
def test_the_limit_is_proved_once_for_each_broker_version_and_configuration(
    amqp_place: AmqpPlace, node: RabbitMq, tmp_path: Path
) -> None:
    file = tmp_path / "broker.proved"

    def started() -> int:
        return sent_for_the_check(amqp_place.open(proved=Proved(file)))

    amqp_place.open().declare(["G22"])
    assert started() > MAX_MESSAGE
    assert started() < 1000
    assert [path.name for path in tmp_path.glob("*broker*")] == [file.name]
    # Another version, another configuration, as the broker itself tells them; and nothing that can be read.
    said = file.read_text()
    file.write_text(re.sub(r'(\\"version\\": \\")[0-9.]+', r"\g<1>3.9.0", said))
    assert file.read_text() != said
    assert started() > MAX_MESSAGE
    assert file.read_text() == said
    node.evaluate("application:set_env(rabbit, channel_max, 2000)")
    try:
        assert started() > MAX_MESSAGE
        assert started() < 1000
    finally:
        node.evaluate("application:set_env(rabbit, channel_max, 2047)")
    file.write_text(said[:-20])
    assert started() > MAX_MESSAGE
    assert started() < 1000


@amqp_only
def test_a_broker_that_refuses_a_message_for_its_size_is_asked_again_at_the_next_start(
    amqp_place: AmqpPlace, node: RabbitMq, tmp_path: Path
) -> None:
    file = tmp_path / "broker.proved"
    served = amqp_place.open(proved=Proved(file))
    served.declare(["G22", "H29"])
    served.check()
    node.evaluate("application:set_env(rabbit, max_message_size, 1000000)")
    try:
        working = amqp_place.open(proved=Proved(file))
        assert sent_for_the_check(working) < 1000, "the broker tells nobody of this limit"
        assert working.publish([message(body=os.urandom(2_000_000))]) == [FAILED]
        with pytest.raises(Misconfigured):
            amqp_place.open(proved=Proved(file)).check()
    finally:
        node.evaluate("application:set_env(rabbit, max_message_size, 134217728)")


@amqp_only
def test_all_queues_of_the_axis_are_declared_and_read_within_seconds(amqp_place: AmqpPlace, node: RabbitMq) -> None:
    codes = [f"H{number}" for number in range(1, 96)]
    broker = amqp_place.open()
    began = time.monotonic()
    broker.declare(codes)
    assert time.monotonic() - began < 30  # 380 queues; some 4 s on two idle cores
    routes = hub_routes(codes)
    sent = [message(route) for route in routes]
    assert set(broker.publish(sent)) == {CONFIRMED}
    taken = take(broker, routes)
    assert ids(taken[:95]) == ids(sent[:95])  # everything urgent is before everything else
    assert sorted(ids(taken)) == sorted(ids(sent))


def test_the_arguments_of_queues_keep_dead_letters_at_least_once() -> None:
    """The four belong together: without reject-publish the strategy is silently at most once."""
    arguments = topology.QUEUE_ARGUMENTS
    assert arguments["x-dead-letter-strategy"] == "at-least-once"
    assert arguments["x-overflow"] == "reject-publish"
    assert arguments["x-queue-type"] == "quorum"
    assert arguments["x-delivery-limit"] >= 100


def test_nothing_is_asked_of_a_broker_that_a_later_one_refuses() -> None:
    """RabbitMQ 4 takes 20 for a quorum queue's delivery limit where none is given and drops what exceeds it; 4.3 refuses
    transient queues that are not exclusive, a limit of messages for a whole channel, and older arguments of queues."""
    calls = [
        (node.func.attr, {one.arg: ast.unparse(one.value) for one in node.keywords})
        for path in (ROOT / "axis" / "infra").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    declared = [given for name, given in calls if name == "queue_declare" and "passive" not in given]
    assert len(declared) >= 3
    for given in declared:
        assert given.get("durable") == "True" or given.get("exclusive") == "True", given
        assert "exclusive" in given or "arguments" in given, given
    limits = [given for name, given in calls if name == "basic_qos"]
    assert limits
    assert not [given for given in limits if "global_qos" in given]
    for route in (None, FROM_G22, TO_H29):
        arguments = topology.queue_arguments(route)
        assert arguments["x-queue-type"] == "quorum"
        assert arguments["x-delivery-limit"] == topology.DELIVERY_LIMIT >= 100
        assert not {"x-queue-master-locator", "x-queue-mode", "x-queue-version", "x-max-priority"} & set(arguments)
    assert topology.QUORUM["x-delivery-limit"] == topology.DELIVERY_LIMIT


@pytest.mark.amqp
def test_a_flood_fills_its_own_queue_and_is_refused_from_there_on(
    amqp_vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topology, "INTAKE_QUOTA", {"x-max-length": 5})
    broker = AmqpBroker(amqp_vhost, user_id=None)
    broker.declare(["G22", "H29"])
    flood = [Message(f"m{n}", FROM_G22, b"body", user_id=None) for n in range(60)]
    outcomes = [broker.publish([one])[0] for one in flood]
    accepted = outcomes.count(Outcome.CONFIRMED)
    assert 5 <= accepted < 40, "the broker may let a few more in before it notices"
    assert outcomes[-1] is Outcome.FULL
    assert broker.publish([Message("other", Route("in", "H29"), b"body")]) == [Outcome.CONFIRMED]
    taken = broker.receive([FROM_G22], limit=100, max_bytes=10**6, timeout=5)
    while len(taken) < accepted:
        taken += broker.receive([FROM_G22], limit=100, max_bytes=10**6, timeout=5)
    broker.ack(taken)
    end = time.monotonic() + 10
    while broker.publish([flood[0]]) != [Outcome.CONFIRMED]:
        assert time.monotonic() < end, "it never takes anything again"
        time.sleep(0.1)
    broker.close()


@amqp_only
def test_an_agencys_queue_holds_what_it_may_and_the_hub_is_told_that_it_is_full(
    amqp_vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by bytes: a few large parcels for an agency that is away would fill the disk that all share."""
    monkeypatch.setattr(topology, "MAIL_QUOTA", {"x-max-length-bytes": 500_000})
    broker = AmqpBroker(amqp_vhost, user_id=None)
    broker.declare(["G22", "H29"])
    outcomes = [broker.publish([message(TO_H29, os.urandom(100_000))])[0] for _ in range(12)]
    assert set(outcomes) == {CONFIRMED, FULL}
    assert outcomes[0] is CONFIRMED
    assert outcomes[-1] is FULL
    assert broker.publish([message(Route("out", "G22"))]) == [CONFIRMED]
    broker.close()


@amqp_only
def test_dead_letters_have_a_bound_and_what_is_beyond_waits_where_it_is(
    amqp_place: AmqpPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topology, "DEAD_QUOTA", {"x-max-length": 5})
    monkeypatch.setattr(topology, "INTAKE_QUOTA", {"x-max-length": 60})
    broker = amqp_place.open()
    broker.declare(["G22", "H29"])
    for _ in range(5):
        broker.publish(messages(20))
        while taken := take(broker, [FROM_G22], wait=0.3):
            broker.reject(taken)
    assert broker.dead_depth() < 40, "more than the bound are on their way at once, and not all"
    assert broker.publish([message()]) == [FULL]
    assert broker.publish([message(FROM_H29)]) == [CONFIRMED], "the others' mail goes on"


@amqp_only
def test_a_queue_is_moved_whole_in_order_and_to_where_it_was_meant_to_go(
    amqp_place: AmqpPlace, served: AmqpBroker
) -> None:
    sent = messages(5, TO_H29)
    served.publish(sent)
    served.move(TO_H29.queue, "axis.remake.x")
    assert served.waiting("axis.remake.x") == (5, 0)
    assert served.depth(TO_H29) == 0
    served.move("axis.remake.x", TO_H29.queue)
    assert ids(take_all(served, 5, [TO_H29])) == ids(sent)
    connection = pika.BlockingConnection(pika.URLParameters(amqp_place.url))
    hostile = pika.BasicProperties(headers={"CC": [TO_H29.queue]}, expiration="60000", user_id="guest")
    connection.channel().basic_publish("", "axis.remake.x", b"x", hostile)
    connection.channel().basic_publish("", "axis.remake.x", b"x", FOREIGN["impossible time"])
    eventually(lambda: served.waiting("axis.remake.x")[0] == 2)
    drain(served, [TO_H29])
    served.move("axis.remake.x", "axis.dead")
    assert (served.dead_depth(), served.depth(TO_H29)) == (2, 0)
    connection.channel().queue_delete("axis.remake.x")
    connection.close()
