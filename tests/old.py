"""The program as it was at an earlier version, run beside the one under test: whoever has it must not be left behind.

Kept as an archive (``git archive 73d2b4f axis adapters schemas config cli.py tests/line.py tests/served.py
tests/servers.py | xz``), since a shallow clone and a source distribution have no history to make it from. Homes are
made by that program itself at test time, so no key is kept here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from axis.trials.bench_revision import unpack

ARCHIVE = Path(__file__).parent / "data" / "axis-73d2b4f.tar.xz"
SCRIPT = Path(__file__).parent / "old_home.py"


def content(number: int) -> bytes:
    """What document `number` of an old home has attached (tests/old_home.py, which only the old program can import)."""
    return b"%%PDF-1.4 noi dung %d" % number


@cache
def program() -> Path:
    """The folder of the old program, unpacked once for a session."""
    folder = Path(mkdtemp(prefix="axis-old-"))
    with tarfile.open(ARCHIVE) as archive:
        unpack(archive, folder)
    said = folder / "axis_exchange-0.1.0.dist-info"  # its installation: where its adapters are, by their names of then
    said.mkdir()
    (said / "METADATA").write_text("Metadata-Version: 2.1\nName: axis-exchange\nVersion: 0.1.0\n")
    kinds = (
        "folder = adapters.folder:FolderAdapter\nspool = adapters.spool:SpoolAdapter\nsftp = adapters.sftp:SftpAdapter"
    )
    (said / "entry_points.txt").write_text(f"[axis.adapters]\n{kinds}\n")
    return folder


def environment(**more: str) -> dict[str, str]:
    """What a process of the old program is started with: its own modules come before those under test."""
    return {**os.environ, "PYTHONPATH": str(program()), **more}


def make(what: str, home: Path, *codes: str, **more: str) -> None:
    """Have the old program make `home` as :mod:`tests.old_home` says."""
    command = [sys.executable, "-P", str(SCRIPT), what, str(home), *codes]
    done = subprocess.run(command, cwd=program(), env=environment(**more), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@cache
def embedded() -> Path:
    """An embedded home with documents in every state there is, made once for a session; to be copied."""
    home = Path(mkdtemp(prefix="axis-old-")) / "home"
    make("embedded", home)
    return home


def start(*arguments: str, log: Path, **more: str) -> subprocess.Popen[bytes]:
    """A process of the old ``axis``; what it says goes to `log`."""
    command = [sys.executable, "-m", "cli", *arguments]
    return subprocess.Popen(command, cwd=program(), env=environment(**more), stderr=log.open("ab"))
