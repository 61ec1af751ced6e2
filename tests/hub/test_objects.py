"""A business object is followed by its key through the documents that speak of it: every step is one of its type's moves, or
is refused by its code; nobody moves, or holds up, what he has no part in; after a restore nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from axis.core.applications.status import MOVES, Status
from axis.core.hub.lifecycle import State
from axis.core.types import kind as kinds
from axis.core.types.kind import Told
from axis.core.types.typeset import Typed
from axis.errors import Fault
from tests.hub import mail
from tests.hub.memory import NOW, Hub, members, rules
from tests.line import document, recall, replacement, update

if TYPE_CHECKING:
    from axis.core.hub.opened import Opened
    from axis.core.types.kind import DocumentType

SHIPPED = Path(__file__).parents[2] / "schemas" / "documents"
PORTAL, PROVINCE, MINISTRY, OTHER = "G22", "H41", "G06", "H29"
LATER = NOW + timedelta(seconds=30)


def _kind(name: str) -> DocumentType:
    folder = SHIPPED / name / "1"
    return kinds.read({one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()})


PROGRESS, APPLICATION, CORRECTION = _kind("dvcqg_progress"), _kind("mcdt_dt"), _kind("dvcqg_correction")


class Matter:
    """A hub, and what is said to it of one application."""

    def __init__(self, hub: Hub | None = None, key: str = "H41.1-200203-0000001") -> None:
        self.hub, self.key, self.number = hub or Hub(), key, 0

    def says(
        self,
        sender: str,
        state: str,
        to: tuple[str, ...] = (PORTAL, MINISTRY),
        *,
        kind: DocumentType = PROGRESS,
        leaves: str = "",
        data: bytes = b"",
        **signed: object,
    ) -> Opened:
        """A document of `sender` that says that the application stands so."""
        self.number += 1
        data = data or document(self.number, sender=sender, to=tuple(one for one in to if one != sender))
        opened = mail.submission(data, sender, self.hub.rules, **signed)  # type: ignore[arg-type]
        assert opened.candidate is not None
        typed = Typed(kind.name, 1, (), told=Told(kind, self.key, state, leaves))
        return replace(opened, candidate=replace(opened.candidate, typed=typed))

    def hears(self, *batch: Opened) -> list[tuple[Fault, ...]]:
        """Why each was refused; () for what was accepted."""
        before = len(self.hub.record.entries)
        self.hub.submit(*batch)
        entries = [one for one in self.hub.record.entries[before:] if one.event.startswith("submission.")]
        return [tuple(Fault[code] for code in one.detail.get("codes", ())) for one in entries]

    def tells(
        self, sender: str, state: str, to: tuple[str, ...] = (PORTAL, PROVINCE, MINISTRY), **more: object
    ) -> list[Fault]:
        """What such a document is refused by."""
        (found,) = self.hears(self.says(sender, state, to, **more))  # type: ignore[arg-type]
        return list(found)

    def stands(self) -> dict[str, str]:
        """Where the objects stand, by who has begun them."""
        return {one.owner: one.state for one in self.hub.record.standing.values()}


def at(state: str) -> Matter:
    """An application that the province has accepted, or told of, in this state."""
    matter = Matter()
    assert matter.tells(PROVINCE, state, kind=APPLICATION) == []
    return matter


@pytest.mark.parametrize("before", Status)
def test_each_of_the_hundred_moves_is_accepted_or_refused_with_its_code(before: Status) -> None:
    for after in Status:
        matter = at(before.value)
        legal = after == before or after in MOVES[before]
        assert matter.tells(MINISTRY, after.value) == ([] if legal else [Fault.TYPE_MOVE]), (before, after)
        assert matter.stands() == {PROVINCE: (after if legal else before).value}
        assert len(matter.hub.record.submissions) == (2 if legal else 1)


def test_between_province_ministry_and_portal_it_goes_through_all_ten_in_one_batch_or_in_many() -> None:
    steps = [
        (PROVINCE, "1"),
        (PROVINCE, "2"),
        (MINISTRY, "5"),
        (MINISTRY, "4"),
        (MINISTRY, "6"),
        (MINISTRY, "4"),
        (MINISTRY, "9"),
    ]
    steps += [(PROVINCE, "10"), (MINISTRY, "4")]
    everybody = (PORTAL, PROVINCE, MINISTRY)
    refused: list[tuple[Fault, ...]] = [*([()] * 8), (Fault.TYPE_MOVE,)]
    together, apart = Matter(), Matter()
    assert together.hears(*(together.says(sender, state, everybody) for sender, state in steps)) == refused
    assert [found for sender, state in steps for found in apart.hears(apart.says(sender, state, everybody))] == refused
    assert together.stands() == apart.stands() == {PROVINCE: "10"}


def test_only_a_correction_that_names_the_state_as_it_stands_leads_where_no_move_does() -> None:
    matter = at("3")
    assert matter.tells(PROVINCE, "2", kind=CORRECTION, leaves="1") == [Fault.TYPE_BEFORE]
    assert matter.tells(PROVINCE, "2", kind=CORRECTION, leaves="3") == []
    assert (matter.stands(), matter.tells(MINISTRY, "4")) == ({PROVINCE: "2"}, [])


def test_what_was_refused_may_be_sent_again_when_the_step_before_it_has_come() -> None:
    matter = at("1")
    early = matter.says(PROVINCE, "4")
    assert matter.hears(early) == [(Fault.TYPE_MOVE,)]
    (refusal,) = matter.hub.record.refused.values()
    assert refusal.retry
    assert matter.hears(matter.says(PROVINCE, "2"), mail.again(early, 1)) == [(), ()]


def test_a_repetition_is_answered_and_moves_nothing() -> None:
    matter = at("1")
    accepted = matter.says(PROVINCE, "2")
    assert matter.hears(accepted, matter.says(MINISTRY, "4", (PORTAL, PROVINCE))) == [(), ()]
    matter.hears(accepted, mail.again(accepted, 1))
    assert matter.stands() == {PROVINCE: "4"}


def test_who_has_no_part_in_it_neither_moves_it_nor_holds_it_up() -> None:
    matter = Matter()
    assert matter.tells(OTHER, "10", (PORTAL, PROVINCE)) == [], "said first, of a number that is another's"
    assert matter.tells(PROVINCE, "1", kind=APPLICATION, to=(PORTAL, MINISTRY)) == []
    assert matter.tells(OTHER, "2", (PORTAL, PROVINCE)) == [Fault.TYPE_MOVE], "that is its own, which has ended"
    assert matter.tells(PROVINCE, "2") == []
    assert matter.tells(MINISTRY, "4", (PORTAL, PROVINCE)) == []
    assert matter.stands() == {OTHER: "10", PROVINCE: "4"}


def test_the_successor_of_who_has_begun_it_goes_on_with_it() -> None:
    matter = at("2")
    closed = members(mail.closing(PROVINCE, NOW - timedelta(days=1), OTHER))
    matter.hub.rules = replace(matter.hub.rules, registry=closed)
    assert matter.tells(MINISTRY, "9", (PORTAL, OTHER)) == [Fault.TYPE_MOVE]
    assert matter.tells(OTHER, "4", (PORTAL, MINISTRY)) == []
    assert matter.stands() == {PROVINCE: "4"}


def test_an_object_of_which_the_hub_has_not_heard_is_taken_as_it_is_unless_its_type_follows_all_of_it() -> None:
    assert at("9").stands() == {PROVINCE: "9"}
    states = PROGRESS.manifest.states
    assert states is not None
    whole = replace(PROGRESS, manifest=replace(PROGRESS.manifest, states=replace(states, follow="all")))
    matter = Matter()
    assert matter.tells(PROVINCE, "9", kind=whole) == [Fault.TYPE_MOVE]
    assert matter.tells(PROVINCE, "2", kind=whole) == []


def test_a_replacement_and_new_content_move_it_and_a_recall_does_not() -> None:
    matter = at("2")
    assert matter.tells(PROVINCE, "4", (MINISTRY,)) == []
    of_it: dict[str, Any] = {"sender": PROVINCE, "to": (MINISTRY,)}
    assert matter.tells(PROVINCE, "2", data=update(2, **of_it)) == [Fault.TYPE_MOVE]
    assert matter.tells(PROVINCE, "5", data=update(2, **of_it)) == []
    other = replacement(7, {2: (MINISTRY,)}, **of_it)
    assert matter.tells(PROVINCE, "9", data=other) == [Fault.TYPE_MOVE]
    assert matter.tells(PROVINCE, "4", data=other) == []
    matter.hub.submit(mail.submission(recall(7, **of_it), PROVINCE, matter.hub.rules))
    assert matter.stands() == {PROVINCE: "4"}


def test_after_a_restore_what_was_lost_comes_again_in_any_order_and_later_steps_are_not_refused_for_it() -> None:
    matter = at("1")
    matter.hub.now = LATER
    matter.hub.rules = replace(matter.hub.rules, lost_until=NOW + timedelta(seconds=20))
    long_ago: dict[str, object] = {"signed": NOW + timedelta(seconds=10)}
    assert matter.tells(MINISTRY, "6", signed=NOW + timedelta(seconds=11)) == []
    assert matter.tells(PROVINCE, "2", **long_ago) == [], "it comes after what it came before"
    assert matter.stands() == {PROVINCE: "6"}
    assert matter.tells(MINISTRY, "9", signed=LATER) == [Fault.TYPE_MOVE], "what was heard since is sure again"
    other = Matter(matter.hub, "another")
    assert other.tells(PROVINCE, "9", signed=LATER) == []
    assert rules().lost_until is None


def test_of_the_object_nothing_is_kept_that_a_citizen_could_be_known_by() -> None:
    matter = at("1")
    ((place, _),) = matter.hub.record.standing
    assert place[0] == "object DVCQG_APPLICATION"
    assert (len(place[1]), matter.key in repr(matter.hub.record.standing)) == (64, False)
    assert State.ACCEPTED in {one.state for one in matter.hub.record.deliveries.values()}
