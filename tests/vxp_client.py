"""The VXP client SDK once more, for tests: what it puts on the wire, byte for byte as it was measured.

One object keeps every parameter that it was ever given; each call but sendEdoc has a connection of its own and waits for
``100 Continue`` before a body; sendEdoc sends the packet with a line break behind it and its digest without zeros.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import ssl
from datetime import datetime
from typing import Any

ESCAPED = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\b": "\\b", "\n": "\\n", "\r": "\\r", "\f": "\\f"}
WITH_BODY = {"registerAgency", "deleteAgency", "getEdoc", "updateStatus"}


def text(value: str) -> str:
    return '"' + "".join(ESCAPED.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in value) + '"'


class SdkClient:
    """A service object of the SDK."""

    def __init__(self, port: int, systemid: str, secret: str, base: str = "", trusted: str = "") -> None:
        self.port, self.secret, self.base = port, secret, base
        self.context = ssl.create_default_context(cafile=trusted) if trusted else None
        moment = datetime.now().strftime("%d%m%YT%H%M%S") + "+0904"  # milliseconds, not a time zone
        self.parameters: dict[str, str] = {"systemid": systemid, "timestamp": moment}
        self.continued = 0  # how often the server has said 100 Continue

    def call(self, operation: str, body: bytes | None = None, method: str = "POST", **parameters: str) -> Any:
        """The answer of an operation; the bytes, where it is no JSON."""
        self.parameters |= {"Content-Type": "application/json", **parameters}
        if body is None:
            body = b"{}" if operation in WITH_BODY else b""
        head = self.head(method, operation, len(body))
        answer = self._exchange(head, body, waits=operation in WITH_BODY)
        try:
            return json.loads(answer)
        except ValueError:
            return answer

    def send(self, packet: bytes, messagetype: str = "edoc", **parameters: str) -> Any:
        """sendEdoc."""
        unpadded = "".join(f"{byte:x}" for byte in hashlib.sha256(packet).digest())
        self.parameters |= {
            "from": self.parameters["systemid"].rpartition(".")[2],
            "servicetype": "eDoc",
            "messagetype": messagetype,
            "Content-Type": "application/octet-stream",
            "hash-file": unpadded,
            **parameters,
        }
        body = packet + b"\r\n"
        return json.loads(self._exchange(self.head("POST", "sendEdoc", len(body)), body, waits=False))

    def fetch(self, identifier: str) -> bytes:
        """getEdoc's packet."""
        import base64

        answer = self.call("getEdoc", docId=identifier, filePath="xml")
        assert answer["status"] == "OK", answer
        return base64.b64decode(answer["data"])

    def head(self, method: str, operation: str, length: int) -> bytes:
        """The request's head, signed."""
        names = list(self.parameters)
        sign = "{" + ",".join(f"{text('XroadVnpt-' + n)}:{text(self.parameters[n])}" for n in names) + "}"
        mac = hmac.new(self.secret.encode(), sign.encode(), hashlib.sha256).hexdigest()
        lines = [f"{method} {self.base}/{operation} HTTP/1.1", f"Content-Type: {self.parameters['Content-Type']}"]
        lines += [f"XroadVnpt-{n}: {self.parameters[n]}" for n in names]
        lines += [
            f"XroadVnpt-sign-header-key: {';'.join(names)}",
            f"XroadVnpt-sign-header: {sign}",
            f"XroadVnpt-hash-header: {mac}",
            "User-Agent: JAVASDKAgent/1.0.0 XRoad/VPCP",
            "XroadVnpt-version: 3.0.201608",
            f"Host: localhost:{self.port}",
            "Connection: Keep-Alive",
            f"Content-Length: {length}",
        ]
        if operation in WITH_BODY:
            lines.append("Expect: 100-continue")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def _exchange(self, head: bytes, body: bytes, *, waits: bool) -> bytes:
        with self.connect() as connection:
            connection.sendall(head)
            file = connection.makefile("rb")
            if waits:
                connection.settimeout(3)  # the SDK goes on after three seconds
                if b" 100 " in file.readline():
                    self.continued += 1
                    file.readline()
                connection.settimeout(60)
            connection.sendall(body)
            return read_answer(file)[1]

    def connect(self) -> socket.socket:
        """A new connection."""
        connection = socket.create_connection(("localhost", self.port), timeout=60)
        if self.context is not None:
            return self.context.wrap_socket(connection, server_hostname="localhost")
        return connection


def read_answer(file: Any) -> tuple[int, bytes]:
    """(status, body) of an HTTP answer."""
    status = int(file.readline().split()[1])
    length, chunked = 0, False
    while (line := file.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        chunked = chunked or (name.lower(), value.strip()) == (b"transfer-encoding", b"chunked")
    if not chunked:
        return status, file.read(length)
    body = b""
    while size := int(file.readline(), 16):
        body += file.read(size)
        file.readline()
    file.readline()
    return status, body
