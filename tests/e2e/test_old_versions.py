"""Homes, records and adapters of an earlier version beside this one: nothing is lost, and everybody goes on working."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from axis import cli
from axis.errors import Rejected
from axis.infra import keystore, payloads
from axis.infra.database import SCHEMA_VERSION, Database
from axis.infra.segments import Segments
from tests import old, own, sample
from tests.e2e.test_served_line import AGENCIES, Served, stop, wait_for
from tests.e2e.test_types import PERMIT, permit
from tests.line import CODES, Line, document, recall
from tests.old import content
from tests.served import ServedLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import PostgreSql, RabbitMq

# What the old program has left (tests/old_home.py): states of the deliveries, by number and recipient.
BEFORE = {
    1: {"H41": "HANDED_OVER", "G06": "HANDED_OVER"},
    2: {"H41": "RECALLED"},
    3: {"H41": "REFUSED"},
    4: {"H41": "FAILED"},
    6: {"G18": "ACCEPTED"},
    7: {"H41": "QUEUED", "G06": "HANDED_OVER"},
    8: {"H41": "QUEUED"},
    10: {"H41": "QUEUED"},
}
HANDED = {"H41": "HANDED_OVER"}
AFTER = {
    **BEFORE,
    4: HANDED,
    6: {"G18": "HANDED_OVER"},
    7: {"H41": "HANDED_OVER", "G06": "HANDED_OVER"},
    8: {"H41": "RECALLED"},
    10: HANDED,
    12: {"H41": "HANDED_OVER", "G06": "HANDED_OVER"},
    13: {"G06": "HANDED_OVER"},
}
# The contents in each inbox at the end; 9 is what the update of 1 brought, 5 what waited in quarantine.
INBOXES = {"H41": (1, 4, 5, 7, 9, 10, 12), "G06": (1, 7, 12, 13), "G18": (6,)}


class OldHome(Line):
    """An embedded home that the old program has made."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.clock.now = datetime.fromisoformat((path / "clock").read_text("utf-8"))


class OldServedLine(ServedLine):
    """A home whose record is on PostgreSQL and whose mail is at RabbitMQ, left there by the old program."""

    def __init__(self, path: Path, rabbitmq: RabbitMq, url: str) -> None:
        Line.__init__(self, path)
        self.vhost = f"old{time.monotonic_ns()}"
        rabbitmq.vhost(self.vhost)
        self.codes = CODES
        self.urls = {code: rabbitmq.add_agency(self.vhost, code, moved=False) for code in CODES}
        self.urls["hub"] = rabbitmq.add_hub(self.vhost)
        self.url = url
        self._rabbitmq = rabbitmq
        self._stack = ExitStack()
        self._opened = None
        old.make("served", path, OLD_URLS=json.dumps(self.urls), AXIS_DATABASE_URL=url)
        self.clock.now = datetime.fromisoformat((path / "clock").read_text("utf-8"))


@pytest.fixture(params=["embedded", pytest.param("served", marks=[pytest.mark.amqp, pytest.mark.postgres])])
def line(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Line]:
    home = tmp_path / "home"
    if request.param == "embedded":
        shutil.copytree(old.embedded(), home)
        yield OldHome(home)
        return
    url = request.getfixturevalue("postgres").database(f"old{time.monotonic_ns()}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AXIS_DATABASE_URL", url)
        node = request.getfixturevalue("managed_rabbitmq")
        with OldServedLine(home, node, url) as served:
            patch.setenv("AXIS_AMQP_URL", served.urls["hub"])
            patch.setenv("AXIS_MANAGEMENT_URL", node.management_url)
            yield served


def axis(line: Line, *arguments: str) -> str:
    done = CliRunner().invoke(cli.main, [*arguments, "--lang", "en", "--home", str(line.path)])
    assert done.exit_code == 0, done.output
    return done.stdout


def states(line: Line) -> dict[int, dict[str, str]]:
    """As the record has them; of documents that it does not have, nothing."""
    found = {}
    for number in range(1, 14):
        with suppress(Rejected):
            found[number] = line.states(f"G22,2026/11/23,{number}/TN-G22")
    return found


def in_record(line: Line, query: str) -> list[tuple[Any, ...]]:
    database = Database(os.environ.get("AXIS_DATABASE_URL", f"sqlite:///{line.path / 'axis.db'}"))
    try:
        with database.read() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]
    finally:
        database.close()


def bytes_in_rows(path: Path) -> int:
    """How many payloads lie in a row of the home's own file that are to lie in a segment."""
    database = Database(f"sqlite:///{path / 'axis.db'}")
    try:
        with database.read() as connection:
            return payloads.in_rows(connection)
    finally:
        database.close()


@pytest.mark.timeout(300)
def test_an_upgrade_that_is_killed_anywhere_leaves_a_home_that_the_next_one_finishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies on the disk before and after each append, each flush and each commit of an upgrade of an old home, and
    when its file is made smaller, is upgraded, a part of it in each run; from the last of these the line goes on."""
    monkeypatch.setattr(payloads, "SMALL", 3000)
    monkeypatch.setattr(payloads, "MOVED", 40_000)
    home = tmp_path / "home"
    shutil.copytree(old.embedded(), home)
    held = {row[0]: row[1] for row in in_record(OldHome(home), "SELECT digest, content FROM payload")}
    images: list[Path] = []
    begin = Database.begin

    def image() -> None:
        images.append(tmp_path / f"image{len(images)}")
        shutil.copytree(home, images[-1])

    def around(call: Any) -> Any:
        def seen(*arguments: Any, **named: Any) -> Any:
            image()
            found = call(*arguments, **named)
            image()
            return found

        return seen

    @contextmanager
    def transaction(self: Database) -> Iterator[Any]:
        with begin(self) as connection:
            yield connection
            image()
        image()

    with monkeypatch.context() as patch:
        patch.setattr(Database, "begin", transaction)
        patch.setattr(Segments, "flush", around(Segments.flush))
        patch.setattr(Database, "shrink", around(Database.shrink))
        axis(OldHome(home), "upgrade")
    assert len(images) > 20
    for number, path in enumerate(images):
        if path != images[-1] and not sample.is_tried(number, 3):
            continue
        axis(OldHome(path), "upgrade")
        assert bytes_in_rows(path) == 0
        database = Database(f"sqlite:///{path / 'axis.db'}")
        with database.read() as connection:
            found = payloads.get_sound(connection, held)
        database.close()
        assert found == held
        if path != images[-1]:
            shutil.rmtree(path)
    line = OldHome(images[-1])
    line.run()
    assert {number: found for number, found in states(line).items() if number in {4, 8, 10, 12, 13}} == {
        4: HANDED,
        8: {"H41": "RECALLED"},
        10: HANDED,
        12: AFTER[12],
        13: AFTER[13],
    }
    line.check_ledger()


@pytest.mark.timeout(180)
def test_a_home_of_the_earlier_version_is_upgraded_with_documents_in_every_state_and_loses_none(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payloads, "SMALL", 3000)  # what the home holds goes into segments
    entries = in_record(line, "SELECT position, digest, canonical FROM ledger WHERE position IS NOT NULL ORDER BY 1")
    receipts = {name: (line.folder("G22", "receipts") / name).read_bytes() for name in line.files("G22", "receipts")}
    assert len(entries) > 30, "the old program has left something"
    assert SCHEMA_VERSION in axis(line, "upgrade")
    if isinstance(line, ServedLine):
        # Each agency's journal is upgraded at its adapter's start; here they all lie in one home.
        journal = Database(f"sqlite:///{line.path / 'axis.db'}")
        journal.upgrade()
        journal.close()
        axis(line, "broker", "setup", "--remake", "--keep-guest")
        assert not (line.path / "record-segments").exists(), "PostgreSQL has the bytes"
    else:
        assert bytes_in_rows(line.path) == 0
        assert list((line.path / "axis.db-segments").iterdir())
    assert states(line) == BEFORE
    line.without("G18")
    axis(line, "agency", "resume", "G18", "--reason", "xong")
    axis(line, "queue", "retry", "--code", "QUARANTINED", "--reason", "đã sửa")
    line.restart()
    line.run()
    assert states(line) == {**AFTER, 5: HANDED}
    for code, numbers in INBOXES.items():
        # The replacement's own file and the recall's are apart; what was handed over is there once.
        wanted = [hashlib.sha256(content(number)).hexdigest() for number in numbers]
        found = [one for one in line.attachments(code) if one not in {hashlib.sha256(b"recall").hexdigest()}]
        assert sorted(found) == sorted(wanted), code
    assert line.stages("1/TN-G22") == {"H41": ["update OPEN"]}
    kept = in_record(line, "SELECT position, digest, canonical FROM ledger WHERE position IS NOT NULL ORDER BY 1")
    assert kept[: len(entries)] == entries
    line.check_ledger()
    assert {name: (line.folder("G22", "receipts") / name).read_bytes() for name in receipts} == receipts


class OldServed(Served):
    """Homes that the old program has made; the hub's is upgraded, as it comes first."""

    def __init__(self, folder: Path, rabbitmq: RabbitMq, postgres: PostgreSql, stack: ExitStack, program: str) -> None:
        self.postgres = postgres
        super().__init__(folder, rabbitmq, postgres, stack, program, moved=False)

    def make(self) -> None:
        old.make("exported", self.home, *AGENCIES, AXIS_DATABASE_URL=self.database)
        self.before = self.postgres.dump(self.database.rpartition("/")[2])
        done = CliRunner().invoke(cli.main, ["upgrade", "--home", str(self.home)])
        assert done.exit_code == 0, done.output

    def start_old_adapters(self, *codes: str) -> None:
        """Adapters of the old program, each in its home."""
        for code in codes:
            self.start_old_adapter(code)

    def start_old_adapter(self, code: str) -> subprocess.Popen[bytes]:
        home = str(self.folder / code)
        log = self.folder / f"{code}.log"
        process = old.start("adapter", "run", code, "--home", home, log=log, AXIS_AMQP_URL=self.urls[code])
        self.stack.callback(stop, process)
        return process

    def start_old(self, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
        """A command of the old program on the hub's home."""
        urls = {"AXIS_AMQP_URL": self.urls["HUB"], "AXIS_DATABASE_URL": self.database}
        log = self.folder / "HUB.log"
        process = old.start(*arguments, "--home", str(self.home), log=log, **urls, **more)
        self.stack.callback(stop, process)
        return process


@pytest.fixture
def served(managed_rabbitmq: RabbitMq, postgres: PostgreSql, program: str) -> Iterator[OldServed]:
    with TemporaryDirectory(prefix="axis-served-") as folder, ExitStack() as stack:
        yield OldServed(Path(folder), managed_rabbitmq, postgres, stack, program)


@pytest.mark.amqp
@pytest.mark.postgres
@pytest.mark.timeout(180)
def test_adapters_of_the_earlier_version_work_with_the_hub_of_this_one(served: OldServed) -> None:
    """One of the two is old: a document each way, a recall, and the receipts of all of them; and one of a type, which
    came with the registry, and of which an old adapter knows nothing."""
    added = CliRunner().invoke(cli.main, ["type", "add", str(PERMIT), "--home", str(served.home)])
    assert added.exit_code == 0, added.output
    served.start("hub", home=served.home, user="HUB", wall=False)
    wait_for(lambda: "Running hub" in served.log("HUB"))
    served.start_old_adapters("G22", "G06")
    served.start("adapter", "run", "H41", home=served.folder / "H41", user="H41", wall=False)
    earlier, today, third = (served.lines[code] for code in ("G22", "H41", "G06"))
    earlier.drop("G22", document(1, to=("H41", "G06")))
    today.drop("H41", document(2, "H41", to=("G22", "G06")))
    wait_for(lambda: {"E.1 G06", "E.1 H41"} <= set(earlier.events("G22")))
    wait_for(lambda: {"E.1 G06", "E.1 G22"} <= set(today.events("H41")))
    earlier.drop("G22", recall(1, to=("H41", "G06")), "r.edxml")
    today.drop("H41", recall(2, to=("G22", "G06"), sender="H41"), "r.edxml")
    # Both were handed over: each clerk is asked, and each sender told so.
    wait_for(lambda: {"W.2 G06", "W.2 H41"} <= set(earlier.events("G22")))
    wait_for(lambda: {"W.2 G06", "W.2 G22"} <= set(today.events("H41")))
    wait_for(lambda: earlier.kinds("G22") == ["new", "recall"] and third.kinds("G06").count("recall") == 2)
    digest = hashlib.sha256(b"%PDF-1.4 noi dung").hexdigest()
    assert [third.attachments("G06").count(digest), today.attachments("H41").count(digest)] == [2, 1]
    # A file is moved in the sweep after its receipt: others may have answered before.
    wait_for(lambda: earlier.files("G22", "sent") == ["a.edxml", "r.edxml"] == today.files("H41", "sent"))
    today.drop("H41", permit(5, to=("G06",)), "p.edxml")
    wait_for(lambda: today.events("H41").count("E.1 G06") == 2)
    assert not [line.files(code, "failed") for code, line in served.lines.items() if line.files(code, "failed")]


@pytest.mark.amqp
@pytest.mark.postgres
@pytest.mark.timeout(240)
def test_an_agency_of_the_earlier_version_gets_a_key_of_its_own_beside_others_that_are_old(served: OldServed) -> None:
    """Its key was made at the centre. What it had sent comes again as it was; an old adapter believes the new key."""
    home = served.folder / "H41"
    served.lines["H41"].drop("H41", document(1, "H41", to=("G22",)), "1.edxml")
    old_key = keystore.load_signer(home / "keys", "H41")
    own.ceremony(served.home, home, "H41")
    assert keystore.load_signer(home / "keys", "H41").der != old_key.der
    own.done("agency", "revoke", "H41", "--home", served.home)
    assert not (served.home / "keys" / "H41.key").exists()
    served.start("hub", home=served.home, user="HUB", wall=False)
    wait_for(lambda: "Running hub" in served.log("HUB"))
    served.start_old_adapters("G22")
    served.start("adapter", "run", "H41", home=home, user="H41", wall=False)
    wait_for(lambda: served.lines["H41"].events("H41") == ["A.1", "E.1 G22"])
    served.lines["G22"].drop("G22", document(2, to=("H41",)), "2.edxml")
    wait_for(lambda: served.lines["G22"].events("G22") == ["A.1", "E.1 H41"])


@pytest.mark.amqp
@pytest.mark.postgres
@pytest.mark.timeout(300)
def test_a_hub_that_was_upgraded_goes_back_to_the_earlier_version_and_nothing_is_lost(
    served: OldServed, managed_rabbitmq: RabbitMq
) -> None:
    """The steps of docs/operations.md, with adapters that were not upgraded yet."""

    def journal() -> list[tuple[int, str]]:
        """What the sender's adapter knows of its documents: number, state."""
        with closing(sqlite3.connect(served.folder / "G22" / "axis.db", timeout=30)) as opened:
            rows = opened.execute("SELECT document_id, state FROM outgoing WHERE attempts > 0").fetchall()
        return [(int(name.split(",")[2].partition("/")[0]), state) for name, state in rows]

    def states() -> list[tuple[Any, ...]]:
        return in_record(sender, "SELECT state, count(*) FROM delivery GROUP BY state")

    hub = served.start("hub", home=served.home, user="HUB", wall=False)
    wait_for(lambda: "Running hub" in served.log("HUB"))
    served.start_old_adapters(*AGENCIES)
    sender = served.lines["G22"]
    sender.drop("G22", document(1, to=("H41", "G06"), content=content(1)), "1.edxml")
    wait_for(lambda: {"E.1 G06", "E.1 H41"} <= set(sender.events("G22")))
    stop(hub)
    sender.drop("G22", document(2, to=("H41",), content=content(2)), "2.edxml")  # its parcel is lost with its queue
    wait_for(lambda: (2, "pending") in journal())

    # Back: the record of before the upgrade, the broker anew, the mark in the earlier form.
    name, vhost = served.database.rpartition("/")[2], served.urls["HUB"].rpartition("/")[2]
    served.postgres.restore(name, served.before)
    managed_rabbitmq.drop_vhost(vhost)
    managed_rabbitmq.vhost(vhost)
    managed_rabbitmq.add_hub(vhost)
    for code in AGENCIES:
        managed_rabbitmq.add_agency(vhost, code, moved=False)
    mark = served.home / "hub.mark"
    mark.write_text(" ".join(mark.read_text("ascii").split()[:3]) + "\n", "ascii")
    assert served.start_old("hub").wait(60) == 6, "it does not go on with a record that knows less than it did"
    assert served.start_old("reconcile", "--restored", "--older-than", "0").wait(60) == 0
    hub = served.start_old("hub")
    sender.drop("G22", document(3, to=("G06",), content=content(3)), "3.edxml")

    wait_for(lambda: states() == [("HANDED_OVER", 3)], 120)
    with closing(sqlite3.connect(served.folder / "G22" / "axis.db", timeout=30)) as opened, opened:
        # The minutes after which an adapter publishes again what nobody has answered.
        opened.execute("UPDATE outgoing SET not_before = created_at WHERE state = 'pending'")
    wait_for(lambda: states() == [("HANDED_OVER", 4)], 120)
    for code, numbers in {"H41": (1, 2), "G06": (1, 3)}.items():
        wanted = sorted(hashlib.sha256(content(number)).hexdigest() for number in numbers)
        assert sorted(served.lines[code].attachments(code)) == wanted, "each once"
    assert sender.files("G22", "failed") == []
    assert hub.poll() is None


@pytest.mark.amqp
@pytest.mark.postgres
@pytest.mark.timeout(300)
def test_an_adapter_of_the_earlier_version_works_with_the_hubs_next_key_until_it_must_follow_it_and_is_upgraded(
    served: OldServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first registry that names the next key is signed by the one before; what comes after it an old adapter
    refuses, and nothing of that is lost: the broker keeps it, the upgraded adapter takes it."""
    monkeypatch.setenv("AXIS_AMQP_URL", served.urls["HUB"])
    hub = ("--home", served.home)
    served.start("hub", home=served.home, user="HUB", wall=False)
    wait_for(lambda: "Running hub" in served.log("HUB"))
    served.start_old_adapters("G06")
    before = served.start_old_adapter("G22")
    served.start("adapter", "run", "H41", home=served.folder / "H41", user="H41", wall=False)
    first = keystore.load_certificate(served.home / "keys" / "HUB.pem")
    own.done("key", "next", "--from", "2026-01-01", *hub)
    assert keystore.load_certificate(served.home / "keys" / "HUB.pem") != first
    earlier, today = served.lines["G22"], served.lines["H41"]
    earlier.drop("G22", document(1, to=("H41",)), "1.edxml")
    today.drop("H41", document(2, "H41", to=("G22",)), "2.edxml")
    wait_for(lambda: earlier.events("G22") == ["A.1", "E.1 H41"] and today.events("H41") == ["A.1", "E.1 G22"])
    # Signed by the next key: the old adapter cannot read it.
    own.done("agency", "alias", "H41", "000.00.00.H41", *hub)
    today.drop("H41", document(3, "H41", to=("G22",), content=content(3)), "3.edxml")
    wait_for(lambda: today.events("H41").count("A.1") == 2)
    wait_for(lambda: served.log("G22").count("rejected") >= 2)
    assert hashlib.sha256(content(3)).hexdigest() not in earlier.attachments("G22"), "nothing is believed unseen"
    stop(before)
    served.start("adapter", "run", "G22", home=served.folder / "G22", user="G22", wall=False)
    wait_for(lambda: own.done("queue", "retry", "--agency", "G22", "--reason", "đã nâng cấp", *hub)["found"] == 0)
    wait_for(lambda: today.events("H41").count("E.1 G22") == 2)
    assert earlier.attachments("G22").count(hashlib.sha256(content(3)).hexdigest()) == 1
    earlier.drop("G22", document(4, to=("H41", "G06")), "4.edxml")
    wait_for(lambda: earlier.events("G22").count("E.1 H41") == 2)
    assert [line.files(code, "failed") for code, line in served.lines.items()] == [[], [], []]
