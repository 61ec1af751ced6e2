"""The demo's documents: planned, put into outboxes, and counted by digest from what lies in the inboxes."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import zipfile
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pybase64

from axis.core import edxml, xml
from axis.core.edxml.values import BASE64
from axis.core.instant import VIETNAM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
SUBJECTS = (
    "V/v triển khai gửi, nhận văn bản điện tử giữa các cơ quan nhà nước",
    "Báo cáo tình hình kinh tế - xã hội tháng và nhiệm vụ trọng tâm",
    "Giấy mời dự hội nghị trực tuyến về cải cách thủ tục hành chính",
    "V/v phòng, chống thiên tai, bão lũ và bảo đảm an toàn hồ đập",
    "V/v lấy ý kiến dự thảo Nghị định về định danh và xác thực điện tử",
)
SMALL, MEDIUM, LARGE = 3_000, 75_000, 3_750_000  # attachment bytes: packets of about 5 KB, 100 KB and 5 MB

SENDER, RECIPIENT = "G22", "H41"
CIRCULAR, LETTER = 1, 3  # the numbers of two that are told of


@dataclass(frozen=True)
class Letter:
    """One planned document."""

    number: int
    sender: str
    recipients: tuple[str, ...]
    size: int
    dialect: int
    subject: str = ""  # one of SUBJECTS, where none is given

    @property
    def code(self) -> str:
        """Its number/notation, by which people ask for it."""
        return f"{self.number}/TL-{self.sender}"

    @property
    def document_id(self) -> str:
        """Its DocumentId, the same whenever the same plan is made."""
        return f"{self.sender},2026/11/23,{self.code}"


def plan(codes: Sequence[str], documents: int, seed: int) -> list[Letter]:
    """One to one, one to five, two to all others; 5 KB and 100 KB, and one in fifty of 5 MB, one to one. The first is
    CIRCULAR's to all others, the third a LETTER."""
    chance = random.Random(seed)  # noqa: S311  a reproducible plan
    letters = []
    for number in range(1, documents + 1):
        sender = chance.choice(codes)
        others = [code for code in codes if code != sender]
        size = chance.choice((SMALL, SMALL, MEDIUM))
        if number <= 2:
            recipients = others
        elif number % 50 == 0:
            recipients, size = [chance.choice(others)], LARGE
        else:
            recipients = chance.sample(others, 5 if number % 5 == 0 else 1)
        if number == CIRCULAR:
            sender, recipients = SENDER, [code for code in codes if code != SENDER]
        elif number == LETTER:
            sender, recipients, size = SENDER, [RECIPIENT], SMALL
        letters.append(Letter(number, sender, tuple(recipients), size, number % 4))
    return letters


def attachment(letter: Letter, seed: int) -> bytes:
    """The document's PDF: a small real one, filled up to its size with bytes that no other document has."""
    filler = random.Random(f"{seed}/{letter.number}").randbytes(letter.size)  # noqa: S311
    text = f"BT /F1 14 Tf 72 770 Td ({letter.number}/TL-{letter.sender}) Tj ET".encode()
    return (
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
        b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
        b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>\nendobj\n"
        + b"4 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (len(text), text)
        + b"5 0 obj\n<< /Length %d >>\nstream\n" % len(filler)
        + filler
        + b"\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
    )


def packet(letter: Letter, names: Mapping[str, str], now: datetime, seed: int, recalling: str = "") -> bytes:
    """The packet as one of four dialects writes it: with prefix, without, with old codes and dates of another
    form, with a zipped attachment. `recalling`: the reason why this one takes the letter back."""
    content, media_type = attachment(letter, seed), "application/pdf"
    if letter.dialect == 3:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("noi-dung.pdf"), content)
        content, media_type = buffer.getvalue(), "application/zip"
    local = now.astimezone(VIETNAM)
    day = local.strftime("%d/%m/%Y" if letter.dialect == 2 else "%Y/%m/%d")
    p = "" if letter.dialect == 1 else "edXML:"

    def organ(tag: str, code: str) -> str:
        written = f"000.00.00.{code}" if letter.dialect == 2 else code
        return f"<{p}{tag}><{p}OrganId>{written}</{p}OrganId><{p}OrganName>{names[code]}</{p}OrganName></{p}{tag}>"

    cid = hashlib.sha256(letter.document_id.encode()).hexdigest()[:32]
    business = f"<{p}BussinessDocType>0</{p}BussinessDocType><{p}BussinessDocReason>Văn bản điện tử mới</{p}BussinessDocReason>"
    if recalling:
        about = f"<{p}DocumentId>{letter.document_id}</{p}DocumentId><{p}BussinessDocType>1</{p}BussinessDocType>"
        business = f"{about}<{p}BussinessDocReason>{recalling}</{p}BussinessDocReason>"
    number, file_name = letter.number, f"{letter.number}-TL-{letter.sender}.signed.pdf"
    described = f"<{p}ContentType>{media_type}</{p}ContentType><{p}AttachmentName>{file_name}</{p}AttachmentName>"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="{NAMESPACE}">
<{p}edXMLEnvelope xmlns:edXML="{NAMESPACE}"><{p}edXMLHeader><{p}MessageHeader>
{organ("From", letter.sender)}
{"".join(organ("To", code) for code in letter.recipients)}
<{p}DocumentId>{letter.document_id}</{p}DocumentId>
<{p}Code><{p}CodeNumber>{number}</{p}CodeNumber><{p}CodeNotation>TL-{letter.sender}</{p}CodeNotation></{p}Code>
<{p}PromulgationInfo><{p}Place>Hà Nội</{p}Place><{p}PromulgationDate>{day}</{p}PromulgationDate></{p}PromulgationInfo>
<{p}DocumentType><{p}Type>2</{p}Type><{p}TypeDetail>18</{p}TypeDetail><{p}TypeName>Công văn</{p}TypeName></{p}DocumentType>
<{p}Subject>{letter.subject or SUBJECTS[number % len(SUBJECTS)]}</{p}Subject>
<{p}SignerInfo><{p}Competence>KT.</{p}Competence><{p}Position>Phó Chủ nhiệm</{p}Position><{p}FullName>Nguyễn Văn An</{p}FullName></{p}SignerInfo>
<{p}OtherInfo><{p}Priority>{1 if number % 10 == 0 else 0}</{p}Priority><{p}PromulgationAmount>1</{p}PromulgationAmount><{p}PageAmount>1</{p}PageAmount></{p}OtherInfo>
<{p}SteeringType>1</{p}SteeringType>
</{p}MessageHeader><{p}TraceHeaderList>
<{p}TraceHeader><{p}OrganId>{letter.sender}</{p}OrganId><{p}Timestamp>{local:%Y/%m/%d %H:%M:%S}</{p}Timestamp></{p}TraceHeader>
<{p}Bussiness>{business}<{p}Paper>0</{p}Paper></{p}Bussiness>
</{p}TraceHeaderList></{p}edXMLHeader><{p}edXMLBody><{p}edXMLManifest version="1.0">
<{p}Reference><{p}ContentId>cid:{cid}</{p}ContentId>{described}</{p}Reference>
</{p}edXMLManifest></{p}edXMLBody></{p}edXMLEnvelope>
<AttachmentEncoded><Attachment><ContentId>{cid}</ContentId><AttachmentName>{file_name}</AttachmentName>\
<ContentType>{media_type}</ContentType>\
<ContentTransferEncoded>{base64.b64encode(content).decode()}</ContentTransferEncoded></Attachment></AttachmentEncoded>
</edXML>
""".encode()


def place(
    letters: Sequence[Letter],
    outbox: Callable[[str], Path],
    names: Mapping[str, str],
    now: datetime,
    seed: int,
    progress: Callable[[], None] = lambda: None,
) -> None:
    """Put every packet into its sender's outbox, whole at once."""
    for letter in letters:
        folder = outbox(letter.sender)
        temporary = folder / f".{letter.number}.tmp"
        temporary.write_bytes(packet(letter, names, now - timedelta(minutes=1), seed))
        temporary.rename(folder / f"{letter.number:05}.edxml")
        progress()


def attachments_of(path: Path) -> list[str]:
    """The SHA-256 of each attachment of a packet that lies in an inbox, read as an agency's software reads it."""
    root = xml.parse(path.read_bytes(), free_text=BASE64)
    inside = root.iter(f"{{{edxml.NAMESPACE}}}ContentTransferEncoded")
    return [hashlib.sha256(pybase64.b64decode(element.text or "")).hexdigest() for element in inside]


def count(letters: Sequence[Letter], inbox: Callable[[str], Path], seed: int) -> tuple[int, int, int]:
    """(found, lost, duplicates) by SHA-256 of the attachments in the recipients' inboxes, asking no database.

    A file with another content than any planned one for that inbox counts as a duplicate too.
    """
    expected: dict[str, set[str]] = {}
    for letter in letters:
        digest = hashlib.sha256(attachment(letter, seed)).hexdigest()
        for code in letter.recipients:
            expected.setdefault(code, set()).add(digest)
    found = lost = duplicates = 0
    for code, digests in expected.items():
        seen: list[str] = []
        for path in sorted(inbox(code).glob("*.edxml")):
            seen += attachments_of(path)
        distinct = set(seen) & digests
        found += len(distinct)
        lost += len(digests - distinct)
        duplicates += len(seen) - len(distinct)
    return found, lost, duplicates
