"""Processes that a measurement looks at: started, found by the port they serve, and what /proc says of them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from axis.errors import Fault, Problem, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
_LISTENING = "0A"  # of a socket in /proc/net/tcp


class Stat(NamedTuple):
    """One line of /proc/PID/stat: whose child it is, its CPU and that of its children that have ended."""

    parent: int
    ticks: int


def parse_stat(text: str) -> Stat:
    """What `text` says; a program's name may hold anything, brackets too."""
    fields = text.rpartition(")")[2].split()
    return Stat(int(fields[1]), sum(int(one) for one in fields[11:15]))


def parse_peak(status: str) -> float:
    """VmHWM of /proc/PID/status in MB; 0 for a process that has ended."""
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def parse_listening(tcp: str, port: int) -> set[str]:
    """The inodes of the sockets that listen on `port`, of the text of /proc/net/tcp or tcp6."""
    found = set()
    for line in tcp.splitlines()[1:]:
        fields = line.split()
        if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
            found.add(fields[9])
    return found


def tree(pid: int) -> list[int]:
    """`pid` and all that descend from it."""
    found, left = [], [pid]
    while left:
        one = left.pop()
        found.append(one)
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            with suppress(OSError):
                left += [int(child) for child in task.read_text().split()]
    return found


def cpu_ms(pids: Iterable[int]) -> float:
    """User and system time of these and all that descend from them, those that have ended included."""
    ticks = 0
    for pid in pids:
        for one in tree(pid):
            with suppress(OSError):
                ticks += parse_stat(Path(f"/proc/{one}/stat").read_text()).ticks
    return ticks * TICK_MS


def running_ms(pid: int, but: int = 0) -> float:
    """CPU of `pid` and those that descend from it now, `but` one, to the nanosecond; not of those that have ended."""
    total = 0
    for one in tree(pid):
        for task in Path(f"/proc/{one}/task").glob("*/schedstat") if one != but else ():
            with suppress(OSError):
                total += int(task.read_text().split()[0])
    return total / 1e6


def ended_ms(pid: int) -> float:
    """CPU of the children of `pid` that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[13:15])) * TICK_MS


def peak_mb(pids: Iterable[int]) -> float:
    """The largest peak of these and of those that descend from them. Not their sum: they share much of it."""
    peaks = [0.0]
    for pid in pids:
        for one in tree(pid):
            with suppress(OSError):
                peaks.append(parse_peak(Path(f"/proc/{one}/status").read_text()))
    return max(peaks)


def listener(port: int) -> int | None:
    """The process of this machine that listens on `port`; None when there is none, or it is hidden from us."""
    inodes = set()
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            inodes |= parse_listening(Path(f"/proc/net/{name}").read_text(), port)
    sockets = {f"socket:[{inode}]" for inode in inodes}
    for folder in Path("/proc").glob("[0-9]*/fd"):
        with suppress(OSError):
            if any(_target(one) in sockets for one in folder.iterdir()):
                return int(folder.parent.name)
    return None


def _target(link: Path) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115  a Path would read "socket:[1]" as a file's name
    except OSError:
        return ""


@dataclass
class Running:
    """A process that was started here, and what it says."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def check(self) -> None:
        """Raises :class:`Unavailable` TRIAL_ENDED with its last words when it has ended."""
        if (code := self.process.poll()) is not None:
            said = self.log.read_text("utf-8", "replace").strip().splitlines()[-3:]
            raise Unavailable(Problem(Fault.TRIAL_ENDED, got=f"{self.name} ({code}): {' / '.join(said)}"))

    def wait_for(self, word: str, patience: float) -> None:
        """Until it has said `word`, or for so many seconds. Raises as :meth:`check` does."""
        end = time.monotonic() + patience
        while time.monotonic() < end and word not in self.log.read_text("utf-8", "replace"):
            self.check()
            time.sleep(0.05)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to who does not heed it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Running:
    """Start `command` in `folder`; what it says goes to a file there."""
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=dict(environment), cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    return Running(name, process, log)


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path, limit: float = 900) -> str:
    """Run `command` to its end; its stdout. Raises :class:`Unavailable` TRIAL_ENDED with its last words."""
    try:
        done = subprocess.run(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(Problem(Fault.TRIAL_ENDED, got=f"{command[0]}: {error}")) from error
    if done.returncode:
        said = " / ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise Unavailable(Problem(Fault.TRIAL_ENDED, got=f"{' '.join(command[-4:])} ({done.returncode}): {said}"))
    return done.stdout


def wait_quiet(seconds: float, running: Sequence[Running]) -> None:
    """Let what is still on its way come to an end."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for one in running:
            one.check()
        time.sleep(0.1)
