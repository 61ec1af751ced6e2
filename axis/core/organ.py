"""Agency codes (OrganId): QĐ 20/2020/QĐ-TTg, Articles 4-6, and the older 13-character form of QCVN 102:2016, which some
software writes without its first group."""

from __future__ import annotations

import re

MAX_LENGTH = 35  # QĐ 20/2020, Art. 4; QCVN 102 SĐ1:2022
_OLD = re.compile(r"(?:([0-9A-Z]{3})\.)?([0-9A-Z]{2})\.([0-9A-Z]{2})\.([A-Y][0-9]{2})")
_NEW = re.compile(r"[A-Y][0-9]{2}(\.[A-Z0-9]+)*")
_OTHER = re.compile(r"Z[0-9]{2}[0-9A-Z.]{1,32}")  # Art. 6: bodies outside the other groups
_BUSINESS = re.compile(r"[0-9]{10}(-?[0-9]{3})?")  # Art. 5: an enterprise's registration number


def normalise(organ_id: str) -> str:
    """The code in its new form. ``000.00.14.H20`` and ``00.14.H20`` become ``H20.14``, ``000.00.00.G22`` is ``G22``.

    The old form is read from right to left, groups of zeros left out; that is right for the first level and
    usual below it (a body that renumbered its units needs an alias in the registry).
    Raises ValueError for what is no code at all.
    """
    if len(organ_id) <= MAX_LENGTH:
        if old := _OLD.fullmatch(organ_id):
            groups = [old[4], *(group for group in (old[3], old[2], old[1] or "") if group.strip("0"))]
            return ".".join(groups)
        if any(form.fullmatch(organ_id) for form in (_NEW, _OTHER, _BUSINESS)):
            return organ_id
    raise ValueError(f"not an agency code: {organ_id[:40]!r}")


def is_valid(organ_id: str) -> bool:
    """Whether :func:`normalise` can read it."""
    try:
        normalise(organ_id)
    except ValueError:
        return False
    return True


def ancestors(code: str) -> list[str]:
    """`code` and what is above it, nearest first: H29.10.05, H29.10, H29."""
    if _OTHER.fullmatch(code) or _BUSINESS.fullmatch(code):
        return [code]
    parts = code.split(".")
    return [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
