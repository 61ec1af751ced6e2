"""``axis retention``: what has ended or would end, and what an operator holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axis import bootstrap
from axis.commands import console
from axis.errors import Fault, Misconfigured, Problem
from axis.services import retention
from axis.texts import text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from axis.errors import Language
    from axis.services.retention import Found


def show(home: Path, now: datetime, language: Language, *, dry_run: bool, as_json: bool) -> None:
    """What would end now; without `dry_run` it ends."""
    opened = bootstrap.open_home(home)
    with bootstrap.retaining(opened, only_ask=dry_run) as found:
        those = list(found.preview(now))
        if not dry_run:
            for _ in found.run(now, f"{now:%Y-%m-%dT%H:%M:%S}"):
                pass
    if as_json:
        for one in those:
            row = {"kind": one.kind, "days": one.days, "ends": one.ends, "bytes": one.size, "kept": dict(one.kept)}
            console.data({**row, "dry_run": dry_run})
        return
    _table(those, language, dry_run=dry_run)


def _table(those: Sequence[Found], language: Language, *, dry_run: bool) -> None:
    word = "retention.would" if dry_run else "retention.ended"
    columns = ("column.kind", "retention.days", word, "retention.bytes", "retention.kept")
    rows = [
        (
            text(f"retention.kind.{one.kind}", language),
            str(one.days) if one.days else text("retention.forever", language),
            str(one.ends),
            f"{one.size:,}",
            ", ".join(text(f"retention.why.{why}", language, count=n) for why, n in sorted(one.kept.items())),
        )
        for one in those
    ]
    console.table([text(name, language) for name in columns], rows)
    if not any(one.ends for one in those):
        console.say(text("retention.none", language))


def hold(home: Path, reference: str, reason: str, now: datetime, language: Language, *, as_json: bool) -> None:
    """Keep a document's bytes."""
    with bootstrap.any_hub(_of_hub(home)) as hub:
        done = retention.hold(hub, reference, reason, now)
    _say(done, "retention.held" if done["kept"] else "retention.gone", language, as_json=as_json)


def release(home: Path, reference: str, reason: str, now: datetime, language: Language, *, as_json: bool) -> None:
    """Keep them no longer."""
    with bootstrap.any_hub(_of_hub(home)) as hub:
        done = retention.release(hub, reference, reason, now)
    _say(done, "retention.released" if done["held"] else "retention.unheld", language, as_json=as_json)


def _of_hub(home: Path) -> bootstrap.Home:
    """The home, which is the hub's: what it keeps is what is held."""
    opened = bootstrap.open_home(home)
    if opened.config.installation.role != "all":
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, "installation.role", "all", opened.config.installation.role))
    return opened


def _say(done: dict[str, Any], key: str, language: Language, *, as_json: bool) -> None:
    if as_json:
        console.data(done)
    else:
        console.say(text(key, language, document_id=console.plain(done["document_id"])))
