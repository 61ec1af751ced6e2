"""``axis queue …``: what waits for an operator, why, and what is done about it."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import DONE, REFUSED, word
from axis.commands.options import MOMENTS, at_home, settings
from axis.commands.process import now, open_home
from axis.core import saying

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from axis.core.registry import Registry
    from axis.home import Home
    from axis.services.questions.dead_ends import Selection

KINDS = ("delivery", "message", "dead_letter")
SHORTEST = 8  # characters of an id in a table
ASKED_FIRST = ("return", "drop")  # of many at once


@click.group(help=word("help.queue"), short_help=word("help.queue"))
def queue() -> None:
    """See the help text."""


def filtered(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name several dead ends."""
    for option in (
        click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help=word("help.queue.limit")),
        click.option("--since", type=click.DateTime(MOMENTS), help=word("help.queue.since")),
        click.option("--kind", type=click.Choice(KINDS), help=word("help.queue.kind")),
        click.option("--code", default="", help=word("help.queue.code")),
        click.option("--agency", "only", default="", help=word("help.queue.agency")),
    ):
        command = option(command)
    return command


@queue.command("list", **settings("help.queue.list", "axis queue list --agency H41"))
@filtered
@at_home
def queue_list(
    home: Path, only: str, code: str, kind: str | None, since: datetime | None, limit: int, as_json: bool
) -> None:
    """What waits for an operator."""
    from axis.home import reading
    from axis.services.questions import dead_ends

    opened = open_home(home)
    wanted = _selection(opened, only, code, kind, since, limit)
    letters = [] if kind not in {None, "dead_letter"} else known_letters(opened)
    with reading(opened) as record, record.reading() as reader:
        items = dead_ends.together(dead_ends.found(reader, wanted), letters, wanted)
    if as_json:
        for item in items:
            console.data(item)
        return
    _show_items(items)
    console.say(word("queue.count", count=len(items)))
    for item in {(one["cause"], one["code"]): one for one in items}.values():
        said, next_step = explained(item, many=True)
        console.say(f"\n{item['code']}: {said}\n  → {next_step}")


def _show_items(items: Sequence[dict[str, Any]]) -> None:
    names = _short([str(item["id"]) for item in items])
    rows = [
        (
            names[item["id"]],
            word(f"queue.{item['what']}"),
            f"{item['sender'] or '?'} → {item['agency'] or '?'}" if item["what"] != "message" else item["agency"],
            item["document_id"],
            console.local(item["since"]),
            item["code"],
        )
        for item in items
    ]
    columns = ("queue.id", "column.kind", "queue.way", "trace.document", "board.since", "column.code")
    console.table([word(name) for name in columns], rows)


def _short(ids: Sequence[str]) -> dict[str, str]:
    """Of each id as much as tells it from the others, for a command line."""
    length = SHORTEST
    while len({one[:length] for one in ids}) < len(set(ids)):
        length += 1
    return {one: one[:length] for one in ids}


def explained(item: dict[str, Any], *, many: bool = False) -> tuple[str, str]:
    """See :func:`axis.core.saying.explained`."""
    return saying.explained(item, console.LANG, many=many)


@queue.command("show", **settings("help.queue.show", "axis queue show 01a2…"))
@click.argument("identifier")
@at_home
def queue_show(home: Path, identifier: str, as_json: bool) -> None:
    """One of them."""
    from axis.core.message import DEAD
    from axis.home import reading
    from axis.services.questions import dead_ends

    opened = open_home(home)
    letters = known_letters(opened) if identifier.startswith(DEAD) else []
    with reading(opened) as record, record.reading() as reader:
        item = dead_ends.shown(reader, identifier, letters)
    if as_json:
        console.data(item)
        return
    said, next_step = explained(item)
    console.say(f"{said}\n  → {next_step}\n")
    shown = {**item, "what": word(f"queue.{item['what']}"), "since": console.local(item["since"])}
    for key, value in shown.items():
        if value != "" and key != "cause":
            console.say(f"{word(f'queue.label.{key}')}: {console.plain(value)}")


def _selection(
    home: Home, only: str, code: str, kind: str | None, since: datetime | None, limit: int = 1000
) -> Selection:
    from axis.core.instant import VIETNAM
    from axis.home import reading_registry
    from axis.services.questions.dead_ends import Selection

    if only:
        with reading_registry(home) as registry:
            only = registry.member_for(only).code
    return Selection(only, code, since.replace(tzinfo=VIETNAM) if since else None, limit, kind or "")


def known_letters(home: Home) -> list[dict[str, Any]]:
    """The dead letters; a word on stderr where the broker does not tell."""
    from axis.errors import AxisError
    from axis.home import own_file, reading_registry
    from axis.infra import dead_letters
    from axis.services.questions.dead_ends import MANY, look_at_letters

    def registry() -> Registry:
        with reading_registry(home) as known:
            return known

    try:
        if home.config.broker.kind == "embedded":
            with own_file(home) as database:
                sift = partial(dead_letters.sift_file, database)
                found = look_at_letters(sift, registry, now())
        else:
            from axis import bootstrap

            with bootstrap.hub_link(home, "look") as link:
                found = look_at_letters(link.sift_dead_letters, registry, now())
    except AxisError as error:
        console.note("queue.no_letters", why=error.problems[0].text(console.LANG))
        return []
    if len(found) == MANY:
        console.note("queue.more_letters", count=MANY)
    return found


def _choice(name: str, example: str) -> None:
    """A command for one choice about one dead end, or about all that a filter names."""

    @queue.command(name, **settings(f"help.queue.{name}", f"axis queue {name} {example}", changes=True))
    @click.argument("identifier", default="")
    @filtered
    @click.option("--dry-run", is_flag=True, help=word("help.queue.dry"))
    @click.option("--yes", is_flag=True, help=word("help.queue.yes"))
    @click.option("--reason", required=True, help=word("help.queue.reason"))
    @at_home
    def choose(
        home: Path,
        identifier: str,
        only: str,
        code: str,
        kind: str | None,
        since: datetime | None,
        limit: int,
        dry_run: bool,
        yes: bool,
        reason: str,
        as_json: bool,
    ) -> None:
        from axis import bootstrap
        from axis.services.operate import dead_ends

        is_filtered = bool(only or code or kind or since)
        if bool(identifier) == is_filtered:
            raise click.UsageError(word("queue.which"))
        opened = open_home(home)
        if identifier and not dry_run:
            with bootstrap.any_hub(opened) as worker:
                one = dead_ends.choose(worker, name, identifier, reason, now())
            console.data(one) if as_json else console.say(word(f"queue.{name}", id=one["id"]))
            return
        wanted = _selection(opened, only, code, kind, since, limit)
        if dry_run or (name in ASKED_FIRST and not yes):
            items = _meant(opened, identifier, wanted)
            if as_json and dry_run:
                for item in items:
                    console.data(item)
            elif not as_json:
                _show_items(items)
            if dry_run:
                console.data({"found": len(items)}) if as_json else console.say(word("queue.count", count=len(items)))
                return
            _ask_first(name, len(items), as_json=as_json)
        found = failed = 0
        with bootstrap.any_hub(opened) as worker:
            for done in dead_ends.choose_all(worker, name, wanted, reason, now()):
                found, failed = found + 1, failed + ("error" in done)
                label = "queue.again" if "error" in done else f"queue.{name}"
                console.data(done) if as_json else console.say(word(label, id=done["id"], code=done.get("error", "")))
        totals = {"found": found, "done": found - failed, "failed": failed}
        console.data(totals) if as_json else console.say(word("queue.totals", **totals))
        sys.exit(REFUSED if failed else DONE)


def _meant(home: Home, identifier: str, wanted: Selection) -> list[dict[str, Any]]:
    from axis.home import reading
    from axis.services.questions import dead_ends

    letters = known_letters(home)
    with reading(home) as record, record.reading() as reader:
        if identifier:
            return [dead_ends.shown(reader, identifier, letters)]
        return dead_ends.together(dead_ends.found(reader, wanted), letters, wanted)


def _ask_first(name: str, count: int, *, as_json: bool) -> None:
    """Of many at once nothing is returned or dropped that nobody has looked at."""
    if as_json or not sys.stdin.isatty():
        raise click.UsageError(word("queue.unasked", count=count))
    click.confirm(word(f"queue.sure.{name}", count=count), abort=True, err=True)


_choice("retry", '--code QUARANTINED --reason "…"')
for _name in ("release", "return", "drop"):
    _choice(_name, '01a2… --reason "…"')
