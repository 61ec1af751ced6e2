"""edXML packets: a tolerant reader for every dialect in use, and one canonical form.

The canonical form, fixed once and for all (document.edxml in a parcel, and the .edxml handed over):

* UTF-8, XML declaration, LF, two blanks of indent for each level, one leaf a line, values trimmed;
* ``<edXML xmlns=NS>``, then ``<edXML:edXMLEnvelope xmlns:edXML=NS>`` with every known element below it
  prefixed, in the order of core/edxml/grammar.py; dates ``yyyy/MM/dd``, time stamps ``yyyy/MM/dd HH:mm:ss``
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

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from xml.sax import saxutils

from lxml import etree

from axis.core import signature, xml
from axis.core.edxml import grammar, opencps
from axis.core.edxml.attachments import MAX_ATTACHMENT, pair, read_attachments
from axis.core.edxml.check import Written, check
from axis.core.edxml.grammar import NAMESPACE
from axis.core.edxml.packet import KINDS, AttachmentInfo, Kind, Node, Organ, Packet, ResponseFor
from axis.core.edxml.values import BASE64, BLANKS, clean, day_of, local_name, normal, raw_of
from axis.core.edxml.write import essence, status_packet, write_document, write_packet
from axis.core.identity import same_id
from axis.errors import Fault, Problem, Rejected, capped, rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lxml.etree import _Element

    from axis.core.edxml.grammar import Element
    from axis.core.parcel import Parcel

__all__ = [
    "MAX_ATTACHMENT",
    "NAMESPACE",
    "AttachmentInfo",
    "Conversion",
    "Kind",
    "Node",
    "Organ",
    "Packet",
    "ResponseFor",
    "check",
    "convert",
    "essence",
    "read_accepted",
    "read_again",
    "read_and_check",
    "read_document",
    "read_parcel",
    "same_id",
    "status_packet",
    "with_terms",
    "write_document",
    "write_packet",
]

XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"
_TAGS = re.compile(r"<(/?)edXML:(\w+)(?: [^<>]*)?>([^<]*)")  # of the canonical form: and what stands behind each
_STATUS_CODE = ("edXMLHeader", "MessageHeader", "StatusCode")
_EMPTY_ATTRIBUTES = frozenset({"id", "Id", "ID", "version", "mustUnderstand", "actor", "encodingStyle", "role"})
_EMPTY_NAMESPACES = (
    "{http://www.w3.org/1999/xlink}",
    "{http://www.w3.org/2001/XMLSchema-instance}",
    "{http://www.w3.org/XML/1998/namespace}",
    "{http://schemas.xmlsoap.org/soap/envelope/}",
)


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of a packet that an agency wrote. `document` is there whenever it could be read."""

    packet: Packet | None
    document: bytes
    attachments: tuple[bytes, ...]
    problems: tuple[Problem, ...]
    tree: _Element | None = field(default=None, repr=False, compare=False)  # of `document`, where it was parsed


# -- Reading -------------------------------------------------------------------------------------------------


def convert(data: bytes, to: Sequence[str] = (), names: Mapping[str, str] | None = None) -> Conversion:
    """Read `data` in whatever dialect; `to` (OrganIds) replaces its recipients, with `names` where known.

    A pure function: no clock, no random id, no hop added. Reports every finding with its line and never
    raises for bad content.
    """
    problems: list[Problem] = []
    try:
        root = xml.parse(data, free_text=BASE64)
        del data  # the tree has it all once more
        envelope = _envelope(root)
        verdict = _own_signature(root)
        packet = _packet(envelope, problems)
        packet = replace(packet, beside=_beside(root, envelope, problems))
        attachments = read_attachments(root, {same_id(a.content_id): a.name for a in packet.attachments}, problems)
    except Rejected as error:
        return Conversion(None, b"", (), capped((*error.problems, *problems)))
    if to and packet.kind is Kind.STATUS:
        problems.append(Problem(Fault.PACKET_VALUE, "To", "ResponseFor/OrganId", ", ".join(to)[:80]))
    elif to:
        packet = _readdress(packet, to, names or {})
    packet = _with_application(_with_bussiness(_with_manifest(packet), problems), problems)
    packet = _with_target(_with_document_id(packet, problems), problems)
    packet, contents = pair(packet, attachments, problems)
    if verdict:
        problems.append(Problem(Fault.PACKET_SIGNATURE, "Signature", got=verdict, severity="warning"))
    written = Written(packet, write_document(packet))
    problems += check(packet, written=written)
    return Conversion(packet, written.document, contents, capped(tuple(dict.fromkeys(problems))), written.tree)


def read_document(document: bytes, attachments: int, tree: _Element | None = None) -> Packet:
    """The packet of a parcel's document.edxml, which must be canonical and refer to `attachments` files.

    `tree`: `document` as :func:`axis.core.xml.parse` has read it, where that is done already.
    Raises :class:`Rejected`: XML_*, PACKET_KIND, PACKET_NOT_CANONICAL, PACKET_ATTACHMENTS.
    """
    root = xml.parse(document) if tree is None else tree
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


def read_again(converted: Conversion) -> Packet:
    """What the strict reader makes of `converted`, as a recipient and the hub will: :func:`read_document` of it."""
    return read_document(converted.document, len(converted.attachments), converted.tree)


def read_and_check(parcel: Parcel) -> tuple[Packet, tuple[Problem, ...]]:
    """The packet of a verified parcel and all that :func:`check` finds in it: parsed once, and once for this parcel.

    Raises :class:`Rejected` as :func:`read_document` does.
    """
    return parcel.once(_read_and_checked)


def read_parcel(parcel: Parcel) -> Packet:
    """The packet of a verified parcel, read once for this parcel. Raises :class:`Rejected` as :func:`read_document`."""
    return parcel.once(_read_and_checked)[0] if parcel.has_made(_read_and_checked) else parcel.once(_read_only)


def read_accepted(parcel: Parcel, content_digest: str) -> Packet:
    """The packet of a verified parcel that the hub has accepted, as its verified A.1 says by `content_digest`.

    The hub has read these very bytes strictly: here they are only taken apart. With another digest, and where that is
    not enough, this is :func:`read_parcel`.
    """
    if content_digest == parcel.content_digest and not parcel.has_made(_read_and_checked):
        return parcel.once(_taken_apart) or read_parcel(parcel)
    return read_parcel(parcel)


def _taken_apart(parcel: Parcel) -> Packet | None:
    """The packet of a canonical document by its tags alone; None where there is more than the standard's elements."""
    text = parcel.content.decode("utf-8", "replace")
    if text.count(" xmlns") != 2:  # each other element declares its namespace
        return None
    content = ""
    opened: list[tuple[str, list[Node]]] = [("", [])]
    for is_end, name, after in _TAGS.findall(text):
        if not is_end:
            opened.append((name, []))
            content = after
            continue
        begun, children = opened.pop()
        if begun != name or not opened:
            return None
        value = "" if children else content.strip(BLANKS)
        if "&" in value:
            value = saxutils.unescape(value, {"&#13;": "\r"})
        opened[-1][1].append(Node(name, value, tuple(children)))
    if len(opened) != 1 or [node.name for node in opened[0][1]] != [grammar.DOCUMENT.name]:
        return None
    (envelope,) = opened[0][1]
    packet = Packet(Kind.STATUS if envelope.value(*_STATUS_CODE) else Kind.NEW, envelope)
    if packet.kind is Kind.NEW:
        packet = replace(packet, kind=KINDS.get(packet.bussiness.value("BussinessDocType"), Kind.NEW))
    return packet if len(packet.attachments) == len(parcel.attachments) else None


def _read_only(parcel: Parcel) -> Packet:
    return read_document(parcel.content, len(parcel.attachments))


def _read_and_checked(parcel: Parcel) -> tuple[Packet, tuple[Problem, ...]]:
    tree = xml.parse(parcel.content)
    packet = read_document(parcel.content, len(parcel.attachments), tree)
    return packet, check(packet, written=Written(packet, parcel.content, tree))


def _envelope(root: _Element) -> _Element:
    if local_name(root) != "edXML":
        raise rejected(Fault.XML_ROOT, root.tag, "edXML", line=xml.line_of(root))
    for child in root:
        if local_name(child) == "edXMLEnvelope":
            return child
    raise rejected(Fault.PACKET_KIND, path="edXMLEnvelope")


def _packet(envelope: _Element, problems: list[Problem]) -> Packet:
    header = next((c for p in envelope for c in p if local_name(c) == "MessageHeader"), None)
    if header is None:
        raise rejected(Fault.PACKET_KIND, path="MessageHeader")
    # Some software leaves an empty TraceHeaderList or body in a status packet: only a Bussiness tells.
    is_status = any(local_name(child) == "StatusCode" and clean(child.text) for child in header)
    lists = (c for p in envelope for c in p if local_name(c) == "TraceHeaderList")
    if is_status and not any(local_name(c) == "Bussiness" and len(c) for part in lists for c in part):
        return Packet(Kind.STATUS, _read(envelope, grammar.STATUS, problems, ""))
    node = _read(envelope, grammar.DOCUMENT, problems, "")
    code = node.value("edXMLHeader", "TraceHeaderList", "Bussiness", "BussinessDocType")
    return Packet(KINDS.get(code, Kind.NEW), node)


def _read(element: _Element, spec: Element, problems: list[Problem], path: str) -> Node:
    """The canonical node of `element`: known children in order, then a Signature and unknown ones."""
    found: dict[str, list[Node]] = {}
    kept: list[Node] = []
    between = [element.text]
    children = _regrouped(element) if spec is grammar.TRACE_HEADER_LIST else list(element)
    if len(children) > grammar.MAX_SAME:
        counted: Counter[str] = Counter()
        for child in children:
            name = local_name(child)
            grammar.bounded(counted, name if name in spec.by_name else "?", path or spec.name, xml.line_of(child))
    for child in children:
        name = grammar.NAMES.get(child.tag) or local_name(child)
        inner = spec.by_name.get(name)
        between.append(child.tail)
        if inner is None or (not inner.children and len(child)):
            if len(child) or clean(child.text) or (inner is None and child.attrib):
                kept.append(_keep(child, problems, path, signature=spec.name == "edXMLHeader"))
            continue
        if child.keys():
            _drop_attributes(child, grammar.below(path, inner), problems)
        if inner.children:
            node = _read(child, inner, problems, grammar.below(path, inner))
            if not node.children and inner is not grammar.MANIFEST:
                continue
        elif text := (child.text or "").strip(BLANKS):
            node = Node(name, normal(text, inner) if inner.has_form else text, (), "", xml.line_of(child))
        else:
            continue
        if name in found:
            found[name].append(node)
        else:
            found[name] = [node]
    if spec.item and not found and (text := clean("".join(t or "" for t in between))):
        # Some software writes the one value of a list without the element around it.
        found[spec.item.name] = [Node(spec.item.name, normal(text, spec.item), line=xml.line_of(element))]
        between = []
    for one in between:
        if one and (stray := one.strip(BLANKS)):
            problems.append(Problem(Fault.PACKET_DROPPED, path or spec.name, got=f"«{stray[:40]}»", severity="warning"))
    # In the grammar's order. More than one where only one belongs: all stand in the canonical form, check() says it.
    ordered = [node for name in spec.by_name if name in found for node in found[name]]
    return Node(spec.name, "", (*ordered, *kept), line=xml.line_of(element))


def _regrouped(element: _Element) -> list[_Element]:
    """The children of TraceHeaderList; a Paper that strayed there is put into Bussiness."""
    children = list(element)
    bussiness = next((c for c in children if local_name(c) == "Bussiness"), None)
    stray = [c for c in children if local_name(c) == "Paper"]
    if bussiness is not None and stray and not any(local_name(c) == "Paper" for c in bussiness):
        bussiness.append(stray[0])
        children.remove(stray[0])
    return children


def _drop_attributes(element: _Element, path: str, problems: list[Problem]) -> None:
    for key in element.attrib:
        name = str(key)
        if name not in _EMPTY_ATTRIBUTES and not name.startswith(_EMPTY_NAMESPACES):
            line = xml.line_of(element)
            problems.append(Problem(Fault.PACKET_DROPPED, path, got=f"@{name}", line=line, severity="warning"))


def _beside(root: _Element, envelope: _Element, problems: list[Problem]) -> tuple[Node, ...]:
    """What stands beside the envelope and is none of the standard's; a second envelope is an error."""
    kept: list[Node] = []
    counted: Counter[str] = Counter()
    for child in root:
        name = local_name(child)
        encoded = name == "AttachmentEncoded"
        inner = [c for c in child if local_name(c) != "Attachment"] if encoded else [child]
        if name == "edXMLEnvelope":
            if child is not envelope:
                problems.append(Problem(Fault.PACKET_REPEATED, name, got=name, line=xml.line_of(child)))
            continue
        for one in inner:
            grammar.bounded(counted, "?", name, xml.line_of(one))
            if len(one) or clean(one.text) or one.attrib:
                kept.append(_keep(one, problems, "" if one is child else name))
    return tuple(kept)


def _keep(element: _Element, problems: list[Problem], path: str, *, signature: bool = False) -> Node:
    """An element that is carried as it is, so that reading it again gives the same."""
    raw = raw_of(element)
    name = etree.QName(element)
    if name.namespace != grammar.EXTRA_NAMESPACE and not (signature and name.localname == "Signature"):
        where = f"{path}/{name.localname}" if path else name.localname
        problems.append(
            Problem(Fault.PACKET_UNKNOWN, where, got=name.localname, line=xml.line_of(element), severity="warning")
        )
    tag = str(element.tag)
    return Node(tag if tag[0] == "{" else f"{{{NAMESPACE}}}{tag}", raw=raw, line=xml.line_of(element))


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


def with_terms(packet: Packet, deliver_at: str = "", deliver_within: str = "") -> Packet:
    """`packet` with when it shall be delivered, see :meth:`Packet.extension`."""
    children = list(packet.header.children)
    for name, value in (("DeliverAt", deliver_at), ("DeliverWithin", deliver_within)):
        tag = f"{{{grammar.EXTRA_NAMESPACE}}}{name}"
        if value:
            children = [node for node in children if node.name != tag]
            raw = f'<{name} xmlns="{grammar.EXTRA_NAMESPACE}">{xml.escape(value)}</{name}>'
            children.append(Node(tag, raw=raw))
    return _change_header(packet, children)


def _with_manifest(packet: Packet) -> Packet:
    """A document packet without body or manifest gets an empty one: clients read a missing one as null."""
    if packet.kind is Kind.STATUS or packet.envelope.get("edXMLBody", "edXMLManifest"):
        return packet
    body = packet.envelope.get("edXMLBody") or Node("edXMLBody")
    body = replace(body, children=(Node("edXMLManifest"), *body.children))
    header = tuple(part for part in packet.envelope.children if part.name == "edXMLHeader" and not part.raw)
    others = tuple(p for p in packet.envelope.children if p.raw or p.name not in {"edXMLHeader", "edXMLBody"})
    return replace(packet, envelope=replace(packet.envelope, children=(*header, body, *others)))


def _with_bussiness(packet: Packet, problems: list[Problem]) -> Packet:
    """A packet that does not say what is to be done is a new document, unless it says what only a change says."""
    said = {node.name for node in packet.bussiness.children if not node.raw}
    if packet.kind is Kind.STATUS or said - {"Paper", "StaffInfo"}:
        return packet
    path = "TraceHeaderList/Bussiness/BussinessDocType"
    problems.append(Problem(Fault.PACKET_ASSUMED, path, "BussinessDocType", "0", packet.envelope.line, "warning"))
    return _change_bussiness(packet, Node("BussinessDocType", "0"))


def _with_target(packet: Packet, problems: list[Problem]) -> Packet:
    """A recall or update repeats the header of its document: what Bussiness does not name, the header does."""
    if packet.kind not in {Kind.RECALL, Kind.UPDATE} or packet.bussiness_document_id or not packet.document_id:
        return packet
    line, path = packet.bussiness.line, "TraceHeaderList/Bussiness/DocumentId"
    written = packet.header.value("DocumentId")
    problems.append(Problem(Fault.PACKET_ASSUMED, path, "DocumentId", written, line, "warning"))
    return _change_bussiness(packet, Node("DocumentId", written))


def _change_bussiness(packet: Packet, more: Node) -> Packet:
    """The packet with `more` in its Bussiness, which is made where there is none."""
    header = packet.envelope.get("edXMLHeader") or Node("edXMLHeader")
    traces = header.get("TraceHeaderList") or Node("TraceHeaderList")
    bussiness = traces.get("Bussiness") or Node("Bussiness")
    changed = _put(traces, _put(bussiness, more, grammar.BUSSINESS), grammar.TRACE_HEADER_LIST)
    envelope = _put(packet.envelope, _put(header, changed, grammar.DOCUMENT.by_name["edXMLHeader"]), grammar.DOCUMENT)
    return replace(packet, envelope=envelope)


def _put(parent: Node, child: Node, spec: Element) -> Node:
    """`parent` with `child` in place of the first of its name, or where the grammar has it."""
    old = parent.get(child.name)
    if old is not None:
        return replace(parent, children=tuple(child if node is old else node for node in parent.children))
    order = {element.name: number for number, element in enumerate(spec.children)}
    places = [order.get(node.name, len(order)) if not node.raw else len(order) for node in parent.children]
    at = sum(place < order[child.name] for place in places)
    return replace(parent, children=(*parent.children[:at], child, *parent.children[at:]))


def _with_application(packet: Packet, problems: list[Problem]) -> Packet:
    """An application of OpenCPS in the form that the axis carries."""
    if packet.kind is Kind.STATUS or (children := opencps.readable(packet.header, problems)) is None:
        return packet
    return _change_header(packet, children)


def _with_document_id(packet: Packet, problems: list[Problem]) -> Packet:
    """A missing DocumentId is derived, never invented: the same packet always gives the same one."""
    if packet.kind is Kind.STATUS or packet.document_id:
        return packet
    parts = (packet.sender.organ_id, packet.promulgation_date, packet.number, packet.notation)
    if not all(parts) or day_of(parts[1]) is None:
        return packet  # check() reports it as missing
    derived = f"{parts[0]},{parts[1]},{parts[2]}/{parts[3]}"
    problems.append(Problem(Fault.PACKET_DERIVED_ID, "DocumentId", got=derived, severity="warning"))
    return _change_header(packet, [*packet.header.children, Node("DocumentId", derived)])


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
    return signature.judge_enveloped(root, element)
