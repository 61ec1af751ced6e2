"""Witnesses are asked and told in portions: everybody's turn comes, whoever answers, and however seldom there is time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from axis.core.message import Message, Outcome
from axis.errors import Fault, Problem, Unavailable
from axis.infra.log import store
from axis.services import run
from axis.services.hub import witness
from tests.line import Line, document, small_home
from tests.log.test_witnesses import begin, cosigned, enter, kept, minute

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home")


def second(hub: Hub, agencies: Sequence[Agency], line: Line) -> None:
    line.clock.now += timedelta(seconds=1)
    run.hub_round(hub, line.clock())
    witness.step(hub, line.clock())
    for one in agencies:
        run.agency_round(one, line.clock())


def test_one_round_of_asking_is_finished_before_the_next_begins(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise those at the end of the list are never asked, and no checkpoint has a quorum."""
    monkeypatch.setattr(witness, "WITNESSES", 1)
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        minute(hub, agencies, line, 5)
        before = cosigned(hub)
        assert before is not None
        told = {one.code: kept(one).told for one in agencies}
        for _ in range(40):  # there is time for two portions in each minute
            enter(hub, line, 3)
            line.clock.now += timedelta(seconds=59)
            second(hub, agencies, line)
            second(hub, agencies, line)
        after = cosigned(hub)
        assert after is not None
        assert after.size > before.size
        assert all(kept(one).told > told[one.code] for one in agencies)


def test_one_whose_mail_the_broker_refuses_takes_nobodys_turn(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in (("ENTRIES", 3), ("WITNESSES", 1)):
        monkeypatch.setattr(witness, name, most)
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        minute(hub, agencies, line, 5)
        for number in range(2, 6):
            line.drop("G22", document(number, to=("H41",)), f"{number}.edxml")
        publish, first = hub.broker.publish, {one.code: kept(one).told for one in agencies}

        def refuses(messages: Sequence[Message]) -> list[Outcome]:
            told = [one.route.code == "G22" and b"entries" in one.body for one in messages]
            taken = iter(publish([one for one, is_told in zip(messages, told, strict=True) if not is_told]))
            return [Outcome.FULL if is_told else next(taken) for is_told in told]

        monkeypatch.setattr(hub.broker, "publish", refuses)
        minute(hub, agencies, line, 20)
        others = [one for one in agencies if one.code != "G22"]
        assert all(kept(one).told > first[one.code] + 10 for one in others)
        assert next(kept(one).told for one in agencies if one.code == "G22") == first["G22"]
        with hub.store.reading() as reader:
            assert store.witnesses(reader.connection)["G22"].told <= first["G22"] + 1
        monkeypatch.setattr(hub.broker, "publish", publish)
        minute(hub, agencies, line, 20)
        assert all(kept(one).told > first[one.code] + 10 for one in agencies), "it is told when it takes mail again"


@pytest.mark.parametrize("trouble", ["another worker has the duty", "the record is away", "the broker is away"])
@pytest.mark.parametrize("portion", [0, 2])
def test_what_ends_a_round_of_asking_in_its_middle_ends_no_later_one(
    line: Line, monkeypatch: pytest.MonkeyPatch, trouble: str, portion: int
) -> None:
    """Nothing new is entered meanwhile: what is left of the round is not lost, and there is another one."""
    monkeypatch.setattr(witness, "WITNESSES", 1)
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        minute(hub, agencies, line, 10)
        enter(hub, line, 3)
        line.clock.now += timedelta(seconds=61)
        for _ in range(portion):
            witness.step(hub, line.clock())
            line.clock.now += witness.BEHIND
        away = Unavailable(Problem(Fault.STORE_DOWN))
        with monkeypatch.context() as patch:
            if trouble == "another worker has the duty":
                with hub.store.transaction() as tx:
                    tx.connection.exec_driver_sql(
                        "UPDATE lease SET holder = 'another', until = '9' WHERE duty = 'witness'"
                    )
                witness.step(hub, line.clock())
                with hub.store.transaction() as tx:
                    tx.connection.exec_driver_sql("UPDATE lease SET until = '' WHERE duty = 'witness'")
            else:
                place = (store, "keep_witnesses") if trouble == "the record is away" else (hub.broker, "publish")
                patch.setattr(*place, _raises(away))
                with pytest.raises(Unavailable):
                    witness.step(hub, line.clock())
        minute(hub, agencies, line, 10)
        found = cosigned(hub)
        assert found is not None
        with hub.store.reading() as reader:
            head = store.head(reader.connection)
            there = store.witnesses(reader.connection)
        assert head is not None
        assert {one.cosigned for one in there.values()} == {head.frontier.size} == {found.size}


def _raises(error: Exception) -> Callable[..., None]:
    def fails(*_: object) -> None:
        raise error

    return fails
