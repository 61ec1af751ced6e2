"""In one batch, one by one and in any split the same messages leave the same; so does any order that keeps those in order
that speak of one document."""

from __future__ import annotations

import os
import random
import re
from typing import TYPE_CHECKING

import pytest

from axis.errors import Fault
from tests.golden.batches import outcome, shuffled, split
from tests.golden.case import CASES
from tests.golden.record import accepted, difference, known_differences, several_at_once
from tests.golden.world import Mail, one_by_one, together
from tests.line import document, recall, replacement, status, update

if TYPE_CHECKING:
    from tests.golden.normal import Normal
    from tests.golden.world import World

SPLITS, SHUFFLES = 2, 1
MIXTURES = int(os.environ.get("AXIS_TEST_MIXTURES", "6"))  # more of them for a longer search


def without_order(normal: Normal) -> Normal:
    """In which order documents went out may be another where they came in another."""
    return {name: lines for name, lines in normal.items() if name != "order"}


def _cases() -> list[object]:
    known = known_differences()["split"]
    marks = {name: pytest.mark.xfail(strict=True, reason=reason) for name, reason in known.items()}
    return [pytest.param(name, marks=marks.get(name, ())) for name in several_at_once()]


@pytest.mark.parametrize("name", _cases())
def test_a_golden_case_is_the_same_in_other_batches(name: str) -> None:
    group, _, case = name.partition(": ")
    played = CASES[group][case]
    found = [outcome(played, arrange) for arrange in (together, one_by_one, *map(split, range(SPLITS)))]
    moved = [without_order(outcome(played, shuffled(seed))) for seed in range(SHUFFLES)]
    wanted = accepted(group, case)
    right = [one for one in wanted if all(again == one for again in found)]
    assert right, "\n".join(difference(wanted[0], again) for again in found)
    assert moved == [without_order(right[0])] * SHUFFLES, "\n".join(
        difference(without_order(right[0]), again) for again in moved
    )


def begin(w: World) -> None:
    """Documents 1 to 5 are in queues, some with what was asked about them."""
    w.send(
        *(w.packet(f"document {n}", "G22", document(n, to=("H41", "G06") if n == 5 else ("H41",))) for n in range(1, 6))
    )
    w.send(w.receipt("E.1", "H41", "document 1"), w.receipt("E.1", "H41", "document 5"))
    w.send(w.packet("recall of 1", "G22", recall(1)), w.packet("recall of 2", "G22", recall(2)))
    w.send(w.packet("update of 3", "G22", update(3)), w.packet("update of 5", "G22", update(5, content=b"five")))


def pool(w: World) -> list[Mail]:
    """What may come then."""
    return [
        w.receipt("W.2", "H41", "recall of 1"),
        w.packet("15 on 1", "H41", status("15", 1)),
        w.packet("16 on 1", "H41", status("16", 1, description="không")),
        w.packet("06 on 1", "H41", status("06", 1)),
        w.receipt("W.1", "H41", "recall of 2"),
        w.receipt("E.1", "H41", "document 2"),
        w.receipt("W.2", "H41", "recall of 2", why=Fault.RECALL_VOID),
        w.receipt("E.2", "H41", "document 2"),
        w.receipt("E.1", "H41", "document 3"),
        w.receipt("E.1", "H41", "update of 3"),
        w.packet("03 on 3", "H41", status("03", 3)),
        w.packet("02 on 3", "H41", status("02", 3)),
        w.packet("15 on 3", "H41", status("15", 3)),
        w.packet("second update of 3", "G22", update(3, content=b"three")),
        w.packet("recall of 3", "G22", recall(3)),
        w.packet("other words for 3", "G22", recall(3, reason="Sai thể thức")),
        w.packet("replacement of 3 and 4", "G22", replacement(8, {3: ("H41",), 4: ("H41",)})),
        w.packet("15 on 8", "H41", status("15", 8)),
        w.packet("recall of 8", "G22", recall(8)),
        w.receipt("E.1", "H41", "document 4"),
        w.receipt("E.1", "H41", "document 4", label="second E.1 on 4"),
        w.packet("05 on 4", "H41", status("05", 4)),
        w.packet("05 on 4 in other words", "H41", status("05", 4, description="bằng lời khác")),
        w.packet("removal from 5", "G22", update(5, to=("H41", "G06"), remove=("H41",), content=b"removing")),
        w.packet("addition to 5", "G22", update(5, changes_content=False, add=("G18",), content=b"adding")),
        w.receipt("E.1", "G06", "document 5"),
        w.receipt("E.2", "H41", "update of 5"),
        w.packet("recall of 5", "G22", recall(5, to=("G06",))),
        w.packet("document 6", "G22", document(6, to=("H41", "G06"))),
        w.packet("document 6 again", "G22", document(6, to=("H41", "G06")), salt=1),
        w.packet("conflict on 6", "G22", document(6, content=b"another")),
        w.packet("recall of 6", "G22", recall(6)),
        w.packet("update of 6", "G22", update(6, to=("G06",), content=b"six")),
        w.packet("recall of 7", "G22", recall(7)),
        w.packet("document 7", "G22", document(7)),
        w.packet("document 9", "G06", document(9, sender="G06", priority=2)),
        w.packet("refused", "G06", document(10, sender="G06", subject="")),
        Mail("rubbish", "H41", b"no parcel"),
    ]


def mixture(seed: int) -> object:
    """A case: a dozen of these in any order."""

    def case(w: World) -> None:
        w.once(begin, "mixture")
        w.send(*random.Random(seed).sample(pool(w), 16))

    return case


def comparable(normal: Normal) -> Normal:
    """Without what is known to depend on the batches."""
    wrong = [re.compile(pattern) for pattern in known_differences()["mixtures"]]
    left = {name: [line for line in lines if not any(p.search(line) for p in wrong)] for name, lines in normal.items()}
    return {name: lines for name, lines in left.items() if lines}


@pytest.mark.parametrize("seed", range(MIXTURES))
def test_a_mixture_is_the_same_in_other_batches(seed: int) -> None:
    case = mixture(seed)
    alone = comparable(outcome(case, one_by_one))
    for arrange in (together, *(split((seed, n)) for n in range(SPLITS))):
        found = comparable(outcome(case, arrange))
        assert found == alone, difference(alone, found)
    for n in range(SPLITS):
        found = comparable(outcome(case, shuffled((seed, n))))
        assert without_order(found) == without_order(alone), difference(alone, found)


def test_of_two_versions_in_one_batch_the_second_is_the_newest() -> None:
    numbers = range(1, 13)

    def case(w: World) -> None:
        w.send(*(w.packet(f"document {n}", "G22", document(n)) for n in numbers))
        w.send(
            *(
                w.packet(f"{content} {n}", "G22", update(n, content=content.encode() + b"%d" % n))
                for n in numbers
                for content in ("first", "second")
            )
        )
        w.send(*(w.packet(f"adding {n}", "G22", update(n, changes_content=False, add=("G18",))) for n in numbers))

    published = outcome(case, together)["published"]
    added = [line.partition(",")[0] for line in published if line.startswith("to G18: ")]
    assert sorted(added) == sorted(f"to G18: <second {n}>" for n in numbers)


def test_arrangements_lose_nothing_and_keep_the_order_of_what_belongs_together() -> None:
    mails = [Mail(str(n), "G22", b"%d" % n, frozenset({str(n % 3)})) for n in range(12)]
    seen = set()
    for seed in range(50):
        parts = [one for group in split(seed)(mails) for one in group]
        assert parts == mails
        moved = [one for group in shuffled(seed)(mails) for one in group]
        assert sorted(moved, key=mails.index) == mails
        for document_ in "012":
            assert [m for m in moved if document_ in m.documents] == [m for m in mails if document_ in m.documents]
        seen.add(tuple(one.label for one in moved))
    assert len(seen) > 25
