"""A home asks the hub whether it is the one that works: late, lost, twice, unreadable or at another worker, the question unseats
nobody, and nothing is shown before its answer."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from axis import bootstrap
from axis.core import homes, parcel
from axis.core.homes import ANYBODY, Hello, Standing
from axis.core.message import Message, Route
from axis.infra.embedded import EmbeddedBroker
from axis.infra.record import homes as kept_homes
from axis.infra.record import outbox
from axis.services import run as loops
from axis.services.agency import standing
from axis.services.hub import admit
from axis.services.hub.worker import Hub
from axis.services.operate import reconcile
from tests.e2e.apart import CODES, Apart, at_work
from tests.line import document

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from axis.core.hub.opened import Opened
    from axis.core.message import Delivered
    from axis.services.agency.adapter import Agency


@pytest.fixture
def line(tmp_path: Path) -> Apart:
    return at_work(tmp_path)


def test_a_question_that_comes_late_or_twice_unseats_nobody(line: Apart) -> None:
    """A hub worker that stood still, or died, had taken it; meanwhile the adapter was started again."""
    with line.opened(("H41", line.journal("H41"))) as (hub, agencies):
        standing.ask(agencies[0], line.clock())
        (taken,) = hub.broker.receive([Route("in", "H41", urgent=True)], limit=9, max_bytes=10**6, timeout=0)
        hub.broker.ack([taken])
    with line.parts() as (hub, agencies):
        line.turns(hub, agencies)
        agencies[1].broker.publish([taken.message])
        line.drop("H41", document(1, sender="H41", to=("G22",)), "1.edxml")
        line.turns(hub, agencies)
        agencies[1].broker.publish([taken.message])
        line.drop("G22", document(2), "2.edxml")
        line.turns(hub, agencies)
        assert [one.standing for one in agencies] == [Standing.CURRENT, Standing.CURRENT]
    assert (line.kinds("G22"), line.kinds("H41")) == (["new"], ["new"])
    assert "home.copied" not in line.entries("H41")


def test_a_question_that_comes_after_a_later_one_does_not_take_its_place(line: Apart) -> None:
    """The broker gives again, after the question of the next run, what a worker that died had taken of the one before."""
    with line.opened(("H41", line.journal("H41"))) as (hub, agencies):
        standing.ask(agencies[0], line.clock())
        (taken,) = hub.broker.receive([Route("in", "H41", urgent=True)], limit=9, max_bytes=10**6, timeout=0)
        hub.broker.ack([taken])
    with line.parts() as (hub, agencies):
        standing.ask(agencies[1], line.clock())
        agencies[1].broker.publish([taken.message])
        for _ in range(4):
            admit.step(hub, line.clock())
        loops.agency_round(agencies[1], line.clock())
        assert agencies[1].standing is Standing.CURRENT


def test_a_question_that_was_lost_is_asked_again_soon_and_one_that_nobody_answers_seldom(line: Apart) -> None:
    with line.parts() as (hub, agencies):
        asked = []
        for second in range(3600):
            line.clock.now += timedelta(seconds=1)
            if standing.ask(agencies[1], line.clock()):
                asked.append(second)
        assert len(asked) < 12
        assert asked[1] - asked[0] <= 30
        assert asked[-1] - asked[-2] >= 600
        assert loops.hub_round(hub, line.clock())
        line.turns(hub, agencies, 2)
        assert agencies[1].standing is Standing.CURRENT


def test_a_home_that_takes_anothers_place_does_not_ask_a_second_worker_while_the_first_tells_it(line: Apart) -> None:
    """The second would tell it all again."""
    line.put_back("H41", line.copy("H41"))
    line.take_over("H41")
    with line.parts() as (_, agencies):
        assert standing.ask(agencies[1], line.clock())
        line.clock.now += timedelta(minutes=9)
        assert not standing.ask(agencies[1], line.clock())


def test_what_is_said_about_an_earlier_run_does_not_stop_a_later_one(line: Apart) -> None:
    with line.opened(("H41", line.journal("H41"))) as (hub, agencies):
        line.turns(hub, agencies)
        with hub.store.transaction() as tx:
            (home,) = kept_homes.of_agencies(tx, ["H41"])["H41"]
        instance = agencies[0].instance
    said = homes.Answer("H41", hub.installation, Standing.COPIED, "b" * 32, instance, home.start, home.sequence)
    with line.parts() as (hub, agencies):
        line.turns(hub, agencies)
        body = parcel.build(parcel.HOME, homes.write_answer(said), (), hub.signer, line.clock())
        hub.broker.publish([Message("late", Route("out", "H41", urgent=True), body)])
        line.turns(hub, agencies)
        assert [one.standing for one in agencies] == [Standing.CURRENT, Standing.CURRENT]


def test_an_adapter_that_names_no_home_works_as_before(line: Apart) -> None:
    """Of a version that does not ask."""
    line.drop("G22", document(1), "1.edxml")
    with line.parts() as (hub, agencies):
        for one in agencies:
            one.instance, one.standing = "", Standing.CURRENT
        line.turns(hub, agencies)
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}


def test_after_a_restore_of_the_record_the_homes_are_asked_again(line: Apart) -> None:
    """What the hub has heard of them is old: it calls nobody behind or a copy by that."""
    with line.parts() as (hub, agencies):
        line.turns(hub, agencies, 2)
        written = hub.high_water.read()
        assert written is not None
        hub.high_water.write(type(written)(written.position + 5, "f" * 64, written.registry))
        assert reconcile.accept_restored(hub, line.clock()) is not None
        with hub.store.transaction() as tx:
            assert kept_homes.of_agencies(tx, list(CODES)) == {}
        line.drop("G22", document(1), "1.edxml")
        line.turns(hub, agencies)
        assert {one.standing for one in agencies} == {Standing.CURRENT}
        with hub.store.transaction() as tx:
            assert set(kept_homes.of_agencies(tx, list(CODES))) == set(CODES)
    assert line.entries("H41").count("home.copied") == 0
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}


def test_a_question_from_a_queue_that_was_deleted_since_stops_nobody(line: Apart) -> None:
    with line.parts() as (hub, agencies):
        hello = Hello(uuid.uuid4().hex, uuid.uuid4().hex, 0, ANYBODY)
        agencies[1].broker.publish([Message("q", Route("in", "H41", urgent=True), homes.write_hello(hello))])
        admit.step(hub, line.clock())
        assert "H41" in hub.questions, "it waits for what may be under way"
        with hub.store.database.begin() as connection:
            connection.execute(sa.text("DELETE FROM queue_message WHERE queue LIKE 'axis.from.H41%'"))
            connection.execute(sa.text("DELETE FROM queue WHERE name LIKE 'axis.from.H41%'"))
        for _ in range(4):
            admit.step(hub, line.clock())
        assert hub.questions == {}


def test_a_home_that_asks_again_and_again_multiplies_nothing(line: Apart) -> None:
    """Each time as another home, by its own word: what it is sent for it, and what is remembered, stays as much."""
    with line.parts() as (hub, agencies):
        sender = agencies[0]
        line.turns(hub, agencies, 2)

        def receipts_to_send_after(questions: range) -> int:
            for _ in questions:
                hello = Hello(uuid.uuid4().hex, uuid.uuid4().hex, 0, ANYBODY)
                sender.broker.publish([Message("q", Route("in", "G22"), homes.write_hello(hello))])
                for _ in range(4):  # the hub waits for what may be under way
                    admit.step(hub, line.clock())
            with hub.store.reading() as reader:
                return outbox.waiting(reader)[0] - questions.stop  # beside the registry, once for each

        once = receipts_to_send_after(range(1))
        assert once >= 2
        assert receipts_to_send_after(range(1, 6)) == once
        with hub.store.transaction() as tx:
            assert len(kept_homes.of_agencies(tx, ["G22"])["G22"]) == 2


@pytest.mark.parametrize("body", [b"axis-home/1 ", b"axis-home/1 {}", b"axis-home/1 " + b"[" * 3000])
def test_a_question_that_nobody_can_read_goes_to_the_dead_letters(line: Apart, body: bytes) -> None:
    with line.parts() as (hub, agencies):
        agencies[1].broker.publish([Message("q", Route("in", "H41"), body)])
        line.turns(hub, agencies, 2)
        assert hub.broker.dead_depth() == 1


def test_a_home_that_takes_anothers_place_waits_for_what_another_worker_has_in_hand(
    line: Apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other's receipts are in no queue then, and in no record yet: only who holds them knows of them."""
    home = line.copy("H41")
    line.drop("G22", document(1))
    with line.parts() as (hub, agencies):
        while not line.files("H41", "inbox"):
            for part in (hub, *agencies):
                _turn(line, part)
    line.taken_away("H41")
    line.put_back("H41", home)
    line.take_over("H41")
    monkeypatch.setattr(EmbeddedBroker, "waiting", lambda self, queue: (self._depth(queue), 2))
    with line.parts() as (hub, agencies):
        second = bootstrap.hub_part(
            bootstrap.open_home(line.path), hub.store.database, EmbeddedBroker(hub.store.database, None)
        )
        real, held = admit._open, list[Message]()

        def slowly(worker: Hub, delivered: Delivered, now: datetime) -> Opened:
            if worker is second and not held:
                held.append(delivered.message)
                line.turns(hub, agencies)
                assert agencies[1].standing is Standing.UNKNOWN, "nobody may answer it yet"
            return real(worker, delivered, now)

        monkeypatch.setattr(admit, "_open", slowly)
        _turn(line, second)
        assert held
        for _ in range(6):
            line.turns(hub, agencies, 1)
            _turn(line, second)
        assert agencies[1].standing is Standing.CURRENT
    assert line.kinds("H41") == []


def _turn(line: Apart, part: Hub | Agency) -> None:
    line.clock.now += timedelta(seconds=20)
    loops.hub_round(part, line.clock()) if isinstance(part, Hub) else loops.agency_round(part, line.clock())


def test_two_workers_that_are_asked_about_one_home_do_not_wait_for_each_other(
    line: Apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each holds the question, and is one of those that the other asks."""
    line.put_back("H41", line.copy("H41"))
    line.take_over("H41")
    monkeypatch.setattr(EmbeddedBroker, "waiting", lambda self, queue: (self._depth(queue), 2))
    with line.parts() as (hub, agencies):
        database = hub.store.database
        second = bootstrap.hub_part(bootstrap.open_home(line.path), database, EmbeddedBroker(database, None))
        assert standing.ask(agencies[1], line.clock())
        (taken,) = hub.broker.receive([Route("in", "H41", urgent=True)], limit=9, max_bytes=10**6, timeout=0)
        hub.broker.ack([taken])
        for worker in (hub, second):
            agencies[1].broker.publish([taken.message])
            _turn(line, worker)
            assert "H41" in worker.questions
        for _ in range(12):
            for part in (hub, second, agencies[1]):
                _turn(line, part)
        assert agencies[1].standing is Standing.CURRENT
        assert hub.questions == second.questions == {}


def test_who_has_said_once_that_it_holds_nothing_is_asked_again_the_next_time(line: Apart) -> None:
    """Else a home that is put back again would wait for ever."""
    with line.parts() as (hub, _), hub.store.transaction() as tx:
        first = kept_homes.ask_others(tx, "H41", line.clock())
        kept_homes.say(tx, "w", [("H41", first)])
        assert kept_homes.settled(tx, "H41", first) == {"w"}
        kept_homes.forget_question(tx, "H41")
        again = kept_homes.ask_others(tx, "H41", line.clock() + timedelta(milliseconds=1))
        assert again != first
        assert kept_homes.settled(tx, "H41", again) == frozenset()
