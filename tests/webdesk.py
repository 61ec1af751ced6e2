"""A web desk for tests: its application asked in this process, as a browser would ask it, and a home that has something of
everything."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

from axis import bootstrap, desks
from axis.adapters.folder import FolderAdapter
from axis.errors import Fault, Problem, Rejected
from axis.services.operate import registry as members
from tests.line import Line, document, recall, small_home, status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    import pytest

    from axis.adapters.base import LocalFile
    from axis.web.app import Web

HOST = "127.0.0.1:8610"
AXIS_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
# A subject in which somebody has tried everything: markup, a script, an attribute's end, a formula, a line's end, another
# direction of writing, marks without end.
HOSTILE = (
    '=HYPERLINK("http://x/")<script>alert(1)</script><img src=x onerror=alert(1)>"\'>{{ 7*7 }}{% x %} &lt;b&gt; \u202eabc\u2066'
    " á" + "\u0301" * 40 + " <a href='javascript:alert(1)'>"
)

NAME = "bảng kê '1' 100%0d%0a; filename=x.html"


@dataclass
class Answer:
    """What was answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8-sig")


@dataclass
class Browser:
    """Asks a desk; keeps its cookies."""

    web: Web
    certificate: bytes = b""
    host: str = HOST
    scheme: str = "http"
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, method: str = "GET", body: bytes = b"", **fields: object) -> Answer:
        query = urlencode({name.rstrip("_"): str(value) for name, value in fields.items()})
        return self.ask(path, query.encode(), method, body)

    def ask(
        self,
        path: str,
        query: bytes = b"",
        method: str = "GET",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        is_gone: bool = False,
    ) -> Answer:
        """`is_gone`: whoever asks has hung up before the end of what it sends."""
        known = {"host": self.host, "cookie": "; ".join(f"{n}={v}" for n, v in self.cookies.items())}
        sent = known | dict(headers or {})
        return asyncio.run(self._ask(path, query, method, body, [(k, v) for k, v in sent.items() if v], is_gone))

    async def _ask(
        self, path: str, query: bytes, method: str, body: bytes, headers: Sequence[tuple[str, str]], is_gone: bool
    ) -> Answer:
        scope: dict[str, Any] = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": self.scheme,
            "path": path,
            "raw_path": quote(path).encode(),
            "root_path": "",
            "query_string": query,
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
            "server": ("127.0.0.1", 8610),
            "client": ("127.0.0.1", 50000),
            "state": {"certificate": self.certificate} if self.certificate else {},
        }
        said: list[dict[str, Any]] = []

        coming: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": is_gone}]

        async def receive() -> dict[str, Any]:
            return coming.pop() if coming else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        await self.web(scope, receive, send)  # type: ignore[arg-type]
        found = {name.decode(): value.decode("latin-1") for name, value in said[0]["headers"]}
        if cookie := found.get("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
        return Answer(said[0]["status"], found, b"".join(one.get("body", b"") for one in said[1:]))

    def login(self, now: datetime | None = None) -> Browser:
        """By the address that was printed."""
        found = self.get("/login", once=self.web.entry.once(now or self.web.clock()))
        assert found.status == 303, found.text
        return self


def desk_of(opened: desks.Desks, line: Line, code: str) -> Browser:
    """Who has come in at the desk of an agency, at the line's time, in Vietnamese."""
    return Browser(replace(desks.application(opened, {HOST}, code, "vi"), clock=lambda: line.clock.now)).login()


def prepared(
    path: Path,
    patch: pytest.MonkeyPatch,
    codes: Sequence[str] = ("G22", "H41", "G06", "H29", "G18"),
    subject: str = HOSTILE,
) -> Line:
    """A home in which a document has arrived (with a hostile subject and a file of a hostile name), one was refused by its
    recipient, one by the hub, one waits at a suspended agency, one is overdue, one was taken back."""
    line = small_home(path, tuple(codes))
    prepare = FolderAdapter.prepare

    def some_refuse(self: FolderAdapter, files: Sequence[LocalFile]) -> None:
        if self.agency == "H29" and files[0].folder == "inbox":
            raise Rejected(Problem(Fault.DELIVERY_INVALID, got="<b>no</b>"))
        prepare(self, files)

    patch.setattr(FolderAdapter, "prepare", some_refuse)
    hostile = document(1, to=("H41", "G06"), subject=escape(subject)).replace(b">1.pdf<", f">{escape(NAME)}<".encode())
    line.drop("G22", hostile)
    line.run()
    line.drop("G22", document(2, to=("H29", "H41"), subject="V/v góp ý dự thảo nghị định, thử nghiệm"), "b.edxml")
    line.run()
    line.drop("G22", document(3, to=("G06",)), "c.edxml")
    line.drop("H41", document(4, sender="H41", to=("G22",)), "d.edxml")
    line.without("G06")
    line.drop("G22", recall(3, to=("G06",)), "e.edxml")
    line.run()
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.suspend(registrar, "G18", "chuyển trụ sở", line.clock())
    line.drop("G22", document(5, to=("G18",)), "f.edxml")
    line.drop("H41", status("03", 55), "g.edxml")  # about a document that nobody has sent
    line.run()
    return line
