"""``axis agency …``: the registry, and the changes of it."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.applied import show_applied, warn_of_past
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

    name = word("metavar.days")

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


def carry_to_broker(home: Home, registry: Any, as_json: bool, also: tuple[str, ...] = ()) -> None:
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
    carry_to_broker(opened, registry, as_json)


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
    carry_to_broker(opened, registry, as_json)


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
    warn_of_past(at, now())
    _show_change(registry.version, code, "close", as_json)
    carry_to_broker(opened, registry, as_json)


@agency.command(
    "apply",
    **settings("help.agency.apply", 'axis agency apply sap-nhap.csv --at "2025-07-01 00:00" --rehearse', changes=True),
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--at", "moment", type=click.DateTime(MOMENTS), help=word("help.agency.apply.at"))
@click.option("--rehearse", is_flag=True, help=word("help.agency.apply.rehearse"))
@click.option("--reason", default="", help=word("help.agency.reason"))
@at_home
def agency_apply(home: Path, file: Path, moment: datetime | None, rehearse: bool, reason: str, as_json: bool) -> None:
    """Many changes in one version."""
    from collections import Counter

    from axis import bootstrap
    from axis.core import succession_plan
    from axis.core.instant import VIETNAM, to_text
    from axis.services.operate import registry as members

    opened, current = open_home(home), now()
    at = moment.replace(tzinfo=VIETNAM) if moment else current
    rows = succession_plan.read(file.read_bytes())
    with bootstrap.registrar(opened) as registrar:
        before = registrar.registry()
        registry = succession_plan.plan(before, rows, at, current)
        flying = members.changing_hands(registrar, rows, registry, at)
        if not rehearse:
            registry = members.apply(registrar, rows, at, reason, current)
    counts = Counter(row.change for row in rows)
    warn_of_past(at, current)
    if as_json:
        said = {"registry": registry.version, "changed": registry is not before, "rehearsed": rehearse}
        console.data({**said, "at": to_text(at), "changes": dict(counts), "in_flight": flying})
    else:
        show_applied(registry.version, before.version, counts, to_text(at), flying, rehearse=rehearse)
    if not rehearse:
        carry_to_broker(opened, registry, as_json)


@agency.command("follow", **settings("help.agency.follow", 'axis agency follow H22 --reason "…"', changes=True))
@click.argument("code")
@click.option("--dry-run", is_flag=True, help=word("help.agency.follow.dry"))
@click.option("--reason", default="", help=word("help.agency.reason"))
@at_home
def agency_follow(home: Path, code: str, dry_run: bool, reason: str, as_json: bool) -> None:
    """What it may have had goes to its successor."""
    from axis import bootstrap
    from axis.commands.officer import permitted
    from axis.infra.record import backlog
    from axis.services.hub import take_back
    from axis.services.operate import registry as members

    opened = open_home(home)
    with bootstrap.registrar(opened) as registrar:
        code = members.member_code(registrar, code)
    with ExitStack() as stack:
        if not dry_run:
            stack.enter_context(permitted(opened, "follow", code, reason))
        hub = stack.enter_context(bootstrap.any_hub(opened))
        take_back.check_gone(hub, code, now())
        to, moved = hub.mailbox(code, now()), 0
        for one in () if dry_run else take_back.move_on(hub, code, reason, now()):
            moved += 1
            console.data(one) if as_json else console.say(word("follow.one", from_=one["from"], **one))
        with hub.store.reading() as reader:
            left = sum(one["fresh"] + one["tried"] for one in backlog.in_flight(reader, [code]))
    if as_json:
        console.data({"agency": code, "successor": to, "moved": moved, "open": left})
    else:
        count = left if dry_run else moved
        console.say(word("follow.dry" if dry_run else "follow.done", count=count, code=code, to=to))


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
    carry_to_broker(opened, registry, as_json, also=(code,) if revoke else ())


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


@agency.command(
    "request", **settings("help.agency.request", "axis agency request --code H41 --home axis-H41", changes=True)
)
@click.option("--code", required=True, help=word("help.agency.own_code"))
@click.option(
    "--key-type",
    type=click.Choice(["p256", "rsa"]),
    default="p256",
    show_default=True,
    help=word("help.init.key_type"),
)
@click.option("--installation", default="", help=word("help.registrar.installation"))
@at_home
def agency_request(home: Path, code: str, key_type: Any, installation: str, as_json: bool) -> None:
    """A new key here, and the request for its certificate."""
    from axis.config import FILE
    from axis.core import enrolment
    from axis.errors import Fault, Misconfigured, Problem
    from axis.home import signer_of
    from axis.services.operate import enrol

    before = None
    if (home / FILE).exists():
        opened = open_home(home)
        here = opened.config.installation
        if here.role != "agency" or code not in here.agencies:
            got = f"{here.role} {', '.join(here.agencies)}".strip()
            raise Misconfigured(Problem(Fault.CONFIG_INVALID, "installation", f"agency {code}", got))
        installation = here.id
        try:
            before = signer_of(opened, code)
        except AxisError as error:
            console.note("request.lost", why=console.plain(error.problems[0].text(console.LANG)))
    path, data = enrol.request(home, code, key_type, installation, before, now())
    digest = enrolment.fingerprint(data)
    if as_json:
        console.data({"code": code, "file": str(path), "fingerprint": digest, "introduced": before is not None})
        return
    console.say(word("request.made", file=path, fingerprint=enrolment.spoken(digest)))
    console.note("request.next", file=path.name)


@agency.command(
    "admit",
    **settings(
        "help.agency.admit", "axis agency admit H41.request --fingerprint SHA256 --to H41.enrolment", changes=True
    ),
)
@click.argument("request", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--fingerprint", default="", help=word("help.agency.fingerprint"))
@click.option("--to", "target", type=click.Path(path_type=Path, dir_okay=False), help=word("help.agency.enrolment"))
@click.option("--certificate", type=click.Path(path_type=Path, exists=True, dir_okay=False), help=word("help.issued"))
@click.option("--authority", type=click.Path(path_type=Path, exists=True, dir_okay=False), help=word("help.authority"))
@click.option(
    "--voucher",
    "vouchers",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=word("help.agency.voucher"),
)
@click.option("--rehearse", is_flag=True, help=word("help.agency.rehearse"))
@at_home
def agency_admit(
    home: Path,
    request: Path,
    fingerprint: str,
    target: Path | None,
    certificate: Path | None,
    authority: Path | None,
    vouchers: tuple[Path, ...],
    rehearse: bool,
    as_json: bool,
) -> None:
    """An agency's own key."""
    from axis import bootstrap
    from axis.core import enrolment
    from axis.core.instant import to_text
    from axis.infra import keystore
    from axis.services.operate import enrol

    if (certificate is None) != (authority is None):
        raise click.UsageError("--certificate, --authority")
    opened = open_home(home)
    bootstrap.only_amqp(opened)
    data = request.read_bytes()
    asked = enrolment.read_request(data)
    given: dict[str, Any] = {
        "issued": keystore.load_certificate(certificate) if certificate is not None else None,
        "authority": keystore.load_certificate(authority) if authority is not None else None,
        "vouchers": [enrolment.read_voucher(one.read_bytes()) for one in vouchers],
    }
    with bootstrap.registrar(opened) as registrar:
        if rehearse:
            _show_rehearsal(enrol.rehearse(registrar, asked, now(), **given), as_json)
            return
        if not fingerprint:
            _show_request(asked, registrar.registry(), data, as_json)
            return
        enrolment.check_fingerprint(data, fingerprint)
        admitted = enrol.admit(registrar, opened.config, asked, now(), **given)
    shown: dict[str, Any] = {"registry": admitted.registry.version, "code": admitted.code, "change": "admit"}
    if admitted.enrolment is None:
        assert admitted.waits_until is not None  # noqa: S101
        until = to_text(admitted.waits_until)
        if as_json:
            console.data({**shown, "waits_until": until})
        else:
            console.say(word("admit.waits", code=admitted.code, time=console.local(until)))
        return
    place = target or Path(f"{admitted.code}.enrolment")
    keystore.replace_file(place, admitted.enrolment)
    digest = enrolment.fingerprint(admitted.enrolment)
    if as_json:
        console.data({**shown, "file": str(place), "fingerprint": digest})
    else:
        console.say(word("admit.done", code=admitted.code, version=admitted.registry.version))
        console.say(word("admit.file", file=place, fingerprint=enrolment.spoken(digest)))
        console.note("admit.next", file=place.name, code=admitted.code)
    carry_to_broker(opened, admitted.registry, as_json)


def _show_rehearsal(found: list[Any], as_json: bool) -> None:
    """What would fail; exit code 3 where anything would."""
    if as_json:
        console.data({"would_fail": [one.as_json(console.LANG) for one in found]})
    else:
        for one in found:
            console.say(f"{one.fault.code}: {console.plain(one.text(console.LANG))}")
        if not found:
            console.say(word("admit.rehearsed"))
    if found:
        raise click.exceptions.Exit(console.REFUSED)


def _show_request(asked: Any, registry: Any, data: bytes, as_json: bool) -> None:
    """What is to be compared before a request is admitted."""
    from axis.core import enrolment
    from axis.services.operate import registry as members

    member = members.known_member(registry, asked.code)
    key = asked.signing.public_key()
    size = f"{getattr(getattr(key, 'curve', None), 'name', 'RSA')} {key.key_size}"
    digest = enrolment.fingerprint(data)
    if as_json:
        console.data({"code": asked.code, "name": member.name_vi, "key": size, "fingerprint": digest})
        return
    console.say(word("admit.asked", code=asked.code, name=member.name_vi, kind=size))
    console.say(word("admit.compare", fingerprint=enrolment.spoken(digest)))


@agency.command(
    "enrol",
    **settings(
        "help.agency.enrol", "axis agency enrol H41.enrolment --fingerprint SHA256 --home axis-H41", changes=True
    ),
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--fingerprint", default="", help=word("help.agency.fingerprint"))
@at_home
def agency_enrol(home: Path, file: Path, fingerprint: str, as_json: bool) -> None:
    """Take home what the centre has admitted."""
    from contextlib import nullcontext

    from axis.config import FILE
    from axis.core import enrolment
    from axis.home import lock
    from axis.services.operate import enrol

    data = file.read_bytes()
    if not fingerprint:
        found = enrolment.read_enrolment(data)
        digest = enrolment.fingerprint(data)
        if as_json:
            console.data({"code": found.code, "installation": found.installation, "fingerprint": digest})
            return
        console.say(word("enrol.asked", code=found.code, fingerprint=enrolment.spoken(digest)))
        return
    found = enrol.check_enrolment(home, data, fingerprint, now())
    with lock(open_home(home)) if (home / FILE).exists() else nullcontext():
        enrol.enrol(home, found, now())
    if as_json:
        console.data({"home": str(home), "code": found.code})
        return
    console.say(word("enrol.done", code=found.code, home=home))
    console.note("enrol.next", code=found.code, home=home)


@agency.command("revoke", **settings("help.agency.end", "axis agency revoke H41 --reason DD-12", changes=True))
@click.argument("code")
@click.option("--certificate", "digest", default="", help=word("help.agency.digest"))
@click.option("--reason", default="", help=word("help.agency.reason"))
@at_home
def agency_revoke(home: Path, code: str, digest: str, reason: str, as_json: bool) -> None:
    """The end of a certificate."""
    from axis import bootstrap
    from axis.services.operate import enrol
    from axis.services.operate import registry as members

    opened = open_home(home)
    with bootstrap.registrar(opened) as registrar:
        before, code = registrar.registry().version, members.member_code(registrar, code)
        keeps = opened.config.broker.kind == "embedded"
        registry = enrol.revoke(registrar, code, digest, reason, now(), keeps_key=keeps)
    _show_change(registry.version, code, "revoke", as_json, changed=registry.version != before)
    carry_to_broker(opened, registry, as_json, also=(code,))
