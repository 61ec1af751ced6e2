"""What a recall or an update means at the recipient: decided in one journal transaction, before it is shown.

Hand-over and withdrawal compete for a document's row in the journal, and one of them comes first. From the row's
"handing over" on a recall is a request that the agency's clerk answers; before it the document is withdrawn for
certain, and the signed answer says so.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core import edxml
from axis.core.agency import recalls
from axis.core.agency.recalls import Seen
from axis.core.edxml import Kind
from axis.core.hub import admission
from axis.core.instant import from_text, to_text
from axis.core.ledger import Entry
from axis.core.receipt import Event
from axis.errors import Corrupted, Fault, Rejected
from axis.services.agency import answer
from axis.services.agency.verify import verify_mail, word

if TYPE_CHECKING:
    from datetime import datetime

    from axis.core.edxml import Packet
    from axis.core.receipt import Receipt, Statement
    from axis.infra.database import Row
    from axis.infra.journal.transaction import JournalTransaction
    from axis.services.agency.adapter import Agency

log = logging.getLogger("axis.withdraw")
BATCH = 50
ORIGINAL_WITHIN = timedelta(hours=1)  # an update waits so long for the document that it has overtaken
LOOK_AGAIN = timedelta(seconds=30)
REPAIR = timedelta(hours=1)  # between two looks at what a disk has damaged
_UNSEEN = {"received", "undecided", "held", "withdrawing", "withdrawn"}


def step(agency: Agency, now: datetime) -> int:
    """Decide about the recalls and updates that have arrived; how many."""
    with agency.journal.reading() as reader:
        rows = reader.undecided(now, BATCH)
    for row in rows:
        try:
            _decide(agency, row, now)
        except Corrupted as error:  # it waits alone; when the hub sends it again (axis reconcile), it is mended
            if error.fault is not Fault.BODY_CORRUPT:
                raise
            log.warning("%s: %s cannot be decided: %s", agency.code, row["id"], error)
            with agency.journal.transaction() as tx:
                tx.not_now(row["id"], row["attempts"] + 1, now + REPAIR)
    return len(rows) + (_give_up(agency, now) if is_past(agency, now) else 0)


def is_past(agency: Agency, now: datetime) -> bool:
    """Whether it is closed, and another has its mail: what its system has not seen is not shown to it any more."""
    return agency.registry().open_successor(agency.code, now) != agency.code


def _give_up(agency: Agency, now: datetime) -> int:
    """Say of the documents that wait to be shown that they were not, and never will be here (W.1); how many."""
    to, after, done = agency.registry().open_successor(agency.code, now), 0, 0
    while True:
        with agency.journal.transaction() as tx:
            rows = tx.unshown(after, BATCH)
            alike = tx.same_before(rows)  # what was shown under another id is answered alike
            proofs = tx.payloads({row["proof_digest"] for row in rows})
            restored = _restored_at(tx)
            bodies = tx.payloads({row["body_digest"] for row in rows}) if restored else {}
            for row in rows:
                after = row["number"]
                proof = proofs.get(row["proof_digest"])
                same = alike.get(row["id"])
                if proof is None or (same is not None and same["state"] not in _UNSEEN):
                    continue  # of what a disk has damaged an officer says that it moves on
                # As of what may have been shown before this journal was put back.
                if restored and _may_be_older(agency, bodies.get(row["body_digest"], b""), proof, restored):
                    tx.release(row["id"], "received", "doubted")
                    detail = {"document_id": row["document_id"], "restored_at": to_text(restored)}
                    tx.enter(Entry(now, agency.code, f"{row['kind']}.doubted", row["id"], "", detail))
                    continue
                accepted = word(agency, proof, row["proof_digest"]).said
                detail = {"document_id": row["document_id"], "to": to}
                entry = Entry(now, agency.code, f"{row['kind']}.given_up", row["id"], "", detail)
                tx.give_up(row, entry, answer.signed(agency, accepted.subject, Event.ContentWithdrawal, (), entry, now))
                done += 1
        if len(rows) < BATCH:
            return done


def _decide(agency: Agency, row: Row, now: datetime) -> None:
    with agency.journal.reading() as reader:
        if reader.state_of(row["id"]) != "undecided":
            return
        body, proof = reader.payload(row["body_digest"]), reader.payload(row["proof_digest"])
    try:
        opened, accepted, _ = verify_mail(agency, body, word(agency, proof))
        packet = edxml.read_accepted(opened, accepted.subject.content_digest)
    except Rejected:
        with agency.journal.transaction() as tx:
            tx.release(row["id"], "undecided")  # the hand-over finds the same, and refuses it with E.2
        return
    with agency.journal.transaction() as tx:
        if tx.state_of(row["id"]) != "undecided":
            return  # what it is about was withdrawn meanwhile, and this with it
        # A successor changes what the agency before it had sent; which of the two it was stands in the registry.
        owner = agency.registry().author(row["document_id"], row["sender"], now)
        if owner != row["sender"]:
            row = tx.belongs_to(row["id"], owner)
        if _takes_back(agency, tx, packet, row, accepted.statements[0]):
            _take_back(agency, tx, packet, row, accepted, now)
        elif packet.kind is Kind.UPDATE and (gone := tx.withdrawal(owner, row["document_id"])) is not None:
            tx.withdrawn_with(row, gone, now)
        elif _waits_for_original(agency, tx, packet, row, now):
            tx.not_now(row["id"], row["attempts"], now + LOOK_AGAIN)
        else:
            tx.release(row["id"], "undecided")


def _takes_back(agency: Agency, tx: JournalTransaction, packet: Packet, row: Row, accepted: Statement) -> bool:
    """Whether it is decided here if the document is withdrawn. What an agency had that this one has succeeded may have
    been shown there: what is not known here is a request that a clerk sees."""
    if packet.is_recall:
        others = recalls.asks_for_others(accepted, agency.code, agency.registry())
        return not others or bool(tx.documents(row["sender"], row["document_id"]))
    return recalls.removes(packet, agency.code, agency.registry())


def _waits_for_original(agency: Agency, tx: JournalTransaction, packet: Packet, row: Row, now: datetime) -> bool:
    """Whether an update has overtaken the document."""
    if not recalls.needs_original(packet, agency.code, agency.registry()):
        return False
    # An update that is no longer waited with brought it, or has waited in vain already.
    known = any(
        one["kind"] == "document" or (one["id"] != row["id"] and one["state"] != "undecided")
        for one in tx.documents(row["sender"], row["document_id"])
    )
    return not known and now - from_text(row["received_at"]) < ORIGINAL_WITHIN


def _take_back(
    agency: Agency, tx: JournalTransaction, packet: Packet, row: Row, accepted: Receipt, now: datetime
) -> None:
    sender, document_id, subject = row["sender"], row["document_id"], accepted.subject
    # A clerk sees what was asked of an agency before this one, whatever becomes of what was sent here.
    others = recalls.asks_for_others(accepted.statements[0], agency.code, agency.registry())
    unseen = "received" if others else "done"
    documents = [one for one in tx.documents(sender, document_id) if one["id"] != row["id"]]
    known = recalls.seen({one["state"] for one in documents})
    if known in {Seen.REFUSED_IT, Seen.NEVER} and tx.withdrawal(sender, document_id) is None:
        restored = _restored_at(tx)
        if restored is not None and admission.may_be_older(packet, accepted.statements[0].time, restored):
            known = Seen.MAY_HAVE_IT
    no = recalls.refusal(known, lambda: _reported(agency, tx, sender, document_id, now), unseen)
    if no is None:
        entry = Entry(now, agency.code, "document.withdrawn", row["id"], "", {"document_id": document_id})
        said = answer.signed(agency, subject, Event.ContentWithdrawal, (), entry, now)
        tx.withdraw(row, sender, document_id, entry, said, unseen)
        return
    detail = {"document_id": document_id, "status": no.problem.got}
    entry = Entry(now, agency.code, no.event, row["id"], "", detail)
    said = answer.signed(agency, subject, Event.ContentWithdrawalFailure, (no.problem,), entry, now)
    tx.answer_recall(row, no.state, entry, said)


def _reported(agency: Agency, tx: JournalTransaction, owner: str, document_id: str, now: datetime) -> str:
    """The highest business status that this agency's system has reported about this document of `owner`."""
    registry, codes = agency.registry(), []
    for organ_id, code in tx.reported(document_id):
        try:
            whose = registry.author(document_id, registry.member_for(organ_id).code, now) if organ_id else owner
        except Rejected:
            continue
        codes += [code] if whose == owner else []
    return recalls.highest(codes)


def _restored_at(tx: JournalTransaction) -> datetime | None:
    """When this journal was put back to an older copy; None if it never was. What was sent before may have been shown
    in between. That the hub has no receipt for it, and sends it again, says nothing: the receipt may have been lost
    with this journal, or with the hub's record. Nor does a new id: the record may have been put back, too."""
    home = tx.home()
    return from_text(home["restored_at"]) if home is not None and home["restored_at"] else None


def _may_be_older(agency: Agency, body: bytes, proof: bytes, moment: datetime) -> bool:
    """Whether what waits to be shown may have been sent before `moment`; what cannot be read may be of any time."""
    try:
        opened, accepted, _ = verify_mail(agency, body, word(agency, proof))
        packet = edxml.read_accepted(opened, accepted.subject.content_digest)
    except Rejected:
        return True
    return admission.may_be_older(packet, accepted.statements[0].time, moment)
