"""``axis member …``: people below an agency who sign for themselves, and what is sealed to an agency with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from axis.commands import console
from axis.commands.console import word
from axis.commands.options import at_home, settings
from axis.commands.process import now, open_home


@click.group(help=word("help.member"), short_help=word("help.member"))
def member() -> None:
    """See the help text."""


@member.command("list", **settings("help.member.list", "axis member list"))
@at_home
def member_list(home: Path, as_json: bool) -> None:
    """Everybody who has a certificate."""
    from axis.home import reading_registry
    from axis.services.operate import people

    with reading_registry(open_home(home)) as registry:
        rows = people.listed(registry, now())
    if as_json:
        for row in rows:
            console.data(row)
        return
    columns = ("person", "agency", "name", "ends_at", "standing")
    shown = [
        row | {"ends_at": console.local(row["ends_at"]), "standing": word(f"standing.{row['standing']}")}
        for row in rows
    ]
    console.table([word(f"column.{name}") for name in columns], [[row[name] for name in columns] for row in shown])


@member.command("add", **settings("help.member.add", 'axis member add tv-01@G06 --name "Trần Thị Bình"', changes=True))
@click.argument("person")
@click.option("--name", required=True, help=word("help.member.name"))
@click.option("--key-type", type=click.Choice(["p256", "rsa"]), default="p256", show_default=True,
              help=word("help.init.key_type"))  # fmt: skip
@at_home
def member_add(home: Path, person: str, name: str, key_type: Any, as_json: bool) -> None:
    """A key and a certificate for a person."""
    from axis import bootstrap
    from axis.services.operate import people

    with bootstrap.registrar(open_home(home)) as registrar:
        registry = people.add(registrar, person, name, key_type, now())
    _show(registry.version, person, "person", as_json)


@member.command(
    "revoke", **settings("help.member.revoke", 'axis member revoke tv-01@G06 --reason "thôi chức vụ"', changes=True)
)
@click.argument("person")
@click.option("--reason", default="", help=word("help.agency.reason"))
@at_home
def member_revoke(home: Path, person: str, reason: str, as_json: bool) -> None:
    """From now on he signs nothing more."""
    from axis import bootstrap
    from axis.services.operate import people

    with bootstrap.registrar(open_home(home)) as registrar:
        registry = people.revoke(registrar, person, reason, now())
    _show(registry.version, person, "revoke", as_json)


@member.command("seal", **settings("help.member.seal", "axis member seal G22", changes=True))
@click.argument("code")
@at_home
def member_seal(home: Path, code: str, as_json: bool) -> None:
    """A certificate with which others seal to the agency."""
    from axis import bootstrap
    from axis.services.operate import people

    with bootstrap.registrar(open_home(home)) as registrar:
        registry = people.seal(registrar, code, now())
    _show(registry.version, code, "seal", as_json)


def _show(version: int, what: str, change: str, as_json: bool) -> None:
    if as_json:
        console.data({"registry": version, "code": what, "change": change, "changed": True})
    else:
        console.say(word("registry.changed", version=version, code=what, change=word(f"change.{change}")))
