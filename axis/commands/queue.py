"""``axis queue …``: what waits for an operator, and what is done about it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from axis.commands import console
from axis.commands.console import DONE, REFUSED, word
from axis.commands.options import MOMENTS, at_home, settings
from axis.commands.process import now, open_home

if TYPE_CHECKING:
    from datetime import datetime


@click.group(help=word("help.queue"), short_help=word("help.queue"))
def queue() -> None:
    """See the help text."""


@queue.command("list", **settings("help.queue.list", "axis queue list"))
@at_home
def queue_list(home: Path, as_json: bool) -> None:
    """What waits for an operator."""
    from axis.home import reading
    from axis.services.questions import dead_ends

    with reading(open_home(home)) as record, record.reading() as reader:
        items = dead_ends.listed(reader)
    if as_json:
        for item in items:
            console.data(item)
        return
    rows = [
        (
            item["id"],
            word(f"queue.{item['what']}"),
            item["sender"],
            item["agency"],
            console.plain(item["document_id"]),
            item["code"],
            str(item["attempts"]),
            console.local(item["since"]),
        )
        for item in items
    ]
    names = ("queue.id", "column.kind", "trace.from", "trace.recipient", "trace.document", "column.code")
    console.table([word(name) for name in (*names, "trace.attempts", "board.since")], rows)
    console.say(word("queue.count", count=len(items)))


@queue.command("show", **settings("help.queue.show", "axis queue show 01a2…"))
@click.argument("identifier")
@at_home
def queue_show(home: Path, identifier: str, as_json: bool) -> None:
    """One of them."""
    from axis.home import reading
    from axis.services.questions import dead_ends

    with reading(open_home(home)) as record, record.reading() as reader:
        item = dead_ends.shown(reader, identifier)
    if as_json:
        console.data(item)
        return
    for key, value in item.items():
        if value != "":
            console.say(f"{key:12} {console.plain(value)}")


@queue.command(
    "retry", **settings("help.queue.retry", 'axis queue retry --code QUARANTINED --reason "…"', changes=True)
)
@click.argument("identifier", default="")
@click.option("--agency", "only", default="", help=word("help.queue.agency"))
@click.option("--code", default="", help=word("help.queue.code"))
@click.option("--since", type=click.DateTime(MOMENTS), help=word("help.queue.since"))
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help=word("help.queue.limit"))
@click.option("--reason", required=True, help=word("help.queue.reason"))
@at_home
def queue_retry(
    home: Path, identifier: str, only: str, code: str, since: datetime | None, limit: int, reason: str, as_json: bool
) -> None:
    """Try one again, or all that a filter names."""
    from axis import bootstrap
    from axis.core.instant import VIETNAM
    from axis.home import reading_registry
    from axis.services.operate import dead_ends
    from axis.services.questions.dead_ends import Selection

    if bool(identifier) == bool(only or code or since):
        raise click.UsageError(word("queue.which"))
    opened = open_home(home)
    if identifier:
        with bootstrap.any_hub(opened) as worker:
            one = dead_ends.retry(worker, identifier, reason, now())
        console.data(one) if as_json else console.say(word("queue.retry", id=one["id"]))
        return
    if only:
        with reading_registry(opened) as registry:
            only = registry.member_for(only).code
    wanted = Selection(only, code, since.replace(tzinfo=VIETNAM) if since else None, limit)
    found = failed = 0
    with bootstrap.any_hub(opened) as worker:
        for done in dead_ends.retry_all(worker, wanted, reason, now()):
            found, failed = found + 1, failed + ("error" in done)
            label = "queue.again" if "error" in done else "queue.retry"
            console.data(done) if as_json else console.say(word(label, id=done["id"], code=done.get("error", "")))
    totals = {"found": found, "done": found - failed, "failed": failed}
    console.data(totals) if as_json else console.say(word("queue.totals", **totals))
    sys.exit(REFUSED if failed else DONE)


def _deadend(name: str, key: str) -> None:
    """A command for one choice about a dead end."""

    @queue.command(name, **settings(key, f'axis queue {name} 01a2… --reason "…"', changes=True))
    @click.argument("identifier")
    @click.option("--reason", required=True, help=word("help.queue.reason"))
    @at_home
    def choose(home: Path, identifier: str, reason: str, as_json: bool) -> None:
        from axis import bootstrap
        from axis.services.operate import dead_ends

        act = {"release": dead_ends.release, "return": dead_ends.give_back, "drop": dead_ends.drop}[name]
        with bootstrap.any_hub(open_home(home)) as worker:
            done = act(worker, identifier, reason, now())
        console.data(done) if as_json else console.say(word(f"queue.{name}", id=done["id"]))


for _name in ("release", "return", "drop"):
    _deadend(_name, f"help.queue.{_name}")
