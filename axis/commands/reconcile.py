"""``axis reconcile``: record, broker and receipts brought together."""

from __future__ import annotations

from pathlib import Path

import click

from axis.commands import console
from axis.commands.console import word
from axis.commands.options import at_home, command
from axis.commands.process import now, open_home


@command("help.reconcile", "axis reconcile --older-than 60", changes=True)
@click.option(
    "--older-than", type=click.FloatRange(0), default=10, show_default=True, help=word("help.reconcile.older")
)
@click.option("--agency", "only", default="", help=word("help.reconcile.agency"))
@click.option("--restored", is_flag=True, help=word("help.reconcile.restored"))
@at_home
def reconcile(home: Path, older_than: float, only: str, restored: bool, as_json: bool) -> None:
    """Record, broker, receipts."""
    from dataclasses import asdict
    from datetime import timedelta

    from axis import bootstrap
    from axis.core import instant
    from axis.services.operate import reconcile as repair

    opened = open_home(home)
    with (
        bootstrap.any_hub(opened, restored=restored) as worker,
        console.bar(word("reconcile.running"), 1, quiet=as_json) as advance,
    ):
        gap = bootstrap.accept_restored(opened, worker, now()) if restored else None
        if only:
            only = worker.registry().member_for(only).code
        step = lambda done, every: advance(done / every)  # noqa: E731
        accounts = repair.reconcile(worker, now(), timedelta(minutes=older_than), only, step)
    if as_json:
        for one in accounts:
            console.data(asdict(one))
        if gap:
            restored_from = {"record_ends": gap.record_ends, "written": gap.written, "since": gap.since.isoformat()}
            console.data({"restored": restored_from})
        return
    if gap:
        since = console.local(instant.to_text(gap.since))
        console.note("reconcile.gap", end=gap.record_ends, written=gap.written, since=since)
    if accounts:
        columns = [word(f"column.{name}") for name in ("code", "waiting", "queued", "unanswered", "resent")]
        gone = word("reconcile.gone")
        rows = [
            (
                one.code,
                str(one.waiting),
                gone if one.queued < 0 else str(one.queued),
                str(one.unanswered),
                str(one.resent),
            )
            for one in accounts
        ]
        console.table(columns, rows)
    total = {name: sum(getattr(one, name) for one in accounts) for name in ("unanswered", "resent")}
    console.say(word("reconcile.done", **total))
