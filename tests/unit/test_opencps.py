"""Applications as OpenCPS writes them are read, and what the axis writes is read as well."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from axis.core import edxml
from axis.core.edxml import Organ, opencps
from axis.errors import Fault

NUMBER = "000.00.14.H20-200703-0002"
NEW = (Path(__file__).parent.parent / "data" / "packets" / "edoc_new.edxml").read_text("utf-8")


def theirs(
    subject: str = f"STTTT_XBI05/NGUYỄN THỊ A/{NUMBER}", references: str = NUMBER, kind: str = "MCDT_DT"
) -> bytes:
    """The packet as OpenCPS' builder puts it together: no DocumentId of its own, the number in three places."""
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope><edXMLHeader><MessageHeader>
<From><OrganId>000.00.14.H20</OrganId><OrganName>Sở Thông tin và Truyền thông</OrganName></From>
<To><OrganId>000.00.00.H20</OrganId><OrganName>UBND tỉnh Đồng Tháp</OrganName></To>
<Code><CodeNumber>{NUMBER}</CodeNumber><CodeNotation>Hồ sơ liên thông</CodeNotation></Code>
<PromulgationInfo><Place>Đồng Tháp</Place><PromulgationDate>2020/06/01</PromulgationDate></PromulgationInfo>
<DocumentType><Type>1</Type><TypeName>Cong van</TypeName></DocumentType>
<Subject>{subject}</Subject><Content>Cấp giấy phép xuất bản</Content>
<OtherInfo><Priority>0</Priority><ReferenceCodes>{references}</ReferenceCodes></OtherInfo>
<SteeringType>1</SteeringType><ApplicationType>{kind}</ApplicationType></MessageHeader>
<TraceHeaderList><TraceHeader><OrganId>000.00.14.H20</OrganId><Timestamp>2020/06/01 08:00:00</Timestamp></TraceHeader>
<Bussiness><BussinessDocType>0</BussinessDocType><DocumentId>{NUMBER}</DocumentId><Paper>1</Paper></Bussiness>
</TraceHeaderList></edXMLHeader><edXMLBody><edXMLManifest/></edXMLBody></edXMLEnvelope></edXML>"""
    return text.encode()


def test_an_application_of_opencps_travels_with_its_number_and_without_its_applicant() -> None:
    converted = edxml.convert(theirs())
    assert [one for one in converted.problems if one.severity == "error"] == []
    packet = converted.packet
    assert packet is not None
    assert (packet.number, packet.document_id, packet.subject) == ("0002", NUMBER, f"STTTT_XBI05/{NUMBER}")
    assert packet.header.value("OtherInfo", "ReferenceCodes") == NUMBER
    assert "NGUYỄN" not in converted.document.decode()
    assert "NGUYỄN" not in " ".join(one.text("vi") + one.path for one in converted.problems)
    put_right = [one.path for one in converted.problems if one.fault is Fault.PACKET_APPLICATION]
    assert put_right == ["Code/CodeNumber", "Subject", "DocumentId"]


def test_what_was_put_right_is_read_again_as_it_is() -> None:
    converted = edxml.convert(theirs())
    assert converted.packet is not None
    written = edxml.write_packet(converted.document, converted.packet, converted.attachments)
    again = edxml.convert(written)
    assert (again.document, [one for one in again.problems if one.fault is Fault.PACKET_APPLICATION]) == (
        converted.document,
        [],
    )


@pytest.mark.parametrize(
    ("subject", "kept"),
    [
        (f"X/A/B/{NUMBER}", f"X/{NUMBER}"),
        (f"X/{NUMBER}", f"X/{NUMBER}"),
        ("Về việc A/B/C", "Về việc A/B/C"),
        (NUMBER, NUMBER),
    ],
)
def test_only_what_stands_between_service_and_number_is_left_out(subject: str, kept: str) -> None:
    packet = edxml.convert(theirs(subject)).packet
    assert packet is not None
    assert packet.subject == kept


def test_a_document_that_is_no_application_stays_as_it_is() -> None:
    problems = {one.fault for one in edxml.convert(theirs(kind="OTHER")).problems}
    assert Fault.PACKET_TOO_LONG in problems
    assert Fault.PACKET_APPLICATION not in problems
    assert Fault.PACKET_APPLICATION not in {one.fault for one in edxml.convert(NEW.encode()).problems}


def test_a_packet_that_the_axis_writes_is_canonical_without_findings_and_has_an_id_of_its_content() -> None:
    record = json.dumps({"MaHoSo": NUMBER, "ChuHoSo": "Nguyễn Văn A & <B>"}, ensure_ascii=False).encode()

    def written(content: bytes, kind: str = "MCDT_DT") -> bytes:
        at = datetime(2020, 7, 3, 1, 0, tzinfo=UTC)
        files = {"application.json": content, "don.pdf": b"%PDF-1.4 x"}
        sender, to = Organ("H20.14", "Sở TT&TT"), Organ("G22", "Văn phòng Chính phủ")
        return opencps.application_packet(sender, [to], kind, NUMBER, "Cấp phép\x00 <xuất bản>", at, files)

    converted = edxml.convert(written(record))
    assert converted.problems == ()
    packet = converted.packet
    assert packet is not None
    assert packet.header.value("ApplicationType") == "MCDT_DT"
    assert [one.name for one in packet.attachments] == ["application.json", "don.pdf"]
    assert converted.attachments[0] == record
    assert edxml.read_again(converted) == packet
    assert written(record) == written(record)
    ids = {
        edxml.convert(one).packet.document_id for one in (written(record), written(b"{}"), written(record, "DVCQG_X"))
    }  # type: ignore[union-attr]
    assert len(ids) == 3
