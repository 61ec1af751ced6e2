"""``axis broker setup --remake``: a broker whose queues have other arguments, with mail of every kind in them."""

from __future__ import annotations

import hashlib
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pika
import pytest

from axis import bootstrap, config
from axis.core.message import Message, Outcome, Route
from axis.infra.amqp import envelope
from axis.infra.amqp.broker import AmqpBroker
from axis.infra.amqp.management import Management
from axis.infra.database import Database
from axis.services import run as loops
from axis.services.agency import publish, submit
from tests.e2e.test_broker_setup import Site
from tests.line import Line, document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub
    from tests.servers import RabbitMq

pytestmark = [pytest.mark.amqp, pytest.mark.timeout(180)]
CODES = ("G22", "H41", "G06")
OLD = {
    "x-queue-type": "quorum",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": "axis.dead",
    "x-delivery-limit": 1000,
}


class OldSite(Site):
    """A broker as it was set up before queues had their bounds: other arguments, one intake exchange."""

    def __init__(self, folder: Path, node: RabbitMq) -> None:
        super().__init__(folder, node)
        assert self.axis("broker", "setup", "--passwords", str(folder / "urls"), "--keep-guest").exit_code == 0
        self.urls = {path.name: path.read_text("utf-8").strip() for path in (folder / "urls").iterdir()}
        for code in CODES:
            self.ask("delete", "exchanges", self.vhost, f"axis.in.{code}")
        for queue in self.ask("get", "queues", self.vhost):
            name = queue["name"]
            self.ask("delete", "queues", self.vhost, name)
            arguments = {"x-queue-type": "quorum"} if name == "axis.dead" else OLD
            self.ask("put", "queues", self.vhost, name, durable=True, arguments=arguments)
            if name != "axis.dead":
                exchange = "axis.in" if ".from." in name else "axis.out"
                key = name.removeprefix("axis.from.").removeprefix("axis.to.")
                self.ask("post", "bindings", self.vhost, "e", exchange, "q", name, routing_key=key)
        self.line = Line(self.home)
        self.line.configure(adapter=config.Adapter(settle_seconds=0.0))

    @contextmanager
    def parts(self) -> Iterator[tuple[Hub, dict[str, Agency]]]:
        """Hub and adapters, each with its own login; nothing is declared."""
        home = bootstrap.open_home(self.home)
        with ExitStack() as stack:
            record = Database(home.config.database_url(home.path))
            stack.callback(record.close)

            def broker(user: str, **options: Any) -> AmqpBroker:
                made = AmqpBroker(self.urls[user], **options)
                stack.callback(made.close)
                return made

            hub = bootstrap.hub_part(home, record, broker("hub", user_id=None))
            made = {}
            for code in CODES:
                made[code] = bootstrap.agency_part(home, record, partial(broker, code, user_id=code, alone=True), code)
            yield hub, made

    def publish_as_before(self, user: str, messages: list[Message]) -> None:
        """What an adapter of the version before has put into its intake."""
        connection = pika.BlockingConnection(pika.URLParameters(self.urls[user]))
        channel = connection.channel()
        channel.confirm_delivery()
        for one in messages:
            properties = envelope.properties(one, user)
            channel.basic_publish("axis.in", one.route.routing_key, one.body, properties, mandatory=True)
        connection.close()


def _until_quiet(*steps: Callable[[], int]) -> None:
    quiet = 0
    while quiet < 8:
        quiet = 0 if sum(step() for step in steps) else quiet + 1
        time.sleep(0.03)  # what is on its way between connections is waited for


def test_queues_with_other_arguments_are_made_anew_and_nothing_that_was_in_them_is_lost(
    managed_rabbitmq: RabbitMq, tmp_path: Path
) -> None:
    """Documents that the hub has not taken, mail and receipts that an adapter has not taken, and dead letters."""
    site = OldSite(tmp_path, managed_rabbitmq)
    with site.parts() as (hub, agencies):
        site.line.drop("G22", document(1, "G22", ("H41",), content=b"in H41's queue"), "1.edxml")
        _publish_as_before(site, agencies["G22"])
        _until_quiet(lambda: loops.hub_round(hub, datetime.now(UTC)))
        assert hub.broker.depth(Route("out", "H41")) >= 1
        assert hub.broker.depth(Route("out", "G22")) >= 1, "A.1"
        site.line.drop("G22", document(2, "G22", ("H41",), content=b"not taken"), "2.edxml")
        site.line.drop("G22", document(3, "G22", ("G06",), content=b"not taken either", priority=1), "3.edxml")
        _publish_as_before(site, agencies["G22"])
        site.publish_as_before("H41", [Message("dead", Route("in", "H41"), b"dead letter", user_id="H41")])
        (taken,) = hub.broker.receive([Route("in", "H41")], limit=1, max_bytes=100, timeout=5)
        hub.broker.reject([taken])
        assert site.axis("broker", "setup", "--remake", "--keep-guest").exit_code == 5, "while a hub works"
        assert site.findings() != []
    done = site.axis("broker", "setup", "--remake", "--keep-guest")
    assert done.exit_code == 0, done.output
    assert "13 " in done.output
    assert site.findings() == []
    with site.parts() as (hub, agencies):
        assert hub.broker.depth(Route("in", "G22")) == 0, "in the record"
        _until_quiet(
            lambda: loops.hub_round(hub, datetime.now(UTC)),
            *(lambda a=a: loops.agency_round(a, datetime.now(UTC)) for a in agencies.values()),
        )
        assert hub.broker.dead_depth() == 1
    digests = {
        name: hashlib.sha256(name).hexdigest() for name in (b"in H41's queue", b"not taken", b"not taken either")
    }
    assert sorted(site.line.attachments("H41")) == sorted([digests[b"in H41's queue"], digests[b"not taken"]])
    assert site.line.attachments("G06") == [digests[b"not taken either"]]
    events = [event.partition(" ")[0] for event in site.line.events("G22")]
    told = [event for event in events if event != "D.1"]  # that it waits is told where it waits for long
    assert sorted(told) == sorted(["A.1", "E.1"] * 3), "and no receipt twice"
    assert events.count("D.1") <= 3
    again = site.axis("broker", "setup", "--remake", "--keep-guest")
    assert (again.exit_code, "0 " in again.output) == (0, True)


def _publish_as_before(site: OldSite, agency: Agency) -> None:
    class Old:
        """Publishes as the version before did; all else is the broker's."""

        def publish(self, messages: list[Message]) -> list[Any]:
            site.publish_as_before(agency.code, messages)
            return [Outcome.CONFIRMED] * len(messages)

    broker, agency.broker = agency.broker, Old()  # type: ignore[assignment]
    submit.collect(agency, datetime.now(UTC))
    submit.collect(agency, datetime.now(UTC))
    publish.publish(agency, datetime.now(UTC))
    agency.broker = broker


def test_a_run_that_broke_off_is_completed_by_the_next(
    managed_rabbitmq: RabbitMq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = OldSite(tmp_path, managed_rabbitmq)
    with site.parts() as (hub, _):
        sent = [Message(f"m{n}", Route("out", "H41"), b"%d" % n) for n in range(3)]
        hub.broker.publish(sent)
    for method in ("delete", "put"):  # once before the old queue is deleted, once before the new one is made
        with monkeypatch.context() as patch:
            real = getattr(Management, method)

            def broken(self: Management, *path: str, _real: Any = real, **body: Any) -> None:
                if path[0] == "queues" and path[2] == "axis.to.H41":
                    raise KeyboardInterrupt
                _real(self, *path, **body)

            patch.setattr(Management, method, broken)
            assert site.axis("broker", "setup", "--remake", "--keep-guest").exit_code != 0
    assert site.axis("broker", "setup", "--remake", "--keep-guest").exit_code == 0
    assert site.findings() == []
    with site.parts() as (hub, _):
        taken = hub.broker.receive([Route("out", "H41")], limit=9, max_bytes=1000, timeout=5)
        assert [one.message.id for one in taken] == ["m0", "m1", "m2"]
    assert {q["name"] for q in site.ask("get", "queues", site.vhost) if "remake" in q["name"]} == set()
