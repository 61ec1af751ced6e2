"""``axis broker …``: what the broker must have, made and compared."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis.commands import console
from axis.commands.console import DONE, REFUSED, word
from axis.commands.options import at_home, settings
from axis.commands.process import now, open_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


SERVERS = "AXIS_AMQP_URL=amqp://… AXIS_MANAGEMENT_URL=http://…"


@click.group(help=word("help.broker"), short_help=word("help.broker"))
def broker() -> None:
    """See the help text."""


@contextmanager
def _broker_and_registry(home: Path) -> Iterator[tuple[Any, Any]]:
    from axis import bootstrap
    from axis.home import reading_registry

    opened = open_home(home)
    management = bootstrap.management(opened)
    if management is None:
        raise click.UsageError(word("broker.none"))
    with reading_registry(opened) as registry:
        yield management, registry


@broker.command(
    "setup",
    **settings("help.broker.setup", f"{SERVERS} axis broker setup", changes=True),
)
@click.option("--passwords", type=click.Path(path_type=Path, file_okay=False), help=word("help.broker.passwords"))
@click.option("--keep-guest", is_flag=True, help=word("help.broker.guest"))
@click.option("--close-old", is_flag=True, help=word("help.broker.close"))
@click.option("--remake", is_flag=True, help=word("help.broker.remake"))
@at_home
def broker_setup(
    home: Path, passwords: Path | None, keep_guest: bool, close_old: bool, remake: bool, as_json: bool
) -> None:
    """Make what is missing."""
    from axis.services.operate import broker_setup

    changed = wrong = 0

    def set_up() -> None:
        nonlocal changed, wrong
        for problem, mended in broker_setup.set_up(
            management, registry, now(), keep_guest=keep_guest, close_old=close_old
        ):
            changed += mended
            wrong += not mended
            if as_json:
                console.data({**problem.as_json(console.LANG), "changed": mended})
            elif not mended:
                console.say(f"{problem.fault.code}: {console.plain(problem.text(console.LANG))}", err=True)

    with _broker_and_registry(home) as (management, registry):
        if remake:
            _remake(home, management, registry, set_up, as_json)
        else:
            set_up()
        if passwords is not None:
            names = [user.name for user in broker_setup.users(registry, now())]
            broker_setup.give_passwords(management, open_home(home).config.broker_url(), names, passwords)
    if not as_json:
        console.say(word("broker.bad", count=wrong) if wrong else word("broker.done", count=changed))
    sys.exit(REFUSED if wrong else DONE)


@broker.command("reissue", **settings("help.broker.reissue", "axis broker reissue --home axis-home", changes=True))
@click.option("--new-keys", is_flag=True, help=word("help.broker.new_keys"))
@at_home
def broker_reissue(home: Path, new_keys: bool, as_json: bool) -> None:
    """New TLS certificates for the keys that are there."""
    from axis.services.operate import provision

    files = provision.reissue_tls(open_home(home).path, now(), new_keys=new_keys)
    if as_json:
        console.data({"folder": str(home / "tls"), "files": files})
        return
    console.say(word("broker.reissued", count=len(files), folder=home / "tls"))
    console.note("broker.carry", folder=home / "tls")
    if new_keys:
        console.note("broker.carry_key", folder=home / "tls")


def _remake(home: Path, management: Any, registry: Any, set_up: Callable[[], None], as_json: bool) -> None:
    """Queues with other arguments down, all set up, and what was in them back; then the senders are asked."""
    from axis import bootstrap
    from axis.services.operate import reconcile, remake

    with bootstrap.remaking(open_home(home)) as (worker, link):
        names: list[str] = []
        try:
            for name in remake.take_down(worker, link, management, registry, now):
                names.append(name)
                if as_json:
                    console.data({"queue": name, "remade": True})
        finally:
            set_up()
        for name, left in remake.bring_back(link, management):
            if left:
                console.note("broker.beside", queue=name, count=left)
        if names:
            reconcile.ask_senders(worker, now())
    if not as_json:
        console.say(word("broker.remade", count=len(names)))


@broker.command("check", **settings("help.broker.check", f"{SERVERS} axis broker check"))
@click.option("--keep-guest", is_flag=True, help=word("help.broker.guest"))
@at_home
def broker_check(home: Path, keep_guest: bool, as_json: bool) -> None:
    """What is wrong."""
    from axis.services.operate import broker_setup

    with _broker_and_registry(home) as (management, registry):
        problems = [one.problem for one in broker_setup.differences(management, registry, now(), keep_guest=keep_guest)]
        problems += broker_setup.twice(management, registry)
    for problem in problems:
        if as_json:
            console.data(problem.as_json(console.LANG))
        else:
            console.say(f"{problem.fault.code}: {console.plain(problem.text(console.LANG))}")
    if not as_json:
        console.note("broker.bad", count=len(problems)) if problems else console.say(word("broker.good"))
    sys.exit(REFUSED if problems else DONE)
