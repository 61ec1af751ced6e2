"""However much is in the record, a question is answered by an index, and a page costs what a page costs: all that the
bench asks of a million documents, asked of a few on SQLite and on PostgreSQL, by plans and steps."""

from __future__ import annotations

import re
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from axis import config
from axis.core.registry import HUB, Member, Registry
from axis.home import Home
from axis.infra.database import Database
from axis.infra.record import ledger, retention, search, tables
from axis.infra.record.store import HubStore
from axis.trials import bench_fill, bench_pages, bench_questions
from axis.web.pages import PAGES
from tests.contract.test_listing import asked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from axis.trials.bench_questions import Question

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
CODES = [f"H{number}" for number in range(10, 24)]
MEMBERS = (Member(HUB, "Trục"), *(Member(code, f"Cơ quan {code}", kind="province") for code in CODES))
REGISTRY = Registry(str(uuid.UUID(int=1)), 1, NOW - timedelta(days=400), MEMBERS)
STATES = {"queued": 30, "held": 30, "refused": 60, "failed": 60, "recalled": 60, "not_accepted": 60}
LARGE = "submission delivery deadline business_status demand statement ledger refusal document payload"
DENSE = "one digit"  # numbers that begin so are as many again
_SCANNED = re.compile(rf"SCAN (?:{'|'.join(LARGE.replace('ledger ', '').split())}|[a-z])\b(?! VIRTUAL)")
# The ledger is gone through from its end, so far as is asked. What is read as a whole: keys that were given, and what an inner statement has found.
_INNER = re.compile(r"(?:CO-ROUTINE|MATERIALIZE) (\w+)")
_WHOLE = re.compile(r"(?:Seq Scan on (?:\w+\.)?|SCAN )(?:delivery|submission|[ds]\b)")
_FOUND = re.compile(r"SCAN [kwgupv]\b|SCAN u\d")


def record_of(url: str, count: int) -> HubStore:
    """Documents of the last year."""
    database = Database(url)
    database.create(tables.TABLES)
    filling = bench_fill.Filling(database, CODES, 3, states=STATES)
    filling.add({number: NOW - timedelta(days=360) + timedelta(days=360) * (number / count) for number in range(count)})
    filling.circular(count, NOW)
    return HubStore(database)


def questions(store: HubStore, path: Path) -> Iterator[Question]:
    home = Home(path, config.Config(config.Installation("large")))
    return bench_questions.questions(home, store, REGISTRY, NOW)


def test_every_page_of_the_hubs_desk_is_asked_for() -> None:
    known = dict.fromkeys(("axis_id", "code", "sender", "recipient", "word", "circular"), "x")
    asked_for = {path.partition(".")[0] for path, _ in bench_pages.addresses(known, "x").values()}
    assert asked_for == {path for path, (_, _, needed) in PAGES.items() if needed != "inbox"}


def test_no_question_goes_through_a_whole_table(database_url: str, tmp_path: Path) -> None:
    store = record_of(database_url, 300)
    with closing(store.database):
        plans: dict[str, str] = {}
        for one in questions(store, tmp_path):
            if one.kind == "year":
                continue  # a year is the whole
            with asked() as statements:
                one.ask()
            with store.reading() as reader:
                if not store.database.is_sqlite:
                    reader.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
                how = "EXPLAIN QUERY PLAN " if store.database.is_sqlite else "EXPLAIN "
                for text, values in statements:
                    if text not in plans:
                        rows = reader.connection.exec_driver_sql(how + text, values)
                        plans[text] = f"{one.kind}: {one.name}\n" + "\n".join(str(row) for row in rows)
        assert len(plans) > 40
        for text, plan in plans.items():
            for table in LARGE.split():
                assert f"Seq Scan on {table} " not in plan, (plan, text)
            found = {f"SCAN {name}" for name in _INNER.findall(plan)}
            assert not [one for one in _SCANNED.findall(plan) if not _FOUND.search(one) and one not in found], plan


def analyzed(url: str) -> HubStore:
    """Two thousand documents, of which PostgreSQL knows how many there are."""
    store = record_of(url, 2000)
    if not store.database.is_sqlite:
        with store.database.begin() as connection:
            connection.exec_driver_sql("ANALYZE")
    return store


def test_each_slice_of_a_run_of_retention_looks_up_what_it_ends_and_reads_no_table(database_url: str) -> None:
    store = analyzed(database_url)
    with closing(store.database):
        with asked() as statements, store.reading() as reader:
            found = retention.kept(reader, NOW, retention.START, 500)
        assert len(found) == 500
        text, values = next(one for one in statements if "FROM submission s" in one[0])
        with store.reading() as reader:
            how = "EXPLAIN QUERY PLAN " if store.database.is_sqlite else "EXPLAIN VERBOSE "
            plan = "\n".join(str(row) for row in reader.connection.exec_driver_sql(how + text, values))
        assert "hashed SubPlan" not in plan
        assert not _WHOLE.findall(plan), plan


def test_what_a_home_that_was_put_back_is_given_again_is_looked_up(database_url: str) -> None:
    store = analyzed(database_url)
    with closing(store.database):
        since = NOW - timedelta(days=2)
        with store.reading() as reader:
            entry = ledger.first_since(reader, since)
            with asked() as statements:
                found = search.receipts_for(reader, "H12", since, entry, "", 500)
            assert 0 < len(found) < 50
            if not store.database.is_sqlite:
                reader.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            how = "EXPLAIN QUERY PLAN " if store.database.is_sqlite else "EXPLAIN "
            ((text, values),) = statements
            plan = "\n".join(str(row) for row in reader.connection.exec_driver_sql(how + text, values))
        for table in ("submission", "statement", "ledger", "refusal"):
            assert f"SCAN {table}" not in plan, plan
            assert f"Seq Scan on {table}" not in plan, plan


def steps(store: HubStore, question: Question) -> int:
    """Steps of SQLite's machine."""
    taken = 0

    def count() -> None:
        nonlocal taken
        taken += 1

    with store.database.read() as connection:
        driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(count, 10)
    try:
        question.ask()
    finally:
        driver.set_progress_handler(None, 0)
    return taken


def test_a_reference_is_found_in_as_many_steps_when_the_record_is_eight_times_as_long(tmp_path: Path) -> None:
    found: list[dict[str, int]] = []
    for count in (250, 2000):
        store = record_of(f"sqlite:///{tmp_path / str(count)}.db", count)
        with closing(store.database):
            each = takewhile(lambda one: one.kind in {"trace", "circular", "words"}, questions(store, tmp_path))
            found.append({one.name: steps(store, one) for one in each if one.name != DENSE})
    few, many = found
    assert {name: taken for name, taken in many.items() if taken > 2 * few[name] + 300} == {}
