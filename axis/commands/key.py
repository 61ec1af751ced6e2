"""``axis key …``: the hub's own key, the next one, and the paper that names another where it is stolen or lost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import word
from axis.commands.options import MOMENTS, at_home, settings
from axis.commands.process import now, open_home

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from axis.home import Home

KEY_TYPE = click.Choice(["p256", "rsa"])
PAPER = click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)


def _paper_option(key: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option("--paper", "paper", type=PAPER, help=word(key))


@click.group(help=word("help.key"), short_help=word("help.key"))
def key() -> None:
    """See the help text."""


@key.command("show", **settings("help.key.show", "axis key show"))
@at_home
def key_show(home: Path, as_json: bool) -> None:
    """The hub's certificates."""
    from axis.core import chain
    from axis.core.instant import to_text
    from axis.home import hub_signers, reading_registry

    opened, moment = _centre(home), now()
    with reading_registry(opened) as registry:
        chosen = chain.choose(hub_signers(opened), registry, moment)
        listed, has_paper = chain.signing(registry), chain.recovery_key(registry) is not None
    rows = []
    for one in listed:
        begin, end = one.x509.not_valid_before_utc, one.x509.not_valid_after_utc
        if one.revoked_at is not None:
            state = "revoked"
        elif chosen is not None and one.der == chosen.der:
            state = "signs"
        else:
            state = "ended" if end <= moment else "next" if begin > moment else "before"
        facts = {"state": state, "sha256": one.digest, "begins_at": to_text(begin), "ends_at": to_text(end)}
        rows.append({**facts, "days_left": max((end - moment).days, 0)})
    if as_json:
        console.data({"keys": rows, "recovery": has_paper})
        return
    columns = ("state", "sha256", "begins_at", "ends_at", "days_left")
    shown = [
        [
            word(f"key.state.{row['state']}"),
            str(row["sha256"])[:16],
            console.local(str(row["begins_at"])),
            console.local(str(row["ends_at"])),
            str(row["days_left"]),
        ]
        for row in rows
    ]
    console.table([word(f"column.{name}") for name in columns], shown, {4})
    console.say(word("key.paper.is" if has_paper else "key.paper.none"))


@key.command("next", **settings("help.key.next", "axis key next", changes=True))
@click.option("--key-type", type=KEY_TYPE, default="p256", show_default=True, help=word("help.init.key_type"))
@click.option("--from", "since", type=click.DateTime(MOMENTS), help=word("help.key.from"))
@click.option("--rehearse", is_flag=True, help=word("help.agency.rehearse"))
@click.option("--reason", default="", help=word("help.agency.reason"))
@at_home
def key_next(home: Path, key_type: Any, since: datetime | None, rehearse: bool, reason: str, as_json: bool) -> None:
    """The next key, introduced by the one in use."""
    from axis import bootstrap
    from axis.core import chain
    from axis.core.instant import VIETNAM, to_text
    from axis.home import hub_signers
    from axis.services.operate import hub_key

    opened, begins = _centre(home), since.replace(tzinfo=VIETNAM) if since else None
    with bootstrap.registrar(opened, now=now()) as registrar:
        if rehearse:
            _show_rehearsal(hub_key.rehearse(registrar, key_type, begins, now()), as_json)
            return
        found = hub_key.introduce(registrar, key_type, begins, reason, now())
        has_paper = chain.recovery_key(found.registry) is not None
    digest = hub_signers(opened)[-1].certificate.fingerprint(_sha256()).hex()
    if as_json:
        console.data({"registry": found.registry.version, "sha256": digest, "begins_at": to_text(found.begins)})
        return
    console.say(word("key.next.done", version=found.registry.version, digest=digest[:16]))
    signs = found.begins <= now()
    console.say(word("key.next.signs" if signs else "key.next.waits", time=console.local(to_text(found.begins))))
    if not has_paper:
        console.note("key.next.paper")
    console.note("key.next.after")


@key.command("revoke", **settings("help.key.revoke", "axis key revoke", changes=True))
@click.option("--certificate", "digest", default="", help=word("help.agency.digest"))
@click.option("--reason", default="", help=word("help.agency.reason"))
@at_home
def key_revoke(home: Path, digest: str, reason: str, as_json: bool) -> None:
    """The end of the keys before."""
    from axis import bootstrap
    from axis.services.operate import hub_key

    with bootstrap.registrar(_centre(home), now=now()) as registrar:
        before = registrar.registry().version
        registry = hub_key.revoke(registrar, digest, reason, now())
    changed = registry.version != before
    if as_json:
        console.data({"registry": registry.version, "changed": changed})
        return
    console.say(word("key.revoked" if changed else "key.revoke.none", version=registry.version))


@key.command("succeed", **settings("help.key.succeed", "axis key succeed --reason DD-12", changes=True))
@_paper_option("help.key.paper")
@click.option("--to", "target", type=click.Path(path_type=Path, dir_okay=False), help=word("help.key.to"))
@click.option("--key-type", type=KEY_TYPE, default="p256", show_default=True, help=word("help.init.key_type"))
@click.option("--rehearse", is_flag=True, help=word("help.agency.rehearse"))
@click.option("--reason", default="", help=word("help.agency.reason"))
@at_home
def key_succeed(
    home: Path, paper: Path | None, target: Path | None, key_type: Any, rehearse: bool, reason: str, as_json: bool
) -> None:
    """Another key in the place of one that was stolen or lost."""
    from axis import bootstrap
    from axis.home import reading_registry
    from axis.services.operate import hub_key

    opened = _centre(home)
    with reading_registry(opened) as known:
        if rehearse:
            _show_rehearsal(hub_key.rehearse_succession(opened.path, known, now()), as_json)
            return
        secret = read_paper(paper)
        hub_key.check_paper(known, secret, now())
    signer = hub_key.make_successor(opened.path, key_type, now())
    following, groups = hub_key.new_paper()
    # Before the registry names what stands on it: a paper that nobody has seen would be lost with this process.
    shown = show_paper(groups, opened.config.installation.id, target, as_json)
    with bootstrap.registrar(opened, signer=signer) as registrar:
        registry = hub_key.succeed(registrar, secret, following, reason, now())
    if as_json:
        console.data({"registry": registry.version, "sha256": signer.certificate.fingerprint(_sha256()).hex(), **shown})
        return
    console.say(word("key.succeeded", version=registry.version))
    console.note("key.succeeded.next")


@key.command("recovery", **settings("help.key.recovery", "axis key recovery --to phieu.txt", changes=True))
@_paper_option("help.key.paper")
@click.option("--to", "target", type=click.Path(path_type=Path, dir_okay=False), help=word("help.key.to"))
@click.option("--check", is_flag=True, help=word("help.key.check"))
@click.option("--reason", default="", help=word("help.agency.reason"))
@at_home
def key_recovery(home: Path, paper: Path | None, target: Path | None, check: bool, reason: str, as_json: bool) -> None:
    """The recovery key's paper."""
    from axis import bootstrap
    from axis.core import chain
    from axis.home import reading_registry
    from axis.services.operate import hub_key

    opened = _centre(home)
    with reading_registry(opened) as known:
        exists = chain.recovery_key(known) is not None
        before = read_paper(paper) if exists or check else None
        if before is not None:
            hub_key.check_paper(known, before, now())
    if check:
        console.data({"fits": True}) if as_json else console.say(word("key.paper.fits"))
        return
    secret, groups = hub_key.new_paper()
    with bootstrap.registrar(opened, now=now()) as registrar:
        shown = show_paper(groups, opened.config.installation.id, target, as_json)
        registry = hub_key.name_recovery(registrar, secret, before, reason, now())
    if as_json:
        console.data({"registry": registry.version, **shown})
        return
    console.say(word("key.recovery.done", version=registry.version))


def read_paper(file: Path | None) -> bytes:
    """What stands on a recovery paper: in this file, on the standard input (``-``), or typed now, unseen."""
    from axis.core import paper

    if file is None:
        return paper.read(click.prompt(word("key.paper.ask"), hide_input=True))
    with click.open_file(str(file), encoding="utf-8", errors="replace") as opened:
        return paper.read(opened.read(10_000))


def show_paper(groups: str, installation: str, target: Path | None, as_json: bool) -> dict[str, str]:
    """The form of a recovery paper, in a new file that only its owner may read, or on the screen; of the latter what
    ``--json`` says."""
    from axis.infra.keystore import write_private

    first, second = groups.splitlines()  # what is put into a sentence makes no line of it
    form = word("key.paper.form", installation=installation, first=first, second=second)
    if target is not None:
        try:
            write_private(target, f"{form}\n".encode())
        except OSError as error:
            from axis.errors import unusable

            raise unusable(target, error) from None
        if not as_json:
            console.note("key.paper.file", file=target)
        return {"paper": str(target)}
    if not as_json:
        console.say(form)
    return {"recovery": groups.replace("\n", " ")}


def _centre(home: Path) -> Home:
    """The hub's home, whose keys are files. Raises Misconfigured CONFIG_INVALID."""
    from axis.errors import Fault, Misconfigured, Problem

    opened = open_home(home)
    if opened.config.installation.role != "all":
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, "installation.role", "all", opened.config.installation.role))
    if opened.config.keys.signer != "file":
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, "keys.signer", "file", opened.config.keys.signer))
    return opened


def _sha256() -> Any:
    from cryptography.hazmat.primitives.hashes import SHA256

    return SHA256()


def _show_rehearsal(found: list[Any], as_json: bool) -> None:
    """What would fail; exit code 3 where anything would."""
    if as_json:
        console.data({"would_fail": [one.as_json(console.LANG) for one in found]})
    else:
        for one in found:
            console.say(f"{one.fault.code}: {console.plain(one.text(console.LANG))}")
        if not found:
            console.say(word("key.rehearsed"))
    if found:
        raise click.exceptions.Exit(console.REFUSED)
