"""The hub's log: it grows with the ledger, has one root for each size, and begins again where a record was put back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from axis.core.ledger import Entry
from axis.core.log import checkpoint, merkle, tiles
from axis.core.log.leaf import leaf
from axis.core.log.merkle import Frontier
from axis.errors import AxisError
from axis.infra.log import store
from axis.infra.record import ledger
from axis.services.hub import log
from tests.line import Line, document, small_home

if TYPE_CHECKING:
    from pathlib import Path

    from axis.services.hub.worker import Hub


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home")


def enter(hub: Hub, line: Line, count: int) -> None:
    """So many entries, each with its place."""
    with hub.store.transaction() as tx:
        entries = [Entry(line.clock(), "HUB", "test", "", "", {"n": n}) for n in range(count)]
        ledger.append(tx, entries, hub.sequencer(line.clock()))
    hub.begin_round(line.clock())
    hub.link(line.clock())


def grow(hub: Hub, line: Line) -> int:
    line.clock.now += timedelta(seconds=2)
    return log.step(hub, line.clock())


def expected(hub: Hub) -> list[bytes]:
    with hub.store.reading() as reader:
        return store.leaves(reader.connection, 0, 10**6)


def test_each_size_has_its_one_root_and_what_was_proved_stays_proved(line: Line) -> None:
    with line.parts() as (hub, _):
        key = hub.log_key
        assert key is not None
        seen: list[checkpoint.Checkpoint] = []
        for count in (1, 2, 253, 1, 300, 700):
            enter(hub, line, count)
            while grow(hub, line):
                pass
            with hub.store.reading() as reader:
                head = store.head(reader.connection)
                assert head is not None
                found, _ = checkpoint.opened(head.checkpoint, key.of(head.origin))
                node = tiles.reader(found.size, store.fetcher(reader.connection))
                for old in seen:
                    proof = [merkle.span_hash(one, node) for one in merkle.consistency_spans(old.size, found.size)]
                    merkle.check_consistency(old.size, found.size, old.root, found.root, proof)
                for index in (0, found.size // 2, found.size - 1):
                    proof = [merkle.span_hash(one, node) for one in merkle.inclusion_spans(index, found.size)]
                    merkle.check_inclusion(index, found.size, expected(hub)[index], proof, found.root)
            seen.append(found)
        leaves = expected(hub)
        assert found.size == len(leaves)
        for one in seen:
            assert one.root == Frontier().after(leaves[: one.size]).root


def test_nothing_is_signed_where_nothing_has_happened(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    with line.parts() as (hub, _):
        hub.begin_round(line.clock())
        hub.link(line.clock())
        while grow(hub, line):
            pass
        with hub.store.reading() as reader:
            before = store.head(reader.connection)
        assert grow(hub, line) == 0
        with hub.store.reading() as reader:
            assert store.head(reader.connection) == before


def test_a_document_stands_in_the_log_when_the_line_rests(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    with line.parts() as (hub, _), hub.store.reading() as reader:
        head = store.head(reader.connection)
        standing = ledger.standing(reader)
        assert head is not None
        assert 0 < head.frontier.size == standing.end.position


def test_a_leaf_tells_nothing_and_no_two_entries_have_one_salt(line: Line) -> None:
    with line.parts() as (hub, _):
        enter(hub, line, 20)
        with hub.store.reading() as reader:
            rows = reader.connection.exec_driver_sql("SELECT salt, canonical FROM ledger").all()
    salts = [salt for salt, _ in rows]
    assert len(set(salts)) == len(salts)
    assert all(len(salt) == 32 for salt in salts)
    assert len({leaf(bytes.fromhex(salt), "the same") for salt in salts}) == len(salts)


def test_what_lacks_an_entry_is_not_put_into_the_log(line: Line) -> None:
    with line.parts() as (hub, _):
        enter(hub, line, 5)
        with hub.store.transaction() as tx:
            tx.connection.exec_driver_sql("DELETE FROM ledger WHERE position = 3")
        hub.linked += 1
        with pytest.raises(AxisError):
            grow(hub, line)
