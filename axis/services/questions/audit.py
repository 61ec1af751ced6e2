"""Who has done what with a home, when and why: acts that were done, and tries that were refused or failed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from axis.core.instant import to_text
from axis.errors import Fault, rejected
from axis.infra import acts
from axis.infra.record import ledger, restored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from axis.core.ledger import Entry
    from axis.infra.record.store import HubReader

PAGE, MAX_ENTRIES = 1000, 20_000  # of the ledger that are read at once, and looked at by one question
# What only an administrator does; a registry is issued for one, too.
_EVENTS = {"registry.issued", "retention.held", "retention.released", restored.RESTORED}
_EVENTS |= {
    f"{about}.{what}" for about in ("quarantine", "delivery") for what in ("retry", "release", "return", "drop")
}


@dataclass(frozen=True)
class Selection:
    """Which acts: by this user (of the rights, or of the login), about this agency, of this command or group of
    commands, within a time; `undone`: only what was refused, has failed, or has not ended."""

    by: str = ""
    agency: str = ""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None
    undone: bool = False


def find(home: Path, wanted: Selection, before: str, limit: int) -> list[dict[str, Any]]:
    """The newest `limit` acts that began before the one with the id `before` ("": of all), newest first. Raises
    :class:`Rejected` NOT_FOUND for what is no id."""
    return list(islice(_those(home, wanted, before), limit))


def in_ledger(reader: HubReader, wanted: Selection, before: str, limit: int) -> list[dict[str, Any]]:
    """The same by the ledger, whatever home it was done from and before acts were noted beside it: what has changed the
    record. The newest `limit` of the MAX_ENTRIES entries inserted before the one with the number `before`."""
    if before and not (before.isascii() and before.isdigit() and len(before) < 19):
        raise rejected(Fault.NOT_FOUND, before[:64])
    since, until = (to_text(moment) if moment else "" for moment in (wanted.since, wanted.until))
    found: list[dict[str, Any]] = []
    last = int(before or 0)
    for _ in range(MAX_ENTRIES // PAGE):
        page = ledger.newest_first(reader, last, PAGE)
        for number, position, entry in page:
            act = _of_entry(entry) | {"id": str(number), "position": position}
            if since and act["at"] < since:
                return found
            if entry.event in _EVENTS and (not until or act["at"] < until) and _is_meant(act, wanted):
                found.append(act)
                if len(found) == limit:
                    return found
        if len(page) < PAGE:
            break
        last = page[-1][0]
    return found


def _of_entry(entry: Entry) -> dict[str, Any]:
    detail = entry.detail
    return {
        "at": to_text(entry.time),
        "user": str(detail.get("by", "")),
        "act": str(detail.get("act", "")),
        "kind": " ".join([entry.event, *([str(detail["change"])] if "change" in detail else [])]),
        "agencies": [entry.recipient] if entry.recipient else [],
        "axis_id": entry.axis_id,
        "reason": str(detail.get("reason", "")),
        "outcome": "done",
        **{name: str(detail[name]) for name in ("signed", "officers_act") if name in detail},
    }


def _those(home: Path, wanted: Selection, before: str) -> Iterator[dict[str, Any]]:
    since, until = (to_text(moment) if moment else "" for moment in (wanted.since, wanted.until))
    for act in acts.newest_first(home, before, until):
        if since and str(act["id"])[:7] < since[:7]:
            return
        if (not since or act["at"] >= since) and (not until or act["at"] < until) and _is_meant(act, wanted):
            yield act


def _is_meant(act: dict[str, Any], wanted: Selection) -> bool:
    return (
        wanted.by in {"", act.get("user"), act.get("login")}
        and (not wanted.agency or wanted.agency in act.get("agencies", ()))
        and (not wanted.kind or f"{act.get('kind')} ".startswith(f"{wanted.kind} "))
        and (not wanted.undone or act.get("outcome") != "done")
    )
