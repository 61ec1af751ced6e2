"""The hub's own key: the next one, its taking over, the old one's end, and a successor named by the recovery key.

Files first, then the registry: what is broken off is done again. A key that no registry lists signs nothing.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core import chain, lineage, paper, parcel
from axis.core.instant import to_text, whole
from axis.core.lineage import key_of
from axis.core.registry import HUB, signing_certificate
from axis.core.signature import KeySigner
from axis.errors import AxisError, Fault, Misconfigured, Problem, problems_of, rejected
from axis.infra import keystore
from axis.infra.keystore import NEXT
from axis.infra.record import registries
from axis.services.operate import registry as members
from axis.services.operate.provision import HUB_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptography import x509

    from axis.core.registry import Certificate, Registry
    from axis.core.signature import PrivateKey, Signer
    from axis.infra.keystore import KeyType
    from axis.infra.record.store import HubStore
    from axis.services.operate.registry import Registrar

OVERLAP = timedelta(days=30)  # in which adapters hear of the next key before it signs
BEFORE_THE_END = timedelta(days=7)  # it takes over at the latest


@dataclass(frozen=True)
class Following:
    """A next key of the hub's: from when on it signs. `registry` is the version that introduces it."""

    registry: Registry
    certificate: x509.Certificate
    begins: datetime


def settle_by(home: Path, store: HubStore, anchor: Certificate, now: datetime) -> None:
    """:func:`settle` by the newest registry of the record."""
    if (home / "keys" / NEXT / f"{HUB}.pem").exists():
        with store.reading() as reader:
            known = chain.read_registry(reader.payload(registries.newest(reader)), anchor)
        settle(home, known, now)


def settle(home: Path, known: Registry, now: datetime) -> None:
    """A next key whose time has come takes the place of the one before it, whose private half goes. Nothing where that
    is done already."""
    folder = home / "keys"
    if not (folder / NEXT / f"{HUB}.pem").exists():
        return
    following = keystore.load_signer(folder / NEXT, HUB)
    held: list[Signer] = [following]
    if (folder / f"{HUB}.key").exists():
        try:
            held.append(keystore.load_signer(folder, HUB))
        except AxisError:  # broken off between the key and its certificate: done again
            held.append(following)
    if chain.choose(held, known, now) is not following:
        return
    keystore.replace_key(folder, HUB, following.key)
    keystore.replace_certificate(folder, HUB, following.certificate)
    _forget_next(folder)


def _forget_next(folder: Path) -> None:
    for ending in ("pem", "key"):
        (folder / NEXT / f"{HUB}.{ending}").unlink(missing_ok=True)
    with suppress(OSError):  # there may be something else in it
        (folder / NEXT).rmdir()


def introduce(
    registrar: Registrar, key_type: KeyType, begins: datetime | None, reason: str, now: datetime
) -> Following:
    """The next key, named by the one in use, in the registry; it signs from `begins` on: in 30 days where nothing is
    said, and a week before the end of the one in use at the latest. As long as it does not sign it is the same key.

    Raises :class:`Misconfigured` CONFIG_INVALID for a moment at which the one in use has ended."""
    settle(registrar.home, registrar.registry(), now)
    found = _prepare(registrar, key_type, begins, now)
    if found.is_known:
        return Following(found.registry, found.signer.certificate, _begins(found.signer.certificate))
    folder = registrar.home / "keys" / NEXT
    if not (folder / f"{HUB}.key").exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        keystore.save_key(folder, HUB, found.signer.key)
    keystore.replace_certificate(folder, HUB, found.signer.certificate)
    by = registrar if members.is_good_at(registrar.signer, now) else replace(registrar, signer=found.signer)
    changed = members.change(by, found.registry.by_code[HUB], "hub_next", reason, now)
    settle(registrar.home, changed, now)
    return Following(changed, found.signer.certificate, _begins(found.signer.certificate))


def rehearse(registrar: Registrar, key_type: KeyType, begins: datetime | None, now: datetime) -> list[Problem]:
    """What :func:`introduce`, and the taking over, would meet; nothing is changed."""

    def follows() -> None:
        prepared = _prepare(registrar, key_type, begins, now)
        before = registrar.registry()
        changed = before.changed(prepared.registry.by_code[HUB], now)
        good = members.is_good_at(registrar.signer, now)
        signer = registrar.signer if good else prepared.signer
        chain.check_follows(before, changed, signing_certificate(signer.certificate))
        if chain.choose([prepared.signer], changed, max(now, _begins(prepared.signer.certificate))) is None:
            raise rejected(Fault.KEY_EXPIRED, to_text(now))

    def are_good() -> None:
        parcel.check_validity(keystore.load_certificate(registrar.home / "pki" / "ca.pem"), now)

    return problems_of([follows, lambda: parcel.check_validity(registrar.signer.certificate, now), are_good])


@dataclass(frozen=True)
class _Prepared:
    """What is to be done for a next key, before anything is: the registry with the hub's entry as it will be."""

    registry: Registry
    signer: KeySigner
    is_known: bool = False


def _begins(certificate: x509.Certificate) -> datetime:
    return certificate.not_valid_before_utc + lineage.CLOCKS


def _prepare(registrar: Registrar, key_type: KeyType, begins: datetime | None, now: datetime) -> _Prepared:
    registry, present = registrar.registry(), registrar.signer
    hub, end = registry.by_code[HUB], present.certificate.not_valid_after_utc
    folder = registrar.home / "keys" / NEXT
    path = folder / f"{HUB}.key"
    asked = keystore.load_key(path) if path.exists() else None
    if asked is None or _public(asked) == key_of(present.certificate):  # none, or it has taken over
        asked = keystore.new_key(key_type)
    key = asked
    mine = [one for one in chain.signing(registry) if key_of(one.x509) == _public(key)]
    if any(one.revoked_at is not None for one in mine):  # ended before it has signed
        _forget_next(folder.parent)
        return _prepare(registrar, key_type, begins, now)
    if mine and (begins is None or _begins(mine[-1].x509) == whole(begins)):
        return _Prepared(registry, keystore.load_signer(folder, HUB), is_known=True)
    latest = max(now, end - BEFORE_THE_END)
    at = whole(min(now + OVERLAP, latest) if begins is None else max(begins, now))
    if at > latest and at > now:
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, "--from", f"≤ {to_text(latest)}", to_text(at)))
    signer = _certified(registrar.home, key, at)
    entries = _entries(registry, key, present, signer, now)
    unused = {one.der for one in mine}  # of another moment, which has not come
    kept = tuple(one for one in hub.certificates if one.der not in unused)
    changed = replace(hub, certificates=(*kept, *entries))
    others = tuple(one if one.code != HUB else changed for one in registry.members)
    return _Prepared(replace(registry, members=others), signer)


def _public(key: PrivateKey) -> bytes:
    return key_of(keystore.new_request(key, HUB))


def _certified(home: Path, key: PrivateKey, at: datetime) -> KeySigner:
    authority = keystore.load_signer(home / "pki", "ca")
    return KeySigner(key, keystore.certify_member(authority, HUB, HUB_NAME, key.public_key(), at))


def _entries(registry: Registry, key: PrivateKey, by: Signer, signer: KeySigner, now: datetime) -> list[Certificate]:
    """What the registry lists for a new key that `by` introduces; whoever enrols with that one finds the recovery key
    from there, too."""
    place, at = registry.installation, whole(now)
    entries = [signing_certificate(signer.certificate), chain.heir_entry(place, key.public_key(), by, at)]
    if (recovery := chain.recovery_public(registry)) is not None:
        entries.append(chain.recovery_entry(place, recovery, signer, at))
    return entries


def revoke(registrar: Registrar, digest: str, reason: str, now: datetime) -> Registry:
    """From now on nothing more is believed of these keys of the hub's: of the one named, or of all before the one that
    signs. What they have signed stays good.

    Raises Rejected NOT_FOUND for a certificate that is not the hub's, or is the one that signs."""
    registry = registrar.registry()
    settle(registrar.home, registry, now)
    hub, mine = registry.by_code[HUB], key_of(registrar.signer.certificate)
    order = {one.der: (one.x509.not_valid_before_utc, place) for place, one in enumerate(chain.signing(registry))}
    signs = max((order[one.der] for one in chain.signing(registry) if key_of(one.x509) == mine), default=None)
    others = [one for one in chain.signing(registry) if key_of(one.x509) != mine and one.revoked_at is None]
    if digest:
        ended = [one for one in others if one.digest.startswith(digest.lower())]
        if len(ended) != 1:
            raise rejected(Fault.NOT_FOUND, digest[:64])
    else:
        ended = [one for one in others if signs is not None and order[one.der] < signs]
    if not ended:
        return registry
    after = replace(hub, certificates=_ended(hub.certificates, ended, reason, now))
    return members.change(registrar, after, "hub_end", reason, now)


def _ended(
    held: Sequence[Certificate], ended: Sequence[Certificate], reason: str, now: datetime
) -> tuple[Certificate, ...]:
    named = {one.der for one in ended}
    return tuple(
        replace(one, revoked_at=whole(now), reason=reason) if one.use == "sign" and one.der in named else one
        for one in held
    )


# -- The recovery key ------------------------------------------------------------------------------------------------


def check_paper(registry: Registry, secret: bytes, now: datetime) -> KeySigner:
    """The recovery key on a paper, if it is the one that counts. Raises Rejected RECOVERY_PAPER, RECOVERY_NONE."""
    counts = chain.recovery_key(registry)
    if counts is None:
        raise rejected(Fault.RECOVERY_NONE)
    signer = keystore.recovery_signer(secret, chain.RECOVERY_NAME, now)
    if key_of(signer.certificate) != counts:
        raise rejected(Fault.RECOVERY_PAPER, "≠ HUB")
    return signer


def name_recovery(registrar: Registrar, secret: bytes, before: bytes | None, reason: str, now: datetime) -> Registry:
    """A new recovery key, on a paper that says `secret`: named by the hub's key where there was none yet, otherwise by
    the paper `before` it. Raises Rejected RECOVERY_PAPER."""
    registry = registrar.registry()
    key = keystore.recovery_signer(secret, chain.RECOVERY_NAME, now).key.public_key()
    by: list[Signer] = [registrar.signer]
    if chain.recovery_key(registry) is not None:
        by.append(check_paper(registry, before or b"", now))
    entries = [chain.recovery_entry(registry.installation, key, one, whole(now)) for one in by]
    hub = registry.by_code[HUB]
    changed = replace(hub, certificates=(*hub.certificates, *entries))
    return members.change(registrar, changed, "hub_recovery", reason, now)


def make_successor(home: Path, key_type: KeyType, now: datetime) -> KeySigner:
    """A key for a hub whose own was stolen or lost, kept as its next one; no registry lists it yet."""
    folder = home / "keys" / NEXT
    signer = _certified(home, keystore.new_key(key_type), now)
    _forget_next(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    keystore.save_signer(folder, HUB, signer)
    return signer


def succeed(registrar: Registrar, secret: bytes, following: bytes, reason: str, now: datetime) -> Registry:
    """The key that `registrar` signs with is the hub's from now on, and all before it are revoked: named by the
    recovery key on the paper `secret`, which is used up by that; `following` is on the next paper.

    Raises Rejected RECOVERY_PAPER, RECOVERY_NONE, KEY_HEIR."""
    registry, signer = registrar.registry(), registrar.signer
    named = check_paper(registry, secret, now)
    place, at, hub = registry.installation, whole(now), registry.by_code[HUB]
    following_key = keystore.recovery_signer(following, chain.RECOVERY_NAME, now).key.public_key()
    before = [one for one in chain.signing(registry) if one.revoked_at is None]
    entries = [
        signing_certificate(signer.certificate),
        chain.heir_entry(place, chain.public_key(signer.certificate), named, at),
        *(chain.recovery_entry(place, following_key, one, at) for one in (named, signer)),
    ]
    changed = replace(hub, certificates=(*_ended(hub.certificates, before, reason, now), *entries))
    issued = members.change(registrar, changed, "hub_succeeds", reason, now)
    settle(registrar.home, issued, now)
    return issued


def rehearse_succession(home: Path, registry: Registry, now: datetime) -> list[Problem]:
    """What :func:`succeed` would meet, but for the paper; nothing is changed."""
    found: list[Problem] = []
    if chain.recovery_key(registry) is None:
        found.append(Problem(Fault.RECOVERY_NONE))
    try:
        parcel.check_validity(keystore.load_signer(home / "pki", "ca").certificate, now)
    except AxisError as error:
        found.extend(error.problems)
    return found


def new_paper() -> tuple[bytes, str]:
    """(what is on it, its groups): the paper of a new recovery key."""
    secret = keystore.new_secret()
    return secret, paper.groups(secret)
