"""What agencies really write, and what an attacker might: nothing is lost in silence, nothing breaks the reader."""

from __future__ import annotations

import base64
import io
import random
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axis.core import edxml
from axis.core.edxml import Conversion, Kind, Organ, ResponseFor
from axis.errors import Fault
from tests.sample import examples

PACKETS = Path(__file__).parents[1] / "data" / "packets"
NEW = (PACKETS / "edoc_new.edxml").read_bytes()
STATUS = (PACKETS / "status_02_rejection.edxml").read_bytes()
NS = edxml.NAMESPACE
BEFORE_SUBJECT = "<edXML:Subject>"


def put(old: str, new: str, data: bytes = NEW) -> bytes:
    """`data` with the first `old` replaced; it must be there."""
    assert old.encode() in data
    return data.replace(old.encode(), new.encode(), 1)


def zipped_pdf(content: bytes) -> bytes:
    """The packet whose first attachment says application/zip and holds `content`."""
    data = put("<ContentType>application/pdf<", "<ContentType>application/zip<")
    found = re.search(rb"<edXML:ContentTransferEncoded[^>]*>([^<]*)<", data)
    assert found
    return data[: found.start(1)] + base64.b64encode(content) + data[found.end(1) :]


def archive(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as out:
        for name, content in entries:
            out.writestr(name, content)
    return buffer.getvalue()


def found(conversion: Conversion, severity: str = "error") -> list[tuple[Fault, str]]:
    return [(p.fault, p.path) for p in conversion.problems if p.severity == severity]


def comes_back(data: bytes) -> Conversion:
    """Convert `data`, without an error, and check that its canonical forms read as the same value."""
    first = edxml.convert(data)
    assert found(first) == []
    assert edxml.read_document(first.document, len(first.attachments)) == first.packet
    assert first.packet is not None
    again = edxml.convert(edxml.write_packet(first.document, first.packet, first.attachments))
    assert again.document == first.document
    assert again.attachments == first.attachments
    return first


@pytest.mark.parametrize("path", sorted(PACKETS.glob("*.edxml")), ids=lambda p: p.stem)
def test_every_packet_of_the_client_library_comes_back_the_same(path: Path) -> None:
    comes_back(path.read_bytes())


BARE = NEW.replace(f'<edXML xmlns="{NS}">'.encode(), f'<edXML:edXML xmlns:edXML="{NS}">'.encode()).replace(
    b"</edXML>", b"</edXML:edXML>"
)


@pytest.mark.parametrize(
    ("told", "data", "kept"),
    [
        ("prefixed root, bare children", BARE, b"<Signature xmlns="),
        (
            "unknown in no namespace",
            put(BEFORE_SUBJECT, "<Foo><B>1</B></Foo>" + BEFORE_SUBJECT, BARE),
            f'<Foo xmlns="{NS}"><B>1</B></Foo>'.encode(),
        ),
        (
            "attachment's own in no namespace",
            put("<AttachmentName>", "<FieldName>f</FieldName><AttachmentName>", BARE),
            f'<FieldName xmlns="{NS}">f</FieldName>'.encode(),
        ),
        (
            "unknown and empty but for an attribute",
            put(BEFORE_SUBJECT, '<q:F xmlns:q="urn:q" level="7"/>' + BEFORE_SUBJECT),
            b'level="7"',
        ),
        (
            "beside the envelope",
            put("</edXML:edXMLEnvelope>", "</edXML:edXMLEnvelope><ErrorList><E>1</E></ErrorList>"),
            b"<E>1</E>",
        ),
        ("beside the attachments", put("<AttachmentEncoded>", "<AttachmentEncoded><Foo>x</Foo>"), b"<Foo"),
        (
            "an attachment with fields of its own",
            put("<Description>Văn", '<FieldName>f</FieldName><q:x xmlns:q="u:q"><y/></q:x><Description>Khác: Văn'),
            b"Kh\xc3\xa1c: V\xc4\x83n",
        ),
        (
            "carriage return, CDATA, a comment",
            put("<edXML:Subject>V/v", "<edXML:Subject>a<![CDATA[<b>]]>&#13; c<!-- -->d ]]&gt;"),
            b"a&lt;b&gt;&#13; cd ]]&gt;",
        ),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_the_standard_does_not_know_is_kept_and_read_the_same(told: str, data: bytes, kept: bytes) -> None:
    assert kept in comes_back(data).document, told


def test_stray_text_and_unknown_attributes_are_not_kept_but_said() -> None:
    stray = edxml.convert(put("<edXML:To>", "stray<edXML:To>"))
    odd = edxml.convert(put("<edXML:Subject>", '<edXML:Subject important="yes" id="1">'))
    assert (Fault.PACKET_DROPPED, "MessageHeader") in found(stray, "warning")
    assert found(odd, "warning").count((Fault.PACKET_DROPPED, "Subject")) == 1


def test_two_envelopes_or_a_field_twice_are_errors() -> None:
    two = put("</edXML:edXMLEnvelope>", "</edXML:edXMLEnvelope><edXMLEnvelope><a>1</a></edXMLEnvelope>")
    twice = put("<edXML:Description>Văn", "<edXML:Description>x</edXML:Description><edXML:Description>Văn")
    content = put(
        "</edXML:ContentTransferEncoded>",
        "</edXML:ContentTransferEncoded><ContentTransferEncoded>QQ==</ContentTransferEncoded>",
    )
    assert found(edxml.convert(two)) == [(Fault.PACKET_REPEATED, "edXMLEnvelope")]
    assert found(edxml.convert(twice)) == [(Fault.PACKET_REPEATED, "edXMLManifest/Reference[1]/Description")]
    assert found(edxml.convert(content)) == [(Fault.PACKET_REPEATED, "AttachmentEncoded/Attachment[1]")]


@pytest.mark.parametrize("number", ["01", "+1", "001"])
def test_a_recall_written_with_a_leading_zero_is_no_new_document(number: str) -> None:
    recall = put(
        "<edXML:BussinessDocType>1<", f"<edXML:BussinessDocType>{number}<", (PACKETS / "edoc_recall.edxml").read_bytes()
    )
    packet = edxml.convert(recall).packet
    assert packet is not None
    assert packet.kind is Kind.RECALL


def test_a_status_packet_with_an_empty_trace_list_is_still_a_status() -> None:
    converted = comes_back(put("</edXML:MessageHeader>", "</edXML:MessageHeader><edXML:TraceHeaderList/>", STATUS))
    assert converted.packet is not None
    assert converted.packet.kind is Kind.STATUS


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("15/3/2021", "2021/03/15"),
        ("2021-03-15", "2021/03/15"),
        ("2021-03-15T00:00:00+07:00", "2021/03/15"),
        ("2021-03-14T17:30:00Z", "2021/03/15"),
        ("2021/03/15 00:00:00", "2021/03/15"),
    ],
)
def test_an_issue_date_is_the_day_in_viet_nam_however_written(written: str, read: str) -> None:
    packet = comes_back(put("<edXML:PromulgationDate>2021/03/15", f"<edXML:PromulgationDate>{written}")).packet
    assert packet is not None
    assert packet.promulgation_date == read


@pytest.mark.parametrize("written", ["2021/02/30", "2021/13/45", "٢٠٢١/٠٣/١٥", "21/3/15"])
def test_a_day_that_does_not_exist_is_an_error(written: str) -> None:
    converted = edxml.convert(put("<edXML:PromulgationDate>2021/03/15", f"<edXML:PromulgationDate>{written}"))
    assert found(converted) == [(Fault.PACKET_DATE, "PromulgationInfo/PromulgationDate")]


@pytest.mark.parametrize("written", ["2021-03-15T10:00:00+99:99", "9999-12-31T23:59:59-01:00", "2021/03/15 25:61:00"])
def test_an_impossible_time_is_a_finding_and_never_an_exception(written: str) -> None:
    converted = edxml.convert(put("2021/03/15 09:30:05", written))
    assert [path for _, path in found(converted, "warning")].count("TraceHeaderList/TraceHeader[1]/Timestamp") == 1


def test_one_agency_under_its_old_and_new_code_is_addressed_twice() -> None:
    assert found(edxml.convert(put("<edXML:OrganId>G06<", "<edXML:OrganId>000.00.00.H41<"))) == [
        (Fault.PACKET_REPEATED, "To[2]/OrganId")
    ]


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (put("<edXML:TypeName>Công văn<", "<edXML:TypeName>Công văn mật<"), "DocumentType/TypeName"),
        (put("<edXML:Subject>V/v", "<edXML:Subject>(TỐI MẬT) V/v"), "Subject"),
        (put("<edXML:Subject>V/v", "<edXML:Subject>Tuyệt mật - V/v"), "Subject"),
        (put("Lưu hành nội bộ", "Độ mật: Mật"), "OtherInfo/SphereOfPromulgation"),
    ],
)
def test_a_marker_of_secrecy_stops_the_packet(data: bytes, path: str) -> None:
    assert found(edxml.convert(data)) == [(Fault.PACKET_SECRET, path)]


@pytest.mark.parametrize(
    "subject", ["Bảo mật thông tin", "Danh mục bí mật nhà nước độ Tuyệt mật, Tối mật", "Mật độ dân số", "Mật ong"]
)
def test_speaking_about_secrecy_is_no_marker(subject: str) -> None:
    comes_back(put("<edXML:Subject>V/v", f"<edXML:Subject>{subject} V/v"))


def test_application_zip_goes_out_only_for_a_name_that_says_zip() -> None:
    missing = comes_back(put("<ContentType>application/pdf</ContentType>", ""))
    lying = comes_back(put("<ContentType>application/pdf<", "<ContentType>application/zip<"))
    itself = comes_back(put("<ContentType>application/docx<", "<ContentType>application/zip<"))
    for converted in (missing, lying, itself):
        assert converted.packet is not None
        assert not any(a.content_type == "application/zip" for a in converted.packet.attachments)
    assert itself.attachments == edxml.convert(NEW).attachments


def test_a_zipped_attachment_is_carried_unzipped() -> None:
    converted = comes_back(zipped_pdf(archive(("a.pdf", b"%PDF"))))
    assert converted.attachments[0] == b"%PDF"


@pytest.mark.parametrize(
    "content",
    [
        archive(("../a.pdf", b"x")),
        archive(("a/b.pdf", b"x")),
        archive(("a.pdf", b"x"), ("b.pdf", b"y")),
        archive(("a.pdf", b"x"), method=zipfile.ZIP_LZMA),
        archive(("a.pdf", b"\0" * (edxml.MAX_ATTACHMENT + 1))),
        archive(("a.pdf", b"x"))[:-30],
    ],
    ids=["climbs out", "folder", "two", "lzma", "bomb", "cut"],
)
def test_an_unsafe_archive_is_refused(content: bytes) -> None:
    assert found(edxml.convert(zipped_pdf(content))) == [(Fault.ATT_ARCHIVE, "AttachmentEncoded/Attachment[1]")]


def test_no_damaged_archive_breaks_the_reader() -> None:
    choose = random.Random(1)
    whole = archive(("a.pdf", b"hello world" * 40))
    packets = zipped_pdf(whole)
    at = packets.index(base64.b64encode(whole))
    verdicts = set()
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(choose.randint(1, 3)):
            damaged[choose.randrange(4, len(whole))] = choose.randrange(256)
        encoded = base64.b64encode(damaged)
        converted = edxml.convert(packets[:at] + encoded + packets[at + len(encoded) :])
        verdicts |= {fault for fault, _ in found(converted)}
    assert verdicts == {Fault.ATT_ARCHIVE}


def test_an_attachments_own_fields_cannot_climb_or_take_the_bytes_place() -> None:
    climbing = edxml.convert(put("<AttachmentName>", "<Format>../../x</Format><AttachmentName>"))
    assert found(climbing) == [(Fault.ATT_NAME, "edXMLManifest/Reference[1]/Attachment/Format")]
    good = comes_back(put("<AttachmentName>", "<Format>pdf</Format><AttachmentName>"))
    forged = re.sub(
        rb'<Format( xmlns="[^"]*")?>pdf</Format>',
        rb"<ContentTransferEncoded\1>QQ==</ContentTransferEncoded>",
        good.document,
    )
    assert forged != good.document
    problems = edxml.check(edxml.read_document(forged, 2))
    assert [(p.fault, p.got) for p in problems if p.severity == "error"] == [
        (Fault.PACKET_REPEATED, "ContentTransferEncoded")
    ]


def test_a_half_read_base64_is_refused() -> None:
    half = put("</edXML:ContentTransferEncoded>", "<x/>AAAA</edXML:ContentTransferEncoded>")
    assert (Fault.ATT_BASE64, "AttachmentEncoded/Attachment[1]") in found(edxml.convert(half))


def test_recipients_given_for_a_status_are_refused_and_not_ignored() -> None:
    assert found(edxml.convert(STATUS, ("H41",))) == [(Fault.PACKET_VALUE, "To")]


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)


@given(TEXT, TEXT)
@settings(max_examples=examples(200), deadline=None)
def test_a_status_from_any_texts_is_canonical(name: str, description: str) -> None:
    about = ResponseFor("G22", "1/A", "G22,2021/03/15,1/A", "2021/03/15")
    document = edxml.status_packet(Organ("H41", name), about, "02", datetime(2021, 3, 15, tzinfo=UTC), description)
    assert edxml.read_document(document, 0).timestamp == "2021/03/15 07:00:00"


XML_TEXT = st.text(
    st.one_of(
        st.sampled_from("ạắộ'\"]]><&\r\n\t=/\u200b\u00a0"),
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"),
    ),
    max_size=40,
)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


@given(XML_TEXT, XML_TEXT, XML_TEXT, st.sampled_from([f' xmlns="{NS}"', ' xmlns="urn:q"', ""]))
@settings(max_examples=examples(200), deadline=None)
def test_any_text_and_any_unknown_element_come_back(subject: str, inside: str, own: str, space: str) -> None:
    data = put(
        "<edXML:Subject>V/v", f"<Foo{space}><B>{_escaped(inside)}</B></Foo><edXML:Subject>V/v {_escaped(subject)} x"
    )
    data = put("<AttachmentName>", f"<FieldName{space}>a{_escaped(own)}</FieldName><AttachmentName>", data)
    converted = edxml.convert(data)
    if not found(converted):
        comes_back(data)
    assert converted.packet is not None
    assert edxml.read_document(converted.document, len(converted.attachments)) == converted.packet
