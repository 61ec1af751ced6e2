"""``axis init``: make a home."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from axis.commands import console
from axis.commands.console import word
from axis.commands.key import show_paper
from axis.commands.options import at_home, command
from axis.commands.process import now
from axis.commands.registrar import entries


@command("help.init", "axis init --home axis-home", changes=True)
@at_home
@click.option(
    "--key-type",
    type=click.Choice(["p256", "rsa"]),
    default="p256",
    show_default=True,
    help=word("help.init.key_type"),
)
@click.option(
    "--broker",
    type=click.Choice(["embedded", "amqp"]),
    default="embedded",
    show_default=True,
    help=word("help.init.broker"),
)
@click.option(
    "--store",
    type=click.Choice(["sqlite", "postgresql"]),
    default="sqlite",
    show_default=True,
    help=word("help.init.store"),
)
@click.option(
    "--user-id",
    type=click.Choice(["required", "optional"]),
    default="required",
    show_default=True,
    help=word("help.init.user_id"),
)
@click.option("--test-keys", is_flag=True, help=word("help.init.test_keys"))
@click.option(
    "--registrar",
    "registrars",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=word("help.init.registrar"),
)
@click.option("--paper", type=click.Path(path_type=Path, dir_okay=False), help=word("help.key.to"))
@click.option("--need", type=click.IntRange(1, 99), help=word("help.registrar.need"))
@click.option("--hours", type=click.IntRange(0, 9999), default=24, show_default=True, help=word("help.registrar.hours"))
@click.option("--tls", "hosts", multiple=True, metavar="HOST", help=word("help.init.tls"))
def init(
    home: Path,
    key_type: Any,
    broker: Any,
    store: Any,
    user_id: Any,
    test_keys: bool,
    registrars: tuple[Path, ...],
    paper: Path | None,
    need: int | None,
    hours: int,
    hosts: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make a home."""
    import uuid

    from axis import config
    from axis.core.chain import RECOVERY_NAME
    from axis.infra.keystore import recovery_signer
    from axis.services.operate import hub_key, provision

    if hosts and broker != "amqp":
        raise click.UsageError("--tls: --broker amqp")
    if store == "postgresql" and broker != "amqp":
        raise click.UsageError("--store postgresql: --broker amqp")
    named = entries(registrars, need, hours)
    with_keys = test_keys or broker == "embedded"
    files = ("tls/ca.pem", "tls/{user}.pem", "tls/{user}.key") if hosts else ("", "", "")
    ca, certificate, key = files
    link = config.Broker(broker, user_id=user_id, ca_file=ca, certificate_file=certificate, key_file=key)
    folders = config.Folders(("sent", "receipts", "status"))
    made = config.Config(config.Installation(str(uuid.uuid4())), config.Store(store), link, folders=folders)
    # One machine has all of a home with the embedded broker, and needs nobody's word from outside.
    secret, groups = hub_key.new_paper() if broker == "amqp" else (b"", "")
    with console.bar(word("init.keys"), 95, quiet=as_json) as advance:
        registry = provision.create_home(
            home,
            made,
            key_type,
            now(),
            lambda done, _all: advance(done),
            tls_hosts=hosts,
            test_keys=with_keys,
            registrars=named,
            recovery=recovery_signer(secret, RECOVERY_NAME, now()).key.public_key() if secret else None,
        )
    shown = show_paper(groups, made.installation.id, paper, as_json) if secret else {}
    if as_json:
        console.data(
            {
                "home": str(home),
                "installation": made.installation.id,
                "agencies": len(registry.agencies),
                "registry": registry.version,
                "test_keys": with_keys,
                **shown,
            }
        )
        return
    console.say(word("init.done", home=home, agencies=len(registry.agencies), version=registry.version))
    if with_keys:
        console.note("keys.test", count=len(registry.agencies))
    else:
        console.note("init.enrol")
        if not named:
            console.note("registrar.none")
    if broker == "embedded":
        console.note("init.next", home=home)
