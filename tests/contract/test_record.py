"""The hub's record answers a batch's questions, on SQLite and on PostgreSQL."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from axis.core import receipt
from axis.core.homes import Known
from axis.core.hub import change
from axis.core.hub import dossier as ask
from axis.core.hub.dossier import Demanded, Limit, Refused, Said
from axis.core.hub.lifecycle import Demand, Stage, State
from axis.core.ledger import Entry
from axis.core.receipt import Event, Receipt, Statement, Subject
from axis.core.registry import HUB
from axis.errors import Fault, Problem
from axis.infra.record import homes, tables
from axis.infra.record.store import HubStore
from tests.contract.records import (
    ENTRY,
    LATER,
    NOW,
    ONE,
    TWO,
    accept,
    deliver,
    digest,
    read,
    rows,
    submitted,
    to,
    write,
)
from tests.line import Clock
from tests.pki import signer


def test_what_was_accepted_is_found_by_every_name_it_has(record: HubStore) -> None:
    first, second = submitted("a1"), submitted("a2", kind="update", number=1)
    write(record, accept(first), accept(second))
    facts = read(
        record,
        ask.ByKey(first.key),
        ask.ByKey("another"),
        ask.ByParcel("G22", second.parcel_digest),
        ask.ByParcel("H41", second.parcel_digest),
        ask.ByName("a1"),
        ask.ByName("none"),
        ask.SentAs("G22", "update", ONE[1], second.content_digest),
        ask.OfChange(ONE, "update", second.content_digest),
        ask.OfChange(TWO, "update", second.content_digest),
        ask.Own(ONE),
        ask.Own(TWO),
        ask.Newest(ONE),
        ask.Newest(TWO),
    )
    assert facts.submissions == {"a1": first, "a2": second}
    assert facts.by_key == {first.key: "a1", "another": None}
    assert facts.by_parcel == {("G22", second.parcel_digest): "a2", ("H41", second.parcel_digest): None}
    assert (facts.by_name["a1"], facts.by_name["none"]) == ("a1", None)
    assert list(facts.sent_as.values()) == ["a2"]
    assert list(facts.of_change.values()) == ["a2", None]
    assert (facts.own, facts.newest) == ({ONE: "a1", TWO: None}, {ONE: "a1", TWO: None})


def test_a_delivery_is_found_whole_with_its_statuses_and_limits(record: HubStore) -> None:
    about = submitted("a1")
    one = to(
        about,
        "H41",
        tried=True,
        closed=True,
        proof_digest="p",
        consigned_at=NOW,
        consigned_entry="e",
        owes_at=LATER,
        reporters=1,
    )
    limit = Limit("handover", LATER, LATER, "running")
    write(
        record,
        accept(about),
        *deliver(one),
        change.Report(one.id, "000.H41", "01", NOW, NOW, ENTRY),
        change.SetLimit(one.id, limit, ENTRY),
    )
    for question in (ask.ById(one.id), ask.Part("a1", "H41"), ask.Brought(ONE, "H41")):
        facts = read(record, question)
        assert facts.deliveries == {one.id: one}
        assert facts.business == {one.id: {"000.H41": "01"}}
        assert facts.limits == {one.id: {"handover": limit}}
    assert read(record, ask.ById(one.id)).submissions == {"a1": about}
    facts = read(record, ask.Part("a1", "G06"), ask.Brought(ONE, "G06"), ask.Brought(TWO, "H41"), ask.ById("none"))
    assert (facts.parts, facts.by_id) == ({("a1", "G06"): None}, {"none"})
    assert facts.brought == {(ONE, "G06"): None, (TWO, "H41"): None}


def test_who_has_a_document_and_what_was_asked_of_them_is_read_by_its_questions(record: HubStore) -> None:
    new, update, recall = submitted("a1"), submitted("a2", kind="update"), submitted("a3", kind="recall", number=1)
    first, second = to(new, "H41"), to(new, "G06", state=State.HANDED_OVER)
    added, taking = to(update, "H29"), to(recall, "H41", "recall", state=State.RECALLED)
    write(
        record,
        *map(accept, (new, update, recall)),
        *deliver(first, second, added, taking),
        change.Ask(first.id, 1, ("u2", "u1"), Demand.UPDATE, "a2", Stage.OPEN, NOW, ENTRY),
        change.Ask(first.id, 2, ("u1",), Demand.RECALL, "a3", Stage.WITHDRAWN, NOW, ENTRY),
        change.Ask(second.id, 1, ("u1",), Demand.UPDATE, "a2", Stage.OPEN, NOW, ENTRY),
    )
    updating = Demanded(1, Demand.UPDATE, "a2", {"u1": Stage.OPEN, "u2": Stage.OPEN})
    recalling = Demanded(2, Demand.RECALL, "a3", {"u1": Stage.WITHDRAWN})
    facts = read(record, ask.Recipients(ONE), ask.TakingBack(ONE), ask.LastDemand(ONE), ask.LastDemand(TWO))
    assert facts.recipients == {ONE: {"H41": first.id, "G06": second.id, "H29": added.id}}
    assert facts.deliveries == {one.id: one for one in (first, second, added, taking)}
    assert facts.demands == {first.id: {2: recalling}, second.id: {}, added.id: {}}, "the recalls alone"
    assert facts.all_demands == set()
    assert facts.taking_back == {ONE: {"H41": taking.id}}
    assert facts.last_demand == {ONE: 2, TWO: 0}
    facts = read(record, ask.Demands(first.id), ask.Recipients(ONE), ask.AskedBy("a2"), ask.AskedBy("a1"))
    assert facts.demands[first.id] == {1: updating, 2: recalling}
    assert facts.demands[second.id] == {1: replace(updating, stages={"u1": Stage.OPEN})}
    assert facts.all_demands == {first.id, second.id}
    assert facts.asked_by == {"a2": tuple(sorted((first.id, second.id))), "a1": ()}
    assert read(record, ask.Brought(ONE, "H41")).demands == {first.id: {2: recalling}}
    assert read(record, ask.Recipients(TWO), ask.TakingBack(TWO)).recipients == {TWO: {}}


def test_of_updates_under_way_all_are_read_and_of_those_that_are_over_whether_one_was_tried(record: HubStore) -> None:
    some = [submitted(f"a{n}", kind="update") for n in range(1, 6)]
    over = [to(one, "H41", "update", state=State.HANDED_OVER, tried=True) for one in some[:2]]
    never = to(some[2], "H41", "update", state=State.RECALLED)
    waits = to(some[3], "H41", "update")
    other = to(some[4], "G06", "update")
    write(record, *map(accept, some), *deliver(*over, never, waits, other))
    facts = read(record, ask.Updating(ONE, "H41"), ask.Updating(ONE, "H29"))
    assert facts.updating == {(ONE, "H41"): (over[1].id, waits.id), (ONE, "H29"): ()}


def test_the_open_deliveries_of_a_document_are_shown_up_to_a_number(record: HubStore) -> None:
    new = submitted("a1")
    states: list[dict[str, Any]] = [
        {"state": State.HANDED_OVER},
        {"state": State.FAILED, "closed": True},
        {"state": State.FAILED},
        {"state": State.QUEUED},
        {},
    ]
    some = [to(new, f"H{n}", **given) for n, given in enumerate(states)]
    write(record, accept(new), *deliver(*some))
    ids = [one.id for one in some]
    facts = read(record, ask.Open(ONE, 4), ask.Open(TWO, 4))
    assert facts.open == {ONE: (tuple(ids[2:]), 4, True), TWO: ((), 0, True)}, "those that are not over come first"
    still, number, is_all = read(record, ask.Open(ONE, 3)).open[ONE]
    assert (sorted(still), number, is_all) == (ids[2:], 3, False), "as many as asked for: there may be more"
    still, number, is_all = read(record, ask.Open(ONE, 2)).open[ONE]
    assert (set(still) < set(ids[2:]), number, is_all) == (True, 2, False)


def test_of_many_units_that_have_reported_those_are_read_that_somebody_asks_for(record: HubStore) -> None:
    about = submitted("a1")
    one = to(about, "H41", reporters=12)
    reports = [change.Report(one.id, f"H41.{n}", "03", NOW, NOW, ENTRY) for n in range(12)]
    write(record, accept(about), *deliver(one), *reports)
    for question in (ask.ById(one.id), ask.Part("a1", "H41"), ask.Brought(ONE, "H41")):
        assert read(record, question).business == {one.id: {}}
    assert read(record, ask.Brought(ONE, "H41", "H41.5")).business == {one.id: {"H41.5": "03"}}
    assert read(record, ask.Brought(ONE, "H41", "H41.99")).business == {one.id: {"H41.99": ""}}
    two, none = ask.Reported(one.id, "H41.2"), ask.Reported(one.id, "H41.99")
    assert read(record, two, none).business == {one.id: {"H41.2": "03", "H41.99": ""}}
    facts = read(record, ask.Reports(one.id))
    assert facts.business == {one.id: {f"H41.{n}": "03" for n in range(12)}}


def test_of_a_documents_changes_the_last_number_is_read_and_when_the_first_of_the_last_fifty_came(
    record: HubStore,
) -> None:
    some = [
        replace(submitted(f"a{n:03}", kind="update", number=n), received_at=f"2026-11-25T08:00:00.{n:06}Z")
        for n in range(1, 71)
    ]
    versions = [replace(some[60], has_content=True), *some[61:]]
    write(record, *map(accept, [*some[:60], *versions]))
    facts = read(record, ask.Lately(ONE, "update"), ask.Lately(ONE, "recall"), ask.Newest(ONE))
    assert facts.lately == {(ONE, "update"): (70, {21: some[20].received_at}), (ONE, "recall"): (0, {})}
    (known,) = read(record, ask.Lately(ONE, "update", 3)).lately.values()
    assert known == (70, {n: some[n - 1].received_at for n in (21, 22, 23)}), "by which the next three are judged"
    (known,) = read(record, ask.Lately(ONE, "update", 60)).lately.values()
    assert known == (70, {n: some[n - 1].received_at if n <= 70 else "" for n in range(21, 81)})
    assert facts.newest == {ONE: "a061"}, "the last one with the document's content"


def test_what_was_said_is_read_by_submission_and_by_statement(record: HubStore) -> None:
    write(
        record,
        accept(submitted("a1")),
        change.Say("HUB", "D.2", "a1", "H41", "@0", LATER, ENTRY),
        change.Say("HUB", "D.2", "a1", "H41", digest("overdue"), NOW, ENTRY),
        change.Say("H41", "E.1", "a1", "H41", digest("E.1"), LATER, ENTRY),
        change.Say("H41", "E.1", "a1", "H41", digest("E.1"), LATER, ENTRY),
        digests={"@0": digest("given up")},
    )
    here, missing = ask.Stated("H41", "E.1", "a1", "H41"), ask.Stated("H41", "E.2", "a1", "H41")
    facts = read(record, ask.Receipts("a1"), ask.Receipts("a2"), here, missing)
    given_up, handed = Said(digest("given up"), LATER), Said(digest("E.1"), LATER)
    assert facts.receipts == {"a1": {("D.2", "H41"): given_up, ("E.1", "H41"): handed}, "a2": {}}
    assert facts.stated == {here: digest("E.1"), missing: None}


def test_a_refusal_is_read_with_the_parcel_that_it_names_and_a_later_one_takes_its_place(record: HubStore) -> None:
    named = digest("the parcel")
    a2 = refusal_of(named)
    body = hashlib.sha256(a2).hexdigest()
    damaged = digest("damaged")
    write(
        record,
        change.Refuse("G22", "c1", "d", digest("before"), True, NOW, ENTRY),
        change.Refuse("G22", "c1", "d", "@0", False, LATER, ENTRY),
        change.Refuse("G22", "c2", "d", damaged, True, NOW, ENTRY),
        change.Refuse("G22", "c3", "d", digest("gone"), False, NOW, ENTRY),
        payloads=(change.Keep(body, a2), change.Keep(damaged, b"something else")),
        digests={"@0": body},
    )
    facts = read(record, *(ask.RefusedAs("G22", key) for key in ("c1", "c2", "c3", "c4")))
    assert facts.refused == {
        ("G22", "c1"): Refused(body, False, named),
        ("G22", "c2"): Refused(damaged, True, ""),
        ("G22", "c3"): Refused(digest("gone"), False, ""),
        ("G22", "c4"): None,
    }
    write(record, change.Refuse("G22", "c1", "d2", digest("again"), True, LATER, ENTRY))
    assert read(record, ask.RefusedAs("G22", "c1")).refused["G22", "c1"] == Refused(digest("again"), True, "")


def refusal_of(parcel_digest: str) -> bytes:
    said = Statement(
        receipt.refusal_id("0190c0de-0000-7000-8000-000000000001", parcel_digest),
        Event.SubmissionRejection,
        Clock().now.replace(microsecond=0),
        "",
        (),
        receipt.reasons([Problem(Fault.PARCEL_LIMIT, got="1", expected="2")]),
        "e" * 64,
    )
    subject = Subject("", "new", "G22", "d", digest("content"))
    return receipt.signed(Receipt("i", "HUB", subject, (said,), 1), signer(HUB), Clock().now)


def test_repetitions_homes_and_quarantine_are_read_for_whom_they_are(record: HubStore) -> None:
    write(
        record,
        change.Repeat("G22", "c1", "a1", "@0", ENTRY),
        change.Repeat("G22", "c1", "a2", digest("later"), ENTRY),
        *(change.PutAside("H41", f"m{n}", "", digest("body"), "X", 1, NOW, ENTRY) for n in (1, 2, 2)),
        digests={"@0": digest("A.1 of the repetition")},
    )
    home = Known("i" * 32, "s" * 32, 4, 7)
    with record.transaction() as tx:
        homes.keep(tx, "H41", home, Entry(Clock().now, "HUB", "home.started"))
    facts = read(
        record,
        ask.ByContent("G22", "c1"),
        ask.ByContent("G22", "c2"),
        ask.Homes("H41"),
        ask.Homes("G22"),
        ask.Quarantined("H41"),
        ask.Quarantined("G22"),
    )
    assert facts.by_content == {("G22", "c1"): ("a1", digest("A.1 of the repetition")), ("G22", "c2"): None}
    assert facts.homes == {"H41": (home,), "G22": ()}
    assert facts.quarantined == {("H41", False): 2, ("H41", True): 0, ("G22", False): 0, ("G22", True): 0}


def test_a_message_is_put_aside_under_the_name_that_it_always_had(record: HubStore) -> None:
    write(record, change.PutAside("H41", "m1", "u", digest("body"), "BAD", 3, NOW, ENTRY))
    assert [row["id"] for row in rows(record, tables.quarantine)] == [digest(f"H41/m1/{digest('body')}")[:16]]
