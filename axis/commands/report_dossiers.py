"""``axis report dossiers``: applications for public services in figures; beside the published ones of 2020."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import LANG, word
from axis.commands.options import at_home, command
from axis.commands.process import now, open_home
from axis.texts import number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.core.applications.published import Claim
    from axis.home import Home
    from axis.services.questions.dossiers import By

BY = ("province", "ministry", "service", "month", "channel")
SPANS = ("day", "week", "month", "quarter", "year")
COLUMNS = (
    *("carried_over", "received", "resolved", "early", "on_time", "late", "open", "withdrawn"),
    *("collected", "returned", "paid"),
)
EXPORTED = (
    *("carried_over", "received", "total", "resolved", "early", "on_time", "late", "open", "overdue", "withdrawn"),
    *("stopped", "not_accepted", "collected", "returned", "paid", "ratio"),
)
BAR = 20  # cells of the line towards the target
NAMED = 10  # banks, or agencies that are missing


@command("help.report.dossiers", "axis report dossiers 2026-02 --by province")
@click.argument("period", default="")
@click.option("--by", type=click.Choice(BY), default="province", show_default=True, help=word("help.report.by"))
@click.option("--span", type=click.Choice(SPANS), default="month", show_default=True, help=word("help.report.span"))
@click.option("--csv", "as_csv", is_flag=True, help=word("help.report.csv"))
@click.option("--published", is_flag=True, help=word("help.report.published"))
@at_home
def dossiers(home: Path, period: str, by: By, span: str, as_csv: bool, published: bool, as_json: bool) -> None:
    """How many applications, and how many of them in time."""
    from axis.core import figures
    from axis.core.instant import VIETNAM

    if published:
        _published(as_json=as_json)
        return
    moment = now()
    try:
        whole = figures.period(figures.Span(span), moment.astimezone(VIETNAM).date())
        asked = figures.read_period(period) if period else whole
    except ValueError:
        raise click.BadParameter(word("report.period"), param_hint=word("metavar.period")) from None
    opened = open_home(home)
    value = _asked(opened, asked, by, moment)
    if as_json:
        console.data(value)
    elif as_csv:
        _csv(value)
    else:
        _show(value)


def _asked(home: Home, asked: Any, by: By, moment: Any) -> dict[str, Any]:
    from axis.home import reading, reading_registry
    from axis.services.questions import dossiers

    with ExitStack() as stack:
        registry = stack.enter_context(reading_registry(home))
        store = stack.enter_context(reading(home)) if home.config.installation.role == "all" else None
        served = home.config.installation.agencies or [one.code for one in registry.agencies]
        spools = {
            code: home.path / "agencies" / code / "spool"
            for code in served
            if home.config.adapter.of(code)[0] == "spool"
        }
        value = dossiers.report(store, registry, spools, asked, by, moment, home.config.portal.owner)
    settings = home.config.portal
    share = value["services"]["offers"] / settings.services if settings.services else None
    value["target"] = {"services": settings.services, "target": settings.target, "reached": share}
    return value


def _csv(value: dict[str, Any]) -> None:
    """One line a row, numbers as computers read them."""
    import csv
    import io

    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow([value["by"], "name", *EXPORTED])
    for row in (*value["rows"], {"key": "*", "name": "", **value["total"]}):
        # A spreadsheet takes what begins with one of these for a formula.
        first = [f"'{one}" if str(one)[:1] in {"=", "+", "-", "@"} else one for one in (row["key"], row["name"])]
        out.writerow([*first, *("" if row[name] is None else row[name] for name in EXPORTED)])
    console.raw(text.getvalue())


def _show(value: dict[str, Any]) -> None:
    from axis.commands.report import first_day, last_day

    bounds = value["period"]
    title = word("dossiers.title", since=first_day(bounds["since"]), until=last_day(bounds["before"]))
    console.say(title if bounds["is_over"] else f"{title} {word('report.so_far')}")
    if value["rows"]:
        _table(value["by"], (*value["rows"], {"key": word("report.all"), **value["total"]}))
    else:
        console.say(word("dossiers.nothing"))
    for line in _sentences(value):
        console.say(line)


def _table(by: str, rows: Sequence[dict[str, Any]]) -> None:
    shown = [
        (
            word(f"dossiers.channel.{row['key']}") if row["key"] in {"on_line", "post", "counter"} else row["key"],
            *(number(row[name], LANG) for name in COLUMNS),
            percent(row["ratio"], LANG),
        )
        for row in rows
    ]
    names = (f"dossiers.by.{by}", *(f"dossiers.{name}" for name in COLUMNS), "dossiers.ratio")
    console.table([word(name) for name in names], shown, right=range(1, len(names)))


def _sentences(value: dict[str, Any]) -> list[str]:
    """What the figures come to, in words."""
    whole, ratios, lines = value["total"], value["ratios"], []
    if ratios["pooled"] is not None:
        shown = {"pooled": percent(ratios["pooled"], LANG), "mean": percent(ratios["mean"], LANG)}
        lines.append(word("dossiers.ratios", rows=len(value["rows"]), **shown))
    if value["rows"]:
        others = {name: whole[name] for name in ("not_accepted", "stopped", "overdue")}
        lines.append(word("dossiers.others", **others))
        lines += [
            word("dossiers.broken", row=one["key"], left=one["left"], right=one["right"], identity=one["identity"])
            for one in value["broken"]
        ] or [word("dossiers.sound")]
    if banks := list(value["banks"].items())[:NAMED]:
        lines.append(word("dossiers.banks", banks=", ".join(f"{code} {number(n, LANG)}" for code, n in banks)))
    if services := value["services"]["services"]:
        lines.append(word("dossiers.services", services=services, offers=value["services"]["offers"]))
    if (coverage := value["coverage"]) is not None:
        lines.append(word("dossiers.coverage", exchanging=coverage["exchanging"], members=coverage["members"]))
        if missing := coverage["missing"]:
            named = ", ".join(missing[:NAMED]) + (" …" if len(missing) > NAMED else "")
            lines.append(word("dossiers.missing", agencies=named))
    target = value["target"]
    if target["reached"] is not None:
        lines.append(_line(target["target"], target["services"], target["reached"]))
    return lines


def _line(target: float, services: int, reached: float) -> str:
    """How far it is to the target."""
    done = min(BAR, round(BAR * reached / target)) if target else BAR
    bar = "█" * done + "░" * (BAR - done)
    shown = {"target": percent(target, LANG), "reached": percent(reached, LANG)}
    return word("dossiers.target", services=services, bar=bar, **shown)


# -- Beside the published figures of 2020 ------------------------------------------------------------------------------


def _published(*, as_json: bool) -> None:
    from axis.core.applications import figures, published
    from axis.services.operate.provision import catalogue
    from axis.services.questions.dossiers import numbers
    from axis.trials.applications import record_of_2020

    record = record_of_2020(tuple(row["code"] for row in catalogue()))
    coverage = figures.coverage(record.members, record.members, record.members)
    claims = published.claims(record.applications, record.events, record.offers, record.services, coverage)
    hanoi = [(one, count) for one, count in record.applications if one.resolver == published.HANOI]
    cells = list(figures.cells(hanoi, published.SPRING, lambda one: one.resolver))
    months = figures.by_month(cells, (), [f"2020-0{n}" for n in range(1, 5)])
    rows = [{"key": month, **numbers(row)} for month, row in months.items()]
    if as_json:
        console.data({"claims": [_exported(one) for one in claims], "months": rows})
        return
    console.say(word("published.title"))
    notes: list[str] = []
    shown = []
    for one in claims:
        mark = ""
        if one.note:
            text = word(f"published.note.{one.note}", **_facts(one))
            if text not in notes:
                notes.append(text)
            mark = f"[{notes.index(text) + 1}]"
        shown.append((word(f"published.{one.name}"), _figure(one, one.published), _figure(one, one.found), mark))
    columns = [word(f"published.{name}") for name in ("figure", "published", "found", "note")]
    console.table(columns, shown, right=(1, 2))
    for place, text in enumerate(notes, 1):
        console.say(f"[{place}] {text}")
    console.say(f"\n{word('published.months')}")
    _table("month", rows)


def _exported(one: Claim) -> dict[str, Any]:
    from axis.core.applications.published import shown

    said = {"published": shown(one.published, one.unit), "found": shown(one.found, one.unit), "unit": one.unit}
    return {"name": one.name, **said, "agrees": one.agrees, "note": one.note, "facts": one.facts}


def _figure(one: Claim, value: float) -> str:
    """As people write it."""
    from axis.core.applications.published import shown

    if one.unit == "count":
        return number(round(value), LANG)
    whole, _, digits = shown(value, one.unit).partition(".")
    sign = "+" if whole.startswith("+") else ""
    written = f"{sign}{number(int(whole), LANG)}{',' if LANG == 'vi' else '.'}{digits}"
    if one.unit in {"thousand", "billion"}:
        return word(f"published.unit.{one.unit}", value=written)
    return f"{written} %"


def _facts(one: Claim) -> dict[str, Any]:
    """A note's facts: shares as percentages, all others as whole numbers."""
    shares = {"share", "pooled"}
    said = {name: percent(value, LANG) if name in shares else round(value) for name, value in one.facts.items()}
    if one.note == "share":  # that it has no more digits is what it tells
        written = f"{one.facts['share'] * 100:.4f} %"
        said["share"] = written.replace(".", ",") if LANG == "vi" else written
    return said
