"""Replacements: who has what they replace is asked to put them in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.golden.case import group
from tests.golden.cases.recalls import BOTH, back, sent
from tests.line import document, recall, replacement

if TYPE_CHECKING:
    from tests.golden.world import Mail, World

replacements = group("replacements")


def instead(
    w: World, label: str = "replacement", replaced: dict[int, tuple[str, ...]] | None = None, **more: object
) -> Mail:
    """Document 2, in the place of document 1."""
    return w.packet(label, "G22", replacement(2, replaced or {1: ("H41",)}, **more))  # type: ignore[arg-type]


@replacements
def for_who_has_it(w: World) -> None:
    sent(w)
    w.send(instead(w))
    w.send(w.receipt("E.1", "H41", "replacement"))


@replacements
def for_who_has_it_and_somebody_new(w: World) -> None:
    sent(w)
    w.send(instead(w, to=("H41", "G18")))


@replacements
def for_a_holder_that_is_not_addressed(w: World) -> None:
    sent(w, *BOTH)
    w.send(instead(w, replaced={1: BOTH}))


@replacements
def of_two_documents(w: World) -> None:
    sent(w)
    w.send(w.packet("other", "G22", document(3, to=("G06",))))
    w.send(instead(w, replaced={1: ("H41",), 3: ("G06",)}, to=BOTH))


@replacements
def with_what_it_replaces_at_once(w: World) -> None:
    w.send(w.packet("document", "G22", document(1)), instead(w))


@replacements
def of_what_was_recalled(w: World) -> None:
    sent(w)
    w.send(back(w))
    w.send(instead(w))


@replacements
def that_a_recall_has_overtaken(w: World) -> None:
    sent(w, *BOTH)
    w.send(w.packet("recall", "G22", recall(2)))
    w.send(instead(w, replaced={1: BOTH}, to=BOTH))


@replacements
def of_a_document_that_is_not_known(w: World) -> None:
    w.send(instead(w))


@replacements
def of_a_document_that_its_holder_never_had(w: World) -> None:
    sent(w)
    w.send(instead(w, replaced={1: ("H41", "G18")}))


@replacements
def of_one_known_and_one_unknown_document(w: World) -> None:
    sent(w)
    w.send(instead(w, replaced={1: ("H41", "G18"), 7: ("H41",)}))


@replacements
def of_somebody_elses_document(w: World) -> None:
    sent(w)
    data = replacement(2, {1: ("H41",)}, sender="G06").replace(b"G06,2026/11/23,1/TN-G06", b"G22,2026/11/23,1/TN-G22")
    w.send(w.packet("stranger's", "G06", data))


@replacements
def the_same_in_another_parcel(w: World) -> None:
    sent(w)
    w.send(instead(w))
    w.send(w.packet("signed again", "G22", replacement(2, {1: ("H41",)}), salt=1))


@replacements
def another_content_under_its_id(w: World) -> None:
    sent(w)
    w.send(instead(w))
    w.send(instead(w, "another", content=b"another"))


@replacements
def by_a_second_one(w: World) -> None:
    sent(w)
    w.send(instead(w))
    w.send(w.packet("second", "G22", replacement(3, {1: ("H41",)})))


@replacements
def of_the_replacement(w: World) -> None:
    sent(w)
    w.send(instead(w))
    w.send(w.packet("second", "G22", replacement(3, {2: ("H41",)})))


@replacements
def of_the_replacement_at_once(w: World) -> None:
    sent(w)
    w.send(instead(w), w.packet("second", "G22", replacement(3, {2: ("H41",)})))


@replacements
def recalled(w: World) -> None:
    sent(w)
    w.send(instead(w))
    w.send(w.packet("recall", "G22", recall(2)))
    w.send(w.receipt("W.1", "H41", "recall"))


@replacements
def of_what_a_closed_agency_has(w: World) -> None:
    sent(w, *BOTH)
    w.end("G06", "G18")
    w.settle()
    w.send(instead(w, replaced={1: BOTH}, to=BOTH))
