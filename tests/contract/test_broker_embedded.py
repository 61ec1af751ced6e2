"""What the broker in an SQLite file promises beside what both do."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from axis.core.message import hub_routes
from axis.errors import Unavailable
from axis.infra.embedded import EmbeddedBroker
from tests.contract.brokers import FROM_G22, HUB, EmbeddedPlace, message, messages, take

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def file(tmp_path: Path) -> Iterator[EmbeddedPlace]:
    here = EmbeddedPlace(tmp_path)
    here.open().declare(["G22", "H29"])
    yield here
    here.close()


def test_one_parcel_to_many_recipients_is_stored_once(file: EmbeddedPlace) -> None:
    body, proof = b"the same parcel", b"the same receipt"
    file.open().publish([message(route, body, proof=proof) for route in HUB])
    with file.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM payload").scalar() == 2


def test_the_number_of_statements_does_not_depend_on_the_number_of_routes(file: EmbeddedPlace) -> None:
    codes = [f"H{number}" for number in range(1, 96)]
    broker = file.open()
    broker.declare(codes)
    routes = hub_routes(codes)
    counts = []
    for some in (routes[:2], routes):
        broker.publish([message(some[-1], b"body")])
        seen: list[str] = []

        def listen(*arguments: Any, seen: list[str] = seen) -> None:
            seen.append(arguments[2])

        sa.event.listen(sa.Engine, "before_cursor_execute", listen)
        broker.ack(take(broker, some))
        sa.event.remove(sa.Engine, "before_cursor_execute", listen)
        counts.append(len(seen))
    assert counts[0] == counts[1] < 20


def test_what_was_given_to_a_process_that_died_counts_as_given_before(tmp_path: Path) -> None:
    """Whoever takes the home frees what that one held before any broker object is made."""
    here = EmbeddedPlace(tmp_path)
    here.open().declare(["G22", "H29"])
    here.open().publish(messages(2))
    gone = here.open()
    assert len(take(gone, [FROM_G22], limit=1)) == 1
    del gone
    for is_doubtful in (True, False):
        gc.collect()  # as in another process: nobody has a broker of this file
        here.restart()
        gc.collect()
        broker = here.open()
        found = broker.receive([FROM_G22], limit=10, max_bytes=10_000, timeout=0)
        assert [one.redelivered for one in found] == [is_doubtful] * len(found)
        broker.ack(found)
        del broker, found
        here.open().publish(messages(2))
        EmbeddedBroker.rest(here.database)
    here.close()


@pytest.mark.parametrize("part", ["body", "proof"])
def test_a_stored_body_that_was_altered_is_never_handed_out_and_keeps_nothing_else_back(
    file: EmbeddedPlace, part: str
) -> None:
    broker = file.open()
    broker.publish([message(body=b"body", proof=b"proof"), message(body=b"another", id="another")])
    with file.database.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE payload SET content = ? WHERE content = ?", (b"as it was altered", part.encode())
        )
    assert [one.message.body for one in take(broker)] == [b"another"]
    assert (broker.depth(FROM_G22), broker.dead_depth()) == (0, 1)


def test_what_could_not_be_given_back_while_the_disk_failed_is_given_back_when_it_works(file: EmbeddedPlace) -> None:
    broker = file.open()
    broker.publish([message(body=b"body")])
    assert len(take(broker)) == 1
    disk: Any = file.database._writer.raw_connection().driver_connection
    disk.execute("PRAGMA query_only = ON")
    broker.close()
    broker.close()
    disk.execute("PRAGMA query_only = OFF")
    assert [one.message.body for one in take(broker)] == [b"body"]


def test_a_batch_is_published_whole_or_not_at_all(file: EmbeddedPlace) -> None:
    with file.database.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON queue_message WHEN NEW.message_id = 'last' "
            "BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    broker = file.open()
    with pytest.raises((Unavailable, sa.exc.DatabaseError)):
        broker.publish([*messages(3), message(id="last")])
    assert broker.depth(FROM_G22) == 0
