"""``axis`` in a process whose clock is wrong by as many seconds as a file says, which may change meanwhile.

    python -m tests.failure.shifted FILE COMMAND…

The program asks nothing but ``datetime.now`` for the time of day. What a file system says stays as it is.
"""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Any

FILE = Path(sys.argv[1])
Real = datetime.datetime


class _Kind(type):
    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, Real)  # also what others have made


class Shifted(Real, metaclass=_Kind):
    """See the module."""

    __slots__ = ()

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        """As this process takes it to be."""
        return Real.now(tz) + datetime.timedelta(seconds=int(FILE.read_text()))


if __name__ == "__main__":
    datetime.datetime = Shifted  # type: ignore[misc]
    assert "axis.services.run" not in sys.modules, "or it has the right clock already"
    from axis import cli

    cli.main(sys.argv[2:])
