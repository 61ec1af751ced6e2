"""What a meeting system asks for and does, as JSON: meetings with their papers and conclusions, ballots and votes.

Nothing is kept here: what an agency knows is what lies in its journal, verified anew, as with ballots. What is done
gives ordinary packets; a member's vote comes signed and sealed, by a key that is nowhere near.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding

from axis.core import edxml
from axis.core.ballot import packet, recount, values
from axis.core.ballot.ballot import BALLOT
from axis.core.ballot.packet import CONCLUSION, MEETING, PAPER
from axis.core.ballot.values import Obj
from axis.core.ballot.vote import Cover
from axis.core.edxml import Organ
from axis.core.instant import to_text
from axis.core.types import kind as kinds
from axis.errors import Fault, Rejected, rejected
from axis.services.ballots import Held, Office, Step, Verified, as_json

if TYPE_CHECKING:
    from pathlib import Path

    from axis.core.ballot.packet import Type
    from axis.core.ballot.recount import Opened
    from axis.core.registry import Certificate
    from axis.core.types.kind import DocumentType
    from axis.infra.journal.journals import Journal

MOST_LISTED = 200  # of the newest meetings, papers, conclusions
MAIN = {MEETING: "meeting.json", PAPER: "paper.json", CONCLUSION: "conclusion.json"}
_TYPES = {"meetings": MEETING, "papers": PAPER, "conclusions": CONCLUSION}


class Cabinet:
    """One agency's part, for its meeting system. `what` names a list (``meetings``) or a step of a ballot
    (``closing``); `reference`: the ballot or parcel that it is about."""

    def __init__(self, home: Path, code: str, journal: Journal, hub: Certificate) -> None:
        self._given = home, code, journal, hub, Verified()

    def ask(self, what: str, reference: str, now: datetime, after: int = 0, most: int = MOST_LISTED) -> Any:
        """What is known here; of ballots `most`, but for the newest `after`. Raises Rejected BALLOT_UNKNOWN,
        NOT_FOUND."""
        office = Office(*self._given)
        if what in _TYPES:
            return {"items": _listed(office, _TYPES[what])}
        if what == "ballots":
            return {"items": [office.status(one, now) for one in office.page(after, most)]}
        return _ASKED[what](office, office.find(reference), now)

    def file(self, what: str, reference: str, name: str) -> bytes:
        """One file of a ballot, or of the paper or conclusion whose parcel has this digest. Raises Rejected
        BALLOT_UNKNOWN, NOT_FOUND."""
        office = Office(*self._given)
        if what == "ballots":
            arrived = office.find(reference).arrived
        else:
            found = [one for one in office.under(_TYPES[what]) if values.digest(one.parcel) == reference]
            if not found:
                raise rejected(Fault.NOT_FOUND, reference[:64])
            (arrived, *_) = found
        files = recount.open_arrived(arrived, office.registry).files
        if name not in files:
            raise rejected(Fault.NOT_FOUND, name[:200])
        return files[name]

    def do(self, what: str, reference: str, data: bytes, now: datetime) -> tuple[dict[str, Any], list[bytes]]:
        """What the JSON in `data` wants done: facts for who asked, and the packets that are sent for it. Raises
        Rejected with what is wrong; nothing is done then."""
        office, said = Office(*self._given), values.read(data, what, len(data))
        facts, steps = _DONE[what](office, reference, said, now)
        said.end()
        return facts, [one.packet for one in steps]


Done = tuple[dict[str, Any], Sequence[Step]]


# -- Meetings ----------------------------------------------------------------------------------------------------------


def _meeting(office: Office, _: str, said: Obj, now: datetime) -> Done:
    meeting = _inner(said, "meeting")
    to = said.texts("to") or _agencies(meeting, office.code)
    identifier, title = meeting.text("id"), meeting.text("title")
    return {}, [_letter(office, MEETING, identifier, title, to, meeting.plain, [], now)]


def _paper(office: Office, _: str, said: Obj, now: datetime) -> Done:
    paper, files = _inner(said, "paper"), _files(said, "files")
    identifier, title = paper.text("meeting"), paper.text("title")
    to = said.texts("to") or _audience(office, identifier)
    listed = [{"name": name, "sha256": values.digest(content)} for name, content in files]
    return {}, [_letter(office, PAPER, identifier, title, to, {**paper.plain, "files": listed}, files, now)]


def _conclusion(office: Office, _: str, said: Obj, now: datetime) -> Done:
    conclusion, files = _inner(said, "conclusion"), _files(said, "files")
    identifier, title = conclusion.text("meeting"), conclusion.text("title")
    to = said.texts("to") or _audience(office, identifier)
    return {}, [_letter(office, CONCLUSION, identifier, title, to, conclusion.plain, files, now)]


def _inner(said: Obj, name: str) -> Obj:
    inner = said.inner(name)
    if inner is None:
        said.refuse(name, None, "{…}")
    return inner


def _files(said: Obj, name: str) -> list[tuple[str, bytes]]:
    return list(said.objects(name, lambda one: (one.text("name"), one.data("content"))))


def _agencies(meeting: Obj, apart: str) -> list[str]:
    """Whose people take part."""
    people = meeting.objects("participants", lambda one: (one.holder("id"), one.text("name"), one.text("role")))
    codes = dict.fromkeys(values.agency_of(one) for one, *_ in people)
    return [code for code in codes if code != apart]


def _audience(office: Office, meeting: str) -> list[str]:
    """Everybody of the newest meeting with this id that is here, whoever has called it first."""
    for _, opened in reversed(office.read(MEETING, values.digest(meeting.encode()))):
        found = _content(office, MEETING, opened)
        if found is not None and found["id"] == meeting:
            people = [values.agency_of(str(one["id"])) for one in found["participants"]]
            return [code for code in dict.fromkeys((opened.sender, *people)) if code != office.code]
    raise rejected(Fault.BALLOT_UNKNOWN, meeting, MAIN[MEETING])


def _letter(
    office: Office,
    of: Type,
    identifier: str,
    title: str,
    to: Sequence[str],
    content: dict[str, Any],
    files: Sequence[tuple[str, bytes]],
    now: datetime,
) -> Step:
    """The packet, judged by the type's schema whether an operator has added that to the registry or not."""
    names = {member.code: member.name_vi for member in office.registry.agencies}
    about = values.digest(identifier.encode())
    data = packet.write(
        of,
        about,
        Organ(office.code, names.get(office.code, "")),
        [Organ(code, names.get(code, "")) for code in to],
        f"{of.name}: {title}",
        [(MAIN[of], values.written(content)), *files],
        now,
    )
    converted = edxml.convert(data)
    if converted.packet is not None:
        header = kinds.header_of(converted.packet, office.registry, content=True)
        if problems := kinds.judge(_kind(of), header, converted.attachments):
            raise Rejected(*problems)
    return Step(f"{packet.notation(of, about)}.edxml", data)


@cache
def _kind(of: Type) -> DocumentType:
    folder = importlib.resources.files("axis").joinpath("schemas", "documents", of.application.lower(), "1")
    return kinds.read({one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()})


def _content(office: Office, of: Type, opened: Opened) -> dict[str, Any] | None:
    """What a document says, if it is what its type allows; a hub without the type has let anything pass."""
    kind = _kind(of)
    member = office.registry.member_for(opened.sender)
    try:
        document = kind.schema.read(opened.files.get(MAIN[of], b""))
    except Rejected:
        return None
    allowed = kinds.Party(opened.sender, member).is_one_of(kind.manifest.senders)
    return dict(document) if allowed and not kind.schema.judge(document, MAIN[of]) else None


def _listed(office: Office, of: Type) -> list[dict[str, Any]]:
    found = []
    for _, opened in office.read(of, most=MOST_LISTED):
        if (content := _content(office, of, opened)) is not None:
            facts = {"axis_id": opened.axis_id, "parcel": opened.digest, "from": opened.sender}
            facts |= {"accepted_at": to_text(opened.accepted_at)}
            found.append({**facts, "files": [name for name in opened.files if name != MAIN[of]], "content": content})
    return found


# -- Ballots -----------------------------------------------------------------------------------------------------------


def _ballot(office: Office, _: str, said: Obj, now: datetime) -> Done:
    asked, step = office.ask(values.written(_inner(said, "ballot").plain), _files(said, "papers"), now)
    return {"ballot": asked.digest}, [step]


def _vote(office: Office, reference: str, said: Obj, now: datetime) -> Done:
    ballot = office.find(reference).ballot
    sealed, act = said.data("sealed"), said.data("act") if "act" in said.plain else b""
    digest = values.digest(act) if act else ""
    cover = Cover(ballot.digest, said.holder("member"), said.digest("vote"), values.digest(sealed), digest)
    return {"vote": cover.vote}, [office.carry(ballot, cover, sealed, act, now)]


def _reminders(office: Office, reference: str, _: Obj, now: datetime) -> Done:
    return {}, office.remind(office.find(reference).ballot, now)


def _closing(office: Office, reference: str, _: Obj, now: datetime) -> Done:
    return {}, [office.close(office.find(reference).ballot, now)]


def _opening(office: Office, reference: str, _: Obj, now: datetime) -> Done:
    return {}, [office.unseal(office.find(reference).ballot, now)]


def _result(office: Office, reference: str, _: Obj, now: datetime) -> Done:
    result, step = office.result(office.find(reference).ballot, now)
    return {"result": as_json(result)}, [step]


def _told(office: Office, held: Held, now: datetime) -> dict[str, Any]:
    """A ballot, its bytes, and what votes on it are sealed to."""
    opened = recount.open_arrived(held.arrived, office.registry)
    seals = dict(zip(("secretariat", "trustee"), office.seals(held.ballot), strict=True))
    return {
        "digest": held.ballot.digest,
        "axis_id": opened.axis_id,
        "ballot": values.text_of(opened.file(BALLOT)),
        "seals": {name: one.x509.public_bytes(Encoding.PEM).decode("ascii") for name, one in seals.items()},
        "files": [name for name in opened.files if name != BALLOT],
        "status": office.status(held, now),
    }


def _votes(office: Office, held: Held, _: datetime) -> dict[str, Any]:
    """The votes that have come, or that this agency has sent, sealed as they are."""
    return {
        "items": [
            {
                "parcel": one.parcel,
                "from": one.sender,
                "member": one.cover.member,
                "vote": one.cover.vote,
                "accepted_at": to_text(one.accepted_at),
            }
            for _, one in office.votes(held.ballot)
        ]
    }


def _reminded(office: Office, held: Held, _: datetime) -> dict[str, Any]:
    return {"items": office.reminders(held.ballot)}


def _counted(office: Office, held: Held, _: datetime) -> dict[str, Any]:
    """The result, counted again from the parcels here; what the published one says otherwise."""
    result, found, _parcels = office.verify(held)
    verdict = "FAILED" if found else "PASSED"
    return {"verdict": verdict, "result": as_json(result), "differences": [one.as_json("vi") for one in found]}


_ASKED: dict[str, Callable[[Office, Held, datetime], dict[str, Any]]] = {
    "ballot": _told,
    "votes": _votes,
    "reminders": _reminded,
    "result": _counted,
}
_DONE: dict[str, Callable[[Office, str, Obj, datetime], Done]] = {
    "meetings": _meeting,
    "papers": _paper,
    "conclusions": _conclusion,
    "ballots": _ballot,
    "votes": _vote,
    "reminders": _reminders,
    "closing": _closing,
    "opening": _opening,
    "result": _result,
}
