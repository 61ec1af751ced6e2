"""In which order several workers run the tests: what takes long is begun first, or one of them would end with it while
the others have nothing to do any more."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

T = TypeVar("T")


def dealt(
    items: Sequence[T],
    file: Callable[[T], Hashable],
    wants: Callable[[T], float],
    hands: int,
    server: Callable[[T], str | None] = lambda _: None,
) -> list[T]:
    """Files of tests that want more time than others, dealt to so many hands of the same size, the longest first; each
    hand is then filled up with the others, in their order. What shares a file stays together, and files that share a
    server do (of a file with tests of several, the last by name): each hand that needs one starts its own."""
    shared: dict[Hashable, list[list[T]]] = {}
    for path, one in groupby(items, key=file):
        group = list(one)
        name = max((found for found in map(server, group) if found is not None), default=None)
        shared.setdefault(path if name is None else (server, name), []).append(group)
    most_first = (sorted(found, key=lambda group: -max(map(wants, group))) for found in shared.values())
    groups = [[item for group in found for item in group] for found in most_first]
    long = sorted((one for one in groups if any(map(wants, one))), key=lambda one: -max(map(wants, one)))
    short = [item for one in groups if not any(map(wants, one)) for item in one]
    made: list[T] = []
    for hand in range(hands):
        first = [item for one in long[hand::hands] for item in one]
        size = len(items) * (hand + 1) // hands - len(made)  # as xdist cuts them
        more = size - len(first) if hand < hands - 1 else len(short)
        made += first + short[: max(0, more)]
        short = short[max(0, more) :]
    return made
