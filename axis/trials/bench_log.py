"""What the log costs: a line that puts its entries into the tree, signs checkpoints and asks its witnesses, against the
same line without the log's key, in turn on one record, so that a drift of the machine meets both.

Two figures: of the documents, from the first into an outbox to the last E.1, and of all that follows, too, until the
witnesses have cosigned what was accepted and the agencies have its proofs.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from axis.trials import bench, bench_line, bench_measure, bench_plan, bench_process

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.trials.bench import Asked, Stage
    from axis.trials.bench_line import Line

TURNS = (True, False, False, True)  # with the log or without
WINDOW = 80.0  # seconds from a line's first document: the witnesses are asked within the first minute, and answer


def perform(asked: Asked, stage: Stage) -> dict[str, Any]:
    """CPU ms a document with the log and without. Raises the axis' errors."""
    runs: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    with bench.servers(asked) as servers, bench.line_of(asked, bench_line.present(), servers, 1, stage) as line:
        _let_those_at_work_count(line)
        key = line.folder / "home" / "pki" / "log.key"
        aside = key.with_suffix(".aside")
        for has_log in TURNS:
            stage.say("bench.run", revision="with the log" if has_log else "without the log")
            here, there = (aside, key) if has_log else (key, aside)
            if here.exists():
                here.rename(there)
            runs[has_log].append(_turn(line, stage))
        said = json.loads(line.ask("witness", "status", "--json"))["centre"]
    with_log, without = (_mean(runs[has_log], asked.shape.documents) for has_log in (True, False))
    both = [*runs[True], *runs[False]]
    return {
        "mode": asked.shape.mode,
        "agencies": asked.shape.agencies,
        "documents": asked.shape.documents,
        "turns": len(TURNS),
        "with": with_log,
        "without": without,
        "percent_more": _percent(with_log, without, "accepting"),
        "percent_more_with_witnesses": _percent(with_log, without, "with_what_follows"),
        "entries": said["size"],
        "witnessed": said["witnessed"],
        "lost": sum(one["lost"] for one in both),
        "doubled": sum(one["doubled"] for one in both),
    }


def _turn(line: Line, stage: Stage) -> dict[str, Any]:
    """The documents once, and what follows; CPU ms by process of each."""
    line.start()
    bench_measure.warm_up(line, 1, bench.PATIENCE)
    pids, end = line.pids(), time.monotonic() + WINDOW
    start = {name: bench_process.cpu_ms(found) for name, found in pids.items()}
    taken = bench_measure.measure(line, 1, bench.PATIENCE, stage.progress)
    bench_process.wait_quiet(end - time.monotonic(), list(line.running.values()))
    whole = {name: bench_process.cpu_ms(found) - start[name] for name, found in pids.items()}
    line.stop()
    return {"accepting": taken.cpu_ms, "with_what_follows": whole, "lost": taken.lost, "doubled": taken.doubled}


def _mean(runs: Sequence[dict[str, Any]], documents: int) -> dict[str, dict[str, float]]:
    """CPU ms a document by what was measured and process."""
    found = {}
    # A later turn with the log also has to tell of what was entered in the turns without it.
    for part, those in (("accepting", runs), ("with_what_follows", runs[:1])):
        means = {name: sum(one[part][name] for one in those) / len(those) / documents for name in runs[0][part]}
        found[part] = {name: round(mean, 3) for name, mean in means.items()} | {"all": round(sum(means.values()), 3)}
    return found


def _percent(with_log: dict[str, Any], without: dict[str, Any], part: str) -> dict[str, float]:
    """So much more the log makes it, by process."""
    return {
        name: round((with_log[part][name] / before - 1) * 100, 1) for name, before in without[part].items() if before
    }


def _let_those_at_work_count(line: Line) -> None:
    """More than half of the agencies that have an adapter here are a quorum: of all, most might not be there."""
    codes = bench_plan.agencies(line.shape)
    path = line.folder / "home" / "pki" / "log.policy"
    lines = path.read_text("utf-8").splitlines()
    kept = [one for one in lines if one.startswith("log ") or one.split()[:2] in [["witness", code] for code in codes]]
    group = f"group here {len(codes) // 2 + 1} {' '.join(codes)}"
    wanted = line.folder / "log.policy"
    wanted.write_text("\n".join([*kept, group, "quorum here"]) + "\n", "utf-8")
    line.ask("witness", "policy", "--file", str(wanted))
