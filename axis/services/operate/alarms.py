"""A line in the log when a certificate of this home, or at the centre of an agency, has come nearer its end: 60, 30, 7
and 1 days before, and when it has ended. Each once, also over restarts and of several workers."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core import alarms
from axis.core.instant import from_text, to_text
from axis.infra import files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

log = logging.getLogger("axis.certificates")
FILE = "certificates.looked"  # in the home: when somebody looked last
EVERY = timedelta(hours=1)
GRAVE = 1  # days


class Alarms:
    """See the module. `ends` tells when which certificate ends."""

    def __init__(self, home: Path, ends: Callable[[], Mapping[str, datetime]]) -> None:
        self._file = home / FILE
        self._ends = ends
        self._at: datetime | None = None

    def turn(self, now: datetime) -> None:
        """Look, if it is time to. What cannot be found out now is looked at the next time."""
        if self._at is not None and timedelta() <= now - self._at < EVERY:
            return
        self._at = now
        try:
            ends = self._ends()
            with files.alone(self._file.parent):
                before = self._looked()
                for one in alarms.crossed(ends, before, now):
                    level = logging.ERROR if one.days <= GRAVE else logging.WARNING
                    what = "has ended" if one.days == alarms.OVER else f"ends within {one.days} days"
                    log.log(level, "the certificate of %s %s: %s", one.name, what, to_text(one.end))
                if before is None or now > before:
                    files.replace(self._file, f"{to_text(now)}\n".encode("ascii"))
        except Exception as error:  # noqa: BLE001  an alarm that cannot be given keeps no document back
            log.warning("certificates could not be looked at: %s: %s", type(error).__name__, error)

    def _looked(self) -> datetime | None:
        try:
            return from_text(self._file.read_text("ascii").strip())
        except (FileNotFoundError, ValueError):
            return None
