"""A ballot of the Government's members, by ordinary parcels: what an agency holds of one, and the packets of each step.

There is no table of ballots: what an agency knows is what lies in its journal, verified anew. Each step gives a packet,
which is sent as every other.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from axis.core import chain
from axis.core.ballot import cms, packet, recount, values
from axis.core.ballot.ballot import (
    BALLOT,
    CLOSING,
    OPENING,
    RESULT,
    VOTE,
    Closing,
    Opening,
    read_ballot,
    write_closing,
    write_opening,
)
from axis.core.ballot.recount import Arrived
from axis.core.ballot.tally import tally, write_result
from axis.core.ballot.vote import (
    ACT,
    SEALED,
    Answer,
    Delegation,
    Vote,
    cast,
    read_delegation,
    write_cover,
    write_delegation,
)
from axis.core.edxml import Organ
from axis.core.instant import to_text, whole
from axis.errors import Fault, Rejected, rejected
from axis.infra import keystore
from axis.services.operate.people import PERSONS, SEALS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from axis.core.ballot.ballot import Ballot
    from axis.core.ballot.packet import Type
    from axis.core.ballot.recount import Closed, Opened
    from axis.core.ballot.tally import Ballotted, Result
    from axis.core.ballot.vote import Cover
    from axis.core.registry import Certificate, Registry
    from axis.core.signature import KeySigner
    from axis.errors import Problem
    from axis.infra.journal.journals import Journal

REMINDER = "reminder.json"


@dataclass(frozen=True)
class Held:
    """A ballot that an agency holds: what it says, and its parcel with the hub's word."""

    ballot: Ballot
    arrived: Arrived


@dataclass(frozen=True)
class Step:
    """A packet that is sent next, and what it is called."""

    name: str
    packet: bytes


class Verified:
    """What was verified once for an agency, and need not be again under the same registry: the newest of it, as much as
    there is room for. What is refused is judged each time."""

    def __init__(self, room: int = 32_000_000) -> None:
        self._room, self._size = room, 0
        self._kept: OrderedDict[tuple[str, str, int], Opened] = OrderedDict()
        self._turn = threading.Lock()

    def opened(self, arrived: Arrived, registry: Registry) -> Opened | None:
        """What is in a parcel with the hub's word about it; None where that is not what it is given for."""
        key = (values.digest(arrived.parcel), values.digest(arrived.accepted), registry.version)
        with self._turn:
            if (known := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return known
        try:
            found = recount.open_arrived(arrived, registry)
        except Rejected:
            return None
        with self._turn:
            if key not in self._kept:
                self._kept[key] = found
                self._size += _size(found)
            while self._size > self._room:
                self._size -= _size(self._kept.popitem(last=False)[1])
        return found


def _size(opened: Opened) -> int:
    """In memory, roughly."""
    return 20_000 + sum(map(len, opened.files.values()))


class Office:
    """One agency's part in ballots: its journal, the registry installed there, and the keys in its home."""

    def __init__(
        self, home: Path, code: str, journal: Journal, hub: Certificate, verified: Verified | None = None
    ) -> None:
        """`verified`: what was verified for this agency before."""
        self.code = code
        self._verified = verified if verified is not None else Verified()
        self._keys = home / "keys"
        with journal.reading() as reader:
            found = reader.registry()
        if found is None:
            raise rejected(Fault.REGISTRY_INVALID, "no registry installed")
        self.registry_parcel = found[1]
        self.registry: Registry = chain.read_registry(found[1], hub)
        self._journal = journal

    # -- What is here ----------------------------------------------------------------------------------------------

    def under(self, of: Type, ballot: str = "", most: int | None = None) -> list[Arrived]:
        """The parcels of this type here, sent and received; of one ballot, if it is named; the newest of each, no more
        than `most`."""
        notation = packet.notation(of, ballot) if ballot else f"{of.notation}-%"
        return self._load(self._named(notation, most))

    def _named(self, notation: str, most: int | None = None) -> list[tuple[str, str]]:
        """The digests of their parcels with the hub's word."""
        with self._journal.reading() as reader:
            both = [*reader.went_under(notation, most), *reader.came_under(notation, most)]
        return list(dict.fromkeys(both))

    def _load(self, named: Sequence[tuple[str, str]]) -> list[Arrived]:
        """Those whose bytes are still here."""
        with self._journal.reading() as reader:
            held = reader.payloads({digest for both in named for digest in both})
        return [Arrived(held[body], held[proof]) for body, proof in named if body in held and proof in held]

    def read(self, of: Type, ballot: str = "", most: int | None = None) -> list[tuple[Arrived, Opened]]:
        """Those that are what they are given for; what anybody else has sent under such a number is not."""
        return self._read(of, self.under(of, ballot, most))

    def _read(self, of: Type, arrived: Sequence[Arrived]) -> list[tuple[Arrived, Opened]]:
        both = ((one, self._verified.opened(one, self.registry)) for one in arrived)
        return [(one, opened) for one, opened in both if opened is not None and opened.application == of.application]

    def page(self, after: int, most: int) -> list[Held]:
        """At most so many of the ballots that it has received or sent, the newest first, but for the first `after`."""
        newest = self._named(f"{packet.BALLOT.notation}-%")[::-1]
        return self._held(self._load(newest[after : after + most]))

    def ballots(self, digest: str = "") -> list[Held]:
        """Every ballot that it has sent or received; with this digest, if one is named."""
        return self._held(self.under(packet.BALLOT, digest))

    def _held(self, parcels: Sequence[Arrived]) -> list[Held]:
        found = []
        for arrived, opened in self._read(packet.BALLOT, parcels):
            try:
                found.append(Held(recount.ballot_in(opened), arrived))
            except Rejected:
                continue
        return found

    def find(self, reference: str) -> Held:
        """The ballot with this id, or whose digest begins so. Raises Rejected BALLOT_UNKNOWN, AMBIGUOUS."""
        wanted = reference.casefold().removeprefix(f"{packet.BALLOT.notation.casefold()}-")
        is_digest = len(wanted) >= 12 and all(one in "0123456789abcdef" for one in wanted)
        found = [
            one
            for one in self.ballots(wanted if is_digest else "")
            if one.ballot.id.casefold() == reference.casefold() or (is_digest and one.ballot.digest.startswith(wanted))
        ]
        if not found:
            raise rejected(Fault.BALLOT_UNKNOWN, reference, BALLOT)
        if len(found) > 1:
            raise rejected(Fault.AMBIGUOUS, ", ".join(one.ballot.digest[:12] for one in found), reference)
        return found[0]

    def votes(self, ballot: Ballot) -> list[tuple[Arrived, Ballotted]]:
        """The votes on it, sealed as they are, that a closing would name, in the order of their acceptance."""
        found = []
        for arrived, opened in self.read(packet.VOTE, ballot.digest):
            try:
                found.append((arrived, recount.vote_in(opened, {})))
            except Rejected:
                continue
        return recount.taken(found)

    def _one(self, of: Type, ballot: Ballot, sender: str) -> tuple[Arrived, Opened]:
        """The first of this type on the ballot that the hub accepted from `sender`. Raises Rejected BALLOT_UNKNOWN."""
        found = [one for one in self.read(of, ballot.digest) if one[1].sender == sender]
        if not found:
            raise rejected(Fault.BALLOT_UNKNOWN, ballot.id, of.application)
        return min(found, key=lambda one: (one[1].accepted_at, one[1].digest))

    # -- The steps -------------------------------------------------------------------------------------------------

    def _step(
        self,
        of: Type,
        ballot: Ballot,
        to: Sequence[str],
        files: Sequence[tuple[str, bytes]],
        now: datetime,
        *,
        subject: str = "",
        again: int = 0,
    ) -> Step:
        names = {member.code: member.name_vi for member in self.registry.agencies}
        data = packet.write(
            of,
            ballot.digest,
            Organ(self.code, names.get(self.code, "")),
            [Organ(code, names.get(code, "")) for code in to],
            subject or f"{of.name}: {ballot.subject}",
            files,
            now,
            ballot.due_at if of in {packet.BALLOT, packet.REMINDER} else None,
            again,
        )
        return Step(f"{packet.notation(of, ballot.digest)}.edxml", data)

    def ask(self, written: bytes, papers: Sequence[tuple[str, bytes]], now: datetime) -> tuple[Ballot, Step]:
        """A ballot is opened. `written` is its JSON, where the trustee may be a code alone: which certificates votes
        are sealed with the registry says, the sender is the secretariat, papers are named by their digests."""
        said = dict(values.read(written, BALLOT).plain)
        said["secretariat"] = self._sealed_to(self.code, now)
        if isinstance(said.get("trustee"), str):
            said["trustee"] = self._sealed_to(said["trustee"], now)
        said.setdefault("opens_at", to_text(whole(now)))
        said["papers"] = [{"name": name, "sha256": values.digest(content)} for name, content in papers]
        data = values.written(said)
        ballot = read_ballot(data)
        unknown = [one for one in ballot.members if one not in self.registry.persons()]
        if unknown:
            raise rejected(Fault.PERSON_UNKNOWN, ", ".join(unknown))
        files = [(BALLOT, data), *papers]
        return ballot, self._step(packet.BALLOT, ballot, ballot.agencies, files, now, subject=ballot.subject)

    def _sealed_to(self, code: str, now: datetime) -> dict[str, str]:
        return {"agency": code, "seal": self.registry.sealed_to(code, now).digest}

    def _seal(self, code: str, digest: str) -> Certificate:
        """The certificate that a ballot names, which must be this agency's."""
        held = self.registry.by_code[code].certificates if code in self.registry.by_code else ()
        for one in held:
            if one.use == "encrypt" and one.digest == digest:
                return one
        raise rejected(Fault.SEAL_MISSING, code)

    def seals(self, ballot: Ballot) -> tuple[Certificate, Certificate]:
        """What votes on it are sealed to: within the secretariat's, without the trustee's. Raises Rejected
        SEAL_MISSING."""
        secretariat = self._seal(ballot.secretariat, ballot.secretariat_seal)
        return secretariat, self._seal(ballot.trustee, ballot.trustee_seal)

    def delegate(self, ballot: Ballot, member: str, delegate: str, now: datetime) -> bytes:
        """A member's delegation of one ballot to another person, signed by the member."""
        said = write_delegation(Delegation(ballot.digest, member, delegate, whole(now)))
        return cms.sign(said, self._person(member))

    def vote(
        self, ballot: Ballot, signer: str, answers: Sequence[Answer], now: datetime, *, act: bytes = b""
    ) -> tuple[str, Step]:
        """A person's vote, for himself or, with a delegation, for its member; the digest by which he finds it in the
        result, and the packet."""
        member = read_delegation(cms.open_signed(act)[0]).member if act else signer
        digest = values.digest(act) if act else ""
        said = Vote(ballot.digest, member, tuple(answers), whole(now), secrets.token_hex(16), digest)
        return self.seal(ballot, said, self._person(signer), act)

    def seal(self, ballot: Ballot, said: Vote, key: KeySigner, act: bytes = b"") -> tuple[str, Step]:
        """A vote signed with this key, sealed for both; its digest, and the packet."""
        secretariat, trustee = self.seals(ballot)
        made = cast(ballot, said, key, secretariat.x509, trustee.x509, act)
        return made.cover.vote, self._voted(ballot, made.cover, made.files, said.signed_at)

    def carry(self, ballot: Ballot, cover: Cover, sealed: bytes, act: bytes, now: datetime) -> Step:
        """A vote that was signed and sealed elsewhere, by a member of this agency or, with a delegation, by a delegate
        of it. What is sealed only the end shows. Raises Rejected PERSON_UNKNOWN, AUTHZ_MISMATCH, VOTE_SEAL,
        VOTE_SIGNATURE."""
        if cover.member not in ballot.members:
            raise rejected(Fault.PERSON_UNKNOWN, cover.member)
        given = read_delegation(cms.open_signed(act)[0]) if act else None
        if given is not None and (given.ballot, given.member) != (ballot.digest, cover.member):
            raise rejected(Fault.AUTHZ_MISMATCH, given.member, cover.member)
        signer = given.delegate if given is not None else cover.member
        if values.agency_of(signer) != self.code:
            raise rejected(Fault.AUTHZ_MISMATCH, self.code, values.agency_of(signer))
        if not 0 < len(sealed) <= cms.MAX_BYTES:
            raise rejected(Fault.VOTE_SEAL, f"{len(sealed)} B")
        return self._voted(ballot, cover, [(SEALED, sealed), *([(ACT, act)] if act else [])], now)

    def _voted(self, ballot: Ballot, cover: Cover, files: Sequence[tuple[str, bytes]], now: datetime) -> Step:
        # The secretariat has what its own people send; an agency sends nothing to itself.
        to = ballot.secretariat if self.code != ballot.secretariat else ballot.trustee
        subject = f"{packet.VOTE.name} {ballot.id}"
        return self._step(packet.VOTE, ballot, [to], [(VOTE, write_cover(cover)), *files], now, subject=subject)

    def close(self, ballot: Ballot, now: datetime) -> Step:
        """The ballot is closed: the votes that the secretariat has, sealed, named and sent to the trustee. Not before
        its end, though a vote of everybody seems to have come: one in a member's name may be forged, and must not take
        his time from him. One that the hub accepted too early, by a wrong clock, is void, and closed anew. Raises
        Rejected BALLOT_OPEN, AUTHZ_MISMATCH."""
        self._only(ballot.secretariat)
        if now <= ballot.due_at:
            raise rejected(Fault.BALLOT_OPEN, ballot.id, to_text(ballot.due_at))
        votes = self.votes(ballot)
        said = write_closing(Closing(ballot.digest, recount.received([one for _, one in votes])))
        files = [(CLOSING, said), (recount.VOTES, recount.write_votes([one for one, _ in votes]))]
        too_early = len(self._closings(ballot)[0])
        return self._step(packet.CLOSING, ballot, [ballot.trustee], files, now, again=too_early)

    def _closings(self, ballot: Ballot) -> tuple[list[tuple[Arrived, Opened]], list[tuple[Arrived, Opened]]]:
        """The secretariat's closings that the hub accepted before the ballot's end, which close nothing; and those
        after it, the first first."""
        found = [one for one in self.read(packet.CLOSING, ballot.digest) if one[1].sender == ballot.secretariat]
        found.sort(key=lambda one: (one[1].accepted_at, one[1].digest))
        early = sum(opened.accepted_at <= ballot.due_at for _, opened in found)
        return found[:early], found[early:]

    def _closed(self, ballot: Ballot) -> tuple[Arrived, Closed]:
        early, found = self._closings(ballot)
        if not found and early:
            raise rejected(Fault.BALLOT_OPEN, ballot.id, to_text(ballot.due_at))
        arrived, opened = found[0] if found else self._one(packet.CLOSING, ballot, ballot.secretariat)
        return arrived, recount.closing_in(opened, ballot, self.registry, {})

    def unseal(self, ballot: Ballot, now: datetime) -> Step:
        """The trustee opens its envelopes: only of what the first closing names, which the hub has accepted after the
        ballot's end. Raises Rejected BALLOT_UNKNOWN, BALLOT_OPEN, AUTHZ_MISMATCH."""
        self._only(ballot.trustee)
        _, closed = self._closed(ballot)
        inner = recount.write_inner(self._unsealed(closed.sealed, ballot.trustee, ballot.trustee_seal))
        said = write_opening(Opening(ballot.digest, closed.digest, values.digest(inner)))
        return self._step(packet.OPENING, ballot, [ballot.secretariat], [(OPENING, said), (recount.INNER, inner)], now)

    def result(self, ballot: Ballot, now: datetime) -> tuple[Result, Step]:
        """The secretariat opens what the trustee has sent back, counts, and publishes: result, closing and opened votes
        to the members' agencies, the trustee, and whom the ballot names."""
        self._only(ballot.secretariat)
        arrived, closed = self._closed(ballot)
        _, opening = self._one(packet.OPENING, ballot, ballot.trustee)
        inner = recount.opening_in(opening, ballot, closed.digest)
        named = {sealed: data for sealed, data in inner.items() if sealed in closed.sealed}
        opened = self._unsealed(named, ballot.secretariat, ballot.secretariat_seal)
        covers = {one.cover.vote for one in closed.votes}
        signed = {values.digest(one): one for one in opened.values() if values.digest(one) in covers}
        whole_closing = recount.closing_in(recount.open_arrived(arrived, self.registry), ballot, self.registry, signed)
        result = tally(ballot, whole_closing.votes, whole_closing.said, self.registry, whole(now))
        files = [
            (RESULT, write_result(result, closed.digest)),
            (recount.CLOSING_PARCEL, arrived.parcel),
            (recount.CLOSING_PROOF, arrived.accepted),
            (recount.SIGNED, recount.write_signed([signed[key] for key in sorted(signed)])),
        ]
        to = [code for code in dict.fromkeys((*ballot.agencies, *ballot.told)) if code != self.code]
        return result, self._step(packet.RESULT, ballot, to, files, now)

    def remind(self, ballot: Ballot, now: datetime) -> list[Step]:
        """Reminders: to the agencies of members whose vote has not come; and, where a closed ballot waits for its
        opening, to the trustee's staff."""
        self._only(ballot.secretariat)
        there = _answered([one for _, one in self.votes(ballot)])
        missing = [seat for seat in ballot.seats if seat.person not in there]
        hours = max(0, int((now - ballot.due_at).total_seconds() // 3600))
        said = {"ballot": ballot.digest, "due_at": to_text(ballot.due_at), "overdue_hours": hours}
        steps = []
        if missing:
            files = values.written({**said, "whom": "members", "missing": [seat.person for seat in missing]})
            to = [code for code in dict.fromkeys(seat.agency for seat in missing) if code != self.code]
            steps += [self._step(packet.REMINDER, ballot, to, [(REMINDER, files)], now)] if to else []
        if hours and self._closings(ballot)[1] and not self.read(packet.OPENING, ballot.digest):
            files = values.written({**said, "whom": "staff", "missing": []})
            steps.append(self._step(packet.REMINDER, ballot, [ballot.trustee], [(REMINDER, files)], now))
        return steps

    def reminders(self, ballot: Ballot) -> list[dict[str, Any]]:
        """The secretariat's reminders of this ballot that are here: whom they remind, who is missing."""
        found = [one for _, one in self.read(packet.REMINDER, ballot.digest) if one.sender == ballot.secretariat]
        return [values.read(one.file(REMINDER), REMINDER).plain for one in found]

    # -- Questions -------------------------------------------------------------------------------------------------

    def status(self, held: Held, now: datetime) -> dict[str, Any]:
        """Where a ballot stands, as this agency can know it; at the secretariat whose votes have come, never what they
        say."""
        ballot = held.ballot
        there = [one for _, one in self.votes(ballot)]
        steps = {"closed": self._closings(ballot)[1]}
        steps |= {name: self.read(of, ballot.digest) for name, of in _STAGES}
        stage = next((name for name, found in reversed(list(steps.items())) if found), "open")
        voted = _answered(there)
        known = self.code == ballot.secretariat
        return {
            "ballot": ballot.digest[:12],
            "id": ballot.id,
            "subject": ballot.subject,
            "due_at": to_text(ballot.due_at),
            "stage": "overdue" if stage == "open" and now > ballot.due_at else stage,
            "members": len(ballot.seats),
            "votes": len(there),
            "missing": [one for one in ballot.members if one not in voted] if known else [],
            "reminders": len(self.reminders(ballot)),
        }

    def verify(self, held: Held) -> tuple[Result, list[Problem], list[tuple[str, Arrived]]]:
        """Count again from the parcels here; each difference, this agency's own votes that were left out among them;
        the parcels, by the names that docs/verify_ballot.py reads. Raises Rejected BALLOT_UNKNOWN without a result."""
        ballot = held.ballot
        published, _ = self._one(packet.RESULT, ballot, ballot.secretariat)
        result, found = recount.recount(held.arrived, published, self.registry)
        own = [(one, opened) for one, opened in self.read(packet.VOTE, ballot.digest) if opened.sender == self.code]
        found = [*found, *recount.dropped([(opened.digest, opened.accepted_at) for _, opened in own], result)]
        parcels = [("ballot", held.arrived), ("result", published)]
        return result, found, [*parcels, *((f"own-{n:03}", one) for n, (one, _) in enumerate(own, 1))]

    # -- Keys ------------------------------------------------------------------------------------------------------

    def _only(self, code: str) -> None:
        if self.code != code:
            raise rejected(Fault.AUTHZ_MISMATCH, self.code, code)

    def _person(self, holder: str) -> KeySigner:
        return keystore.load_signer(self._keys / PERSONS, holder)

    def _unsealed(self, sealed: Mapping[str, bytes], code: str, seal: str) -> dict[str, bytes]:
        """What lies in each envelope; b"" in one that does not open: its vote is invalid, and the others count."""
        key = keystore.load_signer(self._keys / SEALS, f"{code}.{seal[:16]}")
        found = {}
        for digest, data in sealed.items():
            try:
                found[digest] = cms.unseal(data, key) if data else b""
            except Rejected:
                found[digest] = b""
        return found


_STAGES = (("opened", packet.OPENING), ("published", packet.RESULT))


def _answered(votes: Sequence[Ballotted]) -> set[str]:
    """Whose votes seem to have come, as far as can be told of sealed ones: from his agency, or by a delegation."""
    return {one.cover.member for one in votes if one.act or one.sender == values.agency_of(one.cover.member)}


def as_json(result: Result) -> dict[str, Any]:
    """A result as it is printed: what it was counted by, the counts, what became of each vote, who has not voted."""
    return {
        "ballot": result.ballot.digest,
        "rule": result.ballot.rule,
        "tie": result.ballot.tie,
        "silence": result.ballot.silence,
        "questions": [
            {"no": one.number, "counts": dict(one.counts), "decided": one.option, "by": one.by, "silent": one.silent}
            for one in result.decided
        ],
        "votes": [
            {"vote": one.vote, "member": one.member, "verdict": one.verdict, "delegate": one.delegate}
            for one in result.votes
        ],
        "missing": list(result.missing),
    }


def verify_folder(folder: Path, hub: Certificate) -> tuple[Result, list[Problem]]:
    """The same from files, as :meth:`Office.verify` names them, by whoever has the hub's certificate."""

    def arrived(name: str) -> Arrived:
        return Arrived((folder / f"{name}.asice").read_bytes(), (folder / f"{name}.accepted.asice").read_bytes())

    registry = chain.read_registry((folder / "registry.asice").read_bytes(), hub)
    result, found = recount.recount(arrived("ballot"), arrived("result"), registry)
    own = []
    for path in sorted(folder.glob("own-*.accepted.asice")):
        opened = recount.open_arrived(arrived(path.name.removesuffix(".accepted.asice")), registry)
        own.append((opened.digest, opened.accepted_at))
    return result, [*found, *recount.dropped(own, result)]


def keep(folder: Path, registry: bytes, parcels: Sequence[tuple[str, Arrived]]) -> None:
    """The parcels as files, which whoever has them can count again."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "registry.asice").write_bytes(registry)
    for name, one in parcels:
        (folder / f"{name}.asice").write_bytes(one.parcel)
        (folder / f"{name}.accepted.asice").write_bytes(one.accepted)
