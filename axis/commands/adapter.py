"""``axis adapter …``: adapters at work, what they can, who may fetch from them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from axis.commands import console
from axis.commands.console import DONE, word
from axis.commands.options import at_home, common, settings
from axis.commands.process import note_monitor, note_test_keys, now, open_home, stoppable
from axis.errors import Fault, Problem, Rejected


@click.group(help=word("help.adapter"), short_help=word("help.adapter"))
def adapter() -> None:
    """See the help text."""


@adapter.command(
    "run", **settings("help.adapter.run", "AXIS_AMQP_URL=amqp://… axis adapter run G22 --home home-G22", changes=True)
)
@click.argument("codes", nargs=-1, required=True)
@at_home
def adapter_run(home: Path, codes: tuple[str, ...], as_json: bool) -> None:
    """Served: the adapters of these agencies."""
    from axis import bootstrap, fronts
    from axis.monitoring import watching
    from axis.services import run as loops

    opened = open_home(home)
    with (
        stoppable() as stopped,
        bootstrap.served_agencies(opened, codes, stopped) as agencies,
        watching(opened, is_hub=False) as (watch, monitored),
        fronts.front(opened, agencies, watch) as port,
    ):
        console.note("run.started", what=" ".join(codes))
        note_test_keys(opened)
        if port:
            console.note("run.listening", listen=f"{opened.config.server.listen.rpartition(':')[0]}:{port}")
        note_monitor(opened, monitored)
        ends = bootstrap.retention(opened, None, agencies)
        loops.rounds(None, agencies, stopped=stopped, retention=ends, pulse=watch.pulse, progress=watch.beside)
    console.note("run.stopped")


@adapter.command("list", **settings("help.adapter.list", "axis adapter list"))
@common
def adapter_list(as_json: bool) -> None:
    """The installed kinds."""
    from axis import bootstrap

    for kind in bootstrap.adapter_kinds():
        if as_json:
            console.data({"kind": kind})
        else:
            console.say(kind)


@adapter.command("check", **settings("help.adapter.check", "axis adapter check H41"))
@click.argument("codes", nargs=-1)
@at_home
def adapter_check(home: Path, codes: tuple[str, ...], as_json: bool) -> None:
    """Whether each agency's adapter can work."""
    from axis import bootstrap

    worst = DONE
    for code, kind, error in bootstrap.check_adapters(open_home(home), codes):
        if as_json:
            console.data({"agency": code, "kind": kind, "works": error is None, "why": str(error or "")})
        else:
            why = "; ".join(console.plain(problem.text(console.LANG)) for problem in error.problems) if error else ""
            console.say(word("adapter.bad" if error else "adapter.good", agency=code, kind=kind, why=why))
        worst = max(worst, error.exit_code if error is not None else DONE)
    sys.exit(worst)


@adapter.command("restored", **settings("help.adapter.restored", "axis adapter restored H41", changes=True))
@click.argument("code")
@at_home
def adapter_restored(home: Path, code: str, as_json: bool) -> None:
    """This home was put back to an older copy, and is the one that works from now on."""
    from axis import bootstrap

    doubted = bootstrap.take_over(open_home(home), code, now())
    if as_json:
        console.data({"agency": code, "waiting_to_be_sent_again": doubted})
    else:
        console.say(word("adapter.restored", agency=code, count=doubted))


@adapter.command("token", **settings("help.adapter.token", "axis adapter token H41", changes=True))
@click.argument("code")
@at_home
def adapter_token(home: Path, code: str, as_json: bool) -> None:
    """A token for the HTTP API."""
    from axis.adapters import tokens
    from axis.home import tokens_file

    opened = open_home(home)
    if code not in opened.codes():
        raise Rejected(Problem(Fault.AGENCY_UNKNOWN, got=code))
    token = tokens.create_token(tokens_file(opened), code)
    identifier = tokens.token_digest(token)[: tokens.ID]
    console.data({"agency": code, "id": identifier, "token": token}) if as_json else console.say(
        word("adapter.token", agency=code, id=identifier, token=token)
    )


@adapter.group("tokens", help=word("help.adapter.tokens"), short_help=word("help.adapter.tokens"))
def adapter_tokens() -> None:
    """See the help text."""


@adapter_tokens.command("list", **settings("help.adapter.tokens.list", "axis adapter tokens list H41"))
@click.argument("code", default="")
@at_home
def adapter_tokens_list(home: Path, code: str, as_json: bool) -> None:
    """Tokens, without what they are."""
    from axis.adapters import tokens
    from axis.home import tokens_file

    rows = tokens.list_tokens(tokens_file(open_home(home)), code)
    if as_json:
        for one in rows:
            console.data({"id": one.id, "agency": one.agency, "created_at": one.created_at})
        return
    columns = [word(name) for name in ("column.id", "column.agency", "board.since")]
    console.table(columns, [(one.id, one.agency, console.local(one.created_at)) for one in rows])


@adapter_tokens.command(
    "withdraw", **settings("help.adapter.tokens.withdraw", "axis adapter tokens withdraw 3f2a…", changes=True)
)
@click.argument("identifier", metavar="ID")
@at_home
def adapter_tokens_withdraw(home: Path, identifier: str, as_json: bool) -> None:
    """One token is good no more."""
    from axis.adapters import tokens
    from axis.home import tokens_file

    one = tokens.withdraw_token(tokens_file(open_home(home)), identifier)
    if as_json:
        console.data({"agency": one.agency, "id": one.id})
        return
    console.say(word("adapter.token.withdrawn", agency=one.agency, id=one.id))


@adapter.command("system", **settings("help.adapter.system", "axis adapter system SYS.H41 --agency H41", changes=True))
@click.argument("systemid")
@click.option("--agency", "code", required=True, help=word("help.adapter.system.agency"))
@click.option("--secret-stdin", is_flag=True, help=word("help.adapter.system.secret"))
@at_home
def adapter_system(home: Path, systemid: str, code: str, secret_stdin: bool, as_json: bool) -> None:
    """A system's secret."""
    from axis.adapters import systems
    from axis.home import systems_file

    opened = open_home(home)
    if code not in opened.codes():
        raise Rejected(Problem(Fault.AGENCY_UNKNOWN, got=code))
    given = sys.stdin.readline().strip() if secret_stdin else ""
    if secret_stdin and not given:
        raise click.UsageError("--secret-stdin")
    secret = systems.add_system(systems_file(opened), systemid, code, given)
    shown = {} if given else {"secret": secret}
    if as_json:
        console.data({"system": systemid, "agency": code, **shown})
        return
    console.say(word("adapter.system" if shown else "adapter.system.kept", system=systemid, agency=code, **shown))


@adapter.group("systems", help=word("help.adapter.systems"), short_help=word("help.adapter.systems"))
def adapter_systems() -> None:
    """See the help text."""


@adapter_systems.command("list", **settings("help.adapter.systems.list", "axis adapter systems list"))
@at_home
def adapter_systems_list(home: Path, as_json: bool) -> None:
    """Systems, without their secrets."""
    from axis.adapters import systems
    from axis.home import systems_file

    rows = sorted(systems.read_systems(systems_file(open_home(home))).items())
    if as_json:
        for systemid, one in rows:
            console.data({"system": systemid, "agency": one.agency})
        return
    columns = [word(name) for name in ("column.system", "column.agency")]
    console.table(columns, [(systemid, one.agency) for systemid, one in rows])


@adapter_systems.command(
    "withdraw", **settings("help.adapter.systems.withdraw", "axis adapter systems withdraw SYS.H41", changes=True)
)
@click.argument("systemid")
@at_home
def adapter_systems_withdraw(home: Path, systemid: str, as_json: bool) -> None:
    """One system is known no more."""
    from axis.adapters import systems
    from axis.home import systems_file

    one = systems.withdraw_system(systems_file(open_home(home)), systemid)
    if as_json:
        console.data({"system": systemid, "agency": one.agency})
        return
    console.say(word("adapter.system.withdrawn", system=systemid, agency=one.agency))
