"""A system that fetches its mail, and a death at every step of the hand-over: it sees each document once, and one E.1 says
so; what it had taken before the death is not shown again. A run of the suite dies at a part of them (tests/sample.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from axis import config
from axis.adapters.base import Guarded
from axis.adapters.conformance import SpoolSystem
from axis.adapters.spool.selection import Selection
from axis.adapters.spool.store import Spool
from axis.infra.journal.journals import Journal
from tests import sample
from tests.line import Line, document, recall, small_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

STEPS = ("prepare", "complete", "answers", "answered", "discard")


class Death(BaseException):
    """The adapter's process died."""


class Boundaries:
    """Dies at the boundary with this number; 0 only counts."""

    def __init__(self, at: int) -> None:
        self.at, self.passed = at, 0

    def pass_one(self) -> None:
        self.passed += 1
        if self.passed == self.at:
            raise Death

    def around(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def watched(one: Guarded, *arguments: Any) -> Any:
            if one._agency != "H41":
                return method(one, *arguments)
            self.pass_one()
            result = method(one, *arguments)
            self.pass_one()
            return result

        return watched


def run(line: Line, monkeypatch: pytest.MonkeyPatch, at: int) -> tuple[int, bool]:
    """(boundaries passed, whether it died)."""
    boundaries = Boundaries(at)
    transaction = Journal.transaction

    def watched(self: Journal) -> AbstractContextManager[Any]:
        from contextlib import contextmanager

        @contextmanager
        def inner() -> Iterator[Any]:
            with transaction(self) as tx:
                yield tx
            if self.agency == "H41":
                boundaries.pass_one()

        return inner()

    with monkeypatch.context() as patch:
        for name in STEPS:
            patch.setattr(Guarded, name, boundaries.around(getattr(Guarded, name)))
        patch.setattr(Journal, "transaction", watched)
        try:
            line.run()
        except Death:
            return boundaries.passed, True
        return boundaries.passed, False


def made(path: Path) -> Line:
    line = small_home(path, codes=("G22", "H41"))
    line.configure(adapter=config.Adapter(settle_seconds=0.0, agencies={"H41": {"kind": "spool"}}))
    return line


def system(line: Line) -> SpoolSystem:
    return SpoolSystem(line.folder("H41", ""))


def taken(line: Line, seen: list[bytes]) -> None:
    one = system(line)
    for name, content in one.mail().items():
        seen.append(content)
        one.take(name)


def test_a_document_is_seen_once_and_evidenced_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start, deaths, at, total = made(tmp_path / "home"), 0, -1, 0
    start.drop("G22", document(1))
    while at < total:
        at += 1
        if at and not sample.is_tried(at, 3):  # at none, to begin with: how many there are
            continue
        line = start.copy(tmp_path / f"{at}")
        seen: list[bytes] = []
        first, died = run(line, monkeypatch, at)
        taken(line, seen)
        second = 0
        if not died:
            second, died = run(line, monkeypatch, max(at - first, 0))
        taken(line, seen)
        for _ in range(2):
            line.run()
            taken(line, seen)
        assert len(seen) == 1, f"seen {len(seen)} times with a death at {at}"
        assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
        assert line.events("G22").count("E.1 H41") == 1
        line.check_ledger()
        total = total or first + second
        deaths += died
    assert total > 8
    assert deaths > total // 4


@pytest.mark.parametrize("together", [True, False], ids=["recall waits with it", "recall comes behind it"])
def test_a_recall_and_a_death_leave_it_seen_with_the_recall_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    start, outcomes, deaths, at, total = made(tmp_path / "home"), set(), 0, -1, 0
    start.drop("G22", document(1))
    start.without("H41")
    start.drop("G22", recall(1), "b.edxml")
    if together:
        start.without("H41")
    while at < total:
        at += 1
        if at and not sample.is_tried(at, 3, int(together)):
            continue
        line = start.copy(tmp_path / f"{at}")
        passed, died = run(line, monkeypatch, at)
        seen: list[bytes] = []
        for _ in range(3):
            line.run()
            taken(line, seen)
        line.run()
        state, stage = line.states("1/TN-G22")["H41"], line.stages("1/TN-G22")["H41"][0]
        assert (state, stage, len(seen)) in {("RECALLED", "recall WITHDRAWN", 0), ("HANDED_OVER", "recall OPEN", 2)}
        outcomes.add(state)
        line.check_ledger()
        total = total or passed
        deaths += died
    assert total > 8
    assert deaths > total // 4
    assert ("RECALLED" if together else "HANDED_OVER") in outcomes


def test_a_death_between_a_receipt_and_its_note_leaves_neither_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The submitting system sees the receipt, and with its submission what the receipt says."""
    note, deaths = Spool.note, 0
    for at in range(1, 10):
        line = small_home(tmp_path / f"{at}" / "home", codes=("G22", "H41"))
        line.configure(adapter=config.Adapter(settle_seconds=0.0, agencies={"G22": {"kind": "spool"}}))
        sender, boundaries = SpoolSystem(line.folder("G22", "")), Boundaries(at)
        sender.send(document(1), "a")

        def dies(self: Spool, *receipt: Any, boundaries: Boundaries = boundaries) -> None:
            boundaries.pass_one()
            note(self, *receipt)

        with monkeypatch.context() as patch:
            patch.setattr(Spool, "note", dies)
            try:
                line.run()
            except Death:
                deaths += 1
        line.run()
        (row,) = sender.spool.sent(Selection())
        assert (row["state"], row["outcomes"]["H41"]["event"], row["axis_id"] != "") == ("accepted", "E.1", True)
        codes = [one["names"][0].split(".")[1] for one in sender.spool.received(Selection(("receipts",)))]
        assert sorted(codes) == ["A", "E"]
        if boundaries.passed < at:
            break
    assert deaths > 1
