"""Who can forge what if which machine is taken: each row of docs/security.md has a test here that tries.

Believed is what an agency's adapter would keep, or its verifier calls PASSED, by what its home knows since it enrolled.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from axis import bootstrap
from axis.core import chain, lineage, officers, paper, parcel, receipt
from axis.core.message import Delivered, Message, Route
from axis.core.officers import Signed
from axis.core.receipt import Event, Receipt, Statement
from axis.core.registry import HUB, Certificate, Member, Registry, signing_certificate
from axis.core.types import typeset
from axis.core.types.typeset import Types
from axis.errors import Problem
from axis.infra import keystore
from axis.services.agency import judge
from axis.services.agency.mail import Mail
from axis.services.operate import provision
from axis.services.operate import registry as members
from axis.services.operate import types as operate_types
from axis.services.questions import verify
from tests import own
from tests.line import document, status
from tests.own import CODES, Own

if TYPE_CHECKING:
    from collections.abc import Callable

    from axis.core.signature import KeySigner
    from axis.services.agency.adapter import Agency

pytestmark = pytest.mark.timeout(180)
ROOT = Path(__file__).parent.parent.parent
ROWS = ROOT / "docs" / "security.md"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Own:
    """A document of G22 went to H41, who answered; another is on its way while H41's adapter is off."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("own")
        line = own.make(root / "line", patch, "--paper", root / "paper.txt")
    line.drop("G22", document(to=("H41",)))
    line.run()
    line.drop("H41", status("03"))
    line.run()
    line.drop("G22", document(2, to=("H41",)), "b.edxml")
    line.without("H41")
    return line


class Thief:
    """Whoever has the centre's whole home and database, and what went through the centre."""

    def __init__(self, line: Own) -> None:
        self.line, self.now = line, datetime.now(UTC)
        self.hub = keystore.load_signer(line.path / "keys", HUB)
        self.authority = keystore.load_signer(line.path / "pki", "ca")
        self.registry = line.installed("G22")
        self.fake = keystore.new_member(self.authority, "H41", "UBND tỉnh", "p256", self.now - timedelta(hours=1))
        self.place = self.registry.installation
        found = line.receipts("G22").values()
        self.first = next(one for one in found if one.statements[0].event is Event.ContentHandover)
        accepted = [one for one in found if one.statements[0].event is Event.SubmissionAcceptance]
        self.second = max((one.subject for one in accepted), key=lambda one: one.document_id)

    def says(self, event: Event, by: KeySigner, *, issuer: str = "H41", at: datetime | None = None) -> bytes:
        """A receipt of H41's about the document that it has not got yet."""
        reasons = () if event.positive else (receipt.Reason("FORMAT", "sai", "wrong"),)
        moment = at or self.first.statements[0].time
        said = Statement("9" * 32, event, moment, "H41", reasons=reasons)
        one = Receipt(self.place, issuer, self.second, (said,))
        return parcel.build(parcel.RECEIPT, receipt.write(one), (), by, moment)

    def accepts(self, body: bytes, kind: str = "new", digest: str = "") -> bytes:
        """The hub's A.1 for a document that H41 never sent, to G22: the hub's own word."""
        subject = receipt.Subject(
            "01" * 16, kind, "H41", "H41,2026/11/23,9/TN-H41", digest or parcel.unverified_digest(body)
        )
        said = Statement("8" * 32, Event.SubmissionAcceptance, self.now, recipients=("G22",))
        one = Receipt(self.place, HUB, subject, (said,), self.registry.version)
        return parcel.build(parcel.RECEIPT, receipt.write(one), (), self.hub, self.now)

    def vouches(self, body: bytes) -> bytes:
        """The hub's R.1: that it has accepted this receipt of H41."""
        import hashlib

        said = Statement("7" * 32, Event.ReceiptAcceptance, self.now, "H41", evidence=hashlib.sha256(body).hexdigest())
        return parcel.build(
            parcel.RECEIPT, receipt.write(Receipt(self.place, HUB, self.second, (said,))), (), self.hub, self.now
        )

    def document(self, by: KeySigner) -> bytes:
        return self._packet(document(9, sender="H41", to=("G22",)), by)

    def status(self, by: KeySigner) -> bytes:
        return self._packet(status("05"), by)

    def _packet(self, packet: bytes, by: KeySigner) -> bytes:
        from axis.core import edxml

        converted = edxml.convert(packet)
        assert converted.document is not None
        return parcel.build(parcel.DOCUMENT, converted.document, converted.attachments, by, self.now)

    def issues(
        self, change: Callable[[Member], Member | None], *, of: str = "H41", by: KeySigner | None = None
    ) -> bytes:
        """The registry's next version with another entry for somebody, as the hub signs it."""
        members = [change(one) if one.code == of else one for one in self.registry.members]
        kept = tuple(one for one in members if one is not None)
        return self.sign(replace(self.registry, members=kept), by)

    def sign(self, one: Registry, by: KeySigner | None = None) -> bytes:
        return provision.sign_registry(replace(one, version=self.registry.version + 1), by or self.hub, self.now)

    def types(self, by: KeySigner, place: str = "") -> bytes:
        """A set of document types for the registry's next version."""
        files = operate_types.read(ROOT / "schemas" / "documents" / "mcdt_dt" / "1").files
        nothing = Types(place or self.place, self.registry.version, self.now, ())
        made = nothing.with_type(files, self.registry.version + 1, self.now)
        return parcel.build(parcel.TYPES, typeset.write(made), (), by, self.now)

    def gives(self, *more: Certificate, instead: bool = False) -> bytes:
        """A registry in which H41 has the fake key, too, or in the place of its own."""
        new = (signing_certificate(self.fake.certificate), *more)
        return self.issues(lambda one: replace(one, certificates=new if instead else (*one.certificates, *new)))

    def named(self, by: KeySigner) -> Certificate:
        """Somebody's introduction of the fake key."""
        key = self.fake.key.public_key()
        return lineage.entry(lineage.introduce(self.place, "H41", key, by, self.now - timedelta(days=3)))  # type: ignore[arg-type]


def believed(line: Own, code: str, body: bytes, proof: bytes = b"") -> bool:
    """Whether the adapter of `code` would keep this, that comes as the hub sends it."""
    with line.parts() as (_, agencies):
        (agency,) = [one for one in agencies if one.code == code]
        return is_kept(agency, body, proof)


def is_kept(agency: Agency, body: bytes, proof: bytes) -> bool:
    main = parcel.peek(body)[0]
    found = judge.of(
        agency, Delivered(Message("m", Route("out", agency.code), body, proof), False, None), main, datetime.now(UTC)
    )
    if isinstance(found, Problem):
        return False
    if main == parcel.RECEIPT:
        return isinstance(found, Mail) and found.state != "held"
    return main == parcel.REGISTRY or (isinstance(found, Mail) and found.opened is not None)


def passes(line: Own, body: bytes) -> bool:
    """Whether a verifier that goes by G22's home finds it good, as what H41 said."""
    verdict = verify.verify(body, line.installed("G22"), datetime.now(UTC))
    return bool(verdict["verdict"] == "PASSED" and verdict["signer"] == "H41")


def test_what_is_true_is_believed(made: Own) -> None:
    """Or else nothing below would say anything."""
    thief = Thief(made)
    true = keystore.load_signer(made.root / "H41" / "keys", "H41")
    said = thief.says(Event.ContentHandover, true)
    assert believed(made, "G22", said)
    assert passes(made, said)
    sent = thief.document(true)
    assert believed(made, "G22", sent, thief.accepts(sent))
    key = thief.fake.key.public_key()
    heir = lineage.entry(lineage.introduce(thief.place, "H41", key, true, thief.now))  # type: ignore[arg-type]
    new = (signing_certificate(thief.fake.certificate), heir)
    both = officer(made, "Anna"), officer(made, "Bình")
    admits = with_act(thief, lambda one: replace(one, certificates=(*one.certificates, *new)), "admit", *both)
    assert believed(made, "G22", admits)
    assert not believed(made, "G22", thief.gives(heir)), "and not without the officers"


FORGED: dict[str, Callable[[Thief], tuple[bytes, bytes]]] = {
    "E.1 by the hub's key": lambda t: (t.says(Event.ContentHandover, t.hub), b""),
    "E.1 by a new key of the CA": lambda t: (t.says(Event.ContentHandover, t.fake), b""),
    "E.1 by the hub in its own name": lambda t: (t.says(Event.ContentHandover, t.hub, issuer=HUB), b""),
    "E.1 dated back": lambda t: (t.says(Event.ContentHandover, t.fake, at=t.now - timedelta(minutes=2)), b""),
    "E.1 that the hub vouches for": lambda t: ((b := t.says(Event.ContentHandover, t.fake)), t.vouches(b)),
    "E.1 by the hub that it vouches for": lambda t: ((b := t.says(Event.ContentHandover, t.hub)), t.vouches(b)),
    "E.1 by the CA's key": lambda t: (t.says(Event.ContentHandover, t.authority), b""),
    "E.2 by a new key of the CA": lambda t: (t.says(Event.ContentHandoverFailure, t.fake), b""),
    "E.2 by the hub's key": lambda t: (t.says(Event.ContentHandoverFailure, t.hub), b""),
    "W.1 by a new key of the CA": lambda t: (t.says(Event.ContentWithdrawal, t.fake), b""),
    "W.1 by the hub's key": lambda t: (t.says(Event.ContentWithdrawal, t.hub), b""),
    "a document by a new key of the CA": lambda t: ((b := t.document(t.fake)), t.accepts(b)),
    "a document by the hub's key": lambda t: ((b := t.document(t.hub)), t.accepts(b)),
    "a status by a new key of the CA": lambda t: ((b := t.status(t.fake)), t.accepts(b, "status")),
    "a status by the hub's key": lambda t: ((b := t.status(t.hub)), t.accepts(b, "status")),
    "a registry with another key for H41": lambda t: (t.gives(), b""),
    "a registry with another key in its place": lambda t: (t.gives(instead=True), b""),
    "that key named by itself": lambda t: (t.gives(t.named(t.fake)), b""),
    "that key named by the hub": lambda t: (t.gives(t.named(t.hub)), b""),
    "that key named by the CA": lambda t: (t.gives(t.named(t.authority)), b""),
    "a registry without H41": lambda t: (t.issues(lambda _: None), b""),
    "a registry with H41 and no key": lambda t: (t.issues(lambda one: replace(one, certificates=())), b""),
    "a registry with H41 twice": lambda t: (t.sign(twice(t)), b""),
    "a person of H41 below the hub": lambda t: (t.issues(with_person(t), of=HUB), b""),
    "a unit of H41 that is the hub's": lambda t: (
        t.issues(lambda one: replace(one, aliases=("H41.09",)), of=HUB),
        b"",
    ),
    "a registry without introductions": lambda t: (t.sign(bare(t.registry)), b""),
    "a registry with registrars of the thief's": lambda t: (t.issues(with_registrar(t), of=HUB), b""),
    "a registry by another hub of the CA": lambda t: (t.issues(lambda one: one, by=other_hub(t)), b""),
    "a registry with a recovery paper of the thief's": lambda t: (t.issues(with_paper(t, t.hub), of=HUB), b""),
    "a registry without the recovery paper": lambda t: (t.issues(without_paper, of=HUB), b""),
    "another hub that a paper of the thief's names": lambda t: (another_hub(t, THIEFS_PAPER), b""),
    "another hub that the CA names": lambda t: (another_hub(t, t.authority), b""),
    "another hub that an agency names": lambda t: (another_hub(t, t.fake), b""),
    "a registry of a day to come": lambda t: (t.sign(replace(t.registry, issued_at=t.now + timedelta(days=1))), b""),
}


def twice(thief: Thief) -> Registry:
    """The true one hides another one, with the fake key."""
    other = Member("H41", "UBND tỉnh", certificates=(signing_certificate(thief.fake.certificate),))
    return replace(thief.registry, members=(other, *thief.registry.members))


def with_person(thief: Thief) -> Callable[[Member], Member]:
    made = keystore.new_person(thief.authority, "tv-01@H41", "Ai đó", "p256", thief.now)
    return lambda one: replace(
        one, certificates=(*one.certificates, Certificate(made.der, "person", holder="tv-01@H41"))
    )


THIEFS_PAPER = keystore.recovery_signer(keystore.new_secret(), chain.RECOVERY_NAME, datetime.now(UTC))


def with_paper(thief: Thief, by: KeySigner) -> Callable[[Member], Member]:
    named = chain.recovery_entry(thief.place, THIEFS_PAPER.key.public_key(), by, thief.now)
    return lambda one: replace(one, certificates=(*one.certificates, named))


def without_paper(one: Member) -> Member:
    return replace(one, certificates=tuple(c for c in one.certificates if c.reason != lineage.RECOVERY))


def another_hub(thief: Thief, by: KeySigner, *, revokes: bool = True) -> bytes:
    """A registry signed by a key that somebody names as the hub's, in the place of the one in use."""
    other, at = other_hub(thief), thief.now.replace(microsecond=0)
    entry = chain.heir_entry(thief.place, other.key.public_key(), by, at)

    def change(one: Member) -> Member:
        old = tuple(replace(c, revoked_at=at) if c.use == "sign" and revokes else c for c in one.certificates)
        return replace(one, certificates=(*old, signing_certificate(other.certificate), entry))

    return thief.issues(change, of=HUB, by=other)


def bare(one: Registry) -> Registry:
    members = [replace(m, certificates=tuple(c for c in m.certificates if c.use == "sign")) for m in one.members]
    return replace(one, members=tuple(members))


def with_registrar(thief: Thief) -> Callable[[Member], Member]:
    named = lineage.registrar_entry(keystore.new_registrar("thief", thief.now).certificate, 1, 0)
    return lambda one: replace(one, certificates=(*one.certificates, named))


def other_hub(thief: Thief) -> KeySigner:
    return keystore.new_member(thief.authority, HUB, "Trục", "p256", thief.now)


def test_with_the_centres_home_nobody_speaks_for_an_agency(made: Own) -> None:
    thief = Thief(made)
    assert len(FORGED) >= 20
    with made.parts() as (_, agencies):
        (agency,) = [one for one in agencies if one.code == "G22"]
        for what, forge in FORGED.items():
            body, proof = forge(thief)
            assert not is_kept(agency, body, proof), what
            if parcel.peek(body)[0] != parcel.REGISTRY:
                assert not passes(made, body), what


def with_act(thief: Thief, change: Callable[[Member], Member], what: str, *by: KeySigner, of: str = "H41") -> bytes:
    """The registry with a change that an act of these has signed."""
    before = thief.registry
    after = change(before.by_code[of])
    signed = Signed(officers.prepare(before, after, what, "", thief.now.replace(microsecond=0), "0" * 32))
    for one in by:
        signed = signed.by(one)
    return provision.sign_registry(officers.with_act(before.changed(after, thief.now), signed), thief.hub, thief.now)


def closed(thief: Thief) -> Callable[[Member], Member]:
    return lambda one: replace(one, valid_until=thief.now.replace(microsecond=0), successor="G06")


def suspended(thief: Thief) -> Callable[[Member], Member]:
    return lambda one: replace(one, suspensions=((thief.now.replace(microsecond=0), None),))


def first_key(thief: Thief) -> bytes:
    """Of an agency that has not enrolled: an agency that was added with it."""
    new = Member("X99", "Mới", certificates=(signing_certificate(thief.fake.certificate),))
    return thief.sign(replace(thief.registry, members=(*thief.registry.members, new)))


def with_officer(thief: Thief) -> Callable[[Member], Member]:
    entry = officers.officer_entry(keystore.new_registrar("thief", thief.now).certificate, officers.ROLES)
    return lambda one: replace(one, certificates=(*one.certificates, entry))


def with_entry(thief: Thief, one: Member, use: str, reason: str = "") -> Member:
    return replace(one, certificates=(*one.certificates, Certificate(thief.fake.der, use, reason=reason)))


def without_officers(one: Member) -> Member:
    return replace(one, certificates=tuple(c for c in one.certificates if not officers.is_of_officers(c)))


UNSIGNED: dict[str, Callable[[Thief], bytes]] = {
    "a successor": lambda t: t.issues(closed(t)),
    "a suspension": lambda t: t.issues(suspended(t)),
    "a revocation": lambda t: t.issues(ended(t)),
    "a name": lambda t: t.issues(lambda one: replace(one, name_en="x")),
    "an alias": lambda t: t.issues(lambda one: replace(one, aliases=("000.00.00.G99",))),
    "a new agency": lambda t: t.sign(replace(t.registry, members=(*t.registry.members, Member("X99", "Mới")))),
    "a new agency with a key": first_key,
    "a person of an agency": lambda t: t.issues(with_person(t)),
    "a key to seal with": lambda t: t.issues(lambda one: with_entry(t, one, "encrypt")),
    "a witness' key": lambda t: t.issues(lambda one: with_entry(t, one, "tls", "witness")),
    "an introduction alone": lambda t: t.issues(
        lambda one: replace(one, certificates=(*one.certificates, t.named(t.fake)))
    ),
    "a name of the hub's": lambda t: t.issues(lambda one: replace(one, name_en="x"), of=HUB),
    "another officer": lambda t: t.issues(with_officer(t), of=HUB),
    "no officers and no acts": lambda t: t.issues(without_officers, of=HUB),
    "an act by the hub": lambda t: with_act(t, closed(t), "close", t.hub, t.authority),
    "an act by whoever calls himself an officer": lambda t: with_act(
        t, closed(t), "close", *(keystore.new_registrar(name, t.now) for name in ("Anna", "Bình"))
    ),
}


def test_what_officers_have_not_signed_is_not_taken_whoever_has_the_centre(made: Own) -> None:
    thief = Thief(made)
    with made.parts() as (_, agencies):
        (agency,) = [one for one in agencies if one.code == "G22"]
        for what, forge in UNSIGNED.items():
            assert not is_kept(agency, forge(thief), b""), what


def officer(line: Own, name: str) -> KeySigner:
    return keystore.load_signer(line.root / "officers" / name, "officer")


def test_one_officers_key_stops_an_agency_and_does_nothing_else(made: Own) -> None:
    thief, stolen = Thief(made), officer(made, "Anna")
    assert believed(made, "G22", with_act(thief, suspended(thief), "suspend", stolen))
    assert believed(made, "G22", with_act(thief, ended(thief), "revoke", stolen))
    assert not believed(made, "G22", with_act(thief, closed(thief), "close", stolen))
    assert not believed(made, "G22", with_act(thief, closed(thief), "close", stolen, stolen))
    assert not believed(made, "G22", with_act(thief, with_officer(thief), "officers", stolen, of=HUB))


def test_two_officers_keys_with_the_centre_change_the_registry_but_give_nobody_another_key(made: Own) -> None:
    thief = Thief(made)
    both = officer(made, "Anna"), officer(made, "Bình")
    assert believed(made, "G22", with_act(thief, closed(thief), "close", *both))
    key = signing_certificate(thief.fake.certificate)
    gives = with_act(thief, lambda one: replace(one, certificates=(*one.certificates, key)), "admit", *both)
    assert not believed(made, "G22", gives)


def test_an_act_that_was_signed_counts_once_for_one_agency(made: Own, tmp_path: Path) -> None:
    shutil.copytree(made.root, tmp_path / "line")
    line = Own(tmp_path / "line")
    own.done("agency", "suspend", "H41", "--home", line.path)
    own.done("agency", "resume", "H41", "--home", line.path)
    line.run()
    thief = Thief(line)
    old = [one for one in officers.acts(thief.registry) if one.act.what == "suspend"]
    assert len(old) == 1
    for code in ("H41", "G06"):
        stopped = replace((was := thief.registry.by_code[code]), suspensions=(*was.suspensions, (old[0].act.at, None)))
        changed = officers.with_act(thief.registry.changed(stopped, thief.now), old[0])
        assert not believed(line, "G22", provision.sign_registry(changed, thief.hub, thief.now)), code


def test_where_the_officers_key_lies_at_the_centre_the_centre_changes_what_it_likes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.few(monkeypatch)
    own.done("init", "--home", tmp_path / "hub", "--broker", "amqp", "--test-keys")
    with bootstrap.registrar(bootstrap.open_home(tmp_path / "hub")) as registrar:
        before, now = registrar.registry(), datetime.now(UTC)
        for name in ("HUB", *CODES):
            assert (tmp_path / "hub" / "keys" / f"{name}.key").exists()
        closing = members.close(registrar, "H41", "G06", "", now, now)
        officers.check_follows(before, closing, now)


HUBS_OWN: dict[str, Callable[[Thief], tuple[bytes, bytes]]] = {
    **{event.code: lambda t, event=event: (hub_says(t, event), b"") for event in Event if "hub" in event.issuers},  # type: ignore[misc]
    "R.1 beside": lambda t: ((b := t.says(Event.ContentHandover, h41(t))), t.vouches(b)),
    "A.1 beside": lambda t: ((b := t.document(h41(t))), t.accepts(b)),
    "document types": lambda t: (t.sign(t.registry), t.types(t.hub)),
    "send again": lambda t: (t.sign(replace(t.registry, resend_from=t.now.replace(microsecond=0))), b""),
}


def ended(thief: Thief) -> Callable[[Member], Member]:
    at = thief.now.replace(microsecond=0)
    return lambda one: replace(
        one, certificates=tuple(replace(c, revoked_at=at) if c.use == "sign" else c for c in one.certificates)
    )


def h41(thief: Thief) -> KeySigner:
    return keystore.load_signer(thief.line.root / "H41" / "keys", "H41")


def hub_says(thief: Thief, event: Event) -> bytes:
    reasons = () if event.positive else (receipt.Reason("UNDELIVERED", "chưa đến", "not delivered"),)
    said = Statement("6" * 32, event, thief.now, "H41", reasons=reasons)
    one = Receipt(thief.place, HUB, thief.second, (said,))
    return parcel.build(parcel.RECEIPT, receipt.write(one), (), thief.hub, thief.now)


def test_the_hubs_own_word_is_believed_whoever_has_its_key(made: Own) -> None:
    thief = Thief(made)
    assert {"A.1", "A.2", "D.1", "D.2", "T.1", "T.2", "S.1", "R.1", "W.1", "W.2"} <= HUBS_OWN.keys()
    with made.parts() as (_, agencies):
        (agency,) = [one for one in agencies if one.code == "G22"]
        for what, forge in HUBS_OWN.items():
            assert is_kept(agency, *forge(thief)), what


def test_document_types_are_the_hubs_of_this_axis_and_nobody_elses(made: Own) -> None:
    thief = Thief(made)
    with made.parts() as (_, agencies):
        (agency,) = [one for one in agencies if one.code == "G22"]
        registry = thief.sign(thief.registry)
        assert is_kept(agency, registry, thief.types(thief.hub))
        for by in (h41(thief), thief.authority, thief.fake):
            assert not is_kept(agency, registry, thief.types(by))
        assert not is_kept(agency, registry, thief.types(thief.hub, "0" * 32)), "of another axis"
        altered = bytearray(thief.types(thief.hub))
        altered[altered.index(b"types.xml") + 60] ^= 1
        assert not is_kept(agency, registry, bytes(altered))


def installed_at(line: Own, code: str, body: bytes) -> bool:
    """What the adapter of `code` keeps of a registry that comes to it."""
    with line.parts() as (_, agencies):
        (agency,) = [one for one in agencies if one.code == code]
        message = Message("m", Route("out", code), body)
        found = judge.of(agency, Delivered(message, False, None), parcel.REGISTRY, datetime.now(UTC))
        if isinstance(found, Problem):
            return False
        assert not isinstance(found, Mail)
        with agency.journal.transaction() as tx:
            found(tx)
    return True


def copied(made: Own, folder: Path) -> Own:
    shutil.copytree(made.root, folder / "line")
    return Own(folder / "line")


def test_a_stolen_key_of_the_hub_is_overruled_by_the_paper_whatever_the_thief_has_told(
    made: Own, tmp_path: Path
) -> None:
    """He has made another key for himself, and a registry of a version far ahead in which an agency is revoked, for he
    has an officer's key, too."""
    line = copied(made, tmp_path)
    thief = Thief(line)
    thief.registry = replace(thief.registry, version=thief.registry.version + 100)
    assert not installed_at(line, "G22", thief.issues(ended(thief)))
    assert installed_at(line, "G22", with_act(thief, ended(thief), "revoke", officer(line, "Anna")))
    revoked = thief.registry = line.installed("G22")
    mine = another_hub(thief, thief.hub, revokes=False)
    assert installed_at(line, "G22", mine), "until somebody says so he is the hub"
    assert line.installed("G22").version == revoked.version + 1
    own.done("key", "succeed", "--paper", made.root.parent / "paper.txt", "--reason", "lộ khóa", "--home", line.path)
    line.run()
    assert line.installed("G22").version < revoked.version, "the paper speaks, whatever the numbers are"
    assert line.installed("G22").by_code["H41"].certificates == line.installed("G06").by_code["H41"].certificates
    assert not installed_at(line, "G22", mine)
    # A signature says its time in seconds: one of the second in which the key has ended is one from before.
    thief.registry, thief.now = line.installed("G22"), datetime.now(UTC) + timedelta(seconds=1)
    failed = Event.ContentConsignmentFailure
    for body in (thief.issues(lambda one: one), another_hub(thief, thief.hub), hub_says(thief, failed)):
        assert not believed(line, "G22", body)
    thief.now -= timedelta(minutes=2)
    assert believed(line, "G22", hub_says(thief, failed)), "dated back: the table says so"
    line.drop("G22", document(3, to=("H41",)), "c.edxml")
    line.run()
    assert line.events("G22").count("E.1 H41") == 3


def test_the_recovery_paper_alone_makes_another_hub_and_no_agency(made: Own, tmp_path: Path) -> None:
    line = copied(made, tmp_path)
    thief = Thief(line)
    secret = paper.read((made.root.parent / "paper.txt").read_text("utf-8"))
    stolen = keystore.recovery_signer(secret, chain.RECOVERY_NAME, thief.now)
    assert believed(line, "G22", another_hub(thief, stolen))
    assert not believed(line, "G22", thief.gives(thief.named(stolen)))
    said = thief.says(Event.ContentHandover, stolen)
    assert not believed(line, "G22", said)
    assert not passes(line, said)
    # Who notices that it is gone makes another one, with the second copy.
    own.done("key", "recovery", "--paper", made.root.parent / "paper.txt", "--home", line.path)
    line.run()
    thief.registry = line.installed("G22")
    assert not believed(line, "G22", another_hub(thief, stolen))


def test_where_the_centre_has_made_the_keys_it_speaks_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own.few(monkeypatch)
    own.done("init", "--home", tmp_path / "hub", "--broker", "amqp", "--test-keys")
    for code in CODES:
        own.done("agency", "export", code, "--to", tmp_path / code, "--home", tmp_path / "hub")
    line = Own(tmp_path)
    now, registry = datetime.now(UTC), line.installed("G22")
    subject = receipt.Subject("01" * 16, "new", "G22", "G22,2026/11/23,9/TN-G22", "a" * 64)
    said = (Statement("5" * 32, Event.ContentHandover, now, "H41"),)
    content = receipt.write(Receipt(registry.installation, "H41", subject, said))
    held = keystore.load_signer(line.path / "keys", "H41")
    forged = parcel.build(parcel.RECEIPT, content, (), held, now)
    assert passes(line, forged)
    assert believed(line, "G22", forged)


def test_an_agencys_home_speaks_for_that_agency_alone(made: Own) -> None:
    thief = Thief(made)
    true = keystore.load_signer(made.root / "G06" / "keys", "G06")
    for body in (thief.says(Event.ContentHandover, true), thief.document(true)):
        assert not believed(made, "G22", body, thief.accepts(body) if parcel.peek(body)[0] == parcel.DOCUMENT else b"")
        assert not passes(made, body)
    assert not believed(made, "G22", thief.gives(thief.named(true)))


def test_a_revoked_key_speaks_no_more_and_names_nobody(made: Own, tmp_path: Path) -> None:
    shutil.copytree(made.root, tmp_path / "line")
    line = Own(tmp_path / "line")
    stolen = keystore.load_signer(line.root / "H41" / "keys", "H41")
    own.ceremony(line.path, line.root / "H41", "H41")
    own.done("agency", "revoke", "H41", "--home", line.path)
    line.run()
    thief = Thief(line)
    with line.parts() as (_, agencies):
        (agency,) = [one for one in agencies if one.code == "G22"]
        later = thief.says(Event.ContentHandover, stolen)
        assert not isinstance(judge.of(agency, delivered(later), parcel.RECEIPT, datetime.now(UTC)), Mail)
        assert not is_kept(agency, thief.gives(thief.named(stolen)), b"")
        back = thief.issues(
            lambda one: replace(one, certificates=tuple(replace(c, revoked_at=None) for c in one.certificates))
        )
        assert not is_kept(agency, back, b"")


def delivered(body: bytes) -> Delivered:
    return Delivered(Message("m", Route("out", "G22"), body), False, None)


def test_what_is_changed_on_its_way_is_not_what_was_told(made: Own, tmp_path: Path) -> None:
    file, told = own.request(tmp_path / "H41", "H41")
    other, _ = own.request(tmp_path / "thief", "H41")
    file.write_bytes(other.read_bytes())
    refused = own.run("agency", "admit", file, "--fingerprint", told, "--home", made.path, "--json")
    assert "FINGERPRINT_DIFFERS" in refused.output


def test_every_row_of_the_table_has_a_test_that_tries() -> None:
    rows = re.findall(r"^\| .* \| `(test_\w+)` \|$", ROWS.read_text("utf-8"), re.MULTILINE)
    here = set(re.findall(r"^def (test_\w+)", Path(__file__).read_text("utf-8"), re.MULTILINE))
    elsewhere = "".join(one.read_text("utf-8") for one in (ROWS.parent.parent / "tests").rglob("test_*.py"))
    assert len(rows) >= 8
    assert [one for one in rows if one not in here and f"def {one}(" not in elsewhere] == []
