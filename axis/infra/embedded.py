"""The broker without a server: queues in the SQLite file of one home, the same promises as over AMQP.

A message is a row; taking it writes this broker object's token into ``held_by``, acknowledging deletes it.
Bodies lie in the payload place under their digest, so that one parcel to ninety recipients is kept once;
what no row names any more is swept from there, not here.

One process has the home (an exclusive lock). Whoever takes that lock calls
:meth:`EmbeddedBroker.free_leases`: every token then belongs to a process that is gone. So leases need no
clock.
"""

from __future__ import annotations

import itertools
import logging
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import sqlalchemy as sa

from axis.core.message import Delivered, Message, Outcome, Route
from axis.errors import Corrupted, Fault, Misconfigured, Problem, Unavailable
from axis.infra import payloads
from axis.infra.database import BIG_ID, insert_or_ignore, metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

    from axis.infra.database import Database

log = logging.getLogger(__name__)

DEAD_QUEUE = "axis.dead"
MAX_MESSAGE = 64 * 1024 * 1024  # bytes of body and proof: a packet of 50 MB and what surrounds it
MAX_ID = 255  # bytes; AMQP has one byte for the length
MAX_ORIGIN = 200  # characters
POLL = 0.05  # seconds between two looks while waiting; a look at 190 empty queues costs about a millisecond

queue = sa.Table("queue", metadata, sa.Column("name", sa.Text, primary_key=True))
queue_message = sa.Table(
    "queue_message",
    metadata,
    sa.Column("id", BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("queue", sa.Text, sa.ForeignKey(queue.c.name), nullable=False),
    sa.Column("came_from", sa.Text, nullable=False),  # the queue it was published to; tells a dead letter's origin
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text),
    sa.Column("body_digest", sa.Text, nullable=False),
    sa.Column("proof_digest", sa.Text, nullable=False),  # "" without a proof
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("held_by", sa.Text),
    sa.Column("deliveries", sa.Integer, nullable=False),
    sa.Column("origin", sa.Text, nullable=False, server_default=""),
    sqlite_autoincrement=True,  # an id never comes again, so ids are the order of arrival
)
sa.Index(
    "queue_message_waiting",
    queue_message.c.queue,
    queue_message.c.id,
    sqlite_where=queue_message.c.held_by.is_(None),
)
sa.Index("queue_message_held", queue_message.c.held_by, sqlite_where=queue_message.c.held_by.is_not(None))

TABLES = (payloads.payload, queue, queue_message)
BODY_REFERENCES = (queue_message.c.body_digest,)
PAYLOAD_REFERENCES = (queue_message.c.body_digest, queue_message.c.proof_digest)


@dataclass(frozen=True, slots=True)
class _Handle:
    row: int
    token: str  # of the broker object that took it; void once that has closed


class EmbeddedBroker:
    """The :class:`axis.core.message.Broker` port on one SQLite file.

    `user_id` is the agency this object serves: it stamps what is published, and only the agency's own
    routes may be published to and read. None is the hub, which may do everything.
    The tables (``TABLES``) must have been made. Each consumer needs an object of its own.
    """

    def __init__(self, database: Database, user_id: str | None) -> None:
        self._database = database
        self._user_id = user_id
        self._token = uuid.uuid4().hex
        self._not_freed: set[str] = set()  # tokens whose messages could not be given back yet
        self._last_served: dict[bool, str] = {}  # by level: where the next round begins

    @staticmethod
    def free_leases(database: Database) -> int:
        """Give back every message held by anyone; how many. For whoever has just taken the home's lock."""
        with database.begin() as connection:
            return _free(connection, queue_message.c.held_by.is_not(None))

    def declare(self, codes: Iterable[str]) -> None:
        """Make the queues of these agencies and the dead letters. Idempotent.

        Raises :class:`Misconfigured` BROKER_CONFIG for an agency's broker: only the hub declares.
        """
        if self._user_id is not None:
            raise Misconfigured(Problem(Fault.BROKER_CONFIG, got=f"{self._user_id} may not declare queues"))
        names = [DEAD_QUEUE, *(route.queue for code in codes for route in _all_routes(code))]
        with self._database.begin() as connection:
            there = set(connection.execute(sa.select(queue.c.name)).scalars())
            for name in names:
                if name not in there:
                    insert_or_ignore(connection, queue, {"name": name})

    def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        """Put all into their queues in one transaction; one outcome each, in order.

        A message that this user may not publish, or that is too large, is FAILED and named in the log; the
        others go on.
        """
        outcomes = [Outcome.FAILED] * len(messages)
        allowed = []
        for number, message in enumerate(messages):
            if why_not := why_not_publish(message, self._user_id):
                log.error("message %s to %s refused: %s", message.id, message.route.queue, why_not)
            else:
                allowed.append(number)
        if not allowed:
            return outcomes
        names = {messages[number].route.queue for number in allowed}
        with self._database.begin() as connection:
            there = _existing(connection, names)
            rows = []
            for number in allowed:
                message = messages[number]
                if message.route.queue not in there:
                    outcomes[number] = Outcome.RETURNED
                    continue
                outcomes[number] = Outcome.CONFIRMED
                rows.append(
                    {
                        "queue": message.route.queue,
                        "came_from": message.route.queue,
                        "message_id": message.id,
                        "user_id": self._user_id,
                        "body_digest": payloads.put(connection, message.body),
                        "proof_digest": payloads.put(connection, message.proof) if message.proof else "",
                        "size": len(message.body) + len(message.proof),
                        "held_by": None,
                        "deliveries": 0,
                        "origin": message.origin[:MAX_ORIGIN],
                    }
                )
            if rows:
                connection.execute(sa.insert(queue_message), rows)
        return outcomes

    def receive(self, routes: Sequence[Route], *, limit: int, max_bytes: int, timeout: float) -> list[Delivered]:
        """Take messages as the port promises; one transaction, whatever the number of routes.

        A message whose stored bytes are not what was published goes to the dead letters with a line in the log.
        Raises :class:`Unavailable` BROKER_NO_QUEUE when none of the queues exists (those that do are
        served without the others), :class:`Misconfigured` BROKER_CONFIG for another agency's queue.
        """
        for route in routes:
            if self._user_id not in {None, route.code} or (self._user_id is not None and route.direction == "in"):
                raise Misconfigured(Problem(Fault.BROKER_CONFIG, got=f"{self._user_id} may not read {route.queue}"))
        self._free_all()
        deadline = time.monotonic() + timeout
        while True:
            # Looking needs no lock; only when something is there does the one writer start.
            with self._database.read() as connection:
                self._require_queues(connection, routes)
                waiting = _is_any_waiting(connection, routes)
            taken = self._take(routes, limit, max_bytes) if waiting and limit > 0 else []
            left = deadline - time.monotonic()
            if taken or left <= 0:
                return taken
            time.sleep(min(POLL, left))

    def ack(self, deliveries: Sequence[Delivered]) -> None:
        """Delete what this object still holds of these, in one transaction."""
        if rows := self._held(deliveries):
            with self._database.begin() as connection:
                connection.execute(
                    sa.delete(queue_message).where(queue_message.c.id.in_(rows), queue_message.c.held_by == self._token)
                )

    def reject(self, deliveries: Sequence[Delivered]) -> None:
        """Move what this object still holds of these to the dead letters, in one transaction."""
        if rows := self._held(deliveries):
            with self._database.begin() as connection:
                _bury(connection, queue_message.c.id.in_(rows), queue_message.c.held_by == self._token)

    def depth(self, route: Route) -> int:
        """How many wait in this queue unheld. Raises :class:`Unavailable` BROKER_NO_QUEUE."""
        return self._depth(route.queue)

    def dead_depth(self) -> int:
        """How many dead letters there are. Raises :class:`Unavailable` BROKER_NO_QUEUE."""
        return self._depth(DEAD_QUEUE)

    def close(self) -> None:
        """Give back what is held. Idempotent. If the database is away the next receive() does."""
        self._not_freed.add(self._token)
        self._token = uuid.uuid4().hex
        try:
            self._free_all()
        except (Unavailable, Corrupted) as error:
            log.warning("what is held is given back later: %s", error)

    def _free_all(self) -> None:
        if self._not_freed:
            with self._database.begin() as connection:
                _free(connection, queue_message.c.held_by.in_(self._not_freed))
            self._not_freed.clear()

    def _held(self, deliveries: Sequence[Delivered]) -> list[int]:
        handles = [cast("_Handle", delivered.handle) for delivered in deliveries]
        return [handle.row for handle in handles if handle.token == self._token]

    def _depth(self, name: str) -> int:
        with self._database.read() as connection:
            if not _existing(connection, {name}):
                raise Unavailable(Problem(Fault.BROKER_NO_QUEUE, got=name))
            waiting = sa.select(sa.func.count()).where(queue_message.c.queue == name, queue_message.c.held_by.is_(None))
            return int(connection.execute(waiting).scalar_one())

    @staticmethod
    def _require_queues(connection: Connection, routes: Sequence[Route]) -> None:
        names = {route.queue for route in routes}
        if names and not _existing(connection, names):
            raise Unavailable(Problem(Fault.BROKER_NO_QUEUE, got=min(names)))

    def _take(self, routes: Sequence[Route], limit: int, max_bytes: int) -> list[Delivered]:
        with self._database.begin() as connection:
            chosen = self._choose(_first_waiting(connection, routes, limit), routes, limit, max_bytes)
            rows = connection.execute(sa.select(queue_message).where(queue_message.c.id.in_(chosen))).mappings()
            by_id = {row["id"]: row for row in rows}
            connection.execute(
                sa.update(queue_message)
                .where(queue_message.c.id.in_(chosen))
                .values(held_by=self._token, deliveries=queue_message.c.deliveries + 1)
            )
            by_name = {route.queue: route for route in routes}
            taken, damaged = [], []
            for row in (by_id[number] for number in chosen):
                try:
                    body = payloads.get(connection, row["body_digest"])
                    proof = payloads.get(connection, row["proof_digest"]) if row["proof_digest"] else b""
                except Corrupted as error:
                    log.warning("message %s in %s is now a dead letter: %s", row["message_id"], row["queue"], error)
                    damaged.append(row["id"])
                    continue
                route = by_name[row["queue"]]
                message = Message(row["message_id"], route, body, proof, row["user_id"], row["origin"])
                taken.append(Delivered(message, row["deliveries"] > 0, _Handle(row["id"], self._token)))
            if damaged:
                _bury(connection, queue_message.c.id.in_(damaged))
        for delivered in taken:
            self._last_served[delivered.message.route.urgent] = delivered.message.route.queue
        return taken

    def _choose(
        self, waiting: dict[str, list[tuple[int, int]]], routes: Sequence[Route], limit: int, max_bytes: int
    ) -> list[int]:
        """The rows to take, of (id, size) by queue: urgent first, the first of each queue, the second, …

        Each round begins after the queue that was served last; else the first queues of the list would
        always win when `limit` is smaller than their number.
        """
        chosen: list[int] = []
        total = 0
        for urgent in (True, False):
            names = list(dict.fromkeys(route.queue for route in routes if route.urgent is urgent))
            start = names.index(last) + 1 if (last := self._last_served.get(urgent)) in names else 0
            lines = [waiting[name] for name in names[start:] + names[:start] if name in waiting]
            for row in itertools.chain.from_iterable(itertools.zip_longest(*lines)):
                if row is None:
                    continue
                number, size = row
                if len(chosen) == limit or (chosen and total + size > max_bytes):
                    return chosen
                chosen.append(number)
                total += size
        return chosen


def why_not_publish(message: Message, user_id: str | None) -> str:
    """Why the broker user `user_id` may not publish `message`; "" if it may.

    None is the hub, or a user whom all share: nothing is stamped then, whatever the message says.
    An agency publishes only to the hub, by its own routing keys and in its own name.
    """
    if user_id is not None and message.user_id not in {None, user_id}:
        return f"published as {message.user_id} by broker user {user_id}"
    if user_id is not None and (message.route.direction, message.route.code) != ("in", user_id):
        return f"broker user {user_id} may not publish there"
    if (size := len(message.body) + len(message.proof)) > MAX_MESSAGE:
        return f"{size} bytes, at most {MAX_MESSAGE}"
    if not 0 < len(message.id.encode()) <= MAX_ID:
        return f"its id must have 1 to {MAX_ID} bytes"
    return ""


def _all_routes(code: str) -> list[Route]:
    return [Route(direction, code, urgent) for direction in ("in", "out") for urgent in (True, False)]


def _existing(connection: Connection, names: Iterable[str]) -> set[str]:
    return set(connection.execute(sa.select(queue.c.name).where(queue.c.name.in_(list(names)))).scalars())


def _free(connection: Connection, which: sa.ColumnElement[bool]) -> int:
    freed = connection.execute(sa.update(queue_message).where(which).values(held_by=None))
    return int(freed.rowcount)


def _bury(connection: Connection, *which: sa.ColumnElement[bool]) -> None:
    connection.execute(sa.update(queue_message).where(*which).values(queue=DEAD_QUEUE, held_by=None))


def _is_any_waiting(connection: Connection, routes: Sequence[Route]) -> bool:
    names = {route.queue for route in routes}
    waiting = (
        sa.select(sa.literal(1)).where(queue_message.c.queue.in_(names), queue_message.c.held_by.is_(None)).limit(1)
    )
    return connection.execute(waiting).first() is not None


def _first_waiting(connection: Connection, routes: Sequence[Route], limit: int) -> dict[str, list[tuple[int, int]]]:
    """(id, size) of the first `limit` waiting rows of each queue, in order of arrival; one statement.

    Only so many are looked at in each queue, so a backlog of a million costs no more than one of a hundred.
    """
    inner = queue_message.alias("inner_message")
    first_ones = (
        sa.select(inner.c.id)
        .where(inner.c.queue == queue.c.name, inner.c.held_by.is_(None))
        .order_by(inner.c.id)
        .limit(limit)
        .correlate(queue)
        .scalar_subquery()
    )
    found = (
        sa.select(queue_message.c.queue, queue_message.c.id, queue_message.c.size)
        .select_from(queue.join(queue_message, queue_message.c.id.in_(first_ones)))
        .where(queue.c.name.in_({route.queue for route in routes}))
        .order_by(queue_message.c.id)
    )
    waiting: dict[str, list[tuple[int, int]]] = {}
    for name, number, size in connection.execute(found):
        waiting.setdefault(name, []).append((number, size))
    return waiting
