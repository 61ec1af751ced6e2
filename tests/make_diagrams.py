"""Draws docs/lifecycle.md from the tables of axis/core/hub/lifecycle.py: ``python -m tests.make_diagrams``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from axis.core.hub import lifecycle

if TYPE_CHECKING:
    from collections.abc import Mapping

TARGET = Path(__file__).parent.parent / "docs" / "lifecycle.md"
HEAD = """# The life of a document

Drawn from the tables in `axis/core/hub/lifecycle.py` by `python -m tests.make_diagrams`; a test compares. What a table does not
have cannot happen: it is refused, and nothing is changed.

"""
DELIVERY = """## A delivery

One submission to one member. HANDED_OVER (E.1), REFUSED (E.2) and RECALLED (W.1) exclude one another; FAILED (D.2) is not final:
what happens later wins over what was concluded.

"""
DEMAND = """## A recall, an update, a replacement

What a sender asks of each unit that it has sent a document to. A recall begins PENDING, on its way to the one place that can know:
the hub while the parcel has not left, the recipient's adapter from then on. There the hand-over and the withdrawal compete in one
journal transaction. Updates and replacements begin OPEN. AGREED and DECLINED are the clerk's 15 and 16.

"""
BUSINESS = """## The business status

Reported by the recipient's system for each addressed unit (QĐ 28/2018, Art. 10.2h): 01 arrived, 02 refused, 03 accepted,
04 assigned, 05 processing, 06 finished. Forward only; a report that is late or repeated changes nothing.

"""


def diagram(table: Mapping[str, Mapping[str, str]], first: tuple[str, ...]) -> str:
    """A Mermaid state diagram. What leaves a state as it is is left out."""
    lines = ["```mermaid", "stateDiagram-v2", *(f"    [*] --> {_name(name)}" for name in first)]
    for state, steps in table.items():
        by_target: dict[str, list[str]] = {}
        for step, target in steps.items():
            if target != state:
                by_target.setdefault(target, []).append(step)
        lines += [f"    {_name(state)} --> {_name(target)}: {', '.join(which)}" for target, which in by_target.items()]
    final = [state for state, steps in table.items() if all(target == state for target in steps.values())]
    return "\n".join([*lines, *(f"    {_name(state)} --> [*]" for state in final), "```", ""])


def matrix(table: Mapping[str, Mapping[str, str]]) -> str:
    """Every cell of a table."""
    steps = list(dict.fromkeys(step for row in table.values() for step in row))
    rows = [f"| {_name(state)} | " + " | ".join(row.get(s, "·") for s in steps) + " |" for state, row in table.items()]
    head = "| | " + " | ".join(steps) + " |"
    return "\n".join([head, "|---" * (len(steps) + 1) + "|", *rows, ""])


def _name(state: str) -> str:
    return state or "none"


def text() -> str:
    """What docs/lifecycle.md says."""
    parts = [HEAD]
    for intro, table, first in (
        (DELIVERY, lifecycle.DELIVERY, ("ACCEPTED",)),
        (DEMAND, lifecycle.DEMAND, ("PENDING", "OPEN")),
        (BUSINESS, lifecycle.BUSINESS, ("none",)),
    ):
        plain = {str(state): {str(step): str(to) for step, to in steps.items()} for state, steps in table.items()}
        parts += [intro, diagram(plain, first), "\n", matrix(plain), "\n"]
    return "".join(parts).rstrip("\n") + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
