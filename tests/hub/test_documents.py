"""New documents and replacements: to whom they go, what they are answered, what they take the place of."""

from __future__ import annotations

from datetime import timedelta

import pytest

from axis.core.hub.lifecycle import State
from axis.core.hub.terms import Leg
from axis.core.instant import to_text
from axis.core.receipt import Event
from axis.core.registry import Member
from axis.errors import Fault
from tests.hub import mail
from tests.hub.invariants import check
from tests.hub.memory import NOW, Hub, members, rules
from tests.line import document, recall, replacement, status

ONE, TWO = (f"G22,2026/11/23,{n}/TN-G22" for n in (1, 2))


def send(hub: Hub, data: bytes, sender: str = "G22", **more: object) -> None:
    hub.submit(mail.submission(data, sender, hub.rules, **more))  # type: ignore[arg-type]
    check(hub)


def refusals(hub: Hub) -> list[str]:
    return [r.code for one in hub.statements("A.2") for r in one.reasons]


def test_a_document_is_accepted_and_on_its_way_to_each_member_once() -> None:
    hub = Hub()
    send(hub, document(1, to=("H41", "H41.05", "G06"), priority=3))
    assert {(d.recipient, d.units) for d in hub.record.deliveries.values()} == {
        ("H41", ("H41", "H41.05")),
        ("G06", ("G06",)),
    }
    (a1,) = hub.statements("A.1")
    assert a1.recipients == ("H41", "G06")
    assert [(row.code, row.urgent, bool(row.proof)) for row in hub.record.outbox.values()] == [
        ("G22", False, False),
        ("H41", True, True),
        ("G06", True, True),
    ]
    (about,) = hub.record.submissions.values()
    assert (about.kind, about.has_content, about.number, about.document) == ("new", True, 0, ("G22", ONE))


def test_the_very_parcel_again_gets_the_very_answer_again() -> None:
    hub = Hub()
    for _ in range(2):
        send(hub, document(1))
    assert hub.told("G22") == ["A.1", "A.1"]
    assert len(hub.record.receipts) == 1
    assert hub.events() == ["submission.accepted", "submission.repeated"]


def test_the_same_content_in_another_parcel_gets_the_same_answer() -> None:
    hub = Hub()
    send(hub, document(1))
    send(hub, document(1), again=1)
    assert (len(hub.record.submissions), len(hub.record.receipts)) == (1, 1)
    assert hub.told("G22") == ["A.1", "A.1"]


def test_another_content_under_the_same_document_id_is_a_conflict() -> None:
    hub = Hub()
    send(hub, document(1))
    send(hub, document(1, subject="Khác"))
    send(hub, replacement(1, {2: ("H41",)}))
    assert refusals(hub) == [Fault.DUP_CONFLICT.code] * 2
    assert len(hub.record.submissions) == 1


def test_it_leaves_at_the_hour_that_its_sender_wishes() -> None:
    hub = Hub()
    send(hub, document(1), at="2026/11/23 15:00:00", within="PT4H")
    hour = NOW + timedelta(hours=5)
    (row,) = [row for row in hub.record.outbox.values() if row.delivery_id]
    assert row.not_before == to_text(hour)
    ((limit,),) = [known.values() for known in hub.record.limits.values()]
    assert (limit.leg, limit.due_at) == (Leg.HANDOVER.value, to_text(hour + timedelta(hours=4)))


def test_a_due_date_is_a_deadline_of_the_processing() -> None:
    hub = Hub()
    data = document(1).replace(b"<OtherInfo>", b"<DueDate>2026/11/25</DueDate><OtherInfo>")
    send(hub, data)
    (limits,) = hub.record.limits.values()
    assert set(limits) == {"handover", "processing"}
    assert limits["processing"].due_at == "2026-11-25T10:00:00.000Z", "five in the afternoon in Viet Nam"


def test_what_goes_to_a_closed_agency_fails_at_once_and_the_rest_goes_on() -> None:
    hub = Hub(rule=rules(members(Member("G06", "đóng", valid_until=NOW))))
    send(hub, document(1, to=("H41", "G06")))
    assert hub.states(ONE) == {"H41": State.ACCEPTED, "G06": State.FAILED}
    (said,) = hub.statements("D.2")
    assert ([r.code for r in said.reasons], said.recipient) == ([Fault.AGENCY_CLOSED.code], "G06")
    (a1,) = hub.statements("A.1")
    assert a1.recipients == ("H41",)


def test_a_document_to_closed_agencies_alone_is_over_at_once_and_certified() -> None:
    closed = [Member(code, "đóng", valid_until=NOW) for code in ("G06", "H41")]
    hub = Hub(rule=rules(members(*closed)))
    send(hub, document(1, to=("H41", "G06")))
    assert [(s.recipient, s.outcome) for s in hub.statements("S.1")] == [("G06", "FAILED"), ("H41", "FAILED")]


@pytest.mark.parametrize("follow", [True, False])
def test_the_mail_of_a_closed_agency_goes_to_its_successor_where_that_is_the_rule(follow: bool) -> None:
    hub = Hub(rule=rules(members(Member("G06", "đóng", valid_until=NOW, successor="H41")), follow_successors=follow))
    send(hub, document(1, to=("G06",)))
    assert hub.states(ONE) == ({"H41": State.ACCEPTED} if follow else {"G06": State.FAILED})


# -- Replacements ---------------------------------------------------------------------------------------------------


def test_who_has_what_is_replaced_is_asked_to_put_the_new_one_in_its_place() -> None:
    hub = Hub()
    send(hub, document(1, to=("H41", "G06")))
    send(hub, replacement(2, {1: ("G06",)}, to=("H41",)))
    assert set(hub.states(TWO)) == {"H41", "G06"}
    assert hub.stages(TWO) == {"G06": ["1 replace OPEN"]}
    by = hub.record.documents["G22", ONE]
    assert hub.record.submissions[by].document == ("G22", TWO)


def test_what_was_recalled_from_somebody_is_not_replaced_there() -> None:
    hub = Hub()
    send(hub, document(1, to=("H41", "G06")))
    send(hub, recall(1, to=("G06",)))
    send(hub, replacement(2, {1: ("H41", "G06")}, to=("H29",)))
    assert hub.stages(TWO) == {"H41": ["1 replace OPEN"]}
    assert set(hub.states(TWO)) == {"H41", "H29"}


@pytest.mark.parametrize(
    ("replaced", "expected"), [({3: ("H41",)}, Fault.DOCUMENT_UNKNOWN), ({1: ("H29",)}, Fault.RECIPIENT_UNKNOWN)]
)
def test_a_replacement_of_what_nobody_has_is_refused(replaced: dict[int, tuple[str, ...]], expected: Fault) -> None:
    hub = Hub()
    send(hub, document(1))
    send(hub, replacement(2, replaced))
    assert refusals(hub) == [expected.code]
    assert hub.record.documents["G22", ONE] == ""


def test_a_replacement_that_a_recall_has_overtaken_is_taken_back_and_still_takes_the_place() -> None:
    hub = Hub()
    send(hub, document(1))
    send(hub, recall(2))
    send(hub, replacement(2, {1: ("H41",)}))
    assert hub.states(TWO) == {"H41": State.RECALLED}
    assert hub.stages(TWO) == {"H41": ["1 replace OVERTAKEN", "2 recall WITHDRAWN"]}
    assert hub.record.documents["G22", ONE]


def test_the_clerk_may_name_the_one_replaced_in_the_answer() -> None:
    hub = Hub()
    send(hub, document(1))
    send(hub, replacement(2, {1: ("H41",)}))
    hub.publish()
    axis_id = hub.record.documents["G22", ONE]
    hub.submit(mail.said(hub, "H41", axis_id, Event.ContentHandover))
    send(hub, status("15", 1), "H41")
    assert hub.stages(TWO) == {"H41": ["1 replace AGREED"]}
    assert refusals(hub) == []
