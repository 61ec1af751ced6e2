"""What the web desk counts beside its pages."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from axis.web import counted
from axis.web.counted import Counted

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def made() -> Iterator[Counted]:
    one = Counted()
    yield one
    one.close()


def test_what_took_longer_to_count_than_it_is_kept_is_shown_all_the_same(
    made: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, goes_on = [0.0], threading.Event()
    monkeypatch.setattr(counted, "PATIENCE", 0.01)
    monkeypatch.setattr(time, "monotonic", lambda: at[0])
    number = iter(range(9))

    def count() -> dict[str, Any]:
        assert goes_on.wait(60)
        return {"number": next(number)}

    assert made.of("x", count, kept=10) is None
    at[0] = 1000
    goes_on.set()
    made._pool.submit(str).result(60)  # it counts one after the other
    monkeypatch.setattr(counted, "PATIENCE", 60)
    at[0] = 1005
    assert made.of("x", count, kept=10) == {"number": 0}
    at[0] = 1011
    assert made.of("x", count, kept=10) == {"number": 1}, "counted anew"
