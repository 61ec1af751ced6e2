"""What a batch changes in the record: locked first, written whole or not at all, as it is at the batch's end."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from dataclasses import replace

import pytest
import sqlalchemy as sa

from axis.core.hub import change
from axis.core.hub import dossier as ask
from axis.core.hub.dossier import Limit, Standing
from axis.core.hub.draft import NotLockedError
from axis.core.hub.lifecycle import Demand, Stage, State
from axis.errors import Unavailable
from axis.infra import volumes
from axis.infra.database import Database
from axis.infra.payloads import payload
from axis.infra.record import ledger, outbox, tables
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
    entry,
    read,
    rows,
    sealed,
    sending,
    submitted,
    to,
    write,
)
from tests.line import Clock

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


def test_where_an_object_stands_is_kept_for_each_who_has_begun_one_and_changed_only_while_it_is_locked(
    record: HubStore,
) -> None:
    one, other = (Standing(ONE, code, "1", (code, "H41"), NOW, NOW) for code in ("G22", "H29"))
    write(record, change.Stand(one, ENTRY), change.Stand(other, ENTRY))
    after = replace(one, state="4", parties=("G06", "G22", "H41"), said_at=LATER, changed_at=LATER)
    write(record, change.Stand(replace(one, state="2"), ENTRY), change.Stand(after, ENTRY))
    facts = read(record, ask.Stands(ONE), ask.Stands(TWO))
    assert (set(facts.standing[ONE]), facts.standing[TWO]) == ({after, other}, ())
    with pytest.raises(NotLockedError):
        write(record, change.Stand(one, ENTRY), locked=[TWO])


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


def test_publishing_begins_for_what_nobody_has_withdrawn(record: HubStore) -> None:
    one, two = to(submitted("a1"), "H41"), to(submitted("a1"), "G06", state=State.RECALLED)
    write(record, accept(submitted("a1")), *deliver(one, two))
    for _ in range(2):
        with record.transaction() as tx:
            assert outbox.begin(tx, [one.id, two.id]) == ({one.id}, {two.id})
    assert {row["id"]: bool(row["tried"]) for row in rows(record, tables.delivery)} == {one.id: True, two.id: False}


def test_publishing_what_another_worker_decides_about_waits_for_its_next_turn_and_for_nobody(record: HubStore) -> None:
    if record.database.is_sqlite:
        pytest.skip("one working process")
    some = [submitted("a1"), submitted("a2", TWO)]
    one, two = (to(about, "H41") for about in some)
    write(record, *map(accept, some), *deliver(one, two))
    with record.transaction() as other:
        other.lock({ONE})
        with record.transaction() as tx:
            tx.connection.exec_driver_sql("SET LOCAL lock_timeout = 100")
            assert outbox.begin(tx, [one.id, two.id]) == ({two.id}, set())
        other.write(sealed(change.Move(replace(one, state=State.RECALLED), ENTRY), locked=[ONE]))
    with record.transaction() as tx:
        assert outbox.begin(tx, [one.id]) == (set(), {one.id})
    assert {row["id"]: bool(row["tried"]) for row in rows(record, tables.delivery)} == {one.id: False, two.id: True}


def test_what_is_withdrawn_while_publishing_begins_is_not_published(record: HubStore) -> None:
    """The statement began before, with the delivery as it was; its row is free only when it is withdrawn."""
    if record.database.is_sqlite:
        pytest.skip("one working process")
    about = submitted("a1")
    one = to(about, "H41")
    write(record, accept(about), *deliver(one))
    found: list[object] = []

    def begin() -> None:
        with record.transaction() as tx:
            found.append(outbox.begin(tx, [one.id]))

    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with record.transaction() as other:
        moved = sa.update(tables.delivery).where(tables.delivery.c.id == one.id).values(state="RECALLED")
        other.connection.execute(moved)
        thread = threading.Thread(target=begin)
        thread.start()
        while thread.is_alive() and not other.connection.exec_driver_sql(waits).scalar():
            time.sleep(0.01)
            other.connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
    thread.join()
    assert found == [(set(), {one.id})]


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
