"""What an agency answers to a recall or an update of a document, from the states that its journal has of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from axis.core.hub import lifecycle
from axis.errors import Fault, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from axis.core.edxml import Packet
    from axis.core.receipt import Statement
    from axis.core.registry import Registry


class Seen(Enum):
    """What the agency's own system knows of a document."""

    HAS_IT = "it was shown, or is being shown for certain"
    MAY_HAVE_IT = "it was shown and has not answered, or nobody can tell"
    REFUSED_IT = "it was refused here"
    NEVER = "it was not shown, and need not be"


def seen(states: Collection[str]) -> Seen:
    """What the states of a document and its updates tell."""
    if not {"handing_over", "handed_over"}.isdisjoint(states):
        return Seen.HAS_IT
    if not {"shown", "doubted"}.isdisjoint(states):
        return Seen.MAY_HAVE_IT
    return Seen.REFUSED_IT if "refused" in states else Seen.NEVER


@dataclass(frozen=True)
class Refusal:
    """Why a document is not withdrawn: a W.2. Its event in the journal; what becomes of the request ("received": a
    clerk sees it; "done": nobody does)."""

    problem: Problem
    event: str
    state: str


def refusal(known: Seen, reported: Callable[[], str], unseen: str) -> Refusal | None:
    """None: it can still be withdrawn, with a W.1. `reported`: the highest business status that was reported about it,
    asked where it is said. `unseen`: what becomes of a request that nothing is to be done about."""
    if known is Seen.HAS_IT:
        return Refusal(Problem(Fault.RECALL_LATE, got=reported()), "recall.too_late", "received")
    if known is Seen.MAY_HAVE_IT:
        return Refusal(Problem(Fault.RECALL_SHOWN), "recall.too_late", "received")
    if known is Seen.REFUSED_IT:
        return Refusal(Problem(Fault.RECALL_VOID), "recall.void", unseen)
    return None


def highest(codes: Iterable[str]) -> str:
    """The highest of these business statuses about a document that was handed over; replies to recalls are none."""
    return max((code for code in codes if code <= "06"), default=lifecycle.ARRIVED)


def is_own(organ_id: str, agency: str, registry: Registry) -> bool:
    """Whether this OrganId is the agency or one of its units."""
    return registry.member_for(organ_id).code == agency


def removes(packet: Packet, agency: str, registry: Registry) -> bool:
    """Whether an update takes the document back from this agency."""
    return any(not added and is_own(organ_id, agency, registry) for organ_id, added in packet.receivers)


def needs_original(packet: Packet, agency: str, registry: Registry) -> bool:
    """Whether an update says nothing to this agency without the document. For whom it adds, it is the document."""
    if any(added and is_own(organ_id, agency, registry) for organ_id, added in packet.receivers):
        return False
    return any(is_own(organ.organ_id, agency, registry) for organ in packet.recipients)


def asks_for_others(accepted: Statement, agency: str, registry: Registry) -> bool:
    """Whether a recall is also about what agencies had that this one has succeeded: A.1 names them beside it."""
    return bool(set(accepted.recipients) & set(registry.predecessors(agency, accepted.time)))
