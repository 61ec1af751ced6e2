"""The desk over HTTP: an ASGI application that answers GET and HEAD, and POST for coming in and going out alone.

Every answer says to the browser: load nothing but this style sheet, run nothing, be framed by nobody, keep nothing,
tell nobody where you were. Whoever is nobody gets the same answer for whatever is asked.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from axis import __version__, texts
from axis.core import saying
from axis.core.instant import VIETNAM, from_text, to_text
from axis.errors import AxisError, Corrupted, Fault, Problem, Rejected, Unavailable
from axis.remedies import remedy
from axis.web import asked as filters
from axis.web.counted import Counted
from axis.web.pages import PAGES, Page, Visit, attachment

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from axis.errors import Language
    from axis.web.desk import Desk
    from axis.web.entry import Entry

log = logging.getLogger("axis.web")
COOKIE = "axis-desk"
MAX_FORM = 4096  # bytes of what is posted
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
HTML, STYLE = "text/html; charset=utf-8", "/style.css"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass(frozen=True)
class Web:
    """The application. `desk_of`: the desk of an agency's code, or of an operator (""); `hosts`: by which names and
    addresses browsers call it: with others somebody may have pointed a name of his own here; `lang`: where the browser
    says nothing."""

    entry: Entry
    desk_of: Callable[[str], Desk]
    hosts: Collection[str]
    lang: Language = "vi"
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    counted: Counted = field(default_factory=Counted)
    _pages: Environment = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pages", _environment())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See :class:`Web`."""
        if scope["type"] != "http":
            return
        scope.setdefault("state", {})
        request = Request(scope, receive)
        try:
            if request.method == "POST":
                found = await self._posted(request)
            else:
                found = await run_in_threadpool(self._got, request)
        except AxisError as error:
            found = self._trouble(request, error)
        except Exception:
            log.exception("a page could not be made")
            found = self._trouble(request, Corrupted(Problem(Fault.INTERNAL, got="axis web")))
        for name, value in HEADERS.items():
            found.headers.setdefault(name, value)
        if scope["scheme"] == "https":
            found.headers["Strict-Transport-Security"] = "max-age=31536000"
        answer: ASGIApp = found if request.method != "HEAD" else partial(_head, found)
        await answer(scope, receive, send)

    # -- Who comes in ------------------------------------------------------------------------------------------------

    def _is_called_right(self, request: Request) -> bool:
        names = [value for name, value in request.scope["headers"] if name == b"host"]
        return len(names) == 1 and names[0].decode("latin-1").lower() in self.hosts

    def _got(self, request: Request) -> Response:
        if not self._is_called_right(request):
            return Response("wrong host\n", 421, media_type="text/plain")
        if request.method not in {"GET", "HEAD"}:
            return Response("only GET and HEAD\n", 405, {"Allow": "GET, HEAD"}, media_type="text/plain")
        path = request.url.path
        if path == STYLE:
            return Response(_STYLE, media_type="text/css")
        asked, now = filters.query(path, request.scope["query_string"].decode("latin-1")), self.clock()
        session = request.cookies.get(self._cookie(request), "")
        viewer = self.entry.viewer(request.scope["state"].get("certificate", b""), session, now)
        if path == "/login" and asked["once"] and request.method == "GET":
            if name := self.entry.login(now, once=asked["once"]):
                return self._come_in(request, name)
            return self._shown(request, "login", {"failed": True}, status=403)
        if viewer is None:
            return self._shown(request, "login", {"failed": path == "/login" and bool(asked["once"])}, status=401)
        visit = Visit(self.desk_of(viewer), asked, self._language(request, asked), now, self.counted)
        request.scope["state"]["visit"] = visit  # what cannot be shown is said on a page of the desk
        return self._answer(request, visit, path)

    async def _posted(self, request: Request) -> Response:
        """The token, or that somebody goes; from a form of this desk."""
        origin, where = request.headers.get("origin"), request.url.path
        if not self._is_called_right(request):
            return Response("wrong host\n", 421, media_type="text/plain")
        if where != "/login":
            return Response("only GET and HEAD\n", 405, {"Allow": "GET, HEAD"}, media_type="text/plain")
        if origin is not None and origin != f"{request.scope['scheme']}://{request.headers['host']}":
            return Response("from elsewhere\n", 403, media_type="text/plain")
        too_much = Response("too much\n", 413, {"Connection": "close"}, media_type="text/plain")
        if int(request.headers.get("content-length", 0)) > MAX_FORM:  # the server takes digits only
            return too_much
        body = b""
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_FORM:
                    return too_much
        except ClientDisconnect:
            return Response(status_code=400)  # to nobody
        form, now = filters.query("/login", body.decode("latin-1")), self.clock()
        if form["out"]:
            self.entry.logout(request.cookies.get(self._cookie(request), ""))
            answer = Response(status_code=303, headers={"Location": "/"})
            answer.delete_cookie(self._cookie(request), path="/", httponly=True, samesite="strict")
            return answer
        if name := self.entry.login(now, token=form["token"]):
            return self._come_in(request, name)
        return self._shown(request, "login", {"failed": True}, status=403)

    def _come_in(self, request: Request, name: str) -> Response:
        answer = Response(status_code=303, headers={"Location": "/"})
        is_secure = request.scope["scheme"] == "https"
        answer.set_cookie(self._cookie(request), name, path="/", httponly=True, samesite="strict", secure=is_secure)
        return answer

    def _cookie(self, request: Request) -> str:
        """Browsers keep cookies by host, whatever the port: two desks on one machine do not push each other out."""
        server = request.scope.get("server") or ("", 0)
        return f"{COOKIE}-{server[1]}"

    # -- What is shown -----------------------------------------------------------------------------------------------

    def _answer(self, request: Request, visit: Visit, path: str) -> Response:
        if path == "/attachment" and "inbox" in visit.desk.pages:
            return _download(*attachment(visit))
        stem, dot, ending = path.rpartition(".")
        name = stem if dot else path
        make, is_exported, needed = PAGES.get(name, (None, False, ""))
        is_here = make is not None and (not needed or needed in visit.desk.pages)
        if make is None or not is_here or (dot and not (is_exported and ending in {"csv", "json"})):
            return self._shown(request, "nowhere", {}, visit=visit, status=404)
        page = make(visit)
        if page.to:
            return Response(status_code=303, headers={"Location": page.to})
        if dot and (page.value is not None or page.status == 202):
            return _exported(page, name.strip("/"), ending)
        return self._shown(request, page.template, page.values, visit=visit, status=page.status)

    def _language(self, request: Request, asked: filters.Query) -> Language:
        return filters.language(asked, request.headers.get("accept-language", ""), self.lang)

    def _shown(
        self,
        request: Request,
        template: str,
        values: Mapping[str, Any],
        *,
        visit: Visit | None = None,
        status: int = 200,
    ) -> Response:
        asked = visit.asked if visit else _asked(request)
        lang = visit.lang if visit else self._language(request, asked)
        known = {
            "lang": lang,
            "asked": asked,
            "path": asked.path,
            "desk": visit.desk if visit else None,
            "now": visit.now if visit else self.clock(),
            "version": __version__,
            "by_certificate": bool(request.scope["state"].get("certificate")),
            "url": partial(_url, asked["lang"]),
            "word": lambda key, /, **said: saying.word(key, lang, **said),
            "label": partial(saying.label, lang=lang),
            "moment": to_text,
            "state_word": partial(_state_word, lang),
            "today_said": partial(_today, lang),
            "local": partial(saying.local, lang=lang),
            "todo": lambda reasons: saying.remedies([one["code"] for one in reasons], lang),
            "asked_since": partial(saying.asked, lang=lang),
            "facts": partial(saying.facts, lang=lang),
            "number": lambda value: texts.number(value, lang),
            "percent": lambda value: texts.percent(value, lang),
            "duration": lambda value: texts.duration(value, lang),
            "event": lambda value: texts.event_text(value, lang),
        }
        text = self._pages.get_template(f"{template}.html").render({**known, **values})
        return Response(text, status, media_type=HTML)

    def _trouble(self, request: Request, error: AxisError) -> Response:
        """What is wrong, and what there is to do; of our own bugs nothing but that there is one."""
        fault = error.fault
        status = 500
        if isinstance(error, Unavailable):
            status = 503
        elif isinstance(error, Rejected):
            status = 404 if fault in {Fault.NOT_FOUND, Fault.BYTES_ENDED} else 400
        visit: Visit | None = request.scope["state"].get("visit")
        lang = visit.lang if visit else self._language(request, _asked(request))
        said = {"code": fault.code, "said": error.problems[0].text(lang), "next": remedy(fault, lang)}
        return self._shown(request, "trouble", said, visit=visit, status=status)


def _asked(request: Request) -> filters.Query:
    """What stands in the address; nothing where it cannot be read."""
    try:
        return filters.query(request.url.path, request.scope["query_string"].decode("latin-1"))
    except Rejected:
        return filters.Query(request.url.path, {})


def _url(lang: str, path: str, **fields: object) -> str:
    """An address within the desk, in the language that was asked for."""
    return filters.address(path, {name: str(value) for name, value in ({"lang": lang} | fields).items() if value})


def _state_word(lang: Language, state: str) -> str:
    """What a state or group of states is called in the choice of a filter."""
    named = (f"{group}.{state}" for group in ("web.state", "cause", "cause.own"))
    return saying.word(next(key for key in named if key in texts.TEXTS), lang)


def _today(lang: Language, name: str, today: Mapping[str, int]) -> str:
    return saying.word(f"status.{name}", lang, **today, open=today["accepted"] + today["queued"])


async def _head(found: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """The same answer without its body."""
    del scope, receive
    await send({"type": "http.response.start", "status": found.status_code, "headers": found.raw_headers})
    await send({"type": "http.response.body", "body": b""})


def _exported(page: Page, name: str, ending: str) -> Response:
    """For a table of numbers (moments at +07:00, nothing that it would take for a formula), or for programs."""
    if page.status == 202:
        return Response("being counted\n", 503, {"Retry-After": "5"}, media_type="text/plain")
    if ending == "json":
        text = json.dumps(page.value, ensure_ascii=False, default=str)
        return Response(text, page.status, _saved(f"{name}.json"), media_type="application/json")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([_cell(value) for value in row] for row in page.rows)
    return Response(
        out.getvalue().encode("utf-8-sig"), page.status, _saved(f"{name}.csv"), media_type="text/csv; charset=utf-8"
    )


def _cell(value: object) -> object:
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return from_text(value).astimezone(VIETNAM).isoformat(timespec="seconds")
    return value if isinstance(value, (int, float)) else saying.cell("" if value is None else value)


def _download(name: str, data: bytes) -> Response:
    """An attachment: whatever it is or says of itself, it is saved and never shown."""
    return Response(data, 200, _saved(name), media_type="application/octet-stream")


def _saved(name: str) -> dict[str, str]:
    """The headers under which a browser saves a file of this name: its last part, without what is not printed."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    kept = "".join(one for one in last if one.isprintable() and one not in '<>:"|?*').strip(" .")[:120] or "file"
    plain = "".join(one if one.isascii() and one not in "%;'" else "_" for one in kept)
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(kept, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }


def _environment() -> Environment:
    """Everything that is put into a page is text: it is escaped, and what is not printed is shown as its code."""
    return Environment(
        loader=PackageLoader("axis.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) else saying.plain("" if value is None else value),
    )


_STYLE = files("axis.web").joinpath("style.css").read_bytes()
