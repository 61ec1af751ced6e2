"""An older database becomes this version's, with what it holds, wholly or not at all."""

from __future__ import annotations

import threading
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from axis.errors import Misconfigured
from axis.infra import database as databases
from axis.infra import embedded
from axis.infra.database import SCHEMA_VERSION, Database
from axis.infra.journal import tables as journal
from axis.infra.record import search, tables
from axis.infra.record.store import HubReader

if TYPE_CHECKING:
    from collections.abc import Iterator

ALL = [*tables.TABLES, *journal.TABLES]


@pytest.fixture
def old(bare_database_url: str) -> Iterator[Database]:
    """A database of version 1 with a row in a table that is copied, and one in a table that gets an index."""
    opened = Database(bare_database_url)
    name = "sqlite" if opened.is_sqlite else "postgresql"
    script = (Path(__file__).parent / f"schema_0001.{name}.sql").read_text("utf-8")
    with opened.begin() as connection:
        for statement in script.partition("\n")[2].split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
        connection.exec_driver_sql(
            "INSERT INTO incoming (agency, id, kind, state, body_digest, proof_digest, names, facts, attempts, not_before, "
            "received_at) VALUES ('G22', 'x', 'document', 'handed_over', 'b', 'p', '[]', '{}', 3, 't', 't')"
        )
        connection.exec_driver_sql("INSERT INTO ledger (digest, canonical, axis_id) VALUES ('d', 'c', 'a')")
        for axis_id, kind in (("s1", "new"), ("s2", "status")):
            connection.exec_driver_sql(
                "INSERT INTO submission (axis_id, key, kind, sender, organ_id, document_id, code, subject, status_code, "
                "priority, content_digest, parcel_digest, acceptance_digest, registry_version, received_at) VALUES "
                f"('{axis_id}', 'k{axis_id}', '{kind}', 'G22', 'G22', 'd', 'c', 's', '', 0, 'x', 'p', 'a', 1, 't')"
            )
            connection.exec_driver_sql(
                "INSERT INTO delivery (id, axis_id, recipient, units, state, attempts, updated_at) VALUES "
                f"('d{axis_id}', '{axis_id}', 'H41', '[]', 'QUEUED', 1, 't')"
            )
        connection.exec_driver_sql(
            "INSERT INTO business_status (delivery_id, unit, code, reported_at, arrived_at) VALUES "
            "('ds1', 'H41', '03', 't', 't')"
        )
    yield opened
    opened.close()


# They cannot be compared: tests/contract/test_find.py has them used.
ON_EXPRESSIONS = {"submission_folded_code", "submission_subject_words", "refusal_folded_code"}


def tables_of(database: Database) -> list[sa.Table]:
    if not database.is_sqlite:
        return ALL
    return [table for table in (*ALL, *embedded.TABLES) if table.info.get("only") != "postgresql"]


def differences(database: Database) -> list[object]:
    wanted = {table.name for table in tables_of(database)} | {"alembic_version"}

    def ours(thing: object, name: str | None, kind: str, *_: object) -> bool:
        if kind == "index" and name in ON_EXPRESSIONS:
            return False
        return name in wanted if kind == "table" else True

    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours})
        return compare_metadata(context, databases.metadata)


def test_the_newest_migration_is_the_version_the_program_wants() -> None:
    settings = Config()
    settings.set_main_option("script_location", "axis.infra:migrations")
    assert ScriptDirectory.from_config(settings).get_heads() == [SCHEMA_VERSION]


def test_an_upgraded_database_and_a_new_one_have_the_schema_of_the_program(old: Database, tmp_path: Path) -> None:
    assert old.version() == "0001"
    assert old.upgrade() == ("0001", SCHEMA_VERSION)
    assert differences(old) == []
    new = Database(f"sqlite:///{tmp_path / 'new.db'}")
    new.create([*ALL, *embedded.TABLES])
    assert differences(new) == []
    new.close()


# The newest row of these is never deleted, so its number is not given out again.
NEVER_ENDS = {"event", "ledger"}


def number_of_another(connection: sa.Connection, table: sa.Table) -> int:
    """Insert a row with nothing in particular; its number."""
    dull = {sa.Text: "x", sa.Boolean: False, sa.JSON: []}
    row = {
        column.name: dull.get(type(column.type), 0)
        for column in table.columns
        if column is not table.autoincrement_column
    }
    found = connection.execute(sa.insert(table).values(row).returning(table.autoincrement_column))
    return int(found.scalar_one())


@pytest.mark.parametrize("is_new", [True, False])
def test_a_number_that_a_row_had_is_never_given_to_another(old: Database, tmp_path: Path, is_new: bool) -> None:
    """Who has read a row, and acts on its number later, would act on what has come in its place."""
    old.upgrade()
    database = Database(f"sqlite:///{tmp_path / 'new.db'}") if is_new else old
    database.create(tables_of(database))
    numbered = [
        table
        for table in tables_of(database)
        if any(one.autoincrement is True for one in table.primary_key) and table.name not in NEVER_ENDS
    ]
    assert {table.name for table in numbered} >= {"outbox", "posted", "incoming", "aside"}
    if database.is_sqlite:
        with database.begin() as connection:
            connection.execute(sa.insert(embedded.queue).values(name="x"))
    for table in numbered:
        with database.begin() as connection:
            first = number_of_another(connection, table)
            connection.execute(sa.delete(table).where(table.autoincrement_column == first))
            assert number_of_another(connection, table) > first, table.name
    if is_new:
        database.close()


def test_an_upgrade_keeps_what_is_there_and_may_be_run_again(old: Database) -> None:
    old.upgrade()
    assert old.upgrade() == (SCHEMA_VERSION, SCHEMA_VERSION)
    with old.read() as connection:
        row = connection.execute(sa.select(journal.incoming)).mappings().one()
        assert (row["id"], row["attempts"], row["answer_digest"]) == ("x", 3, "")
        assert connection.execute(sa.select(tables.ledger_entry.c.canonical)).scalars().all() == ["c"]
        found = connection.execute(sa.select(tables.delivery).order_by(tables.delivery.c.id)).mappings().all()
        assert [(d["role"], d["tried"], d["closed"]) for d in found] == [("document", 1, 0), ("status", 1, 0)]
        assert [d["reporters"] for d in found] == [1, 0], "who had reported is counted"
        bodies = connection.execute(sa.select(tables.submission.c.body_digest)).scalars().all()
        assert bodies == ["p", "p"], "what was kept is still named"
        assert connection.execute(sa.select(tables.business.c.code)).scalar_one() == "03"
        about = [(d["owner"], d["document_id"], d["owes_at"]) for d in found]
        assert about == [("G22", "d", ""), ("H41", "d", "")], "each delivery says whose document it is about"
        spoken_of = connection.execute(sa.select(tables.document)).mappings().all()
        assert {(d["sender"], d["document_id"]) for d in spoken_of} == {("G22", "d"), ("H41", "d")}
    old.create(tables_of(old))


def test_what_was_recorded_under_another_normal_form_is_found_after_an_upgrade(old: Database) -> None:
    composed = "G22,2026/11/23,1/QĐ-ế"
    written = unicodedata.normalize("NFD", composed)
    with old.begin() as connection:
        for axis_id, document_id in (("n1", written), ("n2", f"{written}2"), ("n3", f"{composed}2")):
            connection.execute(
                sa.text(
                    "INSERT INTO submission (axis_id, key, kind, sender, organ_id, document_id, code, subject, status_code, "
                    "priority, content_digest, parcel_digest, acceptance_digest, registry_version, received_at) VALUES "
                    "(:axis_id, :key, 'new', 'G22', 'G22', :id, :code, 's', '', 0, 'x', 'p', 'a', 1, 't')"
                ),
                {"axis_id": axis_id, "key": f"document|G22|{document_id}", "id": document_id, "code": document_id[15:]},
            )
    old.upgrade()
    s = tables.submission.c
    with old.read() as connection:
        found = {row.axis_id: row for row in connection.execute(sa.select(s.axis_id, s.document_id, s.key, s.code))}
        recorded = search.submissions(HubReader(connection), "G22", composed, ("new",))
        assert [row["axis_id"] for row in recorded] == ["n1"]
    assert tuple(found["n1"])[1:] == (composed, f"document|G22|{composed}", composed[15:])
    assert [found[n].document_id for n in ("n2", "n3")] == [f"{written}2", f"{composed}2"], "two documents stay two"


def test_a_death_in_the_middle_of_an_upgrade_leaves_the_old_version_whole(
    old: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic.operations import Operations

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Operations, "drop_table", dies)  # the last step
        with pytest.raises(KeyboardInterrupt):
            old.upgrade()
    assert old.version() == "0001"
    with old.read() as connection:
        assert "lease" not in sa.inspect(connection).get_table_names()
    assert old.upgrade() == ("0001", SCHEMA_VERSION)


def test_two_upgrades_at_once_are_one_after_the_other(old: Database) -> None:
    found: list[tuple[str, str]] = []
    threads = [threading.Thread(target=lambda: found.append(old.upgrade())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [("0001", SCHEMA_VERSION), (SCHEMA_VERSION, SCHEMA_VERSION)]


def test_a_hub_does_not_upgrade_a_shared_database_by_itself_and_an_older_file_is_upgraded_at_the_start(
    old: Database,
) -> None:
    if old.is_sqlite:
        old.create(tables_of(old))
        assert old.version() == SCHEMA_VERSION
        return
    with pytest.raises(Misconfigured) as caught:
        old.create(tables_of(old))
    assert caught.value.fault.code == "SCHEMA_VERSION"
    assert "axis upgrade" in str(caught.value)
    assert old.version() == "0001"


def test_a_newer_or_unknown_version_is_refused_and_left_alone(old: Database) -> None:
    old.upgrade()
    with old.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    for call in (old.upgrade, old.check_version, lambda: old.create(tables_of(old))):
        with pytest.raises(Misconfigured):
            call()
    assert old.version() == "9999"
