"""How a delivery to several ends, and is certified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core.message import Outcome
from tests.golden.case import group
from tests.golden.cases.recalls import BOTH, back, sent
from tests.golden.cases.receipts import queued
from tests.golden.cases.updates import change

if TYPE_CHECKING:
    from tests.golden.world import World

certificates = group("certificates")


@certificates
def when_all_have_it(w: World) -> None:
    queued(w, *BOTH)
    w.send(w.receipt("E.1", "H41", "document"))
    w.wait(minutes=1)
    w.send(w.receipt("E.1", "G06", "document"))


@certificates
def when_all_have_it_at_once(w: World) -> None:
    queued(w, "H41", "G06", "G18")
    w.send(*(w.receipt("E.1", code, "document") for code in ("H41", "G06", "G18")))


@certificates
def when_one_has_refused(w: World) -> None:
    queued(w, *BOTH)
    w.send(w.receipt("E.1", "H41", "document"), w.receipt("E.2", "G06", "document"))


@certificates
def when_one_was_withdrawn_by_its_adapter(w: World) -> None:
    queued(w, *BOTH)
    w.send(back(w))
    w.send(w.receipt("E.1", "G06", "document"))
    w.send(w.receipt("W.1", "H41", "recall"))


@certificates
def when_one_was_withdrawn_by_its_adapter_at_once(w: World) -> None:
    queued(w, *BOTH)
    w.send(back(w))
    w.send(w.receipt("W.1", "H41", "recall"), w.receipt("E.1", "G06", "document"))


@certificates
def when_one_was_withdrawn_at_the_hub(w: World) -> None:
    w.suspend("H41")
    queued(w, *BOTH)
    w.send(w.receipt("E.1", "G06", "document"))
    w.send(back(w))


@certificates
def when_one_was_withdrawn_at_the_hub_before_the_other_answered(w: World) -> None:
    w.suspend("H41")
    queued(w, *BOTH)
    w.send(back(w))
    w.send(w.receipt("E.1", "G06", "document"))


@certificates
def when_both_were_withdrawn_at_the_hub(w: World) -> None:
    w.suspend("H41")
    w.suspend("G06")
    queued(w, *BOTH)
    w.send(back(w, to=BOTH))


@certificates
def when_one_is_closed(w: World) -> None:
    w.end("G06")
    queued(w, *BOTH)
    w.send(w.receipt("E.1", "H41", "document"))


@certificates
def when_one_was_closed_meanwhile(w: World) -> None:
    w.suspend("G06")
    queued(w, *BOTH)
    w.send(w.receipt("E.1", "H41", "document"))
    w.resume("G06")
    w.end("G06")
    w.settle()


@certificates
def not_while_one_was_given_up(w: World) -> None:
    w.publishing("G06", Outcome.FAILED)
    queued(w, *BOTH)
    for _ in range(4):
        w.wait(minutes=1)
    w.send(w.receipt("E.1", "H41", "document"))


@certificates
def when_one_was_late(w: World) -> None:
    queued(w, *BOTH)
    w.send(w.receipt("E.1", "H41", "document"))
    w.wait(hours=25)
    w.send(w.receipt("E.1", "G06", "document"))


@certificates
def once_more_when_an_update_has_added_somebody(w: World) -> None:
    queued(w, *BOTH)
    w.send(w.receipt("E.1", "H41", "document"), w.receipt("E.1", "G06", "document"))
    w.wait(minutes=1)
    w.send(change(w, to=("H41", "G06"), changes_content=False, add=("G18",)))
    w.send(w.receipt("E.1", "G18", "document"))


@certificates
def once_more_when_an_update_with_content_has_added_somebody(w: World) -> None:
    queued(w, *BOTH)
    w.send(w.receipt("E.1", "H41", "document"), w.receipt("E.1", "G06", "document"))
    w.wait(minutes=1)
    w.send(change(w, to=("H41", "G06", "G18"), add=("G18",)))
    w.send(*(w.receipt("E.1", code, "update") for code in ("H41", "G06", "G18")))


@certificates
def of_a_document_to_one_after_an_update_has_added_somebody(w: World) -> None:
    sent(w)
    w.send(change(w, changes_content=False, add=("G18",)))
    w.send(w.receipt("E.1", "G18", "document"))


@certificates
def when_document_and_update_are_answered_at_once(w: World) -> None:
    queued(w, *BOTH)
    w.send(change(w, to=BOTH))
    w.send(*(w.receipt("E.1", code, about) for code in BOTH for about in ("document", "update")))


@certificates
def when_document_and_update_are_answered_each_alone(w: World) -> None:
    queued(w, *BOTH)
    w.send(change(w, to=BOTH))
    for code in BOTH:
        for about in ("document", "update"):
            w.send(w.receipt("E.1", code, about))
