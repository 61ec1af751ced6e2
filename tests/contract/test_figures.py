"""What a report counts is what one finds by looking at every row, on SQLite and on PostgreSQL, in four statements."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args

import pytest
import sqlalchemy as sa

from axis.core.figures import Figures, Outcome, coarse
from axis.core.instant import VIETNAM, from_text
from axis.infra.database import Database
from axis.infra.record import figures, tables
from axis.infra.record.store import HubStore
from axis.trials import bench_fill

if TYPE_CHECKING:
    from collections.abc import Iterator

END = datetime(2026, 11, 23, 3, tzinfo=UTC)
SINCE, BEFORE = END - timedelta(days=200, hours=5), END - timedelta(days=20)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A SQLite record with documents in every state, over a year."""
    url = f"sqlite:///{tmp_path_factory.mktemp('figures')}/hub.db"
    with closing(Database(url)) as database:
        database.create(tables.TABLES)
    bench_fill.fill(url, 300, ["G22", "H41", "H29", "G06"], 7, END)
    with closing(Database(url)) as database, database.begin() as connection:
        at = sa.select(sa.func.min(tables.delivery.c.id)).where(tables.delivery.c.state == "QUEUED")
        several = tables.delivery.update().where(tables.delivery.c.id == at.scalar_subquery())
        connection.execute(several.values(units=["H41.01", "H41.02"]))
        names = connection.execute(
            sa.select(tables.submission.c.axis_id).order_by(tables.submission.c.axis_id)
        ).scalars()
        typed = [{"axis_id": name, "name": "T", "version": 1, "shown": "[]"} for name in names.all()[::3]]
        connection.execute(tables.document_type.insert(), typed)
    return url


@pytest.fixture
def record(filled: str, database_url: str) -> Iterator[HubStore]:
    """The same rows in either database."""
    with closing(Database(filled)) as source, closing(Database(database_url)) as target:
        target.create(tables.TABLES)
        with source.read() as old, target.begin() as new:
            for table in tables.TABLES:
                if table.info.get("only", "sqlite") != "sqlite":
                    continue
                rows = [dict(row) for row in old.execute(sa.select(table)).mappings()]
                if rows:
                    new.execute(table.insert(), rows)
        yield HubStore(target)


def rows_of(record: HubStore, table: sa.Table) -> list[Any]:
    with record.reading() as reader:
        return list(reader.connection.execute(sa.select(table)).mappings())


def by_hand(record: HubStore, by: str) -> dict[str, Figures]:
    """The same figures by looking at every row."""
    found: defaultdict[str, Figures] = defaultdict(Figures)
    submissions = {one["axis_id"]: one for one in rows_of(record, tables.submission)}
    types = {one["axis_id"]: one["name"] for one in rows_of(record, tables.document_type)}
    limits = {(one["delivery_id"], one["leg"]): one for one in rows_of(record, tables.deadline)}

    def day(text: str) -> str:
        return from_text(text).astimezone(VIETNAM).date().isoformat()

    def keys(about: Any, agency: str, units: list[str]) -> list[str]:
        at = day(about["received_at"])
        whole = {
            "kind": about["kind"],
            "priority": str(about["priority"]),
            "day": at,
            "month": at[:7],
            "type": types.get(about["axis_id"], ""),
            "agency": agency,
        }
        return units if by == "unit" else [whole[by]]

    def is_within(about: Any) -> bool:
        return SINCE <= from_text(about["received_at"]) < BEFORE

    for one in submissions.values():
        if is_within(one):
            for key in keys(one, one["sender"], [one["organ_id"]]):
                found[key].sent[one["kind"]] += 1
    for row in rows_of(record, tables.delivery):
        about = submissions[row["axis_id"]]
        if row["role"] != "document" or not is_within(about):
            continue
        handover = limits.get((row["id"], "handover"))
        for key in keys(about, row["recipient"], row["units"]):
            figure = found[key]
            figure.received[outcome(row, handover)] += 1
            for name in ("reception", "processing"):
                if (limit := limits.get((row["id"], name))) is not None:
                    leg = figure.leg(name)
                    word = {"met": "on_time", "late": "late", "missed": "overdue", "warned": "running"}.get(
                        limit["progress"], limit["progress"]
                    )
                    if word != "void":
                        setattr(leg, word, getattr(leg, word) + 1)
                    if limit["met_at"] and handover is not None and handover["met_at"]:
                        leg.times[coarse(seconds(handover["met_at"], limit["met_at"]))] += 1
            if handover is not None and handover["met_at"]:
                figure.leg("handover").times[coarse(seconds(about["received_at"], handover["met_at"]))] += 1
    for figure in found.values():
        leg, got = figure.leg("handover"), figure.received
        leg.on_time, leg.late = got[Outcome.ON_TIME], got[Outcome.LATE]
        leg.overdue, leg.running = got[Outcome.OVERDUE], got[Outcome.OPEN]
    for entry in rows_of(record, tables.ledger_entry):
        said = json.loads(entry["canonical"])
        if said["event"] == "submission.refused" and SINCE <= from_text(said["time"]) < BEFORE:
            at = day(said["time"])
            key = {"agency": said["recipient"], "day": at, "month": at[:7]}.get(by)
            if key is not None:
                found[key].rejected += 1
                found[key].refused.update(said["detail"]["codes"])
    return dict(found)


def seconds(first: str, last: str) -> int:
    return int(from_text(last).timestamp()) - int(from_text(first).timestamp())


def outcome(row: Any, handover: Any) -> Outcome:
    progress = handover["progress"] if handover is not None else ""
    if row["state"] == "REFUSED":
        return Outcome.REFUSED
    if row["state"] == "RECALLED":
        return Outcome.RECALLED
    if row["state"] == "HANDED_OVER":
        return {"late": Outcome.LATE, "": Outcome.UNTIMED}.get(progress, Outcome.ON_TIME)
    if row["closed"]:
        return Outcome.GIVEN_UP
    return Outcome.OVERDUE if progress == "missed" else Outcome.OPEN


def plain(found: dict[str, Figures]) -> dict[str, Any]:
    return {
        key: (
            +one.sent,
            +one.refused,
            one.rejected,
            +one.received,
            {
                name: (leg.on_time, leg.late, leg.overdue, leg.running, +leg.times)
                for name, leg in one.legs.items()
                if (leg.on_time, leg.late, leg.overdue, leg.running) != (0, 0, 0, 0) or leg.times
            },
        )
        for key, one in found.items()
    }


def test_the_figures_of_a_period_are_those_of_its_rows_by_whatever_they_are_asked(record: HubStore) -> None:
    for by in get_args(figures.By):
        with record.reading() as reader:
            found = figures.figures(reader, SINCE, BEFORE, by)
            one = figures.figures(reader, SINCE, BEFORE, by, "H41")
        wanted = by_hand(record, by)
        assert plain(found) == plain(wanted), by
        assert sum(one.documents for one in wanted.values()) > 50
        assert sum(wanted[key].deliveries for key in wanted) > 50
        if by == "agency":
            assert plain(one) == plain({"H41": wanted["H41"]})
        else:
            assert 0 < sum(each.documents for each in one.values()) < sum(each.documents for each in wanted.values())


def test_every_delivery_is_in_one_of_the_outcomes_and_in_one_period_only(record: HubStore) -> None:
    whole, parts = Counter[Outcome](), Counter[Outcome]()
    with record.reading() as reader:
        for one in figures.figures(reader, END - timedelta(days=400), END + timedelta(days=1), "agency").values():
            whole.update(one.received)
        at = END - timedelta(days=400)
        while at < END + timedelta(days=1):
            end = min(at + timedelta(days=30), END + timedelta(days=1))
            for one in figures.figures(reader, at, end, "agency").values():
                parts.update(one.received)
            at = end
    assert parts == whole
    count = sum(row["role"] == "document" for row in rows_of(record, tables.delivery))
    assert sum(whole.values()) == count


def test_a_year_costs_as_many_statements_as_a_day(record: HubStore) -> None:
    counted: list[str] = []

    def count(*given: Any) -> None:
        counted.append(given[2])

    numbers = []
    sa.event.listen(sa.Engine, "before_cursor_execute", count)
    try:
        for since in (END - timedelta(days=365), END - timedelta(days=1)):
            before = len(counted)
            with record.reading() as reader:
                figures.figures(reader, since, END, "agency")
            numbers.append(len(counted) - before)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", count)
    assert numbers[0] == numbers[1] <= 8
