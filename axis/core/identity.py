"""Identifiers that sort by time: UUID version 7 (RFC 9562, section 5.7)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def earliest(moment: datetime) -> str:
    """What every UUID v7 of `moment` and later is not less than, as text."""
    return uuid7(moment, bytes(10))


def uuid7(now: datetime, entropy: bytes) -> str:
    """A UUID v7 of the moment `now` (milliseconds) and ten bytes of `entropy`."""
    milliseconds = int(now.timestamp() * 1000)
    value = milliseconds.to_bytes(6, "big") + entropy[:10]
    number = int.from_bytes(value, "big")
    number = number & ~(0xF << 76) | (7 << 76)  # version
    number = number & ~(0x3 << 62) | (0x2 << 62)  # variant
    return str(uuid.UUID(int=number))
