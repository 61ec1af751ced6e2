"""Each agency watches its own name in the log: what it is told, what it believes of it, and what alarms it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from axis.core import ledger as core_ledger
from axis.core.ledger import Entry
from axis.core.log import exchange, policy
from axis.core.message import Message, Outcome
from axis.errors import Fault, Rejected
from axis.infra.log import store
from axis.infra.record import ledger
from tests.line import Line, document, small_home
from tests.log.test_witnesses import begin, counts, grow, kept, minute

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home")


def test_an_agency_is_told_of_the_entries_about_it_and_of_no_others_and_they_are_counted(line: Line) -> None:
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        since = {one.code: kept(one).since for one in agencies}
        line.drop("G22", document(1, to=("H41",)))
        minute(hub, agencies, line, 2)
        with hub.store.reading() as reader:
            rows = store.entries(reader.connection, 0, 10**6)
            found = {row.position: core_ledger.read(row.canonical) for row in rows if row.axis_id}
        assert len(found) > 3
        for one in agencies:
            is_sender = one.code == "G22"  # whose document it is, so that all of them are about it
            mine = {at for at, entry in found.items() if is_sender or one.code in {entry.actor, entry.recipient}}
            assert (one.code, kept(one).entries) == (one.code, len({at for at in mine if at > since[one.code]}))
            assert kept(one).unknown == 0
        with hub.store.reading() as reader:
            there = store.witnesses(reader.connection)
        assert all(there[one.code].entries == kept(one).entries for one in agencies)


def test_an_entry_in_its_name_that_its_journal_does_not_know_is_an_alarm(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        at, known = line.clock(), {"document_id": "x", "content_digest": "0" * 64, "sender": "G22"}
        forged = [
            Entry(at, "HUB", "submission.accepted", "a", "", known),
            Entry(at, "H41", "delivery.handed_over", "a", "H41", {"receipt": "E.1"}),
        ]
        with hub.store.transaction() as tx:
            ledger.append(tx, forged, hub.sequencer(at))
        grow(hub, line)
        with caplog.at_level("ERROR", "axis.witness"):
            minute(hub, agencies, line)
        assert {one.code: kept(one).unknown for one in agencies if kept(one).unknown} == {"G22": 1, "H41": 1}
        assert [record for record in caplog.records if "H41" in record.getMessage()]


def test_whatever_is_changed_in_what_an_agency_is_told_is_not_believed(line: Line) -> None:
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        line.drop("G22", document(1, to=("H41",)))
        told: list[Message] = []
        publish = hub.broker.publish

        def heard(messages: Sequence[Message]) -> list[Outcome]:
            told.extend(one for one in messages if one.route.code == "G22" and b" told\n" in one.body[:20])
            return publish(messages)

        hub.broker.publish = heard  # type: ignore[method-assign]
        minute(hub, agencies, line, 2)
        said = max((exchange.read_from_log(one.body) for one in told), key=lambda one: len(getattr(one, "entries", ())))
        assert isinstance(said, exchange.Told)
        assert len(said.entries) > 1
        one = policy.witnessed(said.checkpoint, counts(hub)).checkpoint
        said.check_entries(one.size, one.root)
        first, *others = said.entries
        span = next(iter(said.nodes))
        for changed in (
            replace(said, entries=(replace(first, canonical=first.canonical.replace("HUB", "HUC")), *others)),
            replace(said, entries=(replace(first, salt=b"0" * 16), *others)),
            replace(said, entries=(replace(first, position=first.position + 1), *others)),
            replace(said, entries=(others[0], first, *others[1:])),
            replace(said, entries=(first, first, *others)),
            replace(said, end=said.entries[-1].position - 1),
            replace(said, start=first.position),
            replace(said, nodes={**said.nodes, span: b"0" * 32}),
            replace(said, nodes={key: value for key, value in said.nodes.items() if key != span}),
        ):
            with pytest.raises(Rejected) as caught:
                changed.check_entries(one.size, one.root)
            assert caught.value.fault is Fault.LOG_PROOF


def test_who_has_missed_what_it_was_told_is_told_again(line: Line) -> None:
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        line.drop("G22", document(1, to=("H41",)))
        minute(hub, agencies, line)
        one = next(one for one in agencies if one.code == "G22")
        behind = kept(one)
        line.drop("G22", document(2, to=("H41",)), "b.edxml")
        minute(hub, agencies, line, 2)
        assert kept(one).entries > behind.entries
        expected = kept(one).entries
        with one.journal.transaction() as tx:  # its home was put back
            tx.keep_witness(replace(behind, size=kept(one).size, note=kept(one).note))
        line.drop("G22", document(3, to=("H41",)), "c.edxml")
        minute(hub, agencies, line, 3)
        assert kept(one).entries > expected
        with hub.store.reading() as reader:
            assert store.witnesses(reader.connection)["G22"].entries == kept(one).entries
