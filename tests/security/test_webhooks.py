"""Whoever has a token of an agency names where its system is told. That leads nowhere else, and what answers there can
neither fill the adapter's memory nor hold up another agency's notices."""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
import resource
import socket
import ssl
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from axis.adapters import webhook
from axis.adapters.mailbox import Mailbox
from axis.adapters.spool.store import open_spool
from axis.infra import keystore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = "0123456789abcdef"


class Endpoint:
    """Something that listens; `answer` is given each connection after its request."""

    def __init__(self, answer: Callable[[socket.socket], None], host: str = "127.0.0.1") -> None:
        self.server = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port = self.server.getsockname()[1]
        self.heard: list[bytes] = []
        self._answer = answer
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.server.accept()
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self.heard.append(connection.recv(65536))
            self._answer(connection)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/axis?x=1"


@contextlib.contextmanager
def endpoint(answer: Callable[[socket.socket], None], host: str = "127.0.0.1") -> Iterator[Endpoint]:
    made = Endpoint(answer, host)
    try:
        yield made
    finally:
        made.server.close()


def says(text: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(text)


def drips(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 103 Early Hints\r\nX: ")
    while True:
        threading.Event().wait(0.05)
        connection.sendall(b"y")


# -- What answers -------------------------------------------------------------------------------------------------


def test_the_status_is_all_that_is_read() -> None:
    sent = 0

    def endless(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        for _ in range(300):
            sent += connection.send(bytes(2**20))

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with endpoint(endless) as there:
        assert webhook.post(there.url, b"{}", {"Axis-Signature": "t=1,v1=0"}) == 200
        (heard,) = there.heard
    assert sent < 300 * 2**20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024
    assert heard.startswith(b"POST /axis?x=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert heard.endswith(b"\r\nAxis-Signature: t=1,v1=0\r\nContent-Length: 2\r\n\r\n{}")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.0 500 \r\n\r\n", 500),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Made\r\n\r\n", 201),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", 302),
        (b"", None),
        (b"HTTP/1.1", None),
        (b"SSH-2.0-OpenSSH_9.2\r\n", None),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, None),
    ],
)
def test_what_is_no_status_is_not_taken(answer: bytes, status: int | None) -> None:
    with endpoint(says(answer)) as there:
        if status is None:
            with pytest.raises(OSError):
                webhook.post(there.url, b"{}", {})
        else:
            assert webhook.post(there.url, b"{}", {}) == status
        assert len(there.heard) == 1, "and no redirect is followed"


def test_a_dripping_answer_has_one_deadline_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "TIMEOUT", 0.5)
    with endpoint(drips) as there, pytest.raises(TimeoutError):
        webhook.post(there.url, b"{}", {})


def test_one_agencys_endpoint_does_not_hold_up_anothers_notices(tmp_path: Path) -> None:
    """The one drips, and would for ten seconds; meanwhile all of the other's are told."""
    going = threading.Event()

    def holds(connection: socket.socket) -> None:
        going.set()
        drips(connection)

    stopped = threading.Event()
    with endpoint(holds) as slow, endpoint(says(b"HTTP/1.1 204 \r\n\r\n")) as quick:
        mailboxes = {}
        for code, there in (("G22", slow), ("H41", quick)):
            spool = open_spool(tmp_path / code)
            spool.set_webhook(there.url, SECRET)
            for number in range(5):
                _notice(spool, f"{code}/{number}")
            mailboxes[code] = Mailbox(code, spool, lambda: None)  # type: ignore[arg-type,return-value]
        threads = webhook.telling(mailboxes, stopped)
        assert going.wait(20)
        held = len(slow.heard)
        while mailboxes["H41"].spool.notices(datetime.now(UTC)):
            assert threads[0].is_alive()
            threading.Event().wait(0.05)
        assert len(quick.heard) == 5
        assert len(slow.heard) == held == 1, "the first of the slow one is still not answered"
        stopped.set()


def _notice(spool: object, document: str) -> None:
    from axis.adapters.spool.notices import notify

    row = dict.fromkeys(("id", "kind", "sender", "document_id", "code", "subject", "traceparent"), document)
    with spool._begin() as connection:  # type: ignore[attr-defined]
        notify(connection, "document.accepted", row)  # type: ignore[arg-type]


# -- Where --------------------------------------------------------------------------------------------------------

INSIDE = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1",
    "::", "::1", "::7f00:1", "fe80::1", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "4000::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a00:1",
    "64:ff9b:1::1", "2002:7f00:1::1", "2002:a00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_that_only_this_machine_reaches_are_not_told(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not webhook.may_be_told(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(ValueError, match="address"):
        webhook.destination(f"https://{host}/")
    # The same behind a name, which leads there only when the call is made.
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(family, socket.SOCK_STREAM, 6, "", (address, 443))])
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("it connects"))
    with pytest.raises(OSError, match="not told"):
        webhook.post("https://system.example.vn/", b"{}", {})


def test_public_addresses_and_named_networks_are_told() -> None:
    for address in ("203.162.0.181", "2402:800::1", "64:ff9b::cba2:b5", "::ffff:203.162.0.181", "2002:cba2:b5::1"):
        assert webhook.may_be_told(ipaddress.ip_address(address)), address
    for address, network in (
        ("10.20.3.4", "10.20.0.0/16"),
        ("::ffff:10.20.3.4", "10.20.0.0/16"),
        ("fd00:1::5", "fd00:1::/48"),
    ):
        assert webhook.may_be_told(ipaddress.ip_address(address), [network])
        assert not webhook.may_be_told(ipaddress.ip_address(address), ["10.21.0.0/16", "fd00:2::/48"])


@pytest.mark.parametrize(
    "url",
    [
        "http://example.vn/", "http://localhost.example.vn/", "http://127.0.0.2/", "http://10.0.0.1/", "ftp://example.vn/",
        "file:///etc/passwd", "gopher://x/", "https://user:pw@example.vn/", "https://user@example.vn/", "https:///x", "https://",
        "http://user:pw@127.0.0.1/", "", "https://example.vn/\r\nX: y", "https://[::1/", "//x",
    ],
)  # fmt: skip
def test_only_https_or_this_machine_is_a_webhook(url: str) -> None:
    with pytest.raises(ValueError):
        webhook.destination(url)


def test_the_address_that_was_judged_is_the_one_that_is_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name whose answer changes with each question (rebinding): it is asked once, and refused addresses are passed over."""
    now = datetime.now(UTC)
    authority = keystore.new_authority(now)
    keystore.save_signer(tmp_path, "ca", authority)
    keystore.save_signer(tmp_path, "there", keystore.new_tls(authority, "there", now, ["system.example.vn"]))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "there.pem", tmp_path / "there.key")

    server = socket.create_server(("127.0.0.2", 0))
    port = server.getsockname()[1]
    heard: list[bytes] = []

    def serve() -> None:
        connection, _ = server.accept()
        with context.wrap_socket(connection, server_side=True) as wrapped:
            heard.append(wrapped.recv(65536))
            wrapped.sendall(b"HTTP/1.1 204 \r\n\r\n")

    threading.Thread(target=serve, daemon=True).start()
    asked = itertools.count()

    def resolve(host: str, *_: object, **__: object) -> list[object]:
        assert (host, next(asked)) == ("system.example.vn", 0), "asked once"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("10.0.0.1", "127.0.0.2")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert webhook.post(f"https://system.example.vn:{port}/x", b"{}", {}, ["127.0.0.2/32"]) == 204
    assert heard[0].startswith(b"POST /x HTTP/1.1\r\nHost: system.example.vn:")
    server.close()


def test_notices_that_wait_do_not_cost_more_the_more_they_are(tmp_path: Path) -> None:
    spool = open_spool(tmp_path / "spool")
    spool.set_webhook("https://system.example.vn/", SECRET)
    steps = []
    for round_ in range(3):
        for number in range(200 * 2 ** max(0, round_ - 1)):
            _notice(spool, f"{round_}/{number}")
        counted = itertools.count()
        with spool._begin() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            raw.set_progress_handler(lambda counted=counted: next(counted) < 0, 10)
        spool.notices(datetime.now(UTC), 10_000)
        raw.set_progress_handler(None, 0)
        steps.append(next(counted))
    assert steps[2] < 3 * steps[1], steps
    assert steps[1] < 3 * steps[0], steps
