"""What `axis status` counts is what `axis why` says of each, on SQLite and on PostgreSQL, in as many statements however
much there is."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.core.instant import from_text, to_text
from axis.core.why import Cause
from axis.infra.record import backlog, listing, tables
from axis.services.questions import status, why
from tests.contract.test_listing import CODES, NOW, REGISTRY, asked, filled, record

if TYPE_CHECKING:
    from axis.infra.record.store import HubStore

__all__ = ["filled", "record"]


class _Member:
    """A member as the status needs it."""

    def __init__(self, one: Any) -> None:
        self.code, self.suspensions, self.name_vi = one.code, one.suspensions, one.code

    def standing(self, _at: object) -> str:
        return "suspended" if self.suspensions else "active"


MEMBERS = [_Member(one) for one in REGISTRY.agencies]
KNOWN: Any = SimpleNamespace(agencies=MEMBERS, resend_from=None, by_code={one.code: one for one in MEMBERS})


def vary(record: HubStore) -> None:
    """Some of what waits should have left long ago, some was tried often, some is about to leave; some failed ones are
    not decided about."""
    soon, later = NOW - timedelta(seconds=10), NOW + timedelta(hours=1)
    ways = [(soon, 5), (NOW - timedelta(hours=1), 0), (later, 0), (soon, 0), (later, 1)]
    o, d = tables.outbox, tables.delivery
    with record.database.begin() as connection:
        rows = connection.execute(sa.select(o.c.id).order_by(o.c.id)).scalars().all()
        for number, name in enumerate(rows):
            moment, attempts = ways[number % len(ways)]
            values = {"not_before": to_text(moment), "attempts": attempts}
            connection.execute(o.update().where(o.c.id == name).values(values))
        failed = sa.select(d.c.id).where(d.c.state == "FAILED").order_by(d.c.id)
        for name in connection.execute(failed).scalars().all()[::2]:
            connection.execute(d.update().where(d.c.id == name).values(closed=False))


def by_hand(record: HubStore) -> Counter[tuple[str, str]]:
    with record.reading() as reader:
        axis_ids = reader.connection.execute(sa.select(tables.submission.c.axis_id)).scalars().all()
        rows = listing.of_submissions(reader, axis_ids)
        causes = why.of_deliveries(reader, lambda: KNOWN, rows, NOW)
    found = Counter((row["recipient"], causes[row["id"]].cause) for row in rows)
    left = {Cause.REFUSED, Cause.CLOSED, Cause.UNIT_REFUSED}  # over: a report counts them
    return Counter({(code, one.value): n for (code, one), n in found.items() if one.rank < 2 and one not in left})


def test_each_agency_and_cause_is_counted_as_axis_why_judges_each_one(record: HubStore) -> None:
    vary(record)
    found = status.status(record, KNOWN, NOW)
    expected = by_hand(record)
    assert {(row["agency"], row["cause"]): row["count"] for row in found["causes"]} == expected
    causes = {cause for _, cause in expected}
    assert {
        "stuck",
        "retrying",
        "held",
        "leaving",
        "suspended",
        "given_up",
        "overdue",
        "queued",
        "unreceived",
    } <= causes
    verdicts = [row["verdict"] for row in found["causes"]]
    assert verdicts == sorted(verdicts, key=["bad", "warn", "good"].index), "trouble first"
    for row in found["agencies"]:
        own = [one for one in found["causes"] if one["agency"] == row["code"]]
        assert row["waiting"] == sum(one["count"] for one in own)
        assert row["oldest"] == min((one["oldest"] for one in own), default="")


def test_who_was_heard_last_and_what_today_has_brought_is_what_the_rows_say(record: HubStore) -> None:
    with record.reading() as reader:
        rows = reader.connection.execute(sa.select(tables.submission)).mappings().all()
        taken = reader.connection.execute(sa.select(tables.delivery)).mappings().all()
    moment = from_text(max(row["received_at"] for row in rows)) + timedelta(minutes=2)
    found = status.status(record, KNOWN, moment)
    for code in CODES:
        sent = max(row["received_at"] for row in rows if row["sender"] == code)
        handed = [one for one in taken if one["recipient"] == code and one["state"] == "HANDED_OVER"]
        (one,) = (each for each in found["agencies"] if each["code"] == code)
        assert one["last_sent"] == sent
        assert one["last_taken"] == max(handed, key=lambda each: str(each["id"]))["updated_at"]
        last = from_text(max(sent, one["last_taken"]))
        assert one["is_silent"] == (code != "G06" and last < moment - status.SILENT)
    documents = [row for row in rows if row["kind"] == "new"]
    recent = [row for row in documents if from_text(row["received_at"]) >= moment - timedelta(minutes=5)]
    assert found["today"]["five_minutes"] == len(recent) >= 1
    assert found["today"]["documents"] >= found["today"]["hour"] >= found["today"]["five_minutes"]


def test_it_takes_as_many_statements_however_much_waits_and_each_goes_by_an_index(record: HubStore) -> None:
    with asked() as statements:
        status.status(record, KNOWN, NOW)
    assert len(statements) <= 8
    plans = []
    with record.reading() as reader:
        if not record.database.is_sqlite:
            reader.connection.exec_driver_sql("SET enable_seqscan = off")
        how = "EXPLAIN QUERY PLAN " if record.database.is_sqlite else "EXPLAIN "
        for text, values in statements:
            plans.append("\n".join(str(row) for row in reader.connection.exec_driver_sql(how + text, values)))
    every = "\n".join(plans)
    for index in ("delivery_open", "deadline_missed", "refusal_time", "submission_sender"):
        assert index in every, every
    for table in ("submission", "delivery", "deadline", "refusal", "business_status", "demand"):
        assert f"Seq Scan on {table} " not in every
    assert backlog.COUNTED <= 100_000
