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
    alike = difflib.get_close_matches(typed, by_code, MOST, ALIKE)
    # Of one letter too much or too few the codes that begin so are nearer than others of their length.
    alike.sort(key=lambda code: not (code.startswith(typed) or typed.startswith(code)))
    found = {by_code[code].code: by_code[code] for code in alike}
    if words(text):
        found |= {one.code: one for one in search(members, text) if one.code not in found}
    return list(found.values())[:MOST]


def _said(member: Member) -> str:
    return fold(" ".join((member.code, *member.aliases, member.name_vi, member.name_en)))
