"""What is asked: a ballot, its closing, and the files of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core.ballot import values
from axis.core.instant import to_text

if TYPE_CHECKING:
    from datetime import datetime

    from axis.core.ballot.values import Obj

BALLOT, VOTE, CLOSING, OPENING, RESULT = "ballot.json", "vote.json", "closing.json", "opening.json", "result.json"
MOST = 40_000_000  # bytes of a file that holds votes
AGREE = "agree"
RULES = ("majority_all", "majority_present")
TIES = ("chair", "none")
SILENCE = ("not_counted", AGREE)


@dataclass(frozen=True)
class Option:
    """One answer that a question allows."""

    code: str
    vi: str
    en: str
    needs_comment: bool


@dataclass(frozen=True)
class Question:
    """One thing that is asked."""

    number: int
    text: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Seat:
    """Who is asked: a person of an agency (`person` ends with its code), in an office."""

    person: str
    name: str
    office: str

    @property
    def agency(self) -> str:
        """Through whose adapter the vote comes."""
        return values.agency_of(self.person)


@dataclass(frozen=True)
class Ballot:
    """What the members are asked, until when, and how it is counted. `digest` is that of the bytes it was read from."""

    digest: str
    id: str
    kind: str
    subject: str
    questions: tuple[Question, ...]
    rule: str
    tie: str
    silence: str
    chair: str
    opens_at: datetime
    due_at: datetime
    seats: tuple[Seat, ...]
    secretariat: str
    secretariat_seal: str  # digest of the certificate that the inner envelope is for
    trustee: str
    trustee_seal: str
    told: tuple[str, ...]  # agencies that get the opened votes beside the members' own
    papers: tuple[tuple[str, str], ...]  # (name, digest)
    replaces: str

    @property
    def members(self) -> dict[str, Seat]:
        """The seats by person."""
        return {seat.person: seat for seat in self.seats}

    @property
    def agencies(self) -> tuple[str, ...]:
        """Whose adapters the ballot goes to, in order; the secretariat's own apart."""
        codes = dict.fromkeys((*(seat.agency for seat in self.seats), self.trustee))
        return tuple(code for code in codes if code != self.secretariat)


def read_ballot(data: bytes) -> Ballot:
    """The ballot in `data`. Raises :class:`axis.errors.Rejected` BALLOT_SHAPE."""
    said = values.read(data, BALLOT)
    seals = {name: _seal(said, name) for name in ("secretariat", "trustee")}
    ballot = Ballot(
        values.digest(data),
        said.text("id"),
        said.one_of("kind", ("meeting_item", "written")),
        said.text("subject"),
        said.objects("questions", _question, least=1),
        said.one_of("rule", RULES),
        said.one_of("tie", TIES),
        said.one_of("silence", SILENCE),
        said.holder("chair"),
        said.moment("opens_at"),
        said.moment("due_at"),
        said.objects("members", _seat, least=1),
        *seals["secretariat"],
        *seals["trustee"],
        said.texts("results_to"),
        said.objects("papers", lambda one: (one.text("name"), one.digest("sha256"))),
        said.digest("replaces", empty=True),
    )
    if ballot.due_at <= ballot.opens_at:
        said.refuse("due_at", to_text(ballot.due_at), f"> {to_text(ballot.opens_at)}")
    if ballot.trustee == ballot.secretariat:
        said.refuse("trustee", ballot.trustee, "another agency than the secretariat")
    if len(ballot.members) != len(ballot.seats):
        said.refuse("members", len(ballot.seats), "each once")
    if ballot.chair not in ballot.members:
        said.refuse("chair", ballot.chair, "a member")
    if [one.number for one in ballot.questions] != list(range(1, len(ballot.questions) + 1)):
        said.refuse("questions", [one.number for one in ballot.questions], "1, 2, 3 …")
    for one in ballot.questions:
        codes = [option.code for option in one.options]
        if len(set(codes)) != len(codes) or (ballot.silence == AGREE and AGREE not in codes):
            said.refuse("questions", codes, f"each once, {AGREE} among them where silence is {AGREE}")
    said.end()
    return ballot


def _seal(said: Obj, name: str) -> tuple[str, str]:
    inner = said.inner(name)
    if inner is None:
        said.refuse(name, None, "{agency, seal}")
    found = inner.text("agency"), inner.digest("seal")
    inner.end()
    return found


def _question(said: Obj) -> Question:
    return Question(said.number("no"), said.text("text"), said.objects("options", _option, least=2))


def _option(said: Obj) -> Option:
    return Option(said.text("code"), said.text("vi"), said.text("en", empty=True), said.flag("needs_comment"))


def _seat(said: Obj) -> Seat:
    return Seat(said.holder("id"), said.text("name"), said.text("office"))


@dataclass(frozen=True)
class Received:
    """A vote as the secretariat had it when it closed, still sealed: digests of the parcel and of what is sealed in it,
    and when the hub accepted it."""

    parcel: str
    sealed: str
    accepted_at: datetime


@dataclass(frozen=True)
class Closing:
    """What the secretariat signs before anybody can read a vote: which votes there are. The trustee opens these."""

    ballot: str  # its digest
    received: tuple[Received, ...]


def read_closing(data: bytes) -> Closing:
    """The closing in `data`. Raises :class:`axis.errors.Rejected` BALLOT_SHAPE; for a vote that it names twice, too."""
    said = values.read(data, CLOSING)
    closing = Closing(said.digest("ballot"), said.objects("received", _received))
    if len({one.parcel for one in closing.received}) != len(closing.received):
        said.refuse("received", len(closing.received), "each once")
    said.end()
    return closing


def write_closing(closing: Closing) -> bytes:
    """closing.json."""
    listed = [
        {"parcel": one.parcel, "sealed": one.sealed, "accepted_at": to_text(one.accepted_at)}
        for one in closing.received
    ]
    return values.written({"ballot": closing.ballot, "received": listed})


def _received(said: Obj) -> Received:
    return Received(said.digest("parcel"), said.digest("sealed"), said.moment("accepted_at"))


@dataclass(frozen=True)
class Opening:
    """What the trustee says of a closing that it has opened: `inner` is the digest of the file with what lay within its
    own envelopes."""

    ballot: str
    closing: str  # the digest of its parcel
    inner: str


def read_opening(data: bytes) -> Opening:
    """The opening in `data`. Raises :class:`axis.errors.Rejected` BALLOT_SHAPE."""
    said = values.read(data, OPENING)
    opening = Opening(said.digest("ballot"), said.digest("closing"), said.digest("inner"))
    said.end()
    return opening


def write_opening(opening: Opening) -> bytes:
    """opening.json."""
    return values.written({"ballot": opening.ballot, "closing": opening.closing, "inner": opening.inner})
