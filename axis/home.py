"""What a home is, and reading what is in it, beside whoever works there.

Light enough for a question that is asked in a moment: what decides, signs or carries is imported where it is needed.
"""

from __future__ import annotations

import fcntl
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TextIO

from axis import config as settings
from axis import extras
from axis.errors import Corrupted, Fault, Misconfigured, Problem, Unavailable, unusable
from axis.infra.database import Database
from axis.infra.record.store import HubStore
from axis.infra.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from axis.config import Config
    from axis.core.registry import Certificate, Registry
    from axis.core.signature import Signer
    from axis.core.types.typeset import Types
    from axis.infra.journal.journals import Journal


LOOKED = 0.3  # seconds within which who looks whether a process works in a home is done


class Home(NamedTuple):
    """A home's folder and settings."""

    path: Path
    config: Config

    def codes(self) -> list[str]:
        """The agencies whose keys are in this home, in order."""
        if self.config.installation.role == "agency":
            return sorted(self.config.installation.agencies)
        from axis.core.registry import HUB

        return sorted(p.stem for p in (self.path / "keys").glob("*.key") if p.stem != HUB)


def open_home(path: Path) -> Home:
    """The home at `path`. Raises :class:`Misconfigured`: HOME_MISSING, CONFIG_*."""
    return Home(path, settings.load(path))


@contextmanager
def lock(home: Home) -> Iterator[None]:
    """This process alone works in the home; who only looks whether one does is waited for. Raises
    :class:`Unavailable` HOME_LOCKED."""
    with _lock_file(home) as handle:
        until = time.monotonic() + LOOKED
        while not _is_given(handle, fcntl.LOCK_EX):
            if time.monotonic() > until:
                raise Unavailable(Problem(Fault.HOME_LOCKED, got=str(home.path)))
            time.sleep(0.02)
        yield


def is_running(home: Home) -> bool:
    """True while another process holds the home's lock. Any number may look at a time."""
    with _lock_file(home) as handle:
        return not _is_given(handle, fcntl.LOCK_SH)


def _lock_file(home: Home) -> TextIO:
    path = home.path / ".lock"
    try:
        return path.open("a")
    except OSError as error:
        raise unusable(path, error) from None


def _is_given(handle: TextIO, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def reading(home: Home) -> Iterator[HubStore]:
    """The hub's record, to read; also while another process works on it."""
    with record_database(home) as database:
        database.check_version()
        yield HubStore(database)


@contextmanager
def reading_journal(home: Home, code: str) -> Iterator[Journal]:
    """An agency's journal, to read; also while another process works on it.

    Raises :class:`Misconfigured` KEY_FILE_MISSING when the home has no such agency.
    """
    with reading_journals(home) as journals:
        if code not in journals:
            raise Misconfigured(Problem(Fault.KEY_FILE_MISSING, got=f"{home.path}/keys/{code}.key"))
        yield journals[code]


@contextmanager
def reading_journals(home: Home) -> Iterator[dict[str, Journal]]:
    """The journals of the home's agencies by code, to read."""
    from axis.infra.journal.journals import Journal

    with own_file(home) as database:
        yield {code: Journal(database, code) for code in home.codes()}


@contextmanager
def reading_registry(home: Home) -> Iterator[Registry]:
    """The registry that this home knows: the hub's newest, or the one installed at its adapters."""
    from axis.core.chain import read_registry
    from axis.infra.record import registries

    if home.config.installation.role == "all":
        with reading(home) as record, record.reading() as reader:
            data = reader.payload(registries.newest(reader))
    else:
        with reading_journals(home) as journals, next(iter(journals.values())).reading() as journal_reader:
            found = journal_reader.registry()
        if found is None:
            raise Corrupted(Problem(Fault.REGISTRY_INVALID, got="no registry installed"))
        data = found[1]
    yield read_registry(data, hub_certificate(home))


@contextmanager
def reading_types(home: Home) -> Iterator[Types | None]:
    """The document types that this home knows: the hub's newest, or those installed at its adapters; None for none."""
    from axis.core import chain
    from axis.core.types.typeset import read_types
    from axis.infra.record import registries

    if home.config.installation.role == "all":
        with reading(home) as record, record.reading() as reader:
            digest = registries.types(reader)
            data = reader.payload(digest) if digest else b""
    else:
        with reading_journals(home) as journals, next(iter(journals.values())).reading() as journal_reader:
            data = journal_reader.types()
    if not data:
        yield None
        return
    with reading_registry(home) as registry:
        yield read_types(data, chain.signing(registry))


def hub_certificate(home: Home) -> Certificate:
    """The hub's certificate, received with enrolment: the registry leads from it to the later ones."""
    from axis.core.registry import signing_certificate
    from axis.infra import keystore

    return signing_certificate(keystore.load_certificate(home.path / "pki" / "hub.pem"))


def signer_of(home: Home, name: str) -> Signer:
    """What signs for `name`, an agency of this home or ``HUB``. Raises :class:`Misconfigured`."""
    from axis.infra import keystore

    kind = home.config.keys.signer
    if kind == "file":
        return keystore.load_signer(home.path / "keys", name)
    from importlib.metadata import entry_points

    kinds = {point.name: point for point in entry_points(group="axis.signers")}
    if kind not in kinds:
        expected = ", ".join(sorted({"file", *kinds}))
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, "keys.signer", expected, kind))
    with extras.needed():
        made: Signer = kinds[kind].load()(home.path, name)
    return made


def hub_signers(home: Home) -> Sequence[Signer]:
    """What of the hub's keys is in its home: the one in use, and the next one, if there is one that can be read. Raises
    :class:`Misconfigured`, :class:`Corrupted` where there is none."""
    from axis.core.registry import HUB
    from axis.errors import AxisError
    from axis.infra import keystore

    following = home.path / "keys" / keystore.NEXT
    if home.config.keys.signer != "file" or not (following / f"{HUB}.pem").exists():
        return [signer_of(home, HUB)]
    found: list[Signer] = []
    for place in (home.path / "keys", following):
        try:
            found.append(keystore.load_signer(place, HUB))
        except AxisError as error:  # one may just be taking the other's place
            wrong = error
    if not found:
        raise wrong
    return found


def tokens_file(home: Home) -> Path:
    """Where the digests of the API's tokens are kept."""
    return home.path / "keys" / "tokens.toml"


def systems_file(home: Home) -> Path:
    """Where the secrets of the systems that speak VXP are kept."""
    return home.path / "keys" / "systems.toml"


@contextmanager
def record_database(home: Home) -> Iterator[Database]:
    """The database of the hub's record, with the segments that its parcels lie in; closed when the block ends."""
    if home.config.store.kind == "sqlite":
        with own_file(home) as database:
            yield database
        return
    folder, appends = home.path.resolve() / "record-segments", home.config.store.parcels == "segments"
    segments = Segments(folder, appends=appends) if appends or folder.is_dir() else None
    with _closing(Database(home.config.database_url(home.path), segments)) as database:
        yield database


@contextmanager
def own_file(home: Home) -> Iterator[Database]:
    """The home's own SQLite file: the adapters' journals, and the record where it is not on PostgreSQL; closed when the
    block ends."""
    with _closing(Database(f"sqlite:///{home.path.resolve() / 'axis.db'}")) as database:
        if database.segments is not None:
            database.segments.appends = home.config.store.parcels != "database"
        yield database


@contextmanager
def _closing(database: Database) -> Iterator[Database]:
    try:
        yield database
    finally:
        database.close()
