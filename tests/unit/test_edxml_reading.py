"""Every way in which agencies write edXML today is read, and read as the same thing."""

from __future__ import annotations

import hashlib
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axis.core import edxml
from axis.errors import Fault, Rejected
from tests.sample import examples
from tests.unit.packets import ENCODED, NEW, NS, PACKETS, PDF_ID, UNSIGNED, changed, faults, read, text

# -- What the client library's own parser read from its packets ------------------------------------------------


def test_a_new_document_says_what_the_client_library_reads_in_it() -> None:
    result = edxml.convert(NEW.encode())
    packet = read(NEW.encode())
    assert packet.kind is edxml.Kind.NEW
    assert packet.sender == edxml.Organ("G22", "Văn phòng Chính phủ")
    assert packet.recipients == (
        edxml.Organ("H41", "UBND tỉnh Nghệ An"),
        edxml.Organ("G06", "Bộ Khoa học và Công nghệ"),
    )
    assert packet.document_id == "G22,2021/03/15,1234/VPCP-KSTT"
    assert (packet.number, packet.notation, packet.code) == ("1234", "VPCP-KSTT", "1234/VPCP-KSTT")
    assert (packet.promulgation_date, packet.due_date, packet.priority) == ("2021/03/15", "2021/03/31", 1)
    assert packet.subject == "V/v triển khai gửi, nhận văn bản điện tử"
    assert packet.response_for == (edxml.ResponseFor("H41", "56/UBND-VP", "H41,2021/02/01,56/UBND-VP", "2021/02/01"),)
    assert [(a.content_id, a.name, a.content_type, a.description) for a in packet.attachments] == [
        (PDF_ID, "1234-VPCP-KSTT.signed.pdf", "application/pdf", "Văn bản chính"),
        (
            "6c2a7b1f-9b66-4a1b-8e6c-1f1a1b2c3d4e",
            "Phụ lục I.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "Phụ lục I",
        ),
    ]
    assert [(len(c), hashlib.sha256(c).hexdigest()[:12]) for c in result.attachments] == [
        (611, "8c427e46a707"),
        (958, "010d5bbc5dff"),
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("From/OrganizationInCharge", "Chính phủ"),
        ("From/OrganAdd", "Số 1 Hoàng Hoa Thám, Ba Đình, Hà Nội"),
        ("From/Email", "vanthu@vpcp.example.vn"),
        ("From/Telephone", "02400000000"),
        ("From/Fax", "02400000001"),
        ("From/Website", "vpcp.example.vn"),
        ("To/Telephone", "02380000000"),
        ("PromulgationInfo/Place", "Hà Nội"),
        ("DocumentType/Type", "2"),
        ("DocumentType/TypeDetail", "18"),
        ("DocumentType/TypeName", "Công văn"),
        ("Content", 'Tóm tắt: "triển khai" gửi & nhận <văn bản> điện tử'),
        ("SignerInfo/Competence", "KT. BỘ TRƯỞNG, CHỦ NHIỆM"),
        ("SignerInfo/Position", "Phó Chủ nhiệm"),
        ("SignerInfo/FullName", "Nguyễn Văn A"),
        ("OtherInfo/SphereOfPromulgation", "Lưu hành nội bộ"),
        ("OtherInfo/TyperNotation", "NVA"),
        ("OtherInfo/PromulgationAmount", "2"),
        ("OtherInfo/PageAmount", "3"),
        ("OtherInfo/Direction", "false"),
        ("OtherInfo/Appendixes/Appendix", "Phụ lục I"),
        ("SteeringType", "1"),
        ("ToPlaces/Place", "Như trên"),
    ],
)
def test_each_header_value_of_the_client_library_is_read(path: str, value: str) -> None:
    assert read(NEW.encode()).header.value(*path.split("/")) == value


def test_an_update_tells_what_changes_for_whom() -> None:
    packet = read((PACKETS / "edoc_update.edxml").read_bytes())
    assert packet.kind is edxml.Kind.UPDATE
    assert packet.bussiness_document_id == "G22,2021/03/15,1234/VPCP-KSTT"
    assert packet.bussiness_reason == "Sửa trích yếu; thêm nơi nhận Bộ Y tế, bỏ Bộ KH&CN"
    info = packet.bussiness.get("BussinessDocumentInfo")
    assert info is not None
    assert (info.value("DocumentInfo"), info.value("DocumentReceiver")) == ("1", "1")
    receivers = info.get("ReceiverList")
    assert receivers is not None
    assert [(r.value("OrganId"), r.value("ReceiverType")) for r in receivers.all("Receiver")] == [
        ("G18", "1"),
        ("G06", "0"),
    ]
    assert packet.bussiness.value("StaffInfo", "Mobile") == "0900000000"


def test_recall_and_replace_are_told_by_the_business_number() -> None:
    recall = read((PACKETS / "edoc_recall.edxml").read_bytes())
    assert (recall.kind, recall.bussiness_document_id) == (edxml.Kind.RECALL, "G22,2021/03/15,1234/VPCP-KSTT")
    assert recall.attachments == ()
    replaced = read((PACKETS / "edoc_replace.edxml").read_bytes())
    assert replaced.kind is edxml.Kind.REPLACE
    info = replaced.bussiness.get("ReplacementInfoList", "ReplacementInfo")
    assert info is not None
    assert info.value("DocumentId") == "G22,2021/03/15,1234/VPCP-KSTT"


@pytest.mark.parametrize(
    ("name", "code", "description"),
    [
        ("status_01_inbox", "01", "Đã đến"),
        ("status_02_rejection", "02", "Từ chối: không đúng thẩm quyền"),
        ("status_03_acceptance", "03", "Đã tiếp nhận"),
        ("status_04_assignment", "04", "Đã phân công xử lý"),
        ("status_05_processing", "05", "Đang xử lý"),
        ("status_06_finish", "06", "Đã hoàn thành"),
        ("status_13_cancellation", "13", "Lấy lại văn bản"),
        ("status_15_change-acceptance", "15", "Đồng ý thu hồi/cập nhật"),
        ("status_16_change-rejection", "16", "Từ chối thu hồi/cập nhật: văn bản đã xử lý xong"),
    ],
)
def test_a_status_packet_says_what_the_client_library_reads_in_it(name: str, code: str, description: str) -> None:
    packet = read((PACKETS / f"{name}.edxml").read_bytes())
    assert packet.kind is edxml.Kind.STATUS
    assert (packet.status_code, packet.description) == (code, description)
    sender, about = ("G22", "H41") if code == "13" else ("H41", "G22")
    assert packet.sender.organ_id == sender
    assert packet.response_for == (
        edxml.ResponseFor(about, "1234/VPCP-KSTT", "G22,2021/03/15,1234/VPCP-KSTT", "2021/03/15"),
    )
    assert packet.timestamp == f"2021/03/15 10:12:0{int(code) % 10}"
    assert packet.code == "1234/VPCP-KSTT"
    assert packet.header.value("StaffInfo", "Email") == "c@nghean.example.vn"


def test_what_the_client_library_zipped_comes_out_unzipped_and_a_real_zip_as_it_is() -> None:
    result = edxml.convert((PACKETS / "edoc_new_zipped_attachments.edxml").read_bytes())
    assert faults(result) == []
    assert result.packet is not None
    shas = [(len(content), hashlib.sha256(content).hexdigest()[:12]) for content in result.attachments]
    assert [(a.name, a.content_type) for a in result.packet.attachments] == [
        ("Bieu 01.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("ghi chu.txt", "text/plain"),
        ("ho so.zip", "application/zip"),
        ("1234-VPCP-KSTT.signed", "application/pdf"),
    ]
    assert shas == [(880, "9efec082a9af"), (30, "2d4359bb79e3"), (200, "28c70ae99f07"), (611, "8c427e46a707")]
    assert result.packet.attachments[3].content_id == "b0e7e591-49f4-4062-90c5-8e040931e30a"


# -- Dialects: the same packet, written differently ------------------------------------------------------------

REFERENCE = edxml.convert(NEW.encode())
PLAIN = edxml.convert(UNSIGNED.encode())
ENVELOPE = f'<edXML:edXMLEnvelope xmlns:edXML="{NS}">'
BUSSINESS = re.search(r"\s*<edXML:Bussiness>.*</edXML:Bussiness>", NEW, re.DOTALL)


def unprefixed() -> str:
    return re.sub(r' xmlns:edXML="[^"]*"', "", UNSIGNED).replace("edXML:", "")


def business_last() -> str:
    assert BUSSINESS
    return text((BUSSINESS[0], ""), ("</edXML:TraceHeaderList>", BUSSINESS[0] + "</edXML:TraceHeaderList>"))


def attachments_first() -> str:
    assert ENCODED
    return text((ENCODED[0], ""), (ENVELOPE, ENCODED[0] + ENVELOPE))


DIALECTS = {
    "no prefix": unprefixed(),
    "another prefix": text(("edXML:", "ns0:"), (":edXML=", ":ns0=")),
    "no namespace": unprefixed().replace(f' xmlns="{NS}"', ""),
    "the older namespace": text((NS, "http://www.e-doc.vn/Schema/")),
    "the older namespace, unprefixed": unprefixed().replace(NS, "http://www.e-doc.vn/Schema/"),
    "C#: xlink attributes": text(
        (
            "<edXML:Reference>",
            '<edXML:Reference xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="cid:1" '
            'xlink:role="XLinkRole" xlink:type="simple">',
        ),
        (
            "<edXML:TraceHeaderList>",
            '<edXML:TraceHeaderList id="1" version="1.0" mustUnderstand="1" '
            'actor="http://schemas.xmlsoap.org/soap/actor/next">',
        ),
        ("</edXML:edXMLHeader>", "<edXML:DigitalSignature /></edXML:edXMLHeader>"),
        (f'edXML:ContentTransferEncoded xmlns:edXML="{NS}"', "ContentTransferEncoded"),
        ("/edXML:ContentTransferEncoded", "/ContentTransferEncoded"),
    ),
    "bare content ids in attachments": text(("<ContentId>cid:", "<ContentId>")),
    "cid: twice and thrice": text(
        ("<edXML:ContentId>cid:", "<edXML:ContentId>cid:cid:"), ("<ContentId>cid:", "<ContentId>cid:cid:cid:")
    ),
    "Bussiness last": business_last(),
    "AttachmentEncoded first": attachments_first(),
    "stray Paper": text(
        ("<edXML:Paper>0</edXML:Paper>", ""), ("</edXML:Bussiness>", "</edXML:Bussiness><edXML:Paper>0</edXML:Paper>")
    ),
    "DocumentId last": text(
        ("<edXML:DocumentId>G22,2021/03/15,1234/VPCP-KSTT</edXML:DocumentId>", ""),
        (
            "</edXML:MessageHeader>",
            "<edXML:DocumentId>G22,2021/03/15,1234/VPCP-KSTT</edXML:DocumentId></edXML:MessageHeader>",
        ),
    ),
    "dd/MM/yyyy": text(
        ("<edXML:PromulgationDate>2021/03/15", "<edXML:PromulgationDate>15/03/2021"),
        ("<edXML:DueDate>2021/03/31", "<edXML:DueDate>31/03/2021"),
    ),
    "ISO dates": text(
        ("<edXML:PromulgationDate>2021/03/15", "<edXML:PromulgationDate>2021-03-15"),
        ("<edXML:DueDate>2021/03/31", "<edXML:DueDate>2021-03-31T00:00:00"),
    ),
    "ISO stamp": text(("2021/03/15 09:30:05", "2021-03-15T09:30:05")),
    "ISO stamp of another zone": text(("2021/03/15 09:30:05", "2021-03-15T02:30:05.123Z")),
    "ISO stamp with an offset": text(("2021/03/15 09:30:05", "2021-03-14T22:30:05-04:00")),
    "CDATA": text(
        ("V/v triển khai gửi, nhận văn bản điện tử<", "<![CDATA[V/v triển khai gửi, nhận văn bản điện tử]]><")
    ),
    "comments splitting values": text((">1234<", ">12<!-- x -->34<"), ("JVBERi0", "JVBE<!-- x -->Ri0")),
    "CR LF": UNSIGNED.replace("\n", "\r\n"),
    "blanks around values": re.sub(r">([^<>\s][^<>]*)</", r">\n  \1\t</", UNSIGNED),
    "wrapped base64": re.sub(r"([A-Za-z0-9+/=]{76})", r"\1\n", UNSIGNED),
    "no declaration": UNSIGNED.partition("?>")[2].lstrip(),
    "empty elements": text(
        ("<edXML:DueDate>", "<edXML:ResponseFor><edXML:Code/></edXML:ResponseFor><edXML:DueDate>"),
        ("<edXML:Content>", "<edXML:ApplicationType> </edXML:ApplicationType><edXML:Content>"),
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_same_packet_in_another_dialect_has_the_same_canonical_bytes(dialect: str) -> None:
    source = DIALECTS[dialect]
    assert source != UNSIGNED
    result = edxml.convert(source.encode())
    assert faults(result) == []
    assert result.document.decode() == PLAIN.document.decode()
    assert result.attachments == PLAIN.attachments


def test_the_older_form_of_codes_is_read_and_kept_as_written() -> None:
    packet = read(changed((">G22<", ">000.00.00.G22<"), (">H41<", ">000.00.00.H41<")))
    assert packet.sender.organ_id == "000.00.00.G22"
    assert packet.recipients[0].organ_id == "000.00.00.H41"


def test_the_least_packet_needs_no_signature_manifest_or_attachment() -> None:
    assert ENCODED
    source = text((ENCODED[0], ""))
    source = re.sub(r"\s*<edXML:edXMLBody>.*</edXML:edXMLBody>", "", source, flags=re.DOTALL)
    result = edxml.convert(source.encode())
    assert (faults(result), result.attachments) == ([], ())
    # Clients read a missing manifest as null, and stumble over it.
    assert b'<edXML:edXMLManifest version="1.0">' in result.document


def test_the_client_librarys_signature_is_kept_and_said_to_be_none() -> None:
    assert b"<SignatureValue>AAECAwQ=</SignatureValue>" in REFERENCE.document
    assert [(p.fault, p.severity) for p in REFERENCE.problems] == [(Fault.PACKET_SIGNATURE, "warning")]


@pytest.mark.parametrize(
    "unknown",
    [
        "<edXML:Foo>x &amp; y</edXML:Foo>",
        '<edXML:Foo a="1" edXML:b="2"><edXML:Bar/><edXML:Bar>x</edXML:Bar>tail</edXML:Foo>',
        '<f:Foo xmlns:f="urn:f" xmlns:g="urn:g" g:a="&lt;&quot;"><g:B>]]&gt;</g:B><edXML:C/></f:Foo>',
        '<Foo xmlns="urn:f"><B>x\ny</B></Foo>',
        '<edXML:Email2 xml:lang="vi"> blanks kept </edXML:Email2>',
    ],
)
@pytest.mark.parametrize(
    "place",
    ["</edXML:MessageHeader>", "</edXML:From>", "</edXML:Code>", "</edXML:Bussiness>", "</edXML:edXMLHeader>",
     "</edXML:edXMLEnvelope>", "</edXML:edXMLManifest>", "</AttachmentEncoded>"],
)  # fmt: skip
def test_an_unknown_element_is_kept_wherever_it_stands(unknown: str, place: str) -> None:
    if place == "</AttachmentEncoded>":
        unknown = unknown.replace(" ", f' xmlns:edXML="{NS}" ', 1) if "edXML:" in unknown else unknown
        unknown = unknown.replace("<edXML:Foo>", f'<edXML:Foo xmlns:edXML="{NS}">')
    source = UNSIGNED.replace(place, unknown + place)
    result = edxml.convert(source.encode())
    assert faults(result) == []
    assert [f for f, _ in faults(result, "warning")] == [Fault.PACKET_UNKNOWN] * len(
        re.findall(re.escape(place), UNSIGNED)
    )
    assert result.packet is not None
    assert edxml.read_document(result.document, 2) == result.packet
    again = edxml.convert(edxml.write_packet(result.document, result.packet, result.attachments))
    assert again.document == result.document
    assert re.search(rb"<(\w+:)?(Foo|Email2)\b", result.document)


def test_an_element_inside_a_value_is_kept_whole_and_the_value_is_not_guessed() -> None:
    result = edxml.convert(text(("<edXML:Content>Tóm", "<edXML:Content><b>T</b>óm")).encode())
    assert f'<b xmlns="{NS}">T</b>óm tắt'.encode() in result.document
    assert (Fault.PACKET_UNKNOWN, "Content") in faults(result, "warning")


def test_an_empty_standard_element_says_nothing_and_leaves_nothing() -> None:
    result = edxml.convert(text(("</edXML:MessageHeader>", "<edXML:ToPlaces/></edXML:MessageHeader>")).encode())
    assert result.document == PLAIN.document


# -- What real systems leave out or write otherwise ------------------------------------------------------------


def without_part(name: str, kind: str = "new") -> bytes:
    """The library's own packet of this kind without the last element of this name."""
    source = (PACKETS / f"edoc_{kind}.edxml").read_text("utf-8")
    found = list(re.finditer(rf"\s*<edXML:{name}>.*?</edXML:{name}>", source, re.DOTALL))
    return (source[: found[-1].start()] + source[found[-1].end() :]).encode()


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (without_part("Bussiness"), "no Bussiness"),
        (without_part("TraceHeaderList"), "no TraceHeaderList"),
        (
            re.sub(rb"<edXML:Bussiness>.*?</edXML:Bussiness>", b"<edXML:Bussiness/>", NEW.encode(), flags=re.DOTALL),
            "empty",
        ),
        (
            re.sub(
                rb"<edXML:Bussiness>.*?</edXML:Bussiness>",
                b"<edXML:Bussiness><edXML:Paper>0</edXML:Paper></edXML:Bussiness>",
                NEW.encode(),
                flags=re.DOTALL,
            ),
            "a Bussiness that says nothing",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_packet_that_does_not_say_what_is_to_be_done_is_a_new_document(source: bytes, what: str) -> None:
    packet = read(source)
    assert (packet.kind, packet.bussiness.value("BussinessDocType")) == (edxml.Kind.NEW, "0")
    assumed = [p for p in edxml.convert(source).problems if p.fault is Fault.PACKET_ASSUMED]
    assert [(p.severity, p.path, p.got) for p in assumed] == [
        ("warning", "TraceHeaderList/Bussiness/BussinessDocType", "0")
    ]


def test_a_reason_or_a_document_without_a_type_is_no_new_document() -> None:
    for said in (
        "<edXML:BussinessDocReason>Thu hồi</edXML:BussinessDocReason>",
        "<edXML:DocumentId>x</edXML:DocumentId>",
    ):
        bussiness = f"<edXML:Bussiness>{said}</edXML:Bussiness>"
        source = re.sub(r"<edXML:Bussiness>.*?</edXML:Bussiness>", bussiness, NEW, flags=re.DOTALL)
        found = faults(edxml.convert(source.encode()))
        assert found == [(Fault.PACKET_MISSING, "TraceHeaderList/Bussiness/BussinessDocType")]


@pytest.mark.parametrize("kind", ["recall", "update"])
def test_a_change_is_about_the_document_that_its_header_names_where_it_names_none_itself(kind: str) -> None:
    source = without_part("DocumentId", kind)
    packet = read(source)
    assert packet.document_id
    assert packet.target == packet.bussiness_document_id == packet.document_id
    assumed = [p for p in edxml.convert(source).problems if p.fault is Fault.PACKET_ASSUMED]
    assert [(p.severity, p.path, p.got) for p in assumed] == [
        ("warning", "TraceHeaderList/Bussiness/DocumentId", packet.document_id)
    ]


@pytest.mark.parametrize(
    ("list_name", "item", "parent"),
    [
        ("ReplyFors", "ReplyFor", "OtherInfo"),
        ("Appendixes", "Appendix", "OtherInfo"),
        ("ResponseForTask", "TaskCode", ""),
        ("ToPlaces", "Place", ""),
    ],
)
def test_the_value_of_a_list_without_the_element_around_it_is_kept(list_name: str, item: str, parent: str) -> None:
    written = f"<{list_name}> 12/UBND-VX </{list_name}>"
    source = re.sub(rf"<edXML:{list_name}>.*?</edXML:{list_name}>", "", NEW, flags=re.DOTALL)
    end = f"</edXML:{parent or 'MessageHeader'}>"
    bare = changed((end, written.replace("<", "<edXML:").replace("<edXML:/", "</edXML:") + end), source=source)
    whole = changed(
        (end, f"<edXML:{list_name}><edXML:{item}>12/UBND-VX</edXML:{item}></edXML:{list_name}>{end}"), source=source
    )
    assert edxml.convert(bare).document == edxml.convert(whole).document
    assert f"<edXML:{item}>12/UBND-VX</edXML:{item}>".encode() in edxml.convert(bare).document
    assert edxml.convert(bare).problems == edxml.convert(whole).problems


SIGNED = """<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><Object><SignatureProperties xmlns=""><SignatureProperty
Target="#s"><edXML:Name xmlns:edXML="urn:other">x</edXML:Name></SignatureProperty></SignatureProperties></Object></Signature>"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("</edXML:edXMLHeader>", SIGNED + "</edXML:edXMLHeader>"),
        ("<AttachmentEncoded>", '<AttachmentEncoded xmlns="">'),
        (
            "</edXML:MessageHeader>",
            '<other xmlns="urn:other"><a xmlns=""><b xmlns="urn:b"/></a></other></edXML:MessageHeader>',
        ),
    ],
    ids=["in a signature", "attachments", "in an element of another namespace"],
)
def test_an_element_of_no_namespace_is_read_as_ours_and_written_as_ours(old: str, new: str) -> None:
    source = re.sub(r"\s*<Signature.*?</Signature>", "", NEW, flags=re.DOTALL)
    result = edxml.convert(changed((old, new), source=source))
    packet = read(changed((old, new), source=source))
    assert b'xmlns=""' not in result.document, "which readers before did not take"
    again = edxml.convert(edxml.write_packet(result.document, packet, result.attachments))
    assert (again.document, again.attachments) == (result.document, result.attachments)
    assert [len(content) for content in result.attachments] == [
        len(c) for c in edxml.convert(source.encode()).attachments
    ]


def test_a_subject_may_quote_what_an_element_must_not_be() -> None:
    subject = 'V/v xmlns="" và http://www.w3.org/2001/XInclude'
    packet = read(re.sub(r"(<edXML:Subject>).*?(<)", rf"\g<1>{subject}\g<2>", NEW).encode())
    assert packet.subject == subject


@pytest.mark.parametrize("part", ["ContentId", "AttachmentName"])
def test_a_reference_and_its_attachment_pair_in_whatever_normal_form_each_is_written(part: str) -> None:
    old, new = (PDF_ID, "tệp-ế") if part == "ContentId" else ("1234-VPCP-KSTT.signed.pdf", "Quyết định ế.pdf")
    composed = NEW.replace(old, unicodedata.normalize("NFC", new))
    first, second, rest = composed.partition("<AttachmentEncoded>")
    mixed = first + second + unicodedata.normalize("NFD", rest)
    assert mixed != composed
    assert faults(edxml.convert(mixed.encode())) == []
    assert edxml.convert(mixed.encode()).attachments == edxml.convert(composed.encode()).attachments


def test_an_id_is_known_by_one_normal_form_and_carried_as_it_was_written() -> None:
    written = unicodedata.normalize("NFD", "G22,2021/03/15,1234/VPCP-ế")
    result = edxml.convert(changed(("G22,2021/03/15,1234/VPCP-KSTT", written)))
    packet = result.packet
    assert packet is not None
    assert (packet.document_id, packet.target) == (unicodedata.normalize("NFC", written),) * 2
    assert packet.target_as_written == written
    assert f"<edXML:DocumentId>{written}</edXML:DocumentId>".encode() in result.document


# -- What is no packet -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (changed(("?>", '?><!DOCTYPE x SYSTEM "file:///etc/passwd">')), Fault.XML_DTD),
        (b"", Fault.XML_SYNTAX),
        (b"<a/>", Fault.XML_ROOT),
        (f'<edXML xmlns="{NS}"/>'.encode(), Fault.PACKET_KIND),
        (f'<edXML xmlns="{NS}"><edXMLEnvelope><edXMLHeader/></edXMLEnvelope></edXML>'.encode(), Fault.PACKET_KIND),
        (b'<edXML xmlns="urn:x"/>', Fault.XML_ROOT),
    ],
    ids=["DOCTYPE", "nothing", "another root", "no envelope", "no header", "another namespace"],
)
def test_what_is_no_packet_is_refused_with_one_reason(data: bytes, fault: Fault) -> None:
    result = edxml.convert(data)
    assert (result.packet, result.document) == (None, b"")
    assert [p.fault for p in result.problems] == [fault]


@settings(max_examples=examples(150), deadline=None)
@given(st.data())
def test_no_damage_to_a_packet_raises_anything(data: st.DataObject) -> None:
    damaged = bytearray(NEW.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        length = data.draw(st.integers(0, 40))
        damaged[at : at + length] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b"<", b"/>", b">", b"</x>", b"&"])
        )
    result = edxml.convert(bytes(damaged))
    assert result.packet is not None or faults(result)
    if result.packet is not None and not faults(result):
        assert edxml.read_document(result.document, len(result.attachments)) == result.packet


def test_a_parcels_document_must_be_canonical_to_the_byte() -> None:
    at = REFERENCE.document.index(b"<edXML:DocumentId>")
    with pytest.raises(Rejected) as caught:
        edxml.read_document(REFERENCE.document[:at] + b" " + REFERENCE.document[at:], 2)
    assert [(p.fault, p.got, p.line) for p in caught.value.problems] == [
        (Fault.PACKET_NOT_CANONICAL, f"byte {at}", REFERENCE.document[:at].count(b"\n") + 1)
    ]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_parcel_with_more_or_fewer_files_than_references_is_refused(count: int) -> None:
    with pytest.raises(Rejected) as caught:
        edxml.read_document(REFERENCE.document, count)
    assert caught.value.problems[0].fault is Fault.PACKET_ATTACHMENTS
