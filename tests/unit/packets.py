"""A packet that the client library has made, changed as a test wants it, and what is read in it."""

from __future__ import annotations

import re
from pathlib import Path

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


UNSIGNED = re.sub(r"\s*<Signature.*?</Signature>", "", NEW, flags=re.DOTALL)
ENCODED = re.search(r"\s*<AttachmentEncoded>.*</AttachmentEncoded>", NEW, re.DOTALL)


def text(*changes: tuple[str, str], source: str = UNSIGNED) -> str:
    return changed(*changes, source=source).decode()
