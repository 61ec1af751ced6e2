"""The canonical form: one for each packet, and nothing is lost on the way there and back."""

from __future__ import annotations

import base64
import os
import re
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from axis import counting
from axis.core import edxml, parcel
from axis.core.edxml import grammar, read
from axis.core.parcel import Parcel
from axis.errors import Fault, Rejected
from tests import pki
from tests.sample import examples

if TYPE_CHECKING:
    from axis.core.edxml.grammar import Element

PACKETS = Path(__file__).parent.parent / "data" / "packets"
NEW = (PACKETS / "edoc_new.edxml").read_text("utf-8")
UNSIGNED = re.sub(r"\s*<Signature.*?</Signature>", "", NEW, flags=re.DOTALL)
NS = edxml.NAMESPACE
ABOUT = edxml.ResponseFor("G22", "1234/VPCP-KSTT", "G22,2021/03/15,1234/VPCP-KSTT", "2021/03/15")


def convert(data: bytes, to: tuple[str, ...] = (), names: dict[str, str] | None = None) -> edxml.Conversion:
    """The conversion, which must be without errors."""
    result = edxml.convert(data, to, names)
    assert [p for p in result.problems if p.severity == "error"] == []
    return result


def handed_over(result: edxml.Conversion) -> bytes:
    assert result.packet is not None
    return edxml.write_packet(result.document, result.packet, result.attachments)


# -- Any packet at all -----------------------------------------------------------------------------------------

LETTERS = st.one_of(
    st.sampled_from("ạắộỹĐ'\"&<>]\r\n\t ="),
    st.sampled_from(["]]>", "<!--", "&amp;", "\r\n", "👍", "e\u0302\u0301"]),
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"),
)
CODES = ["G22", "H29", "H29.10.05", "000.00.00.G06", "000.10.05.H29", "Z01ABC.9", "0101234567", "H41"]


def texts(limit: int) -> st.SearchStrategy[str]:
    inner = st.lists(LETTERS, max_size=12).map("".join)
    return inner.map(lambda text: f"a{text}z"[: limit or 40].strip(" \t\r\n") or "a")


def leaf(spec: Element, draw: st.DrawFn) -> str:
    match spec.type:
        case "date":
            return draw(st.dates(min_value=datetime(1945, 9, 2).date())).strftime("%Y/%m/%d")
        case "timestamp":
            return draw(st.datetimes(min_value=datetime(1945, 9, 2))).strftime("%Y/%m/%d %H:%M:%S")
        case "number":
            return str(draw(st.integers(spec.low or 0, spec.high or 0)))
        case "flag":
            return draw(st.sampled_from("01"))
        case "organ":
            return draw(st.sampled_from(CODES))
        case _:
            return draw(texts(spec.limit))


BUSSINESS = "/edXMLHeader/TraceHeaderList/Bussiness"
CHANGED = {
    1: {f"{BUSSINESS}/DocumentId", f"{BUSSINESS}/BussinessDocReason"},
    2: {
        f"{BUSSINESS}/DocumentId",
        f"{BUSSINESS}/BussinessDocumentInfo",
        f"{BUSSINESS}/BussinessDocumentInfo/DocumentInfo",
    },
    3: {
        f"{BUSSINESS}/ReplacementInfoList",
        f"{BUSSINESS}/ReplacementInfoList/ReplacementInfo",
        f"{BUSSINESS}/ReplacementInfoList/ReplacementInfo/OrganIdList",
        f"{BUSSINESS}/ReplacementInfoList/ReplacementInfo/OrganIdList/OrganId",
    },
}


def written(spec: Element, draw: st.DrawFn, path: str, kind: int, said: Counter[tuple[str, str]]) -> str:
    """An element in a prefix and an order of no importance; `said` counts the values."""
    if not spec.children:
        fixed = {"BussinessDocType": str(kind), "DocumentInfo": "1", "DocumentReceiver": "0"}
        value = fixed.get(spec.name) or leaf(spec, draw)
        said[path, value] += 1
        shown = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
        return f"<e:{spec.name}>{shown}</e:{spec.name}>"
    parts = []
    for inner in spec.children:
        least = 1 if inner.required or f"{path}/{inner.name}" in CHANGED.get(kind, ()) else 0
        for _ in range(draw(st.integers(least, max(least, 2 if inner.many and inner.name != "To" else 1)))):
            if inner.name != "Reference":
                parts.append(written(inner, draw, f"{path}/{inner.name}", kind, said))
    return f"<e:{spec.name}>{''.join(draw(st.permutations(parts)))}</e:{spec.name}>"


@st.composite
def packets(draw: st.DrawFn) -> tuple[bytes, Counter[tuple[str, str]], list[bytes]]:
    """(a packet, its values by path, its attachments)."""
    said: Counter[tuple[str, str]] = Counter()
    envelope = written(grammar.DOCUMENT, draw, "", draw(st.integers(0, 3)), said)
    contents = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=3))
    bodies = references = ""
    for n, content in enumerate(contents):
        name = draw(st.sampled_from(["a.pdf", "Phụ lục I.docx", "x&amp;y.txt", "không đuôi"]))
        references += f"<e:Reference><e:ContentId>cid:{n}</e:ContentId><e:AttachmentName>{n}{name}</e:AttachmentName></e:Reference>"
        bodies += (
            f"<e:Attachment><e:ContentId>{n}</e:ContentId><e:AttachmentName>{n}{name}</e:AttachmentName>"
            f"<e:ContentType>application/octet-stream</e:ContentType>"
            f"<e:ContentTransferEncoded>{base64.b64encode(content).decode()}</e:ContentTransferEncoded></e:Attachment>"
        )
    envelope = envelope.replace("<e:edXMLManifest>", "<e:edXMLManifest>" + references)
    attached = f"<e:AttachmentEncoded>{bodies}</e:AttachmentEncoded>"
    return f'<e:edXML xmlns:e="{NS}">{envelope}{attached}</e:edXML>'.encode(), said, contents


def opened_of(result: edxml.Conversion) -> Parcel:
    data = parcel.build(parcel.DOCUMENT, result.document, result.attachments, pki.signer("G22"), pki.NOW)
    return parcel.verify(data, pki.registry(), pki.NOW)


def values(node: edxml.Node, path: str = "") -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    if node.text and "Reference/" not in path:
        found[path, node.text] += 1
    for child in node.children:
        found += values(child, f"{path}/{child.name}")
    return found


@settings(
    max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(packets())
def test_any_packet_keeps_every_value_and_comes_back_the_same(
    generated: tuple[bytes, Counter[tuple[str, str]], list[bytes]],
) -> None:
    data, said, contents = generated
    result = convert(data)
    assert result.packet is not None
    assert values(result.packet.envelope) == said
    assert list(result.attachments) == contents
    assert edxml.read_document(result.document, len(contents)) == edxml.read_again(result) == result.packet
    opened = opened_of(result)
    assert read._taken_apart(opened) == edxml.read_accepted(opened, opened.content_digest) == result.packet
    again = convert(handed_over(result))
    assert (again.packet, again.document, again.attachments) == (result.packet, result.document, result.attachments)
    assert handed_over(again) == handed_over(result)
    assert edxml.convert(data).document == result.document


# -- Nothing twice -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(PACKETS.glob("*.edxml")), ids=lambda p: p.stem)
def test_what_the_hub_has_accepted_is_taken_apart_to_the_same_packet(path: Path) -> None:
    result = edxml.convert(path.read_bytes())
    assert result.packet is not None
    opened = opened_of(result)
    assert edxml.read_accepted(opened, opened.content_digest) == result.packet
    before = counting.snapshot()
    assert edxml.read_accepted(opened, opened.content_digest) == edxml.read_parcel(opened_of(result))
    more = result.document.count(b" xmlns") > 2  # a signature of its own, or what an attachment says of itself
    assert counting.since(before)["parses"] == 1  # the second one's
    assert (read._taken_apart(opened) is None) == more


def test_what_only_a_sender_wrote_is_read_whole_also_behind_an_acceptance() -> None:
    for more in ('<DeliverAt xmlns="urn:axis:edxml:1">2026/12/01 00:00:00</DeliverAt>', "<Ours>1</Ours>"):
        result = edxml.convert(UNSIGNED.replace("</edXML:MessageHeader>", f"{more}</edXML:MessageHeader>").encode())
        opened = opened_of(result)
        assert read._taken_apart(opened) is None
        assert edxml.read_accepted(opened, opened.content_digest) == result.packet


def test_an_acceptance_of_something_else_spares_no_reading() -> None:
    result = convert(UNSIGNED.encode())
    loose = replace(result, document=result.document.replace(b"\n  <", b"\n   <", 1))
    opened = opened_of(loose)
    assert edxml.read_accepted(opened, opened.content_digest) == result.packet  # if the hub has said so
    for digest in ("", "0" * 64):
        with pytest.raises(Rejected) as caught:
            edxml.read_accepted(opened_of(loose), digest)
        assert caught.value.fault is Fault.PACKET_NOT_CANONICAL


@pytest.mark.parametrize(
    "content", [b"", b"x", b"</edXML:a>", b"<edXML:a>", b"<edXML:a></edXML:b>", b"\xff xmlns xmlns"]
)
def test_what_cannot_be_taken_apart_is_refused_by_the_strict_reader(content: bytes) -> None:
    for text in (content, content + b" xmlns xmlns"):
        data = parcel.build(parcel.DOCUMENT, text, (), pki.signer("G22"), pki.NOW)
        opened = parcel.verify(data, pki.registry(), pki.NOW)
        with pytest.raises(Rejected):
            edxml.read_accepted(opened, opened.content_digest)


def test_a_packet_is_parsed_once_and_its_canonical_text_once_for_schema_and_strict_reader() -> None:
    before = counting.snapshot()
    result = convert(UNSIGNED.encode())
    assert edxml.read_again(result) == result.packet
    assert counting.since(before)["parses"] == 2
    opened, before = opened_of(result), counting.snapshot()
    assert edxml.read_and_check(opened) == (result.packet, edxml.check(edxml.read_document(result.document, 2)))
    before = counting.snapshot()
    assert edxml.read_and_check(opened)[0] is edxml.read_parcel(opened)
    assert counting.since(before)["parses"] == 0


# -- The form ----------------------------------------------------------------------------------------------------


def test_the_canonical_form_is_the_client_librarys_own_but_for_line_ends_and_types() -> None:
    ours = handed_over(convert(UNSIGNED.encode())).decode()
    theirs = UNSIGNED.replace("\r\n", "\n")
    theirs = theirs.replace("<edXML:ContentType>application/zip", "<edXML:ContentType>application/pdf", 1)
    docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    theirs = theirs.replace("<edXML:ContentType>application/zip", f"<edXML:ContentType>{docx}", 1)
    theirs = theirs.replace("<ContentType>application/docx", f"<ContentType>{docx}")
    assert ours == theirs.rstrip("\n") + "\n"


@pytest.mark.parametrize("path", sorted(PACKETS.glob("*.edxml")), ids=lambda path: path.stem)
def test_the_form_has_no_carriage_return_no_blank_at_a_lines_end_and_one_declaration(path: Path) -> None:
    packet = handed_over(convert(path.read_bytes()))
    assert b"\r" not in packet
    assert packet.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<edXML xmlns="')
    assert packet.endswith(b"</edXML>\n")
    assert not re.search(rb"[ \t]\n", packet)
    assert b"cid:cid:" not in packet


def test_the_attachments_bytes_are_in_the_packet_and_not_in_the_document() -> None:
    result = convert(UNSIGNED.encode())
    assert b"AttachmentEncoded" not in result.document
    assert handed_over(result).count(b"<edXML:ContentTransferEncoded") == 2
    assert base64.b64encode(result.attachments[0]) in handed_over(result)


def test_a_packet_without_attachments_says_so_as_the_client_library_does() -> None:
    packet = handed_over(convert((PACKETS / "edoc_recall.edxml").read_bytes()))
    assert b"  <AttachmentEncoded />\n</edXML>\n" in packet


def test_an_attachments_own_fields_go_back_to_the_attachment() -> None:
    fields = "<FieldName>f1</FieldName><MimeType>application/x</MimeType><Format>pdf</Format>"
    result = convert(UNSIGNED.replace("<AttachmentName>1234", fields + "<AttachmentName>1234").encode())
    attachment = handed_over(result).partition(b"<Attachment>")[2].partition(b"</Attachment>")[0]
    for name, value in (("FieldName", "f1"), ("MimeType", "application/x"), ("Format", "pdf")):
        assert re.search(rf'<{name} xmlns="{re.escape(NS)}">{value}</{name}>'.encode(), attachment)
    assert convert(handed_over(result)).document == result.document


# -- Recipients, identity, kinds -----------------------------------------------------------------------------------


def test_recipients_given_outside_replace_those_written() -> None:
    result = convert(UNSIGNED.encode(), ("H29", "H29.10"), {"H29": "UBND & TP"})
    assert result.packet is not None
    assert result.packet.recipients == (edxml.Organ("H29", "UBND & TP"), edxml.Organ("H29.10", ""))
    assert b"H41" not in re.sub(rb"<edXML:ResponseFor>.*</edXML:ResponseFor>", b"", result.document, flags=re.DOTALL)
    untouched = convert(UNSIGNED.encode())
    start, end = b"<edXML:To>", b"<edXML:DocumentId>"
    assert result.document.partition(start)[0] == untouched.document.partition(start)[0]
    assert result.document.partition(end)[2] == untouched.document.partition(end)[2]


def test_recipients_may_be_left_out_where_they_are_given_outside() -> None:
    without = re.sub(r"<edXML:To>.*</edXML:To>", "", UNSIGNED, flags=re.DOTALL).encode()
    assert [p.fault for p in edxml.convert(without).problems] == [Fault.PACKET_MISSING]
    assert convert(without, ("H29",)).packet is not None


def test_a_missing_document_id_is_derived_the_same_way_each_time() -> None:
    line = "<edXML:DocumentId>G22,2021/03/15,1234/VPCP-KSTT</edXML:DocumentId>"
    without = UNSIGNED.replace(line, "").replace("2021/03/15<", "15/03/2021<").encode()
    result = convert(without)
    assert result.packet is not None
    assert result.packet.document_id == "G22,2021/03/15,1234/VPCP-KSTT"
    assert Fault.PACKET_DERIVED_ID in {p.fault for p in result.problems}
    assert result.document == convert(UNSIGNED.encode()).document == convert(without).document


def test_a_document_id_that_cannot_be_derived_is_missing() -> None:
    line = "<edXML:DocumentId>G22,2021/03/15,1234/VPCP-KSTT</edXML:DocumentId>"
    without = UNSIGNED.replace(line, "").replace("<edXML:CodeNumber>1234</edXML:CodeNumber>", "")
    missing = [p.path for p in edxml.convert(without.encode()).problems if p.fault is Fault.PACKET_MISSING]
    assert missing == ["DocumentId", "Code/CodeNumber"]


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-5))])
def test_a_status_packet_speaks_viet_nam_time(zone: timezone) -> None:
    when = datetime(2026, 11, 23, 20, 30, 5, 999, tzinfo=UTC).astimezone(zone)
    packet = edxml.read_document(edxml.status_packet(edxml.Organ("H41", "Nghệ An"), ABOUT, "03", when, "ok"), 0)
    assert (packet.kind, packet.status_code, packet.timestamp) == (edxml.Kind.STATUS, "03", "2026/11/24 03:30:05")
    assert (packet.sender, packet.response_for) == (edxml.Organ("H41", "Nghệ An"), (ABOUT,))
    assert edxml.check(packet) == ()


def test_a_long_reason_is_cut_to_what_a_status_can_hold_and_stays_canonical() -> None:
    reason = "x" * 499 + " y" * 300
    document = edxml.status_packet(edxml.Organ("H41"), ABOUT, "02", datetime(2026, 1, 1, tzinfo=UTC), reason)
    packet = edxml.read_document(document, 0)
    assert packet.description == "x" * 499
    assert edxml.check(packet) == ()


def test_fifty_megabytes_are_converted_and_written_in_seconds() -> None:
    content = os.urandom(50 * 1024 * 1024)
    encoded = base64.b64encode(content).decode()
    data = re.sub(
        r"(<edXML:ContentTransferEncoded[^>]*>)[^<]*<", lambda m: m[1] + encoded + "<", UNSIGNED, count=1
    ).encode()
    started = time.perf_counter()
    result = convert(data)
    packet = handed_over(result)
    assert time.perf_counter() - started < 10
    assert result.attachments[0] == content
    assert len(packet) > len(encoded)


# -- The same packet, built again ----------------------------------------------------------------------------------


def essence(packet: str) -> str:
    result = convert(packet.encode())
    assert result.packet is not None
    return edxml.essence(result.packet, result.attachments)


def test_what_is_made_anew_with_every_building_is_not_what_a_packet_says() -> None:
    identifier = re.findall(r"cid:([^<]+)<", NEW)[0]
    moment = re.findall(r"<(?:edXML:)?Timestamp>([^<]+)<", NEW)[0]
    for again in (NEW.replace(identifier, "7f0c"), NEW.replace(moment, "2026/11/25 09:07:41"), UNSIGNED):
        assert again != NEW
        assert essence(again) == essence(NEW)


@pytest.mark.parametrize("name", [p.name for p in sorted(PACKETS.glob("edoc_*.edxml"))])
def test_every_other_value_is_what_a_packet_says(name: str) -> None:
    packet = (PACKETS / name).read_text("utf-8")
    known, changed = {essence(packet)}, 0
    leaves = list(
        re.finditer(r"<(?:edXML:)?(OrganName|Subject|Place|FullName|Position|AttachmentName)>([^<]+)<", packet)
    )
    for leaf in leaves:
        if leaf[1] == "AttachmentName":  # one name in both places
            other = packet.replace(leaf[2], f"x{leaf[2]}")
        else:
            other = packet[: leaf.start(2)] + "x" + packet[leaf.start(2) :]
        known.add(essence(other))
        changed += 1
    names = {leaf[2] for leaf in leaves if leaf[1] == "AttachmentName"}
    alike = sum(leaf[1] == "AttachmentName" for leaf in leaves) - len(names)
    assert len(known) == 1 + changed - alike
    assert changed > 5


def test_the_bytes_of_an_attachment_are_what_a_packet_says() -> None:
    result = convert(NEW.encode())
    assert result.packet is not None
    first = edxml.essence(result.packet, result.attachments)
    assert result.attachments
    for number in range(len(result.attachments)):
        other = list(result.attachments)
        other[number] += b"x"
        assert edxml.essence(result.packet, other) != first
