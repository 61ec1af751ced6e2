"""The promises of the broker port, kept by both brokers."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from axis.core.message import Broker, DeadLetter, Delivered, Message, Outcome, Route, agency_routes
from axis.errors import AxisError, Fault, Misconfigured, Unavailable
from axis.infra.embedded import MAX_MESSAGE
from tests.contract.brokers import (
    CONFIRMED,
    FAILED,
    FROM_G22,
    FROM_H29,
    HUB,
    RETURNED,
    TO_H29,
    URGENT_G22,
    URGENT_H29,
    Place,
    eventually,
    ids,
    message,
    messages,
    take,
    take_all,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


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


def test_the_hub_sifts_an_agencys_queue_and_tells_apart_what_was_given_before(place: Place, hub: Broker) -> None:
    given, fresh = messages(2, TO_H29), message(TO_H29)
    hub.publish(given)
    consumer = place.open("H29")
    assert ids(take(consumer, [TO_H29])) == ids(given)
    consumer.close()
    eventually(lambda: hub.depth(TO_H29) == 2)
    hub.publish([fresh])
    seen: dict[str, bool] = {}

    def are_done(part: Sequence[Delivered]) -> list[bool]:
        seen.update({one.message.id: one.redelivered for one in part})
        return [not one.redelivered for one in part]

    hub.sift(TO_H29, 10, are_done)
    assert seen == {**dict.fromkeys(ids(given), True), fresh.id: False}
    eventually(lambda: hub.depth(TO_H29) == 2)
    assert sorted(ids(take_all(place.open("H29"), 2, [TO_H29]))) == sorted(ids(given))
    with pytest.raises(Unavailable) as caught:
        hub.sift(Route("out", "X99"), 10, are_done)
    assert caught.value.fault is Fault.BROKER_NO_QUEUE


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


def test_every_error_of_a_broker_is_one_of_ours(place: Place) -> None:
    with pytest.raises(AxisError):
        place.open().depth(FROM_G22)
