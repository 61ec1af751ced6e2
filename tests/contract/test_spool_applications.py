"""The spool's applications: what SQL counts is what the pure rule counts; nothing of people is kept; old files are read."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from axis.adapters.spool import applications
from axis.adapters.spool.applications import counted, reading, services
from axis.adapters.spool.store import Spool
from axis.adapters.spool.tables import application
from axis.core.applications import figures
from axis.core.applications.figures import Happened
from axis.core.applications.status import Status
from axis.core.figures import read_period
from axis.trials.applications import february


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(folder)
    spool.note_applications(list(known()))
    spool.close()
    return folder


def known() -> list[applications.Application]:
    """Those of February, some of them open, some ended in another way, of several units."""
    ends = (Status.RETURNED, Status.PROCESSED, Status.WITHDRAWN, Status.STOPPED, Status.NOT_ACCEPTED)
    made = []
    for number, one in enumerate(february(600)):
        ended = {"status": Status.PROCESSING, "closed_at": None} if number % 9 == 0 else {"status": ends[number % 5]}
        where = {"receiver": ("H26", "H26.10", "H261")[number % 3], "resolver": ("H26.10", "G15")[number % 2]}
        received = one.received_at - timedelta(days=number % 40)
        made.append(replace(one, received_at=received, **ended, **where))  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize("period", ["2020-02", "2020-01", "2020-02-05..2020-02-20", "2020-Q1"])
@pytest.mark.parametrize("by", ["agency", "service", "channel"])
def test_the_database_counts_what_the_rule_counts(folder: Path, period: str, by: applications.By) -> None:
    key = {"agency": lambda one: one.resolver, "service": lambda one: one.service, "channel": figures.channel}[by]
    asked = read_period(period)
    with reading(folder) as connection:
        assert connection is not None
        cells, _ = counted(connection, asked, by)
    grouped: dict[tuple[str, ...], int] = {}
    for one in figures.cells([(one, 1) for one in known()], asked, key):
        place = (one.key, one.since, one.until, one.outcome)
        grouped[place] = grouped.get(place, 0) + one.count
    assert {(one.key, one.since, one.until, one.outcome): one.count for one in cells} == grouped
    assert sum(grouped.values()) > 50


def test_of_a_receiver_only_what_it_or_a_unit_of_it_received_is_counted(folder: Path) -> None:
    year = read_period("2020")
    with reading(folder) as connection:
        assert connection is not None
        everything, own, other = (
            sum(one.count for one in counted(connection, year, "agency", code)[0]) for code in ("", "H26", "H261")
        )
        first = services(connection, "H26")
    assert everything == own + other
    assert own == 2 * other
    assert {resolver for _, resolver in first} == {"H26.10", "G15"}


def test_what_is_noted_is_read_again_and_stands_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    one = known()[1]
    spool.note_applications([one])
    spool.note_applications([replace(one, status=Status.PROCESSED)])
    assert spool.application(one.number) == replace(one, status=Status.PROCESSED)
    assert spool.application("H26-200101-1") is None
    at = datetime(2020, 2, 3, tzinfo=UTC)
    for _ in range(2):
        spool.note_event(one.number, Happened.PAID, "TT1", at, "VCB")
    spool.note_event(one.number, Happened.RETURNED, "x__1", at)
    with reading(tmp_path) as connection:
        assert connection is not None
        _, events = counted(connection, read_period("2020-02"), "channel")
        assert [(one.kind, one.bank, one.count) for one in sorted(events, key=lambda one: one.kind)] == [
            (Happened.PAID, "VCB", 1),
            (Happened.RETURNED, "", 1),
        ]
        assert counted(connection, read_period("2020-03"), "channel")[1] == []


def test_no_column_holds_what_a_citizen_has_written() -> None:
    assert {column.name for column in application.columns} == {
        *("number", "service", "receiver", "resolver", "status", "received_at", "due_at", "changed_at", "closed_at"),
        *("on_line", "by_post"),
    }


def test_a_folder_without_a_spool_and_one_of_an_older_program_know_no_applications(tmp_path: Path) -> None:
    with reading(tmp_path) as connection:
        assert connection is None
    assert list(tmp_path.iterdir()) == [], "a question makes no file"
    script = (Path(__file__).parent / "schema_spool.sqlite.sql").read_text("utf-8")
    old = sqlite3.connect(tmp_path / "spool.db")
    old.executescript(script)
    old.close()
    with reading(tmp_path) as connection:
        assert connection is None


def test_a_question_disturbs_nobody_who_writes(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with spool.upload() as upload, reading(tmp_path) as connection:
        assert connection is not None
        upload.write(b"x")
        assert upload.path.exists()
