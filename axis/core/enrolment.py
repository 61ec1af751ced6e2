"""The two files of an enrolment, which are carried between an agency and the centre; neither has a secret.

A request is text: PKCS #10 for the key that will sign, PKCS #10 for the one of the connection (TLS), and introductions
of the first by itself and by the agency's key before it (:mod:`axis.core.lineage`), each a PEM block. An enrolment is
JSON. Both are compared by their SHA-256, over another channel.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from axis.core import lineage, organ, signature
from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.core.signature import PublicKey

MAX_REQUEST, MAX_ENROLMENT = 100_000, 30_000_000  # bytes
FORMAT = "axis enrolment 1"
_WITNESS = "AXIS WITNESS"  # a block that earlier versions pass over
_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----\r?\n[A-Za-z0-9+/=\r\n]*-----END \1-----")
_TEXTS = ("format", "installation", "code", "certificate", "authority", "hub", "registry", "settings")
_TLS = ("tls_certificate", "tls_authority")


@dataclass(frozen=True, slots=True)
class Request:
    """What an agency asks for: proven to have both keys. `introductions` are of the one that will sign (DER); `witness`
    are those of the agency's witness keys by it (:mod:`axis.core.witnesses`)."""

    code: str
    signing: x509.CertificateSigningRequest
    connection: x509.CertificateSigningRequest
    introductions: tuple[bytes, ...]
    witness: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an agency gets: everything that its home needs beside its own keys. Certificates are PEM, `registry` is the
    registry's parcel, `settings` the text of an axis.toml; the last two are "" where the connection has no TLS."""

    installation: str
    code: str
    certificate: str
    authority: str
    hub: str
    registry: bytes
    settings: str
    tls_certificate: str = ""
    tls_authority: str = ""


def fingerprint(data: bytes) -> str:
    """What is compared of a file over another channel: its SHA-256 in hex, as ``sha256sum`` gives it."""
    return hashlib.sha256(data).hexdigest()


def spoken(digest: str) -> str:
    """A fingerprint in groups of four, to be read aloud."""
    return " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))


def check_fingerprint(data: bytes, told: str) -> None:
    """Raise :class:`Rejected` FINGERPRINT_DIFFERS unless `told`, with any spaces and colons, is that of `data`."""
    if "".join(told.split()).replace(":", "").lower() != fingerprint(data):
        raise rejected(Fault.FINGERPRINT_DIFFERS, spoken(fingerprint(data)))


def write_request(request: Request) -> bytes:
    """The file of a request."""
    blocks = [one.public_bytes(Encoding.PEM) for one in (request.signing, request.connection)]
    for introduction in request.introductions:
        blocks.append(x509.load_der_x509_certificate(introduction).public_bytes(Encoding.PEM))
    for introduction in request.witness:
        pem = x509.load_der_x509_certificate(introduction).public_bytes(Encoding.PEM)
        blocks.append(pem.replace(b" CERTIFICATE-", f" {_WITNESS}-".encode()))
    return f"axis request {request.code}\n".encode() + b"".join(blocks)


def read_request(data: bytes) -> Request:
    """The request in `data`: its keys are strong enough and whoever made it has both. Raises :class:`Rejected`:
    REQUEST_INVALID, PACKET_ORGAN, SIG_WEAK_KEY, SIG_ALG."""
    if len(data) > MAX_REQUEST:
        raise rejected(Fault.REQUEST_INVALID, f"{len(data)} B")
    blocks = [(found[1], found[0]) for found in _BLOCK.finditer(data)]
    asked = [block for kind, block in blocks if kind == b"CERTIFICATE REQUEST"]
    if len(asked) != 2 or len(blocks) > 10:
        raise rejected(Fault.REQUEST_INVALID, f"{len(asked)} CERTIFICATE REQUEST")
    try:
        signing, connection = (x509.load_pem_x509_csr(block) for block in asked)
        said = [x509.load_pem_x509_certificate(block) for kind, block in blocks if kind == b"CERTIFICATE"]
        witness = [_as_certificate(block) for kind, block in blocks if kind == _WITNESS.encode()]
        names = [str(one.value) for one in signing.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        proven = signing.is_signature_valid and connection.is_signature_valid
    except Exception as error:  # noqa: BLE001  the library names many faults of foreign bytes, all mean this
        raise rejected(Fault.REQUEST_INVALID, type(error).__name__) from None
    if not proven or len(names) != 1:
        raise rejected(Fault.REQUEST_INVALID, "PKCS #10")
    code, key = names[0], lineage.key_of(signing)
    if not organ.is_valid(code) or code != organ.normalise(code):
        raise rejected(Fault.PACKET_ORGAN, code)
    for one in (signing, connection):
        signature.algorithm_of(one.public_key())
    if key == lineage.key_of(connection):
        raise rejected(Fault.REQUEST_INVALID, "TLS")
    if any(lineage.key_of(one) != key for one in said) or not any(lineage.vouched(one, key) for one in said):
        raise rejected(Fault.REQUEST_INVALID, "introduction")
    introductions = tuple(one.public_bytes(Encoding.DER) for one in said)
    return Request(code, signing, connection, introductions, tuple(witness))


def _as_certificate(block: bytes) -> bytes:
    pem = block.replace(f" {_WITNESS}-".encode(), b" CERTIFICATE-")
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


def public_key(request: Request) -> PublicKey:
    """The key that is to sign. Raises :class:`Rejected` SIG_ALG."""
    return _of_a_kind(request.signing.public_key())


def connection_key(request: Request) -> PublicKey:
    """The key of the connection. Raises :class:`Rejected` SIG_ALG."""
    return _of_a_kind(request.connection.public_key())


def _of_a_kind(key: object) -> PublicKey:
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise rejected(Fault.SIG_ALG, type(key).__name__)
    return key


def read_voucher(data: bytes) -> bytes:
    """The introduction (DER) in a registrar's file. Raises :class:`Rejected` REQUEST_INVALID."""
    try:
        return x509.load_pem_x509_certificate(data[:MAX_REQUEST]).public_bytes(Encoding.DER)
    except ValueError:
        raise rejected(Fault.REQUEST_INVALID, "CERTIFICATE") from None


def write_enrolment(enrolment: Enrolment) -> bytes:
    """The file of an enrolment."""
    values = {name: getattr(enrolment, name) for name in (*_TEXTS[1:], *_TLS) if name != "registry"}
    values |= {"format": FORMAT, "registry": base64.b64encode(enrolment.registry).decode()}
    return json.dumps(values, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def read_enrolment(data: bytes) -> Enrolment:
    """The enrolment in `data`, as it is said there. Raises :class:`Rejected` ENROLMENT_INVALID."""
    try:
        if len(data) > MAX_ENROLMENT:
            raise ValueError
        values = json.loads(data)
        _check_texts(values, (*_TEXTS, *_TLS))
        registry = base64.b64decode(values.pop("registry"), validate=True)
        if values.pop("format") != FORMAT:
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise rejected(Fault.ENROLMENT_INVALID, FORMAT) from None
    return Enrolment(registry=registry, **values)


def _check_texts(values: dict[str, object], wanted: Sequence[str]) -> None:
    if set(values) != set(wanted) or not all(isinstance(one, str) for one in values.values()):
        raise ValueError
