"""Business statuses: what a recipient's clerks report of a document (01-06), and their answers to what was asked (15,
16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core.hub import acceptance, admission, deadlines, lifecycle, recalls
from axis.core.hub.admission import Asked, Original
from axis.core.hub.dossier import Together
from axis.core.hub.lifecycle import Demand, Stage, State
from axis.core.hub.terms import Leg
from axis.core.ledger import Entry
from axis.errors import Fault, Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.core.hub.acceptance import Work
    from axis.core.hub.dossier import Delivery, Demanded


def status(work: Work) -> None:
    """A status 01-06.

    1 what took its key is answered again
    2 the delivery that it speaks of, and whether it may say that now
    3 accepted: in silence what E.1 has said already, and what is about a document that was taken back
    4 passed on to the sender of the document; what was waited for may have happened with it
    """
    if work.candidate.is_reply:
        _reply(work)
        return
    if acceptance.is_answered(work, work.candidate.key):  # 1
        return
    packet, draft, now = work.candidate.packet, work.draft, work.now
    row = next(iter(_delivered_to(work)), None)
    unit = _reporting(work, row)
    known = draft.reported(row.id, (unit,))[unit] if row is not None else ""
    original = Original(row.state, known, row.reporters) if row is not None else None
    climbed = admission.judge_report(work.candidate, original)  # 2
    assert row is not None  # noqa: S101  judge_report refuses None
    # E.1 had said it already, for the member; that a unit below it has the document is the unit's own word.
    is_member = draft.rules.registry.canonical(packet.sender.organ_id) == work.sender
    said = packet.status_code == lifecycle.ARRIVED and bool(known) and is_member
    silent = said or recalls.is_taken_back(row, draft.recalls(row.id))
    to = () if silent else work.candidate.addressees
    accepted = acceptance.accept(work, work.candidate.key, to)  # 3
    if silent:
        return
    acceptance.deliver(work, accepted, work.candidate.addressees[0], "status")  # 4
    detail = {"unit": unit, "status": packet.status_code, "by": accepted.axis_id}
    entry = Entry(now, work.sender, "delivery.status", row.axis_id, row.recipient, detail)
    draft.report(row, unit, climbed, packet.timestamp, entry)
    deadlines.reported(draft, row, climbed, accepted.entry)


def _reporting(work: Work, row: Delivery | None) -> str:
    """Who reports, as it was addressed if it was: one unit has one status, whatever its spelling."""
    registry, reporter = work.draft.rules.registry, work.candidate.packet.sender.organ_id
    same = registry.canonical(reporter)
    addressed = row.units if row is not None else ()
    return next((unit for unit in addressed if registry.canonical(unit) == same), same)


def _delivered_to(work: Work) -> list[Delivery]:
    """The deliveries that a status may speak of: to who reports, and to the closed agencies that it has succeeded."""
    reporters = (work.sender, *work.draft.rules.registry.predecessors(work.sender, work.now))
    found = (work.draft.brought(work.document, code) for code in reporters)
    return [one for one in found if one is not None]


def _reply(work: Work) -> None:
    """15 or 16: the recipient's clerk has carried out what was asked, or will not.

    1 the delivery about which something waits for an answer; of a replacement the clerk may name the one replaced
    2 what of that it answers; what was answered so before is answered again
    3 not before its system has seen the document: until then its adapter decides, not its clerk
    4 accepted, and passed on to who has asked
    """
    packet, draft, now = work.candidate.packet, work.draft, work.now
    rows = _delivered_to(work)
    if not rows:
        raise Rejected(Problem(Fault.STATUS_UNKNOWN_DOCUMENT, got=work.target, retry=True))
    row = next((one for one in rows if any(map(_is_waiting, draft.demands(one.id)))), None)  # 1
    if row is None:
        row = _in_its_place(work, rows[0]) or rows[0]
    demands = draft.demands(row.id)
    asked = [Asked(one.number, one.demand, dict(one.stages)) for one in demands]
    try:
        answered, stages = admission.judge_answer(work.candidate, asked, draft.rules.registry)  # 2
    except Rejected:
        if not _is_answered(work, row, demands):
            raise
        return
    if Stage.PENDING in answered.stages.values() and row.state is not State.HANDED_OVER:  # 3
        raise Rejected(Problem(Fault.STATUS_NOT_OPEN, got=packet.status_code, retry=True))
    to, key = work.candidate.addressees, _key(work, row, answered.number)
    accepted = acceptance.accept(work, key, to, answered.number)  # 4
    acceptance.deliver(work, accepted, to[0], "status")
    detail = {
        "number": answered.number,
        "demand": answered.demand.value,
        "status": packet.status_code,
        "units": sorted(stages),
        "by": accepted.axis_id,
    }
    entry = Entry(now, work.sender, "demand.answered", row.axis_id, row.recipient, detail)
    draft.answer(row, answered.number, stages, entry, packet.description)
    after = {**answered.stages, **stages}
    if not lifecycle.WAITING & set(after.values()):
        draft.meet_limit(row, deadlines.name(Leg.ANSWER, answered.number), accepted.entry)
    if answered.demand is Demand.RECALL and set(after.values()) == {Stage.AGREED}:
        recalls.overtake(draft, row)
        recalls.drop_what_nobody_has(draft, row.document, accepted.entry)


def _is_answered(work: Work, row: Delivery, demands: Sequence[Demanded]) -> bool:
    """Whether it says again what was said about one of these before, which is answered again then."""
    keys, together = [_key(work, row, one.number) for one in reversed(demands)], Together()
    for key in keys:
        with together.step():
            work.draft.by_key(key)
    together.ask()
    return any(acceptance.is_answered(work, key) for key in keys)


def _key(work: Work, row: Delivery, number: int) -> str:
    """What a repeated answer is known by: who answers what about which delivery."""
    return f"{work.candidate.key}|{row.id}|{number}"


def _is_waiting(asked: Demanded) -> bool:
    return bool(lifecycle.WAITING & set(asked.stages.values()))


def _in_its_place(work: Work, row: Delivery) -> Delivery | None:
    """The delivery of what replaced this one's document, if it was locked with it: replaced just now, it was not."""
    by = work.draft.superseded_by(work.document)
    about = work.draft.submission(by) if by else None
    if about is None or not work.draft.is_locked(about.document):
        return None
    return work.draft.part(by, row.recipient)
