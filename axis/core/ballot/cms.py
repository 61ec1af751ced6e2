"""A person's signature and the sealed envelopes around it: CMS (RFC 5652), by the `cryptography` library alone.

It writes SignedData, writes and opens EnvelopedData (for RSA keys only, so agencies have an RSA certificate to be
sealed to) but verifies no SignedData: what is written there is declared here in its own ASN.1, and a signature that
this program would not have written so, byte for byte, is none. No signed attributes: what is signed is the
content itself, which says when it was signed.
"""

from __future__ import annotations

from typing import Annotated

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509 import ObjectIdentifier

from axis.core import signature
from axis.core.signature import KeySigner
from axis.errors import Fault, rejected

MAX_BYTES = 200_000  # of one sealed vote
_DATA, _SIGNED = ObjectIdentifier("1.2.840.113549.1.7.1"), ObjectIdentifier("1.2.840.113549.1.7.2")
_SHA256, _RSA = ObjectIdentifier("2.16.840.1.101.3.4.2.1"), ObjectIdentifier("1.2.840.113549.1.1.1")
_ECDSA = ObjectIdentifier("1.2.840.10045.4.3.2")


@asn1.sequence
class _Algorithm:
    oid: ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class _Issued:
    issuer: asn1.TLV
    serial: int


@asn1.sequence
class _SignerInfo:
    version: int
    issued: _Issued
    digest: _Algorithm
    method: _Algorithm
    value: bytes


@asn1.sequence
class _Content:
    type: ObjectIdentifier
    data: Annotated[bytes, asn1.Explicit(0)]


@asn1.sequence
class _SignedData:
    version: int
    digests: asn1.SetOf[_Algorithm]
    content: _Content
    certificates: Annotated[asn1.SetOf[x509.Certificate], asn1.Implicit(0)]
    signers: asn1.SetOf[_SignerInfo]


@asn1.sequence
class _ContentInfo:
    type: ObjectIdentifier
    signed: Annotated[_SignedData, asn1.Explicit(0)]


def sign(content: bytes, signer: KeySigner) -> bytes:
    """`content`, signed by a person, with the certificate."""
    options = [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoAttributes]
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    return builder.add_signer(signer.certificate, signer.key, hashes.SHA256()).sign(Encoding.DER, options)


def open_signed(data: bytes) -> tuple[bytes, bytes]:
    """The content of what :func:`sign` wrote, and the certificate (DER) whose key has signed it; whose that is, the
    registry says. Raises :class:`Rejected` VOTE_SIGNATURE, SIG_WEAK_KEY, SIG_ALG."""
    if len(data) > MAX_BYTES:
        raise rejected(Fault.VOTE_SIGNATURE, f"{len(data)} B")
    try:
        signed = asn1.decode_der(_ContentInfo, data).signed
        (certificate,), (info,) = signed.certificates.as_list(), signed.signers.as_list()
        content, value, key = signed.content.data, info.value, certificate.public_key()
        again = asn1.encode_der(_rendered(content, certificate, value))
    except Exception:  # noqa: BLE001  the library names many faults of foreign bytes, all mean this
        raise rejected(Fault.VOTE_SIGNATURE, "no CMS SignedData of one signer") from None
    signature.algorithm_of(key)
    if again != data:
        raise rejected(Fault.VOTE_SIGNATURE, "not in the one allowed form")
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(value, content, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(value, content, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise rejected(Fault.VOTE_SIGNATURE, certificate.subject.rfc4514_string()) from None
    return content, certificate.public_bytes(Encoding.DER)


def _rendered(content: bytes, certificate: x509.Certificate, value: bytes) -> _ContentInfo:
    """The only SignedData that these values may have."""
    sha256 = _Algorithm(oid=_SHA256, parameters=asn1.Null())
    is_rsa = isinstance(certificate.public_key(), rsa.RSAPublicKey)
    info = _SignerInfo(
        version=1,
        issued=_Issued(
            issuer=asn1.decode_der(asn1.TLV, certificate.issuer.public_bytes()), serial=certificate.serial_number
        ),
        digest=sha256,
        method=_Algorithm(oid=_RSA, parameters=asn1.Null()) if is_rsa else _Algorithm(oid=_ECDSA, parameters=None),
        value=value,
    )
    signed = _SignedData(
        version=1,
        digests=asn1.SetOf([sha256]),
        content=_Content(type=_DATA, data=content),
        certificates=asn1.SetOf([certificate]),
        signers=asn1.SetOf([info]),
    )
    return _ContentInfo(type=_SIGNED, signed=signed)


def seal(content: bytes, certificate: x509.Certificate) -> bytes:
    """`content` in an envelope that only the certificate's key opens (AES-256, the key for it by RSA)."""
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(content).add_recipient(certificate)
    builder = builder.set_content_encryption_algorithm(algorithms.AES256)
    return builder.encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def unseal(data: bytes, key: KeySigner) -> bytes:
    """What is in the envelope. Raises :class:`Rejected` VOTE_SEAL: it is not for this key, or was altered."""
    if len(data) > MAX_BYTES:
        raise rejected(Fault.VOTE_SEAL, f"{len(data)} B")
    if not isinstance(key.key, rsa.RSAPrivateKey):
        raise rejected(Fault.VOTE_SEAL, "no RSA key")
    try:
        return pkcs7.pkcs7_decrypt_der(data, key.certificate, key.key, [])
    except Exception:  # noqa: BLE001  as above
        raise rejected(Fault.VOTE_SEAL, key.certificate.subject.rfc4514_string()) from None
