"""``axis log``: the log for somebody outside of the centre."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from axis.commands import console
from axis.commands.console import word
from axis.commands.options import Reading, common

if TYPE_CHECKING:
    from axis.core.log.policy import Policy


@click.group(help=word("help.log"), short_help=word("help.log"))
def log() -> None:
    """See the help text."""


@log.command(
    "mirror",
    cls=Reading,
    help=f"{word('help.log.mirror')}\n\n{word('mark.reads')}",
    short_help=word("help.log.mirror"),
    epilog=f"\b\n{word('example')}:\n  axis log mirror https://log.example -o mirror --policy log.policy",
)
@click.argument("source")
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path, file_okay=False), help=word("help.log.to")
)
@click.option("--key", default="", help=word("help.log.key"))
@click.option(
    "--policy",
    "policy_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=word("help.witness.file"),
)
@click.option("--entries", type=click.Path(path_type=Path, exists=True, dir_okay=False), help=word("help.log.entries"))
@click.option("--since", default=0, type=click.IntRange(0), help=word("help.log.since"))
@click.option("--until", default=0, type=click.IntRange(0), help=word("help.log.until"))
@common
def log_mirror(
    source: str,
    output: Path,
    key: str,
    policy_file: Path | None,
    entries: Path | None,
    since: int,
    until: int,
    as_json: bool,
) -> None:
    """All that stands in the log, taken and checked."""
    from axis.core.log import note, policy
    from axis.infra.log.mirror import source as files_of
    from axis.services import mirror

    counts: Policy | None = policy.read(policy_file.read_text("utf-8")) if policy_file is not None else None
    if counts is None and not key:
        raise click.UsageError(word("log.no_key"))
    known = note.verifier_key(key) if key else counts.log if counts is not None else None
    assert known is not None  # noqa: S101  see above
    with console.bar(word("log.mirroring"), 1000, quiet=as_json) as advance:
        found = mirror.mirror(
            files_of(source), output, known, counts, lambda done, every: advance(done * 1000 // max(every, 1))
        )
    counted: dict[str, int] = {}
    if entries is not None:
        with entries.open(encoding="ascii") as lines:
            counted = dict(sorted(mirror.count(output, known, lines, since, until).items()))
    facts = {"size": found.size, "taken": found.taken, "witnessed": found.witnessed, "root": found.root.hex()}
    if as_json:
        console.data(facts | {"path": str(output), "counts": counted})
        return
    console.say(word("log.mirrored", path=output, **facts))
    if counted:
        console.table(
            [word("witness.agency"), word("log.about")], [(code, str(n)) for code, n in counted.items()], right={1}
        )
