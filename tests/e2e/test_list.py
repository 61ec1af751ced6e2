"""axis list over the whole line: every filter, both languages, CSV, JSON, pages, an agency's own home."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from axis import bootstrap, cli
from axis.adapters.folder import FolderAdapter
from axis.errors import Fault, Problem, Rejected
from axis.home import open_home
from axis.services.operate import registry as registries
from tests import pages
from tests.line import Line, document, recall, small_home

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.adapters.base import LocalFile

HOSTILE = "=HYPERLINK(&quot;x&quot;)\u202e bí mật"


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """Yesterday H41 sent one to G22. Today G22's circular no. 1: G06 has it, H29's system refuses it, H41 is suspended,
    G18 is away; an urgent one to G06; one with a hostile subject to G06, which is taken back."""
    with pytest.MonkeyPatch.context() as patch:
        line = small_home(tmp_path_factory.mktemp("list") / "home")
        prepare = FolderAdapter.prepare

        def some_refuse(self: FolderAdapter, files: Sequence[LocalFile]) -> None:
            if self.agency == "H29" and files[0].folder == "inbox":
                raise Rejected(Problem(Fault.DELIVERY_INVALID, got="no"))
            prepare(self, files)

        patch.setattr(FolderAdapter, "prepare", some_refuse)
        line.drop("H41", document(7, sender="H41", to=("G22",), subject="Báo cáo quý III"), "own.edxml")
        line.run(patience=timedelta(minutes=1))
        line.clock.now += timedelta(days=1)
        with bootstrap.registrar(open_home(line.path)) as registrar:
            registries.suspend(registrar, "H41", "thử", line.clock())

        def go(data: bytes, name: str) -> None:
            line.clock.now += timedelta(minutes=1)
            line.drop("G22", data, name)
            line.run(
                patience=timedelta(minutes=1),
                before=lambda _hub, all_: all_.__setitem__(slice(None), [one for one in all_ if one.code != "G18"]),
            )

        go(document(1, to=("G06", "H29", "H41", "G18"), subject="Về việc nghỉ Tết Dương lịch"), "a.edxml")
        go(document(2, to=("G06",), priority=2, subject="Họp khẩn về phòng chống bão"), "b.edxml")
        go(document(3, to=("G06",), subject=HOSTILE), "c.edxml")
        go(recall(3, to=("G06",)), "d.edxml")
        return line


@pytest.fixture(autouse=True)
def at_that_time(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axis.commands.listing.now", lambda: line.clock.now + timedelta(minutes=1))


def run(line: Line, *arguments: str, code: int = 0) -> Any:
    done = CliRunner().invoke(cli.main, ["list", *arguments, "--home", str(line.path)], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


def objects(line: Line, *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(one) for one in run(line, *arguments, "--json").stdout.splitlines()]


def codes(line: Line, *arguments: str) -> list[str]:
    *rows, last = objects(line, *arguments)
    assert set(last) == {"page"}
    return [row["code"] for row in rows]


def speak(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("console", "listing"):
        monkeypatch.setattr(f"axis.commands.{module}.LANG", language)


def test_all_from_one_agency_on_one_day_and_each_other_question(line: Line) -> None:
    assert codes(line) == ["3/TN-G22", "2/TN-G22", "1/TN-G22", "7/TN-H41"]
    assert codes(line, "--date", "yesterday") == ["7/TN-H41"]
    assert codes(line, "--from", "G22", "--date", "hôm nay") == ["3/TN-G22", "2/TN-G22", "1/TN-G22"]
    assert codes(line, "--to", "H29") == ["1/TN-G22"]
    assert codes(line, "--priority", "1") == ["2/TN-G22"]
    assert codes(line, "nghi", "tet") == ["1/TN-G22"]
    assert codes(line, "--kind", "recall") == ["3/TN-G22"]
    assert codes(line, "--state", "trouble") == ["1/TN-G22"]
    assert codes(line, "--state", "suspended", "--state", "queued") == ["1/TN-G22"]
    assert codes(line, "--state", "finished") == []


def test_each_recipient_stands_where_axis_why_says(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axis.commands.finding.now", lambda: line.clock.now + timedelta(minutes=1))
    row = objects(line, "tet")[0]
    done = CliRunner().invoke(cli.main, ["why", row["axis_id"], "--json", "--home", str(line.path)])
    told = [(one["recipient"], one["cause"], one["actor"], one["since"]) for one in json.loads(done.stdout)["why"]]
    assert [(one["recipient"], one["cause"], one["actor"], one["since"]) for one in row["recipients"]] == told
    assert [one["cause"] for one in row["recipients"]] == ["refused", "suspended", "queued", "arrived"]


def test_pages_go_on_where_the_one_before_ended(line: Line) -> None:
    found, after = [], ""
    for _ in range(10):
        *rows, last = objects(line, "--limit", "1", *(("--after", after) if after else ()))
        found += [row["code"] for row in rows]
        if not (after := last["page"]["next"] or ""):
            break
    assert found == codes(line) == codes(line, "--all", "--limit", "1")
    assert run(line, "--after", "'; DROP TABLE", code=2)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_page_is_read_in_both_languages(line: Line, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    speak(language, monkeypatch)
    pages.check("list", language, run(line).stdout)


def test_on_a_terminal_each_document_has_one_line_of_eighty_columns(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axis.commands.console.room", lambda: 80)
    for language in ("vi", "en"):
        speak(language, monkeypatch)
        lines = run(line).stdout.splitlines()
        assert len(lines) == 1 + 4 + 1
        assert max(map(len, lines)) <= 80, lines
        assert "…" in lines[3]


def test_a_spreadsheet_gets_a_line_for_each_recipient_and_no_formula(line: Line) -> None:
    rows = list(csv.DictReader(io.StringIO(run(line, "--csv").stdout)))
    assert [row["recipient"] for row in rows if row["code"] == "1/TN-G22"] == ["H29", "H41", "G18", "G06"]
    assert rows[0]["subject"].startswith("'=HYPERLINK")
    assert rows[0]["cause"] == "recall_asked"
    assert run(line, "--csv", "--json", code=2)


def test_what_an_agency_wrote_is_shown_and_not_obeyed(line: Line) -> None:
    for arguments in ((), ("--csv",)):
        shown = run(line, *arguments).stdout
        assert "\u202e" not in shown
        assert "\\u202e bí mật" in shown
    assert objects(line)[0]["subject"] == HOSTILE.replace("&quot;", '"')


def test_what_is_no_agency_or_no_day_is_said_and_nothing_is_shown(line: Line) -> None:
    assert "AGENCY_UNKNOWN" in run(line, "--from", "H62", code=3).stderr
    for wrong in (["--date", "gestern"], ["--state", "sad"], ["--kind", "x"], ["--limit", "0"]):
        assert not run(line, *wrong, code=2).stdout


def test_the_example_of_the_help_runs(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    import shlex

    from axis.commands.listing import documents

    example = (documents.epilog or "").splitlines()[-1].strip()
    assert example.startswith("axis list ")
    run(line, *shlex.split(example)[2:])


@pytest.fixture
def own(line: Line, monkeypatch: pytest.MonkeyPatch) -> Line:
    """G22's own home, as its operator sees it: the same journals, without the hub's record."""
    import shutil

    from axis import config

    target = line.path.parent / "own"
    if not target.exists():
        shutil.copytree(line.path, target)
        found = Line(target)
        settings = config.load(target)
        installation = settings.installation._replace(role="agency", agencies=("G22",))
        found.configure(installation=installation, broker=settings.broker._replace(kind="amqp", url="amqp://x"))
    return Line(target)


def test_an_agencys_own_home_lists_what_it_has_sent_and_received(own: Line, line: Line) -> None:
    *rows, last = objects(own)
    assert [(row["sender"], row["code"], row["recipients"][0]["cause"]) for row in rows] == [
        ("G22", "3/TN-G22", "own.accepted"),
        ("G22", "2/TN-G22", "own.accepted"),
        ("G22", "1/TN-G22", "own.accepted"),
        ("H41", "7/TN-H41", "own.handed_over"),
    ]
    assert last == {"page": {"shown": 4, "next": None, "is_short": False}}
    assert codes(own, "--from", "H41") == ["7/TN-H41"]
    assert codes(own, "--to", "G22") == ["7/TN-H41"]
    assert codes(own, "--date", "yesterday") == ["7/TN-H41"]
    assert codes(own, "tet") == ["1/TN-G22"]
    assert codes(own, "--priority", "1") == ["2/TN-G22"]
    assert codes(own, "--kind", "recall") == ["3/TN-G22"]
    assert codes(own, "--state", "arrived") == ["7/TN-H41"]
    assert codes(own, "--state", "trouble") == []
    assert codes(own, "--all", "--limit", "1") == codes(own)
    found, after = [], ""
    for _ in range(10):
        *rows, last = objects(own, "--limit", "1", *(("--after", after) if after else ()))
        found += [row["code"] for row in rows]
        if not (after := last["page"]["next"] or ""):
            break
    assert found == codes(own)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_page_of_an_agencys_own_home(own: Line, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    speak(language, monkeypatch)
    pages.check("list_own", language, run(own).stdout)
