"""``axis backup`` and ``axis restore``: a home copied while it works, and a home made from the copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.commands import console
from axis.texts import text

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from axis.bootstrap import Home
    from axis.errors import Language
    from axis.services.backup import Backup

    Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
STEPS = 1000  # of a bar


def backup(home: Home, folder: Path, bar: Bar, language: Language, *, keys: bool, as_json: bool) -> bool:
    """Back up an opened home and say what was done; False where something in it was damaged already."""
    from datetime import UTC, datetime

    from axis import bootstrap

    with bar(text("backup.running", language), STEPS) as advance:
        made = bootstrap.back_up(home, folder, datetime.now(UTC), _share(advance), keys=keys)
    if as_json:
        console.data(_facts(made))
        return not made.damaged
    console.say(text("backup.done", language, folder=folder, files=made.files, size=made.size, payloads=made.payloads))
    console.say(text("backup.keys" if made.has_keys else "backup.no_keys", language), err=True)
    if made.record == "apart":
        console.say(text("backup.apart", language), err=True)
    if made.damaged:
        digests = ", ".join(made.damaged[:5])
        console.say(text("backup.damaged", language, count=len(made.damaged), digests=digests), err=True)
    return not made.damaged


def restore(folder: Path, home: Path, bar: Bar, language: Language, *, as_json: bool) -> None:
    """Make a home from a backup and say what comes next."""
    from axis.core.instant import from_text, local
    from axis.services import backup as backups

    with bar(text("restore.running", language), STEPS) as advance:
        made = backups.restore(folder, home, _share(advance))
    if as_json:
        console.data({"home": str(home), **_facts(made)})
        return
    console.say(text("restore.done", language, home=home, time=local(from_text(made.made_at)), files=made.files))
    if not made.has_keys:
        console.say(text("backup.no_keys", language), err=True)
    if made.damaged:
        digests = ", ".join(made.damaged[:5])
        console.say(text("backup.damaged", language, count=len(made.damaged), digests=digests), err=True)
    if made.record in {"postgresql", "apart"}:
        key = "restore.database" if made.record == "postgresql" else "restore.apart"
        console.say(text(key, language, folder=folder, home=home), err=True)
    console.say(text("restore.record" if made.record else "restore.agency", language, home=home), err=True)


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
