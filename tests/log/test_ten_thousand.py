"""A log of 10,000 entries: whatever is done to it is noticed, at its place where it has one."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from axis.core import ledger as core_ledger
from axis.core.ledger import Entry
from axis.core.log import merkle, tiles, witness
from axis.core.log.checkpoint import Checkpoint
from axis.core.log.witness import Request
from axis.errors import Corrupted
from axis.infra.log import store
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
BYTES = range(1, ENTRIES) if FULL else sorted(random.Random(SEED + 1).sample(range(1, ENTRIES), 25))
COLUMNS = ("canonical", "digest", "link", "salt")
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


def noticed(hub: Hub, *changes: str, **facts: int | str | bytes) -> str:
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


def flipped(data: bytes, rng: random.Random, bits: int = 8) -> bytes:
    """With one bit of one byte another."""
    at = rng.randrange(len(data))
    return data[:at] + bytes((data[at] ^ 1 << rng.randrange(bits),)) + data[at + 1 :]


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


def test_a_changed_byte_of_an_entry_is_named(hub: Hub) -> None:
    """One of each entry in `make sweep`, of some here."""
    with hub.store.reading() as reader:
        rows = {row.position: row for row in store.entries(reader.connection, 0, ENTRIES)}
    for place in BYTES:
        rng = random.Random(place + SEED)
        column = rng.choice(COLUMNS)
        said = flipped(getattr(rows[place], column).encode(), rng, 7).decode()
        change = f"UPDATE ledger SET {column} = :said WHERE position = :n"
        assert noticed(hub, change, n=place, said=said) == str(place), (column, said)
    salt = rows[BYTES[0]].salt
    change = "UPDATE ledger SET salt = :said WHERE position = :n"
    assert noticed(hub, change, n=BYTES[0], said=salt.upper()) == str(BYTES[0]), "the same bytes, written otherwise"


def test_a_changed_byte_of_the_tree_or_its_head_is_noticed(hub: Hub) -> None:
    rng = random.Random(SEED)
    with hub.store.reading() as reader:
        found, head = list(store.all_tiles(reader.connection)), store.head(reader.connection)
    assert head is not None
    assert len(found) > 40
    for tile, data in found if FULL else [*rng.sample(found, 6), found[-1]]:
        at = rng.randrange(len(data))
        said = data[:at] + flipped(data[at : at + 1], rng) + data[at + 1 :]
        change = "UPDATE log_tile SET hashes = :said WHERE level = :level AND number = :n"
        named = int(noticed(hub, change, said=said, level=tile.level, n=tile.number))
        leaf = tile.number * tiles.WIDTH + at // merkle.HASH_SIZE << tiles.HEIGHT * tile.level
        assert named == leaf + 1, "the first entry below what was changed"
    frontier = b"".join(head.frontier.hashes)
    for column, data in (("frontier", frontier), ("checkpoint", head.checkpoint)):
        for at in range(len(data)) if FULL else rng.sample(range(len(data)), 10):
            said = data[:at] + flipped(data[at : at + 1], rng) + data[at + 1 :]
            assert noticed(hub, f"UPDATE log_head SET {column} = :said", said=said), (column, at)


def test_all_rewritten_with_fresh_hashes_and_the_real_keys_holds_by_itself_and_no_witness_takes_it(hub: Hub) -> None:
    """With another entry in the place of one; every digest and link behind it, every tile and the head made anew."""
    assert hub.log_key is not None
    place = random.Random(SEED).randrange(2, ENTRIES)
    with hub.store.reading() as reader:
        head = store.head(reader.connection)
        assert head is not None
        size, key = head.frontier.size, hub.log_key.of(head.origin)
        node = tiles.reader(size, store.fetcher(reader.connection))
        cosigned = {
            seen: Checkpoint(head.origin, seen, merkle.span_hash((0, seen), node))
            for seen in (place - 1, place, random.Random(SEED).randrange(place, size), size)
        }
    with hub.store.database.begin() as connection:
        link, changed = core_ledger.GENESIS, []
        for row in store.entries(connection, 0, size):
            entry = core_ledger.read(row.canonical)
            if row.position == place:
                entry = replace(entry, detail={**entry.detail, "another": True})
            link = core_ledger.link(link, row.position, entry.digest)
            changed.append((entry.canonical, entry.digest, link, row.position))
        change = "UPDATE ledger SET canonical = ?, digest = ?, link = ? WHERE position = ?"
        connection.exec_driver_sql(change, changed[place - 1 :])
        begun = store.begin(connection, head.origin, head.made_at or datetime.now(UTC))
        frontier = store.grow(connection, begun, store.leaves(connection, 0, size))
        signed = hub.log_key.sign(Checkpoint(head.origin, size, frontier.root))
        store.keep(connection, replace(begun, frontier=frontier, checkpoint=signed))
        assert log.verify(HubReader(connection), hub.log_key.of).logged == size, "by itself it holds"
        node = tiles.reader(size, store.fetcher(connection))
        for seen, before in cosigned.items():
            spans = merkle.consistency_spans(seen, size) if seen < size else []
            asked = Request(seen, tuple(merkle.span_hash(one, node) for one in spans), signed)
            judged = witness.judge(asked, key, before)
            assert (judged.cosigned is not None) is (seen < place), "who has seen the entry notices"
            assert judged.is_split is (seen == size)
        connection.rollback()
