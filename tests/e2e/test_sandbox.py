"""``axis sandbox``: simulated agencies send what an agency will meet one day, and answer what it sends them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from axis import bootstrap
from axis.core import edxml
from axis.services import sandbox
from axis.services.operate import resend
from tests.line import Line, document, recall, rest, small_home

if TYPE_CHECKING:
    from pathlib import Path

CODES = ("G22", "H41", "H63", "G06", "G18", "H25", "H29", "H26", "H48")


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home", codes=CODES)


def play(line: Line, seconds: int = 30, *, away: bool = False) -> list[str]:
    """The whole programme, with what it says; `away`: the agency under test takes nothing meanwhile."""
    home = bootstrap.open_home(line.path)
    peers = bootstrap.sandbox_peers(home, "H41", line.clock())
    said = []
    with bootstrap.embedded_parts(home) as (hub, agencies):
        present = [one for one in agencies if not (away and one.code == "H41")]
        for _ in range(seconds):
            line.clock.now += timedelta(seconds=1)
            for one in peers.act(line.clock()):
                said.append(one.text)
                if not one.code:
                    with hub.store.reading() as reader:
                        again = resend.find(reader, resend.Selection(agency="H41", answered=True))
                    resend.send(hub, again, line.clock())
            rest(hub, present, line.clock, timedelta(0))
        assert peers.done
        rest(hub, agencies, line.clock, timedelta(hours=1))
    return said


def test_everything_that_may_come_comes_and_nothing_that_must_not(line: Line) -> None:
    said = play(line)
    assert said[0] == "sandbox.document"
    assert {"sandbox.clock", "sandbox.expired", "sandbox.garbled", "sandbox.resend", "sandbox.huge"} <= set(said)
    came = [
        edxml.convert((line.folder("H41", "inbox") / name).read_bytes())
        for name in line.files("H41", "inbox", "*.edxml")
    ]
    packets = [one.packet for one in came if one.packet is not None]
    assert sorted((p.sender.organ_id, p.kind.value) for p in packets) == [
        ("G22", "new"),
        ("G22", "new"),
        ("G22", "new"),
        ("G22", "recall"),
        ("G22", "recall"),
        ("G22", "update"),
        ("H63", "new"),
    ], "the second sending, and the delivery once more, are not seen"
    assert max(len(a) for one in came for a in one.attachments) > 19_000_000
    assert len(line.files("G06", "failed", "*.asice")) == 1, "the wrong clock"
    assert len(line.files("H25", "failed", "*.asice")) == 1, "the expired certificate"
    assert len(line.files("G18", "failed", "*.edxml")) == 1, "the broken XML"


def test_who_is_away_sees_nothing_of_what_was_recalled_meanwhile(line: Line) -> None:
    play(line, away=True)
    numbers = sorted(
        packet.code
        for name in line.files("H41", "inbox", "*.edxml")
        if (packet := edxml.convert((line.folder("H41", "inbox") / name).read_bytes()).packet) is not None
    )
    assert numbers == ["1/SB-H63", "3/SB-G22"], "1 and 2 were taken back before anybody saw them"


@pytest.mark.parametrize(
    ("to", "codes"),
    [("H29", ["03", "04", "05", "06", "15"]), ("H26", ["02", "16"]), ("H48", [])],
    ids=["obliging", "refusing", "silent"],
)
def test_each_peer_answers_in_its_own_way(line: Line, to: str, codes: list[str]) -> None:
    line.drop("H41", document(1, sender="H41", to=(to,)))
    line.run()
    line.drop("H41", recall(1, sender="H41", to=(to,)), "b.edxml")
    play(line)
    told = [one.split()[0] for one in line.statuses("H41") if one.endswith(to) and not one.startswith("01")]
    assert sorted(told) == codes
    assert line.files(to, "failed") == []


def verdict(line: Line) -> dict[str, str]:
    with bootstrap.reading(bootstrap.open_home(line.path)) as record, record.reading() as reader:
        return dict(sandbox.judged(reader, "H41"))


def test_a_system_is_told_what_it_has_left_undone_and_passes_when_it_has_done_it(line: Line) -> None:
    play(line)
    found = verdict(line)
    assert found["everything that came was taken"] == ""
    assert found["every document was accepted or refused"].startswith("4 not: 1/SB-G22")
    assert found["every recall and update was answered"].startswith("3 not")
    for sender, number in (("G22", 1), ("G22", 2), ("G22", 3), ("H63", 1)):
        name, day = f"{number}/SB-{sender}", "2026/11/23"
        about = edxml.ResponseFor(sender, name, f"{sender},{day},{name}", day)
        for code in ("03", "15", "15") if number < 3 and sender == "G22" else ("03",):
            text = f"lần {line.clock.now.timestamp()}" if code == "15" else ""
            made = edxml.status_packet(edxml.Organ("H41", "H41"), about, code, line.clock.now, text)
            line.drop("H41", made, f"{sender}-{number}-{code}.edxml")
            line.run()
    assert {why for name, why in verdict(line).items() if "refused" not in name} == {""}


def test_the_command_says_how_to_connect(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cli", "sandbox", "--home", str(tmp_path / "sandbox"), "--listen", "127.0.0.1:0"]
    done = subprocess.run(
        [*command, "--seconds", "4", "--json"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    first, *acts = [json.loads(row) for row in done.stdout.splitlines()]
    told = [one for one in acts if "check" in one]
    assert {one["check"]: one["passed"] for one in told}["everything that came was taken"] is False
    acts = [one for one in acts if "peer" in one]
    assert first["agency"] == "H41"
    assert first["url"].startswith("http://127.0.0.1:")
    assert min(len(first["secret"]), len(first["token"])) > 20
    assert acts[0]["peer"] == "G22"
