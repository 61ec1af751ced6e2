"""A small public key infrastructure for the tests: a CA, agencies with good and bad certificates, a registry.

Plain functions, each thing made once for the session. Times are fixed: everything happens around NOW.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from axis.core import parcel
from axis.core.registry import HUB, Certificate, Member, Registry
from axis.core.signature import KeySigner
from axis.infra import keystore

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

NOW = datetime(2026, 11, 23, 3, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ISSUED = NOW - 400 * DAY  # when the good certificates begin
REVOKED_AT = NOW - DAY  # C20's certificate
EXPIRED_AT = NOW - 100 * DAY  # A41's certificate
STARTS_AT = NOW + 30 * DAY  # B10's certificate

DOCUMENT = "<document>Công văn số 12/2026</document>\n".encode()
ATTACHMENTS = (b"%PDF-1.7 first\n", b"", b"third\x00\xff")


@cache
def authority() -> KeySigner:
    """The CA that everybody trusts."""
    return keystore.new_authority(ISSUED)


@cache
def other_authority() -> KeySigner:
    """A CA with the same name that nobody trusts."""
    return keystore.new_authority(ISSUED)


def certificate(
    public: CertificatePublicKeyTypes,
    code: str,
    *,
    issuer: KeySigner | None = None,
    start: datetime = ISSUED,
    end: datetime = ISSUED + 1800 * DAY,
    commitment: bool = True,
    tls: bool = False,
    ca: bool = False,
) -> x509.Certificate:
    """A certificate for `public` with subject CN=`code`, otherwise as the caller says."""
    issuer = issuer or authority()
    usage = dict.fromkeys(
        ("key_encipherment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only", "decipher_only"), False
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, code)]))
        .issuer_name(issuer.certificate.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=True, content_commitment=commitment, key_cert_sign=ca, **usage),
            critical=True,
        )
    )
    if tls:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return builder.sign(issuer.key, hashes.SHA256())


@cache
def signer(code: str) -> KeySigner:
    """The key and certificate of an agency of :func:`registry`, by its code (each code has its own fate)."""
    p256 = ec.generate_private_key(ec.SECP256R1())
    match code:
        case "H29":
            return keystore.new_member(authority(), "H29", "UBND Thành phố Hồ Chí Minh", "rsa", ISSUED)
        case "H41":
            p384 = ec.generate_private_key(ec.SECP384R1())
            return KeySigner(p384, certificate(p384.public_key(), "H41"))
        case "A41":
            return KeySigner(p256, certificate(p256.public_key(), "A41", end=EXPIRED_AT))
        case "B10":
            return KeySigner(p256, certificate(p256.public_key(), "B10", start=STARTS_AT))
        case "D30":
            return KeySigner(p256, certificate(p256.public_key(), "D30", commitment=False, tls=True))
        case _:
            return keystore.new_member(authority(), code, "Văn phòng Chính phủ", "p256", ISSUED)


@cache
def impostor() -> KeySigner:
    """An attacker's key, in a certificate that another CA of the same name issued in the name of G22."""
    return keystore.new_member(other_authority(), "G22", "Văn phòng Chính phủ", "p256", ISSUED)


@cache
def weak_signer(kind: str) -> KeySigner:
    """A key that no verifier may accept, certified by the right CA all the same: rsa1024, p192, k256, ed25519."""
    key: Any
    match kind:
        case "rsa1024":
            key = rsa.generate_private_key(65537, 1024)
        case "p192":
            key = ec.generate_private_key(ec.SECP192R1())
        case "k256":
            key = ec.generate_private_key(ec.SECP256K1())
        case "ed25519":
            key = ed25519.Ed25519PrivateKey.generate()
        case _:
            raise ValueError(kind)
    return KeySigner(key, certificate(key.public_key(), "G22"))


def entry(of: KeySigner, **facts: Any) -> Certificate:
    """The registry's line for a certificate, whatever it is (the product's own way in checks it first)."""
    return Certificate(of.certificate.public_bytes(Encoding.DER), **facts)


@cache
def registry() -> Registry:
    """Good: G22 (P-256), H29 (RSA-2048), H29.10, H41 (P-384), the hub. Bad: A41 expired, B10 not yet valid,
    C20 revoked, D30 for TLS only."""
    members = [
        Member(code, name, certificates=(entry(signer(code)),))
        for code, name in (
            ("A41", "Chứng thư hết hạn"),
            ("B10", "Chứng thư chưa có hiệu lực"),
            ("G22", "Văn phòng Chính phủ"),
            ("H29", "UBND Thành phố Hồ Chí Minh"),
            ("H29.10", "Sở Nội vụ"),
            ("H41", "UBND tỉnh Nghệ An"),
            (HUB, "Trục"),
        )
    ]
    members.append(Member("C20", "Thu hồi", certificates=(entry(signer("C20"), revoked_at=REVOKED_AT, reason="lost"),)))
    members.append(Member("D30", "Chỉ TLS", certificates=(entry(signer("D30"), use="tls"),)))
    return Registry("test", 7, NOW - 10 * DAY, tuple(sorted(members, key=lambda m: m.code)))


def registry_with(*members: Member) -> Registry:
    """The registry with these members added or exchanged."""
    changed = registry()
    for member in members:
        changed = changed.changed(member, NOW)
    return changed


@cache
def good(code: str = "G22", attachments: int = 2) -> bytes:
    """A good document parcel with so many attachments, signed by `code` a minute before NOW."""
    return parcel.build(parcel.DOCUMENT, DOCUMENT, ATTACHMENTS[:attachments], signer(code), NOW - timedelta(minutes=1))
