"""The ASGI application under /ecabinet/v1. Its description is schemas/http/ecabinet.json, served beside it.

Tokens and errors are those of the HTTP API. A body is written to disk as it comes, and read when it is whole: one at a
time, for a large one takes several times its size.
"""

from __future__ import annotations

import importlib.resources
import logging
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from axis.adapters.api import Guard, handlers, number_of, query_of
from axis.adapters.mailbox import submit
from axis.errors import Fault, Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from axis.adapters.mailbox import Mailbox
    from axis.adapters.spool.upload import Upload

log = logging.getLogger("axis.ecabinet")
PREFIX = "/ecabinet/v1"
MAX_BODY = 40_000_000  # bytes of a request
MOST_BALLOTS = 50  # of one answer: of each all that has come is looked at
PAGED = {"ballots": ("after", "limit")}
LISTS = ("meetings", "papers", "conclusions", "ballots")
BOTH, STEPS = ("votes", "reminders", "result"), ("closing", "opening")  # of one ballot: asked and done; done alone
WITH_FILES = ("papers", "conclusions", "ballots")
_one_at_a_time = threading.Lock()


class Desk(Protocol):
    """What an agency knows and does about meetings and ballots."""

    def ask(self, what: str, reference: str, now: datetime, after: int, most: int) -> Any:
        """What is known, as JSON; of ballots `most`, but for the newest `after`."""

    def file(self, what: str, reference: str, name: str) -> bytes:
        """A file of a ballot, paper or conclusion."""

    def do(self, what: str, reference: str, data: bytes, now: datetime) -> tuple[dict[str, Any], list[bytes]]:
        """(facts for who asked, the packets that are sent for it). Raises :class:`Rejected` with what is wrong."""


def application(
    known: Callable[[], Mapping[str, str]],
    mailboxes: Mapping[str, Mailbox],
    desks: Mapping[str, Desk],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Starlette:
    """The ASGI application for the agencies in `mailboxes`, whose `desks` these are; nobody else comes in. `known`: see
    :class:`Guard`."""
    cabinet = _Cabinet(known, mailboxes, desks, now)
    ballot = f"{PREFIX}/ballots/{{reference}}"
    routes = [Route(f"{PREFIX}/openapi.json", _description), Route(ballot, cabinet.asked("ballot"))]
    for what in LISTS:
        routes.append(Route(f"{PREFIX}/{what}", cabinet.asked(what)))
        routes.append(Route(f"{PREFIX}/{what}", cabinet.done(what), methods=["POST"]))
    for what in (*BOTH, *STEPS):
        if what in BOTH:
            routes.append(Route(f"{ballot}/{what}", cabinet.asked(what)))
        routes.append(Route(f"{ballot}/{what}", cabinet.done(what), methods=["POST"]))
    for what in WITH_FILES:
        routes.append(Route(f"{PREFIX}/{what}/{{reference}}/files/{{name}}", cabinet.file(what)))
    return Starlette(routes=routes, exception_handlers=handlers())


class _Cabinet(Guard):
    def __init__(
        self,
        known: Callable[[], Mapping[str, str]],
        mailboxes: Mapping[str, Mailbox],
        desks: Mapping[str, Desk],
        now: Callable[[], datetime],
    ) -> None:
        super().__init__(known, mailboxes)
        self._desks, self._now = desks, now

    def asked(self, what: str) -> Callable[[Request], Awaitable[Response]]:
        """GET."""

        def handler(request: Request, mailbox: Mailbox) -> Response:
            desk, reference = self._desks[mailbox.agency], str(request.path_params.get("reference", ""))
            asked = query_of(request, *PAGED.get(what, ()))
            after, most = number_of(asked, "after", 0, 2**31), number_of(asked, "limit", MOST_BALLOTS, MOST_BALLOTS)
            return JSONResponse(desk.ask(what, reference, self._now(), after, most))

        return self.locked(handler)

    def file(self, what: str) -> Callable[[Request], Awaitable[Response]]:
        """GET …/files/{name}."""

        def handler(request: Request, mailbox: Mailbox) -> Response:
            query_of(request)
            reference, name = str(request.path_params["reference"]), str(request.path_params["name"])
            content = self._desks[mailbox.agency].file(what, reference, name)
            return Response(content, media_type="application/octet-stream")

        return self.locked(handler)

    def done(self, what: str) -> Callable[[Request], Awaitable[Response]]:
        """POST."""

        async def handler(request: Request, mailbox: Mailbox) -> Response:
            query_of(request)
            with mailbox.spool.upload() as body:
                async for chunk in request.stream():
                    if body.size + len(chunk) > MAX_BODY:
                        raise Rejected(Problem(Fault.XML_TOO_BIG, expected=str(MAX_BODY), got=f"> {MAX_BODY}"))
                    if chunk:
                        await mailbox.aside(body.write, chunk)
                reference = str(request.path_params.get("reference", ""))
                return await mailbox.aside(self._do, mailbox, what, reference, body)

        return self.streamed(handler)

    def _do(self, mailbox: Mailbox, what: str, reference: str, body: Upload) -> Response:
        with _one_at_a_time:
            body.sync()
            data = body.path.read_bytes() or b"{}"
            facts, packets = self._desks[mailbox.agency].do(what, reference, data, self._now())
            del data
            sent = []
            for packet in packets:
                with mailbox.spool.upload() as upload:
                    upload.write(packet)
                    row = submit(mailbox, upload)
                sent.append({"id": row["id"], "document_id": row["document_id"], "state": row["state"]})
        log.info("%s: %s, %d packets", mailbox.agency, what, len(sent))
        return JSONResponse({**facts, "sent": sent}, 202)


async def _description(_: Request) -> Response:
    path = importlib.resources.files("axis").joinpath("schemas/http/ecabinet.json")
    return Response(await run_in_threadpool(path.read_bytes), 200, None, "application/json")
