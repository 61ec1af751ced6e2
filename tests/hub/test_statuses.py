"""Business statuses 01-06, and the answers 15 and 16."""

from __future__ import annotations

import pytest

from axis.core.hub.admission import MAX_REPORTERS
from axis.core.hub.lifecycle import State
from axis.core.receipt import Event
from axis.core.registry import Member
from axis.errors import Fault
from tests.hub import mail
from tests.hub.invariants import check
from tests.hub.memory import NOW, Hub, members, rules
from tests.line import document, recall, status, update

ONE = "G22,2026/11/23,1/TN-G22"


def handed_over(to: tuple[str, ...] = ("H41",), hub: Hub | None = None) -> Hub:
    hub = hub or Hub()
    hub.submit(mail.submission(document(1, to=to), "G22", hub.rules))
    hub.publish()
    axis_id = next(iter(hub.record.submissions))
    for row in list(hub.record.deliveries.values()):
        hub.submit(mail.said(hub, row.recipient, axis_id, Event.ContentHandover))
    return hub


def send(hub: Hub, data: bytes, sender: str = "H41") -> None:
    hub.submit(mail.submission(data, sender, hub.rules))
    check(hub)


def refusals(hub: Hub) -> list[str]:
    return [r.code for one in hub.statements("A.2") for r in one.reasons]


def business(hub: Hub) -> dict[str, str]:
    return {unit: code for known in hub.record.business.values() for unit, code in known.items()}


def passed_on(hub: Hub) -> list[str]:
    return [
        one.status_code
        for one in hub.record.submissions.values()
        if any(d.axis_id == one.axis_id and d.role == "status" for d in hub.record.deliveries.values())
    ]


def test_a_status_is_passed_on_to_the_sender_and_only_climbs() -> None:
    hub = handed_over()
    for code in ("03", "05", "04", "06"):
        send(hub, status(code))
    assert business(hub) == {"H41": "06"}
    assert passed_on(hub) == ["03", "05", "04", "06"]
    assert hub.states(ONE, "status") == {"G22": State.ACCEPTED}


def test_what_a_recipient_says_of_a_status_is_recorded() -> None:
    """Its document is the sender's, which the status only speaks of."""
    hub = handed_over()
    send(hub, status("03"))
    hub.publish()
    axis_id = max(hub.record.submissions)
    hub.submit(mail.said(hub, "G22", axis_id, Event.ContentHandover))
    check(hub)
    assert hub.states(ONE, "status") == {"G22": State.HANDED_OVER}
    assert hub.record.aside == {}
    assert "D.1 G22" not in hub.told("H41"), "a status has no D"
    assert hub.tell(at_once=True) == 0


def test_the_same_status_at_another_time_is_the_same() -> None:
    hub = handed_over()
    send(hub, status("03"))
    send(hub, status("03", description="Viết khác"))
    assert passed_on(hub) == ["03"]
    assert hub.events()[-1] == "submission.repeated"
    assert hub.record.repeated


def test_a_01_after_the_handover_says_nothing_new_and_is_accepted_in_silence() -> None:
    hub = handed_over()
    send(hub, status("01"))
    assert (passed_on(hub), refusals(hub)) == ([], [])
    assert hub.statements("A.1")[-1].recipients == ()


def test_a_01_of_a_unit_below_is_its_own_word() -> None:
    hub = handed_over()
    send(hub, status("01", sender="H41.05"))
    assert passed_on(hub) == ["01"]
    assert business(hub) == {"H41": "01", "H41.05": "01"}


def test_a_01_that_overtakes_e1_is_passed_on() -> None:
    hub = Hub()
    hub.submit(mail.submission(document(1), "G22", hub.rules))
    send(hub, status("01"))
    assert passed_on(hub) == ["01"]


def test_after_it_was_taken_back_a_status_is_accepted_in_silence() -> None:
    hub = handed_over()
    send(hub, recall(1), "G22")
    hub.publish()
    hub.submit(
        mail.said(hub, "H41", max(hub.record.submissions), Event.ContentWithdrawalFailure, why=[Fault.RECALL_LATE])
    )
    send(hub, status("15"))
    send(hub, status("03"))
    assert passed_on(hub) == ["15"]
    assert refusals(hub) == []


@pytest.mark.parametrize("spelling", ["000.00.00.H41", "H41"])
def test_one_unit_has_one_status_whatever_its_spelling(spelling: str) -> None:
    hub = handed_over(to=(spelling,))
    send(hub, status("03"))
    assert business(hub) == {spelling: "03"}


def test_what_cannot_be_said_is_refused() -> None:
    hub = handed_over()
    send(hub, status("03", number=7))
    send(hub, status("03", sender="H29"), "H29")
    send(hub, status("06"))
    send(hub, status("02", description="Không nhận"))
    assert refusals(hub) == [Fault.STATUS_UNKNOWN_DOCUMENT.code] * 2 + [Fault.STATUS_ILLEGAL.code]
    hub = Hub()
    hub.submit(mail.submission(document(1), "G22", hub.rules))
    send(hub, recall(1), "G22")
    send(hub, status("03"))
    assert refusals(hub) == [Fault.STATUS_ILLEGAL.code], "it never had it"


def test_so_many_units_report_on_one_document_and_no_more() -> None:
    hub = handed_over()
    for number in range(MAX_REPORTERS):
        send(hub, status("03", sender=f"H41.{number:03}"))
    assert refusals(hub) == [Fault.REPORTERS_TOO_MANY.code], "the member itself is one of them"
    assert len(business(hub)) == MAX_REPORTERS


def test_many_units_report_and_the_processing_is_over_when_each_that_was_addressed_has_finished() -> None:
    hub = Hub()
    packet = document(1, to=("H41.05", "H41.07")).replace(b"<OtherInfo>", b"<DueDate>2026/11/25</DueDate><OtherInfo>")
    hub.submit(mail.submission(packet, "G22", hub.rules))
    hub.publish()
    hub.submit(mail.said(hub, "H41", next(iter(hub.record.submissions)), Event.ContentHandover))

    def progress() -> list[str]:
        (limits,) = hub.record.limits.values()
        return [limits[leg].progress for leg in ("reception", "processing")]

    for number in range(12):
        send(hub, status("03", sender=f"H41.05.{number:02}"))

    assert progress() == ["running", "running"], "H41.07 has said nothing"
    send(hub, status("03", sender="H41.07"))
    assert progress() == ["met", "running"]
    send(hub, status("06", sender="H41.05.03"))
    assert progress() == ["met", "running"]
    send(hub, status("06", sender="H41.07"))
    assert progress() == ["met", "met"]
    (row,) = (one for one in hub.record.deliveries.values() if one.role == "document")
    assert row.reporters == len(business(hub)) == 14


# -- 15 and 16 ------------------------------------------------------------------------------------------------------


def asked(units: tuple[str, ...] = ("H41",)) -> Hub:
    hub = handed_over(units)
    send(hub, update(1, to=("H41",)), "G22")
    return hub


def test_an_answer_is_for_the_recall_first_and_then_for_the_oldest_that_waits() -> None:
    hub = asked()
    send(hub, update(1, content=b"%PDF hai"), "G22")
    send(hub, recall(1), "G22")
    send(hub, status("16", description="Đã giải quyết"))
    send(hub, status("15"))
    assert hub.stages(ONE) == {"H41": ["1 update AGREED", "2 update OPEN", "3 recall DECLINED"]}
    assert list(hub.record.reasons.values()) == ["Đã giải quyết"]


def test_a_unit_answers_for_itself_and_the_member_for_all() -> None:
    hub = asked(("H41.05", "H41.07"))
    send(hub, status("15", sender="H41.05"))
    assert hub.stages(ONE) == {"H41": ["1 update AGREED+OPEN"]}
    send(hub, status("16", description="Không"))
    (stages,) = [one.stages for known in hub.record.demands.values() for one in known.values()]
    assert {unit: stage.value for unit, stage in stages.items()} == {"H41.05": "AGREED", "H41.07": "DECLINED"}


def test_the_same_answer_again_is_the_same_and_the_other_one_is_refused() -> None:
    hub = asked()
    send(hub, status("15"))
    send(hub, status("15", description="Viết khác"))
    assert (hub.events()[-1], passed_on(hub), refusals(hub)) == ("submission.repeated", ["15"], [])
    send(hub, status("16", description="Không"))
    assert refusals(hub) == [Fault.STATUS_NOT_OPEN.code]


def test_an_answer_that_comes_again_after_many_is_looked_for_at_once() -> None:
    hub = handed_over()
    for number in range(20):
        send(hub, update(1, content=b"%d" % number), "G22")
        send(hub, status("15", description=f"{number}"))
    send(hub, status("16", description="Không"))
    assert refusals(hub) == [Fault.STATUS_NOT_OPEN.code]
    assert len(hub.asked) <= 3, "however many were answered"
    send(hub, status("15", description="Viết khác"))
    assert (hub.events()[-1], passed_on(hub)) == ("submission.repeated", ["15"] * 20)


def test_an_answer_is_met_by_its_deadline_only_when_every_unit_has_answered() -> None:
    hub = asked(("H41.05", "H41.07"))
    hub.publish()
    hub.submit(mail.said(hub, "H41", max(hub.record.submissions), Event.ContentHandover))

    def progress() -> str:
        return next(known["answer 1"].progress for known in hub.record.limits.values() if "answer 1" in known)

    send(hub, status("15", sender="H41.05"))
    assert progress() == "running"
    send(hub, status("15", sender="H41.07"))
    assert progress() == "met"


def test_the_clerk_answers_nothing_before_its_system_has_the_document() -> None:
    hub = Hub()
    hub.submit(mail.submission(document(1), "G22", hub.rules))
    hub.publish()
    send(hub, recall(1), "G22")
    send(hub, status("15"))
    assert refusals(hub) == [Fault.STATUS_NOT_OPEN.code]
    assert hub.stages(ONE) == {"H41": ["1 recall PENDING"]}


def test_an_answer_where_nothing_was_asked_or_known_is_refused() -> None:
    hub = handed_over()
    send(hub, status("15"))
    send(hub, status("15", number=9))
    assert refusals(hub) == [Fault.STATUS_NOT_OPEN.code, Fault.STATUS_UNKNOWN_DOCUMENT.code]


def test_the_successor_answers_for_the_agency_that_it_has_succeeded() -> None:
    hub = handed_over(("H41",))
    hub.rules = rules(members(Member("H41", "đóng", valid_until=NOW, successor="H29")))
    send(hub, update(1, to=("H41",)), "G22")
    send(hub, status("15", sender="H29"), "H29")
    assert hub.stages(ONE) == {"H41": ["1 update AGREED"]}


def test_a_document_of_a_batch_is_answered_in_the_same_batch() -> None:
    """As after a restore, when everything comes again at once: what the answer is known by names a delivery that the
    decision itself begins."""
    hub = Hub()
    packets = [
        (document(1), "G22"),
        (update(1), "G22"),
        (status("15"), "H41"),
        (status("15", description="lại"), "H41"),
    ]
    hub.submit(*(mail.submission(data, sender, hub.rules) for data, sender in packets))
    check(hub)
    assert hub.stages(ONE) == {"H41": ["1 update AGREED"]}
    assert hub.events().count("submission.repeated") == 1
