"""A small client of the HTTP API v1, for document systems in Python and for the examples."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Self

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType


class Refused(Exception):
    """The server's problem details (RFC 9457), in `problem`."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(f"{problem.get('title')}: {problem.get('detail')}")
        self.problem = problem


class Client:
    """A connection to the axis for one agency; a context manager. `url` is the server's, without /v1; `authority` a CA
    file, for a certificate that is not a public one."""

    def __init__(self, url: str, token: str, verify: str | bool = True, timeout: float = 60) -> None:
        import ssl

        trusted: ssl.SSLContext | bool = (
            ssl.create_default_context(cafile=verify) if isinstance(verify, str) else verify
        )
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=url, headers=headers, verify=trusted, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def submit(self, packet: bytes, idempotency_key: str = "") -> dict[str, Any]:
        """Send an edXML packet; what became of it so far. Raises :class:`Refused` with every finding."""
        headers = {"Content-Type": "application/xml"}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        return self._value(self._http.post("/v1/documents", content=packet, headers=headers))

    def examine(self, packet: bytes) -> list[dict[str, Any]]:
        """What there is to say about a packet; nothing is sent. Raises :class:`Refused` where it would be refused."""
        answer = self._http.post("/v1/documents", content=packet, params={"dry_run": "true"})
        return list(self._value(answer)["findings"])

    def documents(self, **filters: str) -> Iterator[dict[str, Any]]:
        """What was submitted, in order."""
        return self._pages("/v1/documents", filters)

    def document(self, identifier: str) -> dict[str, Any]:
        """One of them, with the hub's answer and each recipient's receipt."""
        return self._value(self._http.get(f"/v1/documents/{identifier}"))

    def inbox(self, **filters: str) -> Iterator[dict[str, Any]]:
        """What has come, in order; by default all of it (``state="initial"``: what nobody has dealt with)."""
        return self._pages("/v1/inbox", filters)

    def fetch(self, identifier: str) -> bytes:
        """The edXML packet of what has come."""
        return self._bytes(f"/v1/inbox/{identifier}/packet")

    def parcel(self, identifier: str) -> bytes:
        """The sender's signed parcel of what has come."""
        return self._bytes(f"/v1/inbox/{identifier}/parcel")

    def acknowledge(self, identifier: str, state: str = "done", reason: str = "") -> dict[str, Any]:
        """It is here durably (``done``), in work (``processing``), or could not be taken (``fail``)."""
        said = {"state": state, "reason": reason}
        return self._value(self._http.post(f"/v1/inbox/{identifier}/acknowledgement", json=said))

    def receipts(self, **filters: str) -> Iterator[dict[str, Any]]:
        """The receipts that have come, in order."""
        return self._pages("/v1/receipts", filters)

    def receipt(self, identifier: str) -> bytes:
        """A signed receipt."""
        return self._bytes(f"/v1/receipts/{identifier}")

    def proofs(self, identifier: str) -> dict[str, str]:
        """What proves a receipt of the hub in the log, by the names of the files: put beside it, they are checked by
        ``axis verify --strict``. Empty until the log has been cosigned, and for receipts of recipients."""
        shown = self._value(self._http.get(f"/v1/receipts/{identifier}/proofs"))
        return {str(one["name"]): str(one["proof"]) for one in shown["items"]}

    def trace(self, reference: str) -> dict[str, Any]:
        """What was sent and received under an id, a DocumentId or number/notation."""
        return self._value(self._http.get(f"/v1/trace/{reference}"))

    def agencies(self) -> list[dict[str, Any]]:
        """The registry."""
        return list(self._value(self._http.get("/v1/agencies"))["items"])

    def ask(self, path: str) -> dict[str, Any]:
        """GET any path of the server: of what stands beside the API, with the same token."""
        return self._value(self._http.get(path))

    def do(self, path: str, value: Any) -> dict[str, Any]:
        """POST `value` to it, as JSON. Raises :class:`Refused`."""
        return self._value(self._http.post(path, json=value))

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    def tell(self, url: str, secret: str) -> None:
        """Have what happens told to `url`; ``""`` to nobody."""
        if url:
            self._value(self._http.put("/v1/webhook", json={"url": url, "secret": secret}))
        else:
            self._http.delete("/v1/webhook").raise_for_status()

    def _pages(self, path: str, filters: dict[str, str]) -> Iterator[dict[str, Any]]:
        page = self._value(self._http.get(path, params=filters))
        while True:
            yield from page["items"]
            if not page.get("next"):
                return
            page = self._value(self._http.get(page["next"]))

    def _bytes(self, path: str) -> bytes:
        answer = self._http.get(path)
        if answer.is_error:
            raise Refused(answer.json())
        return answer.content

    def _value(self, answer: httpx.Response) -> dict[str, Any]:
        value: dict[str, Any] = answer.json()
        if answer.is_error:
            raise Refused(value)
        return value
