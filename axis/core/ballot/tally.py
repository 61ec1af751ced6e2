"""What follows from the votes: which of them count, what was decided, by the ballot's own settings.

Everything here is a function of the parcels and of the registry, so that every party computes the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from axis.core.ballot import cms, values
from axis.core.ballot.ballot import AGREE
from axis.core.ballot.vote import read_delegation, read_vote
from axis.core.instant import to_text
from axis.errors import Fault, Rejected, rejected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.core.ballot.ballot import Ballot, Closing, Question
    from axis.core.ballot.vote import Cover, Vote
    from axis.core.registry import Certificate

Verdict = Literal["counted", "late", "second", "invalid", "forged"]
VERSION = 1  # of the rules below


class Members(Protocol):
    """Who signs with which certificate: the registry."""

    def person(self, der: bytes, at: datetime) -> tuple[str, Certificate]:
        """The agency and the entry of a person's certificate. Raises :class:`Rejected` where it is not good at `at`."""


@dataclass(frozen=True)
class Ballotted:
    """A vote as it has come: its parcel's digest, who published it, when the hub accepted it, what the parcel says of
    it, the signed vote, b"" where its seals did not open, and the delegation beside it."""

    parcel: str
    sender: str
    accepted_at: datetime
    cover: Cover
    signed: bytes
    act: bytes = b""


@dataclass(frozen=True)
class Judged:
    """A vote and its verdict; `reason` is the code of the fault, if any, `delegate` who voted for another."""

    parcel: str
    vote: str
    member: str
    accepted_at: datetime
    verdict: Verdict
    reason: str = ""
    delegate: str = ""
    options: tuple[tuple[int, str], ...] = ()  # of one that counts


@dataclass(frozen=True)
class Decided:
    """Of one question: how many for each option, of them how many by silence, and what was decided by what."""

    number: int
    counts: tuple[tuple[str, int], ...]
    silent: int
    base: int
    option: str  # "" where nothing was decided
    by: Literal["majority", "chair", "none"]


@dataclass(frozen=True)
class Result:
    """Who voted, what counts, what was decided."""

    ballot: Ballot
    votes: tuple[Judged, ...]
    missing: tuple[str, ...]
    decided: tuple[Decided, ...]
    computed_at: datetime


def tally(ballot: Ballot, votes: Sequence[Ballotted], closing: Closing, members: Members, now: datetime) -> Result:
    """The result:

    1 the votes are those that the closing names, each once              BALLOT_DIFFERS
    2 each is judged for itself                                          invalid, forged
    3 what was accepted after the end counts no more                     late
    4 of several of one member the first counts; of one moment the one with the smaller digest    second
    5 who has none that counts is missing; silence counts as the ballot says
    6 each question is decided by the ballot's rule
    """
    named = {one.parcel: one for one in closing.received}
    if closing.ballot != ballot.digest:
        raise rejected(Fault.BALLOT_DIFFERS, closing.ballot, ballot.digest, "closing/ballot")
    if sorted(one.parcel for one in votes) != sorted(named):
        raise rejected(Fault.BALLOT_DIFFERS, len(votes), len(named), "votes")
    for one in votes:
        entry = named[one.parcel]
        if (entry.sealed, entry.accepted_at) != (one.cover.sealed, one.accepted_at):
            raise rejected(Fault.BALLOT_DIFFERS, to_text(entry.accepted_at), to_text(one.accepted_at), one.parcel)
    judged: list[Judged] = []
    voted: set[str] = set()
    for one in sorted(votes, key=lambda v: (v.accepted_at, v.parcel)):
        found = _judge(ballot, one, members)
        if found.verdict == "counted" and one.accepted_at > ballot.due_at:
            found = _with(found, "late")
        elif found.verdict == "counted" and found.member in voted:
            found = _with(found, "second")
        elif found.verdict == "counted":
            voted.add(found.member)
        judged.append(found)
    missing = tuple(person for person in ballot.members if person not in voted)
    counted = [one for one in judged if one.verdict == "counted"]
    decided = tuple(_decide(ballot, question, counted, len(missing)) for question in ballot.questions)
    return Result(ballot, tuple(judged), missing, decided, now)


def _with(judged: Judged, verdict: Verdict) -> Judged:
    return Judged(judged.parcel, judged.vote, judged.member, judged.accepted_at, verdict, "", judged.delegate)


def _judge(ballot: Ballot, one: Ballotted, members: Members) -> Judged:
    """One vote for itself:

    1 it is on this ballot, for one of its members, and its seals opened        invalid
    2 what was opened is what its parcel had named                             invalid
    3 a person of the registry has signed it, good when the hub accepted it    forged
    4 that is the member himself, or whom he has named in a delegation         forged
    5 his agency has published it                                              invalid
    6 it says what the ballot allows                                           invalid
    """
    cover, delegate = one.cover, ""

    def verdict(what: Verdict, reason: str = "", options: tuple[tuple[int, str], ...] = ()) -> Judged:
        return Judged(one.parcel, cover.vote, cover.member, one.accepted_at, what, reason, delegate, options)

    if cover.ballot != ballot.digest or cover.member not in ballot.members:
        return verdict("invalid", Fault.BALLOT_UNKNOWN.code)
    if not one.signed or values.digest(one.signed) != cover.vote:
        return verdict("invalid", Fault.VOTE_SEAL.code)
    try:
        content, holder, agency = _signed_by(one.signed, members, one.accepted_at)
    except Rejected as error:
        return verdict("forged", error.fault.code)
    try:
        vote = read_vote(content)
    except Rejected as error:
        return verdict("invalid", error.fault.code)
    if holder != cover.member:
        delegate = holder
        if not _may_vote(ballot, vote, one, holder, members):
            return verdict("forged", Fault.VOTE_SIGNATURE.code)
    if agency != one.sender:
        return verdict("invalid", Fault.AUTHZ_MISMATCH.code)
    if (vote.ballot, vote.member, vote.act) != (cover.ballot, cover.member, cover.act):
        return verdict("invalid", Fault.BALLOT_DIFFERS.code)
    if not _is_allowed(ballot, vote):
        return verdict("invalid", Fault.BALLOT_SHAPE.code)
    return verdict("counted", "", tuple((a.question, a.option) for a in vote.answers))


def _signed_by(signed: bytes, members: Members, at: datetime) -> tuple[bytes, str, str]:
    """What a person has signed, who, and of which agency."""
    content, certificate = cms.open_signed(signed)
    agency, entry = members.person(certificate, at)
    return content, entry.holder, agency


def _may_vote(ballot: Ballot, vote: Vote, one: Ballotted, delegate: str, members: Members) -> bool:
    """Whether the member has signed a delegation to `delegate` for this ballot, which the vote names."""
    if not one.act or values.digest(one.act) != vote.act:
        return False
    try:
        content, holder, _ = _signed_by(one.act, members, one.accepted_at)
        act = read_delegation(content)
    except Rejected:
        return False
    return holder == act.member and (act.ballot, act.member, act.delegate) == (ballot.digest, vote.member, delegate)


def _is_allowed(ballot: Ballot, vote: Vote) -> bool:
    if [answer.question for answer in vote.answers] != [one.number for one in ballot.questions]:
        return False
    for answer, question in zip(vote.answers, ballot.questions, strict=True):
        option = next((one for one in question.options if one.code == answer.option), None)
        if option is None or (option.needs_comment and not answer.comment.strip()):
            return False
    return True


def _decide(ballot: Ballot, question: Question, counted: Sequence[Judged], missing: int) -> Decided:
    """By more than half of all members, or of those whose vote counts. Where two options have as many, and more than
    half between them, the chair's decides if the ballot says so."""
    chosen = {one.member: dict(one.options)[question.number] for one in counted}
    counts = Counter(chosen.values())
    silent = missing if ballot.silence == AGREE else 0
    counts[AGREE] += silent
    counts = Counter({option.code: counts[option.code] for option in question.options})
    base = len(ballot.seats) if ballot.rule == "majority_all" else len(chosen) + silent
    highest = max(counts.values())
    leaders = [code for code, count in counts.items() if count == highest]
    option, by = "", "none"
    if len(leaders) == 1 and 2 * highest > base:
        option, by = leaders[0], "majority"
    elif len(leaders) == 2 and 4 * highest > base and ballot.tie == "chair" and chosen.get(ballot.chair) in leaders:
        option, by = chosen[ballot.chair], "chair"
    return Decided(question.number, tuple(counts.items()), silent, base, option, by)  # type: ignore[arg-type]


def write_result(result: Result, closing: str) -> bytes:
    """result.json: everything that was counted, by which settings. `closing`: the digest of the closing's parcel."""
    ballot = result.ballot
    votes: list[dict[str, Any]] = [
        {
            "parcel": one.parcel,
            "vote": one.vote,
            "member": one.member,
            "accepted_at": to_text(one.accepted_at),
            "verdict": one.verdict,
            "reason": one.reason,
            "delegate": one.delegate,
        }
        for one in result.votes
    ]
    questions: list[dict[str, Any]] = [
        {
            "no": one.number,
            "counts": dict(one.counts),
            "silent": one.silent,
            "base": one.base,
            "decided": one.option,
            "by": one.by,
        }
        for one in result.decided
    ]
    settings = {"rule": ballot.rule, "tie": ballot.tie, "silence": ballot.silence, "due_at": to_text(ballot.due_at)}
    said = {"ballot": ballot.digest, "id": ballot.id, "closing": closing, "members": len(ballot.seats), **settings}
    said |= {"questions": questions, "votes": votes, "missing": list(result.missing)}
    return values.written({**said, "computed_at": to_text(result.computed_at), "rules": VERSION})
