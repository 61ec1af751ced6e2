"""The hub's record keeps its promises on SQLite and on PostgreSQL: the whole line through a store on each."""

from __future__ import annotations

import random
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from axis import bootstrap
from axis.core.ledger import Entry
from axis.errors import Corrupted, Misconfigured, Unavailable
from axis.infra import payloads
from axis.infra.database import Database, insert_or_ignore, upsert
from axis.infra.embedded import EmbeddedBroker
from axis.infra.record import attempts, lease, ledger, outbox, registries, tables
from axis.infra.record.store import HubReader, HubStore, HubTransaction
from axis.services.questions import trace
from tests.line import Clock, Line, document, rest, small_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    opened.create(tables.TABLES)
    yield opened
    opened.close()


@contextmanager
def hub_on(line: Line, database: Database) -> Iterator[HubStore]:
    """The line with its hub's record in `database`, run to rest."""
    with line.parts() as (embedded_hub, agencies):
        with embedded_hub.store.reading() as reader:
            registry = reader.payload(registries.newest(reader))
        record = HubStore(database)
        now = line.clock()
        with record.transaction() as tx:
            registries.keep(tx, 1, registry, now, (), Entry(now, "HUB", "registry.issued"))
        broker = EmbeddedBroker(embedded_hub.store.database, None)
        hub = bootstrap.hub_part(bootstrap.open_home(line.path), database, broker)
        rest(hub, agencies, line.clock)
        yield record
        broker.close()


def test_the_line_gives_the_same_record_on_either_store(database: Database, tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1, to=("H41", "G06")))
    line.drop("G22", document(2, to=("H63",)), "refused.edxml")
    with hub_on(line, database) as record:
        assert trace.summary(record) == {"documents": 1, "deliveries": 2, "handed_over": 2, "receipts": 5, "open": 0}
        found = trace.trace(record, "1/TN-G22")
        assert {d["recipient"]: (d["state"], d["business_status"], d["attempts"]) for d in found["deliveries"]} == {
            "H41": ("HANDED_OVER", "01", 1),
            "G06": ("HANDED_OVER", "01", 1),
        }
        with record.reading() as reader:
            linked, _ = ledger.check(reader)
            total = reader.connection.execute(sa.select(sa.func.count()).select_from(tables.ledger_entry)).scalar_one()
        assert linked == total
    assert line.events("G22").count("A.1") == 1
    assert len(line.files("G22", "failed")) == 2


def test_of_two_workers_that_take_one_key_at_once_one_gets_it_and_the_other_is_told(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("one writing connection, nobody to wait for")
    row = {"queue": "q", "message_id": "m", "count": 1}
    told: list[bool] = []

    def second() -> None:
        with database.begin() as connection:
            told.append(insert_or_ignore(connection, tables.attempt, row))

    with database.begin() as connection:
        assert insert_or_ignore(connection, tables.attempt, row)
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.5)
        assert told == [], "it waits for the first one's end"
    thread.join()
    assert told == [False]


def test_a_unique_key_decides_who_came_first(database: Database) -> None:
    columns = sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text)
    scratch = sa.Table("scratch", sa.MetaData(), *columns)
    with database.begin() as connection:
        scratch.create(connection)
        assert insert_or_ignore(connection, scratch, {"name": "k", "value": "first"})
        assert not insert_or_ignore(connection, scratch, {"name": "k", "value": "second"})
        assert connection.execute(sa.select(scratch.c.value).where(scratch.c.name == "k")).scalar_one() == "first"
        upsert(connection, scratch, {"name": "k", "value": "third"}, ("name",))
        assert connection.execute(sa.select(scratch.c.value).where(scratch.c.name == "k")).scalar_one() == "third"


def test_what_a_block_changed_is_gone_when_it_raises(database: Database) -> None:
    record, now = HubStore(database), Clock().now
    with pytest.raises(RuntimeError), record.transaction() as tx:
        ledger.enter(tx, Entry(now, "HUB", "one"))
        raise RuntimeError
    with record.transaction() as tx:
        ledger.enter(tx, Entry(now, "HUB", "two"))
    with record.reading() as reader:
        found = reader.connection.execute(sa.select(tables.ledger_entry.c.canonical)).scalars().all()
    assert [("two" in text) for text in found] == [True]


def given(tx: HubTransaction, worker: str, now: datetime, limit: int) -> int:
    """How many places this worker has given."""
    found = ledger.give_places(tx, worker, now, limit)
    return found[0] if found is not None else 0


def test_the_first_entry_of_a_moment_or_later_is_found_by_halving(database: Database) -> None:
    start = Clock().now
    with HubStore(database).transaction() as tx:
        for minute in (0, 1, 1, 2, 5):
            ledger.enter(tx, Entry(start + timedelta(minutes=minute), "HUB", "one"))
    with HubStore(database).reading() as reader:
        ids = reader.connection.execute(sa.select(tables.ledger_entry.c.id).order_by("id")).scalars().all()
        found = [ledger.first_since(reader, start + timedelta(minutes=minute)) for minute in (-1, 0, 1, 3, 5, 6)]
    assert found == [ids[0], ids[0], ids[1], ids[4], ids[4], ids[4] + 1]


def test_the_ledger_links_every_entry_and_sees_any_change(database: Database) -> None:
    record, now = HubStore(database), Clock().now
    with record.transaction() as tx:
        for number in range(25):
            ledger.enter(tx, Entry(now, "HUB", f"event.{number}", str(number)))
    with record.transaction() as tx:
        assert [given(tx, "one", now, limit) for limit in (10, 100, 100)] == [10, 15, 0]
    with record.reading() as reader:
        assert ledger.check(reader)[0] == 25
    table = tables.ledger_entry
    changes = [
        sa.update(table)
        .where(table.c.position == 7)
        .values(canonical=sa.func.replace(table.c.canonical, "event.6", "event.x")),
        sa.update(table).where(table.c.position == 7).values(axis_id="other"),
        sa.update(table).where(table.c.position == 7).values(link="0" * 64),
        sa.delete(table).where(table.c.position == 7),
        sa.update(table).where(table.c.position == 25).values(position=99),
    ]
    for change in changes:
        with pytest.raises(RuntimeError), database.begin() as connection:
            connection.execute(change)
            with pytest.raises(Corrupted):
                ledger.check(HubReader(connection))
            raise RuntimeError  # undo


def test_a_duty_is_held_by_one_worker_and_each_change_of_holder_has_a_higher_token(database: Database) -> None:
    record, now = HubStore(database), Clock().now
    with record.transaction() as tx:
        assert lease.hold(tx, "sequence", "one", now) == 1
        assert lease.hold(tx, "sequence", "one", now + lease.LEASE / 2) == 1
    with record.transaction() as tx:
        assert lease.hold(tx, "sequence", "two", now + lease.LEASE) is None, "renewed, so not yet free"
        assert lease.hold(tx, "sequence", "two", now + lease.LEASE * 2) == 2
        assert lease.hold(tx, "sequence", "one", now + lease.LEASE * 2) is None, (
            "it comes back and is no longer the holder"
        )
        ledger.enter(tx, Entry(now, "HUB", "one"))
    with record.transaction() as tx:
        assert given(tx, "one", now + lease.LEASE * 2, 10) == 0
        assert given(tx, "two", now + lease.LEASE * 2, 10) == 1


def send(record: HubStore, code: str, count: int, now: datetime, *, urgent: bool = False) -> None:
    with record.transaction() as tx:
        body = payloads.put(tx.connection, b"body")
        outbox.put(tx, [(code, body)] * count, now, urgent=urgent)


def test_a_long_row_for_one_agency_keeps_nobody_else_waiting(database: Database) -> None:
    record, now = HubStore(database), Clock().now
    send(record, "H41", 500, now)
    send(record, "G22", 1, now)
    send(record, "G06", 3, now)
    send(record, "G06", 1, now, urgent=True)
    with record.claim(now, 100) as claim:
        taken = [one.route.code for one in claim.due]
        assert (taken.count("G22"), taken.count("G06"), taken.count("H41")) == (
            1,
            4,
            95,
        )  # what the others leave of the room
        assert next(one for one in claim.due if one.route.code == "G06").route.urgent
    with record.claim(now, 100, ["H41"]) as claim:
        assert {one.route.code for one in claim.due} == {"G22", "G06"}
    with record.claim(now - timedelta(seconds=1), 100) as claim:
        assert claim.due == []


def test_urgent_ones_go_first_and_leave_a_quarter_to_the_others(database: Database) -> None:
    record = HubStore(database)
    now = Clock().now
    with record.transaction() as tx:
        body = payloads.put(tx.connection, b"body")
        for urgent in (False, True):
            outbox.put(tx, [("H41", body)] * 100, now, urgent=urgent)
    with record.claim(now, 40) as claim:
        lanes = [one.route.urgent for one in claim.due]
    assert lanes == [True] * 30 + [False] * 10


def test_what_is_due_is_found_through_the_index_and_not_by_sorting_what_is_parked(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("the same index; a small table's plan says nothing on PostgreSQL")
    record = HubStore(database)
    now = Clock().now
    asked: list[tuple[str, object]] = []
    with record.transaction() as tx:
        outbox.put(tx, [("H41", payloads.put(tx.connection, b"body"))], now)
    with record.reading() as reader:
        sa.event.listen(reader.connection, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
        assert len(outbox.due(reader.connection, now, 10)) == 1
        plans = [
            (int(step[1]), str(step[3]))
            for statement, values in list(asked)
            for step in reader.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
    steps = [step for _, step in plans]
    assert any("outbox_lane" in step for step in steps)
    assert not [step for step in steps if step.startswith(("SCAN outbox", "SCAN t", "SCAN x"))], steps
    assert not [step for parent, step in plans if parent and "TEMP B-TREE" in step], "only what was found is sorted"


def test_what_one_worker_has_claimed_another_passes_over(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("one working process, nothing to share out")
    record, now = HubStore(database), Clock().now
    send(record, "H41", 10, now)
    with record.claim(now, 6) as mine, record.claim(now, 100) as yours:
        assert len(mine.due) == 6
        assert len(yours.due) == 4
        assert not {one.row for one in mine.due} & {one.row for one in yours.due}
        with mine.recording() as tx:
            tx.connection.execute(tables.outbox.delete().where(tables.outbox.c.id == mine.due[0].row))
    with record.claim(now, 100) as rest_of_them:
        assert len(rest_of_them.due) == 9


def test_two_workers_with_the_same_documents_in_any_order_wait_for_each_other(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("one writing connection, nobody to wait for")
    record = HubStore(database)
    inside: list[str] = []
    seen: list[list[str]] = []
    ready = threading.Barrier(2, timeout=30)

    def work(name: str, order: int) -> None:
        for turn in range(20):
            keys = [("G22", f"G22,2026/11/23,{turn // 2}-{number}/TN") for number in range(30)][::order]
            ready.wait()
            with record.transaction() as tx:
                tx.lock(keys)
                inside.append(name)
                seen.append(list(inside))
                time.sleep(0.005)
                inside.remove(name)

    threads = [threading.Thread(target=work, args=arguments) for arguments in (("one", 1), ("two", -1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 40, "one of them ran into a deadlock"
    assert all(len(names) == 1 for names in seen)


def test_a_payload_is_kept_once_and_an_altered_one_is_never_served(database: Database) -> None:
    with database.begin() as connection:
        digest = payloads.put(connection, b"content")
        assert payloads.put(connection, b"content") == digest
        assert payloads.get(connection, digest) == b"content"
        count = sa.select(sa.func.count()).select_from(payloads.payload)
        assert connection.execute(count).scalar_one() == 1
        assert payloads.sweep(connection, tables.PAYLOAD_REFERENCES) == 1
        digest = payloads.put(connection, b"content")
        connection.execute(sa.update(payloads.payload).values(content=b"altered"))
        with pytest.raises(Corrupted):
            payloads.get(connection, digest)
        with pytest.raises(Corrupted):
            payloads.get(connection, "0" * 64)


def test_an_attempt_that_nobody_ends_is_seen_and_one_that_failed_is_counted(database: Database) -> None:
    record = HubStore(database)
    with record.transaction() as tx:
        attempts.begin(tx, "q", "m")
        assert attempts.known(tx, ["m", "other"]) == {("q", "m"): (0, True)}
        attempts.end(tx, "q", "m", failed=False)
        assert attempts.known(tx, ["m"]) == {("q", "m"): (0, False)}
        for _ in range(2):
            attempts.begin(tx, "q", "m")
            attempts.end(tx, "q", "m", failed=True)
        attempts.begin(tx, "r", "m")
        assert attempts.known(tx, ["m"]) == {("q", "m"): (2, False), ("r", "m"): (0, True)}
        attempts.forget(tx, "q", "m")
        assert attempts.known(tx, ["m"]) == {("r", "m"): (0, True)}


def test_a_store_of_another_version_is_refused_and_left_alone(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Misconfigured) as caught:
        database.create(tables.TABLES)
    assert caught.value.fault.code == "SCHEMA_VERSION"


def test_a_database_that_is_away_is_unavailable_not_a_stack_trace(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}", "postgresql://axis@127.0.0.1:1/axis"):
        away = Database(url)
        with pytest.raises(Unavailable), away.begin():
            pass
        with pytest.raises(Unavailable), away.read() as connection:
            connection.execute(sa.text("SELECT 1"))


@pytest.mark.parametrize("size", [payloads.LARGE - 1, payloads.LARGE, payloads.LARGE + 1, 3 * payloads.LARGE + 7])
def test_a_payload_comes_back_whole_whatever_its_size(database: Database, size: int) -> None:
    content = random.Random(size).randbytes(size)
    digest = payloads.digest_of(content)
    with database.begin() as connection:
        payloads.put_all(connection, [(digest, content), (payloads.digest_of(b"small"), b"small")])
        assert payloads.put(connection, content) == digest
    with database.read() as connection:
        assert payloads.get(connection, digest) == content
        assert payloads.get_sound(connection, [digest, "0" * 64]) == {digest: content}


def test_two_workers_that_store_the_same_large_payload_at_once_both_have_it(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("one process writes there")
    content = random.Random(2).randbytes(2 * payloads.LARGE)

    def store(_: int) -> str:
        with database.begin() as connection:
            return payloads.put(connection, content)

    with ThreadPoolExecutor(4) as workers:
        assert set(workers.map(store, range(4))) == {payloads.digest_of(content)}
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(payloads.payload)).scalar() == 1


def test_a_sweep_asks_for_each_payload_once_however_many_there_are(database: Database) -> None:
    """It keeps what any column names, and its work grows as what there is, not as its square."""
    record, now = HubStore(database), Clock().now
    with record.transaction() as tx:
        kept = payloads.put(tx.connection, b"kept")
        outbox.put(tx, [("H41", kept)], now)
        rows = [{"digest": f"{n:064x}", "content": b""} for n in range(20_000)]
        tx.connection.execute(payloads.payload.insert(), rows)
        tx.connection.execute(
            tables.attempt.insert(), [{"queue": "q", "message_id": str(n), "count": 1} for n in range(20_000)]
        )
    steps: list[int] = []
    with database.begin() as connection:
        raw = connection.connection.dbapi_connection
        if database.is_sqlite:
            raw.set_progress_handler(lambda: steps.append(1) or 0, 100_000)  # type: ignore[union-attr]
        dropped = payloads.sweep(connection, tables.PAYLOAD_REFERENCES)
        if database.is_sqlite:
            raw.set_progress_handler(None, 0)  # type: ignore[union-attr]
        assert dropped == 20_000
        assert payloads.get(connection, kept) == b"kept"
    assert len(steps) < 200


def test_a_value_over_the_servers_limits_is_the_values_fault_and_not_an_outage(database: Database) -> None:
    """An outage stops a hub until it is over; one message with such a value must only be put aside."""
    row = {"queue": secrets.token_hex(20_000), "message_id": "x", "count": 1}  # too long for an index of PostgreSQL
    if database.is_sqlite:
        with database.begin() as connection:
            connection.execute(tables.attempt.insert(), row)
        return
    with pytest.raises(sa.exc.OperationalError), database.begin() as connection:
        connection.execute(tables.attempt.insert(), row)
    with database.begin() as connection:
        connection.execute(tables.attempt.insert(), {**row, "queue": "q"})


# SQLSTATE of what has nothing to do with a message, and of what has.
# fmt: off
WORLD = (
    "08006", "08P01", "25006", "25P02", "25P03", "26000", "28000", "28P01", "2D000", "40001",
    "40P01", "42501", "42601", "42703", "42P01", "42P05", "53100", "53200", "53300", "55000",
    "55P03", "57014", "57P01", "57P03", "58000", "58030", "58P01", "P0001", "XX000", "XX001",
)
# fmt: on
VALUES = ("22000", "22001", "22021", "22P02", "23502", "23505", "23514", "54000", "54001")


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_of_what_a_server_says_only_a_values_fault_is_not_its_own_trouble(database: Database) -> None:
    def says(state: str) -> None:
        with database.begin() as connection:
            connection.exec_driver_sql(f"DO $$BEGIN RAISE EXCEPTION 'so' USING ERRCODE = '{state}'; END$$")

    for state in WORLD:
        with pytest.raises(Unavailable):
            says(state)
    for state in VALUES:
        with pytest.raises(sa.exc.DBAPIError):
            says(state)
    with pytest.raises(sa.exc.DataError), database.begin() as connection:  # what the driver refuses by itself
        connection.execute(tables.attempt.insert(), {"queue": "q\0", "message_id": "x", "count": 1})
    with pytest.raises(Unavailable), database.begin() as connection:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        connection.execute(tables.attempt.insert(), {"queue": "q", "message_id": "x", "count": 1})
    with pytest.raises(Unavailable), database.begin() as connection:
        connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
    with database.begin() as connection:
        connection.execute(tables.attempt.insert(), {"queue": "q", "message_id": "x", "count": 1})


def test_a_file_that_cannot_be_written_is_an_outage_and_a_broken_rule_is_not(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'axis.db'}")
    database.create(tables.TABLES)
    row = {"queue": "q", "message_id": "x", "count": 1}
    with pytest.raises(Unavailable), database.begin() as connection:  # its disk is full
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.execute(tables.attempt.insert(), {**row, "queue": "q" * 1_000_000})
    read_only = Database(f"sqlite:///file:{tmp_path / 'axis.db'}?mode=ro&uri=true")
    with pytest.raises(Unavailable), read_only.begin() as connection:
        connection.execute(tables.attempt.insert(), row)
    read_only.close()
    with pytest.raises(sa.exc.IntegrityError), database.begin() as connection:
        connection.execute(tables.attempt.insert(), [row, row])
    with pytest.raises(sa.exc.DataError), database.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO attempt (queue, message_id, count) VALUES ('q', zeroblob(2000000000), 1)"
        )
    database.close()


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_no_entry_goes_missing_where_a_restored_server_counts_from_the_beginning(database: Database) -> None:
    record, now = HubStore(database), Clock().now

    def enter(event: str) -> None:
        with record.transaction() as tx:
            ledger.enter(tx, Entry(now, "HUB", event))

    enter("before")
    with database.begin() as connection:
        connection.exec_driver_sql("SELECT setval(pg_get_serial_sequence('ledger', 'id'), 1, false)")
    with pytest.raises(sa.exc.IntegrityError):
        enter("lost")
    enter("after")
    with record.reading() as reader:
        assert [entry.event for _, entry in ledger.entries(reader, [""])] == ["before", "after"]


def test_where_nothing_is_new_the_ledger_is_asked_once_and_new_entries_cost_the_same_however_many(
    database: Database,
) -> None:
    record, now = HubStore(database), Clock().now
    asked: list[str] = []

    def statements_for(count: int) -> int:
        with record.transaction() as tx:
            for number in range(count):
                ledger.enter(tx, Entry(now, "HUB", f"event.{count}", str(number)))
        with record.transaction() as tx:
            sa.event.listen(tx.connection, "before_cursor_execute", lambda *told: asked.append(told[2]))
            asked.clear()
            assert given(tx, "one", now, 1000) == count
            return len(asked)

    statements_for(1)  # nobody ever held the lease before
    one, many = statements_for(1), statements_for(500)
    assert one == many <= 4
    with record.reading() as reader:
        sa.event.listen(reader.connection, "before_cursor_execute", lambda *told: asked.append(told[2]))
        asked.clear()
        found = ledger.checked(reader, ledger.standing(reader).end)
        assert (found.is_unlinked, found.end.position) == (False, 502)
        assert len([one for one in asked if one.startswith("SELECT")]) == 2, "once to know, once to compare"
        assert ledger.check(reader)[0] == 502


def test_a_restored_database_learns_at_a_hubs_start_how_large_its_tables_are(database: Database) -> None:
    """pg_restore brings rows and no statistics; a crash of the server forgets how many there came."""
    if database.is_sqlite:
        assert database.gather_statistics() == []
        return
    with database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE payload SET (autovacuum_enabled = false)")
        payloads.put_all(connection, [(f"{n:064}", b"%d " % n * 40) for n in range(4000)], set())
    assert database.gather_statistics() == ["payload"]
    assert database.gather_statistics() == [], "once"
    with database.read() as connection:
        known = connection.exec_driver_sql("SELECT count(*) FROM pg_stats WHERE tablename = 'payload'").scalar()
    assert known
