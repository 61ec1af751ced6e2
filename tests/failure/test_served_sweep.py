"""The sweeps of test_crash_sweep on RabbitMQ and PostgreSQL: die at a boundary, or let another hub work there.

What a death leaves is on the servers, and cannot be copied like a folder; so each boundary is a run of its own, and
a part of them is tried, spread over the whole way.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from adapters.folder import FolderAdapter
from axis import bootstrap, config
from axis.core.ledger import Entry
from axis.infra import amqp, store
from axis.infra.amqp import AmqpBroker
from axis.infra.database import Database
from axis.infra.store import HubStore
from axis.services import run as loops
from tests.failure import test_crash_sweep as sweep
from tests.failure.test_crash_sweep import Boundaries, all_is_well, boundaries, ordinary
from tests.line import Line, small_home

if TYPE_CHECKING:
    from pathlib import Path

    from axis.services.agency import Agency
    from axis.services.hub import Hub
    from tests.servers import PostgreSql, RabbitMq

pytestmark = [pytest.mark.amqp, pytest.mark.postgres, pytest.mark.timeout(500)]
TO = ("H41", "G06")
CODES = ("G22", *TO)


class Death(BaseException):
    """The process ended here."""


class ServedLine:
    """A small line whose hub is on PostgreSQL and whose mail goes through RabbitMQ, all in this process."""

    def __init__(self, path: Path, rabbitmq: RabbitMq, url: str, number: int) -> None:
        self.line = small_home(path, codes=CODES)
        self.vhost = f"sweep{number}x{time.monotonic_ns()}"
        rabbitmq.vhost(self.vhost)
        self.urls = {code: rabbitmq.add_agency(self.vhost, code) for code in CODES}
        self.urls["hub"] = rabbitmq.add_hub(self.vhost)
        self.url = url
        with self.line.parts() as (hub, _), hub.store.reading() as reader:
            registry = reader.payload(reader.registry_digest())
        self.line.configure(store=config.Store("postgresql"), broker=config.Broker("amqp"))
        database = Database(url)
        with database.begin() as connection:
            store.metadata.drop_all(connection)
        database.create(store.TABLES)
        with HubStore(database).transaction() as tx:
            now = self.line.clock()
            tx.store_registry(1, registry, now, (), Entry(now, "HUB", "registry.issued"))
        database.close()

    def hub(self, stack: ExitStack) -> Hub:
        database = Database(self.url)
        stack.callback(database.close)
        broker = AmqpBroker(self.urls["hub"], user_id=None, confirm_timeout=5)
        stack.callback(broker.close)
        broker.declare(CODES)
        return bootstrap.hub_part(bootstrap.open_home(self.line.path), database, broker)

    def parts(self, stack: ExitStack) -> tuple[Hub, list[Agency]]:
        hub, home = self.hub(stack), bootstrap.open_home(self.line.path)
        journal = Database(f"sqlite:///{self.line.path / 'axis.db'}")
        stack.callback(journal.close)
        agencies = []
        for code in CODES:
            broker = AmqpBroker(self.urls[code], user_id=code, confirm_timeout=5)
            stack.callback(broker.close)
            agencies.append(bootstrap.agency_part(home, journal, broker, code))
        return hub, agencies

    def is_done(self) -> bool:
        line = self.line
        return len(line.files("G22", "status", "*.01.*")) == len(TO) and len(line.files("G22", "failed")) == 4

    def to_rest(self, hub: Hub, agencies: list[Agency]) -> None:
        """Rounds until everything is answered and nothing more comes."""
        end, idle = time.monotonic() + 60, 0
        while idle < 4:
            assert time.monotonic() < end, "it does not come to rest"
            done = loops.hub_round(hub, self.line.clock())
            done += sum(loops.agency_round(one, self.line.clock()) for one in agencies)
            idle = idle + 1 if not done and self.is_done() else 0
            if not done:
                time.sleep(0.02)


@pytest.fixture
def database(postgres: PostgreSql, monkeypatch: pytest.MonkeyPatch) -> str:
    url = postgres.database(f"sweep{time.monotonic_ns()}")
    monkeypatch.setenv("AXIS_DATABASE_URL", url)
    monkeypatch.setattr(sweep, "EmbeddedBroker", AmqpBroker)
    monkeypatch.setattr(amqp, "SETTLE", 0.05)
    return url


def check(served: ServedLine, number: int) -> None:
    line: Line = served.line
    try:
        all_is_well(TO)(line, line.attachments)
        line.check_ledger()
    except AssertionError as error:
        error.add_note(f"at boundary {number}")
        raise


def count(tmp_path: Path, rabbitmq: RabbitMq, url: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many boundaries the whole way has."""
    served = ServedLine(tmp_path / "count", rabbitmq, url, 0)
    ordinary(served.line, TO)
    at = Boundaries(lambda _name: None)
    with ExitStack() as stack, boundaries(monkeypatch, at):
        served.to_rest(*served.parts(stack))
    check(served, 0)
    assert FolderAdapter.prepare is not None
    return len(at.passed)


def test_a_death_on_the_way_loses_and_doubles_nothing(
    tmp_path: Path, rabbitmq: RabbitMq, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = count(tmp_path, rabbitmq, database, monkeypatch)
    assert total > 80
    died = []
    for number in range(3, min(total, 200), 9):
        served = ServedLine(tmp_path / str(number), rabbitmq, database, number)
        ordinary(served.line, TO)
        at = Boundaries(lambda _name, number=number: die(at, number))  # type: ignore[misc]  # noqa: B023
        with ExitStack() as stack:
            hub, agencies = served.parts(stack)
            try:
                with boundaries(monkeypatch, at):
                    served.to_rest(hub, agencies)
            except Death:
                died.append(at.passed[-1])
        with ExitStack() as stack:
            served.to_rest(*served.parts(stack))
        check(served, number)
        rabbitmq.drop_vhost(served.vhost)
    assert len(died) > 8, died
    assert len(set(died)) > 5, died


def die(at: Boundaries, number: int) -> None:
    if len(at.passed) == number:
        raise Death


def test_another_hub_at_work_in_between_loses_and_doubles_nothing(
    tmp_path: Path, rabbitmq: RabbitMq, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = []
    for number in range(2, 40, 5):
        served = ServedLine(tmp_path / str(number), rabbitmq, database, number)
        ordinary(served.line, TO)
        with ExitStack() as stack:
            hub, agencies = served.parts(stack)
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
                            loops.hub_round(other, served.line.clock())  # noqa: B023
                            for one in agencies:  # noqa: B023
                                loops.agency_round(one, served.line.clock())  # noqa: B023
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
    assert len(met) > 4, met
