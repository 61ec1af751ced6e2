"""Read what is needed, decide, seal, write: each once for a batch, within one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from axis.core.hub.dossier import NotReadError
from axis.core.hub.draft import Draft, Ids
from axis.core.hub.seal import seal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from axis.core.hub.dossier import Document, Question
    from axis.infra.record.store import HubTransaction
    from axis.services.hub.worker import Hub

T = TypeVar("T")
ROUNDS = 100  # what a rule asks next depends on an answer some six times; the tests of the rules allow sixteen


def carry_out(
    hub: Hub,
    tx: HubTransaction,
    documents: Collection[Document],
    wanted: Iterable[Question],
    rule: Callable[[Draft], T],
    now: datetime,
    existing: Collection[Document] = (),
    traces: Mapping[str, str] | None = None,
) -> T:
    """Lock these documents (the `existing` ones were spoken of before), read what is wanted, let `rule` decide, and
    write its changes with the receipts signed; what it returns. It is called again when it has asked what was not
    read. `traces`: see :func:`axis.infra.record.changes.write`."""
    facts = tx.lock(documents, existing)
    tx.read(wanted, facts)
    ids = Ids(lambda: hub.new_id(now))
    for left in reversed(range(ROUNDS)):
        draft = Draft(facts, documents, hub.rules, now, ids.again())
        try:
            found = rule(draft)
        except NotReadError as error:
            if not left:
                raise
            tx.read(error.questions, facts)
            continue
        sealed = seal(draft.decided(), hub.installation, hub.signer, now)
        tx.write(sealed, hub.sequencer(now), traces)
        hub.hold(sealed.payloads)
        return found
    raise AssertionError
