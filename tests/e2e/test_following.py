"""Mail that lies in the queue of an agency that is closed follows to its successor: taken back unconsumed, given up with a
signed W.1, or by an officer's word; who confirms first keeps it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from axis import bootstrap, cli, config
from axis.adapters.folder import FolderAdapter
from axis.core.instant import to_text
from axis.core.ledger import read as read_entry
from axis.core.message import Message, agency_routes
from axis.errors import Fault, Problem, Unavailable
from axis.home import open_home
from axis.infra.embedded import EmbeddedBroker
from axis.infra.journal.tables import event
from axis.services.agency import withdraw
from axis.services.hub import take_back
from axis.services.operate import registry as members
from tests.line import Line, document, recall, small_home, update

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from axis.services.hub.worker import Hub


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home")


def close(line: Line, code: str = "G06", successor: str = "G18") -> None:
    with bootstrap.registrar(open_home(line.path)) as registrar:
        members.close(registrar, code, successor, "hợp nhất", line.clock(), line.clock())


def given(line: Line, code: str) -> None:
    """The adapter of `code` is given what waits, and dies before it has written anything down."""
    with line.parts() as (hub, _):
        assert isinstance(hub.broker, EmbeddedBroker)
        broker = EmbeddedBroker(hub.broker._database, code)
        assert broker.receive(agency_routes(code), limit=50, max_bytes=10**7, timeout=0)
        broker.close()


def events(line: Line, reference: str) -> list[str]:
    told = line.trace(reference)["events"]
    return [f"{one['event']} {one['recipient']}" for one in told if one["event"].startswith("delivery.")]


def away(patch: pytest.MonkeyPatch, code: str) -> None:
    """The document system of `code` is away, its adapter is not."""
    prepare = FolderAdapter.prepare

    def fails(self: FolderAdapter, made: object) -> None:
        if self.agency == code:
            raise Unavailable(Problem(Fault.ADAPTER_AWAY, got="away"))
        prepare(self, made)  # type: ignore[arg-type]

    patch.setattr(FolderAdapter, "prepare", fails)


def waits_at_its_adapter(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """G06's adapter has a document that its system has not seen."""
    line.drop("G22", document(1, to=("G06",)))
    with monkeypatch.context() as patch:
        away(patch, "G06")
        line.run(patience=timedelta(seconds=1))


def of_before(patch: pytest.MonkeyPatch) -> None:
    """Adapters of a version that shows what comes to them, closed or not."""
    patch.setattr(withdraw, "is_past", lambda _agency, _now: False)


def follow(line: Line, *more: str) -> tuple[int, list[dict[str, object]]]:
    words = ["agency", "follow", "G06", "--home", str(line.path), "--json", *more]
    found = CliRunner().invoke(cli.main, words, catch_exceptions=False)
    return found.exit_code, [json.loads(one) for one in found.stdout.splitlines()]


def test_what_lies_unconsumed_in_a_closed_agencys_queue_is_taken_back_and_goes_to_its_successor(line: Line) -> None:
    line.drop("G22", document(1, to=("G06", "H41")))
    line.without("G06")
    assert line.states("1/TN-G22") == {"G06": "QUEUED", "H41": "HANDED_OVER"}
    close(line)
    line.without("G06")
    assert line.states("1/TN-G22") == {"G18": "HANDED_OVER", "H41": "HANDED_OVER"}
    assert "delivery.taken_back G06" in events(line, "1/TN-G22")
    assert line.trace("1/TN-G22")["deliveries"][0]["units"] == ["G06"], "addressed as it was written"
    line.run()
    assert (line.kinds("G18"), line.kinds("G06")) == (["new"], [])
    line.check_ledger()


def test_what_nobody_can_read_in_a_closed_agencys_queue_stops_neither_the_hub_nor_what_lies_behind_it(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    with line.parts() as (hub, _):
        route = agency_routes("G06")[-1]
        hub.broker.publish([Message("junk", route, b"no parcel", b"no word"), Message("bare", route, b"no parcel")])
    for number in range(1, 4):
        line.drop("G22", document(number, to=("G06",)), f"{number}.edxml")
    line.without("G06")
    close(line)
    taken: list[int] = []
    at_once = take_back._are_taken_back

    def noted(hub: Hub, code: str, named: Sequence[str], now: datetime) -> list[bool]:
        found = at_once(hub, code, named, now)
        taken.append(sum(found))
        return found

    monkeypatch.setattr(take_back, "_are_taken_back", noted)
    line.without("G06")
    assert [line.states(f"{number}/TN-G22") for number in range(1, 4)] == [{"G18": "HANDED_OVER"}] * 3
    assert 3 in taken, "one transaction for all of them"
    line.check_ledger()


def test_a_rehearsal_names_who_ends_up_with_the_mail_and_a_moment_that_is_over(line: Line, tmp_path: Path) -> None:
    line.drop("G22", document(1, to=("G06",)))
    line.without("G06")
    file = tmp_path / "changes.csv"
    file.write_text("change,code,successor\nclose,G06,H29\nclose,H29,G18\n")
    words = ["agency", "apply", str(file), "--at", "2020-01-01 00:00", "--rehearse", "--home", str(line.path)]
    done = CliRunner().invoke(cli.main, [*words, "--json"])
    assert done.exit_code == 0, done.output
    (said,) = [json.loads(one) for one in done.stdout.splitlines()]
    assert [(one["recipient"], one["successor"]) for one in said["in_flight"]] == [("G06", "G18")]
    shown = CliRunner().invoke(cli.main, words)
    assert "2020" in shown.stderr, "it is over"
    file.write_text("change,code,successor\nclose,G06,\n")
    (said,) = [json.loads(one) for one in CliRunner().invoke(cli.main, [*words, "--json"]).stdout.splitlines()]
    assert [(one["recipient"], one["successor"]) for one in said["in_flight"]] == [("G06", "")], "nobody has it"


def test_what_is_looked_at_when_a_hub_fails_is_free_again(line: Line) -> None:
    line.drop("G22", document(1, to=("G06",)))
    line.without("G06")
    with line.parts() as (hub, _):
        route = agency_routes("G06")[-1]
        with pytest.raises(ZeroDivisionError):
            hub.broker.sift(route, 9, lambda part: [bool(1 // 0) for _ in part])
        seen: list[bool] = []
        hub.broker.sift(route, 9, lambda part: [seen.append(one.redelivered) is not None for one in part])
        assert seen == [False], "it was given to nobody"


def test_a_recall_and_an_update_that_lie_there_follow_after_their_document(line: Line) -> None:
    for number in (1, 2):
        line.drop("G22", document(number, to=("G06",)), f"{number}.edxml")
    line.without("G06")
    line.drop("G22", recall(1, to=("G06",)), "c.edxml")
    line.drop("G22", update(2, to=("G06",)), "d.edxml")
    line.without("G06")
    close(line)
    line.run(patience=timedelta(minutes=1))
    assert line.states("1/TN-G22") == {"G18": "RECALLED"}
    assert line.states("2/TN-G22") == {"G18": "HANDED_OVER"}
    assert (sorted(line.kinds("G18")), line.kinds("G06")) == (["new", "update"], [])
    line.check_ledger()


def test_what_its_adapter_has_and_its_system_has_not_seen_is_given_up_by_a_signed_receipt(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits_at_its_adapter(line, monkeypatch)
    assert line.states("1/TN-G22") == {"G06": "QUEUED"}
    close(line)
    line.run()
    assert line.states("1/TN-G22") == {"G18": "HANDED_OVER"}
    assert (line.kinds("G18"), line.kinds("G06")) == (["new"], [])
    assert "delivery.given_up G06" in events(line, "1/TN-G22")
    assert line.events("G22") == ["A.1", "D.1 G06", "E.1 G18"], "what passes between the two is not the sender's affair"
    line.check_ledger()


def test_what_may_have_been_shown_before_a_journal_was_put_back_is_not_given_up_but_waits_for_an_officer(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits there because it was sent again: nobody knows whether its system has seen it."""
    waits_at_its_adapter(line, monkeypatch)
    with line.parts() as (_, agencies):
        (journal,) = (one.journal for one in agencies if one.code == "G06")
        with journal.transaction() as tx:
            tx.begin_home("a copy")
            tx._home(restored_at=to_text(line.clock()))
    close(line)
    line.run()
    assert line.states("1/TN-G22") == {"G06": "QUEUED"}
    assert (line.kinds("G18"), line.kinds("G06")) == ([], [])
    with line.parts() as (_, agencies):
        (journal,) = (one.journal for one in agencies if one.code == "G06")
        with journal.reading() as reader:
            query = sa.select(event.c.canonical).where(event.c.agency == "G06")
            said = [read_entry(canonical).event for canonical in reader.connection.execute(query).scalars()]
    assert said.count("document.doubted") == 1
    assert follow(line, "--reason", "máy cũ đã hỏng")[0] == 0
    line.run()
    assert line.states("1/TN-G22") == {"G18": "HANDED_OVER"}
    assert "delivery.doubted G06" in events(line, "1/TN-G22")


def test_what_was_given_to_an_adapter_that_is_gone_waits_until_an_officer_says_so_and_the_doubt_stands_in_the_trace(
    line: Line,
) -> None:
    line.drop("G22", document(1, to=("G06",)))
    line.without("G06")
    given(line, "G06")
    assert follow(line)[0] == 3, "it is not closed"
    close(line)
    line.without("G06")
    assert line.states("1/TN-G22") == {"G06": "QUEUED"}, "it may have arrived there"
    assert follow(line, "--dry-run") == (0, [{"agency": "G06", "successor": "G18", "moved": 0, "open": 1}])
    code, said = follow(line, "--reason", "máy cũ đã hỏng")
    assert (code, said[-1]) == (0, {"agency": "G06", "successor": "G18", "moved": 1, "open": 0})
    line.without("G06")
    assert line.states("1/TN-G22") == {"G18": "HANDED_OVER"}
    assert "delivery.doubted G06" in events(line, "1/TN-G22")
    line.run()
    assert line.kinds("G06") == [], "its adapter is there again, and knows that it is closed"
    assert line.states("1/TN-G22") == {"G18": "HANDED_OVER"}
    line.check_ledger()


@pytest.mark.parametrize("first", ["G06", "G18"])
def test_who_confirms_first_owns_it_and_of_the_second_it_is_said(
    line: Line, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_before(monkeypatch)
    line.drop("G22", document(1, to=("G06",)))
    line.without("G06")
    given(line, "G06")
    close(line)
    follow(line)
    line.without("G06", "G18")
    line.without(*({"G06", "G18"} - {first}))
    line.run()
    second = "G18" if first == "G06" else "G06"
    assert line.states("1/TN-G22") == {first: "HANDED_OVER"}
    assert [one for one in events(line, "1/TN-G22") if "second" in one] == [f"delivery.second {second}"]
    assert (line.kinds("G18"), line.kinds("G06")) == (["new"], ["new"])
    assert [one for one in line.events("G22") if one.startswith("E.1")] == [f"E.1 {first}"]
    line.check_ledger()


def test_where_nobody_takes_its_mail_by_the_policy_what_is_given_up_goes_back(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.configure(hub=config.Hub(closed_agency="refuse"))
    waits_at_its_adapter(line, monkeypatch)
    close(line)
    line.run()
    assert line.states("1/TN-G22") == {"G06": "FAILED"}
    assert "D.2 G06" in line.events("G22")
    line.check_ledger()
