"""``axis conformance``: an adapter tried by every check of the contract."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from axis.commands import console
from axis.commands.console import DONE, REFUSED, word
from axis.commands.options import at_home, command
from axis.commands.process import now, open_home


@command("help.conformance", "axis conformance folder --from G22 --out report.asice")
@click.argument("driver")
@click.option("--from", "signer", default="", help=word("help.conformance.from"))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help=word("help.conformance.out"))
@at_home
def conformance(home: Path, driver: str, signer: str, out: Path | None, as_json: bool) -> None:
    """Every check of the adapter contract."""
    from adapters import conformance as kit
    from axis import bootstrap
    from axis.core.conformance import Report

    if (out is None) is not (not signer):
        raise click.UsageError("--from, --out")
    made, found = kit.load(driver), []
    for outcome in kit.run(made):
        found.append((outcome.name, outcome.why))
        if as_json:
            console.data({"check": outcome.name, "passed": not outcome.why, "why": outcome.why})
        else:
            console.say(word("conformance.no" if outcome.why else "conformance.yes", name=outcome.name))
            if outcome.why:
                console.say(f"    {console.plain(outcome.why)}")
    report = Report(driver, kit.VERSION, now(), tuple(found))
    if out is not None:
        out.write_bytes(bootstrap.sign_report(open_home(home), signer, report, now()))
    passed = sum(not why for _, why in found)
    if not as_json:
        console.say(word("conformance.total", passed=passed, all=len(found)))
    sys.exit(DONE if report.passed else REFUSED)
