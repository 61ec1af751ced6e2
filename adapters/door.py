"""The front door: how many may be inside, from whom, and how long a client may keep it waiting.

uvicorn has no deadline before its first answer, and counts a connection only once its request is whole. So connections
are counted where they are accepted (also those that never finish their TLS handshake), and the clock runs whenever it
is the client's turn. Who waits gives way to who comes: silent connections keep nobody out.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uvicorn import Config

log = logging.getLogger("axis.server")
LEAVING = 32  # connections that were shown out and are not closed yet, at most
SILENCE = 60.0  # seconds between two log lines about connections that were refused
_trouble = logging.getLogger("axis.server.http")
_trouble.setLevel(logging.ERROR)  # what is no HTTP is answered and not logged: anybody could fill the log with it
_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True)
class Limits:
    """What the door allows."""

    connections: int = 300
    per_peer: int = 100  # of one IPv4 address, or one /64 of IPv6
    head: float = 20.0  # seconds for a TLS handshake, and for the head of a request
    idle: int = 60  # seconds between two requests
    body: float = 30.0  # seconds in which `least` bytes of a body come, or an answer goes out a little further
    least: int = 120_000  # bytes: 4 kB in a second


class Hall:
    """Who is inside. All of it happens in the server's event loop."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._inside: dict[int, Guest] = {}  # by descriptor
        self._waiting: dict[int, Guest] = {}  # those among them without a request in work, longest first
        self._leaving: set[Guest] = set()
        self._peers: Counter[str] = Counter()
        self._refused = 0
        self._said_at = float("-inf")

    def admits(self, peer: str) -> bool:
        """Whether one more from `peer` may come in; if it must, one that only waits has to go."""
        if self._peers[peer] >= self.limits.per_peer:
            admitted = self._show_out(peer)
        elif len(self._inside) >= self.limits.connections:
            admitted = self._show_out("")
        else:
            return True
        if not admitted:
            self._refused += 1
            if time.monotonic() - self._said_at > SILENCE:
                log.warning("%d connections refused, the last from %s: too many are open", self._refused, peer)
                self._refused, self._said_at = 0, time.monotonic()
        return admitted

    def is_busy(self) -> bool:
        """Whether many that were shown out have still to be closed."""
        return len(self._leaving) >= LEAVING

    def entered(self, guest: Guest) -> None:
        """It was accepted."""
        self._inside[guest.descriptor] = self._waiting[guest.descriptor] = guest
        self._peers[guest.peer] += 1

    def works(self, descriptor: int, *, works: bool) -> None:
        """A connection has a request in work now, or has none any more."""
        guest = self._inside.get(descriptor)
        if guest is not None and works is (descriptor in self._waiting):
            if works:
                del self._waiting[descriptor]
            else:
                self._waiting[descriptor] = guest

    def left(self, guest: Guest) -> None:
        """It is closed."""
        self._leaving.discard(guest)
        if self._inside.get(guest.descriptor) is guest:
            self._forget(guest)

    def _show_out(self, peer: str) -> bool:
        guest = next((one for one in self._waiting.values() if not peer or one.peer == peer), None)
        if guest is None:
            return False
        self._forget(guest)
        self._leaving.add(guest)
        with suppress(OSError):
            guest.shutdown(socket.SHUT_RDWR)  # the event loop sees its end, and closes it
        return True

    def _forget(self, guest: Guest) -> None:
        del self._inside[guest.descriptor]
        self._waiting.pop(guest.descriptor, None)
        self._peers[guest.peer] -= 1
        if not self._peers[guest.peer]:
            del self._peers[guest.peer]


class Guest(socket.socket):
    """An accepted connection: the hall knows when it is closed, however that comes."""

    def __init__(self, hall: Hall, peer: str, accepted: socket.socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        self.descriptor, self.peer, self._hall = self.fileno(), peer, hall
        hall.entered(self)

    def close(self) -> None:
        """See :meth:`socket.socket.close`."""
        self._hall.left(self)
        super().close()


class Door(socket.socket):
    """A listening socket that lets in only whom the hall admits."""

    def __init__(self, hall: Hall, family: int, address: Any) -> None:
        super().__init__(family, socket.SOCK_STREAM)
        self._hall = hall
        self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Those that are accepted have it from here. asyncio does it only for sockets that were made in its own way; the
        # body of an answer would wait until the client's kernel says, 40 ms later, that the head has come.
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if family == socket.AF_INET6:
            self.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.bind(address)

    def accept(self) -> tuple[socket.socket, Any]:
        """See :meth:`socket.socket.accept`. Raises ConnectionAbortedError for whom is not let in."""
        if self._hall.is_busy():
            raise BlockingIOError  # it stays in the queue until the event loop has closed those
        accepted, address = super().accept()
        peer = peer_of(address[0])
        if not self._hall.admits(peer):
            accepted.close()
            raise ConnectionAbortedError
        return Guest(self._hall, peer, accepted), address


def doors(hall: Hall, host: str, port: int) -> Sequence[Door]:
    """Sockets on every address of `host`. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    opened: list[Door] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            opened.append(Door(hall, family, address))
    except OSError:
        for one in opened:
            one.close()
        raise
    return opened


def peer_of(host: str) -> str:
    """Who counts as one: an IPv4 address, however it is written, or the network of an IPv6 address, which has as many
    addresses as it likes."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose servers do not wait long for a TLS handshake."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self._limits = limits

    async def create_server(self, *arguments: Any, **named: Any) -> asyncio.Server:
        """See :meth:`asyncio.loop.create_server`."""
        if named.get("ssl"):
            named["ssl_handshake_timeout"] = named["ssl_shutdown_timeout"] = self._limits.head
        return await super().create_server(*arguments, **named)


class Visit(H11Protocol):
    """A connection whose client has a deadline whenever it is its turn: for a head, for a body, for taking its answer.
    Subclasses name the `hall`."""

    hall: Hall

    def __init__(self, config: Config, *arguments: Any, **named: Any) -> None:
        super().__init__(config, *arguments, **named)
        self.logger = _trouble
        self._descriptor = -1
        self._turn: tuple[str, object] = ("", None)
        self._clock: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See :class:`asyncio.Protocol`."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        if tls is not None and (shown := tls.getpeercert(binary_form=True)):
            self.app_state = {**self.app_state, "certificate": shown}  # in each request's scope["state"]
        self._descriptor = transport.get_extra_info("socket").fileno()
        self._watch()

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        self._bytes += len(data)
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """See :class:`H11Protocol`."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """See :class:`asyncio.Protocol`."""
        super().pause_writing()
        self._stalled = self._stalled or self.loop.call_later(self.hall.limits.body, self.transport.abort)

    def resume_writing(self) -> None:
        """See :class:`asyncio.Protocol`."""
        super().resume_writing()
        _stop(self._stalled)
        self._stalled = None

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.Protocol`."""
        _stop(self._clock)
        _stop(self._stalled)
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Start the clock for what the client owes now, if that is another thing than before."""
        answering = self.cycle is not None and not self.cycle.response_complete
        self.hall.works(self._descriptor, works=answering)
        owed = ""
        if self.conn.their_state is h11.SEND_BODY:
            owed = "body" if answering else "rest"
        elif self.conn.their_state is h11.IDLE and (self.timeout_keep_alive_task is None or self.conn.trailing_data[0]):
            owed = "head"  # else it has sent nothing since its last answer: that is uvicorn's clock
        if self._turn == (owed, self.cycle):
            return
        self._turn = (owed, self.cycle)
        _stop(self._clock)
        if owed:
            self._start(owed)

    def _start(self, owed: str) -> None:
        limits = self.hall.limits
        before = self._bytes

        def late() -> None:
            enough = owed == "body" and self._bytes - before >= limits.least
            # Reading is paused, or the client waits for 100 Continue: it is we who are slow.
            ours = self.flow.read_paused or (owed == "body" and self.cycle.waiting_for_100_continue)
            if enough or ours:
                self._start(owed)
            elif owed == "rest" or self.transport.is_closing():
                self.transport.abort()
            else:
                if self._bytes:
                    self.transport.write(_LATE)
                self.transport.close()

        self._clock = self.loop.call_later(limits.head if owed == "head" else limits.body, late)


def _stop(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
