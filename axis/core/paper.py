"""The recovery paper: a private key in words that a person writes down, reads out and types again.

Sixteen groups of four for the key, as a fingerprint has them, and a seventeenth by which a slip of the pen is noticed.
"""

from __future__ import annotations

import hashlib
import re

from axis.errors import Fault, rejected

BYTES, CHECK = 32, 2
_LINE = re.compile(r"\s*(?:[0-9a-f]{4}[\s-]*)+", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s-]")


def groups(secret: bytes) -> str:
    """`secret` as it stands on paper: two lines of groups."""
    digits = (secret + _check(secret)).hex()
    parts = [digits[at : at + 4] for at in range(0, len(digits), 4)]
    return " ".join(parts[:8]) + "\n" + " ".join(parts[8:])


def read(text: str) -> bytes:
    """The secret on the paper, whatever else is written above and below it. Raises :class:`Rejected` RECOVERY_PAPER,
    which says nothing of what was read."""
    lines = [line for line in text.splitlines() if _LINE.fullmatch(line)]
    digits = _BETWEEN.sub("", "".join(lines))
    if len(digits) != 2 * (BYTES + CHECK):
        raise rejected(Fault.RECOVERY_PAPER, f"{len(digits) // 4} / {(BYTES + CHECK) // 2}")
    data = bytes.fromhex(digits)
    if _check(data[:BYTES]) != data[BYTES:]:
        raise rejected(Fault.RECOVERY_PAPER, "≠")
    return data[:BYTES]


def _check(secret: bytes) -> bytes:
    return hashlib.sha256(b"axis recovery paper" + secret).digest()[:CHECK]
