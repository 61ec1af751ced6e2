"""One command suspends an agency: registry, broker rights and open connections; its mail waits and arrives later."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_broker_setup import Site
from tests.e2e.test_served_line import stop, wait_for
from tests.line import Line, document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import PostgreSql, RabbitMq

pytestmark = [pytest.mark.amqp, pytest.mark.postgres, pytest.mark.timeout(240)]
CODES = ("G22", "H41", "G06")


class Running:
    """A served axis of three agencies: broker set up by command, hub and adapters running."""

    def __init__(self, folder: Path, node: RabbitMq, postgres: PostgreSql, stack: ExitStack, program: str) -> None:
        self.folder, self.stack, self.program = folder, stack, program
        self.site = Site(folder, node, database=postgres.database(f"site{os.getpid()}x{time.monotonic_ns()}"))
        set_up = self.site.axis("broker", "setup", "--keep-guest", "--passwords", str(folder / "urls"))
        assert set_up.exit_code == 0, set_up.output
        self.lines = {}
        self.processes = {"hub": self.start("hub", self.site.home, "hub")}
        for code in CODES:
            assert self.site.axis("agency", "export", code, "--to", str(folder / code)).exit_code == 0
            self.lines[code] = Line(folder / code)
            self.processes[code] = self.start(code, folder / code, "adapter", "run", code)

    def start(self, user: str, home: Path, *arguments: str) -> subprocess.Popen[bytes]:
        url = (self.folder / "urls" / user).read_text("utf-8").strip()
        environment = {**os.environ, **self.site.environment, "AXIS_AMQP_URL": url}
        log = (self.folder / f"{user}.log").open("ab")
        process = subprocess.Popen([self.program, *arguments, "--home", str(home)], env=environment, stderr=log)
        self.stack.callback(stop, process)
        return process

    def connections(self, code: str) -> int:
        return len(self.site.ask("get", "connections", "username", code))

    def log(self, user: str) -> str:
        return (self.folder / f"{user}.log").read_text("utf-8")


@pytest.fixture
def running(managed_rabbitmq: RabbitMq, postgres: PostgreSql, program: str) -> Iterator[Running]:
    with TemporaryDirectory(prefix="axis-suspension-") as folder, ExitStack() as stack:
        yield Running(Path(folder), managed_rabbitmq, postgres, stack, program)


def test_a_suspended_agency_is_cut_off_at_once_and_gets_its_mail_once_after_it_is_resumed(running: Running) -> None:
    sender, suspended = running.lines["G22"], running.lines["H41"]
    sender.drop("G22", document(1, to=("H41", "G06"), content=b"one"), "1.edxml")
    wait_for(lambda: len(sender.files("G22", "status", "*.01.*")) == 2)
    wait_for(lambda: running.connections("H41") > 0)
    begun = time.monotonic()
    done = running.site.axis("agency", "suspend", "000.00.00.H41", "--reason", "lộ khóa")
    assert done.exit_code == 0, done.output
    assert "connections closed" in done.output
    wait_for(lambda: running.connections("H41") == 0, 60)
    assert time.monotonic() - begun < 60
    # It tries to come back and does not get in; its process goes on living, and says so once.
    wait_for(lambda: "not set up as needed" in running.log("H41"), 60)
    sender.drop("G22", document(2, to=("H41", "G06"), content=b"two"), "2.edxml")
    wait_for(lambda: len(sender.files("G22", "status", "*.01.*")) == 3)
    assert running.processes["H41"].poll() is None
    assert running.connections("H41") == 0
    assert suspended.attachments("H41") == [hashlib.sha256(b"one").hexdigest()]
    again = running.site.axis("agency", "suspend", "H41")
    assert (again.exit_code, "nothing was changed" in again.output) == (0, True)
    assert running.site.axis("agency", "resume", "H41").exit_code == 0
    wait_for(lambda: len(sender.files("G22", "status", "*.01.*")) == 4, 90)
    expected = sorted(hashlib.sha256(content).hexdigest() for content in (b"one", b"two"))
    assert sorted(suspended.attachments("H41")) == expected
    assert "works again after" in running.log("H41")
    assert running.log("H41").count("not set up as needed") <= 3


def test_when_the_management_api_is_away_the_registry_stands_and_the_command_says_what_is_not_done(
    running: Running,
) -> None:
    wait_for(lambda: running.connections("H41") > 0)
    good = running.site.environment["AXIS_MANAGEMENT_URL"]
    running.site.environment["AXIS_MANAGEMENT_URL"] = "http://guest:guest@127.0.0.1:1"
    half = running.site.axis("agency", "suspend", "H41")
    assert (half.exit_code, "NOT" in half.output) == (4, True), half.output
    running.site.environment["AXIS_MANAGEMENT_URL"] = good
    whole = running.site.axis("agency", "suspend", "H41")
    assert (whole.exit_code, "nothing was changed" in whole.output) == (0, True)
    wait_for(lambda: running.connections("H41") == 0, 60)


def test_a_key_revoked_for_theft_ends_the_sessions_of_its_agency(running: Running) -> None:
    wait_for(lambda: running.connections("H41") > 0)
    done = running.site.axis("agency", "rotate", "H41", "--revoke", "--reason", "mất khóa")
    assert done.exit_code == 0, done.output
    assert "connections closed" in done.output
    assert " 0 connections" not in done.output
