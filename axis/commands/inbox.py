"""``axis inbox``: what has come to an agency, the newest first; one of it as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from axis.commands import console
from axis.commands.console import word
from axis.commands.options import at_home, command
from axis.commands.process import now, open_home

if TYPE_CHECKING:
    from axis.core.readable import Readable
    from axis.home import Home


@command("help.inbox", "axis inbox 12/CT-TTg --as H41 -o van-ban-den")
@click.argument("reference", required=False)
@click.option("--as", "code", default="", help=word("help.inbox.as"))
@click.option("-o", "folder", type=click.Path(path_type=Path, file_okay=False), help=word("help.inbox.output"))
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help=word("help.list.limit"))
@click.option("--after", default="", help=word("help.list.after"))
@at_home
def inbox(
    home: Path, reference: str | None, code: str, folder: Path | None, limit: int, after: str, as_json: bool
) -> None:
    """What has come."""
    if (reference is None) != (folder is None):
        raise click.UsageError(word("inbox.both"))
    opened = open_home(home)
    code = _whose(opened, code)
    if reference is not None and folder is not None:
        _put_out(_copy(opened, code, reference, as_json=as_json), folder, as_json=as_json)
        return
    from axis.home import reading_journal
    from axis.services.questions.inbox import page

    with reading_journal(opened, code) as journal:
        rows, following = page(journal, now(), after, limit)
    if as_json:
        for row in rows:
            console.data(row)
        console.data({"page": {"shown": len(rows), "next": following or None}})
        return
    names = ("inbox.came", "find.from", "find.number", "find.subject", "inbox.files", "trace.state")
    shown = [
        (
            console.local(row["came"])[:16],
            row["sender"],
            row["code"],
            row["subject"] if row["kind"] == "new" else f"[{console.label('kind', row['kind'])}] {row['subject']}",
            str(row["files"]) if row["files"] is not None else "-",
            word(f"cause.own.{row['asked'] or row['state']}"),
        )
        for row in rows
    ]
    if shown:
        console.table([word(name) for name in names], shown, {4})
    console.say(word("list.shown", count=len(rows)) if rows else word("inbox.none", code=code))
    if following:
        console.note("list.next", after=following)


def _whose(home: Home, given: str) -> str:
    from axis.home import reading_registry

    if not given:
        codes = home.codes()
        if len(codes) != 1:
            raise click.UsageError(word("inbox.as_whom", codes=console.several(codes)))
        return codes[0]
    with reading_registry(home) as registry:
        return registry.member_for(given).code


def _copy(home: Home, code: str, reference: str, *, as_json: bool) -> Readable:
    from axis.commands.finding import show_candidates
    from axis.home import reading_journal, reading_registry
    from axis.services.questions import own_trace
    from axis.services.questions.inbox import copy
    from axis.services.questions.trace import NotTheOne

    with reading_registry(home) as registry, reading_journal(home, code) as journal:
        try:
            row = own_trace.received({code: journal}, reference)
        except NotTheOne as error:
            if error.candidates:
                show_candidates(error, as_json=as_json)
            raise
        return copy(journal, row["axis_id"], {one.code: one.name_vi for one in registry.agencies})


def _put_out(copy: Readable, folder: Path, *, as_json: bool) -> None:
    """Its files into this folder; what lies there already stays."""
    from axis.services.write import put_out

    names = put_out(copy, folder)
    if as_json:
        console.data({"axis_id": copy.identifier, "folder": str(folder), "files": names})
        return
    for name in names:
        console.say(folder / name)
