"""The demo, embedded or served: set up, send, die in between and go on, count what lies in the inboxes; then the scenes
(:mod:`axis.trials.demo_scenes`)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axis import bootstrap, config, crashpoints
from axis.core.message import agency_routes, hub_routes
from axis.errors import Fault, Problem, Unavailable
from axis.infra.record import registries
from axis.services import run as loops
from axis.services.operate import provision
from axis.services.questions import trace
from axis.trials import demo_documents, demo_scenes
from axis.trials.demo_scenes import AWAY, MENDED, SLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from axis.bootstrap import Home
    from axis.core.registry import Registry
    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub
    from axis.trials.demo_documents import Letter
    from axis.trials.demo_scenes import Line, Scene

WORST = "D05:100"  # shown to the agency's system, its receipt is not signed: for the hundredth time
ADAPTER_PROCESSES = 2  # each serves half of the agencies; 95 processes would only show how long Python starts
BUSY = {demo_documents.SENDER, demo_documents.RECIPIENT, MENDED, SLOW}
PATIENCE = 600.0  # seconds for the served demo


@dataclass(frozen=True)
class Shown:
    """Where the demo shows itself: a progress bar, and each scene as it is over."""

    bar: Callable[[str, int], AbstractContextManager[Callable[[int], None]]]  # (key of a text, total)
    tell: Callable[[Scene], None]


def perform(home_path: Path, documents: int, broker: str, keep: bool, shown: Shown) -> dict[str, Any]:
    """Run the whole demo in a new home at `home_path`; the summary. With `keep` also what to try in the home, the last
    scene. Raises the axis' errors."""
    seed = random.SystemRandom().randrange(1_000_000)
    started = time.monotonic()
    amqp = broker == "amqp"
    settings = config.Config(
        config.Installation(str(uuid.uuid4())),
        config.Store("postgresql") if amqp else config.Store(),
        config.Broker("amqp", user_id="optional") if amqp else config.Broker(),
        adapter=config.Adapter(settle_seconds=0.2),
        folders=config.Folders(("sent", "receipts", "status")),
        log=config.Log(level="error"),  # what the scenes tell of need not be said twice
    )
    with ExitStack() as stack:
        if amqp:
            stack.enter_context(_own_schema())
        with shown.bar("init.keys", 95) as advance:
            registry = provision.create_home(home_path, settings, "p256", _now(), lambda done, _all: advance(done))
        home = bootstrap.open_home(home_path)
        letters = demo_documents.plan([m.code for m in registry.agencies], documents, seed)
        play_on = _served if amqp else _embedded
        line, death = stack.enter_context(play_on(home, registry, letters, seed, shown))
        record = stack.enter_context(bootstrap.reading(home))
        counts = trace.summary(record)
        found, lost, duplicates = demo_documents.count(letters, lambda code: line.folder(code, "inbox"), seed)
        summary = {
            "documents": len(letters),
            "deliveries": sum(len(letter.recipients) for letter in letters),
            "handed_over": found,
            "receipts": counts["receipts"],
            "lost": lost,
            "duplicates": duplicates,
        }
        stage = demo_scenes.open_stage(line, record, _now, seed)
        demo_scenes.play(stage, letters, {**death, **summary}, shown.tell)
        if keep and not amqp:
            shown.tell(demo_scenes.leave(stage, letters))
    return {**summary, "seconds": round(time.monotonic() - started, 1)}


def _now() -> datetime:
    return datetime.now(UTC)


def _place(registry: Registry, letters: list[Letter], folders: Callable[[str], Path], seed: int) -> None:
    names = {m.code: m.name_vi for m in registry.agencies}
    demo_documents.place(letters, lambda code: folders(code) / "outbox", names, _now(), seed)


@dataclass(frozen=True)
class Embedded:
    """The line in this process."""

    home: Home
    hub: Hub
    agencies: list[Agency]

    def folder(self, code: str, name: str) -> Path:
        """A folder of an agency."""
        return self.home.path / "agencies" / code / name

    def settle(self, done: Callable[[], bool], away: str = "") -> None:
        """Until nothing is due but at `away`."""
        there = [agency for agency in self.agencies if agency.code != away]
        loops.rounds(self.hub, there, stopped=lambda: False, until_idle=True)
        if not done():
            raise Unavailable(Problem(Fault.INTERNAL, got="a scene of the demo did not come to its end"))


@contextmanager
def _embedded(
    home: Home, registry: Registry, letters: list[Letter], seed: int, shown: Shown
) -> Iterator[tuple[Line, dict[str, Any]]]:
    folders = home.path / "agencies"
    _place(registry, letters, lambda code: folders / code, seed)
    total = sum(len(letter.recipients) for letter in letters)
    death = _die(home)
    with bootstrap.embedded_parts(home) as (hub, agencies):
        death["recorded"] = trace.summary(hub.store)["handed_over"]
        with shown.bar("demo.running", total) as advance:
            loops.rounds(
                hub,
                agencies,
                stopped=lambda: False,
                until_idle=True,
                progress=lambda: advance(trace.summary(hub.store)["handed_over"]),
            )
        yield Embedded(home, hub, agencies), death


def _die(home: Home) -> dict[str, Any]:
    """Run the line in a process of its own until SIGKILL ends it at the worst moment: the agencies' systems see
    documents of which no receipt is signed yet. What lay in the inboxes then."""
    child = os.fork()
    if child == 0:
        try:
            crashpoints.arm(WORST)
            with bootstrap.embedded_parts(home) as (hub, agencies):
                loops.rounds(hub, agencies, stopped=lambda: False, until_idle=True)
        finally:
            os._exit(1)  # never back into what the parent is doing
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if ended != -signal.SIGKILL:
        raise Unavailable(Problem(Fault.INTERNAL, got=f"the process that was to be killed ended with {ended}"))
    arrived = len(list((home.path / "agencies").glob("*/inbox/[!.]*.edxml")))
    return {"pid": child, "signal": signal.Signals(-ended).name, "arrived": arrived}


# -- Served: separate processes for the hub and the adapters ------------------------------------------------------


class Served:
    """The line in separate processes: one hub, the adapters of half of the agencies in each of two."""

    def __init__(self, home: Home, homes: dict[str, Path]) -> None:
        self.home, self._homes = home, homes
        self._running: dict[Path, subprocess.Popen[bytes]] = {}

    def folder(self, code: str, name: str) -> Path:
        """A folder of an agency."""
        return self._homes[code] / "agencies" / code / name

    def start(self) -> None:
        """Every process that does not run."""
        for path in {self.home.path, *self._homes.values()} - self._running.keys():
            codes = [code for code, where in self._homes.items() if where == path]
            self._running[path] = _start(path, *(("adapter", "run", *codes) if codes else ("hub",)))

    def kill(self) -> dict[str, Any]:
        """End the hub by SIGKILL, and start another."""
        process = self._running.pop(self.home.path)
        process.kill()
        ended = process.wait(30)
        self.start()
        arrived = sum(len(list(self.folder(code, "inbox").glob("[!.]*.edxml"))) for code in self._homes)
        return {"pid": process.pid, "signal": signal.Signals(-ended).name, "arrived": arrived}

    def stop(self, path: Path) -> None:
        """End the process of this home as an operator does."""
        process = self._running.pop(path)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()

    def stop_all(self) -> None:
        """End every process."""
        for path in list(self._running):
            self.stop(path)

    def settle(self, done: Callable[[], bool], away: str = "") -> None:
        """Until `done()`; the process that has the adapter of `away` is stopped meanwhile."""
        if away and (path := self._homes[away]) in self._running:
            self.stop(path)
        elif not away:
            self.start()
        end = time.monotonic() + PATIENCE
        while not done():
            self.look()
            if time.monotonic() > end:
                raise Unavailable(Problem(Fault.TIMED_OUT, got=f"{PATIENCE:g}"))
            time.sleep(0.3)

    def look(self) -> None:
        """Raises :class:`Unavailable` if a process has ended by itself."""
        for path, process in self._running.items():
            if process.poll() is not None:
                said = f"the process of {path.name} ended with {process.returncode}: {path / 'axis.log'}"
                raise Unavailable(Problem(Fault.INTERNAL, got=said))


@contextmanager
def _served(
    home: Home, registry: Registry, letters: list[Letter], seed: int, shown: Shown
) -> Iterator[tuple[Line, dict[str, Any]]]:
    codes = [m.code for m in registry.agencies]
    _refuse_used_broker(home, codes)
    # Whose adapter stands still in a scene, and who answers meanwhile, are not in one process.
    still = [AWAY, *(code for code in codes if code not in {AWAY, *BUSY})][: len(codes) // ADAPTER_PROCESSES]
    homes: dict[str, Path] = {}
    with bootstrap.reading(home) as record, record.reading() as reader:
        signed = reader.payload(registries.newest(reader))
    for number, part in enumerate((still, [code for code in codes if code not in still]), 1):
        path = home.path / f"adapters-{number}"
        provision.export(home.path, home.config, part, signed, path, _now())
        homes |= dict.fromkeys(part, path)
    line = Served(home, homes)
    _place(registry, letters, lambda code: homes[code] / "agencies" / code, seed)
    total = sum(len(letter.recipients) for letter in letters)
    with bootstrap.reading(home) as record, shown.bar("demo.running", total) as advance:
        try:
            line.start()
            death: dict[str, Any] = {}

            def is_over() -> bool:
                recorded = trace.summary(record)["handed_over"]
                advance(recorded)
                if not death and recorded >= total // 3:
                    death.update(recorded=recorded, **line.kill())
                senders = {letter.sender for letter in letters}
                told = sum(len(list(line.folder(code, "status").rglob("*.01.*"))) for code in senders)
                return recorded >= total and told >= total

            line.settle(is_over)
            yield line, death
            line.look()
        finally:
            line.stop_all()


def _start(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """``axis`` with `arguments` in a process of its own; what it says goes to ``axis.log`` in its home."""
    with (home / "axis.log").open("ab") as log:
        command = [sys.executable, "-P", "-m", "axis", *arguments, "--home", str(home)]
        return subprocess.Popen(command, stderr=log)


@contextmanager
def _own_schema() -> Iterator[None]:
    """A PostgreSQL schema of the demo's own, dropped at the end: nothing else in the database is touched."""
    import sqlalchemy as sa

    from axis.infra.database import read_url

    name = f"axis_demo_{uuid.uuid4().hex[:12]}"
    given = config.Config(config.Installation("demo"), config.Store("postgresql")).database_url(Path())
    url = read_url(given)
    engine = sa.create_engine(url, hide_parameters=True)
    try:
        with engine.begin() as connection:
            connection.execute(sa.schema.CreateSchema(name))
        own = url.update_query_dict({"options": f"-csearch_path={name}"})
        os.environ["AXIS_DATABASE_URL"] = own.render_as_string(hide_password=False)
        yield
    except sa.exc.OperationalError as error:
        raise Unavailable(Problem(Fault.STORE_DOWN, got=str(error.orig)[:200])) from error
    finally:
        os.environ["AXIS_DATABASE_URL"] = given
        with engine.begin() as connection:
            connection.execute(sa.schema.DropSchema(name, cascade=True, if_exists=True))
        engine.dispose()


def _refuse_used_broker(home: Home, codes: list[str]) -> None:
    """The demo's mail must not mix with anybody's: every queue has to be empty."""
    with bootstrap.served_hub(home) as hub:
        routes = [*hub_routes(codes), *(route for code in codes for route in agency_routes(code))]
        for route in routes:
            if waiting := hub.broker.depth(route):
                raise Unavailable(Problem(Fault.BROKER_CONFIG, got=f"{route.queue} holds {waiting} messages of others"))
