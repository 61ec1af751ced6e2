"""Agencies as a person names them: by words of their names without accents, or by a code with a slip in it. Pure."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from axis.core.words import fold, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.core.registry import Member

MOST = 3  # that are suggested
ALIKE = 0.6  # of 1: how like a code must be


def search(members: Sequence[Member], text: str) -> list[Member]:
    """Those whose code, aliases and names have every word of `text` in them, whatever the case and accents; all for
    none, in their order."""
    wanted = words(text)
    return [one for one in members if all(word in _said(one) for word in wanted)]


def near(members: Sequence[Member], text: str) -> list[Member]:
    """Whom somebody may have meant who wrote `text` for a code: by codes like it first, then by name; at most MOST."""
    typed = text.strip().upper()[:64]
    by_code = {code.upper(): one for one in members for code in (one.code, *one.aliases)}
    alike = difflib.get_close_matches(typed, by_code, len(by_code) or 1, ALIKE)
    # H59 has two letters of H98, too, and nobody slips from the one to the other.
    alike = [code for code in alike if _is_slip(typed, code)] or alike
    # Of one letter too much or too few the codes that begin so are nearer than others of their length.
    alike.sort(key=lambda code: not (code.startswith(typed) or typed.startswith(code)))
    found = {by_code[code].code: by_code[code] for code in alike[:MOST]}
    if words(text):
        found |= {one.code: one for one in search(members, text) if one.code not in found}
    return list(found.values())[:MOST]


def _is_slip(typed: str, code: str) -> bool:
    """Whether one letter is another one, too much or too few, or two have changed places."""
    begins = next((n for n, (a, b) in enumerate(zip(typed, code, strict=False)) if a != b), min(len(typed), len(code)))
    one, other = typed[begins:], code[begins:]
    return one[1:] in {other[1:], other} or one == other[1:] or (one[1::-1], one[2:]) == (other[:2], other[2:])


def _said(member: Member) -> str:
    return fold(" ".join((member.code, *member.aliases, member.name_vi, member.name_en)))
