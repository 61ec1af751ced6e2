"""The registry: asked as of a moment, written in one way, read back unchanged or refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from axis import schemas
from axis.core import parcel
from axis.core import registry as trust
from axis.core.registry import HUB, AuthorityOnly, Certificate, HubOnly, Member, Registry
from axis.core.signature import KeySigner
from axis.errors import Fault, Rejected
from tests import pki
from tests.sample import examples


def valid(data: bytes) -> bool:
    validator = schemas.validator("registry")
    return bool(validator.validate(etree.fromstring(data)))


def fault_of(data: bytes) -> Fault:
    """The code that reading `data` gives; and the good registry is still read."""
    with pytest.raises(Rejected) as caught:
        trust.read(data)
    assert trust.read(trust.write(pki.registry())) == pki.registry()
    return caught.value.fault


# -- Writing and reading -----------------------------------------------------------------------------------


def test_the_registry_survives_the_journey() -> None:
    data = trust.write(pki.registry())
    assert trust.read(data) == pki.registry()
    assert valid(data)


names = st.text(
    st.one_of(
        st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"),
        st.sampled_from("<>&'\"\t\n\r\u202e\u2028\x7f\x85 ]"),
    ),
    max_size=40,
)
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)).map(
    lambda m: m.replace(microsecond=m.microsecond // 1000 * 1000)
)
certificates = st.builds(
    Certificate,
    st.binary(min_size=1, max_size=40),
    st.sampled_from(["sign", "tls"]),
    st.none() | moments,
    names,
)
members = st.builds(
    Member,
    names.filter(bool),
    names,
    names,
    names,
    st.lists(names, max_size=3).map(tuple),
    st.none() | moments,
    st.none() | moments,
    names,
    st.lists(st.tuples(moments, st.none() | moments), max_size=2).map(tuple),
    st.lists(certificates, max_size=2).map(tuple),
)
several = st.lists(members, max_size=3, unique_by=lambda one: one.code).map(tuple)
registries = st.builds(Registry, names, st.integers(1, 10**9), moments, several)


@settings(max_examples=examples(150), deadline=None)
@given(registries)
def test_any_names_and_times_come_back_as_they_were_and_fit_the_schema(registry: Registry) -> None:
    data = trust.write(registry)
    assert trust.read(data) == registry
    assert valid(data)


@pytest.mark.parametrize(
    "name", ["a]]>b", "<!-- x -->", "&amp;", "a\rb", "a\r\nb", " spaces ", "\ttab\n", "\u202engược", "\"quoted'", "𠮷"]
)
def test_a_hostile_name_is_only_a_name(name: str) -> None:
    registry = pki.registry_with(Member("K99", name, name, name, aliases=(name,), successor=name))
    again = trust.read(trust.write(registry))
    assert again == registry
    assert valid(trust.write(registry))


@pytest.mark.parametrize("bad", ["\x00", "\x0b", "\x1b[31m", "\ufffe", "\ud800"])
def test_a_name_that_xml_cannot_carry_is_refused_when_it_is_written_not_at_the_agencies(bad: str) -> None:
    for member in (
        Member("K99", bad),
        Member("K99", "x", bad),
        Member("K99", "x", aliases=(bad,)),
        Member("K99", "x", successor=bad),
        Member("K99", "x", certificates=(Certificate(b"x", reason=bad),)),
    ):
        with pytest.raises(Rejected) as caught:
            trust.write(pki.registry_with(member))
        assert caught.value.fault is Fault.REGISTRY_INVALID


GOOD = trust.write(
    Registry(
        "test",
        3,
        pki.NOW,
        (
            Member(
                "G22",
                "Văn phòng",
                "Office",
                aliases=("000.00.00.G22",),
                suspensions=((pki.NOW, None),),
                certificates=(Certificate(b"\x01\x02\x03\x04"),),
            ),
        ),
    )
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'version="3"', b'version="03"'),
        (b'version="3"', b'version="+3"'),
        (b'version="3"', b'version=" 3"'),
        (b'version="3"', b'version="\xd9\xa3"'),  # an Arabic three
        (b'version="3"', b'version="x"'),
        (b'version="3"', b""),
        (b".000Z", b"Z"),
        (b"2026-11-23", b"2026-02-30"),
        (b"2026-11-23T03", b"2026-11-23T25"),
        (b'installation="test"', b"installation='test'"),
        (b"<member ", b"<member  "),
        (b"  <member ", b"<member "),
        (b"<member ", b'<member x="y" '),
        (b"member", b"agency"),
        (b'lang="vi"', b'lang="fr"'),
        (b"urn:axis:registry:1", b"urn:axis:registry:2"),
        (b'use="sign"', b'use="ca"'),
        (b'use="sign"', b""),
        (b"AQIDBA==", b"AQIDBB=="),
        (b"AQIDBA==", b"AQID BA=="),
        (b"AQIDBA==", b"!"),
        (b"<alias>", b"<!-- --><alias>"),
        (b"<alias>", b"<more/><alias>"),
        (b"G22<", b"G&#50;2<"),
        (b"</registry>\n", b"</registry>"),
        (b"\n", b"\r\n"),
    ],
)
def test_every_other_way_to_write_it_is_refused(old: bytes, new: bytes) -> None:
    assert trust.read(GOOD).version == 3
    assert old in GOOD
    assert fault_of(GOOD.replace(old, new)) is Fault.REGISTRY_INVALID


@pytest.mark.parametrize("version", ["0", "-1"])
def test_a_version_that_the_schema_does_not_have_is_refused(version: str) -> None:
    data = GOOD.replace(b'version="3"', f'version="{version}"'.encode())
    assert not valid(data)
    assert fault_of(data) is Fault.REGISTRY_INVALID


# -- The signed registry -----------------------------------------------------------------------------------


def signed(registry: Registry, by: KeySigner, at: datetime = pki.NOW) -> bytes:
    return parcel.build(parcel.REGISTRY, trust.write(registry), (), by, at)


def test_the_hub_signs_the_registry_and_nobody_else() -> None:
    hub = pki.entry(pki.signer(HUB))
    assert trust.read_registry(signed(pki.registry(), pki.signer(HUB)), hub) == pki.registry()
    for other in (pki.signer("G22"), pki.impostor()):
        with pytest.raises(Rejected) as caught:
            trust.read_registry(signed(pki.registry(), other), hub)
        assert caught.value.fault is Fault.SIG_SIGNER


def test_a_registry_is_read_as_of_its_own_time_when_the_hubs_certificate_has_run_out_since() -> None:
    old = pki.signer("A41")  # its certificate ran out a hundred days ago
    data = signed(pki.registry(), old, pki.EXPIRED_AT - pki.DAY)
    assert trust.read_registry(data, pki.entry(old)) == pki.registry()
    with pytest.raises(Rejected) as caught:
        trust.read_registry(signed(pki.registry(), old, pki.NOW), pki.entry(old))
    assert caught.value.fault is Fault.KEY_EXPIRED


def test_something_else_that_the_hub_signed_is_no_registry() -> None:
    other = parcel.build(parcel.RECEIPT, trust.write(pki.registry()), (), pki.signer(HUB), pki.NOW)
    with pytest.raises(Rejected) as caught:
        trust.read_registry(other, pki.entry(pki.signer(HUB)))
    assert caught.value.fault is Fault.REGISTRY_INVALID


def test_an_altered_registry_is_refused() -> None:
    data = signed(pki.registry(), pki.signer(HUB))
    with pytest.raises(Rejected):
        trust.read_registry(data.replace(b'version="7"', b'version="8"'), pki.entry(pki.signer(HUB)))
    assert trust.read_registry(data, pki.entry(pki.signer(HUB))).version == 7


# -- Who is who ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("organ", "code"),
    [
        ("G22", "G22"),
        ("000.00.00.G22", "G22"),
        ("H29", "H29"),
        ("H29.10", "H29.10"),
        ("H29.10.05", "H29.10"),
        ("H29.11", "H29"),
        ("000.00.10.H29", "H29.10"),
        ("000.05.10.H29", "H29.10"),
        ("000.00.11.H29", "H29"),
    ],
)
def test_mail_goes_to_the_nearest_member(organ: str, code: str) -> None:
    assert pki.registry().member_for(organ).code == code


@pytest.mark.parametrize(
    ("organ", "fault"),
    [
        ("G99", Fault.AGENCY_UNKNOWN),
        ("H2", Fault.PACKET_ORGAN),
        ("HUB", Fault.PACKET_ORGAN),
        ("HUB.1", Fault.PACKET_ORGAN),
        ("", Fault.PACKET_ORGAN),
        ("g22", Fault.PACKET_ORGAN),
        ("G22 ", Fault.PACKET_ORGAN),
        ("G22\n", Fault.PACKET_ORGAN),
        ("G22.", Fault.PACKET_ORGAN),
        ("G22..1", Fault.PACKET_ORGAN),
        ("G22.*", Fault.PACKET_ORGAN),
        ("G２２", Fault.PACKET_ORGAN),
        ("G22." + "1" * 40, Fault.PACKET_ORGAN),
        ("../G22", Fault.PACKET_ORGAN),
    ],
)
def test_a_code_that_is_nobodys_is_refused(organ: str, fault: Fault) -> None:
    with pytest.raises(Rejected) as caught:
        pki.registry().member_for(organ)
    assert caught.value.fault is fault


def test_an_alias_leads_to_its_member_and_never_takes_a_real_code_away() -> None:
    registry = pki.registry_with(Member("K10", "x", aliases=("000.00.07.H41", "G22")))
    assert registry.member_for("000.00.07.H41").code == "K10"
    assert registry.member_for("G22").code == "G22"


def test_standing_changes_at_the_moment_said_and_not_before() -> None:
    tick = timedelta(milliseconds=1)
    member = Member(
        "K10",
        "x",
        valid_from=pki.NOW,
        valid_until=pki.NOW + 10 * pki.DAY,
        suspensions=((pki.NOW + pki.DAY, pki.NOW + 2 * pki.DAY), (pki.NOW + 5 * pki.DAY, None)),
    )
    day = [member.standing(pki.NOW + n * pki.DAY) for n in range(11)]
    assert day[:3] == ["active", "suspended", "active"]
    assert day[4:7] == ["active", "suspended", "suspended"]
    assert day[10] == "closed"
    assert member.standing(pki.NOW - tick) == "closed"
    assert member.standing(pki.NOW + pki.DAY - tick) == "active"
    assert member.standing(pki.NOW + 10 * pki.DAY - tick) == "suspended"


def test_the_next_version_holds_the_change_and_the_old_one_stays_as_it_was() -> None:
    before = pki.registry()
    after = before.changed(replace(before.by_code["G22"], name_vi="Mới"), pki.NOW)
    assert (after.version, after.by_code["G22"].name_vi) == (8, "Mới")
    assert before.by_code["G22"].name_vi != "Mới"
    assert [m.code for m in after.members] == sorted(m.code for m in before.members)
    assert HUB not in {m.code for m in after.agencies}


# -- Keys as of a moment ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "at", "fault"),
    [
        ("G22", pki.NOW, None),
        ("A41", pki.EXPIRED_AT, None),
        ("A41", pki.EXPIRED_AT + timedelta(seconds=1), Fault.KEY_EXPIRED),
        ("A41", pki.ISSUED, None),
        ("A41", pki.ISSUED - timedelta(seconds=1), Fault.KEY_EXPIRED),
        ("B10", pki.STARTS_AT - timedelta(seconds=1), Fault.KEY_EXPIRED),
        ("B10", pki.STARTS_AT, None),
        ("C20", pki.REVOKED_AT - timedelta(milliseconds=1), None),
        ("C20", pki.REVOKED_AT, Fault.KEY_REVOKED),
        ("C20", pki.NOW, Fault.KEY_REVOKED),
        ("D30", pki.NOW, Fault.KEY_ROLE),
    ],
)
def test_a_certificate_is_good_from_its_first_moment_to_its_last(code: str, at: datetime, fault: Fault | None) -> None:
    der = pki.signer(code).der
    if fault is None:
        assert pki.registry().certificate(der, at)[0] == code
        return
    with pytest.raises(Rejected) as caught:
        pki.registry().certificate(der, at)
    assert caught.value.fault is fault


def test_a_new_key_and_the_old_one_overlap() -> None:
    old, new = pki.signer("G22"), pki.signer("X-new-of-G22")
    both = pki.registry_with(Member("G22", "x", certificates=(pki.entry(old), pki.entry(new))))
    for each in (old, new):
        assert both.certificate(each.der, pki.NOW)[0] == "G22"


def test_trust_in_the_hub_alone_is_trust_in_nobody_else() -> None:
    only = HubOnly(pki.entry(pki.signer(HUB)))
    assert only.certificate(pki.signer(HUB).der, pki.NOW)[0] == HUB
    with pytest.raises(Rejected) as caught:
        only.certificate(pki.signer("G22").der, pki.NOW)
    assert caught.value.fault is Fault.SIG_SIGNER


def test_trust_in_the_ca_alone_ends_with_the_ca() -> None:
    only = AuthorityOnly(pki.authority().certificate)
    assert only.certificate(pki.signer("G22").der, pki.NOW)[0] == "G22"
    with pytest.raises(Rejected) as caught:
        only.certificate(pki.signer("G22").der, pki.NOW + 365 * 30 * pki.DAY)
    assert caught.value.fault is Fault.KEY_EXPIRED


def test_a_certificate_without_a_name_is_nobodys() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    nameless = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "G22")]))
        .issuer_name(pki.authority().certificate.subject)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(pki.ISSUED)
        .not_valid_after(pki.NOW + pki.DAY)
        .sign(pki.authority().key, hashes.SHA256())
    )
    with pytest.raises(Rejected) as caught:
        AuthorityOnly(pki.authority().certificate).certificate(KeySigner(key, nameless).der, pki.NOW)
    assert caught.value.fault is Fault.SIG_SIGNER


# -- What may enter the registry ----------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["G22", "H29", "H41"])
def test_a_signing_certificate_may_enter(code: str) -> None:
    assert trust.signing_certificate(pki.signer(code).certificate).der == pki.signer(code).der


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("rsa1024", Fault.SIG_WEAK_KEY),
        ("p192", Fault.SIG_WEAK_KEY),
        ("k256", Fault.SIG_WEAK_KEY),
        ("ed25519", Fault.SIG_ALG),
    ],
)
def test_a_key_that_no_verifier_accepts_may_not_enter(kind: str, fault: Fault) -> None:
    with pytest.raises(Rejected) as caught:
        trust.signing_certificate(pki.weak_signer(kind).certificate)
    assert caught.value.fault is fault


def test_a_certificate_for_tls_or_of_a_ca_may_not_enter_for_signing() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    for certificate in (
        pki.signer("D30").certificate,
        pki.authority().certificate,
        pki.certificate(key, "G22", ca=True),
        pki.certificate(key, "G22", tls=True),
        pki.certificate(key, "G22", commitment=False),
    ):
        with pytest.raises(Rejected) as caught:
            trust.signing_certificate(certificate)
        assert caught.value.fault is Fault.KEY_ROLE


def test_the_registry_says_whether_any_key_has_stopped_being_good_within_a_time() -> None:
    registry = pki.registry()
    second = timedelta(seconds=1)
    for end in (pki.REVOKED_AT, pki.EXPIRED_AT):
        assert registry.lost_between(end - second, end)
        assert not registry.lost_between(end, end + second)
        assert not registry.lost_between(end - 2 * second, end - second)
    assert registry.lost_between(pki.EXPIRED_AT - second, pki.NOW)
    assert registry.owner(pki.signer("C20").der) == "C20", "good or not"
    with pytest.raises(Rejected) as caught:
        registry.owner(pki.impostor().der)
    assert caught.value.fault is Fault.SIG_SIGNER
