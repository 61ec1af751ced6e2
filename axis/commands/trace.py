"""``axis trace`` and ``axis why``: where a document is, why, and what has happened to it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import LANG, word
from axis.commands.finding import ask, narrowing, told
from axis.commands.options import at_home, command
from axis.commands.process import open_home, stoppable
from axis.core import saying
from axis.texts import TEXTS, event_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.home import Home

# What a clerk says where a delivery waits for one.
STATUS_OF = dict.fromkeys(("arrived", "unreceived", "own.handed_over", "own.to.arrived"), "03")
STATUS_OF |= dict.fromkeys(("recall_asked", "own.recall_asked", "own.update_asked", "own.to.asked"), "15")
OVER = {"HANDED_OVER", "REFUSED", "RECALLED"}  # nothing more comes of such a delivery but what a clerk reports


@command("help.trace", "axis trace 1234/VPCP-KSTT --follow")
@click.argument("reference")
@narrowing
@click.option("--follow", is_flag=True, help=word("help.trace.follow"))
@click.option(
    "--interval", type=click.FloatRange(0.2, 3600), default=2, show_default=True, help=word("help.trace.interval")
)
@at_home
def trace(home: Path, reference: str, sender: str, day: str, follow: bool, interval: float, as_json: bool) -> None:
    """Where it is, why, and its time-line."""
    opened = open_home(home)
    value = ask(opened, reference, sender, day, as_json=as_json)
    console.data(value) if as_json else show_trace(value)
    if follow:
        _follow(opened, value, interval, as_json=as_json)


@command("help.why", "axis why 1234/VPCP-KSTT --to H41")
@click.argument("reference")
@click.option("--to", "to", default="", help=word("help.why.to"))
@narrowing
@at_home
def why(home: Path, reference: str, to: str, sender: str, day: str, as_json: bool) -> None:
    """Why it has not come."""
    opened = open_home(home)
    value = ask(opened, reference, sender, day, to, as_json=as_json)
    if as_json:
        console.data({name: value.get(name, []) for name in ("document", "why", "findings", "changes")})
        return
    named = {one["recipient"] for one in value["why"]}
    _show_document(value["document"])
    show_why(value["why"], value.get("findings", []))
    changes = [one | {"units": [u for u in one["units"] if u["recipient"] in named]} for one in value["changes"]]
    if any(one["units"] for one in changes):
        console.say()
        _show_changes(changes)
    meant = value["document"]["axis_id"] if sender or day else reference
    if command := _by_hand(opened, meant, value["why"]):
        console.say(word("mark.by_hand", command=command))


def _by_hand(home: Home, reference: str, causes: Sequence[dict[str, Any]]) -> str:
    """The command by which the first agency of this home that a clerk is waited for says so; "" where none is."""
    mine = set(home.codes())
    for one in causes:
        if one["recipient"] in mine and (status := STATUS_OF.get(one["cause"])):
            words = ("axis", "mark", reference, status, "--as", one["recipient"], "--home", str(home.path))
            return shlex.join(words)
    return ""


def _follow(home: Home, value: dict[str, Any], interval: float, *, as_json: bool) -> None:
    """What happens from now on, a line for each event, until every recipient has it or it has ended otherwise, or
    somebody stops it."""
    import time

    tick = 0.1  # seconds
    reference = value["document"]["axis_id"]
    with stoppable() as stopped:
        while reference and not _is_over(value):
            for _ in range(round(interval / tick)):
                if stopped():
                    return
                time.sleep(tick)
            seen = len(value["events"])
            value = ask(home, reference, as_json=as_json)
            for event in value["events"][seen:]:
                console.data(event) if as_json else console.say("  ".join(filter(None, _event(event))))
            sys.stdout.flush()
    if not as_json:
        console.say()
        show_why(value["why"])


def _is_over(value: dict[str, Any]) -> bool:
    rows = value["deliveries"]
    return bool(rows) and all(row["state"] in OVER or row["closed"] for row in rows)


def show_trace(value: dict[str, Any]) -> None:
    """For people: the document, where it is and why, trouble first; its deliveries, what was asked about it, its
    events."""
    about = value["document"]
    _show_document(about)
    if value["why"]:
        console.say()
        show_why(value["why"], value.get("findings", []))
        console.say()
    _show_deliveries(value["deliveries"], {one["recipient"]: one["cause"] for one in value["why"]})
    console.say()
    if by := about.get("superseded_by"):
        console.say(f"{word('trace.superseded')}: {by}\n")
    _show_changes(value["changes"])
    _show_events(value["events"], value["submissions"])


def _show_events(events: Sequence[dict[str, Any]], submissions: Sequence[dict[str, Any]]) -> None:
    """The time-line: of the document, and apart of each recall, update and status about it."""
    columns = [word(f"trace.{c}") for c in ("time", "actor", "event", "detail")]
    known = {one["axis_id"]: one for one in submissions}
    about = {axis_id: [one for one in events if one["axis_id"] == axis_id] for axis_id in known}
    about[""] = [one for one in events if one["axis_id"] not in known]
    shown = {axis_id: rows for axis_id, rows in about.items() if rows}
    for number, (axis_id, rows) in enumerate(shown.items()):
        if len(shown) > 1 and axis_id:
            one = known[axis_id]
            said = {"kind": console.label("kind", one["kind"]), "sender": one["sender"], "id": axis_id}
            console.say(("\n" if number else "") + word("trace.submission", at=console.local(one["at"]), **said))
        console.table(columns, [_event(one) for one in rows])


def _event(event: dict[str, Any]) -> tuple[str, str, str, str]:
    """When, who, what, and with what."""
    said = event_text(event["event"], LANG) + (f" → {event['recipient']}" if event.get("recipient") else "")
    return console.local(event["time"]), event["actor"], said, console.facts(event["detail"])


def _show_document(about: dict[str, Any]) -> None:
    console.say(f"{word('trace.document')}: {console.plain(about['code'])} · {console.plain(about['subject'])}")
    if about["axis_id"]:
        console.say(f"  axis id: {about['axis_id']}")
    console.say(f"  DocumentId: {console.plain(about['document_id'])}")
    console.say(f"  {word('trace.from')}: {about['from']}")
    taken = "trace.received" if "registry_version" in about else "trace.taken"
    console.say(f"  {word(taken)}: {console.local(about['received_at'])}")
    console.say(f"  {word('trace.digest')}: {about['content_digest']}")
    if kind := about.get("type"):
        title = kind["title_vi" if LANG == "vi" else "title_en"]
        console.say(f"  {word('trace.type')}: {console.plain(title)} ({kind['name']} {kind['version']})")
        for one in kind["shown"]:
            console.say(f"    {console.plain(one['vi' if LANG == 'vi' else 'en'])}: {console.plain(one['value'])}")
    if gone := about.get("gone"):
        when = console.local(about.get("ended_at", ""))
        console.say(f"  {word(f'trace.gone.{gone}' if when or gone == 'recall' else 'trace.gone.here', time=when)}")


def show_why(causes: Sequence[dict[str, Any]], findings: Sequence[dict[str, Any]] = ()) -> None:
    """Where each delivery is and why, trouble first: a sentence, and who has to do what. `findings`: why a packet was
    refused."""
    reasons = told(findings)
    for one in causes:
        said, next_step = sentences(one)
        console.say(f"{'✗' if one['is_trouble'] else '·'} {console.plain(said)}")
        for reason in reasons if not one["recipient"] else ():
            console.say(f"    {reason}")
        console.say(f"    → {console.plain(next_step)}")


def sentences(one: dict[str, Any]) -> tuple[str, str]:
    """See :func:`axis.core.saying.sentences`."""
    return saying.sentences(one, LANG)


def _show_deliveries(deliveries: Sequence[dict[str, Any]], causes: dict[str, str]) -> None:
    """In the order of the causes, trouble first, each with its cause in a few words."""
    rows = []
    order = list(causes)
    for one in sorted(deliveries, key=lambda row: order.index(row["recipient"])):
        business = one["business_status"]
        known = word(f"business.{business}") if f"business.{business}" in TEXTS else business
        rows.append(
            (
                one["recipient"],
                word(f"cause.{causes[one['recipient']]}"),
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
            console.plain(change["reason"]),
            console.local(unit["answered_at"]),
            console.plain(unit["reason"]),
            change["axis_id"],
        )
        for change in asked
        for unit in change["units"]
    ]
    if changes:
        names = ["trace.change", "trace.recipient", "trace.state", "trace.asked_reason"]
        names += ["trace.answered", "trace.reason", "column.by"]
        console.table([word(name) for name in names], changes)
        console.say()
