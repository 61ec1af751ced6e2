"""Who has logged in, and until when: kept in memory alone, so that a restart asks everybody to log in again."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from axis.adapters.systems import System

SESSION = timedelta(minutes=30)
EACH = 20  # sessions that one system may have: with one more its oldest ends


@dataclass(frozen=True)
class Session:
    """A session of a system, which speaks for `agency`."""

    system: str
    agency: str
    until: datetime


class Sessions:
    """Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, OrderedDict[str, Session]] = {}

    def log_in(self, systems: Mapping[str, System], name: str, secret: str, now: datetime) -> str:
        """A new session's token; "" for an unknown system or a wrong secret, which take the same time."""
        known = systems.get(name)
        right = hmac.compare_digest(
            _digest(secret), _digest(known.secret if known is not None else secrets.token_hex())
        )
        if known is None or not right:
            return ""
        token = secrets.token_urlsafe(32)
        with self._lock:
            mine = self._open.setdefault(name, OrderedDict())
            for old in [key for key, one in mine.items() if one.until <= now]:
                del mine[old]
            while len(mine) >= EACH:
                mine.popitem(last=False)
            mine[_digest(token)] = Session(name, known.agency, now + SESSION)
        return token

    def session(self, systems: Mapping[str, System], token: str, now: datetime) -> Session | None:
        """The session of this token; None where there is none, it is over, or its system was taken back or given to
        another agency since."""
        digest = _digest(token)
        with self._lock:
            found = next((mine[digest] for mine in self._open.values() if digest in mine), None)
        if found is None or found.until <= now:
            return None
        system = systems.get(found.system)
        return found if system is not None and system.agency == found.agency else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
