"""The ledger: append-only entries, each linked to the one before by hash.

An entry's digest is fixed when it is written, in the transaction of the change it tells of; receipts quote
it. Its position and link come with it from a worker that holds the lease to give them, and later where that is another:
commit order is not insertion order.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from axis.core.instant import from_text, to_text

if TYPE_CHECKING:
    from datetime import datetime

GENESIS = "0" * 64
_TEXTS = ("actor", "axis_id", "event", "recipient", "time")
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Entry:
    """One thing that happened. `actor` is HUB or an agency code; `event` a dotted tag (``submission.accepted``)."""

    time: datetime
    actor: str
    event: str
    axis_id: str = ""
    recipient: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def canonical(self) -> str:
        """The text that is digested: JSON, keys sorted, no blanks, ASCII."""
        return _CANONICAL.encode(
            {
                "actor": self.actor,
                "axis_id": self.axis_id,
                "detail": self.detail,
                "event": self.event,
                "recipient": self.recipient,
                "time": to_text(self.time),
            }
        )

    @cached_property
    def digest(self) -> str:
        """Hex SHA-256 of :attr:`canonical`."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()


def read(canonical: str) -> Entry:
    """The entry whose :attr:`Entry.canonical` is `canonical`. Raises ValueError (KeyError, TypeError) if it is none."""
    value = json.loads(canonical)
    if not (isinstance(value["detail"], dict) and all(isinstance(value[name], str) for name in _TEXTS)):
        msg = "no entry"
        raise ValueError(msg)
    return Entry(
        from_text(value["time"]),
        value["actor"],
        value["event"],
        value["axis_id"],
        value["recipient"],
        value["detail"],
    )


def link(previous: str, position: int, entry_digest: str) -> str:
    """The link of the entry at `position` (from 1): hex SHA-256 over the previous link, position and digest."""
    return hashlib.sha256(f"{previous}\n{position}\n{entry_digest}\n".encode()).hexdigest()
