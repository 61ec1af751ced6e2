"""Updates and replacements, on the embedded line and served: who gets which version, who is asked, what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.e2e.changes.asked import CONTENT, codes_of, decided, digest, refusing
from tests.line import Line, document, replacement, status, update

pytestmark = pytest.mark.timeout(400)  # served, several processes' worth of work in one


# -- Update -------------------------------------------------------------------------------------------------------


def test_an_update_is_a_new_version_that_the_recipient_answers(line: Line) -> None:
    line.drop("G22", document(1, to=("H41", "G06")))
    line.run()
    line.drop("G22", update(1, to=("H41", "G06")), "b.edxml")
    line.run()
    assert line.kinds("H41") == ["new", "update"]
    assert line.attachments("H41") == [digest(CONTENT), digest(b"%PDF-1.4 sua doi")]
    assert line.stages("1/TN-G22") == {"H41": ["update OPEN"], "G06": ["update OPEN"]}
    line.drop("H41", status("15"))
    line.drop("G06", status("16", sender="G06", description="Đã lưu"))
    line.run()
    assert line.stages("1/TN-G22") == {"H41": ["update AGREED"], "G06": ["update DECLINED"]}
    line.drop("G22", update(1, to=("H41",), content=b"third"), "c.edxml")
    line.run()
    changes = line.trace("1/TN-G22")["changes"]
    assert [(c["kind"], c["number"]) for c in changes] == [("update", 1), ("update", 2)]
    assert line.stages("1/TN-G22")["H41"] == ["update AGREED", "update OPEN"]
    line.drop("H41", status("15", description="lần hai"), "again.edxml")
    line.run()
    assert line.stages("1/TN-G22")["H41"] == ["update AGREED", "update AGREED"]
    line.check_ledger()


@decided
def test_the_same_update_again_is_the_same(line: Line) -> None:
    line.drop("G22", document(1))
    line.drop("G22", update(1), "b.edxml")
    line.run()
    line.drop("G22", update(1), "c.edxml")
    line.run()
    assert line.files("G22", "sent") == ["a.edxml", "b.edxml", "c.edxml"]
    assert line.kinds("H41") == ["new", "update"]


@decided
def test_an_update_that_the_recipients_system_refuses_says_nothing_of_the_document(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.drop("G22", document(1))
    line.run()
    with refusing(monkeypatch):
        line.drop("G22", update(1), "b.edxml")
        line.run()
    assert "E.2 H41" in line.events("G22")
    assert line.statuses("G22") == ["01 H41"]


@pytest.mark.parametrize("changes_content", [True, False])
def test_an_update_gives_the_document_to_who_is_added_and_takes_it_from_who_is_removed(
    line: Line, changes_content: bool
) -> None:
    line.drop("G22", document(1, to=("H41", "G06")))
    line.without("G06")
    line.drop("G22", update(1, to=("H41",), changes_content=changes_content, add=("G18",), remove=("G06",)), "b.edxml")
    line.without("G06")
    line.run()
    new = b"%PDF-1.4 sua doi" if changes_content else CONTENT
    assert line.attachments("G18") == [digest(new)]
    assert line.files("G06", "inbox") == []
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER", "G06": "RECALLED", "G18": "HANDED_OVER"}
    assert line.stages("1/TN-G22")["G06"] == ["recall WITHDRAWN"]
    assert line.kinds("H41") == (["new", "update"] if changes_content else ["new"])
    assert line.events("G22").count("W.1 G06") == 1
    assert line.events("G22").count("E.1 G18") == 1
    line.drop("G18", status("03", sender="G18"))
    line.run()
    assert "03 G18" in line.statuses("G22")
    assert {d["recipient"]: d["business_status"] for d in line.trace("1/TN-G22")["deliveries"]}["G18"] == "03"
    # A later update reaches who was added, and not who was removed.
    line.drop("G22", update(1, to=("H41", "G18"), content=b"third"), "c.edxml")
    line.run(patience=timedelta(seconds=10))
    assert digest(b"third") in line.attachments("G18"), "at once: it has what is updated"
    line.drop("G22", update(1, to=("G06",), content=b"fourth"), "d.edxml")
    line.run()
    assert codes_of(line, name="d.edxml") == ["DOCUMENT_RECALLED"]
    line.check_ledger()


@decided
def test_who_is_removed_after_the_hand_over_is_asked(line: Line) -> None:
    line.drop("G22", document(1, to=("H41", "G06")))
    line.run()
    line.drop("G22", update(1, to=("H41",), remove=("G06",)), "b.edxml")
    line.run()
    assert line.stages("1/TN-G22") == {"H41": ["update OPEN"], "G06": ["recall OPEN"]}
    assert line.kinds("G06") == ["new", "update"], "it says who is removed"
    line.drop("G06", status("15", sender="G06"))
    line.run()
    assert line.stages("1/TN-G22")["G06"] == ["recall AGREED"]


@decided
@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (update(9), "DOCUMENT_UNKNOWN"),
        (update(1, sender="G06"), "DOCUMENT_UNKNOWN"),
        (update(1, to=("G06",)), "RECIPIENT_UNKNOWN"),
        (update(1, remove=("G06",)), "RECIPIENT_UNKNOWN"),
        (update(1, changes_content=False), "PACKET_VALUE"),
        (update(1, add=("H63",)), "AGENCY_UNKNOWN"),
        (
            update(1, add=("G06",)).replace(b"<ReceiverList>", b"<X>").replace(b"</ReceiverList>", b"</X>"),
            "PACKET_MISSING",
        ),
    ],
    ids=[
        "not known",
        "somebody else's",
        "to who never had it",
        "removed who never had it",
        "nothing changes",
        "to nobody",
        "no list",
    ],
)
def test_an_update_out_of_place_is_refused(line: Line, packet: bytes, code: str) -> None:
    line.drop("G22", document(1))
    line.run()
    sender = "G06" if b"<From><OrganId>G06" in packet else "G22"
    line.drop(sender, packet, "b.edxml")
    line.run()
    assert code in codes_of(line, sender, "b.edxml")
    assert line.kinds("H41") == ["new"]


# -- Replacement --------------------------------------------------------------------------------------------------


def test_a_replacement_supersedes_and_everybody_who_had_the_old_one_is_asked(line: Line) -> None:
    line.drop("G22", document(1, to=("H41", "G06")))
    line.run()
    line.drop("G22", replacement(2, {1: ("H41", "G06")}, to=("H41", "G18")), "b.edxml")
    line.run()
    new = line.trace("2/TN-G22")
    assert line.trace("1/TN-G22")["document"]["superseded_by"] == new["document"]["axis_id"]
    assert line.states("2/TN-G22") == {"H41": "HANDED_OVER", "G06": "HANDED_OVER", "G18": "HANDED_OVER"}
    assert line.stages("2/TN-G22") == {"H41": ["replace OPEN"], "G06": ["replace OPEN"]}
    line.drop("H41", status("15", number=2))
    line.drop("G06", status("16", number=1, sender="G06", description="Còn dùng"))  # by the old one's id
    line.run()
    assert line.stages("2/TN-G22") == {"H41": ["replace AGREED"], "G06": ["replace DECLINED"]}
    line.drop("G22", replacement(2, {1: ("H41", "G06")}, to=("H41", "G18")), "c.edxml")
    line.drop("G22", replacement(2, {1: ("H41",)}, to=("H41",), content=b"other"), "d.edxml")
    line.run()
    assert line.files("G22", "sent") == ["a.edxml", "b.edxml", "c.edxml"]
    assert codes_of(line, name="d.edxml") == ["DUP_CONFLICT"]


@decided
@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (replacement(2, {9: ("H41",)}), "DOCUMENT_UNKNOWN"),
        (replacement(2, {1: ("H41", "G18")}), "RECIPIENT_UNKNOWN"),
        (replacement(2, {1: ()}), "PACKET_MISSING"),
        (replacement(2, {1: ("H41",)}, sender="G06"), "DOCUMENT_UNKNOWN"),
    ],
    ids=["not known", "who never had it", "nobody had it", "somebody else's"],
)
def test_a_replacement_out_of_place_is_refused(line: Line, packet: bytes, code: str) -> None:
    line.drop("G22", document(1))
    line.run()
    sender = "G06" if b"<From><OrganId>G06" in packet else "G22"
    line.drop(sender, packet, "b.edxml")
    line.run()
    assert code in codes_of(line, sender, "b.edxml")
    assert line.kinds("H41") == ["new"]


@decided
@pytest.mark.parametrize("changes_content", [True, False])
def test_a_unit_that_is_added_where_the_document_is_already_has_the_update_there(
    line: Line, changes_content: bool
) -> None:
    line.drop("G22", document(1, to=("H29.10", "G06")))
    line.run()
    packet = update(1, to=("H29.10", "G06"), changes_content=changes_content, add=("H29.12",))
    line.drop("G22", packet, "b.edxml")
    line.run()
    assert line.kinds("H29") == ["new", "update"]
    assert line.kinds("G06") == (["new", "update"] if changes_content else ["new"])
    assert line.stages("1/TN-G22")["H29.12"] == ["update OPEN"]
    (delivery,) = [d for d in line.trace("1/TN-G22")["deliveries"] if d["recipient"] == "H29"]
    assert delivery["units"] == ["H29.10", "H29.12"]


def test_an_update_goes_out_after_what_it_updates_though_it_is_more_urgent(line: Line) -> None:
    line.drop("G22", update(1, priority=3), "0-update.edxml")
    line.drop("G22", document(1), "1-document.edxml")
    line.run()
    assert line.kinds("H41") == ["new", "update"]
    assert line.files("G22", "sent") == ["0-update.edxml", "1-document.edxml"]


@decided
def test_a_receiver_list_that_the_update_does_not_use_takes_nothing_from_anybody(line: Line) -> None:
    line.drop("G22", document(1))
    leftover = update(1, remove=("H41",)).replace(b"<DocumentReceiver>1<", b"<DocumentReceiver>0<")
    line.drop("G22", leftover, "b.edxml")
    line.without("H41")
    line.run()
    assert line.kinds("H41") == ["new", "update"]
    assert line.stages("1/TN-G22") == {"H41": ["update OPEN"]}


@decided
def test_a_unit_that_an_update_adds_says_that_it_has_the_document(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    line.drop("G22", update(1, to=("H41",), add=("000.00.10.H29",), changes_content=False), "update.edxml")
    line.run()
    assert line.statuses("G22") == ["01 000.00.10.H29", "01 H41"]
    assert line.states("1/TN-G22")["H29"] == "HANDED_OVER"
