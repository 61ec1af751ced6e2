"""The campaign in short, and its crash points: the list is what the code has."""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from axis import crashpoints
from tests.failure.campaign import Campaign, Ledger, Plan, _attachments
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
    command = [sys.executable, "-m", "cli", *arguments, "--home", str(line.path)]
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
    command = [sys.executable, "-m", "cli", "agency", "rotate", "G22", "--home", str(line.path)]
    assert subprocess.run(command, cwd=ROOT, check=False, capture_output=True, timeout=60).returncode == 0
    line.clock.now = datetime.now(UTC)
    line.drop("G22", document(2), "b.edxml")
    line.run()
    assert line.states("2/TN-G22") == {"H41": "HANDED_OVER"}


@pytest.mark.amqp
@pytest.mark.postgres
@pytest.mark.timeout(400)
def test_killed_at_random_and_at_every_kind_of_point_the_line_loses_and_doubles_nothing(tmp_path: Path) -> None:
    from tests.servers import PostgreSql, RabbitMq

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
    assert len(list(_attachments(document(1, content=b"one")))) == 1


def test_the_ledger_sees_a_receipt_for_what_is_not_there(tmp_path: Path) -> None:
    import zipfile

    ledger, folders = served(tmp_path)
    said = '<receipt><submission>G22,2026/11/23,1/TN-G22</submission><statement recipient="H41"/></receipt>'
    with zipfile.ZipFile(folders["G22"] / "receipts" / "x.E.1.H41.asice", "w") as container:
        container.writestr("receipt.xml", said)
    ledger.look()
    assert ledger.verdict()["false_receipts"] == 1
