"""What the record's questions and changes cost, and who is due: no table is looked through, no history costs those who ask."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import typing
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from axis.core.hub import change
from axis.core.hub import dossier as ask
from axis.core.hub.dossier import Delivery, Facts, Limit, Standing, Submission
from axis.core.hub.lifecycle import Demand, Stage, State
from axis.core.instant import to_text
from axis.errors import Corrupted, Fault
from axis.infra.record import ledger, outbox, retention, tables
from axis.infra.record.high_water import LedgerEnd
from axis.infra.record.query import array
from axis.infra.record.store import HubStore
from tests.contract.records import (
    ENTRY,
    LATER,
    NOW,
    accept,
    counted,
    digest,
    entry,
    read,
    sealed,
    sending,
    submitted,
    to,
)
from tests.line import Clock

if TYPE_CHECKING:
    from axis.core.hub.change import Change
    from axis.core.hub.dossier import Document, Question


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
        ask.Stands(document),
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
        tx.write(sealed(entries=[entry("c")]), by._replace(noted=LedgerEnd(7, "seven", 1)))
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
                change.Stand(Standing(document, "G22", "2", ("G22", "H41"), NOW, NOW), ENTRY),
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
                change.Stand(Standing(document, "G22", "4", ("G22", "H41"), LATER, LATER), ENTRY),
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
