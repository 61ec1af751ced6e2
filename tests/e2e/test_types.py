"""A document type is added by a folder, with no line of code: judged at sender, hub and recipient with the same findings,
routed, traced, listed, reported; an adapter of an older program, and documents without a type, notice nothing."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from axis import bootstrap, cli, config, desks
from axis.core import parcel
from axis.core.message import Message, Route
from axis.core.types import typeset
from axis.home import hub_certificate, open_home, reading
from axis.infra.database import Database
from axis.infra.journal.journals import Journal
from axis.infra.record import ledger
from axis.infra.record.listing import Wanted
from axis.services.agency import take
from axis.services.operate import provision
from axis.services.operate import registry as members
from axis.services.questions import own as questions
from axis.services.questions import own_trace
from tests.contract.test_listing import asked
from tests.line import Line, document, small_home
from tests.webdesk import HOST, Browser

if TYPE_CHECKING:
    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub

TYPES = Path(__file__).parent.parent / "data" / "types"
PERMIT = TYPES / "test_permit" / "1"
GOOD = (PERMIT / "examples" / "valid" / "filed.json").read_bytes()
BAD = json.dumps(json.loads(GOOD) | {"applicant": {"name": ["Nguyễn Văn Kín"]}, "state": "7"}).encode()
FOUND = [("TYPE_CONTENT", "permit.json#/applicant/name"), ("TYPE_STATE", "permit.json#/state")]


def permit(
    number: int = 1, content: bytes = GOOD, name: str = "TEST_PERMIT", to: tuple[str, ...] = ("G06",), **more: Any
) -> bytes:
    """A packet of H41 with this permit, and a request."""
    reference = (
        "<Reference><ContentId>cid:2</ContentId><ContentType>application/json</ContentType><AttachmentName>permit.json"
    )
    attachment = (
        "<Attachment><ContentId>cid:2</ContentId><AttachmentName>permit.json</AttachmentName><ContentType>application/json"
        f"</ContentType><ContentTransferEncoded>{base64.b64encode(content).decode()}</ContentTransferEncoded></Attachment>"
    )
    text = document(number, sender="H41", to=to, **more).decode()
    for before, added in (
        ("</MessageHeader>", f"<ApplicationType>{name}</ApplicationType>"),
        ("</edXMLManifest>", f"{reference}</AttachmentName></Reference>"),
        ("</AttachmentEncoded>", attachment),
    ):
        text = text.replace(before, added + before)
    return text.encode()


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    found = small_home(tmp_path / "home")
    for command in ("finding", "listing", "report", "type"):
        monkeypatch.setattr(f"axis.commands.{command}.now", lambda: found.clock.now + timedelta(minutes=1))
    return found


def run(line: Line, *words: str) -> Result:
    return CliRunner().invoke(cli.main, [*words, "--home", str(line.path)], catch_exceptions=False)


def ask(line: Line, *words: str) -> list[dict[str, Any]]:
    done = run(line, *words, "--json")
    assert done.exit_code == 0, done.output
    return [json.loads(one) for one in done.stdout.splitlines()]


def add(line: Line, folder: Path = PERMIT) -> dict[str, Any]:
    (done,) = ask(line, "type", "add", str(folder))
    return done


def refused(line: Line, name: str = "a.edxml") -> list[tuple[str, str]]:
    """What H41 was told about a packet that was not taken."""
    return [where(one["code"], one["path"], one["text"]) for one in line.error("H41", name)["findings"]]


def where(code: str, path: str, text: str) -> tuple[str, str]:
    """What was found, and where: a reason in a receipt begins with that."""
    return code, path or text.partition(": ")[0]


def journal_of(line: Line, code: str) -> Journal:
    return Journal(Database(f"sqlite:///{line.path / 'axis.db'}"), code)


def without_titles(kind: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kind.items() if not name.startswith("title_")}


def without_types(*parts: Hub | Agency) -> None:
    for one in parts:
        one.registry()
        one._types = None


def test_a_type_is_added_by_a_folder_and_its_documents_are_routed_traced_listed_and_reported(line: Line) -> None:
    assert add(line) == {"registry": 2, "name": "TEST_PERMIT", "version": 1, "change": "added", "changed": True}
    assert add(line)["changed"] is False
    line.run()
    line.drop("H41", permit())
    line.drop("H41", document(2, sender="H41", to=("G06",)), "plain.edxml")
    line.run()
    assert line.files("H41", "failed") == []
    assert line.states("1/TN-H41") == {"G06": "HANDED_OVER"}
    kind = {
        "name": "TEST_PERMIT",
        "version": 1,
        "title_vi": "Giấy phép thử",
        "title_en": "Test permit",
        "shown": [{"vi": "Số giấy phép", "en": "Permit", "value": "12/GP"}],
    }
    (traced,) = ask(line, "trace", "1/TN-H41")
    assert traced["document"]["type"] == kind
    own = {code: journal_of(line, code) for code in ("H41", "G06")}
    for code, journal in own.items():
        assert own_trace.trace({code: journal}, "1/TN-H41")["document"]["type"] == without_titles(kind)
        asked = [Wanted(type=name) for name in ("TEST_PERMIT", "TEST_NOTICE")]
        listed = [questions.page({code: journal}, one, line.clock.now + timedelta(minutes=1)).rows for one in asked]
        assert [[row["type"] for row in rows] for rows in listed] == [[without_titles(kind)], []]
    (plain,) = ask(line, "trace", "2/TN-H41")
    assert "type" not in plain["document"]
    *listed, _ = ask(line, "list", "--type", "test_permit")
    assert [(one["code"], one["type"]) for one in listed] == [("1/TN-H41", kind)]
    *everything, _ = ask(line, "list")
    assert [one.get("type", {}).get("name") for one in everything] == [None, "TEST_PERMIT"]
    for more in (("--to", "G06"), ("--from", "H41"), ("--state", "arrived"), ("thu nghiem",)):
        assert [one["code"] for one in ask(line, "list", "--type", "TEST_PERMIT", *more)[:-1]] == ["1/TN-H41"]
    assert len(ask(line, "list", "--type", "TEST_PERMIT", "--to", "G18")) == 1
    (report,) = ask(line, "report", "--by", "type")
    assert [(row["key"], row["name"], row["name_en"], row["deliveries"]) for row in report["rows"]] == [
        ("", "", "", 1),
        ("TEST_PERMIT", "Giấy phép thử", "Test permit", 1),
    ]
    for words, said in (
        (("trace", "1/TN-H41"), "Test permit (TEST_PERMIT 1)"),
        (("list",), "[Test permit]"),
        (("list", "--type", "TEST_PERMIT"), "[Permit: 12/GP]"),
        (("report", "--by", "type"), "Test permit"),
        (("type", "list"), "permit.json"),
        (("type", "show", "TEST_PERMIT"), "Applicant"),
    ):
        assert said in run(line, *words).stdout


def test_a_page_of_the_desk_reads_registry_and_types_once_whatever_stands_on_it(line: Line) -> None:
    add(line)
    line.run()
    line.drop("H41", permit(1, to=("G06", "G18")), "1.edxml")
    line.drop("H41", permit(2, name="TEST_PERMIT"), "2.edxml")
    line.run()
    counts: dict[tuple[str, ...], list[tuple[int, int, int]]] = {}
    with desks.opened(open_home(line.path)) as opened:
        for code in ("", "H41"):
            browser = Browser(
                replace(desks.application(opened, {HOST}, code, "vi"), clock=lambda: line.clock.now)
            ).login()
            for path, few, many in (
                ("/documents", {"limit": 1}, {"limit": 20}),
                ("/document", {"ref": "2/TN-H41"}, {"ref": "1/TN-H41"}),
            ):
                for fields in (few, few, many):
                    with asked() as statements:
                        page = browser.get(path, **fields)
                    assert "Giấy phép thử" in page.text
                    texts = [text for text, _ in statements]
                    of = ("FROM registry", "FROM installed_registry", "FROM payload")
                    found = tuple(sum(f"{word} " in f"{text} ".replace("\n", " ") for text in texts) for word in of)
                    counts.setdefault((code, path), []).append(found)  # type: ignore[arg-type]
    for _, *few, many in (counts[one] for one in counts):
        assert [many] == few
        assert many[2] == 0, "what was verified once is verified for each page"


def test_what_is_personal_stands_in_no_ledger_log_or_row(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    add(line)
    line.drop("H41", permit())
    line.run()
    line.drop("H41", permit(2, BAD), "bad.edxml")
    line.run(before=lambda _hub, agencies: without_types(*agencies))
    assert refused(line, "bad.edxml") == FOUND
    with reading(open_home(line.path)) as record, record.reading() as reader:
        kept = [entry.detail for _, entry in ledger.entries(reader, [line.trace("1/TN-H41")["document"]["axis_id"]])]
        rows = reader.connection.exec_driver_sql("SELECT canonical FROM ledger").all()
        rows += reader.connection.exec_driver_sql("SELECT shown FROM document_type").all()
        rows += reader.connection.exec_driver_sql("SELECT canonical FROM event").all()
    assert {"TEST_PERMIT 1"} <= {detail.get("type") for detail in kept}
    said = (
        caplog.text
        + json.dumps([list(row) for row in rows], ensure_ascii=False)
        + json.dumps(line.error("H41", "bad.edxml"))
    )
    assert "12/GP" in said
    assert "Nguyễn Văn" not in said
    assert "Nguy\\u1ec5n V\\u0103n" not in said


def test_sender_hub_and_recipient_find_the_same(line: Line) -> None:
    add(line)
    line.run()
    letter = line.path / "permit.edxml"
    letter.write_bytes(permit(1, BAD))
    tried = run(line, "send", str(letter), "--from", "H41", "--dry-run", "--json")
    assert tried.exit_code == 3
    found = [json.loads(one) for one in tried.stdout.splitlines()]
    assert [(one["code"], one["path"]) for each in found for one in each["findings"]] == FOUND
    line.drop("H41", permit(1, BAD), "sender.edxml")
    line.run()
    assert refused(line, "sender.edxml") == FOUND
    assert line.error("H41", "sender.edxml")["refused_by"] == "adapter"
    line.drop("H41", permit(2, BAD), "hub.edxml")
    line.run(before=lambda _hub, agencies: without_types(*agencies))
    assert refused(line, "hub.edxml") == FOUND
    assert line.error("H41", "hub.edxml")["refused_by"] == "hub"
    line.drop("H41", permit(3, BAD), "recipient.edxml")

    def only_the_recipient_knows(hub: Hub, agencies: list[Agency]) -> None:
        without_types(hub, *(one for one in agencies if one.code != "G06"))

    line.run(before=only_the_recipient_knows)
    assert line.states("3/TN-H41") == {"G06": "REFUSED"}
    (said,) = [s for r in line.receipts("H41").values() for s in r.statements if s.event.code == "E.2"]
    assert [where(one.code, "", one.text_en) for one in said.reasons] == FOUND


def test_who_may_not_send_a_type_or_forgets_an_attachment_is_told_so(line: Line) -> None:
    add(line)
    line.run()
    line.drop("H41", permit(to=("G06", "H29")).replace(b"1.pdf", b"1.doc"))
    line.run()
    assert refused(line) == [("TYPE_PARTY", "To[2]/OrganId"), ("TYPE_ATTACHMENT", "*.pdf")]


def test_a_type_that_is_not_known_here_is_a_plain_document_or_refused_as_the_centre_has_set(line: Line) -> None:
    line.drop("H41", permit(1, b"whatever", "MCDT_DT"))
    line.run()
    assert line.states("1/TN-H41") == {"G06": "HANDED_OVER"}
    line.configure(hub=config.load(line.path).hub._replace(unknown_types="refuse"))
    line.drop("H41", permit(2, b"whatever", "MCDT_DT"), "b.edxml")
    line.drop("H41", document(3, sender="H41", to=("G06",)), "c.edxml")
    line.run()
    assert refused(line, "b.edxml") == [("TYPE_UNKNOWN", "ApplicationType")]
    assert line.error("H41", "b.edxml")["findings"][0]["retry"] is True, "the centre may add the type"
    assert line.states("3/TN-H41") == {"G06": "HANDED_OVER"}


def test_a_second_version_stands_beside_the_first_until_that_is_retired(line: Line, tmp_path: Path) -> None:
    add(line)
    second = tmp_path / "test_permit" / "2"
    shutil.copytree(PERMIT, second)
    (second / "manifest.toml").write_text(
        (PERMIT / "manifest.toml").read_text("utf-8").replace("version = 1", "version = 2")
    )
    schema = json.loads((PERMIT / "schema.json").read_text("utf-8"))
    schema["required"].append("language")
    schema["properties"]["language"] = {"const": "vi"}
    (second / "schema.json").write_text(json.dumps(schema))
    new = json.dumps(json.loads(GOOD) | {"language": "vi"}).encode()
    (second / "examples" / "valid" / "filed.json").write_bytes(new)
    assert add(line, second)["registry"] == 3
    line.drop("H41", permit(1), "old.edxml")
    line.drop("H41", permit(2, new), "new.edxml")
    line.run()
    versions = {one["code"]: one["type"]["version"] for one in ask(line, "list", "--type", "TEST_PERMIT")[:-1]}
    assert versions == {"1/TN-H41": 1, "2/TN-H41": 2}
    (retired,) = ask(line, "type", "retire", "TEST_PERMIT", "1")
    assert (retired["registry"], retired["changed"]) == (4, True)
    line.run()
    line.drop("H41", permit(3), "late.edxml")
    line.run()
    assert refused(line, "late.edxml") == [("TYPE_CONTENT", "permit.json#")]
    assert [one["version"] for one in ask(line, "type", "list")] == [2]


def test_what_the_hub_accepted_before_a_type_was_added_its_recipient_takes_whatever_the_type_says_of_it(
    line: Line,
) -> None:
    line.drop("H41", permit(1, BAD))
    line.without("G06")
    add(line)
    line.run()
    assert line.states("1/TN-H41") == {"G06": "HANDED_OVER"}


def test_deadlines_of_the_type_count_where_the_document_has_none_of_its_own(line: Line) -> None:
    add(line)
    line.run()
    line.drop("H41", permit())
    line.run(
        patience=timedelta(minutes=1),
        before=lambda _hub, agencies: agencies.__setitem__(slice(None), [one for one in agencies if one.code == "H41"]),
    )
    with reading(open_home(line.path)) as record, record.reading() as reader:
        rows = reader.connection.exec_driver_sql(
            "SELECT l.leg, l.due_at, s.received_at FROM deadline l JOIN delivery d ON d.id = l.delivery_id "
            "JOIN submission s ON s.axis_id = d.axis_id ORDER BY l.leg"
        ).all()
    (handover, due, received), (processing, end, _) = rows
    assert (handover, processing) == ("handover", "processing")
    assert due[:13] == f"{received[:11]}{int(received[11:13]) + 2:02}", "two hours, as the manifest has it"
    assert end[:10] == "2026-12-01", "five working days from the 23rd; the 24th is a day off"


def test_a_step_that_is_not_legal_is_refused_by_the_hub_where_the_type_says_so(line: Line, tmp_path: Path) -> None:
    folder = tmp_path / "test_permit" / "1"
    shutil.copytree(PERMIT, folder)
    manifest = (PERMIT / "manifest.toml").read_text("utf-8")
    (folder / "manifest.toml").write_text(manifest.replace("[states]\n", '[states]\nfollow = "all"\n'), "utf-8")
    add(line, folder)
    assert ask(line, "type", "show", "TEST_PERMIT")[0]["states"]["follow"] == "all"
    told: list[list[tuple[str, str]]] = []
    for number, state in enumerate(("2", "1", "3", "2", "3", "1"), 1):
        content = json.dumps(json.loads(GOOD) | {"state": state}).encode()
        line.drop("H41", permit(number, content), f"{number}.edxml")
        line.run()
        failed = f"{number}.edxml.error.json" in line.files("H41", "failed", "*.error.json")
        told.append(refused(line, f"{number}.edxml") if failed else [])
    move = [("TYPE_MOVE", "TEST_PERMIT")]
    assert told == [move, [], move, [], [], move]
    assert len(line.files("G06", "inbox", "*.edxml")) == 3


def test_a_wrong_folder_is_refused_with_all_its_faults_and_nothing_is_changed(line: Line, tmp_path: Path) -> None:
    folder = tmp_path / "test_permit" / "1"
    shutil.copytree(PERMIT, folder)
    (folder / "manifest.toml").write_text((PERMIT / "manifest.toml").read_text("utf-8").replace('"5wd"', '"soon"'))
    (folder / "schema.json").write_text('{"$ref": "http://127.0.0.1:1/x", "propertys": {}}')
    done = run(line, "type", "add", str(folder))
    assert done.exit_code == 3
    assert all(one in done.output for one in ("deadlines.process", "schema.json#/$ref", "schema.json#/propertys"))
    checked = CliRunner().invoke(cli.main, ["type", "check", str(folder), "--json"])
    assert checked.exit_code == 3
    assert [json.loads(one)["code"] for one in checked.stdout.splitlines()] == [
        "TYPE_MANIFEST",
        "TYPE_SCHEMA",
        "TYPE_SCHEMA",
    ]
    good = CliRunner().invoke(cli.main, ["type", "check", str(PERMIT), "--json"])
    assert json.loads(good.stdout)["examples"] == 4
    assert ask(line, "type", "list") == []
    assert run(line, "type", "show", "TEST_PERMIT").exit_code == 3


def test_the_types_go_with_the_registry_and_an_exported_home_has_them(line: Line, tmp_path: Path) -> None:
    add(line)
    home = open_home(line.path)
    assert run(line, "agency", "export", "H41", "--to", str(tmp_path / "H41")).exit_code == 0
    exported = Line(tmp_path / "H41")
    assert [one["name"] for one in ask(exported, "type", "list")] == ["TEST_PERMIT"]
    sent: dict[str, bytes] = {}

    def look(hub: Hub, agencies: list[Agency]) -> None:
        publish = hub.broker.publish

        def noted(messages: Any) -> Any:
            sent.update({one.route.code: one.proof for one in messages if parcel.peek(one.body)[0] == parcel.REGISTRY})
            return publish(messages)

        hub.broker.publish = noted  # type: ignore[method-assign]

    with bootstrap.registrar(home) as registrar:
        members.suspend(registrar, "G18", "thử", line.clock())
        members.resume(registrar, "G18", "thử", line.clock())
    line.run(before=look)
    hub = (hub_certificate(home),)
    assert set(sent) == {"G06", "G18", "G22", "H29", "H41"}
    assert {typeset.read_types(one, hub).registry for one in sent.values()} == {2}


def test_a_set_that_is_not_the_hubs_is_put_aside_with_its_registry(line: Line) -> None:
    add(line)
    home = open_home(line.path)
    with bootstrap.registrar(home) as registrar:
        types, registry = registrar.types(), registrar.registry()
    assert types is not None
    with line.parts() as (hub, agencies):
        (agency,) = [one for one in agencies if one.code == "H41"]
        forged = parcel.build(parcel.TYPES, typeset.write(types), (), agency.signer, line.clock())
        newer = replace(registry, version=9)
        signed = provision.sign_registry(newer, hub.signer, line.clock())
        hub.broker.declare(["H41"])
        hub.broker.publish([Message("m", Route("out", "H41", urgent=True), signed, proof=forged)])
        take.take(agency, line.clock())
        assert agency.registry().version < 9
    with reading(home) as record, record.reading() as reader:
        (events,) = reader.connection.exec_driver_sql(
            "SELECT canonical FROM event WHERE canonical LIKE '%mail.rejected%'"
        ).all()
    assert json.loads(events[0])["detail"]["code"] == "SIG_SIGNER"
