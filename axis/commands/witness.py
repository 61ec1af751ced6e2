"""``axis witness``: the agencies as witnesses of the log."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import CORRUPTED, DONE, word
from axis.commands.options import at_home, settings
from axis.commands.process import now, open_home
from axis.core.registry import HUB

if TYPE_CHECKING:
    from axis.home import Home
    from axis.infra.journal.witness import Kept


@click.group(help=word("help.witness"), short_help=word("help.witness"))
def witness() -> None:
    """See the help text."""


@witness.command("status", **settings("help.witness.status", "axis witness status"))
@at_home
def witness_status(home: Path, as_json: bool) -> None:
    """Who has cosigned what; exit code 6 where somebody has something against the log."""
    from axis.home import reading, reading_journals, reading_registry
    from axis.services.questions import witness as questions

    opened = open_home(home)
    found: dict[str, Any] = {}
    with reading_journals(opened) as journals:
        found["own"] = questions.own(journals)
    if opened.config.installation.role == "all":
        with reading_registry(opened) as registry, reading(opened) as record, record.reading() as reader:
            found["centre"] = questions.centre(reader, registry)
    if as_json:
        console.data(found)
    else:
        _show_centre(found.get("centre"))
        _show_own(found["own"], is_centre="centre" in found)
        _show_changes(found)
    said = [*found["own"], *found.get("centre", {"agencies": []})["agencies"]]
    sys.exit(CORRUPTED if any(one["trouble"] or one.get("unknown") for one in said) else DONE)


def _show_centre(found: dict[str, Any] | None) -> None:
    if found is None:
        return
    if not found["quorum"]:
        console.say(word("witness.no_policy"))
        return
    if found["is_other_log"]:
        console.note("witness.other_log", origin=found["origin"])
    at = console.local(found["witnessed_at"]) if found["witnessed_at"] else "-"
    needed = found["needed"] or found["quorum"]
    console.say(word("witness.centre", size=found["size"], witnessed=found["witnessed"], at=at, needed=needed))
    if found["both"]:
        console.say(word("witness.both", size=found["both"], at=console.local(found["both_at"])))
    rows = [
        (
            one["code"],
            str(one["cosigned"]),
            console.local(one["cosigned_at"]) if one["cosigned_at"] else "-",
            _standing(one, found["size"]),
        )
        for one in found["agencies"]
    ]
    columns = [word(f"witness.{name}") for name in ("agency", "cosigned", "at", "standing")]
    console.table(columns, rows, right={1})


def _standing(one: dict[str, Any], size: int) -> str:
    if one["trouble"]:
        return word("witness.stopped", code=one["trouble"])
    if not one["cosigned"]:
        return word("witness.never")
    return word("witness.behind", count=size - one["cosigned"]) if one["cosigned"] < size else word("witness.good")


def _show_changes(found: dict[str, Any]) -> None:
    """Who has seen another policy than the one before; of a centre, what it has seen itself."""
    seen = [(HUB, found["centre"])] if "centre" in found else [(one["code"], one) for one in found["own"]]
    for code, one in seen:
        if (changed := one["policy_changed"]) is None:
            continue
        names = {name: ", ".join(changed[name]) or "-" for name in ("gone", "added")}
        counts = {name: changed[name] or "-" for name in ("needed_before", "needed_now")}
        console.note("witness.policy_changed", code=code, at=console.local(changed["at"]), **names, **counts)


def _show_own(own: list[dict[str, Any]], *, is_centre: bool) -> None:
    if is_centre:  # of a centre that has them all, only what somebody has to look at
        own = [one for one in own if one["trouble"] or one["unknown"]]
    if not own:
        return
    rows = [
        (
            one["code"],
            str(one["cosigned"]),
            str(one["believed"]),
            console.local(one["believed_at"]) if one["believed_at"] else "-",
            word("witness.counted", entries=one["entries"], since=one["since"], told=one["told"]),
            word("witness.stopped", code=one["trouble"])
            if one["trouble"]
            else word("witness.unknown", count=one["unknown"])
            if one["unknown"]
            else word("witness.good"),
        )
        for one in own
    ]
    names = ("agency", "cosigned", "believed", "at", "own", "standing")
    console.table([word(f"witness.{name}") for name in names], rows, right={1, 2})
    if any(one["trouble"] for one in own):
        console.note("witness.what_now")


@witness.command("policy", **settings("help.witness.policy", "axis witness policy --file log.policy", changes=True))
@click.option(
    "--file", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help=word("help.witness.file")
)
@click.option("--check", is_flag=True, help=word("help.witness.check"))
@at_home
def witness_policy(home: Path, file: Path | None, check: bool, as_json: bool) -> None:
    """Which witnesses make a checkpoint believed."""
    from axis.bootstrap import registrar
    from axis.core.log import policy
    from axis.services.operate import witness_keys, witnesses

    text = file.read_text("utf-8") if file is not None else ""
    opened = open_home(home)
    if check:
        found, version = policy.read(text or witness_keys.policy_text(opened.path)), 0
    else:
        with registrar(opened) as made:
            registry, found = witnesses.set_policy(made, text, now())
            version = registry.version
    facts = {"log": found.log.text, "witnesses": len(found.counting), "quorum": found.quorum, "registry": version}
    if as_json:
        console.data(facts)
        return
    console.say(word("witness.policy_good" if check else "witness.policy_set", **facts))


@witness.command("compare", **settings("help.witness.compare", "axis witness compare checkpoint --code H41"))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--code", default="", help=word("help.witness.code"))
@at_home
def witness_compare(home: Path, file: Path, code: str, as_json: bool) -> None:
    """A checkpoint that somebody shows, with what is known here. Exit code 6 where they are two of one size."""
    from axis.core.log import note
    from axis.home import reading_registry
    from axis.services.questions import witness as questions

    opened = open_home(home)
    data = file.read_bytes()[: note.MAX_NOTE + 1]
    with reading_registry(opened) as registry:
        compared = questions.compare(data, registry, _kept(opened, code))
    if as_json:
        console.data(compared)
        return
    console.say(word(f"witness.compared.{compared['outcome']}", **compared))


@witness.command("export", **settings("help.witness.export", "axis witness export --code H41 -o evidence"))
@click.option("--code", default="", help=word("help.witness.code"))
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path), help=word("help.audit.output"))
@at_home
def witness_export(home: Path, code: str, output: Path, as_json: bool) -> None:
    """The checkpoints that an agency keeps, as files."""
    (kept,) = _kept(open_home(home), code)
    written = _write(kept, output)
    if as_json:
        console.data({"path": str(output), "files": written})
        return
    console.say(word("witness.exported", path=output, files=", ".join(written) or "-"))


@witness.command(
    "settle", **settings("help.witness.settle", "axis witness settle --code H41 -o evidence", changes=True)
)
@click.option("--code", default="", help=word("help.witness.code"))
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path), help=word("help.audit.output"))
@at_home
def witness_settle(home: Path, code: str, output: Path, as_json: bool) -> None:
    """What was found has been looked into: the evidence goes to a folder, and the witness begins anew."""
    from axis.home import lock, own_file
    from axis.infra.journal.journals import Journal
    from axis.services.agency.witness import settle

    opened = open_home(home)
    (kept,) = _kept(opened, code)
    written = _write(kept, output)
    with lock(opened), own_file(opened) as database, Journal(database, kept.agency).transaction() as tx:
        settle(tx, now())
    if as_json:
        console.data({"code": kept.agency, "path": str(output), "files": written})
        return
    console.say(word("witness.settled", code=kept.agency, path=output))


def _write(kept: Kept, output: Path) -> list[str]:
    """The checkpoints that are kept, as files of a new folder; their names."""
    if output.exists():
        raise click.UsageError(word("audit.exists", path=output))
    files = {"cosigned": kept.note, "believed": kept.believed, "contradicting": kept.other}
    output.mkdir(parents=True)
    for name, data in files.items():
        if data:
            (output / f"{name}.checkpoint").write_bytes(data)
    return [f"{name}.checkpoint" for name, data in files.items() if data]


def _kept(opened: Home, code: str) -> list[Kept]:
    """Of the agency that is named, else of the home's only one. Raises :class:`Misconfigured` KEY_FILE_MISSING."""
    from axis.errors import Fault, Misconfigured, Problem
    from axis.home import reading_journals
    from axis.services.questions import witness as questions

    with reading_journals(opened) as journals:
        codes = [code] if code else sorted(journals)
        if len(codes) != 1 or codes[0] not in journals:
            raise Misconfigured(Problem(Fault.KEY_FILE_MISSING, got=f"{opened.path}/keys/{code or '?'}.key"))
        return list(questions.of_journals({codes[0]: journals[codes[0]]}))
