"""What a recall, an update or a replacement does, given what the record knows of the document. Pure.

The rules of QĐ 28/2018 (Art. 8.2, 9.2) and NĐ 30/2020 (Art. 18.3, 18.4b) as the packets of edXML express them: only the
sender may, the document must be known, who is named must have been sent it. Who may and what is known depends on the
order in which things arrive, so each of these refusals carries ``retry``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core import organ
from axis.core.hub.admission import Addressee, Candidate
from axis.core.hub.lifecycle import Stage
from axis.errors import Fault, Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from axis.core.registry import Registry


@dataclass(frozen=True)
class Recipient:
    """A member that a document was sent to: the units addressed there, and how far a recall is with them, if there
    was one."""

    code: str
    units: tuple[str, ...]
    recall: Stage | None = None

    @property
    def is_recalled(self) -> bool:
        """A recall was asked for, and not refused: the document is no longer this member's to work with."""
        return self.recall is not None and self.recall is not Stage.DECLINED


@dataclass(frozen=True)
class Update:
    """What an update does: who gets the new version, who gets the document for the first time, whose is taken back."""

    kept: tuple[Addressee, ...]
    added: tuple[Addressee, ...]
    removed: tuple[Addressee, ...]


@dataclass(frozen=True)
class Places:
    """Where agencies are reached: the registry at a moment, and whether the mail of a closed one goes to its
    successor."""

    registry: Registry
    at: datetime
    follow: bool

    def addressee(self, recipient: Recipient, more: Collection[str] = ()) -> Addressee:
        """Where what changes this recipient's document goes; `more` units of it have it from now on."""
        units = tuple(dict.fromkeys((*recipient.units, *more)))
        return self.reached(recipient.code, units, recipient.code)

    def reached(self, code: str, units: Collection[str], holder: str = "") -> Addressee:
        """Where the mail of member `code` goes."""
        to = self.registry.open_successor(code, self.at) if self.follow else code
        closed = self.registry.by_code[to].standing(self.at) == "closed"
        return Addressee(to, tuple(units), closed, holder)

    def holders(self, organ_ids: Iterable[str], known: Mapping[str, Recipient]) -> dict[str, list[str]]:
        """(organ ids by the member of `known` that is meant by them): their own member, whoever has its mail, or whose
        mail it has. Under its own code what is none of them."""
        found: dict[str, list[str]] = {}
        for organ_id in organ_ids:
            own = self.registry.member_for(organ_id).code
            maybe = (own, self.registry.open_successor(own, self.at))
            here = next((code for code in maybe if code in known), "")
            before = [code for code in self.registry.predecessors(own, self.at) if code in known]
            for code in [here] if here else before or [own]:
                found.setdefault(code, []).append(organ_id)
        return found

    def whole(self, recipient: Recipient, organ_ids: Collection[str]) -> None:
        """Raises :class:`Rejected` UNITS_TOGETHER unless `organ_ids` speak for every unit that has the document there:
        they have one parcel together."""
        left = [u for u in recipient.units if not any(self._covers(organ_id, u) for organ_id in organ_ids)]
        if left:
            named, others = ", ".join(organ_ids), ", ".join(left)
            raise Rejected(Problem(Fault.UNITS_TOGETHER, got=named, expected=others, retry=True))

    def _covers(self, organ_id: str, unit: str) -> bool:
        registry = self.registry
        above = registry.canonical(organ_id) in organ.ancestors(registry.canonical(unit))
        return above or registry.member_for(organ_id) != registry.member_for(unit)


def plan_recall(
    candidate: Candidate, known: Mapping[str, Recipient], asked: Collection[str], places: Places
) -> tuple[Addressee, ...]:
    """The members of which this recall is the first to ask; `asked`: those that an earlier one named. Empty: it says
    nothing new. `known` is empty for a document that has not come yet: the recall waits for it.

    Raises :class:`Rejected`: RECIPIENT_UNKNOWN for a member that was not sent the document, UNITS_TOGETHER.
    """
    if not known:
        return tuple(a for a in candidate.addressees if a.code not in asked)
    named = places.holders(candidate.packet.addressed, known)
    _refuse(Fault.RECIPIENT_UNKNOWN, (code for code in named if code not in known))
    for code, organ_ids in named.items():
        places.whole(known[code], organ_ids)
    return tuple(places.addressee(known[code]) for code in named if code not in asked)


def plan_update(candidate: Candidate, known: Mapping[str, Recipient], places: Places) -> Update:
    """What this update does. Raises :class:`Rejected`: DOCUMENT_UNKNOWN, RECIPIENT_UNKNOWN, DOCUMENT_RECALLED,
    UNITS_TOGETHER."""
    packet = candidate.packet
    if not known:
        raise Rejected(Problem(Fault.DOCUMENT_UNKNOWN, got=packet.target, retry=True))
    if all(recipient.is_recalled for recipient in known.values()):
        _refuse(Fault.DOCUMENT_RECALLED, known)
    named = places.holders(packet.addressed, known)
    added = places.holders((organ_id for organ_id, is_added in packet.receivers if is_added), known)
    removed = places.holders((organ_id for organ_id, is_added in packet.receivers if not is_added), known)
    _refuse(Fault.RECIPIENT_UNKNOWN, [code for code in removed if code not in known])
    _refuse(Fault.RECIPIENT_UNKNOWN, [code for code in named if code not in known and code not in added])
    for code, organ_ids in removed.items():
        places.whole(known[code], organ_ids)
        if code in added:
            named_too = ", ".join(added[code])
            raise Rejected(Problem(Fault.UNITS_TOGETHER, got=", ".join(organ_ids), expected=named_too, retry=True))
    # Where the document is already, another unit has it with the update: its member's system shows both.
    extended = {code: organ_ids for code, organ_ids in added.items() if code in known}
    kept = [code for code in named if code in known and code not in removed] if packet.changes_content else []
    kept += [code for code in extended if code not in kept]
    recalled = [c for c in known if (c in named or c in added) and c not in removed and known[c].is_recalled]
    _refuse(Fault.DOCUMENT_RECALLED, recalled)
    return Update(
        tuple(places.addressee(known[code], extended.get(code, ())) for code in kept),
        tuple(places.reached(code, named.get(code) or added[code]) for code in added if code not in known),
        tuple(places.addressee(known[code]) for code in removed if not known[code].is_recalled),
    )


def plan_replacement(
    candidate: Candidate, known: Mapping[str, Mapping[str, Recipient]], places: Places
) -> tuple[tuple[Addressee, ...], dict[str, tuple[str, ...]]]:
    """(who gets the new document: its own recipients and those that hold a replaced one; for each replaced document
    the members that are asked to put it aside).

    Raises :class:`Rejected`: DOCUMENT_UNKNOWN, RECIPIENT_UNKNOWN.
    """
    problems: list[Problem] = []
    recipients = {a.code: a for a in candidate.addressees}
    asked: dict[str, tuple[str, ...]] = {}
    for document_id, organ_ids in candidate.packet.replaced:
        had = known.get(document_id)
        if not had:
            problems.append(Problem(Fault.DOCUMENT_UNKNOWN, "ReplacementInfoList", got=document_id, retry=True))
            continue
        codes = places.holders(organ_ids, had)
        problems += _unknown(Fault.RECIPIENT_UNKNOWN, (code for code in codes if code not in had))
        holders = [places.addressee(had[code]) for code in codes if code in had and not had[code].is_recalled]
        asked[document_id] = tuple(dict.fromkeys(one.code for one in holders))
        for one in holders:
            recipients.setdefault(one.code, one)
    if problems:
        raise Rejected(*problems)
    return tuple(recipients.values()), asked


def _unknown(fault: Fault, codes: Iterable[str]) -> list[Problem]:
    return [Problem(fault, got=code, retry=True) for code in codes]


def _refuse(fault: Fault, codes: Iterable[str]) -> None:
    if problems := _unknown(fault, codes):
        raise Rejected(*problems)
