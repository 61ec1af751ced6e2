"""Attachments of a packet: decoded, unpacked where the client library zipped them, paired with their References."""

from __future__ import annotations

import base64
import binascii
import io
import re
import struct
import zipfile
import zlib
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pybase64

from axis.core import xml
from axis.core.edxml import grammar
from axis.core.edxml.grammar import EXTRA_NAMESPACE, NAMESPACE
from axis.core.edxml.packet import Kind, Node, Packet
from axis.core.edxml.values import bare_id, clean, local_name, raw_of
from axis.core.identity import same_id
from axis.errors import Fault, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

MAX_ATTACHMENT = 55 * 1024 * 1024  # bytes, decoded, all of a packet together; a parcel holds 60 MiB
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
    "zip": "application/x-zip-compressed",  # .ZIP, .Zip: the client library takes only .zip for a real one
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
# Types that the client library makes up: they say no more than the name's ending does. A missing type is
# application/zip to it, and every Reference that it writes says so.
_MADE_UP = frozenset(
    {"", "application/zip", "application/doc", "application/docx", "application/xsl", "application/xslx"}
)
_ZIPPED_FORMATS = frozenset({"docx", "xlsx", "pptx", "odt", "ods", "odp", "asice", "jar", "epub", "kmz"})
PATH_MARK = re.compile(r"[/\\:\x00]")  # what makes a path of a name
_ONE_RECORD = 46 + 3 * 0xFFFF  # bytes: the longest record of one entry in a zip's directory


@dataclass(frozen=True)
class Attachment:
    """What an Attachment says, and its bytes; `extra` its further elements, as XML."""

    content_id: str
    name: str
    content_type: str
    description: str
    content: bytes
    extra: str


def read_attachments(root: _Element, names: Mapping[str, str], problems: list[Problem]) -> list[Attachment]:
    """The attachments in order, their content taken out of the tree; `names` (by content id) says what the References
    call them."""
    found: list[Attachment] = []
    counted: Counter[str] = Counter()
    room = MAX_ATTACHMENT
    for part in root:
        for element in part if local_name(part) == "AttachmentEncoded" else ():
            if local_name(element) == "Attachment":
                grammar.bounded(counted, "Attachment", "AttachmentEncoded", xml.line_of(element))
                path = f"AttachmentEncoded/Attachment[{len(found) + 1}]"
                found.append(_attachment(element, path, names, room, problems))
                room = max(0, room - len(found[-1].content))
    return found


def _attachment(
    element: _Element, path: str, names: Mapping[str, str], room: int, problems: list[Problem]
) -> Attachment:
    values: dict[str, str] = {}
    extras: list[str] = []
    content: bytes | None = None
    counted: Counter[str] = Counter()
    for child in element:
        name = local_name(child)
        grammar.bounded(counted, name or "?", path, xml.line_of(child))
        if name == "ContentTransferEncoded":
            if content is not None:
                problems.append(Problem(Fault.PACKET_REPEATED, path, got=name, line=xml.line_of(child)))
            # An element inside would leave half of the bytes unread.
            text = "?" if len(child) else child.text or ""
            if text and not text.isspace():  # 67 MB of it: no copy but those that are needed
                child.text = None  # the tree's own is one
                content = _decoded(text, path, xml.line_of(child), problems)
            del text
        elif name in {"ContentId", "AttachmentName", "ContentType", "Description"} and name not in values:
            values[name] = clean(child.text)
        elif len(child) or clean(child.text) or child.attrib:
            extras.append(raw_of(child))
    content_id = bare_id(values.get("ContentId", ""))
    shown = values.get("AttachmentName") or names.get(same_id(content_id)) or content_id or path
    content_type = values.get("ContentType", "")
    if content is None:
        problems.append(_unpaired(f"'{shown}' is empty", xml.line_of(element)))
    content = content or b""
    ending = _ending(shown)
    # The client library unzips what says application/zip, or nothing, and is not named .zip.
    if content_type in {"", "application/zip"} and content.startswith(b"PK\x03\x04") and ending != "zip":
        itself = ending in _ZIPPED_FORMATS and _end_of_zip(content)[0] > 1
        content = content if itself else _unzipped(content, shown, path, room, problems)
    if len(content) > room:
        problems.append(Problem(Fault.ATT_TOO_BIG, path, str(MAX_ATTACHMENT), str(len(content))))
    return Attachment(
        content_id,
        values.get("AttachmentName", ""),
        content_type,
        values.get("Description", ""),
        content,
        "".join(extras),
    )


def _decoded(text: str, path: str, line: int | None, problems: list[Problem]) -> bytes:
    if any(blank in text for blank in " \t\n\r"):
        text = text.translate({32: None, 9: None, 10: None, 13: None})
    with suppress(ValueError):
        return pybase64.b64decode(text, validate=True)
    try:  # which forgives a "=" too many, as senders' software may have it
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        problems.append(Problem(Fault.ATT_BASE64, path, got=path.rpartition("[")[2].rstrip("]"), line=line))
        return b""


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower()


def media_type(said: str, name: str) -> str:
    """The type to write. application/zip only for a name in .zip, or the client library unzips it (and loses it)."""
    if said not in _MADE_UP:
        return said
    return "application/zip" if name.endswith(".zip") else _MEDIA_TYPES.get(_ending(name), "application/octet-stream")


def _end_of_zip(content: bytes) -> tuple[int, int]:
    """(entries, bytes of the central directory) that the end of a zip claims; (0, 0) where there is no end."""
    at = content.rfind(b"PK\x05\x06", max(0, len(content) - 66_000), len(content) - 18)
    if at < 0 or content[max(0, at - 20) : at].startswith(b"PK\x06\x07"):  # zip64 claims elsewhere
        return 0, 0
    return int.from_bytes(content[at + 10 : at + 12], "little"), int.from_bytes(content[at + 12 : at + 16], "little")


def _unzipped(content: bytes, name: str, path: str, room: int, problems: list[Problem]) -> bytes:
    """The single entry of a zipped attachment, of at most `room` bytes; the content as it is, with an error, where
    it is not one."""
    try:
        # Before zipfile reads the directory, which it does whole: a million entries are a gigabyte to it.
        count, directory = _end_of_zip(content)
        if count != 1 or directory > _ONE_RECORD:
            raise zipfile.BadZipFile(f"{count} entries, directory of {directory} bytes")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            entry = entries[0]
            unsafe = entry.filename in {"", ".", ".."} or PATH_MARK.search(entry.filename)
            plain = entry.compress_type in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
            if len(entries) != 1 or entry.flag_bits & 1 or unsafe or not plain:
                raise zipfile.BadZipFile(f"{len(entries)} entries, first {entry.filename[:60]!r}")
            if entry.file_size > room:  # no more than this is read, whatever is inside
                raise zipfile.BadZipFile(f"more than {room} bytes inside")
            with archive.open(entry) as stream:
                return stream.read(room + 1)  # to the end, where zipfile compares the CRC
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


def pair(packet: Packet, attachments: list[Attachment], problems: list[Problem]) -> tuple[Packet, tuple[bytes, ...]]:
    """Each Reference with its Attachment, one to one; the References then say what the attachments are."""
    if packet.kind is Kind.STATUS:
        if attachments:
            problems.append(_unpaired("a status packet has no attachments"))
        return packet, ()
    body = packet.envelope.get("edXMLBody")
    manifest = packet.envelope.get("edXMLBody", "edXMLManifest")
    references = list(manifest.all("Reference")) if manifest else []
    by_id: dict[str, Attachment] = {}
    for attachment in attachments:
        known = same_id(attachment.content_id)
        if not known or known in by_id:
            problems.append(_unpaired(f"attachment id '{attachment.content_id}' is empty or repeated"))
        by_id.setdefault(known, attachment)
    paired: list[Node] = []
    contents: list[bytes] = []
    seen: set[str] = set()
    for reference in references:
        content_id = same_id(bare_id(reference.value("ContentId")))
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


def _described(reference: Node, partner: Attachment, problems: list[Problem]) -> Node:
    """The Reference with the attachment's truth, and what the attachment says beside it."""
    said = {n: reference.value(n) for n in ("ContentType", "Description", "AttachmentName")}
    if partner.name and said["AttachmentName"] and same_id(partner.name) != same_id(said["AttachmentName"]):
        text = f"'{said['AttachmentName']}' in the manifest is '{partner.name}' in the attachment"
        problems.append(_unpaired(text, reference.line))
    name = said["AttachmentName"] or partner.name
    content_type = media_type(partner.content_type or said["ContentType"], name)
    description = said["Description"] or partner.description
    extra = partner.extra
    if partner.description and partner.description != description:
        extra += f'<Description xmlns="{NAMESPACE}">{xml.escape(partner.description)}</Description>'
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
    unknown = [n for n in reference.children if n.raw and n.name != grammar.EXTRA]
    if extra:
        unknown.append(Node(grammar.EXTRA, raw=f'<Attachment xmlns="{EXTRA_NAMESPACE}">{extra}</Attachment>'))
    return replace(reference, children=(*leaves, *unknown))
