"""The sweeps of test_crash_sweep on RabbitMQ and PostgreSQL: die at a boundary, or let another hub work there.

What a death leaves is on the servers, and cannot be copied like a folder; so each boundary is a run of its own, and
a part of them is tried, spread over the whole way: another one each time (tests/sample.py).
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from axis.adapters.folder import FolderAdapter
from axis.infra.amqp import consume
from axis.infra.amqp.broker import AmqpBroker
from axis.services import run as loops
from tests import sample
from tests.failure import test_crash_sweep as sweep
from tests.failure.test_crash_sweep import Boundaries, all_is_well, boundaries, ordinary
from tests.served import ServedLine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub
    from tests.servers import PostgreSql, RabbitMq

pytestmark = [pytest.mark.amqp, pytest.mark.postgres, pytest.mark.timeout(500)]
TO = ("H41", "G06")
CODES = ("G22", *TO)


class Death(BaseException):
    """The process ended here."""


class Swept(ServedLine):
    """A line that is watched on its way."""

    def __init__(self, path: Path, rabbitmq: RabbitMq, url: str) -> None:
        super().__init__(path, rabbitmq, url, CODES)

    def is_done(self) -> bool:
        return len(self.files("G22", "status", "*.01.*")) == len(TO) and len(self.files("G22", "failed")) == 4

    def to_rest(self, hub: Hub, agencies: list[Agency]) -> None:
        """Rounds until everything is answered and nothing more comes."""
        end, idle = time.monotonic() + 60, 0
        while idle < 4:
            assert time.monotonic() < end, "it does not come to rest"
            done = loops.hub_round(hub, self.clock())
            done += sum(loops.agency_round(one, self.clock()) for one in agencies)
            idle = idle + 1 if not done and self.is_done() else 0
            if not done:
                time.sleep(0.02)


@pytest.fixture
def database(postgres: PostgreSql, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Makes another one each time, and says so in the environment."""
    monkeypatch.setattr(sweep, "EmbeddedBroker", AmqpBroker)
    monkeypatch.setattr(consume, "SETTLE", 0.05)

    def made() -> str:
        url = postgres.record(f"sweep{time.monotonic_ns()}")
        monkeypatch.setenv("AXIS_DATABASE_URL", url)
        return url

    return made


def check(served: Swept, number: int) -> None:
    try:
        all_is_well(TO)(served, served.attachments)
        served.check_ledger()
    except AssertionError as error:
        error.add_note(f"at boundary {number}")
        raise


def count(tmp_path: Path, rabbitmq: RabbitMq, url: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many boundaries the whole way has."""
    served = Swept(tmp_path / "count", rabbitmq, url)
    ordinary(served, TO)
    at = Boundaries(lambda _name: None)
    with ExitStack() as stack, boundaries(monkeypatch, at):
        served.to_rest(*served.open(stack))
    check(served, 0)
    assert FolderAdapter.prepare is not None
    return len(at.passed)


def test_a_death_on_the_way_loses_and_doubles_nothing(
    tmp_path: Path, rabbitmq: RabbitMq, database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    total = count(tmp_path, rabbitmq, database(), monkeypatch)
    assert total > 80
    died = []
    numbers = [number for number in range(3, min(total, 200), 3) if sample.is_tried(number // 3, 9)]
    for number in numbers:
        served = Swept(tmp_path / str(number), rabbitmq, database())
        ordinary(served, TO)
        at = Boundaries(lambda _name, number=number: die(at, number))  # type: ignore[misc]  # noqa: B023
        with ExitStack() as stack:
            hub, agencies = served.open(stack)
            try:
                with boundaries(monkeypatch, at):
                    served.to_rest(hub, agencies)
            except Death:
                died.append(at.passed[-1])
        with ExitStack() as stack:
            served.to_rest(*served.open(stack))
        check(served, number)
        rabbitmq.drop_vhost(served.vhost)
    assert len(died) > len(numbers) // 3, died  # the way is not the same each time
    assert len(set(died)) > 1, died


def die(at: Boundaries, number: int) -> None:
    if len(at.passed) == number:
        raise Death


def test_another_hub_at_work_in_between_loses_and_doubles_nothing(
    tmp_path: Path, rabbitmq: RabbitMq, database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    met = []
    for number in (number for number in range(1, 40) if sample.is_tried(number, 13)):
        served = Swept(tmp_path / str(number), rabbitmq, database())
        ordinary(served, TO)
        with ExitStack() as stack:
            hub, agencies = served.open(stack)
            other = served.hub(stack)
            within: list[str] = []
            busy: list[bool] = []

            def visit(name: str) -> None:
                if busy == [True] and not at.in_transaction:  # noqa: B023
                    within.append(name)  # noqa: B023
                    if len(within) == number:  # noqa: B023
                        met.append(name)
                        busy.append(False)  # noqa: B023
                        for _ in range(4):
                            loops.hub_round(other, served.clock())  # noqa: B023
                            for one in agencies:  # noqa: B023
                                loops.agency_round(one, served.clock())  # noqa: B023
                        other.broker.close()  # noqa: B023  it goes, and what it was given comes to the one that stays
                        busy.pop()  # noqa: B023

            at = Boundaries(visit)
            hub_round = loops.hub_round

            def one_round(which: Hub, *arguments: object) -> int:
                if which is not hub:  # noqa: B023
                    return hub_round(which, *arguments)  # type: ignore[arg-type]  # noqa: B023
                busy.append(True)  # noqa: B023
                try:
                    return hub_round(which, *arguments)  # type: ignore[arg-type]  # noqa: B023
                finally:
                    busy.clear()  # noqa: B023

            with boundaries(monkeypatch, at), monkeypatch.context() as patch:
                patch.setattr(loops, "hub_round", one_round)
                served.to_rest(hub, agencies)
        check(served, number)
        rabbitmq.drop_vhost(served.vhost)
    assert len(met) > (4 if sample.FULL else 0), met
