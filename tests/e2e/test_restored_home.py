"""An adapter's home was put back to an older copy, or copied: it decides nothing before the hub has said that it is the
one that works. The adapters have journals of their own here, as where the hub is elsewhere."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from axis import bootstrap, cli, config
from axis.core.homes import Standing
from axis.core.ledger import Entry
from axis.core.message import Message, Route, agency_routes, hub_routes
from axis.errors import Fault, Problem, Unavailable
from axis.infra.database import Database
from axis.infra.journal.tables import incoming
from axis.infra.record.tables import statement, submission
from axis.services import run as loops
from axis.services.agency import standing
from axis.services.hub import admit
from tests.e2e.apart import CODES, Apart, at_work, while_the_system_of_h41_is_away
from tests.line import document, recall, small_home

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@pytest.fixture
def line(tmp_path: Path) -> Apart:
    return at_work(tmp_path)


def test_a_home_that_was_put_back_does_nothing_and_says_so(line: Apart, caplog: pytest.LogCaptureFixture) -> None:
    copy = line.copy("H41")
    line.drop("G22", document(1), "1.edxml")
    line.run()
    line.taken_away("H41")
    line.put_back("H41", copy)
    line.drop("G22", document(2), "2.edxml")
    line.drop("H41", document(3, sender="H41", to=("G22",)), "3.edxml")
    with line.parts() as (hub, agencies):
        line.turns(hub, agencies)
        assert {one.code: one.standing for one in agencies} == {"G22": Standing.CURRENT, "H41": Standing.BEHIND}
        assert loops.next_due(None, [agencies[1]], line.clock()) is None
    assert (line.kinds("H41"), line.kinds("G22"), line.files("H41", "outbox")) == ([], [], ["3.edxml"])
    assert line.states("2/TN-G22") == {"H41": "QUEUED"}
    assert "axis adapter restored H41" in caplog.text
    assert line.entries("H41")[-1] == "home.behind"
    with line.parts() as (hub, agencies):
        assert agencies[1].standing is Standing.BEHIND, "nor after another start"
        line.turns(hub, agencies)
    assert line.kinds("H41") == []


def test_what_was_handed_over_is_not_shown_again_when_its_receipt_waits_for_the_hub(line: Apart) -> None:
    """The home is put back between the hand-over and the moment at which the hub reads the receipt."""
    copy = line.copy("H41")
    line.drop("G22", document(1), "1.edxml")
    with line.parts() as (hub, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        while not line.kinds("H41"):
            line.turns(hub, agencies, 1)
        loops.agency_round(h41, line.clock())  # its receipt goes out, and nobody reads it yet
    line.taken_away("H41")
    assert line.states("1/TN-G22") == {"H41": "QUEUED"}
    line.put_back("H41", copy)
    line.take_over("H41")
    with line.parts() as (hub, agencies):
        for one in agencies:
            loops.agency_round(one, line.clock())  # asks: the question overtakes the receipt
        line.turns(hub, agencies)
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert line.kinds("H41") == [], "it was shown before"


# -- Record and home, both put back -------------------------------------------------------------------------------


def test_what_was_handed_over_while_both_forgot_is_not_shown_again(line: Apart) -> None:
    """Neither the record nor the home remembers; its sender holds the recipient's word, and shows it to the hub."""
    record, home = line.back_up_record(), line.copy("H41")
    line.drop("G22", document(1), "1.edxml")
    line.drop("G22", document(2), "2.edxml")
    line.run()
    assert line.kinds("H41") == ["new", "new"]
    line.taken_away("H41")
    line.put_back_record(record)
    line.put_back("H41", home)
    line.take_over("H41")
    line.drop("G22", document(3), "3.edxml")
    line.run()
    assert line.kinds("H41") == ["new"], "what is new, and nothing that was shown before"
    assert [line.states(f"{n}/TN-G22") for n in (1, 2, 3)] == [{"H41": "HANDED_OVER"}] * 3
    assert line.put_aside() == []


def test_what_lay_in_the_queue_over_the_restore_of_the_record_is_not_shown_again(line: Apart) -> None:
    """Handed over, and answered under an id that the record has lost, before its sender has sent it again."""
    record = line.back_up_record()
    line.drop("G22", document(1), "1.edxml")
    with line.opened(("G22", line.journal("G22"))) as (hub, agencies):
        line.turns(hub, agencies)
    line.put_back_record(record)
    home = line.copy("H41")
    with line.opened(("H41", line.journal("H41"))) as (hub, agencies):
        line.turns(hub, agencies)
    assert (line.kinds("H41"), line.put_aside()) == (["new"], ["RECORD_GAP"])
    line.taken_away("H41")
    line.put_back("H41", home)
    line.take_over("H41")
    line.run()
    assert line.kinds("H41") == []
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert "H41" in line.sign("E.1")
    assert line.put_aside() == []


def test_a_home_that_was_put_back_hears_what_it_has_handed_over(line: Apart) -> None:
    """A second copy of the message lay in its queue, where the hub takes nothing back."""
    home = line.copy("H41")
    line.drop("G22", document(1), "1.edxml")
    with line.opened(("G22", line.journal("G22"))) as (hub, agencies):
        line.turns(hub, agencies)
        (taken,) = hub.broker.receive([Route("out", "H41")], limit=9, max_bytes=10**6, timeout=0)
        hub.broker.publish([taken.message])
        hub.broker.ack([taken])
    line.run()
    assert line.kinds("H41") == ["new"]
    line.taken_away("H41")
    line.put_back("H41", home)
    line.take_over("H41")
    with line.parts() as (hub, agencies):
        hub.broker.publish([taken.message])
        line.turns(hub, agencies)
        assert agencies[1].standing is Standing.CURRENT
    assert line.kinds("H41") == []
    assert line.put_aside() == []


def test_a_home_that_was_put_back_is_told_bit_by_bit_before_it_is_answered(
    line: Apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its ordinary mail fills its queue: it takes none of that before it is answered."""
    monkeypatch.setattr("axis.services.hub.homes.BATCH", 2)
    home = line.copy("H41")
    for number in range(1, 6):
        line.drop("G22", document(number), f"{number}.edxml")
    line.run()
    line.taken_away("H41")
    line.put_back("H41", home)
    line.take_over("H41")
    with line.parts() as (hub, agencies):
        hub.queue_limits.depth = 0
        line.turns(hub, agencies)
        assert agencies[1].standing is Standing.CURRENT
        with agencies[1].journal.reading() as reader:
            assert [entry.event for entry in reader.events("") if entry.event == "home.restored"]
            documents = sa.select(incoming.c.state).where(incoming.c.agency == "H41", incoming.c.kind == "document")
            assert reader.connection.execute(documents).scalars().all() == ["handed_over"] * 6
    assert line.kinds("H41") == []


def test_a_home_that_dies_while_it_is_told_is_told_after_its_next_start(
    line: Apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so does its hub: nobody remembers but the record. Meanwhile the broker gives once more what had come."""
    home, published = line.copy("H41"), list[Message]()
    for number in range(1, 6):
        line.drop("G22", document(number), f"{number}.edxml")
    with line.parts() as (hub, agencies):
        real = hub.broker.publish
        monkeypatch.setattr(hub.broker, "publish", lambda some: published.extend(some) or real(some))
        line.turns(hub, agencies)
    documents = [one for one in published if one.route.code == "H41" and one.proof]
    assert len(documents) == 5
    line.taken_away("H41")
    line.put_back("H41", home)
    line.take_over("H41")

    def dies(*_: object) -> None:
        raise Unavailable(Problem(Fault.STORE_DOWN))

    with line.parts() as (hub, agencies), monkeypatch.context() as patch, pytest.raises(Unavailable):
        patch.setattr("axis.services.hub.homes.search.given_by", dies)
        assert standing.ask(agencies[1], line.clock())
        for _ in range(5):
            admit.step(hub, line.clock())
    with line.parts() as (hub, agencies):
        hub.broker.publish(documents)
        line.turns(hub, agencies)
        assert agencies[1].standing is Standing.CURRENT
    assert line.kinds("H41") == [], "it had handed over all of them"


def test_what_comes_under_another_id_does_not_wait_for_what_is_in_doubt(line: Apart) -> None:
    """Record and home were both put back: the record has accepted it anew, and what the journal held never comes."""
    while_the_system_of_h41_is_away(line, document(1))
    line.put_back("H41", line.copy("H41"))
    assert line.take_over("H41") == 1
    with closing(sqlite3.connect(line.journal("H41"))) as journal:
        journal.execute("UPDATE incoming SET id = '01a20658-0000-7000-8000-000000000000' WHERE state = 'doubted'")
        journal.commit()
    line.run()
    assert line.kinds("H41") == ["new"]
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}


def test_what_was_sent_in_the_meantime_and_not_answered_comes_again(line: Apart) -> None:
    """Taken in by the adapter that is gone, never handed over; receipts and registry too."""
    copy = line.copy("H41")
    while_the_system_of_h41_is_away(line, document(1))
    line.drop("H41", document(5, sender="H41", to=("G22",)), "5.edxml")
    with line.parts() as (hub, agencies):
        line.turns(hub, agencies)
    held = {name for name in line.files("H41", "receipts") if ".A.1" in name or ".E.1" in name}
    assert len(held) == 2
    for name in line.files("H41", "receipts"):
        (line.folder("H41", "receipts") / name).unlink()
    line.taken_away("H41")
    line.put_back("H41", copy)
    line.take_over("H41")
    line.run()
    assert held <= set(line.files("H41", "receipts"))
    assert line.states("5/TN-H41") == {"G22": "HANDED_OVER"}


@pytest.mark.parametrize(
    ("hub_has_it", "late"), [(False, timedelta(days=2)), (True, timedelta(hours=5))], ids=["unsent", "queued"]
)
def test_receipts_that_were_signed_long_before_they_came_come_again(
    line: Apart, hub_has_it: bool, late: timedelta
) -> None:
    """They lay in the hub's queue when the copy was made, or in the sender's behind a document that was as late."""
    line.drop("H41", document(5, sender="H41", to=("G22",)), "5.edxml")
    with line.opened(("H41", line.journal("H41"))) as (hub, agencies):
        line.turns(hub, agencies)
    line.drop("G22", document(8), "8.edxml")
    with line.opened(("G22", line.journal("G22"))) as (hub, (recipient,)):
        while recipient.standing is not Standing.CURRENT:
            line.turns(hub, [recipient], 1)
        loops.agency_round(recipient, line.clock())
        if hub_has_it:
            line.turns(hub, [])
        routes = agency_routes("H41") if hub_has_it else hub_routes(["G22"])
        taken = hub.broker.receive(list(routes), limit=9, max_bytes=10**6, timeout=0)
        hub.broker.ack(taken)
    before = [one.message for one in taken if one.message.proof]
    assert len(before) == int(hub_has_it)
    line.clock.now += late
    with line.parts() as (hub, (recipient, sender)):
        hub.broker.publish(before)
        line.turns(hub, [sender], 6)
    copy = line.copy("H41")
    with line.parts() as (hub, (recipient, sender)):
        (hub if hub_has_it else recipient).broker.publish([one.message for one in taken if not one.message.proof])
        line.turns(hub, [sender])
    (held,) = [name for name in line.files("H41", "receipts") if ".E.1" in name]
    (line.folder("H41", "receipts") / held).unlink()
    line.taken_away("H41")
    line.put_back("H41", copy)
    line.take_over("H41")
    line.run()
    assert held in line.files("H41", "receipts")


def receipts_about(number: int) -> sa.Select[tuple[str]]:
    """The digests of what was said about a document of H41."""
    said = sa.select(statement.c.receipt_digest).join(submission, submission.c.axis_id == statement.c.axis_id)
    return said.where(submission.c.document_id.endswith(f",{number}/TN-H41"))


def test_a_home_that_was_put_back_is_not_given_again_what_it_had_long_before(
    line: Apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much that is: it would lie before what is new."""
    line.drop("H41", document(5, sender="H41", to=("G22",)), "5.edxml")
    line.run()
    line.clock.now += timedelta(hours=3)
    line.drop("H41", document(7, sender="H41", to=("G22",)), "7.edxml")
    line.run()
    copy = line.copy("H41")
    line.drop("H41", document(6, sender="H41", to=("G22",)), "6.edxml")
    line.run()
    line.put_back("H41", copy)
    line.take_over("H41")
    given: list[Message] = []
    with line.parts() as (hub, agencies):
        real = hub.broker.publish
        monkeypatch.setattr(hub.broker, "publish", lambda some: given.extend(some) or real(some))
        line.turns(hub, agencies)
    with bootstrap.reading(bootstrap.open_home(line.path)) as record, record.reading() as reader:
        about = {n: reader.connection.execute(receipts_about(n)).scalars().all() for n in (5, 6)}
    again = {one.digest for one in given if one.route.code == "H41"}
    assert [bool(again & set(about[number])) for number in (5, 6)] == [False, True]


@pytest.mark.parametrize(
    "name", ["5/TN", "ffffffff-ffff-7fff-bfff-ffffffffffff", "00000000-0000-4000-8000-000000000001"]
)
def test_an_id_that_says_nothing_of_its_time_keeps_no_home_from_being_taken_over(line: Apart, name: str) -> None:
    line.drop("G22", document(1), "1.edxml")
    line.run()
    copy = line.copy("H41")
    with closing(sqlite3.connect(copy)) as journal:
        (newest,) = journal.execute("SELECT max(id) FROM incoming WHERE kind = 'document'").fetchone()
        journal.execute("UPDATE incoming SET id = ? WHERE id = ?", (name, newest))
        assert journal.total_changes == 1
        journal.commit()
    line.put_back("H41", copy)
    line.take_over("H41")
    line.drop("G22", document(2), "2.edxml")
    line.run()
    assert line.states("2/TN-G22") == {"H41": "HANDED_OVER"}


def test_what_a_home_was_to_be_told_and_the_record_has_lost_it_is_told_again(line: Apart) -> None:
    """It was put back, was told, and worked; what it was sent of that waited to be published when the record was put
    back as well, and this one knows nothing of it."""
    copy, before = line.copy("G22"), line.files("G22", "receipts")
    line.drop("G22", document(1), "1.edxml")
    line.run()
    (held,) = [name for name in line.files("G22", "receipts") if ".E.1" in name and name not in before]
    backup = line.back_up_record()
    (line.folder("G22", "receipts") / held).unlink()
    line.put_back("G22", copy)
    line.take_over("G22")
    with line.parts() as (hub, agencies):
        hub.queue_limits.depth = 0
        line.drop("G22", document(2), "2.edxml")
        line.turns(hub, agencies)
        assert agencies[0].standing is Standing.CURRENT
    with line.parts() as (hub, agencies):
        hub.queue_limits.depth = 0
        line.turns(hub, agencies)
        assert agencies[0].standing is Standing.CURRENT
    assert held not in line.files("G22", "receipts")
    line.put_back_record(backup)
    line.run()
    assert held in line.files("G22", "receipts")
    assert line.entries("G22").count("home.replaced") == 0, "nobody has taken its place since"


def test_what_a_home_was_told_long_before_the_record_was_put_back_is_not_told_again(
    line: Apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = line.copy("G22")
    line.drop("G22", document(1), "1.edxml")
    line.run()
    line.put_back("G22", copy)
    line.take_over("G22")
    line.run()
    line.clock.now += timedelta(hours=1)
    line.drop("G22", document(2), "2.edxml")
    line.run()
    backup = line.back_up_record()
    line.drop("G22", document(3), "3.edxml")
    line.run()
    line.put_back_record(backup)
    told: list[str] = []
    monkeypatch.setattr(
        "axis.services.operate.reconcile.resend_receipts", lambda _, code, *__, **___: told.append(code)
    )
    line.run()
    assert told == []
    assert line.states("3/TN-G22") == {"H41": "HANDED_OVER"}


def test_a_copy_that_ran_while_the_original_was_off_makes_the_original_stand_back(line: Apart) -> None:
    copy = line.copy("H41")
    line.drop("G22", document(1), "1.edxml")
    with line.opened(("G22", line.journal("G22")), ("H41", copy)) as (hub, agencies):
        line.turns(hub, agencies)
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    line.drop("G22", document(2), "2.edxml")
    with line.parts() as (hub, agencies):
        line.turns(hub, agencies)
        assert agencies[1].standing is Standing.BEHIND
    assert line.states("2/TN-G22") == {"H41": "QUEUED"}


def test_two_copies_at_work_are_found_out_and_one_of_them_stops(line: Apart, caplog: pytest.LogCaptureFixture) -> None:
    copy = line.copy("H41")
    with line.opened(("G22", line.journal("G22")), ("H41", line.journal("H41")), ("H41", copy)) as (hub, agencies):
        sender, original, other = agencies
        line.turns(hub, [sender, original])
        line.turns(hub, [sender, other])
        assert other.standing is Standing.CURRENT, "as far as anybody can know"
        line.drop("G22", document(1), "1.edxml")
        line.turns(hub, [sender, original])
        assert original.standing is Standing.BEHIND
        assert "Two copies" in caplog.text or "Hai bản sao" in caplog.text
        line.drop("G22", document(2), "2.edxml")
        line.turns(hub, agencies)
    assert line.entries("H41").count("home.copied") == 1
    assert line.states("2/TN-G22") == {"H41": "HANDED_OVER"}


def test_an_embedded_home_that_was_put_back_whole_says_nothing_for_certain_of_what_it_has_lost(tmp_path: Path) -> None:
    """Record and journals are one file. Shown in between: one document that the older copy holds as waiting, and one
    that it does not know at all."""
    line = small_home(tmp_path / "home", codes=CODES)
    line.drop("G22", document(9), "first.edxml")
    line.run()
    inbox = line.folder("H41", "inbox")
    line.drop("G22", document(1), "1.edxml")
    with line.parts() as (hub, agencies):
        for one in agencies:
            one.open()
        inbox.rename(inbox.with_name("away"))
        for _ in range(8):
            loops.hub_round(hub, line.clock())
            for one in agencies:
                loops.agency_round(one, line.clock())
    inbox.with_name("away").rename(inbox)
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(line.path / "axis.db")) as now, closing(sqlite3.connect(copy)) as then:
        now.backup(then)
    line.clock.now += timedelta(hours=1)
    line.drop("G22", document(2), "2.edxml")
    line.run()
    assert line.kinds("H41") == ["new", "new", "new"]
    shutil.copy(copy, line.path / "axis.db")
    line.clock.now += timedelta(hours=1)
    home = bootstrap.open_home(line.path)
    with bootstrap.any_hub(home, restored=True) as hub:
        assert bootstrap.accept_restored(home, hub, line.clock()) is not None
    line.drop("G22", recall(1), "r1.edxml")
    line.drop("G22", recall(2), "r2.edxml")
    line.run()
    assert [code for code in line.events("G22") if code[0] == "W"] == ["W.2 H41"], "nobody knows of the other here"
    line.drop("G22", document(2), "again.edxml")
    line.run()
    codes = line.events("G22")
    assert (codes.count("W.1 H41"), codes.count("W.2 H41")) == (0, 2)


def test_the_operator_is_told_by_the_check_and_says_which_home_works_from_now_on(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home", codes=CODES)
    line.configure(broker=config.Broker("amqp"))
    database = Database(f"sqlite:///{line.path / 'axis.db'}")
    with bootstrap.Journal(database, "H41").transaction() as tx:
        tx.begin_home("a" * 32)
        tx.fall_behind("b" * 32, 1000, Entry(line.clock(), "H41", "home.behind"))
    database.close()
    runner = CliRunner()

    def run(*command: str) -> Result:
        return runner.invoke(cli.main, [*command, "H41", "--lang", "en", "--home", str(line.path)])

    told = run("adapter", "check")
    assert told.exit_code == 5
    assert "1000" in told.output
    assert "axis adapter restored H41" in told.output
    done = run("adapter", "restored")
    assert done.exit_code == 0, done.output
    assert run("adapter", "check").exit_code == 0
    with bootstrap.reading_journal(bootstrap.open_home(line.path), "H41") as opened, opened.reading() as reader:
        row = reader.home()
        assert row is not None
        assert (row["follows"], row["known"]) == ("b" * 32, "")
        assert row["instance"] != "a" * 32
    assert runner.invoke(cli.main, ["adapter", "restored", "H99", "--home", str(line.path)]).exit_code == 5


def test_a_home_without_its_journal_does_not_begin_anew_by_itself(line: Apart) -> None:
    """As after a machine that was set up again from the agency's exported home."""
    line.drop("G22", document(1), "1.edxml")
    line.run()
    empty = line.path.parent / "fresh.db"
    with closing(sqlite3.connect(line.journal("H41"))) as now, closing(sqlite3.connect(empty)) as then:
        now.backup(then)
        for table in ("incoming", "outgoing", "event", "posted", "home_instance"):
            then.execute(f"DELETE FROM {table}")
        then.commit()
    line.put_back("H41", empty)
    with line.parts() as (hub, agencies):
        line.turns(hub, agencies)
        assert agencies[1].standing is Standing.BEHIND
    line.take_over("H41")
    line.run()
    line.drop("G22", document(2), "2.edxml")
    line.run()
    assert line.states("2/TN-G22") == {"H41": "HANDED_OVER"}
