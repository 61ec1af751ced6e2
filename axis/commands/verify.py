"""``axis verify``: verdict and reasons about parcels and receipts."""

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
    from datetime import datetime


@command("help.verify", "axis verify inbox/*.asice --trust pki/ca.pem")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--trust",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=word("help.verify.trust"),
)
@click.option("--at", type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"]), help=word("help.verify.at"))
@at_home
def verify(home: Path, files: tuple[Path, ...], trust: Path | None, at: datetime | None, as_json: bool) -> None:
    """Verdict and reasons."""
    from datetime import UTC

    from axis.services.questions import verify

    moment = at.replace(tzinfo=UTC) if at else None
    if trust is not None:
        from axis.infra import keystore

        source = verify.by_authority(keystore.load_certificate(trust))
    else:
        from axis.home import reading_registry

        opened = open_home(home)
        with reading_registry(opened) as registry:
            source = registry
    bad = 0
    for file in files:
        verdict = verify.verify(file.read_bytes(), source, moment or now())
        bad += verdict["verdict"] != "PASSED"
        if as_json:
            console.data({"file": str(file), **verdict, "revocation_checked": trust is None})
        elif verdict["verdict"] == "PASSED":
            console.say(
                word(
                    "verify.good",
                    file=file,
                    kind=verdict["kind"],
                    signer=verdict["signer"],
                    time=console.local(verdict["signing_time"]),
                )
            )
            for line in verdict["says"]:
                console.say(f"  {console.plain(line)}")
        else:
            shown = "; ".join(
                f"{p['code']} {p['text_vi' if console.LANG == 'vi' else 'text_en']}" for p in verdict["reasons"]
            )
            console.say(word("verify.bad", file=file, reason=console.plain(shown)))
    if trust is not None and not as_json:
        console.note("verify.unrevoked")
    sys.exit(REFUSED if bad else DONE)
