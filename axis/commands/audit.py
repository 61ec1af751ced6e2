"""``axis audit``: who has done what with this home, when and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import word
from axis.commands.options import MOMENTS, at_home, settings
from axis.commands.process import open_home

if TYPE_CHECKING:
    from datetime import datetime

PAGE, MOST = 50, 1000


@click.group(help=word("help.audit"), short_help=word("help.audit"))
def audit() -> None:
    """See the help text."""


@audit.command("list", **settings("help.audit.list", "axis audit list --agency H41 --since 2026-11-01"))
@click.option("--by", default="", help=word("help.audit.by"))
@click.option("--agency", "code", default="", help=word("help.audit.agency"))
@click.option("--kind", default="", help=word("help.audit.kind"))
@click.option("--since", type=click.DateTime(MOMENTS), help=word("help.audit.since"))
@click.option("--until", type=click.DateTime(MOMENTS), help=word("help.audit.until"))
@click.option("--refused", is_flag=True, help=word("help.audit.refused"))
@click.option("--ledger", "by_ledger", is_flag=True, help=word("help.audit.ledger"))
@click.option("--before", metavar="ID", default="", help=word("help.audit.before"))
@click.option("--limit", type=click.IntRange(1, MOST), default=PAGE, show_default=True, help=word("help.audit.limit"))
@at_home
def audit_list(
    home: Path,
    by: str,
    code: str,
    kind: str,
    since: datetime | None,
    until: datetime | None,
    refused: bool,
    by_ledger: bool,
    before: str,
    limit: int,
    as_json: bool,
) -> None:
    """Acts, the newest first."""
    from axis.core.instant import VIETNAM
    from axis.services.questions import audit as questions

    opened = open_home(home)
    first, last = (moment.replace(tzinfo=VIETNAM) if moment else None for moment in (since, until))
    wanted = questions.Selection(by, code, kind.removeprefix("axis ").strip(), first, last, refused)
    if by_ledger:
        from axis.home import reading

        with reading(opened) as record, record.reading() as reader:
            found = questions.in_ledger(reader, wanted, before, limit)
    else:
        found = questions.find(opened.path, wanted, before, limit)
    if as_json:
        for act in found:
            console.data(act)
        return
    columns = [
        word(name) for name in ("audit.at", "audit.by", "audit.what", "column.agency", "audit.why", "audit.outcome")
    ]
    console.table(columns, [_row(act) for act in found])
    if not found:
        console.say(word("audit.none"))
    elif len(found) == limit:
        console.note("audit.more", id=found[-1]["id"])


def _row(act: dict[str, Any]) -> tuple[str, ...]:
    user, login = str(act.get("user", "")), str(act.get("login", ""))
    outcome = word(f"audit.{act.get('outcome', 'open')}")
    return (
        console.local(act["at"]),
        f"{login} ({user})" if login else user,
        str(act.get("kind", "")),
        ", ".join(act.get("agencies", ())),
        str(act.get("reason", "")),
        f"{outcome}: {act['code']}" if act.get("code") else outcome,
    )
