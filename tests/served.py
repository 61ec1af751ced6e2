"""A small line whose hub is on PostgreSQL and whose mail goes through RabbitMQ, all in this process; used as
:class:`tests.line.Line` is."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from axis import bootstrap, config
from axis.core.ledger import Entry
from axis.infra.amqp.broker import AmqpBroker
from axis.infra.database import Database
from axis.infra.record import registries, tables
from axis.infra.record.store import HubStore
from axis.services import run as loops
from tests.line import Line, small_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from axis.core.message import Broker
    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub
    from tests.servers import RabbitMq

QUIET = 4  # rounds in which nothing happened, until the line is at rest


def _given(broker: Broker) -> Broker:
    return broker


class ServedLine(Line):
    """See the module. `url` is a database of its own in which nothing is kept yet, also in AXIS_DATABASE_URL; a context
    manager."""

    def __init__(self, path: Path, rabbitmq: RabbitMq, url: str, codes: tuple[str, ...]) -> None:
        super().__init__(small_home(path, codes=codes).path)
        self.vhost = f"line{time.monotonic_ns()}"
        rabbitmq.vhost(self.vhost)
        self.codes = codes
        self.urls = {code: rabbitmq.add_agency(self.vhost, code) for code in codes}
        self.urls["hub"] = rabbitmq.add_hub(self.vhost)
        self.url = url
        self._rabbitmq = rabbitmq
        self._stack = ExitStack()
        self._opened: tuple[Hub, list[Agency]] | None = None
        with self.parts_embedded() as (hub, _), hub.store.reading() as reader:
            registry = reader.payload(registries.newest(reader))
        self.configure(store=config.Store("postgresql"), broker=config.Broker("amqp"))
        database = Database(url)
        database.create(tables.TABLES)
        with HubStore(database).transaction() as tx:
            now = self.clock()
            registries.keep(tx, 1, registry, now, (), Entry(now, "HUB", "registry.issued"))
        database.close()

    def __enter__(self) -> ServedLine:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._rabbitmq.drop_vhost(self.vhost)

    def restart(self) -> None:
        """What is opened next is new, as after a death."""
        self._stack.close()
        self._opened = None

    def parts_embedded(self) -> Iterator[tuple[Hub, list[Agency]]]:
        """The home as it was made."""
        return super().parts()  # type: ignore[return-value]

    def hub(self, stack: ExitStack) -> Hub:
        """A hub worker with connections of its own."""
        database = Database(self.url)
        stack.callback(database.close)
        broker = AmqpBroker(self.urls["hub"], user_id=None, confirm_timeout=5)
        stack.callback(broker.close)
        broker.declare(self.codes)
        return bootstrap.hub_part(bootstrap.open_home(self.path), database, broker)

    def open(self, stack: ExitStack) -> tuple[Hub, list[Agency]]:
        """Hub and adapters with connections of their own."""
        hub, home = self.hub(stack), bootstrap.open_home(self.path)
        journal = Database(f"sqlite:///{self.path / 'axis.db'}")
        stack.callback(journal.close)
        agencies = []
        for code in self.codes:
            broker = AmqpBroker(self.urls[code], user_id=code, confirm_timeout=5)
            stack.callback(broker.close)
            agencies.append(bootstrap.agency_part(home, journal, partial(_given, broker), code))
        return hub, agencies

    @contextmanager
    def parts(self) -> Iterator[tuple[Hub, list[Agency]]]:
        """The line's hub and adapters; opened once for a test."""
        if self._opened is None:
            self._opened = self.open(self._stack)
        hub, agencies = self._opened
        yield hub, list(agencies)

    def run(
        self, *, patience: timedelta = timedelta(days=30), before: Callable[[Hub, list[Agency]], None] | None = None
    ) -> None:
        """As :meth:`Line.run`; what is on its way between processes is waited for."""
        with self.parts() as (hub, agencies):
            if before is not None:
                before(hub, agencies)
            end, quiet = time.monotonic() + 120, 0
            until = self.clock.now + patience
            while True:
                assert time.monotonic() < end, "it does not come to rest"
                done = loops.hub_round(hub, self.clock())
                done += sum(loops.agency_round(one, self.clock()) for one in agencies)
                quiet = 0 if done else quiet + 1
                if not done:
                    time.sleep(0.03)
                if quiet < QUIET:
                    continue
                due = loops.next_due(hub, agencies, self.clock())
                if due is None or due > until:
                    return
                self.clock.now, quiet = max(self.clock.now, due), 0
