"""The command line: parse, call one service, render. Nothing else is decided here.

stdout is data, stderr is for people. Heavy modules are imported inside the commands, so that ``--help``
is quick.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axis import __version__
from axis.commands import console
from axis.errors import AxisError, Fault, Problem, Rejected
from axis.texts import TEXTS, event_text, language, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from axis.bootstrap import Home
    from axis.errors import Language
    from axis.services.agency import Agency

LANG: Language = language()
# Exit codes. 2 is click's for wrong usage; the rest by the class of the error (axis/errors.py).
DONE, UNEXPECTED, USAGE, REFUSED, UNAVAILABLE, MISCONFIGURED, CORRUPTED = range(7)


class Axis(click.Group):
    """A group whose commands may raise the axis' errors: they are shown with code and who acts, never a trace."""

    def main(self, *arguments: Any, **more: Any) -> Any:
        """As click does it, on a terminal of any encoding."""
        console.fit_the_terminal()
        try:
            return super().main(*arguments, **more)
        except OSError as error:  # of the help text, say
            if (found := console.trouble(error)) is None:
                raise
            console.give_up_stdout()
            console.show_error(found, LANG, as_json=False)
            sys.exit(found.exit_code)

    def invoke(self, context: click.Context) -> Any:
        """Run the command; turn errors into text (or a JSON line) and an exit code."""
        try:
            return super().invoke(context)
        except AxisError as error:
            _show_error(error)
            context.exit(error.exit_code)
        except BrokenPipeError:
            console.give_up_stdout()
            context.exit(DONE)
        except (click.ClickException, click.exceptions.Exit, click.Abort, KeyboardInterrupt):
            raise
        except OSError as error:
            context.exit(_show_trouble(error))
        except Exception as error:  # noqa: BLE001  our own bug: say so, keep the trace in a file
            _show_crash(error)
            context.exit(UNEXPECTED)


def _as_json() -> bool:
    """Whether the command being run was given --json."""
    return bool(click.get_current_context().find_root().meta.get("axis.json"))


def _note_home(context: click.Context, _parameter: click.Parameter, value: Path) -> Path:
    context.find_root().meta["axis.home"] = value
    return value


def _show_error(error: AxisError) -> None:
    console.show_error(error, LANG, as_json=_as_json())


def _show_trouble(error: OSError) -> int:
    found = console.trouble(error)
    if found is None:
        _show_crash(error)
        return UNEXPECTED
    if on_stdout := found.problems[0].path == "stdout":
        console.give_up_stdout()
    console.show_error(found, LANG, as_json=_as_json() and not on_stdout)
    return found.exit_code


def _show_crash(error: Exception) -> None:
    import logging

    meta = click.get_current_context().find_root().meta
    console.show_crash(error, meta.get("axis.home"), LANG, as_json=_as_json())
    if meta.get("axis.service"):  # whoever keeps its log has the trace there too
        logging.getLogger("axis").error("internal error", exc_info=error)


def _note_json(context: click.Context, _parameter: click.Parameter, value: bool) -> bool:
    context.find_root().meta["axis.json"] = value
    return value


# -- Options and helpers shared by the commands ----------------------------------------------------------------


def _epilog(example: str) -> str:
    return f"\b\n{text('example', LANG)}:\n  {example}"


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--lang", type=click.Choice(["vi", "en"]), expose_value=False, help=text("help.lang", LANG))(
        command
    )
    return click.option("--json", "as_json", is_flag=True, callback=_note_json, help=text("help.json", LANG))(command)


def _home(command: Callable[..., Any]) -> Callable[..., Any]:
    return _common(
        click.option(
            "--home",
            type=click.Path(path_type=Path, file_okay=False),
            envvar="AXIS_HOME",
            default=Path("axis-home"),
            show_default=True,
            callback=_note_home,
            help=text("help.home", LANG),
        )(command)
    )


def _settings(key: str, example: str) -> dict[str, Any]:
    return {"help": text(key, LANG), "short_help": text(key, LANG), "epilog": _epilog(example)}


def _print(value: dict[str, Any]) -> None:
    console.data(value)


def _say(key: str, **facts: Any) -> None:
    console.say(text(key, LANG, **facts), err=True)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    console.table(columns, rows)


def _now() -> datetime:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _local(moment: str | None) -> str:
    from axis.core.instant import from_text, local

    return local(from_text(moment)) if moment else ""


def _open(home: Path) -> Home:
    from axis import bootstrap

    opened = bootstrap.open_home(home)
    _start_log(opened)
    return opened


def _start_log(home: Home) -> None:
    import logging

    from axis.infra.logs import formatter

    handler = logging.StreamHandler()
    handler.setFormatter(formatter(home.config.log.format))
    root = logging.getLogger("axis")
    root.handlers[:] = [handler]
    root.setLevel(home.config.log.level.upper())
    root.propagate = False
    # It prints a trace at every lost connection; the broker says the same in one line.
    logging.getLogger("pika").setLevel(logging.CRITICAL)


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Within: SIGTERM and SIGINT ask to stop; what is in hand is finished."""
    import signal

    click.get_current_context().find_root().meta["axis.service"] = True
    asked: list[int] = []
    before = {s: signal.signal(s, lambda number, _frame: asked.append(number)) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _bar(title: str, total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal; nothing when piped, or with --json."""
    if quiet or not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.update(task, completed=done)


# -- The commands ------------------------------------------------------------------------------------------------


@click.group(cls=Axis, help=text("help", LANG), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="axis", help=text("help.version", LANG))
@click.option("--lang", type=click.Choice(["vi", "en"]), expose_value=False, help=text("help.lang", LANG))
def main() -> None:
    """See the help text."""


@main.command(**_settings("help.init", "axis init --home axis-home"))
@_home
@click.option(
    "--key-type",
    type=click.Choice(["p256", "rsa"]),
    default="p256",
    show_default=True,
    help=text("help.init.key_type", LANG),
)
@click.option(
    "--broker",
    type=click.Choice(["embedded", "amqp"]),
    default="embedded",
    show_default=True,
    help=text("help.init.broker", LANG),
)
@click.option(
    "--store",
    type=click.Choice(["sqlite", "postgresql"]),
    default="sqlite",
    show_default=True,
    help=text("help.init.store", LANG),
)
@click.option(
    "--user-id",
    type=click.Choice(["required", "optional"]),
    default="required",
    show_default=True,
    help=text("help.init.user_id", LANG),
)
@click.option("--tls", "hosts", multiple=True, metavar="HOST", help=text("help.init.tls", LANG))
def init(
    home: Path, key_type: Any, broker: Any, store: Any, user_id: Any, hosts: tuple[str, ...], as_json: bool
) -> None:
    """Make a home."""
    import uuid

    from axis import config
    from axis.services import enrol

    if hosts and broker != "amqp":
        raise click.UsageError("--tls: --broker amqp")
    if store == "postgresql" and broker != "amqp":
        raise click.UsageError("--store postgresql: --broker amqp")
    files = ("tls/ca.pem", "tls/{user}.pem", "tls/{user}.key") if hosts else ("", "", "")
    ca, certificate, key = files
    link = config.Broker(broker, user_id=user_id, ca_file=ca, certificate_file=certificate, key_file=key)
    made = config.Config(config.Installation(str(uuid.uuid4())), config.Store(store), link)
    with _bar(text("init.keys", LANG), 95, quiet=as_json) as advance:
        registry = enrol.create_home(home, made, key_type, _now(), lambda done, _all: advance(done), tls_hosts=hosts)
    if as_json:
        _print(
            {
                "home": str(home),
                "installation": made.installation.id,
                "agencies": len(registry.agencies),
                "registry": registry.version,
            }
        )
        return
    console.say(text("init.done", LANG, home=home, agencies=len(registry.agencies), version=registry.version))
    if broker == "embedded":
        _say("init.next", home=home)


@main.command(**_settings("help.run", "axis run --home axis-home --until-idle"))
@_home
@click.option("--until-idle", is_flag=True, help=text("help.run.idle", LANG))
def run(home: Path, until_idle: bool, as_json: bool) -> None:
    """Embedded: hub and all adapters in this process."""
    from axis import bootstrap
    from axis.core.instant import local
    from axis.services import follow
    from axis.services import run as loops

    opened = _open(home)
    with (
        _stoppable() as stopped,
        bootstrap.embedded_parts(opened, stopped=stopped) as (hub, agencies),
        bootstrap.front(opened, agencies) as port,
    ):
        if not until_idle:
            _say("run.started", what=home)
        if port:
            _say("run.listening", listen=f"{opened.config.server.listen.rpartition(':')[0]}:{port}")
        due = loops.rounds(hub, agencies, stopped=stopped, until_idle=until_idle)
        counts = follow.summary(hub.store)
    away = _troubles(agencies)
    worst = max((error.exit_code for error in away.values()), default=DONE) if until_idle else DONE
    if as_json:
        named = [{"agency": code, **error.problems[0].as_json(LANG)} for code, error in away.items()]
        _print({**counts, "next_due": due.isoformat() if due else None, "away": named})
        sys.exit(worst)
    console.say(text("run.counts", LANG, **counts))
    _say("run.waiting", time=local(due)) if due else _say("run.idle")
    _name_away(away)
    sys.exit(worst)


def _troubles(agencies: Sequence[Agency]) -> dict[str, AxisError]:
    """What keeps which agencies, or their own systems, from working now."""
    return {one.code: error for one in agencies if (error := one.trouble or one.away) is not None}


def _name_away(away: dict[str, AxisError]) -> None:
    for code, error in away.items():
        _say("run.away", agency=code, why=f"{error.fault.code}: {console.plain(error.problems[0].text(LANG))}")


@main.command(
    **_settings("help.hub", "AXIS_AMQP_URL=amqp://… AXIS_DATABASE_URL=postgresql://… axis hub --home axis-home")
)
@_home
def hub(home: Path, as_json: bool) -> None:
    """Served: one hub worker."""
    from axis import bootstrap
    from axis.services import run as loops

    with _stoppable() as stopped, bootstrap.served_hub(_open(home), stopped) as worker:
        _say("run.started", what="hub")
        loops.rounds(worker, [], stopped=stopped)
    _say("run.stopped")


@main.group(help=text("help.adapter", LANG), short_help=text("help.adapter", LANG))
def adapter() -> None:
    """See the help text."""


@adapter.command("run", **_settings("help.adapter.run", "AXIS_AMQP_URL=amqp://… axis adapter run G22 --home home-G22"))
@click.argument("codes", nargs=-1, required=True)
@_home
def adapter_run(home: Path, codes: tuple[str, ...], as_json: bool) -> None:
    """Served: the adapters of these agencies."""
    from axis import bootstrap
    from axis.services import run as loops

    opened = _open(home)
    with (
        _stoppable() as stopped,
        bootstrap.served_agencies(opened, codes, stopped) as agencies,
        bootstrap.front(opened, agencies) as port,
    ):
        _say("run.started", what=" ".join(codes))
        if port:
            _say("run.listening", listen=f"{opened.config.server.listen.rpartition(':')[0]}:{port}")
        loops.rounds(None, agencies, stopped=stopped)
    _say("run.stopped")


@adapter.command("list", **_settings("help.adapter.list", "axis adapter list"))
@_common
def adapter_list(as_json: bool) -> None:
    """The installed kinds."""
    from axis import bootstrap

    for kind in bootstrap.adapter_kinds():
        if as_json:
            _print({"kind": kind})
        else:
            console.say(kind)


@adapter.command("check", **_settings("help.adapter.check", "axis adapter check H41"))
@click.argument("codes", nargs=-1)
@_home
def adapter_check(home: Path, codes: tuple[str, ...], as_json: bool) -> None:
    """Whether each agency's adapter can work."""
    from axis import bootstrap

    worst = DONE
    for code, kind, error in bootstrap.check_adapters(_open(home), codes):
        if as_json:
            _print({"agency": code, "kind": kind, "works": error is None, "why": str(error or "")})
        else:
            why = "; ".join(console.plain(problem.text(LANG)) for problem in error.problems) if error else ""
            console.say(text("adapter.bad" if error else "adapter.good", LANG, agency=code, kind=kind, why=why))
        worst = max(worst, error.exit_code if error is not None else DONE)
    sys.exit(worst)


@adapter.command("restored", **_settings("help.adapter.restored", "axis adapter restored H41"))
@click.argument("code")
@_home
def adapter_restored(home: Path, code: str, as_json: bool) -> None:
    """This home was put back to an older copy, and is the one that works from now on."""
    from axis import bootstrap

    doubted = bootstrap.take_over(_open(home), code, _now())
    if as_json:
        _print({"agency": code, "waiting_to_be_sent_again": doubted})
    else:
        console.say(text("adapter.restored", LANG, agency=code, count=doubted))


@adapter.command("token", **_settings("help.adapter.token", "axis adapter token H41"))
@click.argument("code")
@_home
def adapter_token(home: Path, code: str, as_json: bool) -> None:
    """A token for the HTTP API."""
    from adapters import api
    from axis import bootstrap

    opened = _open(home)
    if code not in opened.codes():
        raise Rejected(Problem(Fault.AGENCY_UNKNOWN, got=code))
    token = api.create_token(bootstrap.tokens_file(opened), code)
    identifier = api.token_digest(token)[: api.ID]
    _print({"agency": code, "id": identifier, "token": token}) if as_json else console.say(
        text("adapter.token", LANG, agency=code, id=identifier, token=token)
    )


@adapter.group("tokens", help=text("help.adapter.tokens", LANG), short_help=text("help.adapter.tokens", LANG))
def adapter_tokens() -> None:
    """See the help text."""


@adapter_tokens.command("list", **_settings("help.adapter.tokens.list", "axis adapter tokens list H41"))
@click.argument("code", default="")
@_home
def adapter_tokens_list(home: Path, code: str, as_json: bool) -> None:
    """Tokens, without what they are."""
    from adapters import api
    from axis import bootstrap

    rows = api.list_tokens(bootstrap.tokens_file(_open(home)), code)
    if as_json:
        for one in rows:
            _print({"id": one.id, "agency": one.agency, "created_at": one.created_at})
        return
    columns = [text(name, LANG) for name in ("column.id", "column.agency", "board.since")]
    _table(columns, [(one.id, one.agency, _local(one.created_at)) for one in rows])


@adapter_tokens.command("withdraw", **_settings("help.adapter.tokens.withdraw", "axis adapter tokens withdraw 3f2a9c"))
@click.argument("identifier", metavar="ID")
@_home
def adapter_tokens_withdraw(home: Path, identifier: str, as_json: bool) -> None:
    """One token is good no more."""
    from adapters import api
    from axis import bootstrap

    one = api.withdraw_token(bootstrap.tokens_file(_open(home)), identifier)
    if as_json:
        _print({"agency": one.agency, "id": one.id})
        return
    console.say(text("adapter.token.withdrawn", LANG, agency=one.agency, id=one.id))


@adapter.command("system", **_settings("help.adapter.system", "axis adapter system SYS.H41 --agency H41"))
@click.argument("systemid")
@click.option("--agency", "code", required=True, help=text("help.adapter.system.agency", LANG))
@click.option("--secret-stdin", is_flag=True, help=text("help.adapter.system.secret", LANG))
@_home
def adapter_system(home: Path, systemid: str, code: str, secret_stdin: bool, as_json: bool) -> None:
    """A system's secret."""
    from adapters import vxp
    from axis import bootstrap

    opened = _open(home)
    if code not in opened.codes():
        raise Rejected(Problem(Fault.AGENCY_UNKNOWN, got=code))
    given = sys.stdin.readline().strip() if secret_stdin else ""
    if secret_stdin and not given:
        raise click.UsageError("--secret-stdin")
    secret = vxp.add_system(bootstrap.systems_file(opened), systemid, code, given)
    shown = {} if given else {"secret": secret}
    if as_json:
        _print({"system": systemid, "agency": code, **shown})
        return
    console.say(text("adapter.system" if shown else "adapter.system.kept", LANG, system=systemid, agency=code, **shown))


@adapter.group("systems", help=text("help.adapter.systems", LANG), short_help=text("help.adapter.systems", LANG))
def adapter_systems() -> None:
    """See the help text."""


@adapter_systems.command("list", **_settings("help.adapter.systems.list", "axis adapter systems list"))
@_home
def adapter_systems_list(home: Path, as_json: bool) -> None:
    """Systems, without their secrets."""
    from adapters import vxp
    from axis import bootstrap

    rows = sorted(vxp.read_systems(bootstrap.systems_file(_open(home))).items())
    if as_json:
        for systemid, one in rows:
            _print({"system": systemid, "agency": one.agency})
        return
    columns = [text(name, LANG) for name in ("column.system", "column.agency")]
    _table(columns, [(systemid, one.agency) for systemid, one in rows])


@adapter_systems.command(
    "withdraw", **_settings("help.adapter.systems.withdraw", "axis adapter systems withdraw SYS.H41")
)
@click.argument("systemid")
@_home
def adapter_systems_withdraw(home: Path, systemid: str, as_json: bool) -> None:
    """One system is known no more."""
    from adapters import vxp
    from axis import bootstrap

    one = vxp.withdraw_system(bootstrap.systems_file(_open(home)), systemid)
    if as_json:
        _print({"system": systemid, "agency": one.agency})
        return
    console.say(text("adapter.system.withdrawn", LANG, system=systemid, agency=one.agency))


@main.command(**_settings("help.sandbox", "axis sandbox --agency H41 --listen 127.0.0.1:8480"))
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("axis-sandbox"),
    show_default=True,
    help=text("help.sandbox.home", LANG),
)
@click.option("--agency", "code", default="H41", show_default=True, help=text("help.sandbox.agency", LANG))
@click.option(
    "--kind",
    type=click.Choice(["spool", "folder"]),
    default="spool",
    show_default=True,
    help=text("help.sandbox.kind", LANG),
)
@click.option("--listen", default="127.0.0.1:8480", show_default=True, help=text("help.sandbox.listen", LANG))
@click.option("--seconds", type=float, default=0, help=text("help.sandbox.seconds", LANG))
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help=text("help.sandbox.report", LANG))
@click.option("--from", "signer", default="HUB", show_default=True, help=text("help.conformance.from", LANG))
@click.option(
    "--keys", type=click.Path(path_type=Path, exists=True, file_okay=False), help=text("help.sandbox.keys", LANG)
)
@_common
def sandbox(
    home: Path,
    code: str,
    kind: str,
    listen: str,
    seconds: float,
    report: Path | None,
    signer: str,
    keys: Path | None,
    as_json: bool,
) -> None:
    """Hub and simulated agencies."""
    import time

    from adapters import api, vxp
    from axis import bootstrap, config
    from axis.core.conformance import Report
    from axis.services import enrol, resend
    from axis.services import run as loops
    from axis.services import sandbox as peers_at_work

    if not (home / config.FILE).exists():
        import uuid

        settings = config.Config(
            config.Installation(str(uuid.uuid4())),
            adapter=config.Adapter(settle_seconds=0.2, agencies={code: {"kind": kind}}),
            # What it listens on was said on the command line, and nothing in it is real.
            server=config.Server(listen if kind == "spool" else "", plain_http="anywhere"),
        )
        with _bar(text("init.keys", LANG), 95, quiet=as_json) as advance:
            enrol.create_home(home, settings, "p256", _now(), lambda done, _all: advance(done))
    opened = _open(home)
    secret = vxp.add_system(bootstrap.systems_file(opened), f"SYS.{code}", code)
    token = api.create_token(bootstrap.tokens_file(opened), code)
    peers = bootstrap.sandbox_peers(opened, code, _now())
    with (
        _stoppable() as stopped,
        bootstrap.embedded_parts(opened, stopped=stopped) as (hub, agencies),
        bootstrap.front(opened, agencies) as port,
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
            _print(facts)
        else:
            console.say(text("sandbox.served" if port else "sandbox.folder", LANG, **facts))
            console.say(text("sandbox.peers", LANG))
        end = time.monotonic() + seconds if seconds else float("inf")

        def act() -> None:
            for one in peers.act(_now()):
                if not one.code:
                    with hub.store.reading() as reader:
                        rows = resend.find(reader, resend.Selection(agency=code, answered=True))
                    resend.send(hub, rows, _now())
                said = {"peer": one.code, "does": text(one.text, LANG)}
                _print(said) if as_json else console.say(f"{one.code or '---':4} {said['does']}")

        loops.rounds(hub, agencies, stopped=lambda: stopped() or time.monotonic() > end, progress=act)
        with hub.store.reading() as reader:
            found = peers_at_work.judged(reader, code)
    if report is not None:
        made = Report(f"system of {code}", peers_at_work.VERSION, _now(), tuple(found))
        report.write_bytes(bootstrap.sign_report(_open(keys) if keys else opened, signer, made, _now()))
    for name, why in found:
        if as_json:
            _print({"check": name, "passed": not why, "why": why})
        else:
            console.say(
                text("conformance.no" if why else "conformance.yes", LANG, name=name) + (f": {why}" if why else "")
            )


@main.command(**_settings("help.conformance", "axis conformance folder --from G22 --out report.asice"))
@click.argument("driver")
@click.option("--from", "signer", default="", help=text("help.conformance.from", LANG))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help=text("help.conformance.out", LANG))
@_home
def conformance(home: Path, driver: str, signer: str, out: Path | None, as_json: bool) -> None:
    """Every check of the adapter contract."""
    from adapters import conformance as kit
    from axis import bootstrap
    from axis.core.conformance import Report

    if (out is None) is not (not signer):
        raise click.UsageError("--from, --out")
    made, found = kit.load(driver), []
    for outcome in kit.run(made):
        found.append((outcome.name, outcome.why))
        if as_json:
            _print({"check": outcome.name, "passed": not outcome.why, "why": outcome.why})
        else:
            console.say(text("conformance.no" if outcome.why else "conformance.yes", LANG, name=outcome.name))
            if outcome.why:
                console.say(f"    {console.plain(outcome.why)}")
    report = Report(driver, kit.VERSION, _now(), tuple(found))
    if out is not None:
        out.write_bytes(bootstrap.sign_report(_open(home), signer, report, _now()))
    passed = sum(not why for _, why in found)
    if not as_json:
        console.say(text("conformance.total", LANG, passed=passed, all=len(found)))
    sys.exit(DONE if report.passed else REFUSED)


# -- Packets -------------------------------------------------------------------------------------------------


@main.group(help=text("help.packet", LANG), short_help=text("help.packet", LANG))
def packet() -> None:
    """See the help text."""


def _findings(problems: Sequence[Problem]) -> None:
    rows = [
        (p.fault.code, text(p.severity, LANG), console.plain(p.path), str(p.line or ""), console.plain(p.text(LANG)))
        for p in problems
    ]
    columns = [
        "Code" if LANG == "en" else "Mã",
        *(text(f"column.{c}", LANG) for c in ("severity", "path", "line", "text")),
    ]
    _table(columns, rows)


@packet.command("check", **_settings("help.packet.check", "axis packet check van-ban.edxml"))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_common
def packet_check(files: tuple[Path, ...], as_json: bool) -> None:
    """Every finding."""
    from axis.core import edxml
    from axis.core.instant import VIETNAM

    bad = 0
    for file in files:
        converted = edxml.convert(file.read_bytes())
        problems = [*converted.problems]
        if converted.packet is not None:
            today = _now().astimezone(VIETNAM).date()
            problems += [p for p in edxml.check(converted.packet, today) if p.fault is Fault.PACKET_FUTURE]
        errors = sum(p.severity == "error" for p in problems)
        bad += errors
        if as_json:
            for problem in problems:
                _print({"file": str(file), **problem.as_json(LANG)})
            continue
        if problems:
            _findings(problems)
        key = "check.bad" if problems else "check.good"
        console.say(text(key, LANG, file=file, errors=errors, warnings=len(problems) - errors))
    sys.exit(REFUSED if bad else DONE)


@packet.command("show", **_settings("help.packet.show", "axis packet show van-ban.edxml"))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_common
def packet_show(file: Path, as_json: bool) -> None:
    """What it says."""
    import hashlib

    from axis.core import edxml

    converted = edxml.convert(file.read_bytes())
    said = converted.packet
    if said is None:
        raise Rejected(*converted.problems)
    value: dict[str, Any] = {
        "kind": said.kind.value,
        "from": {"organ_id": said.sender.organ_id, "name": said.sender.name},
        "to": [{"organ_id": o.organ_id, "name": o.name} for o in said.recipients],
        "document_id": said.document_id,
        "code": said.code,
        "subject": said.subject,
        "promulgation_date": said.promulgation_date,
        "due_date": said.due_date,
        "priority": said.priority,
        "response_for": [
            {"organ_id": r.organ_id, "code": r.code, "document_id": r.document_id} for r in said.response_for
        ],
        "status_code": said.status_code,
        "description": said.description,
        "timestamp": said.timestamp,
        "attachments": [
            {
                "name": a.name,
                "content_type": a.content_type,
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for a, content in zip(said.attachments, converted.attachments, strict=False)
        ],
    }
    if as_json:
        _print(value)
        return
    for key, entry in value.items():
        for one in entry if isinstance(entry, list) else [entry] if entry not in ("", None) else []:
            shown = "  ".join(f"{v}" for v in one.values() if v != "") if isinstance(one, dict) else one
            console.say(f"{key:18} {console.plain(shown)}")


_MOMENTS = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]  # Viet Nam time


# -- Sending -------------------------------------------------------------------------------------------------


@main.command(**_settings("help.send", "axis send van-ban.edxml --from G22 --to H41 --to H26"))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--from", "sender", required=True, help=text("help.send.from", LANG))
@click.option("--to", multiple=True, help=text("help.send.to", LANG))
@click.option("--dry-run", is_flag=True, help=text("help.send.dry", LANG))
@click.option("--wait", type=float, default=60, show_default=True, help=text("help.send.wait", LANG))
@click.option("--at", "deliver_at", type=click.DateTime(_MOMENTS), help=text("help.send.at", LANG))
@click.option("--within", type=float, help=text("help.send.within", LANG))
@_home
def send(
    home: Path,
    files: tuple[Path, ...],
    sender: str,
    to: tuple[str, ...],
    dry_run: bool,
    deliver_at: datetime | None,
    within: float | None,
    wait: float,
    as_json: bool,
) -> None:
    """Check, convert, sign, submit."""
    from axis import bootstrap
    from axis.services import dispatch

    opened = _open(home)
    with bootstrap.reading_journal(opened, sender) as journal:
        letters = [
            dispatch.prepare(
                journal,
                bootstrap.hub_certificate(opened),
                sender,
                file.name,
                file.read_bytes(),
                to,
                _now(),
                deliver_at=deliver_at.strftime("%Y/%m/%d %H:%M:%S") if deliver_at else "",
                deliver_within=f"PT{max(1, round(within * 60))}M" if within else "",
            )
            for file in files
        ]
    bad = [letter for letter in letters if letter.problems]
    if dry_run or bad:
        for letter in letters:
            _show_letter(
                letter, None if letter.problems else bootstrap.preflight(opened, sender, letter, _now()), as_json
            )
        sys.exit(REFUSED if bad else DONE)
    outbox = opened.path / "agencies" / sender / "outbox"
    for letter in letters:
        dispatch.drop(letter, outbox)
    # A home that runs takes them from the outbox; one that does not is run here until nothing is due.
    with bootstrap.reading_journal(opened, sender) as journal:
        if bootstrap.is_running(opened) or opened.config.broker.kind != "embedded":
            dispatch.wait(journal, letters, outbox, wait)
        else:
            from axis.services import run as loops

            with bootstrap.embedded_parts(opened) as (worker, agencies), _stoppable() as stopped:
                loops.rounds(worker, agencies, stopped=stopped, until_idle=True)
                _name_away(_troubles(agencies))
        results = dispatch.results(journal, letters)
    for result in results:
        _show_result(result, as_json)
    states = {result["state"] for result in results}
    sys.exit(DONE if states == {"accepted"} else UNAVAILABLE if "pending" in states else REFUSED)


def _show_letter(letter: Any, found: dict[str, Any] | None, as_json: bool) -> None:
    if as_json:
        problems = [p.as_json(LANG) for p in (*letter.problems, *letter.warnings)]
        _print({"file": letter.name, "to": list(letter.to), "findings": problems, **(found or {})})
        return
    if letter.problems or letter.warnings:
        _findings([*letter.problems, *letter.warnings])
    if letter.problems:
        console.say(
            text(
                "check.bad",
                LANG,
                file=letter.name,
                errors=len(letter.problems),
                warnings=len(letter.warnings),
            )
        )
    else:
        console.say(text("send.good", LANG, file=letter.name, to=", ".join(letter.to)))
    if found is not None:
        _show_preflight(found)


def _show_preflight(found: dict[str, Any]) -> None:
    until, size = _local(found["certificate_until"]), f"{found['size']:,}"
    console.say(text("preflight.parcel", LANG, size=size, limit=f"{found['limit']:,}", until=until))
    columns = [text(f"preflight.{name}", LANG) for name in ("to", "agency", "standing", "due")]
    rows = [
        (
            console.plain(one["to"]),
            f"{one['agency']} {console.plain(one['name'])}",
            text(f"preflight.{one['standing']}", LANG),
            _local(one["due_at"]) if one["due_at"] else "-",
        )
        for one in found["routes"]
    ]
    _table(columns, rows)


def _show_result(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        _print(result)
        return
    if result["state"] == "accepted":
        console.say(text("send.accepted", LANG, file=result["file"], axis_id=result["axis_id"]))
        return
    if result["state"] == "pending":
        console.say(text("send.pending", LANG, file=result["file"]))
        return
    console.say(text("send.refused", LANG, file=result["file"]))
    for finding in result["findings"]:
        shown = finding.get("text_vi") if LANG == "vi" and finding.get("text_vi") else finding["text"]
        console.say(f"  {finding['code']}: {console.plain(shown)}", err=True)


# -- Tracing and verifying ------------------------------------------------------------------------------------


@main.command(**_settings("help.trace", "axis trace 1234/VPCP-KSTT"))
@click.argument("reference")
@_home
def trace(home: Path, reference: str, as_json: bool) -> None:
    """The time-line of a document."""
    from axis import bootstrap
    from axis.services import follow

    opened = _open(home)
    if opened.config.installation.role == "agency":
        with bootstrap.reading_journals(opened) as journals:
            value = follow.trace_journal(journals, reference)
    else:
        with bootstrap.reading(opened) as record:
            value = follow.trace(record, reference)
    _print(value) if as_json else _show_trace(value)


def _show_trace(value: dict[str, Any]) -> None:
    about = value["document"]
    console.say(f"{text('trace.document', LANG)}: {console.plain(about['code'])} · {console.plain(about['subject'])}")
    console.say(f"  axis id: {about['axis_id']}")
    console.say(f"  DocumentId: {console.plain(about['document_id'])}")
    console.say(f"  {text('trace.from', LANG)}: {about['from']}")
    console.say(f"  {text('trace.received', LANG)}: {_local(about['received_at'])}")
    console.say(f"  {text('trace.digest', LANG)}: {about['content_digest']}")
    console.say()
    rows = []
    for one in value["deliveries"]:
        business = one["business_status"]
        known = text(f"business.{business}", LANG) if f"business.{business}" in TEXTS else business
        rows.append(
            (
                one["recipient"],
                text(f"state.{one['state']}", LANG),
                known,
                str(one["attempts"]),
                _local(one["updated_at"]),
                _local(one.get("next_attempt")),
            )
        )
    columns = ["recipient", "state", "status", "attempts", "updated", "next"]
    shown = len(columns) if any(row[-1] for row in rows) else len(columns) - 1
    _table([text(f"trace.{c}", LANG) for c in columns[:shown]], [row[:shown] for row in rows])
    console.say()
    if by := about.get("superseded_by"):
        console.say(f"{text('trace.superseded', LANG)}: {by}\n")
    changes = [
        (
            text(f"demand.{unit['demand']}", LANG),
            unit["unit"],
            text(f"stage.{unit['stage']}", LANG),
            _local(unit["answered_at"]),
            console.plain(unit["reason"]),
            change["axis_id"],
        )
        for change in value["changes"]
        for unit in change["units"]
    ]
    if changes:
        names = ("trace.change", "trace.recipient", "trace.state", "trace.answered", "trace.reason", "column.by")
        _table([text(name, LANG) for name in names], changes)
        console.say()
    events = [
        (
            _local(event["time"]),
            event["actor"],
            event_text(event["event"], LANG) + (f" → {event['recipient']}" if event.get("recipient") else ""),
            console.plain(", ".join(f"{k}={v}" for k, v in event["detail"].items() if v not in ("", [], None))),
        )
        for event in value["events"]
    ]
    _table([text(f"trace.{c}", LANG) for c in ("time", "actor", "event", "detail")], events)


@main.command(**_settings("help.board", "axis board 12/CT-TTg"))
@click.argument("reference")
@_home
def board(home: Path, reference: str, as_json: bool) -> None:
    """Who has it, who waits."""
    from axis import bootstrap
    from axis.services import board as boards

    opened = _open(home)
    with bootstrap.reading_registry(opened) as registry, bootstrap.reading(opened) as record:
        value = boards.board(record, registry, reference, _now())
    if as_json:
        _print(value)
        return
    about = value["document"]
    console.say(f"{console.plain(about['code'])} · {console.plain(about['subject'])}")
    rows = [
        (
            one["recipient"],
            console.plain(one["name"]),
            text(f"standing.{one['standing']}", LANG),
            _local(one["since"]),
            one["receipt"],
            " ".join(sorted({code for code in one["statuses"].values() if code})),
            ", ".join(text(f"leg.{leg.partition(' ')[0]}", LANG) for leg in one["overdue"]),
            _local(one["next_deadline"]),
        )
        for one in value["recipients"]
    ]
    names = ("column.code", "column.name", "trace.state", "board.since", "board.receipt", "trace.status")
    _table([text(name, LANG) for name in (*names, "board.overdue", "board.deadline")], rows)
    totals = value["totals"]
    parts = [f"{text(f'standing.{key}', LANG)}: {count}" for key, count in totals.items() if key != "recipients"]
    console.say(f"{text('board.recipients', LANG)}: {totals['recipients']} · " + " · ".join(parts))
    if value["certificate"]:
        console.say(text("board.certificate", LANG, digest=value["certificate"]))


@main.command(**_settings("help.resend", "axis resend --agency H41 --since 2026-11-20 --dry-run"))
@click.argument("reference", default="")
@click.option("--agency", "only", default="", help=text("help.resend.agency", LANG))
@click.option("--since", type=click.DateTime(_MOMENTS), help=text("help.resend.since", LANG))
@click.option("--until", type=click.DateTime(_MOMENTS), help=text("help.resend.until", LANG))
@click.option("--answered", is_flag=True, help=text("help.resend.answered", LANG))
@click.option("--dry-run", is_flag=True, help=text("help.resend.dry", LANG))
@_home
def resend(
    home: Path,
    reference: str,
    only: str,
    since: datetime | None,
    until: datetime | None,
    answered: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Publish once more."""
    from axis import bootstrap
    from axis.core.instant import VIETNAM
    from axis.services import resend as sending

    if not (reference or only or since or until):
        raise click.UsageError(text("resend.which", LANG))
    opened = _open(home)
    first, last = (moment.replace(tzinfo=VIETNAM) if moment else None for moment in (since, until))
    with bootstrap.reading_registry(opened) as registry:
        code = registry.member_for(only).code if only else ""
    wanted = sending.Selection(reference, code, first, last, answered)
    sent = 0
    with bootstrap.reading(opened) as record, record.reading() as reader:
        rows = sending.find(reader, wanted)
    if not dry_run:
        with bootstrap.any_hub(opened) as worker:
            sent = sending.send(worker, rows, _now())
    if as_json:
        for row in rows:
            _print({"delivery": row["id"], "recipient": row["recipient"], "document_id": row["document_id"]})
        _print({"found": len(rows), "resent": sent})
        return
    columns = [text(name, LANG) for name in ("column.code", "trace.document", "trace.state", "trace.updated")]
    states = [(r["recipient"], console.plain(r["document_id"]), text(f"state.{r['state']}", LANG)) for r in rows]
    _table(columns, [(*state, _local(row["updated_at"])) for state, row in zip(states, rows, strict=True)])
    console.say(text("resend.dry" if dry_run else "resend.done", LANG, found=len(rows), sent=sent))


# -- Dead ends ---------------------------------------------------------------------------------------------------


@main.group(help=text("help.queue", LANG), short_help=text("help.queue", LANG))
def queue() -> None:
    """See the help text."""


@queue.command("list", **_settings("help.queue.list", "axis queue list"))
@_home
def queue_list(home: Path, as_json: bool) -> None:
    """What waits for an operator."""
    from axis import bootstrap
    from axis.services import deadends

    with bootstrap.reading(_open(home)) as record, record.reading() as reader:
        items = deadends.listed(reader)
    if as_json:
        for item in items:
            _print(item)
        return
    rows = [
        (
            item["id"],
            text(f"queue.{item['what']}", LANG),
            item["sender"],
            item["agency"],
            console.plain(item["document_id"]),
            item["code"],
            str(item["attempts"]),
            _local(item["since"]),
        )
        for item in items
    ]
    names = ("queue.id", "column.kind", "trace.from", "trace.recipient", "trace.document", "column.code")
    _table([text(name, LANG) for name in (*names, "trace.attempts", "board.since")], rows)
    console.say(text("queue.count", LANG, count=len(items)))


@queue.command("show", **_settings("help.queue.show", "axis queue show 01a2…"))
@click.argument("identifier")
@_home
def queue_show(home: Path, identifier: str, as_json: bool) -> None:
    """One of them."""
    from axis import bootstrap
    from axis.services import deadends

    with bootstrap.reading(_open(home)) as record, record.reading() as reader:
        item = deadends.shown(reader, identifier)
    if as_json:
        _print(item)
        return
    for key, value in item.items():
        if value != "":
            console.say(f"{key:12} {console.plain(value)}")


@queue.command("retry", **_settings("help.queue.retry", 'axis queue retry --code QUARANTINED --reason "…"'))
@click.argument("identifier", default="")
@click.option("--agency", "only", default="", help=text("help.queue.agency", LANG))
@click.option("--code", default="", help=text("help.queue.code", LANG))
@click.option("--since", type=click.DateTime(_MOMENTS), help=text("help.queue.since", LANG))
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help=text("help.queue.limit", LANG))
@click.option("--reason", required=True, help=text("help.queue.reason", LANG))
@_home
def queue_retry(
    home: Path, identifier: str, only: str, code: str, since: datetime | None, limit: int, reason: str, as_json: bool
) -> None:
    """Try one again, or all that a filter names."""
    from axis import bootstrap
    from axis.core.instant import VIETNAM
    from axis.services import deadends

    if bool(identifier) == bool(only or code or since):
        raise click.UsageError(text("queue.which", LANG))
    opened = _open(home)
    if identifier:
        with bootstrap.any_hub(opened) as worker:
            one = deadends.retry(worker, identifier, reason, _now())
        _print(one) if as_json else console.say(text("queue.retry", LANG, id=one["id"]))
        return
    if only:
        with bootstrap.reading_registry(opened) as registry:
            only = registry.member_for(only).code
    wanted = deadends.Selection(only, code, since.replace(tzinfo=VIETNAM) if since else None, limit)
    found = failed = 0
    with bootstrap.any_hub(opened) as worker:
        for done in deadends.retry_all(worker, wanted, reason, _now()):
            found, failed = found + 1, failed + ("error" in done)
            label = "queue.again" if "error" in done else "queue.retry"
            _print(done) if as_json else console.say(text(label, LANG, id=done["id"], code=done.get("error", "")))
    totals = {"found": found, "done": found - failed, "failed": failed}
    _print(totals) if as_json else console.say(text("queue.totals", LANG, **totals))
    sys.exit(REFUSED if failed else DONE)


def _deadend(name: str, key: str) -> None:
    """A command for one choice about a dead end."""

    @queue.command(name, **_settings(key, f'axis queue {name} 01a2… --reason "…"'))
    @click.argument("identifier")
    @click.option("--reason", required=True, help=text("help.queue.reason", LANG))
    @_home
    def choose(home: Path, identifier: str, reason: str, as_json: bool) -> None:
        from axis import bootstrap
        from axis.services import deadends

        act = {"release": deadends.release, "return": deadends.give_back, "drop": deadends.drop}[name]
        with bootstrap.any_hub(_open(home)) as worker:
            done = act(worker, identifier, reason, _now())
        _print(done) if as_json else console.say(text(f"queue.{name}", LANG, id=done["id"]))


for _name in ("release", "return", "drop"):
    _deadend(_name, f"help.queue.{_name}")


@main.command(**_settings("help.verify", "axis verify inbox/*.asice --trust pki/ca.pem"))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--trust",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=text("help.verify.trust", LANG),
)
@click.option("--at", type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"]), help=text("help.verify.at", LANG))
@_home
def verify(home: Path, files: tuple[Path, ...], trust: Path | None, at: datetime | None, as_json: bool) -> None:
    """Verdict and reasons."""
    from datetime import UTC

    from axis.services import examine

    moment = at.replace(tzinfo=UTC) if at else None
    if trust is not None:
        from axis.infra import keystore

        source = examine.by_authority(keystore.load_certificate(trust))
    else:
        from axis import bootstrap

        opened = _open(home)
        with bootstrap.reading_registry(opened) as registry:
            source = registry
    bad = 0
    for file in files:
        verdict = examine.examine(file.read_bytes(), source, moment or _now())
        bad += verdict["verdict"] != "PASSED"
        if as_json:
            _print({"file": str(file), **verdict, "revocation_checked": trust is None})
        elif verdict["verdict"] == "PASSED":
            console.say(
                text(
                    "verify.good",
                    LANG,
                    file=file,
                    kind=verdict["kind"],
                    signer=verdict["signer"],
                    time=_local(verdict["signing_time"]),
                )
            )
            for line in verdict["says"]:
                console.say(f"  {console.plain(line)}")
        else:
            shown = "; ".join(f"{p['code']} {p['text_vi' if LANG == 'vi' else 'text_en']}" for p in verdict["reasons"])
            console.say(text("verify.bad", LANG, file=file, reason=console.plain(shown)))
    if trust is not None and not as_json:
        _say("verify.unrevoked")
    sys.exit(REFUSED if bad else DONE)


# -- The registry ----------------------------------------------------------------------------------------------


@main.group(help=text("help.agency", LANG), short_help=text("help.agency", LANG))
def agency() -> None:
    """See the help text."""


@agency.command("list", **_settings("help.agency.list", "axis agency list"))
@_home
def agency_list(home: Path, as_json: bool) -> None:
    """All agencies."""
    from axis import bootstrap

    with bootstrap.reading_registry(_open(home)) as registry:
        rows = [
            (m.code, m.name_vi if LANG == "vi" else m.name_en or m.name_vi, m.kind, m.standing(_now()))
            for m in registry.agencies
        ]
    if as_json:
        for code, name, kind, standing in rows:
            _print({"code": code, "name": name, "kind": kind, "standing": standing})
        return
    shown = [(code, name, kind, text(f"standing.{standing}", LANG)) for code, name, kind, standing in rows]
    _table([text(f"column.{c}", LANG) for c in ("code", "name", "kind", "standing")], shown)


@agency.command("show", **_settings("help.agency.show", "axis agency show G22"))
@click.argument("code")
@_home
def agency_show(home: Path, code: str, as_json: bool) -> None:
    """One agency."""
    from axis import bootstrap
    from axis.services import members

    with bootstrap.reading_registry(_open(home)) as registry:
        value = members.describe(registry, code, _now())
    if as_json:
        _print(value)
        return
    for key, entry in value.items():
        for one in entry if isinstance(entry, list) else [entry] if entry not in ("", None) else []:
            shown = "  ".join(f"{k}={v}" for k, v in one.items() if v) if isinstance(one, dict) else one
            console.say(f"{key:12} {console.plain(shown)}")


@agency.command("add", **_settings("help.agency.add", 'axis agency add G38 --name "Ủy ban sông Mê Công Việt Nam"'))
@click.argument("code")
@click.option("--name", required=True, help=text("column.name", LANG))
@click.option("--name-en", default="", help=text("column.name", LANG) + " (en)")
@click.option("--kind", default="", help=text("column.kind", LANG))
@click.option(
    "--key-type",
    type=click.Choice(["p256", "rsa"]),
    default="p256",
    show_default=True,
    help=text("help.init.key_type", LANG),
)
@click.option(
    "--conformance",
    "report",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=text("help.agency.conformance", LANG),
)
@_home
def agency_add(
    home: Path, code: str, name: str, name_en: str, kind: str, key_type: Any, report: Path | None, as_json: bool
) -> None:
    """A new member."""
    from axis import bootstrap
    from axis.services import members

    opened = _open(home)
    if report is not None or opened.config.hub.conformance == "required":
        bootstrap.check_report(opened, report.read_bytes() if report is not None else b"", _now())
    with bootstrap.registrar(opened) as registrar:
        registry = members.add(registrar, code, name, name_en, kind, key_type, _now())
    _show_change(registry.version, code, "add", as_json)


def _show_change(version: int, code: str, change: str, as_json: bool, *, changed: bool = True) -> None:
    if as_json:
        _print({"registry": version, "code": code, "change": change, "changed": changed})
    elif not changed:
        console.say(text("registry.same", LANG, code=code))
    else:
        console.say(text("registry.changed", LANG, version=version, code=code, change=text(f"change.{change}", LANG)))


def _carry_to_broker(home: Home, registry: Any, as_json: bool, also: tuple[str, ...] = ()) -> None:
    """The broker follows the registry: rights first, then the open connections of who has none (and of `also`)."""
    import time

    from axis import bootstrap

    management = bootstrap.management(home)
    if management is None:
        return
    from axis.services import topology

    begun = time.monotonic()
    try:
        ended = topology.follow(management, registry, _now(), also)
    except AxisError:
        _say("broker.unbarred")
        raise
    if not as_json:
        console.say(text("broker.barred", LANG, count=ended, seconds=time.monotonic() - begun))


@agency.command("suspend", **_settings("help.agency.suspend", 'axis agency suspend H41 --reason "lộ khóa"'))
@click.argument("code")
@click.option("--reason", default="", help=text("help.agency.reason", LANG))
@_home
def agency_suspend(home: Path, code: str, reason: str, as_json: bool) -> None:
    """Its mail waits from now on."""
    from axis import bootstrap
    from axis.services import members

    opened = _open(home)
    with bootstrap.registrar(opened) as registrar:
        before, code = registrar.registry().version, members.member_code(registrar, code)
        registry = members.suspend(registrar, code, reason, _now())
    _show_change(registry.version, code, "suspend", as_json, changed=registry.version != before)
    _carry_to_broker(opened, registry, as_json)


@agency.command("resume", **_settings("help.agency.resume", "axis agency resume H41"))
@click.argument("code")
@click.option("--reason", default="", help=text("help.agency.reason", LANG))
@_home
def agency_resume(home: Path, code: str, reason: str, as_json: bool) -> None:
    """Its mail goes on."""
    from axis import bootstrap
    from axis.services import members

    opened = _open(home)
    with bootstrap.registrar(opened) as registrar:
        before, code = registrar.registry().version, members.member_code(registrar, code)
        registry = members.resume(registrar, code, reason, _now())
    _show_change(registry.version, code, "resume", as_json, changed=registry.version != before)
    _carry_to_broker(opened, registry, as_json)


@agency.command("close", **_settings("help.agency.close", "axis agency close G05 --successor G12 --from 2025-03-01"))
@click.argument("code")
@click.option("--successor", default="", help=text("help.agency.successor", LANG))
@click.option("--from", "since", type=click.DateTime(_MOMENTS), help=text("help.agency.from", LANG))
@click.option("--reason", default="", help=text("help.agency.reason", LANG))
@_home
def agency_close(home: Path, code: str, successor: str, since: datetime | None, reason: str, as_json: bool) -> None:
    """Its mail goes to its successor."""
    from axis import bootstrap
    from axis.core.instant import VIETNAM
    from axis.services import members

    opened = _open(home)
    at = since.replace(tzinfo=VIETNAM) if since else _now()
    with bootstrap.registrar(opened) as registrar:
        code = members.member_code(registrar, code)
        after = members.member_code(registrar, successor) if successor else ""
        registry = members.close(registrar, code, after, reason, at, _now())
    _show_change(registry.version, code, "close", as_json)
    _carry_to_broker(opened, registry, as_json)


@agency.command("alias", **_settings("help.agency.alias", "axis agency alias H29 000.00.00.H29"))
@click.argument("code")
@click.argument("alias")
@click.option("--reason", default="", help=text("help.agency.reason", LANG))
@_home
def agency_alias(home: Path, code: str, alias: str, reason: str, as_json: bool) -> None:
    """Another code for it."""
    from axis import bootstrap
    from axis.services import members

    with bootstrap.registrar(_open(home)) as registrar:
        before, code = registrar.registry().version, members.member_code(registrar, code)
        registry = members.add_alias(registrar, code, alias, reason, _now())
    _show_change(registry.version, code, "alias", as_json, changed=registry.version != before)


@agency.command("rotate", **_settings("help.agency.rotate", "axis agency rotate H41"))
@click.argument("code")
@click.option(
    "--key-type",
    type=click.Choice(["p256", "rsa"]),
    default="p256",
    show_default=True,
    help=text("help.init.key_type", LANG),
)
@click.option("--revoke", is_flag=True, help=text("help.agency.revoke", LANG))
@click.option("--reason", default="", help=text("help.agency.reason", LANG))
@_home
def agency_rotate(home: Path, code: str, key_type: Any, revoke: bool, reason: str, as_json: bool) -> None:
    """A new key."""
    from axis import bootstrap
    from axis.services import members

    opened = _open(home)
    with bootstrap.registrar(opened) as registrar:
        code = members.member_code(registrar, code)
        registry = members.rotate(registrar, code, key_type, revoke=revoke, reason=reason, now=_now())
    _show_change(registry.version, code, "rotate", as_json)
    _carry_to_broker(opened, registry, as_json, also=(code,) if revoke else ())


@agency.command("export", **_settings("help.agency.export", "axis agency export G22 --to home-G22"))
@click.argument("codes", nargs=-1, required=True)
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help=text("help.agency.to", LANG),
)
@_home
def agency_export(home: Path, codes: tuple[str, ...], target: Path, as_json: bool) -> None:
    """An agency's own home."""
    from axis import bootstrap
    from axis.infra.record import registries
    from axis.services import enrol

    opened = _open(home)
    with bootstrap.reading(opened) as record, record.reading() as reader:
        registry = reader.payload(registries.newest(reader))
    enrol.export(home, opened.config, codes, registry, target, _now())
    if as_json:
        _print({"home": str(target), "agencies": list(codes)})
    else:
        console.say(text("export.done", LANG, target=target, codes=", ".join(codes)))


# -- The broker ----------------------------------------------------------------------------------------------


@main.group(help=text("help.broker", LANG), short_help=text("help.broker", LANG))
def broker() -> None:
    """See the help text."""


@contextmanager
def _broker_and_registry(home: Path) -> Iterator[tuple[Any, Any]]:
    from axis import bootstrap

    opened = _open(home)
    management = bootstrap.management(opened)
    if management is None:
        raise click.UsageError(text("broker.none", LANG))
    with bootstrap.reading_registry(opened) as registry:
        yield management, registry


@broker.command("setup", **_settings("help.broker.setup", "AXIS_MANAGEMENT_URL=http://… axis broker setup"))
@click.option("--passwords", type=click.Path(path_type=Path, file_okay=False), help=text("help.broker.passwords", LANG))
@click.option("--keep-guest", is_flag=True, help=text("help.broker.guest", LANG))
@click.option("--close-old", is_flag=True, help=text("help.broker.close", LANG))
@click.option("--remake", is_flag=True, help=text("help.broker.remake", LANG))
@_home
def broker_setup(
    home: Path, passwords: Path | None, keep_guest: bool, close_old: bool, remake: bool, as_json: bool
) -> None:
    """Make what is missing."""
    from axis import bootstrap
    from axis.services import topology

    changed = wrong = 0

    def set_up() -> None:
        nonlocal changed, wrong
        for problem, mended in topology.set_up(
            management, registry, _now(), keep_guest=keep_guest, close_old=close_old
        ):
            changed += mended
            wrong += not mended
            if as_json:
                _print({**problem.as_json(LANG), "changed": mended})
            elif not mended:
                console.say(f"{problem.fault.code}: {console.plain(problem.text(LANG))}", err=True)

    with _broker_and_registry(home) as (management, registry):
        if remake:
            _remake(home, management, registry, set_up, as_json)
        else:
            set_up()
        if passwords is not None:
            names = [user.name for user in topology.users(registry, _now())]
            bootstrap.give_passwords(bootstrap.open_home(home), management, names, passwords)
    if not as_json:
        console.say(text("broker.bad", LANG, count=wrong) if wrong else text("broker.done", LANG, count=changed))
    sys.exit(REFUSED if wrong else DONE)


@broker.command("reissue", **_settings("help.broker.reissue", "axis broker reissue --home axis-home"))
@_home
def broker_reissue(home: Path, as_json: bool) -> None:
    """New TLS certificates for the keys that are there."""
    from axis.services import enrol

    files = enrol.reissue_tls(_open(home).path, _now())
    if as_json:
        _print({"folder": str(home / "tls"), "files": files})
        return
    console.say(text("broker.reissued", LANG, count=len(files), folder=home / "tls"))
    _say("broker.carry", folder=home / "tls")


def _remake(home: Path, management: Any, registry: Any, set_up: Callable[[], None], as_json: bool) -> None:
    """Queues with other arguments down, all set up, and what was in them back; then the senders are asked."""
    from axis import bootstrap
    from axis.services import reconcile, remake

    with bootstrap.remaking(_open(home)) as (worker, link):
        names: list[str] = []
        try:
            for name in remake.take_down(worker, link, management, registry, _now):
                names.append(name)
                if as_json:
                    _print({"queue": name, "remade": True})
        finally:
            set_up()
        for name, left in remake.bring_back(link, management):
            if left:
                _say("broker.beside", queue=name, count=left)
        if names:
            reconcile.ask_senders(worker, _now())
    if not as_json:
        console.say(text("broker.remade", LANG, count=len(names)))


@broker.command("check", **_settings("help.broker.check", "AXIS_MANAGEMENT_URL=http://… axis broker check"))
@click.option("--keep-guest", is_flag=True, help=text("help.broker.guest", LANG))
@_home
def broker_check(home: Path, keep_guest: bool, as_json: bool) -> None:
    """What is wrong."""
    from axis.services import topology

    with _broker_and_registry(home) as (management, registry):
        problems = [one.problem for one in topology.differences(management, registry, _now(), keep_guest=keep_guest)]
        problems += topology.twice(management, registry)
    for problem in problems:
        if as_json:
            _print(problem.as_json(LANG))
        else:
            console.say(f"{problem.fault.code}: {console.plain(problem.text(LANG))}")
    if not as_json:
        _say("broker.bad", count=len(problems)) if problems else console.say(text("broker.good", LANG))
    sys.exit(REFUSED if problems else DONE)


@main.command(**_settings("help.reconcile", "axis reconcile --older-than 60"))
@click.option(
    "--older-than", type=click.FloatRange(0), default=10, show_default=True, help=text("help.reconcile.older", LANG)
)
@click.option("--agency", "only", default="", help=text("help.reconcile.agency", LANG))
@click.option("--restored", is_flag=True, help=text("help.reconcile.restored", LANG))
@_home
def reconcile(home: Path, older_than: float, only: str, restored: bool, as_json: bool) -> None:
    """Record, broker, receipts."""
    from dataclasses import asdict
    from datetime import timedelta

    from axis import bootstrap
    from axis.core import instant
    from axis.services import reconcile as repair

    opened = _open(home)
    with (
        bootstrap.any_hub(opened, restored=restored) as worker,
        _bar(text("reconcile.running", LANG), 1, quiet=as_json) as advance,
    ):
        gap = bootstrap.accept_restored(opened, worker, _now()) if restored else None
        if only:
            only = worker.registry().member_for(only).code
        step = lambda done, every: advance(done / every)  # noqa: E731
        accounts = repair.reconcile(worker, _now(), timedelta(minutes=older_than), only, step)
    if as_json:
        for one in accounts:
            _print(asdict(one))
        if gap:
            restored_from = {"record_ends": gap.record_ends, "written": gap.written, "since": gap.since.isoformat()}
            _print({"restored": restored_from})
        return
    if gap:
        _say("reconcile.gap", end=gap.record_ends, written=gap.written, since=instant.local(gap.since))
    if accounts:
        columns = [text(f"column.{name}", LANG) for name in ("code", "waiting", "queued", "unanswered", "resent")]
        gone = text("reconcile.gone", LANG)
        rows = [
            (
                one.code,
                str(one.waiting),
                gone if one.queued < 0 else str(one.queued),
                str(one.unanswered),
                str(one.resent),
            )
            for one in accounts
        ]
        _table(columns, rows)
    total = {name: sum(getattr(one, name) for one in accounts) for name in ("unanswered", "resent")}
    console.say(text("reconcile.done", LANG, **total))


@main.command(**_settings("help.upgrade", "axis upgrade --home axis-home"))
@click.option("--check", is_flag=True, help=text("help.upgrade.check", LANG))
@_home
def upgrade(home: Path, check: bool, as_json: bool) -> None:
    """The schema's version."""
    from axis import bootstrap
    from axis.infra.database import SCHEMA_VERSION

    old = False
    with bootstrap.home_databases(_open(home)) as databases:
        for name, database in databases.items():
            before, after = (database.version(), SCHEMA_VERSION) if check else database.upgrade()
            old = old or (check and before != after)
            if as_json:
                _print({"database": name, "before": before, "after": after})
            else:
                console.say(
                    text(
                        "upgrade.same" if before == after else "upgrade.done",
                        LANG,
                        database=name,
                        before=before,
                        after=after,
                    )
                )
    sys.exit(REFUSED if old else DONE)


# -- The demo ------------------------------------------------------------------------------------------------


@main.command(**_settings("help.demo", "axis demo --documents 200"))
@click.option(
    "--documents",
    type=click.IntRange(3),
    default=200,
    show_default=True,
    help=text("help.demo.documents", LANG),
)
@click.option(
    "--broker",
    type=click.Choice(["embedded", "amqp"]),
    default="embedded",
    show_default=True,
    help=text("help.init.broker", LANG),
)
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help=text("help.demo.keep", LANG))
@_common
def demo(documents: int, broker: str, keep: Path | None, as_json: bool) -> None:
    """The whole thing."""
    import tempfile

    from axis import demonstration

    with tempfile.TemporaryDirectory(prefix="axis-demo-") as temporary:
        folder = keep or Path(temporary)
        shown = demonstration.Stage(
            bar=lambda key, total: _bar(text(key, LANG), total, quiet=as_json),
            say=(lambda _key, **_facts: None) if as_json else _say,
        )
        result = demonstration.perform(folder, documents, broker, shown)
        if as_json:
            _print(result.summary)
        else:
            console.say(text("demo.trace", LANG))
            _show_trace(result.trace)
            console.say()
            console.say(text("demo.summary", LANG) + ":")
            for key, entry in result.summary.items():
                console.say(f"  {text(f'demo.{key}', LANG):14} {entry}")
            if keep:
                _say("demo.kept", home=folder)
        lost, duplicates = result.summary["lost"], result.summary["duplicates"]
        if lost or duplicates or result.summary["handed_over"] != result.summary["deliveries"]:
            _say("demo.bad", lost=lost, duplicates=duplicates)
            sys.exit(CORRUPTED)


# -- Measurements --------------------------------------------------------------------------------------------


@main.command(**_settings("help.bench", "axis bench --mode served --documents 200 --against 73d2b4f"))
@click.option(
    "--mode",
    type=click.Choice(["embedded", "served"]),
    default="embedded",
    show_default=True,
    help=text("help.bench.mode", LANG),
)
@click.option("--size", default="100KB", show_default=True, help=text("help.bench.size", LANG))
@click.option(
    "--recipients", type=click.IntRange(1, 94), default=1, show_default=True, help=text("help.bench.recipients", LANG)
)
@click.option(
    "--documents",
    type=click.IntRange(1, 300_000),
    default=100,
    show_default=True,
    help=text("help.demo.documents", LANG),
)
@click.option("--agencies", type=click.IntRange(2, 95), help=text("help.bench.agencies", LANG))
@click.option("--pace", type=click.FloatRange(0), default=0, show_default=True, help=text("help.bench.pace", LANG))
@click.option("--against", default="", metavar="REV", help=text("help.bench.against", LANG))
@click.option("--peer", is_flag=True, help=text("help.bench.peer", LANG))
@click.option("--fill", type=click.IntRange(0), default=0, help=text("help.bench.fill", LANG))
@click.option(
    "--scenario",
    type=click.Choice(["circular-receipt", "history", "workers", "full", "idle", "flood"]),
    help=text("help.bench.scenario", LANG),
)
@click.option("--no-counts", is_flag=True, help=text("help.bench.counts", LANG))
@click.option("--broker", default="", metavar="URL", help=text("help.bench.broker", LANG))
@click.option("--database", default="", metavar="URL", help=text("help.bench.database", LANG))
@_common
def bench(as_json: bool, scenario: str | None, **options: Any) -> None:
    """What a document costs."""
    from axis.trials import bench as trial
    from axis.trials import bench_report, bench_scenarios

    try:
        asked = trial.read_options(options)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    say = (lambda _key, **_facts: None) if as_json else _say
    if scenario:
        found = bench_scenarios.perform(asked, scenario, trial.Stage(say))
        _print(found) if as_json else _table(("", ""), bench_report.scenario_rows(found))
        return
    with _bar("", asked.shape.deliveries, quiet=as_json) as advance:
        found = trial.perform(asked, trial.Stage(say, advance))
    if as_json:
        _print(found)
    else:
        _table(("", found["mode"], "against")[: 3 if "against" in found else 2], bench_report.rows(found))
    if wrong := trial.wrong(found):
        _say("bench.bad", **wrong)
        sys.exit(CORRUPTED)


if __name__ == "__main__":
    main()
