"""The signature template: what it writes, what it reads back, which keys it takes."""

from __future__ import annotations

import base64
import hashlib
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from lxml import etree

from axis.core import signature, xml
from axis.core.signature import DS, EXC_C14N, RSA_SHA256, SHA256, XADES, DataFile, Signer
from axis.errors import Fault, Rejected
from tests import pki

FILES = [
    DataFile("document.edxml", "text/xml", hashlib.sha256(b"document").digest()),
    DataFile("attachments/1", "application/octet-stream", hashlib.sha256(b"one").digest()),
]
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"


@pytest.mark.parametrize(
    ("code", "algorithm", "octets"),
    [("G22", "ecdsa-sha256", 64), ("H41", "ecdsa-sha384", 96), ("H29", "rsa-sha256", 384)],
)
def test_each_kind_of_key_signs_in_its_one_way(code: str, algorithm: str, octets: int) -> None:
    data = signature.sign(FILES, pki.signer(code), pki.NOW)
    read = signature.read(data)
    assert read.algorithm.endswith("#" + algorithm)
    assert len(read.value) == octets
    assert read.digests == tuple(f.digest for f in FILES)
    assert read.certificate == pki.signer(code).der
    assert read.signing_time == pki.NOW
    assert signature.references(data) == ["document.edxml", "attachments/1", "#sp"]
    signature.verify(FILES, read, pki.signer(code).certificate)
    assert signature.render(FILES, read) == data


def test_what_is_written_is_its_own_canonical_form() -> None:
    # The digests are made over text, not over a tree: so the text must be what canonicalisation would give.
    root = etree.fromstring(signature.sign(FILES, pki.signer("G22"), pki.NOW))
    read = signature.read(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))
    properties = root.find(f".//{{{XADES}}}SignedProperties")
    assert properties is not None
    canonical = etree.tostring(properties, method="c14n", exclusive=True, with_tail=False)
    assert hashlib.sha256(canonical).digest() == read.properties_digest


def test_a_small_s_is_always_written() -> None:
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    values = [signature.read(signature.sign(FILES, pki.signer("G22"), pki.NOW)).value for _ in range(40)]
    assert all(0 < int.from_bytes(v[32:], "big") <= order // 2 for v in values)
    assert len(set(values)) == 40  # there were forty different ones to look at


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"value": bytes(64)}, Fault.SIG_VALUE),
        ({"value": b""}, Fault.SIG_VALUE),
        ({"signing_time": pki.NOW + timedelta(seconds=1)}, Fault.SIG_DIGEST),
        ({"properties_digest": bytes(32)}, Fault.SIG_DIGEST),
        ({"certificate_digest": bytes(32)}, Fault.SIG_DIGEST),
        ({"certificate": b"other"}, Fault.SIG_DIGEST),
        ({"digests": (FILES[0].digest, bytes(32))}, Fault.SIG_DIGEST),
        ({"digests": (FILES[1].digest, FILES[0].digest)}, Fault.SIG_DIGEST),
        ({"algorithm": RSA_SHA256}, Fault.SIG_ALG),
    ],
)
def test_each_free_value_is_checked(change: dict[str, object], fault: Fault) -> None:
    read = signature.read(signature.sign(FILES, pki.signer("G22"), pki.NOW))
    certificate = pki.signer("G22").certificate
    with pytest.raises(Rejected) as caught:
        signature.verify(FILES, replace(read, **change), certificate)  # type: ignore[arg-type]
    assert caught.value.fault is fault
    signature.verify(FILES, read, certificate)


def test_a_changed_file_is_named() -> None:
    read = signature.read(signature.sign(FILES, pki.signer("G22"), pki.NOW))
    with pytest.raises(Rejected) as caught:
        signature.verify([FILES[0], replace(FILES[1], digest=bytes(32))], read, pki.signer("G22").certificate)
    assert (caught.value.fault, caught.value.problems[0].path) == (Fault.SIG_DIGEST, "attachments/1")


def test_the_key_asked_for_decides_not_the_certificate_in_the_file() -> None:
    read = signature.read(signature.sign(FILES, pki.impostor(), pki.NOW))
    with pytest.raises(Rejected) as caught:
        signature.verify(FILES, read, pki.signer("G22").certificate)
    assert caught.value.fault is Fault.SIG_VALUE


@pytest.mark.parametrize(("bits", "allowed"), [(1024, False), (2047, False), (2048, True), (3072, True)])
def test_rsa_keys_are_allowed_from_2048_bits_on(bits: int, allowed: bool) -> None:
    key = rsa.generate_private_key(65537, bits).public_key()
    if allowed:
        assert signature.algorithm_of(key) == RSA_SHA256
        return
    with pytest.raises(Rejected) as caught:
        signature.algorithm_of(key)
    assert caught.value.fault is Fault.SIG_WEAK_KEY


def test_an_rsa_key_too_big_to_be_checked_in_time_is_refused() -> None:
    huge = rsa.RSAPublicNumbers(65537, (1 << 9000) + 1).public_key()
    with pytest.raises(Rejected) as caught:
        signature.algorithm_of(huge)
    assert caught.value.fault is Fault.SIG_WEAK_KEY


@pytest.mark.parametrize(
    "curve", [ec.SECP192R1(), ec.SECP224R1(), ec.SECP256K1(), ec.SECP521R1(), ec.BrainpoolP256R1()]
)
def test_other_curves_are_refused(curve: ec.EllipticCurve) -> None:
    with pytest.raises(Rejected) as caught:
        signature.algorithm_of(ec.generate_private_key(curve).public_key())
    assert caught.value.fault is Fault.SIG_WEAK_KEY


@pytest.mark.parametrize("key", [None, b"key", object(), pki.weak_signer("ed25519").certificate.public_key()])
def test_what_is_no_rsa_and_no_curve_key_is_refused(key: object) -> None:
    with pytest.raises(Rejected) as caught:
        signature.algorithm_of(key)
    assert caught.value.fault is Fault.SIG_ALG


def test_a_signer_never_shows_its_key() -> None:
    assert repr(pki.signer("G22")).startswith("Signer(")
    assert "PRIVATE" not in repr(pki.signer("G22"))
    assert "key" not in repr(pki.signer("G22")).lower()


# -- A packet's own signature ------------------------------------------------------------------------------


def packet(signer: Signer, text: str = "Công văn", der: bytes | None = None) -> bytes:
    """A packet with an enveloped RSA signature over all of it, as document systems make them."""
    bare = f"<packet><subject>{text}</subject></packet>".encode()
    digest = hashlib.sha256(etree.tostring(etree.fromstring(bare), method="c14n", exclusive=True)).digest()
    info = (
        f'<SignedInfo xmlns="{DS}"><CanonicalizationMethod Algorithm="{EXC_C14N}"></CanonicalizationMethod>'
        f'<SignatureMethod Algorithm="{RSA_SHA256}"></SignatureMethod><Reference URI=""><Transforms>'
        f'<Transform Algorithm="{ENVELOPED}"></Transform><Transform Algorithm="{EXC_C14N}"></Transform></Transforms>'
        f'<DigestMethod Algorithm="{SHA256}"></DigestMethod>'
        f"<DigestValue>{base64.b64encode(digest).decode()}</DigestValue></Reference></SignedInfo>"
    )
    assert isinstance(signer.key, rsa.RSAPrivateKey)
    value = base64.b64encode(signer.key.sign(info.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    certificate = base64.b64encode(signer.der if der is None else der).decode()
    return bare.replace(
        b"</packet>",
        f'<Signature xmlns="{DS}">{info}<SignatureValue>{value}</SignatureValue><KeyInfo><X509Data>'
        f"<X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo></Signature></packet>".encode(),
    )


def verdict(data: bytes) -> str:
    root = xml.parse(data)
    element = root.find(f"{{{DS}}}Signature")
    assert element is not None
    before = etree.tostring(root)
    said = signature.judge_enveloped(root, element)
    assert etree.tostring(root) == before
    return said


def test_a_packets_own_signature_is_judged() -> None:
    good = packet(pki.signer("H29"))
    assert verdict(good) == "intact, certificate not checked"
    assert verdict(good.replace("Công".encode(), b"Cong")) == "broken"
    assert verdict(good.replace(b"<packet>", b"<packet> ")) == "broken"
    assert verdict(good.replace(ENVELOPED.encode(), b"urn:x")) == "form not supported"
    assert verdict(good.replace(b'URI=""', b'URI="#x"')) == "form not supported"


def test_a_packet_signed_with_a_strange_certificate_is_broken_and_breaks_nothing() -> None:
    der = pki.signer("H29").der
    version = der.index(bytes.fromhex("a003020102"))
    odd = der[: version + 4] + b"\x04" + der[version + 5 :]
    with pytest.raises(x509.InvalidVersion):
        x509.load_der_x509_certificate(odd)
    assert verdict(packet(pki.signer("H29"), der=odd)) == "broken"
    # An unknown kind of key: the name of rsaEncryption changed to one that nobody has.
    oid = der.index(bytes.fromhex("2a864886f70d010101"))
    assert verdict(packet(pki.signer("H29"), der=der[: oid + 8] + b"\x63" + der[oid + 9 :])) == "broken"
    assert verdict(packet(pki.signer("H29"), der=pki.signer("G22").der)) == "broken"
    assert verdict(packet(pki.signer("H29"), der=b"none")) == "broken"


@pytest.mark.parametrize("code", ["G22", "H29", "H41"])
def test_what_is_read_at_a_glance_is_what_is_read_by_parsing_and_only_of_the_fixed_form(code: str) -> None:
    data, chance, read = signature.sign(FILES, pki.signer(code), pki.NOW), random.Random(code), 0
    assert signature._read_written(data) == signature._read_parsed(data) == signature.read(data)
    for place in range(len(data)):
        for change in (bytes([data[place] ^ 1 << chance.randrange(7)]), b"", data[place : place + 1] * 2, b"A"):
            changed = data[:place] + change + data[place + 1 :]
            found = signature._read_written(changed)
            if found is not None:  # another digest, time, value, name of a file
                read += 1
                assert found == signature._read_parsed(changed)
    assert 100 < read < 4 * len(data) / 2
