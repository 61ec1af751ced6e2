"""Every way in which agencies write edXML today is read, and read as the same thing."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from axis.core import edxml
from axis.errors import Fault

PACKETS = Path(__file__).parent.parent / "data" / "packets"
NEW = (PACKETS / "edoc_new.edxml").read_text("utf-8")
NS = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
PDF_ID = "5b1f6a0e-8a55-4f0a-9d5b-0e0f0a1b2c3d"


def changed(*changes: tuple[str, str], source: str = NEW) -> bytes:
    """The library's own packet with each text replaced by another; a text that is not there fails the test."""
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    return source.encode()


def faults(result: edxml.Conversion, severity: str = "error") -> list[tuple[Fault, str]]:
    return [(p.fault, p.path) for p in result.problems if p.severity == severity]


def read(data: bytes) -> edxml.Packet:
    """The packet, which must be without errors."""
    result = edxml.convert(data)
    assert faults(result) == []
    assert result.packet is not None
    assert edxml.read_document(result.document, len(result.attachments)) == result.packet
    return result.packet


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


def test_zipped_attachments_are_unpacked() -> None:
    data = (PACKETS / "edoc_new_zipped_attachments.edxml").read_bytes()
    result = edxml.convert(data)
    packet = read(data)
    assert len(packet.attachments) == len(result.attachments) > 0
    assert all(
        not content.startswith(b"PK\3\4") or a.name.endswith(("x", "zip"))
        for a, content in zip(packet.attachments, result.attachments, strict=True)
    )
    assert b"application/zip" not in result.document
