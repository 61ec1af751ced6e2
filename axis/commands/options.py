"""What the commands' declarations share: options, help texts, examples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands.console import word

if TYPE_CHECKING:
    from collections.abc import Callable

MOMENTS = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]  # Viet Nam time
HOME, JSON = "axis.home", "axis.json"  # what the error handling has to know of the command that was asked for


def settings(key: str, example: str) -> dict[str, Any]:
    """Help and an example, for a command's decorator."""
    return {"help": word(key), "short_help": word(key), "epilog": f"\b\n{word('example')}:\n  {example}"}


def command(key: str, example: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command of its own with this help and example."""
    made: Callable[[Callable[..., Any]], click.Command] = click.command(**settings(key, example))
    return made


def language(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--lang``; it was read when the process began (:func:`axis.texts.language`)."""
    return click.option("--lang", type=click.Choice(["vi", "en"]), expose_value=False, help=word("help.lang"))(command)


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--json`` and ``--lang``."""
    return click.option("--json", "as_json", is_flag=True, callback=_note_json, help=word("help.json"))(
        language(command)
    )


def at_home(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--home``, and what every command has."""
    return common(
        click.option(
            "--home",
            type=click.Path(path_type=Path, file_okay=False),
            envvar="AXIS_HOME",
            default=Path("axis-home"),
            show_default=True,
            callback=_note_home,
            help=word("help.home"),
        )(command)
    )


def _note_home(context: click.Context, _parameter: click.Parameter, value: Path) -> Path:
    context.find_root().meta[HOME] = value
    return value


def _note_json(context: click.Context, _parameter: click.Parameter, value: bool) -> bool:
    # The outermost group has taken it out, wherever it stood (axis/commands/group.py).
    meta = context.find_root().meta
    meta[JSON] = value or bool(meta.get(JSON))
    return bool(meta[JSON])
