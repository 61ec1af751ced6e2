"""The hub's keys lead from one to the next, and nobody who has stolen one of them leads anybody astray for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from axis.core import chain, lineage, paper
from axis.core.chain import RECOVERY_NAME, HubKeys
from axis.core.registry import HUB, Certificate, Member, Registry, signing_certificate
from axis.errors import Fault, Rejected
from axis.infra import keystore
from axis.services.operate import provision
from tests import pki

if TYPE_CHECKING:
    from axis.core.signature import KeySigner, Signer

NOW = pki.NOW
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PLACE = "11111111-1111-1111-1111-111111111111"
AUTHORITY = keystore.new_authority(NOW - HOUR)


def new(at: datetime = NOW - HOUR) -> KeySigner:
    return keystore.new_member(AUTHORITY, HUB, "Trục", "p256", at)


def on_paper() -> KeySigner:
    return keystore.recovery_signer(keystore.new_secret(), RECOVERY_NAME, NOW)


FIRST, SECOND, THIRD, THIEF = new(), new(), new(), new()
PAPER, NEXT_PAPER, OTHER_PAPER = on_paper(), on_paper(), on_paper()


def sign(one: KeySigner, **facts: object) -> Certificate:
    return replace(signing_certificate(one.certificate), **facts)  # type: ignore[arg-type]


def heir(one: KeySigner, by: Signer, place: str = PLACE) -> Certificate:
    return chain.heir_entry(place, one.key.public_key(), by, NOW)


def named(one: KeySigner, by: Signer, place: str = PLACE) -> Certificate:
    return chain.recovery_entry(place, one.key.public_key(), by, NOW)


def ended(one: KeySigner) -> Certificate:
    return sign(one, revoked_at=NOW, reason="lộ")


def registry(*hub: Certificate, version: int = 1) -> Registry:
    return Registry(PLACE, version, NOW, (Member("G22", "G22"), Member(HUB, "Trục", certificates=hub)))


PINNED = (sign(FIRST), named(PAPER, FIRST))
BEFORE = registry(*PINNED)
ROTATED = (*PINNED, sign(SECOND), heir(SECOND, FIRST), named(PAPER, SECOND))
SUCCEEDED = (
    ended(FIRST),
    named(PAPER, FIRST),
    sign(THIRD),
    heir(THIRD, PAPER),
    named(NEXT_PAPER, PAPER),
    named(NEXT_PAPER, THIRD),
)


def follows(after: Registry, by: KeySigner, before: Registry = BEFORE) -> bool | None:
    """Whether it may follow: None for no, True where the recovery key speaks."""
    try:
        return chain.check_follows(before, after, signing_certificate(by.certificate))
    except Rejected as error:
        if error.fault is not Fault.KEY_HEIR:
            raise
        return None


def read(one: Registry, by: KeySigner, anchor: KeySigner) -> bool:
    try:
        found = chain.read_registry(provision.sign_registry(one, by, NOW), signing_certificate(anchor.certificate))
    except Rejected as error:
        if error.fault is not Fault.SIG_SIGNER:
            raise
        return False
    return found == one


def test_a_registry_is_followed_from_the_certificate_of_enrolment_to_whatever_key_signs_it() -> None:
    twice = (*ROTATED, sign(THIRD), heir(THIRD, SECOND))
    assert read(registry(*ROTATED), FIRST, FIRST)
    assert read(registry(*ROTATED), SECOND, FIRST)
    assert read(registry(*twice), THIRD, FIRST), "whoever was away for two changes follows, too"
    assert read(registry(*SUCCEEDED), THIRD, FIRST), "the key of enrolment has named the paper, and that the successor"
    assert read(registry(*ROTATED[1:], ended(FIRST)), SECOND, FIRST)
    again = (*SUCCEEDED, ended(THIRD), sign(SECOND), heir(SECOND, NEXT_PAPER))
    assert read(registry(*again), SECOND, THIRD), "who enrolled after the first succession follows the second"


def test_a_key_that_nothing_leads_to_signs_no_registry() -> None:
    assert not read(registry(*PINNED, sign(THIEF)), THIEF, FIRST)
    assert not read(registry(*PINNED, sign(THIEF), heir(THIEF, THIEF)), THIEF, FIRST)
    assert not read(registry(*PINNED, sign(THIEF), heir(THIEF, FIRST, "2" * 36)), THIEF, FIRST)
    assert not read(registry(*PINNED, sign(THIEF), named(THIEF, FIRST)), THIEF, FIRST), "a paper is no key of the hub"
    assert not read(registry(*PINNED, heir(THIEF, FIRST)), THIEF, FIRST), "it is not listed"
    assert not read(registry(*ROTATED), FIRST, SECOND), "enrolled with the later one: the earlier may be stolen"
    assert not read(registry(ended(SECOND), *ROTATED), SECOND, FIRST)


def test_each_key_names_the_next_and_none_is_gone() -> None:
    assert follows(registry(*ROTATED), FIRST) is False
    assert follows(registry(*ROTATED), SECOND) is False
    assert follows(registry(*ROTATED, sign(THIRD), heir(THIRD, SECOND)), THIRD) is False
    after = registry(*ROTATED[1:], ended(FIRST))
    assert follows(after, SECOND) is False
    assert follows(after, SECOND, registry(*ROTATED)) is False
    assert follows(registry(*ROTATED), SECOND, after) is None, "what was revoked is not good again"
    assert follows(registry(*ROTATED[1:]), SECOND) is None, "one is gone"


def test_where_there_is_no_paper_yet_the_hubs_key_names_the_first() -> None:
    bare = registry(sign(FIRST))
    assert follows(BEFORE, FIRST, bare) is False
    assert follows(registry(*ROTATED), SECOND, bare) is False


STOLEN = {  # by whoever has the hub's first key
    "no paper any more": ((sign(FIRST),), FIRST),
    "a paper of his own": ((*PINNED, named(OTHER_PAPER, FIRST)), FIRST),
    "a paper of his own in its place": ((sign(FIRST), named(OTHER_PAPER, FIRST)), FIRST),
    "a successor that his own paper names": (
        (ended(FIRST), named(OTHER_PAPER, FIRST), sign(THIEF), heir(THIEF, OTHER_PAPER)),
        THIEF,
    ),
    "a key that names itself": ((*PINNED, sign(THIEF), heir(THIEF, THIEF)), THIEF),
    "a key that nobody names": ((*PINNED, sign(THIEF)), FIRST),
    "an introduction called a paper": ((*PINNED, sign(THIEF), replace(heir(THIEF, PAPER), reason="recovery")), THIEF),
    "a paper's name called an introduction": (
        (*PINNED, sign(THIEF), replace(named(THIEF, FIRST), reason="introduction")),
        THIEF,
    ),
}


@pytest.mark.parametrize("how", STOLEN)
def test_who_has_the_hubs_key_names_no_paper_and_without_a_paper_nothing_succeeds(how: str) -> None:
    entries, by = STOLEN[how]
    assert follows(registry(*entries), by) is None


def test_what_is_no_name_of_a_paper_changes_none() -> None:
    for one in (replace(heir(THIEF, PAPER), reason="recovery"), named(OTHER_PAPER, PAPER, "2" * 36)):
        assert chain.recovery_key(registry(*PINNED, one)) == lineage.key_of(PAPER.certificate)


def test_the_paper_names_a_successor_whatever_the_thief_has_told_before() -> None:
    assert follows(registry(*SUCCEEDED), THIRD) is True
    thiefs = registry(*PINNED, sign(THIEF), heir(THIEF, FIRST), version=100)
    assert follows(thiefs, THIEF) is False, "until somebody says so he is the hub"
    assert follows(registry(*SUCCEEDED), THIRD, thiefs) is True
    over = registry(*SUCCEEDED)
    assert follows(thiefs, THIEF, over) is None
    assert follows(registry(*PINNED, sign(THIEF), heir(THIEF, FIRST), *SUCCEEDED[2:]), THIEF, over) is None
    assert follows(registry(*SUCCEEDED), FIRST, over) is None, "the stolen key signs nothing more"
    assert follows(registry(*SUCCEEDED, sign(SECOND), heir(SECOND, THIRD)), SECOND, over) is False


def test_a_paper_that_was_used_or_exchanged_counts_no_more() -> None:
    over = registry(*SUCCEEDED)
    assert chain.recovery_key(over) == lineage.key_of(NEXT_PAPER.certificate)
    with_old = registry(*SUCCEEDED, ended(THIRD), sign(THIEF), heir(THIEF, PAPER))
    assert follows(with_old, THIEF, over) is None
    again = registry(*SUCCEEDED[:2], ended(THIRD), *SUCCEEDED[3:], sign(SECOND), heir(SECOND, NEXT_PAPER))
    assert follows(again, SECOND, over) is True
    assert follows(again, SECOND) is True, "away for two successions"
    assert not chain.succeeds(again, over, signing_certificate(THIRD.certificate)), "the first one is not played again"


def test_an_agencys_keys_are_not_the_papers_to_give() -> None:
    own, other = pki.signer("G22"), pki.signer("H29")
    entries = (signing_certificate(own.certificate), lineage.entry(_said(own, own)))
    before = replace(BEFORE, members=(Member("G22", "G22", certificates=entries), BEFORE.members[1]))
    forged = (*entries, signing_certificate(other.certificate), lineage.entry(_said(other, PAPER)))
    after = replace(before, members=(Member("G22", "G22", certificates=forged), before.members[1]))
    with pytest.raises(Rejected):
        lineage.check_follows(before, after, NOW, anew=True)
    revoked = replace(entries[0], revoked_at=NOW)
    taken = replace(before, members=(Member("G22", "G22", certificates=(revoked, entries[1])), before.members[1]))
    lineage.check_follows(taken, before, NOW, anew=True)  # a revocation by the thief is taken back
    with pytest.raises(Rejected):
        lineage.check_follows(taken, before, NOW)


def _said(one: KeySigner, by: Signer) -> bytes:
    return lineage.introduce(PLACE, "G22", one.key.public_key(), by, NOW)


def test_the_newest_key_that_can_be_believed_signs() -> None:
    late = new(NOW + DAY)
    listed = registry(sign(FIRST), sign(late))
    assert chain.choose([FIRST, late], listed, NOW) is FIRST
    assert chain.choose([FIRST, late], listed, NOW + DAY) is late
    assert chain.choose([FIRST], listed, NOW + DAY) is FIRST, "the next one is not in this home"
    end = FIRST.certificate.not_valid_after_utc
    assert chain.choose([FIRST], listed, end - timedelta(minutes=5)) is FIRST
    assert chain.choose([FIRST], listed, end - timedelta(minutes=4)) is None
    assert chain.choose([FIRST, THIEF], registry(ended(FIRST)), NOW) is None, "revoked, and not listed"


def test_the_hubs_word_is_believed_by_every_key_that_the_registry_lists_until_it_is_revoked() -> None:
    keys = HubKeys(sign(FIRST), registry(*ROTATED[1:], ended(FIRST)))
    assert keys.certificate(SECOND.der, NOW)[0] == HUB
    assert keys.holds(FIRST.der)
    for der, at, fault in (
        (FIRST.der, NOW, Fault.KEY_REVOKED),
        (pki.signer("G22").der, NOW, Fault.SIG_SIGNER),
    ):
        with pytest.raises(Rejected) as caught:
            keys.certificate(der, at)
        assert caught.value.fault is fault
    assert HubKeys(sign(FIRST), None).certificate(FIRST.der, NOW)[0] == HUB


def test_what_stands_on_paper_is_read_back_and_a_slip_is_noticed() -> None:
    secret = keystore.new_secret()
    shown = paper.groups(secret)
    assert len(shown.split()) == 17
    form = (
        f"PHIẾU KHÔI PHỤC\nHệ thống: {PLACE}\n\n    {shown.upper().replace(chr(10), chr(10) + '    ')}\n\nNgày 2026\n"
    )
    for text in (shown, shown.replace("\n", " "), shown.replace(" ", "-"), form):
        assert paper.read(text) == secret
    wrong = ("0" if shown[0] != "0" else "1") + shown[1:]
    for text in (wrong, shown[5:], "", "abcd " * 17):
        with pytest.raises(Rejected) as caught:
            paper.read(text)
        assert caught.value.fault is Fault.RECOVERY_PAPER
        assert secret.hex()[:8] not in str(caught.value).replace(" ", "")
