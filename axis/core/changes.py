"""What a recall, an update or a replacement does, given what the record knows of the document. Pure.

The rules of QĐ 28/2018 (Art. 8.2, 9.2) and NĐ 30/2020 (Art. 18.3, 18.4b) as the packets of edXML express them: only the
sender may, the document must be known, who is named must have been sent it. Who may and what is known depends on the
order in which things arrive, so each of these refusals carries ``retry``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core.admission import Addressee, Candidate
from axis.core.lifecycle import Stage
from axis.errors import Fault, Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from axis.core.trust import Registry


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


def plan_recall(candidate: Candidate, known: Mapping[str, Recipient], asked: Collection[str]) -> tuple[Addressee, ...]:
    """The members of which this recall is the first to ask; `asked`: those that an earlier one named. Empty: it says
    nothing new. `known` is empty for a document that has not come yet: the recall waits for it.

    Raises :class:`Rejected` RECIPIENT_UNKNOWN for a member that was not sent the document.
    """
    if known:
        _refuse(Fault.RECIPIENT_UNKNOWN, (a.code for a in candidate.addressees if a.code not in known))
    return tuple(
        Addressee(a.code, known[a.code].units if known else a.units, a.closed)
        for a in candidate.addressees
        if a.code not in asked
    )


def plan_update(candidate: Candidate, known: Mapping[str, Recipient], registry: Registry) -> Update:
    """What this update does. Raises :class:`Rejected`: DOCUMENT_UNKNOWN, RECIPIENT_UNKNOWN, DOCUMENT_RECALLED."""
    packet = candidate.packet
    if not known:
        raise Rejected(Problem(Fault.DOCUMENT_UNKNOWN, got=packet.target, retry=True))
    if all(recipient.is_recalled for recipient in known.values()):
        _refuse(Fault.DOCUMENT_RECALLED, known)
    named: dict[bool, dict[str, list[str]]] = {True: {}, False: {}}
    for organ_id, is_added in packet.receivers if packet.changes_receivers else ():
        named[is_added].setdefault(registry.member_for(organ_id).code, []).append(organ_id)
    added, removed = named[True], named[False]
    to = {a.code: a for a in candidate.addressees}
    _refuse(Fault.RECIPIENT_UNKNOWN, [c for c in removed if c not in known])
    _refuse(Fault.RECIPIENT_UNKNOWN, [c for c in to if c not in known and c not in added])
    kept = [code for code in to if code in known and code not in removed]
    new = [code for code in added if code not in known]
    _refuse(Fault.DOCUMENT_RECALLED, [code for code in known if code in {*kept, *added} and known[code].is_recalled])
    return Update(
        tuple(Addressee(code, known[code].units) for code in kept) if packet.changes_content else (),
        tuple(to.get(code) or Addressee(code, tuple(added[code])) for code in new),
        tuple(Addressee(code, known[code].units) for code in removed if not known[code].is_recalled),
    )


def plan_replacement(
    candidate: Candidate, known: Mapping[str, Mapping[str, Recipient]], registry: Registry
) -> tuple[tuple[Addressee, ...], dict[str, tuple[str, ...]]]:
    """(who gets the new document: its own recipients and those that hold a replaced one; for each replaced document
    the members that are asked to put it aside).

    Raises :class:`Rejected`: DOCUMENT_UNKNOWN, RECIPIENT_UNKNOWN.
    """
    problems: list[Problem] = []
    recipients = {a.code: a for a in candidate.addressees}
    holders: dict[str, tuple[str, ...]] = {}
    for document_id, organ_ids in candidate.packet.replaced:
        had = known.get(document_id)
        if not had:
            problems.append(Problem(Fault.DOCUMENT_UNKNOWN, "ReplacementInfoList", got=document_id, retry=True))
            continue
        codes = {registry.member_for(organ_id).code: organ_id for organ_id in organ_ids}
        problems += _unknown(Fault.RECIPIENT_UNKNOWN, (code for code in codes if code not in had))
        holders[document_id] = tuple(code for code in codes if code in had and not had[code].is_recalled)
        for code in holders[document_id]:
            recipients.setdefault(code, Addressee(code, had[code].units))
    if problems:
        raise Rejected(*problems)
    return tuple(recipients.values()), holders


def _unknown(fault: Fault, codes: Iterable[str]) -> list[Problem]:
    return [Problem(fault, got=code, retry=True) for code in codes]


def _refuse(fault: Fault, codes: Iterable[str]) -> None:
    if problems := _unknown(fault, codes):
        raise Rejected(*problems)
