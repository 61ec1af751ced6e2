"""A small Government for tests: agencies, members with certificates, a ballot, and its parcels as the hub accepts them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from axis.core import edxml, parcel, receipt
from axis.core import registry as trust
from axis.core.ballot import cms, packet, recount, values
from axis.core.ballot.ballot import Closing, Opening, read_ballot, write_closing, write_opening
from axis.core.ballot.recount import Arrived
from axis.core.ballot.tally import tally, write_result
from axis.core.ballot.vote import Answer, Delegation, Vote, cast, write_cover, write_delegation
from axis.core.edxml import Organ
from axis.core.receipt import Event, Receipt, Statement, Subject
from axis.core.registry import HUB, Certificate, Member, Registry, signing_certificate
from axis.infra import keystore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.core.ballot.ballot import Ballot
    from axis.core.ballot.packet import Type
    from axis.core.ballot.recount import Closed
    from axis.core.ballot.tally import Ballotted
    from axis.core.signature import KeySigner

OPENS = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
DUE = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
ISSUED = OPENS - timedelta(days=30)
SECRETARIAT, TRUSTEE = "G22", "G01"
PERSONS = ("ttg@G22", "bt@G06", "bt@G17", "ct@H41", "bt@G01", "tt@G06")
AGENCIES = ("G01", "G06", "G17", "G22", "H41")
INSTALLATION = "00000000-0000-0000-0000-000000000001"


@dataclass(frozen=True)
class Keys:
    """Everybody's keys, and the registry that tells of them."""

    authority: KeySigner
    agencies: dict[str, KeySigner]
    persons: dict[str, KeySigner]
    seals: dict[str, KeySigner]
    registry: Registry


@cache
def keys() -> Keys:
    authority = keystore.new_authority(ISSUED)
    agencies = {code: keystore.new_member(authority, code, code, "p256", ISSUED) for code in (HUB, *AGENCIES)}
    kinds = dict.fromkeys(PERSONS, "p256") | {"bt@G17": "rsa"}
    persons = {one: keystore.new_person(authority, one, one, kinds[one], ISSUED) for one in PERSONS}  # type: ignore[arg-type]
    seals = {code: keystore.new_seal(authority, code, ISSUED) for code in (SECRETARIAT, TRUSTEE)}
    members = []
    for code, signer in sorted(agencies.items()):
        held = [signing_certificate(signer.certificate)]
        held += [Certificate(seals[code].der, "encrypt")] if code in seals else []
        held += [Certificate(s.der, "person", holder=p) for p, s in persons.items() if p.endswith(f"@{code}")]
        members.append(Member(code, f"Cơ quan {code}", certificates=tuple(held)))
    return Keys(authority, agencies, persons, seals, Registry(INSTALLATION, 1, ISSUED, tuple(members)))


@cache
def registry_parcel() -> bytes:
    return parcel.build(parcel.REGISTRY, trust.write(keys().registry), (), keys().agencies[HUB], ISSUED)


def ballot_json(**changed: Any) -> dict[str, Any]:
    options = [
        {"code": "agree", "vi": "Đồng ý", "en": "Agree"},
        {"code": "comment", "vi": "Đồng ý, có ý kiến", "en": "Agree with comments", "needs_comment": True},
        {"code": "disagree", "vi": "Không đồng ý", "en": "Disagree"},
    ]
    said: dict[str, Any] = {
        "id": "PLYK-2026-012",
        "kind": "written",
        "subject": "Dự thảo Nghị định về định danh và xác thực điện tử",
        "questions": [{"no": 1, "text": "Thông qua dự thảo Nghị định?", "options": options}],
        "rule": "majority_all",
        "tie": "chair",
        "silence": "not_counted",
        "chair": "ttg@G22",
        "opens_at": "2026-11-23T01:00:00.000Z",
        "due_at": "2026-11-27T10:00:00.000Z",
        "members": [{"id": one, "name": f"Ông {one}", "office": "Bộ trưởng"} for one in PERSONS],
        "secretariat": {"agency": SECRETARIAT, "seal": values.digest(keys().seals[SECRETARIAT].der)},
        "trustee": {"agency": TRUSTEE, "seal": values.digest(keys().seals[TRUSTEE].der)},
        "results_to": ["H41"],
        "papers": [],
        "replaces": "",
    }
    return said | changed


def ballot(**changed: Any) -> Ballot:
    return read_ballot(values.written(ballot_json(**changed)))


def accepted(
    of: Type,
    about: Ballot,
    sender: str,
    files: Sequence[tuple[str, bytes]],
    at: datetime,
    *,
    signer: KeySigner | None = None,
) -> Arrived:
    """A parcel as an adapter makes it, and the hub's A.1 for it."""
    source = packet.write(of, about.digest, Organ(sender), [Organ("G22")], of.name, files, at)
    converted = edxml.convert(source)
    assert converted.packet is not None
    assert converted.problems == ()
    signed = parcel.build(
        parcel.DOCUMENT, converted.document, converted.attachments, signer or keys().agencies[sender], at
    )
    subject = Subject(f"id-{values.digest(signed)[:8]}", "new", sender, "", parcel.unverified_digest(signed))
    statement = Statement(f"{subject.axis_id}.A.1", Event.SubmissionAcceptance, at, recipients=("G22",))
    said = Receipt(INSTALLATION, HUB, subject, (statement,), 1)
    return Arrived(signed, receipt.signed(said, keys().agencies[HUB], at))


def vote(
    about: Ballot,
    person: str,
    option: str = "agree",
    *,
    at: datetime = OPENS + timedelta(hours=2),
    comment: str = "",
    signer: str = "",
    delegate: str = "",
    sender: str = "",
    **changed: Any,
) -> tuple[Arrived, bytes]:
    """A vote's parcel, and the vote itself as it was signed."""
    act = b""
    if delegate:
        given = write_delegation(Delegation(about.digest, person, delegate, OPENS))
        act = cms.sign(given, keys().persons[person])
    said = Vote(
        about.digest, person, (Answer(1, option, comment),), at, values.digest(f"{person}{at}".encode())[:32],
        values.digest(act) if act else "",
    )  # fmt: skip
    by = signer or delegate or person
    seals = keys().seals
    made = cast(
        about,
        replace(said, **changed),
        keys().persons[by],
        seals[SECRETARIAT].certificate,
        seals[TRUSTEE].certificate,
        act,
    )
    files = [("vote.json", write_cover(made.cover)), *made.files]
    return accepted(packet.VOTE, about, sender or values.agency_of(by), files, at), made.signed


def read_vote(arrived: Arrived, signed: bytes = b"") -> Ballotted:
    opened = recount.open_arrived(arrived, keys().registry)
    return recount.vote_in(opened, {values.digest(signed): signed})


@dataclass(frozen=True)
class Story:
    """A ballot from its opening to its result."""

    ballot: Ballot
    asked: Arrived
    closing: Arrived
    closed: Closed
    signed: tuple[bytes, ...]
    result: Arrived
    published: bytes

    def publish(self, said: bytes, signed: Sequence[bytes] | None = None, closing: Arrived | None = None) -> Arrived:
        """Another result, as a secretariat could publish it that is not honest."""
        closing = closing or self.closing
        files = [
            ("result.json", said),
            (recount.CLOSING_PARCEL, closing.parcel),
            (recount.CLOSING_PROOF, closing.accepted),
            (recount.SIGNED, recount.write_signed(self.signed if signed is None else signed)),
        ]
        return accepted(packet.RESULT, self.ballot, SECRETARIAT, files, DUE + timedelta(hours=2))


def close(
    about: Ballot, votes: Sequence[Arrived], *, at: datetime = DUE + timedelta(hours=1), **changed: Any
) -> Arrived:
    """The closing's parcel."""
    listed = recount.received([read_vote(one) for one in votes])
    said = replace(Closing(about.digest, listed), **changed)
    files = [("closing.json", write_closing(said)), (recount.VOTES, recount.write_votes(votes))]
    return accepted(packet.CLOSING, about, SECRETARIAT, files, at)


def play(votes: Sequence[tuple[Arrived, bytes]], **changed: Any) -> Story:
    """A ballot with these votes, made on ``ballot(**changed)``, to its end, by an honest secretariat and trustee."""
    about = ballot(**changed)
    asked = accepted(
        packet.BALLOT, about, SECRETARIAT, [("ballot.json", values.written(ballot_json(**changed)))], OPENS
    )
    closing = close(about, [one for one, _ in votes])
    registry, seals = keys().registry, keys().seals
    sealed = recount.closing_in(recount.open_arrived(closing, registry), about, registry, {})
    inner = {digest: cms.unseal(data, seals[TRUSTEE]) for digest, data in sealed.sealed.items()}
    written = recount.write_inner(inner)
    said = write_opening(Opening(about.digest, sealed.digest, values.digest(written)))
    opening = accepted(
        packet.OPENING, about, TRUSTEE, [("opening.json", said), (recount.INNER, written)], DUE + timedelta(hours=1)
    )
    found = recount.opening_in(recount.open_arrived(opening, registry), about, sealed.digest)
    signed = tuple(cms.unseal(data, seals[SECRETARIAT]) for data in found.values())
    closed = recount.closing_in(
        recount.open_arrived(closing, registry), about, registry, {values.digest(one): one for one in signed}
    )
    result = tally(about, closed.votes, closed.said, registry, DUE + timedelta(hours=2))
    published = write_result(result, closed.digest)
    story = Story(about, asked, closing, closed, signed, asked, published)
    return replace(story, result=story.publish(published))
