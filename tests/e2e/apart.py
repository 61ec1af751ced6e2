"""A line whose adapters have journals of their own, as where the hub is elsewhere."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from axis import bootstrap
from axis.core.homes import Standing
from axis.infra import payloads
from axis.infra.database import Database
from axis.infra.embedded import EmbeddedBroker
from axis.infra.record import ledger, quarantine, tables
from axis.services import run as loops
from axis.services.agency import standing
from axis.services.hub.worker import Hub
from axis.services.operate import reconcile
from tests.line import Line, document, small_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from axis.services.agency.adapter import Agency


CODES = ("G22", "H41")


class Apart(Line):
    """A line whose adapters have a journal each, beside the home."""

    def __init__(self, path: Path) -> None:
        super().__init__(small_home(path / "home", codes=CODES).path)
        self.run_embedded()
        for code in CODES:
            shutil.copy(self.path / "axis.db", self.journal(code))
            shutil.copytree(self.path / "axis.db-segments", f"{self.journal(code)}-segments")

    def run_embedded(self) -> None:
        with bootstrap.embedded_parts(bootstrap.open_home(self.path)) as (hub, agencies):
            loops.rounds(hub, agencies, stopped=lambda: False, until_idle=True, clock=self.clock)

    def journal(self, code: str) -> Path:
        return self.path.parent / f"{code}.db"

    def copy(self, code: str) -> Path:
        """A copy of this adapter's home as it is now."""
        kept = self.path.parent / f"copy-{code}.db"
        with closing(sqlite3.connect(self.journal(code))) as now, closing(sqlite3.connect(kept)) as then:
            now.backup(then)
        shutil.copytree(f"{self.journal(code)}-segments", f"{kept}-segments", dirs_exist_ok=True)
        self.clock.now += timedelta(hours=1)
        return kept

    def put_back(self, code: str, copy: Path) -> None:
        self.clock.now += timedelta(hours=1)
        self.journal(code).unlink()
        shutil.copy(copy, self.journal(code))

    def back_up_record(self) -> Path:
        """A backup of the hub's record as it is now."""
        kept = self.path.parent / "record.db"
        with closing(sqlite3.connect(self.path / "axis.db")) as now, closing(sqlite3.connect(kept)) as then:
            now.backup(then)
        self.clock.now += timedelta(minutes=20)
        return kept

    def put_back_record(self, backup: Path) -> None:
        """The hub's tables are as in the backup, the broker's as they are; the operator says that it is known."""
        self.clock.now += timedelta(minutes=20)
        with closing(sqlite3.connect(self.path / "axis.db", isolation_level=None)) as connection:
            connection.execute("ATTACH ? AS old", (str(backup),))
            connection.execute("BEGIN")
            for table in tables.TABLES:
                if table.info.get("only") == "postgresql":
                    continue
                if table is not payloads.payload:
                    connection.execute(f"DELETE FROM main.{table.name}")
                connection.execute(f"INSERT OR IGNORE INTO main.{table.name} SELECT * FROM old.{table.name}")
            connection.execute("COMMIT")
        with bootstrap.embedded_parts(bootstrap.open_home(self.path), restored=True) as (hub, _):
            assert reconcile.accept_restored(hub, self.clock()) is not None

    def taken_away(self, code: str) -> None:
        """The agency's system has taken in everything that it was shown."""
        for name in self.files(code, "inbox"):
            (self.folder(code, "inbox") / name).unlink()

    @contextmanager
    def opened(self, *journals: tuple[str, Path]) -> Iterator[tuple[Hub, list[Agency]]]:
        """The hub, and an adapter on each of these journals."""
        home = bootstrap.open_home(self.path)
        with ExitStack() as stack:
            record = Database(f"sqlite:///{self.path / 'axis.db'}")
            stack.callback(record.close)
            EmbeddedBroker.free_leases(record)
            hub = bootstrap.hub_part(home, record, EmbeddedBroker(record, None))
            agencies = []
            for code, path in journals:
                journal = Database(f"sqlite:///{path}")
                stack.callback(journal.close)
                agencies.append(bootstrap.agency_part(home, journal, partial(EmbeddedBroker, record, code), code))
                standing.begin(agencies[-1])
            yield hub, agencies

    @contextmanager
    def parts(self) -> Iterator[tuple[Hub, list[Agency]]]:
        with self.opened(*((code, self.journal(code)) for code in CODES)) as opened:
            yield opened

    def turns(self, hub: Hub, agencies: list[Agency], count: int = 12) -> None:
        for _ in range(count):
            self.clock.now += timedelta(seconds=20)
            loops.hub_round(hub, self.clock())
            for one in agencies:
                loops.agency_round(one, self.clock())

    def take_over(self, code: str) -> int:
        """``axis adapter restored``."""
        database = Database(f"sqlite:///{self.journal(code)}")
        with bootstrap.Journal(database, code).transaction() as tx:
            doubted = standing.take_over(tx, self.clock())
        database.close()
        return doubted

    def entries(self, code: str) -> list[str]:
        with bootstrap.reading(bootstrap.open_home(self.path)) as record, record.reading() as reader:
            found = [entry for _, entry in ledger.entries(reader, [""]) if entry.event.startswith("home.")]
        return [entry.event for entry in found if entry.recipient == code]

    def put_aside(self) -> list[str]:
        """The codes of what lies in quarantine."""
        with bootstrap.reading(bootstrap.open_home(self.path)) as record, record.reading() as reader:
            return [str(row["code"]) for row in quarantine.found(reader)]

    def sign(self, event: str) -> list[str]:
        """The issuers of statements of this kind that the sender holds."""
        held = self.receipts("G22").values()
        return [one.issuer for one in held for said in one.statements if said.event.code == event]


def while_the_system_of_h41_is_away(line: Apart, packet: bytes) -> None:
    """G22 sends a packet, and it lies in H41's journal."""
    inbox = line.folder("H41", "inbox")
    line.drop("G22", packet, "packet.edxml")
    with line.parts() as (hub, agencies):
        for one in agencies:
            one.open()
        inbox.rename(inbox.with_name("away"))
        line.turns(hub, agencies, 8)
    inbox.with_name("away").rename(inbox)


def at_work(path: Path) -> Apart:
    """One whose homes the hub knows; a first document was handed over, and taken away by its reader."""
    made = Apart(path)
    made.drop("G22", document(9), "first.edxml")
    with made.parts() as (hub, agencies):
        made.turns(hub, agencies)
        assert [one.standing for one in agencies] == [Standing.CURRENT, Standing.CURRENT]
    assert made.kinds("H41") == ["new"]
    made.taken_away("H41")
    return made
