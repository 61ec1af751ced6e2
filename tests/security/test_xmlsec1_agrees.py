"""A second opinion: the XML signature tool xmlsec1 accepts what the axis accepts, and refuses what was altered.

Without xmlsec1 and unzip these tests are skipped; with CI=true they fail, because green must mean that they ran.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from axis.core import parcel, receipt
from axis.core import registry as trust
from axis.errors import Rejected
from tests import pki
from tests.security.parcels import SIGNATURES, swap, value_of, with_certificate, with_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MISSING = [tool for tool in ("xmlsec1", "unzip") if shutil.which(tool) is None]


@pytest.fixture(autouse=True)
def _tools() -> None:
    if MISSING and os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(f"CI=true and no {', '.join(MISSING)}", pytrace=False)
    if MISSING:
        pytest.skip(f"*** NOT TESTED against {', '.join(MISSING)}: not installed ***")


def xmlsec1_accepts(data: bytes, folder: Path) -> bool:
    (folder / "parcel.asice").write_bytes(data)
    (folder / "ca.pem").write_bytes(pki.authority().certificate.public_bytes(Encoding.PEM))
    subprocess.run(["unzip", "-q", "-o", "parcel.asice"], cwd=folder, check=True, capture_output=True)
    command = [
        "xmlsec1",
        "--verify",
        "--trusted-pem",
        "ca.pem",
        "--verification-gmt-time",
        f"{pki.NOW:%Y-%m-%d %H:%M:%S}",
    ]
    command += ["--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", SIGNATURES]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode in {0, 1}, ran.stderr
    return ran.returncode == 0


def axis_accepts(data: bytes) -> bool:
    try:
        parcel.verify(data, pki.registry(), pki.NOW)
    except Rejected:
        return False
    return True


@pytest.mark.parametrize("code", ["G22", "H29", "H41"])
@pytest.mark.parametrize("attachments", [0, 1, 2, 3])
def test_both_accept_a_good_parcel(code: str, attachments: int, tmp_path: Path) -> None:
    data = pki.good(code, attachments)
    assert axis_accepts(data)
    assert xmlsec1_accepts(data, tmp_path)


def test_both_accept_the_registry(tmp_path: Path) -> None:
    data = parcel.build(parcel.REGISTRY, trust.write(pki.registry()), (), pki.signer(trust.HUB), pki.NOW)
    assert axis_accepts(data)
    assert xmlsec1_accepts(data, tmp_path)


def test_both_accept_a_receipt(tmp_path: Path) -> None:
    subject = receipt.Subject("0193-1", "new", "G22", "Số 12/CV", "ab" * 32)
    statement = receipt.Statement("s1", receipt.Event.ContentHandover, pki.NOW, "H29")
    data = receipt.signed(receipt.Receipt("test", "H29", subject, (statement,)), pki.signer("H29"), pki.NOW)
    assert axis_accepts(data)
    assert xmlsec1_accepts(data, tmp_path)


def _changed_value(data: bytes) -> bytes:
    value = value_of(data)
    old, new = (base64.b64encode(v).decode() for v in (value, value[:-1] + bytes([value[-1] ^ 1])))
    return with_file(SIGNATURES, swap(old, new), data)


def _changed_digest(data: bytes) -> bytes:
    def change(text: bytes) -> bytes:
        found = re.search(rb"<ds:DigestValue>(.)", text)
        assert found
        return text[: found.start(1)] + (b"A" if found[1] != b"A" else b"B") + text[found.end(1) :]

    return with_file(SIGNATURES, change, data)


def _both_changed(data: bytes) -> bytes:
    """A data file changed and its digest corrected, as somebody without the key can."""
    good = parcel.verify(data, pki.registry(), pki.NOW)
    forged = parcel.build(parcel.DOCUMENT, b"forged", good.attachments, pki.impostor(), good.signing_time)
    old, new = (re.findall(rb"<ds:DigestValue>([^<]*)", parcel_text(d))[0].decode() for d in (data, forged))
    return with_file(SIGNATURES, swap(old, new), with_file("document.edxml", lambda _: b"forged", data))


def parcel_text(data: bytes) -> bytes:
    return data[data.index(b"<asic:") : data.index(b"</asic:XAdESSignatures>")]


ALTERED: dict[str, Callable[[bytes], bytes]] = {
    "the document": lambda data: with_file("document.edxml", lambda c: c + b" ", data),
    "an attachment": lambda data: with_file("attachments/1", lambda c: c[:-1], data),
    "a digest": _changed_digest,
    "the document and its digest": _both_changed,
    "the signing time": lambda data: with_file(SIGNATURES, swap("T02:59:00Z", "T02:58:00Z"), data),
    "the certificate": lambda data: with_certificate(data, pki.signer("H29.10").der),
    "the certificate, by one of another CA": lambda data: with_certificate(data, pki.impostor().der),
    "the value": _changed_value,
    "a media type": lambda data: with_file(SIGNATURES, swap("text/xml", "text/htm"), data),
    "the method": lambda data: with_file(
        SIGNATURES, swap("-sha384" if b"-sha384" in data else "-sha256", "-sha512"), data
    ),
}


@pytest.mark.parametrize("code", ["G22", "H29", "H41"])
@pytest.mark.parametrize("what", ALTERED)
def test_both_refuse_an_altered_parcel(code: str, what: str, tmp_path: Path) -> None:
    good = pki.good(code, 1)
    altered = ALTERED[what](good)
    assert altered != good
    assert not axis_accepts(altered)
    assert not xmlsec1_accepts(altered, tmp_path)
    assert axis_accepts(good)
    assert xmlsec1_accepts(good, tmp_path)


def test_both_refuse_what_an_attacker_signed_in_a_members_name(tmp_path: Path) -> None:
    forged = parcel.build(parcel.DOCUMENT, pki.DOCUMENT, pki.ATTACHMENTS, pki.impostor(), pki.NOW)
    assert not axis_accepts(forged)
    assert not xmlsec1_accepts(forged, tmp_path)


def test_both_refuse_a_certificate_that_has_run_out(tmp_path: Path) -> None:
    late = parcel.build(parcel.DOCUMENT, pki.DOCUMENT, (), pki.signer("A41"), pki.NOW)
    assert not axis_accepts(late)
    assert not xmlsec1_accepts(late, tmp_path)
