"""The agencies as witnesses of the log: whose keys they are, and how many of them make a checkpoint believed.

A witness key stands in the registry as its agency's introduction (:mod:`axis.core.lineage`): a certificate of the key,
signed with a key that the agency signs with. So whoever has the hub's key alone cannot name a witness. The policy
(:mod:`axis.core.log.policy`) stands in the hub's own entry. Earlier versions read both as what they use for nothing.

Each agency has two: an Ed25519 key for every checkpoint, and an ML-DSA-44 key (FIPS 204) for the first of a day, which
holds where a quantum computer has broken the other. By the policy the former make the quorum; the latter are named in
it, so that their signatures are checked wherever they come.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography.x509.oid import NameOID

from axis.core import lineage
from axis.core.log import policy
from axis.core.log.note import ED25519_COSIGNATURE, ML_DSA_44_COSIGNATURE, VerifierKey
from axis.core.registry import HUB, Certificate
from axis.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from axis.core.log.policy import Policy
    from axis.core.registry import Member, Registry

WITNESS, _POLICY = "witness", "log policy\n"
GROUP = "agencies"  # of the policy that is made where none is given
_ML_DSA = "/ML-DSA-44"  # behind the code, the name in the policy of an agency's other key


def entry(introduction: bytes) -> Certificate:
    """What stands in the registry for the introduction of an agency's witness key."""
    return Certificate(introduction, "tls", reason=WITNESS)


def policy_entry(introduction: bytes, text: str) -> Certificate:
    """What stands in the hub's entry for a policy; the introduction is that of the log's key by the hub's."""
    return Certificate(introduction, "tls", reason=_POLICY + text)


def is_policy(one: Certificate) -> bool:
    """Whether it is a policy's entry."""
    return one.use == "tls" and one.reason.startswith(_POLICY)


def is_certificate(one: Certificate) -> bool:
    """Whether it is a certificate, and not an entry of this kind."""
    return not (is_policy(one) or (one.use == "tls" and one.reason == WITNESS))


def named(installation: str, code: str, public: bytes, kind: int = ED25519_COSIGNATURE) -> VerifierKey:
    """An agency's witness key, as verifiers know it."""
    return VerifierKey(f"axis/{installation}/{code}", kind, public)


def introduced(introduction: bytes, code: str, installation: str, trusted: Iterable[bytes]) -> VerifierKey | None:
    """The witness key that this introduces as `code`'s in this installation, by a key of `trusted`; None for anything
    else."""
    try:
        read = x509.load_der_x509_certificate(introduction)
        key = read.public_key()
        names = [one.value for one in read.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        places = [one.value for one in read.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)]
    except Exception:  # noqa: BLE001  the library names many faults of foreign bytes, all mean this
        return None
    # One that asks for its first key need not know the installation yet.
    if names != [code] or places not in ([], [installation]):
        return None
    if not isinstance(key, Ed25519PublicKey | MLDSA44PublicKey):
        return None
    if not any(lineage.vouched(read, one) for one in trusted):
        return None
    kind = ED25519_COSIGNATURE if isinstance(key, Ed25519PublicKey) else ML_DSA_44_COSIGNATURE
    return named(installation, code, key.public_bytes_raw(), kind)


@lru_cache(maxsize=4096)
def _of_member(member: Member, installation: str) -> dict[int, VerifierKey]:
    trusted = lineage.trusted_keys(member)
    keys: dict[int, VerifierKey] = {}
    for one in reversed(member.certificates):
        if one.use == "tls" and one.reason == WITNESS and one.revoked_at is None:
            found = introduced(one.der, member.code, installation, trusted)
            if found is not None:
                keys.setdefault(found.kind, found)
    return keys


def of(registry: Registry, kind: int = ED25519_COSIGNATURE) -> dict[str, VerifierKey]:
    """The witness keys of this kind of the agencies that have one, by code: the newest that a key of theirs has
    introduced."""
    found = {member.code: _of_member(member, registry.installation).get(kind) for member in registry.agencies}
    return {code: key for code, key in found.items() if key is not None}


def majority(
    log: VerifierKey, witnesses: Mapping[str, VerifierKey], others: Mapping[str, VerifierKey] | None = None
) -> str:
    """The policy by which more than half of these witnesses are a quorum; `others` are their ML-DSA-44 keys."""
    lines = [f"log {log.text}", *(f"witness {code} {key.text}" for code, key in sorted(witnesses.items()))]
    lines += [
        f"witness {code}{_ML_DSA} {key.text}" for code, key in sorted((others or {}).items()) if code in witnesses
    ]
    lines += [f"group {GROUP} {len(witnesses) // 2 + 1} {' '.join(sorted(witnesses))}", f"quorum {GROUP}"]
    return "\n".join(lines) + "\n"


def text_in(registry: Registry) -> str:
    """The policy's text that `registry` has; "" for none."""
    hub = next((member for member in registry.members if member.code == HUB), None)
    found = [one.reason for one in (hub.certificates if hub else ()) if is_policy(one)]
    return found[-1].removeprefix(_POLICY) if found else ""


def changes(before: str, now: str) -> dict[str, Any]:
    """What another policy changes, in few words: of the text of each how many witnesses it has and needs (as
    :func:`needed` says), and which come and go; a witness with another key comes and goes."""
    old, new = _read(before), _read(now)
    were = set(old.counting.items()) if old is not None else set()
    are = set(new.counting.items()) if new is not None else set()
    return {
        "before": len(were),
        "now": len(are),
        "needed_before": needed(old),
        "needed_now": needed(new),
        "gone": sorted(name for name, _ in were - are),
        "added": sorted(name for name, _ in are - were),
    }


def needed(policy: Policy | None) -> str:
    """The quorum in few words: how many of how many, or its name where it is not one group of witnesses."""
    if policy is None:
        return ""
    group = policy.groups.get(policy.quorum)
    if group is None or set(group.members) & set(policy.groups):
        return policy.quorum
    return f"{group.threshold}/{len(group.members)}"


@lru_cache(maxsize=8)
def _read(text: str) -> Policy | None:
    try:
        return policy.read(text)
    except Rejected:  # nobody should have put it there; nothing is believed by it
        return None


@lru_cache(maxsize=8)
def policy_of(registry: Registry) -> Policy | None:
    """The policy that counts by this registry; None where there is none. A witness counts in it where its key is the
    one that its agency has introduced."""
    read = _read(text_in(registry)) if registry.members else None
    if read is None:
        return None
    ours = {*of(registry).values(), *of(registry, ML_DSA_44_COSIGNATURE).values()}
    return replace(read, witnesses={name: key for name, key in read.witnesses.items() if key in ours})
