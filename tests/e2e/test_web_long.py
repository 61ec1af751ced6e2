"""A long address is answered at once, whoever asks and in however many pieces it comes."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from axis import desks
from axis.home import open_home
from tests.line import Line, small_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[desks.Served]:
    path: Path = tmp_path_factory.mktemp("long") / "home"
    line: Line = small_home(path, codes=("G22", "H41"))
    with desks.served(open_home(line.path), "127.0.0.1:0", "", (), "vi") as found:
        yield found


@pytest.mark.parametrize("ends", ["\r\n", "\n"])
@pytest.mark.parametrize("piece", [1448, 8192, 1 << 20])
@pytest.mark.parametrize(
    ("query", "status"),
    [("words=" + "a" * 9000, 400), ("a" * 9000, 200), ("&a=b" * 2250, 400), ("words=" + "%C4%83" * 9000, 400)],
    ids=["field", "name", "fields", "encoded"],
)
def test_a_long_address_is_answered_at_once(
    served: desks.Served, query: str, status: int, piece: int, ends: str
) -> None:
    host = served.base.rpartition("/")[2]
    session = served.web.entry.login(served.web.clock(), once=served.web.entry.once(served.web.clock()))
    head = (
        f"GET /documents?{query} HTTP/1.1",
        f"Host: {host}",
        f"Cookie: axis-desk-{host.rpartition(':')[2]}={session}",
    )
    data = (ends.join(head) + ends + ends).encode()
    name, _, port = host.rpartition(":")
    with socket.create_connection((name, int(port)), timeout=10) as connection:
        begun = time.monotonic()
        for start in range(0, len(data), piece):
            connection.sendall(data[start : start + piece])
        said = connection.recv(64)
    assert said.startswith(f"HTTP/1.1 {status} ".encode())
    assert time.monotonic() - begun < 5
