"""What changes of many agencies at once look like: who changes, from when on, whose mail is on its way."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from axis.commands import console
from axis.commands.console import word
from axis.core.instant import to_text

if TYPE_CHECKING:
    from datetime import datetime


def warn_of_past(at: datetime, current: datetime) -> None:
    """What was given in a moment that is over was given all the same: who reads of it should know."""
    if current - at > timedelta(minutes=1):
        console.note("agency.past", at=console.local(to_text(at)))


def show_applied(
    version: int, before: int, counts: Any, at: str, flying: list[dict[str, Any]], *, rehearse: bool
) -> None:
    """What becomes of the registry, and whose mail is on its way."""
    if flying:
        console.say(word("apply.flying"))
        names = ("column.code", "apply.successor", "apply.fresh", "apply.tried")
        lines = [(one["recipient"], one["successor"] or "-", str(one["fresh"]), str(one["tried"])) for one in flying]
        console.table([word(name) for name in names], lines, {2, 3})
    made = ", ".join(f"{word(f'apply.{change}')} {count}" for change, count in sorted(counts.items()))
    if version == before:
        console.say(word("apply.same"))
    else:
        key = "apply.rehearsed" if rehearse else "apply.done"
        console.say(word(key, version=version, at=console.local(at), made=made))
