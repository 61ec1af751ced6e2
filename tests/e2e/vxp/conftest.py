"""Lines for the tests beside, over HTTP and over HTTPS."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from axis import config
from axis.infra import keystore
from tests.e2e.vxp.clients import Served, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path) as opened:
        yield opened


@pytest.fixture(params=["http", "https"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """The same, in the clear and through TLS."""
    if request.param == "http":
        with serving(tmp_path) as opened:
            yield opened
        return
    now = datetime.now(UTC)
    authority = keystore.new_authority(now)
    keystore.save_signer(tmp_path, "ca", authority)
    keystore.save_signer(tmp_path, "localhost", keystore.new_tls(authority, "localhost", now, ["localhost"]))
    server = config.Server("127.0.0.1:0", str(tmp_path / "localhost.pem"), str(tmp_path / "localhost.key"))
    with serving(tmp_path, server, str(tmp_path / "ca.pem")) as opened:
        yield opened
