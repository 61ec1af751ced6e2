"""Alarms before a certificate ends: which threshold was crossed since somebody looked last. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core.doctor import ALARMS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

OVER = 0  # the threshold of what has ended


@dataclass(frozen=True, slots=True)
class Alarm:
    """`name`'s certificate ends at `end`: the last threshold that was crossed is so many `days` before."""

    name: str
    days: int
    end: datetime


def crossed(ends: Mapping[str, datetime], before: datetime | None, now: datetime) -> list[Alarm]:
    """For each certificate the last threshold that was crossed after `before` (None: nobody has looked yet) up to
    `now`; the first to end first. Each is so told once, however often somebody looks."""
    found = []
    for name, end in ends.items():
        days = next((days for days in (OVER, *ALARMS) if end - timedelta(days=days) <= now), None)
        if days is not None and (before is None or end - timedelta(days=days) > before):
            found.append(Alarm(name, days, end))
    return sorted(found, key=lambda one: (one.end, one.name))
