"""``axis retention``: what has ended or would end, and what an operator holds."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import word
from axis.commands.officer import permitted
from axis.commands.options import at_home, noted, settings
from axis.commands.process import now, open_home
from axis.texts import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.home import Home
    from axis.services.retention import Found


_TEXTS = settings("help.retention", "axis retention --dry-run", changes=True)


@click.group(
    invoke_without_command=True,
    help=_TEXTS["help"],
    short_help=_TEXTS["short_help"],
    epilog=_TEXTS["epilog"],
)
@click.option("--dry-run", is_flag=True, help=word("help.retention.dry"))
@click.option("--reason", default="", help=word("help.reason"))
@at_home
@click.pass_context
def retention(context: click.Context, home: Path, dry_run: bool, reason: str, as_json: bool) -> None:
    """What ends; what would, with --dry-run."""
    if context.invoked_subcommand is not None:
        return
    from axis import bootstrap

    moment = now()
    with noted(context, {"home": home, "dry_run": dry_run}, reason), ExitStack() as stack:
        opened = open_home(home)
        if not dry_run:
            stack.enter_context(permitted(opened, "retention", "axis retention", reason))
        found = stack.enter_context(bootstrap.retaining(opened, only_ask=dry_run))
        those = list(found.preview(moment))
        if not dry_run:
            for _ in found.run(moment, f"{moment:%Y-%m-%dT%H:%M:%S}"):
                pass
    if as_json:
        for one in those:
            row = {"kind": one.kind, "days": one.days, "ends": one.ends, "bytes": one.size, "kept": dict(one.kept)}
            console.data({**row, "dry_run": dry_run})
        return
    _table(those, dry_run=dry_run)


def _table(those: Sequence[Found], *, dry_run: bool) -> None:
    ends = "retention.would" if dry_run else "retention.ended"
    columns = ("column.kind", "retention.days", ends, "retention.bytes", "retention.kept")
    rows = [
        (
            word(f"retention.kind.{one.kind}"),
            str(one.days) if one.days else word("retention.forever"),
            number(one.ends, console.LANG),
            number(one.size, console.LANG),
            ", ".join(word(f"retention.why.{why}", count=n) for why, n in sorted(one.kept.items())),
        )
        for one in those
    ]
    console.table([word(name) for name in columns], rows)
    if not any(one.ends for one in those):
        console.say(word("retention.none"))


@retention.command(
    "hold", **settings("help.retention.hold", 'axis retention hold 1234/VPCP-KSTT --reason "…"', changes=True)
)
@click.argument("reference")
@click.option("--reason", required=True, help=word("help.retention.reason"))
@at_home
def retention_hold(home: Path, reference: str, reason: str, as_json: bool) -> None:
    """Keep a document's bytes."""
    from axis import bootstrap
    from axis.services import retention as ends

    with bootstrap.any_hub(_of_hub(home)) as hub:
        done = ends.hold(hub, reference, reason, now())
    _say(done, "retention.held" if done["kept"] else "retention.gone", as_json=as_json)


@retention.command(
    "release", **settings("help.retention.release", 'axis retention release 12/VP-TH --reason "…"', changes=True)
)
@click.argument("reference")
@click.option("--reason", required=True, help=word("help.retention.reason"))
@at_home
def retention_release(home: Path, reference: str, reason: str, as_json: bool) -> None:
    """Keep them no longer."""
    from axis import bootstrap
    from axis.services import retention as ends

    opened = _of_hub(home)
    about = f"axis retention release {reference}"
    with permitted(opened, "retention", about, reason), bootstrap.any_hub(opened) as hub:
        done = ends.release(hub, reference, reason, now())
    _say(done, "retention.released" if done["held"] else "retention.unheld", as_json=as_json)


def _of_hub(home: Path) -> Home:
    """The home, which is the hub's: what it keeps is what is held."""
    from axis.errors import Fault, Misconfigured, Problem

    opened = open_home(home)
    if opened.config.installation.role != "all":
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, "installation.role", "all", opened.config.installation.role))
    return opened


def _say(done: dict[str, Any], key: str, *, as_json: bool) -> None:
    if as_json:
        console.data(done)
    else:
        console.say(word(key, document_id=console.plain(done["document_id"])))
