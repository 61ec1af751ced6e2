"""A recall after an agency's home was put back, alone or with the record: what may have been shown in between is withdrawn for
certain no more, and what was withdrawn is not shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from axis.core.homes import Standing
from axis.core.message import Route, hub_routes
from axis.services import run as loops
from tests.e2e.apart import Apart, at_work, while_the_system_of_h41_is_away
from tests.line import document, recall

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def line(tmp_path: Path) -> Apart:
    return at_work(tmp_path)


@pytest.mark.parametrize("is_put_back", [False, True])
def test_a_recall_that_was_handed_over_over_the_restore_stays_a_request(line: Apart, is_put_back: bool) -> None:
    """Its receipts are W.2 and E.1; without the first the hub would wait for ever for what was decided."""
    record, home = line.back_up_record(), line.copy("H41")
    line.drop("G22", document(1), "1.edxml")
    line.run()
    line.drop("G22", recall(1), "r.edxml")
    line.run()
    assert line.kinds("H41") == ["new", "recall"]
    line.taken_away("H41")
    line.put_back_record(record)
    if is_put_back:
        line.put_back("H41", home)
        line.take_over("H41")
    line.run()
    assert line.kinds("H41") == []
    assert line.stages("1/TN-G22")["H41"] == ["recall OPEN"]
    assert (line.sign("W.1"), line.put_aside()) == ([], [])


def test_what_was_withdrawn_while_both_forgot_is_not_shown_after_it(line: Apart) -> None:
    record, home = line.back_up_record(), line.copy("H41")
    while_the_system_of_h41_is_away(line, document(1))
    while_the_system_of_h41_is_away(line, recall(1))
    assert line.sign("W.1") == ["H41"]
    line.put_back_record(record)
    line.put_back("H41", home)
    line.take_over("H41")
    line.run()
    assert line.kinds("H41") == []
    assert line.states("1/TN-G22") == {"H41": "RECALLED"}
    assert (line.sign("W.2"), line.put_aside()) == ([], [])


def test_a_recall_of_what_a_restored_journal_has_lost_is_a_request(line: Apart) -> None:
    """Shown, and nobody knows: the hub has no receipt, for it was lost on the way, and the journal nothing at all."""
    copy = line.copy("H41")
    line.drop("G22", document(1), "1.edxml")
    with line.parts() as (hub, agencies):
        line.turns(hub, agencies, 4)
    assert line.kinds("H41") == ["new"]
    line.taken_away("H41")
    line.put_back("H41", copy)
    line.take_over("H41")
    line.drop("G22", recall(1), "r.edxml")
    line.run()
    assert "H41" not in line.sign("W.1")
    assert line.sign("W.2") == ["H41"]
    assert line.kinds("H41") == ["recall"], "shown to a clerk, and the document not once more"


def shown_and_forgotten(line: Apart) -> None:
    """H41's system has a document; its journal was put back to before that, and the receipt was lost on the way."""
    copy = line.copy("H41")
    with line.parts() as (hub, (sender, recipient)):
        line.turns(hub, [sender, recipient])
        line.drop("G22", document(1), "1.edxml")
        line.turns(hub, [sender], 4)
        loops.agency_round(recipient, line.clock())
        (taken,) = hub.broker.receive(list(hub_routes(["H41"])), limit=9, max_bytes=10**6, timeout=0)
        hub.broker.ack([taken])
    assert line.kinds("H41") == ["new"]
    line.taken_away("H41")
    line.put_back("H41", copy)
    line.take_over("H41")


def test_a_recall_of_what_a_restored_journal_has_lost_and_was_sent_again_is_a_request_too(line: Apart) -> None:
    """That the hub has no receipt, and sends it again, says nothing about what was shown in between."""
    shown_and_forgotten(line)
    while_the_system_of_h41_is_away(line, document(2))
    while_the_system_of_h41_is_away(line, recall(1))
    line.run()
    assert line.sign("W.1") == []
    assert line.sign("W.2") == ["H41"]
    assert "recall" in line.kinds("H41")


def test_a_withdrawal_that_was_under_way_when_the_home_was_put_back_is_not_believed(line: Apart) -> None:
    """The older copy does not know of it, nor whether the document was shown: it shows both."""
    copy = line.copy("H41")
    while_the_system_of_h41_is_away(line, document(1))
    line.drop("G22", recall(1), "recall.edxml")
    with line.parts() as (hub, agencies):
        line.turns(hub, [agencies[0]], 4)
        while agencies[1].standing is not Standing.CURRENT:
            line.turns(hub, [agencies[1]], 1)
        for _ in range(3):
            loops.agency_round(agencies[1], line.clock())
        routes = [Route("in", "H41", urgent=urgent) for urgent in (True, False)]
        taken = hub.broker.receive(routes, limit=9, max_bytes=10**6, timeout=0)  # by a worker that stands still
        hub.broker.ack(taken)
    line.put_back("H41", copy)
    line.take_over("H41")
    with line.parts() as (hub, agencies):
        loops.agency_round(agencies[1], line.clock())
        line.turns(hub, [], 4)  # the hub waits for what is under way, and this is not
        assert line.entries("H41")[-1] == "home.replaced"
        agencies[1].broker.publish([one.message for one in taken])
        line.turns(hub, [], 2)
        assert line.states("1/TN-G22") == {"H41": "QUEUED"}, "it is sent again, and the copy decides"
        line.turns(hub, agencies)
    assert (line.sign("W.1"), line.sign("W.2")) == ([], ["H41"])
    assert sorted(line.kinds("H41")) == ["new", "recall"]


def test_what_was_withdrawn_is_not_shown_by_an_older_copy_and_what_was_not_is(line: Apart) -> None:
    """Both documents waited for H41's system when the copy was made; one was withdrawn for certain, one never shown."""
    while_the_system_of_h41_is_away(line, document(1))
    while_the_system_of_h41_is_away(line, document(2))
    copy = line.copy("H41")
    while_the_system_of_h41_is_away(line, recall(1))
    assert line.sign("W.1") == ["H41"]
    line.put_back("H41", copy)
    with line.parts() as (hub, agencies):
        line.turns(hub, agencies)
    assert line.kinds("H41") == []
    assert line.take_over("H41") == 2
    line.run()
    assert line.kinds("H41") == ["new"]
    assert line.states("1/TN-G22") == {"H41": "RECALLED"}
    assert line.states("2/TN-G22") == {"H41": "HANDED_OVER"}
    assert (line.sign("W.1"), line.sign("W.2"), line.sign("E.1").count("H41")) == (["H41"], [], 2)
    assert line.entries("H41")[-1] == "home.replaced"
