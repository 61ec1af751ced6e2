"""A TCP proxy in front of the broker that misbehaves on demand: cuts inside frames, goes silent, is slow, swallows
confirms. One thread for all connections; what it does at random it does by the seed it was given."""

from __future__ import annotations

import contextlib
import random
import selectors
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

BASIC_ACK = struct.pack(">HH", 60, 80)


@dataclass
class _Pipe:
    """One direction of one connection."""

    source: socket.socket
    target: socket.socket
    from_broker: bool
    buffer: bytearray = field(default_factory=bytearray)


class TcpProxy:
    """Listens on a free port of 127.0.0.1 and forwards to `target`. A context manager."""

    def __init__(self, target: int, seed: int = 0) -> None:
        self._target = target
        self._dice = random.Random(seed)
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._cut = 0
        self._held_until = 0.0
        self._delay = 0.0
        self._swallow = 0.0
        self.swallowed = 0
        self._open = True
        self._thread = threading.Thread(target=self._run, daemon=True, name="proxy")
        self._thread.start()

    def __enter__(self) -> TcpProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        self._thread.join(5)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]

    def cut(self) -> None:
        """End the next connection that carries something, in the middle of what it carries."""
        self._cut += 1

    def hold(self, seconds: float) -> None:
        """Half open: connections stay, and are accepted, and nothing passes for so long."""
        self._held_until = time.monotonic() + seconds

    def delay(self, seconds: float) -> None:
        """Whatever passes waits so long first; 0 ends it."""
        self._delay = seconds

    def swallow_confirms(self, share: float) -> None:
        """Of the broker's confirms (basic.ack to a publisher) this share is lost; 0 ends it."""
        self._swallow = share

    def _run(self) -> None:
        while self._open:
            if time.monotonic() < self._held_until:
                time.sleep(0.05)
                continue
            for key, _ in self._selector.select(0.1):
                if key.data is None:
                    self._accept()
                else:
                    self._forward(key.data)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        try:
            broker = socket.create_connection(("127.0.0.1", self._target), 2)
        except OSError:
            client.close()
            return
        for one in (client, broker):
            one.settimeout(10)
        for pipe in (_Pipe(client, broker, from_broker=False), _Pipe(broker, client, from_broker=True)):
            self._selector.register(pipe.source, selectors.EVENT_READ, pipe)

    def _forward(self, pipe: _Pipe) -> None:
        try:
            data = pipe.source.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._end(pipe)
            return
        if self._delay:
            time.sleep(self._delay)
        try:
            if self._cut > 0 and len(data) > 40:
                self._cut -= 1
                pipe.target.sendall(data[: self._dice.randrange(1, len(data))])
                self._end(pipe)
                return
            pipe.target.sendall(self._without_confirms(pipe, data) if pipe.from_broker else data)
        except OSError:
            self._end(pipe)

    def _without_confirms(self, pipe: _Pipe, data: bytes) -> bytes:
        """Whole frames only, from the first swallowing on: a frame that is cut off waits for its rest."""
        if not (self._swallow or pipe.buffer):
            return data
        pipe.buffer += data
        passed = bytearray()
        while len(pipe.buffer) >= 8:
            kind, _channel, size = struct.unpack_from(">BHL", pipe.buffer)
            if kind not in {1, 2, 3, 8} or len(pipe.buffer) < size + 8:
                break
            whole = bytes(pipe.buffer[: size + 8])
            del pipe.buffer[: size + 8]
            if kind == 1 and whole[7:11] == BASIC_ACK and self._dice.random() < self._swallow:
                self.swallowed += 1
                continue
            passed += whole
        return bytes(passed)

    def _end(self, pipe: _Pipe) -> None:
        for one in (pipe.source, pipe.target):
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(one)
            one.close()
