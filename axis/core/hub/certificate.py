"""How a delivery to several has ended: the certificate of distribution (S.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core.hub.dossier import Together
from axis.core.hub.lifecycle import State
from axis.core.hub.terms import Leg, Progress
from axis.core.instant import from_text, whole
from axis.core.ledger import Entry
from axis.core.receipt import Event, Statement
from axis.core.registry import HUB

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from axis.core.hub.dossier import Delivery, Document, Limit, Said, Submission
    from axis.core.hub.draft import Draft

_S1 = Event.DistributionCertificate.code
_ENDED_BY = {State.HANDED_OVER: "E.1", State.REFUSED: "E.2", State.FAILED: "D.2"}


def foresee(draft: Draft, document: Document, ending: Collection[str]) -> None:
    """Ask for what :func:`certify` will need if the deliveries to these recipients end now, before anything is decided:
    a batch of a circular's last receipts is not decided again for each of its questions."""
    if draft.is_over(document, ending):
        _gathered(draft, document)


def certify(draft: Draft, document: Document) -> None:
    """When every delivery of a document to several is over: the certificate of distribution, to the sender. Once, and
    once more for everybody when an update has added recipients since."""
    if not draft.is_over(document) or (gathered := _gathered(draft, document)) is None:
        return
    about, found = gathered
    rows = [row for row, *_ in found]
    outcomes = {row.recipient: row.state.value for row in rows}
    certified = Entry(draft.now, HUB, "distribution.certified", about.axis_id, "", {"outcomes": outcomes})
    entry = draft.enter(certified)
    statements = [
        Statement(
            draft.new_id(),
            Event.DistributionCertificate,
            from_text(time) if time else whole(draft.now),
            row.recipient,
            entry=entry,
            leg="late" if late else "",
            outcome=row.state.value,
            evidence=digest,
        )
        for row, digest, time, late in found
    ]
    draft.issue(about, statements, entry)


def _gathered(draft: Draft, document: Document) -> tuple[Submission, list[tuple[Delivery, str, str, bool]]] | None:
    """The document and, for each recipient, its delivery, the digest and time of the receipt by which that ended, and
    whether it was late; None where a certificate has spoken of all of them."""
    together = Together()
    with together.step():
        about = draft.own(document)
    with together.step():
        known = draft.recipients(document)
    together.ask()
    if about is None or _certified(draft.receipts(about.axis_id)) >= set(known):
        return None
    found, together = [], Together()
    for row in (known[code] for code in sorted(known)):
        with together.step():
            found.append((row, *_evidence(draft, row), _was_late(draft.limits(row.id))))
    together.ask()
    return about, found


def _certified(said: Mapping[tuple[str, str], Said]) -> set[str]:
    """Of whom a certificate has spoken: the last one speaks of all that those before it spoke of."""
    return {recipient for event, recipient in said if event.partition(" ")[0] == _S1}


def _evidence(draft: Draft, row: Delivery) -> tuple[str, str]:
    """(digest, time) of the receipt by which a delivery ended."""
    event = _ENDED_BY.get(row.state)
    if event is not None:
        said = draft.receipts(row.axis_id).get((event, row.recipient))
    else:
        recalls = draft.recalls(row.id)
        said = draft.receipts(recalls[0].asked_by).get(("W.1", row.recipient)) if recalls else None
    return (said.receipt_digest, said.time) if said is not None else ("", "")


def _was_late(limits: Mapping[str, Limit]) -> bool:
    handover = limits.get(Leg.HANDOVER.value)
    return handover is not None and handover.progress == Progress.LATE.value
