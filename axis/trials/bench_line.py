"""A line to be measured: its homes, and its processes as an operator would start them, by the public commands alone, so
that an earlier version can be driven the same way."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from axis.trials import bench_counts, bench_plan, bench_process
from axis.trials.rabbitmq import RabbitMq
from axis.trials.servers import PostgreSql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from axis.trials.bench_plan import Shape
    from axis.trials.bench_process import Running

READY = 60.0  # seconds in which a hub says that it works
SIDES = 2  # agencies in a line of one sender and one recipient
# Nothing may hold a sender back: what is measured is what the work costs.
_SETTINGS = """
[hub]
agency_documents_per_second = 1000000.0
agency_bytes_per_second = 1000000000000.0
queue_depth = 1000000

[adapter]
settle_seconds = {settle}
"""


@dataclass(frozen=True)
class Program:
    """A version of the axis that can be run: its Python, and what its processes' environment has beside ours."""

    name: str
    python: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, *arguments: str, counts: Path | None = None) -> list[str]:
        """``axis`` with `arguments`; counted where `counts` names a file."""
        if counts is None:
            return [str(self.python.with_name("axis")), *arguments]
        return [str(self.python), "-P", bench_counts.__file__, str(counts), *arguments]


def present() -> Program:
    """The version that runs here."""
    return Program("", Path(sys.executable))


@dataclass
class Servers:
    """Where served lines run: private servers, or the given ones."""

    rabbitmq: RabbitMq | None
    postgresql: PostgreSql | None
    broker_url: str = ""
    database_url: str = ""
    made: int = 0

    def pids(self) -> dict[str, int | None]:
        """The process of each; None where it is on another machine or hidden from us."""
        if self.rabbitmq is not None and self.postgresql is not None:
            return {"rabbitmq": self.rabbitmq.pid, "postgresql": self.postgresql.pid}
        ports = {"rabbitmq": (self.broker_url, 5672), "postgresql": (self.database_url, 5432)}
        return {
            name: bench_process.listener(urlsplit(url).port or port)
            if urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}
            else None
            for name, (url, port) in ports.items()
        }

    def fresh(self, codes: list[str]) -> tuple[str, dict[str, str]]:
        """A database and broker URLs by user, that nobody has used; of given servers, what was given. What was made
        before goes. A process has one broker user, so where one works for many agencies, all share it."""
        if self.rabbitmq is None or self.postgresql is None:
            return self.database_url, dict.fromkeys(["hub", *codes], self.broker_url)
        if self.made:
            self.rabbitmq.drop_vhost(f"bench{self.made}")
        self.made += 1
        name = f"bench{self.made}"
        shared = self.rabbitmq.vhost(name)
        if len(codes) > SIDES:
            return self.postgresql.database(name), dict.fromkeys(["hub", *codes], shared)
        users = {code: self.rabbitmq.add_agency(name, code, moved=False) for code in codes}
        return self.postgresql.database(name), users | {"hub": self.rabbitmq.add_hub(name)}


@contextmanager
def private_servers() -> Iterator[Servers]:
    """Both servers, with production's settings for durability, deleted at the end."""
    with PostgreSql("-c shared_buffers=256MB") as postgresql, RabbitMq() as rabbitmq:
        yield Servers(rabbitmq, postgresql)


class Line:
    """One line in a folder of its own."""

    def __init__(self, program: Program, shape: Shape, folder: Path, servers: Servers | None) -> None:
        self.program = program
        self.shape = shape
        self.folder = folder
        self.counts = folder / "counts"
        self.running: dict[str, Running] = {}
        self.database_url = ""
        self.run = 0  # which measurement on it comes next
        self.known: set[str] = set()  # digests of the attachments that were sent before
        self._servers = servers
        self._codes = bench_plan.agencies(shape)
        self._sender = self._codes[0]
        self._users: dict[str, str] = {}
        folder.mkdir(parents=True)
        self.counts.mkdir()

    def make(self) -> None:
        """The homes."""
        if self._servers is None:
            self._axis("init", "--home", str(self.folder / "home"))
            self._configure()
            for key in (self.folder / "home" / "keys").glob("*.key"):  # an adapter works for whoever has a key here
                if key.stem not in {*self._codes, "HUB"}:
                    key.unlink()
                    shutil.rmtree(self.folder / "home" / "agencies" / key.stem)
            return
        self.make_hub()
        for name, codes in self._parts().items():
            target = self.folder / name
            self._axis("agency", "export", *codes, "--home", str(self.folder / "home"), "--to", str(target))

    def make_hub(self) -> None:
        """The hub's home, on servers."""
        assert self._servers is not None  # noqa: S101  whoever asks has some
        self.database_url, self._users = self._servers.fresh(self._codes)
        own = self._servers.rabbitmq is not None and len(self._codes) <= SIDES
        users = "required" if own else "optional"
        broker = ("--broker", "amqp", "--store", "postgresql", "--user-id", users)
        # What measures needs no keys of the agencies' own; a program of before knows nothing else.
        test_keys = ("--test-keys",) if "--test-keys" in self._axis("init", "--help") else ()
        self._axis("init", "--home", str(self.folder / "home"), *broker, *test_keys)
        self._configure()

    def add_type(self, folder: str) -> None:
        """A document type, by which every document that names it is judged; nothing runs yet."""
        self._axis("type", "add", folder, "--home", str(self.folder / "home"))

    def ask(self, *arguments: str) -> str:
        """What a command says in the hub's home; nothing runs."""
        return self._axis(*arguments, "--home", str(self.folder / "home"))

    def start(self, *, counted: bool = False) -> None:
        """The processes: one, or the hub and the adapters of sender and recipients."""
        if self._servers is None:
            self._start("line", "run", counted=counted)
            return
        self.start_hub(counted=counted)
        for name, codes in self._parts().items():
            self._start(name, "adapter", "run", *codes, counted=counted)

    def start_hub(self, name: str = "hub", *, counted: bool = False) -> None:
        """A hub worker. It says that it works: until then there are no queues, and adapters back off."""
        self._start(name, "hub", counted=counted)
        self.running[name].wait_for("hub", READY)

    @property
    def shared_url(self) -> str:
        """The broker's URL of a user whom all share."""
        return self._users["hub"]

    def stop(self) -> None:
        """End the processes in order."""
        for one in reversed(self.running.values()):
            one.stop()
        self.running.clear()

    def remove(self) -> None:
        """End the processes, delete the folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def place(self, code: str) -> Path:
        """The folder of an agency's system."""
        if self._servers is None:
            return self.folder / "home" / "agencies" / code
        return self.folder / ("sender" if code == self._sender else "recipient") / "agencies" / code

    def check(self) -> None:
        """Raises :class:`Unavailable` when one of the processes has ended."""
        for one in self.running.values():
            one.check()

    def pids(self) -> dict[str, list[int]]:
        """Process ids by role: ``line``, or ``hub``, ``sender``, ``recipient``, ``rabbitmq``, ``postgresql``."""
        found = {name: [one.pid] for name, one in self.running.items()}
        for name, pid in (self._servers.pids() if self._servers is not None else {}).items():
            if pid is not None:
                found[name] = [pid]
        return found

    @property
    def record_url(self) -> str:
        """SQLAlchemy URL of the hub's record."""
        return self.database_url or f"sqlite:///{self.folder / 'home' / 'axis.db'}"

    @property
    def authority(self) -> Path:
        """The certificate of the CA."""
        return self.folder / "home" / "pki" / "ca.pem"

    def _parts(self) -> dict[str, list[str]]:
        return {"sender": [self._sender], "recipient": self._codes[1:]}

    def _configure(self) -> None:
        with (self.folder / "home" / "axis.toml").open("a") as settings:
            settings.write(_SETTINGS.format(settle=float(self.shape.settle)))

    def keep_everything(self) -> None:
        """Nothing of a filled record ends while something else is measured; of a version that lets bytes end."""
        if self.program == present():
            with (self.folder / "home" / "axis.toml").open("a") as settings:
                names = ("parcels", "journal", "history", "sent", "status")
                settings.write("\n[retention]\n" + "".join(f"{name}_days = 0\n" for name in names))

    def _environment(self, user: str) -> dict[str, str]:
        hidden = {"PYTHONPATH", "AXIS_AMQP_URL", "AXIS_DATABASE_URL", "AXIS_MANAGEMENT_URL", "AXIS_HOME"}
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        environment |= {"LANG": "C.UTF-8", **self.program.environment}
        if self._servers is not None:
            environment["AXIS_AMQP_URL"] = self._users[self._parts().get(user, ["hub"])[0]]
            if user not in self._parts():
                environment["AXIS_DATABASE_URL"] = self.database_url
        return environment

    def _axis(self, *arguments: str) -> str:
        return bench_process.run(self.program.command(*arguments), self._environment("hub"), self.folder)

    def _start(self, name: str, *arguments: str, counted: bool) -> None:
        counts = self.counts / f"{name}.counts" if counted else None
        home = self.folder / (name if self._servers is not None and name in self._parts() else "home")
        command = self.program.command(*arguments, "--home", str(home), counts=counts)
        self.running[name] = bench_process.start(name, command, self._environment(name), self.folder)
