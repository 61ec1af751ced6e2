"""A line for the tests beside: embedded, and served."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from axis.infra.amqp import consume
from tests.line import CODES, Line, small_home
from tests.served import ServedLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["embedded", pytest.param("served", marks=[pytest.mark.amqp, pytest.mark.postgres])])
def line(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    if request.param == "embedded":
        yield small_home(tmp_path / "home")
        return
    url = request.getfixturevalue("postgres").record(f"changes{time.monotonic_ns()}")
    monkeypatch.setenv("AXIS_DATABASE_URL", url)
    monkeypatch.setattr(consume, "SETTLE", 0.05)
    with ServedLine(tmp_path / "home", request.getfixturevalue("rabbitmq"), url, CODES) as served:
        yield served
