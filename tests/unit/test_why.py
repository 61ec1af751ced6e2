"""Why a delivery is where it is: every cause, from what is known of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from axis import texts
from axis.core.hub.lifecycle import State
from axis.core.instant import to_text
from axis.core.why import Cause, Known, why

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
AT, EARLIER, LATER = (
    to_text(NOW - timedelta(hours=1)),
    to_text(NOW - timedelta(days=1)),
    to_text(NOW + timedelta(hours=1)),
)
MISSED, RUNNING = {"handover": (EARLIER, "missed")}, {"handover": (LATER, "running")}

CASES: list[tuple[Cause, dict[str, Any]]] = [
    (Cause.LEAVING, {"state": State.ACCEPTED, "next_attempt": to_text(NOW)}),
    (Cause.LEAVING, {"state": State.ACCEPTED, "next_attempt": to_text(NOW + timedelta(seconds=5)), "attempts": 1}),
    (Cause.HELD, {"state": State.ACCEPTED, "next_attempt": LATER}),
    (Cause.RETRYING, {"state": State.ACCEPTED, "next_attempt": LATER, "attempts": 4}),
    (Cause.STUCK, {"state": State.ACCEPTED, "next_attempt": AT}),
    (Cause.SUSPENDED, {"state": State.ACCEPTED, "next_attempt": AT, "suspended_since": EARLIER}),
    (Cause.SUSPENDED, {"state": State.QUEUED, "suspended_since": EARLIER, "terms": MISSED}),
    (Cause.QUEUED, {"state": State.QUEUED, "terms": RUNNING}),
    (Cause.QUEUED, {"state": State.QUEUED}),
    (Cause.OVERDUE, {"state": State.QUEUED, "terms": MISSED, "last_heard": EARLIER}),
    (Cause.GIVEN_UP, {"state": State.FAILED, "reasons": ("UNDELIVERED",), "attempts": 30}),
    (Cause.CLOSED, {"state": State.FAILED, "closed": True, "reasons": ("RETURNED",)}),
    (Cause.RECALLED, {"state": State.RECALLED, "suspended_since": EARLIER}),
    (Cause.REFUSED, {"state": State.REFUSED, "reasons": ("DELIVERY_INVALID",)}),
    (Cause.ARRIVED, {"state": State.HANDED_OVER, "business": {"H41": "01"}}),
    (Cause.ARRIVED, {"state": State.HANDED_OVER, "terms": {"reception": (LATER, "running")}}),
    (Cause.UNRECEIVED, {"state": State.HANDED_OVER, "terms": {"reception": (EARLIER, "missed")}}),
    (Cause.UNIT_REFUSED, {"state": State.HANDED_OVER, "business": {"H41.1": "02", "H41.2": "03"}}),
    (Cause.IN_WORK, {"state": State.HANDED_OVER, "business": {"H41.1": "06", "H41.2": "03"}}),
    (Cause.FINISHED, {"state": State.HANDED_OVER, "business": {"H41": "06"}}),
    (Cause.RECALL_ASKED, {"state": State.HANDED_OVER, "recall": "OPEN", "terms": {"answer 1": (LATER, "running")}}),
    (Cause.GIVEN_BACK, {"state": State.HANDED_OVER, "recall": "AGREED", "business": {"H41": "03"}}),
]


@pytest.mark.parametrize(("cause", "known"), CASES, ids=[f"{one[0].value}-{n}" for n, one in enumerate(CASES)])
def test_each_cause_is_told_from_what_is_known(cause: Cause, known: dict[str, Any]) -> None:
    found = why(Known("H41", updated_at=AT, **known), NOW)
    assert found.cause is cause
    assert found.since


def test_every_cause_has_a_case_and_its_sentences() -> None:
    assert {one[0] for one in CASES} == set(Cause)
    facts = dict.fromkeys(
        ("recipient", "attempts", "reasons", "units", "status", "since", "until", "heard", "because"), "x"
    )
    for cause in Cause:
        for language in ("vi", "en"):
            for part in ("", ".next"):
                assert texts.text(f"why.{cause.value}{part}", language, **facts)  # type: ignore[arg-type]


def test_only_trouble_wants_somebody_at_once() -> None:
    assert all(cause.actor in {"sender", "recipient", "operator"} for cause in Cause if cause.rank == 0)
    assert {cause.rank for cause in Cause} == {0, 1, 2}


def test_what_is_due_is_said_with_it() -> None:
    assert why(Known("H41", State.QUEUED, AT, terms=RUNNING), NOW).until == LATER
    assert (
        why(Known("H41", State.HANDED_OVER, AT, recall="OPEN", terms={"answer 2": (LATER, "running")}), NOW).until
        == LATER
    )
