"""The only place that chooses implementations: a home's settings become a hub, adapters, or a reader."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from adapters.base import Adapter, Guarded, Place
from adapters.disk import Disk
from axis import config as settings
from axis.core import conformance, parcel
from axis.core.instant import to_text
from axis.core.message import HUB_USER
from axis.core.parcel import Known
from axis.core.trust import HUB
from axis.errors import AxisError, Fault, Misconfigured, Problem, Unavailable
from axis.home import (
    Home,
    hub_certificate,
    is_running,
    lock,
    open_home,
    opened,
    reading,
    reading_journal,
    reading_journals,
    reading_registry,
    systems_file,
    tokens_file,
)
from axis.infra import embedded, journal, keystore, payloads
from axis.infra.database import SCHEMA_VERSION, Database
from axis.infra.journal import Journal
from axis.infra.payloads import References
from axis.infra.record import lease, tables
from axis.infra.record.high_water import HighWater
from axis.infra.record.store import HubStore
from axis.services import standing
from axis.services.agency import Agency
from axis.services.hub.flow import QueueLimits, RateLimits
from axis.services.hub.worker import Hub
from axis.services.operate import reconcile
from axis.services.operate.registry import Registrar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from axis.core.conformance import Report
    from axis.core.message import Broker
    from axis.core.trust import Registry
    from axis.infra.amqp import AmqpBroker
    from axis.infra.management import Management
    from axis.services.operate.reconcile import Gap
    from axis.services.sandbox import Peers
    from axis.services.send import Letter

__all__ = [  # what is read of a home is asked for here, too, by whoever works in it
    "Home",
    "hub_certificate",
    "is_running",
    "lock",
    "open_home",
    "reading",
    "reading_journal",
    "reading_journals",
    "reading_registry",
    "systems_file",
    "tokens_file",
]

KNOWN_BYTES = 64 * 1024 * 1024  # of memory for what hub and adapters of one process have verified
log = logging.getLogger("axis")


def _one_writer(home: Home) -> AbstractContextManager[None]:
    return lock(home) if home.config.store.kind == "sqlite" else nullcontext()


@contextmanager
def embedded_parts(home: Home, *, restored: bool = False) -> Iterator[tuple[Hub, list[Agency]]]:
    """Hub and all adapters on the home's one SQLite file, no server. The home is locked meanwhile.

    Raises :class:`Corrupted` RECORD_OLD for a restored old record, unless that is known (`restored`)."""
    if (home.config.broker.kind, home.config.store.kind) != ("embedded", "sqlite"):
        raise Misconfigured(
            Problem(
                Fault.CONFIG_INVALID,
                "broker.kind, store.kind",
                "embedded, sqlite",
                f"{home.config.broker.kind}, {home.config.store.kind}",
            )
        )
    with lock(home), opened(home.config.database_url(home.path)) as database:
        database.create([*tables.TABLES, *journal.TABLES, *embedded.TABLES])
        embedded.EmbeddedBroker.free_leases(database)
        codes = home.codes()
        home.config.adapter.check_codes(codes)
        # One file has all of them, so a parcel is named from anywhere.
        references = (*tables.BODY_REFERENCES, *journal.BODY_REFERENCES, *embedded.BODY_REFERENCES)
        hub_broker = embedded.EmbeddedBroker(database, None)
        hub_broker.declare(codes)
        parts = hub_part(home, database, hub_broker, references)
        if not restored:
            parts.check_record()
        with parts.store.transaction() as tx:
            lease.let_go(tx)
        disk, known = Disk(), Known(KNOWN_BYTES)
        parts.known = known
        agencies = [
            agency_part(home, database, partial(embedded.EmbeddedBroker, database, code), code, references, disk)
            for code in codes
        ]
        for agency in agencies:
            agency.known = known
        try:
            yield parts, agencies
        finally:
            disk.close()
        names = (*tables.PAYLOAD_REFERENCES, *journal.PAYLOAD_REFERENCES, *embedded.PAYLOAD_REFERENCES)
        with database.begin() as connection:
            payloads.sweep(connection, names)
        embedded.EmbeddedBroker.rest(database)


@contextmanager
def served_hub(home: Home) -> Iterator[Hub]:
    """The hub on the configured database and broker; it declares every queue."""
    _only_amqp(home)
    with _one_writer(home), opened(home.config.database_url(home.path)) as database:
        database.create(tables.TABLES)
        broker = _amqp(home, None, "hub")
        try:
            hub = hub_part(home, database, broker)
            hub.compares_clock = True
            hub.check_record()
            broker.declare(m.code for m in hub.registry().agencies)
            broker.check()
            if not hub.user_id_required:
                log.warning("broker.user_id is optional: who published is known by signature alone")
            yield hub
            with suppress(Unavailable), hub.store.transaction() as tx:
                lease.let_go(tx, hub.worker)
        finally:
            broker.close()


@contextmanager
def home_databases(home: Home) -> Iterator[dict[str, Database]]:
    """The databases of a home by name, while nothing of the home works on its own SQLite file."""
    urls = {"sqlite": f"sqlite:///{home.path.resolve() / 'axis.db'}"}
    if home.config.installation.role == "all" and home.config.store.kind == "postgresql":
        urls["postgresql"] = home.config.database_url(home.path)
    with lock(home), ExitStack() as stack:
        yield {name: stack.enter_context(opened(url)) for name, url in urls.items()}


@contextmanager
def any_hub(home: Home, *, restored: bool = False) -> Iterator[Hub]:
    """A hub worker for one piece of work, beside those that run; an embedded home must be at rest."""
    if home.config.broker.kind == "embedded":
        with embedded_parts(home, restored=restored) as (hub, _):
            yield hub
        return
    _only_amqp(home)
    with _one_writer(home), opened(home.config.database_url(home.path)) as database:
        database.check_version()
        broker = _amqp(home, None, "hub")
        try:
            hub = hub_part(home, database, broker)
            hub.compares_clock = True
            hub.check_clock(datetime.now(UTC))
            if not restored:
                hub.check_record()
            yield hub
        finally:
            broker.close()


@contextmanager
def remaking(home: Home) -> Iterator[tuple[Hub, AmqpBroker]]:
    """A hub worker that takes in what waits while no hub runs, and a link to the broker as it stands."""
    _only_amqp(home)
    with any_hub(home) as hub:
        link = _amqp(home, None, "remake")
        try:
            yield hub, link
        finally:
            link.close()


@contextmanager
def served_agencies(home: Home, codes: Sequence[str]) -> Iterator[list[Agency]]:
    """The adapters of `codes` on the home's journal and the configured broker. The home is locked meanwhile."""
    _only_amqp(home)
    if unknown := sorted(set(codes) - set(home.codes())):
        raise Misconfigured(Problem(Fault.KEY_FILE_MISSING, got=f"{home.path}/keys/{unknown[0]}.key"))
    home.config.adapter.check_codes(home.codes())
    url = f"sqlite:///{home.path.resolve() / 'axis.db'}"
    with lock(home), opened(url) as database:
        database.create(journal.TABLES)
        # Where all share one broker user, they may share its connections too.
        shared = _amqp(home, None, "adapters", alone=True) if home.config.broker.user_id == "optional" else None
        disk = Disk()
        agencies = [
            agency_part(
                home,
                database,
                (lambda: shared) if shared else partial(_amqp, home, code, code, alone=True),
                code,
                disk=disk,
            )
            for code in codes
        ]
        try:
            yield agencies
        finally:
            for one in agencies:
                try:
                    one.let_go()
                except Exception:
                    log.exception("%s: its line to the broker cannot be closed", one.code)
            disk.close()
        with database.begin() as connection:
            payloads.sweep(connection, journal.PAYLOAD_REFERENCES)


@contextmanager
def registrar(home: Home) -> Iterator[Registrar]:
    """Who may change the registry: the hub's home, with its store and key.

    Raises :class:`Unavailable` HOME_LOCKED while an embedded home runs: SQLite has one writing process.
    """
    signer = keystore.load_signer(home.path / "keys", HUB)
    with _one_writer(home), reading(home) as record:
        record.guard(_high_water(home))
        yield Registrar(home.path, record, signer, hub_certificate(home))


def preflight(home: Home, sender: str, letter: Letter, now: datetime) -> dict[str, Any]:
    """See :func:`axis.services.questions.preflight.preflight`, by what this home knows."""
    from axis.services.questions import preflight as questions

    with reading_registry(home) as registry:
        signer = keystore.load_signer(home.path / "keys", sender)
        return questions.preflight(letter, registry, signer, home.config.deadlines.build(home.path), now)


def check_adapters(home: Home, codes: Sequence[str]) -> Iterator[tuple[str, str, AxisError | None]]:
    """(agency, kind of adapter, what keeps it from working) for these agencies; for all of the home where none is
    named."""
    home.config.adapter.check_codes(home.codes())
    for code in codes or home.codes():
        kind = home.config.adapter.of(code)[0]
        try:
            Guarded(_adapter(home, code), code).check()
            _check_home(home, code)
        except AxisError as error:
            yield code, kind, error
        except Exception as error:  # noqa: BLE001  whatever it is, it is this agency's
            yield code, kind, Unavailable(Problem(Fault.ADAPTER_AWAY, got=f"{type(error).__name__}: {error}"[:300]))
        else:
            yield code, kind, None


def _check_home(home: Home, code: str) -> None:
    """Raises :class:`Misconfigured` HOME_OLD when the hub has said that it is behind."""
    if home.config.broker.kind == "embedded" or not (home.path / "axis.db").exists():
        return
    with reading_journal(home, code) as opened, opened.reading() as reader:
        upgraded = opened.database.version() == SCHEMA_VERSION  # an older one is upgraded when its adapter starts
        row = reader.home() if upgraded else None
        if row is not None and row["known"]:
            raise Misconfigured(standing.old(code, reader))


def gather(path: Path, now: datetime) -> dict[str, Any]:
    """What can be found out about the home at `path`, for :func:`axis.core.doctor.examine`; without secrets. Changes
    nothing, whatever else works on the home."""
    from axis.core import doctor
    from axis.services.questions import gather as found

    section = found.section
    gathered: dict[str, Any] = {"format": doctor.FORMAT, "at": to_text(now), "program": found.program()}
    gathered["settings"] = section(lambda: _settings(path))
    if "error" in gathered["settings"]:
        return gathered
    gathered["home"] = section(lambda: found.home(path, os.geteuid()))
    home = open_home(path)
    is_hub = home.config.installation.role == "all"
    names = [*home.codes(), *([HUB] if is_hub else [])]
    gathered["keys"] = section(lambda: found.keys(path, names))
    gathered["calendar"] = section(lambda: {"last_year": _last_year(home)})

    def known() -> Registry:
        with reading_registry(home) as registry:
            return registry

    gathered["registry"] = section(lambda: found.registry(known(), now))
    if is_hub:

        def of_record(ask: Callable[[HubStore], dict[str, Any]]) -> dict[str, Any]:
            with opened(home.config.database_url(home.path)) as database:
                return ask(HubStore(database))

        gathered["database"] = section(lambda: of_record(lambda store: found.database(store, path)))
        gathered["record"] = section(
            lambda: of_record(lambda store: found.record(store, known(), _high_water(home), now))
        )
    if is_hub and (at := management(home)) is not None:
        gathered["broker"] = section(lambda: found.broker(at, known(), home.config.hub.queue_depth, now))
    gathered["agencies"] = section(lambda: found.agencies(path, check_adapters(home, [])))
    return gathered


def _settings(path: Path) -> dict[str, Any]:
    config = open_home(path).config
    wanted = []
    if config.installation.role == "all" and config.store.kind == "postgresql":
        wanted.append(config.store.url_env)
    if config.broker.kind == "amqp" and not config.broker.url:
        wanted.append(config.broker.url_env)
    return {
        "role": config.installation.role,
        "store": config.store.kind,
        "broker": config.broker.kind,
        "user_id": config.broker.user_id,
        "is_served": config.installation.role == "all" and config.broker.kind == "amqp",
        "listen": config.server.listen,
        "is_plain_anywhere": config.server.plain_http == "anywhere" and not config.server.certificate_file,
        "unset": [name for name in wanted if not os.environ.get(name)],
    }


def _last_year(home: Home) -> int:
    days = home.config.deadlines.build(home.path).calendar.off
    return max((day.year for day in days), default=0)


def sign_report(home: Home, code: str, report: Report, now: datetime) -> bytes:
    """The report of a conformance test, signed with an agency's key (or the hub's: ``HUB``)."""
    signer = keystore.load_signer(home.path / "keys", code)
    return parcel.build(parcel.CONFORMANCE, conformance.write(report), (), signer, now)


def check_report(home: Home, data: bytes, now: datetime) -> None:
    """Raises :class:`Rejected` unless `data` is a report, signed by somebody in the registry, that all passed."""
    from adapters.conformance import VERSION
    from axis.services import sandbox

    with reading_registry(home) as registry:
        conformance.accepted(data, registry, (VERSION, sandbox.VERSION), now)


def sandbox_peers(home: Home, to: str, now: datetime) -> Peers:
    """The peers of a sandbox, with the keys they need; `to` is the agency under test."""
    from axis.services.sandbox import EXPIRED, LATER, Peers

    authority = keystore.load_signer(home.path / "pki", "ca")
    expired = keystore.new_member(authority, EXPIRED, EXPIRED, "p256", now - timedelta(days=3650))
    return Peers(home.path / "agencies", to, now, keystore.load_signer(home.path / "keys", LATER), expired)


def management(home: Home) -> Management | None:
    """The broker's HTTP API, seen by an administrator; None when no URL is configured for it."""
    from axis.infra.management import Management

    url = home.config.management_url() if home.config.broker.kind == "amqp" else ""
    if not url:
        return None
    vhost = unquote(urlsplit(home.config.broker_url().split(",")[0].strip()).path[1:]) or "/"
    return Management(url, vhost, _at_home(home, home.config.broker.ca_file))


def give_passwords(home: Home, management: Management, users: Sequence[str], folder: Path) -> None:
    """A password for each broker user: the one in its file in `folder`, or a new one with its AMQP URL in a new
    file, 0600."""
    from axis.services.operate import broker_setup

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    parts = urlsplit(home.config.broker_url().split(",")[0].strip())
    for user in users:
        if (folder / user).exists():  # of an earlier run: the broker may be a new one
            broker_setup.give_password(
                management, user, urlsplit((folder / user).read_text(settings.TEXT).strip()).password or ""
            )
            continue
        place = parts.netloc.rpartition("@")[2]
        url = urlunsplit(parts._replace(netloc=f"{quote(user)}:{broker_setup.give_password(management, user)}@{place}"))
        keystore.write_private(folder / user, f"{url}\n".encode())


def hub_part(home: Home, database: Database, broker: Broker, references: References = tables.BODY_REFERENCES) -> Hub:
    """A hub worker on these; `references`: every column of the database that may name a parcel."""
    return Hub(
        HubStore(database, references),
        broker,
        keystore.load_signer(home.path / "keys", HUB),
        home.config.installation.id,
        give_up_attempts=home.config.hub.give_up_attempts,
        user_id_required=home.config.broker.user_id == "required",
        rate_limits=RateLimits(home.config.hub.agency_documents_per_second, home.config.hub.agency_bytes_per_second),
        queue_limits=QueueLimits(home.config.hub.queue_depth),
        high_water=_high_water(home),
        deadlines=home.config.deadlines.build(home.path),
        closed_agency=home.config.hub.closed_agency,
        consignment_after=timedelta(seconds=home.config.hub.consignment_after),
    )


def _high_water(home: Home) -> HighWater:
    return HighWater(home.path / "hub.mark")


def agency_part(
    home: Home,
    database: Database,
    broker: Callable[[], Broker],
    code: str,
    references: References = journal.BODY_REFERENCES,
    disk: Disk | None = None,
) -> Agency:
    """An agency's adapter on these, not open yet; `references`: every column of the database that may name a parcel;
    `disk`: who flushes for all of the process."""
    agency = Agency(
        code,
        Journal(database, code, references),
        broker,
        lambda: Guarded(_adapter(home, code, disk), code),
        lambda: keystore.load_signer(home.path / "keys", code),
        hub_certificate(home),
        home.config.installation.id,
    )
    agency.disk = disk
    if home.config.broker.kind != "embedded":  # otherwise record and journal are one file, and are put back together
        standing.begin(agency)
    return agency


def take_over(home: Home, code: str, now: datetime) -> int:
    """This home of an agency was put back to an older copy, and works again from here; how many things that it held
    wait until they are sent again. Raises :class:`Misconfigured`: CONFIG_INVALID for an embedded home."""
    _only_amqp(home)
    if code not in home.codes():
        raise Misconfigured(Problem(Fault.KEY_FILE_MISSING, got=f"{home.path}/keys/{code}.key"))
    with lock(home), opened(f"sqlite:///{home.path.resolve() / 'axis.db'}") as database:
        database.create(journal.TABLES)
        with Journal(database, code).transaction() as tx:
            return standing.take_over(tx, now)


def accept_restored(home: Home, hub: Hub, now: datetime) -> Gap | None:
    """See :func:`axis.services.operate.reconcile.accept_restored`. In an embedded home the adapters' journals were
    put back with the record: what they held waits until it is sent again, and that is done here."""
    together = home.codes() if home.config.broker.kind == "embedded" and hub.is_record_old() else []
    for code in together:
        with Journal(hub.store.database, code).transaction() as tx:
            standing.take_over(tx, now)
    gap = reconcile.accept_restored(hub, now)
    for code in together:
        reconcile.resend_unanswered(hub, code, now, now)
    return gap


@contextmanager
def front(home: Home, agencies: Sequence[Agency]) -> Iterator[int]:
    """The HTTP(S) server for those of `agencies` whose systems fetch their mail, if one is configured; its port, 0 for
    none. Raises :class:`Misconfigured`."""
    settings = home.config.server
    if not settings.listen:
        yield 0
        return
    from adapters import api
    from adapters.desk import Office
    from adapters.door import Limits
    from adapters.server import serving, side_by_side
    from adapters.spool import open_spool
    from adapters.vxp import Vxp, read_systems

    offices = {}
    for agency in agencies:
        if home.config.adapter.of(agency.code)[0] != "spool":
            continue
        try:
            spool = open_spool(home.path / "agencies" / agency.code / "spool")
        except Exception as error:  # noqa: BLE001  whatever it is, it is this agency's
            log.warning("%s: nothing is served to its systems until the next start: %s", agency.code, error)
        else:
            offices[agency.code] = Office(agency.code, spool, agency.registry, settings.webhook_networks)
    files = (_at_home(home, name) for name in (settings.certificate_file, settings.key_file, settings.ca_file))
    certificate, key, authority = (Path(name) if name else None for name in files)
    vxp = Vxp(lambda: read_systems(systems_file(home)), offices)
    v1 = api.application(lambda: api.read_tokens(tokens_file(home)), offices)
    stopped = threading.Event()
    limits = Limits(settings.connections, settings.connections_per_peer)
    clear = settings.plain_http == "anywhere"
    with serving(
        side_by_side(v1, vxp), settings.listen, certificate, key, authority, limits=limits, clear=clear
    ) as port:
        telling = api.telling(offices, stopped)
        try:
            yield port
        finally:
            stopped.set()
            end = time.monotonic() + 15
            for one in telling:
                one.join(max(0, end - time.monotonic()))


def adapter_kinds() -> list[str]:
    """Names of the installed adapters, ours and foreign ones."""
    return sorted(_factories())


def _adapter(home: Home, code: str, disk: Disk | None = None) -> Adapter:
    kind, options = home.config.adapter.of(code)
    factory = _factories().get(kind)
    if factory is None:
        raise Misconfigured(Problem(Fault.ADAPTER_UNKNOWN, got=kind, expected=", ".join(adapter_kinds())))
    make = factory.load()
    if (known := getattr(make, "OPTIONS", None)) is not None:  # somebody else's adapter may not say
        home.config.adapter.check(code, known)
    made: Adapter = make(Place(code, home.path / "agencies" / code, options, disk))
    return made


@cache
def _factories() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="axis.adapters")}


def _only_amqp(home: Home) -> None:
    if home.config.broker.kind != "amqp":
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, "broker.kind", "amqp", home.config.broker.kind))


def _amqp(home: Home, user_id: str | None, name: str, *, alone: bool = False) -> AmqpBroker:
    from axis.infra.amqp import AmqpBroker

    broker = home.config.broker
    return AmqpBroker(
        home.config.broker_url(),
        user_id=user_id,
        alone=alone,
        name=name,
        ca_file=_at_home(home, broker.ca_file),
        certificate_file=_at_home(home, broker.certificate_file, user_id),
        key_file=_at_home(home, broker.key_file, user_id),
    )


def _at_home(home: Home, file: str, user_id: str | None = None) -> str:
    """The path of a configured file; ``{user}`` in it is the broker user's name."""
    return os.fspath(home.path / file.replace("{user}", user_id or HUB_USER)) if file else ""
