"""``axis send``: check, convert, sign and submit packets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import DONE, REFUSED, UNAVAILABLE, word
from axis.commands.meant import near
from axis.commands.options import MOMENTS, at_home, command
from axis.commands.process import now, open_home, stoppable
from axis.commands.run import name_away, troubles
from axis.core.saying import together

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.home import Home
    from axis.services.send import Letter


@command("help.send", "axis send van-ban.edxml --from G22 --to H41 --to H26", changes=True)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--from", "sender", required=True, help=word("help.send.from"))
@click.option("--to", multiple=True, help=word("help.send.to"))
@click.option("--dry-run", is_flag=True, help=word("help.send.dry"))
@click.option("--wait", type=float, default=60, show_default=True, help=word("help.send.wait"))
@click.option("--at", "deliver_at", type=click.DateTime(MOMENTS), help=word("help.send.at"))
@click.option("--within", type=float, help=word("help.send.within"))
@at_home
def send(
    home: Path,
    files: tuple[Path, ...],
    sender: str,
    to: tuple[str, ...],
    dry_run: bool,
    deliver_at: datetime | None,
    within: float | None,
    wait: float,
    as_json: bool,
) -> None:
    """Check, convert, sign, submit."""
    from axis import bootstrap
    from axis.home import hub_certificate, reading_journal
    from axis.services import send

    opened = open_home(home)
    with reading_journal(opened, sender) as journal:
        letters = [
            send.prepare(
                journal,
                hub_certificate(opened),
                sender,
                file.name,
                file.read_bytes(),
                to,
                now(),
                deliver_at=deliver_at.strftime("%Y/%m/%d %H:%M:%S") if deliver_at else "",
                deliver_within=f"PT{max(1, round(within * 60))}M" if within else "",
            )
            for file in files
        ]
    bad = [letter for letter in letters if letter.problems]
    if dry_run or bad:
        for letter in letters:
            _show_letter(
                letter, None if letter.problems else bootstrap.preflight(opened, sender, letter, now()), as_json
            )
        if not as_json:
            console.suggest(near(home, [problem for letter in bad for problem in letter.problems]))
        codes = (problem.fault.code for letter in bad for problem in letter.problems)
        raise console.Ended(REFUSED if bad else DONE, codes)
    results = hand_in(opened, sender, letters, wait)
    for result in results:
        show_result(result, as_json)
    states = {result["state"] for result in results}
    end = DONE if states == {"accepted"} else UNAVAILABLE if "pending" in states else REFUSED
    raise console.Ended(end, (one["code"] for result in results for one in result["findings"]))


def hand_in(opened: Home, sender: str, letters: Sequence[Letter], wait: float) -> list[dict[str, Any]]:
    """Put checked letters into the outbox, and what became of each. A home that runs takes them from there; one that
    does not is run here until nothing is due."""
    from axis import bootstrap
    from axis.home import is_running, reading_journal
    from axis.services import send

    outbox = opened.path / "agencies" / sender / "outbox"
    for letter in letters:
        send.drop(letter, outbox)
    with reading_journal(opened, sender) as journal:
        if is_running(opened) or opened.config.broker.kind != "embedded":
            send.wait(journal, letters, outbox, wait)
        else:
            from axis.services import run as loops

            with bootstrap.embedded_parts(opened) as (worker, agencies), stoppable() as stopped:
                loops.rounds(worker, agencies, stopped=stopped, until_idle=True)
                name_away(troubles(agencies))
        return send.results(journal, letters)


def _show_letter(letter: Any, found: dict[str, Any] | None, as_json: bool) -> None:
    if as_json:
        problems = [p.as_json(console.LANG) for p in (*letter.problems, *letter.warnings)]
        console.data({"file": letter.name, "to": list(letter.to), "findings": problems, **(found or {})})
        return
    if letter.problems or letter.warnings:
        console.findings([*letter.problems, *letter.warnings])
    if letter.problems:
        console.say(
            word(
                "check.bad",
                file=letter.name,
                errors=len(letter.problems),
                warnings=len(letter.warnings),
            )
        )
    else:
        console.say(word("send.good", file=letter.name, to=", ".join(letter.to)))
    if found is not None:
        _show_preflight(found)


def _show_preflight(found: dict[str, Any]) -> None:
    until = console.local(found["certificate_until"])
    console.say(word("preflight.parcel", size=found["size"], limit=found["limit"], until=until))
    columns = [word(f"preflight.{name}") for name in ("to", "agency", "standing", "due")]
    rows = [
        (
            console.plain(one["to"]),
            f"{one['agency']} {console.plain(one['name'])}",
            word(f"preflight.{one['standing']}"),
            console.local(one["due_at"]) if one["due_at"] else "-",
        )
        for one in found["routes"]
    ]
    console.table(columns, rows)


def show_result(result: dict[str, Any], as_json: bool) -> None:
    """What became of one letter."""
    if as_json:
        console.data(result)
        return
    if result["state"] == "accepted":
        console.say(word("send.accepted", file=result["file"], axis_id=result["axis_id"]))
        if result["repeats"]:
            again = "send.repeats.recall" if result["kind"] == "recall" else "send.repeats"
            console.say(word(again, at=console.local(result["repeats"])))
        return
    if result["state"] == "pending":
        console.say(word("send.pending", file=result["file"]))
        return
    console.say(word("send.refused", file=result["file"]))
    end = "_vi" if console.LANG == "vi" else ""
    found = [(one["code"], one[f"text{end}"], one[f"todo{end}"]) for one in result["findings"]]
    for at, shown in together(found):
        code, _, todo = found[at[0]]
        console.say(f"  {code}: {console.plain(shown)}\n    → {console.plain(todo)}", err=True)
