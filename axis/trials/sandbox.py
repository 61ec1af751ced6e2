"""``axis sandbox``: agencies that behave as agencies do, for who develops a document system or an adapter.

Everything is real but the clerks: hub, adapters, keys, receipts. The peers send to the agency under test what it will
meet one day, and answer what it sends them, each in its own way.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from axis.core import edxml, parcel
from axis.core.edxml import Kind, Organ, ResponseFor
from axis.core.hub.lifecycle import State
from axis.core.instant import VIETNAM
from axis.infra import keystore
from axis.infra.record import search
from axis.trials.sandbox_portal import PortalPeers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from axis.core.edxml import Packet
    from axis.core.signature import Signer
    from axis.home import Home
    from axis.infra.record.store import HubReader

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
SENDER, DOUBLER, LATER, GARBLER = "G22", "H63", "G06", "G18"  # who sends; twice; with a wrong clock; bad XML
EXPIRED = "H25"  # signs with a certificate whose time is over
OBLIGING, REFUSING, SILENT = "H29", "H26", "H48"  # who answers everything, refuses everything, says nothing
HUGE = 20_000_000  # bytes


@dataclass(frozen=True)
class Act:
    """Something that a peer does: a file for its outbox (none: the hub delivers once more what was acknowledged), and
    what that means (a key of texts)."""

    code: str
    name: str
    content: bytes
    text: str


def _document(
    code: str, number: int, to: str, now: datetime, body: bytes, bussiness: str = "", about: int = 0
) -> bytes:
    """A packet from `code`; with `bussiness` one that changes document `about`."""
    day = now.astimezone(VIETNAM).strftime("%Y/%m/%d")
    own = f"{code},{day},{number}/SB-{code}"
    changed = f"<DocumentId>{code},{day},{about}/SB-{code}</DocumentId>" if bussiness else ""
    kind = bussiness or "<BussinessDocType>0</BussinessDocType>"
    subject = escape(f"V/v thử nghiệm kết nối số {number}")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="{NAMESPACE}"><edXMLEnvelope><edXMLHeader><MessageHeader>
<From><OrganId>{code}</OrganId><OrganName>Cơ quan mô phỏng {code}</OrganName></From>
<To><OrganId>{to}</OrganId><OrganName>Nơi nhận {to}</OrganName></To>
<DocumentId>{own}</DocumentId>
<Code><CodeNumber>{number}</CodeNumber><CodeNotation>SB-{code}</CodeNotation></Code>
<PromulgationInfo><Place>Hà Nội</Place><PromulgationDate>{day}</PromulgationDate></PromulgationInfo>
<DocumentType><Type>2</Type><TypeDetail>18</TypeDetail><TypeName>Công văn</TypeName></DocumentType>
<Subject>{subject}</Subject><SignerInfo><FullName>Nguyễn Văn An</FullName></SignerInfo>
<OtherInfo><Priority>0</Priority></OtherInfo></MessageHeader>
<TraceHeaderList><TraceHeader><OrganId>{code}</OrganId><Timestamp>{day} 09:00:00</Timestamp></TraceHeader>
<Bussiness>{changed}{kind}</Bussiness></TraceHeaderList></edXMLHeader>
<edXMLBody><edXMLManifest version="1.0"><Reference><ContentId>cid:1</ContentId>
<ContentType>application/pdf</ContentType><AttachmentName>{number}.pdf</AttachmentName></Reference></edXMLManifest>
</edXMLBody></edXMLEnvelope>
<AttachmentEncoded><Attachment><ContentId>cid:1</ContentId><AttachmentName>{number}.pdf</AttachmentName>
<ContentType>application/pdf</ContentType>
<ContentTransferEncoded>{base64.b64encode(body).decode()}</ContentTransferEncoded></Attachment></AttachmentEncoded></edXML>
""".encode()


_UPDATE = (
    "<BussinessDocType>2</BussinessDocType><BussinessDocReason>Sửa nội dung</BussinessDocReason><BussinessDocumentInfo>"
    "<DocumentInfo>1</DocumentInfo><DocumentReceiver>0</DocumentReceiver></BussinessDocumentInfo>"
)
_RECALL = "<BussinessDocType>1</BussinessDocType><BussinessDocReason>Ban hành nhầm</BussinessDocReason>"


def programme(to: str, now: datetime, signer: Signer, expired: Signer) -> list[tuple[float, Act]]:
    """(seconds after the start, what a peer does then) for agency `to`, in order. `signer` is LATER's key, `expired`
    one of EXPIRED whose certificate has run out."""

    def pdf(number: int) -> bytes:
        return b"%PDF-1.4 " + hashlib.sha256(f"{to}/{number}".encode()).hexdigest().encode()

    def plain(code: str, number: int, body: bytes | None = None) -> bytes:
        return _document(code, number, to, now, body if body is not None else pdf(number))

    def changing(number: int, about: int, what: str) -> bytes:
        return _document(SENDER, number, to, now, pdf(100 + number), what, about)

    def ready(code: str, by: Signer, at: datetime) -> bytes:
        made = edxml.convert(plain(code, 1))
        return parcel.build(parcel.DOCUMENT, made.document, made.attachments, by, at)

    return [
        (1, Act(SENDER, "1.edxml", plain(SENDER, 1), "sandbox.document")),
        (3, Act(DOUBLER, "1.edxml", plain(DOUBLER, 1), "sandbox.twice")),
        (4, Act(DOUBLER, "1-again.edxml", plain(DOUBLER, 1), "sandbox.again")),
        (6, Act(SENDER, "1-update.edxml", changing(1, 1, _UPDATE), "sandbox.update")),
        (9, Act(SENDER, "2.edxml", plain(SENDER, 2), "sandbox.document")),
        (9.5, Act(SENDER, "2-recall.edxml", changing(2, 2, _RECALL), "sandbox.recall")),
        (13, Act(SENDER, "1-recall.edxml", changing(1, 1, _RECALL), "sandbox.recall")),
        (15, Act(LATER, "1.asice", ready(LATER, signer, now + timedelta(hours=1)), "sandbox.clock")),
        (15.5, Act(EXPIRED, "1.asice", ready(EXPIRED, expired, now), "sandbox.expired")),
        (16, Act(GARBLER, "1.edxml", plain(GARBLER, 1)[:-60], "sandbox.garbled")),
        (17, Act("", "", b"", "sandbox.resend")),
        (18, Act(SENDER, "3.edxml", plain(SENDER, 3, pdf(3) * (HUGE // 73)), "sandbox.huge")),
    ]


def answers(code: str, packet: Packet, now: datetime) -> Iterator[Act]:
    """What the peer `code` does about a packet that has come to it."""
    if code == SILENT or packet.kind is Kind.STATUS:
        return
    about = ResponseFor(packet.sender.organ_id, packet.code, packet.target, packet.promulgation_date)
    if packet.kind in {Kind.RECALL, Kind.UPDATE}:
        codes = [("16", "Đã giải quyết, không thể thực hiện")] if code == REFUSING else [("15", "")]
    elif code == REFUSING:
        codes = [("02", "Gửi nhầm nơi nhận")]
    else:
        codes = [("03", ""), ("04", ""), ("05", ""), ("06", "")]
    for number, (status, why) in enumerate(codes):
        made = edxml.status_packet(Organ(code, f"Cơ quan mô phỏng {code}"), about, status, now, why)
        name = f"{hashlib.sha256(made).hexdigest()[:12]}-{number}.edxml"
        yield Act(code, name, made, f"sandbox.status.{status}")


class Peers:
    """The peers at work, in the folders of a home: everybody but the agency under test."""

    def __init__(self, agencies: Path, to: str, start: datetime, signer: Signer, expired: Signer) -> None:
        self._agencies = agencies
        self._to = to
        self._start = start
        self._coming = programme(to, start, signer, expired)
        self._seen: set[Path] = set()
        self._portal = PortalPeers()

    def act(self, now: datetime) -> Iterator[Act]:
        """Do what is due now; each act, after its file lies in its outbox."""
        passed = (now - self._start).total_seconds()
        while self._coming and self._coming[0][0] <= passed:
            _, one = self._coming.pop(0)
            self._put(one)
            yield one
        for path in sorted(self._agencies.glob("*/inbox/*.edxml")):
            code = path.parent.parent.name
            if code == self._to or path in self._seen:
                continue
            self._seen.add(path)
            came = edxml.convert(path.read_bytes())
            if came.packet is None:
                continue
            of_the_portal = self._portal.answers(code, came.packet, came.attachments, now)
            for one in [*answers(code, came.packet, now), *(Act(code, *given) for given in of_the_portal)]:
                self._put(one)
                yield one

    @property
    def done(self) -> bool:
        """Whether the programme is over; who asks the peers something is still answered."""
        return not self._coming

    def _put(self, act: Act) -> None:
        if not act.code:
            return
        outbox = self._agencies / act.code / "outbox"
        (outbox / f".{act.name}").write_bytes(act.content)
        (outbox / f".{act.name}").rename(outbox / act.name)


# -- How the agency's own system has done ------------------------------------------------------------------------


def judged(reader: HubReader, to: str) -> list[tuple[str, str]]:
    """(a sentence, why it does not hold or "") for each thing that the system of agency `to` should have done by now
    with what came to it, by the hub's record."""
    rows = search.deliveries_to(reader, to)
    mail = [row for row in rows if row["role"] in {"document", "update", "recall"} and row["state"] != State.RECALLED]
    documents = [row for row in mail if row["role"] == "document" and row["state"] == State.HANDED_OVER]
    untaken = [row["code"] for row in mail if row["state"] != State.HANDED_OVER]
    unsaid = [row["code"] for row in documents if (row["status"] or "") < "02"]
    unanswered = [f"{code} {demand.value}" for code, demand in search.open_demands(reader, to)]
    refused = [row["document_id"] for row in search.refusals(reader, to)]
    return [
        ("everything that came was taken", _those(untaken) if rows else "nothing came"),
        ("every document was accepted or refused", _those(unsaid)),
        ("every recall and update was answered", _those(unanswered)),
        ("nothing that it sent was refused", _those(refused)),
    ]


def _those(names: list[str]) -> str:
    return f"{len(names)} not: {', '.join(sorted(names)[:5])}" if names else ""


def peers(home: Home, to: str, now: datetime) -> Peers:
    """The peers of a sandbox, with the keys they need; `to` is the agency under test."""
    authority = keystore.load_signer(home.path / "pki", "ca")
    expired = keystore.new_member(authority, EXPIRED, EXPIRED, "p256", now - timedelta(days=3650))
    return Peers(home.path / "agencies", to, now, keystore.load_signer(home.path / "keys", LATER), expired)
