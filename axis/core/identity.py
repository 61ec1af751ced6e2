"""Identifiers: what the sender's are compared by, and ours, which sort by time: UUID version 7 (RFC 9562, sections 5.7
and 6.2)."""

from __future__ import annotations

import unicodedata
import uuid
from datetime import UTC, datetime

MAX_ID = 1000  # characters of what is looked at as an id: some orders of marks take time that grows with the square


def same_id(text: str) -> str:
    """What an id is compared by: two normal forms of one text are one id. What is longer than any id stays as it is."""
    return text if len(text) > MAX_ID else unicodedata.normalize("NFC", text)


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


def moment_of(identifier: str) -> datetime:
    """When this UUID v7 was made, to the millisecond, in UTC. Raises :class:`ValueError` for what is no UUID."""
    return datetime.fromtimestamp((uuid.UUID(identifier).int >> 80) / 1000, UTC)


def uuid7_after(previous: str, now: datetime, entropy: bytes) -> str:
    """As :func:`uuid7`; of the millisecond of `previous`, the id that was given before it ("" for none), one that is
    greater by a random step. So what one hub accepts within one decision sorts in the order in which it did."""
    found = uuid7(now, bytes([entropy[0] & 0x7F]) + entropy[1:])
    if found[:13] != previous[:13] or found > previous:
        return found
    before = uuid.UUID(previous).int
    chance = ((before >> 64 & 0xFFF) << 62 | before & (1 << 62) - 1) + 1 + int.from_bytes(entropy[-4:], "big")
    return uuid7(now, (chance >> 62).to_bytes(2, "big") + (chance & (1 << 62) - 1).to_bytes(8, "big"))
