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
        """What is answered. Raises AssertionError for what is no page."""
        found = asyncio.run(self._client.get(path, params=fields))
        assert found.status_code < 400, f"{path} {fields}: {found.status_code}"  # noqa: S101
        return found


def pages(
    store: HubStore, registry: Registry, now: datetime, known: Mapping[str, str], oldest: str
) -> Iterator[tuple[str, Callable[[], object]]]:
    """(name, page) of each page, of an operator and of an agency. `known`: of a document its axis id, number and
    sender, and a word of its subject; `oldest`: a place among the oldest."""
    for code in ("", known["sender"]):
        visitor = Visitor(store, registry, now, code)
        asked: dict[str, tuple[str, dict[str, str]]] = {
            "search": ("/", {}),
            "found by number": ("/", {"q": known["code"]}),
            "found by words": ("/", {"q": known["word"]}),
            "documents": ("/documents", {}),
            "documents, oldest": ("/documents", {"after": oldest}),
            "documents of a sender": ("/documents", {"from": known["sender"]}),
            "documents in trouble": ("/documents", {"state": "trouble"}),
            "documents with words": ("/documents", {"words": "nông thôn mới"}),
            "documents, exported": ("/documents.csv", {"limit": "200"}),
            "document": ("/document", {"ref": known["axis_id"]}),
            "document for programs": ("/document.json", {"ref": known["axis_id"]}),
            "board": ("/board", {"ref": known["axis_id"]}),
            "status": ("/status", {}),
            "refusals": ("/refusals", {}),
            "registry": ("/registry", {}),
            "agency": ("/registry", {"code": known["sender"]}),
            "report of a day": ("/reports", {"span": "day"}),
            "report of a month": ("/reports", {"span": "month", "by": "day"}),
        }
        whose = "an agency's " if code else ""
        for name, (path, fields) in asked.items():
            end = time.monotonic() + COUNTING
            while visitor.get(path, **fields).status_code == 202 and time.monotonic() < end:
                time.sleep(0.2)
            yield whose + name, lambda path=path, fields=fields, visitor=visitor: visitor.get(path, **fields)  # type: ignore[misc]
