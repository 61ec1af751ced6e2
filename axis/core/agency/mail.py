"""What the journal says of mail that has come: its kind, its facts, the state that it begins in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from axis.core.edxml import Kind
from axis.core.identity import earliest, same_id
from axis.core.registry import HUB

if TYPE_CHECKING:
    from datetime import datetime

    from axis.core.receipt import Receipt, Statement, Subject
    from axis.core.registry import Registry

LATE_RECEIPTS = timedelta(hours=1)  # after a restore: what lay in the queue before it is taken by then


def kind_of(subject: Subject) -> str:
    """What it is to the journal."""
    return subject.kind if subject.kind in {Kind.STATUS, Kind.RECALL, Kind.UPDATE} else "document"


def first_state(subject: Subject) -> str:
    """What is done with it first: a recall or an update is decided about before it is shown."""
    return "undecided" if subject.kind in {Kind.RECALL, Kind.UPDATE} else "received"


def facts_of(subject: Subject) -> dict[str, Any]:
    """What a trace shows of it."""
    return {
        "kind": subject.kind,
        "sender": subject.sender,
        "document_id": same_id(subject.document_id),
        "code": subject.document_id.rpartition(",")[2],
        "subject": "",
        "content_digest": subject.content_digest,
    }


def findings_of(refusal: Statement) -> list[dict[str, object]]:
    """Why the hub has refused something, as findings of this agency's own are kept."""
    return [
        {
            "code": reason.code,
            "severity": "error",
            "text": reason.text_en,
            "text_vi": reason.text_vi,
            "retry": reason.retry,
        }
        for reason in refusal.reasons
    ]


def is_from_before(said: Receipt, registry: Registry, now: datetime) -> bool:
    """Whether a recipient's receipt that has just come may be about what the hub's record lost when it was put back: it
    lay in the queue, and the registry that says so has overtaken it."""
    return (
        said.issuer != HUB
        and registry.resend_from is not None
        and now < registry.issued_at + LATE_RECEIPTS
        and said.subject.axis_id <= earliest(registry.issued_at)
    )
