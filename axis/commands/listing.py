"""``axis list``: the documents that fit a filter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import LANG, word
from axis.commands.options import at_home, command
from axis.commands.process import now, open_home
from axis.core import saying
from axis.texts import day as day_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from axis.core.figures import Period
    from axis.core.registry import Registry
    from axis.core.why import Cause
    from axis.home import Home
    from axis.infra.record.listing import Kind, Wanted
    from axis.services.questions.listing import Page

KINDS = ("document", "new", "replace", "update", "recall", "status", "all")
STATES = (
    *("trouble", "waiting", "good", "refused", "unit_refused", "given_up", "closed", "suspended", "retrying", "stuck"),
    *("overdue", "unreceived", "queued", "leaving", "held", "recall_asked", "arrived", "in_work", "finished"),
    *("recalled", "given_back"),
)
# What an agency's own home knows of them.
OWN = {
    "refused": ("refused", "invalid"),
    "leaving": ("pending", "handing_over"),
    "queued": ("held", "undecided", "received"),
    "arrived": ("handed_over",),
    "recalled": ("withdrawing", "withdrawn"),
}
DAYS = {"today": 0, "hôm nay": 0, "yesterday": 1, "hôm qua": 1}
ABOUT = ("axis_id", "document_id", "code", "subject", "kind", "priority", "sender", "received_at")
STANDING = ("recipient", "cause", "is_trouble", "actor", "since", "until")
LEAST = 8  # columns of a subject on a terminal,
MOST = {2: 20, 4: 22}  # and at most of a number and a cause
_PLACE = re.compile(r"[0-9a-f~:.TZ-]{1,200}")


@command("help.list", "axis list --from G22 --date yesterday --state trouble")
@click.argument("words", nargs=-1)
@click.option("--from", "sender", default="", help=word("help.find.from"))
@click.option("--to", "recipient", default="", help=word("help.list.to"))
@click.option("--date", "day", default="", help=word("help.list.date"))
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(STATES),
    metavar=word("metavar.state"),
    help=f"{word('help.list.state')} {', '.join(STATES)}.",
)
@click.option("--kind", type=click.Choice(KINDS), default="document", show_default=True, help=word("help.list.kind"))
@click.option("--type", "of_type", default="", help=word("help.list.type"))
@click.option("--priority", type=click.IntRange(0, 9), default=0, help=word("help.list.priority"))
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help=word("help.list.limit"))
@click.option("--after", default="", help=word("help.list.after"))
@click.option("--all", "every", is_flag=True, help=word("help.list.every"))
@click.option("--csv", "as_csv", is_flag=True, help=word("help.list.csv"))
@at_home
def documents(
    home: Path,
    words: Sequence[str],
    sender: str,
    recipient: str,
    day: str,
    states: Sequence[str],
    kind: Kind,
    of_type: str,
    priority: int,
    limit: int,
    after: str,
    every: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """The documents that fit."""
    from axis.infra.record.listing import Wanted

    if as_json and as_csv:
        raise click.UsageError(word("list.one_form"))
    if after and not _PLACE.fullmatch(after):
        raise click.BadParameter(word("list.place"), param_hint="--after")
    moment = now()
    period = _period(day, moment) if day else None
    since, before = (period.since, period.before) if period else (None, None)
    wanted = Wanted(
        sender,
        (recipient,) if recipient else (),
        (),
        kind,
        since,
        before,
        priority,
        " ".join(words).strip(),
        type=of_type.upper(),
    )
    opened = open_home(home)
    pages = _titled(opened, _pages(opened, wanted, states, after, limit, moment, every=every))
    _show(pages, as_csv=as_csv, as_json=as_json, of_type=wanted.type)


def _period(text: str, moment: datetime) -> Period:
    from datetime import timedelta

    from axis.core.figures import Span, period, read_period
    from axis.core.instant import VIETNAM

    if (back := DAYS.get(text.strip().lower())) is not None:
        return period(Span.DAY, moment.astimezone(VIETNAM).date() - timedelta(days=back))
    try:
        return read_period(text)
    except ValueError:
        raise click.BadParameter(word("list.period"), param_hint="--date") from None


def _pages(
    home: Home, wanted: Wanted, states: Sequence[str], after: str, limit: int, moment: datetime, *, every: bool
) -> Iterator[Page]:
    """One page, or all of them."""
    from contextlib import ExitStack
    from functools import cache

    from axis.home import reading, reading_journals, reading_registry
    from axis.services.questions import listing

    @cache
    def known() -> Registry:
        with reading_registry(home) as registry:
            return registry

    if wanted.sender:
        wanted = wanted._replace(sender=known().member_for(wanted.sender).code)
    if wanted.recipients:
        wanted = wanted._replace(recipients=tuple(known().member_for(one).code for one in wanted.recipients))
    size = listing.MAX_PAGE if every else limit
    with ExitStack() as stack:
        if home.config.installation.role == "agency":
            from axis.services.questions import own

            journals = stack.enter_context(reading_journals(home))

            def ask(after: str) -> Page:
                return own.page(journals, wanted, moment, states=_own(states), after=after, limit=size)

        else:
            record = stack.enter_context(reading(home))

            def ask(after: str) -> Page:
                return listing.page(record, known, wanted, moment, causes=_causes(states), after=after, limit=size)

        while True:
            found = ask(after)
            yield found
            after = found.after
            if not every or not after:
                return


def _titled(home: Home, pages: Iterable[Page]) -> Iterator[Page]:
    """The pages, with what the types of their documents are called; the types are asked for when one has some."""
    from functools import cache

    from axis.home import reading_types
    from axis.services.questions.types import title

    @cache
    def called(name: str) -> dict[str, str]:
        with reading_types(home) as types:
            return title(types, name)

    for page in pages:
        for row in page.rows:
            if "type" in row:
                row["type"] = {**row["type"], **called(row["type"]["name"])}
        yield page


def _own(states: Sequence[str]) -> list[str]:
    """The states of an agency's own journal that are meant by these."""
    return [name for one in states for name in OWN.get(one, (one,))]


def _causes(states: Sequence[str]) -> frozenset[Cause]:
    from axis.core.why import Cause
    from axis.services.questions.listing import GROUPS

    return frozenset().union(*(GROUPS.get(one) or {Cause(one)} for one in states))


def _show(pages: Iterable[Page], *, as_csv: bool, as_json: bool, of_type: str = "") -> None:
    """Page after page, so that what is shown does not grow in memory; then what comes after it. Of one type only, its
    fields are shown in the place of its title."""
    from functools import partial

    table = partial(_table, with_fields=bool(of_type))
    count, last, show = 0, None, _object if as_json else _csv if as_csv else table
    for number, last in enumerate(pages):
        count += len(last.rows)
        show(last.rows, is_first=number == 0)
    assert last is not None  # noqa: S101
    if as_json:
        console.data({"page": {"shown": count, "next": last.after or None, "is_short": last.is_short}})
        return
    if not as_csv:
        none = "list.none.so_far" if last.is_short else "list.none"
        console.say(word("list.shown", count=count) if count else word(none))
    if last.after:
        console.note("list.short" if last.is_short else "list.next", after=last.after)


def _object(rows: Sequence[dict[str, Any]], *, is_first: bool) -> None:
    del is_first
    for row in rows:
        console.data(row)


def _csv(rows: Sequence[dict[str, Any]], *, is_first: bool) -> None:
    """A line for each recipient, moments in UTC as computers read them."""
    import csv
    import io

    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    if is_first:
        out.writerow([*ABOUT, *STANDING])
    for row in rows:
        for one in row["recipients"] or [{}]:
            out.writerow(
                [saying.cell(row[name]) for name in ABOUT] + [saying.cell(one.get(name, "")) for name in STANDING]
            )
    console.raw(text.getvalue())


def _table(rows: Sequence[dict[str, Any]], *, is_first: bool, with_fields: bool = False) -> None:
    if not rows:
        return
    shown = [_line(row, with_fields=with_fields) for row in rows]
    names = ("find.accepted", "find.from", "find.number", "trace.recipient", "trace.state", "find.subject")
    columns = [word(name) for name in names]
    if room := console.room():
        year = max(row["received_at"] for row in rows)[:4]
        shown = [[console.cut(cell, MOST.get(at, room)) for at, cell in enumerate(line)] for line in shown]
        shown = [[_short(line[0], year), *line[1:]] for line in shown]
        widths = [max(map(console.columns_of, each)) for each in zip(columns, *shown, strict=True)]
        widths[0] = max(console.columns_of(line[0]) for line in shown)
        columns[0] = console.cut(columns[0], widths[0])
        left = max(LEAST, room - sum(widths[:-1]) - 2 * (len(widths) - 1))
        shown = [[*line[:-1], console.cut(line[-1], left)] for line in shown]
    console.table(columns if is_first else [""] * len(columns), shown)


def type_text(kind: dict[str, Any], *, with_fields: bool) -> str:
    """A document's type in words: its title, or the fields that are shown."""
    title = str(kind["title_vi" if LANG == "vi" else "title_en"])
    fields = "; ".join(f"{one['vi' if LANG == 'vi' else 'en']}: {one['value']}" for one in kind["shown"])
    return fields or title if with_fields else title


def _line(row: dict[str, Any], *, with_fields: bool = False) -> list[str]:
    standing = row["recipients"]
    first = standing[0] if standing else {"recipient": "", "cause": ""}
    alike = sum(one["cause"] == first["cause"] for one in standing)
    more = f" +{len(standing) - 1}" if len(standing) > 1 else ""
    cause = word(f"cause.{first['cause']}") if first["cause"] else ""
    state = f"{cause} ({alike})" if alike > 1 else cause
    subject = (
        row["subject"]
        if row["kind"] in {"new", "replace"}
        else f"[{word('report.kind.' + row['kind'])}] {row['subject']}"
    )
    if "type" in row:
        subject = f"[{type_text(row['type'], with_fields=with_fields)}] {subject}"
    return [
        _when(row["received_at"]),
        row["sender"],
        console.plain(row["code"]),
        first["recipient"] + more,
        state,
        console.plain(subject),
    ]


def _short(when: str, year: str) -> str:
    """Without the year, where it is this one."""
    return when.removeprefix(f"{year}-").replace(f"/{year} ", " ")


def _when(moment: str) -> str:
    """To the minute, as people of this country read it."""
    local = console.local(moment)
    return f"{day_of(local[:10], LANG)} {local[11:16]}"
