"""``axis trace``: the time-line of a document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from axis.commands import console
from axis.commands.console import word
from axis.commands.options import at_home, command
from axis.commands.process import open_home
from axis.texts import TEXTS, event_text


@command("help.trace", "axis trace 1234/VPCP-KSTT")
@click.argument("reference")
@at_home
def trace(home: Path, reference: str, as_json: bool) -> None:
    """The time-line of a document."""
    from axis.home import reading, reading_journals
    from axis.services.questions import trace

    opened = open_home(home)
    if opened.config.installation.role == "agency":
        with reading_journals(opened) as journals:
            value = trace.trace_journal(journals, reference)
    else:
        with reading(opened) as record:
            value = trace.trace(record, reference)
    console.data(value) if as_json else show_trace(value)


def show_trace(value: dict[str, Any]) -> None:
    """The time-line for people: the document, its deliveries, what was asked about it, its events."""
    about = value["document"]
    console.say(f"{word('trace.document')}: {console.plain(about['code'])} · {console.plain(about['subject'])}")
    console.say(f"  axis id: {about['axis_id']}")
    console.say(f"  DocumentId: {console.plain(about['document_id'])}")
    console.say(f"  {word('trace.from')}: {about['from']}")
    console.say(f"  {word('trace.received')}: {console.local(about['received_at'])}")
    console.say(f"  {word('trace.digest')}: {about['content_digest']}")
    console.say()
    rows = []
    for one in value["deliveries"]:
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
    console.say()
    if by := about.get("superseded_by"):
        console.say(f"{word('trace.superseded')}: {by}\n")
    changes = [
        (
            word(f"demand.{unit['demand']}"),
            unit["unit"],
            word(f"stage.{unit['stage']}"),
            console.local(unit["answered_at"]),
            console.plain(unit["reason"]),
            change["axis_id"],
        )
        for change in value["changes"]
        for unit in change["units"]
    ]
    if changes:
        names = ("trace.change", "trace.recipient", "trace.state", "trace.answered", "trace.reason", "column.by")
        console.table([word(name) for name in names], changes)
        console.say()
    events = [
        (
            console.local(event["time"]),
            event["actor"],
            event_text(event["event"], console.LANG) + (f" → {event['recipient']}" if event.get("recipient") else ""),
            console.plain(", ".join(f"{k}={v}" for k, v in event["detail"].items() if v not in ("", [], None))),
        )
        for event in value["events"]
    ]
    console.table([word(f"trace.{c}") for c in ("time", "actor", "event", "detail")], events)
