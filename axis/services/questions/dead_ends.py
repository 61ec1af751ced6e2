"""``axis queue list``: what the hub could not deal with or could not deliver, and what waits for an operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from axis.core.instant import to_text
from axis.errors import Fault, rejected
from axis.infra.record import quarantine, search

if TYPE_CHECKING:
    from datetime import datetime

    from axis.infra.database import Row
    from axis.infra.record.store import HubReader


@dataclass(frozen=True)
class Selection:
    """Which dead ends: from or to one agency, with one code, since a moment; not more than `limit` of them."""

    agency: str = ""
    code: str = ""
    since: datetime | None = None
    limit: int = 1000


def listed(reader: HubReader) -> list[dict[str, Any]]:
    """Everything that waits for an operator: failed deliveries and quarantined messages, the oldest first."""
    failed = [_failed(row) for row in search.failed(reader)]
    kept = [_quarantined(row) for row in quarantine.found(reader)]
    return sorted([*failed, *kept], key=lambda one: str(one["since"]))


def found(reader: HubReader, wanted: Selection) -> list[dict[str, Any]]:
    """Those of :func:`listed` that are meant, at most `wanted.limit`."""
    since = to_text(wanted.since) if wanted.since else ""
    return [
        one
        for one in listed(reader)
        if wanted.agency in {"", one["agency"], one["sender"]}
        and wanted.code in {"", one["code"]}
        and str(one["since"]) >= since
    ][: wanted.limit]


def shown(reader: HubReader, identifier: str) -> dict[str, Any]:
    """One of them, by its id or a unique beginning of it. Raises :class:`Rejected`: NOT_FOUND, AMBIGUOUS."""
    found = [one for one in listed(reader) if str(one["id"]).startswith(identifier)]
    if not found:
        raise rejected(Fault.NOT_FOUND, identifier)
    if len(found) > 1:
        raise rejected(Fault.AMBIGUOUS, identifier, ", ".join(str(one["id"]) for one in found[:5]))
    return found[0]


def _failed(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "what": "delivery",
        "agency": row["recipient"],
        "sender": row["sender"],
        "document_id": row["document_id"],
        "axis_id": row["axis_id"],
        "attempts": row["attempts"],
        "since": row["updated_at"],
        "code": "UNDELIVERED",
    }


def _quarantined(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "what": "message",
        "agency": row["agency"],
        "sender": row["agency"],
        "document_id": "",
        "axis_id": "",
        "attempts": row["attempts"],
        "since": row["since"],
        "code": row["code"],
    }
