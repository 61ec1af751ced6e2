"""New documents: to whom, when, and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.golden.case import group
from tests.line import document

if TYPE_CHECKING:
    from tests.golden.world import World

documents = group("documents")
EXTRA = 'xmlns="urn:axis:edxml:1"'


def with_extra(data: bytes, name: str, value: str) -> bytes:
    """A packet that says when it shall be delivered."""
    return data.replace(b"<OtherInfo>", f"<{name} {EXTRA}>{value}</{name}><OtherInfo>".encode())


def with_due_date(data: bytes, day: str = "2026/11/27") -> bytes:
    """A packet with the day by which it has to be processed."""
    return data.replace(b"<OtherInfo>", f"<DueDate>{day}</DueDate><OtherInfo>".encode())


@documents
def to_one(w: World) -> None:
    w.send(w.packet("document", "G22", document(1)))


@documents
def to_several(w: World) -> None:
    w.send(w.packet("document", "G22", document(1, to=("H41", "G06", "G18"))))


@documents
def to_units_of_one_member(w: World) -> None:
    w.send(w.packet("document", "G22", document(1, to=("H29.10", "000.00.12.H29", "H41"))))


@documents
def from_a_unit(w: World) -> None:
    data = document(1).replace(b"<From><OrganId>G22<", b"<From><OrganId>G22.05<")
    w.send(w.packet("document", "G22", data))


@documents
def to_a_closed_agency_that_nobody_follows(w: World) -> None:
    w.end("G06")
    w.send(w.packet("document", "G22", document(1, to=("G06", "H41"))))


@documents
def to_closed_agencies_alone(w: World) -> None:
    w.end("G06")
    w.end("G18")
    w.send(w.packet("document", "G22", document(1, to=("G06", "G18"))))


@documents
def to_a_closed_agencys_successor(w: World) -> None:
    w.end("G06", "G18")
    w.send(w.packet("document", "G22", document(1, to=("G06", "H41"))))


@documents
def to_a_closed_agency_and_its_successor(w: World) -> None:
    w.end("G06", "G18")
    w.send(w.packet("document", "G22", document(1, to=("G06", "G18"))))


@documents
def to_a_closed_agency_where_successors_are_not_followed(w: World) -> None:
    w.configure(closed_agency="refuse")
    w.end("G06", "G18")
    w.send(w.packet("document", "G22", document(1, to=("G06", "H41"))))


@documents
def to_a_suspended_agency_waits(w: World) -> None:
    w.suspend("H41")
    w.send(w.packet("document", "G22", document(1, to=("H41", "G06"))))


@documents
def to_a_suspended_agency_goes_when_it_is_resumed(w: World) -> None:
    w.suspend("H41")
    w.send(w.packet("document", "G22", document(1)))
    w.resume("H41")
    w.settle()


@documents
def waits_for_an_agency_that_is_closed_meanwhile(w: World) -> None:
    w.suspend("G06")
    w.send(w.packet("document", "G22", document(1, to=("G06", "H41"))))
    w.resume("G06")
    w.end("G06", "G18")
    w.settle()


@documents
def waits_for_an_agency_that_is_closed_meanwhile_and_nobody_follows(w: World) -> None:
    w.suspend("G06")
    w.send(w.packet("document", "G22", document(1, to=("G06", "H41"))))
    w.resume("G06")
    w.end("G06")
    w.settle()


@documents
def waits_for_an_agency_whose_successor_has_it(w: World) -> None:
    w.suspend("G06")
    w.send(w.packet("document", "G22", document(1, to=("G06", "G18"))))
    w.send(w.receipt("E.1", "G18", "document"))
    w.resume("G06")
    w.end("G06", "G18")
    w.settle()


@documents
def urgent(w: World) -> None:
    w.send(w.packet("document", "G22", document(1, priority=3)))


@documents
def with_an_hour_to_be_delivered_at(w: World) -> None:
    data = with_extra(document(1), "DeliverAt", "2026/11/23 15:00:00")
    w.send(w.packet("document", "G22", data))


@documents
def when_its_hour_has_come(w: World) -> None:
    data = with_extra(document(1), "DeliverAt", "2026/11/23 15:00:00")
    w.send(w.packet("document", "G22", data))
    w.wait(hours=5, minutes=1)


@documents
def with_an_hour_that_is_past(w: World) -> None:
    w.send(w.packet("document", "G22", with_extra(document(1), "DeliverAt", "2026/11/23 08:00:00")))


@documents
def with_a_time_within_which_it_shall_be_delivered(w: World) -> None:
    w.send(w.packet("document", "G22", with_extra(document(1), "DeliverWithin", "PT2H")))


@documents
def with_an_hour_and_a_time_within(w: World) -> None:
    data = with_extra(document(1, to=("H41", "G06")), "DeliverAt", "2026/11/23 15:00:00")
    w.send(w.packet("document", "G22", with_extra(data, "DeliverWithin", "PT2H")))


@documents
def with_a_due_date(w: World) -> None:
    w.send(w.packet("document", "G22", with_due_date(document(1))))


@documents
def the_same_parcel_again(w: World) -> None:
    one = w.packet("document", "G22", document(1))
    w.send(one)
    w.send(one)
    w.send(one)


@documents
def the_same_parcel_twice_at_once(w: World) -> None:
    one = w.packet("document", "G22", document(1))
    w.send(one, one)


@documents
def the_same_content_in_another_parcel(w: World) -> None:
    w.send(w.packet("document", "G22", document(1)))
    w.send(w.packet("signed again", "G22", document(1), salt=1))


@documents
def the_same_content_in_another_parcel_at_once(w: World) -> None:
    w.send(w.packet("document", "G22", document(1)), w.packet("signed again", "G22", document(1), salt=1))


@documents
def another_content_under_the_same_id(w: World) -> None:
    w.send(w.packet("document", "G22", document(1)))
    w.send(w.packet("another", "G22", document(1, content=b"another")))
    w.send(w.packet("another", "G22", document(1, content=b"another")))


@documents
def another_content_under_the_same_id_at_once(w: World) -> None:
    w.send(w.packet("document", "G22", document(1)), w.packet("another", "G22", document(1, content=b"another")))


@documents
def the_same_id_from_another_agency(w: World) -> None:
    identifier = "G22,2026/11/23,1/TN-G22"
    w.send(
        w.packet("document", "G22", document(1)),
        w.packet("other's", "G06", document(1, sender="G06", document_id=identifier)),
    )


@documents
def many_at_once(w: World) -> None:
    w.send(
        w.packet("first", "G22", document(1, to=("H41", "G06"))),
        w.packet("second", "G06", document(2, sender="G06", priority=2)),
        w.packet("third", "G22", document(3, to=("H29.10", "G18"))),
        w.packet("again", "G06", document(2, sender="G06", priority=2), salt=1),
        w.packet("fourth", "H41", with_due_date(document(4, sender="H41", to=("G22",)))),
        w.packet("conflict", "G22", document(3, to=("H29.10", "G18"), content=b"another")),
    )


@documents
def to_oneself(w: World) -> None:
    w.send(w.packet("document", "G22", document(1, to=("G22", "H41"))))
