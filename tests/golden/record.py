"""The golden cases as they are kept, and what is known to be wrong in them."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from tests.golden.normal import normal_form
from tests.golden.world import World, together

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.golden.normal import Normal
    from tests.golden.world import Mail

DATA = Path(__file__).parent / "data"
DIFFERENCES = Path(__file__).parent / "known_differences.json"
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


def played(group: str, name: str, arrange: Callable[[Sequence[Mail]], list[list[Mail]]] = together) -> Normal:
    """What a case leads to."""
    with World(arrange) as world:
        CASES[group][name](world)
        return normal_form(world)


def kept(group: str) -> dict[str, Normal]:
    """What the cases of a group have led to when they were written."""
    found: dict[str, Normal] = json.loads((DATA / f"{group}.json").read_text("utf-8"))
    return found


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
    differs = False
    DATA.mkdir(exist_ok=True)
    for group, cases in CASES.items():
        now = {name: played(group, name) for name in cases}
        path = DATA / f"{group}.json"
        if arguments == ["--write"]:
            path.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", "utf-8")
            continue
        before = kept(group)
        for name in {**before, **now}:
            if found := difference(before.get(name, {}), now.get(name, {})):
                differs = True
                print(f"== {group}: {name}\n{found}")
    return int(differs)
