"""What messages lead to does not depend on how they come together.

In one batch, one by one and in any split the same messages leave the same record, but for ids; so does any order that
keeps that of the messages about each document (documents that a replacement links are one). Any other order leaves
another record, in which nothing contradicts itself.

`make sweep` decides two hundred times as many batches, other ones each time.
"""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.hub.invariants import check
from tests.hub.normal import difference, normal
from tests.hub.world import World

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from axis.core.hub.opened import Opened
    from tests.hub.memory import Hub
    from tests.hub.record import Record

ROUNDS = 8  # batches in one life
BATCHES = int(os.environ.get("AXIS_BATCHES", "1000"))


def life(chance: Random) -> int:
    """A life of some batches, each of which is also decided in other ways; how many batches."""
    world, batches = World(chance), 0
    for _ in range(ROUNDS):
        batch = world.messages(7)
        before = world.hub.copy()
        world.hub.submit(*batch)
        check(world.hub)
        expected = normal(world.hub.record, before.record)
        parts = chance.choice(WAYS)(before.record, batch, chance)
        other = before.copy()
        for part in parts:
            other.submit(*part)
        found = normal(other.record, before.record)
        assert found == expected, f"{told(batch)}\nin {[len(one) for one in parts]}:\n{difference(expected, found)}"
        if chance.randrange(4) == 0:
            _any_order(before, batch, chance)
        batches += 1
        for act in (world.publish, world.take, world.publish, world.take):
            act()
        check(world.hub)
        if chance.randrange(3) == 0:
            world.wait()
            check(world.hub)
    return batches


def _any_order(before: Hub, batch: Sequence[Opened], chance: Random) -> None:
    other = before.copy()
    order = list(batch)
    chance.shuffle(order)
    for part in split(order, chance):
        other.submit(*part)
    check(other)


def split(batch: Sequence[Opened], chance: Random) -> list[list[Opened]]:
    """Batches of any size, in this order."""
    parts: list[list[Opened]] = [[]]
    for one in batch:
        if parts[-1] and chance.randrange(2):
            parts.append([])
        parts[-1].append(one)
    return parts


def shuffled(record: Record, batch: Sequence[Opened], chance: Random) -> list[Opened]:
    """In any order that keeps that of the messages that have something to do with each other."""
    left = [(one, linked) for one, linked in zip(batch, links(record, batch), strict=True)]
    ordered = []
    while left:
        place = chance.choice([n for n, (_, own) in enumerate(left) if all(own != before for _, before in left[:n])])
        ordered.append(left.pop(place)[0])
    return ordered


def links(record: Record, batch: Sequence[Opened]) -> list[Hashable]:
    """For each message what it has to do with: one name for all documents that replacements link, the bytes of what
    speaks of none."""
    parent: dict[Hashable, Hashable] = {}

    def root(one: Hashable) -> Hashable:
        while (above := parent.get(one, one)) != one:
            one = above
        return one

    for document, by in record.documents.items():
        if by:
            parent[root(document)] = root(record.submissions[by].document)
    names: list[Hashable] = []
    for one in batch:
        said = one.said or one.claimed
        about = record.submissions.get(said.subject.axis_id) if said is not None else None
        own = [about.document] if about is not None else [*one.documents, *(() if one.documents else (one.digest,))]
        if about is not None and said is not None:  # the statement itself may be shown by its sender, too
            own += one.documents
        for other in own[1:]:
            parent[root(other)] = root(own[0])
        names.append(own[0])
    return [root(one) for one in names]


def told(batch: Sequence[Opened]) -> str:
    """A batch, to be read."""
    lines = []
    for one in batch:
        said, candidate = one.said or one.claimed, one.candidate
        what: object = [p.fault.code for p in one.problems]
        if candidate is not None:
            packet = candidate.packet
            what = f"{candidate.kind} {packet.status_code} {packet.target} to {[a.units for a in candidate.addressees]}"
        if said is not None:
            what = f"{[s.key for s in said.statements]} of {said.subject.kind} {said.subject.document_id} {what}"
        lines.append(f"{one.agency} {one.digest[:6]} {what}")
    return "\n".join(lines)


def one_by_one(_record: Record, batch: Sequence[Opened], _chance: Random) -> list[list[Opened]]:
    """Each alone."""
    return [[one] for one in batch]


WAYS = (
    one_by_one,
    lambda _record, batch, chance: split(batch, chance),
    lambda record, batch, chance: split(shuffled(record, batch, chance), chance),
)


@settings(
    max_examples=max(1, BATCHES // ROUNDS),
    deadline=None,
    database=None,
    derandomize=not os.environ.get("AXIS_BATCHES"),
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # what follows from one number does not get simpler with a smaller one
)
@given(st.integers(0, 2**64 - 1))
@pytest.mark.timeout(0 if BATCHES > 1000 else 300)
def test_messages_lead_to_the_same_however_they_come_together(seed: int) -> None:
    assert life(Random(seed)) == ROUNDS
