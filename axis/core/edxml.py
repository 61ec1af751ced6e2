"""edXML packets: a tolerant reader for every dialect in use, and one canonical form.

The canonical form, fixed once and for all (document.edxml in a parcel, and the .edxml handed over):

* UTF-8, XML declaration, LF, two blanks of indent for each level, one leaf a line, values trimmed;
* ``<edXML xmlns=NS>``, then ``<edXML:edXMLEnvelope xmlns:edXML=NS>`` with every known element below it
  prefixed, in the order of core/edxml_grammar.py; dates ``yyyy/MM/dd``, time stamps ``yyyy/MM/dd HH:mm:ss``
  in Viet Nam time; ContentId with one ``cid:``; the media type of the real bytes;
* a packet's own Signature and every element the standard does not know stand after their known siblings, in
  exclusive canonical XML, each beginning a line of its own; what an AttachmentEncoded holds beside
  Attachments stands after the envelope;
* empty elements and comments are left out, and attributes of known elements: those of xlink, xsi and SOAP, id
  and version carry nothing; any other one, and stray text between elements, is reported as PACKET_DROPPED;
* in document.edxml the attachments' bytes are left out; what an Attachment says beside name, type and
  description is kept in its Reference, in an element of the namespace ``urn:axis:edxml:1``.

Reading is by local name, in the QCVN namespace, the older e-doc.vn one, or none.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import struct
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from lxml import etree

from axis.core import edxml_grammar as grammar
from axis.core import organ, xml
from axis.core.instant import VIETNAM
from axis.errors import Fault, Problem, Rejected, Severity, rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lxml.etree import _Element

    from axis.core.edxml_grammar import Element

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
LEGACY_NAMESPACE = "http://www.e-doc.vn/Schema/"
EXTRA_NAMESPACE = "urn:axis:edxml:1"
XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"
MAX_ATTACHMENT = 55 * 1024 * 1024  # bytes, decoded; a parcel holds 60 MiB
_OURS = (f"{{{NAMESPACE}}}", f"{{{LEGACY_NAMESPACE}}}")
_NO_NAMESPACE = etree.XPath("boolean(descendant-or-self::*[namespace-uri()=''])")
_EMPTY_ATTRIBUTES = frozenset({"id", "Id", "ID", "version", "mustUnderstand", "actor", "encodingStyle", "role"})
_EMPTY_NAMESPACES = (
    "{http://www.w3.org/1999/xlink}",
    "{http://www.w3.org/2001/XMLSchema-instance}",
    "{http://www.w3.org/XML/1998/namespace}",
    "{http://schemas.xmlsoap.org/soap/envelope/}",
)
_BASE64 = frozenset({"ContentTransferEncoded", "X509Certificate", "SignatureValue"})
_MEDIA_TYPES = {
    "pdf": "application/pdf",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "zip": "application/x-zip-compressed",  # .ZIP: the client library takes only .zip for a real one
    "txt": "text/plain",
    "xml": "text/xml",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "rar": "application/vnd.rar",
    "7z": "application/x-7z-compressed",
}


_ZIPPED_FORMATS = frozenset({"docx", "xlsx", "pptx", "odt", "ods", "odp", "asice", "jar", "epub", "kmz"})


class Kind(StrEnum):
    """What a packet asks for: by BussinessDocType 0-3, or a status packet."""

    NEW = "new"
    RECALL = "recall"
    UPDATE = "update"
    REPLACE = "replace"
    STATUS = "status"


_KINDS = {"0": Kind.NEW, "1": Kind.RECALL, "2": Kind.UPDATE, "3": Kind.REPLACE}


@dataclass(frozen=True, slots=True)
class Node:
    """An element of the canonical tree. `raw` is the text of one that the standard does not know."""

    name: str
    text: str = ""
    children: tuple[Node, ...] = ()
    raw: str = ""
    line: int | None = field(default=None, compare=False)

    def all(self, name: str) -> Iterator[Node]:
        """Known children of this name."""
        return (child for child in self.children if child.name == name and not child.raw)

    def get(self, *path: str) -> Node | None:
        """The first descendant along `path`."""
        node: Node | None = self
        for name in path:
            node = next(node.all(name), None) if node is not None else None
        return node

    def value(self, *path: str) -> str:
        """The text of the descendant along `path`; "" where there is none."""
        node = self.get(*path)
        return node.text if node is not None else ""


@dataclass(frozen=True, slots=True)
class Organ:
    """An agency block."""

    organ_id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ResponseFor:
    """The document that is answered. `promulgation_date` is ``yyyy/MM/dd`` or ""."""

    organ_id: str
    code: str
    document_id: str
    promulgation_date: str


@dataclass(frozen=True, slots=True)
class AttachmentInfo:
    """A Reference. `content_id` without ``cid:``; `extra` the attachment's own further elements, as XML."""

    content_id: str
    name: str
    content_type: str
    description: str
    extra: str = ""


@dataclass(frozen=True)
class Packet:
    """A packet's canonical value, attachments' bytes apart. Equal packets have equal canonical bytes."""

    kind: Kind
    envelope: Node
    beside: tuple[Node, ...] = ()  # unknown elements after the envelope

    @cached_property
    def header(self) -> Node:
        """MessageHeader."""
        return self.envelope.get("edXMLHeader", "MessageHeader") or Node("MessageHeader")

    @cached_property
    def bussiness(self) -> Node:
        """TraceHeaderList/Bussiness."""
        return self.envelope.get("edXMLHeader", "TraceHeaderList", "Bussiness") or Node("Bussiness")

    @cached_property
    def sender(self) -> Organ:
        """From."""
        return _organ(self.header.get("From") or Node("From"))

    @cached_property
    def recipients(self) -> tuple[Organ, ...]:
        """To, in order."""
        return tuple(_organ(node) for node in self.header.all("To"))

    @cached_property
    def document_id(self) -> str:
        """DocumentId; "" in a status packet."""
        return self.header.value("DocumentId")

    @cached_property
    def number(self) -> str:
        """CodeNumber."""
        return self.header.value("Code", "CodeNumber")

    @cached_property
    def notation(self) -> str:
        """CodeNotation."""
        return self.header.value("Code", "CodeNotation")

    @property
    def code(self) -> str:
        """``1234/VPCP-KSTT``; of a status packet the one it answers."""
        if self.kind is Kind.STATUS:
            return self.response_for[0].code if self.response_for else ""
        return f"{self.number}/{self.notation}"

    @cached_property
    def subject(self) -> str:
        """Subject (trích yếu)."""
        return self.header.value("Subject")

    @cached_property
    def promulgation_date(self) -> str:
        """``yyyy/MM/dd`` or ""."""
        return self.header.value("PromulgationInfo", "PromulgationDate")

    @cached_property
    def due_date(self) -> str:
        """``yyyy/MM/dd`` or ""."""
        return self.header.value("DueDate")

    @cached_property
    def priority(self) -> int:
        """0 Thường … 4 Hỏa tốc hẹn giờ."""
        value = self.header.value("OtherInfo", "Priority")
        return int(value) if value in {"1", "2", "3", "4"} else 0

    @cached_property
    def response_for(self) -> tuple[ResponseFor, ...]:
        """The documents that this one answers."""
        return tuple(
            ResponseFor(
                node.value("OrganId"),
                node.value("Code"),
                node.value("DocumentId"),
                node.value("PromulgationDate"),
            )
            for node in self.header.all("ResponseFor")
        )

    @cached_property
    def status_code(self) -> str:
        """StatusCode of a status packet."""
        return self.header.value("StatusCode")

    @cached_property
    def description(self) -> str:
        """Description of a status packet."""
        return self.header.value("Description")

    @cached_property
    def timestamp(self) -> str:
        """Timestamp of a status packet."""
        return self.header.value("Timestamp")

    @cached_property
    def bussiness_document_id(self) -> str:
        """The document recalled or updated."""
        return self.bussiness.value("DocumentId")

    @cached_property
    def bussiness_reason(self) -> str:
        """BussinessDocReason."""
        return self.bussiness.value("BussinessDocReason")

    @cached_property
    def attachments(self) -> tuple[AttachmentInfo, ...]:
        """The manifest's References."""
        manifest = self.envelope.get("edXMLBody", "edXMLManifest")
        return tuple(
            AttachmentInfo(
                _content_id(node.value("ContentId")),
                node.value("AttachmentName"),
                node.value("ContentType"),
                node.value("Description"),
                "".join(child.raw for child in node.children if child.name == _EXTRA),
            )
            for node in (manifest.all("Reference") if manifest else ())
        )


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of a packet that an agency wrote. `document` is there whenever it could be read."""

    packet: Packet | None
    document: bytes
    attachments: tuple[bytes, ...]
    problems: tuple[Problem, ...]


# -- Reading -------------------------------------------------------------------------------------------------


def convert(data: bytes, to: Sequence[str] = (), names: Mapping[str, str] | None = None) -> Conversion:
    """Read `data` in whatever dialect; `to` (OrganIds) replaces its recipients, with `names` where known.

    A pure function: no clock, no random id, no hop added. Reports every finding with its line and never
    raises for bad content.
    """
    problems: list[Problem] = []
    try:
        root = xml.parse(data, free_text=_BASE64)
        envelope = _envelope(root)
        verdict = _own_signature(root)
        packet = _packet(envelope, problems)
        packet = replace(packet, beside=_beside(root, envelope, problems))
        attachments = _attachments(root, {a.content_id: a.name for a in packet.attachments}, problems)
    except Rejected as error:
        return Conversion(None, b"", (), error.problems)
    if to and packet.kind is Kind.STATUS:
        problems.append(Problem(Fault.PACKET_VALUE, "To", "ResponseFor/OrganId", ", ".join(to)[:80]))
    elif to:
        packet = _readdress(packet, to, names or {})
    packet = _with_document_id(_with_manifest(packet), problems)
    packet, contents = _pair(packet, attachments, problems)
    if verdict:
        problems.append(Problem(Fault.PACKET_SIGNATURE, "Signature", got=verdict, severity="warning"))
    problems += check(packet)
    return Conversion(packet, write_document(packet), contents, tuple(dict.fromkeys(problems)))


def read_document(document: bytes, attachments: int) -> Packet:
    """The packet of a parcel's document.edxml, which must be canonical and refer to `attachments` files.

    Raises :class:`Rejected`: XML_*, PACKET_KIND, PACKET_NOT_CANONICAL, PACKET_ATTACHMENTS.
    """
    root = xml.parse(document)
    problems: list[Problem] = []
    envelope = _envelope(root)
    packet = replace(_packet(envelope, problems), beside=_beside(root, envelope, problems))
    again = write_document(packet)
    if again != document:
        at = next((n for n, (a, b) in enumerate(zip(document, again, strict=False)) if a != b), len(again))
        raise rejected(Fault.PACKET_NOT_CANONICAL, f"byte {at}", line=document[:at].count(b"\n") + 1)
    if len(packet.attachments) != attachments:
        got = f"{len(packet.attachments)} references, {attachments} files"
        raise rejected(Fault.PACKET_ATTACHMENTS, got, path="edXMLManifest")
    return packet


def _local(element: _Element) -> str:
    """The local name of an element that is ours by namespace; "" for a foreign one."""
    tag = element.tag
    if not isinstance(tag, str) or tag[0] != "{":
        return tag if isinstance(tag, str) else ""
    for ours in _OURS:
        if tag.startswith(ours):
            return tag[len(ours) :]
    return ""


def _envelope(root: _Element) -> _Element:
    if _local(root) != "edXML":
        raise rejected(Fault.XML_ROOT, root.tag, "edXML", line=xml.line_of(root))
    for child in root:
        if _local(child) == "edXMLEnvelope":
            return child
    raise rejected(Fault.PACKET_KIND, path="edXMLEnvelope")


def _packet(envelope: _Element, problems: list[Problem]) -> Packet:
    header = next((c for p in envelope for c in p if _local(c) == "MessageHeader"), None)
    if header is None:
        raise rejected(Fault.PACKET_KIND, path="MessageHeader")
    # Some software leaves an empty TraceHeaderList or body in a status packet: only a Bussiness tells.
    is_status = any(_local(child) == "StatusCode" and _clean(child.text) for child in header)
    lists = (c for p in envelope for c in p if _local(c) == "TraceHeaderList")
    if is_status and not any(_local(c) == "Bussiness" and len(c) for part in lists for c in part):
        return Packet(Kind.STATUS, _read(envelope, grammar.STATUS, problems, ""))
    node = _read(envelope, grammar.DOCUMENT, problems, "")
    code = node.value("edXMLHeader", "TraceHeaderList", "Bussiness", "BussinessDocType")
    return Packet(_KINDS.get(code, Kind.NEW), node)


def _read(element: _Element, spec: Element, problems: list[Problem], path: str) -> Node:
    """The canonical node of `element`: known children in order, then a Signature and unknown ones."""
    found: dict[str, list[Node]] = {}
    kept: list[Node] = []
    for child in _regrouped(element, spec):
        name = _local(child)
        inner = spec.by_name.get(name)
        if inner is None or (not inner.children and len(child)):
            if len(child) or _clean(child.text) or (inner is None and child.attrib):
                kept.append(_keep(child, problems, path, signature=spec.name == "edXMLHeader"))
            continue
        if child.attrib:
            _drop_attributes(child, _below(path, inner), problems)
        if inner.children:
            node = _read(child, inner, problems, _below(path, inner))
            if node.children or inner is grammar.MANIFEST:
                found.setdefault(name, []).append(node)
        elif text := _clean(child.text):
            found.setdefault(name, []).append(Node(name, _normal(text, inner), line=xml.line_of(child)))
    for between in (element.text, *(child.tail for child in element)):
        if stray := _clean(between):
            problems.append(Problem(Fault.PACKET_DROPPED, path or spec.name, got=f"«{stray[:40]}»", severity="warning"))
    ordered: list[Node] = []
    for inner in spec.children:
        # More than one where only one belongs: all stand in the canonical form, and check() reports them.
        ordered += found.get(inner.name, [])
    return Node(spec.name, "", (*ordered, *kept), line=xml.line_of(element))


def _regrouped(element: _Element, spec: Element) -> Iterable[_Element]:
    """The element's children; a Paper that strayed into TraceHeaderList is put into Bussiness."""
    children = [child for child in element if isinstance(child.tag, str)]
    if spec.name == "TraceHeaderList":
        bussiness = next((c for c in children if _local(c) == "Bussiness"), None)
        stray = [c for c in children if _local(c) == "Paper"]
        if bussiness is not None and stray and not any(_local(c) == "Paper" for c in bussiness):
            bussiness.append(stray[0])
            children.remove(stray[0])
    return children


def _below(path: str, spec: Element) -> str:
    """Paths begin at MessageHeader, TraceHeaderList or edXMLManifest; those of MessageHeader without it."""
    if spec.name in {"edXMLHeader", "edXMLBody", "MessageHeader"}:
        return ""
    return f"{path}/{spec.name}" if path else spec.name


_EXTRA = f"{{{EXTRA_NAMESPACE}}}Attachment"


def _drop_attributes(element: _Element, path: str, problems: list[Problem]) -> None:
    for key in element.attrib:
        name = str(key)
        if name not in _EMPTY_ATTRIBUTES and not name.startswith(_EMPTY_NAMESPACES):
            line = xml.line_of(element)
            problems.append(Problem(Fault.PACKET_DROPPED, path, got=f"@{name}", line=line, severity="warning"))


def _beside(root: _Element, envelope: _Element, problems: list[Problem]) -> tuple[Node, ...]:
    """What stands beside the envelope and is none of the standard's; a second envelope is an error."""
    kept: list[Node] = []
    for child in root:
        name = _local(child)
        encoded = name == "AttachmentEncoded"
        inner = [c for c in child if _local(c) != "Attachment"] if encoded else [child]
        if name == "edXMLEnvelope":
            if child is not envelope:
                problems.append(Problem(Fault.PACKET_REPEATED, name, got=name, line=xml.line_of(child)))
            continue
        kept += [_keep(c, problems, "" if c is child else name) for c in inner if len(c) or _clean(c.text) or c.attrib]
    return tuple(kept)


def _raw(element: _Element) -> str:
    """Exclusive canonical XML of `element`. What is in no namespace is read as ours, here as everywhere."""
    raw = etree.tostring(element, method="c14n", exclusive=True, with_tail=False)
    if _NO_NAMESPACE(element):
        ours = xml.parse(f'<w xmlns="{NAMESPACE}">'.encode() + raw + b"</w>", free_text=_BASE64)[0]
        raw = etree.tostring(ours, method="c14n", exclusive=True)
    return raw.decode()


def _keep(element: _Element, problems: list[Problem], path: str, *, signature: bool = False) -> Node:
    """An element that is carried as it is, so that reading it again gives the same."""
    raw = _raw(element)
    name = etree.QName(element)
    if element.tag != _EXTRA and not (signature and name.localname == "Signature"):
        where = f"{path}/{name.localname}" if path else name.localname
        problems.append(
            Problem(Fault.PACKET_UNKNOWN, where, got=name.localname, line=xml.line_of(element), severity="warning")
        )
    tag = str(element.tag)
    return Node(tag if tag[0] == "{" else f"{{{NAMESPACE}}}{tag}", raw=raw, line=xml.line_of(element))


def _clean(text: str | None) -> str:
    return (text or "").strip(" \t\r\n")


_DATES = (
    re.compile(r"(?P<y>\d{4})[/-](?P<m>\d{1,2})[/-](?P<d>\d{1,2})(?:[T ].*)?", re.ASCII),
    re.compile(r"(?P<d>\d{1,2})[/-](?P<m>\d{1,2})[/-](?P<y>\d{4})(?:[T ].*)?", re.ASCII),
)
_STAMP = re.compile(
    r"(?P<date>\d{1,4}[/-]\d{1,2}[/-]\d{1,4})"
    r"(?:[T ](?P<time>\d{1,2}:\d{2}(?::\d{2})?)(?:\.\d+)?(?P<zone>Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
_INTEGER = re.compile(r"[+-]?\d{1,6}", re.ASCII)


def _normal(text: str, spec: Element) -> str:
    """`text` in the canonical form of its type; unchanged where it cannot be read (check() says so)."""
    if spec.type == "number" and _INTEGER.fullmatch(text):
        return str(int(text))  # 01 is 1 to every client: it must not be another kind of packet here
    if spec.type == "date":
        # A stamp with a zone names a moment, and the day of it is the one in Viet Nam.
        found = _date(_timestamp(text).partition(" ")[0] or text)
        return found.strftime("%Y/%m/%d") if found else text
    if spec.type == "timestamp":
        return _timestamp(text) or text
    if spec.name == "ContentId":
        return "cid:" + _content_id(text)
    return text


def _date(text: str) -> date | None:
    for form in _DATES:
        if match := form.fullmatch(text):
            try:
                found = date(int(match["y"]), int(match["m"]), int(match["d"]))
            except ValueError:
                return None
            return found if found.year >= 1000 else None
    return None


def _timestamp(text: str) -> str:
    match = _STAMP.fullmatch(text)
    day = _date(match["date"]) if match else None
    if match is None or day is None:
        return ""
    clock = match["time"] or "00:00:00"
    clock += ":00" if clock.count(":") == 1 else ""
    try:
        moment = datetime.strptime(f"{day.isoformat()} {clock}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=VIETNAM)
        if zone := match["zone"]:
            offset = "+00:00" if zone == "Z" else zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
            moment = datetime.fromisoformat(f"{moment:%Y-%m-%dT%H:%M:%S}{offset}").astimezone(VIETNAM)
    except (ValueError, OverflowError):
        return ""
    return moment.strftime("%Y/%m/%d %H:%M:%S")


def _content_id(text: str) -> str:
    while text.startswith("cid:"):
        text = text[4:]
    return text


def _organ(node: Node) -> Organ:
    return Organ(node.value("OrganId"), node.value("OrganName"))


def _change_header(packet: Packet, change: Iterable[Node]) -> Packet:
    """The packet with MessageHeader's children put in `change`, in the grammar's order."""
    order = {e.name: n for n, e in enumerate(grammar.DOCUMENT_HEADER.children)}
    children = tuple(sorted(change, key=lambda n: order.get(n.name, len(order)) if not n.raw else len(order)))
    header = replace(packet.header, children=children)
    parts = tuple(
        replace(
            part,
            children=tuple(header if c.name == "MessageHeader" and not c.raw else c for c in part.children),
        )
        for part in packet.envelope.children
    )
    return replace(packet, envelope=replace(packet.envelope, children=parts))


def _readdress(packet: Packet, to: Sequence[str], names: Mapping[str, str]) -> Packet:
    others = [node for node in packet.header.children if node.name != "To" or node.raw]
    wanted = []
    for organ_id in to:
        leaves = [Node("OrganId", organ_id.strip())]
        if name := names.get(organ_id, "").strip():
            leaves.append(Node("OrganName", name))
        wanted.append(Node("To", children=tuple(leaves)))
    return _change_header(packet, [*others, *wanted])


def _with_manifest(packet: Packet) -> Packet:
    """A document packet without body or manifest gets an empty one: clients read a missing one as null."""
    if packet.kind is Kind.STATUS or packet.envelope.get("edXMLBody", "edXMLManifest"):
        return packet
    body = packet.envelope.get("edXMLBody") or Node("edXMLBody")
    body = replace(body, children=(Node("edXMLManifest"), *body.children))
    header = tuple(part for part in packet.envelope.children if part.name == "edXMLHeader" and not part.raw)
    others = tuple(p for p in packet.envelope.children if p.raw or p.name not in {"edXMLHeader", "edXMLBody"})
    return replace(packet, envelope=replace(packet.envelope, children=(*header, body, *others)))


def _with_document_id(packet: Packet, problems: list[Problem]) -> Packet:
    """A missing DocumentId is derived, never invented: the same packet always gives the same one."""
    if packet.kind is Kind.STATUS or packet.document_id:
        return packet
    parts = (packet.sender.organ_id, packet.promulgation_date, packet.number, packet.notation)
    if not all(parts) or _date(parts[1]) is None:
        return packet  # check() reports it as missing
    derived = f"{parts[0]},{parts[1]},{parts[2]}/{parts[3]}"
    problems.append(Problem(Fault.PACKET_DERIVED_ID, "DocumentId", got=derived, severity="warning"))
    return _change_header(packet, [*packet.header.children, Node("DocumentId", derived)])


# -- Attachments ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Attachment:
    content_id: str
    name: str
    content_type: str
    description: str
    content: bytes
    extra: str


def _attachments(root: _Element, names: Mapping[str, str], problems: list[Problem]) -> list[_Attachment]:
    """The attachments in order; `names` (by content id) says what the References call them."""
    found: list[_Attachment] = []
    for part in root:
        if _local(part) == "AttachmentEncoded":
            elements = [child for child in part if _local(child) == "Attachment"]
            found += [_attachment(e, n, names, problems) for n, e in enumerate(elements, len(found) + 1)]
    return found


def _attachment(element: _Element, number: int, names: Mapping[str, str], problems: list[Problem]) -> _Attachment:
    values: dict[str, str] = {}
    extras: list[str] = []
    content: bytes | None = None
    path = f"AttachmentEncoded/Attachment[{number}]"
    for child in element:
        name = _local(child)
        if name == "ContentTransferEncoded":
            if content is not None:
                problems.append(Problem(Fault.PACKET_REPEATED, path, got=name, line=xml.line_of(child)))
            # An element inside would leave half of the bytes unread.
            text = "?" if len(child) else child.text or ""
            content = _decoded(text, path, xml.line_of(child), problems)
        elif name in {"ContentId", "AttachmentName", "ContentType", "Description"} and name not in values:
            values[name] = _clean(child.text)
        elif len(child) or _clean(child.text) or child.attrib:
            extras.append(_raw(child))
    content_id = _content_id(values.get("ContentId", ""))
    shown = values.get("AttachmentName") or names.get(content_id) or content_id or str(number)
    content_type = values.get("ContentType", "")
    if not content:
        problems.append(_unpaired(f"'{shown}' is empty", xml.line_of(element)))
    content = content or b""
    # The client library reads a missing type as application/zip, and unzips what is not named .zip: what goes
    # out must never say application/zip unless it is named so.
    if content_type in {"", "application/zip"} and not shown.endswith(".zip"):
        ending = shown.rpartition(".")[2].lower()
        zipped = content.startswith(b"PK\x03\x04") and ending != "zip"
        if zipped and not (ending in _ZIPPED_FORMATS and _entries(content) > 1):
            content = _unzipped(content, shown, path, problems)
        if content_type or zipped:
            content_type = _MEDIA_TYPES.get(ending, "application/octet-stream")
    if len(content) > MAX_ATTACHMENT:
        problems.append(Problem(Fault.ATT_TOO_BIG, path, str(MAX_ATTACHMENT), str(len(content))))
    return _Attachment(
        content_id,
        values.get("AttachmentName", ""),
        content_type,
        values.get("Description", ""),
        content,
        "".join(extras),
    )


def _decoded(text: str, path: str, line: int | None, problems: list[Problem]) -> bytes:
    compact = text.translate({32: None, 9: None, 10: None, 13: None}) if text else ""
    try:
        return base64.b64decode(compact, validate=True)
    except (binascii.Error, ValueError):
        problems.append(Problem(Fault.ATT_BASE64, path, got=path.rpartition("[")[2].rstrip("]"), line=line))
        return b""


def _entries(content: bytes) -> int:
    """How many entries the end of a zip claims; 0 where there is no end."""
    at = content.rfind(b"PK\x05\x06", max(0, len(content) - 66_000))
    return int.from_bytes(content[at + 10 : at + 12], "little") if at >= 0 else 0


def _unzipped(content: bytes, name: str, path: str, problems: list[Problem]) -> bytes:
    """The single entry of a zipped attachment; the content as it is, with an error, where it is not one."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            entry = entries[0]
            unsafe = entry.filename in {"", ".", ".."} or re.search(r"[/\\:\x00]", entry.filename)
            plain = entry.compress_type in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
            if len(entries) != 1 or entry.flag_bits & 1 or unsafe or not plain:
                raise zipfile.BadZipFile(f"{len(entries)} entries, first {entry.filename[:60]!r}")
            with archive.open(entry) as stream:
                inner = stream.read(MAX_ATTACHMENT + 1)
            if len(inner) > MAX_ATTACHMENT:
                raise zipfile.BadZipFile(f"more than {MAX_ATTACHMENT} bytes inside")
            return inner
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        NotImplementedError,
        RuntimeError,
        ValueError,  # a negative offset, a name that is not UTF-8
        EOFError,
        IndexError,
        OSError,
    ) as error:
        problems.append(Problem(Fault.ATT_ARCHIVE, path, str(error)[:120], name))
        return content


def _pair(packet: Packet, attachments: list[_Attachment], problems: list[Problem]) -> tuple[Packet, tuple[bytes, ...]]:
    """Each Reference with its Attachment, one to one; the References then say what the attachments are."""
    if packet.kind is Kind.STATUS:
        if attachments:
            problems.append(_unpaired("a status packet has no attachments"))
        return packet, ()
    body = packet.envelope.get("edXMLBody")
    manifest = packet.envelope.get("edXMLBody", "edXMLManifest")
    references = list(manifest.all("Reference")) if manifest else []
    by_id: dict[str, _Attachment] = {}
    for attachment in attachments:
        if not attachment.content_id or attachment.content_id in by_id:
            problems.append(_unpaired(f"attachment id '{attachment.content_id}' is empty or repeated"))
        by_id.setdefault(attachment.content_id, attachment)
    paired: list[Node] = []
    contents: list[bytes] = []
    seen: set[str] = set()
    for reference in references:
        content_id = _content_id(reference.value("ContentId"))
        partner = by_id.get(content_id)
        if not content_id or content_id in seen:
            problems.append(_unpaired(f"reference id '{content_id}' is empty or repeated", reference.line))
        elif partner is None:
            problems.append(_unpaired(f"no attachment for '{content_id}'", reference.line))
        else:
            paired.append(_described(reference, partner, problems))
            contents.append(partner.content)
            seen.add(content_id)
            continue
        paired.append(reference)
    problems += [_unpaired(f"no reference for '{i}'") for i in by_id if i not in seen]
    if body is None or manifest is None or not references:
        return packet, tuple(contents)
    others = tuple(n for n in manifest.children if n.name != "Reference" or n.raw)
    changed = replace(manifest, children=(*paired, *others))
    parts = tuple(
        replace(part, children=tuple(changed if c is manifest else c for c in part.children)) if part is body else part
        for part in packet.envelope.children
    )
    return replace(packet, envelope=replace(packet.envelope, children=parts)), tuple(contents)


def _unpaired(text: str, line: int | None = None) -> Problem:
    return Problem(Fault.PACKET_ATTACHMENTS, "edXMLManifest", got=text, line=line)


def _described(reference: Node, partner: _Attachment, problems: list[Problem]) -> Node:
    """The Reference with the attachment's truth, and what the attachment says beside it."""
    said = {n: reference.value(n) for n in ("ContentType", "Description", "AttachmentName")}
    if partner.name and said["AttachmentName"] and partner.name != said["AttachmentName"]:
        text = f"'{said['AttachmentName']}' in the manifest is '{partner.name}' in the attachment"
        problems.append(_unpaired(text, reference.line))
    name = said["AttachmentName"] or partner.name
    # The client library writes application/zip into every Reference, whatever it refers to.
    content_type = partner.content_type or said["ContentType"]
    if not content_type or (content_type == "application/zip" and not name.endswith(".zip")):
        content_type = _MEDIA_TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
    description = said["Description"] or partner.description
    extra = partner.extra
    if partner.description and partner.description != description:
        extra += f'<Description xmlns="{NAMESPACE}">{_escaped(partner.description)}</Description>'
    values = {
        "ContentId": "cid:" + partner.content_id,
        "ContentType": content_type,
        "Description": description,
        "AttachmentName": name,
    }
    leaves = []
    for key, value in values.items():
        leaves += [Node(key, value, line=reference.line)] if value else []
        leaves += list(reference.all(key))[1:]  # check() reports them
    unknown = [n for n in reference.children if n.raw and n.name != _EXTRA]
    if extra:
        unknown.append(Node(_EXTRA, raw=f'<Attachment xmlns="{EXTRA_NAMESPACE}">{extra}</Attachment>'))
    return replace(reference, children=(*leaves, *unknown))


# -- Writing -------------------------------------------------------------------------------------------------

_HEAD = f'<?xml version="1.0" encoding="UTF-8"?>\n<edXML xmlns="{NAMESPACE}">\n'
_TAIL = "</edXML>\n"


def write_document(packet: Packet) -> bytes:
    """The canonical form without attachments' bytes."""
    lines: list[str] = []
    _emit(packet.envelope, 1, lines, f' xmlns:edXML="{NAMESPACE}"')
    lines += [f"  {node.raw}" for node in packet.beside]
    return (_HEAD + "\n".join(lines) + "\n" + _TAIL).encode()


def write_packet(document: bytes, packet: Packet, contents: Sequence[bytes]) -> bytes:
    """The canonical .edxml: `document` (as :func:`write_document` gives it) with its attachments inside, in
    the order of the References. Reading it again gives the same document and the same contents."""
    if packet.kind is Kind.STATUS:
        return document
    pieces = [
        document[: -len(_TAIL)],
        b"  <AttachmentEncoded>\n" if contents else b"  <AttachmentEncoded />\n",
    ]
    for info, content in zip(packet.attachments, contents, strict=True):
        described = "".join(
            f"      <{name}>{_escaped(value)}</{name}>\n"
            for name, value in (
                ("ContentId", "cid:" + info.content_id),
                ("AttachmentName", info.name),
                ("Description", info.description),
                ("ContentType", info.content_type),
            )
            if value
        )
        extra = f"      {_extra_children(info.extra)}\n" if info.extra else ""
        pieces += [
            f"    <Attachment>\n{described}{extra}"
            f'      <edXML:ContentTransferEncoded xmlns:edXML="{NAMESPACE}">'.encode(),
            base64.b64encode(content),
            b"</edXML:ContentTransferEncoded>\n    </Attachment>\n",
        ]
    return b"".join([*pieces, b"  </AttachmentEncoded>\n" if contents else b"", _TAIL.encode()])


def _extra_children(raw: str) -> str:
    return raw[raw.index(">") + 1 : raw.rindex("</")]


def status_packet(
    sender: Organ, response_for: ResponseFor, code: str, timestamp: datetime, description: str = ""
) -> bytes:
    """A canonical status packet. `timestamp` is aware and written in Viet Nam time."""
    about = {
        "OrganId": response_for.organ_id,
        "Code": response_for.code,
        "DocumentId": response_for.document_id,
        "PromulgationDate": response_for.promulgation_date,
    }
    agency = {"OrganId": sender.organ_id, "OrganName": sender.name}
    leaves = {
        "StatusCode": code,
        "Description": description[:500],
        "Timestamp": timestamp.astimezone(VIETNAM).strftime("%Y/%m/%d %H:%M:%S"),
    }
    header = Node(
        "MessageHeader",
        children=(
            Node("From", children=_leaves(agency)),
            Node("ResponseFor", children=_leaves(about)),
            *_leaves(leaves),
        ),
    )
    envelope = Node("edXMLEnvelope", children=(Node("edXMLHeader", children=(header,)),))
    return write_document(Packet(Kind.STATUS, envelope))


_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _leaves(values: Mapping[str, str]) -> tuple[Node, ...]:
    """Leaves of texts from elsewhere; what XML cannot hold becomes U+FFFD."""
    clean = {name: _clean(_NOT_XML.sub("\ufffd", value)) for name, value in values.items()}
    return tuple(Node(name, value) for name, value in clean.items() if value)


def _emit(node: Node, depth: int, lines: list[str], attributes: str = "") -> None:
    indent = "  " * depth
    if node.raw:
        lines.append(indent + node.raw)
    elif node.text:
        lines.append(f"{indent}<edXML:{node.name}>{_escaped(node.text)}</edXML:{node.name}>")
    else:
        version = ' version="1.0"' if node.name == "edXMLManifest" else ""
        lines.append(f"{indent}<edXML:{node.name}{attributes}{version}>")
        for child in node.children:
            _emit(child, depth + 1, lines)
        lines.append(f"{indent}</edXML:{node.name}>")


def _escaped(text: str) -> str:
    return escape(text, {"\r": "&#13;"})


# -- A packet's own XML signature ---------------------------------------------------------------------------


def _own_signature(root: _Element) -> str:
    """The verdict on the packet's own Signature, which conversion (as on today's axis) cannot preserve.

    Judged only in the one form that makes sense here (enveloped, exclusive c14n, RSA-SHA256), with the
    certificate that it brings along: intact or broken, no more. "" where there is none or an empty one.
    """
    found = [
        child
        for part in _envelope(root)
        for child in part
        if etree.QName(child).localname == "Signature" and len(child)
    ]
    if not found:
        return ""
    element = found[0]
    if etree.QName(element).namespace != XMLDSIG:
        return "not an xmldsig signature"
    from axis.core import signature

    return signature.judge_enveloped(root, element)


# -- Checking ------------------------------------------------------------------------------------------------


def check(packet: Packet, today: date | None = None) -> tuple[Problem, ...]:
    """Every finding on a packet's canonical value. With `today` (Viet Nam) also an issue date in the future."""
    problems: list[Problem] = []
    spec = grammar.STATUS if packet.kind is Kind.STATUS else grammar.DOCUMENT
    _check_node(packet.envelope, spec, "", problems)
    if packet.kind is Kind.STATUS:
        _check_status(packet, problems)
    else:
        _check_document(packet, problems, today)
    if not any(p.severity == "error" for p in problems):
        problems += _check_schema(packet)
    return tuple(problems)


def _check_schema(packet: Packet) -> list[Problem]:
    """libxml2 decides; only then, xmlschema explains. Unknown elements are left out: the XSD describes the rest."""
    import schemas

    name = "edxml-status" if packet.kind is Kind.STATUS else "edxml-document"
    pruned = write_document(Packet(packet.kind, _pruned(packet.envelope)))
    if schemas.validator(name).validate(xml.parse(pruned)):
        return []
    return [Problem(Fault.XSD_INVALID, path, got=reason) for path, reason in schemas.explain(name, pruned)]


def _pruned(node: Node) -> Node:
    return replace(node, children=tuple(_pruned(child) for child in node.children if not child.raw))


def _check_node(node: Node, spec: Element, path: str, problems: list[Problem]) -> None:
    by_name: dict[str, list[Node]] = {}
    for child in node.children:
        if not child.raw:
            by_name.setdefault(child.name, []).append(child)
    for inner in spec.children:
        nodes = by_name.get(inner.name, [])
        where = _below(path, inner)
        if inner.required and not nodes:
            problems.append(Problem(Fault.PACKET_MISSING, where or inner.name, expected=inner.name, line=node.line))
        if len(nodes) > 1 and not inner.many:
            problems.append(Problem(Fault.PACKET_REPEATED, where, got=inner.name, line=nodes[1].line))
        for number, child in enumerate(nodes, 1):
            place = f"{where}[{number}]" if inner.many and where else where
            if inner.children:
                _check_node(child, inner, place, problems)
            else:
                problems += _check_leaf(child, inner, place)


def _check_leaf(node: Node, spec: Element, path: str) -> Iterator[Problem]:
    severity: Severity = "error" if spec.hard else "warning"
    text, line = node.text, node.line
    if spec.limit and len(text) > spec.limit:
        yield Problem(Fault.PACKET_TOO_LONG, path, str(spec.limit), str(len(text)), line, severity)
    elif spec.type == "date" and not ((day := _date(text)) and day.strftime("%Y/%m/%d") == text):
        yield Problem(Fault.PACKET_DATE, path, "yyyy/MM/dd", text[:40], line, severity)
    elif spec.type == "timestamp" and _timestamp(text) != text:
        yield Problem(Fault.PACKET_DATE, path, "yyyy/MM/dd HH:mm:ss", text[:40], line, severity)
    elif spec.type == "organ" and not organ.is_valid(text):
        yield Problem(Fault.PACKET_ORGAN, path, "G22, H29.10.05, 000.00.00.G22", text[:40], line, severity)
    elif spec.type == "flag" and text not in {"0", "1"}:
        yield Problem(Fault.PACKET_VALUE, path, "0 | 1", text[:40], line, severity)
    elif spec.type == "number":
        low, high = spec.low or 0, spec.high or 0
        if not re.fullmatch(r"-?\d{1,6}", text, re.ASCII) or not low <= int(text) <= high:
            # An integer out of range breaks nobody's parser unless the law bounds it (Priority, amounts).
            soft = spec.name == "SteeringType" and re.fullmatch(r"-?\d{1,6}", text, re.ASCII)
            yield Problem(Fault.PACKET_VALUE, path, f"{low}…{high}", text[:40], line, "warning" if soft else severity)
    if _CONTROL.search(text):
        yield Problem(Fault.PACKET_VALUE, path, "no control characters", ascii(text)[:40], line)


def _check_status(packet: Packet, problems: list[Problem]) -> None:
    from axis.core.lifecycle import STATUS_CODES

    code = packet.status_code
    line = (packet.header.get("StatusCode") or packet.header).line
    if code and code not in STATUS_CODES:
        problems.append(Problem(Fault.PACKET_VALUE, "StatusCode", " ".join(sorted(STATUS_CODES)), code[:40], line))
    if code in {"02", "16"} and not packet.description:
        # QĐ 28/2018, Art. 5.4: whoever refuses is responsible for it and must answer why.
        problems.append(Problem(Fault.PACKET_MISSING, "Description", "Description", line=line))


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# A marker, not a word: alone, in brackets, before a colon or dash, after "độ mật:". "Bảo mật thông tin" and
# "danh mục bí mật nhà nước độ Tuyệt mật" speak about secrecy and are none.
_LEVEL = r"(?:tuyệt\s+mật|tối\s+mật|mật)"
_SECRET = re.compile(
    rf"^{_LEVEL}(?:\s*[:–—-].*)?$|[(\[]\s*(?:độ\s+mật\s*:?\s*)?{_LEVEL}\s*[)\]]|độ\s+mật\s*:\s*{_LEVEL}\b",
    re.IGNORECASE | re.DOTALL,
)
_SECRET_TYPE = re.compile(r"^(?!.*\b(?:bảo|bí)\s+mật$).*\bmật$", re.IGNORECASE | re.DOTALL)
_DOS_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


def _check_document(packet: Packet, problems: list[Problem], today: date | None) -> None:
    seen: set[str] = set()
    for number, node in enumerate(packet.header.all("To"), 1):
        organ_id = node.value("OrganId")
        same = organ.normalise(organ_id) if organ.is_valid(organ_id) else organ_id
        if organ_id and same in seen:
            problems.append(Problem(Fault.PACKET_REPEATED, f"To[{number}]/OrganId", got=organ_id, line=node.line))
        seen.add(same)
    # Classified documents never travel here (QĐ 28/2018, Art. 1.2).
    for marked in (("DocumentType", "TypeName"), ("Subject",), ("OtherInfo", "SphereOfPromulgation")):
        value = packet.header.value(*marked)
        value = unicodedata.normalize("NFC", value)
        if _SECRET.search(value) or (marked[-1] == "TypeName" and _SECRET_TYPE.search(value)):
            problems.append(Problem(Fault.PACKET_SECRET, "/".join(marked), got=value))
    if today is not None and packet.promulgation_date > today.strftime("%Y/%m/%d"):
        path_ = "PromulgationInfo/PromulgationDate"
        problems.append(Problem(Fault.PACKET_FUTURE, path_, got=packet.promulgation_date, severity="warning"))
    folded: set[str] = set()
    for number, info in enumerate(packet.attachments, 1):
        path = f"edXMLManifest/Reference[{number}]/AttachmentName"
        if info.extra:
            problems += _check_extra(info.extra, f"edXMLManifest/Reference[{number}]/Attachment")
        if _unsafe(info.name):
            problems.append(Problem(Fault.ATT_NAME, path, got=ascii(info.name)[:100]))
        twin = unicodedata.normalize("NFC", info.name).casefold()
        if twin in folded and info.name:
            problems.append(Problem(Fault.ATT_NAME, path, got=ascii(info.name)[:100], severity="warning"))
        folded.add(twin)


def _check_extra(raw: str, path: str) -> Iterator[Problem]:
    """An attachment's further elements are written before its bytes: none may take the place of those, and
    the client library glues Format into a path."""
    for child in xml.parse(f'<w xmlns="{NAMESPACE}">{raw}</w>'.encode())[0]:
        name = _local(child)
        if name in {"ContentId", "AttachmentName", "ContentType", "ContentTransferEncoded"}:
            yield Problem(Fault.PACKET_REPEATED, path, got=name)
        elif name == "Format" and _unsafe(_clean("".join(str(t) for t in child.itertext()))):
            yield Problem(Fault.ATT_NAME, f"{path}/Format", got=ascii(child.text)[:100])


def _unsafe(name: str) -> bool:
    return (
        bool(re.search(r"[/\\:\x00]", name))
        or name in {".", ".."}
        or name.startswith("../")
        or bool(_DOS_NAMES.fullmatch(name))
        or any(c in _BIDI or unicodedata.category(c) in {"Cc", "Cs"} for c in name)
    )
