"""A standby takes over while a hub runs: what it lacks is noticed at the first look, and no place of the ledger is given
out twice. A server that cannot be written yet is waited for."""

from __future__ import annotations

import hashlib
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from axis import bootstrap, crashpoints
from axis.core.ledger import GENESIS, Entry
from axis.errors import Corrupted, Fault, Unavailable
from axis.infra.database import Database
from axis.infra.embedded import EmbeddedBroker
from axis.infra.record import lease, ledger, registries, search, tables
from axis.infra.record.high_water import HighWater, LedgerEnd
from axis.infra.record.store import HubStore
from axis.services import run as loops
from axis.services.operate import reconcile
from axis.services.operate import registry as members
from tests.line import document, rest, small_home
from tests.servers import PostgreSql, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub
    from tests.line import Line


class Standby:
    """A streaming copy of a server."""

    def __init__(self, primary: PostgreSql) -> None:
        self._primary = primary
        (self.port,) = free_ports(1)
        self._folder = primary.folder / "standby"
        source = ("-h", "127.0.0.1", "-p", primary.port, "-U", "axis")
        self._run("pg_basebackup", *source, "-D", self._folder, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        options = f"-p {self.port} -k {primary.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("pg_ctl", "-D", self._folder, "-l", primary.folder / "log2", "-w", "-o", options, "start")

    def url(self) -> str:
        return f"postgresql://axis@127.0.0.1:{self.port}/axis"

    def ask(self, sql: str, port: int = 0) -> str:
        where = ("-h", "127.0.0.1", "-p", str(port or self.port), "-U", "axis", "-d", "axis", "-Atc")
        done = subprocess.run(
            [str(self._primary._bin / "psql"), *where, sql], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def lag(self) -> None:
        """From now on it gets nothing new."""
        self.ask("ALTER SYSTEM SET primary_conninfo = ''")
        self.ask("SELECT pg_reload_conf()")
        while self.ask("SELECT count(*) FROM pg_stat_wal_receiver") != "0":
            pass

    def is_written_to_first(self) -> None:
        """From now on the server commits nothing that this copy has not got."""
        self.ask("ALTER SYSTEM SET synchronous_standby_names = '*'", self._primary.port)
        self.ask("SELECT pg_reload_conf()", self._primary.port)
        while self.ask("SELECT sync_state FROM pg_stat_replication", self._primary.port) != "sync":
            pass

    def promote(self) -> None:
        self._run("pg_ctl", "-D", self._folder, "-w", "promote")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self._folder, "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: object) -> None:
        self._primary._run(program, *arguments)


@contextmanager
def opened(line: Line, url: str, *, new: bool = False) -> Iterator[tuple[Hub, list[Agency]]]:
    """The line with its hub's record at `url`, as a hub that has started there."""
    database = Database(url)
    home = bootstrap.open_home(line.path)
    with bootstrap.embedded_parts(home, restored=True) as (embedded, agencies):  # whose own record is not looked at
        if new:
            with embedded.store.reading() as reader:
                registry = reader.payload(registries.newest(reader))
            database.create(tables.TABLES)
            now = line.clock()
            with HubStore(database).transaction() as tx:
                registries.keep(tx, 1, registry, now, (), Entry(now, "HUB", "registry.issued"))
            (line.path / "hub.mark").unlink(missing_ok=True)  # it spoke of another record
        broker = EmbeddedBroker(embedded.store.database, None)
        hub = bootstrap.hub_part(home, database, broker)
        with suppress(Unavailable):
            hub.check_record()
        try:
            yield hub, agencies
        finally:
            broker.close()
            database.close()


@pytest.mark.postgres
@pytest.mark.timeout(120)
def test_a_standby_that_lacks_the_last_documents_is_not_gone_on_with_until_somebody_says_so(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home", codes=("G22", "H41"))
    with PostgreSql("-c fsync=off") as primary:
        Database(primary.url()).create(tables.TABLES)
        standby = Standby(primary)
        try:
            hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
            with opened(line, f"postgresql://axis@{hosts}/axis", new=True) as (hub, agencies):
                line.drop("G22", document(1, content=b"1"), "1.edxml")
                rest(hub, agencies, line.clock)
                with hub.store.reading() as reader:
                    end = ledger.standing(reader).end
                while standby.ask("SELECT max(position) FROM ledger") != str(end.position):
                    pass
                standby.lag()
                line.drop("G22", document(2, content=b"2"), "2.edxml")
                rest(hub, agencies, line.clock)
                mark = (line.path / "hub.mark").read_text()
                primary.kill()
                for _ in range(3):  # the other one is there, and no primary yet
                    with pytest.raises(Unavailable):
                        loops.hub_round(hub, line.clock())
                with opened_hub(line, standby.url()) as other, pytest.raises(Unavailable) as caught:
                    other.check_record()
                assert "standby" in str(caught.value), "it is waited for, and not taken for an old backup"
                standby.promote()
                line.drop("G22", document(3, content=b"3"), "3.edxml")
                for one in agencies * 2:
                    loops.agency_round(one, line.clock())
                for _ in range(2):
                    with pytest.raises(Corrupted) as lost:
                        loops.hub_round(hub, line.clock())
                    assert lost.value.fault is Fault.RECORD_OLD
                hub.broker.close()
                assert (line.path / "hub.mark").read_text() == mark, "the witness is not overwritten"
                assert standby.ask("SELECT max(position) FROM ledger") == str(end.position)
            with opened_hub(line, standby.url()) as told:
                gap = reconcile.accept_restored(told, line.clock())
                assert gap is not None
                assert gap.record_ends == end.position
            with opened(line, f"postgresql://axis@{hosts}/axis") as (hub, agencies):
                rest(hub, agencies, line.clock)
                with hub.store.reading() as reader:
                    assert search.counts(reader)["handed_over"] == 3
                    ledger.check(reader)
            assert sorted(line.attachments("H41")) == sorted(hashlib.sha256(b"%d" % n).hexdigest() for n in (1, 2, 3))
        finally:
            standby.stop()


@contextmanager
def opened_hub(line: Line, url: str) -> Iterator[Hub]:
    database = Database(url)
    yield bootstrap.hub_part(bootstrap.open_home(line.path), database, EmbeddedBroker(database, None))
    database.close()


def roll_back(hub: Hub, position: int) -> None:
    """What the record had after this place is gone, and nobody's connection has noticed: as behind a pooler."""
    with hub.store.database.begin() as connection:
        connection.execute(tables.ledger_entry.delete().where(tables.ledger_entry.c.position > position))


def test_a_record_that_loses_its_end_under_a_running_hub_gets_no_place_twice(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))
    line.run()
    with line.parts() as (hub, agencies):
        with hub.store.reading() as reader:
            end = ledger.standing(reader).end
        line.drop("G22", document(2, content=b"2"), "b.edxml")
        rest(hub, agencies, line.clock)
        mark = (line.path / "hub.mark").read_text()
        roll_back(hub, end.position)
        line.drop("G22", document(3, content=b"3"), "c.edxml")
        for one in agencies * 2:
            loops.agency_round(one, line.clock())
        with pytest.raises(Corrupted) as caught:
            loops.hub_round(hub, line.clock())
        assert caught.value.fault is Fault.RECORD_OLD
        with hub.store.reading() as reader:
            assert ledger.standing(reader).end.position == end.position
        assert (line.path / "hub.mark").read_text() == mark


def test_no_acceptance_leaves_the_hub_before_its_mark_speaks_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a failover right after it loses a document that nobody misses."""
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))

    class Death(BaseException):
        pass

    def reached(point: str) -> None:
        if point == "R03":
            raise Death

    with line.parts() as (hub, agencies):
        for one in agencies * 2:
            loops.agency_round(one, line.clock())
        loops.hub_round(hub, line.clock())  # the registries that every agency has
        with hub.store.reading() as reader:
            before = ledger.standing(reader).end
        line.clock.now = line.clock.now.replace(hour=5)
        line.drop("G22", document(2, content=b"2"), "b.edxml")
        for one in agencies * 2:
            loops.agency_round(one, line.clock())
        with monkeypatch.context() as patch, pytest.raises(Death):
            patch.setattr(crashpoints, "reached", reached)
            loops.hub_round(hub, line.clock())
        with hub.store.reading() as reader:
            end = ledger.standing(reader).end
        assert end.entry > before.entry
        assert hub.high_water.read() == end


def test_another_worker_that_gives_out_no_places_notes_how_far_the_record_goes(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))
    line.run()
    with line.parts() as (hub, _), hub.store.transaction() as tx:
        lease.hold(tx, "sequence", "another", line.clock())
    (line.path / "hub.mark").unlink()
    with line.parts() as (hub, _):
        with hub.store.transaction() as tx:
            lease.hold(tx, "sequence", "another", line.clock())
            ledger.enter(tx, Entry(line.clock(), "HUB", "of the other worker"))
        loops.hub_round(hub, line.clock())
        with hub.store.reading() as reader:
            assert ledger.standing(reader).is_unlinked
            assert hub.high_water.read() == ledger.standing(reader).end


def test_two_workers_with_one_mark_leave_what_is_farther(tmp_path: Path) -> None:
    path = tmp_path / "hub.mark"
    one, other = HighWater(path), HighWater(path)
    one.advance(LedgerEnd(5, "five", 1, 7, "seven"))
    other.advance(LedgerEnd(9, "nine", 2, 6, "six"))  # it has not seen the last entry
    one.advance(LedgerEnd(5, "five", 1, 8, "eight"))
    assert other.read() == one.read() == LedgerEnd(9, "nine", 2, 8, "eight")
    with pytest.raises(Corrupted) as caught:
        one.advance(LedgerEnd(9, "another record's", 2, 9, "x"))
    assert caught.value.fault is Fault.RECORD_OLD
    one.write(LedgerEnd(3, "three", 4, 3, "x"))
    assert other.read() == LedgerEnd(3, "three", 4, 3, "x"), "an operator has said so"


def test_a_mark_of_an_earlier_version_is_read_and_believed(tmp_path: Path) -> None:
    path = tmp_path / "hub.mark"
    path.write_text("5 five 1\n")
    mark = HighWater(path)
    assert mark.read() == LedgerEnd(5, "five", 1)
    mark.advance(LedgerEnd(5, "five", 1, 7, "seven"))
    assert mark.read() == LedgerEnd(5, "five", 1, 7, "seven")
    mark.write(LedgerEnd(0, GENESIS, 1))
    assert mark.read() == LedgerEnd(0, GENESIS, 1)


def test_a_registry_is_not_changed_on_an_old_record(tmp_path: Path) -> None:
    """Its next version would be one that the agencies have already, and it would be ignored."""
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))
    line.run()
    with line.parts() as (hub, _):
        mark: Any = hub.high_water.read()
        hub.high_water.write(LedgerEnd(mark.position + 5, "another", mark.registry + 1))
    home = bootstrap.open_home(line.path)
    with pytest.raises(Corrupted), bootstrap.registrar(home) as registrar:
        members.suspend(registrar, "H41", "thử", line.clock())
