"""What recipients' adapters say: E.1, E.2, W.1, W.2; what is not believed; what is refused, put aside, vouched for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from axis.core.homes import Known, Origin
from axis.core.hub import refusals
from axis.core.hub.lifecycle import State
from axis.core.ledger import Entry
from axis.core.message import Message, Route
from axis.core.receipt import Event
from axis.core.registry import HUB
from axis.errors import Fault
from tests.hub import mail
from tests.hub.invariants import check
from tests.hub.memory import NOW, Hub
from tests.line import document, recall, status, update

ONE = "G22,2026/11/23,1/TN-G22"


def hub_with(*packets: bytes) -> Hub:
    hub = Hub()
    for data in packets:
        hub.submit(mail.submission(data, "G22", hub.rules))
        hub.publish()
    return hub


def of(hub: Hub, kind: str) -> str:
    return max(name for name, one in hub.record.submissions.items() if one.kind == kind)


def business(hub: Hub) -> dict[str, str]:
    return {unit: code for known in hub.record.business.values() for unit, code in known.items()}


def aside(hub: Hub) -> list[str]:
    return [one.code for known in hub.record.aside.values() for one in known]


# -- E.1 and E.2 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "state", "code"),
    [(Event.ContentHandover, State.HANDED_OVER, "01"), (Event.ContentHandoverFailure, State.REFUSED, "02")],
)
def test_a_delivery_ends_and_its_sender_is_given_the_receipt(event: Event, state: State, code: str) -> None:
    hub = hub_with(document(1, to=("H41", "H41.05")))
    one = mail.said(hub, "H41", of(hub, "new"), event)
    (verdict,) = hub.submit(one)
    check(hub)
    assert verdict.is_recorded
    assert hub.states(ONE) == {"H41": state}
    assert business(hub) == {"H41": code, "H41.05": code}, "of each unit"
    assert [(row.code, row.body) for row in hub.record.outbox.values()] == [("G22", one.digest)]
    (limits,) = hub.record.limits.values()
    assert limits["handover"].progress == "met"
    assert ("reception" in limits) == (event is Event.ContentHandover)


def test_the_same_receipt_again_changes_nothing_and_is_not_passed_on_again() -> None:
    hub = hub_with(document(1))
    for _ in range(2):
        hub.submit(mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover))
    assert hub.events().count("delivery.handed_over") == 1
    assert len(hub.record.outbox) == 1
    assert aside(hub) == []


def test_what_was_handed_over_is_not_refused_as_well() -> None:
    hub = hub_with(document(1))
    hub.submit(mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover))
    (verdict,) = hub.submit(mail.said(hub, "H41", of(hub, "new"), Event.ContentHandoverFailure))
    assert verdict.problem is not None
    assert (verdict.is_recorded, verdict.is_kept, aside(hub)) == (False, True, [Fault.RECEIPT_INVALID.code])
    assert hub.states(ONE) == {"H41": State.HANDED_OVER}
    check(hub)


def test_e1_overtakes_d1_and_nothing_is_owed_any_more() -> None:
    hub = hub_with(document(1))
    hub.submit(mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover))
    assert hub.wait(timedelta(minutes=1)) == 0
    assert hub.statements("D.1") == []


def test_what_happens_wins_over_what_was_concluded_and_is_said_to_be_late() -> None:
    hub = hub_with(document(1))
    hub.wait(timedelta(days=2))
    assert hub.states(ONE) == {"H41": State.FAILED}
    hub.submit(mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover))
    assert hub.states(ONE) == {"H41": State.HANDED_OVER}
    entry = next(one for one in hub.record.entries if one.event == "delivery.handed_over")
    assert entry.detail["late"] is True
    (limits,) = hub.record.limits.values()
    assert limits["handover"].progress == "late"


def test_a_status_that_was_reported_before_stays() -> None:
    hub = hub_with(document(1))
    hub.submit(mail.submission(status("03"), "H41", hub.rules))
    hub.submit(mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover))
    assert business(hub) == {"H41": "03"}


def test_of_a_receipt_all_or_nothing_is_recorded() -> None:
    hub = hub_with(document(1))
    good = mail.statement("H41", Event.ContentHandover, (), NOW)
    bad = mail.statement("H29", Event.ContentHandover, (), NOW)
    subject = mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover).said
    assert subject is not None
    hub.submit(mail.spoken(hub, "H41", subject.subject, good, bad))
    assert hub.states(ONE) == {"H41": State.QUEUED}
    assert hub.events()[-1] == "receipt.quarantined"


def test_a_receipt_about_nothing_that_was_accepted_is_put_aside() -> None:
    hub = hub_with(document(1))
    one = mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover).said
    assert one is not None
    for change in ({"axis_id": "0" * 36}, {"content_digest": "0" * 64}, {"sender": "H29"}, {"kind": "recall"}):
        hub.submit(mail.spoken(hub, "H41", replace(one.subject, **change), *one.statements))
    assert aside(hub) == [Fault.RECEIPT_INVALID.code] * 4
    assert hub.states(ONE) == {"H41": State.QUEUED}


def test_a_receipt_may_spell_the_document_id_as_its_packet_does() -> None:
    hub = Hub()
    hub.submit(mail.submission(document(1, document_id="G22,2026/11/23,1/Tie\u0302\u0301ng"), "G22", hub.rules))
    hub.publish()
    (about,) = hub.record.submissions.values()
    a1 = hub.record.receipts[about.acceptance_digest].subject
    said = mail.said(hub, "H41", about.axis_id, Event.ContentHandover).said
    assert said is not None
    assert a1.document_id != about.document_id
    hub.submit(mail.spoken(hub, "H41", a1, *said.statements))
    assert hub.states(about.document_id) == {"H41": State.HANDED_OVER}


# -- W.1 and W.2 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [Event.ContentWithdrawal, Event.ContentWithdrawalFailure])
def test_nobody_withdraws_what_nobody_asked_to_withdraw(event: Event) -> None:
    hub = hub_with(document(1), update(1))
    for kind in ("new", "update"):
        hub.submit(mail.said(hub, "H41", of(hub, kind), event))
    assert aside(hub) == [Fault.RECEIPT_INVALID.code] * 2
    assert hub.states(ONE) == {"H41": State.QUEUED}


def test_what_was_handed_over_is_not_withdrawn_as_well() -> None:
    hub = hub_with(document(1), recall(1))
    hub.submit(mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover))
    before = hub.stages(ONE)
    hub.submit(mail.said(hub, "H41", of(hub, "recall"), Event.ContentWithdrawal))
    assert aside(hub) == [Fault.RECEIPT_INVALID.code]
    assert (hub.states(ONE), hub.stages(ONE)) == ({"H41": State.HANDED_OVER}, before), "nothing of it stays"
    check(hub)


def test_a_w1_of_a_home_whose_place_an_older_copy_has_taken_is_superseded() -> None:
    hub = hub_with(document(1), recall(1))
    old, new = "a" * 32, "b" * 32
    hub.record.homes["H41"] = (Known(old, "c" * 32, 1, 9, current=False), Known(new, "d" * 32, 1, 9))
    said = mail.said(hub, "H41", of(hub, "recall"), Event.ContentWithdrawal).said
    assert said is not None
    for home, state in ((old, State.QUEUED), (new, State.RECALLED)):
        hub.submit(mail.spoken(hub, "H41", said.subject, *said.statements, origin=str(Origin(home, "c" * 32, 5))))
        assert hub.states(ONE) == {"H41": state}
    assert hub.events().count("receipt.superseded") == 1


def test_an_e1_of_such_a_home_counts() -> None:
    hub = hub_with(document(1))
    hub.record.homes["H41"] = (Known("a" * 32, "c" * 32, 1, 9, current=False),)
    said = mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover).said
    assert said is not None
    hub.submit(mail.spoken(hub, "H41", said.subject, *said.statements, origin=str(Origin("a" * 32, "c" * 32, 5))))
    assert hub.states(ONE) == {"H41": State.HANDED_OVER}


# -- What is not believed -------------------------------------------------------------------------------------------


def test_a_receipt_with_a_key_that_is_not_good_any_more_is_refused_so_that_it_is_signed_again() -> None:
    hub = hub_with(document(1))
    one = mail.unbelieved(mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover), Fault.KEY_EXPIRED)
    for _ in range(2):
        (verdict,) = hub.submit(one)
        assert verdict.is_recorded
    assert hub.told("H41") == ["A.2", "A.2"]
    (a2,) = [r for r in hub.record.receipts.values() if r.statements[0].event is Event.SubmissionRejection]
    assert (a2.subject.kind, a2.subject.content_digest, a2.subject.axis_id) == ("receipt", one.digest, "")
    entry = next(e for e in hub.record.entries if e.event == "receipt.refused")
    assert entry.axis_id == of(hub, "new")
    assert hub.events()[-1] == "refusal.repeated"


def test_one_about_what_is_not_known_is_refused_without_saying_so() -> None:
    hub, other = hub_with(document(1)), Hub()
    one = mail.unbelieved(mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover), Fault.KEY_EXPIRED)
    other.submit(one)
    assert other.events() == ["receipt.refused"]
    assert other.record.entries[0].axis_id == ""
    assert other.told("H41") == ["A.2"]


@pytest.mark.parametrize(
    "how",
    [
        {"problems": (Fault.SIG_VALUE,)},
        {"problems": (Fault.SIG_VALUE, Fault.KEY_EXPIRED)},
        {"claims": False},
        {"by": "H29"},
    ],
)
def test_what_is_wrong_in_any_other_way_is_put_aside_and_never_answered(how: dict[str, object]) -> None:
    hub = hub_with(document(1))
    one = mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover)
    one = mail.unbelieved(one, *how.get("problems", (Fault.KEY_EXPIRED,)))  # type: ignore[misc]
    if not how.get("claims", True):
        one = replace(one, claimed=None)
    if "by" in how:
        one = replace(one, message=replace(one.message, user_id=str(how["by"])))
    hub.submit(one)
    assert len(aside(hub)) == 1
    assert hub.told("H41") == []


def test_a_receipt_that_a_sender_shows_is_vouched_for_with_the_moment_when_it_was_accepted() -> None:
    hub = hub_with(document(1))
    one = mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover)
    hub.submit(one)
    accepted = hub.now
    hub.now += timedelta(days=1)
    hub.submit(mail.shown(mail.unbelieved(one, Fault.KEY_EXPIRED), "G22"))
    row = list(hub.record.outbox.values())[-1]
    (r1,) = hub.record.receipts[row.proof].statements
    assert (row.code, row.body, r1.event, r1.time, r1.evidence) == (
        "G22",
        one.digest,
        Event.ReceiptAcceptance,
        accepted,
        one.digest,
    )


def test_a_receipt_is_vouched_for_in_the_batch_that_records_it() -> None:
    hub = hub_with(document(1))
    one = mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover)
    hub.submit(one, mail.shown(mail.unbelieved(one, Fault.KEY_EXPIRED), "G22"))
    assert aside(hub) == []
    assert hub.events()[-1] == "receipt.vouched"


def test_a_receipt_is_vouched_for_to_nobody_else_and_only_where_it_was_accepted() -> None:
    hub = hub_with(document(1))
    one = mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover)
    unknown = mail.unbelieved(mail.said(hub, "H41", of(hub, "new"), Event.ContentHandoverFailure), Fault.KEY_EXPIRED)
    hub.submit(one)
    hub.submit(mail.shown(mail.unbelieved(one, Fault.KEY_EXPIRED), "H29"))
    hub.submit(mail.shown(unknown, "G22"))
    hub.record.entries = [e for e in hub.record.entries if e.event != "delivery.handed_over"]  # a record of long ago
    hub.submit(mail.shown(mail.unbelieved(one, Fault.KEY_EXPIRED), "G22"))
    assert len(aside(hub)) == 3
    assert "receipt.vouched" not in hub.events()


# -- Refusals -------------------------------------------------------------------------------------------------------


def test_what_cannot_be_read_is_refused_once_and_the_refusal_repeated() -> None:
    hub = Hub()
    for _ in range(2):
        hub.submit(mail.garbage("G22"))
    assert hub.events() == ["submission.refused", "refusal.repeated"]
    assert hub.told("G22") == ["A.2", "A.2"]
    assert len(hub.record.receipts) == 1


def test_what_may_pass_later_is_judged_and_refused_anew() -> None:
    hub = Hub()
    for _ in range(2):
        hub.submit(mail.garbage("G22", b"x", Fault.KEY_EXPIRED, retry=True))
    assert hub.events() == ["submission.refused"] * 2


def test_the_same_content_in_another_parcel_is_refused_under_its_own_name() -> None:
    hub = Hub()
    bad = mail.submission(update(1, changes_content=False), "G22", hub.rules)
    assert bad.problems
    hub.submit(bad, mail.again(bad, 1))
    named = [s.parcel for s in hub.statements("A.2")]
    assert named == [bad.digest, mail.again(bad, 1).digest]


def test_an_operator_has_another_refusal_made() -> None:
    hub, one = Hub(), mail.garbage("G22")
    hub.submit(one)
    hub.carry_out((), (), lambda draft: refusals.refuse(draft, one, one.problems, anew=True))
    assert hub.events() == ["submission.refused"] * 2


def test_nobody_fills_the_record_with_what_is_put_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MAX_QUARANTINED", 2)
    hub = hub_with(document(1))
    verdicts = []
    for event in (Event.ContentWithdrawal, Event.ContentWithdrawalFailure) * 2:
        hub.now += timedelta(seconds=1)
        verdicts += hub.submit(mail.said(hub, "H41", of(hub, "new"), event))
    assert [one.is_kept for one in verdicts] == [True, True, False, False]
    assert hub.events().count("receipt.quarantined") == 4, "each has its entry"
    batch = Hub()
    batch.record = hub_with(document(1)).record
    both = [
        mail.said(batch, "H41", of(batch, "new"), e, at=NOW + timedelta(seconds=n))
        for n in range(4)
        for e in [Event.ContentWithdrawal]
    ]
    assert [one.is_kept for one in batch.submit(*both)] == [True, True, False, False], "in one batch as well"


def test_what_one_agency_puts_into_anothers_queue_is_kept_as_its_own_and_answered_to_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refusals, "MAX_QUARANTINED", 1)
    hub = Hub()
    message = Message("m\0", Route("in", "G22"), b"x", user_id="H29")
    one = replace(mail.garbage("G22", b"x"), message=message)
    assert [bool(hub.carry_out((), (), lambda draft: refusals.turn_away(draft, "H29", one))) for _ in range(2)] == [
        True,
        False,
    ]
    ((kept,),) = hub.record.aside.values()
    assert (kept.agency, kept.message_id, kept.user_id, kept.code) == ("H29", "m?", "H29", Fault.PUBLISHER_OTHER.code)
    assert (hub.record.outbox, hub.events()) == ({}, ["message.put_aside"])


def test_a_message_that_cannot_even_be_answered_is_put_aside() -> None:
    hub, one = Hub(), mail.garbage("G22")

    def decided(draft: object) -> bool:
        entry = refusals.enter_aside(draft, one, Fault.QUARANTINED)  # type: ignore[arg-type]
        return refusals.put_aside(draft, one, Fault.QUARANTINED, 5, entry)  # type: ignore[arg-type]

    assert hub.carry_out((), (), decided)
    assert (hub.events(), aside(hub), hub.told("G22")) == (["message.put_aside"], [Fault.QUARANTINED.code], [])


def test_the_moment_of_an_acceptance_is_that_of_the_entry_that_quotes_the_receipt() -> None:
    hub = hub_with(document(1))
    said = mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover).said
    assert said is not None
    assert refusals.witnessed([Entry(NOW, HUB, "x")], said, "d", "i") is None
