"""Recall against hand-over, at the one place that can know: the recipient's journal. Whatever the order, each document
ends in exactly one of the two signed outcomes, both sides agree, and what was withdrawn for certain is not to be seen.

``RACES=10000`` runs as many of them; a test run takes a few hundred.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from axis import bootstrap
from axis.infra import embedded
from axis.infra.database import Database
from axis.services import run as loops
from axis.services.agency import hand_over as shown
from axis.services.agency import take, withdraw
from tests.line import document, recall, rest, small_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from axis.services.agency.adapter import Agency
    from tests.line import Line

RACES = int(os.environ.get("RACES", "200"))
AT_ONCE = 100
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # nothing here is about what survives a loss of power


def another_adapter(path: Path) -> tuple[Database, Agency]:
    """H41's adapter once more, with connections of its own."""
    home = bootstrap.open_home(path)
    database = Database(f"sqlite:///{path / 'axis.db'}")
    return database, bootstrap.agency_part(home, database, lambda: embedded.EmbeddedBroker(database, "H41"), "H41")


def work(path: Path, what: Callable[[Agency, datetime], int], seed: int, now: datetime, until: float) -> None:
    """One of the two that compete: again and again a few at a time, with pauses at random, until nothing is left."""
    dice = random.Random(seed)
    database, agency = another_adapter(path)
    idle = 0
    while idle < 20 and time.monotonic() < until:
        shown.BATCH_MESSAGES, withdraw.BATCH = dice.randint(1, 4), dice.randint(1, 4)
        idle = idle + 1 if not what(agency, now) else 0
        time.sleep(dice.choice((0, 0.001, 0.004) if what is hand_over else (0.001, 0.004, 0.01)))
    database.close()


def hand_over(agency: Agency, now: datetime) -> int:
    return shown.hand_over(agency, now)


def take_back(agency: Agency, now: datetime) -> int:
    return withdraw.step(agency, now)


@pytest.fixture(autouse=True)
def _batches_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads change them for the whole process: afterwards they are as they were."""
    monkeypatch.setattr(shown, "BATCH_MESSAGES", shown.BATCH_MESSAGES)
    monkeypatch.setattr(withdraw, "BATCH", withdraw.BATCH)


@pytest.fixture(scope="module")
def prepared() -> Iterator[Line]:
    """H41's journal holds documents, and the recall of each; nothing was decided. Races are run on copies."""
    with TemporaryDirectory(prefix="axis-race-", dir=MEMORY) as folder:
        yield prepare(Path(folder) / "home", AT_ONCE)


def prepare(path: Path, count: int) -> Line:
    line = small_home(path, codes=("G22", "H41"))
    for number in range(1, count + 1):
        line.drop("G22", document(number, content=b"%d" % number), f"{number}.edxml")
    line.without("H41")
    for number in range(1, count + 1):
        line.drop("G22", recall(number), f"{number}-recall.edxml")
    line.without("H41")
    with line.parts() as (_, agencies):
        (h41,) = [agency for agency in agencies if agency.code == "H41"]
        while take.take(h41, line.clock()):
            pass
    return line


def in_threads(line: Line, seed: int) -> None:
    until = time.monotonic() + 60
    now = line.clock()
    threads = [
        threading.Thread(target=work, args=(line.path, what, seed + n, now, until))
        for n, what in enumerate((hand_over, take_back))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def in_processes(line: Line, seed: int) -> None:
    fork = multiprocessing.get_context("fork")
    until = time.monotonic() + 60
    now = line.clock()
    processes = [
        fork.Process(target=work, args=(line.path, what, seed + n, now, until))
        for n, what in enumerate((hand_over, take_back))
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0


def check(line: Line, count: int) -> tuple[int, int]:
    """(withdrawn, handed over), after both sides have said what they had to say."""
    with line.parts() as (hub, agencies):
        rest(hub, agencies, line.clock)
        loops.hub_round(hub, line.clock())
    said: dict[str, set[str]] = {}
    for held in line.receipts("G22").values():
        for statement in held.statements:
            if statement.event.code in {"W.1", "W.2", "E.1"} and (held.subject.kind, statement.event.code) != (
                "recall",
                "E.1",
            ):
                said.setdefault(held.subject.document_id, set()).add(statement.event.code)
    visible = {name.partition(".")[0] for name in line.files("H41", "inbox")}
    hidden = [p.name for p in line.folder("H41", "inbox").iterdir() if p.name.startswith(".")]
    assert hidden == [], "what was prepared and withdrawn is cleared away"
    withdrawn = 0
    for number in range(1, count + 1):
        about = line.trace(f"G22,2026/11/23,{number}/TN-G22")
        (delivery,) = about["deliveries"]
        (change,) = about["changes"]
        outcome = (said[about["document"]["document_id"]], delivery["state"], change["units"][0]["stage"])
        assert outcome in (
            ({"W.1"}, "RECALLED", "WITHDRAWN"),
            ({"W.2", "E.1"}, "HANDED_OVER", "OPEN"),
        ), outcome
        assert (about["document"]["axis_id"] in visible) is (delivery["state"] == "HANDED_OVER")
        assert (change["axis_id"] in visible) is (delivery["state"] == "HANDED_OVER"), (
            "the recall is shown with it or not"
        )
        withdrawn += delivery["state"] == "RECALLED"
    line.check_ledger()
    return withdrawn, count - withdrawn


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("race", [in_threads, in_processes], ids=["threads", "processes"])
def test_of_a_recall_and_a_hand_over_exactly_one_comes_first(
    race: Callable[[Line, int], None], prepared: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    totals, rounds, number = [0, 0], max(1, RACES // 2 // AT_ONCE), 0
    while number < rounds or (min(totals) == 0 and number < 5 * rounds):  # who is quicker is the machine's affair
        with TemporaryDirectory(prefix="axis-race-", dir=MEMORY) as folder:
            line = prepared.copy(Path(folder) / "home")
            race(line, seed + number)
            for place, count in enumerate(check(line, AT_ONCE)):
                totals[place] += count
        number += 1
    with capsys.disabled():
        print(f"\nraces in {race.__name__[3:]}, seed {seed}: {totals[0]} withdrawn, {totals[1]} handed over")
    assert min(totals) > 0, "neither always wins"
