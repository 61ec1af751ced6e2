"""A home copied while it works, and a home made from the copy: what the backup has seen is there, once, and goes on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import uuid
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from axis import bootstrap, cli, config
from axis.adapters.base import About
from axis.adapters.spool.selection import Selection
from axis.adapters.spool.store import open_spool
from axis.errors import Corrupted, Fault
from axis.infra import payloads, snapshot
from axis.infra.database import Database
from axis.infra.journal.journals import Journal
from axis.services import backup as backups
from axis.services.operate import provision as enrol
from axis.services.operate import registry as members
from tests import sample
from tests.line import Clock, Line, document, small_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers import PostgreSql


EACH = 3  # of so many steps of a backup one is an occasion for others to work


@pytest.fixture(autouse=True)
def _in_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payloads, "SMALL", 5000)  # receipts stay in rows, the test's small documents do not


def axis(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(cli.main, [*map(str, arguments), "--lang", "en"])
    assert done.exit_code == code, done.output
    return done.output


def content(number: int) -> bytes:
    return b"%%PDF-1.4 noi dung %d" % number


def digests(*numbers: int) -> list[str]:
    return sorted(hashlib.sha256(content(number)).hexdigest() for number in numbers)


def drop(line: Line, *numbers: int) -> None:
    for number in numbers:
        line.drop("G22", document(number, content=content(number)), f"{number}.edxml")


@pytest.fixture
def line(tmp_path: Path) -> Line:
    """One document handed over, one that waits for its recipient, one in the outbox."""
    made = small_home(tmp_path / "home", codes=("G22", "H41"))
    drop(made, 1)
    made.run()
    drop(made, 2)
    made.without("H41")
    drop(made, 3)
    return made


def restored(line: Line, folder: Path, home: Path) -> Line:
    """A home from the backup in `folder`, as the operator is told to bring it back."""
    assert f"axis reconcile --restored --older-than 0 --home {home}" in axis("restore", folder, "--home", home)
    assert "RECORD_OLD" in axis("run", "--home", home, "--until-idle", code=6), "nothing works before"
    axis("reconcile", "--restored", "--older-than", 0, "--home", home)
    again = Line(home)
    again.clock.now = line.clock.now
    return again


def test_a_restored_home_goes_on_where_the_backup_was_made(line: Line, tmp_path: Path) -> None:
    folder, home = tmp_path / "backup", tmp_path / "new"
    said = axis("backup", folder, "--home", line.path)
    assert "private keys (0600" in said
    drop(line, 4)
    line.run()
    before = {(p.relative_to(line.path).as_posix(), p.stat().st_mode) for p in line.path.rglob("*") if p.is_dir()}
    again = restored(line, folder, home)
    again.run()
    assert sorted(again.attachments("H41")) == digests(1, 2, 3)
    for number in (1, 2, 3):
        assert again.states(f"{number}/TN-G22") == {"H41": "HANDED_OVER"}
        assert again.events("G22").count("E.1 H41") == 3
    again.check_ledger()
    assert not any(one.name.endswith("partial") for one in tmp_path.iterdir())
    after = {(p.relative_to(home).as_posix(), p.stat().st_mode) for p in home.rglob("*") if p.is_dir()}
    assert before == after


def test_a_backup_is_for_its_owner_alone_and_says_what_it_holds(line: Line, tmp_path: Path) -> None:
    made = json.loads(axis("backup", tmp_path / "backup", "--home", line.path, "--json"))
    assert made["record"] == "sqlite"
    assert made["keys"] is True
    assert made["payloads"] >= 2
    assert made["damaged"] == []
    for path in (tmp_path / "backup", *(tmp_path / "backup").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    bare = json.loads(axis("backup", tmp_path / "bare", "--home", line.path, "--json", "--without-keys"))
    assert bare["keys"] is False
    assert not list((tmp_path / "bare").rglob("*.key"))
    assert "no private keys" in axis("restore", tmp_path / "bare", "--home", tmp_path / "keyless")


def test_every_damaged_or_missing_file_of_a_backup_is_found_and_nothing_is_restored(line: Line, tmp_path: Path) -> None:
    folder, home = tmp_path / "backup", tmp_path / "new"
    axis("backup", folder, "--home", line.path)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert {path.parent.name for path in files} >= {"axis.db-segments", "keys", "inbox", "outbox"}
    for path in files:
        whole = path.read_bytes()
        middle = len(whole) // 2
        for damaged in (whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :] if whole else b"x", None):
            path.unlink() if damaged is None else path.write_bytes(damaged)
            if path.name == backups.MANIFEST and damaged is not None:
                path.write_bytes(whole[:middle])
            with pytest.raises(Corrupted) as caught:
                backups.restore(folder, home, lambda *_: None)
            assert caught.value.fault in {Fault.BACKUP_DAMAGED, Fault.BACKUP_INVALID}
            assert not home.exists()
            path.write_bytes(whole)
    backups.restore(folder, home, lambda *_: None)


def test_an_agencys_home_is_asked_by_the_hub_when_it_was_restored(tmp_path: Path) -> None:
    """It is the same home, which has forgotten something: the hub knows more, and nothing here says otherwise."""
    hub = small_home(tmp_path / "hub", codes=("G22", "H41"))
    hub.configure(broker=config.Broker("amqp"))
    home, new = tmp_path / "home", tmp_path / "new"
    axis("agency", "export", "H41", "--home", hub.path, "--to", home)
    database = Database(f"sqlite:///{home / 'axis.db'}")
    with Journal(database, "H41").transaction() as tx:
        instance = tx.begin_home("one")["instance"]
    database.close()
    made = json.loads(axis("backup", tmp_path / "backup", "--home", home, "--json"))
    assert made["record"] == ""
    said = axis("restore", tmp_path / "backup", "--home", new)
    assert f"axis adapter restored CODE --home {new}" in said
    assert not (new / "hub.mark").exists()
    with (
        bootstrap.reading_journal(bootstrap.open_home(new), "H41") as opened,
        opened.reading() as reader,
    ):
        assert reader.home()["instance"] == instance  # type: ignore[index]
        assert reader.registry() is not None


@pytest.mark.parametrize("name", ["/etc/axis.toml", "../axis.toml", ""])
def test_a_manifest_that_names_a_file_outside_is_no_backup(line: Line, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "backup"
    axis("backup", folder, "--home", line.path)
    said = json.loads((folder / backups.MANIFEST).read_text("utf-8"))
    said["files"].append([name, 0, hashlib.sha256(b"").hexdigest(), 0o600])
    (folder / backups.MANIFEST).write_text(json.dumps(said), "utf-8")
    assert "BACKUP_INVALID" in axis("restore", folder, "--home", tmp_path / "new", code=6)


def test_neither_goes_where_something_is_and_a_folder_without_manifest_is_no_backup(line: Line, tmp_path: Path) -> None:
    assert "BACKUP_TARGET" in axis("backup", line.path / "keys", "--home", line.path, code=5)
    (tmp_path / "empty").mkdir()
    axis("backup", tmp_path / "empty", "--home", line.path)
    assert "BACKUP_TARGET" in axis("restore", tmp_path / "empty", "--home", line.path, code=5)
    assert "BACKUP_INVALID" in axis("restore", tmp_path, "--home", tmp_path / "new", code=6)
    assert not (tmp_path / "new").exists()


class Killed(BaseException):
    pass


@pytest.mark.parametrize("what", ["backup", "restore"])
def test_one_that_is_killed_leaves_nothing_that_counts_and_may_be_made_again(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """At each file and each step that it makes; a killed one has cleared nothing away."""
    if what == "restore":
        axis("backup", tmp_path / "whole", "--home", line.path)
    target, left = tmp_path / "target", [0]

    def work() -> None:
        if what == "restore":
            backups.restore(tmp_path / "whole", target, lambda *_: None)
        else:
            axis("backup", target, "--home", line.path)

    def dies(call: Any) -> Any:
        def counted(*arguments: Any, **named: Any) -> Any:
            left[0] -= 1
            if not left[0]:
                raise Killed
            return call(*arguments, **named)

        return counted

    (tmp_path / ".target.axis-partial" / "keys").mkdir(parents=True)
    (tmp_path / ".target.axis-partial" / "keys" / "G22.key").write_text("of one that was killed")
    number = 0
    while not target.exists():
        number += 1
        left[0] = number
        with monkeypatch.context() as patch:
            patch.setattr(backups, "_copied", dies(backups._copied))
            patch.setattr(backups, "_write_manifest", dies(backups._write_manifest))
            for name in ("copy_sqlite", "copy_segments", "check_sqlite"):
                patch.setattr(snapshot, name, dies(getattr(snapshot, name)))
            patch.setattr(backups.os, "sync", dies(lambda: None))
            try:
                work()
            except Killed:
                assert not target.exists()
    assert number > 15
    assert not (tmp_path / ".target.axis-partial").exists()
    if what == "backup":
        backups.restore(target, tmp_path / "new", lambda *_: None)


def test_what_is_damaged_in_the_home_is_named_and_the_rest_is_backed_up(line: Line, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{line.path / 'axis.db'}")
    with database.read() as connection:
        one = connection.execute(sa.select(payloads.payload).where(payloads.payload.c.segment != "")).first()
    database.close()
    assert one is not None
    with (line.path / "axis.db-segments" / one.segment).open("r+b") as file:
        file.seek(one.start + one.length // 2)
        file.write(b"damaged")
    assert one.digest in axis("backup", tmp_path / "backup", "--home", line.path, code=6)
    assert one.digest in axis("restore", tmp_path / "backup", "--home", tmp_path / "new")


def restored_from_each_moment(made: Line, tmp_path: Path, later: Callable[[Line], None]) -> Iterator[Line]:
    """A home restored and run for each of many moments of a backup, at which all that waits is done, and then more. A run
    of the suite takes a part of them (tests/sample.py)."""
    steps = 0

    def counts(_done: int, _all: int) -> None:
        nonlocal steps
        steps += 1

    back_up(Line(Path(shutil.copytree(made.path, tmp_path / "counted"))), made, tmp_path / "backup", counts)
    moments = [at for at in range(EACH, steps, EACH) if sample.is_tried(at // EACH, 2)]
    assert len(moments) > 2
    for at in moments:
        home, left = Line(Path(shutil.copytree(made.path, tmp_path / f"home{at}"))), at

        def work(_done: int, _all: int, home: Line = home) -> None:
            nonlocal left
            left -= 1
            if not left:
                home.run()
                later(home)
                home.run()

        home.clock.now = made.clock.now
        folder = tmp_path / f"backup{at}"
        back_up(home, made, folder, work)
        assert left <= 0
        again = restored(home, folder, tmp_path / f"new{at}")
        again.run()
        yield again


def back_up(home: Line, made: Line, folder: Path, step: Callable[[int, int], None]) -> None:
    bootstrap.back_up(bootstrap.open_home(home.path), folder, made.clock.now, step, keys=True)


def test_a_backup_is_the_home_of_one_moment_wherever_work_goes_on_meanwhile(line: Line, tmp_path: Path) -> None:
    """What the backup has is there once, and what came later is not in it."""
    for again in restored_from_each_moment(line, tmp_path, lambda home: drop(home, 4)):
        assert sorted(again.attachments("H41")) == digests(1, 2, 3)
        assert not again.files("G22", "outbox")
        again.check_ledger()


def test_what_a_system_has_submitted_by_the_server_is_sent_once_and_not_forgotten(tmp_path: Path) -> None:
    """The spool is a database of its own: it may not know an answer that the record has forgotten."""
    made = small_home(tmp_path / "home", codes=("G22", "H41"))
    made.configure(adapter=config.Adapter(settle_seconds=0.0, agencies={"G22": {"kind": "spool"}}))
    submit(made, 1)
    made.run()
    submit(made, 2)
    for again in restored_from_each_moment(made, tmp_path, lambda home: submit(home, 3)):
        assert sorted(again.attachments("H41")) == digests(1, 2)
        with closing(open_spool(again.folder("G22", "spool"))) as spool:
            assert [row["state"] for row in spool.sent(Selection())] == ["accepted", "accepted"]


def submit(line: Line, number: int) -> None:
    packet = document(number, content=content(number))
    with closing(open_spool(line.folder("G22", "spool"))) as spool, spool.upload() as upload:
        upload.write(packet)
        spool.submit(upload, About("", "new", "G22", ("H41",), f"{number}/TN-G22", "", ""))


def test_a_home_of_another_version_is_upgraded_before_it_is_backed_up(line: Line, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{line.path / 'axis.db'}")
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    database.close()
    assert "axis upgrade" in axis("backup", tmp_path / "backup", "--home", line.path, code=5)
    assert not (tmp_path / "backup").exists()


def test_two_at_once_into_one_place_do_not_meet(line: Line, tmp_path: Path) -> None:
    with backups._built(tmp_path / "backup"):
        assert "HOME_LOCKED" in axis("backup", tmp_path / "backup", "--home", line.path, code=4)
    assert (tmp_path / "backup").is_dir()


def put_in_record(home: Path, parcel: bytes) -> str:
    with bootstrap.reading(bootstrap.open_home(home)) as record, record.transaction() as tx:
        return payloads.put(tx.connection, parcel)


@pytest.mark.postgres
@pytest.mark.timeout(180)
def test_a_record_on_postgresql_with_segments_is_dumped_at_one_moment_and_brought_back(
    postgres: PostgreSql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.database("backed_up")
    monkeypatch.setenv("AXIS_DATABASE_URL", url)
    store = config.Store("postgresql", parcels="segments")
    settings = config.Config(config.Installation(str(uuid.UUID(int=1))), store, config.Broker("amqp"))
    rows = [row for row in enrol.catalogue() if row["code"] in {"G22", "H41"}]
    home, folder, new = tmp_path / "home", tmp_path / "backup", tmp_path / "new"
    enrol.create_home(home, settings, "p256", Clock().now, rows=rows)
    axis("upgrade", "--home", home)
    parcel = content(1) * 1000
    digest = put_in_record(home, parcel)
    assert (home / "record-segments").is_dir()
    made = json.loads(axis("backup", folder, "--home", home, "--json"))
    assert made["record"] == "postgresql"
    later = put_in_record(home, parcel + b"later")
    said = axis("restore", folder, "--home", new)
    assert f"{folder}/record.dump" in said
    empty = postgres.database("brought_back")
    info = sa.make_url(empty)
    login = {"PGHOST": info.host, "PGPORT": info.port, "PGUSER": info.username, "PGPASSWORD": info.password}
    command = ["pg_restore", "--no-owner", f"--dbname={info.database}", str(folder / "record.dump")]
    given = {name: str(value) for name, value in login.items() if value}
    subprocess.run(command, env=os.environ | given, check=True)
    monkeypatch.setenv("AXIS_DATABASE_URL", empty)
    axis("upgrade", "--home", new)
    with bootstrap.reading(bootstrap.open_home(new)) as record, record.reading() as reader:
        assert reader.payloads([digest, later]) == {digest: parcel}
    with pytest.raises(Corrupted) as caught, bootstrap.registrar(bootstrap.open_home(new)) as registrar:
        members.suspend(registrar, "G22", "thử", Clock().now)
    assert caught.value.fault is Fault.RECORD_OLD


@pytest.mark.postgres
def test_without_pg_dump_the_operator_is_told_that_the_record_is_not_in_the_backup(
    postgres: PostgreSql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AXIS_DATABASE_URL", postgres.database("apart"))
    settings = config.Config(
        config.Installation(str(uuid.UUID(int=1))), config.Store("postgresql"), config.Broker("amqp")
    )
    rows = [row for row in enrol.catalogue() if row["code"] in {"G22", "H41"}]
    enrol.create_home(tmp_path / "home", settings, "p256", Clock().now, rows=rows)
    monkeypatch.setattr(snapshot.shutil, "which", lambda _: None)
    assert "NOT in this backup" in axis("backup", tmp_path / "backup", "--home", tmp_path / "home")
    assert "restore the database" in axis("restore", tmp_path / "backup", "--home", tmp_path / "new")
