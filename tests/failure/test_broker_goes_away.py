"""The broker is restarted, and queues are deleted, under a hub and adapters that work: they go on by themselves, and
nothing is lost or shown twice."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pika
import pytest

from axis.core.instant import VIETNAM
from axis.core.message import Route
from axis.infra.amqp.broker import AmqpBroker
from tests.e2e.test_served_line import AGENCIES, Served, stop, wait_for
from tests.line import document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import PostgreSql, RabbitMq

pytestmark = [pytest.mark.amqp, pytest.mark.postgres, pytest.mark.timeout(240)]


@pytest.fixture
def served(rabbitmq: RabbitMq, postgres: PostgreSql, program: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("AXIS_DATABASE_URL", "")  # put back at the end
    with TemporaryDirectory(prefix="axis-served-") as folder, ExitStack() as stack:
        yield Served(Path(folder), rabbitmq, postgres, stack, program)
        stack.close()


def content(number: int) -> bytes:
    return b"content %d" % number


def drop(served: Served, numbers: range) -> None:
    for number in numbers:
        packet = document(number, to=("H41", "G06"), content=content(number))
        served.lines["G22"].drop("G22", packet, f"{number}.edxml")


def arrived(served: Served, count: int) -> bool:
    """The sender knows of every copy of its first `count` documents that it was handed over."""
    return len(served.lines["G22"].files("G22", "status", "*.01.*")) == 2 * count


def assert_each_once(served: Served, count: int) -> None:
    digests = sorted(hashlib.sha256(content(number)).hexdigest() for number in range(1, count + 1))
    for code in ("H41", "G06"):
        assert sorted(served.lines[code].attachments(code)) == digests
    assert served.lines["G22"].files("G22", "failed") == []


def test_a_restarted_broker_and_deleted_queues_are_survived_by_running_hub_and_adapters(
    served: Served, rabbitmq: RabbitMq
) -> None:
    running = {"HUB": served.start("hub", home=served.home, user="HUB", wall=False)}
    for code in AGENCIES:
        running[code] = served.start("adapter", "run", code, home=served.folder / code, user=code, wall=False)
    drop(served, range(1, 11))
    wait_for(lambda: served.lines["G22"].files("G22", "receipts"))
    rabbitmq.stop()  # in order: every connection is told so
    drop(served, range(11, 16))
    rabbitmq.start()
    drop(served, range(16, 21))
    wait_for(lambda: arrived(served, 20), 120)
    assert_each_once(served, 20)

    # Mail waits for H41, whose adapter is off; the others' consumers stand at the queues that are deleted under them.
    stop(running.pop("H41"))
    drop(served, range(21, 24))
    mail = Route("out", "H41").queue
    hub = AmqpBroker(served.urls["HUB"], user_id=None)
    wait_for(lambda: hub.waiting(mail)[0] == 3)
    vhost = served.urls["HUB"].rpartition("/")[2]
    connection = pika.BlockingConnection(pika.URLParameters(rabbitmq.url(vhost)))
    read = {"G06": Route("out", "G06").queue, "G22": Route("out", "G22").queue, "HUB": Route("in", "G22").queue}
    for queue in (mail, *read.values()):
        connection.channel().queue_delete(queue)
    connection.close()
    # RabbitMQ 3.10 tells a consumer nothing, and brings it nothing more, when its quorum queue is made again within some
    # 20 ms of being deleted; whoever runs `axis broker setup` after a queue was deleted is slower than that.
    wait_for(lambda: all(f"queue {queue} cannot be read" in served.log(user) for user, queue in read.items()))
    hub.declare(AGENCIES)  # as `axis broker setup` does
    hub.close()
    running["H41"] = served.start("adapter", "run", "H41", home=served.folder / "H41", user="H41", wall=False)
    drop(served, range(24, 27))
    # Some of G22's receipts may have lain in its queue.
    receipts = ["--receipts-since", f"{datetime.now(VIETNAM):%Y-%m-%d}"]
    command = [
        sys.executable,
        "-P",
        "-m",
        "axis",
        "reconcile",
        "--older-than",
        "0",
        *receipts,
        "--home",
        str(served.home),
    ]
    environment = {**os.environ, "AXIS_AMQP_URL": served.urls["HUB"]}
    assert subprocess.run(command, env=environment, check=False).returncode == 0
    wait_for(lambda: arrived(served, 26), 120)
    assert_each_once(served, 26)
    assert [user for user, process in running.items() if process.poll() is not None] == []
