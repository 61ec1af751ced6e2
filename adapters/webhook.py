"""Telling an agency's own system over HTTP what has happened: where it may be, one request to it, and when.

Whoever has a token names the URL, so it must not lead into networks that only this machine can reach. Names are
resolved when the call is made, each address is judged, and the connection goes to the very address that was judged.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import logging
import re
import socket
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import httpx

from axis.errors import AxisError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from ipaddress import IPv4Address, IPv6Address

    from axis.adapters.mailbox import Mailbox
    from axis.adapters.spool.store import Spool

log = logging.getLogger("axis.api")

TIMEOUT = 10.0  # seconds for the whole call, from the connection to the status; a name is resolved before
HEAD = 16 * 1024  # bytes that may come before the status
LOCAL = ("localhost", "127.0.0.1", "::1")
FIRST_RETRY, LONGEST_RETRY = 5.0, 3600.0  # seconds until a notice is tried again
AT_ONCE = 20  # notices: each is signed with the time at which its turn began
_GLOBAL = ipaddress.IPv6Network("2000::/3")  # the only unicast addresses of IPv6 that are given out
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r\n]")


def destination(url: str, networks: Sequence[str] = ()) -> httpx.URL:
    """The parts of a webhook's URL: HTTPS, or plain HTTP to this machine. Raises ValueError for anything else, for user
    and password in it, and for an address that :func:`may_be_told` refuses."""
    try:
        parts = httpx.URL(url)
        host = parts.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError(str(error)) from None
    if parts.userinfo:
        raise ValueError("user and password in the URL")
    if parts.scheme == "http" and host in LOCAL:
        return parts
    if parts.scheme != "https" or not host:
        raise ValueError(f"{parts.scheme}://{host}")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return parts  # a name: judged when it is resolved
    if not may_be_told(address, networks):
        raise ValueError(f"address {address}")
    return parts


def may_be_told(address: IPv4Address | IPv6Address, networks: Sequence[str] = ()) -> bool:
    """Whether agencies' systems may be at this address: a public one, or in the private networks that the operator has
    named. An IPv6 address that stands for an IPv4 address is judged as that."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return may_be_told(inner, networks)
    if any(address in ipaddress.ip_network(one) for one in networks):
        return True
    if address.is_multicast or address.is_reserved or address.is_unspecified or not address.is_global:
        return False
    return isinstance(address, ipaddress.IPv4Address) or (address in _GLOBAL and address.teredo is None)


def post(url: str, body: bytes, headers: Mapping[str, str], networks: Sequence[str] = ()) -> int:
    """The status that a POST is answered with; nothing after it is read, no redirect is followed, no proxy asked.
    Raises OSError: not reached, not answered in time, or not a place that may be told."""
    try:
        parts = destination(url, networks)
    except ValueError as error:
        raise OSError(f"not told: {error}") from None
    end = time.monotonic() + TIMEOUT
    lines = [b"POST " + parts.raw_path + b" HTTP/1.1", b"Host: " + parts.netloc, b"Connection: close"]
    lines += [f"{name}: {value}".encode("ascii") for name, value in headers.items()]
    lines += [b"Content-Length: %d" % len(body), b"", b""]

    def check(address: IPv4Address | IPv6Address, secure: bool) -> None:
        if not (may_be_told(address, networks) if secure else address.is_loopback):
            raise OSError(f"not told: address {address}")

    with connected(parts, check, end) as connection:
        connection.settimeout(_left(end))
        connection.sendall(b"\r\n".join(lines) + body)
        return _status(connection, end)


@contextmanager
def connected(
    parts: httpx.URL, check: Callable[[IPv4Address | IPv6Address, bool], None], end: float
) -> Iterator[socket.socket]:
    """A connection to the first address of the URL's host that answers, and to which `check` (address, whether by TLS)
    raises no OSError: to the very address that was judged. Until `end` on the monotonic clock. Raises OSError."""
    host = parts.raw_host.decode("ascii")
    secure = parts.scheme == "https"
    try:
        found = socket.getaddrinfo(host, parts.port or (443 if secure else 80), type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(str(error)) from None
    trouble: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, place in found:
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        try:
            check(address, secure)
        except OSError as error:
            trouble = error
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


def _status(connection: socket.socket, end: float) -> int:
    """What the answer's first line says, or that of the one behind 1xx."""
    got, start = b"", 0
    while len(got) < HEAD:
        connection.settimeout(_left(end))
        data = connection.recv(4096)
        if not data:
            raise OSError("closed before it said its status")
        got += data
        while found := _STATUS.match(got, start):
            if int(found[1]) >= 200:
                return int(found[1])
            behind = got.find(b"\r\n\r\n", start)
            if behind < 0:
                break
            start = behind + 4
        if not found and len(got) - start >= 13:
            raise OSError("not an answer of HTTP")
    raise OSError("too much before its status")


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError(f"not answered within {TIMEOUT:.0f} seconds")
    return left


# -- Notices -----------------------------------------------------------------------------------------------------


def signature(secret: str, time: str, body: bytes) -> str:
    """What the header Axis-Signature says of a notice sent at `time` (seconds since 1970)."""
    mac = hmac.new(secret.encode(), f"{time}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={time},v1={mac}"


def tell(spool: Spool, now: datetime, post: Callable[[str, bytes, dict[str, str]], int]) -> int:
    """Tell the agency's system what has happened, at least once, of each document in order; how many notices were
    tried. `post` gives the HTTP status, and raises OSError where there is none."""
    url, secret = spool.webhook()
    if not url:
        return 0
    due = spool.notices(now, AT_ONCE)
    for one in due:
        content = dict(one["content"])
        traced = content.pop("traceparent", "")
        facts = {"number": one["number"], "event": one["event"], "time": one["created_at"], **content}
        body = json.dumps(facts, ensure_ascii=False).encode()
        at = str(int(now.timestamp()))
        headers = {"Content-Type": "application/json", "Axis-Signature": signature(secret, at, body)}
        headers |= {"traceparent": traced} if traced else {}
        try:
            taken = 200 <= post(url, body, headers) < 300
        except OSError as error:
            log.log(logging.INFO if one["attempts"] else logging.WARNING, "a webhook is tried again: %s", error)
            taken = False
        wait = min(FIRST_RETRY * 2 ** min(one["attempts"], 20), LONGEST_RETRY)
        spool.noticed(one["number"], None if taken else now + timedelta(seconds=wait))
    return len(due)


def telling(mailboxes: Mapping[str, Mailbox], stopped: threading.Event) -> list[threading.Thread]:
    """Threads that tell the agencies' systems until they are stopped: one for each, so that none waits for another."""

    def work(mailbox: Mailbox) -> None:
        call = partial(post, networks=mailbox.networks)
        while not stopped.wait(1.0):
            try:
                tell(mailbox.spool, datetime.now(UTC), call)
            except (AxisError, OSError) as error:
                log.warning("webhook of %s: %s", mailbox.agency, error)
            except Exception:
                log.exception("webhook of %s", mailbox.agency)

    threads = [
        threading.Thread(target=work, args=(mailbox,), name=f"webhook {mailbox.agency}", daemon=True)
        for mailbox in mailboxes.values()
    ]
    for one in threads:
        one.start()
    return threads
