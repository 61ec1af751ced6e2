"""Applications in figures over a home: as people read them in both languages, as JSON and as CSV; beside those of 2020."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from axis import cli
from axis.adapters.spool.store import Spool
from axis.config import Portal, load, render
from axis.core.applications.figures import Happened
from axis.core.applications.status import Status
from axis.trials.applications import february
from tests import pages
from tests.line import Line, document, small_home

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2020, 3, 10, 3, tzinfo=UTC)
RESOLVERS = ("H26", "H26.10", "H41", "G15")


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """The portal belongs to G22. Four hundred applications of February, received by two provinces and resolved by those
    and by a ministry, stand in the portal's record and in that of who received them; G22 and H41 exchange documents."""
    line = small_home(tmp_path_factory.mktemp("dossiers") / "home", ("G22", "H26", "H41", "G15"))
    settings = load(line.path)
    spools = {code: {"kind": "spool"} for code in ("G22", "H26")}
    changed = settings._replace(
        adapter=settings.adapter._replace(agencies=spools), portal=Portal("G22", services=1000, target=0.3)
    )
    (line.path / "axis.toml").write_text(render(changed), "utf-8")
    known = []
    for number, one in enumerate(february(400)):
        where = {"receiver": ("H26", "H41")[number % 2], "resolver": RESOLVERS[number % 4]}
        status = Status.WITHDRAWN if number % 50 == 0 else one.status
        received = one.received_at - timedelta(days=30 if number % 40 == 0 else 0)
        known.append(replace(one, status=status, received_at=received, **where))  # type: ignore[arg-type]
    for code in ("G22", "H26"):
        spool = Spool(line.path / "agencies" / code / "spool")
        spool.note_applications(one for one in known if code == "G22" or one.receiver == code)
        for number, one in enumerate(known[:40]):
            if code == "G22":
                at = one.received_at + timedelta(hours=1)
                spool.note_event(one.number, Happened.PAID, f"TT{number}", at, ("VCB", "CTG", "MOMO")[number % 3])
                spool.note_event(one.number, Happened.RETURNED, f"{one.number}__1", at)
        spool.close()
    return line


def asked(line: Line, *arguments: str) -> str:
    done = CliRunner().invoke(
        cli.main, ["report", "dossiers", *arguments, "--home", str(line.path)], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(autouse=True)
def _in_march(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axis.commands.report_dossiers.now", lambda: NOW)


def speak(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("console", "report", "report_dossiers"):
        monkeypatch.setattr(f"axis.commands.{module}.LANG", language)


def value(line: Line, *arguments: str) -> Any:
    return json.loads(asked(line, *arguments, "--json"))


def test_each_application_is_counted_once_for_the_member_that_resolves_it(line: Line) -> None:
    provinces, ministries = value(line, "2020-02"), value(line, "2020-02", "--by", "ministry")
    assert {row["key"]: row["total"] for row in provinces["rows"]} == {"H26": 200, "H41": 100}
    assert {row["key"]: row["total"] for row in ministries["rows"]} == {"G15": 100}
    assert provinces["rows"][0]["name"] == "UBND thành phố Hà Nội"
    channels = value(line, "2020-02", "--by", "channel")
    assert channels["total"]["total"] == 400
    assert channels["total"]["carried_over"] == 10
    assert channels["total"]["withdrawn"] == 7, "the eighth was withdrawn in March"
    assert channels["broken"] == provinces["broken"] == ministries["broken"] == []


def test_without_the_portals_owner_each_counts_what_it_received_itself(line: Line, tmp_path: Path) -> None:
    alone = line.copy(tmp_path / "home")
    settings = load(alone.path)
    (alone.path / "axis.toml").write_text(render(settings._replace(portal=Portal())), "utf-8")
    assert value(alone, "2020-02", "--by", "channel")["total"]["total"] == 200, "what H26 has received; G22 nothing"


def test_months_hand_on_what_is_open_and_their_sum_counts_nothing_twice(line: Line) -> None:
    found = value(line, "2020-Q1", "--by", "month")
    rows = {row["key"]: row for row in found["rows"]}
    assert list(rows) == ["2020-01", "2020-02", "2020-03"]
    assert rows["2020-02"]["carried_over"] == rows["2020-01"]["open"] == 10
    assert rows["2020-03"]["carried_over"] == rows["2020-02"]["open"]
    assert found["total"]["total"] == 400
    assert found["period"]["is_over"] is False


def test_banks_post_services_and_the_target_are_told(line: Line) -> None:
    found = value(line, "2020-02")
    assert set(found["banks"]) == {"VCB", "CTG", "MOMO"}
    assert found["total"]["paid"] == sum(found["banks"].values())
    assert found["total"]["returned"] > 0
    assert found["services"]["services"] == len(found["services"]["members"])
    assert sum(found["services"]["new"].values()) == found["services"]["services"]
    assert found["target"] == {"services": 1000, "target": 0.3, "reached": found["services"]["offers"] / 1000}


def test_who_has_exchanged_documents_is_counted_by_the_hubs_own_record(line: Line, tmp_path: Path) -> None:
    assert value(line, "2026-11")["coverage"] == {
        "members": 4,
        "exchanging": 0,
        "missing": ["G15", "G22", "H26", "H41"],
    }
    both = small_home(tmp_path / "home", ("G22", "H41"))
    both.drop("G22", document(1, to=("H41",)))
    both.run()
    one_way = value(both, f"{both.clock.now:%Y-%m-%d}")["coverage"]
    assert one_way["exchanging"] == 0
    both.drop("H41", document(2, sender="H41", to=("G22",)), "b.edxml")
    both.run()
    assert value(both, f"{both.clock.now:%Y-%m-%d}")["coverage"] == {"members": 2, "exchanging": 2, "missing": []}


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("by", ["province", "month"])
def test_the_page_is_read_in_both_languages(
    line: Line, by: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak(language, monkeypatch)
    pages.check(f"dossiers_{by}", language, asked(line, "2020-Q1", "--by", by))


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_published_figures_of_2020_stand_beside_the_record_each_difference_explained(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak(language, monkeypatch)
    done = CliRunner().invoke(cli.main, ["report", "dossiers", "--published"], catch_exceptions=False)
    pages.check("dossiers_published", language, done.stdout)


def test_as_json_each_published_figure_says_whether_it_agrees() -> None:
    done = CliRunner().invoke(cli.main, ["report", "dossiers", "--published", "--json"], catch_exceptions=False)
    found = {one["name"]: one for one in json.loads(done.stdout)["claims"]}
    assert (found["hanoi.ratio"]["published"], found["hanoi.ratio"]["found"]) == ("90.0", "98.0")
    assert all(one["agrees"] or one["note"] for one in found.values())


def test_the_table_is_exported_as_computers_read_it(line: Line) -> None:
    rows = list(csv.DictReader(io.StringIO(asked(line, "2020-02", "--csv"))))
    assert [row["province"] for row in rows] == ["H26", "H41", "*"]
    for row in rows:
        stood = ("resolved", "withdrawn", "stopped", "not_accepted", "open")
        assert int(row["carried_over"]) + int(row["received"]) == sum(int(row[name]) for name in stood)


def test_a_home_without_applications_says_so(tmp_path: Path) -> None:
    empty = small_home(tmp_path / "home", ("G22", "H41"))
    assert value(empty, "2020-02")["rows"] == []
    assert not list(empty.path.rglob("spool.db")), "a question makes no file"


def test_a_period_that_nobody_can_read_is_refused_and_the_report_on_documents_stays() -> None:
    runner = CliRunner()
    wrong = runner.invoke(cli.main, ["report", "dossiers", "gestern"])
    assert wrong.exit_code == 2
    assert "2026-Q3" in wrong.output
    assert "--by [agency|" in runner.invoke(cli.main, ["report", "--help"]).output
    assert "--by [province|" in runner.invoke(cli.main, ["report", "dossiers", "--help"]).output
