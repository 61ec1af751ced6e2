"""What a shell offers when a command line is completed: agency codes of the home's registry, numbers of documents in
its record. A home that is not there offers nothing; a completion never fails."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from collections.abc import Callable

    from axis.home import Home

    Offer = Callable[[Home, str], list[CompletionItem]]

MOST = 50


def equip_all(command: click.Command) -> None:
    """Give the parameters of `command`, and of those within it, that name agencies and documents what they offer."""
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        equip_all(inner)
    for parameter in command.params:
        if (offer := _OFFERS.get(str(parameter.name))) is not None:
            vars(parameter)["shell_complete"] = _completer(offer)


def _completer(offer: Offer) -> Callable[[click.Context, str], list[CompletionItem]]:
    def complete(context: click.Context, incomplete: str) -> list[CompletionItem]:
        from axis import home

        place = context.params.get("home") or os.environ.get("AXIS_HOME") or "axis-home"
        with suppress(Exception):  # a shell has no use for what is wrong
            return offer(home.open_home(Path(place)), incomplete)
        return []

    return complete


def _agencies(home: Home, incomplete: str) -> list[CompletionItem]:
    from axis.commands.console import LANG
    from axis.home import reading_registry

    with reading_registry(home) as registry:
        named = [(m.code, m.name_vi if LANG == "vi" else m.name_en or m.name_vi) for m in registry.agencies]
    return [CompletionItem(code, help=name) for code, name in named if code.startswith(incomplete.upper())]


def _documents(home: Home, incomplete: str) -> list[CompletionItem]:
    from axis.home import reading
    from axis.infra.record import find

    with reading(home) as record, record.reading() as reader:
        return [CompletionItem(code, help=subject) for code, subject in find.beginning(reader, incomplete, MOST)]


_OFFERS: dict[str, Offer] = {
    **dict.fromkeys(("code", "codes", "only", "sender", "successor", "to"), _agencies),
    "reference": _documents,
}
