"""Where business objects stand, as the documents say that speak of them: a step that is not legal is refused.

Who speaks of an object first has begun it; it is his, and nobody's else under the same key. A step of another counts
where it goes to him and its sender has had a document of it: nobody moves, or holds up, what he has no part in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from axis.core.edxml import Kind
from axis.core.hub.dossier import Standing
from axis.core.instant import from_text, to_text
from axis.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.core.hub.acceptance import Accepted, Work
    from axis.core.hub.admission import Candidate
    from axis.core.hub.dossier import Document

_SPEAK = frozenset({Kind.NEW, Kind.REPLACE, Kind.UPDATE})


def object_of(candidate: Candidate | None) -> Document | None:
    """What the object is known by that this speaks of; None for most. It is locked as documents are."""
    if candidate is None or candidate.kind not in _SPEAK or candidate.typed is None or candidate.typed.told is None:
        return None
    return candidate.typed.told.object


def step(work: Work) -> Standing | None:
    """How the object stands after this document; None where it speaks of none. Raises :class:`~axis.errors.Rejected`
    TYPE_MOVE, TYPE_BEFORE.

    1 whose object it is: its sender's own, or one of somebody to whom it goes
    2 what may have been accepted before the record was put back is not judged, and leads no object back
    3 nor is a step from where an object stood before that: some may be missing
    4 the step is legal, or refused; it may be legal later
    """
    candidate = work.candidate
    place = object_of(candidate)
    if place is None or candidate.typed is None or candidate.typed.told is None:
        return None
    told, parties = candidate.typed.told, {work.sender, *(one.code for one in candidate.addressees)}
    known = _whose(work, work.draft.standing(place))  # 1
    signed, lost_until = candidate.parcel.signing_time, work.draft.rules.lost_until
    owner, before = (known.owner, known.state) if known is not None else (work.sender, "")
    parties |= set(known.parties) if known is not None else set()
    after = Standing(place, owner, told.state, tuple(sorted(parties)), to_text(signed), to_text(work.now))
    if work.is_sent_again:  # 2
        is_older = known is not None and signed <= from_text(known.said_at)
        return replace(known, parties=after.parties) if is_older and known is not None else after
    is_sure = lost_until is None or (known is not None and from_text(known.changed_at) > lost_until)  # 3
    if is_sure and (problem := told.judge(before, is_known=known is not None)) is not None:  # 4
        raise Rejected(replace(problem, retry=True))
    return after


def note(work: Work, accepted: Accepted, after: Standing | None) -> None:
    """The object stands so since this was accepted."""
    if after is not None:
        work.draft.stand(after, accepted.entry)


def _whose(work: Work, rows: Sequence[Standing]) -> Standing | None:
    """The object that is meant, of those with one key."""

    def is_at(code: str, member: str) -> bool:
        return code in {member, work.draft.rules.mailbox(member, work.now)}

    own = [one for one in rows if is_at(work.sender, one.owner)]
    goes_to = [one.code for one in work.candidate.addressees]
    others = [
        one
        for one in rows
        if any(is_at(code, one.owner) for code in goes_to) and any(is_at(work.sender, party) for party in one.parties)
    ]
    return min(own or others, key=lambda one: one.owner, default=None)
