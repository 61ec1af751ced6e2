"""``axis doctor`` and ``axis check``: what is wrong with this home, what it means, and what mends it."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import DONE, word
from axis.commands.options import at_home, command
from axis.commands.process import now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.core.doctor import Finding

TROUBLE = 5  # exit code: somebody has to act
MOST = 10_000_000  # bytes of a gathered file
NAGIOS = {"good": 0, "warn": 1, "bad": 2, "unknown": 3}
_ORDER = ("bad", "unknown", "warn", "good")
MARKS = {"good": "✓", "warn": "!", "bad": "✗", "unknown": "?"}


@command("help.doctor", "axis doctor --home axis-home")
@click.option("--all", "everything", is_flag=True, help=word("help.doctor.all"))
@click.option("--gather", type=click.Path(path_type=Path, dir_okay=False), help=word("help.doctor.gather"))
@click.option(
    "--analyse", type=click.Path(path_type=Path, dir_okay=False, exists=True), help=word("help.doctor.analyse")
)
@at_home
def doctor(home: Path, everything: bool, gather: Path | None, analyse: Path | None, as_json: bool) -> None:
    """What is wrong, and what mends it."""
    from axis.core.doctor import Verdict, worst

    gathered = _read(analyse) if analyse is not None else _gather(home)
    if gather is not None:
        with os.fdopen(os.open(gather, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(gathered, file, ensure_ascii=False, indent=1)
        console.data({"file": str(gather)}) if as_json else console.say(word("doctor.gathered", file=gather))
        return
    findings = _examined(gathered)
    if as_json:
        for one in findings:
            console.data(as_object(one, home))
    else:
        _show(findings, home, everything=everything)
    sys.exit(DONE if worst(findings) in {Verdict.GOOD, Verdict.WARN} else TROUBLE)


@command("help.check", "axis check outbox --format nagios")
@click.argument("name", default="")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "nagios", "prometheus"]),
    default="text",
    show_default=True,
    help=word("help.check.format"),
)
@at_home
def check(home: Path, name: str, form: str, as_json: bool) -> None:
    """One check, or all."""
    from axis.core.doctor import CHECKS, worst

    wanted = name.replace("-", "_")
    known = [one.name.replace("_", "-") for one in CHECKS]
    if wanted and name.replace("_", "-") not in known:
        raise click.BadParameter(
            word("check.unknown", name=name, names=", ".join(known)), param_hint=word("metavar.name")
        )
    findings = [one for one in _examined(_gather(home)) if wanted in {"", one.check}]
    verdict = worst(findings).value
    if as_json:
        for one in findings:
            console.data(as_object(one, home))
    elif form == "prometheus":
        console.say("# HELP axis_check_verdict 0 good, 1 warning, 2 bad, 3 unknown.")
        console.say("# TYPE axis_check_verdict gauge")
        for one in findings:
            console.say(f'axis_check_verdict{{check="{one.check}"}} {NAGIOS[one.verdict.value]}')
    else:
        shown = [one for one in findings if one.is_trouble] if form == "nagios" and not wanted else findings
        said = "; ".join(_line(one, home) for one in shown) or word("doctor.good")
        status = {"good": "OK", "warn": "WARNING", "bad": "CRITICAL", "unknown": "UNKNOWN"}[verdict]
        if form == "nagios":
            console.say(f"AXIS {status} - {console.plain(said).replace('|', '/')}")
        else:
            for one in findings:
                console.say(_line(one, home))
    sys.exit(NAGIOS[verdict])


def _gather(home: Path) -> dict[str, Any]:
    from axis.gathering import gather

    return gather(home, now())


def _read(file: Path) -> dict[str, Any]:
    """A gathered file of somebody else's."""
    try:
        if file.stat().st_size > MOST:
            raise ValueError
        found = json.loads(file.read_text("utf-8"))
    except ValueError:
        raise click.BadParameter(word("doctor.not_gathered"), param_hint=str(file)) from None
    return dict(found) if isinstance(found, dict) else {}


def _examined(gathered: dict[str, Any]) -> list[Finding]:
    from axis.core.doctor import examine

    try:
        return examine(gathered)
    except (KeyError, ValueError, TypeError, AttributeError):
        raise click.UsageError(word("doctor.not_gathered")) from None


def found_of(one: Finding) -> str:
    """What was found, or why it could not be found out."""
    if one.verdict.value == "unknown":
        return word("doctor.why", why=one.facts.get("why", ""))
    return word(f"doctor.{one.check}.found", **one.facts)


def _line(one: Finding, _home: Path) -> str:
    """A finding on one line."""
    title = word(f"doctor.{one.check}")
    return f"{title}: {console.plain(found_of(one)) if one.is_trouble else word('doctor.good')}"


def as_object(one: Finding, home: Path) -> dict[str, Any]:
    """A finding with stable keys, and its words."""
    more = {}
    if one.is_trouble:
        more = {
            "found": found_of(one),
            "means": word(f"doctor.{one.check}.means", **one.facts),
            "mend": word(f"doctor.{one.check}.mend", home=home, **one.facts),
        }
    return {
        "check": one.check,
        "verdict": one.verdict.value,
        "title": word(f"doctor.{one.check}"),
        "facts": one.facts,
        **more,
    }


def _show(findings: Sequence[Finding], home: Path, *, everything: bool) -> None:
    """Trouble first, each with what it means and what mends it; what is well is counted."""
    for one in sorted(findings, key=lambda one: _ORDER.index(one.verdict.value)):
        if not one.is_trouble and not everything:
            continue
        console.say(f"{MARKS[one.verdict.value]} {_line(one, home)}")
        if one.is_trouble:
            said = as_object(one, home)
            console.say(f"    {word('doctor.means', said=console.plain(said['means']))}")
            console.say(f"    {word('doctor.mend', said=console.plain(said['mend']))}")
    counts = Counter(one.verdict.value for one in findings)
    console.say(word("doctor.total", **{name: counts[name] for name in MARKS}))
