"""What `axis list` shows is what one finds by looking at every row, on SQLite and on PostgreSQL, however it is asked; and
it looks at no more when there is more."""

from __future__ import annotations

from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from axis.core.hub.lifecycle import FINAL, State
from axis.core.instant import from_text, to_text
from axis.core.why import Cause, Known, why
from axis.infra.database import Database
from axis.infra.record import find, tables
from axis.infra.record import listing as windows
from axis.infra.record.listing import Wanted
from axis.infra.record.store import HubStore
from axis.services.questions import listing, trace
from axis.trials import bench_fill

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
CODES = ["G22", "H41", "H29", "G06"]
MEMBERS = [SimpleNamespace(code=code, suspensions=()) for code in CODES]
MEMBERS[3].suspensions = ((NOW - timedelta(days=3), None),)
REGISTRY: Any = SimpleNamespace(agencies=MEMBERS, by_code={one.code: one for one in MEMBERS})


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A hundred documents of a year in every state; some are urgent, some late, one is a circular to three."""
    url = f"sqlite:///{tmp_path_factory.mktemp('listing')}/hub.db"
    with closing(Database(url)) as database:
        database.create(tables.TABLES)
    states = bench_fill.STATES | {"queued": 120, "held": 200, "refused": 60, "failed": 60, "recalled": 60}
    with closing(Database(url)) as database:
        filling = bench_fill.Filling(database, CODES, 11, states=states)
        filling.add({number: NOW - timedelta(days=365) + timedelta(days=365) * (number / 100) for number in range(100)})
        with database.begin() as connection:
            _vary(connection)
    return url


def _vary(connection: Any) -> None:
    s, d, limit = tables.submission, tables.delivery, tables.deadline
    names = connection.execute(sa.select(s.c.axis_id).where(s.c.kind == "new").order_by(s.c.axis_id)).scalars().all()
    for name in names[::7]:
        connection.execute(s.update().where(s.c.axis_id == name).values(priority=2, subject="Họp khẩn về Đà Nẵng"))
    typed = [{"axis_id": name, "name": "T", "version": 1, "shown": "[]"} for name in names[::5]]
    connection.execute(tables.document_type.insert(), typed)
    queued = connection.execute(sa.select(d.c.id).where(d.c.state == "QUEUED").order_by(d.c.id)).scalars().all()
    for name in queued[::3]:
        connection.execute(limit.update().where(limit.c.delivery_id == name).values(progress="missed"))
    unread = sa.select(limit.c.delivery_id).where(limit.c.leg == "reception", limit.c.met_at == "")
    for place, name in enumerate(connection.execute(unread.order_by(limit.c.delivery_id)).scalars().all()):
        one = limit.update().where(limit.c.delivery_id == name, limit.c.leg == "reception")
        connection.execute(one.values(progress="running" if place % 5 else "missed"))
    # A circular: the newest document goes to two more.
    row = dict(connection.execute(sa.select(d).where(d.c.axis_id == names[-1])).mappings().one())
    for number, code in enumerate(sorted(set(CODES) - {row["recipient"]})[:2]):
        one = {**row, "id": f"{row['id'][:-4]}000{number}", "recipient": code, "state": "QUEUED", "units": [code]}
        connection.execute(d.insert().values(one))


@pytest.fixture
def record(filled: str, database_url: str) -> Iterator[HubStore]:
    """The same rows in either database."""
    with closing(Database(filled)) as source, closing(Database(database_url)) as target:
        target.create(tables.TABLES)
        with source.read() as old, target.begin() as new:
            for table in tables.TABLES:
                if table.info.get("only", "sqlite") == "sqlite":
                    rows = [dict(row) for row in old.execute(sa.select(table)).mappings()]
                    if rows:
                        new.execute(table.insert(), rows)
        yield HubStore(target)


def by_hand(record: HubStore) -> list[dict[str, Any]]:
    """Every document with the causes that `axis why` gives for it, the newest first."""
    with record.reading() as reader:
        rows = reader.connection.execute(sa.select(tables.submission)).mappings().all()
    found = []
    for row in rows:
        value = trace.trace(record, row["axis_id"], registry=lambda: REGISTRY, now=NOW)
        standing = {one["recipient"]: one["cause"] for one in value["why"]}
        found.append({**row, "causes": standing, "type": value["document"].get("type", {}).get("name", "")})
    return sorted(found, key=lambda row: row["axis_id"], reverse=True)


def shown(
    record: HubStore, wanted: Wanted, causes: frozenset[Cause] = frozenset(), limit: int = 7
) -> list[tuple[str, dict[str, str]]]:
    """All pages, one after another."""
    rows: list[dict[str, Any]] = []
    after = ""
    while True:
        found = listing.page(record, lambda: REGISTRY, wanted, NOW, causes=causes, after=after, limit=limit)
        assert len(found.rows) <= limit
        rows += found.rows
        if not (after := found.after):
            return [(row["axis_id"], {one["recipient"]: one["cause"] for one in row["recipients"]}) for row in rows]


SINCE, BEFORE = NOW - timedelta(days=200), NOW - timedelta(days=100)
QUESTIONS: list[tuple[dict[str, Any], tuple[Cause, ...]]] = [
    ({}, ()),
    ({"sender": "G22"}, ()),
    ({"recipients": ("H41",)}, ()),
    ({"sender": "G22", "recipients": ("H41",)}, ()),
    ({"since": SINCE, "before": BEFORE}, ()),
    ({"recipients": ("H41",), "since": SINCE, "before": BEFORE}, ()),
    ({"priority": 2}, ()),
    ({"kind": "recall"}, ()),
    ({"kind": "status"}, ()),
    ({"kind": "status", "recipients": ("G22",)}, ()),
    ({"kind": "new", "sender": "H29"}, ()),
    ({"kind": "all"}, ()),
    ({"type": "T"}, ()),
    ({"type": "T", "sender": "G22", "since": SINCE}, ()),
    ({"type": "T", "recipients": ("H41",)}, ()),
    ({"type": "T", "words": "khan"}, (Cause.ARRIVED,)),
    ({"type": "T"}, tuple(listing.GROUPS["trouble"])),
    ({"words": "khan da nang"}, ()),
    ({"words": "khẩn", "since": SINCE, "before": BEFORE}, ()),
    ({"words": "hop", "recipients": ("G06",)}, ()),
    ({"words": "!"}, ()),
    ({}, (Cause.REFUSED,)),
    ({}, (Cause.SUSPENDED, Cause.OVERDUE)),
    ({}, (Cause.UNRECEIVED,)),
    ({}, (Cause.ARRIVED,)),
    ({}, (Cause.HELD,)),
    ({}, tuple(listing.GROUPS["trouble"])),
    ({"sender": "G22"}, tuple(listing.GROUPS["trouble"])),
    ({"recipients": ("G06",)}, (Cause.SUSPENDED,)),
    ({"recipients": ("H41",)}, tuple(listing.GROUPS["trouble"])),
    ({"recipients": ("H41", "H29")}, tuple(listing.GROUPS["good"])),
    ({"words": "khan", "recipients": ("H41",)}, tuple(listing.GROUPS["trouble"])),
    ({"words": "khan"}, (Cause.QUEUED,)),
    ({"kind": "recall"}, (Cause.RECALLED,)),
]


def fits(row: dict[str, Any], wanted: dict[str, Any]) -> bool:
    kinds = {"document": {"new", "replace"}, "all": {"new", "replace", "update", "recall", "status"}}
    kind = wanted.get("kind", "document")
    words = {"khan da nang", "khẩn", "hop", "khan"}
    return (
        row["kind"] in kinds.get(kind, {kind})
        and wanted.get("sender", row["sender"]) == row["sender"]
        and wanted.get("type", row["type"]) == row["type"]
        and row["priority"] >= wanted.get("priority", 0)
        and (wanted.get("since") or NOW - timedelta(days=999)) <= from_text(row["received_at"])
        and from_text(row["received_at"]) < (wanted.get("before") or NOW + timedelta(days=999))
        and ("words" not in wanted or (wanted["words"] in words and "Họp khẩn" in row["subject"]))
    )


def test_every_question_finds_what_one_finds_by_looking_at_every_row(record: HubStore) -> None:
    every = by_hand(record)
    assert len({cause for row in every for cause in row["causes"].values()}) >= 9
    for given, causes in QUESTIONS:
        wanted_of = set(given.get("recipients") or CODES)
        names = {cause.value for cause in causes}
        expected = []
        for row in every:
            left = {
                code: cause
                for code, cause in row["causes"].items()
                if code in wanted_of and (not names or cause in names)
            }
            if fits(row, given) and (left or not (given.get("recipients") or causes)):
                expected.append((row["axis_id"], left))
        found = shown(record, Wanted(**given), frozenset(causes))
        assert sorted(found, key=lambda one: one[0], reverse=True) == expected, (given, causes)
        assert expected or given.get("words") in {"!", "khan"}, (given, causes)


def test_the_newest_come_first_whatever_is_asked(record: HubStore) -> None:
    for given, causes in QUESTIONS:
        names = [name for name, _ in shown(record, Wanted(**given), frozenset(causes))]
        assert all(one > other for one, other in pairwise(names)), given


def test_what_looks_through_more_than_one_page_may_says_so_and_goes_on(
    record: HubStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a single one is late of what was handed over last: a page ends somewhere, and the next one goes on there."""
    of_one, late = Wanted(sender="G22"), frozenset({Cause.UNRECEIVED})
    whole = shown(record, of_one, late)
    monkeypatch.setattr(listing, "LARGEST", 10)
    monkeypatch.setattr(listing, "WINDOWS", 1)
    found = listing.page(record, lambda: REGISTRY, of_one, NOW, causes=late, limit=2)
    assert found.is_short
    assert found.after
    assert shown(record, of_one, late) == whole
    assert shown(record, Wanted(words="khan"), limit=50) == shown(record, Wanted(words="khan"), limit=3)


def test_what_has_come_to_somebody_is_found_by_words_however_long_ago_it_came(
    record: HubStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "LIMIT", 2)
    came = [row["axis_id"] for row in by_hand(record) if fits(row, {"words": "khan"}) and "H29" in row["causes"]]
    with record.reading() as reader:
        found = find.by_words(reader, Wanted(recipients=("H29",), words="khan"))
    assert [row["axis_id"] for row in found] == came[:2]


@contextmanager
def asked() -> Iterator[list[tuple[str, Any]]]:
    found: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, text: str, values: Any, *_: Any) -> None:
        if not text.startswith(("EXPLAIN", "SET", "PRAGMA")):
            found.append((text, values))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def test_a_page_takes_as_many_statements_however_many_documents_are_on_it(record: HubStore) -> None:
    counts = []
    for limit in (1, 30):
        with asked() as statements:
            listing.page(record, lambda: REGISTRY, Wanted(), NOW, limit=limit)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 7


def test_no_question_goes_through_a_whole_table(record: HubStore) -> None:
    """Plans, not times: each table is gone into by an index, and what is sorted is no more than a window."""
    with asked() as statements:
        for given, causes in QUESTIONS:
            listing.page(record, lambda: REGISTRY, Wanted(**given), NOW, causes=causes, limit=5)
    with record.reading() as reader:
        if not record.database.is_sqlite:
            reader.connection.exec_driver_sql("SET enable_seqscan = off")
        how = "EXPLAIN QUERY PLAN " if record.database.is_sqlite else "EXPLAIN "
        for text, values in statements:
            plan = "\n".join(str(row) for row in reader.connection.exec_driver_sql(how + text, values))
            for table in ("submission", "document_type", "delivery", "deadline", "business_status", "demand", "outbox"):
                assert f"Seq Scan on {table} " not in plan, text
            assert "SCAN s" not in plan.replace("SCAN submission_words VIRTUAL", ""), plan
            assert "SCAN t" not in plan, plan
            assert "SCAN d" not in plan, plan
            if "FROM submission x" in text:
                assert "SCAN x" not in plan, plan
                assert "USE TEMP B-TREE FOR ORDER BY" not in plan.partition("CROSS")[0] or "w" in plan


def steps(record: HubStore, wanted: Wanted, causes: tuple[Cause, ...] = ()) -> int:
    """Steps of SQLite's machine for one page."""
    taken = 0

    def count() -> None:
        nonlocal taken
        taken += 1

    with record.database.read() as connection:
        driver = connection.connection.driver_connection
    driver.set_progress_handler(count, 10)
    try:
        listing.page(record, lambda: REGISTRY, wanted, NOW, causes=causes, limit=10)
    finally:
        driver.set_progress_handler(None, 0)
    return taken


def test_a_page_costs_the_same_when_the_record_is_eight_times_as_long(tmp_path: Any) -> None:
    found: list[dict[str, int]] = []
    for count in (200, 1600):
        url = f"sqlite:///{tmp_path / str(count)}.db"
        with closing(Database(url)) as database:
            database.create(tables.TABLES)
            filling = bench_fill.Filling(database, CODES, 3, states={"refused": 150, "recalled": 150})
            filling.add({number: NOW - timedelta(days=30) + timedelta(minutes=number) for number in range(count)})
            store = HubStore(database)
            found.append(
                {
                    "all": steps(store, Wanted()),
                    "sender": steps(store, Wanted(sender="G22")),
                    "recipient": steps(store, Wanted(recipients=("H41",))),
                    "refused": steps(store, Wanted(), (Cause.REFUSED,)),
                    "recalls": steps(store, Wanted(kind="recall")),
                    "words": steps(store, Wanted(words="ho so so")),
                }
            )
    few, many = found
    assert min(few.values()) > 10
    for name, taken in many.items():
        assert taken < few[name] * 4, (name, few, many)


def test_what_was_ever_given_up_is_not_passed_by_to_find_what_is_overdue(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its term stays missed for ever; what is open is little."""
    with closing(Database(database_url)) as database:
        database.create(tables.TABLES)
        filling = bench_fill.Filling(database, CODES, 3, states={"queued": 50, "failed": 950})
        filling.add({number: NOW - timedelta(days=30) + timedelta(minutes=number) for number in range(300)})
        d, limit = tables.delivery.c, tables.deadline
        with database.begin() as connection:
            queued = sa.select(d.id).where(d.state == "QUEUED").order_by(d.id).limit(1).scalar_subquery()
            connection.execute(limit.update().where(limit.c.delivery_id == queued).values(progress="missed"))
        monkeypatch.setattr(listing, "LARGEST", 50)
        found = listing.page(
            HubStore(database), lambda: REGISTRY, Wanted(), NOW, causes={Cause.OVERDUE}, after="", limit=10
        )
    assert (len(found.rows), found.is_short) == (1, False)


def test_a_cause_is_only_where_its_states_are() -> None:
    moment = to_text(NOW)
    terms = {"handover": (moment, "missed"), "reception": (moment, "missed")}
    for state in State:
        for closed in (False, True):
            for waits in ("", to_text(NOW - timedelta(hours=1)), moment, to_text(NOW + timedelta(hours=1))):
                for more in ({}, {"terms": terms}, {"recall": "OPEN"}, {"recall": "AGREED"}, {"business": {"a": "02"}}):
                    for attempts in (0, 9):
                        known = Known("H41", state, moment, closed, attempts, waits, **more)  # type: ignore[arg-type]
                        found = why(known, NOW)
                        assert state in found.cause.states, known
                        assert found.cause.states & FINAL == found.cause.states or state not in FINAL


def test_each_cause_has_its_ways() -> None:
    assert windows.WAYS.keys() == {cause.value for cause in Cause}
