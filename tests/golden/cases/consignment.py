"""What the broker says of what is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core.message import Outcome
from tests.golden.case import group
from tests.golden.cases.recalls import BOTH, back, sent
from tests.golden.cases.receipts import queued
from tests.golden.cases.statuses import reports

if TYPE_CHECKING:
    from tests.golden.world import World

consignment = group("consignment")


@consignment
def is_confirmed_for_some(w: World) -> None:
    w.publishing("H41", Outcome.RETURNED)
    queued(w, *BOTH)


@consignment
def fails_and_then_works(w: World) -> None:
    w.publishing("H41", Outcome.FAILED)
    queued(w)
    w.publishing("H41", Outcome.CONFIRMED)
    w.wait(minutes=1)


@consignment
def is_given_up(w: World) -> None:
    w.publishing("H41", Outcome.FAILED)
    queued(w, *BOTH)
    for _ in range(4):
        w.wait(minutes=1)


@consignment
def is_given_up_where_there_is_no_queue(w: World) -> None:
    w.publishing("H41", Outcome.RETURNED)
    queued(w)
    for _ in range(4):
        w.wait(minutes=1)


@consignment
def is_given_up_and_it_was_handed_over_all_the_same(w: World) -> None:
    w.arrives_all_the_same("H41")
    w.publishing("H41", Outcome.FAILED)
    queued(w)
    for _ in range(4):
        w.wait(minutes=1)
    w.send(w.receipt("E.1", "H41", "document"))


@consignment
def is_given_up_and_then_recalled(w: World) -> None:
    w.publishing("H41", Outcome.FAILED)
    queued(w)
    for _ in range(4):
        w.wait(minutes=1)
    w.publishing("H41", Outcome.CONFIRMED)
    w.send(back(w))
    w.wait(minutes=5)


@consignment
def of_a_status_is_given_up(w: World) -> None:
    sent(w)
    w.publishing("G22", Outcome.FAILED)
    w.send(reports(w, "03"))
    for _ in range(6):
        w.wait(minutes=1)


@consignment
def waits_for_room_in_a_full_queue(w: World) -> None:
    w.publishing("H41", Outcome.FULL)
    queued(w)
    for _ in range(5):
        w.wait(minutes=1)


@consignment
def waits_where_the_queue_is_long(w: World) -> None:
    w.waiting("H41", 500)
    queued(w, *BOTH)
    w.wait(minutes=1)


@consignment
def goes_on_when_the_queue_is_shorter(w: World) -> None:
    w.waiting("H41", 500)
    queued(w, *BOTH)
    w.waiting("H41", 0)
    w.wait(minutes=1)


@consignment
def of_what_the_disk_has_damaged(w: World) -> None:
    w.suspend("H41")
    queued(w, *BOTH)
    w.sql("UPDATE payload SET content = x'00' WHERE digest IN (SELECT body_digest FROM submission) AND ?", (1,))
    w.resume("H41")
    w.settle()


@consignment
def comes_again_after_the_hand_over(w: World) -> None:
    w.arrives_all_the_same("H41")
    w.publishing("H41", Outcome.FAILED)
    queued(w)
    w.send(w.receipt("E.1", "H41", "document"))
    w.publishing("H41", Outcome.CONFIRMED)
    w.wait(minutes=1)
    w.wait(minutes=1)
