"""``axis ping``: the connection between an agency and the centre tried, there and back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import DONE, LANG, word
from axis.commands.options import at_home, command
from axis.commands.process import now, open_home
from axis.errors import Fault, Misconfigured, Problem, Rejected
from axis.texts import number

if TYPE_CHECKING:
    from axis.core.line import Leg
    from axis.home import Home
    from axis.services.operate.line import Test

TROUBLE = 5  # exit code: somebody has to act
MARKS = {"good": "✓", "bad": "✗", "unknown": "?"}


@command("help.ping", "axis ping H41", changes=True)
@click.argument("code", default="")
@click.option("--wait", type=click.FloatRange(0, 600), default=15, show_default=True, help=word("help.ping.wait"))
@at_home
def ping(home: Path, code: str, wait: float, as_json: bool) -> None:
    """Is the way there and back open, and where is it not?"""
    opened = open_home(home)
    is_centre = opened.config.installation.role == "all"
    test = _from_centre(opened, code, wait) if is_centre else _from_agency(opened, code, wait)
    if as_json:
        legs = [_as_object(leg, test.agency) for leg in test.legs]
        facts = {"agency": test.agency, "from": "centre" if is_centre else "agency", "verdict": test.verdict.value}
        console.data({**facts, "clock_ms": test.clock_ms, "legs": legs})
    else:
        _show(test)
    sys.exit(TROUBLE if test.verdict.value == "bad" else DONE)


def _from_centre(home: Home, code: str, wait: float) -> Test:
    from contextlib import ExitStack

    from axis import bootstrap
    from axis.core.line import Cause, Leg, Verdict
    from axis.core.registry import HUB
    from axis.home import is_running, reading, reading_registry, signer_of
    from axis.services.operate import line

    with reading_registry(home) as registry:
        member = registry.by_code.get(code)
        if not code:
            raise click.UsageError(word("ping.whom"))
        if member is None or code == HUB:
            raise Rejected(Problem(Fault.AGENCY_UNKNOWN, got=code))
        if member.standing(now()) != "active":
            return line.Test(code, [Leg("hub", code, Verdict.UNKNOWN, cause=Cause.SUSPENDED)])
    with ExitStack() as stack:
        served = home.config.broker.kind == "amqp"
        link = stack.enter_context(bootstrap.hub_link(home, "ping")) if served else None
        record = stack.enter_context(reading(home))
        folder, works = home.path / line.FOLDER, served or is_running(home)
        installation, signer = home.config.installation.id, signer_of(home, HUB)
        centre = line.Centre(record, signer, installation, link, folder, works, now, wait)
        return line.from_centre(centre, code)


def _from_agency(home: Home, code: str, wait: float) -> Test:
    from axis import bootstrap
    from axis.home import reading_journal
    from axis.services.operate import line

    codes = home.codes()
    if not code and len(codes) != 1:
        raise click.UsageError(word("ping.whom"))
    if (code := code or codes[0]) not in codes:
        raise Misconfigured(Problem(Fault.KEY_FILE_MISSING, got=f"{home.path}/keys/{code}.key"))
    with bootstrap.hub_link(home, "ping", code) as link, reading_journal(home, code) as journal:
        return line.from_agency(journal, link, code, wait)


def _words(leg: Leg, agency: str) -> tuple[str, str, str]:
    """(what is wrong, who has to act, what to do); "" for a good leg."""
    if leg.cause is None:
        return "", "", ""
    if (problem := leg.problem) is not None:
        from axis.remedies import remedy

        said = f"{problem.fault.code}: {problem.text(LANG)}"
        return said, word(f"acts.{problem.fault.actor.value}"), remedy(problem.fault, LANG)
    # Who does not read what waits for an agency is its adapter; for the hub, the hub.
    place = "hub" if leg.end == "hub" else "agency"
    facts = {**leg.facts, "agency": agency}
    key = leg.cause.value
    if key in {"no_reader", "behind", "not_heard"}:
        key = f"{key}.{place}"
    return word(f"ping.{key}", **facts), word(f"ping.{key}.who", **facts), word(f"ping.{key}.do", **facts)


def _as_object(leg: Leg, agency: str) -> dict[str, Any]:
    said, who, todo = _words(leg, agency)
    more = {"cause": leg.cause.value, "said": said, "who": who, "todo": todo} if leg.cause is not None else {}
    return {"from": leg.start, "to": leg.end, "verdict": leg.verdict.value, "ms": leg.ms, **more}


def _place(name: str) -> str:
    return ", ".join(word(f"ping.place.{one}") if one in {"hub", "broker"} else one for one in name.split(", "))


def _show(test: Test) -> None:
    console.say(word(f"ping.{test.verdict.value}", agency=test.agency))
    for leg in test.legs:
        way = f"{_place(leg.start)} → {_place(leg.end)}"
        took = f"{number(leg.ms, LANG)} ms" if leg.ms is not None else ""
        console.say(f"{MARKS[leg.verdict.value]} {way}{': ' if took else ''}{took}")
        if leg.cause is not None:
            said, who, todo = _words(leg, test.agency)
            console.say(f"    {console.plain(said)}")
            console.say(f"    {word('ping.who', who=who)}")
            console.say(f"    {word('doctor.mend', said=console.plain(todo))}")
    if test.clock_ms:
        console.say(word("ping.clock", agency=test.agency, ms=number(test.clock_ms, LANG)))
