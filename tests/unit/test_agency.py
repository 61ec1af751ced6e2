"""What is decided on an agency's side, as values: files of receipts, the statuses that they mean, answers to recalls."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axis.core.agency import files, mail, recalls, statuses
from axis.core.agency.recalls import Seen
from axis.core.edxml import Kind
from axis.core.receipt import Event, Reason, Receipt, Statement, Subject
from axis.core.registry import HUB
from axis.errors import Fault
from tests import pki

SUBJECT = Subject("0193f0c2-7b1e-7c3a-8a44-1f2e3d4c5b6a", "new", "G22", "G22,2026/11/23,12/VPCP-TH", "ab" * 32)
ORIGINAL = {"organ_id": "G22", "code": "12/VPCP-TH", "document_id": "x", "promulgation_date": "2026/11/23"}
WHY = (Reason("SYSTEM_REFUSED", "Không nhận được.", "Could not be taken."),)
ADDRESSED = [("H29.10", "Sở Nội vụ TP"), ("H41", "Nghệ An"), ("H29", "TP.HCM")]


def said(event: Event, *recipients: str, kind: str = "new", reasons: tuple[Reason, ...] = ()) -> Receipt:
    given = tuple(Statement(f"s{n}", event, pki.NOW, one, (), reasons) for n, one in enumerate(recipients))
    return Receipt("test", recipients[0], replace(SUBJECT, kind=kind), given)


def names(receipt: Receipt, addressed: list[tuple[str, str]]) -> list[str]:
    meant = statuses.meant(receipt, addressed, pki.registry())
    return [
        one.name.removeprefix(SUBJECT.axis_id + ".")
        for one in statuses.packets(receipt, meant, ORIGINAL, pki.registry())
    ]


def test_a_hand_over_is_a_status_of_each_organ_that_the_recipient_speaks_for_and_of_nobody_else() -> None:
    assert names(said(Event.ContentHandover, "H41"), ADDRESSED) == ["01.H41.edxml"]
    assert names(said(Event.ContentHandover, "H41", "H29"), ADDRESSED) == ["01.H41.edxml", "01.H29.edxml"]


def test_where_nobody_that_was_addressed_is_known_the_recipient_itself_has_said_it() -> None:
    receipt = said(Event.ContentHandover, "H41")
    (meant,) = statuses.meant(receipt, [("H29", "TP.HCM")], pki.registry())
    assert meant.organs == []
    (packet,) = statuses.packets(receipt, [meant], ORIGINAL, pki.registry())
    assert packet.name.endswith(".01.H41.edxml")
    assert "UBND tỉnh Nghệ An" in packet.content.decode()


def test_whom_an_update_has_added_is_asked_for_only_where_nobody_is_known() -> None:
    receipt = said(Event.ContentHandover, "H41", "H29")
    both = statuses.meant(receipt, [("H41", "Nghệ An")], pki.registry())
    later = [one.of([("H41", "another name"), ("H29", "TP.HCM")], pki.registry()) for one in both]
    assert [[organ.organ_id for organ in one.organs] for one in later] == [["H41"], ["H29"]]
    assert later[0] == both[0]


@pytest.mark.parametrize(
    ("event", "kind", "code"),
    [
        (Event.ContentHandover, "new", "01"),
        (Event.ContentHandoverFailure, "new", "02"),
        (Event.ContentWithdrawal, Kind.RECALL, "15"),
        (Event.ContentHandover, Kind.RECALL, None),  # its request has arrived: no document system has a code for that
        (Event.ContentHandoverFailure, Kind.UPDATE, None),  # 02 would say it of the document
        (Event.ContentHandover, Kind.STATUS, None),
        (Event.ContentConsignment, "new", None),
    ],
)
def test_which_status_an_event_means(event: Event, kind: str, code: str | None) -> None:
    meant = statuses.meant(said(event, "H41", kind=kind, reasons=WHY), ADDRESSED, pki.registry())
    assert [one.code for one in meant] == ([code] if code else [])


def test_a_status_says_why_in_the_words_of_the_receipt() -> None:
    refused = said(Event.ContentHandoverFailure, "H41", reasons=WHY)
    (packet,) = statuses.packets(refused, statuses.meant(refused, ADDRESSED, pki.registry()), ORIGINAL, pki.registry())
    assert WHY[0].text_vi in packet.content.decode()
    taken = said(Event.ContentWithdrawal, "H41", kind=Kind.RECALL)
    (packet,) = statuses.packets(taken, statuses.meant(taken, ADDRESSED, pki.registry()), ORIGINAL, pki.registry())
    assert statuses.TAKEN_BACK in packet.content.decode()


def test_no_receipt_has_the_name_of_another_but_an_acceptance_that_is_repeated() -> None:
    two = [files.of_receipt(said(Event.ContentHandover, "H41"), body, ()).name for body in (b"1", b"2")]
    assert two[0] != two[1]
    assert two[0].startswith(f"{SUBJECT.axis_id}.E.1.H41.")
    many = files.of_receipt(said(Event.ContentConsignment, "H29", "H41"), b"1", ("a", "b"))
    assert f".{Event.ContentConsignment.code}.H29+1." in many.name
    assert many.about is not None
    assert (many.about.events, many.about.submissions) == ((("D.1", "H29"), ("D.1", "H41")), ("a", "b"))
    accepted = Receipt("test", HUB, SUBJECT, (Statement("s", Event.SubmissionAcceptance, pki.NOW, "", ("H41",)),))
    assert files.of_receipt(accepted, b"1", ()).name == f"{SUBJECT.axis_id}.A.1.asice"
    refused = Receipt("test", HUB, replace(SUBJECT, axis_id=""), (Statement("s", Event.SubmissionRejection, pki.NOW),))
    assert files.of_receipt(refused, b"1", ()).name.startswith(f"{SUBJECT.content_digest[:16]}.A.2.")


def test_a_recall_or_an_update_is_decided_about_before_it_is_shown() -> None:
    states = {
        kind: mail.first_state(replace(SUBJECT, kind=kind)) for kind in ("new", "replace", "recall", "update", "status")
    }
    assert [kind for kind, state in states.items() if state == "undecided"] == ["recall", "update"]
    assert {mail.kind_of(replace(SUBJECT, kind=kind)) for kind in ("new", "replace")} == {"document"}


@pytest.mark.parametrize(
    ("states", "known", "fault", "request_is"),
    [
        ({"handed_over"}, Seen.HAS_IT, Fault.RECALL_LATE, "received"),
        ({"handing_over", "refused"}, Seen.HAS_IT, Fault.RECALL_LATE, "received"),
        ({"shown"}, Seen.MAY_HAVE_IT, Fault.RECALL_SHOWN, "received"),
        ({"doubted", "received"}, Seen.MAY_HAVE_IT, Fault.RECALL_SHOWN, "received"),
        ({"refused", "received"}, Seen.REFUSED_IT, Fault.RECALL_VOID, "done"),
        ({"received", "held", "undecided"}, Seen.NEVER, None, ""),
        (set(), Seen.NEVER, None, ""),
    ],
)
def test_what_a_recipient_answers_to_a_recall(
    states: set[str], known: Seen, fault: Fault | None, request_is: str
) -> None:
    assert recalls.seen(states) is known
    no = recalls.refusal(known, lambda: "05", "done")
    assert (no.problem.fault if no else None, no.state if no else "") == (fault, request_is)
    assert no is None or no.problem.got == ("05" if known is Seen.HAS_IT else "")


def test_a_recall_that_is_too_late_names_the_highest_status_and_no_reply_to_a_recall() -> None:
    assert recalls.highest(["03", "05", "15"]) == "05"
    assert recalls.highest(["13"]) == recalls.highest([]) == "01"
