"""The line as it is served: a hub on PostgreSQL, an adapter process for each agency, a real RabbitMQ between them.

Each adapter runs from its exported home, with its own broker user, and cannot read the hub's home.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from axis import bootstrap, config
from axis.infra.database import read_url
from axis.infra.record import find, quarantine, registries, search
from axis.services.operate import provision
from axis.services.questions import trace
from tests.line import Clock, Line, document, status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from axis.infra.database import Row
    from axis.infra.record.store import HubReader
    from tests.servers import PostgreSql, RabbitMq

AGENCIES = ("G22", "H41", "G06")
AXIS = [sys.executable, "-P", "-m", "axis"]
CONTENT = b"%PDF-1.4 noi dung"
DIGEST = hashlib.sha256(CONTENT).hexdigest()

pytestmark = [pytest.mark.amqp, pytest.mark.postgres, pytest.mark.timeout(180)]


class Served:
    """The homes and the running processes."""

    def __init__(
        self,
        folder: Path,
        rabbitmq: RabbitMq,
        postgres: PostgreSql,
        stack: ExitStack,
        program: str = "",
        *,
        moved: bool = True,
    ) -> None:
        """`program`: what ``axis`` is; by default Python, which loads it anew."""
        self.folder = folder
        self.program = [program] if program else AXIS
        self.stack = stack
        self.home = folder / "hub"
        name = f"served{uuid.uuid4().hex[:8]}"
        self.urls = {"HUB": rabbitmq.add_hub(rabbitmq_vhost(rabbitmq, name))}
        self.urls |= {code: rabbitmq.add_agency(name, code, moved=moved) for code in AGENCIES}
        self.database = postgres.database(name)
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("AXIS_DATABASE_URL", self.database)
        self.make()
        self.lines = {code: Line(folder / code) for code in AGENCIES}
        shutil.rmtree(self.home / "agencies")

    def make(self) -> None:
        """The hub's home and the agencies'."""
        settings = config.Config(
            config.Installation(str(uuid.uuid4())),
            config.Store("postgresql"),
            config.Broker("amqp"),
            adapter=config.Adapter(settle_seconds=0.1),
        )
        rows = [row for row in provision.catalogue() if row["code"] in AGENCIES]
        provision.create_home(self.home, settings, "p256", Clock().now, rows=rows)
        opened = bootstrap.open_home(self.home)
        with bootstrap.reading(opened) as record, record.reading() as reader:
            registry = reader.payload(registries.newest(reader))
        for code in AGENCIES:
            provision.export(self.home, settings, [code], registry, self.folder / code, Clock().now)

    def start(self, *arguments: str, home: Path, user: str, wall: bool) -> subprocess.Popen[bytes]:
        """A process of ``axis``; with `wall` it has no right to pass over file permissions."""
        program = self.program
        if wall and os.geteuid() == 0:
            program = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", *AXIS]
        command = [*program, *arguments, "--home", str(home)]
        environment = {**os.environ, "AXIS_AMQP_URL": self.urls[user]}
        if user != "HUB":
            environment.pop("AXIS_DATABASE_URL")
        process = subprocess.Popen(command, env=environment, stderr=(home.parent / f"{user}.log").open("ab"))
        self.stack.callback(stop, process)
        return process

    def log(self, user: str) -> str:
        return (self.folder / f"{user}.log").read_text("utf-8")


def rabbitmq_vhost(rabbitmq: RabbitMq, name: str) -> str:
    rabbitmq.vhost(name)
    return name


def stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_for(what: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.1)


@pytest.fixture
def served(rabbitmq: RabbitMq, postgres: PostgreSql, program: str) -> Iterator[Served]:
    with TemporaryDirectory(prefix="axis-served-") as folder, ExitStack() as stack:
        yield Served(Path(folder), rabbitmq, postgres, stack, program)
        stack.close()
        (Path(folder) / "hub").chmod(0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a hub whose home its adapters cannot read")
def test_adapters_work_from_their_own_homes_with_the_hubs_home_closed_to_them(served: Served) -> None:
    hub = served.start("hub", home=served.home, user="HUB", wall=False)
    wait_for(lambda: "Running hub" in served.log("HUB"))
    served.home.chmod(0)
    look = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "ls", str(served.home)]
    assert subprocess.run(look, capture_output=True, check=False).returncode != 0
    adapters = {
        code: served.start("adapter", "run", code, home=served.folder / code, user=code, wall=True) for code in AGENCIES
    }
    sender = served.lines["G22"]
    sender.drop("G22", document(to=("H41", "G06")))
    wait_for(lambda: len(sender.files("G22", "status", "*.01.*")) == 2)
    for code in ("H41", "G06"):
        assert served.lines[code].attachments(code) == [DIGEST]
    assert sender.events("G22") == ["A.1", "E.1 G06", "E.1 H41"]
    assert sender.files("G22", "sent") == ["a.edxml"]
    served.lines["H41"].drop("H41", status("03"))
    wait_for(lambda: len(sender.files("G22", "status", "*.edxml")) == 3)
    # A restart of everything, in the middle of a day: nothing comes twice.
    for process in (hub, *adapters.values()):
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    served.home.chmod(0o700)
    served.start("hub", home=served.home, user="HUB", wall=False)
    for code in AGENCIES:
        served.start("adapter", "run", code, home=served.folder / code, user=code, wall=True)
    sender.drop("G22", document(2, to=("G06",), content=b"second"), "b.edxml")
    wait_for(lambda: len(sender.files("G22", "status", "*.01.*")) == 3)
    assert served.lines["H41"].attachments("H41") == [DIGEST]
    assert sorted(served.lines["G06"].attachments("G06")) == sorted([DIGEST, hashlib.sha256(b"second").hexdigest()])
    with bootstrap.reading(bootstrap.open_home(served.home)) as record:
        found = trace.trace(record, "1/TN-G22")
    assert {d["recipient"]: d["state"] for d in found["deliveries"]} == {"G06": "HANDED_OVER", "H41": "HANDED_OVER"}
    assert {d["recipient"]: d["business_status"] for d in found["deliveries"]} == {"G06": "01", "H41": "03"}


def test_a_killed_hub_and_killed_adapters_lose_and_double_nothing(served: Served) -> None:
    processes = [served.start("hub", home=served.home, user="HUB", wall=False)]
    processes += [
        served.start("adapter", "run", code, home=served.folder / code, user=code, wall=False) for code in AGENCIES
    ]
    sender = served.lines["G22"]
    contents = [f"document {number}".encode() for number in range(30)]
    for number, content in enumerate(contents, 1):
        sender.drop("G22", document(number, to=("H41", "G06"), content=content), f"{number}.edxml")
        if number in {10, 20}:
            wait_for(lambda: sender.files("G22", "receipts"))
            for process in processes:
                process.kill()
                process.wait()
            processes = [served.start("hub", home=served.home, user="HUB", wall=False)]
            processes += [
                served.start("adapter", "run", code, home=served.folder / code, user=code, wall=False)
                for code in AGENCIES
            ]
    wait_for(lambda: len(sender.files("G22", "status", "*.01.*")) == 60, 120)
    digests = sorted(hashlib.sha256(content).hexdigest() for content in contents)
    for code in ("H41", "G06"):
        assert sorted(served.lines[code].attachments(code)) == digests


def test_the_hub_does_not_believe_a_parcel_without_the_brokers_word(served: Served) -> None:
    """Published by the hub's own broker user, so without a user_id: put aside, though the signature is good, and not
    answered to the one in whose queue it was."""
    from axis.core import edxml, parcel
    from axis.core.message import Message, Route
    from axis.infra import keystore
    from axis.infra.amqp.broker import AmqpBroker

    served.start("hub", home=served.home, user="HUB", wall=False)
    wait_for(lambda: "Running hub" in served.log("HUB"))
    signer = keystore.load_signer(served.folder / "G22" / "keys", "G22")
    converted = edxml.convert(document())
    from datetime import UTC, datetime

    signed = parcel.build("document.edxml", converted.document, converted.attachments, signer, datetime.now(UTC))
    broker = AmqpBroker(served.urls["HUB"], user_id=None)
    broker.publish([Message("m1", Route("in", "G22"), signed)])
    broker.close()
    served.start("adapter", "run", "G22", home=served.folder / "G22", user="G22", wall=False)
    sender = served.lines["G22"]
    sender.drop("G22", document(2), "b.edxml")
    wait_for(lambda: sender.files("G22", "receipts", "*.asice"))  # of the second, which its own user published
    with bootstrap.reading(bootstrap.open_home(served.home)) as record, record.reading() as reader:
        (kept,) = quarantine.found(reader)
        assert (kept["agency"], kept["code"], kept["message_id"]) == ("", "PUBLISHER_OTHER", "m1")
        assert search.counts(reader)["documents"] == 1
    assert {said.subject.document_id for said in sender.receipts("G22").values()} == {"G22,2026/11/23,2/TN-G22"}


def test_a_restored_old_record_is_completed_by_the_agencies_and_nobody_sees_anything_twice(
    served: Served, postgres: PostgreSql
) -> None:
    def start_adapters() -> None:
        for code in AGENCIES:
            served.start("adapter", "run", code, home=served.folder / code, user=code, wall=False)

    hub = served.start("hub", home=served.home, user="HUB", wall=False)
    start_adapters()
    g22, h41 = served.lines["G22"], served.lines["H41"]
    g22.drop("G22", document(1, to=("H41",), content=b"before"))
    wait_for(lambda: g22.files("G22", "status", "*.01.*"))
    stop(hub)
    backup = postgres.copy(served.database, "backup")
    hub = served.start("hub", home=served.home, user="HUB", wall=False)
    g22.drop("G22", document(2, to=("H41", "G06"), content=b"after"), "b.edxml")
    wait_for(lambda: len(g22.files("G22", "status", "*.01.*")) == 3)
    h41.drop("H41", status("03", 2))
    wait_for(lambda: len(g22.files("G22", "status", "*.edxml")) == 4)
    stop(hub)
    os.environ["AXIS_DATABASE_URL"] = served.database = backup  # yesterday's, and the agencies know more
    engine = sa.create_engine(read_url(backup))
    with engine.begin() as connection:  # large, and without statistics, as pg_restore would have brought it
        rows = "AS SELECT repeat('x', 1000) AS x FROM generate_series(1, 1000)"
        connection.exec_driver_sql(f"CREATE TABLE brought WITH (autovacuum_enabled = false) {rows}")
    hub = served.start("hub", home=served.home, user="HUB", wall=False)
    assert hub.wait(30) == 6
    assert "RECORD_OLD" in served.log("HUB")
    with engine.connect() as connection:
        known = "SELECT count(*) FROM pg_stats WHERE tablename = 'brought'"
        assert connection.exec_driver_sql(known).scalar() == 1, "whoever opens it first has it analyzed"
    engine.dispose()
    command = [
        sys.executable,
        "-P",
        "-m",
        "axis",
        "reconcile",
        "--restored",
        "--older-than",
        "0",
        "--home",
        str(served.home),
    ]
    environment = {**os.environ, "AXIS_AMQP_URL": served.urls["HUB"]}
    assert subprocess.run(command, env=environment, check=False).returncode == 0
    served.start("hub", home=served.home, user="HUB", wall=False)

    def settled() -> bool:
        with bootstrap.reading(bootstrap.open_home(served.home)) as record, record.reading() as reader:
            counts = search.counts(reader)
            business = list(search.statuses(reader, [row["id"] for row in deliveries(reader, "2/TN-G22")]).values())
        return counts["documents"] == 2 and counts["handed_over"] == 3 and {"H41": "03"} in business

    wait_for(settled, 170)
    time.sleep(2)
    seen = sorted(hashlib.sha256(content).hexdigest() for content in (b"before", b"after"))
    assert sorted(h41.attachments("H41")) == seen
    assert served.lines["G06"].attachments("G06") == [hashlib.sha256(b"after").hexdigest()]
    assert len(g22.files("G22", "inbox")) == 0
    reported = [
        name for name in g22.files("G22", "status", "*.edxml") if name.count(".") == 1
    ]  # "<axis id>.edxml": H41's 03
    assert len(reported) == 1


def deliveries(reader: HubReader, reference: str) -> list[Row]:
    found = find.find(reader, reference).exact
    return [row for one in found if one["kind"] == "new" for row in search.deliveries(reader, one["axis_id"])]
