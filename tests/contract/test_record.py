"""What is read of the record for a batch is what was written, on SQLite and on PostgreSQL, in few statements."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import random
import re
import threading
import time
import typing
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from axis.core import receipt
from axis.core.homes import Known
from axis.core.hub import change
from axis.core.hub import dossier as ask
from axis.core.hub.change import Entered
from axis.core.hub.dossier import Delivery, Demanded, Facts, Limit, Refused, Said, Submission
from axis.core.hub.draft import NotLockedError
from axis.core.hub.lifecycle import Demand, Stage, State
from axis.core.hub.seal import Sealed
from axis.core.instant import to_text
from axis.core.ledger import Entry
from axis.core.receipt import Event, Receipt, Statement, Subject
from axis.core.registry import HUB
from axis.errors import Corrupted, Fault, Problem, Unavailable
from axis.infra import volumes
from axis.infra.database import Database
from axis.infra.payloads import payload
from axis.infra.record import homes, ledger, outbox, retention, tables
from axis.infra.record.high_water import LedgerEnd
from axis.infra.record.query import array
from axis.infra.record.store import HubStore
from tests.line import Clock
from tests.pki import signer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from axis.core.hub.change import Change
    from axis.core.hub.dossier import Document, Question

NOW = "2026-11-25T08:00:00.000000Z"
LATER = "2026-11-25T09:00:00.000000Z"
ENTRY = Entered("e" * 64)
ONE, TWO = ("G22", "G22,2026/11/25,1/QĐ"), ("G22", "G22,2026/11/25,2/QĐ")


@pytest.fixture
def record(database_url: str) -> Iterator[HubStore]:
    database = Database(database_url)
    database.create(tables.TABLES)
    yield HubStore(database)
    database.close()


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def submitted(name: str, document: Document = ONE, kind: str = "new", **more: Any) -> Submission:
    given = {"sender": document[0], "number": 0, "has_content": kind in {"new", "replace"}, **more}
    return Submission(
        axis_id=name,
        key=f"key of {name}",
        kind=kind,
        organ_id="000.00.22.G22",
        owner=document[0],
        document_id=document[1],
        code="1/QĐ",
        subject="Về việc",
        status_code="",
        priority=0,
        content_digest=digest(f"content of {name}"),
        parcel_digest=digest(f"parcel of {name}"),
        acceptance_digest=digest(f"A.1 of {name}"),
        registry_version=3,
        received_at=NOW,
        body_digest=digest(f"parcel of {name}"),
        **given,
    )


def to(about: Submission, recipient: str, role: ask.Role = "document", **more: Any) -> Delivery:
    return Delivery(
        **{
            "id": f"{about.axis_id}>{recipient}",
            "axis_id": about.axis_id,
            "recipient": recipient,
            "units": (f"000.{recipient}", "tổ 1"),
            "state": State.ACCEPTED,
            "attempts": 0,
            "updated_at": NOW,
            "role": role,
            "owner": about.owner,
            "document_id": about.document_id,
            **more,
        }
    )


def sealed(*changes: Change, locked: Iterable[Document] = (ONE, TWO), **more: Any) -> Sealed:
    return Sealed(
        changes, more.get("entries", ()), more.get("payloads", ()), more.get("digests", {}), frozenset(locked)
    )


def write(record: HubStore, *changes: Change, **more: Any) -> None:
    with record.transaction() as tx:
        tx.lock({ONE, TWO})
        tx.write(sealed(*changes, **more))


def accept(about: Submission) -> change.Accept:
    return change.Accept(about, ENTRY)


def deliver(*some: Delivery) -> list[change.Deliver]:
    return [change.Deliver(one, ENTRY) for one in some]


def read(record: HubStore, *questions: Question) -> Facts:
    facts = Facts()
    with record.transaction() as tx:
        tx.read(questions, facts)
    return facts


def rows(record: HubStore, table: sa.Table) -> list[dict[str, Any]]:
    with record.reading() as reader:
        return [dict(row) for row in reader.connection.execute(sa.select(table)).mappings()]


@contextmanager
def counted(record: HubStore) -> Iterator[list[str]]:
    """The statements that are sent within, but those that begin and end transactions."""
    said: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    engine = record.database._writer
    sa.event.listen(engine, "before_cursor_execute", note)
    yield said
    sa.event.remove(engine, "before_cursor_execute", note)
    said[:] = [one for one in said if not one.startswith(("BEGIN", "SELECT pg_is_in_recovery"))]


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


# -- Locking --------------------------------------------------------------------------------------------------


def test_of_a_document_that_nobody_ever_spoke_of_so_much_is_known_by_locking_it(record: HubStore) -> None:
    many = [("G22", f"G22,{n:05}") for n in range(1200)]
    with record.transaction() as tx:
        assert tx.lock(many[::2]).superseded_by == dict.fromkeys(many[::2], "")
    write(record, accept(submitted("a9", TWO)), change.Supersede(TWO, "a9", ENTRY))
    with record.transaction() as tx:
        facts = tx.lock([*many, TWO])
        known, new = many[::2], many[1::2]
        assert set(facts.superseded_by) == {*many, TWO}
        assert facts.superseded_by[TWO] == "a9"
        assert set(facts.recipients) == set(new), "what was there already has to be asked about"
        assert not set(known) & set(facts.own)


def test_two_workers_with_the_same_documents_in_any_order_wait_for_each_other(record: HubStore) -> None:
    if record.database.is_sqlite:
        pytest.skip("one writing connection")
    many = [("G22", f"G22,{n:05}") for n in range(1100)]
    wanted = many[1098]  # locked after most others, so that the order matters
    with record.transaction() as tx:
        tx.lock(many[::3])
    failed: list[BaseException] = []
    inside: list[int] = []
    seen: list[list[int]] = []

    def work(seed: int) -> None:
        order = random.Random(seed)
        try:
            for _ in range(12):
                with record.transaction() as tx:
                    tx.lock([*order.sample(many, 700), wanted])
                    inside.append(seed)
                    seen.append(list(inside))
                    time.sleep(0.002)
                    inside.remove(seed)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(seen) == 4 * 12
    assert all(len(workers) == 1 for workers in seen), "one that all of them want is one's at a time"


def test_a_change_of_a_document_that_is_not_locked_is_refused_before_anything_is_written(record: HubStore) -> None:
    about = submitted("a1")
    one = to(about, "H41")
    kept = change.Keep(digest("x"), b"x")
    for bad in (
        accept(about),
        change.Deliver(one, ENTRY),
        change.Move(one, ENTRY),
        change.Supersede(ONE, "a2", ENTRY),
        change.Forget(ONE, ENTRY),
    ):
        with record.transaction() as tx, pytest.raises(NotLockedError):
            tx.write(sealed(bad, locked=[TWO], payloads=(kept,)))
    assert rows(record, payload) == []
    assert rows(record, tables.submission) == []


# -- Changes --------------------------------------------------------------------------------------------------


def test_what_begins_and_goes_on_in_one_batch_is_written_as_it_is_at_its_end(record: HubStore) -> None:
    about = submitted("a1")
    one = to(about, "H41")
    limit = Limit("handover", LATER, LATER, "running")
    write(
        record,
        accept(about),
        change.Deliver(one, ENTRY),
        change.Ask(one.id, 1, ("u1", "u2"), Demand.RECALL, "a1", Stage.PENDING, NOW, ENTRY),
        change.SetLimit(one.id, limit, ENTRY),
        change.Move(replace(one, state=State.QUEUED, attempts=1), ENTRY),
        change.Answer(one.id, 1, "u1", Stage.DECLINED, LATER, "Đã xử lý", ENTRY),
        change.SetLimit(one.id, replace(limit, next_at="", progress="met", met_at=NOW), ENTRY, is_new=False),
        change.Move(replace(one, state=State.HANDED_OVER, attempts=1, reporters=1), ENTRY),
        change.Answer(one.id, 1, "u1", Stage.DECLINED, LATER, "", ENTRY),
        change.Report(one.id, "u1", "01", NOW, NOW, ENTRY),
        change.Report(one.id, "u1", "03", NOW, LATER, ENTRY),
    )
    facts = read(record, ask.ById(one.id))
    assert facts.deliveries == {one.id: replace(one, state=State.HANDED_OVER, attempts=1, reporters=1)}
    assert facts.limits[one.id] == {"handover": replace(limit, next_at="", progress="met", met_at=NOW)}
    assert facts.business[one.id] == {"u1": "03"}
    asked = {row["unit"]: (row["stage"], row["answered_at"], row["reason"]) for row in rows(record, tables.demand)}
    assert asked == {"u1": ("DECLINED", LATER, "Đã xử lý"), "u2": ("PENDING", "", "")}


def test_what_was_there_is_altered_in_one_step_to_what_it_was_last(record: HubStore) -> None:
    about = submitted("a1")
    one, two = to(about, "H41", tried=True), to(about, "G06")
    limit = Limit("handover", LATER, LATER, "running")
    write(
        record,
        accept(about),
        *deliver(one, two),
        change.Ask(one.id, 1, ("u1", "u2"), Demand.UPDATE, "a1", Stage.OPEN, NOW, ENTRY),
        *(change.SetLimit(each.id, limit, ENTRY) for each in (one, two)),
    )
    after = replace(
        one,
        recipient="H29",
        units=("đơn vị",),
        state=State.QUEUED,
        attempts=2,
        updated_at=LATER,
        proof_digest="@0",
        closed=True,
        consigned_at=NOW,
        consigned_entry="e",
        owes_at=LATER,
    )
    write(
        record,
        change.Move(replace(one, state=State.FAILED), ENTRY),
        change.Move(replace(after, tried=False), ENTRY),
        change.Answer(one.id, 1, "u1", Stage.DECLINED, NOW, "không", ENTRY),
        change.Answer(one.id, 1, "u1", Stage.DECLINED, LATER, "", ENTRY),
        change.SetLimit(one.id, replace(limit, due_at=NOW), ENTRY),
        change.SetLimit(one.id, Limit("answer 1", NOW, NOW, "running"), ENTRY),
        change.SetLimit(two.id, replace(limit, next_at=NOW, progress="warned"), ENTRY, is_new=False),
        change.SetLimit(two.id, replace(limit, next_at="", progress="missed"), ENTRY, is_new=False),
        digests={"@0": digest("A.1 for the successor")},
    )
    facts = read(record, ask.ById(one.id), ask.ById(two.id))
    assert facts.deliveries[one.id] == replace(after, proof_digest=digest("A.1 for the successor")), "tried stays true"
    assert facts.deliveries[two.id] == two
    assert facts.limits[one.id] == {"handover": limit, "answer 1": Limit("answer 1", NOW, NOW, "running")}
    assert facts.limits[two.id] == {"handover": replace(limit, next_at="", progress="missed")}
    asked = {row["unit"]: (row["stage"], row["answered_at"], row["reason"]) for row in rows(record, tables.demand)}
    assert asked == {"u1": ("DECLINED", LATER, "không"), "u2": ("OPEN", "", "")}
    write(record, change.Answer(one.id, 1, "u1", Stage.OVERTAKEN, NOW, "", ENTRY))
    assert [row["reason"] for row in rows(record, tables.demand) if row["unit"] == "u1"] == ["không"], "as it was"


@pytest.mark.parametrize("what", ["key", "delivery", "demand"])
def test_a_key_that_is_taken_undoes_the_whole_batch(record: HubStore, what: str) -> None:
    about = submitted("a1")
    one = to(about, "H41")
    begun = [
        accept(about),
        change.Deliver(one, ENTRY),
        change.Ask(one.id, 1, ("u1",), Demand.UPDATE, "a1", Stage.OPEN, NOW, ENTRY),
    ]
    write(record, *begun)
    again = {
        "key": accept(replace(submitted("a2"), key=about.key)),
        "delivery": change.Deliver(replace(one, id="another"), ENTRY),
        "demand": begun[2],
    }
    kept = change.Keep(digest("x"), b"x")
    with pytest.raises(sa.exc.IntegrityError):
        write(record, accept(submitted("a3", TWO)), again[what], payloads=(kept,), entries=(entry("never"),))
    assert [row["axis_id"] for row in rows(record, tables.submission)] == ["a1"]
    assert rows(record, tables.ledger_entry) == []
    assert rows(record, payload) == []
    write(record, accept(submitted("a3", TWO)))  # and the connection goes on


def entry(event: str, axis_id: str = "") -> Entry:
    return Entry(Clock().now, "HUB", event, axis_id)


def test_entries_are_appended_in_the_order_of_the_decision(record: HubStore) -> None:
    entries = tuple(entry(f"event.{n}", f"a{n}") for n in range(30))
    write(record, entries=entries)
    found = sorted(rows(record, tables.ledger_entry), key=lambda row: row["id"])
    assert [row["canonical"] for row in found] == [one.canonical for one in entries]
    assert [row["digest"] for row in found] == [one.digest for one in entries]
    assert [row["axis_id"] for row in found] == [one.axis_id for one in entries]
    assert read(record, ask.Entries("a7"), ask.Entries("b")).entries == {"a7": (entries[7],), "b": ()}
    with record.transaction() as tx:
        given = ledger.give_places(tx, "one", Clock().now, 100)
        assert given is not None
        assert given[0] == 30
    with record.reading() as reader:
        ledger.check(reader)


def test_a_server_that_goes_away_while_it_takes_rows_is_waited_for_and_nothing_is_kept(
    record: HubStore, database_url: str
) -> None:
    if record.database.is_sqlite:
        pytest.skip("no server")
    other = Database(database_url)
    with pytest.raises(Unavailable), record.transaction() as tx:
        backend = tx.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with other.begin() as connection:
            connection.exec_driver_sql(f"SELECT pg_terminate_backend({backend}, 5000)")
        tx.write(sealed(entries=(entry("never"),)))
    other.close()
    assert rows(record, tables.ledger_entry) == []
    write(record, entries=(entry("later"),))
    assert len(rows(record, tables.ledger_entry)) == 1


def sending(delivery_id: str, body: str = "b", **more: Any) -> change.Send:
    return change.Send(**{
        "code": "H41", "body_digest": body, "proof_digest": "", "delivery_id": delivery_id, "urgent": False,
        "not_before": NOW, "created_at": NOW, "entry": ENTRY, **more,
    })  # fmt: skip


def test_the_outbox_is_filled_postponed_redirected_and_emptied(record: HubStore) -> None:
    about = submitted("a1")
    one, two = to(about, "H41"), to(about, "G06")
    write(
        record,
        accept(about),
        *deliver(one, two),
        sending(one.id, proof_digest="@0", urgent=True),
        sending(two.id, not_before=LATER),
        sending("", "@0"),
        sending("", "r2"),
        digests={"@0": digest("A.1")},
    )
    found = {row["message_id"]: row for row in rows(record, tables.outbox)}
    assert set(found) == {one.id, two.id, digest("A.1"), "r2"}
    assert (found[one.id]["urgent"], found[one.id]["proof_digest"], found[one.id]["attempts"]) == (1, digest("A.1"), 0)
    assert read(record, ask.HeldUntil(ONE), ask.HeldUntil(TWO)).held_until == {ONE: LATER, TWO: ""}
    write(
        record,
        change.Postpone(found[two.id]["id"], 1, "2026-12-01", ENTRY),
        change.Redirect(found[two.id]["id"], "H29", digest("A.1"), ENTRY),
        change.Redirect(found[one.id]["id"], "H30", None, ENTRY),
        change.Done(found["r2"]["id"]),
        change.LeaveOut("none", ENTRY),
    )
    after = {row["message_id"]: row for row in rows(record, tables.outbox)}
    assert set(after) == {one.id, two.id, digest("A.1")}
    assert (after[two.id]["attempts"], after[two.id]["not_before"]) == (1, "2026-12-01")
    assert (after[two.id]["code"], after[two.id]["proof_digest"]) == ("H29", digest("A.1"))
    assert (after[one.id]["code"], after[one.id]["proof_digest"]) == ("H30", digest("A.1"))
    assert read(record, ask.HeldUntil(ONE)).held_until == {ONE: NOW}, "what failed once waits for nobody's wish"


def test_what_is_withdrawn_leaves_the_outbox_also_where_it_came_in_the_same_batch(record: HubStore) -> None:
    write(record, sending("d1"), sending("d2"))
    write(
        record,
        sending("d3"),
        change.LeaveOut("d3", ENTRY),
        sending("d1", "first"),
        change.LeaveOut("d1", ENTRY),
        sending("d1", "again"),
    )
    left = [(row["delivery_id"], row["body_digest"]) for row in rows(record, tables.outbox)]
    assert sorted(left) == [("d1", "again"), ("d2", "b")]


def test_what_another_worker_is_publishing_is_left_to_it(record: HubStore) -> None:
    if record.database.is_sqlite:
        pytest.skip("one working process")
    write(record, sending("d1"), sending("d2"))
    with record.transaction() as other:
        held = sa.select(tables.outbox).where(tables.outbox.c.delivery_id == "d1").with_for_update()
        other.connection.execute(held).all()
        write(record, change.LeaveOut("d1", ENTRY), change.LeaveOut("d2", ENTRY))
    assert [row["delivery_id"] for row in rows(record, tables.outbox)] == ["d1"]


def test_of_a_forgotten_document_the_versions_go_and_what_something_else_names_stays(record: HubStore) -> None:
    new, status = submitted("a1"), submitted("a2", kind="status")
    second = submitted("a4", kind="update")
    shared = submitted("a5", TWO)
    update = replace(submitted("a3", kind="update"), body_digest=shared.body_digest)
    keeps = [change.Keep(one.body_digest, f"parcel of {one.axis_id}".encode()) for one in (new, status, second, shared)]
    write(record, *map(accept, (new, status, update, shared)), payloads=tuple(keeps[:2] + keeps[3:]))
    later = submitted("a6", kind="update")
    write(
        record,
        accept(second),
        change.Forget(ONE, ENTRY),
        accept(later),
        payloads=(keeps[2], change.Keep(later.body_digest, b"parcel of a6")),
    )
    bodies = {row["axis_id"]: row["body_digest"] for row in rows(record, tables.submission)}
    assert bodies == {
        "a1": "",
        "a2": status.body_digest,
        "a3": "",
        "a4": "",
        "a5": shared.body_digest,
        "a6": later.body_digest,
    }
    kept = {row["digest"] for row in rows(record, payload)}
    if not record.database.is_sqlite:
        kept |= {row["digest"] for row in rows(record, volumes.parcel)}
    assert kept == {status.body_digest, shared.body_digest, later.body_digest}


def test_payloads_of_any_size_are_kept_once(record: HubStore) -> None:
    contents = [b"", b"small", b"x" * 100_000, b"y" * 3_000_000]
    keeps = tuple(change.Keep(hashlib.sha256(one).hexdigest(), one) for one in contents)
    write(record, payloads=keeps)
    write(record, payloads=(*keeps, *keeps))
    with record.reading() as reader:
        for one in keeps:
            assert reader.payload(one.digest) == one.content
    assert len(rows(record, payload)) == 4


# -- What it costs --------------------------------------------------------------------------------------------


def a_document(name: str) -> tuple[Document, list[Change], Submission, Delivery]:
    """A document's acceptance, as the changes that it is."""
    document = ("G22", f"G22,{name}")
    about = submitted(name, document)
    one = to(about, "H41", tried=True)
    changes: list[Change] = [
        accept(about),
        change.Say("HUB", "A.1", name, "", about.acceptance_digest, NOW, ENTRY),
        sending("", about.acceptance_digest, code="G22"),
        change.Deliver(one, ENTRY),
        sending(one.id, about.parcel_digest),
        change.SetLimit(one.id, Limit("handover", LATER, LATER, "running"), ENTRY),
    ]
    return document, changes, about, one


def a_receipt(about: Submission, one: Delivery) -> list[Change]:
    """The changes of its E.1."""
    said = digest(f"E.1 of {one.id}")
    return [
        change.Move(replace(one, state=State.HANDED_OVER, attempts=1), ENTRY),
        change.Report(one.id, "u1", "01", NOW, NOW, ENTRY),
        change.SetLimit(one.id, Limit("handover", LATER, "", "met", NOW), ENTRY, is_new=False),
        change.SetLimit(one.id, Limit("reception", LATER, LATER, "running"), ENTRY),
        change.Say("H41", "E.1", about.axis_id, "H41", said, NOW, ENTRY),
        sending("", said, code="G22"),
    ]


def everything_about(about: Submission, one: Delivery) -> list[Question]:
    """Every question there is, about one document."""
    document = about.document
    return [
        ask.ByKey(about.key),
        ask.ByParcel("G22", about.parcel_digest),
        ask.ByContent("G22", about.content_digest),
        ask.ByName(about.axis_id),
        ask.SentAs("G22", about.kind, document[1], about.content_digest),
        ask.OfChange(document, about.kind, about.content_digest),
        ask.RefusedAs("G22", about.content_digest),
        ask.Recipients(document),
        ask.Brought(document, "H41"),
        ask.TakingBack(document),
        ask.Updating(document, "H41"),
        ask.Part(about.axis_id, "H41"),
        ask.ById(one.id),
        ask.Bare(one.id),
        ask.Reported(one.id, "H41"),
        ask.Reports(one.id),
        ask.Demands(one.id),
        ask.AskedBy(about.axis_id),
        ask.AskedOf(about.axis_id, document, "H41"),
        ask.LastDemand(document),
        ask.Lately(document, "update"),
        ask.Newest(document),
        ask.Own(document),
        ask.HeldUntil(document),
        ask.Open(document, 2),
        ask.Receipts(about.axis_id),
        ask.Stated("H41", "E.1", about.axis_id, "H41"),
        ask.Entries(about.axis_id),
        ask.Homes("H41"),
        ask.Quarantined("H41"),
    ]


def test_who_holds_the_lease_enters_with_places_and_others_leave_them_to_it(record: HubStore) -> None:
    def enter(holder: str, *names: str) -> None:
        with record.transaction() as tx:
            tx.write(sealed(entries=[entry(name) for name in names]), ledger.Sequencer(holder, Clock().now, None))

    enter("one", "a")
    assert record.has_unlinked, "nobody has the lease yet"
    with record.transaction() as tx:
        assert ledger.give_places(tx, "one", Clock().now, 10) is not None
    enter("one", "b", "c")
    with record.reading() as reader:
        found = ledger.standing(reader)
        assert (found.is_unlinked, found.end) == (False, record.end)
        assert ledger.check(reader) == (3, found.end.link)
    enter("other", "d")
    enter("one", "e")
    with record.reading() as reader:
        assert ledger.standing(reader).is_unlinked, "what waits for its place comes before what is entered now"
    with record.transaction() as tx:
        ledger.give_places(tx, "one", Clock().now, 10)
    with record.reading() as reader:
        assert ledger.check(reader)[0] == 5


def test_places_of_a_transaction_that_is_undone_are_given_again(record: HubStore) -> None:
    with record.transaction() as tx:
        ledger.enter(tx, entry("a"))
        ledger.give_places(tx, "one", Clock().now, 10)
    by = ledger.Sequencer("one", Clock().now, None)
    with contextlib.suppress(KeyError), record.transaction() as tx:
        tx.write(sealed(entries=[entry("undone")]), by)
        raise KeyError
    assert record.end is None
    with record.transaction() as tx:
        tx.write(sealed(entries=[entry("b")]), by)
    with record.reading() as reader:
        assert ledger.check(reader)[0] == 2
        assert record.end == ledger.standing(reader).end
    with pytest.raises(Corrupted) as caught, record.transaction() as tx:
        tx.write(sealed(entries=[entry("c")]), dataclasses.replace(by, noted=LedgerEnd(7, "seven", 1)))
    assert caught.value.fault is Fault.RECORD_OLD


@pytest.mark.parametrize("values", [[""], ["a", 'b"c', "d\\e", "{f},g", "NULL", "ữ", " "], []])
def test_an_array_of_texts_comes_back_as_it_was(record: HubStore, values: list[str]) -> None:
    if record.database.is_sqlite:
        pytest.skip("it has no arrays")
    with record.reading() as reader:
        found = reader.connection.exec_driver_sql("SELECT unnest(%s::text[])", (array(values),)).scalars().all()
    assert found == values


def test_every_question_there_is_has_its_answer_also_where_nothing_is_there(record: HubStore) -> None:
    about = submitted("a1")
    asked = everything_about(about, to(about, "H41"))
    assert {type(one) for one in asked} == set(typing.get_args(ask.Question))
    facts = read(record, *asked)
    for one in dataclasses.fields(Facts):
        if one.name not in {"submissions", "deliveries", "superseded_by", "single", "begun"}:
            assert getattr(facts, one.name), f"{one.name} has no answer"


def test_a_batch_of_fifty_takes_as_many_statements_as_one_of_two(record: HubStore) -> None:
    taken = []
    for size, name in ((2, "few"), (50, "many")):
        some = [a_document(f"{name}{n}") for n in range(size)]
        documents = [document for document, *_ in some]
        entries = tuple(entry("event", about.axis_id) for _, _, about, _ in some)
        for make in (lambda one: one[1], lambda one: a_receipt(*one[2:])):
            changes = [each for one in some for each in make(one)]
            with counted(record) as said, record.transaction() as tx:
                facts = tx.lock(documents)
                tx.read([each for _, _, about, one in some for each in everything_about(about, one)], facts)
                tx.write(
                    sealed(*changes, locked=documents, entries=entries, payloads=keeps_of(f"{name}{len(taken)}", size))
                )
            taken.append(len(said))
    assert taken[:2] == taken[2:]
    assert max(taken) <= 50


def keeps_of(name: str, size: int) -> tuple[change.Keep, ...]:
    return tuple(change.Keep(digest(f"{name}/{n}"), f"{name}/{n}".encode()) for n in range(size))


def fill(record: HubStore, count: int) -> None:
    """So many documents, each with its receipts and something in every other table."""
    for first in range(0, count, 500):
        some = [a_document(f"d{n}") for n in range(first, first + 500)]
        documents = [document for document, *_ in some]
        changes = [each for one in some for each in (*one[1], *a_receipt(*one[2:]))]
        more = [
            each
            for document, _, about, one in some
            for each in (
                change.Refuse("G22", digest(one.id), document[1], digest("a2"), True, NOW, ENTRY),
                change.Repeat("G22", digest(one.id), about.axis_id, digest("a1"), ENTRY),
                change.PutAside(f"agency {about.axis_id}", "m", "", digest("b"), "X", 1, NOW, ENTRY),
                change.Ask(one.id, 1, ("u1",), Demand.UPDATE, about.axis_id, Stage.OPEN, NOW, ENTRY),
                change.Ask(one.id, 2, ("u1",), Demand.RECALL, about.axis_id, Stage.OPEN, NOW, ENTRY),
            )
        ]
        with record.transaction() as tx:
            tx.lock(documents)
            entries = tuple(entry("event", about.axis_id) for _, _, about, _ in some)
            tx.write(sealed(*changes, *more, locked=documents, entries=entries))
    with record.transaction() as tx:
        home = {"instance": "i", "start": "s", "began": 1, "sequence": 1, "follows": "", "current": True, "told": False}
        homes = [{"agency": f"agency {n}", **home} for n in range(count)]
        tx.connection.execute(sa.insert(tables.adapter_home), homes)
        if not record.database.is_sqlite:
            tx.connection.exec_driver_sql("ANALYZE")


def plans(record: HubStore, statements: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    """How the database would run each of these."""
    word = "EXPLAIN QUERY PLAN" if record.database.is_sqlite else "EXPLAIN"
    found = []
    with record.transaction() as tx:
        if not record.database.is_sqlite:  # a table of this size it would rather look through; a large one, never
            for way in ("seqscan", "hashjoin", "mergejoin", "bitmapscan"):
                tx.connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        for text, values in statements:
            given = values[0] if isinstance(values, list) else values
            lines = tx.connection.exec_driver_sql(f"{word} {text}", given).all()
            found.append((text, "\n".join(str(line[-1]) for line in lines)))
    return found


def test_no_question_and_no_change_looks_through_a_table(record: HubStore) -> None:
    fill(record, 2500)  # 10,000 statements and outbox rows
    some = [a_document(f"d{n}") for n in range(0, 2500, 50)]
    documents = [document for document, *_ in some]
    said: list[tuple[str, Any]] = []

    def note(_conn: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if not statement.startswith(("BEGIN", "SELECT pg_is_in_recovery")):
            said.append((statement, parameters))

    engine = record.database._writer
    sa.event.listen(engine, "before_cursor_execute", note)
    with record.transaction() as tx:
        facts = tx.lock(documents)
        tx.read([each for _, _, about, one in some for each in everything_about(about, one)], facts)
        changes = [each for _, _, about, one in some for each in a_receipt(about, one)]
        more = [
            each
            for document, _, about, one in some
            for each in (
                change.Answer(one.id, 1, "u1", Stage.AGREED, NOW, "", ENTRY),
                change.Supersede(document, "x", ENTRY),
                change.Forget(document, ENTRY),
                change.LeaveOut(one.id, ENTRY),
            )
        ]
        more += [each for n in range(50) for each in (change.Postpone(n, 1, LATER), change.Done(100 + n))]
        more += [change.Redirect(n, "H29", "p", ENTRY) for n in range(50)]
        tx.write(sealed(*changes, *more, locked=documents))
    sa.event.remove(engine, "before_cursor_execute", note)
    assert len(said) > 40
    scan = re.compile(r"\bSCAN (?!k\b|json_each|v\b|latest\b|CONSTANT|\d)|Seq Scan on (?!pg_)")
    said = [
        one for one in said if not one[0].startswith(("DELETE FROM payload", "DELETE FROM parcel"))
    ]  # the outbox is, once
    for text, plan in plans(record, said):
        assert not scan.search(plan), f"{text}\n{plan}"
        assert len(re.findall("Index(?: Only)? Scan (?:Backward )?using", plan)) == plan.count("Index Cond:"), (
            f"{text}\n{plan}"
        )


def test_what_may_end_is_found_without_looking_at_what_has_ended(record: HubStore) -> None:
    fill(record, 2500)
    with record.transaction() as tx:
        some = list(tx.connection.execute(sa.select(tables.submission.c.axis_id).limit(10)).scalars())
        ended = tables.submission.c.axis_id.not_in(some)
        tx.connection.execute(sa.update(tables.submission).where(ended).values(body_digest="", ended_at=LATER))
        if not record.database.is_sqlite:
            tx.connection.exec_driver_sql("ANALYZE submission")
    said: list[tuple[str, Any]] = []

    def note(_conn: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        said.append((statement, parameters))

    with record.reading() as reader:
        engine = reader.connection.engine
        sa.event.listen(engine, "before_cursor_execute", note)
        retention.kept(reader, datetime(2030, 1, 1, tzinfo=UTC), retention.START, 50)
        sa.event.remove(engine, "before_cursor_execute", note)
    ((_, plan),) = plans(record, said[-1:])
    assert "submission_kept" in plan, plan
    assert not re.search(r"\bSCAN |Seq Scan on ", plan), plan


def test_a_documents_history_costs_nobody_who_asks_about_it(record: HubStore) -> None:
    """Counted in steps of SQLite's machine: they are the same on every computer."""
    if not record.database.is_sqlite:
        pytest.skip("counted in SQLite's steps")
    fill(record, 500)
    long = ("G22", "G22,d8")
    history: list[Change] = []
    for n in range(1000):
        status = submitted(f"s{n}", long, "status", sender="H41")
        history += [accept(status), change.Deliver(to(status, "G22", "status"), ENTRY)]
    for n in range(100):
        update = replace(submitted(f"u{n:03}", long, "update", number=n + 1), has_content=True)
        version = to(update, "H41", "update", state=State.HANDED_OVER, tried=True)
        history += [accept(update), change.Deliver(version, ENTRY)]
        history += [change.Ask("d8>H41", n + 3, ("u1",), Demand.UPDATE, update.axis_id, Stage.AGREED, NOW, ENTRY)]
    with record.transaction() as tx:
        tx.lock([long])
        tx.write(sealed(*history, locked=[long]))
    # What asks for all of something gets that.
    all_of_it = (ask.Demands, ask.AskedBy, ask.Updating)
    for few, many in zip(*(everything_about(*a_document(name)[2:]) for name in ("d7", "d8")), strict=True):
        if not isinstance(few, all_of_it):
            assert steps(record, many) <= steps(record, few) * 1.5 + 60, many


def steps(record: HubStore, question: Question) -> int:
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += 1
        return 0

    with record.transaction() as tx:
        tx.read([question], Facts())  # its statements are compiled
        driver = tx.connection.connection.dbapi_connection
        driver.set_progress_handler(step, 1)
        tx.read([question], Facts())
        driver.set_progress_handler(None, 1)
    return taken


# -- Who is due ------------------------------------------------------------------------------------------------------


def test_mail_that_waits_for_its_hour_leaves_the_room_to_what_is_due(record: HubStore) -> None:
    """Its agencies have no share of what is published now: else each round would take one row of whoever has mail."""
    at = datetime(2026, 11, 25, 8, tzinfo=UTC)
    later = to_text(at + timedelta(days=30))
    common = {"urgent": False, "body_digest": "", "proof_digest": "", "delivery_id": "", "attempts": 0}
    held = [{"code": f"H{n:02}", "message_id": f"h{n}", "not_before": later, "created_at": later} for n in range(90)]
    due = [
        {"code": code, "message_id": f"{code}{n}", "not_before": to_text(at), "created_at": to_text(at)}
        for code in ("G22", "G06")
        for n in range(40)
    ]
    with record.database.begin() as connection:
        connection.execute(tables.outbox.insert(), [{**common, **one} for one in (*held, *due)])
    with record.reading() as reader:
        found = outbox.due(reader.connection, at, 50)
        few = outbox.due(reader.connection, at, 50, ["G06"])
    by_code = Counter(one.route.code for one in found)
    assert set(by_code) == {"G22", "G06"}
    assert by_code.total() >= 40
    assert min(by_code.values()) >= 20
    assert [one.row for one in found] == sorted({one.row for one in found})
    assert len(few) == 40


def test_a_long_row_of_one_takes_nothing_from_what_the_others_have_due(record: HubStore) -> None:
    at = datetime(2026, 11, 25, 8, tzinfo=UTC)
    common = {"urgent": False, "body_digest": "", "proof_digest": "", "delivery_id": "", "attempts": 0}
    rows = [("G22", n) for n in range(500)] + [(f"H{n:02}", 0) for n in range(20)]
    moment = to_text(at)
    with record.database.begin() as connection:
        connection.execute(
            tables.outbox.insert(),
            [
                {**common, "code": code, "message_id": f"{code}{n}", "not_before": moment, "created_at": moment}
                for code, n in rows
            ],
        )
    with record.reading() as reader:
        found = Counter(one.route.code for one in outbox.due(reader.connection, at, 50))
    assert all(found[f"H{n:02}"] == 1 for n in range(20))
    assert 25 <= found["G22"] <= 30
