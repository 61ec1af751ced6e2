"""The hub's keys: each is introduced by one before it, or by the recovery key, whose private half is on paper alone.

They stand in the hub's own entry of the registry: its certificates, the introductions of the later ones
(:mod:`axis.core.lineage`), and recovery keys, introduced in the same way under a name of their own. Whoever knows one
of the hub's keys from enrolment finds the others from there, however long it was away (:func:`read_registry`). An
adapter holds each registry against the one that it has, too (:func:`check_follows`): a key that was revoked names
nobody, and who has the hub's key alone names no other recovery key.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from axis.core import lineage, parcel, registry
from axis.core.lineage import CLOCKS, RECOVERY, key_of
from axis.core.registry import HUB, Certificate, HubOnly
from axis.errors import Fault, Rejected, rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from axis.core.registry import Member, Registry
    from axis.core.signature import PublicKey, Signer

RECOVERY_NAME = "HUB recovery"  # its subject: what introduces a key of the hub never introduces this


def recovery_entry(installation: str, key: PublicKey, by: Signer, at: datetime) -> Certificate:
    """What stands in the hub's entry for a recovery key, named `by` a key of the hub's or the recovery key before."""
    return Certificate(lineage.introduce(installation, RECOVERY_NAME, key, by, at), "tls", reason=RECOVERY)


def heir_entry(installation: str, key: PublicKey, by: Signer, at: datetime) -> Certificate:
    """What stands there for a key of the hub's, introduced `by` the one before it, or the recovery key."""
    return lineage.entry(lineage.introduce(installation, HUB, key, by, at))


def _hub(of: Registry) -> Member:
    if HUB not in of.by_code:
        raise rejected(Fault.REGISTRY_INVALID, HUB)
    return of.by_code[HUB]


def signing(of: Registry) -> tuple[Certificate, ...]:
    """The hub's certificates for signing, revoked ones, too."""
    return tuple(one for one in _hub(of).certificates if one.use == "sign")


def _recoveries(of: Registry) -> list[tuple[bytes, x509.Certificate]]:
    """The recovery keys that it lists, with who has named them as it is said, the newest last."""
    found = []
    for one in _hub(of).certificates:
        if one.use == "tls" and one.reason == RECOVERY and (read := lineage.parsed(one.der)) is not None:
            names = [str(name.value) for name in read.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
            places = [str(name.value) for name in read.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)]
            if (names, places) == ([RECOVERY_NAME], [of.installation]):
                found.append((key_of(read), read))
    return found


def recovery_key(of: Registry) -> bytes | None:
    """The recovery key that counts: the one named last; None where there is none."""
    return next((key for key, _ in reversed(_recoveries(of))), None)


def recovery_public(of: Registry) -> PublicKey | None:
    """The same, to be named once more."""
    return next((public_key(said) for _, said in reversed(_recoveries(of))), None)


def public_key(certificate: x509.Certificate) -> PublicKey:
    """The key in it. Raises :class:`Rejected` SIG_ALG for one of another kind than sign here."""
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise rejected(Fault.SIG_ALG, type(key).__name__)
    return key


def _heirs(of: Registry) -> list[tuple[bytes, x509.Certificate]]:
    hub = _hub(of)
    keys = {key_of(one.x509) for one in hub.certificates if one.use == "sign"}
    return [(key, one) for key in keys for one in lineage.of_key(hub, key, of.installation)]


def _reached(begin: Iterable[bytes], named: Sequence[tuple[bytes, x509.Certificate]]) -> set[bytes]:
    """The keys that those of `begin` have introduced, and these the next ones; with `begin`."""
    found, grows = set(begin), True
    while grows:
        new = {key for key, one in named if key not in found and any(lineage.vouched(one, by) for by in found)}
        grows = bool(new)
        found |= new
    return found


# -- Reading ---------------------------------------------------------------------------------------------------------


def signed_by(data: bytes) -> Certificate:
    """With which certificate `data` says that it is signed. Raises :class:`Rejected`."""
    found = Certificate(parcel.peek_signature(data).certificate)
    try:
        key_of(found.x509)
    except Exception:  # noqa: BLE001  the library names many faults of a foreign certificate, all mean this
        raise rejected(Fault.SIG_SIGNER, "unreadable certificate") from None
    return found


@lru_cache(maxsize=8)
def read_registry(data: bytes, hub: Certificate) -> Registry:
    """The registry in a parcel signed by `hub`, known from enrolment, or by a key to which the introductions in it
    lead from there. Raises :class:`Rejected`."""
    by = signed_by(data)
    found = registry.read_registry(data, by)
    if by.der == hub.der:
        return found
    listed = next((one for one in signing(found) if one.der == by.der), None)
    papers = _recoveries(found)
    reached = _reached({key_of(hub.x509)}, [*_heirs(found), *papers]) - {key for key, _ in papers}
    if listed is None or listed.revoked_at is not None or key_of(by.x509) not in reached:
        raise rejected(Fault.SIG_SIGNER, by.x509.subject.rfc4514_string()[:200])
    return found


@dataclass(frozen=True)
class HubKeys:
    """Trust in the hub alone: its certificate of enrolment, and those of the registry that is installed, if one is."""

    hub: Certificate
    installed: Registry | None

    def certificate(self, der: bytes, at: datetime) -> tuple[str, x509.Certificate]:
        """See :class:`axis.core.parcel.Trust`."""
        if self.installed is not None and self.holds(der):
            return self.installed.certificate(der, at)
        return HubOnly(self.hub).certificate(der, at)

    def holds(self, der: bytes) -> bool:
        """Whether it is a certificate of the hub's, good or not."""
        known = signing(self.installed) if self.installed is not None else ()
        return der == self.hub.der or any(one.der == der for one in known)


# -- What may follow -------------------------------------------------------------------------------------------------


def check_follows(installed: Registry, following: Registry, by: Certificate) -> bool:
    """Raise :class:`Rejected` KEY_HEIR unless `following`, signed `by` that certificate, may take the place of
    `installed` for the hub's keys. True: the recovery key has named another key than those that `installed` leads to;
    what they have said since is over then."""
    pinned = recovery_key(installed)
    papers = _reached({pinned}, _recoveries(following)) if pinned is not None else set()
    if pinned is not None and recovery_key(following) not in papers:
        raise rejected(Fault.KEY_HEIR, f"{HUB}, other recovery key")
    before, after = signing(installed), signing(following)
    revoked = {key_of(one.x509) for one in after if one.revoked_at is not None}
    heirs = _reached(lineage.trusted_keys(_hub(installed)), _heirs(following))
    named = _reached(papers, _heirs(following)) - papers
    signer = key_of(by.x509)
    if by.der not in {one.der for one in after} or signer in revoked or signer not in heirs | named:
        raise rejected(Fault.KEY_HEIR, f"{HUB}, {by.digest[:16]}")
    known = {key_of(one.x509): one for one in before}
    for one in after:
        if (key := key_of(one.x509)) not in known and key not in heirs | named:
            raise rejected(Fault.KEY_HEIR, f"{HUB}, {one.digest[:16]}")
    succeeds = signer not in heirs
    held = {key_of(one.x509) for one in after}
    for one in before if not succeeds else ():
        key = key_of(one.x509)
        if key not in held or (one.revoked_at is not None and key not in revoked):
            raise rejected(Fault.KEY_HEIR, f"{HUB}, {one.digest[:16]}")
    return succeeds


def succeeds(installed: Registry, following: Registry, by: Certificate) -> bool:
    """Whether :func:`check_follows` says that the recovery key has named another key; False where it refuses."""
    try:
        return key_of(by.x509) not in {key_of(one.x509) for one in signing(installed)} and check_follows(
            installed, following, by
        )
    except Rejected:
        return False


# -- What signs ------------------------------------------------------------------------------------------------------


def choose(signers: Sequence[Signer], known: Registry, now: datetime) -> Signer | None:
    """The one of the hub's keys that signs at `now`: listed, not revoked, valid for five minutes more; of several the
    one that has begun last, of two of one second the one that was listed last. None where nobody would believe what
    any of them signs."""
    listed = {one.der: (place, one.revoked_at) for place, one in enumerate(signing(known))}
    good = []
    for one in signers:
        begin, end = one.certificate.not_valid_before_utc, one.certificate.not_valid_after_utc
        place, revoked = listed.get(one.der, (-1, None))
        if place >= 0 and (revoked is None or now < revoked) and begin <= now <= end - CLOCKS:
            good.append((begin + CLOCKS <= now, begin, place, one))
    return max(good, key=lambda found: found[:3])[3] if good else None


def signs_until(known: Registry) -> datetime:
    """When the last of the hub's certificates that were not revoked ends."""
    held = [one.x509.not_valid_after_utc for one in signing(known) if one.revoked_at is None]
    return max(held, default=known.issued_at)
