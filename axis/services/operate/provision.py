"""A new home, and an agency's own home: keys, certificates, the registry, folders."""

from __future__ import annotations

import csv
import importlib.resources
import shutil
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from axis import config as settings
from axis.adapters.folder import FOLDERS
from axis.core import chain, parcel
from axis.core import registry as trust
from axis.core.instant import whole
from axis.core.ledger import Entry
from axis.core.message import HUB_USER
from axis.core.registry import HUB, Member, Registry, signing_certificate
from axis.errors import Fault, Misconfigured, Problem, rejected, unusable
from axis.infra import keystore
from axis.infra.database import Database
from axis.infra.journal import tables as journal
from axis.infra.journal.journals import Journal
from axis.infra.record import registries
from axis.infra.record.store import HubStore
from axis.infra.record.tables import TABLES
from axis.services.operate import witness_keys
from axis.services.operate.officers import make_own

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from axis.config import Config
    from axis.core.registry import Certificate
    from axis.core.signature import PublicKey, Signer
    from axis.infra.keystore import KeyType

HUB_NAME = "Trục liên thông văn bản"  # in its certificate


def catalogue() -> list[dict[str, str]]:
    """The 95 agencies of March 2019: rows of code, name_vi, name_en, kind, source (config/agencies.csv)."""
    text = importlib.resources.files("axis").joinpath("config/agencies.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def create_home(
    home: Path,
    config: Config,
    key_type: KeyType,
    now: datetime,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    rows: Sequence[dict[str, str]] | None = None,
    tls_hosts: Sequence[str] = (),
    *,
    test_keys: bool = True,
    registrars: Sequence[Certificate] = (),
    officers: Sequence[Certificate] = (),
    recovery: PublicKey | None = None,
) -> Registry:
    """A home with a CA, the hub's key, the agencies of `rows` (else the catalogue of 95), and registry version 1. With
    `tls_hosts`, under which the broker is reached, also a CA, keys and certificates for TLS.

    With `test_keys` it makes the agencies' keys, too, and so could speak for them all: for a trial. Otherwise each
    makes its own and is enrolled (services/operate/enrol.py). `registrars`: the entries of those who introduce keys;
    `officers`: of those who sign changes, or one whose key is made in the home; `recovery`: the key on paper that names
    the hub's next one where the others are lost.

    Everything is made beside the place and moved there at the end, so a home is there whole or not at all.
    Raises :class:`Misconfigured` HOME_EXISTS.
    """
    if (home / settings.FILE).exists():
        raise Misconfigured(Problem(Fault.HOME_EXISTS, got=str(home)))
    building = home.parent / f".{home.name}.{uuid.uuid4().hex[:8]}"
    building.mkdir(mode=0o700, parents=True)
    try:
        of_agencies = key_type if test_keys else None
        hub = _furnish_hub(building, config, key_type, now, [*registrars, *officers], recovery)
        if not officers:
            hub = replace(hub, certificates=(*hub.certificates, make_own(building, now)))
        registry = _furnish(building, config, of_agencies, now, progress, rows or catalogue(), hub)
        if tls_hosts:
            codes = [member.code for member in registry.agencies] if test_keys else []
            _furnish_tls(building, codes, tls_hosts, now)
        _move_in(building, home)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return registry


def add_log_key(home: Path) -> bool:
    """The key of the log, in a home that was made before there was one; False where it is there."""
    return keystore.make_log_key(home / "pki")


def own_folder(home: Path) -> None:
    """`home` is there, and nobody else's to read, whoever made it. Raises :class:`Misconfigured` FILE_UNUSABLE."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.chmod(0o700)
    except OSError as error:
        raise unusable(home, error) from None


def _move_in(building: Path, home: Path) -> None:
    own_folder(home)
    # axis.toml last: it is what makes the folder a home.
    for item in sorted(building.iterdir(), key=lambda p: p.name == settings.FILE):
        if (home / item.name).exists():
            raise Misconfigured(Problem(Fault.HOME_EXISTS, got=str(home / item.name)))
        item.rename(home / item.name)


def _furnish_hub(
    home: Path,
    config: Config,
    key_type: KeyType,
    now: datetime,
    registrars: Sequence[Certificate],
    recovery: PublicKey | None,
) -> Member:
    """The CA, the hub's key, and the hub's entry in the registry."""
    authority = keystore.new_authority(now)
    for name in ("pki", "keys", "agencies"):
        (home / name).mkdir(mode=0o700)
    keystore.save_signer(home / "pki", "ca", authority)
    hub = keystore.new_member(authority, HUB, HUB_NAME, key_type, now)
    keystore.save_signer(home / "keys", HUB, hub)
    keystore.make_log_key(home / "pki")
    (home / "pki" / "hub.pem").write_bytes(hub.certificate.public_bytes(Encoding.PEM))
    entries = [signing_certificate(hub.certificate), *registrars]
    if recovery is not None:
        entries.append(chain.recovery_entry(config.installation.id, recovery, hub, whole(now)))
    member = Member(HUB, "Trục liên thông văn bản quốc gia", "National document exchange axis", "hub")
    return replace(member, certificates=tuple(entries))


def _furnish(
    home: Path,
    config: Config,
    key_type: KeyType | None,
    now: datetime,
    progress: Callable[[int, int], None],
    rows: Sequence[dict[str, str]],
    of_hub: Member,
) -> Registry:
    authority, hub = keystore.load_signer(home / "pki", "ca"), keystore.load_signer(home / "keys", HUB)
    members = [of_hub]
    for number, row in enumerate(rows, 1):
        member = Member(row["code"], row["name_vi"], row["name_en"], row["kind"])
        if key_type is not None:
            signer = keystore.new_member(authority, row["code"], row["name_vi"], key_type, now)
            keystore.save_signer(home / "keys", row["code"], signer)
            member = replace(member, certificates=(signing_certificate(signer.certificate),))
            make_folders(home, row["code"])
        members.append(member)
        progress(number, len(rows))
    members.sort(key=lambda m: m.code)
    registry = Registry(config.installation.id, 1, whole(now), tuple(members))
    if key_type is not None:
        registry = witness_keys.furnished(home, registry, hub, now)
    signed = sign_registry(registry, hub, now)
    (home / settings.FILE).write_text(settings.render(config), "utf-8")
    database = Database(config.database_url(home))
    try:
        database.create(TABLES)
        with HubStore(database).transaction() as tx:
            entry = Entry(now, HUB, "registry.issued", "", "", {"version": 1})
            registries.keep(tx, 1, signed, now, (), entry)
    finally:
        database.close()
    install(home, config, [row["code"] for row in rows] if key_type is not None else [], signed, now)
    return registry


def _furnish_tls(home: Path, codes: Sequence[str], hosts: Sequence[str], now: datetime) -> None:
    (home / "tls").mkdir(mode=0o700)
    authority = keystore.new_authority(now, "Axis test TLS CA")
    keystore.save_signer(home / "tls", "ca", authority)
    keystore.save_signer(home / "tls", "broker", keystore.new_tls(authority, "broker", now, hosts))
    for user in (HUB_USER, *codes):
        keystore.save_signer(home / "tls", user, keystore.new_tls(authority, user, now))


def renew_tls(home: Path, code: str, now: datetime) -> None:
    """A new key and certificate for the agency's connection, where the home has a CA for that; the old ones go."""
    if not (home / "tls" / "ca.key").exists():
        return
    for ending in ("key", "pem"):
        (home / "tls" / f"{code}.{ending}").unlink(missing_ok=True)
    keystore.save_signer(home / "tls", code, keystore.new_tls(keystore.load_signer(home / "tls", "ca"), code, now))


def reissue_tls(home: Path, now: datetime, *, new_keys: bool = False) -> list[str]:
    """New certificates of the TLS CA, the broker, the hub and the agencies, for the keys that they have, here or at the
    agencies: made as this version makes them, valid from now on; the names of the files. The old ones go on working
    beside them. With `new_keys` broker and hub get other keys, too.

    Raises :class:`Misconfigured` KEY_FILE_MISSING where the home has no TLS CA with its key."""
    folder, authority_name = home / "tls", "ca"
    old = keystore.load_signer(folder, authority_name)
    authority = keystore.new_authority(now, "Axis test TLS CA", old.key)
    made = {authority_name: authority.certificate}
    for path in sorted(folder.glob("*.pem")):
        if path.stem != authority_name:
            one = keystore.load_certificate(path)
            key = one.public_key()
            if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
                raise Misconfigured(Problem(Fault.FILE_UNUSABLE, str(path), got=type(key).__name__))
            made[path.stem] = keystore.certify_tls(authority, path.stem, now, keystore.hosts_of(one), key)
    for name in ("broker", HUB_USER) if new_keys else ():
        if name in made:
            hosts = keystore.hosts_of(made[name])
            signer = keystore.new_tls(authority, name, now, hosts)
            keystore.replace_key(folder, name, signer.key)
            made[name] = signer.certificate
    for name, certificate in made.items():
        keystore.replace_certificate(folder, name, certificate)
    return [f"{name}.pem" for name in made]


def install(
    home: Path, config: Config, codes: Sequence[str], registry: bytes, now: datetime, types: bytes = b""
) -> None:
    """Journals with the registry and the document types installed, in the home's own SQLite file."""
    version = trust.read(parcel.peek(registry)[1]).version
    database = Database(config._replace(store=settings.Store()).database_url(home))
    try:
        database.create(journal.TABLES)
        for code in codes:
            with Journal(database, code).transaction() as tx:
                entry = Entry(now, code, "registry.installed", "", "", {"version": version})
                tx.install(version, registry, entry, types)
    finally:
        database.close()


def make_folders(home: Path, code: str) -> None:
    """An agency's folders."""
    for name in FOLDERS:
        (home / "agencies" / code / name).mkdir(parents=True, exist_ok=True)


def sign_registry(registry: Registry, hub: Signer, now: datetime) -> bytes:
    """The registry as a parcel signed by the hub."""
    return parcel.build(parcel.REGISTRY, trust.write(registry), (), hub, now)


def _whose(folder: str, name: str) -> str:
    """The agency of a person's key (``tv-01@G06``), or of one that is sealed to (``G06.`` and a digest)."""
    return name.partition("@")[2] if folder == "persons" else name.rpartition(".")[0]


def export(
    home: Path,
    config: Config,
    codes: Sequence[str],
    registry: bytes,
    target: Path,
    now: datetime,
    types: bytes = b"",
) -> None:
    """A home of its own for the adapters of `codes`, whose keys this home has made: their keys, the CA's and the hub's
    certificate, the registry, the document types, settings; nothing else. Raises :class:`Misconfigured`: HOME_EXISTS,
    KEY_ELSEWHERE, KEY_FILE_MISSING."""
    if (target / settings.FILE).exists():
        raise Misconfigured(Problem(Fault.HOME_EXISTS, got=str(target)))
    known = {member.code for member in trust.read(parcel.peek(registry)[1]).agencies}
    if strangers := [code for code in codes if code not in known]:
        raise rejected(Fault.AGENCY_UNKNOWN, strangers[0])
    if elsewhere := [code for code in codes if not (home / "keys" / f"{code}.key").exists()]:
        raise Misconfigured(Problem(Fault.KEY_ELSEWHERE, got=elsewhere[0]))
    signers = {code: keystore.load_signer(home / "keys", code) for code in codes}
    own_folder(target)
    for name in ("pki", "keys", "agencies"):
        (target / name).mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(home / "pki" / "ca.pem", target / "pki" / "ca.pem")
    keystore.replace_certificate(target / "pki", "hub", chain.signed_by(registry).x509)
    for code, signer in signers.items():
        keystore.save_signer(target / "keys", code, signer)
        keystore.copy_witness_keys(home / "keys", target / "keys", code)
        make_folders(target, code)
    for folder in ("persons", "seals"):
        for path in sorted((home / "keys" / folder).glob("*.key")):
            if _whose(folder, path.stem) in codes:
                (target / "keys" / folder).mkdir(mode=0o700, exist_ok=True)
                keystore.save_signer(target / "keys" / folder, path.stem, keystore.load_signer(path.parent, path.stem))
    if (home / "tls").exists():
        (target / "tls").mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(home / "tls" / "ca.pem", target / "tls" / "ca.pem")
        for code in codes:
            keystore.save_signer(target / "tls", code, keystore.load_signer(home / "tls", code))
    own = settings_of(config, codes)
    install(target, own, codes, registry, now, types)
    (target / settings.FILE).write_text(settings.render(own), "utf-8")


def settings_of(config: Config, codes: Sequence[str]) -> Config:
    """What the home of these agencies has of the centre's settings."""
    return config._replace(
        installation=config.installation._replace(role="agency", agencies=tuple(codes)),
        store=settings.Store(),
        adapter=config.adapter._replace(agencies={c: t for c, t in config.adapter.agencies.items() if c in codes}),
        folders=config.folders,
        keys=settings.Keys(),
    )
