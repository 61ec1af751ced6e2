"""Bytes end when everything about them is over, and not before; what they were is told, proved and recognised after."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from axis import bootstrap, config
from axis.cli import main
from axis.core.instant import to_text
from axis.core.ledger import read
from axis.errors import Rejected
from axis.infra import payloads, retained, volumes
from axis.infra.amqp import consume
from axis.infra.journal import tables as journal
from axis.infra.record import tables
from axis.services import retention
from axis.services.operate import resend
from axis.services.questions.dead_ends import listed
from tests.line import CODES, Line, document, recall, small_home, update
from tests.served import ServedLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub

QUARTER = timedelta(days=100)
RULES = config.Retention(parcels_days=90, journal_days=30)
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(params=["embedded", pytest.param("served", marks=[pytest.mark.amqp, pytest.mark.postgres])])
def line(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    if request.param == "embedded":
        yield small_home(tmp_path / "home")
        return
    url = request.getfixturevalue("postgres").record(f"retention{time.monotonic_ns()}")
    monkeypatch.setenv("AXIS_DATABASE_URL", url)
    monkeypatch.setattr(consume, "SETTLE", 0.05)
    with ServedLine(tmp_path / "home", request.getfixturevalue("rabbitmq"), url, CODES) as served:
        yield served


def run(line: Line, rules: config.Retention = RULES) -> None:
    """A day's run, to its end."""

    def whole(hub: Hub, agencies: list[Agency], now: datetime) -> None:
        work = retention.Retention(rules.build(), hub, agencies)
        for _ in work.run(now, f"{now:%Y-%m-%dT%H:%M:%S.%f}"):
            pass

    with line.parts() as (hub, agencies):
        whole(hub, agencies, line.clock())
        hub.link(line.clock())


def preview(line: Line, rules: config.Retention = RULES) -> dict[str, retention.Found]:
    with line.parts() as (hub, agencies):
        work = retention.Retention(rules.build(), hub, agencies)
        return {one.kind: one for one in work.preview(line.clock())}


def kept(line: Line) -> dict[str, bool]:
    """Whether the hub keeps the bytes of each submission, by kind."""
    with bootstrap.reading(bootstrap.open_home(line.path)) as record, record.reading() as reader:
        rows = reader.connection.execute(sa.select(tables.submission).order_by(tables.submission.c.axis_id)).mappings()
        found = {}
        for row in rows.all():
            there = bool(reader.payloads([row["parcel_digest"]]))
            found[row["kind"]] = there
            if row["body_digest"]:
                assert there, "what is named is there"
        return found


def entries(line: Line, event: str) -> list[dict[str, Any]]:
    with bootstrap.reading(bootstrap.open_home(line.path)) as record, record.reading() as reader:
        found = reader.connection.execute(sa.select(tables.ledger_entry.c.canonical)).scalars()
        return [one.detail for one in map(read, found) if one.event == event]


def journal_bytes(line: Line) -> tuple[int, int]:
    """(parcels that journals name as sent, as received), without receipts."""
    with line.parts() as (_, agencies), agencies[0].journal.database.read() as connection:
        sent = sa.select(sa.func.count()).where(journal.outgoing.c.parcel_digest != "")
        received = sa.select(sa.func.count()).where(
            journal.incoming.c.body_digest != "", journal.incoming.c.kind != "receipt"
        )
        return int(connection.execute(sent).scalar_one()), int(connection.execute(received).scalar_one())


SHORT = config.Retention(parcels_days=30, journal_days=30, history_days=100)


def known_rows(line: Line) -> dict[str, int]:
    """How many rows each table of the journals has."""
    tables_ = (journal.outgoing, journal.incoming, journal.withdrawal, journal.event)
    with line.parts() as (_, agencies), agencies[0].journal.database.read() as connection:
        count = sa.func.count()
        return {one.name: int(connection.execute(sa.select(count).select_from(one)).scalar_one()) for one in tables_}


def test_what_the_journals_know_of_a_document_ends_long_after_its_bytes(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1, to=("H41", "H29")))
    line.run()
    line.drop("G22", document(2, to=("H41",)))
    line.without("H41")
    line.drop("G22", recall(2))
    line.without("H41")
    line.run()
    before = known_rows(line)
    assert before["withdrawal"] == 1
    line.clock.now += timedelta(days=101)
    run(line, config.Retention(history_days=0))
    assert known_rows(line) | {"event": 0} == before | {"event": 0}, "bytes are another matter"
    assert preview(line, SHORT)["rows"].ends == before["outgoing"] + before["incoming"] - 3
    run(line, SHORT)
    after = known_rows(line)
    assert (after["outgoing"], after["incoming"], after["withdrawal"]) == (0, 3, 1), (
        "what a recall asks for has no time"
    )
    assert after["event"] <= 2 * len(CODES), "each agency's last, and what this run says of itself"
    with line.parts() as (_, agencies):
        for agency in agencies:
            with agency.journal.reading() as reader:
                assert reader.last_moment(), "by its last event a clock that was set back is noticed"
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER", "H29": "HANDED_OVER"}
    inbox = line.files("H41", "inbox", "*.edxml")
    line.drop("G22", document(1, to=("H41", "H29")), "again.edxml")
    line.drop("G22", document(3, to=("H41",)))
    line.run()
    assert not line.files("G22", "outbox")
    assert len(line.files("H41", "inbox", "*.edxml")) == len(inbox) + 1, "the hub knows what it has passed on"
    line.drop("G22", recall(1, to=("H41",)), "recall.edxml")
    line.run()
    assert line.events("G22").count("W.1 H41") == 1, "what was handed over so long ago is not called back unseen"
    assert line.stages("1/TN-G22")["H41"] == ["recall OPEN"]


def test_what_a_journal_still_needs_of_an_old_document_stays(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    for number in (1, 2, 3):
        line.drop("G22", document(number, to=("H41",)), f"{number}.edxml")
    line.run()
    line.clock.now += timedelta(days=90)
    line.drop("G22", recall(2))
    line.run()
    with line.parts() as (hub, _):
        retention.hold(hub, "3/TN-G22", "khiếu nại số 12", line.clock())
    line.clock.now += timedelta(days=20)
    run(line, config.Retention(history_days=0))
    found = preview(line, SHORT)["rows"]
    assert (found.ends > 0, found.kept["held"], found.kept["recent"]) == (True, 2, 2)
    run(line, SHORT)
    with line.parts() as (_, agencies), agencies[0].journal.database.read() as connection:
        sent = connection.execute(sa.select(journal.outgoing.c.facts)).scalars().all()
        of_documents = sa.select(journal.incoming.c.id, journal.incoming.c.facts).where(
            journal.incoming.c.kind == "document"
        )
        received = {row.id: row.facts["code"] for row in connection.execute(of_documents)}
        events = [read(one) for one in connection.execute(sa.select(journal.event.c.canonical)).scalars()]
    about = {one.axis_id for one in events if one.time < line.clock.now - timedelta(days=SHORT.history_days)}
    assert {one["code"] for one in sent} == {"2/TN-G22", "3/TN-G22"}
    assert len(received) == 3
    assert {code for axis_id, code in received.items() if axis_id in about} == {"2/TN-G22", "3/TN-G22"}


def test_what_is_over_ends_and_its_receipts_and_digests_stay(line: Line) -> None:
    line.drop(
        "G22",
        document(
            to=(
                "H41",
                "H29",
            )
        ),
    )
    line.run()
    before, receipts = line.trace("1/TN-G22"), line.events("G22")
    run(line)
    assert kept(line) == {"new": True}
    assert not entries(line, "retention.ended"), "nothing was over: nothing is said"
    line.clock.now += QUARTER
    assert preview(line)["parcels"].ends == 1
    run(line)
    assert kept(line) == {"new": False} or "volumes" in preview(line)
    assert journal_bytes(line) == (0, 0)
    after = line.trace("1/TN-G22")
    assert not after["document"]["kept"]
    assert after["document"]["ended_at"] > before["document"]["received_at"]
    assert [one["state"] for one in after["deliveries"]] == ["HANDED_OVER", "HANDED_OVER"]
    assert after["document"]["gone"] == "retention"
    assert after["document"] | {"kept": True, "ended_at": "", "gone": ""} == before["document"]
    assert line.events("G22") == receipts
    (said,) = entries(line, "retention.ended")
    assert said["parcels"] == 1
    assert said["bytes"] > 0
    with bootstrap.reading(bootstrap.open_home(line.path)) as record, record.reading() as reader:
        digests = set(reader.connection.execute(sa.select(tables.statement.c.receipt_digest)).scalars())
        assert set(reader.payloads(digests)) == digests, "every receipt is kept"
    line.check_ledger()
    run(line)
    assert len(entries(line, "retention.ended")) == 1


def test_what_comes_again_after_its_bytes_have_ended_is_known(line: Line) -> None:
    line.drop("G22", document())
    line.run()
    line.clock.now += QUARTER
    run(line)
    line.drop("G22", document())
    line.run()
    assert line.files("G22", "outbox") == []
    assert line.files("H41", "inbox", "*.edxml") == [f"{line.trace('1/TN-G22')['document']['axis_id']}.edxml"]
    with bootstrap.reading(bootstrap.open_home(line.path)) as record, record.reading() as reader:
        assert reader.connection.execute(sa.select(sa.func.count()).select_from(tables.submission)).scalar() == 1


def test_the_very_parcel_that_comes_again_is_answered_as_before(line: Line) -> None:
    """An adapter whose journal was put back sends it once more: the hub knows it by its digest."""
    line.drop("G22", document())
    line.run()
    with line.parts() as (_, agencies), agencies[0].journal.database.begin() as connection:
        where = journal.outgoing.c.agency == "G22"
        digest = connection.execute(sa.select(journal.outgoing.c.parcel_digest).where(where)).scalar_one()
        parcel = payloads.get(connection, digest)
    line.clock.now += QUARTER
    run(line)
    with line.parts() as (_, agencies), agencies[0].journal.database.begin() as connection:
        payloads.put(connection, parcel)
        values = {"parcel_digest": digest, "state": "pending", "settled": False, "attempts": 0, "not_before": ""}
        connection.execute(sa.update(journal.outgoing).where(where).values(**values))
    line.run()
    with bootstrap.reading(bootstrap.open_home(line.path)) as record, record.reading() as reader:
        assert reader.connection.execute(sa.select(sa.func.count()).select_from(tables.submission)).scalar() == 1
    with line.parts() as (_, agencies), agencies[0].journal.database.read() as connection:
        assert connection.execute(sa.select(journal.outgoing.c.state).where(where)).scalar_one() == "accepted"
    assert len(line.files("H41", "inbox", "*.edxml")) == 1


def test_what_nobody_has_taken_is_kept_until_somebody_has(line: Line) -> None:
    line.without("H29")
    line.drop(
        "G22",
        document(
            to=(
                "H41",
                "H29",
            )
        ),
    )
    line.without("H29")
    line.clock.now += QUARTER
    found = preview(line)["parcels"]
    assert (found.ends, dict(found.kept)) == (0, {"undelivered": 1})
    run(line)
    assert kept(line) == {"new": True}
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER", "H29": "HANDED_OVER"}
    assert dict(preview(line)["parcels"].kept) == {"recent": 1}, "its time begins when it has come to rest"
    line.clock.now += QUARTER
    run(line)
    assert not line.trace("1/TN-G22")["document"]["kept"]


def test_what_is_asked_about_is_kept_until_it_is_answered(line: Line) -> None:
    line.drop("G22", document())
    line.run()
    line.drop("G22", recall(), "recall.edxml")
    line.run()
    line.clock.now += QUARTER
    found = preview(line)["parcels"]
    assert (found.ends, dict(found.kept)) == (0, {"asked": 2}), "the document and its recall"
    run(line)
    assert kept(line) == {"new": True, "recall": True}


def test_what_waits_to_be_published_once_more_and_what_a_receipt_is_in_doubt_about_is_kept(line: Line) -> None:
    line.drop("G22", document())
    line.drop("G22", document(2, content=b"2"), "b.edxml")
    line.run()
    line.clock.now += QUARTER
    with line.parts() as (hub, _):
        with hub.store.reading() as reader:
            rows = resend.find(reader, resend.Selection("1/TN-G22", answered=True))
        assert resend.send(hub, rows, line.clock()) == 1
        with hub.store.transaction() as tx:
            about = {"document_id": line.trace("2/TN-G22")["document"]["document_id"], "issuer": "H41"}
            row = {"agency": "H41", "message_id": "m", "user_id": "H41", "code": "RECORD_GAP", "attempts": 1}
            digest = payloads.put(tx.connection, b"a receipt")
            tx.connection.execute(
                tables.quarantine.insert().values(
                    id="q", body_digest=digest, since=to_text(line.clock()), **row, **about
                )
            )
    found = preview(line)["parcels"]
    assert (found.ends, dict(found.kept)) == (0, {"waiting": 1, "disputed": 1})
    run(line)
    assert kept(line) == {"new": True}
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}


def test_what_an_operator_holds_is_kept_until_it_is_released(line: Line) -> None:
    line.drop("G22", document())
    line.run()
    with line.parts() as (hub, _):
        retention.hold(hub, "1/TN-G22", "khiếu nại", line.clock())
    line.clock.now += QUARTER
    found = preview(line)
    assert (found["parcels"].ends, dict(found["parcels"].kept)) == (0, {"held": 1})
    run(line)
    assert kept(line) == {"new": True}
    with line.parts() as (hub, _):
        assert retention.release(hub, "1/TN-G22", "xong", line.clock())["held"]
    run(line)
    assert not line.trace("1/TN-G22")["document"]["kept"]
    assert [one["reason"] for one in entries(line, "retention.held")] == ["khiếu nại"]


def test_what_has_no_bytes_any_more_is_sent_to_nobody_else_and_says_so(line: Line) -> None:
    line.drop("G22", document())
    line.run()
    line.clock.now += QUARTER
    run(line)
    line.drop("G22", update(changes_content=False, add=("H29",)), "more.edxml")
    line.run()
    assert [one["code"] for one in line.error("G22", "more.edxml")["findings"]] == ["BYTES_ENDED"]
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    with line.parts() as (hub, _), hub.store.reading() as reader, pytest.raises(Rejected) as caught:
        resend.find(reader, resend.Selection("1/TN-G22", answered=True))
    assert caught.value.fault.code == "BYTES_ENDED"


def test_a_run_is_done_once_a_day_a_piece_at_a_time_with_pauses(line: Line) -> None:
    moment = 0.0
    line.drop("G22", document())
    line.run()
    line.clock.now += QUARTER
    with line.parts() as (hub, agencies):
        work = retention.Retention(RULES.build(), hub, agencies, timer=lambda: moment)
        work.turn(line.clock())
        assert hub.store.database is not None
        with hub.store.reading() as reader:
            assert retained.last(reader.connection, retained.RECORD) is None, "not at once"
        moment = 40.0
        work.turn(line.clock())
        with hub.store.reading() as reader:
            begun = retained.last(reader.connection, retained.RECORD)
        assert begun is not None
        assert not begun["ended_at"]
        work.turn(line.clock())
        with hub.store.reading() as reader:
            assert retained.last(reader.connection, retained.RECORD) == begun, "a pause follows each piece"
        for _ in range(20):
            moment += 1
            work.turn(line.clock())
        with hub.store.reading() as reader:
            done = retained.last(reader.connection, retained.RECORD)
        assert done is not None
        assert done["ended_at"]
        assert done["counts"]["parcels"] == 1
        moment += 1000
        work.turn(line.clock())
        with hub.store.reading() as reader:
            assert retained.last(reader.connection, retained.RECORD) == done


def test_a_run_that_is_broken_off_goes_on_where_it_was_and_every_piece_is_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SLICE", "FEWEST", "MOST"):
        monkeypatch.setattr(retention, name, 1)
    line = small_home(tmp_path / "home")
    for number in (1, 2, 3):
        line.drop("G22", document(number, content=b"%d" % number), f"{number}.edxml")
    line.run()
    line.clock.now += QUARTER
    pieces = [0]
    for most in (1, 2, 100):  # a process dies after so many pieces
        with line.parts() as (hub, agencies):
            work = retention.Retention(RULES.build(), hub, agencies)
            pieces[-1] += sum(1 for _ in islice(work.run(line.clock(), "a day"), most))
        pieces.append(0)
    assert pieces[:2] == [1, 2]
    (said,) = entries(line, "retention.ended")
    assert said["parcels"] == 3
    assert journal_bytes(line) == (0, 0)


# -- Volumes --------------------------------------------------------------------------------------------------


@pytest.mark.amqp
@pytest.mark.postgres
def test_on_postgresql_what_ends_goes_with_its_volume_and_what_is_kept_is_carried_over(
    rabbitmq: Any, postgres: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.record(f"volumes{time.monotonic_ns()}")
    monkeypatch.setenv("AXIS_DATABASE_URL", url)
    monkeypatch.setattr(consume, "SETTLE", 0.05)
    with ServedLine(tmp_path / "home", rabbitmq, url, CODES) as line:
        run(line)  # the first volume begins
        line.drop("G22", document(content=b"%PDF " + b"x" * 50_000))
        line.drop("G22", document(to=("H29",), number=2), "b.edxml")
        line.without("H29")
        line.clock.now += timedelta(days=10)
        run(line)  # the second one
        line.clock.now += QUARTER
        run(line)
        run(line)
        with line.parts() as (hub, _), hub.store.reading() as reader:
            numbers = set(volumes.sizes(reader.connection))
            assert 1 not in numbers
            rows = reader.connection.execute(sa.select(volumes.parcel)).all()
            assert [row.volume > 1 for row in rows] == [True], "the one that nobody has taken is in a newer volume"
            named = reader.connection.execute(
                sa.select(tables.submission.c.body_digest).where(tables.submission.c.body_digest != "")
            ).scalars()
            assert [row.digest for row in rows] == list(named)
        assert sum(one.get("volumes", 0) for one in entries(line, "retention.ended")) >= 1
        line.run()
        assert line.states("2/TN-G22") == {"H29": "HANDED_OVER"}


@pytest.mark.amqp
@pytest.mark.postgres
def test_a_dump_that_reads_a_volume_keeps_it_and_nobody_else_waits(
    rabbitmq: Any, postgres: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.record(f"dumped{time.monotonic_ns()}")
    monkeypatch.setenv("AXIS_DATABASE_URL", url)
    monkeypatch.setattr(consume, "SETTLE", 0.05)
    with ServedLine(tmp_path / "home", rabbitmq, url, CODES) as line:
        run(line)
        line.drop("G22", document())
        line.run()
        line.clock.now += timedelta(days=10)
        run(line)
        line.clock.now += QUARTER
        with line.parts() as (hub, _), hub.store.database.read() as dump:
            dump.exec_driver_sql("SELECT count(*) FROM parcel").scalar()
            run(line)
            with hub.store.reading() as reader:
                assert 1 in volumes.sizes(reader.connection)
            line.drop("G22", document(number=2), "b.edxml")
            line.run()
        assert line.states("2/TN-G22") == {"H41": "HANDED_OVER"}
        run(line)
        with line.parts() as (hub, _), hub.store.reading() as reader:
            assert 1 not in volumes.sizes(reader.connection)


# -- The commands ---------------------------------------------------------------------------------------------


def age(line: Line) -> None:
    """Everything is as old as if a hundred days had passed: the commands have the machine's clock."""
    old = to_text(line.clock.now - QUARTER)
    with line.parts() as (hub, _), hub.store.database.begin() as connection:
        connection.execute(sa.update(tables.submission).values(received_at=old))
        connection.execute(sa.update(tables.delivery).values(updated_at=old))
        connection.execute(sa.update(journal.outgoing).values(created_at=old))
        connection.execute(sa.update(journal.incoming).values(received_at=old))


def axis(line: Line, *arguments: str, language: str = "en") -> Any:
    return CliRunner().invoke(main, [*arguments, "--home", str(line.path), "--lang", language])


def test_the_command_tells_what_would_end_then_ends_it_and_trace_says_so(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document())
    line.drop("G22", document(2, content=b"2"), "b.edxml")
    line.run()
    age(line)
    assert axis(line, "retention", "hold", "2/TN-G22", "--reason", "khiếu nại").exit_code == 0
    dry = axis(line, "retention", "--dry-run", "--json")
    assert dry.exit_code == 0, dry.output
    found = {one["kind"]: one for one in map(json.loads, dry.stdout.splitlines())}
    assert (found["parcels"]["ends"], found["parcels"]["kept"]) == (1, {"held": 1})
    assert found["parcels"]["bytes"] > 1000
    assert (found["incoming"]["ends"], found["outgoing"]["ends"]) == (1, 1)
    assert line.trace("1/TN-G22")["document"]["kept"], "nothing was changed"
    done = axis(line, "retention")
    assert done.exit_code == 0, done.output
    assert "parcels in the record" in done.stdout
    assert [line.trace(f"{n}/TN-G22")["document"]["kept"] for n in (1, 2)] == [False, True]
    assert "The bytes have ended at" in axis(line, "trace", "1/TN-G22").stdout
    assert "biên nhận, mã băm và nhật ký vẫn còn" in _in_vietnamese(line, "trace", "1/TN-G22")
    assert "The bytes" not in axis(line, "trace", "2/TN-G22").stdout
    released = axis(line, "retention", "release", "2/TN-G22", "--reason", "xong", "--json")
    assert json.loads(released.stdout)["held"]
    assert axis(line, "retention", "release", "2/TN-G22", "--reason", "xong").exit_code == 0
    refused = axis(line, "resend", "1/TN-G22")
    assert (refused.exit_code, "BYTES_ENDED" in refused.output) == (3, True)
    assert axis(line, "retention", "hold", "77/TN-G22", "--reason", "x").exit_code == 3
    line.check_ledger()


def _in_vietnamese(line: Line, *arguments: str) -> str:
    command = [sys.executable, "-P", "-m", "axis", *arguments, "--home", str(line.path), "--lang", "vi"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_recalled_documents_bytes_are_gone_for_another_reason_and_trace_says_which(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document())
    line.drop("G22", recall(), "z.edxml")
    line.without("H41")
    line.run()
    assert line.states("1/TN-G22") == {"H41": "RECALLED"}
    assert "the document was recalled" in axis(line, "trace", "1/TN-G22").stdout


def test_an_agencys_home_has_its_own_part(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document())
    line.run()
    age(line)
    line.configure(installation=config.Installation("x", "agency", ("G22", "H41")), broker=config.Broker("amqp"))
    dry = axis(line, "retention", "--dry-run", "--json")
    assert dry.exit_code == 0, dry.output
    kinds = [json.loads(one)["kind"] for one in dry.stdout.splitlines()]
    assert kinds == ["outgoing", "incoming", "rows", "sent/", "status/"]
    assert axis(line, "retention").exit_code == 0
    assert journal_rows(line) == (0, 0)
    assert "The bytes at this adapter have ended" in axis(line, "trace", "1/TN-G22").stdout
    told = axis(line, "retention", "hold", "1/TN-G22", "--reason", "x")
    assert (told.exit_code, "installation.role" in told.output) == (5, True)


def journal_rows(line: Line) -> tuple[int, int]:
    with bootstrap.reading_journal(bootstrap.open_home(line.path), "G22") as one, one.reading() as reader:
        sent = sa.select(sa.func.count()).where(journal.outgoing.c.parcel_digest != "")
        received = sa.select(sa.func.count()).where(
            journal.incoming.c.body_digest != "", journal.incoming.c.kind != "receipt"
        )
        return tuple(int(reader.connection.execute(one).scalar_one()) for one in (sent, received))  # type: ignore[return-value]


def test_old_dead_letters_and_quarantine_are_dropped_where_that_is_set(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(to=("H41",)))
    line.without("H41")
    with line.parts() as (hub, _), hub.store.database.begin() as connection:
        old = to_text(line.clock.now - QUARTER)
        failed = {"state": "FAILED", "updated_at": old, "owes_at": ""}
        connection.execute(sa.update(tables.delivery).values(**failed))
        connection.execute(sa.update(tables.submission).values(received_at=old))
        connection.execute(sa.delete(tables.outbox))
        row = {"agency": "G22", "message_id": "m", "user_id": "G22", "code": "INTERNAL", "attempts": 5, "since": old}
        connection.execute(
            tables.quarantine.insert().values(id="q", body_digest=payloads.put(connection, b"poison"), **row)
        )
    run(line)
    with line.parts() as (hub, _), hub.store.reading() as reader:
        assert len(listed(reader)) == 2, "they wait for an operator"
    run(line, RULES._replace(dead_letters_days=30, quarantine_days=30))
    with line.parts() as (hub, _), hub.store.reading() as reader:
        assert listed(reader) == []
        assert reader.payloads([payloads.digest_of(b"poison")]) == {}
    (said,) = entries(line, "retention.ended")
    assert (said["dead_letters"], said["quarantine"]) == (1, 1)
    assert [one["reason"] for one in entries(line, "quarantine.drop")] == ["axis.toml [retention]"]
    line.clock.now += QUARTER
    run(line)
    assert not line.trace("1/TN-G22")["document"]["kept"], "it was decided about, and a time has passed since"
