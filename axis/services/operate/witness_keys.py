"""Witness keys in homes, and they and the policy in a registry that is made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from axis.core import lineage, witnesses
from axis.core.instant import whole
from axis.core.log import policy
from axis.core.log.note import ED25519, VerifierKey
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
    """A witness key for each of these agencies in their home, where there is none; for whom one was made."""
    return [code for code in codes if keystore.make_witness_key(home / "keys", code)]


def introduce_all(home: Path, registry: Registry, now: datetime) -> Registry:
    """`registry` (of the same version) with the witness keys of the agencies whose keys are in `home`; those that an
    agency has introduced itself stay as they are."""
    known = witnesses.of(registry)
    members = tuple(
        member if member.code == HUB or member.code in known else _introduced(home, member, registry, now)
        for member in registry.members
    )
    return replace(registry, members=members)


def _introduced(home: Path, member: Member, registry: Registry, now: datetime) -> Member:
    found = keystore.load_witness_key(home / "keys", member.code)
    try:
        signer = keystore.load_signer(home / "keys", member.code)
    except AxisError:
        return member
    if found is None or lineage.key_of(signer.certificate) not in lineage.trusted_keys(member):
        return member
    said = lineage.introduce(registry.installation, member.code, found[0].public_key(), signer, whole(now))
    return replace(member, certificates=(*member.certificates, witnesses.entry(said)))


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
    text = witnesses.majority(log_of(home, registry.installation), found)
    return with_policy(home, introduced, text, hub, now)


def policy_text(home: Path) -> str:
    """The policy in ``pki/log.policy``. Raises :class:`Misconfigured` FILE_UNUSABLE."""
    path = home / "pki" / POLICY
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(Problem(Fault.FILE_UNUSABLE, str(path), got=type(error).__name__)) from None
