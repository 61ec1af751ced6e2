"""Acts at the centre: made by whoever changes the registry, signed by officers, carried out.

Where the keys that are at hand are not enough, an act waits as a file in the home's folder ``officers``, is carried to
whoever else has to sign, and is carried out when it comes back."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from axis.core import officers
from axis.core import registry as trust
from axis.core.instant import whole
from axis.core.officers import Act, Signed
from axis.core.registry import HUB, Registry
from axis.errors import AxisError, Fault, Misconfigured, Problem, Rejected, rejected, unusable
from axis.infra import keystore
from axis.services.operate import acts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from axis.core.registry import Certificate, Member
    from axis.core.signature import KeySigner, Signer

WAITING, CARRIED = "officers", "carried"  # folders: in the home, and in that
KEYS = "officers"  # below keys/
NAME = "officer"  # of the files of a key that lies in a folder of its own
OWN = "officer-1"  # of the one that is made with a home
KEY_ENV, PASSWORD_ENV = "AXIS_OFFICER_KEY", "AXIS_OFFICER_PASSWORD"


def load(folder: Path, password: bytes | None = None) -> KeySigner:
    """The key of an officer, or of a registrar, in a folder. Raises as :func:`axis.infra.keystore.load_signer`."""
    name = "registrar" if (folder / "registrar.key").exists() else NAME
    return keystore.load_signer(folder, name, password or _password())


def at_hand(home: Path) -> list[Signer]:
    """The officers' keys that lie in the home, and in the folders that the environment names (``AXIS_OFFICER_KEY``,
    several as in PATH). Raises as :func:`load` for a folder that is named."""
    found: list[Signer] = []
    for path in sorted((home / "keys" / KEYS).glob("*.key")):
        with suppress(AxisError):  # one whose password nobody has given signs nothing
            found.append(keystore.load_signer(path.parent, path.stem, _password()))
    found += [load(Path(one)) for one in os.environ.get(KEY_ENV, "").split(os.pathsep) if one]
    return found


def _password() -> bytes | None:
    return os.environ.get(PASSWORD_ENV, "").encode() or None


def make_key(folder: Path, name: str, password: bytes | None, now: datetime) -> Path:
    """An officer's key in a folder of its own, encrypted where there is a password, and the file of its certificate.
    Raises :class:`Misconfigured` HOME_EXISTS, FILE_UNUSABLE."""
    if (folder / f"{NAME}.key").exists():
        raise Misconfigured(Problem(Fault.HOME_EXISTS, got=str(folder)))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise unusable(folder, error) from None
    keystore.save_signer(folder, NAME, keystore.new_registrar(name, now), password or _password())
    return folder / f"{NAME}.pem"


def waiting(home: Path) -> list[Path]:
    """The files of acts that wait."""
    return sorted((home / WAITING).glob("*.act"))


def make_own(home: Path, now: datetime) -> Certificate:
    """The key of the one officer that a new home has, in the home, and its entry, of every role."""
    folder = home / "keys" / KEYS
    folder.mkdir(mode=0o700, exist_ok=True)
    with suppress(AxisError):
        return officers.officer_entry(keystore.load_signer(folder, OWN).certificate, officers.ROLES)
    for ending in ("key", "pem"):
        (folder / f"{OWN}.{ending}").unlink(missing_ok=True)
    signer = keystore.new_registrar(OWN, now)
    keystore.save_signer(folder, OWN, signer)
    return officers.officer_entry(signer.certificate, officers.ROLES)


def authorised(
    home: Path,
    hands: Sequence[Signer],
    before: Registry,
    after: Member,
    what: str,
    reason: str,
    now: datetime,
    *,
    anew: bool = False,
) -> tuple[Registry, Signed | None]:
    """The registry that follows `before` with `after` in it and, where officers are listed, the act that led to it;
    where other registrars are named `anew`, without those before.
    Raises :class:`Rejected` ACT_WAITS where the keys at hand are not enough; ACT_INVALID, ACT_OFFICERS."""
    changed, was = before.changed(after, now), before.by_code.get(after.code)
    is_said = was is not None and officers.facts(was) == officers.facts(after)  # the hub's own keys are no facts
    if is_said or not officers.listed(before):
        return changed, None
    act = officers.prepare(before, after, what, reason, whole(now), secrets.token_hex(16))
    entry = trust.write(Registry(before.installation, changed.version, whole(now), (after,)))
    signed = complete(home, Signed(act, entry=entry), before, hands, anew=anew)
    return officers.with_act(changed, signed), signed


def authorised_all(
    home: Path, hands: Sequence[Signer], before: Registry, changed: Registry, what: str, reason: str, now: datetime
) -> tuple[Registry, list[Signed]]:
    """`changed`, which follows `before` and changes several members, with an act for each, one after the other.
    Raises as :func:`authorised`; what waits is the first that lacks signatures, and when that is carried out the same
    changes are those that are left."""
    step, found = before, list[Signed]()
    for member in changed.members if officers.listed(before) else ():
        was = step.by_code.get(member.code)
        if was is not None and officers.facts(was) == officers.facts(member):
            continue
        act = officers.prepare(step, member, what, reason, whole(now), secrets.token_hex(16))
        entry = trust.write(Registry(before.installation, changed.version, whole(now), (member,)))
        found.append(complete(home, Signed(act, entry=entry), step, hands))
        step = replace(step.changed(member, now), version=before.version)
    for one in found:
        changed = officers.with_act(changed, one)
    return changed, found


def rehearse(hands: Sequence[Signer], before: Registry, after: Member, what: str, now: datetime) -> None:
    """Raise what :func:`authorised` would for its act, and keep nothing: ACT_WAITS where officers have yet to sign."""
    if not officers.listed(before):
        return
    signed = Signed(officers.prepare(before, after, what, "", whole(now), secrets.token_hex(16)))
    for signer in hands:
        signed = _signed_by(signed, signer, before)
    if (lacks := officers.missing(signed, before)) != (0, 0):
        names = ", ".join(one.name for one in officers.signers(signed, before))
        raise Rejected(Problem(Fault.ACT_WAITS, "", str(sum(lacks)), names or "-"))


def complete(home: Path, signed: Signed, before: Registry, hands: Sequence[Signer], *, anew: bool = False) -> Signed:
    """The act with the signatures of those at hand, if that is all that it needs, which is noted; otherwise it waits as
    a file: :class:`Rejected` ACT_WAITS."""
    for signer in hands:
        if officers.missing(signed, before) == (0, 0):
            break
        signed = _signed_by(signed, signer, before)
    of_officers, of_registrars = officers.missing(signed, before)
    names = ", ".join(one.name for one in officers.signers(signed, before))
    if of_officers or (of_registrars and not anew):
        lacks = str(of_officers + of_registrars)
        raise Rejected(Problem(Fault.ACT_WAITS, str(save(home, signed)), lacks, names or "-"))
    acts.signed(names, signed.act.digest)
    return signed


def _signed_by(signed: Signed, signer: Signer, before: Registry) -> Signed:
    """With this signature, where it changes anything."""
    after = signed.by(signer)
    return after if officers.missing(after, before) != officers.missing(signed, before) else signed


def save(home: Path, signed: Signed) -> Path:
    """The file of an act that waits. It takes the place of one about the same, after whichever registry."""
    folder = home / WAITING
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / _file_of(signed.act)
    keystore.replace_file(path, officers.write(signed))
    for old in waiting(home):
        if old != path and old.name.partition("-")[2] == path.name.partition("-")[2]:
            old.unlink()
    return path


def _file_of(act: Act) -> str:
    about = hashlib.sha256(act.about.encode()).hexdigest()[:12] if act.what in officers.DOINGS else act.about
    return f"{act.follows}-{act.what}-{about}.act"


@contextmanager
def permitted(home: Path, before: Registry, what: str, about: str, reason: str, now: datetime) -> Iterator[None]:
    """Within, this may be done at the centre: officers have signed it, here or in the file that waits for it, for this
    one time. Nothing is asked where none are listed. Raises :class:`Rejected` ACT_WAITS."""
    if not officers.listed(before):
        yield
        return
    signed = Signed(officers.doing(before, what, about, reason, whole(now), secrets.token_hex(16)))
    path = home / WAITING / _file_of(signed.act)
    if path.exists():
        waits = officers.read(path.read_bytes())
        same = replace(signed.act, at=waits.act.at, nonce=waits.act.nonce, reason=waits.act.reason)
        signed = waits if same == waits.act and not _is_used(home, waits) else signed
    signed = complete(home, signed, before, at_hand(home))
    yield
    carried(home, signed)


def _is_used(home: Path, signed: Signed) -> bool:
    return any(officers.read(one.read_bytes()).act == signed.act for one in (home / WAITING / CARRIED).glob("*.act"))


def bring(home: Path, signed: Signed, before: Registry) -> Path:
    """Put an act of that kind, that has come back with signatures, where :func:`permitted` finds it. Raises
    :class:`Rejected` ACT_OLD, ACT_WAITS."""
    act = signed.act
    if (act.installation, act.follows) != (before.installation, before.version):
        raise rejected(Fault.ACT_OLD, str(act.follows), str(before.version))
    return save(home, complete(home, signed, before, at_hand(home)))


def renewed(signed: Signed, before: Registry, now: datetime) -> Signed:
    """The same act after the registry as it is now, without signatures where it was made after another one. Raises
    :class:`Rejected` ACT_OLD where what it says of the facts is true no more."""
    act = signed.act
    if act.installation != before.installation or not signed.entry:
        raise rejected(Fault.ACT_INVALID, act.installation)
    if act.state != officers.state(officers.known(before)):
        raise rejected(Fault.ACT_OLD, str(act.follows), str(before.version))
    if act.follows == before.version:
        return signed
    new = replace(act, follows=before.version, at=whole(now), nonce=secrets.token_hex(16))
    return Signed(new, entry=signed.entry)


def entry_of(signed: Signed, before: Registry) -> Member:
    """The member that carrying out the act puts into the registry: with the facts that were signed. Raises
    :class:`Rejected` ACT_INVALID."""
    found = trust.read(signed.entry).members
    held = officers.known(before).get(signed.act.about, ())
    if (
        len(found) != 1
        or found[0].code != signed.act.about
        or officers.facts(found[0]) != officers.applied(held, signed.act)
    ):
        raise rejected(Fault.ACT_INVALID, signed.act.about)
    if signed.act.about != HUB:
        return found[0]
    # Of the hub's entry the facts alone were signed: what else stands there is as it is now.
    own = before.by_code[HUB]
    others = [one for one in own.certificates if not _is_fact(one)]
    return replace(own, certificates=(*others, *(one for one in found[0].certificates if _is_fact(one))))


def _is_fact(one: Certificate) -> bool:
    from axis.core.lineage import is_registrar

    return officers.is_officer(one) or is_registrar(one)


def carried(home: Path, signed: Signed) -> None:
    """The act is carried out: its file is kept with the others, for a record that is put back to before it."""
    folder = home / WAITING / CARRIED
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = _file_of(signed.act)
    unique = f"-{signed.act.nonce[:8]}" if signed.act.what in officers.DOINGS else ""
    keystore.replace_file(folder / name.replace(".act", f"{unique}.act"), officers.write(signed))
    (home / WAITING / name).unlink(missing_ok=True)


def name_first(registry: Registry, home: Path, now: datetime) -> Member | None:
    """The hub's entry with the one officer whose key is made in the home, for a registry that lists none; None where
    it lists some."""
    if officers.listed(registry):
        return None
    hub = registry.by_code[HUB]
    return replace(hub, certificates=(*hub.certificates, make_own(home, now)))


def with_officer(registry: Registry, certificate: Certificate) -> Member:
    """The hub's entry with one more officer. Raises :class:`Misconfigured` HOME_EXISTS for one that is listed."""
    if any(one.digest == certificate.digest for one in officers.listed(registry)):
        raise Misconfigured(Problem(Fault.HOME_EXISTS, got=certificate.digest[:16]))
    hub = registry.by_code[HUB]
    return replace(hub, certificates=(*hub.certificates, certificate))


def without_officer(registry: Registry, name: str) -> Member:
    """The hub's entry without the officer of this name, or whose certificate's SHA-256 begins so. Raises
    :class:`Rejected` OFFICER_UNKNOWN where that is not one."""
    listed = officers.listed(registry)
    found = [one for one in listed if one.name == name] or [
        one for one in listed if len(name) >= 8 and one.digest.startswith(name.lower())
    ]
    if len(found) != 1:
        raise rejected(Fault.OFFICER_UNKNOWN, name[:64], ", ".join(f"{one.name} ({one.digest[:8]})" for one in listed))
    hub = registry.by_code[HUB]
    return replace(hub, certificates=tuple(one for one in hub.certificates if one.digest != found[0].digest))
