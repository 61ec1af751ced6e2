"""``axis agency …``: the registry, and the changes of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import word
from axis.commands.options import MOMENTS, at_home, settings
from axis.commands.process import now, open_home
from axis.errors import AxisError

if TYPE_CHECKING:
    from datetime import datetime

    from axis.home import Home


@click.group(help=word("help.agency"), short_help=word("help.agency"))
def agency() -> None:
    """See the help text."""


class _Days(click.ParamType[int]):
    """``30d`` or ``30``: a number of days."""

    name = "DAYS"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> int:
        """See :class:`click.ParamType`."""
        number = str(value).removesuffix("d")
        if not (number.isascii() and number.isdigit() and len(number) <= 5):
            self.fail(word("agency.days", got=console.plain(value)), param, context)
        return int(number)


@agency.command("list", **settings("help.agency.list", "axis agency list --expiring 30d"))
@click.argument("words", nargs=-1)
@click.option("--expiring", type=_Days(), help=word("help.agency.expiring"))
@at_home
def agency_list(home: Path, words: tuple[str, ...], expiring: int | None, as_json: bool) -> None:
    """Agencies: all, those whose names have these words, those whose certificates end soon."""
    from datetime import timedelta

    from axis.core.agencies import search
    from axis.core.instant import to_text
    from axis.home import reading_registry

    moment = now()
    with reading_registry(open_home(home)) as registry:
        found = search(registry.agencies, " ".join(words))
    if expiring is not None:
        soon = [(one.signs_until, one) for one in found if one.standing(moment) != "closed"]
        last = moment + timedelta(days=expiring)
        found = [one for end, one in sorted(((e, m) for e, m in soon if e and e <= last), key=lambda pair: pair[0])]
    rows = []
    for one in found:
        name = one.name_vi if console.LANG == "vi" else one.name_en or one.name_vi
        end = one.signs_until
        row = {"code": one.code, "name": name, "kind": one.kind, "standing": one.standing(moment)}
        left = str((end - moment).days) if end else ""
        rows.append(row | {"ends_at": to_text(end) if end else "", "days_left": left})
    if as_json:
        for row in rows:
            console.data({**row, "days_left": int(row["days_left"]) if row["days_left"] else None})
        return
    columns = ["code", "name", "kind", "standing", *(["ends_at", "days_left"] if expiring is not None else [])]
    shown = [
        row
        | {
            "kind": console.label("kind", row["kind"]),
            "standing": word(f"standing.{row['standing']}"),
            "ends_at": console.local(row["ends_at"]),
        }
        for row in rows
    ]
    console.table([word(f"column.{c}") for c in columns], [[row[c] for c in columns] for row in shown], {5})
    if not rows:
        console.say(word("agency.none"))


@agency.command("show", **settings("help.agency.show", "axis agency show G22"))
@click.argument("code")
@at_home
def agency_show(home: Path, code: str, as_json: bool) -> None:
    """One agency."""
    from axis.home import reading_registry
    from axis.services.operate import registry as members

    with reading_registry(open_home(home)) as registry:
        value = members.describe(registry, code, now())
    if as_json:
        console.data(value)
        return
    console.fields(value)


@agency.command(
    "add", **settings("help.agency.add", 'axis agency add G38 --name "Ủy ban sông Mê Công Việt Nam"', changes=True)
)
@click.argument("code")
@click.option("--name", required=True, help=word("column.name"))
@click.option("--name-en", default="", help=word("column.name") + " (en)")
@click.option("--kind", default="", help=word("column.kind"))
@click.option(
    "--key-type",
    type=click.Choice(["p256", "rsa"]),
    default="p256",
    show_default=True,
    help=word("help.init.key_type"),
)
@click.option(
    "--conformance",
    "report",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=word("help.agency.conformance"),
)
@at_home
def agency_add(
    home: Path, code: str, name: str, name_en: str, kind: str, key_type: Any, report: Path | None, as_json: bool
) -> None:
    """A new member."""
    from axis import bootstrap
    from axis.services.operate import registry as members

    opened = open_home(home)
    if report is not None or opened.config.hub.conformance == "required":
        bootstrap.check_report(opened, report.read_bytes() if report is not None else b"", now())
    with bootstrap.registrar(opened) as registrar:
        registry = members.add(registrar, code, name, name_en, kind, key_type, now())
    _show_change(registry.version, code, "add", as_json)


def _show_change(version: int, code: str, change: str, as_json: bool, *, changed: bool = True) -> None:
    if as_json:
        console.data({"registry": version, "code": code, "change": change, "changed": changed})
    elif not changed:
        console.say(word("registry.same", code=code))
    else:
        console.say(word("registry.changed", version=version, code=code, change=word(f"change.{change}")))


def _carry_to_broker(home: Home, registry: Any, as_json: bool, also: tuple[str, ...] = ()) -> None:
    """The broker follows the registry: rights first, then the open connections of who has none (and of `also`)."""
    import time

    from axis import bootstrap

    management = bootstrap.management(home)
    if management is None:
        return
    from axis.services.operate import broker_setup

    begun = time.monotonic()
    try:
        ended = broker_setup.follow(management, registry, now(), also)
    except AxisError:
        console.note("broker.unbarred")
        raise
    if not as_json:
        console.say(word("broker.barred", count=ended, seconds=time.monotonic() - begun))


@agency.command(
    "suspend", **settings("help.agency.suspend", 'axis agency suspend H41 --reason "lộ khóa"', changes=True)
)
@click.argument("code")
@click.option("--reason", default="", help=word("help.agency.reason"))
@at_home
def agency_suspend(home: Path, code: str, reason: str, as_json: bool) -> None:
    """Its mail waits from now on."""
    from axis import bootstrap
    from axis.services.operate import registry as members

    opened = open_home(home)
    with bootstrap.registrar(opened) as registrar:
        before, code = registrar.registry().version, members.member_code(registrar, code)
        registry = members.suspend(registrar, code, reason, now())
    _show_change(registry.version, code, "suspend", as_json, changed=registry.version != before)
    _carry_to_broker(opened, registry, as_json)


@agency.command("resume", **settings("help.agency.resume", "axis agency resume H41", changes=True))
@click.argument("code")
@click.option("--reason", default="", help=word("help.agency.reason"))
@at_home
def agency_resume(home: Path, code: str, reason: str, as_json: bool) -> None:
    """Its mail goes on."""
    from axis import bootstrap
    from axis.services.operate import registry as members

    opened = open_home(home)
    with bootstrap.registrar(opened) as registrar:
        before, code = registrar.registry().version, members.member_code(registrar, code)
        registry = members.resume(registrar, code, reason, now())
    _show_change(registry.version, code, "resume", as_json, changed=registry.version != before)
    _carry_to_broker(opened, registry, as_json)


@agency.command(
    "close", **settings("help.agency.close", "axis agency close G05 --successor G12 --from 2025-03-01", changes=True)
)
@click.argument("code")
@click.option("--successor", default="", help=word("help.agency.successor"))
@click.option("--from", "since", type=click.DateTime(MOMENTS), help=word("help.agency.from"))
@click.option("--reason", default="", help=word("help.agency.reason"))
@at_home
def agency_close(home: Path, code: str, successor: str, since: datetime | None, reason: str, as_json: bool) -> None:
    """Its mail goes to its successor."""
    from axis import bootstrap
    from axis.core.instant import VIETNAM
    from axis.services.operate import registry as members

    opened = open_home(home)
    at = since.replace(tzinfo=VIETNAM) if since else now()
    with bootstrap.registrar(opened) as registrar:
        code = members.member_code(registrar, code)
        after = members.member_code(registrar, successor) if successor else ""
        registry = members.close(registrar, code, after, reason, at, now())
    _show_change(registry.version, code, "close", as_json)
    _carry_to_broker(opened, registry, as_json)


@agency.command("alias", **settings("help.agency.alias", "axis agency alias H29 000.00.00.H29", changes=True))
@click.argument("code")
@click.argument("alias")
@click.option("--reason", default="", help=word("help.agency.reason"))
@at_home
def agency_alias(home: Path, code: str, alias: str, reason: str, as_json: bool) -> None:
    """Another code for it."""
    from axis import bootstrap
    from axis.services.operate import registry as members

    with bootstrap.registrar(open_home(home)) as registrar:
        before, code = registrar.registry().version, members.member_code(registrar, code)
        registry = members.add_alias(registrar, code, alias, reason, now())
    _show_change(registry.version, code, "alias", as_json, changed=registry.version != before)


@agency.command("rotate", **settings("help.agency.rotate", "axis agency rotate H41", changes=True))
@click.argument("code")
@click.option(
    "--key-type",
    type=click.Choice(["p256", "rsa"]),
    default="p256",
    show_default=True,
    help=word("help.init.key_type"),
)
@click.option("--revoke", is_flag=True, help=word("help.agency.revoke"))
@click.option("--reason", default="", help=word("help.agency.reason"))
@at_home
def agency_rotate(home: Path, code: str, key_type: Any, revoke: bool, reason: str, as_json: bool) -> None:
    """A new key."""
    from axis import bootstrap
    from axis.services.operate import registry as members

    opened = open_home(home)
    with bootstrap.registrar(opened) as registrar:
        code = members.member_code(registrar, code)
        registry = members.rotate(registrar, code, key_type, revoke=revoke, reason=reason, now=now())
    _show_change(registry.version, code, "rotate", as_json)
    _carry_to_broker(opened, registry, as_json, also=(code,) if revoke else ())


@agency.command("export", **settings("help.agency.export", "axis agency export G22 --to home-G22", changes=True))
@click.argument("codes", nargs=-1)
@click.option("--each", is_flag=True, help=word("help.agency.each"))
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help=word("help.agency.to"),
)
@at_home
def agency_export(home: Path, codes: tuple[str, ...], each: bool, target: Path, as_json: bool) -> None:
    """An agency's own home."""
    from axis.home import reading, reading_registry
    from axis.infra.record import registries
    from axis.services.operate import provision

    opened = open_home(home)
    with reading(opened) as record, record.reading() as reader:
        registry, digest = reader.payload(registries.newest(reader)), registries.types(reader)
        types = reader.payload(digest) if digest else b""
    if each and not codes:
        with reading_registry(opened) as known:
            codes = tuple(one.code for one in known.agencies if one.standing(now()) != "closed")
    if not codes:
        raise click.UsageError(word("export.nobody"))
    for part, place in [((code,), target / code) for code in codes] if each else [(codes, target)]:
        provision.export(home, opened.config, part, registry, place, now(), types)
        if as_json:
            console.data({"home": str(place), "agencies": list(part)})
        else:
            console.say(word("export.done", target=place, codes=", ".join(part)))
