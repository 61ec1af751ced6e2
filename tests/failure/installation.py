"""A hub of two workers and an adapter process for each agency, private, each to be killed and started again."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.process
import os
import signal
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis import bootstrap, cli, config, crashpoints
from axis.infra.record import ledger, registries
from axis.infra.record.tables import quarantine, statement
from axis.services.operate import provision
from tests.failure.faults import (
    Disk,
    Record,
    ShiftedProcess,
)
from tests.failure.proxy import TcpProxy
from tests.servers import PostgreSql, RabbitCluster, RabbitMq

if TYPE_CHECKING:
    from collections.abc import Collection


CODES = ("G22", "H41", "G06", "H29", "G18", "H63")
HUBS = 2


_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "axis.cli",
        "axis.commands.adapter",
        "axis.commands.hub",
        "axis.bootstrap",
        "axis.infra.amqp.broker",
        "axis.services.run",
        "axis.adapters.folder",
    ]
)
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
        self.home = home
        self._arguments = [*arguments, "--home", str(home)]
        self.environment = environment
        self._process: multiprocessing.process.BaseProcess | ShiftedProcess | None = None
        self._armed = ""
        self.is_held = False  # a fault has it in hand: nobody else starts or kills it
        self.exits: list[int] = []
        self.deaths: Counter[str] = Counter()  # by crash point; "" for a SIGKILL from outside

    def start(self, crash_at: str = "") -> None:
        """Start it, armed to die at a crash point."""
        self._armed = crash_at
        arguments = (self._arguments, self.environment, str(self.log), crash_at)
        self._process = _FORKS.Process(target=_serve, args=arguments)
        self._process.start()

    def start_shifted(self, seconds: int = 0) -> ShiftedProcess:
        """Start it with a clock that can be set and is wrong by `seconds`."""
        self._armed = ""
        self._process = shifted = ShiftedProcess(self._arguments, self.environment, str(self.log), seconds)
        return shifted

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self._process is not None and self._process.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

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

    def __init__(
        self,
        folder: Path,
        broker: RabbitMq | RabbitCluster,
        postgres: PostgreSql,
        proxy: TcpProxy | None,
        disk: Disk | None,
    ) -> None:
        def through_proxy(url: str) -> str:
            return url.replace(f":{broker.port}/", f":{proxy.port}/") if proxy and isinstance(broker, RabbitMq) else url

        name = self.vhost = f"campaign{uuid.uuid4().hex[:8]}"
        broker.vhost(name)
        os.environ["AXIS_DATABASE_URL"] = postgres.database(name)
        settings = config.Config(
            config.Installation(str(uuid.uuid4())),
            config.Store("postgresql"),
            config.Broker("amqp"),
            adapter=config.Adapter(settle_seconds=0.1),
        )
        home = folder / "hub"
        rows = [row for row in provision.catalogue() if row["code"] in CODES]
        yesterday = datetime.now(UTC) - timedelta(days=1)  # a clock that is slow does not come before the certificates
        provision.create_home(home, settings, "p256", yesterday, rows=rows)
        self.database = Record(postgres, name, disk)
        self.database.prepare(big=("payload",))
        self.home = bootstrap.open_home(home)
        with bootstrap.reading(self.home) as record, record.reading() as reader:
            registry = reader.payload(registries.newest(reader))
        url = broker.add_hub(name)
        own = {**os.environ, "AXIS_DATABASE_URL": self.database.url()}
        self.hubs = [
            # The second hub and the last agency reach the broker over a bad line.
            Service(f"hub{n}", home, ("hub",), {**own, "AXIS_AMQP_URL": through_proxy(url) if n == HUBS else url})
            for n in range(1, HUBS + 1)
        ]
        self.adapters: list[Service] = []
        self.folders = {}
        self.postman = broker.add_postman(name)
        for code in CODES:
            provision.export(home, settings, [code], registry, folder / code, yesterday)
            self.folders[code] = folder / code / "agencies" / code
            own = {k: v for k, v in os.environ.items() if k != "AXIS_DATABASE_URL"}
            url = broker.add_agency(name, code)
            own["AXIS_AMQP_URL"] = through_proxy(url) if code == CODES[-1] else url
            self.adapters.append(Service(code, folder / code, ("adapter", "run", code), own))
        self.services = [*self.hubs, *self.adapters]

    def ledger_is_good(self) -> bool:
        """Every entry of the hub's ledger is linked, and every link is right."""
        with bootstrap.reading(self.home) as record, record.reading() as reader:
            return ledger.check(reader)[0] > 0 and not ledger.standing(reader).is_unlinked

    def heard(self, receipts: Collection[str]) -> set[str]:
        """Those of these receipts' digests that the hub has."""
        with bootstrap.reading(self.home) as record, record.reading() as reader:
            found = reader.connection.execute(
                sa.union(
                    sa.select(statement.c.receipt_digest).where(statement.c.receipt_digest.in_(receipts)),
                    sa.select(quarantine.c.body_digest).where(quarantine.c.body_digest.in_(receipts)),
                )
            )
            return set(found.scalars())
