"""Something that was received and is believed, on its way into the journal."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from axis.core.ledger import Entry
from axis.errors import Problem
from axis.infra.journal.transaction import JournalTransaction

if TYPE_CHECKING:
    from datetime import datetime

    from axis.core.agency.files import Names
    from axis.core.message import Delivered
    from axis.core.parcel import Parcel
    from axis.core.receipt import Receipt
    from axis.infra.database import Row
    from axis.services.agency.adapter import Agency

Change = Callable[[JournalTransaction], None]


@dataclass
class Mail:
    """Something that was received and is believed. Called with a transaction, it is kept."""

    agency: Agency
    identifier: str
    kind: str
    body: bytes
    proof: bytes
    state: str
    facts: dict[str, Any]
    entry: Entry
    urgent: bool = False
    opened: Parcel | None = None  # of a document or status that was verified
    said: Receipt | None = None  # of a receipt; the hub's word about anything else
    also: Change | None = None  # what else it changes
    then: Change | None = None  # and, where it is new, when it is kept
    names: Names = field(default_factory=list)  # the files of what is prepared before it is kept
    is_new: bool = False  # it was kept, and is shown next if it is prepared
    digests: tuple[str, str] = ("", "")  # of body and proof, where they are known

    def __call__(self, tx: JournalTransaction) -> None:
        """Keep it; nothing where it is here already."""
        if self.also is not None:
            self.also(tx)
        state = "handing_over" if self.names else self.state
        self.is_new = tx.receive(
            self.identifier,
            self.kind,
            self.body,
            self.proof,
            state,
            self.facts,
            self.entry,
            urgent=self.urgent,
            names=self.names,
            digests=self.digests,
        )
        if self.then is not None and self.is_new:
            self.then(tx)
        if self.names and self.is_new:
            tx.enter(handing_over(self.agency, self.row, self.names, self.entry.time))

    @property
    def row(self) -> dict[str, Any]:
        """What the journal knows of it then, as far as showing it needs."""
        return {
            "id": self.identifier,
            "kind": self.kind,
            "state": "handing_over",
            "names": self.names,
            "attempts": 0,
            "facts": self.facts,
            "proof_digest": (self.digests[1] or hashlib.sha256(self.proof).hexdigest()) if self.proof else "",
        }


Judged = list[tuple["Delivered", "Mail | Change | Problem"]]


def handing_over(agency: Agency, row: Row | dict[str, Any], names: Names, now: datetime) -> Entry:
    """The event of files that are shown next."""
    detail = {"files": [f"{folder}/{name}" for folder, name in names]}
    return Entry(now, agency.code, f"{row['kind']}.handing_over", axis_id(row), "", detail)


def axis_id(row: Row | dict[str, Any]) -> str:
    """What its events are found under; a receipt has no axis id of its own."""
    return "" if row["kind"] == "receipt" else str(row["id"])
