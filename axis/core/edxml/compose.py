"""A packet from what a clerk says: a new document, an answer, and what takes back, changes or replaces one sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core import xml
from axis.core.edxml.attachments import media_type
from axis.core.edxml.check import check
from axis.core.edxml.packet import Kind, Node, Packet
from axis.core.edxml.read import convert
from axis.core.edxml.write import write_document, write_packet
from axis.core.filename import apart, safe_name
from axis.core.instant import VIETNAM
from axis.errors import Fault, Problem, capped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from axis.core.edxml.packet import Organ, ResponseFor

NAME_ROOM = 200  # bytes of an attachment's name: as many characters as the standard allows, at the most
_TYPES = {Kind.NEW: "0", Kind.RECALL: "1", Kind.UPDATE: "2", Kind.REPLACE: "3"}


@dataclass(frozen=True)
class About:
    """What is asked of a document that was sent: it is taken back, changed or replaced, and why. `had`: whom it went
    to; `added` and `removed`: whose an update makes it, and whose it is no more; `changes_content`: what an update
    brings stands in the place of what was sent."""

    kind: Kind
    document_id: str
    reason: str
    had: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changes_content: bool = False


@dataclass(frozen=True)
class Wording:
    """What a clerk says of a document. `document_id`: of one that has it already; `about`: see :class:`About`."""

    sender: Organ
    recipients: tuple[Organ, ...]
    number: str
    notation: str
    subject: str
    day: date
    type_name: str = ""
    signer: str = ""
    position: str = ""
    due: date | None = None
    priority: int = 0
    document_id: str = ""
    answers: tuple[ResponseFor, ...] = ()
    about: About | None = None


@dataclass(frozen=True)
class Composed:
    """The canonical packet, b"" where there can be none; every finding; how its attachments are called."""

    data: bytes
    problems: tuple[Problem, ...]
    names: tuple[str, ...]


def document_id_of(organ_id: str, day: date, number: str, notation: str) -> str:
    """How an id is made where there is none: whose, of which day, its number."""
    return f"{organ_id},{day:%Y/%m/%d},{number}/{notation}"


def compose(said: Wording, files: Sequence[tuple[str, bytes]], now: datetime) -> Composed:
    """The packet that says this, with `files` (name, bytes) as its attachments, under names that every system can keep.

    What XML cannot hold is a finding like any other, so that all of them are told at once; never raises for what was
    written."""
    names = apart((safe_name(name, NAME_ROOM, may_run=True) for name, _ in files), room=NAME_ROOM)
    problems: list[Problem] = []
    packet = Packet(said.about.kind if said.about else Kind.NEW, _envelope(said, names, now, problems))
    contents = [content for _, content in files]
    written = write_packet(write_document(packet), packet, contents)
    converted = convert(written)
    problems += converted.problems
    if converted.packet is None:
        return Composed(b"", capped(tuple(dict.fromkeys(problems))), tuple(names))
    today = now.astimezone(VIETNAM).date()
    problems += [one for one in check(converted.packet, today) if one.fault is Fault.PACKET_FUTURE]
    data = write_packet(converted.document, converted.packet, converted.attachments)
    return Composed(data, capped(tuple(dict.fromkeys(problems))), tuple(names))


def _envelope(said: Wording, names: Sequence[str], now: datetime, problems: list[Problem]) -> Node:
    def leaf(name: str, text: str, path: str = "") -> Node:
        text = " ".join(text.split(None)) if path else text
        if bad := xml.NOT_TEXT.search(text):
            problems.append(Problem(Fault.PACKET_VALUE, path or name, "XML 1.0", ascii(bad[0])[1:-1]))
            text = xml.NOT_TEXT.sub("\ufffd", text)
        return Node(name, text)

    def organ(name: str, one: Organ) -> Node:
        return _group(name, leaf("OrganId", one.organ_id, f"{name}/OrganId"), leaf("OrganName", one.name, name))

    number = leaf("CodeNumber", said.number, "Code/CodeNumber")
    notation = leaf("CodeNotation", said.notation, "Code/CodeNotation")
    own = said.document_id or document_id_of(said.sender.organ_id, said.day, number.text, notation.text)
    header = _group(
        "MessageHeader",
        organ("From", said.sender),
        *(organ("To", one) for one in said.recipients),
        leaf("DocumentId", own),
        _group("Code", number, notation),
        _group("PromulgationInfo", Node("PromulgationDate", f"{said.day:%Y/%m/%d}")),
        _group("DocumentType", Node("Type", "2"), leaf("TypeName", said.type_name, "DocumentType/TypeName")),
        leaf("Subject", said.subject, "Subject"),
        _group(
            "SignerInfo",
            leaf("Position", said.position, "SignerInfo/Position"),
            leaf("FullName", said.signer, "SignerInfo/FullName"),
        ),
        Node("DueDate", f"{said.due:%Y/%m/%d}" if said.due else ""),
        _group("OtherInfo", Node("Priority", str(said.priority))),
        *(
            _group(
                "ResponseFor",
                leaf("OrganId", one.organ_id),
                leaf("Code", one.code),
                leaf("DocumentId", one.document_id),
                leaf("PromulgationDate", one.promulgation_date),
            )
            for one in said.answers
        ),
    )
    moment = now.astimezone(VIETNAM).strftime("%Y/%m/%d %H:%M:%S")
    hop = _group("TraceHeader", leaf("OrganId", said.sender.organ_id), Node("Timestamp", moment))
    trace = _group("TraceHeaderList", _bussiness(said.about, leaf), hop)

    def type_of(name: str) -> Node:  # said, or a zip by another name would be taken for what the client library zips
        return Node("ContentType", media_type("", name))

    references = (
        Node("Reference", children=(Node("ContentId", f"cid:{place}"), type_of(name), leaf("AttachmentName", name)))
        for place, name in enumerate(names, 1)
    )
    body = Node("edXMLBody", children=(Node("edXMLManifest", children=tuple(references)),))
    return Node("edXMLEnvelope", children=(Node("edXMLHeader", children=(header, trace)), body))


def _bussiness(about: About | None, leaf: Callable[..., Node]) -> Node:
    """What is asked: nothing of a new document."""
    if about is None:
        return _group("Bussiness", Node("BussinessDocType", "0"))
    reason = leaf("BussinessDocReason", about.reason, "TraceHeaderList/Bussiness/BussinessDocReason")
    asked = (leaf("DocumentId", about.document_id), Node("BussinessDocType", _TYPES[about.kind]), reason)
    if about.kind is Kind.REPLACE:
        had = _group("OrganIdList", *(leaf("OrganId", one) for one in about.had))
        replaced = _group("ReplacementInfo", leaf("DocumentId", about.document_id), had)
        return _group("Bussiness", *asked[1:], _group("ReplacementInfoList", replaced))
    if about.kind is Kind.RECALL:
        return _group("Bussiness", *asked)
    listed = [
        _group("Receiver", Node("ReceiverType", kind), leaf("OrganId", one))
        for kind, codes in (("1", about.added), ("0", about.removed))
        for one in codes
    ]
    changed = Node("DocumentInfo", str(int(about.changes_content)))
    receivers = Node("DocumentReceiver", str(int(bool(listed))))
    return _group(
        "Bussiness", *asked, _group("BussinessDocumentInfo", changed, receivers, _group("ReceiverList", *listed))
    )


def _group(name: str, *children: Node) -> Node:
    """An element with those of its children that say something."""
    return Node(name, children=tuple(one for one in children if one.text or one.children))
