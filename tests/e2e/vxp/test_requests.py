"""What each request of the client software is answered, whatever is in it, repeated, captured or without end."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
import random
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from axis import bootstrap, config
from axis.adapters import systems
from axis.adapters.spool.store import open_spool
from axis.adapters.vxp import refusal
from axis.core import edxml
from tests.e2e.vxp.clients import FETCHING, RECORDED, SECRETS, Served, _wait, replay
from tests.line import document, small_home
from tests.vxp_client import SdkClient, read_answer

# -- What was recorded from the client ----------------------------------------------------------------------------


@pytest.mark.parametrize("request_", RECORDED["requests"], ids=lambda one: one["name"])
def test_every_recorded_request_has_an_answer_of_its_shape(served: Served, request_: dict[str, Any]) -> None:
    mail = document(1, sender="H41", to=("G22",))
    served.line.drop("G06", document(1, sender="G06", to=("G22",)))
    served.client("H41").send(mail)
    served.rest()
    status_, body = replay(served, request_)
    assert status_ == 200
    if request_["answer"] is None:  # downloadEdoc of what is not there: nothing, as whatever comes is saved as the file
        assert body == b""
        return
    answer = json.loads(body.decode("ascii"))
    assert None not in answer.values()
    asked_for_nothing_known = request_["name"].startswith(("getEdoc", "updateStatus", "quirk-updateStatus"))
    in_anothers_name = request_["name"] in {
        "registerAgency",
        "deleteAgency",
        "sendEdoc-status",
    }  # H41's, by G22's system
    refused = asked_for_nothing_known or in_anothers_name
    assert (answer["status"], answer["ErrorCode"] == "0") == (("FAIL", False) if refused else ("OK", True)), answer
    assert set(request_["answer"]) <= set(answer) | ({"DocId", "data"} if refused else set())
    wrong = answer["ErrorCode"] == refusal.WRONG_SYSTEM
    assert wrong is not request_["verifies"], "what verifies there verifies here, and nothing else"
    if request_["row"] is not None and "List" in request_["name"] and answer["data"]:
        optional = {"mail", "receivedTime", "receiverDocId"}
        assert set(request_["row"]) - optional <= set(answer["data"][0])


@pytest.mark.parametrize("request_", [r for r in RECORDED["requests"] if r["verifies"]], ids=lambda one: one["name"])
def test_nothing_counts_that_is_not_signed(served: Served, request_: dict[str, Any]) -> None:
    """A parameter beside the signed ones changes nothing; a changed signature, secret or signed value refuses."""
    extra = [*request_["headers"], ["XroadVnpt-docId", "x"], ["XroadVnpt-status", "done"]]
    changed = [
        ["XroadVnpt-sign-header", v.replace("SYS.G22", "SYS.H41")] if n == "XroadVnpt-sign-header" else [n, v]
        for n, v in request_["headers"]
    ]
    other = [[n, "SYS.H41"] if n == "XroadVnpt-systemid" else [n, v] for n, v in request_["headers"]]
    unsigned = [[n, v] for n, v in request_["headers"] if n != "XroadVnpt-hash-header"]
    before = replay(served, request_)[1]
    if request_["name"].startswith("sendEdoc"):
        assert json.loads(replay(served, request_, extra)[1])["DocId"] == json.loads(before)["DocId"]
    else:
        assert replay(served, request_, extra)[1] == before
    for forged in (changed, other, unsigned):
        answer = replay(served, request_, forged)[1]
        assert answer == b"" or json.loads(answer)["ErrorCode"] == refusal.WRONG_SYSTEM


# -- Its quirks ---------------------------------------------------------------------------------------------------


def test_one_object_of_the_sdk_keeps_what_it_was_given_and_is_understood(served: Served) -> None:
    for number in (1, 2):
        served.client("G22").send(document(number, content=b"%d" % number))
    served.rest()
    client = served.client("H41")
    first, second = client.call("getReceivedEdocList", servicetype="eDoc", messagetype="edoc")["data"]
    client.fetch(first["docId"])
    assert client.call("updateStatus", status="done", docid=first["docId"])["status"] == "OK"
    assert edxml.convert(client.fetch(second["docId"])).packet.code == "2/TN-G22"  # type: ignore[union-attr]
    left = client.call("getReceivedEdocList", servicetype="eDoc", messagetype="edoc")["data"]
    assert [row["docId"] for row in left] == [second["docId"]]


def test_who_is_refused_is_not_listened_to_for_long(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its body is read on, or a client sees no answer; but not for as long as it likes to send one."""
    monkeypatch.setattr("axis.adapters.vxp.server.DRAIN", 0.3)
    client = SdkClient(served.port, "SYS.H41", "wrong")
    client.parameters["Content-Type"] = "application/octet-stream"
    head = client.head("POST", "sendEdoc", 1_000_000)
    with client.connect() as connection:
        connection.sendall(head)
        connection.settimeout(0.05)
        answer = b""
        for _ in range(400):
            try:
                if not answer:
                    connection.sendall(b"x" * 100)
                answer += connection.recv(65536) or b"closed"
            except TimeoutError:
                continue
            except OSError:  # closed on us while we were sending: the answer may go with it
                answer += b"closed"
            if b'"status": "FAIL"' in answer or b"closed" in answer:
                break
        assert b'"status": "FAIL"' in answer or b"closed" in answer


def test_a_request_that_is_repeated_at_once_is_done_once(served: Served) -> None:
    """The same bytes on sixteen connections, as a client behind an impatient proxy sends them."""
    body = json.dumps({"code": "H41.10", "name": "Sở"}).encode()
    client = served.client("H41")
    client.parameters |= {"Content-Type": "application/json"}
    head = client.head("POST", "registerAgency", len(body)).replace(b"Expect: 100-continue\r\n", b"")

    def give(_: int) -> Any:
        with client.connect() as connection:
            connection.sendall(head + body)
            return json.loads(read_answer(connection.makefile("rb"))[1])["status"]

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(give, range(16))) == {"OK"}
    (unit,) = open_spool(served.line.folder("H41", "spool")).units()
    assert unit["version"] == 1


def test_a_repeated_request_is_answered_alike_and_does_nothing_twice(served: Served) -> None:
    client = served.client("G22")
    answers = {json.dumps(client.send(document(1))) for _ in range(3)}
    assert len(answers) == 1
    served.rest()
    assert len(served.listed("H41")) == 1
    failing = served.client("H41")
    (row,) = served.listed("H41")
    for _ in range(20):  # the same bytes: one attempt
        failing.call("updateStatus", status="fail", docId=row["docId"])
    assert served.listed("H41")[0]["status"] == "initial"


def test_five_failures_within_a_moment_are_one(served: Served) -> None:
    served.client("G22").send(document(1))
    served.rest()
    (row,) = served.listed("H41")
    for attempt in range(10):
        client = served.client("H41")
        client.parameters["timestamp"] += str(attempt)
        client.call("updateStatus", status="fail", docId=row["docId"])
    assert [one["docId"] for one in served.listed("H41")] == [row["docId"]]
    assert served.client("H41").call("updateStatus", status="done", docId=row["docId"])["status"] == "OK"
    served.rest()
    assert served.states("1/TN-G22") == {"H41": "HANDED_OVER"}


# What a head may serve for beside its own operation: it is of the same form, and reads what its own may read.
_ALIKE = {
    ("getReceivedEdocList", "getSentEdocList"),
    ("getSentEdocList", "getReceivedEdocList"),
    ("getEdoc", "downloadEdoc"),
    ("downloadEdoc", "getEdoc"),
    # An object of the agencies' kind has the same head for all that it does: only TLS protects these.
    *((one, "registerAgency") for one in ("getAgenciesList", "getSynchronizeUnit", "getAgenciesListQD20")),
    *((one, "registerAgency") for one in ("countReceiveStatus", "deleteAgency")),
}
_GUARDED = {
    *("sendEdoc", "getSentEdocList", "getReceivedEdocList", "getEdoc", "downloadEdoc", "updateStatus"),
    *("registerAgency", "deleteAgency"),
}


def test_a_captured_head_serves_for_nothing_else(served: Served) -> None:
    served.client("H41").send(document(1, sender="H41", to=("G22",)))
    served.rest()
    tried = 0
    for request in RECORDED["requests"]:
        if not request["verifies"] or request["name"].startswith("quirk-reused"):
            continue  # an object that has done several things has the parameters of all of them
        own = request["path"].rpartition("/")[2]
        for operation in sorted(_GUARDED - {own} - {other for one, other in _ALIKE if one == own}):
            answer = replay(served, request | {"path": f"/{operation}"})[1]
            tried += 1
            if operation == "downloadEdoc":
                assert answer == b""
                continue
            said = json.loads(answer)
            assert (said["status"], said["ErrorCode"]) == ("FAIL", refusal.SYSTEM_ERROR), (own, operation, said)
            assert "parameter" in said["ErrorDesc"], (own, operation, said)
    assert tried > 100


def test_a_list_of_what_nobody_knows_is_refused(served: Served) -> None:
    served.client("G22").send(document(1))
    served.rest()
    for operation in ("getReceivedEdocList", "getSentEdocList"):
        answer = served.client("G22").call(operation, servicetype="eDoc", messagetype="edok")
        assert (answer["status"], "messagetype" in answer["ErrorDesc"]) == ("FAIL", True)
        assert served.client("G22").call(operation, servicetype="eDoc", messagetype="EDOC")["status"] == "OK"


def test_the_first_and_the_last_day_of_all_are_days(served: Served) -> None:
    served.client("G22").send(document(1))
    served.rest()
    assert len(served.listed("H41", fromDate="0001/01/01", toDate="9999/12/31")) == 1
    assert served.listed("H41", fromDate="9999/12/31") == []
    assert served.listed("H41", toDate="0001/01/01") == []


_HOSTILE = [
    *("0001/01/01", "9999/12/31", "0000/00/00", "-1", "0", "9" * 4400, "1e9", "٣", "null", "[", "\u2028", "👍"),
    *("a" * 2000, "'; --", "%s{}", "H41", "H41.", "done", "fail", "edoc", "../../x", "\u202e", "NaN"),
]


def test_whatever_is_signed_is_answered_and_is_no_error_of_the_server(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    names = ["docId", "docid", "status", "description", "fromDate", "toDate", "pageIndex", "pageSize", "messagetype"]
    names += ["servicetype", "filePath", "AgencyCode", "level", "from", "to"]
    good = {"docId": "x", "status": "done", "messagetype": "edoc", "servicetype": "eDoc", "filePath": "x"}
    served.client("G22").send(document(1))
    served.rest()
    operations = [
        "getReceivedEdocList",
        "getSentEdocList",
        "countReceiveEdoc",
        "getEdoc",
        "updateStatus",
        "deleteAgency",
    ]
    for operation in operations:
        for number, value in enumerate(_HOSTILE):
            name = names[number % len(names)]
            for given in (good | dict.fromkeys(names[:9], value), good | {name: value}, good | {"fromDate": value}):
                client = served.client("H41")
                raw = client.call(operation, **given)
                assert raw["ErrorDesc"] != "internal error", (operation, given)
    bodies = [
        b"",
        b"[]",
        b"5",
        b"null",
        b'{"code": {}, "name": []}',
        b'{"code": "H41.5", "name": "\\ud800"}',
        b"\xff",
        b"[" * 9999,
    ]
    for body in bodies:
        assert served.client("H41").call("registerAgency", body)["ErrorDesc"] != "internal error", body
    assert served.client("G22").call("getAgenciesList")["status"] == "OK"
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


def test_a_client_that_goes_away_in_the_middle_is_no_error_of_the_server(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="axis.vxp")  # whatever another test has set for all
    for operation in ("sendEdoc", "registerAgency"):
        caplog.clear()
        client = served.client("G22")
        more = {"from": "G22", "servicetype": "eDoc", "messagetype": "edoc", "hash-file": "0"}
        client.parameters |= {"Content-Type": "application/json"} if operation == "registerAgency" else more
        if operation == "sendEdoc":
            client.parameters["Content-Type"] = "application/octet-stream"
        with client.connect() as connection:
            connection.sendall(client.head("POST", operation, 1000).replace(b"Expect: 100-continue\r\n", b"") + b"{")
        _wait(lambda: [one for one in caplog.records if one.name == "axis.vxp"])
        assert [(one.levelname, one.exc_info) for one in caplog.records if one.name == "axis.vxp"] == [("INFO", None)]
    assert not list(served.line.folder("H41", "spool").glob("out/.*"))


def test_any_base_path_and_double_slashes_are_the_same(served: Served) -> None:
    for base in ("", "/", "/vxp/api", "/vxp//api/"):
        assert served.client("G22", base).call("getAgenciesList")["status"] == "OK"
    assert served.client("G22").call("noSuchOperation")["ErrorCode"] == refusal.SYSTEM_ERROR


def test_a_long_head_passes(served: Served) -> None:
    codes = json.dumps([f"H41.{number}" for number in range(2000)])
    assert served.client("G22").send(document(1), to=codes)["status"] == "OK"


def test_two_hundred_idle_connections_harm_nobody(served: Served) -> None:
    with ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(("127.0.0.1", served.port))) for _ in range(200)]
        idle[0].sendall(b"POST /sendEdoc HTTP/1.1\r\nHost: x\r\n")  # and one that never ends its head
        assert served.client("G22").send(document(1))["status"] == "OK"
        served.rest()
        assert len(served.listed("H41")) == 1


def test_mutated_requests_have_an_answer_and_never_a_trace_of_the_inside(served: Served) -> None:
    dice = random.Random(20261125)
    until = time.monotonic() + float(os.environ.get("VXP_FUZZ", "4"))  # seconds
    while time.monotonic() < until:
        one = dice.choice(RECORDED["requests"])
        raw = bytearray(f"{one['method']} {one['path']} HTTP/1.1\r\n".encode())
        for name, value in one["headers"]:
            if name != "Expect":
                raw += f"{name}: {value}\r\n".encode("latin-1")
        raw += b"\r\n" + base64.b64decode(one["body"])
        for _ in range(dice.randint(1, 4)):
            place = dice.randrange(len(raw))
            if dice.random() < 0.5:
                raw[place] = dice.randrange(256)
            else:
                del raw[place : place + dice.randint(1, 40)]
        with socket.create_connection(("127.0.0.1", served.port), timeout=5) as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        first = answer.split(b"\r\n", 1)[0]
        assert b" 5" not in first[:12], (first, bytes(raw))
        assert b"Traceback" not in answer
    assert served.client("G22").call("getAgenciesList")["status"] == "OK"


def test_the_secrets_are_kept_for_their_owner_alone(served: Served) -> None:
    from axis.errors import Misconfigured

    path = bootstrap.systems_file(bootstrap.open_home(served.line.path))
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(Misconfigured):
        systems.read_systems(path)
    answer = served.client("G22").call("getAgenciesList")
    assert (answer["status"], str(path) in json.dumps(answer)) == ("FAIL", False)


def test_a_packet_of_fifty_megabytes_passes_and_the_server_stays_small(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home", codes=("G22", "H41"))
    kinds = {code: {"kind": "spool"} for code in FETCHING}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = config.Server(listen=f"127.0.0.1:{port}")
    line.configure(adapter=config.Adapter(settle_seconds=0.0, agencies=kinds), server=server)
    for code in FETCHING:
        systems.add_system(bootstrap.systems_file(bootstrap.open_home(line.path)), f"SYS.{code}", code, SECRETS[code])
    command = [sys.executable, "-P", "-m", "axis", "run", "--home", str(line.path)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        content = random.Random(7).randbytes(50_000_000)
        sender, recipient = (SdkClient(port, f"SYS.{code}", SECRETS[code]) for code in FETCHING)
        _wait(lambda: sender.call("getAgenciesList")["status"] == "OK")
        assert sender.send(document(1, content=content))["status"] == "OK"
        rows = _wait(lambda: recipient.call("getReceivedEdocList", servicetype="eDoc", messagetype="edoc")["data"])
        came = edxml.convert(recipient.fetch(rows[0]["docId"])).attachments
        assert [hashlib.sha256(one).hexdigest() for one in came] == [hashlib.sha256(content).hexdigest()]
        assert recipient.call("updateStatus", status="done", docId=rows[0]["docId"])["status"] == "OK"
        _wait(lambda: recipient.call("countReceiveEdoc")["count"] == 0)
        used = Path(f"/proc/{running.pid}/status").read_text("ascii").split("VmHWM:")[1].split()[0]
        assert int(used) < 400 * 1024, f"{used} KiB"
    finally:
        running.terminate()
        running.communicate(timeout=60)
