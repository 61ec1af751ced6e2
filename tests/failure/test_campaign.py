"""The campaign in short, and its crash points: the list is what the code has."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from axis import crashpoints
from tests.failure.campaign import Campaign
from tests.failure.faults import Disk, Record, Workplace, copy_home, put_back
from tests.failure.letters import Ledger, attachments
from tests.failure.plans import Plan
from tests.line import Line, document, small_home

ROOT = Path(__file__).parent.parent.parent


def points_in_code() -> list[str]:
    found = []
    for path in [*(ROOT / "axis").rglob("*.py"), ROOT / "cli.py"]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("crashpoints.reached"):
                found += re.findall(r"\b[A-Z]\d\d\b", ast.unparse(node.args[0]))
    return found


def test_every_crash_point_of_the_list_is_in_the_code_and_no_other() -> None:
    assert sorted({str(point) for point in points_in_code()}) == sorted(crashpoints.MEANING)


def test_an_armed_point_kills_the_process_that_passes_it_for_the_nth_time() -> None:
    script = (
        "from axis.crashpoints import reached\nfor n in range(5): reached('H02'); reached('H03'); print(n, flush=True)"
    )
    environment = {**os.environ, "AXIS_CRASH_AT": "H03:3"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "0\n1\n")


def dies_at(point: str, line: Line, *arguments: str) -> None:
    """``axis`` in a process that kills itself at `point`."""
    command = [sys.executable, "-P", "-m", "axis", *arguments, "--home", str(line.path)]
    environment = {**os.environ, "AXIS_CRASH_AT": point}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_hub_that_dies_after_a_refusal_refuses_again(tmp_path: Path) -> None:
    """The campaign sends good documents only, and rotates no keys: two points are passed here."""
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1, to=("H63",)))
    dies_at("H04", line, "run", "--until-idle")
    line.clock.now = datetime.now(UTC)
    line.run()
    # It depends on the registry: whoever asks again is judged afresh, and told the same.
    assert set(line.events("G22")) == {"A.2"}
    assert line.files("G22", "failed") == ["a.edxml", "a.edxml.error.json"]
    assert line.files("G22", "outbox") == []


def test_a_rotation_that_dies_before_the_key_is_in_its_place_can_be_done_again(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    dies_at("X03", line, "agency", "rotate", "G22")
    line.clock.now = datetime.now(UTC)
    line.drop("G22", document(1))
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}, "the old key is still good"
    command = [sys.executable, "-P", "-m", "axis", "agency", "rotate", "G22", "--home", str(line.path)]
    assert subprocess.run(command, cwd=ROOT, check=False, capture_output=True, timeout=60).returncode == 0
    line.clock.now = datetime.now(UTC)
    line.drop("G22", document(2), "b.edxml")
    line.run()
    assert line.states("2/TN-G22") == {"H41": "HANDED_OVER"}


@pytest.mark.amqp
@pytest.mark.postgres
@pytest.mark.timeout(400)
def test_killed_at_random_and_at_every_kind_of_point_the_line_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.servers import PostgreSql, RabbitMq

    monkeypatch.setenv("AXIS_DATABASE_URL", "")  # the campaign names its own: put back at the end
    plan = Plan(
        20261124, 600, 0, kills=16, broker_kills=1, database_kills=1, network_faults=3, cluster_faults=0, mixed_mails=4
    )
    with PostgreSql() as postgres, RabbitMq() as broker:
        campaign = Campaign("node", plan, tmp_path, broker, postgres)
        assert campaign.run() == {"lost": 0, "doubled": 0, "false_receipts": 0, "stuck": 0}
        assert campaign.dropped == 600
        assert campaign.kills >= 16
        assert (campaign.happened["broker"], campaign.happened["database"]) == (1, 1)
        assert campaign.happened["mixed messages"] > 0


def served(tmp_path: Path) -> tuple[Ledger, dict[str, Path]]:
    folders = {code: tmp_path / code for code in ("G22", "H41")}
    for folder in folders.values():
        for name in ("outbox", "inbox", "receipts", "status", "sent", "failed"):
            (folder / name).mkdir(parents=True)
    ledger = Ledger(folders)
    ledger.drop(1, "G22", ("H41",), b"one")
    return ledger, folders


def test_the_ledger_sees_what_is_lost_doubled_and_strange(tmp_path: Path) -> None:
    ledger, folders = served(tmp_path)
    assert ledger.verdict() == {"lost": 1, "doubled": 0, "false_receipts": 0, "stuck": 0}
    (folders["H41"] / "inbox" / "a.edxml").write_bytes(document(1, content=b"one"))
    ledger.look()
    assert ledger.verdict() == {"lost": 0, "doubled": 0, "false_receipts": 0, "stuck": 1}
    (folders["H41"] / "inbox" / "b.edxml").write_bytes(document(1, content=b"one"))
    ledger.look()
    assert ledger.verdict()["doubled"] == 1
    (folders["H41"] / "inbox" / "c.edxml").write_bytes(document(1, content=b"nobody sent this"))
    ledger.look()
    assert ledger.verdict()["doubled"] == 2, "what nobody sent counts as well"
    assert len(list(attachments(document(1, content=b"one")))) == 1


def test_what_only_a_lost_journal_knew_is_not_called_doubled_unless_the_hub_had_heard_of_it(tmp_path: Path) -> None:
    ledger, folders = served(tmp_path)
    for name in ("a", "b"):
        (folders["H41"] / "inbox" / f"{name}.edxml").write_bytes(document(1, content=b"one"))
    ledger.look()
    (letter,) = ledger.letters
    ledger.unheard["H41", letter] = "a receipt"
    said = "G22 1: arrived 2 times at H41"
    assert (ledger.verdict()["doubled"], said in ledger.findings()) == (0, False)
    assert (ledger.verdict({"a receipt"})["doubled"], said in ledger.findings({"a receipt"})) == (1, True)


def test_what_explains_a_bad_verdict_is_kept_and_nothing_else(tmp_path: Path) -> None:
    dump = tmp_path / "dump"
    dump.write_bytes(b"record")
    with Workplace() as good, Workplace() as bad:
        bad.keep(dump)
    assert not good.folder.exists()
    assert (bad.folder / "record.dump").read_bytes() == b"record"
    shutil.rmtree(bad.folder)


def told(folder: Path, event: str, recipient: str, kind: str = "new", about: str = "G22,2026/11/23,1/TN-G22") -> None:
    """The sender's adapter puts down a receipt."""
    statement = f'<statement code="{event}" recipient="{recipient}"/>'
    path = folder / "receipts" / f"x.{event}.{recipient}.{kind}.asice"
    with zipfile.ZipFile(path, "w") as container:
        container.writestr(
            "receipt.xml", f'<receipt><submission kind="{kind}">{about}</submission>{statement}</receipt>'
        )


ZEROS = {"lost": 0, "doubled": 0, "false_receipts": 0, "stuck": 0}


def test_the_ledger_sees_a_receipt_for_what_is_not_there(tmp_path: Path) -> None:
    ledger, folders = served(tmp_path)
    told(folders["G22"], "E.1", "H41")
    ledger.look()
    assert ledger.verdict()["false_receipts"] == 1
    told(folders["G22"], "A.1", "", about="G22,2026/11/23,2/TN-G22")
    ledger.look()
    assert ledger.verdict()["false_receipts"] == 2, "a receipt about what was never sent"


def test_the_ledger_takes_a_withdrawal_for_the_documents_end_and_sees_when_it_is_not_true(tmp_path: Path) -> None:
    ledger, folders = served(tmp_path)
    ledger.drop(1, "G22", ("H41",), b"recall of one", is_recall=True)
    assert ledger.verdict() == ZEROS | {"lost": 1, "stuck": 1}
    assert ledger.open["G22"] == 2
    told(folders["G22"], "W.1", "H41", "recall")
    ledger.look()
    assert ledger.verdict() == ZEROS
    assert (ledger.done, ledger.open["G22"], ledger.findings()) == (2, 0, [])
    assert ledger.recalled() == {"withdrawn": 1, "asked": 0}
    (folders["H41"] / "inbox" / "a.edxml").write_bytes(document(1, content=b"one"))
    ledger.look()
    assert ledger.verdict() == ZEROS | {"false_receipts": 1}, "shown after it was withdrawn for certain"


def test_what_a_restore_has_put_off_is_put_off_until_it_is_done(tmp_path: Path) -> None:
    """The campaign goes on dropping beside it; each restore would double for good what is on its way."""
    ledger, folders = served(tmp_path)
    for _ in range(2):
        ledger.put_off_what_is_open()
        assert ledger.put_off == {"G22": 1}
    ledger.drop(2, "G22", ("H41",), b"two")
    assert ledger.open["G22"] - ledger.put_off["G22"] == 1
    (folders["H41"] / "inbox" / "a.edxml").write_bytes(document(1, content=b"one"))
    told(folders["G22"], "E.1", "H41")
    ledger.look()
    assert (ledger.open["G22"], ledger.put_off["G22"]) == (1, 0)


@pytest.mark.parametrize("is_known", [True, False])
def test_what_a_system_has_heard_since_the_copy_of_a_home_that_was_put_back_has_to_come_again(
    tmp_path: Path, is_known: bool
) -> None:
    ledger, folders = served(tmp_path)
    (folders["H41"] / "inbox" / "a.edxml").write_bytes(document(1, content=b"one"))
    ledger.is_copied("G22")
    told(folders["G22"], "E.1", "H41")
    digest = hashlib.sha256(next((folders["G22"] / "receipts").iterdir()).read_bytes()).hexdigest()
    ledger.look()
    assert (ledger.done, ledger.open["G22"]) == (1, 0)
    putting = threading.Thread(target=ledger.is_put_back, args=("G22", {digest} if is_known else set()))
    putting.start()
    while putting.is_alive():
        ledger.look()
    assert (ledger.done, ledger.open["G22"]) == ((1, 0) if is_known else (0, 1))
    told(folders["G22"], "E.1", "H41")
    ledger.look()
    assert (ledger.verdict(), ledger.open["G22"]) == (ZEROS, 0)


def test_the_ledger_waits_for_both_where_a_recall_came_too_late(tmp_path: Path) -> None:
    ledger, folders = served(tmp_path)
    ledger.drop(1, "G22", ("H41",), b"recall of one", is_recall=True)
    told(folders["G22"], "W.2", "H41", "recall")
    ledger.look()
    assert ledger.verdict() == ZEROS | {"lost": 1, "stuck": 1}, (
        "the document is still to come, and the clerk to be asked"
    )
    (folders["H41"] / "inbox" / "a.edxml").write_bytes(document(1, content=b"one"))
    (folders["H41"] / "inbox" / "b.edxml").write_bytes(document(1, content=b"recall of one"))
    for kind in ("new", "recall"):
        told(folders["G22"], "E.1", "H41", kind)
    ledger.look()
    assert ledger.verdict() == ZEROS
    told(folders["G22"], "W.1", "H41", "recall")
    ledger.look()
    assert ledger.verdict() == ZEROS | {"false_receipts": 1}, "withdrawn for certain after it was shown"


def test_the_ledger_sends_again_what_a_wrong_clock_has_spoiled_and_nothing_else(tmp_path: Path) -> None:
    ledger, folders = served(tmp_path)
    failed, outbox = folders["G22"] / "failed", folders["G22"] / "outbox"
    for name, code, retry in (("1.edxml", "CLOCK_SKEW", True), ("2.edxml", "SIG_VALUE", False)):
        (failed / name).write_bytes(b"packet")
        (failed / f"{name}.error.json").write_text(json.dumps({"findings": [{"code": code, "retry": retry}]}))
    ledger.look()
    assert ledger.put_again(wrong=["G22"]) == 0
    assert ledger.verdict() == ZEROS | {"lost": 1, "stuck": 2}
    assert ledger.put_again(wrong=["H41"]) == 1
    assert (outbox / "1.edxml").read_bytes() == b"packet"
    assert ledger.verdict() == ZEROS | {"lost": 1, "stuck": 1}
    assert "SIG_VALUE" in ledger.findings()[0]


def test_a_clock_that_is_wrong_is_so_for_the_one_process_and_may_jump(tmp_path: Path) -> None:
    script = (
        "import sys, runpy, pathlib; sys.argv = ['', *sys.argv[1:]]; runpy.run_module('tests.failure.shifted');"
        "import datetime; from tests.failure import shifted; datetime.datetime = shifted.Shifted;"
        "from axis.services import run; now = run.rounds.__kwdefaults__['clock']; before = now();"
        "pathlib.Path(sys.argv[1]).write_text('-7200'); print((now() - before).total_seconds());"
        "print(isinstance(shifted.Real.now(), datetime.datetime))"
    )
    (tmp_path / "clock").write_text("7200")
    command = [sys.executable, "-c", script, str(tmp_path / "clock")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    jump, same = done.stdout.split()
    assert -14400 <= float(jump) < -14300
    assert same == "True", "a time that came from elsewhere is one all the same"


@pytest.mark.postgres
def test_the_troubles_of_a_database_are_real_and_end(tmp_path: Path) -> None:
    from tests.servers import PostgreSql

    with Disk() as disk, PostgreSql("-c fsync=off") as postgres:
        postgres.database("tried")
        record = Record(postgres, "tried", disk)
        with psycopg.connect(postgres.url("tried").replace("+psycopg", ""), autocommit=True) as owner:
            owner.execute("CREATE TABLE ledger (position bigint, filling text)")
        record.prepare(big=())
        with psycopg.connect(record.url().replace("+psycopg", ""), autocommit=True) as worker:

            def write(kilobytes: int = 1) -> None:
                filling = random.Random(kilobytes).randbytes(512 * kilobytes).hex()
                worker.execute("INSERT INTO ledger VALUES (1, %s)", [filling])

            expected = {"read-only": "25006", "denied": "42501", "full": "53100"}
            for kind in record.troubles:
                write()
                with record.trouble(kind, "ledger"):
                    with pytest.raises(psycopg.Error) as refused:
                        for _ in range(100):  # it is told of its settings a moment later; a page may have room
                            write(kilobytes=100)
                            time.sleep(0.01)
                    assert refused.value.sqlstate == expected[kind]
                for left in reversed(range(500)):  # that it is over, it is told a moment later, too
                    try:
                        write()
                        break
                    except psycopg.Error:
                        if not left:
                            raise
                        time.sleep(0.01)
        before = record.position()
        dump = postgres.dump("tried")
        with psycopg.connect(record.url().replace("+psycopg", ""), autocommit=True) as worker:
            worker.execute("INSERT INTO ledger VALUES (7, '')")
            assert record.position() == 7
            postgres.restore("tried", dump)
        assert record.position() == before == 1
        with psycopg.connect(record.url().replace("+psycopg", ""), autocommit=True) as worker:
            worker.execute("INSERT INTO ledger VALUES (2, '')")  # with the rights of before


def test_a_home_is_put_back_without_the_folders_of_the_agencys_own_system(tmp_path: Path) -> None:
    home, copy = tmp_path / "home", tmp_path / "copy"
    (home / "agencies" / "H41" / "inbox").mkdir(parents=True)
    (home / "keys").mkdir()
    (home / "keys" / "H41.key").write_text("key")
    copy.mkdir()
    with closing(sqlite3.connect(home / "axis.db", isolation_level=None)) as journal:
        journal.execute("PRAGMA journal_mode=WAL")
        journal.execute("CREATE TABLE t (n)")
        copy_home(home, copy)
        journal.execute("INSERT INTO t VALUES (1)")
        (home / "agencies" / "H41" / "inbox" / "a.edxml").touch()
        (home / "keys" / "new").touch()
    put_back(home, copy)
    with closing(sqlite3.connect(home / "axis.db")) as journal:
        assert journal.execute("SELECT count(*) FROM t").fetchone() == (0,)
    assert (home / "agencies" / "H41" / "inbox" / "a.edxml").exists()
    assert [path.name for path in (home / "keys").iterdir()] == ["H41.key"]
    with closing(sqlite3.connect(tmp_path / "home-before-copy" / "axis.db")) as before:
        assert before.execute("SELECT count(*) FROM t").fetchone() == (1,), (
            "what it knew is there for who looks for a fault"
        )
