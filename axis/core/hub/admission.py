"""What the hub asks of a verified parcel before it accepts it. Pure: facts in, a judgement or Rejected out.

Order: whose it is, what it says, where it goes; facts that stand in the record come last (services/hub/admit.py).
A refusal on circumstances (registry, order, what this axis serves) carries ``retry``; one that depends on
the bytes alone does not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from axis.core import edxml
from axis.core.edxml import Kind, Packet, grammar
from axis.core.edxml.values import day_of
from axis.core.hub import lifecycle
from axis.core.instant import VIETNAM
from axis.core.types.typeset import of_document
from axis.errors import Fault, Problem, Rejected, rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from axis.core.parcel import Parcel
    from axis.core.registry import Member, Registry
    from axis.core.types.typeset import Typed, Types

MAX_NAMED = grammar.MAX_SAME  # agencies in all the lists of a replacement together
CHANGES_A_DAY = 50  # of one document: each recall and each update goes to all that have it
MAX_REPORTERS = 200  # units of one recipient that may report on one document
MAX_SHOWN = 200  # characters of a refused packet's DocumentId, as in a receipt (core/receipt.py)


@dataclass(frozen=True)
class Addressee:
    """One member to deliver to, with the organ ids addressed there. `closed`: it is closed and has no open
    successor, so the delivery fails at once. `holder`: of a change, whose delivery of the document it is about; another
    than `code` where that one is closed and `code` has its mail now."""

    code: str
    units: tuple[str, ...]
    closed: bool = False
    holder: str = ""


@dataclass(frozen=True)
class Candidate:
    """A submission that may be accepted, if the record has no objection.

    `key` is what a repetition is known by; of a recall, and of an answer to a change, it is the part before the number
    that the record gives.
    """

    parcel: Parcel
    packet: Packet
    sender: str  # member code
    key: str
    addressees: tuple[Addressee, ...]
    documents: tuple[tuple[str, str], ...]  # (who sent it, DocumentId) of every document that it makes or changes
    typed: Typed | None = None  # what its document type says of it

    @property
    def owner(self) -> str:
        """Who sent the document that it is, changes, or speaks of."""
        return self.documents[0][0]

    @property
    def kind(self) -> Kind:
        """What it is recorded as: a recall in either form is a recall."""
        return Kind.RECALL if self.packet.is_recall else self.packet.kind

    def may_be_older_than(self, moment: datetime) -> bool:
        """Whether it, or what it is about, may have been sent before `moment`, by its sender's own times. The signature
        alone does not tell: the same content may have been signed again since. What has no date may be of any time."""
        return may_be_older(self.packet, self.parcel.signing_time, moment)

    @property
    def is_reply(self) -> bool:
        """Whether it is 15 or 16: the answer to a recall, an update or a replacement."""
        return self.kind is Kind.STATUS and self.packet.status_code in {lifecycle.AGREED, lifecycle.DECLINED}


# What a record may find wrong only because it has lost something: the document, its recipient, what was asked of whom.
_BY_ABSENCE = frozenset(
    {
        Fault.DOCUMENT_UNKNOWN,
        Fault.DOCUMENT_RECALLED,
        Fault.RECIPIENT_UNKNOWN,
        Fault.STATUS_UNKNOWN_DOCUMENT,
        Fault.STATUS_NOT_OPEN,
    }
)


def is_by_absence(problems: Sequence[Problem]) -> bool:
    """Whether each of these says that something is not in the record: that somebody else has sent a document is said
    only where its sender's own is not there."""
    foreign = (Fault.AUTHZ_MISMATCH, "DocumentId")
    return all(one.fault in _BY_ABSENCE or (one.fault, one.path) == foreign for one in problems)


def may_be_older(packet: Packet, signed_at: datetime, moment: datetime) -> bool:
    """See :meth:`Candidate.may_be_older_than`."""
    issued = [packet.promulgation_date or "", *(one.promulgation_date for one in packet.response_for)]
    days = [day_of(text) for text in issued if text]
    if not days or None in days:
        return True
    return min(signed_at, *_midnights(days)) <= moment


def _midnights(days: Iterable[date | None]) -> list[datetime]:
    return [datetime.combine(day, time(), VIETNAM) for day in days if day is not None]


@dataclass(frozen=True)
class Original:
    """What the record knows of the delivery that a status speaks about."""

    state: lifecycle.State
    business: str  # of who reports
    reporters: int = 0  # units that have reported on it


@dataclass(frozen=True)
class Asked:
    """A recall, update or replacement that a delivery's units were asked to carry out."""

    number: int
    demand: lifecycle.Demand
    stages: dict[str, lifecycle.Stage]  # by unit


def judge_answer(
    candidate: Candidate, asked: Sequence[Asked], registry: Registry
) -> tuple[Asked, dict[str, lifecycle.Stage]]:
    """What a status 15 or 16 answers, and the stage of each unit that it speaks for after it: a recall if one waits,
    otherwise the oldest that waits. A unit speaks for itself, the member for every unit addressed.

    Raises :class:`Rejected` STATUS_NOT_OPEN when nothing waits for this unit's answer.
    """
    unit, code = candidate.packet.sender.organ_id, candidate.packet.status_code
    turn = lifecycle.Turn.AGREED if code == lifecycle.AGREED else lifecycle.Turn.DECLINED
    for one in sorted(asked, key=lambda a: (a.demand is not lifecycle.Demand.RECALL, a.number)):
        waiting = [
            name for name, stage in one.stages.items() if stage in lifecycle.WAITING and registry.speaks_for(unit, name)
        ]
        if waiting:
            return one, {name: lifecycle.turn(one.stages[name], turn) for name in waiting}
    raise _circumstance(Fault.STATUS_NOT_OPEN, code)


def judge(
    parcel: Parcel,
    queue: str,
    user_id: str | None,
    registry: Registry,
    now: datetime,
    skew: timedelta,
    follow_successors: bool = True,
    types: Types | None = None,
    *,
    refuses_unknown: bool = False,
) -> Candidate:
    """What `parcel`, taken from agency `queue`'s queue and published by `user_id`, asks for.

    `types`: the document types that it is judged by; an unknown one is a plain document unless `refuses_unknown`.
    Raises :class:`Rejected` with every finding of the first stage that has one.
    """
    if parcel.main != "document.edxml":
        raise rejected(Fault.PARCEL_ZIP, parcel.main, "document.edxml")
    if parcel.signer != queue or (user_id is not None and user_id != parcel.signer):
        raise rejected(Fault.AUTHZ_MISMATCH, parcel.signer, queue if parcel.signer != queue else user_id)
    if parcel.signing_time - now > skew:
        raise _circumstance(Fault.CLOCK_SKEW, parcel.signing_time.isoformat(), now.isoformat())
    packet, findings = edxml.read_and_check(parcel)
    if errors := [p for p in findings if p.severity == "error"]:
        raise Rejected(*errors)
    sender = registry.member_for(packet.sender.organ_id)
    if sender.code != parcel.signer:
        raise rejected(Fault.AUTHZ_MISMATCH, parcel.signer, packet.sender.organ_id, path="From/OrganId")
    if sender.standing(now) != "active":
        raise may_not_send(sender, now)
    if packet.kind is Kind.STATUS:
        return _judge_status(parcel, packet, sender.code, registry, now)
    owner = sender.code
    if packet.kind in {Kind.RECALL, Kind.UPDATE}:  # also of what an agency had sent that it has succeeded
        owner = registry.author(packet.target, sender.code, now)
    if packet.kind is Kind.RECALL:
        key = f"recall|{owner}|{packet.target}"
    elif packet.kind is Kind.UPDATE:
        key = f"update|{owner}|{packet.target}|{parcel.content_digest}"
    else:
        key = f"document|{sender.code}|{packet.document_id}"
    named = _named_in_bussiness(packet)
    if len(named) > MAX_NAMED or len(packet.replaced) > MAX_NAMED:
        raise rejected(Fault.PARCEL_LIMIT, f"{len(named)} agencies", MAX_NAMED, path="TraceHeaderList/Bussiness")
    for organ_id, path in named:
        _located(registry, organ_id, path)
    addressees = _addressees(packet, registry, now, follow_successors=follow_successors)
    typed = of_document(types, packet, registry, parcel.attachments, is_hub=True, refuses_unknown=refuses_unknown)
    if typed is not None and typed.findings:  # by another type, or another version of it, it may be good
        raise Rejected(*(replace(problem, retry=True) for problem in typed.findings))
    replaced = packet.replaced if packet.kind is Kind.REPLACE else ()
    others = ((registry.author(document_id, sender.code, now), document_id) for document_id, _ in replaced)
    return Candidate(parcel, packet, sender.code, key, addressees, ((owner, packet.target), *others), typed)


def _named_in_bussiness(packet: Packet) -> list[tuple[str, str]]:
    """(OrganId, where) of the agencies that an update or replacement names beside its recipients."""
    where = "TraceHeaderList/Bussiness/"
    if packet.kind is Kind.UPDATE:
        return [(i, f"{where}BussinessDocumentInfo/ReceiverList") for i, _ in packet.receivers]
    if packet.kind is Kind.REPLACE:
        return [(i, f"{where}ReplacementInfoList") for _, organ_ids in packet.replaced for i in organ_ids]
    return []


def judge_pace(candidate: Candidate, earlier: datetime | None, now: datetime) -> None:
    """Raises :class:`Rejected` CHANGES_TOO_OFTEN for a recall or update of a document that had CHANGES_A_DAY of them
    within a day; `earlier`: when the first of the last so many was accepted."""
    if earlier is not None and now - earlier < timedelta(days=1):
        raise _circumstance(Fault.CHANGES_TOO_OFTEN, candidate.packet.target, CHANGES_A_DAY)


def judge_report(candidate: Candidate, original: Original | None) -> str:
    """The business status of the reporting unit after a status 01-06 about `original`.

    Raises :class:`Rejected`: STATUS_UNKNOWN_DOCUMENT, STATUS_ILLEGAL, REPORTERS_TOO_MANY.
    """
    packet = candidate.packet
    if original is None:
        raise _circumstance(Fault.STATUS_UNKNOWN_DOCUMENT, packet.target)
    if original.state is lifecycle.State.RECALLED:
        raise _circumstance(Fault.STATUS_ILLEGAL, packet.status_code, original.state.value)
    if not original.business and original.reporters >= MAX_REPORTERS:
        raise _circumstance(Fault.REPORTERS_TOO_MANY, packet.target, MAX_REPORTERS)
    try:
        return lifecycle.climb(original.business, packet.status_code)
    except lifecycle.IllegalStepError:
        raise _circumstance(Fault.STATUS_ILLEGAL, packet.status_code, original.business) from None


def misaddressed(packet: Packet, registry: Registry, sender: str) -> list[Problem]:
    """What agency `sender` can know beforehand that the hub would say to this packet's addresses: a From that is not
    its own, recipients that nobody knows, each with its path."""
    problems: list[Problem] = []
    where = "ResponseFor" if packet.kind is Kind.STATUS else "To"
    paths = [("From/OrganId", packet.sender.organ_id)]
    paths += [(f"{where}[{number}]/OrganId", organ_id) for number, organ_id in enumerate(packet.addressed, 1)]
    for path, organ_id in paths:
        try:
            code = registry.member_for(organ_id).code
        except Rejected as error:
            problems += [Problem(p.fault, path, p.expected, p.got) for p in error.problems]
            continue
        if path.startswith("From") and code != sender:
            problems.append(Problem(Fault.AUTHZ_MISMATCH, path, organ_id, sender))
    return problems


def _judge_status(parcel: Parcel, packet: Packet, sender: str, registry: Registry, now: datetime) -> Candidate:
    about = packet.response_for[0]
    to = _located(registry, about.organ_id, "ResponseFor/OrganId")
    owner = registry.author(packet.target, sender, now) if packet.is_recall else to
    if packet.is_recall:
        key = f"recall|{owner}|{packet.target}"
    else:  # another time or text is a repetition, not another status
        key = f"status|{packet.sender.organ_id}|{to}|{about.document_id}|{packet.status_code}"
        key += "" if packet.status_code in {lifecycle.AGREED, lifecycle.DECLINED} else "|0"
    # A document of an agency that is closed now is recorded under its code; what is said of it goes to its successor.
    here = registry.open_successor(to, now)
    closed = registry.by_code[here].standing(now) == "closed"
    return Candidate(
        parcel, packet, sender, key, (Addressee(here, (about.organ_id,), closed),), ((owner, packet.target),)
    )


def _located(registry: Registry, organ_id: str, path: str) -> str:
    try:
        return registry.member_for(organ_id).code
    except Rejected as error:
        raise Rejected(*(_at(p, path) for p in error.problems)) from None


def _at(problem: Problem, path: str) -> Problem:
    return replace(problem, path=path, retry=problem.fault is Fault.AGENCY_UNKNOWN)


def _addressees(packet: Packet, registry: Registry, now: datetime, *, follow_successors: bool) -> tuple[Addressee, ...]:
    """Each member to deliver to, once, with its units; of a closed one its successor, if that is the policy. One bad
    address refuses the whole packet."""
    problems: list[Problem] = []
    units: dict[str, list[str]] = {}
    closed: set[str] = set()
    seen: set[str] = set()
    for number, organ in enumerate(packet.recipients, 1):
        path = f"To[{number}]/OrganId"
        if organ.organ_id in seen:
            problems.append(Problem(Fault.PACKET_REPEATED, path, got=organ.organ_id))
        seen.add(organ.organ_id)
        try:
            member = registry.member_for(organ.organ_id)
        except Rejected as error:
            problems += [_at(p, path) for p in error.problems]
            continue
        code = registry.open_successor(member.code, now) if follow_successors else member.code
        if registry.by_code[code].standing(now) == "closed":
            closed.add(code)
        units.setdefault(code, []).append(organ.organ_id)
    if problems:
        raise Rejected(*problems)
    return tuple(Addressee(code, tuple(organ_ids), code in closed) for code, organ_ids in units.items())


def may_not_send(sender: Member, now: datetime) -> Rejected:
    """Why an agency that is not active is not heard: it is closed for good, or suspended for a while."""
    if sender.valid_until is not None and sender.valid_until <= now:
        return rejected(Fault.AGENCY_ENDED, sender.code, sender.ended)
    return _circumstance(Fault.AGENCY_SUSPENDED, sender.code)


def _circumstance(fault: Fault, got: object = "", expected: object = "") -> Rejected:
    return Rejected(Problem(fault, got=str(got), expected=str(expected), retry=True))


def describe(parcel: Parcel | None) -> tuple[str, str]:
    """(kind, DocumentId) of a verified parcel for a refusal; empty where there is no readable document."""
    if parcel is None or parcel.main != "document.edxml":
        return "", ""
    try:
        packet = edxml.read_parcel(parcel)
    except Rejected:
        return "", ""
    return packet.kind.value, packet.target_as_written[:MAX_SHOWN]
