"""Where a mirror takes the log's files from, a folder or a web server, and where it keeps them."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from axis.errors import Fault, Problem, Unavailable, unusable
from axis.infra import keystore

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT = 60.0  # seconds
MAX_FILE = 32 * 1024 * 1024  # bytes: 256 entries, each of the largest


def source(place: str) -> Callable[[str], bytes]:
    """What gives a file of a log by its relative path; b"" where there is none. Raises :class:`Unavailable`
    LOG_SOURCE, :class:`Misconfigured` FILE_UNUSABLE."""
    if place.startswith(("http://", "https://")):
        return lambda name: _fetched(f"{place.rstrip('/')}/{name}")
    return lambda name: read(Path(place) / name)


def _fetched(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310  http and https alone, see `source`
            data: bytes = answer.read(MAX_FILE + 1)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return b""
        raise Unavailable(Problem(Fault.LOG_SOURCE, url, got=str(error.code))) from None
    except (OSError, ValueError) as error:
        raise Unavailable(Problem(Fault.LOG_SOURCE, url, got=f"{type(error).__name__}: {error}"[:200])) from None
    if len(data) > MAX_FILE:
        raise Unavailable(Problem(Fault.LOG_SOURCE, url, got=f"> {MAX_FILE} bytes"))
    return data


def read(path: Path) -> bytes:
    """The bytes of a file; b"" where there is none. Raises :class:`Misconfigured` FILE_UNUSABLE."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise unusable(path, error) from None


def keep(folder: Path, name: str, data: bytes) -> None:
    """A file of the mirror, whole at any moment. Raises :class:`Misconfigured` FILE_UNUSABLE."""
    path = folder / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        keystore.replace_file(path, data)
    except OSError as error:
        raise unusable(path, error) from None


def drop(folder: Path, name: str) -> None:
    """A file that is not to be believed goes, if it is there."""
    (folder / name).unlink(missing_ok=True)
