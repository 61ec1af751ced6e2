"""The demo tells what has happened: each scene is held against the record and the folders that it leaves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from axis.commands.demo import TRY
from tests.line import Line

ROOT = Path(__file__).parent.parent.parent
SCENES = ["letter", "circular", "death", "refusal", "in_time", "too_late", "check"]
pytestmark = pytest.mark.timeout(1500)  # 95 agencies, and ten commands


def run(command: str | list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "AXIS_LANG": "en", **environment}
    shell = isinstance(command, str)
    return subprocess.run(command, shell=shell, capture_output=True, text=True, env=env, cwd=folder, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def told(folder: Path) -> list[dict[str, Any]]:
    """What a small demo says that keeps its home as H."""
    done = run([sys.executable, "-P", "-m", "axis", "demo", "--documents", "3", "--home", "H", "--json"], folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "piped, it says nothing beside its data"
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def scenes(told: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["scene"]: one for one in told[:-1]}


@pytest.fixture(scope="module")
def line(folder: Path, told: list[dict[str, Any]]) -> Line:
    """The home as it is left; the commands to try come last."""
    return Line(folder / "H")


def test_the_scenes_come_in_order_and_the_summary_last(told: list[dict[str, Any]]) -> None:
    assert [one.get("scene") for one in told] == [*SCENES, "next", None]
    summary = told[-1]
    assert set(summary) == {"documents", "deliveries", "handed_over", "receipts", "lost", "duplicates", "seconds"}
    assert (summary["documents"], summary["lost"], summary["duplicates"]) == (3, 0, 0)
    assert summary["handed_over"] == summary["deliveries"] > 188


def test_the_inboxes_have_what_was_sent_and_not_one_file_more(line: Line, told: list[dict[str, Any]]) -> None:
    inboxes = list((line.path / "agencies").glob("*/inbox/*.edxml"))
    assert len(inboxes) == told[-1]["deliveries"] + 3, "the mended letter, the one recalled too late, and its recall"


def test_the_letter_is_where_the_scene_says(line: Line, scenes: dict[str, dict[str, Any]]) -> None:
    letter = scenes["letter"]
    assert line.states(letter["code"]) == {"H41": "HANDED_OVER"}
    assert (letter["accepted_by"], letter["handed_over_by"]) == ("HUB", "H41")
    assert (line.path / letter["file"]).parent == line.folder("H41", "inbox")
    assert letter["digest"] in line.attachments("H41")
    events = {event["event"] for event in line.trace(letter["code"])["events"]}
    assert {"submission.accepted", "delivery.handed_over"} <= events


def test_the_circular_has_a_certificate_of_all_94(line: Line, scenes: dict[str, dict[str, Any]]) -> None:
    circular = scenes["circular"]
    assert (circular["recipients"], circular["handed_over"], circular["signer"]) == (94, 94, "HUB")
    assert set(line.states(circular["code"]).values()) == {"HANDED_OVER"}
    assert len(line.states(circular["code"])) == 94
    assert (line.path / circular["receipt"]).is_file()


def test_a_process_died_with_documents_shown_that_no_record_knew_of(scenes: dict[str, dict[str, Any]]) -> None:
    death = scenes["death"]
    assert death["signal"] == "SIGKILL"
    assert death["arrived"] >= 100 > death["recorded"]
    assert death["recorded"] < death["deliveries"] == death["handed_over"]
    assert (death["lost"], death["duplicates"]) == (0, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(death["pid"], 0)


def test_the_refusal_is_signed_and_its_mending_has_the_same_id(line: Line, scenes: dict[str, dict[str, Any]]) -> None:
    refusal = scenes["refusal"]
    assert (refusal["fault"], refusal["signer"]) == ("AGENCY_UNKNOWN", "HUB")
    report = json.loads((line.path / refusal["file"]).read_text("utf-8"))
    assert report["findings"][0]["code"] == "AGENCY_UNKNOWN"
    assert "H99" in refusal["reason"]["vi"]
    assert line.trace(refusal["code"])["document"]["document_id"] == refusal["document_id"]
    assert line.states(refusal["code"]) == {refusal["recipient"]: "HANDED_OVER"}


def test_what_was_recalled_in_time_was_never_seen(line: Line, scenes: dict[str, dict[str, Any]]) -> None:
    scene = scenes["in_time"]
    assert line.states(scene["code"]) == {"H26": "RECALLED"}
    assert line.stages(scene["code"]) == {"H26": ["recall WITHDRAWN"]}
    assert (scene["signer"], scene["in_inbox"]) == ("H26", 0), "by the adapter, which alone could know"


def test_what_was_recalled_too_late_is_a_clerks_decision(line: Line, scenes: dict[str, dict[str, Any]]) -> None:
    scene = scenes["too_late"]
    assert line.states(scene["code"]) == {"H29": "HANDED_OVER"}
    assert line.stages(scene["code"]) == {"H29": ["recall AGREED"]}
    assert (scene["signer"], scene["stage"]) == ("H29", "AGREED")


def test_the_check_is_done_by_xmlsec1_or_said_not_to_be(scenes: dict[str, dict[str, Any]]) -> None:
    check = scenes["check"]
    if shutil.which("xmlsec1"):
        assert (check["good"], check["altered"]) == (True, False)
    else:
        assert check["tool"] == ""
        assert "good" not in check


def test_the_ledger_of_the_home_is_whole(line: Line) -> None:
    assert line.check_ledger() > 400


def test_every_command_that_is_shown_works_as_it_stands(
    folder: Path, scenes: dict[str, dict[str, Any]], line: Line
) -> None:
    commands = scenes["next"]["commands"]
    assert len(commands) == len(TRY) == 10
    said = {}
    for name, command in zip(TRY, commands, strict=True):
        done = run(command, folder)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        said[name] = done.stdout
    assert "axis agency resume H26" in said["why"]
    assert "94" in said["board"]
    assert "PASSED" in said["verify"]
    assert line.states(scenes["next"]["number"]) == {"H26": "HANDED_OVER", "H41": "HANDED_OVER"}


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_scene_has_words_in_both_languages(
    language: str, scenes: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from axis.commands import console, demo
    from axis.trials.demo_scenes import Scene

    for module in (console, demo):
        monkeypatch.setattr(module, "LANG", language)
    for name in SCENES:
        facts = {key: entry for key, entry in scenes[name].items() if key != "scene"}
        lines = demo._sentences(Scene(name, facts))
        assert lines
        assert not [one for one in lines if "{" in one or "Z" in one.split()], lines
    assert "+07:00" in demo._sentences(Scene("letter", {k: v for k, v in scenes["letter"].items() if k != "scene"}))[1]


def test_without_xmlsec1_the_check_says_that_nothing_was_checked(
    folder: Path, line: Line, scenes: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from axis.commands import demo
    from axis.trials import demo_scenes

    monkeypatch.setenv("PATH", str(folder / "nothing"))
    scene = demo_scenes.check(line.path, line.path / scenes["check"]["receipt"])
    assert scene.facts["tool"] == ""
    assert "apt-get install xmlsec1" in "".join(demo._sentences(scene))


def test_a_home_that_is_there_is_left_alone(folder: Path, told: list[dict[str, Any]]) -> None:
    done = run([sys.executable, "-P", "-m", "axis", "demo", "--home", "H"], folder)
    assert done.returncode == 5
    assert "HOME_EXISTS" in done.stderr
