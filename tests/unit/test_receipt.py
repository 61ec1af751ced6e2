"""Receipts: who may say what about whom; written in one way; never altered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from axis import counting, schemas
from axis.core import parcel, receipt
from axis.core.receipt import Event, Reason, Receipt, Statement, Subject
from axis.core.registry import HUB
from axis.errors import Fault, Problem, Rejected
from tests import pki
from tests.sample import examples

SUBJECT = Subject("0193f0c2-7b1e-7c3a-8a44-1f2e3d4c5b6a", "new", "G22", "12/VPCP-TH", "ab" * 32)
WHY = (Reason("AGENCY_UNKNOWN", "Cơ quan «X» không có.", "Agency 'X' is unknown.", retry=True),)

ACCEPTED = Receipt(
    "test", HUB, SUBJECT, (Statement("s1", Event.SubmissionAcceptance, pki.NOW, "", ("H29", "H41"), (), "cd" * 32),), 7
)
REFUSED = Receipt(
    "test", HUB, replace(SUBJECT, axis_id=""), (Statement("s2", Event.SubmissionRejection, pki.NOW, reasons=WHY),)
)
CONSIGNED = Receipt("test", HUB, SUBJECT, (Statement("s3", Event.ContentConsignment, pki.NOW, "H29"),))
OVERDUE = Receipt(
    "test", HUB, SUBJECT, (Statement("s4", Event.ContentConsignmentFailure, pki.NOW, "H29", reasons=WHY),)
)
HANDED_OVER = Receipt(
    "test", "H29", SUBJECT, (Statement("s5", Event.ContentHandover, pki.NOW, "H29", entry="ef" * 32),)
)
NOT_TAKEN = Receipt(
    "test", "H29", SUBJECT, (Statement("s6", Event.ContentHandoverFailure, pki.NOW, "H29", reasons=WHY),)
)
WITNESSED = Receipt(
    "test", HUB, SUBJECT, (Statement("s7", Event.ReceiptAcceptance, pki.NOW, "H29", evidence="ab" * 32),), 7
)
GOOD = {
    "A.1": ACCEPTED,
    "A.2": REFUSED,
    "D.1": CONSIGNED,
    "D.2": OVERDUE,
    "E.1": HANDED_OVER,
    "E.2": NOT_TAKEN,
    "R.1": WITNESSED,
}


def fault_of(data: bytes, signer: str) -> Fault:
    with pytest.raises(Rejected) as caught:
        receipt.read(data, signer)
    for good in GOOD.values():
        assert receipt.read(receipt.write(good), good.issuer) == good
    return caught.value.fault


def valid(data: bytes) -> bool:
    return bool(schemas.validator("receipt").validate(etree.fromstring(data)))


@pytest.mark.parametrize("code", GOOD)
def test_a_receipt_survives_the_journey(code: str) -> None:
    good = GOOD[code]
    assert good.statements[0].event.code == code
    data = receipt.write(good)
    assert valid(data)
    opened = parcel.verify(receipt.signed(good, pki.signer(good.issuer), pki.NOW), pki.registry(), pki.NOW)
    assert (opened.kind, opened.content) == ("receipt", data)
    assert receipt.read(opened.content, opened.signer) == good


# -- Who may say what --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", GOOD)
@pytest.mark.parametrize("signer", ["HUB", "G22", "H29", "H29.10", ""])
def test_only_the_issuer_may_have_signed_it(code: str, signer: str) -> None:
    data = receipt.write(GOOD[code])
    if signer == GOOD[code].issuer:
        assert receipt.read(data, signer) == GOOD[code]
    else:
        assert fault_of(data, signer) is Fault.RECEIPT_INVALID


@pytest.mark.parametrize("code", ["E.1", "E.2"])
def test_an_agency_may_not_name_another_as_the_issuer_of_what_it_signed(code: str) -> None:
    assert fault_of(receipt.write(replace(GOOD[code], issuer="H41")), "H29") is Fault.RECEIPT_INVALID


@pytest.mark.parametrize("code", ["E.1", "E.2"])
def test_the_hub_may_not_say_what_a_recipient_did(code: str) -> None:
    assert fault_of(receipt.write(replace(GOOD[code], issuer=HUB)), HUB) is Fault.RECEIPT_INVALID


@pytest.mark.parametrize("code", ["A.1", "A.2", "D.1", "D.2"])
def test_an_agency_may_not_say_what_the_hub_did(code: str) -> None:
    assert fault_of(receipt.write(replace(GOOD[code], issuer="H29")), "H29") is Fault.RECEIPT_INVALID


@pytest.mark.parametrize("code", ["E.1", "E.2"])
@pytest.mark.parametrize("other", ["H41", "G22", "H29.10", "H2", "HUB", "", "h29"])
def test_an_agency_may_not_speak_for_another(code: str, other: str) -> None:
    good = GOOD[code]
    forged = replace(good, statements=(replace(good.statements[0], recipient=other),))
    assert fault_of(receipt.write(forged), "H29") is Fault.RECEIPT_INVALID


def test_one_statement_for_another_among_many_own_ones_is_seen() -> None:
    own = HANDED_OVER.statements[0]
    many = [replace(own, id=f"s{n}") for n in range(99)]
    assert len(receipt.read(receipt.write(replace(HANDED_OVER, statements=tuple(many))), "H29").statements) == 99
    forged = (*many, replace(own, recipient="H41"))
    assert fault_of(receipt.write(replace(HANDED_OVER, statements=forged)), "H29") is Fault.RECEIPT_INVALID


@pytest.mark.parametrize("code", ["A.2", "D.2", "E.2"])
def test_a_negative_statement_needs_a_reason(code: str) -> None:
    bare = replace(GOOD[code], statements=(replace(GOOD[code].statements[0], reasons=()),))
    assert fault_of(receipt.write(bare), bare.issuer) is Fault.RECEIPT_INVALID


@pytest.mark.parametrize("code", ["A.1", "D.1", "E.1"])
def test_a_positive_statement_has_none(code: str) -> None:
    odd = replace(GOOD[code], statements=(replace(GOOD[code].statements[0], reasons=WHY),))
    assert fault_of(receipt.write(odd), odd.issuer) is Fault.RECEIPT_INVALID


@pytest.mark.parametrize("more", [{"leg": "handover"}, {"outcome": "HANDED_OVER"}])
def test_the_word_for_a_receipt_names_it_and_nothing_else(more: dict[str, str]) -> None:
    odd = replace(WITNESSED, statements=(replace(WITNESSED.statements[0], **more),))  # type: ignore[arg-type]
    assert fault_of(receipt.write(odd), HUB) is Fault.RECEIPT_INVALID
    assert fault_of(receipt.write(replace(WITNESSED, issuer="H29")), "H29") is Fault.RECEIPT_INVALID


def test_what_cannot_be_verified_can_still_be_read_for_what_it_says() -> None:
    assert receipt.claimed(receipt.write(HANDED_OVER)) == HANDED_OVER
    for bad in (b"", b"<x/>", receipt.write(replace(HANDED_OVER, issuer="H41"))):
        with pytest.raises(Rejected):
            receipt.claimed(bad)


def test_a_receipt_is_read_once_for_its_parcel_and_once_for_what_it_claims_without_a_parser() -> None:
    data = receipt.signed(HANDED_OVER, pki.signer("H29"), pki.NOW)
    opened, before = parcel.verify(data, pki.registry(), pki.NOW), counting.snapshot()
    assert receipt.of(opened) is receipt.of(opened)
    assert receipt.of(opened) == receipt.read(opened.content, "H29") == receipt.claimed(opened.content)
    assert (counting.since(before)["receipts"], counting.since(before)["parses"]) == (3, 0)


def _as_parsed(data: bytes, signer: str) -> Receipt | Fault:
    try:
        return receipt._judged(receipt._read_parsed(data), signer)
    except Rejected as error:
        return error.fault


@pytest.mark.parametrize("code", ["A.1", "A.2", "E.2", "R.1"])
def test_whatever_stands_in_it_is_read_as_an_xml_parser_reads_it(code: str) -> None:
    good = GOOD[code]
    data = receipt.write(good)
    odd = [b'"', b"<", b"&", b"\n", b"\r", b"\t", b"\0", b"\x1f", b"\xff", b" ", b">", b"'", b"&#65;", b"\xef\xbf\xbe"]
    for place in range(len(data)):
        put = odd[place % len(odd)]
        for changed in (data[:place] + put + data[place + 1 :], data[:place] + put + data[place:]):
            try:
                found: Receipt | Fault = receipt.read(changed, good.issuer)
            except Rejected as error:
                found = error.fault
            assert found == _as_parsed(changed, good.issuer), changed


def test_a_hundred_statements_are_read_and_neither_none_nor_one_more() -> None:
    def of(count: int) -> Receipt:
        made = (Statement(f"s{n}", Event.ContentConsignment, pki.NOW, f"H{n:02}") for n in range(count))
        return replace(CONSIGNED, statements=tuple(made))

    assert receipt.read(receipt.write(of(100)), HUB) == of(100)
    assert valid(receipt.write(of(100)))
    for count in (0, 101):
        assert not valid(receipt.write(of(count)))
        assert fault_of(receipt.write(of(count)), HUB) is Fault.RECEIPT_INVALID


# -- receipts that were altered, or signed by the wrong hand ------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'recipient="H29"', b'recipient="H41"'),
        (b'kind="new"', b'kind="recall"'),
        (b"abab", b"abac"),
        (b'code="E.1" event="ContentHandover"', b'code="E.2" event="ContentHandoverFailure"'),
        (b"12/VPCP", b"13/VPCP"),
        (b"T03:00", b"T02:00"),
    ],
)
def test_a_signed_receipt_cannot_be_made_to_say_something_else(old: bytes, new: bytes) -> None:
    data = receipt.signed(HANDED_OVER, pki.signer("H29"), pki.NOW)
    assert old in data
    with pytest.raises(Rejected):
        parcel.verify(data.replace(old, new), pki.registry(), pki.NOW)
    assert parcel.verify(data, pki.registry(), pki.NOW).signer == "H29"


def test_an_attacker_cannot_sign_a_receipt_in_the_name_of_the_hub() -> None:
    forged = parcel.verify(receipt.signed(ACCEPTED, pki.signer("G22"), pki.NOW), pki.registry(), pki.NOW)
    assert fault_of(forged.content, forged.signer) is Fault.RECEIPT_INVALID
    with pytest.raises(Rejected) as caught:
        parcel.verify(receipt.signed(ACCEPTED, pki.impostor(), pki.NOW), pki.registry(), pki.NOW)
    assert caught.value.fault is Fault.SIG_SIGNER


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'code="E.2"', b'code="E.1"'),
        (b'code="E.2"', b'code="A.2"'),
        (b'event="ContentHandoverFailure"', b'event="ContentHandoverfailure"'),
        (b'event="ContentHandoverFailure"', b""),
        (b'recipient="H29"', b""),
        (b".000Z", b".000000Z"),
        (b".000Z", b"+00:00"),
        (b'retry="yes"', b'retry="no"'),
        (b'retry="yes"', b'retry="true"'),
        (b"<submission ", b"<submission  "),
        (b"<submission ", b'<submission x="y" '),
        (b"<submission ", b"<!-- x --><submission "),
        (b'kind="new"', b'type="new"'),
        (b'lang="vi"', b'lang="en"'),
        (b"urn:axis:receipt:1", b"urn:axis:receipt:2"),
        (b"12/VPCP", b"&#49;2/VPCP"),
        (b"12/VPCP", b"<![CDATA[1]]>2/VPCP"),
        (b'installation="test"', b'installation="test" registry="0"'),
        (b'installation="test"', b'installation="test" registry="07"'),
        (b'installation="test"', b'installation="test" registry="x"'),
        (b"</receipt>\n", b"</receipt>"),
        (b"\n", b"\r\n"),
        (b"<text", b"<more/><text"),
        (b"    <reason", b"    <x/><reason"),
    ],
)
def test_every_other_way_to_write_it_is_refused(old: bytes, new: bytes) -> None:
    data = receipt.write(NOT_TAKEN)
    assert old in data
    assert fault_of(data.replace(old, new, 1), "H29") is Fault.RECEIPT_INVALID


def test_a_registry_version_below_one_is_refused() -> None:
    data = receipt.write(ACCEPTED).replace(b'registry="7"', b'registry="-7"')
    assert not valid(data)
    assert fault_of(data, HUB) is Fault.RECEIPT_INVALID


def test_a_receipt_cut_at_any_byte_is_refused() -> None:
    data = receipt.write(NOT_TAKEN)
    for length in range(len(data)):
        with pytest.raises(Rejected):
            receipt.read(data[:length], "H29")


# -- Hostile names -----------------------------------------------------------------------------------------

HOSTILE = [
    "12\"/VP'CP",
    "a\nb",
    "a\rb",
    "a\r\nb",
    "a\tb",
    " a ",
    "<receipt>&amp;</receipt>",
    "]]>",
    "<![CDATA[x]]>",
    "<!-- -->",
    "&#13;",
    "\u202e12/VPCP",
    "\u200b\ufeff",
    "x\x85\u2028y",
    "𠮷",
    "../../etc/passwd",
    "%s{got}",
    "=cmd|' /C calc'!A0",
    "12/2026/QĐ-TTg",
    "",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_document_id_comes_back_as_it_was(hostile: str) -> None:
    odd = replace(
        HANDED_OVER,
        subject=replace(SUBJECT, document_id=hostile, kind=hostile, sender=hostile, axis_id=hostile),
        installation=hostile,
    )
    data = receipt.write(odd)
    assert receipt.read(data, "H29") == odd
    assert valid(data)


texts = st.text(st.one_of(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"),
                          st.sampled_from("<>&'\"\t\n\r ]")), max_size=30)  # fmt: skip


@settings(max_examples=examples(200), deadline=None)
@given(
    texts, texts, texts, st.lists(st.tuples(texts, st.text(max_size=40), st.text(max_size=40)), min_size=1, max_size=3)
)
def test_any_names_and_reasons_are_written_so_that_they_can_be_read(
    document_id: str, kind: str, statement_id: str, why: list[tuple[str, str, str]]
) -> None:
    reasons = tuple(Reason(code, vi, en) for code, vi, en in why)
    odd = replace(
        NOT_TAKEN,
        subject=replace(SUBJECT, document_id=document_id, kind=kind),
        statements=(replace(NOT_TAKEN.statements[0], id=statement_id, reasons=reasons),),
    )
    data = receipt.write(odd)
    assert valid(data)
    again = receipt.read(data, "H29")
    assert again.subject == odd.subject
    assert again.statements[0].id == statement_id
    # Reasons are sentences for people: what XML cannot carry is a space there.
    assert [r.code for r in again.statements[0].reasons] == [r.code for r in reasons]
    assert [len(r.text_vi) for r in again.statements[0].reasons] == [len(r.text_vi) for r in reasons]
    assert receipt.write(again) == data


def test_reasons_are_the_catalogues_sentences_in_both_languages_errors_only() -> None:
    problems = [
        Problem(Fault.AGENCY_UNKNOWN, "To/OrganId", got="X99", retry=True),
        Problem(Fault.PACKET_TOO_LONG, severity="warning"),
    ]
    (reason,) = receipt.reasons(problems)
    assert (reason.code, reason.retry) == ("AGENCY_UNKNOWN", True)
    assert reason.text_vi.startswith("To/OrganId: Cơ quan «X99»")
    assert reason.text_en.startswith("To/OrganId: Agency 'X99'")


def test_times_keep_their_milliseconds_and_come_back_in_utc() -> None:
    moment = pki.NOW + timedelta(milliseconds=123)
    changed = replace(CONSIGNED, statements=(replace(CONSIGNED.statements[0], time=moment),))
    assert receipt.read(receipt.write(changed), HUB).statements[0].time == moment


@pytest.mark.parametrize("name", ["leg", "outcome", "evidence"])
def test_what_only_deadlines_and_certificates_have_is_refused_on_every_other_statement(name: str) -> None:
    (good,) = HANDED_OVER.statements
    forged = replace(HANDED_OVER, statements=(replace(good, **{name: "x"}),))
    assert fault_of(receipt.write(forged), "H29") is Fault.RECEIPT_INVALID
    assert receipt.read(receipt.write(HANDED_OVER), "H29") == HANDED_OVER


@pytest.mark.parametrize("field", ["axis_id", "kind", "sender", "document_id"])
def test_an_identifier_is_no_longer_than_a_packets_document_id(field: str) -> None:
    longest = replace(HANDED_OVER, subject=replace(HANDED_OVER.subject, **{field: "x" * 200}))
    assert receipt.read(receipt.write(longest), "H29") == longest
    over = replace(HANDED_OVER, subject=replace(HANDED_OVER.subject, **{field: "x" * 201}))
    assert fault_of(receipt.write(over), "H29") is Fault.RECEIPT_INVALID
