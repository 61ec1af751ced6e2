"""Updates: a new version to who has the document, the document to who is added, and taken back from who is removed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from axis.core.edxml import Kind
from axis.core.hub import acceptance, admission, objects, plans, recalls
from axis.core.hub.acceptance import Accepted
from axis.core.hub.certificate import certify
from axis.core.hub.lifecycle import Demand, Stage
from axis.core.instant import from_text
from axis.core.ledger import Entry
from axis.core.registry import HUB
from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.core.hub.admission import Addressee
    from axis.core.hub.dossier import Delivery


def update(work: acceptance.Work) -> None:
    """An update.

    1 what took its key is answered again
    2 so many a day
    3 who keeps, gets and loses the document; a refusal changes nothing. What has no bytes any more is given to nobody;
      what new content says of a business object is a legal step
    4 it is accepted; each who keeps it gets the new version, and is asked to take it
    5 who is added gets the update where it has the content, the newest version otherwise
    6 it is taken back from who is removed
    """
    if acceptance.is_answered(work, work.candidate.key):  # 1
        return
    draft, packet = work.draft, work.candidate.packet
    number, earlier = draft.lately(work.document, Kind.UPDATE.value)
    admission.judge_pace(work.candidate, earlier, work.now)  # 2
    rows = draft.recipients(work.document)
    plan = plans.plan_update(work.candidate, recalls.recipients(draft, rows), work.places)  # 3
    after = objects.step(work)
    with_content = plan.added if packet.changes_content else ()
    if plan.added and not packet.changes_content:
        newest = draft.newest(work.document)
        if newest is not None and not newest.body_digest:
            raise rejected(Fault.BYTES_ENDED, work.document[1], path="To")
    routes = [*plan.kept, *plan.removed, *with_content]
    demand = draft.next_demand(work.document)
    accepted = acceptance.accept(work, work.candidate.key, routes, number + 1)  # 4
    objects.note(work, accepted, after)
    sent: dict[str, Delivery] = {}
    for addressee in plan.kept:
        acceptance.deliver_once(work, accepted, addressee, "update", sent)
        original = rows[addressee.holder]
        if addressee.units != original.units:
            draft.alter(replace(draft.delivery(original.id), units=addressee.units), accepted.entry)
        recalls.ask(work, original, addressee.units, demand, Demand.UPDATE, Stage.OPEN, accepted.axis_id)
    for addressee in with_content:  # 5
        acceptance.deliver_once(work, accepted, addressee, "document", sent)
    if plan.added and not packet.changes_content:
        _deliver_newest(work, plan.added)
    if plan.removed:  # 6
        recalls.take_back_from(work, accepted, plan.removed, rows, sent)
    if any(one.closed for one in plan.added):
        certify(draft, work.document)


def _deliver_newest(work: acceptance.Work, added: Sequence[Addressee]) -> None:
    """The newest version of the document goes to those that an update has added, with an A.1 that names them."""
    draft = work.draft
    newest = draft.newest(work.document)
    assert newest is not None  # noqa: S101  the document is known: its plan was made
    for addressee in added:
        detail = {"added_by": work.content_digest, "content_digest": newest.content_digest}
        entry = draft.enter(Entry(work.now, HUB, "delivery.added", newest.axis_id, addressee.code, detail))
        as_of = from_text(newest.received_at)
        proof = acceptance.accepted_before(draft, newest, (addressee.code,), entry, as_of)
        place = Accepted(newest.axis_id, newest.body_digest, proof, entry)
        acceptance.deliver(work, place, addressee, "document", own_proof=True)
