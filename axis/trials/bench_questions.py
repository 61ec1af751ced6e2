"""What an administrator's questions cost on a full record: CPU of the service behind each command, from its first
statement to the object that is shown, and of the database server with it. What a command needs to start, to read its
home and to verify the registry is not in it: that costs the same however much there is.

Each question is asked several times: the median counts, the first and the most are shown. Lists are asked for their
first pages and for pages among the oldest documents.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, get_args

import sqlalchemy as sa

from axis import bootstrap, config, extras
from axis.core.figures import Span, period
from axis.core.identity import earliest
from axis.core.why import Cause
from axis.home import Home
from axis.infra.database import Database
from axis.infra.record import listing as windows
from axis.infra.record import tables
from axis.infra.record.listing import Wanted
from axis.infra.record.store import HubStore
from axis.services.operate import provision
from axis.services.questions import gather, listing, report, status, trace
from axis.trials import bench_fill, bench_plan, bench_process
from axis.trials.servers import PostgreSql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from axis.core.registry import Registry
    from axis.infra.database import Row
    from axis.infra.record.figures import By
    from axis.infra.record.store import HubReader
    from axis.trials.bench import Asked, Stage

# Milliseconds that each may take with a million documents on PostgreSQL, or 200,000 on SQLite.
BARS = {"trace": 20, "circular": 50, "words": 300, "list": 50, "status": 300, "page": 150, "day": 1000, "year": 20_000}
TIMES = {"trace": 7, "circular": 5, "words": 5, "list": 5, "status": 5, "page": 5, "day": 3, "year": 1}
MANY = {"served": 1_000_000, "embedded": 200_000}
OLD = timedelta(days=360)  # behind this is what is a year old in a record that was filled just now


@dataclass(frozen=True)
class Question:
    """One that is asked: its kind decides what it may take."""

    kind: str
    name: str
    ask: Callable[[], object]


def perform(asked: Asked, stage: Stage) -> dict[str, Any]:
    """Fill a record, on SQLite (embedded) or a private PostgreSQL (served), and ask."""
    count = asked.fill or MANY[asked.shape.mode]
    now = datetime.now(UTC)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="axis-questions-")))
        server = stack.enter_context(PostgreSql("-c shared_buffers=256MB")) if asked.shape.mode == "served" else None
        made = config.Config(config.Installation("questions"))
        registry = provision.create_home(folder / "home", made, "p256", now)
        url = server.database("questions") if server else f"sqlite:///{folder / 'home' / 'axis.db'}"
        record = Database(url)
        stack.callback(record.close)
        record.create(tables.TABLES)
        stage.say("bench.fill", count=count)
        bench_fill.fill(url, count, bench_plan.all_codes(), 11, now)
        bench_fill.Filling(record, bench_plan.all_codes(), 12).circular(count, now)
        stage.say("bench.run", revision="questions")
        found = measure(Home(folder / "home", made), record, registry, now, server.pid if server else None)
    return {"mode": asked.shape.mode, "documents": count, **found}


def measure(home: Home, record: Database, registry: Registry, now: datetime, server: int | None) -> dict[str, Any]:
    """Ask everything of a `record` that was filled at `now`; `server`: the process of its database server."""
    store, times = HubStore(record), dict[str, dict[str, dict[str, float]]]()
    for one in questions(home, store, registry, now):
        taken = [_cost(store, one.ask, server) for _ in range(TIMES[one.kind])]
        middle = sorted(taken)[len(taken) // 2]
        shown = {"ms": middle, "first": taken[0], "most": max(taken)}
        times.setdefault(one.kind, {})[one.name] = {name: round(ms, 1) for name, ms in shown.items()}
    worst = {kind: max(each.values(), key=lambda one: one["ms"])["ms"] for kind, each in times.items()}
    over = [f"{kind}: {name}" for kind, each in times.items() for name, one in each.items() if one["ms"] > BARS[kind]]
    return {"worst_ms": worst, "may_take_ms": BARS, "over": over, "questions": times}


def _cost(store: HubStore, ask: Callable[[], object], server: int | None) -> float:
    """CPU ms of this process and of what works for it at the server."""
    backend = 0
    if server is not None:
        with store.reading() as reader:
            backend = int(reader.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())

    def spent() -> float:
        theirs = bench_process.running_ms(backend) + bench_process.ended_ms(server) if server is not None else 0.0
        return time.process_time() * 1000 + theirs

    before = spent()
    ask()
    return spent() - before


def questions(home: Home, store: HubStore, registry: Registry, now: datetime) -> Iterator[Question]:
    """What people ask, of documents that are there."""
    yield from _traced(store, registry, now)
    yield from _listed(store, registry, now)
    water = bootstrap.high_water(home)

    def screen() -> None:  # what `axis status` asks of the record
        gather.database(store, home.path, thorough=False)
        gather.record(store, registry, water, now)
        status.status(store, registry, now)

    yield Question("status", "status", screen)
    yield from _shown(store, registry, now)
    yield from _reported(store, registry, now)


def _of_half_a_year(reader: HubReader, now: datetime) -> Row:
    """A document."""
    s = tables.submission.c
    found = sa.select(tables.submission).where(s.kind == "new", s.axis_id >= earliest(now - timedelta(days=182)))
    return reader.connection.execute(found.order_by(s.axis_id).limit(1)).mappings().one()


def _newest(reader: HubReader) -> str:
    """The axis id of the document that came last: the circular."""
    s = tables.submission.c
    found = sa.select(s.axis_id).where(s.kind == "new", s.axis_id < "g").order_by(s.axis_id.desc()).limit(1)
    return str(reader.connection.execute(found).scalar_one())


def _traced(store: HubStore, registry: Registry, now: datetime) -> Iterator[Question]:
    with store.reading() as reader:
        ask, r = reader.connection.execute, tables.refusal.c
        one, circular = _of_half_a_year(reader, now), _newest(reader)
        refused = ask(sa.select(r.document_id).order_by(r.refused_at).limit(1)).scalar_one()
    number = one["code"].partition("/")[0]

    def traced(reference: str) -> Callable[[], object]:
        def ask() -> None:
            try:
                trace.trace(store, reference, registry=lambda: registry, now=now)
            except trace.NotTheOne as error:
                with store.reading() as reader:
                    trace.reasons_of(reader, error.refused)

        return ask

    exact = {
        "axis id": one["axis_id"],
        "DocumentId": one["document_id"],
        "number": one["code"],
        "number in small letters": one["code"].lower(),
        "digest": one["content_digest"],
        "digest's beginning": one["parcel_digest"][:8],
        "what was refused": refused,
        "number of what was refused": refused.split(",")[-1],
    }
    for name, reference in exact.items():
        yield Question("trace", name, traced(reference))
    yield Question("circular", "to everybody", traced(circular))
    alike = {
        "number's beginning": f"{number}/",
        "one digit": "1",
        "words that many have": "triển khai kế hoạch",
        "a word's beginning": "h",
        "words that some have": "nông thôn mới cà mau",
        "a word that few have": one["subject"].rpartition(" ")[2],
        "words that many and few have": "trien khai ho so so " + one["subject"].rpartition(" ")[2],
        "words that nobody has": "không có văn bản nào như vậy",
        "words of which all but one are everywhere": "hồ sơ số tại hà nội zzz",
    }
    for name, reference in alike.items():
        yield Question("words", name, traced(reference))


def _shown(store: HubStore, registry: Registry, now: datetime) -> Iterator[Question]:
    """The pages of the web desk."""
    with extras.needed():
        from axis.trials import bench_pages
    with store.reading() as reader:
        one, d = _of_half_a_year(reader, now), tables.delivery.c
        to = reader.connection.execute(sa.select(d.recipient).where(d.axis_id == one["axis_id"]).limit(1)).scalar_one()
        known = {**one, "recipient": to, "circular": _newest(reader), "word": one["subject"].rpartition(" ")[2]}
    for name, ask in bench_pages.pages(store, registry, now, known, earliest(now - OLD)):
        yield Question("page", name, ask)


def _listed(store: HubStore, registry: Registry, now: datetime) -> Iterator[Question]:
    sender, recipient = (member.code for member in registry.agencies[10:12])
    day = {"since": now - timedelta(days=200), "before": now - timedelta(days=199)}
    wanted: dict[str, dict[str, Any]] = {
        "everything": {},
        "sender": {"sender": sender},
        "recipient": {"recipients": (recipient,)},
        "sender and recipient": {"sender": sender, "recipients": (recipient,)},
        "day": day,
        "day and recipient": {"recipients": (recipient,), **day},
        "urgent": {"priority": 1},
        "more urgent than any": {"priority": 5},
        "words": {"words": "nông thôn mới"},
        "words of a sender": {"words": "cà mau", "sender": sender},
        "words that nobody has": {"words": "hồ sơ số zzz"},
        **{f"kind {kind}": {"kind": kind} for kind in get_args(windows.Kind)},
    }
    asked = {name: (one, frozenset[Cause]()) for name, one in wanted.items()}
    causes = {**{one.value: frozenset({one}) for one in Cause}, **listing.GROUPS}
    asked |= {f"state {name}": ({}, one) for name, one in causes.items()}
    asked["state trouble of a sender"] = ({"sender": sender}, listing.GROUPS["trouble"])
    asked["state trouble of a recipient"] = ({"recipients": (recipient,)}, listing.GROUPS["trouble"])
    asked["state unreceived of a recipient"] = ({"recipients": (recipient,)}, frozenset({Cause.UNRECEIVED}))
    for name, (given, states) in asked.items():
        for place, after in (("", ""), (", oldest", _old(store, given, now))):
            yield Question("list", name + place, _page(store, registry, Wanted(**given), now, states, after))


def _old(store: HubStore, given: dict[str, Any], now: datetime) -> str:
    """A place among the oldest."""
    if store.database.is_sqlite and "words" in given:
        with store.reading() as reader:  # counted in the order in which they came
            return str(reader.connection.exec_driver_sql("SELECT max(rowid) / 70 FROM submission_words").scalar_one())
    return earliest(now - OLD)


def _page(
    store: HubStore, registry: Registry, wanted: Wanted, now: datetime, causes: frozenset[Cause], after: str
) -> Callable[[], object]:
    return lambda: listing.page(store, lambda: registry, wanted, now, causes=causes, after=after, limit=20)


def _reported(store: HubStore, registry: Registry, now: datetime) -> Iterator[Question]:
    by_: tuple[By, ...] = ("agency", "unit", "kind", "priority", "day", "month")
    today, code = (now - timedelta(days=1)).date(), registry.agencies[10].code
    for kind, span, names in (("day", Span.DAY, by_), ("year", Span.YEAR, ("agency", "unit", "month"))):
        for by in names:
            asked = period(span, today)
            yield Question(kind, f"by {by}", _report(store, registry, asked, by, now, ""))
        yield Question(kind, "of one agency", _report(store, registry, period(span, today), "agency", now, code))


def _report(
    store: HubStore, registry: Registry, asked: Any, by: Any, now: datetime, agency: str
) -> Callable[[], object]:
    return lambda: report.report(store, registry, asked, by, now, agency)
