"""What a document costs, counted where time cannot be trusted: statements, commits, flushes, parses, verifications,
signatures. Each figure is for one document (a status, a recall …) on its whole way through an embedded home, with all
receipts and with the rounds in which nobody has anything to do, of every agency of the home.

The ceilings are what the code reached when they were last touched, rounded up: work that makes it cheaper lowers them.
"""

from __future__ import annotations

import math
import os
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.engine import Engine

from axis import cli, config, counting
from axis.adapters import disk
from axis.adapters.spool.selection import Selection
from axis.adapters.spool.store import open_spool
from axis.core import parcel, xml
from axis.errors import Rejected
from axis.services import run, sweep
from axis.services.operate import provision
from tests import pki
from tests.line import document, recall, rest, small_home, status, update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AGENCIES = tuple(sorted(row["code"] for row in provision.catalogue() if "." not in row["code"]))
CODES = ("G22", "H41", *[code for code in AGENCIES if code not in {"G22", "H41"}][:19])
SENDER, TO = CODES[0], CODES[1:]
MANY = 50  # documents in the larger batches; fewer of those that have more recipients

# Statements and commits of both databases; flushes are those that Python asks for (SQLite's own are beside them).
CEILINGS = """
what                 batch  statements  commits  flushes  parses  verifications  signatures
new, 5 KB to 1           1         180       20        8       3              3           3
new, 5 KB to 1          50         3.6      0.4      0.2       3              3           3
recall                   1         235       25       13       3              4           4
recall                  50          32      1.8      0.4       3              4           4
status                   1         180       20        8       3              3           3
status                  50         3.9      0.4      0.2       3              3           3
update                   1         225       25       13       3              3           3
update                  50          28      1.6      0.3       3              3           3
new, 5 KB to 5           1         205       20        8       3              8           8
new, 5 KB to 5           5          43        4      1.6       3              8           8
new, 5 KB to 20          1         275       20        8       3             23          23
new, 5 KB to 20          2         140       10        4       3             23          23
"""


def _ceilings() -> dict[tuple[str, int], dict[str, float]]:
    head, *lines = [line.split("  ") for line in CEILINGS.strip().splitlines()]
    names = [cell.strip() for cell in head if cell.strip()]
    found = {}
    for line in lines:
        what, batch, *figures = [cell.strip() for cell in line if cell.strip()]
        found[what, int(batch)] = dict(zip(names[2:], map(float, figures), strict=True))
    return found


class Flow:
    """Everything that is counted, since the start of the process's counting."""

    def __init__(self) -> None:
        self.statements = self.commits = self.flushes = 0

    def now(self) -> dict[str, int]:
        return {
            "statements": self.statements,
            "commits": self.commits,
            "flushes": self.flushes,
            **{name: counting.snapshot()[name] for name in ("parses", "verifications", "signatures")},
        }


@contextmanager
def counted() -> Iterator[Flow]:
    """Count SQL by SQLAlchemy's events and flushes where Python asks for them, while this lasts; on any file system as
    on one of this machine, of which one call flushes all."""
    flow = Flow()

    def statement(*_: object) -> None:
        flow.statements += 1

    def commit(*_: object) -> None:
        flow.commits += 1

    def flushing(flush: Callable[[int], None]) -> Callable[[int], None]:
        def counted_flush(descriptor: int) -> None:
            flow.flushes += 1
            flush(descriptor)

        return counted_flush

    with pytest.MonkeyPatch.context() as patch:
        for name in ("fsync", "fdatasync"):
            patch.setattr(os, name, flushing(getattr(os, name)))
        patch.setattr(disk, "_syncfs", flushing(disk._syncfs))
        patch.setattr(disk, "is_local", lambda _: True)
        patch.setattr(disk, "_kernel", lambda: (5, 8))
        patch.setattr(sweep, "SECONDS", 1000.0)  # however slow the machine is
        patch.setattr(run, "SOON", 1000.0)
        sa.event.listen(Engine, "before_cursor_execute", statement)
        sa.event.listen(Engine, "commit", commit)
        try:
            yield flow
        finally:
            sa.event.remove(Engine, "before_cursor_execute", statement)
            sa.event.remove(Engine, "commit", commit)


def _wide(batch: int, recipients: int) -> int:
    return max(1, batch // (recipients + 5))


def costs(folder: Path, batch: int) -> dict[tuple[str, int], dict[str, float]]:
    """What each document of a batch costs, by what it is and how many there were. Of a batch of one, the home has
    nothing else to do; the first batch finds it warm."""
    steps: list[tuple[str, list[tuple[str, bytes]]]] = [("warming up", [(SENDER, document(1000))])]
    numbers = range(1, batch + 1)
    steps.append(("new, 5 KB to 1", [(SENDER, document(n, content=os.urandom(5_000))) for n in numbers]))
    steps.append(("status", [(TO[0], status("03", n)) for n in numbers]))
    steps.append(("update", [(SENDER, update(n)) for n in numbers]))
    steps.append(("recall", [(SENDER, recall(n)) for n in numbers]))
    for recipients in (5, 20):
        some = range(100 * recipients, 100 * recipients + _wide(batch, recipients))
        packets = [(SENDER, document(n, to=TO[:recipients], content=os.urandom(5_000))) for n in some]
        steps.append((f"new, 5 KB to {recipients}", packets))
    found = {}
    line = small_home(folder, CODES)
    with counted() as flow, line.parts() as (hub, agencies):
        for name, packets in steps:
            before = flow.now()
            for place, (code, data) in enumerate(packets):
                line.drop(code, data, f"{name}-{place}.edxml")
            rest(hub, agencies, line.clock, timedelta(minutes=1))
            found[name, len(packets)] = {
                kind: (count - before[kind]) / len(packets) for kind, count in flow.now().items()
            }
    assert not [code for code in CODES if line.files(code, "failed")]
    assert len(line.files(TO[0], "inbox", "*.edxml")) == 1 + 3 * batch + _wide(batch, 5) + _wide(batch, 20)
    return found


def _rounded_up(value: float) -> float:
    return math.ceil(value - 1e-6) if value > 10 else math.ceil(value * 10 - 1e-6) / 10


def shown(rows: dict[tuple[str, int], dict[str, float]]) -> str:
    """These figures, rounded up, as they stand above."""
    head, *_ = CEILINGS.strip().splitlines()
    lines = [head]
    for (what, batch), figures in rows.items():
        cells = "".join(f"  {_rounded_up(value):>{len(name)}g}" for name, value in figures.items())
        lines.append(f"{what:<20} {batch:>5}{cells}")
    return "\n".join(lines)


@pytest.mark.timeout(400)  # a full batch takes a minute where others use the disk too
@pytest.mark.parametrize("batch", [1, MANY])
def test_a_document_costs_no_more_than_it_did(tmp_path: Path, batch: int) -> None:
    found = costs(tmp_path / "home", batch)
    del found["warming up", 1]
    ceilings = _ceilings()
    assert found.keys() <= ceilings.keys()
    over = {(key, name) for key, row in found.items() for name, value in row.items() if value > ceilings[key][name]}
    assert not over, f"{sorted(over)}\n{shown(found)}"


def test_what_is_published_once_more_is_read_together(tmp_path: Path) -> None:
    def again(number: int) -> int:
        line = small_home(tmp_path / str(number), ("G22", "H41"))
        with counted() as flow, line.parts() as (_, agencies):
            for one in range(number):
                line.drop("G22", document(one), f"{one}.edxml")
            sent = [sweep.Sweep(agencies, line.clock.now).done["G22"]]
            line.clock.now += timedelta(hours=1)  # nobody has answered
            before = flow.statements
            sent.append(sweep.Sweep(agencies, line.clock.now).done["G22"])
            assert sent == [2 * number, number]
            return flow.statements - before

    assert again(40) <= again(4) + 2  # those of one more round of the loop, not of 36 more documents


def test_what_systems_say_of_their_mail_is_recorded_together(tmp_path: Path) -> None:
    def heard(number: int) -> int:
        line = small_home(tmp_path / str(number), ("G22", "H41"))
        line.configure(adapter=config.Adapter(settle_seconds=0.0, agencies={"H41": {"kind": "spool"}}))
        with counted() as flow, line.parts() as (hub, agencies):
            for one in range(number):
                line.drop("G22", document(one), f"{one}.edxml")
            rest(hub, agencies, line.clock)
            spool = open_spool(line.folder("H41", "spool"))
            mail = spool.received(Selection())
            for row in mail:
                spool.acknowledge(row["id"], "done")
            before = flow.statements
            done = sweep.Sweep(agencies, line.clock.now).done["H41"]
            assert len(mail) == done // 2 == number  # each is heard, and its receipt published
            return flow.statements - before

    assert heard(24) == heard(4)


def test_a_process_that_begins_asks_once_for_all_of_its_agencies(tmp_path: Path) -> None:
    """What the journals have, which registry they follow, what was being shown: not a question for each agency."""
    statements = {}
    for count in (2, len(CODES)):
        line = small_home(tmp_path / str(count), CODES[:count])
        with counted() as flow:
            line.run()
            statements[count] = flow.now()["statements"]
    assert statements[2] == statements[len(CODES)]


def test_a_new_registry_costs_each_agency_no_more_statements_than_it_did(tmp_path: Path) -> None:
    statements = {}
    for count in (2, len(CODES)):
        line = small_home(tmp_path / str(count), CODES[:count])
        line.run()
        done = CliRunner().invoke(cli.main, ["agency", "suspend", CODES[1], "--home", str(line.path)])
        assert done.exit_code == 0, done.output
        with counted() as flow:
            line.run()
            statements[count] = flow.now()["statements"]
    assert (statements[len(CODES)] - statements[2]) / (len(CODES) - 2) <= 15


def test_what_is_counted_is_counted(tmp_path: Path) -> None:
    with counted() as flow, (tmp_path / "file").open("wb") as file:
        before = flow.now()
        engine = sa.create_engine("sqlite://")
        with engine.begin() as connection:
            connection.execute(sa.text("select 1"))
            connection.execute(sa.text("select 2"))
        os.fsync(file.fileno())
        os.fdatasync(file.fileno())
        data = parcel.build(parcel.DOCUMENT, b"x", (), pki.signer("G22"), pki.NOW)
        parcel.verify(data, pki.registry(), pki.NOW)
        with pytest.raises(Rejected):
            parcel.verify(data[:-1], pki.registry(), pki.NOW)
        xml.parse(b"<a/>")
        found = {name: count - before[name] for name, count in flow.now().items()}
    assert found == {"statements": 2, "commits": 1, "flushes": 2, "parses": 1, "verifications": 2, "signatures": 1}
    assert os.fsync.__module__ == "posix"
