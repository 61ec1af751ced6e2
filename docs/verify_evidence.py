#!/usr/bin/env python3
"""Check a bundle of evidence about one document, with nothing of the axis' own program.

    python verify_evidence.py FILE.asice --hub hub.pem [--log log.vkey] [--tsa tsa.pem] [--strict]

`hub.pem` is the hub's certificate, received with enrolment: the only thing that is believed without proof. `log.vkey`
is the log's public key as it was published; without it the key in the bundle is taken on its maker's word, and without
`tsa.pem`, the certificates of a time-stamp authority, so are those in the bundle. `--strict`: each receipt of the hub
must be proved to stand in the log. Needs the `cryptography` package, no network and no clock:
each thing is looked at as of when it happened.

Prints a line for each step: PASSED, FAILED, or MISSING for what the bundle does not have. Ends with 0 if no step has
failed, with 3 if one has. Witnesses count by the policy in the bundle, which the registry has, too, if keys of their
agencies have introduced them; a time-stamp is checked as RFC 3161 and RFC 5652 say.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import struct
import sys
import unicodedata
import xml.etree.ElementTree as ET
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from xml.sax import saxutils

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


class Missing(Exception):
    """Nothing is wrong, and nothing is proved."""


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
    """Certificates for signing, by their digest: (agency, revoked at, certificate); the witnesses' keys."""

    def __init__(self, parcel: Parcel, hub: bytes) -> None:
        if parcel.certificate != hub or parcel.main != "registry.xml":
            bad("the registry is not signed by the hub")
        good_at(x509.load_der_x509_certificate(hub), parcel.signed_at)
        root = ET.fromstring(parcel.content)  # noqa: S314
        self.installation, self.version = root.get("installation", ""), int(root.get("version", ""))
        self.known: dict[str, tuple[str, str, x509.Certificate]] = {}
        self.policy = ""  # of the log's witnesses, with the log's key
        self.witnesses: set[tuple[str, bytes]] = set()  # their names and keys
        for member in root.iter(f"{REGISTRY}member"):
            code = member.get("code", "")
            held = [(c, base64.b64decode(c.text or "")) for c in member.iter(f"{REGISTRY}certificate")]
            for found, der in held:
                reason = found.get("reason", "")
                if (code, found.get("use")) == ("HUB", "tls") and reason.startswith("log policy\n"):
                    self.policy = reason.removeprefix("log policy\n")
                if found.get("use") == "sign":
                    said = (code, found.get("revoked", ""))
                    if sha(der) not in self.known or said[1]:  # where it stands twice, what is revoked is revoked
                        self.known[sha(der)] = (*said, x509.load_der_x509_certificate(der))
            own = [der for c, der in held if c.get("use") == "sign" and not c.get("revoked")]
            introduced = [
                der for c, der in held if (c.get("use"), c.get("reason")) == ("tls", "witness") and not c.get("revoked")
            ]
            keys: dict[int, bytes] = {}
            for der in reversed(introduced if code != "HUB" else []):  # of each kind the newest
                if key := witness_key(der, code, self.installation, own):
                    keys.setdefault(key[0], key)
            self.witnesses |= {(f"axis/{self.installation}/{code}", key) for key in keys.values()}

    def revoked(self, parcel: Parcel) -> bool:
        """Whether the certificate is revoked, as far as this version knows."""
        return bool(self.known[sha(parcel.certificate)][1])

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


def witness_key(introduction: bytes, code: str, installation: str, own: list[bytes]) -> bytes:
    """The kind and key of a witness that one of an agency's own keys has introduced; nothing where none has."""
    try:
        read = x509.load_der_x509_certificate(introduction)
        names, places = (
            [str(one.value) for one in read.subject.get_attributes_for_oid(oid)]
            for oid in (x509.oid.NameOID.COMMON_NAME, x509.oid.NameOID.SERIAL_NUMBER)
        )
        keys = [x509.load_der_x509_certificate(der).public_key() for der in own]
        if names == [code] and places in ([], [installation]) and any(_vouches(key, read) for key in keys):
            public = read.public_key()
            kind = (
                4 if isinstance(public, ed25519.Ed25519PublicKey) else 6 if hasattr(public, "public_bytes_raw") else 0
            )
            return bytes((kind,)) + public.public_bytes_raw() if kind else b""  # type: ignore[union-attr]
    except Exception:  # noqa: BLE001  the library names many faults of foreign bytes, all mean this
        return b""
    return b""


def _vouches(key: Any, introduction: x509.Certificate) -> bool:
    value, signed = introduction.signature, introduction.tbs_certificate_bytes
    try:
        if isinstance(key, rsa.RSAPublicKey) and 2048 <= key.key_size <= 8192:
            key.verify(value, signed, padding.PKCS1v15(), hashes.SHA256())
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in ORDERS:
            key.verify(value, signed, ec.ECDSA(hashes.SHA256() if key.curve.name == "secp256r1" else hashes.SHA384()))
            return True
    except InvalidSignature:
        pass
    return False


def good_at(certificate: x509.Certificate, at: datetime) -> None:
    """It was valid then."""
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        bad("a certificate that was not valid then")


EVENTS = {  # of a receipt: their names, who says them (the hub, a recipient), whether they are good news
    "A.1": ("SubmissionAcceptance", "H", True),
    "A.2": ("SubmissionRejection", "H", False),
    "D.1": ("ContentConsignment", "H", True),
    "D.2": ("ContentConsignmentFailure", "H", False),
    "E.1": ("ContentHandover", "R", True),
    "E.2": ("ContentHandoverFailure", "R", False),
    "W.1": ("ContentWithdrawal", "HR", True),
    "W.2": ("ContentWithdrawalFailure", "HR", False),
    "T.1": ("DeadlineWarning", "H", False),
    "T.2": ("DeadlineExpiry", "H", False),
    "S.1": ("DistributionCertificate", "H", True),
    "R.1": ("ReceiptAcceptance", "H", True),
}


class Receipt:
    """What a receipt says, in the one form that it has."""

    def __init__(self, parcel: Parcel) -> None:
        if parcel.main != "receipt.xml":
            bad("no receipt")
        root = ET.fromstring(parcel.content)  # noqa: S314
        subject = root.find(f"{RECEIPT}submission")
        self.statements = root.findall(f"{RECEIPT}statement")
        if subject is None or not 1 <= len(self.statements) <= 100:
            bad("no receipt")
        self.parcel, self.issuer, self.installation = parcel, root.get("issuer", ""), root.get("installation", "")
        self.registry, self.document_id = int(root.get("registry", "0")), subject.text or ""
        self.axis_id, self.kind, self.sender, self.digest = (
            subject.get(name, "") for name in ("id", "kind", "sender", "digest")
        )
        self.first = self.statements[0]
        self.time = moment(self.first.get("time", ""))
        if self.text() != parcel.content.decode() or self.registry < 0:
            bad("a receipt in another form")
        if max(map(len, (self.axis_id, self.kind, self.sender, self.document_id))) > 200:
            bad("an identifier that is too long")
        for said in self.statements:
            code = said.get("code", "")
            by, rule = EVENTS[code][1:], code[0] in "TS"
            if ("H" if self.issuer == "HUB" else "R") not in by[0] or by[1] == bool(said.findall(f"{RECEIPT}reason")):
                bad(f"{code} by {self.issuer}, or without its reasons")
            if any(said.get(name) for name in ("leg", "outcome")) and not rule:
                bad(f"{code} with what it has not")
            if said.get("evidence") and not (rule or code == "R.1"):
                bad(f"{code} with what it has not")

    def text(self) -> str:
        """The one text of these values."""
        version = f' registry="{self.registry}"' if self.registry else ""
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<receipt xmlns="{RECEIPT[1:-1]}" installation={quoted(self.installation)} issuer={quoted(self.issuer)}'
            f"{version}>",
            f"  <submission id={quoted(self.axis_id)} kind={quoted(self.kind)} sender={quoted(self.sender)}"
            f" digest={quoted(self.digest)}>{escaped(self.document_id)}</submission>",
        ]
        for said in self.statements:
            code, time = said.get("code", ""), written(moment(said.get("time", "")))
            names = ("recipient", "entry", "leg", "outcome", "evidence")
            more = "".join(f" {name}={quoted(value)}" for name in names if (value := said.get(name)))
            lines.append(
                f'  <statement id={quoted(said.get("id", ""))} code="{code}" event="{EVENTS[code][0]}"'
                f' time="{time}"{more}>'
            )
            lines += [
                f"    <recipient>{escaped(one.text or '')}</recipient>" for one in said.iter(f"{RECEIPT}recipient")
            ]
            for reason in said.findall(f"{RECEIPT}reason"):
                retry = ' retry="yes"' if reason.get("retry") == "yes" else ""
                lines.append(f"    <reason code={quoted(reason.get('code', ''))}{retry}>")
                for lang, one in zip(("vi", "en"), reason, strict=False):
                    shown = "".join(c if c >= " " and c not in "\ufffe\uffff" else " " for c in one.text or "")
                    lines.append(f'      <text lang="{lang}">{escaped(shown)}</text>')
                lines.append("    </reason>")
            lines.append("  </statement>")
        return "\n".join([*lines, "</receipt>"]) + "\n"

    def check(self, registry: Registry, at: datetime) -> None:
        """Its issuer has signed it, with a key that was good then, and speaks for itself."""
        if registry.who(self.parcel, at) != self.issuer:
            bad("signed by another than its issuer")
        for said in self.statements:
            if self.issuer not in {"HUB", said.get("recipient", "")}:
                bad(f"{said.get('code')} by {self.issuer} about {said.get('recipient')}")


def quoted(value: str) -> str:
    """As an attribute's value."""
    return saxutils.quoteattr(value)


def escaped(value: str) -> str:
    """As text between tags."""
    return saxutils.escape(value, {"\r": "&#13;"})


def written(at: datetime) -> str:
    """A moment as it is written: to the millisecond, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# -- The log: RFC 9162, C2SP signed-note, tlog-checkpoint and tlog-proof -----------------------------------------------


ENTRY = {"actor": str, "axis_id": str, "detail": dict, "event": str, "recipient": str, "time": str}
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
SIZES = range(2**63)


def is_name(name: str) -> bool:
    """Whether a key may be called so."""
    return name.split() == [name] and "+" not in name and not CONTROLS.search(name)


class Log:
    """The log by its key, ``name+id+key``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.name, identifier, key = text.split("+", 2)
        raw = b64(key)
        self.id = key_id(self.name, raw)
        if len(raw) != 33 or raw[0] != 1 or self.id.hex() != identifier or not is_name(self.name):
            bad("no key of a log")
        self.public = raw[1:]

    def root(self, data: bytes) -> tuple[int, bytes]:
        """(size, root) of a checkpoint that the log has signed."""
        text, gap, lines = data.decode().rpartition("\n\n")
        rows = lines[:-1].split("\n")
        name, size, root = text.split("\n")
        if CONTROLS.search(data.decode()) or len(data) > 256 * 1024 or len(rows) > 200:
            bad("no checkpoint")
        if not gap or not lines.endswith("\n") or name != self.name or str(int(size)) != size or int(size) not in SIZES:
            bad("no checkpoint of this log")
        found = []
        for row in rows:
            dash, who, value = row.split(" ")
            decoded = b64(value)
            if dash != "\N{EM DASH}" or len(decoded) < 5 or not is_name(who):
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
        if json.dumps(found, sort_keys=True, separators=(",", ":")) != text or list(found) != sorted(ENTRY):
            bad("an entry in another form")
        if any(not isinstance(found[name], kind) for name, kind in ENTRY.items()):
            bad("an entry in another form")
        if written(moment(found["time"])) != found["time"]:
            bad("an entry in another form")
        return sha(raw[16:]), found, place + 1


# -- Witnesses: C2SP tlog-cosignature and tlog-policy  ----------------------------------------------------------------

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
            is_other = key_id(name, raw).hex() != identifier or sizes.get(raw[0]) != len(raw) or not is_name(name)
            if is_other or is_known:
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


def witnessed(log: Log, data: bytes, policy: tuple[Keys, Groups, str]) -> str:
    """Who has cosigned a checkpoint, if they are a quorum by this policy; "" if they are not."""
    keys, groups, quorum = policy
    log.root(data)
    by = cosigners(keys, data, data.decode().rpartition("\n\n")[2])

    def counts(name: str) -> bool:
        return sum(map(counts, groups[name][1])) >= groups[name][0] if name in groups else name in by

    return ", ".join(sorted(by)) if counts(quorum) else ""


def cosigners(keys: Keys, data: bytes, lines: str) -> set[str]:
    """Who of these witnesses has cosigned the checkpoint in one of these lines, each with its end."""
    text = data.decode().rpartition("\n\n")[0]
    said: dict[tuple[str, bytes], list[bytes]] = {}
    for row in lines[:-1].split("\n"):
        dash, who, value = row.split(" ")
        decoded = b64(value)
        if dash != "\N{EM DASH}" or len(decoded) < 5 or not is_name(who):
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
        try:
            from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
        except ImportError:
            sys.exit(
                "signatures of ML-DSA-44 stand in this bundle: the `cryptography` package here is too old for them"
            )

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


def stamped(reply: bytes, about: bytes, authorities: list[tuple[str, bytes]]) -> tuple[datetime, str]:
    """The time that a reply says, over these bytes, and who says it: one of these authorities."""
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
        bad("none of these authorities has signed it")
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
    upwards(own, trusted)
    return at, own.subject.rfc4514_string()


def upwards(certificate: x509.Certificate, trusted: list[x509.Certificate]) -> None:
    """From the authority's certificate those of who has issued it lead to one that is nobody else's."""
    for _ in range(8):
        issuer = next((c for c in trusted if c.subject == certificate.issuer and _has_issued(c, certificate)), None)
        if issuer is None:
            break
        if issuer == certificate:
            return
        certificate = issuer
    bad("nobody has issued the certificate of the authority")


def _has_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001  the library names many faults of foreign bytes, all mean this
        return False
    return True


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


PARTS = {"page", "manual", "document", "acceptance", "receipt", "registry", "log", "checkpoint", "proof", "policy"}
PARTS |= {"timestamp", "authority", "cosignatures", "renewed", "renewal"}
# The entries that statements of the hub quote, where they stand for one moment of one delivery.
QUOTED = {
    "D.1": {"delivery.consigned"},
    "D.2": {"delivery.failed"},
    "W.1": {"delivery.withdrawn", "recall.decided"},
    "W.2": {"delivery.withdrawn", "recall.decided"},
    "T.1": {"deadline.near"},
    "T.2": {"deadline.missed"},
}
CLOCKS = timedelta(minutes=5)  # by which a recipient's clock may have been ahead of the hub's


class Judgement:
    """The steps, in the order and with the names of `axis verify`."""

    def __init__(self, data: bytes, hub: bytes, log: str, *, strict: bool, authority: bytes = b"") -> None:
        self.hub, self.known_log, self.strict, self.authority = hub, log, strict, authority
        self.steps: list[Step] = []
        self.registry: Registry | None = None
        self.versions: set[int] = set()
        self.policies: dict[str, set[tuple[str, bytes]]] = {}  # those of the registries, and who are their witnesses
        self.believed: dict[bytes, bool] = {}  # checkpoints
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
        except Missing as missing:
            self.steps.append((name, "MISSING", part, str(missing)))
        except Exception as error:  # noqa: BLE001  of foreign bytes: whatever they bring about is what is wrong with them
            self.steps.append(
                (
                    name,
                    "FAILED",
                    part,
                    f"{'' if isinstance(error, Bad) else type(error).__name__} {error}".strip()[:200],
                )
            )

    def open(self, data: bytes) -> str:
        """The bundle itself."""
        self.parcel = Parcel(data)
        good_at(x509.load_der_x509_certificate(self.parcel.certificate), self.parcel.signed_at)
        root = ET.fromstring(self.parcel.content)  # noqa: S314
        if self.parcel.main != "evidence.xml" or root.tag != f"{EVIDENCE}evidence":
            bad("no evidence")
        about = {name: root.attrib[name] for name in ("installation", "maker", "axis-id", "sender", "digest")}
        self.installation, self.maker, self.axis_id, self.sender, self.digest = about.values()
        self.document_id = root.findtext(f"{EVIDENCE}document", "")
        kinds = [(found.attrib["kind"], found.attrib["name"]) for found in root.findall(f"{EVIDENCE}part")]
        attributes = " ".join(f"{name}={quoted(value)}" for name, value in about.items())
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<evidence xmlns="{EVIDENCE[1:-1]}" {attributes}'
            f' made="{written(moment(root.attrib["made"]))}">\n  <document>{escaped(self.document_id)}</document>\n'
            + "".join(f'  <part kind="{kind}" name="{name}"/>\n' for kind, name in kinds)
            + "</evidence>\n"
        )
        if text != self.parcel.content.decode() or not {kind for kind, _ in kinds} <= PARTS:
            bad("evidence in another form")
        if not all(re.fullmatch("[A-Za-z0-9][A-Za-z0-9._+-]{0,150}", name) for _, name in kinds):
            bad("a part of another name than a file has")
        once = PARTS - {"page", "manual", "receipt", "registry", "proof", "authority"}
        count = [kind for kind, _ in kinds].count
        if (
            len(kinds) != len(self.parcel.attachments)
            or any(count(kind) > 1 for kind in once)
            or not count("acceptance")
        ):
            bad("other parts than evidence has")
        if len({name for _, name in kinds}) < len(kinds):
            bad("a part twice")
        pairs = (
            *(("policy", "checkpoint"), ("timestamp", "checkpoint"), ("authority", "timestamp")),
            *(("cosignatures", "policy"), ("renewed", "timestamp"), ("renewed", "renewal"), ("renewal", "renewed")),
        )
        if any(count(kind) and not count(other) for kind, other in pairs):
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
                self.look_logged(name, found)
        heads, stamps = self.of("checkpoint"), self.of("timestamp")
        self.step("witnessed", heads[0][0] if heads else "", self.look_witnessed)
        self.step("timestamp", stamps[0][0] if stamps else "", self.look_stamp)
        if renewals := self.of("renewal"):
            self.step("renewal", renewals[0][0], lambda: self.look_renewal(renewals[0][1]))
        for kind in ("manual", "page"):
            self.steps += [
                ("page", "MISSING", name, "only its maker says what stands there") for name, _ in self.of(kind)
            ]

    def look_logged(self, name: str, found: Receipt) -> None:
        """A receipt of the hub quotes entries: they stand in the log, and say what it says."""
        quoted_by = [(said, self.entries.get(said.get("entry", ""))) for said in found.statements]
        left = sum(entry is None for _, entry in quoted_by)
        others = sum(entry is not None and not says(entry, found, said) for said, entry in quoted_by)
        why = f"{left} of {len(found.statements)} entries missing" + f", {others} say something else" * bool(others)
        is_needed = self.strict or self.known().revoked(found.parcel)  # then only the log says that it was said before
        verdict = "FAILED" if others or (left and is_needed) else "MISSING" if left else "PASSED"
        self.steps.append(("logged", verdict, name, why))

    def policy(self) -> tuple[Keys, Groups, str] | None:
        """Who must cosign: by the policy in the bundle, which a registry in it has, too; a witness is who was
        introduced as one by a key of its agency."""
        parts = self.of("policy")
        if not parts:
            return None
        text = parts[0][1].decode()
        if text not in self.policies:
            bad("the policy of no registry in the bundle")
        keys, groups, quorum = read_policy(self.need_log(), text)
        return {code: key for code, key in keys.items() if key in self.policies[text]}, groups, quorum

    def is_believed(self, data: bytes) -> bool:
        """Whether a checkpoint is the bundle's, of which all other steps speak, or a quorum has cosigned it, too."""
        if data not in self.believed:
            heads = self.of("checkpoint")
            is_head = bool(heads) and data.rpartition(b"\n\n")[0] == heads[0][1].rpartition(b"\n\n")[0]
            by = self.policy() if not is_head else None
            self.believed[data] = is_head or (by is not None and bool(witnessed(self.need_log(), data, by)))
        return self.believed[data]

    def look_witnessed(self) -> str:
        """Who has cosigned the checkpoint."""
        by, heads = self.policy(), self.of("checkpoint")
        if by is None or not heads:
            raise Missing
        found, beside = "", b"".join(content for _, content in self.of("cosignatures")).decode()
        if beside and (not beside.endswith("\n") or len(cosigners(by[0], heads[0][1], beside)) != beside.count("\n")):
            bad("a cosignature of nobody in the policy")
        if not (found := witnessed(self.need_log(), heads[0][1], by)):
            raise Missing("no quorum has cosigned it")
        return f"{found}; {beside.count(chr(10))} of them with another key as well" if beside else found

    def look_stamp(self) -> str:
        """Somebody else's time on the checkpoint."""
        if not self.of("timestamp") or not self.of("checkpoint"):
            raise Missing
        at, who = self.stamp(self.of("timestamp")[0][1], self.of("checkpoint")[0][1])
        return f"{at.isoformat()} by {who}" + ", as its maker says" * (not self.authority)

    def stamp(self, reply: bytes, about: bytes) -> tuple[datetime, str]:
        """What a time-stamp says, by whom."""
        return stamped(reply, about, [("", self.authority)] if self.authority else self.of("authority"))

    def look_renewal(self, reply: bytes) -> str:
        """A later time-stamp, on a checkpoint of the log that has the digest of the first."""
        bound, first = self.of("renewed")[0][1], self.of("timestamp")[0][1]
        _, entry, _ = self.need_log().entry(bound)
        if (entry["event"], entry["detail"].get("reply")) != ("log.stamped", sha(first)):
            bad("the renewal of another time-stamp")
        head = bound.partition(b"\n\n")[2]
        at, who = self.stamp(reply, head)
        if written(at) < entry["time"]:
            bad("a renewal before what it renews")
        is_witnessed = any(step[:2] == ("witnessed", "PASSED") for step in self.steps)  # else: the log's word
        if is_witnessed and not self.is_believed(head):
            raise Missing("no quorum has cosigned the log of then")
        return f"{at.isoformat()} by {who}"

    def look_registry(self, content: bytes) -> str:
        """A registry of the hub; the newest counts, which has all revocations."""
        found = Registry(Parcel(content), self.hub)
        if found.installation != self.installation:
            bad("the registry of another installation")
        self.versions.add(found.version)
        self.policies[found.policy] = self.policies.get(found.policy, set()) | found.witnesses
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
        about = (found.installation, found.axis_id, found.digest, found.sender, same(found.document_id))
        if about != (self.installation, self.axis_id, self.digest, self.sender, same(self.document_id)):
            bad("a receipt about something else")
        if self.receipts and found.kind != self.receipts[0][1].kind:
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
        if not self.is_believed(content.partition(b"\n\n")[2]):
            raise Missing("it rests on another checkpoint than the bundle's, which no quorum has cosigned")
        self.entries[digest] = entry
        return f"entry {place}: {entry['event']}"

    def look_receipt(self, name: str, content: bytes) -> str:
        """The hub's as of when it was given; a recipient's as of when the hub accepted it."""
        found = Receipt(Parcel(content))
        said = (found.issuer, found.first.get("code"), found.first.get("recipient"), found.first.get("time"))
        at, how = found.parcel.signed_at, "self"
        for entry in self.entries.values() if found.issuer != "HUB" else ():
            told = entry["detail"]
            if (entry["actor"], told.get("receipt"), entry["recipient"], told.get("said_at")) != said:
                continue
            alone = told.get("evidence") is None and not self.strict and len(found.statements) == 1
            if told.get("evidence") == sha(content) or (alone and at <= moment(entry["time"]) + CLOCKS):
                at, how = moment(entry["time"]), "log"
                break
        found.check(self.known(), at)
        self.subject(found)
        if found.issuer != "HUB" and how == "self" and self.known().revoked(found.parcel):
            bad("the certificate was revoked, and no log says that this was said before")
        self.receipts.append((name, found))
        return f"{said[1]} by {found.issuer} about {said[2]}, {said[3]}"


def same(text: str) -> str:
    """What DocumentIds are compared by."""
    return text if len(text) > 1000 else unicodedata.normalize("NFC", text)


def says(entry: dict[str, Any], about: Receipt, said: ET.Element) -> bool:
    """Whether a statement of the hub says what the entry says that it quotes."""
    told, code, recipient, time = entry["detail"], said.get("code", ""), said.get("recipient", ""), said.get("time", "")
    if code == "S.1":
        outcomes = told.get("outcomes")
        is_so = isinstance(outcomes, dict) and outcomes.get(recipient) == said.get("outcome", "")
        return is_so and entry["actor"] == "HUB"
    if code == "R.1":
        evidence = said.get("evidence", "")
        is_accepted = told.get("receipt") is not None and told.get("evidence", evidence) == evidence
        return is_accepted and (entry["actor"], entry["time"]) == (recipient, time)
    if code == "A.1" and entry["event"] not in {"submission.accepted", "submission.repeated"}:
        return bool(entry["actor"] == "HUB" and time <= entry["time"])
    if (entry["actor"], entry["time"]) != ("HUB", time):
        return False
    if code == "A.1":
        found = (told.get("content_digest"), told.get("sender"), told.get("kind", about.kind))
        is_named = same(str(told.get("document_id", about.document_id))) == same(about.document_id)
        return is_named and found == (about.digest, about.sender, about.kind)
    is_leg = code[0] != "T" or told.get("leg") == said.get("leg", "")
    return is_leg and entry["event"] in QUOTED.get(code, ()) and entry["recipient"] == recipient


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--hub", type=Path, required=True, help="the hub's certificate (PEM)")
    parser.add_argument("--log", type=Path, help="a file with the log's public key")
    parser.add_argument("--tsa", type=Path, help="a file with the certificates of the time-stamp authority (PEM)")
    parser.add_argument("--strict", action="store_true", help="each receipt of the hub must be proved")
    given = parser.parse_args()
    hub = x509.load_pem_x509_certificate(given.hub.read_bytes()).public_bytes(Encoding.DER)
    log = given.log.read_text("utf-8").strip() if given.log else ""
    authority = given.tsa.read_bytes() if given.tsa else b""
    found = Judgement(given.file.read_bytes(), hub, log, strict=given.strict, authority=authority)
    for name, verdict, part, why in found.steps:
        shown = f"{verdict:8}{name:12}{part} {why}".rstrip()
        print("".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in shown))  # what somebody wrote is one line
    print("PASSED" if found.is_good else "FAILED")
    return 0 if found.is_good else 3


if __name__ == "__main__":
    sys.exit(main())
