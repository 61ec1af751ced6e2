"""Attachments from strangers: names that deceive, archives that lie, types and encodings that are none."""

from __future__ import annotations

import base64
import io
import re
import struct
import time
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axis.core import edxml
from axis.core.edxml import attachments as edxml_attachments
from axis.errors import Fault, Problem
from tests.sample import examples
from tests.unit.packets import ENCODED, PDF_ID, UNSIGNED, faults, read, text


def attached(content: bytes, name: str = "a.pdf", content_type: str = "application/zip", copies: int = 1) -> bytes:
    """A packet whose only attachments are `content`, `copies` times."""
    encoded = base64.b64encode(content).decode()
    assert ENCODED
    source = re.sub(r"\s*<edXML:Reference>.*</edXML:Reference>", "@@", UNSIGNED, flags=re.DOTALL)
    references = "".join(
        f"<edXML:Reference><edXML:ContentId>cid:{n}</edXML:ContentId>"
        f"<edXML:AttachmentName>{n}{name}</edXML:AttachmentName></edXML:Reference>"
        for n in range(copies)
    )
    bodies = "".join(
        f"<Attachment><ContentId>{n}</ContentId><AttachmentName>{n}{name}</AttachmentName>"
        f"<ContentType>{content_type}</ContentType>"
        f"<ContentTransferEncoded>{encoded}</ContentTransferEncoded></Attachment>"
        for n in range(copies)
    )
    encoded_part = f"<AttachmentEncoded>{bodies}</AttachmentEncoded>"
    return text((ENCODED[0], encoded_part), ("@@", references), source=source).encode()


def zipped(*entries: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


ONE = "AttachmentEncoded/Attachment[1]"
NAME = "edXMLManifest/Reference[1]/AttachmentName"


@pytest.mark.parametrize(
    "name",
    ["../a.pdf", "..", "/etc/passwd", "a\\..\\b.pdf", "C:x.pdf", "a\u202efdp.exe", "con", "NUL.pdf", "com1.txt",
     "a&#10;b.pdf", "a&#x85;b", "a\u2066b.pdf"],
)  # fmt: skip
def test_a_name_that_could_leave_its_folder_or_deceive_is_refused(name: str) -> None:
    result = edxml.convert(text(("1234-VPCP-KSTT.signed.pdf", name)).encode())
    assert (Fault.ATT_NAME, NAME) in faults(result)


def test_a_name_with_a_null_is_no_xml_at_all() -> None:
    result = edxml.convert(text(("1234-VPCP-KSTT.signed.pdf", "a\0b.pdf")).encode())
    assert (result.packet, faults(result)) == (None, [(Fault.XML_NOT_UTF8, "")])


def test_a_name_of_300_characters_is_too_long() -> None:
    result = edxml.convert(text(("1234-VPCP-KSTT.signed.pdf", "a" * 296 + ".pdf")).encode())
    assert faults(result) == [(Fault.PACKET_TOO_LONG, NAME)]


@pytest.mark.parametrize("name", ["console.pdf", "Công văn số 1..2 (bản chính).pdf", "a;b&amp;'c.pdf", "...pdf"])
def test_an_unusual_but_harmless_name_travels(name: str) -> None:
    read(text(("1234-VPCP-KSTT.signed.pdf", name)).encode())


def test_names_that_differ_in_case_or_composition_only_are_pointed_out() -> None:
    result = edxml.convert(text(("1234-VPCP-KSTT.signed.pdf", "Phu\u0323 lu\u0323c i.DOCX")).encode())
    assert (Fault.ATT_NAME, "edXMLManifest/Reference[2]/AttachmentName") in faults(result, "warning")


def encrypted() -> bytes:
    whole = bytearray(zipped(("a.pdf", b"%PDF")))
    whole[6] |= 1
    whole[whole.rindex(b"PK\1\2") + 8] |= 1
    return bytes(whole)


def lying(size: int) -> bytes:
    """A zip whose directory says that its entry has `size` bytes."""
    whole = bytearray(zipped(("a.pdf", b"%PDF" * 100)))
    at = whole.rindex(b"PK\1\2") + 24
    whole[at : at + 4] = struct.pack("<I", size)
    return bytes(whole)


@pytest.mark.parametrize(
    "content",
    [encrypted(), lying(1), zipped()],
    ids=["encrypted", "more than it says", "empty"],
)  # fmt: skip
def test_an_archive_that_lies_is_refused_with_its_name(content: bytes) -> None:
    result = edxml.convert(attached(content if content[:4] == b"PK\3\4" else b"PK\3\4" + content))
    assert faults(result) == [(Fault.ATT_ARCHIVE, ONE)]
    assert [p.got for p in result.problems if p.fault is Fault.ATT_ARCHIVE] == ["0a.pdf"]


def test_an_archive_with_less_than_it_says_gives_what_is_there() -> None:
    result = edxml.convert(attached(lying(1000)))
    assert (faults(result), result.attachments) == ([], (b"%PDF" * 100,))


def test_a_bomb_of_one_to_a_thousand_is_stopped_quickly() -> None:
    bomb = zipped(("a.pdf", bytes(edxml.MAX_ATTACHMENT + 1)))
    assert len(bomb) * 900 < edxml.MAX_ATTACHMENT
    started = time.perf_counter()
    result = edxml.convert(attached(bomb))
    assert faults(result) == [(Fault.ATT_ARCHIVE, ONE)]
    assert time.perf_counter() - started < 3


def test_a_hundred_small_bombs_are_bounded_together() -> None:
    ten_megabytes = zipped(("a.pdf", bytes(10 * 1024 * 1024)))
    started = time.perf_counter()
    result = edxml.convert(attached(ten_megabytes, copies=100))
    assert faults(result)[0] == (Fault.ATT_ARCHIVE, "AttachmentEncoded/Attachment[6]")
    assert sum(len(content) for content in result.attachments) < edxml.MAX_ATTACHMENT
    assert time.perf_counter() - started < 5


def test_a_directory_of_a_hundred_thousand_entries_is_not_read() -> None:
    whole = zipped(("a.pdf", b"%PDF"))
    at, end = whole.index(b"PK\1\2"), whole.index(b"PK\5\6")
    record = whole[at:end]
    forged = whole[:at] + record * 100_000 + whole[end : end + 12]
    forged += struct.pack("<II", len(record) * 100_000, at) + whole[end + 20 :]
    result = edxml.convert(attached(forged))
    assert faults(result) == [(Fault.ATT_ARCHIVE, ONE)]
    assert f"directory of {len(record) * 100_000} bytes" in result.problems[0].expected


def test_attachments_too_big_together_are_refused() -> None:
    result = edxml.convert(attached(bytes(19 * 1024 * 1024), content_type="application/pdf", copies=3))
    assert faults(result) == [(Fault.ATT_TOO_BIG, "AttachmentEncoded/Attachment[3]")]


def test_a_zip_under_another_ending_in_capitals_stays_whole() -> None:
    content = zipped(("a/b.txt", b"1"), ("c.txt", b"2"))
    result = edxml.convert(attached(content, name="a.ZIP"))
    assert (faults(result), result.attachments) == ([], (content,))
    # The client library unpacks application/zip unless the name ends in .zip.
    assert b"application/x-zip-compressed" in result.document


@pytest.mark.parametrize("said", ["application/doc", "application/xsl", "application/xslx", "application/docx"])
def test_a_type_that_the_client_library_makes_up_becomes_a_real_one(said: str) -> None:
    result = edxml.convert(attached(b"x", name="a.doc", content_type=said))
    assert result.packet is not None
    assert result.packet.attachments[0].content_type == "application/msword"


@pytest.mark.parametrize("encoded", ["QQ=", "Q", "QQ==QQ==", "Q*Q=", "QQ\u00a0==", "=QQ="])
def test_what_is_not_base64_is_refused(encoded: str) -> None:
    data = attached(b"@@", content_type="application/pdf").replace(base64.b64encode(b"@@"), encoded.encode())
    assert faults(edxml.convert(data)) == [(Fault.ATT_BASE64, ONE)]


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(st.sampled_from([*"AQgwz9+/=-_. ô", "AAAA", "=="]), max_size=9).map("".join))
def test_the_standard_library_decides_what_is_base64(text: str) -> None:
    problems: list[Problem] = []
    decoded = edxml_attachments._decoded(text, "x[1]", 1, problems)
    try:
        expected = base64.b64decode(text.replace(" ", ""), validate=True)
    except ValueError:
        expected = b""
        assert [p.fault for p in problems] == [Fault.ATT_BASE64]
    else:
        assert problems == []
    assert decoded == expected


def test_base64_with_idle_bits_at_its_end_is_read_and_written_without_them() -> None:
    # Every decoder in use gives the same byte for it, so nothing could be read in two ways.
    data = attached(b"@@", content_type="application/pdf").replace(base64.b64encode(b"@@"), b"QR==")
    result = edxml.convert(data)
    assert (faults(result), result.attachments) == ([], (b"A",))
    assert result.packet is not None
    assert b">QQ==<" in edxml.write_packet(result.document, result.packet, result.attachments)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ([(f"<ContentId>cid:{PDF_ID}", "<ContentId>other")], [f"no attachment for '{PDF_ID}'", "no reference for 'other'"]),
        ([(f"<edXML:ContentId>cid:{PDF_ID}", "<edXML:ContentId>cid:6c2a7b1f-9b66-4a1b-8e6c-1f1a1b2c3d4e")],
         ["reference id '6c2a7b1f-9b66-4a1b-8e6c-1f1a1b2c3d4e' is empty or repeated", f"no reference for '{PDF_ID}'"]),
        ([(f"<ContentId>cid:{PDF_ID}", "<ContentId>6c2a7b1f-9b66-4a1b-8e6c-1f1a1b2c3d4e")],
         ["attachment id '6c2a7b1f-9b66-4a1b-8e6c-1f1a1b2c3d4e' is empty or repeated"]),
        ([(f"<ContentId>cid:{PDF_ID}</ContentId>", "")], ["attachment id '' is empty or repeated"]),
        ([("<AttachmentName>1234-VPCP-KSTT.signed.pdf", "<AttachmentName>virus.exe")],
         ["'1234-VPCP-KSTT.signed.pdf' in the manifest is 'virus.exe' in the attachment"]),
    ],
    ids=["another id", "reference twice", "attachment twice", "no id", "another name"],
)  # fmt: skip
def test_references_and_attachments_that_do_not_pair_are_named(
    changes: list[tuple[str, str]], named: list[str]
) -> None:
    result = edxml.convert(text(*changes).encode())
    said = [p.got for p in result.problems if p.fault is Fault.PACKET_ATTACHMENTS and p.severity == "error"]
    for part in named:
        assert part in said
