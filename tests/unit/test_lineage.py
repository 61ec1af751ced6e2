"""A member's key is named by the key before it: a registry that says otherwise takes no registry's place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from axis.core import lineage, signature
from axis.core.registry import HUB, Certificate, Member, Registry, signing_certificate
from axis.core.signature import KeySigner
from axis.errors import Fault, Rejected
from axis.infra import keystore
from tests import pki

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

NOW = pki.NOW
HOUR = timedelta(hours=1)
AUTHORITY = keystore.new_authority(NOW - HOUR)
PLACE = "11111111-1111-1111-1111-111111111111"


def new(code: str = "H41") -> KeySigner:
    return keystore.new_member(AUTHORITY, code, code, "p256", NOW - HOUR)


FIRST, SECOND, THIRD, THIEF, OTHER = new(), new(), new(), new(), new("G22")
REGISTRARS = [keystore.new_registrar(f"R{number}", NOW - HOUR) for number in range(3)]


class TokenSigner:
    """A signer of somebody else's making: the key is not to be had of it."""

    def __init__(self, within: KeySigner) -> None:
        self._ask = within.sign
        self.certificate, self.der = within.certificate, within.der

    def sign(self, data: bytes) -> bytes:
        return self._ask(data)


def said(
    heir: KeySigner, by: signature.Signer, code: str = "H41", place: str = PLACE, ago: timedelta = HOUR
) -> Certificate:
    key: ec.EllipticCurvePublicKey = heir.key.public_key()  # type: ignore[assignment]
    return lineage.entry(lineage.introduce(place, code, key, by, NOW - ago))


def sign(signer: KeySigner, **facts: object) -> Certificate:
    return replace(signing_certificate(signer.certificate), **facts)  # type: ignore[arg-type]


def registry(*h41: Certificate, hub: tuple[Certificate, ...] = (), version: int = 1, **facts: object) -> Registry:
    members = (
        Member("G22", "G22", certificates=(sign(OTHER), said(OTHER, OTHER, "G22"))),
        Member("H41", "H41", certificates=h41),
        Member(HUB, "Trục", certificates=(sign(pki.signer(HUB)), *hub)),
    )
    return replace(Registry(PLACE, version, NOW, members), **facts)  # type: ignore[arg-type]


OWN = (sign(FIRST), said(FIRST, FIRST))
BEFORE = registry(*OWN)
NAMED = tuple(lineage.registrar_entry(one.certificate, 2, 24) for one in REGISTRARS)


def follows(after: Registry, before: Registry = BEFORE) -> bool:
    try:
        lineage.check_follows(before, replace(after, version=before.version + 1), NOW)
    except Rejected as error:
        return error.fault is not Fault.KEY_HEIR
    return True


def test_the_key_before_names_its_heir_and_that_one_the_next() -> None:
    assert follows(registry(*OWN, sign(SECOND), said(SECOND, FIRST)))
    chain = (sign(THIRD), said(THIRD, SECOND), sign(SECOND), said(SECOND, FIRST))
    assert follows(registry(*OWN, *chain)), "whoever was away for two changes follows, too"


def test_a_token_may_name_the_heir() -> None:
    assert follows(registry(*OWN, sign(SECOND), said(SECOND, TokenSigner(FIRST))))


@pytest.mark.parametrize("kind", ["H29", "H41"])
def test_a_key_of_any_kind_may_name_an_heir(kind: str) -> None:
    before = pki.signer(kind)  # RSA, P-384
    introduced = x509.load_der_x509_certificate(said(SECOND, before, ago=timedelta(0)).der)
    assert lineage.vouched(introduced, lineage.key_of(before.certificate))
    assert not lineage.vouched(introduced, lineage.key_of(FIRST.certificate))
    assert not introduced.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)


def test_another_certificate_of_the_same_key_needs_no_introduction() -> None:
    twin = keystore.certify_member(AUTHORITY, "H41", "H41", FIRST.key.public_key(), NOW)
    assert follows(registry(*OWN, signing_certificate(twin)))


STOLEN = {
    "a key alone": (sign(THIEF),),
    "a key that names itself": (sign(THIEF), said(THIEF, THIEF)),
    "a key that the hub names": (sign(THIEF), said(THIEF, pki.signer(HUB))),
    "a key that another agency names": (sign(THIEF), said(THIEF, OTHER)),
    "the heir of another agency": (sign(THIEF), said(THIEF, FIRST, code="G22")),
    "the heir in another installation": (sign(THIEF), said(THIEF, FIRST, place="2" * 36)),
    "the heir without an installation": (sign(THIEF), said(THIEF, FIRST, place="")),
    "an introduction of another key": (sign(THIEF), said(SECOND, FIRST)),
    "two that name each other": (sign(THIEF), said(THIEF, SECOND), sign(SECOND), said(SECOND, THIEF)),
    "one registrar": (sign(THIEF), said(THIEF, REGISTRARS[0], ago=timedelta(hours=25))),
}


@pytest.mark.parametrize("how", STOLEN)
def test_nobody_else_gives_a_member_a_key(how: str) -> None:
    with_registrars = registry(*OWN, hub=NAMED)
    assert not follows(registry(*OWN, *STOLEN[how]))
    assert not follows(registry(*OWN, *STOLEN[how], hub=NAMED), with_registrars)
    assert not follows(registry(*STOLEN[how], hub=NAMED), with_registrars), "and not in the place of its own"


def test_nothing_that_is_known_of_keys_is_taken_back() -> None:
    ended = registry(replace(OWN[0], revoked_at=NOW), OWN[1], sign(SECOND), said(SECOND, FIRST))
    assert follows(registry(replace(OWN[0], revoked_at=NOW), *OWN[1:]))
    assert not follows(registry(*OWN, sign(SECOND), said(SECOND, FIRST)), ended), "revoked, and good again"
    assert not follows(registry(OWN[1])), "a key is gone"
    assert not follows(replace(BEFORE, members=BEFORE.members[1:])), "a member is gone"
    bare = tuple(replace(m, certificates=tuple(c for c in m.certificates if c.use == "sign")) for m in BEFORE.members)
    assert not follows(replace(BEFORE, members=bare)), "the introductions are gone"
    assert not follows(registry(*OWN, hub=NAMED)), "registrars come by enrolment only"
    assert not follows(registry(*OWN, issued_at=NOW + HOUR)), "of a day to come"
    assert follows(BEFORE)


def test_a_revoked_key_names_no_heir() -> None:
    ended = (replace(OWN[0], revoked_at=NOW), OWN[1])
    assert not follows(registry(*ended, sign(THIEF), said(THIEF, FIRST)), registry(*ended))


def test_enough_registrars_give_a_lost_key_an_heir_after_the_wait() -> None:
    before = registry(*OWN, hub=NAMED)
    day = timedelta(hours=24)

    def heir(*ago: timedelta) -> Registry:
        voices = [said(SECOND, one, ago=since) for one, since in zip(REGISTRARS, ago, strict=False)]
        return registry(*OWN, sign(SECOND), *voices, hub=NAMED)

    assert follows(heir(day, day), before)
    assert not follows(heir(day, day - timedelta(seconds=1)), before), "the wait is not over"
    assert not follows(heir(day), before), "one is not enough"
    assert not follows(registry(*OWN, sign(SECOND), *[said(SECOND, REGISTRARS[0], ago=day)] * 2, hub=NAMED), before)
    assert lineage.claimed(before, heir(HOUR, HOUR), "H41") != []
    assert lineage.claimed(before, registry(*OWN, said(SECOND, FIRST), hub=NAMED), "H41") == []


def test_a_member_that_had_no_key_gets_its_first_by_the_hubs_word() -> None:
    assert follows(BEFORE, registry())


def test_a_registry_without_introductions_binds_nobody() -> None:
    old = Registry(PLACE, 1, NOW, (Member("H41", "H41", certificates=(sign(FIRST),)),))
    assert not lineage.is_kept(old)
    assert follows(registry(*OWN, sign(SECOND)), old)
    assert lineage.made_at_the_centre(old, NOW) == ["H41"]
    assert lineage.made_at_the_centre(BEFORE, NOW) == []
