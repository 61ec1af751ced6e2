"""The broker port on RabbitMQ: which connection a call goes over, and what is made anew after a loss."""

from __future__ import annotations

import copy
import logging
import random
import time
from typing import TYPE_CHECKING, Literal, cast

from axis.core.message import DEAD_QUEUE, Outcome
from axis.errors import Unavailable
from axis.infra import dead_letters
from axis.infra.amqp import login, requests
from axis.infra.amqp.connection import Line
from axis.infra.amqp.consume import Reader, settle
from axis.infra.amqp.move import at_leisure, move, sift
from axis.infra.amqp.publish import Batch, Outlet
from axis.infra.amqp.trouble import text_of
from axis.infra.embedded import MAX_MESSAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from axis.core.message import DeadLetter, Delivered, Message, Route
    from axis.infra.amqp.consume import Handle
    from axis.infra.amqp.proved import Proved

log = logging.getLogger(__name__)

Role = Literal["publish", "consume", "ask"]


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
        prefetch: int = 100,
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
        self._locks: dict[str, Line] = {}  # by agency: the connection that has its lock, or had it
        self._buffer_bytes = buffer_bytes
        self._name = name
        self._connect_timeout = connect_timeout
        self._confirm_timeout = confirm_timeout
        self._parameters = login.parameters(
            url, ca_file, certificate_file, key_file, heartbeat=heartbeat, blocked=confirm_timeout
        )
        self._lines: dict[Role, Line] = {}
        self._outlet: Outlet | None = None
        self._reader = Reader(prefetch, confirm_timeout)

    # -- What is there at the broker -----------------------------------------------------------------

    def declare(self, codes: Iterable[str]) -> None:
        """Make exchanges, the queues of these agencies and the dead letters. Idempotent.

        Raises :class:`Misconfigured` BROKER_OTHER_QUEUE where a queue exists with other arguments.
        """
        requests.declare(self._line("ask"), list(codes), self._confirm_timeout)
        self._reader.ask_again()

    def check(self, size: int = MAX_MESSAGE) -> None:
        """Whether the broker takes messages of `size` bytes; for the hub's start, after :meth:`declare`.

        The broker tells its limit to nobody, so a message of that size is sent that no queue wants; once for each
        version and configuration of the broker, as far as it tells those, and again when it has refused one.
        Raises :class:`Misconfigured` BROKER_CONFIG when the limit (``max_message_size``) is lower.
        """
        requests.require_size(self._line("publish"), size, self._proved, self._confirm_timeout)

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
        return requests.waiting(self._line("ask"), queue, self._confirm_timeout)

    def holds(self, queue: str) -> bool:
        """Whether the broker has brought messages of a queue that nobody has received yet."""
        return self._reader.holds(queue)

    def move(self, source: str, target: str) -> None:
        """Move what waits in one queue to another (:func:`axis.infra.amqp.move.move`)."""
        move(self._parameters, source, target)

    def sift_dead_letters(self, limit: int, is_done: Callable[[DeadLetter], bool]) -> None:
        """See :meth:`axis.core.message.Broker.sift_dead_letters`."""
        at_leisure(self._parameters, DEAD_QUEUE, lambda found: dead_letters.sift_queue(found, limit, is_done))

    def sift(self, route: Route, limit: int, are_done: Callable[[Sequence[Delivered]], Sequence[bool]]) -> None:
        """See :meth:`axis.core.message.Broker.sift`."""
        at_leisure(self._parameters, route.queue, lambda found: sift(found, route, limit, are_done))

    # -- Publishing ----------------------------------------------------------------------------------

    def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        """Publish all, in windows of confirms; one outcome each, in order.

        A message that this user may not publish, or that is too large, is FAILED and named in the log;
        the others go on. When the connection is lost, or no confirm came for too long, what has none is
        FAILED; if nothing at all was answered :class:`Unavailable` is raised instead, and each message
        may or may not be in its queue.
        """
        batch = Batch.of(messages, self._user_id)
        if batch.waiting:
            line = self._line("publish")
            if self._outlet is None or self._outlet.line is not line:
                self._outlet = Outlet(line, self._user_id, self._proved)
            if not self._outlet.publish(batch, self._confirm_timeout):
                log.warning("publishing broke off: %s", batch.trouble)
                self._drop("publish")
            if not batch.answers and batch.trouble is not None:
                raise batch.trouble
        return [outcome or Outcome.FAILED for outcome in batch.outcomes]

    # -- Consuming -----------------------------------------------------------------------------------

    def receive(self, routes: Sequence[Route], *, limit: int, max_bytes: int, timeout: float) -> list[Delivered]:
        """Take messages as the port promises; of one queue no more than `prefetch` are held at a time.

        Queues that do not exist are passed over, asked for again with growing pauses,
        and only when none is left :class:`Unavailable` BROKER_NO_QUEUE is raised.
        """
        line = self._line("consume")
        if self._alone:
            for code in sorted({route.code for route in routes if route.direction == "out"}):
                if self._locks.get(code) is not line:
                    requests.lock(line, code, self._confirm_timeout)
                    self._locks[code] = line
        return self._reader.receive(line, routes, limit=limit, max_bytes=max_bytes, timeout=timeout)

    def ack(self, deliveries: Sequence[Delivered]) -> None:
        """Done with these. A handle of a lost connection or channel is ignored: the message comes again."""
        settle([cast("Handle", delivered.handle) for delivered in deliveries], done=True)

    def reject(self, deliveries: Sequence[Delivered]) -> None:
        """Move these to the dead letters; the broker drops a message only once they have confirmed it."""
        settle([cast("Handle", delivered.handle) for delivered in deliveries], done=False)

    def close(self) -> None:
        """Give back what was not acknowledged and disconnect. Idempotent; a later call connects again."""
        for role in list(self._lines):
            self._drop(role)

    # -- Connections ---------------------------------------------------------------------------------

    def _line(self, role: Role) -> Line:
        line = self._lines.get(role)
        if line is not None:
            if line.ended is None:
                return line
            log.warning("broker connection '%s %s' lost: %s", self._name, role, text_of(line.ended))
            self._drop(role)
        deadline = time.monotonic() + self._connect_timeout
        attempt = 0
        while True:
            parameters = copy.copy(self._parameters[attempt % len(self._parameters)])
            # Hubs are told from others by this name, see services/operate/broker_setup.py.
            parameters.client_properties = {"connection_name": f"{self._name} {role}"}
            line = Line(parameters, f"{self._name} {role}", self._buffer_bytes, self._tell, self._is_over)
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
            self._reader.forget()
        if line is not None:
            line.stop()
