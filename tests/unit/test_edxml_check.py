"""What is wrong with a packet is said all at once, each with its place: errors forbid it, warnings travel along."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from axis.core import edxml
from axis.errors import Fault

PACKETS = Path(__file__).parent.parent / "data" / "packets"
NS = edxml.NAMESPACE
FIXED = {name: (PACKETS / f"{name}.edxml").read_bytes() for name in ("edoc_new", "edoc_update", "edoc_replace")}
STATUS = (PACKETS / "status_02_rejection.edxml").read_bytes()
UPDATE, REPLACE = FIXED["edoc_update"], FIXED["edoc_replace"]
NEW = re.sub(rb"\s*<Signature.*?</Signature>", b"", FIXED["edoc_new"], flags=re.DOTALL)


def located(root: etree._Element, path: str) -> etree._Element:
    """The element at a canonical path, made where it is not there."""
    place = {"TraceHeaderList": "edXMLHeader/TraceHeaderList", "edXMLManifest": "edXMLBody/edXMLManifest"}
    first, _, rest = path.partition("/")
    steps = "edXMLEnvelope/" + (f"{place[first]}/{rest}" if first in place else f"edXMLHeader/MessageHeader/{path}")
    node = root
    for step in steps.strip("/").split("/"):
        name, _, number = step.partition("[")
        children = node.findall(f"{{{NS}}}{name}")
        at = int(number.rstrip("]") or 1) - 1
        node = children[at] if at < len(children) else etree.SubElement(node, f"{{{NS}}}{name}")
    return node


def put(path: str, value: str, source: bytes = NEW) -> bytes:
    """`source` with `value` at `path`."""
    root = etree.fromstring(source)
    located(root, path).text = value
    return etree.tostring(root)


def without(path: str, source: bytes = NEW) -> bytes:
    root = etree.fromstring(source)
    node = located(root, path)
    parent = node.getparent()
    assert parent is not None
    parent.remove(node)
    return etree.tostring(root)


def findings(data: bytes) -> list[tuple[str, Fault, str]]:
    return [(p.severity, p.fault, p.path) for p in edxml.convert(data).problems]


# -- Lengths -----------------------------------------------------------------------------------------------------

# What NĐ 30/2020 Annex VI and TT 01/2022 state, or the client library breaks on.
HARD = [
    ("From/OrganName", 200),
    ("To[1]/OrganName", 200),
    ("Code/CodeNumber", 11),
    ("Code/CodeNotation", 30),
    ("DocumentType/TypeName", 100),
    ("Subject", 500),
    ("SignerInfo/Position", 100),
    ("SignerInfo/FullName", 50),
    ("DocumentId", 200),
    ("ResponseFor[1]/DocumentId", 200),
]
# What the validators of one client or another know.
SOFT = [
    ("From/OrganizationInCharge", 200),
    ("From/OrganAdd", 250),
    ("From/Email", 100),
    ("From/Telephone", 20),
    ("From/Fax", 20),
    ("From/Website", 100),
    ("To[2]/OrganAdd", 250),
    ("PromulgationInfo/Place", 50),
    ("Content", 500),
    ("SignerInfo/Competence", 100),
    ("OtherInfo/SphereOfPromulgation", 100),
    ("OtherInfo/TyperNotation", 10),
    ("OtherInfo/Appendixes/Appendix[2]", 250),
    ("ResponseFor[1]/Code", 45),
    ("ToPlaces/Place[2]", 150),
    ("TraceHeaderList/Bussiness/BussinessDocReason", 500),
    ("TraceHeaderList/Bussiness/StaffInfo/Department", 250),
    ("TraceHeaderList/Bussiness/StaffInfo/Staff", 100),
    ("TraceHeaderList/Bussiness/StaffInfo/Mobile", 20),
    ("edXMLManifest/Reference[1]/Description", 500),
]


@pytest.mark.parametrize(
    ("path", "limit", "severity"),
    [(*case, "error") for case in HARD] + [(*case, "warning") for case in SOFT],
    ids=str,
)
def test_a_text_may_be_as_long_as_its_limit_and_no_longer(path: str, limit: int, severity: str) -> None:
    assert (severity, Fault.PACKET_TOO_LONG, path) not in findings(put(path, "ộ" * limit))
    found = findings(put(path, "ộ" * (limit + 1)))
    assert [f for f in found if f[1] is Fault.PACKET_TOO_LONG] == [(severity, Fault.PACKET_TOO_LONG, path)]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("From/OrganId", NEW),
        ("To[2]/OrganId", NEW),
        ("TraceHeaderList/Bussiness/BussinessDocumentInfo/ReceiverList/Receiver[2]/OrganId", UPDATE),
        ("TraceHeaderList/Bussiness/ReplacementInfoList/ReplacementInfo[1]/OrganIdList/OrganId[1]", REPLACE),
        ("ResponseFor/OrganId", STATUS),
    ],
)  # fmt: skip
def test_an_agency_code_has_35_characters_at_most_and_a_form(path: str, source: bytes) -> None:
    longest = "A01" + ".A" * 16
    assert [f for f in findings(put(path, longest, source)) if f[0] == "error"] == []
    assert ("error", Fault.PACKET_TOO_LONG, path) in findings(put(path, longest + "A", source))
    assert ("error", Fault.PACKET_ORGAN, path) in findings(put(path, "VPCP", source))


@pytest.mark.parametrize("path", ["ResponseFor[1]/OrganId", "TraceHeaderList/TraceHeader[1]/OrganId"])
@pytest.mark.parametrize("code", ["null", "000.00.H41", "VPCP", "A01" + ".A" * 17])
def test_a_code_that_nobody_delivers_to_may_be_anything(path: str, code: str) -> None:
    found = findings(put(path, code))
    assert [(severity, where) for severity, _, where in found] == [("warning", path)]


# -- Numbers, flags, dates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "good", "bad", "severity"),
    [
        ("OtherInfo/Priority", "0 4", "-1 5 10 khẩn 1.0", "error"),
        ("OtherInfo/PromulgationAmount", "0 999", "1000 -1 hai", "error"),
        ("OtherInfo/PageAmount", "0 999", "1000 -1 3tr", "error"),
        # The client library loses the whole packet over a SteeringType that is no integer; any integer does no harm.
        ("SteeringType", "0 3", "x 1.5 1e3", "error"),
        ("SteeringType", "0 3", "4 -1 99", "warning"),
        ("DocumentType/Type", "0 99", "100 x", "warning"),
        ("DocumentType/TypeDetail", "-1 99", "-2 x", "warning"),
        ("TraceHeaderList/Bussiness/BussinessDocType", "0 3", "4 -1 mới", "error"),
        ("TraceHeaderList/Bussiness/Paper", "0 1", "2 true", "warning"),
    ],
)  # fmt: skip
def test_a_number_has_its_range(path: str, good: str, bad: str, severity: str) -> None:
    for value in good.split():
        assert Fault.PACKET_VALUE not in {fault for _, fault, _ in findings(put(path, value))}
    for value in bad.split():
        found = findings(put(path, value))
        assert [f for f in found if f[1] is Fault.PACKET_VALUE] == [(severity, Fault.PACKET_VALUE, path)]


@pytest.mark.parametrize("path", ["PromulgationInfo/PromulgationDate", "DueDate", "ResponseFor[1]/PromulgationDate"])
@pytest.mark.parametrize("value", ["2021/02/29", "hôm nay", "2021", "15/03/21", "0021/03/15", "2021/3/15x"])
def test_a_date_that_is_no_day_is_an_error(path: str, value: str) -> None:
    assert findings(put(path, value)) == [("error", Fault.PACKET_DATE, path)]


def test_a_status_without_a_moment_is_an_error_and_a_hop_without_one_a_warning() -> None:
    assert findings(put("Timestamp", "sáng nay", STATUS)) == [("error", Fault.PACKET_DATE, "Timestamp")]
    path = "TraceHeaderList/TraceHeader[1]/Timestamp"
    assert findings(put(path, "sáng nay")) == [("warning", Fault.PACKET_DATE, path)]


def test_an_issue_date_in_the_future_is_pointed_out_where_the_day_is_known() -> None:
    packet = edxml.convert(put("PromulgationInfo/PromulgationDate", "2021/03/16")).packet
    assert packet is not None
    late = edxml.check(packet, date(2021, 3, 15))
    assert [(p.severity, p.fault) for p in late] == [("warning", Fault.PACKET_FUTURE)]
    assert edxml.check(packet, date(2021, 3, 16)) == edxml.check(packet) == ()


# -- What must be there ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("From", NEW),
        ("From/OrganId", NEW),
        ("To[2]/OrganId", NEW),
        ("Code", NEW),
        ("Code/CodeNotation", NEW),
        ("PromulgationInfo", NEW),
        ("PromulgationInfo/PromulgationDate", NEW),
        ("Subject", NEW),
        ("TraceHeaderList/Bussiness/BussinessDocType", UPDATE),
        ("ResponseFor", STATUS),
        ("ResponseFor/DocumentId", STATUS),
        ("Timestamp", STATUS),
        ("From", STATUS),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_missing_is_named(path: str, source: bytes) -> None:
    assert ("error", Fault.PACKET_MISSING, path) in findings(without(path, source))


@pytest.mark.parametrize("code", ["02", "16"])
def test_whoever_refuses_must_say_why(code: str) -> None:
    silent = without("Description", put("StatusCode", code, STATUS))
    assert findings(silent) == [("error", Fault.PACKET_MISSING, "Description")]
    assert findings(put("StatusCode", code, STATUS)) == []


@pytest.mark.parametrize("code", ["01", "03", "04", "05", "06", "13", "15"])
def test_other_statuses_need_no_reason(code: str) -> None:
    assert findings(without("Description", put("StatusCode", code, STATUS))) == []


@pytest.mark.parametrize("code", ["00", "07", "12", "14", "17", "1", "AB"])
def test_a_status_code_of_nobodys_list_is_an_error(code: str) -> None:
    assert findings(put("StatusCode", code, STATUS)) == [("error", Fault.PACKET_VALUE, "StatusCode")]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("edoc_recall", "TraceHeaderList/Bussiness/DocumentId"),
        ("edoc_update", "TraceHeaderList/Bussiness/DocumentId"),
        ("edoc_replace", "TraceHeaderList/Bussiness/ReplacementInfoList"),
    ],
)
def test_a_change_must_name_the_document_that_it_changes(name: str, path: str) -> None:
    source = without(
        "Code", without("DocumentId", (PACKETS / f"{name}.edxml").read_bytes())
    )  # nothing to derive it from
    assert ("error", Fault.PACKET_MISSING, path) in findings(without(path, source))


# -- Once or more than once ----------------------------------------------------------------------------------------


def test_the_same_recipient_twice_is_an_error_at_the_second() -> None:
    assert findings(put("To[2]/OrganId", "H41")) == [("error", Fault.PACKET_REPEATED, "To[2]/OrganId")]
    third = put("To[3]/OrganId", "000.00.00.G06")
    assert findings(third) == [("error", Fault.PACKET_REPEATED, "To[3]/OrganId")]


@pytest.mark.parametrize("path", ["Subject", "Code", "Code/CodeNumber", "DocumentId", "TraceHeaderList/Bussiness"])
def test_what_belongs_there_once_is_an_error_twice(path: str) -> None:
    root = etree.fromstring(NEW)
    node = located(root, path)
    node.addnext(etree.fromstring(etree.tostring(node, with_tail=False)))
    assert ("error", Fault.PACKET_REPEATED, path) in findings(etree.tostring(root))


# -- Secrets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["Subject", "DocumentType/TypeName", "OtherInfo/SphereOfPromulgation"])
@pytest.mark.parametrize(
    "marker", ["Mật", "MẬT", "Tối mật", "TUYỆT MẬT", "(Mật)", "Độ mật: Tối mật", "Ma\u0302\u0323t"]
)
def test_a_classified_document_is_refused(path: str, marker: str) -> None:
    assert findings(put(path, marker)) == [("error", Fault.PACKET_SECRET, path)]


@pytest.mark.parametrize(
    "subject",
    [
        "Bảo mật thông tin",
        "V/v bảo mật thông tin",
        "Kế hoạch bảo vệ bí mật nhà nước",
        "Về danh mục bí mật nhà nước độ Tuyệt mật, Tối mật và Mật",
        "Mật độ xây dựng",
        "Hợp tác xã mật ong",
        "Quy chế bảo mật",
    ],
)
def test_a_document_about_secrecy_is_not_classified(subject: str) -> None:
    assert findings(put("Subject", subject)) == []


# -- All at once, with lines ---------------------------------------------------------------------------------------


def test_everything_that_is_wrong_is_said_at_once_each_with_its_line() -> None:
    source = NEW.decode()
    wrong = [
        ("<edXML:CodeNumber>1234<", f"<edXML:CodeNumber>{'1' * 12}<", Fault.PACKET_TOO_LONG, "Code/CodeNumber"),
        ("<edXML:OrganId>G06<", "<edXML:OrganId>g06<", Fault.PACKET_ORGAN, "To[2]/OrganId"),
        ("<edXML:DueDate>2021/03/31<", "<edXML:DueDate>mai<", Fault.PACKET_DATE, "DueDate"),
        ("<edXML:Priority>1<", "<edXML:Priority>9<", Fault.PACKET_VALUE, "OtherInfo/Priority"),
        ("<edXML:TyperNotation>NVA<", f"<edXML:TyperNotation>{'x' * 11}<", Fault.PACKET_TOO_LONG, "OtherInfo/TyperNotation"),
    ]  # fmt: skip
    for old, new, _, _ in wrong:
        assert source.count(old) == 1
        source = source.replace(old, new)
    lines = {path: source[: source.index(new)].count("\n") + 1 for _, new, _, path in wrong}
    problems = edxml.convert(source.encode()).problems
    assert {(p.fault, p.path, p.line) for p in problems} == {(fault, path, lines[path]) for _, _, fault, path in wrong}
    assert [p.path for p in problems if p.severity == "warning"] == ["OtherInfo/TyperNotation"]


def test_every_finding_has_a_sentence_in_both_languages_without_gaps() -> None:
    source = put("Code/CodeNumber", "1" * 12, put("SteeringType", "x", put("DueDate", "mai", without("Subject"))))
    problems = edxml.convert(source).problems
    assert len(problems) == 4
    for problem in problems:
        for sentence in (problem.text("vi"), problem.text("en")):
            assert "?" not in sentence
            assert "{" not in sentence


def test_a_control_character_in_a_value_is_an_error() -> None:
    # XML 1.0 itself excludes the ASCII ones; U+0080 to U+009F are its gap.
    assert findings(put("Subject", "a\u0085b")) == [("error", Fault.PACKET_VALUE, "Subject")]


@pytest.mark.parametrize("path", sorted(PACKETS.glob("*.edxml")), ids=lambda path: path.stem)
def test_the_client_librarys_own_packets_have_no_findings_but_their_signature(path: Path) -> None:
    assert {fault for _, fault, _ in findings(path.read_bytes())} <= {Fault.PACKET_SIGNATURE}
