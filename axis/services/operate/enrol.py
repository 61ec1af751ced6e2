"""An agency's own key: asked for at the agency, admitted at the centre, taken home again.

Each step may be broken off and done again: the same request gives the same key, the same certificate, the same home.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from axis import config as settings
from axis.core import chain, enrolment, lineage, parcel, witnesses
from axis.core.chain import read_registry
from axis.core.enrolment import Enrolment
from axis.core.instant import whole
from axis.core.registry import Certificate, Member, signing_certificate
from axis.errors import AxisError, Fault, Misconfigured, Problem, problems_of, rejected
from axis.infra import files, keystore
from axis.infra.keystore import NEXT
from axis.services.operate import officers, provision
from axis.services.operate.registry import change, known_member

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from axis.config import Config
    from axis.core.enrolment import Request
    from axis.core.registry import Registry
    from axis.core.signature import PrivateKey, Signer
    from axis.infra.keystore import KeyType
    from axis.services.operate.registry import Registrar

# -- At the agency ---------------------------------------------------------------------------------------------------


def request(
    home: Path, code: str, key_type: KeyType, installation: str, before: Signer | None, now: datetime
) -> tuple[Path, bytes]:
    """The file of a request, and its bytes: new keys for `code` in `home`, which stay there, introduced by the key
    `before`, if the agency has one. As long as what was asked for is not in use, it is the same request."""
    provision.own_folder(home)
    for name in ("keys", "tls"):
        (home / name / NEXT).mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / name).chmod(0o700)
    path = home / "keys" / NEXT / f"{code}.request"
    signing = _own_key(home / "keys" / NEXT / f"{code}.key", key_type)
    connection = _own_key(home / "tls" / NEXT / f"{code}.key", "p256")
    key = signing.public_key()
    if path.exists():
        data = path.read_bytes()
        if lineage.key_of(enrolment.read_request(data).signing) == lineage.key_of(keystore.new_request(signing, code)):
            return path, data
    own = lineage.introduce(installation, code, key, keystore.self_signed(signing, code, now), whole(now))
    heirs = [lineage.introduce(installation, code, key, before, whole(now))] if before is not None else []
    asked = (keystore.new_request(signing, code), keystore.new_request(connection, code))
    keystore.make_witness_keys(home / "keys", code)
    data = enrolment.write_request(
        enrolment.Request(code, *asked, (own, *heirs), _witness(home, code, installation, signing, now))
    )
    enrolment.read_request(data)
    keystore.replace_file(path, data)
    return path, data


def _witness(home: Path, code: str, installation: str, signing: PrivateKey, now: datetime) -> tuple[bytes, ...]:
    """The witness keys of `home`, introduced by the key that is asked for."""
    by, keys = keystore.self_signed(signing, code, now), keystore.load_witness_keys(home / "keys", code)
    return tuple(lineage.introduce(installation, code, one.public_key(), by, whole(now)) for one in keys.values())


def _own_key(path: Path, kind: KeyType) -> PrivateKey:
    if not path.exists():
        keystore.save_key(path.parent, path.stem, keystore.new_key(kind))
    return keystore.load_key(path)


def check_enrolment(home: Path, data: bytes, told: str, now: datetime) -> Enrolment:
    """The enrolment in `data`, if it is the file that was told of, is whole, and belongs to the keys of `home`. Raises
    Rejected FINGERPRINT_DIFFERS, ENROLMENT_INVALID; Misconfigured KEY_FILE_MISSING, HOME_EXISTS."""
    enrolment.check_fingerprint(data, told)
    found = enrolment.read_enrolment(data)
    certificate, _ = (_certificate(text) for text in (found.certificate, found.authority))
    registry = read_registry(found.registry, signing_certificate(_certificate(found.hub)))
    der = certificate.public_bytes(Encoding.DER)
    if registry.installation != found.installation or registry.certificate(der, now)[0] != found.code:
        raise rejected(Fault.ENROLMENT_INVALID, found.code)
    _check_settings(found)
    _key_for(home / "keys", found.code, certificate)
    if found.tls_certificate:
        _certificate(found.tls_authority)
        _key_for(home / "tls", found.code, _certificate(found.tls_certificate))
    if (home / settings.FILE).exists():
        here = settings.load(home).installation
        if (here.role, here.id) != ("agency", found.installation) or found.code not in here.agencies:
            raise Misconfigured(Problem(Fault.HOME_EXISTS, got=f"{home} ({here.id}, {', '.join(here.agencies)})"))
    return found


def _check_settings(found: Enrolment) -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / settings.FILE).write_text(found.settings, "utf-8")
        read = settings.load(Path(folder)).installation
    if (read.id, read.role, read.agencies) != (found.installation, "agency", (found.code,)):
        raise rejected(Fault.ENROLMENT_INVALID, settings.FILE)


def _certificate(text: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        raise rejected(Fault.ENROLMENT_INVALID, "PEM") from None


def _key_for(folder: Path, code: str, certificate: x509.Certificate) -> Path:
    """The file of the key that `certificate` is for. Raises Misconfigured KEY_FILE_MISSING."""
    for path in (folder / NEXT / f"{code}.key", folder / f"{code}.key"):
        if path.exists() and keystore.load_key(path).public_key() == certificate.public_key():
            return path
    raise Misconfigured(Problem(Fault.KEY_FILE_MISSING, got=f"{folder / NEXT / code}.key"))


def enrol(home: Path, found: Enrolment, now: datetime) -> None:
    """Make `home` the agency's home, or put its new key into use there. Nothing works in it meanwhile. Broken off at
    any point, it is done again; what makes the folder a home, axis.toml, is written last."""
    for name in ("pki", "agencies"):
        (home / name).mkdir(mode=0o700, exist_ok=True)
    keystore.replace_file(home / "pki" / "ca.pem", found.authority.encode())
    keystore.replace_file(home / "pki" / "hub.pem", found.hub.encode())
    if found.tls_certificate:
        _put_to_use(home / "tls", found.code, _certificate(found.tls_certificate))
        keystore.replace_file(home / "tls" / "ca.pem", found.tls_authority.encode())
    _put_to_use(home / "keys", found.code, _certificate(found.certificate))
    provision.make_folders(home, found.code)
    is_new = not (home / settings.FILE).exists()
    with TemporaryDirectory() as folder:
        (Path(folder) / settings.FILE).write_text(found.settings, "utf-8")
        config = settings.load(Path(folder) if is_new else home)
    provision.install(home, config, [found.code], found.registry, now)
    if is_new:
        keystore.replace_file(home / settings.FILE, found.settings.encode())
    for name in ("keys", "tls"):
        shutil.rmtree(home / name / NEXT, ignore_errors=True)


def _put_to_use(folder: Path, code: str, certificate: x509.Certificate) -> None:
    path = _key_for(folder, code, certificate)
    if path.parent != folder:
        files.rename(path, folder / path.name)
    keystore.replace_certificate(folder, code, certificate)


# -- At the centre ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Admitted:
    """What became of a request. `enrolment` is the file for the agency; none while `waits_until` is to come: registrars
    have introduced the key, and the agency is told meanwhile."""

    registry: Registry
    code: str
    enrolment: bytes | None
    waits_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What a request comes to, before anything is changed: the member as it is and as it will be, and its certificate;
    none where the key waits until `ripe`."""

    before: Member
    after: Member
    certificate: Certificate | None
    ripe: datetime | None = None


def admit(
    registrar: Registrar,
    config: Config,
    request: Request,
    now: datetime,
    *,
    issued: x509.Certificate | None = None,
    authority: x509.Certificate | None = None,
    vouchers: Sequence[bytes] = (),
) -> Admitted:
    """Put the key of `request` into the registry, and make the enrolment. The certificate is the home's own CA's, or
    was `issued` by somebody else's `authority`. A member that had a key gets another one where that key, or enough
    registrars, have introduced it. The same request again: the same certificate.

    Raises Rejected: AGENCY_UNKNOWN, KEY_HEIR, KEY_ROLE, REQUEST_INVALID."""
    found = _prepare(registrar, request, now, issued, authority, vouchers)
    registry = registrar.registry()
    if found.after != found.before:
        what = "admit" if found.certificate is not None else "claim"
        registry = change(registrar, found.after, what, "", now)
    if found.certificate is None:
        return Admitted(registry, request.code, None, found.ripe)
    return Admitted(registry, request.code, _enrolment(registrar, config, found.certificate, request, now))


def rehearse(
    registrar: Registrar,
    request: Request,
    now: datetime,
    *,
    issued: x509.Certificate | None = None,
    authority: x509.Certificate | None = None,
    vouchers: Sequence[bytes] = (),
) -> list[Problem]:
    """What :func:`admit` and what comes after it would meet, each by itself; nothing is changed."""

    def follows() -> None:
        before = registrar.registry()
        prepared = _prepare(registrar, request, now, issued, authority, vouchers)
        if prepared.after != prepared.before:
            what = "admit" if prepared.certificate is not None else "claim"
            officers.rehearse(registrar.officers, before, prepared.after, what, now)
            lineage.check_follows(before, before.changed(prepared.after, now), now)

    steps: list[Callable[[], object]] = [follows]
    if issued is not None:  # otherwise the first step has used it
        steps.append(lambda: keystore.load_certificate(registrar.home / "pki" / "ca.pem"))
    if (registrar.home / "tls").exists():
        steps.append(lambda: keystore.load_signer(registrar.home / "tls", "ca"))
    return problems_of([*steps, lambda: parcel.check_validity(registrar.signer.certificate, now)])


def _prepare(
    registrar: Registrar,
    request: Request,
    now: datetime,
    issued: x509.Certificate | None,
    authority: x509.Certificate | None,
    vouchers: Sequence[bytes],
) -> _Prepared:
    registry = registrar.registry()
    member = known_member(registry, request.code)
    if member.standing(now) == "closed":
        raise rejected(Fault.AGENCY_UNKNOWN, request.code)
    key, at = lineage.key_of(request.signing), whole(now)
    if revoked := [c for c in member.certificates if c.use == "sign" and c.revoked_at and _key(c) == key]:
        raise rejected(Fault.KEY_REVOKED, str(revoked[0].revoked_at), request.code)
    said = [one for one in (*request.introductions, *vouchers) if _is_about(one, request, registry)]
    trusted, allowed = lineage.trusted_keys(member), lineage.registrars(registry)
    certificates = [x509.load_der_x509_certificate(one) for one in said]
    if trusted and key not in trusted and not lineage.is_introduced(certificates, trusted, allowed, at):
        before = _held_here(registrar, member)
        ripe = lineage.ripe_at(certificates, allowed)
        if before is not None:
            named = enrolment.public_key(request)
            said.append(lineage.introduce(registry.installation, member.code, named, before, at))
        elif ripe is None:
            raise rejected(Fault.KEY_HEIR, request.code)
        else:
            return _Prepared(member, _with(member, None, said), None, ripe)
    held = [one for one in member.certificates if one.use == "sign" and _key(one) == key]
    entry = _certified(registrar, member, request, held, issued, authority, now)
    after = _with(member, entry, said)
    known = {one.der for one in member.certificates}
    for one in request.witness:
        if one not in known and witnesses.introduced(one, member.code, registry.installation, [key]) is not None:
            after = replace(after, certificates=(*after.certificates, witnesses.entry(one)))
    return _Prepared(member, after, entry)


def _is_about(introduction: bytes, request: Request, registry: Registry) -> bool:
    read, key = x509.load_der_x509_certificate(introduction), lineage.key_of(request.signing)
    return lineage.key_of(read) == key and lineage.is_for(read, request.code, registry.installation, key)


def _key(one: Certificate) -> bytes:
    return lineage.key_of(one.x509)


def _held_here(registrar: Registrar, member: Member) -> Signer | None:
    """A key of the member that the centre has made, and still has: it may name its heir."""
    try:
        signer = keystore.load_signer(registrar.home / "keys", member.code)
    except AxisError:
        return None
    return signer if lineage.key_of(signer.certificate) in lineage.trusted_keys(member) else None


def _with(member: Member, certificate: Certificate | None, introductions: Sequence[bytes]) -> Member:
    """`member` with these, each once."""
    known = {one.der for one in member.certificates}
    new = [certificate] if certificate is not None and certificate.der not in known else []
    new += [lineage.entry(one) for one in introductions if one not in known]
    return replace(member, certificates=(*member.certificates, *new)) if new else member


def _certified(
    registrar: Registrar,
    member: Member,
    request: Request,
    held: Sequence[Certificate],
    issued: x509.Certificate | None,
    authority: x509.Certificate | None,
    now: datetime,
) -> Certificate:
    if issued is None:
        if held and held[-1].x509.not_valid_after_utc > now:
            return held[-1]
        own = keystore.load_signer(registrar.home / "pki", "ca")
        made = keystore.certify_member(own, member.code, member.name_vi, enrolment.public_key(request), now)
        return signing_certificate(made)
    if lineage.key_of(issued) != lineage.key_of(request.signing):
        raise rejected(Fault.REQUEST_INVALID, issued.subject.rfc4514_string()[:200])
    try:
        if authority is not None:
            issued.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001  the library names many faults of a foreign certificate, all mean this
        raise rejected(Fault.SIG_SIGNER, issued.issuer.rfc4514_string()[:200]) from None
    parcel.check_validity(issued, now)
    return signing_certificate(issued)


def _enrolment(
    registrar: Registrar,
    config: Config,
    entry: Certificate,
    request: Request,
    now: datetime,
) -> bytes:
    home, code = registrar.home, request.code
    tls, signed = (home / "tls" / "ca.key").exists(), registrar.signed()
    return enrolment.write_enrolment(
        Enrolment(
            installation=config.installation.id,
            code=code,
            certificate=_pem(entry.x509),
            authority=(home / "pki" / "ca.pem").read_text("utf-8"),
            hub=_pem(chain.signed_by(signed).x509),  # the one in use: those before it may be in somebody else's hands
            registry=signed,
            settings=settings.render(provision.settings_of(config, [code])),
            tls_certificate=_pem(_tls_certificate(home / "tls", request, now)) if tls else "",
            tls_authority=(home / "tls" / "ca.pem").read_text("utf-8") if tls else "",
        )
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _tls_certificate(folder: Path, request: Request, now: datetime) -> x509.Certificate:
    path = folder / f"{request.code}.pem"
    if path.exists():
        there = keystore.load_certificate(path)
        if lineage.key_of(there) == lineage.key_of(request.connection) and there.not_valid_after_utc > now:
            return there
    key = enrolment.connection_key(request)
    made = keystore.certify_tls(keystore.load_signer(folder, "ca"), request.code, now, (), key)
    keystore.replace_certificate(folder, request.code, made)
    (folder / f"{request.code}.key").unlink(missing_ok=True)  # that the centre has made, and that ends here
    return made


def revoke(
    registrar: Registrar, code: str, digest: str, reason: str, now: datetime, *, keeps_key: bool = False
) -> Registry:
    """From now on nothing is believed that is signed with the certificate that has this SHA-256, or begins so; without
    one, with all but the newest. A key of it that the centre has made is deleted here, unless it `keeps_key`.

    Raises Rejected CERTIFICATE_UNKNOWN for a certificate that the agency does not have."""
    member = known_member(registrar.registry(), code)
    held = [one for one in member.certificates if one.use == "sign"]
    ended = [one for one in held if one.digest.startswith(digest.lower())] if digest else held[:-1]
    if digest and len(ended) != 1:
        raise rejected(Fault.CERTIFICATE_UNKNOWN, digest[:64], path=code)
    ended = [one for one in ended if one.revoked_at is None]
    registry = registrar.registry()
    if ended:
        named = {one.der for one in ended}
        after = tuple(
            replace(one, revoked_at=whole(now), reason=reason) if one.der in named and one.use == "sign" else one
            for one in member.certificates
        )
        registry = change(registrar, replace(member, certificates=after), "revoke", reason, now)
    if not keeps_key:
        _forget_key(registrar.home / "keys", registry.by_code[code])
    return registry


def _forget_key(folder: Path, member: Member) -> None:
    path = folder / f"{member.code}.pem"
    if path.exists() and lineage.key_of(keystore.load_certificate(path)) not in lineage.trusted_keys(member):
        for ending in ("key", "pem"):
            (folder / f"{member.code}.{ending}").unlink(missing_ok=True)
