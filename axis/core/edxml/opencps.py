"""Applications as OpenCPS sends them: a document packet with ApplicationType MCDT_DT and the application's number in
OtherInfo/ReferenceCodes.

Its software writes the number into CodeNumber too, which has room for its last group alone, and the applicant's name
into Subject, where every clerk on the way would read it. Both are put right when such a packet is read; what the axis
writes has that form from the start.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from axis.core import xml
from axis.core.edxml.grammar import NAMESPACE
from axis.core.instant import VIETNAM
from axis.errors import Fault, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from axis.core.edxml.packet import Node, Organ

APPLICATION = "MCDT_DT"
NUMBER = re.compile(r"[A-Z0-9][A-Z0-9.]{2,34}-(?:[0-9]{6}|[0-9]{8})-[0-9]{1,10}")
NOTATION = "Hồ sơ liên thông"


def readable(header: Node, problems: list[Problem]) -> tuple[Node, ...] | None:
    """MessageHeader's children, put right, each change with a warning; None where nothing is to be changed."""
    if header.value("ApplicationType") != APPLICATION:
        return None
    written, code = header.value("OtherInfo", "ReferenceCodes"), header.value("Code", "CodeNumber")
    number = written if NUMBER.fullmatch(written) else code
    if NUMBER.fullmatch(number) is None:
        return None
    changed: dict[str, Node] = {}
    if code == number and (found := header.get("Code")) is not None:
        serial = number.rpartition("-")[2]
        changed["Code"] = _with(found, "CodeNumber", serial)
        problems.append(_put_right("Code/CodeNumber", serial))
    parts = header.value("Subject").split("/")
    if len(parts) > 2 and parts[-1] == number and (found := header.get("Subject")) is not None:
        subject = f"{parts[0]}/{number}"
        changed["Subject"] = replace(found, text=subject)
        problems.append(_put_right("Subject", subject))
    children = tuple(changed.get(one.name, one) if not one.raw else one for one in header.children)
    if changed and not header.value("DocumentId") and code == number and header.children:
        identifier = replace(header.children[0], name="DocumentId", text=number, children=())
        problems.append(_put_right("DocumentId", number))
        children = (*children, identifier)
    return children if changed else None


def _with(node: Node, name: str, text: str) -> Node:
    children = (replace(one, text=text) if one.name == name and not one.raw else one for one in node.children)
    return replace(node, children=tuple(children))


def _put_right(path: str, got: str) -> Problem:
    return Problem(Fault.PACKET_APPLICATION, path, got=got, severity="warning")


def application_packet(
    sender: Organ,
    recipients: Sequence[Organ],
    kind: str,
    number: str,
    title: str,
    at: datetime,
    files: Mapping[str, bytes],
) -> bytes:
    """The packet that carries `files`, the record first, about the application `number`; `kind` is its ApplicationType,
    `title` the name of the service. The same content at the same moment is the same packet, and another has another
    DocumentId."""
    digest = hashlib.sha256(b"".join(hashlib.sha256(one).digest() for one in files.values())).hexdigest()[:16]
    local = at.astimezone(VIETNAM)
    day = local.strftime("%Y/%m/%d")
    references, attachments = [], []
    for place, (name, content) in enumerate(files.items(), 1):
        one = {"ContentId": f"cid:{digest}-{place}", "ContentType": _media_type(name), "AttachmentName": name}
        references.append(f"<Reference>{_leaves(one)}</Reference>")
        encoded = base64.b64encode(content).decode()
        attachments.append(
            f"<Attachment>{_leaves(one)}<ContentTransferEncoded>{encoded}</ContentTransferEncoded></Attachment>"
        )
    header = (
        f"<From>{_organ(sender)}</From>{''.join(f'<To>{_organ(one)}</To>' for one in recipients)}"
        f"{_leaves({'DocumentId': f'{number},{kind},{digest}'})}"
        f"<Code>{_leaves({'CodeNumber': number.rpartition('-')[2], 'CodeNotation': NOTATION})}</Code>"
        f"<PromulgationInfo>{_leaves({'PromulgationDate': day})}</PromulgationInfo>"
        f"<DocumentType>{_leaves({'Type': '1', 'TypeName': 'Công văn'})}</DocumentType>"
        f"{_leaves({'Subject': f'{title[:400]}/{number}'})}"
        f"<OtherInfo>{_leaves({'Priority': '0', 'ReferenceCodes': number})}</OtherInfo>"
        f"{_leaves({'SteeringType': '0', 'ApplicationType': kind})}"
    )
    hop = _leaves({"OrganId": sender.organ_id, "Timestamp": local.strftime("%Y/%m/%d %H:%M:%S")})
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<edXML xmlns="{NAMESPACE}"><edXMLEnvelope><edXMLHeader>'
        f"<MessageHeader>{header}</MessageHeader><TraceHeaderList><TraceHeader>{hop}</TraceHeader>"
        f"<Bussiness><BussinessDocType>0</BussinessDocType><Paper>0</Paper></Bussiness></TraceHeaderList></edXMLHeader>"
        f'<edXMLBody><edXMLManifest version="1.0">{"".join(references)}</edXMLManifest></edXMLBody></edXMLEnvelope>'
        f"<AttachmentEncoded>{''.join(attachments)}</AttachmentEncoded></edXML>\n"
    ).encode()


def _organ(organ: Organ) -> str:
    return _leaves({"OrganId": organ.organ_id, "OrganName": organ.name})


def _leaves(values: Mapping[str, str]) -> str:
    texts = {name: xml.escape(xml.NOT_TEXT.sub("\ufffd", value)) for name, value in values.items() if value}
    return "".join(f"<{name}>{text}</{name}>" for name, text in texts.items())


def _media_type(name: str) -> str:
    ending = name.rpartition(".")[2].lower()
    return {"json": "application/json", "pdf": "application/pdf"}.get(ending, "application/octet-stream")
