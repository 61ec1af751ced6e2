"""A simulated year: documents day after day, and each night's run of retention. How large what stays is, what a run
costs, and how long the line waits for a piece of it.

Counts are a share of 50,000 documents a day, said in the result; rows are made as :mod:`axis.trials.bench_fill` makes
them, parcels with as many bytes as are asked. The clock is moved; nothing else is. After the year come two large
nights, in which a twentieth of a full day's documents end at once: one for the CPU, one with another worker beside it.
"""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

from axis import bootstrap, config
from axis.adapters.base import Guarded, Place
from axis.adapters.folder import FOLDERS, FolderAdapter
from axis.infra import embedded, payloads, retained
from axis.infra.database import Database
from axis.infra.journal import tables as journal
from axis.infra.journal.journals import Journal
from axis.infra.record import tables
from axis.services.operate import provision as enrol
from axis.services.retention import Resting, Retention
from axis.trials import bench_fill, bench_plan, bench_process
from axis.trials.servers import PostgreSql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.core.message import Broker
    from axis.infra.payloads import References
    from axis.services.hub.worker import Hub
    from axis.trials.bench import Asked, Stage

DAYS, FULL_DAY = 365, 50_000
SHARE = 200  # of the full counts, where nothing is asked
RECEIPT = 3000  # bytes
PER_DOCUMENT = {"sent": 1, "receipts": 3, "status": 1}  # files of an average agency, for each document that it sends
LAST = FULL_DAY // 20  # documents of a large night
# Of a thousand documents. What waits for an adapter that is away is taken within days: one stays for good.
STATES = {"queued": 1, "refused": 15, "failed": 10, "recalled": 10, "not_accepted": 15}


@dataclass
class _Nights:
    """What the runs of retention have cost."""

    cpu_ms: list[float] = field(default_factory=list)  # of each, where nobody worked beside it
    ended: int = 0  # parcels, in the record
    longest: float = 0.0  # piece, in seconds
    waited: float = 0.0  # the longest that somebody else's statement took meanwhile


def perform(asked: Asked, stage: Stage) -> dict[str, Any]:
    """The year, on SQLite (embedded) or a private PostgreSQL (served)."""
    a_day = max(1, (asked.fill or DAYS * FULL_DAY // SHARE) // DAYS)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="axis-year-")))
        server = stack.enter_context(PostgreSql()) if asked.shape.mode == "served" else None
        year = _Year(folder, server, stack, max(asked.shape.size, 2000))
        return year.pass_by(a_day, stage)


class _Year:
    def __init__(self, folder: Path, server: PostgreSql | None, stack: ExitStack, size: int) -> None:
        self._folder, self._server, self._size = folder, server, size
        self._chance = random.Random(1)  # noqa: S311  a year that can be made again
        self._now = datetime(2026, 1, 1, 0, 0, tzinfo=UTC)
        codes = bench_plan.all_codes()[:5]
        rows = [row for row in enrol.catalogue() if row["code"] in codes]
        home_path = folder / "home"
        made = config.Config(config.Installation("year"), retention=config.Retention(receipts_days=180))
        enrol.create_home(home_path, made, "p256", self._now, rows=rows)
        self._home = bootstrap.open_home(home_path)
        self._journals = self._opened(stack, f"sqlite:///{home_path.resolve() / 'axis.db'}")
        record = self._opened(stack, server.database("year")) if server else self._journals
        record.create(tables.TABLES)
        self._journals.create([*journal.TABLES, *embedded.TABLES])
        self._record = record
        broker = cast("Broker", None)  # nothing is published
        own = server is None
        references: References = tables.BODY_REFERENCES
        if own:
            references = (*tables.BODY_REFERENCES, *journal.BODY_REFERENCES, *embedded.BODY_REFERENCES)
        self._hub: Hub = bootstrap.hub_part(self._home, record, broker, references)
        self._codes = codes
        self._root = home_path / "agencies" / codes[0]
        for name in FOLDERS:
            (self._root / name).mkdir(exist_ok=True, parents=True)
        adapter = FolderAdapter(Place(codes[0], self._root, {"day_folders": ("sent", "receipts", "status")}))
        mine = journal.BODY_REFERENCES if server else references
        self._agencies = [
            Resting(codes[0], Journal(self._journals, codes[0], mine), lambda: Guarded(adapter, codes[0]))
        ]
        self._filling = bench_fill.Filling(record, codes, 1, (size, RECEIPT), STATES)
        self._number = 0
        self.nights = _Nights()

    @staticmethod
    def _opened(stack: ExitStack, url: str) -> Database:
        one = Database(url)
        stack.callback(one.close)
        return one

    def pass_by(self, a_day: int, stage: Stage) -> dict[str, Any]:
        """Day after day; what is there at the end of each month, and what the nights cost."""
        growth: dict[str, dict[str, float]] = {}
        files = max(1, round(a_day / 95))  # documents of an average agency
        for day in range(DAYS):
            self._day(a_day, files)
            self._night(beside=day % 7 == 6)
            if day % 73 == 72:
                growth[f"day_{day + 1}_mb"] = self._sizes()
                stage.say("bench.fill", count=self._number)
        nights, large = self.nights, []
        for beside in (False, True):
            self.nights = _Nights()
            self._day(LAST, LAST // 95)
            self._now += timedelta(days=100)
            self._night(beside=beside)
            large.append(self.nights)
        ended, cpu = large[0].ended, sum(large[0].cpu_ms)
        return {
            "mode": "served" if self._server else "embedded",
            "documents": self._number - 2 * LAST,
            "documents_a_day": a_day,
            "share_of_a_full_year": f"1/{round(FULL_DAY / a_day)}",
            "parcel_bytes": self._size,
            "growth": growth,
            "files": self._files(),
            "a_night": {
                "cpu_ms_mean": round(sum(nights.cpu_ms) / len(nights.cpu_ms), 1),
                "cpu_ms_most": round(max(nights.cpu_ms), 1),
                "longest_piece_s": round(nights.longest, 3),
                "longest_wait_of_others_s": round(nights.waited, 3),
            },
            "a_large_night": {
                "parcels_ended": ended,
                "cpu_s": round(cpu / 1000, 2),
                "cpu_s_for_50000": round(cpu / 1000 * FULL_DAY / ended, 1) if ended else None,
                "longest_piece_s": round(max(one.longest for one in large), 3),
                "longest_wait_of_others_s": round(large[1].waited, 3),
            },
        }

    # -- A day and its night ----------------------------------------------------------------------------------

    def _day(self, count: int, files: int) -> None:
        moments = {self._number + n: self._now + timedelta(seconds=86400 * n / count) for n in range(count)}
        for first in range(0, count, bench_fill.CHUNK):
            part = dict(list(moments.items())[first : first + bench_fill.CHUNK])
            self._journal(self._filling.add(part))
        self._number += count
        self._write_files(files)
        self._now += timedelta(days=1)

    def _journal(self, submissions: Sequence[dict[str, Any]]) -> None:
        """As they lie in a journal of each end; one agency has all of them."""
        sent, received, contents = [], [], []
        code = self._codes[0]
        for row in submissions:
            at, digest = row["received_at"], row["parcel_digest"]
            source = hashlib.sha256(f"{row['axis_id']} source".encode()).hexdigest()
            common = {"agency": code, "document_id": row["document_id"], "attempts": 1, "not_before": at}
            about = {"kind": row["kind"], "content_digest": row["content_digest"]}
            state = {"state": "accepted", "settled": True, "axis_id": row["axis_id"], "problems": []}
            held = digest if row["body_digest"] else ""
            if self._server and held:  # where the record lies elsewhere the bytes are here again
                content = f"{digest} ".encode() + self._chance.randbytes(self._size)
                held = hashlib.sha256(content).hexdigest()
                contents.append({"digest": held, "content": content})
            digests = {"parcel_digest": held, "answer_digest": row["acceptance_digest"]}
            facts = {"code": row["code"], "subject": row["subject"]}
            sent.append(
                {**common, **about, **state, **digests, "source_digest": source, "facts": facts, "created_at": at}
            )
            mail = {"id": row["axis_id"], "state": "handed_over", "body_digest": held, "names": [], "facts": facts}
            proof = {"proof_digest": row["acceptance_digest"], "sender": row["owner"], "received_at": at}
            received.append({**common, **about, **mail, **proof})
        with self._journals.begin() as connection:
            if contents:
                connection.execute(sa.insert(payloads.payload), contents)
            connection.execute(sa.insert(journal.outgoing), sent)
            connection.execute(sa.insert(journal.incoming), received)

    def _write_files(self, documents: int) -> None:
        day = f"{self._now:%Y-%m-%d}"
        for name, each in PER_DOCUMENT.items():
            place = self._root / name / day
            place.mkdir(exist_ok=True)
            for number in range(documents * each):
                (place / f"{number}.asice").write_bytes(b"x" * RECEIPT)

    def _night(self, *, beside: bool) -> None:
        """A run of retention, its pieces one after the other; with somebody who works `beside` it, where there are
        servers."""
        work = Retention(self._home.config.retention.build(), self._hub, self._agencies)
        stopped = threading.Event()
        other = threading.Thread(target=self._beside, args=(stopped,))
        if beside and self._server:
            other.start()
        start = self._cpu()
        run = work.run(self._now, work.rules.day(self._now))
        while True:
            began = time.monotonic()
            if next(run, self) is self:
                break
            self.nights.longest = max(self.nights.longest, time.monotonic() - began)
        if not beside:
            self.nights.cpu_ms.append(self._cpu() - start)
        stopped.set()
        if beside and self._server:
            other.join()
        with self._record.read() as connection:
            found = retained.last(connection, retained.RECORD)
        self.nights.ended += int(found["counts"].get("parcels", 0)) if found is not None else 0
        self._filling.again()

    def _beside(self, stopped: threading.Event) -> None:
        """Another worker: it stores a parcel, and reads it, again and again."""
        one = Database(self._record.url.render_as_string(hide_password=False))
        number = 0
        while not stopped.is_set():
            began = time.monotonic()
            content = f"{self._now} {number}".encode()
            digest = hashlib.sha256(content).hexdigest()
            with one.begin() as connection:
                payloads.put_all(connection, [(digest, content)], {digest})
                payloads.get(connection, digest)
            self.nights.waited = max(self.nights.waited, time.monotonic() - began)
            number += 1
            stopped.wait(0.02)
        one.close()

    def _cpu(self) -> float:
        pids = [os.getpid(), *(bench_process.tree(self._server.pid) if self._server else [])]
        return bench_process.cpu_ms(pids)

    # -- What is there ----------------------------------------------------------------------------------------

    def _sizes(self) -> dict[str, float]:
        """Megabytes by table, and by folder."""
        found = _sqlite(self._journals)
        if self._server:
            found = {f"journal {name}": size for name, size in found.items()} | _postgresql(self._record)
        kept = sa.select(sa.func.count()).where(sa.text("submission.body_digest <> ''"))
        with self._record.read() as connection:
            found["parcels kept (number)"] = connection.execute(kept.select_from(tables.submission)).scalar_one()
        for name in PER_DOCUMENT:
            found[f"{name}/"] = sum(path.stat().st_size for path in (self._root / name).rglob("*.asice")) / 1e6
        return {name: round(size, 1) for name, size in sorted(found.items()) if size >= 0.05}

    def _files(self) -> dict[str, int]:
        return {f"{name}/": sum(1 for _ in (self._root / name).rglob("*.asice")) for name in PER_DOCUMENT}


_FREE = ("freelist_count", "page_size")


def _sqlite(one: Database) -> dict[str, float]:
    of = "SELECT coalesce(m.tbl_name, s.name), sum(s.pgsize) / 1e6 FROM dbstat s LEFT JOIN sqlite_master m"
    with one.read() as connection:
        rows = connection.exec_driver_sql(f"{of} ON m.name = s.name GROUP BY 1").all()
        pages = [
            int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in ("freelist_count", "page_size")
        ]
    return {name: float(size) for name, size in rows} | {"free pages": pages[0] * pages[1] / 1e6}


def _postgresql(one: Database) -> dict[str, float]:
    text = (
        "SELECT coalesce(p.relname, c.relname), sum(pg_total_relation_size(c.oid)) / 1e6 FROM pg_class c "
        "LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent "
        "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1"
    )
    with one.read() as connection:
        return {name: float(size) for name, size in connection.exec_driver_sql(text)}
