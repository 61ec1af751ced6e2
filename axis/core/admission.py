"""What the hub asks of a verified parcel before it accepts it. Pure: facts in, a judgement or Rejected out.

Order: whose it is, what it says, where it goes; facts that stand in the record come last (services/admit).
A refusal on circumstances (registry, order, what this axis serves) carries ``retry``; one that depends on
the bytes alone does not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from axis.core import edxml, lifecycle
from axis.core.edxml import Kind, Packet
from axis.errors import Fault, Problem, Rejected, rejected

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from axis.core.parcel import Parcel
    from axis.core.trust import Registry

MAX_RECIPIENTS = 1000  # 95 members and many of their units; a packet to all 120,000 units is no packet


@dataclass(frozen=True)
class Addressee:
    """One member to deliver to, with the organ ids addressed there. `closed`: it is closed and has no open
    successor, so the delivery fails at once."""

    code: str
    units: tuple[str, ...]
    closed: bool = False


@dataclass(frozen=True)
class Candidate:
    """A submission that may be accepted, if the record has no objection."""

    parcel: Parcel
    packet: Packet
    sender: str  # member code
    key: str
    addressees: tuple[Addressee, ...]


@dataclass(frozen=True)
class Original:
    """What the record knows of the delivery that a status speaks about."""

    axis_id: str
    recipient: str
    units: tuple[str, ...]
    business: dict[str, str]  # by unit


def judge(
    parcel: Parcel, queue: str, user_id: str | None, registry: Registry, now: datetime, skew: timedelta
) -> Candidate:
    """What `parcel`, taken from agency `queue`'s queue and published by `user_id`, asks for.

    Raises :class:`Rejected` with every finding of the first stage that has one.
    """
    if parcel.main != "document.edxml":
        raise rejected(Fault.PARCEL_ZIP, parcel.main, "document.edxml")
    if parcel.signer != queue or (user_id is not None and user_id != parcel.signer):
        raise rejected(Fault.AUTHZ_MISMATCH, parcel.signer, queue if parcel.signer != queue else user_id)
    if parcel.signing_time - now > skew:
        raise _circumstance(Fault.CLOCK_SKEW, parcel.signing_time.isoformat(), now.isoformat())
    packet = edxml.read_document(parcel.content, len(parcel.attachments))
    if errors := [p for p in edxml.check(packet) if p.severity == "error"]:
        raise Rejected(*errors)
    sender = registry.member_for(packet.sender.organ_id)
    if sender.code != parcel.signer:
        raise rejected(Fault.AUTHZ_MISMATCH, parcel.signer, packet.sender.organ_id, path="From/OrganId")
    if sender.standing(now) != "active":
        raise _circumstance(Fault.AGENCY_SUSPENDED, sender.code)
    if packet.kind is Kind.STATUS:
        return _judge_status(parcel, packet, sender.code, registry)
    if packet.kind is not Kind.NEW:
        raise _circumstance(Fault.KIND_UNSUPPORTED, packet.kind.value)
    key = f"document|{sender.code}|{packet.document_id}"
    return Candidate(parcel, packet, sender.code, key, _addressees(packet, registry, now))


def judge_report(candidate: Candidate, original: Original | None) -> str:
    """The business status of the reporting unit after a status 01-06 about `original`.

    Raises :class:`Rejected`: STATUS_UNKNOWN_DOCUMENT, STATUS_ILLEGAL, STATUS_NOT_OPEN.
    """
    packet = candidate.packet
    if original is None:
        raise _circumstance(Fault.STATUS_UNKNOWN_DOCUMENT, packet.response_for[0].document_id)
    if packet.status_code in {"15", "16"}:
        raise _circumstance(Fault.STATUS_NOT_OPEN, packet.status_code)
    current = original.business.get(packet.sender.organ_id, "")
    try:
        return lifecycle.climb(current, packet.status_code)
    except lifecycle.IllegalStepError:
        raise _circumstance(Fault.STATUS_ILLEGAL, packet.status_code, current) from None


def _judge_status(parcel: Parcel, packet: Packet, sender: str, registry: Registry) -> Candidate:
    if packet.status_code == "13":
        raise _circumstance(Fault.KIND_UNSUPPORTED, "status 13")
    about = packet.response_for[0]
    to = _located(registry, about.organ_id, "ResponseFor/OrganId")
    # Another time or text is a repetition, not another status; 0 stands where a recall's or update's number will.
    key = f"status|{packet.sender.organ_id}|{to}|{about.document_id}|{packet.status_code}|0"
    return Candidate(parcel, packet, sender, key, (Addressee(to, (about.organ_id,)),))


def _located(registry: Registry, organ_id: str, path: str) -> str:
    try:
        return registry.member_for(organ_id).code
    except Rejected as error:
        raise Rejected(*(_at(p, path) for p in error.problems)) from None


def _at(problem: Problem, path: str) -> Problem:
    return replace(problem, path=path, retry=problem.fault is Fault.AGENCY_UNKNOWN)


def _addressees(packet: Packet, registry: Registry, now: datetime) -> tuple[Addressee, ...]:
    """Each member to deliver to, once, with its units. One bad address refuses the whole packet."""
    if len(packet.recipients) > MAX_RECIPIENTS:
        raise rejected(Fault.PARCEL_LIMIT, f"{len(packet.recipients)} recipients", MAX_RECIPIENTS, path="To")
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
        walked = {member.code}
        while member.standing(now) == "closed" and member.successor in registry.by_code:
            member = registry.by_code[member.successor]
            if member.code in walked:
                break
            walked.add(member.code)
        if member.standing(now) == "closed":
            closed.add(member.code)
        units.setdefault(member.code, []).append(organ.organ_id)
    if problems:
        raise Rejected(*problems)
    return tuple(Addressee(code, tuple(organ_ids), code in closed) for code, organ_ids in units.items())


def _circumstance(fault: Fault, got: object = "", expected: object = "") -> Rejected:
    return Rejected(Problem(fault, got=str(got), expected=str(expected), retry=True))


def named(packet: Packet) -> str:
    """The DocumentId that a submission is recorded under: a status by the document it speaks of."""
    return (
        packet.response_for[0].document_id if packet.kind is Kind.STATUS and packet.response_for else packet.document_id
    )


def describe(parcel: Parcel | None) -> tuple[str, str]:
    """(kind, DocumentId) of a verified parcel for a refusal; empty where there is no readable document."""
    if parcel is None or parcel.main != "document.edxml":
        return "", ""
    try:
        packet = edxml.read_document(parcel.content, len(parcel.attachments))
    except Rejected:
        return "", ""
    return packet.kind.value, named(packet)
