"""HTTP API v1: for document systems that are new. Its description is schemas/http/openapi.json, served beside it.

An agency's system submits packets, lists and fetches its mail, says that it has it, and reads its receipts; it sees its
own agency and nothing else. Errors are RFC 9457 problem details with the codes of the catalogue.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib.resources
import json
import logging
import os
import secrets
import threading
import tomllib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from adapters import desk
from adapters.spool import Selection
from axis.core import xml
from axis.core.instant import to_text
from axis.errors import AxisError, Fault, Misconfigured, Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from starlette.requests import Request

    from adapters.desk import Office
    from adapters.spool import Row, Spool
    from axis.errors import Language

log = logging.getLogger("axis.api")
MAX_JSON = 64 * 1024  # bytes
PAGE = 100  # rows, where no limit is asked for
MOST = 1000
KEPT = timedelta(days=1)  # an Idempotency-Key is known for so long
DOCUMENTS = ("new", "recall", "update", "replace", "status")
_STATUS = {Fault.NOT_FOUND: 404, Fault.XML_TOO_BIG: 413, Fault.API_KEY_REUSED: 409, Fault.API_UNAUTHORIZED: 401}
_STATUS |= {Fault.DELIVERY_OVER: 409}


# -- Tokens: keys/tokens.toml ------------------------------------------------------------------------------------


def read_tokens(path: Path) -> dict[str, str]:
    """Agencies by the hex SHA-256 of their tokens; none where there is no file. Raises :class:`Misconfigured`."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    if mode & 0o077:
        raise Misconfigured(Problem(Fault.KEY_FILE_OPEN, got=str(path)))
    try:
        return {str(digest): str(agency) for digest, agency in tomllib.loads(text).items()}
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, str(path), "digest = agency", str(error))) from None


def create_token(path: Path, agency: str) -> str:
    """A new token for `agency`; the file keeps its digest alone."""
    token = secrets.token_urlsafe(32)
    known = read_tokens(path) | {hashlib.sha256(token.encode()).hexdigest(): agency}
    temporary = path.with_name(f".{path.name}")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
        handle.write("".join(f"{digest} = {json.dumps(code)}\n" for digest, code in sorted(known.items())))
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)
    return token


def agency_of(token: str, known: Mapping[str, str]) -> str:
    """Whose token this is; "" for nobody's."""
    digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
    found = [agency for one, agency in known.items() if hmac.compare_digest(one, digest)]
    return found[0] if found else ""


# -- The application ---------------------------------------------------------------------------------------------


def application(tokens: Callable[[], Mapping[str, str]], offices: Mapping[str, Office]) -> Starlette:
    """The ASGI application, with its paths under /v1. `tokens` is asked at each request."""
    api = _Api(tokens, offices)
    routes = [
        Route("/v1/health", _health),
        Route("/v1/openapi.json", _description),
        Route("/v1/documents", api.locked(api.submit), methods=["POST"]),
        Route("/v1/documents", api.locked(api.documents)),
        Route("/v1/documents/{id}", api.locked(api.document)),
        Route("/v1/inbox", api.locked(api.inbox)),
        Route("/v1/inbox/{id}", api.locked(api.item)),
        Route("/v1/inbox/{id}/packet", api.locked(api.packet)),
        Route("/v1/inbox/{id}/parcel", api.locked(api.parcel)),
        Route("/v1/inbox/{id}/acknowledgement", api.locked(api.acknowledge), methods=["POST"]),
        Route("/v1/receipts", api.locked(api.receipts)),
        Route("/v1/receipts/{id}", api.locked(api.receipt)),
        Route("/v1/trace/{reference:path}", api.locked(api.trace)),
        Route("/v1/agencies", api.locked(api.agencies)),
        Route("/v1/webhook", api.locked(api.put_webhook), methods=["PUT"]),
        Route("/v1/webhook", api.locked(api.get_webhook)),
        Route("/v1/webhook", api.locked(api.delete_webhook), methods=["DELETE"]),
    ]
    handlers: Any = {AxisError: _refused, HTTPException: _no_such, ClientDisconnect: _gone, Exception: _broken}
    return Starlette(routes=routes, exception_handlers=handlers)


class _Api:
    def __init__(self, tokens: Callable[[], Mapping[str, str]], offices: Mapping[str, Office]) -> None:
        self._tokens = tokens
        self._offices = offices

    def locked(
        self, handler: Callable[[Request, Office], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Nobody comes in without a token; it says which agency's mail is seen."""

        async def opened(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            agency = agency_of(token.strip(), self._tokens()) if scheme.lower() == "bearer" else ""
            office = self._offices.get(agency)
            if office is None:
                raise Rejected(Problem(Fault.API_UNAUTHORIZED))
            return await handler(request, office)

        return opened

    # -- What it sends ---------------------------------------------------------------------------------------------

    async def submit(self, request: Request, office: Office) -> Response:
        """POST /v1/documents."""
        dry = _flag(_query(request, "dry_run"), "dry_run")
        key = request.headers.get("idempotency-key", "")
        if len(key) > 200:
            raise Rejected(Problem(Fault.API_VALUE, "Idempotency-Key", "at most 200 characters", f"{len(key)}"))
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > xml.MAX_BYTES:
            raise Rejected(Problem(Fault.XML_TOO_BIG, expected=str(xml.MAX_BYTES), got=length))
        with office.spool.upload() as upload:
            async for chunk in request.stream():
                if chunk:
                    await run_in_threadpool(upload.write, chunk)
            if dry:
                _, warnings = await run_in_threadpool(desk.examine, office, upload)
                return JSONResponse({"findings": _findings(warnings, _language(request))})
            digest = upload.digest().hex()
            known = f"api/{key}" if key else ""
            before = office.spool.repeated(known, datetime.now(UTC) - KEPT) if known else ""
            if before and before != digest:
                raise Rejected(Problem(Fault.API_KEY_REUSED, "Idempotency-Key", got=key))
            row = await run_in_threadpool(desk.submit, office, upload)
            if known:
                office.spool.remember(known, digest, datetime.now(UTC) - KEPT)
        return JSONResponse(_sent(row), 202, {"Location": f"/v1/documents/{row['id']}"})

    async def documents(self, request: Request, office: Office) -> Response:
        """GET /v1/documents."""
        asked = _query(request, "kind", "since", "until", "after", "limit")
        rows = await run_in_threadpool(office.spool.sent, _selection(asked))
        return _page(request, rows, _sent, asked)

    async def document(self, request: Request, office: Office) -> Response:
        """GET /v1/documents/{id}."""
        _query(request)
        identifier = request.path_params["id"]
        return JSONResponse(_sent(_one(office.spool.sent(Selection(), identifier), identifier)))

    # -- What it receives ------------------------------------------------------------------------------------------

    async def inbox(self, request: Request, office: Office) -> Response:
        """GET /v1/inbox."""
        asked = _query(request, "kind", "state", "since", "until", "after", "limit")
        wanted = _selection(asked, ("inbox", "status"))
        return _page(request, await run_in_threadpool(office.spool.received, wanted), _received, asked)

    async def item(self, request: Request, office: Office) -> Response:
        """GET /v1/inbox/{id}."""
        _query(request)
        return JSONResponse(_received(_mail(request, office)))

    async def packet(self, request: Request, office: Office) -> Response:
        """GET /v1/inbox/{id}/packet."""
        _query(request)
        return _file(_mail(request, office), office.spool, ".edxml", "application/xml")

    async def parcel(self, request: Request, office: Office) -> Response:
        """GET /v1/inbox/{id}/parcel."""
        _query(request)
        return _file(_mail(request, office), office.spool, ".asice", "application/vnd.etsi.asic-e+zip")

    async def acknowledge(self, request: Request, office: Office) -> Response:
        """POST /v1/inbox/{id}/acknowledgement."""
        _query(request)
        said = await _json(request, {"state": str, "reason": str}, ("state",))
        if said["state"] not in {"done", "processing", "fail"}:
            raise Rejected(Problem(Fault.API_VALUE, "state", "done, processing, fail", said["state"][:40]))
        row = _mail(request, office)
        office.spool.acknowledge(row["id"], said["state"], said.get("reason", ""))
        return JSONResponse(_received(_mail(request, office)))

    async def receipts(self, request: Request, office: Office) -> Response:
        """GET /v1/receipts."""
        asked = _query(request, "since", "until", "after", "limit")
        wanted = _selection(asked, ("receipts",))
        return _page(request, await run_in_threadpool(office.spool.received, wanted), _receipt, asked)

    async def receipt(self, request: Request, office: Office) -> Response:
        """GET /v1/receipts/{id}."""
        _query(request)
        identifier = request.path_params["id"]
        row = _one(office.spool.received(Selection(("receipts",)), identifier), identifier)
        return _file(row, office.spool, ".asice", "application/vnd.etsi.asic-e+zip")

    async def trace(self, request: Request, office: Office) -> Response:
        """GET /v1/trace/{reference}: what was sent and received under an id, a DocumentId or number/notation."""
        _query(request)
        reference = request.path_params["reference"]
        sent, mail = await run_in_threadpool(office.spool.trace, reference, MOST)
        if not sent and not mail:
            raise Rejected(Problem(Fault.NOT_FOUND, got=reference[:200]))
        shown = [_receipt(row) if row["folder"] == "receipts" else _received(row) for row in mail]
        return JSONResponse({"sent": [_sent(row) for row in sent], "received": shown})

    # -- Beside the mail -------------------------------------------------------------------------------------------

    async def agencies(self, request: Request, office: Office) -> Response:
        """GET /v1/agencies."""
        _query(request)
        now = datetime.now(UTC)
        registry = office.registry()
        shown = [
            {"code": m.code, "name_vi": m.name_vi, "name_en": m.name_en, "kind": m.kind, "standing": m.standing(now)}
            for m in registry.agencies
        ]
        return JSONResponse({"registry": registry.version, "items": shown})

    async def put_webhook(self, request: Request, office: Office) -> Response:
        """PUT /v1/webhook."""
        _query(request)
        said = await _json(request, {"url": str, "secret": str}, ("url", "secret"))
        parts = urlsplit(said["url"])
        # In the clear only within one machine, and only for who is on it: nobody else reaches what listens there.
        client = request.client.host if request.client is not None else ""
        here = parts.hostname in {"localhost", "127.0.0.1", "::1"} and client in {"127.0.0.1", "::1"}
        if (parts.scheme != "https" and not (parts.scheme == "http" and here)) or not parts.hostname:
            raise Rejected(Problem(Fault.API_VALUE, "url", "https://…", said["url"][:100]))
        if len(said["secret"]) < 16:
            raise Rejected(Problem(Fault.API_VALUE, "secret", "at least 16 characters", str(len(said["secret"]))))
        office.spool.set_webhook(said["url"], said["secret"])
        return JSONResponse({"url": said["url"]})

    async def get_webhook(self, request: Request, office: Office) -> Response:
        """GET /v1/webhook."""
        _query(request)
        return JSONResponse({"url": office.spool.webhook()[0]})

    async def delete_webhook(self, request: Request, office: Office) -> Response:
        """DELETE /v1/webhook."""
        _query(request)
        office.spool.set_webhook("", "")
        return Response(status_code=204)


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _description(_: Request) -> Response:
    return Response(
        importlib.resources.files("schemas").joinpath("http/openapi.json").read_bytes(), 200, None, "application/json"
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
    limit = _number(asked, "limit", PAGE)
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


def _mail(request: Request, office: Office) -> Row:
    identifier = request.path_params["id"]
    return _one(office.spool.received(Selection(("inbox", "status")), identifier), identifier)


def _one(rows: Sequence[Row], identifier: str) -> Row:
    if not rows:
        raise Rejected(Problem(Fault.NOT_FOUND, got=identifier[:200]))
    return rows[0]


# -- Questions ---------------------------------------------------------------------------------------------------


def _query(request: Request, *known: str) -> dict[str, str]:
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
        _number(asked, "after", 0, 2**53),
        limit=_number(asked, "limit", PAGE),
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


def _number(asked: dict[str, str], name: str, otherwise: int, most: int = MOST) -> int:
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
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return _problem(request, status, problems, **headers)


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


# -- Webhooks ----------------------------------------------------------------------------------------------------

FIRST_RETRY, LONGEST_RETRY = 5.0, 3600.0  # seconds
TIMEOUT = 10.0  # seconds


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
    due = spool.notices(now)
    for one in due:
        facts = {"number": one["number"], "event": one["event"], "time": one["created_at"], **one["content"]}
        body = json.dumps(facts, ensure_ascii=False).encode()
        time = str(int(now.timestamp()))
        headers = {"Content-Type": "application/json", "Axis-Signature": signature(secret, time, body)}
        try:
            taken = 200 <= post(url, body, headers) < 300
        except OSError as error:
            log.info("webhook %s: %s", url, error)
            taken = False
        wait = min(FIRST_RETRY * 2 ** min(one["attempts"], 20), LONGEST_RETRY)
        spool.noticed(one["number"], None if taken else now + timedelta(seconds=wait))
    return len(due)


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """The status of a POST; no redirect is followed. Raises OSError."""
    import httpx

    try:
        return httpx.post(url, content=body, headers=headers, timeout=TIMEOUT, follow_redirects=False).status_code
    except httpx.HTTPError as error:
        raise OSError(str(error)) from error


def telling(offices: Mapping[str, Office], stopped: threading.Event) -> threading.Thread:
    """A thread that tells the agencies' systems until it is stopped."""

    def work() -> None:
        while not stopped.wait(1.0):
            for office in offices.values():
                try:
                    tell(office.spool, datetime.now(UTC), post)
                except Exception:
                    log.exception("webhook of %s", office.agency)

    thread = threading.Thread(target=work, name="webhooks", daemon=True)
    thread.start()
    return thread
