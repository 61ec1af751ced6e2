"""Recalls: taken back here where nothing has left, by the recipient's adapter otherwise, by its clerk where it has the
document."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from axis.core import receipt
from axis.core.edxml import Kind
from axis.core.hub import acceptance, admission, lifecycle, plans
from axis.core.hub.admission import Addressee
from axis.core.hub.certificate import certify
from axis.core.hub.dossier import Together
from axis.core.hub.lifecycle import Demand, Stage, State, Step, Turn
from axis.core.hub.plans import Recipient
from axis.core.instant import whole
from axis.core.ledger import Entry
from axis.core.receipt import Event, Statement
from axis.core.registry import HUB
from axis.errors import Fault, Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from axis.core.hub.acceptance import Accepted, Work
    from axis.core.hub.change import Entered
    from axis.core.hub.dossier import Delivery, Demanded, Document
    from axis.core.hub.draft import Draft


def recall(work: Work) -> None:
    """A recall.

    1 only whose document it is, by what it says itself; nobody learns whether there is such a document
    2 those that no earlier one has asked; none: it is answered as that one
    3 so many a day
    4 it is accepted, and takes the document back from each
    """
    draft = work.draft
    rows = draft.recipients(work.document)
    named = draft.rules.registry.named_by(work.target)  # 1
    if not rows and named not in {"", work.document[0]}:
        raise Rejected(Problem(Fault.AUTHZ_MISMATCH, "DocumentId", named, work.sender, retry=True))
    # Of a document that has not come nothing was asked yet: what waits for it is the recall itself.
    if rows:
        asked = {code: found[0].asked_by for code, row in rows.items() if (found := draft.recalls(row.id))}
    else:
        asked = {code: row.axis_id for code, row in draft.taking_back(work.document).items()}
    new = plans.plan_recall(work.candidate, recipients(draft, rows), asked, work.places)  # 2
    if not new:
        same = draft.of_change(work.document, Kind.RECALL.value, work.content_digest)
        acceptance.answer(work, same or draft.the_submission(min(asked.values())))
        return
    number, earlier = draft.lately(work.document, Kind.RECALL.value)
    admission.judge_pace(work.candidate, earlier, work.now)  # 3
    accepted = acceptance.accept(work, f"{work.candidate.key}|{number + 1}", new, number + 1)  # 4
    take_back_from(work, accepted, new, rows, {})


def take_back_from(
    work: Work,
    accepted: Accepted,
    addressees: Sequence[Addressee],
    rows: Mapping[str, Delivery],
    sent: dict[str, Delivery],
) -> None:
    """Take the document back from each: here where it has not left, at the recipient's adapter otherwise. Of a document
    that has not come yet nothing is known: the recall waits for it. One member may be asked for another whose mail it
    has, while its own is taken back here: it has one delivery."""
    number = work.draft.next_demand(work.document)
    asked, together = list[Addressee](), Together()
    for addressee in addressees:
        with together.step():
            if addressee.holder in rows and _must_ask_recipient(work, rows[addressee.holder]):
                asked.append(addressee)
    together.ask()
    for addressee in asked:
        acceptance.deliver_once(work, accepted, addressee, "recall", sent)
        original = rows[addressee.holder]
        ask(work, original, original.units, number, Demand.RECALL, Stage.PENDING, accepted.axis_id)
    said: list[Statement] = []
    for addressee in addressees:
        if addressee in asked:
            continue
        here = replace(addressee, code=addressee.holder or addressee.code, closed=False)
        if here.code not in sent:
            sent[here.code] = acceptance.deliver(work, accepted, here, "recall", send=False)
            waiting: Delivery | None = sent[here.code]
        else:
            waiting = None
        if addressee.holder in rows:
            with together.step():
                said.append(take_back(work, rows[addressee.holder], waiting, number, accepted.axis_id))
    together.ask()
    if said:
        tell(work.draft, accepted.axis_id, said)
        certify(work.draft, work.document)


def take_back(work: Work, original: Delivery, waiting: Delivery | None, number: int, by: str) -> Statement:
    """Decide the recall `by` here: W.1 for what has not left, W.2 for what was refused. `waiting`: the recall's
    delivery, if it is over with that. The statement is told by :func:`tell`."""
    draft, now = work.draft, work.now
    original = draft.delivery(original.id)
    void = original.state is State.REFUSED
    stage = Stage.VOID if void else Stage.WITHDRAWN
    ask(work, original, original.units, number, Demand.RECALL, stage, by)
    if not void:
        detail = {"by": by}
        entry = Entry(now, HUB, "delivery.withdrawn", original.axis_id, original.recipient, detail)
        withdraw(draft, original, draft.move(original, Step.WITHDRAWN, entry))
    done = Entry(now, HUB, "recall.decided", by, original.recipient, {"outcome": stage.value})
    decided = draft.move(waiting, Step.WITHDRAWN, done) if waiting is not None else draft.enter(done)
    event = Event.ContentWithdrawalFailure if void else Event.ContentWithdrawal
    why = receipt.reasons([Problem(Fault.RECALL_VOID)]) if void else ()
    # It quotes the entry about the recall: its receipt is one about the recall, and evidence of that has its proof.
    return Statement(draft.new_id(), event, whole(now), original.recipient, (), why, decided)


def withdraw(draft: Draft, original: Delivery, entry: Entered) -> None:
    """A recall was carried out: what was on its way of the document, or was asked about it, goes with it."""
    draft.leave_out(original, entry)
    _withdraw_versions(draft, original)
    overtake(draft, original)
    drop_what_nobody_has(draft, original.document, entry)


def overtake(draft: Draft, original: Delivery) -> None:
    """A recall was carried out: what else was asked about this delivery has no answer any more."""
    for one in draft.demands(original.id):
        waiting = {u: s for u, s in one.stages.items() if s is Stage.OPEN and one.demand is not Demand.RECALL}
        if waiting:
            stages = {unit: lifecycle.turn(stage, Turn.OVERTAKEN) for unit, stage in waiting.items()}
            detail = {"number": one.number, "demand": one.demand.value}
            entry = Entry(draft.now, HUB, "demand.overtaken", original.axis_id, original.recipient, detail)
            draft.answer(original, one.number, stages, entry)


def drop_what_nobody_has(draft: Draft, document: Document, entry: Entered) -> None:
    """Drop the parcels of a document that was taken back from everybody (QĐ 28/2018, Art. 9.2); digests, parties,
    times, reasons and receipts stay (NĐ 30/2020, Annex VI, III.8)."""
    if all(is_taken_back(row, draft.recalls(row.id)) for row in draft.recipients(document).values()):
        draft.forget(document, entry)


def is_taken_back(row: Delivery, asked: Sequence[Demanded]) -> bool:
    """Whether nothing of the document is left at its recipient, or never was; `asked`: the recalls of it."""
    agreed = any(all(stage in lifecycle.TAKEN_BACK for stage in one.stages.values()) for one in asked)
    return row.state in {State.RECALLED, State.REFUSED} or agreed


def tell(draft: Draft, axis_id: str, statements: Sequence[Statement]) -> None:
    """Sign what was decided here about a recall (or an update that removes), and send it to its sender."""
    if statements:
        draft.issue(draft.the_submission(axis_id), statements, draft.entered(statements[-1].entry))


def ask(work: Work, original: Delivery, units: Sequence[str], number: int, what: Demand, stage: Stage, by: str) -> None:
    """Ask those that a delivery addressed to carry out a recall, update or replacement."""
    detail = {"number": number, "demand": what.value, "stage": stage.value, "by": by}
    entry = Entry(work.now, work.sender, "demand.asked", original.axis_id, original.recipient, detail)
    work.draft.ask(original, number, units, what, by, stage, entry)


def recipients(draft: Draft, rows: Mapping[str, Delivery]) -> dict[str, Recipient]:
    """Who was sent the document, and how far a recall is with them."""
    found = {}
    for code, row in rows.items():
        # Of several units the one that still works with the document counts.
        stages = [stage for one in draft.recalls(row.id) for stage in one.stages.values()]
        stage = Stage.DECLINED if Stage.DECLINED in stages else stages[0] if stages else None
        found[code] = Recipient(code, row.units, stage)
    return found


def _withdraw_versions(draft: Draft, original: Delivery) -> None:
    """The updates on their way to this recipient are withdrawn with the document."""
    for one in draft.updating(original.document, original.recipient):
        if one.state not in lifecycle.FINAL:
            detail = {"with": original.document_id}
            entry = Entry(draft.now, HUB, "delivery.withdrawn", one.axis_id, original.recipient, detail)
            draft.leave_out(one, draft.move(one, Step.WITHDRAWN, entry))


def _must_ask_recipient(work: Work, original: Delivery) -> bool:
    """Whether the document, or a version of it, may be out, or its recipient says that it has it: only the recipient's
    adapter can know then."""
    if original.state in {State.REFUSED, State.HANDED_OVER}:
        return original.state is State.HANDED_OVER
    return original.tried or any(one.tried for one in work.draft.updating(work.document, original.recipient))
