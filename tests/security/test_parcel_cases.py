"""Attacks on the parcel. Each changes one thing in something good, and has one code; the good one stays good.

Where it matters whose hand did it, the changed parcel is signed again: by a member's own key (so that every
digest and the signature value are right, and only the closed form can refuse it), or by an attacker's.
"""

from __future__ import annotations

import base64
import hashlib
import io
import random
import struct
import time
import tracemalloc
import warnings
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from axis.core import parcel
from axis.core import registry as trust
from axis.core.registry import AuthorityOnly, HubOnly, Registry
from axis.core.signature import DS, EXC_C14N, SHA256, XADES, KeySigner
from axis.errors import Fault, Rejected
from tests import pki

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from axis.core.parcel import Parcel, Trust

SIGNATURES = "META-INF/signatures.xml"
MANIFEST = "META-INF/manifest.xml"


_verify = parcel.verify


def _verified_both_ways(data: bytes, trusting: Trust, at: datetime) -> Parcel:
    opened = _verify(data, trusting, at)  # what it refuses neither way has taken
    if len(data) < 1_000_000:
        assert parcel._verify_quickly(data, trusting, at) == parcel._verify_closely(data, trusting, at) == opened
    return opened


@pytest.fixture(autouse=True, scope="module")
def every_parcel_is_verified_both_ways() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parcel, "verify", _verified_both_ways)
        yield


def refused(data: bytes, trusting: Trust | None = None) -> Fault:
    """The code `data` is refused with; and the good parcel is accepted before and after."""
    good, registry = pki.good(), pki.registry()
    before = parcel.verify(good, registry, pki.NOW)
    assert data != good
    with pytest.raises(Rejected) as caught:
        parcel.verify(data, trusting or registry, pki.NOW)
    assert parcel.verify(good, registry, pki.NOW) == before
    return caught.value.fault


# -- An own zip writer, which can lie ----------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """One entry, with every header field that a writer could get wrong; None means the right value."""

    name: bytes
    content: bytes
    flags: int = 0x0800
    method: int = 0
    time: int = 0
    date: int = 0x0021
    version: int = 20
    extra: bytes = b""
    crc: int | None = None
    packed: int | None = None
    size: int | None = None
    made_by: int = 20
    attributes: int = 0
    internal: int = 0
    comment: bytes = b""
    central_name: bytes | None = None
    central_size: int | None = None
    central_extra: bytes = b""
    offset: int | None = None
    disk: int = 0
    gap: bytes = b""  # bytes between this entry and the next
    listed: bool = True  # in the central directory
    times: int = 1  # how often in the central directory


def zip_of(
    entries: Sequence[Entry],
    before: bytes = b"",
    after: bytes = b"",
    comment: bytes = b"",
    count: int | None = None,
    shift: int = 0,
    middle: bytes = b"",
) -> bytes:
    """A zip file of these entries; `shift` is added to the place where the directory is said to be."""
    body, central, listed = before, b"", 0
    for e in entries:
        crc = zlib.crc32(e.content) if e.crc is None else e.crc
        packed = len(e.content) if e.packed is None else e.packed
        size = len(e.content) if e.size is None else e.size
        offset = len(body) if e.offset is None else e.offset
        name = e.name if e.central_name is None else e.central_name
        body += struct.pack(
            "<4s5H3I2H", b"PK\x03\x04", e.version, e.flags, e.method, e.time, e.date, crc, packed, size, len(e.name),
            len(e.extra),
        )  # fmt: skip
        body += e.name + e.extra + e.content + e.gap
        if e.listed:
            record = struct.pack(
                "<4s6H3I5H2I", b"PK\x01\x02", e.made_by, e.version, e.flags, e.method, e.time, e.date, crc, packed,
                size if e.central_size is None else e.central_size, len(name), len(e.central_extra), len(e.comment),
                e.disk, e.internal, e.attributes, offset,
            )  # fmt: skip
            central += (record + name + e.central_extra + e.comment) * e.times
            listed += e.times
    count = listed if count is None else count
    end = struct.pack(
        "<4s4H2IH", b"PK\x05\x06", 0, 0, count & 0xFFFF, count & 0xFFFF, len(central), len(body) + len(middle) + shift,
        len(comment),
    )  # fmt: skip
    return body + middle + central + end + comment + after


def entries_of(data: bytes) -> list[Entry]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [Entry(info.filename.encode(), archive.read(info)) for info in archive.infolist()]


def with_entry(index: int, **changes: Any) -> bytes:
    """The good parcel with one entry's fields changed."""
    entries = entries_of(pki.good())
    entries[index] = replace(entries[index], **changes)
    return zip_of(entries)


def with_file(name: str, change: Callable[[bytes], bytes], data: bytes | None = None) -> bytes:
    """The good parcel with the content of one file changed, and container checksums right again."""
    entries = [
        replace(e, content=change(e.content)) if e.name.decode() == name else e for e in entries_of(data or pki.good())
    ]
    return zip_of(entries)


def content_of(data: bytes, name: str) -> bytes:
    return next(e.content for e in entries_of(data) if e.name.decode() == name)


def swap(old: str, new: str, times: int = 1) -> Callable[[bytes], bytes]:
    """A change of signatures.xml: `old`, which must be there, becomes `new`."""

    def change(text: bytes) -> bytes:
        assert old.encode() in text
        return text.replace(old.encode(), new.encode(), times)

    return change


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


# -- P-05: other ways to write a valid signature -----------------------------------------------------------


def c14n(element: Any) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_tail=False)


def raw_signature(
    signer: KeySigner, data: bytes, hash_: hashes.HashAlgorithm | None = None, *, high: bool = False
) -> bytes:
    if isinstance(signer.key, rsa.RSAPrivateKey):
        return signer.key.sign(data, padding.PKCS1v15(), hash_ or hashes.SHA256())
    order, octets = {
        "secp256r1": (0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551, 32),
        "secp384r1": (
            0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
            48,
        ),
    }[signer.key.curve.name]
    default = hashes.SHA256() if octets == 32 else hashes.SHA384()
    r, s = decode_dss_signature(signer.key.sign(data, ec.ECDSA(hash_ or default)))
    s = max(s, order - s) if high else min(s, order - s)
    return r.to_bytes(octets, "big") + s.to_bytes(octets, "big")


def resigned(
    data: bytes,
    signer: KeySigner,
    change: Callable[[bytes], bytes],
    *,
    hash_: hashes.HashAlgorithm | None = None,
    high: bool = False,
) -> bytes:
    """`data` with signatures.xml changed, then every digest over SignedProperties and the signature value made
    again as the XML signature standard says, by `signer`: what a general verifier would accept."""

    def again(text: bytes) -> bytes:
        text = change(text)
        root = etree.fromstring(text)
        properties = root.find(f".//{{{XADES}}}SignedProperties")
        values = root.findall(f"./{{{DS}}}Signature/{{{DS}}}SignedInfo/{{{DS}}}Reference/{{{DS}}}DigestValue")
        if properties is not None and values:
            old = (values[-1].text or "").encode()
            new = base64.b64encode(hashlib.sha256(c14n(properties)).digest())
            text = text.replace(old, new)
        info = etree.fromstring(text).find(f".//{{{DS}}}SignedInfo")
        value = base64.b64encode(raw_signature(signer, c14n(info), hash_, high=high))
        start, end = text.index(b"<ds:SignatureValue>") + 19, text.index(b"</ds:SignatureValue>")
        return text[:start] + value + text[end:]

    return with_file(SIGNATURES, again, data)


@pytest.mark.parametrize("code", ["G22", "H29", "H41"])
def test_signing_again_without_any_change_is_accepted_so_the_tool_of_the_next_tests_is_right(code: str) -> None:
    again = resigned(pki.good(code), pki.signer(code), lambda text: text)
    assert parcel.verify(again, pki.registry(), pki.NOW).signer == code


_FIRST = f'<ds:DigestMethod Algorithm="{SHA256}"></ds:DigestMethod>'

OTHER_FORMS = {
    "a transform on a data file": swap(
        f'URI="document.edxml">{_FIRST}',
        f'URI="document.edxml"><ds:Transforms><ds:Transform Algorithm="{EXC_C14N}"></ds:Transform></ds:Transforms>{_FIRST}',
    ),
    "an empty list of transforms": swap(
        f'URI="document.edxml">{_FIRST}', f'URI="document.edxml"><ds:Transforms></ds:Transforms>{_FIRST}'
    ),
    "an XSLT transform": swap(
        f'URI="document.edxml">{_FIRST}',
        'URI="document.edxml"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116">'
        f"</ds:Transform></ds:Transforms>{_FIRST}",
    ),
    "a second transform on SignedProperties": swap(
        "</ds:Transforms>", f'<ds:Transform Algorithm="{EXC_C14N}"></ds:Transform></ds:Transforms>'
    ),
    "a type on a data reference": swap('Id="r1"', 'Id="r1" Type="urn:x"'),
    "another reference id": swap('Id="r1"', 'Id="r9"'),
    "an id on SignedInfo": swap("<ds:SignedInfo>", '<ds:SignedInfo Id="i">'),
    "an unknown attribute": swap("<ds:SignedInfo>", '<ds:SignedInfo x="y">'),
    "an HMAC length": swap(
        "</ds:SignatureMethod>", "<ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>"
    ),
    "an inclusive prefix list": swap(
        "</ds:CanonicalizationMethod>",
        f'<i:InclusiveNamespaces xmlns:i="{EXC_C14N}" PrefixList="ds"></i:InclusiveNamespaces>'
        "</ds:CanonicalizationMethod>",
    ),
    "a line break in SignedInfo": swap("<ds:SignedInfo>", "<ds:SignedInfo>\n"),
    "an element in a digest method": swap("</ds:DigestMethod>", "<x></x></ds:DigestMethod>"),
    "white space in a digest method": swap("</ds:DigestMethod>", " </ds:DigestMethod>"),
}


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_another_signed_info_is_refused_though_the_members_own_key_signed_it(form: str) -> None:
    assert refused(resigned(pki.good(), pki.signer("G22"), OTHER_FORMS[form])) is Fault.SIG_VALUE


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_another_signed_info_is_refused_also_around_the_good_value(form: str) -> None:
    assert refused(with_file(SIGNATURES, OTHER_FORMS[form])) is Fault.PARCEL_NOT_CANONICAL


OTHER_PROPERTIES = {
    "another media type": swap("<xades:MimeType>text/xml", "<xades:MimeType>text/html"),
    "a claimed role": swap(
        "</xades:SignedSignatureProperties>",
        "<xades:SignerRoleV2></xades:SignerRoleV2></xades:SignedSignatureProperties>",
    ),
    "a policy": swap(
        "<xades:SigningCertificateV2>",
        "<xades:SignaturePolicyIdentifier></xades:SignaturePolicyIdentifier><xades:SigningCertificateV2>",
    ),
    "a format for another file": swap('ObjectReference="#r1"', 'ObjectReference="#r2"'),
    "a second signing time": swap(
        "</xades:SigningTime>", "</xades:SigningTime><xades:SigningTime>2020-01-01T00:00:00Z</xades:SigningTime>"
    ),
}


@pytest.mark.parametrize("form", OTHER_PROPERTIES)
def test_other_signed_properties_are_refused_though_the_members_own_key_signed_them(form: str) -> None:
    assert refused(resigned(pki.good(), pki.signer("G22"), OTHER_PROPERTIES[form])) is Fault.SIG_DIGEST


UNSIGNED_PLACES = {
    "a comment": swap("<ds:KeyInfo>", "<!-- x --><ds:KeyInfo>"),
    "a comment in the value": swap("<ds:SignatureValue>", "<ds:SignatureValue><!-- x -->"),
    "a line break in the value": swap("</ds:SignatureValue>", "\n</ds:SignatureValue>"),
    "an attribute": swap("<ds:KeyInfo>", '<ds:KeyInfo Id="k">'),
    "unsigned properties": swap(
        "</xades:SignedProperties>",
        "</xades:SignedProperties><xades:UnsignedProperties></xades:UnsignedProperties>",
    ),
    "another quoting": swap('Id="s1"', "Id='s1'"),
    "a character reference": swap('Target="#s1"', 'Target="&#35;s1"'),
    "an unused namespace": swap('Id="s1"', 'Id="s1" xmlns:x="urn:x"'),
    "another target": swap('Target="#s1"', 'Target="#sp"'),
    "an empty element written short": swap("></ds:CanonicalizationMethod>", "/>"),
    "another declaration": swap('<?xml version="1.0" encoding="UTF-8"?>\n', ""),
    "a line end too many": lambda text: text + b"\n",
    "windows line ends": swap("\n", "\r\n", 9),
    "cdata": lambda text: text.replace(b"Z</xades:SigningTime>", b"<![CDATA[Z]]></xades:SigningTime>"),
}


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


def value_of(data: bytes) -> bytes:
    text = content_of(data, SIGNATURES)
    return base64.b64decode(text[text.index(b"<ds:SignatureValue>") + 19 : text.index(b"</ds:SignatureValue>")])


def with_value(data: bytes, value: bytes) -> bytes:
    old, new = base64.b64encode(value_of(data)).decode(), base64.b64encode(value).decode()
    return with_file(SIGNATURES, swap(f"Value>{old}<", f"Value>{new}<"), data)


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


def with_certificate(data: bytes, der: bytes) -> bytes:
    """`data` with another certificate in KeyInfo."""

    def change(text: bytes) -> bytes:
        start, end = text.index(b"<ds:X509Certificate>") + 20, text.index(b"</ds:X509Certificate>")
        return text[:start] + base64.b64encode(der) + text[end:]

    return with_file(SIGNATURES, change, data)


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


def trusts() -> list[Trust]:
    return [pki.registry(), HubOnly(pki.entry(pki.signer("HUB"))), AuthorityOnly(pki.authority().certificate)]


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


_opened: dict[bytes, list[Entry]] = {}


def entries_of_cached(data: bytes) -> list[Entry]:
    if data not in _opened:
        _opened[data] = entries_of(data)
    return _opened[data]


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


# -- P-11, P-12: the container -----------------------------------------------------------------------------


@cache
def tricks() -> dict[str, bytes]:
    entries = entries_of(pki.good())
    good = pki.good()
    deflated = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = deflated.compress(entries[1].content) + deflated.flush()
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bomb.compress(bytes(10_000_000)) + bomb.flush()
    end = good[good.rindex(b"PK\x05\x06") :]
    zip64 = struct.pack("<HHQQ", 1, 16, len(entries[1].content), len(entries[1].content))
    twin = replace(entries[1], content=b"<document>forged</document>")
    found: dict[str, bytes] = {
        "bytes before": zip_of(entries, before=b"#!/bin/sh\n"),
        "bytes before, offsets as if not": b"x" + good,
        "bytes after": zip_of(entries, after=b"x"),
        "a line end after": good + b"\n",
        "an archive comment": zip_of(entries, comment=b"hello"),
        "two end records": good + end,
        "a second zip after": good + pki.good("H29"),
        "a second zip before": pki.good("H29") + good,
        "a nested zip as the whole": zip_of([Entry(b"p.asice", good)]),
        "a hidden gap between entries": with_entry(1, gap=b"hidden"),
        "bytes between entries and directory": zip_of(entries, middle=b"hidden"),
        "a directory said to be elsewhere": zip_of(entries, shift=1),
        "a wrong count": zip_of(entries, count=5),
        "an extra field": with_entry(1, extra=b"\x99\x99\x04\x00abcd"),
        "an extra field in the directory": with_entry(1, central_extra=b"\x99\x99\x04\x00abcd"),
        "an entry comment": with_entry(1, comment=b"x"),
        "zip64 fields": with_entry(1, extra=zip64, size=0xFFFFFFFF, packed=0xFFFFFFFF),
        "zip64 in the directory": with_entry(1, central_extra=zip64, central_size=0xFFFFFFFF),
        "a size that says more": with_entry(1, size=10**9),
        "a size that says less": with_entry(1, size=1),
        "both sizes say more": with_entry(1, size=10**9, packed=10**9),
        "both sizes swallow the next entry": with_entry(
            1, size=len(entries[1].content) + 30, packed=len(entries[1].content) + 30
        ),
        "another size in the directory": with_entry(1, central_size=3),
        "a wrong checksum": with_entry(1, crc=0),
        "encrypted": with_entry(1, flags=0x0801),
        "strongly encrypted": with_entry(1, flags=0x0841),
        "a data descriptor": with_entry(1, flags=0x0808),
        "no flag for UTF-8": with_entry(1, flags=0),
        "compressed": with_entry(
            1, method=8, content=packed, size=len(entries[1].content), crc=zlib.crc32(entries[1].content)
        ),
        "a bomb": with_entry(1, method=8, content=zeros, size=10_000_000),
        "an unknown method": with_entry(1, method=99),
        "another time": with_entry(1, time=1),
        "another date": with_entry(1, date=0x0022),
        "another version": with_entry(1, version=45),
        "made by unix": with_entry(1, made_by=0x0314),
        "a symbolic link": with_entry(1, made_by=0x0314, attributes=0o120777 << 16),
        "marked as text": with_entry(1, internal=1),
        "on another disk": with_entry(1, disk=1),
        "another name in the directory": with_entry(1, central_name=b"receipt.xml"),
        "not in the directory": with_entry(2, listed=False),
        "twice in the directory": with_entry(2, times=2),
        "overlapping entries": with_entry(3, offset=0),
        "offsets exchanged": zip_of([*entries[:2], replace(entries[2], offset=0), *entries[3:]]),
        "the same name twice": zip_of([*entries[:2], twin, *entries[2:]]),
        "the same name twice, forged one first": zip_of([entries[0], twin, *entries[1:]]),
        "a name that differs in case only": zip_of([*entries[:2], replace(twin, name=b"DOCUMENT.edxml"), *entries[2:]]),
        "a folder": zip_of([*entries[:2], Entry(b"attachments/", b""), *entries[2:]]),
        "another order": zip_of([entries[0], entries[2], entries[1], *entries[3:]]),
        "the manifest last": zip_of([*entries[:-2], entries[-1], entries[-2]]),
        "no manifest": zip_of([*entries[:-2], entries[-1]]),
        "a manifest more": zip_of([*entries[:-1], entries[-2], entries[-1]]),
        "an evidence record more": zip_of([*entries[:-1], Entry(b"META-INF/evidencerecord.ers", b""), entries[-1]]),
        "no entry at all": zip_of([]),
        "only the type": zip_of(entries[:1]),
        "no end": good[: -len(end)],
        "nothing": b"",
    }
    for name in (
        b"../document.edxml", b"/document.edxml", b"..\\document.edxml", b"C:\\x", b"C:x", b"document.edxml\0", b"document.edxml\n",
        b"document.edxml ", b"\x1b[2Jdocument", "tài liệu".encode(), "\u202elmxde".encode(), b"\xff\xfe", b"x" * 300, b"", b".", b"CON",
        b"document.edxml/", b"./document.edxml", b"Document.edxml",
    ):  # fmt: skip
        found[f"the name {name[:20]!r}"] = with_entry(1, name=name)
    return found


@pytest.mark.parametrize("trick", list(tricks()))
def test_a_container_with_a_trick_is_refused(trick: str) -> None:
    assert refused(tricks()[trick]) is Fault.PARCEL_ZIP


def test_a_hundred_thousand_entries_are_refused_at_once() -> None:
    entries = entries_of(pki.good())
    many = zip_of([entries[0]] * 2_000)  # as much as the reader would look at, and more
    flood = many[: many.rindex(b"PK\x01\x02")] * 50
    start = time.perf_counter()
    assert refused(flood) is Fault.PARCEL_LIMIT
    assert time.perf_counter() - start < 1


def test_a_parcel_over_the_size_limit_is_refused_before_it_is_looked_at() -> None:
    data = bytes(parcel.MAX_BYTES + 1)
    start = time.perf_counter()
    assert refused(data) is Fault.PARCEL_LIMIT
    assert time.perf_counter() - start < 0.5


def test_verifying_a_big_parcel_does_not_multiply_it_in_memory() -> None:
    big = parcel.build(parcel.DOCUMENT, b"x", [bytes(30_000_000)], pki.signer("G22"), pki.NOW)
    tracemalloc.start()
    try:
        assert len(parcel.verify(big, pki.registry(), pki.NOW).attachments[0]) == 30_000_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000  # the attachment handed out is where it stands


@pytest.mark.parametrize(
    "change",
    [
        {"content": b"application/zip"},
        {"content": b"application/vnd.etsi.asic-s+zip"},
        {"content": b"application/vnd.etsi.asic-e+zip\n"},
        {"content": b"Application/vnd.etsi.asic-e+zip"},
        {"content": b""},
        {"name": b"Mimetype"},
        {"name": b"mimetype2"},
    ],
)
def test_another_type_is_refused(change: dict[str, Any]) -> None:
    assert refused(with_entry(0, **change)) is Fault.PARCEL_TYPE


def test_the_type_must_be_there_and_first() -> None:
    entries = entries_of(pki.good())
    assert refused(zip_of(entries[1:])) is Fault.PARCEL_TYPE
    assert refused(zip_of([entries[1], entries[0], *entries[2:]])) is Fault.PARCEL_TYPE


# -- P-15: anything at all ---------------------------------------------------------------------------------


@settings(max_examples=300, deadline=1000)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_and_nothing_else_happens(data: bytes) -> None:
    for trusting in trusts():
        with pytest.raises(Rejected):
            parcel.verify(data, trusting, pki.NOW)
    assert len(parcel.unverified_digest(data)) == 64


@settings(max_examples=300, deadline=1000)
@given(
    st.sampled_from(["G22", "H29", "H41"]),
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 12), st.binary(max_size=12)), min_size=1, max_size=4),
)
def test_a_good_parcel_cut_and_mended_anywhere_is_refused_or_is_the_good_one(
    code: str, edits: list[tuple[int, int, bytes]]
) -> None:
    good = data = pki.good(code)
    for place, cut, put in edits:
        at = place % (len(data) + 1)
        data = data[:at] + put + data[at + cut :]
    for trusting in trusts():
        try:
            parcel.verify(data, trusting, pki.NOW)
        except Rejected:
            continue
        assert data == good


@settings(max_examples=400, deadline=1000)
@given(
    st.sampled_from(["G22", "H29"]),
    st.sampled_from([SIGNATURES, MANIFEST, "document.edxml", "mimetype"]),
    st.lists(
        st.tuples(
            st.integers(0, 20_000),
            st.integers(0, 30),
            st.one_of(
                st.binary(max_size=8),
                st.sampled_from(
                    [b"<", b">", b"</", b"<x/>", b"<!-- -->", b'"', b"&", b"&#0;", b"=", b"\xc3\xb4", b"0", b"<?x?>"]
                ),
            ),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_a_file_in_a_container_that_is_otherwise_right_is_refused_whatever_it_became(
    code: str, name: str, edits: list[tuple[int, int, bytes]]
) -> None:
    good = pki.good(code)
    entries = list(entries_of_cached(good))
    index = next(n for n, e in enumerate(entries) if e.name.decode() == name)
    content = entries[index].content
    for place, cut, put in edits:
        at = place % (len(content) + 1)
        content = content[:at] + put + content[at + cut :]
    data = zip_of([*entries[:index], replace(entries[index], content=content), *entries[index + 1 :]])
    try:
        parcel.verify(data, pki.registry(), pki.NOW)
    except Rejected:
        return
    assert data == good
