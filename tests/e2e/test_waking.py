"""A line at rest is woken by what happens, not by the next look."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from axis import bootstrap
from axis.services import run as loops
from tests.line import document, small_home

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 60.0


@pytest.fixture
def resting_for_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not woken rests for an hour."""
    monkeypatch.setattr(loops, "LONGEST_PAUSE", 3600.0)
    monkeypatch.setattr(loops, "RUNG_PAUSE", 3600.0)
    monkeypatch.setattr(loops, "PAUSE", 3600.0)


@pytest.mark.usefixtures("resting_for_hours")
@pytest.mark.parametrize("settle", [0.0, 0.3])
def test_a_document_goes_its_whole_way_without_one_look_that_nothing_has_caused(tmp_path: Path, settle: float) -> None:
    line = small_home(tmp_path / "home")
    text = (line.path / "axis.toml").read_text()
    changed = text.replace("settle_seconds = 0.0", f"settle_seconds = {settle}")
    assert settle == 0 or changed != text
    (line.path / "axis.toml").write_text(changed)
    over = threading.Event()
    with bootstrap.embedded_parts(bootstrap.open_home(line.path)) as (hub, agencies):
        working = threading.Thread(
            target=loops.rounds,
            args=(hub, agencies),
            kwargs={"stopped": over.is_set, "clock": lambda: datetime.now(UTC)},
        )
        working.start()
        try:
            for number in (1, 2):
                time.sleep(0.5)
                line.drop("G22", document(number), f"{number}.edxml")
                end = time.monotonic() + PATIENCE
                while len(line.files("G22", "receipts", "*E.1*")) < number and time.monotonic() < end:
                    assert working.is_alive()
                    time.sleep(0.05)
                assert len(line.files("G22", "receipts", "*E.1*")) == number
        finally:
            over.set()
            working.join(PATIENCE)
        assert not working.is_alive(), "it stops though it would rest for an hour"
