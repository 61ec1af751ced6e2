"""A decision while it is made: every change names its entry, only locked documents change, and a trial leaves no trace."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from axis.core.hub import change, decide, receipts
from axis.core.hub import dossier as ask
from axis.core.hub.dossier import Delivery, Facts, NotReadError, Together
from axis.core.hub.draft import Draft, NotEnteredError, NotLockedError
from axis.core.hub.lifecycle import IllegalStepError, State, Step
from axis.core.hub.opened import PutAsideError
from axis.core.hub.seal import UnsealedError, seal
from axis.core.ledger import Entry
from axis.core.receipt import Event, Statement
from axis.core.registry import HUB
from tests import pki
from tests.hub.mail import said, submission
from tests.hub.memory import INSTALLATION, NOW, Hub
from tests.line import document

if TYPE_CHECKING:
    from axis.core.hub.change import Changes

ONE = ("G22", "G22,2026/11/23,1/TN-G22")
OTHER = ("G22", "G22,2026/11/23,2/TN-G22")


def entry(event: str = "test.happened") -> Entry:
    return Entry(NOW, HUB, event)


def empty(*locked: ask.Document) -> Draft:
    facts = Facts()
    for one in locked:
        facts.know_empty(one)
    return Hub().draft(facts, locked)


def a_delivery(document: ask.Document = ONE, **more: Any) -> Delivery:
    given: dict[str, Any] = {
        "id": "d1",
        "axis_id": "s1",
        "recipient": "H41",
        "units": ("H41",),
        "state": State.ACCEPTED,
        "attempts": 0,
        "updated_at": "",
        "role": "document",
        "owner": document[0],
        "document_id": document[1],
    }
    return Delivery(**{**given, **more})


def everything(draft: Draft) -> list[Any]:
    """What a draft knows and has decided, to compare."""
    known = draft._facts
    return [
        *(
            {**getattr(known, one.name)}
            if one.name != "by_id" and one.name != "all_demands"
            else set(getattr(known, one.name))
            for one in fields(Facts)
        ),
        draft.decided(),
    ]


# -- A change and its entry -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [one for one in change.Change.__args__ if one not in {change.Done, change.Postpone}])
def test_a_change_without_its_entry_cannot_be_built(kind: type) -> None:
    given = {one.name: None for one in fields(kind) if one.name != "entry"}
    with pytest.raises(TypeError, match="entry"):
        kind(**given)


def test_only_what_becomes_of_an_outbox_row_may_have_entered_nothing_new() -> None:
    assert (change.Done(1).entry, change.Postpone(1, 1, "").entry) == (None, None)


def test_a_change_that_names_an_entry_of_no_decision_is_not_sealed() -> None:
    draft = empty(ONE)
    draft.supersede(ONE, "s2", draft.enter(entry()))
    made = draft.decided()
    strange = replace(made, changes=(replace(made.changes[0], entry=change.Entered("f" * 64)),))
    for bad in (strange, replace(made, entries=())):
        with pytest.raises(UnsealedError):
            seal(bad, INSTALLATION, pki.signer("G22"), NOW)


def test_a_statement_quotes_only_an_entry_of_the_same_decision() -> None:
    draft = empty()
    entered = draft.enter(entry())
    assert draft.entered(entered) == entered
    with pytest.raises(NotEnteredError):
        draft.entered(entry("another").digest)


def test_two_of_the_same_within_one_moment_are_two_entries() -> None:
    draft = empty()
    assert draft.enter(entry()) == draft.enter(entry())
    assert len(draft.decided().entries) == 2


# -- Sealing --------------------------------------------------------------------------------------------------------


def certified(order: tuple[int, ...] = (0, 1)) -> Changes:
    """W.1, and S.1 that quotes it; signed in this order."""
    draft = empty(ONE)
    entered = draft.enter(entry())
    hub = Hub()
    hub.submit(submission(document(1), "G22", hub.rules))
    about = next(iter(hub.record.submissions.values()))
    name = draft.issue(about, [Statement("w1", Event.ContentWithdrawal, NOW, "H41", entry=entered)], entered)
    quoting = Statement("s1", Event.DistributionCertificate, NOW, "H41", entry=entered, outcome="x", evidence=name)
    draft.issue(about, [quoting], entered)
    made = draft.decided()
    return replace(made, receipts=tuple(made.receipts[n] for n in order))


def test_a_receipt_quotes_the_digest_of_the_one_sealed_before_it() -> None:
    sealed = seal(certified(), INSTALLATION, pki.signer("G22"), NOW)
    first, second = sealed.payloads
    assert sealed.digests == {"@0": first.digest, "@1": second.digest}
    assert first.digest.encode() in second.content, "by its digest"
    assert b"@0" not in second.content
    assert [sealed.resolved(name) for name in ("@0", first.digest, "")] == [first.digest, first.digest, ""]


def test_a_receipt_that_quotes_one_not_yet_sealed_is_refused() -> None:
    for order in ((1, 0), (1,)):
        with pytest.raises(UnsealedError):
            seal(certified(order), INSTALLATION, pki.signer("G22"), NOW)


def test_a_receipt_holds_at_most_a_hundred_statements_and_each_is_on_record() -> None:
    draft, hub = empty(ONE), Hub()
    hub.submit(submission(document(1), "G22", hub.rules))
    about = next(iter(hub.record.submissions.values()))
    entered = draft.enter(entry())
    said = [Statement(f"x{n}", Event.ContentConsignment, NOW, f"A{n}", entry=entered) for n in range(250)]
    draft.issue(about, said, entered)
    made = draft.decided()
    assert [len(one.statements) for one in made.receipts] == [100, 100, 50]
    assert sum(isinstance(one, change.Say) for one in made.changes) == 250
    assert [one.body_digest for one in made.changes if isinstance(one, change.Send)] == ["@0", "@1", "@2"]


# -- Locks ----------------------------------------------------------------------------------------------------------


def test_a_document_that_is_not_locked_is_not_changed() -> None:
    hub = Hub()
    hub.submit(submission(document(1), "G22", hub.rules))
    about = next(iter(hub.record.submissions.values()))
    row = next(iter(hub.record.deliveries.values()))
    facts = Facts()
    hub.record.read([ask.ById(row.id), ask.Demands(row.id)], facts)
    tries = {
        "accept": lambda d, e: d.accept(about, e),
        "deliver": lambda d, e: d.deliver(row, e),
        "move": lambda d, e: d.move(row, Step.CONSIGNED, entry()),
        "alter": lambda d, e: d.alter(row, e),
        "ask": lambda d, e: d.ask(row, 1, row.units, "recall", "s", "OPEN", entry()),
        "answer": lambda d, e: d.answer(row, 1, {"H41": "OPEN"}, entry()),
        "report": lambda d, e: d.report(row, "H41", "01", "", entry()),
        "set_limit": lambda d, e: d.set_limit(row, "answer", hub.rules.deadlines.within(NOW, NOW), e),
        "meet_limit": lambda d, e: d.meet_limit(row, "handover", e),
        "supersede": lambda d, e: d.supersede(row.document, "s2", e),
        "leave_out": lambda d, e: d.leave_out(row, e),
        "forget": lambda d, e: d.forget(row.document, e),
    }
    for name, act in tries.items():
        draft = hub.draft(facts, [OTHER])
        with pytest.raises(NotLockedError):
            act(draft, draft.enter(entry()))
        assert not draft.decided().changes, name
        assert not draft.is_locked(row.document)


def test_a_decision_about_a_document_that_was_not_locked_with_it_is_refused() -> None:
    hub = Hub()
    one = submission(document(1), "G22", hub.rules)
    with pytest.raises(NotLockedError):
        hub.carry_out([OTHER], decide.needs([one]), lambda draft: decide.submitted(draft, [one]))
    assert not hub.record.submissions


# -- Trials ---------------------------------------------------------------------------------------------------------


def test_a_trial_that_fails_leaves_facts_and_changes_as_they_were() -> None:
    hub = Hub()
    hub.submit(submission(document(1, to=("H41", "G06")), "G22", hub.rules))
    hub.publish()
    axis_id = next(iter(hub.record.submissions))
    # The first statement is good and moves a delivery; the second is of nobody whom it went to.
    good = said(hub, "H41", axis_id, Event.ContentHandover)
    assert good.said is not None
    bad = replace(good.said, statements=(*good.said.statements, replace(good.said.statements[0], recipient="H29")))
    facts = hub.record.lock(good.documents)
    hub.record.read(decide.needs([good, replace(good, said=bad)]), facts)
    row = next(d for d in hub.record.deliveries.values() if d.recipient == "H41")
    hub.record.read([ask.Demands(row.id), ask.Entries(axis_id)], facts)
    draft = hub.draft(facts, good.documents)
    draft.enter(entry("before"))
    before = everything(draft)
    with pytest.raises(PutAsideError), draft.trial():
        receipts.record(draft, replace(good, said=bad), bad)
    assert everything(draft) == before
    with draft.trial():
        receipts.record(draft, good, good.said)
    assert draft.delivery(row.id).state is State.HANDED_OVER


def test_a_trial_within_a_trial_is_undone_with_it() -> None:
    draft = empty(ONE)
    before = everything(draft)
    with pytest.raises(ValueError), draft.trial():
        with draft.trial():
            draft.supersede(ONE, "s2", draft.enter(entry()))
        assert draft.superseded_by(ONE) == "s2"
        raise ValueError
    assert everything(draft) == before


def test_what_was_before_a_trial_stays_when_it_fails() -> None:
    draft = empty(ONE)
    draft.supersede(ONE, "s1", draft.enter(entry()))
    with pytest.raises(ValueError), draft.trial():
        draft.supersede(ONE, "s2", draft.enter(entry()))
        raise ValueError
    assert draft.superseded_by(ONE) == "s1"
    assert len(draft.decided().entries) == len(draft.decided().changes) == 1


# -- What was not read ----------------------------------------------------------------------------------------------


def test_what_was_not_read_is_asked_for() -> None:
    draft = Hub().draft(Facts(), ())
    questions: dict[ask.Question, Any] = {
        ask.ByKey("k"): lambda: draft.by_key("k"),
        ask.ByParcel("G22", "p"): lambda: draft.by_parcel("G22", "p"),
        ask.ByContent("G22", "c"): lambda: draft.by_content("G22", "c"),
        ask.ByName("s"): lambda: draft.submission("s"),
        ask.OfChange(ONE, "recall", "c"): lambda: draft.of_change(ONE, "recall", "c"),
        ask.RefusedAs("G22", "c"): lambda: draft.refused("G22", "c"),
        ask.Recipients(ONE): lambda: draft.recipients(ONE),
        ask.Brought(ONE, "H41"): lambda: draft.brought(ONE, "H41"),
        ask.TakingBack(ONE): lambda: draft.taking_back(ONE),
        ask.Updating(ONE, "H41"): lambda: draft.updating(ONE, "H41"),
        ask.Part("s", "H41"): lambda: draft.part("s", "H41"),
        ask.ById("d"): lambda: draft.delivery("d"),
        ask.Demands("d"): lambda: draft.demands("d"),
        ask.AskedBy("s"): lambda: draft.asked_by("s"),
        ask.LastDemand(ONE): lambda: draft.next_demand(ONE),
        ask.Lately(ONE, "recall"): lambda: draft.lately(ONE, "recall"),
        ask.Newest(ONE): lambda: draft.newest(ONE),
        ask.Own(ONE): lambda: draft.own(ONE),
        ask.HeldUntil(ONE): lambda: draft.held_until(ONE),
        ask.Open(ONE): lambda: draft.is_over(ONE),
        ask.Receipts("s"): lambda: draft.receipts("s"),
        ask.Stated("H41", "E.1", "s", "H41"): lambda: draft.stated("H41", "E.1", "s", "H41"),
        ask.Entries("s"): lambda: draft.told("s"),
        ask.Homes("H41"): lambda: draft.homes("H41"),
        ask.Quarantined("H41"): lambda: draft.quarantined("H41"),
    }
    for question, act in questions.items():
        with pytest.raises(NotReadError) as raised:
            act()
        assert raised.value.questions == (question,)
    for act in (lambda: draft.recalls("d"), lambda: draft.business("d"), lambda: draft.limits("d")):
        with pytest.raises(NotReadError):
            act()


def test_what_several_steps_miss_is_asked_for_at_once() -> None:
    draft, together = Hub().draft(Facts(), ()), Together()
    for name in ("a", "b"):
        with together.step():
            draft.by_key(name)
    with pytest.raises(NotReadError) as raised:
        together.ask()
    assert raised.value.questions == (ask.ByKey("a"), ask.ByKey("b"))
    Together().ask()


def test_whether_all_is_over_is_asked_again_where_more_ended_than_was_read() -> None:
    hub, facts = Hub(), Facts()
    hub.submit(submission(document(1, to=("H41", "G06", "H29")), "G22", hub.rules))
    hub.record.read([ask.Open(ONE, 2)], facts)
    assert not hub.draft(facts, [ONE]).is_over(ONE), "those that were not read are not over"
    hub.record.read([ask.ById(name) for name in hub.record.deliveries], facts)
    draft = hub.draft(facts, [ONE])
    first, *others = sorted(hub.record.deliveries.values(), key=lambda one: one.recipient)
    draft.move(first, Step.HANDED_OVER, entry())
    assert not draft.is_over(ONE)
    for one in others:
        draft.move(one, Step.HANDED_OVER, entry())
    with pytest.raises(NotReadError) as raised:
        draft.is_over(ONE)
    assert raised.value.questions == (ask.Recipients(ONE),)
    hub.record.read([ask.Open(ONE, 3)], facts)
    draft = hub.draft(facts, [ONE])
    for one in (first, *others):
        draft.move(one, Step.HANDED_OVER, entry())
    with pytest.raises(NotReadError):
        draft.is_over(ONE)


def test_of_a_document_whose_row_was_made_just_now_nothing_is_asked() -> None:
    draft = empty(ONE)
    assert (draft.recipients(ONE), draft.taking_back(ONE), draft.brought(ONE, "H41")) == ({}, {}, None)
    assert (draft.next_demand(ONE), draft.newest(ONE), draft.own(ONE), draft.held_until(ONE)) == (1, None, None, None)
    assert not draft.is_over(ONE)


# -- A delivery as the decision leaves it ---------------------------------------------------------------------------


def test_a_move_that_the_table_does_not_have_changes_nothing() -> None:
    draft = empty(ONE)
    draft.deliver(a_delivery(state=State.REFUSED), draft.enter(entry()))
    before = everything(draft)
    with pytest.raises(IllegalStepError):
        draft.move(draft.delivery("d1"), Step.WITHDRAWN, entry())
    assert everything(draft) == before


def test_whatever_happens_to_a_delivery_nothing_is_owed_any_more() -> None:
    draft = empty(ONE)
    draft.deliver(a_delivery(), draft.enter(entry()))
    consigned = draft.move(draft.delivery("d1"), Step.CONSIGNED, entry("consigned"), attempts=1, owes=True)
    row = draft.delivery("d1")
    assert (row.state, row.attempts, row.consigned_entry) == (State.QUEUED, 1, consigned)
    assert row.owes_at == "2026-11-23T03:00:05.000Z"
    draft.move(row, Step.HANDED_OVER, entry())
    row = draft.delivery("d1")
    assert (row.owes_at, row.consigned_at, row.consigned_entry, row.attempts) == ("", "", "", 1)


def test_a_delivery_that_becomes_anothers_is_found_there() -> None:
    draft = empty(ONE)
    for number, role in enumerate(("document", "recall")):
        entered = draft.enter(entry())
        draft.deliver(a_delivery(id=f"d{number}", axis_id=f"s{number}", role=role), entered)
        draft.alter(replace(draft.delivery(f"d{number}"), recipient="G06"), entered)
        assert draft.part(f"s{number}", "H41") is None
        moved = draft.part(f"s{number}", "G06")
        assert moved is not None
        assert moved.id == f"d{number}"
    assert list(draft.recipients(ONE)) == list(draft.taking_back(ONE)) == ["G06"]
    assert draft.brought(ONE, "H41") is None
    assert draft.brought(ONE, "G06") == draft.delivery("d0")


def test_a_leg_has_one_deadline_and_it_is_met_once() -> None:
    draft, hub = empty(ONE), Hub()
    entered = draft.enter(entry())
    draft.deliver(a_delivery(), entered)
    row = draft.delivery("d1")
    for hours in (1, 2):
        draft.set_limit(row, "answer 1", hub.rules.deadlines.within(NOW, NOW + timedelta(hours=hours)), entered)
    assert draft.limits("d1")["answer 1"].due_at == "2026-11-23T04:00:00.000Z", "the first stays"
    assert not draft.is_late(row, "answer 1")
    assert draft.meet_limit(row, "answer 1", entered) is False
    made = len(draft.decided().changes)
    assert draft.meet_limit(row, "answer 1", entered) is False
    assert draft.meet_limit(row, "reception", entered) is False
    assert len(draft.decided().changes) == made, "it was met already, and the other leg has none"
