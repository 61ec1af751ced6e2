"""RabbitMQ's management HTTP API: what the AMQP connection of an administrator cannot do.

Users, permissions, limits and open connections exist only there. Paths and bodies are those of RabbitMQ 3.10 and
later. The password stands in no message.
"""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from axis.errors import Fault, Misconfigured, Problem, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMEOUT = 20.0  # seconds for one request


class Management:
    """One virtual host of one broker, seen by an administrator.

    `url` is ``http(s)://user:password@host:15672``. Every method raises :class:`Unavailable` BROKER_DOWN when nobody
    answers and :class:`Misconfigured` BROKER_CONFIG when the login or the request is refused.
    """

    def __init__(self, url: str, vhost: str, ca_file: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Misconfigured(Problem(Fault.BROKER_CONFIG, got="the management URL begins with http:// or https://"))
        self.vhost = vhost
        self.answered_at = ""  # the server's clock at its last answer, as HTTP writes it
        self.user = unquote(parts.username or "")
        password = unquote(parts.password or "")
        self._base = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        self._login = "Basic " + base64.b64encode(f"{self.user}:{password}".encode()).decode()
        self._tls = ssl.create_default_context(cafile=ca_file or None) if parts.scheme == "https" else None

    def get(self, *path: str) -> Any:
        """What stands at `path` (its parts are escaped here); None where there is nothing."""
        return self._ask("GET", path)

    def put(self, *path: str, body: dict[str, Any]) -> None:
        """Make or replace what stands at `path`."""
        self._ask("PUT", path, body)

    def post(self, *path: str, body: dict[str, Any]) -> None:
        """Add `body` to what stands at `path`."""
        self._ask("POST", path, body)

    def delete(self, *path: str) -> None:
        """Remove what stands at `path`; nothing where there is nothing."""
        self._ask("DELETE", path)

    def close_connections(self, user: str) -> int:
        """End every open connection of `user`; how many there were."""
        # By user: the broker's own list of those that are open now; its statistics are some seconds behind.
        count = len(self.get("connections", "username", user) or [])
        self.delete("connections", "username", user)
        return count

    def _ask(self, method: str, path: Sequence[str], body: dict[str, Any] | None = None) -> Any:
        url = f"{self._base}/api/" + "/".join(quote(part, safe="") for part in path)
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": self._login, "Content-Type": "application/json"}
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310  the scheme was checked
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT, context=self._tls) as answer:  # noqa: S310
                text = answer.read()
                self.answered_at = answer.headers.get("Date", "")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            said = error.read()[:300].decode(errors="replace")
            got = f"{method} {'/'.join(path)}: {error.code} {said}"
            raise Misconfigured(Problem(Fault.BROKER_CONFIG, got=got)) from None
        except (OSError, TimeoutError) as error:
            raise Unavailable(Problem(Fault.BROKER_DOWN, got=f"management API: {error}"[:200])) from None
        return json.loads(text) if text else None
