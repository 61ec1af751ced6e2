"""Recalls: decided at the hub while nothing has left, by the recipient's adapter from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.errors import Fault
from tests.golden.case import group
from tests.line import document, recall, status, update

if TYPE_CHECKING:
    from tests.golden.world import Mail, World

recalls = group("recalls")
BOTH = ("H41", "G06")


def sent(w: World, *to: str, handed_over: bool = True) -> None:
    """Document 1 is with these."""
    to = to or ("H41",)

    def begin(world: World) -> None:
        world.send(world.packet("document", "G22", document(1, to=to)))
        if handed_over:
            world.send(*(world.receipt("E.1", code, "document") for code in dict.fromkeys(one[:3] for one in to)))

    w.once(begin, "sent", to, handed_over)


def back(w: World, label: str = "recall", to: tuple[str, ...] = ("H41",), **more: str) -> Mail:
    """A recall of document 1."""
    return w.packet(label, "G22", recall(1, to=to, **more))


@recalls
def with_its_document_at_once(w: World) -> None:
    w.send(w.packet("document", "G22", document(1)), back(w))


@recalls
def of_one_of_two_before_anything_left(w: World) -> None:
    w.give(w.packet("document", "G22", document(1, to=BOTH)))
    w.send(back(w))


@recalls
def of_both_before_anything_left_by_two_recalls(w: World) -> None:
    w.give(w.packet("document", "G22", document(1, to=BOTH)))
    w.send(back(w), back(w, "second recall", ("G06",)))


@recalls
def of_what_waits_for_a_suspended_agency(w: World) -> None:
    w.suspend("H41")
    sent(w, *BOTH, handed_over=False)
    w.send(w.receipt("E.1", "G06", "document"))
    w.send(back(w, to=BOTH))


@recalls
def of_what_waits_with_its_update(w: World) -> None:
    w.suspend("H41")
    w.send(w.packet("document", "G22", document(1)), w.packet("update", "G22", update(1)))
    w.send(back(w))


@recalls
def of_what_waits_for_its_hour(w: World) -> None:
    at = b'<DeliverAt xmlns="urn:axis:edxml:1">2026/11/23 15:00:00</DeliverAt><OtherInfo>'
    w.send(w.packet("document", "G22", document(1).replace(b"<OtherInfo>", at)))
    w.send(back(w))
    w.wait(hours=6)


@recalls
def waits_for_its_document(w: World) -> None:
    w.send(back(w))


@recalls
def overtakes_its_document(w: World) -> None:
    w.send(back(w))
    w.send(w.packet("document", "G22", document(1, to=BOTH)))


@recalls
def overtakes_its_document_at_once(w: World) -> None:
    w.send(back(w), w.packet("document", "G22", document(1, to=BOTH)))


@recalls
def overtakes_its_document_and_names_more_than_it(w: World) -> None:
    w.send(back(w, to=("H41", "G18")))
    w.send(w.packet("document", "G22", document(1, to=BOTH)))


@recalls
def of_two_of_three_overtakes_its_document(w: World) -> None:
    w.send(back(w, to=BOTH))
    w.send(w.packet("document", "G22", document(1, to=("H41", "G06", "G18"))))


@recalls
def overtakes_its_document_and_an_update_adds_somebody(w: World) -> None:
    w.send(back(w))
    w.send(w.packet("document", "G22", document(1, to=BOTH)))
    adding = update(1, to=("G06",), changes_content=False, add=("G18",))
    w.send(w.packet("adding", "G22", adding))


@recalls
def overtakes_its_document_to_one_that_is_closed(w: World) -> None:
    w.end("G06")
    w.send(back(w))
    w.send(w.packet("document", "G22", document(1, to=BOTH)))


@recalls
def twice_before_its_document(w: World) -> None:
    w.send(back(w))
    w.send(back(w, "other words", reason="Sai thể thức"))
    w.send(back(w, "more", BOTH))
    w.send(w.packet("document", "G22", document(1, to=BOTH)))


@recalls
def of_what_is_in_the_queue(w: World) -> None:
    sent(w, handed_over=False)
    w.send(back(w))


@recalls
def withdrawn_by_the_adapter(w: World) -> None:
    sent(w, *BOTH, handed_over=False)
    w.send(w.receipt("E.1", "G06", "document"))
    w.send(back(w))
    w.send(w.receipt("W.1", "H41", "recall"))


@recalls
def withdrawn_by_the_adapter_from_all(w: World) -> None:
    sent(w, handed_over=False)
    w.send(back(w))
    w.send(w.receipt("W.1", "H41", "recall"))


@recalls
def withdrawn_with_the_update_that_is_on_its_way(w: World) -> None:
    sent(w, handed_over=False)
    w.send(w.packet("update", "G22", update(1)))
    w.send(back(w))
    w.send(w.receipt("W.1", "H41", "recall"))


@recalls
def comes_too_late_at_the_adapter(w: World) -> None:
    sent(w)
    w.send(back(w))
    w.send(w.receipt("W.2", "H41", "recall"))
    w.send(w.receipt("E.1", "H41", "recall"))


@recalls
def comes_too_late_and_both_are_said_at_once(w: World) -> None:
    sent(w, handed_over=False)
    w.send(back(w))
    w.send(w.receipt("E.1", "H41", "document"), w.receipt("W.2", "H41", "recall"), w.receipt("E.1", "H41", "recall"))


@recalls
def of_what_the_recipient_had_refused_before(w: World) -> None:
    sent(w, handed_over=False)
    w.send(w.receipt("E.2", "H41", "document"))
    w.send(back(w))


@recalls
def of_what_the_recipient_refuses_at_the_same_time(w: World) -> None:
    sent(w, handed_over=False)
    w.send(back(w))
    w.send(w.receipt("E.2", "H41", "document"), w.receipt("W.2", "H41", "recall", why=Fault.RECALL_VOID))


@recalls
def of_one_of_two(w: World) -> None:
    sent(w, *BOTH)
    w.send(back(w))


@recalls
def of_one_unit_where_several_have_it_together(w: World) -> None:
    sent(w, "H29.10", "H29.11")
    w.send(back(w, to=("H29.10",)))


@recalls
def of_all_units_by_their_member(w: World) -> None:
    sent(w, "H29.10", "H29.11")
    w.send(back(w, to=("H29",)))


@recalls
def from_who_never_had_it(w: World) -> None:
    sent(w)
    w.send(back(w, to=("H41", "G18")))


@recalls
def by_a_stranger(w: World) -> None:
    sent(w)
    data = recall(1, sender="G06").replace(b"G06,2026/11/23,1/TN-G06", b"G22,2026/11/23,1/TN-G22")
    w.send(w.packet("stranger's", "G06", data))


@recalls
def by_a_stranger_of_what_is_not_known(w: World) -> None:
    data = recall(1, sender="G06").replace(b"G06,2026/11/23,1/TN-G06", b"G22,2026/11/23,1/TN-G22")
    w.send(w.packet("stranger's", "G06", data))


@recalls
def the_same_in_another_parcel(w: World) -> None:
    sent(w)
    w.send(back(w))
    w.send(w.packet("signed again", "G22", recall(1), salt=1))


@recalls
def the_same_in_other_words_twice(w: World) -> None:
    sent(w)
    w.send(back(w))
    w.send(back(w, "other words", reason="Sai thể thức"))
    w.send(w.packet("other words again", "G22", recall(1, reason="Sai thể thức"), salt=1))


@recalls
def the_same_in_other_words_at_once(w: World) -> None:
    sent(w)
    w.send(back(w), back(w, "other words", reason="Sai thể thức"), back(w, "third words", reason="Khác"))


@recalls
def of_a_second_recipient_later(w: World) -> None:
    sent(w, *BOTH)
    w.send(back(w))
    w.send(back(w, "second recall", BOTH))


@recalls
def of_two_recipients_by_two_at_once(w: World) -> None:
    sent(w, *BOTH)
    w.send(back(w), back(w, "second recall", BOTH))


def as_status(sender: str) -> bytes:
    """A recall of document 1 from H41, in the form of a status."""
    data = status("13", sender=sender, about="H41", description="Lấy lại")
    return data.replace(b"H41,2026", b"G22,2026").replace(b"TN-H41", b"TN-G22")


@recalls
def as_a_status_13(w: World) -> None:
    sent(w)
    w.send(w.packet("recall", "G22", as_status("G22")))
    w.send(w.receipt("W.2", "H41", "recall"))


@recalls
def as_a_status_13_before_anything_left(w: World) -> None:
    w.send(w.packet("document", "G22", document(1)), w.packet("recall", "G22", as_status("G22")))


@recalls
def as_a_status_13_after_one_as_a_packet(w: World) -> None:
    sent(w)
    w.send(back(w))
    w.send(w.packet("recall as a status", "G22", as_status("G22")))


@recalls
def as_a_status_13_by_a_stranger(w: World) -> None:
    sent(w)
    w.send(w.packet("stranger's", "G06", as_status("G06")))


@recalls
def without_a_reason(w: World) -> None:
    sent(w)
    w.send(back(w, reason=""))


@recalls
def of_what_a_closed_agency_has(w: World) -> None:
    sent(w, *BOTH)
    w.end("G06", "G18")
    w.settle()
    w.send(back(w, to=("G06",)))


@recalls
def of_what_a_closed_agency_has_that_nobody_follows(w: World) -> None:
    sent(w, *BOTH)
    w.end("G06")
    w.settle()
    w.send(back(w, to=("G06",)))


@recalls
def of_what_failed_for_a_closed_agency(w: World) -> None:
    w.end("G06")
    sent(w, *BOTH, handed_over=False)
    w.send(back(w, to=BOTH))


@recalls
def by_the_successor_of_who_sent_it(w: World) -> None:
    sent(w)
    w.end("G22", "G18")
    w.settle()
    data = recall(1, sender="G18").replace(b"G18,2026/11/23,1/TN-G18", b"G22,2026/11/23,1/TN-G22")
    w.send(w.packet("recall", "G18", data))


@recalls
def of_a_document_that_goes_to_a_successor_when_it_comes(w: World) -> None:
    w.send(back(w, to=("G06",)))
    w.end("G06", "G18")
    w.settle()
    w.send(w.packet("document", "G22", document(1, to=BOTH)))


@recalls
def the_document_again_after_it(w: World) -> None:
    sent(w, handed_over=False)
    w.send(back(w))
    w.send(w.receipt("W.1", "H41", "recall"))
    w.send(w.packet("document", "G22", document(1)))
    w.send(w.packet("signed again", "G22", document(1), salt=1))


@recalls
def too_often(w: World) -> None:
    w.sql(SUBMITTED, *(earlier("recall", number) for number in range(1, 51)))
    w.send(back(w))


@recalls
def too_often_and_the_day_after(w: World) -> None:
    w.sql(SUBMITTED, *(earlier("recall", number) for number in range(1, 51)))
    w.wait(hours=23, minutes=59)
    w.send(back(w))
    w.wait(minutes=2)
    w.send(back(w))


SUBMITTED = (
    "INSERT INTO submission (axis_id, key, kind, sender, organ_id, owner, document_id, code, subject, status_code,"
    " priority, content_digest, parcel_digest, acceptance_digest, registry_version, received_at, number, body_digest,"
    " has_content) VALUES (?, ?, ?, 'G22', 'G22', 'G22', 'G22,2026/11/23,1/TN-G22', '1/TN-G22', '', '', 0, ?, ?, '', 1,"
    " '2026-11-23T03:00:00.000Z', ?, '', 0)"
)


def earlier(kind: str, number: int) -> tuple[object, ...]:
    """A recall or update of document 1 that was accepted at the beginning, as a row."""
    identifier = f"019a0000-0000-7000-8000-{number:012}"
    return (identifier, f"{kind}-{number}", kind, f"{number:064}", f"{number:063}a", number)
