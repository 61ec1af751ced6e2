"""A ballot from its parcels alone: every party reads them, counts again, and compares with what the result says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core import edxml, parcel, receipt
from axis.core import registry as trust
from axis.core.ballot import packet, values
from axis.core.ballot.ballot import (
    BALLOT,
    CLOSING,
    MOST,
    OPENING,
    RESULT,
    VOTE,
    Received,
    read_ballot,
    read_closing,
    read_opening,
)
from axis.core.ballot.tally import Ballotted, tally, write_result
from axis.core.ballot.vote import ACT, SEALED, read_cover
from axis.core.receipt import Event
from axis.core.registry import HUB
from axis.errors import Corrupted, Fault, Problem, rejected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from axis.core.ballot.ballot import Ballot, Closing
    from axis.core.ballot.packet import Type
    from axis.core.ballot.tally import Result
    from axis.core.edxml import Packet
    from axis.core.parcel import Parcel
    from axis.core.registry import Registry

CLOSING_PARCEL, CLOSING_PROOF = "closing.asice", "closing.accepted.asice"
VOTES, INNER, SIGNED = "votes.json", "inner.json", "opened.json"
MAX_VOTES = 30  # of one agency on one ballot


@dataclass(frozen=True)
class Arrived:
    """A parcel as it came, and the hub's word that and when it has accepted it (A.1)."""

    parcel: bytes
    accepted: bytes


@dataclass(frozen=True)
class Opened:
    """A verified one: who published it, when the hub accepted it under which id, its packet, its files by name."""

    digest: str
    axis_id: str
    sender: str
    accepted_at: datetime
    packet: Packet
    files: Mapping[str, bytes]

    @property
    def application(self) -> str:
        """ApplicationType."""
        return self.packet.header.value("ApplicationType")

    def file(self, name: str) -> bytes:
        """One file. Raises :class:`axis.errors.Rejected` BALLOT_SHAPE where there is none."""
        if name not in self.files:
            raise rejected(Fault.BALLOT_SHAPE, "-", name, self.packet.code)
        return self.files[name]


def open_arrived(arrived: Arrived, registry: Registry) -> Opened:
    """The parcel and the hub's word about it, both verified as of the acceptance. Raises Rejected."""
    claimed = receipt.read(parcel.peek(arrived.accepted)[1], HUB)
    at = claimed.statements[0].time
    accepted = receipt.of(parcel.verify(arrived.accepted, registry, at))
    opened = parcel.verify(arrived.parcel, registry, at)
    subject, statement = accepted.subject, accepted.statements[0]
    said = (accepted.issuer, statement.event, accepted.installation, subject.content_digest, subject.sender)
    if said != (HUB, Event.SubmissionAcceptance, registry.installation, opened.content_digest, opened.signer):
        raise rejected(Fault.RECEIPT_INVALID, f"A.1 is about {subject.content_digest}")
    return _opened(arrived.parcel, subject.axis_id, opened, at, registry)


def _opened(data: bytes, axis_id: str, opened: Parcel, at: datetime, registry: Registry) -> Opened:
    if opened.main != parcel.DOCUMENT:
        raise rejected(Fault.BALLOT_SHAPE, opened.main, parcel.DOCUMENT)
    read = edxml.read_document(opened.content, len(opened.attachments))
    trust.check_authority(read.sender.organ_id, opened.signer, registry)
    files = {info.name: bytes(content) for info, content in zip(read.attachments, opened.attachments, strict=True)}
    return Opened(values.digest(data), axis_id, opened.signer, at, read, files)


def _of_type(opened: Opened, of: Type, sender: str) -> Opened:
    """`opened`, if it is of this type and from this agency: who said it comes before what it says."""
    if opened.sender != sender:
        raise rejected(Fault.AUTHZ_MISMATCH, opened.sender, sender, path=of.application)
    if opened.application != of.application:
        raise rejected(Fault.BALLOT_SHAPE, opened.application, of.application, "ApplicationType")
    return opened


def ballot_in(opened: Opened) -> Ballot:
    """The ballot in its parcel. Raises Rejected: it is none, or not its secretariat's."""
    ballot = read_ballot(opened.file(BALLOT))
    _of_type(opened, packet.BALLOT, ballot.secretariat)
    for name, digest in ballot.papers:
        if values.digest(opened.file(name)) != digest:
            raise rejected(Fault.BALLOT_DIFFERS, values.digest(opened.file(name)), digest, name)
    return ballot


def vote_in(opened: Opened, signed: Mapping[str, bytes]) -> Ballotted:
    """The vote in its parcel; `signed`: what was opened so far, by digest. Raises Rejected: it is none."""
    _of_type(opened, packet.VOTE, opened.sender)
    cover = read_cover(opened.file(VOTE))
    if values.digest(opened.file(SEALED)) != cover.sealed:
        raise rejected(Fault.BALLOT_DIFFERS, values.digest(opened.file(SEALED)), cover.sealed, SEALED)
    act = opened.files.get(ACT, b"")
    return Ballotted(opened.digest, opened.sender, opened.accepted_at, cover, signed.get(cover.vote, b""), act)


def received(votes: Sequence[Ballotted]) -> tuple[Received, ...]:
    """What a closing says of these votes, in the order in which the hub accepted them."""
    ordered = sorted(votes, key=lambda one: (one.accepted_at, one.parcel))
    return tuple(Received(one.parcel, one.cover.sealed, one.accepted_at) for one in ordered)


@dataclass(frozen=True)
class Closed:
    """A verified closing: what it says, its parcel's digest, when the hub accepted it, and the votes that it names, and
    their sealed bytes."""

    digest: str
    said: Closing
    accepted_at: datetime
    votes: tuple[Ballotted, ...]
    sealed: Mapping[str, bytes]


def closing_in(opened: Opened, ballot: Ballot, registry: Registry, signed: Mapping[str, bytes]) -> Closed:
    """The closing in its parcel, with its votes. Raises Rejected: it is none of this ballot, the ballot was open yet
    (BALLOT_OPEN), or it does not bring just the votes that it names."""
    _of_type(opened, packet.CLOSING, ballot.secretariat)
    said = read_closing(opened.file(CLOSING))
    if said.ballot != ballot.digest:
        raise rejected(Fault.BALLOT_DIFFERS, said.ballot, ballot.digest, "closing/ballot")
    if opened.accepted_at <= ballot.due_at:
        raise rejected(Fault.BALLOT_OPEN, ballot.id, ballot.due_at.isoformat())
    brought = read_votes(opened.file(VOTES))
    parcels = [open_arrived(one, registry) for one in brought]
    votes = tuple(vote_in(one, signed) for one in parcels)
    if received(votes) != said.received:
        raise rejected(Fault.BALLOT_DIFFERS, len(said.received), len(votes), "closing/received")
    sealed = {one.cover.sealed: whole.file(SEALED) for one, whole in zip(votes, parcels, strict=True)}
    return Closed(opened.digest, said, opened.accepted_at, votes, sealed)


def write_votes(votes: Sequence[Arrived]) -> bytes:
    """votes.json: each vote as it came."""
    listed = [{"parcel": values.text_of(one.parcel), "accepted": values.text_of(one.accepted)} for one in votes]
    return values.written({"votes": listed})


def read_votes(data: bytes) -> tuple[Arrived, ...]:
    """The votes in votes.json. Raises Rejected BALLOT_SHAPE."""
    said = values.read(data, VOTES, MOST)
    votes = said.objects("votes", lambda one: Arrived(one.data("parcel"), one.data("accepted")))
    said.end()
    return votes


def write_signed(signed: Sequence[bytes]) -> bytes:
    """opened.json: the signed votes."""
    return values.written({"signed": [{"vote": values.text_of(one)} for one in signed]})


def read_signed(data: bytes) -> dict[str, bytes]:
    """The signed votes in opened.json, by digest. Raises Rejected BALLOT_SHAPE."""
    said = values.read(data, SIGNED, MOST)
    signed = said.objects("signed", lambda one: one.data("vote"))
    said.end()
    return {values.digest(one): one for one in signed}


def taken(votes: Sequence[tuple[Arrived, Ballotted]]) -> list[tuple[Arrived, Ballotted]]:
    """The votes that a closing names, in the order of their acceptance: of each agency the first MAX_VOTES, so that one
    that floods spoils only its own."""
    counts: Counter[str] = Counter()
    found = []
    for arrived, one in sorted(votes, key=lambda pair: (pair[1].accepted_at, pair[1].parcel)):
        counts[one.sender] += 1
        if counts[one.sender] <= MAX_VOTES:
            found.append((arrived, one))
    return found


def opening_in(opened: Opened, ballot: Ballot, closing: str) -> dict[str, bytes]:
    """What lay within the trustee's envelopes, by their digests, of the closing whose parcel has this digest. Raises
    Rejected: it is none."""
    _of_type(opened, packet.OPENING, ballot.trustee)
    said = read_opening(opened.file(OPENING))
    if (said.ballot, said.closing) != (ballot.digest, closing):
        raise rejected(Fault.BALLOT_DIFFERS, said.closing, closing, "opening/closing")
    if values.digest(opened.file(INNER)) != said.inner:
        raise rejected(Fault.BALLOT_DIFFERS, values.digest(opened.file(INNER)), said.inner, INNER)
    return read_inner(opened.file(INNER))


def write_inner(inner: Mapping[str, bytes]) -> bytes:
    """inner.json: what lay within the trustee's envelopes, by the digest of each; b"" where one did not open."""
    listed = [{"sealed": sealed, "inner": values.text_of(data)} for sealed, data in sorted(inner.items())]
    return values.written({"opened": listed})


def read_inner(data: bytes) -> dict[str, bytes]:
    """What :func:`write_inner` wrote. Raises Rejected BALLOT_SHAPE."""
    said = values.read(data, INNER, MOST)
    found = said.objects("opened", lambda one: (one.digest("sealed"), one.data("inner")))
    said.end()
    return dict(found)


def recount(ballot_parcel: Arrived, result_parcel: Arrived, registry: Registry) -> tuple[Result, list[Problem]]:
    """The result that follows from the parcels, and each place in which the published one says something else.

    Raises Rejected where a parcel is not what it is given for: then there is nothing to count."""
    return compared(open_arrived(ballot_parcel, registry), open_arrived(result_parcel, registry), registry)


def compared(asked: Opened, published: Opened, registry: Registry) -> tuple[Result, list[Problem]]:
    """The same of parcels that are open already."""
    ballot = ballot_in(asked)
    result = _of_type(published, packet.RESULT, ballot.secretariat)
    signed = read_signed(result.file(SIGNED))
    closing = open_arrived(Arrived(result.file(CLOSING_PARCEL), result.file(CLOSING_PROOF)), registry)
    closed = closing_in(closing, ballot, registry, signed)
    if strangers := signed.keys() - {one.cover.vote for one in closed.votes}:
        raise rejected(Fault.BALLOT_DIFFERS, min(strangers), "-", SIGNED)
    said = values.read(result.file(RESULT), RESULT)
    at = said.moment("computed_at")
    counted = tally(ballot, closed.votes, closed.said, registry, at)
    return counted, _differences(result.file(RESULT), write_result(counted, closed.digest))


def _differences(published: bytes, right: bytes) -> list[Problem]:
    """Each value that is not the right one, by its path."""
    found: list[Problem] = []

    def compare(path: str, one: object, other: object) -> None:
        if isinstance(one, dict) and isinstance(other, dict):
            for name in sorted({*one, *other}):
                compare(f"{path}/{name}", one.get(name), other.get(name))
        elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
            for place, (a, b) in enumerate(zip(one, other, strict=True)):
                compare(f"{path}/{place}", a, b)
        elif one != other:
            got, expected = (f"{len(x)} ×" if isinstance(x, list) else str(x) for x in (one, other))
            found.append(Problem(Fault.BALLOT_DIFFERS, path, expected, got))

    compare("", values.read(published, RESULT).plain, values.read(right, RESULT).plain)
    return found


def dropped(votes: Sequence[tuple[str, datetime]], counted: Result) -> list[Problem]:
    """Of what an agency itself has sent (digest of the parcel, when the hub accepted it) in time: what the closing, and
    so the result, does not name."""
    named = {one.parcel for one in counted.votes}
    return [
        Problem(Fault.BALLOT_DIFFERS, "votes", digest, "-")
        for digest, accepted_at in votes
        if digest not in named and accepted_at <= counted.ballot.due_at
    ]


def check(problems: Sequence[Problem]) -> None:
    """Raise :class:`Corrupted` if there are any."""
    if problems:
        raise Corrupted(*problems)
