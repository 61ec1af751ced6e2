"""Recalls: taken back here where nothing has left, by the recipient's adapter otherwise, by its clerk where it has the
document; and recalls that overtake it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from axis.core.hub import dossier as ask
from axis.core.hub.admission import CHANGES_A_DAY
from axis.core.hub.lifecycle import State
from axis.core.receipt import Event
from axis.core.registry import Member
from axis.errors import Fault
from tests.hub import mail
from tests.hub.invariants import check
from tests.hub.memory import NOW, Hub, members, rules
from tests.line import document, recall, status, update

ONE = "G22,2026/11/23,1/TN-G22"


def hub_with(data: bytes, *, published: bool = True) -> Hub:
    hub = Hub()
    hub.submit(mail.submission(data, "G22", hub.rules))
    if published:
        hub.publish()
    return hub


def send(hub: Hub, data: bytes, sender: str = "G22") -> None:
    hub.submit(mail.submission(data, sender, hub.rules))
    check(hub)


def of(hub: Hub, kind: str) -> str:
    """The axis id of the last submission of this kind."""
    return max(name for name, one in hub.record.submissions.items() if one.kind == kind)


def refusals(hub: Hub) -> list[str]:
    return [r.code for one in hub.statements("A.2") for r in one.reasons]


# -- Where nothing has left -----------------------------------------------------------------------------------------


def test_what_has_not_left_is_withdrawn_here_and_never_published() -> None:
    hub = hub_with(document(1, to=("H41", "G06")), published=False)
    send(hub, recall(1, to=("H41",)))
    assert hub.states(ONE) == {"H41": State.RECALLED, "G06": State.ACCEPTED}
    assert hub.states(ONE, "recall") == {"H41": State.RECALLED}
    assert hub.stages(ONE) == {"H41": ["1 recall WITHDRAWN"]}
    assert [row.code for row in hub.publish() if row.delivery_id] == ["G06"]
    assert [s.recipient for s in hub.statements("W.1")] == ["H41"]


def test_who_says_that_it_has_what_never_left_is_asked_when_it_is_taken_back() -> None:
    """Nobody's word keeps a sender from taking back what is its own."""
    for change in (recall(1, to=("H41",)), update(1, changes_content=False, remove=("H41",))):
        hub = hub_with(document(1, to=("H41", "G06")), published=False)
        hub.submit(mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover))
        send(hub, change)
        assert hub.states(ONE) == {"H41": State.HANDED_OVER, "G06": State.ACCEPTED}
        assert hub.stages(ONE) == {"H41": ["1 recall PENDING"]}
        assert refusals(hub) == []


def test_what_was_refused_before_has_nothing_to_withdraw() -> None:
    hub = hub_with(document(1))
    hub.submit(mail.said(hub, "H41", of(hub, "new"), Event.ContentHandoverFailure))
    send(hub, recall(1))
    assert hub.stages(ONE) == {"H41": ["1 recall VOID"]}
    assert hub.states(ONE) == {"H41": State.REFUSED}
    (said,) = hub.statements("W.2")
    assert [r.code for r in said.reasons] == [Fault.RECALL_VOID.code]


def test_a_recall_from_everybody_drops_the_parcel_and_keeps_the_evidence() -> None:
    hub = hub_with(document(1, to=("H41", "G06")), published=False)
    send(hub, recall(1, to=("H41",)))
    new = hub.record.submissions[of(hub, "new")]
    assert new.body_digest, "G06 may still get it"
    send(hub, recall(1, to=("G06",)))
    after = hub.record.submissions[new.axis_id]
    assert (after.body_digest, after.parcel_digest) == ("", new.parcel_digest)
    assert [s.outcome for s in hub.statements("S.1")] == ["RECALLED", "RECALLED"]
    assert all(s.evidence for s in hub.statements("S.1"))


def test_updates_on_their_way_and_what_they_asked_go_with_the_document() -> None:
    hub = hub_with(document(1), published=False)
    send(hub, update(1))
    send(hub, recall(1))
    assert hub.states(ONE, "update") == {"H41": State.RECALLED}
    assert hub.stages(ONE) == {"H41": ["1 update OVERTAKEN", "2 recall WITHDRAWN"]}
    assert [row for row in hub.record.outbox.values() if row.delivery_id] == []


# -- Where it may be out --------------------------------------------------------------------------------------------


def test_what_was_published_is_asked_of_the_recipients_adapter() -> None:
    hub = hub_with(document(1))
    send(hub, recall(1))
    assert hub.stages(ONE) == {"H41": ["1 recall PENDING"]}
    (row,) = [row for row in hub.record.outbox.values() if row.delivery_id]
    assert (row.code, row.urgent) == ("H41", True)


def test_a_version_that_was_published_is_out_even_where_the_document_is_not_known_to_be() -> None:
    hub = hub_with(document(1), published=False)
    send(hub, update(1))
    (late,) = [
        name
        for name, row in hub.record.outbox.items()
        if row.delivery_id and row.body != hub.record.submissions[of(hub, "new")].body_digest
    ]
    hub.publish([late])
    send(hub, recall(1))
    assert hub.stages(ONE) == {"H41": ["1 update OPEN", "2 recall PENDING"]}


def test_the_adapter_withdraws_and_what_else_was_asked_is_overtaken() -> None:
    hub = hub_with(document(1))
    send(hub, update(1))
    hub.publish()
    send(hub, recall(1))
    hub.publish()
    hub.submit(mail.said(hub, "H41", of(hub, "recall"), Event.ContentWithdrawal))
    check(hub)
    assert hub.states(ONE) == hub.states(ONE, "update") == hub.states(ONE, "recall") == {"H41": State.RECALLED}
    assert hub.stages(ONE) == {"H41": ["1 update OVERTAKEN", "2 recall WITHDRAWN"]}
    assert hub.record.submissions[of(hub, "new")].body_digest == ""


def test_too_late_is_a_request_that_the_clerk_answers() -> None:
    hub = hub_with(document(1))
    hub.submit(mail.said(hub, "H41", of(hub, "new"), Event.ContentHandover))
    send(hub, recall(1))
    hub.publish()
    asked = of(hub, "recall")
    hub.submit(mail.said(hub, "H41", asked, Event.ContentWithdrawalFailure, why=[Fault.RECALL_LATE]))
    assert hub.stages(ONE) == {"H41": ["1 recall OPEN"]}
    assert hub.states(ONE, "recall") == {"H41": State.QUEUED}, "the recall itself is still on its way to the clerk"
    hub.submit(mail.said(hub, "H41", asked, Event.ContentHandover))
    (limits,) = [known for name, known in hub.record.limits.items() if "answer 1" in known]
    assert limits["answer 1"].progress == "running", "from here on the clerk has the time to answer"
    send(hub, status("15"), "H41")
    assert hub.stages(ONE) == {"H41": ["1 recall AGREED"]}
    assert hub.states(ONE) == {"H41": State.HANDED_OVER}, "that it was handed over stays true"
    assert hub.record.submissions[of(hub, "new")].body_digest == ""


def test_void_where_the_adapter_had_refused_the_document() -> None:
    hub = hub_with(document(1))
    send(hub, recall(1))
    hub.publish()
    hub.submit(mail.said(hub, "H41", of(hub, "recall"), Event.ContentWithdrawalFailure, why=[Fault.RECALL_VOID]))
    assert hub.stages(ONE) == {"H41": ["1 recall VOID"]}
    assert hub.states(ONE, "recall") == {"H41": State.RECALLED}, "nothing of it is shown"


# -- Before the document --------------------------------------------------------------------------------------------


def test_a_recall_that_overtakes_waits_and_takes_the_document_back_when_it_comes() -> None:
    hub = hub_with(recall(1, to=("H41",)), published=False)
    assert hub.states(ONE, "recall") == {"H41": State.ACCEPTED}
    assert not [row for row in hub.record.outbox.values() if row.delivery_id]
    send(hub, document(1, to=("H41", "G06")))
    assert hub.states(ONE) == {"H41": State.RECALLED, "G06": State.ACCEPTED}
    assert hub.states(ONE, "recall") == {"H41": State.RECALLED}
    assert hub.stages(ONE) == {"H41": ["2 recall WITHDRAWN"]}
    accepted = next(r for r in hub.record.receipts.values() if r.subject.kind == "new")
    assert accepted.statements[0].recipients == ("G06",), "A.1 names only whom the parcel goes to"


def test_two_recalls_that_overtake_one_document_are_both_quoted_by_its_certificate() -> None:
    hub = hub_with(recall(1, to=("H41",)), published=False)
    send(hub, recall(1, to=("G06",)))
    send(hub, document(1, to=("H41", "G06")))
    said = hub.statements("S.1")
    assert [(s.recipient, s.outcome) for s in said] == [("G06", "RECALLED"), ("H41", "RECALLED")]
    assert len({s.evidence for s in said} - {""}) == 2


def test_a_second_recall_of_what_has_not_come_is_answered_as_the_one_that_waits() -> None:
    hub = hub_with(recall(1), published=False)
    send(hub, recall(1, reason="Ban hành nhầm lần nữa"))
    assert [one.kind for one in hub.record.submissions.values()] == ["recall"]
    assert hub.events()[-1] == "submission.repeated"
    first = of(hub, "recall")
    assert {r.subject.axis_id for r in hub.record.receipts.values()} == {first}
    send(hub, recall(1, reason="Ban hành nhầm lần nữa"))
    assert len(hub.record.receipts) == 2, "said once more in the same words, the answer is the stored one"


# -- Who, whom, how often -------------------------------------------------------------------------------------------


def test_nobody_learns_by_a_recall_whether_another_has_sent_such_a_document() -> None:
    for before in (document(1), document(2)):
        hub = hub_with(before)
        data = recall(1, sender="G22").replace(b"<From><OrganId>G22", b"<From><OrganId>H29")
        send(hub, data, "H29")
        assert refusals(hub) == [Fault.AUTHZ_MISMATCH.code]


def test_a_recall_names_only_those_that_were_sent_the_document() -> None:
    hub = hub_with(document(1))
    send(hub, recall(1, to=("G06",)))
    assert refusals(hub) == [Fault.RECIPIENT_UNKNOWN.code]
    assert hub.stages(ONE) == {}


def test_units_that_share_a_parcel_are_taken_back_together() -> None:
    hub = hub_with(document(1, to=("H41", "H41.05")))
    send(hub, recall(1, to=("H41.05",)))
    assert refusals(hub) == [Fault.UNITS_TOGETHER.code]
    send(hub, recall(1, to=("H41",)))
    assert hub.stages(ONE) == {"H41": ["1 recall PENDING"]}
    (asked,) = [one for known in hub.record.demands.values() for one in known.values()]
    assert set(asked.stages) == {"H41", "H41.05"}


def test_a_recall_that_asks_nobody_anew_is_answered_as_the_one_before() -> None:
    hub = hub_with(document(1, to=("H41", "G06")))
    send(hub, recall(1, to=("H41",)))
    first = of(hub, "recall")
    send(hub, recall(1, to=("H41",)))
    send(hub, recall(1, to=("H41",), reason="Khác"))
    assert of(hub, "recall") == first
    send(hub, recall(1, to=("H41", "G06")))
    second = hub.record.submissions[of(hub, "recall")]
    assert (second.number, hub.states(ONE, "recall")) == (2, {"H41": State.ACCEPTED, "G06": State.ACCEPTED})
    assert hub.stages(ONE) == {"G06": ["2 recall PENDING"], "H41": ["1 recall PENDING"]}


def test_so_many_recalls_and_updates_a_day_and_no_more() -> None:
    codes = [f"A{number:02}" for number in range(1, CHANGES_A_DAY + 3)]
    hub = Hub(rule=rules(members(*(Member(code, code) for code in codes))))
    send(hub, document(1, to=tuple(codes)))
    for code in codes[:CHANGES_A_DAY]:
        send(hub, recall(1, to=(code,)))
    assert refusals(hub) == []
    send(hub, recall(1, to=(codes[-1],)))
    assert refusals(hub) == [Fault.CHANGES_TOO_OFTEN.code]
    hub.now += timedelta(days=1)
    send(hub, recall(1, to=(codes[-1],), reason="Hôm sau"))
    assert hub.record.submissions[of(hub, "recall")].number == CHANGES_A_DAY + 1


# -- Agencies that are closed ---------------------------------------------------------------------------------------


def test_one_member_is_asked_for_another_while_its_own_is_taken_back_here() -> None:
    """G06 has the document and is closed, H41 has its mail, and what goes to H41 itself has not left."""
    hub = hub_with(document(1, to=("G06", "H41")), published=False)
    hub.publish(hub.due("G06"))
    closed = Member("G06", "Cơ quan G06", valid_until=NOW, successor="H41")
    hub.rules = replace(hub.rules, registry=members(closed))
    send(hub, recall(1, to=("H41", "G06")))
    assert hub.stages(ONE) == {"G06": ["1 recall PENDING"], "H41": ["1 recall WITHDRAWN"]}
    assert hub.states(ONE) == {"G06": State.QUEUED, "H41": State.RECALLED}
    assert hub.states(ONE, "recall") == {"H41": State.ACCEPTED}, "one delivery, on its way for G06's clerk"
    hub.publish()
    hub.submit(mail.said(hub, "H41", of(hub, "recall"), Event.ContentHandover))
    check(hub)
    assert hub.stages(ONE) == {"G06": ["1 recall OPEN"], "H41": ["1 recall WITHDRAWN"]}


def test_a_recall_of_what_waits_for_a_closed_agency_is_decided_here() -> None:
    hub = hub_with(document(1, to=("G06",)), published=False)
    closed = Member("G06", "Cơ quan G06", valid_until=NOW, successor="H41")
    hub.rules = replace(hub.rules, registry=members(closed))
    send(hub, recall(1, to=("G06",)))
    assert hub.states(ONE) == {"G06": State.RECALLED}
    assert [s.recipient for s in hub.statements("W.1")] == ["G06"]


def test_a_recall_that_waits_for_the_clerk_of_another_is_shown_though_its_own_document_was_withdrawn() -> None:
    hub = hub_with(document(1, to=("G06", "H41")))
    closed = Member("G06", "Cơ quan G06", valid_until=NOW, successor="H41")
    hub.rules = replace(hub.rules, registry=members(closed))
    send(hub, recall(1, to=("H41", "G06")))
    hub.publish()
    hub.submit(mail.said(hub, "H41", of(hub, "recall"), Event.ContentWithdrawal))
    check(hub)
    assert hub.stages(ONE) == {"G06": ["1 recall PENDING"], "H41": ["1 recall WITHDRAWN"]}
    assert hub.states(ONE, "recall") == {"H41": State.QUEUED}
    hub.submit(mail.said(hub, "H41", of(hub, "recall"), Event.ContentHandover))
    assert hub.stages(ONE) == {"G06": ["1 recall OPEN"], "H41": ["1 recall WITHDRAWN"]}


def test_in_one_batch_a_recall_is_too_late_for_one_and_is_before_the_clerk_of_another() -> None:
    """That the one statement has read whom the recall asked is not taken for the answer to what the other asks."""
    hub = hub_with(document(1, to=("G06", "H41")))
    closed = Member("G06", "Cơ quan G06", valid_until=NOW, successor="H41")
    hub.rules = replace(hub.rules, registry=members(closed))
    send(hub, recall(1, to=("H41", "G06")))
    hub.publish()
    hub.reads = lambda _record: [ask.AskedBy(of(hub, "recall"))]
    events = (Event.ContentWithdrawal, Event.ContentHandover)
    hub.submit(*(mail.said(hub, "H41", of(hub, "recall"), one) for one in events))
    check(hub)
    assert hub.stages(ONE) == {"G06": ["1 recall OPEN"], "H41": ["1 recall WITHDRAWN"]}
    assert [leg for known in hub.record.limits.values() for leg in known if leg.startswith("answer")] == ["answer 1"]
