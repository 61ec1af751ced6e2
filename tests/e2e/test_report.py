"""The figures of a period over the whole line: printed in both languages, as JSON, as CSV, and as a page."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from axis import cli, texts
from axis.adapters.folder import FolderAdapter
from axis.commands import report, report_page
from axis.core.instant import VIETNAM
from axis.errors import Fault, Problem, Rejected
from tests.line import Line, document, small_home

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from axis.adapters.base import LocalFile


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """One day: G22 sends three documents to H41 and G06, one of them is taken back from G06 in time; H29 refuses one,
    H41 is a day late with another, and a packet is refused by the hub."""
    with pytest.MonkeyPatch.context() as patch:
        line = small_home(tmp_path_factory.mktemp("report") / "home")
        prepare = FolderAdapter.prepare

        def some_refuse(self: FolderAdapter, files: Sequence[LocalFile]) -> None:
            if self.agency == "H29" and files[0].folder == "inbox":
                raise Rejected(Problem(Fault.DELIVERY_INVALID, got="no"))
            prepare(self, files)

        patch.setattr(FolderAdapter, "prepare", some_refuse)
        line.drop("G22", document(1, to=("H41", "G06")))
        line.run()
        line.drop("G22", document(2, to=("H29",)), "b.edxml")
        line.run()
        line.drop("G22", document(3, to=("H41",)), "c.edxml")
        line.without("H41")
        line.clock.now += timedelta(hours=30)  # the term of the hand-over is a day
        line.run()
        line.drop("H41", document(4, sender="H41", to=("G22",)), "d.edxml")
        line.run()
        return line


def asked(line: Line, *arguments: str) -> str:
    done = CliRunner().invoke(cli.main, ["report", *arguments, "--home", str(line.path)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def days(line: Line) -> str:
    today = line.clock.now.astimezone(VIETNAM).date()
    return f"{today - timedelta(days=3)}..{today}"


def test_each_delivery_is_counted_where_it_stands_and_each_document_where_it_came_from(line: Line) -> None:
    value = json.loads(asked(line, days(line), "--json"))
    rows = {row["key"]: row for row in value["rows"]}
    assert {key: (row["documents"], row["deliveries"]) for key, row in rows.items()} == {
        "G22": (3, 1),
        "H41": (1, 2),
        "G06": (0, 1),
        "H29": (0, 1),
    }
    assert (rows["H41"]["on_time"], rows["H41"]["late"], rows["H41"]["ratio"]) == (1, 1, 0.5)
    assert rows["H29"]["refused"] == 1
    assert rows["G22"]["name"]
    whole = value["total"]
    assert (whole["documents"], whole["deliveries"], whole["handed_over"]) == (4, 5, 4)
    outcomes = ("on_time", "late", "untimed", "open", "overdue", "refused", "recalled", "given_up")
    assert sum(whole[name] for name in outcomes) == whole["deliveries"]
    assert value["ratios"] == {"pooled": 0.75, "mean": pytest.approx(2.5 / 3), "agencies": 3}
    assert value["before"]["documents"] == 0
    assert value["change"]["documents"] == {"share": None, "growth": None}


def test_one_agency_alone_and_any_kind_of_row_add_up_to_the_same(line: Line) -> None:
    whole = json.loads(asked(line, days(line), "--json"))["total"]
    for by in ("unit", "kind", "priority", "day", "month"):
        value = json.loads(asked(line, days(line), "--json", "--by", by))
        assert value["total"] == whole, by
        assert sum(row["deliveries"] for row in value["rows"]) == whole["deliveries"], by
    alone = json.loads(asked(line, days(line), "--json", "--agency", "H41"))
    assert [row["key"] for row in alone["rows"]] == ["H41"]
    assert alone["total"]["deliveries"] == 2


def test_people_read_it_in_their_language(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: dict[str, str] = {}
    for language in ("vi", "en"):
        monkeypatch.setattr("axis.commands.console.LANG", language)
        monkeypatch.setattr("axis.commands.report.LANG", language)
        shown[language] = asked(line, days(line))
    assert "75,0 % tính chung tất cả văn bản; 83,3 % nếu lấy trung bình của 3 cơ quan" in shown["vi"]
    assert "75.0 % of all documents together; 83.3 % as the mean of 3 agencies" in shown["en"]
    for output in shown.values():
        assert all(len(row) <= 120 for row in output.splitlines())
    assert "Không có văn bản nào" in _in(line, "vi", monkeypatch, "2001")


def _in(line: Line, language: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.setattr("axis.commands.console.LANG", language)
    monkeypatch.setattr("axis.commands.report.LANG", language)
    return asked(line, *arguments)


def test_a_spreadsheet_gets_plain_numbers_and_every_row(line: Line) -> None:
    rows = list(csv.DictReader(io.StringIO(asked(line, days(line), "--csv"))))
    assert [row["agency"] for row in rows] == ["G06", "G22", "H29", "H41", "*"]
    assert (rows[-1]["documents"], rows[-1]["deliveries"], rows[-1]["ratio"]) == ("4", "5", "0.75")
    assert float(rows[3]["handover_p95_s"]) > 86_400


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in {"meta", "rect"} or (tag == "rect" and len(attrs) == 5 and self.get_starttag_text()[-2:] != "/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(page: str) -> _Page:
    parsed = _Page()
    parsed.feed(page)
    assert parsed.open == []
    return parsed


def test_the_page_stands_alone_and_says_what_its_chart_shows(line: Line, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    asked(line, days(line), "--html", str(file))
    page = read(file.read_text("utf-8"))
    assert {"script", "img", "link", "iframe", "object"}.isdisjoint(page.tags)
    assert {"src", "href", "onclick"}.isdisjoint(page.attributes)
    assert page.tags.count("desc") == 1
    assert page.tags.count("tr") == 1 + 4 + 1


@pytest.mark.parametrize("rare", [(), ("untimed",), ("given_up",), ("untimed", "given_up")])
def test_what_has_come_to_somebody_is_the_sum_of_what_is_shown_of_it(
    line: Line, rare: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal and on the page; nobody looks for what was given up in a column that is not there."""
    monkeypatch.setattr("axis.commands.console.LANG", "en")
    monkeypatch.setattr("axis.commands.report.LANG", "en")
    value = json.loads(asked(line, days(line), "--json"))
    for row in (value["rows"][0], value["total"]):
        for name in ("deliveries", *rare):
            row[name] += 2 if name != "deliveries" else 2 * len(rare)
    report._show(value)
    head, *rows = [re.split(r"  +", row.strip()) for row in capsys.readouterr().out.splitlines()[1:7]]
    assert head[1:3] == ["Sent", "To them"]
    until = head.index("% on time")
    assert {texts.text(f"report.{name}", "en") for name in rare} <= {*head}
    assert len(rows) == 5
    for row in rows:
        assert int(row[2]) == sum(map(int, row[3:until])), (head, row)
    page = read(report_page.page(value, "", "", [], "en"))
    assert {texts.text(f"report.{name}", "en") for name in rare} <= {*page.words}


def test_what_an_agency_wrote_is_text_on_the_page_and_no_formula_in_the_spreadsheet() -> None:
    from axis.core.figures import Figures, Outcome
    from axis.services.questions.report import numbers

    hostile = "<script>alert(1)</script>\"'&"
    figures = Figures()
    figures.received[Outcome.ON_TIME] = 3
    row = {"key": hostile, "name": hostile, **numbers(figures)}
    value = {"by": "unit", "rows": [row], "total": numbers(figures)}
    page = read(report_page.page(value, hostile, hostile, [hostile], "vi"))
    assert "script" not in page.tags
    assert hostile in page.words


@pytest.mark.parametrize("period", ["2026-13", "tomorrow", "2026-09-31", "2026-02-01..2026-01-01", "../../x", "=1+1"])
def test_what_is_no_period_is_said_and_nothing_is_printed(line: Line, period: str) -> None:
    done = CliRunner().invoke(cli.main, ["report", period, "--home", str(line.path)])
    assert done.exit_code == 2
    assert not done.stdout


def test_numbers_are_written_as_their_readers_write_them() -> None:
    assert (texts.number(6548, "vi"), texts.number(6548, "en")) == ("6.548", "6,548")
    assert (texts.percent(0.98027, "vi"), texts.percent(0.98027, "en"), texts.percent(None, "vi")) == (
        "98,0 %",
        "98.0 %",
        "",
    )
    assert texts.percent(0.9999, "en") == "99.9 %"  # what is not all is not said to be
    assert (texts.percent(1.0, "en"), texts.percent(1.777, "vi")) == ("100.0 %", "177,7 %")
    assert [texts.duration(n, "vi") for n in (0, 119, 120, 7199, 7200, 172_800)] == [
        "0 giây",
        "119 giây",
        "2 phút",
        "120 phút",
        "2,0 giờ",
        "2,0 ngày",
    ]
    assert (texts.day("2026-11-25", "vi"), texts.day("2026-11-25", "en")) == ("25/11/2026", "2026-11-25")
