"""HTTP API v1: for document systems that are new. Its description is schemas/http/openapi.json, served beside it.

An agency's system submits packets, lists and fetches its mail, says that it has it, and reads its receipts; it sees its
own agency and nothing else. Errors are RFC 9457 problem details with the codes of the catalogue.
"""

from __future__ import annotations

import importlib.resources
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from axis.adapters import tokens, webhook
from axis.adapters.mailbox import RETRY_AFTER, examine, submit
from axis.adapters.spool.selection import Selection
from axis.core import tracing, xml
from axis.core.instant import to_text
from axis.errors import AxisError, Fault, Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request

    from axis.adapters.mailbox import Mailbox
    from axis.adapters.spool.store import Spool
    from axis.adapters.spool.tables import Row
    from axis.errors import Language

log = logging.getLogger("axis.api")
MAX_JSON = 64 * 1024  # bytes
PAGE = 100  # rows, where no limit is asked for
MOST = 1000
KEPT = timedelta(days=1)  # an Idempotency-Key is known for so long
DOCUMENTS = ("new", "recall", "update", "replace", "status")
_STATUS = {Fault.NOT_FOUND: 404, Fault.XML_TOO_BIG: 413, Fault.API_KEY_REUSED: 409, Fault.API_UNAUTHORIZED: 401}
_STATUS |= {Fault.DELIVERY_OVER: 409, Fault.BALLOT_UNKNOWN: 404}


# -- The application ---------------------------------------------------------------------------------------------


def application(known: Callable[[], Mapping[str, str]], mailboxes: Mapping[str, Mailbox]) -> Starlette:
    """The ASGI application, with its paths under /v1. `known`: agencies by the
    digests of their tokens, asked at each request."""
    api = _Api(known, mailboxes)
    routes = [
        Route("/v1/health", _health),
        Route("/v1/openapi.json", _description),
        Route("/v1/documents", api.streamed(api.submit), methods=["POST"]),
        Route("/v1/documents", api.locked(api.documents)),
        Route("/v1/documents/{id}", api.locked(api.document)),
        Route("/v1/inbox", api.locked(api.inbox)),
        Route("/v1/inbox/{id}", api.locked(api.item)),
        Route("/v1/inbox/{id}/packet", api.locked(api.packet)),
        Route("/v1/inbox/{id}/parcel", api.locked(api.parcel)),
        Route("/v1/inbox/{id}/acknowledgement", api.told(api.acknowledge, ("state",), "reason"), methods=["POST"]),
        Route("/v1/receipts", api.locked(api.receipts)),
        Route("/v1/receipts/{id}", api.locked(api.receipt)),
        Route("/v1/receipts/{id}/proofs", api.locked(api.proofs)),
        Route("/v1/trace/{reference:path}", api.locked(api.trace)),
        Route("/v1/agencies", api.locked(api.agencies)),
        Route("/v1/webhook", api.told(api.put_webhook, ("url", "secret")), methods=["PUT"]),
        Route("/v1/webhook", api.locked(api.get_webhook)),
        Route("/v1/webhook", api.locked(api.delete_webhook), methods=["DELETE"]),
    ]
    return Starlette(routes=routes, exception_handlers=handlers())


class Guard:
    """Nobody comes in without a token of an agency that is served here. `known`: agencies by the digests of their
    tokens, asked at each request."""

    def __init__(self, known: Callable[[], Mapping[str, str]], mailboxes: Mapping[str, Mailbox]) -> None:
        self._known = known
        self._mailboxes = mailboxes

    def locked(self, handler: Callable[[Request, Mailbox], Response]) -> Callable[[Request], Awaitable[Response]]:
        """Nobody comes in without a token; it says which agency's mail is seen. The handler may wait for the spool: it
        runs in a thread."""

        async def opened(request: Request) -> Response:
            mailbox = await run_in_threadpool(self._mailbox, request)
            return await mailbox.aside(handler, request, mailbox)

        return opened

    def told(
        self, handler: Callable[[Request, Mailbox, dict[str, str]], Response], needed: tuple[str, ...], *more: str
    ) -> Callable[[Request], Awaitable[Response]]:
        """The same for a handler of a JSON object that has the `needed` members, and may have `more`."""

        async def opened(request: Request) -> Response:
            mailbox = await run_in_threadpool(self._mailbox, request)
            said = await _json(request, dict.fromkeys((*needed, *more), str), needed)
            return await mailbox.aside(handler, request, mailbox, said)

        return opened

    def streamed(
        self, handler: Callable[[Request, Mailbox], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """The same for a handler that reads the body as it comes, in the event loop."""

        async def opened(request: Request) -> Response:
            return await handler(request, await run_in_threadpool(self._mailbox, request))

        return opened

    def _mailbox(self, request: Request) -> Mailbox:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        agency = tokens.agency_of(token.strip(), self._known()) if scheme.lower() == "bearer" else ""
        mailbox = self._mailboxes.get(agency)
        if mailbox is None:
            raise Rejected(Problem(Fault.API_UNAUTHORIZED))
        return mailbox


class _Api(Guard):
    # -- What it sends ---------------------------------------------------------------------------------------------

    async def submit(self, request: Request, mailbox: Mailbox) -> Response:
        """POST /v1/documents."""
        dry = _flag(query_of(request, "dry_run"), "dry_run")
        key = request.headers.get("idempotency-key", "")
        if len(key) > 200:
            raise Rejected(Problem(Fault.API_VALUE, "Idempotency-Key", "at most 200 characters", f"{len(key)}"))
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > xml.MAX_BYTES:
            raise Rejected(Problem(Fault.XML_TOO_BIG, expected=str(xml.MAX_BYTES), got=length))
        with mailbox.spool.upload() as upload:
            async for chunk in request.stream():
                if chunk:
                    await mailbox.aside(upload.write, chunk)
            if dry:
                _, warnings = await mailbox.aside(examine, mailbox, upload)
                return JSONResponse({"findings": _findings(warnings, _language(request))})
            traced = tracing.of_headers(request.headers.getlist("traceparent"))
            row = await mailbox.aside(submit, mailbox, upload, key, datetime.now(UTC) - KEPT, traced)
        return JSONResponse(_sent(row), 202, {"Location": f"/v1/documents/{row['id']}"})

    def documents(self, request: Request, mailbox: Mailbox) -> Response:
        """GET /v1/documents."""
        asked = query_of(request, "kind", "since", "until", "after", "limit")
        rows = mailbox.spool.sent(_selection(asked))
        return _page(request, rows, _sent, asked)

    def document(self, request: Request, mailbox: Mailbox) -> Response:
        """GET /v1/documents/{id}."""
        query_of(request)
        identifier = request.path_params["id"]
        return JSONResponse(_sent(_one(mailbox.spool.sent(Selection(), identifier), identifier)))

    # -- What it receives ------------------------------------------------------------------------------------------

    def inbox(self, request: Request, mailbox: Mailbox) -> Response:
        """GET /v1/inbox."""
        asked = query_of(request, "kind", "state", "since", "until", "after", "limit")
        wanted = _selection(asked, ("inbox", "status"))
        return _page(request, mailbox.spool.received(wanted), _received, asked)

    def item(self, request: Request, mailbox: Mailbox) -> Response:
        """GET /v1/inbox/{id}."""
        query_of(request)
        return JSONResponse(_received(_mail(request, mailbox)))

    def packet(self, request: Request, mailbox: Mailbox) -> Response:
        """GET /v1/inbox/{id}/packet."""
        query_of(request)
        return _file(_mail(request, mailbox), mailbox.spool, ".edxml", "application/xml")

    def parcel(self, request: Request, mailbox: Mailbox) -> Response:
        """GET /v1/inbox/{id}/parcel."""
        query_of(request)
        return _file(_mail(request, mailbox), mailbox.spool, ".asice", "application/vnd.etsi.asic-e+zip")

    def acknowledge(self, request: Request, mailbox: Mailbox, said: dict[str, str]) -> Response:
        """POST /v1/inbox/{id}/acknowledgement."""
        query_of(request)
        if said["state"] not in {"done", "processing", "fail"}:
            raise Rejected(Problem(Fault.API_VALUE, "state", "done, processing, fail", said["state"][:40]))
        row = _mail(request, mailbox)
        mailbox.spool.acknowledge(row["id"], said["state"], said.get("reason", ""))
        return JSONResponse(_received(_mail(request, mailbox)))

    def receipts(self, request: Request, mailbox: Mailbox) -> Response:
        """GET /v1/receipts."""
        asked = query_of(request, "since", "until", "after", "limit")
        wanted = _selection(asked, ("receipts",))
        return _page(request, mailbox.spool.received(wanted), _receipt, asked)

    def receipt(self, request: Request, mailbox: Mailbox) -> Response:
        """GET /v1/receipts/{id}."""
        query_of(request)
        identifier = request.path_params["id"]
        row = _one(mailbox.spool.received(Selection(("receipts",)), identifier), identifier)
        return _file(row, mailbox.spool, ".asice", "application/vnd.etsi.asic-e+zip")

    def proofs(self, request: Request, mailbox: Mailbox) -> Response:
        """GET /v1/receipts/{id}/proofs."""
        query_of(request)
        identifier = request.path_params["id"]
        row = _one(mailbox.spool.received(Selection(("receipts",)), identifier), identifier)
        found = mailbox.spool.proofs(row)
        return JSONResponse({"items": [{"name": name, "proof": data.decode()} for name, data in found.items()]})

    def trace(self, request: Request, mailbox: Mailbox) -> Response:
        """GET /v1/trace/{reference}: what was sent and received under an id, a DocumentId or number/notation."""
        query_of(request)
        reference = request.path_params["reference"]
        sent, mail = mailbox.spool.trace(reference, MOST)
        if not sent and not mail:
            raise Rejected(Problem(Fault.NOT_FOUND, got=reference[:200]))
        shown = [_receipt(row) if row["folder"] == "receipts" else _received(row) for row in mail]
        return JSONResponse({"sent": [_sent(row) for row in sent], "received": shown})

    # -- Beside the mail -------------------------------------------------------------------------------------------

    def agencies(self, request: Request, mailbox: Mailbox) -> Response:
        """GET /v1/agencies."""
        query_of(request)
        now = datetime.now(UTC)
        registry = mailbox.registry()
        shown = [
            {"code": m.code, "name_vi": m.name_vi, "name_en": m.name_en, "kind": m.kind, "standing": m.standing(now)}
            for m in registry.agencies
        ]
        return JSONResponse({"registry": registry.version, "items": shown})

    def put_webhook(self, request: Request, mailbox: Mailbox, said: dict[str, str]) -> Response:
        """PUT /v1/webhook."""
        query_of(request)
        # In the clear only within one machine, and only for who is on it: nobody else reaches what listens there.
        client = request.client.host if request.client is not None else ""
        try:
            parts = webhook.destination(said["url"], mailbox.networks)
            if parts.scheme == "http" and client not in {"127.0.0.1", "::1"}:
                raise ValueError(f"{parts.scheme}://{parts.host}, from {client}")
        except ValueError as error:
            # Not the URL itself: it may have a password in it.
            raise Rejected(Problem(Fault.API_VALUE, "url", "https://…", str(error)[:100])) from None
        if len(said["secret"]) < 16:
            raise Rejected(Problem(Fault.API_VALUE, "secret", "at least 16 characters", str(len(said["secret"]))))
        mailbox.spool.set_webhook(said["url"], said["secret"])
        return JSONResponse({"url": said["url"]})

    def get_webhook(self, request: Request, mailbox: Mailbox) -> Response:
        """GET /v1/webhook."""
        query_of(request)
        return JSONResponse({"url": mailbox.spool.webhook()[0]})

    def delete_webhook(self, request: Request, mailbox: Mailbox) -> Response:
        """DELETE /v1/webhook."""
        query_of(request)
        mailbox.spool.set_webhook("", "")
        return Response(status_code=204)


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _description(_: Request) -> Response:
    return Response(
        importlib.resources.files("axis").joinpath("schemas/http/openapi.json").read_bytes(),
        200,
        None,
        "application/json",
    )


# -- Answers -----------------------------------------------------------------------------------------------------


def _facts(row: Row) -> dict[str, Any]:
    """What every packet has, sent or received."""
    same = ("id", "kind", "state", "document_id", "code", "subject", "created_at")
    return {**{name: row[name] for name in same}, "from": row["sender"], "to": row["recipients"]}


def _sent(row: Row) -> dict[str, Any]:
    outcomes = [{"agency": code, **one} for code, one in sorted(row["outcomes"].items())]
    return {**_facts(row), "outcomes": outcomes, "findings": row["report"].get("findings", [])}


def _received(row: Row) -> dict[str, Any]:
    return {**_facts(row), "reason": row["reason"]}


def _receipt(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "issuer": row["sender"],
        "document_id": row["document_id"],
        "about": row["code"],
        "name": row["names"][0],
        "created_at": row["created_at"],
    }


def _page(
    request: Request, rows: Sequence[Row], show: Callable[[Row], dict[str, Any]], asked: dict[str, str]
) -> Response:
    """The rows, and where the next ones are."""
    limit = number_of(asked, "limit", PAGE)
    links = {}
    if len(rows) == limit and rows:
        url = request.url.include_query_params(after=rows[-1]["number"])
        links = {"next": f"{url.path}?{url.query}"}
    return JSONResponse({"items": [show(row) for row in rows], **links})


def _file(row: Row, spool: Spool, ending: str, media: str) -> Response:
    path = spool.path(row, ending)
    if path is None or not path.exists():
        raise Rejected(Problem(Fault.NOT_FOUND, got=row["id"]))
    return FileResponse(path, media_type=media)


def _mail(request: Request, mailbox: Mailbox) -> Row:
    identifier = request.path_params["id"]
    return _one(mailbox.spool.received(Selection(("inbox", "status")), identifier), identifier)


def _one(rows: Sequence[Row], identifier: str) -> Row:
    if not rows:
        raise Rejected(Problem(Fault.NOT_FOUND, got=identifier[:200]))
    return rows[0]


# -- Questions ---------------------------------------------------------------------------------------------------


def query_of(request: Request, *known: str) -> dict[str, str]:
    """The query's parameters, each once and known. Raises :class:`Rejected` API_VALUE."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known or name in found:
            raise Rejected(Problem(Fault.API_VALUE, name[:40], ", ".join(known) or "no parameters", value[:40]))
        found[name] = value
    return found


def _selection(asked: dict[str, str], folders: tuple[str, ...] = ()) -> Selection:
    one_of = {"kind": DOCUMENTS, "state": ("initial", "processing", "done", "fail")}
    for name, allowed in one_of.items():
        if name in asked and asked[name] not in allowed:
            raise Rejected(Problem(Fault.API_VALUE, name, ", ".join(allowed), asked[name][:40]))
    return Selection(
        folders,
        (asked["kind"],) if "kind" in asked else (),
        (asked["state"],) if "state" in asked else (),
        _moment(asked, "since"),
        _moment(asked, "until"),
        number_of(asked, "after", 0, 2**53),
        limit=number_of(asked, "limit", PAGE),
    )


def _moment(asked: dict[str, str], name: str) -> str:
    if name not in asked:
        return ""
    try:
        moment = datetime.fromisoformat(asked[name])
        if moment.tzinfo is None:
            raise ValueError
        return to_text(moment)
    except (ValueError, OverflowError):
        raise Rejected(Problem(Fault.API_VALUE, name, "RFC 3339, with its offset", asked[name][:40])) from None


def number_of(asked: dict[str, str], name: str, otherwise: int, most: int = MOST) -> int:
    """A parameter that is a number. Raises :class:`Rejected` API_VALUE."""
    text = asked.get(name, "")
    least = 0 if name == "after" else 1
    if name not in asked:
        return otherwise
    if not text.isascii() or not text.isdigit() or len(text) > 16 or not least <= int(text) <= most:
        raise Rejected(Problem(Fault.API_VALUE, name, f"{least} to {most}", text[:40]))
    return int(text)


def _flag(asked: dict[str, str], name: str) -> bool:
    if asked.get(name, "false") not in {"true", "false"}:
        raise Rejected(Problem(Fault.API_VALUE, name, "true, false", asked[name][:40]))
    return asked.get(name) == "true"


async def _json(request: Request, known: dict[str, type], needed: tuple[str, ...]) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON:
            raise Rejected(Problem(Fault.XML_TOO_BIG, expected=str(MAX_JSON), got=f"> {MAX_JSON}"))
    try:
        value = json.loads(body)
        value.items()
        value = {str(name): one for name, one in value.items()}
        json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate is no text
    except (ValueError, AttributeError, RecursionError):
        raise Rejected(Problem(Fault.API_VALUE, "body", "a JSON object", body[:40].decode("latin-1"))) from None
    for name in (*needed, *value):
        if name not in known or not isinstance(value.get(name), known[name]):
            raise Rejected(Problem(Fault.API_VALUE, name[:40], ", ".join(known), type(value.get(name)).__name__))
    return value


# -- Errors: RFC 9457 --------------------------------------------------------------------------------------------


def handlers() -> Any:
    """What an application answers where something is refused, or goes wrong."""
    return {
        AxisError: _refused,
        OSError: _away,
        HTTPException: _no_such,
        ClientDisconnect: _gone,
        Exception: _broken,
    }


def _language(request: Request) -> Language:
    return "vi" if request.headers.get("accept-language", "").lower().startswith("vi") else "en"


def _findings(problems: Sequence[Problem], language: Language) -> list[dict[str, Any]]:
    return [problem.as_json(language) for problem in problems]


def _problem(request: Request, status: int, problems: Sequence[Problem], **headers: str) -> Response:
    language, first = _language(request), problems[0]
    body = {
        "type": f"urn:axis:fault:{first.fault.code}",
        "title": first.fault.code,
        "status": status,
        "detail": "; ".join(problem.text(language) for problem in problems[:5]),
        "findings": _findings(problems, language),
    }
    return JSONResponse(body, status, headers, media_type="application/problem+json")


async def _refused(request: Request, error: Exception) -> Response:
    problems = error.problems if isinstance(error, AxisError) else ()
    status = _STATUS.get(problems[0].fault, 422 if isinstance(error, Rejected) else 503)
    if any(one.fault is Fault.API_VALUE for one in problems):
        status = 400
    if not isinstance(error, Rejected):
        log.error("%s %s: %s", request.method, request.url.path, error)
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": RETRY_AFTER}}.get(status, {})
    return _problem(request, status, problems, **headers)


async def _away(request: Request, error: Exception) -> Response:
    """The disk is full, or cannot be used."""
    log.error("%s %s: %s", request.method, request.url.path, error)
    why = (isinstance(error, OSError) and error.strerror) or str(error)
    headers = {"Retry-After": RETRY_AFTER}
    return _problem(request, 503, [Problem(Fault.STORE_DOWN, got=why[:200])], **headers)


async def _no_such(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return _problem(request, status, [Problem(Fault.NOT_FOUND, got=request.url.path[:200])], **headers)


async def _gone(request: Request, _: Exception) -> Response:
    log.info("%s %s: the client went away in the middle", request.method, request.url.path)
    return Response(status_code=400)  # nobody reads it


async def _broken(request: Request, error: Exception) -> Response:
    log.error("%s %s", request.method, request.url.path, exc_info=error)
    return _problem(request, 500, [Problem(Fault.INTERNAL, got=type(error).__name__)])
