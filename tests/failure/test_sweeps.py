"""A sweep is one for all agencies of a process: what it costs does not grow with who has nothing to do, one agency's
fault is not in the others' transaction, and nobody waits for another's flood."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from axis.adapters import disk
from axis.adapters.base import Place
from axis.adapters.disk import Disk
from axis.adapters.folder import FOLDERS, FolderAdapter
from axis.core.instant import to_text
from axis.errors import Fault, Problem, Unavailable
from axis.infra import embedded
from axis.infra.journal.transaction import JournalTransaction
from axis.services import run as loops
from axis.services import sweep
from axis.services.agency import hand_over, submit, take
from axis.services.sweep import Sweep, note_later
from tests.line import CODES, Line, document, rest, small_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from axis.services.agency.adapter import Agency


@pytest.fixture(autouse=True)
def _as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "SECONDS", 1000.0)


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home")


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that any database is asked within."""
    seen: list[str] = []

    def listen(*arguments: Any) -> None:
        seen.append(arguments[2])

    sa.event.listen(sa.Engine, "before_cursor_execute", listen)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", listen)


def by_code(agencies: list[Agency]) -> dict[str, Agency]:
    return {one.code: one for one in agencies}


def settle(line: Line, agencies: list[Agency], hub: Any) -> None:
    """The line is at rest, and each outbox's folder is older than a clock's tick."""
    for code in CODES:
        os.utime(line.folder(code, "outbox"), (1, 1))
    rest(hub, agencies, line.clock)


# -- What it costs -------------------------------------------------------------------------------------------------


def test_who_has_nothing_to_do_costs_no_statement_and_is_not_even_asked(line: Line) -> None:
    with line.parts() as (hub, agencies):
        settle(line, agencies, hub)
        Sweep(agencies, line.clock(), thorough=False)
        with counted() as seen:
            swept = [Sweep(agencies, line.clock(), thorough=False) for _ in range(20)]
    assert seen == []
    assert {code for one in swept for code in one.attended} == set()


def test_a_file_that_is_dropped_wakes_its_agency_and_nobody_else(line: Line) -> None:
    with line.parts() as (hub, agencies):
        settle(line, agencies, hub)
        Sweep(agencies, line.clock(), thorough=False)
        line.drop("G22", document(1))
        swept = Sweep(agencies, line.clock(), thorough=False)
        assert swept.attended == {"G22"}
        assert swept.done["G22"] == 2, "frozen and published in the same sweep"
        loops.hub_round(hub, line.clock())
        swept = Sweep(agencies, line.clock(), thorough=False)
        assert {"G22", "H41"} == swept.attended, "mail wakes as well"
    assert len(line.files("H41", "inbox", "*.edxml")) == 1


def test_a_batch_of_many_agencies_costs_as_many_statements_and_commits_as_that_of_one(line: Line) -> None:
    def cost(senders: list[str], first: int) -> tuple[int, int]:
        for place, sender in enumerate(senders):
            to = "H41" if sender != "H41" else "G22"
            packet = document(first + place, sender=sender, to=(to,), content=b"%d" % (first + place))
            line.drop(sender, packet, f"{first + place}.edxml")
        with counted() as seen:
            swept = Sweep(agencies, line.clock())
        assert sum(swept.done.values()) == 2 * len(senders)
        return len(seen), sum(one.startswith("BEGIN IMMEDIATE") for one in seen)

    with line.parts() as (hub, agencies):
        settle(line, agencies, hub)
        one = cost(["G22"], 10)
        many = cost([sender for sender in ("G22", "G06", "H29", "G18") for _ in range(5)], 100)
        rest(hub, agencies, line.clock)
    assert many[1] == one[1] == 2, "kept, with what was confirmed before; published"
    assert many[0] <= one[0] + 3, "one more question for each agency that looks at its sources"


def test_the_mail_of_many_agencies_is_taken_kept_and_shown_together(line: Line) -> None:
    for number in range(1, 11):
        line.drop("G22", document(number, to=("H41", "G06", "H29", "G18"), content=b"%d" % number), f"{number}.edxml")
    line.without("H41", "G06", "H29", "G18")
    with line.parts() as (_, agencies):
        for one in agencies:
            one.is_unsure = False  # as after its first sweep
        with counted() as seen:
            Sweep(agencies, line.clock())
        assert sum(one.startswith("BEGIN IMMEDIATE") for one in seen) == 4, "kept, acknowledged, shown, published"
        assert sum(one.startswith("INSERT INTO incoming") for one in seen) == 1
        assert sum(one.startswith("UPDATE incoming") for one in seen) == 1
    assert all(len(line.files(code, "inbox", "*.edxml")) == 10 for code in ("H41", "G06", "H29", "G18"))


def test_what_the_broker_confirmed_is_noted_with_what_comes_next_and_alone_where_nothing_does(line: Line) -> None:
    line.drop("G22", document(1))
    with line.parts() as (hub, agencies):
        settle(line, agencies, hub)
        sender = by_code(agencies)["G22"]
        line.drop("G22", document(2), "b.edxml")
        Sweep([sender], line.clock())
        assert (_attempts(sender), len(sender.later)) == ([1, 0], 1)
        Sweep([sender], line.clock(), thorough=False)
        assert (_attempts(sender), sender.later) == ([1, 1], [])
        line.drop("G22", document(3), "c.edxml")
        Sweep([sender], line.clock())
        line.drop("G22", document(4), "d.edxml")
        with counted() as seen:
            Sweep([sender], line.clock())
        assert (_attempts(sender), len(sender.later)) == ([1, 1, 1, 0], 1)
        assert sum(one.startswith("BEGIN IMMEDIATE") for one in seen) == 2, "kept, published"
        assert len(line.files("G22", "sent")) == 1
        loops.rounds(None, [sender], stopped=lambda: True, clock=line.clock)
        assert (_attempts(sender), sender.later) == ([1, 1, 1, 1], []), "a process that stops leaves nothing behind"


def test_what_was_confirmed_and_is_asked_for_again_meanwhile_goes_out_again(line: Line) -> None:
    line.drop("G22", document(1))
    with line.parts() as (hub, agencies):
        loops.hub_round(hub, line.clock())
        parts = by_code(agencies)
        Sweep([parts["G22"]], line.clock())
        loops.hub_round(hub, line.clock())
        recipient = parts["H41"]
        for _ in range(2):
            Sweep([recipient], line.clock())
            if recipient.later:
                break
        with recipient.journal.transaction() as tx:
            (given,) = tx.connection.execute(sa.text("SELECT body_digest FROM posted")).scalars()
            tx._post(given, to_text(line.clock()))
        note_later([recipient])
        with recipient.journal.reading() as reader:
            assert list(reader.connection.execute(sa.text("SELECT body_digest FROM posted")).scalars()) == [given]
        before = recipient.sent._count[False]
        Sweep([recipient], line.clock())
        assert recipient.sent._count[False] == before + 1
        rest(hub, agencies, line.clock)
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}


def test_what_an_earlier_run_has_published_goes_out_once_more_unless_its_answer_is_there(line: Line) -> None:
    def published_at_a_start(*, answered: bool) -> list[str]:
        with line.parts() as (hub, agencies):
            Sweep(agencies, line.clock())
            assert by_code(agencies)["G22"].later, "what is forgotten at a death"
        with line.parts() as (hub, agencies):
            if answered:
                loops.hub_round(hub, line.clock())
            sender = by_code(agencies)["G22"]
            said: list[str] = []
            publish = sender.broker.line.publish

            def seen(parts: Any) -> Any:
                said.extend(one.id for broker, messages in parts if broker is sender.broker for one in messages)
                return publish(parts)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(embedded.EmbeddedLine, "publish", lambda _, parts: seen(parts))
                Sweep(agencies, line.clock())
            rest(hub, agencies, line.clock)
        return said

    for number, answered in enumerate((False, True)):
        line.drop("G22", document(number, content=b"%d" % number), f"{number}.edxml")
        line.drop("G22", document(number + 10, to=("H63",)), f"{number}refused.edxml")
        assert len(published_at_a_start(answered=answered)) == (0 if answered else 2)
    assert len(line.files("G22", "sent")) == len(line.attachments("H41")) == 2


def _attempts(agency: Agency) -> list[int]:
    with agency.journal.reading() as reader:
        query = "SELECT attempts FROM outgoing WHERE agency = :code ORDER BY created_at"
        return list(reader.connection.execute(sa.text(query), {"code": agency.code}).scalars())


def test_all_outboxes_are_looked_at_however_slow_the_machine_is(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "SECONDS", -1.0)
    for place, sender in enumerate(CODES, 1):
        to = "H41" if sender != "H41" else "G22"
        line.drop(sender, document(place, sender=sender, to=(to,)))
        line.run()
        assert line.files(sender, "sent") == ["a.edxml"]


# -- One agency's fault ----------------------------------------------------------------------------------------------


def test_a_fault_in_what_one_agency_keeps_is_not_in_the_others_transaction(
    line: Line, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    line.drop("G22", document(1, to=("H41", "G18", "G06")))
    enter = JournalTransaction.enter

    def broken(self: JournalTransaction, entry: Any) -> str:
        if self.agency == "G18" and entry.event == "mail.received":
            raise RuntimeError("a bug")
        return enter(self, entry)

    with line.parts() as (hub, agencies):
        with monkeypatch.context() as patch:
            patch.setattr(JournalTransaction, "enter", broken)
            for _ in range(4):
                loops.hub_round(hub, line.clock())
                Sweep(agencies, line.clock())
            assert hub.broker.dead_depth() == 1, "the message that breaks the adapter is put aside"
        rest(hub, agencies, line.clock)
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER", "G06": "HANDED_OVER", "G18": "QUEUED"}
    assert "each is tried alone" in caplog.text


@pytest.mark.parametrize("step", ["finish", "mark"])
def test_a_fault_in_what_one_agency_is_shown_stops_nobody_else(
    line: Line, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    line.drop("G22", document(1, to=("H41", "G18")))
    line.without("H41", "G18")
    good = getattr(hand_over.Showing, step)

    def broken(self: hand_over.Showing, *arguments: Any) -> None:
        if self.agency.code == "G18":
            raise RuntimeError("a bug")
        good(self, *arguments)

    with line.parts() as (hub, agencies):
        if step == "mark":  # of what was kept before it could be prepared
            for one in agencies:
                one.open()
                take.take(one, line.clock())
        with monkeypatch.context() as patch:
            patch.setattr(hand_over.Showing, step, broken)
            for _ in range(3):
                swept = Sweep(agencies, line.clock())
                assert set(swept.failed) == {"G18"}
                loops.hub_round(hub, line.clock())
        assert line.states("1/TN-G22") == {"H41": "HANDED_OVER", "G18": "QUEUED"}
        by_code(agencies)["G18"].let_go()
        rest(hub, agencies, line.clock)
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER", "G18": "HANDED_OVER"}
    line.check_ledger()


def test_what_could_not_be_published_is_published_as_soon_as_the_broker_is_there_again(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the journal has noted it as published."""
    line.drop("G22", document(1))

    def away(*_: Any) -> Any:
        raise Unavailable(Problem(Fault.BROKER_DOWN, got="planted"))

    with line.parts() as (hub, agencies):
        with monkeypatch.context() as patch:
            patch.setattr(embedded.EmbeddedLine, "publish", away)
            assert set(Sweep(agencies, line.clock()).failed) == {"G22"}
        assert Sweep(agencies, line.clock()).done["G22"] == 1
        loops.hub_round(hub, line.clock())
        assert line.states("1/TN-G22") == {"H41": "QUEUED"}


# -- Nobody waits for another's flood ---------------------------------------------------------------------------------


def test_a_sweep_ends_with_its_batch_and_another_agency_is_the_first_in_the_next(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MESSAGES", 5)
    monkeypatch.setattr(submit, "BATCH_MESSAGES", 5)
    for sender in ("G22", "G06", "H29", "G18"):
        for number in range(10):
            packet = document(number, sender=sender, to=("H41",), content=f"{sender}{number}".encode())
            line.drop(sender, packet, f"{number}.edxml")
    with line.parts() as (hub, agencies):
        first = [
            max(Sweep(agencies, line.clock()).done.items(), key=lambda item: item[1])[0] for _ in range(len(CODES) * 2)
        ]
        rest(hub, agencies, line.clock)
    assert len(set(first[:5])) > 2
    assert len(line.files("H41", "inbox", "*.edxml")) == 40


def test_what_lies_behind_many_files_that_wait_is_found_before_the_work_rests(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a start nobody knows of the files that they wait, so they are looked at first, and nothing is to be done."""
    monkeypatch.setattr(submit, "BATCH_MESSAGES", 3)
    with line.parts() as (_, agencies):
        g22 = next(one for one in agencies if one.code == "G22")
        for number in range(12):
            line.drop("G22", document(number, to=("H41",)), f"a{number:02}.edxml")
        for _ in range(8):
            loops.agency_round(g22, line.clock())
    line.drop("G22", document(50, to=("H41",)), "z.edxml")
    with line.parts() as (_, agencies):
        g22 = next(one for one in agencies if one.code == "G22")
        loops.rounds(None, [g22], stopped=lambda: False, until_idle=True, clock=line.clock)
        assert g22.outbox.sources is None
        with g22.journal.reading() as reader:
            assert reader.connection.exec_driver_sql("SELECT count(*) FROM outgoing").scalar() == 13


def test_urgent_mail_of_one_comes_before_ordinary_mail_of_another(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "MESSAGES", 6)
    for number in range(1, 11):
        line.drop("G22", document(number, to=("H41",), content=b"%d" % number), f"{number}.edxml")
    line.drop("G22", document(50, to=("G18",), priority=1, content=b"urgent"), "50.edxml")
    line.without("H41", "G18")
    with line.parts() as (_, agencies):
        those = sorted((one for one in agencies if one.code in {"H41", "G18"}), key=lambda one: one.code == "G18")
        Sweep(those, line.clock())
    assert len(line.files("G18", "inbox", "*.edxml")) == 1
    assert 0 < len(line.files("H41", "inbox", "*.edxml")) < 10


def test_who_is_to_stop_looks_for_nothing_more(line: Line) -> None:
    for sender in ("G22", "G06", "H29", "G18"):
        line.drop(sender, document(1, sender=sender, to=("H41",)))
    with line.parts() as (hub, agencies):
        asked = iter([False, True, True, True, True])
        swept = Sweep(agencies, line.clock(), stopped=lambda: next(asked))
        assert len(+swept.done) == 1
        rest(hub, agencies, line.clock)


# -- The disk ---------------------------------------------------------------------------------------------------------


def adapter(root: Path, shared: Disk, code: str) -> FolderAdapter:
    for name in FOLDERS:
        (root / code / name).mkdir(parents=True)
    return FolderAdapter(Place(code, root / code, {"settle_seconds": 0.0}, shared))


def prepared(one: FolderAdapter, count: int = 3) -> None:
    from axis.adapters.base import LocalFile

    one.prepare([LocalFile("inbox", f"{number}.edxml", b"x") for number in range(count)])


def flushes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    done: list[str] = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (done.append("fsync"), fsync(descriptor))[1])
    monkeypatch.setattr(disk, "_syncfs", lambda _: done.append("syncfs"))
    return done


def test_the_files_of_all_agencies_are_flushed_by_one_call_where_that_can_be_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "is_local", lambda _: True)
    monkeypatch.setattr(disk, "_kernel", lambda: (5, 8))
    done, shared = flushes(monkeypatch), Disk()
    for code in ("G22", "H41", "G06"):
        prepared(adapter(tmp_path, shared, code))
    assert done == []
    assert shared.flush() == {}
    assert done == ["syncfs"]
    assert shared.flush() == {}
    assert done == ["syncfs"], "nothing was written since"
    shared.close()


@pytest.mark.parametrize(
    ("kernel", "local"), [((5, 7), True), ((6, 1), False)], ids=["an older kernel", "a network drive"]
)
def test_where_that_cannot_be_trusted_each_file_and_each_folder_is_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: tuple[int, int], local: bool
) -> None:
    monkeypatch.setattr(disk, "is_local", lambda _: local)
    monkeypatch.setattr(disk, "_kernel", lambda: kernel)
    done, shared = flushes(monkeypatch), Disk()
    for code in ("G22", "H41"):
        prepared(adapter(tmp_path, shared, code))
    assert done == ["fsync"] * 6
    assert shared.flush() == {}
    assert done == ["fsync"] * 8, "the folders once each"


def test_a_flush_that_fails_is_told_to_whoever_has_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "is_local", lambda _: True)
    shared = Disk()
    one, another = adapter(tmp_path, shared, "G22"), adapter(tmp_path, shared, "H41")
    prepared(one)

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(disk, "_syncfs", fail)
        assert set(shared.flush()) == {"G22"}
        prepared(another)
        assert set(shared.flush()) == {"H41"}
    shared.close()


def test_an_adapter_without_a_disk_flushes_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = flushes(monkeypatch)
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    prepared(FolderAdapter(Place("G22", tmp_path, {})))
    assert done == ["fsync"] * 4
