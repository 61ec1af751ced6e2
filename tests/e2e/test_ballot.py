"""The story of a ballot through the line, from the question to a result that every party and an independent script
recount; and its commands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from axis import cli, config
from axis.core.ballot import packet
from axis.home import hub_certificate, open_home, reading_journal
from axis.services.ballots import Office
from axis.trials import ecabinet
from axis.trials.demo_scenes import Scene
from tests import make_stories
from tests.failure.test_sweeps import counted
from tests.line import Line

if TYPE_CHECKING:
    from axis.errors import Language

SCRIPT = Path(__file__).parent.parent.parent / "docs" / "verify_ballot.py"
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ecabinet") / "home"


@pytest.fixture(scope="module")
def told() -> list[Scene]:
    return []


@pytest.fixture(scope="module")
def scenes(home: Path, told: list[Scene]) -> dict[str, dict[str, Any]]:
    summary = ecabinet.perform(home, told.append)
    return {scene.name: scene.facts for scene in told} | {"summary": summary}


def axis(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.main, [*arguments, "--home", str(home), "--lang", "en"])


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_those_who_are_away_vote_when_they_are_back(scenes: dict[str, dict[str, Any]]) -> None:
    assert (scenes["asked"]["members"], scenes["asked"]["away"]) == (25, 4)
    assert scenes["asked"]["have"] == scenes["asked"]["agencies"] - 4
    assert (scenes["voted"]["there"], scenes["voted"]["after"]) == (17, 24)


def test_neither_secretariat_nor_trustee_reads_a_vote_before_the_closing(scenes: dict[str, dict[str, Any]]) -> None:
    assert scenes["sealed"] == {"sealed": 24, "by_secretariat": 0, "by_trustee": 0, "refused": "BALLOT_OPEN"}
    assert scenes["closed"]["refused"] == "BALLOT_UNKNOWN"


def test_members_and_staff_are_reminded_once_they_are_late(scenes: dict[str, dict[str, Any]]) -> None:
    assert scenes["reminded"] == {"missing": ["bt@G04", "bt@G07", "bt@G10"], "reminded": ["G04", "G07", "G10"]}
    assert scenes["closed"]["staff"] == 1


def test_the_late_the_second_the_forged_and_the_delegated_vote_are_each_found(
    scenes: dict[str, dict[str, Any]],
) -> None:
    summary = scenes["summary"]
    found = {name: summary[name] for name in ("votes", "counted", "late", "second", "invalid", "forged", "delegated")}
    assert found == {
        "votes": 25, "counted": 22, "late": 1, "second": 1, "invalid": 0, "forged": 1, "delegated": 1,
    }  # fmt: skip
    assert (summary["decided"], summary["by"], summary["missing"]) == ("agree", "majority", 3)
    assert summary["agreeing"] == summary["agencies"] == 18
    assert summary["altered_refused"] == 4


@pytest.mark.parametrize("language", make_stories.LANGUAGES)
def test_the_picture_shows_the_story_as_it_is_told(
    language: Language, told: list[Scene], scenes: dict[str, dict[str, Any]]
) -> None:
    drawn = make_stories.file("ecabinet", language).read_text("utf-8")
    assert make_stories.said(drawn) == make_stories.said(make_stories.svg(make_stories.ballot(told, language)))


def test_the_independent_script_counts_the_same_from_the_parcels(home: Path, scenes: dict[str, dict[str, Any]]) -> None:
    command = [sys.executable, "-I", str(SCRIPT), str(home / "ecabinet"), "--hub", str(home / "pki" / "hub.pem")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert str(scenes["counted"]["counts"]) in done.stdout
    assert done.stdout.count(" counted\n") == 22


def test_the_commands_tell_of_the_ballot_and_count_it_again(home: Path, scenes: dict[str, dict[str, Any]]) -> None:
    (status,) = lines(axis(home, "ballot", "status", "--as", "G22", "--json"))
    assert (status["stage"], status["votes"], status["id"]) == ("published", 25, ecabinet.ID)
    (said,) = lines(axis(home, "ballot", "verify", ecabinet.ID, "--as", "G06", "--json"))
    assert (said["verdict"], said["differences"], len(said["votes"])) == ("PASSED", [], 25)
    shown = axis(home, "ballot", "verify", str(home / "ecabinet"))
    assert shown.exit_code == 0, shown.output
    assert "Decided: Agree (more than half of 25)" in shown.output
    assert "Counted again from 25 votes" in shown.output
    people = lines(axis(home, "member", "list", "--json"))
    assert {one["person"] for one in people} == {*ecabinet.MEMBERS, ecabinet.DELEGATE}


def test_votes_are_asked_for_at_once_however_many_there_are(home: Path, scenes: dict[str, dict[str, Any]]) -> None:
    opened = open_home(home)
    with reading_journal(opened, "G22") as journal:
        office = Office(home, "G22", journal, hub_certificate(opened))
        ballot = office.find(ecabinet.ID).ballot
        with counted() as asked:
            assert len(office.under(packet.VOTE, ballot.digest)) == 25
    assert len([one for one in asked if one.startswith("SELECT")]) <= 4


def test_a_ballot_is_opened_and_voted_on_by_commands(home: Path, scenes: dict[str, dict[str, Any]]) -> None:
    # From here on agencies have folders.
    Line(home).configure(adapter=config.Adapter(settle_seconds=0.0), ecabinet=config.Ecabinet())
    asked = {
        "id": "PLYK-2026-013", "kind": "written", "subject": "Dự thảo Nghị quyết", "trustee": "G15",
        "questions": [{"no": 1, "text": "Thông qua?", "options": [
            {"code": "agree", "vi": "Đồng ý", "en": "Agree"}, {"code": "no", "vi": "Không", "en": "No"}]}],
        "rule": "majority_present", "tie": "chair", "silence": "not_counted", "chair": "ttg@G22",
        "due_at": "2099-01-01T00:00:00.000Z",
        "members": [{"id": one, "name": one, "office": "Bộ trưởng"} for one in ("ttg@G22", "bt@G06", "bt@G09")],
    }  # fmt: skip
    paper = home / "to-trinh.pdf"
    paper.write_bytes(b"%PDF-1.4 to trinh")
    (home / "phieu.json").write_text(json.dumps(asked), "utf-8")
    opened = axis(home, "ballot", "open", str(home / "phieu.json"), "--as", "G22", "--paper", str(paper), "--json")
    assert opened.exit_code == 0, opened.output
    digest = lines(opened)[0]["ballot"][:12]
    act = home / "uy-quyen.p7s"
    given = axis(home, "ballot", "delegate", digest, "--as", "G09", "--by", "bt@G09", "--to", "tt@G09", "-o", str(act))
    assert given.exit_code == 0, given.output
    by_delegate = ("ballot", "vote", digest, "--as", "G09", "--by", "tt@G09", "--act", str(act), "--choose", "1=no")
    voted = axis(home, *by_delegate, "--json")
    assert voted.exit_code == 0, voted.output
    (status,) = lines(axis(home, "ballot", "status", digest, "--as", "G22", "--json"))
    assert (status["votes"], status["missing"], status["stage"]) == (1, ["ttg@G22", "bt@G06"], "open")
    for refused, code in (
        (axis(home, "ballot", "close", digest, "--as", "G22", "--json"), "BALLOT_OPEN"),
        (axis(home, "ballot", "close", digest, "--as", "G06", "--json"), "AUTHZ_MISMATCH"),
        (axis(home, "ballot", "verify", digest, "--as", "G06", "--json"), "BALLOT_UNKNOWN"),
        (axis(home, "ballot", "status", "PLYK-0", "--as", "G06", "--json"), "BALLOT_UNKNOWN"),
        (axis(home, "ballot", "vote", digest, "--as", "G06", "--by", "no@G06", "--choose", "1=no", "--json"), "KEY_FILE_MISSING"),
        (axis(home, "member", "add", "bt@G06", "--name", "x", "--json"), "HOME_EXISTS"),
        (axis(home, "member", "add", "G06", "--name", "x", "--json"), "BALLOT_SHAPE"),
    ):  # fmt: skip
        assert refused.exit_code not in {0, 1}, refused.output
        assert lines(refused)[0]["error"][0]["code"] == code
    revoked = axis(home, "member", "revoke", "bt@G06", "--reason", "thôi chức vụ")
    assert revoked.exit_code == 0, revoked.output
    (one,) = [one for one in lines(axis(home, "member", "list", "--json")) if one["person"] == "bt@G06"]
    assert one["standing"] == "closed"
