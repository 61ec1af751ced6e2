"""What the tests of the hub's core share."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import pytest

from axis.core import edxml

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="session")
def _packets_are_read_once() -> Iterator[None]:
    """The same packet is refused thousands of times: it is read once for all of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edxml, "read_document", lru_cache(maxsize=4096)(edxml.read_document))
        yield
