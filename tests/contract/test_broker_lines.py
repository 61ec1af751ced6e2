"""The lines to RabbitMQ: cut, silent, slow or to nobody, they lose nothing and hold up no caller."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from axis.core.message import Delivered, Route
from axis.errors import Fault, Misconfigured, Unavailable
from axis.infra.amqp import wire
from axis.infra.amqp.broker import AmqpBroker
from tests.contract.brokers import (
    CONFIRMED,
    FAILED,
    FROM_G22,
    FROM_H29,
    HUB,
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


def cut_connections(node: RabbitMq) -> None:
    node.evaluate('[rabbit_networking:close_connection(P, "cut by a test") || P <- rabbit_networking:connections()]')


@amqp_only
def test_killing_the_broker_while_publishing_loses_nothing_that_was_confirmed(
    amqp_place: AmqpPlace, served: AmqpBroker, node: RabbitMq
) -> None:
    confirmed: list[str] = []
    unsure = 0
    stop = threading.Event()
    errors: list[BaseException] = []

    def publish() -> None:
        nonlocal unsure
        broker = amqp_place.open(connect_timeout=1)
        try:
            while not stop.is_set():
                batch = [message(body=os.urandom(2000)) for _ in range(250)]
                try:
                    outcomes = broker.publish(batch)
                except Unavailable:
                    unsure += len(batch)
                    continue
                assert set(outcomes) <= {CONFIRMED, FAILED}
                confirmed.extend(one.id for one, outcome in zip(batch, outcomes, strict=True) if outcome is CONFIRMED)
                unsure += outcomes.count(FAILED)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=publish)
    thread.start()
    for _ in range(2):
        before = len(confirmed)
        eventually(lambda before=before: len(confirmed) > before + 500, within=60)  # type: ignore[misc]
        node.kill()
        node.start()
    before = len(confirmed)
    eventually(lambda: len(confirmed) > before, within=60)
    stop.set()
    thread.join()
    assert errors == []
    assert unsure > 0, "the kills hit nothing"
    found = Counter(ids(drain(amqp_place.open(prefetch=200), [FROM_G22])))
    assert [one for one in confirmed if one not in found] == []


@amqp_only
def test_a_lost_connection_makes_handles_void_and_everything_comes_again(served: AmqpBroker, node: RabbitMq) -> None:
    served.publish(messages(6))
    held = take(served, limit=3)
    line = served._lines["consume"]
    cut_connections(node)
    eventually(lambda: line.ended is not None)
    served.ack(held)
    served.reject(held)

    found: list[Delivered] = []

    def came() -> bool:
        with contextlib.suppress(Unavailable):
            found.extend(take(served, wait=0.5))
        return len(found) == 6

    eventually(came)
    assert ids(found)[:3] == ids(held)
    assert all(one.redelivered for one in found[:3])
    served.ack(found)
    served.close()
    assert served.dead_depth() == 0
    assert served.depth(FROM_G22) == 0


@amqp_only
def test_a_connection_lost_while_waiting_is_reported_at_once(served: AmqpBroker, node: RabbitMq) -> None:
    take(served, wait=0)
    timer = threading.Timer(0.5, cut_connections, (node,))
    timer.start()
    began = time.monotonic()
    with pytest.raises(Unavailable) as raised:
        take(served, wait=20)
    assert raised.value.fault is Fault.BROKER_DOWN
    assert time.monotonic() - began < 5
    timer.join()
    assert take(served, wait=0) == []  # connected again


@amqp_only
def test_a_caller_busy_longer_than_the_heartbeat_keeps_its_connection(
    amqp_place: AmqpPlace, served: AmqpBroker
) -> None:
    served.publish(messages(2))
    busy = amqp_place.open(heartbeat=2)
    assert busy.publish(messages(1, FROM_H29)) == [CONFIRMED]
    held = take(busy, [FROM_G22])
    lines = dict(busy._lines)
    deadline = time.monotonic() + 9  # the broker gives up after two missed heartbeats, pika after 7 seconds
    while time.monotonic() < deadline:
        sum(range(100_000))  # busy, not asleep
    assert take(served, [FROM_G22], wait=0.3) == []  # still held
    busy.ack(held)
    assert busy.publish(messages(1, FROM_H29)) == [CONFIRMED]
    assert busy._lines == lines
    busy.close()
    assert served.depth(FROM_G22) == 0


@amqp_only
def test_a_wrong_password_is_the_operators_to_mend(amqp_place: AmqpPlace) -> None:
    broker = AmqpBroker(amqp_place.url.replace("guest@", "wrong@"), user_id=None, connect_timeout=5)
    began = time.monotonic()
    with pytest.raises(Misconfigured) as raised:
        broker.publish([message()])
    assert raised.value.fault is Fault.BROKER_CONFIG
    assert time.monotonic() - began < 4


@amqp_only
def test_where_nobody_listens_a_call_gives_up_in_time_and_the_next_finds_the_broker(
    amqp_place: AmqpPlace,
) -> None:
    nobody = "amqp://guest:guest@127.0.0.1:1/"
    broker = AmqpBroker(nobody, user_id=None, connect_timeout=1)
    for call in (lambda: broker.publish([message()]), lambda: take(broker), lambda: broker.depth(FROM_G22)):
        began = time.monotonic()
        with pytest.raises(Unavailable) as raised:
            call()
        assert raised.value.fault is Fault.BROKER_DOWN
        assert time.monotonic() - began < 3
    broker.close()
    either = amqp_place.open(url=f"{nobody},{amqp_place.url}")
    either.declare(["G22"])
    assert either.publish([message()]) == [CONFIRMED]


@pytest.mark.parametrize("url", ["http://somewhere", "amqp://host:port/", ""])
def test_a_url_that_is_none_is_the_operators_to_mend(url: str) -> None:
    with pytest.raises(Misconfigured):
        AmqpBroker(url, user_id=None)


@amqp_only
@pytest.mark.parametrize("what", ["memory", "disk"])
def test_a_broker_short_of_something_says_so_and_stops_publishing_but_not_acknowledging(
    served: AmqpBroker, node: RabbitMq, amqp_place: AmqpPlace, what: str
) -> None:
    served.publish(messages(3))
    held = take(served)
    publisher = amqp_place.open(confirm_timeout=2)
    alarm = f"{{{{resource_limit, {what}, node()}}, []}}"
    node.evaluate(f"rabbit_alarm:set_alarm({alarm})")
    try:
        began = time.monotonic()
        with pytest.raises(Unavailable) as raised:
            publisher.publish([message(FROM_H29)])
        assert time.monotonic() - began < 10
        assert raised.value.fault is Fault.BROKER_FULL
        assert what in raised.value.problems[0].got
        served.ack(held)
        served.close()
        assert served.depth(FROM_G22) == 0
    finally:
        node.evaluate(f"rabbit_alarm:clear_alarm({{resource_limit, {what}, node()}})")
    assert publisher.publish([message(FROM_H29)]) == [CONFIRMED]


@amqp_only
def test_a_broker_that_falls_silent_does_not_hold_the_caller(
    amqp_place: AmqpPlace, served: AmqpBroker, node: RabbitMq
) -> None:
    publisher = amqp_place.open(confirm_timeout=2, connect_timeout=2)
    assert publisher.publish([message()]) == [CONFIRMED]
    node.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            publisher.publish([message()])
        with pytest.raises(Unavailable):
            publisher.publish([message()])
        assert time.monotonic() - began < 25
    finally:
        node.signal(signal.SIGCONT)
    eventually(lambda: publisher.publish([message(FROM_H29)]) == [CONFIRMED])


@amqp_only
def test_an_error_in_the_io_thread_reaches_the_caller_and_the_next_call_works(served: AmqpBroker) -> None:
    wrong: Any = "a text, not bytes"
    with pytest.raises(TypeError):
        served.publish([message(body=wrong)])
    sent = message()
    assert served.publish([sent]) == [CONFIRMED]
    assert ids(take_all(served, 1)) == [sent.id]


@amqp_only
def test_large_messages_arrive_as_they_were_sent_among_small_ones(served: AmqpBroker) -> None:
    sizes = [0, 1, 131_064, wire.LARGE - 1, wire.LARGE, wire.LARGE + 1, 131_064 * 9, 5_000_001, 10]
    sent = [message(TO_H29, os.urandom(size), proof=os.urandom(size % 4 * 1000)) for size in sizes]
    assert served.publish(sent) == [CONFIRMED] * len(sent)
    found = {one.id: one for one in take_all(served, len(sent), [TO_H29])}
    assert [(found[one.id].body, found[one.id].proof) for one in sent] == [(one.body, one.proof) for one in sent]


@amqp_only
def test_closing_ends_the_threads_and_the_connections(amqp_place: AmqpPlace, served: AmqpBroker) -> None:
    names = {f"axis-threads {role}" for role in ("publish", "consume")}
    broker = amqp_place.open(name="axis-threads")
    broker.publish([message()])
    take(broker, wait=0)
    assert names <= {thread.name for thread in threading.enumerate()}
    broker.close()
    assert not names & {thread.name for thread in threading.enumerate()}


@amqp_only
def test_what_waits_for_a_slow_caller_is_bounded_in_bytes_and_all_of_it_comes(
    amqp_place: AmqpPlace, served: AmqpBroker
) -> None:
    sent = [message(route, os.urandom(200_000)) for route in HUB for _ in range(30)]
    served.publish(sent)
    slow = amqp_place.open(prefetch=30, buffer_bytes=1_000_000)
    found = take(slow, limit=1)
    time.sleep(1)  # time for all 24 MB to arrive
    line = slow._lines["consume"]
    assert line.io.paused
    held: int = sum(len(arrived.body) for source in slow._reader.sources.values() for arrived in source.buffer)
    assert 1_000_000 <= held <= 1_000_000 + 2 * 200_000
    assert slow.depth(Route("out", "G22")) == 0  # a question is answered meanwhile
    while taken := slow.receive(HUB, limit=7, max_bytes=1 << 30, timeout=1):
        found += taken
    assert sorted(ids(found)) == sorted(ids(sent))
    assert [one.id for one in sent if one.route == FROM_G22] == [
        one.message.id for one in found if one.message.route == FROM_G22
    ]
    slow.ack(found)
    slow.close()
    assert slow.depth(FROM_G22) == 0


@amqp_only
def test_closing_while_reading_pauses_is_quick_and_gives_everything_back(
    amqp_place: AmqpPlace, served: AmqpBroker
) -> None:
    sent = [message(body=os.urandom(200_000)) for _ in range(30)]
    served.publish(sent)
    slow = amqp_place.open(prefetch=30, buffer_bytes=1_000_000)
    take(slow, limit=1)
    eventually(lambda: slow._lines["consume"].io.paused)
    began = time.monotonic()
    slow.close()
    assert time.monotonic() - began < 3
    assert ids(take_all(served, 30)) == ids(sent)


def test_a_node_is_asked_again_when_its_port_mapper_has_gone(rabbitmq: RabbitMq) -> None:
    mapper = f"ERL_EPMD_PORT={rabbitmq.environment['ERL_EPMD_PORT']}\0".encode()
    killed = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            own = mapper in (process / "environ").read_bytes() + b"\0"
            if own and Path(os.fsdecode((process / "cmdline").read_bytes().split(b"\0")[0])).name == "epmd":
                os.kill(int(process.name), signal.SIGKILL)
                killed += 1
    assert killed == 1
    assert rabbitmq.evaluate("1 + 1") == "2"
    with pytest.raises(RuntimeError, match="no_such"):
        rabbitmq.evaluate("no_such:thing()")
