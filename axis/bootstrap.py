"""The only place that chooses implementations: a home's settings become a hub, adapters, or a reader."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from axis import extras
from axis.adapters.base import Adapter, Guarded, Place
from axis.adapters.bell import Bell
from axis.adapters.disk import Disk
from axis.core import chain, conformance, parcel
from axis.core.message import HUB_USER
from axis.core.parcel import Known
from axis.errors import AxisError, Fault, Misconfigured, Problem, Unavailable, away
from axis.home import (
    Home,
    hub_certificate,
    hub_signers,
    is_running,
    lock,
    open_home,
    own_file,
    reading,
    reading_journal,
    reading_journals,
    reading_registry,
    record_database,
    signer_of,
    systems_file,
    tokens_file,
)
from axis.infra import embedded, keystore, payloads
from axis.infra.amqp.proved import Proved
from axis.infra.database import SCHEMA_VERSION, Database
from axis.infra.journal import tables as journal
from axis.infra.journal.journals import Journal
from axis.infra.payloads import References
from axis.infra.record import lease, segment_home, tables
from axis.infra.record.high_water import HighWater
from axis.infra.record.store import HubStore
from axis.services.agency import standing
from axis.services.agency.adapter import Agency
from axis.services.hub.flow import QueueLimits, RateLimits
from axis.services.hub.log import load_key
from axis.services.hub.worker import Hub
from axis.services.operate import hub_key, officers, reconcile
from axis.services.operate.registry import Registrar
from axis.services.retention import Resting, Retention

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from axis.core.conformance import Report
    from axis.core.message import Broker
    from axis.core.signature import Signer
    from axis.infra.amqp.broker import AmqpBroker
    from axis.infra.amqp.management import Management
    from axis.services.backup import Backup
    from axis.services.hub.stamps import Stamping
    from axis.services.operate.reconcile import Gap
    from axis.services.retention import Adapted
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

AT_ONCE = 16  # lines to the broker that are closed side by side
KNOWN_BYTES = 64 * 1024 * 1024  # of memory for what hub and adapters of one process have verified
log = logging.getLogger("axis")


def _one_writer(home: Home) -> AbstractContextManager[None]:
    return lock(home) if home.config.store.kind == "sqlite" else nullcontext()


@contextmanager
def embedded_parts(
    home: Home, *, restored: bool = False, stopped: Callable[[], bool] = lambda: False
) -> Iterator[tuple[Hub, list[Agency]]]:
    """Hub and all adapters on the home's one SQLite file, no server. The home is locked meanwhile. `stopped`: whether
    the process is to stop; nothing is waited for then.

    Raises :class:`Corrupted` RECORD_OLD for a restored old record, unless that is known (`restored`)."""
    kinds = (home.config.broker.kind, home.config.store.kind)
    if kinds != ("embedded", "sqlite"):
        problem = Problem(Fault.CONFIG_INVALID, "broker.kind, store.kind", "embedded, sqlite", ", ".join(kinds))
        raise Misconfigured(problem)
    with lock(home), record_database(home) as database:
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
        disk, bell, known = Disk(), Bell(stopped), Known(KNOWN_BYTES)
        parts.known, parts.bell = known, bell
        agencies = [
            agency_part(home, database, partial(embedded.EmbeddedBroker, database, code), code, references, disk, bell)
            for code in codes
        ]
        for agency in agencies:
            agency.known = known
        try:
            yield parts, agencies
        finally:
            disk.close()
            bell.close()
        names = (*tables.PAYLOAD_REFERENCES, *journal.PAYLOAD_REFERENCES, *embedded.PAYLOAD_REFERENCES)
        with database.begin() as connection:
            payloads.sweep(connection, names)
        payloads.clear(database)
        embedded.EmbeddedBroker.rest(database)


@contextmanager
def served_hub(home: Home, stopped: Callable[[], bool] = lambda: False) -> Iterator[Hub]:
    """The hub on the configured database and broker; it declares every queue. `stopped`: see :func:`embedded_parts`."""
    only_amqp(home)
    with _one_writer(home), record_database(home) as database:
        database.create(tables.TABLES)
        _look_over(database)
        bell = Bell(stopped)
        broker = _amqp(home, None, "hub", bell=bell)
        try:
            hub = hub_part(home, database, broker)
            hub.bell = bell
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
            bell.close()


@contextmanager
def home_databases(home: Home) -> Iterator[dict[str, Database]]:
    """The databases of a home by name, while nothing of the home works on its own SQLite file."""
    with lock(home), ExitStack() as stack:
        found = {"sqlite": stack.enter_context(own_file(home))}
        if home.config.installation.role == "all" and home.config.store.kind == "postgresql":
            found["postgresql"] = stack.enter_context(record_database(home))
        yield found


def back_up(home: Home, target: Path, now: datetime, progress: Callable[[int, int], None], *, keys: bool) -> Backup:
    """See :func:`axis.services.backup.back_up`."""
    from axis.services import backup

    role, apart = home.config.installation.role, home.config.store.kind == "postgresql"
    with own_file(home) as own, record_database(home) if role == "all" and apart else nullcontext() as record:
        return backup.back_up(home.path, own, record, target, now, progress, role=role, keys=keys)


def move_parcels(database: Database, progress: Callable[[int, int], None]) -> payloads.Moved:
    """Put into segments what lies in rows of a database of this version that keeps its parcels in segments, and give
    back the room; `progress` hears how many of how many. May be killed at any point, and called again."""
    if not database.is_sqlite:
        segment_home.check(database, moved=True)
    if database.segments is None or not database.segments.appends:
        return payloads.Moved()
    with database.read() as connection:
        every = payloads.in_rows(connection)
    moved = payloads.move_to_segments(database, lambda done: progress(done, every))
    database.shrink()
    return moved


@contextmanager
def any_hub(home: Home, *, restored: bool = False) -> Iterator[Hub]:
    """A hub worker for one piece of work, beside those that run; an embedded home must be at rest."""
    if home.config.broker.kind == "embedded":
        with embedded_parts(home, restored=restored) as (hub, _):
            yield hub
        return
    only_amqp(home)
    with _one_writer(home), record_database(home) as database:
        database.check_version()
        _look_over(database)
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
def hub_link(home: Home, name: str, agency: str | None = None) -> Iterator[AmqpBroker]:
    """A link of the hub's user, or an agency's, to the broker as it stands, named so there."""
    only_amqp(home)
    link = _amqp(home, agency, name)
    try:
        yield link
    finally:
        link.close()


@contextmanager
def remaking(home: Home) -> Iterator[tuple[Hub, AmqpBroker]]:
    """A hub worker that takes in what waits while no hub runs, and a link to the broker as it stands."""
    with any_hub(home) as hub, hub_link(home, "remake") as link:
        yield hub, link


@contextmanager
def served_agencies(
    home: Home, codes: Sequence[str], stopped: Callable[[], bool] = lambda: False
) -> Iterator[list[Agency]]:
    """The adapters of `codes` on the home's journal and the configured broker. The home is locked meanwhile. `stopped`:
    see :func:`embedded_parts`."""
    only_amqp(home)
    if unknown := sorted(set(codes) - set(home.codes())):
        raise Misconfigured(Problem(Fault.KEY_FILE_MISSING, got=f"{home.path}/keys/{unknown[0]}.key"))
    home.config.adapter.check_codes(home.codes())
    with lock(home), own_file(home) as database:
        database.create(journal.TABLES)
        # Where all share one broker user, they may share its connections too.
        disk, bell = Disk(), Bell(stopped)
        line = partial(_amqp, home, alone=True, bell=bell)
        shared = line(None, "adapters") if home.config.broker.user_id == "optional" else None
        agencies = [
            agency_part(
                home,
                database,
                (lambda: shared) if shared else partial(line, code, code),
                code,
                disk=disk,
                bell=bell,
            )
            for code in codes
        ]
        try:
            yield agencies
        finally:
            with ThreadPoolExecutor(
                AT_ONCE
            ) as pool:  # a broker that says nothing is not waited for by one after another
                list(pool.map(_let_go, agencies))
            disk.close()
            bell.close()
        with database.begin() as connection:
            payloads.sweep(connection, journal.PAYLOAD_REFERENCES)
        payloads.clear(database)


def _let_go(agency: Agency) -> None:
    try:
        agency.let_go()
    except Exception:
        log.exception("%s: its line to the broker cannot be closed", agency.code)


@contextmanager
def registrar(home: Home, *, now: datetime | None = None, signer: Signer | None = None) -> Iterator[Registrar]:
    """Who may change the registry: the hub's home, with its store and the key of it that signs `now`, at this moment
    where nothing is said; or another `signer`, that the next registry introduces.

    Raises :class:`Unavailable` HOME_LOCKED while an embedded home runs: SQLite has one writing process.
    """
    signers = hub_signers(home) if signer is None else [signer]
    with _one_writer(home), reading(home) as record:
        record.guard(high_water(home))
        hands = officers.at_hand(home.path)
        opened = Registrar(home.path, record, signers[0], hub_certificate(home), hands)
        chosen = chain.choose(signers, opened.registry(), now or datetime.now(UTC))
        yield replace(opened, signer=chosen) if chosen is not None else opened


def preflight(home: Home, sender: str, letter: Letter, now: datetime) -> dict[str, Any]:
    """See :func:`axis.services.questions.preflight.preflight`, by what this home knows."""
    from axis.services.questions import preflight as questions

    with reading_registry(home) as registry:
        signer = signer_of(home, sender)
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
            yield code, kind, away(error)
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


def sign_report(home: Home, code: str, report: Report, now: datetime) -> bytes:
    """The report of a conformance test, signed with an agency's key (or the hub's: ``HUB``)."""
    signer = signer_of(home, code)
    return parcel.build(parcel.CONFORMANCE, conformance.write(report), (), signer, now)


def check_report(home: Home, data: bytes, now: datetime) -> None:
    """Raises :class:`Rejected` unless `data` is a report, signed by somebody in the registry, that all passed."""
    from axis.adapters.conformance import VERSION

    with reading_registry(home) as registry:
        conformance.accepted(data, registry, (VERSION, conformance.SYSTEM), now)


def management(home: Home) -> Management | None:
    """The broker's HTTP API, seen by an administrator; None when no URL is configured for it."""
    from axis.infra.amqp.management import Management

    url = home.config.management_url() if home.config.broker.kind == "amqp" else ""
    if not url:
        return None
    vhost = unquote(urlsplit(home.config.broker_url().split(",")[0].strip()).path[1:]) or "/"
    return Management(url, vhost, _at_home(home, home.config.broker.ca_file))


def hub_part(home: Home, database: Database, broker: Broker, references: References = tables.BODY_REFERENCES) -> Hub:
    """A hub worker on these; `references`: every column of the database that may name a parcel."""
    store = HubStore(database, references)
    hub_key.settle_by(home.path, store, hub_certificate(home), datetime.now(UTC))
    return Hub(
        store,
        broker,
        hub_signers(home)[0],
        home.config.installation.id,
        give_up_attempts=home.config.hub.give_up_attempts,
        user_id_required=home.config.broker.user_id == "required",
        rate_limits=RateLimits(home.config.hub.agency_documents_per_second, home.config.hub.agency_bytes_per_second),
        queue_limits=QueueLimits(home.config.hub.queue_depth),
        high_water=high_water(home),
        deadlines=home.config.deadlines.build(home.path),
        closed_agency=home.config.hub.closed_agency,
        unknown_types=home.config.hub.unknown_types,
        consignment_after=timedelta(seconds=home.config.hub.consignment_after),
        log_key=load_key(home.path / "pki"),
        stamping=_stamping(home),
        anchor=hub_certificate(home),
        signers=partial(hub_signers, home),
        homes_ask=home.config.broker.kind != "embedded",
    )


def _stamping(home: Home) -> Stamping | None:
    """Who stamps the log's checkpoints; None where nobody is to."""
    asked = home.config.timestamps
    if not asked.url:
        return None
    from axis.infra import timestamps
    from axis.services.hub.stamps import Stamping

    return Stamping(timestamps.service(asked.url, home.path / asked.certificate_file), timedelta(hours=asked.hours))


def retention(home: Home, hub: Hub | None, agencies: Sequence[Adapted]) -> Retention:
    """What ends the bytes whose time is over, of these parts."""
    return Retention(home.config.retention.build(), hub, agencies)


@contextmanager
def retaining(home: Home, *, only_ask: bool) -> Iterator[Retention]:
    """The retention of this home, for a command: of an agency's home its adapters' part, of a served hub's home the
    record's, of an embedded one both. With `only_ask` it is only asked what would end, also while the home runs."""
    of_hub, together = home.config.installation.role == "all", home.config.broker.kind == "embedded"
    rules = home.config.retention.build()
    with ExitStack() as stack:
        if of_hub and not only_ask:
            hub = stack.enter_context(any_hub(home))
            journals, record = hub.store.database, None
        elif of_hub:
            hub, record = None, stack.enter_context(reading(home))
            journals = record.database
        else:
            hub = record = None
            if not only_ask:
                stack.enter_context(lock(home))
            journals = stack.enter_context(own_file(home))
            if only_ask:
                journals.check_version()
            else:
                journals.create(journal.TABLES)
        references = (*journal.BODY_REFERENCES, *(_OF_ALL if together else ()))
        codes = home.codes() if together or not of_hub else []
        agencies = [Resting(code, Journal(journals, code, references), partial(_guarded, home, code)) for code in codes]
        yield Retention(rules, hub, agencies, record=record)


_OF_ALL = (*tables.BODY_REFERENCES, *embedded.BODY_REFERENCES)


def _guarded(home: Home, code: str) -> Guarded:
    return Guarded(_adapter(home, code), code)


def high_water(home: Home) -> HighWater:
    """How far this home has seen the record come."""
    return HighWater(home.path / "hub.mark")


def agency_part(
    home: Home,
    database: Database,
    broker: Callable[[], Broker],
    code: str,
    references: References = journal.BODY_REFERENCES,
    disk: Disk | None = None,
    bell: Bell | None = None,
) -> Agency:
    """An agency's adapter on these, not open yet; `references`: every column of the database that may name a parcel;
    `disk`: who flushes for all of the process; `bell`: what wakes it."""
    agency = Agency(
        code,
        Journal(database, code, references),
        broker,
        lambda: Guarded(_adapter(home, code, disk, bell), code),
        lambda: signer_of(home, code),
        hub_certificate(home),
        home.config.installation.id,
        lambda: keystore.load_witness_keys(home.path / "keys", code),
    )
    agency.disk, agency.bell = disk, bell
    if home.config.broker.kind != "embedded":  # otherwise record and journal are one file, and are put back together
        standing.begin(agency)
    return agency


def take_over(home: Home, code: str, now: datetime) -> int:
    """This home of an agency was put back to an older copy, and works again from here; how many things that it held
    wait until they are sent again. Raises :class:`Misconfigured`: CONFIG_INVALID for an embedded home."""
    only_amqp(home)
    if code not in home.codes():
        raise Misconfigured(Problem(Fault.KEY_FILE_MISSING, got=f"{home.path}/keys/{code}.key"))
    with lock(home), own_file(home) as database:
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


def adapter_kinds() -> list[str]:
    """Names of the installed adapters, ours and foreign ones."""
    return sorted(_factories())


def _adapter(home: Home, code: str, disk: Disk | None = None, bell: Bell | None = None) -> Adapter:
    kind, options = home.config.adapter.of(code)
    factory = _factories().get(kind)
    if factory is None:
        raise Misconfigured(Problem(Fault.ADAPTER_UNKNOWN, got=kind, expected=", ".join(adapter_kinds())))
    with extras.needed():
        make = factory.load()
    if (known := getattr(make, "OPTIONS", None)) is not None:  # somebody else's adapter may not say
        home.config.adapter.check(code, known)
    folders = home.config.folders
    options = {"day_folders": folders.by_day, "readable": folders.readable} | options
    options.setdefault("portal_owner", home.config.portal.owner)
    made: Adapter = make(Place(code, home.path / "agencies" / code, options, disk, bell))
    return made


@cache
def _factories() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="axis.adapters")}


def _look_over(database: Database) -> None:
    """Before a hub works on it: its parcels are where they belong, and PostgreSQL knows how large its tables are."""
    if not database.is_sqlite:
        segment_home.check(database)
    if unknown := database.gather_statistics():
        log.info("the database knew nothing of %s: analyzed", ", ".join(unknown))


def only_amqp(home: Home) -> None:
    """Raise :class:`Misconfigured` CONFIG_INVALID for an embedded home."""
    if home.config.broker.kind != "amqp":
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, "broker.kind", "amqp", home.config.broker.kind))


def _amqp(home: Home, user_id: str | None, name: str, *, alone: bool = False, bell: Bell | None = None) -> AmqpBroker:
    from axis.infra.amqp.broker import AmqpBroker

    broker = home.config.broker
    return AmqpBroker(
        home.config.broker_url(),
        user_id=user_id,
        alone=alone,
        name=name,
        ca_file=_at_home(home, broker.ca_file),
        certificate_file=_at_home(home, broker.certificate_file, user_id),
        key_file=_at_home(home, broker.key_file, user_id),
        proved=Proved(home.path / "broker.proved"),
        arrived=bell.ring if bell is not None else lambda: None,
        is_over=bell.is_over if bell is not None else lambda: False,
    )


def _at_home(home: Home, file: str, user_id: str | None = None) -> str:
    """The path of a configured file; ``{user}`` in it is the broker user's name."""
    return os.fspath(home.path / file.replace("{user}", user_id or HUB_USER)) if file else ""
