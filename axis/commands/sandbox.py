"""``axis sandbox``: a hub and simulated agencies, to try one system against."""

from __future__ import annotations

from pathlib import Path

import click

from axis.commands import console
from axis.commands.console import word
from axis.commands.options import command, common
from axis.commands.process import now, open_home, stoppable


@command("help.sandbox", "axis sandbox --agency H41 --listen 127.0.0.1:8480", changes=True)
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("axis-sandbox"),
    show_default=True,
    help=word("help.sandbox.home"),
)
@click.option("--agency", "code", default="H41", show_default=True, help=word("help.sandbox.agency"))
@click.option(
    "--kind",
    type=click.Choice(["spool", "folder"]),
    default="spool",
    show_default=True,
    help=word("help.sandbox.kind"),
)
@click.option("--listen", default="127.0.0.1:8480", show_default=True, help=word("help.sandbox.listen"))
@click.option("--seconds", type=float, default=0, help=word("help.sandbox.seconds"))
@click.option(
    "--ballot", type=click.IntRange(0, 86_400), default=0, show_default=True, help=word("help.sandbox.ballot")
)
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help=word("help.sandbox.report"))
@click.option("--from", "signer", default="HUB", show_default=True, help=word("help.conformance.from"))
@click.option("--keys", type=click.Path(path_type=Path, exists=True, file_okay=False), help=word("help.sandbox.keys"))
@common
def sandbox(
    home: Path,
    code: str,
    kind: str,
    listen: str,
    seconds: float,
    ballot: int,
    report: Path | None,
    signer: str,
    keys: Path | None,
    as_json: bool,
) -> None:
    """Hub and simulated agencies."""
    import time
    from datetime import timedelta

    from axis import bootstrap, config, fronts
    from axis.adapters import systems, tokens
    from axis.core.conformance import SYSTEM, Report
    from axis.core.instant import to_text
    from axis.home import systems_file, tokens_file
    from axis.services import run as loops
    from axis.services.operate import provision, resend
    from axis.trials import sandbox as peers_at_work
    from axis.trials import sandbox_ballot as ballots_at_work
    from axis.trials.sandbox_portal import PORTAL

    if not (home / config.FILE).exists():
        import uuid

        settings = config.Config(
            config.Installation(str(uuid.uuid4())),
            adapter=config.Adapter(settle_seconds=0.2, agencies={code: {"kind": kind}}),
            # What it listens on was said on the command line, and nothing in it is real.
            server=config.Server(listen if kind == "spool" else "", plain_http="anywhere"),
            ecabinet=config.Ecabinet((code,)),
            portal=config.Portal(PORTAL),
        )
        with console.bar(word("init.keys"), 95, quiet=as_json) as advance:
            provision.create_home(home, settings, "p256", now(), lambda done, _all: advance(done))
    opened = open_home(home)
    secret = systems.add_system(systems_file(opened), f"SYS.{code}", code)
    token = tokens.create_token(tokens_file(opened), code)
    peers = peers_at_work.peers(opened, code, now())
    person = ballots_at_work.prepare(opened, code, now()) if ballot else ""
    with (
        stoppable() as stopped,
        bootstrap.embedded_parts(opened, stopped=stopped) as (hub, agencies),
        fronts.front(opened, agencies) as port,
    ):
        url = f"http://{opened.config.server.listen.rpartition(':')[0]}:{port}" if port else ""
        facts = {
            "agency": code,
            "home": str(home),
            "url": url,
            "systemid": f"SYS.{code}",
            "secret": secret,
            "token": token,
        }
        if as_json:
            console.data(facts)
        else:
            console.say(word("sandbox.served" if port else "sandbox.folder", **facts))
            console.say(word("sandbox.peers"))
        voting = None
        if person:
            journals, term = {one.code: one.journal for one in agencies}, timedelta(seconds=ballot)
            voting = ballots_at_work.BallotPeers(opened, journals, code, now(), term)
        end = time.monotonic() + seconds if seconds else float("inf")

        def act() -> None:
            for one in [*peers.act(now()), *(voting.act(now()) if voting is not None else ())]:
                if not one.code:
                    with hub.store.reading() as reader:
                        rows = resend.find(reader, resend.Selection(agency=code, answered=True))
                    resend.send(hub, rows, now())
                said = {"peer": one.code, "does": word(one.text)}
                console.data(said) if as_json else console.say(f"{one.code or '---':4} {said['does']}")
                if voting is not None and one.text == ballots_at_work.ASKED:
                    key = str(home / "keys" / "persons" / f"{person}.key")
                    more = {"person": person, "key": key, "due_at": to_text(voting.due)}
                    local = {"due_at": console.local(more["due_at"]), "agency": code}
                    console.data(more) if as_json else console.say(word("sandbox.ballot", **more | local))

        loops.rounds(hub, agencies, stopped=lambda: stopped() or time.monotonic() > end, progress=act)
        with hub.store.reading() as reader:
            found = peers_at_work.judged(reader, code)
        if voting is not None:
            found.append(voting.judged())
    if report is not None:
        made = Report(f"system of {code}", SYSTEM, now(), tuple(found))
        report.write_bytes(bootstrap.sign_report(open_home(keys) if keys else opened, signer, made, now()))
    for name, why in found:
        if as_json:
            console.data({"check": name, "passed": not why, "why": why})
        else:
            console.say(word("conformance.no" if why else "conformance.yes", name=name) + (f": {why}" if why else ""))
