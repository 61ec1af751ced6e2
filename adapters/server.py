"""The HTTP(S) server in front of the spools: one for a process, in a thread beside the adapters' loop."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import resource
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response

from axis import counting
from axis.adapters.door import Hall, Limits, Loop, Visit, doors
from axis.adapters.monitor import PATHS
from axis.errors import Fault, Misconfigured, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import uvicorn
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from axis.adapters.door import Door

log = logging.getLogger("axis.server")
HEAD = 128 * 1024  # bytes of a request's head: the SDK sends its parameters twice, and a long list of recipients
START = 15.0  # seconds
RESERVE = 256  # descriptors that the adapters' loop may still need: databases, brokers, files, webhooks
EACH = 2  # descriptors of a connection: itself, and the packet that it sends or fetches


def side_by_side(
    api: ASGIApp,
    vxp: ASGIApp,
    health: ASGIApp | None = None,
    dvcqg: ASGIApp | None = None,
    ecabinet: ASGIApp | None = None,
) -> ASGIApp:
    """The API under /v1, the portal under /dvcqg and meeting systems under /ecabinet where they are served, and VXP
    under every other path: its clients have base paths of their own; but /healthz and /readyz, where there is a
    `health` to ask. A body with two lengths is refused: what a proxy in front takes for its end may be another. What is
    answered is counted."""
    refused = Response(status_code=400, headers={"Connection": "close"})

    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        kind, app = ("v1", api) if path == "/v1" or path.startswith("/v1/") else ("vxp", vxp)
        for name, one in (("dvcqg", dvcqg), ("ecabinet", ecabinet)):
            if one is not None and f"{path}/".startswith(f"/{name}/"):
                kind, app = name, one
        if path in PATHS:
            kind, app = "health", health or Response(status_code=404)
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope.get("headers", ())}:
            app = refused

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                counting.http_answers[kind, f"{message['status'] // 100}xx"] += 1
            await send(message)

        await app(scope, receive, counted)

    return both


@contextmanager
def serving(
    app: ASGIApp,
    listen: str,
    certificate: Path | None = None,
    key: Path | None = None,
    authority: Path | None = None,
    *,
    limits: Limits = Limits(),  # noqa: B008  it is frozen
    clear: bool = False,
    name: str = "server",
) -> Iterator[int]:
    """The port on which `app` answers within the block. `listen` is ``host:port``, port 0 for any; with `certificate`
    and `key` it is HTTPS. With `authority` a client may show a certificate of that CA. Without a certificate it listens
    on this machine alone, unless `clear` says that others may come in the clear. Never more come in than leave the
    rest of the process its descriptors. `name`: of its section in axis.toml.

    Raises :class:`Misconfigured` CONFIG_INVALID when it cannot listen there.
    """
    import ssl

    import uvicorn

    class Seated(Visit):
        hall = Hall(replace(limits, connections=_room(limits.connections)))

    host, _, port = listen.rpartition(":")
    opened: Sequence[Door] = ()
    try:
        settings = uvicorn.Config(
            app,
            http=Seated,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=limits.idle,
            timeout_graceful_shutdown=5,
            h11_max_incomplete_event_size=HEAD,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            ssl_ca_certs=str(authority) if authority else None,
            ssl_cert_reqs=ssl.CERT_OPTIONAL if authority else ssl.CERT_NONE,
        )
        settings.load()
        opened = doors(Seated.hall, host.strip("[]") or "127.0.0.1", int(port))
    except (ValueError, OverflowError, TypeError, AssertionError, OSError) as error:
        raise Misconfigured(
            Problem(Fault.CONFIG_INVALID, name, "host:port, certificate, key", f"{listen}: {error}")
        ) from None
    try:
        if settings.ssl is None and not clear and not all(_is_here(one) for one in opened):
            raise Misconfigured(
                Problem(
                    Fault.CONFIG_INVALID,
                    f"{name}.listen",
                    'certificate_file, or plain_http = "anywhere" in [server]'
                    if name == "server"
                    else "certificate_file",
                    f"{listen}, plain HTTP",
                )
            )
        port_there = int(opened[0].getsockname()[1])
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=_run, args=(server, opened, limits), name=name, daemon=True)
        thread.start()
        end = time.monotonic() + START
        try:
            while not server.started:
                if not thread.is_alive() or time.monotonic() > end:
                    raise Misconfigured(
                        Problem(Fault.CONFIG_INVALID, f"{name}.listen", "an address to listen on", listen)
                    )
                time.sleep(0.01)
            yield port_there
        finally:
            server.should_exit = True
            thread.join(15)
    finally:
        for one in opened:
            one.close()


def _run(server: uvicorn.Server, opened: Sequence[Door], limits: Limits) -> None:
    try:
        with asyncio.Runner(loop_factory=lambda: Loop(limits)) as runner:
            runner.run(server.serve(sockets=list(opened)))
    except SystemExit:  # it could not listen: said to who has started it
        log.debug("the server did not start")
    except Exception:
        log.exception("the server has ended; the adapters go on")


def _room(wanted: int) -> int:
    """How many connections leave the process the descriptors that it needs elsewhere."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return wanted
    room = (allowed - sum(1 for _ in Path("/dev/fd").iterdir()) - RESERVE) // EACH
    if room < 1:
        got = f"ulimit -n {allowed}"
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, "server.listen", "LimitNOFILE, ulimit -n: 4096", got))
    if room < wanted:
        log.warning("server.connections: %d instead of %d, for ulimit -n is %d", room, wanted, allowed)
    return min(room, wanted)


def _is_here(one: Door) -> bool:
    return ipaddress.ip_address(one.getsockname()[0].partition("%")[0]).is_loopback
