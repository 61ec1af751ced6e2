"""What recipients' adapters say of deliveries, and what cannot be believed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from axis.core.message import Outcome
from axis.errors import Fault
from tests import pki
from tests.golden.case import group
from tests.golden.cases.recalls import BOTH, back, sent
from tests.golden.cases.updates import change
from tests.golden.world import signer_of

if TYPE_CHECKING:
    from tests.golden.world import World

receipts = group("receipts")


def queued(w: World, *to: str) -> None:
    """Document 1 is in the queues of these."""
    sent(w, *(to or ("H41",)), handed_over=False)


@receipts
def of_a_hand_over(w: World) -> None:
    queued(w)
    w.send(w.receipt("E.1", "H41", "document"))


@receipts
def of_a_hand_over_to_units(w: World) -> None:
    queued(w, "H29.10", "H29.11")
    w.send(w.receipt("E.1", "H29", "document"))


@receipts
def of_a_refusal(w: World) -> None:
    queued(w)
    w.send(w.receipt("E.2", "H41", "document"))


@receipts
def of_a_refusal_for_units(w: World) -> None:
    queued(w, "H29.10", "H29.11")
    w.send(w.receipt("E.2", "H29", "document"))


@receipts
def the_same_again(w: World) -> None:
    queued(w)
    one = w.receipt("E.1", "H41", "document")
    w.send(one)
    w.send(one)


@receipts
def the_same_twice_at_once(w: World) -> None:
    queued(w)
    one = w.receipt("E.1", "H41", "document")
    w.send(one, one)


@receipts
def the_same_said_by_two(w: World) -> None:
    queued(w)
    w.send(w.receipt("E.1", "H41", "document"))
    w.send(w.receipt("E.1", "H41", "document", label="second E.1"))


@receipts
def the_same_said_by_two_at_once(w: World) -> None:
    queued(w)
    w.send(w.receipt("E.1", "H41", "document"), w.receipt("E.1", "H41", "document", label="second E.1"))


@receipts
def of_a_refusal_after_a_hand_over(w: World) -> None:
    queued(w)
    w.send(w.receipt("E.1", "H41", "document"))
    w.send(w.receipt("E.2", "H41", "document"))


@receipts
def of_a_hand_over_after_a_refusal(w: World) -> None:
    queued(w)
    w.send(w.receipt("E.2", "H41", "document"))
    w.send(w.receipt("E.1", "H41", "document"))


@receipts
def that_contradict_each_other_at_once(w: World) -> None:
    queued(w)
    w.send(w.receipt("E.2", "H41", "document"), w.receipt("E.1", "H41", "document"))


@receipts
def of_a_withdrawal_after_a_hand_over(w: World) -> None:
    queued(w)
    w.send(w.receipt("E.1", "H41", "document"))
    w.send(back(w))
    w.send(w.receipt("W.1", "H41", "recall"))


@receipts
def of_a_hand_over_after_a_withdrawal(w: World) -> None:
    queued(w)
    w.send(back(w))
    w.send(w.receipt("W.1", "H41", "recall"))
    w.send(w.receipt("E.1", "H41", "document"))


@receipts
def of_a_refusal_after_a_withdrawal(w: World) -> None:
    queued(w)
    w.send(back(w))
    w.send(w.receipt("W.1", "H41", "recall"))
    w.send(w.receipt("E.2", "H41", "document"))


@receipts
def of_withdrawal_and_hand_over_at_once(w: World) -> None:
    queued(w)
    w.send(back(w))
    w.send(w.receipt("W.1", "H41", "recall"), w.receipt("E.1", "H41", "document"))


@receipts
def of_a_withdrawal_twice(w: World) -> None:
    queued(w)
    w.send(back(w))
    w.send(w.receipt("W.1", "H41", "recall"))
    w.send(w.receipt("W.1", "H41", "recall", label="second W.1"))


@receipts
def of_a_withdrawal_and_then_that_it_came_too_late(w: World) -> None:
    queued(w)
    w.send(back(w))
    w.send(w.receipt("W.1", "H41", "recall"))
    w.send(w.receipt("W.2", "H41", "recall"))


@receipts
def that_a_recall_came_too_late_twice(w: World) -> None:
    sent(w)
    w.send(back(w))
    w.send(w.receipt("W.2", "H41", "recall"))
    w.send(w.receipt("W.2", "H41", "recall", label="second W.2"))


@receipts
def that_a_recall_came_too_late_before_the_hand_over_is_known(w: World) -> None:
    queued(w)
    w.send(back(w))
    w.send(w.receipt("W.2", "H41", "recall", why=Fault.RECALL_SHOWN))
    w.send(w.receipt("E.1", "H41", "document"))


@receipts
def that_there_is_nothing_to_recall(w: World) -> None:
    queued(w)
    w.send(back(w))
    w.send(w.receipt("W.2", "H41", "recall", why=Fault.RECALL_VOID))


@receipts
def of_a_withdrawal_that_nobody_asked_for(w: World) -> None:
    queued(w)
    w.send(w.receipt("W.1", "H41", "document"))


@receipts
def of_a_withdrawal_of_what_never_came(w: World) -> None:
    w.send(back(w))
    w.send(w.receipt("W.1", "H41", "recall", subject=w.told("G22", "A.1", "recall")))


@receipts
def of_two_things_at_once_of_which_one_is_impossible(w: World) -> None:
    queued(w)
    w.send(w.receipt("E.1", "H41", "document", claims=[("E.2", "H41")]))


@receipts
def of_the_same_thing_twice_in_one(w: World) -> None:
    queued(w)
    w.send(w.receipt("E.1", "H41", "document", claims=[("E.1", "H41")]))


@receipts
def of_anothers_delivery(w: World) -> None:
    queued(w, *BOTH)
    w.send(w.receipt("E.1", "H41", "document", claims=[("E.1", "G06")]))


@receipts
def by_who_is_no_recipient(w: World) -> None:
    queued(w)
    w.send(w.receipt("E.1", "G06", "document", of="H41"))


@receipts
def of_a_submission_that_is_not_known(w: World) -> None:
    queued(w)
    subject = replace(w.subject_of("document", "H41"), axis_id="019a0000-0000-7000-8000-000000000000")
    w.send(w.receipt("E.1", "H41", "document", subject=subject))


@receipts
def of_another_content(w: World) -> None:
    queued(w)
    subject = replace(w.subject_of("document", "H41"), content_digest="0" * 64)
    w.send(w.receipt("E.1", "H41", "document", subject=subject))


@receipts
def of_another_installation(w: World) -> None:
    queued(w)
    w.send(w.receipt("E.1", "H41", "document", installation="another"))


@receipts
def signed_by_nobody_known(w: World) -> None:
    queued(w)
    w.send(w.receipt("E.1", "H41", "document", signer=pki.impostor()))


@receipts
def signed_by_another(w: World) -> None:
    queued(w)
    w.send(w.receipt("E.1", "H41", "document", signer=signer_of("G06")))


@receipts
def in_anothers_queue(w: World) -> None:
    queued(w)
    w.send(w.receipt("E.1", "H41", "document", queue="G06"))


@receipts
def of_what_only_the_hub_says(w: World) -> None:
    queued(w)
    w.send(w.receipt("D.1", "H41", "document"))


@receipts
def signed_with_a_key_that_was_revoked(w: World) -> None:
    queued(w)
    one = w.receipt("E.1", "H41", "document")
    w.revoke("H41")
    w.wait(minutes=1)
    w.send(one)
    w.send(one)


@receipts
def shown_by_who_was_given_it_when_its_key_was_revoked_since(w: World) -> None:
    queued(w)
    one = w.receipt("E.1", "H41", "document")
    w.send(one)
    w.wait(minutes=1)
    w.revoke("H41")
    w.wait(minutes=1)
    w.send(replace(one, code="G22"))
    w.send(replace(one, code="G06"))


@receipts
def wait_in_the_outbox_while_their_key_is_revoked(w: World) -> None:
    queued(w)
    w.suspend("G22")
    w.send(w.receipt("E.1", "H41", "document"))
    w.wait(minutes=1)
    w.revoke("H41")
    w.wait(minutes=1)
    w.resume("G22")
    w.settle()


@receipts
def cut_short(w: World) -> None:
    queued(w)
    one = w.receipt("E.1", "H41", "document")
    w.send(replace(one, body=one.body[:-50]))


@receipts
def come_for_a_sender_that_was_closed(w: World) -> None:
    queued(w)
    w.end("G22", "G18")
    w.settle()
    w.send(w.receipt("E.1", "H41", "document"))


@receipts
def of_a_document_and_its_update_at_once(w: World) -> None:
    queued(w)
    w.send(change(w))
    w.send(w.receipt("E.1", "H41", "document"), w.receipt("E.1", "H41", "update"))


@receipts
def before_the_broker_has_confirmed(w: World) -> None:
    w.arrives_all_the_same("H41")
    w.publishing("H41", Outcome.FAILED)
    queued(w)
    w.send(w.receipt("E.1", "H41", "document"))
    w.publishing("H41", Outcome.CONFIRMED)
    w.wait(minutes=1)
