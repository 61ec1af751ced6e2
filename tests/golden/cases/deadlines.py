"""Deadlines of each leg: near, missed, met, met late, and void."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core.message import Outcome
from tests.golden.case import group
from tests.golden.cases.answers import asked_back
from tests.golden.cases.documents import with_due_date, with_extra
from tests.golden.cases.recalls import BOTH, back, sent
from tests.golden.cases.statuses import reports
from tests.golden.cases.updates import change
from tests.line import document

if TYPE_CHECKING:
    from tests.golden.world import World

deadlines = group("deadlines")


@deadlines
def handover_near(w: World) -> None:
    sent(w, handed_over=False)
    w.wait(hours=19)


@deadlines
def handover_near_and_met(w: World) -> None:
    sent(w, handed_over=False)
    w.wait(hours=19)
    w.send(w.receipt("E.1", "H41", "document"))
    w.wait(hours=6)


@deadlines
def handover_missed(w: World) -> None:
    sent(w, *BOTH, handed_over=False)
    w.wait(hours=19)
    w.wait(hours=6)


@deadlines
def handover_missed_before_anybody_looked(w: World) -> None:
    sent(w, handed_over=False)
    w.wait(hours=25)


@deadlines
def handover_met_late(w: World) -> None:
    sent(w, handed_over=False)
    w.wait(hours=25)
    w.send(w.receipt("E.1", "H41", "document"))


@deadlines
def handover_met_late_by_a_refusal(w: World) -> None:
    sent(w, handed_over=False)
    w.wait(hours=25)
    w.send(w.receipt("E.2", "H41", "document"))


@deadlines
def handover_of_what_is_urgent(w: World) -> None:
    w.send(w.packet("document", "G22", document(1, priority=3)))
    w.wait(minutes=50)
    w.wait(minutes=15)


@deadlines
def handover_within_what_the_sender_says(w: World) -> None:
    w.send(w.packet("document", "G22", with_extra(document(1), "DeliverWithin", "PT2H")))
    w.wait(hours=1, minutes=40)
    w.wait(minutes=30)


@deadlines
def handover_of_what_was_recalled_while_it_ran(w: World) -> None:
    sent(w, handed_over=False)
    w.send(back(w))
    w.send(w.receipt("W.1", "H41", "recall"))
    w.wait(hours=25)


@deadlines
def handover_of_a_recall(w: World) -> None:
    sent(w, handed_over=False)
    w.send(back(w))
    w.wait(hours=19)
    w.wait(hours=6)
    w.send(w.receipt("W.1", "H41", "recall"))


@deadlines
def handover_of_what_never_left(w: World) -> None:
    w.suspend("H41")
    sent(w, handed_over=False)
    w.wait(hours=25)


@deadlines
def handover_missed_and_then_given_up(w: World) -> None:
    w.publishing("H41", Outcome.FAILED)
    sent(w, handed_over=False)
    w.wait(hours=25)
    for _ in range(3):
        w.wait(hours=2)


@deadlines
def reception_near_and_missed(w: World) -> None:
    sent(w)
    w.wait(hours=42)
    w.wait(hours=14)


@deadlines
def reception_met(w: World) -> None:
    sent(w)
    w.send(reports(w, "03"))
    w.wait(hours=60)


@deadlines
def reception_met_by_a_refusal(w: World) -> None:
    sent(w)
    w.send(reports(w, "02"))
    w.wait(hours=60)


@deadlines
def reception_met_late(w: World) -> None:
    sent(w)
    w.wait(hours=60)
    w.send(reports(w, "03"))


@deadlines
def reception_by_one_of_two_units(w: World) -> None:
    sent(w, "H41.01", "H41.02")
    w.send(reports(w, "03", sender="H41.01"))
    w.wait(hours=60)
    w.send(reports(w, "03", sender="H41.02"))


@deadlines
def reception_of_two_units_by_their_member(w: World) -> None:
    sent(w, "H41.01", "H41.02")
    w.send(reports(w, "03", sender="H41"))
    w.wait(hours=60)


@deadlines
def reception_void_as_it_was_given_back(w: World) -> None:
    asked_back(w)
    w.send(reports(w, "15"))
    w.wait(hours=60)


@deadlines
def processing_near_and_missed(w: World) -> None:
    w.send(w.packet("document", "G22", with_due_date(document(1), "2026/11/24")))
    w.send(w.receipt("E.1", "H41", "document"))
    w.send(reports(w, "03"))
    w.wait(hours=25)
    w.wait(hours=10)


@deadlines
def processing_met(w: World) -> None:
    w.send(w.packet("document", "G22", with_due_date(document(1), "2026/11/24")))
    w.send(w.receipt("E.1", "H41", "document"))
    w.send(reports(w, "06"))
    w.wait(hours=60)


@deadlines
def processing_met_late(w: World) -> None:
    w.send(w.packet("document", "G22", with_due_date(document(1), "2026/11/24")))
    w.send(w.receipt("E.1", "H41", "document"))
    w.send(reports(w, "05"))
    w.wait(hours=60)
    w.send(reports(w, "06"))


@deadlines
def processing_void_as_the_recipient_refused(w: World) -> None:
    w.send(w.packet("document", "G22", with_due_date(document(1), "2026/11/24")))
    w.send(w.receipt("E.2", "H41", "document"))
    w.wait(hours=60)


@deadlines
def answer_near_and_missed(w: World) -> None:
    asked_back(w)
    w.send(w.receipt("E.1", "H41", "recall"))
    w.wait(hours=62)
    w.wait(hours=30)


@deadlines
def answer_met(w: World) -> None:
    asked_back(w)
    w.send(w.receipt("E.1", "H41", "recall"))
    w.send(reports(w, "15"))
    w.wait(hours=100)


@deadlines
def answer_met_late(w: World) -> None:
    asked_back(w)
    w.send(w.receipt("E.1", "H41", "recall"))
    w.wait(hours=100)
    w.send(reports(w, "16", description="không"))


@deadlines
def answer_to_an_update(w: World) -> None:
    sent(w)
    w.send(change(w))
    w.send(w.receipt("E.1", "H41", "update"))
    w.wait(hours=100)
    w.send(reports(w, "15"))


@deadlines
def answer_void_as_it_was_overtaken(w: World) -> None:
    sent(w)
    w.send(change(w))
    w.send(w.receipt("E.1", "H41", "update"))
    w.send(back(w))
    w.send(w.receipt("W.2", "H41", "recall"))
    w.send(reports(w, "15"))
    w.wait(hours=100)


@deadlines
def several_at_once(w: World) -> None:
    w.send(w.packet("document", "G22", with_due_date(document(1, to=BOTH), "2026/11/24")))
    w.send(w.packet("second", "G22", document(2)))
    w.send(w.receipt("E.1", "H41", "document"))
    w.wait(hours=60)
