"""Recalls, on the embedded line and served: each is decided once, at the place that can know, and everybody is told the same."""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from axis import bootstrap
from axis.core.message import Route
from axis.infra.record import tables
from axis.services import run as loops
from axis.services.hub import admit
from tests.e2e.changes.asked import CONTENT, codes_of, decided, digest, refusing, resume, stored, suspend
from tests.line import Line, document, recall, status, update

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.core.message import Message, Outcome
    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub

pytestmark = pytest.mark.timeout(400)  # served, several processes' worth of work in one


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
