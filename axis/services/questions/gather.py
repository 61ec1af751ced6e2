"""What is found out about a home for :mod:`axis.core.doctor`: plain values, without secrets, without anything of a
document. Whatever cannot be found out is one section's trouble."""

from __future__ import annotations

import platform
import shutil
import stat
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from axis import __version__
from axis.core import chain, lineage, officers, secret
from axis.core.hub.rules import GAP_OPEN
from axis.core.instant import to_text
from axis.core.message import DEAD_QUEUE
from axis.core.registry import HUB
from axis.errors import AxisError, Fault
from axis.infra import keystore
from axis.infra.database import SCHEMA_VERSION
from axis.infra.record import agenda, backlog, health, restored

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from cryptography import x509

    from axis.core.message import Route
    from axis.core.registry import Registry
    from axis.infra.amqp.management import Management
    from axis.infra.record.high_water import HighWater
    from axis.infra.record.store import HubStore

MOST = 10_000  # files of a folder that are counted
INCIDENTS = "incidents"


def section(gather: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `gather` finds, or why it could not."""
    try:
        return gather()
    except AxisError as error:
        problem = error.problems[0]
        return {"error": f"{problem.fault.code}: {problem.text()}"}
    except Exception as error:  # noqa: BLE001  one section that breaks is said, the others are looked at
        return {"error": f"{type(error).__name__}: {error}"[:300]}


def program() -> dict[str, Any]:
    """What runs this."""
    return {"version": __version__, "python": platform.python_version(), "system": platform.system()}


def home(path: Path, uid: int) -> dict[str, Any]:
    """Modes, secrets, room on the disk, traces of incidents."""
    folders = [one for one in (path, path / "keys", path / "pki") if one.is_dir()]
    secrets = [one for name in ("keys", "pki", "tls") for one in (path / name).glob("*") if _is_secret(one)]
    usage = shutil.disk_usage(path)
    traces = sorted((path / INCIDENTS).glob("axis-*.log"))
    return {
        "folders": [{"name": one.name, "mode": oct(stat.S_IMODE(one.stat().st_mode))[2:]} for one in folders],
        "secrets": [
            {"name": str(one.relative_to(path)), "is_private": _is_private(one, uid)} for one in sorted(secrets)
        ],
        "free_bytes": usage.free,
        "size_bytes": usage.total,
        "incidents": [{"name": one.name, "at": _changed(one)} for one in traces],
    }


def _is_secret(path: Path) -> bool:
    return path.is_file() and path.suffix in {".key", ".toml", ".witness", ".witness-ml-dsa"}


def _is_private(path: Path, uid: int) -> bool:
    status = path.stat()
    return secret.is_private(status.st_mode, status.st_uid, uid)


def _changed(path: Path) -> str:
    return to_text(datetime.fromtimestamp(path.stat().st_mtime, UTC))


def keys(path: Path, names: Collection[str], load: Callable[[str], object]) -> dict[str, Any]:
    """Pairs of key and certificate, and when certificates end. `load` gets what signs for a name."""
    pairs, certificates = list[dict[str, str]](), list[dict[str, str]]()
    for name in sorted(names):
        problem = ""
        try:
            load(name)
        except AxisError as error:
            problem = error.problems[0].fault.code
        pairs.append({"name": name, "problem": problem})
    found = [(f"keys/{name}.pem", "sign") for name in sorted(names)]
    # The hub's certificate of enrolment may have ended: the registry leads on from it, see `registry`.
    found += [(f"pki/{one.name}", "ca") for one in sorted((path / "pki").glob("*.pem")) if one.name != "hub.pem"]
    found += [(f"tls/{one.name}", "tls") for one in sorted((path / "tls").glob("*.pem"))]
    for name, use in found:
        try:
            one = _certificate(name, use, keystore.load_certificate(path / name))
        except AxisError:
            continue  # the pair says so
        if use == "sign" and (until := _next_ends(path, name)):
            one["until"] = max(one["until"], until)
        certificates.append(one)
    return {"pairs": pairs, "certificates": certificates, "log": _log_key(path) if HUB in names else ""}


def _log_key(path: Path) -> str:
    """What is wrong with the key of the log; "" for nothing."""
    try:
        found = keystore.load_log_key(path / "pki")
    except AxisError as error:
        return error.fault.code
    return "" if found is not None else Fault.KEY_FILE_MISSING.code


def _next_ends(path: Path, name: str) -> str:
    """When the one ends that stands ready to take the place of this; "" where none does."""
    try:
        one = keystore.load_certificate(path / "keys" / keystore.NEXT / name.removeprefix("keys/"))
    except AxisError:
        return ""
    return to_text(one.not_valid_after_utc)


def _certificate(name: str, use: str, one: x509.Certificate) -> dict[str, str]:
    key = one.public_key()
    kind = f"rsa{key.key_size}" if isinstance(key, rsa.RSAPublicKey) else type(key).__name__
    return {
        "name": name,
        "use": use,
        "since": to_text(one.not_valid_before_utc),
        "until": to_text(one.not_valid_after_utc),
        "key": f"ec{key.key_size}" if isinstance(key, ec.EllipticCurvePublicKey) else kind,
        "digest": one.fingerprint(SHA256()).hex(),
    }


def registry(known: Registry, now: datetime) -> dict[str, Any]:
    """Members, who is suspended, when certificates end."""
    standing = {member.code: member.standing(now) for member in known.agencies}
    ends = {}
    for member in known.agencies:
        if standing[member.code] == "active" and (end := member.signs_until) is not None:
            ends[member.code] = to_text(end)
    return {
        "version": known.version,
        "members": len(known.agencies),
        "active": sorted(code for code, word in standing.items() if word == "active"),
        "suspended": sorted(code for code, word in standing.items() if word == "suspended"),
        "ends": ends,
        "made_here": lineage.made_at_the_centre(known, now),
        "revoked": sorted(c.digest for m in known.members for c in m.certificates if c.use == "sign" and c.revoked_at),
        "registrars": lineage.registrars(known).need,
        "officers": {one.name: to_text(one.certificate.not_valid_after_utc) for one in officers.listed(known)},
        "has_recovery": chain.recovery_key(known) is not None,
        "hub_until": to_text(chain.signs_until(known)),
        "certificates": sorted(one.digest for member in known.members for one in member.certificates),
    }


def database(store: HubStore, path: Path, *, thorough: bool = True) -> dict[str, Any]:
    """Kind, versions, whether it takes changes and keeps them, its clock; if that is to be `thorough`, whether its file
    is sound."""
    with store.reading() as reader:
        server = health.server(reader, path / "axis.db", thorough=thorough)
        clock = agenda.clock(reader)
    return {
        **server,
        "schema": store.database.version(),
        "wanted": SCHEMA_VERSION,
        "clock": to_text(clock) if clock else "",
    }


def record(store: HubStore, known: Registry, water: HighWater, now: datetime) -> dict[str, Any]:
    """What waits, since when, and how the ledger stands."""
    codes = [member.code for member in known.agencies]
    held = [member.code for member in known.agencies if member.standing(now) == "suspended"]
    with store.reading() as reader:
        at = restored.restored_at(reader) if known.resend_from is not None else None
        stamped, until = health.stamped(reader)
        return {
            "stamped": stamped,
            "stamps_end": until,
            "ledger": health.ledger_of(reader, water.read()),
            "outbox": health.outbox_of(reader, now, held),
            "leases": health.leases(reader),
            "quarantine": health.quarantined(reader),
            "failed": backlog.failed(reader),
            "overdue": backlog.overdue(reader),
            "waiting_since": backlog.waiting_since(reader, codes),
            "gap_until": to_text(at + GAP_OPEN) if at is not None else "",
        }


def broker(at: Management, routes: Mapping[str, Route], differences: Sequence[str], depth: int) -> dict[str, Any]:
    """Version, alarms, clock, queues (`routes` by name), and what is not as it must be."""
    nodes = at.get("nodes") or []
    words = {"mem_alarm": "memory", "disk_free_alarm": "disk"}
    alarms = [f"{one['name']}: {word}" for one in nodes for name, word in words.items() if one.get(name)]
    alarms += [f"{one['name']}: down" for one in nodes if not one.get("running")]
    standing = {one["name"]: one for one in at.get("queues", at.vhost) or []}
    queues = [
        {
            "agency": route.code,
            "kind": "to" if route.direction == "out" else "from",
            "messages": standing[name].get("messages", 0),
            "consumers": standing[name].get("consumers", 0),
        }
        for name, route in routes.items()
        if name in standing
    ]
    answered = at.answered_at
    return {
        "version": (at.get("overview") or {}).get("rabbitmq_version", ""),
        "alarms": alarms,
        "clock": to_text(parsedate_to_datetime(answered)) if answered else "",
        "differences": list(differences),
        "queues": queues,
        "depth": depth,
        "dead": standing.get(DEAD_QUEUE, {}).get("messages", 0),
    }


def agencies(
    path: Path, checked: Iterable[tuple[str, str, AxisError | None]], settle: timedelta = timedelta(seconds=5)
) -> dict[str, Any]:
    """For each agency of this home what keeps it from working, and what lies in its folders."""
    found = []
    for code, _, error in checked:
        folder = path / "agencies" / code
        waiting = _files(folder / "outbox")
        old = [at for at in waiting if datetime.now(UTC) - datetime.fromtimestamp(at, UTC) > settle]
        problem = f"{error.problems[0].fault.code}: {error.problems[0].text()}" if error is not None else ""
        found.append(
            {
                "code": code,
                "problem": problem,
                "outbox": len(waiting),
                "outbox_since": to_text(datetime.fromtimestamp(min(old), UTC)) if old else "",
                "failed": sum(1 for one in _listed(folder / "failed") if one.name.endswith(".error.json")),
            }
        )
    return {"all": found}


def _listed(folder: Path) -> list[Path]:
    try:
        return list(islice(folder.iterdir(), MOST))
    except OSError:
        return []  # that it cannot be used is said by its adapter's check


def _files(folder: Path) -> list[float]:
    found = []
    for one in _listed(folder):
        if one.name.startswith(".") or one.suffix not in {".edxml", ".asice"}:
            continue
        try:
            status = one.lstat()
        except OSError:
            continue  # taken just now
        if stat.S_ISREG(status.st_mode):  # nothing else is ever taken
            found.append(status.st_mtime)
    return found
