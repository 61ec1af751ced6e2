"""However much an agency has sent and received before, what it sends and receives now costs its journal the same: counted
in steps of the database's machine, on a whole line."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from axis.core.instant import from_text, to_text
from axis.infra.database import Database
from axis.infra.journal import due, find
from axis.infra.journal.tables import incoming, outgoing
from tests.line import document, rest, small_home

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

PART = 20  # steps that are counted as one
KEYS = {"source_digest", "content_digest", "parcel_digest", "answer_digest", "id", "body_digest", "proof_digest"}


def age(line: Line, count: int, table: sa.Table, **marks: str) -> None:
    """Each row of the journal that is there, `count` times more, under other keys."""
    columns = [column.name for column in table.columns if column.name != "number"]
    own = dict.fromkeys(KEYS, "lower(hex(randomblob(32)))") | {name: f"'{value}'" for name, value in marks.items()}
    chosen = ", ".join(own.get(name, f"t.{name}") for name in columns)
    names = ", ".join(columns)
    series = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    with closing(sqlite3.connect(line.path / "axis.db")) as connection:
        connection.execute(f"INSERT INTO {table.name} ({names}) {series} SELECT {chosen} FROM {table.name} t, n")
        connection.commit()


def steps_of(line: Line, first: int) -> int:
    """What five documents that come now take, in a line at work: what it does once at its start is not in it."""
    counted: list[int] = []

    def step() -> int:
        counted.append(1)
        return 0

    def count(driver: Any, _record: Any) -> None:
        driver.set_progress_handler(step, PART)

    sa.event.listen(Engine, "connect", count)
    try:
        with line.parts() as (hub, agencies):
            rest(hub, agencies, line.clock)
            counted.clear()
            for number in range(first, first + 5):
                line.drop("G22", document(number), f"{number}.edxml")
            rest(hub, agencies, line.clock)
            taken = len(counted)
    finally:
        sa.event.remove(Engine, "connect", count)
    assert line.states(f"{first}/TN-G22") == {"H41": "HANDED_OVER"}
    return taken


@pytest.mark.parametrize(
    ("table", "marks"),
    [
        pytest.param(outgoing, {"state": "accepted"}, id="sent and accepted"),
        pytest.param(outgoing, {"state": "refused"}, id="sent and refused"),
        pytest.param(incoming, {"state": "handed_over"}, id="received"),
    ],
)
def test_what_was_before_is_not_passed_by(tmp_path: Path, table: sa.Table, marks: dict[str, str]) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))
    line.run()
    age(line, 2, table, **marks)
    few = steps_of(line, 10)
    age(line, 2000 // 7, table, **marks)
    assert steps_of(line, 20) < few * 1.15


@pytest.mark.parametrize(("table", "state"), [(outgoing, "pending"), (incoming, "received")])
def test_what_waits_for_its_time_is_not_passed_by(tmp_path: Path, table: sa.Table, state: str) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))
    line.run()
    now = line.clock.now
    with closing(sqlite3.connect(line.path / "axis.db")) as connection:
        connection.execute(f"UPDATE {table.name} SET state = ?, not_before = ?", (state, to_text(now)))
        connection.commit()
    few, found = asked(line.path, table)
    age(line, 1000, table, state=state, not_before=to_text(now + timedelta(hours=1)))
    assert asked(line.path, table) == (few, found)


def asked(home: Path, table: sa.Table) -> tuple[int, int]:
    """How many steps it takes to ask what is due, and how much is."""
    engine = sa.create_engine(f"sqlite:///{home / 'axis.db'}")
    counted: list[int] = []
    with engine.connect() as connection:
        now = connection.execute(sa.select(sa.func.min(table.c.not_before))).scalar_one()
        driver: Any = connection.connection.dbapi_connection
        driver.set_progress_handler(lambda: counted.append(1), PART)
        found, _ = due.of(connection, ["G22", "H41"], from_text(now), 100)
        driver.set_progress_handler(None, PART)
    engine.dispose()
    assert found.publish or found.show
    return len(counted), sum(map(len, (found.publish if table is outgoing else found.show).values()))


def test_a_link_to_what_has_come_is_followed_without_reading_what_else_has(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))
    line.run()
    taken = []
    with closing(Database(f"sqlite:///{line.path / 'axis.db'}")) as database:
        with database.read() as connection:
            came = sa.select(incoming.c.id).where(incoming.c.agency == "H41", incoming.c.kind == "document")
            axis_id = connection.execute(came).scalar_one()
        for more in (2, 300):
            age(line, more, incoming)
            with database.read() as connection:
                driver: Any = connection.connection.driver_connection
                counted: list[int] = []
                driver.set_progress_handler(lambda counted=counted: counted.append(1), 1)
                found = find.find(connection, ["H41"], axis_id)
                driver.set_progress_handler(None, 0)
            assert [(row["direction"], row["axis_id"]) for row in found.exact] == [("incoming", axis_id)]
            taken.append(len(counted))
    assert taken[1] <= taken[0] + 50
