"""The loss campaign: documents travel while everything is killed; an independent ledger counts what became of them.

    python -m tests.failure.campaign --minutes 5
    python -m tests.failure.campaign --documents 100000 --kills 1000 --broker-kills 100 --database-kills 50

A hub of two workers, one adapter process for each agency with its own broker user, RabbitMQ and PostgreSQL, all
private. A seeded plan kills our processes (from outside at any moment, and from inside at the named crash points
of axis/crashpoints.py), the broker and the database while documents are dropped into the agencies' outboxes.

The ledger knows nothing of axis: it knows the SHA-256 of each attachment it dropped, looks into the inboxes like
an agency's clerk (plain zip, XML and base64), takes what it finds away, and compares. A receipt E.1 that is seen
before the document lies in the recipient's inbox is a false receipt.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import multiprocessing
import multiprocessing.process
import os
import random
import signal
import sys
import threading
import time
import uuid
import zipfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

import cli
from axis import bootstrap, config, crashpoints
from axis.infra import store
from axis.services import enrol
from tests.line import document
from tests.servers import PostgreSql, RabbitMq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CODES = ("G22", "H41", "G06", "H29", "G18", "H63")
HUBS = 2


# -- The ledger ---------------------------------------------------------------------------------------------------


@dataclass
class Letter:
    """One document of the campaign, as its sender knows it."""

    sender: str
    recipients: tuple[str, ...]
    answered: set[str] = field(default_factory=set)  # recipients whose E.1 the sender holds

    @property
    def is_done(self) -> bool:
        return len(self.answered) == len(self.recipients)


class Ledger:
    """Digests submitted against digests and receipts found."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self.folders = folders
        self.letters: dict[str, Letter] = {}  # by the attachment's SHA-256
        self.by_document: dict[str, str] = {}  # DocumentId → digest
        self.arrived: Counter[tuple[str, str]] = Counter()  # (recipient, digest)
        self.open: Counter[str] = Counter()  # documents not done, by sender
        self.false_receipts: list[str] = []
        self.strangers: list[str] = []
        self.refused: list[str] = []
        self.done = 0

    def drop(self, number: int, sender: str, recipients: tuple[str, ...], content: bytes) -> None:
        """Give the sender's system one document to send."""
        digest = hashlib.sha256(content).hexdigest()
        self.letters[digest] = Letter(sender, recipients)
        identifier = f"{sender},2026/11/23,{number}/TN-{sender}"
        self.by_document[identifier] = digest
        self.open[sender] += 1
        outbox = self.folders[sender] / "outbox"
        temporary = outbox / f".{number}"
        temporary.write_bytes(document(number, sender=sender, to=recipients, content=content))
        temporary.rename(outbox / f"{number}.edxml")

    def look(self) -> None:
        """Take away everything that lies in the agencies' folders, and count it. Receipts are read first: what they
        say must be true when they are seen."""
        handed: list[tuple[str, str, str]] = []
        for code, folder in self.folders.items():
            for path in (folder / "receipts").glob("*.asice"):
                if ".E.1." in path.name:
                    document_id, recipients = _receipt(path)
                    handed += [(code, document_id, recipient) for recipient in recipients]
                path.unlink()
            for name in ("status", "sent"):
                for path in (folder / name).glob("[!.]*"):
                    path.unlink()
            for path in (folder / "failed").glob("*.error.json"):
                self.refused.append(f"{code}/{path.name}: {path.read_text('utf-8')[:600]}")
                path.unlink()
        for code, folder in self.folders.items():
            for path in (folder / "inbox").glob("[!.]*.edxml"):
                for digest in _attachments(path.read_bytes()):
                    self.arrived[code, digest] += 1
                    if digest not in self.letters:
                        self.strangers.append(f"{code}/{path.name}")
                path.unlink()
                path.with_suffix(".asice").unlink(missing_ok=True)
        for sender, document_id, recipient in handed:
            digest = self.by_document.get(document_id, "")
            letter = self.letters.get(digest)
            if letter is None or letter.sender != sender or not self.arrived[recipient, digest]:
                self.false_receipts.append(f"{sender}: E.1 {recipient} {document_id}")
                continue
            if recipient not in letter.answered:
                letter.answered.add(recipient)
                if letter.is_done:
                    self.done += 1
                    self.open[sender] -= 1

    def verdict(self) -> dict[str, int]:
        """lost, doubled, false_receipts, stuck (arrived, but its sender has no receipt for it)."""
        wanted = [(recipient, digest) for digest, one in self.letters.items() for recipient in one.recipients]
        answered = {(recipient, digest) for digest, one in self.letters.items() for recipient in one.answered}
        return {
            "lost": sum(not self.arrived[key] for key in wanted),
            "doubled": sum(count > 1 for count in self.arrived.values()) + len(self.strangers),
            "false_receipts": len(self.false_receipts),
            "stuck": sum(self.arrived[key] > 0 and key not in answered for key in wanted) + len(self.refused),
        }


def _receipt(path: Path) -> tuple[str, list[str]]:
    """(DocumentId, recipients) of a receipt, read without any of axis' code."""
    with zipfile.ZipFile(path) as container:
        root = Xml.fromstring(container.read("receipt.xml"))
    about, *statements = root
    return about.text or "", [one.attrib["recipient"] for one in statements]


def _attachments(packet: bytes) -> Iterator[str]:
    """SHA-256 of each attachment of an edXML packet, read without any of axis' code."""
    for element in Xml.fromstring(packet).iter():
        if element.tag.rpartition("}")[2] == "ContentTransferEncoded":
            try:
                yield hashlib.sha256(base64.b64decode("".join((element.text or "").split()))).hexdigest()
            except binascii.Error:
                yield "unreadable"


# -- The installation ---------------------------------------------------------------------------------------------

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["cli", "axis.bootstrap", "axis.infra.amqp", "axis.services.run", "adapters.folder"])
HUB_POINTS = tuple(p for p in crashpoints.MEANING if p[0] in "HRA" or p in {"T02", "T03", "X04"})
ADAPTER_POINTS = tuple(p for p in crashpoints.MEANING if p[0] in "CD" or p in {"T01", "T04"})


def _serve(arguments: list[str], environment: dict[str, str], log: str, crash_at: str) -> None:
    """In a fresh fork of a process that has axis loaded: run its command line."""
    os.environ.clear()
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    crashpoints.arm(crash_at)
    cli.main(arguments)


class Service:
    """One of our processes, started again whenever it is dead."""

    def __init__(self, name: str, home: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        self.name = name
        self.points = HUB_POINTS if arguments[0] == "hub" else ADAPTER_POINTS
        self.log = home.parent / f"{name}.log"
        self._arguments = [*arguments, "--home", str(home)]
        self._environment = environment
        self._process: multiprocessing.process.BaseProcess | None = None
        self._armed = ""
        self.exits: list[int] = []
        self.deaths: Counter[str] = Counter()  # by crash point; "" for a SIGKILL from outside

    def start(self, crash_at: str = "") -> None:
        """Start it, armed to die at a crash point."""
        self._armed = crash_at
        arguments = (self._arguments, self._environment, str(self.log), crash_at)
        self._process = _FORKS.Process(target=_serve, args=arguments)
        self._process.start()

    def is_dead(self, *, killed: bool = False) -> bool:
        """True when it is not running; a SIGKILL is counted as a death, any other end as an exit."""
        if self._process is None:
            return True
        code = self._process.exitcode
        if code is None:
            return False
        self._process = None
        if code == -signal.SIGKILL:
            self.deaths["" if killed else self._armed.partition(":")[0]] += 1
        else:
            self.exits.append(code)
        return True

    def kill(self) -> None:
        """SIGKILL, now."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self.is_dead(killed=True)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        self._process.join(60)
        code = self._process.exitcode
        self._process = None
        return -1 if code is None else code


class Installation:
    """Homes, broker users, database, and the processes."""

    def __init__(self, folder: Path, rabbitmq: RabbitMq, postgres: PostgreSql) -> None:
        name = f"campaign{uuid.uuid4().hex[:8]}"
        rabbitmq.vhost(name)
        os.environ["AXIS_DATABASE_URL"] = postgres.database(name)
        settings = config.Config(
            config.Installation(str(uuid.uuid4())),
            config.Store("postgresql"),
            config.Broker("amqp"),
            adapter=config.Adapter(settle_seconds=0.1),
        )
        home = folder / "hub"
        rows = [row for row in enrol.catalogue() if row["code"] in CODES]
        enrol.create_home(home, settings, "p256", datetime.now(UTC), rows=rows)
        self.home = bootstrap.open_home(home)
        with bootstrap.reading(self.home) as record, record.reading() as reader:
            registry = reader.payload(reader.registry_digest())
        environment = {**os.environ, "AXIS_AMQP_URL": rabbitmq.add_hub(name)}
        self.hubs = [Service(f"hub{n}", home, ("hub",), environment) for n in range(1, HUBS + 1)]
        self.adapters: list[Service] = []
        self.folders = {}
        for code in CODES:
            enrol.export(home, settings, [code], registry, folder / code, datetime.now(UTC))
            self.folders[code] = folder / code / "agencies" / code
            own = {k: v for k, v in os.environ.items() if k != "AXIS_DATABASE_URL"}
            own["AXIS_AMQP_URL"] = rabbitmq.add_agency(name, code)
            self.adapters.append(Service(code, folder / code, ("adapter", "run", code), own))
        self.services = [*self.hubs, *self.adapters]

    def ledger_is_good(self) -> bool:
        """Every entry of the hub's ledger is linked, and every link is right."""
        with bootstrap.reading(self.home) as record, record.reading() as reader:
            return store.check_ledger(reader)[0] > 0 and not reader.unlinked()


# -- The campaign -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What is to happen, in numbers; spread evenly over the documents, or over the minutes."""

    seed: int
    documents: int
    kills: int
    broker_kills: int
    database_kills: int
    backlog: int = 60  # documents on their way for each agency
    patience: float = 600.0  # seconds, after the last fault, for everything to arrive


@dataclass
class Tally:
    """What really happened."""

    broker_kills: int = 0
    database_kills: int = 0
    cluster_faults: int = 0
    seconds: float = 0.0


class Campaign:
    """One run: drop, look, kill, start again; then let it rest and compare."""

    def __init__(self, plan: Plan, folder: Path, rabbitmq: RabbitMq, postgres: PostgreSql) -> None:
        self.plan = plan
        self.dice = random.Random(plan.seed)
        self.rabbitmq, self.postgres = rabbitmq, postgres
        self.line = Installation(folder, rabbitmq, postgres)
        self.ledger = Ledger(self.line.folders)
        self.tally = Tally()
        self.dropped = 0
        self.trouble: Exception | None = None  # with the servers, not with axis: the run says nothing then
        self._servers: list[threading.Thread] = []

    @property
    def kills(self) -> int:
        """SIGKILLs that our processes died of."""
        return sum(sum(service.deaths.values()) for service in self.line.services)

    def run(self) -> dict[str, int]:
        """The verdict."""
        begun = time.monotonic()
        for service in self.line.services:
            service.start()
        said = begun
        while self.dropped < self.plan.documents:
            if self.trouble is not None:
                raise self.trouble
            self._drop()
            self._look()
            self._disturb()
            if time.monotonic() - said > 10:
                said = time.monotonic()
                self._say(said - begun)
            time.sleep(0.05)
        self._rest(begun)
        self.tally.seconds = time.monotonic() - begun
        for service in self.line.services:
            service.exits.append(service.stop())
        verdict = self.ledger.verdict()
        if not self.line.ledger_is_good():
            verdict["false_receipts"] += 1
            print("the hub's ledger does not hold", file=sys.stderr)
        return verdict

    def _drop(self) -> None:
        for code in CODES:
            while self.ledger.open[code] < self.plan.backlog and self.dropped < self.plan.documents:
                self.dropped += 1
                others = [c for c in CODES if c != code]
                several = self.dice.random() < 0.05
                recipients = tuple(self.dice.sample(others, 3 if several else 1))
                self.ledger.drop(
                    self.dropped, code, recipients, self.dice.randbytes(self.dice.choice((300, 600, 3000)))
                )

    def _look(self) -> None:
        self.ledger.look()
        for service in self.line.services:
            if service.is_dead():
                service.start()

    def _disturb(self) -> None:
        """What the plan has for this moment."""
        share = self.dropped / self.plan.documents
        if self.kills < self.plan.kills * share:
            service = self.dice.choice(self.line.services)
            if self.dice.random() < 0.5:
                service.kill()
                service.start(f"{self.dice.choice(service.points)}:{self.dice.randint(1, 4)}")
            else:
                service.kill()
                service.start()
        if any(thread.is_alive() for thread in self._servers):
            return
        if self.tally.broker_kills < int(self.plan.broker_kills * share):
            self.tally.broker_kills += 1
            self._in_background(self._kill_broker)
        elif self.tally.database_kills < int(self.plan.database_kills * share):
            self.tally.database_kills += 1
            self._in_background(self._kill_database)

    def _in_background(self, what: Callable[[], None]) -> None:
        def work() -> None:
            try:
                what()
            except Exception as error:
                self.trouble = error
                raise

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._servers = [thread]

    def _kill_broker(self) -> None:
        self.rabbitmq.kill()
        self.rabbitmq.start()

    def _kill_database(self) -> None:
        self.postgres.kill()
        self.postgres.start()

    def _rest(self, begun: float) -> None:
        """No more faults: everything must arrive and be answered by itself."""
        for thread in self._servers:
            thread.join()
        for service in self.line.services:
            if service.is_dead():
                service.start()
        end = time.monotonic() + self.plan.patience
        said = 0.0
        while self.ledger.done < self.dropped and time.monotonic() < end:
            self.ledger.look()
            if time.monotonic() - said > 10:
                said = time.monotonic()
                self._say(said - begun)
            time.sleep(0.2)
        time.sleep(3)  # what comes twice comes now
        self.ledger.look()

    def _say(self, seconds: float) -> None:
        print(
            f"{seconds:7.0f} s  {self.ledger.done} of {self.dropped} documents done, {self.kills} kills, "
            f"{self.tally.broker_kills} of the broker, {self.tally.database_kills} of the database",
            file=sys.stderr,
            flush=True,
        )


def main() -> int:
    """Run it as asked; 0 when nothing was lost, doubled, falsely receipted or stuck."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--broker-kills", type=int, default=100)
    parser.add_argument("--database-kills", type=int, default=50)
    asked = parser.parse_args()
    plan = Plan(asked.seed, asked.documents, asked.kills, asked.broker_kills, asked.database_kills)
    print(f"campaign: seed={plan.seed} {plan}", flush=True)
    with TemporaryDirectory(prefix="axis-campaign-") as temporary, ExitStack() as stack:
        postgres = stack.enter_context(PostgreSql())
        rabbitmq = stack.enter_context(RabbitMq())
        campaign = Campaign(plan, Path(temporary), rabbitmq, postgres)
        verdict = campaign.run()
        points: Counter[str] = Counter()
        for service in campaign.line.services:
            points += service.deaths
        print(f"{campaign.dropped / campaign.tally.seconds:.1f} documents/s in {campaign.tally.seconds:.0f} s")
        print(
            "deaths by point:", dict(sorted(points.items())), "ends:", {s.name: s.exits for s in campaign.line.services}
        )
        for line in [*campaign.ledger.false_receipts, *campaign.ledger.strangers, *campaign.ledger.refused][:20]:
            print(line)
    print(
        f"campaign: documents={campaign.dropped} kills={campaign.kills} "
        f"broker_kills={campaign.tally.broker_kills} database_kills={campaign.tally.database_kills} "
        f"cluster_faults={campaign.tally.cluster_faults} "
        + " ".join(f"{name}={value}" for name, value in verdict.items())
    )
    return 1 if any(verdict.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
