"""Recall, update, replacement, and the answers to them, on the embedded line and served: each is decided once, at the
place that can know, and everybody is told the same."""

from __future__ import annotations

import hashlib
import time
import unicodedata
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from axis import bootstrap
from axis.adapters.folder import FolderAdapter
from axis.core import edxml
from axis.core.message import Route
from axis.errors import Fault, Problem, Rejected
from axis.infra import payloads, volumes
from axis.infra.amqp import consume
from axis.infra.journal import tables as journal
from axis.infra.record import tables
from axis.infra.record.store import HubTransaction
from axis.services import run as loops
from axis.services.agency import publish, submit
from axis.services.hub import admit
from axis.services.operate import registry as members
from tests.line import CODES, Line, document, recall, replacement, small_home, status, update
from tests.served import ServedLine

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from axis.adapters.base import LocalFile
    from axis.core.hub.dossier import Facts
    from axis.core.message import Message, Outcome
    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub

CONTENT = b"%PDF-1.4 noi dung"
pytestmark = pytest.mark.timeout(400)  # served, several processes' worth of work in one
# Where servers have no part in what is decided: as a value it is decided in tests/hub and tests/golden, and here on the
# embedded line each time, served in turn.
decided = pytest.mark.part(4, of="served")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(params=["embedded", pytest.param("served", marks=[pytest.mark.amqp, pytest.mark.postgres])])
def line(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    if request.param == "embedded":
        yield small_home(tmp_path / "home")
        return
    url = request.getfixturevalue("postgres").database(f"changes{time.monotonic_ns()}")
    monkeypatch.setenv("AXIS_DATABASE_URL", url)
    monkeypatch.setattr(consume, "SETTLE", 0.05)
    with ServedLine(tmp_path / "home", request.getfixturevalue("rabbitmq"), url, CODES) as served:
        yield served


def codes_of(line: Line, code: str = "G22", name: str = "a.edxml") -> list[str]:
    return [finding["code"] for finding in line.error(code, name)["findings"]]


def stored(line: Line) -> set[str]:
    """Digests of all payloads that the home keeps."""
    with bootstrap.reading(bootstrap.open_home(line.path)) as record, record.reading() as reader:
        those = [payloads.payload] if record.database.is_sqlite else [payloads.payload, volumes.parcel]
        return {one for table in those for one in reader.connection.execute(sa.select(table.c.digest)).scalars()}


def suspend(line: Line, code: str) -> None:
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.suspend(registrar, code, "thử", line.clock())


def resume(line: Line, code: str) -> None:
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.resume(registrar, code, "thử", line.clock())


@contextmanager
def refusing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within, no agency's system takes a document."""
    prepare = FolderAdapter.prepare

    def refuses(self: FolderAdapter, files: Sequence[LocalFile]) -> None:
        if files[0].folder == "inbox":
            raise Rejected(Problem(Fault.DELIVERY_INVALID, got="no"))
        prepare(self, files)

    with monkeypatch.context() as patch:
        patch.setattr(FolderAdapter, "prepare", refuses)
        yield


# -- Recall: withdrawn for certain --------------------------------------------------------------------------------


def test_what_has_not_left_the_hub_is_withdrawn_there_and_never_sent(line: Line) -> None:
    suspend(line, "H41")
    line.drop("G22", document(1, to=("H41", "G06")))
    line.run()
    line.drop("G22", recall(1), "b.edxml")
    line.run()
    assert line.states("1/TN-G22") == {"H41": "RECALLED", "G06": "HANDED_OVER"}
    assert line.stages("1/TN-G22") == {"H41": ["recall WITHDRAWN"]}
    (said,) = [r for r in line.receipts("G22").values() if r.statements[0].event.code == "W.1"]
    assert (said.issuer, said.statements[0].recipient, said.subject.kind) == ("HUB", "H41", "recall")
    assert "15 H41" in line.statuses("G22")
    resume(line, "H41")
    line.run()
    assert line.files("H41", "inbox") == []
    assert "E.1 H41" not in line.events("G22")
    line.check_ledger()


def test_what_waits_in_the_recipients_queue_is_withdrawn_by_its_adapter(line: Line) -> None:
    line.drop("G22", document(1))
    line.without("H41")
    line.drop("G22", recall(1), "b.edxml")
    line.without("H41")
    assert line.stages("1/TN-G22") == {"H41": ["recall PENDING"]}, "until the adapter has said it"
    line.run()
    assert line.states("1/TN-G22") == {"H41": "RECALLED"}
    assert line.stages("1/TN-G22") == {"H41": ["recall WITHDRAWN"]}
    assert line.files("H41", "inbox") == [], "neither the document nor the recall is shown"
    assert line.events("G22").count("W.1 H41") == 1
    assert "E.1 H41" not in line.events("G22")
    assert line.statuses("G22") == ["15 H41"]


def test_after_a_recall_from_everybody_the_parcel_is_dropped_and_the_evidence_stays(line: Line) -> None:
    line.drop("G22", document(1))
    line.without("H41")
    parcel_digest = line.trace("1/TN-G22")["document"]["parcel_digest"]
    assert parcel_digest in stored(line)
    line.drop("G22", recall(1), "b.edxml")
    line.without("H41")
    line.run()
    found = line.trace("1/TN-G22")
    assert found["document"]["kept"] is False
    assert (found["document"]["parcel_digest"], found["document"]["subject"]) == (parcel_digest, "V/v thử nghiệm")
    with bootstrap.reading(bootstrap.open_home(line.path)) as record, record.reading() as reader:
        hub_names = {
            column: reader.connection.execute(column.table.select().where(column == parcel_digest)).first()
            for column in tables.PAYLOAD_REFERENCES
        }
    assert not any(hub_names.values()), "the hub keeps no bytes of it"
    assert line.events("G22").count("A.1") == 2


@decided
def test_a_document_recalled_from_one_stays_with_the_others(line: Line) -> None:
    line.drop("G22", document(1, to=("H41", "G06")))
    line.without("H41")
    line.drop("G22", recall(1), "b.edxml")
    line.without("H41")
    line.run()
    assert line.states("1/TN-G22") == {"H41": "RECALLED", "G06": "HANDED_OVER"}
    assert line.trace("1/TN-G22")["document"]["kept"] is True
    assert line.attachments("G06") == [digest(CONTENT)]


def test_a_recall_that_overtakes_its_document_waits_for_it(line: Line) -> None:
    line.drop("G22", recall(1), "b.edxml")
    line.run()
    assert line.events("G22") == ["A.1"], "nothing to say yet"
    line.drop("G22", document(1, to=("H41", "G06")))
    line.run()
    assert line.states("1/TN-G22") == {"H41": "RECALLED", "G06": "HANDED_OVER"}
    assert line.files("H41", "inbox") == []
    assert line.events("G22") == ["A.1", "A.1", "E.1 G06", "W.1 H41"]


def test_a_document_that_arrives_after_its_recall_is_not_shown(line: Line) -> None:
    """The recall travels on the urgent lane: the adapter decides before it has seen the document."""
    line.drop("G22", document(1))
    line.without("H41")
    line.drop("G22", recall(1), "b.edxml")
    line.without("H41")

    def one_at_a_time(_hub: Hub, agencies: list[Agency]) -> None:
        for agency in agencies:
            take = agency.broker.receive
            agency.broker.receive = lambda *a, take=take, **k: take(*a, **{**k, "limit": 1})  # type: ignore[method-assign]

    line.run(before=one_at_a_time)
    assert line.files("H41", "inbox") == []
    assert line.states("1/TN-G22") == {"H41": "RECALLED"}
    assert line.events("G22").count("W.1 H41") == 1


@decided
def test_status_13_takes_back_as_a_recall_does(line: Line) -> None:
    line.drop("G22", document(1))
    line.without("H41")
    line.drop(
        "G22",
        status("13", sender="G22", about="H41", description="Lấy lại")
        .replace(b"H41,2026", b"G22,2026")
        .replace(b"TN-H41", b"TN-G22"),
        "b.edxml",
    )
    line.without("H41")
    line.run()
    assert line.states("1/TN-G22") == {"H41": "RECALLED"}
    assert line.statuses("G22") == ["15 H41"]
    assert line.files("H41", "status") == []


def test_a_hub_that_died_while_publishing_leaves_the_recall_to_the_recipient(line: Line) -> None:
    """It published and recorded nothing: by its record the document has not left."""
    line.drop("G22", document(1))

    def dies(hub: Hub, agencies: list[Agency]) -> None:
        agencies[:] = [one for one in agencies if one.code != "H41"]
        publish = hub.broker.publish

        def published(messages: Sequence[Message]) -> list[Outcome]:
            outcomes = publish(messages)
            if any(m.route == Route("out", "H41") for m in messages):
                raise KeyboardInterrupt
            return outcomes

        hub.broker.publish = published  # type: ignore[method-assign]

    with pytest.raises(KeyboardInterrupt):
        line.run(before=dies)
    line.restart()
    assert line.states("1/TN-G22") == {"H41": "ACCEPTED"}
    line.drop("G22", recall(1), "b.edxml")
    with line.parts() as (hub, agencies):  # the recall is judged before anything is published once more
        (g22,) = [one for one in agencies if one.code == "G22"]
        for _ in range(20):  # first it asks about its home
            loops.agency_round(g22, line.clock())
            admit.step(hub, line.clock(), timeout=0.1)
            if line.stages("1/TN-G22"):
                break
    assert line.stages("1/TN-G22") == {"H41": ["recall PENDING"]}
    line.run()
    shown = line.kinds("H41")
    outcome = line.stages("1/TN-G22")["H41"]
    both = {"recall WITHDRAWN": [], "recall OPEN": ["new", "recall"]}
    assert both[outcome[0]] == shown


# -- Recall: a request --------------------------------------------------------------------------------------------


def test_what_was_handed_over_becomes_a_request_that_says_whether_it_was_opened(line: Line) -> None:
    line.drop("G22", document(1, to=("H41", "G06")))
    line.run()
    line.drop("H41", status("03"))
    line.run()
    line.drop("G22", recall(1, to=("H41", "G06")), "b.edxml")
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER", "G06": "HANDED_OVER"}
    assert line.stages("1/TN-G22") == {"H41": ["recall OPEN"], "G06": ["recall OPEN"]}
    assert line.kinds("H41") == ["new", "recall"]
    late = {
        s.recipient: s.reasons[0] for r in line.receipts("G22").values() for s in r.statements if s.event.code == "W.2"
    }
    assert {code: reason.code for code, reason in late.items()} == {"H41": "RECALL_LATE", "G06": "RECALL_LATE"}
    assert "03" in late["H41"].text_en
    assert "01" in late["G06"].text_en
    assert line.trace("1/TN-G22")["document"]["kept"] is True


@decided
def test_what_was_reported_of_anothers_document_with_the_same_id_is_not_said_of_this_one(line: Line) -> None:
    line.drop("G22", document(1, document_id="1/KT"))
    line.drop("G18", document(1, sender="G18", document_id="1/KT"))
    line.run()
    line.drop("H41", status("03").replace(b"G22,2026/11/23,1/TN-G22", b"1/KT"))
    line.run()
    about = "<DocumentId>1/KT</DocumentId><BussinessDocType>1</BussinessDocType>"
    why = "<BussinessDocReason>Nhầm</BussinessDocReason>"
    said = {}
    for sender in ("G22", "G18"):
        line.drop(sender, document(1, sender=sender, content=b"recall", bussiness=about + why), "b.edxml")
        line.run()
        (late,) = [s for r in line.receipts(sender).values() for s in r.statements if s.event.code == "W.2"]
        said[sender] = late.reasons[0].text_en
    assert ("03" in said["G22"], "03" in said["G18"]) == (True, False), said


@decided
@pytest.mark.parametrize(("code", "stage", "kept"), [("15", "AGREED", False), ("16", "DECLINED", True)])
def test_the_recipient_agrees_or_refuses_with_a_reason(line: Line, code: str, stage: str, kept: bool) -> None:
    line.drop("G22", document(1))
    line.run()
    line.drop("G22", recall(1), "b.edxml")
    line.run()
    line.drop("H41", status(code, description="Đã xử lý"))
    line.run()
    assert line.stages("1/TN-G22") == {"H41": [f"recall {stage}"]}
    assert f"{code} H41" in line.statuses("G22")
    found = line.trace("1/TN-G22")
    assert found["document"]["kept"] is kept
    assert found["changes"][0]["units"][0]["reason"] == "Đã xử lý"
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}, "it had it; that stays true"


@decided
def test_after_an_agreed_recall_there_is_nothing_but_entries(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    line.drop("G22", recall(1), "b.edxml")
    line.run()
    line.drop("H41", status("15"))
    line.run()
    before = line.statuses("G22")
    line.drop("H41", status("05"), "late.edxml")
    line.run()
    assert line.files("H41", "sent") == ["a.edxml", "late.edxml"]
    assert line.statuses("G22") == before
    assert line.trace("1/TN-G22")["deliveries"][0]["business_status"] == "01"
    for number, packet in enumerate((recall(1, reason="lần nữa"), update(1))):
        line.drop("G22", packet, f"{number}.edxml")
    line.run()
    assert line.files("G22", "sent") == ["0.edxml", "a.edxml", "b.edxml"]
    assert codes_of(line, name="1.edxml") == ["DOCUMENT_RECALLED"]


@decided
def test_what_the_recipient_refused_cannot_be_taken_back(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing(monkeypatch):
        line.drop("G22", document(1))
        line.run()
    assert line.states("1/TN-G22") == {"H41": "REFUSED"}
    line.drop("G22", recall(1), "b.edxml")
    line.run()
    assert line.states("1/TN-G22") == {"H41": "REFUSED"}
    assert line.stages("1/TN-G22") == {"H41": ["recall VOID"]}
    assert line.events("G22").count("W.2 H41") == 1
    assert line.files("H41", "inbox") == []


# -- Recall: again, and who may -----------------------------------------------------------------------------------


@decided
def test_recalling_twice_gives_the_same_answer_and_a_later_one_may_add_recipients(line: Line) -> None:
    line.drop("G22", document(1, to=("H41", "G06")))
    line.without("H41", "G06")
    line.drop("G22", recall(1), "b.edxml")
    line.without("H41", "G06")
    line.without("G06")
    line.drop("G22", recall(1, reason="nhắc lại"), "c.edxml")
    line.without("G06")
    assert line.files("G22", "sent") == ["a.edxml", "b.edxml", "c.edxml"]
    assert line.events("G22").count("W.1 H41") == 1
    line.drop("G22", recall(1, to=("H41", "G06")), "d.edxml")
    line.without("G06")
    line.run()
    assert line.stages("1/TN-G22") == {"H41": ["recall WITHDRAWN"], "G06": ["recall WITHDRAWN"]}
    assert (line.events("G22").count("W.1 H41"), line.events("G22").count("W.1 G06")) == (1, 1)
    assert line.files("G22", "sent") == ["a.edxml", "b.edxml", "c.edxml", "d.edxml"]
    line.check_ledger()


@decided
def test_only_the_sender_may_recall(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    line.drop("G06", recall(1, sender="G06").replace(b"G06,2026/11/23,1/TN-G06", b"G22,2026/11/23,1/TN-G22"))
    line.run()
    assert codes_of(line, "G06") == ["AUTHZ_MISMATCH"]
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert line.kinds("H41") == ["new"]


@decided
def test_a_recall_names_only_those_that_were_sent_the_document_and_says_why(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    line.drop("G22", recall(1, to=("H41", "G06")), "b.edxml")
    line.drop("G22", recall(1, reason=""), "c.edxml")
    line.run()
    assert codes_of(line, name="b.edxml") == ["RECIPIENT_UNKNOWN"]
    assert line.error("G22", "b.edxml")["findings"][0]["retry"] is True
    assert codes_of(line, name="c.edxml") == ["PACKET_MISSING"]
    assert line.stages("1/TN-G22") == {}


# -- Update -------------------------------------------------------------------------------------------------------


def test_an_update_is_a_new_version_that_the_recipient_answers(line: Line) -> None:
    line.drop("G22", document(1, to=("H41", "G06")))
    line.run()
    line.drop("G22", update(1, to=("H41", "G06")), "b.edxml")
    line.run()
    assert line.kinds("H41") == ["new", "update"]
    assert line.attachments("H41") == [digest(CONTENT), digest(b"%PDF-1.4 sua doi")]
    assert line.stages("1/TN-G22") == {"H41": ["update OPEN"], "G06": ["update OPEN"]}
    line.drop("H41", status("15"))
    line.drop("G06", status("16", sender="G06", description="Đã lưu"))
    line.run()
    assert line.stages("1/TN-G22") == {"H41": ["update AGREED"], "G06": ["update DECLINED"]}
    line.drop("G22", update(1, to=("H41",), content=b"third"), "c.edxml")
    line.run()
    changes = line.trace("1/TN-G22")["changes"]
    assert [(c["kind"], c["number"]) for c in changes] == [("update", 1), ("update", 2)]
    assert line.stages("1/TN-G22")["H41"] == ["update AGREED", "update OPEN"]
    line.drop("H41", status("15", description="lần hai"), "again.edxml")
    line.run()
    assert line.stages("1/TN-G22")["H41"] == ["update AGREED", "update AGREED"]
    line.check_ledger()


@decided
def test_the_same_update_again_is_the_same(line: Line) -> None:
    line.drop("G22", document(1))
    line.drop("G22", update(1), "b.edxml")
    line.run()
    line.drop("G22", update(1), "c.edxml")
    line.run()
    assert line.files("G22", "sent") == ["a.edxml", "b.edxml", "c.edxml"]
    assert line.kinds("H41") == ["new", "update"]


@decided
def test_an_update_that_the_recipients_system_refuses_says_nothing_of_the_document(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.drop("G22", document(1))
    line.run()
    with refusing(monkeypatch):
        line.drop("G22", update(1), "b.edxml")
        line.run()
    assert "E.2 H41" in line.events("G22")
    assert line.statuses("G22") == ["01 H41"]


@pytest.mark.parametrize("changes_content", [True, False])
def test_an_update_gives_the_document_to_who_is_added_and_takes_it_from_who_is_removed(
    line: Line, changes_content: bool
) -> None:
    line.drop("G22", document(1, to=("H41", "G06")))
    line.without("G06")
    line.drop("G22", update(1, to=("H41",), changes_content=changes_content, add=("G18",), remove=("G06",)), "b.edxml")
    line.without("G06")
    line.run()
    new = b"%PDF-1.4 sua doi" if changes_content else CONTENT
    assert line.attachments("G18") == [digest(new)]
    assert line.files("G06", "inbox") == []
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER", "G06": "RECALLED", "G18": "HANDED_OVER"}
    assert line.stages("1/TN-G22")["G06"] == ["recall WITHDRAWN"]
    assert line.kinds("H41") == (["new", "update"] if changes_content else ["new"])
    assert line.events("G22").count("W.1 G06") == 1
    assert line.events("G22").count("E.1 G18") == 1
    line.drop("G18", status("03", sender="G18"))
    line.run()
    assert "03 G18" in line.statuses("G22")
    assert {d["recipient"]: d["business_status"] for d in line.trace("1/TN-G22")["deliveries"]}["G18"] == "03"
    # A later update reaches who was added, and not who was removed.
    line.drop("G22", update(1, to=("H41", "G18"), content=b"third"), "c.edxml")
    line.run(patience=timedelta(seconds=10))
    assert digest(b"third") in line.attachments("G18"), "at once: it has what is updated"
    line.drop("G22", update(1, to=("G06",), content=b"fourth"), "d.edxml")
    line.run()
    assert codes_of(line, name="d.edxml") == ["DOCUMENT_RECALLED"]
    line.check_ledger()


@decided
def test_who_is_removed_after_the_hand_over_is_asked(line: Line) -> None:
    line.drop("G22", document(1, to=("H41", "G06")))
    line.run()
    line.drop("G22", update(1, to=("H41",), remove=("G06",)), "b.edxml")
    line.run()
    assert line.stages("1/TN-G22") == {"H41": ["update OPEN"], "G06": ["recall OPEN"]}
    assert line.kinds("G06") == ["new", "update"], "it says who is removed"
    line.drop("G06", status("15", sender="G06"))
    line.run()
    assert line.stages("1/TN-G22")["G06"] == ["recall AGREED"]


@decided
@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (update(9), "DOCUMENT_UNKNOWN"),
        (update(1, sender="G06"), "DOCUMENT_UNKNOWN"),
        (update(1, to=("G06",)), "RECIPIENT_UNKNOWN"),
        (update(1, remove=("G06",)), "RECIPIENT_UNKNOWN"),
        (update(1, changes_content=False), "PACKET_VALUE"),
        (update(1, add=("H63",)), "AGENCY_UNKNOWN"),
        (
            update(1, add=("G06",)).replace(b"<ReceiverList>", b"<X>").replace(b"</ReceiverList>", b"</X>"),
            "PACKET_MISSING",
        ),
    ],
    ids=[
        "not known",
        "somebody else's",
        "to who never had it",
        "removed who never had it",
        "nothing changes",
        "to nobody",
        "no list",
    ],
)
def test_an_update_out_of_place_is_refused(line: Line, packet: bytes, code: str) -> None:
    line.drop("G22", document(1))
    line.run()
    sender = "G06" if b"<From><OrganId>G06" in packet else "G22"
    line.drop(sender, packet, "b.edxml")
    line.run()
    assert code in codes_of(line, sender, "b.edxml")
    assert line.kinds("H41") == ["new"]


# -- Replacement --------------------------------------------------------------------------------------------------


def test_a_replacement_supersedes_and_everybody_who_had_the_old_one_is_asked(line: Line) -> None:
    line.drop("G22", document(1, to=("H41", "G06")))
    line.run()
    line.drop("G22", replacement(2, {1: ("H41", "G06")}, to=("H41", "G18")), "b.edxml")
    line.run()
    new = line.trace("2/TN-G22")
    assert line.trace("1/TN-G22")["document"]["superseded_by"] == new["document"]["axis_id"]
    assert line.states("2/TN-G22") == {"H41": "HANDED_OVER", "G06": "HANDED_OVER", "G18": "HANDED_OVER"}
    assert line.stages("2/TN-G22") == {"H41": ["replace OPEN"], "G06": ["replace OPEN"]}
    line.drop("H41", status("15", number=2))
    line.drop("G06", status("16", number=1, sender="G06", description="Còn dùng"))  # by the old one's id
    line.run()
    assert line.stages("2/TN-G22") == {"H41": ["replace AGREED"], "G06": ["replace DECLINED"]}
    line.drop("G22", replacement(2, {1: ("H41", "G06")}, to=("H41", "G18")), "c.edxml")
    line.drop("G22", replacement(2, {1: ("H41",)}, to=("H41",), content=b"other"), "d.edxml")
    line.run()
    assert line.files("G22", "sent") == ["a.edxml", "b.edxml", "c.edxml"]
    assert codes_of(line, name="d.edxml") == ["DUP_CONFLICT"]


@decided
@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (replacement(2, {9: ("H41",)}), "DOCUMENT_UNKNOWN"),
        (replacement(2, {1: ("H41", "G18")}), "RECIPIENT_UNKNOWN"),
        (replacement(2, {1: ()}), "PACKET_MISSING"),
        (replacement(2, {1: ("H41",)}, sender="G06"), "DOCUMENT_UNKNOWN"),
    ],
    ids=["not known", "who never had it", "nobody had it", "somebody else's"],
)
def test_a_replacement_out_of_place_is_refused(line: Line, packet: bytes, code: str) -> None:
    line.drop("G22", document(1))
    line.run()
    sender = "G06" if b"<From><OrganId>G06" in packet else "G22"
    line.drop(sender, packet, "b.edxml")
    line.run()
    assert code in codes_of(line, sender, "b.edxml")
    assert line.kinds("H41") == ["new"]


# -- Answers ------------------------------------------------------------------------------------------------------


@decided
def test_an_answer_needs_something_asked_and_16_a_reason(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    line.drop("H41", status("15"))
    line.run()
    assert codes_of(line, "H41") == ["STATUS_NOT_OPEN"]
    line.drop("G22", update(1), "b.edxml")
    line.run()
    line.drop("H41", status("16"), "b.edxml")
    line.drop("G06", status("15", sender="G06"), "c.edxml")
    line.run()
    assert codes_of(line, "H41", "b.edxml") == ["PACKET_MISSING"]
    assert codes_of(line, "G06", "c.edxml") == ["STATUS_UNKNOWN_DOCUMENT"]


@decided
def test_an_answer_goes_to_the_recall_first_and_what_else_was_asked_is_overtaken(line: Line) -> None:
    line.drop("G22", document(1))
    line.drop("G22", update(1), "b.edxml")
    line.run()
    line.drop("G22", recall(1), "c.edxml")
    line.run()
    assert line.stages("1/TN-G22") == {"H41": ["update OPEN", "recall OPEN"]}
    line.drop("H41", status("15"))
    line.run()
    assert line.stages("1/TN-G22") == {"H41": ["update OVERTAKEN", "recall AGREED"]}


@decided
def test_a_repeated_answer_is_the_same_and_a_status_in_other_words_too(line: Line) -> None:
    line.drop("G22", document(1))
    line.drop("G22", update(1), "b.edxml")
    line.run()
    for name, text in (("a", "một"), ("b", "hai")):
        line.drop("H41", status("15", description=text), f"{name}.edxml")
        line.drop("H41", status("03", description=text), f"{name}3.edxml")
        line.run()
    assert line.files("H41", "sent") == ["a.edxml", "a3.edxml", "b.edxml", "b3.edxml"]
    assert line.statuses("G22").count("15 H41") == 1
    assert line.statuses("G22").count("03 H41") == 1
    assert line.stages("1/TN-G22") == {"H41": ["update AGREED"]}


@decided
def test_units_answer_for_themselves_and_the_member_for_all(line: Line) -> None:
    line.drop("G22", document(1, to=("H29.10", "H29.11")))
    line.drop("G22", update(1, to=("H29.10", "H29.11")), "b.edxml")
    line.run()
    assert line.stages("1/TN-G22") == {"H29.10": ["update OPEN"], "H29.11": ["update OPEN"]}
    line.drop("H29", status("15", sender="H29.10"))
    line.run()
    assert line.stages("1/TN-G22") == {"H29.10": ["update AGREED"], "H29.11": ["update OPEN"]}
    line.drop("H29", status("16", sender="H29", description="không"), "b.edxml")
    line.run()
    assert line.stages("1/TN-G22") == {"H29.10": ["update AGREED"], "H29.11": ["update DECLINED"]}


@decided
@pytest.mark.parametrize(
    "packet",
    [recall(1, to=("H29.10",)), update(1, to=("G06",), remove=("H29.10",))],
    ids=["recalled", "removed"],
)
def test_of_units_that_have_one_document_together_one_alone_cannot_be_taken_away(line: Line, packet: bytes) -> None:
    line.drop("G22", document(1, to=("H29.10", "H29.11", "G06")))
    line.run()
    line.drop("G22", packet, "b.edxml")
    line.run()
    (finding,) = line.error("G22", "b.edxml")["findings"]
    assert (finding["code"], "H29.11" in finding["text"]) == ("UNITS_TOGETHER", True)
    assert line.stages("1/TN-G22") == {}
    line.drop("G22", recall(1, to=("H29",)), "c.edxml")  # the member, or all its units
    line.run()
    assert line.stages("1/TN-G22") == {"H29.10": ["recall OPEN"], "H29.11": ["recall OPEN"]}


@decided
@pytest.mark.parametrize("changes_content", [True, False])
def test_a_unit_that_is_added_where_the_document_is_already_has_the_update_there(
    line: Line, changes_content: bool
) -> None:
    line.drop("G22", document(1, to=("H29.10", "G06")))
    line.run()
    packet = update(1, to=("H29.10", "G06"), changes_content=changes_content, add=("H29.12",))
    line.drop("G22", packet, "b.edxml")
    line.run()
    assert line.kinds("H29") == ["new", "update"]
    assert line.kinds("G06") == (["new", "update"] if changes_content else ["new"])
    assert line.stages("1/TN-G22")["H29.12"] == ["update OPEN"]
    (delivery,) = [d for d in line.trace("1/TN-G22")["deliveries"] if d["recipient"] == "H29"]
    assert delivery["units"] == ["H29.10", "H29.12"]


def test_an_update_goes_out_after_what_it_updates_though_it_is_more_urgent(line: Line) -> None:
    line.drop("G22", update(1, priority=3), "0-update.edxml")
    line.drop("G22", document(1), "1-document.edxml")
    line.run()
    assert line.kinds("H41") == ["new", "update"]
    assert line.files("G22", "sent") == ["0-update.edxml", "1-document.edxml"]


# -- What came out when somebody tried to break it -------------------------------------------------------------


def test_a_recall_at_the_hub_withdraws_the_updates_that_wait_with_the_document(line: Line) -> None:
    suspend(line, "H41")
    line.drop("G22", document(1))
    line.drop("G22", update(1), "b.edxml")
    line.run()
    line.drop("G22", recall(1), "c.edxml")
    line.run()
    assert line.stages("1/TN-G22") == {"H41": ["update OVERTAKEN", "recall WITHDRAWN"]}
    resume(line, "H41")
    line.run(patience=timedelta(hours=3))
    assert line.files("H41", "inbox") == [], "nothing of it, in any version"


@decided
def test_a_receiver_list_that_the_update_does_not_use_takes_nothing_from_anybody(line: Line) -> None:
    line.drop("G22", document(1))
    leftover = update(1, remove=("H41",)).replace(b"<DocumentReceiver>1<", b"<DocumentReceiver>0<")
    line.drop("G22", leftover, "b.edxml")
    line.without("H41")
    line.run()
    assert line.kinds("H41") == ["new", "update"]
    assert line.stages("1/TN-G22") == {"H41": ["update OPEN"]}


def test_a_recall_and_an_update_that_wait_together_at_the_recipient_are_both_withdrawn(line: Line) -> None:
    line.drop("G22", document(1))
    line.drop("G22", update(1), "b.edxml")
    line.without("H41")
    line.drop("G22", recall(1), "c.edxml")
    line.without("H41")
    line.run()
    assert line.files("H41", "inbox") == []
    assert line.states("1/TN-G22") == {"H41": "RECALLED"}
    assert line.statuses("G22") == ["15 H41"]
    assert not [event for event in line.events("G22") if event.startswith("E.")]


@decided
def test_an_answer_to_a_replacement_by_the_old_id_is_not_the_answer_to_the_old_ones_update(line: Line) -> None:
    line.drop("G22", document(1))
    line.drop("G22", update(1), "b.edxml")
    line.run()
    line.drop("H41", status("15"))
    line.run()
    line.drop("G22", replacement(2, {1: ("H41",)}), "c.edxml")
    line.run()
    line.drop("H41", status("15", description="cũng đồng ý"), "b.edxml")
    line.run()
    assert line.stages("2/TN-G22") == {"H41": ["replace AGREED"]}
    assert line.files("H41", "sent") == ["a.edxml", "b.edxml"]


@decided
def test_an_answer_by_the_old_id_keeps_others_from_the_replacement_meanwhile(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.drop("G22", document(1))
    line.run()
    line.drop("G22", replacement(2, {1: ("H41",)}), "b.edxml")
    line.run()
    locked: list[set[tuple[str, str]]] = []
    lock = HubTransaction.lock

    def seen(
        self: HubTransaction, keys: Collection[tuple[str, str]], existing: Collection[tuple[str, str]] = ()
    ) -> Facts:
        locked.append(set(keys))
        return lock(self, keys, existing)

    monkeypatch.setattr(HubTransaction, "lock", seen)
    line.drop("H41", status("15"))
    line.run()
    assert line.stages("2/TN-G22") == {"H41": ["replace AGREED"]}
    assert {("G22", "G22,2026/11/23,1/TN-G22"), ("G22", "G22,2026/11/23,2/TN-G22")} in locked


@decided
def test_who_has_not_seen_a_document_cannot_answer_its_recall(line: Line) -> None:
    line.drop("G22", document(1))
    line.without("H41")
    line.drop("G22", recall(1), "b.edxml")
    line.without("H41")
    line.drop("H41", status("16", description="không"), "early.edxml")
    with line.parts() as (hub, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        submit.collect(h41, line.clock())
        publish.publish(h41, line.clock())
        admit.step(hub, line.clock(), 5)
    line.run()
    assert codes_of(line, "H41", "early.edxml") == ["STATUS_NOT_OPEN"]
    assert line.stages("1/TN-G22") == {"H41": ["recall WITHDRAWN"]}


@decided
def test_a_recall_that_names_its_document_in_the_header_alone_takes_it_back(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    line.drop(
        "G22",
        recall(1).replace(
            b"<DocumentId>G22,2026/11/23,1/TN-G22</DocumentId><BussinessDocType>1", b"<BussinessDocType>1"
        ),
    )
    line.run()
    assert line.kinds("H41") == ["new", "recall"]
    assert line.stages("1/TN-G22") == {"H41": ["recall OPEN"]}
    line.drop("H41", status("15"), "answer.edxml")
    line.run()
    assert line.stages("1/TN-G22") == {"H41": ["recall AGREED"]}


# -- As the sender has addressed them ------------------------------------------------------------------------------


def named_in_statuses(line: Line, code: str) -> set[tuple[str, str]]:
    """(OrganId, OrganName) of whoever a status packet in an agency's status/ comes from."""
    found = set()
    for name in line.files(code, "status", "*.edxml"):
        packet = edxml.convert((line.folder(code, "status") / name).read_bytes()).packet
        assert packet is not None
        found.add((packet.sender.organ_id, packet.sender.name))
    return found


@decided
def test_every_addressed_unit_says_that_it_has_the_document_in_the_senders_spelling(line: Line) -> None:
    line.drop("G22", document(1, to=("H41.01", "H41.02", "000.00.00.G06", "G18")))
    line.run()
    assert line.statuses("G22") == ["01 000.00.00.G06", "01 G18", "01 H41.01", "01 H41.02"]
    named = dict(named_in_statuses(line, "G22"))
    assert named["H41.01"] == "Nơi nhận H41.01", "as the sender calls it"
    assert named["000.00.00.G06"] == "Bộ Khoa học và Công nghệ", "as the registry does"
    assert line.events("G22").count("E.1 H41") == 1


@decided
def test_every_addressed_unit_refuses_the_document_that_its_member_cannot_take(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing(monkeypatch):
        line.drop("G22", document(1, to=("H41.01", "000.00.00.H41")))
        line.run()
    assert line.statuses("G22") == ["02 000.00.00.H41", "02 H41.01"]


@decided
def test_a_units_own_word_that_it_has_the_document_reaches_the_sender_and_its_members_is_a_repetition(
    line: Line,
) -> None:
    line.drop("G22", document(1, to=("H41.01", "000.00.00.H41")))
    line.run()
    line.drop("H41", status("01", sender="H41.01", description="Văn thư phòng đã nhận"), "unit.edxml")
    line.drop("H41", status("01", sender="H41"), "member.edxml")
    line.run()
    assert line.files("H41", "sent") == ["member.edxml", "unit.edxml"]
    assert line.statuses("G22") == ["01 000.00.00.H41", "01 H41.01", "01 H41.01"]
    own = [p for p in line.folder("G22", "status").glob("*.edxml") if "Văn thư phòng" in p.read_text("utf-8")]
    assert len(own) == 1


@decided
def test_every_unit_that_a_recall_names_says_that_the_document_was_never_seen(line: Line) -> None:
    line.drop("G22", document(1, to=("H41.01", "H41.02")))
    line.without("H41")
    line.drop("G22", recall(1, to=("H41.01", "H41.02")), "recall.edxml")
    line.without("H41")
    line.run()
    assert line.statuses("G22") == ["15 H41.01", "15 H41.02"]


@decided
def test_a_unit_that_an_update_adds_says_that_it_has_the_document(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    line.drop("G22", update(1, to=("H41",), add=("000.00.10.H29",), changes_content=False), "update.edxml")
    line.run()
    assert line.statuses("G22") == ["01 000.00.10.H29", "01 H41"]
    assert line.states("1/TN-G22")["H29"] == "HANDED_OVER"


def test_of_what_was_sent_before_its_units_were_noted_the_member_speaks(line: Line) -> None:
    line.drop("G22", document(1, to=("H41.01", "H41.02")))
    line.without("H41")
    with line.parts() as (_, agencies):
        for agency in agencies:
            with agency.journal.transaction() as tx:
                for row in tx.connection.execute(sa.select(journal.outgoing)).mappings().all():
                    facts = {name: value for name, value in row["facts"].items() if name != "organs"}
                    tx.connection.execute(sa.update(journal.outgoing).values(facts=facts))
    line.run()
    assert line.statuses("G22") == ["01 H41"]


COMPOSED = "G22,2026/11/23,1/QĐ-ế"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


def spelled(data: bytes, document_id: str) -> bytes:
    """Document 1, or what is about it, with its DocumentId written so."""
    return data.replace(b"G22,2026/11/23,1/TN-G22", document_id.encode())


def test_a_document_id_in_two_normal_forms_is_one_document(line: Line) -> None:
    assert COMPOSED != DECOMPOSED
    line.drop("G22", spelled(document(1), DECOMPOSED))
    line.run()
    line.drop("G22", spelled(document(1, content=b"another"), COMPOSED), "b.edxml")
    line.run()
    assert codes_of(line, name="b.edxml") == ["DUP_CONFLICT"]
    assert line.kinds("H41") == ["new"]
    # Its own system knows the document by what it wrote.
    (told,) = line.folder("G22", "status").glob("*.01.H41.edxml")
    assert f"<edXML:DocumentId>{DECOMPOSED}</edXML:DocumentId>".encode() in told.read_bytes()
    line.drop("H41", spelled(status("03"), COMPOSED), "status.edxml")
    line.drop("G22", spelled(update(1), COMPOSED), "update.edxml")
    line.run()
    line.drop("G22", spelled(recall(1), COMPOSED), "recall.edxml")
    line.run()
    assert line.kinds("H41") == ["new", "update", "recall"]
    assert line.statuses("G22")[-1] == "03 H41"
    for reference in (COMPOSED, DECOMPOSED):
        trace = line.trace(reference)
        assert [c["kind"] for c in trace["changes"]] == ["update", "recall"]
    assert line.stages(COMPOSED) == {"H41": ["update OPEN", "recall OPEN"]}


def test_a_recall_in_another_normal_form_finds_the_document_that_has_not_been_shown(line: Line) -> None:
    line.drop("G22", spelled(document(1), DECOMPOSED))
    line.without("H41")
    line.drop("G22", spelled(recall(1), COMPOSED), "recall.edxml")
    line.without("H41")
    line.run()
    assert line.kinds("H41") == []
    assert line.states(DECOMPOSED) == {"H41": "RECALLED"}
    assert "W.1 H41" in line.events("G22")


@decided
def test_a_list_without_end_is_refused(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    line.drop("G22", update(1, add=tuple(f"H41.{n}" for n in range(1001))), "b.edxml")
    line.run()
    assert "PACKET_TOO_MANY" in codes_of(line, name="b.edxml")
