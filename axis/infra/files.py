"""Files that are there whole or not at all, and whose names outlive a loss of power."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """`content` is at `path`, whole at any moment, whatever was there; on disk for good when this returns."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    rename(beside, path)


def rename(beside: Path, path: Path) -> None:
    """What was flushed beside `path` takes its place, for good: without the folder's flush the name may be the old one
    again after a loss of power."""
    beside.replace(path)
    flush_folder(path.parent)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Who else asks for it waits until this is over. The folder itself is locked: a file for it might be another
    user's."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """What the folder's files are called is on disk for good."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
