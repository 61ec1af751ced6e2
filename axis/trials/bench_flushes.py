"""How often a line makes a disk flush, seen by strace from outside, and what PostgreSQL says that it wrote."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg

from axis.trials import bench_process

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CALLS = ("fsync", "fdatasync", "syncfs", "sync")
_CALL = re.compile(r"^\d+\s+(\w+)\(")
_RESUMED = re.compile(r"^\d+\s+<\.\.\. ")
_ATTACHED = 0.5  # seconds until strace holds every thread


@dataclass
class Watch:
    """strace on the processes of a line, by role."""

    folder: Path
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def begin(self, pids: Mapping[str, list[int]]) -> None:
        """From now on."""
        calls = ",".join((*CALLS, "openat"))
        for name, roots in pids.items():
            them = [option for root in roots for pid in bench_process.tree(root) for option in ("-p", str(pid))]
            command = ["strace", "-f", "-qq", "-e", f"trace={calls}", "-o", str(self.folder / f"{name}.strace"), *them]
            self._running[name] = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(_ATTACHED)

    def end(self) -> dict[str, Counter[str]]:
        """Calls by role and name, since :meth:`begin`."""
        for one in self._running.values():
            one.send_signal(signal.SIGINT)  # lets go of whom it watches
        for one in self._running.values():
            with suppress(subprocess.TimeoutExpired):
                one.wait(20)
        found = {}
        for name in self._running:
            path = self.folder / f"{name}.strace"
            found[name] = parse(path.read_text("utf-8", "replace")) if path.exists() else Counter()
        self._running.clear()
        return found


def is_there() -> bool:
    """Whether strace can be had."""
    return shutil.which("strace") is not None


def parse(text: str) -> Counter[str]:
    """Flushes by call in strace's output; a file opened with O_SYNC or O_DSYNC counts as ``open_sync``."""
    found: Counter[str] = Counter()
    for line in text.splitlines():
        call = _CALL.match(line)
        if call is None or _RESUMED.match(line):
            continue
        if call[1] in CALLS:
            found[call[1]] += 1
        elif "O_SYNC" in line or "O_DSYNC" in line:
            found["open_sync"] += 1
    return found


@dataclass(frozen=True)
class Written:
    """PostgreSQL's own counters at one moment."""

    commits: int
    wal_bytes: int
    wal_syncs: int

    def since(self, before: Written) -> dict[str, int]:
        """What has come to them since `before`."""
        return {
            "commits": self.commits - before.commits,
            "wal_bytes": self.wal_bytes - before.wal_bytes,
            "wal_syncs": self.wal_syncs - before.wal_syncs,
        }


def written(url: str) -> Written:
    """The counters of the database at SQLAlchemy's `url`. A server's processes tell theirs once a second."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        commits = connection.execute(
            "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
        wal = connection.execute("SELECT wal_bytes::bigint, wal_sync FROM pg_stat_wal").fetchone()
    return Written(int(commits[0]) if commits else 0, *(map(int, wal) if wal else (0, 0)))
