"""Changes to the registry: each makes the next version, signed, kept, and sent to every agency."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.hashes import SHA256

from axis import crashpoints
from axis.core import chain, lineage, organ, parcel, succession_plan, witnesses
from axis.core import officers as signed_acts
from axis.core import registry as trust
from axis.core.chain import read_registry
from axis.core.instant import to_text, whole
from axis.core.ledger import Entry
from axis.core.registry import HUB, Certificate, Member, signing_certificate
from axis.core.types import typeset
from axis.errors import Fault, Misconfigured, Problem, Unavailable, rejected
from axis.infra import files, keystore
from axis.infra.record import backlog, registries
from axis.services.operate import acts, officers, provision

_OWN = {"sign", "tls"}  # uses of certificates that an agency's own rotation is about

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from axis.core.officers import Signed
    from axis.core.registry import Registry
    from axis.core.signature import KeySigner, Signer
    from axis.core.succession_plan import Row
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
    officers: Sequence[Signer] = ()  # whose keys are at hand

    def signed(self) -> bytes:
        """The newest registry's parcel."""
        with self.store.reading() as reader:
            return reader.payload(registries.newest(reader))

    def registry(self) -> Registry:
        """The newest one."""
        return read_registry(self.signed(), self.hub)

    def types(self) -> Types | None:
        """The document types that go with it; None where there are none."""
        with self.store.reading() as reader:
            digest = registries.types(reader)
            data = reader.payload(digest) if digest else b""
        return typeset.read_types(data, chain.signing(self.registry())) if data else None


def add(
    registrar: Registrar, code: str, name_vi: str, name_en: str, kind: str, key_type: KeyType, now: datetime
) -> Registry:
    """A new member; where the centre makes its agencies' keys, with one of the home's test CA, and otherwise without,
    until it is enrolled. Raises Rejected PACKET_ORGAN, Misconfigured HOME_EXISTS."""
    if not organ.is_valid(code) or code != organ.normalise(code):
        raise rejected(Fault.PACKET_ORGAN, code)
    if code in registrar.registry().by_code:
        raise Misconfigured(Problem(Fault.HOME_EXISTS, got=code))
    member = Member(code, name_vi, name_en, kind, valid_from=whole(now))
    trust.write(
        registrar.registry().changed(member, now)
    )  # a name that cannot be written is found before any key is made
    if not any(path.stem != HUB for path in (registrar.home / "keys").glob("*.key")):
        return change(registrar, member, "add", "", now)
    signer = _certify(registrar, code, name_vi, key_type, now)
    entry = signing_certificate(signer.certificate)
    changed = change(registrar, replace(member, certificates=(entry,)), "add", "", now)
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
    return known_member(registrar.registry(), member.code).code


def suspend(registrar: Registrar, code: str, reason: str, now: datetime) -> Registry:
    """From now on its mail waits and it may not send. Suspending twice changes nothing. Raises Rejected
    AGENCY_ENDED."""
    member = _not_closed(registrar, code, now)
    if member.standing(now) == "suspended":
        return registrar.registry()
    changed = replace(member, suspensions=(*member.suspensions, (whole(now), None)))
    return change(registrar, changed, "suspend", reason, now)


def resume(registrar: Registrar, code: str, reason: str, now: datetime) -> Registry:
    """Its mail goes on. Resuming one that is not suspended changes nothing. Raises Rejected AGENCY_ENDED."""
    member = _not_closed(registrar, code, now)
    if member.standing(now) != "suspended":
        return registrar.registry()
    ended = tuple((start, end or whole(now)) for start, end in member.suspensions)
    return change(registrar, replace(member, suspensions=ended), "resume", reason, now)


def _not_closed(registrar: Registrar, code: str, now: datetime) -> Member:
    member = known_member(registrar.registry(), code)
    if member.valid_until is not None and member.valid_until <= now:
        raise rejected(Fault.AGENCY_ENDED, code, member.ended)
    return member


def close(registrar: Registrar, code: str, successor: str, reason: str, at: datetime, now: datetime) -> Registry:
    """From `at` on the agency is closed; `successor` (empty for none) then takes its mail, and answers for what it had.
    Closing it again changes nothing but that a successor may be named where there was none.
    Raises Rejected AGENCY_UNKNOWN for a successor that there is not, SUCCESSOR_CIRCLE for one that would come back to
    itself, AGENCY_CLOSED for one that is closed and has none, AGENCY_ENDED."""
    registry = registrar.registry()
    member = known_member(registry, code)
    following, seen = successor, {code}
    while following:
        if following in seen:
            raise rejected(Fault.SUCCESSOR_CIRCLE, successor)
        seen.add(following)
        last = known_member(registry, following)
        following = last.successor
        if not following and last.standing(max(whole(at), now)) == "closed":
            raise rejected(Fault.AGENCY_CLOSED, successor, "-")
    changed = succession_plan.closed(member, successor, at, now)
    if changed == member:
        return registry
    return change(registrar, changed, "close", reason, now)


def add_alias(registrar: Registrar, code: str, alias: str, reason: str, now: datetime) -> Registry:
    """Another code by which the agency is known: an old one, in any of its forms. Raises Rejected: PACKET_ORGAN,
    ALIAS_TAKEN when it is another agency's."""
    registry = registrar.registry()
    member = known_member(registry, code)
    if not organ.is_valid(alias):
        raise rejected(Fault.PACKET_ORGAN, alias)
    if (other := registry.by_code.get(alias)) is not None:
        if other.code != code:
            raise rejected(Fault.ALIAS_TAKEN, alias, other.code)
        return registry
    return change(registrar, replace(member, aliases=(*member.aliases, alias)), "alias", reason, now)


def rotate(registrar: Registrar, code: str, key_type: KeyType, *, revoke: bool, reason: str, now: datetime) -> Registry:
    """A new key for `code`, made here, where its key was made here, too; the old certificates stay, for what they
    signed, and may be revoked from now on. Raises Misconfigured KEY_ELSEWHERE."""
    registry = registrar.registry()
    member = known_member(registry, code)
    held = [one for one in member.certificates if one.use == "sign"]
    if not held or lineage.is_own(member, held[-1]):
        raise Misconfigured(Problem(Fault.KEY_ELSEWHERE, got=code))
    heirs = []
    signer = _certify(registrar, code, member.name_vi, key_type, now)
    if lineage.is_kept(registry):  # the old key is here as well, and names the new one
        before, key = keystore.load_signer(registrar.home / "keys", code), signer.key.public_key()
        heirs.append(lineage.entry(lineage.introduce(registry.installation, code, key, before, whole(now))))
    old = tuple(
        replace(c, revoked_at=whole(now), reason=reason)
        if revoke and c.use in _OWN and c.revoked_at is None and _is_certificate(c)
        else c
        for c in member.certificates
    )
    changed = replace(member, certificates=(*old, signing_certificate(signer.certificate), *heirs))
    registry = change(registrar, changed, "rotate", reason, now)
    crashpoints.reached("X03")
    _keep_key(registrar, code)
    provision.renew_tls(registrar.home, code, now)
    return registry


def reissue(
    registrar: Registrar, code: str, certificates: Sequence[Certificate], what: str, reason: str, now: datetime
) -> Registry:
    """The agency with these certificates: of its people, or to be sealed to, beside its own."""
    member = known_member(registrar.registry(), code)
    return change(registrar, replace(member, certificates=tuple(certificates)), what, reason, now)


def set_registrars(
    registrar: Registrar, named: Sequence[Certificate], *, anew: bool, reason: str, now: datetime
) -> Registry:
    """Name those who may introduce the keys of agencies that have lost theirs, in the place of those before, so many
    of whom as are needed sign that as well. `anew`: they cannot, and every agency will be enrolled again.

    Raises Rejected KEY_HEIR, ACT_WAITS."""
    hub = registrar.registry().by_code[HUB]
    others = tuple(one for one in hub.certificates if not lineage.is_registrar(one))
    changed = replace(hub, certificates=(*others, *named))
    return change(registrar, changed, "registrars", reason, now, follows=not anew)


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
            if _is_certificate(c) and not signed_acts.is_of_officers(c)
        ],
    }


def _is_certificate(one: Certificate) -> bool:
    """Whether it is no introduction: those are not revoked, and what they say stays."""
    return not lineage.is_introduction(one) and witnesses.is_certificate(one)


def known_member(registry: Registry, code: str) -> Member:
    """The agency with this code. Raises Rejected AGENCY_UNKNOWN."""
    if code not in registry.by_code or code == HUB:
        raise rejected(Fault.AGENCY_UNKNOWN, code)
    return registry.by_code[code]


def _certify(registrar: Registrar, code: str, name: str, key_type: KeyType, now: datetime) -> KeySigner:
    authority = keystore.load_signer(registrar.home / "pki", "ca")
    signer = keystore.new_member(authority, code, name, key_type, now)
    pending = registrar.home / "keys" / "pending"
    pending.mkdir(mode=0o700, exist_ok=True)
    for ending in ("key", "pem"):  # those of others wait for officers
        (pending / f"{code}.{ending}").unlink(missing_ok=True)
    keystore.save_signer(pending, code, signer)
    return signer


def _keep_key(registrar: Registrar, code: str) -> None:
    """The registry knows the new key: it takes the place of the old one."""
    for ending in ("key", "pem"):
        name, keys = f"{code}.{ending}", registrar.home / "keys"
        files.rename(keys / "pending" / name, keys / name)
    with suppress(OSError):  # another one's waits there
        (registrar.home / "keys" / "pending").rmdir()


def change(
    registrar: Registrar, member: Member, what: str, reason: str, now: datetime, *, follows: bool = True
) -> Registry:
    """The next version, with `member` in the place of the one with its code, kept and sent to everybody; if it is to
    follow, with an act of officers, and nothing that an adapter would refuse.

    Raises Rejected KEY_HEIR, ACT_WAITS; Unavailable REGISTRY_OLD."""
    before = registrar.registry()
    hands = registrar.officers
    changed, signed = officers.authorised(registrar.home, hands, before, member, what, reason, now, anew=not follows)
    if follows:
        chain.check_follows(before, changed, Certificate(registrar.signer.der))
        signed_acts.check_follows(before, changed, now)
    registry = _issue(registrar, changed, member.code, {"change": what, "reason": reason}, now)
    if signed is not None:
        officers.carried(registrar.home, signed)
    return registry


def carry_out(registrar: Registrar, signed: Signed, now: datetime) -> tuple[Registry, Signed]:
    """The next version, with what an act says, that others have signed; it is signed here with the keys at hand, too.

    Raises Rejected: ACT_WAITS, ACT_OLD, ACT_INVALID, ACT_UNSIGNED, KEY_HEIR; Unavailable REGISTRY_OLD."""
    before = registrar.registry()
    signed = officers.renewed(signed, before, now)
    signed_acts.check_lines(signed.act, before)
    member = officers.entry_of(signed, before)
    is_made_here = _is_made_here(registrar, signed)
    signed = officers.complete(registrar.home, signed, before, registrar.officers)
    changed = signed_acts.with_act(before.changed(member, now), signed)
    signed_acts.check_follows(before, changed, now)
    registry = _issue(registrar, changed, member.code, {"change": signed.act.what, "reason": signed.act.reason}, now)
    if is_made_here:
        _keep_key(registrar, member.code)
        provision.renew_tls(registrar.home, member.code, now)
        provision.make_folders(registrar.home, member.code)
    officers.carried(registrar.home, signed)
    return registry, signed


def _is_made_here(registrar: Registrar, signed: Signed) -> bool:
    """Whether the act is about a key that the centre has made and that has waited for it. Raises Rejected ACT_OLD where
    that key is gone, for another one was made in its place."""
    act = signed.act
    kind, place, name = {
        "add": ("sign", "pending", act.about),
        "rotate": ("sign", "pending", act.about),
        "person": ("person", "persons", ""),
    }.get(act.what, ("", "", ""))
    for line in act.plus if kind else ():
        words = line.split(" ")
        if words[:2] == ["certificate", kind]:
            path = registrar.home / "keys" / place / f"{name or words[3]}.pem"
            if not path.exists() or keystore.load_certificate(path).fingerprint(SHA256()).hex() != words[2]:
                raise rejected(Fault.ACT_OLD, str(act.follows), str(registrar.registry().version))
            return place == "pending"
    return False


def apply(registrar: Registrar, rows: list[Row], at: datetime, reason: str, now: datetime) -> Registry:
    """One version with all of these changes (:mod:`axis.core.succession_plan`), kept and sent to everybody; none where
    they change nothing. Raises Rejected with all that is wrong, KEY_HEIR; Unavailable REGISTRY_OLD."""
    before = registrar.registry()
    changed = succession_plan.plan(before, rows, at, now)
    if changed is before:
        return before
    detail = {"change": "apply", "reason": reason, "changes": len(rows)}
    return _issue_signed(registrar, before, changed, detail, now)


def _issue_signed(
    registrar: Registrar, before: Registry, changed: Registry, detail: dict[str, Any], now: datetime
) -> Registry:
    """A version that changes several members, each by an act of officers."""
    what, reason = str(detail["change"]), str(detail.get("reason", ""))
    changed, signed = officers.authorised_all(registrar.home, registrar.officers, before, changed, what, reason, now)
    signed_acts.check_follows(before, changed, now)
    registry = _issue(registrar, changed, "", detail, now)
    for one in signed:
        officers.carried(registrar.home, one)
    return registry


def changing_hands(registrar: Registrar, rows: list[Row], planned: Registry, at: datetime) -> list[dict[str, Any]]:
    """What is in flight to agencies that these rows close at `at`, by agency: how many were never published, which
    their `successor` by the `planned` registry takes as its own ("": nobody), and how many may have arrived, which stay
    their own until they are answered for."""
    ends = {row.code: planned.open_successor(row.code, whole(at)) for row in rows if row.change == "close"}
    closing = {code: end if end != code else "" for code, end in ends.items()}
    with registrar.store.reading() as reader:
        found = backlog.in_flight(reader, closing)
    return [{**one, "successor": closing[one["recipient"]]} for one in found]


def change_members(registrar: Registrar, members: Sequence[Member], what: str, now: datetime) -> Registry:
    """The next version, with these members. Raises as :func:`change`."""
    before = registrar.registry()
    changed = replace(before, version=before.version + 1, issued_at=whole(now), members=tuple(members))
    return _issue_signed(registrar, before, changed, {"change": what}, now)


def is_good_at(signer: Signer, now: datetime) -> bool:
    """Whether what it signs `now` could be believed."""
    return signer.certificate.not_valid_before_utc <= now <= signer.certificate.not_valid_after_utc


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
    if not is_good_at(registrar.signer, now):
        end = registrar.signer.certificate.not_valid_after_utc
        raise Misconfigured(Problem(Fault.CERTIFICATE_ENDED, got=to_text(now), expected=to_text(end)))
    signed = provision.sign_registry(changed, registrar.signer, now)
    entry = Entry(now, HUB, "registry.issued", "", about, {"version": changed.version, **detail, **acts.by()})
    codes = [member.code for member in changed.agencies]
    with registrar.store.transaction() as tx:
        if not registries.keep(tx, changed.version, signed, now, codes, entry, types):
            # Somebody else changed it between our reading and our writing: nothing of theirs is overwritten.
            raise Unavailable(Problem(Fault.REGISTRY_OLD, got=str(changed.version), expected=str(changed.version)))
    return changed
