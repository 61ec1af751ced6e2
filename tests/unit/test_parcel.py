"""The parcel as its honest users meet it: built, opened, named, always the same bytes."""

from __future__ import annotations

import hashlib
import io
import subprocess
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axis import counting
from axis.core import parcel
from axis.core.parcel import Known, Parcel
from axis.core.registry import HubOnly, Member
from axis.errors import Fault, Rejected
from tests import pki
from tests.sample import examples

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("code", ["G22", "H29", "H41"])
@pytest.mark.parametrize("attachments", [0, 1, 2, 3])
def test_what_was_signed_is_what_comes_out(code: str, attachments: int) -> None:
    opened = parcel.verify(pki.good(code, attachments), pki.registry(), pki.NOW)
    assert opened.signer == code
    assert (opened.main, opened.kind) == ("document.edxml", "document")
    assert opened.content == pki.DOCUMENT
    assert opened.attachments == pki.ATTACHMENTS[:attachments]
    assert opened.signing_time == pki.NOW - timedelta(minutes=1)
    assert opened.content_digest == parcel.digest_of(parcel.DOCUMENT, pki.DOCUMENT, pki.ATTACHMENTS[:attachments])


@settings(max_examples=examples(60), deadline=None)
@given(st.binary(max_size=300), st.lists(st.binary(max_size=100), max_size=5))
def test_any_bytes_travel_unchanged(content: bytes, attachments: list[bytes]) -> None:
    built = parcel.build(parcel.DOCUMENT, content, attachments, pki.signer("G22"), pki.NOW)
    opened = parcel.verify(built, pki.registry(), pki.NOW)
    assert (opened.content, list(opened.attachments)) == (content, attachments)


def test_the_rsa_parcel_of_the_same_things_is_the_same_bytes() -> None:
    # RSA PKCS#1 v1.5 has no random part, so two builds may be compared whole.
    first, again = (
        parcel.build(parcel.DOCUMENT, b"x", [b"y"], pki.signer("H29"), pki.NOW + timedelta(microseconds=us))
        for us in (1, 999_999)
    )
    assert first == again


@pytest.mark.parametrize(
    ("code", "signed_at"),
    [
        ("H41", pki.NOW),  # by another key
        ("G22", pki.NOW + timedelta(minutes=1)),  # by a clock that is ahead
        ("G22", pki.ISSUED - pki.DAY),  # before the key began
    ],
)
def test_what_is_signed_again_is_the_same_content_and_good(code: str, signed_at: datetime) -> None:
    old = parcel.build(parcel.DOCUMENT, pki.DOCUMENT, pki.ATTACHMENTS, pki.signer(code), signed_at)
    renewed = parcel.signed_again(old, pki.signer("G22"), pki.NOW)
    assert renewed is not None
    opened = parcel.verify(renewed, pki.registry(), pki.NOW)
    assert (opened.signer, opened.signing_time) == ("G22", pki.NOW)
    assert (opened.content, opened.attachments) == (pki.DOCUMENT, pki.ATTACHMENTS)
    assert opened.content_digest == parcel.unverified_digest(old)
    assert parcel.signed_again(renewed, pki.signer("G22"), pki.NOW) is None, "it could be judged no otherwise"


def test_the_signing_time_is_written_in_utc_whatever_zone_it_was_given_in() -> None:
    from axis.core.instant import VIETNAM

    built = parcel.build(parcel.DOCUMENT, b"x", (), pki.signer("H29"), pki.NOW.astimezone(VIETNAM))
    assert built == parcel.build(parcel.DOCUMENT, b"x", (), pki.signer("H29"), pki.NOW)


def test_the_content_digest_is_what_sha256sum_says(tmp_path: Path) -> None:
    data = pki.good("G22", 3)
    (tmp_path / "p.asice").write_bytes(data)
    command = "unzip -q p.asice && sha256sum document.edxml attachments/1 attachments/2 attachments/3 | sha256sum"
    said = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert said.split()[0] == parcel.verify(data, pki.registry(), pki.NOW).content_digest


def test_the_content_digest_depends_on_order_and_on_names() -> None:
    digests = {
        parcel.digest_of(parcel.DOCUMENT, b"a", [b"b", b"c"]),
        parcel.digest_of(parcel.DOCUMENT, b"a", [b"c", b"b"]),
        parcel.digest_of(parcel.DOCUMENT, b"a", [b"bc"]),
        parcel.digest_of(parcel.RECEIPT, b"a", [b"b", b"c"]),
    }
    assert len(digests) == 4


def test_other_zip_programs_can_open_it() -> None:
    with zipfile.ZipFile(io.BytesIO(pki.good("G22", 2))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "mimetype",
            "document.edxml",
            "attachments/1",
            "attachments/2",
            "META-INF/manifest.xml",
            "META-INF/signatures.xml",
        ]
        assert archive.read("mimetype") == b"application/vnd.etsi.asic-e+zip"


def test_the_type_can_be_told_at_the_fixed_place_where_asic_readers_look() -> None:
    assert pki.good()[30:38] == b"mimetype"
    assert pki.good()[38:69] == b"application/vnd.etsi.asic-e+zip"


def test_a_hundred_attachments_travel_and_one_more_is_refused_when_it_is_built() -> None:
    built = parcel.build(parcel.DOCUMENT, b"x", [b""] * 100, pki.signer("G22"), pki.NOW)
    assert len(parcel.verify(built, pki.registry(), pki.NOW).attachments) == 100
    with pytest.raises(Rejected) as refusal:
        parcel.build(parcel.DOCUMENT, b"x", [b""] * 101, pki.signer("G22"), pki.NOW)
    assert refusal.value.fault is Fault.PARCEL_LIMIT


def test_a_packet_of_fifty_megabytes_travels_and_more_than_a_message_holds_is_refused() -> None:
    big = bytes(50_000_000)
    built = parcel.build(parcel.DOCUMENT, b"x", [big], pki.signer("G22"), pki.NOW)
    assert parcel.verify(built, pki.registry(), pki.NOW).attachments[0] == big
    with pytest.raises(Rejected) as refusal:
        parcel.build(parcel.DOCUMENT, b"x", [bytes(parcel.MAX_BYTES)], pki.signer("G22"), pki.NOW)
    assert refusal.value.fault is Fault.PARCEL_LIMIT


def test_peeking_tells_the_name_the_bytes_and_the_claimed_time_without_trusting_anybody() -> None:
    (main, content), signature = parcel.peek(pki.good()), parcel.peek_signature(pki.good())
    assert (main, content) == ("document.edxml", pki.DOCUMENT)
    assert signature.signing_time == pki.NOW - timedelta(minutes=1)
    assert signature.certificate == pki.signer("G22").der


def test_a_parcel_that_is_refused_still_has_a_digest_to_be_named_by() -> None:
    bad_signature = parcel.build(parcel.DOCUMENT, pki.DOCUMENT, (), pki.impostor(), pki.NOW)
    assert parcel.unverified_digest(bad_signature) == parcel.digest_of(parcel.DOCUMENT, pki.DOCUMENT, ())
    assert parcel.unverified_digest(b"no zip") == hashlib.sha256(b"no zip").hexdigest()


def test_a_receipt_or_registry_has_no_attachments() -> None:
    for main in (parcel.RECEIPT, parcel.REGISTRY):
        built = parcel.build(main, b"x", [b"y"], pki.signer("HUB"), pki.NOW)
        with pytest.raises(Rejected) as refusal:
            parcel.verify(built, pki.registry(), pki.NOW)
        assert refusal.value.fault is Fault.PARCEL_ZIP


def test_times_before_the_year_1000_do_not_break_the_template() -> None:
    # strftime leaves out the zeros of early years; such a parcel must be refused, not crash.
    built = parcel.build(parcel.DOCUMENT, b"x", (), pki.signer("G22"), datetime(1, 1, 1, tzinfo=UTC))
    with pytest.raises(Rejected):
        parcel.verify(built, pki.registry(), pki.NOW)


# -- What is known already ---------------------------------------------------------------------------------


def test_only_the_verifier_makes_a_parcel() -> None:
    with pytest.raises(TypeError):
        Parcel("G22", pki.NOW, parcel.DOCUMENT, b"x", (), "0" * 64, b"")
    opened = parcel.verify(pki.good(), pki.registry(), pki.NOW)
    with pytest.raises(TypeError):
        replace(opened, signer="H41")
    assert opened.signed_for("X").signer == "X"
    assert opened.certificate == pki.signer("G22").der


def test_a_parcel_that_is_built_says_its_content_digest() -> None:
    made = parcel.built(parcel.DOCUMENT, b"x", [b"1", b"2"], pki.signer("G22"), pki.NOW)
    assert made.content_digest == parcel.digest_of(parcel.DOCUMENT, b"x", [b"1", b"2"])
    assert parcel.verify(made.data, pki.registry(), pki.NOW).content_digest == made.content_digest


def test_what_is_known_is_computed_once_and_its_key_is_asked_for_each_time() -> None:
    known, good = Known(1_000_000), pki.good()
    before = counting.snapshot()
    first = parcel.verify(good, pki.registry(), pki.NOW, known=known)
    assert counting.since(before)["verifications"] == 1
    assert parcel.verify(bytes(bytearray(good)), pki.registry(), pki.NOW, known=known) is first
    assert parcel.verify(good, pki.registry(), pki.NOW, known=known, digest=hashlib.sha256(good).hexdigest()) is first
    assert (counting.since(before)["verifications"], counting.since(before)["remembered"]) == (1, 2)

    member = pki.registry().by_code["G22"]
    (key,) = member.certificates
    revoked = pki.registry_with(replace(member, certificates=(replace(key, revoked_at=pki.NOW - pki.DAY),)))
    for trusting, at, fault in (
        (revoked, pki.NOW, Fault.KEY_REVOKED),
        (pki.registry(), pki.NOW + 10_000 * pki.DAY, Fault.KEY_EXPIRED),
        (HubOnly(pki.entry(pki.signer("HUB"))), pki.NOW, Fault.SIG_SIGNER),
    ):
        for _ in range(2):
            with pytest.raises(Rejected) as fresh:
                parcel.verify(good, trusting, at)
            with pytest.raises(Rejected) as remembered:
                parcel.verify(good, trusting, at, known=known)
            assert remembered.value.problems == fresh.value.problems
            assert remembered.value.fault is fault
    assert parcel.verify(good, pki.registry(), pki.NOW, known=known) is first


def test_a_key_that_another_owner_has_by_now_gives_the_parcel_in_his_name() -> None:
    known, good = Known(1_000_000), pki.good()
    assert parcel.verify(good, pki.registry(), pki.NOW, known=known).signer == "G22"
    member = pki.registry().by_code["G22"]
    moved = pki.registry_with(replace(member, certificates=()), Member("X1", "x", certificates=member.certificates))
    assert parcel.verify(good, moved, pki.NOW, known=known).signer == "X1"
    assert parcel.verify(good, pki.registry(), pki.NOW, known=known).signer == "G22"


def test_one_changed_byte_is_not_known_and_nothing_bad_is_remembered() -> None:
    known, good = Known(1_000_000), pki.good()
    parcel.verify(good, pki.registry(), pki.NOW, known=known)
    for place in range(0, len(good), 7):
        changed = bytearray(good)
        changed[place] ^= 1
        for _ in range(2):
            with pytest.raises(Rejected):
                parcel.verify(bytes(changed), pki.registry(), pki.NOW, known=known)
    assert len(known) == 1


def test_what_is_remembered_is_bounded_and_the_longest_unused_goes_first() -> None:
    parcels = [parcel.build("receipt.xml", b"x" * n, (), pki.signer("G22"), pki.NOW) for n in range(1, 30)]
    known = Known(20_000)  # bytes, with what may be read in them
    digests = [hashlib.sha256(data).hexdigest() for data in parcels]
    for number, data in enumerate(parcels):
        parcel.verify(data, pki.registry(), pki.NOW, known=known)
        known.get(digests[0])
        assert known._bytes == sum(4_000 + 31 * len(one.content) for one, _ in known._held.values()) <= 20_000
        assert known.get(digests[number]) is not None
    assert known.get(digests[0]) is not None
    assert known.get(digests[1]) is None
    big = parcel.build("receipt.xml", b"x" * 600, (), pki.signer("G22"), pki.NOW)
    before = len(known)
    assert parcel.verify(big, pki.registry(), pki.NOW, known=known).content == b"x" * 600
    assert len(known) == before


def test_what_is_read_in_a_parcel_is_read_once_and_a_refusal_each_time() -> None:
    opened, calls = parcel.verify(pki.good(), pki.registry(), pki.NOW), []

    def read(one: Parcel) -> int:
        calls.append(one)
        if len(calls) == 1:
            raise ValueError
        return len(one.content)

    with pytest.raises(ValueError):
        opened.once(read)
    assert opened.once(read) == opened.once(read) == len(pki.DOCUMENT)
    assert len(calls) == 2


def test_what_a_container_says_of_itself_is_what_it_is_if_it_is_good() -> None:
    for code in ("G22", "H29", "H41"):
        said, opened = parcel.claim(pki.good(code)), parcel.verify(pki.good(code), pki.registry(), pki.NOW)
        assert said is not None
        assert (said.main, bytes(said.content), said.signing_time) == (opened.main, opened.content, opened.signing_time)
        assert said.certificate == opened.certificate == parcel.peek_signature(pki.good(code)).certificate


@settings(max_examples=examples(300), deadline=None)
@given(st.integers(0, 6_000), st.binary(max_size=6), st.integers(0, 6))
def test_whatever_it_is_it_may_say_something_or_nothing(at: int, put: bytes, cut: int) -> None:
    good = pki.good()
    at %= len(good)
    said = parcel.claim(good[:at] + put + good[at + cut :])
    assert said is None or said.main == "document.edxml"
    assert parcel.claim(put * cut) is None
