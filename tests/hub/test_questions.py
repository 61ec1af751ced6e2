"""What a rule has not read it asks for: nothing is decided by what is missing, and nothing by what was read needlessly."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from axis.core.hub import decide
from axis.core.hub import dossier as ask
from axis.core.hub.lifecycle import State
from axis.core.receipt import Event
from tests.hub import mail
from tests.hub.memory import Hub, members, rules
from tests.hub.normal import difference, normal
from tests.hub.test_batch_order import told
from tests.hub.test_machine import CLOSED
from tests.hub.world import World
from tests.line import document, recall, replacement, update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from axis.core.hub.dossier import Question
    from tests.hub.record import Record, Row


def nothing(_record: Record) -> Iterable[Question]:
    return ()


def everything(record: Record) -> Iterator[Question]:
    """Every question to which the record has an answer, and many to which it has none."""
    codes = {one.recipient for one in record.deliveries.values()} | {one.sender for one in record.submissions.values()}
    for one in record.submissions.values():
        yield ask.ByKey(one.key)
        yield ask.ByParcel(one.sender, one.parcel_digest)
        yield ask.ByContent(one.sender, one.content_digest)
        yield ask.SentAs(one.sender, one.kind, one.document_id, one.content_digest)
        yield ask.OfChange(one.document, one.kind, one.content_digest)
        for kind in (ask.ByName, ask.AskedBy, ask.Receipts, ask.Entries):
            yield kind(one.axis_id)
        for code in codes:
            yield ask.Part(one.axis_id, code)
            for event in ("E.1", "E.2", "W.1", "W.2"):
                yield ask.Stated(code, event, one.axis_id, code)
    for one_ in record.documents:
        for of in (ask.Recipients, ask.TakingBack, ask.LastDemand, ask.Newest, ask.Own, ask.HeldUntil, ask.Open):
            yield of(one_)
        yield ask.Stands(one_)
        for kind_ in ("recall", "update"):
            yield ask.Lately(one_, kind_, 50)
        for code in codes:
            yield ask.Brought(one_, code)
            yield ask.Updating(one_, code)
            for about in record.submissions:
                yield ask.AskedOf(about, one_, code)
    for name in record.deliveries:
        yield ask.ById(name)
        yield ask.Bare(name)
        yield ask.Reports(name)
        yield ask.Demands(name)
    for sender, digest in record.refused:
        yield ask.RefusedAs(sender, digest)
    for code in codes:
        yield ask.Homes(code)
        yield ask.Quarantined(code)


def test_it_is_the_same_whatever_was_read_beforehand() -> None:
    for seed in range(12):
        chance = Random(seed)
        closing = mail.closing("G06", CLOSED, "H41" if seed % 2 else "")
        world = World(chance, rules(members(closing)))
        for _ in range(12):
            batch = world.messages(8)
            _compare(world.hub, lambda hub, batch=batch: hub.submit(*batch), told(batch))  # type: ignore[misc]
            world.take()
            due = [name for name in world.hub.due() if chance.randrange(3)]
            for row in _compare(world.hub, lambda hub, due=due: hub.publish(due), f"publish {due}"):  # type: ignore[misc]
                if row.delivery_id:
                    world.adapters[row.code].queue.append(row.delivery_id)
            if chance.randrange(3) == 0:
                _compare(world.hub, lambda hub: hub.wait(hub.rules.consignment_after * 4000), "wait")


def _compare(hub: Hub, act: Callable[[Hub], object], what: str) -> list[Row]:
    before = hub.copy()
    found = act(hub)
    expected = normal(hub.record, before.record)
    for reads in (nothing, everything):
        other = before.copy()
        other.reads = reads
        act(other)
        assert normal(other.record, before.record) == expected, f"{reads.__name__}\n{what}\n" + difference(
            expected, normal(other.record, before.record)
        )
    return found if isinstance(found, list) else []


def test_what_a_batch_needs_is_known_from_it_as_far_as_it_tells() -> None:
    """So the usual document, and the usual receipt of one, are decided with one reading; the end of a document to
    several asks what a certificate says."""
    hub = Hub()
    hub.submit(mail.submission(document(1), "G22", hub.rules))
    assert hub.asked == []
    hub.publish()
    assert hub.asked == []
    axis_id = next(iter(hub.record.submissions))
    hub.submit(mail.said(hub, "H41", axis_id, Event.ContentHandover))
    assert hub.asked == []


@pytest.mark.parametrize("count", [50])
def test_a_batch_is_read_a_few_times_however_long_it_is(count: int) -> None:
    """Of one document's deliveries, of many documents, and of what changes them."""
    codes = [f"A{number:02}" for number in range(1, count + 1)]
    hub = Hub(rule=rules(members(*(mail.closing(code) for code in codes))))
    hub.submit(mail.submission(document(1, to=tuple(codes)), "G22", hub.rules))
    hub.publish()
    axis_id = next(iter(hub.record.submissions))
    hub.submit(*(mail.said(hub, code, axis_id, Event.ContentHandover) for code in codes))
    assert len(hub.asked) <= 3, hub.asked
    assert len(hub.statements("S.1")) == count


def test_the_end_of_a_circular_is_decided_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its certificate asks one thing after the other; its last receipts are not decided again for each."""
    codes = [f"A{number:02}" for number in range(1, 21)]
    hub = Hub(rule=rules(members(*(mail.closing(code) for code in codes))))
    hub.submit(mail.submission(document(1, to=tuple(codes)), "G22", hub.rules))
    hub.publish()
    axis_id = next(iter(hub.record.submissions))
    decided: list[int] = []
    alone = decide._submitted

    def counted(*given: Any) -> decide.Verdict:
        decided.append(1)
        return alone(*given)

    monkeypatch.setattr(decide, "_submitted", counted)
    hub.submit(*(mail.said(hub, code, axis_id, Event.ContentHandover) for code in codes))
    assert len(hub.statements("S.1")) == len(decided) == len(codes)


TO_MANY = tuple(f"A{number:02}" for number in range(1, 51))
LEFT = recall(1, to=TO_MANY)


@pytest.mark.parametrize(
    "packets",
    [
        (document(1, to=TO_MANY), LEFT),
        (document(1, to=TO_MANY), update(1, to=TO_MANY), LEFT),
        (document(1, to=TO_MANY), update(1, to=TO_MANY[:1], remove=TO_MANY[1:])),
        (LEFT, document(1, to=TO_MANY)),
        (document(1, to=TO_MANY[:1]), update(1, to=TO_MANY, changes_content=False, add=TO_MANY[1:])),
        (document(1, to=TO_MANY), replacement(2, {1: TO_MANY}, TO_MANY)),
    ],
    ids=["recall", "recall of versions", "removal", "recall that overtakes", "addition", "replacement"],
)
def test_a_change_of_what_has_not_left_to_many_asks_a_few_times(packets: tuple[bytes, ...]) -> None:
    hub = Hub(rule=rules(members(*map(mail.closing, TO_MANY))))
    for packet in packets:
        hub.submit(mail.submission(packet, "G22", hub.rules))
        assert len(hub.asked) <= 6, hub.asked
    states = set(hub.states("G22,2026/11/23,1/TN-G22").values())
    assert (packets[-1] == LEFT or packets[0] == LEFT) == (states == {State.RECALLED})


def test_the_needs_of_each_kind_are_questions() -> None:
    world = World(Random(5))
    for _ in range(6):
        batch = world.messages(8)
        assert all(isinstance(one, ask.Question.__args__) for one in decide.needs(batch))  # type: ignore[attr-defined]
        world.hub.submit(*batch)
        world.publish()
        world.take()
