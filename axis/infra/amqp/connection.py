"""One connection to the broker, with its I/O loop in a thread of its own.

**Memory.** AMQP bounds what a consumer is sent in messages, not in bytes, and for each queue: prefetch 100 of
190 queues of 50 MB are 950 GB. So the connection stops reading when `buffer_bytes` wait for the caller, and
goes on at half of that. What is held is therefore at most `buffer_bytes` and one message more, beside the
messages that the caller has taken. Should the caller be away for long meanwhile the broker cuts the
connection (after 15 s by default) and the messages come again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pika import exceptions

from axis.errors import AxisError, Fault, Problem, Unavailable
from axis.infra.amqp.trouble import translated
from axis.infra.amqp.wire import PausableIo, WireConnection

if TYPE_CHECKING:
    from collections.abc import Callable

    import pika
    from pika.channel import Channel

log = logging.getLogger(__name__)

T = TypeVar("T")

_SLICE = 0.2  # seconds after which who waits asks whether that still makes sense
SLOWEST_LINK = 256 * 1024  # bytes a second an agency's line must manage; a large message gets time accordingly
RECEIVE_BYTES = 32 * 1024  # of one recv(); with pika's 4 kB a message of 100 kB takes twice the time


class Line:
    """One connection with its I/O loop in a thread. Ends once, and is not used again then."""

    def __init__(
        self,
        parameters: pika.connection.Parameters,
        name: str,
        buffer_bytes: int,
        arrived: Callable[[], None],
        is_over: Callable[[], bool],
    ) -> None:
        self.changed = threading.Condition()  # guards what both threads touch, here, in Batch and in Source
        self.opened = False
        self.ended: Exception | None = None
        self.bug: Exception | None = None  # an exception of ours in a callback
        self.blocked = ""  # why the broker takes nothing now from whoever publishes
        self.io = PausableIo()
        self.connection: WireConnection
        self.arrived = arrived
        self.is_over = is_over
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
        return self.bug or translated(self.ended or ConnectionError("the connection ended"))

    def why_slow(self, otherwise: str) -> AxisError:
        """What to raise when nothing is confirmed: the broker's own word if it has said why, else `otherwise`."""
        if self.blocked:
            return Unavailable(Problem(Fault.BROKER_FULL, got=self.blocked))
        return translated(TimeoutError(otherwise))

    def start(self, timeout: float) -> None:
        """Connect. Raises :class:`Unavailable` or :class:`Misconfigured`."""
        self.connection = WireConnection(
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
            if left <= 0 or self.is_over():
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
        while self._thread.is_alive() and time.monotonic() < end and not self.is_over():
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
                if time.monotonic() > limit or self.is_over():
                    raise translated(TimeoutError(f"no answer within {timeout:.0f} s")) from None
            except Exception as reason:
                raise translated(reason, queue) from reason

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
