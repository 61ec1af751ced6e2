"""Where mail goes that waited while its agency was closed: asked when it goes, not when it was accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core import parcel
from axis.core.admission import Addressee
from axis.core.deadline import Leg
from axis.core.edxml import Kind
from axis.core.instant import from_text
from axis.core.ledger import Entry
from axis.core.lifecycle import FINAL, State
from axis.core.trust import HUB
from axis.errors import Fault, Problem
from axis.services import accept, watch

if TYPE_CHECKING:
    from datetime import datetime

    from axis.infra.database import Row
    from axis.infra.store import Claim, Due, HubTransaction
    from axis.services.hub import Hub


def leave_out(hub: Hub, claim: Claim, now: datetime) -> list[Due]:
    """Out of what is published now: what was to go to an agency that is closed. The rest of it stays its own: what is
    said to it since, in answer to what it sends itself, and registries."""
    places = [place for place, one in enumerate(claim.due) if _is_past(hub, one, claim.messages[place].body, now)]
    moved = [claim.due[place] for place in places]
    if moved:
        claim.keep([place for place in range(len(claim.due)) if place not in set(places)])
    return moved


def _is_past(hub: Hub, due: Due, body: bytes, now: datetime) -> bool:
    member = hub.registry().by_code[due.route.code]
    if member.standing(now) != "closed":
        return False
    if due.delivery_id:
        return True
    waited = member.valid_until is not None and due.created_at < member.valid_until
    return waited and hub.mailbox(member.code, now) != member.code and parcel.peek(body)[0] == parcel.RECEIPT


def follow(hub: Hub, tx: HubTransaction, due: Due, now: datetime) -> None:
    """Send on what :func:`leave_out` has left out: to the successor, or back where there is none.

    What was never published is the successor's from now on, as if it had been sent to it. What was may have arrived:
    that stays on record for the closed agency, and the successor gets its own delivery."""
    code = due.route.code
    to = hub.mailbox(code, now)
    if not due.delivery_id:
        tx.redirect(due.row, to, Entry(now, HUB, "message.redirected", "", code, {"to": to, "bytes": due.body_digest}))
        return
    row = tx.delivery_for_update(due.delivery_id)
    if State(row["state"]) in FINAL:
        tx.sent([due.row])  # it arrived, or was withdrawn
        return
    there = tx.delivery(row["axis_id"], to) if to != code else None
    if to != code and there is None and not row["tried"]:
        tx.move_delivery(row["id"], due.row, to, _proof(hub, tx, row, to, now))
        return
    tx.sent([due.row])
    hub.fail_delivery(tx, row["id"], Problem(Fault.AGENCY_CLOSED, got=code, expected=to if to != code else "-"), 0, now)
    tx.close_delivery(row["id"], Entry(now, HUB, "delivery.closed", row["axis_id"], code, {"to": to}))
    if there is not None:
        tx.extend(there["id"], list(dict.fromkeys((*there["units"], *row["units"]))))
        if State(there["state"]) is State.HANDED_OVER:
            watch.arrived(hub, tx, tx.delivery_for_update(there["id"]), now)
    elif to != code:
        _deliver(hub, tx, due, row, to, now)
    tx.late.insert()  # the certificate names the receipt by which each delivery ended
    about = tx.submission(row["axis_id"])
    for axis_id in tx.documents_of(about) if about is not None else ():
        watch.certify(hub, tx, axis_id, now)


def _deliver(hub: Hub, tx: HubTransaction, due: Due, row: Row, to: str, now: datetime) -> None:
    proof, identifier = _proof(hub, tx, row, to, now), hub.new_id(now)
    addressee = Addressee(to, tuple(row["units"]))
    # Where the record was rolled back it may have gone to the successor before: tried as the closed agency's own is.
    tx.add_delivery(row["axis_id"], identifier, addressee, row["role"], now, tried=row["tried"], proof=proof)
    tx.send(to, due.body_digest, now, proof=proof, delivery_id=identifier, urgent=due.route.urgent)
    if row["kind"] != Kind.STATUS:
        watch.begin(hub, tx, watch.Subject(identifier, row["kind"], row["priority"]), Leg.HANDOVER, now)


def _proof(hub: Hub, tx: HubTransaction, row: Row, to: str, now: datetime) -> str:
    """The A.1 by which the successor takes it. Of what takes a document back that the closed agency may have it names
    that one too, at a time when it was closed: so the successor's clerk is asked, and nothing is said to be unseen."""
    about = tx.submission(row["axis_id"])
    assert about is not None  # noqa: S101  the delivery names it
    closed, as_of, names = hub.registry().by_code[row["recipient"]], from_text(about["received_at"]), [to]
    if row["role"] == "recall" and tx.delivery_of_document(row["owner"], row["document_id"], closed.code) is not None:
        as_of = max(as_of, closed.valid_until or as_of)
        names.append(closed.code)
    detail = {"to": to, "content_digest": about["content_digest"]}
    entry = Entry(now, HUB, "delivery.moved", row["axis_id"], closed.code, detail)
    return accept.accepted_before(hub, tx, about, tuple(names), entry, as_of)
