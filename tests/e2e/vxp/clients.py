"""A line whose agencies are connected by the client software, and what that software has been recorded to ask."""

from __future__ import annotations

import base64
import json
import socket
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axis import bootstrap, config, fronts
from axis.adapters import systems
from tests.line import Line, rest, small_home
from tests.vxp_client import SdkClient, read_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub


DATA = Path(__file__).parent.parent.parent / "data"
RECORDED = json.loads((DATA / "vxp" / "requests.json").read_text("utf-8"))
FETCHING = ("G22", "H41")
SECRETS = {"G22": RECORDED["secret"], "H41": "khóa của Nghệ An"}


@dataclass
class Served:
    """A line whose agencies G22 and H41 speak VXP; the others have folders."""

    line: Line
    hub: Hub
    agencies: list[Agency]
    port: int
    trusted: str = ""

    def client(self, code: str, base: str = "") -> SdkClient:
        return SdkClient(self.port, f"SYS.{code}", SECRETS[code], base, self.trusted)

    def rest(self) -> None:
        rest(self.hub, self.agencies, self.line.clock)

    def listed(self, code: str, messagetype: str = "edoc", **more: str) -> list[dict[str, Any]]:
        answer = self.client(code).call("getReceivedEdocList", servicetype="eDoc", messagetype=messagetype, **more)
        assert answer["status"] == "OK", answer
        return list(answer["data"])

    def told(self, code: str, messagetype: str = "edoc") -> dict[str, tuple[str, str]]:
        """By DocId: (sendStatus, receiveStatus)."""
        answer = self.client(code).call("getSentEdocList", servicetype="eDoc", messagetype=messagetype)
        return {line["senderDocId"]: (line["sendStatus"], line["receiveStatus"]) for line in answer["data"]}

    def states(self, reference: str) -> dict[str, str]:
        from axis.services.questions import trace

        return {d["recipient"]: d["state"] for d in trace.trace(self.hub.store, reference)["deliveries"]}


@contextmanager
def serving(path: Path, server: config.Server | None = None, trusted: str = "") -> Iterator[Served]:
    line = small_home(path / "home")
    kinds = {code: {"kind": "spool"} for code in FETCHING}
    listening = server or config.Server(listen="127.0.0.1:0")
    line.configure(adapter=config.Adapter(settle_seconds=0.0, agencies=kinds), server=listening)
    home = bootstrap.open_home(line.path)
    for code in FETCHING:
        systems.add_system(bootstrap.systems_file(home), f"SYS.{code}", code, SECRETS[code])
    with ExitStack() as stack:
        hub, agencies = stack.enter_context(bootstrap.embedded_parts(home))
        port = stack.enter_context(fronts.front(home, agencies))
        yield Served(line, hub, agencies, port, trusted)


def replay(served: Served, request: dict[str, Any], headers: list[list[str]] | None = None) -> tuple[int, bytes]:
    body = base64.b64decode(request["body"])
    lines = [f"{request['method']} {request['path']} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers or request["headers"]]
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
        file = connection.makefile("rb")
        if any(name == "Expect" for name, _ in request["headers"]):
            assert b" 100 " in file.readline()
            file.readline()
        connection.sendall(body)
        return read_answer(file)


def _wait(ask: Any) -> Any:
    end = time.monotonic() + 60
    while True:
        try:
            if found := ask():
                return found
        except OSError:
            pass
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.1)
