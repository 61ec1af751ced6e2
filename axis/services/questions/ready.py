"""Whether what a process needs can be reached now: each answer is "" for yes, or what is wrong."""

from __future__ import annotations

import os
import shutil
import socket
from typing import TYPE_CHECKING

from axis.core.doctor import FULL
from axis.errors import AxisError, Fault, Problem, Unavailable
from axis.infra.record import health
from axis.infra.record.store import HubReader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from axis.infra.database import Database
    from axis.services.pulse import Pulse

CONNECT = 2.0  # seconds
OF_THE_BROKER = frozenset(
    {Fault.BROKER_DOWN, Fault.BROKER_CONFIG, Fault.BROKER_FULL, Fault.BROKER_NO_QUEUE, Fault.BROKER_OTHER_QUEUE}
)


def said(error: AxisError) -> str:
    """An error in one line."""
    return f"{error.fault.code}: {error.problems[0].text()}"


def loop(pulse: Pulse) -> str:
    """The loop has come round at least once, and does so still."""
    if not pulse.turns:
        return f"no round for {pulse.silence():.0f} s"
    return "" if pulse.rounds else "starting"


def disk(path: Path) -> str:
    """The disk that a home is on can be written, and has room."""
    if os.statvfs(path).f_flag & os.ST_RDONLY or not os.access(path, os.W_OK):
        return f"{path.name}: read-only"
    free = shutil.disk_usage(path).free
    return f"{free // 2**20} MiB free" if free < FULL else ""


def database(of: Database) -> str:
    """The database answers, and takes changes."""
    try:
        with of.read() as connection:
            return "" if health.is_writable(HubReader(connection)) else "takes no changes (a standby?)"
    except AxisError as error:
        return said(error)


def broker(servers: Sequence[tuple[str, int]], pulse: Pulse) -> str:
    """One of the broker's servers takes connections, and the hub or at least one of the agencies works with it."""
    wrong = [part.error for part in pulse.parts if part.error is not None and part.error.fault in OF_THE_BROKER]
    if wrong and len(wrong) == len(pulse.parts):
        return said(wrong[0])
    last = ""
    for host, port in servers:
        try:
            socket.create_connection((host, port), CONNECT).close()
        except OSError as error:
            last = said(Unavailable(Problem(Fault.BROKER_DOWN, got=f"{host}:{port}: {error.strerror or error}")))
        else:
            return ""
    return last
