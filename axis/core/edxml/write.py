"""Packets out: the canonical form (which core/edxml/read.py describes), with and without the attachments' bytes."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pybase64

from axis.core import xml
from axis.core.edxml.grammar import NAMESPACE
from axis.core.edxml.packet import Kind, Node, Organ, Packet, ResponseFor
from axis.core.edxml.values import clean
from axis.core.instant import VIETNAM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_HEAD = f'<?xml version="1.0" encoding="UTF-8"?>\n<edXML xmlns="{NAMESPACE}">\n'
_TAIL = "</edXML>\n"
_TRIPLETS = 3 * 256 * 1024  # bytes that are written as base64 at once
_MADE_ANEW = frozenset({"ContentId", "Timestamp"})  # Timestamp: of a hop


def write_document(packet: Packet) -> bytes:
    """The canonical form without attachments' bytes."""
    lines: list[str] = []
    _emit(packet.envelope, 1, lines, f' xmlns:edXML="{NAMESPACE}"')
    lines += [f"  {node.raw}" for node in packet.beside]
    return (_HEAD + "\n".join(lines) + "\n" + _TAIL).encode()


def write_packet(document: bytes, packet: Packet, contents: Sequence[bytes | memoryview]) -> bytes:
    """The canonical .edxml: `document` (as :func:`write_document` gives it) with its attachments inside, in
    the order of the References. Reading it again gives the same document and the same contents."""
    if packet.kind is Kind.STATUS:
        return document
    written = io.BytesIO()  # not pieces to be joined: that is all of it twice
    written.write(document[: -len(_TAIL)])
    written.write(b"  <AttachmentEncoded>\n" if contents else b"  <AttachmentEncoded />\n")
    for info, content in zip(packet.attachments, contents, strict=True):
        described = "".join(
            f"      <{name}>{xml.escape(value)}</{name}>\n"
            for name, value in (
                ("ContentId", "cid:" + info.content_id),
                ("AttachmentName", info.name),
                ("Description", info.description),
                ("ContentType", info.content_type),
            )
            if value
        )
        extra = f"      {_extra_children(info.extra)}\n" if info.extra else ""
        written.write(
            f"    <Attachment>\n{described}{extra}"
            f'      <edXML:ContentTransferEncoded xmlns:edXML="{NAMESPACE}">'.encode()
        )
        for start in range(0, len(content), _TRIPLETS):
            written.write(pybase64.b64encode(content[start : start + _TRIPLETS]))
        written.write(b"</edXML:ContentTransferEncoded>\n    </Attachment>\n")
    written.write(b"  </AttachmentEncoded>\n" if contents else b"")
    written.write(_TAIL.encode())
    return written.getvalue()


def essence(packet: Packet, contents: Sequence[bytes]) -> str:
    """Hex SHA-256 of what a packet that is no status says. What is made anew whenever the same packet is built again is
    left out: the ids of its attachments, the times of its hops, its own signature."""
    digest = hashlib.sha256(write_document(replace(packet, envelope=_lasting(packet.envelope))))
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def _lasting(node: Node) -> Node:
    signed = node.name == "edXMLHeader"  # where the packet's own signature stands
    kept = [one for one in node.children if one.name not in _MADE_ANEW]
    kept = [one for one in kept if not (signed and one.name.endswith("}Signature"))]
    return replace(node, children=tuple(_lasting(one) for one in kept))


def _extra_children(raw: str) -> str:
    return raw[raw.index(">") + 1 : raw.rindex("</")]


def status_packet(
    sender: Organ,
    response_for: ResponseFor,
    code: str,
    timestamp: datetime,
    description: str = "",
    *,
    staff: str = "",
    department: str = "",
) -> bytes:
    """A canonical status packet. `timestamp` is aware and written in Viet Nam time; `staff` of `department` has done
    it."""
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
    by = _leaves({"Department": department, "Staff": staff})
    header = Node(
        "MessageHeader",
        children=(
            Node("From", children=_leaves(agency)),
            Node("ResponseFor", children=_leaves(about)),
            *((Node("StaffInfo", children=by),) if by else ()),
            *_leaves(leaves),
        ),
    )
    envelope = Node("edXMLEnvelope", children=(Node("edXMLHeader", children=(header,)),))
    return write_document(Packet(Kind.STATUS, envelope))


def _leaves(values: Mapping[str, str]) -> tuple[Node, ...]:
    """Leaves of texts from elsewhere; what XML cannot hold becomes U+FFFD."""
    texts = {name: clean(xml.NOT_TEXT.sub("\ufffd", value)) for name, value in values.items()}
    return tuple(Node(name, value) for name, value in texts.items() if value)


def _emit(node: Node, depth: int, lines: list[str], attributes: str = "") -> None:
    indent = "  " * depth
    if node.raw:
        lines.append(indent + node.raw)
    elif node.text:
        lines.append(f"{indent}<edXML:{node.name}>{xml.escape(node.text)}</edXML:{node.name}>")
    else:
        version = ' version="1.0"' if node.name == "edXMLManifest" else ""
        lines.append(f"{indent}<edXML:{node.name}{attributes}{version}>")
        for child in node.children:
            _emit(child, depth + 1, lines)
        lines.append(f"{indent}</edXML:{node.name}>")
