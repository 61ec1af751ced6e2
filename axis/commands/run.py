"""``axis run``: hub and all adapters of an embedded home in this process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from axis.commands import console
from axis.commands.console import DONE, word
from axis.commands.options import at_home, command
from axis.commands.process import note_monitor, note_test_keys, now, open_home, stoppable
from axis.errors import AxisError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.services.agency.adapter import Agency


@command("help.run", "axis run --home axis-home --until-idle", changes=True)
@at_home
@click.option("--until-idle", is_flag=True, help=word("help.run.idle"))
def run(home: Path, until_idle: bool, as_json: bool) -> None:
    """Embedded: hub and all adapters in this process."""
    from axis import bootstrap, fronts
    from axis.core.instant import to_text
    from axis.monitoring import watching
    from axis.services import run as loops
    from axis.services.operate import line
    from axis.services.questions import trace

    opened = open_home(home)
    with (
        stoppable() as stopped,
        bootstrap.embedded_parts(opened, stopped=stopped) as (hub, agencies),
        watching(opened, is_hub=True) as (watch, monitored),
        fronts.front(opened, agencies, watch) as port,
    ):
        if not until_idle:
            console.note("run.started", what=home)
        note_test_keys(opened)
        if port:
            console.note("run.listening", listen=f"{opened.config.server.listen.rpartition(':')[0]}:{port}")
        note_monitor(opened, monitored)
        ends = bootstrap.retention(opened, hub, agencies)

        def beside() -> None:
            watch.beside()
            line.take_asked(opened.path / line.FOLDER, hub.broker, hub.signer, hub.installation, now())

        due = loops.rounds(
            hub,
            agencies,
            stopped=stopped,
            until_idle=until_idle,
            retention=ends,
            pulse=watch.pulse,
            progress=beside,
        )
        counts, suspended = trace.summary(hub.store), trace.kept_back(hub.store, hub.suspended(now()))
    away = troubles(agencies)
    worst = max((error.exit_code for error in away.values()), default=DONE) if until_idle else DONE
    if as_json:
        named = [{"agency": code, **error.problems[0].as_json(console.LANG)} for code, error in away.items()]
        waits = [{"agency": code, "waiting": count} for code, count in suspended.items()]
        console.data({**counts, "next_due": due.isoformat() if due else None, "away": named, "suspended": waits})
        sys.exit(worst)
    console.say(word("run.counts", **counts))
    console.note("run.waiting", time=console.local(to_text(due))) if due else console.note("run.idle")
    for code, count in suspended.items():
        console.note("run.suspended", agency=code, count=count, home=home)
    name_away(away)
    sys.exit(worst)


def troubles(agencies: Sequence[Agency]) -> dict[str, AxisError]:
    """What keeps which agencies, or their own systems, from working now."""
    return {one.code: error for one in agencies if (error := one.trouble or one.away) is not None}


def name_away(away: dict[str, AxisError]) -> None:
    """Say, for people, which agencies cannot work and why."""
    for code, error in away.items():
        console.note(
            "run.away", agency=code, why=f"{error.fault.code}: {console.plain(error.problems[0].text(console.LANG))}"
        )
