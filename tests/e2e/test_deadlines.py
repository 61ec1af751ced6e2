"""Deadlines on the embedded line: a warning, signed evidence to the sender, and late success said plainly. The clock is
the test's own: a Monday, ten in the morning in Viet Nam; the Tuesday after it is a holiday."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from axis import bootstrap, config
from axis.errors import Misconfigured
from axis.services import run as loops
from axis.services.questions import board
from tests.line import Line, document, recall, small_home, status, update

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home")


def said(line: Line, code: str = "G22") -> list[str]:
    """T statements and D.2 that an agency holds: ``code leg recipient reason``."""
    return sorted(
        f"{s.event.code} {s.leg} {s.recipient} {s.reasons[0].code}".replace("  ", " ")
        for receipt in line.receipts(code).values()
        for s in receipt.statements
        if s.event.code in {"T.1", "T.2", "D.2"}
    )


def later(line: Line, hours: float, *away: str) -> None:
    line.clock.now += timedelta(hours=hours)
    line.without(*away)


def board_of(line: Line, reference: str) -> dict[str, Any]:
    home = bootstrap.open_home(line.path)
    with bootstrap.reading_registry(home) as registry, bootstrap.reading(home) as record:
        return board.board(record, registry, reference, line.clock.now)


def test_a_delivery_that_takes_too_long_is_warned_of_then_evidenced_and_late_success_is_said(line: Line) -> None:
    line.drop("G22", document(1))
    line.without("H41")
    later(line, 17, "H41")
    assert said(line) == []
    later(line, 1.1, "H41")
    assert said(line) == ["T.1 handover H41 DEADLINE_NEAR"]
    later(line, 6, "H41")
    assert said(line) == ["D.2 H41 OVERDUE", "T.1 handover H41 DEADLINE_NEAR"]
    assert line.states("1/TN-G22") == {"H41": "FAILED"}
    (shown,) = board_of(line, "1/TN-G22")["recipients"]
    assert (shown["standing"], shown["overdue"]) == ("failed", ["handover"])
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}, "what happened wins"
    handed = next(e for e in line.trace("1/TN-G22")["events"] if e["event"] == "delivery.handed_over")
    assert handed["detail"]["late"] is True
    (shown,) = board_of(line, "1/TN-G22")["recipients"]
    assert (shown["standing"], shown["overdue"]) == ("late", [])
    later(line, 100)
    assert said(line).count("D.2 H41 OVERDUE") == 1
    line.check_ledger()


def test_what_happens_in_time_is_not_spoken_of(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    line.drop("H41", status("03"))
    line.run()
    later(line, 24 * 60)
    assert said(line) == []


def test_urgent_documents_have_less_time(line: Line) -> None:
    line.drop("G22", document(1, priority=3))
    line.without("H41")
    later(line, 1.05, "H41")
    assert said(line) == ["D.2 H41 OVERDUE"], "the time was over at once: no warning any more"


def test_a_reception_that_does_not_come_is_evidenced_on_the_working_calendar(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    later(line, 42)  # of 55: Tuesday is a holiday, Wednesday's work ends it
    assert said(line) == ["T.1 reception H41 DEADLINE_NEAR"]
    later(line, 13.5)  # Wednesday, half past five in the afternoon
    assert said(line) == ["T.1 reception H41 DEADLINE_NEAR", "T.2 reception H41 DEADLINE_MISSED"]
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}, "it is not said to be undelivered"
    line.drop("H41", status("03"))
    line.run()
    assert board_of(line, "1/TN-G22")["recipients"][0]["overdue"] == []


def test_processing_is_due_by_the_documents_own_date(line: Line) -> None:
    due = b"<DueDate>2026/11/27</DueDate><OtherInfo>"
    line.drop("G22", document(1).replace(b"<OtherInfo>", due))
    line.run()
    line.drop("H41", status("03"))
    line.run()
    later(line, 24 * 4 + 8)
    assert said(line) == ["T.1 processing H41 DEADLINE_NEAR", "T.2 processing H41 DEADLINE_MISSED"][1:] or said(
        line
    ) == [
        "T.1 processing H41 DEADLINE_NEAR",
        "T.2 processing H41 DEADLINE_MISSED",
    ]
    line.drop("H41", status("06"), "b.edxml")
    line.run()
    assert board_of(line, "1/TN-G22")["recipients"][0]["overdue"] == []


def test_an_answer_to_an_update_has_its_time(line: Line) -> None:
    line.drop("G22", document(1))
    line.drop("G22", update(1), "b.edxml")
    line.run()
    line.drop("H41", status("03"))
    line.run()
    later(line, 24 * 5)
    assert "T.2 answer 1 H41 DEADLINE_MISSED" in said(line)
    line.drop("H41", status("15"), "b.edxml")
    line.run()
    assert board_of(line, "1/TN-G22")["recipients"][0]["overdue"] == []


def test_the_time_to_answer_begins_with_the_arrival_and_ends_with_the_last_units_answer(line: Line) -> None:
    line.drop("G22", document(1, to=("H29.10", "H29.11")))
    line.run()
    line.drop("H29", status("03", sender="H29"))
    line.drop("G22", update(1, to=("H29.10", "H29.11")), "b.edxml")
    line.without("H29")
    later(line, 24 * 5, "H29")  # the update is overdue by then, and nobody there has seen it
    assert "T.2 answer 1 H29 DEADLINE_MISSED" not in said(line)
    line.run()
    line.drop("H29", status("15", sender="H29.10"), "b.edxml")
    line.run()
    later(line, 24 * 5)
    assert "T.2 answer 1 H29 DEADLINE_MISSED" in said(line), "one of two has answered"
    line.drop("H29", status("15", sender="H29.11"), "c.edxml")
    line.run()
    assert "answer 1" not in board_of(line, "1/TN-G22")["recipients"][0]["overdue"]


@pytest.mark.parametrize(
    ("to", "reporter"),
    [(("000.00.00.H41",), "H41"), (("H41",), "000.00.00.H41"), (("H41",), "H41.02"), (("H41.01", "H41.02"), "H41")],
    ids=["an old form", "the other way", "a unit for its member", "the member for its units"],
)
def test_who_speaks_for_a_recipient_in_whatever_spelling_meets_its_deadlines(
    line: Line, to: tuple[str, ...], reporter: str
) -> None:
    line.drop("G22", document(1, to=to))
    line.run()
    line.drop("H41", status("06", sender=reporter))
    line.run()
    later(line, 24 * 10)
    assert said(line) == []
    line.drop("H41", status("02", sender=reporter, description="không"), "b.edxml")
    line.run()
    assert [f["code"] for f in line.error("H41", "b.edxml")["findings"]] == ["STATUS_ILLEGAL"]


def test_a_unit_speaks_for_nobody_beside_it(line: Line) -> None:
    line.drop("G22", document(1, to=("H41.01", "H41.02")))
    line.run()
    line.drop("H41", status("03", sender="H41.01"))
    line.run()
    later(line, 24 * 10)
    assert "T.2 reception H41 DEADLINE_MISSED" in said(line)


def test_a_report_that_overtakes_the_receipt_is_no_missed_deadline(line: Line) -> None:
    line.drop("G22", document(1))
    line.without("H41")
    with line.parts() as (_, agencies):  # E.1 and 03 reach the hub together
        (h41,) = [one for one in agencies if one.code == "H41"]
        loops.agency_round(h41, line.clock())
        line.drop("H41", status("03"))
        loops.agency_round(h41, line.clock())
        loops.agency_round(h41, line.clock())
    line.run()
    later(line, 24 * 10)
    assert said(line) == []
    (shown,) = board_of(line, "1/TN-G22")["recipients"]
    assert shown["next_deadline"] == ""


def test_a_due_date_that_passes_before_the_hand_over_is_missed_too(line: Line) -> None:
    due = b"<DueDate>2026/11/23</DueDate><OtherInfo>"
    line.drop("G22", document(1).replace(b"<OtherInfo>", due))
    line.without("H41")
    later(line, 15, "H41")
    assert "T.2 processing H41 DEADLINE_MISSED" in said(line)


def test_a_recall_that_nobody_decides_is_said_to_be_overdue(line: Line) -> None:
    line.drop("G22", document(1))
    line.without("H41")
    line.drop("G22", recall(1), "b.edxml")
    line.without("H41")
    later(line, 25, "H41")
    late = [r.subject.kind for r in line.receipts("G22").values() for s in r.statements if s.event.code == "D.2"]
    assert sorted(late) == ["new", "recall"]
    line.run()
    assert line.states("1/TN-G22") == {"H41": "RECALLED"}


def test_what_changes_a_document_waits_for_its_hour_too(line: Line) -> None:
    at = b'<DeliverAt xmlns="urn:axis:edxml:1">2026/11/23 15:00:00</DeliverAt><OtherInfo>'
    line.drop("G22", document(1, to=("H41", "G06")).replace(b"<OtherInfo>", at))
    line.run(patience=timedelta(0))
    line.drop("G22", update(1, to=("H41",)), "b.edxml")
    line.drop("G22", update(1, to=("H41",), changes_content=False, add=("G18",)), "c.edxml")
    line.run(patience=timedelta(minutes=30))
    assert [line.files(code, "inbox") for code in ("H41", "G06", "G18")] == [[], [], []]
    line.clock.now += timedelta(hours=5, minutes=1)
    line.run(patience=timedelta(minutes=2))
    assert (line.kinds("H41"), line.kinds("G18")) == (["new", "update"], ["update"])


def test_who_is_added_after_a_new_version_gets_it_at_once(line: Line) -> None:
    line.drop("G22", document(1))
    line.drop("G22", update(1), "b.edxml")
    line.run()
    line.drop("G22", update(1, changes_content=False, add=("G18",)), "c.edxml")
    line.run(patience=timedelta(minutes=1))
    assert line.kinds("G18") == ["update"]


def test_the_sender_may_set_its_own_time(line: Line) -> None:
    within = b'<DeliverWithin xmlns="urn:axis:edxml:1">PT2H</DeliverWithin><OtherInfo>'
    line.drop("G22", document(1).replace(b"<OtherInfo>", within))
    line.without("H41")
    later(line, 2.1, "H41")
    assert said(line) == ["D.2 H41 OVERDUE"]


def test_what_is_to_be_delivered_at_an_hour_waits_for_it(line: Line) -> None:
    at = b'<DeliverAt xmlns="urn:axis:edxml:1">2026/11/23 15:00:00</DeliverAt><OtherInfo>'
    line.drop("G22", document(1, priority=4).replace(b"<OtherInfo>", at))
    line.run(patience=timedelta(0))
    assert line.states("1/TN-G22") == {"H41": "ACCEPTED"}
    assert line.files("H41", "inbox") == []
    assert said(line) == []
    line.clock.now += timedelta(hours=5, minutes=1)
    line.run(patience=timedelta(0))
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}


@pytest.mark.parametrize(
    "element",
    [
        "<DeliverAt xmlns='urn:axis:edxml:1'>soon</DeliverAt>",
        "<DeliverAt xmlns='urn:axis:edxml:1'>9999/12/31 20:00:00</DeliverAt>",
        "<DeliverWithin xmlns='urn:axis:edxml:1'>4h</DeliverWithin>",
    ],
)
def test_a_time_that_cannot_be_read_is_refused_at_the_sender(line: Line, element: str) -> None:
    line.drop("G22", document(1).replace(b"<OtherInfo>", element.encode() + b"<OtherInfo>"))
    line.run()
    assert [f["code"] for f in line.error("G22")["findings"] if f["severity"] == "error"] == ["PACKET_DATE"]


def test_a_clock_that_jumps_back_says_nothing_twice(line: Line) -> None:
    line.drop("G22", document(1))
    line.without("H41")
    later(line, 25, "H41")
    assert said(line) == ["D.2 H41 OVERDUE"]
    later(line, -20, "H41")
    later(line, 30, "H41")
    assert said(line) == ["D.2 H41 OVERDUE"]


def test_rules_that_are_none_stop_the_start(line: Line) -> None:
    line.configure(deadlines=config.Deadlines(("handover soon",)))
    with pytest.raises(Misconfigured) as caught, line.parts():
        pass
    assert "handover soon" in str(caught.value)
