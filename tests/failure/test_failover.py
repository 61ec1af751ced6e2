"""The database's standby is promoted while hub and adapters carry documents: with a synchronous one nothing is lost and
nobody does anything; with one that lagged the hub notices, and the agencies send again what is missing."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from axis import bootstrap
from axis.infra.record import ledger, search
from tests.e2e.test_served_line import AGENCIES, Served, wait_for
from tests.failure.test_standby import Standby
from tests.line import document
from tests.servers import PostgreSql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import RabbitMq

pytestmark = [pytest.mark.amqp, pytest.mark.postgres, pytest.mark.timeout(400)]


AHEAD = 15  # documents that are on their way at most, so that a slow machine comes to an end


def content(number: int) -> bytes:
    return b"content %d" % number


class Failover(Served):
    """A served line whose hub knows both servers, and whose first agency goes on writing."""

    def __init__(self, folder: Path, rabbitmq: RabbitMq, primary: PostgreSql, stack: ExitStack, program: str) -> None:
        super().__init__(folder, rabbitmq, primary, stack, program)
        self.primary = primary
        self.standby = Standby(primary)
        stack.callback(self.standby.stop)
        name = self.database.rpartition("/")[2]
        hosts = f"127.0.0.1:{primary.port},127.0.0.1:{self.standby.port}"
        os.environ["AXIS_DATABASE_URL"] = self.database = f"postgresql://axis@{hosts}/{name}"
        self.written = 0
        self._enough = threading.Event()
        self._writer = threading.Thread(target=self._write)

    def _write(self) -> None:
        while not self._enough.wait(0.1):
            if self.written - self.answered() // 2 >= AHEAD:
                continue
            number = self.written + 1
            packet = document(number, to=("H41", "G06"), content=content(number))
            self.lines["G22"].drop("G22", packet, f"{number}.edxml")
            self.written = number

    def begin(self) -> None:
        wait_for(lambda: "Running hub" in self.log("HUB"))
        for code in AGENCIES:
            self.start("adapter", "run", code, home=self.folder / code, user=code, wall=False)
        self._writer.start()
        self.stack.callback(self.enough)

    def enough(self) -> None:
        self._enough.set()
        self._writer.join()

    def run_hub(self) -> subprocess.Popen[bytes]:
        return self.start("hub", home=self.home, user="HUB", wall=False)

    def answered(self) -> int:
        """Copies of which the sender knows that they were handed over."""
        return len(self.lines["G22"].files("G22", "status", "*.01.*"))

    def handed_over(self) -> int:
        """Copies of which the record says so."""
        with bootstrap.reading(bootstrap.open_home(self.home)) as record, record.reading() as reader:
            return search.counts(reader)["handed_over"]

    def assert_each_once(self) -> None:
        digests = sorted(hashlib.sha256(content(number)).hexdigest() for number in range(1, self.written + 1))
        for code in ("H41", "G06"):
            assert sorted(self.lines[code].attachments(code)) == digests
        assert self.lines["G22"].files("G22", "failed") == []
        with bootstrap.reading(bootstrap.open_home(self.home)) as record, record.reading() as reader:
            ledger.check(reader)


@pytest.fixture
def line(rabbitmq: RabbitMq, program: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Failover]:
    monkeypatch.setenv("AXIS_DATABASE_URL", "")  # put back at the end
    with (
        PostgreSql("-c fsync=off") as primary,
        TemporaryDirectory(prefix="axis-served-") as folder,
        ExitStack() as stack,
    ):
        yield Failover(Path(folder), rabbitmq, primary, stack, program)
        stack.close()


def test_a_synchronous_standby_that_is_promoted_under_traffic_goes_on_with_everything(line: Failover) -> None:
    line.standby.is_written_to_first()
    hub = line.run_hub()
    line.begin()
    wait_for(lambda: line.answered() >= 10)
    line.primary.kill()
    before = line.written
    line.standby.promote()
    wait_for(lambda: line.answered() > 2 * before, 120)
    line.enough()
    wait_for(lambda: line.answered() == 2 * line.written, 120)
    line.assert_each_once()
    assert line.handed_over() == 2 * line.written
    assert hub.poll() is None, "nobody had to start it again"


def test_what_a_lagging_standby_lacks_when_it_is_promoted_is_noticed_and_sent_again(line: Failover) -> None:
    hub = line.run_hub()
    line.begin()
    wait_for(lambda: line.answered() >= 4)
    line.standby.lag()
    known = line.handed_over()  # of these some are on their way to the sender still: the standby may have them
    wait_for(lambda: line.answered() >= known + 6)
    line.primary.kill()
    line.standby.promote()
    assert hub.wait(60) == 6
    assert "RECORD_OLD" in line.log("HUB")
    assert line.handed_over() < line.answered(), "the record knows less than its agencies"
    assert line.run_hub().wait(60) == 6, "nor does it start"
    command = [sys.executable, "-P", "-m", "axis", "reconcile", "--restored", "--older-than", "0", "--home"]
    environment = {**os.environ, "AXIS_AMQP_URL": line.urls["HUB"]}
    assert subprocess.run([*command, str(line.home)], env=environment, check=False).returncode == 0
    hub = line.run_hub()
    line.enough()
    wait_for(lambda: line.handed_over() == 2 * line.written, 200)
    wait_for(lambda: line.answered() == 2 * line.written, 60)
    line.assert_each_once()
    assert hub.poll() is None
