"""The broker without a server: queues in the SQLite file of one home, the same promises as over AMQP.

A message is a row; acknowledging deletes it. Who holds it is known in memory alone: one process has the home (an
exclusive lock), so what a process that died had held is free again with it. Whoever takes that lock calls
:meth:`EmbeddedBroker.free_leases`; unless the process before it has said good-bye (:meth:`EmbeddedBroker.rest`), every
message of that time counts as given before.

Bodies lie in the payload place under their digest, so that one parcel to ninety recipients is kept once;
what no row names any more is swept from there, not here.
"""

from __future__ import annotations

import itertools
import json
import logging
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakValueDictionary

import sqlalchemy as sa

from axis.core import tracing
from axis.core.message import DEAD_QUEUE, Delivered, Message, Outcome, Route, agency_routes
from axis.errors import Fault, Misconfigured, Problem, Unavailable
from axis.infra import dead_letters, payloads
from axis.infra.database import BIG_ID, insert_all_or_ignore, insert_or_ignore, metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy.engine import Connection

    from axis.core.message import Broker, DeadLetter, Line
    from axis.infra.database import Database

log = logging.getLogger(__name__)

MAX_MESSAGE = 64 * 1024 * 1024  # bytes of body and proof: a packet of 50 MB and what surrounds it
MAX_ID = 255  # bytes; AMQP has one byte for the length
MAX_ORIGIN = 200  # characters
SIFTED, SIFTED_BYTES = 50, 64 * 1024 * 1024  # messages, and bytes, that are looked at in a queue at once
QUIET = 30.0  # seconds until a queue that was found empty is looked at without anybody having published to it

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
    sa.Column("held_by", sa.Text),  # of older programs, which kept here who holds it; empty from the start on
    sa.Column("deliveries", sa.Integer, nullable=False),  # above 0: it was given to somebody before
    sa.Column("origin", sa.Text, nullable=False, server_default=""),
    sa.Column("traceparent", sa.Text, nullable=False, server_default=""),
    sqlite_autoincrement=True,  # an id never comes again, so ids are the order of arrival
)
sa.Index(
    "queue_message_waiting",
    queue_message.c.queue,
    queue_message.c.id,
    sqlite_where=queue_message.c.held_by.is_(None),
)
sa.Index("queue_message_held", queue_message.c.held_by, sqlite_where=queue_message.c.held_by.is_not(None))

# It has a row while no process works with the queues, if the last one has said good-bye.
queue_rest = sa.Table("queue_rest", metadata, sa.Column("name", sa.Text, primary_key=True))

TABLES = (payloads.payload, queue, queue_message, queue_rest)
BODY_REFERENCES = (queue_message.c.body_digest,)
PAYLOAD_REFERENCES = (queue_message.c.body_digest, queue_message.c.proof_digest)


_NAMED = sa.select(sa.func.json_each(sa.bindparam("names")).table_valued("value").c.value)
_EXISTING = sa.select(queue.c.name).where(queue.c.name.in_(_NAMED))
_NUMBERED = sa.select(sa.func.json_each(sa.bindparam("numbers")).table_valued("value").c.value)
_ROWS = sa.select(queue_message).where(queue_message.c.id.in_(_NUMBERED))
_DELETE = sa.delete(queue_message).where(queue_message.c.id.in_(_NUMBERED))
_BURY = sa.update(queue_message).where(queue_message.c.id.in_(_NUMBERED)).values(queue=DEAD_QUEUE)
_GIVEN = sa.update(queue_message).where(queue_message.c.id.in_(_NUMBERED)).values(deliveries=1)
_INSERT = sa.insert(queue_message)
_COUNT = sa.select(sa.func.count()).where(queue_message.c.queue == sa.bindparam("name"))
# Only so many are looked at in each queue, so a backlog of a million costs no more than one of a hundred.
_FIRST = sa.text("""
    SELECT m.queue, m.id, m.size FROM json_each(:names) AS named JOIN queue_message AS m ON m.id IN (
        SELECT one.id FROM queue_message AS one WHERE one.queue = named.value AND one.held_by IS NULL
        ORDER BY one.id LIMIT :count)
    ORDER BY m.id""")


@dataclass(frozen=True, slots=True)
class _Handle:
    row: int
    token: str  # of the broker object that took it; void once that has closed


@dataclass(eq=False)
class EmbeddedLine:
    """What the broker objects of one file have in common (:class:`axis.core.message.Line`): who holds what of its
    queues, and where something may wait."""

    held: dict[int, tuple[str, str]] = field(default_factory=dict)  # (token, queue) by row
    given: set[int] = field(default_factory=set)  # rows that came back
    doubtful: int = 0  # up to this row each may have been given by a process that died
    quiet: dict[str, float] = field(default_factory=dict)  # until when a queue is empty, unless somebody publishes
    changed: threading.Condition = field(default_factory=threading.Condition)
    _names: dict[str, list[str]] = field(default_factory=dict)  # of the queues of an agency's mail

    def publish(self, parts: Sequence[tuple[Broker, Sequence[Message]]]) -> list[list[Outcome]]:
        """See :class:`axis.core.message.Line`."""
        return publish_for(cast("Sequence[tuple[EmbeddedBroker, Sequence[Message]]]", parts))

    def receive(
        self, parts: Sequence[tuple[Broker, Sequence[Route]]], *, limit: int, max_bytes: int
    ) -> list[list[Delivered]]:
        """See :class:`axis.core.message.Line`."""
        own = cast("Sequence[tuple[EmbeddedBroker, Sequence[Route]]]", parts)
        return receive_for(own, limit=limit, max_bytes=max_bytes)

    def ack(self, parts: Sequence[tuple[Broker, Sequence[Delivered]]]) -> None:
        """See :class:`axis.core.message.Line`."""
        ack_for(cast("Sequence[tuple[EmbeddedBroker, Sequence[Delivered]]]", parts))

    def may_have_mail(self, code: str) -> bool:
        """See :class:`axis.core.message.Line`."""
        names = self._names.get(code)
        if names is None:
            names = self._names[code] = [route.queue for route in agency_routes(code)]
        return bool(self.may_wait(names, time.monotonic()))

    def wake(self, names: Iterable[str]) -> None:
        """Something waits in these queues."""
        with self.changed:
            for name in names:
                self.quiet.pop(name, None)
            self.changed.notify_all()

    def may_wait(self, names: Iterable[str], now: float) -> list[str]:
        """Those of these queues in which something may wait."""
        return [name for name in names if self.quiet.get(name, 0.0) <= now]

    def give_back(self, token: str) -> None:
        """What this token holds is free."""
        with self.changed:
            back = {row: name for row, (holder, name) in self.held.items() if holder == token}
            for row in back:
                del self.held[row]
            self.given.update(back)
            self.wake(back.values())

    def let_go(self, token: str) -> None:
        """What this token holds is free, and was given to nobody."""
        with self.changed:
            back = {row: name for row, (holder, name) in self.held.items() if holder == token}
            for row in back:
                del self.held[row]
            self.wake(back.values())

    def settle(self, rows: Iterable[int]) -> None:
        """These are gone from their queues."""
        with self.changed:
            for row in rows:
                self.held.pop(row, None)
                self.given.discard(row)


_leases: WeakValueDictionary[str, EmbeddedLine] = WeakValueDictionary()
_making = threading.Lock()


def _leases_of(database: Database) -> EmbeddedLine:
    with _making:
        name = str(database.url.database)
        found = _leases.get(name)
        if found is None:
            found = _leases[name] = EmbeddedLine()
        database.beside[__name__] = found  # as long as the file is open, with a broker or not
        return found


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
        self._leases = _leases_of(database)
        self._last_served: dict[bool, str] = {}  # by level: where the next round begins

    @staticmethod
    def free_leases(database: Database) -> None:
        """Nobody holds anything, whatever an earlier process has held. For whoever has just taken the home's lock."""
        leases = _leases_of(database)
        with database.begin() as connection:
            connection.execute(
                sa.update(queue_message).where(queue_message.c.held_by.is_not(None)).values(held_by=None)
            )
            said_good_bye = connection.execute(sa.delete(queue_rest)).rowcount
            last = connection.execute(sa.select(sa.func.max(queue_message.c.id))).scalar() or 0
        with leases.changed:
            leases.held.clear()
            leases.given.clear()
            leases.quiet.clear()
            leases.doubtful = 0 if said_good_bye else last

    @staticmethod
    def rest(database: Database) -> None:
        """A good-bye: what was given and not acknowledged is marked, so that the next process doubts nothing else."""
        leases = _leases_of(database)
        with leases.changed, database.begin() as connection:
            connection.execute(_GIVEN, {"numbers": json.dumps([*leases.held, *leases.given])})
            before = sa.update(queue_message).where(queue_message.c.id <= leases.doubtful).values(deliveries=1)
            connection.execute(before)
            insert_or_ignore(connection, queue_rest, {"name": "rest"})

    def declare(self, codes: Iterable[str]) -> None:
        """Make the queues of these agencies and the dead letters. Idempotent.

        Raises :class:`Misconfigured` BROKER_CONFIG for an agency's broker: only the hub declares.
        """
        if self._user_id is not None:
            raise Misconfigured(Problem(Fault.BROKER_CONFIG, got=f"{self._user_id} may not declare queues"))
        names = [DEAD_QUEUE, *(route.queue for code in codes for route in _all_routes(code))]
        with self._database.begin() as connection:
            insert_all_or_ignore(connection, queue, [{"name": name} for name in names])

    def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        """Put all into their queues in one transaction; one outcome each, in order.

        A message that this user may not publish, or that is too large, is FAILED and named in the log; the
        others go on.
        """
        return publish_for([(self, messages)])[0]

    def receive(self, routes: Sequence[Route], *, limit: int, max_bytes: int, timeout: float) -> list[Delivered]:
        """Take messages as the port promises; nothing is written, whatever the number of routes.

        A message whose stored bytes are not what was published goes to the dead letters with a line in the log.
        Raises :class:`Unavailable` BROKER_NO_QUEUE when none of the queues exists (those that do are
        served without the others), :class:`Misconfigured` BROKER_CONFIG for another agency's queue.
        """
        self._check_rights(routes)
        deadline = time.monotonic() + timeout
        while True:
            (taken,) = receive_for([(self, routes)], limit=limit, max_bytes=max_bytes)
            if taken:
                return taken
            with self._leases.changed:
                while not self._leases.may_wait((route.queue for route in routes), time.monotonic()):
                    left = deadline - time.monotonic()
                    if left <= 0:
                        return []
                    self._leases.changed.wait(min(left, QUIET))
                if limit <= 0 or deadline <= time.monotonic():
                    return []

    def ack(self, deliveries: Sequence[Delivered]) -> None:
        """Delete what this object still holds of these, in one transaction."""
        ack_for([(self, deliveries)])

    def reject(self, deliveries: Sequence[Delivered]) -> None:
        """Move what this object still holds of these to the dead letters, in one transaction."""
        if rows := self._held(deliveries):
            self._bury(rows)

    def depth(self, route: Route) -> int:
        """How many wait in this queue unheld. Raises :class:`Unavailable` BROKER_NO_QUEUE."""
        return self._depth(route.queue)

    def waiting(self, queue: str) -> tuple[int, int]:
        """How many wait in this queue unheld, and how many read it: this process alone."""
        return self._depth(queue), 1

    def holds(self, queue: str) -> bool:
        """What is taken here is received at once."""
        return False

    def dead_depth(self) -> int:
        """How many dead letters there are. Raises :class:`Unavailable` BROKER_NO_QUEUE."""
        return self._depth(DEAD_QUEUE)

    def sift_dead_letters(self, limit: int, is_done: Callable[[DeadLetter], bool]) -> None:
        """See :meth:`axis.core.message.Broker.sift_dead_letters`."""
        dead_letters.sift_file(self._database, limit, is_done)

    def sift(self, route: Route, limit: int, are_done: Callable[[Sequence[Delivered]], Sequence[bool]]) -> None:
        """See :meth:`axis.core.message.Broker.sift`."""
        self._check_rights([route])
        self._depth(route.queue)
        shown, left = EmbeddedBroker(self._database, self._user_id), limit
        self._leases.wake([route.queue])
        try:
            while left > 0 and (
                part := shown.receive([route], limit=min(SIFTED, left), max_bytes=SIFTED_BYTES, timeout=0)
            ):
                shown.ack(list(itertools.compress(part, are_done(part))))
                left -= len(part)
        finally:
            self._leases.let_go(shown._token)

    def close(self) -> None:
        """Give back what is held. Idempotent."""
        self._leases.give_back(self._token)
        self._token = uuid.uuid4().hex

    @property
    def line(self) -> Line:
        """What it has in common with the others of this file."""
        return self._leases

    def _check_rights(self, routes: Sequence[Route]) -> None:
        for route in routes:
            if self._user_id not in {None, route.code} or (self._user_id is not None and route.direction == "in"):
                raise Misconfigured(Problem(Fault.BROKER_CONFIG, got=f"{self._user_id} may not read {route.queue}"))

    def _held(self, deliveries: Sequence[Delivered]) -> list[int]:
        rows = [handle.row for one in deliveries if (handle := cast("_Handle", one.handle)).token == self._token]
        return [row for row in rows if row in self._leases.held]

    def _bury(self, rows: Sequence[int]) -> None:
        with self._database.begin() as connection:
            connection.execute(_BURY, {"numbers": json.dumps(rows)})
        self._leases.settle(rows)

    def _depth(self, name: str) -> int:
        with self._leases.changed, self._database.read() as connection:
            if not _existing(connection, [name]):
                raise Unavailable(Problem(Fault.BROKER_NO_QUEUE, got=name))
            held = sum(1 for _, where in self._leases.held.values() if where == name)
            return int(connection.execute(_COUNT, {"name": name}).scalar_one()) - held

    def _choose(
        self, waiting: dict[str, list[tuple[int, int]]], routes: Sequence[Route], limit: int, max_bytes: int
    ) -> tuple[dict[int, Route], int]:
        """The rows to take with their routes, and their bytes: urgent first, the first of each queue, the second, …

        Each round begins after the queue that was served last; else the first queues of the list would
        always win when `limit` is smaller than their number.
        """
        chosen: dict[int, Route] = {}
        total = 0
        for urgent in (True, False):
            by_name = {route.queue: route for route in routes if route.urgent is urgent}
            names = list(by_name)
            start = names.index(last) + 1 if (last := self._last_served.get(urgent)) in by_name else 0
            lines = [
                [(by_name[name], one) for one in waiting[name]]
                for name in names[start:] + names[:start]
                if name in waiting
            ]
            for found in itertools.chain.from_iterable(itertools.zip_longest(*lines)):
                if found is None:
                    continue
                route, (number, size) = found
                if len(chosen) == limit or (chosen and total + size > max_bytes):
                    return chosen, total
                chosen[number] = route
                total += size
                self._last_served[urgent] = route.queue
        return chosen, total


def publish_for(parts: Sequence[tuple[EmbeddedBroker, Sequence[Message]]]) -> list[list[Outcome]]:
    """As :meth:`EmbeddedBroker.publish` of each, in one transaction for all."""
    outcomes = [[Outcome.FAILED] * len(messages) for _, messages in parts]
    allowed: list[tuple[int, int, str | None, Message]] = []
    for place, (broker, messages) in enumerate(parts):
        for number, message in enumerate(messages):
            if why_not := why_not_publish(message, broker._user_id):
                log.error("message %s to %s refused: %s", message.id, message.route.queue, why_not)
            else:
                allowed.append((place, number, broker._user_id, message))
    if not allowed:
        return outcomes
    first = parts[0][0]
    with first._database.begin() as connection:
        there = _existing(connection, {message.route.queue for _, _, _, message in allowed})
        sent = [one for one in allowed if one[3].route.queue in there]
        rows: list[dict[str, Any]] = []
        contents: dict[str, bytes] = {}
        for place, number, user_id, message in sent:
            body = message.digest or payloads.digest_of(message.body)
            proof = message.proof_digest or payloads.digest_of(message.proof)
            contents[body] = message.body
            if message.proof:
                contents[proof] = message.proof
            outcomes[place][number] = Outcome.CONFIRMED
            rows.append(
                {
                    "queue": message.route.queue,
                    "came_from": message.route.queue,
                    "message_id": message.id,
                    "user_id": user_id,
                    "body_digest": body,
                    "proof_digest": proof if message.proof else "",
                    "size": len(message.body) + len(message.proof),
                    "held_by": None,
                    "deliveries": 0,
                    "origin": message.origin[:MAX_ORIGIN],
                    "traceparent": tracing.traceparent(message.traceparent),
                }
            )
        if rows:
            payloads.put_all(connection, list(contents.items()))
            connection.execute(_INSERT, rows)
    for place, number, _, message in allowed:
        if message.route.queue not in there:
            outcomes[place][number] = Outcome.RETURNED
    first._leases.wake({row["queue"] for row in rows})
    return outcomes


def receive_for(
    parts: Sequence[tuple[EmbeddedBroker, Sequence[Route]]], *, limit: int, max_bytes: int
) -> list[list[Delivered]]:
    """As :meth:`EmbeddedBroker.receive` of each without waiting: one question for all queues, and one for what is in
    them. `limit` and `max_bytes` are for all of them together; who comes first in `parts` is served first."""
    taken: list[list[Delivered]] = [[] for _ in parts]
    if not parts or limit <= 0:
        return taken
    database, leases = parts[0][0]._database, parts[0][0]._leases
    with leases.changed:
        now = time.monotonic()
        names = leases.may_wait(dict.fromkeys(route.queue for _, routes in parts for route in routes), now)
        if not names:
            return taken
        held = max(Counter(name for _, name in leases.held.values()).values(), default=0)
        with database.read() as connection:
            found = connection.execute(_FIRST, {"names": json.dumps(names), "count": limit + held}).all()
            waiting: dict[str, list[tuple[int, int]]] = {}
            for name, number, size in found:
                if number not in leases.held:
                    waiting.setdefault(name, []).append((number, size))
            if not waiting and len(parts) == 1 and not _existing(connection, [r.queue for r in parts[0][1]]):
                raise Unavailable(Problem(Fault.BROKER_NO_QUEUE, got=min(names)))
        leases.quiet |= {name: now + QUIET for name in names if name not in waiting}
        chosen: list[dict[int, Route]] = []
        for broker, routes in parts:
            rows, size = broker._choose(waiting, routes, limit, max_bytes)
            chosen.append(rows)
            leases.held |= {row: (broker._token, route.queue) for row, route in rows.items()}
            limit, max_bytes = limit - len(rows), max_bytes - size
            if limit <= 0 or max_bytes <= 0:
                break
    if any(chosen):
        _read(database, parts, chosen, taken)
    return taken


def _read(
    database: Database,
    parts: Sequence[tuple[EmbeddedBroker, Sequence[Route]]],
    chosen: Sequence[dict[int, Route]],
    taken: list[list[Delivered]],
) -> None:
    numbers = [number for rows in chosen for number in rows]
    leases = parts[0][0]._leases
    try:
        with database.read() as connection:
            by_id = {row["id"]: row for row in connection.execute(_ROWS, {"numbers": json.dumps(numbers)}).mappings()}
            wanted = {
                digest for row in by_id.values() for digest in (row["body_digest"], row["proof_digest"]) if digest
            }
            contents = payloads.get_sound(connection, wanted)
    except BaseException:
        for number in numbers:
            leases.held.pop(number, None)
        raise
    for place, rows in enumerate(chosen):
        broker, damaged = parts[place][0], []
        for number, route in rows.items():
            row = by_id.get(number)
            if row is None:
                leases.settle([number])
                continue
            body = contents.get(row["body_digest"])
            proof = contents.get(row["proof_digest"]) if row["proof_digest"] else b""
            if body is None or proof is None:
                log.warning(
                    "message %s in %s is now a dead letter: its bytes are damaged", row["message_id"], row["queue"]
                )
                damaged.append(number)
                continue
            digests = row["body_digest"], row["proof_digest"]
            named = (row["message_id"], route, body, proof, row["user_id"], row["origin"], *digests)
            message = Message(*named, traceparent=row["traceparent"])
            before = row["deliveries"] > 0 or number in leases.given or number <= leases.doubtful
            taken[place].append(Delivered(message, before, _Handle(number, broker._token)))
        if damaged:
            broker._bury(damaged)


def ack_for(parts: Sequence[tuple[EmbeddedBroker, Sequence[Delivered]]]) -> None:
    """As :meth:`EmbeddedBroker.ack` of each, in one transaction for all."""
    rows = [row for broker, deliveries in parts for row in broker._held(deliveries)]
    if rows:
        with parts[0][0]._database.begin() as connection:
            connection.execute(_DELETE, {"numbers": json.dumps(rows)})
        parts[0][0]._leases.settle(rows)


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
    return set(connection.execute(_EXISTING, {"names": json.dumps(list(names))}).scalars())
