"""What is put aside for an operator, and answered to nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.golden.case import group
from tests.golden.cases.receipts import queued
from tests.golden.world import Mail
from tests.line import document

if TYPE_CHECKING:
    from tests.golden.world import World

aside = group("aside")


@aside
def what_another_has_published(w: World) -> None:
    w.send(w.packet("document", "G22", document(1), publisher="G06"))


@aside
def what_nobody_is_said_to_have_published(w: World) -> None:
    w.send(w.packet("document", "G22", document(1), publisher=None))


@aside
def what_another_has_published_again(w: World) -> None:
    one = w.packet("document", "G22", document(1), publisher="G06")
    w.send(one)
    w.send(one, w.packet("document", "G22", document(1)))


@aside
def a_receipt_that_another_has_published(w: World) -> None:
    queued(w)
    w.send(w.receipt("E.1", "H41", "document", publisher="G06"))


@aside
def what_is_no_message_of_the_axis(w: World) -> None:
    w.send(Mail("foreign", "G22", b"?", trouble="headers missing"), w.packet("document", "G22", document(1)))


@aside
def no_more_than_so_many_of_one(w: World) -> None:
    w.sql(QUARANTINED, *((f"old-{n}", "H41") for n in range(999)))
    queued(w)
    w.send(*(w.receipt("D.1", "H41", "document", label=f"bad {n}") for n in range(2)))


@aside
def no_more_than_so_many_of_what_another_has_published(w: World) -> None:
    w.sql(QUARANTINED, *((f"old-{n}", "G06") for n in range(999)))
    w.send(*(w.packet(f"document {n}", "G22", document(n), publisher="G06") for n in (1, 2)))


@aside
def what_came_before_is_judged_alone(w: World) -> None:
    one = w.packet("document", "G22", document(1))
    w.send(w.packet("second", "G22", document(2)), replace(one, redelivered=True))


@aside
def what_came_before_and_is_bad(w: World) -> None:
    queued(w)
    w.send(
        replace(w.receipt("D.1", "H41", "document"), redelivered=True),
        Mail("rubbish", "G22", b"no parcel", redelivered=True),
    )


QUARANTINED = (
    "INSERT INTO quarantine (id, agency, message_id, user_id, body_digest, code, attempts, since)"
    " VALUES (?, ?, 'old', '', '', 'RECEIPT_INVALID', 1, '2026-11-23T03:00:00.000Z')"
)
