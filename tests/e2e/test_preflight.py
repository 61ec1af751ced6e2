"""``axis send --dry-run``: what would become of a document, said before it is sent; nothing is sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

import cli
from axis import bootstrap
from axis.services.operate import registry as members
from tests.line import Line, document, small_home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def line(tmp_path: Path) -> Line:
    made = small_home(tmp_path / "home")
    made.clock.now = datetime.now(UTC) - timedelta(minutes=1)
    return made


def ask(line: Line, packet: bytes, *arguments: str) -> Result:
    file = line.path.parent / "a.edxml"
    file.write_bytes(packet)
    command = ["send", str(file), "--from", "G22", "--dry-run", *arguments, "--lang", "en", "--home", str(line.path)]
    return CliRunner().invoke(cli.main, command)


def routes(line: Line, packet: bytes) -> list[dict[str, Any]]:
    done = ask(line, packet, "--json")
    assert done.exit_code == 0, done.output
    return list(json.loads(done.stdout.splitlines()[-1])["routes"])


def test_it_says_where_each_goes_and_by_when_and_sends_nothing(line: Line) -> None:
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.close(registrar, "G06", "G18", "hợp nhất", line.clock(), line.clock())
        members.suspend(registrar, "H29", "thử", line.clock())
    line.run()
    found = {one["to"]: one for one in routes(line, document(1, to=("H41.02", "G06", "H29")))}
    assert {to: (one["agency"], one["standing"]) for to, one in found.items()} == {
        "H41.02": ("H41", "active"),
        "G06": ("G18", "active"),
        "H29": ("H29", "suspended"),
    }
    assert all(one["due_at"] > line.clock.now.isoformat() for one in found.values())
    line.run()
    assert line.events("G22") == []
    assert line.files("G22", "outbox") == []


def test_people_read_it_too(line: Line) -> None:
    done = ask(line, document(1))
    assert done.exit_code == 0, done.output
    assert "Nghệ An" in done.output
    assert "+07:00" in done.output
    assert "valid until" in done.output


@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (document(1, to=("H63",)), "AGENCY_UNKNOWN"),
        (document(1, sender="H41"), "AUTHZ_MISMATCH"),
        (document(1, subject=""), "PACKET_MISSING"),
    ],
    ids=["a recipient that nobody knows", "in another's name", "no subject"],
)
def test_what_the_hub_would_refuse_is_said_with_its_place(line: Line, packet: bytes, code: str) -> None:
    done = ask(line, packet, "--json")
    assert done.exit_code == 3
    assert code in {f["code"] for f in json.loads(done.stdout.splitlines()[0])["findings"]}


def test_a_sender_that_may_not_send_is_told_before(line: Line) -> None:
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.suspend(registrar, "G22", "thử", line.clock())
    line.run()
    done = ask(line, document(1))
    assert done.exit_code == 3
    assert "AGENCY_SUSPENDED" in done.output


def test_a_key_that_was_revoked_is_told_before(line: Line) -> None:
    key = (line.path / "keys" / "G22.key").read_bytes(), (line.path / "keys" / "G22.pem").read_bytes()
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.rotate(registrar, "G22", "p256", revoke=True, reason="lộ khóa", now=line.clock())
    for name, content in zip(("key", "pem"), key, strict=True):
        (line.path / "keys" / f"G22.{name}").write_bytes(content)
    done = ask(line, document(1))
    assert done.exit_code == 3
    assert "KEY_REVOKED" in done.output
