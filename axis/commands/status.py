"""``axis status``: one screen, trouble first."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import DONE, LANG, word
from axis.commands.doctor import MARKS, TROUBLE, as_object, found_of
from axis.commands.options import at_home, command
from axis.commands.process import now, stoppable
from axis.texts import duration, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime


WIDTH = 80
MOST = 8  # lines of trouble
NAMES = 6  # agencies in a line
LABEL = 16
# What the checks of the doctor are about, in the lines at the foot.
AREAS = {
    "broker": (
        *("broker", "broker_alarms", "clock_of_the_broker", "topology", "adapters", "full_queues", "unread"),
        *("dead_letters", "hubs", "outbox"),
    ),
    "database": ("database", "schema", "read_only", "durability", "clock_of_the_database"),
    "disk": ("disk",),
    "ledger": ("ledger_end", "ledger_links", "ledger_places", "clock_of_the_record", "restored"),
    "certificates": ("certificates", "young_certificates", "agency_certificates"),
}
# These stand in the lines of causes.
SHOWN_BY_CAUSE = {"given_up", "overdue", "silent"}
CLEAR = "\x1b[H\x1b[2J\x1b[3J"


@command("help.status", "axis status --watch")
@click.option("--watch", is_flag=True, help=word("help.status.watch"))
@click.option(
    "--interval", type=click.FloatRange(1, 3600), default=5, show_default=True, help=word("help.status.interval")
)
@click.option("--agencies", "each", is_flag=True, help=word("help.status.agencies"))
@at_home
def status(home: Path, watch: bool, interval: float, each: bool, as_json: bool) -> None:
    """How things stand."""
    if not watch:
        found = look(home, now())
        _say(found, home, each=each, as_json=as_json)
        sys.exit(TROUBLE if found["verdict"] == "bad" else DONE)
    with stoppable() as stopped:
        sys.exit(_watch(home, interval, stopped, each=each, as_json=as_json))


def _watch(home: Path, interval: float, stopped: Callable[[], bool], *, each: bool, as_json: bool) -> int:
    """Until it is asked to stop: on a terminal the page anew each time, elsewhere when what is wrong has changed."""
    import time

    before: object = None
    tick = 0.1  # seconds
    while True:
        found = look(home, now())
        changed = [found["verdict"], *((one.check, one.verdict) for one in found["findings"] if one.is_trouble)]
        changed += [(row["agency"], row["cause"]) for row in found["causes"] if row["verdict"] != "good"]
        if console.room() and not as_json:
            console.raw(CLEAR)
            _say(found, home, each=each, as_json=False)
        elif changed != before:
            _say(found, home, each=each, as_json=as_json)
        sys.stdout.flush()
        before = changed
        for _ in range(round(interval / tick)):
            if stopped():
                return TROUBLE if found["verdict"] == "bad" else DONE
            time.sleep(tick)


def look(home: Path, moment: datetime) -> dict[str, Any]:
    """What there is to say: the findings of the doctor about what was looked at, the causes, today, the agencies;
    ``verdict``: ``bad`` where somebody has to act at once, ``warn`` where somebody has to look, else ``good``."""
    from axis.core.doctor import Finding, Verdict, examine
    from axis.gathering import glance

    gathered = glance(home, moment)
    findings = [one for one in examine(gathered) if one.check not in SHOWN_BY_CAUSE]
    own = gathered.get("own", gathered.get("status", {}))
    if "error" in own:
        findings.append(Finding("database", Verdict.UNKNOWN, {"why": own["error"]}))
        own = {}
    causes = own.get("causes", [])
    verdicts = {one.verdict.value for one in findings} | {row["verdict"] for row in causes}
    verdict = "bad" if verdicts & {"bad", "unknown"} else "warn" if "warn" in verdicts else "good"
    facts = {one.check: one.facts for one in findings}
    return {
        "at": gathered["at"],
        "verdict": verdict,
        "findings": findings,
        "causes": causes,
        "today": own.get("today", {}),
        "agencies": own.get("agencies", []),
        "is_more": own.get("is_more", False),
        "facts": _facts(gathered, facts),
    }


def _facts(gathered: dict[str, Any], facts: dict[str, dict[str, str]]) -> dict[str, dict[str, Any]]:
    """What is said of an area where all is well."""
    found: dict[str, dict[str, Any]] = {}
    broker, record = gathered.get("broker", {}), gathered.get("record", {})
    if "version" in broker:
        found["broker"] = {"kind": "served", "version": broker["version"], "count": broker["dead"]}
    elif "dead" in gathered and not broker:
        found["broker"] = {"kind": "embedded", "count": gathered["dead"].get("count", 0)}
    elif "status" in gathered:
        found["broker"] = {"kind": "management"}
    if "version" in facts.get("database", {}):
        found["database"] = dict(facts["database"])
    if "disk" in facts:
        found["disk"] = dict(facts["disk"])
    if "ledger" in record:
        found["ledger"] = {"end": record["ledger"]["end"], "last": record["ledger"]["last"]}
    return found


def _say(found: dict[str, Any], home: Path, *, each: bool, as_json: bool) -> None:
    if as_json:
        findings = [as_object(one, home) for one in found["findings"]]
        console.data({**found, "findings": findings})
        return
    for line in page(found):
        console.say(line)
    if each and found["agencies"]:
        console.say()
        _agencies(found)


def page(found: dict[str, Any]) -> list[str]:
    """The lines of the screen, each of at most WIDTH columns."""
    from axis.core.instant import from_text

    moment = from_text(found["at"])
    bad, warn = _trouble(found, moment)
    verdict = word("status.trouble", bad=len(bad), warn=len(warn)) if bad or warn else word("status.good")
    lines = [f"{word('status.title')} · {console.local(found['at'])} · {verdict}"]
    trouble = [*bad, *warn]
    lines += trouble[:MOST]
    if len(trouble) > MOST:
        lines.append("  " + word("status.more", count=len(trouble) - MOST))
    if found["is_more"]:
        lines.append("  " + word("status.is_more"))
    lines += ["", *_today(found["today"]), *_waiting(found["causes"], moment), *_silent(found["agencies"], moment), ""]
    lines += _areas(found)
    if trouble:
        lines += ["", word("status.next")]
    return [console.cut(console.plain(line), WIDTH) for line in lines]


def _trouble(found: dict[str, Any], moment: datetime) -> tuple[list[str], list[str]]:
    """The lines of what has to be done at once, and of what somebody has to look at."""
    bad: list[str] = []
    warn: list[str] = []
    for one in found["findings"]:
        if one.is_trouble:
            line = f"{MARKS[one.verdict.value]} {word(f'doctor.{one.check}')}: {found_of(one)}"
            (warn if one.verdict.value == "warn" else bad).append(line)
    for row in found["causes"]:
        if row["verdict"] != "good":
            said = word("status.cause", **_cause(row, moment))
            (bad if row["verdict"] == "bad" else warn).append(f"{MARKS[row['verdict']]} {said}")
    return bad, warn


def _cause(row: dict[str, Any], moment: datetime) -> dict[str, str]:
    return {
        "agency": row["agency"],
        "cause": word(f"cause.{row['cause']}"),
        "count": number(row["count"], LANG),
        "age": _age(row["oldest"], moment),
        "actor": word(f"actor.{row['actor']}"),
    }


def _age(since: str, moment: datetime) -> str:
    from axis.core.instant import from_text

    return duration(max(0, int((moment - from_text(since)).total_seconds())), LANG) if since else "-"


def _labelled(label: str, texts: Iterable[str]) -> list[str]:
    """Lines beside one label."""
    shown = [word(f"status.{label}"), *[""] * 20]
    return [f"{_pad(name, LABEL)}{line}" for name, line in zip(shown, texts, strict=False)]


def _pad(text: str, width: int) -> str:
    return text + " " * (width - console.columns_of(text))


def _today(today: dict[str, Any]) -> list[str]:
    if "outgoing" in today:  # an agency's own home
        lines = []
        for label, direction in (("sent", "outgoing"), ("received", "incoming")):
            parts = [f"{word(f'cause.own.{state}')} {number(n, LANG)}" for state, n in sorted(today[direction].items())]
            lines += _labelled(label, [" · ".join(parts) or word("status.nothing")])
        return lines
    if not today:
        return []
    shown = {name: number(count, LANG) for name, count in today.items()}
    shown["open"] = number(today["accepted"] + today["queued"], LANG)
    return _labelled("today", [word(f"status.{name}", **shown) for name in ("accepted", "delivered", "refused")])


def _waiting(causes: Sequence[dict[str, Any]], moment: datetime) -> list[str]:
    """What waits without trouble, by cause."""
    waits = [row for row in causes if row["verdict"] == "good"]
    lines = []
    for cause in dict.fromkeys(row["cause"] for row in waits):
        rows = [row for row in waits if row["cause"] == cause]
        facts = {"count": number(sum(row["count"] for row in rows), LANG), "agencies": len(rows)}
        oldest = _age(min(row["oldest"] for row in rows), moment)
        lines.append(word("status.wait", cause=word(f"cause.{cause}"), age=oldest, **facts))
    nothing = "status.nothing_else" if len(waits) < len(causes) else "status.nothing"
    return _labelled("waiting", lines or [word(nothing)])


def _silent(agencies: Sequence[dict[str, Any]], moment: datetime) -> list[str]:
    """Who has sent and taken nothing for a day, the longest first."""
    if not agencies:
        return []
    silent = [one for one in agencies if one["is_silent"]]
    heard = sorted((max(one["last_sent"], one["last_taken"]), one["code"]) for one in silent)
    named = [(code, _age(last, moment)) for last, code in heard if last]
    never = [code for last, code in heard if not last]
    parts = []
    if named:
        shown = ", ".join(f"{code} ({age})" for code, age in named[:NAMES]) + (" …" if len(named) > NAMES else "")
        parts.append(word("status.silent_of", count=number(len(named), LANG), names=shown))
    if never:
        shown = ", ".join(never[:NAMES]) + (" …" if len(never) > NAMES else "")
        parts.append(word("status.never", count=number(len(never), LANG), names=shown))
    return _labelled("silent", parts or [word("status.nobody")])


def _areas(found: dict[str, Any]) -> list[str]:
    """A line for each of the servers and what the axis rests on."""
    lines = []
    by_check = {one.check: one for one in found["findings"]}
    for area, checks in AREAS.items():
        about = [by_check[name] for name in checks if name in by_check]
        facts = found["facts"].get(area, {})
        if not about and not facts:
            continue
        worst = next((v for v in ("bad", "unknown", "warn") if any(one.verdict.value == v for one in about)), "good")
        first = next((one for one in about if one.verdict.value == worst), None)
        said = found_of(first) if first is not None and worst != "good" else _well(area, facts)
        lines.append(f"{MARKS[worst]} {_pad(word(f'status.{area}'), LABEL - 2)}{said}")
    return lines


def _well(area: str, facts: dict[str, Any]) -> str:
    if area == "broker":
        return word(f"status.{facts['kind']}", **{name: one for name, one in facts.items() if name != "kind"})
    if area == "database":
        return " ".join(facts.values())
    if area == "disk":
        return word("doctor.disk.found", **facts)
    if area == "ledger":
        return word("status.end", end=number(facts["end"], LANG), at=console.local(facts["last"]) or "-")
    return word("status.valid")


def _agencies(found: dict[str, Any]) -> None:
    """Every agency: those that have most waiting first."""
    from axis.core.instant import from_text

    moment = from_text(found["at"])
    ordered = sorted(found["agencies"], key=lambda one: (-one["waiting"], one["code"]))
    rows = [
        (
            one["code"],
            word(f"standing.{one['standing']}"),
            console.local(one["last_sent"])[:16],
            console.local(one["last_taken"])[:16],
            number(one["waiting"], LANG),
            _age(one["oldest"], moment) if one["oldest"] else "",
        )
        for one in ordered
    ]
    names = ("status.agency", "column.standing", "status.last_sent", "status.last_taken", "status.waiting")
    console.table([word(name) for name in (*names, "status.oldest")], rows, right={4, 5})
