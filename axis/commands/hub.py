"""``axis hub``: one worker of a served hub."""

from __future__ import annotations

from pathlib import Path

from axis.commands import console
from axis.commands.options import at_home, command
from axis.commands.process import open_home, stoppable


@command("help.hub", "AXIS_AMQP_URL=amqp://… AXIS_DATABASE_URL=postgresql://… axis hub --home axis-home")
@at_home
def hub(home: Path, as_json: bool) -> None:
    """Served: one hub worker."""
    from axis import bootstrap
    from axis.services import run as loops

    with stoppable() as stopped, bootstrap.served_hub(open_home(home)) as worker:
        console.note("run.started", what="hub")
        loops.rounds(worker, [], stopped=stopped)
    console.note("run.stopped")
