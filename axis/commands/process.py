"""What a command has of its process: the clock, the log, the signals that ask it to stop."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from axis.home import Home

SERVICE = "axis.service"  # the command being run is one that somebody keeps the log of


def now() -> datetime:
    """This moment, in UTC."""
    from datetime import UTC, datetime

    return datetime.now(UTC)


def open_home(path: Path) -> Home:
    """The home at `path`; from here on its log is written to stderr."""
    from axis import home

    opened = home.open_home(path)
    _start_log(opened)
    return opened


def note_test_keys(home: Home) -> None:
    """Say on stderr for how many of a home's agencies the centre has made the keys: what they sign proves nothing
    against it. Nothing where each has its own."""
    from axis.commands import console
    from axis.core.lineage import made_at_the_centre
    from axis.home import reading_registry

    with reading_registry(home) as registry:
        found = made_at_the_centre(registry, now())
    if home.config.installation.role == "agency":
        found = [code for code in found if code in home.codes()]
    if found:
        console.note("keys.test", count=len(found))


def note_monitor(home: Home, port: int) -> None:
    """Say where this process tells of itself, if it does."""
    if port:
        from axis.commands import console

        console.note("run.monitored", listen=f"{home.config.monitor.listen.rpartition(':')[0]}:{port}")


def _start_log(home: Home) -> None:
    import logging

    from axis.infra.logs import formatter

    handler = logging.StreamHandler()
    handler.setFormatter(formatter(home.config.log.format))
    root = logging.getLogger("axis")
    root.handlers[:] = [handler]
    root.setLevel(home.config.log.level.upper())
    root.propagate = False
    # It prints a trace at every lost connection; the broker says the same in one line.
    logging.getLogger("pika").setLevel(logging.CRITICAL)


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Within: SIGTERM and SIGINT ask to stop; what is in hand is finished. Garbage is looked for often enough for what
    goes on for long, which must not grow."""
    import gc
    import signal

    gc.set_threshold(50_000, 20, 20)
    click.get_current_context().find_root().meta[SERVICE] = True
    asked: list[int] = []
    before = {s: signal.signal(s, lambda number, _frame: asked.append(number)) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
