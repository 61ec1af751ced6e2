"""Very many files in one outbox cost each no more than a few do: what is looked at for each of them is counted."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from axis.adapters.base import Guarded, Place
from axis.adapters.folder import FOLDERS, FolderAdapter
from axis.adapters.tree import LocalTree
from axis.core.agency.source import Outgoing
from axis.infra.database import Database
from axis.infra.journal.journals import Journal
from axis.infra.journal.tables import TABLES
from axis.services.agency import submit
from axis.services.agency.adapter import Outbox
from tests import pki

if TYPE_CHECKING:
    from pathlib import Path

    from axis.adapters.tree import Entry

SWEEP = 0.3  # seconds that a sweep takes in which something is sent


def looked_at(folder: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> float:
    """Drop so many files, take them in sweeps while the answers come, and move each away when it is answered; how many
    entries of the folder are looked at for each."""
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    for number in range(count):
        (folder / "outbox" / f"{number:06}.edxml").write_bytes(b"%d" % number)
    entries, now, real = [0], [1000.0], LocalTree.entries

    def counted(tree: LocalTree, name: str) -> list[Entry]:
        found = real(tree, name)
        entries[0] += len(found)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(LocalTree, "entries", counted)
        patch.setattr(time, "monotonic", lambda: now[0])
        adapter = Guarded(FolderAdapter(Place("G22", folder, {"settle_seconds": 0.0})), "G22")
        agency: Any = SimpleNamespace(code="G22", outbox=Outbox(), adapter=adapter)
        answers: list[list[str]] = []
        while len(os.listdir(folder / "sent")) < count:
            now[0] += SWEEP
            assert now[0] < 1000 + 10 * SWEEP * (1 + count / 50), "it goes on"
            frozen = []
            for source in submit.look(agency, at_all=submit.has_sources(agency)):
                content = hashlib.sha256(source.digest.encode()).hexdigest()
                if content in settled_of(agency):
                    agency.adapter.accepted(source.ref)
                else:
                    agency.outbox.waits(source, content)
                    frozen.append(content)
            answers.append(frozen)
            if len(answers) > 8:  # the hub has taken them meanwhile
                for content in answers.pop(0):
                    settled_of(agency).add(content)
                    agency.outbox.answered(content)
    return entries[0] / count


def settled_of(agency: Any) -> set[str]:
    """The contents that the hub has answered."""
    found: set[str] = agency.__dict__.setdefault("settled", set())
    return found


def test_many_files_are_listed_hardly_more_often_for_each_than_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = looked_at(tmp_path / "few", 300, monkeypatch)
    many = looked_at(tmp_path / "many", 2400, monkeypatch)
    assert many <= 1.5 * few


def test_what_was_moved_away_since_a_listing_is_not_given_again(tmp_path: Path) -> None:
    for name in FOLDERS:
        (tmp_path / name).mkdir(parents=True)
    for name in ("1.edxml", "2.edxml", "3.edxml"):
        (tmp_path / "outbox" / name).write_text(name)
    adapter = FolderAdapter(Place("G22", tmp_path, {"settle_seconds": 0.0}))
    first = list(adapter.collect())
    again = adapter.collect()
    assert next(again).ref == "1.edxml"
    adapter.accepted(first[1].ref)
    assert [source.ref for source in again] == ["3.edxml"]


def test_who_has_something_due_is_not_asked_of_everything_that_waits(tmp_path: Path) -> None:
    def steps(count: int) -> int:
        database = Database(f"sqlite:///{tmp_path / f'{count}.db'}")
        with database.begin() as connection:
            for table in TABLES:
                table.create(connection)
        journal = Journal(database, "G22")
        with journal.transaction() as tx:
            for number in range(count):
                name = f"{number:064x}"
                row = Outgoing(name, "pending", "new", f"id-{number}", name, b"%d" % number, {}, [])
                tx.freeze(row, pki.NOW, answer_by=pki.NOW + timedelta(seconds=600 + number))
        done = [0]

        def one() -> int:
            done[0] += 1
            return 0

        with database.read() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            connection.execute(sa.text("SELECT 1"))
            raw.set_progress_handler(one, 10)
        journal.all.due(["G22"], pki.NOW, 50)
        assert journal.all.next_due(["G22"], pki.NOW) == pki.NOW + timedelta(seconds=600)
        return done[0]

    assert steps(1000) <= steps(10) + 10
