"""Measurements of one question each. On a hub alone: what a circular's receipt and a document's history cost, what a
second worker brings and disturbs. On a whole line: what a full record costs, what a line costs when nothing happens,
and what many files at once cost and do to somebody else's document."""

from __future__ import annotations

import os
import random
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from axis.services import retention
from axis.services.hub import witness
from axis.trials import (
    bench,
    bench_dossiers,
    bench_floor,
    bench_line,
    bench_log,
    bench_measure,
    bench_plan,
    bench_process,
    bench_questions,
    bench_revision,
    bench_stand,
    bench_year,
    demo_documents,
)
from axis.trials.bench_stand import Stand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from axis.core.message import Message
    from axis.trials.bench import Asked, Stage
    from axis.trials.bench_line import Line, Servers
    from axis.trials.bench_measure import Taken
    from axis.trials.demo_documents import Letter

FILLED = 1000  # documents with their updates that are signed and published together
IDLE = 60.0  # seconds that an idle line is looked at: what it does now and then is in them
# Seconds from a line's start until what it does once a day has been done, and what it had to do has been witnessed.
NIGHT = max(retention.START, witness.EVERY.total_seconds()) + 30.0
ALONE = (0.5, 1.5)  # seconds at rest before a document that comes alone
TIMES = 5  # that a hundred files are dropped
BESIDE = 1.0  # seconds between two documents of the agency beside a flood
REST = 0.15  # seconds between two messages, for what follows the first
TOGETHER = 6  # documents with a long history, and as many with none,
ROUNDS = 40  # about each of which so many messages are measured,
PART = 10  # so many in turn
DOCUMENTS = "SELECT count(*) FROM submission"
QUEUED = "SELECT count(*) FROM delivery WHERE state <> 'ACCEPTED'"
NOTHING_LEFT = "SELECT CASE WHEN EXISTS (SELECT FROM outbox) THEN 0 ELSE 1 END"
HANDED_OVER = "SELECT count(*) FROM delivery WHERE state = 'HANDED_OVER'"


def perform(asked: Asked, name: str, stage: Stage) -> dict[str, Any]:
    """Measure scenario `name`; its JSON object. Raises the axis' errors."""
    load, before = os.getloadavg()[0], bench_floor.calibration()
    whole = {"full": _full, "idle": _nothing, "flood": _flood}
    whole |= {"year": bench_year.perform, "questions": bench_questions.perform, "dossiers": bench_dossiers.perform}
    whole |= {"log": bench_log.perform}
    if name in whole:
        found = whole[name](asked, stage)
    else:
        served = replace(asked, shape=replace(asked.shape, mode="served"))
        with bench.servers(served) as servers:
            assert servers is not None  # noqa: S101  served
            work: Callable[[Servers, Asked, Stage], dict[str, Any]]
            work = {"circular-receipt": _circular, "history": _history, "workers": _workers}[name]
            found = work(servers, asked, stage)
    calibration = {"before": before, "after": bench_floor.calibration(), "load": [load, os.getloadavg()[0]]}
    return {"scenario": name, "revision": bench_revision.current(), **found, "calibration": calibration}


@contextmanager
def _stand(servers: Servers) -> Iterator[Stand]:
    with TemporaryDirectory(prefix="axis-bench-") as folder, Stand(Path(folder) / "line", servers) as stand:
        yield stand


# -- One message after the other -----------------------------------------------------------------------------------


def _one_by_one(stand: Stand, messages: Sequence[Message], query: str) -> float:
    """CPU ms of hub and PostgreSQL for each of `messages`, each alone in its batch: the next is published when `query`
    has counted the one before. What they need for nothing in the same time is taken off."""
    done, begun, start = stand.number(query), time.monotonic(), stand.spent()
    for place, message in enumerate(messages, 1):
        stand.publish([message])
        stand.wait(query, done + place)
        time.sleep(REST)
    spent, taken = _since(stand, start), time.monotonic() - begun
    return (spent - _idle(stand) * taken) / len(messages)


def _since(stand: Stand, start: tuple[float, float]) -> float:
    return sum(stand.spent()) - sum(start)


def _idle(stand: Stand, seconds: float = 3.0) -> float:
    """CPU ms a second of hub and PostgreSQL for nothing."""
    start = stand.spent()
    time.sleep(seconds)
    return _since(stand, start) / seconds


def _circular(servers: Servers, _asked: Asked, stage: Stage) -> dict[str, Any]:
    """An E.1 of a circular to 94, alone in its batch, against an E.1 of a document to one."""
    codes = bench_plan.all_codes()
    sender, others = codes[0], codes[1:]
    with _stand(servers) as stand:
        stage.say("bench.run", revision="circular-receipt")
        stand.start_hubs(1)
        circular = demo_documents.Letter(1, sender, tuple(others), demo_documents.SMALL, 0)
        numbers = zip(_numbers(11, len(others)), others, strict=True)
        singles = [demo_documents.Letter(number, sender, (code,), demo_documents.SMALL, 0) for number, code in numbers]
        stand.publish([stand.document(one) for one in (circular, *singles)])
        stand.wait(QUEUED, 2 * len(others))
        time.sleep(2)
        half = len(others) // 2
        costs: dict[str, list[float]] = {"circular": [], "single": []}
        for part in (slice(0, half), slice(half, None)):  # in turn, so that a drift meets both
            ours = [stand.handed_over(one, one.recipients[0]) for one in singles[part]]
            costs["single"].append(_one_by_one(stand, ours, HANDED_OVER))
            theirs = [stand.handed_over(circular, code) for code in others[part]]
            costs["circular"].append(_one_by_one(stand, theirs, HANDED_OVER))
    means = {name: sum(parts) / len(parts) for name, parts in costs.items()}
    return _compared("circular", means["circular"], "single", means["single"])


def _history(servers: Servers, _asked: Asked, stage: Stage) -> dict[str, Any]:
    """A status after a thousand of each document against the first of others; an update after a hundred likewise."""
    codes = bench_plan.all_codes()
    with _stand(servers) as stand:
        stage.say("bench.run", revision="history")
        stand.start_hubs(1)
        letters = [
            demo_documents.Letter(
                number, sender, tuple(code for code in codes if code != sender), demo_documents.SMALL, 0
            )
            for number, sender in zip(_numbers(11, 2 * TOGETHER), codes, strict=False)
        ]
        singles = [replace(one, number=one.number + 1000, recipients=one.recipients[:1]) for one in letters]
        stand.publish([stand.document(one) for one in (*letters, *singles)])
        deliveries = [(one, code) for one in (*letters, *singles) for code in one.recipients]
        stand.wait(QUEUED, len(deliveries))
        stand.publish([stand.handed_over(one, code) for one, code in deliveries])
        stand.wait(HANDED_OVER, len(deliveries))

        def status(letter: Letter, number: int) -> Message:
            unit, place = divmod(number, len(letter.recipients))
            # Of a unit each time: the first of an agency's own would be judged in other steps.
            return stand.status(letter, f"{letter.recipients[place]}.{unit + 1}", "03")

        def update(letter: Letter, number: int) -> Message:
            return stand.document(letter, _update(stand, letter, number))

        status_costs = _at_both_ends(stand, letters, 1000, status)
        update_costs = _at_both_ends(stand, singles, 100, update)
    return {
        "status": _compared("no_1000", status_costs[1], "no_1", status_costs[0]),
        "update": _compared("no_100", update_costs[1], "no_1", update_costs[0]),
    }


def _at_both_ends(
    stand: Stand, letters: Sequence[Letter], count: int, message: Callable[[Letter, int], Message]
) -> tuple[float, float]:
    """CPU ms of hub and PostgreSQL for each of the first messages about half of `letters`, and for each after `count`
    about the others: one about each document together, in turn so that a drift meets both."""
    fresh, long = letters[:TOGETHER], letters[TOGETHER:]
    for first in range(0, count, ROUNDS):
        done, numbers = stand.number(DOCUMENTS), range(first, min(first + ROUNDS, count))
        stand.publish([message(letter, number) for number in numbers for letter in long])
        stand.wait(DOCUMENTS, done + len(numbers) * len(long))
        _age(stand)
    costs: dict[bool, float] = {True: 0.0, False: 0.0}
    for turn in range(0, ROUNDS, PART):
        for is_long, some in ((False, fresh), (True, long)):
            numbers = range(turn + is_long * count, turn + PART + is_long * count)
            rounds = [[message(letter, number) for letter in some] for number in numbers]
            stand.wait(NOTHING_LEFT, 1)
            done, start = stand.number(DOCUMENTS), stand.spent()
            for place, messages in enumerate(rounds, 1):
                stand.publish(messages)
                stand.wait(DOCUMENTS, done + place * len(messages))
            stand.wait(NOTHING_LEFT, 1)
            costs[is_long] += _since(stand, start)
    return costs[False] / (ROUNDS * TOGETHER), costs[True] / (ROUNDS * TOGETHER)


def _age(stand: Stand) -> None:
    """What was accepted so far was accepted a month ago: the rule of so many changes a day lets the next ones pass."""
    stand.record.execute("UPDATE submission SET received_at = '2026-01-02T03:00:00.000Z' WHERE kind = 'update'")


def _update(stand: Stand, letter: Letter, version: int) -> bytes:
    """A packet that changes the content of `letter`'s document."""
    packet = demo_documents.packet(letter, stand.names, bench_stand.now(), 1000 + version)
    new = b"<edXML:BussinessDocType>0</edXML:BussinessDocType>"
    reason = "<edXML:BussinessDocReason>Văn bản điện tử mới</edXML:BussinessDocReason>".encode()
    about = f"<edXML:DocumentId>{letter.document_id}</edXML:DocumentId>".encode()
    changed = b"<edXML:BussinessDocType>2</edXML:BussinessDocType>"
    why = "<edXML:BussinessDocReason>Sửa</edXML:BussinessDocReason>".encode()
    what = (
        b"<edXML:BussinessDocumentInfo><edXML:DocumentInfo>1</edXML:DocumentInfo>"
        b"<edXML:DocumentReceiver>0</edXML:DocumentReceiver></edXML:BussinessDocumentInfo>"
    )
    paper = b"<edXML:Paper>0</edXML:Paper>"
    return packet.replace(new, about + changed).replace(reason, why + what).replace(paper, b"")


# -- Much in the record, much in the queues --------------------------------------------------------------------------


def _full(asked: Asked, stage: Stage) -> dict[str, Any]:
    """CPU of a document with many in the record against a thousand, one after the other."""
    many = asked.fill or 100_000
    runs: dict[int, list[dict[str, Any]]] = {}
    for count in (1000, many, 1000):
        found = bench.perform(replace(asked, fill=count, counted=False, against="", peer=False), stage)
        runs.setdefault(count, []).append(found)
    few = sum(one["cpu_ms"]["all"] for one in runs[1000]) / len(runs[1000])
    facts = _compared(f"filled_{many}", runs[many][0]["cpu_ms"]["all"], "filled_1000", few)
    return facts | {"cpu_ms": {str(count): [one["cpu_ms"] for one in found] for count, found in runs.items()}}


def _nothing(asked: Asked, stage: Stage) -> dict[str, Any]:
    """The share of a core that a line takes when nothing happens, by process: of what comes again and again, and before
    that of the time in which the first night's work is done, too; and how long a document takes that comes then, each
    when the line is at rest again: from the rename into its outbox to the inbox, and to its E.1."""
    program = bench_line.present()
    with bench.servers(asked) as servers, bench.line_of(asked, program, servers, 1, stage) as line:
        stage.say("bench.run", revision="idle")
        started = time.monotonic()
        line.start()
        bench_measure.warm_up(line, 1, bench.PATIENCE)
        bench_process.wait_quiet(10, list(line.running.values()))
        first_night = _shares(line, max(IDLE / 4, started + NIGHT - time.monotonic()))
        shares = _shares(line, IDLE)
        taken = _one_after_the_other(line, asked, stage)
    return {
        "mode": asked.shape.mode,
        "agencies": asked.shape.agencies,
        "percent_of_a_core": shares,
        "percent_with_the_first_night": first_night,
        "documents": len(taken.legs["inbox"]),
        "latency_ms": bench.percentiles(taken),
        "lost": taken.lost,
        "doubled": taken.doubled,
    }


def _shares(line: Line, seconds: float) -> dict[str, float]:
    """Percent of a core that each process takes in so many seconds."""
    pids, begun = line.pids(), time.monotonic()
    start = {name: sum(map(bench_process.running_ms, found)) for name, found in pids.items()}
    bench_process.wait_quiet(seconds, list(line.running.values()))
    taken = {name: sum(map(bench_process.running_ms, found)) - start[name] for name, found in pids.items()}
    return {name: round(spent / (time.monotonic() - begun) / 10, 2) for name, spent in taken.items()}


def _one_after_the_other(line: Line, asked: Asked, stage: Stage) -> Taken:
    letters, staged = bench_plan.letters(asked.shape, line.run), line.folder / "alone"
    expected = bench_plan.write(letters, staged, bench_stand.now(), 1)
    dice, dropped = random.Random(1), dict[int, float]()  # noqa: S311  pauses
    before, started = bench_measure.handed_over(line), time.time()
    for place, letter in enumerate(letters, 1):
        bench_process.wait_quiet(dice.uniform(*ALONE), list(line.running.values()))
        dropped[letter.number] = bench_measure.drop(line, staged, letter)
        bench_measure.await_receipts(line, before + place * asked.shape.recipients, bench.PATIENCE)
        stage.progress(place)
    return bench_measure.look(line, expected, line.known, dropped, started, {}, {})


def _flood(asked: Asked, stage: Stage) -> dict[str, Any]:
    """So many files at once in one outbox against a hundred, and another agency's document meanwhile; embedded. A
    hundred are over before a measurement has settled: they are dropped several times, before and after, for a machine
    may be another one after minutes; and the median is taken."""
    few = [_flooded(asked, 100, stage) for _ in range(TIMES)]
    many = _flooded(asked, asked.shape.documents, stage)
    few += [_flooded(asked, 100, stage) for _ in range(TIMES - 1)]
    few.sort(key=lambda one: float(one["cpu_ms"]))
    found = {100: few[len(few) // 2], asked.shape.documents: many}
    ratio = _compared("cpu_ms", found[asked.shape.documents]["cpu_ms"], "cpu_ms_of_100", found[100]["cpu_ms"])
    return ratio | {str(count): one for count, one in found.items()}


def _flooded(asked: Asked, count: int, stage: Stage) -> dict[str, Any]:
    shape = replace(asked.shape, mode="embedded", agencies=max(4, asked.shape.agencies))
    codes, seed = bench_plan.agencies(shape), 1
    flood = [demo_documents.Letter(number, codes[0], (codes[1],), shape.attachment, 0) for number in _numbers(1, count)]
    beside = [
        demo_documents.Letter(number, codes[2], (codes[3],), demo_documents.SMALL, 0)
        for number in _numbers(800_001, 3600)
    ]
    program = bench_line.present()
    with bench.line_of(replace(asked, shape=shape), program, None, seed, stage) as line:
        stage.say("bench.run", revision=f"flood {count}")
        line.start()
        bench_measure.warm_up(line, seed, bench.PATIENCE)
        staged, apart = line.folder / "staged", line.folder / "apart"
        expected = bench_plan.write(flood, staged, bench_stand.now(), seed)
        os.sync()  # a gigabyte that this process has just written is not for the line to flush
        before, start, begun = bench_measure.handed_over(line), bench_process.cpu_ms(line.pids()["line"]), time.time()
        dropped = {letter.number: bench_measure.drop(line, staged, letter) for letter in flood}
        sent: dict[str, Letter] = {}
        for letter in beside:
            if bench_measure.handed_over(line) >= before + count:
                break
            line.check()
            sent |= bench_plan.write([letter], apart, bench_stand.now(), seed)
            dropped[letter.number] = bench_measure.drop(line, apart, letter)
            time.sleep(BESIDE)
        bench_measure.await_receipts(line, before + count + len(sent), bench.PATIENCE)
        cpu = bench_process.cpu_ms(line.pids()["line"]) - start
        peak = {"line": bench_process.peak_mb(line.pids()["line"])}
        many = bench_measure.look(line, expected, line.known | set(sent), dropped, begun, {}, peak)
        other = bench_measure.look(line, sent, line.known | set(expected), dropped, begun, {}, peak)
    inbox = other.legs["inbox"]
    return {
        "seconds": round(many.seconds, 1),
        "cpu_ms": round(cpu / (count + len(sent)), 3),
        "beside": len(sent),
        "beside_inbox_ms": {f"p{share}": round(bench_measure.percentile(inbox, share / 100)) for share in (50, 99)},
        "peak_mb": round(peak["line"]),
        "lost": many.lost + other.lost,
        "doubled": many.doubled + other.doubled,
    }


def _workers(servers: Servers, asked: Asked, stage: Stage) -> dict[str, Any]:
    """Prefilled queues, adapters stopped: the hub's CPU of a document with two workers against one."""
    found: dict[str, Any] = {"documents": asked.shape.documents}
    for count in (1, 2):
        stage.say("bench.run", revision=f"workers {count}")
        with _stand(servers) as stand:
            found[f"workers_{count}"] = _drain(stand, count, asked.shape.documents)
    one, two = (found[f"workers_{count}"]["hub_ms"] for count in (1, 2))
    found["ratio"] = round(two / one, 3) if one else None
    return found


def _drain(stand: Stand, workers: int, documents: int) -> dict[str, Any]:
    """Let so many workers take what waits: new documents and, of the same DocumentIds, updates."""
    stand.start_hubs(1)  # it makes the queues
    time.sleep(1)
    starting = stand.spent()[0]
    stand.stop()
    codes = bench_plan.all_codes()
    for first in range(0, documents // 2, FILLED):
        messages = []
        for place in range(first, min(first + FILLED, documents // 2)):
            sender = codes[place % len(codes)]
            to = (codes[(place + 1) % len(codes)],)
            letter = demo_documents.Letter(place + place // 9 + 1, sender, to, demo_documents.SMALL, 0)
            messages += [stand.document(letter), stand.document(letter, _update(stand, letter, 1))]
        stand.publish(messages)
    count = documents // 2 * 2
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    locked = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
        "AND pid <> pg_backend_pid()"
    )
    before, start, begun = stand.number(deadlocks), stand.spent()[1], time.monotonic()
    stand.start_hubs(workers)
    samples = waits = 0
    done = "SELECT (SELECT count(*) FROM submission) + (SELECT count(*) FROM refusal)"
    seen, changed = -1, time.monotonic()
    while (now := stand.number(done)) < count or not stand.number(NOTHING_LEFT):
        for _ in range(10):
            samples, waits = samples + workers, waits + stand.number(locked)
            time.sleep(0.02)
        stand.check()
        if now != seen:
            seen, changed = now, time.monotonic()
        if time.monotonic() - changed > 60:
            break
    hubs, postgresql = stand.spent()
    refused = stand.number("SELECT count(*) FROM refusal")
    return {
        "seconds": round(time.monotonic() - begun, 1),
        "hub_ms": round((hubs - workers * starting) / count, 3),
        "starting_ms": round(starting),
        "postgresql_ms": round((postgresql - start) / count, 3),
        "taken": now,
        "refused": refused,
        "lock_wait_share": round(waits / samples, 4) if samples else 0.0,
        "deadlocks": stand.number(deadlocks) - before,
    }


def _numbers(first: int, count: int) -> list[int]:
    """So many numbers, none of which the demo makes urgent."""
    return [first + place + place // 9 for place in range(count)]


def _compared(name: str, cost: float, base: str, other: float) -> dict[str, Any]:
    return {name: round(cost, 3), base: round(other, 3), "ratio": round(cost / other, 3) if other > 0 else None}
