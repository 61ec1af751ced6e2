"""axis trace and axis why: the document that is meant, where it is, why, and who has to do what; in one command."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from axis import bootstrap, cli, config
from axis.adapters.folder import FolderAdapter
from axis.errors import Fault, Problem, Rejected
from axis.home import open_home, reading_journals
from axis.infra.record.find import Narrowed
from axis.services.operate import registry as registries
from axis.services.questions import own_trace
from axis.services.questions.trace import NotTheOne
from tests.line import Line, document, recall, small_home, status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from axis.adapters.base import LocalFile


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """G22's circular no. 1: G06 has it, H29's system refuses it, H41 is suspended, G18 is away. No. 11 is another one,
    H41 has a no. 1 of its own, and a packet without a recipient is refused."""
    with pytest.MonkeyPatch.context() as patch:
        line = small_home(tmp_path_factory.mktemp("trace") / "home")
        prepare = FolderAdapter.prepare

        def some_refuse(self: FolderAdapter, files: Sequence[LocalFile]) -> None:
            if self.agency == "H29" and files[0].folder == "inbox":
                raise Rejected(Problem(Fault.DELIVERY_INVALID, got="no"))
            prepare(self, files)

        patch.setattr(FolderAdapter, "prepare", some_refuse)
        line.drop("H41", document(1, sender="H41", to=("G22",)), "own.edxml")
        line.run()
        with bootstrap.registrar(open_home(line.path)) as registrar:
            registries.suspend(registrar, "H41", "thử", line.clock())
        line.drop("G22", document(1, to=("G06", "H29", "H41", "G18")))
        line.without("G18")
        line.drop("G22", document(11, to=("G06",)), "b.edxml")
        line.without("G18")
        line.drop("G22", recall(99, to=("G06",)), "c.edxml")
        line.without("G18")
        return line


def run(line: Line, *arguments: str, code: int = 0) -> Any:
    done = CliRunner().invoke(cli.main, [*arguments, "--home", str(line.path)], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


def objects(done: Any) -> list[dict[str, Any]]:
    return [json.loads(one) for one in done.stdout.splitlines()]


@pytest.fixture(autouse=True)
def at_that_time(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axis.commands.finding.now", lambda: line.clock.now + timedelta(minutes=1))


def test_why_says_for_each_recipient_where_it_is_trouble_first_and_who_has_to_act(line: Line) -> None:
    (found,) = objects(run(line, "why", "1/TN-G22", "--json"))
    causes = [(one["recipient"], one["cause"], one["actor"]) for one in found["why"]]
    assert causes == [
        ("H29", "refused", "sender"),
        ("H41", "suspended", "operator"),
        ("G18", "queued", "recipient"),
        ("G06", "arrived", "recipient"),
    ]
    assert found["why"][0]["facts"]["reasons"] == "DELIVERY_INVALID"
    assert [one["is_trouble"] for one in found["why"]] == [True, True, False, False]
    assert found["document"]["code"] == "1/TN-G22"


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        (
            "vi",
            [
                "✗ H29 từ chối lúc",
                "DELIVERY_INVALID",
                "✗ H41 tạm ngừng từ",
                "axis agency resume H41",
                "· Ở hàng đợi của G18",
            ],
        ),
        (
            "en",
            [
                "✗ H29 refused it at",
                "DELIVERY_INVALID",
                "✗ H41 is suspended since",
                "axis agency resume H41",
                "· In the queue of G18",
            ],
        ),
    ],
)
def test_people_read_it_in_their_language_at_the_top_of_the_trace(
    line: Line, language: str, wanted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("console", "trace", "finding"):
        monkeypatch.setattr(f"axis.commands.{module}.LANG", language)
    shown = run(line, "trace", "1/TN-G22").stdout
    places = [shown.index(one) for one in wanted]
    assert places == sorted(places)
    assert "+07:00" in shown.splitlines()[4]
    assert max(places) < shown.index("H29  ")  # before the table of deliveries
    assert shown.startswith(run(line, "why", "1/TN-G22").stdout.partition("\n✗")[0])


def test_a_number_never_shows_another_document_in_its_place(line: Line) -> None:
    assert objects(run(line, "trace", "11/TN-G22", "--json"))[0]["document"]["code"] == "11/TN-G22"
    done = run(line, "trace", "1/TN", code=3)
    assert "NOT_FOUND" in done.stderr
    rows = [row.split() for row in done.stdout.splitlines() if row.strip()[:1].isdigit()]
    assert [row[0] for row in rows] == ["1", "2"]
    assert {row[2] for row in rows} == {"1/TN-G22", "1/TN-H41"}
    candidates, error = objects(run(line, "trace", "1/TN", "--json", code=3))
    assert {one["code"] for one in candidates["candidates"]} == {"1/TN-G22", "1/TN-H41"}
    assert error["error"][0]["code"] == "NOT_FOUND"


def test_case_words_and_digests_lead_to_it(line: Line) -> None:
    whole = objects(run(line, "trace", "1/tn-g22", "--json"))[0]["document"]
    assert objects(run(line, "trace", whole["content_digest"][:10], "--json"))[0]["document"] == whole
    done = objects(run(line, "trace", whole["subject"].upper(), "--json", code=3))
    assert whole["axis_id"] in {one["axis_id"] for one in done[0]["candidates"]}


def test_sender_and_day_choose(line: Line) -> None:
    assert objects(run(line, "why", "1/TN-G22", "--from", "G22", "--json"))[0]["document"]["sender"] == "G22"
    assert objects(run(line, "why", "1/TN-G22", "--from", "g22", "--json"))[0]["document"]["sender"] == "G22"
    assert "AGENCY_UNKNOWN" in run(line, "why", "1/TN-G22", "--from", "G99", code=3).stderr
    run(line, "why", "1/TN-G22", "--from", "H41", code=3)
    run(line, "why", "1/TN-G22", "--date", "2020-01-01", code=3)
    run(line, "why", "1/TN-G22", "--date", "2026-11", code=0)
    assert run(line, "why", "1/TN-G22", "--date", "gestern", code=2)


@pytest.mark.parametrize("words", [("trace",), ("why",)])
def test_bytes_that_are_no_text_are_a_usage_error_and_no_incident(line: Line, words: tuple[str, ...]) -> None:
    done = run(line, *words, "\udcff\udcfe", code=2)
    assert "UTF-8" in done.stderr
    done = run(line, *words, "\udcff\udcfe", "--json", code=2)
    assert json.loads(done.stderr or done.stdout)["error"][0]["code"] == "USAGE"
    assert not (line.path / "incidents").exists()


def test_a_refused_one_is_found_with_its_reasons(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axis.commands.finding.LANG", "vi")
    line.drop("H29", status("03", 55, sender="H29"), "d.edxml")
    line.without("G18")
    done = run(line, "trace", "55/TN-G22", code=3)
    assert "STATUS_UNKNOWN_DOCUMENT: " in done.stdout
    (said,) = objects(run(line, "trace", "55/TN-G22", "--json", code=3))
    assert [one["code"] for one in said["refused"][0]["reasons"]] == ["STATUS_UNKNOWN_DOCUMENT"]
    assert said["refused"][0]["sender"] == "H29"


def test_in_the_senders_own_home_a_recall_that_came_too_late_is_a_request_until_its_clerk_has_spoken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = small_home(tmp_path / "home")
    prepare = FolderAdapter.prepare

    def h29_refuses(self: FolderAdapter, files: Sequence[LocalFile]) -> None:
        if self.agency == "H29" and files[0].folder == "inbox":
            raise Rejected(Problem(Fault.DELIVERY_INVALID, got="no"))
        prepare(self, files)

    def told() -> dict[str, tuple[str, str]]:
        """What the home of G22 says that has the journals and no hub's record."""
        target = tmp_path / "own"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(line.path, target)
        found, settings = Line(target), config.load(target)
        installation = settings.installation._replace(role="agency", agencies=("G22",))
        found.configure(installation=installation, broker=settings.broker._replace(kind="amqp", url="amqp://x"))
        (first, *_) = objects(run(found, "why", "1/TN-G22", "--json"))
        return {one["recipient"]: (one["cause"], one["actor"]) for one in first["why"]}

    monkeypatch.setattr(FolderAdapter, "prepare", h29_refuses)
    line.drop("G22", document(1, to=("H41", "H29", "G06")))
    line.run()
    line.drop("H41", status("03", 1), "before.edxml")  # says nothing of a recall that is to come
    line.run()
    line.drop("G22", recall(1, to=("H41", "H29", "G06")), "r.edxml")
    line.run()
    refused, asked = ("own.to.refused", "sender"), ("own.to.asked", "recipient")
    assert told() == {"H41": asked, "G06": asked, "H29": refused}
    line.drop("H41", status("15", 1), "s.edxml")
    line.run()
    assert told() == {"H41": ("own.to.answered", "sender"), "G06": asked, "H29": refused}


def test_in_a_home_of_its_own_what_came_since_does_not_push_a_document_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of many recipients reports three times, and every report has the document's number."""
    monkeypatch.setattr("axis.infra.journal.find.LIMIT", 1)
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1, to=("H41", "H29", "G06")))
    line.drop("H41", document(9, sender="H41", to=("G22",)), "b.edxml")
    line.run()
    for code in ("H41", "H29", "G06"):
        line.drop(code, status("03", 1, sender=code), "s.edxml")
    line.drop("G22", recall(1, to=("H41",)), "r.edxml")
    line.run()
    with reading_journals(open_home(line.path)) as journals:
        mine = {"G22": journals["G22"]}
        for named in ("1/TN-G22", "G22,2026/11/23,1/TN-G22", "1/TN"):
            if named == "1/TN":
                with pytest.raises(NotTheOne) as error:
                    own_trace.trace(mine, named)
                assert [row["code"] for row in error.value.candidates] == ["1/TN-G22"]
                continue
            value = own_trace.trace(mine, named)
            assert [one["kind"] for one in value["submissions"]] == ["new", "recall"]
            assert {one["recipient"]: one["cause"] for one in value["why"]} == {
                "H41": "own.to.asked",
                "H29": "own.to.arrived",
                "G06": "own.to.arrived",
            }
        everybody = own_trace.trace(journals, "1/TN-G22")
        assert {one["recipient"] for one in everybody["deliveries"]} == {"H41", "H29", "G06"}
        narrowed = own_trace.trace(mine, "9/TN-H41", Narrowed("H41"))
        assert narrowed["document"]["sender"] == "H41"
        with pytest.raises(NotTheOne):
            own_trace.trace(mine, "9/TN-H41", Narrowed("H41", before=line.clock.now - timedelta(days=1)))
        at_h41 = own_trace.trace({"H41": journals["H41"]}, "1/TN-G22")
        assert {one["sender"] for one in at_h41["submissions"]} == {"G22"}, "whoever has it, G22 has sent it"
