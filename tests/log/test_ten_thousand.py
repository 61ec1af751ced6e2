"""A log of 10,000 entries: whatever is done to a leaf of it is noticed, at its place."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from axis.core.ledger import Entry
from axis.errors import Corrupted
from axis.infra.record import ledger
from axis.infra.record.store import HubReader
from axis.services.questions import log
from tests.line import Line, small_home
from tests.log.test_audit_log import fill
from tests.sample import FULL, SEED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from axis.services.hub.worker import Hub

ENTRIES = 10_000
PLACES = sorted(random.Random(SEED).sample(range(2, ENTRIES), 300 if FULL else 3))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    line: Line = small_home(tmp_path_factory.mktemp("many") / "home")
    with line.parts() as (hub, _):
        with hub.store.transaction() as tx:
            entries = [Entry(line.clock(), "HUB", "test", "", "", {"n": n}) for n in range(ENTRIES)]
            for first in range(0, ENTRIES, 1000):
                ledger.append(tx, entries[first : first + 1000], hub.sequencer(line.clock()))
        hub.begin_round(line.clock())
        while hub.link(line.clock()):
            hub.begin_round(line.clock())
        fill(hub, line, 1)
        yield hub


def noticed(hub: Hub, *changes: str, **facts: int) -> str:
    """What is said after these changes, which are taken back."""
    assert hub.log_key is not None
    with hub.store.database.begin() as connection:
        for one in changes:
            connection.exec_driver_sql(one, facts)
        try:
            log.verify(HubReader(connection), hub.log_key.of)
        except Corrupted as error:
            return str(error.problems[0].got)
        finally:
            connection.rollback()
    return ""


def last(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT max(position) FROM ledger").scalar_one())


def test_it_holds(hub: Hub) -> None:
    assert noticed(hub) == ""
    with hub.store.reading() as reader:
        assert last(reader.connection) > ENTRIES


@pytest.mark.parametrize("place", PLACES)
def test_a_leaf_that_is_deleted_inserted_or_swapped_is_named(hub: Hub, place: int) -> None:
    shift = ("UPDATE ledger SET position = -position WHERE position >= :n",)
    assert noticed(hub, "DELETE FROM ledger WHERE position = :n", n=place) == str(place)
    closed = "UPDATE ledger SET position = -position - 1 WHERE position < 0"
    assert noticed(hub, "DELETE FROM ledger WHERE position = :n", *shift, closed, n=place) == str(place)
    opened = "UPDATE ledger SET position = -position + 1 WHERE position < 0"
    more = (
        "INSERT INTO ledger (position, link, digest, canonical, axis_id, salt) "
        "SELECT :n, link, digest, canonical, axis_id, salt FROM ledger WHERE position = 1"
    )
    assert noticed(hub, *shift, opened, more, n=place) == str(place)
    swap = (
        "UPDATE ledger SET position = -1 WHERE position = :n",
        "UPDATE ledger SET position = :n WHERE position = :n + 1",
        "UPDATE ledger SET position = :n + 1 WHERE position = -1",
    )
    assert noticed(hub, *swap, n=place) == str(place)
    tile = "UPDATE log_tile SET hashes = CAST(substr(hashes, 33) || substr(hashes, 1, 32) AS BLOB) WHERE level = 0 AND number = :n / 256"
    assert int(noticed(hub, tile, n=place)) == place // 256 * 256 + 1


@pytest.mark.parametrize("count", [1, 255, 4000])
def test_a_tail_that_is_cut_off_is_named_where_it_begins(hub: Hub, count: int) -> None:
    with hub.store.reading() as reader:
        end = last(reader.connection)
    assert noticed(hub, "DELETE FROM ledger WHERE position > :n", n=end - count) == str(end - count + 1)
