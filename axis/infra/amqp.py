"""The broker port over AMQP 0-9-1 (RabbitMQ 3.10 and later, quorum queues).

Separate connections publish, consume and ask. A broker short of memory or disk stops reading from whoever
publishes; acknowledgements must still get through then. And the one that consumes stops reading itself when
its caller does not keep up. Each connection has its I/O loop in a thread of its
own, so heartbeats are answered while the caller judges a batch or waits for a database. The caller's thread
hands work over and waits; what goes wrong in a callback ends the connection *and* is raised to the caller.

On the consuming side every queue has a channel of its own. So a missing or forbidden queue closes only its
own channel, and what is taken from one queue is a prefix of that channel's delivery tags: one multiple
acknowledgement covers it. A delivery tag means nothing beyond its channel; a handle therefore holds the
channel's object, and is void once that has closed.

**Memory.** AMQP bounds what a consumer is sent in messages, not in bytes, and for each queue: prefetch 50 of
190 queues of 50 MB are 475 GB. So the connection stops reading when `buffer_bytes` wait for the caller, and
goes on at half of that. What is held is therefore at most `buffer_bytes` and one message more, beside the
messages that the caller has taken. Should the caller be away for long meanwhile the broker cuts the
connection (after 15 s by default) and the messages come again.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import itertools
import json
import logging
import random
import re
import ssl
import struct
import threading
import time
from collections import deque
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import pika
from pika import exceptions, frame, spec
from pika.adapters.select_connection import IOLoop, SelectConnection
from pika.adapters.utils.selector_ioloop_adapter import SelectorIOServicesAdapter
from pika.channel import ContentFrameAssembler
from pika.credentials import ExternalCredentials

from axis import crashpoints
from axis.core.message import DEAD_QUEUE, Delivered, Message, Outcome, Route
from axis.errors import AxisError, Fault, Misconfigured, Problem, Unavailable
from axis.infra import dead_letters
from axis.infra.embedded import MAX_MESSAGE, MAX_ORIGIN, why_not_publish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pika.channel import Channel

    from axis.core.message import DeadLetter
    from axis.infra.proved import Proved

log = logging.getLogger(__name__)

T = TypeVar("T")
Role = Literal["publish", "consume", "ask"]

_TOO_LARGE = 406, "message size"
_OTHER_ARGUMENT = re.compile(r"inequivalent arg '([^']*)' for queue '([^']*)'")
CONTENT_TYPE = "application/vnd.etsi.asic-e+zip"
APP_ID = "axis"

WINDOW = 100  # confirms outstanding; beyond that the rate does not grow
WINDOW_BYTES = 32 * 1024 * 1024
SLOWEST_LINK = 256 * 1024  # bytes a second an agency's line must manage; a large message gets time accordingly
_SLICE = 0.2  # seconds after which who waits asks whether that still makes sense
LARGE = 1024 * 1024  # bytes from which on a message is not held once more than need be
_FRAME, _FRAME_END = struct.Struct(">BHL"), bytes([spec.FRAME_END])
SETTLE = 0.5  # seconds a new consumer may take to bring what its queue holds, see _Source
RECEIVE_BYTES = 32 * 1024  # of one recv(); with pika's 4 kB a message of 100 kB takes twice the time

# How often a message may come back before the broker itself calls it dead. Not a verdict on the message: a
# killed consumer returns a whole batch of innocents. The record counts attempts and judges; this is an alarm.
DELIVERY_LIMIT = 1000

# Without a limit of its own a quorum queue has none before RabbitMQ 4, and 20 from there on: after that, where no dead
# letters are kept, the message is gone. So every queue says its own.
_QUORUM: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT}
# A full queue refuses what comes; it drops nothing that it holds.
_BOUNDED = _QUORUM | {"x-overflow": "reject-publish"}
QUEUE_ARGUMENTS = _BOUNDED | {
    # A dead letter leaves its queue only when the other queue has confirmed it. That needs reject-publish.
    "x-dead-letter-strategy": "at-least-once",
    "x-dead-letter-exchange": "",  # the default exchange always exists and needs no binding
    "x-dead-letter-routing-key": DEAD_QUEUE,
}
# Of what an agency sends so much may wait for the hub; beyond it the broker refuses (the adapter keeps it and tries
# again). So a flood fills its own queue and then costs the broker's disk, which all share, nothing.
INTAKE_QUOTA: dict[str, Any] = {"x-max-length": 10_000, "x-max-length-bytes": 4_000_000_000}
# The same for an agency's mail, whatever the number of hub workers; the rest waits in the record. Their own limit,
# `hub.queue_depth`, counts messages only: AMQP tells nobody how many bytes wait.
MAIL_QUOTA = INTAKE_QUOTA
# A dead letter that finds no room waits where it is and counts there, so against the agency whose queue that is.
DEAD_QUOTA: dict[str, Any] = {"x-max-length": 10_000, "x-max-length-bytes": 1_000_000_000}

OLD_INTAKE = "axis.in"  # of adapters from before each agency had an intake exchange of its own


def queue_arguments(route: Route | None) -> dict[str, Any]:
    """The arguments that this route's queue is declared with; None: the dead letters' queue."""
    if route is None:
        return _BOUNDED | DEAD_QUOTA
    return QUEUE_ARGUMENTS | (INTAKE_QUOTA if route.direction == "in" else MAIL_QUOTA)


def exchanges(codes: Iterable[str]) -> dict[str, str]:
    """The exchanges that agencies' mail needs, with their kinds.

    One exchange for all intakes would not do: CC and BCC headers are routing keys too, and the broker asks only for the
    right to the first key."""
    return {OLD_INTAKE: "topic", "axis.out": "topic"} | {Route("in", code).exchange: "direct" for code in codes}


def bindings(route: Route) -> list[tuple[str, str]]:
    """(exchange, routing key) of everything that leads to this route's queue."""
    old = [(OLD_INTAKE, route.routing_key)] if route.direction == "in" else []
    return [(route.exchange, route.routing_key), *old]


def lock_queue(code: str) -> str:
    """The queue that one adapter of this agency holds for itself alone while it works."""
    return f"axis.lock.{code}"


class AmqpBroker:
    """The :class:`axis.core.message.Broker` port on RabbitMQ.

    `url` is ``amqp(s)://user:password@host:port/vhost``, or several, separated by commas, that are tried in
    turn (the nodes of a cluster). `ca_file` is for AMQPS and replaces the system's authorities; with
    `certificate_file` and `key_file` the broker knows the user by certificate (EXTERNAL), not by password.
    `user_id` is the agency this object serves, None for the hub; it is
    stamped on what is published, and the broker checks it against the login. `alone`: before it reads an agency's mail
    it takes that agency's lock at the broker, which one connection can have; :meth:`receive` raises
    :class:`Unavailable` ADAPTER_TWICE while another has it. `prefetch` is how many
    unacknowledged messages of each queue the broker hands out, `buffer_bytes` how many bytes of them wait
    here before reading pauses. `name` is shown in the broker's list of
    connections. All times in seconds: `connect_timeout` bounds how long one call tries to connect,
    `confirm_timeout` how long publishing goes on without a word from the broker, also while it is blocked.
    `proved` remembers what :meth:`check` has found. `arrived` is called, in another thread, when messages have come.
    `is_over`: the process ends, and nothing is waited for any more.

    Connects when first needed and again after a loss. Besides :class:`Unavailable` every method raises
    :class:`Misconfigured` BROKER_CONFIG when the broker forbids what is asked (login, rights, arguments of
    an existing queue); waiting will not help then.
    """

    def __init__(
        self,
        url: str,
        *,
        user_id: str | None,
        alone: bool = False,
        prefetch: int = 50,
        buffer_bytes: int = 32 * 1024 * 1024,
        name: str = "axis",
        ca_file: str = "",
        certificate_file: str = "",
        key_file: str = "",
        heartbeat: int = 30,
        connect_timeout: float = 10.0,
        confirm_timeout: float = 30.0,
        proved: Proved | None = None,
        arrived: Callable[[], None] = lambda: None,
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        self._user_id = user_id
        self._proved = proved
        self._tell = arrived
        self._is_over = is_over
        self._alone = alone
        self._locks: dict[str, _Line] = {}  # by agency: the connection that has its lock, or had it
        self._prefetch = prefetch
        self._buffer_bytes = buffer_bytes
        self._name = name
        self._connect_timeout = connect_timeout
        self._confirm_timeout = confirm_timeout
        tls = _ssl_context(ca_file, certificate_file, key_file) if ca_file or certificate_file else None
        self._parameters = [
            _parameters(
                one,
                tls,
                by_certificate=bool(certificate_file),
                heartbeat=heartbeat,
                blocked=confirm_timeout,
            )
            for one in url.split(",")
        ]
        self._lines: dict[Role, _Line] = {}
        self._outlet: _Outlet | None = None
        self._sources: dict[str, _Source] = {}
        self._missing: dict[str, _Missing] = {}
        self._last_served: dict[bool, str] = {}  # by level: where the next round begins

    # -- topology ------------------------------------------------------------------------------------

    def declare(self, codes: Iterable[str]) -> None:
        """Make exchanges, the queues of these agencies and the dead letters. Idempotent.

        Requests are sent without waiting for each answer; the last one is answered when all are done.
        Raises :class:`Misconfigured` BROKER_OTHER_QUEUE where a queue exists with other arguments.
        """
        codes = list(codes)
        queues = [
            Route(direction, code, urgent) for code in codes for direction in ("in", "out") for urgent in (True, False)
        ]

        def work(channel: Channel, done: Callable[[None], None]) -> None:
            channel.queue_declare(DEAD_QUEUE, durable=True, arguments=queue_arguments(None))
            for exchange, kind in exchanges(codes).items():
                channel.exchange_declare(exchange, kind, durable=True)  # type: ignore[arg-type]
            for route in queues:
                channel.queue_declare(route.queue, durable=True, arguments=queue_arguments(route))
                for exchange, key in bindings(route):
                    channel.queue_bind(route.queue, exchange, key)
            channel.queue_declare(DEAD_QUEUE, passive=True, callback=lambda _frame: done(None))

        # A quorum queue takes some 10 ms to make.
        self._line("ask").ask(work, self._confirm_timeout + 0.2 * len(queues))
        self._missing.clear()
        self._sources = {name: source for name, source in self._sources.items() if source.closed is None}

    def check(self, size: int = MAX_MESSAGE) -> None:
        """Whether the broker takes messages of `size` bytes; for the hub's start, after :meth:`declare`.

        The broker tells its limit to nobody, so a message of that size is sent that no queue wants; once for each
        version and configuration of the broker, as far as it tells those, and again when it has refused one.
        Raises :class:`Misconfigured` BROKER_CONFIG when the limit (``max_message_size``) is lower.
        """

        def work(channel: Channel, done: Callable[[None], None]) -> None:
            channel.basic_publish("axis.out", "axis.no-such-agency.check", bytes(size))
            # Answered when the message was taken. To be told that nobody wanted it would bring all of it back.
            channel.exchange_declare("axis.out", passive=True, callback=lambda _frame: done(None))

        line = self._line("publish")
        if self._proved is not None and self._proved.covers(line.describes_itself, size):
            return
        try:
            line.ask(work, self._confirm_timeout + size / SLOWEST_LINK)
        except Misconfigured as error:
            problem = Problem(Fault.BROKER_CONFIG, expected=f"max_message_size >= {size}", got=error.problems[0].got)
            raise Misconfigured(problem) from None
        if self._proved is not None:
            self._proved.note(line.describes_itself, size)

    def depth(self, route: Route) -> int:
        """How many wait in this queue unheld. Raises :class:`Unavailable` BROKER_NO_QUEUE."""
        return self.waiting(route.queue)[0]

    def dead_depth(self) -> int:
        """How many dead letters there are. Raises :class:`Unavailable` BROKER_NO_QUEUE."""
        return self.waiting(DEAD_QUEUE)[0]

    def waiting(self, queue: str) -> tuple[int, int]:
        """How many messages wait in a queue unheld, and how many read it.

        Raises :class:`Unavailable` BROKER_NO_QUEUE.
        """

        def work(channel: Channel, done: Callable[[tuple[int, int]], None]) -> None:
            def counted(declared: Any) -> None:
                done((declared.method.message_count, declared.method.consumer_count))

            channel.queue_declare(queue, passive=True, callback=counted)

        return self._line("ask").ask(work, self._confirm_timeout, queue)

    def move(self, source: str, target: str) -> None:
        """Move what waits in one queue to another, which is made where it is missing, in order and as it is.

        Each message is gone from `source` only when `target` has confirmed it; what `target` has no room for stays. Who
        published it is kept as a header, for it is published anew. For one who administers, at leisure; while nobody
        else reads `source`.
        """
        self._at_leisure(source, lambda connection: _move(connection, source, target))

    def sift_dead_letters(self, limit: int, is_done: Callable[[DeadLetter], bool]) -> None:
        """See :meth:`axis.core.message.Broker.sift_dead_letters`."""
        self._at_leisure(DEAD_QUEUE, lambda connection: dead_letters.sift_queue(connection, limit, is_done))

    def _at_leisure(self, queue: str, work: Callable[[Any], None]) -> None:
        """Do this about `queue` on a connection of its own."""
        try:
            connection = pika.BlockingConnection(self._parameters, _impl_class=_Connection)  # type: ignore[arg-type]
            try:
                work(connection)
            finally:
                with contextlib.suppress(exceptions.AMQPError):
                    connection.close()
        except exceptions.AMQPError as error:
            raise _translated(error, queue) from error

    # -- publishing ----------------------------------------------------------------------------------

    def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        """Publish all, in windows of confirms; one outcome each, in order.

        A message that this user may not publish, or that is too large, is FAILED and named in the log;
        the others go on. When the connection is lost, or no confirm came for too long, what has none is
        FAILED; if nothing at all was answered :class:`Unavailable` is raised instead, and each message
        may or may not be in its queue.
        """
        batch = _Batch(messages)
        for number, message in enumerate(messages):
            if why_not := why_not_publish(message, self._user_id):
                log.error("message %s to %s refused: %s", message.id, message.route.queue, why_not)
                batch.outcomes[number] = Outcome.FAILED
            else:
                batch.waiting.append(number)
        if batch.waiting:
            line = self._line("publish")
            if self._outlet is None or self._outlet.line is not line:
                self._outlet = _Outlet(line, self._user_id, self._proved)
            sizes = [len(messages[number].body) + len(messages[number].proof) for number in batch.waiting]
            at_once = min(sum(sizes), max(WINDOW_BYTES, *sizes))
            line.submit(partial(self._outlet.send, batch))
            crashpoints.reached("C06" if messages[0].route.direction == "in" else "R02")
            self._await(batch, line, self._confirm_timeout + at_once / SLOWEST_LINK)
            if not batch.answers and batch.trouble is not None:
                raise batch.trouble
        return [outcome or Outcome.FAILED for outcome in batch.outcomes]

    def _await(self, batch: _Batch, line: _Line, patience: float) -> None:
        """Until all of `batch` is answered, or the line is lost, or nothing came for `patience` seconds."""
        with line.changed:
            while not batch.done and line.ended is None:
                answers = batch.answers  # not woken for each: with small messages that would cost the most
                in_time = line.wait_for(lambda: batch.done or line.ended is not None, patience)
                if not in_time and (batch.answers == answers or self._is_over()):
                    batch.trouble = line.why_slow(f"no confirm within {patience:.0f} s")
                    break
        if not batch.done:
            batch.trouble = batch.trouble or line.error
            log.warning("publishing broke off: %s", batch.trouble)
            self._drop("publish")  # a late confirm must not be taken for one of the next call's

    # -- consuming -----------------------------------------------------------------------------------

    def receive(self, routes: Sequence[Route], *, limit: int, max_bytes: int, timeout: float) -> list[Delivered]:
        """Take messages as the port promises; of one queue no more than `prefetch` are held at a time.

        Queues that do not exist are passed over, asked for again with growing pauses,
        and only when none is left :class:`Unavailable` BROKER_NO_QUEUE is raised.
        """
        line = self._line("consume")
        if self._alone:
            self._lock(line, {route.code for route in routes if route.direction == "out"})
        self._subscribe(line, routes)
        deadline = time.monotonic() + timeout
        while limit > 0:
            with line.changed:
                if line.ended is not None:  # what is still in the buffers comes again
                    raise line.error
                raw = self._take(routes, limit, max_bytes)
                line.release(sum(len(arrived.body) for _, arrived in raw))
                if not raw:
                    self._require_sources(routes)
                    left = deadline - time.monotonic()
                    if left <= 0:
                        break
                    line.changed.wait(left)
                    continue
            by_name = {route.queue: route for route in routes}
            for source, _ in raw:
                self._last_served[by_name[source.queue].urgent] = source.queue
            raw.reverse()
            found = []
            while raw:  # each is let go of before the next is cut in two
                source, arrived = raw.pop()
                found.append(_read(by_name[source.queue], arrived, _Handle(source, arrived.tag)))
            return found
        return []

    def ack(self, deliveries: Sequence[Delivered]) -> None:
        """Done with these. A handle of a lost connection or channel is ignored: the message comes again."""
        self._settle([cast("_Handle", delivered.handle) for delivered in deliveries], done=True)

    def reject(self, deliveries: Sequence[Delivered]) -> None:
        """Move these to the dead letters; the broker drops a message only once they have confirmed it."""
        self._settle([cast("_Handle", delivered.handle) for delivered in deliveries], done=False)

    def close(self) -> None:
        """Give back what was not acknowledged and disconnect. Idempotent; a later call connects again."""
        for role in list(self._lines):
            self._drop(role)

    def _settle(self, handles: Iterable[_Handle], *, done: bool) -> None:
        by_source: dict[int, tuple[_Source, list[int]]] = {}
        for handle in handles:
            by_source.setdefault(id(handle.source), (handle.source, []))[1].append(handle.tag)
        for source, tags in by_source.values():
            source.settle(tags, done=done)

    def _lock(self, line: _Line, codes: set[str]) -> None:
        """Have these agencies' locks on `line`: queues that exist as long as the connection that declared them."""
        for code in sorted(code for code in codes if self._locks.get(code) is not line):
            name = lock_queue(code)

            def work(channel: Channel, done: Callable[[None], None], name: str = name) -> None:
                channel.queue_declare(name, exclusive=True, callback=lambda _frame: done(None))

            line.ask(work, self._confirm_timeout, name)
            self._locks[code] = line

    def _subscribe(self, line: _Line, routes: Sequence[Route]) -> None:
        """Consume from every route's queue, and wait until new consumers have brought what was waiting.

        Without that wait the first messages to arrive would be served first: after a reconnect a recall
        in the urgent queue has to come before the document it recalls.
        """
        now = time.monotonic()
        fresh = []
        for route in routes:
            source = self._sources.get(route.queue)
            if source is not None and source.line is line and source.closed is None:
                continue
            missing = self._missing.get(route.queue)
            if source is not None and source.line is line:
                missing = self._missing[route.queue] = _Missing.after(missing, source, now)
                del self._sources[route.queue]
            if missing is None or now >= missing.again_at:
                fresh.append(_Source(line, route.queue, self._prefetch))
                self._sources[route.queue] = fresh[-1]
        if not fresh:
            return
        for source in fresh:
            line.submit(source.open)
        with line.changed:
            line.wait_for(
                lambda: line.ended is not None or line.io.paused or all(source.answered for source in fresh),
                self._confirm_timeout,
            )
            line.wait_for(
                lambda: line.ended is not None or line.io.paused or all(source.has_brought_all for source in fresh),
                SETTLE,
            )
        for source in fresh:
            if source.closed is None:
                self._missing.pop(source.queue, None)

    def _require_sources(self, routes: Sequence[Route]) -> None:
        reasons = []
        for route in routes:
            source = self._sources.get(route.queue)
            if source is not None and source.closed is None:
                return
            missing = self._missing.get(route.queue)
            reason = source.closed if source is not None else missing.reason if missing else None
            if reason is not None:
                reasons.append((route.queue, reason))
        if reasons:
            queue, reason = reasons[0]
            raise _translated(reason, queue) from reason

    def _take(self, routes: Sequence[Route], limit: int, max_bytes: int) -> list[tuple[_Source, _Arrived]]:
        """From the buffers, urgent first, then one of each queue in turn, beginning after the last served."""
        taken: list[tuple[_Source, _Arrived]] = []
        total = 0
        for urgent in (True, False):
            names = list(dict.fromkeys(route.queue for route in routes if route.urgent is urgent))
            last = self._last_served.get(urgent)
            start = names.index(last) + 1 if last in names else 0
            turn = [self._sources[name] for name in names[start:] + names[:start] if name in self._sources]
            while turn := [source for source in turn if source.buffer]:
                for source in turn:
                    size = len(source.buffer[0].body)
                    if len(taken) == limit or (taken and total + size > max_bytes):
                        return taken
                    taken.append((source, source.buffer.popleft()))
                    total += size
        return taken

    # -- connections ---------------------------------------------------------------------------------

    def _line(self, role: Role) -> _Line:
        line = self._lines.get(role)
        if line is not None:
            if line.ended is None:
                return line
            log.warning("broker connection '%s %s' lost: %s", self._name, role, _text(line.ended))
            self._drop(role)
        deadline = time.monotonic() + self._connect_timeout
        attempt = 0
        while True:
            parameters = copy.copy(self._parameters[attempt % len(self._parameters)])
            parameters.client_properties = {
                "connection_name": f"{self._name} {role}"
            }  # see services/operate/broker_setup.py
            line = _Line(parameters, f"{self._name} {role}", self._buffer_bytes, self._tell, self._is_over)
            try:
                line.start(max(0.1, deadline - time.monotonic()))
            except Unavailable:
                # Spread, or a hundred agencies come back in the same instant when the broker does.
                pause = min(0.1 * 2**attempt, 5) * random.uniform(0.5, 1.5)  # noqa: S311
                if time.monotonic() + pause >= deadline or self._is_over():
                    raise
                time.sleep(pause)
            else:
                self._lines[role] = line
                log.info("broker connection '%s %s' is open", self._name, role)
                return line
            attempt += 1

    def _drop(self, role: Role) -> None:
        line = self._lines.pop(role, None)
        if role == "publish":
            self._outlet = None
        elif role == "consume":
            self._sources.clear()
            self._missing.clear()
        if line is not None:
            line.stop()


@dataclass(frozen=True, slots=True)
class _Arrived:
    tag: int
    redelivered: bool
    properties: pika.BasicProperties
    body: bytes


@dataclass(frozen=True, slots=True)
class _Handle:
    source: _Source
    tag: int


@dataclass(frozen=True, slots=True)
class _Missing:
    """A queue that cannot be consumed now: why, and when to ask again (on the monotonic clock)."""

    reason: Exception
    tries: int
    again_at: float

    @classmethod
    def after(cls, before: _Missing | None, source: _Source, now: float) -> _Missing:
        tries = before.tries + 1 if before else 0
        reason = source.closed or ConnectionError("closed")
        pause = min(0.5 * 2**tries, 30) * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, keeps no secret
        if before is None and source.was_consuming:
            pause = 0  # a queue that changes its leader ends its consumers, and is there again at once
        log.warning("queue %s cannot be read, asking again in %.1f s: %s", source.queue, pause, _text(reason))
        return cls(reason, tries, now + pause)


@dataclass(slots=True)
class _Batch:
    """One publish() call. Once handed over, written by the I/O thread only, under the line's lock."""

    messages: Sequence[Message]
    outcomes: list[Outcome | None] = field(init=False)
    waiting: deque[int] = field(default_factory=deque)
    answers: int = 0
    done: bool = False
    trouble: Exception | None = None

    def __post_init__(self) -> None:
        self.outcomes = [None] * len(self.messages)


class _Parts(bytes):
    """A large body that is not in one piece. pika passes bytes on as they are; only our connection looks at these."""

    parts: tuple[bytes, ...]

    def __new__(cls, *parts: bytes) -> _Parts:
        made = super().__new__(cls)
        made.parts = parts
        return made

    def __len__(self) -> int:
        return sum(map(len, self.parts))


class _Connection(SelectConnection):
    """Reads messages whose properties pika cannot decode as messages without properties.

    RabbitMQ passes on what a publisher wrote into the header table. A time stamp beyond the year 9999 or a
    table nested a thousand deep raises within pika and costs the connection, for each of the redeliveries
    again: one hostile agency would stop the hub. Without properties the message is none of ours and goes
    to the dead letters like any other of that kind.
    """

    def _read_frame(self) -> tuple[int, Any]:
        try:
            return cast("tuple[int, Any]", super()._read_frame())  # type: ignore[misc]
        except exceptions.InvalidFrameError:
            raise
        except Exception:  # the decoder raises whatever struct, datetime or the interpreter raise
            buffer = self._frame_buffer  # type: ignore[attr-defined]
            kind, channel, size = struct.unpack_from(">BHL", buffer)
            if kind != spec.FRAME_HEADER:
                raise
            (body_size,) = struct.unpack_from(">Q", buffer, spec.FRAME_HEADER_SIZE + 4)
            length = spec.FRAME_HEADER_SIZE + size + spec.FRAME_END_SIZE
            return length, frame.Header(channel, body_size, pika.BasicProperties())

    def _send_message(
        self, channel_number: int, method_frame: Any, content: tuple[pika.BasicProperties, bytes]
    ) -> None:
        """A large body goes out as views into it: pika would hold it twice more, in frames and in the outbox."""
        properties, body = content
        if len(body) < LARGE:
            super()._send_message(channel_number, method_frame, content)  # type: ignore[misc]
            return
        longest = self._body_max_length  # type: ignore[attr-defined]
        head = frame.Method(channel_number, method_frame).marshal()
        head += frame.Header(channel_number, len(body), properties).marshal()
        pieces: list[bytes | memoryview] = []
        for part in body.parts if isinstance(body, _Parts) else (body,):
            for start in range(0, len(part), longest):
                piece = memoryview(part)[start : start + longest]
                pieces += [head + _FRAME.pack(spec.FRAME_BODY, channel_number, len(piece)), piece]
                head = _FRAME_END
        self._output_marshaled_frames([*pieces, head])  # type: ignore[attr-defined]


class _Assembler(ContentFrameAssembler):
    """Puts a large message together while its frames come in; pika keeps all of them until the last has come, and then
    has all of it twice."""

    _method_frame: Any
    _header_frame: Any
    _seen_so_far: int

    def __init__(self) -> None:
        super().__init__()
        self._whole: io.BytesIO | None = None

    def _handle_body_frame(self, body_frame: Any) -> Any:
        expected = self._header_frame.body_size
        if expected < LARGE:
            return super()._handle_body_frame(body_frame)
        if self._whole is None:
            self._whole = io.BytesIO()
        self._seen_so_far += self._whole.write(body_frame.fragment)
        if self._seen_so_far > expected:
            raise exceptions.BodyTooLongError(self._seen_so_far, expected)
        return self._finish() if self._seen_so_far == expected else None

    def _finish(self) -> Any:
        if self._whole is None:
            return super()._finish()
        content = self._method_frame, self._header_frame, self._whole.getvalue()
        self._whole = None
        self._reset()
        return content


class _PausableIo(SelectorIOServicesAdapter):  # type: ignore[type-arg]  # only the stubs say it is generic
    """The I/O services of a connection that can stop reading from its socket. In the I/O thread only."""

    def __init__(self) -> None:
        super().__init__(IOLoop())
        self.paused = False
        self._readers: dict[Any, Callable[[], None]] = {}

    def set_reader(self, fd: Any, on_readable: Callable[[], None]) -> None:
        self._readers[fd] = on_readable
        if not self.paused:
            super().set_reader(fd, on_readable)

    def remove_reader(self, fd: Any) -> bool:
        self._readers.pop(fd, None)
        return super().remove_reader(fd)

    def pause(self) -> None:
        """Read nothing from now on."""
        self.paused = True
        for fd in self._readers:
            super().remove_reader(fd)

    def resume(self) -> None:
        """Read again."""
        self.paused = False
        for fd, on_readable in self._readers.items():
            super().set_reader(fd, on_readable)


class _Line:
    """One connection with its I/O loop in a thread. Ends once, and is not used again then."""

    def __init__(
        self,
        parameters: pika.connection.Parameters,
        name: str,
        buffer_bytes: int,
        arrived: Callable[[], None],
        is_over: Callable[[], bool],
    ) -> None:
        self.changed = threading.Condition()  # guards what both threads touch, here, in _Batch and in _Source
        self.opened = False
        self.ended: Exception | None = None
        self.bug: Exception | None = None  # an exception of ours in a callback
        self.blocked = ""  # why the broker takes nothing now from whoever publishes
        self.io = _PausableIo()
        self.connection: _Connection
        self.arrived = arrived
        self._is_over = is_over
        self._buffer_bytes = buffer_bytes
        self._buffered = 0
        self._leaving = False
        self._parameters = parameters
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def describes_itself(self) -> str:
        """What the broker says of itself, and what was agreed with it."""
        said = dict(self.connection.server_properties or {})
        agreed: Any = self.connection.params
        said |= {"host": agreed.host, "port": agreed.port, "vhost": agreed.virtual_host}
        said |= {"frame_max": agreed.frame_max, "channel_max": agreed.channel_max}
        return json.dumps(said, sort_keys=True, default=repr)

    @property
    def error(self) -> Exception:
        """What to raise for an ended line: our own bug as it is, else what the loss means."""
        if isinstance(self.ended, exceptions.ConnectionBlockedTimeout):
            return self.why_slow("blocked")
        return self.bug or _translated(self.ended or ConnectionError("the connection ended"))

    def why_slow(self, otherwise: str) -> AxisError:
        """What to raise when nothing is confirmed: the broker's own word if it has said why, else `otherwise`."""
        if self.blocked:
            return Unavailable(Problem(Fault.BROKER_FULL, got=self.blocked))
        return _translated(TimeoutError(otherwise))

    def start(self, timeout: float) -> None:
        """Connect. Raises :class:`Unavailable` or :class:`Misconfigured`."""
        self.connection = _Connection(
            self._parameters,
            on_open_callback=self.guarded(self._on_open),
            on_open_error_callback=lambda _connection, reason: self.ended_by(cast("Exception", reason)),
            on_close_callback=lambda _connection, reason: self.ended_by(reason),
            custom_ioloop=self.io,
        )
        self._thread.start()
        with self.changed:
            self.wait_for(lambda: self.opened or self.ended is not None, timeout)
            if self.opened and self.ended is None:
                return
            if self.ended is None:
                self.ended_by(TimeoutError(f"no connection within {timeout:.1f} s"))
        self.stop()
        raise self.error

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Until `condition` holds, for so many seconds, or until nothing is waited for any more; whether it holds.
        Under the lock."""
        end = time.monotonic() + timeout
        while not condition():
            left = end - time.monotonic()
            if left <= 0 or self._is_over():
                return False
            self.changed.wait_for(condition, min(left, _SLICE))
        return True

    def stop(self) -> None:
        """Disconnect, politely if the broker answers soon."""
        self.submit(self._disconnect)
        self._join(5)
        if self._thread.is_alive():
            self.ended_by(TimeoutError("the broker did not answer the good-bye"))
            self._join(5)

    def _join(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self._thread.join(_SLICE)
        while self._thread.is_alive() and time.monotonic() < end and not self._is_over():
            self._thread.join(_SLICE)

    def submit(self, action: Callable[[], None]) -> None:
        """Have `action` done in the I/O thread; nothing once the line has ended."""
        with self.changed:
            if self.ended is None:
                self.connection.ioloop.add_callback_threadsafe(self.guarded(action))

    def hold(self, size: int) -> None:
        """So many more bytes wait for the caller. In the I/O thread, under the lock."""
        self._buffered += size
        if self._buffered > self._buffer_bytes and not (self.io.paused or self._leaving):
            self.io.pause()

    def release(self, size: int) -> None:
        """So many bytes less wait. In any thread, under the lock."""
        self._buffered -= size
        if self.io.paused and self._buffered <= self._buffer_bytes // 2:
            self.submit(self._resume)

    def _resume(self) -> None:
        if self.io.paused:
            self.io.resume()

    def ask(self, work: Callable[[Channel, Callable[[T], None]], None], timeout: float, queue: str = "") -> T:
        """Do `work`, which concerns `queue`, on a channel of its own; what it answers with.

        Raises :class:`Unavailable` when the line is lost or nothing came within `timeout` seconds, and
        what the broker's reason for closing the channel amounts to.
        """
        answer: Future[T] = Future()

        def fail(reason: Exception) -> None:
            if not answer.done():
                answer.set_exception(reason)

        def opened(channel: Channel) -> None:
            work(channel, done)

        def done(value: T) -> None:
            if not answer.done():
                answer.set_result(value)
                channels[0].close()

        channels: list[Channel] = []

        def begin() -> None:
            channels.append(self.connection.channel(on_open_callback=self.guarded(opened)))
            channels[0].add_on_close_callback(lambda _channel, reason: fail(reason))

        self.submit(begin)
        limit = time.monotonic() + timeout
        while True:
            try:
                return answer.result(0.05 if self.ended is None else 0)
            except FutureTimeoutError:
                if self.ended is not None and not answer.done():
                    raise self.error from None
                if time.monotonic() > limit or self._is_over():
                    raise _translated(TimeoutError(f"no answer within {timeout:.0f} s")) from None
            except Exception as reason:
                raise _translated(reason, queue) from reason

    def guarded(self, callback: Callable[..., None]) -> Callable[..., None]:
        """`callback`, so that an exception in it ends the line and reaches the caller.

        pika would show it as a lost connection and drop the traceback.
        """

        def run(*arguments: Any) -> None:
            try:
                callback(*arguments)
            except Exception as error:
                if not isinstance(error, exceptions.AMQPError):  # else the connection was just being lost
                    log.exception("error in a broker callback")
                    self.bug = error
                self.ended_by(error)

        return run

    def _on_open(self, _connection: object) -> None:
        transport: Any = getattr(self.connection, "_transport", None)
        if hasattr(transport, "_MAX_RECV_BYTES"):
            transport._MAX_RECV_BYTES = RECEIVE_BYTES
        self.connection.add_on_connection_blocked_callback(self.guarded(self._on_blocked))
        self.connection.add_on_connection_unblocked_callback(self.guarded(self._on_unblocked))
        with self.changed:
            self.opened = True
            self.changed.notify_all()

    def _on_blocked(self, _connection: object, said: Any) -> None:
        self.blocked = str(said.method.reason or "?")[:100]
        log.error("the broker takes no messages: %s", self.blocked)

    def _on_unblocked(self, *_said: object) -> None:
        self.blocked = ""
        log.warning("the broker takes messages again")

    def _disconnect(self) -> None:
        self._leaving = True
        self._resume()  # or the answer to the good-bye would not be read
        if self.connection.is_open or not (self.connection.is_closed or self.connection.is_closing):
            self.connection.close()

    def ended_by(self, reason: Exception) -> None:
        """End the line, for this reason unless there was one before. From any thread."""
        with self.changed:
            if self.ended is None:
                self.ended = reason
                self.connection.ioloop.add_callback_threadsafe(self.connection.ioloop.stop)
            self.changed.notify_all()

    def _run(self) -> None:
        try:
            self.connection.ioloop.start()
        except Exception as error:  # noqa: BLE001 - what pika itself could not handle
            self.ended_by(error)
        finally:
            self.ended_by(ConnectionError("the I/O loop ended"))
            if not self.connection.is_closed:
                # Ended by us: as pika does it for a missed heartbeat. No good-bye, the broker may be dumb.
                with contextlib.suppress(Exception):
                    self.connection._terminate_stream(self.ended)  # type: ignore[attr-defined]
                    self.connection.ioloop.process_timeouts()
            with self.changed:
                self.connection.ioloop.close()


class _Outlet:
    """The channel that publishes with confirms. All but the constructor runs in the line's I/O thread."""

    def __init__(self, line: _Line, user_id: str | None, proved: Proved | None) -> None:
        self.line = line
        self._user_id = user_id
        self._proved = proved
        self._channel: Channel | None = None
        self._ready = False
        self._sequence = 0
        self._outstanding: dict[int, int] = {}  # sequence number -> place in the batch, in order
        self._bytes = 0
        self._returned: set[int] = set()
        self._batch: _Batch | None = None

    def send(self, batch: _Batch) -> None:
        self._batch = batch
        if self._channel is None:
            self._open()
        elif self._ready:
            self._pump()

    def _open(self) -> None:
        self._ready = False
        self._sequence = 0
        self._outstanding.clear()
        self._returned.clear()
        self._bytes = 0
        guarded = self.line.guarded
        self._channel = self.line.connection.channel(on_open_callback=guarded(self._opened))
        self._channel.add_on_close_callback(guarded(self._closed))

    def _opened(self, channel: Channel) -> None:
        guarded = self.line.guarded
        channel.add_on_return_callback(guarded(self._on_return))
        channel.confirm_delivery(guarded(self._on_confirm), callback=guarded(self._confirming))

    def _confirming(self, _frame: object) -> None:
        self._ready = True
        self._pump()

    def _pump(self) -> None:
        batch = self._batch
        if batch is None or self._channel is None:
            return
        while batch.waiting and len(self._outstanding) < WINDOW:
            message = batch.messages[batch.waiting[0]]
            size = len(message.body) + len(message.proof)
            if self._outstanding and self._bytes + size > WINDOW_BYTES:
                break
            self._sequence += 1
            self._outstanding[self._sequence] = batch.waiting.popleft()
            self._bytes += size
            self._channel.basic_publish(
                message.route.exchange,
                message.route.routing_key,
                _whole(message),
                _properties(message, self._user_id),
                mandatory=True,
            )
        if not batch.waiting and not self._outstanding:
            self._batch = None
            with self.line.changed:
                batch.done = True
                self.line.changed.notify_all()

    def _on_return(self, _channel: Channel, method: Any, properties: pika.BasicProperties, _body: bytes) -> None:
        """Mark the first outstanding one with this id and key: returns come in the order of publishing."""
        batch = self._batch
        if batch is None:
            return
        for sequence, place in self._outstanding.items():
            message = batch.messages[place]
            if (
                sequence not in self._returned
                and message.id == properties.message_id
                and message.route.routing_key == method.routing_key
                and message.route.exchange == method.exchange
            ):
                self._returned.add(sequence)
                return

    def _on_confirm(self, confirm: Any) -> None:
        method = confirm.method
        tag = method.delivery_tag
        if method.multiple:
            tags = list(itertools.takewhile(lambda sequence: sequence <= tag, self._outstanding))
        else:
            tags = [tag] if tag in self._outstanding else []
        outcome = Outcome.CONFIRMED if isinstance(method, spec.Basic.Ack) else Outcome.FULL
        for sequence in tags:
            # A returned message is confirmed all the same: there is no queue that could still fail.
            returned = sequence in self._returned
            self._returned.discard(sequence)
            self._answer(sequence, Outcome.RETURNED if returned else outcome)
        self._pump()

    def _answer(self, sequence: int, outcome: Outcome) -> None:
        batch = self._batch
        place = self._outstanding.pop(sequence)
        if batch is None:
            return
        message = batch.messages[place]
        self._bytes -= len(message.body) + len(message.proof)
        with self.line.changed:
            batch.outcomes[place] = outcome
            batch.answers += 1

    def _closed(self, _channel: Channel, reason: Exception) -> None:
        """The broker closed the channel, or the connection is gone.

        What is outstanding failed; the rest of the batch goes on over a new channel. An exchange that
        does not exist closes the channel as well: its messages went nowhere.
        """
        self._channel = None
        self._ready = False
        batch = self._batch
        if not isinstance(reason, exceptions.ChannelClosedByBroker):
            return  # the line ends, and with it the batch
        log.error("the broker closed the publishing channel: %s", _text(reason))
        if self._proved is not None and reason.reply_code == _TOO_LARGE[0] and _TOO_LARGE[1] in reason.reply_text:
            self._proved.forget()
        if batch is None:
            return
        for sequence, place in list(self._outstanding.items()):
            exchange = batch.messages[place].route.exchange
            nowhere = reason.reply_code == 404 and f"'{exchange}'" in reason.reply_text
            self._answer(sequence, Outcome.RETURNED if nowhere else Outcome.FAILED)
        self._open()


class _Source:
    """One queue being consumed over a channel of its own, with the messages that have arrived and wait here.

    The methods that begin with an underscore and :meth:`open` run in the line's I/O thread.
    """

    def __init__(self, line: _Line, queue: str, prefetch: int) -> None:
        self.line = line
        self.queue = queue
        self.buffer: deque[_Arrived] = deque()
        self.closed: Exception | None = None
        self._prefetch = prefetch
        self._unsettled: dict[int, None] = {}  # delivery tags, in order
        self._expected = 0
        self._arrivals = 0
        self._consuming = False
        self._channel: Channel | None = None

    @property
    def was_consuming(self) -> bool:
        """The broker has accepted this consumer, at least once."""
        return self._consuming

    @property
    def answered(self) -> bool:
        """Consuming, or refused."""
        return self._consuming or self.closed is not None

    @property
    def has_brought_all(self) -> bool:
        """What the queue held when consuming began is here, as far as prefetch allows."""
        return self.closed is not None or (self._consuming and self._arrivals >= self._expected)

    def settle(self, tags: Sequence[int], *, done: bool) -> None:
        """Acknowledge (`done`) or reject these deliveries; but not what is void or settled already."""
        with self.line.changed:
            mine = [tag for tag in sorted(set(tags)) if tag in self._unsettled]
            if not mine or self.closed is not None:
                return
            # As far as every lower tag of the channel is among them one acknowledgement covers all.
            upto = 0
            if done:
                for tag, lowest in zip(mine, list(itertools.islice(self._unsettled, len(mine))), strict=True):
                    if tag != lowest:
                        break
                    upto = tag
            for tag in mine:
                del self._unsettled[tag]
        self.line.submit(partial(self._settle, upto, [tag for tag in mine if tag > upto], done))

    def open(self) -> None:
        guarded = self.line.guarded
        try:
            self._channel = self.line.connection.channel(on_open_callback=guarded(self._opened))
        except exceptions.NoFreeChannels as error:
            self._closed(None, error)
            return
        self._channel.add_on_close_callback(guarded(self._closed))
        self._channel.add_on_cancel_callback(guarded(self._cancelled))

    def _opened(self, channel: Channel) -> None:
        guarded = self.line.guarded
        channel._content_assembler = _Assembler()  # type: ignore[attr-defined]
        channel.queue_declare(self.queue, passive=True, callback=guarded(self._counted))
        channel.basic_qos(prefetch_count=self._prefetch)
        channel.basic_consume(self.queue, guarded(self._arrived), callback=guarded(self._began))

    def _counted(self, declared: Any) -> None:
        with self.line.changed:
            self._expected = min(declared.method.message_count, self._prefetch)

    def _began(self, _frame: object) -> None:
        with self.line.changed:
            self._consuming = True
            self.line.changed.notify_all()

    def _arrived(self, _channel: object, method: Any, properties: pika.BasicProperties, body: bytes) -> None:
        with self.line.changed:
            self.buffer.append(_Arrived(method.delivery_tag, method.redelivered, properties, body))
            self._unsettled[method.delivery_tag] = None
            self._arrivals += 1
            self.line.hold(len(body))
            self.line.changed.notify_all()
        self.line.arrived()

    def _cancelled(self, _frame: object) -> None:
        # The queue was deleted or lost its leader. Closing gives back what is held, and makes handles void.
        self._closed(None, ConnectionError("the broker cancelled the consumer"))
        if self._channel is not None and self._channel.is_open:
            self._channel.close()

    def _closed(self, _channel: object, reason: Exception) -> None:
        with self.line.changed:
            if self.closed is None:
                self.closed = reason
            self.line.release(sum(len(arrived.body) for arrived in self.buffer))
            self.buffer.clear()
            self._unsettled.clear()
            self.line.changed.notify_all()

    def _settle(self, upto: int, single: Sequence[int], done: bool) -> None:
        if self._channel is None or not self._channel.is_open:
            return
        if upto:
            self._channel.basic_ack(upto, multiple=True)
        for tag in single:
            if done:
                self._channel.basic_ack(tag)
            else:
                self._channel.basic_reject(tag, requeue=False)


def _move(connection: Any, source: str, target: str) -> None:
    taking, giving = connection.channel(), connection.channel()
    try:
        connection.channel().queue_declare(target, passive=True)
    except exceptions.ChannelClosedByBroker:
        connection.channel().queue_declare(target, durable=True, arguments=_QUORUM)
    giving.confirm_delivery()
    while True:
        method, properties, body = taking.basic_get(source)
        if method is None:
            return
        try:
            giving.basic_publish("", target, body, _anew(properties), mandatory=True)
        except exceptions.NackError:
            return  # full; closing the connection gives it back
        taking.basic_ack(method.delivery_tag)


def _anew(properties: pika.BasicProperties) -> pika.BasicProperties:
    """These properties for publishing once more: nothing that another user may not say, and nothing that the broker
    takes for a further target or an end."""
    headers = {name: value for name, value in (properties.headers or {}).items() if name not in {"CC", "BCC"}}
    if properties.user_id is not None:
        headers["published-by"] = properties.user_id
    return pika.BasicProperties(
        content_type=properties.content_type,
        delivery_mode=2,
        message_id=properties.message_id,
        app_id=properties.app_id,
        headers=headers,
    )


def _whole(message: Message) -> bytes:
    if len(message.body) < LARGE:
        return message.body + message.proof
    return _Parts(message.body, message.proof)


def _properties(message: Message, user_id: str | None) -> pika.BasicProperties:
    return pika.BasicProperties(
        content_type=CONTENT_TYPE,
        delivery_mode=2,
        message_id=message.id,
        user_id=user_id,
        app_id=APP_ID,
        headers={
            "size": len(message.body),
            "proof": len(message.proof),
            "sha256": message.digest or hashlib.sha256(message.body).hexdigest(),
            "part": 1,
            "parts": 1,
            **({"origin": message.origin} if message.origin else {}),
        },
    )


def _read(route: Route, arrived: _Arrived, handle: _Handle) -> Delivered:
    """What arrived; with its trouble (and a line in the log) when it is not one of ours, complete and unaltered."""
    properties, body = arrived.properties, arrived.body
    headers = properties.headers or {}
    size, proof = headers.get("size"), headers.get("proof")
    trouble = digest = ""
    # Broker users have printable names, and what cannot be written into a record is no name and no id.
    user_id = properties.user_id if isinstance(properties.user_id, str) and properties.user_id.isprintable() else None
    if not isinstance(properties.message_id, str) or not properties.message_id:
        trouble = "no message id"
    elif not properties.message_id.isprintable():
        trouble = "a message id that cannot be printed"
    elif not (type(size) is int and type(proof) is int and size >= 0 and proof >= 0 and size + proof == len(body)):
        trouble = f"size {size!r} and proof {proof!r} do not make {len(body)}"
    elif (headers.get("part"), headers.get("parts")) != (1, 1):
        trouble = f"part {headers.get('part')!r} of {headers.get('parts')!r}"
    elif (digest := hashlib.sha256(memoryview(body)[:size]).hexdigest()) != headers.get("sha256"):
        trouble = "the digest is another's"
    elif properties.user_id is not None and user_id is None:
        trouble = "the user id is no text"
    if trouble:
        log.error("message %r in %s is none of ours: %s", properties.message_id, route.queue, trouble)
        return Delivered(Message("", route, body, user_id=user_id), arrived.redelivered, handle, trouble)
    origin = headers.get("origin")
    known = origin if isinstance(origin, str) and len(origin) <= MAX_ORIGIN else ""
    sent = (body[:size], body[size:])  # all of it: no copy
    message = Message(str(properties.message_id), route, *sent, user_id, known, digest)
    return Delivered(message, arrived.redelivered, handle)


def _ssl_context(ca_file: str, certificate_file: str, key_file: str) -> ssl.SSLContext:
    for file in (ca_file, certificate_file, key_file):
        if file and not Path(file).is_file():
            raise Misconfigured(Problem(Fault.KEY_FILE_MISSING, got=file))
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
        if certificate_file:
            context.load_cert_chain(certificate_file, key_file or None)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(file for file in (ca_file, certificate_file, key_file) if file)
        raise Misconfigured(Problem(Fault.BROKER_CONFIG, got=f"{files}: {error}")) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _parameters(
    url: str, tls: ssl.SSLContext | None, *, by_certificate: bool, heartbeat: int, blocked: float
) -> pika.connection.Parameters:
    if not url.strip().startswith(("amqp://", "amqps://")):
        raise Misconfigured(Problem(Fault.BROKER_CONFIG, got="the broker's URL begins with amqp:// or amqps://"))
    if tls is not None and not url.strip().startswith("amqps://"):
        raise Misconfigured(Problem(Fault.BROKER_CONFIG, got="files for TLS, but the broker's URL is no amqps://"))
    try:
        parameters = pika.URLParameters(url.strip())
    except (ValueError, TypeError, AttributeError):
        # Its own text may quote a part of the password.
        raise Misconfigured(Problem(Fault.BROKER_CONFIG, got="the broker's URL cannot be read")) from None
    if tls is not None:
        parameters.ssl_options = pika.SSLOptions(tls, parameters.host)
        if by_certificate:
            parameters.credentials = ExternalCredentials()
    parameters.heartbeat = heartbeat
    parameters.blocked_connection_timeout = blocked
    parameters.connection_attempts = 1
    return parameters


def _translated(reason: Exception, queue: str = "") -> AxisError:
    """What a broken connection or channel means to the caller."""
    if isinstance(reason, AxisError):
        return reason
    text = _text(reason)
    if isinstance(reason, exceptions.ChannelClosedByBroker):
        if reason.reply_code == 404:
            return Unavailable(Problem(Fault.BROKER_NO_QUEUE, got=queue or text))
        if reason.reply_code == 405 and queue.startswith(lock_queue("")):
            return Unavailable(Problem(Fault.ADAPTER_TWICE, got=queue.removeprefix(lock_queue(""))))
        if reason.reply_code == 406 and (other := _OTHER_ARGUMENT.search(text)):
            return Misconfigured(Problem(Fault.BROKER_OTHER_QUEUE, got=other[2], expected=other[1]))
        if reason.reply_code in {403, 406, 530}:
            return Misconfigured(Problem(Fault.BROKER_CONFIG, got=text))
    if isinstance(reason, exceptions.NoFreeChannels):
        return Misconfigured(Problem(Fault.BROKER_CONFIG, got="channel_max is too low"))
    # pika calls every loss during log-in a probable wrong password; only the broker's own word counts.
    if any(word in text for word in ("ACCESS_REFUSED", "NOT_ALLOWED", "certificate verify failed")):
        return Misconfigured(Problem(Fault.BROKER_CONFIG, got=text))
    return Unavailable(Problem(Fault.BROKER_DOWN, got=text))


def _text(reason: BaseException) -> str:
    # pika's exceptions say most in repr(); their name is in it.
    return repr(reason)[:300]
