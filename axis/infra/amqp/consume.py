"""Consuming: what has arrived of each queue, in which order it is given out, and how it is settled.

Every queue has a channel of its own. So a missing or forbidden queue closes only its
own channel, and what is taken from one queue is a prefix of that channel's delivery tags: one multiple
acknowledgement covers it.
"""

from __future__ import annotations

import itertools
import logging
import random
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pika
from pika import exceptions

from axis.infra.amqp.envelope import Arrived, read
from axis.infra.amqp.trouble import text_of, translated
from axis.infra.amqp.wire import Assembler

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pika.channel import Channel

    from axis.core.message import Delivered, Route
    from axis.infra.amqp.connection import Line

log = logging.getLogger(__name__)

SETTLE = 0.5  # seconds a new consumer may take to bring what its queue holds, see Reader


@dataclass(frozen=True, slots=True)
class Handle:
    """What a delivery is acknowledged by. A tag means nothing beyond its channel: void once that has closed."""

    source: Source
    tag: int


@dataclass(frozen=True, slots=True)
class Missing:
    """A queue that cannot be consumed now: why, and when to ask again (on the monotonic clock)."""

    reason: Exception
    tries: int
    again_at: float

    @classmethod
    def after(cls, before: Missing | None, source: Source, now: float) -> Missing:
        """`source` has closed; `before`: what was known of its queue, if it was missing already."""
        tries = before.tries + 1 if before else 0
        reason = source.closed or ConnectionError("closed")
        pause = min(0.5 * 2**tries, 30) * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, keeps no secret
        if before is None and source.was_consuming:
            pause = 0  # a queue that changes its leader ends its consumers, and is there again at once
        log.warning("queue %s cannot be read, asking again in %.1f s: %s", source.queue, pause, text_of(reason))
        return cls(reason, tries, now + pause)


class Source:
    """One queue being consumed over a channel of its own, with the messages that have arrived and wait here.

    The methods that begin with an underscore and :meth:`open` run in the line's I/O thread.
    """

    def __init__(self, line: Line, queue: str, prefetch: int) -> None:
        self.line = line
        self.queue = queue
        self.buffer: deque[Arrived] = deque()
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
        """Begin to consume; what becomes of it is seen in :attr:`answered`. In the I/O thread."""
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
        channel._content_assembler = Assembler()  # type: ignore[attr-defined]
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
            self.buffer.append(Arrived(method.delivery_tag, method.redelivered, properties, body))
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


class Reader:
    """What one caller reads: the queues that it asks for, over one line after another. In the caller's thread.

    Of one queue no more than `prefetch` messages are held at a time; `patience`: how long a queue may take to answer.
    """

    def __init__(self, prefetch: int, patience: float) -> None:
        self.sources: dict[str, Source] = {}
        self._missing: dict[str, Missing] = {}
        self._last_served: dict[bool, str] = {}  # by level: where the next round begins
        self._prefetch = prefetch
        self._patience = patience

    def receive(
        self, line: Line, routes: Sequence[Route], *, limit: int, max_bytes: int, timeout: float
    ) -> list[Delivered]:
        """Take messages as the port promises.

        Queues that do not exist are passed over, asked for again with growing pauses,
        and only when none is left :class:`Unavailable` BROKER_NO_QUEUE is raised.
        """
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
                found.append(read(by_name[source.queue], arrived, Handle(source, arrived.tag)))
            return found
        return []

    def holds(self, queue: str) -> bool:
        """Whether messages of this queue lie here that nobody has received yet."""
        source = self.sources.get(queue)
        return source is not None and bool(source.buffer)

    def ask_again(self) -> None:
        """Queues that were missing may be there now."""
        self._missing.clear()
        self.sources = {name: source for name, source in self.sources.items() if source.closed is None}

    def forget(self) -> None:
        """The line has ended; the next one is asked for everything."""
        self.sources.clear()
        self._missing.clear()

    def _subscribe(self, line: Line, routes: Sequence[Route]) -> None:
        """Consume from every route's queue, and wait until new consumers have brought what was waiting.

        Without that wait the first messages to arrive would be served first: after a reconnect a recall
        in the urgent queue has to come before the document it recalls.
        """
        now = time.monotonic()
        fresh = []
        for route in routes:
            source = self.sources.get(route.queue)
            if source is not None and source.line is line and source.closed is None:
                continue
            missing = self._missing.get(route.queue)
            if source is not None and source.line is line:
                missing = self._missing[route.queue] = Missing.after(missing, source, now)
                del self.sources[route.queue]
            if missing is None or now >= missing.again_at:
                fresh.append(Source(line, route.queue, self._prefetch))
                self.sources[route.queue] = fresh[-1]
        if not fresh:
            return
        for source in fresh:
            line.submit(source.open)
        with line.changed:
            line.wait_for(
                lambda: line.ended is not None or line.io.paused or all(source.answered for source in fresh),
                self._patience,
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
            source = self.sources.get(route.queue)
            if source is not None and source.closed is None:
                return
            missing = self._missing.get(route.queue)
            reason = source.closed if source is not None else missing.reason if missing else None
            if reason is not None:
                reasons.append((route.queue, reason))
        if reasons:
            queue, reason = reasons[0]
            raise translated(reason, queue) from reason

    def _take(self, routes: Sequence[Route], limit: int, max_bytes: int) -> list[tuple[Source, Arrived]]:
        """From the buffers, urgent first, then one of each queue in turn, beginning after the last served."""
        taken: list[tuple[Source, Arrived]] = []
        total = 0
        for urgent in (True, False):
            names = list(dict.fromkeys(route.queue for route in routes if route.urgent is urgent))
            last = self._last_served.get(urgent)
            start = names.index(last) + 1 if last in names else 0
            turn = [self.sources[name] for name in names[start:] + names[:start] if name in self.sources]
            while turn := [source for source in turn if source.buffer]:
                for source in turn:
                    size = len(source.buffer[0].body)
                    if len(taken) == limit or (taken and total + size > max_bytes):
                        return taken
                    taken.append((source, source.buffer.popleft()))
                    total += size
        return taken


def settle(handles: Iterable[Handle], *, done: bool) -> None:
    """Acknowledge (`done`) or reject what these stand for; but not what is void or settled already."""
    by_source: dict[int, tuple[Source, list[int]]] = {}
    for handle in handles:
        by_source.setdefault(id(handle.source), (handle.source, []))[1].append(handle.tag)
    for source, tags in by_source.values():
        source.settle(tags, done=done)
