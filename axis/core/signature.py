"""XAdES baseline B signatures of one fixed form (ETSI EN 319 132-1), written and read as a template.

The text of SignedInfo and SignedProperties is generated already in exclusive canonical form, so what is
digested and what stands in the file are the same characters, but for the namespace declarations that
canonicalisation adds to a subtree's root. No general XML-signature code is involved: reading extracts the
few free values, and the parcel verifier builds the file again and compares bytes (core/parcel.py).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from axis import counting
from axis.core import xml
from axis.errors import AxisError, Fault, rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

    PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
ASIC = "http://uri.etsi.org/02918/v1.2.1#"
EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
ECDSA_SHA384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"
MIN_RSA_BITS = 2048  # SOG-IS agreed mechanisms, legacy level
MAX_RSA_BITS = 8192  # a bigger modulus only burns the verifier's time
MAX_FILES = 1030  # that one signature covers; how many a parcel may have says axis/core/parcel.py
MAX_BYTES = 1_000_000  # of a signatures.xml
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class _Curve(NamedTuple):
    algorithm: str
    hash: hashes.HashAlgorithm
    octets: int
    order: int


_CURVES: dict[str, _Curve] = {
    "secp256r1": _Curve(
        ECDSA_SHA256,
        hashes.SHA256(),
        32,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    ),
    "secp384r1": _Curve(
        ECDSA_SHA384,
        hashes.SHA384(),
        48,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    ),
}


@dataclass(frozen=True, slots=True)
class DataFile:
    """One signed file: its name in the container, its media type, its SHA-256 (32 bytes)."""

    name: str
    media_type: str
    digest: bytes


def data_file(name: str, digest: bytes) -> DataFile:
    """The file `name` of a container, whose media type its name says."""
    return DataFile(name, "application/octet-stream" if "/" in name else "text/xml", digest)


@dataclass(frozen=True, slots=True)
class Signature:
    """The free values of a signatures.xml; everything else in it is fixed."""

    algorithm: str
    digests: tuple[bytes, ...]  # one for each data file, in order
    properties_digest: bytes
    value: bytes
    certificate: bytes  # DER
    certificate_digest: bytes
    signing_time: datetime


class Signer(Protocol):
    """What signs for somebody: a key in a file (:class:`KeySigner`), a token, a service. It never shows the key."""

    @property
    def certificate(self) -> x509.Certificate:
        """Whose key it is."""
        ...

    @property
    def der(self) -> bytes:
        """The certificate, DER."""
        ...

    def sign(self, data: bytes) -> bytes:
        """The key's signature of `data`: PKCS #1 v1.5 with SHA-256 of an RSA key; of P-256 with SHA-256, of P-384 with
        SHA-384 ECDSA as X.509 writes it (DER)."""
        ...


@dataclass(frozen=True, slots=True)
class KeySigner:
    """A private key of this process with its certificate: see :class:`Signer`."""

    key: PrivateKey
    certificate: x509.Certificate

    def __repr__(self) -> str:
        return f"Signer({self.certificate.subject.rfc4514_string()})"

    @property
    def der(self) -> bytes:
        """The certificate, DER."""
        return self.certificate.public_bytes(Encoding.DER)

    def sign(self, data: bytes) -> bytes:
        """See :class:`Signer`."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(data, ec.ECDSA(_CURVES[self.key.curve.name].hash))


@dataclass(frozen=True, slots=True)
class Glance:
    """What a signatures.xml of the one form cannot be built again without, as it stands there: not judged, and true
    only where :func:`written_again` gives the same text."""

    value: bytes
    certificate: bytes  # DER
    signing_time: datetime


def sign(files: Sequence[DataFile], signer: Signer, at: datetime) -> bytes:
    """The bytes of META-INF/signatures.xml over `files`, signed at `at` (aware; written in UTC, whole seconds).

    Raises :class:`Rejected` (SIG_WEAK_KEY, SIG_ALG) for a key that a verifier would refuse.
    """
    algorithm = algorithm_of(signer.certificate.public_key())
    der = signer.der
    certificate_digest = hashlib.sha256(der).digest()
    moment = at.astimezone(UTC).replace(microsecond=0)
    info, properties = _signed_parts(algorithm, files, certificate_digest, moment)
    counting.done.signatures += 1
    value = _raw_sign(signer, _canonical(info, "ds:SignedInfo"))
    return _render(info, properties, value, der)


def glance(data: bytes) -> Glance | None:
    """The values in `data` where they stand in one of the fixed form; None for whatever looks otherwise."""
    places = []
    at = 0
    for before, after in _PLACES:
        start = data.find(before, at) + len(before)
        at = data.find(after, start)
        if start < len(before) or at < 0:
            return None
        places.append(data[start:at])
    try:
        value, certificate = binascii.a2b_base64(places[0]), binascii.a2b_base64(places[1])
        moment = datetime.fromisoformat(places[2].decode("ascii"))
    except ValueError:
        return None
    return Glance(value, certificate, moment) if moment.tzinfo is UTC else None


def written_again(files: Sequence[DataFile], seen: Glance, certificate: x509.Certificate) -> tuple[bytes, bytes]:
    """(what the key of `certificate` must have signed, the only signatures.xml there is) of these files and values.

    Raises :class:`Rejected` (SIG_WEAK_KEY, SIG_ALG) for a key that no verifier accepts.
    """
    algorithm = algorithm_of(certificate.public_key())
    digest = hashlib.sha256(seen.certificate).digest()
    info, properties = _signed_parts(algorithm, files, digest, seen.signing_time)
    return _canonical(info, "ds:SignedInfo"), _render(info, properties, seen.value, seen.certificate)


def check_value(certificate: x509.Certificate, value: bytes, signed: bytes) -> None:
    """Raise :class:`Rejected` SIG_VALUE unless the key of `certificate` gave `value` for the bytes `signed`."""
    _raw_verify(certificate.public_key(), value, signed)


def read(data: bytes) -> Signature:
    """The free values of `data`. Raises :class:`Rejected` (SIG_*, XML_*) when it is not of the fixed form.

    Nothing it returns may be trusted before :func:`verify` and a byte comparison with :func:`render`.
    """
    return _read_written(data) or _read_parsed(data)


def _read_written(data: bytes) -> Signature | None:
    """The values of a text that is, byte for byte, what the template gives for them: then there is nothing else in it.
    None for every other text."""
    seen = glance(data)
    info = data[: data.find(b"</ds:SignedInfo>")]
    references = _REFERENCE.findall(info)
    method, last, certificate = _METHOD.search(info), _LAST_DIGEST.search(info), _CERTIFICATE_DIGEST.search(data)
    if not (seen and method and last and certificate and 1 <= len(references) <= MAX_FILES and len(data) <= MAX_BYTES):
        return None
    try:
        digests = tuple(binascii.a2b_base64(digest) for _, digest in references)
        properties_digest, certificate_digest = binascii.a2b_base64(last[1]), binascii.a2b_base64(certificate[1])
    except ValueError:
        return None
    algorithm = method[1].decode("ascii")
    if algorithm not in {RSA_SHA256, ECDSA_SHA256, ECDSA_SHA384}:
        return None
    files = [data_file(uri.decode("ascii"), digest) for (uri, _), digest in zip(references, digests, strict=True)]
    found = Signature(
        algorithm, digests, properties_digest, seen.value, seen.certificate, certificate_digest, seen.signing_time
    )
    return found if render(files, found) == data else None


def _read_parsed(data: bytes) -> Signature:
    try:
        root = xml.parse(data, max_bytes=MAX_BYTES)
    except AxisError as error:
        raise rejected(Fault.SIG_SHAPE, error.fault.code, path="META-INF/signatures.xml") from None
    _want(root, ASIC, "XAdESSignatures")
    if len(root) != 1 or root[0].tag != f"{{{DS}}}Signature":
        raise rejected(Fault.SIG_COUNT, sum(child.tag == f"{{{DS}}}Signature" for child in root))
    info, value, key_info, obj = _children(root[0], "SignedInfo", "SignatureValue", "KeyInfo", "Object")
    if len(info) < 4 or len(info) > MAX_FILES + 3:
        raise rejected(Fault.SIG_SHAPE, f"SignedInfo has {len(info)} children")
    _want(info[0], DS, "CanonicalizationMethod")
    if info[0].get("Algorithm") != EXC_C14N:
        raise rejected(Fault.SIG_ALG, info[0].get("Algorithm"))
    _want(info[1], DS, "SignatureMethod")
    algorithm = info[1].get("Algorithm") or ""
    if algorithm not in {RSA_SHA256, ECDSA_SHA256, ECDSA_SHA384}:
        raise rejected(Fault.SIG_ALG, algorithm)
    digests = tuple(_reference_digest(reference) for reference in list(info)[2:])
    (data_element,) = _children(key_info, "X509Data")
    (certificate_element,) = _children(data_element, "X509Certificate")
    signed = obj.find(
        f"{{{XADES}}}QualifyingProperties/{{{XADES}}}SignedProperties/{{{XADES}}}SignedSignatureProperties"
    )
    if signed is None:
        raise rejected(Fault.SIG_SHAPE, "no SignedSignatureProperties")
    moment = signed.findtext(f"{{{XADES}}}SigningTime") or ""
    certificate_digest = signed.findtext(
        f"{{{XADES}}}SigningCertificateV2/{{{XADES}}}Cert/{{{XADES}}}CertDigest/{{{DS}}}DigestValue"
    )
    try:
        signing_time = datetime.strptime(moment, _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise rejected(Fault.SIG_SHAPE, f"SigningTime {moment[:40]}") from None
    return Signature(
        algorithm,
        digests[:-1],
        digests[-1],
        _base64(value.text),
        _base64(certificate_element.text),
        _base64(certificate_digest),
        signing_time,
    )


def references(data: bytes) -> list[str]:
    """The URIs that `data` (already read by :func:`read`) refers to, in order, SignedProperties last."""
    root = xml.parse(data, max_bytes=MAX_BYTES)
    return [r.get("URI") or "" for r in root[0][0].findall(f"{{{DS}}}Reference")]


def verify(files: Sequence[DataFile], signature: Signature, certificate: x509.Certificate) -> None:
    """Check `signature` over `files` with the key of `certificate`, which must come from the registry.

    Raises :class:`Rejected`: SIG_DIGEST naming the first changed file, SIG_ALG, SIG_WEAK_KEY, SIG_VALUE.
    """
    for file, digest in zip(files, signature.digests, strict=True):
        if file.digest != digest:
            raise rejected(Fault.SIG_DIGEST, file.name, path=file.name)
    key = certificate.public_key()
    if algorithm_of(key) != signature.algorithm:
        raise rejected(Fault.SIG_ALG, f"{signature.algorithm} with a {type(key).__name__}")
    if signature.certificate_digest != hashlib.sha256(signature.certificate).digest():
        raise rejected(Fault.SIG_DIGEST, "SigningCertificateV2")
    properties = _signed_properties(files, signature.certificate_digest, signature.signing_time)
    if signature.properties_digest != hashlib.sha256(_canonical(properties, "xades:SignedProperties")).digest():
        raise rejected(Fault.SIG_DIGEST, "SignedProperties")
    info = _signed_info(signature.algorithm, files, signature.properties_digest)
    _raw_verify(key, signature.value, _canonical(info, "ds:SignedInfo"))


def render(files: Sequence[DataFile], signature: Signature) -> bytes:
    """The only signatures.xml that these values may have."""
    return _render(
        _signed_info(signature.algorithm, files, signature.properties_digest),
        _signed_properties(files, signature.certificate_digest, signature.signing_time),
        signature.value,
        signature.certificate,
    )


def algorithm_of(key: object) -> str:
    """The one signature method that goes with `key`. Raises :class:`Rejected`: SIG_WEAK_KEY, SIG_ALG."""
    if isinstance(key, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise rejected(Fault.SIG_WEAK_KEY, f"RSA-{key.key_size}", f"RSA-{MIN_RSA_BITS}")
        return RSA_SHA256
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in _CURVES:
            raise rejected(Fault.SIG_WEAK_KEY, key.curve.name, "P-256, P-384")
        return _CURVES[key.curve.name].algorithm
    raise rejected(Fault.SIG_ALG, type(key).__name__)


# -- The template: every character of signatures.xml is written here ---------------------------------------


# Around the values that :func:`glance` takes, in their order.
_PLACES = (
    (b"<ds:SignatureValue>", b"</ds:SignatureValue>"),
    (b"<ds:X509Certificate>", b"</ds:X509Certificate>"),
    (b"<xades:SigningTime>", b"</xades:SigningTime>"),
)


_METHOD = re.compile(rb'<ds:SignatureMethod Algorithm="([a-z0-9:/.#-]+)">')
_REFERENCE = re.compile(
    rb'<ds:Reference Id="r[0-9]+" URI="([A-Za-z0-9./]*)"><ds:DigestMethod Algorithm="[a-z0-9:/.#]+"></ds:DigestMethod>'
    rb"<ds:DigestValue>([A-Za-z0-9+/=]*)</ds:DigestValue>"
)
_LAST_DIGEST = re.compile(rb"<ds:DigestValue>([A-Za-z0-9+/=]*)</ds:DigestValue></ds:Reference>\Z")
_CERTIFICATE_DIGEST = re.compile(rb'<ds:DigestValue xmlns:ds="[^"]*">([A-Za-z0-9+/=]*)<')


def _signed_parts(
    algorithm: str, files: Sequence[DataFile], certificate_digest: bytes, moment: datetime
) -> tuple[str, str]:
    """SignedInfo and the SignedProperties that it signs."""
    properties = _signed_properties(files, certificate_digest, moment)
    properties_digest = hashlib.sha256(_canonical(properties, "xades:SignedProperties")).digest()
    return _signed_info(algorithm, files, properties_digest), properties


def _signed_info(algorithm: str, files: Sequence[DataFile], properties_digest: bytes) -> str:
    parts = [
        f'<ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXC_C14N}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{algorithm}"></ds:SignatureMethod>'
    ]
    parts += [
        f'<ds:Reference Id="r{n}" URI="{file.name}"><ds:DigestMethod Algorithm="{SHA256}"></ds:DigestMethod>'
        f"<ds:DigestValue>{_b64(file.digest)}</ds:DigestValue></ds:Reference>"
        for n, file in enumerate(files, 1)
    ]
    parts.append(
        f'<ds:Reference Type="http://uri.etsi.org/01903#SignedProperties" URI="#sp"><ds:Transforms>'
        f'<ds:Transform Algorithm="{EXC_C14N}"></ds:Transform></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{SHA256}"></ds:DigestMethod>'
        f"<ds:DigestValue>{_b64(properties_digest)}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    )
    return "".join(parts)


def _signed_properties(files: Sequence[DataFile], certificate_digest: bytes, moment: datetime) -> str:
    formats = "".join(
        f'<xades:DataObjectFormat ObjectReference="#r{n}"><xades:MimeType>{file.media_type}</xades:MimeType>'
        f"</xades:DataObjectFormat>"
        for n, file in enumerate(files, 1)
    )
    return (
        '<xades:SignedProperties Id="sp"><xades:SignedSignatureProperties>'
        f"<xades:SigningTime>{moment.strftime(_TIME)}</xades:SigningTime>"
        "<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>"
        f'<ds:DigestMethod xmlns:ds="{DS}" Algorithm="{SHA256}"></ds:DigestMethod>'
        f'<ds:DigestValue xmlns:ds="{DS}">{_b64(certificate_digest)}</ds:DigestValue>'
        "</xades:CertDigest></xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties>"
        f"<xades:SignedDataObjectProperties>{formats}</xades:SignedDataObjectProperties></xades:SignedProperties>"
    )


def _render(info: str, properties: str, value: bytes, certificate: bytes) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<asic:XAdESSignatures xmlns:asic="{ASIC}"><ds:Signature xmlns:ds="{DS}" Id="s1">{info}'
        f"<ds:SignatureValue>{_b64(value)}</ds:SignatureValue>"
        f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{_b64(certificate)}</ds:X509Certificate></ds:X509Data>"
        f'</ds:KeyInfo><ds:Object><xades:QualifyingProperties xmlns:xades="{XADES}" Target="#s1">{properties}'
        "</xades:QualifyingProperties></ds:Object></ds:Signature></asic:XAdESSignatures>\n"
    ).encode("ascii")


def _canonical(text: str, root: str) -> bytes:
    """`text` in exclusive canonical form: its root declares the one prefix that is visibly used there."""
    prefix = root.split(":", maxsplit=1)[0]
    uri = DS if prefix == "ds" else XADES
    return text.replace(f"<{root}", f'<{root} xmlns:{prefix}="{uri}"', 1).encode("ascii")


# -- Reading ------------------------------------------------------------------------------------------------


def _want(element: _Element, namespace: str, name: str) -> None:
    if element.tag != f"{{{namespace}}}{name}":
        raise rejected(Fault.SIG_SHAPE, f"{element.tag} where {name} belongs")


def _children(element: _Element, *names: str) -> list[_Element]:
    found = list(element)
    if len(found) != len(names):
        raise rejected(Fault.SIG_SHAPE, f"{len(found)} children in {element.tag}")
    for child, name in zip(found, names, strict=True):
        _want(child, DS, name)
    return found


def _reference_digest(reference: _Element) -> bytes:
    _want(reference, DS, "Reference")
    if len(reference) < 2:
        raise rejected(Fault.SIG_SHAPE, "Reference")
    method, value = reference[-2], reference[-1]
    _want(method, DS, "DigestMethod")
    _want(value, DS, "DigestValue")
    if method.get("Algorithm") != SHA256:
        raise rejected(Fault.SIG_ALG, method.get("Algorithm"))
    return _base64(value.text)


def _base64(text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        raise rejected(Fault.SIG_SHAPE, "base64") from None


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


# -- The two kinds of keys ----------------------------------------------------------------------------------


def _raw_sign(signer: Signer, data: bytes) -> bytes:
    key, value = signer.certificate.public_key(), signer.sign(data)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return value
    curve = _CURVES[key.curve.name]
    r, s = utils.decode_dss_signature(value)
    # (r, n - s) would verify as well; only the smaller s is ever written or accepted.
    s = min(s, curve.order - s)
    return r.to_bytes(curve.octets, "big") + s.to_bytes(curve.octets, "big")


def _raw_verify(key: object, value: bytes, data: bytes) -> None:
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(value, data, padding.PKCS1v15(), hashes.SHA256())
            return
        if isinstance(key, ec.EllipticCurvePublicKey):
            curve = _CURVES[key.curve.name]
            r, s = int.from_bytes(value[: curve.octets], "big"), int.from_bytes(value[curve.octets :], "big")
            if len(value) == 2 * curve.octets and r and 0 < s <= curve.order // 2:
                key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(curve.hash))
                return
    except InvalidSignature:
        pass
    raise rejected(Fault.SIG_VALUE)


# -- A packet's own signature (edXML), judged but not relied on --------------------------------------------


def judge_enveloped(root: _Element, element: _Element) -> str:
    """The verdict on `element`, an xmldsig Signature over the whole packet `root`: ``intact, certificate not
    checked``, ``broken``, or ``form not supported``. Changes nothing in the tree."""
    if len(element) < 3:
        return "form not supported"
    info, reference = element[0], element[0].find(f"{{{DS}}}Reference")
    transforms = [t.get("Algorithm") for t in info.iter(f"{{{DS}}}Transform")]
    methods = [m.get("Algorithm") for m in info if m.tag != f"{{{DS}}}Reference"]
    certificate = element.findtext(f"{{{DS}}}KeyInfo/{{{DS}}}X509Data/{{{DS}}}X509Certificate")
    if (
        reference is None
        or len(info.findall(f"{{{DS}}}Reference")) != 1
        or reference.get("URI") != ""
        or methods != [EXC_C14N, RSA_SHA256]
        or transforms not in ([_ENVELOPED], [_ENVELOPED, EXC_C14N])
        or [d.get("Algorithm") for d in info.iter(f"{{{DS}}}DigestMethod")] != [SHA256]
        or not certificate
    ):
        return "form not supported"
    copy = deepcopy(root)
    # The path of the Signature in the copy: child numbers from the root down.
    steps, node = [], element
    while (parent := node.getparent()) is not None:
        steps.append(parent.index(node))
        node = parent
    parent = copy
    for step in reversed(steps[1:]):
        parent = parent[step]
    twin, tail = parent[steps[0]], parent[steps[0]].tail or ""
    before = twin.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(twin)
    exclusive = transforms[-1] == EXC_C14N
    digest = hashlib.sha256(etree.tostring(copy, method="c14n", exclusive=exclusive)).digest()
    try:
        key = x509.load_der_x509_certificate(_base64("".join(certificate.split()))).public_key()
        value = _base64("".join((element[1].text or "").split()))
        wanted = _base64("".join((reference.findtext(f"{{{DS}}}DigestValue") or "").split()))
        if not isinstance(key, rsa.RSAPublicKey) or wanted != digest:
            return "broken"
        _raw_verify(key, value, etree.tostring(info, method="c14n", exclusive=True, with_tail=False))
    except Exception:  # noqa: BLE001  foreign keys and certificates have many faults, all mean this
        return "broken"
    return "intact, certificate not checked"
