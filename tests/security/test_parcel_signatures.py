"""Other ways to write a signature: each is refused, also where the member's own key has made it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes

from axis.core import parcel
from axis.core.signature import EXC_C14N
from axis.errors import Fault
from tests import pki
from tests.security.parcels import (
    OTHER_FORMS,
    OTHER_PROPERTIES,
    SIGNATURES,
    UNSIGNED_PLACES,
    refused,
    resigned,
    swap,
    value_of,
    verified_both_ways,
    with_file,
    with_value,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True, scope="module")
def every_parcel_isverified_both_ways() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parcel, "verify", verified_both_ways)
        yield


@pytest.mark.parametrize("code", ["G22", "H29", "H41"])
def test_signing_again_without_any_change_is_accepted_so_the_tool_of_the_next_tests_is_right(code: str) -> None:
    again = resigned(pki.good(code), pki.signer(code), lambda text: text)
    assert parcel.verify(again, pki.registry(), pki.NOW).signer == code


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_another_signed_info_is_refused_though_the_members_own_key_signed_it(form: str) -> None:
    assert refused(resigned(pki.good(), pki.signer("G22"), OTHER_FORMS[form])) is Fault.SIG_VALUE


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_another_signed_info_is_refused_also_around_the_good_value(form: str) -> None:
    assert refused(with_file(SIGNATURES, OTHER_FORMS[form])) is Fault.PARCEL_NOT_CANONICAL


@pytest.mark.parametrize("form", OTHER_PROPERTIES)
def test_other_signed_properties_are_refused_though_the_members_own_key_signed_them(form: str) -> None:
    assert refused(resigned(pki.good(), pki.signer("G22"), OTHER_PROPERTIES[form])) is Fault.SIG_DIGEST


@pytest.mark.parametrize("place", UNSIGNED_PLACES)
def test_what_the_signature_does_not_cover_must_still_be_the_fixed_bytes(place: str) -> None:
    fault = refused(with_file(SIGNATURES, UNSIGNED_PLACES[place]))
    assert fault is (Fault.SIG_SHAPE if place == "a line break in the value" else Fault.PARCEL_NOT_CANONICAL)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace(b"<ds:DigestValue>", b"<ds:DigestValue><!-- -->", 1),
        lambda t: t.replace(b"</ds:DigestValue>", b"<!-- --></ds:DigestValue>", 1),
    ],
)
def test_a_comment_in_a_digest_is_never_half_a_digest(change: Callable[[bytes], bytes]) -> None:
    assert refused(with_file(SIGNATURES, change)) is Fault.PARCEL_NOT_CANONICAL


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            f'<ds:CanonicalizationMethod Algorithm="{EXC_C14N}"',
            f'<ds:CanonicalizationMethod Algorithm="{EXC_C14N}WithComments"',
        ),
        (
            f'<ds:CanonicalizationMethod Algorithm="{EXC_C14N}"',
            '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"',
        ),
        ('Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"', 'Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"'),
        (
            'Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"',
            'Algorithm="http://www.w3.org/2001/04/xmldsig-more#md5"',
        ),
        (
            'Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"',
            'Algorithm="http://www.w3.org/2001/04/xmldsig-more#sha224"',
        ),
        ("xmldsig-more#ecdsa-sha256", "xmldsig-more#ecdsa-sha1"),
        ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
        ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "http://www.w3.org/2000/09/xmldsig#dsa-sha1"),
        ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "http://www.w3.org/2000/09/xmldsig#hmac-sha1"),
        ("xmldsig-more#ecdsa-sha256", "xmldsig-more#hmac-sha256"),
        (
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        ),
        ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", ""),
        # allowed methods, but not with this key
        ("xmldsig-more#ecdsa-sha256", "xmldsig-more#ecdsa-sha384"),
        ("xmldsig-more#ecdsa-sha256", "xmldsig-more#rsa-sha256"),
    ],
)
def test_every_other_algorithm_is_refused(old: str, new: str) -> None:
    assert refused(with_file(SIGNATURES, swap(old, new))) is Fault.SIG_ALG


def test_a_p256_key_with_sha384_is_refused_though_the_value_is_right() -> None:
    change = swap("xmldsig-more#ecdsa-sha256", "xmldsig-more#ecdsa-sha384")
    assert refused(resigned(pki.good(), pki.signer("G22"), change, hash_=hashes.SHA384())) is Fault.SIG_ALG


# -- The signature value -----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["G22", "H41"])
def test_the_larger_s_is_refused_though_mathematics_accepts_it(code: str) -> None:
    assert refused(resigned(pki.good(code), pki.signer(code), lambda t: t, high=True)) is Fault.SIG_VALUE


@pytest.mark.parametrize("code", ["G22", "H29", "H41"])
@pytest.mark.parametrize(
    "change",
    [
        lambda v: b"",
        lambda v: v[:-1],
        lambda v: v + b"\0",
        lambda v: b"\0" + v,
        lambda v: bytes(len(v)),
        lambda v: b"\xff" * len(v),
        lambda v: bytes(len(v) // 2) + v[len(v) // 2 :],
        lambda v: v[: len(v) // 2] + bytes(len(v) // 2),
        lambda v: v[len(v) // 2 :] + v[: len(v) // 2],
        lambda v: v[:-1] + bytes([v[-1] ^ 1]),
        lambda v: v + v,
    ],
)
def test_any_other_signature_value_is_refused(code: str, change: Callable[[bytes], bytes]) -> None:
    good = pki.good(code)
    assert refused(with_value(good, change(value_of(good)))) is Fault.SIG_VALUE


def test_a_value_in_der_as_other_tools_write_it_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    value = value_of(pki.good())
    der = encode_dss_signature(int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big"))
    assert refused(with_value(pki.good(), der)) is Fault.SIG_VALUE


def test_base64_that_stands_for_the_same_bytes_otherwise_is_refused() -> None:
    # The last character before "==" has four bits that nothing depends on.
    text = base64.b64encode(value_of(pki.good())).decode()
    assert text.endswith("==")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = text[:-3] + alphabet[alphabet.index(text[-3]) ^ 1] + "=="
    assert base64.b64decode(twin) == base64.b64decode(text)
    assert refused(with_file(SIGNATURES, swap(text, twin))) is Fault.PARCEL_NOT_CANONICAL
