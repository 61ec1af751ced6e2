"""The one place of a decision that has a key: receipts are signed, and their digests put where their names stood.

A receipt that quotes another's digest (S.1 quotes the receipt by which a delivery ended) comes after it in the list, so
signing in order is signing in order of dependence.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from axis.core import receipt
from axis.core.hub.change import Keep
from axis.core.receipt import Receipt, Subject
from axis.core.registry import HUB

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from axis.core.hub.change import Change, Changes, Sign
    from axis.core.hub.dossier import Digest, Document
    from axis.core.ledger import Entry
    from axis.core.signature import Signer


class UnsealedError(Exception):
    """A receipt quotes one that is not signed yet, or a change names an entry that is not of its decision: a fault of
    ours, and nothing of the decision is written."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A decision with its receipts signed. `digests`: what each receipt's name stands for."""

    changes: tuple[Change, ...]
    entries: tuple[Entry, ...]
    payloads: tuple[Keep, ...]
    digests: Mapping[str, Digest]
    locked: frozenset[Document]

    def resolved(self, digest: Digest) -> Digest:
        """`digest`, or the digest that this name of a receipt stands for."""
        return self.digests[digest] if digest.startswith("@") else digest


def seal(changes: Changes, installation: str, signer: Signer, at: datetime) -> Sealed:
    """Sign what was decided. Raises :class:`UnsealedError`."""
    digests: dict[str, Digest] = {}
    payloads = list(changes.payloads)
    for one in changes.receipts:
        signed = receipt.signed(_receipt(one, installation, digests), signer, at)
        digests[one.name] = hashlib.sha256(signed).hexdigest()
        payloads.append(Keep(digests[one.name], signed))
    entered = {entry.digest for entry in changes.entries}
    for change in changes.changes:
        if change.entry is not None and change.entry not in entered:
            raise UnsealedError(change)
    return Sealed(changes.changes, changes.entries, tuple(payloads), digests, changes.locked)


def _receipt(one: Sign, installation: str, digests: Mapping[str, Digest]) -> Receipt:
    subject = Subject(one.axis_id, one.kind, one.sender, one.document_id, one.content_digest)
    statements = []
    for said in one.statements:
        if said.evidence.startswith("@"):
            if said.evidence not in digests:
                raise UnsealedError(said)
            said = replace(said, evidence=digests[said.evidence])  # noqa: PLW2901
        statements.append(said)
    return Receipt(installation, HUB, subject, tuple(statements), one.registry_version)
