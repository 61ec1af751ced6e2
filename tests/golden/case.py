"""The cases by group, as their modules register them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.golden.world import World

Case = Callable[["World"], None]
CASES: dict[str, dict[str, Case]] = {}


def group(name: str) -> Callable[[Case], Case]:
    """Register a case in this group, under its function's name in words."""

    def register(case: Case) -> Case:
        words = case.__name__.strip("_").replace("_", " ")
        found = CASES.setdefault(name, {})
        assert words not in found, words
        found[words] = case
        return case

    return register
