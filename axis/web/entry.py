"""Who comes in at the desk, and as whom: nobody, unless by a certificate that is known, or by this process' token.

The token is made anew at each start and lies in a file that its owner alone can read; the printed address brings
in once. A session is a random name in a cookie that no script sees and no other site sends; here its digest is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime
    from pathlib import Path

    from axis.core.registry import Registry

OPERATOR = ""  # who sees all that the home has
ONCE = timedelta(minutes=15)  # for which the printed address is good
SESSION = timedelta(hours=12)
MAX_SESSIONS = 100  # of a web desk; the oldest goes


@dataclass
class Entry:
    """The door of one desk. `registry` tells whose a certificate is; `operators`: SHA-256 of certificates that see all;
    `local`: as whom the token brings in; `codes`: the agencies that may have a desk here."""

    registry: Callable[[], Registry]
    codes: Callable[[], Collection[str]]
    operators: frozenset[str] = frozenset()
    local: str = OPERATOR
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    _once: tuple[str, datetime | None] = ("", None)
    _sessions: dict[str, datetime] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def once(self, now: datetime) -> str:
        """A word that brings in one browser, once, soon; an earlier one is good no more."""
        word = secrets.token_urlsafe(32)
        with self._lock:
            self._once = (_digest(word), now + ONCE)
        return word

    def login(self, now: datetime, *, token: str = "", once: str = "") -> str:
        """The name of a new session; "" for whom does not come in."""
        with self._lock:
            word, until = self._once
            if once and until is not None and now < until and hmac.compare_digest(_digest(once), word):
                self._once = ("", None)
            elif not token or not hmac.compare_digest(_digest(token), _digest(self.token)):
                return ""
            name = secrets.token_urlsafe(32)
            self._sessions = {one: end for one, end in self._sessions.items() if now < end}
            while len(self._sessions) >= MAX_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[_digest(name)] = now + SESSION
            return name

    def logout(self, session: str) -> None:
        """It is over."""
        with self._lock:
            self._sessions.pop(_digest(session), None)

    def viewer(self, certificate: bytes, session: str, now: datetime) -> str | None:
        """Whose desk is shown: of an agency's code, or of an OPERATOR; None for nobody's. A certificate that was shown
        decides, also that nobody comes in."""
        if certificate:
            return self._of_certificate(certificate, now)
        with self._lock:
            end = self._sessions.get(_digest(session)) if session else None
        return self.local if end is not None and now < end else None

    def _of_certificate(self, der: bytes, now: datetime) -> str | None:
        """TLS has seen that the configured CA issued it, and that the client has its key. An agency that is suspended
        or closed has no desk: why it was suspended may be that its keys are somebody else's."""
        if hashlib.sha256(der).hexdigest() in self.operators:
            return OPERATOR
        names = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if len(names) != 1 or (code := str(names[0].value)) not in self.codes():
            return None
        member = next((one for one in self.registry().agencies if one.code == code), None)
        return code if member is not None and member.standing(now) == "active" else None


@contextmanager
def kept(path: Path, token: str) -> Iterator[None]:
    """Within, the token lies in a file of this user's alone."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(token + "\n")
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()


def _digest(word: str) -> str:
    return hashlib.sha256(word.encode("utf-8", "surrogateescape")).hexdigest()
