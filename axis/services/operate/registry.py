"""Changes to the registry: each makes the next version, signed, kept, and sent to every agency."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from axis import crashpoints
from axis.core import organ, parcel
from axis.core import registry as trust
from axis.core.instant import to_text, whole
from axis.core.ledger import Entry
from axis.core.registry import HUB, Member, read_registry, signing_certificate
from axis.core.types import typeset
from axis.errors import Fault, Misconfigured, Problem, Unavailable, rejected
from axis.infra import keystore
from axis.infra.record import registries
from axis.services.operate import acts, provision

_OWN = {"sign", "tls"}  # uses of certificates that an agency's own rotation is about

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from axis.core.registry import Certificate, Registry
    from axis.core.signature import Signer
    from axis.core.types.typeset import Types
    from axis.infra.keystore import KeyType
    from axis.infra.record.store import HubStore


@dataclass(frozen=True)
class Registrar:
    """What it takes to change the registry."""

    home: Path
    store: HubStore
    signer: Signer
    hub: Certificate

    def registry(self) -> Registry:
        """The newest one."""
        with self.store.reading() as reader:
            return read_registry(reader.payload(registries.newest(reader)), self.hub)

    def types(self) -> Types | None:
        """The document types that go with it; None where there are none."""
        with self.store.reading() as reader:
            digest = registries.types(reader)
            return typeset.read_types(reader.payload(digest), self.hub) if digest else None


def add(
    registrar: Registrar, code: str, name_vi: str, name_en: str, kind: str, key_type: KeyType, now: datetime
) -> Registry:
    """A new member with a key of the home's test CA. Raises Rejected PACKET_ORGAN, Misconfigured HOME_EXISTS."""
    if not organ.is_valid(code) or code != organ.normalise(code):
        raise rejected(Fault.PACKET_ORGAN, code)
    if code in registrar.registry().by_code:
        raise Misconfigured(Problem(Fault.HOME_EXISTS, got=code))
    member = Member(code, name_vi, name_en, kind, valid_from=whole(now))
    trust.write(
        registrar.registry().changed(member, now)
    )  # a name that cannot be written is found before any key is made
    signer = _certify(registrar, code, name_vi, key_type, now)
    entry = signing_certificate(signer.certificate)
    changed = _change(registrar, replace(member, certificates=(entry,)), "add", "", now)
    _keep_key(registrar, code)
    provision.renew_tls(registrar.home, code, now)
    provision.make_folders(registrar.home, code)
    return changed


def member_code(registrar: Registrar, organ_id: str) -> str:
    """The code of the member that `organ_id` names: its code in any spelling, or an alias; not a unit of it.
    Raises Rejected AGENCY_UNKNOWN."""
    member = registrar.registry().member_for(organ_id)
    if organ_id not in member.aliases and organ.normalise(organ_id) != member.code:
        raise rejected(Fault.AGENCY_UNKNOWN, organ_id)
    return _known(registrar.registry(), member.code).code


def suspend(registrar: Registrar, code: str, reason: str, now: datetime) -> Registry:
    """From now on its mail waits and it may not send. Suspending twice changes nothing."""
    member = _known(registrar.registry(), code)
    if member.standing(now) == "suspended":
        return registrar.registry()
    changed = replace(member, suspensions=(*member.suspensions, (whole(now), None)))
    return _change(registrar, changed, "suspend", reason, now)


def resume(registrar: Registrar, code: str, reason: str, now: datetime) -> Registry:
    """Its mail goes on. Resuming one that is not suspended changes nothing."""
    member = _known(registrar.registry(), code)
    if member.standing(now) != "suspended":
        return registrar.registry()
    ended = tuple((start, end or whole(now)) for start, end in member.suspensions)
    return _change(registrar, replace(member, suspensions=ended), "resume", reason, now)


def close(registrar: Registrar, code: str, successor: str, reason: str, at: datetime, now: datetime) -> Registry:
    """From `at` on the agency is closed; `successor` (empty for none) then takes its mail, and answers for what it had.
    Raises Rejected AGENCY_UNKNOWN for a successor that there is not, or one that would come back to itself."""
    registry = registrar.registry()
    member = _known(registry, code)
    following, seen = successor, {code}
    while following:
        if following in seen:
            raise rejected(Fault.AGENCY_UNKNOWN, successor)
        seen.add(following)
        following = _known(registry, following).successor
    changed = replace(member, valid_until=whole(at), successor=successor)
    return _change(registrar, changed, "close", reason, now)


def add_alias(registrar: Registrar, code: str, alias: str, reason: str, now: datetime) -> Registry:
    """Another code by which the agency is known: an old one, in any of its forms. Raises Rejected: PACKET_ORGAN,
    AGENCY_UNKNOWN when it is another agency's."""
    registry = registrar.registry()
    member = _known(registry, code)
    if not organ.is_valid(alias):
        raise rejected(Fault.PACKET_ORGAN, alias)
    if (other := registry.by_code.get(alias)) is not None:
        if other.code != code:
            raise rejected(Fault.AGENCY_UNKNOWN, alias, other.code)
        return registry
    return _change(registrar, replace(member, aliases=(*member.aliases, alias)), "alias", reason, now)


def rotate(registrar: Registrar, code: str, key_type: KeyType, *, revoke: bool, reason: str, now: datetime) -> Registry:
    """A new key for `code`; the old certificates stay, for what they signed, and may be revoked from now on."""
    member = _known(registrar.registry(), code)
    signer = _certify(registrar, code, member.name_vi, key_type, now)
    old = tuple(
        replace(c, revoked_at=whole(now), reason=reason) if revoke and c.use in _OWN and c.revoked_at is None else c
        for c in member.certificates
    )
    changed = replace(member, certificates=(*old, signing_certificate(signer.certificate)))
    registry = _change(registrar, changed, "rotate", reason, now)
    crashpoints.reached("X03")
    _keep_key(registrar, code)
    provision.renew_tls(registrar.home, code, now)
    return registry


def reissue(
    registrar: Registrar, code: str, certificates: Sequence[Certificate], what: str, reason: str, now: datetime
) -> Registry:
    """The agency with these certificates: of its people, or to be sealed to, beside its own."""
    member = _known(registrar.registry(), code)
    return _change(registrar, replace(member, certificates=tuple(certificates)), what, reason, now)


def describe(registry: Registry, code: str, now: datetime) -> dict[str, Any]:
    """What the registry says of the agency that `code` sends and receives through."""
    member = registry.member_for(code)
    return {
        "code": member.code,
        "name_vi": member.name_vi,
        "name_en": member.name_en,
        "kind": member.kind,
        "standing": member.standing(now),
        "aliases": list(member.aliases),
        "successor": member.successor,
        "registry": registry.version,
        "certificates": [
            {
                "use": c.use,
                "sha256": c.digest,
                "not_before": to_text(c.x509.not_valid_before_utc),
                "not_after": to_text(c.x509.not_valid_after_utc),
                "revoked_at": to_text(c.revoked_at) if c.revoked_at else "",
                "reason": c.reason,
                **({"holder": c.holder} if c.holder else {}),
            }
            for c in member.certificates
        ],
    }


def _known(registry: Registry, code: str) -> Member:
    if code not in registry.by_code or code == HUB:
        raise rejected(Fault.AGENCY_UNKNOWN, code)
    return registry.by_code[code]


def _certify(registrar: Registrar, code: str, name: str, key_type: KeyType, now: datetime) -> Signer:
    authority = keystore.load_signer(registrar.home / "pki", "ca")
    signer = keystore.new_member(authority, code, name, key_type, now)
    pending = registrar.home / "keys" / "pending"
    shutil.rmtree(pending, ignore_errors=True)
    pending.mkdir(mode=0o700)
    keystore.save_signer(pending, code, signer)
    return signer


def _keep_key(registrar: Registrar, code: str) -> None:
    """The registry knows the new key: it takes the place of the old one."""
    for ending in ("key", "pem"):
        (registrar.home / "keys" / "pending" / f"{code}.{ending}").replace(registrar.home / "keys" / f"{code}.{ending}")
    (registrar.home / "keys" / "pending").rmdir()


def _change(registrar: Registrar, member: Member, what: str, reason: str, now: datetime) -> Registry:
    changed = registrar.registry().changed(member, now)
    return _issue(registrar, changed, member.code, {"change": what, "reason": reason}, now)


def publish_types(registrar: Registrar, types: Types, detail: dict[str, Any], now: datetime) -> Registry:
    """The next registry, of the same members, with these document types: they are those from its version on."""
    registry = registrar.registry()
    changed = replace(registry, version=registry.version + 1, issued_at=whole(now))
    if types.registry != changed.version:
        raise Unavailable(Problem(Fault.REGISTRY_OLD, got=str(types.registry), expected=str(changed.version)))
    signed = parcel.build(parcel.TYPES, typeset.write(types), (), registrar.signer, now)
    return _issue(registrar, changed, "", detail, now, signed)


def _issue(
    registrar: Registrar, changed: Registry, about: str, detail: dict[str, Any], now: datetime, types: bytes = b""
) -> Registry:
    signed = provision.sign_registry(changed, registrar.signer, now)
    entry = Entry(now, HUB, "registry.issued", "", about, {"version": changed.version, **detail, **acts.by()})
    codes = [member.code for member in changed.agencies]
    with registrar.store.transaction() as tx:
        if not registries.keep(tx, changed.version, signed, now, codes, entry, types):
            # Somebody else changed it between our reading and our writing: nothing of theirs is overwritten.
            raise Unavailable(Problem(Fault.REGISTRY_OLD, got=str(changed.version), expected=str(changed.version)))
    return changed
