"""New documents and replacements: to whom they go, and to whom not because a recall has overtaken them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core.edxml import Kind
from axis.core.hub import acceptance, deadlines, objects, plans, recalls
from axis.core.hub.certificate import certify
from axis.core.hub.consignment import fail
from axis.core.hub.dossier import Together
from axis.core.hub.lifecycle import Demand, Stage
from axis.core.hub.terms import Leg
from axis.core.ledger import Entry
from axis.core.registry import HUB
from axis.errors import Fault, Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from axis.core.hub.acceptance import Accepted, Work
    from axis.core.hub.admission import Addressee
    from axis.core.hub.dossier import Delivery
    from axis.core.receipt import Statement


def document(work: Work) -> None:
    """A new document.

    1 what took its key is answered again
    2 what it says of a business object is a legal step
    3 those that it goes to: not whom a recall has overtaken it to, unless they may have it since before a restore
    4 it is accepted, and on its way to each
    """
    if acceptance.is_answered(work, work.candidate.key):  # 1
        return
    after = objects.step(work)  # 2
    addressees = work.candidate.addressees
    taken_back = _taken_back(work)
    accepted = acceptance.accept(work, work.candidate.key, _sent_to(work, addressees, taken_back))  # 3
    objects.note(work, accepted, after)
    _first_deliveries(work, accepted, addressees, taken_back)  # 4


def replacement(work: Work) -> None:
    """A document that takes the place of others: as :func:`document`; who has one of those is asked to put it aside."""
    if acceptance.is_answered(work, work.candidate.key):
        return
    after = objects.step(work)
    replaced = {one[1]: one for one in work.candidate.documents[1:]}
    held = {document_id: work.draft.recipients(one) for document_id, one in replaced.items()}
    known = {document_id: recalls.recipients(work.draft, rows) for document_id, rows in held.items()}
    addressees, holders = plans.plan_replacement(work.candidate, known, work.places)
    taken_back = _taken_back(work)
    accepted = acceptance.accept(work, work.candidate.key, _sent_to(work, addressees, taken_back))
    objects.note(work, accepted, after)
    _first_deliveries(work, accepted, addressees, taken_back, {code for codes in holders.values() for code in codes})
    for document_id in holders:
        work.draft.supersede(replaced[document_id], accepted.axis_id, accepted.entry)


def _taken_back(work: Work) -> dict[str, Delivery]:
    """The recalls that have overtaken the document, by whoever has the mail of those that they name now."""
    asked = work.draft.taking_back(work.document)
    return {work.draft.rules.mailbox(code, work.now): row for code, row in asked.items()}


def _sent_to(work: Work, addressees: Sequence[Addressee], taken_back: Mapping[str, Delivery]) -> list[Addressee]:
    return [one for one in addressees if one.code not in taken_back or work.may_be_out]


def _first_deliveries(
    work: Work,
    accepted: Accepted,
    addressees: Sequence[Addressee],
    taken_back: Mapping[str, Delivery],
    holders: Collection[str] = (),
) -> None:
    """To each of `addressees`, but not to whom a recall has overtaken it (who may have it since before a restore is
    asked); `holders` have a document that this one replaces, and are asked to put it in its place."""
    draft = work.draft
    begun = [
        (one, acceptance.deliver(work, accepted, one, "document", send=one.code not in taken_back or work.may_be_out))
        for one in addressees
    ]
    # Only when all of them have begun is it decided what a recall leaves of the document.
    withdrawn: dict[str, list[Statement]] = {}
    together = Together()
    for addressee, original in begun:
        with together.step():
            recall = taken_back.get(addressee.code)
            if addressee.code in holders:
                units, what = original.units, Demand.REPLACE
                recalls.ask(work, original, units, 1, what, Stage.OPEN, accepted.axis_id)
            if recall is not None and work.may_be_out:
                _pass_on(work, original, recall, 2, closed=addressee.closed)
            elif recall is not None:
                said = recalls.take_back(work, original, recall, 2, recall.axis_id)
                withdrawn.setdefault(recall.axis_id, []).append(said)
    together.ask()
    for axis_id, statements in withdrawn.items():
        recalls.tell(draft, axis_id, statements)
    certify(draft, work.document)  # it may be over before it has begun: overtaken, or to closed agencies alone


def _pass_on(work: Work, original: Delivery, recall: Delivery, number: int, *, closed: bool) -> None:
    """A recall that has waited for its document goes to the recipient, who alone can know."""
    draft = work.draft
    recalls.ask(work, original, original.units, number, Demand.RECALL, Stage.PENDING, recall.axis_id)
    if closed:
        fail(draft, recall, Problem(Fault.AGENCY_CLOSED, got=recall.recipient, expected="-"), 0)
        return
    about = draft.the_submission(recall.axis_id)
    detail = {"document": original.axis_id}
    entry = draft.enter(Entry(work.now, HUB, "recall.passed_on", recall.axis_id, recall.recipient, detail))
    draft.send(
        recall.recipient,
        about.body_digest,
        entry,
        proof=recall.proof_digest or about.acceptance_digest,
        delivery=recall,
        urgent=True,
    )
    deadlines.begin(draft, recall, Kind.RECALL.value, about.priority, Leg.HANDOVER, work.now, entry)
