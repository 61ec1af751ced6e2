"""``axis broker setup --remake``: queues whose arguments are not what they must be, made anew, and nothing lost.

An existing queue's arguments cannot be changed. What the agencies have sent is taken into the record, as a hub takes
it; what waits for them, and the dead letters, goes to a queue beside and comes back. Every hub is stopped meanwhile,
and the agencies concerned have no rights at the broker, so that nothing comes or goes in between. Then the senders are
asked for what has no answer yet. A run that broke off is completed by the next one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from axis.core.message import Route
from axis.errors import Fault, Misconfigured, Problem, Unavailable
from axis.services.hub import admit
from axis.services.hub.flow import RateLimits
from axis.services.operate import broker_setup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from axis.core.registry import Registry
    from axis.infra.amqp.broker import AmqpBroker
    from axis.infra.amqp.management import Management
    from axis.services.hub.worker import Hub

BESIDE = "axis.remake."  # what a queue's messages wait in meanwhile: this and the queue's name
PATIENCE = 20.0  # seconds until those whose connections were ended are gone
UNLIMITED = 1e12


def take_down(
    hub: Hub, broker: AmqpBroker, at: Management, registry: Registry, clock: Callable[[], datetime]
) -> Iterator[str]:
    """Empty and delete every queue with other arguments; the name of each. What sets the broker up
    (:mod:`axis.services.operate.broker_setup`) and :func:`bring_back` follow, also when this raised.

    Raises :class:`Misconfigured` BROKER_IN_USE, and has changed nothing, while a hub works; or while somebody reads a
    queue who cannot be kept from it.
    """
    routes = broker_setup.queues(registry)
    for member in registry.agencies:
        _require_unread(broker, Route("in", member.code).queue)
    unlike = broker_setup.unlike(at, registry)
    codes = sorted({routes[name].code for name in unlike if name in routes})
    for code in codes:
        at.delete("permissions", at.vhost, code)
        at.close_connections(code)
    for name in unlike:
        _wait_until_unread(broker, name)
    _take_in(hub, [routes[name] for name in unlike if name in routes and routes[name].direction == "in"], clock)
    for name in unlike:
        if name not in routes or routes[name].direction == "out":
            broker.move(name, BESIDE + name)
        at.delete("queues", at.vhost, name)
        yield name


def bring_back(broker: AmqpBroker, at: Management) -> Iterator[tuple[str, int]]:
    """What waits beside goes back into the queues made anew; (queue, how many find no room and still wait beside)."""
    for one in at.get("queues", at.vhost) or []:
        beside = str(one["name"])
        if beside.startswith(BESIDE):
            broker.move(beside, beside.removeprefix(BESIDE))
            left = broker.waiting(beside)[0]
            if not left:
                at.delete("queues", at.vhost, beside)
            yield beside.removeprefix(BESIDE), left


def _take_in(hub: Hub, routes: list[Route], clock: Callable[[], datetime]) -> None:
    """Into the record with all that waits in these intakes, however much somebody has sent."""
    hub.rate_limits = RateLimits(UNLIMITED, UNLIMITED)
    hub.refresh()
    while any(hub.broker.depth(route) for route in routes):
        while admit.step(hub, clock(), timeout=0.5):
            pass
        hub.broker.close()  # what was not acknowledged comes back, and counts


def _require_unread(broker: AmqpBroker, queue: str) -> None:
    try:
        readers = broker.waiting(queue)[1]
    except Unavailable as error:
        if error.fault is not Fault.BROKER_NO_QUEUE:
            raise
        return
    if readers:
        raise Misconfigured(Problem(Fault.BROKER_IN_USE, got=str(readers), path=queue))


def _wait_until_unread(broker: AmqpBroker, queue: str) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return _require_unread(broker, queue)
        except Misconfigured:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
