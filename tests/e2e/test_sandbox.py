"""``axis sandbox``: simulated agencies send what an agency will meet one day, and answer what it sends them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from axis import bootstrap
from axis.adapters.dvcqg import records
from axis.core import edxml
from axis.core.ballot.vote import Answer
from axis.core.edxml import opencps
from axis.services.ballots import Office
from axis.services.operate import resend
from axis.trials import sandbox, sandbox_ballot
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
    peers = sandbox.peers(home, "H41", line.clock())
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


def test_an_application_is_tried_alone_the_others_resolve_answer_a_payment_and_rate(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home", codes=("G22", "G15", "H41", "G06", "H25"))
    home, number = bootstrap.open_home(line.path), "H41.1-261126-0000001"
    said: list[tuple[str, str]] = []
    peers = sandbox.peers(home, "H41", line.clock())
    peers._coming.clear()  # no documents beside it
    fees = {"PhiLePhi": [{"MaPhiLePhi": "LP", "SoTien": "150000"}, {"MaPhiLePhi": "P", "SoTien": "50000"}]}
    sent: list[tuple[str, dict[str, Any]]] = [
        (records.APPLICATION, {"TrangThaiHoSo": "1", "MaDonViXuLy": "G15"}),
        (records.PROGRESS, {"TrangThai": "2"}),
        (records.REQUEST, {"MaTraCuuTT": "TT1", **fees}),
        (records.PROGRESS, {"TrangThai": "10"}),
    ]
    with bootstrap.embedded_parts(home) as (hub, agencies):
        for place, (kind, record) in enumerate(sent):
            content = json.dumps({"MaHoSo": number, **record}).encode()
            to = [edxml.Organ(code, code) for code in ("G22", "G15")]
            packet = opencps.application_packet(
                edxml.Organ("H41", "H41"), to, kind, number, "Thử", line.clock(), {records.ATTACHMENTS[kind]: content}
            )
            line.drop("H41", packet, f"{place}.edxml")
            for _ in range(2):
                rest(hub, agencies, line.clock, timedelta(0))
                acts = [one for one in peers.act(line.clock()) if one.text.startswith("sandbox.dossier")]
                said += [(one.code, one.text.rpartition(".")[2]) for one in acts]
    assert said == [("G15", "4"), ("G15", "9"), ("G22", "pending"), ("G22", "paid"), ("G22", "rated")]
    came = [
        edxml.convert((line.folder("H41", "inbox") / name).read_bytes())
        for name in line.files("H41", "inbox", "*.edxml")
    ]
    told = [json.loads(one.attachments[0]) for one in came]
    assert sorted(one.get("TrangThai", "") for one in told) == ["", "", "", "4", "9"]
    assert {one["SoTien"] for one in told if one.get("error_code") == "0"} == {"200000"}
    assert line.files("G15", "failed") == line.files("G22", "failed") == []


@pytest.mark.parametrize("votes", [True, False])
def test_a_ballot_is_tried_alone_the_others_ask_vote_remind_close_and_count(tmp_path: Path, votes: bool) -> None:
    line = small_home(tmp_path / "home", codes=("G22", "G15", "H41", "H29"))
    home, start = bootstrap.open_home(line.path), line.clock()
    said: list[str] = []
    person = sandbox_ballot.prepare(home, "H41", start)
    assert sandbox_ballot.prepare(home, "H41", start) == person, "a sandbox that is started again has them"
    with bootstrap.embedded_parts(home) as (hub, agencies):
        journals = {one.code: one.journal for one in agencies}
        peers = sandbox_ballot.BallotPeers(home, journals, "H41", start, timedelta(seconds=40))
        voted = not votes

        def office() -> Office:
            return Office(line.path, "H41", journals["H41"], bootstrap.hub_certificate(home))

        assert peers.judged() == (sandbox_ballot.CHECK, "the ballot was not counted yet")
        for _ in range(60):
            line.clock.now += timedelta(seconds=1)
            said += [one.text.rpartition(".")[2] for one in peers.act(line.clock())]
            if "reminded" in said and not voted:
                (held,) = office().ballots()
                _, step = office().vote(held.ballot, person, [Answer(1, "disagree", "chưa rõ")], line.clock())
                line.drop("H41", step.packet, step.name)
                voted = True
            rest(hub, agencies, line.clock, timedelta(0))
        assert said == ["asked", "voted", "voted", "reminded", "closed", "opened", "counted"]
        (held,) = office().ballots()
        result, found, _ = office().verify(held)
    assert (found, dict(result.decided[0].counts)) == ([], {"agree": 2, "disagree": int(votes)})
    assert peers.judged() == (sandbox_ballot.CHECK, "" if votes else "no vote came")


def test_a_ballots_term_begins_when_it_is_asked_however_late_that_is(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home", codes=("G22", "G15", "H41", "H29"))
    home, start = bootstrap.open_home(line.path), line.clock()
    sandbox_ballot.prepare(home, "H41", start)
    with bootstrap.embedded_parts(home) as (hub, agencies):
        journals = {one.code: one.journal for one in agencies}
        peers = sandbox_ballot.BallotPeers(home, journals, "H41", start, timedelta(seconds=40))
        assert list(peers.act(line.clock())) == [], "nobody has the registry with its persons yet"
        line.clock.now += timedelta(minutes=10)  # a slow machine
        rest(hub, agencies, line.clock, timedelta(0))
        (asked,) = peers.act(line.clock())
        assert asked.text == sandbox_ballot.ASKED
        assert peers.due >= start + timedelta(minutes=10, seconds=40)


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
    command = [
        sys.executable,
        "-P",
        "-m",
        "axis",
        "sandbox",
        "--home",
        str(tmp_path / "sandbox"),
        "--listen",
        "127.0.0.1:0",
    ]
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
