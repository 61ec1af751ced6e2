"""Who stands at the front door without ever coming in: silent connections, half requests and answers that nobody reads
end, keep nobody out, and leave the adapters' loop its files."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import socket
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from axis import bootstrap, config, fronts
from axis.adapters import server
from axis.adapters.door import Limits, peer_of
from axis.errors import Fault, Misconfigured
from axis.infra import keystore
from tests.line import document, small_home

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from starlette.requests import Request

QUICK = Limits(head=0.3, body=0.3, least=1000, idle=30)
HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
HALF_A_BODY = b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc"
ASKING_HEAD = b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"
UNREAD_BODY = b"POST /answered HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\nabc"
WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def _hello(_: Request) -> Response:
    return PlainTextResponse("hello")


async def _read(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def _much(_: Request) -> Response:
    async def blocks() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield bytes(100_000)

    return StreamingResponse(blocks())


APP = Starlette(
    routes=[
        Route("/", _hello),
        Route("/read", _read, methods=["POST"]),
        Route("/answered", _hello, methods=["POST"]),
        Route("/much", _much),
    ]
)


@contextmanager
def serving(limits: Limits) -> Iterator[int]:
    with server.serving(APP, "127.0.0.1:0", limits=limits) as port:
        yield port


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def ends(connection: socket.socket) -> bytes:
    """What comes until the server closes. Raises TimeoutError when it does not."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65536):
            got += data
    connection.close()
    return got


def greeted(port: int) -> bool:
    return httpx.get(f"http://127.0.0.1:{port}/", timeout=20).text == "hello"


# -- Deadlines ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def impatient() -> Iterator[int]:
    with serving(QUICK) as port:
        yield port


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (HALF_A_HEAD, b"HTTP/1.1 408"),
        (HALF_A_BODY, b"HTTP/1.1 408"),
        (UNREAD_BODY, b"HTTP/1.1 200"),
        (WHOLE + HALF_A_HEAD, b"HTTP/1.1 200"),
    ],
    ids=["silent", "half a head", "half a body", "a body after its answer", "half a head after a request"],
)
def test_who_does_not_finish_is_not_waited_for(impatient: int, sent: bytes, answer: bytes) -> None:
    connection = connect(impatient)
    connection.sendall(sent)
    assert ends(connection).startswith(answer)
    assert greeted(impatient)


def test_what_is_no_http_is_answered_and_fills_no_log(impatient: int, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        connection = connect(impatient)
        connection.sendall(b"GET / HTTP/1.1\r\nno header\r\n\r\n")
        assert ends(connection).startswith(b"HTTP/1.1 400")
    assert caplog.records == []


def test_a_body_with_two_lengths_smuggles_no_request_past_a_proxy() -> None:
    with server.serving(server.side_by_side(APP, APP), "127.0.0.1:0") as port:
        connection = connect(port)
        lengths = b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        connection.sendall(b"POST /read HTTP/1.1\r\nHost: x\r\n" + lengths + WHOLE)
        answer = ends(connection)
        assert answer.startswith(b"HTTP/1.1 400")
        assert answer.count(b"HTTP/1.1 ") == 1


def test_half_a_request_behind_a_whole_one_ends_too(impatient: int) -> None:
    connection = connect(impatient)
    connection.sendall(WHOLE)
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    connection.sendall(HALF_A_HEAD)
    assert b"HTTP/1.1 408" in ends(connection)


def test_a_dripping_head_or_body_has_no_more_time_than_a_silent_one(impatient: int) -> None:
    for start in (HALF_A_HEAD + b"X: ", HALF_A_BODY.replace(b" 100", b" 100000")):
        connection = connect(impatient)
        connection.sendall(start)
        connection.settimeout(0.05)
        for _ in range(400):
            try:
                assert connection.recv(12) in {b"", b"HTTP/1.1 408"}
                break
            except TimeoutError:
                connection.sendall(b"y")
            except ConnectionResetError:
                break
        else:
            pytest.fail("it drips for ever")
        connection.close()


def test_who_does_not_read_its_answer_is_not_waited_for(impatient: int) -> None:
    connection = connect(impatient)
    connection.sendall(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
    with pytest.raises(
        ConnectionError
    ):  # a closed socket says so to who goes on writing; the end itself is behind the data
        for _ in range(400):
            connection.send(b"x")
            time.sleep(0.05)
    connection.close()


def test_an_answer_waits_for_no_word_of_the_network_that_its_head_has_come() -> None:
    """A kernel that may hold the body back until then does so for 40 ms: with every request but the first."""
    took: list[float] = []
    with serving(Limits()) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(10):
            begun = time.perf_counter()
            assert client.get("/").text == "hello"
            took.append(time.perf_counter() - begun)
    assert min(took[1:]) < 0.02


def test_a_slow_body_of_which_enough_comes_is_taken_whole() -> None:
    """It takes longer than the time for a body, but each such time brings more than the least."""
    with serving(Limits(body=1.0, least=1)) as port:
        connection = connect(port)
        connection.sendall(b"POST /read HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 25\r\n\r\n")
        for _ in range(25):
            connection.sendall(b"x")
            time.sleep(0.06)
        assert ends(connection).endswith(b"25")


def test_a_tls_handshake_that_never_comes_ends(tmp_path: Path) -> None:
    with secure(tmp_path) as (port, _):
        assert ends(connect(port)) == b""


# -- How many -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limits", [Limits(connections=8, per_peer=99), Limits(connections=99, per_peer=8)])
def test_silent_connections_keep_nobody_out(limits: Limits) -> None:
    with serving(limits) as port:
        silent = [connect(port) for _ in range(40)]
        for one in silent[::3]:
            with contextlib.suppress(OSError):
                one.sendall(HALF_A_HEAD)
        assert all(greeted(port) for _ in range(10))
        closed = select.poll()
        for one in silent:
            closed.register(one, select.POLLRDHUP)
        assert len(closed.poll(20_000)) >= 32, "no more than eight are in"
        for one in silent:
            one.close()


def test_silent_connections_before_tls_keep_nobody_out(tmp_path: Path) -> None:
    with secure(tmp_path, Limits(connections=8)) as (port, trusted):
        silent = [connect(port) for _ in range(40)]
        assert httpx.get(f"https://localhost:{port}/", verify=trusted, timeout=20).text == "hello"
        for one in silent:
            one.close()


def test_a_request_in_work_gives_way_to_nobody() -> None:
    with serving(Limits(connections=4, per_peer=4)) as port:
        busy = [connect(port) for _ in range(4)]
        for one in busy:
            one.sendall(ASKING_HEAD)
            assert one.recv(25, socket.MSG_WAITALL) == b"HTTP/1.1 100 Continue\r\n\r\n"  # it is in work
            one.sendall(b"x" * 93)
        with pytest.raises(httpx.TransportError):
            greeted(port)
        for one in busy:
            one.sendall(b"x" * 7)
            assert one.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 200"
            one.close()
        assert greeted(port)


def test_a_peer_is_an_address_or_a_network_of_ipv6() -> None:
    assert peer_of("192.0.2.7") == peer_of("::ffff:192.0.2.7") == "192.0.2.7"
    assert peer_of("2001:db8:1:2:3::4") == peer_of("2001:db8:1:2:ffff::1%eth0") != peer_of("2001:db8:1:3::1")


def test_the_door_takes_no_more_files_than_the_loop_behind_it_can_spare(caplog: pytest.LogCaptureFixture) -> None:
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    open_now = len(os.listdir("/dev/fd"))
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (open_now + server.RESERVE + 20, allowed[1]))
        with serving(Limits(connections=300)) as port:
            assert "ulimit" in caplog.text
            silent = [connect(port) for _ in range(60)]
            assert greeted(port)
            assert len(os.listdir("/dev/fd")) < open_now + 60 + server.RESERVE // 2
            for one in silent:
                one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (open_now + server.RESERVE, allowed[1]))
        with pytest.raises(Misconfigured), serving(Limits()):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, allowed)


def test_silent_connections_stop_neither_the_server_nor_the_agencies_behind_it(tmp_path: Path) -> None:
    """A process with few open files: the door, a folder agency and the hub in one."""
    line = small_home(tmp_path / "home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    adapter = config.Adapter(settle_seconds=0.0, agencies={"G22": {"kind": "spool"}})
    line.configure(adapter=adapter, server=config.Server(listen=f"127.0.0.1:{port}"))
    limited = f"ulimit -n 400; exec {sys.executable} -P -m axis run --home {line.path}"
    running = subprocess.Popen(["/bin/sh", "-c", limited], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(lambda: httpx.get(f"http://127.0.0.1:{port}/v1/health").status_code == 200)
        with ExitStack() as stack:
            for _ in range(450):
                stack.enter_context(connect(port))
            assert httpx.get(f"http://127.0.0.1:{port}/v1/health", timeout=20).json() == {"status": "ok"}
            line.drop("G06", document(77, "G06", ("H41",)))
            _wait(lambda: line.files("H41", "inbox", "*.edxml"))
            assert running.poll() is None
    finally:
        running.terminate()
        running.communicate(timeout=60)


# -- In the clear -------------------------------------------------------------------------------------------------


def test_plain_http_is_for_this_machine_unless_the_operator_says_otherwise(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "[::]"):
        with pytest.raises(Misconfigured) as caught, server.serving(APP, f"{host}:0"):
            pass
        (problem,) = caught.value.problems
        assert (problem.fault, problem.path) == (Fault.CONFIG_INVALID, "server.listen")
        assert "plain_http" in problem.expected
    with server.serving(APP, "0.0.0.0:0", clear=True) as port:
        assert greeted(port)
    for host in ("127.0.0.1", "localhost", "[::1]", ""):
        with server.serving(APP, f"{host}:0") as port:
            assert port
    with secure(tmp_path, host="0.0.0.0") as (port, trusted):
        assert httpx.get(f"https://localhost:{port}/", verify=trusted).text == "hello"


def test_a_home_says_it_in_its_settings(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.configure(server=config.Server(listen="0.0.0.0:0"))
    with line.parts() as (_, agencies):
        with pytest.raises(Misconfigured), fronts.front(bootstrap.open_home(line.path), agencies):
            pass
        line.configure(server=config.Server(listen="0.0.0.0:0", plain_http="anywhere"))
        with fronts.front(bootstrap.open_home(line.path), agencies) as port:
            assert httpx.get(f"http://127.0.0.1:{port}/v1/health").status_code == 200


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        (config.Server(connections=0), "server.connections"),
        (config.Server(connections_per_peer=-1), "server.connections_per_peer"),
        (config.Server(webhook_networks=("10.0.0.1/8",)), "server.webhook_networks"),
    ],
)
def test_limits_that_mean_nothing_are_refused(tmp_path: Path, settings: config.Server, path: str) -> None:
    small_home(tmp_path / "home").configure(server=settings)
    with pytest.raises(Misconfigured) as caught:
        config.load(tmp_path / "home")
    assert [one.path for one in caught.value.problems] == [path]


@contextmanager
def secure(folder: Path, limits: Limits = QUICK, host: str = "localhost") -> Iterator[tuple[int, ssl.SSLContext]]:
    """The application over TLS: (port, whom a client trusts)."""
    now = datetime.now(UTC)
    authority = keystore.new_authority(now)
    keystore.save_signer(folder, "ca", authority)
    keystore.save_signer(folder, "localhost", keystore.new_tls(authority, "localhost", now, ["localhost"]))
    pem, key = folder / "localhost.pem", folder / "localhost.key"
    with server.serving(APP, f"{host}:0", pem, key, limits=limits) as port:
        yield port, ssl.create_default_context(cafile=folder / "ca.pem")


def _wait(ask: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while True:
        with contextlib.suppress(httpx.HTTPError):
            if ask():
                return
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.1)
