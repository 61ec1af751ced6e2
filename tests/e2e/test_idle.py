"""What a line costs in which nothing happens, counted where time cannot be trusted: how often it wakes, and what it asks
its databases and its folders for then. Four minutes pass on a clock of the test's own."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from axis import bootstrap
from axis.adapters import bell, folder, tree
from axis.adapters.bell import Bell
from axis.services import run as loops
from axis.services.retention import LOOK, Retention
from tests.e2e.test_cost import CODES
from tests.line import document, rest, small_home

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECONDS = 240.0


class Counted:
    """What an idle line has done in so much time."""

    def __init__(self) -> None:
        self.woken = self.statements = self.commits = self.stats = self.listings = 0

    def __repr__(self) -> str:
        return repr(self.__dict__)


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let the monotonic clock go on by so many seconds; from then on it goes on so only."""
    real, now = time.monotonic, [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0] or real())

    def go_on(seconds: float) -> None:
        now[0] = time.monotonic() + seconds

    return go_on


def idle(
    path: Path, codes: tuple[str, ...], passing: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> Counted:
    """A home of these agencies that has worked, and then has nothing to do for four minutes."""
    line, found, on = small_home(path, codes), Counted(), [False]

    def counts(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            setattr(found, name, getattr(found, name) + on[0])
            return function(*arguments, **named)

        return counted

    opened = bootstrap.open_home(line.path)
    with monkeypatch.context() as patch, bootstrap.embedded_parts(opened) as (hub, agencies):
        line.drop(codes[0], document(1, to=codes[1:]))
        rest(hub, agencies, line.clock, timedelta(minutes=1))
        assert line.files(codes[1], "inbox", "*.edxml")
        passing(1.0)
        retention = Retention(opened.config.retention.build(), hub, agencies, timer=time.monotonic)
        end = time.monotonic() + 2 * LOOK  # after the start, and the work that is done once and by night

        def pause(_: Bell, seconds: float, stopped: Callable[[], bool]) -> bool:
            found.woken += on[0]
            passing(seconds)
            line.clock.now += timedelta(seconds=seconds)
            return stopped()

        def until(moment: float) -> None:
            loops.rounds(
                hub, agencies, stopped=lambda: time.monotonic() >= moment, retention=retention, clock=line.clock
            )

        patch.setattr(Bell, "wait", pause)
        patch.setattr(tree, "_TICK", -1.0)  # what was done a moment ago is long past
        until(end)
        patch.setattr(os, "stat", counts("stats", os.stat))
        patch.setattr(os, "scandir", counts("listings", os.scandir))
        statement, commit = counts("statements", lambda *_: None), counts("commits", lambda *_: None)
        sa.event.listen(Engine, "before_cursor_execute", statement)
        sa.event.listen(Engine, "commit", commit)
        on[0] = True
        try:
            until(end + SECONDS)
        finally:
            on[0] = False
            sa.event.remove(Engine, "before_cursor_execute", statement)
            sa.event.remove(Engine, "commit", commit)
    return found


def test_a_line_at_rest_asks_for_all_its_agencies_at_once(
    tmp_path: Path, passing: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    few, many = (idle(tmp_path / str(n), CODES[:n], passing, monkeypatch) for n in (4, 20))
    assert many.commits == 0
    assert many.statements <= few.statements + 30  # in which of its turns the hub is when the four minutes begin
    assert many.statements <= 3 * many.woken  # SQLAlchemy counts the beginning of each question as one, too
    assert many.woken <= SECONDS / loops.RUNG_PAUSE + 1
    assert many.stats <= 20 * many.woken
    assert many.listings <= 20 * (SECONDS / folder.LOOK_AGAIN + 1)


def test_a_line_at_rest_of_which_no_kernel_tells_rests_a_quarter_of_a_second(
    tmp_path: Path, passing: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "_inotify", lambda: -1)
    found = idle(tmp_path / "home", CODES[:4], passing, monkeypatch)
    assert found.woken <= SECONDS / loops.PATIENT_PAUSE + loops.PATIENT / loops.PAUSE + 1
    assert found.stats <= 4 * found.woken
    assert found.commits == 0
    assert found.statements <= 4 * SECONDS / loops.HUB_PAUSE
