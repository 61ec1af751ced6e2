"""Updates: who keeps, who gets, whose is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.golden.case import group
from tests.golden.cases.documents import with_extra
from tests.golden.cases.recalls import BOTH, SUBMITTED, back, earlier, sent
from tests.line import document, status, update

if TYPE_CHECKING:
    from tests.golden.world import Mail, World

updates = group("updates")


def change(w: World, label: str = "update", **more: object) -> Mail:
    """An update of document 1."""
    return w.packet(label, "G22", update(1, **more))  # type: ignore[arg-type]


@updates
def of_the_content_for_all_that_have_it(w: World) -> None:
    sent(w, *BOTH)
    w.send(change(w, to=BOTH))


@updates
def of_the_content_for_one_of_two(w: World) -> None:
    sent(w, *BOTH)
    w.send(change(w))


@updates
def without_content_for_who_has_it(w: World) -> None:
    sent(w)
    w.send(change(w, changes_content=False))


@updates
def with_its_document_at_once(w: World) -> None:
    w.send(w.packet("document", "G22", document(1)), change(w))


@updates
def before_its_document_at_once(w: World) -> None:
    w.send(change(w), w.packet("document", "G22", document(1)))


@updates
def and_its_receipts(w: World) -> None:
    sent(w)
    w.send(change(w))
    w.send(w.receipt("E.1", "H41", "update"))


@updates
def and_its_refusal_by_the_recipient(w: World) -> None:
    sent(w)
    w.send(change(w))
    w.send(w.receipt("E.2", "H41", "update"))


@updates
def with_content_adds_an_agency(w: World) -> None:
    sent(w)
    w.send(change(w, to=("H41", "G06"), add=("G06",)))


@updates
def without_content_adds_an_agency(w: World) -> None:
    sent(w)
    w.send(change(w, changes_content=False, add=("G06",)))


@updates
def without_content_adds_an_agency_that_gets_the_newest_version(w: World) -> None:
    sent(w)
    w.send(change(w))
    w.wait(minutes=1)
    w.send(change(w, "adding", changes_content=False, add=("G06",), content=b"again"))


@updates
def without_content_adds_an_agency_after_two_versions_at_once(w: World) -> None:
    sent(w)
    w.give(change(w, "second version"))
    w.give(change(w, "third version", content=b"third"))
    w.send(change(w, "adding", changes_content=False, add=("G06",), content=b"again"))


@updates
def adds_a_unit_where_the_document_is(w: World) -> None:
    sent(w, "H29.10", "G06")
    w.send(change(w, to=("H29.10", "G06"), changes_content=False, add=("H29.12",)))


@updates
def adds_a_unit_with_content(w: World) -> None:
    sent(w, "H29.10", "G06")
    w.send(change(w, to=("H29.10", "G06"), add=("H29.12",)))


@updates
def adds_one_that_is_closed(w: World) -> None:
    sent(w)
    w.end("G06")
    w.send(change(w, add=("G06",), to=("H41", "G06")))


@updates
def removes_an_agency_that_has_it(w: World) -> None:
    sent(w, *BOTH)
    w.send(change(w, to=BOTH, remove=("G06",)))
    w.send(w.receipt("W.2", "G06", "update"))
    w.send(w.receipt("E.1", "G06", "update"), w.receipt("E.1", "H41", "update"))


@updates
def removes_an_agency_that_has_not_seen_it(w: World) -> None:
    sent(w, *BOTH, handed_over=False)
    w.send(w.receipt("E.1", "H41", "document"))
    w.send(change(w, to=BOTH, remove=("G06",)))
    w.send(w.receipt("W.1", "G06", "update"))


@updates
def removes_an_agency_to_which_nothing_left(w: World) -> None:
    w.suspend("G06")
    sent(w, *BOTH, handed_over=False)
    w.send(change(w, to=BOTH, remove=("G06",)))


@updates
def adds_and_removes(w: World) -> None:
    sent(w, *BOTH)
    w.send(change(w, to=("H41", "G06", "G18"), add=("G18",), remove=("G06",)))


@updates
def removes_one_of_the_units_that_have_it_together(w: World) -> None:
    sent(w, "H29.10", "H29.11", "G06")
    w.send(change(w, to=("G06",), remove=("H29.10",)))


@updates
def removes_who_never_had_it(w: World) -> None:
    sent(w)
    w.send(change(w, remove=("G18",)))


@updates
def names_who_never_had_it(w: World) -> None:
    sent(w)
    w.send(change(w, to=BOTH))


@updates
def adds_who_is_not_known(w: World) -> None:
    sent(w)
    w.send(change(w, add=("A99",)))


@updates
def of_a_document_that_is_not_known(w: World) -> None:
    w.send(change(w))


@updates
def by_a_stranger(w: World) -> None:
    sent(w)
    data = update(1, sender="G06").replace(b"G06,2026/11/23,1/TN-G06", b"G22,2026/11/23,1/TN-G22")
    w.send(w.packet("stranger's", "G06", data))


@updates
def of_what_was_recalled(w: World) -> None:
    sent(w)
    w.send(back(w))
    w.send(change(w))


@updates
def of_what_was_recalled_from_one_of_two(w: World) -> None:
    sent(w, *BOTH)
    w.send(back(w))
    w.send(change(w, to=BOTH))
    w.send(change(w, "for the other", to=("G06",)))


@updates
def of_what_a_recall_was_declined_for(w: World) -> None:
    sent(w)
    w.send(back(w))
    w.send(w.receipt("W.2", "H41", "recall"))
    w.send(w.packet("16", "H41", status("16", description="không")))
    w.send(change(w))


@updates
def the_same_content_in_another_parcel(w: World) -> None:
    sent(w)
    w.send(change(w))
    w.send(w.packet("signed again", "G22", update(1), salt=1))


@updates
def the_same_content_twice_at_once(w: World) -> None:
    sent(w)
    w.send(change(w), w.packet("signed again", "G22", update(1), salt=1))


@updates
def two_at_once(w: World) -> None:
    sent(w)
    w.send(change(w), change(w, "second update", content=b"second"))


@updates
def too_often(w: World) -> None:
    sent(w)
    w.sql(SUBMITTED, *(earlier("update", number) for number in range(1, 51)))
    w.send(change(w))
    w.wait(hours=24, minutes=1)
    w.send(change(w))


@updates
def the_fiftieth_and_one_more_at_once(w: World) -> None:
    sent(w)
    w.sql(SUBMITTED, *(earlier("update", number) for number in range(1, 50)))
    w.send(change(w), change(w, "one more", content=b"one more"))


@updates
def of_what_waits_for_its_hour(w: World) -> None:
    w.send(w.packet("document", "G22", with_extra(document(1), "DeliverAt", "2026/11/23 15:00:00")))
    w.send(change(w))
    w.wait(hours=6)


@updates
def of_what_waits_for_its_hour_at_once(w: World) -> None:
    w.send(w.packet("document", "G22", with_extra(document(1), "DeliverAt", "2026/11/23 15:00:00")), change(w))


@updates
def with_an_hour_of_its_own(w: World) -> None:
    sent(w)
    w.send(w.packet("update", "G22", with_extra(update(1), "DeliverAt", "2026/11/23 15:00:00")))


@updates
def of_what_a_closed_agency_has(w: World) -> None:
    sent(w, *BOTH)
    w.end("G06", "G18")
    w.settle()
    w.send(change(w, to=BOTH))


@updates
def of_what_a_closed_agency_and_its_successor_have(w: World) -> None:
    sent(w, "G06", "G18")
    w.end("G06", "G18")
    w.settle()
    w.send(change(w, to=("G06", "G18")))
    w.send(w.receipt("E.1", "G18", "update"))
