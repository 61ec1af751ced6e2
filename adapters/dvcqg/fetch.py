"""Files that a record names by URL: fetched once, bounded, from nowhere that only this machine can reach."""

from __future__ import annotations

import ipaddress
import time
from typing import TYPE_CHECKING

import h11
import httpx

from axis.adapters.webhook import connected, may_be_told

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence
    from ipaddress import IPv4Address, IPv6Address

MAX_FILE = 20_000_000  # bytes of one file
TIMEOUT = 30.0  # seconds for the whole of it
BLOCK = 64 * 1024


def fetch(url: str, networks: Sequence[str] = (), limit: int = MAX_FILE) -> bytes:
    """What lies at `url`. HTTPS, or plain HTTP within the private `networks` that the operator has named; no redirect
    is followed, no proxy asked, and the connection goes to the very address that was judged. Raises OSError for any
    other place, for more than `limit` bytes, for any answer but 200, and where it takes too long."""
    try:
        parts = httpx.URL(url)
        host = parts.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError, UnicodeError) as error:
        raise OSError(f"no URL: {type(error).__name__}") from None
    if parts.scheme not in {"http", "https"} or not host or parts.userinfo:
        raise OSError(f"not fetched from {parts.scheme}:")
    end = time.monotonic() + TIMEOUT

    def check(address: IPv4Address | IPv6Address, secure: bool) -> None:
        named = any(address in ipaddress.ip_network(one) for one in networks)
        if not named and not (secure and may_be_told(address)):
            raise OSError("not fetched from this address")

    with connected(parts, check, end) as connection:
        return _body(connection, parts, limit, end)


def _body(connection: socket.socket, parts: httpx.URL, limit: int, end: float) -> bytes:
    talk = h11.Connection(h11.CLIENT)
    headers = [("Host", parts.netloc.decode("ascii")), ("Connection", "close"), ("Accept-Encoding", "identity")]
    request = talk.send(h11.Request(method="GET", target=parts.raw_path, headers=headers))
    connection.settimeout(_left(end))
    connection.sendall((request or b"") + (talk.send(h11.EndOfMessage()) or b""))
    got = bytearray()
    while True:
        try:
            event = talk.next_event()
        except h11.RemoteProtocolError as error:
            raise OSError(f"not an answer of HTTP: {error}") from None
        if event is h11.NEED_DATA:
            connection.settimeout(_left(end))
            talk.receive_data(connection.recv(BLOCK))
        elif isinstance(event, h11.Response) and event.status_code != 200:
            raise OSError(f"HTTP {event.status_code}")
        elif isinstance(event, h11.Data):
            got += event.data
            if len(got) > limit:
                raise OSError(f"more than {limit} bytes")
        elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
            return bytes(got)


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError(f"not fetched within {TIMEOUT:.0f} seconds")
    return left
