"""Witness keys in homes, and they and the policy in a registry that is made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from axis.core import lineage, witnesses
from axis.core.instant import whole
from axis.core.log import policy
from axis.core.log.note import ED25519, ED25519_COSIGNATURE, ML_DSA_44_COSIGNATURE, VerifierKey
from axis.core.registry import HUB
from axis.errors import AxisError, Fault, Misconfigured, Problem
from axis.infra import keystore
from axis.services.hub.log import origin

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from axis.core.registry import Member, Registry
    from axis.core.signature import Signer

POLICY = "log.policy"  # below pki/


def make_keys(home: Path, codes: Iterable[str]) -> list[str]:
    """Witness keys for each of these agencies in their home, where there are none; for whom some were made."""
    return [code for code in codes if keystore.make_witness_keys(home / "keys", code)]


def introduce_all(home: Path, registry: Registry, now: datetime) -> Registry:
    """`registry` (of the same version) with the witness keys of the agencies whose keys are in `home`; those that an
    agency has introduced itself stay as they are."""
    known = {kind: witnesses.of(registry, kind) for kind in (ED25519_COSIGNATURE, ML_DSA_44_COSIGNATURE)}

    def introduced(member: Member) -> Member:
        wanted = {kind for kind, keys in known.items() if member.code not in keys}
        return _introduced(home, member, registry, wanted, now) if wanted and member.code != HUB else member

    return replace(registry, members=tuple(map(introduced, registry.members)))


def _introduced(home: Path, member: Member, registry: Registry, wanted: set[int], now: datetime) -> Member:
    """`member` with its witness keys of these kinds, by the key that it signs with, where `home` has them."""
    there = keystore.load_witness_keys(home / "keys", member.code)
    keys = [key for kind, key in there.items() if kind in wanted]
    try:
        signer = keystore.load_signer(home / "keys", member.code) if keys else None
    except AxisError:
        signer = None
    if signer is None or lineage.key_of(signer.certificate) not in lineage.trusted_keys(member):
        return member
    said = [lineage.introduce(registry.installation, member.code, k.public_key(), signer, whole(now)) for k in keys]
    return replace(member, certificates=(*member.certificates, *map(witnesses.entry, said)))


def with_policy(home: Path, registry: Registry, text: str, hub: Signer, now: datetime) -> Registry:
    """`registry` (of the same version) with this policy in the place of the one before; it is also written to
    ``pki/log.policy``. Raises :class:`~axis.errors.Rejected` LOG_POLICY; :class:`Misconfigured` KEY_FILE_MISSING."""
    policy.read(text)
    key = _log_key(home)
    said = lineage.introduce(registry.installation, HUB, key.public_key(), hub, whole(now))
    members = tuple(
        replace(
            member,
            certificates=(
                *(one for one in member.certificates if not witnesses.is_policy(one)),
                witnesses.policy_entry(said, text),
            ),
        )
        if member.code == HUB
        else member
        for member in registry.members
    )
    keystore.replace_file(home / "pki" / POLICY, text.encode())
    return replace(registry, members=members)


def _log_key(home: Path) -> keystore.NoteKey:
    found = keystore.load_log_key(home / "pki")
    if found is None:
        raise Misconfigured(Problem(Fault.KEY_FILE_MISSING, got=f"{home}/pki/log.key"))
    return found[0]


def log_of(home: Path, installation: str, name: str = "") -> VerifierKey:
    """The log's key, as verifiers know it: under `name`, or the one that a first log has. Raises
    :class:`Misconfigured` KEY_FILE_MISSING."""
    public = _log_key(home).public_key().public_bytes_raw()
    return VerifierKey(name or origin(installation), ED25519, public)


def furnished(home: Path, registry: Registry, hub: Signer, now: datetime) -> Registry:
    """A new home's registry, where its agencies' keys are made with it: all of them are witnesses, and more than half
    of them are a quorum."""
    make_keys(home, (member.code for member in registry.agencies))
    introduced = introduce_all(home, registry, now)
    found = witnesses.of(introduced)
    if not found:
        return introduced
    others = witnesses.of(introduced, ML_DSA_44_COSIGNATURE)
    text = witnesses.majority(log_of(home, registry.installation), found, others)
    return with_policy(home, introduced, text, hub, now)


def policy_text(home: Path) -> str:
    """The policy in ``pki/log.policy``. Raises :class:`Misconfigured` FILE_UNUSABLE."""
    path = home / "pki" / POLICY
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(Problem(Fault.FILE_UNUSABLE, str(path), got=type(error).__name__)) from None
