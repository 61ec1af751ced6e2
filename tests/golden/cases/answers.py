"""The answers 15 and 16 to what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.golden.case import group
from tests.golden.cases.recalls import BOTH, back, sent
from tests.golden.cases.replacements import instead
from tests.golden.cases.statuses import reports
from tests.golden.cases.updates import change
from tests.line import status

if TYPE_CHECKING:
    from tests.golden.world import World

answers = group("answers")


def asked_back(w: World, *to: str) -> None:
    """A recall that came too late waits for the clerks."""
    sent(w, *(to or ("H41",)))
    w.send(back(w, to=to or ("H41",)))
    w.send(*(w.receipt("W.2", code, "recall") for code in dict.fromkeys(one[:3] for one in to or ("H41",))))


@answers
def agree_to_a_recall(w: World) -> None:
    asked_back(w)
    w.send(reports(w, "15"))


@answers
def decline_a_recall(w: World) -> None:
    asked_back(w)
    w.send(reports(w, "16", description="Đã xử lý xong"))


@answers
def decline_without_a_reason(w: World) -> None:
    asked_back(w)
    w.send(reports(w, "16"))


@answers
def agree_for_one_of_two(w: World) -> None:
    asked_back(w, *BOTH)
    w.send(reports(w, "15"))


@answers
def agree_for_both_at_once(w: World) -> None:
    asked_back(w, *BOTH)
    w.send(reports(w, "15"), reports(w, "15", sender="G06"))


@answers
def overtake_the_adapters_receipt(w: World) -> None:
    sent(w)
    w.send(back(w))
    w.send(reports(w, "15"))
    w.send(w.receipt("W.2", "H41", "recall"))


@answers
def overtake_the_adapters_receipt_at_once(w: World) -> None:
    sent(w)
    w.send(back(w))
    w.send(reports(w, "16", description="không"), w.receipt("W.2", "H41", "recall"), w.receipt("E.1", "H41", "recall"))


@answers
def come_from_who_has_not_seen_the_document(w: World) -> None:
    sent(w, handed_over=False)
    w.send(back(w))
    w.send(reports(w, "15"))
    w.send(w.receipt("W.1", "H41", "recall"))


@answers
def come_with_what_they_need_at_once(w: World) -> None:
    sent(w, handed_over=False)
    w.send(back(w))
    w.send(w.receipt("E.1", "H41", "document"), w.receipt("W.2", "H41", "recall"), reports(w, "15"))


@answers
def come_at_once_with_the_receipt_of_what_they_answer(w: World) -> None:
    asked_back(w)
    w.send(w.receipt("E.1", "H41", "recall"), reports(w, "15"))


@answers
def are_repeated(w: World) -> None:
    asked_back(w)
    w.send(reports(w, "15"))
    w.send(reports(w, "15"))
    w.send(reports(w, "15", description="đồng ý", label="other words"))
    w.send(w.packet("other words again", "H41", status("15", description="đồng ý"), salt=1))


@answers
def are_repeated_at_once(w: World) -> None:
    asked_back(w)
    w.send(reports(w, "15"), reports(w, "15", description="đồng ý", label="other words"))


@answers
def contradict_each_other(w: World) -> None:
    asked_back(w)
    w.send(reports(w, "16", description="không"))
    w.send(reports(w, "15"))


@answers
def to_an_update(w: World) -> None:
    sent(w)
    w.send(change(w))
    w.send(w.receipt("E.1", "H41", "update"))
    w.send(reports(w, "15"))


@answers
def decline_an_update(w: World) -> None:
    sent(w)
    w.send(change(w))
    w.send(reports(w, "16", description="không"))


@answers
def to_two_updates_in_their_order(w: World) -> None:
    sent(w)
    w.send(change(w))
    w.send(change(w, "second update", content=b"second"))
    w.send(reports(w, "15"))
    w.send(reports(w, "16", description="không"))


@answers
def go_to_the_recall_first_and_overtake_the_update(w: World) -> None:
    sent(w)
    w.send(change(w))
    w.send(back(w))
    w.send(w.receipt("W.2", "H41", "recall"))
    w.send(reports(w, "15"))


@answers
def of_units(w: World) -> None:
    sent(w, "H29.10", "H29.11")
    w.send(change(w, to=("H29.10", "H29.11")))
    w.send(reports(w, "15", sender="H29.10"))
    w.send(reports(w, "16", sender="H29", description="không"))


@answers
def of_units_to_a_recall(w: World) -> None:
    asked_back(w, "H29.10", "H29.11")
    w.send(reports(w, "15", sender="H29.10"))
    w.send(reports(w, "15", sender="H29.11"))


@answers
def to_a_replacement_by_its_own_id(w: World) -> None:
    sent(w)
    w.send(instead(w))
    w.send(w.receipt("E.1", "H41", "replacement"))
    w.send(reports(w, "15", number=2))


@answers
def to_a_replacement_by_the_old_id(w: World) -> None:
    sent(w)
    w.send(instead(w))
    w.send(reports(w, "16", description="không"))


@answers
def to_a_replacement_when_the_old_one_waits_too(w: World) -> None:
    sent(w)
    w.send(change(w))
    w.send(instead(w))
    w.send(reports(w, "15"))
    w.send(reports(w, "15", description="cũng đồng ý", label="second 15"))


@answers
def where_nothing_was_asked(w: World) -> None:
    sent(w)
    w.send(reports(w, "15"))


@answers
def by_who_never_had_it(w: World) -> None:
    asked_back(w)
    w.send(reports(w, "15", sender="G06"))


@answers
def by_the_successor_of_who_has_it(w: World) -> None:
    sent(w, *BOTH)
    w.end("G06", "G18")
    w.settle()
    w.send(back(w, to=("G06",)))
    w.send(w.receipt("E.1", "G18", "recall"))
    w.send(reports(w, "15", sender="G18"))


@answers
def with_the_recall_at_once(w: World) -> None:
    sent(w)
    w.send(back(w), reports(w, "15"))
