"""``axis board``: who has a document, who waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from axis.commands import console
from axis.commands.console import word
from axis.commands.options import at_home, command
from axis.commands.process import now, open_home


@command("help.board", "axis board 12/CT-TTg")
@click.argument("reference")
@at_home
def board(home: Path, reference: str, as_json: bool) -> None:
    """Who has it, who waits."""
    from axis.home import reading, reading_registry
    from axis.services.questions import board as boards

    opened = open_home(home)
    with reading_registry(opened) as registry, reading(opened) as record:
        value = boards.board(record, registry, reference, now())
    if as_json:
        console.data(value)
        return
    about = value["document"]
    console.say(f"{console.plain(about['code'])} · {console.plain(about['subject'])}")
    rows = [
        (
            one["recipient"],
            console.plain(one["name"]),
            _standing(one),
            console.local(one["since"]),
            one["receipt"],
            " ".join(sorted({code for code in one["statuses"].values() if code})),
            ", ".join(word(f"leg.{leg.partition(' ')[0]}") for leg in one["overdue"]),
            console.local(one["next_deadline"]),
        )
        for one in sorted(value["recipients"], key=_trouble_first)
    ]
    names = ("column.code", "column.name", "trace.state", "board.since", "board.receipt", "trace.status")
    console.table([word(name) for name in (*names, "board.overdue", "board.deadline")], rows)
    totals = value["totals"]
    parts = [f"{word(f'standing.{key}')}: {n}" for key, n in totals.items() if key not in {"recipients", "overdue"}]
    console.say(f"{word('board.recipients')}: {totals['recipients']} ({' · '.join(parts)})")
    if totals["overdue"]:  # counts beside the standings, not among them
        console.say(f"{word('board.overdue')}: {totals['overdue']}")
    if value["certificate"]:
        console.say(word("board.certificate", digest=value["certificate"]))


def _standing(one: dict[str, Any]) -> str:
    """How it stands, and what its clerk has not answered."""
    said = word(f"standing.{one['standing']}")
    asked = ", ".join(word(f"demand.{demand}") for demand in one["asked"])
    return f"{said}; {word('board.asked', what=asked)}" if asked else said


_TROUBLE = ("failed", "refused", "suspended", "waiting", "late", "handed_over", "recalled")


def _trouble_first(one: dict[str, Any]) -> tuple[bool, int, str]:
    return not one["overdue"], _TROUBLE.index(one["standing"]), one["recipient"]
