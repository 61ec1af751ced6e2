"""The peer, pyas2lib, measured in the same minutes: installed for the measurement alone, no dependency of the axis."""

from __future__ import annotations

import json
import os
import subprocess
import venv
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from axis.errors import Unavailable
from axis.trials import bench_process

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "pyas2lib==1.4.4"
SCRIPT = Path(__file__).with_name("as2_peer.py")
MESSAGES = 30


class Peer:
    """An environment in which the peer is installed; `trouble` says why it is not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._python = folder / "venv" / "bin" / "python"
        self.trouble = ""
        try:
            venv.create(folder / "venv", with_pip=True)
            install = ["-P", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]
            bench_process.run([str(self._python), *install], os.environ, folder)
        except (Unavailable, OSError, subprocess.SubprocessError) as error:
            self.trouble = str(error)[-300:]

    def measure(self, payload: bytes) -> dict[str, Any] | None:
        """CPU ms for each message, by step; None where it cannot be had."""
        if self.trouble:
            return None
        (self._folder / "payload").write_bytes(payload)
        command = [str(self._python), "-P", str(SCRIPT), str(self._folder / "payload"), str(MESSAGES)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        try:
            found: dict[str, Any] = json.loads(bench_process.run(command, environment, self._folder))
        except (Unavailable, ValueError) as error:
            self.trouble = str(error)[-300:]
            return None
        return found


@contextmanager
def peer() -> Iterator[Peer]:
    """The peer in a folder that is deleted at the end."""
    with TemporaryDirectory(prefix="axis-peer-") as folder:
        yield Peer(Path(folder))
