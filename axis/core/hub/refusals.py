"""What is not accepted: refused with A.2, waiting for what a record has lost, or put aside for an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core import admission, parcel, receipt
from axis.core.hub.draft import subject_of
from axis.core.identity import same_id
from axis.core.instant import whole
from axis.core.ledger import Entry
from axis.core.receipt import Event, Statement, Subject
from axis.core.trust import HUB
from axis.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.core.hub.change import Entered
    from axis.core.hub.dossier import Digest
    from axis.core.hub.draft import Draft
    from axis.core.hub.opened import Opened
    from axis.core.receipt import Receipt
    from axis.errors import Problem

MAX_QUARANTINED = 1000  # messages of one agency; nobody's have one share together
MAX_WAITING = 20_000  # receipts that one agency has given or shown, about what a restored record has lost


def refuse(draft: Draft, opened: Opened, problems: Sequence[Problem], *, anew: bool = False) -> Entered:
    """A.2 with every reason, and its entry; the stored one again where the refusal depended on the bytes alone, unless
    an operator has another (`anew`)."""
    agency, verified = opened.agency, opened.parcel
    errors = [p for p in problems if p.severity == "error"]
    key = verified.content_digest if verified else opened.digest
    stored = draft.refused(agency, key)
    if stored is not None and not stored.retry and not anew and stored.parcel == opened.digest:
        return _again(draft, opened, stored.receipt_digest)
    content_digest = verified.content_digest if verified else parcel.unverified_digest(opened.message.body)
    kind, document_id = admission.describe(verified)
    codes = [p.fault.code for p in errors]
    detail = {"codes": codes, "document_id": document_id, "content_digest": content_digest, "bytes": opened.digest}
    entry = draft.enter(Entry(draft.now, HUB, "submission.refused", "", agency, detail))
    name = receipt.refusal_id(draft.new_id(), opened.digest)
    why = receipt.reasons(errors)
    said = Statement(name, Event.SubmissionRejection, whole(draft.now), "", (), why, entry)
    subject = Subject("", kind, agency, document_id, content_digest)
    a2 = draft.sign(subject, (said,), version=draft.rules.registry.version)
    draft.refuse(agency, key, document_id, a2, opened.digest, entry, retry=all(p.retry for p in errors))
    return entry


def refuse_receipt(draft: Draft, opened: Opened, said: Receipt) -> None:
    """A.2 about a receipt, so that it is signed again. Its subject is named by the digest of the receipt's bytes, and
    nothing else: an adapter that does not know this answer files it under that."""
    agency = opened.agency
    stored = draft.refused(agency, opened.digest)
    if stored is not None:
        _again(draft, opened, stored.receipt_digest)
        return
    about = draft.submission(said.subject.axis_id)
    axis_id = about.axis_id if about is not None and said.subject == subject_of(about) else ""
    detail = {"codes": [problem.fault.code for problem in opened.problems], "bytes": opened.digest}
    entry = draft.enter(Entry(draft.now, HUB, "receipt.refused", axis_id, agency, detail))
    why = receipt.reasons(opened.problems)
    refused = Statement(draft.new_id(), Event.SubmissionRejection, whole(draft.now), "", (), why, entry)
    subject = Subject("", receipt.KIND, agency, "", opened.digest)
    a2 = draft.sign(subject, (refused,), version=draft.rules.registry.version)
    draft.refuse(agency, opened.digest, "", a2, "", entry, retry=True)


def vouch(draft: Draft, opened: Opened, said: Receipt) -> bool:
    """Send a receipt again, with R.1, to the agency that has shown it; False unless it is one that was accepted here
    about what this agency has sent. `said`: what its bytes say."""
    sender, agency, first = said.subject.sender, opened.agency, said.statements[0]
    axis_id = said.subject.axis_id
    if draft.submission(axis_id) is None:  # a restored record may hold it under another id
        again = draft.sent_as(said.subject, same_id(said.subject.document_id))
        axis_id = again.axis_id if again is not None else axis_id
    if draft.stated(said.issuer, first.event.code, axis_id, first.recipient) != opened.digest:
        return False
    if agency not in {sender, draft.rules.mailbox(sender, draft.now)}:
        return False
    witness = witnessed(draft.told(axis_id), said, opened.digest, draft.new_id())
    if witness is None:
        return False
    detail = {"receipt": opened.digest, "to": agency}
    entry = draft.enter(Entry(draft.now, HUB, "receipt.vouched", axis_id, said.issuer, detail))
    proof = draft.sign(said.subject, (witness,), version=draft.rules.registry.version)
    draft.send(agency, opened.digest, entry, proof=proof)
    return True


def witnessed(entries: Sequence[Entry], said: Receipt, digest: str, identifier: str) -> Statement | None:
    """R.1 for the receipt `said` with this digest, by the ledger `entries` about its submission; None where they do not
    say when it was accepted."""
    by = (said.issuer, said.statements[0].event.code)
    accepted = next((one for one in entries if (one.actor, one.detail.get("receipt")) == by), None)
    if accepted is None:
        return None
    event = Event.ReceiptAcceptance
    return Statement(identifier, event, whole(accepted.time), said.issuer, entry=accepted.digest, evidence=digest)


def wait(draft: Draft, opened: Opened, problems: Sequence[Problem]) -> bool:
    """Whether it cannot be refused yet: it lacks what the record may have lost, and what its sender will send again.
    Nothing is answered then, so its sender publishes it again, at last hours apart, until the record can tell."""
    one, rules = opened.candidate, draft.rules
    if one is None or rules.lost_until is None or not rules.is_gap_open(draft.now):
        return False
    if not (admission.is_by_absence(problems) and one.may_be_older_than(rules.lost_until)):
        return False
    detail = {"codes": [problem.fault.code for problem in problems], "bytes": opened.digest}
    draft.enter(Entry(draft.now, HUB, "submission.waits", "", opened.agency, detail))
    return True


def bad_receipt(draft: Draft, opened: Opened, problem: Problem) -> Entered:
    """What was said of a delivery and cannot be believed is never answered: that would loop. It is entered."""
    detail = {"code": problem.fault.code, "got": problem.got, "bytes": opened.digest}
    return draft.enter(Entry(draft.now, HUB, "receipt.quarantined", "", opened.agency, detail))


def enter_aside(draft: Draft, opened: Opened, fault: Fault) -> Entered:
    """A message that cannot even be answered is put aside."""
    detail = {"code": fault.code, "queue": opened.message.route.queue, "bytes": opened.digest}
    return draft.enter(Entry(draft.now, HUB, "message.put_aside", "", opened.agency, detail))


def put_aside(draft: Draft, opened: Opened, fault: Fault, attempts: int, entry: Entered) -> str:
    """Keep a message for an operator, or a receipt about what the record has lost until that comes again; its id. Over
    the agency's share its entry alone, and "": what it publishes must not fill the record."""
    agency, message = opened.agency, opened.message
    waiting = opened.said if fault is Fault.RECORD_GAP else None
    most = MAX_QUARANTINED if waiting is None else MAX_WAITING
    if draft.quarantined(agency, waiting=waiting is not None) >= most:
        return ""
    name = message.id.replace("\0", "?")
    return draft.put_aside(
        agency,
        name,
        message.user_id or "",
        message.body,
        fault.code,
        attempts,
        entry,
        document_id=same_id(waiting.subject.document_id) if waiting is not None else "",
        issuer=waiting.issuer if waiting is not None else "",
    )


def turn_away(draft: Draft, publisher: str, opened: Opened) -> bool:
    """What one agency has put into another's queue: kept for an operator as the publisher's, and answered to nobody;
    False where that one has its share."""
    if draft.quarantined(publisher) >= MAX_QUARANTINED:
        return False
    fault, message = Fault.PUBLISHER_OTHER, opened.message
    detail = {"code": fault.code, "queue": message.route.queue, "bytes": opened.digest}
    entry = draft.enter(Entry(draft.now, HUB, "message.put_aside", "", publisher, detail))
    name = message.id.replace("\0", "?")
    draft.put_aside(publisher, name, publisher, message.body, fault.code, 1, entry)
    return True


def _again(draft: Draft, opened: Opened, a2: Digest) -> Entered:
    """The stored refusal goes out once more."""
    entry = draft.enter(Entry(draft.now, HUB, "refusal.repeated", "", opened.agency, {"bytes": opened.digest}))
    draft.send(opened.agency, a2, entry)
    return entry
