"""axis.toml → named tuples, which every command has to make: a dataclass costs eight times as much. Unknown keys are
named, values are checked together at load.

Secrets do not stand in the file: URLs with passwords come from the environment variables named there.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_origin, get_type_hints
from typing import Literal as OneOf
from urllib.parse import urlsplit

from axis.core import retention, secret
from axis.core.hub import calendar, terms
from axis.errors import Fault, Misconfigured, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

FILE = "axis.toml"
TEXT = "utf-8-sig"  # what people write: some editors put a byte order mark before it
DAY = 86_400
_LEAST = {
    "timestamps.hours": 1,
    "hub.give_up_attempts": 1,
    "hub.queue_depth": 1,
    "hub.agency_documents_per_second": 0.1,
    "hub.agency_bytes_per_second": 1000,
    "server.connections": 1,
    "server.connections_per_peer": 1,
    "portal.services": 0,
}
_BETWEEN = {"hub.consignment_after": (0, DAY), "retention.hour": (0, 23), "portal.target": (0, 1)}
WEEK, CENTURY = 7, 36_525


class Installation(NamedTuple):
    """What this home is."""

    id: str  # the same for every home of one axis
    role: OneOf["all", "agency"] = "all"  # all: hub and agencies; agency: only the adapters of `agencies`
    agencies: tuple[str, ...] = ()


class Store(NamedTuple):
    """Where the hub's record lives; an adapter's journal is always SQLite in its home."""

    kind: OneOf["sqlite", "postgresql"] = "sqlite"
    url_env: str = "AXIS_DATABASE_URL"
    # Where parcels lie. auto: in segments beside an SQLite file, in the database of PostgreSQL. PostgreSQL with
    # segments wants all hub workers on one machine.
    parcels: OneOf["auto", "database", "segments"] = "auto"


class Keys(NamedTuple):
    """What signs for the hub, or for the agencies of this home."""

    # file: the private keys lie in keys/, 0600. Another name: an installed kind of signer (a token, say), whose
    # certificates lie in keys/ all the same.
    signer: str = "file"


class Broker(NamedTuple):
    """How parcels travel."""

    kind: OneOf["embedded", "amqp"] = "embedded"
    url: str = ""  # without a password; empty: taken from `url_env`
    url_env: str = "AXIS_AMQP_URL"
    # required: a parcel must carry the broker's word on who published it. optional: where all share one
    # broker user (a try-out), the signature alone says who sent.
    user_id: OneOf["required", "optional"] = "required"
    management_url: str = ""  # of the broker's HTTP API, without a password; empty: taken from `management_url_env`
    management_url_env: str = "AXIS_MANAGEMENT_URL"
    ca_file: str = ""  # for amqps: paths, relative to the home
    certificate_file: str = ""
    key_file: str = ""


class Hub(NamedTuple):
    """The hub's patience."""

    give_up_attempts: int = 30  # failed publications of one delivery until D.2; about a day with back-off
    queue_depth: int = 500  # messages that wait in an agency's queue at most; the rest waits in the record
    # What one hub worker takes from one agency; beyond that its mail waits in its own queue, nobody else's.
    agency_documents_per_second: float = 50.0
    agency_bytes_per_second: float = 20_000_000.0
    # What is sent to an agency that was closed: to its successor, or not at all (D.2 for that recipient).
    closed_agency: OneOf["successor", "refuse"] = "successor"
    # What names an ApplicationType that was not added here (axis type add): a plain document, or not taken.
    unknown_types: OneOf["plain", "refuse"] = "plain"
    # Seconds after which a sender is told by D.1 that its document waits in the recipient's queue, where no receipt of
    # the recipient has come by then.
    consignment_after: float = 5.0
    # Whether `axis agency add` wants a signed report that the new agency's adapter keeps the contract.
    conformance: OneOf["optional", "required"] = "optional"


class Deadlines(NamedTuple):
    """By when what must have happened. Rules: docs/operations.md; days off: `calendar_file`, or our calendar.csv."""

    rules: tuple[str, ...] = terms.DEFAULT
    working_hours: tuple[str, ...] = ("08:00-12:00", "13:00-17:00")
    warn_share: float = 0.75  # of the time, when the warning comes
    calendar_file: str = ""

    def build(self, home: Path) -> terms.Deadlines:
        """The rules with their calendar. Raises :class:`Misconfigured` CONFIG_INVALID."""
        try:
            rules = tuple(terms.read_rule(text) for text in self.rules)
            hours = calendar.read_hours(self.working_hours)
        except ValueError as error:
            expected = "LEG [KIND] [urgent] 4h|4wh|2wd|due|never"
            raise Misconfigured(Problem(Fault.CONFIG_INVALID, "deadlines", expected, str(error))) from None
        try:
            if self.calendar_file:
                text = (home / self.calendar_file).read_text(TEXT)
            else:
                import importlib.resources

                text = importlib.resources.files("axis").joinpath("config/calendar.csv").read_text("utf-8")
            days = calendar.read(text, hours)
        except (OSError, ValueError) as error:
            where = "deadlines.calendar_file"
            raise Misconfigured(Problem(Fault.CONFIG_INVALID, where, "date,kind,name", str(error))) from None
        return terms.Deadlines(rules, days, min(max(self.warn_share, 0.0), 1.0))


class Adapter(NamedTuple):
    """How an agency's own system is connected."""

    kind: str = "folder"
    settle_seconds: float = 1.0  # a file in outbox/ is complete when it has not changed for so long
    # [adapter.agencies.CODE]: its own `kind`, and what else its adapter wants to know.
    agencies: Mapping[str, dict[str, Any]] = MappingProxyType({})

    def of(self, code: str) -> tuple[str, dict[str, Any]]:
        """(kind, options) of one agency's adapter."""
        own = self.agencies.get(code, {})
        options = {"settle_seconds": self.settle_seconds} | own
        return str(own.get("kind", self.kind)), options

    def check(self, code: str, known: Mapping[str, type]) -> None:
        """Whether the table of one agency's adapter has only what that kind of adapter knows, in the right type.

        Raises :class:`Misconfigured`: CONFIG_UNKNOWN_KEY, CONFIG_INVALID, every problem at once."""
        path, problems = f"adapter.agencies.{code}.", list[Problem]()
        types = {"kind": str, "settle_seconds": float, **known}
        for name, value in self.agencies.get(code, {}).items():
            if name in types:
                _value(types[name], value, path + name, problems)
            else:
                problems.append(_unknown(path, name, types))
        if problems:
            raise Misconfigured(*problems)

    def check_codes(self, codes: Sequence[str]) -> None:
        """Whether each table is of one of `codes`, the agencies whose adapters this home has. Raises
        :class:`Misconfigured` CONFIG_UNKNOWN_KEY."""
        unknown = [_unknown("adapter.agencies.", code, codes) for code in self.agencies if code not in codes]
        if unknown:
            raise Misconfigured(*unknown)


class Server(NamedTuple):
    """The HTTP(S) server for agencies whose systems fetch their mail (adapter kind spool): VXP, and the API /v1."""

    listen: str = ""  # host:port; empty: none
    certificate_file: str = ""  # for HTTPS: paths, relative to the home
    key_file: str = ""
    ca_file: str = ""  # clients may show a certificate of this CA
    # Without a certificate the server listens on this machine alone, unless others may come in the clear.
    plain_http: OneOf["loopback", "anywhere"] = "loopback"
    connections: int = 300  # open at once; fewer where the limit of open files (ulimit -n) is low
    connections_per_peer: int = 100  # of one address; as many as `connections` where a proxy stands in front
    webhook_networks: tuple[str, ...] = ()  # private networks in which agencies' systems may be told (10.20.0.0/16)


class Monitor(NamedTuple):
    """What a process tells of itself over HTTP(S): /metrics for Prometheus, /healthz, /readyz. Each process wants an
    address of its own."""

    listen: str = ""  # host:port; empty: none
    # Who may ask beside this machine: networks (10.20.5.0/24). Others are refused.
    networks: tuple[str, ...] = ()
    certificate_file: str = ""  # for HTTPS: paths, relative to the home; without it only this machine is listened to
    key_file: str = ""


class Web(NamedTuple):
    """The web desk (`axis web`): pages that only read. What it shows is every document's subject and where it is."""

    listen: str = "127.0.0.1:8610"  # host:port
    certificate_file: str = ""  # for HTTPS: paths, relative to the home; without it only this machine is listened to
    key_file: str = ""
    # Whoever shows a certificate of this CA comes in as the agency that it names (tls/ca.pem). Never a CA that others
    # get certificates of.
    ca_file: str = ""
    operators: tuple[str, ...] = ()  # SHA-256 of certificates of that CA whose holders see all that the home has
    hosts: tuple[str, ...] = ()  # what browsers call it, beside the address itself: name:port


class Folders(NamedTuple):
    """Agencies' folders in a home."""

    # Those whose files lie in a folder for each day in Viet Nam, sent/2026-11-25/: of inbox, receipts, status and sent.
    # None where this is not said, as in homes of before: a system that looks into receipts/ would find nothing new
    # there. `axis init` says it for new installations; one agency's own: [adapter.agencies.CODE] day_folders.
    by_day: tuple[str, ...] = ()
    # For clerks without a document system: also inbox/<date> <sender> <number> <subject>/ with the attachments as
    # files, a page of facts and the receipts; and beside what is not taken from outbox/, or was refused, a text that
    # says why.
    # One agency's own: [adapter.agencies.CODE] readable.
    readable: bool = False


class Retention(NamedTuple):
    """Days that bytes are kept after everything about them is over; 0: for ever. What the law wants kept (QĐ 28/2018
    Art. 6.3 and 10.2p, NĐ 30/2020 Art. 4.2d and Annex VI: the history of sending, receiving and processing, the
    metadata and the words on signatures) is none of this and never ends: ledger, statements, receipts, digests. The
    documents themselves are kept by the agencies, in their own systems, by the period of the file (NĐ 30/2020, Annex
    VI)."""

    parcels_days: int = 90  # the hub: parcels of documents; longer than your oldest backup is old
    journal_days: int = 30  # an adapter: parcels that it has sent and been answered for, or received and handed over
    # An adapter: what its journal knows of them, and its copies of their receipts. A file goes to the agency's archive
    # within a year from the end of its work (NĐ 30/2020, Art. 30.2); its history stays in the hub's record.
    history_days: int = 731
    # Dead letters and quarantine wait for an operator. With a number of days they are dropped by then, as by
    # `axis queue drop`.
    dead_letters_days: int = 0
    quarantine_days: int = 0
    # Files of the folders by day (`[folders] by_day`) of an agency; what lies flat in a folder is never deleted.
    sent_days: int = 90
    receipts_days: int = 0
    status_days: int = 90
    hour: int = 2  # of the day in Viet Nam from which on a day's run begins

    def build(self) -> retention.Rules:
        """The rules."""
        return retention.Rules(**{name.removesuffix("_days"): days for name, days in self._asdict().items()})


class Log(NamedTuple):
    """What is written to stderr."""

    format: OneOf["text", "json"] = "text"
    level: OneOf["debug", "info", "warning", "error"] = "warning"


class Timestamps(NamedTuple):
    """A third party's time on the log's checkpoints (RFC 3161); needs the extra `evidence`."""

    url: str = ""  # of the service, http or https; nobody is asked without
    # PEM: the service's own certificate, and those that it was issued by; relative to the home.
    certificate_file: str = "pki/tsa.pem"
    hours: int = 24  # between two time-stamps, where something has happened


class Portal(NamedTuple):
    """The National Public Service Portal."""

    # Code of the agency that runs it: its record has every application. With it /dvcqg is served beside the API.
    owner: str = ""
    procedures_file: str = ""  # CSV: MaTTHC, TenTTHC, MaLinhVuc, TenLinhVuc, MaCoQuan; relative to the home
    services: int = 0  # how many services there are at level 3 or 4; with it the report shows how far the target is
    target: float = 0.3  # the share of them that are to have had an application


class Ecabinet(NamedTuple):
    """Meeting systems of the Government's members."""

    # Codes of the agencies whose meeting systems may call /ecabinet/v1, beside the API and with its tokens.
    agencies: tuple[str, ...] = ()


class Config(NamedTuple):
    """One home's settings."""

    installation: Installation
    store: Store = Store()
    broker: Broker = Broker()
    hub: Hub = Hub()
    adapter: Adapter = Adapter()
    log: Log = Log()
    server: Server = Server()
    monitor: Monitor = Monitor()
    web: Web = Web()
    deadlines: Deadlines = Deadlines()
    retention: Retention = Retention()
    folders: Folders = Folders()
    portal: Portal = Portal()
    ecabinet: Ecabinet = Ecabinet()
    timestamps: Timestamps = Timestamps()
    keys: Keys = Keys()

    def database_url(self, home: Path, environment: Mapping[str, str] = os.environ) -> str:
        """SQLAlchemy URL of this home's database. Raises :class:`Misconfigured`."""
        if self.store.kind == "sqlite":
            return f"sqlite:///{home.resolve() / 'axis.db'}"
        return _secret(environment, self.store.url_env, "store.url_env")

    def broker_url(self, environment: Mapping[str, str] = os.environ) -> str:
        """AMQP URL. Raises :class:`Misconfigured`."""
        return self.broker.url or _secret(environment, self.broker.url_env, "broker.url_env")

    def broker_servers(self, environment: Mapping[str, str] = os.environ) -> list[tuple[str, int]]:
        """Host and port of each of the broker's servers. Raises :class:`Misconfigured`."""
        found = [urlsplit(one.strip()) for one in self.broker_url(environment).split(",")]
        return [(one.hostname or "", one.port or (5671 if one.scheme == "amqps" else 5672)) for one in found]

    def management_url(self, environment: Mapping[str, str] = os.environ) -> str:
        """URL of the broker's HTTP API; "" when none is configured."""
        return self.broker.management_url or environment.get(self.broker.management_url_env, "")


def require_private(path: Path) -> None:
    """Raises :class:`Misconfigured` KEY_FILE_OPEN when somebody else could read or change the secret at `path`, and
    OSError where there is none."""
    status = path.stat()
    if not secret.is_private(status.st_mode, status.st_uid, os.geteuid()):
        facts = f"{path} ({stat.filemode(status.st_mode)}, {status.st_uid}:{status.st_gid})"
        raise Misconfigured(Problem(Fault.KEY_FILE_OPEN, path=str(path), got=facts))


def load(home: Path) -> Config:
    """The settings of `home`. Raises :class:`Misconfigured`: HOME_MISSING, CONFIG_INVALID, CONFIG_UNKNOWN_KEY,
    every problem at once."""
    path = home / FILE
    try:
        values = tomllib.loads(path.read_text(TEXT))
    except FileNotFoundError:
        raise Misconfigured(Problem(Fault.HOME_MISSING, got=str(home))) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, str(path), "TOML", str(error))) from None
    problems: list[Problem] = []
    config = _build(Config, values, "", problems)
    for key, url in (("url", config.broker.url), ("management_url", config.broker.management_url)) if config else ():
        if urlsplit(url).password:
            expected = f"no password here; use broker.{key}_env"
            problems.append(Problem(Fault.CONFIG_INVALID, f"broker.{key}", expected, "a password"))
    if not problems and config.installation.role == "agency" and not config.installation.agencies:
        problems.append(Problem(Fault.CONFIG_INVALID, "installation.agencies", "at least one code", "none"))
    for code in config.ecabinet.agencies if config and not problems else ():
        if config.adapter.of(code)[0] != "spool":
            problems.append(Problem(Fault.CONFIG_INVALID, "ecabinet.agencies", 'kind = "spool"', code))
    for name, least in _LEAST.items() if not problems else ():
        if not (value := attrgetter(name)(config)) >= least:  # `nan` is no less than anything
            problems.append(Problem(Fault.CONFIG_INVALID, name, f"{least} or more", str(value)))
    for name, (least, most) in _BETWEEN.items() if not problems else ():
        if not least <= (value := attrgetter(name)(config)) <= most:
            problems.append(Problem(Fault.CONFIG_INVALID, name, f"{least} to {most}", str(value)))
    for one, days in config.retention._asdict().items() if not problems else ():
        if one.endswith("_days") and days != 0 and not WEEK <= days <= CENTURY:
            expected = f"0, or {WEEK} to {CENTURY}"
            problems.append(Problem(Fault.CONFIG_INVALID, f"retention.{one}", expected, str(days)))
    asked = (
        {"server.webhook_networks": config.server.webhook_networks, "monitor.networks": config.monitor.networks}
        if not problems
        else {}
    )
    for name, network in ((name, one) for name, many in asked.items() for one in many):
        try:
            import ipaddress

            ipaddress.ip_network(network)
        except ValueError as error:
            problems.append(Problem(Fault.CONFIG_INVALID, name, "10.20.0.0/16, fd00:1::/48", str(error)))
    if problems:
        raise Misconfigured(*problems)
    return config  # type: ignore[no-any-return]


def render(config: Config) -> str:
    """`config` as TOML, without what equals the default."""
    lines = ["# Settings of this axis home. Every key and its default: docs/settings.md."]
    for section, value in config._asdict().items():
        settings = value._asdict()
        rows = [f"{name} = {_toml(one)}" for name, one in settings.items() if _is_said(value, name, one)]
        if rows:
            lines += ["", f"[{section}]", *rows]
        for name, tables in settings.items():
            for key, table in tables.items() if isinstance(tables, Mapping) else ():
                lines += ["", f"[{section}.{name}.{_toml(key)}]"]
                lines += [f"{option} = {_toml(one)}" for option, one in table.items()]
    return "\n".join(lines) + "\n"


def _is_said(section: Any, name: str, value: object) -> bool:
    return not isinstance(value, Mapping) and (
        name not in section._field_defaults or value != section._field_defaults[name]
    )


def _build(kind: Any, values: Mapping[str, Any], path: str, problems: list[Problem]) -> Any:
    hints = get_type_hints(kind)
    for name in values:
        if name not in kind._fields:
            problems.append(_unknown(path, name, kind._fields))
    arguments = {}
    for name in kind._fields:
        if name not in values:
            if name not in kind._field_defaults:
                problems.append(Problem(Fault.CONFIG_INVALID, path + name, "a value", "nothing"))
            continue
        arguments[name] = _value(hints[name], values[name], path + name, problems)
    return kind(**arguments) if not problems else None


def _unknown(path: str, name: str, known: Iterable[str]) -> Problem:
    import difflib

    near = difflib.get_close_matches(name, known, 1, 0) or ["?"]
    return Problem(Fault.CONFIG_UNKNOWN_KEY, path + name, path + near[0], path + name)


def _value(hint: Any, value: Any, path: str, problems: list[Problem]) -> Any:
    if hasattr(hint, "_fields"):
        if isinstance(value, dict):
            return _build(hint, value, path + ".", problems)
        expected = "a table"
    elif get_origin(hint) is Mapping:
        if isinstance(value, dict) and all(isinstance(one, dict) for one in value.values()):
            return value
        expected = "a table of tables"
    elif hint in (str, int, float, bool):
        if type(value) is hint or (hint is float and type(value) is int):
            return value
        expected = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}[hint]
    elif get_args(hint) and isinstance(get_args(hint)[0], str):
        if value in get_args(hint):
            return value
        expected = " | ".join(get_args(hint))
    else:
        if isinstance(value, list) and all(isinstance(v, str) for v in value):
            return tuple(value)
        expected = "a list of texts"
    problems.append(Problem(Fault.CONFIG_INVALID, path, expected, repr(value)[:80]))
    return None


def _secret(environment: Mapping[str, str], name: str, path: str) -> str:
    if value := environment.get(name):
        return value
    raise Misconfigured(Problem(Fault.CONFIG_INVALID, path, f"environment variable {name} set", "not set"))


def _toml(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
