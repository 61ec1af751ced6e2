"""``axis reconcile``: record, broker and receipts brought together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from axis.commands import console
from axis.commands.console import word
from axis.commands.options import MOMENTS, at_home, command
from axis.commands.process import now, open_home

if TYPE_CHECKING:
    from datetime import datetime


@command("help.reconcile", "axis reconcile --older-than 60", changes=True)
@click.option(
    "--older-than", type=click.FloatRange(0), default=10, show_default=True, help=word("help.reconcile.older")
)
@click.option("--agency", "only", default="", help=word("help.reconcile.agency"))
@click.option("--receipts-since", type=click.DateTime(MOMENTS), help=word("help.reconcile.receipts"))
@click.option("--restored", is_flag=True, help=word("help.reconcile.restored"))
@at_home
def reconcile(
    home: Path, older_than: float, only: str, receipts_since: datetime | None, restored: bool, as_json: bool
) -> None:
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
        since = receipts_since.replace(tzinfo=instant.VIETNAM) if receipts_since is not None else None
        accounts = repair.reconcile(worker, now(), timedelta(minutes=older_than), only, step, since)
    if as_json:
        for one in accounts:
            console.data(asdict(one))
        if gap:
            restored_from = {"record_ends": gap.record_ends, "written": gap.written, "since": gap.since.isoformat()}
            console.data({"restored": restored_from})
        return
    if gap:
        begins = console.local(instant.to_text(gap.since))
        console.note("reconcile.gap", end=gap.record_ends, written=gap.written, since=begins)
    if accounts:
        columns = [word(f"column.{name}") for name in ("code", "waiting", "queued", "unanswered", "resent", "receipts")]
        gone = word("reconcile.gone")
        rows = [
            (
                one.code,
                str(one.waiting),
                gone if one.queued < 0 else str(one.queued),
                str(one.unanswered),
                str(one.resent),
                str(one.receipts),
            )
            for one in accounts
        ]
        console.table(columns, rows)
    total = {name: sum(getattr(one, name) for one in accounts) for name in ("unanswered", "resent", "receipts")}
    console.say(word("reconcile.done", **total))
    if total["receipts"]:
        console.say(word("reconcile.receipts", count=total["receipts"]))
