"""``axis resend``: publish deliveries once more."""

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


@command("help.resend", "axis resend --agency H41 --since 2026-11-20 --dry-run", changes=True)
@click.argument("reference", default="")
@click.option("--agency", "only", default="", help=word("help.resend.agency"))
@click.option("--since", type=click.DateTime(MOMENTS), help=word("help.resend.since"))
@click.option("--until", type=click.DateTime(MOMENTS), help=word("help.resend.until"))
@click.option("--answered", is_flag=True, help=word("help.resend.answered"))
@click.option("--dry-run", is_flag=True, help=word("help.resend.dry"))
@at_home
def resend(
    home: Path,
    reference: str,
    only: str,
    since: datetime | None,
    until: datetime | None,
    answered: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Publish once more."""
    from axis import bootstrap
    from axis.core.instant import VIETNAM
    from axis.home import reading, reading_registry
    from axis.services.operate import resend as sending
    from axis.services.questions.why import of_deliveries

    if not (reference or only or since or until):
        raise click.UsageError(word("resend.which"))
    opened = open_home(home)
    first, last = (moment.replace(tzinfo=VIETNAM) if moment else None for moment in (since, until))
    with reading_registry(opened) as registry:
        code = registry.member_for(only).code if only else ""
    wanted = sending.Selection(reference, code, first, last, answered)
    sent = 0
    with reading(opened) as record, record.reading() as reader:
        rows = sending.find(reader, wanted)
        causes = {
            name: one.cause.value
            for first_row in range(0, len(rows), sending.BATCH)
            for name, one in of_deliveries(
                reader, lambda: registry, rows[first_row : first_row + sending.BATCH], now()
            ).items()
        }
    if not dry_run:
        with bootstrap.any_hub(opened) as worker:
            sent = sending.send(worker, rows, now())
    if as_json:
        for row in rows:
            about = {"recipient": row["recipient"], "document_id": row["document_id"], "cause": causes[row["id"]]}
            console.data({"delivery": row["id"], **about})
        console.data({"found": len(rows), "resent": sent})
        return
    columns = [word(name) for name in ("column.code", "trace.document", "resend.why", "trace.updated")]
    states = [(r["recipient"], console.plain(r["document_id"]), word(f"cause.{causes[r['id']]}")) for r in rows]
    console.table(
        columns, [(*state, console.local(row["updated_at"])) for state, row in zip(states, rows, strict=True)]
    )
    console.say(word("resend.dry" if dry_run else "resend.done", found=len(rows), sent=sent))
