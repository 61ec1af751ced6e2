"""``axis report``: how much, how much of it in time, and what was refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import LANG, word
from axis.commands.options import Reading, at_home, command
from axis.commands.process import now, open_home
from axis.core import saying
from axis.texts import duration, number, percent

if TYPE_CHECKING:
    from axis.infra.record.figures import By

DOSSIERS = "dossiers"
BY = ("agency", "unit", "kind", "priority", "day", "month", "type")
SPANS = ("day", "week", "month", "quarter", "year")
RARE = ("untimed", "given_up")  # a line of a terminal is short
EXPORTED = (
    *("documents", "updates", "recalls", "rejected", "deliveries", "handed_over", "on_time", "late", "untimed", "open"),
    *("overdue", "refused", "recalled", "given_up", "ratio"),
)


class Report(Reading):
    """The report on documents; ``axis report dossiers`` is the one on applications, with options of its own."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **more: Any
    ) -> click.Context:
        """See click: what is asked for is the other report, where its name comes first."""
        if args[:1] == [DOSSIERS]:
            from axis.commands.report_dossiers import dossiers

            return dossiers.make_context(f"{info_name} {DOSSIERS}", args[1:], parent, **more)
        return super().make_context(info_name, args, parent, **more)


@command("help.report", "axis report dossiers 2026-02\n  axis report 2026-Q3 --by agency", cls=Report)
@click.argument("period", default="")
@click.option("--by", type=click.Choice(BY), default="agency", show_default=True, help=word("help.report.by"))
@click.option("--span", type=click.Choice(SPANS), default="month", show_default=True, help=word("help.report.span"))
@click.option("--agency", default="", help=word("help.report.agency"))
@click.option("--csv", "as_csv", is_flag=True, help=word("help.report.csv"))
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help=word("help.report.html"))
@at_home
def report(
    home: Path, period: str, by: By, span: str, agency: str, as_csv: bool, html: Path | None, as_json: bool
) -> None:
    """How much, and how much of it in time."""
    from contextlib import nullcontext

    from axis.core import figures
    from axis.core.instant import VIETNAM
    from axis.home import reading, reading_registry, reading_types
    from axis.services.questions import report as reports

    moment = now()
    try:
        whole = figures.period(figures.Span(span), moment.astimezone(VIETNAM).date())
        asked = figures.read_period(period) if period else whole
    except ValueError:
        raise click.BadParameter(word("report.period"), param_hint=word("metavar.period")) from None
    opened = open_home(home)
    asked_types = reading_types(opened) if by == "type" else nullcontext()
    with reading_registry(opened) as registry, reading(opened) as record, asked_types as types:
        code = registry.member_for(agency).code if agency else ""
        value = reports.report(record, registry, asked, by, moment, code, types)
    if html is not None:
        from axis.commands.report_page import page

        html.write_text(page(value, period or span, _title(value), _sentences(value), LANG), "utf-8")
    if as_json:
        console.data(value)
    elif as_csv:
        _csv(value)
    elif html is not None:
        console.say(word("report.written", file=html))
    else:
        _show(value)


def _csv(value: dict[str, Any]) -> None:
    """One line a row: whole numbers and ratios as computers read them, durations in seconds."""
    import csv
    import io

    legs = [(leg, name) for leg in value["total"]["legs"] for name in ("ratio", "median_s", "p95_s")]
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow([value["by"], "name", *EXPORTED, *(f"{leg}_{name}" for leg, name in legs)])
    for row in (*value["rows"], {"key": "*", "name": "", **value["total"]}):
        known = [row[name] for name in EXPORTED] + [row["legs"][leg][name] for leg, name in legs]
        first = [saying.cell(one) for one in (row["key"], row["name"])]
        out.writerow([*first, *("" if one is None else one for one in known)])
    console.raw(text.getvalue())


def _show(value: dict[str, Any]) -> None:
    from axis.core import figures

    console.say(_title(value))
    if not value["rows"]:
        console.say(word("report.nothing"))
        return
    handover, shown = "handover", figures.shown(value, RARE)
    rows = [
        (
            saying.report_key(value["by"], row, LANG),
            *(number(row[name], LANG) for name in shown),
            percent(row["ratio"], LANG),
            duration(row["legs"][handover]["median_s"], LANG),
            duration(row["legs"][handover]["p95_s"], LANG),
        )
        for row in (*value["rows"], {"key": word("report.all"), **value["total"]})
    ]
    names = (f"report.by.{value['by']}", *(f"report.{name}" for name in shown), "report.ratio")
    columns = [word(name) for name in (*names, "report.median", "report.p95")]
    console.table(columns, rows, right=range(1, len(columns)))
    for line in _sentences(value):
        console.say(line)


def _title(value: dict[str, Any]) -> str:
    return saying.report_title(value, LANG)


def _sentences(value: dict[str, Any]) -> list[str]:
    return saying.report_sentences(value, LANG)


def first_day(moment: str) -> str:
    """See :func:`axis.core.saying.first_day`."""
    return saying.first_day(moment, LANG)


def last_day(moment: str) -> str:
    """See :func:`axis.core.saying.last_day`."""
    return saying.last_day(moment, LANG)
