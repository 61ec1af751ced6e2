"""Answers to recalls, updates and replacements, on the embedded line and served, and whose word each addressed unit's is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from axis.core import edxml
from axis.infra.journal import tables as journal
from axis.infra.record.store import HubTransaction
from axis.services.agency import publish, submit
from axis.services.hub import admit
from tests.e2e.changes.asked import codes_of, decided, refusing
from tests.line import Line, document, recall, replacement, status, update

if TYPE_CHECKING:
    from collections.abc import Collection

    from axis.core.hub.dossier import Facts

pytestmark = pytest.mark.timeout(400)  # served, several processes' worth of work in one


# -- Answers ------------------------------------------------------------------------------------------------------


@decided
def test_an_answer_needs_something_asked_and_16_a_reason(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    line.drop("H41", status("15"))
    line.run()
    assert codes_of(line, "H41") == ["STATUS_NOT_OPEN"]
    line.drop("G22", update(1), "b.edxml")
    line.run()
    line.drop("H41", status("16"), "b.edxml")
    line.drop("G06", status("15", sender="G06"), "c.edxml")
    line.run()
    assert codes_of(line, "H41", "b.edxml") == ["PACKET_MISSING"]
    assert codes_of(line, "G06", "c.edxml") == ["STATUS_UNKNOWN_DOCUMENT"]


@decided
def test_an_answer_goes_to_the_recall_first_and_what_else_was_asked_is_overtaken(line: Line) -> None:
    line.drop("G22", document(1))
    line.drop("G22", update(1), "b.edxml")
    line.run()
    line.drop("G22", recall(1), "c.edxml")
    line.run()
    assert line.stages("1/TN-G22") == {"H41": ["update OPEN", "recall OPEN"]}
    line.drop("H41", status("15"))
    line.run()
    assert line.stages("1/TN-G22") == {"H41": ["update OVERTAKEN", "recall AGREED"]}


@decided
def test_a_repeated_answer_is_the_same_and_a_status_in_other_words_too(line: Line) -> None:
    line.drop("G22", document(1))
    line.drop("G22", update(1), "b.edxml")
    line.run()
    for name, text in (("a", "một"), ("b", "hai")):
        line.drop("H41", status("15", description=text), f"{name}.edxml")
        line.drop("H41", status("03", description=text), f"{name}3.edxml")
        line.run()
    assert line.files("H41", "sent") == ["a.edxml", "a3.edxml", "b.edxml", "b3.edxml"]
    assert line.statuses("G22").count("15 H41") == 1
    assert line.statuses("G22").count("03 H41") == 1
    assert line.stages("1/TN-G22") == {"H41": ["update AGREED"]}


@decided
def test_units_answer_for_themselves_and_the_member_for_all(line: Line) -> None:
    line.drop("G22", document(1, to=("H29.10", "H29.11")))
    line.drop("G22", update(1, to=("H29.10", "H29.11")), "b.edxml")
    line.run()
    assert line.stages("1/TN-G22") == {"H29.10": ["update OPEN"], "H29.11": ["update OPEN"]}
    line.drop("H29", status("15", sender="H29.10"))
    line.run()
    assert line.stages("1/TN-G22") == {"H29.10": ["update AGREED"], "H29.11": ["update OPEN"]}
    line.drop("H29", status("16", sender="H29", description="không"), "b.edxml")
    line.run()
    assert line.stages("1/TN-G22") == {"H29.10": ["update AGREED"], "H29.11": ["update DECLINED"]}


@decided
@pytest.mark.parametrize(
    "packet",
    [recall(1, to=("H29.10",)), update(1, to=("G06",), remove=("H29.10",))],
    ids=["recalled", "removed"],
)
def test_of_units_that_have_one_document_together_one_alone_cannot_be_taken_away(line: Line, packet: bytes) -> None:
    line.drop("G22", document(1, to=("H29.10", "H29.11", "G06")))
    line.run()
    line.drop("G22", packet, "b.edxml")
    line.run()
    (finding,) = line.error("G22", "b.edxml")["findings"]
    assert (finding["code"], "H29.11" in finding["text"]) == ("UNITS_TOGETHER", True)
    assert line.stages("1/TN-G22") == {}
    line.drop("G22", recall(1, to=("H29",)), "c.edxml")  # the member, or all its units
    line.run()
    assert line.stages("1/TN-G22") == {"H29.10": ["recall OPEN"], "H29.11": ["recall OPEN"]}


@decided
def test_an_answer_to_a_replacement_by_the_old_id_is_not_the_answer_to_the_old_ones_update(line: Line) -> None:
    line.drop("G22", document(1))
    line.drop("G22", update(1), "b.edxml")
    line.run()
    line.drop("H41", status("15"))
    line.run()
    line.drop("G22", replacement(2, {1: ("H41",)}), "c.edxml")
    line.run()
    line.drop("H41", status("15", description="cũng đồng ý"), "b.edxml")
    line.run()
    assert line.stages("2/TN-G22") == {"H41": ["replace AGREED"]}
    assert line.files("H41", "sent") == ["a.edxml", "b.edxml"]


@decided
def test_an_answer_by_the_old_id_keeps_others_from_the_replacement_meanwhile(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.drop("G22", document(1))
    line.run()
    line.drop("G22", replacement(2, {1: ("H41",)}), "b.edxml")
    line.run()
    locked: list[set[tuple[str, str]]] = []
    lock = HubTransaction.lock

    def seen(
        self: HubTransaction, keys: Collection[tuple[str, str]], existing: Collection[tuple[str, str]] = ()
    ) -> Facts:
        locked.append(set(keys))
        return lock(self, keys, existing)

    monkeypatch.setattr(HubTransaction, "lock", seen)
    line.drop("H41", status("15"))
    line.run()
    assert line.stages("2/TN-G22") == {"H41": ["replace AGREED"]}
    assert {("G22", "G22,2026/11/23,1/TN-G22"), ("G22", "G22,2026/11/23,2/TN-G22")} in locked


@decided
def test_who_has_not_seen_a_document_cannot_answer_its_recall(line: Line) -> None:
    line.drop("G22", document(1))
    line.without("H41")
    line.drop("G22", recall(1), "b.edxml")
    line.without("H41")
    line.drop("H41", status("16", description="không"), "early.edxml")
    with line.parts() as (hub, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        submit.collect(h41, line.clock())
        publish.publish(h41, line.clock())
        admit.step(hub, line.clock(), 5)
    line.run()
    assert codes_of(line, "H41", "early.edxml") == ["STATUS_NOT_OPEN"]
    assert line.stages("1/TN-G22") == {"H41": ["recall WITHDRAWN"]}


# -- As the sender has addressed them ------------------------------------------------------------------------------


def named_in_statuses(line: Line, code: str) -> set[tuple[str, str]]:
    """(OrganId, OrganName) of whoever a status packet in an agency's status/ comes from."""
    found = set()
    for name in line.files(code, "status", "*.edxml"):
        packet = edxml.convert((line.folder(code, "status") / name).read_bytes()).packet
        assert packet is not None
        found.add((packet.sender.organ_id, packet.sender.name))
    return found


@decided
def test_every_addressed_unit_says_that_it_has_the_document_in_the_senders_spelling(line: Line) -> None:
    line.drop("G22", document(1, to=("H41.01", "H41.02", "000.00.00.G06", "G18")))
    line.run()
    assert line.statuses("G22") == ["01 000.00.00.G06", "01 G18", "01 H41.01", "01 H41.02"]
    named = dict(named_in_statuses(line, "G22"))
    assert named["H41.01"] == "Nơi nhận H41.01", "as the sender calls it"
    assert named["000.00.00.G06"] == "Bộ Khoa học và Công nghệ", "as the registry does"
    assert line.events("G22").count("E.1 H41") == 1


@decided
def test_every_addressed_unit_refuses_the_document_that_its_member_cannot_take(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing(monkeypatch):
        line.drop("G22", document(1, to=("H41.01", "000.00.00.H41")))
        line.run()
    assert line.statuses("G22") == ["02 000.00.00.H41", "02 H41.01"]


@decided
def test_a_units_own_word_that_it_has_the_document_reaches_the_sender_and_its_members_is_a_repetition(
    line: Line,
) -> None:
    line.drop("G22", document(1, to=("H41.01", "000.00.00.H41")))
    line.run()
    line.drop("H41", status("01", sender="H41.01", description="Văn thư phòng đã nhận"), "unit.edxml")
    line.drop("H41", status("01", sender="H41"), "member.edxml")
    line.run()
    assert line.files("H41", "sent") == ["member.edxml", "unit.edxml"]
    assert line.statuses("G22") == ["01 000.00.00.H41", "01 H41.01", "01 H41.01"]
    own = [p for p in line.folder("G22", "status").glob("*.edxml") if "Văn thư phòng" in p.read_text("utf-8")]
    assert len(own) == 1


@decided
def test_every_unit_that_a_recall_names_says_that_the_document_was_never_seen(line: Line) -> None:
    line.drop("G22", document(1, to=("H41.01", "H41.02")))
    line.without("H41")
    line.drop("G22", recall(1, to=("H41.01", "H41.02")), "recall.edxml")
    line.without("H41")
    line.run()
    assert line.statuses("G22") == ["15 H41.01", "15 H41.02"]


def test_of_what_was_sent_before_its_units_were_noted_the_member_speaks(line: Line) -> None:
    line.drop("G22", document(1, to=("H41.01", "H41.02")))
    line.without("H41")
    with line.parts() as (_, agencies):
        for agency in agencies:
            with agency.journal.transaction() as tx:
                for row in tx.connection.execute(sa.select(journal.outgoing)).mappings().all():
                    facts = {name: value for name, value in row["facts"].items() if name != "organs"}
                    tx.connection.execute(sa.update(journal.outgoing).values(facts=facts))
    line.run()
    assert line.statuses("G22") == ["01 H41"]
