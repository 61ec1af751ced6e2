"""TEMPORARY stand-in."""
from __future__ import annotations
import base64
import io
import zipfile
from dataclasses import dataclass
from enum import StrEnum
from lxml import etree
from axis.core import xml
from axis.errors import Problem, Fault, Rejected, rejected

NS = "http://www.mic.gov.vn/TBT/QCVN_102_2016"

class Kind(StrEnum):
    NEW = "new"; RECALL = "recall"; UPDATE = "update"; REPLACE = "replace"; STATUS = "status"

@dataclass(frozen=True, slots=True)
class Organ:
    organ_id: str
    name: str = ""

@dataclass(frozen=True, slots=True)
class ResponseFor:
    organ_id: str; code: str; document_id: str; promulgation_date: str

@dataclass(frozen=True, slots=True)
class AttachmentInfo:
    content_id: str; name: str; content_type: str; description: str

@dataclass(frozen=True)
class Packet:
    kind: Kind; sender: Organ; recipients: tuple[Organ, ...]; document_id: str; number: str; notation: str
    subject: str; promulgation_date: str; priority: int; due_date: str; response_for: tuple[ResponseFor, ...]
    status_code: str; description: str; timestamp: str; attachments: tuple[AttachmentInfo, ...]
    @property
    def code(self) -> str: return f"{self.number}/{self.notation}"

@dataclass(frozen=True, slots=True)
class Conversion:
    packet: Packet | None; document: bytes; attachments: tuple[bytes, ...]; problems: tuple[Problem, ...]

def _l(e): return etree.QName(e).localname
def _c(e, *path):
    for name in path:
        if e is None: return None
        e = next((k for k in e if _l(k) == name), None)
    return e
def _t(e, *path):
    x = _c(e, *path)
    return (x.text or "").strip() if x is not None else ""

def _packet(root):
    env = _c(root, "edXMLEnvelope"); h = _c(env, "edXMLHeader", "MessageHeader")
    if h is None: raise rejected(Fault.PACKET_KIND)
    status = _t(h, "StatusCode")
    kind = Kind.STATUS if status else [Kind.NEW, Kind.RECALL, Kind.UPDATE, Kind.REPLACE][int(_t(env, "edXMLHeader", "TraceHeaderList", "Bussiness", "BussinessDocType") or 0)]
    man = _c(env, "edXMLBody", "edXMLManifest")
    refs = [] if man is None else [AttachmentInfo(_t(r, "ContentId").removeprefix("cid:"), _t(r, "AttachmentName"), _t(r, "ContentType"), _t(r, "Description")) for r in man]
    o = lambda e: Organ(_t(e, "OrganId"), _t(e, "OrganName"))
    return Packet(kind, o(_c(h, "From")), tuple(o(e) for e in h if _l(e) == "To"), _t(h, "DocumentId"), _t(h, "Code", "CodeNumber"), _t(h, "Code", "CodeNotation"), _t(h, "Subject"), _t(h, "PromulgationInfo", "PromulgationDate"), int(_t(h, "OtherInfo", "Priority") or 0), _t(h, "DueDate"),
        tuple(ResponseFor(_t(e, "OrganId"), _t(e, "Code"), _t(e, "DocumentId"), _t(e, "PromulgationDate")) for e in h if _l(e) == "ResponseFor"), status, _t(h, "Description"), _t(h, "Timestamp"), tuple(refs))

def convert(data, to=(), names=None):
    try:
        root = xml.parse(data, free_text=frozenset({"ContentTransferEncoded"}))
        att = _c(root, "AttachmentEncoded")
        contents = []
        if att is not None:
            for a in att:
                raw = base64.b64decode(_t(a, "ContentTransferEncoded"))
                if raw.startswith(b"PK") and _t(a, "ContentType") == "application/zip":
                    z = zipfile.ZipFile(io.BytesIO(raw)); raw = z.read(z.namelist()[0])
                contents.append(raw)
            root.remove(att)
        return Conversion(_packet(root), etree.tostring(root, encoding="UTF-8", xml_declaration=True), tuple(contents), ())
    except Rejected as e:
        return Conversion(None, b"", (), e.problems)

def read_document(document, attachments):
    p = _packet(xml.parse(document))
    if len(p.attachments) != attachments: raise rejected(Fault.PACKET_ATTACHMENTS, attachments)
    return p

def write_packet(document, packet, contents):
    if not contents: return document
    s = "".join(f"<Attachment><ContentId>cid:{i.content_id}</ContentId><AttachmentName>{i.name}</AttachmentName><ContentType>{i.content_type}</ContentType><ContentTransferEncoded>{base64.b64encode(c).decode()}</ContentTransferEncoded></Attachment>" for i, c in zip(packet.attachments, contents))
    return document.replace(b"</edXML>", f"<AttachmentEncoded>{s}</AttachmentEncoded></edXML>".encode())

def check(packet, today=None): return ()

def status_packet(sender, rf, code, timestamp, description=""):
    return f'<edXML xmlns="{NS}"><edXMLEnvelope><edXMLHeader><MessageHeader><From><OrganId>{sender.organ_id}</OrganId></From><ResponseFor><OrganId>{rf.organ_id}</OrganId><Code>{rf.code}</Code><DocumentId>{rf.document_id}</DocumentId></ResponseFor><StatusCode>{code}</StatusCode><Description>{description}</Description></MessageHeader></edXMLHeader></edXMLEnvelope></edXML>'.encode()
