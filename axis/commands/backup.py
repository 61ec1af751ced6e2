"""``axis backup`` and ``axis restore``: a home copied while it works, and a home made from the copy."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from axis.commands import console
from axis.commands.console import DONE, word
from axis.commands.options import at_home, command
from axis.commands.process import now, open_home

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from axis.services.backup import Backup

CORRUPTED = 6  # exit code: something in it was damaged already
STEPS = 1000  # of a bar


@command("help.backup", "axis backup backup-2026-11-25 --home axis-home", changes=True)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--without-keys", is_flag=True, help=word("help.backup.without_keys"))
@at_home
def backup(home: Path, folder: Path, without_keys: bool, as_json: bool) -> None:
    """A home, copied while it works."""
    from axis import bootstrap

    opened = open_home(home)
    with console.bar(word("backup.running"), STEPS, quiet=as_json) as advance:
        made = bootstrap.back_up(opened, folder, now(), _share(advance), keys=not without_keys)
    if as_json:
        console.data(_facts(made))
    else:
        console.say(word("backup.done", folder=folder, files=made.files, size=made.size, payloads=made.payloads))
        console.note("backup.keys" if made.has_keys else "backup.no_keys")
        if made.record == "apart":
            console.note("backup.apart")
        _say_damaged(made.damaged)
    sys.exit(CORRUPTED if made.damaged else DONE)


@command("help.restore", "axis restore backup-2026-11-25 --home axis-home", changes=True)
@click.argument("folder", type=click.Path(path_type=Path))
@at_home
def restore(home: Path, folder: Path, as_json: bool) -> None:
    """A home, made from its copy."""
    from axis.services import backup as backups

    with console.bar(word("restore.running"), STEPS, quiet=as_json) as advance:
        made = backups.restore(folder, home, _share(advance))
    if as_json:
        console.data({"home": str(home), **_facts(made)})
        return
    console.say(word("restore.done", home=home, time=console.local(made.made_at), files=made.files))
    if not made.has_keys:
        console.note("backup.no_keys")
    _say_damaged(made.damaged)
    if made.record in {"postgresql", "apart"}:
        key = "restore.database" if made.record == "postgresql" else "restore.apart"
        console.note(key, folder=folder, home=home)
    console.note("restore.record" if made.record else "restore.agency", home=home)


def _say_damaged(damaged: Sequence[str]) -> None:
    if damaged:
        console.note("backup.damaged", count=len(damaged), digests=", ".join(damaged[:5]))


def _facts(made: Backup) -> dict[str, object]:
    return {
        "backup": str(made.folder),
        "made_at": made.made_at,
        "record": made.record,
        "files": made.files,
        "bytes": made.size,
        "payloads": made.payloads,
        "keys": made.has_keys,
        "damaged": list(made.damaged),
    }


def _share(advance: Callable[[int], None]) -> Callable[[int, int], None]:
    return lambda done, every: advance(done * STEPS // max(every, 1))
