"""Private servers lie where no outgoing connection can take their port while they are down."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from axis.trials import servers


def test_ports_of_servers_are_none_of_those_that_outgoing_connections_get() -> None:
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    found = servers.free_ports(20)
    assert len(set(found)) == 20
    assert not [port for port in found if low <= port <= high or port < 10_000]


def test_a_port_that_somebody_has_is_not_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = servers.free_ports(1)
    monkeypatch.setattr(servers, "_LOWEST", port)
    monkeypatch.setattr(servers, "_EPHEMERAL", tmp_path / "range")
    (tmp_path / "range").write_text(f"{port + 1}\t65535\n")
    assert servers.free_ports(1) == [port]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        with pytest.raises(servers.NoServerError, match="free ports outside"):
            servers.free_ports(1)
