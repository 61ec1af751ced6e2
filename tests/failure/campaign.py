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
import json
import os
import random
import signal
import subprocess
import sys
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

from axis import bootstrap, config, crashpoints
from axis.services import enrol
from tests.line import document
from tests.servers import PostgreSql, RabbitMq

if TYPE_CHECKING:
    from collections.abc import Iterator

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


class Service:
    """One of our processes, started again whenever it is dead."""

    def __init__(self, name: str, home: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        self.name = name
        self.points = HUB_POINTS if arguments[0] == "hub" else ADAPTER_POINTS
        self._command = [
            sys.executable,
            *(["-m", "cProfile", "-o", f"/tmp/prof-{name}"] if os.environ.get("PROF") else []),
            "-m",
            "cli",
            *arguments,
            "--home",
            str(home),
        ]
        self._environment = environment
        self._log = (home.parent / f"{name}.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None
        self.exits: list[int] = []
        self.deaths = 0

    def start(self, crash_at: str = "") -> None:
        """Start it, armed to die at a crash point."""
        environment = {**self._environment, **({"AXIS_CRASH_AT": crash_at} if crash_at else {})}
        self._process = subprocess.Popen(self._command, env=environment, stderr=self._log, stdout=self._log)

    def is_dead(self) -> bool:
        """True when it has ended; a SIGKILL is counted as a death, any other end as an exit."""
        if self._process is None:
            return True
        code = self._process.poll()
        if code is None:
            return False
        self._process = None
        if code == -signal.SIGKILL:
            self.deaths += 1
        else:
            self.exits.append(code)
        return True

    def kill(self) -> None:
        """SIGKILL, now."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self.is_dead()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        code = self._process.wait(60)
        self._process = None
        return code


HUB_POINTS = tuple(p for p in crashpoints.MEANING if p[0] in "HRA" or p in {"T02", "T03", "X04"})
ADAPTER_POINTS = tuple(p for p in crashpoints.MEANING if p[0] in "CD" or p in {"T01", "T04"})


class Installation:
    """Homes, broker, database, and the processes."""

    def __init__(self, folder: Path, rabbitmq: RabbitMq, postgres: PostgreSql) -> None:
        self.rabbitmq, self.postgres = rabbitmq, postgres
        name = f"campaign{uuid.uuid4().hex[:8]}"
        rabbitmq.vhost(name)
        database = postgres.database(name)
        os.environ["AXIS_DATABASE_URL"] = database
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
        self.services = [Service(f"hub{n}", home, ("hub",), environment) for n in range(1, HUBS + 1)]
        self.folders = {}
        for code in CODES:
            enrol.export(home, settings, [code], registry, folder / code, datetime.now(UTC))
            self.folders[code] = folder / code / "agencies" / code
            own = {k: v for k, v in os.environ.items() if k != "AXIS_DATABASE_URL"}
            own["AXIS_AMQP_URL"] = rabbitmq.add_agency(name, code)
            self.services.append(Service(code, folder / code, ("adapter", "run", code), own))


# -- The campaign -------------------------------------------------------------------------------------------------


@dataclass
class Plan:
    """What is to happen, in numbers."""

    seed: int
    minutes: float
    documents: int
    kills: int
    broker_kills: int
    database_kills: int


def run(plan: Plan, folder: Path, rabbitmq: RabbitMq, postgres: PostgreSql) -> dict[str, int]:
    dice = random.Random(plan.seed)
    line = Installation(folder, rabbitmq, postgres)
    ledger = Ledger(line.folders)
    for service in line.services:
        service.start()
    begun = time.monotonic()
    number = 0
    while number < plan.documents:
        for code in CODES:
            while ledger.open[code] < 250 and number < plan.documents:
                number += 1
                others = [c for c in CODES if c != code]
                ledger.drop(number, code, (dice.choice(others),), dice.randbytes(600))
        ledger.look()
        0 and print(f"\r{time.monotonic() - begun:6.1f} s {number} dropped {ledger.done} done", end="", flush=True)
        time.sleep(0.2)
    while ledger.done < number and time.monotonic() - begun < 300:
        ledger.look()
        time.sleep(0.2)
    print(f"\n{number / (time.monotonic() - begun):.1f} documents/s")
    os.system("ps -eo pid,ppid,time,rss,comm,args --sort=-time | cut -c1-110 | head -30")
    for service in line.services:
        print(service.name, service.stop(), service.exits)
    return ledger.verdict()


if __name__ == "__main__":
    with TemporaryDirectory(prefix="axis-campaign-") as temporary, ExitStack() as stack:
        postgres = stack.enter_context(PostgreSql())
        rabbitmq = stack.enter_context(RabbitMq())
        print(run(Plan(1, 5, int(sys.argv[1]), 0, 0, 0), Path(temporary), rabbitmq, postgres))
