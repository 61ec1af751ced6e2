"""The agencies witness the log over the line: what they cosign, what they are told, and whatever they do not believe."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from axis.core import witnesses
from axis.core.ledger import Entry
from axis.core.log import checkpoint, note, policy
from axis.infra.journal import witness as journal
from axis.infra.log import store
from axis.infra.record import ledger
from axis.services import run
from axis.services.hub import log, witness
from axis.services.hub.log import LogKey
from tests.e2e.test_cost import counted
from tests.line import CODES, Line, document, rest, small_home

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from axis.core.log.policy import Policy
    from axis.infra.journal.witness import Kept
    from axis.infra.log.store import Cosigned
    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home")


def enter(hub: Hub, line: Line, count: int = 5) -> None:
    """So many entries about nobody, in the log."""
    with hub.store.transaction() as tx:
        entries = [Entry(line.clock(), "HUB", "test", "", "", {"n": n}) for n in range(count)]
        ledger.append(tx, entries, hub.sequencer(line.clock()))
    grow(hub, line)


def grow(hub: Hub, line: Line) -> None:
    hub.begin_round(line.clock())
    hub.link(line.clock())
    line.clock.now += timedelta(seconds=2)
    while log.step(hub, line.clock(), at_rest=True):
        pass


def minute(hub: Hub, agencies: Sequence[Agency], line: Line, minutes: int = 1) -> None:
    """What a minute of the line's work does about the log."""
    for _ in range(minutes):
        line.clock.now += timedelta(seconds=61)
        for _ in range(4):
            run.hub_round(hub, line.clock())
            witness.step(hub, line.clock())
            for one in agencies:
                run.agency_round(one, line.clock())


def begin(hub: Hub, agencies: Sequence[Agency], line: Line) -> None:
    enter(hub, line)
    witness.step(hub, line.clock())  # the first round only begins to count time
    minute(hub, agencies, line)


def kept(agency: Agency) -> Kept:
    with agency.journal.reading() as reader:
        return journal.kept(reader)


def cosigned(hub: Hub) -> Cosigned | None:
    with hub.store.reading() as reader:
        return store.witnessed(reader.connection)


def counts(hub: Hub) -> Policy:
    found = witnesses.policy_of(hub.registry())
    assert found is not None
    return found


def size(hub: Hub) -> int:
    with hub.store.reading() as reader:
        head = store.head(reader.connection)
        assert head is not None
        return head.frontier.size


def test_all_agencies_cosign_within_a_minute_and_believe_what_has_its_quorum(line: Line) -> None:
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        found = cosigned(hub)
        assert found is not None
        assert found.size == size(hub)
        seen = policy.witnessed(found.note, counts(hub))
        assert sorted(seen.by) == sorted(CODES)
        for one in agencies:
            believed = policy.witnessed(kept(one).believed, counts(hub))
            assert believed.checkpoint == seen.checkpoint
            assert kept(one).trouble == ""
        enter(hub, line, 300)
        minute(hub, agencies, line)
        again = cosigned(hub)
        assert again is not None
        assert again.size == size(hub) > found.size


def test_where_nothing_happens_nobody_is_asked(line: Line) -> None:
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        minute(hub, agencies, line)
        with hub.store.reading() as reader:
            before = store.witnesses(reader.connection)
        line.clock.now += timedelta(minutes=5)
        with counted() as flow:
            assert witness.step(hub, line.clock()) == 0
        assert flow.statements == 0
        with hub.store.reading() as reader:
            assert store.witnesses(reader.connection) == before
