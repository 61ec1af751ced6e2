"""``axis trace`` and ``axis why``: where a document is, why, and what has happened to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import LANG, word
from axis.commands.options import at_home, command
from axis.commands.process import now, open_home
from axis.texts import TEXTS, event_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from axis.core.registry import Registry
    from axis.home import Home
    from axis.infra.record.find import Narrowed
    from axis.services.questions.trace import NotTheOne


def narrowing(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--from`` and ``--date``, which tell documents of one number apart."""
    command = click.option("--date", "day", default="", help=word("help.find.date"))(command)
    return click.option("--from", "sender", default="", help=word("help.find.from"))(command)


@command("help.trace", "axis trace 1234/VPCP-KSTT")
@click.argument("reference")
@narrowing
@at_home
def trace(home: Path, reference: str, sender: str, day: str, as_json: bool) -> None:
    """Where it is, why, and its time-line."""
    value = ask(open_home(home), reference, sender, day, as_json=as_json)
    console.data(value) if as_json else show_trace(value)


@command("help.why", "axis why 1234/VPCP-KSTT")
@click.argument("reference")
@narrowing
@at_home
def why(home: Path, reference: str, sender: str, day: str, as_json: bool) -> None:
    """Why it has not come."""
    value = ask(open_home(home), reference, sender, day, as_json=as_json)
    if as_json:
        console.data({"document": value["document"], "why": value.get("why", [])})
        return
    _show_document(value["document"])
    show_why(value.get("why", []))


def ask(home: Home, reference: str, sender: str = "", day: str = "", *, as_json: bool = False) -> dict[str, Any]:
    """The trace of the one document that is meant. Otherwise what is like it is shown, and the command ends by the
    error that there is no such document, or several."""
    from axis.home import reading, reading_journals, reading_registry
    from axis.services.questions import trace

    if home.config.installation.role == "agency":
        with reading_journals(home) as journals:
            return _titled(home, trace.trace_journal(journals, reference))

    def known() -> Registry:
        with reading_registry(home) as registry:
            return registry

    with reading(home) as record:
        try:
            value = trace.trace(record, reference, _narrowed(sender, day), registry=known, now=now())
        except trace.NotTheOne as error:
            if error.candidates or error.refused:
                with record.reading() as reader:
                    refused = trace.reasons_of(reader, error.refused)
                _show_candidates(error, refused, as_json=as_json)
            raise
    return _titled(home, value)


def _titled(home: Home, value: dict[str, Any]) -> dict[str, Any]:
    """What the type of the document is called, where it has one."""
    from axis.home import reading_types
    from axis.services.questions.types import title

    if "type" in value["document"]:
        with reading_types(home) as types:
            value["document"]["type"] |= title(types, value["document"]["type"]["name"])
    return value


def _narrowed(sender: str, day: str) -> Narrowed:
    from axis.core.figures import read_period
    from axis.infra.record.find import Narrowed

    if not day:
        return Narrowed(sender)
    try:
        period = read_period(day)
    except ValueError:
        raise click.BadParameter(word("report.period"), param_hint="--date") from None
    return Narrowed(sender, period.since, period.before)


def _show_candidates(error: NotTheOne, refused: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    """What may have been meant, and what the hub has refused under that name."""
    names = ("axis_id", "sender", "code", "received_at", "subject", "kind")
    shown = [{name: row[name] for name in names} for row in error.candidates]
    if as_json:
        console.data({"candidates": shown, "refused": list(refused)})
        return
    if refused:
        console.say(word("find.refused", count=len(refused)))
        for one in refused:
            console.say(f"  {console.local(one['refused_at'])} · {one['sender']} · {console.plain(one['document_id'])}")
            for reason in one["reasons"]:
                console.say(f"    {reason['code']}: {console.plain(reason['text_vi' if LANG == 'vi' else 'text'])}")
    if shown:
        console.say(word("find.several" if error.fault.code == "AMBIGUOUS" else "find.similar"))
        rows = [
            (str(n), row["sender"], row["code"], console.local(row["received_at"])[:16], row["subject"], row["axis_id"])
            for n, row in enumerate(shown, 1)
        ]
        columns = ["", word("find.from"), word("find.number"), word("find.accepted"), word("find.subject"), "axis id"]
        console.table(columns, rows, right={0})


def show_trace(value: dict[str, Any]) -> None:
    """For people: the document, where it is and why, trouble first; its deliveries, what was asked about it, its
    events."""
    about = value["document"]
    _show_document(about)
    if value.get("why"):
        console.say()
        show_why(value["why"])
        console.say()
    _show_deliveries(value["deliveries"])
    console.say()
    if by := about.get("superseded_by"):
        console.say(f"{word('trace.superseded')}: {by}\n")
    _show_changes(value["changes"])
    events = [
        (
            console.local(event["time"]),
            event["actor"],
            event_text(event["event"], LANG) + (f" → {event['recipient']}" if event.get("recipient") else ""),
            console.facts(event["detail"]),
        )
        for event in value["events"]
    ]
    console.table([word(f"trace.{c}") for c in ("time", "actor", "event", "detail")], events)


def _show_document(about: dict[str, Any]) -> None:
    console.say(f"{word('trace.document')}: {console.plain(about['code'])} · {console.plain(about['subject'])}")
    console.say(f"  axis id: {about['axis_id']}")
    console.say(f"  DocumentId: {console.plain(about['document_id'])}")
    console.say(f"  {word('trace.from')}: {about['from']}")
    console.say(f"  {word('trace.received')}: {console.local(about['received_at'])}")
    console.say(f"  {word('trace.digest')}: {about['content_digest']}")
    if kind := about.get("type"):
        title = kind["title_vi" if LANG == "vi" else "title_en"]
        console.say(f"  {word('trace.type')}: {console.plain(title)} ({kind['name']} {kind['version']})")
        for one in kind["shown"]:
            console.say(f"    {console.plain(one['vi' if LANG == 'vi' else 'en'])}: {console.plain(one['value'])}")
    if gone := about.get("gone"):
        when = console.local(about.get("ended_at", ""))
        console.say(f"  {word(f'trace.gone.{gone}' if when or gone == 'recall' else 'trace.gone.here', time=when)}")


def show_why(causes: Sequence[dict[str, Any]]) -> None:
    """Where each delivery is and why, trouble first: a sentence, and who has to do what."""
    for one in causes:
        said, next_step = sentences(one)
        console.say(f"{'✗' if one['is_trouble'] else '·'} {console.plain(said)}")
        console.say(f"    → {console.plain(next_step)}")


def sentences(one: dict[str, Any]) -> tuple[str, str]:
    """(where it is and why, what happens next and who has to do what) of one cause."""
    facts = dict(one["facts"])
    heard = facts.get("heard", "")
    facts["heard"] = word("why.heard", at=console.local(heard)) if heard else word("why.never")
    facts["reasons"] = facts.get("reasons") or "-"
    facts |= {"since": console.local(one["since"]), "until": console.local(one["until"]) or word("why.no_term")}
    return word(f"why.{one['cause']}", **facts), word(f"why.{one['cause']}.next", **facts)


def _show_deliveries(deliveries: Sequence[dict[str, Any]]) -> None:
    rows = []
    for one in deliveries:
        business = one["business_status"]
        known = word(f"business.{business}") if f"business.{business}" in TEXTS else business
        rows.append(
            (
                one["recipient"],
                word(f"state.{one['state']}"),
                known,
                str(one["attempts"]),
                console.local(one["updated_at"]),
                console.local(one.get("next_attempt")),
            )
        )
    columns = ["recipient", "state", "status", "attempts", "updated", "next"]
    shown = len(columns) if any(row[-1] for row in rows) else len(columns) - 1
    console.table([word(f"trace.{c}") for c in columns[:shown]], [row[:shown] for row in rows])


def _show_changes(asked: Sequence[dict[str, Any]]) -> None:
    changes = [
        (
            word(f"demand.{unit['demand']}"),
            unit["unit"],
            word(f"stage.{unit['stage']}"),
            console.local(unit["answered_at"]),
            console.plain(unit["reason"]),
            change["axis_id"],
        )
        for change in asked
        for unit in change["units"]
    ]
    if changes:
        names = ("trace.change", "trace.recipient", "trace.state", "trace.answered", "trace.reason", "column.by")
        console.table([word(name) for name in names], changes)
        console.say()
