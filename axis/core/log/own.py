"""Which entries are about an agency, and which of those its own journal has to know.

Who has no mirror sees these alone, and believes the log's word that there are no others; the count that comes with them
is what a mirror's is compared with.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

REFUSED = "submission.refused"  # of what was sent in an agency's name, and has no submission


def agencies(value: dict[str, Any], sender: str) -> set[str]:
    """The agencies that an entry (as JSON) is about; `sender`: whose the submission is that it names. What somebody at
    the centre has done, with his name and reason, is for the centre alone."""
    if "act" in value["detail"] or not (value["axis_id"] or value["event"] == REFUSED):
        return set()
    return {value["actor"], value["recipient"], sender, str(value["detail"].get("sender", ""))} - {"", "HUB"}


@dataclass(frozen=True, slots=True)
class Claim:
    """What an entry says in an agency's name: that it has sent this content, or has answered for this submission."""

    position: int
    event: str
    axis_id: str
    content_digest: str = ""


_ANSWERS = ("delivery.handed_over", "delivery.refused")


def claim(position: int, canonical: str, code: str) -> Claim | None:
    """What this entry says in the name of agency `code`; None where it says nothing that its journal has to know.
    Raises ValueError or KeyError for what is no entry."""
    value = json.loads(canonical)
    event, detail = str(value["event"]), value["detail"]
    if event == "submission.accepted" and detail.get("sender") == code:
        return Claim(position, event, str(value["axis_id"]), str(detail["content_digest"]))
    if event in _ANSWERS and value["actor"] == code:
        return Claim(position, event, str(value["axis_id"]))
    return None
