"""The promises of the broker port, kept by both brokers; then what only AMQP can get wrong."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import ipaddress
import os
import random
import re
import signal
import threading
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import pika
import pika.exceptions
import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from axis.core.message import Broker, DeadLetter, Delivered, Message, Outcome, Route, agency_routes, hub_routes
from axis.errors import AxisError, Fault, Misconfigured, Unavailable
from axis.infra import embedded
from axis.infra.amqp import topology, wire
from axis.infra.amqp.broker import AmqpBroker
from axis.infra.amqp.proved import Proved
from axis.infra.database import Database
from axis.infra.embedded import MAX_MESSAGE, EmbeddedBroker
from tests.servers import RabbitMq, free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent.parent
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


@pytest.fixture(params=["embedded", pytest.param("amqp", marks=pytest.mark.amqp)])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "embedded":
        here = EmbeddedPlace(request.getfixturevalue("tmp_path"))
        yield here
        here.close()
    else:
        yield from _amqp_place(request)


@pytest.fixture
def amqp_place(request: pytest.FixtureRequest) -> Iterator[AmqpPlace]:
    yield from _amqp_place(request)


def _amqp_place(request: pytest.FixtureRequest) -> Iterator[AmqpPlace]:
    url = request.getfixturevalue("amqp_vhost")
    given = "AXIS_TEST_AMQP_URL" in os.environ
    there = AmqpPlace(url, None if given else request.getfixturevalue("rabbitmq"))
    yield there
    there.close()


@pytest.fixture
def hub(place: Place) -> Broker:
    broker = place.open()
    broker.declare(["G22", "H29"])
    return broker


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


# -- what is published is kept ---------------------------------------------------------------------------


def test_a_message_arrives_as_it_was_sent(place: Place, hub: Broker) -> None:
    sent = message(TO_H29, b"parcel \x00\xff", proof=b"acceptance", id="0198-a")
    assert hub.publish([sent]) == [CONFIRMED]
    (delivered,) = take(place.open(), [TO_H29])
    assert delivered.message == sent
    assert not delivered.redelivered


def test_which_home_has_published_arrives_with_a_message_and_nothing_where_none_was_named(hub: Broker) -> None:
    named = f"{'a' * 32}/{'b' * 32}/17"
    hub.publish([message(origin=named), message()])
    assert [delivered.origin for delivered in take_all(hub, 2)] == [named, ""]


TRACED = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_what_a_document_is_traced_by_arrives_with_it_and_nothing_in_another_form(hub: Broker) -> None:
    hostile = ("x", TRACED.upper(), TRACED + "\n", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "a" * 5000)
    assert hub.publish([message(traceparent=one) for one in (TRACED, "", *hostile)]) == [Outcome.CONFIRMED] * 7
    assert [one.traceparent for one in take_all(hub, 7)] == [TRACED] + [""] * 6


def test_an_empty_body_and_one_without_proof_arrive_too(hub: Broker) -> None:
    sent = [message(body=b""), message(body=b"", proof=b"only proof"), message(body=b"only body")]
    assert hub.publish(sent) == [CONFIRMED] * 3
    assert take_all(hub, 3) == sent


def test_a_confirmed_message_outlives_every_program(place: Place, hub: Broker) -> None:
    sent = messages(3)
    assert hub.publish(sent) == [CONFIRMED] * 3
    place.restart()
    assert ids(take_all(place.open(), 3)) == ids(sent)


def test_messages_of_one_queue_come_in_the_order_of_publishing(hub: Broker) -> None:
    sent = messages(50)
    hub.publish(sent[:20])
    hub.publish(sent[20:])
    assert ids(take_all(hub, 50)) == ids(sent)


def test_three_hundred_messages_at_once_are_all_confirmed_and_all_arrive(hub: Broker) -> None:
    sent = [message(FROM_G22 if number % 2 else FROM_H29, os.urandom(number * 100)) for number in range(300)]
    assert hub.publish(sent) == [CONFIRMED] * 300
    found = take_all(hub, 300)
    assert sorted(ids(found)) == sorted(ids(sent))
    assert {one.id: one.body for one in found} == {one.id: one.body for one in sent}


@pytest.mark.parametrize("size", [5_000_000, 50_000_000])
def test_a_large_parcel_arrives_unaltered(hub: Broker, size: int) -> None:
    sent = message(body=random.Random(size).randbytes(size), proof=b"proof")
    assert hub.publish([sent]) == [CONFIRMED]
    (delivered,) = take(hub, wait=30)
    assert hashlib.sha256(delivered.message.body).digest() == hashlib.sha256(sent.body).digest()
    assert delivered.message.proof == b"proof"
    hub.ack([delivered])


def test_the_same_id_published_twice_is_two_messages(hub: Broker) -> None:
    sent = message()
    assert hub.publish([sent, sent]) == [CONFIRMED] * 2
    assert hub.publish([sent]) == [CONFIRMED]
    assert take_all(hub, 3) == [sent] * 3


def test_publishing_nothing_is_nothing(hub: Broker) -> None:
    assert hub.publish([]) == []


# -- what is not published is said ----------------------------------------------------------------------


def test_only_the_message_without_a_queue_is_returned(hub: Broker) -> None:
    lost = Route("out", "A41")
    sent = [message(), message(lost), message(FROM_H29), message(lost), message()]
    assert hub.publish(sent) == [CONFIRMED, RETURNED, CONFIRMED, RETURNED, CONFIRMED]
    assert sorted(ids(take_all(hub, 3))) == sorted(ids([sent[0], sent[2], sent[4]]))


def test_the_same_id_to_a_queue_and_to_none_is_told_apart(hub: Broker) -> None:
    sent = [message(id="one"), message(Route("out", "A41"), id="one"), message(id="one")]
    assert hub.publish(sent) == [CONFIRMED, RETURNED, CONFIRMED]


def test_before_anything_is_declared_everything_is_returned(place: Place) -> None:
    broker = place.open()
    assert broker.publish(messages(3)) == [RETURNED] * 3
    broker.declare(["G22"])
    assert broker.publish(messages(3)) == [CONFIRMED] * 3


def test_a_message_over_the_limit_fails_alone(hub: Broker) -> None:
    sent = [message(), message(body=bytes(MAX_MESSAGE), proof=b"1"), message()]
    assert hub.publish(sent) == [CONFIRMED, FAILED, CONFIRMED]


def test_a_message_id_that_does_not_fit_fails_alone(hub: Broker) -> None:
    sent = [message(id="ă" * 128), message(id=""), message(id="x" * 255)]
    assert hub.publish(sent) == [FAILED, FAILED, CONFIRMED]


# -- who published -----------------------------------------------------------------------------------------


def test_what_an_agency_publishes_bears_its_code(place: Place, hub: Broker) -> None:
    agency = place.open("G22")
    assert agency.publish([message(user_id="G22"), message(URGENT_G22)]) == [CONFIRMED] * 2
    assert [delivered.user_id for delivered in take_all(hub, 2)] == ["G22", "G22"]


def test_an_agency_publishes_neither_in_anothers_name_nor_to_anothers_queue(place: Place, hub: Broker) -> None:
    agency = place.open("G22")
    sent = [
        message(user_id="G22"),
        message(user_id="H29"),
        message(FROM_H29, user_id="G22"),
        message(FROM_H29, user_id="H29"),
        message(TO_H29),
        message(URGENT_G22, user_id="G22"),
    ]
    assert agency.publish(sent) == [CONFIRMED, FAILED, FAILED, FAILED, FAILED, CONFIRMED]
    assert sorted(ids(take_all(hub, 2))) == sorted(ids([sent[0], sent[5]]))
    assert hub.depth(TO_H29) == 0


def test_an_agency_reads_its_own_two_queues(place: Place, hub: Broker) -> None:
    sent = [message(TO_H29), message(Route("out", "H29", urgent=True)), message(Route("out", "G22"))]
    hub.publish(sent)
    agency = place.open("H29")
    assert ids(take_all(agency, 2, agency_routes("H29"))) == ids([sent[1], sent[0]])


def test_an_agency_reads_no_other_queue_than_its_own(place: Place, hub: Broker) -> None:
    hub.publish([message(TO_H29), message(FROM_G22)])
    agency = place.open("G22")
    for route in (TO_H29, FROM_G22):
        with pytest.raises(Misconfigured) as raised:
            take(agency, [route])
        assert raised.value.fault is Fault.BROKER_CONFIG
    assert (hub.depth(TO_H29), hub.depth(FROM_G22)) == (1, 1)
    assert take(agency, agency_routes("G22"), wait=0) == []


def test_an_agency_declares_nothing(place: Place, hub: Broker) -> None:
    with pytest.raises(Misconfigured):
        place.open("G22").declare(["G22", "A41"])
    assert hub.publish([message(Route("in", "A41"))]) == [RETURNED]


# -- taking --------------------------------------------------------------------------------------------------


def test_urgent_messages_come_first(hub: Broker) -> None:
    slow = messages(5)
    urgent = [message(URGENT_H29), message(URGENT_G22)]
    hub.publish(slow)
    hub.publish(urgent)
    first = take(hub, limit=3)
    assert sorted(ids(first[:2])) == sorted(ids(urgent))
    assert ids(first[2:]) == ids(slow[:1])


def test_a_flooded_queue_does_not_starve_a_quiet_one(hub: Broker) -> None:
    hub.publish(messages(200))
    quiet = message(FROM_H29)
    hub.publish([quiet])
    assert quiet.id in ids(take(hub, limit=10)[:2])


def test_one_at_a_time_is_fair_too(hub: Broker) -> None:
    hub.publish(messages(20))
    hub.publish(messages(20, FROM_H29))
    served = []
    for _ in range(10):
        taken = take(hub, limit=1)
        served += [one.message.route for one in taken]
        hub.ack(taken)
    assert Counter(served) == {FROM_G22: 5, FROM_H29: 5}


def test_no_more_are_taken_than_asked_for(hub: Broker) -> None:
    hub.publish(messages(9))
    assert [len(take(hub, limit=4, wait=0.5)) for _ in range(4)] == [4, 4, 1, 0]
    assert take(hub, limit=0, wait=0) == []


def test_the_limit_of_bytes_counts_bodies_and_proofs_but_one_message_always_comes(hub: Broker) -> None:
    sent = [message(body=bytes(size), proof=bytes(20)) for size in (50, 20, 100, 5, 5)]
    hub.publish(sent)
    sizes = []
    for _ in range(3):
        taken = hub.receive(HUB, limit=10, max_bytes=110, timeout=5)
        sizes.append([len(one.message.body) for one in taken])
    assert sizes == [[50, 20], [100], [5, 5]]


def test_an_empty_receive_comes_back_within_its_timeout(hub: Broker) -> None:
    take(hub, wait=0)
    for timeout in (0, 0.3):
        began = time.monotonic()
        assert take(hub, wait=timeout) == []
        assert timeout <= time.monotonic() - began < timeout + 0.3


def test_a_waiting_receive_returns_when_the_first_message_comes(place: Place, hub: Broker) -> None:
    take(hub, wait=0)
    sent = message()
    other = place.open()
    timer = threading.Timer(0.3, lambda: other.publish([sent]))
    timer.start()
    began = time.monotonic()
    assert ids(take(hub, wait=20)) == [sent.id]
    assert time.monotonic() - began < 5
    timer.join()


def test_only_the_routes_asked_for_are_served(hub: Broker) -> None:
    hub.publish([message(), message(FROM_H29)])
    assert [one.message.route for one in take(hub, [FROM_H29])] == [FROM_H29]
    assert take(hub, [FROM_H29], wait=0.3) == []
    assert [one.message.route for one in take(hub, [FROM_G22])] == [FROM_G22]


def test_a_queue_that_is_missing_does_not_hinder_the_others(hub: Broker) -> None:
    sent = message()
    hub.publish([sent])
    assert ids(take(hub, [Route("in", "A41"), FROM_G22])) == [sent.id]


def test_where_no_queue_is_there_the_caller_is_told_and_goes_on_once_it_is(place: Place) -> None:
    broker = place.open()
    route = Route("in", "G22")
    with pytest.raises(Unavailable) as raised:
        take(broker, [route], wait=0.1)
    assert (raised.value.fault, raised.value.problems[0].got) == (Fault.BROKER_NO_QUEUE, "axis.from.G22")
    with pytest.raises(Unavailable) as raised:
        broker.depth(route)
    assert (raised.value.fault, raised.value.problems[0].got) == (Fault.BROKER_NO_QUEUE, "axis.from.G22")
    place.open().declare(["G22"])
    sent = message(route)
    assert broker.publish([sent]) == [CONFIRMED]

    def arrived() -> bool:
        with contextlib.suppress(Unavailable):
            return ids(take(broker, [route], wait=0.1)) == [sent.id]
        return False

    eventually(arrived)


# -- holding, acknowledging, rejecting --------------------------------------------------------------------------


def test_what_one_holds_no_other_gets(place: Place, hub: Broker) -> None:
    hub.publish([message()])
    other = place.open()
    held = take(hub)
    assert len(held) == 1
    assert take(other, wait=0.5) == []
    assert take(hub, wait=0.2) == []


def test_what_is_acknowledged_never_comes_again(place: Place, hub: Broker) -> None:
    hub.publish(messages(10))
    taken = take(hub)
    hub.ack(taken[:3] + taken[5:6])  # not only from the front
    hub.ack(taken[8:])
    hub.close()
    assert ids(take_all(place.open(), 4)) == ids(taken[3:5] + taken[6:8])


def test_acknowledging_twice_does_no_harm(hub: Broker) -> None:
    hub.publish(messages(3))
    taken = take(hub)
    hub.ack(taken[:1])
    hub.ack(taken[:2])
    hub.reject(taken[:2])
    hub.ack([])
    hub.ack(taken)
    sent = messages(2)
    assert hub.publish(sent) == [CONFIRMED] * 2
    assert ids(take_all(hub, 2)) == ids(sent)


def test_what_was_held_at_close_comes_again_in_order_and_marked(place: Place, hub: Broker) -> None:
    hub.publish(messages(5))
    held = take(hub)
    hub.ack(held[:2])
    hub.close()
    again = take(place.open())
    assert ids(again) == ids(held[2:])
    assert [one.redelivered for one in again] == [True] * 3


def test_what_was_held_by_a_program_that_died_comes_again_and_marked(place: Place, hub: Broker) -> None:
    hub.publish(messages(3))
    held = take(hub)
    place.restart()
    again = take(place.open())
    assert ids(again) == ids(held)
    assert all(one.redelivered for one in again)


def test_a_void_handle_is_ignored_and_the_message_is_not_lost(place: Place, hub: Broker) -> None:
    sent = messages(2)
    hub.publish(sent)
    stale = take(hub)
    hub.close()
    other = place.open()
    again = take(other)
    hub.ack(stale)  # another holds them now
    hub.reject(stale)
    assert ids(again) == ids(sent)
    other.close()
    assert ids(take_all(place.open(), 2)) == ids(sent)
    assert place.dead() == 0


def test_a_handle_from_before_close_is_void_for_its_own_broker_too(place: Place, hub: Broker) -> None:
    sent = message()
    hub.publish([sent])
    stale = take(hub)
    hub.close()
    assert ids(take(hub)) == [sent.id]
    hub.ack(stale)
    hub.close()
    assert ids(take_all(place.open(), 1)) == [sent.id]


def test_a_broker_may_be_used_again_after_it_was_closed(hub: Broker) -> None:
    sent = message()
    hub.close()
    assert hub.publish([sent]) == [CONFIRMED]
    hub.close()
    assert ids(take_all(hub, 1)) == [sent.id]


def test_dead_letters_can_be_looked_at_again_and_again_and_each_may_be_done_with(place: Place, hub: Broker) -> None:
    sent = [message(proof=b"proof"), message(user_id="G22"), message()]
    place.open("G22").publish(sent)
    hub.reject(take(hub))
    eventually(lambda: place.dead() == 3)

    def look(done: tuple[str, ...] = (), limit: int = 10) -> list[DeadLetter]:
        seen: list[DeadLetter] = []

        def is_done(letter: DeadLetter) -> bool:
            seen.append(letter)
            return letter.message_id in done

        hub.sift_dead_letters(limit, is_done)
        return seen

    first = look()
    assert [one.message_id for one in first] == [one.id for one in sent]
    assert [one.body for one in first] == [one.body for one in sent]
    assert [one.proof for one in first] == [b"proof", b"", b""]
    assert {(one.queue, one.user_id, one.trouble, one.route) for one in first} == {
        ("axis.from.G22", "G22", "", FROM_G22)
    }
    assert len({one.id for one in first}) == 3
    eventually(lambda: place.dead() == 3)
    assert sorted(one.id for one in look()) == sorted(one.id for one in first)
    eventually(lambda: place.dead() == 3)
    assert len(look(limit=2)) == 2
    eventually(lambda: place.dead() == 3)
    look((sent[1].id,))
    eventually(lambda: place.dead() == 2)
    assert {one.message_id for one in look()} == {sent[0].id, sent[2].id}


def test_rejected_messages_are_kept_as_dead_letters(place: Place, hub: Broker) -> None:
    hub.publish(messages(3))
    taken = take(hub)
    hub.reject(taken[:2])
    hub.ack(taken[2:])
    eventually(lambda: place.dead() == 2)
    hub.close()
    assert take_all(place.open(), 0) == []
    place.restart()
    assert place.dead() == 2


def test_what_a_consumer_holds_does_not_wait_and_it_knows_of_it_until_it_is_received(place: Place, hub: Broker) -> None:
    hub.publish([message() for _ in range(3)])
    reader = place.open()
    found = take(reader, [FROM_G22], limit=1)
    count, readers = hub.waiting(FROM_G22.queue)
    assert (count == 0) == reader.holds(FROM_G22.queue), "what it has not received it holds, or it waits"
    assert readers == 1
    assert len([*found, *take(reader, [FROM_G22], limit=1), *take(reader, [FROM_G22], limit=1)]) == 3
    assert hub.waiting(FROM_G22.queue)[0] == 0
    assert not reader.holds(FROM_G22.queue)
    reader.close()
    eventually(lambda: hub.waiting(FROM_G22.queue)[0] == 3)


def test_the_depth_counts_what_waits(place: Place, hub: Broker) -> None:
    assert hub.depth(FROM_G22) == 0
    hub.publish([*messages(4), message(URGENT_G22)])
    assert (hub.depth(FROM_G22), hub.depth(URGENT_G22), hub.depth(FROM_H29)) == (4, 1, 0)
    take(hub, [FROM_G22], limit=4)
    assert hub.depth(FROM_G22) == 0
    hub.close()
    eventually(lambda: place.open().depth(FROM_G22) == 4)


def test_declaring_again_changes_nothing(place: Place, hub: Broker) -> None:
    hub.publish(messages(2))
    hub.declare(["G22", "H29", "H29.10"])
    place.open().declare(["H29", "G22"])
    assert hub.depth(FROM_G22) == 2
    assert hub.publish([message(Route("out", "H29.10", urgent=True))]) == [CONFIRMED]


def test_closing_twice_and_closing_unused_is_fine(place: Place, hub: Broker) -> None:
    hub.close()
    hub.close()
    unused = place.open()
    unused.close()
    unused.close()


def test_two_who_publish_and_two_who_take_lose_and_double_nothing(place: Place, hub: Broker) -> None:
    sent = [messages(150), messages(150, FROM_H29)]
    found: list[list[Message]] = [[], []]
    errors: list[BaseException] = []

    def guarded(work: Callable[[int], None], number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    def publish(number: int) -> None:
        broker = place.open()
        for start in range(0, 150, 15):
            assert broker.publish(sent[number][start : start + 15]) == [CONFIRMED] * 15

    def consume(number: int) -> None:
        broker = place.open()
        limit = time.monotonic() + 30
        while len(found[0]) + len(found[1]) < 300 and time.monotonic() < limit:
            taken = take(broker, limit=7, wait=0.1)
            broker.ack(taken)
            found[number] += [one.message for one in taken]

    threads = [threading.Thread(target=guarded, args=(work, n)) for work in (publish, consume) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(ids(found[0] + found[1])) == sorted(ids(sent[0] + sent[1]))
    assert hub.depth(FROM_G22) == hub.depth(FROM_H29) == 0


# -- embedded only -------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Iterator[EmbeddedPlace]:
    here = EmbeddedPlace(tmp_path)
    here.open().declare(["G22", "H29"])
    yield here
    here.close()


def test_one_parcel_to_many_recipients_is_stored_once(file: EmbeddedPlace) -> None:
    body, proof = b"the same parcel", b"the same receipt"
    file.open().publish([message(route, body, proof=proof) for route in HUB])
    with file.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM payload").scalar() == 2


def test_the_number_of_statements_does_not_depend_on_the_number_of_routes(file: EmbeddedPlace) -> None:
    codes = [f"H{number}" for number in range(1, 96)]
    broker = file.open()
    broker.declare(codes)
    routes = hub_routes(codes)
    counts = []
    for some in (routes[:2], routes):
        broker.publish([message(some[-1], b"body")])
        seen: list[str] = []

        def listen(*arguments: Any, seen: list[str] = seen) -> None:
            seen.append(arguments[2])

        sa.event.listen(sa.Engine, "before_cursor_execute", listen)
        broker.ack(take(broker, some))
        sa.event.remove(sa.Engine, "before_cursor_execute", listen)
        counts.append(len(seen))
    assert counts[0] == counts[1] < 20


@pytest.mark.parametrize("part", ["body", "proof"])
def test_a_stored_body_that_was_altered_is_never_handed_out_and_keeps_nothing_else_back(
    file: EmbeddedPlace, part: str
) -> None:
    broker = file.open()
    broker.publish([message(body=b"body", proof=b"proof"), message(body=b"another", id="another")])
    with file.database.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE payload SET content = ? WHERE content = ?", (b"as it was altered", part.encode())
        )
    assert [one.message.body for one in take(broker)] == [b"another"]
    assert (broker.depth(FROM_G22), broker.dead_depth()) == (0, 1)


def test_what_could_not_be_given_back_while_the_disk_failed_is_given_back_when_it_works(file: EmbeddedPlace) -> None:
    broker = file.open()
    broker.publish([message(body=b"body")])
    assert len(take(broker)) == 1
    disk: Any = file.database._writer.raw_connection().driver_connection
    disk.execute("PRAGMA query_only = ON")
    broker.close()
    broker.close()
    disk.execute("PRAGMA query_only = OFF")
    assert [one.message.body for one in take(broker)] == [b"body"]


def test_a_batch_is_published_whole_or_not_at_all(file: EmbeddedPlace) -> None:
    with file.database.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON queue_message WHEN NEW.message_id = 'last' "
            "BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    broker = file.open()
    with pytest.raises((Unavailable, sa.exc.DatabaseError)):
        broker.publish([*messages(3), message(id="last")])
    assert broker.depth(FROM_G22) == 0


# -- AMQP only ------------------------------------------------------------------------------------------------

amqp_only = pytest.mark.amqp


@pytest.fixture
def node(amqp_place: AmqpPlace) -> RabbitMq:
    if amqp_place.node is None:
        pytest.skip("the server was given from outside: it is not ours to break")
    return amqp_place.node


@pytest.fixture
def served(amqp_place: AmqpPlace) -> AmqpBroker:
    broker = amqp_place.open()
    broker.declare(["G22", "H29"])
    return broker


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
def test_the_broker_itself_refuses_what_an_agency_must_not_do(
    amqp_place: AmqpPlace, served: AmqpBroker, node: RabbitMq
) -> None:
    """Whoever leaves out our own checks still meets the broker's: 403 and 406 close the channel, not the day."""
    vhost = urlsplit(amqp_place.url).path[1:]
    agency = node.add_agency(vhost, "G22")
    unchecked = amqp_place.open(None, url=agency)
    assert unchecked.publish([message(FROM_H29)]) == [FAILED]
    assert unchecked.publish([message(TO_H29)]) == [FAILED]
    assert unchecked.publish([message(FROM_G22)]) == [CONFIRMED]
    forged = amqp_place.open("H29", url=agency.replace("/" + vhost, "/" + vhost + "?"))
    assert forged.publish([message(FROM_H29)]) == [FAILED]
    for route in (FROM_G22, TO_H29):
        with pytest.raises(Misconfigured):
            take(unchecked, [route])
    impostor = amqp_place.open("G22", url=node.add_hub(vhost))  # may write everywhere, but not under this name
    assert impostor.publish([message(FROM_G22)]) == [FAILED]
    assert [one.route for one in take_all(served, 1)] == [FROM_G22]


@amqp_only
def test_a_code_in_a_pattern_means_itself_only(amqp_place: AmqpPlace, node: RabbitMq) -> None:
    amqp_place.open().declare(["H29.10", "H29"])
    agency = node.add_agency(urlsplit(amqp_place.url).path[1:], "H29.10")
    lookalike = amqp_place.open(None, url=agency)
    assert lookalike.publish([message(Route("in", "H29x10"))]) == [FAILED]
    assert lookalike.publish([message(Route("in", "H29"))]) == [FAILED]
    assert lookalike.publish([message(Route("in", "H29.10", urgent=True))]) == [CONFIRMED]


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
def test_large_messages_arrive_as_they_were_sent_among_small_ones(served: AmqpBroker) -> None:
    sizes = [0, 1, 131_064, wire.LARGE - 1, wire.LARGE, wire.LARGE + 1, 131_064 * 9, 5_000_001, 10]
    sent = [message(TO_H29, os.urandom(size), proof=os.urandom(size % 4 * 1000)) for size in sizes]
    assert served.publish(sent) == [CONFIRMED] * len(sent)
    found = {one.id: one for one in take_all(served, len(sent), [TO_H29])}
    assert [(found[one.id].body, found[one.id].proof) for one in sent] == [(one.body, one.proof) for one in sent]


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


def _certificates(folder: Path, *names: str) -> None:
    """ca.pem, and for each name a certificate and key that it signed; one is for the server."""
    now = datetime.now(UTC)

    def make(name: str, issuer: str, issuer_key: ec.EllipticCurvePrivateKey | None) -> ec.EllipticCurvePrivateKey:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder(
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]),
            subject,
            key.public_key(),
            x509.random_serial_number(),
            now - timedelta(days=1),
            now + timedelta(days=1),
        ).add_extension(x509.BasicConstraints(ca=issuer_key is None, path_length=None), critical=True)
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        signing = x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer_key or key).public_key())
        builder = builder.add_extension(own, critical=False).add_extension(signing, critical=False)  # from 3.13 on
        if issuer_key is None:
            no = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
            no |= dict.fromkeys(("digital_signature", "encipher_only", "decipher_only"), False)
            usage = x509.KeyUsage(key_cert_sign=True, crl_sign=True, **no)
            builder = builder.add_extension(usage, critical=True)
        if name == "server":
            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        certificate = builder.sign(issuer_key or key, hashes.SHA256())
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pem, pkcs8, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        (folder / f"{name}.key").write_bytes(key.private_bytes(pem, pkcs8, plain))
        return key

    ca_key = make("ca", "ca", None)
    for name in names:
        make(name, "ca", ca_key)


@amqp_only
def test_an_agency_logs_in_by_its_certificate_and_by_nothing_else(rabbitmq: RabbitMq, tmp_path: Path) -> None:
    ours, foreign = tmp_path / "ours", tmp_path / "foreign"
    for folder, names in ((ours, ("server", "hub", "G22", "nobody")), (foreign, ("G22",))):
        folder.mkdir()
        _certificates(folder, *names)
    (port,) = free_ports(1)
    config = f"""
listeners.ssl.1 = 127.0.0.1:{port}
ssl_options.cacertfile = {ours}/ca.pem
ssl_options.certfile = {ours}/server.pem
ssl_options.keyfile = {ours}/server.key
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
ssl_options.depth = 2
auth_mechanisms.1 = EXTERNAL
ssl_cert_login_from = common_name
"""
    url = f"amqps://127.0.0.1:{port}/axis"

    def files(name: str, folder: Path = ours) -> dict[str, Any]:
        return {"certificate_file": f"{folder}/{name}.pem", "key_file": f"{folder}/{name}.key"}

    del rabbitmq  # only asked for so that this test is skipped, or fails, like the others
    with RabbitMq(config, ["rabbitmq_auth_mechanism_ssl"]) as node:
        node.vhost("axis")
        node.add_hub("axis")
        node.add_agency("axis", "G22")
        hub = AmqpBroker(url, user_id=None, ca_file=f"{ours}/ca.pem", **files("hub"))
        hub.declare(["G22", "H29"])
        hub.check()
        agency = AmqpBroker(url, user_id="G22", ca_file=f"{ours}/ca.pem", **files("G22"))
        sent = message(body=os.urandom(300_000))
        assert agency.publish([sent]) == [CONFIRMED]
        assert [(one.id, one.user_id) for one in take_all(hub, 1)] == [(sent.id, "G22")]
        # reading pauses and goes on over TLS as well
        many = [message(Route("out", "G22"), os.urandom(200_000)) for _ in range(30)]
        assert hub.publish(many) == [CONFIRMED] * 30
        agency.close()
        slow = AmqpBroker(
            url, user_id="G22", prefetch=30, buffer_bytes=500_000, ca_file=f"{ours}/ca.pem", **files("G22")
        )
        assert ids(take_all(slow, 30, agency_routes("G22"))) == ids(many)
        slow.close()
        hub.close()
        refused: list[tuple[dict[str, Any], type[AxisError]]] = [
            ({"ca_file": f"{ours}/ca.pem", **files("nobody")}, Misconfigured),  # no such user
            ({"ca_file": f"{foreign}/ca.pem", **files("G22")}, Misconfigured),  # the server is not the axis
            ({"ca_file": f"{ours}/ca.pem", **files("G22", foreign)}, Unavailable),  # another CA's certificate
            ({"ca_file": f"{ours}/ca.pem"}, AxisError),  # none
        ]
        for options, error in refused:
            broker = AmqpBroker(url, user_id="G22", connect_timeout=1, **options)
            with pytest.raises(error):
                broker.publish([message()])
    for at, ca_file, fault in (
        (url, f"{ours}/missing.pem", Fault.KEY_FILE_MISSING),
        (url, f"{ours}/server.key", Fault.BROKER_CONFIG),
        (url.replace("amqps", "amqp"), f"{ours}/ca.pem", Fault.BROKER_CONFIG),
    ):
        with pytest.raises(Misconfigured) as raised:
            AmqpBroker(at, user_id="G22", ca_file=ca_file)
        assert raised.value.fault is fault


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
def test_an_agency_is_read_by_one_adapter_at_a_time_and_the_other_is_told(
    amqp_place: AmqpPlace, served: AmqpBroker, node: RabbitMq
) -> None:
    agency = node.add_agency(urlsplit(amqp_place.url).path[1:], "H29")
    routes = agency_routes("H29")
    first = amqp_place.open("H29", url=agency, alone=True)
    copy = amqp_place.open("H29", url=agency, alone=True)
    served.publish([message(TO_H29)])
    assert len(take_all(first, 1, routes)) == 1
    served.publish(messages(3, TO_H29))
    for _ in range(2):
        with pytest.raises(Unavailable) as raised:
            take(copy, routes)
        assert raised.value.fault is Fault.ADAPTER_TWICE
        assert raised.value.problems[0].got == "H29"
    assert len(take_all(first, 3, routes)) == 3
    line = first._lines["consume"]
    transport: Any = line.connection.__dict__["_transport"]
    transport._sock.shutdown(2)  # its connection is lost; it comes back and has its lock again
    eventually(lambda: line.ended is not None)
    eventually(lambda: _is_served(first, routes))
    with pytest.raises(Unavailable):
        take(copy, routes)
    first.close()
    eventually(lambda: _is_served(copy, routes))


def _is_served(broker: AmqpBroker, routes: list[Route]) -> bool:
    with contextlib.suppress(Unavailable):
        take(broker, routes, wait=0)
        return True
    return False


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


def test_every_error_of_a_broker_is_one_of_ours(place: Place) -> None:
    with pytest.raises(AxisError):
        place.open().depth(FROM_G22)
