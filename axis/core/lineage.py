"""Where a member's key is from: its introductions.

An introduction is an X.509 certificate of the new key, subject CN=<code of the member>, serialNumber=<installation>,
signed by a key that vouches for it: the new key itself (who has it has asked for it), a key that the member had before,
or a registrar's, from outside of the centre. Introductions stand in the registry beside the member's certificates, as
entries that sign nothing (use ``tls``, as far as earlier versions read); registrars stand so in the hub's own entry.

As soon as one stands there, a member's further keys count only where one of its keys before, or enough registrars, have
introduced them (:func:`check_follows`). Whoever has the hub's key alone cannot give a member another one.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from cryptography.x509.oid import NameOID

from axis.core import signature
from axis.core.registry import HUB, Certificate, Member, Registry
from axis.errors import Fault, Rejected, rejected

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

    from axis.core.signature import PrivateKey, PublicKey, Signer

INTRODUCTION = "introduction"  # the reason that such an entry names
RECOVERY = "recovery"  # the one of a key that names the hub's next one where the others are stolen or lost
CLOCKS = timedelta(minutes=5)  # by which two machines' clocks may differ
_REGISTRAR = re.compile(r"registrar need=([1-9][0-9]?) hours=(0|[1-9][0-9]{0,3})")
_NO_END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # RFC 5280: for what has no end


def key_of(certificate: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    """The public key in it, as X.509 writes it: what is compared."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


# -- Introductions --------------------------------------------------------------------------------------------------


def introduce(
    installation: str, code: str, key: PublicKey | Ed25519PublicKey | MLDSA44PublicKey, by: Signer, at: datetime
) -> bytes:
    """The introduction (DER) of `code`'s new `key` by somebody's: itself, the one before it, a registrar's."""
    voucher = by.certificate.public_key()
    common = by.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, code)]
    if installation:
        subject.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, installation))
    pattern, hash_ = _stand_in(signature.algorithm_of(voucher))
    template = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, str(common[0].value) if common else "?")]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at)
        .not_valid_after(_NO_END)
        .sign(pattern, hash_)
    )
    signed = template.tbs_certificate_bytes
    whole = template.public_bytes(Encoding.DER)
    after = whole.index(signed) + len(signed)
    algorithm = whole[after : after + 2 + whole[after + 1]]  # a short SEQUENCE: its name, and NULL for RSA
    return _der(0x30, signed + algorithm + _der(0x03, b"\0" + by.sign(signed)))


@lru_cache(maxsize=3)
def _stand_in(algorithm: str) -> tuple[PrivateKey, hashes.SHA256 | hashes.SHA384]:
    """A key that nobody trusts, of the same kind: what it signs names the algorithm that belongs there."""
    if algorithm == signature.RSA_SHA256:
        return rsa.generate_private_key(65537, 2048), hashes.SHA256()
    if algorithm == signature.ECDSA_SHA384:
        return ec.generate_private_key(ec.SECP384R1()), hashes.SHA384()
    return ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def entry(introduction: bytes) -> Certificate:
    """What stands in the registry for an introduction."""
    return Certificate(introduction, "tls", reason=INTRODUCTION)


def is_introduction(one: Certificate) -> bool:
    """Whether it introduces a key, or a registrar, and is no certificate that somebody uses."""
    return one.use == "tls" and (one.reason in {INTRODUCTION, RECOVERY} or is_registrar(one))


def is_registrar(one: Certificate) -> bool:
    """Whether it introduces a registrar."""
    return one.use == "tls" and _REGISTRAR.fullmatch(one.reason) is not None


def of_key(member: Member, key: bytes, installation: str) -> list[x509.Certificate]:
    """Who has introduced `key` to be `member`'s here, as it is said: :func:`vouched` tells whether it is true. What the
    key says of itself need not name the installation."""
    found = []
    for one in member.certificates:
        if one.use != "tls" or one.reason != INTRODUCTION:
            continue
        read = parsed(one.der)
        if read is not None and key_of(read) == key and is_for(read, member.code, installation, key):
            found.append(read)
    return found


def is_for(introduction: x509.Certificate, code: str, installation: str, key: bytes) -> bool:
    """Whether it introduces `code`'s key in this installation; one that `key` gives itself may name none."""
    subject = introduction.subject
    names = [str(one.value) for one in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    places = [str(one.value) for one in subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)]
    return names == [code] and (places == [installation] or (not places and vouched(introduction, key)))


@lru_cache(maxsize=4096)
def parsed(der: bytes) -> x509.Certificate | None:
    """The certificate of these bytes; None where they are none."""
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _public(key: bytes) -> object:
    return load_der_public_key(key)


def vouched(introduction: x509.Certificate, key: bytes) -> bool:
    """Whether `key`, strong enough, has signed `introduction`."""
    return has_signed(key, introduction.signature, introduction.tbs_certificate_bytes)


def has_signed(key: bytes, value: bytes, data: bytes) -> bool:
    """Whether `key`, strong enough, has signed `data`, as a :class:`axis.core.signature.Signer` does."""
    voucher = _public(key)
    try:
        algorithm = signature.algorithm_of(voucher)
        if isinstance(voucher, rsa.RSAPublicKey):
            voucher.verify(value, data, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(voucher, ec.EllipticCurvePublicKey):
            hash_ = hashes.SHA384() if algorithm == signature.ECDSA_SHA384 else hashes.SHA256()
            voucher.verify(value, data, ec.ECDSA(hash_))
    except (InvalidSignature, Rejected):
        return False
    return True


# -- What the registry says ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Registrars:
    """Who may introduce a member's key where the member has lost its own: `need` of these keys, so long before."""

    need: int = 0
    wait: timedelta = timedelta(0)
    keys: frozenset[bytes] = frozenset()


def registrar_entry(certificate: x509.Certificate, need: int, hours: int) -> Certificate:
    """What stands in the hub's entry for a registrar."""
    der = certificate.public_bytes(Encoding.DER)
    return Certificate(der, "tls", reason=f"registrar need={need} hours={hours}")


def registrars(registry: Registry) -> Registrars:
    """The registrars that `registry` lists; none needed means that there are none."""
    hub = _by_code(registry).get(HUB)
    found = [(m, one) for one in (hub.certificates if hub else ()) if (m := _REGISTRAR.fullmatch(one.reason))]
    if not found:
        return Registrars()
    keys = frozenset(key_of(read) for _, one in found if (read := parsed(one.der)) is not None)
    return Registrars(max(int(m[1]) for m, _ in found), timedelta(hours=max(int(m[2]) for m, _ in found)), keys)


def is_kept(registry: Registry) -> bool:
    """Whether agencies' keys count here by introduction only: as soon as one was, or registrars are named. (The hub's
    always do, see :mod:`axis.core.chain`.)"""
    return any(
        is_registrar(one) or (member.code != HUB and is_introduction(one))
        for member in registry.members
        for one in member.certificates
    )


def is_own(member: Member, one: Certificate) -> bool:
    """Whether `member` has asked for the certificate `one` with the key itself: the centre did not make that key."""
    key = key_of(one.x509)
    return any(
        read is not None and key_of(read) == key and vouched(read, key)
        for read in (parsed(c.der) for c in member.certificates if c.reason == INTRODUCTION and c.use == "tls")
    )


def made_at_the_centre(registry: Registry, now: datetime) -> list[str]:
    """The agencies for which a key is still good that the centre has made: it could speak for them."""
    found = []
    for member in registry.agencies:
        if member.standing(now) == "closed":
            continue
        held = [c for c in member.certificates if c.use == "sign" and c.revoked_at is None]
        if any(not is_own(member, one) for one in held if one.x509.not_valid_after_utc > now):
            found.append(member.code)
    return found


def claimed(installed: Registry, following: Registry, code: str) -> list[str]:
    """SHA-256 of the keys that somebody else than `code`'s own keys has introduced as its own since `installed`: the
    agency is to be told."""
    before, after = _by_code(installed).get(code), _by_code(following).get(code)
    if before is None or after is None:
        return []
    known = {one.der for one in before.certificates}
    trusted = trusted_keys(before)
    found = set()
    for one in after.certificates:
        read = parsed(one.der) if one.reason == INTRODUCTION and one.der not in known else None
        if read is None or not trusted or key_of(read) in trusted:
            continue
        if not any(
            vouched(other, key) for other in of_key(after, key_of(read), following.installation) for key in trusted
        ):
            found.add(hashlib.sha256(key_of(read)).hexdigest())
    return sorted(found)


# -- What may follow -------------------------------------------------------------------------------------------------


def trusted_keys(member: Member) -> set[bytes]:
    """The keys by which a member may introduce its next one."""
    return {key_of(c.x509) for c in member.certificates if c.use == "sign" and c.revoked_at is None}


def is_introduced(
    introductions: Sequence[x509.Certificate], trusted: Iterable[bytes], allowed: Registrars, at: datetime
) -> bool:
    """Whether a key with these introductions counts at `at`: one of `trusted` has signed one, or enough registrars
    have, long enough ago."""
    if any(vouched(one, key) for one in introductions for key in trusted):
        return True
    ripe = [one for one in introductions if one.not_valid_before_utc + allowed.wait <= at]
    voices = {key for key in allowed.keys for one in ripe if vouched(one, key)}
    return bool(allowed.need) and len(voices) >= allowed.need


def ripe_at(introductions: Sequence[x509.Certificate], allowed: Registrars) -> datetime | None:
    """From when on enough registrars' introductions count; None where they are not enough."""
    voices: dict[bytes, datetime] = {}
    for one in introductions:
        for key in allowed.keys:
            if vouched(one, key):
                voices[key] = min(voices.get(key, _NO_END), one.not_valid_before_utc)
    if not allowed.need or len(voices) < allowed.need:
        return None
    return sorted(voices.values())[allowed.need - 1] + allowed.wait


def check_follows(
    installed: Registry,
    following: Registry,
    now: datetime,
    *,
    anew: bool = False,
    exchanged: bool = False,
    added: Collection[str] = (),
) -> None:
    """Raise :class:`Rejected` KEY_HEIR unless `following` may take the place of `installed`: no agency's key that is
    known is gone, none that was revoked is good again, and each further key of one that had one was introduced. `anew`:
    the recovery key speaks; what was revoked may have been by who had stolen the hub's key. Other registrars than those
    before are not in their place, unless it is known that those have `exchanged` themselves. Those that were `added`
    since may be gone: it is known that this was taken back."""
    if not is_kept(installed):
        return
    if not is_kept(following):
        raise rejected(Fault.KEY_HEIR, "no introductions")
    if following.issued_at > now + CLOCKS:
        raise rejected(Fault.KEY_HEIR, f"registry of {following.issued_at.isoformat()}")
    allowed = [registrars(installed), registrars(following)]
    if not exchanged and allowed[0] != allowed[1]:
        raise rejected(Fault.KEY_HEIR, "other registrars")
    members = _by_code(following)
    for member in installed.members:
        after = members.get(member.code)
        if after is None and member.code in added:
            continue
        if after is None:
            raise rejected(Fault.KEY_HEIR, f"{member.code} is missing")
        if member.code != HUB:
            _check_kept(member, after, anew=anew)
            _check_heirs(member, after, allowed, following)


def _check_kept(member: Member, after: Member, *, anew: bool) -> None:
    """By key, not by certificate: a centre whose record was put back admits a request once more."""
    held: dict[bytes, bool] = {}
    for one in after.certificates:
        if one.use == "sign":
            key = key_of(one.x509)
            held[key] = held.get(key, True) and one.revoked_at is not None
    for one in member.certificates:
        if one.use != "sign":
            continue
        is_revoked = held.get(key_of(one.x509))
        if is_revoked is None or (one.revoked_at is not None and not is_revoked and not anew):
            raise rejected(Fault.KEY_HEIR, f"{member.code}, {one.digest[:16]}")


def _check_heirs(member: Member, after: Member, allowed: Sequence[Registrars], following: Registry) -> None:
    known = {one.der for one in member.certificates if one.use == "sign"}
    if not known:
        return  # its first key: the hub's own word
    trusted = trusted_keys(member)
    waiting = [one for one in after.certificates if one.use == "sign" and one.der not in known]
    while waiting:
        heirs = []
        for one in waiting:
            key = key_of(one.x509)
            said = of_key(after, key, following.installation)
            if key in trusted or any(is_introduced(said, trusted, these, following.issued_at) for these in allowed):
                heirs.append(one)
        if not heirs:
            raise rejected(Fault.KEY_HEIR, f"{member.code}, {waiting[0].digest[:16]}")
        trusted |= {key_of(one.x509) for one in heirs}
        waiting = [one for one in waiting if one not in heirs]


def _by_code(registry: Registry) -> dict[str, Member]:
    return {member.code: member for member in registry.members}
