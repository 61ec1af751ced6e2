"""The HTTP(S) server in front of the spools: one for a process, in a thread beside the adapters' loop."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from axis.errors import Fault, Misconfigured, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger("axis.server")
HEAD = 128 * 1024  # bytes of a request's head: the SDK sends its parameters twice, and a long list of recipients
IDLE = 60  # seconds that a connection may do nothing
START = 15.0  # seconds


def side_by_side(api: ASGIApp, vxp: ASGIApp) -> ASGIApp:
    """The API under /v1, and VXP under every other path: its clients have base paths of their own."""

    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        await (api if path == "/v1" or path.startswith("/v1/") else vxp)(scope, receive, send)

    return both


@contextmanager
def serving(
    app: ASGIApp, listen: str, certificate: Path | None = None, key: Path | None = None, authority: Path | None = None
) -> Iterator[int]:
    """The port on which `app` answers within the block. `listen` is ``host:port``, port 0 for any; with `certificate`
    and `key` it is HTTPS. With `authority` a client may show a certificate of that CA.

    Raises :class:`Misconfigured` CONFIG_INVALID when it cannot listen there.
    """
    import ssl

    import uvicorn

    host, _, port = listen.rpartition(":")
    try:
        settings = uvicorn.Config(
            app,
            host=host.strip("[]") or "127.0.0.1",
            port=int(port),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=IDLE,
            timeout_graceful_shutdown=10,
            h11_max_incomplete_event_size=HEAD,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            ssl_ca_certs=str(authority) if authority else None,
            ssl_cert_reqs=ssl.CERT_OPTIONAL if authority else ssl.CERT_NONE,
        )
        server = uvicorn.Server(settings)
    except (ValueError, OSError) as error:
        raise Misconfigured(
            Problem(Fault.CONFIG_INVALID, "server", "host:port, certificate, key", str(error))
        ) from None
    thread = threading.Thread(target=_run, args=(server,), name="server", daemon=True)
    thread.start()
    end = time.monotonic() + START
    while not server.started:
        if not thread.is_alive() or time.monotonic() > end:
            raise Misconfigured(Problem(Fault.CONFIG_INVALID, "server.listen", "an address to listen on", listen))
        time.sleep(0.01)
    try:
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(15)


def _run(server: object) -> None:
    try:
        server.run()  # type: ignore[attr-defined]
    except SystemExit:  # it could not listen: said to who has started it
        log.debug("the server did not start")
