"""What travels over the broker, and the port that carries it.

A :class:`Message` is the same for every broker; how it is put on the wire is the broker's affair.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Direction = Literal["in", "out"]
HUB_USER = "hub"  # the broker user of the hub; an agency's is its code
DEAD_QUEUE = "axis.dead"
DEAD = "dead-"  # the beginning of a dead letter's id


class Route(NamedTuple):
    """Where a message goes: towards the hub (``in``) from agency `code`, or out to agency `code`."""

    direction: Direction
    code: str
    urgent: bool = False

    @property
    def exchange(self) -> str:
        """AMQP exchange: ``axis.in.CODE``, which leads to this agency's intake and nowhere else, or ``axis.out``."""
        return f"axis.in.{self.code}" if self.direction == "in" else "axis.out"

    @property
    def routing_key(self) -> str:
        """AMQP routing key: ``CODE`` or ``CODE.urgent``."""
        return f"{self.code}.urgent" if self.urgent else self.code

    @property
    def queue(self) -> str:
        """Queue name: ``axis.from.CODE`` or ``axis.to.CODE``, with ``.urgent`` for the urgent twin."""
        return f"axis.{'from' if self.direction == 'in' else 'to'}.{self.routing_key}"


def hub_routes(codes: Iterable[str]) -> list[Route]:
    """Every route the hub reads, urgent ones first."""
    ordered = sorted(codes)
    return [Route("in", code, urgent) for urgent in (True, False) for code in ordered]


def agency_routes(code: str) -> list[Route]:
    """The two routes an agency's adapter reads, urgent first."""
    return [Route("out", code, urgent=True), Route("out", code)]


@dataclass(frozen=True, slots=True)
class Message:
    """One parcel on its way.

    `id` names the intent to publish: publishing again after a failure keeps it. `body` is the parcel
    (ASiC-E bytes); `proof` is the hub's A.1 receipt for it (ASiC-E bytes), present only on the way from
    the hub to a recipient. `user_id` is the broker's word on who published: None where the broker does
    not say. A publisher sets it to its own agency code; a broker refuses another's. `origin` tells which home has
    published it (axis/core/homes.py); "" where nobody asks. `digest` is the hex SHA-256 of `body`, `proof_digest` that
    of `proof`, where this process has computed them of these bytes: they are hashed once. "" elsewhere. `traceparent`
    is for the logs alone (axis/core/tracing.py): a broker gives only what is in the one allowed form.
    """

    id: str
    route: Route
    body: bytes
    proof: bytes = b""
    user_id: str | None = None
    origin: str = ""
    digest: str = field(default="", compare=False)
    proof_digest: str = field(default="", compare=False)
    traceparent: str = field(default="", compare=False)


class Delivered(NamedTuple):
    """A message taken from a queue, held until :meth:`Broker.ack` or :meth:`Broker.reject`.

    `redelivered` is True when it may have been given to a consumer before. `handle` belongs to the
    broker; it is void once the connection that gave it is gone (the message then comes again).
    `trouble` says why this is no message of the axis (headers missing, sizes or digest wrong); "" for a good one.
    Of a message with trouble only `route`, `user_id` and the size of `body` mean something: reject it.
    """

    message: Message
    redelivered: bool
    handle: object
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was put aside: rejected, or given too often.

    `queue` is where it came from, "" where that is not known. `trouble`: ``foreign`` (none of ours), ``damaged`` (its
    bytes are not what was published), ``limit`` (given so often that the broker gave up); "" when a consumer rejected
    it. `since` as :func:`axis.core.instant.to_text` has it, "" where the broker does not tell.
    """

    queue: str
    message_id: str
    body: bytes = field(repr=False)
    proof: bytes = field(default=b"", repr=False)
    user_id: str | None = None
    trouble: str = ""
    since: str = ""
    origin: str = ""

    @property
    def id(self) -> str:
        """The same at each look: of what it is and where it came from."""
        named = f"{self.queue}\n{self.message_id}\n".encode() + hashlib.sha256(self.body).digest()
        return DEAD + hashlib.sha256(named).hexdigest()[:24]

    @property
    def route(self) -> Route | None:
        """The route of its queue; None where it is none of an agency's."""
        _, _, rest = self.queue.partition("axis.")
        way, _, key = rest.partition(".")
        if way not in {"from", "to"} or not key:
            return None
        return Route("in" if way == "from" else "out", key.removesuffix(".urgent"), key.endswith(".urgent"))


class Outcome(Enum):
    """What became of one published message."""

    CONFIRMED = "confirmed"  # durably held in its queue
    RETURNED = "returned"  # no such queue
    FULL = "full"  # its queue holds what it may hold, and refused it
    FAILED = "failed"  # refused, timed out or unknown: it may or may not be in the queue


class Line(Protocol):
    """What the brokers of several agencies of one process have in common, where they have: what is asked of each is
    done for all at once. A broker of such a kind has it as its attribute ``line``."""

    def publish(self, parts: Sequence[tuple[Broker, Sequence[Message]]]) -> list[list[Outcome]]:
        """See :meth:`Broker.publish`."""

    def receive(
        self, parts: Sequence[tuple[Broker, Sequence[Route]]], *, limit: int, max_bytes: int
    ) -> list[list[Delivered]]:
        """See :meth:`Broker.receive`; nothing is waited for, and `limit` and `max_bytes` are for all together."""

    def ack(self, parts: Sequence[tuple[Broker, Sequence[Delivered]]]) -> None:
        """See :meth:`Broker.ack`."""

    def may_have_mail(self, code: str) -> bool:
        """Whether something may wait for this agency, as far as is known without asking."""


class Broker(Protocol):
    """The broker port. One contract suite (tests/contract/test_broker.py) holds for every implementation.

    Every method raises :class:`axis.errors.Unavailable` when the broker cannot be reached, and
    :class:`axis.errors.Misconfigured` BROKER_CONFIG when it forbids what is asked (login, rights, arguments of an
    existing queue): waiting will not help then. A broker object is used by one thread.
    """

    def declare(self, codes: Iterable[str]) -> None:
        """Make the queues of these agencies, both directions, urgent twins, and the dead letters. Idempotent."""

    def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        """Publish all, persistent and mandatory, in windows of outstanding confirms; one outcome each, in order.

        A message that this user may not publish, or that is too large, is FAILED; the others go on.
        """

    def receive(self, routes: Sequence[Route], *, limit: int, max_bytes: int, timeout: float) -> list[Delivered]:
        """Take up to `limit` messages and about `max_bytes` bytes (at least one message, if there is one).

        Routes are served urgent first, and within a level in turn, so that a full queue does not starve
        the others; within one queue in order of arrival. What is none of ours
        comes too, with its `trouble`. Waits up to `timeout` seconds for the first
        message only. What is taken is given to no other consumer until acknowledged, rejected, or this
        broker object is closed or lost. Queues that do not exist are passed over; only when none of those
        asked for exists :class:`axis.errors.Unavailable` BROKER_NO_QUEUE is raised.
        """

    def ack(self, deliveries: Sequence[Delivered]) -> None:
        """Done with these: they never come again. A void handle is ignored (the message comes again)."""

    def reject(self, deliveries: Sequence[Delivered]) -> None:
        """Move these to the dead letters ``axis.dead``, kept without expiry."""

    def depth(self, route: Route) -> int:
        """How many messages wait in this route's queue, not counting those held by a consumer."""

    def waiting(self, queue: str) -> tuple[int, int]:
        """How many messages wait in a queue, not counting those held by a consumer; and how many consumers it has, at
        that very moment."""

    def holds(self, queue: str) -> bool:
        """Whether this object has messages of a queue that nobody has received from it yet."""

    def dead_depth(self) -> int:
        """How many dead letters there are."""

    def sift_dead_letters(self, limit: int, is_done: Callable[[DeadLetter], bool]) -> None:
        """Show `is_done` the dead letters, the oldest first, at most `limit`: each about which it says True is gone,
        the others stay as they are. For the hub's user; nobody else looks at the same time."""

    def sift(self, route: Route, limit: int, are_done: Callable[[Sequence[Delivered]], Sequence[bool]]) -> None:
        """Show `are_done` what waits in an agency's queue and is held by nobody, the oldest first, at most `limit`,
        some at a time: each about which it says True is gone, the others stay, and may come marked redelivered; all of
        them where it raises. For the hub's user. Raises :class:`axis.errors.Unavailable` BROKER_NO_QUEUE."""

    def close(self) -> None:
        """Give back whatever was not acknowledged (it comes again, marked redelivered). Idempotent.

        The object may be used again.
        """
