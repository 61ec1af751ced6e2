"""Codes over time: old forms, aliases, agencies that close, their successors, and what was sent before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from axis import bootstrap, config
from axis.errors import Rejected
from axis.infra import embedded
from axis.infra.embedded import EmbeddedBroker
from axis.services.operate import registry as members
from tests.e2e.test_following import given
from tests.line import Line, document, recall, replacement, small_home, status, update

if TYPE_CHECKING:
    from pathlib import Path

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home")


def close_quietly(line: Line, code: str, successor: str, *, later: timedelta = timedelta(0)) -> None:
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.close(registrar, code, successor, "hợp nhất", line.clock() + later, line.clock())


def close(line: Line, code: str, successor: str, *, later: timedelta = timedelta(0)) -> None:
    close_quietly(line, code, successor, later=later)
    line.run()


def test_mail_for_a_closed_agency_goes_to_its_successor(line: Line) -> None:
    close(line, "G06", "G18")
    line.drop("G22", document(1, to=("G06", "H41")))
    line.run()
    assert line.states("1/TN-G22") == {"G18": "HANDED_OVER", "H41": "HANDED_OVER"}
    assert line.trace("1/TN-G22")["deliveries"][0]["units"] == ["G06"], "addressed as it was written"
    assert line.files("G06", "inbox") == []


def test_or_it_is_refused_with_that_code_where_that_is_the_policy(line: Line) -> None:
    line.configure(hub=config.Hub(closed_agency="refuse"))
    close(line, "G06", "G18")
    line.drop("G22", document(1, to=("G06", "H41")))
    line.run()
    assert line.states("1/TN-G22") == {"G06": "FAILED", "H41": "HANDED_OVER"}
    (failed,) = [s for r in line.receipts("G22").values() for s in r.statements if s.event.code == "D.2"]
    assert (failed.recipient, failed.reasons[0].code) == ("G06", "AGENCY_CLOSED")
    (certified,) = {r.subject.document_id for r in line.receipts("G22").values() if r.statements[0].event.code == "S.1"}
    assert certified == "G22,2026/11/23,1/TN-G22", "a closed agency keeps nobody waiting"


def test_a_closing_has_its_day(line: Line) -> None:
    close(line, "G06", "G18", later=timedelta(days=1))
    line.drop("G22", document(1, to=("G06",)))
    line.run()
    assert line.states("1/TN-G22") == {"G06": "HANDED_OVER"}
    line.clock.now += timedelta(days=2)
    line.drop("G22", document(2, to=("G06",)))
    line.run()
    assert line.states("2/TN-G22") == {"G18": "HANDED_OVER"}


def test_the_successor_answers_for_what_its_predecessor_had(line: Line) -> None:
    line.drop("G22", document(1, to=("G06",)))
    line.drop("G22", update(1, to=("G06",)), "b.edxml")
    line.run()
    close(line, "G06", "G18")
    line.drop("G18", status("03", sender="G18"))
    line.drop("G18", status("15", sender="G18"), "b.edxml")
    line.run()
    assert "03 G18" in line.statuses("G22")
    assert line.stages("1/TN-G22") == {"G06": ["update AGREED"]}
    assert line.error is not None


@pytest.mark.parametrize("named", ["G06", "G18"], ids=["by the old code", "by the successor's"])
def test_what_a_closed_agency_has_is_asked_back_of_its_successor_and_never_said_to_be_unseen(
    line: Line, named: str
) -> None:
    line.drop("G22", document(1, to=("G06", "H41")))
    line.run()
    close(line, "G06", "G18")
    line.drop("G22", recall(1, to=(named,)), "b.edxml")
    line.run()
    assert line.states("1/TN-G22") == {"G06": "HANDED_OVER", "H41": "HANDED_OVER"}
    assert line.stages("1/TN-G22") == {"G06": ["recall OPEN"]}
    assert line.kinds("G18") == ["recall"], "its clerk is asked"
    assert not [event for event in line.events("G22") if event.startswith("W.1")]
    line.drop("G22", recall(1, to=(named,), reason="nhắc lại"), "c.edxml")
    line.run()
    assert line.files("G22", "sent") == ["a.edxml", "b.edxml", "c.edxml"]
    line.drop("G18", status("15", sender="G18"))
    line.run()
    assert line.stages("1/TN-G22") == {"G06": ["recall AGREED"]}
    line.check_ledger()


def test_a_recall_of_what_went_to_the_successor_is_decided_there(line: Line) -> None:
    close(line, "G06", "G18")
    line.drop("G22", document(1, to=("G06",)))
    line.without("G18")
    line.drop("G22", recall(1, to=("G06",)), "b.edxml")
    line.without("G18")
    line.run()
    assert line.states("1/TN-G22") == {"G18": "RECALLED"}
    assert (line.stages("1/TN-G22"), line.kinds("G18")) == ({"G06": ["recall WITHDRAWN"]}, [])


def test_a_recall_from_both_withdraws_what_waits_and_asks_about_what_the_other_had(line: Line) -> None:
    line.drop("G22", document(1, to=("G06", "G18")))
    line.without("G06", "G18")
    given(line, "G06")
    close_quietly(line, "G06", "G18")
    line.without("G06", "G18")
    line.drop("G22", recall(1, to=("G06", "G18")), "b.edxml")
    line.without("G06", "G18")
    line.without("G06")
    assert line.stages("1/TN-G22") == {"G06": ["recall OPEN"], "G18": ["recall WITHDRAWN"]}
    assert line.kinds("G18") == ["recall"]
    line.drop("G18", status("15", sender="G18"))
    line.without("G06")
    assert line.stages("1/TN-G22") == {"G06": ["recall AGREED"], "G18": ["recall WITHDRAWN"]}
    line.check_ledger()


def test_a_recall_that_waits_for_its_document_finds_it_at_the_successor(line: Line) -> None:
    line.drop("G22", recall(1, to=("G06",)), "b.edxml")
    line.run()
    close(line, "G06", "G18")
    line.drop("G22", document(1, to=("G06",)))
    line.run()
    assert line.states("1/TN-G22") == {"G18": "RECALLED"}
    assert line.kinds("G18") == []


def test_what_changes_goes_to_the_successor_of_who_had_the_document(line: Line) -> None:
    line.drop("G22", document(1, to=("G06", "H41")))
    line.run()
    close(line, "G06", "G18")
    line.drop("G22", update(1, to=("G06", "H41")), "b.edxml")
    line.run(patience=timedelta(minutes=1))
    assert line.kinds("G18") == ["update"]
    assert line.stages("1/TN-G22") == {"G06": ["update OPEN"], "H41": ["update OPEN"]}
    line.drop("G18", status("15", sender="G18"))
    line.run()
    assert line.stages("1/TN-G22")["G06"] == ["update AGREED"]
    line.drop("G22", replacement(2, {1: ("G06", "H41")}, to=("H41",)), "c.edxml")
    line.run()
    assert line.states("2/TN-G22") == {"G18": "HANDED_OVER", "H41": "HANDED_OVER"}
    assert line.stages("2/TN-G22") == {"G06": ["replace OPEN"], "H41": ["replace OPEN"]}, "as it was addressed"
    line.drop("G22", update(1, to=("H41",), add=(), remove=("G06",)), "d.edxml")
    line.run()
    assert line.stages("1/TN-G22")["G06"] == ["update AGREED", "recall OPEN"]


def test_a_successor_recalls_and_updates_what_its_predecessor_has_sent_and_has_the_receipts(line: Line) -> None:
    line.drop("G06", document(1, sender="G06", to=("H41", "H29")))
    line.without("H29")
    close_quietly(line, "G06", "G18")
    line.without("H29")
    theirs = b"G06,2026/11/23,1/TN-G06"
    for name, packet in (
        ("a", recall(1, sender="G18", to=("H29",))),
        ("b", update(1, sender="G18", to=("H41",))),
    ):
        line.drop(
            "G18",
            packet.replace(b"G18,2026/11/23,1/TN-G18</DocumentId><Buss", theirs + b"</DocumentId><Buss"),
            f"{name}.edxml",
        )
    line.without("H29")
    assert line.files("G18", "sent") == ["a.edxml", "b.edxml"]
    line.run()
    assert line.states("1/TN-G06") == {"H41": "HANDED_OVER", "H29": "RECALLED"}
    assert line.stages("1/TN-G06") == {"H29": ["recall WITHDRAWN"], "H41": ["update OPEN"]}
    assert line.files("H29", "inbox") == []
    assert "W.1 H29" in line.events("G18")
    line.drop("H41", status("15", about="G06"))
    line.run()
    assert line.stages("1/TN-G06")["H41"] == ["update AGREED"]
    line.check_ledger()


def test_what_is_said_of_a_closed_agencys_document_goes_to_its_successor(line: Line) -> None:
    line.drop("G06", document(1, sender="G06", to=("H41",)))
    line.without("H41")
    close_quietly(line, "G06", "G18")
    line.run()
    assert "E.1 H41" in line.events("G18")


def test_nobody_else_recalls_a_closed_agencys_documents(line: Line) -> None:
    line.drop("G06", document(1, sender="G06", to=("H41",)))
    line.run()
    close(line, "G06", "G18")
    stolen = recall(1, sender="H29").replace(b"H29,2026/11/23,1/TN-H29", b"G06,2026/11/23,1/TN-G06")
    line.drop("H29", stolen)
    line.run()
    assert [f["code"] for f in line.error("H29")["findings"]] == ["AUTHZ_MISMATCH"]


def test_a_reply_to_a_closed_agencys_document_finds_its_successor(line: Line) -> None:
    line.drop("G06", document(1, sender="G06", to=("H41",)))
    line.run()
    close(line, "G06", "G18")
    line.drop("H41", status("05", about="G06"))
    line.run()
    assert line.statuses("G18") == ["05 H41"]
    assert line.trace("1/TN-G06")["deliveries"][0]["business_status"] == "05"


def test_who_is_closed_sends_nothing_any_more(line: Line) -> None:
    line.drop("G06", document(1, sender="G06", to=("H41",)))
    line.run()
    close(line, "G06", "G18")
    line.drop("G06", recall(1, sender="G06"), "b.edxml")
    line.run()
    assert [f["code"] for f in line.error("G06", "b.edxml")["findings"]] == ["AGENCY_ENDED"]


def test_old_codes_and_aliases_are_the_same_agency(line: Line) -> None:
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.add_alias(registrar, "G18", "G38", "đổi mã", line.clock())
        with pytest.raises(Rejected):
            members.add_alias(registrar, "H41", "G38", "của cơ quan khác", line.clock())
        with pytest.raises(Rejected):
            members.add_alias(registrar, "H41", "không phải mã", "sai", line.clock())
    line.drop("G22", document(1, to=("G38", "000.00.00.H41")))
    line.run()
    assert line.states("1/TN-G22") == {"G18": "HANDED_OVER", "H41": "HANDED_OVER"}


def test_a_successor_that_leads_back_is_refused(line: Line) -> None:
    close(line, "G06", "G18")
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar, pytest.raises(Rejected):
        members.close(registrar, "G18", "G06", "vòng", line.clock(), line.clock())


# -- What waited while its agency was closed: where it goes is asked when it goes -----------------------------------


def suspend(line: Line, code: str) -> None:
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.suspend(registrar, code, "lộ khóa", line.clock())


def without_queue(line: Line, code: str) -> None:
    """Run until `code`'s mail was returned by the broker, and waits to be tried again."""

    def gone(hub: Hub, agencies: list[Agency]) -> None:
        agencies[:] = [one for one in agencies if one.code != code]
        assert isinstance(hub.broker, EmbeddedBroker)
        with hub.broker._database.begin() as connection:
            connection.execute(sa.delete(embedded.queue).where(embedded.queue.c.name == f"axis.to.{code}"))

    line.run(before=gone, patience=timedelta(seconds=1))


def received(line: Line, code: str) -> dict[str, list[str]]:
    return {folder: line.files(code, folder) for folder in ("inbox", "receipts", "status")}


def test_mail_that_waited_for_a_suspended_agency_is_its_successors_when_it_is_closed(line: Line) -> None:
    suspend(line, "G06")
    line.drop("G22", document(1, to=("G06", "H41")))
    line.run()
    close(line, "G06", "G18")
    assert line.states("1/TN-G22") == {"G18": "HANDED_OVER", "H41": "HANDED_OVER"}
    assert line.trace("1/TN-G22")["deliveries"][0]["units"] == ["G06"], "addressed as it was written"
    assert line.events("G22") == ["A.1", "E.1 G18", "E.1 H41"]
    assert (line.kinds("G18"), line.files("G06", "inbox")) == (["new"], [])
    line.drop("G22", recall(1, to=("G06",)), "b.edxml")
    line.drop("G18", status("03", sender="G18"), "c.edxml")
    line.run()
    assert line.stages("1/TN-G22") == {"G06": ["recall OPEN"]}
    assert "03 G18" in line.statuses("G22")
    line.check_ledger()


def test_what_waited_is_held_while_the_successor_is_suspended_too(line: Line) -> None:
    suspend(line, "G06")
    line.drop("G22", document(1, to=("G06",)))
    line.run()
    suspend(line, "G18")
    close(line, "G06", "G18")
    assert (line.states("1/TN-G22"), line.files("G18", "inbox")) == ({"G18": "ACCEPTED"}, [])
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.resume(registrar, "G18", "thử", line.clock())
    line.run()
    assert line.states("1/TN-G22") == {"G18": "HANDED_OVER"}


def test_what_waited_was_signed_by_a_key_that_is_revoked_now_and_is_good(line: Line) -> None:
    suspend(line, "G06")
    line.drop("G22", document(1, to=("G06",)))
    line.run()
    line.clock.now += timedelta(hours=1)
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.rotate(registrar, "G22", "p256", revoke=True, reason="thử", now=line.clock())
    line.clock.now += timedelta(hours=1)
    close(line, "G06", "G18")
    assert line.states("1/TN-G22") == {"G18": "HANDED_OVER"}


def test_receipts_and_statuses_that_waited_go_to_the_successor_as_well(line: Line) -> None:
    line.drop("G06", document(1, sender="G06", to=("H41",)))
    line.without("H41")
    suspend(line, "G06")
    line.drop("H41", status("03", about="G06"))
    line.run()
    assert [event for event in line.events("G06") if event.startswith("E.1")] == []
    close(line, "G06", "G18")
    assert "E.1 H41" in line.events("G18")
    assert line.statuses("G18") == ["03 H41"]
    assert (line.statuses("G06"), line.trace("1/TN-G06")["deliveries"][0]["business_status"]) == ([], "03")
    line.check_ledger()


def test_a_recall_that_waited_of_what_the_closed_agency_has_is_its_successors_clerks_to_answer(line: Line) -> None:
    line.drop("G22", document(1, to=("G06",)))
    line.run()
    suspend(line, "G06")
    line.drop("G22", recall(1, to=("G06",)), "b.edxml")
    line.run()
    close(line, "G06", "G18")
    assert (line.kinds("G18"), line.kinds("G06")) == (["recall"], ["new"])
    assert line.stages("1/TN-G22") == {"G06": ["recall OPEN"]}
    assert not [event for event in line.events("G22") if event.startswith("W.1")], "nobody says that it was not seen"
    line.drop("G18", status("15", sender="G18"))
    line.run()
    assert line.stages("1/TN-G22") == {"G06": ["recall AGREED"]}


def test_what_may_have_arrived_stays_with_the_closed_agency_and_a_recall_asks_its_successors_clerk(line: Line) -> None:
    line.drop("G22", document(1, to=("G06", "H41")))
    without_queue(line, "G06")
    assert line.states("1/TN-G22") == {"G06": "ACCEPTED", "H41": "HANDED_OVER"}
    close_quietly(line, "G06", "G18")
    line.without("G06")
    assert line.states("1/TN-G22") == {"G06": "FAILED", "H41": "HANDED_OVER"}
    assert "D.2 G06" in line.events("G22")
    assert line.kinds("G18") == []
    line.drop("G22", recall(1, to=("G06",)), "b.edxml")
    line.without("G06")
    assert not [event for event in line.events("G22") if event.startswith("W.1")]
    assert line.stages("1/TN-G22") == {"G06": ["recall OPEN"]}
    line.check_ledger()


def test_a_successor_that_was_sent_the_document_itself_has_it_once_for_both(line: Line) -> None:
    suspend(line, "G06")
    line.drop("G22", document(1, to=("G06", "G18")))
    line.run()
    close(line, "G06", "G18")
    assert line.states("1/TN-G22") == {"G06": "FAILED", "G18": "HANDED_OVER"}
    assert (line.kinds("G18"), line.kinds("G06")) == (["new"], [])
    (failed,) = [s for r in line.receipts("G22").values() for s in r.statements if s.event.code == "D.2"]
    assert (failed.recipient, failed.reasons[0].code) == ("G06", "AGENCY_CLOSED")
    assert {d["recipient"]: d["units"] for d in line.trace("1/TN-G22")["deliveries"]}["G18"] == ["G18", "G06"]


@pytest.mark.parametrize("successor", ["", "G18"], ids=["nobody takes its mail", "by policy"])
def test_what_waited_for_a_closed_agency_that_nobody_follows_goes_back(line: Line, successor: str) -> None:
    if successor:
        line.configure(hub=config.Hub(closed_agency="refuse"))
    suspend(line, "G06")
    line.drop("G22", document(1, to=("G06", "H41")))
    line.run()
    close(line, "G06", successor)
    assert line.states("1/TN-G22") == {"G06": "FAILED", "H41": "HANDED_OVER"}
    (failed,) = [s for r in line.receipts("G22").values() for s in r.statements if s.event.code == "D.2"]
    assert (failed.recipient, failed.reasons[0].code) == ("G06", "AGENCY_CLOSED")
    certified = [s for r in line.receipts("G22").values() for s in r.statements if s.event.code == "S.1"]
    assert {s.recipient: bool(s.evidence) for s in certified} == {"G06": True, "H41": True}
    assert received(line, "G06") == {"inbox": [], "receipts": [], "status": []}


def test_what_a_closed_agency_sends_is_answered_to_itself(line: Line) -> None:
    close(line, "G06", "G18")
    line.drop("G06", document(1, sender="G06"))
    line.run()
    assert [f["code"] for f in line.error("G06")["findings"]] == ["AGENCY_ENDED"]
    assert line.files("G18", "receipts") == []


def test_a_closed_agency_is_neither_suspended_nor_resumed_nor_closed_anew(line: Line) -> None:
    """Each of these had said that it was done, or that nothing changed, and had opened it again or forgotten its heir."""
    close(line, "G06", "G18")
    home = bootstrap.open_home(line.path)
    later = line.clock.now + timedelta(days=1)
    with bootstrap.registrar(home) as registrar:
        before = registrar.registry()
        for act in (members.suspend, members.resume):
            with pytest.raises(Rejected) as caught:
                act(registrar, "G06", "thử", later)
            assert (caught.value.fault.code, caught.value.problems[0].got) == ("AGENCY_ENDED", "G06")
        assert members.close(registrar, "G06", "G18", "thử", later, later) is before
        assert members.close(registrar, "G06", "", "thử", later, later) is before
        for successor, at in (("H41", later), ("G18", later + timedelta(days=30))):
            with pytest.raises(Rejected) as caught:
                members.close(registrar, "G06", successor, "thử", at, later)
            assert caught.value.fault.code == "AGENCY_ENDED"
        for successor, code in (("H29", "SUCCESSOR_CIRCLE"), ("H99", "AGENCY_UNKNOWN")):
            with pytest.raises(Rejected) as caught:
                members.close(registrar, "H29", successor, "thử", later, later)
            assert caught.value.fault.code == code
        members.close(registrar, "H41", "", "thử", later, later)
        with pytest.raises(Rejected) as caught:
            members.close(registrar, "H29", "H41", "thử", later, later)
        assert caught.value.fault.code == "AGENCY_CLOSED", "nobody would have its mail"
