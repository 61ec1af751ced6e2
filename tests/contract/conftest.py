"""Places where brokers meet, and an empty record of a hub, for the tests beside."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from axis.core.message import Broker
from axis.infra.amqp.broker import AmqpBroker
from axis.infra.database import Database
from axis.infra.record import tables
from axis.infra.record.store import HubStore
from tests.contract.brokers import AmqpPlace, EmbeddedPlace, Place
from tests.servers import RabbitMq

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["embedded", pytest.param("amqp", marks=pytest.mark.amqp)])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "embedded":
        here = EmbeddedPlace(request.getfixturevalue("tmp_path"))
        yield here
        here.close()
    else:
        yield from _amqp_place(request)


@pytest.fixture
def amqp_place(request: pytest.FixtureRequest) -> Iterator[AmqpPlace]:
    yield from _amqp_place(request)


def _amqp_place(request: pytest.FixtureRequest) -> Iterator[AmqpPlace]:
    url = request.getfixturevalue("amqp_vhost")
    given = "AXIS_TEST_AMQP_URL" in os.environ
    there = AmqpPlace(url, None if given else request.getfixturevalue("rabbitmq"))
    yield there
    there.close()


@pytest.fixture
def hub(place: Place) -> Broker:
    broker = place.open()
    broker.declare(["G22", "H29"])
    return broker


@pytest.fixture
def node(amqp_place: AmqpPlace) -> RabbitMq:
    if amqp_place.node is None:
        pytest.skip("the server was given from outside: it is not ours to break")
    return amqp_place.node


@pytest.fixture
def served(amqp_place: AmqpPlace) -> AmqpBroker:
    broker = amqp_place.open()
    broker.declare(["G22", "H29"])
    return broker


@pytest.fixture
def record(database_url: str) -> Iterator[HubStore]:
    database = Database(database_url)
    database.create(tables.TABLES)
    yield HubStore(database)
    database.close()
