"""The pages of the web desk on a full record, for the scenario `questions`: from the request to the last byte. A report
is counted before it is asked for: pages show what was counted beside them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from axis.web.app import Web
from axis.web.desk import AtTheHub
from axis.web.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from axis.core.registry import Registry
    from axis.infra.record.store import HubStore

HOST = "127.0.0.1:8610"
COUNTING = 600.0  # seconds that a report may take to be counted, beside


@dataclass
class Visitor:
    """Somebody at a desk of the hub: an operator, or an agency's own."""

    store: HubStore
    registry: Registry
    now: datetime
    code: str = ""
    _client: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        entry = Entry(lambda: self.registry, lambda: (), local=self.code)
        web = Web(entry, self._desk, {HOST}, "vi", lambda: self.now)
        transport = httpx.ASGITransport(app=web)
        self._client = httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}", follow_redirects=True)
        self.get("/login", once=entry.once(self.now))

    def _desk(self, code: str) -> AtTheHub:
        return AtTheHub(self.store, lambda: self.registry, lambda: None, code)

    def get(self, path: str, **fields: str) -> httpx.Response:
        """What is answered. Raises AssertionError for what is no page, but one that says that nothing was found."""
        found = asyncio.run(self._client.get(path, params=fields))
        is_page = found.status_code < 400 or (found.status_code == 404 and "q" in fields)
        assert is_page, f"{path} {fields}: {found.status_code}"  # noqa: S101
        return found


def pages(
    store: HubStore, registry: Registry, now: datetime, known: Mapping[str, str], oldest: str
) -> Iterator[tuple[str, Callable[[], object]]]:
    """(name, page) of each page, of an operator and of an agency. `known`: of a document its axis id, number, sender
    and recipient, and a word of its subject; and the axis id of a circular; `oldest`: a place among the oldest."""
    for code in ("", known["sender"]):
        visitor = Visitor(store, registry, now, code)
        whose = "an agency's " if code else ""
        for name, (path, fields) in addresses(known, oldest, code).items():
            end = time.monotonic() + COUNTING
            counted = path.startswith(("/reports", "/status"))
            while counted and visitor.get(path, **fields).status_code == 202 and time.monotonic() < end:
                time.sleep(0.2)
            yield whose + name, lambda path=path, fields=fields, visitor=visitor: visitor.get(path, **fields)  # type: ignore[misc]


def addresses(known: Mapping[str, str], oldest: str, code: str = "") -> dict[str, tuple[str, dict[str, str]]]:
    """By name the path and fields of what a visitor asks for, an agency `code` or an operator: every path of the desk,
    short and as long as it may be."""
    asked: dict[str, tuple[str, dict[str, str]]] = {
        "search": ("/", {}),
        "found by number": ("/", {"q": known["code"]}),
        "found by words": ("/", {"q": known["word"]}),
        "found nothing": ("/", {"q": "không có văn bản nào như vậy"}),
        "documents": ("/documents", {}),
        "documents, oldest": ("/documents", {"after": oldest}),
        "documents of a sender": ("/documents", {"from": known["sender"]}),
        "documents to a recipient": ("/documents", {"to": known["recipient"]}),
        "documents in trouble": ("/documents", {"state": "trouble"}),
        "documents overdue": ("/documents", {"state": "overdue"}),
        "documents with words": ("/documents", {"words": "nông thôn mới"}),
        "200 documents": ("/documents", {"limit": "200"}),
        "200 documents in trouble": ("/documents", {"limit": "200", "state": "trouble"}),
        "documents, exported": ("/documents.csv", {"limit": "200"}),
        "documents for programs": ("/documents.json", {"limit": "200"}),
        "document": ("/document", {"ref": known["axis_id"]}),
        "document for programs": ("/document.json", {"ref": known["axis_id"]}),
        "circular": ("/document", {"ref": known["circular"]}),
        "circular for programs": ("/document.json", {"ref": known["circular"]}),
        "board": ("/board", {"ref": known["axis_id"]}),
        "board of a circular": ("/board", {"ref": known["circular"]}),
        "status": ("/status", {}),
        "status for programs": ("/status.json", {}),
        "refusals": ("/refusals", {}),
        "refusals, exported": ("/refusals.csv", {}),
        "registry": ("/registry", {}),
        "registry by words": ("/registry", {"words": "sở"}),
        "agency": ("/registry", {"code": known["sender"]}),
        "report of a day": ("/reports", {"span": "day"}),
        "report of a month": ("/reports", {"span": "month", "by": "day"}),
        "report of a year": ("/reports", {"span": "year", "by": "day"}),
        "report, exported": ("/reports.csv", {"span": "month", "by": "day"}),
    }
    if code:
        for name in ("documents", "documents, oldest", "documents in trouble", "documents overdue", "200 documents"):
            path, fields = asked[name]
            asked[f"{name}, received"] = path, fields | {"way": "received"}
        asked["received with words"] = "/documents", {"way": "received", "words": "nông thôn mới"}
    return asked
