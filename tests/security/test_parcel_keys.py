"""Whose key may have signed a parcel, when, and for whom."""

from __future__ import annotations

import base64
import warnings
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from axis.core import parcel
from axis.core import registry as trust
from axis.core.registry import AuthorityOnly, HubOnly, Registry
from axis.core.signature import KeySigner
from axis.errors import Fault, Rejected
from tests import pki
from tests.security.parcels import (
    SIGNATURES,
    entries_of_cached,
    refused,
    swap,
    trusts,
    verified_both_ways,
    with_certificate,
    with_file,
    zip_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="module")
def every_parcel_isverified_both_ways() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parcel, "verify", verified_both_ways)
        yield


# -- P-06, P-07: keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["rsa1024", "p192", "k256"])
def test_a_weak_key_cannot_sign_here_and_what_it_signed_elsewhere_is_refused(kind: str) -> None:
    weak = pki.weak_signer(kind)
    with pytest.raises(Rejected) as caught:
        parcel.build(parcel.DOCUMENT, b"x", (), weak, pki.NOW)
    assert caught.value.fault is Fault.SIG_WEAK_KEY
    # Even if an operator's mistake put it into the registry:
    registry = pki.registry_with(trust.Member("K10", "Yếu", certificates=(pki.entry(weak),)))
    assert refused(with_certificate(pki.good("H29"), weak.der), registry) is Fault.SIG_WEAK_KEY


def test_an_ed25519_key_is_refused() -> None:
    other = pki.weak_signer("ed25519")
    with pytest.raises(Rejected) as caught:
        parcel.build(parcel.DOCUMENT, b"x", (), other, pki.NOW)
    assert caught.value.fault is Fault.SIG_ALG
    registry = pki.registry_with(trust.Member("K10", "Lạ", certificates=(pki.entry(other),)))
    assert refused(with_certificate(pki.good("H29"), other.der), registry) is Fault.SIG_ALG


def test_an_attackers_parcel_in_the_victims_name_is_refused() -> None:
    forged = parcel.build(parcel.DOCUMENT, pki.DOCUMENT, pki.ATTACHMENTS[:2], pki.impostor(), pki.NOW)
    assert refused(forged) is Fault.SIG_SIGNER
    assert refused(forged, AuthorityOnly(pki.authority().certificate)) is Fault.SIG_SIGNER
    assert refused(forged, HubOnly(pki.entry(pki.signer("HUB")))) is Fault.SIG_SIGNER
    # Nothing but the trust is wrong with it.
    assert parcel.verify(forged, AuthorityOnly(pki.other_authority().certificate), pki.NOW).signer == "G22"


def test_the_victims_certificate_with_the_attackers_signature_is_refused() -> None:
    attacker = KeySigner(pki.impostor().key, pki.signer("G22").certificate)
    assert refused(parcel.build(parcel.DOCUMENT, pki.DOCUMENT, (), attacker, pki.NOW)) is Fault.SIG_VALUE


def test_another_members_certificate_beside_a_good_signature_is_refused() -> None:
    assert refused(with_certificate(pki.good("G22"), pki.signer("H29.10").der)) is Fault.SIG_DIGEST


def test_the_attackers_certificate_beside_a_good_signature_is_refused() -> None:
    assert refused(with_certificate(pki.good("G22"), pki.impostor().der)) is Fault.SIG_SIGNER


def test_a_second_certificate_of_the_same_key_is_refused() -> None:
    twin = pki.certificate(pki.signer("G22").key.public_key(), "G22")
    both = pki.registry_with(
        trust.Member(
            "G22", "x", certificates=(pki.entry(pki.signer("G22")), pki.entry(KeySigner(pki.signer("G22").key, twin)))
        )
    )
    assert parcel.verify(pki.good("G22"), both, pki.NOW).signer == "G22"
    der = KeySigner(pki.signer("G22").key, twin).der
    assert refused(with_certificate(pki.good("G22"), der), both) is Fault.SIG_DIGEST


def test_a_key_value_in_place_of_or_beside_the_certificate_is_refused() -> None:
    key = "<ds:KeyValue></ds:KeyValue>"
    assert refused(with_file(SIGNATURES, swap("<ds:KeyInfo>", f"<ds:KeyInfo>{key}"))) is Fault.SIG_SHAPE
    second = "<ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>"
    assert refused(with_file(SIGNATURES, swap("</ds:X509Data>", second))) is Fault.SIG_SHAPE


@pytest.mark.parametrize(
    "der", [b"", b"\x30", b"\x30\x00", b"no certificate", bytes(2000), b"\x30\x84\xff\xff\xff\xff"]
)
def test_a_certificate_that_is_none_is_refused(der: bytes) -> None:
    changed = with_certificate(pki.good(), der)
    for trusting in trusts():
        assert refused(changed, trusting) is Fault.SIG_SIGNER


def test_a_certificate_of_an_unheard_of_version_is_refused_and_breaks_nothing() -> None:
    der = pki.signer("G22").der
    version = der.index(bytes.fromhex("a003020102"))
    changed = with_certificate(pki.good(), der[: version + 4] + b"\x04" + der[version + 5 :])
    for trusting in trusts():
        assert refused(changed, trusting) is Fault.SIG_SIGNER


def test_every_byte_of_the_certificate_changed_in_turn_is_refused_by_every_trust() -> None:
    der, refusals = pki.signer("H41").der, 0
    assert AuthorityOnly(pki.authority().certificate).certificate(der, pki.NOW)[0] == "H41"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns of serial numbers below zero
        for place in range(len(der)):
            for flip in (0x04, 0xFF):
                changed = bytearray(der)
                changed[place] ^= flip
                data = with_certificate_quickly(pki.good("H41"), bytes(changed))
                for trusting in trusts():
                    with pytest.raises(Rejected):
                        parcel.verify(data, trusting, pki.NOW)
                    refusals += 1
    assert refusals == len(der) * 2 * 3


def with_certificate_quickly(data: bytes, der: bytes) -> bytes:
    """As :func:`with_certificate`, for the same length, without opening the container."""
    entry = entries_of_cached(data)
    start, end = (
        entry[-1].content.index(b"<ds:X509Certificate>") + 20,
        entry[-1].content.index(b"</ds:X509Certificate>"),
    )
    text = entry[-1].content[:start] + base64.b64encode(der) + entry[-1].content[end:]
    return zip_of([*entry[:-1], replace(entry[-1], content=text)])


def test_an_attackers_certificate_of_any_name_gives_a_short_harmless_refusal() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    named = KeySigner(key, pki.certificate(key.public_key(), "x" * 64, issuer=pki.other_authority()))
    with pytest.raises(Rejected) as caught:
        parcel.verify(parcel.build(parcel.DOCUMENT, b"x", (), named, pki.NOW), pki.registry(), pki.NOW)
    assert len(caught.value.problems[0].got) <= 200


# -- P-08: in time, and for the right use -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("A41", Fault.KEY_EXPIRED),
        ("B10", Fault.KEY_EXPIRED),
        ("C20", Fault.KEY_REVOKED),
        ("D30", Fault.KEY_ROLE),
    ],
)
def test_a_key_that_is_not_good_now_is_refused(code: str, fault: Fault) -> None:
    assert refused(parcel.build(parcel.DOCUMENT, b"x", (), pki.signer(code), pki.NOW)) is fault


def test_what_was_accepted_before_the_revocation_stays_good_as_of_then() -> None:
    then = pki.REVOKED_AT - timedelta(hours=1)
    old = parcel.build(parcel.DOCUMENT, b"x", (), pki.signer("C20"), then)
    assert parcel.verify(old, pki.registry(), then).signer == "C20"
    last = pki.REVOKED_AT - timedelta(milliseconds=1)
    assert parcel.verify(old, pki.registry(), last).signer == "C20"
    for moment in (pki.REVOKED_AT, pki.NOW):
        with pytest.raises(Rejected) as caught:
            parcel.verify(old, pki.registry(), moment)
        assert caught.value.fault is Fault.KEY_REVOKED


def test_a_revoked_key_gains_nothing_by_writing_an_old_signing_time() -> None:
    backdated = parcel.build(parcel.DOCUMENT, b"x", (), pki.signer("C20"), pki.REVOKED_AT - 30 * pki.DAY)
    assert refused(backdated) is Fault.KEY_REVOKED


def test_what_was_accepted_before_the_certificate_ran_out_stays_good_as_of_then() -> None:
    then = pki.EXPIRED_AT - pki.DAY
    old = parcel.build(parcel.DOCUMENT, b"x", (), pki.signer("A41"), then)
    assert parcel.verify(old, pki.registry(), then).signer == "A41"
    assert parcel.verify(old, pki.registry(), pki.EXPIRED_AT).signer == "A41"
    for moment in (pki.EXPIRED_AT + timedelta(seconds=1), pki.NOW):
        with pytest.raises(Rejected) as caught:
            parcel.verify(old, pki.registry(), moment)
        assert caught.value.fault is Fault.KEY_EXPIRED


@pytest.mark.parametrize("at", [pki.ISSUED - pki.DAY, pki.NOW + 4000 * pki.DAY])
def test_nobody_signs_before_or_after_the_time_of_his_certificate(at: Any) -> None:
    assert refused(parcel.build(parcel.DOCUMENT, b"x", (), pki.signer("G22"), at)) is Fault.KEY_EXPIRED


def test_an_outsider_with_the_ca_alone_is_told_of_use_and_time_too() -> None:
    outsider = AuthorityOnly(pki.authority().certificate)
    for code, fault in (("A41", Fault.KEY_EXPIRED), ("B10", Fault.KEY_EXPIRED), ("D30", Fault.KEY_ROLE)):
        assert refused(parcel.build(parcel.DOCUMENT, b"x", (), pki.signer(code), pki.NOW), outsider) is fault


def test_the_ca_itself_signs_no_parcels() -> None:
    own = parcel.build(parcel.DOCUMENT, b"x", (), pki.authority(), pki.NOW)
    assert refused(own) is Fault.SIG_SIGNER
    # It is self-issued, so an outsider could take it for a member of its own.
    assert refused(own, AuthorityOnly(pki.authority().certificate)) is Fault.KEY_ROLE


def test_a_member_cannot_issue_certificates_to_others() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    made = KeySigner(key, pki.certificate(key.public_key(), "H41", issuer=pki.signer("G22")))
    outsider = AuthorityOnly(pki.authority().certificate)
    assert refused(parcel.build(parcel.DOCUMENT, b"x", (), made, pki.NOW), outsider) is Fault.SIG_SIGNER


# -- P-09, P-10: rights and empty registries ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("organ", "signer", "allowed"),
    [
        ("G22", "G22", True),
        ("H29", "H29", True),
        ("H29.20", "H29", True),
        ("H29.20.01", "H29", True),
        ("000.00.20.H29", "H29", True),
        ("H29.10", "H29.10", True),
        ("H29.10.05", "H29.10", True),
        ("H41", "G22", False),
        ("H29.10", "H29", False),  # it has a nearer member
        ("H29.10.05", "H29", False),
        ("H29", "H29.10", False),  # a unit for the body above it
        ("H29.20", "H29.10", False),
        ("G22", "HUB", False),
    ],
)
def test_a_signer_speaks_for_itself_and_for_units_with_no_nearer_member(organ: str, signer: str, allowed: bool) -> None:
    if allowed:
        trust.check_authority(organ, signer, pki.registry())
        return
    with pytest.raises(Rejected) as caught:
        trust.check_authority(organ, signer, pki.registry())
    assert caught.value.fault is Fault.AUTHZ_MISMATCH


def test_nobody_is_trusted_by_an_empty_registry() -> None:
    empty = Registry("test", 1, pki.NOW, ())
    assert refused(pki.good("G22", 1), empty) is Fault.SIG_SIGNER
    assert refused(pki.good("H29", 1), empty) is Fault.SIG_SIGNER


def test_a_member_without_certificates_signs_nothing() -> None:
    bare = pki.registry_with(trust.Member("H41", "x"))
    assert refused(pki.good("H41"), bare) is Fault.SIG_SIGNER
