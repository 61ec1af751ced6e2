"""Moments as text. Inside everything is UTC; people and edXML see Viet Nam time (QĐ 28/2018, Art. 14.4)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

VIETNAM = timezone(timedelta(hours=7))  # no daylight saving since 1945: a fixed offset needs no zone data
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@lru_cache(maxsize=1024)  # a batch has one time, in many rows
def to_text(moment: datetime) -> str:
    """``2026-11-23T03:00:00.000Z``: UTC, milliseconds, sorts as it reads. `moment` must be aware."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def from_text(text: str) -> datetime:
    """The moment of :func:`to_text`. Raises ValueError for any other form."""
    if not _ISO.fullmatch(text):
        msg = f"not a moment: {text[:40]!r}"
        raise ValueError(msg)
    return datetime.fromisoformat(text)


def whole(moment: datetime) -> datetime:
    """`moment` cut to milliseconds in UTC, as :func:`to_text` keeps it."""
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


def local(moment: datetime) -> str:
    """For people: ``2026-11-23 10:00:00 +07:00``."""
    return moment.astimezone(VIETNAM).strftime("%Y-%m-%d %H:%M:%S +07:00")
