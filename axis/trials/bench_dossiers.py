"""What an application for a public service costs on the axis: Hà Nội's of February 2020, one by one as the generated
record has them, each told of by a record and by its progress, from the city to the portal's owner.

Files come in parts, and what has come is taken away as the agencies' systems do, so that many cost no more than few.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from axis.core.applications.status import Status
from axis.core.edxml import Organ, opencps
from axis.core.instant import VIETNAM
from axis.trials import bench, bench_line, bench_measure, bench_plan, bench_process, demo_documents
from axis.trials.applications import HANOI, as_sent, february

if TYPE_CHECKING:
    from collections.abc import Iterator

    from axis.core.applications.application import Application
    from axis.trials.bench import Asked, Stage
    from axis.trials.bench_line import Line

PORTAL = "G22"
TYPES = ("mcdt_dt", "dvcqg_progress")  # by which each packet is judged, three times
STEPS = (Status.PROCESSING, Status.PROCESSED, Status.RETURNED)
PART = 250  # applications that are dropped together


def perform(asked: Asked, stage: Stage) -> dict[str, Any]:
    """CPU ms of each process for each application. Raises the axis' errors."""
    shape = replace(asked.shape, codes=(HANOI, PORTAL), agencies=2, recipients=1)
    asked = replace(asked, shape=shape)
    with bench.servers(asked) as servers, bench.line_of(asked, bench_line.present(), servers, 1, stage) as line:
        for name in TYPES:
            path = importlib.resources.files("axis").joinpath("schemas", "documents", name, "1")
            line.add_type(str(path))
        line.start()
        bench_measure.warm_up(line, 1, bench.PATIENCE)
        _clear(line)
        stage.say("bench.run", revision="dossiers")
        pids = line.pids()
        start = {name: bench_process.cpu_ms(found) for name, found in pids.items()}
        applications, documents, lost, doubled = february(shape.documents), 0, 0, 0
        while part := list(islice(applications, PART)):
            wanted = _drop(line, part)
            bench_measure.await_receipts(line, len(wanted), bench.PATIENCE)
            missing, more = _taken(line, wanted)
            documents, lost, doubled = documents + len(wanted), lost + missing, doubled + more
            _clear(line)
            stage.progress(documents)
        spent = {name: bench_process.cpu_ms(found) - start[name] for name, found in pids.items()}
    return {
        "mode": shape.mode,
        "applications": shape.documents,
        "documents": documents,
        "cpu_ms_an_application": {name: round(cpu / shape.documents, 3) for name, cpu in spent.items()},
        "cpu_ms_an_application_all": round(sum(spent.values()) / shape.documents, 3),
        "cpu_ms_a_document_all": round(sum(spent.values()) / documents, 3),
        "lost": lost,
        "doubled": doubled,
    }


def packets(one: Application) -> Iterator[tuple[str, bytes, bytes]]:
    """(ApplicationType, record, packet) of each message about an application, in order: as it was received, then each
    step to the returned result."""
    names = bench_plan.names()
    sender, recipient = Organ(HANOI, names[HANOI]), Organ(PORTAL, names[PORTAL])
    said = [("MCDT_DT", "application.json", as_sent(one), one.received_at)]
    closed = one.closed_at or one.received_at
    for before, status in enumerate(STEPS, 1 - len(STEPS)):
        at = max(one.received_at, closed + timedelta(minutes=before)) + timedelta(minutes=len(STEPS))
        record = {
            "MaHoSo": one.number,
            "NguoiXuLy": "Cán bộ một cửa",
            "ThoiDiemXuLy": at.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S"),
            "NoiDungXuLy": "Xử lý",
            "TrangThai": status.value,
        }
        said.append(("DVCQG_PROGRESS", "progress.json", record, at))
    for kind, name, record, at in said:
        content = json.dumps(record, ensure_ascii=False).encode()
        title = f"Thủ tục {one.service}"
        files = {name: content}
        yield kind, content, opencps.application_packet(sender, [recipient], kind, one.number, title, at, files)


def _drop(line: Line, part: list[Application]) -> set[str]:
    """Their packets into the city's outbox; the digests of their records."""
    outbox, wanted = line.place(HANOI) / "outbox", set()
    for one in part:
        for place, (_, content, packet) in enumerate(packets(one)):
            wanted.add(hashlib.sha256(content).hexdigest())
            name = f"{one.number}-{place}.edxml"
            (outbox / f".{name}").write_bytes(packet)
            (outbox / f".{name}").rename(outbox / name)
    return wanted


def _taken(line: Line, wanted: set[str]) -> tuple[int, int]:
    """(how many records have not come to the portal's owner, how many have come that were not sent, or twice)."""
    came = [
        digest
        for entry in line.place(PORTAL).joinpath("inbox").rglob("*.edxml")
        for digest in demo_documents.attachments_of(entry)
    ]
    return len(wanted - set(came)), len(came) - len(wanted & set(came))


def _clear(line: Line) -> None:
    """Both agencies' systems take away what has come."""
    for code, folders in ((HANOI, ("receipts", "status", "sent")), (PORTAL, ("inbox", "receipts"))):
        for folder in folders:
            for path in (line.place(code) / folder).rglob("*"):
                if path.is_file() and not path.name.startswith("."):
                    path.unlink()
