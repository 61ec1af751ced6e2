"""``axis reconcile``: what was lost between the record and an agency is sent again, and arrives once."""

from __future__ import annotations

import hashlib
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from axis import cli
from axis.core.message import Route
from axis.errors import Corrupted, Fault
from axis.infra import embedded
from axis.infra.journal import tables as journal
from axis.infra.record import ledger, tables
from axis.services import run as loops
from axis.services.operate import reconcile
from tests.line import Line, document, small_home

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub

CONTENTS = [b"%d" % number for number in range(1, 6)]


def digests() -> list[str]:
    return sorted(hashlib.sha256(content).hexdigest() for content in CONTENTS)


@pytest.fixture
def line(tmp_path: Path) -> Line:
    """Five documents for H41, whose adapter is away: they lie in its queue."""
    made = small_home(tmp_path / "home")
    for number, content in enumerate(CONTENTS, 1):
        made.drop("G22", document(number, to=("H41", "G06"), content=content), f"{number}.edxml")
    made.run(before=without("H41"), patience=timedelta(minutes=1))
    assert len(made.attachments("G06")) == 5
    return made


def without(code: str) -> Callable[[Hub, list[Agency]], None]:
    def leave(_hub: Hub, agencies: list[Agency]) -> None:
        agencies[:] = [one for one in agencies if one.code != code]

    return leave


def repair(line: Line, older_than: float = 0) -> dict[str, reconcile.Account]:
    line.clock.now += timedelta(minutes=1)
    with line.parts() as (hub, _):
        accounts = reconcile.reconcile(hub, line.clock(), timedelta(minutes=older_than))
    return {one.code: one for one in accounts}


@pytest.mark.parametrize("how", ["purged", "deleted"])
def test_a_purged_or_deleted_queue_is_refilled_from_the_record(line: Line, how: str) -> None:
    with line.parts() as (hub, _), hub.store.database.begin() as connection:
        connection.execute(embedded.queue_message.delete().where(embedded.queue_message.c.queue == "axis.to.H41"))
        if how == "deleted":
            connection.execute(embedded.queue.delete().where(embedded.queue.c.name == "axis.to.H41"))
    line.run()
    assert line.attachments("H41") == [], "nothing is left that would bring them"
    account = repair(line)["H41"]
    assert (account.unanswered, account.resent) == (5, 5)
    assert account.queued == 0
    line.run()
    assert sorted(line.attachments("H41")) == digests()
    assert sum(event.startswith("E.1 H41") for event in line.events("G22")) == 5
    assert repair(line) == {}


def test_an_agency_that_was_away_gets_each_document_once_however_often_it_is_sent_again(line: Line) -> None:
    for _ in range(3):
        assert repair(line)["H41"].unanswered == 5
        line.run(before=without("H41"), patience=timedelta(minutes=1))
    with line.parts() as (hub, _):
        assert hub.broker.depth(Route("out", "H41")) > 5
    line.run()
    assert sorted(line.attachments("H41")) == digests()
    assert len(line.files("H41", "inbox", "*.edxml")) == 5
    line.check_ledger()


def test_what_is_in_the_outbox_already_or_too_young_is_left_alone(line: Line) -> None:
    assert repair(line, older_than=60)["H41"].resent == 0
    assert repair(line)["H41"].resent == 5
    again = repair(line)["H41"]
    assert (again.waiting, again.resent) == (5, 0)


def test_a_receipt_that_the_hub_has_lost_is_given_again_byte_for_byte(line: Line) -> None:
    """As after a restore of the hub from a backup that is older than the receipts."""
    line.run()
    first = {
        name: (line.folder("G22", "receipts") / name).read_bytes()
        for name in line.files("G22", "receipts", "*E.1.H41*")
    }
    assert len(first) == 5
    with line.parts() as (hub, _), hub.store.database.begin() as connection:
        connection.execute(tables.statement.delete().where(tables.statement.c.issuer == "H41"))
        connection.execute(tables.delivery.update().where(tables.delivery.c.recipient == "H41").values(state="QUEUED"))
    for name in first:
        (line.folder("G22", "receipts") / name).unlink()
    assert repair(line)["H41"].resent == 5
    line.run()
    assert set(line.states("1/TN-G22").values()) == {"HANDED_OVER"}
    assert len(line.attachments("H41")) == 5, "nothing is handed over twice"
    with line.parts() as (hub, _), hub.store.database.read() as connection:
        given = connection.execute(
            journal.incoming.select().where(journal.incoming.c.agency == "H41", journal.incoming.c.kind == "document")
        ).mappings()
        assert {row["answer_digest"] for row in given} == {hashlib.sha256(data).hexdigest() for data in first.values()}


def test_a_restored_old_backup_is_noticed_and_the_hub_does_not_run_until_it_is_told(line: Line) -> None:
    backup = line.path.parent / "backup"
    shutil.copytree(line.path, backup)
    line.run()
    with line.parts() as (hub, _), hub.store.reading() as reader:
        written = ledger.standing(reader).end.position
    assert len(line.attachments("H41")) == 5
    for name in ("axis.db", "axis.db-wal"):  # the database alone, as backups of databases are
        (line.path / name).unlink(missing_ok=True)
        if (backup / name).exists():
            shutil.copy(backup / name, line.path / name)
    with pytest.raises(Corrupted) as caught, line.parts():
        pass
    assert caught.value.fault is Fault.RECORD_OLD
    assert str(written) in str(caught.value)
    assert line.trace("1/TN-G22")["deliveries"], "reading goes on"
    runner = CliRunner()
    done = runner.invoke(
        cli.main, ["reconcile", "--restored", "--older-than", "0", "--lang", "en", "--home", str(line.path)]
    )
    assert done.exit_code == 0, done.output
    assert f"up to {written}" in done.output
    line.run()
    assert line.check_ledger() > 0
    with line.parts() as (hub, _), hub.store.reading() as reader:
        entries = [entry for _, entry in ledger.entries(reader, [""]) if entry.event == "record.restored"]
    assert [entry.detail["written"] for entry in entries] == [written]


def test_a_mark_that_cannot_be_read_stops_the_hub(line: Line) -> None:
    (line.path / "hub.mark").write_text("nonsense")
    with pytest.raises(Corrupted), line.parts():
        pass


def test_what_was_lost_with_a_queue_is_asked_for_and_comes_at_once(tmp_path: Path) -> None:
    """Not when the sender's own patience ends, ten minutes later."""
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1, content=b"lost"))
    with line.parts() as (hub, agencies):
        for _ in range(2):
            for one in agencies:
                loops.agency_round(one, line.clock())
        with hub.store.database.begin() as connection:
            assert connection.execute(embedded.queue_message.delete()).rowcount > 0
        reconcile.ask_senders(hub, line.clock())
    line.run(patience=timedelta(minutes=1))
    assert line.attachments("H41") == [hashlib.sha256(b"lost").hexdigest()]


def test_while_the_hub_is_away_nothing_that_still_waits_for_it_is_published_again(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    for number in range(1, 6):
        line.drop("G22", document(number, content=b"%d" % number, priority=number % 2), f"{number}.edxml")

    def queued(hub: Hub) -> int:
        return sum(hub.broker.depth(Route("in", "G22", urgent)) for urgent in (True, False))

    def hours(agencies: list[Agency], count: int) -> None:
        (g22,) = [one for one in agencies if one.code == "G22"]
        for _ in range(count):
            line.clock.now += timedelta(hours=1)
            loops.agency_round(g22, line.clock())

    with line.parts() as (hub, agencies):
        hours(agencies, 24)
        assert queued(hub) == 5
    with line.parts() as (hub, agencies):  # adapters that were started again know nothing of what they have published
        line.drop("G22", document(6, content=b"6"), "6.edxml")
        hours(agencies, 24)
        assert queued(hub) == 6
        taken = hub.broker.receive([Route("in", "G22")], limit=2, max_bytes=10**6, timeout=0)
        hub.broker.ack(taken)  # and lost there, with a hub that did not record them
        assert queued(hub) == 4
        hours(agencies, 24)
        assert queued(hub) >= 6, "what is not in the queue any more is published again"
        assert queued(hub) <= 8
    line.run()
    assert len(line.attachments("H41")) == 6
    assert len(line.files("G22", "sent")) == 6
