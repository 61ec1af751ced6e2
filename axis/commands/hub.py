"""``axis hub``: one worker of a served hub."""

from __future__ import annotations

from pathlib import Path

from axis.commands import console
from axis.commands.options import at_home, command
from axis.commands.process import note_monitor, note_test_keys, open_home, stoppable


@command("help.hub", "AXIS_AMQP_URL=amqp://… AXIS_DATABASE_URL=postgresql://… axis hub --home axis-home", changes=True)
@at_home
def hub(home: Path, as_json: bool) -> None:
    """Served: one hub worker."""
    from axis import bootstrap
    from axis.monitoring import watching
    from axis.services import run as loops

    opened = open_home(home)
    with (
        stoppable() as stopped,
        bootstrap.served_hub(opened, stopped) as worker,
        watching(opened, is_hub=True) as (watch, monitored),
    ):
        console.note("run.started", what="hub")
        note_test_keys(opened)
        note_monitor(opened, monitored)
        ends = bootstrap.retention(opened, worker, [])
        loops.rounds(worker, [], stopped=stopped, retention=ends, pulse=watch.pulse, progress=watch.beside)
    console.note("run.stopped")
