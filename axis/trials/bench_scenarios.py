"""Measurements of one question each, on a hub alone: what a circular's receipt costs, what a document's history costs,
what a full record costs, what a second worker brings and disturbs."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from axis.services import demo
from axis.trials import bench, bench_floor, bench_plan, bench_revision, bench_stand
from axis.trials.bench_stand import Stand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from axis.core.message import Message
    from axis.services.demo import Letter
    from axis.trials.bench import Asked, Stage
    from axis.trials.bench_line import Servers

NAMES = ("circular-receipt", "history", "full", "workers")
REST = 0.15  # seconds between two messages, for what follows the first
SAMPLE = 20  # statuses or updates at each end of a document's history
DOCUMENTS = "SELECT count(*) FROM submission"
QUEUED = "SELECT count(*) FROM delivery WHERE state <> 'ACCEPTED'"
HANDED_OVER = "SELECT count(*) FROM delivery WHERE state = 'HANDED_OVER'"


def perform(asked: Asked, name: str, stage: Stage) -> dict[str, Any]:
    """Measure scenario `name`; its JSON object. Raises the axis' errors."""
    before = bench_floor.calibration()
    if name == "full":
        found = _full(asked, stage)
    else:
        served = replace(asked, shape=replace(asked.shape, mode="served"))
        with bench.servers(served) as servers:
            assert servers is not None  # noqa: S101  served
            work: Callable[[Servers, Asked, Stage], dict[str, Any]]
            work = {"circular-receipt": _circular, "history": _history, "workers": _workers}[name]
            found = work(servers, asked, stage)
    calibration = {"before": before, "after": bench_floor.calibration()}
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
        circular = demo.Letter(1, sender, tuple(others), demo.SMALL, 0)
        singles = [demo.Letter(place, sender, (code,), demo.SMALL, 0) for place, code in _numbered(others, 11)]
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
    """A status after a thousand of one document against the first ones; an update after a hundred likewise."""
    codes = bench_plan.all_codes()
    sender, others = codes[0], codes[1:]
    with _stand(servers) as stand:
        stage.say("bench.run", revision="history")
        stand.start_hubs(1)
        circular = demo.Letter(1, sender, tuple(others), demo.SMALL, 0)
        changed = demo.Letter(2, sender, (others[0],), demo.SMALL, 0)
        stand.publish([stand.document(circular), stand.document(changed)])
        stand.wait(QUEUED, len(others) + 1)
        receipts = [stand.handed_over(circular, code) for code in others]
        stand.publish([*receipts, stand.handed_over(changed, others[0])])
        stand.wait(HANDED_OVER, len(others) + 1)
        reporters = [f"{code}.{unit}" if unit else code for unit in range(12) for code in others]
        statuses = [stand.status(circular, reporter, "03") for reporter in reporters[: 1000 + SAMPLE // 2]]
        status = _ends(stand, statuses, lambda: None)
        updates = [stand.document(changed, _update(stand, changed, version)) for version in range(100 + SAMPLE // 2)]
        update = _ends(stand, updates, lambda: _age(stand))
    return {
        "status": _compared("no_1000", status[1], "no_1", status[0]),
        "update": _compared("no_100", update[1], "no_1", update[0]),
    }


def _ends(stand: Stand, messages: Sequence[Message], between: Callable[[], None]) -> tuple[float, float]:
    """What each of the first and of the last `SAMPLE` costs; those between them come in parts."""
    first = _one_by_one(stand, messages[:SAMPLE], DOCUMENTS)
    for place in range(SAMPLE, len(messages) - SAMPLE, SAMPLE):
        between()
        part = messages[place : min(place + SAMPLE, len(messages) - SAMPLE)]
        done = stand.number(DOCUMENTS)
        stand.publish(part)
        stand.wait(DOCUMENTS, done + len(part))
    between()
    time.sleep(2)
    return first, _one_by_one(stand, messages[-SAMPLE:], DOCUMENTS)


def _age(stand: Stand) -> None:
    """What was accepted so far was accepted a month ago: the rule of so many changes a day lets the next ones pass."""
    stand.record.execute("UPDATE submission SET received_at = '2026-01-02T03:00:00.000Z' WHERE kind = 'update'")


def _update(stand: Stand, letter: Letter, version: int) -> bytes:
    """A packet that changes the content of `letter`'s document."""
    packet = demo.packet(letter, stand.names, bench_stand.now(), 1000 + version)
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
    messages = []
    for place in range(documents // 2):
        sender = codes[place % len(codes)]
        to = (codes[(place + 1) % len(codes)],)
        letter = demo.Letter(place + place // 9 + 1, sender, to, demo.SMALL, 0)
        messages += [stand.document(letter), stand.document(letter, _update(stand, letter, 1))]
    stand.publish(messages)
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
    while (now := stand.number(done)) < len(messages) or stand.number("SELECT count(*) FROM outbox"):
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
        "hub_ms": round((hubs - workers * starting) / len(messages), 3),
        "starting_ms": round(starting),
        "postgresql_ms": round((postgresql - start) / len(messages), 3),
        "taken": now,
        "refused": refused,
        "lock_wait_share": round(waits / samples, 4) if samples else 0.0,
        "deadlocks": stand.number(deadlocks) - before,
    }


def _numbered(codes: Sequence[str], first: int) -> list[tuple[int, str]]:
    """Each with a number, none of which the demo makes urgent."""
    return [(first + place + place // 9, code) for place, code in enumerate(codes)]


def _compared(name: str, cost: float, base: str, other: float) -> dict[str, Any]:
    return {name: round(cost, 3), base: round(other, 3), "ratio": round(cost / other, 3) if other > 0 else None}
