"""The pieces of the measurement that read what others have written: /proc, strace, names, counts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from axis.errors import Fault, Misconfigured, Unavailable
from axis.trials import (
    bench_counts,
    bench_docs,
    bench_flushes,
    bench_measure,
    bench_peer,
    bench_plan,
    bench_process,
    bench_revision,
)

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_a_programs_name_may_hold_brackets_and_blanks() -> None:
    fields = ["S", "42", *["0"] * 9, "7", "5", "3", "2", "20", "0"]
    found = bench_process.parse_stat(f"4711 (a) name (of) 7 8) {' '.join(fields)}")
    assert found == bench_process.Stat(parent=42, ticks=7 + 5 + 3 + 2)


def test_the_cpu_of_children_that_have_ended_counts() -> None:
    burn = "import os\nif os.fork() == 0:\n  sum(range(40_000_000)); os._exit(0)\nos.wait(); print('done', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        whole = bench_process.cpu_ms([process.pid])
        own = bench_process.running_ms(process.pid)
        process.communicate(b"\n")
    assert whole > own + 50  # the sum of forty million numbers takes longer than that anywhere
    assert bench_process.cpu_ms([process.pid]) == 0


def test_children_that_live_belong_to_the_tree() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 60 & echo ready; wait"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = bench_process.tree(process.pid)
        assert len(found) == 2
        assert bench_process.peak_mb([process.pid]) > 0
        for pid in reversed(found):
            os.kill(pid, 9)


def test_the_peak_is_read_and_a_dead_process_has_none() -> None:
    assert bench_process.parse_peak("Name:\tx\nVmHWM:\t   20480 kB\nVmRSS:\t 1024 kB\n") == 20
    assert bench_process.parse_peak("Name:\tx\nState:\tZ (zombie)\n") == 0


def test_who_listens_on_a_port_is_found() -> None:
    text = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   103        0 4321 1 0 100\n"
        "   1: 0100007F:1538 0100007F:9999 01 00000000:00000000 00:00000000 00000000   103        0 4322 1 0 100\n"
    )
    assert bench_process.parse_listening(text, 0x1538) == {"4321"}
    assert bench_process.parse_listening(text, 5433) == set()
    command = (
        "import socket,sys; s=socket.create_server(('127.0.0.1',0)); print(s.getsockname()[1],flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert bench_process.listener(int(process.stdout.readline())) == process.pid
        process.communicate(b"\n")


def test_flushes_are_counted_once_though_a_call_is_interrupted() -> None:
    text = (
        "100 fsync(5)                          = 0\n"
        "101 fdatasync(7 <unfinished ...>\n"
        "100 syncfs(9)                         = 0\n"
        "101 <... fdatasync resumed>)          = 0\n"
        '100 openat(AT_FDCWD, "a", O_WRONLY|O_CREAT, 0666) = 3\n'
        '100 openat(AT_FDCWD, "b", O_WRONLY|O_DSYNC) = 4\n'
        "100 --- SIGTERM {si_signo=SIGTERM} ---\n"
        "100 +++ exited with 0 +++\n"
    )
    assert bench_flushes.parse(text) == Counter({"fsync": 1, "fdatasync": 1, "syncfs": 1, "open_sync": 1})


@pytest.mark.skipif(not bench_flushes.is_there(), reason="no strace")
def test_strace_sees_the_flushes_of_a_process_that_runs(tmp_path: Path) -> None:
    script = "import os\ninput()\nf=open('x','w')\nfor _ in range(3): os.fsync(f.fileno())\nprint('done',flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        watch = bench_flushes.Watch(tmp_path)
        watch.begin({"it": [process.pid]})
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"done\n"
        assert watch.end() == {"it": Counter({"fsync": 3})}
        process.communicate(b"\n")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("01a2-7e5b.A.1.asice", bench_measure.Shown("01a2-7e5b", "A.1", 0)),
        ("01a2-7e5b.E.1.H41.1234abcd.asice", bench_measure.Shown("01a2-7e5b", "E.1", 1)),
        ("01a2-7e5b.E.1.H29.10.1234abcd.asice", bench_measure.Shown("01a2-7e5b", "E.1", 1)),
        ("01a2-7e5b.D.1.H41+4.1234abcd.asice", bench_measure.Shown("01a2-7e5b", "D.1", 5)),
        ("01a2-7e5b.01.H41.edxml", None),
    ],
)
def test_a_receipts_name_tells_what_it_says(name: str, found: bench_measure.Shown | None) -> None:
    assert bench_measure.parse_receipt(name) == found


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [bench_measure.percentile(values, share) for share in (0.5, 0.95, 0.99)] == [50, 95, 99]
    assert bench_measure.percentile([7.0], 0.99) == 7
    assert bench_measure.percentile([], 0.5) == 0


def test_a_size_is_read_as_people_write_it() -> None:
    assert [bench_plan.read_size(text) for text in ("5KB", "100kb", "5MB", "2000")] == [5000, 100_000, 5_000_000, 2000]
    for wrong in ("much", "0", "65MB", "-5KB"):
        with pytest.raises(ValueError):
            bench_plan.read_size(wrong)


def test_letters_go_round_and_none_is_urgent() -> None:
    shape = bench_plan.Shape("embedded", 5000, 2, 30, 5)
    letters = bench_plan.letters(shape)
    assert len({letter.number for letter in letters}) == 30
    assert not [letter for letter in letters if letter.number % 10 == 0]  # the demo makes those urgent
    assert all(letter.sender not in letter.recipients and len(set(letter.recipients)) == 2 for letter in letters)
    assert {letter.sender for letter in letters} == set(bench_plan.agencies(shape))
    later = bench_plan.letters(shape, run=1)
    assert not {letter.document_id for letter in letters} & {letter.document_id for letter in later}
    served = bench_plan.Shape("served", 5000, 1, 3, 2)
    assert {letter.sender for letter in bench_plan.letters(served)} == {"G22"}


def test_counts_can_be_read_while_the_counted_process_runs(tmp_path: Path) -> None:
    script = (
        "import importlib, sys; from pathlib import Path\n"
        "from axis.trials import bench_counts\n"
        "names = bench_counts.Counts(Path(sys.argv[1])).install()\n"
        "assert names == set(bench_counts.NAMES), names\n"
        "from axis.core import xml\n"
        "import sqlalchemy as sa\n"
        "engine = sa.create_engine('sqlite://')\n"
        "with engine.begin() as c: c.execute(sa.text('SELECT 1')); c.execute(sa.text('SELECT 2'))\n"
        "xml.parse(b'<a/>')\n"
        "print('done', flush=True); input()\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "it.counts")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        found = bench_counts.read(tmp_path)
        process.kill()
    assert (found["sql"], found["commits"], found["parses"], found["signatures"]) == (2, 1, 1, 0)
    assert bench_counts.read(tmp_path) == found  # it was killed, and what it had counted stays


def test_what_is_started_says_its_last_words(tmp_path: Path) -> None:
    running = bench_process.start("it", ["sh", "-c", "echo no bread >&2; exit 3"], os.environ, tmp_path)
    running.process.wait(10)
    with pytest.raises(Unavailable, match="no bread"):
        running.check()
    slow = bench_process.start("slow", ["sh", "-c", "echo hub works; exec sleep 60"], os.environ, tmp_path)
    begun = time.monotonic()
    slow.wait_for("hub", 30)
    assert time.monotonic() - begun < 30
    slow.stop()
    assert slow.process.returncode == -15


def test_a_peer_that_cannot_be_installed_is_said_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "no-folder").touch()
    peer = bench_peer.Peer(tmp_path / "no-folder")
    assert "no-folder" in peer.trouble
    assert peer.measure(b"<a/>") is None


def test_a_revision_that_nobody_has_is_said() -> None:
    with pytest.raises(Misconfigured) as caught, bench_revision.revision("no-such-revision"):
        pass
    assert caught.value.fault is Fault.TRIAL_REVISION


def test_the_page_of_figures_is_what_the_saved_results_say() -> None:
    results = bench_docs.read(DOCS / "benchmarks.jsonl")
    assert results
    assert (DOCS / "benchmarks.md").read_text("utf-8") == bench_docs.page(results)
    assert (DOCS / bench_docs.PLOT).read_text("utf-8") == bench_docs.plot(results)
    assert all((one["lost"], one["doubled"]) == (0, 0) for one in results)
