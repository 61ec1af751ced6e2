"""``axis bench``: what a document costs, in CPU of every process, statements, flushes, time and memory; with what the
same work's primitives cost in the same run, what a peer needs, and what another commit of this repository does.

Rules: hub and two adapters are processes of their own with production's durability; P-256 keys, content of random
bytes, every receipt verified. Clock and CPU run from the first file renamed into an outbox to the last E.1 in its
sender's receipts/, idle included; nothing is signed or published before. Counts come from a second run on
the same line, so that counting costs the first one nothing. Each line has a folder of its own, deleted afterwards.
"""

from __future__ import annotations

import os
import platform
import random
import sqlite3
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from axis.errors import Fault, Problem, Unavailable
from axis.texts import language, text
from axis.trials import (
    bench_counts,
    bench_fill,
    bench_floor,
    bench_flushes,
    bench_line,
    bench_measure,
    bench_peer,
    bench_plan,
    bench_revision,
)
from axis.trials.bench_line import Line, Program, Servers
from axis.trials.servers import NoServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from axis.trials.bench_measure import Taken
    from axis.trials.bench_plan import Shape

PATIENCE = 120.0  # seconds in which nothing more arrives until a run is given up
ADAPTERS = ("sender", "recipient")
LIBRARIES = ("pika", "lxml", "cryptography", "sqlalchemy", "psycopg")


@dataclass(frozen=True)
class Asked:
    """What a measurement is asked for."""

    shape: Shape
    against: str = ""
    peer: bool = False
    counted: bool = True
    fill: int = 0
    broker: str = ""
    database: str = ""


def read_options(options: dict[str, Any]) -> Asked:
    """What the command line asks for. Raises ValueError for what does not go together."""
    mode, recipients = options["mode"], options["recipients"]
    agencies = options["agencies"] or (len(bench_plan.all_codes()) if mode == "embedded" else recipients + 1)
    given = bool(options["broker"]), bool(options["database"])
    if any(given) and (not all(given) or mode != "served" or options["against"]):
        raise ValueError(text("bench.both", language()))
    if recipients >= agencies:
        raise ValueError(f"--recipients {recipients}: --agencies {recipients + 1}")
    try:
        size = bench_plan.read_size(options["size"])
    except ValueError:
        raise ValueError(f"--size {options['size']}: 5KB, 100KB, 5MB") from None
    return Asked(
        bench_plan.Shape(mode, size, recipients, options["documents"], agencies, options["pace"]),
        options["against"],
        options["peer"],
        not options["no_counts"],
        options["fill"],
        options["broker"],
        options["database"],
    )


def wrong(found: dict[str, Any]) -> dict[str, int]:
    """What must not be: lost, doubled, receipts that do not verify or are missing; {} when all is right."""
    both = [found, found["against"]] if "against" in found else [found]
    facts = {
        "lost": sum(one["lost"] for one in both),
        "doubled": sum(one["doubled"] for one in both),
        "unverified": sum(one["documents"] * one["recipients"] - one["receipts_verified"] for one in both),
    }
    return facts if any(facts.values()) else {}


@dataclass(frozen=True)
class Stage:
    """Where a measurement shows itself: what begins, and how far it is."""

    say: Callable[..., None]
    progress: Callable[[int], None] = lambda _done: None


@dataclass(frozen=True)
class Run:
    """One version measured: the clock and CPU, and the counts of the second run."""

    program: Program
    taken: Taken
    counts: dict[str, Any]


@contextmanager
def servers(asked: Asked) -> Iterator[Servers | None]:
    """The servers of a served line; None for an embedded one. Raises :class:`Unavailable` TRIAL_SERVER."""
    if asked.shape.mode == "embedded":
        yield None
        return
    if asked.broker and asked.database:
        yield Servers(None, None, asked.broker, asked.database)
        return
    with ExitStack() as stack:
        try:
            found = stack.enter_context(bench_line.private_servers())
        except (NoServerError, OSError) as error:
            raise Unavailable(Problem(Fault.TRIAL_SERVER, got=str(error)[-300:])) from error
        yield found


def perform(asked: Asked, stage: Stage) -> dict[str, Any]:
    """Measure; the JSON object. Raises the axis' errors."""
    seed = random.SystemRandom().randrange(1_000_000)
    shape = asked.shape
    with ExitStack() as stack:
        programs = [bench_line.present()]
        if asked.against:
            stage.say("bench.revision", revision=asked.against)
            programs.append(stack.enter_context(bench_revision.revision(asked.against)))
        peer = None
        if asked.peer:
            stage.say("bench.peer")
            peer = stack.enter_context(bench_peer.peer())
        given = stack.enter_context(servers(asked))
        load, before = os.getloadavg()[0], bench_floor.calibration()
        runs = [_run(asked, one, given, seed, stage) for one in programs]
        floor = bench_floor.floor(shape.attachment, shape.recipients)
        measured = peer.measure(bench_plan.packet(shape, seed)) if peer is not None else None
        after = bench_floor.calibration()
    found = _object(shape, runs[0], floor)
    found["ratio_to_floor"] = _ratio(found["cpu_ms"]["all"], floor["all"])
    found["peer_ms"] = measured["ms"] if measured is not None else None
    if peer is not None:
        found["peer"] = measured or {"not_available": peer.trouble}
        found["peer_ratio"] = _ratio(found["peer_ms"], found["cpu_ms"]["all"])
    if asked.against:
        found["against"] = _object(shape, runs[1], floor)
        found["against_ratio"] = _ratio(found["against"]["cpu_ms"]["all"], found["cpu_ms"]["all"])
    found["revision"] = bench_revision.current()
    found["filled"] = asked.fill
    found["calibration"] = {"before": before, "after": after, "load": [round(load, 2), round(os.getloadavg()[0], 2)]}
    found["machine"] = _machine(given)
    return found


def _run(asked: Asked, program: Program, given: Servers | None, seed: int, stage: Stage) -> Run:
    name = program.name or bench_revision.current() or "-"
    with line_of(asked, program, given, seed, stage) as line:
        stage.say("bench.run", revision=name)
        line.start()
        bench_measure.warm_up(line, seed, PATIENCE)
        taken = bench_measure.measure(line, seed, PATIENCE, stage.progress)
        line.stop()
        if not asked.counted:
            return Run(program, taken, {})
        stage.say("bench.count", revision=name)
        line.start(counted=True)
        bench_measure.warm_up(line, seed, PATIENCE)
        return Run(program, taken, _count(line, seed, stage))


@contextmanager
def line_of(asked: Asked, program: Program, given: Servers | None, seed: int, stage: Stage) -> Iterator[Line]:
    """A line in a folder of its own, its homes made and its record filled, nothing started; deleted at the end."""
    with TemporaryDirectory(prefix="axis-bench-") as folder:
        line = Line(program, asked.shape, Path(folder) / "line", given)
        try:
            line.make()
            if asked.fill:
                stage.say("bench.fill", count=asked.fill)
                line.keep_everything()
                bench_fill.fill(line.record_url, asked.fill, bench_plan.all_codes(), seed, datetime.now(UTC))
            yield line
        finally:
            line.remove()


def _count(line: Line, seed: int, stage: Stage) -> dict[str, Any]:
    """The counts of one run, by what is counted."""
    marks: list[dict[str, int]] = []
    by_hub: list[int] = []
    walls: list[bench_flushes.Written] = []
    flushes: dict[str, Any] = {}
    watch = bench_flushes.Watch(line.folder) if bench_flushes.is_there() else None

    def begun() -> None:
        if line.database_url:
            walls.append(bench_flushes.written(line.database_url))
        if watch is not None:
            watch.begin(line.pids())
        marks.append(bench_counts.read(line.counts))
        by_hub.append(bench_counts.read(line.counts, "hub")["sql"])

    def ended() -> None:
        marks.append(bench_counts.read(line.counts))
        by_hub.append(bench_counts.read(line.counts, "hub")["sql"])
        if watch is not None:
            flushes.update({name: dict(calls) for name, calls in watch.end().items()})
        if line.database_url:
            time.sleep(1.2)  # until PostgreSQL's processes have told
            walls.append(bench_flushes.written(line.database_url))

    bench_measure.measure(line, seed, PATIENCE, stage.progress, begun, ended)
    counts: dict[str, Any] = {name: marks[1][name] - marks[0][name] for name in bench_counts.NAMES}
    counts["sql_hub"] = by_hub[1] - by_hub[0] if "hub" in line.pids() else None
    counts["flushes"] = flushes if watch is not None else None
    counts["postgresql"] = walls[1].since(walls[0]) if walls else None
    return counts


def _object(shape: Shape, run: Run, floor: dict[str, float]) -> dict[str, Any]:
    """What one version has done, for each document."""
    taken, documents = run.taken, shape.documents
    by_role = {name: round(cpu / documents, 3) for name, cpu in taken.cpu_ms.items()}
    adapters = [by_role[name] for name in ADAPTERS if name in by_role]
    cpu = {
        "hub": by_role.get("hub"),
        "adapters": round(sum(adapters), 3) if adapters else None,
        "rabbitmq": by_role.get("rabbitmq"),
        "postgresql": by_role.get("postgresql"),
        "all": round(sum(by_role.values()), 3),
        "sender": by_role.get("sender"),
        "recipient": by_role.get("recipient"),
    }
    flushes = run.counts.get("flushes")
    return {
        "mode": shape.mode,
        "size": shape.size,
        "recipients": shape.recipients,
        "documents": documents,
        "agencies": shape.agencies,
        "pace": shape.pace or "all at once",
        "version": run.program.name or bench_revision.current(),
        "seconds": round(taken.seconds, 2),
        "cpu_ms": cpu,
        "cpu_ms_a_delivery": round(cpu["all"] / shape.recipients, 3) if cpu["all"] is not None else None,
        "floor_ms": floor["all"],
        "floor": floor,
        **{name: _each(run.counts.get(name), documents) for name in bench_counts.NAMES},
        "sql_hub": _each(run.counts.get("sql_hub"), documents),
        "flushes": _each(_flushes(flushes), documents),
        "flushes_by_process": flushes,
        "postgresql": {k: _each(v, documents) for k, v in (run.counts.get("postgresql") or {}).items()} or None,
        "latency_ms": percentiles(taken),
        "rss_mb": {name: round(peak, 1) for name, peak in taken.rss_mb.items()},
        "receipts_verified": taken.verified,
        "lost": taken.lost,
        "doubled": taken.doubled,
    }


def percentiles(taken: Taken) -> dict[str, dict[str, float]]:
    """Milliseconds from the outbox by leg, as half, nearly all and all but the last of them took."""
    return {
        leg: {f"p{share}": round(bench_measure.percentile(times, share / 100), 1) for share in (50, 95, 99)}
        for leg, times in taken.legs.items()
    }


def _flushes(by_process: dict[str, dict[str, int]] | None) -> int | None:
    return sum(sum(calls.values()) for calls in by_process.values()) if by_process is not None else None


def _each(count: float | None, documents: int) -> float | None:
    return round(count / documents, 2) if count is not None else None


def _ratio(above: float | None, below: float | None) -> float | None:
    return round(above / below, 3) if above is not None and below else None


def _machine(given: Servers | None) -> dict[str, Any]:
    versions = {name: version(name) for name in LIBRARIES}
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    found: dict[str, Any] = {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": model[0].partition(":")[2].strip() if model else platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **versions,
        "sqlite": sqlite3.sqlite_version,
    }
    if given is not None and given.postgresql is not None and given.rabbitmq is not None:
        found |= {"postgresql": given.postgresql.version, "rabbitmq": given.rabbitmq.version}
    return found
