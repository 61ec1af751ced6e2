"""What is wrong with a packet, all at once: errors forbid it, warnings travel with it."""

from __future__ import annotations

import operator
import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from axis import schemas
from axis.core import organ, xml
from axis.core.edxml import grammar
from axis.core.edxml.attachments import PATH_MARK
from axis.core.edxml.grammar import NAMESPACE
from axis.core.edxml.packet import Kind, Node, Packet
from axis.core.edxml.values import clean, day_of, is_day, is_timestamp, local_name
from axis.core.edxml.write import write_document
from axis.core.hub import terms
from axis.core.hub.lifecycle import STATUS_CODES
from axis.errors import Fault, Problem, Severity, capped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from lxml.etree import _Element

    from axis.core.edxml.grammar import Element


@dataclass(slots=True)
class Written:
    """`document` is what :func:`write_document` gives for `packet`, and `tree` what was parsed of it, if it was."""

    packet: Packet
    document: bytes
    tree: _Element | None = None


def check(packet: Packet, today: date | None = None, written: Written | None = None) -> tuple[Problem, ...]:
    """Every finding on a packet's canonical value. With `today` (Viet Nam) also an issue date in the future.

    `written`: the packet in its canonical form, where somebody has it; the tree that is parsed of it is left there.
    """
    problems: list[Problem] = []
    spec = grammar.STATUS if packet.kind is Kind.STATUS else grammar.DOCUMENT
    _check_node(packet.envelope, spec, "", problems)
    if packet.kind is Kind.STATUS:
        _check_status(packet, problems)
    else:
        _check_document(packet, problems, today)
    if not any(p.severity == "error" for p in problems):
        problems += _check_schema(packet, written)
    return capped(problems)


def _check_schema(packet: Packet, written: Written | None) -> list[Problem]:
    """libxml2 decides; only then, xmlschema explains. Unknown elements are left out: the XSD describes the rest."""
    name = "edxml-status" if packet.kind is Kind.STATUS else "edxml-document"
    envelope = _pruned(packet.envelope)
    if written is None or written.packet is not packet or envelope is not packet.envelope or packet.beside:
        written = Written(packet, write_document(Packet(packet.kind, envelope)))
    if written.tree is None:
        written.tree = xml.parse(written.document)
    if schemas.validator(name).validate(written.tree):
        return []
    return [Problem(Fault.XSD_INVALID, path, got=reason) for path, reason in schemas.explain(name, written.document)]


def _pruned(node: Node) -> Node:
    """`node` without what the standard does not know, at any depth; the same one where there is nothing such."""
    children = [_pruned(child) if child.children else child for child in node.children if not child.raw]
    if len(children) == len(node.children) and all(map(operator.is_, children, node.children)):
        return node
    return replace(node, children=tuple(children))


def _check_node(node: Node, spec: Element, path: str, problems: list[Problem]) -> None:
    by_name: dict[str, list[Node]] = {}
    for child in node.children:
        if not child.raw:
            by_name.setdefault(child.name, []).append(child)
    for inner in spec.children:
        nodes = by_name.get(inner.name)
        if not nodes and not inner.required:
            continue
        where = grammar.below(path, inner)
        if not nodes:
            problems.append(Problem(Fault.PACKET_MISSING, where or inner.name, expected=inner.name, line=node.line))
            continue
        if len(nodes) > 1 and not inner.many:
            problems.append(Problem(Fault.PACKET_REPEATED, where, got=inner.name, line=nodes[1].line))
        for number, child in enumerate(nodes, 1):
            text = child.text
            if inner.type == "text" and not (inner.limit and len(text) > inner.limit) and not _CONTROL.search(text):
                continue  # most are so
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
    elif spec.type == "date" and not is_day(text):
        yield Problem(Fault.PACKET_DATE, path, "yyyy/MM/dd", text[:40], line, severity)
    elif spec.type == "timestamp" and not is_timestamp(text):
        yield Problem(Fault.PACKET_DATE, path, "yyyy/MM/dd HH:mm:ss", text[:40], line, severity)
    elif spec.type == "organ" and not organ.is_valid(text):
        yield Problem(Fault.PACKET_ORGAN, path, "G22, H29.10.05, 000.00.00.G22", text[:40], line, severity)
    elif spec.type == "flag" and text not in {"0", "1"}:
        yield Problem(Fault.PACKET_VALUE, path, "0 | 1", text[:40], line, severity)
    elif spec.type == "number":
        low, high = spec.low or 0, spec.high or 0
        if not _INTEGER.fullmatch(text) or not low <= int(text) <= high:
            # An integer out of range breaks nobody's parser unless the law bounds it (Priority, amounts).
            soft = spec.name == "SteeringType" and _INTEGER.fullmatch(text)
            yield Problem(Fault.PACKET_VALUE, path, f"{low}…{high}", text[:40], line, "warning" if soft else severity)
    if _CONTROL.search(text):
        yield Problem(Fault.PACKET_VALUE, path, "no control characters", ascii(text)[:40], line)


def _check_status(packet: Packet, problems: list[Problem]) -> None:
    code = packet.status_code
    line = (packet.header.get("StatusCode") or packet.header).line
    if code and code not in STATUS_CODES:
        problems.append(Problem(Fault.PACKET_VALUE, "StatusCode", " ".join(sorted(STATUS_CODES)), code[:40], line))
    if code in {"02", "16"} and not packet.description:
        # QĐ 28/2018, Art. 5.4: whoever refuses is responsible for it and must answer why.
        problems.append(Problem(Fault.PACKET_MISSING, "Description", "Description", line=line))


def _check_terms(packet: Packet) -> Iterator[Problem]:
    for name, form, read in (
        ("DeliverAt", "yyyy/MM/dd HH:mm:ss", terms.read_moment),
        ("DeliverWithin", "PT4H", terms.read_duration),
    ):
        text = packet.extension(name)
        try:
            if text:
                read(text)
        except ValueError:
            yield Problem(Fault.PACKET_DATE, name, form, text[:40])


def _missing(packet: Packet, *path: str) -> Problem:
    where = "/".join(("TraceHeaderList", "Bussiness", *path))
    return Problem(Fault.PACKET_MISSING, where, expected=path[-1], line=packet.bussiness.line)


def _check_change(packet: Packet) -> Iterator[Problem]:
    """What a recall, update or replacement must say so that a recipient can carry it out."""
    if packet.kind is Kind.RECALL and not packet.bussiness_reason:
        yield _missing(packet, "BussinessDocReason")
    if packet.kind is Kind.UPDATE:
        if not packet.changes_content and not packet.changes_receivers:
            path = "TraceHeaderList/Bussiness/BussinessDocumentInfo"
            yield Problem(Fault.PACKET_VALUE, path, "DocumentInfo=1 | DocumentReceiver=1", "0", packet.bussiness.line)
        if packet.changes_receivers and not packet.receivers:
            yield _missing(packet, "BussinessDocumentInfo", "ReceiverList")
        seen: set[str] = set()
        for organ_id, _ in packet.receivers if packet.changes_receivers else ():
            if organ_id in seen:
                path = "TraceHeaderList/Bussiness/BussinessDocumentInfo/ReceiverList"
                yield Problem(Fault.PACKET_REPEATED, path, got=organ_id, line=packet.bussiness.line)
            seen.add(organ_id)
    if packet.kind is Kind.REPLACE:
        for document_id, organ_ids in packet.replaced:
            if document_id and not organ_ids:
                yield _missing(packet, "ReplacementInfoList", "OrganIdList")


_INTEGER = re.compile(r"-?\d{1,6}", re.ASCII)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# A marker, not a word: alone, in brackets, before a colon or dash, after "độ mật:". "Bảo mật thông tin" and
# "danh mục bí mật nhà nước độ Tuyệt mật" speak about secrecy and are none.
_LEVEL = r"(?:tuyệt\s+mật|tối\s+mật|mật)"
_SECRET = re.compile(
    rf"^{_LEVEL}(?:\s*[:–—-].*)?$|[(\[]\s*(?:độ\s+mật\s*(?::\s*)?)?{_LEVEL}\s*[)\]]|độ\s+mật\s*:\s*{_LEVEL}\b",
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
    named = {
        Kind.RECALL: ("DocumentId",),
        Kind.UPDATE: ("DocumentId",),
        Kind.REPLACE: ("ReplacementInfoList", "ReplacementInfo", "DocumentId"),
    }
    if (must := named.get(packet.kind)) and not packet.bussiness.value(*must):
        # A change of no document is nothing that a recipient could carry out.
        problems.append(_missing(packet, must[0]))
    problems += _check_change(packet)
    problems += _check_terms(packet)
    # Classified documents never travel here (QĐ 28/2018, Art. 1.2).
    for marked in (("DocumentType", "TypeName"), ("Subject",), ("OtherInfo", "SphereOfPromulgation")):
        # What is too long is refused for that; only as much as is allowed is looked through.
        value = unicodedata.normalize("NFC", packet.header.value(*marked)[: grammar.limit(*marked)])
        if _SECRET.search(value) or (marked[-1] == "TypeName" and _SECRET_TYPE.search(value)):
            problems.append(Problem(Fault.PACKET_SECRET, "/".join(marked), got=value))
    issued = day_of(packet.promulgation_date)
    if today is not None and issued is not None and issued > today:
        path_ = "PromulgationInfo/PromulgationDate"
        problems.append(Problem(Fault.PACKET_FUTURE, path_, got=packet.promulgation_date, severity="warning"))
    folded: set[str] = set()
    for number, info in enumerate(packet.attachments, 1):
        path = f"edXMLManifest/Reference[{number}]/AttachmentName"
        if info.extra:
            problems += _check_extra(info.extra, f"edXMLManifest/Reference[{number}]/Attachment")
        if _unsafe(info.name):
            problems.append(Problem(Fault.ATT_NAME, path, got=ascii(info.name)[:100]))
        twin = unicodedata.normalize("NFC", info.name[: grammar.MAX_NAME]).casefold()
        if twin in folded and info.name:
            problems.append(Problem(Fault.ATT_NAME, path, got=ascii(info.name)[:100], severity="warning"))
        folded.add(twin)


def _check_extra(raw: str, path: str) -> Iterator[Problem]:
    """An attachment's further elements are written before its bytes: none may take the place of those, and
    the client library glues Format into a path."""
    for child in xml.parse(f'<w xmlns="{NAMESPACE}">{raw}</w>'.encode())[0]:
        name = local_name(child)
        if name in {"ContentId", "AttachmentName", "ContentType", "ContentTransferEncoded"}:
            yield Problem(Fault.PACKET_REPEATED, path, got=name)
        elif name == "Format" and _unsafe(clean("".join(str(t) for t in child.itertext()))):
            yield Problem(Fault.ATT_NAME, f"{path}/Format", got=ascii(child.text)[:100])


def _unsafe(name: str) -> bool:
    return (
        bool(PATH_MARK.search(name))
        or name in {".", ".."}
        or name.startswith("../")
        or bool(_DOS_NAMES.fullmatch(name))
        or any(c in _BIDI or unicodedata.category(c) in {"Cc", "Cs"} for c in name)
    )
