"""``axis audit``: who has done what with this home, when and why."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import LANG, word
from axis.commands.options import MOMENTS, at_home, settings
from axis.commands.process import open_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from axis.core.log.note import VerifierKey
    from axis.infra.log.store import Head
    from axis.infra.record.store import HubReader

PAGE, MOST = 50, 1000
VERIFIED = "ledger.verified"  # in the home: how far the ledger was found to hold last


@click.group(help=word("help.audit"), short_help=word("help.audit"))
def audit() -> None:
    """See the help text."""


@audit.command("list", **settings("help.audit.list", "axis audit list --agency H41 --since 2026-11-01"))
@click.option("--by", default="", help=word("help.audit.by"))
@click.option("--agency", "code", default="", help=word("help.audit.agency"))
@click.option("--kind", default="", help=word("help.audit.kind"))
@click.option("--since", type=click.DateTime(MOMENTS), help=word("help.audit.since"))
@click.option("--until", type=click.DateTime(MOMENTS), help=word("help.audit.until"))
@click.option("--refused", is_flag=True, help=word("help.audit.refused"))
@click.option("--ledger", "by_ledger", is_flag=True, help=word("help.audit.ledger"))
@click.option("--before", metavar="ID", default="", help=word("help.audit.before"))
@click.option("--limit", type=click.IntRange(1, MOST), default=PAGE, show_default=True, help=word("help.audit.limit"))
@at_home
def audit_list(
    home: Path,
    by: str,
    code: str,
    kind: str,
    since: datetime | None,
    until: datetime | None,
    refused: bool,
    by_ledger: bool,
    before: str,
    limit: int,
    as_json: bool,
) -> None:
    """Acts, the newest first."""
    from axis.core.instant import VIETNAM
    from axis.services.questions import audit as questions

    opened = open_home(home)
    first, last = (moment.replace(tzinfo=VIETNAM) if moment else None for moment in (since, until))
    wanted = questions.Selection(by, code, kind.removeprefix("axis ").strip(), first, last, refused)
    if by_ledger:
        from axis.home import reading

        with reading(opened) as record, record.reading() as reader:
            found = questions.in_ledger(reader, wanted, before, limit)
    else:
        found = questions.find(opened.path, wanted, before, limit)
    if as_json:
        for act in found:
            console.data(act)
        return
    columns = [
        word(name) for name in ("audit.at", "audit.by", "audit.what", "column.agency", "audit.why", "audit.outcome")
    ]
    console.table(columns, [_row(act) for act in found])
    if not found:
        console.say(word("audit.none"))
    elif len(found) == limit:
        console.note("audit.more", id=found[-1]["id"])


def _row(act: dict[str, Any]) -> tuple[str, ...]:
    user, login = str(act.get("user", "")), str(act.get("login", ""))
    outcome = word(f"audit.{act.get('outcome', 'open')}")
    if act.get("signed"):
        outcome += f" ({word('audit.signed', names=act['signed'])})"
    return (
        console.local(act["at"]),
        f"{login} ({user})" if login else user,
        str(act.get("kind", "")),
        ", ".join(act.get("agencies", ())),
        str(act.get("reason", "")),
        f"{outcome}: {_code(str(act['code']))}" if act.get("code") else outcome,
    )


def _code(noted: str) -> str:
    """What was noted of how it ended: a fault's code, or the exit code of who has said what is wrong by itself."""
    name, _, number = noted.partition(" ")
    if name == "exit":
        return word("audit.exit", number=number)
    return word("audit.interrupted") if noted == "interrupted" else noted


@audit.command("verify", **settings("help.audit.verify", "axis audit verify"))
@click.option("--since-last", is_flag=True, help=word("help.audit.since_last"))
@at_home
def audit_verify(home: Path, since_last: bool, as_json: bool) -> None:
    """Everything computed again."""
    from axis.home import reading
    from axis.services.hub.log import load_key
    from axis.services.questions import log

    opened = open_home(home)
    key, kept = load_key(opened.path / "pki"), opened.path / VERIFIED
    since = log.Good.read(kept.read_text("ascii")) if since_last and kept.exists() else None
    with (
        reading(opened) as record,
        record.reading() as reader,
        console.bar(word("audit.verifying"), 1000, quiet=as_json) as advance,
    ):
        found = log.verify(reader, key.of if key else None, since, lambda done, every: advance(done * 1000 // every))
    with suppress(OSError):  # it is computed from the beginning next time
        kept.write_text(found.good.text(), "ascii")
    if as_json:
        facts = {"entries": found.entries, "logged": found.logged, "unplaced": found.unplaced}
        console.data(facts | {"from": since.position if since else 0, "link": found.good.link})
        return
    console.say(word("audit.holds", entries=found.entries, logged=found.logged, since=since.position if since else 0))
    if found.unplaced:
        console.say(word("audit.unplaced", count=found.unplaced))
    if key is None:
        console.note("audit.no_key")


@audit.command("head", **settings("help.audit.head", "axis audit head"))
@at_home
def audit_head(home: Path, as_json: bool) -> None:
    """The newest checkpoint."""
    with _log(home) as (_, head, key):
        from axis.services.questions import log

        facts = log.facts(head, key)
    if as_json:
        console.data(facts)
        return
    console.say(word("audit.head", size=facts["size"], at=console.local(facts["made_at"])))
    console.say(f"\n{facts['checkpoint']}")
    console.say(word("audit.head.key", text=facts["key"]))


@audit.command("prove", **settings("help.audit.prove", "axis audit prove 1234/VPCP-KSTT -o proofs"))
@click.argument("reference")
@click.option("--output", "-o", type=click.Path(path_type=Path, file_okay=False), help=word("help.audit.output"))
@at_home
def audit_prove(home: Path, reference: str, output: Path | None, as_json: bool) -> None:
    """The proofs of a document's entries."""
    from axis.commands.finding import ask
    from axis.services.questions import log

    value = ask(open_home(home), reference, as_json=as_json)
    wanted = [str(value["document"]["axis_id"]), *(str(one["axis_id"]) for one in value.get("changes", ()))]
    with _log(home) as (reader, head, key):
        found, known = log.prove(reader, wanted), key if key else None
        proved = {one.position: known is not None and log.is_proved(one, known) for one in found}
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        for one in found:
            (output / f"{one.position}.json").write_text(one.canonical, "ascii")
            (output / f"{one.position}.salt").write_text(one.salt, "ascii")
            if one.proof is not None:
                (output / f"{one.position}.tlog-proof").write_bytes(one.proof.data)
        (output / "checkpoint").write_bytes(head.checkpoint)
        (output / "log.vkey").write_text(f"{known.text}\n" if known is not None else "", "utf-8")
    if as_json:
        for one in found:
            proof = one.proof.data.decode() if one.proof is not None else ""
            console.data({"position": one.position, "entry": one.canonical, "salt": one.salt, "proof": proof})
        return
    from axis.core import ledger
    from axis.core.instant import to_text
    from axis.texts import event_text

    rows = []
    for one in found:
        entry = ledger.read(one.canonical)
        state = word("audit.proved" if proved[one.position] else "audit.not_yet")
        rows.append(
            (str(one.position or "-"), console.local(to_text(entry.time)), event_text(entry.event, LANG), state)
        )
    console.table([word("audit.place"), word("audit.at"), word("audit.what"), word("audit.proof")], rows, right={0})
    if output is not None:
        console.say(word("audit.written", path=output))


@audit.command("export", **settings("help.audit.export", "axis audit export -o log --format tiles"))
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path, exists=False), help=word("help.audit.output")
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["tiles", "jsonl"]),
    default="tiles",
    show_default=True,
    help=word("help.audit.format"),
)
@at_home
def audit_export(home: Path, output: Path, form: str, as_json: bool) -> None:
    """The whole log for somebody else."""
    from axis.services.questions import log

    if output.exists():
        raise click.UsageError(word("audit.exists", path=output))
    count = 0
    with _log(home) as (reader, head, _):
        if form == "jsonl":
            with output.open("w", encoding="ascii") as target:
                target.writelines(json.dumps(line, sort_keys=True) + "\n" for line in log.as_lines(reader))
            count = head.frontier.size
        else:
            for name, data in log.as_tiles(reader, head):
                count += 1
                (output / name).parent.mkdir(parents=True, exist_ok=True)
                (output / name).write_bytes(data)
    facts = {"path": str(output), "format": form, "written": count, "entries": head.frontier.size}
    console.data(facts) if as_json else console.say(word("audit.exported", **facts))


@contextmanager
def _log(home: Path) -> Iterator[tuple[HubReader, Head, VerifierKey | None]]:
    """The record, how far its log goes, and its key. Raises :class:`Misconfigured` LOG_EMPTY where there is none."""
    from axis.errors import Fault, Misconfigured, Problem
    from axis.home import reading
    from axis.infra.log import store
    from axis.services.hub.log import load_key

    opened = open_home(home)
    key = load_key(opened.path / "pki")
    with reading(opened) as record, record.reading() as reader:
        head = store.head(reader.connection)
        if head is None or not head.frontier.size:
            raise Misconfigured(Problem(Fault.LOG_EMPTY, got=str(opened.path)))
        yield reader, head, key.of(head.origin) if key is not None else None
