"""Parcels with something wrong: a zip writer that can lie, a signer that signs what it is told, and what the verifier says of it."""

from __future__ import annotations

import base64
import hashlib
import io
import struct
import zipfile
import zlib
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from axis.core import parcel
from axis.core.registry import AuthorityOnly, HubOnly
from axis.core.signature import DS, EXC_C14N, SHA256, XADES, Signer
from axis.errors import Fault, Rejected
from tests import pki

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from axis.core.parcel import Parcel, Trust


SIGNATURES = "META-INF/signatures.xml"
MANIFEST = "META-INF/manifest.xml"


_verify = parcel.verify


def verified_both_ways(data: bytes, trusting: Trust, at: datetime) -> Parcel:
    opened = _verify(data, trusting, at)  # what it refuses neither way has taken
    if len(data) < 1_000_000:
        assert parcel._verify_quickly(data, trusting, at) == parcel._verify_closely(data, trusting, at) == opened
    return opened


def refused(data: bytes, trusting: Trust | None = None) -> Fault:
    """The code `data` is refused with; and the good parcel is accepted before and after."""
    good, registry = pki.good(), pki.registry()
    before = parcel.verify(good, registry, pki.NOW)
    assert data != good
    with pytest.raises(Rejected) as caught:
        parcel.verify(data, trusting or registry, pki.NOW)
    assert parcel.verify(good, registry, pki.NOW) == before
    return caught.value.fault


# -- An own zip writer, which can lie ----------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """One entry, with every header field that a writer could get wrong; None means the right value."""

    name: bytes
    content: bytes
    flags: int = 0x0800
    method: int = 0
    time: int = 0
    date: int = 0x0021
    version: int = 20
    extra: bytes = b""
    crc: int | None = None
    packed: int | None = None
    size: int | None = None
    made_by: int = 20
    attributes: int = 0
    internal: int = 0
    comment: bytes = b""
    central_name: bytes | None = None
    central_size: int | None = None
    central_extra: bytes = b""
    offset: int | None = None
    disk: int = 0
    gap: bytes = b""  # bytes between this entry and the next
    listed: bool = True  # in the central directory
    times: int = 1  # how often in the central directory


def zip_of(
    entries: Sequence[Entry],
    before: bytes = b"",
    after: bytes = b"",
    comment: bytes = b"",
    count: int | None = None,
    shift: int = 0,
    middle: bytes = b"",
) -> bytes:
    """A zip file of these entries; `shift` is added to the place where the directory is said to be."""
    body, central, listed = before, b"", 0
    for e in entries:
        crc = zlib.crc32(e.content) if e.crc is None else e.crc
        packed = len(e.content) if e.packed is None else e.packed
        size = len(e.content) if e.size is None else e.size
        offset = len(body) if e.offset is None else e.offset
        name = e.name if e.central_name is None else e.central_name
        body += struct.pack(
            "<4s5H3I2H", b"PK\x03\x04", e.version, e.flags, e.method, e.time, e.date, crc, packed, size, len(e.name),
            len(e.extra),
        )  # fmt: skip
        body += e.name + e.extra + e.content + e.gap
        if e.listed:
            record = struct.pack(
                "<4s6H3I5H2I", b"PK\x01\x02", e.made_by, e.version, e.flags, e.method, e.time, e.date, crc, packed,
                size if e.central_size is None else e.central_size, len(name), len(e.central_extra), len(e.comment),
                e.disk, e.internal, e.attributes, offset,
            )  # fmt: skip
            central += (record + name + e.central_extra + e.comment) * e.times
            listed += e.times
    count = listed if count is None else count
    end = struct.pack(
        "<4s4H2IH", b"PK\x05\x06", 0, 0, count & 0xFFFF, count & 0xFFFF, len(central), len(body) + len(middle) + shift,
        len(comment),
    )  # fmt: skip
    return body + middle + central + end + comment + after


def entries_of(data: bytes) -> list[Entry]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [Entry(info.filename.encode(), archive.read(info)) for info in archive.infolist()]


def with_entry(index: int, **changes: Any) -> bytes:
    """The good parcel with one entry's fields changed."""
    entries = entries_of(pki.good())
    entries[index] = replace(entries[index], **changes)
    return zip_of(entries)


def with_file(name: str, change: Callable[[bytes], bytes], data: bytes | None = None) -> bytes:
    """The good parcel with the content of one file changed, and container checksums right again."""
    entries = [
        replace(e, content=change(e.content)) if e.name.decode() == name else e for e in entries_of(data or pki.good())
    ]
    return zip_of(entries)


def content_of(data: bytes, name: str) -> bytes:
    return next(e.content for e in entries_of(data) if e.name.decode() == name)


def swap(old: str, new: str, times: int = 1) -> Callable[[bytes], bytes]:
    """A change of signatures.xml: `old`, which must be there, becomes `new`."""

    def change(text: bytes) -> bytes:
        assert old.encode() in text
        return text.replace(old.encode(), new.encode(), times)

    return change


# -- What else may be signed -----------------------------------------------------------------------------


def c14n(element: Any) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_tail=False)


def raw_signature(
    signer: Signer, data: bytes, hash_: hashes.HashAlgorithm | None = None, *, high: bool = False
) -> bytes:
    if isinstance(signer.key, rsa.RSAPrivateKey):
        return signer.key.sign(data, padding.PKCS1v15(), hash_ or hashes.SHA256())
    order, octets = {
        "secp256r1": (0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551, 32),
        "secp384r1": (
            0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
            48,
        ),
    }[signer.key.curve.name]
    default = hashes.SHA256() if octets == 32 else hashes.SHA384()
    r, s = decode_dss_signature(signer.key.sign(data, ec.ECDSA(hash_ or default)))
    s = max(s, order - s) if high else min(s, order - s)
    return r.to_bytes(octets, "big") + s.to_bytes(octets, "big")


def resigned(
    data: bytes,
    signer: Signer,
    change: Callable[[bytes], bytes],
    *,
    hash_: hashes.HashAlgorithm | None = None,
    high: bool = False,
) -> bytes:
    """`data` with signatures.xml changed, then every digest over SignedProperties and the signature value made
    again as the XML signature standard says, by `signer`: what a general verifier would accept."""

    def again(text: bytes) -> bytes:
        text = change(text)
        root = etree.fromstring(text)
        properties = root.find(f".//{{{XADES}}}SignedProperties")
        values = root.findall(f"./{{{DS}}}Signature/{{{DS}}}SignedInfo/{{{DS}}}Reference/{{{DS}}}DigestValue")
        if properties is not None and values:
            old = (values[-1].text or "").encode()
            new = base64.b64encode(hashlib.sha256(c14n(properties)).digest())
            text = text.replace(old, new)
        info = etree.fromstring(text).find(f".//{{{DS}}}SignedInfo")
        value = base64.b64encode(raw_signature(signer, c14n(info), hash_, high=high))
        start, end = text.index(b"<ds:SignatureValue>") + 19, text.index(b"</ds:SignatureValue>")
        return text[:start] + value + text[end:]

    return with_file(SIGNATURES, again, data)


_FIRST = f'<ds:DigestMethod Algorithm="{SHA256}"></ds:DigestMethod>'

OTHER_FORMS = {
    "a transform on a data file": swap(
        f'URI="document.edxml">{_FIRST}',
        f'URI="document.edxml"><ds:Transforms><ds:Transform Algorithm="{EXC_C14N}"></ds:Transform></ds:Transforms>{_FIRST}',
    ),
    "an empty list of transforms": swap(
        f'URI="document.edxml">{_FIRST}', f'URI="document.edxml"><ds:Transforms></ds:Transforms>{_FIRST}'
    ),
    "an XSLT transform": swap(
        f'URI="document.edxml">{_FIRST}',
        'URI="document.edxml"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116">'
        f"</ds:Transform></ds:Transforms>{_FIRST}",
    ),
    "a second transform on SignedProperties": swap(
        "</ds:Transforms>", f'<ds:Transform Algorithm="{EXC_C14N}"></ds:Transform></ds:Transforms>'
    ),
    "a type on a data reference": swap('Id="r1"', 'Id="r1" Type="urn:x"'),
    "another reference id": swap('Id="r1"', 'Id="r9"'),
    "an id on SignedInfo": swap("<ds:SignedInfo>", '<ds:SignedInfo Id="i">'),
    "an unknown attribute": swap("<ds:SignedInfo>", '<ds:SignedInfo x="y">'),
    "an HMAC length": swap(
        "</ds:SignatureMethod>", "<ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>"
    ),
    "an inclusive prefix list": swap(
        "</ds:CanonicalizationMethod>",
        f'<i:InclusiveNamespaces xmlns:i="{EXC_C14N}" PrefixList="ds"></i:InclusiveNamespaces>'
        "</ds:CanonicalizationMethod>",
    ),
    "a line break in SignedInfo": swap("<ds:SignedInfo>", "<ds:SignedInfo>\n"),
    "an element in a digest method": swap("</ds:DigestMethod>", "<x></x></ds:DigestMethod>"),
    "white space in a digest method": swap("</ds:DigestMethod>", " </ds:DigestMethod>"),
}


OTHER_PROPERTIES = {
    "another media type": swap("<xades:MimeType>text/xml", "<xades:MimeType>text/html"),
    "a claimed role": swap(
        "</xades:SignedSignatureProperties>",
        "<xades:SignerRoleV2></xades:SignerRoleV2></xades:SignedSignatureProperties>",
    ),
    "a policy": swap(
        "<xades:SigningCertificateV2>",
        "<xades:SignaturePolicyIdentifier></xades:SignaturePolicyIdentifier><xades:SigningCertificateV2>",
    ),
    "a format for another file": swap('ObjectReference="#r1"', 'ObjectReference="#r2"'),
    "a second signing time": swap(
        "</xades:SigningTime>", "</xades:SigningTime><xades:SigningTime>2020-01-01T00:00:00Z</xades:SigningTime>"
    ),
}


UNSIGNED_PLACES = {
    "a comment": swap("<ds:KeyInfo>", "<!-- x --><ds:KeyInfo>"),
    "a comment in the value": swap("<ds:SignatureValue>", "<ds:SignatureValue><!-- x -->"),
    "a line break in the value": swap("</ds:SignatureValue>", "\n</ds:SignatureValue>"),
    "an attribute": swap("<ds:KeyInfo>", '<ds:KeyInfo Id="k">'),
    "unsigned properties": swap(
        "</xades:SignedProperties>",
        "</xades:SignedProperties><xades:UnsignedProperties></xades:UnsignedProperties>",
    ),
    "another quoting": swap('Id="s1"', "Id='s1'"),
    "a character reference": swap('Target="#s1"', 'Target="&#35;s1"'),
    "an unused namespace": swap('Id="s1"', 'Id="s1" xmlns:x="urn:x"'),
    "another target": swap('Target="#s1"', 'Target="#sp"'),
    "an empty element written short": swap("></ds:CanonicalizationMethod>", "/>"),
    "another declaration": swap('<?xml version="1.0" encoding="UTF-8"?>\n', ""),
    "a line end too many": lambda text: text + b"\n",
    "windows line ends": swap("\n", "\r\n", 9),
    "cdata": lambda text: text.replace(b"Z</xades:SigningTime>", b"<![CDATA[Z]]></xades:SigningTime>"),
}


def value_of(data: bytes) -> bytes:
    text = content_of(data, SIGNATURES)
    return base64.b64decode(text[text.index(b"<ds:SignatureValue>") + 19 : text.index(b"</ds:SignatureValue>")])


def with_value(data: bytes, value: bytes) -> bytes:
    old, new = base64.b64encode(value_of(data)).decode(), base64.b64encode(value).decode()
    return with_file(SIGNATURES, swap(f"Value>{old}<", f"Value>{new}<"), data)


def with_certificate(data: bytes, der: bytes) -> bytes:
    """`data` with another certificate in KeyInfo."""

    def change(text: bytes) -> bytes:
        start, end = text.index(b"<ds:X509Certificate>") + 20, text.index(b"</ds:X509Certificate>")
        return text[:start] + base64.b64encode(der) + text[end:]

    return with_file(SIGNATURES, change, data)


def trusts() -> list[Trust]:
    return [pki.registry(), HubOnly(pki.entry(pki.signer("HUB"))), AuthorityOnly(pki.authority().certificate)]


_opened: dict[bytes, list[Entry]] = {}


def entries_of_cached(data: bytes) -> list[Entry]:
    if data not in _opened:
        _opened[data] = entries_of(data)
    return _opened[data]


# -- Containers ---------------------------------------------------------------------------------------------


@cache
def tricks() -> dict[str, bytes]:
    entries = entries_of(pki.good())
    good = pki.good()
    deflated = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = deflated.compress(entries[1].content) + deflated.flush()
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bomb.compress(bytes(10_000_000)) + bomb.flush()
    end = good[good.rindex(b"PK\x05\x06") :]
    zip64 = struct.pack("<HHQQ", 1, 16, len(entries[1].content), len(entries[1].content))
    twin = replace(entries[1], content=b"<document>forged</document>")
    found: dict[str, bytes] = {
        "bytes before": zip_of(entries, before=b"#!/bin/sh\n"),
        "bytes before, offsets as if not": b"x" + good,
        "bytes after": zip_of(entries, after=b"x"),
        "a line end after": good + b"\n",
        "an archive comment": zip_of(entries, comment=b"hello"),
        "two end records": good + end,
        "a second zip after": good + pki.good("H29"),
        "a second zip before": pki.good("H29") + good,
        "a nested zip as the whole": zip_of([Entry(b"p.asice", good)]),
        "a hidden gap between entries": with_entry(1, gap=b"hidden"),
        "bytes between entries and directory": zip_of(entries, middle=b"hidden"),
        "a directory said to be elsewhere": zip_of(entries, shift=1),
        "a wrong count": zip_of(entries, count=5),
        "an extra field": with_entry(1, extra=b"\x99\x99\x04\x00abcd"),
        "an extra field in the directory": with_entry(1, central_extra=b"\x99\x99\x04\x00abcd"),
        "an entry comment": with_entry(1, comment=b"x"),
        "zip64 fields": with_entry(1, extra=zip64, size=0xFFFFFFFF, packed=0xFFFFFFFF),
        "zip64 in the directory": with_entry(1, central_extra=zip64, central_size=0xFFFFFFFF),
        "a size that says more": with_entry(1, size=10**9),
        "a size that says less": with_entry(1, size=1),
        "both sizes say more": with_entry(1, size=10**9, packed=10**9),
        "both sizes swallow the next entry": with_entry(
            1, size=len(entries[1].content) + 30, packed=len(entries[1].content) + 30
        ),
        "another size in the directory": with_entry(1, central_size=3),
        "a wrong checksum": with_entry(1, crc=0),
        "encrypted": with_entry(1, flags=0x0801),
        "strongly encrypted": with_entry(1, flags=0x0841),
        "a data descriptor": with_entry(1, flags=0x0808),
        "no flag for UTF-8": with_entry(1, flags=0),
        "compressed": with_entry(
            1, method=8, content=packed, size=len(entries[1].content), crc=zlib.crc32(entries[1].content)
        ),
        "a bomb": with_entry(1, method=8, content=zeros, size=10_000_000),
        "an unknown method": with_entry(1, method=99),
        "another time": with_entry(1, time=1),
        "another date": with_entry(1, date=0x0022),
        "another version": with_entry(1, version=45),
        "made by unix": with_entry(1, made_by=0x0314),
        "a symbolic link": with_entry(1, made_by=0x0314, attributes=0o120777 << 16),
        "marked as text": with_entry(1, internal=1),
        "on another disk": with_entry(1, disk=1),
        "another name in the directory": with_entry(1, central_name=b"receipt.xml"),
        "not in the directory": with_entry(2, listed=False),
        "twice in the directory": with_entry(2, times=2),
        "overlapping entries": with_entry(3, offset=0),
        "offsets exchanged": zip_of([*entries[:2], replace(entries[2], offset=0), *entries[3:]]),
        "the same name twice": zip_of([*entries[:2], twin, *entries[2:]]),
        "the same name twice, forged one first": zip_of([entries[0], twin, *entries[1:]]),
        "a name that differs in case only": zip_of([*entries[:2], replace(twin, name=b"DOCUMENT.edxml"), *entries[2:]]),
        "a folder": zip_of([*entries[:2], Entry(b"attachments/", b""), *entries[2:]]),
        "another order": zip_of([entries[0], entries[2], entries[1], *entries[3:]]),
        "the manifest last": zip_of([*entries[:-2], entries[-1], entries[-2]]),
        "no manifest": zip_of([*entries[:-2], entries[-1]]),
        "a manifest more": zip_of([*entries[:-1], entries[-2], entries[-1]]),
        "an evidence record more": zip_of([*entries[:-1], Entry(b"META-INF/evidencerecord.ers", b""), entries[-1]]),
        "no entry at all": zip_of([]),
        "only the type": zip_of(entries[:1]),
        "no end": good[: -len(end)],
        "nothing": b"",
    }
    for name in (
        b"../document.edxml", b"/document.edxml", b"..\\document.edxml", b"C:\\x", b"C:x", b"document.edxml\0", b"document.edxml\n",
        b"document.edxml ", b"\x1b[2Jdocument", "tài liệu".encode(), "\u202elmxde".encode(), b"\xff\xfe", b"x" * 300, b"", b".", b"CON",
        b"document.edxml/", b"./document.edxml", b"Document.edxml",
    ):  # fmt: skip
        found[f"the name {name[:20]!r}"] = with_entry(1, name=name)
    return found
