"""docs/benchmarks.md and its plot, made from saved results, and the results themselves.

    python -m axis.trials.bench_docs page FOLDER                    the page and the plot from FOLDER/benchmarks.jsonl
    python -m axis.trials.bench_docs measure FOLDER REV [SHARE]     every shape, against REV, then the page

benchmarks.jsonl has one JSON object of ``axis bench --json`` a line. SHARE: of the number of documents.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from axis.trials import bench, bench_plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from axis.trials.bench_plan import Mode

Result = dict[str, Any]
PLOT, SAVED = "benchmarks.svg", "benchmarks.jsonl"
_PARTS = {"hub": "#2f6f9f", "adapters": "#e08e2b", "rabbitmq": "#7a9e3f", "postgresql": "#8c6bb1", "line": "#2f6f9f"}
_ROLES = {"hub": "hub", "adapters": "adapters", "rabbitmq": "RabbitMQ", "postgresql": "PostgreSQL"}
_PEER = "#999999"
_BAR, _GAP, _LEFT, _WIDTH, _RIGHT = 18, 10, 330, 460, 90  # pixels
_HEAD = """# Benchmarks

What a document costs. `make benchmarks` runs `axis bench` for each row and writes the results
(`docs/benchmarks.jsonl`), this page and its plot; `make benchmarks-page` writes the page again from the results.

How it is measured:

* The hub and two adapters (of the sender, of the recipients) are processes of their own; RabbitMQ and PostgreSQL have
  production's settings for durability. Embedded: one process, SQLite.
* P-256 keys; every attachment is random bytes; every receipt is verified afterwards; lost and doubled are counted by
  the digests of what lies in the inboxes.
* Clock and CPU (user and system, of `/proc`, children included) run from the first file renamed into an outbox to the
  last E.1 in its sender's `receipts/`, idle included. Nothing is signed or published before. One document goes to
  everybody before the clock starts: so it is known that every process works.
* Senders' rate limits are lifted and a file in an outbox needs no time to settle, in every version.
* Statements, commits, parses, verifications and signatures are counted in a second run on the same line, flushes by
  `strace` in the same.
* *Floor*: the primitives of the same work (parse, base64, signatures, hashes, zip, rows, files) by the libraries
  alone, in the same run; without transport and flushes. *pyas2lib*: build, verify, signed MDN and MDN verify of the
  same packet with RSA-2048, without transport, validation and store, in the same run.
* Two versions in a row are measured the same way, one after the other. Absolute figures drift with the machine:
  compare within a row, and rows by their calibration (a Python loop of a million empty turns; SHA-256 of 100 KB) and
  the load.

"""
# Mode, size, recipients, documents, agencies with an adapter, pace a second, whether pyas2lib is measured too.
SHAPES: tuple[tuple[Mode, int, int, int, int, float, bool], ...] = (
    ("served", 100_000, 1, 300, 2, 0, True),
    ("served", 100_000, 1, 200, 2, 20, False),
    ("served", 5000, 94, 10, 95, 0, False),
    ("embedded", 100_000, 1, 190, 95, 0, False),
    ("embedded", 100_000, 1, 200, 5, 0, False),
    ("embedded", 5000, 94, 4, 95, 0, True),
)


def page(results: Sequence[Result]) -> str:
    """The page."""
    lines = [
        _HEAD,
        *_busy(results),
        f"![CPU of each delivery]({PLOT})\n\n",
        "## CPU\n\n",
        "CPU ms for each delivery.\n\n",
    ]
    columns = ("measured", "version", "hub", "adapters", "RabbitMQ", "PostgreSQL", "all", "floor", "pyas2lib", "load")
    lines += _table([*columns, "loop ms / SHA-256 µs"], [_cpu_row(*one) for one in _versions(results)])
    lines += ["\n## Counts\n\n", "For each document.\n\n"]
    counted = ("sql", "commits", "flushes", "parses", "verifications", "signatures")
    heads = ("measured", "version", "SQL", "commits", "flushes", "parses", "verifications", "signatures")
    rows = [[_shape(of), one["version"], *(_cell(one[name]) for name in counted)] for of, one in _versions(results)]
    lines += _table(heads, rows)
    lines += ["\n## Time and memory\n\n", "Milliseconds from the outbox: median / 99th percentile.\n\n"]
    heads = (
        "measured",
        "version",
        "seconds",
        "accepted",
        "in the inbox",
        "E.1 at the sender",
        "peak MB",
        "lost, doubled",
    )
    lines += _table(heads, [_time_row(*one) for one in _versions(results)])
    machine = results[0]["machine"] if results else {}
    lines += ["\n## Machine\n\n", "; ".join(f"{name} {value}" for name, value in machine.items()) + ".\n"]
    return "".join(lines)


def _busy(results: Sequence[Result]) -> list[str]:
    """A warning where others worked on the machine, too."""
    load = max((max(one["calibration"]["load"]) for one in results), default=0.0)
    cores = min((one["machine"]["cores"] for one in results), default=1)
    if load <= cores + 1:
        return []
    return [f"**Others worked on these {cores} cores meanwhile (load up to {load:g}): indicative only.**\n\n"]


def plot(results: Sequence[Result]) -> str:
    """The plot: a stacked bar for each version and shape, CPU ms of a delivery."""
    bars = [(f"{_shape(of)} · {one['version']}", _parts(one)) for of, one in _versions(results)]
    bars += [
        (f"pyas2lib, {_size(one['size'])}", [("", one["peer_ms"])]) for one in _first_of_size(results) if one["peer_ms"]
    ]
    longest = max((sum(value for _, value in parts) for _, parts in bars), default=1.0)
    height = (_BAR + _GAP) * len(bars) + 60
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + _RIGHT}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="100%" height="{height}" fill="white"/>',
        '<text x="10" y="18" font-weight="bold">CPU ms for each delivery</text>',
    ]
    for place, (name, title) in enumerate(_ROLES.items()):
        x: float = _LEFT + place * 115
        drawn.append(f'<rect x="{x}" y="8" width="12" height="12" fill="{_PARTS[name]}"/>')
        drawn.append(f'<text x="{x + 17}" y="18">{title}</text>')
    for place, (label, parts) in enumerate(bars):
        y = 35 + place * (_BAR + _GAP)
        drawn.append(f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(label)}</text>')
        x = _LEFT
        for name, value in parts:
            wide = value / longest * _WIDTH
            drawn.append(
                f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{_BAR}" fill="{_PARTS.get(name, _PEER)}"/>'
            )
            x += wide
        drawn.append(f'<text x="{x + 6:.1f}" y="{y + 13}">{sum(value for _, value in parts):.1f}</text>')
    return "\n".join([*drawn, "</svg>\n"])


def _versions(results: Sequence[Result]) -> list[tuple[Result, Result]]:
    """(the whole result, one version's part of it): ours, then the one it was measured against."""
    return [(of, one) for of in results for one in ([of, of["against"]] if "against" in of else [of])]


def _first_of_size(results: Sequence[Result]) -> list[Result]:
    return list({one["size"]: one for one in reversed(results)}.values())[::-1]


def _parts(one: Result) -> list[tuple[str, float]]:
    cpu, each = one["cpu_ms"], one["recipients"]
    found = [
        (name, cpu[name] / each) for name in ("hub", "adapters", "rabbitmq", "postgresql") if cpu[name] is not None
    ]
    return found if one["mode"] == "served" else [("line", cpu["all"] / each)]


def _shape(one: Mapping[str, Any]) -> str:
    pace = f"at {one['pace']:g}/s" if isinstance(one["pace"], (int, float)) else "at once"
    return f"{one['mode']} {one['agencies']}, {_size(one['size'])} → {one['recipients']}, {one['documents']} {pace}"


def _size(size: int) -> str:
    return f"{size / 1_000_000:g} MB" if size >= 1_000_000 else f"{size / 1000:g} KB"


def _cpu_row(of: Result, one: Result) -> list[str]:
    cpu, each = one["cpu_ms"], one["recipients"]
    ours = of is one
    shown = [
        cpu[name] / each if cpu[name] is not None else None for name in ("hub", "adapters", "rabbitmq", "postgresql")
    ]
    parts = [_cell(value) for value in (*shown, cpu["all"] / each)]
    parts += [_cell(one["floor_ms"] / each if ours else None), _cell(of["peer_ms"] if ours else None)]
    calibration = of["calibration"]
    before, after = calibration["before"], calibration["after"]
    load = " → ".join(f"{value:g}" for value in calibration["load"]) if ours else ""
    known = [f"{before[name]:g}–{after[name]:g}" for name in ("loop_ms", "sha256_us")] if ours else []
    return [_shape(of), one["version"], *parts, load, " / ".join(known)]


def _time_row(of: Result, one: Result) -> list[str]:
    legs = [f"{leg['p50']:,.0f} / {leg['p99']:,.0f}" for leg in one["latency_ms"].values()]
    peaks = ", ".join(f"{name} {peak:.0f}" for name, peak in one["rss_mb"].items())
    return [_shape(of), one["version"], _cell(one["seconds"]), *legs, peaks, f"{one['lost']}, {one['doubled']}"]


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return [f"| {' | '.join(line)} |\n" for line in lines]


def read(path: Path) -> list[Result]:
    """The saved results."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def write(results: Sequence[Result], folder: Path) -> None:
    """The page and the plot into `folder`."""
    (folder / "benchmarks.md").write_text(page(results), "utf-8")
    (folder / PLOT).write_text(plot(results), "utf-8")


def measure(folder: Path, against: str, share: float) -> None:
    """Every shape into FOLDER/benchmarks.jsonl, one after the other."""
    results = []
    for mode, size, recipients, documents, agencies, pace, peer in SHAPES:
        count = max(2, round(documents * share))
        shape = bench_plan.Shape(mode, size, recipients, count, agencies, pace)
        sys.stderr.write(f"{shape}\n")
        results.append(bench.perform(bench.Asked(shape, against, peer), bench.Stage(lambda _key, **_facts: None)))
        lines = (json.dumps(one, ensure_ascii=False) + "\n" for one in results)
        (folder / SAVED).write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    what, where, *more = sys.argv[1:]
    if what == "measure":
        measure(Path(where), more[0], float(more[1]) if more[1:] else 1.0)
    write(read(Path(where) / SAVED), Path(where))
