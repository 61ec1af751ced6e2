"""The HTTP API v1 on a real server and a real line: a new document system submits, fetches, says that it has it, and reads
its receipts; it sees its own agency alone."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from axis import bootstrap, config, fronts
from axis.adapters import api, webhook
from axis.adapters.base import About, LocalFile
from axis.adapters.client import Client, Refused
from axis.adapters.spool import received
from axis.adapters.spool.store import open_spool
from axis.adapters.tokens import create_token
from axis.core import edxml, parcel
from tests.line import Line, document, recall, rest, small_home, status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub

FETCHING = ("G22", "H41")


@dataclass
class Served:
    """A line whose agencies G22 and H41 use the API."""

    line: Line
    hub: Hub
    agencies: list[Agency]
    port: int
    tokens: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, code: str) -> Client:
        return Client(self.url, self.tokens[code])

    def rest(self) -> None:
        rest(self.hub, self.agencies, self.line.clock)

    def ask(self, method: str, path: str, code: str = "G22", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[code]}", **more.pop("headers", {})}
        return httpx.request(method, self.url + path, headers=headers, **more)


@contextmanager
def serving(path: Path) -> Iterator[Served]:
    line = small_home(path / "home")
    kinds = {code: {"kind": "spool"} for code in FETCHING}
    line.configure(
        adapter=config.Adapter(settle_seconds=0.0, agencies=kinds), server=config.Server(listen="127.0.0.1:0")
    )
    home = bootstrap.open_home(line.path)
    tokens = {code: create_token(bootstrap.tokens_file(home), code) for code in (*FETCHING, "G06")}
    with ExitStack() as stack:
        hub, agencies = stack.enter_context(bootstrap.embedded_parts(home))
        port = stack.enter_context(fronts.front(home, agencies))
        yield Served(line, hub, agencies, port, tokens)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(webhook, "telling", lambda *_: [])  # the tests tell when they want to
    with serving(tmp_path) as opened:
        yield opened


# -- The round trip -----------------------------------------------------------------------------------------------


def test_a_document_is_submitted_fetched_and_handed_over_when_its_system_says_so(served: Served) -> None:
    content = bytes(range(256)) * 100
    with served.client("G22") as sender, served.client("H41") as recipient:
        given = sender.submit(document(1, to=("H41", "G06"), content=content))
        assert (given["state"], given["to"]) == ("pending", ["H41", "G06"])
        served.rest()
        (item,) = recipient.inbox(state="initial")
        assert (item["kind"], item["code"], item["from"]) == ("new", "1/TN-G22", "G22")
        came = edxml.convert(recipient.fetch(item["id"]))
        assert came.attachments == (content,)
        assert parcel.peek(recipient.parcel(item["id"]))[0] == "document.edxml"
        assert recipient.acknowledge(item["id"])["state"] == "done"
        served.rest()
        assert served.line.states("1/TN-G22") == {"H41": "HANDED_OVER", "G06": "HANDED_OVER"}
        shown = sender.document(given["id"])
        assert (shown["state"], {o["agency"]: o["event"] for o in shown["outcomes"]}) == (
            "accepted",
            {"H41": "E.1", "G06": "E.1"},
        )
        receipts = list(sender.receipts())
        assert all(parcel.peek(sender.receipt(one["id"]))[0] == "receipt.xml" for one in receipts)
        traced = sender.trace("1/TN-G22")
        assert [one["id"] for one in traced["sent"]] == [given["id"]]
        assert len(traced["received"]) > len(receipts), "statuses and receipts"
        assert list(recipient.inbox(state="initial")) == []


def test_statuses_and_recalls_travel_like_any_packet(served: Served) -> None:
    with served.client("G22") as sender, served.client("H41") as recipient:
        sender.submit(document(1))
        served.rest()
        (item,) = recipient.inbox()
        recipient.acknowledge(item["id"])
        recipient.submit(status("03"))
        served.rest()
        sender.submit(recall(1))
        served.rest()
        assert [one["kind"] for one in recipient.inbox(state="initial")] == ["recall"]
        recipient.submit(status("15"))
        served.rest()
        codes = [edxml.convert(sender.fetch(one["id"])).packet for one in sender.inbox(kind="status")]
        assert [packet.status_code for packet in codes if packet] == ["01", "03", "15"]


def test_what_cannot_be_taken_is_said_and_refused_in_the_end(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(received, "FAILURES_APART", timedelta(0))
    with served.client("G22") as sender, served.client("H41") as recipient:
        sender.submit(document(1))
        served.rest()
        (item,) = recipient.inbox()
        states = [recipient.acknowledge(item["id"], "fail", "ổ đĩa đầy")["state"] for _ in range(5)]
        assert states == ["initial"] * 4 + ["fail"]
        with pytest.raises(Refused) as caught:
            recipient.acknowledge(item["id"])
        assert [caught.value.problem[one] for one in ("status", "title")] == [409, "DELIVERY_OVER"]
        assert recipient.acknowledge(item["id"], "fail", "ổ đĩa đầy")["state"] == "fail"
        served.rest()
        assert served.line.states("1/TN-G22") == {"H41": "REFUSED"}


def test_a_packet_that_is_built_again_after_a_lost_answer_is_the_first_one(served: Served) -> None:
    with served.client("G22") as sender, served.client("H41") as recipient:
        first = sender.submit(document(1))
        again = sender.submit(document(1).replace(b"cid:1", b"cid:7f0c").replace(b"09:00:00", b"09:07:41"))
        assert again == first
        served.rest()
        assert len(list(recipient.inbox())) == len(list(sender.documents())) == 1


def test_what_was_left_out_of_a_packet_is_told_with_it(served: Served) -> None:
    with served.client("G22") as sender:
        sent = sender.submit(document(1).replace(b"<SignerInfo>", b"<Hopper>7</Hopper><SignerInfo>"))
        assert [(one["code"], one["severity"]) for one in sent["findings"]] == [("PACKET_UNKNOWN", "warning")]
        served.rest()
        (row,) = sender.documents()
        assert (row["state"], row["findings"]) == ("accepted", sent["findings"])


def test_what_has_no_document_id_is_traced_alone(served: Served) -> None:
    """A receipt about something that nobody could read is about no document of the agency's."""
    with served.client("G22") as sender:
        for number in (1, 2):
            sender.submit(document(number, content=b"%d" % number))
        served.rest()
        label = "0123456789abcdef.A.2"
        about = About(label, "receipt", "HUB", (), "", "", "")
        store = open_spool(served.line.folder("G22", "spool"))
        store.prepare([LocalFile("receipts", f"{label}.asice", b"PK", about)])
        store.show([f"{label}.asice"])
        unread = [one["id"] for one in served.ask("GET", "/v1/receipts?limit=1000").json()["items"]][-1]
        traced = sender.trace(unread)
        assert ([one["id"] for one in traced["received"]], traced["sent"]) == ([unread], [])
        assert len(sender.trace("1/TN-G22")["sent"]) == 1


def test_a_client_that_goes_away_in_the_middle_is_no_error_of_the_server(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "axis.api")
    head = f"POST /v1/documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.tokens['G22']}\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(head.encode() + b"Content-Length: 1000\r\n\r\n<edXML>")
    end = time.monotonic() + 30
    while not (said := [one for one in caplog.records if one.name == "axis.api"]) and time.monotonic() < end:
        time.sleep(0.02)
    assert [(one.levelname, one.exc_info) for one in said] == [("INFO", None)]
    assert [one.levelname for one in caplog.records if one.levelno >= logging.WARNING] == []


def test_a_packet_is_examined_without_being_kept(served: Served) -> None:
    with served.client("G22") as sender:
        assert sender.examine(document(1)) == []
        with pytest.raises(Refused) as caught:
            sender.examine(document(1, to=("H63",)))
        assert [one["code"] for one in caught.value.problem["findings"]] == ["AGENCY_UNKNOWN"]
        assert list(sender.documents()) == []


def test_lists_have_pages_that_lead_on(served: Served) -> None:
    with served.client("G22") as sender:
        ids = [sender.submit(document(n, content=b"%d" % n))["id"] for n in range(1, 6)]
        assert [one["id"] for one in sender.documents(limit="2")] == ids
        later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        assert list(sender.documents(since=later)) == []
        first = served.ask("GET", "/v1/documents?limit=2").json()
        assert "after=" in first["next"]


# -- Once, and by whom --------------------------------------------------------------------------------------------


def test_the_same_packet_or_key_is_the_same_submission(served: Served) -> None:
    with served.client("G22") as sender:
        one = sender.submit(document(1), "key-1")
        assert sender.submit(document(1), "key-1")["id"] == one["id"]
        assert sender.submit(document(1))["id"] == one["id"]
        with pytest.raises(Refused) as caught:
            sender.submit(document(2), "key-1")
        assert (caught.value.problem["status"], caught.value.problem["title"]) == (409, "API_KEY_REUSED")
        served.rest()
        assert len(list(sender.documents())) == 1


def test_of_different_packets_at_once_with_one_key_one_is_taken(served: Served) -> None:
    def give(number: int) -> int:
        headers = {"Idempotency-Key": "the same"}
        return served.ask("POST", "/v1/documents", headers=headers, content=document(number)).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(give, range(1, 17)))
    assert answers == [202] + [409] * 15
    with served.client("G22") as sender:
        assert len(list(sender.documents())) == 1


def test_a_key_of_a_packet_that_was_refused_is_free_again(served: Served) -> None:
    with served.client("G22") as sender:
        with pytest.raises(Refused):
            sender.submit(document(1, to=("H63",)), "key")
        assert sender.submit(document(1), "key")["state"] == "pending"


def test_nobody_comes_in_without_a_token_of_an_agency_that_is_served_here(served: Served) -> None:
    good = served.tokens["G22"]
    for value in ("", "Bearer", f"Bearer {good}x", f"Basic {good}", f"Bearer {served.tokens['G06']}"):
        answer = httpx.get(f"{served.url}/v1/inbox", headers={"Authorization": value} if value else {})
        assert (answer.status_code, answer.json()["title"]) == (401, "API_UNAUTHORIZED"), value
        assert answer.headers["www-authenticate"] == "Bearer"
    assert served.ask("GET", "/v1/inbox").status_code == 200
    assert httpx.get(f"{served.url}/v1/health").json() == {"status": "ok"}


def test_an_agency_sees_nothing_of_anothers(served: Served) -> None:
    with served.client("G22") as sender, served.client("H41") as recipient:
        given = sender.submit(document(1))
        served.rest()
        (item,) = recipient.inbox()
        for path in ("", "/packet", "/parcel"):
            assert served.ask("GET", f"/v1/inbox/{item['id']}{path}").status_code == 404
        said = {"state": "done"}
        assert served.ask("POST", f"/v1/inbox/{item['id']}/acknowledgement", json=said).status_code == 404
        assert served.ask("GET", f"/v1/documents/{given['id']}", "H41").status_code == 404
        (receipt, *_) = sender.receipts()
        assert served.ask("GET", f"/v1/receipts/{receipt['id']}", "H41").status_code == 404
        with pytest.raises(Refused):
            sender.submit(document(2, sender="H41", to=("G22",)))


def test_tokens_are_kept_as_digests_for_their_owner_alone(served: Served) -> None:
    path = bootstrap.tokens_file(bootstrap.open_home(served.line.path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert not any(token in path.read_text() for token in served.tokens.values())
    path.chmod(0o644)
    assert served.ask("GET", "/v1/inbox").status_code == 503


# -- One agency's spool and the others ----------------------------------------------------------------------------


def test_while_one_spool_is_busy_everybody_else_is_answered(served: Served) -> None:
    """The adapter is in a transaction of G22's spool, on a slow disk; requests to it wait, more of them than there are
    threads. Every way of asking is tried."""
    with served.client("G22") as sender:
        sender.submit(document(1, to=("G22", "H41")))
        served.rest()
        (item,) = sender.inbox(kind="new")
        (receipt, *_) = sender.receipts()
    said = {"state": "processing"}
    hook = {"url": "https://example.vn/", "secret": "0123456789abcdef"}
    ways: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/v1/documents", {}),
        ("GET", f"/v1/documents/{item['id']}", {}),
        ("POST", "/v1/documents", {"content": document(2)}),
        ("GET", "/v1/inbox", {}),
        *(("GET", f"/v1/inbox/{item['id']}{path}", {}) for path in ("", "/packet", "/parcel")),
        ("POST", f"/v1/inbox/{item['id']}/acknowledgement", {"json": said}),
        ("GET", "/v1/receipts", {}),
        ("GET", f"/v1/receipts/{receipt['id']}", {}),
        ("GET", "/v1/trace/1/TN-G22", {}),
        ("PUT", "/v1/webhook", {"json": hook}),
        ("GET", "/v1/webhook", {}),
        ("DELETE", "/v1/webhook", {}),
    ]
    spool = open_spool(served.line.folder("G22", "spool"))
    with ThreadPoolExecutor(len(ways) * 5) as pool:
        with spool._begin():
            waiting = [pool.submit(served.ask, *way[:2], timeout=60, **way[2]) for way in ways * 5]
            for _ in range(20):  # each time more of them have come
                assert httpx.get(f"{served.url}/v1/health", timeout=20).status_code == 200
                assert served.ask("GET", "/v1/inbox", "H41", timeout=20).status_code == 200
            assert not any(one.done() for one in waiting)
        assert {one.result().status_code for one in waiting} <= {200, 202, 204, 404}


# -- Errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/v1/inbox?unknown=1", None, 400),
        ("GET", "/v1/inbox?limit=0", None, 400),
        ("GET", "/v1/inbox?limit=5&limit=6", None, 400),
        ("GET", "/v1/inbox?state=lost", None, 400),
        ("GET", "/v1/inbox?since=yesterday", None, 400),
        ("GET", "/v1/inbox?since=2026-11-23T10:00:00", None, 400),
        ("GET", "/v1/documents/00000000-0000-0000-0000-000000000000", None, 404),
        ("GET", "/v1/nothing", None, 404),
        ("DELETE", "/v1/inbox", None, 405),
        ("PUT", "/v1/webhook", b"[]", 400),
        ("PUT", "/v1/webhook", b'{"url": "http://example.vn/x", "secret": "0123456789abcdef"}', 400),
        ("PUT", "/v1/webhook", b'{"url": "https://example.vn/x", "secret": "short"}', 400),
        ("PUT", "/v1/webhook", b'{"url": "https://example.vn/x"}', 400),
        ("PUT", "/v1/webhook", b'{"url": "https://10.0.0.1/x", "secret": "0123456789abcdef"}', 400),
        ("PUT", "/v1/webhook", b'{"url": "https://[::ffff:127.0.0.1]/", "secret": "0123456789abcdef"}', 400),
        ("PUT", "/v1/webhook", b'{"url": "https://user:pw@example.vn/x", "secret": "0123456789abcdef"}', 400),
        ("PUT", "/v1/webhook", b'{"url": "https://e.vn", "secret": "0123456789abcdef", "more": 1}', 400),
        ("PUT", "/v1/webhook", b"x" * 70_000, 413),
        ("POST", "/v1/documents", b"<edXML/>", 422),
    ],
)
def test_a_mistake_is_told_as_problem_details(
    served: Served, method: str, path: str, body: bytes | None, code: int
) -> None:
    answer = served.ask(method, path, content=body)
    assert answer.status_code == code, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["type"] == f"urn:axis:fault:{told['title']}"
    assert told["status"] == code
    assert "Traceback" not in answer.text


def test_problems_are_told_in_vietnamese_to_who_asks_for_it(served: Served) -> None:
    said = {
        lang: served.ask("GET", "/v1/documents/x", headers={"Accept-Language": lang}).json() for lang in ("vi", "en")
    }
    assert said["vi"]["detail"] != said["en"]["detail"]
    assert said["vi"]["title"] == said["en"]["title"]


def test_a_bug_of_ours_is_told_without_its_inside(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any) -> Any:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(api, "_selection", breaks)
    answer = served.ask("GET", "/v1/inbox")
    assert (answer.status_code, answer.json()["title"]) == (500, "INTERNAL")
    assert "secret detail" not in answer.text


# -- Webhooks -----------------------------------------------------------------------------------------------------


class Listener:
    """An agency's own HTTP server: refuses as often as it is told to."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.refusals = 0
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                refused = listener.refusals > 0
                listener.refusals -= refused
                if not refused:
                    listener.heard.append((dict(self.headers), body))
                self.send_response(503 if refused else 204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/axis"

    def events(self) -> list[str]:
        return [json.loads(body)["event"] for _, body in self.heard]


def test_what_happens_is_told_signed_in_order_and_again_until_it_is_taken(served: Served, tmp_path: Path) -> None:
    listener, secret = Listener(), "0123456789abcdef-bí mật"
    spool = open_spool(served.line.folder("G22", "spool"))
    with served.client("G22") as sender:
        sender.tell(listener.url, secret)
        assert served.ask("GET", "/v1/webhook").json() == {"url": listener.url}
        listener.refusals = 2
        sender.submit(document(1, to=("G06",)))
        served.rest()
        now = datetime.now(UTC)
        for hours in range(12):
            webhook.tell(spool, now + timedelta(hours=hours), webhook.post)
        told = listener.events()
        assert sorted(told) == ["document.accepted", *["receipt.received"] * 2, "status.received"]
        numbers = [json.loads(body)["number"] for _, body in listener.heard]
        assert numbers == sorted(numbers), "of one document in order, though the first was refused twice"
        for headers, body in listener.heard:
            time, _, mac = headers["Axis-Signature"].partition(",v1=")
            expected = hmac.new(secret.encode(), f"{time[2:]}.".encode() + body, hashlib.sha256).hexdigest()
            assert mac == expected
        sender.tell("", "")
        sender.submit(document(2, to=("G06",)))
        served.rest()
        assert webhook.tell(spool, now + timedelta(days=2), webhook.post) == 0
    listener.server.shutdown()


def test_a_webhook_to_this_machine_is_for_who_is_on_it(served: Served) -> None:
    application = api.application(lambda: {hashlib.sha256(b"t").hexdigest(): "G22"}, _offices(served))
    asked = {"url": "http://127.0.0.1:15672/api", "secret": "0123456789abcdef"}
    for host, status_ in (("10.0.0.5", 400), ("127.0.0.1", 200)):
        transport = httpx.ASGITransport(app=application, client=(host, 5))

        async def put(transport: httpx.ASGITransport = transport) -> int:
            async with httpx.AsyncClient(transport=transport, base_url="http://axis") as client:
                headers = {"Authorization": "Bearer t"}
                return (await client.put("/v1/webhook", json=asked, headers=headers)).status_code

        assert asyncio.run(put()) == status_


def _offices(served: Served) -> Any:
    from axis.adapters.mailbox import Mailbox

    (g22,) = [one for one in served.agencies if one.code == "G22"]
    return {"G22": Mailbox("G22", open_spool(served.line.folder("G22", "spool")), g22.registry)}


def test_one_documents_trouble_does_not_hold_back_anothers_notices(served: Served) -> None:
    spool = open_spool(served.line.folder("G22", "spool"))
    spool.set_webhook("http://127.0.0.1:9/x", "0123456789abcdef")
    with served.client("G22") as sender:
        for number in (1, 2):
            sender.submit(document(number, to=("G06",), content=b"%d" % number))
        served.rest()
    heard: dict[str, list[int]] = {}

    def post(_: str, body: bytes, __: dict[str, str]) -> int:
        facts = json.loads(body)
        heard.setdefault(facts["document_id"][-8:], []).append(facts["number"])
        if "1/TN-G22" in facts["document_id"]:
            raise OSError("away")
        return 200

    for minute in range(20):
        webhook.tell(spool, datetime.now(UTC) + timedelta(seconds=minute), post)
    assert len(spool.notices(datetime.now(UTC) + timedelta(days=1))) == 1, "the first of document 1 waits"
    assert len(set(heard["1/TN-G22"])) == 1
    assert heard["2/TN-G22"] == sorted(set(heard["2/TN-G22"]))
    assert len(heard["2/TN-G22"]) == 4


# -- The description ----------------------------------------------------------------------------------------------


def test_the_description_names_every_path_and_is_served(served: Served) -> None:
    description = httpx.get(f"{served.url}/v1/openapi.json").json()
    described = {(path, method.upper()) for path, ways in description["paths"].items() for method in ways}
    routes = api.application(dict, {}).routes
    there = {
        (route.path.replace(":path}", "}"), method)  # type: ignore[attr-defined]
        for route in routes
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
    }
    assert described == there


@pytest.mark.timeout(300)
def test_whatever_a_client_sends_is_answered_as_described(served: Served) -> None:
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    with served.client("G22") as sender:
        sender.submit(document(1, sender="G22", to=("G22", "H41")))
    served.rest()
    schema = schemathesis.openapi.from_url(f"{served.url}/v1/openapi.json")
    tried = 0
    for operation in schema.get_all_operations():

        @settings(
            max_examples=int(os.environ.get("API_EXAMPLES", "25")),
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.ok().as_strategy())
        def holds(case: Any) -> None:
            nonlocal tried
            tried += 1
            # What a packet says is beyond JSON Schema: any bytes are a body, and few are a packet.
            beyond = [positive_data_acceptance] if case.method == "POST" else []
            authorised = {"Authorization": f"Bearer {served.tokens['G22']}"}
            case.call_and_validate(headers=authorised, excluded_checks=beyond)

        holds()
    assert tried > 200
