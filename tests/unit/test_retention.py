"""What keeps bytes beyond their time, one reason after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from axis.core.instant import to_text
from axis.core.retention import Kept, Rules, Why, before, why_kept

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
UNTIL = before(90, NOW)
LONG_AGO, LATELY = to_text(NOW - timedelta(days=100)), to_text(NOW - timedelta(days=80))
OVER = Kept("a", "G22", "d", "x", LONG_AGO, LONG_AGO, *[False] * 5)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"is_undelivered": True}, Why.UNDELIVERED),
        ({"is_waiting": True}, Why.WAITING),
        ({"is_asked": True}, Why.ASKED),
        ({"is_disputed": True}, Why.DISPUTED),
        ({"is_held": True, "is_undelivered": True}, Why.HELD),
        ({"moved_at": LATELY}, Why.RECENT),
        ({"moved_at": ""}, None),
    ],
)
def test_bytes_end_when_nothing_keeps_them(changes: dict[str, object], why: Why | None) -> None:
    assert why_kept(OVER._replace(**changes), UNTIL) is why  # type: ignore[arg-type]


def test_each_flag_of_what_is_known_keeps_them() -> None:
    flags = [name for name in Kept._fields if name.startswith("is_")]
    assert len(flags) == 5
    for name in flags:
        assert why_kept(OVER._replace(**{name: True}), UNTIL) is not None  # type: ignore[arg-type]


def test_a_day_begins_at_its_hour_in_viet_nam() -> None:
    rules = Rules(hour=2)
    assert rules.day(datetime(2026, 11, 24, 18, 59, tzinfo=UTC)) == "2026-11-24"  # 01:59 of the 25th
    assert rules.day(datetime(2026, 11, 24, 19, 0, tzinfo=UTC)) == "2026-11-25"


def test_a_volume_is_a_tenth_of_the_time_and_a_day_at_least() -> None:
    assert [Rules(parcels=days).volume.days for days in (7, 90, 365, 0)] == [1, 9, 36, 36]
