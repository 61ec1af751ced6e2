"""``axis demo``: the whole thing on real packets."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from axis.commands import console
from axis.commands.console import CORRUPTED, word
from axis.commands.options import command, common
from axis.commands.trace import show_trace


@command("help.demo", "axis demo --documents 200", changes=True)
@click.option(
    "--documents",
    type=click.IntRange(3),
    default=200,
    show_default=True,
    help=word("help.demo.documents"),
)
@click.option(
    "--broker",
    type=click.Choice(["embedded", "amqp"]),
    default="embedded",
    show_default=True,
    help=word("help.init.broker"),
)
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help=word("help.demo.keep"))
@common
def demo(documents: int, broker: str, keep: Path | None, as_json: bool) -> None:
    """The whole thing."""
    import tempfile

    from axis.trials import demo

    with tempfile.TemporaryDirectory(prefix="axis-demo-") as temporary:
        folder = keep or Path(temporary)
        shown = demo.Stage(
            bar=lambda key, total: console.bar(word(key), total, quiet=as_json),
            say=(lambda _key, **_facts: None) if as_json else console.note,
        )
        result = demo.perform(folder, documents, broker, shown)
        if as_json:
            console.data(result.summary)
        else:
            console.say(word("demo.trace"))
            show_trace(result.trace)
            console.say()
            console.say(word("demo.summary") + ":")
            for key, entry in result.summary.items():
                console.say(f"  {word(f'demo.{key}'):14} {entry}")
            if keep:
                console.note("demo.kept", home=folder)
        lost, duplicates = result.summary["lost"], result.summary["duplicates"]
        if lost or duplicates or result.summary["handed_over"] != result.summary["deliveries"]:
            console.note("demo.bad", lost=lost, duplicates=duplicates)
            sys.exit(CORRUPTED)
