"""The client software sends and fetches: packets, statuses, recalls, receipts, lists and units go through unharmed."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from axis import bootstrap, config, fronts
from axis.adapters import systems
from axis.adapters.spool import received, tables
from axis.adapters.spool.store import open_spool
from axis.adapters.vxp import refusal
from axis.core import edxml
from axis.infra.amqp import consume
from tests.e2e.vxp.clients import DATA, FETCHING, SECRETS, Served
from tests.line import document, replacement, status, update
from tests.served import ServedLine
from tests.vxp_client import SdkClient

if TYPE_CHECKING:
    from tests.servers import PostgreSql, RabbitMq


# -- The round trip -----------------------------------------------------------------------------------------------


def test_a_document_goes_to_a_client_and_to_a_folder_and_is_handed_over_when_the_client_says_so(either: Served) -> None:
    packet = (DATA / "packets" / "edoc_new.edxml").read_bytes()
    answer = either.client("G22").send(packet, **{"from": "G22", "to": '["H41","G06"]'})
    assert answer["status"] == "OK"
    either.rest()
    reference = "1234/VPCP-KSTT"
    assert either.states(reference) == {"H41": "QUEUED", "G06": "HANDED_OVER"}
    (row,) = either.listed("H41")
    assert (row["from"], row["status"]) == ("G22", "initial")
    client = either.client("H41")
    came = client.fetch(row["docId"])
    assert client.continued == 1
    assert client.call("updateStatus", status="done", docId=row["docId"])["status"] == "OK"
    either.rest()
    assert either.states(reference) == {"H41": "HANDED_OVER", "G06": "HANDED_OVER"}
    assert either.listed("H41") == []
    sent, got = edxml.convert(packet), edxml.convert(came)
    assert (got.document, got.attachments) == (sent.document, sent.attachments), "every value, every byte"
    (name,) = either.line.files("G06", "inbox", "*.edxml")
    assert (either.line.folder("G06", "inbox") / name).read_bytes() == came
    told = {
        (r["toCode"], r["receiveStatus"])
        for r in either.client("G22").call("getSentEdocList", servicetype="eDoc", messagetype="edoc")["data"]
    }
    assert told == {("H41", "done"), ("G06", "done")}


def test_statuses_recalls_and_answers_travel_both_ways(either: Served) -> None:
    sender, recipient = either.client("G22"), either.client("H41")
    assert sender.send(document(1))["status"] == "OK"
    either.rest()
    (row,) = either.listed("H41")
    recipient.call("updateStatus", status="done", docid=row["docId"])
    for code in ("01", "03", "04", "05", "06"):
        assert recipient.send(status(code), "status")["status"] == "OK"
        either.rest()
    recall = (
        status("13", sender="G22", about="H41", description="Lấy lại")
        .replace(b"H41,2026", b"G22,2026")
        .replace(b"TN-H41", b"TN-G22")
    )
    assert sender.send(recall, "status")["status"] == "OK"
    either.rest()
    assert recipient.send(status("16", description="Đã giải quyết xong"), "status")["status"] == "OK"
    either.rest()
    came = [edxml.convert(sender.fetch(one["docId"])).packet for one in either.listed("G22", "status")]
    assert [packet.status_code for packet in came if packet] == ["01", "03", "04", "05", "06", "16"]
    assert len(either.listed("H41", "status")) == 1, "the 13 itself, for its clerk"


@pytest.mark.parametrize("name", sorted(p.name for p in (DATA / "packets").glob("*.edxml")))
def test_every_packet_of_the_real_library_passes_with_every_value(either: Served, name: str) -> None:
    packet = (DATA / "packets" / name).read_bytes()
    asked = edxml.convert(packet).packet
    assert asked is not None
    sender = asked.sender.organ_id
    if asked.kind is not edxml.Kind.NEW:  # what it is about comes first
        new = (DATA / "packets" / "edoc_new.edxml").read_bytes()
        if asked.kind is edxml.Kind.REPLACE:
            old = asked.replaced[0][0].encode()
            new = new.replace(b"G22,2021/03/15,1234/VPCP-KSTT", old)
        assert either.client("G22").send(new)["status"] == "OK"
        either.rest()
        for one in either.listed("H41"):
            either.client("H41").call("updateStatus", status="done", docId=one["docId"])
        either.rest()
        if asked.status_code in {"15", "16"}:
            either.client("G22").send((DATA / "packets" / "edoc_recall.edxml").read_bytes())
            either.rest()
    kind = "status" if asked.kind is edxml.Kind.STATUS else "edoc"
    identifier = either.client(sender).send(packet, kind)["DocId"]
    either.rest()
    lines = either.client(sender).call("getSentEdocList", servicetype="eDoc", messagetype=kind)["data"]
    mine = [line for line in lines if line["senderDocId"] == identifier]
    assert {line["sendStatus"] for line in mine} == {"done"}, mine
    to = "H41" if sender == "G22" else "G22"
    came = [edxml.convert(either.client(to).fetch(one["docId"])) for one in either.listed(to, kind)]
    sent = edxml.convert(packet)
    if asked.status_code == "01":  # the hand-over has said it already, in the axis' own packet
        assert {one.packet.status_code for one in came if one.packet} == {"01"}
    else:
        assert (sent.document, sent.attachments) in [(one.document, one.attachments) for one in came]


def test_vietnamese_words_come_through_unharmed(either: Served) -> None:
    either.client("G22").send(document(1, subject="V/v tiếng Việt"))
    either.rest()
    (row,) = either.listed("H41")
    done = either.client("H41").call("updateStatus", status="fail", docId=row["docId"], description="Từ chối: gửi nhầm")
    assert done["status"] == "OK"
    assert either.listed("H41")[0]["status_desc"] == "Từ chối: gửi nhầm"


@pytest.mark.amqp
@pytest.mark.postgres
def test_the_same_at_agencies_beside_a_broker(
    tmp_path: Path, rabbitmq: RabbitMq, postgres: PostgreSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.record(f"vxp{time.monotonic_ns()}")
    monkeypatch.setenv("AXIS_DATABASE_URL", url)
    monkeypatch.setattr(consume, "SETTLE", 0.05)
    with ServedLine(tmp_path / "home", rabbitmq, url, ("G22", "H41", "G06")) as line:
        kinds = {code: {"kind": "spool"} for code in FETCHING}
        line.configure(
            adapter=config.Adapter(settle_seconds=0.0, agencies=kinds), server=config.Server(listen="127.0.0.1:0")
        )
        home = bootstrap.open_home(line.path)
        for code in FETCHING:
            systems.add_system(bootstrap.systems_file(home), f"SYS.{code}", code, SECRETS[code])
        with line.parts() as (_, agencies), fronts.front(home, agencies) as port:
            sender, recipient = (SdkClient(port, f"SYS.{code}", SECRETS[code]) for code in FETCHING)
            assert sender.send(document(1, to=("H41", "G06")))["status"] == "OK"
            line.run()
            (row,) = recipient.call("getReceivedEdocList", servicetype="eDoc", messagetype="edoc")["data"]
            assert edxml.convert(recipient.fetch(row["docId"])).packet is not None
            assert line.states("1/TN-G22") == {"H41": "QUEUED", "G06": "HANDED_OVER"}
            assert recipient.call("updateStatus", status="done", docId=row["docId"])["status"] == "OK"
            line.run()
            assert line.states("1/TN-G22") == {"H41": "HANDED_OVER", "G06": "HANDED_OVER"}


def test_a_packet_that_is_built_again_after_a_lost_answer_is_the_first_one(served: Served) -> None:
    """The client library makes ids and times anew with every building; what the packet says is the same."""
    replaced = {1: ("H41",)}
    for first in (document(1), update(1), replacement(2, replaced)):
        again = first.replace(b"cid:1", b"cid:7f0c").replace(b"2026/11/23 09:00:00", b"2026/11/23 09:07:41")
        assert again != first
        answers = [served.client("G22").send(packet) for packet in (first, again)]
        assert answers[0]["status"] == "OK"
        assert answers[1] == answers[0]
        served.rest()
        late = served.client("G22").send(again.replace(b"09:07:41", b"11:30:00"))
        assert late == answers[0], "also when it was accepted long ago"
        served.rest()
        for row in served.listed("H41"):
            served.client("H41").call("updateStatus", status="done", docId=row["docId"])
        served.rest()
    lines = served.client("G22").call("getSentEdocList", servicetype="eDoc", messagetype="edoc")["data"]
    assert [(line["sendStatus"], line["receiveStatus"]) for line in lines] == [("done", "done")] * 3
    other = served.client("G22").send(document(1, subject="V/v khác"))
    assert other["DocId"] not in {line["senderDocId"] for line in lines}, "what says something else is another one"


def test_a_receipt_is_told_of_the_submission_that_it_is_about(served: Served) -> None:
    sender, recipient = served.client("G22"), served.client("H41")
    first = sender.send(document(1))["DocId"]
    served.rest()
    second = sender.send(document(1, subject="V/v khác"))["DocId"]  # the same DocumentId: a conflict
    served.rest()
    (row,) = served.listed("H41")
    recipient.call("updateStatus", status="done", docId=row["docId"])
    served.rest()
    assert served.told("G22") == {first: ("done", "done"), second: ("fail", "initial")}


def test_each_status_gets_its_own_receipt_also_one_that_was_built_again(served: Served) -> None:
    sender, recipient = served.client("G22"), served.client("H41")
    sender.send(document(1))
    served.rest()
    (row,) = served.listed("H41")
    recipient.call("updateStatus", status="done", docId=row["docId"])
    served.rest()
    packets = [status(code) for code in ("03", "04", "05")]
    again = packets[1].replace(b"11:00:00", b"11:00:09")  # the same thing in other words: the hub knows it
    assert again != packets[1]
    sent = [recipient.send(packet, "status")["DocId"] for packet in packets]
    served.rest()
    for one in served.listed("G22", "status"):
        sender.call("updateStatus", status="done", docId=one["docId"])
    served.rest()
    sent.append(recipient.send(again, "status")["DocId"])
    served.rest()
    assert len(set(sent)) == 4
    assert served.told("H41", "status") == dict.fromkeys(sent, ("done", "done"))


def test_what_was_left_out_of_a_packet_is_told_to_its_system(served: Served) -> None:
    packet = document(1).replace(b"<SignerInfo>", b"<Hopper>7</Hopper><SignerInfo>")
    (warning,) = edxml.convert(packet).problems
    answer = served.client("G22").send(packet)
    assert (answer["status"], answer["ErrorCode"]) == ("OK", "0")
    assert warning.text("vi") in answer["ErrorDesc"]
    served.rest()
    (line,) = served.client("G22").call("getSentEdocList", servicetype="eDoc", messagetype="edoc")["data"]
    assert line["sendStatus"] == "done"
    assert warning.text("vi") in line["sendStatusDesc"]
    assert served.client("G22").send(packet) == answer, "the repeat has the answer of the first"
    assert served.client("G22").send(document(2))["ErrorDesc"] == ""


def test_what_was_refused_for_good_cannot_be_taken_any_more_nor_what_was_taken_be_refused(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(received, "FAILURES_APART", timedelta(0))
    for number in (1, 2):
        served.client("G22").send(document(number, content=b"%d" % number))
    served.rest()
    first, second = served.listed("H41")

    def say(state: str, row: dict[str, Any], number: int = 0) -> str:
        client = served.client("H41")
        client.parameters["timestamp"] += str(number)
        return str(client.call("updateStatus", status=state, docId=row["docId"])["status"])

    assert [say("fail", first, number) for number in range(5)] == ["OK"] * 5
    assert say("done", second) == "OK"
    assert (say("done", first), say("fail", second)) == ("FAIL", "FAIL")
    assert (say("fail", first, 6), say("done", second, 7)) == ("OK", "OK"), "what was said before may be said again"
    served.rest()
    assert served.states("1/TN-G22") == {"H41": "REFUSED"}
    assert served.states("2/TN-G22") == {"H41": "HANDED_OVER"}


def test_an_agency_keeps_its_number_in_the_catalogue_whoever_comes_and_goes(served: Served) -> None:
    client = served.client("H41")

    def register(code: str) -> None:
        assert client.call("registerAgency", json.dumps({"code": code, "name": "Sở"}).encode())["status"] == "OK"

    def numbers() -> dict[str, tuple[str, str]]:
        rows = served.client("G22").call("getSynchronizeUnit")["data"]
        assert len({row["id"] for row in rows}) == len(rows)
        return {row["code"]: (row["id"], row["pid"]) for row in rows}

    register("H41.20")
    before = numbers()
    register("H41.10")
    after = numbers()
    assert {code: after[code] for code in before} == before
    assert after["H41.10"][1] == before["H41"][0], "below its agency"
    assert {row["code"]: row["id"] for row in client.call("getAgenciesList")["data"]} == {
        code: number for code, (number, _) in after.items()
    }


def test_a_unit_may_have_a_code_of_three_groups(served: Served) -> None:
    client = served.client("H41")
    facts = json.dumps({"code": "00.22.H41", "name": "Sở Nội vụ"}).encode()
    assert client.call("registerAgency", facts)["status"] == "OK"
    assert "00.22.H41" in {row["code"] for row in client.call("getAgenciesList")["data"]}
    other = json.dumps({"code": "00.22.G22", "name": "x"}).encode()
    assert client.call("registerAgency", other)["ErrorCode"] == refusal.NO_SENDER
    assert client.call("deleteAgency", AgencyCode="00.22.H41")["status"] == "OK"


def test_a_document_is_listed_as_for_the_unit_that_it_was_addressed_to(served: Served) -> None:
    served.client("G22").send(document(1, to=("H41.10", "G06")))
    served.rest()
    assert [row["to"] for row in served.listed("H41")] == ["H41.10"]


def test_what_a_client_cannot_take_is_listed_again_and_in_the_end_refused_with_its_words(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(received, "FAILURES_APART", timedelta(0))
    served.client("G22").send(document(1))
    served.rest()
    (row,) = served.listed("H41")
    for attempt in range(5):
        time.sleep(0.002)
        client = served.client("H41")
        client.parameters["timestamp"] += str(attempt)
        client.call(
            "updateStatus", status="fail", docId=row["docId"], description="Không mở được tệp".encode().decode()
        )
    served.rest()
    assert served.states("1/TN-G22") == {"H41": "REFUSED"}
    (line,) = served.client("G22").call("getSentEdocList", servicetype="eDoc", messagetype="edoc")["data"]
    assert line["receiveStatus"] == "fail"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda p: p.replace(b"<OrganId>H41</OrganId>", b"<OrganId>H63</OrganId>"), refusal.NO_RECEIVER),
        (lambda p: p.replace(b"<OrganId>G22</OrganId>", b"<OrganId>H41</OrganId>"), refusal.NO_SENDER),
        (lambda p: p.replace(b"<Subject>", b"<Subjekt>"), refusal.NOT_STANDARD),
        (
            lambda p: b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + p[38:],
            refusal.NOT_STANDARD,
        ),
        (lambda _: b"", refusal.NOT_STANDARD),
    ],
    ids=["nobody knows the recipient", "in another's name", "an element is missing", "a DOCTYPE", "nothing"],
)
def test_a_packet_with_a_fault_is_told_so_at_once(served: Served, change: Any, code: str) -> None:
    answer = served.client("G22").send(change(document(1)))
    assert (answer["status"], answer["ErrorCode"], answer["DocId"]) == ("FAIL", code, "")
    served.rest()
    assert served.listed("H41") == []
    assert served.client("G22").send(document(1))["status"] == "OK"


def test_a_file_that_is_not_the_one_that_was_signed_is_refused_with_or_without_the_line_break(served: Served) -> None:
    client, packet = served.client("G22"), document(1)
    padded = hashlib.sha256(packet).hexdigest()
    assert client.send(packet, **{"hash-file": padded})["status"] == "OK", "other clients pad"
    served.rest()
    other = document(2)
    answer = client.send(other, **{"hash-file": padded})
    assert (answer["status"], answer["ErrorCode"]) == ("FAIL", refusal.INVALID_FILE)


def test_an_agency_sees_and_acknowledges_its_own_mail_alone(served: Served) -> None:
    served.client("G22").send(document(1))
    served.rest()
    (row,) = served.listed("H41")
    stranger = served.client("G22")
    assert stranger.call("getEdoc", docId=row["docId"], filePath="xml")["status"] == "FAIL"
    assert stranger.call("updateStatus", status="done", docId=row["docId"])["status"] == "FAIL"
    assert stranger.call("downloadEdoc", method="GET", docId=row["docId"], filePath="xml") == b""
    served.rest()
    assert served.states("1/TN-G22") == {"H41": "QUEUED"}


def test_units_are_registered_below_the_own_agency_alone_and_are_in_the_catalogue(either: Served) -> None:
    client = either.client("H41")

    def register(code: str) -> Any:
        facts = {"id": "", "pcode": "H41", "code": code, "name": "Sở Nội vụ tỉnh Nghệ An", "mail": "snv@example.vn"}
        return client.call("registerAgency", json.dumps(facts).encode())

    assert register("H41.10")["status"] == "OK"
    assert {register(code)["ErrorCode"] for code in ("G22.10", "H41", "H63.1", "không")} == {refusal.NO_SENDER}
    assert client.call("registerAgency", b"{not json")["ErrorCode"] == refusal.NOT_STANDARD
    agencies = client.call("getAgenciesList")["data"]
    assert {"H41.10", "G22", "H41"} <= {one["code"] for one in agencies}
    (unit,) = [one for one in client.call("getSynchronizeUnit")["data"] if one["code"] == "H41.10"]
    assert (unit["version"], unit["deleted"], unit["isAgency"], unit["centerCode"]) == (1, False, False, "H41")
    for _ in range(2):
        assert client.call("deleteAgency", AgencyCode="H41.10")["status"] == "OK"
    assert "H41.10" not in {one["code"] for one in client.call("getAgenciesList")["data"]}
    (unit,) = [one for one in client.call("getSynchronizeUnit")["data"] if one["code"] == "H41.10"]
    assert unit["deleted"] is True


def test_the_catalogue_with_all_the_units_of_the_country_comes_in_one_answer(served: Served) -> None:
    store = open_spool(served.line.folder("H41", "spool"))
    rows = [
        {
            "code": f"H41.{n}",
            "facts": {"name": f"Đơn vị số {n}"},
            "version": 1,
            "deleted": False,
            "modified_at": "2026-11-23T03:00:00.000Z",
        }
        for n in range(150_000)
    ]
    with store._begin() as connection:
        connection.execute(tables.unit.insert(), rows)
    for operation in ("getAgenciesList", "getSynchronizeUnit"):
        data = served.client("G22").call(operation)["data"]
        assert len(data) == 150_000 + 5
        assert data[-1]["name"].startswith("Đơn vị số ")


def test_lists_have_pages_days_and_counts(served: Served) -> None:
    for number in range(1, 6):
        served.client("G22").send(document(number, content=b"%d" % number))
    served.rest()
    client = served.client("H41")
    pages = [served.listed("H41", pageSize="2", pageIndex=str(index)) for index in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert len({row["docId"] for page in pages for row in page}) == 5
    assert client.call("countReceiveEdoc")["count"] == 5
    assert client.call("countReceiveStatus")["count"] == 0
    assert served.listed("H41", fromDate="2000/01/01", toDate="2000/12/31") == []
    assert len(served.listed("H41", fromDate="2000/01/01", toDate="2099/12/31")) == 5
    bad = client.call(
        "getReceivedEdocList",
        servicetype="eDoc",
        messagetype="edoc",
        fromDate="hôm qua".encode("ascii", "ignore").decode(),
    )
    assert bad["status"] == "FAIL"
    (row, *_) = served.listed("H41")
    raw = served.client("H41").call("downloadEdoc", method="GET", docId=row["docId"], filePath="xml")
    assert edxml.convert(raw).packet is not None


def test_a_list_has_a_line_for_each_unit_as_the_sender_spells_it(served: Served) -> None:
    served.client("G22").send(document(1, to=("H41.01", "000.00.00.H41", "G06")))
    served.rest()
    first, second = served.listed("H41")
    assert [first["to"], second["to"]] == ["H41.01", "000.00.00.H41"]
    assert first["docId"] == second["docId"]
    client = served.client("H41")
    assert client.call("countReceiveEdoc")["count"] == 2
    for row in (first, second):  # each unit's software, one after the other
        assert client.fetch(row["docId"])
        assert client.call("updateStatus", status="done", docId=row["docId"])["status"] == "OK"
    served.rest()
    assert served.listed("H41") == []
    assert served.states("1/TN-G22") == {"H41": "HANDED_OVER", "G06": "HANDED_OVER"}
    assert sorted(row["from"] for row in served.listed("G22", "status")) == ["000.00.00.H41", "G06", "H41.01"]
    assert {row["to"] for row in served.listed("G22", "status")} == {"G22"}
