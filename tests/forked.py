"""A command, above all ``axis``, for who runs it a hundred times: each run is a fork of one process that has the program
loaded, which takes a process of its own half a second. What it reads, says and ends with is its caller's and its own."""

from __future__ import annotations

import marshal
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Not the command line itself: its language is that of the environment in which it is loaded.
LOADED = (
    *("axis.bootstrap", "axis.gathering", "axis.desks", "axis.fronts", "axis.monitoring", "axis.infra.amqp.broker"),
    *("axis.services.run", "axis.services.backup", "click", "rich.console"),
)
CALLER = """#!{python} -IS
import marshal, os, signal, socket, sys
line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
line.connect({address!r})
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda number, _: line.send(bytes([number])))
mask = os.umask(0o077)
socket.send_fds(line, [marshal.dumps((os.getcwd(), mask, sys.argv[1:], dict(os.environ)))], [0, 1, 2])
code = int.from_bytes(line.recv(4), "big", signed=True)
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
"""


class Forked:
    """A folder with one program, for a PATH, that is ``python -m NAME``; `loaded` are the modules that it begins with. A
    context manager."""

    def __init__(self, folder: Path, name: str = "axis", loaded: Sequence[str] = LOADED) -> None:
        self.folder, self.name, self.loaded = folder, name, loaded

    def __enter__(self) -> Forked:
        self.folder.mkdir()
        self._place = TemporaryDirectory(prefix="axis-")  # the name of a socket is short
        address = f"{self._place.name}/socket"
        program = self.folder / self.name
        program.write_text(CALLER.format(python=sys.executable, address=address))
        program.chmod(0o755)
        command = [sys.executable, "-P", __file__, address, self.name, *self.loaded]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"listening\n"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # the end of its input is its end
        self._place.cleanup()


def serve(address: str, name: str, *loaded: str) -> None:
    """Answer each caller by a fork, until the input ends."""
    for one in loaded:
        import_module(one)
    assert "axis.commands.console" not in sys.modules
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(address)
    listening.listen(16)
    print("listening", flush=True)
    attending: list[int] = []
    while listening in select.select([listening, sys.stdin], [], [])[0]:
        caller, _ = listening.accept()
        if (pid := os.fork()) == 0:
            listening.close()
            _attend(caller, name)
        caller.close()
        attending = [one for one in [*attending, pid] if os.waitpid(one, os.WNOHANG) == (0, 0)]
    for pid in attending:
        os.waitpid(pid, 0)


def _attend(caller: socket.socket, name: str) -> None:
    """In a fork: run what the caller asks for in another one, hand on signals, and tell how it has ended."""
    asked, given, _, _ = socket.recv_fds(caller, 2**20, 3)
    if (pid := os.fork()) == 0:
        caller.close()
        _run(name, given, *marshal.loads(asked))
    ended = os.pidfd_open(pid)
    while ended not in select.select([caller, ended], [], [])[0]:
        number = caller.recv(1)
        os.kill(pid, number[0] if number else signal.SIGKILL)
        if not number:
            break
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        caller.send(code.to_bytes(4, "big", signed=True))
    finally:
        os._exit(0)


def _run(
    name: str, given: list[int], folder: str, mask: int, arguments: list[str], environment: dict[str, str]
) -> None:
    """In a fork: what ``python -m NAME`` does."""
    os.chdir(folder)
    os.umask(mask)
    os.environ.clear()
    os.environ.update(environment)
    for number, one in enumerate(given):
        os.dup2(one, number)
        os.close(one)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    sys.argv = [name, *arguments]
    sys.path[:0] = [one for one in environment.get("PYTHONPATH", "").split(os.pathsep) if one]
    runpy.run_module(name, run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    serve(*sys.argv[1:])
