"""One run on one line: the clock and the CPU from the first file renamed into an outbox to the last E.1 in a sender's
receipts/, and what then lies in the folders, asking no database."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from axis.errors import Fault, Problem, Unavailable
from axis.infra import keystore
from axis.services.questions import verify
from axis.trials import bench_plan, bench_process, demo_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from axis.core.parcel import Trust
    from axis.trials.bench_line import Line
    from axis.trials.demo_documents import Letter

LOOK = 0.05  # seconds between two looks at the receipts
AFTER = 0.5  # seconds for what should not come any more
CALM = 1.5  # seconds from the first document's receipts to the clock's start, for what follows them
_RECEIPT = re.compile(
    r"(?P<id>.+?)\.(?P<event>[A-Z]\.\d)(\.(?P<recipient>[A-Z0-9.]+?)(\+(?P<more>\d+))?)?(\.[0-9a-f]{8})?\.asice"
)


@dataclass(frozen=True)
class Taken:
    """What one run took."""

    seconds: float
    cpu_ms: dict[str, float]  # by role, of the whole run
    rss_mb: dict[str, float]
    legs: dict[str, list[float]]  # milliseconds from outbox, sorted
    lost: int
    doubled: int
    verified: int  # receipts E.1 that say what they should
    unverified: int


@dataclass(frozen=True)
class Shown:
    """A receipt in a sender's folder, as its name tells."""

    axis_id: str
    event: str
    recipients: int


def parse_receipt(name: str) -> Shown | None:
    """What the name of a file in receipts/ tells; None for another file."""
    found = _RECEIPT.fullmatch(name)
    if found is None:
        return None
    return Shown(found["id"], found["event"], (1 + int(found["more"] or 0)) if found["recipient"] else 0)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the sorted `values` lie (nearest rank); 0 of none."""
    if not values:
        return 0.0
    return values[min(len(values) - 1, max(0, -(-int(share * 1000) * len(values) // 1000) - 1))]


def warm_up(line: Line, seed: int, patience: float) -> None:
    """Send one document to everybody and wait for its receipts: every process works then."""
    first = bench_plan.first_letters(line.shape, line.run)
    staged = line.folder / f"first{line.run}"
    before = handed_over(line)
    line.known |= set(bench_plan.write(first, staged, _now(), seed))
    for letter in first:
        drop(line, staged, letter)
    await_receipts(line, before + sum(len(letter.recipients) for letter in first), patience)
    bench_process.wait_quiet(CALM, list(line.running.values()))


def measure(
    line: Line,
    seed: int,
    patience: float,
    progress: Callable[[int], None] = lambda _done: None,
    begun: Callable[[], None] = lambda: None,
    ended: Callable[[], None] = lambda: None,
) -> Taken:
    """Run the line's shape once; `begun` and `ended` are called at the ends of what is measured, outside of it."""
    letters = bench_plan.letters(line.shape, line.run)
    staged = line.folder / f"staged{line.run}"
    expected = bench_plan.write(letters, staged, _now(), seed)
    before = handed_over(line)
    begun()
    pids = line.pids()
    start = {name: bench_process.cpu_ms(found) for name, found in pids.items()}
    started = time.time()
    dropped = _drop_all(line, staged, letters)
    await_receipts(line, before + line.shape.deliveries, patience, lambda done: progress(done - before))
    cpu = {name: bench_process.cpu_ms(found) - start[name] for name, found in pids.items()}
    ended()
    rss = {name: bench_process.peak_mb(found) for name, found in pids.items()}
    bench_process.wait_quiet(AFTER, list(line.running.values()))
    found = look(line, expected, line.known, dropped, started, cpu, rss)
    line.known |= set(expected)
    line.run += 1
    return found


def _drop_all(line: Line, staged: Path, letters: Sequence[Letter]) -> dict[int, float]:
    """Rename each into its outbox in its time; when that was, by number."""
    dropped, begun = {}, time.monotonic()
    for place, letter in enumerate(letters):
        if line.shape.pace:
            time.sleep(max(0.0, begun + place / line.shape.pace - time.monotonic()))
        dropped[letter.number] = drop(line, staged, letter)
    return dropped


def drop(line: Line, staged: Path, letter: Letter) -> float:
    """Rename a packet from `staged` into its sender's outbox; when that was."""
    name = bench_plan.file_name(letter)
    now = time.time()
    (staged / name).rename(line.place(letter.sender) / "outbox" / name)
    return now


def await_receipts(
    line: Line, wanted: int, patience: float, progress: Callable[[int], None] = lambda _done: None
) -> None:
    """Until so many E.1 lie in the senders' receipts/. Raises :class:`Unavailable` TRIAL_LATE when nothing more has
    come for `patience` seconds."""
    seen, changed = -1, time.monotonic()
    while True:
        found = handed_over(line)
        progress(found)
        if found >= wanted:
            return
        if found != seen:
            seen, changed = found, time.monotonic()
        if time.monotonic() - changed > patience:
            raise Unavailable(Problem(Fault.TRIAL_LATE, got=f"{found}/{wanted}", expected=f"{patience:g}"))
        line.check()
        time.sleep(LOOK)


def handed_over(line: Line) -> int:
    """How many E.1 lie in the senders' receipts/."""
    return sum(one.recipients for one in _receipts(line, "E.1"))


def _receipts(line: Line, event: str) -> Iterator[Shown]:
    for path in _files(line, "receipts"):
        shown = parse_receipt(Path(path.path).name)
        if shown is not None and shown.event == event:
            yield shown


def _files(line: Line, folder: str, codes: Sequence[str] = ()) -> Iterator[os.DirEntry[str]]:
    """Every finished file in these folders of the senders (or `codes`), also in folders for days."""
    left = [line.place(code) / folder for code in codes or bench_plan.senders(line.shape)]
    while left:
        with os.scandir(left.pop()) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    left.append(Path(entry.path))
                else:
                    yield entry


def look(
    line: Line,
    expected: Mapping[str, Letter],
    others: set[str],
    dropped: Mapping[int, float],
    started: float,
    cpu: dict[str, float],
    rss: dict[str, float],
) -> Taken:
    """What lies in the folders of the `expected`, by their attachments' digests, with each of their receipts verified;
    `others` were sent as well. A file's change time is when it was renamed to where it can be seen."""
    legs: dict[str, list[float]] = {"acceptance": [], "inbox": [], "receipt": []}
    of_axis_id: dict[str, Letter] = {}
    arrived: dict[tuple[str, str], int] = {}
    for code in bench_plan.agencies(line.shape):
        for entry in _files(line, "inbox", [code]):
            if not entry.name.endswith(".edxml"):
                continue
            for digest in set(demo_documents.attachments_of(Path(entry.path))) - others:
                if (letter := expected.get(digest)) is None:
                    arrived["", code] = arrived.get(("", code), 0) + 1  # nobody has sent this
                    continue
                arrived[letter.document_id, code] = arrived.get((letter.document_id, code), 0) + 1
                of_axis_id[entry.name.removesuffix(".edxml")] = letter
                legs["inbox"].append((entry.stat().st_ctime - dropped[letter.number]) * 1000)
    wanted = {(letter.document_id, code) for letter in expected.values() for code in letter.recipients}
    lost = len(wanted - set(arrived))
    doubled = sum(count - (place in wanted) for place, count in arrived.items())
    trust, now, last, verdicts = _trust(line), _now(), started, {True: 0, False: 0}
    for entry in _files(line, "receipts"):
        shown = parse_receipt(entry.name)
        letter = of_axis_id.get(shown.axis_id) if shown is not None else None
        if shown is None or letter is None or shown.event not in {"A.1", "E.1"}:
            continue
        taken = entry.stat().st_ctime
        legs["acceptance" if shown.event == "A.1" else "receipt"].append((taken - dropped[letter.number]) * 1000)
        if shown.event == "E.1":
            last = max(last, taken)
            verdict = verify.verify(Path(entry.path).read_bytes(), trust, now)
            verdicts[verdict["verdict"] == "PASSED"] += shown.recipients
    return Taken(
        last - started,
        cpu,
        rss,
        {name: sorted(times) for name, times in legs.items()},
        lost,
        doubled,
        verdicts[True],
        verdicts[False],
    )


def _trust(line: Line) -> Trust:
    return verify.by_certificate(keystore.load_certificate(line.authority))


def _now() -> datetime:
    return datetime.now(UTC)
