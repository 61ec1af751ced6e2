"""The golden cases as they are kept, and what is known to be wrong in them."""

from __future__ import annotations

import difflib
import json
import logging
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.golden.batches import outcome
from tests.golden.case import CASES
from tests.golden.cases import (
    answers,
    aside,
    certificates,
    consignment,
    deadlines,
    documents,
    recalls,
    receipts,
    refusals,
    replacements,
    statuses,
    updates,
)
from tests.golden.world import together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.golden.normal import Normal
    from tests.golden.world import Mail

DATA = Path(__file__).parent / "data"
DIFFERENCES = Path(__file__).parent / "known_differences.json"
SEVERAL = Path(__file__).parent / "several_at_once.json"
MODULES = (
    aside,
    answers,
    certificates,
    consignment,
    deadlines,
    documents,
    recalls,
    receipts,
    refusals,
    replacements,
    statuses,
    updates,
)  # they register their cases


def played(group: str, name: str) -> tuple[Normal, bool]:
    """What a case leads to; whether it gives several messages at once."""
    sizes: list[int] = []

    def arrange(mails: Sequence[Mail]) -> list[list[Mail]]:
        sizes.append(len(mails))
        return together(mails)

    return outcome(CASES[group][name], arrange), max(sizes, default=0) > 1


@cache
def kept(group: str) -> dict[str, Normal]:
    """What the cases of a group have led to when they were written."""
    found: dict[str, Normal] = json.loads((DATA / f"{group}.json").read_text("utf-8"))
    return found


def accepted(group: str, name: str) -> list[Normal]:
    """What a case may lead to: what is kept, and what would be right where that is known to be wrong."""
    golden = kept(group)[name]
    known = known_differences()["right"].get(f"{group}: {name}")
    return [golden] if known is None else [golden, mended(golden, known["lines"])]


@cache
def several_at_once() -> list[str]:
    """The cases that give several messages at once."""
    found: list[str] = json.loads(SEVERAL.read_text("utf-8"))
    return found


@cache
def known_differences() -> dict[str, Any]:
    """``right``: by case, lines that are wrong today and what stands in their place once they are right; ``split``: by
    case, why it depends on the batches that its messages come in."""
    found: dict[str, Any] = json.loads(DIFFERENCES.read_text("utf-8"))
    return found


def mended(normal: Normal, changes: dict[str, list[list[str]]]) -> Normal:
    """`normal` with the lines of each section (first list) replaced (by the second list)."""
    found = dict(normal)
    for section, (wrong, right) in changes.items():
        missing = [line for line in wrong if line not in found.get(section, [])]
        assert not missing, f"{section}: not in the golden case: {missing}"
        found[section] = sorted([*(line for line in found.get(section, []) if line not in wrong), *right])
        if not found[section]:
            del found[section]
    return found


def difference(before: Normal, after: Normal) -> str:
    """What differs, as a diff; empty for nothing."""
    texts = [json.dumps(one, indent=1, ensure_ascii=False, sort_keys=True).splitlines() for one in (before, after)]
    return "\n".join(difflib.unified_diff(*texts, "golden", "now", lineterm="", n=1))


def main(arguments: Sequence[str]) -> int:
    """Write all cases, or say what differs."""
    logging.disable(logging.CRITICAL)
    differs, several = False, []
    DATA.mkdir(exist_ok=True)
    for group, cases in CASES.items():
        now = {}
        for name in cases:
            now[name], at_once = played(group, name)
            several += [f"{group}: {name}"] if at_once else []
        path = DATA / f"{group}.json"
        if arguments == ["--write"]:
            path.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", "utf-8")
            continue
        before = kept(group)
        for name in {**before, **now}:
            if found := difference(before.get(name, {}), now.get(name, {})):
                differs = True
                print(f"== {group}: {name}\n{found}")
    if arguments == ["--write"]:
        SEVERAL.write_text(json.dumps(sorted(several), indent=1) + "\n", "utf-8")
    return int(differs)
