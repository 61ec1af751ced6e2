"""SIGTERM ends a process soon, whatever it waits for: files, a server that says nothing, a broker that is away."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from axis.adapters import sftp
from axis.adapters.base import Place
from axis.adapters.bell import Bell
from axis.core.message import Message, Route
from axis.errors import Fault, Unavailable
from axis.infra.amqp.broker import AmqpBroker
from tests.line import small_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers import RabbitMq

HOURS = 3600.0
PATIENCE = 90.0
FILES = 10_000


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that lets everybody in and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def ended_by_stopping(work: Callable[[Callable[[], bool]], Any]) -> BaseException | None:
    """What `work` has raised, a moment after it was told to stop; told by the bell's word."""
    stop, raised = threading.Event(), list[BaseException]()
    bell = Bell(stop.is_set)

    def run() -> None:
        try:
            work(bell.is_over)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(1.5)
    assert thread.is_alive(), f"it waits for nothing: {raised}"
    stop.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    bell.close()
    return raised[0] if raised else None


def test_a_broker_that_says_nothing_is_not_waited_for(silent: int) -> None:
    def work(is_over: Callable[[], bool]) -> None:
        url = f"amqp://guest:guest@127.0.0.1:{silent}/"
        broker = AmqpBroker(url, user_id=None, connect_timeout=HOURS, confirm_timeout=HOURS, is_over=is_over)
        try:
            broker.publish([Message("1", Route("in", "G22"), b"1")])
        finally:
            broker.close()

    raised = ended_by_stopping(work)
    assert isinstance(raised, Unavailable)
    assert raised.fault is Fault.BROKER_DOWN


@pytest.mark.amqp
def test_a_broker_that_has_stopped_answering_is_not_waited_for(rabbitmq: RabbitMq) -> None:
    url = rabbitmq.vhost("stopping")
    AmqpBroker(url, user_id=None).declare(["G22"])

    def work(is_over: Callable[[], bool]) -> None:
        broker = AmqpBroker(url, user_id=None, connect_timeout=HOURS, confirm_timeout=HOURS, is_over=is_over)
        broker.publish([Message("1", Route("in", "G22"), b"1")])
        rabbitmq.signal(signal.SIGSTOP)
        try:
            broker.publish([Message("2", Route("in", "G22"), b"2")])
        finally:
            broker.close()

    try:
        raised = ended_by_stopping(work)
    finally:
        rabbitmq.signal(signal.SIGCONT)
    assert isinstance(raised, Unavailable)


def test_an_sftp_server_that_says_nothing_is_not_waited_for(
    silent: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp, "CONNECT", HOURS)
    monkeypatch.setattr(sftp, "TIMEOUT", HOURS)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "client"], check=True)
    public = (tmp_path / "client.pub").read_text().rsplit(" ", 1)[0]
    given = {"host": "127.0.0.1", "port": silent, "user": "axis", "key_file": "client", "host_key": public}

    class Stopping(Bell):
        def __init__(self, is_over: Callable[[], bool]) -> None:
            super().__init__()
            self.is_over = is_over  # type: ignore[method-assign]

    def work(is_over: Callable[[], bool]) -> None:
        list(sftp.SftpAdapter(Place("H41", tmp_path, given, bell=Stopping(is_over))).collect())

    raised = ended_by_stopping(work)
    assert isinstance(raised, Unavailable)
    assert raised.fault is Fault.ADAPTER_AWAY


@pytest.mark.timeout(300)
def test_ten_thousand_files_are_not_finished_first(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    outbox = line.folder("G22", "outbox")
    for number in range(FILES):
        (outbox / f"{number}.edxml").write_bytes(b"<edXML>%d</edXML>" % number)
    command = [sys.executable, "-P", "-m", "axis", "run", "--home", str(line.path)]
    running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + PATIENCE
        while not line.files("G22", "failed") and time.monotonic() < end:
            time.sleep(0.02)
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE) == 0
    finally:
        running.kill()
        running.wait()
    left, failed = len(os.listdir(outbox)), len(line.files("G22", "failed", "*.error.json"))
    assert failed, "it had begun"
    assert left > FILES // 2
    assert left + failed == FILES, "each is where it was, or where it belongs"
