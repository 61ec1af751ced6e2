"""Containers with a trick, of any size, and of anything at all."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axis.core import parcel
from axis.errors import Fault, Rejected
from tests import pki
from tests.security.parcels import (
    MANIFEST,
    SIGNATURES,
    entries_of,
    entries_of_cached,
    refused,
    tricks,
    trusts,
    verified_both_ways,
    with_entry,
    zip_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="module")
def every_parcel_isverified_both_ways() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parcel, "verify", verified_both_ways)
        yield


def test_a_container_with_a_trick_is_refused() -> None:
    assert len(tricks()) > 70
    assert {name: fault for name, one in tricks().items() if (fault := refused(one)) is not Fault.PARCEL_ZIP} == {}


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
