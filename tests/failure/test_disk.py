"""A disk that runs full in the middle of work, on a small file system in memory: clear words, nothing half done, and
everything arrives when there is room again."""

from __future__ import annotations

import hashlib
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from axis.errors import AxisError
from tests.failure.test_crash_sweep import no_false_receipt
from tests.line import document, small_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.line import Line


@contextmanager
def small_disk(megabytes: float) -> Iterator[tuple[Path, Callable[[float], None]]]:
    """A file system of this size, and how to make it larger."""
    with TemporaryDirectory(prefix="axis-disk-") as folder:
        size = f"size={int(megabytes * 1024)}k"
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], capture_output=True, check=False)
        if made.returncode:
            pytest.skip(f"no file system can be mounted here: {made.stderr.decode().strip()}")

        def grow(to: float) -> None:
            subprocess.run(["mount", "-o", f"remount,size={int(to * 1024)}k", folder], check=True)

        try:
            yield Path(folder), grow
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def fill(line: Line, count: int, size: int) -> list[bytes]:
    """Drop up to `count` documents; the contents of those that a clerk could put down."""
    put = []
    for number in range(1, count + 1):
        content = os.urandom(size)
        try:
            line.drop("G22", document(number, content=content), f"{number}.edxml")
        except OSError:
            (line.folder("G22", "outbox") / f".{number}.edxml").unlink(missing_ok=True)
            break
        put.append(content)
    return put


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
@pytest.mark.parametrize("free", [0.3, 2.0], ids=lambda free: f"{free} MB left for the work")
def test_a_full_disk_is_said_and_loses_and_doubles_nothing(free: float) -> None:
    with small_disk(32) as (disk, grow):
        line = small_home(disk / "home")
        put = fill(line, 12, 150_000)
        used = sum(path.stat().st_blocks * 512 for path in disk.rglob("*") if path.is_file()) / 2**20
        grow(used + free)
        with pytest.raises(AxisError) as stopped:
            line.run()
        assert stopped.value.fault.code in {"STORE_DOWN", "ADAPTER_AWAY", "CONFIG_INVALID"}
        no_false_receipt(line, {})
        grow(64)
        line.run()
        no_false_receipt(line, {})
        assert sorted(line.attachments("H41")) == sorted(hashlib.sha256(content).hexdigest() for content in put)
        assert line.files("G22", "outbox") == []
        assert line.files("G22", "failed") == []
        assert line.check_ledger() > 0
