"""What pika's own connection does not do: outlive a header that it cannot read, hold a large message no more than once,
and stop reading for a while. All of it in the I/O thread.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any, cast

import pika
from pika import exceptions, frame, spec
from pika.adapters.select_connection import IOLoop, SelectConnection
from pika.adapters.utils.selector_ioloop_adapter import SelectorIOServicesAdapter
from pika.channel import ContentFrameAssembler

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE = 1024 * 1024  # bytes from which on a message is not held once more than need be
_FRAME, _FRAME_END = struct.Struct(">BHL"), bytes([spec.FRAME_END])


class Parts(bytes):
    """A large body that is not in one piece. pika passes bytes on as they are; only our connection looks at these."""

    parts: tuple[bytes, ...]

    def __new__(cls, *parts: bytes) -> Parts:
        """Bytes that consist of these, in order."""
        made = super().__new__(cls)
        made.parts = parts
        return made

    def __len__(self) -> int:
        return sum(map(len, self.parts))


class WireConnection(SelectConnection):
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
        for part in body.parts if isinstance(body, Parts) else (body,):
            for start in range(0, len(part), longest):
                piece = memoryview(part)[start : start + longest]
                pieces += [head + _FRAME.pack(spec.FRAME_BODY, channel_number, len(piece)), piece]
                head = _FRAME_END
        self._output_marshaled_frames([*pieces, head])  # type: ignore[attr-defined]


class Assembler(ContentFrameAssembler):
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


class PausableIo(SelectorIOServicesAdapter):  # type: ignore[type-arg]  # only the stubs say it is generic
    """The I/O services of a connection that can stop reading from its socket. In the I/O thread only."""

    def __init__(self) -> None:
        super().__init__(IOLoop())
        self.paused = False
        self._readers: dict[Any, Callable[[], None]] = {}

    def set_reader(self, fd: Any, on_readable: Callable[[], None]) -> None:
        """As pika asks for it; while reading pauses, from :meth:`resume` on."""
        self._readers[fd] = on_readable
        if not self.paused:
            super().set_reader(fd, on_readable)

    def remove_reader(self, fd: Any) -> bool:
        """As pika asks for it."""
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
