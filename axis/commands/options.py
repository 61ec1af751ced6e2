"""What the commands' declarations share: options, help texts, examples."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands.console import word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Viet Nam time, as people write it here, as machines do, and as the axis itself prints it in either language.
MOMENTS = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d", "%d/%m/%Y %H:%M", "%d/%m/%Y"]
DAYS = ["%Y-%m-%d", "%d/%m/%Y"]
MOMENTS += [f"{day} %H:%M:%S{offset}" for day in ("%Y-%m-%d", "%d/%m/%Y") for offset in ("", " +07:00")]
REASON = "reason"
# Options with which a command that changes something only asks.
ONLY_ASKED = ("dry_run", "check", "rehearse", "only_make")
_AGENCIES = ("code", "codes", "only", "sender", "successor")  # parameters that name agencies
_APART = ("home", "as_json", "lang", *_AGENCIES)
HOME, JSON = "axis.home", "axis.json"  # what the error handling has to know of the command that was asked for


class Reading(click.Command):
    """A command that changes nothing, whatever it is asked and whoever works beside it."""


class Changing(click.Command):
    """A command that changes something: it takes ``--reason``, and who has done it, when and why is noted in the home
    before it is done. Refused tries too."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._adds_reason = REASON not in {one.name for one in self.params}
        if self._adds_reason:
            self.params.append(click.Option(["--reason"], default="", help=word("help.reason")))

    def invoke(self, context: click.Context) -> Any:
        """Do it, noted."""
        reason = str(context.params.get(REASON) or "")
        for one in self.params:
            if one.name == REASON and one.required and not reason.strip():
                raise click.MissingParameter(ctx=context, param=one)
        given = {name: value for name, value in context.params.items() if name != REASON}
        if self._adds_reason:
            context.params.pop(REASON, None)
        with noted(context, given, reason):
            return super().invoke(context)


@contextmanager
def noted(context: click.Context, given: dict[str, Any], reason: str) -> Iterator[None]:
    """Within: what this command does with its home is noted, unless it was only asked what it would do."""
    home = given.get("home")
    if home is None or any(given.get(name) for name in ONLY_ASKED):
        yield
        return
    from axis.services.operate.acts import acting

    kind = context.command_path.partition(" ")[2]
    agencies: list[str] = []
    for name in _AGENCIES:
        value = given.get(name) or ()
        agencies += [value] if isinstance(value, str) else list(value)
    shown = {name: value for name, value in given.items() if value not in (None, "", (), False) and name not in _APART}
    with acting(home, kind, agencies, shown, reason):
        yield


def settings(key: str, example: str, *, changes: bool = False) -> dict[str, Any]:
    """Help and an example, for a command's decorator. `changes`: it is no question; its help says which it is."""
    mark = word("mark.changes" if changes else "mark.reads")
    return {
        "cls": Changing if changes else Reading,
        "help": f"{word(key)}\n\n{mark}",
        "short_help": word(key),
        "epilog": f"\b\n{word('example')}:\n  {example}",
    }


def command(
    key: str, example: str, *, changes: bool = False, cls: type[click.Command] | None = None
) -> Callable[[Callable[..., Any]], click.Command]:
    """A command of its own with this help and example; of a class of its own, where one is given."""
    given = settings(key, example, changes=changes)
    made: Callable[[Callable[..., Any]], click.Command] = click.command(**given | ({"cls": cls} if cls else {}))
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
