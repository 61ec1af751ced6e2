"""A request's trace context goes with its document to the recipient's adapter and its log lines, and into nothing that
is signed or handed over."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from axis import config
from axis.adapters import mailbox
from axis.adapters.client import Client
from axis.adapters.spool.store import open_spool
from axis.adapters.webhook import tell
from axis.core import parcel
from tests.e2e.test_api import served
from tests.line import document
from tests.served import ServedLine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.test_api import Served
    from tests.servers import PostgreSql, RabbitMq

__all__ = ["served"]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
GIVEN = f"00-{TRACE}-00f067aa0ba902b7-01"
WAY = ["axis.mailbox", "axis.submit", "axis.admit", "axis.relay", "axis.deliver", "axis.deliver"]


def traced(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The loggers of the lines that name the request, in order."""
    return [one.name for one in caplog.records if getattr(one, "traceparent", "") == GIVEN]


def submit(served: Served, number: int, value: str) -> None:
    said = served.ask("POST", "/v1/documents", content=document(number), headers={"traceparent": value})
    assert said.status_code == 202


def _told(spool: Any) -> set[tuple[str, str]]:
    """(event, traceparent) of what the agency's system is told about documents; it is no part of what is signed."""
    found = set()

    def post(_url: str, body: bytes, headers: dict[str, str]) -> int:
        assert TRACE.encode() not in body
        if (event := json.loads(body)["event"]).startswith("document."):
            found.add((event, headers.get("traceparent", "")))
        return 200

    while tell(spool, datetime.now(UTC), post):  # of each document one after the other
        continue
    return found


def test_from_the_request_to_the_recipients_adapter_each_has_a_line(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "axis")
    spools = {code: open_spool(served.line.path / "agencies" / code / "spool") for code in ("G22", "H41")}
    for spool in spools.values():
        spool.set_webhook("https://example.vn/", "at least 16 characters")
    submit(served, 1, GIVEN)
    served.rest()
    told = {code: _told(spool) for code, spool in spools.items()}
    assert told == {"G22": {("document.accepted", GIVEN)}, "H41": {("document.received", GIVEN)}}
    with Client(served.url, served.tokens["H41"]) as recipient:
        (item,) = recipient.inbox()
        packet, whole = recipient.fetch(item["id"]), recipient.parcel(item["id"])
        assert recipient.acknowledge(item["id"])["state"] == "done"
    served.rest()
    assert traced(caplog) == WAY
    lines = [one.getMessage() for one in caplog.records if getattr(one, "traceparent", "")]
    assert lines[0].startswith("G22: packet ")
    assert lines[-2:] == [f"H41: document {item['id']} has come", f"H41: {item['id']} handed_over"]
    _, content = parcel.peek(whole)
    assert TRACE.encode() not in packet + whole + content
    receipts = [path.read_bytes() for path in served.line.path.rglob("*.asice")]
    assert not [one for one in receipts if TRACE.encode() in one]


@pytest.mark.parametrize("value", ["evil", GIVEN.upper(), f"{GIVEN}, {GIVEN}", f"00-{'0' * 32}-00f067aa0ba902b7-01"])
def test_a_hostile_header_is_dropped_and_the_document_goes_its_way(
    served: Served, caplog: pytest.LogCaptureFixture, value: str
) -> None:
    caplog.set_level(logging.INFO, "axis")
    submit(served, 1, value)
    served.rest()
    assert served.line.files("G22", "receipts") == []  # its system fetches them
    assert set(served.line.states("1/TN-G22")) == {"H41"}
    assert not [one for one in caplog.records if getattr(one, "traceparent", "")]


@pytest.mark.amqp
@pytest.mark.postgres
def test_through_rabbitmq_too_and_what_waits_for_a_suspended_agency_has_it_still(
    rabbitmq: RabbitMq,
    postgres: PostgreSql,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from axis import bootstrap
    from axis.services.operate import registry as members

    caplog.set_level(logging.INFO, "axis")
    url = postgres.record("traced")
    monkeypatch.setenv("AXIS_DATABASE_URL", url)
    with ServedLine(tmp_path / "home", rabbitmq, url, ("G22", "H41")) as line:
        line.configure(adapter=config.Adapter(settle_seconds=0.0, agencies={"G22": {"kind": "spool"}}))
        home = bootstrap.open_home(line.path)
        with bootstrap.registrar(home) as registrar:
            members.suspend(registrar, "H41", "", line.clock())
        spool = open_spool(line.path / "agencies" / "G22" / "spool")
        with line.parts() as (_, agencies):
            own = next(one for one in agencies if one.code == "G22")
            with spool.upload() as upload:
                upload.write(document(1))
                mailbox.submit(mailbox.Mailbox("G22", spool, own.registry), upload, traceparent=GIVEN)
        line.run()
        assert traced(caplog) == WAY[:3]
        line.restart()
        with bootstrap.registrar(home) as registrar:
            members.resume(registrar, "H41", "", line.clock())
        line.run()
        assert traced(caplog) == WAY
        assert line.files("H41", "inbox", "*.edxml")
