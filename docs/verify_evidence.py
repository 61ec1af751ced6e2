#!/usr/bin/env python3
"""Check a bundle of evidence about one document, with nothing of the axis' own program.

    python verify_evidence.py FILE.asice --hub hub.pem [--log log.vkey] [--strict]

`hub.pem` is the hub's certificate, received with enrolment: the only thing that is believed without proof. `log.vkey`
is the log's public key as it was published; without it the key in the bundle is taken on its maker's word. `--strict`:
each receipt of the hub must be proved to stand in the log. Needs the `cryptography` package, no network and no clock:
each thing is looked at as of when it happened.

Prints a line for each step: PASSED, FAILED, or MISSING for what the bundle does not have. Ends with 0 if no step has
failed, with 3 if one has. Witnesses count by the policy in the bundle, which the registry has, too; a time-stamp is
checked as RFC 3161 and RFC 5652 say, by the authority's certificate in the bundle.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import struct
import sys
import xml.etree.ElementTree as ET
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding

if TYPE_CHECKING:
    from collections.abc import Callable

DS, XADES = "http://www.w3.org/2000/09/xmldsig#", "http://uri.etsi.org/01903/v1.3.2#"
ASIC, C14N = "http://uri.etsi.org/02918/v1.2.1#", "http://www.w3.org/2001/10/xml-exc-c14n#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
METHODS = {
    name: f"http://www.w3.org/2001/04/xmldsig-more#{name}" for name in ("rsa-sha256", "ecdsa-sha256", "ecdsa-sha384")
}
EVIDENCE, REGISTRY, RECEIPT = "{urn:axis:evidence:1}", "{urn:axis:registry:1}", "{urn:axis:receipt:1}"
MEDIA_TYPE = "application/vnd.etsi.asic-e+zip"
ORDERS = {
    "secp256r1": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "secp384r1": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
}
Step = tuple[str, str, str, str]  # name, verdict, file, why


class Bad(Exception):
    """Something is not what it is given for."""


def bad(why: str) -> NoReturn:
    """Raise it."""
    raise Bad(why)


def sha(data: bytes) -> str:
    """Hex SHA-256."""
    return hashlib.sha256(data).hexdigest()


def moment(text: str) -> datetime:
    """A moment as text."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def b64(text: str) -> bytes:
    """Base64 in its one form."""
    data = base64.b64decode(text, validate=True)
    return data if base64.b64encode(data).decode() == text else bad("base64 in another form")


# -- Parcels: ASiC-E with one XAdES signature, in the one form that its files, key and time give ---------------------


def container(entries: list[tuple[str, bytes]]) -> bytes:
    """The only ZIP file of these entries."""
    parts, central, offset = [], [], 0
    for name, content in entries:
        raw, crc, size = name.encode(), zlib.crc32(content), len(content)
        head = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0x800, 0, 0, 0x21, crc, size, size, len(raw), 0) + raw
        fields = (b"PK\1\2", 20, 20, 0x800, 0, 0, 0x21, crc, size, size, len(raw), 0, 0, 0, 0, 0, offset)
        central.append(struct.pack("<4sHHHHHHIIIHHHHHII", *fields) + raw)
        parts += [head, content]
        offset += len(head) + size
    directory = b"".join(central)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, len(entries), len(entries), len(directory), offset, 0)
    return b"".join([*parts, directory, end])


class Parcel:
    """A parcel whose bytes are all as they must be, and whose signature is right for the certificate in it; whose that
    is, the registry says."""

    def __init__(self, data: bytes) -> None:
        entries, place = [], 0
        while data.startswith(b"PK\3\4", place):
            size, length = struct.unpack_from("<IH", data, place + 22)
            start = place + 30 + length
            entries.append((data[place + 30 : start].decode("ascii"), data[start : start + size]))
            place = start + size
        names = [name for name, _ in entries]
        if len(entries) < 4 or container(entries) != data:
            bad("not in the one form of a container")
        self.main, self.content = entries[1]
        self.attachments = [content for _, content in entries[2:-2]]
        numbered = [f"attachments/{n}" for n in range(1, len(self.attachments) + 1)]
        if names != ["mimetype", self.main, *numbered, "META-INF/manifest.xml", "META-INF/signatures.xml"]:
            bad("other entries than a parcel has")
        files = [
            (name, "octet-stream" if "/" in name else "xml", hashlib.sha256(c).digest()) for name, c in entries[1:-2]
        ]
        if entries[0][1] != MEDIA_TYPE.encode() or entries[-2][1] != manifest(files).encode():
            bad("another mimetype or manifest")
        self.content_digest = sha("".join(f"{digest.hex()}  {name}\n" for name, _, digest in files).encode())
        text = entries[-1][1].decode("ascii")
        method = one(r'<ds:SignatureMethod Algorithm="([^"]*)">', text)
        value, der = b64(one("<ds:SignatureValue>([^<]*)<", text)), b64(one("<ds:X509Certificate>([^<]*)<", text))
        signed_at = one("<xades:SigningTime>([^<]*)<", text)
        info, properties = signed_parts(files, method, der, signed_at)
        if signatures(info, properties, value, der) != text:
            bad("the signature is over other files, or in another form")
        self.certificate, self.signed_at = der, moment(signed_at)
        verify(der, method, value, info.replace("<ds:SignedInfo", f'<ds:SignedInfo xmlns:ds="{DS}"', 1).encode())


def one(pattern: str, text: str) -> str:
    """What stands there once."""
    found = re.findall(pattern, text)
    return str(found[0]) if len(found) == 1 else bad(f"{len(found)} × {pattern}")


def manifest(files: list[tuple[str, str, bytes]]) -> str:
    """META-INF/manifest.xml."""
    rows = [("/", MEDIA_TYPE), *((name, media(kind)) for name, kind, _ in files)]
    entries = "".join(f'<manifest:file-entry manifest:full-path="{n}" manifest:media-type="{m}"/>' for n, m in rows)
    space = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<manifest:manifest xmlns:manifest="{space}" manifest:version="1.2">'
        f"{entries}</manifest:manifest>\n"
    )


def media(kind: str) -> str:
    """The media type of a file of a parcel."""
    return "text/xml" if kind == "xml" else "application/octet-stream"


def signed_parts(files: list[tuple[str, str, bytes]], method: str, der: bytes, signed_at: str) -> tuple[str, str]:
    """SignedInfo and SignedProperties, in canonical form but for the namespaces of what is around them."""
    formats = "".join(
        f'<xades:DataObjectFormat ObjectReference="#r{n}"><xades:MimeType>{media(kind)}</xades:MimeType>'
        "</xades:DataObjectFormat>"
        for n, (_, kind, _) in enumerate(files, 1)
    )
    digest = base64.b64encode(hashlib.sha256(der).digest()).decode()
    properties = (
        '<xades:SignedProperties Id="sp"><xades:SignedSignatureProperties>'
        f"<xades:SigningTime>{signed_at}</xades:SigningTime><xades:SigningCertificateV2><xades:Cert><xades:CertDigest>"
        f'<ds:DigestMethod xmlns:ds="{DS}" Algorithm="{SHA256}"></ds:DigestMethod>'
        f'<ds:DigestValue xmlns:ds="{DS}">{digest}</ds:DigestValue>'
        "</xades:CertDigest></xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties>"
        f"<xades:SignedDataObjectProperties>{formats}</xades:SignedDataObjectProperties></xades:SignedProperties>"
    )
    alone = properties.replace("<xades:SignedProperties", f'<xades:SignedProperties xmlns:xades="{XADES}"', 1)
    references = "".join(
        f'<ds:Reference Id="r{n}" URI="{name}"><ds:DigestMethod Algorithm="{SHA256}"></ds:DigestMethod>'
        f"<ds:DigestValue>{base64.b64encode(found).decode()}</ds:DigestValue></ds:Reference>"
        for n, (name, _, found) in enumerate(files, 1)
    )
    info = (
        f'<ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{C14N}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{method}"></ds:SignatureMethod>{references}'
        '<ds:Reference Type="http://uri.etsi.org/01903#SignedProperties" URI="#sp"><ds:Transforms>'
        f'<ds:Transform Algorithm="{C14N}"></ds:Transform></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{SHA256}"></ds:DigestMethod>'
        f"<ds:DigestValue>{base64.b64encode(hashlib.sha256(alone.encode()).digest()).decode()}</ds:DigestValue>"
        "</ds:Reference></ds:SignedInfo>"
    )
    return info, properties


def signatures(info: str, properties: str, value: bytes, der: bytes) -> str:
    """META-INF/signatures.xml."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<asic:XAdESSignatures xmlns:asic="{ASIC}">'
        f'<ds:Signature xmlns:ds="{DS}" Id="s1">{info}<ds:SignatureValue>{base64.b64encode(value).decode()}'
        f"</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{base64.b64encode(der).decode()}"
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo><ds:Object>"
        f'<xades:QualifyingProperties xmlns:xades="{XADES}" Target="#s1">{properties}</xades:QualifyingProperties>'
        "</ds:Object></ds:Signature></asic:XAdESSignatures>\n"
    )


def verify(der: bytes, method: str, value: bytes, signed: bytes) -> None:
    """The value is right for the key of this certificate, by the one method that goes with it."""
    key = x509.load_der_x509_certificate(der).public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey) and method == METHODS["rsa-sha256"] and 2048 <= key.key_size <= 8192:
            key.verify(value, signed, padding.PKCS1v15(), hashes.SHA256())
            return
        if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in ORDERS:
            small = key.curve.name == "secp256r1"
            size, name = (32, "ecdsa-sha256") if small else (48, "ecdsa-sha384")
            r, s = int.from_bytes(value[:size], "big"), int.from_bytes(value[size:], "big")
            if method == METHODS[name] and len(value) == 2 * size and r and 0 < s <= ORDERS[key.curve.name] // 2:
                digest = hashes.SHA256() if small else hashes.SHA384()
                key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(digest))
                return
    except InvalidSignature:
        pass
    bad("the signature is wrong")


# -- The registry: whose certificates are good when -------------------------------------------------------------------


class Registry:
    """Certificates for signing, by their digest: (agency, revoked at, certificate)."""

    def __init__(self, parcel: Parcel, hub: bytes) -> None:
        if parcel.certificate != hub or parcel.main != "registry.xml":
            bad("the registry is not signed by the hub")
        good_at(x509.load_der_x509_certificate(hub), parcel.signed_at)
        root = ET.fromstring(parcel.content)  # noqa: S314
        self.installation, self.version = root.get("installation", ""), int(root.get("version", ""))
        self.known: dict[str, tuple[str, str, x509.Certificate]] = {}
        self.policy = ""  # of the log's witnesses, with the log's key
        for member in root.iter(f"{REGISTRY}member"):
            for found in member.iter(f"{REGISTRY}certificate"):
                der = base64.b64decode(found.text or "")
                reason = found.get("reason", "")
                if (member.get("code"), found.get("use")) == ("HUB", "tls") and reason.startswith("log policy\n"):
                    self.policy = reason.removeprefix("log policy\n")
                if found.get("use") == "sign":
                    said = (member.get("code", ""), found.get("revoked", ""))
                    self.known[sha(der)] = (*said, x509.load_der_x509_certificate(der))

    def who(self, parcel: Parcel, at: datetime) -> str:
        """The agency whose certificate has signed it, good at this moment and when it says that it was signed."""
        if sha(parcel.certificate) not in self.known:
            bad("an unknown certificate")
        agency, revoked, certificate = self.known[sha(parcel.certificate)]
        if revoked and at >= moment(revoked):
            bad(f"a certificate of {agency}, revoked {revoked}")
        good_at(certificate, at)
        good_at(certificate, parcel.signed_at)
        return agency


def good_at(certificate: x509.Certificate, at: datetime) -> None:
    """It was valid then."""
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        bad("a certificate that was not valid then")


class Receipt:
    """What a receipt says."""

    def __init__(self, parcel: Parcel) -> None:
        if parcel.main != "receipt.xml":
            bad("no receipt")
        root = ET.fromstring(parcel.content)  # noqa: S314
        subject = root.find(f"{RECEIPT}submission")
        self.statements = root.findall(f"{RECEIPT}statement")
        if subject is None or not self.statements:
            bad("no receipt")
        self.parcel, self.issuer, self.installation = parcel, root.get("issuer", ""), root.get("installation", "")
        self.registry, self.document_id = int(root.get("registry", "0")), subject.text or ""
        self.axis_id, self.sender, self.digest = (subject.get(name, "") for name in ("id", "sender", "digest"))
        self.first = self.statements[0]
        self.time = moment(self.first.get("time", ""))

    def check(self, registry: Registry, at: datetime) -> None:
        """Its issuer has signed it, with a key that was good then, and speaks for itself."""
        if registry.who(self.parcel, at) != self.issuer:
            bad("signed by another than its issuer")
        for said in self.statements:
            code, recipient = said.get("code", ""), said.get("recipient", "")
            by = code[0] in ("ADTSRW" if self.issuer == "HUB" else "EW")
            if not by or self.issuer not in {"HUB", recipient}:
                bad(f"{code} by {self.issuer} about {recipient}")


# -- The log: RFC 9162, C2SP signed-note, tlog-checkpoint and tlog-proof -----------------------------------------------


class Log:
    """The log by its key, ``name+id+key``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.name, identifier, key = text.split("+", 2)
        raw = b64(key)
        self.id = key_id(self.name, raw)
        if len(raw) != 33 or raw[0] != 1 or self.id.hex() != identifier:
            bad("no key of a log")
        self.public = raw[1:]

    def root(self, data: bytes) -> tuple[int, bytes]:
        """(size, root) of a checkpoint that the log has signed."""
        text, gap, lines = data.decode().rpartition("\n\n")
        rows = lines[:-1].split("\n")
        name, size, root = text.split("\n")
        if not gap or not lines.endswith("\n") or name != self.name or str(int(size)) != size or int(size) < 0:
            bad("no checkpoint of this log")
        found = []
        for row in rows:
            dash, who, value = row.split(" ")
            decoded = b64(value)
            if dash != "\N{EM DASH}" or len(decoded) < 5:
                bad("no signature line")
            if (who, decoded[:4]) == (self.name, self.id):
                found.append(decoded[4:])
        if len(found) != 1 or len(b64(root)) != 32:
            bad("no signature of the log")
        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.public).verify(found[0], f"{text}\n".encode())
        except InvalidSignature:
            bad("a false signature of the log")
        return int(size), b64(root)

    def entry(self, data: bytes) -> tuple[str, dict[str, Any], int]:
        """(digest, entry, place from 1) of a proof that holds, with salt and entry in its `extra`."""
        head, gap, signed = data.partition(b"\n\n")
        first, extra, index, *rest = head.decode("ascii").split("\n")
        place, size_root = int(index.removeprefix("index ")), self.root(signed)
        size, root = size_root
        if (first, extra[:6], f"index {place}") != ("c2sp.org/tlog-proof@v1", "extra ", index) or not gap:
            bad("no proof")
        raw, proof = b64(extra[6:]), [b64(row) for row in rest]
        if not 0 <= place < size or any(len(step) != 32 for step in proof):
            bad("no proof of an entry")
        node = hashlib.sha256(b"\0" + hashlib.sha256(raw).digest()).digest()
        at, last = place, size - 1
        for other in proof:
            if not last:
                bad("a proof that is too long")
            if at & 1 or at == last:
                node = hashlib.sha256(b"\1" + other + node).digest()
                while not at & 1 and at:
                    at, last = at >> 1, last >> 1
            else:
                node = hashlib.sha256(b"\1" + node + other).digest()
            at, last = at >> 1, last >> 1
        if last or node != root:
            bad("the proof leads to another root")
        text = raw[16:].decode("ascii")
        found = json.loads(text)
        if json.dumps(found, sort_keys=True, separators=(",", ":")) != text:
            bad("an entry in another form")
        return sha(raw[16:]), found, place + 1


# -- Witnesses: C2SP tlog-cosignature and tlog-policy  ----------------------------------------------------------------

NOBODY = "no quorum has cosigned it"


Keys = dict[str, tuple[str, bytes]]
Groups = dict[str, tuple[int, list[str]]]


def read_policy(log: Log, text: str) -> tuple[Keys, Groups, str]:
    """(witnesses: name and key; groups: how many of whom; who must have cosigned) of a policy about this log."""
    keys: Keys = {}
    groups: Groups = {}
    found: dict[str, list[str]] = {"log": [], "quorum": []}
    used: set[str] = set()
    for words in (row.split() for row in text.split("\n")):
        if not words or words[0].startswith("#"):
            continue
        least, most = {"log": (2, 3), "witness": (3, 4), "quorum": (2, 2), "group": (4, 10**6)}[words[0]]
        if not least <= len(words) <= most:
            bad("no policy")
        if words[0] in found:
            found[words[0]].append(words[1])
        elif words[1] in {*keys, *groups, "none"}:
            bad("a name twice")
        elif words[0] == "witness":
            name, identifier, key = words[2].split("+", 2)
            raw = b64(key)
            sizes = {4: 33, 6: 1313}
            is_known = any(raw[1:] == other[1:] for _, other in keys.values())
            if key_id(name, raw).hex() != identifier or sizes.get(raw[0]) != len(raw) or is_known:
                bad("no key of a witness")
            keys[words[1]] = name, raw
        else:
            members = words[3:]
            if len(set(members)) < len(members) or not set(members) <= {*keys, *groups} - used:
                bad("a group of others than witnesses")
            named = {"all": len(members), "any": 1}.get(words[2])
            least = named if named is not None else int(one("^([1-9][0-9]{0,4})$", words[2]))
            if not 1 <= least <= len(members):
                bad("no group")
            groups[words[1]] = least, members
            used.update(members)
    ((key,), (quorum,)) = found["log"], found["quorum"]
    of = Log(key)
    if (of.name, of.public) != (log.name, log.public) or quorum not in {*keys, *groups}:
        bad("the policy of another log")

    def can_split(name: str) -> bool:
        if name in keys:
            return False
        least, members = groups[name]
        return 2 * least - min(least, sum(map(can_split, members))) <= len(members)

    return (keys, groups, quorum) if not can_split(quorum) else bad("quorums that need not have a witness in common")


def key_id(name: str, raw: bytes) -> bytes:
    """The four bytes before a key's signatures."""
    return hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]


def witnessed(log: Log, data: bytes, policy: str) -> str:
    """Who has cosigned a checkpoint, if they are a quorum by this policy; NOBODY if they are not."""
    keys, groups, quorum = read_policy(log, policy)
    log.root(data)
    by = cosigners(keys, data, data.decode().rpartition("\n\n")[2])

    def counts(name: str) -> bool:
        return name in by if name in keys else sum(map(counts, groups[name][1])) >= groups[name][0]

    return ", ".join(sorted(by)) if counts(quorum) else NOBODY


def cosigners(keys: Keys, data: bytes, lines: str) -> set[str]:
    """Who of these witnesses has cosigned the checkpoint in one of these lines, each with its end."""
    text = data.decode().rpartition("\n\n")[0]
    said: dict[tuple[str, bytes], list[bytes]] = {}
    for row in lines[:-1].split("\n"):
        dash, who, value = row.split(" ")
        decoded = b64(value)
        if dash != "\N{EM DASH}" or len(decoded) < 5:
            bad("no signature line")
        said.setdefault((who, decoded[:4]), []).append(decoded[4:])
    by = set()
    for code, (name, key) in keys.items():
        for number, line in enumerate(said.get((name, key_id(name, key)), [])):
            if number:
                bad("two signatures under one key")
            _cosigned(name, key, line, f"{text}\n")
            by.add(code)
    return by


def _cosigned(name: str, key: bytes, line: bytes, text: str) -> None:
    at, value = int.from_bytes(line[:8], "big"), line[8:]
    try:
        if key[0] == 4:
            over = f"cosignature/v1\ntime {at}\n{text}".encode()
            ed25519.Ed25519PublicKey.from_public_bytes(key[1:]).verify(value, over)
            return
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

        origin, size, root = text.split("\n")[:3]
        names = [bytes((len(one.encode()),)) + one.encode() for one in (name, origin)]
        over = b"subtree/v1\n\0" + names[0] + line[:8] + names[1] + bytes(8) + int(size).to_bytes(8, "big") + b64(root)
        MLDSA44PublicKey.from_public_bytes(key[1:]).verify(value, over)
    except InvalidSignature:
        bad(f"a false signature of {name}")


# -- Time-stamps: RFC 3161, in CMS SignedData (RFC 5652) ---------------------------------------------------------------


def tlv(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """The DER values in `data`: (tag, content, whole)."""
    found, place = [], 0
    while place < len(data):
        start, tag, length = place, data[place], data[place + 1]
        place += 2
        if length & 0x80:
            octets = length & 0x7F
            length, place = int.from_bytes(data[place : place + octets], "big"), place + octets
            if length < 0x80 or length >> (8 * (octets - 1)) == 0:
                bad("DER in another form")
        if place + length > len(data):
            bad("DER that is cut off")
        found.append((tag, data[place : place + length], data[start : place + length]))
        place += length
    return found


SIGNED_DATA, TST_INFO = bytes.fromhex("2a864886f70d010702"), bytes.fromhex("2a864886f70d0109100104")
CONTENT_TYPE, MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010903"), bytes.fromhex("2a864886f70d010904")
DIGESTS: dict[bytes, Callable[[], hashes.HashAlgorithm]] = {
    bytes.fromhex("608648016503040201"): hashes.SHA256,
    bytes.fromhex("608648016503040202"): hashes.SHA384,
    bytes.fromhex("608648016503040203"): hashes.SHA512,
}


def shape(data: bytes, *tags: int) -> list[tuple[int, bytes, bytes]]:
    """The DER values in `data`, which begin with these tags."""
    found = tlv(data)
    if tuple(tag for tag, _, _ in found[: len(tags)]) != tags:
        bad("a time-stamp in another form")
    return found


def stamped(reply: bytes, about: bytes, authorities: list[tuple[str, bytes]]) -> str:
    """The time that a reply says, over these bytes, signed by one of the authorities in the bundle."""
    (whole,) = shape(reply, 0x30)
    status, token = shape(whole[1], 0x30, 0x30)
    if shape(status[1], 0x02)[0][1] != b"\0":
        bad("the service has refused")
    kind, explicit = shape(token[1], 0x06, 0xA0)
    (signed,) = shape(explicit[1], 0x30)
    version, algorithms, content, *sets = shape(signed[1], 0x02, 0x31, 0x30)
    content_kind, wrapped = shape(content[1], 0x06, 0xA0)
    (info,) = shape(wrapped[1], 0x04)
    if (kind[1], content_kind[1]) != (SIGNED_DATA, TST_INFO):
        bad("no time-stamp")
    if sets[-1][0] != 0x31 or [one[0] for one in sets[:-1]] not in ([], [0xA0]):
        bad("a time-stamp in another form")
    (signer,) = shape(sets[-1][1], 0x30)
    parts = shape(signer[1], 0x02, 0x30, 0x30, 0xA0, 0x30, 0x04)
    named = parts[2][2]
    method = shape(parts[4][1], 0x06)[0][1]
    if version[1][0] & 0x80 or parts[0][1][0] & 0x80 or method[-1] & 0x80:
        bad("a time-stamp in another form")
    if len(parts) > 7 or named not in [one[2] for one in tlv(algorithms[1])]:
        bad("a time-stamp in another form")
    digest, attributes, value = DIGESTS[shape(parts[2][1], 0x06)[0][1]](), parts[3], parts[5][1]
    said = {shape(a, 0x06, 0x31)[0][1]: tlv(tlv(a)[1][1])[0][1] for _, a, _ in tlv(attributes[1])}
    if said[CONTENT_TYPE] != TST_INFO or said[MESSAGE_DIGEST] != hashed(digest, info[1]):
        bad("the time-stamp is over something else")
    over = b"\x31" + attributes[2][1:]  # a SET OF, as it is signed
    trusted = [c for _, data in authorities for c in x509.load_pem_x509_certificates(data)]
    issuer, serial = shape(parts[1][1], 0x30, 0x02)
    own = next(
        (c for c in trusted if (c.issuer.public_bytes(), c.serial_number) == (issuer[2], int.from_bytes(serial[1]))),
        None,
    )
    if own is None or not _has_signed(own, value, over, digest):
        bad("no authority of this bundle has signed it")
    beside = [one[2] for one in tlv(sets[0][1])] if len(sets) > 1 else []
    if beside and own.public_bytes(Encoding.DER) not in beside:
        bad("another certificate than that of the authority")
    (facts,) = shape(info[1], 0x30)
    stamp = shape(facts[1], 0x02, 0x06, 0x30, 0x02, 0x18)
    algorithm, imprint = shape(stamp[2][1], 0x30, 0x04)
    if imprint[1] != hashed(DIGESTS[shape(algorithm[1], 0x06)[0][1]](), about):
        bad("a time-stamp over something else")
    at = datetime.strptime(stamp[4][1].decode("ascii")[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    usage = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    if not usage.critical or list(usage.value) != [x509.oid.ExtendedKeyUsageOID.TIME_STAMPING]:
        bad("a certificate that is not for time-stamps")
    good_at(own, at)
    return at.isoformat()


def hashed(digest: hashes.HashAlgorithm, data: bytes) -> bytes:
    """The digest of these bytes."""
    made = hashes.Hash(digest)
    made.update(data)
    return made.finalize()


def _has_signed(certificate: x509.Certificate, value: bytes, over: bytes, digest: hashes.HashAlgorithm) -> bool:
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(value, over, padding.PKCS1v15(), digest)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(value, over, ec.ECDSA(digest))
            return True
    except InvalidSignature:
        pass
    return False


# -- Step by step -----------------------------------------------------------------------------------------------------


class Judgement:
    """The steps, in the order and with the names of `axis verify`."""

    def __init__(self, data: bytes, hub: bytes, log: str, *, strict: bool) -> None:
        self.hub, self.known_log, self.strict = hub, log, strict
        self.steps: list[Step] = []
        self.registry: Registry | None = None
        self.versions: set[int] = set()
        self.policies: set[str] = set()
        self.log: Log | None = None
        self.entries: dict[str, dict[str, Any]] = {}
        self.receipts: list[tuple[str, Receipt]] = []
        self.step("container", "", lambda: self.open(data))
        if self.steps[0][1] == "PASSED":
            self.go()

    @property
    def is_good(self) -> bool:
        """Whether no step has failed."""
        return all(verdict != "FAILED" for _, verdict, _, _ in self.steps)

    def step(self, name: str, part: str, look: Callable[[], str]) -> None:
        """Look at something."""
        try:
            self.steps.append((name, "PASSED", part, look()))
        except (Bad, ValueError, KeyError, TypeError, AttributeError, IndexError, struct.error, ET.ParseError) as error:
            self.steps.append((name, "FAILED", part, str(error)[:200]))

    def open(self, data: bytes) -> str:
        """The bundle itself."""
        self.parcel = Parcel(data)
        good_at(x509.load_der_x509_certificate(self.parcel.certificate), self.parcel.signed_at)
        root = ET.fromstring(self.parcel.content)  # noqa: S314
        if self.parcel.main != "evidence.xml" or root.tag != f"{EVIDENCE}evidence":
            bad("no evidence")
        names = ("installation", "maker", "axis-id", "sender", "digest")
        self.installation, self.maker, self.axis_id, self.sender, self.digest = (root.attrib[name] for name in names)
        self.document_id = root.findtext(f"{EVIDENCE}document", "")
        kinds = [(found.attrib["kind"], found.attrib["name"]) for found in root.findall(f"{EVIDENCE}part")]
        once = (
            "acceptance",
            "document",
            "log",
            "checkpoint",
            "policy",
            "timestamp",
            *("cosignatures", "renewed", "renewal"),
        )
        count = [kind for kind, _ in kinds].count
        if (
            len(kinds) != len(self.parcel.attachments)
            or any(count(kind) > 1 for kind in once)
            or not count("acceptance")
        ):
            bad("other parts than evidence has")
        if len({name for _, name in kinds}) < len(kinds):
            bad("a part twice")
        about = (
            *(("policy", "checkpoint"), ("timestamp", "checkpoint"), ("authority", "timestamp")),
            *(("cosignatures", "policy"), ("renewed", "timestamp"), ("renewed", "renewal"), ("renewal", "renewed")),
        )
        if any(count(kind) and not count(other) for kind, other in about):
            bad("a part without what it is about")
        self.parts = [(*named, content) for named, content in zip(kinds, self.parcel.attachments, strict=True)]
        return self.parcel.content_digest

    def of(self, kind: str) -> list[tuple[str, bytes]]:
        """The parts of this kind: (name, content)."""
        return [(name, content) for found, name, content in self.parts if found == kind]

    def known(self) -> Registry:
        """The registry."""
        return self.registry if self.registry is not None else bad("no registry")

    def go(self) -> None:
        """All that is about the document."""
        for name, content in self.of("registry"):
            self.step("registry", name, lambda content=content: self.look_registry(content))  # type: ignore[misc]
        if not self.versions:
            self.steps.append(("registry", "FAILED", "", "no registry"))
        self.step("maker", "", self.look_maker)
        looks = {
            "acceptance": self.look_acceptance,
            "document": self.look_document,
            "log": self.look_log,
            "checkpoint": self.look_checkpoint,
            "proof": self.look_proof,
            "receipt": self.look_receipt,
        }
        self.then = 0
        for kind, look in looks.items():
            for name, content in self.of(kind):
                self.step(kind, name, lambda look=look, name=name, content=content: look(name, content))  # type: ignore[misc]
        verdict = "PASSED" if self.then in self.versions else "MISSING"
        self.steps.append(("then", verdict, "", f"registry {self.then}"))
        for kind in ("document", "log", "checkpoint"):
            if not self.of(kind):
                self.steps.append((kind, "MISSING", "", ""))
        for name, found in self.receipts:
            if found.issuer == "HUB":
                left = sum(said.get("entry", "") not in self.entries for said in found.statements)
                verdict = "PASSED" if not left else "FAILED" if self.strict else "MISSING"
                self.steps.append(("logged", verdict, name, f"{left} of {len(found.statements)} entries missing"))
        policies = self.of("policy")
        if not policies or not self.of("checkpoint"):
            self.steps.append(("witnessed", "MISSING", "", ""))
        else:
            name, head = self.of("checkpoint")[0]
            beside = b"".join(content for _, content in self.of("cosignatures"))
            self.step("witnessed", name, lambda: self.look_witnessed(head, policies[0][1].decode(), beside.decode()))
            if self.steps[-1][3] == NOBODY:
                self.steps[-1] = ("witnessed", "MISSING", name, NOBODY)
        stamps, heads = self.of("timestamp"), self.of("checkpoint")
        if not stamps or not heads:
            self.steps.append(("timestamp", "MISSING", stamps[0][0] if stamps else "", ""))
        else:
            self.step("timestamp", stamps[0][0], lambda: stamped(stamps[0][1], heads[0][1], self.of("authority")))
        if renewals := self.of("renewal"):
            self.step("renewal", renewals[0][0], lambda: self.look_renewal(renewals[0][1]))

    def look_witnessed(self, head: bytes, policy: str, beside: str) -> str:
        """Who has cosigned the checkpoint, by the policy in the bundle, which a registry in it has, too."""
        if policy not in self.policies:
            bad("the policy of no registry in the bundle")
        by = witnessed(self.need_log(), head, policy)
        if not beside:
            return by
        keys, _, _ = read_policy(self.need_log(), policy)
        if not beside.endswith("\n") or len(cosigners(keys, head, beside)) != beside.count("\n"):
            bad("a cosignature of nobody in the policy")
        return by if by == NOBODY else f"{by}; {beside.count(chr(10))} of them with another key as well"

    def look_renewal(self, reply: bytes) -> str:
        """A later time-stamp, on a checkpoint of the log that has the digest of the first."""
        bound, first = self.of("renewed")[0][1], self.of("timestamp")[0][1]
        _, entry, _ = self.need_log().entry(bound)
        if (entry["event"], entry["detail"].get("reply")) != ("log.stamped", sha(first)):
            bad("the renewal of another time-stamp")
        return stamped(reply, bound.partition(b"\n\n")[2], self.of("authority"))

    def look_registry(self, content: bytes) -> str:
        """A registry of the hub; the newest counts, which has all revocations."""
        found = Registry(Parcel(content), self.hub)
        if found.installation != self.installation:
            bad("the registry of another installation")
        self.versions.add(found.version)
        self.policies.add(found.policy)
        if self.registry is None or found.version > self.registry.version:
            self.registry = found
        return f"version {found.version}"

    def look_maker(self) -> str:
        """Who has put it together."""
        if self.known().who(self.parcel, self.parcel.signed_at) != self.maker:
            bad("signed by another than its maker")
        return self.maker

    def subject(self, found: Receipt) -> None:
        """It is about this document."""
        if (found.installation, found.axis_id, found.digest) != (self.installation, self.axis_id, self.digest):
            bad("a receipt about something else")

    def look_acceptance(self, name: str, content: bytes) -> str:
        """A.1."""
        found = Receipt(Parcel(content))
        found.check(self.known(), found.time)
        self.subject(found)
        if (found.issuer, found.first.get("code")) != ("HUB", "A.1"):
            bad("no A.1")
        if (found.sender, found.document_id) != (self.sender, self.document_id):
            bad("an A.1 about another document")
        self.then = found.registry
        self.receipts.append((name, found))
        return f"from {found.sender} at {found.time.isoformat()}"

    def look_document(self, _name: str, content: bytes) -> str:
        """The original."""
        found = Parcel(content)
        if not self.receipts:
            bad("no A.1")
        accepted = self.receipts[0][1]
        signer = self.known().who(found, accepted.time)
        if (found.content_digest, signer) != (accepted.digest, accepted.sender):
            bad("A.1 is about something else")
        return f"signed by {signer}"

    def look_log(self, _name: str, content: bytes) -> str:
        """The log's key."""
        text = content.decode()
        found = Log(text.removesuffix("\n"))
        if not text.endswith("\n") or (self.known_log and Log(self.known_log).public != found.public):
            bad("another key than the one that is known")
        self.log = found
        in_registry = self.registry is not None and f"log {found.text}" in self.registry.policy.split("\n")
        if self.strict and not self.known_log and not in_registry and self.maker != "HUB":
            bad("nobody but its maker says whose key it is")
        return found.name

    def need_log(self) -> Log:
        """The log."""
        return self.log if self.log is not None else bad("no key of the log")

    def look_checkpoint(self, _name: str, content: bytes) -> str:
        """The checkpoint."""
        return f"{self.need_log().root(content)[0]} entries"

    def look_proof(self, _name: str, content: bytes) -> str:
        """An entry about this document."""
        digest, entry, place = self.need_log().entry(content)
        if entry["axis_id"] != self.axis_id:
            bad("an entry about something else")
        self.entries[digest] = entry
        return f"entry {place}: {entry['event']}"

    def look_receipt(self, name: str, content: bytes) -> str:
        """The hub's as of when it was given; a recipient's as of when the hub accepted it."""
        found = Receipt(Parcel(content))
        said = (found.issuer, found.first.get("code"), found.first.get("recipient"), found.first.get("time"))
        at = found.parcel.signed_at
        for entry in self.entries.values() if found.issuer != "HUB" else ():
            if (
                entry["actor"],
                entry["detail"].get("receipt"),
                entry["recipient"],
                entry["detail"].get("said_at"),
            ) == said:
                at = moment(entry["time"])
                break
        found.check(self.known(), at)
        self.subject(found)
        self.receipts.append((name, found))
        return f"{said[1]} by {found.issuer} about {said[2]}, {said[3]}"


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--hub", type=Path, required=True, help="the hub's certificate (PEM)")
    parser.add_argument("--log", type=Path, help="a file with the log's public key")
    parser.add_argument("--strict", action="store_true", help="each receipt of the hub must be proved")
    given = parser.parse_args()
    hub = x509.load_pem_x509_certificate(given.hub.read_bytes()).public_bytes(Encoding.DER)
    log = given.log.read_text("utf-8").strip() if given.log else ""
    found = Judgement(given.file.read_bytes(), hub, log, strict=given.strict)
    for name, verdict, part, why in found.steps:
        print(f"{verdict:8}{name:12}{part} {why}".rstrip())
    print("PASSED" if found.is_good else "FAILED")
    return 0 if found.is_good else 3


if __name__ == "__main__":
    sys.exit(main())
