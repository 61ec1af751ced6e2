"""Updates: a new version to who has the document, the document to who is added, taken back from who is removed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from axis.core.hub import dossier as ask
from axis.core.hub.admission import CHANGES_A_DAY
from axis.core.hub.lifecycle import State
from axis.core.instant import to_text
from axis.core.receipt import Event
from axis.core.registry import Member
from axis.errors import Fault
from tests.hub import mail
from tests.hub.invariants import check
from tests.hub.memory import NOW, Hub, members, rules
from tests.line import document, recall, status, update

ONE = "G22,2026/11/23,1/TN-G22"


def hub_with(*packets: bytes, published: bool = False, **more: str) -> Hub:
    hub = Hub()
    for data in packets:
        hub.submit(mail.submission(data, "G22", hub.rules, **more))  # type: ignore[arg-type]
    if published:
        hub.publish()
    return hub


def send(hub: Hub, data: bytes, sender: str = "G22") -> None:
    hub.submit(mail.submission(data, sender, hub.rules))
    check(hub)


def refusals(hub: Hub) -> list[str]:
    return [r.code for one in hub.statements("A.2") for r in one.reasons]


def bodies(hub: Hub) -> dict[str, list[str]]:
    """Which kinds of submission wait to be published to whom."""
    by_body = {one.body_digest: one.kind for one in hub.record.submissions.values()}
    found: dict[str, list[str]] = {}
    for _, row in sorted(hub.record.outbox.items()):
        if row.delivery_id:
            found.setdefault(row.code, []).append(by_body[row.body])
    return found


def test_so_many_changes_in_one_batch_are_judged_one_by_one() -> None:
    hub = hub_with(document(1))
    for first in range(0, 60, 12):
        numbers = range(first, first + 12)
        hub.submit(*(mail.submission(update(1, content=b"%d" % n), "G22", hub.rules) for n in numbers))
        assert not any(isinstance(one, ask.Lately) for asked in hub.asked for one in asked), "it was read beforehand"
    assert refusals(hub) == [Fault.CHANGES_TOO_OFTEN.code] * (60 - CHANGES_A_DAY)
    hub.now += timedelta(days=1)
    hub.submit(*(mail.submission(update(1, content=b"new %d" % n), "G22", hub.rules) for n in range(60)))
    numbered = [one.number for one in hub.record.submissions.values() if one.kind == "update"]
    assert sorted(numbered) == list(range(1, 2 * CHANGES_A_DAY + 1))


def test_who_has_the_document_gets_the_new_version_and_is_asked_to_take_it() -> None:
    hub = hub_with(document(1, to=("H41", "G06")))
    send(hub, update(1, to=("H41",)))
    assert hub.stages(ONE) == {"H41": ["1 update OPEN"]}
    assert bodies(hub) == {"H41": ["new", "update"], "G06": ["new"]}
    send(hub, update(1, to=("H41", "G06"), content=b"%PDF-1.4 lan hai"))
    assert hub.stages(ONE) == {"H41": ["1 update OPEN", "2 update OPEN"], "G06": ["2 update OPEN"]}
    assert [one.number for one in hub.record.submissions.values() if one.kind == "update"] == [1, 2]


def test_an_update_with_content_is_the_document_for_who_is_added() -> None:
    hub = hub_with(document(1))
    send(hub, update(1, add=("H29",)))
    assert hub.states(ONE) == {"H41": State.ACCEPTED, "H29": State.ACCEPTED}
    assert bodies(hub) == {"H41": ["new", "update"], "H29": ["update"]}
    assert hub.stages(ONE) == {"H41": ["1 update OPEN"]}


def test_who_is_added_without_content_gets_the_newest_version_with_an_a1_that_names_it() -> None:
    hub = hub_with(document(1), update(1), update(1, content=b"%PDF-1.4 lan hai"))
    send(hub, update(1, add=("H29",), changes_content=False))
    newest = max((one for one in hub.record.submissions.values() if one.has_content), key=lambda one: one.axis_id)
    (row,) = [row for row in hub.record.outbox.values() if row.code == "H29"]
    assert row.body == newest.body_digest, "the second update, not the first and not the document"
    proof = hub.record.receipts[row.proof]
    assert (proof.subject.axis_id, proof.statements[0].recipients) == (newest.axis_id, ("H29",))
    assert hub.states(ONE)["H29"] is State.ACCEPTED
    assert "delivery.added" in hub.events()


def test_of_two_updates_of_one_batch_the_later_is_the_newest() -> None:
    for _ in range(8):
        hub = hub_with(document(1))
        both = [mail.submission(update(1, content=text), "G22", hub.rules) for text in (b"%PDF mot", b"%PDF hai")]
        hub.submit(*both)
        send(hub, update(1, add=("H29",), changes_content=False))
        (row,) = [row for row in hub.record.outbox.values() if row.code == "H29"]
        assert row.body == both[1].digest


def test_another_unit_of_who_has_it_already_gets_the_new_version_with_it() -> None:
    hub = hub_with(document(1))
    send(hub, update(1, add=("H41.05",), changes_content=False))
    (row,) = [one for one in hub.record.deliveries.values() if one.role == "document"]
    assert row.units == ("H41", "H41.05")
    (asked,) = [one for known in hub.record.demands.values() for one in known.values()]
    assert set(asked.stages) == {"H41", "H41.05"}


def test_it_is_taken_back_from_who_is_removed() -> None:
    hub = hub_with(document(1, to=("H41", "G06")))
    send(hub, update(1, remove=("G06",)))
    assert hub.states(ONE) == {"H41": State.ACCEPTED, "G06": State.RECALLED}
    assert hub.stages(ONE) == {"H41": ["1 update OPEN"], "G06": ["2 recall WITHDRAWN"]}
    assert [s.recipient for s in hub.statements("W.1")] == ["G06"]


def test_the_same_update_in_other_words_is_another_one_and_the_same_is_none() -> None:
    hub = hub_with(document(1), update(1), update(1))
    hub.submit(mail.submission(update(1), "G22", hub.rules, again=1))
    assert hub.stages(ONE) == {"H41": ["1 update OPEN"]}
    assert hub.events()[-2:] == ["submission.repeated"] * 2


def test_an_update_leaves_not_before_the_document_that_waits_for_its_hour() -> None:
    hub = hub_with(document(1), at="2026/11/23 15:00:00")
    send(hub, update(1, add=("H29",)))
    waits = {row.not_before for row in hub.record.outbox.values() if row.delivery_id}
    assert waits == {to_text(NOW.replace(hour=8))}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (update(2), Fault.DOCUMENT_UNKNOWN),
        (update(1, to=("H29",)), Fault.RECIPIENT_UNKNOWN),
        (update(1, remove=("H29",)), Fault.RECIPIENT_UNKNOWN),
        (update(1, remove=("H41.05",)), Fault.UNITS_TOGETHER),
        (update(1, remove=("H41",), add=("H41.07",)), Fault.UNITS_TOGETHER),
        (update(1, to=("G06",)), Fault.DOCUMENT_RECALLED),
    ],
)
def test_an_update_that_cannot_be_carried_out_changes_nothing(data: bytes, expected: Fault) -> None:
    hub = hub_with(document(1, to=("H41", "H41.05", "G06")), recall(1, to=("G06",)))
    before = hub.record.copy()
    send(hub, data)
    assert refusals(hub) == [expected.code]
    assert (hub.record.deliveries, hub.record.demands) == (before.deliveries, before.demands)


def test_what_was_taken_back_from_everybody_is_not_updated() -> None:
    hub = hub_with(document(1), recall(1))
    send(hub, update(1))
    assert refusals(hub) == [Fault.DOCUMENT_RECALLED.code]


def test_who_has_declined_a_recall_still_works_with_the_document() -> None:
    hub = hub_with(document(1), published=True)
    axis_id = next(iter(hub.record.submissions))
    hub.submit(mail.said(hub, "H41", axis_id, Event.ContentHandover))
    send(hub, recall(1))
    hub.publish()
    asked = max(hub.record.submissions)
    hub.submit(mail.said(hub, "H41", asked, Event.ContentWithdrawalFailure, why=[Fault.RECALL_LATE]))
    send(hub, status("16", description="Đang xử lý"), "H41")
    assert hub.stages(ONE) == {"H41": ["1 recall DECLINED"]}
    send(hub, update(1))
    assert hub.stages(ONE) == {"H41": ["1 recall DECLINED", "2 update OPEN"]}


def test_a_closed_agency_that_is_added_last_ends_the_distribution() -> None:
    hub = Hub(rule=rules(members(Member("G06", "đóng", valid_until=NOW))))
    send(hub, document(1))
    hub.publish()
    hub.submit(mail.said(hub, "H41", next(iter(hub.record.submissions)), Event.ContentHandover))
    assert hub.statements("S.1") == [], "to one alone there is nothing to certify"
    send(hub, update(1, add=("G06",)))
    assert [(s.recipient, s.outcome) for s in hub.statements("S.1")] == [("G06", "FAILED"), ("H41", "HANDED_OVER")]
