"""Publishing with confirms: so many messages on their way at once, and an answer for each."""

from __future__ import annotations

import itertools
import logging
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pika
from pika import exceptions, spec

from axis import crashpoints
from axis.core.message import Message, Outcome
from axis.infra.amqp.connection import SLOWEST_LINK
from axis.infra.amqp.envelope import properties, whole
from axis.infra.amqp.trouble import text_of
from axis.infra.embedded import why_not_publish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pika.channel import Channel

    from axis.infra.amqp.connection import Line
    from axis.infra.amqp.proved import Proved

log = logging.getLogger(__name__)

WINDOW = 100  # confirms outstanding; beyond that the rate does not grow
WINDOW_BYTES = 32 * 1024 * 1024
_TOO_LARGE = 406, "message size"


@dataclass(slots=True)
class Batch:
    """One call to publish: its messages, what became of each, and which still wait.

    Once handed over, written by the I/O thread only, under the line's lock.
    """

    messages: Sequence[Message]
    outcomes: list[Outcome | None] = field(init=False)
    waiting: deque[int] = field(default_factory=deque)
    answers: int = 0
    done: bool = False
    trouble: Exception | None = None

    def __post_init__(self) -> None:
        self.outcomes = [None] * len(self.messages)

    @classmethod
    def of(cls, messages: Sequence[Message], user_id: str | None) -> Batch:
        """These messages; those that broker user `user_id` may not publish have failed, and are named in the log."""
        batch = cls(messages)
        for place, message in enumerate(messages):
            if why_not := why_not_publish(message, user_id):
                log.error("message %s to %s refused: %s", message.id, message.route.queue, why_not)
                batch.outcomes[place] = Outcome.FAILED
            else:
                batch.waiting.append(place)
        return batch


class Outlet:
    """The channel that publishes with confirms. All but the constructor and :meth:`publish` runs in the line's I/O
    thread."""

    def __init__(self, line: Line, user_id: str | None, proved: Proved | None) -> None:
        self.line = line
        self._user_id = user_id
        self._proved = proved
        self._channel: Channel | None = None
        self._ready = False
        self._sequence = 0
        self._outstanding: dict[int, int] = {}  # sequence number -> place in the batch, in order
        self._bytes = 0
        self._returned: set[int] = set()
        self._batch: Batch | None = None

    def publish(self, batch: Batch, patience: float) -> bool:
        """Until all of `batch` is answered, or the line is lost, or nothing came for `patience` seconds and the time
        that its bytes may take. Whether all is; else it has its trouble, and this outlet is not to be used again: a
        late confirm would be taken for one of the next batch's."""
        sizes = [len(batch.messages[place].body) + len(batch.messages[place].proof) for place in batch.waiting]
        at_once = min(sum(sizes), max(WINDOW_BYTES, *sizes))
        self.line.submit(partial(self._send, batch))
        crashpoints.reached("C06" if batch.messages[0].route.direction == "in" else "R02")
        return self._await(batch, patience + at_once / SLOWEST_LINK)

    def _await(self, batch: Batch, patience: float) -> bool:
        line = self.line
        with line.changed:
            while not batch.done and line.ended is None:
                answers = batch.answers  # not woken for each: with small messages that would cost the most
                in_time = line.wait_for(lambda: batch.done or line.ended is not None, patience)
                if not in_time and (batch.answers == answers or line.is_over()):
                    batch.trouble = line.why_slow(f"no confirm within {patience:.0f} s")
                    break
        if batch.done:
            return True
        batch.trouble = batch.trouble or line.error
        return False

    def _send(self, batch: Batch) -> None:
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
                whole(message),
                properties(message, self._user_id),
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
        log.error("the broker closed the publishing channel: %s", text_of(reason))
        if self._proved is not None and reason.reply_code == _TOO_LARGE[0] and _TOO_LARGE[1] in reason.reply_text:
            self._proved.forget()
        if batch is None:
            return
        for sequence, place in list(self._outstanding.items()):
            exchange = batch.messages[place].route.exchange
            nowhere = reason.reply_code == 404 and f"'{exchange}'" in reason.reply_text
            self._answer(sequence, Outcome.RETURNED if nowhere else Outcome.FAILED)
        self._open()
