"""Files that a record names by URL: fetched once, bounded, from nowhere that only this machine can reach."""

from __future__ import annotations

import ipaddress
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import h11
import httpx

from axis.adapters.webhook import may_be_told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    with _connected(parts, host, networks, end) as connection:
        return _body(connection, parts, limit, end)


@contextmanager
def _connected(parts: httpx.URL, host: str, networks: Sequence[str], end: float) -> Iterator[socket.socket]:
    secure = parts.scheme == "https"
    try:
        found = socket.getaddrinfo(host, parts.port or (443 if secure else 80), type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(str(error)) from None
    trouble: OSError = OSError("no address")
    for family, kind, protocol, _, place in found:
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        named = any(address in ipaddress.ip_network(one) for one in networks)
        if not named and not (secure and may_be_told(address)):
            trouble = OSError("not fetched from this address")
            continue
        with socket.socket(family, kind, protocol) as connection:
            connection.settimeout(_left(end))
            try:
                connection.connect(place)
            except OSError as error:
                trouble = error
                continue
            if not secure:
                yield connection
                return
            connection.settimeout(_left(end))
            with httpx.create_ssl_context().wrap_socket(connection, server_hostname=host) as wrapped:
                yield wrapped
            return
    raise trouble


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
