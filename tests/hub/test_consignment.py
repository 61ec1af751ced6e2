"""What becomes of a publication, what the clock says, where mail goes of an agency that is closed, and how it all ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from axis.core.hub import consignment, decide, succession
from axis.core.hub.lifecycle import State
from axis.core.instant import to_text
from axis.core.ledger import Entry
from axis.core.message import Outcome
from axis.core.receipt import Event
from axis.core.registry import HUB, Member
from axis.errors import Fault
from tests.hub import mail
from tests.hub.invariants import check
from tests.hub.memory import NOW, Hub, members, rules
from tests.line import document, recall, status, update

if TYPE_CHECKING:
    from collections.abc import Callable

    from axis.core.hub.draft import Draft

ONE = "G22,2026/11/23,1/TN-G22"
CLOSED = Member("G06", "đóng", valid_until=NOW)
SUCCEEDED = replace(CLOSED, successor="H41")


def hub_with(*packets: bytes, published: bool = True) -> Hub:
    hub = Hub()
    for data in packets:
        hub.submit(mail.submission(data, "G22", hub.rules))
    if published:
        hub.publish()
    return hub


def of(hub: Hub, kind: str) -> str:
    return max(name for name, one in hub.record.submissions.items() if one.kind == kind)


def deliveries(hub: Hub) -> list[int]:
    return [name for name, row in hub.record.outbox.items() if row.delivery_id]


def say(hub: Hub, recipient: str, *events: Event, kind: str = "new") -> None:
    hub.submit(mail.said(hub, recipient, of(hub, kind), *events))
    check(hub)


def act(hub: Hub, rule: Callable[[Draft], Any]) -> None:
    hub.carry_out([("G22", ONE)], (), rule)
    check(hub)


# -- Consigned ------------------------------------------------------------------------------------------------------


def test_d1_is_told_only_when_the_handover_has_not_come_in_time() -> None:
    hub = hub_with(document(1, to=("H41", "G06")))
    assert hub.events().count("delivery.consigned") == 2, "entered at once"
    say(hub, "H41", Event.ContentHandover)
    assert hub.wait(timedelta(seconds=4.9)) == 0
    assert hub.wait(timedelta(seconds=0.1)) == 1
    (said,) = hub.statements("D.1")
    assert (said.recipient, said.time) == ("G06", NOW), "when the queue took it"
    consigned = next(e for e in hub.record.entries if e.event == "delivery.consigned" and e.recipient == "G06")
    assert said.entry == consigned.digest
    assert hub.wait(timedelta(minutes=1)) == 0, "and once"


def test_what_is_owed_of_one_submission_is_one_receipt_and_may_be_told_at_once() -> None:
    hub = hub_with(document(1, to=("H41", "G06")), document(2))
    assert hub.tell(at_once=True) == 3
    told = [
        sorted(s.recipient for s in r.statements) for r in hub.record.receipts.values() if r.statements[0].key == "D.1"
    ]
    assert sorted(told) == [["G06", "H41"], ["H41"]]


def test_what_is_owed_no_more_when_it_is_looked_at_is_not_told() -> None:
    hub = hub_with(document(1))
    (row,) = hub.record.deliveries.values()
    say(hub, "H41", Event.ContentHandover)
    hub.carry_out([("G22", ONE)], (), lambda draft: decide.due(draft, [(row.id, "handover")], [row.id], at_once=True))
    assert hub.statements("D.1") == []
    assert "deadline.met" not in hub.events(), "another worker has said it meanwhile"


def test_what_is_published_again_after_it_arrived_is_only_noted() -> None:
    hub = hub_with(document(1))
    say(hub, "H41", Event.ContentHandover)
    (row,) = hub.record.deliveries.values()
    act(hub, lambda draft: consignment.consigned(draft, row.id))
    assert hub.states(ONE) == {"H41": State.HANDED_OVER}
    assert hub.events()[-1] == "delivery.republished"


def test_a_status_is_consigned_and_nothing_is_owed() -> None:
    hub = hub_with(document(1))
    hub.submit(mail.submission(status("03"), "H41", hub.rules))
    hub.publish()
    assert hub.states(ONE, "status") == {"G22": State.QUEUED}
    assert all(not d.owes_at for d in hub.record.deliveries.values() if d.role == "status")


# -- Not confirmed --------------------------------------------------------------------------------------------------


def test_what_is_not_confirmed_is_tried_again_later_and_given_up_in_the_end() -> None:
    hub = hub_with(document(1), published=False)
    hub.rules = replace(hub.rules, give_up_attempts=3)
    for attempt in (1, 2):
        hub.publish(deliveries(hub), Outcome.FAILED)
        ((row,),) = [[hub.record.outbox[name] for name in deliveries(hub)]]
        assert (row.attempts, row.not_before > to_text(hub.now)) == (attempt, True)
    assert hub.record.entries[-1].detail == {"attempt": 2, "outcome": "failed"}
    hub.publish(deliveries(hub), Outcome.RETURNED)
    assert (deliveries(hub), hub.states(ONE)) == ([], {"H41": State.FAILED})
    (said,) = hub.statements("D.2")
    assert [r.code for r in said.reasons] == [Fault.UNDELIVERED.code]


def test_a_receipt_is_never_given_up_and_enters_nothing() -> None:
    hub = hub_with(document(1), published=False)
    hub.rules = replace(hub.rules, give_up_attempts=1)
    before = len(hub.record.entries)
    (receipt,) = [name for name, row in hub.record.outbox.items() if not row.delivery_id]
    hub.publish([receipt], Outcome.FAILED)
    assert hub.record.outbox[receipt].attempts == 1
    assert len(hub.record.entries) == before


def test_a_full_queue_is_no_failure() -> None:
    hub = hub_with(document(1), published=False)
    before = hub.record.outbox.copy()
    hub.publish(outcome=Outcome.FULL)
    assert hub.record.outbox == before


def test_damaged_bytes_hold_up_nothing_else() -> None:
    hub = hub_with(document(1), published=False)
    damaged = [
        decide.Published(name, row.code, row.delivery_id, row.body, row.urgent, 0, None, row.body)
        for name, row in hub.record.outbox.items()
    ]
    hub.record_published(damaged)
    check(hub)
    assert hub.states(ONE) == {"H41": State.FAILED}
    (said,) = hub.statements("D.2")
    assert [r.code for r in said.reasons] == [Fault.BODY_CORRUPT.code]
    waits = next(row for row in hub.record.outbox.values() if row.code == "G22" and row.attempts)
    assert waits.not_before == to_text(NOW + consignment.REPAIR), "a receipt waits for a repair"
    assert "message.damaged" in hub.events()


def test_an_operator_sends_again_in_the_place_of_what_waits() -> None:
    hub = hub_with(document(1), published=False)
    (row,) = hub.record.deliveries.values()
    before = deliveries(hub)
    act(hub, lambda draft: consignment.send_again(draft, draft.delivery(row.id), Entry(NOW, HUB, "delivery.again")))
    assert len(deliveries(hub)) == 1
    assert deliveries(hub) != before


@pytest.mark.parametrize("reason", ["", "Cơ quan đã giải thể"])
def test_an_operator_closes_a_delivery_and_the_distribution_may_be_over_with_it(reason: str) -> None:
    hub = hub_with(document(1, to=("H41", "G06")))
    say(hub, "H41", Event.ContentHandover)
    hub.wait(timedelta(days=2))
    assert hub.states(ONE)["G06"] is State.FAILED
    assert hub.statements("S.1") == [], "somebody may still try"
    row = next(d for d in hub.record.deliveries.values() if d.recipient == "G06")
    act(hub, lambda draft: consignment.close(draft, draft.delivery(row.id), Entry(NOW, HUB, "delivery.closed"), reason))
    assert [(s.recipient, s.outcome) for s in hub.statements("S.1")] == [("G06", "FAILED"), ("H41", "HANDED_OVER")]
    last = [d for stated, d in hub.record.said if (stated.event, stated.recipient) == ("D.2", "G06")][-1]
    assert hub.statements("S.1")[0].evidence == last
    assert len(hub.statements("D.2")) == (2 if reason else 1)


def test_that_it_is_handed_over_after_all_counts() -> None:
    hub = hub_with(document(1, to=("H41", "G06")))
    row = next(d for d in hub.record.deliveries.values() if d.recipient == "G06")
    act(hub, lambda draft: consignment.close(draft, draft.delivery(row.id), Entry(NOW, HUB, "delivery.closed"), "x"))
    say(hub, "H41", Event.ContentHandover)
    assert len(hub.statements("S.1")) == 2
    say(hub, "G06", Event.ContentHandover)
    assert hub.states(ONE)["G06"] is State.HANDED_OVER
    assert len(hub.statements("S.1")) == 2, "certified once"


# -- Certificates ---------------------------------------------------------------------------------------------------


def test_the_certificate_names_for_each_recipient_how_it_ended_and_by_which_receipt() -> None:
    hub = hub_with(document(1, to=("H41", "G06", "H29")))
    hub.submit(mail.submission(recall(1, to=("H29",)), "G22", hub.rules))
    hub.publish()
    ends = [
        mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover, at=NOW - timedelta(minutes=1)),
        mail.said(hub, "G06", of(hub, "new"), Event.ContentHandoverFailure),
        mail.said(hub, "H29", of(hub, "recall"), Event.ContentWithdrawal),
    ]
    hub.submit(*ends)
    check(hub)
    said = {s.recipient: s for s in hub.statements("S.1")}
    outcomes = {code: one.outcome for code, one in said.items()}
    assert outcomes == {"H41": "HANDED_OVER", "G06": "REFUSED", "H29": "RECALLED"}
    assert [said[one.agency].evidence for one in ends] == [one.digest for one in ends]
    assert said["H41"].time == NOW - timedelta(minutes=1)


def test_of_three_that_end_in_one_batch_there_is_one_certificate() -> None:
    hub = hub_with(document(1, to=("H41", "G06", "H29")))
    hub.submit(*(mail.said(hub, code, of(hub, "new"), Event.ContentHandover) for code in ("H41", "G06", "H29")))
    assert hub.events().count("distribution.certified") == 1


def test_a_certificate_says_what_came_late() -> None:
    hub = hub_with(document(1, to=("H41", "G06")))
    say(hub, "H41", Event.ContentHandover)
    hub.wait(timedelta(days=2))
    say(hub, "G06", Event.ContentHandover)
    assert [
        (s.recipient, s.leg) for r in hub.record.receipts.values() for s in r.statements if s.event.code == "S.1"
    ] == [
        ("G06", "late"),
        ("H41", ""),
    ]


def test_who_is_added_later_is_certified_with_all_the_others() -> None:
    hub = hub_with(document(1, to=("H41", "G06")))
    for code in ("H41", "G06"):
        say(hub, code, Event.ContentHandover)
    hub.submit(mail.submission(update(1, add=("H29",)), "G22", hub.rules))
    hub.publish()
    say(hub, "H29", Event.ContentHandover, kind="update")
    assert [s.recipient for s in hub.statements("S.1")] == ["G06", "H41", "G06", "H29", "H41"]


def test_that_who_was_added_is_taken_back_ends_the_distribution_too() -> None:
    hub = hub_with(document(1, to=("H41",)))
    say(hub, "H41", Event.ContentHandover)
    hub.submit(mail.submission(update(1, add=("H29",)), "G22", hub.rules))
    hub.submit(mail.submission(recall(1, to=("H29",)), "G22", hub.rules))
    check(hub)
    assert [(s.recipient, s.outcome) for s in hub.statements("S.1")] == [("H29", "RECALLED"), ("H41", "HANDED_OVER")]


# -- Deadlines ------------------------------------------------------------------------------------------------------


def test_a_handover_is_warned_of_and_then_fails_with_d2() -> None:
    hub = hub_with(document(1))
    hub.tell(at_once=True)
    assert hub.wait(timedelta(hours=24 * 0.8)) == 1
    (near,) = hub.statements("T.1 handover")
    assert [r.code for r in near.reasons] == [Fault.DEADLINE_NEAR.code]
    assert hub.wait(timedelta(hours=24 * 0.2)) == 1
    (said,) = hub.statements("D.2")
    assert [r.code for r in said.reasons] == [Fault.OVERDUE.code]
    assert hub.statements("T.2 handover") == []
    assert hub.wait(timedelta(days=9)) == 0


def test_what_waits_too_long_for_a_clerk_is_said_and_what_comes_then_is_late() -> None:
    hub = hub_with(document(1))
    say(hub, "H41", Event.ContentHandover)
    hub.wait(timedelta(days=1))
    hub.wait(timedelta(days=1))
    assert [len(hub.statements(f"{t} reception")) for t in ("T.1", "T.2")] == [0, 1], "both came at once: only the end"
    hub.submit(mail.submission(status("03"), "H41", hub.rules))
    (limits,) = [known for known in hub.record.limits.values() if "reception" in known]
    assert limits["reception"].progress == "late"


def test_what_has_happened_ends_a_deadline_silently() -> None:
    hub = hub_with(document(1))
    say(hub, "H41", Event.ContentHandover)
    hub.submit(mail.submission(status("02", description="Không thuộc thẩm quyền"), "H41", hub.rules))
    hub.wait(timedelta(days=5))
    assert [s for s in hub.record.receipts.values() if s.statements[0].event.code.startswith("T")] == []


def test_what_had_happened_before_its_time_began_to_run_is_met() -> None:
    hub = hub_with(document(1))
    hub.submit(mail.submission(status("03"), "H41", hub.rules))
    say(hub, "H41", Event.ContentHandover)
    hub.wait(timedelta(days=5))
    assert hub.events()[-1] == "deadline.met"
    assert [s for s in hub.record.receipts.values() if s.statements[0].event.code.startswith("T")] == []


def test_what_cannot_happen_any_more_has_no_deadline() -> None:
    hub = Hub()
    data = document(1).replace(b"<OtherInfo>", b"<DueDate>2026/11/25</DueDate><OtherInfo>")
    hub.submit(mail.submission(data, "G22", hub.rules))
    hub.submit(mail.submission(recall(1), "G22", hub.rules))
    hub.wait(timedelta(days=5))
    assert {leg: one.progress for known in hub.record.limits.values() for leg, one in known.items()} == {
        "handover": "met",
        "processing": "void",
    }
    assert hub.statements("D.2") == []


@pytest.mark.parametrize(("answer", "expected"), [("", "missed"), ("recall", "void"), ("15", "met")])
def test_an_answer_has_a_deadline_from_the_clerks_sight_on(answer: str, expected: str) -> None:
    hub = hub_with(document(1), update(1))
    say(hub, "H41", Event.ContentHandover)
    say(hub, "H41", Event.ContentHandover, kind="update")
    if answer == "15":
        hub.submit(mail.submission(status("15"), "H41", hub.rules))
    elif answer:
        hub.submit(mail.submission(recall(1), "G22", hub.rules))
        hub.publish()
        hub.submit(mail.submission(status("15"), "H41", hub.rules))
    hub.wait(timedelta(days=9))
    check(hub)
    found = {leg: one.progress for known in hub.record.limits.values() for leg, one in known.items()}
    assert found["answer 1"] == expected


# -- Agencies that are closed ---------------------------------------------------------------------------------------


def closing(hub: Hub, member: Member) -> None:
    hub.rules = rules(members(member))


def test_what_was_never_published_is_the_successors_as_if_it_had_been_sent_to_it() -> None:
    hub = hub_with(document(1, to=("G06",)), published=False)
    closing(hub, SUCCEEDED)
    hub.publish()
    check(hub)
    assert hub.states(ONE) == {"H41": State.ACCEPTED}
    ((row,),) = [[hub.record.outbox[name] for name in deliveries(hub)]]
    assert (row.code, hub.record.receipts[row.proof].statements[0].recipients) == ("H41", ("H41",))
    hub.publish()
    say(hub, "H41", Event.ContentHandover)


def test_what_may_have_arrived_fails_so_far_and_moves_on_an_officers_word_alone() -> None:
    hub = hub_with(document(1, to=("G06", "H29")), published=False)
    hub.publish(hub.due("G06"), Outcome.FAILED)
    hub.publish(hub.due("H29"))
    say(hub, "H29", Event.ContentHandover)
    closing(hub, SUCCEEDED)
    hub.now += timedelta(minutes=1)
    hub.publish()
    check(hub)
    assert hub.states(ONE) == {"G06": State.FAILED, "H29": State.HANDED_OVER}
    (waits,) = [one for one in hub.record.deliveries.values() if one.recipient == "G06"]
    assert not waits.closed
    act(hub, lambda draft: succession.move_on(draft, waits.id, "máy cũ đã hỏng"))
    check(hub)
    assert hub.states(ONE) == {"H41": State.ACCEPTED, "H29": State.HANDED_OVER}
    assert hub.events()[-2:] == ["delivery.doubted", "delivery.moved"]
    hub.publish()
    say(hub, "H41", Event.ContentHandover)
    assert {s.recipient: s.outcome for s in hub.statements("S.1")} == {"H29": "HANDED_OVER", "H41": "HANDED_OVER"}


def test_what_is_found_unconsumed_is_the_successors_and_found_once_more_means_nothing() -> None:
    hub = hub_with(document(1, to=("G06",)))
    closing(hub, SUCCEEDED)
    (axis_id,) = {one.axis_id for one in hub.record.deliveries.values()}
    found: list[bool] = []
    for _ in range(2):
        act(hub, lambda draft: found.append(succession.take_back(draft, axis_id, "G06")))
        check(hub)
    assert (found[-1], hub.states(ONE), len(deliveries(hub))) == (True, {"H41": State.ACCEPTED}, 1)
    hub.publish()
    say(hub, "H41", Event.ContentHandover)


def test_what_was_published_twice_is_not_taken_back_for_another_of_it_may_have_been_given() -> None:
    hub = hub_with(document(1, to=("G06",)))
    (row,) = hub.record.deliveries.values()
    act(hub, lambda draft: consignment.resend(draft, row.id))
    hub.publish()
    closing(hub, SUCCEEDED)
    found: list[bool] = []
    act(hub, lambda draft: found.append(succession.take_back(draft, row.axis_id, "G06")))
    assert (found[-1], hub.states(ONE)) == (False, {"G06": State.QUEUED})


def test_a_closed_agency_gives_up_nothing_that_was_never_its() -> None:
    hub = hub_with(document(1, to=("H29",)))
    closing(hub, SUCCEEDED)
    say(hub, "G06", Event.ContentWithdrawal)
    check(hub)
    assert (hub.states(ONE), hub.events()[-1]) == ({"H29": State.QUEUED}, "receipt.quarantined")


def test_a_closed_agency_that_gives_it_up_hands_it_on_and_nobody_else_can() -> None:
    hub = hub_with(document(1, to=("G06", "H29")))
    say(hub, "G06", Event.ContentWithdrawal)
    assert (hub.states(ONE)["G06"], hub.events()[-1]) == (State.QUEUED, "receipt.quarantined"), "nobody asked it"
    closing(hub, SUCCEEDED)
    say(hub, "G06", Event.ContentWithdrawal)
    check(hub)
    assert hub.states(ONE) == {"H41": State.ACCEPTED, "H29": State.QUEUED}
    assert not [one for one in hub.told("G22") if one.startswith("W.1")]
    hub.publish()
    say(hub, "H41", Event.ContentHandover)
    say(hub, "G06", Event.ContentHandover)
    check(hub)
    assert hub.states(ONE) == {"H41": State.HANDED_OVER, "H29": State.QUEUED}, "the second owns nothing"
    assert "delivery.second" in hub.events()


def test_who_says_first_that_it_has_it_keeps_it_though_it_was_to_move() -> None:
    hub = hub_with(document(1, to=("G06",)))
    closing(hub, SUCCEEDED)
    (row,) = hub.record.deliveries.values()
    act(hub, lambda draft: succession.move_on(draft, row.id, "x"))
    say(hub, "G06", Event.ContentHandover)
    check(hub)
    assert (hub.states(ONE), deliveries(hub)) == ({"G06": State.HANDED_OVER}, [])


def test_where_the_successor_has_it_itself_its_units_are_joined() -> None:
    hub = hub_with(document(1, to=("G06", "H41")), published=False)
    hub.publish(hub.due("H41"))
    say(hub, "H41", Event.ContentHandover)
    closing(hub, SUCCEEDED)
    hub.publish()
    check(hub)
    assert hub.states(ONE) == {"G06": State.FAILED, "H41": State.HANDED_OVER}
    assert {d.recipient: d.units for d in hub.record.deliveries.values()}["H41"] == ("H41", "G06")
    assert len(hub.statements("S.1")) == 2


def test_without_a_successor_it_goes_back() -> None:
    hub = hub_with(document(1, to=("G06", "H41")), published=False)
    closing(hub, CLOSED)
    hub.publish()
    check(hub)
    assert hub.states(ONE) == {"G06": State.FAILED, "H41": State.QUEUED}
    say(hub, "H41", Event.ContentHandover)
    assert {s.recipient: s.outcome for s in hub.statements("S.1")} == {"G06": "FAILED", "H41": "HANDED_OVER"}


def test_what_has_arrived_meanwhile_goes_nowhere() -> None:
    hub = hub_with(document(1, to=("G06",)), published=False)
    hub.publish(hub.due("G06"), Outcome.FAILED)
    say(hub, "G06", Event.ContentHandover)
    closing(hub, SUCCEEDED)
    hub.now += timedelta(minutes=1)
    hub.publish()
    assert (hub.states(ONE), deliveries(hub)) == ({"G06": State.HANDED_OVER}, [])


def test_a_receipt_that_waited_goes_to_who_has_the_mail() -> None:
    hub = Hub()
    hub.submit(mail.submission(document(1, sender="G06", to=("H29",)), "G06", hub.rules))
    closing(hub, SUCCEEDED)
    hub.publish(hub.due("G06"))
    assert [row.code for row in hub.record.outbox.values()] == ["H41", "H29"]
    assert hub.events()[-1] == "message.redirected"


def test_a_recall_of_what_the_closed_agency_may_have_is_shown_to_the_successors_clerk() -> None:
    hub = hub_with(document(1, to=("G06",)))
    hub.submit(mail.submission(recall(1, to=("G06",)), "G22", hub.rules))
    closing(hub, SUCCEEDED)
    hub.publish()
    (row,) = [hub.record.outbox[name] for name in deliveries(hub)]
    assert hub.record.receipts[row.proof].statements[0].recipients == ("H41", "G06")
    hub.publish()
    say(hub, "H41", Event.ContentHandover, kind="recall")
    assert hub.stages(ONE) == {"G06": ["1 recall OPEN"]}
