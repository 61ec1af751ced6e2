"""``axis upgrade``: the version of the schema."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from axis.commands import console
from axis.commands.console import DONE, REFUSED, word
from axis.commands.options import at_home, command
from axis.commands.process import now, open_home

if TYPE_CHECKING:
    from axis.home import Home


@command("help.upgrade", "axis upgrade --home axis-home", changes=True)
@click.option("--check", is_flag=True, help=word("help.upgrade.check"))
@at_home
def upgrade(home: Path, check: bool, as_json: bool) -> None:
    """The schema's version."""
    from axis import bootstrap
    from axis.infra.database import SCHEMA_VERSION
    from axis.services.operate import provision, witness_keys

    old = False
    opened = open_home(home)
    with bootstrap.home_databases(opened) as databases:
        for name, database in databases.items():
            before, after = (database.version(), SCHEMA_VERSION) if check else database.upgrade()
            old = old or (check and before != after)
            count = size = 0
            if not check:
                with console.bar(word("upgrade.moving"), 1000, quiet=as_json) as advance:
                    moved = bootstrap.move_parcels(database, lambda done, every: advance(done * 1000 // max(every, 1)))
                count, size = moved
            if as_json:
                changed = {"database": name, "before": before, "after": after}
                console.data({**changed, "moved": count, "moved_bytes": size})
            else:
                console.say(
                    word(
                        "upgrade.same" if before == after else "upgrade.done",
                        database=name,
                        before=before,
                        after=after,
                    )
                )
                if count:
                    console.say(word("upgrade.moved", database=name, count=count, size=size))
        if not check and opened.config.installation.role == "all" and provision.add_log_key(opened.path):
            console.note("upgrade.log_key")
        if not check and (made := witness_keys.make_keys(opened.path, opened.codes())):
            console.note("upgrade.witness_keys", count=len(made))
    if not check and opened.config.installation.role == "all":
        _name_officer(opened)
    sys.exit(REFUSED if old else DONE)


def _name_officer(opened: Home) -> None:
    """A home that was made before there were officers gets its first one; after a restore not before the record is
    reconciled, for until then nothing is changed."""
    from axis import bootstrap
    from axis.core.officers import listed
    from axis.errors import AxisError, Fault
    from axis.home import reading_registry
    from axis.services.operate import officers
    from axis.services.operate import registry as members

    with reading_registry(opened) as registry:
        if listed(registry):
            return
    try:
        with bootstrap.registrar(opened) as registrar:
            moment = now()
            hub = officers.name_first(registrar.registry(), opened.path, moment)
            if hub is None:
                return
            registry = members.change(registrar, hub, "officers", "axis upgrade", moment)
    except AxisError as error:
        if error.fault is Fault.RECORD_OLD:
            return
        raise
    console.note("upgrade.officer", version=registry.version)
