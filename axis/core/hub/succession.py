"""Where mail goes that waited while its agency was closed: asked when it goes, not when it was accepted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from axis.core.edxml import Kind
from axis.core.hub import acceptance, deadlines
from axis.core.hub.certificate import certify
from axis.core.hub.consignment import fail
from axis.core.hub.dossier import Delivery
from axis.core.hub.lifecycle import FINAL, State
from axis.core.hub.terms import Leg
from axis.core.instant import from_text, to_text
from axis.core.ledger import Entry
from axis.core.registry import HUB
from axis.errors import Fault, Problem

if TYPE_CHECKING:
    from axis.core.hub.change import Entered
    from axis.core.hub.dossier import Digest
    from axis.core.hub.draft import Draft


def redirect(draft: Draft, row: int, code: str, body: Digest) -> None:
    """A receipt that waited for an agency that is closed now goes to whoever has its mail."""
    to = draft.rules.mailbox(code, draft.now)
    entry = draft.enter(Entry(draft.now, HUB, "message.redirected", "", code, {"to": to, "bytes": body}))
    draft.redirect(row, to, entry)


def follow(draft: Draft, row: int, delivery_id: str, body: Digest, *, urgent: bool) -> None:
    """A delivery that waited in outbox row `row` for an agency that is closed now goes to its successor, or back where
    there is none.

    What was never published is the successor's from now on, as if it had been sent to it. What was may have arrived:
    that stays on record for the closed agency, and the successor gets its own delivery."""
    delivery = draft.delivery(delivery_id)
    code = delivery.recipient
    to = draft.rules.mailbox(code, draft.now)
    if delivery.state in FINAL:
        draft.done(row)  # it arrived, or was withdrawn
        return
    there = draft.part(delivery.axis_id, to) if to != code else None
    if to != code and there is None and not delivery.tried:
        proof, entry = _proof(draft, delivery, to)
        draft.alter(replace(delivery, recipient=to, proof_digest=proof), entry)
        draft.redirect(row, to, entry, proof)
        return
    problem = Problem(Fault.AGENCY_CLOSED, got=code, expected=to if to != code else "-")
    draft.done(row, fail(draft, delivery, problem, 0))
    closed = draft.enter(Entry(draft.now, HUB, "delivery.closed", delivery.axis_id, code, {"to": to}))
    draft.alter(replace(draft.delivery(delivery.id), closed=True), closed)
    if there is not None:
        units = tuple(dict.fromkeys((*there.units, *delivery.units)))
        draft.alter(replace(there, units=units), closed)
        if there.state is State.HANDED_OVER:
            about = draft.the_submission(there.axis_id)
            deadlines.arrived(draft, draft.delivery(there.id), about.priority, closed)
    elif to != code:
        _deliver(draft, delivery, to, body, urgent=urgent)
    certify(draft, delivery.document)


def _deliver(draft: Draft, delivery: Delivery, to: str, body: Digest, *, urgent: bool) -> None:
    proof, entry = _proof(draft, delivery, to)
    about = draft.the_submission(delivery.axis_id)
    # Where the record was rolled back it may have gone to the successor before: tried as the closed agency's own is.
    new = Delivery(
        id=draft.new_id(),
        axis_id=delivery.axis_id,
        recipient=to,
        units=delivery.units,
        state=State.ACCEPTED,
        attempts=0,
        updated_at=to_text(draft.now),
        role=delivery.role,
        owner=delivery.owner,
        document_id=delivery.document_id,
        tried=delivery.tried,
        proof_digest=proof,
    )
    draft.deliver(new, entry)
    draft.send(to, body, entry, proof=proof, delivery=new, urgent=urgent)
    if about.kind != Kind.STATUS:
        deadlines.begin(draft, new, about.kind, about.priority, Leg.HANDOVER, draft.now, entry)


def _proof(draft: Draft, delivery: Delivery, to: str) -> tuple[Digest, Entered]:
    """The A.1 by which the successor takes it. Of what takes a document back that the closed agency may have it names
    that one too, at a time when it was closed: so the successor's clerk is asked, and nothing is said to be unseen."""
    about = draft.the_submission(delivery.axis_id)
    closed = draft.rules.registry.by_code[delivery.recipient]
    as_of, names = from_text(about.received_at), [to]
    if delivery.role == "recall" and draft.brought(delivery.document, closed.code) is not None:
        as_of = max(as_of, closed.valid_until or as_of)
        names.append(closed.code)
    detail = {"to": to, "content_digest": about.content_digest}
    entry = draft.enter(Entry(draft.now, HUB, "delivery.moved", delivery.axis_id, closed.code, detail))
    return acceptance.accepted_before(draft, about, tuple(names), entry, as_of), entry
