"""``axis officer …``: who signs the acts by which the registry is changed, and their signatures."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import word
from axis.commands.options import at_home, common, settings
from axis.commands.process import now, open_home

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from axis.core.officers import Signed
    from axis.core.registry import Certificate
    from axis.home import Home

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
ROLE = click.Choice(["operator", "registrar", "security"])


def entries(files: Sequence[Path], roles: Sequence[str] = ()) -> list[Certificate]:
    """The registry's entries of the officers with these certificates, of these roles or of each."""
    from axis.core.officers import ROLES, officer_entry
    from axis.infra.keystore import load_certificate

    return [officer_entry(load_certificate(one), roles or ROLES) for one in files]


def _password(from_stdin: bool) -> bytes | None:
    if not from_stdin:
        return None
    return sys.stdin.readline().rstrip("\r\n").encode() or None


@click.group(help=word("help.officer"), short_help=word("help.officer"))
def officer() -> None:
    """See the help text."""


@officer.command(
    "key", **settings("help.officer.key", 'axis officer key --name "Trần Thị Bình" --to key-B', changes=True)
)
@click.option("--name", required=True, help=word("help.officer.name"))
@click.option("--to", "target", type=click.Path(path_type=Path, file_okay=False), required=True,
              help=word("help.registrar.to"))  # fmt: skip
@click.option("--password-stdin", "from_stdin", is_flag=True, help=word("help.officer.password"))
@common
def officer_key(name: str, target: Path, from_stdin: bool, as_json: bool) -> None:
    """An officer's key."""
    from axis.core.enrolment import fingerprint, spoken
    from axis.services.operate import officers

    path = officers.make_key(target, name, _password(from_stdin), now())
    digest = fingerprint(path.read_bytes())
    if as_json:
        console.data({"certificate": str(path), "fingerprint": digest})
        return
    console.say(word("officer.made", folder=target, file=path.name, fingerprint=spoken(digest)))


@officer.command("list", **settings("help.officer.list", "axis officer list"))
@at_home
def officer_list(home: Path, as_json: bool) -> None:
    """Who signs, and which acts wait."""
    from axis.core import officers as known
    from axis.core.instant import to_text
    from axis.home import reading_registry
    from axis.services.operate import officers

    opened = open_home(home)
    with reading_registry(opened) as registry:
        found = known.listed(registry)
    for one in found if as_json else ():
        until = to_text(one.certificate.not_valid_after_utc)
        console.data({"officer": one.name, "roles": list(one.roles), "ends_at": until, "sha256": one.digest})
    waiting = officers.waiting(opened.path)
    for path in waiting if as_json else ():
        console.data({"waits": str(path)})
    if as_json:
        return
    rows = [
        (
            one.name,
            ", ".join(word(f"role.{role}") for role in one.roles),
            console.local(to_text(one.certificate.not_valid_after_utc)),
            one.digest[:16],
        )
        for one in found
    ]
    console.table([word(f"column.{name}") for name in ("officer", "roles", "ends_at", "sha256")], rows)
    if len(found) < 2:
        console.note("officer.alone" if found else "officer.none")
    for path in waiting:
        console.say(word("officer.waits", file=path))


@officer.command("add", **settings("help.officer.add", "axis officer add key-B/officer.pem", changes=True))
@click.argument("certificate", type=FILE)
@click.option("--role", "roles", multiple=True, type=ROLE, help=word("help.officer.role"))
@click.option("--reason", default="", help=word("help.agency.reason"))
@at_home
def officer_add(home: Path, certificate: Path, roles: tuple[str, ...], reason: str, as_json: bool) -> None:
    """One more officer."""
    from axis import bootstrap
    from axis.services.operate import officers
    from axis.services.operate import registry as members

    (entry,) = entries([certificate], roles)
    with bootstrap.registrar(open_home(home)) as registrar:
        hub = officers.with_officer(registrar.registry(), entry)
        registry = members.change(registrar, hub, "officers", reason, now())
    _show(registry, as_json)


@officer.command("remove", **settings("help.officer.remove", 'axis officer remove "Trần Thị Bình"', changes=True))
@click.argument("name")
@click.option("--reason", default="", help=word("help.agency.reason"))
@at_home
def officer_remove(home: Path, name: str, reason: str, as_json: bool) -> None:
    """One officer less."""
    from axis import bootstrap
    from axis.services.operate import officers
    from axis.services.operate import registry as members

    with bootstrap.registrar(open_home(home)) as registrar:
        hub = officers.without_officer(registrar.registry(), name)
        registry = members.change(registrar, hub, "officers", reason, now())
    _show(registry, as_json)


def _show(registry: Any, as_json: bool) -> None:
    from axis.core.officers import listed

    if as_json:
        console.data({"registry": registry.version, "officers": [one.name for one in listed(registry)]})
    else:
        console.say(word("officer.set", version=registry.version, count=len(listed(registry))))


@officer.command(
    "sign", **settings("help.officer.sign", "axis officer sign 17-close-G05.act --key key-B", changes=True)
)
@click.argument("act", type=FILE)
@click.option("--key", "folder", type=FOLDER, help=word("help.officer.folder"))
@click.option("--password-stdin", "from_stdin", is_flag=True, help=word("help.officer.password"))
@common
def officer_sign(act: Path, folder: Path | None, from_stdin: bool, as_json: bool) -> None:
    """See what an act says, and sign it."""
    from axis.core.officers import name_of, read
    from axis.core.officers import write as written
    from axis.infra import keystore
    from axis.services.operate import officers

    signed = read(act.read_bytes())
    signer = officers.load(folder, _password(from_stdin)) if folder is not None else None
    if signer is not None:
        signed = signed.by(signer)
        keystore.replace_file(act, written(signed))
    if as_json:
        told = signed.act.text.decode().split("\n")[1:-1]
        console.data({"act": told, "digest": signed.act.digest, "signatures": len(signed.signatures)})
        return
    _show_act(signed)
    if signer is None:
        console.say(word("officer.shown", file=act))
    else:
        console.say(word("officer.signed", file=act, name=name_of(signer.certificate)))
        console.note("officer.next", file=act.name)


def _show_act(signed: Signed) -> None:
    act = signed.act
    console.say(word("officer.act", what=word(f"change.{act.what}"), about=act.about, version=act.follows))
    console.say(word("officer.why", reason=console.plain(act.reason or "-")))
    for sign, lines in (("-", act.minus), ("+", act.plus)):
        for line in lines:
            console.say(f"  {sign} {console.plain(line)}")


@officer.command("carry-out", **settings("help.officer.carry", "axis officer carry-out 17-close-G05.act", changes=True))
@click.argument("act", type=FILE)
@at_home
def officer_carry_out(home: Path, act: Path, as_json: bool) -> None:
    """Do what an act says."""
    from axis import bootstrap
    from axis.commands.agency import carry_to_broker
    from axis.core import officers as known
    from axis.services.operate import registry as members

    signed = known.read(act.read_bytes())
    opened = open_home(home)
    if signed.act.what in known.DOINGS:
        _bring(opened, signed, as_json)
        return
    with bootstrap.registrar(opened) as registrar:
        registry, signed = members.carry_out(registrar, signed, now())
    names = ", ".join(one.name for one in known.signers(signed, registry))
    if as_json:
        facts = {"registry": registry.version, "change": signed.act.what, "code": signed.act.about}
        console.data({**facts, "digest": signed.act.digest, "signed": names})
    else:
        change = word(f"change.{signed.act.what}")
        console.say(word("registry.changed", version=registry.version, code=signed.act.about, change=change))
        if signed.act.what == "admit":
            console.note("officer.admitted")
    ended = (signed.act.about,) if signed.act.what in {"revoke", "rotate"} else ()
    carry_to_broker(opened, registry, as_json, also=ended)


def _bring(opened: Home, signed: Signed, as_json: bool) -> None:
    """What changes no registry is done by the command that has asked for it, when that is run again."""
    from axis.home import reading_registry
    from axis.services.operate import officers

    with reading_registry(opened) as registry:
        path = officers.bring(opened.path, signed, registry)
    if as_json:
        console.data({"file": str(path), "change": signed.act.what, "about": signed.act.about})
    else:
        console.say(word("officer.brought", about=console.plain(signed.act.about)))


@contextmanager
def permitted(opened: Home, what: str, about: str, reason: str) -> Iterator[None]:
    """Within: what officers have signed that it is done at the centre; an agency does in its own home what it likes.
    Raises Rejected ACT_WAITS."""
    from axis.home import reading_registry
    from axis.services.operate import officers

    if opened.config.installation.role != "all":
        yield
        return
    with reading_registry(opened) as registry:
        pass
    with officers.permitted(opened.path, registry, what, about, reason, now()):
        yield
