"""``axis`` for tests that type many commands: a process that has its modules already makes a child for each, with the
caller's arguments, folder, environment and files. What is imported is paid for once, not seventy times.

``python -I -S preloaded.py SOCKET COMMAND…`` is the caller, ``python -m tests.preloaded SOCKET`` the process.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys

LONGEST = 1 << 20  # bytes of a request
MODULES = (
    "uvicorn",
    "sqlalchemy.dialects.sqlite",
    "axis.adapters.api",
    "axis.adapters.folder",
    "axis.adapters.spool",
    "axis.bootstrap",
    "axis.services.backup",
    "axis.services.run",
)


def call(path: str, words: list[str]) -> int:
    """Have a command run, and pass on whatever asks this process to stop; its exit code."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        line.connect(path)
        request = json.dumps({"words": words, "folder": os.getcwd(), "environment": dict(os.environ)})
        socket.send_fds(line, [request.encode()], [0, 1, 2])
        child = int(line.recv(100))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda asked, _frame: os.kill(child, asked))
        return int(line.recv(100) or b"70")


def serve(path: str) -> None:
    """Wait for callers until it is killed."""
    from importlib import import_module

    from axis import cli

    for name in (*MODULES, *(file.partition(":")[0] for file in cli.FILES.values())):
        import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(path)
        door.listen(8)
        while True:
            line, _ = door.accept()
            if os.fork() == 0:
                door.close()
                _run(line, cli.main)
            line.close()


def _run(line: socket.socket, main: object) -> None:
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        data, files, _, _ = socket.recv_fds(line, LONGEST, 3)
        request = json.loads(data)
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv = ["axis", *request["words"]]
        line.send(str(os.getpid()).encode())
        main(prog_name="axis")  # type: ignore[operator]
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        line.send(str(code).encode())
        os._exit(code)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve(sys.argv[1])
    else:
        sys.exit(call(sys.argv[1], sys.argv[2:]))
