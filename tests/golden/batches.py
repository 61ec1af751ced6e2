"""Other batches of the same messages: what they lead to does not depend on how they come together.

:func:`outcome` plays a case with its messages arranged: :func:`split` keeps their order, :func:`shuffled` keeps the order
of those that speak of the same document."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.golden.normal import normal_form
from tests.golden.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.golden.case import Case
    from tests.golden.normal import Normal
    from tests.golden.world import Mail

    Arrange = Callable[[Sequence[Mail]], list[list[Mail]]]


def outcome(case: Case, arrange: Arrange) -> Normal:
    """The normal form after `case`, with each list of messages that it gives arranged in batches by `arrange`."""
    with World(arrange) as world:
        case(world)
        return normal_form(world)


def split(seed: object) -> Arrange:
    """Batches of any size, in the order given; another `seed`, others."""
    chance = random.Random(repr(seed))

    def arrange(mails: Sequence[Mail]) -> list[list[Mail]]:
        groups: list[list[Mail]] = []
        for one in mails:
            if not groups or chance.random() < 0.5:
                groups.append([])
            groups[-1].append(one)
        return groups

    return arrange


def shuffled(seed: object) -> Arrange:
    """As :func:`split`, with messages that have no document in common in any order."""
    chance, parts = random.Random(repr(seed)), split(seed)

    def arrange(mails: Sequence[Mail]) -> list[list[Mail]]:
        left, ordered = list(mails), []
        while left:
            free = [n for n, one in enumerate(left) if not any(_meet(one, before) for before in left[:n])]
            ordered.append(left.pop(chance.choice(free)))
        return parts(ordered)

    return arrange


def _meet(one: Mail, other: Mail) -> bool:
    foreign = one.publisher and one.publisher == other.publisher  # how much of one's is put aside is counted
    return bool(one.documents & other.documents or foreign) or one.body == other.body
