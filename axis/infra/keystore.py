"""Keys and certificates on disk, and the test CA that makes them.

A private key file is made 0600, and refused when others may read it (axis/core/secret.py).
"""

from __future__ import annotations

import ipaddress
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from axis.config import require_private
from axis.core.log.note import ED25519_COSIGNATURE, ML_DSA_44_COSIGNATURE
from axis.core.signature import KeySigner
from axis.errors import Corrupted, Fault, Misconfigured, Problem, rejected, unusable
from axis.infra import files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from axis.core.signature import PrivateKey, PublicKey

KeyType = Literal["p256", "rsa"]
NoteKey = ed25519.Ed25519PrivateKey
WitnessKey = ed25519.Ed25519PrivateKey | mldsa.MLDSA44PrivateKey
WITNESS_KEYS: dict[int, tuple[str, type[Any]]] = {  # behind the code, by what they are for
    ED25519_COSIGNATURE: (".witness", ed25519.Ed25519PrivateKey),
    ML_DSA_44_COSIGNATURE: (".witness-ml-dsa", mldsa.MLDSA44PrivateKey),
}
LOG_KEY = "log.key"
NEXT = "next"  # the folder, below keys/ and tls/, of keys that are not in use yet
AUTHORITY_YEARS, CERTIFICATE_YEARS = 20, 5  # a subordinate CA of the state lives 20 years (NĐ 68/2024)


RSA_BITS = 3072  # of a new key (ETSI TS 119 312); shorter ones of others are accepted, and doctor says so


def new_key(kind: KeyType) -> PrivateKey:
    """A fresh P-256 or RSA-3072 key."""
    return ec.generate_private_key(ec.SECP256R1()) if kind == "p256" else rsa.generate_private_key(65537, RSA_BITS)


def new_authority(now: datetime, common_name: str = "Axis test CA", key: PrivateKey | None = None) -> KeySigner:
    """A self-signed test CA, with a new key or the given one."""
    key = key or new_key("p256")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = _builder(name, name, key.public_key(), key.public_key(), now, AUTHORITY_YEARS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(cert_sign=True), critical=True)
    return KeySigner(key, builder.sign(key, hashes.SHA256()))


def new_member(authority: KeySigner, code: str, name: str, kind: KeyType, now: datetime) -> KeySigner:
    """A key and a certificate for signing documents, subject CN=`code`, O=`name`, issued by `authority`."""
    key = new_key(kind)
    return KeySigner(key, certify_member(authority, code, name, key.public_key(), now))


def certify_member(authority: KeySigner, code: str, name: str, key: PublicKey, now: datetime) -> x509.Certificate:
    """A certificate as :func:`new_member` makes it, of somebody else's key."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, code),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name[:64]),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
        ]
    )
    builder = _issued(authority, subject, key, now)
    builder = builder.add_extension(_usage(sign=True), critical=True)
    return builder.sign(authority.key, hashes.SHA256())


def new_registrar(name: str, now: datetime) -> KeySigner:
    """The key of somebody outside of the centre, who introduces the key of an agency that has lost its own. Nobody
    vouches for it but the paper that it is named on: it is self-signed."""
    key = new_key("p256")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    builder = _builder(subject, subject, key.public_key(), key.public_key(), now, AUTHORITY_YEARS)
    builder = builder.add_extension(_usage(sign=True), critical=True)
    return KeySigner(key, builder.sign(key, hashes.SHA256()))


def recovery_signer(secret: bytes, name: str, now: datetime) -> KeySigner:
    """The recovery key that stands on a paper, to introduce with. Raises :class:`Rejected` RECOVERY_PAPER."""
    try:
        key = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())
    except ValueError:
        raise rejected(Fault.RECOVERY_PAPER, "P-256") from None
    return self_signed(key, name, now)


def new_secret() -> bytes:
    """What is written on a new recovery paper."""
    return ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(32, "big")


def new_request(key: PrivateKey, code: str) -> x509.CertificateSigningRequest:
    """PKCS #10 for `key`, signed by it: who asks has it."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, code)])
    return x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())


def self_signed(key: PrivateKey, code: str, now: datetime) -> KeySigner:
    """A new key that nobody has certified yet, so that it can introduce itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, code)])
    builder = _builder(name, name, key.public_key(), key.public_key(), now, 1)
    return KeySigner(key, builder.sign(key, hashes.SHA256()))


def new_person(authority: KeySigner, holder: str, name: str, kind: KeyType, now: datetime) -> KeySigner:
    """A key and a certificate for a person, who signs for himself: subject CN=`holder`, which is no agency's code."""
    key = new_key(kind)
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, holder), x509.NameAttribute(NameOID.ORGANIZATION_NAME, name[:64])]
    )
    builder = _issued(authority, subject, key.public_key(), now)
    return KeySigner(key, builder.add_extension(_usage(sign=True), critical=True).sign(authority.key, hashes.SHA256()))


def new_seal(authority: KeySigner, code: str, now: datetime) -> KeySigner:
    """A key and a certificate with which others seal to agency `code`: RSA, as CMS envelopes of the library know no
    other."""
    key = rsa.generate_private_key(65537, 3072)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, code)])
    builder = _issued(authority, subject, key.public_key(), now)
    return KeySigner(
        key, builder.add_extension(_usage(encipher=True), critical=True).sign(authority.key, hashes.SHA256())
    )


def new_tls(
    authority: KeySigner, user: str, now: datetime, hosts: Sequence[str] = (), key: PrivateKey | None = None
) -> KeySigner:
    """A certificate for TLS only, and its key, new or the given one: of the broker user `user` (CN), or of the broker
    itself, reached as `hosts` (names or addresses). It signs no documents: another CA, another usage."""
    key = key or new_key("p256")
    return KeySigner(key, certify_tls(authority, user, now, hosts, key.public_key()))


def certify_tls(
    authority: KeySigner, user: str, now: datetime, hosts: Sequence[str], key: PublicKey
) -> x509.Certificate:
    """A certificate as :func:`new_tls` makes it, of somebody else's key."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user)])
    builder = _issued(authority, subject, key, now)
    usage = _usage(sign=True, commitment=False)
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = builder.add_extension(usage, critical=True).add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
    if hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def _issuer_identifier(key: CertificatePublicKeyTypes) -> x509.AuthorityKeyIdentifier:
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise TypeError(type(key).__name__)
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def hosts_of(certificate: x509.Certificate) -> list[str]:
    """Under which names and addresses a server has this certificate; none for a client's."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in names]


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _issued(authority: KeySigner, subject: x509.Name, key: PublicKey, now: datetime) -> x509.CertificateBuilder:
    issuer = authority.certificate
    builder = _builder(subject, issuer.subject, key, issuer.public_key(), now, CERTIFICATE_YEARS)
    return builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: PublicKey,
    issuer_key: CertificatePublicKeyTypes,
    now: datetime,
    years: int,
) -> x509.CertificateBuilder:
    """With both key identifiers: strict verifiers want them (RFC 5280, 4.2.1.1 and 4.2.1.2; Python from 3.13 on)."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))  # clocks of two machines may differ a little
        .not_valid_after(now + timedelta(days=365 * years))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(_issuer_identifier(issuer_key), critical=False)
    )


def _usage(
    *, sign: bool = False, commitment: bool = True, cert_sign: bool = False, encipher: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=sign and commitment,
        key_encipherment=encipher,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=cert_sign,
        crl_sign=cert_sign,
        encipher_only=False,
        decipher_only=False,
    )


def save_signer(folder: Path, name: str, signer: KeySigner, password: bytes | None = None) -> None:
    """``<name>.key`` (0600) and ``<name>.pem`` in `folder`; the key PKCS #8, encrypted where a `password` is given."""
    save_key(folder, name, signer.key, password)
    (folder / f"{name}.pem").write_bytes(signer.certificate.public_bytes(Encoding.PEM))


def save_key(folder: Path, name: str, key: PrivateKey, password: bytes | None = None) -> None:
    """``<name>.key`` (0600) in `folder`, which must not have it yet."""
    sealed = BestAvailableEncryption(password) if password else NoEncryption()
    write_private(folder / f"{name}.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed))


def replace_key(folder: Path, name: str, key: PrivateKey) -> None:
    """A ``<name>.key`` (0600) in the place of the one that may be there, whole at any moment."""
    beside = folder / f".{name}.key.new"
    beside.unlink(missing_ok=True)
    write_private(beside, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    files.rename(beside, folder / f"{name}.key")


def replace_certificate(folder: Path, name: str, certificate: x509.Certificate) -> None:
    """A ``<name>.pem`` in the place of the one that may be there, whole at any moment."""
    replace_file(folder / f"{name}.pem", certificate.public_bytes(Encoding.PEM))


def replace_file(path: Path, content: bytes) -> None:
    """`content` is at `path`, whole at any moment, whatever was there."""
    files.replace(path, content)


def write_private(path: Path, content: bytes) -> None:
    """A new file that only its owner may read, from its first byte on."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    files.flush_folder(path.parent)


def make_log_key(folder: Path) -> bool:
    """``log.key`` (0600), the key that checkpoints of the log are signed with; False where there is one."""
    return make_note_key(folder / LOG_KEY)


def load_log_key(folder: Path) -> tuple[NoteKey, bytes] | None:
    """The key of :func:`make_log_key`, as :func:`load_note_key` gives it."""
    return load_note_key(folder / LOG_KEY)


def make_witness_keys(folder: Path, code: str) -> bool:
    """The keys that an agency cosigns checkpoints with (0600): ``<code>.witness``, Ed25519, and
    ``<code>.witness-ml-dsa``, ML-DSA-44; False where both are there."""
    made = [_make_note_key(folder / f"{code}{suffix}", kind) for suffix, kind in WITNESS_KEYS.values()]
    return any(made)


def load_witness_keys(folder: Path, code: str) -> dict[int, WitnessKey]:
    """The keys of :func:`make_witness_keys` that are there, by what they are for (:mod:`axis.core.log.note`). Raises as
    :func:`load_note_key`."""
    found = {use: _load_note_key(folder / f"{code}{suffix}", kind) for use, (suffix, kind) in WITNESS_KEYS.items()}
    return {use: key for use, key in found.items() if key is not None}


def copy_witness_keys(source: Path, target: Path, code: str) -> None:
    """The keys of :func:`make_witness_keys` that are in one folder in another, where there are none yet."""
    for suffix, kind in WITNESS_KEYS.values():
        found, path = _load_note_key(source / f"{code}{suffix}", kind), target / f"{code}{suffix}"
        if found is not None and not path.exists():
            write_private(path, _pem_of(found))


def make_note_key(path: Path) -> bool:
    """An Ed25519 key (0600) for signed notes; False where there is one."""
    return _make_note_key(path, NoteKey)


def _make_note_key(path: Path, kind: type[Any]) -> bool:
    if path.exists():
        return False
    write_private(path, _pem_of(kind.generate()))
    return True


def _pem_of(key: WitnessKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def load_note_key(path: Path) -> tuple[NoteKey, bytes] | None:
    """The key of :func:`make_note_key`, and its public half, raw; None where there is none.

    Raises :class:`Misconfigured`: KEY_FILE_OPEN, FILE_UNUSABLE; :class:`Corrupted` for another file."""
    key: NoteKey | None = _load_note_key(path, NoteKey)
    return (key, key.public_key().public_bytes_raw()) if key is not None else None


def _load_note_key(path: Path, kind: type[Any]) -> Any:
    """The key of this kind at `path`; None where there is none. Raises as :func:`load_note_key`."""
    try:
        require_private(path)
        pem = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(path, error) from None
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, kind):
        raise Corrupted(Problem(Fault.KEY_FILE_MISSING, got=f"{path} (unreadable)"))
    return key


def load_signer(folder: Path, name: str, password: bytes | None = None) -> KeySigner:
    """The key and certificate kept as `name`; of a file that is encrypted with the `password`.

    Raises :class:`Misconfigured`: KEY_FILE_MISSING, KEY_FILE_OPEN, FILE_UNUSABLE; :class:`Corrupted` when they do not
    pair.
    """
    path = folder / f"{name}.key"
    key = load_key(path, password)
    certificate = load_certificate(folder / f"{name}.pem")
    if key.public_key() != certificate.public_key():
        raise Corrupted(Problem(Fault.KEY_FILE_MISSING, got=f"{path} (does not belong to {name}.pem)"))
    return KeySigner(key, certificate)


def load_key(path: Path, password: bytes | None = None) -> PrivateKey:
    """The private key in a file. Raises as :func:`load_signer`."""
    try:
        require_private(path)
        pem = path.read_bytes()
    except FileNotFoundError:
        raise Misconfigured(Problem(Fault.KEY_FILE_MISSING, got=str(path))) from None
    except OSError as error:
        raise unusable(path, error) from None
    try:
        key = load_pem_private_key(pem, password if b"ENCRYPTED" in pem else None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise Corrupted(Problem(Fault.KEY_FILE_MISSING, got=f"{path} (unreadable)"))
    return key


def load_certificate(path: Path) -> x509.Certificate:
    """A PEM certificate. Raises :class:`Misconfigured`: KEY_FILE_MISSING, FILE_UNUSABLE."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except FileNotFoundError:
        raise Misconfigured(Problem(Fault.KEY_FILE_MISSING, got=str(path))) from None
    except OSError as error:
        raise unusable(path, error) from None
    except ValueError:
        raise Misconfigured(Problem(Fault.FILE_UNUSABLE, str(path), got="no certificate in PEM")) from None
