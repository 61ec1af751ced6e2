"""A clock that is wrong by hours: at a hub worker, beside others whose clock is right, and at an adapter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from axis import bootstrap
from axis.core.homes import Standing
from axis.errors import Fault, Unavailable
from axis.infra.journal.tables import event
from axis.infra.record import outbox
from axis.services import run as loops
from axis.services.agency import submit, take
from tests.line import document, small_home
from tests.served import ServedLine

if TYPE_CHECKING:
    from pathlib import Path

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub
    from tests.servers import PostgreSql, RabbitMq


@pytest.mark.amqp
@pytest.mark.postgres
@pytest.mark.parametrize("wrong", [timedelta(hours=2), timedelta(hours=-2)])
def test_a_hub_whose_clock_is_wrong_does_no_work_and_holds_nobody_up(
    tmp_path: Path, rabbitmq: RabbitMq, postgres: PostgreSql, monkeypatch: pytest.MonkeyPatch, wrong: timedelta
) -> None:
    """What it would accept would wait for its time to come, and so would the duty that it holds; or it would refuse
    every good signature."""
    url = postgres.record(f"clock{wrong.days + 9}")
    monkeypatch.setenv("AXIS_DATABASE_URL", url)
    with ServedLine(tmp_path / "home", rabbitmq, url, ("G22", "H41")) as line:
        monkeypatch.setenv("AXIS_AMQP_URL", line.urls["hub"])
        line.clock.now = now = datetime.now(UTC)
        with line.parts() as (right, agencies), bootstrap.served_hub(bootstrap.open_home(line.path)) as hub:
            sender = next(one for one in agencies if one.code == "G22")
            while sender.standing is not Standing.CURRENT:  # the hub answers that its home is the one that works
                loops.agency_round(sender, line.clock())
                loops.hub_round(right, line.clock(), timeout=0.2)
            line.drop("G22", document(1))
            for _ in range(2):
                loops.agency_round(sender, line.clock())
            for _ in range(3):
                with pytest.raises(Unavailable) as refused:
                    loops.hub_round(hub, now + wrong, timeout=0.5)
                assert [one.fault for one in refused.value.problems] == [Fault.CLOCK_WRONG]
            hub.check_clock(now + wrong / 60)
            with hub.store.reading() as reader:
                assert outbox.waiting(reader, ())[0] == 0, "nothing was accepted"
            while not loops.hub_round(right, line.clock(), timeout=0.5):
                pass
            loops.hub_round(right, line.clock())
            assert line.states("1/TN-G22") == {"H41": "QUEUED"}, "sent on at once by who has the time"


@pytest.mark.parametrize("was_asked", [False, True])
def test_what_an_adapter_took_in_while_its_clock_was_fast_does_not_wait_for_that_time(
    tmp_path: Path, *, was_asked: bool
) -> None:
    """It died before it could go on; then its clock was set right. Somebody may have asked for its registry (`was_asked`)
    before its first round."""

    def ask(_: Hub, agencies: list[Agency]) -> None:
        assert not was_asked or all(one.registry() for one in agencies)

    line = small_home(tmp_path / "home", codes=("G22", "H41"))
    fast = timedelta(hours=2)
    line.drop("G22", document(1))
    with line.parts() as (hub, agencies):
        sender = next(one for one in agencies if one.code == "G22")
        for one in agencies:
            one.open()
        submit.collect(sender, line.clock() + fast)
    line.drop("G22", document(2), "2.edxml")
    with line.parts() as (hub, agencies):
        sender, recipient = sorted(agencies, key=lambda one: one.code)
        ask(hub, agencies)
        for _ in range(3):
            loops.agency_round(sender, line.clock())
            loops.hub_round(hub, line.clock())
        recipient.open()
        assert take.take(recipient, line.clock() + fast) == 2
    line.run(patience=timedelta(minutes=1), before=ask)
    assert len(line.attachments("H41")) == 2
    assert [one for one in line.events("G22") if one.startswith("E")] == ["E.1 H41", "E.1 H41"]


def test_a_damaged_event_at_the_end_of_the_journals_stops_nobody(tmp_path: Path) -> None:
    """By the last event of the home a clock that was set back is noticed."""
    line = small_home(tmp_path / "home", codes=("G22", "H41"))
    line.drop("G22", document(1))
    line.run()
    with line.parts() as (hub, _), hub.store.database.begin() as connection:
        last = sa.select(sa.func.max(event.c.number)).scalar_subquery()
        connection.execute(sa.update(event).where(event.c.number == last).values(canonical="{"))
    line.drop("G22", document(2, content=b"two"), "2.edxml")
    line.run()
    assert len(line.attachments("H41")) == 2
