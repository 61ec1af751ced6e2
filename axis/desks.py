"""The web desk of a home: whose desks there are, on which record or journals, and the server in front of them."""

from __future__ import annotations

import ipaddress
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axis import extras
from axis.core import chain
from axis.core.registry import HUB
from axis.errors import Corrupted, Fault, Misconfigured, Problem, rejected
from axis.home import hub_certificate, own_file, reading
from axis.infra import dead_letters
from axis.infra.journal.journals import Journal
from axis.infra.record import registries
from axis.infra.record.store import HubStore
from axis.services.questions.dead_ends import look_at_letters
from axis.web.desk import AtHome, AtTheHub
from axis.web.entry import OPERATOR, Entry, kept

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from axis.core.registry import Registry
    from axis.core.types.typeset import Types
    from axis.errors import Language
    from axis.home import Home
    from axis.web.app import Web
    from axis.web.desk import Desk

CONNECTIONS = 64  # open at once: a browser has six
LETTERS = 50  # dead letters that a page looks at: each is verified


@dataclass
class Desks:
    """The desks of a home, on its databases, which stay open. The registry and the document types are read, and
    verified, when there are newer ones."""

    home: Home
    store: HubStore | None  # the hub's record, of a home that has one
    journals: dict[str, Journal]
    subjects: dict[tuple[str, str], str] = field(default_factory=dict)
    _known: dict[str, tuple[object, Any]] = field(default_factory=dict)

    def registry(self) -> Registry:
        """The newest registry that this home knows. Raises :class:`Corrupted` where there is none yet."""

        def read(data: bytes) -> Registry:
            return chain.read_registry(data, hub_certificate(self.home))

        if self.store is not None:
            with self.store.reading() as reader:
                digest = registries.newest(reader)
                found = self._known.get("registry")
                data = reader.payload(digest) if found is None or found[0] != digest else b""
            return self._kept("registry", digest, data, read)  # type: ignore[no-any-return]
        with next(iter(self.journals.values())).reading() as journal:
            version, found = journal.registry_version(), self._known.get("registry")
            installed = journal.registry() if found is None or found[0] != version else (version, b"")
        if installed is None:
            raise Corrupted(Problem(Fault.REGISTRY_INVALID, got="no registry installed"))
        return self._kept("registry", version, installed[1], read)  # type: ignore[no-any-return]

    def types(self) -> Types | None:
        """The document types that this home knows; None for none."""
        from axis.core.types.typeset import read_types

        def read(data: bytes) -> Types:
            return read_types(data, chain.signing(self.registry()))

        found = self._known.get("types")
        if self.store is not None:
            with self.store.reading() as reader:
                key: object = registries.types(reader)
                data = reader.payload(str(key)) if key and (found is None or found[0] != key) else b""
        else:
            with next(iter(self.journals.values())).reading() as journal:
                key = journal.registry_version()
                data = journal.types() if found is None or found[0] != key else b""
        if data:
            return self._kept("types", key, data, read)  # type: ignore[no-any-return]
        return found[1] if found is not None and found[0] == key else None

    def _kept(self, name: str, key: object, data: bytes, read: Any) -> Any:
        if data:
            self._known[name] = key, read(data)
        return self._known[name][1]

    def codes(self) -> Collection[str]:
        """The agencies that may have a desk here: those whose journals are here, or whoever the hub serves."""
        return self.journals or {member.code for member in self.registry().agencies}

    def of(self, code: str) -> Desk:
        """The desk of an agency, or of an OPERATOR. Raises :class:`Rejected` AGENCY_UNKNOWN."""
        if code == OPERATOR and self.store is not None:
            return AtTheHub(self.store, self.registry, self.types, letters=self._letters)
        if code == OPERATOR:
            return AtHome(self.journals, self.registry, self.types, subjects=self.subjects)
        if code in self.journals:
            return AtHome({code: self.journals[code]}, self.registry, self.types, subjects=self.subjects)
        if self.store is None or self.journals or code == HUB or code not in self.codes():
            raise rejected(Fault.AGENCY_UNKNOWN, code)
        return AtTheHub(self.store, self.registry, self.types, code)

    def _letters(self, now: datetime) -> list[dict[str, Any]]:
        """The first dead letters of an embedded broker. RabbitMQ's are taken out of their queue to be looked at: that
        is nothing for a page."""
        if self.store is None or self.home.config.broker.kind != "embedded":
            return []
        database = self.store.database

        def sift(limit: int, is_done: Any) -> None:
            dead_letters.sift_file(database, min(limit, LETTERS), is_done)

        return look_at_letters(sift, self.registry, now)


@contextmanager
def opened(home: Home) -> Iterator[Desks]:
    """The desks of this home, to read; also while others work on it."""
    with ExitStack() as stack:
        is_hub, is_embedded = home.config.installation.role == "all", home.config.broker.kind == "embedded"
        store = stack.enter_context(reading(home)) if is_hub else None
        journals = {}
        if is_embedded or not is_hub:
            database = store.database if store is not None else stack.enter_context(own_file(home))
            database.check_version()
            journals = {code: Journal(database, code) for code in home.codes()}
        yield Desks(home, store, journals)


def application(desks: Desks, hosts: Collection[str], code: str, lang: Language) -> Web:
    """The desks behind their door; the token brings in as `code`. Raises :class:`Misconfigured` EXTRA_MISSING,
    :class:`Rejected` AGENCY_UNKNOWN."""
    with extras.needed():
        from axis.web.app import Web

    desks.of(code)
    operators = frozenset(one.lower().replace(":", "") for one in desks.home.config.web.operators)
    return Web(Entry(desks.registry, desks.codes, operators, code), desks.of, hosts, lang)


@dataclass(frozen=True)
class Served:
    """A desk that answers: at which address, the file with its token, and what its certificates' CA is ("": none)."""

    web: Web
    base: str
    token_file: Path
    authority: str


@contextmanager
def served(home: Home, listen: str, code: str, names: Sequence[str], lang: Language) -> Iterator[Served]:
    """The desk within the block. Raises :class:`Misconfigured`, :class:`Rejected` AGENCY_UNKNOWN."""
    settings = home.config.web
    with extras.needed():
        from axis.adapters.door import Limits
        from axis.adapters.server import serving
    paths = (settings.certificate_file, settings.key_file, settings.ca_file)
    certificate, key, authority = (home.path / name if name else None for name in paths)
    listen, hosts = listen or settings.listen, set[str]()
    hosts_of(listen, 0, (*settings.hosts, *names))
    with opened(home) as desks:
        web = application(desks, hosts, code, lang)
        try:
            with serving(
                web, listen, certificate, key, authority, limits=Limits(CONNECTIONS, CONNECTIONS), name="web"
            ) as port:
                hosts |= hosts_of(listen, port, (*settings.hosts, *names))
                host = listen.rpartition(":")[0] or "127.0.0.1"
                base = f"{'https' if certificate else 'http'}://{names[0] if names else f'{host}:{port}'}"
                with kept(home.path / f"web-{port}.token", web.entry.token):
                    yield Served(web, base, home.path / f"web-{port}.token", settings.ca_file)
        finally:
            web.counted.close()


def hosts_of(listen: str, port: int, names: Iterable[str]) -> set[str]:
    """What browsers may call it. Raises :class:`Misconfigured` CONFIG_INVALID where it listens on every address and is
    called nothing."""
    host = listen.rpartition(":")[0].strip("[]") or "127.0.0.1"
    found = {one.lower() for one in names}
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        address = None
    if address is not None and address.is_unspecified and not found:
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, "web.hosts", "name:port", listen))
    called = [host]
    if address is not None and address.is_loopback:
        called = ["127.0.0.1", "localhost", "::1"]
    for one in called if address is None or not address.is_unspecified else []:
        shown = f"[{one}]" if ":" in one else one
        found |= {f"{shown}:{port}", *([shown] if port in {80, 443} else [])}
    return found
