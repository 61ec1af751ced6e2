"""Tokens of the HTTP API: whose each is. A file of the home (keys/tokens.toml) keeps their digests alone."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from axis.adapters import keyfile
from axis.core.instant import to_text
from axis.errors import Fault, Misconfigured, Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ID = 12  # digits of a token's digest that name it


@dataclass(frozen=True)
class Token:
    """What is known of a token: the beginning of its digest, whose it is, since when ("": of an earlier version)."""

    id: str
    agency: str
    created_at: str


def read_tokens(path: Path) -> dict[str, str]:
    """Agencies by the hex SHA-256 of their tokens; none where there is no file. Raises :class:`Misconfigured`."""
    return {digest: one.agency for digest, one in _tokens(keyfile.read(path), path).items()}


def list_tokens(path: Path, agency: str = "") -> list[Token]:
    """The tokens that are good, of one agency or of all. Raises :class:`Misconfigured`."""
    known = _tokens(keyfile.read(path), path).values()
    return sorted((one for one in known if agency in {"", one.agency}), key=attrgetter("agency", "created_at"))


def create_token(path: Path, agency: str) -> str:
    """A new token for `agency`; the file keeps its digest alone."""
    token = secrets.token_urlsafe(32)
    with keyfile.changing(path) as known:
        known[token_digest(token)] = {"agency": agency, "created_at": to_text(datetime.now(UTC))}
    return token


def withdraw_token(path: Path, identifier: str) -> Token:
    """Take back the one token whose digest begins so, with at least six digits. Raises :class:`Rejected` NOT_FOUND."""
    with keyfile.changing(path) as known:
        found = [digest for digest in known if len(identifier) >= 6 and digest.startswith(identifier.lower())]
        if len(found) != 1:
            raise Rejected(Problem(Fault.NOT_FOUND, got=identifier[:64]))
        (withdrawn,) = _tokens({found[0]: known.pop(found[0])}, path).values()
    return withdrawn


def token_digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _tokens(content: Mapping[str, Any], path: Path) -> dict[str, Token]:
    try:
        return {
            digest: Token(digest[:ID], one, "")
            if isinstance(one, str)
            else Token(digest[:ID], str(one["agency"]), str(one["created_at"]))
            for digest, one in content.items()
        }
    except (KeyError, TypeError) as error:
        raise Misconfigured(Problem(Fault.CONFIG_INVALID, str(path), "agency, created_at", str(error))) from None


def agency_of(token: str, known: Mapping[str, str]) -> str:
    """Whose token this is; "" for nobody's."""
    digest = token_digest(token)
    found = [agency for one, agency in known.items() if hmac.compare_digest(one, digest)]
    return found[0] if found else ""
