"""The ordinary packets that ballots, votes and results travel in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core import edxml, xml
from axis.core.ballot import values
from axis.core.edxml import Kind, Node, Packet
from axis.core.instant import VIETNAM

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.core.edxml import Organ


@dataclass(frozen=True)
class Type:
    """A type of document as packets name it; `notation` begins the CodeNotation of all that belongs to one ballot or
    one meeting."""

    application: str
    notation: str
    name: str


BALLOT = Type("ECABINET_BALLOT", "PLYK", "Phiếu lấy ý kiến")
VOTE = Type("ECABINET_VOTE", "PB", "Phiếu biểu quyết")
CLOSING = Type("ECABINET_CLOSING", "DP", "Đóng phiếu lấy ý kiến")
OPENING = Type("ECABINET_OPENING", "MP", "Mở niêm phong phiếu")
RESULT = Type("ECABINET_RESULT", "KQ", "Kết quả lấy ý kiến")
REMINDER = Type("ECABINET_REMINDER", "NN", "Nhắc trả lời phiếu lấy ý kiến")
MEETING = Type("ECABINET_MEETING", "PH", "Phiên họp Chính phủ")
PAPER = Type("ECABINET_PAPER", "TL", "Tài liệu họp")
CONCLUSION = Type("ECABINET_CONCLUSION", "KL", "Thông báo kết luận")
TYPES = (BALLOT, VOTE, CLOSING, OPENING, RESULT, REMINDER)


def notation(of: Type, ballot: str) -> str:
    """The CodeNotation of what belongs to the ballot with this digest, or to the meeting whose id has it."""
    return f"{of.notation}-{ballot[:12].upper()}"


def write(
    of: Type,
    ballot: str,
    sender: Organ,
    recipients: Sequence[Organ],
    subject: str,
    files: Sequence[tuple[str, bytes]],
    now: datetime,
    due: datetime | None = None,
    again: int = 0,
) -> bytes:
    """A packet with `files`: the one that its schema judges first. Its number says what is in it, so that the same
    thing written again is the same document, unless it is said `again`."""
    said = b"".join(content for _, content in files) + b"again" * again
    day, content = now.astimezone(VIETNAM), values.digest(said)
    number, code = str(int(content[:8], 16)), notation(of, ballot)

    def leaf(name: str, text: str) -> Node:
        return Node(name, xml.NOT_TEXT.sub("\ufffd", " ".join(text.split())))

    def organ(name: str, one: Organ) -> Node:
        return Node(name, children=(leaf("OrganId", one.organ_id), leaf("OrganName", one.name or one.organ_id)))

    header = (
        organ("From", sender),
        *(organ("To", one) for one in recipients),
        leaf("DocumentId", f"{sender.organ_id},{day:%Y/%m/%d},{number}/{code}"),
        Node("Code", children=(leaf("CodeNumber", number), leaf("CodeNotation", code))),
        Node("PromulgationInfo", children=(leaf("Place", "Hà Nội"), leaf("PromulgationDate", f"{day:%Y/%m/%d}"))),
        Node("DocumentType", children=(leaf("Type", "2"), leaf("TypeName", of.name))),
        leaf("Subject", subject[:480]),
        *([leaf("DueDate", f"{due.astimezone(VIETNAM):%Y/%m/%d}")] if due else []),
        leaf("ApplicationType", of.application),
    )
    hop = (leaf("OrganId", sender.organ_id), leaf("Timestamp", f"{day:%Y/%m/%d %H:%M:%S}"))
    trace = Node(
        "TraceHeaderList",
        children=(
            Node("TraceHeader", children=hop),
            Node("Bussiness", children=(leaf("BussinessDocType", "0"), leaf("BussinessDocReason", of.name))),
        ),
    )
    references = tuple(
        Node(
            "Reference",
            children=(
                leaf("ContentId", f"cid:{place}"),
                leaf("ContentType", _media_type(name)),
                leaf("AttachmentName", name),
            ),
        )
        for place, (name, _) in enumerate(files, 1)
    )
    body = Node("edXMLBody", children=(Node("edXMLManifest", children=references),))
    envelope = Node(
        "edXMLEnvelope", children=(Node("edXMLHeader", children=(Node("MessageHeader", children=header), trace)), body)
    )
    packet = Packet(Kind.NEW, envelope)
    return edxml.write_packet(edxml.write_document(packet), packet, [content for _, content in files])


def _media_type(name: str) -> str:
    ending = name.rpartition(".")[2]
    known = {"json": "application/json", "p7m": "application/pkcs7-mime", "p7s": "application/pkcs7-signature"}
    return known.get(ending, "application/octet-stream")
