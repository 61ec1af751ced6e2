"""The outermost group: a command's file is imported when the command is asked for, and its errors are shown."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from axis import extras
from axis.commands import click_words, console
from axis.commands.console import DONE, LANG, UNEXPECTED, word
from axis.commands.options import HOME, JSON
from axis.commands.process import SERVICE
from axis.errors import AxisError, Fault, rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

click_words.install(LANG)
MANY = 500_000  # objects beyond those that went again, from which on garbage is looked for: a short command has fewer


class Axis(click.Group):
    """A group whose commands stand in files of their own, each named after it, and may raise the axis' errors: they are
    shown with code and who acts, never a trace."""

    def __init__(self, *arguments: Any, files: Mapping[str, str], **more: Any) -> None:
        """`files`: the module of each command by the command's name, which is the function's name, too, unless another
        stands after a colon."""
        super().__init__(*arguments, **more)
        self.files = files

    def list_commands(self, context: click.Context) -> list[str]:
        """The names of all commands, in order."""
        return sorted(self.files)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of this name, from its file; None where there is none."""
        if name not in self.files:
            return None
        module, _, function = self.files[name].partition(":")
        command: click.Command = getattr(import_module(module), function or name)
        if completion_asked():
            from axis.commands import completion

            completion.equip_all(command)
        return command

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        """As click does it; a name that is nearly right is asked about, though no command's file was read."""
        try:
            return super().resolve_command(context, args)
        except click.UsageError as error:
            if not getattr(error, "possibilities", True):
                from difflib import get_close_matches

                error.possibilities = get_close_matches(args[0], self.list_commands(context))  # type: ignore[attr-defined]
            raise

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from their texts alone."""
        with formatter.section(click_words.said("Commands", LANG)):
            formatter.write_dl([(name, word(f"help.{name}")) for name in self.list_commands(context)])

    def make_context(self, info_name: str | None, args: list[str], *arguments: Any, **more: Any) -> click.Context:
        """As click does it; ``--json`` may stand anywhere, and holds for what is wrong with the rest, too."""
        end = args.index("--") if "--" in args else len(args)
        as_json = "--json" in args[:end]
        args = [one for one in args[:end] if one != "--json"] + args[end:]
        try:
            context = super().make_context(info_name, args, *arguments, **more)
        except click.UsageError as error:
            if not as_json:
                raise
            raise click.exceptions.Exit(_show_usage(error)) from None
        context.meta[JSON] = as_json
        return context

    def main(self, *arguments: Any, **more: Any) -> Any:
        """As click does it, on a terminal of any encoding; a short question takes a short time.

        Starting makes some hundred thousand objects that all stay: looking through them again and again for garbage,
        and taking them apart one by one at the end, was a third of the time of ``axis trace``. A command that goes on
        looks for it as a service does (:func:`axis.commands.process.stoppable`)."""
        gc.set_threshold(MANY, 20, 20)
        atexit.register(gc.freeze)
        console.fit_the_terminal()
        try:
            return super().main(*arguments, **more)
        except OSError as error:  # of the help text, say
            if (found := console.trouble(error)) is None:
                raise
            console.give_up_stdout()
            console.show_error(found, LANG, as_json=False)
            sys.exit(found.exit_code)

    def invoke(self, context: click.Context) -> Any:
        """Run the command; turn errors into text (or a JSON line) and an exit code."""
        try:
            with extras.needed():
                return super().invoke(context)
        except AxisError as error:
            from axis.commands.meant import near

            meant = near(context.find_root().meta.get(HOME), error.problems)
            console.show_error(error, LANG, as_json=_as_json(context), near=meant)
            context.exit(error.exit_code)
        except BrokenPipeError:
            console.give_up_stdout()
            context.exit(DONE)
        except click.UsageError as error:
            if not _as_json(context):
                raise
            context.exit(_show_usage(error))
        except (click.ClickException, click.exceptions.Exit, click.Abort, KeyboardInterrupt):
            raise
        except OSError as error:
            context.exit(_show_trouble(context, error))
        except UnicodeEncodeError as error:
            if not "\udc80" <= error.object[error.start] <= "\udcff":
                _show_crash(context, error)
                context.exit(UNEXPECTED)
            usage = click.UsageError(word("usage.bytes"), context)  # a byte of the command line that is no UTF-8
            if not _as_json(context):
                raise usage from None
            context.exit(_show_usage(usage))
        except Exception as error:  # noqa: BLE001  our own bug: say so, keep the trace in a file
            _show_crash(context, error)
            context.exit(UNEXPECTED)


def completion_asked() -> bool:
    """Whether a shell asks what may follow."""
    return "_AXIS_COMPLETE" in os.environ


def _show_usage(error: click.UsageError) -> int:
    """What is wrong with the command line, as an error like any other; its exit code."""
    where = error.ctx.command_path if error.ctx is not None else "axis"
    console.show_error(rejected(Fault.USAGE, error.format_message(), path=where), LANG, as_json=True)
    return error.exit_code


def _as_json(context: click.Context) -> bool:
    """Whether the command being run was given --json."""
    return bool(context.find_root().meta.get(JSON))


def _show_trouble(context: click.Context, error: OSError) -> int:
    found = console.trouble(error)
    if found is None:
        _show_crash(context, error)
        return UNEXPECTED
    if on_stdout := found.problems[0].path == "stdout":
        console.give_up_stdout()
    console.show_error(found, LANG, as_json=_as_json(context) and not on_stdout)
    return found.exit_code


def _show_crash(context: click.Context, error: Exception) -> None:
    import logging

    meta = context.find_root().meta
    console.show_crash(error, meta.get(HOME), LANG, as_json=_as_json(context))
    if meta.get(SERVICE):  # whoever keeps its log has the trace there too
        logging.getLogger("axis").error("internal error", exc_info=error)
