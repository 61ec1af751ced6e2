"""After a record was put back: what it has lost comes again, may be out already, and is not refused too early."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from axis.core.hub.acceptance import RECALLS_FIRST
from axis.core.hub.lifecycle import State
from axis.core.hub.rules import GAP_OPEN
from axis.core.instant import to_text
from axis.core.receipt import Event
from axis.core.registry import Member
from axis.errors import Fault
from tests.hub import mail
from tests.hub.invariants import check
from tests.hub.memory import CODES, NOW, Hub, members
from tests.line import document, recall, status, update

ONE = "G22,2026/11/23,1/TN-G22"
LATER = timedelta(hours=1)


def put_back(*packets: bytes, lost: tuple[bytes, ...] = ()) -> tuple[Hub, Hub]:
    """(the hub after its record was put back to where it knew `packets`, as it was before: it knew `lost`, too)."""
    hub = Hub()
    for data in packets:
        hub.submit(mail.submission(data, "G22", hub.rules))
    kept = hub.copy()
    for data in lost:
        hub.submit(mail.submission(data, "G22", hub.rules))
        hub.publish()
    kept.now = hub.now + LATER
    kept.put_back(kept.record)
    return kept, hub


def refusals(hub: Hub) -> list[str]:
    return [r.code for one in hub.statements("A.2") for r in one.reasons]


def of(hub: Hub, kind: str) -> str:
    return max(name for name, one in hub.record.submissions.items() if one.kind == kind)


def test_what_comes_again_may_be_out_and_leaves_after_a_recall_that_comes_with_it() -> None:
    hub, _ = put_back(lost=(document(1),))
    hub.submit(mail.submission(document(1), "G22", hub.rules))
    (row,) = hub.record.deliveries.values()
    assert row.tried
    (waits,) = [one for one in hub.record.outbox.values() if one.delivery_id]
    assert waits.not_before == to_text(hub.now + RECALLS_FIRST)
    hub.submit(mail.submission(recall(1), "G22", hub.rules))
    assert hub.stages(ONE) == {"H41": ["1 recall PENDING"]}, "only its adapter can know"


def test_what_is_signed_since_leaves_at_once_and_is_not_out() -> None:
    hub, _ = put_back()
    data = document(1).replace(b"2026/11/23</PromulgationDate>", b"2026/11/24</PromulgationDate>")
    hub.now += timedelta(days=1)
    hub.submit(mail.submission(data, "G22", hub.rules, signed=hub.now))
    (row,) = hub.record.deliveries.values()
    assert not row.tried
    (waits,) = [one for one in hub.record.outbox.values() if one.delivery_id]
    assert waits.not_before == to_text(hub.now)


def test_a_recall_that_overtakes_what_comes_again_goes_to_the_recipient_with_it() -> None:
    hub, _ = put_back(lost=(document(1), recall(1)))
    for data in (recall(1), document(1)):
        hub.submit(mail.submission(data, "G22", hub.rules))
        check(hub)
    assert hub.states(ONE) == hub.states(ONE, "recall") == {"H41": State.ACCEPTED}
    assert hub.stages(ONE) == {"H41": ["2 recall PENDING"]}
    roles = [hub.record.deliveries[row.delivery_id].role for row in hub.record.outbox.values() if row.delivery_id]
    assert sorted(roles) == ["document", "recall"]
    assert "recall.passed_on" in hub.events()


def test_a_recall_that_is_passed_on_to_a_closed_agency_fails_with_the_document() -> None:
    hub, _ = put_back(lost=(document(1),))
    hub.submit(mail.submission(recall(1), "G22", hub.rules))
    hub.rules = replace(hub.rules, registry=members(Member("H41", "đóng", valid_until=NOW)))
    hub.submit(mail.submission(document(1), "G22", hub.rules))
    check(hub)
    assert hub.states(ONE) == hub.states(ONE, "recall") == {"H41": State.FAILED}


def test_what_was_never_published_by_the_record_may_have_been() -> None:
    hub, _ = put_back(document(1))
    hub.submit(mail.submission(recall(1), "G22", hub.rules))
    assert hub.stages(ONE) == {"H41": ["1 recall PENDING"]}


# -- What waits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "sender", "fault"),
    [
        (update(1), "G22", Fault.DOCUMENT_UNKNOWN),
        (status("03"), "H41", Fault.STATUS_UNKNOWN_DOCUMENT),
        (status("15"), "H41", Fault.STATUS_UNKNOWN_DOCUMENT),
    ],
)
def test_what_lacks_what_was_lost_is_not_answered_until_the_gap_is_closed(
    data: bytes, sender: str, fault: Fault
) -> None:
    hub, _ = put_back(lost=(document(1),))
    (verdict,) = hub.submit(mail.submission(data, sender, hub.rules))
    assert verdict.has_to_come_again
    assert not verdict.is_recorded
    assert (hub.events(), hub.record.outbox) == (["submission.waits"], {})
    hub.now += GAP_OPEN
    hub.submit(mail.submission(data, sender, hub.rules))
    assert refusals(hub) == [fault.code]


def test_in_one_batch_with_what_it_lacks_it_waits_for_nothing() -> None:
    hub, _ = put_back(lost=(document(1),))
    hub.submit(*(mail.submission(data, "G22", hub.rules) for data in (document(1), update(1))))
    assert hub.stages(ONE) == {"H41": ["1 update OPEN"]}


def test_what_was_made_since_lacks_nothing_that_was_lost() -> None:
    hub, _ = put_back()
    hub.now += timedelta(days=1)
    data = update(1, issued="2026/11/24")
    hub.submit(mail.submission(data, "G22", hub.rules, signed=hub.now))
    assert refusals(hub) == [Fault.DOCUMENT_UNKNOWN.code]


def test_what_is_wrong_in_itself_is_refused_at_once() -> None:
    hub, _ = put_back()
    hub.submit(mail.garbage("G22"))
    hub.submit(mail.submission(update(1, changes_content=False), "G22", hub.rules))
    assert hub.events() == ["submission.refused"] * 2


# -- What is said of what was lost ----------------------------------------------------------------------------------


def test_a_receipt_about_what_was_lost_is_kept_until_it_is_known_again() -> None:
    hub, before = put_back(lost=(document(1),))
    one = mail.said(before, "H41", of(before, "new"), Event.ContentHandover)
    hub.submit(one)
    ((aside,),) = hub.record.aside.values()
    assert aside.code == Fault.RECORD_GAP.code
    hub.submit(mail.submission(document(1), "G22", hub.rules))
    check(hub)
    assert hub.states(ONE) == {"H41": State.HANDED_OVER}, "it counts as soon as it is known what it speaks of"
    assert hub.record.aside == {"H41": []}
    hub.submit(one)
    assert hub.events()[-1] == "receipt.superseded"


def test_a_recipient_that_an_update_had_added_is_a_gap_and_no_lie() -> None:
    hub, before = put_back(document(1), lost=(update(1, add=("H29",), changes_content=False),))
    hub.submit(mail.said(before, "H29", of(before, "new"), Event.ContentHandover))
    ((aside,),) = hub.record.aside.values()
    assert aside.code == Fault.RECORD_GAP.code


def test_without_a_restore_it_is_no_gap() -> None:
    hub, before = Hub(), Hub()
    before.submit(mail.submission(document(1), "G22", before.rules))
    hub.submit(mail.said(before, "H41", of(before, "new"), Event.ContentHandover))
    ((aside,),) = hub.record.aside.values()
    assert aside.code == Fault.RECEIPT_INVALID.code


@pytest.mark.parametrize("recall_first", [False, True])
def test_how_often_is_read_does_not_grow_with_what_waits(recall_first: bool) -> None:
    rounds = []
    for count in (2, 4):
        codes = tuple(code for code in CODES if code != "G22")[:count]
        data, back = document(1, to=codes), recall(1, to=codes)
        hub, before = put_back(lost=(data, back))
        if recall_first:
            hub.submit(mail.submission(back, "G22", hub.rules))
        for code in codes:
            hub.submit(mail.said(before, code, of(before, "recall"), Event.ContentHandover))
            hub.submit(mail.said(before, code, of(before, "new"), Event.ContentHandover))
            hub.submit(
                mail.said(before, code, of(before, "recall"), Event.ContentWithdrawalFailure, why=[Fault.RECALL_SHOWN])
            )
        begun = hub.rounds
        hub.submit(mail.submission(data, "G22", hub.rules))
        rounds.append(hub.rounds - begun)
        check(hub)
    assert rounds[0] == rounds[1]
