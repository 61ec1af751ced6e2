"""A registry takes another one's place only by acts that the officers of before have signed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from axis.core import lineage, officers
from axis.core import registry as trust
from axis.core.officers import Act, Signed
from axis.core.registry import HUB, Certificate, Member, Registry, signing_certificate
from axis.errors import Fault, Rejected
from axis.infra import keystore
from axis.services.operate.officers import authorised_all
from tests import pki

if TYPE_CHECKING:
    from pathlib import Path

    from axis.core.signature import KeySigner

NOW = pki.NOW
HOUR = timedelta(hours=1)
PLACE = "11111111-1111-1111-1111-111111111111"
ANNA, BINH, CHI, STRANGER = (keystore.new_registrar(name, NOW - HOUR) for name in ("Anna", "Bình", "Chi", "Ai đó"))
REGISTRARS = [keystore.new_registrar(f"R{number}", NOW - HOUR) for number in range(3)]
NEXT = keystore.new_registrar("R9", NOW - HOUR)
KEY = pki.signer("H41")


def listed(*signers: KeySigner, roles: tuple[str, ...] = officers.ROLES) -> tuple[Certificate, ...]:
    return tuple(officers.officer_entry(one.certificate, roles) for one in signers)


def named(*signers: KeySigner, need: int = 2) -> tuple[Certificate, ...]:
    return tuple(lineage.registrar_entry(one.certificate, need, 24) for one in signers)


def registry(*hub: Certificate) -> Registry:
    members = (
        Member("G22", "Bộ"),
        Member("H41", "Tỉnh", certificates=(signing_certificate(KEY.certificate),)),
        Member(HUB, "Trục", certificates=(signing_certificate(pki.signer(HUB).certificate), *hub)),
    )
    return Registry(PLACE, 5, NOW - HOUR, members)


TWO = registry(*listed(ANNA, BINH))
ONE = registry(*listed(ANNA))
SUSPENDED = replace(TWO.by_code["H41"], suspensions=((NOW, None),))
REVOKED = replace(TWO.by_code["H41"], certificates=(replace(TWO.by_code["H41"].certificates[0], revoked_at=NOW),))
CLOSED = replace(TWO.by_code["H41"], valid_until=NOW, successor="G22")
NEW = Member("X99", "Mới")


def act(before: Registry, after: Member, what: str, *by: KeySigner, **facts: object) -> Signed:
    made = officers.prepare(before, after, what, "vì", NOW, "0" * 32)
    signed = Signed(replace(made, **facts))  # type: ignore[arg-type]
    for one in by:
        signed = signed.by(one)
    return signed


def after(before: Registry, member: Member, *acts: Signed) -> Registry:
    changed = before.changed(member, NOW)
    for one in acts:
        changed = officers.with_act(changed, one)
    return trust.read(trust.write(changed))


def refused(before: Registry, following: Registry) -> str:
    """The code for which `following` does not follow; "" if it does."""
    try:
        officers.check_follows(before, following, NOW)
    except Rejected as error:
        return error.fault.code
    return ""


def done(before: Registry, member: Member, what: str, *by: KeySigner) -> str:
    return refused(before, after(before, member, act(before, member, what, *by)))


def test_one_officer_stops_at_once_and_two_set_going() -> None:
    assert done(TWO, SUSPENDED, "suspend", ANNA) == ""
    assert done(TWO, REVOKED, "revoke", BINH) == ""
    assert done(TWO, NEW, "add", ANNA, BINH) == ""
    assert done(TWO, CLOSED, "close", ANNA, BINH) == ""
    suspended = TWO.changed(SUSPENDED, NOW)
    resumed = replace(SUSPENDED, suspensions=((NOW, NOW),))
    assert done(suspended, resumed, "resume", BINH, ANNA) == ""
    for before, member, what in ((TWO, NEW, "add"), (TWO, CLOSED, "close"), (suspended, resumed, "resume")):
        assert done(before, member, what, ANNA) == "ACT_UNSIGNED"


def test_one_is_enough_where_only_one_is_listed() -> None:
    assert done(ONE, CLOSED, "close", ANNA) == ""
    assert done(ONE, CLOSED, "close", BINH) == "ACT_UNSIGNED"
    assert done(ONE, CLOSED, "close") == "ACT_UNSIGNED"


def test_where_nobody_is_listed_the_hubs_word_is_enough() -> None:
    bare = registry()
    assert refused(bare, bare.changed(CLOSED, NOW)) == ""
    first = bare.by_code[HUB]
    listing = bare.changed(replace(first, certificates=(*first.certificates, *listed(ANNA))), NOW)
    assert refused(bare, listing) == ""
    assert refused(listing, bare.changed(CLOSED, NOW)) == "ACT_UNSIGNED", "and there is no way back"


TWICE = keystore.KeySigner(
    ANNA.key, keystore.certify_member(keystore.new_authority(NOW), "Anna 2", "", ANNA.key.public_key(), NOW)
)
FORGED = {
    "no act": lambda: after(TWO, CLOSED),
    "one signature where two are needed": lambda: after(TWO, CLOSED, act(TWO, CLOSED, "close", ANNA)),
    "the same officer twice": lambda: after(
        TWO, CLOSED, replace(one := act(TWO, CLOSED, "close", ANNA), signatures=one.signatures * 2)
    ),
    "a stranger beside an officer": lambda: after(TWO, CLOSED, act(TWO, CLOSED, "close", ANNA, STRANGER)),
    "a signature of another text": lambda: after(
        TWO,
        CLOSED,
        replace(act(TWO, CLOSED, "close", ANNA, BINH), act=act(TWO, CLOSED, "close", reason="khác").act),
    ),
    "an act of another kind": lambda: after(
        TWO, CLOSED, replace(one := act(TWO, CLOSED, "close"), act=replace(one.act, what="suspend")).by(ANNA)
    ),
    "an act about another agency": lambda: after(
        TWO,
        replace(TWO.by_code["G22"], suspensions=((NOW, None),)),
        act(TWO, SUSPENDED, "suspend", ANNA),
    ),
    "an act that follows another registry": lambda: after(
        TWO, SUSPENDED, act(replace(TWO, version=4), SUSPENDED, "suspend", ANNA)
    ),
    "an act of another installation": lambda: after(
        TWO, SUSPENDED, act(replace(TWO, installation=PLACE[::-1]), SUSPENDED, "suspend", ANNA)
    ),
    "an act of before": lambda: after(TWO, SUSPENDED, act(TWO, SUSPENDED, "suspend", ANNA, at=NOW - 2 * HOUR)),
    "more than the act says": lambda: replace(
        one := after(TWO, SUSPENDED, act(TWO, SUSPENDED, "suspend", ANNA)),
        members=tuple(replace(m, successor="H41") if m.code == "G22" else m for m in one.members),
    ),
    "a suspension dated back by one": lambda: after(
        TWO,
        back := replace(SUSPENDED, suspensions=((NOW - 2 * HOUR, None),)),
        act(TWO, back, "suspend", ANNA),
    ),
    "a revocation dated back by one": lambda: after(
        TWO,
        back := replace(REVOKED, certificates=(replace(REVOKED.certificates[0], revoked_at=NOW - 2 * HOUR),)),
        act(TWO, back, "revoke", ANNA),
    ),
    "another officer by one": lambda: listing(TWO, listed(ANNA, BINH, CHI), ANNA),
    "an officer less by one": lambda: listing(TWO, listed(ANNA), ANNA),
    "a registry of a day to come": lambda: replace(TWO, version=6, issued_at=NOW + HOUR),
}


def listing(before: Registry, entries: tuple[Certificate, ...], *by: KeySigner) -> Registry:
    """The registry with these officers, or registrars, instead."""
    what = "officers" if officers.is_officer(entries[0]) else "registrars"
    same = officers.is_officer if what == "officers" else lineage.is_registrar
    hub = before.by_code[HUB]
    changed = replace(hub, certificates=(*(one for one in hub.certificates if not same(one)), *entries))
    return after(before, changed, act(before, changed, what, *by))


@pytest.mark.parametrize("how", FORGED)
def test_what_officers_have_not_signed_follows_nothing(how: str) -> None:
    assert refused(TWO, FORGED[how]()) == "ACT_UNSIGNED"


def test_one_key_under_two_certificates_is_one_voice() -> None:
    before = registry(*listed(ANNA, TWICE))
    assert done(before, replace(CLOSED, certificates=before.by_code["H41"].certificates), "close", ANNA, TWICE) == (
        "ACT_UNSIGNED"
    )


def test_an_officer_who_was_removed_or_whose_certificate_has_ended_signs_no_more() -> None:
    three = registry(*listed(ANNA, BINH, CHI))
    less = listing(three, listed(ANNA, BINH), ANNA, BINH)
    assert refused(three, less) == ""
    assert done(less, CLOSED, "close", ANNA, CHI) == "ACT_UNSIGNED"
    ended = keystore.new_registrar("Dũng", NOW - timedelta(days=365 * 20, hours=1))
    before = registry(*listed(ANNA, BINH, ended))
    assert done(before, CLOSED, "close", ANNA, ended) == "ACT_UNSIGNED"
    assert done(before, CLOSED, "close", ANNA, BINH) == ""


def test_a_role_that_is_not_fit_signs_nothing() -> None:
    before = registry(*listed(ANNA, BINH), *listed(CHI, roles=("operator",)))
    assert done(before, SUSPENDED, "suspend", CHI) == ""
    assert done(before, REVOKED, "revoke", CHI) == "ACT_UNSIGNED"
    assert done(before, SUSPENDED, "suspend", BINH) == ""


def test_no_list_of_officers_leaves_an_act_to_nobody() -> None:
    with pytest.raises(Rejected) as caught:
        listing(TWO, listed(ANNA, BINH, roles=("operator",)), ANNA, BINH)
    assert caught.value.fault is Fault.ACT_OFFICERS
    nobody = replace(TWO.by_code[HUB], certificates=TWO.by_code[HUB].certificates[:1])
    with pytest.raises(Rejected):
        act(TWO, nobody, "officers", ANNA, BINH)


def test_an_act_is_good_once_and_in_its_place() -> None:
    first = act(TWO, SUSPENDED, "suspend", ANNA)
    suspended = after(TWO, SUSPENDED, first)
    over = replace(SUSPENDED, suspensions=((NOW, NOW),))
    resumed = after(suspended, over, act(suspended, over, "resume", ANNA, BINH))
    assert refused(TWO, resumed) == "", "whoever was away for both follows, too"
    again = replace(resumed, version=resumed.version + 1, members=suspended.members)
    assert refused(resumed, officers.with_act(again, first)) == "ACT_UNSIGNED"
    assert len(officers.acts(resumed)) == 2


def test_a_registry_that_says_nothing_new_needs_no_act() -> None:
    """Types of documents, or a request to send again: the hub's own word."""
    assert refused(TWO, replace(TWO, version=6, issued_at=NOW, resend_from=NOW)) == ""


def test_the_hubs_own_keys_are_no_facts() -> None:
    hub = TWO.by_code[HUB]
    other = signing_certificate(pki.signer("H41").certificate)
    assert refused(TWO, TWO.changed(replace(hub, certificates=(*hub.certificates, other)), NOW)) == ""


def test_several_members_are_changed_at_once_by_an_act_for_each(tmp_path: Path) -> None:
    closed, renamed = CLOSED, replace(TWO.by_code["G22"], name_vi="Bộ mới")
    wanted = replace(TWO.changed(closed, NOW).changed(renamed, NOW).changed(NEW, NOW), version=6)
    done_, signed = authorised_all(tmp_path, (ANNA, BINH), TWO, wanted, "apply", "NQ", NOW)
    assert [one.act.about for one in signed] == ["G22", "H41", "X99"]
    assert refused(TWO, trust.read(trust.write(done_))) == ""
    assert refused(TWO, officers.with_act(officers.with_act(wanted, signed[0]), signed[2])) == "ACT_UNSIGNED"
    with pytest.raises(Rejected) as caught:
        authorised_all(tmp_path, (ANNA,), TWO, wanted, "apply", "NQ", NOW)
    assert caught.value.fault is Fault.ACT_WAITS
    keys = replace(wanted, members=tuple(REVOKED if one.code == "H41" else one for one in wanted.members))
    with pytest.raises(Rejected):
        authorised_all(tmp_path, (ANNA, BINH), TWO, keys, "apply", "NQ", NOW)


def succeeded(before: Registry, installed: Registry) -> str:
    """The code for which a registry of the recovery paper's, after `before`, does not follow; "" if it does."""
    following = trust.read(trust.write(replace(before, version=before.version + 1)))
    try:
        officers.check_follows(installed, following, NOW, anew=True)
    except Rejected as error:
        return error.fault.code
    return ""


def test_the_paper_overrules_registries_of_whatever_number_and_the_acts_since_stay_good() -> None:
    suspended = after(TWO, SUSPENDED, act(TWO, SUSPENDED, "suspend", ANNA))
    ahead = replace(TWO, version=105, issued_at=NOW)
    assert refused(ahead, suspended) == "ACT_UNSIGNED"
    assert succeeded(suspended, ahead) == "", "the centre has gone on meanwhile"
    assert succeeded(TWO, TWO) == ""


def test_the_paper_takes_back_what_a_thief_has_done_with_officers_keys() -> None:
    """He had the keys of two, and has even put his own in their place: whoever took that goes back to before it."""
    mine = listing(TWO, listed(STRANGER), ANNA, BINH)
    closed = after(mine, CLOSED, act(mine, CLOSED, "close", STRANGER))
    taken = after(closed, NEW, act(closed, NEW, "add", STRANGER))
    assert refused(TWO, taken) == ""
    suspended = after(TWO, SUSPENDED, act(TWO, SUSPENDED, "suspend", BINH))
    for thiefs in (mine, closed, taken):
        assert refused(thiefs, replace(TWO, version=99)) == "ACT_UNSIGNED", "not without the paper"
        assert succeeded(TWO, thiefs) == ""
        assert succeeded(suspended, thiefs) == "", "and what the true ones have signed since counts"


def introduced(before: Registry) -> Registry:
    """The same where agencies' keys count by introduction."""
    h41 = before.by_code["H41"]
    own = lineage.entry(lineage.introduce(PLACE, "H41", KEY.key.public_key(), KEY, NOW - HOUR))
    members = {**before.by_code, "H41": replace(h41, certificates=(*h41.certificates, own))}
    return replace(before, members=tuple(members[one.code] for one in before.members))


def test_the_paper_takes_back_an_agency_that_a_thief_has_added_with_officers_keys_and_none_of_before() -> None:
    true = introduced(TWO)
    mine = pki.signer("X99")
    his = Member("X99", "Mới", certificates=(signing_certificate(mine.certificate),))
    taken = after(true, his, act(true, his, "add", ANNA, BINH))
    assert refused(true, taken) == ""
    assert refused(taken, replace(true, version=99)) == "ACT_UNSIGNED", "not without the paper"
    assert succeeded(true, taken) == ""
    less = replace(true, members=tuple(one for one in true.members if one.code != "H41"))
    for thiefs in (true, taken):
        assert succeeded(less, thiefs) != "", "an agency of before stays"
    other = replace(his, certificates=(signing_certificate(pki.signer("G22").certificate),))
    assert succeeded(after(true, other, act(true, other, "add", ANNA, BINH)), taken) == "KEY_HEIR", "nor another key"


def test_acts_that_led_to_a_registry_are_not_left_out_of_the_next_one() -> None:
    """Or else the recovery paper could not take them back."""
    suspended = after(TWO, SUSPENDED, act(TWO, SUSPENDED, "suspend", ANNA))
    resumed = replace(SUSPENDED, suspensions=((NOW, NOW),))
    more = after(suspended, resumed, act(suspended, resumed, "resume", ANNA, BINH))
    assert refused(suspended, more) == ""
    for kept in ((), officers.acts(more)[1:]):
        hub = more.by_code[HUB]
        held = tuple(one for one in hub.certificates if one.reason != officers.ACT)
        said = tuple(Certificate(officers.write(one), "tls", reason=officers.ACT) for one in kept)
        bare = replace(more.changed(replace(hub, certificates=(*held, *said)), NOW), issued_at=NOW)
        assert refused(more, bare) == "ACT_UNSIGNED"
        junk = bare
        for number in range(officers.MAX_ACTS):
            junk = officers.with_act(junk, Signed(Act(PLACE, 9, str(number), "add", "X", NOW, "0", "", (), ())))
        assert refused(more, junk) == "ACT_UNSIGNED", "acts that lead nowhere take no other's place"


def test_a_centre_whose_record_has_lost_acts_that_lead_back_goes_on_without_them() -> None:
    chi = listing(TWO, listed(ANNA, BINH, CHI), ANNA, BINH)
    back = listing(chi, listed(ANNA, BINH), ANNA, BINH)
    assert refused(back, replace(TWO, version=back.version + 1)) == ""
    next_one = replace(TWO, version=back.version)
    assert refused(back, after(next_one, SUSPENDED, act(next_one, SUSPENDED, "suspend", ANNA))) == ""


def test_the_oldest_acts_make_room_for_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(officers, "MAX_ACTS", 6)
    now = TWO
    for number in range(officers.MAX_ACTS + 2):
        h41 = replace(now.by_code["H41"], aliases=(*now.by_code["H41"].aliases, f"H41.{number}"))
        following = after(now, h41, act(now, h41, "alias", ANNA, BINH))
        assert refused(now, following) == "", number
        now = following
    assert refused(TWO, now) == "ACT_UNSIGNED", "who has missed more is enrolled again"


def test_a_revoked_certificate_that_is_listed_once_more_is_not_good_again() -> None:
    person = Certificate(pki.signer("G22").der, "person", holder="tv-01@H41")
    h41 = TWO.by_code["H41"]
    ended = replace(person, revoked_at=NOW - HOUR)
    before = replace(
        TWO,
        members=tuple(
            replace(h41, certificates=(*h41.certificates, ended)) if one.code == "H41" else one for one in TWO.members
        ),
    )
    again = replace(before.by_code["H41"], certificates=(*before.by_code["H41"].certificates, person))
    following = trust.read(trust.write(before.changed(again, NOW)))
    assert refused(before, following) == "ACT_UNSIGNED"
    with pytest.raises(Rejected) as caught:
        following.person(person.der, NOW)
    assert caught.value.fault is Fault.KEY_REVOKED


def test_an_entry_of_the_hubs_that_signs_nothing_hides_no_agencys_certificate() -> None:
    """Nobody asks an officer about it: whoever has the hub's key would stop an agency with it."""
    hub = TWO.by_code[HUB]
    hides = Certificate(KEY.der, "tls", reason="x")
    following = trust.read(trust.write(TWO.changed(replace(hub, certificates=(*hub.certificates, hides)), NOW)))
    assert refused(TWO, following) == ""
    assert following.certificate(KEY.der, NOW)[0] == "H41"


def test_the_paper_alone_takes_no_officers_place() -> None:
    assert succeeded(TWO.changed(CLOSED, NOW), TWO) == "ACT_UNSIGNED"
    assert succeeded(after(TWO, CLOSED, act(TWO, CLOSED, "close", ANNA, STRANGER)), TWO) == "ACT_UNSIGNED"
    suspended = after(TWO, SUSPENDED, act(TWO, SUSPENDED, "suspend", ANNA))
    assert succeeded(registry(*listed(STRANGER)), suspended) == "ACT_UNSIGNED"


def test_registrars_name_the_next_ones_themselves() -> None:
    before = registry(*listed(ANNA, BINH), *named(*REGISTRARS))
    wanted = named(REGISTRARS[0], NEXT, need=1)
    assert refused(before, listing(before, wanted, ANNA, BINH, *REGISTRARS[:2])) == ""
    assert refused(before, listing(before, wanted, ANNA, BINH, REGISTRARS[0])) == "ACT_UNSIGNED"
    assert refused(before, listing(before, wanted, ANNA, BINH, REGISTRARS[0], NEXT)) == "ACT_UNSIGNED"
    assert refused(before, listing(before, wanted, *REGISTRARS)) == "ACT_UNSIGNED", "and not without the officers"
    officers.check_acts(before, listing(before, wanted, ANNA, BINH), NOW, anew=True)
    assert refused(TWO, listing(TWO, named(NEXT, need=1), ANNA, BINH)) == "", "the first are named by officers"


def test_all_registrars_name_officers_where_these_cannot() -> None:
    before = registry(*listed(ANNA, BINH), *named(*REGISTRARS))
    assert refused(before, listing(before, listed(CHI, STRANGER), *REGISTRARS)) == ""
    assert refused(before, listing(before, listed(CHI, STRANGER), ANNA, *REGISTRARS[:2])) == "ACT_UNSIGNED"


def test_an_act_has_one_form() -> None:
    signed = replace(act(TWO, CLOSED, "close", ANNA, BINH), entry=b"\0<")
    data = officers.write(signed)
    assert officers.read(data) == signed
    assert officers.read(officers.write(Signed(signed.act))) == Signed(signed.act)
    for place in range(0, len(data), 7):
        with suppress(Rejected):
            assert officers.read(data[:place] + b" " + data[place:]) != signed
    for bad in (b"", b"axis act 1\n\n", b"\xff", data[:-1], data + b"x"):
        with pytest.raises(Rejected):
            officers.read(bad)


def test_a_name_forges_no_line() -> None:
    odd = replace(CLOSED, name_vi="Tỉnh\nsuccessor G22", valid_until=None, successor="")
    assert not any(line.startswith("successor") for line in officers.facts(odd))
    assert officers.facts(odd) != officers.facts(replace(odd, name_vi="Tỉnh\\nsuccessor G22"))


def test_the_acts_that_a_registry_carries_are_bounded() -> None:
    grown = TWO
    for _ in range(officers.MAX_ACTS + 3):
        grown = officers.with_act(grown, Signed(Act(PLACE, 1, "0", "add", "X", NOW, "0", "", (), ())))
    assert len(officers.acts(grown)) == officers.MAX_ACTS


def test_what_a_registry_says_is_found_out_once_for_all_adapters_of_a_home() -> None:
    again = replace(TWO, members=tuple(replace(one) for one in TWO.members))
    assert officers.known(again) is officers.known(TWO)
    assert officers.known(replace(TWO, members=(*TWO.members[:-1], CLOSED))) != officers.known(TWO)
    closed, member = CLOSED, TWO.by_code["H41"]
    assert {member: 1}[replace(member)] == 1
    assert closed not in {member: 1}, "what it is found by is not all that it is"
