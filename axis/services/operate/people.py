"""Certificates below an agency in the registry: of its people, who sign for themselves, and to seal to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from axis.core.ballot import values
from axis.core.instant import to_text, whole
from axis.core.registry import Certificate
from axis.errors import Fault, Misconfigured, Problem, rejected
from axis.infra import keystore
from axis.services.operate import registry as members

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from axis.core.registry import Registry
    from axis.core.signature import KeySigner
    from axis.infra.keystore import KeyType
    from axis.services.operate.registry import Registrar

PERSONS, SEALS = "persons", "seals"  # folders beside the agencies' own keys


def add(registrar: Registrar, holder: str, name: str, key_type: KeyType, now: datetime) -> Registry:
    """A key and a certificate for a person (``tv-01@G06``) of the agency behind the @; who had one that was revoked or
    has ended gets another. Raises Rejected BALLOT_SHAPE, AGENCY_UNKNOWN; Misconfigured HOME_EXISTS."""
    if not values.is_holder(holder):
        raise rejected(Fault.BALLOT_SHAPE, holder, "tv-01@G06", "PERSON")
    registry = registrar.registry()
    code = members.member_code(registrar, values.agency_of(holder))
    if code != values.agency_of(holder):
        raise rejected(Fault.AGENCY_UNKNOWN, values.agency_of(holder), code)
    if any(_is_good(one, now) for _, one in registry.persons().get(holder, [])):
        raise Misconfigured(Problem(Fault.HOME_EXISTS, got=holder))
    authority = keystore.load_signer(registrar.home / "pki", "ca")
    signer = keystore.new_person(authority, holder, name, key_type, now)
    _keep_key(registrar.home / "keys" / PERSONS, holder, signer)
    return _give(registrar, code, Certificate(signer.der, "person", holder=holder), "person", now)


def seal(registrar: Registrar, code: str, now: datetime) -> Registry:
    """A key and a certificate with which others seal to the agency; where it has one, another, and the old one is no
    more sealed with. Raises Rejected AGENCY_UNKNOWN."""
    code = members.member_code(registrar, code)
    signer = keystore.new_seal(keystore.load_signer(registrar.home / "pki", "ca"), code, now)
    # What was sealed with an earlier one is opened with that: each has a file of its own.
    entry = Certificate(signer.der, "encrypt")
    _keep_key(registrar.home / "keys" / SEALS, f"{code}.{entry.digest[:16]}", signer)
    return _give(registrar, code, entry, "seal", now)


def revoke(registrar: Registrar, holder: str, reason: str, now: datetime) -> Registry:
    """From now on the person signs nothing more. Raises Rejected PERSON_UNKNOWN."""
    registry = registrar.registry()
    held = registry.persons().get(holder)
    if held is None:
        raise rejected(Fault.PERSON_UNKNOWN, holder)
    code = held[-1][0]
    certificates = [
        replace(one, revoked_at=whole(now)) if one.holder == holder and one.revoked_at is None else one
        for one in registry.by_code[code].certificates
    ]
    return members.reissue(registrar, code, certificates, "revoke", reason, now)


def listed(registry: Registry, now: datetime) -> list[dict[str, Any]]:
    """Every person's certificates: holder, agency, until when, standing."""
    return [
        {
            "person": holder,
            "agency": code,
            "name": str(one.x509.subject.rfc4514_string().partition("O=")[2].partition(",")[0]),
            "ends_at": to_text(one.x509.not_valid_after_utc),
            "revoked_at": to_text(one.revoked_at) if one.revoked_at else "",
            "standing": "active" if _is_good(one, now) else "closed",
        }
        for holder, held in sorted(registry.persons().items())
        for code, one in held
    ]


def _is_good(one: Certificate, now: datetime) -> bool:
    return one.revoked_at is None and now <= one.x509.not_valid_after_utc


def _give(registrar: Registrar, code: str, entry: Certificate, what: str, now: datetime) -> Registry:
    held = registrar.registry().by_code[code].certificates
    return members.reissue(registrar, code, (*held, entry), what, "", now)


def _keep_key(folder: Path, name: str, signer: KeySigner) -> None:
    """The key lies there before the registry names it; one that the registry never came to name is replaced."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for ending in ("key", "pem"):
        (folder / f"{name}.{ending}").unlink(missing_ok=True)
    keystore.save_signer(folder, name, signer)
