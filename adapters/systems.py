"""The systems that speak VXP for agencies, and their secrets: ``keys/systems.toml`` of a home."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from axis.adapters import keyfile
from axis.errors import Fault, Misconfigured, Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class System:
    """A connected system: the agency that it speaks for, and the secret that it signs with."""

    agency: str
    secret: str


def read_systems(path: Path) -> dict[str, System]:
    """The systems that are known, by systemid; none where there is no file. Raises :class:`Misconfigured`:
    KEY_FILE_OPEN when others may read it, CONFIG_INVALID."""
    return _systems(keyfile.read(path), path)


def add_system(path: Path, systemid: str, agency: str, secret: str = "") -> str:
    """A system, new or with another secret; the secret (a new one where none is given). Anything that is in use
    already may stay: agencies change the endpoint alone. Raises :class:`Rejected` API_VALUE for an id that no header
    can carry."""
    if not 0 < len(systemid) <= 200 or not systemid.isprintable() or " " in systemid:
        expected = "1 to 200 characters, no space"
        raise Rejected(Problem(Fault.API_VALUE, "systemid", expected, systemid[:40]))
    given = secret or secrets.token_urlsafe(32)
    with keyfile.changing(path) as known:
        _systems(known, path)
        known[systemid] = {"agency": agency, "secret": given}
    return given


def withdraw_system(path: Path, systemid: str) -> System:
    """Take back a system and its secret. Raises :class:`Rejected` NOT_FOUND."""
    with keyfile.changing(path) as known:
        if systemid not in known:
            raise Rejected(Problem(Fault.NOT_FOUND, got=systemid[:200]))
        (withdrawn,) = _systems({systemid: known.pop(systemid)}, path).values()
    return withdrawn


def _systems(content: Mapping[str, Any], path: Path) -> dict[str, System]:
    try:
        found = {name: System(str(one["agency"]), str(one["secret"])) for name, one in content.items()}
    except (KeyError, TypeError) as error:
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, str(path), "agency, secret", str(error))) from None
    if any(not one.secret for one in found.values()):  # everybody could sign with it
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, str(path), "secret", "none"))
    return found
