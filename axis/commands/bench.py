"""``axis bench``: what a document costs."""

from __future__ import annotations

import sys
from typing import Any

import click

from axis.commands import console
from axis.commands.console import CORRUPTED, word
from axis.commands.options import command, common

SCENARIOS = ("circular-receipt", "history", "workers", "full", "idle", "flood", "year", "questions", "dossiers", "log")


@command("help.bench", "axis bench --mode served --documents 200 --against 73d2b4f")
@click.option(
    "--mode",
    type=click.Choice(["embedded", "served"]),
    default="embedded",
    show_default=True,
    help=word("help.bench.mode"),
)
@click.option("--size", default="100KB", show_default=True, help=word("help.bench.size"))
@click.option(
    "--recipients", type=click.IntRange(1, 94), default=1, show_default=True, help=word("help.bench.recipients")
)
@click.option(
    "--documents",
    type=click.IntRange(1, 300_000),
    default=100,
    show_default=True,
    help=word("help.demo.documents"),
)
@click.option("--agencies", type=click.IntRange(2, 95), help=word("help.bench.agencies"))
@click.option("--pace", type=click.FloatRange(0), default=0, show_default=True, help=word("help.bench.pace"))
@click.option("--against", default="", metavar="REV", help=word("help.bench.against"))
@click.option("--peer", is_flag=True, help=word("help.bench.peer"))
@click.option("--fill", type=click.IntRange(0), default=0, help=word("help.bench.fill"))
@click.option(
    "--scenario",
    type=click.Choice(SCENARIOS),
    metavar="NAME",
    help=word("help.bench.scenario"),
)
@click.option("--no-counts", is_flag=True, help=word("help.bench.counts"))
@click.option("--broker", default="", metavar="URL", help=word("help.bench.broker"))
@click.option("--database", default="", metavar="URL", help=word("help.bench.database"))
@common
def bench(as_json: bool, scenario: str | None, **options: Any) -> None:
    """What a document costs."""
    from axis.trials import bench as trial
    from axis.trials import bench_report, bench_scenarios

    try:
        asked = trial.read_options(options)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    say = (lambda _key, **_facts: None) if as_json else console.note
    if scenario:
        found = bench_scenarios.perform(asked, scenario, trial.Stage(say))
        console.data(found) if as_json else console.table(("", ""), bench_report.scenario_rows(found))
        return
    with console.bar("", asked.shape.deliveries, quiet=as_json) as advance:
        found = trial.perform(asked, trial.Stage(say, advance))
    if as_json:
        console.data(found)
    else:
        console.table(("", found["mode"], "against")[: 3 if "against" in found else 2], bench_report.rows(found))
    if wrong := trial.wrong(found):
        console.note("bench.bad", **wrong)
        sys.exit(CORRUPTED)
