"""``axis type …``: the document types, and the changes of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import LANG, REFUSED, word
from axis.commands.options import at_home, common, settings
from axis.commands.process import now, open_home
from axis.errors import Fault, Rejected, rejected

if TYPE_CHECKING:
    from axis.services.operate.types import Folder


@click.group("type", help=word("help.type"), short_help=word("help.type"))
def types() -> None:
    """See the help text."""


@types.command("list", **settings("help.type.list", "axis type list"))
@click.option("--shipped", is_flag=True, help=word("help.type.shipped"))
@at_home
def type_list(home: Path, shipped: bool, as_json: bool) -> None:
    """The types in use."""
    from axis.home import reading_types
    from axis.services.questions import types as questions

    if shipped:
        rows = [_shipped(folder) for folder in _documents()]
    else:
        with reading_types(open_home(home)) as known:
            rows = questions.listed(known)
    if as_json:
        for row in rows:
            console.data(row)
        return
    columns = ("name", "version", "title", "attachment", "registry")
    shown = [row | {"title": row["title_vi" if LANG == "vi" else "title_en"]} for row in rows]
    console.table([word(f"column.{one}") for one in columns], [[str(row[c]) for c in columns] for row in shown], {1, 4})
    if not rows:
        console.say(word("type.none"))


def _documents() -> list[Path]:
    from axis import schemas

    return schemas.documents()


def _shipped(folder: Path) -> dict[str, Any]:
    from axis.services.operate import types as operate

    manifest = operate.check(operate.read(folder)).manifest
    titles = {"title_vi": manifest.title.vi, "title_en": manifest.title.en}
    return {
        "name": manifest.name,
        "version": manifest.version,
        "registry": "",
        **titles,
        "attachment": manifest.attachment,
    }


@types.command("show", **settings("help.type.show", "axis type show ECABINET_BALLOT"))
@click.argument("name")
@click.option("--version", type=click.IntRange(1), help=word("help.type.version"))
@at_home
def type_show(home: Path, name: str, version: int | None, as_json: bool) -> None:
    """One type."""
    from axis.home import reading_types
    from axis.services.questions import types as questions

    with reading_types(open_home(home)) as known:
        value = questions.describe(known, name.upper(), version)
    console.data(value) if as_json else console.fields(value)


@types.command("check", **settings("help.type.check", "axis type check schemas/documents/ecabinet_ballot/1"))
@click.argument("folder")
@common
def type_check(folder: str, as_json: bool) -> None:
    """Everything that is wrong with a folder."""
    from axis.services.operate import types as operate

    found = _folder(folder)
    try:
        kind = operate.check(found)
    except Rejected as error:
        if as_json:
            for problem in error.problems:
                console.data({"folder": folder, **problem.as_json(LANG)})
        else:
            console.findings(error.problems)
            console.say(word("type.bad", folder=folder, errors=len(error.problems)))
        sys.exit(REFUSED)
    examples = len(found.valid) + len(found.invalid)
    if as_json:
        console.data({"folder": folder, "name": kind.name, "version": kind.version, "examples": examples})
    else:
        console.say(word("type.good", name=kind.name, version=kind.version, examples=examples))


def _folder(named: str) -> Folder:
    """A type's folder: at a path, or one that comes with the program, by its name and perhaps its version."""
    from axis.services.operate import types as operate

    if (path := Path(named)).is_dir():
        return operate.read(path)
    name, _, version = named.lower().partition("/")
    found = [one for one in _documents() if one.parent.name == name and version in {"", one.name}]
    if not found:
        raise rejected(Fault.NOT_FOUND, named)
    return operate.read(max(found, key=lambda one: int(one.name) if one.name.isdecimal() else 0))


@types.command("add", **settings("help.type.add", "axis type add schemas/documents/ecabinet_ballot/1", changes=True))
@click.argument("folder")
@click.option("--reason", default="", help=word("help.reason"))
@at_home
def type_add(home: Path, folder: str, reason: str, as_json: bool) -> None:
    """A new type, or a new version of one."""
    from axis import bootstrap
    from axis.services.operate import types as operate

    found = _folder(folder)
    with bootstrap.registrar(open_home(home)) as registrar:
        kind, registry, changed = operate.add(registrar, found, reason, now())
    _show_change("added", kind.name, kind.version, registry.version, as_json, changed=changed)


@types.command("retire", **settings("help.type.retire", "axis type retire ECABINET_BALLOT 1", changes=True))
@click.argument("name")
@click.argument("version", type=click.IntRange(1))
@click.option("--reason", default="", help=word("help.reason"))
@at_home
def type_retire(home: Path, name: str, version: int, reason: str, as_json: bool) -> None:
    """A version is used no more."""
    from axis import bootstrap
    from axis.services.operate import types as operate

    with bootstrap.registrar(open_home(home)) as registrar:
        registry, changed = operate.retire(registrar, name.upper(), version, reason, now())
    _show_change("retired", name.upper(), version, registry.version, as_json, changed=changed)


def _show_change(what: str, name: str, version: int, registry: int, as_json: bool, *, changed: bool) -> None:
    if as_json:
        console.data({"registry": registry, "name": name, "version": version, "change": what, "changed": changed})
    else:
        console.say(word(f"type.{what}" if changed else "type.same", name=name, version=version, registry=registry))
