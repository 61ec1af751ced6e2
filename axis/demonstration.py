"""The demo, embedded or served: set up, send, wait until all is handed over, count what lies in the inboxes."""

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

from axis import bootstrap, config
from axis.core.message import agency_routes, hub_routes
from axis.errors import Fault, Problem, Unavailable
from axis.infra.record import registries
from axis.services import demo
from axis.services import run as loops
from axis.services.operate import provision
from axis.services.questions import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from axis.bootstrap import Home
    from axis.core.trust import Registry
    from axis.infra.record.store import HubStore
    from axis.services.demo import Letter

ADAPTER_PROCESSES = 2  # each serves half of the agencies; 95 processes would only show how long Python starts
PATIENCE = 600.0  # seconds for the served demo


@dataclass(frozen=True)
class Stage:
    """Where the demo shows itself: a progress bar, and lines for people."""

    bar: Callable[[str, int], AbstractContextManager[Callable[[int], None]]]  # (key of a text, total)
    say: Callable[..., None]


@dataclass(frozen=True)
class Result:
    """The summary, and the trace of a document with several recipients."""

    summary: dict[str, Any]
    trace: dict[str, Any]


def perform(folder: Path, documents: int, broker: str, stage: Stage) -> Result:
    """Run the whole demo in `folder`. Raises the axis' errors."""
    seed = random.SystemRandom().randrange(1_000_000)
    started = time.monotonic()
    home_path = folder / "home"
    amqp = broker == "amqp"
    settings = config.Config(
        config.Installation(str(uuid.uuid4())),
        config.Store("postgresql") if amqp else config.Store(),
        config.Broker("amqp", user_id="optional") if amqp else config.Broker(),
        adapter=config.Adapter(settle_seconds=0.2),
    )
    with ExitStack() as stack:
        if amqp:
            stack.enter_context(_own_schema())
        stage.say("demo.setup", agencies=95, documents=documents)
        with stage.bar("init.keys", 95) as advance:
            registry = provision.create_home(home_path, settings, "p256", _now(), lambda done, _all: advance(done))
        home = bootstrap.open_home(home_path)
        letters = demo.plan([m.code for m in registry.agencies], documents, seed)
        perform_line = _served if amqp else _embedded
        folders = perform_line(home, registry, letters, seed, stage)
        with bootstrap.reading(home) as record:
            counts = trace.summary(record)
            wide = next((letter for letter in letters if 1 < len(letter.recipients) < 10), letters[0])
            wide_trace = trace.trace(record, wide.document_id)
        found, lost, duplicates = demo.count(letters, lambda code: folders(code) / "inbox", seed)
    summary = {
        "documents": len(letters),
        "deliveries": sum(len(letter.recipients) for letter in letters),
        "handed_over": found,
        "receipts": counts["receipts"],
        "lost": lost,
        "duplicates": duplicates,
        "seconds": round(time.monotonic() - started, 1),
    }
    return Result(summary, wide_trace)


def _now() -> datetime:
    return datetime.now(UTC)


def _place(registry: Registry, letters: list[Letter], folders: Callable[[str], Path], seed: int) -> None:
    names = {m.code: m.name_vi for m in registry.agencies}
    demo.place(letters, lambda code: folders(code) / "outbox", names, _now(), seed)


def _embedded(home: Home, registry: Registry, letters: list[Letter], seed: int, stage: Stage) -> Callable[[str], Path]:
    def folders(code: str) -> Path:
        return home.path / "agencies" / code

    _place(registry, letters, folders, seed)
    total = sum(len(letter.recipients) for letter in letters)
    with bootstrap.embedded_parts(home) as (hub, agencies), stage.bar("demo.running", total) as advance:
        loops.rounds(
            hub,
            agencies,
            stopped=lambda: False,
            until_idle=True,
            progress=lambda: advance(trace.summary(hub.store)["handed_over"]),
        )
    return folders


# -- Served: separate processes for the hub and the adapters ------------------------------------------------------


def _served(home: Home, registry: Registry, letters: list[Letter], seed: int, stage: Stage) -> Callable[[str], Path]:
    codes = [m.code for m in registry.agencies]
    _refuse_used_broker(home, codes)
    parts = [codes[n::ADAPTER_PROCESSES] for n in range(ADAPTER_PROCESSES)]
    homes: dict[str, Path] = {}
    with bootstrap.reading(home) as record, record.reading() as reader:
        signed = reader.payload(registries.newest(reader))
    for number, part in enumerate(parts):
        path = home.path.parent / f"agencies-{number + 1}"
        provision.export(home.path, home.config, part, signed, path, _now())
        homes |= dict.fromkeys(part, path)

    def folders(code: str) -> Path:
        return homes[code] / "agencies" / code

    _place(registry, letters, folders, seed)
    total = sum(len(letter.recipients) for letter in letters)
    with ExitStack() as stack:
        stack.enter_context(_process(home.path, "hub"))
        record = stack.enter_context(bootstrap.reading(home))
        for part in parts:
            stack.enter_context(_process(homes[part[0]], "adapter", "run", *part))
        advance = stack.enter_context(stage.bar("demo.running", total))
        _await(record, letters, folders, total, advance)
    return folders


def _await(
    record: HubStore,
    letters: list[Letter],
    folders: Callable[[str], Path],
    total: int,
    advance: Callable[[int], None],
) -> None:
    """Until everything is handed over and the senders hold an answer for every delivery."""
    end = time.monotonic() + PATIENCE
    senders = {letter.sender for letter in letters}
    while True:
        done = trace.summary(record)["handed_over"]
        advance(done)
        if done >= total and sum(len(list((folders(c) / "status").glob("*.01.*"))) for c in senders) >= total:
            return
        if time.monotonic() > end:
            raise Unavailable(Problem(Fault.TIMED_OUT, got=f"{PATIENCE:g}"))
        time.sleep(0.3)


@contextmanager
def _process(home: Path, *arguments: str) -> Iterator[None]:
    """``axis`` with `arguments` in a process of its own; what it says goes to ``axis.log`` in its home."""
    with (home / "axis.log").open("wb") as log:
        command = [sys.executable, "-m", "cli", *arguments, "--home", str(home)]
        process = subprocess.Popen(command, stderr=log)
    try:
        yield
        if process.poll() is not None:
            raise Unavailable(Problem(Fault.INTERNAL, got=f"'axis {arguments[0]}' ended with {process.returncode}"))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


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
