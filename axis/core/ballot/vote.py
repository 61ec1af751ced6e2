"""A member's vote: what he signs, what it is sealed in, and what its parcel says of it beside the seal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core.ballot import cms, values
from axis.core.instant import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptography import x509

    from axis.core.ballot.ballot import Ballot
    from axis.core.ballot.values import Obj
    from axis.core.signature import KeySigner

SEALED, ACT = "vote.p7m", "delegation.p7s"  # the further attachments of a vote


@dataclass(frozen=True)
class Answer:
    """What is answered to one question."""

    question: int
    option: str
    comment: str = ""


@dataclass(frozen=True)
class Vote:
    """What is signed: `member` votes on the ballot with this digest; where another signs for him, `act` is the digest
    of the delegation. `nonce`: 32 hex digits by chance, so that a digest tells nothing of the answers."""

    ballot: str
    member: str
    answers: tuple[Answer, ...]
    signed_at: datetime
    nonce: str
    act: str = ""


def write_vote(vote: Vote) -> bytes:
    """The bytes that are signed."""
    answers = [{"question": a.question, "option": a.option, "comment": a.comment} for a in vote.answers]
    said = {"ballot": vote.ballot, "member": vote.member, "answers": answers, "nonce": vote.nonce}
    return values.written({**said, "signed_at": to_text(vote.signed_at), "act": vote.act})


def read_vote(data: bytes) -> Vote:
    """The vote in `data`. Raises :class:`axis.errors.Rejected` BALLOT_SHAPE."""
    said = values.read(data, "vote")
    vote = Vote(
        said.digest("ballot"),
        said.holder("member"),
        said.objects("answers", _answer, least=1),
        said.moment("signed_at"),
        said.text("nonce"),
        said.digest("act", empty=True),
    )
    said.end()
    return vote


def _answer(said: Obj) -> Answer:
    return Answer(said.number("question"), said.text("option"), said.text("comment", empty=True, default=""))


@dataclass(frozen=True)
class Delegation:
    """`member` lets `delegate` vote for him on one ballot; signed by `member`."""

    ballot: str
    member: str
    delegate: str
    signed_at: datetime


def write_delegation(act: Delegation) -> bytes:
    """The bytes that are signed."""
    said = {"ballot": act.ballot, "member": act.member, "delegate": act.delegate}
    return values.written({**said, "signed_at": to_text(act.signed_at)})


def read_delegation(data: bytes) -> Delegation:
    """The delegation in `data`. Raises :class:`axis.errors.Rejected` BALLOT_SHAPE."""
    said = values.read(data, "delegation")
    act = Delegation(said.digest("ballot"), said.holder("member"), said.holder("delegate"), said.moment("signed_at"))
    said.end()
    return act


@dataclass(frozen=True)
class Cover:
    """What a vote's parcel says to all: on which ballot, for which member, and the digests of the signed vote (which
    binds what is opened later to what the hub has accepted now), of what it is sealed in, and of the delegation."""

    ballot: str
    member: str
    vote: str
    sealed: str
    act: str = ""


def write_cover(cover: Cover) -> bytes:
    """vote.json."""
    said = {"ballot": cover.ballot, "member": cover.member, "vote": cover.vote, "sealed": cover.sealed}
    return values.written({**said, **({"act": cover.act} if cover.act else {})})


def read_cover(data: bytes) -> Cover:
    """The cover in `data`. Raises :class:`axis.errors.Rejected` BALLOT_SHAPE."""
    said = values.read(data, "vote.json")
    cover = Cover(
        said.digest("ballot"),
        said.holder("member"),
        said.digest("vote"),
        said.digest("sealed"),
        said.digest("act", empty=True),
    )
    said.end()
    return cover


@dataclass(frozen=True)
class Cast:
    """A vote ready to be sent: its cover, and the files beside it. `signed` stays with the member."""

    cover: Cover
    files: tuple[tuple[str, bytes], ...]
    signed: bytes


def cast(
    ballot: Ballot,
    vote: Vote,
    signer: KeySigner,
    secretariat: x509.Certificate,
    trustee: x509.Certificate,
    act: bytes = b"",
) -> Cast:
    """`vote`, signed by a person and sealed twice: within for the secretariat, without for the trustee. So the trustee,
    who opens first, sees nothing but another seal, and the secretariat can open nothing before."""
    signed = cms.sign(write_vote(vote), signer)
    sealed = cms.seal(cms.seal(signed, secretariat), trustee)
    cover = Cover(ballot.digest, vote.member, values.digest(signed), values.digest(sealed), vote.act)
    files: Sequence[tuple[str, bytes]] = [(SEALED, sealed), *([(ACT, act)] if act else [])]
    return Cast(cover, tuple(files), signed)
