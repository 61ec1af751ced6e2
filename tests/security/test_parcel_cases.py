"""Attacks on the parcel. Each changes one thing in something good, and has one code; the good one stays good.

Where it matters whose hand did it, the changed parcel is signed again: by a member's own key (so that every
digest and the signature value are right, and only the closed form can refuse it), or by an attacker's.
"""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from axis.core import parcel
from axis.core.registry import AuthorityOnly
from axis.errors import Fault, Rejected
from tests import pki
from tests.security.parcels import (
    MANIFEST,
    OTHER_FORMS,
    OTHER_PROPERTIES,
    SIGNATURES,
    UNSIGNED_PLACES,
    Entry,
    _verify,
    entries_of,
    refused,
    resigned,
    swap,
    tricks,
    verified_both_ways,
    with_entry,
    with_file,
    zip_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True, scope="module")
def every_parcel_isverified_both_ways() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parcel, "verify", verified_both_ways)
        yield


def test_the_tests_own_zip_writer_makes_the_good_parcel_byte_for_byte() -> None:
    for code in ("G22", "H29", "H41"):
        assert zip_of(entries_of(pki.good(code, 3))) == pki.good(code, 3)


# -- P-13: exhaustively ------------------------------------------------------------------------------------


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80])
def test_every_byte_of_a_good_parcel_changed_in_turn_is_refused(flip: int) -> None:
    good, registry = pki.good("G22", 1), pki.registry()
    parcel.verify(good, registry, pki.NOW)
    refusals = 0
    for place in range(len(good)):
        changed = bytearray(good)
        changed[place] ^= flip
        with pytest.raises(Rejected):
            parcel.verify(bytes(changed), registry, pki.NOW)
        refusals += 1
    assert refusals == len(good)
    assert refusals > 4_000


def test_every_byte_changed_is_refused_by_an_outsider_with_the_ca_alone_too() -> None:
    good, outsider = pki.good("H41", 1), AuthorityOnly(pki.authority().certificate)
    assert parcel.verify(good, outsider, pki.NOW).signer == "H41"
    refusals = 0
    for place in range(len(good)):
        changed = bytearray(good)
        changed[place] ^= 0x01
        with pytest.raises(Rejected):
            parcel.verify(bytes(changed), outsider, pki.NOW)
        refusals += 1
    assert refusals == len(good)


@pytest.mark.parametrize("code", ["G22", "H29", "H41"])
def test_the_quick_way_and_the_close_way_take_the_same_parcel_of_thousands(code: str) -> None:
    good, registry, chance = pki.good(code), pki.registry(), random.Random(code)
    *others, last = entries_of(good)
    changed = [good]
    for place in range(len(good)):
        flipped = bytearray(good)
        flipped[place] ^= 1 << chance.randrange(8)
        changed.append(bytes(flipped))
    for place in range(len(last.content)):  # and with the container's checksums right again
        flipped = bytearray(last.content)
        flipped[place] ^= 1 << chance.randrange(7)
        changed.append(zip_of([*others, replace(last, content=bytes(flipped))]))
    if code == "G22":
        forms = [*OTHER_FORMS.values(), *OTHER_PROPERTIES.values()]
        changed += [resigned(good, pki.signer(code), form) for form in forms]
        changed += [with_file(SIGNATURES, form) for form in [*forms, *UNSIGNED_PLACES.values()]]
        changed += tricks().values()
    taken: dict[str, list[int]] = {"quickly": [], "closely": []}
    for number, data in enumerate(changed):
        if parcel._verify_quickly(data, registry, pki.NOW) is not None:
            taken["quickly"].append(number)
        with suppress(Rejected):
            parcel._verify_closely(data, registry, pki.NOW)
            taken["closely"].append(number)
    assert len(changed) > 7_000
    assert taken == {"quickly": [0], "closely": [0]}


def test_a_good_parcel_is_never_looked_at_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcel, "_verify_closely", None)
    for code in ("G22", "H29", "H41"):
        for attachments in range(4):
            assert _verify(pki.good(code, attachments), pki.registry(), pki.NOW).signer == code
    with pytest.raises(TypeError):
        _verify(pki.good() + b"x", pki.registry(), pki.NOW)


def test_a_parcel_cut_at_any_byte_is_refused() -> None:
    good, registry = pki.good("G22", 0), pki.registry()
    for length in range(len(good)):
        with pytest.raises(Rejected) as caught:
            parcel.verify(good[:length], registry, pki.NOW)
        assert caught.value.fault is Fault.PARCEL_ZIP, length
    assert parcel.verify(good, registry, pki.NOW).signer == "G22"


def test_a_byte_put_in_or_taken_out_anywhere_is_refused() -> None:
    good, registry = pki.good("G22", 0), pki.registry()
    for place in range(len(good)):
        for changed in (good[:place] + good[place + 1 :], good[:place] + b"\0" + good[place:]):
            with pytest.raises(Rejected):
                parcel.verify(changed, registry, pki.NOW)


# -- P-01: signatures that are not there, or too many ------------------------------------------------------


def test_a_parcel_without_a_signature_file_is_refused() -> None:
    assert refused(zip_of(entries_of(pki.good())[:-1])) is Fault.SIG_COUNT


@pytest.mark.parametrize("name", ["META-INF/signatures.xml", "META-INF/signatures2.xml", "META-INF/signatures0.xml"])
def test_a_parcel_with_two_signature_files_is_refused(name: str) -> None:
    entries = entries_of(pki.good())
    assert refused(zip_of([*entries, replace(entries[-1], name=name.encode())])) is Fault.SIG_COUNT


def test_two_signatures_in_the_file_are_refused() -> None:
    def doubled(text: bytes) -> bytes:
        start, end = text.index(b"<ds:Signature "), text.index(b"</ds:Signature>") + 15
        return text[:end] + text[start:end] + text[end:]

    assert refused(with_file(SIGNATURES, doubled)) is Fault.SIG_COUNT


def test_a_signature_file_without_signature_is_refused() -> None:
    def emptied(text: bytes) -> bytes:
        start, end = text.index(b"<ds:Signature "), text.index(b"</ds:Signature>") + 15
        return text[:start] + text[end:]

    assert refused(with_file(SIGNATURES, emptied)) is Fault.SIG_COUNT


def test_a_signature_wrapped_in_another_element_is_refused() -> None:
    def wrapped(text: bytes) -> bytes:
        return text.replace(b"<ds:Signature ", b"<w><ds:Signature ").replace(b"</ds:Signature>", b"</ds:Signature></w>")

    assert refused(with_file(SIGNATURES, wrapped)) is Fault.SIG_COUNT


def test_another_root_element_is_refused() -> None:
    assert refused(with_file(SIGNATURES, swap("XAdESSignatures", "Signatures", 2))) is Fault.SIG_SHAPE


@pytest.mark.parametrize(
    "text", [b"", b"no xml", b"\xef\xbb\xbf<a/>", b"<!DOCTYPE a><a/>", b"<?x y?><a/>", b"<a>" * 99]
)
def test_a_signature_file_that_is_not_clean_xml_is_refused(text: bytes) -> None:
    assert refused(with_file(SIGNATURES, lambda _: text)) is Fault.SIG_SHAPE


# -- P-02: coverage ----------------------------------------------------------------------------------------


def test_a_file_that_the_signature_does_not_name_is_refused() -> None:
    entries = entries_of(pki.good())
    added = [*entries[:-2], Entry(b"attachments/3", b"new"), *entries[-2:]]
    assert refused(zip_of(added)) is Fault.PARCEL_COVERAGE


def test_a_reference_whose_file_is_gone_is_refused() -> None:
    entries = entries_of(pki.good())
    assert refused(zip_of([e for e in entries if e.name != b"attachments/2"])) is Fault.PARCEL_COVERAGE


@pytest.mark.parametrize(
    ("uri", "fault"),
    [
        ("attachments/1", Fault.PARCEL_COVERAGE),  # twice
        ("attachments/9", Fault.PARCEL_COVERAGE),  # no such file
        ("mimetype", Fault.PARCEL_COVERAGE),
        ("document.edxml", Fault.PARCEL_COVERAGE),
        ("../attachments/2", Fault.SIG_REF),
        ("attachments/../attachments/2", Fault.SIG_REF),
        ("./attachments/2", Fault.PARCEL_COVERAGE),
        ("/attachments/2", Fault.SIG_REF),
        ("attachments/%32", Fault.SIG_REF),
        ("attachments%2F2", Fault.SIG_REF),
        ("attachments\\2", Fault.SIG_REF),
        ("http://127.0.0.1:9/x", Fault.SIG_REF),
        ("file:///etc/passwd", Fault.SIG_REF),
        ("", Fault.SIG_REF),
        ("#s1", Fault.SIG_REF),
        ("#xpointer(/)", Fault.SIG_REF),
        ("attachments/2?x", Fault.SIG_REF),
        ("attachments/2 ", Fault.SIG_REF),
    ],
)
def test_a_reference_to_anything_but_its_file_is_refused(uri: str, fault: Fault) -> None:
    assert refused(with_file(SIGNATURES, swap('URI="attachments/2"', f'URI="{uri}"'))) is fault
    # … and just the same when a member's own key signs that reference.
    signed = resigned(pki.good(), pki.signer("G22"), swap('URI="attachments/2"', f'URI="{uri}"'))
    assert refused(signed) is fault


def test_a_reference_without_uri_is_refused() -> None:
    assert refused(with_file(SIGNATURES, swap(' URI="attachments/2"', ""))) is Fault.SIG_REF


def test_references_in_another_order_are_refused() -> None:
    def turned(text: bytes) -> bytes:
        return (
            text.replace(b'"attachments/1"', b'"x"')
            .replace(b'"attachments/2"', b'"attachments/1"')
            .replace(b'"x"', b'"attachments/2"')
        )

    assert refused(with_file(SIGNATURES, turned)) is Fault.PARCEL_COVERAGE


# -- P-03: the files themselves ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["document.edxml", "attachments/1"])
@pytest.mark.parametrize("change", [lambda c: c + b" ", lambda c: c[:-1], lambda _: b"", lambda c: c.swapcase()])
def test_a_changed_file_is_refused_and_named(name: str, change: Callable[[bytes], bytes]) -> None:
    changed = with_file(name, change)
    assert refused(changed) is Fault.SIG_DIGEST
    with pytest.raises(Rejected) as caught:
        parcel.verify(changed, pki.registry(), pki.NOW)
    assert caught.value.problems[0].path == name


def test_two_attachments_exchanged_are_refused() -> None:
    entries = entries_of(pki.good())
    entries[2], entries[3] = replace(entries[2], content=entries[3].content), replace(entries[3], content=b"%PDF")
    assert refused(zip_of(entries)) is Fault.SIG_DIGEST


@pytest.mark.parametrize("name", [b"attachments/1/", b"attachments/01", b"Attachments/1", b"attachments/0", b"a.pdf"])
def test_a_renamed_attachment_is_refused(name: bytes) -> None:
    assert refused(with_entry(2, name=name)) is Fault.PARCEL_ZIP


@pytest.mark.parametrize("name", [b"receipt.xml", b"registry.xml"])
def test_a_document_cannot_be_turned_into_another_kind_of_parcel(name: bytes) -> None:
    entries = entries_of(pki.good("G22", 0))
    entries[1] = replace(entries[1], name=name)
    assert refused(zip_of(entries)) is Fault.PARCEL_COVERAGE


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m + b" ",
        lambda m: m.replace(b"octet-stream", b"pdf", 1),
        lambda m: m.replace(b'version="1.2"', b'version="1.3"'),
        lambda _: b"",
    ],
)
def test_a_changed_manifest_is_refused(change: Callable[[bytes], bytes]) -> None:
    assert refused(with_file(MANIFEST, change)) is Fault.PARCEL_NOT_CANONICAL


# -- P-04: SignedProperties --------------------------------------------------------------------------------


def test_another_signing_time_is_refused() -> None:
    assert refused(with_file(SIGNATURES, swap("T02:59:00Z", "T02:59:01Z"))) is Fault.SIG_DIGEST


@pytest.mark.parametrize("moment", ["2026-11-23T02:59:00.000Z", "2026-11-23T02:59:00+00:00", "2026-11-23", "", "now"])
def test_a_signing_time_of_another_form_is_refused_even_if_it_is_signed(moment: str) -> None:
    change = swap("2026-11-23T02:59:00Z", moment)
    assert refused(resigned(pki.good(), pki.signer("G22"), change)) is Fault.SIG_SHAPE


def test_signed_properties_that_are_missing_are_refused() -> None:
    def cut(text: bytes) -> bytes:
        start, end = text.index(b"<xades:SignedProperties"), text.index(b"</xades:QualifyingProperties>")
        return text[:start] + text[end:]

    assert refused(with_file(SIGNATURES, cut)) is Fault.SIG_SHAPE


def test_signed_properties_given_twice_are_refused() -> None:
    def doubled(text: bytes) -> bytes:
        start, end = text.index(b"<xades:SignedProperties"), text.index(b"</xades:QualifyingProperties>")
        return text[:end] + text[start:end].replace(b"T02:59", b"T01:00") + text[end:]

    assert refused(with_file(SIGNATURES, doubled)) is Fault.PARCEL_NOT_CANONICAL


def test_signed_properties_moved_into_an_object_of_their_own_are_refused() -> None:
    def wrapped(text: bytes) -> bytes:
        return text.replace(b"</ds:Object>", b"</ds:Object><ds:Object></ds:Object>")

    assert refused(with_file(SIGNATURES, wrapped)) is Fault.SIG_SHAPE


def test_signed_properties_with_another_id_are_refused() -> None:
    changed = resigned(
        pki.good(), pki.signer("G22"), lambda t: t.replace(b'Id="sp"', b'Id="zz"').replace(b'"#sp"', b'"#zz"')
    )
    assert refused(changed) is Fault.SIG_REF
